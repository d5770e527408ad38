/*
 * Charges: the values of docs/RATING.md, worked out by hand there; then random terms, every rounding, against
 * a naive evaluation of the exact rational written here: digit by digit division, no shared code.
 */
#include "random.h"
#include "rating/charge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct toll_terms deck_terms(toll_money rate, int decimals, int rounding)
{
    uint32_t quantum = 1;
    for (int i = decimals; i < 8; i++)
        quantum *= 10;
    return (struct toll_terms){
        .rate = rate,
        .maximum_charge = INT64_MAX,
        .per = 60,
        .initial = 1,
        .increment = 1,
        .quantum = quantum,
        .action = TOLL_ACTION_DECK,
        .rounding = (uint8_t)rounding,
        .decimals = (uint8_t)decimals,
    };
}

static toll_money charge_of(const struct toll_terms *terms, int32_t billed)
{
    toll_money charge = -1;
    assert_true(toll_charge_deck(terms, billed, &charge));
    return charge;
}

/* RATING.md 11.1 to 11.3; money in 1e-8. */
static void test_contract_values(void **state)
{
    (void)state;
    struct toll_terms terms = deck_terms(6000000, 6, TOLL_HALF_UP); /* 0.06 a minute */
    assert_int_equal(charge_of(&terms, 33), 3300000);
    assert_int_equal(charge_of(&terms, 32), 3200000);
    terms = deck_terms(2000000, 4, TOLL_HALF_UP); /* 0.02 for 60 s is 0.02 */
    assert_int_equal(charge_of(&terms, 60), 2000000);
    terms = deck_terms(5000000, 4, TOLL_HALF_UP); /* 10 s at 0.05: 0.008333.. */
    assert_int_equal(charge_of(&terms, 10), 830000);
    terms.rounding = TOLL_UP;
    assert_int_equal(charge_of(&terms, 10), 840000);

    terms = deck_terms(10000000, 6, TOLL_HALF_UP);
    terms.connect_fee = 5000000;
    assert_int_equal(charge_of(&terms, 120), 25000000);
    terms.connect_fee = 0;
    terms.minimum_charge = 30000000;
    assert_int_equal(charge_of(&terms, 120), 30000000);
    terms.minimum_charge = 0;
    terms.maximum_charge = 50000000;
    assert_int_equal(charge_of(&terms, 3600), 50000000);
    terms.maximum_charge = 0; /* a maximum of nothing is a maximum */
    assert_int_equal(charge_of(&terms, 3600), 0);
}

/* Halves: 1 s at 0.00000300 a minute is 5e-8, half of 1e-7. */
static void test_roundings(void **state)
{
    (void)state;
    static const struct {
        toll_money rate; /* per minute */
        toll_money half_up, half_even, up, down;
    } cases[] = {
        {300, 10, 0, 10, 0},    /* 0.5 steps */
        {900, 20, 20, 20, 10},  /* 1.5 */
        {1500, 30, 20, 30, 20}, /* 2.5 */
        {299, 0, 0, 10, 0},     /* just below a half */
        {301, 10, 10, 10, 0},   /* just above */
        {600, 10, 10, 10, 10},  /* exactly one */
        {1, 0, 0, 10, 0},       {0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_terms terms = deck_terms(cases[i].rate, 7, TOLL_HALF_UP);
        assert_int_equal(charge_of(&terms, 1), cases[i].half_up);
        terms.rounding = TOLL_HALF_EVEN;
        assert_int_equal(charge_of(&terms, 1), cases[i].half_even);
        terms.rounding = TOLL_UP;
        assert_int_equal(charge_of(&terms, 1), cases[i].up);
        terms.rounding = TOLL_DOWN;
        assert_int_equal(charge_of(&terms, 1), cases[i].down);
    }
}

static void test_overflow(void **state)
{
    (void)state;
    toll_money charge = 7;
    struct toll_terms terms = deck_terms(INT64_MAX, 8, TOLL_HALF_UP);
    assert_int_equal(charge_of(&terms, 60), INT64_MAX);
    assert_false(toll_charge_deck(&terms, 61, &charge));
    assert_int_equal(charge, 0);
    assert_false(toll_charge_deck(&terms, INT32_MAX, &charge));
    terms.maximum_charge = 100; /* the maximum comes before the limit of 64 bits */
    assert_int_equal(charge_of(&terms, INT32_MAX), 100);
    terms = deck_terms(INT64_MAX, 0, TOLL_UP); /* the next whole unit is beyond */
    assert_false(toll_charge_deck(&terms, 60, &charge));
    terms.rounding = TOLL_DOWN;
    assert_int_equal(charge_of(&terms, 60), INT64_C(9223372036800000000) + 0);
    terms.connect_fee = INT64_MAX;
    assert_false(toll_charge_deck(&terms, 60, &charge));

    charge = INT64_MIN;
    assert_false(toll_charge_negate(&charge));
    charge = INT64_MAX;
    assert_true(toll_charge_negate(&charge));
    assert_int_equal(charge, -INT64_MAX);
}

/* Percent is kept in 1e-6 %: 50 % is 50,000,000. */
static void test_markup_and_flat(void **state)
{
    (void)state;
    toll_money charge;
    struct toll_terms terms = deck_terms(50000000, 6, TOLL_HALF_UP);
    terms.action = TOLL_ACTION_MARKUP;
    assert_true(toll_charge_markup(&terms, 2000000, &charge)); /* 0.02 + 50 % */
    assert_int_equal(charge, 3000000);
    terms.rate = 10000000;
    terms.connect_fee = 1000000;
    assert_true(toll_charge_markup(&terms, 100000000, &charge)); /* 1.00 + 10 % + 0.01 */
    assert_int_equal(charge, 111000000);
    assert_true(toll_charge_markup(&terms, -100000000, &charge));
    assert_int_equal(charge, -109000000);
    terms.connect_fee = 0;
    terms.rate = -50000000;                                /* half price */
    assert_true(toll_charge_markup(&terms, 500, &charge)); /* 2.5e-6 goes away from zero to 3e-6 */
    assert_int_equal(charge, 300);
    assert_true(toll_charge_markup(&terms, -500, &charge)); /* mirrored */
    assert_int_equal(charge, -300);
    terms.rate = INT64_MAX;
    assert_false(toll_charge_markup(&terms, INT64_MIN, &charge));
    assert_int_equal(charge, 0);

    terms = deck_terms(0, 2, TOLL_HALF_UP);
    terms.action = TOLL_ACTION_FLAT;
    terms.connect_fee = 125500000; /* 1.255 */
    assert_true(toll_charge_flat(&terms, &charge));
    assert_int_equal(charge, 126000000);
}

/* ---- random ---- */

static uint64_t random_state = 0x6d6f6e6579;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

/* Bits spread evenly, so that small and large values both occur. */
static int64_t random_money(unsigned bits)
{
    return (int64_t)(next_random() >> (64 - 1 - next_random() % bits));
}

static struct toll_terms random_terms(unsigned bits)
{
    static const int32_t pers[] = {60, 1, 3600, 30, 1000, 1048576, 7, INT32_MAX};
    struct toll_terms terms =
        deck_terms(random_money(bits), (int)(next_random() % 9), (int)(next_random() % 4));
    terms.per = pers[next_random() % COUNT(pers)];
    if (next_random() % 2 == 0)
        terms.connect_fee = random_money(bits);
    if (next_random() % 3 == 0)
        terms.minimum_charge = random_money(bits);
    if (next_random() % 3 == 0) {
        const toll_money more = random_money(bits);
        const bool fits = more < INT64_MAX - terms.minimum_charge;
        terms.maximum_charge = fits ? terms.minimum_charge + more : INT64_MAX;
    }
    return terms;
}

/* Long division in binary: quotient and rest of numerator / divisor, both below 2^126. */
static toll_total naive_divide(toll_total numerator, toll_total divisor, toll_total *rest)
{
    toll_total quotient = 0, remaining = 0;
    for (int bit = 125; bit >= 0; bit--) {
        remaining = remaining * 2 + (numerator >> bit & 1);
        quotient *= 2;
        if (remaining >= divisor) {
            remaining -= divisor;
            quotient++;
        }
    }
    *rest = remaining;
    return quotient;
}

/* The exact value over `per`, clamped as fractions, then rounded. False beyond 64 bits. */
static bool naive_charge(const struct toll_terms *terms, int32_t billed, toll_money *charge)
{
    toll_total value = 0, rest;
    for (int bit = 31; bit >= 0; bit--) /* rate x billed by doubling */
        value = value * 2 + ((uint32_t)billed >> bit & 1 ? terms->rate : 0);
    value += (toll_total)terms->per * terms->connect_fee;
    const toll_total low = (toll_total)terms->per * terms->minimum_charge;
    const toll_total high = (toll_total)terms->per * terms->maximum_charge;
    if (value < low)
        value = low;
    if (terms->maximum_charge != INT64_MAX && value > high)
        value = high;
    const toll_total divisor = (toll_total)terms->per * terms->quantum;
    toll_total steps = naive_divide(value, divisor, &rest);
    const bool half = rest * 2 == divisor, more = rest * 2 > divisor;
    switch (terms->rounding) {
    case TOLL_HALF_UP:
        steps += half || more;
        break;
    case TOLL_HALF_EVEN:
        steps += more || (half && steps % 2 == 1);
        break;
    case TOLL_UP:
        steps += rest > 0;
        break;
    default:
        break;
    }
    const toll_total money = steps * terms->quantum;
    *charge = money > INT64_MAX ? 0 : (toll_money)money;
    return money <= INT64_MAX;
}

static int32_t random_units(void)
{
    return (int32_t)(next_random() >> (33 + next_random() % 31));
}

static void test_random(void **state)
{
    (void)state;
    int fits = 0, overflows = 0;
    for (int i = 0; i < 200000; i++) {
        const struct toll_terms terms = random_terms(i % 2 == 0 ? 36 : 63);
        const int32_t billed = random_units();
        toll_money want, charge;
        const bool wanted = naive_charge(&terms, billed, &want);
        assert_int_equal(toll_charge_deck(&terms, billed, &charge), wanted);
        assert_int_equal(charge, want);
        fits += wanted;
        overflows += !wanted;
    }
    assert_true(fits > 100000 && overflows > 1000);
}

/* Exact halves and their neighbours, which random values hardly hit. */
static void test_random_halves(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct toll_terms terms = deck_terms(0, (int)(next_random() % 8), (int)(next_random() % 4));
        terms.rate = (toll_money)(terms.quantum / 2) * 60 * (1 + (int64_t)(next_random() % 5)) +
                     (int64_t)(next_random() % 3) - 1;
        const int32_t billed = 1 + (int32_t)(next_random() % 7);
        toll_money want, charge;
        assert_true(naive_charge(&terms, billed, &want));
        assert_true(toll_charge_deck(&terms, billed, &charge));
        assert_int_equal(charge, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract_values), cmocka_unit_test(test_roundings),
        cmocka_unit_test(test_overflow),        cmocka_unit_test(test_markup_and_flat),
        cmocka_unit_test(test_random),          cmocka_unit_test(test_random_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
