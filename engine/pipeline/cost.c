/* The cost of one row: docs/RATING.md section 15, step by step. */
#include "pipeline/cost.h"

#include <string.h>

unsigned toll_cost_none(const struct toll_book *book, uint16_t kind, uint32_t trunk, uint32_t carrier)
{
    const enum toll_feed_role role = toll_feed_role(book, carrier);
    if ((kind & TOLL_KIND_CONFLICT) != 0)
        return TOLL_SUSPENSE_CONFLICT;
    if (role == TOLL_FEED_COMPARE)
        return TOLL_ZERO_COMPARE_FEED;
    if (toll_kind_service(kind) == TOLL_VOICE && (kind & TOLL_KIND_ANSWERED) == 0)
        return TOLL_ZERO_UNANSWERED;
    if ((kind & TOLL_KIND_LEG) != 0 && (kind & TOLL_KIND_IN) != 0)
        return TOLL_ZERO_OTHER_PARTY;
    return role == TOLL_FEED_BILL && toll_feed_role(book, toll_trunk_carrier(book, trunk)) == TOLL_FEED_COST
               ? TOLL_ZERO_COST_FEED
               : 0;
}

/* ---- the buy plan ---- */

static bool plan_at(const struct toll_book *book, uint32_t first, uint32_t count, toll_ms at, int32_t *plan)
{
    for (uint32_t i = first; i < first + count; i++)
        if (at >= book->spans[i].from && at < book->spans[i].until) {
            *plan = book->spans[i].plan;
            return true;
        }
    return false;
}

int32_t toll_buy_plan_of_carrier(const struct toll_book *book, uint32_t carrier, toll_ms at)
{
    const struct toll_named *named = &book->named[TOLL_NAMED_CARRIER][carrier - 1];
    int32_t plan = 0;
    plan_at(book, named->buy_span, named->buy_span_count, at, &plan);
    return plan;
}

int32_t toll_buy_plan_find(const struct toll_book *book, uint32_t trunk, uint32_t carrier, toll_ms at,
                           enum toll_assignment_level *level)
{
    const uint32_t own = toll_trunk_carrier(book, trunk);
    enum toll_assignment_level found = TOLL_LEVEL_NONE;
    int32_t plan = 0;
    if (own != 0)
        carrier = own;
    if (trunk != 0) {
        const struct toll_named *named = &book->named[TOLL_NAMED_TRUNK][trunk - 1];
        if (plan_at(book, named->buy_span, named->buy_span_count, at, &plan))
            found = TOLL_LEVEL_TRUNK;
    }
    if (found == TOLL_LEVEL_NONE && carrier != 0) {
        plan = toll_buy_plan_of_carrier(book, carrier, at);
        found = plan == 0 ? TOLL_LEVEL_NONE : TOLL_LEVEL_CARRIER;
    }
    if (found == TOLL_LEVEL_NONE && plan_at(book, book->buy_span, book->buy_span_count, at, &plan))
        found = TOLL_LEVEL_DEFAULT;
    if (level != NULL)
        *level = found;
    return plan;
}

/* ---- the row ---- */

unsigned toll_cost_exchange(const struct toll_cost_rules *rules, struct toll_band_cursor *cursors,
                            uint32_t from, uint32_t to, toll_ms at, toll_money *cost,
                            const struct toll_fx **fx)
{
    *fx = NULL;
    if (from == to)
        return TOLL_RATED;
    *fx = toll_fx_find(rules, &cursors[0], from, to, at);
    if (*fx == NULL)
        return TOLL_SUSPENSE_NO_FX;
    return toll_fx_convert(cost, (*fx)->rate) ? TOLL_RATED : TOLL_SUSPENSE_OVERFLOW;
}

void toll_row_cost_by(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                      const struct toll_row *row, const struct toll_row_answer *sell, int32_t plan,
                      const struct toll_row_trace *trace, struct toll_cost_answer *answer, uint32_t to)
{
    const struct toll_cost_rules *rules = rater->cost;
    struct toll_row_answer by_plan = {
        .class_ = sell->class_,
        .jurisdiction = sell->jurisdiction,
        .payer = sell->payer,
        .plan = plan,
    };
    answer->plan = plan;
    answer->status = toll_row_by_plan(rater, cursors, row, trace, &by_plan);
    answer->rule = by_plan.rule;
    answer->deck = by_plan.deck;
    answer->price = by_plan.price;
    answer->billed = by_plan.billed;
    answer->before = answer->cost = by_plan.charge;
    answer->from = rules->deck_currency[by_plan.deck];
    answer->to = to;
    answer->found = by_plan.found;
    answer->charged = answer->status;
    if (answer->status == TOLL_RATED)
        answer->status =
            toll_cost_exchange(rules, cursors, answer->from, to, row->start, &answer->cost, &answer->fx);
    if (answer->status == TOLL_SUSPENSE_NO_FX || answer->status == TOLL_SUSPENSE_OVERFLOW)
        answer->price = 0;
    if (answer->status != TOLL_RATED)
        answer->cost = 0;
}

void toll_row_cost(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_row *row, const struct toll_row_answer *sell, int32_t plan,
                   const struct toll_row_trace *trace, struct toll_cost_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->status = sell->status == TOLL_ZERO_CLOSED
                         ? TOLL_ZERO_CLOSED
                         : toll_cost_none(rater->book, row->kind, row->trunk, row->carrier);
    if (answer->status != 0)
        return;
    plan = plan >= 0 ? plan : toll_buy_plan_find(rater->book, row->trunk, row->carrier, row->start, NULL);
    answer->status = TOLL_SUSPENSE_NO_PLAN;
    if (plan != 0)
        toll_row_cost_by(rater, cursors, row, sell, plan, trace, answer,
                         rater->cost->account_currency[sell->account]);
}
