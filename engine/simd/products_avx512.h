/* Products of 64-bit lanes, which AVX-512 lacks: the low half by 32 bits, and the high half. For files of
 * that instruction set. */
#ifndef TOLL_SIMD_PRODUCTS_AVX512_H
#define TOLL_SIMD_PRODUCTS_AVX512_H

#include <immintrin.h>

static inline __m512i high_32(__m512i value)
{
    return _mm512_srli_epi64(value, 32);
}

/* value times the low 32 bits of factor, as far as it fits. */
static inline __m512i times_32(__m512i value, __m512i factor)
{
    return _mm512_add_epi64(_mm512_mul_epu32(value, factor),
                            _mm512_slli_epi64(_mm512_mul_epu32(high_32(value), factor), 32));
}

/* The high half of the product. */
static inline __m512i times_high(__m512i a, __m512i b)
{
    const __m512i low = _mm512_set1_epi64(0xffffffff), ah = high_32(a), bh = high_32(b);
    const __m512i first = _mm512_add_epi64(_mm512_mul_epu32(ah, b), high_32(_mm512_mul_epu32(a, b)));
    const __m512i second = _mm512_add_epi64(_mm512_mul_epu32(a, bh), _mm512_and_si512(first, low));
    return _mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epu32(ah, bh), high_32(first)), high_32(second));
}

#endif
