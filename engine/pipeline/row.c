/* One row from end to end, in the order of docs/RATING.md section 3. */
#include "pipeline/row.h"

#include "rating/billed.h"
#include "rating/charge.h"

#include <string.h>

#define SHORT_3(digits) (UINT64_C(0x##digits) << 52 | UINT64_C(0x000fffffffffffff))

void toll_row_read(const struct toll_rater *rater, const struct toll_part_map *map,
                   const struct toll_cdr_batch *batch, int64_t index, struct toll_row *row)
{
    const uint32_t calltype = batch->calltype == NULL ? 0 : (uint32_t)batch->calltype[index];
    *row = (struct toll_row){
        .start = batch->start[index],
        .duration_ms = batch->duration_ms[index],
        .kind = batch->kind[index],
        .caller = batch->caller[index],
        .callee = batch->callee[index],
        .charged = batch->charged == NULL ? 0 : batch->charged[index],
        .trunk = batch->trunk == NULL ? 0 : map->trunks[batch->trunk[index]],
        .hint = batch->hint == NULL ? 0 : map->hints[batch->hint[index]],
        .carrier = batch->carrier == NULL ? 0 : map->carriers[batch->carrier[index]],
        .calltype_values = map->calltypes + (size_t)calltype * rater->calltype_decks,
        .calltype = calltype,
        .quantity = batch->quantity == NULL ? 0 : batch->quantity[index],
        .provider_charge = batch->provider_charge == NULL ? 0 : batch->provider_charge[index],
    };
}

static bool is_emergency(const struct toll_rater *rater, uint64_t callee)
{
    return rater->book->nanp && (callee == SHORT_3(911) || callee == SHORT_3(933) || callee == SHORT_3(988));
}

static unsigned area_of(const struct toll_rater *rater, uint64_t number)
{
    return number >> 60 == 1 ? rater->areas[number >> 48 & 0xfff] : TOLL_AREA_INTERNATIONAL;
}

enum toll_class toll_class_of(const struct toll_rater *rater, const struct toll_row *row)
{
    const unsigned type = toll_kind_callee_type(row->kind);
    if (!rater->book->nanp)
        return TOLL_ORDINARY;
    if (type == TOLL_NUMBER_SHORT) {
        const unsigned first = (unsigned)(row->callee >> 60);
        const bool n11 = row->callee == (SHORT_3(011) | (uint64_t)first << 60) && first >= 2 && first <= 9;
        return n11 || row->callee == SHORT_3(933) || row->callee == SHORT_3(988) ? TOLL_N11 : TOLL_ORDINARY;
    }
    const unsigned area = type == TOLL_NUMBER_E164 ? area_of(rater, row->callee) : 0;
    return (area & TOLL_AREA_TOLL_FREE) != 0 ? TOLL_TOLL_FREE
           : (area & TOLL_AREA_PREMIUM) != 0 ? TOLL_PREMIUM
                                             : TOLL_ORDINARY;
}

enum toll_call_jurisdiction toll_jurisdiction_of(const struct toll_rater *rater, const struct toll_row *row,
                                                 enum toll_jurisdiction_basis basis, int32_t site)
{
    (void)basis;
    (void)site;
    if (!rater->book->nanp)
        return TOLL_INDETERMINATE;
    unsigned areas = 0;
    if (toll_kind_caller_type(row->kind) == TOLL_NUMBER_E164)
        areas |= area_of(rater, row->caller);
    if (toll_kind_callee_type(row->kind) == TOLL_NUMBER_E164)
        areas |= area_of(rater, row->callee);
    return (areas & TOLL_AREA_INTERNATIONAL) != 0 ? TOLL_INTERNATIONAL : TOLL_INDETERMINATE;
}

/* ---- rules ---- */

static uint32_t destination_of(const struct toll_rater *rater, const struct toll_row *row)
{
    if (rater->book->destinations == NULL || toll_kind_callee_type(row->kind) != TOLL_NUMBER_E164)
        return 0;
    return toll_lpm_one(rater->book->destinations, rater->lpm_words, row->callee);
}

/* Conditions that the chain's choice has not settled; TOLL_RULE_DECIDED: all hold. */
static enum toll_rule_verdict rule_matches(const struct toll_rater *rater, const struct toll_rule *rule,
                                           const struct toll_row *row)
{
    const int32_t trunk =
        row->trunk == 0 ? 0 : (int32_t)rater->book->named[TOLL_NAMED_TRUNK][row->trunk - 1].id;
    if (row->start < rule->from || row->start >= rule->until)
        return TOLL_RULE_DATES;
    if (rule->trunk != 0 && rule->trunk != trunk)
        return TOLL_RULE_TRUNK;
    if (rule->destination != 0 && rule->destination != (int32_t)destination_of(rater, row))
        return TOLL_RULE_DESTINATION;
    return TOLL_RULE_DECIDED;
}

static void tell(const struct toll_row_trace *trace, uint32_t rule, enum toll_rule_verdict verdict,
                 unsigned status)
{
    if (trace != NULL)
        trace->rule(trace->context, rule, verdict, status);
}

/* 0 and answer->price, or why there is none. */
static unsigned walk_rules(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                           const struct toll_row *row, const struct toll_row_trace *trace,
                           struct toll_row_answer *answer)
{
    const struct toll_book *book = rater->book;
    const uint32_t key = toll_chain_key(toll_kind_service(row->kind), (row->kind & TOLL_KIND_IN) != 0,
                                        answer->class_, answer->jurisdiction);
    const struct toll_chain *chain =
        &book->chains[book->plan_chains[(size_t)answer->plan * TOLL_CHAIN_KEYS + key]];
    unsigned reason = TOLL_SUSPENSE_NO_RULE;
    for (uint32_t i = chain->first; i < chain->first + chain->count; i++) {
        const uint32_t id = book->chain_rules[i];
        const struct toll_rule *rule = &book->rules[id];
        const enum toll_rule_verdict verdict = rule_matches(rater, rule, row);
        if (verdict != TOLL_RULE_DECIDED) {
            tell(trace, id, verdict, 0);
            continue;
        }
        struct toll_price_found found = {(uint32_t)rule->price, 0};
        unsigned status = 0;
        if (rule->action == TOLL_ACTION_REJECT)
            status = TOLL_SUSPENSE_REJECTED;
        else if (rule->action == TOLL_ACTION_DECK)
            status = toll_price_find(rater, cursors, rule->deck, row, answer->jurisdiction, &found);
        const bool missed = status == TOLL_SUSPENSE_NO_PREFIX || status == TOLL_SUSPENSE_NO_CALLTYPE ||
                            status == TOLL_SUSPENSE_BAD_NUMBER;
        if (missed && rule->on_miss_next) {
            tell(trace, id, TOLL_RULE_MISSED, status);
            reason = status;
            continue;
        }
        tell(trace, id, TOLL_RULE_DECIDED, status);
        answer->rule = (int32_t)id;
        if (status == 0) {
            answer->deck = rule->deck;
            answer->found = found;
        }
        return status;
    }
    return reason;
}

/* ---- units and charge ---- */

static int64_t units_used(const struct toll_row *row, enum toll_duration_rounding rounding)
{
    if (toll_kind_service(row->kind) == TOLL_VOICE)
        return toll_units_of_ms(row->duration_ms, rounding);
    const int64_t quantity = row->quantity;
    return quantity == INT64_MIN ? INT64_MAX : quantity < 0 ? -quantity : quantity;
}

unsigned toll_row_bill(const struct toll_rater *rater, const struct toll_band_cursor *cursors,
                       const struct toll_row *row, int32_t deck, const struct toll_price_found *found,
                       int32_t *price, int32_t *billed, toll_money *charge)
{
    (void)cursors;
    (void)deck;
    const struct toll_terms *terms = &rater->book->terms[rater->book->price_terms[found->price]];
    *price = (int32_t)found->price;
    *billed = 0;
    *charge = 0;
    if (terms->state == TOLL_PRICE_BLOCKED)
        return TOLL_SUSPENSE_BLOCKED;
    if (terms->state == TOLL_PRICE_NO_RATE)
        return TOLL_SUSPENSE_NO_RATE;

    bool fits = true;
    enum toll_billed_outcome outcome;
    if (terms->action == TOLL_ACTION_DECK) {
        outcome = toll_billed(terms, units_used(row, (enum toll_duration_rounding)terms->duration_rounding),
                              billed);
        if (outcome == TOLL_BILLED_ZERO)
            return TOLL_ZERO_DURATION;
        if (outcome == TOLL_BILLED)
            fits = toll_charge_deck(terms, *billed, charge);
    } else {
        if (terms->action == TOLL_ACTION_MARKUP && (row->kind & TOLL_KIND_PROVIDER_CHARGE) == 0) {
            *price = 0;
            return TOLL_SUSPENSE_NO_PROVIDER_CHARGE;
        }
        outcome = toll_billed_as_used(units_used(row, TOLL_DURATION_UP), billed);
        if (outcome == TOLL_BILLED && terms->action == TOLL_ACTION_FREE)
            return found->price == TOLL_PRICE_EMERGENCY ? TOLL_ZERO_EMERGENCY : TOLL_ZERO_FREE;
        if (outcome == TOLL_BILLED && terms->action == TOLL_ACTION_FLAT)
            fits = toll_charge_flat(terms, charge);
        if (outcome == TOLL_BILLED && terms->action == TOLL_ACTION_MARKUP)
            fits = toll_charge_markup(terms, row->provider_charge, charge);
    }
    if ((row->kind & TOLL_KIND_CREDIT) != 0)
        fits = fits && toll_charge_negate(charge);
    if (outcome == TOLL_BILLED && fits)
        return TOLL_RATED;
    *price = 0;
    *billed = 0;
    *charge = 0;
    return TOLL_SUSPENSE_OVERFLOW;
}

/* ---- the order of decisions ---- */

static unsigned bill(const struct toll_rater *rater, const struct toll_band_cursor *cursors,
                     const struct toll_row *row, struct toll_row_answer *answer)
{
    return toll_row_bill(rater, cursors, row, answer->deck, &answer->found, &answer->price, &answer->billed,
                         &answer->charge);
}

static unsigned decide(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                       const struct toll_row *row, const struct toll_row_trace *trace,
                       struct toll_row_answer *answer)
{
    if ((row->kind & TOLL_KIND_CONFLICT) != 0)
        return TOLL_SUSPENSE_CONFLICT;
    if (toll_kind_service(row->kind) == TOLL_VOICE && (row->kind & TOLL_KIND_ANSWERED) == 0)
        return TOLL_ZERO_UNANSWERED;
    if (answer->payer.owner == 0)
        return answer->payer.conflict ? TOLL_SUSPENSE_PARTY_CONFLICT : TOLL_SUSPENSE_NO_ACCOUNT;
    if (is_emergency(rater, row->callee)) {
        answer->found.price = TOLL_PRICE_EMERGENCY;
        return bill(rater, cursors, row, answer);
    }
    answer->plan = toll_plan_find(rater, answer->payer.owner, row->trunk, row->carrier, row->start, NULL);
    if (answer->plan == 0)
        return TOLL_SUSPENSE_NO_PLAN;
    const unsigned status = walk_rules(rater, cursors, row, trace, answer);
    return status != 0 ? status : bill(rater, cursors, row, answer);
}

void toll_row_rate(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_row *row, const struct toll_row_trace *trace,
                   struct toll_row_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    answer->class_ = toll_class_of(rater, row);
    answer->jurisdiction = toll_jurisdiction_of(rater, row, rater->book->basis, 0);
    if ((row->kind & TOLL_KIND_CONFLICT) == 0) /* nobody pays a conflict, so nobody is looked for */
        toll_payer_find(rater, row, &answer->payer);
    answer->account = rater->book->owners[answer->payer.owner].account;
    answer->status = decide(rater, cursors, row, trace, answer);
}
