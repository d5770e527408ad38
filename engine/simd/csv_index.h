/*
 * The structural index of a stretch of CSV text: where its fields and rows end, and which rows have quotes.
 *
 * The stretch begins at a row. Every quote toggles "inside"; a separator outside ends a field, a line end
 * ends the row: every one, after which a quote is no longer open, or, where quotes may span lines
 * (`multiline`), those outside. This is what text/csv.h says of rows; what it says of quotes that never close
 * and of rows that are too long is for whoever looks at the rows.
 */
#ifndef TOLL_SIMD_CSV_INDEX_H
#define TOLL_SIMD_CSV_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offsets are 32 bits; more is never needed at once. */
#define TOLL_CSV_INDEX_BYTES_MAX ((size_t)1 << 30)
/* Elements that each array must have behind its last one: a block of 64 bytes is written whole. */
#define TOLL_CSV_INDEX_SPARE 64u

struct toll_csv_quoted {
    uint32_t row;    /* ascending; may be row_count: the row that the stretch does not end */
    uint32_t quotes; /* how many it has */
};

struct toll_csv_index {
    uint32_t *stops;                /* room for bytes + SPARE: where fields end, row ends among them */
    uint32_t *row_stops;            /* room for bytes + SPARE: which of the stops end rows */
    struct toll_csv_quoted *quoted; /* room for bytes */
    size_t stop_count, row_count, quoted_count;
    bool has_nul; /* a NUL anywhere in the stretch */
};

/* Fills the arrays and counts of *out. Behind the counts the arrays hold anything. */
typedef void toll_csv_index_kernel(const char *text, size_t bytes, char separator, char line_end,
                                   bool multiline, struct toll_csv_index *out);

toll_csv_index_kernel toll_csv_index_scalar, toll_csv_index_avx2, toll_csv_index_avx512;

#endif
