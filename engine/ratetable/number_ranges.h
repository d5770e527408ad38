/* Has numbers.csv this number? For tables that name numbers and are read before the number map is made. */
#ifndef TOLL_RATETABLE_NUMBER_RANGES_H
#define TOLL_RATETABLE_NUMBER_RANGES_H

#include "ratetable/build.h"

struct toll_number_ranges {
    struct toll_buffer ranges; /* of TOLL_NUMBER_LENGTH values, ascending and disjoint */
    bool made;
};

/* Once, however often it is asked for. False: out of memory. Zero-initialised before; freed in any case. */
bool toll_number_ranges_make(struct toll_build *build, struct toll_number_ranges *numbers);
void toll_number_ranges_free(struct toll_number_ranges *numbers);

/* What stands behind "number:" in a subject, as length * 10^15 + value (TOLL_NUMBER_LENGTH). False after a
 * finding: it is no number, or none that numbers.csv has. */
bool toll_number_subject(const struct toll_table *table, const struct toll_cell *cell, const char *text,
                         const struct toll_number_ranges *numbers, uint64_t *subject);

#endif
