/*
 * One part of a dataset: columns in, an Arrow file out, and back. A part comes with a cold sidecar
 * (`<part>.text.arrow`: record_id, caller_dialled, callee_dialled as utf8; a dialled text is empty when it
 * equals the canonical digits with or without a leading '+').
 */
#ifndef TOLL_MMAP_CDR_PART_H
#define TOLL_MMAP_CDR_PART_H

#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/cdr.h"

/* A dictionary: entries[0] is "". */
struct toll_cdr_dictionary {
    const char *const *entries;
    uint32_t count;
};

/* Everything a part is made of: full columns (optional ones NULL when absent; whoever builds it has already
 * left out what no row uses), dictionaries for CARRIER, TRUNK, HINT, CALLTYPE, SOURCE_FILE, and the sidecar's
 * texts. */
struct toll_cdr_part_data {
    struct toll_cdr_batch columns; /* first_row 0 */
    struct toll_cdr_dictionary carrier, trunk, hint, calltype, source_file;
    /* each text i is bytes [offset[i], offset[i+1]) of its data; offsets have rows+1 entries */
    const char *record_id_data, *caller_text_data, *callee_text_data;
    const int64_t *record_id_offset, *caller_text_offset, *callee_text_offset;
};

/* The greatest usage of some rows, whatever their service. */
struct toll_cdr_most {
    bool known; /* else the rest is 0: nobody has looked */
    int32_t duration_ms;
    int64_t quantity; /* INT64_MAX where one is negative, which none should be */
};
/* So many more rows; quantity: NULL if there is no such column. Makes *most known. */
void toll_cdr_most_add(struct toll_cdr_most *most, const int32_t *duration_ms, const int64_t *quantity,
                       int64_t rows);
static inline bool toll_cdr_most_equal(struct toll_cdr_most a, struct toll_cdr_most b)
{
    return a.known == b.known && a.duration_ms == b.duration_ms && a.quantity == b.quantity;
}

/* Writes name.arrow and name.text.arrow into a directory, fsynced. */
int toll_cdr_part_write(const struct toll_io *io, int directory, const char *name,
                        const struct toll_cdr_part_data *data, struct toll_file_seal *part_seal,
                        struct toll_file_seal *text_seal, struct toll_error *error);

struct toll_cdr_part;

/* Opens and validates everything but column buffers against the seal. */
int toll_cdr_part_open(const struct toll_io *io, int directory, const char *path_for_messages,
                       const char *name, const struct toll_file_seal *seal, enum toll_read_path how,
                       struct toll_cdr_part **out, struct toll_error *error);
/* The same from bytes in memory (borrowed, aligned to 8), for exhaustive tests and fuzzers. Here and above
 * seal may be NULL: then nothing is compared with a seal. */
int toll_cdr_part_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                             const struct toll_file_seal *seal, struct toll_cdr_part **out,
                             struct toll_error *error);
void toll_cdr_part_close(struct toll_cdr_part *part);
/* Which twin of toll_hash checks the batches from here on. */
void toll_cdr_part_hash_with(struct toll_cdr_part *part, toll_hash_kernel *hash);

int64_t toll_cdr_part_rows(const struct toll_cdr_part *part);
int64_t toll_cdr_part_batches(const struct toll_cdr_part *part);
bool toll_cdr_part_has(const struct toll_cdr_part *part, enum toll_cdr_column column);
/* For the dictionary columns; valid while the part is open. */
struct toll_cdr_dictionary toll_cdr_part_dictionary(const struct toll_cdr_part *part,
                                                    enum toll_cdr_column column);

/* A bit set of columns: 1u << enum toll_cdr_column. */
#define TOLL_CDR_COLUMN_BIT(c) (1u << (c))
#define TOLL_CDR_ALL_COLUMNS ((1u << TOLL_CDR_COLUMNS) - 1u)

/* Memory that batch reads by pread need, for any batch of any part with these columns; 0 for mmap. */
size_t toll_cdr_batch_buffer_bytes(const struct toll_cdr_part *part, uint32_t columns);

/* The wanted columns of batch `index` (those present), each buffer checked against its XXH3-128, dictionary
 * ids checked against their dictionary's size (so consumers may index). `buffer` (4 KiB aligned, of
 * toll_cdr_batch_buffer_bytes) is used by the pread path only and must outlive the batch. Thread safe. A
 * wrong checksum: TOLL_EDATA with file, batch, column. */
int toll_cdr_part_batch(const struct toll_cdr_part *part, int64_t index, uint32_t columns, void *buffer,
                        struct toll_cdr_batch *out, struct toll_error *error);

/* The same in two steps, with the thread's bulk: see toll_arrow_input_begin. */
struct toll_cdr_reading {
    const struct toll_cdr_part *part;
    int64_t index;
    uint32_t wanted;
    struct toll_arrow_reading columns;
};
void toll_cdr_part_batch_begin(const struct toll_cdr_part *part, int64_t index, uint32_t columns,
                               void *buffer, struct toll_bulk *bulk, struct toll_cdr_reading *reading);
int toll_cdr_part_batch_end(const struct toll_cdr_reading *reading, struct toll_cdr_batch *out,
                            struct toll_error *error);

/*
 * The same piece by piece, so that a column's bytes are checked when they are about to be used and come from
 * far memory once: wait hands out the batch unchecked; each of its rows is checked before it is used, in
 * order, by checking_rows, which compares with the checksums when it has had the last ones. Until then a row
 * may be wrong, but it cannot do harm: ids are within their dictionaries. Whatever was made of a batch whose
 * check fails is thrown away.
 */
struct toll_cdr_checking {
    const struct toll_cdr_reading *reading;
    toll_hash_add_kernel *add;
    int64_t rows; /* so far */
    struct toll_hash_state states[TOLL_CDR_COLUMNS];
};
int toll_cdr_part_batch_wait(const struct toll_cdr_reading *reading, struct toll_cdr_batch *out,
                             struct toll_error *error);
/* add: one of the twins of toll_hash_add. */
void toll_cdr_checking_begin(struct toll_cdr_checking *checking, const struct toll_cdr_reading *reading,
                             toll_hash_add_kernel *add);
/* The next `rows` rows of `batch`. TOLL_EDATA as from toll_cdr_part_batch_end. */
int toll_cdr_checking_rows(struct toll_cdr_checking *checking, const struct toll_cdr_batch *batch,
                           int64_t rows, struct toll_error *error);
/* Memory that such columns need in any part of the schema, whether a part is mapped or not. */
size_t toll_cdr_columns_bytes(uint32_t columns);

/* The sidecar: texts of one row (not terminated, borrowed). Opened lazily by whoever exports. Each batch's
 * buffers are checked before their first use. Not thread safe. */
struct toll_cdr_text;
int toll_cdr_text_open(const struct toll_io *io, int directory, const char *path_for_messages,
                       const char *name, const struct toll_file_seal *seal, enum toll_read_path how,
                       struct toll_cdr_text **out, struct toll_error *error);
/* The same from bytes in memory (borrowed, aligned to 8). */
int toll_cdr_text_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                             const struct toll_file_seal *seal, struct toll_cdr_text **out,
                             struct toll_error *error);
int64_t toll_cdr_text_rows(const struct toll_cdr_text *text);
struct toll_text_view {
    const char *data;
    size_t bytes;
};
int toll_cdr_text_row(struct toll_cdr_text *text, int64_t row, struct toll_text_view *record_id,
                      struct toll_text_view *caller, struct toll_text_view *callee, struct toll_error *error);
/* Reads and checks every buffer. */
int toll_cdr_text_verify(struct toll_cdr_text *text, struct toll_error *error);
void toll_cdr_text_close(struct toll_cdr_text *text);

#endif
