/*
 * The area codes of the North American Numbering Plan: data/nanp.csv inside the program, so that a number
 * has a place without a table of the biller's (docs/RATING.md, 6.1). cmake/NanpTable.cmake writes the array.
 */
#ifndef TOLL_RATETABLE_NANP_H
#define TOLL_RATETABLE_NANP_H

#include "tollmill_segment.h"

#include <stddef.h>

struct toll_nanp_area {
    char npa[4];
    char country[3]; /* US, CA, JM, ... */
    char state[3];   /* postal abbreviation; empty: none, or several */
};

/* Ascending by npa. */
extern const struct toll_nanp_area toll_nanp_areas[];
extern const size_t toll_nanp_area_count;

/* The class that the three digits behind the 1 decide (docs/RATING.md section 6), a nibble each: 0x800. */
static inline enum toll_class toll_nanp_class(uint32_t digits)
{
    switch (digits) {
    case 0x800:
    case 0x833:
    case 0x844:
    case 0x855:
    case 0x866:
    case 0x877:
    case 0x888:
        return TOLL_TOLL_FREE;
    case 0x900:
        return TOLL_PREMIUM;
    default:
        return TOLL_ORDINARY;
    }
}

#endif
