/* The kernels behind many books at once: charges by other rates against the rule of rating/charge.h, and
 * records added to sums against plain additions; every instruction set, inputs at guard pages. */
#include "kernel_guard.h"
#include "random.h"
#include "rating/charge.h"
#include "rating/voice.h"
#include "simd/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 300, RECORDS = 40, BOOKS_MOST = 20, STRIDE_MOST = 24 };

static uint64_t random_state = 0x72657072696365;

static uint64_t below(uint64_t bound)
{
    return random_next(&random_state) % bound;
}

/* ---- charges ---- */

struct rates {
    struct toll_terms terms[RECORDS][BOOKS_MOST];
    bool same[RECORDS][BOOKS_MOST]; /* as the base */
    uint64_t *words;
    uint16_t profile[RECORDS];
    struct toll_voice_profile profiles[1 + RECORDS * BOOKS_MOST];
    size_t profile_count;
};

static struct toll_terms random_terms(void)
{
    static const uint32_t quanta[] = {1, 100, 10000, 1000000};
    return (struct toll_terms){
        .rate = (toll_money)below(below(2) ? 50000000 : UINT64_C(1) << 34),
        .connect_fee = below(3) ? 0 : (toll_money)below(100000000),
        .minimum_charge = below(4) ? 0 : (toll_money)below(10000000),
        .maximum_charge = below(4) ? INT64_MAX : (toll_money)below(UINT64_C(1) << 40),
        .per = below(2) ? 60 : 1 + (int32_t)below(1000),
        .initial = 1,
        .increment = 1,
        .quantum = quanta[below(4)],
        .rounding = (uint8_t)(below(2)   ? TOLL_HALF_UP
                              : below(2) ? TOLL_UP
                                         : TOLL_DOWN),
        .action = TOLL_ACTION_DECK,
        .state = TOLL_PRICE_OK,
    };
}

static uint64_t profile_of(struct rates *rates, const struct toll_voice_profile *profile)
{
    for (size_t i = 1; i < rates->profile_count; i++)
        if (memcmp(&rates->profiles[i], profile, sizeof *profile) == 0)
            return i;
    rates->profiles[rates->profile_count] = *profile;
    return rates->profile_count++;
}

/* Record 0 is nobody's; half of the others have one profile for all books. */
static void make_rates(struct rates *rates, size_t books, size_t stride)
{
    memset(rates->words, 0, RECORDS * stride * sizeof *rates->words);
    memset(rates->profiles, 0, sizeof rates->profiles);
    rates->profile_count = 1;
    for (size_t r = 1; r < RECORDS; r++) {
        const struct toll_terms shared = random_terms();
        uint64_t all = 0;
        for (size_t k = 0; k < books; k++) {
            struct toll_terms *terms = &rates->terms[r][k];
            struct toll_voice_profile profile;
            uint64_t rate;
            do {
                *terms = r % 2 == 0 ? shared : random_terms();
                terms->rate = (toll_money)below(UINT64_C(1) << 33);
                profile = toll_voice_profile_make(terms, &rate);
            } while (profile.exact && r % 2 != 0);
            rates->same[r][k] = below(5) == 0 || profile.exact;
            if (rates->same[r][k])
                continue;
            const uint64_t id = profile_of(rates, &profile);
            rates->words[r * stride + k] = rate << TOLL_VOICE_RATE_SHIFT | id;
            all = all == 0 || all == id ? id : UINT64_MAX;
        }
        rates->profile[r] = all == UINT64_MAX ? 0 : (uint16_t)all;
    }
    rates->profile[0] = 0;
}

static void check_charges(toll_reprice_kernel *kernel, struct rates *rates, size_t books, size_t rows)
{
    const size_t stride = (books + 7) / 8 * 8;
    struct guarded records = guarded_make(ROWS * 4), rests = guarded_make(ROWS * 4),
                   bases = guarded_make(ROWS * 8);
    uint32_t *record = (uint32_t *)records.end - rows, *rest = (uint32_t *)rests.end - rows;
    int64_t *base = (int64_t *)bases.end - rows;
    int64_t *charges = aligned_alloc(64, (ROWS + 1) * stride * sizeof *charges);
    for (size_t i = 0; i < rows; i++) {
        record[i] = below(4) == 0 ? 0 : (uint32_t)below(RECORDS);
        rest[i] = (uint32_t)below(below(2) ? 4000 : UINT64_C(1) << 26);
        base[i] = (int64_t)below(UINT64_C(1) << 40) - (INT64_C(1) << 39);
    }
    memset(charges, 0x5a, (ROWS + 1) * stride * sizeof *charges);
    const struct toll_reprice_in in = {stride, rates->words, rates->profile, rates->profiles, record,
                                       rest,   base};
    kernel(&in, rows, charges);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < books; k++) {
            toll_money wanted = base[i];
            if (record[i] != 0 && !rates->same[record[i]][k])
                assert_true(toll_charge_deck(&rates->terms[record[i]][k], (int32_t)rest[i], &wanted));
            if (charges[i * stride + k] != wanted)
                fail_msg("row %zu of %zu, book %zu of %zu: %lld, not %lld", i, rows, k, books,
                         (long long)charges[i * stride + k], (long long)wanted);
        }
    for (size_t n = 0; n < stride; n++) /* nothing behind the last row */
        assert_int_equal(charges[rows * stride + n], 0x5a5a5a5a5a5a5a5a);
    free(charges);
    guarded_free(&records);
    guarded_free(&rests);
    guarded_free(&bases);
}

static void charges_are_the_rules(void **state)
{
    unsigned masks[2];
    const size_t mask_count = twin_masks(masks);
    struct rates *rates = calloc(1, sizeof *rates);
    (void)state;
    rates->words = aligned_alloc(64, RECORDS * STRIDE_MOST * sizeof *rates->words);
    for (size_t turn = 0; turn < 60; turn++) {
        const size_t books = 1 + below(BOOKS_MOST), rows = turn == 0 ? 0 : below(ROWS) + 1;
        make_rates(rates, books, (books + 7) / 8 * 8);
        check_charges(toll_kernels_select(0)->reprice, rates, books, rows);
        for (size_t m = 0; m < mask_count; m++)
            check_charges(toll_kernels_select(masks[m])->reprice, rates, books, rows);
    }
    free(rates->words);
    free(rates);
}

/* ---- sums ---- */

enum { KEYS = 9 };

static void check_sums(toll_sums_kernel *kernel, size_t words, size_t planes, size_t rows)
{
    int64_t *records = aligned_alloc(64, (ROWS + 1) * words * sizeof *records);
    struct guarded keys[TOLL_SUMS_PLANES], sums[TOLL_SUMS_PLANES];
    int64_t wanted[TOLL_SUMS_PLANES][KEYS * 32] = {{0}};
    struct toll_sums_in in = {.records = records, .words = words, .plane_count = planes};
    for (size_t i = 0; i < rows * words; i++)
        records[i] = (int64_t)random_next(&random_state) >> 8;
    for (size_t p = 0; p < planes; p++) {
        const size_t stride = words + (p == 0 ? 8 : 0);
        keys[p] = guarded_make(ROWS * 4);
        sums[p] = guarded_make(KEYS * stride * 8);
        uint32_t *key = (uint32_t *)keys[p].end - rows;
        int64_t *sum = (int64_t *)sums[p].end - KEYS * stride;
        memset(sum, 0, KEYS * stride * sizeof *sum);
        for (size_t i = 0; i < rows; i++) {
            key[i] = (uint32_t)below(KEYS);
            for (size_t w = 0; w < words; w++)
                wanted[p][key[i] * stride + w] += records[i * words + w];
        }
        in.planes[p].sums = sum;
        in.planes[p].stride = stride;
        in.planes[p].keys = key;
    }
    kernel(&in, rows);
    for (size_t p = 0; p < planes; p++) {
        assert_memory_equal(in.planes[p].sums, wanted[p], KEYS * in.planes[p].stride * sizeof(int64_t));
        guarded_free(&keys[p]);
        guarded_free(&sums[p]);
    }
    free(records);
}

static void sums_are_sums(void **state)
{
    static const size_t words[] = {8, 16, 24};
    unsigned masks[2];
    const size_t mask_count = twin_masks(masks);
    (void)state;
    for (size_t turn = 0; turn < 60; turn++) {
        const size_t rows = turn == 0 ? 0 : below(ROWS) + 1, planes = 3 + turn % 2;
        check_sums(toll_kernels_select(0)->sums, words[turn % 3], planes, rows);
        for (size_t m = 0; m < mask_count; m++)
            check_sums(toll_kernels_select(masks[m])->sums, words[turn % 3], planes, rows);
    }
}

/* ---- what moves ---- */

enum { SLOTS = 40 };

static void check_moved(toll_moved_kernel *kernel, size_t stride, size_t rows, bool huge)
{
    int64_t *charges = aligned_alloc(64, (ROWS + 1) * stride * sizeof *charges);
    int64_t *sums = aligned_alloc(64, (SLOTS + 1) * stride * sizeof *sums);
    _Alignas(64) int64_t sizes[STRIDE_MOST];
    static int64_t wanted[SLOTS * STRIDE_MOST], wanted_sizes[STRIDE_MOST];
    struct guarded bases = guarded_make(ROWS * 8), slots = guarded_make(ROWS * 4),
                   lists = guarded_make(ROWS * 4);
    int64_t *base = (int64_t *)bases.end - rows;
    uint32_t *slot = (uint32_t *)slots.end - rows, list[ROWS];
    size_t count = 0;
    for (size_t i = 0; i < (SLOTS + 1) * stride; i++)
        sums[i] = i < SLOTS * stride ? (wanted[i] = (int64_t)below(1000) - 500) : 0x5a5a;
    for (size_t k = 0; k < stride; k++)
        sizes[k] = wanted_sizes[k] = (int64_t)below(100);
    for (size_t i = 0; i < rows; i++) {
        base[i] = (int64_t)below(UINT64_C(1) << 47) - (INT64_C(1) << 46);
        slot[i] = (uint32_t)below(SLOTS);
        const bool listed = below(3) != 0 || i == 7;
        for (size_t k = 0; k < stride; k++) {
            const int64_t moved = below(4) == 0 ? 0 : (int64_t)below(UINT64_C(1) << 48) - (INT64_C(1) << 47);
            charges[i * stride + k] =
                base[i] + (huge && i == 7 && k == stride - 1 ? -TOLL_MOVED_MOST : moved);
            if (!listed)
                continue;
            const int64_t difference = charges[i * stride + k] - base[i];
            wanted[slot[i] * stride + k] += difference;
            wanted_sizes[k] += difference < 0 ? -difference : difference;
        }
        list[count] = (uint32_t)i;
        count += listed;
    }
    uint32_t *listed = (uint32_t *)lists.end - count;
    memcpy(listed, list, count * sizeof *list);
    const struct toll_moved_in in = {stride, charges, base, slot, listed, count};
    const struct toll_moved_out out = {sums, sizes};
    assert_int_equal(kernel(&in, &out), !(huge && rows > 7));
    assert_memory_equal(sums, wanted, SLOTS * stride * sizeof *sums);
    assert_memory_equal(sizes, wanted_sizes, stride * sizeof *sizes);
    for (size_t k = 0; k < stride; k++)
        assert_int_equal(sums[SLOTS * stride + k], 0x5a5a);
    free(sums);
    free(charges);
    guarded_free(&bases);
    guarded_free(&slots);
    guarded_free(&lists);
}

static void differences_are_added(void **state)
{
    unsigned masks[2];
    const size_t mask_count = twin_masks(masks);
    (void)state;
    for (size_t turn = 0; turn < 60; turn++) {
        const size_t rows = turn == 0 ? 0 : below(ROWS) + 1, stride = 8 * (1 + turn % 3);
        const bool huge = turn % 5 == 4;
        check_moved(toll_kernels_select(0)->moved, stride, rows, huge);
        for (size_t m = 0; m < mask_count; m++)
            check_moved(toll_kernels_select(masks[m])->moved, stride, rows, huge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charges_are_the_rules),
        cmocka_unit_test(sums_are_sums),
        cmocka_unit_test(differences_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
