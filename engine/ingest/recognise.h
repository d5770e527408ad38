/*
 * Is this file what the spec describes, and where are its columns? By its header, or, without one, by the
 * number of its columns; and by what stands in them (probes over the first rows). What is not recognised is
 * refused whole: never guessed.
 */
#ifndef TOLL_INGEST_RECOGNISE_H
#define TOLL_INGEST_RECOGNISE_H

#include "ingest/limits.h"
#include "ingest/reject.h"
#include "ingest/spec.h"
#include "simd/kernels.h"
#include "text/csv.h"

struct toll_layout {
    int slots[TOLL_INGEST_COLUMNS_MAX]; /* the spec's column -> 0-based column of the file, -1: not there */
    bool same_order;                    /* slots[i] == i for all of the spec's columns */
    bool row_by_row; /* for tests: chunks are read without looking at many rows at once; the same comes out */
    const struct toll_kernels *kernels;     /* NULL: the portable ones */
    int file_columns;                       /* with a header: its columns; else 0 */
    struct toll_csv start;                  /* the lexer, before the first data row */
    struct toll_reject_header header;       /* of the rejects file; raw points into the file's bytes */
    char header_hash[TOLL_HASH_TEXT_BYTES]; /* "" without header */
};

/* TOLL_EDATA: refused; the text says what was expected and what was found. data must outlive the layout. */
int toll_recognise(const struct toll_spec *spec, const char *file, const char *data, size_t size,
                   struct toll_layout *out, struct toll_error *error);

/* May a row of this file have so many fields? */
bool toll_layout_legal_count(const struct toll_spec *spec, const struct toll_layout *layout, uint32_t count);

/* Is a value one of the spec's words for "nothing"? */
bool toll_spec_is_null(const struct toll_spec *spec, const char *text, size_t bytes);

#endif
