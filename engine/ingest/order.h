/*
 * New rows by day, and the order (start, record key) within a day.
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

struct toll_day_rows {
    int64_t day;
    struct toll_entry *entries; /* into toll_days.entries */
    size_t count;
};

struct toll_days {
    struct toll_day_rows *days; /* ascending; only days that have rows */
    size_t count;
    struct toll_entry *entries; /* of all days, one behind the other */
    size_t entry_count;
};

/* Settled chunks, which must outlive the days; once, for it places their rows (toll_chunk_place_row). Not yet
 * sorted within a day. TOLL_ENOMEM when out of memory. */
int toll_days_make(struct toll_days *days, const struct toll_chunk *const *chunks, size_t chunk_count,
                   struct toll_error *error);
void toll_days_free(struct toll_days *days);

/* Sorts one day's entries. TOLL_ENOMEM when out of memory. Any thread. */
int toll_entries_sort(struct toll_entry *entries, size_t count, struct toll_error *error);

#endif
