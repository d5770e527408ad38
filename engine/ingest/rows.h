/*
 * Lexed rows to canonical rows. A chunk is a stretch of a delivered file that begins and ends at a row;
 * chunks are read independently, by any thread, and know their place in the file only afterwards
 * (toll_chunk_settle).
 */
#ifndef TOLL_INGEST_ROWS_H
#define TOLL_INGEST_ROWS_H

#include "base/checksum.h"
#include "ingest/columns.h"
#include "ingest/lexicon.h"
#include "ingest/recognise.h"
#include "ingest/reject.h"
#include "ingest/row.h"
#include "ingest/spec.h"

struct toll_chunk {
    struct toll_columns *columns; /* the rows; NULL: dropped */
    size_t row_count;
    int64_t legs;                /* of the rows: second legs, the in row of a record that gave two */
    struct toll_reject *rejects; /* their raw bytes lie in the store */
    size_t reject_count, reject_capacity;
    int64_t data_rows;               /* records: row_count - legs + reject_count */
    int64_t warnings;                /* records with at least one */
    int64_t duration_ms;             /* of records, as the provider adds them up */
    toll_ms first_start, last_start; /* when row_count > 0 */
    long lines;                      /* line ends */
    struct toll_row_store store;
    struct toll_lexicon *lexicon; /* ids of names are its */
    struct toll_lexicon *own;     /* the same if the chunk owns it, else NULL */
    /* Once it is settled: what becomes of each row's names, file and row when it is next looked at. */
    uint32_t *const *maps; /* the lexicon's: own id to the run's; NULL: the same */
    uint32_t source;
    int32_t rows_before;
};

/* Reads data[begin, end) of the recognised file; begin must be layout->start.offset or the start of a line.
 * carrier: the text for rows whose own column does not give one; "" for none. lexicon: where names are kept,
 * nobody else's until this has returned, and there as long as the chunk; NULL: one of its own. TOLL_ENOMEM;
 * TOLL_EDATA when it has more than 4 GiB of one kind of text; bad rows are rejects. The chunk is released
 * with toll_chunk_free, also after an error.
 */
int toll_chunk_read(const struct toll_spec *spec, const struct toll_layout *layout, const char *carrier,
                    struct toll_lexicon *lexicon, size_t begin, size_t end, struct toll_chunk *chunk,
                    struct toll_error *error);
/* The same; walk is stepped on between rows. */
int toll_chunk_read_walking(const struct toll_spec *spec, const struct toll_layout *layout,
                            const char *carrier, struct toll_lexicon *lexicon, size_t begin, size_t end,
                            struct toll_sha256_walk *walk, struct toll_chunk *chunk,
                            struct toll_error *error);

/* Gives the chunk its place: data rows before it, its first line, its file; and moves its names to the run's.
 * The rows themselves have left the caches, and stay as they are. Not thread safe on `names` and
 * the lexicon. TOLL_ENOMEM when out of memory. */
int toll_chunk_settle(struct toll_chunk *chunk, struct toll_row_names *names, uint32_t source,
                      int64_t rows_before, long first_line, struct toll_error *error);

/* Its rows are not needed any more: their memory is for the next chunk of the lexicon, which nobody else has
 * now. All counts, and the rejects, stay. */
void toll_chunk_drop_rows(struct toll_chunk *chunk);
void toll_chunk_free(struct toll_chunk *chunk);

#endif
