/*
 * The number probe with AVX-512: a line is one load, its five numbers one comparison. While a row is looked
 * up, the line of the row one group later is requested. What a row found is kept as five bits, and the rows
 * that need more than a look at one line are picked out of a whole group at once.
 */
#include "simd/kernels.h"

#include <immintrin.h>

#define GROUP_ROWS 64 /* as far ahead lines are requested, too; fewer and more are slower */
#define KEYS_MASK ((1u << TOLL_NUMBER_LINE_KEYS) - 1)
#define FIRST_OWNER (offsetof(struct toll_number_line, owner) / sizeof(uint32_t))
_Static_assert(offsetof(struct toll_number_line, more) / sizeof(uint32_t) ==
                   FIRST_OWNER + TOLL_NUMBER_LINE_KEYS,
               "no match: the place behind the owners");

static inline uint64_t first_bits(size_t count)
{
    return count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

/* Where the lines of up to 64 rows begin, in bytes; 0 behind the last row. */
static inline void find_lines(uint64_t line_count, const uint64_t *keys, size_t rows,
                              uint64_t offsets[GROUP_ROWS])
{
    const __m512i count = _mm512_set1_epi64((long long)line_count);
    const __m512i factor = _mm512_set1_epi64((long long)TOLL_NUMBER_HASH);
    for (size_t i = 0; i < GROUP_ROWS; i += 8) {
        const __mmask8 here = (__mmask8)(first_bits(rows) >> i);
        const __m512i hash = _mm512_mullo_epi64(_mm512_maskz_loadu_epi64(here, keys + i), factor);
        const __m512i line = _mm512_srli_epi64(_mm512_mullo_epi64(_mm512_srli_epi64(hash, 32), count), 32);
        _mm512_storeu_si512(offsets + i, _mm512_slli_epi64(line, 6));
    }
}

/* The places whose number is key, as bits; *owner is the first one's owner, `more` when there is none. */
static inline uint32_t look(const struct toll_number_line *line, uint64_t key, uint32_t *owner)
{
    const uint32_t places =
        _mm512_mask_cmpeq_epi64_mask(KEYS_MASK, _mm512_load_si512(line), _mm512_set1_epi64((long long)key));
    *owner = ((const uint32_t *)line)[FIRST_OWNER + _tzcnt_u32(places | 1u << TOLL_NUMBER_LINE_KEYS)];
    return places;
}

/* The rows of which `owners` does not hold the answer: not found and the line says `more`, found but with
 * owner 0, found twice. No number at all has its answer, 0. */
static inline uint64_t unanswered(const uint64_t *keys, const uint8_t places[GROUP_ROWS], uint32_t *owners,
                                  size_t rows)
{
    const __m512i found = _mm512_maskz_loadu_epi8(first_bits(rows), places);
    const __m512i less = _mm512_and_si512(found, _mm512_sub_epi8(found, _mm512_set1_epi8(1)));
    const uint64_t none = _mm512_testn_epi8_mask(found, found), twice = _mm512_test_epi8_mask(less, less);
    uint64_t zero = 0, no_number = 0;
    for (size_t i = 0; i < rows; i += 16) {
        const __mmask16 here = (__mmask16)(first_bits(rows) >> i);
        const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)here, keys + i);
        const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), keys + i + 8);
        const __mmask16 no_key =
            _mm512_kunpackb(_mm512_testn_epi64_mask(high, high), _mm512_testn_epi64_mask(low, low));
        _mm512_mask_storeu_epi32(owners + i, no_key & here, _mm512_setzero_si512());
        const __m512i owner = _mm512_maskz_loadu_epi32(here, owners + i);
        zero |= (uint64_t)_mm512_testn_epi32_mask(owner, owner) << i;
        no_number |= (uint64_t)no_key << i;
    }
    return ((none ^ zero) | twice) & ~no_number & first_bits(rows);
}

static inline uint64_t probe_group(const struct toll_number_line *lines, const uint64_t *keys, size_t rows,
                                   const uint64_t offsets[GROUP_ROWS], const uint64_t later[GROUP_ROWS],
                                   uint32_t *owners)
{
    uint8_t places[GROUP_ROWS];
    for (size_t i = 0; i < rows; i++) {
        __builtin_prefetch((const char *)lines + later[i]);
        places[i] = (uint8_t)look((const void *)((const char *)lines + offsets[i]), keys[i], &owners[i]);
    }
    return unanswered(keys, places, owners, rows);
}

void toll_probe_avx512(const struct toll_number_line *restrict lines, uint64_t line_count,
                       const uint64_t *restrict keys, size_t rows, uint32_t *restrict owners)
{
    uint64_t offsets[2][GROUP_ROWS];
    if (line_count == 0) {
        for (size_t i = 0; i < rows; i++)
            owners[i] = 0;
        return;
    }
    find_lines(line_count, keys, rows, offsets[0]);
    for (size_t i = 0; i < GROUP_ROWS; i++)
        __builtin_prefetch((const char *)lines + offsets[0][i]);
    for (size_t base = 0, turn = 0; base < rows; base += GROUP_ROWS, turn ^= 1) {
        const size_t left = rows - base, group = left < GROUP_ROWS ? left : GROUP_ROWS;
        find_lines(line_count, keys + base + group, left - group, offsets[turn ^ 1]);
        uint64_t todo =
            probe_group(lines, keys + base, group, offsets[turn], offsets[turn ^ 1], owners + base);
        for (uint64_t next = todo; next != 0; next &= next - 1)
            __builtin_prefetch((const char *)lines + offsets[turn][_tzcnt_u64(next)] + sizeof *lines);
        for (; todo != 0; todo &= todo - 1) {
            const size_t i = (size_t)_tzcnt_u64(todo);
            owners[base + i] = toll_probe_one(lines, line_count, keys[base + i]);
        }
    }
}
