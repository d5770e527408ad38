/* One row from end to end, in the order of docs/RATING.md section 3. */
#include "pipeline/cost.h"

#include <string.h>

void toll_row_read(const struct toll_rater *rater, const struct toll_part_map *map,
                   const struct toll_cdr_batch *batch, int64_t index, struct toll_row *row)
{
    const uint32_t calltype = batch->calltype == NULL ? 0 : (uint32_t)batch->calltype[index];
    const uint32_t carrier = batch->carrier == NULL ? 0 : batch->carrier[index];
    *row = (struct toll_row){
        .start = batch->start[index],
        .duration_ms = batch->duration_ms[index],
        .kind = batch->kind[index],
        .caller = batch->caller[index],
        .callee = batch->callee[index],
        .charged = batch->charged == NULL ? 0 : batch->charged[index],
        .lrn_caller = batch->lrn_caller == NULL ? 0 : batch->lrn_caller[index],
        .lrn_callee = batch->lrn_callee == NULL ? 0 : batch->lrn_callee[index],
        .ring_to = batch->ring_to == NULL ? 0 : batch->ring_to[index],
        .trunk = batch->trunk == NULL ? 0 : map->trunks[batch->trunk[index]],
        .hint = batch->hint == NULL ? 0 : map->hints[batch->hint[index]],
        .carrier = batch->carrier == NULL ? 0 : map->carriers[carrier],
        .calltype_values = map->calltypes + (size_t)calltype * rater->calltype_decks,
        .calltype = calltype,
        .word = map->words == NULL ? -1 : map->words[(size_t)calltype * map->carrier_count + carrier],
        .quantity = batch->quantity == NULL ? 0 : batch->quantity[index],
        .provider_charge = batch->provider_charge == NULL ? 0 : batch->provider_charge[index],
    };
}

/* ---- rules ---- */

uint32_t toll_row_destination(const struct toll_rater *rater, const struct toll_row *row)
{
    if (rater->book->destinations == NULL || toll_kind_callee_type(row->kind) != TOLL_NUMBER_E164)
        return 0;
    return toll_lpm_one(rater->book->destinations, rater->book->lpm_words, row->callee);
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
    if (rule->destination != 0 && rule->destination != (int32_t)toll_row_destination(rater, row))
        return TOLL_RULE_DESTINATION;
    return TOLL_RULE_DECIDED;
}

static void tell(const struct toll_row_trace *trace, uint32_t rule, enum toll_rule_verdict verdict,
                 unsigned status)
{
    if (trace != NULL)
        trace->rule(trace->context, rule, verdict, status);
}

/* toll_price_find, with the jurisdiction by the deck's own basis where that matters. */
static unsigned find_price(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                           const struct toll_row *row, const struct toll_row_answer *answer,
                           struct toll_price_found *found)
{
    const struct toll_book *book = rater->book;
    const struct toll_deck *table = &book->decks[deck];
    enum toll_call_jurisdiction jurisdiction = answer->jurisdiction;
    if (table->by_jurisdiction && table->basis != book->basis)
        jurisdiction = toll_jurisdiction_of(rater, row, (enum toll_jurisdiction_basis)table->basis,
                                            book->owners[answer->payer.owner].site);
    return toll_price_find(rater, cursors, deck, row, jurisdiction, found);
}

/* 0 and answer->found, or why there is none. */
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
            status = find_price(rater, cursors, rule->deck, row, answer, &found);
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

/* ---- the order of decisions ---- */

static unsigned bill(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                     const struct toll_row *row, struct toll_row_answer *answer)
{
    return toll_row_bill(rater, cursors, row, answer->deck, &answer->found, &answer->price, &answer->billed,
                         &answer->charge);
}

unsigned toll_row_by_plan(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                          const struct toll_row *row, const struct toll_row_trace *trace,
                          struct toll_row_answer *answer)
{
    const unsigned status = walk_rules(rater, cursors, row, trace, answer);
    return status != 0 ? status : bill(rater, cursors, row, answer);
}

static unsigned decide(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                       const struct toll_row *row, const struct toll_row_trace *trace,
                       struct toll_row_answer *answer)
{
    if ((row->kind & TOLL_KIND_CONFLICT) != 0)
        return TOLL_SUSPENSE_CONFLICT;
    const enum toll_feed_role role = toll_feed_role(rater->book, row->carrier);
    if (role != TOLL_FEED_BILL)
        return role == TOLL_FEED_COST ? TOLL_ZERO_COST_FEED : TOLL_ZERO_COMPARE_FEED;
    if (toll_kind_service(row->kind) == TOLL_VOICE && (row->kind & TOLL_KIND_ANSWERED) == 0)
        return TOLL_ZERO_UNANSWERED;
    if (answer->payer.owner == 0)
        return answer->payer.conflict      ? TOLL_SUSPENSE_PARTY_CONFLICT
               : answer->payer.other_party ? TOLL_ZERO_OTHER_PARTY
                                           : TOLL_SUSPENSE_NO_ACCOUNT;
    if (toll_row_is_emergency(rater, row)) {
        answer->found.price = TOLL_PRICE_EMERGENCY;
        return bill(rater, cursors, row, answer);
    }
    answer->plan = toll_plan_find(rater, answer->payer.owner, row->trunk, row->carrier, row->start, NULL);
    return answer->plan == 0 ? TOLL_SUSPENSE_NO_PLAN : toll_row_by_plan(rater, cursors, row, trace, answer);
}

void toll_row_rate(const struct toll_rater *rater, struct toll_band_cursor *cursors,
                   const struct toll_row *row, const struct toll_row_trace *trace,
                   struct toll_row_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    const struct toll_book *book = rater->book;
    if ((row->kind & TOLL_KIND_CONFLICT) == 0) /* nobody pays a conflict, so nobody is looked for */
        toll_payer_find(rater, row, &answer->payer);
    const struct toll_owner *owner = &book->owners[answer->payer.owner];
    answer->account = owner->account;
    answer->class_ = toll_class_of(rater, row);
    answer->jurisdiction = toll_jurisdiction_of(rater, row, book->basis, owner->site);
    answer->status = decide(rater, cursors, row, trace, answer);
}
