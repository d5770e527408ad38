/* Tiers: charges worked out by hand (docs/RATING.md section 13), a second evaluation that adds unit by unit,
 * and the limits of 64 and 128 bits. */
#include "random.h"
#include "rating/tiers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define CENT INT64_C(1000000)

/* 0.05, 0.03 and 0.01 a minute: to 10 minutes, to 20 minutes, and beyond. */
static const struct toll_tier minutes[] = {
    {.from_qty = 0, .rate = 5 * CENT, .per = 60},
    {.from_qty = 600, .rate = 3 * CENT, .flat = 200 * CENT, .per = 60},
    {.from_qty = 1200, .rate = 1 * CENT, .flat = 100 * CENT, .per = 60},
};

static struct toll_tiers tiers_of(int mode, int period, uint32_t count, uint32_t per)
{
    return (struct toll_tiers){.maximum_spend = INT64_MAX,
                               .count = count,
                               .per = per,
                               .quantum = 100,
                               .mode = (uint8_t)mode,
                               .period = (uint8_t)period,
                               .decimals = 6};
}

static toll_money charge_of(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t before,
                            int64_t reached, int64_t units)
{
    toll_money charge = -1;
    assert_true(toll_tiers_charge(tiers, rows, before, reached, units, &charge));
    return charge;
}

static void graduated(void **state)
{
    (void)state;
    const struct toll_tiers tiers = tiers_of(TOLL_TIER_GRADUATED, TOLL_TIER_MONTH, 3, 60);
    static const struct {
        int64_t before, units;
        toll_money charge;
    } cases[] = {
        {0, 60, 5 * CENT},
        {0, 600, 50 * CENT},        /* the 600th second is still of the first tier */
        {540, 120, 8 * CENT},       /* one minute of each */
        {600, 60, 3 * CENT},        /* the 601st is of the second */
        {599, 2, 133300},           /* 0.05/60 + 0.03/60 = 0.0013333..., to six decimals */
        {0, 1800, 90 * CENT},       /* 0.50 + 0.30 + 0.10 */
        {1200, 60, 1 * CENT},       /* all in the last one */
        {1 << 30, 0, 0},            /* nothing */
        {INT64_MAX - 60, 60, CENT}, /* whatever was before */
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(charge_of(&tiers, minutes, cases[i].before, 0, cases[i].units), cases[i].charge);
}

/* The more is used, the less all of it costs. */
static void volume(void **state)
{
    (void)state;
    const struct toll_tiers tiers = tiers_of(TOLL_TIER_VOLUME, TOLL_TIER_MONTH, 3, 60);
    assert_int_equal(charge_of(&tiers, minutes, 0, 600, 60), 5 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 601, 60), 3 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 1200, 60), 3 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 1201, 60), 1 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 60), 5 * CENT); /* a credit alone */
}

/* Blocks of 100: 10.00 each to 1,000, then blocks of 300 for 20.00. */
static void packages(void **state)
{
    (void)state;
    static const struct toll_tier blocks[] = {
        {.from_qty = 0, .rate = 1000 * CENT, .per = 100},
        {.from_qty = 1000, .rate = 2000 * CENT, .per = 300},
    };
    const struct toll_tiers tiers = tiers_of(TOLL_TIER_PACKAGE, TOLL_TIER_MONTH, 2, 300);
    assert_int_equal(charge_of(&tiers, blocks, 0, 0, 1), 1000 * CENT); /* begins the block and pays it */
    assert_int_equal(charge_of(&tiers, blocks, 1, 0, 99), 0);          /* within it */
    assert_int_equal(charge_of(&tiers, blocks, 1, 0, 100), 1000 * CENT);
    assert_int_equal(charge_of(&tiers, blocks, 950, 0, 50), 0);
    assert_int_equal(charge_of(&tiers, blocks, 950, 0, 51), 2000 * CENT);
    assert_int_equal(charge_of(&tiers, blocks, 950, 0, 351), 4000 * CENT);
    assert_int_equal(charge_of(&tiers, blocks, 0, 0, 0), 0);
}

static void of_a_call(void **state)
{
    (void)state;
    struct toll_tiers tiers = tiers_of(TOLL_TIER_GRADUATED, TOLL_TIER_CALL, 3, 60);
    /* before and reached are nothing to it; the fees of the second tier, and of the third, are on the line */
    assert_int_equal(charge_of(&tiers, minutes, 5000, 5000, 60), 5 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 660), 253 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 1260), 381 * CENT);
    tiers.minimum_spend = 10 * CENT;
    tiers.maximum_spend = 300 * CENT;
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 60), 10 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 660), 253 * CENT);
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 1260), 300 * CENT);
    tiers.mode = TOLL_TIER_VOLUME;
    assert_int_equal(charge_of(&tiers, minutes, 0, 0, 1260), 121 * CENT); /* 21 minutes at 0.01, fee 1.00 */
    struct toll_tiers_due due;
    assert_true(toll_tiers_period(&tiers, minutes, 5000, 0, &due));
    assert_int_equal(due.fee | due.minimum | due.maximum, 0);
}

static void of_a_period(void **state)
{
    (void)state;
    static const struct toll_tier rows[] = {
        {.from_qty = 0, .rate = 5 * CENT, .flat = 50 * CENT, .per = 60},
        {.from_qty = 600, .rate = 3 * CENT, .flat = 200 * CENT, .per = 60},
        {.from_qty = 1200, .rate = 1 * CENT, .flat = 100 * CENT, .per = 60},
    };
    static const struct {
        int mode;
        int64_t units;
        toll_money lines, minimum_spend, maximum_spend, fee, minimum, maximum;
    } cases[] = {
        {TOLL_TIER_GRADUATED, 0, 0, 0, INT64_MAX, 50 * CENT, 0, 0}, /* the first one's without usage */
        {TOLL_TIER_GRADUATED, 600, 0, 0, INT64_MAX, 50 * CENT, 0, 0},
        {TOLL_TIER_GRADUATED, 601, 0, 0, INT64_MAX, 250 * CENT, 0, 0},
        {TOLL_TIER_PACKAGE, 1201, 0, 0, INT64_MAX, 350 * CENT, 0, 0},
        {TOLL_TIER_VOLUME, 1201, 0, 0, INT64_MAX, 100 * CENT, 0, 0},
        {TOLL_TIER_VOLUME, 0, 0, 0, INT64_MAX, 50 * CENT, 0, 0},
        /* a minimum spend of 20.00 without usage, with some, reached, and with a credit */
        {TOLL_TIER_GRADUATED, 0, 0, 2000 * CENT, INT64_MAX, 50 * CENT, 1950 * CENT, 0},
        {TOLL_TIER_GRADUATED, 60, 5 * CENT, 2000 * CENT, INT64_MAX, 50 * CENT, 1945 * CENT, 0},
        {TOLL_TIER_GRADUATED, 60, 1950 * CENT, 2000 * CENT, INT64_MAX, 50 * CENT, 0, 0},
        {TOLL_TIER_GRADUATED, 0, -100 * CENT, 2000 * CENT, INT64_MAX, 50 * CENT, 2050 * CENT, 0},
        {TOLL_TIER_GRADUATED, 60, 1000 * CENT, 0, 1050 * CENT, 50 * CENT, 0, 0},
        {TOLL_TIER_GRADUATED, 60, 1001 * CENT, 0, 1050 * CENT, 50 * CENT, 0, -1 * CENT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct toll_tiers tiers = tiers_of(cases[i].mode, TOLL_TIER_MONTH, 3, 60);
        struct toll_tiers_due due;
        tiers.minimum_spend = cases[i].minimum_spend;
        tiers.maximum_spend = cases[i].maximum_spend;
        assert_true(toll_tiers_period(&tiers, rows, cases[i].units, cases[i].lines, &due));
        assert_int_equal(due.fee, cases[i].fee);
        assert_int_equal(due.minimum, cases[i].minimum);
        assert_int_equal(due.maximum, cases[i].maximum);
    }
}

/* Unit by unit: each costs what its tier says; of packages, one that begins a block costs the block. */
static toll_money plainly(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t before,
                          int64_t units)
{
    toll_total sum = 0;
    for (int64_t unit = before + 1; unit <= before + units; unit++) {
        uint32_t at = tiers->count - 1;
        while (rows[at].from_qty >= unit)
            at--;
        const int64_t of_tier = unit - rows[at].from_qty - 1;
        if (tiers->mode == TOLL_TIER_GRADUATED)
            sum += (toll_total)rows[at].rate * tiers->per / (uint32_t)rows[at].per;
        else if (of_tier % rows[at].per == 0)
            sum += (toll_total)rows[at].rate * tiers->per;
    }
    return (toll_money)(toll_round_ratio(sum, (toll_total)tiers->per * tiers->quantum,
                                         (enum toll_rounding)tiers->rounding) *
                        tiers->quantum);
}

static void unit_by_unit(void **state)
{
    (void)state;
    uint64_t random = 20261121;
    for (int round = 0; round < 3000; round++) {
        static const int32_t pers[] = {1, 2, 3, 10, 60};
        struct toll_tier rows[5] = {{0}};
        struct toll_tiers tiers =
            tiers_of((random_next(&random) % 2) == 0 ? TOLL_TIER_GRADUATED : TOLL_TIER_PACKAGE,
                     TOLL_TIER_ANCHOR, 1 + (uint32_t)(random_next(&random) % 5), 60);
        tiers.rounding = (uint8_t)(random_next(&random) % 4);
        for (uint32_t i = 0; i < tiers.count; i++) {
            rows[i].from_qty = i == 0 ? 0 : rows[i - 1].from_qty + 1 + (int64_t)(random_next(&random) % 70);
            rows[i].rate = (int64_t)(random_next(&random) % 100000000);
            rows[i].per = pers[(random_next(&random) % COUNT(pers))];
        }
        const int64_t before = (int64_t)(random_next(&random) % 300),
                      units = (int64_t)(random_next(&random) % 300);
        assert_int_equal(charge_of(&tiers, rows, before, 0, units), plainly(&tiers, rows, before, units));
    }
}

static void limits(void **state)
{
    (void)state;
    const struct toll_tier dear[] = {{.rate = INT64_MAX, .flat = INT64_MAX, .per = 2147483647},
                                     {.from_qty = 7, .rate = INT64_MAX, .flat = 1, .per = 1}};
    struct toll_tiers tiers = tiers_of(TOLL_TIER_GRADUATED, TOLL_TIER_MONTH, 1, 2147483647);
    struct toll_tiers_due due;
    toll_money charge = -1;
    tiers.quantum = 1;
    assert_int_equal(charge_of(&tiers, dear, 0, 0, 2147483647), INT64_MAX);
    tiers.count = 2;
    assert_false(toll_tiers_charge(&tiers, dear, INT64_MAX - 2147483647, 0, 2147483647, &charge));
    assert_int_equal(charge, 0);
    assert_true(toll_tiers_period(&tiers, dear, 7, 0, &due));
    assert_int_equal(due.fee, INT64_MAX);
    assert_false(toll_tiers_period(&tiers, dear, 8, 0, &due));
    tiers.period = TOLL_TIER_CALL;
    assert_false(toll_tiers_charge(&tiers, dear, 0, 0, 1, &charge));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graduated), cmocka_unit_test(volume),      cmocka_unit_test(packages),
        cmocka_unit_test(of_a_call), cmocka_unit_test(of_a_period), cmocka_unit_test(unit_by_unit),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
