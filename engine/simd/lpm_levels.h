/*
 * The levels of a prefix lookup one after the other, as the scalar kernel and the AVX2 twin walk them: the
 * rows that have to go on are a list, and each step reads all of their places before any is needed again.
 */
#ifndef TOLL_SIMD_LPM_LEVELS_H
#define TOLL_SIMD_LPM_LEVELS_H

#include "simd/layout_lpm.h"

#include <stddef.h>

#define GROUP_ROWS 1024 /* a level of few rows waits as long as one of many */
#define LIST_SLACK 8    /* a list of row numbers may be written in whole vectors */

/* Where a row at a node reads next. */
static inline uint32_t next_place(uint32_t nodes, uint32_t value, uint64_t digits)
{
    return nodes + (value & TOLL_LPM_INDEX) * 16 + (uint32_t)(digits >> 60);
}

/* The rows of one group that have to go on. */
struct waiting {
    uint64_t digits[GROUP_ROWS];
    uint32_t row[GROUP_ROWS + LIST_SLACK], nodes[GROUP_ROWS], place[GROUP_ROWS];
};

/* Where the listed rows, which are at a node after two steps, read next. */
static inline void list_places(const struct toll_lpm *restrict tables, const uint32_t *restrict words,
                               uint32_t one, const uint32_t *restrict decks, const uint64_t *restrict keys,
                               const uint32_t *restrict values, struct waiting *restrict waiting,
                               size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const uint32_t row = waiting->row[k], nodes = tables[one != 0 ? one : decks[row]].nodes;
        const uint64_t digits = keys[row] << (keys[row] >> 60 == 1 ? 28 : 16);
        const uint32_t place = next_place(nodes, values[row], digits);
        waiting->digits[k] = digits << 4;
        waiting->nodes[k] = nodes;
        waiting->place[k] = place;
        __builtin_prefetch(words + place);
    }
}

/* One step of all rows in the list; those that are at a node stay in it. Returns how many. */
static inline size_t take_step(const uint32_t *restrict words, uint32_t *restrict values,
                               struct waiting *restrict waiting, size_t count)
{
    size_t still = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t value = words[waiting->place[k]];
        const uint32_t row = waiting->row[k], nodes = waiting->nodes[k];
        const uint64_t digits = waiting->digits[k];
        const uint32_t next = next_place(nodes, value, digits);
        values[row] = value;
        waiting->row[still] = row;
        waiting->nodes[still] = nodes;
        waiting->digits[still] = digits << 4;
        waiting->place[still] = next;
        __builtin_prefetch(words + (value >> 31 != 0 ? next : 0));
        still += value >> 31;
    }
    return still;
}

#endif
