/*
 * Tax tables while a book is compiled: docs/TAX.md sections 1 and 3. What their readers share: whole days,
 * fractions, lists of names, and the ids of the image, which are in the order of the names.
 */
#ifndef TOLL_RATETABLE_TAX_BUILD_H
#define TOLL_RATETABLE_TAX_BUILD_H

#include "ratetable/build.h"

/* -- cells: true, or false after a finding -- */

/* A whole day; an empty cell gives `otherwise`. */
bool toll_cell_day(const struct toll_table *table, int column, int32_t otherwise, int32_t *day);
/* from and to, TOLL_TAX_DAY_MIN and _MAX when empty. */
bool toll_cell_days(const struct toll_table *table, int from_column, int to_column, int32_t *from,
                    int32_t *until);
/* "0.0625" or "6.25%" in 1e-12, from 0 to `most` times 1; an empty cell leaves *out. */
bool toll_cell_fraction(const struct toll_table *table, int column, int64_t most, int64_t *out);
/* A decimal with at most 6 decimals in 1e-6, from 0 to `most` (in 1e-6); an empty cell leaves *out. */
bool toll_cell_quantity(const struct toll_table *table, int column, int64_t most, int64_t *out);
/* Money that is not negative; an empty cell gives `otherwise`. */
bool toll_cell_amount(const struct toll_table *table, int column, toll_money otherwise, toll_money *out);
/* The same as toll_cell_choice, into a byte. */
bool toll_cell_option(const struct toll_table *table, int column, const char *const *names, int count,
                      int otherwise, uint8_t *out);

/* -- lists: "a;b" -- */

/* The next element from *at on, without blanks around it; false at the end. *at begins as the cell's text. */
bool toll_list_next(const char **at, const char **text, size_t *bytes);

/* A list of numbers that the image keeps once: ids in tax_ids, texts' offsets in tax_texts. */
struct toll_list_place {
    uint32_t first, count;
};
/* The id (from 1 on) of a list, equal ones have one; its place in TAX_IDS (texts: TAX_TEXTS), where it is put
 * when it is new. 0: out of memory. An empty list is one, too. */
uint32_t toll_tax_list(struct toll_build *build, const uint32_t *values, size_t count, bool texts);
static inline struct toll_list_place toll_tax_list_place(const struct toll_build *build, uint32_t list)
{
    return *TOLL_BUFFER_AT(&build->tax.list_places, struct toll_list_place, list - 1);
}
/* A cell that names tax services: ascending ids of the image. 1 good, 0 after a finding, negative without
 * memory. */
int toll_cell_tax_services(struct toll_build *build, const struct toll_table *table, int column,
                           uint32_t *list);

/* -- names -- */

/* The image's ids of names with temporary ones, sorted bytewise: ids[temporary] from 1 on; offsets (0 none)
 * of the texts are put behind the empty 0 into `section`, if that is not negative. False: out of memory. */
bool toll_tax_sort_names(struct toll_build *build, const struct toll_table_names *names,
                         struct toll_buffer *ids, int section);
/* A name of another table as the image's id, 0 for an empty cell or one whose row has an error. */
bool toll_cell_tax_id(struct toll_build *build, const struct toll_table *table, int column, const char *what,
                      const char *where, const struct toll_table_names *names, const struct toll_buffer *ids,
                      int32_t *out);
/* A product: the temporary id, 0 for an empty cell. 1 good, 0 after a finding, negative without memory. */
int toll_cell_product(struct toll_build *build, const struct toll_table *table, int column, int32_t *product);
/* A site that must be the account's, where both are there. */
bool toll_cell_account_site(struct toll_build *build, const struct toll_table *table, int account_column,
                            int site_column, int32_t *account, int32_t *site);

/* Offset of a cell's text. */
bool toll_build_cell(struct toll_build *build, const struct toll_cell *cell, uint32_t *offset);

extern const char *const toll_tax_level_names[TOLL_TAX_LEVELS];

/* -- parts of the stages -- */
int toll_build_tax_areas(struct toll_build *build);
int toll_build_product_rows(struct toll_build *build);
int toll_build_sellers(struct toll_build *build);

#endif
