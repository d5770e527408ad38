/*
 * Time zones. Expectations are facts known from elsewhere: New York moved its clocks at 2026-03-08T07:00Z and
 * 2026-11-01T06:00Z, London at 2026-03-29T01:00Z and 2026-10-25T01:00Z, and so on. Small zone files are put
 * together here byte by byte, so that most tests need no zone files of the system.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/zone.h"
#include "io/zonefile.h"

#define NEW_YORK_RULE "EST5EDT,M3.2.0,M11.1.0"

/* A wall clock as if it were UTC, by the C library's arithmetic. */
static toll_ms at(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};

    return (toll_ms)timegm(&tm) * 1000;
}

struct bytes {
    uint8_t data[1024];
    size_t count;
};

static void put(struct bytes *bytes, uint64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--)
        bytes->data[bytes->count++] = (uint8_t)(value >> (8 * i));
}

static void put_header(struct bytes *bytes, char version, uint32_t times, uint32_t types, uint32_t characters)
{
    memcpy(bytes->data + bytes->count, "TZif", 4);
    bytes->count += 4;
    put(bytes, (uint8_t)version, 1);
    put(bytes, 0, 7);
    put(bytes, 0, 8);
    put(bytes, 0, 4);
    put(bytes, 0, 4);
    put(bytes, 0, 4);
    put(bytes, times, 4);
    put(bytes, types, 4);
    put(bytes, characters, 4);
}

struct transition {
    int64_t second;
    uint8_t type; /* 0 LMT -4:56:02, 1 EST, 2 EDT */
};

static void put_types(struct bytes *bytes)
{
    static const int32_t offsets[3] = {-17762, -18000, -14400};

    for (int i = 0; i < 3; i++) {
        put(bytes, (uint32_t)offsets[i], 4);
        put(bytes, i == 2, 1);
        put(bytes, (uint64_t)(4 * i), 1);
    }
    memcpy(bytes->data + bytes->count, "LMT\0EST\0EDT", 12);
    bytes->count += 12;
}

/* A version 2 file with an empty first block, these transitions and this footer. */
static struct bytes make_file(const struct transition *transitions, uint32_t count, const char *footer)
{
    struct bytes bytes = {.count = 0};

    put_header(&bytes, '2', 0, 1, 1);
    put(&bytes, 0, 6 + 1);
    put_header(&bytes, '2', count, 3, 12);
    for (uint32_t i = 0; i < count; i++)
        put(&bytes, (uint64_t)transitions[i].second, 8);
    for (uint32_t i = 0; i < count; i++)
        put(&bytes, transitions[i].type, 1);
    put_types(&bytes);
    put(&bytes, '\n', 1);
    memcpy(bytes.data + bytes.count, footer, strlen(footer));
    bytes.count += strlen(footer);
    put(&bytes, '\n', 1);
    return bytes;
}

/* Parses a copy that ends where the bytes end, so that a read beyond them is caught by a sanitizer. */
static int parse(const uint8_t *data, size_t count, struct toll_zone **zone, struct toll_error *error)
{
    uint8_t *exact = malloc(count == 0 ? 1 : count);
    int code;

    assert_non_null(exact);
    memcpy(exact, data, count);
    code = toll_zone_parse(exact, count, "Test/Zone", zone, error);
    free(exact);
    assert_true((code == 0) == (*zone != NULL));
    return code;
}

/* 1883-11-18T17:00Z, the two switches of 2006 by the old law and the two of 2007 by the new one. */
#define NEW_YORK_COUNT 5
static const struct transition new_york[NEW_YORK_COUNT] = {
    {-2717650800, 1}, {1143961200, 2}, {1162101600, 1}, {1173596400, 2}, {1194156000, 1}};

static struct toll_zone *new_york_zone(void)
{
    struct bytes bytes = make_file(new_york, NEW_YORK_COUNT, NEW_YORK_RULE);
    struct toll_zone *zone;

    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), 0);
    return zone;
}

static void assert_interval(const struct toll_zone *zone, toll_ms utc, int32_t offset_s, toll_ms from,
                            toll_ms until)
{
    toll_ms got_from, got_until;

    assert_int_equal(toll_zone_offset(zone, utc, &got_from, &got_until), offset_s);
    assert_true(got_from == from);
    assert_true(got_until == until);
}

static void finds_offsets_by_transition_and_by_rule(void **state)
{
    struct toll_zone *zone = new_york_zone();
    toll_ms spring = at(2026, 3, 8, 7, 0), fall = at(2026, 11, 1, 6, 0);

    (void)state;
    assert_string_equal(toll_zone_name(zone), "Test/Zone");
    assert_interval(zone, TOLL_MS_MIN, -17762, TOLL_MS_MIN, at(1883, 11, 18, 17, 0));
    assert_interval(zone, at(1883, 11, 18, 17, 0), -18000, at(1883, 11, 18, 17, 0), at(2006, 4, 2, 7, 0));
    assert_interval(zone, at(2006, 7, 4, 0, 0), -14400, at(2006, 4, 2, 7, 0), at(2006, 10, 29, 6, 0));
    assert_interval(zone, at(2006, 12, 1, 0, 0), -18000, at(2006, 10, 29, 6, 0), at(2007, 3, 11, 7, 0));
    assert_interval(zone, spring - 1, -18000, at(2025, 11, 2, 6, 0), spring);
    assert_interval(zone, spring, -14400, spring, fall);
    assert_interval(zone, fall - 1, -14400, spring, fall);
    assert_interval(zone, fall, -18000, fall, at(2027, 3, 14, 7, 0));
    /* The second Sunday of March 2150 is the 8th, the first of November the 1st. */
    assert_interval(zone, at(2150, 7, 1, 0, 0), -14400, at(2150, 3, 8, 7, 0), at(2150, 11, 1, 6, 0));
    assert_interval(zone, at(2199, 7, 1, 0, 0), -14400, at(2199, 3, 10, 7, 0), at(2199, 11, 3, 6, 0));
    assert_interval(zone, TOLL_MS_MAX, -18000, at(2199, 11, 3, 6, 0), TOLL_MS_MAX);
    assert_int_equal(toll_zone_offset(zone, spring, NULL, NULL), -14400);
    toll_zone_free(zone);
}

static void converts_wall_clocks(void **state)
{
    struct toll_zone *zone = new_york_zone();
    toll_ms utc = 0;

    (void)state;
    assert_true(toll_zone_to_utc(zone, at(2026, 1, 15, 12, 0), TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 1, 15, 17, 0));
    assert_true(toll_zone_to_utc(zone, at(2026, 7, 15, 12, 0), TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 7, 15, 16, 0));

    /* 02:00..02:59 never happens on 8 March: 02:30 counts as 02:30 EST, that is 03:30 EDT. */
    assert_true(toll_zone_to_utc(zone, at(2026, 3, 8, 1, 59), TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 3, 8, 6, 59));
    assert_false(toll_zone_to_utc(zone, at(2026, 3, 8, 2, 0), TOLL_FOLD_REJECT, &utc));
    assert_false(toll_zone_to_utc(zone, at(2026, 3, 8, 3, 0) - 1, TOLL_FOLD_REJECT, &utc));
    assert_true(toll_zone_to_utc(zone, at(2026, 3, 8, 2, 30), TOLL_FOLD_FIRST, &utc));
    assert_true(utc == at(2026, 3, 8, 7, 30));
    assert_true(toll_zone_to_utc(zone, at(2026, 3, 8, 2, 30), TOLL_FOLD_SECOND, &utc));
    assert_true(utc == at(2026, 3, 8, 7, 30));
    assert_true(toll_zone_to_utc(zone, at(2026, 3, 8, 3, 0), TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 3, 8, 7, 0));

    /* 01:00..01:59 happens twice on 1 November. */
    assert_true(toll_zone_to_utc(zone, at(2026, 11, 1, 1, 0) - 1, TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 11, 1, 5, 0) - 1);
    assert_false(toll_zone_to_utc(zone, at(2026, 11, 1, 1, 0), TOLL_FOLD_REJECT, &utc));
    assert_false(toll_zone_to_utc(zone, at(2026, 11, 1, 2, 0) - 1, TOLL_FOLD_REJECT, &utc));
    assert_true(toll_zone_to_utc(zone, at(2026, 11, 1, 1, 30), TOLL_FOLD_FIRST, &utc));
    assert_true(utc == at(2026, 11, 1, 5, 30));
    assert_true(toll_zone_to_utc(zone, at(2026, 11, 1, 1, 30), TOLL_FOLD_SECOND, &utc));
    assert_true(utc == at(2026, 11, 1, 6, 30));
    assert_true(toll_zone_to_utc(zone, at(2026, 11, 1, 2, 0), TOLL_FOLD_REJECT, &utc));
    assert_true(utc == at(2026, 11, 1, 7, 0));

    /* By rule, far ahead. */
    assert_false(toll_zone_to_utc(zone, at(2150, 3, 8, 2, 30), TOLL_FOLD_REJECT, &utc));
    assert_true(toll_zone_to_utc(zone, at(2150, 11, 1, 1, 30), TOLL_FOLD_SECOND, &utc));
    assert_true(utc == at(2150, 11, 1, 6, 30));

    assert_true(toll_zone_to_utc(zone, TOLL_MS_MIN, TOLL_FOLD_REJECT, &utc));
    assert_true(utc == TOLL_MS_MIN);
    assert_true(toll_zone_to_utc(zone, TOLL_MS_MAX, TOLL_FOLD_REJECT, &utc));
    assert_true(utc == TOLL_MS_MAX);
    toll_zone_free(zone);
}

static struct toll_zone *zone_by_rule(const char *rule)
{
    struct bytes bytes = make_file(NULL, 0, rule);
    struct toll_error error;
    struct toll_zone *zone;

    print_message("%s\n", rule);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, &error), 0);
    return zone;
}

static void reads_rules(void **state)
{
    struct toll_zone *zone;

    (void)state;
    zone = zone_by_rule("<+0330>-3:30");
    assert_interval(zone, 0, 12600, TOLL_MS_MIN, TOLL_MS_MAX);
    toll_zone_free(zone);

    zone = zone_by_rule("GMT0BST,M3.5.0/1,M10.5.0");
    assert_interval(zone, at(2026, 6, 1, 0, 0), 3600, at(2026, 3, 29, 1, 0), at(2026, 10, 25, 1, 0));
    toll_zone_free(zone);

    /* Half an hour, southern: summer from 4 October 2026 02:00 +10:30 to 4 April 2027 02:00 +11. */
    zone = zone_by_rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    assert_interval(zone, at(2027, 1, 1, 0, 0), 39600, at(2026, 10, 3, 15, 30), at(2027, 4, 3, 15, 0));
    toll_zone_free(zone);

    /* Dublin writes winter time as the exception. */
    zone = zone_by_rule("IST-1GMT0,M10.5.0,M3.5.0/1");
    assert_interval(zone, at(2026, 6, 1, 0, 0), 3600, at(2026, 3, 29, 1, 0), at(2026, 10, 25, 1, 0));
    toll_zone_free(zone);

    /* Hours below zero and beyond a day: Nuuk, the day before the last Sunday at 22:00 and 23:00 of -2 and
     * -1. */
    zone = zone_by_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    assert_interval(zone, at(2026, 6, 1, 0, 0), -3600, at(2026, 3, 29, 1, 0), at(2026, 10, 25, 1, 0));
    toll_zone_free(zone);
    /* Gaza as of 2022: 50 hours after the start of the fourth Thursday of March is Saturday 02:00. */
    zone = zone_by_rule("EET-2EEST,M3.4.4/50,M10.4.4/50");
    assert_interval(zone, at(2026, 6, 1, 0, 0), 10800, at(2026, 3, 28, 0, 0), at(2026, 10, 23, 23, 0));
    toll_zone_free(zone);

    /* Julian days: J60 is 1 March in every year, 59 is 29 February in leap years. */
    zone = zone_by_rule("AAA0BBB,J60/0,J300/0");
    assert_interval(zone, at(2024, 4, 1, 0, 0), 3600, at(2024, 3, 1, 0, 0), at(2024, 10, 26, 23, 0));
    assert_interval(zone, at(2026, 4, 1, 0, 0), 3600, at(2026, 3, 1, 0, 0), at(2026, 10, 26, 23, 0));
    toll_zone_free(zone);
    zone = zone_by_rule("AAA0BBB,59/0,299/0");
    assert_interval(zone, at(2024, 4, 1, 0, 0), 3600, at(2024, 2, 29, 0, 0), at(2024, 10, 25, 23, 0));
    assert_interval(zone, at(2026, 4, 1, 0, 0), 3600, at(2026, 3, 1, 0, 0), at(2026, 10, 26, 23, 0));
    toll_zone_free(zone);

    /* Permanent summer time as RFC 8536 writes it, and with the years overlapping. */
    zone = zone_by_rule("EST5EDT,0/0,J365/25");
    assert_int_equal(toll_zone_offset(zone, at(2026, 1, 1, 5, 0), NULL, NULL), -14400);
    assert_int_equal(toll_zone_offset(zone, at(2026, 1, 1, 5, 0) - 1, NULL, NULL), -14400);
    assert_int_equal(toll_zone_offset(zone, at(2026, 7, 1, 0, 0), NULL, NULL), -14400);
    toll_zone_free(zone);
    zone = zone_by_rule("EST5EDT,0/0,J365/167");
    assert_int_equal(toll_zone_offset(zone, at(2026, 1, 7, 0, 0), NULL, NULL), -14400);
    assert_int_equal(toll_zone_offset(zone, at(2026, 1, 1, 4, 59), NULL, NULL), -14400);
    toll_zone_free(zone);
}

static void refuses_bad_rules(void **state)
{
    static const char *const rules[] = {
        "EST",
        "5",
        "ES5",
        "<EST5",
        "<ES>5",
        "EST25",
        "EST5:60",
        "EST5EDT",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,J0,J365",
        "EST5EDT,J1,J366",
        "EST5EDT,0,366",
        "EST5EDT,M3.2.0,M11.1.0x",
        "EST5EDT,M3.2.0,M11.1.0/",
        "EST99999999999999999999",
        "EST5EDT,M99999999999999.2.0,M11.1.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        struct bytes bytes = make_file(NULL, 0, rules[i]);
        struct toll_zone *zone;

        print_message("%s\n", rules[i]);
        assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    }
}

static void refuses_damage(void **state)
{
    struct bytes good = make_file(new_york, NEW_YORK_COUNT, NEW_YORK_RULE), bytes;
    const size_t second = 44 + 7, times = second + 44; /* where the second header and its block begin */
    struct transition wrong[NEW_YORK_COUNT];
    struct toll_error error;
    struct toll_zone *zone;

    (void)state;
    for (size_t count = 0; count < good.count; count++)
        assert_int_equal(parse(good.data, count, &zone, NULL), TOLL_EDATA);
    assert_int_equal(parse(good.data, 10, &zone, &error), TOLL_EDATA);
    assert_int_equal(error.code, TOLL_EDATA);
    assert_non_null(strstr(error.text, "Test/Zone"));

    bytes = good; /* something after the end */
    put(&bytes, 'x', 1);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    bytes = good; /* an unknown version */
    bytes.data[4] = bytes.data[second + 4] = '9';
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    for (size_t field = 20; field <= 40; field += 4) { /* counts near 2^32 in either header */
        bytes = good;
        memset(bytes.data + field, 0xff, 4);
        assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
        bytes = good;
        memset(bytes.data + second + field, 0xff, 4);
        assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    }
    bytes = good; /* a transition to the fourth of three types */
    bytes.data[times + NEW_YORK_COUNT * 8] = 3;
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    bytes = good; /* an offset of 2,000,000 hours */
    bytes.data[times + NEW_YORK_COUNT * 9] = 0x6f;
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    bytes = good; /* a name beyond the names */
    bytes.data[times + NEW_YORK_COUNT * 9 + 5] = 12;
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);

    memcpy(wrong, new_york, sizeof wrong); /* two transitions at once */
    wrong[1].second = wrong[2].second;
    bytes = make_file(wrong, NEW_YORK_COUNT, NEW_YORK_RULE);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    /* rules that contradict the last transition */
    bytes = make_file(new_york, NEW_YORK_COUNT, "EST4EDT,M3.2.0,M11.1.0");
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
    bytes = make_file(new_york, NEW_YORK_COUNT, "EST6");
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
}

static void lives_with_extreme_times(void **state)
{
    /* The "big bang" of older compilers, and a transition beyond every calendar. */
    static const struct transition extreme[] = {{-(INT64_C(1) << 59), 1}, {INT64_C(1) << 59, 2}};
    struct bytes bytes = make_file(extreme, 2, "");
    struct toll_zone *zone;

    (void)state;
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), 0);
    assert_interval(zone, 0, -18000, TOLL_MS_MIN, TOLL_MS_MAX);
    toll_zone_free(zone);
    bytes = make_file(extreme, 1, NEW_YORK_RULE);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), 0);
    assert_interval(zone, at(2026, 7, 1, 0, 0), -14400, at(2026, 3, 8, 7, 0), at(2026, 11, 1, 6, 0));
    toll_zone_free(zone);
}

static void reads_version_1(void **state)
{
    struct bytes bytes = {.count = 0};
    struct toll_zone *zone;

    (void)state;
    put_header(&bytes, '\0', 2, 3, 12);
    put(&bytes, (uint32_t)-1633280400, 4); /* 1918-03-31T07:00Z */
    put(&bytes, (uint32_t)-1615140000, 4); /* 1918-10-27T06:00Z */
    put(&bytes, 2, 1);
    put(&bytes, 1, 1);
    put_types(&bytes);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), 0);
    assert_interval(zone, at(1918, 7, 1, 0, 0), -14400, at(1918, 3, 31, 7, 0), at(1918, 10, 27, 6, 0));
    assert_interval(zone, at(2026, 7, 1, 0, 0), -18000, at(1918, 10, 27, 6, 0), TOLL_MS_MAX);
    toll_zone_free(zone);
    for (size_t count = 0; count < bytes.count; count++)
        assert_int_equal(parse(bytes.data, count, &zone, NULL), TOLL_EDATA);
    put(&bytes, 0, 1);
    assert_int_equal(parse(bytes.data, bytes.count, &zone, NULL), TOLL_EDATA);
}

/* Whatever a zone file says: intervals join, and a wall clock that was shown leads back to its instant. */
static void check_consistency(const struct toll_zone *zone)
{
    toll_ms at_ms = TOLL_MS_MIN, from, until, utc;

    do {
        int32_t offset_s = toll_zone_offset(zone, at_ms, &from, &until);

        assert_true(from == at_ms);
        assert_true(until > from);
        if (from != TOLL_MS_MIN) {
            bool any = toll_zone_to_utc(zone, from + offset_s * INT64_C(1000), TOLL_FOLD_SECOND, &utc);

            assert_true(any && utc >= from);
            (void)toll_zone_to_utc(zone, from + offset_s * INT64_C(1000), TOLL_FOLD_REJECT, &utc);
        }
        at_ms = until;
    } while (until != TOLL_MS_MAX);
}

/* Every byte in turn replaced by a few others: refused or parsed, never a read outside or an overflow. */
static void survives_flipped_bytes(void **state)
{
    static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x10};
    struct bytes good = make_file(new_york, NEW_YORK_COUNT, "EST5EDT,M3.2.0/2,M11.1.0/2:00:00");

    (void)state;
    for (size_t i = 0; i < good.count; i++) {
        for (size_t j = 0; j < sizeof masks; j++) {
            struct bytes bytes = good;
            struct toll_zone *zone;

            bytes.data[i] ^= masks[j];
            if (parse(bytes.data, bytes.count, &zone, NULL) == 0)
                check_consistency(zone);
            toll_zone_free(zone);
        }
    }
}

static void utc_needs_no_file(void **state)
{
    struct toll_hash128 hash = {1, 1};
    struct toll_zone *zone;

    (void)state;
    assert_int_equal(toll_zone_load(toll_io_system(), "UTC", &zone, &hash, NULL), 0);
    assert_string_equal(toll_zone_name(zone), "UTC");
    assert_interval(zone, at(2026, 7, 1, 0, 0), 0, TOLL_MS_MIN, TOLL_MS_MAX);
    assert_true(toll_hash_equal(hash, (struct toll_hash128){0, 0}));
    toll_zone_free(zone);
}

static void refuses_names(void **state)
{
    static const char *const names[] = {
        "",
        "/etc/passwd",
        "../passwd",
        "Europe/../passwd",
        "Europe//London",
        ".",
        "Europe/",
        "Europe London",
        "Europe/London\n",
        "tzdata.zi",
        "A123456789012345678901234567890123456789012345678901234567890123456789"};
    struct toll_hash128 hash;
    struct toll_zone *zone;
    struct toll_error error;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(toll_zone_load(toll_io_system(), names[i], &zone, &hash, &error), TOLL_EDATA);
    assert_int_equal(toll_zone_load(toll_io_system(), "America", &zone, &hash, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "a group of time zones"));
    assert_int_equal(toll_zone_load(toll_io_system(), "Europe/Atlantis", &zone, &hash, &error),
                     TOLL_ENOINPUT);
    assert_non_null(strstr(error.text, "Europe/Atlantis"));
}

static struct toll_zone *load(const char *name)
{
    struct toll_hash128 hash = {0, 0};
    struct toll_zone *zone;

    if (toll_zone_load(toll_io_system(), name, &zone, &hash, NULL) == TOLL_ENOINPUT) {
        print_message("no zone files on this machine\n");
        skip();
    }
    assert_non_null(zone);
    assert_false(toll_hash_equal(hash, (struct toll_hash128){0, 0}));
    return zone;
}

static void knows_the_zones_of_the_system(void **state)
{
    struct toll_zone *zone = load("America/New_York");

    (void)state;
    assert_interval(zone, at(2026, 7, 1, 0, 0), -14400, at(2026, 3, 8, 7, 0), at(2026, 11, 1, 6, 0));
    assert_interval(zone, at(2150, 7, 1, 0, 0), -14400, at(2150, 3, 8, 7, 0), at(2150, 11, 1, 6, 0));
    check_consistency(zone);
    toll_zone_free(zone);

    zone = load("Europe/London");
    assert_interval(zone, at(2026, 6, 1, 0, 0), 3600, at(2026, 3, 29, 1, 0), at(2026, 10, 25, 1, 0));
    /* British Standard Time: summer time all year from 1968-02-18 to 1971-10-31. The zone file has a change
     * of name only on 1968-10-27. */
    assert_interval(zone, at(1970, 1, 1, 0, 0), 3600, at(1968, 2, 18, 2, 0), at(1971, 10, 31, 2, 0));
    check_consistency(zone);
    toll_zone_free(zone);

    zone = load("Australia/Lord_Howe");
    assert_interval(zone, at(2026, 7, 1, 0, 0), 37800, at(2026, 4, 4, 15, 0), at(2026, 10, 3, 15, 30));
    toll_zone_free(zone);

    zone = load("Asia/Kolkata");
    assert_int_equal(toll_zone_offset(zone, at(2026, 7, 1, 0, 0), NULL, NULL), 19800);
    toll_zone_free(zone);

    /* Samoa had no 30 December 2011. */
    zone = load("Pacific/Apia");
    {
        toll_ms utc;

        assert_false(toll_zone_to_utc(zone, at(2011, 12, 30, 12, 0), TOLL_FOLD_REJECT, &utc));
        assert_true(toll_zone_to_utc(zone, at(2011, 12, 31, 0, 0), TOLL_FOLD_REJECT, &utc));
        assert_true(utc == at(2011, 12, 30, 10, 0));
        assert_true(toll_zone_to_utc(zone, at(2011, 12, 29, 23, 59), TOLL_FOLD_REJECT, &utc));
        assert_true(utc == at(2011, 12, 30, 9, 59));
    }
    toll_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_offsets_by_transition_and_by_rule),
        cmocka_unit_test(converts_wall_clocks),
        cmocka_unit_test(reads_rules),
        cmocka_unit_test(refuses_bad_rules),
        cmocka_unit_test(refuses_damage),
        cmocka_unit_test(lives_with_extreme_times),
        cmocka_unit_test(reads_version_1),
        cmocka_unit_test(survives_flipped_bytes),
        cmocka_unit_test(utc_needs_no_file),
        cmocka_unit_test(refuses_names),
        cmocka_unit_test(knows_the_zones_of_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
