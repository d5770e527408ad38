/* What the parts of the Arrow reader share: a file being opened. */
#ifndef TOLL_ARROW_READ_H
#define TOLL_ARROW_READ_H

#include "arrow/encode.h"
#include "arrow/flat.h"
#include "base/arena.h"

struct toll_arrow_block {
    int64_t offset, body_bytes;
    size_t message_bytes;
    const uint8_t *message;
};

/* The pieces of a file that lie outside column buffers, all of them checked to tile the file together with
 * those. */
struct toll_arrow_parts {
    struct toll_arena arena;        /* names, dictionary entries */
    bool no_memory;                 /* for a name: what then cannot be read is not damaged */
    uint8_t *outside, *footer_copy; /* when read; else the pieces point into the mapping */
    const uint8_t *head, *tail, *footer;
    size_t head_bytes, tail_bytes, footer_bytes;
    int64_t tail_offset;
    struct toll_arrow_block *batches, *dictionaries;
};

/* TOLL_EDATA with the file's name, what is wrong and what to do. */
int toll_arrow_damaged(const char *name, const char *what, struct toll_error *error);

/* frame.c: finds the pieces, reads them, and computes the digest. */
int toll_arrow_read_frame(const struct toll_arrow_source *source, struct toll_arrow_file *file,
                          struct toll_error *error);
/* meta.c: the schema of a Schema table; names go into the arena. */
int toll_arrow_read_schema(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                           const struct toll_flat_ref *table, struct toll_error *error);
/* meta.c: a message's table behind its prefix; *header is of the wanted kind. */
int toll_arrow_read_message(const struct toll_arrow_file *file, const struct toll_arrow_block *block,
                            unsigned kind, struct toll_flat_reader *reader, struct toll_flat_ref *message,
                            struct toll_flat_ref *header, struct toll_error *error);

#endif
