/* Eight values at once; the terms' indices are gathered, two bytes each. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 8
#define AHEAD 64 /* rows whose terms are on their way */

/* The columns of eight rows, and their terms are asked for. */
static inline void add_columns(const uint16_t *price_terms, const uint8_t *column, uint32_t *value)
{
    const __m256i values = _mm256_loadu_si256((const __m256i *)value);
    const __m256i columns = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)column));
    const __m256i none = _mm256_cmpeq_epi32(values, _mm256_setzero_si256());
    const __m256i entry = _mm256_srai_epi32(_mm256_slli_epi32(values, 1), 31);
    const __m256i other = _mm256_or_si256(none, entry);
    const __m256i sums = _mm256_add_epi32(values, _mm256_andnot_si256(other, columns));
    uint32_t places[LANES];
    _mm256_storeu_si256((__m256i *)value, sums);
    _mm256_storeu_si256((__m256i *)places, _mm256_andnot_si256(other, sums));
    for (unsigned k = 0; k < LANES; k++)
        __builtin_prefetch(&price_terms[places[k]]);
}

size_t toll_price_avx2(const uint16_t *restrict price_terms, const uint8_t *restrict column,
                       const uint32_t *restrict deck, size_t rows, uint32_t *restrict value,
                       int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    const __m256i zero = _mm256_setzero_si256(), entry_bit = _mm256_set1_epi32(TOLL_LPM_ENTRY);
    _Static_assert(TOLL_LPM_ENTRY == 1u << 30, "the second bit");
    size_t count = 0, i = 0, added = 0;
    for (; i + LANES <= rows; i += LANES) {
        for (; column != NULL && added < i + AHEAD && added + LANES <= rows; added += LANES)
            add_columns(price_terms, &column[added], &value[added]);
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
    const size_t more = toll_price_scalar(price_terms, column == NULL ? NULL : &column[i], &deck[i], rows - i,
                                          &value[i], &price[i], &terms[i], &rest[count]);
    for (size_t k = 0; k < more; k++)
        rest[count + k] += (uint32_t)i;
    return count + more;
}
