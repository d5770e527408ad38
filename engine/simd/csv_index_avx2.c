/* The CSV index in two loads of 32 bytes. */
#include "simd/csv_block.h"

#include <immintrin.h>
#include <string.h>

static inline uint64_t equal_bits(__m256i low, __m256i high, __m256i wanted)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)) << 32;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

void toll_csv_index_avx2(const char *text, size_t bytes, char separator, char line_end, bool multiline,
                         struct toll_csv_index *out)
{
    const __m256i separators = _mm256_set1_epi8(separator), ends = _mm256_set1_epi8(line_end);
    const __m256i quotes = _mm256_set1_epi8('"');
    __m256i least = _mm256_set1_epi8((char)0xff);
    uint64_t inside = 0;

    out->stop_count = out->row_count = out->quoted_count = 0;
    for (size_t at = 0; at < bytes; at += TOLL_CSV_BLOCK) {
        char tail[TOLL_CSV_BLOCK];
        const char *from = text + at;
        __m256i low, high;

        if (bytes - at < TOLL_CSV_BLOCK) { /* filled up with a byte that says nothing */
            memset(tail, separator == 'x' || line_end == 'x' ? 'y' : 'x', sizeof tail);
            memcpy(tail, from, bytes - at);
            from = tail;
        }
        low = _mm256_loadu_si256((const __m256i *)(const void *)from);
        high = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
        least = _mm256_min_epu8(least, _mm256_min_epu8(low, high));
        struct toll_csv_block block = {equal_bits(low, high, separators), equal_bits(low, high, ends),
                                       equal_bits(low, high, quotes)};
        if (__builtin_expect((block.quotes | inside) != 0, 0))
            inside = toll_csv_quoted_block(&block, prefix_xor(block.quotes) ^ inside, multiline, out);
        const uint64_t stops = block.separators | block.ends;
        toll_csv_add_rows(out, stops, block.ends);
        toll_csv_add_stops(out, stops, at);
    }
    out->has_nul = _mm256_movemask_epi8(_mm256_cmpeq_epi8(least, _mm256_setzero_si256())) != 0;
}
