/*
 * The number map in cache lines, as the probe kernel walks it while a run lasts: five numbers and their
 * owners to a line of 64 bytes, so that nearly every question is answered by one read of far memory. Made
 * from the book's slots in one sweep, since both use the same hash.
 */
#ifndef TOLL_SIMD_NUMBER_LINES_H
#define TOLL_SIMD_NUMBER_LINES_H

#include "base/ask.h"
#include "simd/layout_number.h"

#include <stddef.h>

#define TOLL_NUMBER_LINE_KEYS 5
/* A number whose line is full stands in the next one that is not, round the end; the lines it passes say
 * `more`. Places are filled from the left; key 0: empty, its owner is 0. */
struct toll_number_line {
    uint64_t key[TOLL_NUMBER_LINE_KEYS];
    uint32_t owner[TOLL_NUMBER_LINE_KEYS]; /* as in a slot */
    uint32_t more;                         /* ~0: go on in the next line; else 0 */
};
_Static_assert(sizeof(struct toll_number_line) == 64, "one cache line");

/* How many lines `numbers` need: 2.7 to a line, 24 bytes a number. 0 for none. */
static inline uint64_t toll_number_lines(uint64_t numbers)
{
    return numbers == 0 ? 0 : numbers * 10 / 27 + 2;
}

static inline uint64_t toll_number_line_of(uint64_t key, uint64_t line_count)
{
    return toll_number_first_slot(key, line_count);
}

/* Asks for the line of a number that will be probed some hundred rows later. */
static TOLL_ASK void toll_number_line_expect(const struct toll_number_line *lines, uint64_t line_count,
                                             uint64_t key)
{
    __builtin_prefetch(&lines[toll_number_line_of(key, line_count)], 0, 2);
}

/* lines: zeroed, 64-byte aligned, toll_number_lines(numbers in the slots) of them. */
void toll_number_lines_fill(struct toll_number_line *lines, uint64_t line_count,
                            const struct toll_number_slot *slots, uint64_t capacity);

#endif
