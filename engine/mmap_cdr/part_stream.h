/*
 * A part written batch by batch, for whoever does not hold all its rows: the same bytes as
 * toll_cdr_part_write gives. The columns of a batch are filled in place, as they will lie in the file, and go
 * to disk past the page cache while the next batch is filled.
 */
#ifndef TOLL_MMAP_CDR_PART_STREAM_H
#define TOLL_MMAP_CDR_PART_STREAM_H

#include "mmap_cdr/part.h"

struct toll_cdr_stream;

/* One thread's room to write parts in, one after the other. hash: toll_hash or a twin. NULL when out of
 * memory.
 */
struct toll_cdr_stream *toll_cdr_stream_create(const struct toll_io *io, toll_hash_kernel *hash);
/* Removes what an unfinished part has on disk. NULL is allowed. */
void toll_cdr_stream_free(struct toll_cdr_stream *stream);
size_t toll_cdr_stream_bytes(const struct toll_cdr_stream *stream); /* of memory, at most so far */

/* Creates both files. present: the optional columns (bit set) that rows of the part use. rows_max: at least
 * as many as there will be; a small part is not worth more than plain writes. */
int toll_cdr_stream_begin(struct toll_cdr_stream *stream, int directory, const char *name, uint32_t present,
                          int64_t rows_max, struct toll_error *error);

/* Of the batch that is next: where TOLL_BATCH_ROWS values of a column go (NULL: not present). Good until
 * toll_cdr_stream_batch. */
void *toll_cdr_stream_column(const struct toll_cdr_stream *stream, enum toll_cdr_column column);

/* The sidecar's texts of a batch: text i of column t is bytes[t][offset[t][i], offset[t][i + 1]). */
struct toll_cdr_stream_texts {
    const char *bytes[3]; /* record id, caller, callee as dialled */
    const int32_t *offset[3];
};
/* The batch is filled: TOLL_BATCH_ROWS rows, or fewer, but not 0, in the last. */
int toll_cdr_stream_batch(struct toll_cdr_stream *stream, int64_t rows,
                          const struct toll_cdr_stream_texts *texts, struct toll_error *error);

/* Dictionaries, in the order of their columns, of those that are present; then all is on disk. */
int toll_cdr_stream_end(struct toll_cdr_stream *stream, const struct toll_arrow_dictionary *dictionaries,
                        struct toll_file_seal *part_seal, struct toll_file_seal *text_seal,
                        struct toll_error *error);
/* Of all rows of the part that was ended last. */
struct toll_cdr_most toll_cdr_stream_most(const struct toll_cdr_stream *stream);
/* After an error, or to begin the part anew: removes the files. */
void toll_cdr_stream_abandon(struct toll_cdr_stream *stream);

#endif
