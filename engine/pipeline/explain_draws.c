/* What bundles, tiers and closed periods made of a line: docs/RATING.md sections 12 to 14. What pools had
 * left and tiers had counted before it is not looked for: the line says how much it was given, and what
 * remained is worked out again. */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include <stdio.h>
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
    const char *unit = toll_explain_unit(explainer);
    const bool several = book->owners[explainer->answer->payer.owner].pool_count > 1;
    toll_explain_add(
        explainer, TOLL_EXPLAIN_STEP, "bundle", bundle->line == 0 ? "" : "bundles.csv", bundle->line,
        "%s%s%s%s gives %d of %d %s%s", several ? "first bundle " : "bundle ", line->pool_bundle,
        line->pool_name[0] == 0 ? "" : ", pool ", line->pool_name, stored->included, stored->billed, unit,
        stored->status == TOLL_RATED_FAIR_USE ? ", beyond its limit, which is only flagged" : "");
}

/* ---- with what bundles had left ---- */

/* Does a bundle take some call with a service, direction, class and jurisdiction, of which those given (not
 * negative) are fixed? */
static bool bundle_takes(const struct toll_bundle *bundle, int service, int direction, int class_,
                         int jurisdiction)
{
    for (uint32_t key = 0; key < TOLL_CHAIN_KEYS; key++)
        if ((bundle->keys[key >> 6] >> (key & 63) & 1) != 0 &&
            (service < 0 || toll_chain_key_service(key) == (uint32_t)service) &&
            (direction < 0 || key / 25 % 2 == (uint32_t)direction) &&
            (class_ < 0 || key / 5 % 5 == (uint32_t)class_) &&
            (jurisdiction < 0 || key % 5 == (uint32_t)jurisdiction))
            return true;
    return false;
}

static const char *why_not(const struct toll_explainer *explainer, const struct toll_entitlement *entitlement)
{
    const struct toll_bundle *bundle = &explainer->book->bundles[entitlement->bundle];
    const struct toll_row *row = explainer->row;
    const struct toll_row_answer *answer = explainer->answer;
    if (row->start < entitlement->from || row->start >= entitlement->until)
        return "is not subscribed to at the call's start";
    return !bundle_takes(bundle, (int)toll_kind_service(row->kind), -1, -1, -1) ? "is not for this service"
           : !bundle_takes(bundle, -1, (row->kind & TOLL_KIND_IN) != 0, -1, -1) ? "is not for this direction"
           : !bundle_takes(bundle, -1, -1, (int)answer->class_, -1) ? "is not for calls of this class"
           : !bundle_takes(bundle, -1, -1, -1, (int)answer->jurisdiction)
               ? "is not for this jurisdiction"
               : "is not for the callee's destination";
}

/* "bundle Talk, pool family" */
static const char *name_turn(const struct toll_explainer *explainer,
                             const struct toll_entitlement *entitlement, char text[TOLL_EXPLAIN_TEXT_BYTES])
{
    const struct toll_book *book = explainer->book;
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    const char *pool =
        entitlement->pool == 0 ? "" : toll_book_string(book, book->pools[entitlement->pool].name);
    static const char *const scopes[] = {" of the number", " of the site", " of the account", ""};
    snprintf(text, TOLL_EXPLAIN_TEXT_BYTES, "bundle %.80s%s%s%.80s", toll_book_string(book, bundle->bundle),
             scopes[bundle->scope], pool[0] == 0 ? "" : ", pool ", pool);
    return text;
}

static void explain_turn(struct toll_explainer *explainer, const struct toll_explain_turn *turn,
                         const struct toll_entitlement *entitlement, const struct toll_drawn_line *stored,
                         int64_t over)
{
    const struct toll_book *book = explainer->book;
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    const char *unit = toll_explain_unit(explainer);
    const long long before = turn->before, after = turn->after;
    char name[TOLL_EXPLAIN_TEXT_BYTES];
    name_turn(explainer, entitlement, name);
    if (!turn->fits)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "bundle", "bundles.csv", bundle->line, "%s %s", name,
                         why_not(explainer, entitlement));
    else if (turn->pool == 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "bundle", "bundles.csv", bundle->line,
                         "%s: the payer is no number", name);
    else if (stored->status == TOLL_SUSPENSE_POOL_LIMIT)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "bundle", "bundles.csv", bundle->line,
                         bundle->at_limit == TOLL_LIMIT_REJECT ? "%s has %lld %s left; its at_limit is reject"
                                                               : "%s has %lld %s left",
                         name, before, unit);
    else if (before == after && over == 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "bundle", "bundles.csv", bundle->line,
                         before == 0 ? "%s has nothing left" : "%s has %lld %s left, and gives nothing", name,
                         before, unit);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "bundle", "bundles.csv", bundle->line,
                         over == 0
                             ? "%s gives %lld %s: left before %lld, after %lld"
                             : "%s gives %lld %s: left before %lld, after %lld; beyond its limit, which is "
                               "only flagged (at_limit flag)",
                         name, before - after + (long long)over, unit, before, after);
}

static void explain_turns(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_book *book = explainer->book;
    const struct toll_owner *owner = &book->owners[explainer->answer->payer.owner];
    const struct toll_explain_turns *turns = explainer->turns;
    int64_t given = 0;
    for (uint32_t i = 0; i < turns->count; i++)
        given += turns->turns[i].before - turns->turns[i].after;
    int64_t over = stored->included - given;
    for (uint32_t i = 0; i < turns->count; i++) {
        const struct toll_entitlement *entitlement = &book->entitlements[owner->pool_first + i];
        const bool flag = turns->turns[i].fits && turns->turns[i].pool != 0 &&
                          book->bundles[entitlement->bundle].at_limit == TOLL_LIMIT_FLAG;
        const int64_t own = flag && turns->turns[i].after == 0 ? over : 0;
        explain_turn(explainer, &turns->turns[i], entitlement, stored, own);
        over -= own;
    }
}

/* ---- what remains ---- */

static void explain_remains(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_terms *terms = &explainer->book->terms[explainer->book->price_terms[answer->price]];
    const char *unit = toll_explain_unit(explainer);
    const int32_t rest = stored->billed - stored->included;
    char charge[TOLL_TOTAL_TEXT_BYTES], rate[TOLL_TOTAL_TEXT_BYTES], fee[TOLL_TOTAL_TEXT_BYTES];
    char sum[TOLL_EXPLAIN_EXACT_BYTES];
    toll_explain_money(stored->charge, charge);
    if (rest == 0) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "remains", "", 0, "nothing is left to be charged: %s",
                         charge);
    } else if (terms->action == TOLL_ACTION_DECK && answer->found.walk == 0) {
        toll_explain_money(terms->rate, rate);
        toll_explain_money(terms->connect_fee, fee);
        toll_explain_exact((toll_total)terms->connect_fee * terms->per + (toll_total)terms->rate * rest,
                           terms->per, sum);
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "remains", "", 0, "%d %s: %s%s%s x %d / %d = %s, %s: %s", rest,
            unit, terms->connect_fee == 0 ? "" : fee, terms->connect_fee == 0 ? "" : " (connect fee) + ",
            rate, rest, terms->per, sum,
            terms->minimum_charge != 0 || terms->maximum_charge != INT64_MAX ? "limited and rounded as above"
                                                                             : "rounded as above",
            charge);
    } else if (terms->action != TOLL_ACTION_TIERS) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "remains", "", 0, "%d %s, priced as above: %s", rest,
                         unit, charge);
    }
}

void toll_explain_draws(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const uint32_t tiers = explainer->book->rules[explainer->answer->rule].tiers;
    if (explainer->turns != NULL)
        explain_turns(explainer, stored);
    if (stored->status == TOLL_SUSPENSE_POOL_LIMIT)
        explain_limit(explainer);
    if (!toll_status_is_rated(stored->status))
        return;
    if (stored->included > 0 && explainer->turns == NULL)
        explain_given(explainer, stored);
    if (stored->included > 0)
        explain_remains(explainer, stored);
    if (tiers != 0)
        toll_explain_tiers(explainer, tiers, stored);
}
