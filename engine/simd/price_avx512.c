/* Sixteen values at once; the terms' indices are gathered, two bytes each. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 16
#define AHEAD 128 /* rows whose terms are on their way */

/* The columns of 16 rows, and their terms are asked for. */
static inline void add_columns(const uint16_t *price_terms, const uint8_t *column, __mmask16 here,
                               uint32_t *value)
{
    const __m512i values = _mm512_maskz_loadu_epi32(here, value);
    const __m512i columns = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, column));
    const __mmask16 plain = _mm512_mask_testn_epi32_mask(_mm512_test_epi32_mask(values, values), values,
                                                         _mm512_set1_epi32(TOLL_LPM_ENTRY));
    const __m512i sums = _mm512_mask_add_epi32(values, plain, values, columns);
    _Alignas(64) uint32_t places[LANES];
    _mm512_mask_storeu_epi32(value, here, sums);
    _mm512_store_si512(places, _mm512_maskz_mov_epi32(plain, sums));
    for (unsigned k = 0; k < LANES; k++)
        __builtin_prefetch(&price_terms[places[k]]);
}

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

static inline __mmask16 first_rows(size_t count)
{
    return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffff);
}

size_t toll_price_avx512(const uint16_t *restrict price_terms, const uint8_t *restrict column,
                         const uint32_t *restrict deck, size_t rows, uint32_t *restrict value,
                         int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    size_t count = 0, added = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        for (; column != NULL && added <= i + AHEAD && added < rows; added += LANES)
            add_columns(price_terms, &column[added], first_rows(rows - added), &value[added]);
        count += step(price_terms, value, deck, first_rows(rows - i), i, price, terms, &rest[count]);
    }
    return count;
}
