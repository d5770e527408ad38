/*
 * The synthetic world's calls: a month in the shape of a US business carrier's, in order of start.
 *
 * The month's calls are shared out to its minutes by the hour of the day and the day of the week, and within
 * a minute evenly with a jitter, so the file comes out in order with nothing to sort. Everything else of a
 * call is drawn from one generator. A call costs about a dozen multiplications and no division by a variable.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

enum {
    ROW_BYTES_MOST = 256,
    SHAPE_OFFSET_MIN = 5 * 60, /* the shape is that of US Eastern standard time; the times are UTC */
    SHARES = 10000,            /* shares below are of this many */
};

/* Calls per minute in each hour of a working day, relative to each other; Saturday and Sunday take a share.
 */
static const int hour_weight[24] = {4,   2,   2,   2,   3,   8,   25, 60, 120, 150, 155, 150,
                                    125, 145, 155, 150, 140, 110, 75, 60, 48,  34,  18,  9};
static const int weekday_percent[7] = {100, 104, 103, 101, 95, 38, 27}; /* Monday first */

/* Durations of answered calls in ms: a heavy tail in steps, each even within itself. */
static const struct {
    int up_to; /* share of SHARES, cumulative */
    int from_ms, to_ms;
} durations[] = {
    {1400, 1000, 6000},     {4000, 6000, 30000},     {5800, 30000, 60000},     {8200, 60000, 180000},
    {9400, 180000, 600000}, {9900, 600000, 1800000}, {9995, 1800000, 7200000}, {10000, 7200000, 43200000},
};

/* Half of what goes abroad goes to a few places. */
static const char *const favourites[] = {"44", "52", "49", "33", "91", "63", "86", "55"};
enum { FAVOURITES = sizeof favourites / sizeof favourites[0] };

static const int toll_free_npas[8] = {800, 833, 844, 855, 866, 877, 888, 888};
static const char *const n11_codes[16] = {"411", "411", "411", "411", "411", "411", "411", "611",
                                          "611", "511", "311", "211", "811", "911", "911", "988"};

struct calls {
    const struct world *world;
    struct world_random random;
    struct cmd_output out;
    int favourite_index[FAVOURITES];
    int64_t deck_exchanges; /* that the domestic deck has a row of its own for */
    char pairs[200];        /* "00" "01" ... "99" */
    char minute[24];        /* "2026-03-01T14:03:" */
    int64_t row;            /* of all calls: becomes the record id */
};

static uint64_t below(struct calls *calls, uint64_t limit)
{
    return world_scale(world_next(&calls->random), limit);
}

/* ---- digits ---- */

static char *put_pair(const struct calls *calls, char *at, unsigned value)
{
    memcpy(at, calls->pairs + 2 * value, 2);
    return at + 2;
}

/* "+1" and ten digits */
static char *put_national(const struct calls *calls, char *at, uint64_t number)
{
    *at++ = '+';
    *at++ = '1';
    unsigned high = (unsigned)(number / 100000), low = (unsigned)(number % 100000);
    *at++ = (char)('0' + high / 10000);
    at = put_pair(calls, at, high % 10000 / 100);
    at = put_pair(calls, at, high % 100);
    *at++ = (char)('0' + low / 10000);
    at = put_pair(calls, at, low % 10000 / 100);
    return put_pair(calls, at, low % 100);
}

static char *put_number(char *at, uint64_t value)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

/* ---- who calls whom ---- */

/* A number of the book; low places, which are the large accounts', more often. */
static uint64_t own_number(struct calls *calls)
{
    uint64_t u = world_next(&calls->random);
    uint64_t skewed = (uint64_t)(((unsigned __int128)u * (u | 1)) >> 64);
    return calls->world->numbers[world_scale(skewed, (uint64_t)calls->world->number_count)];
}

/* Any US number: every fourth in the area code of `near`, the others in exchanges that the domestic deck
 * names. Now and then it is one of the book's, as in life. */
static uint64_t other_number(struct calls *calls, uint64_t near)
{
    uint64_t bits = world_next(&calls->random);
    uint64_t rest = below(calls, 8000000 - 80000);
    if (bits & 3 && calls->deck_exchanges > 0) {
        int npa;
        int64_t index = (int64_t)world_scale(bits, (uint64_t)calls->deck_exchanges);
        return (uint64_t)world_exchange(calls->world, index, &npa) * 10000 + rest % 10000;
    }
    uint64_t hundred = rest / 990000, within = rest % 990000; /* 99 exchanges a hundred: no N11 */
    uint64_t exchange = within / 10000;
    exchange += exchange >= 11;
    return near / 10000000 * 10000000 + (2 + hundred) * 1000000 + exchange * 10000 + within % 10000;
}

static char *put_abroad(struct calls *calls, char *at)
{
    uint64_t bits = world_next(&calls->random);
    const struct world_country *country;
    if (bits & 1)
        country = &world_countries[calls->favourite_index[bits >> 1 & (FAVOURITES - 1)]];
    else
        country = &world_countries[world_scale(bits, (uint64_t)world_country_count)];
    *at++ = '+';
    char *begin = at;
    size_t length = strlen(country->prefix);
    memcpy(at, country->prefix, length);
    at += length;
    length = strcspn(country->mobile, " ");
    if (bits & 0x100) {
        memcpy(at, country->mobile, length);
        at += length;
    } else {
        *at++ = (char)('1' + (bits >> 9) % 9);
    }
    int total = 11 + (int)(bits >> 16 & 1);
    uint64_t digits = world_next(&calls->random);
    while (at - begin < total) {
        *at++ = (char)('0' + digits % 10);
        digits /= 10;
    }
    return at;
}

/* Where an outgoing call goes; *always: emergency and the like are answered. */
static char *put_callee(struct calls *calls, char *at, uint64_t caller, bool *always)
{
    unsigned kind = (unsigned)below(calls, SHARES);
    if (kind < 8700)
        return put_national(calls, at, other_number(calls, caller));
    if (kind < 8950) /* within the book */
        return put_national(calls, at, own_number(calls));
    if (kind < 9550) {
        uint64_t bits = world_next(&calls->random);
        return put_national(
            calls, at, (uint64_t)toll_free_npas[bits & 7] * 10000000 + 2000000 + world_scale(bits, 7999999));
    }
    if (kind < 9880)
        return put_abroad(calls, at);
    if (kind < 9930) {
        const struct world_country *island = &world_islands[below(calls, (uint64_t)world_island_count)];
        uint64_t npa = (uint64_t)(island->prefix[1] - '0') * 100 + (uint64_t)(island->prefix[2] - '0') * 10 +
                       (uint64_t)(island->prefix[3] - '0');
        return put_national(calls, at, npa * 10000000 + 2000000 + below(calls, 7999999));
    }
    if (kind < 9993) {
        *always = true;
        memcpy(at, n11_codes[world_next(&calls->random) & 15], 3);
        return at + 3;
    }
    if (kind < 9995)
        return put_national(calls, at, UINT64_C(9002000000) + below(calls, 7999999));
    /* Networks of no country: one the deck blocks, one it does not know. */
    *at++ = '+';
    memcpy(at, kind & 1 ? "8816" : "8835", 4);
    return put_number(at + 4, UINT64_C(10000000) + below(calls, 89999999));
}

/* ---- one row ---- */

static unsigned draw_duration_ms(struct calls *calls)
{
    uint64_t bits = world_next(&calls->random);
    int share = (int)(bits & 0xFFFF) * SHARES >> 16;
    size_t i = 0;
    while (share >= durations[i].up_to)
        i++;
    unsigned span = (unsigned)(durations[i].to_ms - durations[i].from_ms);
    unsigned ms = (unsigned)durations[i].from_ms + (unsigned)world_scale(bits, span);
    return bits & 0x10000 ? ms - ms % 1000 : ms; /* every other switch counts whole seconds */
}

static char *put_duration(const struct calls *calls, char *at, unsigned ms)
{
    at = put_number(at, ms / 1000);
    if (ms % 1000 == 0)
        return at;
    *at++ = '.';
    *at++ = (char)('0' + ms % 1000 / 100);
    return put_pair(calls, at, ms % 100);
}

static char *put_word(char *at, const char *word)
{
    size_t length = strlen(word);
    memcpy(at, word, length);
    return at + length;
}

/* record_id,start,duration_s,caller,callee,service,quantity,direction,answered */
static void put_call(struct calls *calls, unsigned ms_of_minute)
{
    char *begin = cmd_put_room(&calls->out, ROW_BYTES_MOST), *at = begin;
    char caller[24] = "", callee[24] = "", *caller_end = caller, *callee_end = callee;
    unsigned kind = (unsigned)below(calls, SHARES);
    bool out = kind < 6500, message = kind >= 6100 && kind < 6900, always = false;
    uint64_t own = own_number(calls);
    unsigned chance = (unsigned)below(calls, 1000);
    if (out) {
        if (chance < 3) /* a caller that nobody has in the book */
            own = other_number(calls, own);
        caller_end = put_national(calls, caller, own);
        if (message)
            callee_end = put_national(calls, callee, other_number(calls, own));
        else
            callee_end = put_callee(calls, callee, own, &always);
    } else {
        if (chance >= 12) /* else anonymous */
            caller_end = put_national(calls, caller, other_number(calls, own));
        callee_end = put_national(calls, callee, own);
    }
    bool answered = message || always || below(calls, 100) < (out ? 74u : 81u);
    unsigned duration_ms = answered && !message ? draw_duration_ms(calls) : 0;

    *at++ = 'c';
    uint64_t id = (uint64_t)calls->row++;
    at = put_pair(calls, at, (unsigned)(id / 10000000000 % 100));
    at = put_pair(calls, at, (unsigned)(id / 100000000 % 100));
    at = put_pair(calls, at, (unsigned)(id / 1000000 % 100));
    at = put_pair(calls, at, (unsigned)(id / 10000 % 100));
    at = put_pair(calls, at, (unsigned)(id / 100 % 100));
    at = put_pair(calls, at, (unsigned)(id % 100));
    *at++ = ',';
    memcpy(at, calls->minute, 17);
    at = put_pair(calls, at + 17, ms_of_minute / 1000);
    *at++ = '.';
    *at++ = (char)('0' + ms_of_minute % 1000 / 100);
    at = put_pair(calls, at, ms_of_minute % 100);
    *at++ = 'Z';
    *at++ = ',';
    at = put_duration(calls, at, duration_ms);
    *at++ = ',';
    memcpy(at, caller, sizeof caller);
    at += caller_end - caller;
    *at++ = ',';
    memcpy(at, callee, sizeof callee);
    at += callee_end - callee;
    at = put_word(at, message ? ",sms," : ",voice,");
    if (message)
        *at++ = (char)('1' + (chance & 7) / 6); /* one message, now and then two */
    at = put_word(at, out ? ",out" : ",in");
    at = put_word(at, answered ? ",yes\n" : ",no\n");
    calls->out.used += (size_t)(at - begin);
}

/* ---- the month ---- */

static int days_of(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int world_days(const struct world *world)
{
    return days_of(world->year, world->month);
}

/* 0 Monday .. 6 Sunday (Sakamoto's method). */
static int weekday_of(int year, int month, int day)
{
    static const int shift[12] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int y = year - (month < 3);
    int sunday_based = (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7;
    return (sunday_based + 6) % 7;
}

/* The weight of a minute of the month, counted from its first UTC midnight. */
static int64_t minute_weight(int first_weekday, int64_t minute)
{
    int64_t local = minute - SHAPE_OFFSET_MIN + 7 * 1440; /* a week more keeps it positive */
    int weekday = (int)((first_weekday + local / 1440) % 7);
    return (int64_t)hour_weight[local / 60 % 24] * weekday_percent[weekday];
}

void world_calls_name(int file, int file_count, char name[32])
{
    if (file_count == 1)
        snprintf(name, 32, "cdrs.csv");
    else
        snprintf(name, 32, "cdrs-%04d.csv", file + 1);
}

static void calls_begin(struct calls *calls, const struct world *world)
{
    memset(calls, 0, sizeof *calls);
    calls->world = world;
    int64_t exchanges = world_exchange_count(world);
    calls->deck_exchanges = world->prefix_count - 1 < exchanges ? world->prefix_count - 1 : exchanges;
    for (uint64_t i = 0; i < 4; i++)
        calls->random.s[i] = world_mix(world->seed ^ (UINT64_C(0xCA11) << 32) ^ i);
    for (int i = 0; i < 100; i++) {
        calls->pairs[2 * i] = (char)('0' + i / 10);
        calls->pairs[2 * i + 1] = (char)('0' + i % 10);
    }
    for (int f = 0; f < FAVOURITES; f++)
        for (int i = 0; i < world_country_count; i++)
            if (strcmp(world_countries[i].prefix, favourites[f]) == 0)
                calls->favourite_index[f] = i;
}

static int open_file(struct calls *calls, struct world_folder *folder, int file, int file_count,
                     struct toll_error *error)
{
    char name[32];
    world_calls_name(file, file_count, name);
    int code = world_file_open(folder, name, &calls->out, error);
    if (code == 0)
        cmd_put_text(&calls->out,
                     "record_id,start,duration_s,caller,callee,service,quantity,direction,answered\n");
    return code;
}

int world_write_calls(const struct world *world, struct world_folder *folder, int file_count,
                      void (*tick)(void *context, int64_t done), void *context, struct toll_error *error)
{
    struct calls calls;
    int64_t minutes = (int64_t)world_days(world) * 1440, whole = 0, before = 0;
    int first_weekday = weekday_of(world->year, world->month, 1);
    calls_begin(&calls, world);
    for (int64_t m = 0; m < minutes; m++)
        whole += minute_weight(first_weekday, m);
    int file = 0;
    int64_t file_end = world->cdr_count / file_count; /* of all rows */
    int code = open_file(&calls, folder, 0, file_count, error);
    for (int64_t m = 0; m < minutes && code == 0; m++) {
        int64_t weight = minute_weight(first_weekday, m);
        int64_t count = (int64_t)((__int128)world->cdr_count * (before + weight) / whole -
                                  (__int128)world->cdr_count * before / whole);
        before += weight;
        snprintf(calls.minute, sizeof calls.minute,
                 "%04u-%02u-%02uT%02u:%02u:", (unsigned)world->year % 10000, (unsigned)world->month % 100,
                 (unsigned)(m / 1440 + 1) % 100, (unsigned)(m / 60 % 24), (unsigned)(m % 60));
        for (int64_t i = 0; i < count && code == 0; i++) {
            if (calls.row == file_end && file + 1 < file_count) {
                code = world_file_close(folder, &calls.out, error);
                if (code < 0)
                    return code;
                file++;
                file_end = (int64_t)((__int128)world->cdr_count * (file + 1) / file_count);
                code = open_file(&calls, folder, file, file_count, error);
                if (code < 0)
                    return code;
            }
            uint64_t jitter = below(&calls, 60000);
            put_call(&calls, (unsigned)(((uint64_t)i * 60000 + jitter) / (uint64_t)count));
        }
        if (m % 60 == 59)
            tick(context, calls.row);
        if (calls.out.failure)
            break;
    }
    return code < 0 ? code : world_file_close(folder, &calls.out, error);
}
