/*
 * FlatBuffers, as little as Arrow metadata needs (Arrow format/Message.fbs, Schema.fbs, File.fbs).
 *
 * The builder writes forwards: a table first, with zeros for its references, then what it refers to, then the
 * link; so the bytes are a function of the calls. With bytes == NULL it only measures: the same calls give
 * the size. The reader trusts nothing: every offset, vtable, vector and string is checked against the buffer
 * before it is followed; the first fault sets `bad`, and from then on everything reads as absent.
 */
#ifndef TOLL_ARROW_FLAT_H
#define TOLL_ARROW_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_FLAT_FIELDS 8 /* the widest table used has 7 */

struct toll_flat {
    uint8_t *bytes; /* zeroed by the caller, of `room` bytes; NULL: measure */
    size_t room;
    size_t size; /* so far */
};

struct toll_flat_table {
    size_t position;
    uint16_t offset[TOLL_FLAT_FIELDS]; /* of each field from `position`; 0 absent */
};

/* Starts a buffer whose root table follows next. */
void toll_flat_begin(struct toll_flat *flat, uint8_t *bytes, size_t room);
/* A table with field i of sizes[i] bytes (1, 2, 4 or 8; 0: absent), all zero. The first one made is the root.
 */
struct toll_flat_table toll_flat_table(struct toll_flat *flat, const uint8_t *sizes, unsigned count);
/* Sets the low `size` bytes of a scalar field. */
void toll_flat_set(struct toll_flat *flat, const struct toll_flat_table *table, unsigned field,
                   uint64_t value, unsigned size);
/* Makes a reference field, or reference i of a vector of them, point at `target`, which must lie behind it.
 */
void toll_flat_link(struct toll_flat *flat, const struct toll_flat_table *table, unsigned field,
                    size_t target);
void toll_flat_link_at(struct toll_flat *flat, size_t vector, size_t index, size_t target);
/* A vector of zeroed elements (aligned to 8 when element_bytes is a multiple of 8, else to 4); its position.
 */
size_t toll_flat_vector(struct toll_flat *flat, size_t count, size_t element_bytes);
/* Sets 64 bits at a byte offset within the elements of a vector. */
void toll_flat_vector_set(struct toll_flat *flat, size_t vector, size_t at, uint64_t value);
size_t toll_flat_string(struct toll_flat *flat, const char *text, size_t bytes);

struct toll_flat_reader {
    const uint8_t *bytes;
    size_t size;
    bool bad;
};

struct toll_flat_ref { /* position 0: absent */
    size_t position, vtable;
    unsigned vtable_bytes, table_bytes;
};

struct toll_flat_span { /* of a vector or string; count 0 when absent */
    size_t position;    /* of its first element; 0: absent */
    size_t count;
};

struct toll_flat_ref toll_flat_read_root(struct toll_flat_reader *reader);
/* A scalar field of `size` bytes, zero-extended, or `otherwise` when absent. */
uint64_t toll_flat_read(struct toll_flat_reader *reader, const struct toll_flat_ref *table, unsigned field,
                        unsigned size, uint64_t otherwise);
struct toll_flat_ref toll_flat_read_table(struct toll_flat_reader *reader, const struct toll_flat_ref *table,
                                          unsigned field);
struct toll_flat_span toll_flat_read_vector(struct toll_flat_reader *reader,
                                            const struct toll_flat_ref *table, unsigned field,
                                            size_t element_bytes);
/* Checked to be terminated. */
struct toll_flat_span toll_flat_read_string(struct toll_flat_reader *reader,
                                            const struct toll_flat_ref *table, unsigned field);
/* Table `index` (below its count) of a vector of references. */
struct toll_flat_ref toll_flat_read_element(struct toll_flat_reader *reader,
                                            const struct toll_flat_span *vector, size_t index);
/* 64 bits at a byte offset from a vector's first element; inside the buffer or `bad`. */
uint64_t toll_flat_read_at(struct toll_flat_reader *reader, const struct toll_flat_span *vector, size_t at);

#endif
