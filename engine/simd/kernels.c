/* The choice of kernels. A twin is added here and nowhere else. */
#include "simd/kernels.h"

#include "base/cpu.h"

static const struct toll_kernels scalar = {
    .name = "scalar",
    .probe = toll_probe_scalar,
    .lpm = toll_lpm_scalar,
    .classify = toll_classify_scalar,
    .rules = toll_rules_scalar,
    .ask = toll_ask_scalar,
    .price = toll_price_scalar,
    .voice = toll_voice_scalar,
    .tally = toll_tally_scalar,
    .tuple = toll_tuple_scalar,
    .hash = toll_hash,
    .hash_add = toll_hash_add,
    .ask_pools = toll_ask_pools_scalar,
    .csv_index = toll_csv_index_scalar,
    .reprice = toll_reprice_scalar,
    .sums = toll_sums_scalar,
    .moved = toll_moved_scalar,
    .narrow = toll_narrow_scalar,
    .lists = &toll_lists_scalar,
    .fields = &toll_fields_scalar,
};

#if defined(__x86_64__)
static const struct toll_kernels avx2 = {
    .name = "avx2",
    .probe = toll_probe_avx2,
    .lpm = toll_lpm_avx2,
    .classify = toll_classify_avx2,
    .rules = toll_rules_avx2,
    .ask = toll_ask_avx2,
    .price = toll_price_avx2,
    .voice = toll_voice_avx2,
    .tally = toll_tally_avx2,
    .tuple = toll_tuple_avx2,
    .hash = toll_hash_avx2,
    .hash_add = toll_hash_add_avx2,
    .ask_pools = toll_ask_pools_scalar,
    .csv_index = toll_csv_index_avx2,
    .reprice = toll_reprice_avx2,
    .sums = toll_sums_avx2,
    .moved = toll_moved_avx2,
    .narrow = toll_narrow_avx2,
    .lists = &toll_lists_avx2,
    .fields = &toll_fields_avx2,
};

static const struct toll_kernels avx512 = {
    .name = "avx512",
    .probe = toll_probe_avx512,
    .lpm = toll_lpm_avx512,
    .classify = toll_classify_avx512,
    .rules = toll_rules_avx512,
    .ask = toll_ask_avx512,
    .price = toll_price_avx512,
    .voice = toll_voice_avx512,
    .tally = toll_tally_avx512,
    .tuple = toll_tuple_avx512,
    .hash = toll_hash_avx512,
    .hash_add = toll_hash_add_avx512,
    .ask_pools = toll_ask_pools_avx512,
    .csv_index = toll_csv_index_avx512,
    .reprice = toll_reprice_avx512,
    .sums = toll_sums_avx512,
    .moved = toll_moved_avx512,
    .narrow = toll_narrow_avx512,
    .lists = &toll_lists_avx512,
    .fields = &toll_fields_avx512,
};
#endif

const struct toll_kernels *toll_kernels_select(unsigned features)
{
#if defined(__x86_64__)
    if ((features & TOLL_CPU_AVX512) != 0)
        return &avx512;
    if ((features & TOLL_CPU_AVX2) != 0)
        return &avx2;
#endif
    (void)features;
    return &scalar;
}
