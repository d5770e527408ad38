/*
 * A biller's CSV table: header names to columns, cells with their position, typed readers that report a bad
 * cell with file, line and column and go on, so that one run lists all errors.
 *
 * Spreadsheets welcome: BOM, CRLF, quoting, blanks around names and cells, empty lines. Header names match
 * without regard to case and to blanks around them. A duplicate or unknown header name is an error (unless
 * `mapping` is given: then other columns are the vendor's own and ignored). A row with fewer or more cells
 * than the header is an error, except for empty cells at its end. Rows without any text are skipped, like
 * empty lines. Cells must be UTF-8 and hold no line break.
 */
#ifndef TOLL_TEXT_TABLE_H
#define TOLL_TEXT_TABLE_H

#include "base/check.h"
#include "base/error.h"
#include "base/money.h"
#include "base/time.h"
#include "text/csv.h"

struct toll_table_column {
    const char *name;
    bool required; /* the column must be in the header (its cells may still be empty) */
};

struct toll_cell {
    const char *text; /* unquoted, trimmed, terminated; "" for an absent column; valid until the next row */
    size_t bytes;
    long line, column; /* of its first character */
    const char *name;  /* the header's name */
};

struct toll_table; /* one open table; it begins with this, so that asking for a cell costs nothing */
struct toll_table_cells {
    const struct toll_cell **at; /* by our columns */
    int count;
};

/* data must outlive the table. mapping: NULL or "", or "prefix=Prefix;rate=Rate per min" (our name = header
 * name in the sheet; our columns not named keep their own name). A missing required column, bad mapping or an
 * empty file is an error finding and returns TOLL_EBOOK with the table closed. */
int toll_table_open(const char *file, const char *data, size_t size, const struct toll_table_column *columns,
                    int column_count, const char *mapping, struct toll_findings *findings,
                    struct toll_table **out, struct toll_error *error);
int toll_table_next(
    struct toll_table *table); /* 1 a row, 0 the end; malformed rows are reported and skipped */
static inline const struct toll_cell *toll_table_cell(const struct toll_table *table, int column)
{
    const struct toll_table_cells *cells = (const void *)table;

    TOLL_ASSERT(column >= 0 && column < cells->count);
    return cells->at[column];
}
long toll_table_line(const struct toll_table *table);
bool toll_table_has(const struct toll_table *table, int column); /* is the column in the header? */
/* The column of the sheet, from 0, or -1. */
int toll_table_column_of(const struct toll_table *table, int column);
/* How many the header has, without nameless ones at its end. */
uint32_t toll_table_width(const struct toll_table *table);
/* What has not been read yet, whole lines; and reading only a part of it, whose first line has this number:
 * for whoever reads other lines by himself. */
struct toll_table_text {
    const char *text;
    size_t bytes;
    long line;
    char line_end;
};
struct toll_table_text toll_table_rest(const struct toll_table *table);
void toll_table_take(struct toll_table *table, const char *text, size_t bytes, long line);
/* How many rows there are at most: the line ends that follow. */
size_t toll_table_rows_left(const struct toll_table *table);
void toll_table_close(struct toll_table *table);

/* Reports a finding at a cell. */
void toll_cell_finding(const struct toll_table *table, const struct toll_cell *cell,
                       enum toll_severity severity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a warning that has a name. */
void toll_cell_warning(const struct toll_table *table, const struct toll_cell *cell, const char *name,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Typed readers: true and *out set; an empty cell gives `otherwise`; a bad one reports and returns false.
 * Those with _given are the same for a cell that is not empty. */
bool toll_cell_int_given(const struct toll_table *table, const struct toll_cell *cell, int64_t low,
                         int64_t high, int64_t *out);
bool toll_cell_money_given(const struct toll_table *table, const struct toll_cell *cell, toll_money *out);
bool toll_cell_choice_given(const struct toll_table *table, const struct toll_cell *cell,
                            const char *const *names, int count, int *out);
bool toll_cell_local_time_given(const struct toll_table *table, const struct toll_cell *cell, toll_ms *out);

static inline bool toll_cell_int(const struct toll_table *table, int column, int64_t low, int64_t high,
                                 int64_t otherwise, int64_t *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes > 0)
        return toll_cell_int_given(table, cell, low, high, out);
    *out = otherwise;
    return true;
}

static inline bool toll_cell_money(const struct toll_table *table, int column, toll_money otherwise,
                                   toll_money *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes > 0)
        return toll_cell_money_given(table, cell, out);
    *out = otherwise;
    return true;
}

/* One of names[0..count) without regard to case; *out is its index. */
static inline bool toll_cell_choice(const struct toll_table *table, int column, const char *const *names,
                                    int count, int otherwise, int *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes > 0)
        return toll_cell_choice_given(table, cell, names, count, out);
    *out = otherwise;
    return true;
}

/* A date or timestamp without zone ("2026-11-21", "2026-11-21 09:48:27.484053"), as wall clock ms (fractions
 * cut). */
static inline bool toll_cell_local_time(const struct toll_table *table, int column, toll_ms otherwise,
                                        toll_ms *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes > 0)
        return toll_cell_local_time_given(table, cell, out);
    *out = otherwise;
    return true;
}

/* "HH:MM", 00:00..24:00, as minutes. */
bool toll_cell_minute(const struct toll_table *table, int column, int otherwise, int *out);

#endif
