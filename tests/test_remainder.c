/* What is charged of a call when bundles have given a part of it: docs/RATING.md section 12.2, by hand. */
#include "rating/remainder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CENT INT64_C(1000000)

/* 0.06 a minute and 0.05 to begin with, in steps of 60 after the first 60; at least 0.10, at most 0.30. */
static struct toll_terms minute(void)
{
    return (struct toll_terms){
        .rate = 6 * CENT,
        .connect_fee = 5 * CENT,
        .minimum_charge = 10 * CENT,
        .maximum_charge = 30 * CENT,
        .per = 60,
        .initial = 60,
        .increment = 60,
        .quantum = 100,
        .action = TOLL_ACTION_DECK,
    };
}

static toll_money charge_of(const struct toll_terms *terms, const struct toll_given *given, int64_t billed,
                            int64_t line_billed, toll_money before)
{
    struct toll_remainder remainder;
    toll_money charge = before;
    int64_t rest = 0;
    if (given->by_used > 0 && given->used_rest > 0)
        assert_true(toll_remainder_units(terms, given->used_rest, &rest));
    assert_true(toll_remainder_make(given, billed, rest, &remainder));
    assert_int_equal(remainder.billed, line_billed);
    assert_true(toll_remainder_charge(terms, given, &remainder, &charge));
    return charge;
}

static void test_billed(void **state)
{
    (void)state;
    const struct toll_terms terms = minute();
    /* 180 s of which 60 are given: 0.05 + 0.12; of 120 given 0.11; of 170 given 0.06 is raised to 0.10 */
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 60}, 180, 180, 23 * CENT),
                     17 * CENT);
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 120}, 180, 180, 23 * CENT),
                     11 * CENT);
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 170}, 180, 180, 23 * CENT),
                     10 * CENT);
    /* an hour less 60 s is cut to 0.30 */
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 60}, 3600, 3600, 30 * CENT),
                     30 * CENT);
    /* all of it: nothing, or the fee without the minimum */
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 180}, 180, 180, 23 * CENT), 0);
    assert_int_equal(
        charge_of(&terms, &(struct toll_given){.by_billed = 180, .connect = true}, 180, 180, 23 * CENT),
        5 * CENT);
}

static void test_used(void **state)
{
    (void)state;
    const struct toll_terms terms = minute();
    /* 130 s, of which 60 are drawn: 70 remain, and are billed as two minutes: 60 + 120, 0.05 + 0.12 */
    assert_int_equal(
        charge_of(&terms, &(struct toll_given){.by_used = 60, .used_rest = 70}, 180, 180, 23 * CENT),
        17 * CENT);
    /* 100 of 130 drawn: 30 remain, one minute: 0.11 */
    assert_int_equal(
        charge_of(&terms, &(struct toll_given){.by_used = 100, .used_rest = 30}, 180, 160, 23 * CENT),
        11 * CENT);
    /* and that minute is given by another bundle */
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_used = 100, .used_rest = 30, .by_billed = 60},
                               180, 160, 23 * CENT),
                     0);
    /* 130 s in steps of 60 are 180, all drawn */
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_used = 180}, 180, 180, 23 * CENT), 0);
}

/* A flat amount is charged whole as long as anything remains. */
static void test_flat(void **state)
{
    (void)state;
    struct toll_terms terms = minute();
    terms.action = TOLL_ACTION_FLAT;
    terms.connect_fee = 25 * CENT;
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 9}, 10, 10, 25 * CENT), 25 * CENT);
    assert_int_equal(charge_of(&terms, &(struct toll_given){.by_billed = 10}, 10, 10, 25 * CENT), 0);
    assert_int_equal(
        charge_of(&terms, &(struct toll_given){.by_used = 60, .used_rest = 7}, 67, 67, 25 * CENT), 25 * CENT);
    assert_int_equal(
        charge_of(&terms, &(struct toll_given){.by_billed = 10, .connect = true}, 10, 10, 25 * CENT), 0);
}

static void test_limits(void **state)
{
    (void)state;
    struct toll_remainder remainder;
    const struct toll_given given = {.by_used = INT32_MAX, .used_rest = 1};
    assert_true(toll_remainder_make(&given, 60, 0, &remainder));
    assert_false(toll_remainder_make(&given, 60, 60, &remainder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_billed),
        cmocka_unit_test(test_used),
        cmocka_unit_test(test_flat),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
