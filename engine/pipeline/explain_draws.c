/*
 * What bundles and tiers did to a line: which pool gave how much, and what was charged for the rest. What
 * they had left when the call came is not known here, so the line is believed in that, and only in that.
 */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

static const struct toll_tiers *tiers_of(const struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const int32_t rule = explainer->answer->rule;
    const uint32_t tiers = rule == 0 ? 0 : book->rules[rule].tiers;
    return tiers == 0 ? NULL : &book->tiers[tiers];
}

bool toll_explain_depends(const struct toll_explainer *explainer)
{
    const struct toll_row_answer *answer = explainer->answer;
    if (explainer->rater->draws == NULL || answer->status != TOLL_RATED)
        return false;
    return tiers_of(explainer) != NULL || ((explainer->row->kind & TOLL_KIND_CREDIT) == 0 &&
                                           explainer->book->owners[answer->payer.owner].pool_count > 0);
}

/* Units by debit used, or a charge by tiers, cannot be told from the line alone. */
static bool is_settled(const struct toll_explainer *explainer)
{
    return explainer->rater->draws->by_used || tiers_of(explainer) != NULL;
}

bool toll_explain_as_drawn(const struct toll_explainer *explainer)
{
    const struct toll_line *stored = explainer->line;
    const struct toll_row_answer *answer = explainer->answer;
    const int64_t used = answer->billed; /* of walked calls below */
    struct toll_drawn_line line = {
        .status = answer->status, .price = answer->price, .billed = answer->billed, .charge = answer->charge};
    if (stored->status == TOLL_SUSPENSE_POOL_LIMIT || is_settled(explainer) || answer->found.walk != 0)
        return toll_status_is_rated(stored->status) || stored->status == TOLL_SUSPENSE_POOL_LIMIT ||
               stored->status == TOLL_SUSPENSE_OVERFLOW;
    struct toll_pool_drawn drawn = {
        .included = stored->included,
        .billed_taken = stored->included,
        .used_rest = used,
        .over = stored->status == TOLL_RATED_FAIR_USE,
    };
    const struct toll_drawn_call call = {.start = explainer->row->start,
                                         .service = toll_kind_service(explainer->row->kind),
                                         .used = used,
                                         .deck = answer->deck,
                                         .found = answer->found};
    for (int connect = 0; connect < 2; connect++) {
        struct toll_drawn_line as = line;
        drawn.connect = connect != 0;
        toll_drawn_line_charge(explainer->rater, explainer->cursors, &call, &drawn, 0, &as);
        if (as.status == stored->status && as.billed == stored->billed && as.charge == stored->charge)
            return true;
    }
    return false;
}

void toll_explain_draws(struct toll_explainer *explainer)
{
    const struct toll_line *line = explainer->line;
    const struct toll_book *book = explainer->book;
    const struct toll_tiers *tiers = tiers_of(explainer);
    const char *unit = toll_unit_name(toll_kind_service(explainer->row->kind));
    char charge[TOLL_TOTAL_TEXT_BYTES];
    toll_money_format(line->charge, charge);
    if (line->status == TOLL_SUSPENSE_POOL_LIMIT)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "bundle", "", 0,
                         "a bundle of the payer had too little left, and its at_limit is reject");
    else if (line->included > 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "bundle", "", 0,
                         "bundle %s%s%s gave %d %s of %d%s (summary RUN --pools says what it had)",
                         line->pool_bundle, line->pool_name[0] == 0 ? "" : ", pool ", line->pool_name,
                         line->included, unit, line->billed,
                         line->status == TOLL_RATED_FAIR_USE ? ", some of them beyond its limit" : "");
    if (tiers != NULL && toll_status_is_rated(line->status))
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tiers", toll_book_string(book, tiers->file),
                         tiers->line, "by tiers %s %d %s cost %s after what was counted before",
                         toll_book_string(book, tiers->name), line->billed - line->included, unit, charge);
    else if (line->included > 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "remainder", "", 0, "what remains costs %s", charge);
}
