/* Lists of rows without a branch, which AVX2 has no compression for. For files of that instruction set. */
#ifndef TOLL_SIMD_LIST_AVX2_H
#define TOLL_SIMD_LIST_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* The rows first + lane of the lanes that are set, ascending, to list[count] and what follows; eight places
 * are written. Returns how many rows the list has then. */
static inline size_t put_rows(uint32_t *list, size_t count, size_t first, unsigned lanes)
{
    const uint64_t bytes = _pdep_u64(lanes, UINT64_C(0x0101010101010101)) * 0xff;
    const uint64_t packed = _pext_u64(UINT64_C(0x0706050403020100), bytes);
    const __m256i rows = _mm256_add_epi32(_mm256_set1_epi32((int)first),
                                          _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)packed)));
    _mm256_storeu_si256((__m256i *)(list + count), rows);
    return count + (size_t)_mm_popcnt_u32(lanes);
}

#endif
