/*
 * What tiers count and charge for periods: by number, site, account and parent, for whom they are due without
 * a call, volume by two passes, and going on behind closed periods. Expectations are worked out by hand.
 */
#include "pools_world.h"

#define CENT INT64_C(1000000)

/* Tiers with fees: 0.50 for the first, 2.00 for the second from 600 on. */
static struct toll_tiers *fee_tiers(struct pools_world *w, const char *name, int scope, int period)
{
    struct toll_tiers *tiers = &w->tiers[w->book.tiers_count++];
    *tiers = (struct toll_tiers){
        .maximum_spend = INT64_MAX,
        .name = world_text(w, name),
        .first = w->book.tier_row_count,
        .count = 2,
        .per = 60,
        .file = world_text(w, "tiers.csv"),
        .line = 2,
        .quantum = 100,
        .mode = TOLL_TIER_GRADUATED,
        .scope = (uint8_t)scope,
        .period = (uint8_t)period,
        .decimals = 6,
    };
    w->tier_rows[w->book.tier_row_count++] =
        (struct toll_tier){.rate = 5 * CENT, .flat = 50 * CENT, .per = 60};
    w->tier_rows[w->book.tier_row_count++] =
        (struct toll_tier){.from_qty = 600, .rate = 3 * CENT, .flat = 200 * CENT, .per = 60};
    return tiers;
}

/* A rule of plan 1 with the latest tiers. */
static struct toll_rule *tiers_rule(struct pools_world *w)
{
    struct toll_rule *rule = &w->rules[w->book.rule_count++];
    *rule = (struct toll_rule){.action = TOLL_ACTION_TIERS,
                               .from = TOLL_MS_MIN,
                               .until = TOLL_MS_MAX,
                               .plan = 1,
                               .tiers = w->book.tiers_count - 1};
    return rule;
}

/* An owner that has plan 1 in a time. */
static uint32_t planned_owner(struct pools_world *w, int32_t account, int32_t site, const char *from,
                              const char *until)
{
    const uint32_t owner = world_owner(w, account, site);
    w->owners[owner].span = w->book.span_count;
    w->owners[owner].span_count = 1;
    w->spans[w->book.span_count++] = (struct toll_plan_span){
        .from = from == NULL ? TOLL_MS_MIN : book_ms(from),
        .until = until == NULL ? TOLL_MS_MAX : book_ms(until),
        .plan = 1,
    };
    return owner;
}

static uint64_t digits_of(const char *text)
{
    uint64_t number;
    assert_true(toll_digits_pack(text, strlen(text), &number));
    return number;
}

static void world_number(struct pools_world *w, const char *text, uint32_t field)
{
    const uint64_t number = digits_of(text);
    w->book.number_capacity = WORLD_ITEMS;
    uint64_t at = toll_number_first_slot(number, WORLD_ITEMS);
    while (w->numbers[at].key != 0)
        at = (at + 1) % WORLD_ITEMS;
    w->numbers[at] = (struct toll_number_slot){.key = number, .owner = field};
}

/* Counts a line and its charge; gives what was before. */
static int64_t count(struct pools_world *w, uint32_t tiers, const char *at, uint32_t owner,
                     const char *number, int64_t units, toll_money charge)
{
    const struct toll_pool_call call = {
        .start = book_ms(at), .owner = owner, .number = number == NULL ? 0 : digits_of(number)};
    uint32_t slot;
    const int64_t before = toll_pools_count(w->run, tiers, &call, units, &slot);
    toll_pools_spend(w->run, slot, charge);
    return before;
}

static void scopes(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "n", TOLL_SCOPE_NUMBER, TOLL_TIER_MONTH);
    fee_tiers(w, "s", TOLL_SCOPE_SITE, TOLL_TIER_MONTH);
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    fee_tiers(w, "p", TOLL_SCOPE_POOL, TOLL_TIER_MONTH);
    const uint32_t north = world_owner(w, 1, 1), south = world_owner(w, 1, 2), child = world_owner(w, 3, 0);
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-20T12:00:00Z", NULL);
    for (uint32_t tiers = 1; tiers <= 4; tiers++) {
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", north, "12125550100", 100, 8 * CENT), 0);
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", north, "12125550100", 1, 0), 100);
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", north, "12125550101", 10, 0),
                         tiers == 1 ? 0 : 101);
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", south, "12125550102", 5, 0),
                         tiers <= 2 ? 0 : 111);
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", child, "12125550103", 3, 0),
                         tiers <= 3 ? 0 : 116);
        /* a credit has the same before and counts for the spend only */
        assert_int_equal(count(w, tiers, "2026-03-02T12:00:00Z", child, "12125550103", 0, -CENT),
                         tiers <= 3 ? 3 : 119);
    }
    world_finish(w);
    world_counts(w, "a acme|| 2026-03-01 116 8000000 50000000 0 0\n"
                    "a child|| 2026-03-01 3 -1000000 50000000 0 0\n"
                    "n acme||+12125550100 2026-03-01 101 8000000 50000000 0 0\n"
                    "n acme||+12125550101 2026-03-01 10 0 50000000 0 0\n"
                    "n acme||+12125550102 2026-03-01 5 0 50000000 0 0\n"
                    "n child||+12125550103 2026-03-01 3 -1000000 50000000 0 0\n"
                    "p acme|| 2026-03-01 119 7000000 50000000 0 0\n"
                    "s acme|north| 2026-03-01 111 8000000 50000000 0 0\n"
                    "s acme|south| 2026-03-01 5 0 50000000 0 0\n"
                    "s child|| 2026-03-01 3 -1000000 50000000 0 0\n");
    world_end(w);
}

/* Berlin, cycle day 15: the month, the billing period, and a call. */
static void periods(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "m", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    fee_tiers(w, "c", TOLL_SCOPE_ACCOUNT, TOLL_TIER_ANCHOR);
    fee_tiers(w, "l", TOLL_SCOPE_ACCOUNT, TOLL_TIER_CALL);
    const uint32_t owner = world_owner(w, 2, 0);
    world_run(w, "2026-03-14T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    static const char *const starts[] = {"2026-03-14T22:59:59Z", "2026-03-14T23:00:00Z",
                                         "2026-03-31T21:59:59Z", "2026-03-31T22:00:00Z"};
    static const int64_t months[] = {0, 7, 14, 0}, cycles[] = {0, 0, 7, 14};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(count(w, 1, starts[i], owner, NULL, 7, 0), months[i]);
        assert_int_equal(count(w, 2, starts[i], owner, NULL, 7, 0), cycles[i]);
        assert_int_equal(count(w, 3, starts[i], owner, NULL, 7, 0), 0);
    }
    world_finish(w);
    world_counts(w, "c beta|| 2026-02-15 7 0 50000000 0 0\n"
                    "c beta|| 2026-03-15 21 0 50000000 0 0\n"
                    "m beta|| 2026-03-01 21 0 50000000 0 0\n"
                    "m beta|| 2026-04-01 7 0 50000000 0 0\n");
    world_end(w);
}

/* The more is used in the period, the less all of it costs: known only when all was counted. */
static void volume(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "v", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH)->mode = TOLL_TIER_VOLUME;
    const uint32_t owner = world_owner(w, 1, 0);
    const struct toll_pool_call march = {.start = book_ms("2026-03-02T12:00:00Z"), .owner = owner};
    const struct toll_pool_call april = {.start = book_ms("2026-04-02T12:00:00Z"), .owner = owner};
    uint32_t slot;
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(toll_pools_count(w->run, 1, &march, 600, &slot), 0);
        assert_int_equal(pass == 0 ? 601 : toll_pools_volume(w->run, slot), 601);
        toll_pools_spend(w->run, slot, CENT);
        assert_int_equal(toll_pools_count(w->run, 1, &march, 1, &slot), 600);
        assert_int_equal(pass == 0 ? 601 : toll_pools_volume(w->run, slot), 601);
        assert_int_equal(toll_pools_count(w->run, 1, &april, 60, &slot), 0);
        assert_int_equal(pass == 0 ? 60 : toll_pools_volume(w->run, slot), 60);
        if (pass == 0)
            toll_pools_second_pass(w->run);
    }
    world_finish(w);
    /* the fee of the tier that was reached alone */
    world_counts(w, "v acme|| 2026-03-01 601 1000000 200000000 0 0\n"
                    "v acme|| 2026-04-01 60 0 50000000 0 0\n");
    world_charges(w, "2026-03-01 acme|| v tier_fee 200000000\n"
                     "2026-04-01 acme|| v tier_fee 50000000\n");
    world_end(w);
}

/* A run of March and April. The plan's rule begins in April; nobody calls. */
static void without_usage(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH)->minimum_spend = 2000 * CENT;
    tiers_rule(w)->from = book_ms("2026-04-10T04:00:00Z");
    planned_owner(w, 1, 1, NULL, NULL);
    planned_owner(w, 1, 2, NULL, NULL);                   /* the same account: due once */
    planned_owner(w, 3, 0, NULL, "2026-04-10T04:00:00Z"); /* its plan ends as the rule begins */
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    world_finish(w);
    world_counts(w, "a acme|| 2026-04-01 0 0 50000000 1950000000 0\n");
    world_charges(w, "2026-04-01 acme|| a minimum_spend 1950000000\n"
                     "2026-04-01 acme|| a tier_fee 50000000\n");
    /* from the first instant of April on: nothing in March */
    w->rules[1].from = book_ms("2026-04-01T04:00:00Z");
    world_run(w, "2026-03-02T12:00:00Z", "2026-04-20T12:00:00Z", NULL);
    world_finish(w);
    world_charges(w, "2026-04-01 acme|| a minimum_spend 1950000000\n"
                     "2026-04-01 acme|| a tier_fee 50000000\n"
                     "2026-04-01 child|| a minimum_spend 1950000000\n"
                     "2026-04-01 child|| a tier_fee 50000000\n");
    world_end(w);
}

/* By number and by site: while the rows of numbers.csv are in force. The run is of March to May. */
static void by_number(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "n", TOLL_SCOPE_NUMBER, TOLL_TIER_MONTH);
    tiers_rule(w);
    fee_tiers(w, "s", TOLL_SCOPE_SITE, TOLL_TIER_MONTH);
    tiers_rule(w);
    const uint32_t north = planned_owner(w, 1, 1, NULL, NULL);
    const uint32_t child = planned_owner(w, 3, 0, "2026-04-30T04:00:00Z", NULL);
    world_number(w, "12125550100", TOLL_OWNER_DATED | 0);
    /* acme's until 1 April, 00:00 in New York, then the child's, whose plan begins at the end of April */
    w->dates[0] = (struct toll_owner_date){
        .from = TOLL_MS_MIN, .until = book_ms("2026-04-01T04:00:00Z"), .owner = north};
    w->dates[1] = (struct toll_owner_date){
        .from = book_ms("2026-04-01T04:00:00Z"), .until = TOLL_MS_MAX, .owner = child, .last = 1};
    world_run(w, "2026-03-02T12:00:00Z", "2026-05-20T12:00:00Z", NULL);
    assert_int_equal(count(w, 1, "2026-03-05T12:00:00Z", north, "12125550100", 601, 31 * CENT), 0);
    world_finish(w);
    world_charges(w, "2026-03-01 acme||+12125550100 n tier_fee 250000000\n"
                     "2026-03-01 acme|north| s tier_fee 50000000\n"
                     "2026-04-01 child|| s tier_fee 50000000\n"
                     "2026-04-01 child||+12125550100 n tier_fee 50000000\n"
                     "2026-05-01 child|| s tier_fee 50000000\n"
                     "2026-05-01 child||+12125550100 n tier_fee 50000000\n");
    world_end(w);
}

/* One call with a wrong date: a century of fees for everybody is refused, with what to do. */
static void wrong_date(void **state)
{
    struct pools_world *w = world_begin();
    struct toll_error error;
    (void)state;
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    tiers_rule(w);
    planned_owner(w, 1, 0, NULL, NULL);
    world_run(w, "1826-04-02T12:00:00Z", "2026-03-02T12:00:00Z", NULL);
    assert_int_equal(toll_pools_finish(w->run, &w->tables, &w->charges, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "1826-04-02"));
    assert_non_null(strstr(error.text, "--from"));
    world_end(w);
}

/* The first day of a run is the later of the UTC date and the local one, the last the earlier. */
static void days_of_a_run(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    tiers_rule(w);
    planned_owner(w, 1, 0, NULL, NULL);
    /* 1 March UTC is still February in New York, where nothing is due for it; 1 April UTC is March there */
    world_run(w, "2026-03-01T03:00:00Z", "2026-04-01T03:00:00Z", NULL);
    world_finish(w);
    world_charges(w, "2026-03-01 acme|| a tier_fee 50000000\n");
    /* in Berlin 31 March 23:00 UTC is April, and not yet the run's */
    w->owners[1].account = 2;
    world_run(w, "2026-03-31T23:00:00Z", "2026-03-31T23:30:00Z", NULL);
    world_finish(w);
    world_charges(w, "");
    world_run(w, "2026-02-28T23:00:00Z", "2026-03-31T23:30:00Z", NULL);
    world_finish(w);
    world_charges(w, "2026-03-01 beta|| a tier_fee 50000000\n");
    world_end(w);
}

/* February is closed with 590 units. */
static void behind_closed(void **state)
{
    struct pools_world *w = world_begin();
    const toll_ms march = book_ms("2026-03-01T05:00:00Z"), closed[] = {march, march, march, march};
    static const struct toll_tier_count_row counts[] = {
        {.tiers = "a",
         .account = "acme",
         .site = "",
         .number = "",
         .period = "2026-02-01",
         .units = 590,
         .spend = 49 * CENT,
         .fee = 50 * CENT,
         .minimum = 901 * CENT},
        {.tiers = "a", .account = "nobody", .site = "", .number = "", .period = "2026-02-01", .units = 5},
    };
    struct toll_pools_before before = {
        .counts = counts,
        .count_count = 2,
        .begun = toll_day_of_ms(book_ms("2026-02-01T00:00:00Z")),
        .begun_first = book_ms("2026-02-01T09:00:00Z"),
        .closed = closed,
    };
    (void)state;
    struct toll_tiers *tiers = fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    tiers->minimum_spend = 1000 * CENT;
    tiers_rule(w);
    const uint32_t owner = planned_owner(w, 1, 0, NULL, NULL);
    planned_owner(w, 2, 0, NULL, NULL); /* Berlin, whose February is closed without a count: nothing is due */
    /* nothing late: February is as it was, whatever the book says now */
    tiers->minimum_spend = 2000 * CENT;
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-20T12:00:00Z", &before);
    world_finish(w);
    world_charges(w, "2026-03-01 acme|| a minimum_spend 1950000000\n"
                     "2026-03-01 acme|| a tier_fee 50000000\n"
                     "2026-03-01 beta|| a minimum_spend 1950000000\n"
                     "2026-03-01 beta|| a tier_fee 50000000\n");
    world_counts(w, "a acme|| 2026-02-01 590 49000000 50000000 901000000 0\n"
                    "a acme|| 2026-03-01 0 0 50000000 1950000000 0\n"
                    "a beta|| 2026-03-01 0 0 50000000 1950000000 0\n"
                    "a nobody|| 2026-02-01 5 0 0 0 0\n");
    /* a late call of February enters the second tier: its fee is new, and that much less of the minimum */
    tiers->minimum_spend = 1000 * CENT;
    world_run(w, "2026-02-02T12:00:00Z", "2026-03-20T12:00:00Z", &before);
    assert_int_equal(count(w, 1, "2026-02-02T12:00:00Z", owner, NULL, 20, 1 * CENT), 590);
    world_finish(w);
    world_charges(w, "2026-02-01 acme|| a minimum_spend -201000000\n"
                     "2026-02-01 acme|| a tier_fee 200000000\n"
                     "2026-03-01 acme|| a minimum_spend 950000000\n"
                     "2026-03-01 acme|| a tier_fee 50000000\n"
                     "2026-03-01 beta|| a minimum_spend 950000000\n"
                     "2026-03-01 beta|| a tier_fee 50000000\n");
    /* only what waited: whole charges, of all periods */
    before.closed = NULL;
    world_run(w, "2026-02-02T12:00:00Z", "2026-02-20T12:00:00Z", &before);
    assert_int_equal(count(w, 1, "2026-02-02T12:00:00Z", owner, NULL, 20, 1 * CENT), 590);
    world_finish(w);
    world_charges(w, "2026-02-01 acme|| a minimum_spend 700000000\n"
                     "2026-02-01 acme|| a tier_fee 250000000\n"
                     "2026-02-01 beta|| a minimum_spend 950000000\n"
                     "2026-02-01 beta|| a tier_fee 50000000\n");
    world_end(w);
}

/* Surcharges are there already: all are in one order. */
static void among_others(void **state)
{
    struct pools_world *w = world_begin();
    (void)state;
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH)->maximum_spend = 100 * CENT;
    const uint32_t owner = world_owner(w, 1, 0);
    world_run(w, "2026-03-02T12:00:00Z", "2026-03-20T12:00:00Z", NULL);
    w->charges.entries = calloc(1, sizeof *w->charges.entries);
    w->charges.count = 1;
    w->charges.entries[0] = (struct toll_period_charge_entry){
        .row = {.site = "", .number = "", .tiers = "", .kind = "short_calls", .charge = 7},
        .account = "acme",
        .period = "2026-03-01",
    };
    count(w, 1, "2026-03-05T12:00:00Z", owner, NULL, 60, 70 * CENT);
    world_finish(w);
    world_charges(w, "2026-03-01 acme||  short_calls 7\n"
                     "2026-03-01 acme|| a maximum_spend -20000000\n"
                     "2026-03-01 acme|| a tier_fee 50000000\n");
    assert_int_equal(w->charges.entries[1].row.line, 2);
    world_end(w);
}

static void cut(void **state)
{
    struct pools_world *w = world_begin();
    struct toll_run_span span = world_span("2026-03-10T12:00:00Z", "2026-04-20T12:00:00Z");
    struct toll_error error;
    (void)state;
    fee_tiers(w, "a", TOLL_SCOPE_ACCOUNT, TOLL_TIER_MONTH);
    const uint32_t owner = world_owner(w, 1, 0);
    span.earlier_until = book_ms("2026-03-02T00:00:00Z");
    assert_int_equal(toll_pools_make(&w->book, &span, NULL, &w->run, &error), 0);
    count(w, 1, "2026-04-05T12:00:00Z", owner, NULL, 60, 0);
    assert_int_equal(toll_pools_state(w->run, &error), 0);
    world_drop(w);
    assert_int_equal(toll_pools_make(&w->book, &span, NULL, &w->run, &error), 0);
    count(w, 1, "2026-03-10T12:00:00Z", owner, NULL, 60, 0);
    assert_int_equal(toll_pools_state(w->run, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "2026-03-01 of tiers a"));
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes),        cmocka_unit_test(periods),       cmocka_unit_test(volume),
        cmocka_unit_test(without_usage), cmocka_unit_test(by_number),     cmocka_unit_test(days_of_a_run),
        cmocka_unit_test(wrong_date),    cmocka_unit_test(behind_closed), cmocka_unit_test(among_others),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
