/* The cell `prefix`: "44", "+44", lists "44;4420", ranges "1201-1205". */
#ifndef TOLL_RATETABLE_PREFIX_CELL_H
#define TOLL_RATETABLE_PREFIX_CELL_H

#include "ratetable/buffer.h"
#include "text/table.h"

/* The empty prefix as a key: no packed number looks like it. */
#define TOLL_PREFIX_EVERYTHING UINT64_MAX

struct toll_prefix_range {
    uint64_t first; /* packed BCD, or TOLL_PREFIX_EVERYTHING */
    uint64_t count; /* this one and the following ones of its length */
};

/* Digits only, after an optional '+': packed, false if it is anything else or not of `low`..15 digits. */
bool toll_prefix_parse(const char *text, size_t bytes, size_t low, uint64_t *packed);
/* Digits and nothing else, as nearly every cell is: packed, else 0. */
uint64_t toll_prefix_plain(const char *text, size_t bytes, size_t low);
/* The digits of a packed number as an integer. */
uint64_t toll_number_value(uint64_t packed);
/* The packed number of `digits` digits with a value. */
uint64_t toll_number_from_value(uint64_t value, unsigned digits);
/* Splits "a-b" (both of one length, b not below a); without '-' count is 1. NULL, or what is wrong with it.
 */
const char *toll_range_parse(const char *text, size_t bytes, size_t low, struct toll_prefix_range *out);

/* Replaces `ranges` (struct toll_prefix_range) by those of a cell. 1 good, 0 after a finding, -1 out of
 * memory. */
int toll_prefix_cell(const struct toll_table *table, const struct toll_cell *cell,
                     struct toll_buffer *ranges);

#endif
