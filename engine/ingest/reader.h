/*
 * What reads the rows of a chunk, shared by its two ways: rows.c, one row after the other, which is the
 * specification, and tray.c, column by column, for the rows that have nothing unusual.
 */
#ifndef TOLL_INGEST_READER_H
#define TOLL_INGEST_READER_H

#include "ingest/limits.h"
#include "ingest/memo.h"
#include "ingest/rows.h"
#include "ingest/values.h"

#define TOLL_KEY_SEPARATOR '\x1f'

#define TOLL_READER_CHOICES 4 /* legs, service, direction, answered */
#define TOLL_READER_CHOICE_BITS 4
#define TOLL_READER_NAME_BITS 8

struct toll_reader {
    const struct toll_spec *spec;
    const struct toll_layout *layout;
    struct toll_chunk *chunk;
    struct toll_sha256_walk *walk; /* of the text: a step where the processor has room for it */
    struct toll_csv csv;
    struct toll_csv_field fields[TOLL_INGEST_COLUMNS_MAX];
    uint32_t count;
    size_t begin;                     /* of the chunk */
    int slots[TOLL_TARGETS];          /* the target's (first) column in the file, -1: it has none */
    bool bare;                        /* no field of the row is quoted */
    struct toll_time_reader times[3]; /* start, answer, end: each remembers its own day */
    char *scratch;                    /* plain texts of fields with doubled quotes; grows */
    size_t scratch_bytes, scratch_used;
    char *key;
    size_t key_bytes;
    struct toll_memo choices[TOLL_READER_CHOICES][1 << TOLL_READER_CHOICE_BITS];
    struct toll_memo names[TOLL_NAME_SOURCE][1 << TOLL_READER_NAME_BITS];
    uint32_t carrier; /* of rows without one of their own */
    bool no_memory;
    /* the current row */
    struct toll_row row; /* its texts are `texts` */
    struct toll_row_extra extra;
    struct toll_value texts[TOLL_ROW_TEXTS];
    bool warned, both_legs;
    int bad_column;
};

/* Reads the next row of reader->csv, if there is one, and keeps it or its reject. False at the end, or out of
 * memory (no_memory). */
bool toll_reader_next(struct toll_reader *reader);

/* The chunk's id of a name; 0 for no name, or out of memory (no_memory). */
uint32_t toll_reader_name(struct toll_reader *reader, enum toll_name name, struct toll_value value);

/* The buffer for keys, with room for so many bytes; NULL when out of memory (no_memory). */
char *toll_reader_key(struct toll_reader *reader, size_t bytes);

#endif
