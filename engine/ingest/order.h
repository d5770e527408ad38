/*
 * New rows by day, and the order (start, record key) within a day.
 *
 * A chunk is looked at once more while it is still in the caches: its rows are spread over days, their keys
 * are put aside by partition (keys.h), and what each day uses is noted. A day is sorted when it is merged.
 */
#ifndef TOLL_INGEST_ORDER_H
#define TOLL_INGEST_ORDER_H

#include "ingest/row.h"
#include "ingest/rows.h"
#include "tollmill_error.h"

struct toll_entry {
    uint64_t order; /* 27 bits: ms of the day; 37 bits: the record key's first */
    struct toll_row *row;
};

static inline uint64_t toll_entry_order(const struct toll_row *row, toll_ms day_start)
{
    return (uint64_t)(row->start - day_start) << 37 | row->key_high >> 27;
}

/* By (start, record key), of rows of one day. */
static inline int toll_entry_compare(const struct toll_entry *a, const struct toll_entry *b)
{
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->row->key_high != b->row->key_high)
        return a->row->key_high < b->row->key_high ? -1 : 1;
    if (a->row->key_low != b->row->key_low)
        return a->row->key_low < b->row->key_low ? -1 : 1;
    return 0;
}

/* What some rows use: of each optional value all of them or-ed, and the names they have (not sources). */
struct toll_use {
    struct toll_row_extra any;
    uint32_t *names[TOLL_NAME_SOURCE]; /* ids, each once */
    uint32_t name_counts[TOLL_NAME_SOURCE];
};
void toll_use_free(struct toll_use *use);

/* The rows of one day in a chunk. */
struct toll_day_slice {
    int64_t day;
    struct toll_entry *entries; /* into toll_ordered.entries */
    size_t count;
    struct toll_use use; /* names are the chunk's own */
};

/* A record key without its row: what is needed to find conflicts. */
struct toll_key_record {
    uint64_t key_high, key_low;
    uint64_t meta; /* 43 bits: start + 1; 20 bits: carrier; 1 bit */
};
#define TOLL_KEY_CARRIER_BITS 20
#define TOLL_KEY_PARTITIONS 256u

static inline uint64_t toll_key_meta(toll_ms start, uint32_t carrier)
{
    return (uint64_t)(start + 1) << (TOLL_KEY_CARRIER_BITS + 1) | (uint64_t)carrier << 1;
}
static inline toll_ms toll_key_start(uint64_t meta)
{
    return (toll_ms)(meta >> (TOLL_KEY_CARRIER_BITS + 1)) - 1;
}
static inline uint32_t toll_key_carrier(uint64_t meta)
{
    return (uint32_t)(meta >> 1) & ((1u << TOLL_KEY_CARRIER_BITS) - 1);
}
static inline unsigned toll_key_partition(uint64_t key_low)
{
    return (unsigned)(key_low >> 56);
}

/* A chunk, its rows by day, and their keys by partition. */
struct toll_ordered {
    struct toll_chunk chunk;
    struct toll_entry *entries; /* of one day after the other; within a day as they came */
    struct toll_day_slice *slices;
    size_t slice_count;           /* ascending days */
    struct toll_key_record *keys; /* carriers are the chunk's own */
    uint32_t key_at[TOLL_KEY_PARTITIONS + 1];
    size_t bytes; /* all of it, for the memory count */
};

/* Of ordered->chunk, which was read. index goes into each row's `source`, where toll_ordered_place_row finds
 * it. TOLL_ENOMEM; TOLL_EDATA when there are more carriers than a key record can tell. Any thread. */
int toll_ordered_make(struct toll_ordered *ordered, uint32_t index, struct toll_error *error);
void toll_ordered_free(struct toll_ordered *ordered);

/* Sorts one day's entries. TOLL_ENOMEM when out of memory. Any thread. */
int toll_entries_sort(struct toll_entry *entries, size_t count, struct toll_error *error);

#endif
