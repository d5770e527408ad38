/*
 * What a call costs us, found beside what it sells for and never changing it: docs/RATING.md section 15. The
 * rules and decks of a buy plan price the call by the same steps as the sell side; here is what is the cost's
 * own: feed roles, which lines take part, the buy plan, and the currency.
 */
#ifndef TOLL_PIPELINE_COST_H
#define TOLL_PIPELINE_COST_H

#include "pipeline/row.h"

/* ---- what a rater derives once ---- */

#define TOLL_CURRENCIES_MAX 255
#define TOLL_BUY_DATED (-1)

/* Rates of one pair of currencies: fx rows ascending by day. */
struct toll_fx_pair {
    uint32_t first, count;
};

struct toll_cost_rules {
    const struct toll_book *book;
    /* By 1 + index of the named trunk or carrier, [0] of none: the plan that it has at all times, 0 none at
     * any time, TOLL_BUY_DATED: see its spans. */
    const int32_t *trunk_plan, *carrier_plan;
    int32_t default_plan;
    bool by_record;                     /* some trunk or carrier has a buy plan */
    const struct toll_hot_owner *plans; /* by plan id, and [plan_count]: no plan: for the rules kernel */
    /* Currencies by a small id, names are the book's. */
    const char *currency[TOLL_CURRENCIES_MAX];
    uint32_t currency_count;
    /* What costs draw on: the lists of trunks, of carriers, and of both where both have one; in the order of
     * drawing. NULL: no cost draws. */
    const struct toll_entitlement *entitlements;
    struct toll_cost_lists *lists;
    uint8_t *account_currency;  /* by account id; [0]: the book's */
    uint8_t *deck_currency;     /* by deck id; [0]: the book's, of other rules than deck */
    struct toll_fx_pair *pairs; /* [from * currency_count + to] */
    void *memory;
};

/* *out: NULL where the book has no buy plan. TOLL_EBOOK: more currencies than there is room for. */
int toll_cost_rules_make(const struct toll_book *book, struct toll_cost_rules **out,
                         struct toll_error *error);
void toll_cost_rules_free(struct toll_cost_rules *rules); /* NULL allowed */

/* ---- feeds ---- */

/* Of a carrier, 1 + index of the named one. */
static inline enum toll_feed_role toll_feed_role(const struct toll_book *book, uint32_t carrier)
{
    return carrier == 0 ? TOLL_FEED_BILL
                        : (enum toll_feed_role)book->named[TOLL_NAMED_CARRIER][carrier - 1].feed_role;
}
/* The carrier of a trunk, 1 + index of the named ones, both 0 none. */
static inline uint32_t toll_trunk_carrier(const struct toll_book *book, uint32_t trunk)
{
    return trunk == 0 ? 0 : book->named[TOLL_NAMED_TRUNK][trunk - 1].carrier;
}

/* ---- bundles ---- */

struct toll_cost_list {
    uint32_t first, count; /* of rules->entitlements */
};
/* Of a trunk and a carrier, 1 + index of the named ones or 0 (carrier: the trunk's, where it has one). */
struct toll_cost_list toll_cost_list_of(const struct toll_cost_rules *rules, uint32_t trunk,
                                        uint32_t carrier);
/* rules->entitlements and lists, if there are any; false: out of memory. */
bool toll_cost_lists_make(struct toll_cost_rules *rules);
void toll_cost_lists_free(struct toll_cost_rules *rules);

/* ---- one row ---- */

/* Why a row has no cost, 0 if it has one: TOLL_ZERO_OTHER_PARTY of an `in` leg, TOLL_ZERO_COST_FEED of a
 * trunk whose carrier tells us itself, and others. Not whether it is closed. */
unsigned toll_cost_none(const struct toll_book *book, uint16_t kind, uint32_t trunk, uint32_t carrier);

/* The buy plan, 0 none; level (may be NULL): what assigned it. trunk and carrier as in struct toll_row. */
int32_t toll_buy_plan_find(const struct toll_book *book, uint32_t trunk, uint32_t carrier, toll_ms at,
                           enum toll_assignment_level *level);

struct toll_cost_answer {
    unsigned status;
    int32_t plan;
    int32_t rule;  /* the deciding one, 0 none */
    int32_t deck;  /* that priced it, 0 none */
    int32_t price; /* 0 none */
    int32_t billed;
    struct toll_price_found found;
    unsigned charged;  /* the status before the exchange */
    toll_money before; /* in the currency that `from` names, of currency ids of the rules */
    uint32_t from, to;
    const struct toll_fx *fx; /* NULL: none was needed, or there is none */
    toll_money cost;          /* 0 unless rated */
};
/* What a row costs that toll_row_rate has given `sell` for. plan: by which, -1: by the one that it has.
 * trace: may be NULL. */
void toll_row_cost(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_row *row, const struct toll_row_answer *sell, int32_t plan,
                   const struct toll_row_trace *trace, struct toll_cost_answer *answer);

/* The same by a plan that there is, of a row that has a cost, in the currency `to`; the answer is zeroed at
 * first. */
void toll_row_cost_by(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                      const struct toll_row *row, const struct toll_row_answer *sell, int32_t plan,
                      const struct toll_row_trace *trace, struct toll_cost_answer *answer, uint32_t to);
/* The buy plan of a carrier's own, 1 + index of the named one; 0 none. */
int32_t toll_buy_plan_of_carrier(const struct toll_book *book, uint32_t carrier, toll_ms at);

/* ---- exchange ---- */

/* Of a charge in the currency `from`: TOLL_RATED and *cost, or why not. fx: the row, NULL none. */
unsigned toll_cost_exchange(const struct toll_cost_rules *rules, struct toll_band_cursor *cursors,
                            uint32_t from, uint32_t to, toll_ms at, toll_money *cost,
                            const struct toll_fx **fx);
/* An instant on the clock of the book's zone, as if that were UTC. */
toll_ms toll_local_ms(const struct toll_book *book, toll_ms at);

/* The row for two currencies at an instant, NULL none. cursor: the worker's for no deck (cursors[0]), which
 * keeps the local day of the book's zone. */
const struct toll_fx *toll_fx_find(const struct toll_cost_rules *rules, struct toll_band_cursor *cursor,
                                   uint32_t from, uint32_t to, toll_ms at);
/* Half up; false: beyond 64 bits. */
bool toll_fx_convert(toll_money *money, int64_t rate);

/* ---- sums ---- */

#define TOLL_COST_TOTALS 64 /* currencies of a run's totals */
struct toll_cost_sums {
    const struct toll_cost_rules *rules; /* whose currency ids these are; NULL: none yet */
    toll_total cost[TOLL_CURRENCIES_MAX + 1];
    toll_total kept[TOLL_COST_TOTALS]; /* of a merged run: by place in the earlier run's costs */
    int64_t status_rows[TOLL_STATUS_COUNT];
};
/* Adds the finished lines of a block. */
void toll_cost_sums_add(struct toll_cost_sums *sums, const struct toll_cost_rules *rules,
                        const int32_t *account, const int64_t *cost, const uint8_t *cost_status, size_t rows);
void toll_cost_sums_merge(struct toll_cost_sums *sums, const struct toll_cost_sums *from);

#endif
