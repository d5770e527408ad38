/*
 * Least significant digit first, in digits of 11 bits: three passes for the numbers of a country. A digit
 * that is equal in all keys costs no pass, and what is in order none at all.
 */
#include "ratetable/sort.h"

#include "base/large.h"

#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11u
#define VALUES (1u << DIGIT_BITS)
#define DIGITS ((64 + DIGIT_BITS - 1) / DIGIT_BITS)

static bool in_order(const struct toll_sort_pair *pairs, size_t count)
{
    size_t i = 1;

    while (i < count && pairs[i - 1].key <= pairs[i].key)
        i++;
    return i >= count;
}

static inline uint32_t digit_of(uint64_t key, unsigned digit)
{
    return (uint32_t)(key >> (DIGIT_BITS * digit)) & (VALUES - 1);
}

/* How often each digit has each value; of digits that are equal in all keys nothing. */
static void count_digits(const struct toll_sort_pair *pairs, size_t count, uint32_t counts[DIGITS][VALUES],
                         bool needed[DIGITS])
{
    uint64_t differ = 0;

    for (size_t i = 1; i < count; i++)
        differ |= pairs[i].key ^ pairs[0].key;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        needed[digit] = digit_of(differ, digit) != 0;
        for (size_t i = 0; i < count && needed[digit]; i++)
            counts[digit][digit_of(pairs[i].key, digit)]++;
    }
}

bool toll_sort_pairs(struct toll_sort_pair *pairs, size_t count)
{
    struct toll_sort_pair *from = pairs, *to, *scratch;
    uint32_t(*counts)[VALUES];
    bool needed[DIGITS];

    if (in_order(pairs, count))
        return true;
    scratch = toll_large_array(count * sizeof(*scratch));
    counts = calloc(DIGITS, sizeof(*counts));
    if (scratch == NULL || counts == NULL) {
        free(scratch);
        free(counts);
        return false;
    }
    to = scratch;
    count_digits(pairs, count, counts, needed);
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t *const places = counts[digit];
        uint32_t sum = 0;
        if (!needed[digit])
            continue;
        for (unsigned i = 0; i < VALUES; i++) {
            const uint32_t here = places[i];
            places[i] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[places[digit_of(from[i].key, digit)]++] = from[i];
        struct toll_sort_pair *const swap = from;
        from = to;
        to = swap;
    }
    if (from != pairs)
        memcpy(pairs, from, count * sizeof(*pairs));
    free(scratch);
    free(counts);
    return true;
}
