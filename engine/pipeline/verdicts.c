/* One pass over the chains, and one over each chain that asks for each destination. */
#include "pipeline/verdicts.h"

#include "simd/layout_call.h"

#include <string.h>

static const struct toll_rule *rule_of(const struct toll_book *book, const struct toll_chain *chain,
                                       uint32_t at)
{
    return &book->rules[book->chain_rules[chain->first + at]];
}

/* Of a rule that decides; 0: its action is not one of those a verdict can name. */
static uint32_t verdict_of(const struct toll_rule *rule)
{
    if (rule->action == TOLL_ACTION_DECK)
        return (uint32_t)rule->deck;
    return rule->action == TOLL_ACTION_FREE || rule->action == TOLL_ACTION_FLAT ||
                   rule->action == TOLL_ACTION_TIERS
               ? TOLL_VERDICT_PRICE | (uint32_t)rule->price
               : 0;
}

static bool depends_on_record(const struct toll_rule *rule)
{
    return rule->trunk != 0 || rule->from != TOLL_MS_MIN || rule->until != TOLL_MS_MAX;
}

/* A chain whose first rule has no further conditions gets to its second only where a deck has nothing. */
static uint32_t verdict_of_chain(const struct toll_book *book, const struct toll_chain *chain)
{
    const struct toll_rule *first = chain->count == 0 ? NULL : rule_of(book, chain, 0);
    return first == NULL || first->destination != 0 || depends_on_record(first) ? 0 : verdict_of(first);
}

static struct toll_decision decide(const struct toll_book *book, const struct toll_chain *chain,
                                   int32_t destination)
{
    for (uint32_t at = 0; at < chain->count; at++) {
        const struct toll_rule *rule = rule_of(book, chain, at);
        if (rule->destination != 0 && rule->destination != destination)
            continue;
        return depends_on_record(rule) ? (struct toll_decision){0, 0}
                                       : (struct toll_decision){verdict_of(rule), at};
    }
    return (struct toll_decision){0, 0};
}

static bool has_destination(const struct toll_book *book, const struct toll_chain *chain)
{
    for (uint32_t at = 0; at < chain->count; at++)
        if (rule_of(book, chain, at)->destination != 0)
            return true;
    return false;
}

bool toll_verdicts_init(struct toll_verdicts *verdicts, const struct toll_book *book)
{
    const size_t chains = book->chain_count, bytes = toll_hot_round(chains * sizeof(uint32_t));
    uint32_t asking = 0;
    memset(verdicts, 0, sizeof *verdicts);
    for (uint32_t i = 1; i < chains; i++)
        asking += has_destination(book, &book->chains[i]);
    size_t count = (size_t)asking * book->destination_count;
    count = count <= TOLL_DECISIONS_MAX ? count : 0;
    if (!toll_hot_init(&verdicts->hot, 2 * bytes + toll_hot_round(count * sizeof(struct toll_decision))))
        return false;
    uint32_t *chain = toll_hot_take(&verdicts->hot, bytes), *asks = toll_hot_take(&verdicts->hot, bytes);
    struct toll_decision *decisions = toll_hot_take(&verdicts->hot, count * sizeof *decisions);
    asking = 0;
    for (uint32_t i = 1; i < chains; i++) {
        chain[i] = verdict_of_chain(book, &book->chains[i]);
        if (!has_destination(book, &book->chains[i]))
            continue;
        struct toll_decision *here = decisions + (size_t)asking * book->destination_count;
        asks[i] = ++asking;
        for (uint32_t d = 0; count > 0 && d < book->destination_count; d++)
            here[d] = decide(book, &book->chains[i], (int32_t)d);
    }
    verdicts->chain = chain;
    verdicts->asks = asks;
    verdicts->decisions = count > 0 ? decisions : NULL;
    verdicts->destinations = book->destination_count;
    return true;
}

void toll_verdicts_free(struct toll_verdicts *verdicts)
{
    toll_hot_free(&verdicts->hot);
    memset(verdicts, 0, sizeof *verdicts);
}
