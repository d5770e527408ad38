/*
 * New rows by day, and the order (start, record key) within a day.
 *
 * A chunk is looked at once more while it is still in the caches: its rows are sorted as far as it is easy,
 * and packed by day (slice.h); of each key 32 bits are put aside by partition (keys.h). A day is sorted when
 * it is merged.
 */
#ifndef TOLL_INGEST_ORDER_H
#define TOLL_INGEST_ORDER_H

#include "ingest/pool.h"
#include "ingest/slice.h"
#include "tollmill_error.h"

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

/* What tells two keys of a partition apart, nearly always: never 0, and its last bit is free. A carrier
 * counts by its name, so that chunks agree. */
static inline uint32_t toll_key_print(uint64_t key_high, uint32_t carrier_print)
{
    const uint32_t print = ((uint32_t)key_high ^ carrier_print) & ~1u;

    return print == 0 ? 2 : print;
}
uint32_t toll_key_carrier_print(const char *carrier, size_t bytes);

/* A chunk without its rows: by day, and their keys' prints by partition. */
struct toll_ordered {
    struct toll_chunk chunk; /* what is left of it */
    struct toll_day_slice *slices;
    size_t slice_count;       /* ascending days */
    uint32_t *carrier_prints; /* by the chunk's id; NULL: there is no carrier but one_print */
    uint32_t one_print;
    uint32_t *prints;
    uint32_t print_at[TOLL_KEY_PARTITIONS + 1];
    size_t bytes; /* all of it, for the memory count */
};
static inline uint32_t toll_ordered_print(const struct toll_ordered *ordered,
                                          const struct toll_day_slice *slice, size_t at)
{
    return toll_key_print(slice->key_high[at], ordered->carrier_prints == NULL
                                                   ? ordered->one_print
                                                   : ordered->carrier_prints[toll_slice_carrier(slice, at)]);
}

/* Of ordered->chunk, which was read, and is left without its rows. Memory is the pool's. walk: stepped on in
 * between. TOLL_ENOMEM; TOLL_EDATA when there are more carriers than can be told apart. Whoever has the
 * chunk's lexicon. */
int toll_ordered_make(struct toll_ordered *ordered, struct toll_pool *pool, struct toll_sha256_walk *walk,
                      struct toll_error *error);
void toll_ordered_free(struct toll_ordered *ordered);
/* The slice of a day, or NULL. */
const struct toll_day_slice *toll_ordered_day(const struct toll_ordered *ordered, int64_t day);

/* The rows of one day of many chunks: entry i is row entries[i].row of slices[entries[i].slice]. */
struct toll_day_rows {
    const struct toll_day_slice **slices;
    size_t slice_count;
    struct toll_slice_row *entries;
    size_t count;
};
/* By (start, record key). */
int toll_day_rows_compare(const struct toll_day_rows *rows, const struct toll_slice_row *a,
                          const struct toll_slice_row *b);
/* TOLL_ENOMEM. Any thread. */
int toll_day_rows_sort(struct toll_day_rows *rows, struct toll_error *error);
void toll_day_rows_free(struct toll_day_rows *rows);

#endif
