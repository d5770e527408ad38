/* Products of 64-bit lanes, which AVX2 lacks: the low half by 32 bits, and the high half. For files of that
 * instruction set. */
#ifndef TOLL_SIMD_PRODUCTS_AVX2_H
#define TOLL_SIMD_PRODUCTS_AVX2_H

#include <immintrin.h>

static inline __m256i high_32(__m256i value)
{
    return _mm256_srli_epi64(value, 32);
}

/* value times the low 32 bits of factor, as far as it fits. */
static inline __m256i times_32(__m256i value, __m256i factor)
{
    return _mm256_add_epi64(_mm256_mul_epu32(value, factor),
                            _mm256_slli_epi64(_mm256_mul_epu32(high_32(value), factor), 32));
}

/* The high half of the product. */
static inline __m256i times_high(__m256i a, __m256i b)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff), ah = high_32(a), bh = high_32(b);
    const __m256i first = _mm256_add_epi64(_mm256_mul_epu32(ah, b), high_32(_mm256_mul_epu32(a, b)));
    const __m256i second = _mm256_add_epi64(_mm256_mul_epu32(a, bh), _mm256_and_si256(first, low));
    return _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(ah, bh), high_32(first)), high_32(second));
}

#endif
