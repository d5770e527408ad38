/* Half the width, sixteen values at once, the last ones by a mask. */
#include "simd/narrow.h"

#include <immintrin.h>

uint32_t toll_narrow_avx512(const int32_t *restrict wide, size_t rows, uint16_t *restrict narrow)
{
    __m512i all = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 16 <= rows; i += 16) {
        const __m512i values = _mm512_loadu_si512(&wide[i]);
        _mm256_storeu_si256((__m256i *)(void *)&narrow[i], _mm512_cvtepi32_epi16(values));
        all = _mm512_or_si512(all, values);
    }
    const __mmask16 rest = (__mmask16)((1u << (rows - i)) - 1);
    const __m512i values = _mm512_maskz_loadu_epi32(rest, &wide[i]);
    _mm512_mask_cvtepi32_storeu_epi16(&narrow[i], rest, values);
    return (uint32_t)_mm512_reduce_or_epi32(_mm512_or_si512(all, values));
}
