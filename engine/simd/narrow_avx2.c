/* Half the width, sixteen values at once: the low halves are put together lane by lane, and the lanes in
 * order. */
#include "simd/narrow.h"

#include <immintrin.h>

uint32_t toll_narrow_avx2(const int32_t *restrict wide, size_t rows, uint16_t *restrict narrow)
{
    const __m256i low = _mm256_set1_epi32(0xffff);
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 16 <= rows; i += 16) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)&wide[i]);
        const __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)&wide[i + 8]);
        const __m256i both = _mm256_packus_epi32(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
        _mm256_storeu_si256((__m256i *)(void *)&narrow[i], _mm256_permute4x64_epi64(both, 0xd8));
        all = _mm256_or_si256(all, _mm256_or_si256(a, b));
    }
    uint32_t lanes[8], sum = toll_narrow_scalar(&wide[i], rows - i, &narrow[i]);
    _mm256_storeu_si256((__m256i *)(void *)lanes, all);
    for (unsigned k = 0; k < 8; k++)
        sum |= lanes[k];
    return sum;
}
