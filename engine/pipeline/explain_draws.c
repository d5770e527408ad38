/* What bundles, tiers and closed periods made of a line: docs/RATING.md sections 12 to 14. What pools had
 * left and tiers had counted before it is not looked for: the line says how much it was given, and what
 * remained is worked out again. */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include <string.h>

bool toll_explain_may_draw(const struct toll_explainer *explainer)
{
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_book *book = explainer->book;
    return answer->status == TOLL_RATED &&
           (book->owners[answer->payer.owner].pool_count > 0 || book->rules[answer->rule].tiers != 0);
}

/* One way in which so many units may have been given. */
static bool is_way(const struct toll_explainer *explainer, const struct toll_drawn_call *call,
                   const struct toll_drawn_line *stored, bool by_used, bool connect)
{
    const struct toll_row_answer *answer = explainer->answer;
    const int64_t included = stored->included;
    const int64_t rest = included < call->used ? call->used - included : 0;
    const bool knows_charge =
        call->tiers == 0 || explainer->book->tiers[call->tiers].period == TOLL_TIER_CALL;
    const struct toll_pool_drawn drawn = {
        .included = included,
        .billed_taken = by_used ? 0 : included,
        .used_rest = by_used && included > 0 ? rest : call->used,
        .all = included > 0 && (by_used ? rest == 0 : included == answer->billed),
        .connect = connect,
    };
    struct toll_drawn_line line = {
        .status = TOLL_RATED, .price = answer->price, .billed = answer->billed, .charge = answer->charge};
    if (!by_used && included > answer->billed)
        return false;
    toll_drawn_line_charge(explainer->rater, explainer->cursors, call, &drawn, 0, &line);
    return toll_status_is_rated(line.status) && line.billed == stored->billed &&
           (!knows_charge || line.charge == stored->charge);
}

/* Bundles of either debit may have given together: then no single way leads there. */
static bool may_mix(const struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const struct toll_owner *owner = &book->owners[explainer->answer->payer.owner];
    unsigned debits = 0, fees = 0;
    for (uint32_t i = owner->pool_first; i < owner->pool_first + owner->pool_count; i++) {
        const struct toll_bundle *bundle = &book->bundles[book->entitlements[i].bundle];
        debits |= 1u << (bundle->debit_used != 0);
        fees |= 1u << (bundle->connect_charged != 0);
    }
    return debits == 3 || fees == 3;
}

bool toll_explain_drawn(const struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    struct toll_pool_call asked;
    struct toll_drawn_call call;
    if (!toll_explain_may_draw(explainer))
        return false;
    if (!toll_status_is_rated(stored->status))
        return stored->status == TOLL_SUSPENSE_POOL_LIMIT || stored->status == TOLL_SUSPENSE_OVERFLOW;
    toll_row_draw_calls(explainer->rater, explainer->row, explainer->answer, &asked, &call);
    for (unsigned way = 0; way < 4; way++)
        if (is_way(explainer, &call, stored, (way & 1) != 0, (way & 2) != 0))
            return true;
    return stored->included > 0 && may_mix(explainer);
}

static const struct toll_bundle *bundle_of(const struct toll_book *book, const char *name)
{
    for (uint32_t i = 1; i < book->bundle_count; i++)
        if (strcmp(toll_book_string(book, book->bundles[i].bundle), name) == 0)
            return &book->bundles[i];
    return &book->bundles[0];
}

static void explain_limit(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const uint32_t bundle = toll_row_rejecter(explainer->rater, explainer->row, explainer->answer);
    toll_explain_add(
        explainer, TOLL_EXPLAIN_STEP, "bundle", bundle == 0 ? "" : "bundles.csv", book->bundles[bundle].line,
        "bundle %s has less left than the call needs, and its at_limit is reject: nothing is drawn "
        "(summary RUN --pools has the balance)",
        toll_book_string(book, book->bundles[bundle].bundle));
}

static void explain_given(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_book *book = explainer->book;
    const struct toll_line *line = explainer->line;
    const struct toll_bundle *bundle = bundle_of(book, line->pool_bundle);
    const char *unit = toll_unit_name(toll_kind_service(explainer->row->kind));
    const bool several = book->owners[explainer->answer->payer.owner].pool_count > 1;
    char money[TOLL_TOTAL_TEXT_BYTES];
    toll_explain_add(
        explainer, TOLL_EXPLAIN_STEP, "bundle", bundle->line == 0 ? "" : "bundles.csv", bundle->line,
        "%s%s%s%s gives %d of %d %s%s", several ? "first bundle " : "bundle ", line->pool_bundle,
        line->pool_name[0] == 0 ? "" : ", pool ", line->pool_name, stored->included, stored->billed, unit,
        stored->status == TOLL_RATED_FAIR_USE ? ", beyond its limit, which is only flagged" : "");
    toll_money_format(stored->charge, money);
    if (stored->billed == stored->included)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "remains", "", 0, "nothing: %s", money);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "remains", "", 0, "%d %s, priced as above: %s",
                         stored->billed - stored->included, unit, money);
}

static void explain_tiers(struct toll_explainer *explainer, uint32_t index,
                          const struct toll_drawn_line *stored)
{
    static const char *const modes[] = {"graduated", "volume", "package"};
    static const char *const periods[] = {"month", "billing period"};
    static const char *const scopes[] = {"number", "site", "account", "parent account"};
    const struct toll_book *book = explainer->book;
    const struct toll_tiers *tiers = &book->tiers[index];
    char money[TOLL_TOTAL_TEXT_BYTES];
    toll_money_format(stored->charge, money);
    const char *unit = toll_unit_name(toll_kind_service(explainer->row->kind));
    const char *name = toll_book_string(book, tiers->name), *file = toll_book_string(book, tiers->file);
    const int32_t units = stored->billed - stored->included;
    if (tiers->period == TOLL_TIER_CALL)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tiers", file, tiers->line,
                         "%s, %s, by itself: %d %s: %s", name, modes[tiers->mode], units, unit, money);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "tiers", file, tiers->line,
                         "%s, %s, counted by %s and %s: %d %s %s: %s", name, modes[tiers->mode],
                         scopes[tiers->scope], periods[tiers->period], units, unit,
                         tiers->mode == TOLL_TIER_VOLUME ? "at the tier that all of the period reach"
                                                         : "after those that came before",
                         money);
}

void toll_explain_draws(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const uint32_t tiers = explainer->book->rules[explainer->answer->rule].tiers;
    if (stored->status == TOLL_SUSPENSE_POOL_LIMIT)
        explain_limit(explainer);
    if (!toll_status_is_rated(stored->status))
        return;
    if (stored->included > 0)
        explain_given(explainer, stored);
    if (tiers != 0)
        explain_tiers(explainer, tiers, stored);
}
