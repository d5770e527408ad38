/* The prefix trie as the LPM kernel walks it: part of the book's image (ratetable/layout.h). */
#ifndef TOLL_SIMD_LAYOUT_LPM_H
#define TOLL_SIMD_LAYOUT_LPM_H

#include <stdint.h>

/*
 * Longest prefix match over E.164 numbers of at least 7 digits (packed BCD). A value is
 *   0                            no match
 *   TOLL_LPM_NODE | index        go on: nodes[index][next nibble] (or, from `npa`, pages[index])
 *   TOLL_LPM_ENTRY | index       an entry with several or dated rows: entries[index]
 *   price id                     one row, always in force, without band
 * (in the image both count from the deck's first, ratetable/layout.h).
 * Numbers beginning with 1: v = npa[digits 2-4 as 12 raw bits]; if NODE: v = pages[index * 1000 + decimal of
 * digits 5-7]; if NODE: walk nodes from digit 8. Others: v = first3[digits 1-3 as 12 raw bits]; if NODE: walk
 * nodes from digit 4. A node has 16 values, one a nibble; those of the nibble F (end) hold what the shorter
 * prefix gave. Shorter prefixes are pushed down into every place below them, so the last value seen is the
 * answer.
 */
#define TOLL_LPM_NODE 0x80000000u
#define TOLL_LPM_ENTRY 0x40000000u
#define TOLL_LPM_INDEX 0x3fffffffu
struct toll_lpm {
    uint32_t first3; /* index into lpm_words of 4096 values */
    uint32_t npa;    /* 4096 values */
    uint32_t pages;  /* pages of 1000 values */
    uint32_t nodes;  /* nodes of 16 values */
    uint32_t page_count, node_count;
    uint32_t
        everything; /* the value of the empty prefix (0 none): also for callees that are no E.164 number */
    uint32_t spare;
};
_Static_assert(sizeof(struct toll_lpm) == 32, "stored");

#endif
