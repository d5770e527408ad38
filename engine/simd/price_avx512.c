/* Sixteen values at once; the terms' indices are gathered, two bytes each. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 16

static inline size_t step(const uint16_t *price_terms, const uint32_t *value, const uint32_t *deck,
                          __mmask16 here, size_t i, int32_t *price, uint32_t *terms, uint32_t *rest)
{
    const __m512i found_value = _mm512_maskz_loadu_epi32(here, &value[i]);
    const __m512i found = _mm512_or_si512(_mm512_maskz_loadu_epi32(here, &price[i]), found_value);
    const __mmask16 entry = _mm512_test_epi32_mask(found_value, _mm512_set1_epi32(TOLL_LPM_ENTRY));
    const __m512i place = _mm512_maskz_mov_epi32((__mmask16)~entry, found);
    const __m512i index =
        _mm512_and_si512(_mm512_i32gather_epi32(place, price_terms, 2), _mm512_set1_epi32(0xffff));
    const __mmask16 far = _mm512_cmpeq_epi32_mask(index, _mm512_set1_epi32(TOLL_TERMS_FAR));
    const __m512i decks = _mm512_maskz_loadu_epi32(here, &deck[i]);
    const __mmask16 missed =
        _mm512_mask_testn_epi32_mask(_mm512_test_epi32_mask(decks, decks), found_value, found_value);
    const __mmask16 list = (entry | far | missed) & here;
    _mm512_mask_storeu_epi32(&price[i], here, found);
    _mm512_mask_storeu_epi32(&terms[i], here, index);
    const __m512i rows = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(rest, here, _mm512_maskz_compress_epi32(list, rows));
    return (size_t)__builtin_popcount(list);
}

size_t toll_price_avx512(const uint16_t *restrict price_terms, const uint32_t *restrict value,
                         const uint32_t *restrict deck, size_t rows, int32_t *restrict price,
                         uint32_t *restrict terms, uint32_t *restrict rest)
{
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES)
        count += step(price_terms, value, deck, 0xffff, i, price, terms, &rest[count]);
    if (i < rows)
        count += step(price_terms, value, deck, (__mmask16)((1u << (rows - i)) - 1), i, price, terms,
                      &rest[count]);
    return count;
}
