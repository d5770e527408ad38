/*
 * Arrow IPC files in memory: what is put into them and where, and what is believed when one is read. No file
 * system calls: callers bring a sink for writing and bytes or a read function for reading. (Apache Arrow
 * columnar format, "IPC File Format", metadata version V5.)
 *
 * Our shape, which every reader of Arrow files understands and which ours demands:
 *
 *     "ARROW1\0\0"  schema message                                 head, up to a multiple of 4 KiB
 *     per record batch: metadata message, then its column buffers   each at and padded to a multiple of 4
 * KiB, zeros per dictionary: message and body, at multiples of 64          tail end-of-stream mark, footer,
 * its size, "ARROW1"                tail
 *
 * Columns have no nulls, so validity buffers have length 0. A record batch has TOLL_ARROW_BATCH_ROWS rows,
 * the last one 1 to that many; a file of 0 rows has no batch. Every offset follows from the schema, the
 * number of rows, the dictionaries and the text bytes of each batch, before any value is written. Each
 * batch's message holds the XXH3-128 of each of its buffers, padding included, as its custom metadata
 * "tollmill.xxh3". What lies outside the column buffers (head, batch messages, tail) has one digest, which
 * manifests keep: so every byte of a file is covered.
 */
#ifndef TOLL_ARROW_ARROW_H
#define TOLL_ARROW_ARROW_H

#include "base/checksum.h"
#include "tollmill_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_ARROW_ALIGNMENT 4096
#define TOLL_ARROW_BATCH_ROWS 65536
#define TOLL_ARROW_COLUMNS 32                       /* most columns of a file: a CDR part has 22 */
#define TOLL_ARROW_BUFFERS (2 * TOLL_ARROW_COLUMNS) /* utf8 columns have two buffers: offsets, data */
#define TOLL_ARROW_NAME_BYTES 32                    /* longest column or schema name, with terminator */

enum toll_arrow_type {
    TOLL_ARROW_INT32,
    TOLL_ARROW_INT64,
    TOLL_ARROW_UINT8,
    TOLL_ARROW_UINT16,
    TOLL_ARROW_UINT64,
    TOLL_ARROW_TIMESTAMP_MS,      /* int64, UTC */
    TOLL_ARROW_DICTIONARY_INT32,  /* -> utf8 */
    TOLL_ARROW_DICTIONARY_UINT16, /* -> utf8 */
    TOLL_ARROW_UTF8,
};

struct toll_arrow_field {
    const char *name;
    enum toll_arrow_type type;
    int scale; /* 8: money, an integer in 1e-8, told to readers as field metadata "scale"; 0: not money */
};

struct toll_arrow_schema {
    const char *name; /* of the layout, "cdr/1": schema metadata "tollmill.schema" */
    const struct toll_arrow_field *fields;
    unsigned count;
};

/* Bytes of one value; 4 (an offset) for utf8. */
unsigned toll_arrow_width(enum toll_arrow_type type);
bool toll_arrow_is_dictionary(enum toll_arrow_type type);
unsigned toll_arrow_dictionary_count(const struct toll_arrow_schema *schema);
unsigned toll_arrow_text_count(const struct toll_arrow_schema *schema);

static inline size_t toll_arrow_pad(size_t bytes)
{
    return (bytes + TOLL_ARROW_ALIGNMENT - 1) & ~(size_t)(TOLL_ARROW_ALIGNMENT - 1);
}

/* ---- layout ---- */

struct toll_arrow_buffer {
    size_t offset; /* from the batch's first column buffer; a multiple of 4 KiB */
    size_t bytes;  /* without padding */
};

/* The buffers of one batch of `rows` rows in file order (text_bytes: of each utf8 column, NULL when there is
 * none); returns the size of all, padding included. *count may be NULL. */
size_t toll_arrow_batch_layout(const struct toll_arrow_schema *schema, int64_t rows,
                               const int64_t *text_bytes,
                               struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS], unsigned *count);

struct toll_arrow_plan {
    const struct toll_arrow_schema *schema; /* borrowed */
    int64_t rows, batches;
    size_t head_bytes;     /* magic and schema message */
    size_t message_bytes;  /* metadata of every batch */
    int64_t *batch_offset; /* of the batch's message; [batches] is where the tail starts */
};

/* text_bytes: [batch * text columns + k], or NULL. TOLL_EDATA when the text of a batch passes 2 GiB. */
int toll_arrow_plan_make(struct toll_arrow_plan *plan, const struct toll_arrow_schema *schema, int64_t rows,
                         const int64_t *text_bytes, struct toll_error *error);
void toll_arrow_plan_free(struct toll_arrow_plan *plan); /* safe on a zeroed struct */
int64_t toll_arrow_batch_rows(int64_t rows, int64_t index);

struct toll_arrow_dictionary {
    const char *const *entries; /* terminated */
    uint32_t count;
};

/* What plan->head_bytes and plan->message_bytes are, for whoever makes a plan batch by batch. */
size_t toll_arrow_head_measure(const struct toll_arrow_schema *schema);
size_t toll_arrow_message_measure(const struct toll_arrow_schema *schema);
/* head: plan->head_bytes bytes. */
void toll_arrow_head(const struct toll_arrow_plan *plan, uint8_t *head);
/* message: plan->message_bytes bytes; hashes: one for each buffer. Allocates nothing, any thread. */
void toll_arrow_batch_message(const struct toll_arrow_plan *plan, int64_t rows,
                              const struct toll_arrow_buffer *buffers, const struct toll_hash128 *hashes,
                              uint8_t *message);
/* Dictionaries (one for each dictionary column, in their order), end mark, footer. *tail is the caller's to
 * free. It does not depend on any batch's values. */
int toll_arrow_tail(const struct toll_arrow_plan *plan, const struct toll_arrow_dictionary *dictionaries,
                    uint8_t **tail, size_t *bytes, struct toll_error *error);

/* ---- a whole file ---- */

struct toll_arrow_column {
    const void *values; /* fixed width and dictionary columns: all rows */
    const char *text;   /* utf8: row i is text[text_offset[i] .. text_offset[i + 1]) */
    const int64_t *text_offset;
};

struct toll_arrow_sink {
    int (*write)(void *context, const void *data, size_t bytes, int64_t offset, struct toll_error *error);
    void *context;
};

/* Writes every byte of the file once, in any order. *file_bytes and *digest are what a seal holds. */
int toll_arrow_write(const struct toll_arrow_schema *schema, int64_t rows,
                     const struct toll_arrow_column *columns,
                     const struct toll_arrow_dictionary *dictionaries, const struct toll_arrow_sink *sink,
                     int64_t *file_bytes, struct toll_hash128 *digest, struct toll_error *error);

/* A sink that collects the file in memory; zero-initialise, free(bytes) at the end. context: struct
 * toll_arrow_memory. */
struct toll_arrow_memory {
    uint8_t *bytes;
    size_t size, capacity;
};
int toll_arrow_memory_write(void *context, const void *data, size_t bytes, int64_t offset,
                            struct toll_error *error);

/* ---- reading ---- */

struct toll_arrow_source {
    const char *name;     /* for messages */
    const uint8_t *bytes; /* the whole file, 8-byte aligned, borrowed; or NULL and read_at */
    int64_t size;
    int (*read_at)(void *context, void *buffer, size_t bytes, int64_t offset, struct toll_error *error);
    void *context;
};

struct toll_arrow_place {
    int64_t offset; /* in the file */
    size_t bytes;   /* without padding */
    struct toll_hash128 hash;
};

/* An opened file: everything but the column buffers has been read and checked. Read only. */
struct toll_arrow_file {
    char *name;
    struct toll_arrow_schema schema; /* its strings belong to the file */
    int64_t rows, batches;
    unsigned buffers;                          /* of each batch */
    unsigned first_buffer[TOLL_ARROW_COLUMNS]; /* of each column */
    struct toll_arrow_place *places;           /* [batch * buffers + buffer] */
    unsigned dictionaries;
    struct toll_arrow_dictionary dictionary[TOLL_ARROW_COLUMNS]; /* in the order of the dictionary columns */
    struct toll_hash128 digest;                                  /* of all bytes outside column buffers */
    toll_hash_kernel *hash; /* that toll_arrow_check uses; toll_hash, but its twins may be put here */
    struct toll_arrow_parts *owned;
};

/* TOLL_EDATA (says what is wrong) for any file that is not of our shape. Its metadata may be laid out in
 * another way than our writer does: only `expected`, the digest that the file must have (NULL: any), says
 * that the bytes are ours. */
int toll_arrow_open(const struct toll_arrow_source *source, const struct toll_hash128 *expected,
                    struct toll_arrow_file **out, struct toll_error *error);
void toll_arrow_close(struct toll_arrow_file *file);
/* TOLL_EDATA unless the file has exactly this schema. */
int toll_arrow_expect(const struct toll_arrow_file *file, const struct toll_arrow_schema *schema,
                      struct toll_error *error);

static inline const struct toll_arrow_place *toll_arrow_place(const struct toll_arrow_file *file,
                                                              int64_t batch, unsigned buffer)
{
    return &file->places[batch * file->buffers + buffer];
}

/* Compares a buffer's bytes (padded) with its checksum: TOLL_EDATA names file, batch and column. */
int toll_arrow_check(const struct toll_arrow_file *file, int64_t batch, unsigned column, unsigned buffer,
                     const void *data, struct toll_error *error);
/* The same where somebody has the padded bytes' hash already. */
int toll_arrow_check_hash(const struct toll_arrow_file *file, int64_t batch, unsigned column, unsigned buffer,
                          struct toll_hash128 hash, struct toll_error *error);
/* Offsets of a checked utf8 column: from 0, never falling, to `bytes`. */
bool toll_arrow_text_valid(const int32_t *offsets, int64_t rows, size_t bytes);

#endif
