/* Rows of taxes.csv that somebody should look at again: what they say was looked up so long ago that, by the
 * row's own cadence, a newer rate may be out (docs/TAX.md section 7). */
#ifndef TOLL_RATETABLE_TAX_STALE_H
#define TOLL_RATETABLE_TAX_STALE_H

#include "ratetable/tax_layout.h"

/* as_of + cadence: the day by which a row should have been looked at again; TOLL_TAX_DAY_MAX: never. */
int32_t toll_tax_due(const struct toll_tax_bracket *row);

/* Walks the rows that are stale on a day: in force then, or ended without one that follows, and due before
 * it. Zero-initialise; false at the end. */
struct toll_tax_stale {
    uint32_t series, bracket; /* of tables->series, tables->brackets: the row found */
    uint32_t next_series, next_bracket;
};
bool toll_tax_stale_next(const struct toll_tax_tables *tables, int32_t day, struct toll_tax_stale *walk);

#endif
