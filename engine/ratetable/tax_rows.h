/* The rows of taxes.csv while they are compiled: read in taxes.c, made series in tax_series.c, their circles
 * looked at in tax_cycles.c. */
#ifndef TOLL_RATETABLE_TAX_ROWS_H
#define TOLL_RATETABLE_TAX_ROWS_H

#include "ratetable/tax_build.h"

/* Cells that only go with some kinds of taxes: bits of toll_tax_row.has, and their columns. */
enum {
    TOLL_TAX_CELL_RATE,
    TOLL_TAX_CELL_AMOUNT,
    TOLL_TAX_CELL_BASE,
    TOLL_TAX_CELL_ON,
    TOLL_TAX_CELL_BRACKET_FROM,
    TOLL_TAX_CELL_BRACKET_TO,
    TOLL_TAX_CELL_CAP,
    TOLL_TAX_CELL_THRESHOLD,
    TOLL_TAX_CELLS
};

struct toll_tax_row {
    uint32_t tax; /* temporary id, then the image's */
    int32_t jurisdiction, level;
    uint32_t services, classes; /* lists */
    uint32_t on;                /* taxes: a list of taxes.c, then of the image; 0 none */
    int32_t from, until;
    int64_t values[TOLL_TAX_CELLS]; /* rate in 1e-12, base, money; cells without text: 0 */
    uint32_t columns[TOLL_TAX_CELLS];
    uint8_t has, sale, cadence, spare;
    int32_t as_of;
    uint32_t source; /* string offset */
    uint32_t line, column;
    uint32_t series; /* from 1 on */
};

static inline bool toll_tax_row_has(const struct toll_tax_row *row, int cell)
{
    return (row->has >> cell & 1) != 0;
}

struct toll_tax_rows {
    struct toll_build *build;
    const char *path;
    struct toll_buffer rows;   /* struct toll_tax_row; from the series on: by tax and line */
    struct toll_buffer series; /* uint32_t by series: the first of its rows in rows_of; one more at the end */
    struct toll_buffer members; /* uint32_t: rows by series, ascending bracket_from */
};

/* Reports an error at a cell of a row, or at its tax where the cell is empty (cell -1: there). */
void toll_tax_row_finding(const struct toll_tax_rows *rows, const struct toll_tax_row *row, int cell,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Series and their brackets, with their dates against each other. The taxes are in the image's section, the
 * rows by tax and line. */
int toll_tax_make_series(struct toll_tax_rows *rows);
/* Overlaps and gaps of the series of each tax. */
int toll_tax_check_dates(struct toll_tax_rows *rows);
/* Circles of on_taxes, and which series are late. */
int toll_tax_check_cycles(struct toll_tax_rows *rows);

#endif
