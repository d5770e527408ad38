/*
 * The charges of eight books at once: their rates for a row are one cache line, and what they share, nearly
 * always all but the rate, is spread over the lanes. Records whose books have several profiles go one by one.
 */
#include "simd/products_avx512.h"
#include "simd/reprice.h"

#include <immintrin.h>

#define AHEAD 8 /* rows whose rates are on their way */

static inline __m512i charge(const struct toll_voice_profile *f, __m512i words, uint32_t rest, __m512i base)
{
    const __m512i rate = _mm512_srli_epi64(words, TOLL_VOICE_RATE_SHIFT);
    __m512i amount =
        _mm512_add_epi64(_mm512_set1_epi64((long long)f->connect), times_32(rate, _mm512_set1_epi64(rest)));
    amount = _mm512_max_epu64(amount, _mm512_set1_epi64((long long)f->minimum));
    amount = _mm512_min_epu64(amount, _mm512_set1_epi64((long long)f->maximum));
    const __m512i high = times_high(amount, _mm512_set1_epi64((long long)f->magic));
    const __m512i whole = _mm512_srl_epi64(high, _mm_cvtsi32_si128(f->shift));
    return _mm512_mask_mov_epi64(base, _mm512_test_epi64_mask(words, words),
                                 times_32(whole, _mm512_set1_epi64(f->quantum)));
}

void toll_reprice_avx512(const struct toll_reprice_in *in, size_t rows, int64_t *restrict charges)
{
    const size_t stride = in->stride;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t record = in->record[i], profile = in->profile[record];
        const uint64_t *words = in->rates + record * stride;
        int64_t *to = charges + i * stride;
        const __m512i base = _mm512_set1_epi64(in->charge[i]);
        if (i + AHEAD < rows)
            __builtin_prefetch(in->rates + in->record[i + AHEAD] * stride);
        for (size_t k = 0; k < stride; k += TOLL_REPRICE_LANES) {
            if (record == 0)
                _mm512_store_si512(to + k, base);
            else if (profile != 0)
                _mm512_store_si512(
                    to + k, charge(&in->profiles[profile], _mm512_load_si512(words + k), in->rest[i], base));
            else
                for (size_t n = k; n < k + TOLL_REPRICE_LANES; n++)
                    to[n] = toll_reprice_one(in, words[n], in->rest[i], in->charge[i]);
        }
    }
}
