/*
 * A canonical row by itself, while it is on its way from a delivered file into a part, and memory for rows.
 * Many of them together are columns (columns.h, slice.h); one by one go those that differ only in what a key
 * does not say, and those that come from disk.
 *
 * Pointers into a store stay good until it is freed: it never moves what it gave out.
 */
#ifndef TOLL_INGEST_ROW_H
#define TOLL_INGEST_ROW_H

#include "base/strings.h"
#include "mmap_cdr/cdr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct toll_row_extra {
    uint64_t charged, lrn_caller, lrn_callee, ring_to;
    int64_t quantity, provider_charge, provider_tax;
    uint32_t trunk, hint, calltype; /* ids in the run's names, 0 none */
    int32_t setup_ms, carrier_billed_ms;
    uint32_t unused;
};

struct toll_row {
    int64_t start;
    uint64_t key_high, key_low;
    uint64_t caller, callee;
    const char *text;             /* record id, caller as dialled, callee as dialled, one behind the other */
    struct toll_row_extra *extra; /* NULL: all 0 */
    int32_t duration_ms;
    int32_t source_row; /* 1-based data row of its file */
    uint32_t source;    /* id in the run's names, like carrier */
    uint32_t carrier;
    uint16_t kind;
    uint16_t record_id_bytes, caller_bytes, callee_bytes;
};

static inline const char *toll_row_caller_text(const struct toll_row *row)
{
    return row->text + row->record_id_bytes;
}

static inline const char *toll_row_callee_text(const struct toll_row *row)
{
    return row->text + row->record_id_bytes + row->caller_bytes;
}

/* memcpy for texts, which are nearly always short. */
static inline void toll_row_copy_text(char *to, const char *from, size_t bytes)
{
    uint64_t first, last;
    uint32_t head, tail;

    if (bytes > 32) {
        memcpy(to, from, bytes);
    } else if (bytes > 16) {
        memcpy(to, from, 16);
        memcpy(to + bytes - 16, from + bytes - 16, 16);
    } else if (bytes >= 8) {
        memcpy(&first, from, 8);
        memcpy(&last, from + bytes - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + bytes - 8, &last, 8);
    } else if (bytes >= 4) {
        memcpy(&head, from, 4);
        memcpy(&tail, from + bytes - 4, 4);
        memcpy(to, &head, 4);
        memcpy(to + bytes - 4, &tail, 4);
    } else {
        for (size_t i = 0; i < bytes; i++)
            to[i] = from[i];
    }
}

/* An extra without any value, for rows that have none. */
extern const struct toll_row_extra toll_row_extra_none;

static inline const struct toll_row_extra *toll_row_extra(const struct toll_row *row)
{
    return row->extra == NULL ? &toll_row_extra_none : row->extra;
}

/* Blocks that hand out memory from front to back. Zero-initialise. Not thread safe: one by each worker. */
struct toll_row_store {
    struct toll_row_block *blocks;
    char *at;
    size_t left, block_bytes; /* of the next block */
    size_t bytes;             /* of all blocks */
};
/* 8-byte aligned, not zeroed; NULL when out of memory. */
void *toll_row_store_alloc(struct toll_row_store *store, size_t bytes);
/* The same without alignment, for texts. */
char *toll_row_store_text(struct toll_row_store *store, size_t bytes);
void toll_row_store_free(struct toll_row_store *store);

/* The dictionaries of a run of the import: texts in order of first appearance, and, once all are known, their
 * rank. */
enum toll_name {
    TOLL_NAME_CARRIER,
    TOLL_NAME_TRUNK,
    TOLL_NAME_HINT,
    TOLL_NAME_CALLTYPE,
    TOLL_NAME_SOURCE,
    TOLL_NAMES
};

struct toll_row_names {
    struct toll_strings strings[TOLL_NAMES];
    uint32_t *rank[TOLL_NAMES];    /* rank[id]: 1.. by bytewise order of the text; rank[0] = 0 */
    uint32_t *by_rank[TOLL_NAMES]; /* the id of a rank */
};
/* False when out of memory. Ids that are added later have no rank. */
bool toll_row_names_rank(struct toll_row_names *names);
void toll_row_names_free(struct toll_row_names *names);

/* Order of rows: by all that a part holds but start, record key and source (enum order, then the texts);
 * names by rank; of kind only the bits of kind_mask. 0: the same content. */
int toll_row_compare_content(const struct toll_row_names *names, const struct toll_row *a,
                             const struct toll_row *b, uint16_t kind_mask);
/* By (file's sha256, row). */
int toll_row_compare_source(const struct toll_row_names *names, const struct toll_row *a,
                            const struct toll_row *b);

#endif
