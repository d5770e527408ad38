/*
 * What the files pools*.c share. A pool is an index: those of the book by their own, then those of numbers
 * as they come up. A draw in a pool's current period touches its tap, four to a cache line; all else is for
 * when a period or a lot ends, and for the tables.
 *
 * Periods and lots are months (base/cycle.h). What was drawn is kept as a list for each pool: so many units
 * in this period on that lot; from it and from the lots' sizes all tables follow.
 */
#ifndef TOLL_PIPELINE_POOLS_DATA_H
#define TOLL_PIPELINE_POOLS_DATA_H

#include "base/cycle.h"
#include "base/strings.h"
#include "pipeline/pools.h"

/* What may be drawn of a pool at once: fewer units than `left`, by calls before `until`. Shut it says 0. Of a
 * pool with nothing left, whose calls all remain to be charged, it gives nothing at once: id 0. */
struct toll_pool_tap {
    toll_ms until; /* end of the current period; TOLL_MS_MIN: none yet */
    uint32_t left;
    int32_t id;
};
_Static_assert(sizeof(struct toll_pool_tap) == 16, "four to a cache line");
#define TOLL_POOL_DRY UINT32_MAX

/* The current period of a pool, without what was drawn by its tap since that was opened. */
struct toll_pool_hot {
    int64_t lot_left;  /* of `lot`, the oldest that has something left (or the last one) */
    int64_t rest_left; /* of the later ones */
    int64_t taken;     /* of `lot`, not yet in the list of draws */
    int64_t used;      /* in the period */
    int64_t over;
    int32_t month, lot;
    int32_t id;      /* 0: nobody has drawn on it; TOLL_POOL_OF_COSTS */
    uint32_t poured; /* what the tap's `left` was when it was opened; 0: it is shut or dry */
    bool of_cost;    /* costs draw on it, and lines never */
    uint8_t spare[7];
};
_Static_assert(sizeof(struct toll_pool_hot) == 64, "one cache line");
/* Costs are drawn a batch or a block behind the lines, so their pools get ids when all is drawn. */
#define TOLL_POOL_OF_COSTS (-1)

struct toll_pool_facts {
    uint64_t number; /* of scope number */
    int64_t *lots;   /* with rollover: what lots have left, [month % (rollover_periods + 1)]; else NULL */
    toll_ms exhausted;
    uint32_t bundle;
    int32_t account;
    uint32_t grant_first, grant_count;
    uint32_t clock;
    uint32_t draws, periods; /* heads of lists, newest first; 0: empty */
    int32_t opened;          /* the last month in lots */
};

/* Units of a period on a lot. */
struct toll_pool_draw {
    uint32_t next;
    int32_t month, lot;
    uint32_t spare;
    int64_t units;
};
/* A period that has ended, or one of an earlier run. */
struct toll_pool_month {
    uint32_t next;
    int32_t month;
    int64_t used, over;
    toll_ms exhausted;
    int64_t granted; /* of an earlier run, frozen; else -1 */
};

#define TOLL_POOL_CHUNK 32768u /* never moved */
struct toll_pool_chunk {
    struct toll_pool_tap taps[TOLL_POOL_CHUNK];
    struct toll_pool_hot hot[TOLL_POOL_CHUNK];
};

/* A growing array. Index 0 is not used, so that 0 is none. */
struct toll_pool_list {
    void *items;
    uint32_t count, capacity;
};

/* Periods of one zone and first day, the run's days in it. Many thousand pools ask for the same few months.
 */
#define TOLL_CLOCK_MONTHS 4
struct toll_pool_clock {
    struct toll_cycle cycle;                     /* the last one asked for */
    struct toll_cycle months[TOLL_CLOCK_MONTHS]; /* others, by month % TOLL_CLOCK_MONTHS; until 0: none yet */
    int64_t begun, last; /* months: of the run's first and its last day; last < begun: no day */
    bool known;
};
#define TOLL_CLOCK_DAYS 32u /* clock = zone * TOLL_CLOCK_DAYS + first day */

struct toll_pool_slot {
    uint64_t number; /* 0: empty */
    uint32_t seat;   /* account and bundle: see toll_pools_number */
    uint32_t pool;
};

/* Sizes of lots that many pools of numbers have alike. */
#define TOLL_SIZE_PLACES 256u
struct toll_size_place {
    uint32_t grant_first, grant_count;
    uint32_t clock, bundle;
    int64_t month, units; /* month 0: empty */
};

/* What tiers count: one for each tiers and number, site or account. */
struct toll_counter {
    uint64_t number;
    toll_ms until; /* end of the period of `slot`; TOLL_MS_MIN: none yet */
    uint32_t tiers;
    int32_t account, site;
    uint32_t clock;
    uint32_t slot;  /* of its current period */
    uint32_t slots; /* head of the list of all its periods */
};
/* A counter's period. */
struct toll_count_slot {
    toll_total spend;
    int64_t units, volume;
    uint32_t next, counter;
    int32_t month;
    uint32_t before; /* 1 + row of the earlier runs' counts; 0 none */
    bool touched;    /* by a call of this run */
    uint8_t spare[15];
};

struct toll_pools {
    const struct toll_book *book;
    const struct toll_pools_before *before;
    struct toll_run_span span;
    struct toll_arena arena;

    struct toll_pool_chunk **chunks;
    struct toll_pool_facts *facts;
    uint32_t pool_count, pool_capacity;
    struct toll_pool_slot *slots; /* pools of numbers */
    uint32_t slot_mask;
    uint32_t *bundle_ranks; /* by bundle: 0, or 1 + place among those of scope number */
    uint32_t number_bundles;
    struct toll_pool_list draws, periods; /* struct toll_pool_draw, struct toll_pool_month */
    struct toll_pool_list by_id;          /* uint32_t pool; TOLL_POOL_FOREIGN | row of before->periods */
    struct toll_pool_clock *clocks;
    struct toll_size_place *sizes;
    struct toll_pool_plan *plan; /* as many as an owner, trunk or carrier has entitlements */
    int32_t *closing;            /* by pool of the book: whose closing time; NULL: none is asked for */

    uint32_t *counter_slots;
    uint32_t counter_mask;
    struct toll_pool_list counters, count_slots;

    /* what earlier runs brought: where this run's begin */
    uint32_t before_draws, before_periods, before_ids, before_slots;

    struct toll_strings days;
    struct toll_pool_list period_rows, draw_rows, count_rows;
    int failed; /* TOLL_ENOMEM; TOLL_EDATA: see failure */
    struct toll_error failure;
};
#define TOLL_POOL_FOREIGN 0x80000000u

/* A draw that is decided and not yet made. */
struct toll_pool_plan {
    uint32_t pool;
    uint32_t bundle;
    int64_t taken, over;
};

static inline struct toll_pool_hot *toll_pool_at(const struct toll_pools *pools, uint32_t pool)
{
    return &pools->chunks[pool / TOLL_POOL_CHUNK]->hot[pool % TOLL_POOL_CHUNK];
}
static inline struct toll_pool_tap *toll_pool_tap_at(const struct toll_pools *pools, uint32_t pool)
{
    return &pools->chunks[pool / TOLL_POOL_CHUNK]->taps[pool % TOLL_POOL_CHUNK];
}

/* ---- pools.c ---- */

/* A new item at the end, not cleared; NULL: out of memory, and pools->failed. */
void *toll_pools_append(struct toll_pools *pools, struct toll_pool_list *list, size_t item_bytes);
/* A new pool, cleared; 0: out of memory. */
uint32_t toll_pools_new(struct toll_pools *pools);
void toll_pools_no_memory(struct toll_pools *pools);

/* ---- pools_lots.c ---- */

const struct toll_pool_clock *toll_pools_clock(struct toll_pools *pools, uint32_t clock);
struct toll_cycle toll_pools_cycle(struct toll_pools *pools, uint32_t clock, toll_ms at);
struct toll_cycle toll_pools_month(const struct toll_pools *pools, uint32_t clock, int64_t month);
uint32_t toll_pools_clock_of(uint32_t zone, int32_t first_day);
/* The size of a lot: by the book, or frozen by a closed run. */
int64_t toll_pools_lot(struct toll_pools *pools, uint32_t pool, int64_t month);
/* Taps: whoever looks at the hot record shuts it before; what was drawn goes into the hot record then. */
void toll_pools_open_tap(struct toll_pools *pools, uint32_t pool);
void toll_pools_shut_tap(struct toll_pools *pools, uint32_t pool);
/* Ends the current period, if there is one, and begins that of a call. */
void toll_pools_turn(struct toll_pools *pools, uint32_t pool, toll_ms start);
/* Puts what the hot record alone knows into the lists; the period goes on. */
void toll_pools_settle(struct toll_pools *pools, uint32_t pool);
/* The current lot is empty and a later one is not: goes on to that. */
void toll_pools_next_lot(struct toll_pools *pools, uint32_t pool);
/* Refuses the run if its first day cuts a period that is not closed. */
void toll_pools_check_cut(struct toll_pools *pools, const struct toll_cycle *cycle, int32_t account,
                          const char *what, const char *name);
/* Whose closing time a pool has: an account, 0 none. */
int32_t toll_pools_closing(const struct toll_pools *pools, uint32_t pool);

/* ---- pools_numbers.c ---- */

/* The pool of a bundle of scope number; made if there is none, with these grants. 0: out of memory. */
uint32_t toll_pools_number(struct toll_pools *pools, uint32_t bundle, int32_t account, uint64_t number,
                           uint32_t grant_first, uint32_t grant_count);
/* "+12125550100", "trunk:V", "hint:V"; owned by pools. NULL: out of memory. */
const char *toll_pools_number_text(struct toll_pools *pools, uint64_t number);
/* The other way; 0: neither digits, nor a trunk or hint of the book. */
uint64_t toll_pools_number_read(const struct toll_pools *pools, const char *text);
/* Owner field (as in a number slot) of a number; 0: not in the book. */
uint32_t toll_pools_owner_field(const struct toll_pools *pools, uint64_t number);

/* ---- pools_counts.c ---- */

/* The counter of tiers for an account, site and number, of which its scope takes what it needs; made if there
 * is none. 0: out of memory. */
uint32_t toll_pools_counter(struct toll_pools *pools, uint32_t tiers, int32_t account, int32_t site,
                            uint64_t number);
/* The same where the account is the one that is charged, of scope pool the parent. */
uint32_t toll_pools_counter_of(struct toll_pools *pools, uint32_t tiers, int32_t account, int32_t site,
                               uint64_t number);
/* A counter's period; made if there is none. 0: out of memory. */
uint32_t toll_pools_count_slot(struct toll_pools *pools, uint32_t counter, int64_t month);

/* ---- pools_before.c ---- */

int toll_pools_inherit(struct toll_pools *pools, struct toll_error *error);

/* ---- pools_tables.c, pools_due.c ---- */

#define TOLL_POOL_MONTHS_MOST 1200 /* of a run: a hundred years are a wrong date */
int toll_pools_too_long(const struct toll_pools *pools, struct toll_error *error);
const char *toll_pools_day_text(struct toll_pools *pools, int64_t day);
const char *toll_pools_scope_name(unsigned scope);
int toll_pools_list_periods(struct toll_pools *pools, struct toll_error *error);
/* Makes a slot of each period for which tiers are due, though no line was priced by them. */
int toll_pools_due(struct toll_pools *pools, struct toll_error *error);
int toll_pools_list_counts(struct toll_pools *pools, struct toll_period_charges *charges,
                           struct toll_error *error);

#define TOLL_POOL_ITEM(list, type, index) (&((type *)(list).items)[index])

#endif
