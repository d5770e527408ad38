/*
 * The area codes of the North American Numbering Plan: data/nanp.csv inside the program, so that a number
 * has a place without a table of the biller's (docs/RATING.md, 6.1). cmake/NanpTable.cmake writes the array.
 */
#ifndef TOLL_RATETABLE_NANP_H
#define TOLL_RATETABLE_NANP_H

#include <stddef.h>

struct toll_nanp_area {
    char npa[4];
    char country[3]; /* US, CA, JM, ... */
    char state[3];   /* postal abbreviation; empty: none, or several */
};

/* Ascending by npa. */
extern const struct toll_nanp_area toll_nanp_areas[];
extern const size_t toll_nanp_area_count;

#endif
