/* What a line costs us, and why: docs/RATING.md section 15. */
#include "pipeline/cost.h"
#include "pipeline/explain_entries.h"

static const char *name_of(const struct toll_explainer *explainer, enum toll_named_kind kind, uint32_t place)
{
    return toll_book_string(explainer->book, explainer->book->named[kind][place - 1].text);
}

/* A line that has no cost. */
static void explain_none(struct toll_explainer *explainer, unsigned status)
{
    const struct toll_row *row = explainer->row;
    const uint32_t carrier = toll_trunk_carrier(explainer->book, row->trunk);
    const char *why = status == TOLL_ZERO_UNANSWERED     ? "nobody answered"
                      : status == TOLL_SUSPENSE_CONFLICT ? "the record is in conflict with another one"
                      : status == TOLL_ZERO_OTHER_PARTY
                          ? "it is the incoming leg; the outgoing one has the record's cost"
                      : status == TOLL_ZERO_COMPARE_FEED ? "records of this feed are only compared"
                      : status == TOLL_ZERO_CLOSED ? "it was not looked for again; see the run that rated it"
                                                   : "";
    if (status == TOLL_ZERO_COST_FEED)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "cost", "", 0,
                         "none here: the trunk's carrier %s tells us in records of its own (feed_role cost)",
                         name_of(explainer, TOLL_NAMED_CARRIER, carrier));
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "cost", "", 0, "none: %s", why);
}

static void explain_exchange(struct toll_explainer *explainer, const struct toll_cost_answer *cost)
{
    const struct toll_cost_rules *rules = explainer->rater->cost;
    char before[TOLL_TOTAL_TEXT_BYTES], after[TOLL_TOTAL_TEXT_BYTES], rate[TOLL_TOTAL_TEXT_BYTES];
    const char *from = rules->currency[cost->from], *to = rules->currency[cost->to];
    if (cost->fx == NULL) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exchange", "", 0,
                         "fx.csv has no rate from %s to %s of that day or before: add a row", from, to);
        return;
    }
    toll_explain_money(cost->before, before);
    toll_explain_money(cost->cost, after);
    toll_explain_money(cost->fx->rate, rate);
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "exchange", "fx.csv", cost->fx->line,
                     "%s %s x %s, rounded half up to 8 decimals: %s %s", before, from, rate, after, to);
}

/* The rules and the price once more, by the buy plan, told as those of the sell side are. */
static void explain_price(struct toll_explainer *explainer, int32_t plan)
{
    struct toll_explainer buying = *explainer; /* grows the same list */
    struct toll_row_answer answer = {
        .class_ = explainer->answer->class_,
        .jurisdiction = explainer->answer->jurisdiction,
        .payer = explainer->answer->payer,
        .account = explainer->answer->account,
        .plan = plan,
    };
    buying.answer = &answer;
    buying.included = 0;
    answer.status = toll_row_by_plan(buying.rater, buying.cursors, buying.row, NULL, &answer);
    toll_explain_rules(&buying);
    if (answer.status == TOLL_SUSPENSE_NO_RULE)
        toll_explain_add(&buying, TOLL_EXPLAIN_STEP, "rule", "", 0,
                         "no rule of the buy plan matches: add one to plan_rules.csv");
    toll_explain_price(&buying);
    explainer->capacity = buying.capacity;
    explainer->failed = buying.failed;
}

/* May the cost have drawn on bundles? What they had left is not known here. */
static bool may_draw(const struct toll_explainer *explainer, const struct toll_cost_answer *cost)
{
    const struct toll_row *row = explainer->row;
    const uint32_t own = toll_trunk_carrier(explainer->book, row->trunk);
    return (row->kind & TOLL_KIND_CREDIT) == 0 && cost->plan != 0 && cost->charged == TOLL_RATED &&
           toll_cost_list_of(explainer->rater->cost, row->trunk, own != 0 ? own : row->carrier).count > 0;
}

static void explain_bundles(struct toll_explainer *explainer, const struct toll_explain_stored_cost *stored)
{
    char rate[TOLL_TOTAL_TEXT_BYTES];
    toll_explain_money(stored->cost, rate);
    if (stored->status == TOLL_SUSPENSE_POOL_LIMIT)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "bundle", "", 0,
                         "a bundle of the trunk or carrier was used up, and its at_limit is reject");
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "bundle", "", 0,
                         "bundles of the trunk or carrier gave a part of it (summary RUN --pools has them); "
                         "what remains costs %s",
                         rate);
}

bool toll_explain_cost(struct toll_explainer *explainer, const struct toll_explain_stored_cost *stored)
{
    struct toll_cost_answer cost;
    if (!stored->there)
        return true;
    explainer->part = TOLL_EXPLAIN_COST;
    if (explainer->rater->cost == NULL || stored->status == TOLL_ZERO_CLOSED) {
        explain_none(explainer, TOLL_ZERO_CLOSED);
        return true;
    }
    toll_row_cost(explainer->rater, explainer->cursors, explainer->row, explainer->answer, -1, NULL, &cost);
    const bool same = cost.status == stored->status && cost.cost == stored->cost;
    const bool drew = !same && may_draw(explainer, &cost);
    if ((!same && !drew) || (!drew && cost.price != stored->price))
        return false;
    if (!toll_cost_takes_part(cost.status)) {
        explain_none(explainer, cost.status);
        return true;
    }
    const struct toll_row *row = explainer->row;
    const int32_t plan = toll_buy_plan_find(explainer->book, row->trunk, row->carrier, row->start, NULL);
    toll_explain_assignments(explainer, false);
    if (plan == 0) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "buy plan", "", 0,
                         "none is assigned at the call's start, neither to the trunk nor to the carrier nor "
                         "by default: add a row with side buy to assignments.csv");
        return true;
    }
    explain_price(explainer, plan);
    if (drew)
        explain_bundles(explainer, stored);
    else if (cost.from != cost.to && (cost.status == TOLL_RATED || cost.status == TOLL_SUSPENSE_NO_FX))
        explain_exchange(explainer, &cost);
    return true;
}

void toll_explain_cost_result(struct toll_explainer *explainer, const struct toll_explain_stored_cost *stored)
{
    const struct toll_book *book = explainer->book;
    struct toll_explained *of = &explainer->out->line;
    char money[TOLL_TOTAL_TEXT_BYTES];
    if (!stored->there || !toll_cost_takes_part(stored->status))
        return;
    of->cost_status = stored->status == TOLL_RATED ? "rated" : toll_status_reason(stored->status);
    of->cost_in_suspense = stored->status >= TOLL_SUSPENSE_FIRST;
    of->cost = stored->cost;
    toll_money_format(stored->cost, money);
    if (stored->status >= TOLL_SUSPENSE_FIRST)
        toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "cost", "", 0, "not known, %s",
                         toll_status_reason(stored->status));
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "cost", "", 0, "%s %s%s%s", money,
                         explainer->line->currency[0] != 0 ? explainer->line->currency : book->currency,
                         stored->status == TOLL_RATED ? "" : ", ", toll_status_reason(stored->status));
}
