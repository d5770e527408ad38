/* Rows of a part read back one after the other, and a part built from rows as they come. */
#ifndef TOLL_INGEST_PART_ROWS_H
#define TOLL_INGEST_PART_ROWS_H

#include "ingest/gather.h"
#include "mmap_cdr/dataset.h"
#include "mmap_cdr/part_stream.h"

/* A row stays good while the next is looked at. */
struct toll_part_reader {
    struct toll_cdr_part *part;
    struct toll_cdr_text *text;
    void *buffer;
    size_t buffer_bytes;
    uint32_t *maps[TOLL_NAMES]; /* the part's ids to the import's */
    struct toll_memory *memory;
    struct toll_cdr_batch batch;
    int64_t next_batch, at; /* of the batch */
    struct toll_row_slot slots[2];
    unsigned turn;
};
/* Every name of its dictionaries must be in `names` already. Closed with toll_part_reader_close, also after
 * an error. */
int toll_part_reader_open(struct toll_part_reader *reader, const struct toll_dataset *dataset, size_t index,
                          const struct toll_row_names *names, struct toll_memory *memory,
                          struct toll_error *error);
void toll_part_reader_close(struct toll_part_reader *reader); /* safe on a zeroed struct */
int64_t toll_part_reader_rows(const struct toll_part_reader *reader);
/* *row NULL: there are no more. */
int toll_part_reader_next(struct toll_part_reader *reader, struct toll_row **row, struct toll_error *error);
/* What its rows use. */
void toll_part_reader_add_use(const struct toll_part_reader *reader, struct toll_used *used);

/*
 * A part in the making: rows are added in their final order, and leave for the disk by the batch. What they
 * use is said before: exactly, but for sources, of which some may turn out to be used by no row.
 */
struct toll_part_build {
    struct toll_cdr_stream *stream; /* NULL: rows are only counted */
    struct toll_memory *memory;
    const struct toll_row_names *names;
    const char *path; /* of the dataset, for messages */
    int64_t rows, conflicts;
    toll_ms first_start, last_start;
    /* of the batch */
    size_t batch_rows;
    int64_t *start, *quantity, *provider_charge, *provider_tax;
    int32_t *duration_ms, *trunk, *hint, *calltype, *setup_ms, *carrier_billed_ms, *source_file, *source_row;
    uint64_t *caller, *callee, *charged, *lrn_caller, *lrn_callee, *ring_to, *key_high, *key_low;
    uint16_t *kind, *carrier;
    bool any_optional;
    char *text[3];
    size_t text_room[3];
    int32_t *offset[3];
    /* of the part */
    uint32_t *ids[TOLL_NAMES]; /* of the import to the part's */
    const char **entries[TOLL_NAMES];
    uint32_t entry_count[TOLL_NAMES];
    uint8_t *source_seen; /* by the import's id */
    uint32_t sources_seen;
};

/* stream NULL: only counts. names are ranked, and stay. part: its day, part and generation are set. Released
 * with toll_part_build_free, also after an error. */
int toll_part_build_begin(struct toll_part_build *build, struct toll_cdr_stream *stream,
                          struct toll_memory *memory, const struct toll_dataset *dataset,
                          const struct toll_dataset_part *part, const struct toll_row_names *names,
                          const struct toll_used *used, int64_t rows_max, struct toll_error *error);
/* The row may go once this is back. */
int toll_part_build_add(struct toll_part_build *build, const struct toll_row *row, struct toll_error *error);
/* Rows that may be added before the batch is full; 1 or more. */
size_t toll_part_build_room(const struct toll_part_build *build);
/* So many rows of a slice, in its order, from `at` on: their order is final, none is marked as a conflict.
 * sources: by index of a file, its id. */
int toll_part_build_add_slice(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                              size_t count, const uint32_t *sources, struct toll_error *error);
/* For those who fill it: room for so many bytes of one text of the batch (false: out of memory), and the
 * batch is done. */
bool toll_part_build_text_room(struct toll_part_build *build, int text, size_t bytes);
int toll_part_build_flush(struct toll_part_build *build, struct toll_error *error);
/* Was every source used? If not, the part is to be built anew without the others (build->source_seen). */
bool toll_part_build_exact(const struct toll_part_build *build);
/* Fills rows, conflicts, first_start, last_start and the seals of *part; all is on disk then. */
int toll_part_build_end(struct toll_part_build *build, struct toll_dataset_part *part,
                        struct toll_error *error);
void toll_part_build_free(struct toll_part_build *build);

#endif
