/* The charges of four books at once, as eight are in reprice_avx512.c. AVX2 compares signed, which is the
 * same below 2^63. */
#include "simd/products_avx2.h"
#include "simd/reprice.h"

#include <immintrin.h>

#define LANES 4
#define AHEAD 8 /* rows whose rates are on their way */

static inline __m256i max_64(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}
static inline __m256i min_64(__m256i a, __m256i b)
{
    return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

static inline __m256i charge(const struct toll_voice_profile *f, __m256i words, uint32_t rest, __m256i base)
{
    const __m256i rate = _mm256_srli_epi64(words, TOLL_VOICE_RATE_SHIFT);
    __m256i amount =
        _mm256_add_epi64(_mm256_set1_epi64x((long long)f->connect), times_32(rate, _mm256_set1_epi64x(rest)));
    amount = max_64(amount, _mm256_set1_epi64x((long long)f->minimum));
    amount = min_64(amount, _mm256_set1_epi64x((long long)f->maximum));
    const __m256i high = times_high(amount, _mm256_set1_epi64x((long long)f->magic));
    const __m256i whole = _mm256_srl_epi64(high, _mm_cvtsi32_si128(f->shift));
    const __m256i same = _mm256_cmpeq_epi64(words, _mm256_setzero_si256());
    return _mm256_blendv_epi8(times_32(whole, _mm256_set1_epi64x(f->quantum)), base, same);
}

void toll_reprice_avx2(const struct toll_reprice_in *in, size_t rows, int64_t *restrict charges)
{
    const size_t stride = in->stride;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t record = in->record[i], profile = in->profile[record];
        const uint64_t *words = in->rates + record * stride;
        int64_t *to = charges + i * stride;
        const __m256i base = _mm256_set1_epi64x(in->charge[i]);
        if (i + AHEAD < rows)
            __builtin_prefetch(in->rates + in->record[i + AHEAD] * stride);
        for (size_t k = 0; k < stride; k += LANES) {
            if (record == 0)
                _mm256_store_si256((__m256i *)(to + k), base);
            else if (profile != 0)
                _mm256_store_si256((__m256i *)(to + k),
                                   charge(&in->profiles[profile],
                                          _mm256_load_si256((const __m256i *)(words + k)), in->rest[i],
                                          base));
            else
                for (size_t n = k; n < k + LANES; n++)
                    to[n] = toll_reprice_one(in, words[n], in->rest[i], in->charge[i]);
        }
    }
}
