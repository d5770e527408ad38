/* Units used and billed: the values of docs/RATING.md section 7, and a plain second evaluation on random
 * terms. */
#include "random.h"
#include "rating/billed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct toll_terms deck_terms(int32_t initial, int32_t increment, int init_mode)
{
    return (struct toll_terms){
        .maximum_charge = INT64_MAX,
        .per = 60,
        .initial = initial,
        .increment = increment,
        .quantum = 100,
        .action = TOLL_ACTION_DECK,
        .init_mode = (uint8_t)init_mode,
        .decimals = 6,
    };
}

static void test_units_of_ms(void **state)
{
    (void)state;
    static const struct {
        int32_t ms;
        int64_t up, down, half_up, exact;
    } cases[] = {
        {0, 0, 0, 0, 0},    {1, 1, 0, 0, 1},    {499, 1, 0, 0, 1},
        {500, 1, 0, 1, 1},  {999, 1, 0, 1, 1},  {1000, 1, 1, 1, 1},
        {1001, 2, 1, 1, 2}, {1500, 2, 1, 2, 2}, {INT32_MAX, 2147484, 2147483, 2147484, 2147484},
        {-1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(toll_units_of_ms(cases[i].ms, TOLL_DURATION_UP), cases[i].up);
        assert_int_equal(toll_units_of_ms(cases[i].ms, TOLL_DURATION_DOWN), cases[i].down);
        assert_int_equal(toll_units_of_ms(cases[i].ms, TOLL_DURATION_HALF_UP), cases[i].half_up);
        assert_int_equal(toll_units_of_ms(cases[i].ms, TOLL_DURATION_MS), cases[i].exact);
    }
}

static int32_t billed_of(const struct toll_terms *terms, int64_t used)
{
    int32_t billed = -1;
    assert_int_equal(toll_billed(terms, used, &billed), TOLL_BILLED);
    return billed;
}

/* RATING.md 12.1 and 12.3. */
static void test_increments(void **state)
{
    (void)state;
    const struct toll_terms append = deck_terms(25, 8, TOLL_INIT_APPEND);
    const struct toll_terms total = deck_terms(25, 8, TOLL_INIT_ROUND_TOTAL);
    assert_int_equal(billed_of(&append, 26), 33);
    assert_int_equal(billed_of(&append, 25), 25);
    assert_int_equal(billed_of(&append, 1), 25);
    assert_int_equal(billed_of(&append, 33), 33);
    assert_int_equal(billed_of(&append, 34), 41);
    assert_int_equal(billed_of(&total, 26), 32);
    assert_int_equal(billed_of(&total, 1), 32); /* raised to 25, then rounded up to a multiple of 8 */

    struct toll_terms minutes = deck_terms(60, 60, TOLL_INIT_APPEND);
    assert_int_equal(billed_of(&minutes, 61), 120);
    assert_int_equal(billed_of(&minutes, 3600), 3600);

    struct toll_terms free30 = deck_terms(6, 6, TOLL_INIT_APPEND);
    free30.free_units = 30;
    assert_int_equal(billed_of(&free30, 30), 0);
    assert_int_equal(billed_of(&free30, 31), 6);

    struct toll_terms minimum30 = deck_terms(6, 6, TOLL_INIT_APPEND);
    minimum30.minimum_units = 30;
    assert_int_equal(billed_of(&minimum30, 1), 30);
    minimum30.free_units = 30; /* minimum first, then what is free */
    assert_int_equal(billed_of(&minimum30, 1), 0);
    assert_int_equal(billed_of(&minimum30, 37), 12);
}

static void test_zero(void **state)
{
    (void)state;
    struct toll_terms terms = deck_terms(6, 6, TOLL_INIT_APPEND);
    int32_t billed = -1;
    assert_int_equal(toll_billed(&terms, 0, &billed), TOLL_BILLED_ZERO);
    assert_int_equal(billed, 0);
    terms.zero_s = TOLL_ZERO_S_CONNECT;
    assert_int_equal(billed_of(&terms, 0), 0);
    terms.zero_s = TOLL_ZERO_S_MINIMUM;
    assert_int_equal(billed_of(&terms, 0), 6);
    terms.minimum_units = 60;
    assert_int_equal(billed_of(&terms, 0), 60);
}

static void test_overflow(void **state)
{
    (void)state;
    struct toll_terms terms = deck_terms(1, 1, TOLL_INIT_APPEND);
    int32_t billed = -1;
    assert_int_equal(billed_of(&terms, INT32_MAX), INT32_MAX);
    assert_int_equal(toll_billed(&terms, INT64_C(1) << 31, &billed), TOLL_BILLED_OVERFLOW);
    assert_int_equal(billed, 0);
    assert_int_equal(toll_billed(&terms, INT64_MAX, &billed), TOLL_BILLED_OVERFLOW);
    terms.free_units = INT32_MAX;
    assert_int_equal(billed_of(&terms, 2 * (int64_t)INT32_MAX), INT32_MAX);
    assert_int_equal(toll_billed(&terms, 2 * (int64_t)INT32_MAX + 1, &billed), TOLL_BILLED_OVERFLOW);
    terms = deck_terms(INT32_MAX, INT32_MAX, TOLL_INIT_APPEND);
    assert_int_equal(billed_of(&terms, INT32_MAX), INT32_MAX);
    assert_int_equal(toll_billed(&terms, (int64_t)INT32_MAX + 1, &billed), TOLL_BILLED_OVERFLOW);

    assert_int_equal(toll_billed_as_used(INT32_MAX, &billed), TOLL_BILLED);
    assert_int_equal(billed, INT32_MAX);
    assert_int_equal(toll_billed_as_used((int64_t)INT32_MAX + 1, &billed), TOLL_BILLED_OVERFLOW);
    assert_int_equal(billed, 0);
}

/* ---- random terms against step-by-step counting and against each other ---- */

static uint64_t random_state = 0x746f6c6c;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

static int32_t pick(int32_t below)
{
    return (int32_t)(next_random() % (uint64_t)below);
}

/* Adds increments one by one, as a person would. */
static int64_t count_steps(const struct toll_terms *terms, int64_t used)
{
    if (used < terms->minimum_units)
        used = terms->minimum_units;
    used -= terms->free_units;
    if (used <= 0)
        return 0;
    int64_t units = 0;
    if (terms->init_mode == TOLL_INIT_APPEND)
        units = terms->initial;
    else
        used = used > terms->initial ? used : terms->initial;
    while (units < used)
        units += terms->increment;
    return units;
}

static struct toll_terms random_terms(void)
{
    static const int32_t steps[] = {1, 6, 10, 15, 30, 60, 120, 7, 3600, 1 << 20};
    struct toll_terms terms =
        deck_terms(steps[pick((int32_t)COUNT(steps))], steps[pick((int32_t)COUNT(steps))],
                   pick(4) == 0 ? TOLL_INIT_ROUND_TOTAL : TOLL_INIT_APPEND);
    if (pick(3) == 0)
        terms.increment = 1 + pick(100);
    if (pick(5) == 0)
        terms.minimum_units = pick(200);
    if (pick(5) == 0)
        terms.free_units = pick(200);
    terms.duration_rounding = (uint8_t)pick(4);
    terms.zero_s = (uint8_t)(pick(3) == 0 ? pick(3) : TOLL_ZERO_S_FREE);
    return terms;
}

static void test_random(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct toll_terms terms = random_terms();
        const int64_t used = 1 + pick(20000);
        assert_int_equal(billed_of(&terms, used), count_steps(&terms, used));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_of_ms), cmocka_unit_test(test_increments), cmocka_unit_test(test_zero),
        cmocka_unit_test(test_overflow),    cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
