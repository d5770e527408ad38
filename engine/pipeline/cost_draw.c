/* What remains of costs that have drawn on the bundles of their trunk or carrier: docs/RATING.md
 * sections 12.2 and 15. The exchange comes last. */
#include "pipeline/block.h"
#include "pipeline/cost.h"
#include "pipeline/draws.h"

static struct toll_drawn_call call_of(const struct toll_draw_request *request,
                                      const struct toll_draw_full *full)
{
    return (struct toll_drawn_call){
        .start = request->start,
        .service = toll_chain_key_service(request->key),
        .used = full->call.used,
        .deck = (int32_t)full->deck,
        .found = {full->price, request->terms != 0 ? 0 : full->walk},
    };
}

/* The cost as it will be, in the currency of the line. */
static void finish(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_drawn_call *call, const struct toll_pool_drawn *drawn, uint32_t to,
                   struct toll_drawn_line *line, const struct toll_fx **fx)
{
    const struct toll_cost_rules *rules = rater->cost;
    *fx = NULL;
    toll_drawn_line_charge(rater, cursors, call, drawn, 0, line);
    if (!toll_status_is_rated(line->status))
        return;
    const unsigned status = toll_cost_exchange(rules, cursors, rules->deck_currency[call->deck], to,
                                               call->start, &line->charge, fx);
    if (status == TOLL_RATED)
        return;
    line->status = status;
    line->price = 0;
    line->charge = 0;
}

void toll_cost_draws_charge(const struct toll_draws *draws, const struct toll_draws_context *context,
                            const struct toll_line_columns *lines)
{
    struct toll_cost_sums *sums = &context->tally->cost;
    for (size_t i = 0; i < draws->count; i++) {
        const struct toll_draw_request request = toll_draws_at(draws, i);
        const struct toll_draw_full *full = &draws->full[request.pool];
        const struct toll_drawn_call call = call_of(&request, full);
        const size_t row = request.row;
        const toll_money before = lines->cost[row];
        const struct toll_fx *fx;
        struct toll_drawn_line line = {
            .status = TOLL_RATED,
            .price = (int32_t)full->price,
            .billed = request.billed,
            .charge = before,
        };
        finish(context->rater, context->cursors, &call, &full->drawn, request.bucket, &line, &fx);
        lines->cost[row] = line.charge;
        lines->cost_status[row] = (uint8_t)line.status;
        if (line.price == 0)
            toll_line_put(lines->cost_price, lines->narrow.cost_price, row, 0,
                          context->beyond); /* else it is that of before, with the shift of a merged run */
        sums->cost[request.bucket] += line.charge - (toll_total)before;
        sums->status_rows[TOLL_RATED]--;
        sums->status_rows[line.status]++;
    }
}

/* ---- one row ---- */

void toll_row_draw_cost(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                        struct toll_pools *pools, const struct toll_row *row,
                        const struct toll_row_answer *sell, struct toll_cost_answer *cost)
{
    const struct toll_cost_rules *rules = rater->cost;
    const uint32_t own = toll_trunk_carrier(rater->book, row->trunk);
    const struct toll_cost_list list = toll_cost_list_of(rules, row->trunk, own != 0 ? own : row->carrier);
    if (!toll_cost_takes_part(cost->status) || cost->plan == 0 || cost->charged != TOLL_RATED ||
        (row->kind & TOLL_KIND_CREDIT) != 0 || list.count == 0)
        return;
    const struct toll_terms *terms = &rater->book->terms[rater->book->price_terms[cost->found.price]];
    const int64_t used = toll_row_used(row, terms->action == TOLL_ACTION_DECK
                                                ? (enum toll_duration_rounding)terms->duration_rounding
                                                : TOLL_DURATION_UP);
    if (used <= 0 && cost->billed <= 0)
        return;
    const struct toll_drawn_call call = {
        .start = row->start,
        .service = toll_kind_service(row->kind),
        .used = used,
        .deck = cost->deck,
        .found = cost->found,
    };
    const struct toll_pool_call pool_call = {
        .start = row->start,
        .first = list.first,
        .count = list.count,
        .list = rules->entitlements,
        .key = toll_chain_key(toll_kind_service(row->kind), (row->kind & TOLL_KIND_IN) != 0, sell->class_,
                              sell->jurisdiction),
        .destination = toll_row_destination(rater, row),
        .billed = cost->billed,
        .used = used,
    };
    struct toll_drawn_billing context = {rater, cursors, &call};
    const struct toll_pool_billing billing = {toll_drawn_billing_rest, &context};
    struct toll_pool_drawn drawn;
    toll_pools_draw(pools, &pool_call, &billing, &drawn);
    struct toll_drawn_line line = {
        .status = TOLL_RATED,
        .price = (int32_t)cost->found.price,
        .billed = cost->billed,
        .charge = cost->before,
    };
    finish(rater, cursors, &call, &drawn, cost->to, &line, &cost->fx);
    cost->status = line.status;
    cost->price = line.price;
    cost->cost = line.charge;
}
