/*
 * What waits in suspense, summed up: one entry for each (reason, account, what), with its count and where it
 * was seen first and last. A month can have millions of rows in suspense, so memory is fixed: of all entries
 * the smallest TOLL_SUSPENSE_LINES are kept, in the order of the output. An entry among those of the whole
 * run is among those of every part of it, so its count is exact whatever was dropped, and the same for any
 * number of workers.
 */
#ifndef TOLL_PIPELINE_SUSPENSE_H
#define TOLL_PIPELINE_SUSPENSE_H

#include "base/digits.h"
#include "tollmill_error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_SUSPENSE_LINES 100000 /* what a person or a spreadsheet can still work through */

struct toll_suspense_entry {
    uint64_t what;
    int32_t account; /* of the book; of a merged run less than 0: minus an id of the earlier run's */
    uint32_t status; /* enum toll_status */
    int64_t rows;
    uint32_t first_part, last_part; /* ordinal in the run */
    int64_t first_row, last_row;
};

/* Status, account and what as two numbers of the same order. */
struct toll_suspense_order {
    uint64_t first, what;
};
static inline struct toll_suspense_order toll_suspense_order_of(uint32_t status, int32_t account,
                                                                uint64_t what)
{
    return (struct toll_suspense_order){(uint64_t)status << 32 | ((uint32_t)account ^ UINT32_C(0x80000000)),
                                        what};
}
/* Without a branch. */
static inline bool toll_suspense_is_above(struct toll_suspense_order a, struct toll_suspense_order b)
{
    return ((unsigned __int128)a.first << 64 | a.what) > ((unsigned __int128)b.first << 64 | b.what);
}

/* What lies above it is not among the smallest, as one of several summaries has found out: the others need
 * not find out by themselves. It only ever falls. */
struct toll_suspense_limit {
    _Alignas(128) _Atomic uint64_t first;
    _Atomic uint64_t what;
    pthread_mutex_t mutex; /* for those who change it */
};
void toll_suspense_limit_init(struct toll_suspense_limit *limit);
/* Nothing is above it any more. Nobody else uses it meanwhile. */
void toll_suspense_limit_clear(struct toll_suspense_limit *limit);
void toll_suspense_limit_free(struct toll_suspense_limit *limit);

struct toll_suspense {
    struct toll_suspense_entry *entries;
    uint32_t *slots; /* see suspense.c */
    uint32_t count;
    struct toll_suspense_order limit;   /* what lies above is turned away */
    struct toll_suspense_limit *shared; /* with the other workers'; NULL: with nobody */
    int64_t rows;                       /* all that were ever added */
};

/* Where the walk over the slots begins; see suspense.c. */
#define TOLL_SUSPENSE_SLOTS (1u << 19)
static inline uint64_t toll_suspense_hash(uint32_t status, int32_t account, uint64_t what)
{
    return (what ^ (uint64_t)status << 56 ^ (uint64_t)(uint32_t)account << 17) * 0x9E3779B97F4A7C15u;
}
static inline uint32_t toll_suspense_slot(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & (TOLL_SUSPENSE_SLOTS - 1);
}

/* As toll_digits_masked shows it: hidden digits become the nibble C. */
static inline uint64_t toll_suspense_number(uint64_t number)
{
    const unsigned digits = toll_digits_count(number);
    const unsigned open = digits > 8 ? 4 : 1, end = digits > 8 ? digits - 2 : digits;
    const uint64_t from_open = UINT64_MAX >> 4 * open, from_end = end > 15 ? 0 : UINT64_MAX >> 4 * end;
    const uint64_t hidden = from_open & ~from_end;
    return (number & ~hidden) | (UINT64_C(0xCCCCCCCCCCCCCCCC) & hidden);
}

/* Seven digits tell the destination; of a number hardly longer than that, four. */
static inline uint64_t toll_suspense_destination(uint64_t number)
{
    return number |
           (toll_digits_count(number) > 8 ? UINT64_C(0x0000000fffffffff) : UINT64_C(0x0000ffffffffffff));
}

/* `what` of a price row that an older book of a merged run has: its id in the earlier run's table. */
#define TOLL_SUSPENSE_OLDER_PRICE (UINT64_C(1) << 32)

/* Memory for all there will be. Zero-initialised before; free is safe then. */
size_t toll_suspense_bytes(void); /* that init reserves */
int toll_suspense_init(struct toll_suspense *suspense, struct toll_error *error);
void toll_suspense_clear(struct toll_suspense *suspense);
void toll_suspense_free(struct toll_suspense *suspense);
/* Rows may come in any order. Allocates nothing. */
void toll_suspense_add(struct toll_suspense *suspense, uint32_t status, int32_t account, uint64_t what,
                       uint32_t part, int64_t row);
/* Many rows are best added in three sweeps, so that none waits for far memory: expect, look, add. Before
 * them, `begin` learns what the others have found out. */
void toll_suspense_begin(struct toll_suspense *suspense);
/* False: the row lies above what is kept, and is counted already; adding it would change nothing else. */
static inline bool toll_suspense_expect(struct toll_suspense *suspense, uint32_t status, int32_t account,
                                        uint64_t what)
{
    const bool turned_away =
        toll_suspense_is_above(toll_suspense_order_of(status, account, what), suspense->limit);
    suspense->rows += turned_away;
    __builtin_prefetch(&suspense->slots[toll_suspense_slot(toll_suspense_hash(status, account, what))], 1);
    return !turned_away;
}
void toll_suspense_look(const struct toll_suspense *suspense, uint32_t status, int32_t account,
                        uint64_t what);
/* Adds all of `from`, whose dropped rows stay dropped. */
void toll_suspense_merge(struct toll_suspense *suspense, const struct toll_suspense *from);
/* Sorts by (status, account, what) and drops what passes the limit; afterwards only reading. */
void toll_suspense_finish(struct toll_suspense *suspense);

#endif
