/* One line by itself: what bundles and tiers do to it, with the parts that rating/ has. */
#include "pipeline/draws.h"

#include "base/check.h"
#include "rating/charge.h"
#include "rating/remainder.h"
#include "rating/tiers.h"

static void suspend(struct toll_drawn_line *line, unsigned status, int32_t price)
{
    *line = (struct toll_drawn_line){.status = status, .price = price};
}

static struct toll_given given_of(const struct toll_pool_drawn *drawn)
{
    return (struct toll_given){
        .by_used = drawn->included - drawn->billed_taken,
        .used_rest = drawn->used_rest,
        .by_billed = drawn->billed_taken,
        .connect = drawn->connect,
    };
}

static const struct toll_terms *terms_of(const struct toll_rater *rater, const struct toll_drawn_call *call)
{
    return call->terms != NULL ? call->terms
                               : &rater->book->terms[rater->book->price_terms[call->found.price]];
}

static enum toll_walk_outcome walk(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                                   const struct toll_drawn_call *call, int64_t used, int64_t included,
                                   struct toll_walked *walked)
{
    const struct toll_row row = {.start = call->start, .kind = (uint16_t)call->service}; /* all it reads */
    return toll_row_walk_beyond(rater, cursors, &row, call->deck, &call->found, used, included, NULL, walked);
}

static bool units_of_rest(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                          const struct toll_drawn_call *call, int64_t used, int64_t *units)
{
    struct toll_walked walked;
    if (call->found.walk == 0)
        return toll_remainder_units(terms_of(rater, call), used, units);
    const enum toll_walk_outcome outcome = walk(rater, cursors, call, used, 0, &walked);
    *units = walked.billed;
    return outcome == TOLL_WALK_DONE;
}

int64_t toll_drawn_call_billed(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                               const struct toll_drawn_call *call, int64_t used)
{
    int64_t units = 0;
    return used > 0 && units_of_rest(rater, cursors, call, used, &units) ? units : 0;
}

/* A call that changes its rate, and of which something remains. */
static bool charge_walked(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                          const struct toll_drawn_call *call, const struct toll_given *given,
                          toll_money *charge)
{
    struct toll_walked walked;
    const int64_t used = given->by_used > 0 ? given->used_rest : call->used;
    const enum toll_walk_outcome outcome = walk(rater, cursors, call, used, given->by_billed, &walked);
    *charge = walked.charge;
    return outcome == TOLL_WALK_DONE;
}

static bool charge_tiers(const struct toll_book *book, const struct toll_drawn_call *call, int64_t units,
                         int64_t quantity, toll_money *charge)
{
    const struct toll_tiers *tiers = &book->tiers[call->tiers];
    return toll_tiers_charge(tiers, book->tier_rows, units, units, quantity, charge) &&
           (!call->credit || toll_charge_negate(charge));
}

void toll_drawn_line_charge(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                            const struct toll_drawn_call *call, const struct toll_pool_drawn *drawn,
                            int64_t units, struct toll_drawn_line *line)
{
    const struct toll_given given = given_of(drawn);
    struct toll_remainder remainder;
    int64_t rest = 0;
    if (drawn->rejected) {
        suspend(line, TOLL_SUSPENSE_POOL_LIMIT, line->price);
        return;
    }
    if (drawn->included == 0 && call->tiers == 0)
        return;
    bool fits = given.by_used == 0 || given.used_rest == 0 ||
                units_of_rest(rater, cursors, call, given.used_rest, &rest);
    fits = fits && toll_remainder_make(&given, line->billed, rest, &remainder);
    if (fits && call->tiers != 0)
        fits = charge_tiers(rater->book, call, units, remainder.rest - given.by_billed, &line->charge);
    else if (fits && call->found.walk != 0 && !remainder.all)
        fits = charge_walked(rater, cursors, call, &given, &line->charge);
    else if (fits)
        fits = toll_remainder_charge(terms_of(rater, call), &given, &remainder, &line->charge);
    if (!fits) {
        suspend(line, TOLL_SUSPENSE_OVERFLOW, 0);
        return;
    }
    line->billed = (int32_t)remainder.billed;
    line->included = (int32_t)drawn->included;
    line->pool = drawn->pool;
    if (drawn->over)
        line->status = TOLL_RATED_FAIR_USE;
}
