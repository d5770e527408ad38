/* Eight values at once; the terms' indices are gathered, two bytes each. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 8

size_t toll_price_avx2(const uint16_t *restrict price_terms, const uint32_t *restrict value,
                       const uint32_t *restrict deck, size_t rows, int32_t *restrict price,
                       uint32_t *restrict terms, uint32_t *restrict rest)
{
    const __m256i zero = _mm256_setzero_si256(), entry_bit = _mm256_set1_epi32(TOLL_LPM_ENTRY);
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES) {
        const __m256i values = _mm256_loadu_si256((const __m256i *)&value[i]);
        const __m256i found = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)&price[i]), values);
        const __m256i entry = _mm256_cmpeq_epi32(_mm256_and_si256(values, entry_bit), entry_bit);
        const __m256i index = _mm256_and_si256(_mm256_i32gather_epi32((const int *)(const void *)price_terms,
                                                                      _mm256_andnot_si256(entry, found), 2),
                                               _mm256_set1_epi32(0xffff));
        const __m256i far = _mm256_cmpeq_epi32(index, _mm256_set1_epi32(TOLL_TERMS_FAR));
        const __m256i no_deck = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)&deck[i]), zero);
        const __m256i missed = _mm256_andnot_si256(no_deck, _mm256_cmpeq_epi32(values, zero));
        _mm256_storeu_si256((__m256i *)&price[i], found);
        _mm256_storeu_si256((__m256i *)&terms[i], index);
        const __m256i list = _mm256_or_si256(_mm256_or_si256(entry, far), missed);
        unsigned left = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(list));
        for (; left != 0; left &= left - 1)
            rest[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    }
    const size_t more =
        toll_price_scalar(price_terms, &value[i], &deck[i], rows - i, &price[i], &terms[i], &rest[count]);
    for (size_t k = 0; k < more; k++)
        rest[count + k] += (uint32_t)i;
    return count + more;
}
