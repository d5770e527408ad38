/*
 * Surcharges: the table as compiled and as refused, which row applies, billing periods around changes of the
 * clock, how many calls are charged and what they cost, counting by cursors against counting plainly, and
 * what verify makes of a run whose charges were changed.
 */
#include "base/cycle.h"
#include "book/image.h"
#include "book_fixture.h"
#include "io/zonefile.h"
#include "pipeline/surcharges.h"
#include "random.h"
#include "rating/surcharge.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define HEADER "subject,measure,amount,short_s,threshold_percent,apply,from,to\n"

/* ---- the table ---- */

static void wide_book(struct book_fixture *f)
{
    book_begin(f);
    book_file(f, "accounts.csv", "account,timezone\nacme,\nbeta,Europe/London\n");
    book_file(f, "sites.csv", "site,account\nhq,acme\nlondon,beta\n");
    book_file(f, "numbers.csv",
              "number,account,site\n12125550100,acme,hq\n442079460000,beta,london\n"
              "12125550200,acme,\n");
    book_file(f, "trunks.csv", "trunk,account\nT2,acme\nT1,beta\n");
}

static void compiled(void **state)
{
    struct book_fixture f;
    (void)state;

    wide_book(&f);
    book_file(&f, "surcharges.csv",
              HEADER "carrier:level3,attempts,0.25,,,,,\n"
                     "default,short_calls,0.01,6,15,,,2026-04-01\n"
                     "default,short_calls,0.02,6,12.5,all,2026-04-01,\n"
                     "site:london,no_ani,1,,100,,2026-07-01,\n"
                     "trunk:T1,attempts,0.00000001,,0.000001,EXCESS,,\n"
                     "carrier:bandwidth,attempts,0,,,,,\n"
                     "account:acme,no_ani,2,,,,,\n");
    const struct toll_book *book = book_good(&f);
    static const struct {
        int level;
        const char *subject;
        int measure;
        int64_t amount;
        int threshold, all, short_ms, line;
    } rows[] = {
        {TOLL_LEVEL_TRUNK, "T1", TOLL_ATTEMPTS, 1, 1, 0, 0, 6},
        {TOLL_LEVEL_SITE, "london", TOLL_NO_ANI, 100000000, 100000000, 0, 0, 5},
        {TOLL_LEVEL_ACCOUNT, "acme", TOLL_NO_ANI, 200000000, 0, 0, 0, 8},
        {TOLL_LEVEL_CARRIER, "bandwidth", TOLL_ATTEMPTS, 0, 0, 0, 0, 7},
        {TOLL_LEVEL_CARRIER, "level3", TOLL_ATTEMPTS, 25000000, 0, 0, 0, 2},
        {TOLL_LEVEL_DEFAULT, "", TOLL_SHORT_CALLS, 1000000, 15000000, 0, 6000, 3},
        {TOLL_LEVEL_DEFAULT, "", TOLL_SHORT_CALLS, 2000000, 12500000, 1, 6000, 4},
    };
    assert_int_equal(book->surcharge_count, 1 + COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct toll_surcharge *row = &book->surcharges[1 + i];
        const char *name = "";
        if (row->level == TOLL_LEVEL_TRUNK)
            name = toll_book_string(book, book->named[TOLL_NAMED_TRUNK][row->subject - 1].text);
        else if (row->level == TOLL_LEVEL_CARRIER)
            name = toll_book_string(book, book->named[TOLL_NAMED_CARRIER][row->subject - 1].text);
        else if (row->level == TOLL_LEVEL_SITE)
            name = toll_book_string(book, book->sites[row->subject].site);
        else if (row->level == TOLL_LEVEL_ACCOUNT)
            name = toll_book_string(book, book->accounts[row->subject].account);
        assert_int_equal(row->level, rows[i].level);
        assert_string_equal(name, rows[i].subject);
        assert_int_equal(row->measure, rows[i].measure);
        assert_int_equal(row->amount, rows[i].amount);
        assert_int_equal(row->threshold, rows[i].threshold);
        assert_int_equal(row->all, rows[i].all);
        assert_int_equal(row->short_ms, rows[i].short_ms);
        assert_int_equal(row->line, rows[i].line);
        assert_string_equal(toll_book_string(book, row->file), "surcharges.csv");
    }
    /* Dates in London for its site, in New York for all. */
    assert_int_equal(book->surcharges[2].from, book_ms("2026-06-30T23:00:00Z"));
    assert_int_equal(book->surcharges[6].from, TOLL_MS_MIN);
    assert_int_equal(book->surcharges[6].until, book_ms("2026-04-01T04:00:00Z"));
    assert_int_equal(book->surcharges[7].from, book_ms("2026-04-01T04:00:00Z"));
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    wide_book(&f);
    book_file(&f, "carriers.csv", "carrier\nlevel3\n");
    book_file(&f, "surcharges.csv",
              HEADER ",short_calls,0.01,6,,,,\n"
                     "acme,short_calls,0.01,6,,,,\n"
                     "number:12125550100,attempts,0.01,,,,,\n"
                     "account:acne,attempts,0.01,,,,,\n"
                     "carrier:bandwidth,attempts,0.01,,,,,\n"
                     "default,,0.01,,,,,\n"
                     "default,calls,0.01,,,,,\n"
                     "default,attempts,,,,,,\n"
                     "default,attempts,-0.01,,,,,\n"
                     "default,attempts,0.000000001,,,,,\n"
                     "default,short_calls,0.01,,,,,\n"
                     "default,short_calls,0.01,1.5,,,,\n"
                     "default,short_calls,0.01,2147484,,,,\n"
                     "default,attempts,0.01,6,,,,\n"
                     "default,attempts,0.01,,100.1,,,\n"
                     "default,attempts,0.01,,-1,,,\n"
                     "default,attempts,0.01,,0.0000001,,,\n"
                     "default,attempts,0.01,,,some,,\n"
                     "default,attempts,0.01,,,,2026-02-01,2026-01-01\n"
                     "default,attempts,0.01,,,,2026-01-01,2026-01-01\n"
                     "default,attempts,0.01,,,,yesterday,\n");
    book_bad(&f,
             "E surcharges.csv:2:1: ~subject: this cell must not be empty\n"
             "E surcharges.csv:3:1: ~is no subject; write default, trunk:NAME, site:NAME, account:NAME or "
             "carrier:NAME\n"
             "E surcharges.csv:4:1: ~is no subject; write default, trunk:NAME\n"
             "E surcharges.csv:5:1: ~the account \"acne\" is unknown\n"
             "E surcharges.csv:6:1: ~the carrier \"bandwidth\" is unknown\n"
             "E surcharges.csv:7:9: ~measure: this cell must not be empty\n"
             "E surcharges.csv:8:9: ~short_calls\n"
             "E surcharges.csv:9:18: ~amount: this cell must not be empty\n"
             "E surcharges.csv:10:18: ~is negative\n"
             "E surcharges.csv:11:18: ~has more than 8 decimals\n"
             "E surcharges.csv:12:9: ~short_calls needs short_s\n"
             "E surcharges.csv:13:26: ~whole number\n"
             "E surcharges.csv:14:26: ~is not from 0 to 2147483\n"
             "E surcharges.csv:15:23: ~only the measure short_calls has short_s\n"
             "E surcharges.csv:16:24: ~is not a percentage from 0 to 100 with at most 6 decimals\n"
             "E surcharges.csv:17:24: ~is not a percentage\n"
             "E surcharges.csv:18:24: ~is not a percentage\n"
             "E surcharges.csv:19:25: ~excess\n"
             "E surcharges.csv:20:37: ~is before the from date\n"
             "E surcharges.csv:21:37: ~is also the from date\n"
             "E surcharges.csv:22:26: ~yesterday\n");
    book_file(&f, "surcharges.csv",
              HEADER "account:beta,attempts,1,,,,,2026-03-01\n"
                     "account:beta,short_calls,1,6,,,,\n"
                     "account:beta,attempts,2,,,,2026-03-01,2026-06-01\n"
                     "account:beta,attempts,3,,,,2026-05-31,\n"
                     "account:acme,attempts,4,,,,2026-05-31,\n");
    book_bad(&f,
             "E surcharges.csv:5:1: ~subject: it has a surcharge on attempts in line 4 too, and the dates "
             "overlap\n");
    book_end(&f);
}

/* ---- the image ---- */

static int open_changed(struct book_fixture *f, const struct toll_surcharge *rows, size_t count,
                        struct toll_error *error)
{
    struct toll_image_header *header = (void *)f->image;
    struct toll_image_section *section =
        (struct toll_image_section *)(void *)(f->image + TOLL_IMAGE_PAGE) + TOLL_SECTION_SURCHARGES;
    struct toll_book *book = NULL;
    assert_int_equal(section->bytes, count * sizeof *rows);
    memcpy(f->image + section->offset, rows, section->bytes);
    section->hash = toll_hash(f->image + section->offset, section->bytes);
    assert_true(toll_image_hash(f->image, &header->book_hash));
    const int code = toll_book_open_bytes(f->image, f->image_bytes, "image", &book, error);
    toll_book_close(book);
    return code;
}

static void checked(void **state)
{
    struct book_fixture f;
    struct toll_error error;
    struct toll_surcharge rows[5];
    (void)state;

    wide_book(&f);
    book_file(&f, "surcharges.csv",
              HEADER "trunk:T1,attempts,1,,,,,\nsite:hq,attempts,1,,,,,\naccount:acme,short_calls,1,6,,,,\n"
                     "default,attempts,1,,,,,\n");
    memcpy(rows, book_good(&f)->surcharges, sizeof rows);
    assert_int_equal(open_changed(&f, rows, 5, &error), 0);
#define WRONG(row, member, value)                                         \
    do {                                                                  \
        struct toll_surcharge wrong[5];                                   \
        memcpy(wrong, rows, sizeof rows);                                 \
        wrong[row].member = (value);                                      \
        assert_int_equal(open_changed(&f, wrong, 5, &error), TOLL_EDATA); \
        assert_non_null(strstr(error.text, "surcharge"));                 \
    } while (0)
    WRONG(0, line, 1);
    WRONG(1, subject, 3); /* two trunks */
    WRONG(1, subject, 0);
    WRONG(2, subject, 3); /* two sites */
    WRONG(3, subject, 3); /* two accounts */
    WRONG(4, subject, 1);
    WRONG(4, level, TOLL_LEVEL_CARRIER); /* no carriers */
    WRONG(1, level, TOLL_LEVEL_NUMBER);
    WRONG(4, level, TOLL_LEVEL_NONE);
    WRONG(1, measure, TOLL_SURCHARGE_MEASURES);
    WRONG(1, measure, -1);
    WRONG(1, all, 2);
    WRONG(1, threshold, TOLL_THRESHOLD_ALL + 1);
    WRONG(1, threshold, -1);
    WRONG(1, amount, -1);
    WRONG(1, short_ms, 1);
    WRONG(3, short_ms, -1);
    WRONG(1, from, TOLL_MS_MAX);
    WRONG(1, file, UINT32_MAX);
#undef WRONG
    struct toll_surcharge swapped[5];
    memcpy(swapped, rows, sizeof rows);
    swapped[1] = rows[2];
    swapped[2] = rows[1];
    assert_int_equal(open_changed(&f, swapped, 5, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "order of the surcharges"));
    memcpy(swapped, rows, sizeof rows);
    swapped[2] = rows[1]; /* the same twice, at the same time */
    assert_int_equal(open_changed(&f, swapped, 5, &error), TOLL_EDATA);
    book_end(&f);
}

/* ---- the charge ---- */

static void charged(void **state)
{
    static const struct {
        int threshold; /* 1e-6 % */
        int all;
        int64_t calls, counted, charged;
    } shares[] = {
        {15000000, 0, 100, 20, 5},
        {15000000, 0, 100, 15, 0},
        {15000000, 0, 99, 20, 6}, /* 14.85 are 14 */
        {15000000, 1, 100, 20, 20},
        {15000000, 1, 100, 15, 0}, /* not more than the share */
        {15000000, 1, 99, 15, 15}, /* 15 of 99 are */
        {33333333, 0, 3, 1, 1},    /* 0.99999999 are 0 */
        {33333333, 1, 3, 1, 1},
        {33333334, 0, 3, 1, 0}, /* 1.00000002 are 1 */
        {0, 0, 7, 0, 0},
        {0, 0, 7, 3, 3},
        {0, 1, 7, 3, 3},
        {0, 1, 7, 0, 0},
        {100000000, 0, 7, 7, 0},
        {100000000, 1, 7, 7, 0},
        {1, 0, 100000000, 2, 1}, /* 0.000001 % of 100 million is one */
        {1, 1, INT64_MAX, INT64_C(92233720368), 0},
        {1, 1, INT64_MAX, INT64_C(92233720369), INT64_C(92233720369)},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(shares); i++) {
        const struct toll_surcharge row = {
            .amount = 1, .threshold = shares[i].threshold, .all = shares[i].all};
        int64_t number;
        toll_money charge;
        assert_true(toll_surcharge_charge(&row, 8, TOLL_HALF_UP, shares[i].calls, shares[i].counted, &number,
                                          &charge));
        if (number != shares[i].charged)
            fail_msg("share %zu: %lld instead of %lld", i, (long long)number, (long long)shares[i].charged);
        assert_int_equal(charge, number);
    }
}

/* One rounding, of the whole. 3 calls of 0.00333333 are 0.00999999. */
static void rounded(void **state)
{
    static const struct {
        int decimals;
        enum toll_rounding rounding;
        int64_t amount, counted, charge;
    } cases[] = {
        {8, TOLL_DOWN, 333333, 3, 999999},
        {4, TOLL_HALF_UP, 333333, 3, 1000000},
        {4, TOLL_DOWN, 333333, 3, 990000},
        {2, TOLL_HALF_UP, 333333, 3, 1000000},
        {2, TOLL_HALF_UP, 500000, 3, 2000000}, /* 0.015 */
        {2, TOLL_HALF_EVEN, 500000, 3, 2000000},
        {2, TOLL_HALF_EVEN, 500000, 5, 2000000}, /* 0.025 */
        {2, TOLL_UP, 1, 1, 1000000},
        {0, TOLL_UP, 1, 1, 100000000},
        {6, TOLL_HALF_UP, 50, 1, 100},
        {6, TOLL_HALF_UP, 49, 1, 0},
        {0, TOLL_DOWN, INT64_MAX, 1, INT64_C(9223372036800000000)},
    };
    int64_t number;
    toll_money charge;
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct toll_surcharge row = {.amount = cases[i].amount};
        assert_true(toll_surcharge_charge(&row, cases[i].decimals, cases[i].rounding, 1000, cases[i].counted,
                                          &number, &charge));
        if (charge != cases[i].charge)
            fail_msg("case %zu: %lld", i, (long long)charge);
    }
    const struct toll_surcharge dear = {.amount = INT64_MAX};
    assert_false(toll_surcharge_charge(&dear, 0, TOLL_UP, 1, 1, &number, &charge));
    assert_false(toll_surcharge_charge(&dear, 8, TOLL_UP, 2, 2, &number, &charge));
}

/* ---- billing periods ---- */

static void periods(void **state)
{
    /* From New York's clocks: -5 in winter, -4 from 8 March to 1 November 2026. In Havana, 00:00 on 8 March
     * does not exist (-5, then -4), and 00:00 on 1 November is there twice. */
    static const struct {
        const char *zone;
        int cycle_day;
        const char *at, *day, *from, *until;
    } cases[] = {
        {"America/New_York", 15, "2026-03-14T23:00:00-04:00", "2026-02-15", "2026-02-15T00:00:00-05:00",
         "2026-03-15T00:00:00-04:00"},
        {"America/New_York", 15, "2026-03-15T00:00:00-04:00", "2026-03-15", "2026-03-15T00:00:00-04:00",
         "2026-04-15T00:00:00-04:00"},
        {"America/New_York", 15, "2026-03-15T03:59:59Z", "2026-02-15", "2026-02-15T05:00:00Z",
         "2026-03-15T04:00:00Z"},
        {"America/New_York", 1, "2026-11-01T03:59:59Z", "2026-10-01", "2026-10-01T04:00:00Z",
         "2026-11-01T04:00:00Z"},
        {"America/New_York", 1, "2026-12-01T04:59:59Z", "2026-11-01", "2026-11-01T04:00:00Z",
         "2026-12-01T05:00:00Z"},
        {"America/New_York", 28, "2026-02-28T04:59:59Z", "2026-01-28", "2026-01-28T05:00:00Z",
         "2026-02-28T05:00:00Z"},
        {"America/New_York", 28, "2026-03-01T12:00:00Z", "2026-02-28", "2026-02-28T05:00:00Z",
         "2026-03-28T04:00:00Z"},
        {"UTC", 15, "2026-01-14T23:59:59Z", "2025-12-15", "2025-12-15T00:00:00Z", "2026-01-15T00:00:00Z"},
        {"UTC", 1, "2026-12-31T23:59:59Z", "2026-12-01", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"UTC", 1, "1969-12-31T23:59:59Z", "1969-12-01", "1969-12-01T00:00:00Z", "1970-01-01T00:00:00Z"},
        {"America/Havana", 8, "2026-03-08T04:59:59Z", "2026-02-08", "2026-02-08T05:00:00Z",
         "2026-03-08T05:00:00Z"},
        {"America/Havana", 8, "2026-03-08T05:00:00Z", "2026-03-08", "2026-03-08T05:00:00Z",
         "2026-04-08T04:00:00Z"},
        {"America/Havana", 1, "2026-11-01T03:59:59Z", "2026-10-01", "2026-10-01T04:00:00Z",
         "2026-11-01T04:00:00Z"},
        {"America/Havana", 1, "2026-11-01T05:30:00Z", "2026-11-01", "2026-11-01T04:00:00Z",
         "2026-12-01T05:00:00Z"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_zone *zone;
        struct toll_hash128 hash;
        struct toll_error error;
        char day[TOLL_TIME_TEXT_BYTES];
        assert_int_equal(toll_zone_load(toll_io_system(), cases[i].zone, &zone, &hash, &error), 0);
        const struct toll_cycle cycle = toll_cycle_at(zone, cases[i].cycle_day, book_ms(cases[i].at));
        toll_day_format(cycle.day, day);
        assert_string_equal(day, cases[i].day);
        assert_int_equal(cycle.from, book_ms(cases[i].from));
        assert_int_equal(cycle.until, book_ms(cases[i].until));
        /* Starts of hostile data, which no period has: some period, no trap. */
        assert_true(toll_cycle_at(zone, 28, INT64_MIN).from < toll_cycle_at(zone, 28, INT64_MAX).from);
        toll_zone_free(zone);
    }
}

/* ---- which row ---- */

static void found(void **state)
{
    struct book_fixture f;
    struct toll_surcharge_rules *rules;
    struct toll_error error;
    (void)state;

    wide_book(&f);
    book_file(&f, "surcharges.csv",
              HEADER "default,attempts,1,,,,,\n"                          /* line 2 */
                     "carrier:c,attempts,1,,,,,\n"                        /* 3 */
                     "account:acme,attempts,1,,,,2026-03-01,2026-03-10\n" /* 4 */
                     "account:acme,attempts,1,,,,2026-03-20,2026-03-25\n" /* 5 */
                     "site:hq,attempts,1,,,,2026-03-05,2026-03-06\n"      /* 6 */
                     "trunk:T1,attempts,1,,,,2026-03-05,2026-03-22\n"     /* 7 */
                     "site:hq,no_ani,1,,,,,\n");                          /* 8 */
    const struct toll_book *book = book_good(&f);
    assert_int_equal(toll_surcharge_rules_make(book, &rules, &error), 0);
    assert_true(rules->by_trunk && rules->by_carrier);
    /* acme is account 1, hq its site 1; T1 the first trunk, c the only carrier. */
    static const struct {
        struct toll_surcharge_subjects who;
        enum toll_surcharge_measure measure;
        const char *at;
        uint32_t line; /* 0 none */
        const char *from, *until;
    } cases[] = {
        {{1, 1, 0, 1},
         TOLL_ATTEMPTS,
         "2026-03-05T12:00:00-05:00",
         6,
         "2026-03-05T00:00:00-05:00",
         "2026-03-06T00:00:00-05:00"},
        {{1, 1, 1, 1},
         TOLL_ATTEMPTS,
         "2026-03-05T12:00:00-05:00",
         7,
         "2026-03-05T00:00:00-05:00",
         "2026-03-22T00:00:00-04:00"},
        {{1, 1, 0, 1},
         TOLL_ATTEMPTS,
         "2026-03-06T00:00:00-05:00",
         4,
         "2026-03-06T00:00:00-05:00",
         "2026-03-10T00:00:00-04:00"},
        {{1, 0, 0, 1},
         TOLL_ATTEMPTS,
         "2026-03-06T00:00:00-05:00",
         4,
         "2026-03-01T00:00:00-05:00",
         "2026-03-10T00:00:00-04:00"},
        {{1, 0, 1, 0},
         TOLL_ATTEMPTS,
         "2026-03-22T00:00:00-04:00",
         5,
         "2026-03-22T00:00:00-04:00",
         "2026-03-25T00:00:00-04:00"},
        {{1, 0, 0, 1},
         TOLL_ATTEMPTS,
         "2026-03-15T00:00:00-04:00",
         3,
         "2026-03-10T00:00:00-04:00",
         "2026-03-20T00:00:00-04:00"},
        {{1, 0, 0, 0}, TOLL_ATTEMPTS, "2026-03-26T00:00:00-04:00", 2, "2026-03-25T00:00:00-04:00", NULL},
        {{2, 2, 0, 0}, TOLL_ATTEMPTS, "2026-03-05T12:00:00-05:00", 2, NULL, NULL},
        {{1, 1, 1, 1}, TOLL_NO_ANI, "2026-03-05T12:00:00-05:00", 8, NULL, NULL},
        {{2, 2, 1, 1}, TOLL_NO_ANI, "2026-03-05T12:00:00-05:00", 0, NULL, NULL},
        {{1, 1, 1, 1}, TOLL_SHORT_CALLS, "2026-03-05T12:00:00-05:00", 0, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        toll_ms from = TOLL_MS_MIN, until = TOLL_MS_MAX;
        const uint32_t row =
            toll_surcharge_find(rules, cases[i].measure, &cases[i].who, book_ms(cases[i].at), &from, &until);
        if (book->surcharges[row].line != cases[i].line)
            fail_msg("case %zu: line %u", i, book->surcharges[row].line);
        assert_int_equal(from, cases[i].from == NULL ? TOLL_MS_MIN : book_ms(cases[i].from));
        assert_int_equal(until, cases[i].until == NULL ? TOLL_MS_MAX : book_ms(cases[i].until));
    }
    toll_surcharge_rules_free(rules);
    book_end(&f);
}

/* ---- counting ---- */

#define CALLS 6000
#define WORKERS 3
#define BUCKETS 90
#define FAR_TRUNK 512 /* whose cursors have the places of calls without a trunk */

/* Rows in plain words, walked for each call in their order: the most specific first. */
struct plain_row {
    const char *kind; /* trunk site account carrier default */
    int subject, measure, short_s;
    const char *from, *until; /* "2026-03-10", UTC, or NULL */
};
static const struct plain_row plain_rows[] = {
    {"trunk", 1, TOLL_ATTEMPTS, 0, NULL, NULL},
    {"trunk", 1, TOLL_SHORT_CALLS, 3, "2026-03-05", NULL},
    {"trunk", FAR_TRUNK, TOLL_NO_ANI, 0, NULL, NULL},
    {"site", 3, TOLL_SHORT_CALLS, 7, NULL, NULL},
    {"site", 3, TOLL_NO_ANI, 0, NULL, "2026-04-02"},
    {"account", 2, TOLL_SHORT_CALLS, 5, "2026-03-10", "2026-03-20"},
    {"account", 2, TOLL_SHORT_CALLS, 9, "2026-03-21", NULL},
    {"account", 4, TOLL_ATTEMPTS, 0, NULL, NULL},
    {"carrier", 1, TOLL_SHORT_CALLS, 4, NULL, "2026-03-28"},
    {"default", 0, TOLL_SHORT_CALLS, 6, NULL, NULL},
    {"default", 0, TOLL_ATTEMPTS, 0, "2026-03-03", NULL},
    {"default", 0, TOLL_NO_ANI, 0, "2026-03-15", NULL},
};

struct plain_call {
    int64_t start;
    int32_t duration_ms;
    uint16_t kind;
    int trunk, carrier;
    uint32_t bucket;
    uint8_t status;
    uint64_t callee;
};

static toll_ms day_ms(const char *day, toll_ms otherwise)
{
    int64_t days;
    if (day == NULL)
        return otherwise;
    assert_true(toll_day_parse(day, strlen(day), &days));
    return days * TOLL_DAY_MS;
}

/* Account 1 has site 1, account 2 sites 2, ...: one bucket each; accounts' periods begin on day 1 + account
 * % 28. */
static void counting_book(struct book_fixture *f)
{
    static const char *const measures[] = {"short_calls", "attempts", "no_ani"};
    char text[16384], *at = text;
    book_begin(f);
    book_file(f, "book.yaml", "book: b\ncurrency: USD\ntimezone: UTC\n");
    at += sprintf(at, "account\n");
    for (int i = 1; i < BUCKETS; i++)
        at += sprintf(at, "a%02d\n", i);
    book_file(f, "accounts.csv", text);
    at = text + sprintf(text, "site,account\n");
    for (int i = 1; i < BUCKETS; i++)
        at += sprintf(at, "s%02d,a%02d\n", i, i);
    book_file(f, "sites.csv", text);
    at = text + sprintf(text, "number,account,site\n");
    for (int i = 1; i < BUCKETS; i++)
        at += sprintf(at, "121255501%02d,a%02d,s%02d\n", i, i, i);
    book_file(f, "numbers.csv", text);
    at = text + sprintf(text, "trunk\n");
    for (int i = 1; i <= FAR_TRUNK; i++)
        at += sprintf(at, "T%03d\n", i);
    book_file(f, "trunks.csv", text);
    book_file(f, "carriers.csv", "carrier\nC1\nC2\n");
    at = text + sprintf(text, HEADER);
    for (size_t i = 0; i < COUNT(plain_rows); i++) {
        const struct plain_row *row = &plain_rows[i];
        char subject[16] = "default", short_s[16] = "";
        if (*row->kind == 't')
            snprintf(subject, sizeof subject, "trunk:T%03d", row->subject);
        else if (*row->kind == 'c')
            snprintf(subject, sizeof subject, "carrier:C%d", row->subject);
        else if (*row->kind != 'd')
            snprintf(subject, sizeof subject, "%s:%c%02d", row->kind, *row->kind, row->subject);
        if (row->measure == TOLL_SHORT_CALLS)
            snprintf(short_s, sizeof short_s, "%d", row->short_s);
        at += sprintf(at, "%s,%s,0.01,%s,,,%s,%s\n", subject, measures[row->measure], short_s,
                      row->from == NULL ? "" : row->from, row->until == NULL ? "" : row->until);
    }
    book_file(f, "surcharges.csv", text);
}

static void random_call(uint64_t *seed, struct plain_call *call)
{
    static const uint8_t statuses[] = {TOLL_RATED,
                                       TOLL_RATED,
                                       TOLL_RATED,
                                       TOLL_ZERO_FREE,
                                       TOLL_ZERO_DURATION,
                                       TOLL_ZERO_OTHER_PARTY,
                                       TOLL_SUSPENSE_NO_PREFIX,
                                       UINT8_MAX, /* of a run that somebody wrote */
                                       TOLL_ZERO_EMERGENCY};
    const bool answered = random_next(seed) % 4 != 0;
    *call = (struct plain_call){
        .start = day_ms("2026-02-25", 0) + (int64_t)(random_next(seed) % (40 * (uint64_t)TOLL_DAY_MS)),
        .duration_ms = (int32_t)(random_next(seed) % 10001),
        .trunk = (int)(random_next(seed) % 3),
        .carrier = (int)(random_next(seed) % 3),
        .bucket = (uint32_t)(random_next(seed) % BUCKETS),
        .status = answered ? statuses[random_next(seed) % COUNT(statuses)] : TOLL_ZERO_UNANSWERED,
        .callee = random_next(seed) % 8 == 0 ? UINT64_C(0x911fffffffffffff) : UINT64_C(0x12015550111fffff),
        .kind = (uint16_t)((answered ? TOLL_KIND_ANSWERED : 0) | (random_next(seed) % 8 == 0) * TOLL_KIND_IN |
                           (random_next(seed) % 8 == 0) * TOLL_SMS |
                           (random_next(seed) % 6) << TOLL_KIND_CALLER_TYPE_SHIFT),
    };
    /* An extension 911 is no emergency. */
    const unsigned type = call->callee >> 52 != 0x911  ? TOLL_NUMBER_E164
                          : random_next(seed) % 2 == 0 ? TOLL_NUMBER_SHORT
                                                       : TOLL_NUMBER_EXTENSION;
    call->kind |= (uint16_t)(type << TOLL_KIND_CALLEE_TYPE_SHIFT);
    if (answered && type == TOLL_NUMBER_SHORT && call->status < TOLL_SUSPENSE_FIRST)
        call->status = TOLL_ZERO_EMERGENCY;
}

static bool row_is_for(const struct plain_row *row, const struct plain_call *call)
{
    const int subject = *row->kind == 't'   ? (call->trunk == 2 ? FAR_TRUNK : call->trunk)
                        : *row->kind == 'c' ? call->carrier
                        : *row->kind == 'd' ? 0
                                            : (int)call->bucket;
    return row->subject == subject && call->start >= day_ms(row->from, TOLL_MS_MIN) &&
           call->start < day_ms(row->until, TOLL_MS_MAX);
}

/* [row][account][month of the period, from January 2026 on] */
struct plain_sums {
    int64_t calls[COUNT(plain_rows)][BUCKETS][6], counted[COUNT(plain_rows)][BUCKETS][6];
};

static void count_plainly(struct plain_sums *sums, const struct plain_call *call)
{
    struct toll_civil date;
    const bool answered = (call->kind & TOLL_KIND_ANSWERED) != 0;
    const int caller = call->kind >> TOLL_KIND_CALLER_TYPE_SHIFT & 7;
    if ((call->kind & TOLL_KIND_SERVICE) != 0 || (call->kind & TOLL_KIND_IN) != 0 || call->bucket == 0)
        return;
    const bool to_short = (call->kind >> TOLL_KIND_CALLEE_TYPE_SHIFT & 7) == TOLL_NUMBER_SHORT;
    if (call->status > TOLL_ZERO_DURATION || (!answered && to_short))
        return;
    toll_civil_from_ms(call->start, &date);
    const int month = date.month - (date.day < 1 + (int)call->bucket % 28);
    for (int measure = 0; measure < TOLL_SURCHARGE_MEASURES; measure++) {
        size_t i = 0;
        while (i < COUNT(plain_rows) &&
               (plain_rows[i].measure != measure || !row_is_for(&plain_rows[i], call)))
            i++;
        if (i == COUNT(plain_rows))
            continue;
        const bool nameless = caller == TOLL_NUMBER_NONE || caller >= TOLL_NUMBER_OTHER;
        sums->calls[i][call->bucket][month] += measure == TOLL_ATTEMPTS || answered;
        sums->counted[i][call->bucket][month] +=
            measure == TOLL_ATTEMPTS      ? !answered
            : measure == TOLL_SHORT_CALLS ? answered && call->duration_ms <= plain_rows[i].short_s * 1000
                                          : answered && nameless;
    }
}

static void count_block(struct toll_surcharge_counts *counts, const struct toll_surcharge_rules *rules,
                        const struct plain_call *calls, size_t rows)
{
    static const uint32_t trunks[] = {0, 1, FAR_TRUNK}, carriers[] = {0, 1, 2};
    const struct toll_part_map map = {.trunks = trunks, .carriers = carriers};
    int64_t start[64];
    int32_t duration_ms[64], trunk[64];
    uint16_t kind[64], carrier[64];
    uint32_t buckets[64];
    uint64_t callee[64];
    uint8_t status[64];
    const struct toll_cdr_batch batch = {.start = start,
                                         .duration_ms = duration_ms,
                                         .kind = kind,
                                         .callee = callee,
                                         .trunk = trunk,
                                         .carrier = carrier};
    for (size_t i = 0; i < rows; i++) {
        start[i] = calls[i].start;
        duration_ms[i] = calls[i].duration_ms;
        kind[i] = calls[i].kind;
        callee[i] = calls[i].callee;
        trunk[i] = calls[i].trunk;
        carrier[i] = (uint16_t)calls[i].carrier;
        buckets[i] = calls[i].bucket;
        status[i] = calls[i].status;
    }
    /* The first rows as a block of their own: lines begin with the block's first row, columns with the
     * batch's. */
    const size_t part = rows / 3;
    toll_surcharges_count(counts, rules, &map, &batch, 0, part, status, buckets);
    toll_surcharges_count(counts, rules, &map, &batch, part, rows - part, status + part, buckets + part);
}

static void compare_sums(const struct toll_book *book, struct toll_surcharge_counts *counts,
                         const struct plain_sums *sums)
{
    size_t places, seen = 0, expected = 0;
    const struct toll_surcharge_sum *found = toll_surcharge_sums(counts, &places);
    assert_non_null(found);
    for (size_t i = 0; i < places; i++) {
        if (found[i].row == 0)
            continue;
        int year, month, day;
        toll_civil_from_days(found[i].day, &year, &month, &day);
        const size_t row = book->surcharges[found[i].row].line - 2;
        assert_int_equal(day, 1 + found[i].account % 28);
        assert_int_equal(year, 2026);
        assert_int_equal(found[i].calls, sums->calls[row][found[i].account][month]);
        assert_int_equal(found[i].counted, sums->counted[row][found[i].account][month]);
        seen++;
    }
    for (size_t row = 0; row < COUNT(plain_rows); row++)
        for (size_t account = 0; account < BUCKETS; account++)
            for (size_t month = 0; month < 6; month++)
                expected += sums->calls[row][account][month] > 0;
    assert_int_equal(seen, expected);
    assert_true(expected > 600); /* the table grew */
}

static void counted(void **state)
{
    struct book_fixture f;
    struct toll_surcharge_rules *rules;
    struct toll_surcharge_counts *workers[WORKERS], *none;
    struct plain_sums *sums = calloc(1, sizeof *sums);
    struct plain_call *calls = calloc(CALLS, sizeof *calls);
    struct toll_error error;
    uint64_t seed = 41;
    (void)state;

    counting_book(&f);
    const struct toll_book *book = book_good(&f);
    assert_int_equal(book->bucket_count, BUCKETS);
    struct toll_account *accounts =
        (void *)(f.image + ((const uint8_t *)book->accounts - (const uint8_t *)book->image));
    for (uint32_t i = 1; i < BUCKETS; i++) {
        assert_int_equal(book->buckets[i].account, i);
        accounts[i].cycle_day = 1 + (int32_t)(i % 28);
    }
    assert_int_equal(toll_surcharge_rules_make(book, &rules, &error), 0);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(toll_surcharge_counts_make(book, i == 0 ? 32 : 0, &workers[i], &error), 0);
    for (size_t i = 0; i < CALLS; i++) {
        random_call(&seed, &calls[i]);
        count_plainly(sums, &calls[i]);
    }
    for (int round = 0; round < 2; round++) { /* cleared, they count anew */
        size_t first = 0;
        while (first < CALLS) {
            size_t rows = 1 + random_next(&seed) % 64;
            rows = rows < CALLS - first ? rows : CALLS - first;
            count_block(workers[random_next(&seed) % WORKERS], rules, calls + first, rows);
            first += rows;
        }
        for (int i = 1; i < WORKERS; i++)
            toll_surcharge_counts_merge(workers[0], workers[i]);
        compare_sums(book, workers[0], sums);
        for (int i = 0; i < WORKERS; i++)
            toll_surcharge_counts_clear(workers[i]);
    }
    for (int i = 0; i < WORKERS; i++)
        toll_surcharge_counts_free(workers[i]);
    toll_surcharge_rules_free(rules);
    free(sums);
    free(calls);

    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, f.folder, NULL), 0);
    book_drop(&f);
    book_begin(&f);
    book = book_good(&f);
    assert_int_equal(toll_surcharge_rules_make(book, &rules, &error), 0);
    assert_null(rules);
    assert_int_equal(toll_surcharge_counts_make(book, 0, &none, &error), 0);
    assert_null(none);
    book_end(&f);
}

/* ---- verify ---- */

static void make_run(struct book_fixture *f)
{
    char spec[] = TOLL_SOURCE_DIR "/data/providers/tollmill.yaml", cdrs[128], file[128], run[128];
    struct toll_error error = {0};
    struct toll_import_result imported;
    struct toll_rate_result rated;
    const char *files[] = {file};
    snprintf(cdrs, sizeof cdrs, "%s/cdrs", f->folder);
    snprintf(file, sizeof file, "%s/calls.csv", f->folder);
    snprintf(run, sizeof run, "%s/run", f->folder);
    book_file(f, "accounts.csv", "account,timezone,cycle_day\nacme,,15\nbeta,Europe/London,\n");
    book_file(f, "surcharges.csv", HEADER "default,short_calls,0.01,6,50,,,\nsite:hq,attempts,0.5,,,,,\n");
    book_file(f, "calls.csv",
              "start,duration_s,caller,callee,answered\n"
              "2026-03-02T12:00:00Z,5,+12125550200,+12015550111,yes\n"
              "2026-03-02T12:00:01Z,5,+12125550200,+12015550111,yes\n"
              "2026-03-02T12:00:02Z,5,+12125550200,+12015550111,yes\n"
              "2026-03-02T12:00:03Z,0,+12125550100,+12015550111,no\n");
    const struct toll_import_options import = {
        .spec_path = spec, .dataset_path = cdrs, .files = files, .file_count = 1, .threads = 1};
    if (toll_import(&import, &imported, &error) != 0)
        fail_msg("%s", error.text);
    toll_import_result_free(&imported);
    /* calls.csv is no table of the book. */
    assert_int_equal(unlink(file), 0);
    const struct toll_rate_options rate = {
        .book_path = f->folder, .dataset_path = cdrs, .run_path = run, .threads = 1};
    if (toll_rate(&rate, &rated, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(rated.period_charges, 2);
}

/* The run again, sealed anew, with other period charges and the totals that these give. */
static int verify_changed(const struct book_fixture *f, const struct toll_period_row rows[2],
                          struct toll_error *error)
{
    const struct toll_io *io = toll_io_system();
    static const char *const names[] = {
        "book.image",   "accounts.arrow",          "prices.arrow", "price_terms.arrow", "buckets.arrow",
        "suspense.csv", "lines/2026-03-02.0.arrow"};
    char from[128], to[128];
    struct toll_run_files run;
    struct toll_run_writer *writer;
    struct toll_verify_result result;
    snprintf(from, sizeof from, "%s/run", f->folder);
    snprintf(to, sizeof to, "%s/changed", f->folder);
    assert_int_equal(toll_run_files_open(&run, io, from, error), 0);
    assert_int_equal(toll_run_create(io, to, &writer, error), 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct toll_blob blob;
        assert_int_equal(toll_blob_read(&blob, io, run.directory, names[i], TOLL_READ_PREAD, error), 0);
        if (strncmp(names[i], "lines/", 6) == 0)
            assert_int_equal(
                toll_write_file(io, toll_run_directory(writer), names[i], blob.data, blob.size, error), 0);
        else
            assert_int_equal(toll_run_add_file(writer, names[i], blob.data, blob.size, error), 0);
        toll_blob_free(&blob);
    }
    assert_int_equal(toll_run_add_periods(writer, rows, 2, error), 0);
    for (int i = 0; i < 2; i++)
        run.manifest.totals[0].charge += rows[i].charge - run.tables.periods[i].charge;
    assert_int_equal(toll_run_publish(writer, &run.manifest, "{}\n", error), 0);
    toll_run_abandon(writer);
    toll_run_files_close(&run);
    const int code = toll_verify(to, &result, error);
    assert_int_equal(toll_remove_tree(io, AT_FDCWD, to, NULL), 0);
    return code;
}

/* Whatever is sealed well must still be what the run's own book makes of the calls. */
static void verified(void **state)
{
    struct book_fixture f;
    struct toll_run_files run;
    struct toll_error error = {0};
    char path[128];
    (void)state;

    wide_book(&f);
    make_run(&f);
    snprintf(path, sizeof path, "%s/run", f.folder);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), 0);
    /* hq: its one call is an attempt. acme: 3 short calls of 3, of which 1.5, that is 1, are free. */
    struct toll_period_row rows[2];
    assert_int_equal(run.tables.period_count, 2);
    memcpy(rows, run.tables.periods, sizeof rows);
    assert_string_equal(rows[0].period, "2026-02-15");
    assert_string_equal(rows[0].kind, "short_calls");
    assert_true(rows[0].calls == 3 && rows[0].counted == 3 && rows[0].charged == 2);
    assert_true(rows[0].charge == 2000000 && rows[0].line == 2);
    assert_string_equal(rows[1].site, "hq");
    assert_true(rows[1].calls == 1 && rows[1].charge == 50000000 && rows[1].line == 3);
    if (verify_changed(&f, rows, &error) != 0)
        fail_msg("%s", error.text);
#define WRONG(member, value)                                                       \
    do {                                                                           \
        struct toll_period_row wrong[2] = {rows[0], rows[1]};                      \
        wrong[0].member = (value);                                                 \
        assert_int_equal(verify_changed(&f, wrong, &error), TOLL_EDATA);           \
        assert_non_null(strstr(error.text, "period_charges.arrow: row 0 is not")); \
    } while (0)
    WRONG(charge, 3000000);
    WRONG(charged, 1);
    WRONG(counted, 2);
    WRONG(calls, 4);
    WRONG(amount, 2000000);
    WRONG(period, "2026-02-14");
    WRONG(line, 1);
    WRONG(file, "rates.csv");
    WRONG(kind, "no_ani");
#undef WRONG
    toll_run_files_close(&run);
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled), cmocka_unit_test(refused), cmocka_unit_test(checked),
        cmocka_unit_test(charged),  cmocka_unit_test(rounded), cmocka_unit_test(periods),
        cmocka_unit_test(found),    cmocka_unit_test(counted), cmocka_unit_test(verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
