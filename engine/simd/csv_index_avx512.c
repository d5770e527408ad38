/* The CSV index: masks from compares of 64 bytes, positions by compressing the bytes 0 to 63. */
#include "simd/csv_block.h"

#include <immintrin.h>
#include <string.h>

static inline uint64_t prefix_xor(uint64_t bits)
{
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)0xff), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

static inline void store_16(uint32_t *to, __m128i positions, __m512i base)
{
    _mm512_storeu_si512(to, _mm512_add_epi32(_mm512_cvtepu8_epi32(positions), base));
}

static inline void add_stops(struct toll_csv_index *out, uint64_t stops, size_t at, __m512i numbers)
{
    const __m512i positions = _mm512_maskz_compress_epi8(stops, numbers), base = _mm512_set1_epi32((int)at);
    const size_t count = (size_t)__builtin_popcountll(stops);
    uint32_t *to = out->stops + out->stop_count;

    store_16(to, _mm512_castsi512_si128(positions), base);
    if (__builtin_expect(count > 16, 0)) {
        store_16(to + 16, _mm512_extracti32x4_epi32(positions, 1), base);
        store_16(to + 32, _mm512_extracti32x4_epi32(positions, 2), base);
        store_16(to + 48, _mm512_extracti32x4_epi32(positions, 3), base);
    }
    out->stop_count += count;
}

void toll_csv_index_avx512(const char *text, size_t bytes, char separator, char line_end, bool multiline,
                           struct toll_csv_index *out)
{
    const __m512i separators = _mm512_set1_epi8(separator), ends = _mm512_set1_epi8(line_end);
    const __m512i quotes = _mm512_set1_epi8('"');
    uint8_t counting[TOLL_CSV_BLOCK];
    struct toll_csv_index index = *out; /* in registers */
    uint64_t inside = 0, nuls = 0;

    for (unsigned i = 0; i < TOLL_CSV_BLOCK; i++)
        counting[i] = (uint8_t)i;
    const __m512i numbers = _mm512_loadu_si512(counting);
    index.stop_count = index.row_count = index.quoted_count = 0;
    for (size_t at = 0; at < bytes; at += TOLL_CSV_BLOCK) {
        const size_t left = bytes - at;
        const __mmask64 valid = left >= TOLL_CSV_BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        const __m512i data = _mm512_maskz_loadu_epi8(valid, text + at);
        struct toll_csv_block block = {_mm512_mask_cmpeq_epi8_mask(valid, data, separators),
                                       _mm512_mask_cmpeq_epi8_mask(valid, data, ends),
                                       _mm512_mask_cmpeq_epi8_mask(valid, data, quotes)};

        nuls |= _mm512_mask_testn_epi8_mask(valid, data, data);
        if (__builtin_expect((block.quotes | inside) != 0, 0))
            inside = toll_csv_quoted_block(&block, prefix_xor(block.quotes) ^ inside, multiline, &index);
        const uint64_t stops = block.separators | block.ends;
        toll_csv_add_rows(&index, stops, block.ends);
        add_stops(&index, stops, at, numbers);
    }
    index.has_nul = nuls != 0;
    *out = index;
}
