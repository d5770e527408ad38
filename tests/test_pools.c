/*
 * Pools of bundles: periods and lots, what calls draw and in which order, rollover, what becomes of the rest,
 * and going on behind an earlier run. Expectations are worked out by hand; a second evaluation, lot by lot,
 * stands against random months, and months one after the other against all of them at once.
 */
#include "base/cycle.h"
#include "pools_world.h"
#include "random.h"
#include "rating/pool_lots.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- periods ---- */

static void anchors(void **state)
{
    static const struct {
        int zone, day;
        const char *at, *first_day, *from, *until;
    } cases[] = {
        /* the 31st: in a shorter month its last day */
        {0, 31, "2026-02-28T04:59:59Z", "2026-01-31", "2026-01-31T05:00:00Z", "2026-02-28T05:00:00Z"},
        {0, 31, "2026-02-28T05:00:00Z", "2026-02-28", "2026-02-28T05:00:00Z", "2026-03-31T04:00:00Z"},
        {0, 31, "2026-04-29T12:00:00Z", "2026-03-31", "2026-03-31T04:00:00Z", "2026-04-30T04:00:00Z"},
        {0, 31, "2026-04-30T12:00:00Z", "2026-04-30", "2026-04-30T04:00:00Z", "2026-05-31T04:00:00Z"},
        {0, 29, "2024-02-29T12:00:00Z", "2024-02-29", "2024-02-29T05:00:00Z", "2024-03-29T04:00:00Z"},
        {0, 29, "2026-02-28T12:00:00Z", "2026-02-28", "2026-02-28T05:00:00Z", "2026-03-29T04:00:00Z"},
        {0, 31, "2026-12-31T12:00:00Z", "2026-12-31", "2026-12-31T05:00:00Z", "2027-01-31T05:00:00Z"},
        /* the months in which the clocks change are an hour shorter and longer */
        {0, 1, "2026-03-08T07:30:00Z", "2026-03-01", "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z"},
        {1, 15, "2026-10-25T00:30:00Z", "2026-10-15", "2026-10-14T22:00:00Z", "2026-11-14T23:00:00Z"},
    };
    struct pools_world *w = world_begin();
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char day[TOLL_TIME_TEXT_BYTES];
        const struct toll_zone *zone = w->zones[cases[i].zone];
        const struct toll_cycle cycle = toll_cycle_at(zone, cases[i].day, book_ms(cases[i].at));
        toll_day_format(cycle.day, day);
        assert_string_equal(day, cases[i].first_day);
        assert_int_equal(cycle.from, book_ms(cases[i].from));
        assert_int_equal(cycle.until, book_ms(cases[i].until));
        assert_int_equal(toll_cycle_month_of_day(cases[i].day, cycle.day), cycle.month);
        assert_int_equal(toll_cycle_month_of_day(cases[i].day, cycle.next_day - 1), cycle.month);
        assert_int_equal(toll_cycle_of_month(zone, cases[i].day, cycle.month).from, cycle.from);
    }
    world_end(w);
}

static int64_t size_of(const struct pools_world *w, uint32_t first, uint32_t count, bool prorate,
                       const char *at)
{
    const struct toll_cycle cycle = toll_cycle_at(w->zones[0], 1, book_ms(at));
    int64_t units = -1;
    assert_true(toll_lot_size(&w->grants[first], count, prorate, w->zones[0], &cycle, &units));
    return units;
}

/* March has 31 days, and is cut by a change of the clocks on the 8th. */
static void sizes(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    world_grant(w, 1000, NULL, NULL);
    world_grant(w, 100, "2026-03-16T04:00:00Z", NULL); /* a seat from 16 March on: 16 days */
    world_grant(w, 100, NULL, "2026-03-02T05:00:00Z"); /* one that ends on 2 March */
    world_grant(w, 7, "2026-03-31T04:00:00Z", NULL);   /* the last day: 1/31 of 7 is 0 */
    world_grant(w, 7, "2026-04-01T04:00:00Z", NULL);   /* the next month's */
    world_grant(w, 100, "2026-03-08T18:30:00Z",
                "2026-03-08T19:00:00Z"); /* half an hour on the 8th: 24 days */
    assert_int_equal(size_of(w, 0, 1, true, "2026-03-20T12:00:00Z"), 1000);
    assert_int_equal(size_of(w, 1, 1, false, "2026-03-20T12:00:00Z"), 100);
    assert_int_equal(size_of(w, 1, 1, true, "2026-03-02T12:00:00Z"), 51); /* floor(100 x 16 / 31) */
    assert_int_equal(size_of(w, 1, 1, true, "2026-04-02T12:00:00Z"), 100);
    assert_int_equal(size_of(w, 1, 1, true, "2026-02-02T12:00:00Z"), 0);
    assert_int_equal(size_of(w, 2, 1, true, "2026-03-20T12:00:00Z"), 100); /* what ends gives all */
    assert_int_equal(size_of(w, 3, 1, true, "2026-03-20T12:00:00Z"), 0);
    assert_int_equal(size_of(w, 4, 1, true, "2026-03-20T12:00:00Z"), 0);
    assert_int_equal(size_of(w, 5, 1, true, "2026-03-20T12:00:00Z"), 77); /* floor(100 x 24 / 31) */
    assert_int_equal(size_of(w, 0, 6, true, "2026-03-20T12:00:00Z"), 1000 + 51 + 100 + 77);
    assert_int_equal(size_of(w, 0, 6, false, "2026-03-20T12:00:00Z"), 1307);
    w->grants[5].until = book_ms("2026-04-01T04:00:00Z"); /* to the end of March, so not in April */
    assert_int_equal(size_of(w, 5, 1, false, "2026-03-31T12:00:00Z"), 100);
    assert_int_equal(size_of(w, 5, 1, false, "2026-04-20T12:00:00Z"), 0);
    w->grants[0].units = w->grants[1].units = TOLL_LOT_UNITS_MOST / 2 + 1;
    const struct toll_cycle cycle = toll_cycle_at(w->zones[0], 1, book_ms("2026-03-20T12:00:00Z"));
    int64_t units;
    assert_false(toll_lot_size(w->grants, 2, false, w->zones[0], &cycle, &units));
    world_end(w);
}

/* ---- drawing ---- */

/* One pool of account 1 with so many units a month, and its owner 1. */
static struct pools_world *one_pool(int64_t units)
{
    struct pools_world *w = world_begin();
    world_owner(w, 1, 0);
    world_bundle(w, "b");
    world_grant(w, units, NULL, NULL);
    world_entitle(w, world_pool(w, 1, 0, "", 1), 0);
    return w;
}

static void edge(void **state)
{
    struct pools_world *w = one_pool(600);
    struct toll_pool_drawn drawn;
    (void)state;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    drawn = world_draw(w, "2026-03-02T12:00:00Z", 1, 590);
    assert_int_equal(drawn.included, 590);
    assert_int_equal(drawn.billed_taken, 590);
    assert_true(drawn.all);
    /* two calls in one second: the first of them has the last ten seconds */
    drawn = world_draw(w, "2026-03-02T13:00:00Z", 1, 60);
    assert_int_equal(drawn.included, 10);
    assert_int_equal(drawn.pool, 1);
    assert_int_equal(drawn.used_rest, 60);
    assert_false(drawn.all);
    drawn = world_draw(w, "2026-03-02T13:00:00Z", 1, 60);
    assert_int_equal(drawn.included, 0);
    assert_int_equal(drawn.pool, 0);
    assert_false(drawn.all || drawn.rejected || drawn.over);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 600+0=600+0+0 over 0\n");
    assert_int_equal(w->tables.periods[0].exhausted, book_ms("2026-03-02T13:00:00Z"));
    assert_string_equal(w->tables.periods[0].scope, "account");
    assert_string_equal(w->tables.periods[0].unit, "s");
    world_draws(w, "1 2026-03-01 2026-03-01 600\n");
    world_end(w);
}

static void one_second(void **state)
{
    struct pools_world *w = one_pool(1);
    (void)state;
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-02T13:00:00Z", NULL);
    assert_int_equal(world_draw(w, "2026-03-02T12:00:00Z", 1, 60).included, 1);
    assert_int_equal(world_draw(w, "2026-03-02T12:00:01Z", 1, 60).included, 0);
    /* the new month in New York begins at 04:00 UTC */
    assert_int_equal(world_draw(w, "2026-04-01T03:59:59.999Z", 1, 60).included, 0);
    assert_int_equal(world_draw(w, "2026-04-01T04:00:00Z", 1, 1).included, 1);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 1+0=1+0+0 over 0\n"
                   "1 b acme||| 2026-04-01 1+0=1+0+0 over 0\n");
    world_end(w);
}

/* Ten seconds are left, and a call of 45 seconds comes. */
static void ten_left(void **state)
{
    struct pools_world *w = one_pool(70);
    struct toll_pool_drawn drawn;
    (void)state;
    /* debit billed: its 60 billed seconds have 10 included; the cut falls into the increment */
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    world_draw(w, "2026-03-02T12:00:00Z", 1, 60);
    drawn = world_draw_at(w, book_ms("2026-03-02T13:00:00Z"), 1, 0, 60, 45);
    assert_int_equal(drawn.included, 10);
    assert_int_equal(drawn.billed_taken, 10);
    /* debit used in increments of 60: no whole increment is left, and nothing is drawn */
    w->bundles[1].debit_used = 1;
    w->bundles[1].increment = 60;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    drawn = world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, 0, 60, 45);
    assert_int_equal(drawn.included, 60);
    assert_int_equal(drawn.billed_taken, 0);
    assert_int_equal(drawn.used_rest, 0);
    assert_true(drawn.all);
    drawn = world_draw_at(w, book_ms("2026-03-02T13:00:00Z"), 1, 0, 60, 45);
    assert_int_equal(drawn.included, 0);
    assert_int_equal(drawn.used_rest, 45);
    assert_false(drawn.all);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 70+0=60+0+10 over 0\n");
    assert_int_equal(w->tables.periods[0].exhausted, 0);
    /* in increments of 6: 6 of the 10 seconds, and 39 seconds are a call of their own */
    w->bundles[1].increment = 6;
    w->grants[0].units = 10;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    drawn = world_draw_at(w, book_ms("2026-03-02T13:00:00Z"), 1, 0, 60, 45);
    assert_int_equal(drawn.included, 6);
    assert_int_equal(drawn.used_rest, 39);
    world_end(w);
}

/* A number's own bundle before the account's, debit used before both, and who rejects takes all back. */
static void several(void **state)
{
    struct pools_world *w = world_begin();
    struct toll_pool_drawn drawn;
    uint64_t number;
    (void)state;
    assert_true(toll_digits_pack("12125550100", 11, &number));
    world_owner(w, 1, 1);
    struct toll_bundle *used = world_bundle(w, "used");
    used->debit_used = 1;
    used->increment = 10;
    used->connect_charged = 1;
    world_grant(w, 25, NULL, NULL);
    world_entitle(w, world_pool(w, 0, 0, "family", 1), 0);
    used->scope = TOLL_SCOPE_POOL;
    world_bundle(w, "own")->scope = TOLL_SCOPE_NUMBER;
    world_grant(w, 30, NULL, NULL);
    world_entitle(w, 0, 1);
    world_bundle(w, "site")->scope = TOLL_SCOPE_SITE;
    world_grant(w, 100, NULL, NULL);
    world_entitle(w, world_pool(w, 1, 1, "", 1), 0);

    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    /* 61 s, billed 120: two tens of `used`; the rest of 41 s bills 60: 30 of the number's own, 30 of the
     * site's */
    drawn = world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, number, 120, 61);
    assert_int_equal(drawn.included, 20 + 60);
    assert_int_equal(drawn.billed_taken, 60);
    assert_int_equal(drawn.used_rest, 41);
    assert_true(drawn.all && drawn.connect);
    assert_int_equal(drawn.pool, 1);
    /* 5 s left of `used` are no increment: the call as it is goes to the next ones */
    drawn = world_draw_at(w, book_ms("2026-03-02T12:30:00Z"), 1, number, 60, 1);
    assert_int_equal(drawn.included, 60);
    assert_int_equal(drawn.pool, 3);
    assert_false(drawn.connect);
    /* a line of a number without one draws on the others */
    drawn = world_draw_at(w, book_ms("2026-03-02T12:40:00Z"), 1, 0, 60, 60);
    assert_int_equal(drawn.included, 10);
    /* the site's bundle rejects, and nobody gives anything */
    w->bundles[3].at_limit = TOLL_LIMIT_REJECT;
    w->grants[0].units = 1000;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    drawn = world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, number, 1200, 1200);
    assert_true(drawn.rejected);
    assert_int_equal(drawn.included + drawn.pool, 0);
    world_finish(w);
    world_shows(w, "1 used |||family 2026-03-01 1000+0=0+0+1000 over 0\n"
                   "2 site acme|north|| 2026-03-01 100+0=0+0+100 over 0\n");
    /* what fits in exactly is not rejected */
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    w->bundles[1].increment = 1000;
    drawn = world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, number, 9999, 1120);
    assert_int_equal(drawn.included, 1000 + 120);
    assert_true(drawn.all);
    world_finish(w);
    world_shows(w, "1 used |||family 2026-03-01 1000+0=1000+0+0 over 0\n"
                   "2 own acme||+12125550100| 2026-03-01 30+0=30+0+0 over 0\n"
                   "3 site acme|north|| 2026-03-01 100+0=90+0+10 over 0\n");
    world_end(w);
}

static void fair_use(void **state)
{
    struct pools_world *w = one_pool(100);
    struct toll_pool_drawn drawn;
    (void)state;
    w->bundles[1].at_limit = TOLL_LIMIT_FLAG;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    drawn = world_draw(w, "2026-03-02T12:00:00Z", 1, 100);
    assert_false(drawn.over);
    drawn = world_draw(w, "2026-03-02T12:00:01Z", 1, 60);
    assert_true(drawn.over && drawn.all);
    assert_int_equal(drawn.included, 60);
    assert_int_equal(drawn.pool, 1);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 100+0=100+0+0 over 60\n");
    assert_int_equal(w->tables.periods[0].exhausted, book_ms("2026-03-02T12:00:00Z"));
    /* debit used in increments of 60: 45 s take 60, of which 40 are there */
    w->bundles[1].debit_used = 1;
    w->bundles[1].increment = 60;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    world_draw(w, "2026-03-02T12:00:00Z", 1, 60);
    drawn = world_draw_at(w, book_ms("2026-03-02T12:00:01Z"), 1, 0, 48, 45);
    assert_true(drawn.over && drawn.all);
    assert_int_equal(drawn.included, 60);
    assert_int_equal(drawn.used_rest, 0);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 100+0=100+0+0 over 20\n");
    /* a pool of nothing is over from the first second on */
    w->grants[0].units = 0;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    assert_true(world_draw(w, "2026-03-02T12:00:00Z", 1, 7).over);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 0+0=0+0+0 over 60\n");
    assert_int_equal(w->tables.periods[0].exhausted, 0);
    world_end(w);
}

/* What fits: dates, keys, destinations. */
static void fits(void **state)
{
    struct pools_world *w = one_pool(1000);
    int asked = 0;
    const struct toll_pool_billing billing = {world_minutes, &asked};
    struct toll_pool_call call = {.owner = 1, .first = 0, .count = 1, .billed = 60, .used = 60};
    struct toll_pool_drawn drawn;
    (void)state;
    w->entitlements[0].from = book_ms("2026-03-02T12:00:00Z");
    w->entitlements[0].until = book_ms("2026-03-02T13:00:00Z");
    w->bundles[1].destination_count = 2;
    w->destinations[0] = 3;
    w->destinations[1] = 8;
    memset(w->bundles[1].keys, 0, sizeof w->bundles[1].keys);
    call.key = toll_chain_key(TOLL_VOICE, 1, TOLL_ON_NET, TOLL_INTERNATIONAL);
    w->bundles[1].keys[call.key / 64] |= UINT64_C(1) << call.key % 64;
    static const struct {
        const char *at;
        uint32_t key, destination;
        int64_t included;
    } cases[] = {
        {"2026-03-02T11:59:59.999Z", 0, 3, 0},  {"2026-03-02T12:00:00Z", 0, 3, 60},
        {"2026-03-02T12:30:00Z", 0, 8, 60},     {"2026-03-02T12:30:00Z", 0, 7, 0},
        {"2026-03-02T12:30:00Z", 0, 0, 0},      {"2026-03-02T12:30:00Z", 1, 3, 0},
        {"2026-03-02T12:59:59.999Z", 0, 3, 60}, {"2026-03-02T13:00:00Z", 0, 3, 0},
    };
    const uint32_t key = call.key;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z", NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        call.start = book_ms(cases[i].at);
        call.key = key - cases[i].key;
        call.destination = cases[i].destination;
        toll_pools_draw(w->run, &call, &billing, &drawn);
        assert_int_equal(drawn.included, cases[i].included);
    }
    assert_int_equal(asked, 0);
    /* a list of its own, as costs have one: the first of it fits nothing here */
    struct toll_entitlement own[] = {w->entitlements[0], w->entitlements[0]};
    own[0].until = own[0].from = book_ms("2026-03-02T12:59:00Z");
    call.start = book_ms("2026-03-02T12:30:00Z");
    call.key = key;
    call.destination = 3;
    call.list = own;
    toll_pools_draw(w->run, &call, &billing, &drawn);
    assert_int_equal(drawn.included, 0);
    call.first = 1;
    toll_pools_draw(w->run, &call, &billing, &drawn);
    assert_int_equal(drawn.included, 60);
    world_end(w);
}

/* ---- rollover ---- */

/* 100 a month that live one month more. */
static void rollover(void **state)
{
    struct pools_world *w = one_pool(100);
    (void)state;
    w->bundles[1].rollover_periods = 1;
    world_run(w, "2026-01-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    assert_int_equal(world_draw(w, "2026-01-02T12:00:00Z", 1, 30).included, 30);
    assert_int_equal(world_draw(w, "2026-02-02T12:00:00Z", 1, 20).included, 20);   /* of January's */
    assert_int_equal(world_draw(w, "2026-03-02T12:00:00Z", 1, 150).included, 150); /* February's, and half */
    assert_int_equal(world_draw(w, "2026-04-02T12:00:00Z", 1, 500).included, 150);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-01-01 100+0=30+70+0 over 0\n"
                   "1 b acme||| 2026-02-01 100+70=20+100+50 over 0\n"
                   "1 b acme||| 2026-03-01 100+100=150+50+0 over 0\n"
                   "1 b acme||| 2026-04-01 100+50=150+0+0 over 0\n");
    world_draws(w, "1 2026-01-01 2026-01-01 30\n"
                   "1 2026-02-01 2026-01-01 20\n"
                   "1 2026-03-01 2026-02-01 100\n"
                   "1 2026-03-01 2026-03-01 50\n"
                   "1 2026-04-01 2026-03-01 50\n"
                   "1 2026-04-01 2026-04-01 100\n");
    assert_int_equal(w->tables.periods[2].exhausted, 0);
    assert_int_equal(w->tables.periods[3].exhausted, book_ms("2026-04-02T12:00:00Z"));
    /* months without a call live on as well; nothing was there before the run */
    w->bundles[1].rollover_periods = 2;
    world_run(w, "2026-01-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    assert_int_equal(world_draw(w, "2026-04-02T12:00:00Z", 1, 500).included, 300);
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    assert_int_equal(world_draw(w, "2026-04-02T12:00:00Z", 1, 500).included, 200);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 100+0=0+100+0 over 0\n"
                   "1 b acme||| 2026-04-01 100+100=200+0+0 over 0\n");
    world_end(w);
}

/* The run begins on 1 March UTC: what is 28 February in New York has its own lot, which does not live on. */
static void before_the_first_day(void **state)
{
    struct pools_world *w = one_pool(100);
    (void)state;
    w->bundles[1].rollover_periods = 3;
    world_run(w, "2026-03-01T03:00:00Z", "2026-03-20T12:00:00Z", NULL);
    assert_int_equal(world_draw(w, "2026-03-01T03:00:00Z", 1, 30).included, 30);
    assert_int_equal(world_draw(w, "2026-03-01T05:00:00Z", 1, 500).included, 100);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-02-01 100+0=30+0+70 over 0\n"
                   "1 b acme||| 2026-03-01 100+0=100+0+0 over 0\n");
    world_end(w);
}

/* ---- which pools are listed ---- */

static void listed(void **state)
{
    struct pools_world *w = world_begin();
    uint64_t number;
    (void)state;
    assert_true(toll_digits_pack("12125550100", 11, &number));
    world_owner(w, 1, 0);
    world_bundle(w, "own")->scope = TOLL_SCOPE_NUMBER;
    world_grant(w, 50, NULL, NULL);
    world_entitle(w, 0, 1);
    world_bundle(w, "all");
    world_grant(w, 10, NULL, "2026-03-20T00:00:00Z");
    world_pool(w, 1, 0, "", 1);
    world_grant(w, 10, "2026-05-01T04:00:00Z", NULL);
    world_pool(w, 2, 0, "", 1); /* nothing in the run's months; Berlin's begins on the 1st, too */
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    world_draw_at(w, book_ms("2026-04-02T12:00:00Z"), 1, number, 60, 60);
    world_finish(w);
    world_shows(w, "1 own acme||+12125550100| 2026-03-01 50+0=0+0+50 over 0\n"
                   "1 own acme||+12125550100| 2026-04-01 50+0=50+0+0 over 0\n"
                   "2 all acme||| 2026-03-01 10+0=0+0+10 over 0\n");
    world_end(w);
}

/* A number that goes over to another account has pools of its own there, and one for each bundle. */
static void numbers(void **state)
{
    struct pools_world *w = world_begin();
    uint64_t number;
    (void)state;
    assert_true(toll_digits_pack("12125550100", 11, &number));
    for (int32_t account = 1; account <= 2; account++) {
        world_owner(w, account, 0);
        for (int i = 0; i < 2; i++) {
            if (account == 1) {
                world_bundle(w, i == 0 ? "first" : "second")->scope = TOLL_SCOPE_NUMBER;
                world_grant(w, 10, NULL, NULL);
            }
            world_entitle(w, 0, 2 - (uint32_t)i);
            w->entitlements[w->book.entitlement_count - 1].bundle = 1 + (uint32_t)i;
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        w->entitlements[i].grant_first = i % 2;
        w->entitlements[i].grant_count = 1;
    }
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-20T12:00:00Z", NULL);
    assert_int_equal(world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, number, 15, 15).included, 15);
    assert_int_equal(world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 2, number, 60, 60).included, 20);
    assert_int_equal(world_draw_at(w, book_ms("2026-03-02T12:00:00Z"), 1, number, 60, 60).included, 5);
    world_finish(w);
    world_shows(w, "1 first acme||+12125550100| 2026-03-01 10+0=10+0+0 over 0\n"
                   "2 second acme||+12125550100| 2026-03-01 10+0=10+0+0 over 0\n"
                   "3 first beta||+12125550100| 2026-03-01 10+0=10+0+0 over 0\n"
                   "4 second beta||+12125550100| 2026-03-01 10+0=10+0+0 over 0\n");
    world_end(w);
}

/* ---- behind an earlier run ---- */

static void late(void **state)
{
    struct pools_world *w = one_pool(100);
    static const struct toll_pool_period_row periods[] = {
        {.id = 3,
         .bundle = "b",
         .scope = "account",
         .account = "acme",
         .site = "",
         .number = "",
         .pool = "",
         .unit = "s",
         .period = "2026-01-01",
         .granted = 80,
         .used = 30,
         .rolled_out = 50},
        {.id = 3,
         .bundle = "b",
         .scope = "account",
         .account = "acme",
         .site = "",
         .number = "",
         .pool = "",
         .unit = "s",
         .period = "2026-02-01",
         .granted = 80,
         .rolled_in = 50,
         .used = 20,
         .rolled_out = 80,
         .expired = 30},
        {.id = 5,
         .bundle = "gone",
         .scope = "account",
         .account = "acme",
         .site = "",
         .number = "",
         .pool = "",
         .unit = "s",
         .period = "2026-02-01",
         .granted = 9,
         .used = 9},
    };
    static const struct toll_pool_draw_row draws[] = {
        {.id = 3, .period = "2026-01-01", .lot = "2026-01-01", .units = 30},
        {.id = 3, .period = "2026-02-01", .lot = "2026-01-01", .units = 20},
        {.id = 5, .period = "2026-02-01", .lot = "2026-02-01", .units = 9},
    };
    const toll_ms march = book_ms("2026-03-01T05:00:00Z");
    const toll_ms closed[] = {march, march, march, march};
    struct toll_pools_before before = {
        .periods = periods,
        .period_count = 3,
        .draws = draws,
        .draw_count = 3,
        .begun = toll_day_of_ms(book_ms("2026-01-01T00:00:00Z")),
        .begun_first = book_ms("2026-01-01T09:00:00Z"),
        .closed = closed,
    };
    (void)state;
    w->bundles[1].rollover_periods = 1;
    /* The lots of closed months are 80 as they were, though the book says 100 now. A late call of January has
     * what is left of January's lot, also what had expired since; one of February the rest and February's. */
    world_run(w, "2026-01-05T12:00:00Z", "2026-03-20T12:00:00Z", &before);
    assert_int_equal(world_draw(w, "2026-01-05T12:00:00Z", 1, 25).included, 25);
    assert_int_equal(world_draw(w, "2026-02-05T12:00:00Z", 1, 10).included, 10);
    assert_int_equal(world_draw(w, "2026-03-05T12:00:00Z", 1, 500).included, 75 + 100);
    world_finish(w);
    world_shows(w, "3 b acme||| 2026-01-01 80+0=55+25+0 over 0\n"
                   "3 b acme||| 2026-02-01 80+25=30+75+0 over 0\n"
                   "3 b acme||| 2026-03-01 100+75=175+0+0 over 0\n"
                   "5 gone acme||| 2026-02-01 9+0=9+0+0 over 0\n");
    world_draws(w, "3 2026-01-01 2026-01-01 55\n"
                   "3 2026-02-01 2026-01-01 25\n"
                   "3 2026-02-01 2026-02-01 5\n"
                   "3 2026-03-01 2026-02-01 75\n"
                   "3 2026-03-01 2026-03-01 100\n"
                   "5 2026-02-01 2026-02-01 9\n");
    /* A second pass begins where this run began. */
    toll_pools_second_pass(w->run);
    assert_int_equal(world_draw(w, "2026-01-05T12:00:00Z", 1, 500).included, 30);
    /* Only what waited: everything is late, and lots are as the rows say. */
    before.closed = NULL;
    world_run(w, "2026-01-05T12:00:00Z", "2026-02-20T12:00:00Z", &before);
    assert_int_equal(world_draw(w, "2026-02-05T12:00:00Z", 1, 500).included, 30 + 80);
    world_finish(w);
    world_shows(w, "3 b acme||| 2026-01-01 80+0=30+50+0 over 0\n"
                   "3 b acme||| 2026-02-01 80+50=130+0+0 over 0\n"
                   "5 gone acme||| 2026-02-01 9+0=9+0+0 over 0\n");
    world_end(w);
}

/* Closed on 15 March, while the pool's month goes on to the end: the lot is as the book says now, but never
 * less than what was drawn. */
static void half_closed(void **state)
{
    struct pools_world *w = one_pool(100);
    const struct toll_pool_period_row row = {.id = 1,
                                             .bundle = "b",
                                             .scope = "account",
                                             .account = "acme",
                                             .site = "",
                                             .number = "",
                                             .pool = "",
                                             .unit = "s",
                                             .period = "2026-03-01",
                                             .granted = 80,
                                             .used = 80,
                                             .exhausted = 7};
    const struct toll_pool_draw_row draw = {
        .id = 1, .period = "2026-03-01", .lot = "2026-03-01", .units = 80};
    const toll_ms closed[] = {0, book_ms("2026-03-15T04:00:00Z"), 0, 0};
    const struct toll_pools_before before = {
        .periods = &row,
        .period_count = 1,
        .draws = &draw,
        .draw_count = 1,
        .begun = toll_day_of_ms(book_ms("2026-03-01T00:00:00Z")),
        .begun_first = book_ms("2026-03-01T09:00:00Z"),
        .closed = closed,
    };
    (void)state;
    world_run(w, "2026-03-16T12:00:00Z", "2026-03-20T12:00:00Z", &before);
    assert_int_equal(world_draw(w, "2026-03-16T12:00:00Z", 1, 5).included, 5);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 100+0=85+0+15 over 0\n");
    assert_int_equal(w->tables.periods[0].exhausted, 0);
    w->grants[0].units = 60;
    world_run(w, "2026-03-16T12:00:00Z", "2026-03-20T12:00:00Z", &before);
    assert_int_equal(world_draw(w, "2026-03-16T12:00:00Z", 1, 5).included, 0);
    world_finish(w);
    world_shows(w, "1 b acme||| 2026-03-01 80+0=80+0+0 over 0\n");
    assert_int_equal(w->tables.periods[0].exhausted, 7);
    world_end(w);
}

static void damaged(void **state)
{
    struct pools_world *w = one_pool(100);
    const struct toll_pool_period_row good = {.id = 1,
                                              .bundle = "b",
                                              .scope = "account",
                                              .account = "acme",
                                              .site = "",
                                              .number = "",
                                              .pool = "",
                                              .unit = "s",
                                              .period = "2026-01-01",
                                              .granted = 80,
                                              .used = 30,
                                              .expired = 50};
    const struct toll_pool_draw_row good_draw = {
        .id = 1, .period = "2026-01-01", .lot = "2026-01-01", .units = 30};
    struct toll_pool_period_row row[2];
    struct toll_pool_draw_row draw;
    struct toll_pools_before before = {.periods = row, .draws = &draw};
    const struct toll_run_span span = world_span("2026-01-05T12:00:00Z", "2026-02-20T12:00:00Z");
    struct toll_error error;
    (void)state;
#define TRY(code, change)                                                                   \
    do {                                                                                    \
        row[0] = row[1] = good;                                                             \
        draw = good_draw;                                                                   \
        before.period_count = before.draw_count = 1;                                        \
        change;                                                                             \
        assert_int_equal(toll_pools_make(&w->book, &span, &before, &w->run, &error), code); \
        toll_pools_free(w->run);                                                            \
        w->run = NULL;                                                                      \
    } while (0)
    TRY(0, );
    TRY(TOLL_EDATA, row[0].used = 31);
    TRY(TOLL_EDATA, row[0].granted = 29);
    TRY(TOLL_EDATA, row[0].id = 0);
    TRY(TOLL_EDATA, row[0].id = draw.id = INT32_MAX); /* and not gigabytes */
    TRY(TOLL_EDATA, row[0].period = "2026-13-01");
    TRY(TOLL_EDATA, row[0].over = -1);
    TRY(TOLL_EDATA, draw.units = 0);
    TRY(TOLL_EDATA, draw.id = 2);
    TRY(TOLL_EDATA, draw.lot = "2026-02-01");
    TRY(TOLL_EDATA, draw.period = "2026-02-01");
    TRY(TOLL_EDATA, before.draw_count = 0);
    TRY(TOLL_EDATA, before.period_count = 0);
    TRY(TOLL_EDATA, before.period_count = 2); /* the same period twice */
    TRY(TOLL_EDATA, before.period_count = 2; row[1].id = 2; row[1].used = 0);
#undef TRY
    world_end(w);
}

/* A run from 10 March on, while there are calls of 8 March. */
static void cut(void **state)
{
    struct pools_world *w = one_pool(100);
    const toll_ms ninth = book_ms("2026-03-09T00:00:00Z");
    toll_ms closed[4] = {0};
    struct toll_pools_before before = {.begun = 0, .closed = closed};
    struct toll_run_span span = world_span("2026-03-10T12:00:00Z", "2026-04-20T12:00:00Z");
    struct toll_error error;
    (void)state;
    span.earlier_until = ninth;
    assert_int_equal(toll_pools_make(&w->book, &span, NULL, &w->run, &error), 0);
    world_draw(w, "2026-04-10T12:00:00Z", 1, 60);
    assert_int_equal(toll_pools_state(w->run, &error), 0);
    world_drop(w);
    assert_int_equal(toll_pools_make(&w->book, &span, NULL, &w->run, &error), 0);
    world_draw(w, "2026-03-10T12:00:00Z", 1, 60);
    assert_int_equal(toll_pools_state(w->run, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "2026-03-01 of bundle b"));
    assert_non_null(strstr(error.text, "--cut-periods"));
    assert_int_equal(toll_pools_finish(w->run, &w->tables, &w->charges, &error), TOLL_EDATA);
    world_drop(w);
    /* calls up to the 9th are closed: nothing is cut; up to the 8th: it is */
    closed[1] = ninth;
    assert_int_equal(toll_pools_make(&w->book, &span, &before, &w->run, &error), 0);
    world_draw(w, "2026-03-10T12:00:00Z", 1, 60);
    assert_int_equal(toll_pools_state(w->run, &error), 0);
    world_drop(w);
    closed[1] = ninth - 1;
    assert_int_equal(toll_pools_make(&w->book, &span, &before, &w->run, &error), 0);
    world_draw(w, "2026-03-10T12:00:00Z", 1, 60);
    assert_int_equal(toll_pools_state(w->run, &error), TOLL_EDATA);
    world_end(w);
}

/* ---- random months ---- */

#define NUMBERS 12
#define MONTHS 5

/* Lot by lot, as section 12.1 has it: lots[m] of month m from January 2026 on, each month by its own rule. */
struct plain_pool {
    int64_t lots[MONTHS], used[MONTHS];
};
static int64_t draw_plainly(struct plain_pool *pool, int month, int rollover, int64_t units)
{
    int64_t taken = 0;
    for (int lot = month - rollover < 0 ? 0 : month - rollover; lot <= month; lot++) {
        const int64_t part = pool->lots[lot] < units - taken ? pool->lots[lot] : units - taken;
        pool->lots[lot] -= part;
        taken += part;
    }
    pool->used[month] += taken;
    return taken;
}

struct plain_call {
    toll_ms start;
    int month, number;
    int64_t units;
};
#define CALLS 600

static void make_calls(struct plain_call calls[CALLS], uint64_t *random)
{
    static const char *const months[] = {"2026-01-01T05:00:00Z", "2026-02-01T05:00:00Z",
                                         "2026-03-01T05:00:00Z", "2026-04-01T04:00:00Z",
                                         "2026-05-01T04:00:00Z", "2026-06-01T04:00:00Z"};
    for (int i = 0; i < CALLS; i++) {
        const int month = i * MONTHS / CALLS;
        const toll_ms from = book_ms(months[month]), until = book_ms(months[month + 1]);
        const toll_ms last = i > 0 && calls[i - 1].month == month ? calls[i - 1].start : from;
        calls[i] = (struct plain_call){
            .start = last + (toll_ms)(random_next(random) % 3) * (until - 1 - last) / CALLS,
            .month = month,
            .number = (int)(random_next(random) % NUMBERS),
            .units = 1 + (int64_t)(random_next(random) % 90),
        };
    }
}

static uint64_t number_of(int index)
{
    char digits[16];
    uint64_t number;
    snprintf(digits, sizeof digits, "12125550%03d", index);
    assert_true(toll_digits_pack(digits, strlen(digits), &number));
    return number;
}

static void random_book(struct pools_world *w, int rollover)
{
    world_owner(w, 1, 0);
    struct toll_bundle *own = world_bundle(w, "own");
    own->scope = TOLL_SCOPE_NUMBER;
    own->rollover_periods = (uint8_t)rollover;
    world_grant(w, 200, NULL, NULL);
    world_entitle(w, 0, 1);
    world_bundle(w, "all")->rollover_periods = (uint8_t)(MONTHS - 1 - rollover);
    world_grant(w, 700, NULL, NULL);
    world_entitle(w, world_pool(w, 1, 0, "", 1), 0);
    w->book.number_capacity = WORLD_ITEMS;
    for (int i = 0; i < NUMBERS; i++) {
        uint64_t at = toll_number_first_slot(number_of(i), WORLD_ITEMS);
        while (w->numbers[at].key != 0)
            at = (at + 1) % WORLD_ITEMS;
        w->numbers[at] = (struct toll_number_slot){.key = number_of(i), .owner = 1};
    }
}

/* What may differ between one run and several: ids. */
static void keep(struct pools_world *w, struct toll_pool_tables *tables, struct toll_pools **run)
{
    *tables = w->tables;
    *run = w->run;
    w->run = NULL;
}

static const struct toll_pool_period_row *row_like(const struct toll_pool_tables *tables,
                                                   const struct toll_pool_period_row *row)
{
    for (int64_t i = 0; i < tables->period_count; i++) {
        const struct toll_pool_period_row *at = &tables->periods[i];
        if (strcmp(at->bundle, row->bundle) == 0 && strcmp(at->number, row->number) == 0 &&
            strcmp(at->period, row->period) == 0)
            return at;
    }
    fail_msg("%s %s %s is not there", row->bundle, row->number, row->period);
    return NULL;
}

static void months_like_one_run(void **state)
{
    static struct plain_call calls[CALLS];
    uint64_t random = 12;
    (void)state;
    for (int round = 0; round < 10; round++) {
        const int rollover = round % MONTHS;
        struct pools_world *w = world_begin();
        struct plain_pool own[NUMBERS] = {{{0}, {0}}}, all = {{0}, {0}};
        int64_t answers[CALLS];
        for (int m = 0; m < MONTHS; m++) {
            all.lots[m] = 700;
            for (int i = 0; i < NUMBERS; i++)
                own[i].lots[m] = 200;
        }
        random_book(w, rollover);
        make_calls(calls, &random);
        struct toll_run_span span = {.first = calls[0].start,
                                     .last = calls[CALLS - 1].start,
                                     .rows = CALLS,
                                     .earlier_until = TOLL_MS_MIN};
        struct toll_error error;
        assert_int_equal(toll_pools_make(&w->book, &span, NULL, &w->run, &error), 0);
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < CALLS; i++) {
                const struct plain_call *call = &calls[i];
                const struct toll_pool_drawn drawn =
                    world_draw_at(w, call->start, 1, number_of(call->number), call->units, call->units);
                if (pass == 0) {
                    answers[i] = draw_plainly(&own[call->number], call->month, rollover, call->units);
                    answers[i] +=
                        draw_plainly(&all, call->month, MONTHS - 1 - rollover, call->units - answers[i]);
                }
                assert_int_equal(drawn.included, answers[i]);
            }
            if (pass == 0)
                toll_pools_second_pass(w->run);
        }
        world_finish(w);
        for (int64_t i = 0; i < w->tables.period_count; i++) {
            const struct toll_pool_period_row *row = &w->tables.periods[i];
            const int month = row->period[6] - '1';
            const bool of_all = row->number[0] == 0;
            assert_int_equal(row->used, of_all ? all.used[month] : own[atoi(row->number + 9)].used[month]);
        }
        /* The same month after month, each behind the one before. */
        struct toll_pool_tables one, before_tables;
        struct toll_pools *one_run, *before_run = NULL;
        keep(w, &one, &one_run);
        for (int m = 0, i = 0; m < MONTHS; m++) {
            const int first = i;
            while (i < CALLS && calls[i].month == m)
                i++;
            const toll_ms until =
                m == 0 ? TOLL_MS_MIN : toll_cycle_at(w->zones[0], 1, calls[first].start).from;
            const toll_ms closed[] = {until, until, until, until};
            span.first = calls[first].start;
            span.last = calls[i - 1].start;
            const struct toll_pools_before before = {
                .periods = m == 0 ? NULL : before_tables.periods,
                .period_count = m == 0 ? 0 : before_tables.period_count,
                .draws = m == 0 ? NULL : before_tables.draws,
                .draw_count = m == 0 ? 0 : before_tables.draw_count,
                .begun = toll_day_of_ms(calls[0].start),
                .begun_first = calls[0].start,
                .closed = closed,
            };
            assert_int_equal(toll_pools_make(&w->book, &span, m == 0 ? NULL : &before, &w->run, &error), 0);
            for (int k = first; k < i; k++)
                assert_int_equal(world_draw_at(w, calls[k].start, 1, number_of(calls[k].number),
                                               calls[k].units, calls[k].units)
                                     .included,
                                 answers[k]);
            world_finish(w);
            toll_pools_free(before_run);
            keep(w, &before_tables, &before_run);
        }
        assert_int_equal(before_tables.period_count, one.period_count);
        assert_int_equal(before_tables.draw_count, one.draw_count);
        for (int64_t i = 0; i < one.period_count; i++) {
            const struct toll_pool_period_row *a = &one.periods[i], *b = row_like(&before_tables, a);
            assert_int_equal(a->granted, b->granted);
            assert_int_equal(a->rolled_in, b->rolled_in);
            assert_int_equal(a->used, b->used);
            assert_int_equal(a->rolled_out, b->rolled_out);
            assert_int_equal(a->expired, b->expired);
            assert_int_equal(a->exhausted, b->exhausted);
        }
        toll_pools_free(one_run);
        toll_pools_free(before_run);
        world_end(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors),
        cmocka_unit_test(sizes),
        cmocka_unit_test(edge),
        cmocka_unit_test(one_second),
        cmocka_unit_test(ten_left),
        cmocka_unit_test(several),
        cmocka_unit_test(fair_use),
        cmocka_unit_test(fits),
        cmocka_unit_test(rollover),
        cmocka_unit_test(before_the_first_day),
        cmocka_unit_test(listed),
        cmocka_unit_test(late),
        cmocka_unit_test(damaged),
        cmocka_unit_test(numbers),
        cmocka_unit_test(half_closed),
        cmocka_unit_test(cut),
        cmocka_unit_test(months_like_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
