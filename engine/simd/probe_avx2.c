/*
 * The number probe with AVX2: four of a line's numbers are one comparison, the fifth another, and their owner
 * is one load more. While a row is looked up, the line of a later row is requested.
 */
#include "simd/kernels.h"

#include <immintrin.h>

#define AHEAD 32
#define GROUP_ROWS 512
#define FIRST_OWNER (offsetof(struct toll_number_line, owner) / sizeof(uint32_t))
_Static_assert(TOLL_NUMBER_LINE_KEYS == 5 && offsetof(struct toll_number_line, more) / sizeof(uint32_t) ==
                                                 FIRST_OWNER + TOLL_NUMBER_LINE_KEYS,
               "no match: the place behind the owners");

/* The places whose number is key, as bits; *owner is the first one's owner, `more` when there is none. */
static inline uint32_t look(const struct toll_number_line *line, uint64_t key, uint32_t *owner)
{
    const __m256i equal =
        _mm256_cmpeq_epi64(_mm256_load_si256((const __m256i *)line), _mm256_set1_epi64x((long long)key));
    const uint32_t places = (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(equal)) |
                            (uint32_t)(line->key[TOLL_NUMBER_LINE_KEYS - 1] == key) << 4;
    *owner = ((const uint32_t *)line)[FIRST_OWNER + _tzcnt_u32(places | 1u << TOLL_NUMBER_LINE_KEYS)];
    return places;
}

/* Rows of which `owners` does not hold the answer are listed: not found and the line says `more`, found but
 * with owner 0, found twice. No number at all has its answer, 0. */
static inline size_t probe_group(const struct toll_number_line *lines, uint64_t line_count,
                                 const uint64_t *keys, size_t rows, size_t ahead, uint32_t *owners,
                                 uint32_t *waiting)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const size_t later = i + AHEAD < ahead ? i + AHEAD : i;
        uint32_t owner;
        __builtin_prefetch(&lines[toll_number_line_of(keys[later], line_count)]);
        const uint32_t places = look(&lines[toll_number_line_of(keys[i], line_count)], keys[i], &owner);
        const uint32_t number = 0u - (uint32_t)(keys[i] != 0);
        owners[i] = owner & number;
        waiting[count] = (uint32_t)i;
        count += number & ((uint32_t)((places != 0) ^ (owner != 0)) | ((places & (places - 1)) != 0));
    }
    return count;
}

void toll_probe_avx2(const struct toll_number_line *restrict lines, uint64_t line_count,
                     const uint64_t *restrict keys, size_t rows, uint32_t *restrict owners)
{
    uint32_t waiting[GROUP_ROWS];
    if (line_count == 0) {
        for (size_t i = 0; i < rows; i++)
            owners[i] = 0;
        return;
    }
    for (size_t i = 0; i < AHEAD && i < rows; i++)
        __builtin_prefetch(&lines[toll_number_line_of(keys[i], line_count)]);
    for (size_t base = 0; base < rows; base += GROUP_ROWS) {
        const size_t left = rows - base, group = left < GROUP_ROWS ? left : GROUP_ROWS;
        const size_t count = probe_group(lines, line_count, keys + base, group, left, owners + base, waiting);
        for (size_t k = 0; k < count; k++)
            owners[base + waiting[k]] = toll_probe_one(lines, line_count, keys[base + waiting[k]]);
    }
}
