/* A stable radix sort of (key, index) pairs: what puts hundreds of thousands of prefixes or millions of
 * numbers in order within milliseconds. */
#ifndef TOLL_RATETABLE_SORT_H
#define TOLL_RATETABLE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_sort_pair {
    uint64_t key;
    uint32_t index, spare;
};

/* Sorts ascending by key; equal keys keep their order. False: out of memory. */
bool toll_sort_pairs(struct toll_sort_pair *pairs, size_t count);

#endif
