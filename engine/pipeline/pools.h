/*
 * The pools of a run: what bundles have left, and what tiers have counted (docs/RATING.md sections 12 and
 * 13). Calls come in the order of the dataset, one after the other: whoever holds the baton
 * (pipeline/baton.h) is the only one who calls toll_pools_draw and toll_pools_count; the rest is for before
 * and after the rows.
 */
#ifndef TOLL_PIPELINE_POOLS_H
#define TOLL_PIPELINE_POOLS_H

#include "pipeline/rater.h"
#include "segment/run.h"

struct toll_pools;

/* Days of a run (section 12.1), from its first and last CDR; rows 0: nothing is due. */
struct toll_run_span {
    toll_ms first, last; /* starts of the first and the last CDR */
    int64_t rows;
    /* End of the last UTC day before the run's days of which the dataset has CDRs; TOLL_MS_MIN: none, or
     * periods may be cut (--cut-periods). A call that draws or counts in a period that begins before this,
     * and is not closed up to it, makes toll_pools_state refuse the run (section 14). */
    toll_ms earlier_until;
};

/* What was drawn and counted before this run: of the closed runs, or of the run that only-suspense goes on
 * from. Keys are names; those that the book no longer knows are carried along. Borrowed until
 * toll_pools_free. */
struct toll_pools_before {
    const struct toll_pool_period_row *periods;
    int64_t period_count;
    const struct toll_pool_draw_row *draws;
    int64_t draw_count;
    const struct toll_tier_count_row *counts;
    int64_t count_count;
    int64_t begun;       /* first day of the first run of the chain, UTC days since 1970 */
    toll_ms begun_first; /* start of its first CDR */
    /* closing times by account id of this book, TOLL_MS_MIN not closed; [0]: of calls without account, and so
     * of the pools of trunks and carriers. NULL: nothing is closed (only-suspense: all lots are as the rows
     * say, all calls are late, and period charges are whole ones, no differences) */
    const toll_ms *closed;
};

/* before: NULL, a run that begins anew. The book and `before` are borrowed. */
int toll_pools_make(const struct toll_book *book, const struct toll_run_span *span,
                    const struct toll_pools_before *before, struct toll_pools **out,
                    struct toll_error *error);
void toll_pools_free(struct toll_pools *pools); /* NULL allowed */
/* Ids that lines can get are below this; INT64_MAX: that is not known before the calls, which make the pools
 * of numbers. before as above. */
int64_t toll_pools_ids_end(const struct toll_book *book, const struct toll_pools_before *before);

/* The number of a pool of scope number: the packed digits of the payer's number, or a trunk or hint. */
#define TOLL_POOL_NAMED UINT64_C(0xC000000000000000) /* no digit is 0xC */
static inline uint64_t toll_pool_named_number(enum toll_named_kind kind, uint32_t index)
{
    return TOLL_POOL_NAMED | (uint64_t)kind << 32 | index;
}

/* One call that may draw. */
struct toll_pool_call {
    toll_ms start;
    uint64_t number;       /* as above; 0 none */
    uint32_t owner;        /* whose row gives account, site and number; 0: the cost of a call, then: */
    uint32_t first, count; /* entitlements to look at, in order: the owner's, or the trunk's or carrier's */
    const struct toll_entitlement *list; /* in which they lie; NULL: the book's */
    uint32_t key;                        /* toll_chain_key */
    uint32_t destination;                /* id of the book's destinations, 0 none */
    int64_t billed;                      /* units before bundles: section 7 and 9.1 */
    int64_t used;                        /* whole units used, d */
};
struct toll_pool_drawn {
    int64_t included;     /* in all, over ones too */
    int64_t billed_taken; /* of it by debit billed: what is cut off the front of `billed` */
    int64_t used_rest;    /* units used that debit used has left: == used where nothing was drawn so */
    int32_t pool;         /* id of the first, 0 none */
    bool all;             /* nothing remains to be charged */
    bool connect;         /* drawn on a bundle with connect_fee charged */
    bool over;            /* at_limit flag was needed: status fair_use */
    bool rejected;        /* at_limit reject: nothing was drawn; all else is 0 */
};
/* A bundle of debit billed behind one of debit used needs the units that the rest bills; the caller gives a
 * function for that (used -> billed), which is not called where no such thing happens. */
struct toll_pool_billing {
    int64_t (*billed)(void *context, int64_t used);
    void *context;
};

/* Calls that will draw soon: their pools come into the caches. Look first, closer some calls later. Both need
 * call->count > 0, and first an entitlement that fits. */
void toll_pools_look(const struct toll_pools *pools, const struct toll_pool_call *call);
void toll_pools_look_closer(const struct toll_pools *pools, const struct toll_pool_call *call);

void toll_pools_draw(struct toll_pools *pools, const struct toll_pool_call *call,
                     const struct toll_pool_billing *billing, struct toll_pool_drawn *drawn);

/* Counts a line's units (0 of a credit) for tiers and gives what the same count had before. number and owner
 * as in toll_pool_call. *slot names the count in its period, for toll_pools_spend. */
int64_t toll_pools_count(struct toll_pools *pools, uint32_t tiers, const struct toll_pool_call *call,
                         int64_t units, uint32_t *slot);
/* The units of the count's whole period, when a first pass over all rows has been made (volume tiers). */
int64_t toll_pools_volume(const struct toll_pools *pools, uint32_t slot);
/* Adds a line's charge to the count's spend. */
void toll_pools_spend(struct toll_pools *pools, uint32_t slot, toll_money charge);
/* Between the passes: forgets all draws and counts of this run, but keeps what each count's period came to.
 */
void toll_pools_second_pass(struct toll_pools *pools);

/* After an allocation failed, or a call was of a cut-off period: what draw and count said since is worth
 * nothing. */
int toll_pools_state(const struct toll_pools *pools, struct toll_error *error);

/* When all rows are done: asserts conservation of every pool; the rows of the three tables, owned by pools,
 * strings of the book or of pools; and the charges of tiers, appended to `charges` (pipeline/surcharges.h).
 */
struct toll_pool_tables {
    const struct toll_pool_period_row *periods;
    int64_t period_count;
    const struct toll_pool_draw_row *draws;
    int64_t draw_count;
    const struct toll_tier_count_row *counts;
    int64_t count_count;
};
struct toll_period_charges;
int toll_pools_finish(struct toll_pools *pools, struct toll_pool_tables *tables,
                      struct toll_period_charges *charges, struct toll_error *error);

#endif
