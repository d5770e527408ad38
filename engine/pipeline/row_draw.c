/* One row after the other: docs/RATING.md sections 12.2 and 13 read plainly. */
#include "pipeline/draws.h"

static struct toll_pool_call call_of(const struct toll_rater *rater, const struct toll_row *row,
                                     const struct toll_row_answer *answer)
{
    const struct toll_owner *owner = &rater->book->owners[answer->payer.owner];
    const struct toll_terms *terms = &rater->book->terms[rater->book->price_terms[answer->price]];
    const bool deck = terms->action == TOLL_ACTION_DECK;
    return (struct toll_pool_call){
        .start = row->start,
        .number = toll_payer_number(&answer->payer, row),
        .owner = answer->payer.owner,
        .first = owner->pool_first,
        .count = owner->pool_count,
        .key = toll_chain_key(toll_kind_service(row->kind), (row->kind & TOLL_KIND_IN) != 0, answer->class_,
                              answer->jurisdiction),
        .destination = toll_row_destination(rater, row),
        .billed = answer->billed,
        .used = toll_row_used(row, deck ? (enum toll_duration_rounding)terms->duration_rounding
                                        : TOLL_DURATION_UP),
    };
}

void toll_row_draw_calls(const struct toll_rater *rater, const struct toll_row *row,
                         const struct toll_row_answer *answer, struct toll_pool_call *call,
                         struct toll_drawn_call *drawn)
{
    *call = call_of(rater, row, answer);
    *drawn = (struct toll_drawn_call){
        .start = row->start,
        .service = toll_kind_service(row->kind),
        .credit = (row->kind & TOLL_KIND_CREDIT) != 0,
        .used = call->used,
        .deck = answer->deck,
        .found = answer->found,
        .tiers = rater->book->rules[answer->rule].tiers,
    };
}

uint32_t toll_row_rejecter(const struct toll_rater *rater, const struct toll_row *row,
                           const struct toll_row_answer *answer)
{
    const struct toll_book *book = rater->book;
    const struct toll_pool_call call = call_of(rater, row, answer);
    for (uint32_t i = call.first; i < call.first + call.count; i++)
        if (book->bundles[book->entitlements[i].bundle].at_limit == TOLL_LIMIT_REJECT &&
            toll_entitlement_fits(book, &book->entitlements[i], call.start, call.key, call.destination))
            return book->entitlements[i].bundle;
    return 0;
}

struct billing {
    const struct toll_rater *rater;
    struct toll_band_cursor *cursors;
    const struct toll_drawn_call *call;
};

static int64_t bill_rest(void *context, int64_t used)
{
    const struct billing *billing = context;
    return toll_drawn_call_billed(billing->rater, billing->cursors, billing->call, used);
}

void toll_row_draw(const struct toll_rater *rater, struct toll_band_cursor *cursors, struct toll_pools *pools,
                   const struct toll_row *row, const struct toll_row_answer *answer, bool first,
                   struct toll_drawn_line *line)
{
    const struct toll_book *book = rater->book;
    const bool credit = (row->kind & TOLL_KIND_CREDIT) != 0;
    *line = (struct toll_drawn_line){
        .status = answer->status, .price = answer->price, .billed = answer->billed, .charge = answer->charge};
    if (answer->status != TOLL_RATED)
        return;
    struct toll_pool_call call;
    struct toll_drawn_call of;
    toll_row_draw_calls(rater, row, answer, &call, &of);
    struct billing context = {rater, cursors, &of};
    const struct toll_pool_billing billing = {bill_rest, &context};
    struct toll_pool_drawn drawn = {.used_rest = call.used};
    if (!credit && call.count > 0 && (call.billed > 0 || call.used > 0))
        toll_pools_draw(pools, &call, &billing, &drawn);
    int64_t units = 0;
    uint32_t slot = 0;
    const struct toll_tiers *tiers = &book->tiers[of.tiers];
    const bool counts = of.tiers != 0 && tiers->period != TOLL_TIER_CALL && !drawn.rejected;
    if (counts) {
        units = toll_pools_count(pools, of.tiers, &call, credit ? 0 : drawn.used_rest - drawn.billed_taken,
                                 &slot);
        if (!first && tiers->mode == TOLL_TIER_VOLUME)
            units = toll_pools_volume(pools, slot);
    }
    if (first)
        return;
    toll_drawn_line_charge(rater, cursors, &of, &drawn, units, line);
    if (counts && line->status < TOLL_SUSPENSE_FIRST)
        toll_pools_spend(pools, slot, line->charge);
}
