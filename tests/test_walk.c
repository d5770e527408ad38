/*
 * Calls that change their rate (docs/RATING.md section 9.1): the traps by hand, over bands and clocks of New
 * York in 2026; then random rows against a reading of the section that takes one increment after the other.
 */
#include "book/book.h"
#include "io/zonefile.h"
#include "random.h"
#include "rating/charge.h"
#include "rating/walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CENT INT64_C(1000000)
#define HOUR 3600

enum { NO_BAND, NIGHT, WEEKEND };

/* ---- rows and terms, as few words as a deck's file has ---- */

enum { ROWS_MAX = 12 };
struct rows {
    struct toll_entry_row rows[ROWS_MAX];
    struct toll_entry_span spans[ROWS_MAX]; /* of row i */
    struct toll_terms terms[ROWS_MAX];
    uint32_t price_terms[ROWS_MAX + 1]; /* price i + 1 is row i */
    struct toll_walk_rows walk;
};

static struct toll_terms *put(struct rows *rows, int32_t band, int32_t step, toll_money rate, int32_t per,
                              int32_t increment)
{
    const uint32_t i = rows->walk.count++;
    assert_true(i < ROWS_MAX);
    rows->spans[i] =
        (struct toll_entry_span){.from = TOLL_MS_MIN, .until = TOLL_MS_MAX, .band = band, .step = step};
    rows->rows[i] = (struct toll_entry_row){.span = i, .price = i + 1};
    rows->terms[i] = (struct toll_terms){.rate = rate,
                                         .maximum_charge = INT64_MAX,
                                         .per = per,
                                         .initial = increment,
                                         .increment = increment,
                                         .quantum = 100,
                                         .action = TOLL_ACTION_DECK,
                                         .decimals = 6};
    rows->price_terms[i + 1] = i;
    rows->walk.rows = rows->rows;
    rows->walk.spans = rows->spans;
    rows->walk.terms = rows->terms;
    rows->walk.price_terms = rows->price_terms;
    uint32_t a = rows->walk.per == 0 ? 1 : rows->walk.per, b = (uint32_t)per;
    while (b != 0) {
        const uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    rows->walk.per = (rows->walk.per == 0 ? 1 : rows->walk.per) / a * (uint32_t)per;
    return &rows->terms[i];
}

struct stretches {
    struct toll_walk_stretch of[200];
    size_t count;
};

static void note(void *context, const struct toll_walk_stretch *stretch)
{
    struct stretches *stretches = context;
    assert_true(stretches->count < COUNT(stretches->of));
    stretches->of[stretches->count++] = *stretch;
}

/* By steps alone; the first row decides. */
static enum toll_walk_outcome steps_walk(const struct rows *rows, int64_t used, struct toll_walked *walked)
{
    return toll_walk(&rows->walk, &rows->terms[0], 0, NO_BAND, used, NULL, NULL, walked);
}

static void expect_steps(const struct rows *rows, int64_t used, int32_t billed, toll_money charge)
{
    struct toll_walked walked;
    assert_int_equal(steps_walk(rows, used, &walked), TOLL_WALK_DONE);
    assert_int_equal(walked.billed, billed);
    assert_int_equal(walked.charge, charge);
}

/* ---- steps ---- */

/* 0.4 at once, 0.2 the first minute, 0.1 every minute after: an hour is 0.4 + 0.2 + 5.9. */
static void test_an_hour(void **state)
{
    (void)state;
    static const int32_t increments[] = {60, 1, 20};
    for (size_t i = 0; i < COUNT(increments); i++) {
        struct rows rows = {0};
        put(&rows, 0, 0, 20 * CENT, 60, increments[i])->connect_fee = 40 * CENT;
        put(&rows, 0, 60, 10 * CENT, 60, increments[i]);
        expect_steps(&rows, HOUR, HOUR, 650 * CENT);
        expect_steps(&rows, 60, 60, 60 * CENT);
        expect_steps(&rows, 120, 120, 70 * CENT);
    }
}

/* An increment is priced whole by the row at its first second: 61 s in minutes are 2, 50 s in 45s 2. */
static void test_increments_over_a_step(void **state)
{
    (void)state;
    struct rows rows = {0};
    put(&rows, 0, 0, 60 * CENT, 60, 45);
    put(&rows, 0, 60, 6 * CENT, 60, 6);
    expect_steps(&rows, 1, 45, 45 * CENT);
    expect_steps(&rows, 46, 90, 90 * CENT); /* the second one began at 45 */
    expect_steps(&rows, 90, 90, 90 * CENT);
    expect_steps(&rows, 91, 96, 90 * CENT + 60 * CENT / 100);
    expect_steps(&rows, 97, 102, 90 * CENT + 120 * CENT / 100);
}

/* A bundle has the first units: they are billed and cost nothing, and an increment may be cut. */
static void test_beyond_a_bundle(void **state)
{
    (void)state;
    static const struct {
        int64_t included;
        toll_money charge;
    } cases[] = {
        {0, 150 * CENT},  /* 1 + 0.5 */
        {45, 105 * CENT}, /* one increment of two */
        {60, 90 * CENT},  /* a third of the second */
        {90, 60 * CENT},  /* all that the first row prices */
        {93, 57 * CENT},  /* half of the third increment */
        {150, 0},         /* all of it: the fee is for those who ask */
    };
    struct rows rows = {0};
    put(&rows, 0, 0, 60 * CENT, 60, 45);
    put(&rows, 0, 60, 60 * CENT, 60, 6);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_walked walked;
        assert_int_equal(toll_walk_beyond(&rows.walk, &rows.terms[0], 0, NO_BAND, 149, cases[i].included,
                                          NULL, NULL, &walked),
                         TOLL_WALK_DONE);
        assert_int_equal(walked.billed, 150);
        assert_int_equal(walked.charge, cases[i].charge);
    }
}

/* RATING's 25/8: what is free or at least, and both ways to round. */
static void test_terms_of_the_first_row(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct toll_terms *first = put(&rows, 0, 0, 6 * CENT, 60, 8);
    put(&rows, 0, 30, 12 * CENT, 60, 10);
    first->initial = 25;
    expect_steps(&rows, 40, 43, 5300000); /* 25 + 8 at 0.001 a second, 10 at 0.002 */
    first->init_mode = TOLL_INIT_ROUND_TOTAL;
    expect_steps(&rows, 40, 42, 5200000); /* 32 and 10 */
    expect_steps(&rows, 1, 32, 3200000);
    first->init_mode = TOLL_INIT_APPEND;
    first->minimum_units = 40;
    expect_steps(&rows, 1, 43, 5300000);
    first->minimum_units = 0;

    first->free_units = 20; /* positions 20 to 45: the first increment, then 30 is long past */
    expect_steps(&rows, 40, 25, 2500000);
    expect_steps(&rows, 46, 35, 2500000 + 2000000);
    expect_steps(&rows, 20, 0, 0);
    expect_steps(&rows, 7, 0, 0);
    first->free_units = 30; /* the second row prices, but the first one says how long */
    expect_steps(&rows, 31, 25, 5000000);
    first->free_units = 0;

    first->minimum_charge = 5250000;
    expect_steps(&rows, 1, 25, 5250000);
    expect_steps(&rows, 40, 43, 5300000);
    first->minimum_charge = 0;
    first->maximum_charge = 5250000;
    expect_steps(&rows, 40, 43, 5250000);
    expect_steps(&rows, 33, 33, 3300000);
}

static void test_nothing_used(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct toll_walked walked;
    struct toll_terms *first = put(&rows, 0, 0, 6 * CENT, 60, 6);
    put(&rows, 0, 30, 12 * CENT, 60, 10);
    first->connect_fee = 7 * CENT;
    assert_int_equal(steps_walk(&rows, 0, &walked), TOLL_WALK_ZERO);
    assert_int_equal(walked.charge, 0);
    first->zero_s = TOLL_ZERO_S_CONNECT;
    expect_steps(&rows, 0, 0, 7 * CENT);
    first->zero_s = TOLL_ZERO_S_MINIMUM;
    expect_steps(&rows, 0, 6, 7 * CENT + 600000);
}

/* Sevenths and thirteenths: one fraction, rounded once. 0.01 / 3 twice and 0.01 / 3 again make 0.01. */
static void test_one_rounding(void **state)
{
    (void)state;
    struct rows rows = {0};
    put(&rows, 0, 0, 100 * CENT, 7, 1);
    put(&rows, 0, 6, 100 * CENT, 13, 1);
    expect_steps(&rows, 7, 7, 93406600); /* 6/7 + 1/13 = 85/91 = 0.934065934.. */
    struct rows thirds = {0};
    put(&thirds, 0, 0, CENT, 3, 1)->quantum = 10000; /* 4 decimals */
    put(&thirds, 0, 1, CENT, 6, 1);
    put(&thirds, 0, 3, CENT, 3, 1);
    expect_steps(&thirds, 4, 4, CENT); /* 1/3 + 2/6 + 1/3 */
    expect_steps(&thirds, 1, 1, 330000);
}

static void test_rows_without_price(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct toll_walked walked;
    put(&rows, 0, 0, 60 * CENT, 60, 30);
    put(&rows, 0, 60, 0, 60, 30)->state = TOLL_PRICE_BLOCKED;
    put(&rows, 0, 90, 0, 60, 30)->state = TOLL_PRICE_NO_RATE;
    expect_steps(&rows, 60, 60, 60 * CENT);
    assert_int_equal(steps_walk(&rows, 61, &walked), TOLL_WALK_BLOCKED);
    assert_int_equal(walked.price, 2);
    assert_int_equal(walked.billed, 0);
    assert_int_equal(walked.charge, 0);
    rows.terms[0].free_units = 90;
    assert_int_equal(steps_walk(&rows, 91, &walked), TOLL_WALK_NO_RATE);
    assert_int_equal(walked.price, 3);
    rows.terms[0].free_units = 0;
    rows.spans[0].step = 10; /* no row for the first second */
    assert_int_equal(steps_walk(&rows, 1, &walked), TOLL_WALK_NO_BAND);
    assert_int_equal(walked.price, 0);
}

/* Rows that are not in force at the call's start are no rows, even if they would be later. */
static void test_dates(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct toll_walked walked;
    put(&rows, 0, 0, 60 * CENT, 60, 1);
    put(&rows, 0, 30, 6 * CENT, 60, 1);
    rows.spans[1].from = 10000;
    assert_int_equal(toll_walk(&rows.walk, &rows.terms[0], 9999, 0, 60, NULL, NULL, &walked), TOLL_WALK_DONE);
    assert_int_equal(walked.charge, 60 * CENT);
    assert_int_equal(toll_walk(&rows.walk, &rows.terms[0], 10000, 0, 60, NULL, NULL, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.charge, 33 * CENT);
    rows.spans[1].until = 10000;
    assert_int_equal(toll_walk(&rows.walk, &rows.terms[0], 10000, 0, 60, NULL, NULL, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.charge, 60 * CENT);
}

/* Bytes by the block: 2^31 - 1 units are the most, and money that 64 bits do not hold is none. */
static void test_overflow(void **state)
{
    (void)state;
    struct rows rows = {0};
    struct toll_walked walked;
    put(&rows, 0, 0, 1, 1, 1);
    put(&rows, 0, 1000, 2, 1, 1);
    rows.terms[0].quantum = rows.terms[1].quantum = 1;
    expect_steps(&rows, INT32_MAX, INT32_MAX, 1000 + 2 * (INT64_C(2147483647) - 1000));
    static const int64_t beyond[] = {INT64_C(1) << 31, INT64_C(1) << 33, INT64_C(1) << 34, INT64_MAX};
    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_int_equal(steps_walk(&rows, beyond[i], &walked), TOLL_WALK_OVERFLOW);
        assert_int_equal(walked.billed, 0);
        assert_int_equal(walked.charge, 0);
    }
    rows.terms[1].rate = INT64_MAX;
    assert_int_equal(steps_walk(&rows, INT32_MAX, &walked), TOLL_WALK_OVERFLOW);
    rows.terms[0].maximum_charge = 12345; /* the exact charge is cut before it has to fit */
    expect_steps(&rows, INT32_MAX, INT32_MAX, 12345);
    /* The largest numerator there is: no wrap may hide it. */
    rows.walk.per = INT32_MAX;
    rows.terms[0].maximum_charge = INT64_MAX;
    assert_int_equal(steps_walk(&rows, INT32_MAX, &walked), TOLL_WALK_OVERFLOW);
}

/* ---- bands ---- */

struct clock {
    struct toll_book book;
    struct toll_deck decks[2];
    struct toll_calendar calendars[2];
    struct toll_calendar_row rows[2];
    uint32_t deck_zones[2];
    struct toll_zone *zones[1];
    unsigned asked;
};

/* Nights from 20:00 to 06:00; Saturday and Sunday, if they are wanted; which of them wins. */
static void clock_begin(struct clock *clock, bool weekends, bool weekend_first)
{
    struct toll_hash128 hash;
    struct toll_error error;
    memset(clock, 0, sizeof *clock);
    if (toll_zone_load(toll_io_system(), "America/New_York", &clock->zones[0], &hash, &error) != 0)
        fail_msg("%s", error.text);
    const struct toll_calendar_row night = {.band = NIGHT,
                                            .days = 0xfe,
                                            .from_minute = 1200,
                                            .to_minute = 360},
                                   weekend = {.band = WEEKEND, .days = 0xc0, .to_minute = 1440};
    clock->rows[0] = weekend_first ? weekend : night;
    clock->rows[1] = weekend_first ? night : weekend;
    clock->calendars[1].row_count = weekends ? 2 : 1;
    clock->decks[1].calendar = 1;
    clock->book = (struct toll_book){.decks = clock->decks,
                                     .deck_count = 2,
                                     .calendars = clock->calendars,
                                     .calendar_rows = clock->rows,
                                     .deck_zones = clock->deck_zones,
                                     .zones = clock->zones};
}

static void clock_end(struct clock *clock)
{
    toll_zone_free(clock->zones[0]);
}

static int32_t clock_band(void *context, toll_ms at, toll_ms *until)
{
    struct clock *clock = context;
    toll_ms from;
    clock->asked++;
    return toll_book_band(&clock->book, 1, at, &from, until);
}

static toll_ms ms(const char *text)
{
    toll_ms local;
    bool has_offset;
    int32_t offset;
    assert_true(toll_iso_parse(text, strlen(text), &local, &has_offset, &offset) && has_offset);
    return local - offset * INT64_C(1000);
}

static void expect_split(struct clock *clock, const struct rows *rows, const char *start, int64_t used,
                         int32_t billed, toll_money charge)
{
    const struct toll_walk_bands bands = {clock_band, clock};
    struct toll_walked walked;
    assert_int_equal(toll_walk(&rows->walk, &rows->terms[0], ms(start), NO_BAND, used, &bands, NULL, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.billed, billed);
    assert_int_equal(walked.charge, charge);
}

/* A cent a second by day, half of it at night, a fifth at the weekend. */
static void put_bands(struct rows *rows, int32_t increment)
{
    put(rows, NO_BAND, 0, 60 * CENT, 60, increment);
    put(rows, NIGHT, 0, 30 * CENT, 60, increment);
    put(rows, WEEKEND, 0, 12 * CENT, 60, increment);
}

static void test_increment_before_the_change(void **state)
{
    (void)state;
    struct clock clock;
    struct rows minutes = {0}, seconds = {0};
    clock_begin(&clock, false, false);
    put_bands(&minutes, 60);
    put_bands(&seconds, 1);
    expect_split(&clock, &minutes, "2026-07-01T19:59:59-04:00", 60, 60, 60 * CENT);
    expect_split(&clock, &minutes, "2026-07-01T19:59:59-04:00", 61, 120, 90 * CENT);
    expect_split(&clock, &minutes, "2026-07-01T20:00:00-04:00", 61, 120, 60 * CENT);
    expect_split(&clock, &seconds, "2026-07-01T19:59:59-04:00", 61, 61, 31 * CENT);
    /* The instants are exact: 58.5, 59.5, then 0.5 past eight. */
    expect_split(&clock, &seconds, "2026-07-01T19:59:58.500-04:00", 3, 3, 2 * CENT + CENT / 2);
    expect_split(&clock, &seconds, "2026-07-01T19:59:59.999-04:00", 2, 2, CENT + CENT / 2);
    expect_split(&clock, &seconds, "2026-07-02T05:59:59.001-04:00", 2, 2, CENT / 2 + CENT);
    clock_end(&clock);
}

static void test_long_calls(void **state)
{
    (void)state;
    struct clock clock;
    struct rows rows = {0}, seconds = {0};
    put_bands(&rows, 60);
    put_bands(&seconds, 1);

    /* Friday night into Saturday: the night holds until six, or gives way at midnight. */
    clock_begin(&clock, true, false);
    expect_split(&clock, &rows, "2026-07-10T23:00:00-04:00", 8 * HOUR, 8 * HOUR,
                 7 * 1800 * CENT + 720 * CENT);
    clock_end(&clock);
    clock_begin(&clock, true, true);
    expect_split(&clock, &rows, "2026-07-10T23:00:00-04:00", 8 * HOUR, 8 * HOUR,
                 1800 * CENT + 7 * 720 * CENT);
    clock_end(&clock);

    /* Twelve hours of a Wednesday evening: one by day, ten at night, one by day. */
    clock_begin(&clock, true, false);
    expect_split(&clock, &rows, "2026-07-08T19:00:00-04:00", 12 * HOUR, 12 * HOUR,
                 2 * 3600 * CENT + 18000 * CENT);

    /* The night of 8 March has no hour from two to three: half past midnight to six are 4.5 hours; that of 1
     * November has it twice: 6.5 hours. */
    expect_split(&clock, &seconds, "2026-03-08T00:30:00-05:00", 7 * HOUR, 7 * HOUR,
                 8100 * CENT + 1800 * CENT);
    expect_split(&clock, &seconds, "2026-11-01T00:30:00-04:00", 7 * HOUR, 7 * HOUR,
                 11700 * CENT + 360 * CENT);
    /* And begun within the second of the two. */
    expect_split(&clock, &seconds, "2026-11-01T01:30:00-05:00", 5 * HOUR, 5 * HOUR, 8100 * CENT + 360 * CENT);
    clock_end(&clock);
}

/* The longest call there is, second by second: as many questions as the clock has edges. */
static void test_24_days(void **state)
{
    (void)state;
    struct clock clock;
    struct rows rows = {0};
    struct stretches stretches = {.count = 0};
    const struct toll_walk_trace trace = {note, &stretches};
    const struct toll_walk_bands bands = {clock_band, &clock};
    struct toll_walked walked;
    clock_begin(&clock, false, false);
    put_bands(&rows, 1);
    /* 24 days of 10 hours of night and 14 of day; then 6, 14 and 1,883 seconds of the next night. */
    assert_int_equal(toll_walk(&rows.walk, &rows.terms[0], ms("2026-06-01T00:00:00-04:00"), 0, 2147483,
                               &bands, &trace, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.billed, 2147483);
    assert_int_equal(walked.charge, 24 * (18000 + 50400) * CENT + (10800 + 50400) * CENT + 1883 * CENT / 2);
    assert_int_equal(stretches.count, 75);
    assert_int_equal(clock.asked, 75);
    int64_t at = 0;
    for (size_t i = 0; i < stretches.count; i++) {
        assert_int_equal(stretches.of[i].from, at);
        assert_int_equal(stretches.of[i].price, i % 3 == 1 ? 1 : 2); /* 0 to 6, 6 to 20, 20 to 24 */
        assert_int_equal(stretches.of[i].band, i % 3 == 1 ? NO_BAND : NIGHT);
        at += stretches.of[i].units;
    }
    assert_int_equal(at, 2147483);
    clock_end(&clock);
}

/* Steps within bands: each band has its own, and one without a row at a second leaves it to the rows without
 * band. */
static void test_steps_and_bands(void **state)
{
    (void)state;
    struct clock clock;
    struct rows rows = {0};
    clock_begin(&clock, false, false);
    put(&rows, NO_BAND, 0, 60 * CENT, 60, 1);
    put(&rows, NO_BAND, 120, 6 * CENT, 60, 1);
    put(&rows, NIGHT, 60, 30 * CENT, 60, 1);
    /* At night: 60 s at a cent (no row of the band yet), then half a cent, however long. */
    expect_split(&clock, &rows, "2026-07-01T22:00:00-04:00", 300, 300, 60 * CENT + 120 * CENT);
    /* Into the night after 100 s: a cent until then, then half a cent. */
    expect_split(&clock, &rows, "2026-07-01T19:58:20-04:00", 200, 200, 100 * CENT + 50 * CENT);
    /* Out of it after 100 s: 60 and 40, then 20 at a cent, then a tenth. */
    expect_split(&clock, &rows, "2026-07-01T05:58:20-04:00", 220, 220,
                 60 * CENT + 20 * CENT + 20 * CENT + 10 * CENT);

    struct rows gap = {0};
    struct toll_walked walked;
    const struct toll_walk_bands bands = {clock_band, &clock};
    put(&gap, NIGHT, 0, 30 * CENT, 60, 60);
    const toll_ms start = ms("2026-07-01T05:58:59-04:00");
    assert_int_equal(toll_walk(&gap.walk, &gap.terms[0], start, 0, 120, &bands, NULL, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.charge, 60 * CENT); /* the second minute began in the night */
    assert_int_equal(toll_walk(&gap.walk, &gap.terms[0], start, 0, 121, &bands, NULL, &walked),
                     TOLL_WALK_NO_BAND);
    /* Without the split the band at the start holds. */
    assert_int_equal(toll_walk(&gap.walk, &gap.terms[0], start, NIGHT, 121, NULL, NULL, &walked),
                     TOLL_WALK_DONE);
    assert_int_equal(walked.charge, 90 * CENT);
    clock_end(&clock);
}

/* ---- against another reading ---- */

static toll_money naive_half_up(toll_total exact, toll_total divisor, toll_total quantum)
{
    const toll_total whole = divisor * quantum;
    return (toll_money)((2 * exact + whole) / (2 * whole) * quantum);
}

struct noise { /* bands that change at random, at the latest after 400 s */
    toll_ms edges[64];
    int32_t bands[64];
};

static void noise_make(struct noise *noise, uint64_t *seed)
{
    toll_ms at = 0;
    for (size_t i = 0; i < COUNT(noise->edges); i++) {
        noise->bands[i] = (int32_t)(random_next(seed) % 3);
        at = i == 0 ? -(int64_t)(random_next(seed) % 100000) : at + 1 + (int64_t)(random_next(seed) % 400000);
        noise->edges[i] = at;
    }
}

static int32_t noise_band(void *context, toll_ms at, toll_ms *until)
{
    const struct noise *noise = context;
    size_t i = 0;
    while (i + 1 < COUNT(noise->edges) && at >= noise->edges[i + 1])
        i++;
    *until = i + 1 < COUNT(noise->edges) ? noise->edges[i + 1] : TOLL_MS_MAX;
    return noise->bands[i];
}

/* The row at a position, by the words of the section. */
static int naive_row(const struct rows *rows, int32_t band, int64_t position)
{
    int best = -1;
    for (int pass = 0; pass < 2 && best < 0; pass++)
        for (uint32_t i = 0; i < rows->walk.count; i++)
            if (rows->spans[i].band == (pass == 0 ? band : NO_BAND) && rows->spans[i].step <= position &&
                (best < 0 || rows->spans[i].step > rows->spans[best].step))
                best = (int)i;
    return best;
}

static enum toll_walk_outcome naive_walk(const struct rows *rows, toll_ms start, int32_t start_band,
                                         int64_t used, const struct noise *noise, struct toll_walked *walked)
{
    const struct toll_terms *first = &rows->terms[0];
    int64_t wanted = used < first->minimum_units ? first->minimum_units : used;
    wanted = wanted < first->free_units ? 0 : wanted - first->free_units;
    int64_t done = 0;
    toll_total exact = (toll_total)first->connect_fee * rows->walk.per;
    *walked = (struct toll_walked){0};
    while (done < wanted) {
        const int64_t position = first->free_units + done;
        toll_ms until;
        const int32_t band = noise == NULL
                                 ? start_band
                                 : noise_band((void *)(uintptr_t)noise, start + position * 1000, &until);
        const int row = naive_row(rows, band, position);
        if (row < 0)
            return TOLL_WALK_NO_BAND;
        const struct toll_terms *terms = &rows->terms[row];
        walked->price = (uint32_t)row + 1;
        if (terms->state != TOLL_PRICE_OK)
            return terms->state == TOLL_PRICE_BLOCKED ? TOLL_WALK_BLOCKED : TOLL_WALK_NO_RATE;
        walked->price = 0;
        int64_t length = terms->increment;
        if (done == 0) {
            length = first->initial;
            while (first->init_mode == TOLL_INIT_ROUND_TOTAL && length % first->increment != 0)
                length++;
        }
        exact += (toll_total)terms->rate * length * rows->walk.per / (uint32_t)terms->per;
        done += length;
    }
    const toll_total least = (toll_total)first->minimum_charge * rows->walk.per;
    exact = exact < least ? least : exact;
    if (first->maximum_charge != INT64_MAX && exact > (toll_total)first->maximum_charge * rows->walk.per)
        exact = (toll_total)first->maximum_charge * rows->walk.per;
    walked->billed = (int32_t)done;
    walked->charge = naive_half_up(exact, rows->walk.per, first->quantum);
    return TOLL_WALK_DONE;
}

static void make_first(struct toll_terms *first, uint64_t *seed)
{
    static const uint32_t quanta[] = {1, 100, 10000, 1000000};
    first->initial = 1 + (int32_t)(random_next(seed) % 90);
    first->init_mode = random_next(seed) % 2;
    first->connect_fee = random_next(seed) % 2 == 0 ? 0 : (int64_t)(random_next(seed) % 100000000);
    first->minimum_units = random_next(seed) % 3 == 0 ? (int32_t)(random_next(seed) % 200) : 0;
    first->free_units = random_next(seed) % 3 == 0 ? (int32_t)(random_next(seed) % 200) : 0;
    first->minimum_charge = random_next(seed) % 4 == 0 ? (int64_t)(random_next(seed) % 300000000) : 0;
    if (random_next(seed) % 4 == 0)
        first->maximum_charge = first->minimum_charge + (int64_t)(random_next(seed) % 1000000000);
    first->quantum = quanta[random_next(seed) % COUNT(quanta)];
}

static void test_against_increments(void **state)
{
    (void)state;
    static const int32_t pers[] = {1, 6, 60, 7, 100};
    uint64_t seed = 20260702;
    unsigned done = 0, none = 0;
    for (int round = 0; round < 20000; round++) {
        struct rows rows = {0};
        struct noise noise;
        const uint32_t count = 1 + (uint32_t)(random_next(&seed) % 8);
        for (uint32_t i = 0; i < count; i++) {
            const int32_t band = i == 0 ? NO_BAND : (int32_t)(random_next(&seed) % 3);
            int32_t step = i == 0 ? 0 : (int32_t)(random_next(&seed) % 300);
            for (uint32_t k = 0; k < i; k++) /* band and step are a row's name */
                step += rows.spans[k].band == band && rows.spans[k].step == step ? 1000 + (int32_t)i : 0;
            struct toll_terms *terms =
                put(&rows, band, step, (int64_t)(random_next(&seed) % 10000000000),
                    pers[random_next(&seed) % 5], 1 + (int32_t)(random_next(&seed) % 70));
            if (random_next(&seed) % 40 == 0)
                terms->state = 1 + random_next(&seed) % 2;
        }
        if (random_next(&seed) % 8 == 0)
            rows.spans[0].band = NIGHT;
        make_first(&rows.terms[0], &seed);
        noise_make(&noise, &seed);
        const bool split = random_next(&seed) % 4 != 0;
        const int64_t used = 1 + (int64_t)(random_next(&seed) % 3000);
        const toll_ms start = (int64_t)(random_next(&seed) % 1000000);
        const struct toll_walk_bands bands = {noise_band, &noise};
        struct toll_walked walked, want;
        const enum toll_walk_outcome outcome =
            naive_walk(&rows, start, NIGHT, used, split ? &noise : NULL, &want);
        assert_int_equal(
            toll_walk(&rows.walk, &rows.terms[0], start, NIGHT, used, split ? &bands : NULL, NULL, &walked),
            outcome);
        assert_int_equal(walked.billed, want.billed);
        assert_int_equal(walked.charge, want.charge);
        assert_int_equal(walked.price, want.price);
        done += outcome == TOLL_WALK_DONE;
        none += outcome == TOLL_WALK_NO_BAND;
    }
    assert_true(done > 5000 && none > 500); /* both are there to be seen */
}

/* Bands and steps that all cost the same change nothing: one row for all of the call. */
static void test_the_same_price_everywhere(void **state)
{
    (void)state;
    uint64_t seed = 77;
    for (int round = 0; round < 20000; round++) {
        struct rows rows = {0};
        struct noise noise;
        const int64_t rate = (int64_t)(random_next(&seed) % 10000000000);
        const int32_t increment = 1 + (int32_t)(random_next(&seed) % 70);
        for (uint32_t i = 0; i < 9; i++)
            put(&rows, (int32_t)(i % 3), (int32_t)(i / 3) * 100, rate, 60, increment);
        make_first(&rows.terms[0], &seed);
        noise_make(&noise, &seed);
        const int64_t used = (int64_t)(random_next(&seed) % 3000);
        const struct toll_walk_bands bands = {noise_band, &noise};
        struct toll_walked walked;
        int32_t billed;
        toll_money charge = 0;
        const enum toll_billed_outcome outcome = toll_billed(&rows.terms[0], used, &billed);
        if (outcome == TOLL_BILLED)
            assert_true(toll_charge_deck(&rows.terms[0], billed, &charge));
        assert_int_equal(toll_walk(&rows.walk, &rows.terms[0], 0, 0, used, &bands, NULL, &walked),
                         outcome == TOLL_BILLED ? TOLL_WALK_DONE : TOLL_WALK_ZERO);
        assert_int_equal(walked.billed, billed);
        assert_int_equal(walked.charge, charge);
    }
}

/* Instants near the ends of time: no sum may pass them. */
static void test_far_instants(void **state)
{
    (void)state;
    struct clock clock;
    struct rows rows = {0};
    static const toll_ms starts[] = {INT64_MIN, INT64_MIN + 1, -1, INT64_MAX - 1000, INT64_MAX};
    clock_begin(&clock, false, false);
    const struct toll_walk_bands bands = {clock_band, &clock};
    put(&rows, NO_BAND, 0, 60 * CENT, 60, 1);
    rows.spans[0].until = TOLL_MS_MAX;
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct toll_walked walked;
        const enum toll_walk_outcome outcome =
            toll_walk(&rows.walk, &rows.terms[0], starts[i], 0, 3600, &bands, NULL, &walked);
        assert_int_equal(outcome, starts[i] == TOLL_MS_MAX ? TOLL_WALK_NO_BAND : TOLL_WALK_DONE);
    }
    clock_end(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour),
        cmocka_unit_test(test_increments_over_a_step),
        cmocka_unit_test(test_beyond_a_bundle),
        cmocka_unit_test(test_terms_of_the_first_row),
        cmocka_unit_test(test_nothing_used),
        cmocka_unit_test(test_one_rounding),
        cmocka_unit_test(test_rows_without_price),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_increment_before_the_change),
        cmocka_unit_test(test_long_calls),
        cmocka_unit_test(test_24_days),
        cmocka_unit_test(test_steps_and_bands),
        cmocka_unit_test(test_against_increments),
        cmocka_unit_test(test_the_same_price_everywhere),
        cmocka_unit_test(test_far_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
