/*
 * Lines whose charge depends on the calls before them: those that may draw on a bundle, and those that tiers
 * price (docs/RATING.md sections 12 and 13). A block lists them as requests, after it has charged them as if
 * there were no bundles. When their batch's turn has come (pipeline/baton.h) they draw, one after the other;
 * then whoever rated the batch charges what remains, at once with others.
 */
#ifndef TOLL_PIPELINE_DRAWS_H
#define TOLL_PIPELINE_DRAWS_H

#include "pipeline/cost.h"
#include "pipeline/draw_rules.h"
#include "pipeline/pools.h"
#include "pipeline/row.h"
#include "pipeline/tally.h"

/* What is asked of one line, and then what came of it, as one record; the columns are simd/draws.h's. Far
 * most lines need no more: one entitlement fits, its pool is the book's and its bundle takes billed units. */
struct toll_draw_request {
    toll_ms start;
    uint32_t bundle, pool;
    int32_t billed;
    uint32_t terms, bucket;
    uint16_t row;
    uint8_t key, flags;
};
_Static_assert(TOLL_CHAIN_KEYS <= 256, "a key is a byte");
enum toll_draw_flag {
    TOLL_DRAW_CREDIT = 2,  /* counts only, for tiers */
    TOLL_DRAW_TIERS = 4,   /* priced by tiers */
    TOLL_DRAW_CONNECT = 8, /* drawn on a bundle with connect_fee charged */
    TOLL_DRAW_OVER = 16,   /* as in struct toll_pool_drawn */
    TOLL_DRAW_REJECTED = 32,
};

/* Of any other line the whole call and all that came of it. call.count 0: it only counts. */
struct toll_draw_full {
    struct toll_pool_call call;
    struct toll_pool_drawn drawn;
    int64_t before; /* of tiers: units before it, or of its whole period */
    uint32_t price, deck;
    union {
        uint32_t walk; /* as in struct toll_price_found */
        uint32_t slot; /* of a line of tiers: the count */
    };
};

/* The requests of one batch in row order. */
struct toll_draws {
    struct toll_draw_requests requests; /* of TOLL_BATCH_ROWS, as `full` */
    struct toll_draw_full *full;
    size_t count, full_count;
    void *memory;
};
static inline struct toll_draw_request toll_draws_at(const struct toll_draws *draws, size_t i)
{
    const struct toll_draw_requests *of = &draws->requests;
    return (struct toll_draw_request){
        .start = of->start[i],
        .bundle = of->bundle[i],
        .pool = of->pool[i],
        .billed = of->billed[i],
        .terms = of->terms[i],
        .bucket = of->bucket[i],
        .row = of->row[i],
        .key = of->key[i],
        .flags = of->flags[i],
    };
}
static inline void toll_draws_put(struct toll_draws *draws, struct toll_draw_request request)
{
    const struct toll_draw_requests *of = &draws->requests;
    const size_t i = draws->count++;
    of->start[i] = request.start;
    of->bundle[i] = request.bundle;
    of->pool[i] = request.pool;
    of->billed[i] = request.billed;
    of->terms[i] = request.terms;
    of->bucket[i] = request.bucket;
    of->row[i] = request.row;
    of->key[i] = request.key;
    of->flags[i] = request.flags;
}
int toll_draws_make(struct toll_draws *draws, struct toll_error *error);
/* The same for the costs of a batch's calls, which are another list; nothing where no cost can draw. */
int toll_cost_draws_make(struct toll_draws *draws, const struct toll_rater *rater, struct toll_error *error);
void toll_draws_clear(struct toll_draws *draws);
void toll_draws_free(struct toll_draws *draws); /* safe on a zeroed struct */

/* Draws and counts for all requests, in order. The baton's holder; cursors are its own. */
void toll_draws_in_order(struct toll_draws *draws, const struct toll_rater *rater,
                         struct toll_band_cursor *cursors, struct toll_pools *pools);

/* Charges of lines of tiers that their counts do not know yet. */
struct toll_spent {
    struct {
        toll_money charge;
        uint32_t slot;
    } * of; /* TOLL_BATCH_ROWS */
    size_t count;
};
int toll_spent_make(struct toll_spent *spent, const struct toll_draw_rules *rules, struct toll_error *error);
void toll_spent_free(struct toll_spent *spent);                           /* safe on a zeroed struct */
void toll_spent_tell(struct toll_spent *spent, struct toll_pools *pools); /* the baton's holder */

struct toll_line_columns;
struct toll_draws_context {
    const struct toll_rater *rater;
    struct toll_band_cursor *cursors;
    struct toll_tally *tally;
    struct toll_spent *spent;
    uint32_t *beyond;  /* of struct toll_block */
    uint32_t part;     /* ordinal in the run */
    int64_t first_row; /* of the batch in its part */
};
/* Charges what remains, into the batch's lines, and adds to the sums what that changes in them. */
void toll_draws_charge(const struct toll_draws *draws, const struct toll_draws_context *context,
                       const struct toll_line_columns *lines);

/* The same of the costs of calls: what remains, exchanged. */
void toll_cost_draws_charge(const struct toll_draws *draws, const struct toll_draws_context *context,
                            const struct toll_line_columns *lines);

/* ---- one line by itself ---- */

/* What charging one needs to know of its call. */
struct toll_drawn_call {
    toll_ms start;
    unsigned service; /* enum toll_service */
    bool credit;
    int64_t used;                   /* whole units */
    const struct toll_terms *terms; /* NULL: those of found.price */
    int32_t deck;
    struct toll_price_found found;
    uint32_t tiers; /* that price it, 0 none */
};
/* A line as it stands, and then as it is with what bundles and tiers do to it. */
struct toll_drawn_line {
    unsigned status;
    int32_t price, billed, included, pool;
    toll_money charge;
};
/* units: of the tiers before this line, or of its whole period. */
void toll_drawn_line_charge(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                            const struct toll_drawn_call *call, const struct toll_pool_drawn *drawn,
                            int64_t units, struct toll_drawn_line *line);
/* Of units that a debit `used` has left, those that are billed: struct toll_pool_billing. */
int64_t toll_drawn_call_billed(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                               const struct toll_drawn_call *call, int64_t used);

/* The same as a struct toll_pool_billing wants it. */
struct toll_drawn_billing {
    const struct toll_rater *rater;
    struct toll_band_cursor *cursors;
    const struct toll_drawn_call *call;
};
int64_t toll_drawn_billing_rest(void *context, int64_t used); /* context: such a struct */

/*
 * toll_row_rate and what depends on the calls before, one row after the other in the order of the dataset:
 * the specification of the above. `first`: of two passes the first, which only counts (volume tiers).
 */
void toll_row_draw(const struct toll_rater *rater, struct toll_band_cursor *cursors, struct toll_pools *pools,
                   const struct toll_row *row, const struct toll_row_answer *answer, bool first,
                   struct toll_drawn_line *line);
/* What it asks, of a row that is rated. */
void toll_row_draw_calls(const struct toll_rater *rater, const struct toll_row *row,
                         const struct toll_row_answer *answer, struct toll_pool_call *call,
                         struct toll_drawn_call *drawn);
/* The first bundle that fits and rejects what it cannot give; 0 none. */
uint32_t toll_row_rejecter(const struct toll_rater *rater, const struct toll_row *row,
                           const struct toll_row_answer *answer);
/* The same of what toll_row_cost has found: the cost with the bundles of trunk and carrier. */
void toll_row_draw_cost(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                        struct toll_pools *pools, const struct toll_row *row,
                        const struct toll_row_answer *sell, struct toll_cost_answer *cost);

#endif
