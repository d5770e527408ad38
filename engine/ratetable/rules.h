/* Plan rules while they are compiled, and the chains made of them. */
#ifndef TOLL_RATETABLE_RULES_H
#define TOLL_RATETABLE_RULES_H

#include "ratetable/build.h"

#define TOLL_RULE_ANY (-1)

/* A rule's conditions that decide the chain; TOLL_RULE_ANY or the value. */
struct toll_rule_match {
    int8_t service, direction, class_, jurisdiction;
    uint8_t services; /* bits: of tiers, those of their unit; of others all */
};
#define TOLL_RULE_ALL_SERVICES 0x1Fu

/* The deck of a rule that needs no further look at a call, else 0: the definition of toll_chain.simple_deck.
 */
static inline int32_t toll_rule_simple_deck(const struct toll_rule *rule)
{
    return rule->action == TOLL_ACTION_DECK && !rule->on_miss_next && rule->trunk == 0 &&
                   rule->destination == 0 && rule->from == TOLL_MS_MIN && rule->until == TOLL_MS_MAX
               ? rule->deck
               : 0;
}

/* Sections PLAN_CHAINS, CHAINS and CHAIN_RULES from section RULES; matches[rule id]. */
int toll_build_chains(struct toll_build *build, const struct toll_buffer *matches);

#endif
