/*
 * Which deck or price the rules give: docs/RATING.md sections 5 and 6. What a plan says without conditions
 * stands in a table of verdicts, which a kernel reads; the other rows are listed and their chains walked.
 */
#include "pipeline/stages.h"

#include <string.h>

bool toll_block_classify_short(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_row row = {.kind = rows->cdr.kind[i], .callee = rows->cdr.callee[i]};
    const enum toll_class class_ = toll_class_of(rows->rater, &row);
    if (toll_row_is_emergency(rows->rater, &row))
        return false;
    rows->line.class_jurisdiction[i] |= (uint8_t)((unsigned)class_ << 4);
    rows->block->shape[i] |= (uint16_t)((unsigned)class_ << 3);
    return true;
}

/* Rows of any service that the stages can do; the rest is toll_row_rate's. */
static inline bool in_bulk(const struct toll_block_rows *rows, size_t i)
{
    const uint16_t kind = rows->cdr.kind[i];
    const bool bulk = (rows->block->owner[i] != 0) & ((kind & (TOLL_KIND_CONFLICT | TOLL_KIND_CREDIT)) == 0) &
                      ((toll_kind_service(kind) != TOLL_VOICE) | ((kind & TOLL_KIND_ANSWERED) != 0));
    if (toll_kind_callee_type(kind) == TOLL_NUMBER_SHORT)
        return bulk && toll_block_classify_short(rows, i);
    return bulk;
}

static inline int32_t plan_of(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_book *book = rater->book;
    const struct toll_part_map *map = rows->context->map;
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const uint32_t owner = rows->block->owner[i];
    const bool by_record = book->has_trunk_plans || book->has_carrier_plans;
    if (rows->buy_plan != NULL)
        return rows->buy_plan[i] == book->plan_count ? 0 : (int32_t)rows->buy_plan[i];
    if (!by_record && rater->owners[owner].plan > 0)
        return rater->owners[owner].plan;
    return toll_plan_find(rater, owner, cdr->trunk == NULL ? 0 : map->trunks[cdr->trunk[i]],
                          cdr->carrier == NULL ? 0 : map->carriers[cdr->carrier[i]], cdr->start[i], NULL);
}

/* The chain of rules that a row meets, 0 none; *plan: 0 none. */
static inline uint32_t chain_of(const struct toll_block_rows *rows, size_t i, int32_t *plan)
{
    const struct toll_book *book = rows->rater->book;
    const unsigned shape = rows->block->shape[i];
    *plan = plan_of(rows, i);
    return book->plan_chains[(size_t)*plan * TOLL_CHAIN_KEYS +
                             toll_chain_key(toll_kind_service(rows->cdr.kind[i]),
                                            (shape & TOLL_SHAPE_IN) != 0, shape >> 3 & 7, shape & 7)];
}

/* ---- the rules one after the other ---- */

/* The destination of each listed row whose rules ask for it, by place in the list. */
static const uint32_t *destinations_of(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    uint32_t any = 0;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list[k];
        const bool wanted = rater->rules.asks[block->chain[i]] != 0 &&
                            toll_kind_callee_type(rows->cdr.kind[i]) == TOLL_NUMBER_E164;
        block->list_deck[k] = wanted ? rater->destination_table : 0;
        block->number[0][k] = rows->cdr.callee[i];
        any |= block->list_deck[k];
    }
    if (any != 0)
        rater->kernels->lpm(rater->tables, rater->lpm_words, 0, block->list_deck, block->number[0], count,
                            block->list_value[0]);
    else
        memset(block->list_value[0], 0, count * sizeof *block->list_value[0]);
    return block->list_value[0];
}

static bool matches(const struct toll_block_rows *rows, size_t i, const struct toll_rule *rule,
                    uint32_t destination)
{
    const struct toll_book *book = rows->rater->book;
    if (rule->destination != 0 && rule->destination != (int32_t)destination)
        return false;
    if (rule->trunk != 0) {
        const uint32_t place = rows->cdr.trunk == NULL ? 0 : rows->context->map->trunks[rows->cdr.trunk[i]];
        if (place == 0 || rule->trunk != (int32_t)book->named[TOLL_NAMED_TRUNK][place - 1].id)
            return false;
    }
    return (rule->from == TOLL_MS_MIN && rule->until == TOLL_MS_MAX) ||
           (rows->cdr.start[i] >= rule->from && rows->cdr.start[i] < rule->until);
}

/* The first rule that matches, from rule_at on; NULL none. */
static const struct toll_rule *first_match(const struct toll_block_rows *rows, size_t i, uint32_t destination)
{
    const struct toll_book *book = rows->rater->book;
    struct toll_block *block = rows->block;
    const struct toll_chain *chain = &book->chains[block->chain[i]];
    for (; block->rule_at[i] < chain->count; block->rule_at[i]++) {
        const struct toll_rule *rule = &book->rules[book->chain_rules[chain->first + block->rule_at[i]]];
        if (matches(rows, i, rule, destination))
            return rule;
    }
    return NULL;
}

size_t toll_block_next_rules(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    const struct toll_book *book = rows->rater->book;
    struct toll_block *block = rows->block;
    const uint32_t *destinations = destinations_of(rows, list, count);
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        const struct toll_rule *rule = first_match(rows, i, destinations[k]);
        block->deck[i] = 0;
        if (rule == NULL)
            continue;
        rows->line.status[i] = rule->action == TOLL_ACTION_REJECT ? TOLL_SUSPENSE_REJECTED : 0;
        if (rule->action == TOLL_ACTION_DECK) {
            block->deck[i] = (uint32_t)rule->deck;
            list[left++] = i;
        } else if (rule->action != TOLL_ACTION_REJECT) {
            rows->line.price[i] = rule->price;
            const bool alone = rule->action == TOLL_ACTION_MARKUP;
            block->terms[i] = alone ? 0 : 1 + book->price_terms[rule->price];
            block->value[i] = 0;
            block->bill[block->bill_count] = i;
            block->bill_count += alone;
        }
    }
    return left;
}

bool toll_block_goes_on(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_book *book = rows->rater->book;
    struct toll_block *block = rows->block;
    if (!rows->rater->has_next)
        return false;
    if (block->chain[i] == 0) { /* the verdict was the first rule's */
        int32_t plan;
        block->chain[i] = chain_of(rows, i, &plan);
        block->rule_at[i] = 0;
    }
    const struct toll_chain *chain = &book->chains[block->chain[i]];
    const struct toll_rule *rule = &book->rules[book->chain_rules[chain->first + block->rule_at[i]]];
    block->rule_at[i]++;
    return rule->on_miss_next != 0;
}

/* ---- all rows ---- */

static inline void take_verdict(const struct toll_block_rows *rows, size_t i, uint32_t verdict)
{
    const uint32_t priced = 0u - (uint32_t)((verdict & TOLL_VERDICT_PRICE) != 0);
    rows->block->deck[i] = verdict & ~priced;
    rows->line.price[i] = (int32_t)(verdict & priced & ~TOLL_VERDICT_PRICE);
}

/* Of the listed rows, whose chains are known, those that no decision by destination settles stay in the list.
 */
static size_t decide_destinations(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    const struct toll_verdicts *rules = &rows->rater->rules;
    struct toll_block *block = rows->block;
    if (rules->decisions == NULL || count == 0)
        return count;
    const uint32_t *destinations = destinations_of(rows, list, count);
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k], asks = rules->asks[block->chain[i]];
        const struct toll_decision *decision =
            &rules->decisions[(size_t)(asks - (asks != 0)) * rules->destinations + destinations[k]];
        list[left] = i;
        if (asks == 0 || decision->verdict == 0) {
            left++;
            continue;
        }
        take_verdict(rows, i, decision->verdict);
        block->rule_at[i] = decision->rule_at;
        rows->line.status[i] = 0;
    }
    return left;
}

/* The listed rows, whose verdict is open. */
void toll_block_walk_chains(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    const struct toll_verdicts *rules = &rows->rater->rules;
    struct toll_block *block = rows->block;
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        int32_t plan;
        const uint32_t chain = chain_of(rows, i, &plan), verdict = rules->chain[chain];
        block->chain[i] = chain;
        block->rule_at[i] = 0;
        take_verdict(rows, i, verdict);
        rows->line.status[i] = verdict != 0 ? 0 : plan == 0 ? TOLL_SUSPENSE_NO_PLAN : TOLL_SUSPENSE_NO_RULE;
        list[left] = i;
        left += (verdict == 0) & (chain != 0);
    }
    toll_block_next_rules(rows, list, decide_destinations(rows, list, left));
}

void toll_block_rules(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    struct toll_verdicts_out out = {
        .account = rows->line.account,
        .price = rows->line.price,
        .bucket = block->bucket,
        .deck = block->deck,
        .status = rows->line.status,
        .odd = block->odd,
        .planless = block->rest,
    };
    const bool by_record = rater->book->has_trunk_plans || rater->book->has_carrier_plans;
    rater->kernels->rules(rater->owners, rater->verdicts, block->owner, block->shape, by_record, rows->rows,
                          &out);
    block->bill_count = 0;
    if (rater->has_next || (rater->tuples != NULL && rater->tuples->products != NULL))
        memset(block->chain, 0, rows->rows * sizeof *block->chain);
    size_t open = out.planless_count;
    block->odd_count = block->other_count = 0;
    for (size_t k = 0; k < out.odd_count; k++) {
        const uint32_t i = block->odd[k];
        block->others[block->other_count] = i; /* no verdict is about another service */
        block->other_count += toll_kind_service(rows->cdr.kind[i]) != TOLL_VOICE;
        const bool bulk = in_bulk(rows, i);
        block->rest[open] = i;
        block->odd[block->odd_count] = i;
        open += bulk;
        block->odd_count += !bulk;
    }
    toll_block_walk_chains(rows, block->rest, open);
    for (size_t k = 0; k < block->leg_count; k++)
        rows->line.status[block->legs[k]] = TOLL_ZERO_OTHER_PARTY;
}

void toll_block_plans(const struct toll_block_rows *rows, size_t first)
{
    const struct toll_block_context *context = rows->context;
    const struct toll_book *book = rows->rater->book;
    const struct toll_hot_owner *owners = rows->rater->owners;
    const uint32_t *owner = rows->block->owner, *places = context->places;
    const bool by_record = book->has_trunk_plans || book->has_carrier_plans;
    uint32_t *plans = rows->block->second;
    size_t open = 0;
    for (size_t i = 0; i < rows->rows; i++) { /* as mostly, by the owner alone */
        const int32_t plan = owners[owner[i]].plan;
        plans[i] = plan > 0 ? (uint32_t)plan : 0;
        rows->block->list_deck[open] = (uint32_t)i;
        open += (owner[i] != 0) & (by_record | (plan <= 0));
    }
    for (size_t k = 0; k < open; k++)
        plans[rows->block->list_deck[k]] = (uint32_t)plan_of(rows, rows->block->list_deck[k]);
    if (places == NULL)
        memcpy(context->plans + first, plans, rows->rows * sizeof *plans);
    for (size_t i = 0; places != NULL && i < rows->rows; i++)
        context->plans[places[i]] = plans[i];
}
