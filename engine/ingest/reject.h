/*
 * Rows that could not be read. Each is kept with its reason, line, byte offset and raw bytes; the codes are
 * stable and documented in docs/IMPORT.md.
 *
 * The rejects file is CSV: reason,file,line,offset,raw. Its first row has the reason "header" and the header
 * of the delivered file as raw (empty without header). It can be imported with the same spec once `raw` cells
 * are mended: toll_rejects_unwrap gives the bytes of the file that its rows would have been.
 */
#ifndef TOLL_INGEST_REJECT_H
#define TOLL_INGEST_REJECT_H

#include "tollmill_error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum toll_reject_reason {
    TOLL_REJECT_NONE,
    TOLL_REJECT_BAD_COLUMNS,
    TOLL_REJECT_UNBALANCED_QUOTES,
    TOLL_REJECT_TOO_LONG,
    TOLL_REJECT_NUL_BYTE,
    TOLL_REJECT_BAD_TIME,
    TOLL_REJECT_AMBIGUOUS_TIME,
    TOLL_REJECT_BAD_DURATION,
    TOLL_REJECT_NEGATIVE_DURATION,
    TOLL_REJECT_BAD_MONEY,
    TOLL_REJECT_BAD_QUANTITY,
    TOLL_REJECT_BAD_SERVICE,
    TOLL_REJECT_BAD_DIRECTION,
    TOLL_REJECT_BAD_ANSWERED,
    TOLL_REJECT_BAD_LEGS,
    TOLL_REJECT_REASONS
};
const char *toll_reject_name(enum toll_reject_reason reason);

struct toll_reject {
    enum toll_reject_reason reason;
    int column; /* 1-based column of the file whose value is bad; 0: the whole row */
    long line;  /* of the chunk, until the chunk's place in the file is known */
    size_t offset;
    const char *raw;
    size_t raw_bytes;
};

struct toll_reject_header {
    const char *raw; /* the delivered header line, or "" */
    size_t bytes;
    long line;
    size_t offset;
};

/* The text of a rejects file, which grows as rejects are found. Zero-initialise; data is the owner's to free.
 */
struct toll_rejects_text {
    char *data;
    size_t bytes, capacity;
    bool failed;
};
/* The first rejects bring the header row with them. TOLL_ENOMEM when out of memory. */
int toll_rejects_add(struct toll_rejects_text *text, const char *file,
                     const struct toll_reject_header *header, const struct toll_reject *rejects, size_t count,
                     struct toll_error *error);

/* Is this a rejects file? Then *out (the caller's to free) is what its `raw` cells say, a line each. 1 yes, 0
 * no, negative: it begins like one, but is damaged (TOLL_EDATA says where), or out of memory. */
int toll_rejects_unwrap(const char *file, const char *data, size_t size, char **out, size_t *bytes,
                        struct toll_error *error);

#endif
