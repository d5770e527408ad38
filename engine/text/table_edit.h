/*
 * A biller's CSV table edited as text: cells of rows are replaced, rows taken out or added at the end; all
 * else, order, quoting, blanks and comments of other cells, stays byte for byte, and no row changes its line.
 * It reads a table as text/table.h does. The table is sound: it has been read by that before.
 */
#ifndef TOLL_TEXT_TABLE_EDIT_H
#define TOLL_TEXT_TABLE_EDIT_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct toll_table_edit;

/* data must outlive the edit. An empty table (size 0) gets its header by toll_table_edit_add_column.
 * TOLL_ENOMEM. */
int toll_table_edit_open(struct toll_table_edit **out, const char *name, const char *data, size_t size,
                         struct toll_error *error);
/* The column of a header's name (no regard to case), -1 none. */
int toll_table_edit_column(const struct toll_table_edit *edit, const char *name);
/* A column behind the others, before the first row is read; -1: out of memory. */
int toll_table_edit_add_column(struct toll_table_edit *edit, const char *name);
/* 1 a row, 0 the end, negative: TOLL_ENOMEM. */
int toll_table_edit_next(struct toll_table_edit *edit);
/* Unquoted, trimmed, terminated; "" for column -1 and an added one. Valid until the next row. */
const char *toll_table_edit_cell(struct toll_table_edit *edit, int column);
/* The current row's cell from now on; text is copied. False: out of memory. */
bool toll_table_edit_set(struct toll_table_edit *edit, int column, const char *text);
/* Leaves an empty line where the current row is. */
void toll_table_edit_drop(struct toll_table_edit *edit);
/* A row behind all others, by column (count of them; NULL and missing ones: empty). False: out of memory. */
bool toll_table_edit_append(struct toll_table_edit *edit, const char *const *cells, int count);
/* How many columns there are. */
int toll_table_edit_columns(const struct toll_table_edit *edit);
/* The rows that were not read yet stay as they are. The new table, malloc'ed. */
int toll_table_edit_finish(struct toll_table_edit *edit, char **data, size_t *bytes,
                           struct toll_error *error);
void toll_table_edit_free(struct toll_table_edit *edit); /* NULL is fine */

#endif
