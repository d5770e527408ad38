/* The block of voice calls against the rules for one call, which test_billed and test_charge prove, on random
 * and hostile terms; and its two divisions against `/`. */
#include "base/cpu.h"
#include "random.h"
#include "rating/billed.h"
#include "rating/charge.h"
#include "rating/voice.h"
#include "tollmill_segment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_state = 0x766f696365;

static uint64_t next_random(void)
{
    return random_next(&random_state);
}

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(next_random() % below);
}

/* Bits spread evenly, so that small and large values both occur. */
static int64_t random_money(unsigned bits)
{
    return (int64_t)(next_random() >> (64 - 1 - next_random() % bits));
}

static struct toll_terms plain_terms(void)
{
    return (struct toll_terms){
        .maximum_charge = INT64_MAX,
        .rate = 1200000,
        .per = 60,
        .initial = 6,
        .increment = 6,
        .quantum = 100,
        .action = TOLL_ACTION_DECK,
        .decimals = 6,
    };
}

static struct toll_terms random_terms(unsigned bits)
{
    static const int32_t steps[] = {1, 6, 30, 60, 7, 3600, 1 << 20, 1 << 24, (1 << 24) + 1, INT32_MAX};
    static const int32_t pers[] = {60, 1, 3600, 30, 1000, 1048576, 7, INT32_MAX};
    static const uint32_t quanta[] = {100, 1, 10, 10000, 1000000, 100000000};
    struct toll_terms terms = plain_terms();
    terms.rate = random_money(bits);
    terms.per = pers[pick(COUNT(pers))];
    terms.quantum = quanta[pick(COUNT(quanta))];
    terms.initial = steps[pick(pick(3) == 0 ? COUNT(steps) : 4)];
    terms.increment = pick(3) == 0 ? (int32_t)pick(100) + 1 : steps[pick(pick(3) == 0 ? COUNT(steps) : 4)];
    terms.connect_fee = pick(2) == 0 ? random_money(bits) : 0;
    if (pick(3) == 0)
        terms.minimum_charge = random_money(bits);
    if (pick(3) == 0)
        terms.maximum_charge = random_money(bits);
    terms.rounding = (uint8_t)pick(4);
    terms.duration_rounding = (uint8_t)pick(4);
    terms.init_mode = (uint8_t)(pick(8) == 0 ? TOLL_INIT_ROUND_TOTAL : TOLL_INIT_APPEND);
    terms.zero_s = (uint8_t)(pick(8) == 0 ? pick(3) : TOLL_ZERO_S_FREE);
    if (pick(8) == 0)
        terms.minimum_units = (int32_t)pick(200);
    if (pick(8) == 0)
        terms.free_units = (int32_t)pick(200);
    if (pick(8) == 0)
        terms.state = (uint8_t)pick(3);
    if (pick(6) == 0)
        terms.action = TOLL_ACTION_FREE;
    else if (pick(6) == 0) {
        terms.action = TOLL_ACTION_FLAT;
        terms.connect_fee = pick(4) == 0 ? -terms.connect_fee : terms.connect_fee;
    }
    return terms;
}

/* docs/RATING.md sections 6, 7 and 9 for an answered voice call. */
static unsigned by_the_rule(const struct toll_terms *terms, int32_t duration_ms, int32_t *billed,
                            toll_money *charge)
{
    enum toll_billed_outcome outcome;
    bool fits = true;
    *billed = 0;
    *charge = 0;
    if (terms->state != TOLL_PRICE_OK)
        return terms->state == TOLL_PRICE_BLOCKED ? TOLL_SUSPENSE_BLOCKED : TOLL_SUSPENSE_NO_RATE;
    if (terms->action == TOLL_ACTION_DECK) {
        const enum toll_duration_rounding rounding = (enum toll_duration_rounding)terms->duration_rounding;
        outcome = toll_billed(terms, toll_units_of_ms(duration_ms, rounding), billed);
        if (outcome == TOLL_BILLED_ZERO)
            return TOLL_ZERO_DURATION;
        fits = outcome == TOLL_BILLED && toll_charge_deck(terms, *billed, charge);
    } else {
        assert_int_equal(toll_billed_as_used(toll_units_of_ms(duration_ms, TOLL_DURATION_UP), billed),
                         TOLL_BILLED);
        if (terms->action == TOLL_ACTION_FREE)
            return TOLL_ZERO_FREE;
        fits = toll_charge_flat(terms, charge);
    }
    if (!fits) {
        *billed = 0;
        *charge = 0;
    }
    return fits ? TOLL_RATED : TOLL_SUSPENSE_OVERFLOW;
}

static void check_block(const struct toll_kernels *kernels, int rounds)
{
    enum { TERMS = 64, ROWS = 4096 };
    static struct toll_terms terms[TERMS];
    static uint64_t rates[TERMS + 1];
    static struct toll_voice_profile profiles[TERMS + 2];
    struct toll_voice_terms fast;
    static uint32_t index[ROWS];
    static int32_t duration_ms[ROWS], price[ROWS], before[ROWS], billed[ROWS];
    static int64_t charge[ROWS];
    static uint8_t status[ROWS];
    static uint32_t scratch[ROWS];
    int usable = 0, seen[TOLL_STATUS_COUNT] = {0};
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < TERMS; i++) {
            terms[i] = random_terms(round % 4 == 0 ? 63 : round % 4 == 1 ? 20 : 36);
            uint64_t rate;
            usable += !toll_voice_profile_make(&terms[i], &rate).exact;
        }
        assert_true(toll_voice_terms_fill(terms, TERMS, rates, profiles, &fast));
        for (int i = 0; i < ROWS; i++) {
            static const int32_t edges[] = {
                0, 1, 499, 500, 501, 999, 1000, 1001, INT32_MAX, INT32_MAX - 483, -1, INT32_MIN};
            index[i] = pick(TERMS + 1);
            before[i] = price[i] = index[i] == 0 ? 0 : (int32_t)pick(1000) + 1;
            status[i] = price[i] == 0 ? TOLL_SUSPENSE_NO_PREFIX : 0;
            duration_ms[i] =
                pick(4) == 0 ? edges[pick(COUNT(edges))] : (int32_t)pick(pick(2) == 0 ? 100000 : INT32_MAX);
        }
        const size_t rows = round == 0 ? 0 : (size_t)(ROWS - round);
        billed[rows] = 0x55555555;
        charge[rows] = 42;
        toll_voice_block(kernels, terms, &fast, index, duration_ms, NULL, rows, scratch, price, billed,
                         charge, status);
        for (size_t i = 0; i < rows; i++) {
            int32_t units = 0;
            toll_money money = 0;
            const unsigned want = before[i] == 0
                                      ? TOLL_SUSPENSE_NO_PREFIX
                                      : by_the_rule(&terms[index[i] - 1], duration_ms[i], &units, &money);
            assert_int_equal(status[i], want);
            assert_int_equal(billed[i], units);
            assert_int_equal(charge[i], money);
            assert_int_equal(price[i], want == TOLL_SUSPENSE_OVERFLOW ? 0 : before[i]);
            seen[want]++;
        }
        assert_int_equal(billed[rows], 0x55555555); /* nothing behind the last row */
        assert_int_equal(charge[rows], 42);
    }
    assert_true(usable > rounds * TERMS / 3);
    assert_true(seen[TOLL_RATED] > 0 && seen[TOLL_ZERO_FREE] > 0 && seen[TOLL_ZERO_DURATION] > 0 &&
                seen[TOLL_SUSPENSE_BLOCKED] > 0 && seen[TOLL_SUSPENSE_NO_RATE] > 0 &&
                seen[TOLL_SUSPENSE_OVERFLOW] > 0);
}

static void test_block(void **state)
{
    (void)state;
    static const unsigned masks[] = {0, TOLL_CPU_AVX2, TOLL_CPU_AVX2 | TOLL_CPU_AVX512};
    for (size_t i = 0; i < COUNT(masks); i++) {
        if ((masks[i] & ~toll_cpu_features()) == 0)
            check_block(toll_kernels_select(masks[i]), i == 0 ? 200 : 80);
        else
            print_message("skipped: this processor has no %s\n", toll_cpu_name(masks[i]));
    }
}

/* Every increment up to 100,000 at the values around each of its first multiples, and at the largest. */
static void test_division_of_units(void **state)
{
    (void)state;
    for (int32_t increment = 1; increment <= 100000; increment += increment < 4000 ? 1 : 97) {
        struct toll_terms terms = plain_terms();
        terms.increment = increment;
        uint64_t rate;
        const struct toll_voice_profile fast = toll_voice_profile_make(&terms, &rate);
        assert_int_equal(fast.exact, 0);
        for (uint64_t k = 0; k < 40; k++) {
            const uint64_t around = k < 20 ? k * (uint64_t)increment : INT32_MAX - k;
            for (uint64_t x = around == 0 ? 0 : around - 1; x <= around + 1 && x <= INT32_MAX; x++)
                assert_int_equal(x * fast.step_magic >> fast.step_shift, x / (uint64_t)increment);
        }
    }
}

static void check_quotient(const struct toll_voice_profile *fast, uint64_t x, uint64_t divisor)
{
    if (x > INT64_MAX)
        return;
    const uint64_t quotient = (uint64_t)((unsigned __int128)x * fast->magic >> 64) >> fast->shift;
    assert_true(quotient == x / divisor);
}

/* The divisor of the money, per x quantum, at all quanta: around its multiples, near 2^63 and anywhere. */
static void test_division_of_money(void **state)
{
    (void)state;
    uint32_t quantum = 1;
    for (int decimals = 8; decimals >= 0; decimals--, quantum *= 10) {
        for (int k = 0; k < 3000; k++) {
            struct toll_terms terms = plain_terms();
            terms.rate = 0;
            terms.quantum = quantum;
            terms.per = k < 1000   ? k + 1
                        : k < 1031 ? (1 << (k - 1000)) + k % 3
                                   : (int32_t)pick(INT32_MAX) + 1;
            if (terms.per < 1 || terms.per * (int64_t)quantum < 2)
                continue;
            uint64_t rate;
            const struct toll_voice_profile fast = toll_voice_profile_make(&terms, &rate);
            const uint64_t divisor = (uint64_t)terms.per * quantum;
            assert_int_equal(fast.exact, 0);
            for (int n = 0; n < 20; n++) {
                const uint64_t multiple = (uint64_t)random_money(63) / divisor * divisor;
                check_quotient(&fast, multiple, divisor);
                check_quotient(&fast, multiple + divisor - 1, divisor);
                check_quotient(&fast, (uint64_t)INT64_MAX - (uint64_t)n, divisor);
                check_quotient(&fast, (uint64_t)INT64_MAX / divisor * divisor - (uint64_t)n, divisor);
                check_quotient(&fast, (uint64_t)random_money(63), divisor);
            }
        }
    }
}

/* More ways to charge than there are profiles: the last ones are done by the rule, with the same cents. */
static void test_more_than_profiles(void **state)
{
    (void)state;
    enum { TERMS = TOLL_VOICE_PROFILES + 5000, STEP = 997 };
    struct toll_terms *terms = calloc(TERMS, sizeof *terms);
    uint64_t *rates = calloc(TERMS + 1, sizeof *rates);
    struct toll_voice_profile *profiles = calloc(TOLL_VOICE_PROFILES, sizeof *profiles);
    assert_true(terms != NULL && rates != NULL && profiles != NULL);
    for (int i = 0; i < TERMS; i++) {
        terms[i] = plain_terms();
        terms[i].connect_fee = i;
    }
    assert_int_equal(toll_voice_profiles_most(TERMS), TOLL_VOICE_PROFILES);
    struct toll_voice_terms fast;
    assert_true(toll_voice_terms_fill(terms, TERMS, rates, profiles, &fast));
    assert_int_equal(toll_voice_profile(&fast, 1)->exact, 0);
    assert_int_equal(toll_voice_profile(&fast, TERMS)->exact, 1);
    for (uint32_t first = 0; first < TERMS; first += STEP) {
        uint32_t index[] = {1 + first, TERMS - first, TERMS}, scratch[3];
        int32_t duration_ms[] = {61000, 61000, 1}, price[] = {7, 7, 7}, billed[3];
        int64_t charge[3];
        uint8_t status[3] = {0};
        toll_voice_block(toll_kernels_select(toll_cpu_features()), terms, &fast, index, duration_ms, NULL, 3,
                         scratch, price, billed, charge, status);
        for (int k = 0; k < 3; k++) {
            int32_t units;
            toll_money money;
            assert_int_equal(by_the_rule(&terms[index[k] - 1], duration_ms[k], &units, &money), status[k]);
            assert_int_equal(billed[k], units);
            assert_int_equal(charge[k], money);
        }
    }
    free(terms);
    free(rates);
    free(profiles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_than_profiles),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_division_of_units),
        cmocka_unit_test(test_division_of_money),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
