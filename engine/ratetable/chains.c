/*
 * Chains: for each plan and each (service, direction, class, jurisdiction) the rules that can match, in the
 * order in which they are tried. What is left to test on a call is destination, trunk and time. Equal chains
 * are stored once.
 */
#include "ratetable/rules.h"

#include "base/check.h"

#include <stdlib.h>

struct maker {
    struct toll_build *build;
    const struct toll_rule *rules;
    const struct toll_rule_match *matches;
    uint32_t *order; /* rule ids by (plan, priority, row) */
    struct toll_strings chains;
    struct toll_buffer scratch; /* uint32_t */
};

static int compare_rules(const void *left, const void *right, void *context)
{
    const struct maker *maker = context;
    const uint32_t a_id = *(const uint32_t *)left, b_id = *(const uint32_t *)right;
    const struct toll_rule *a = &maker->rules[a_id], *b = &maker->rules[b_id];

    if (a->plan != b->plan)
        return a->plan < b->plan ? -1 : 1;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return a_id < b_id ? -1 : a_id > b_id;
}

static bool fits(int8_t condition, unsigned value)
{
    return condition == TOLL_RULE_ANY || (unsigned)condition == value;
}

/* The id of the chain in scratch; 0 is the empty one. -1: out of memory or too many. */
static int64_t chain_store(struct maker *maker)
{
    struct toll_buffer *chains = &maker->build->sections[TOLL_SECTION_CHAINS];
    struct toll_buffer *stored = &maker->build->sections[TOLL_SECTION_CHAIN_RULES];
    const uint32_t *ids = maker->scratch.data;
    struct toll_chain *chain;
    uint32_t id, *at;

    if (maker->scratch.count == 0)
        return 0;
    id = toll_strings_add(&maker->chains, (const char *)ids, maker->scratch.count * sizeof(*ids));
    if (id == 0 || id < chains->count)
        return id == 0 ? -1 : (int64_t)id;
    TOLL_ASSERT(id == chains->count);
    if (stored->count + maker->scratch.count > TOLL_CHAIN_RULES_MAX)
        return -1;
    chain = TOLL_BUFFER_ADD(chains, struct toll_chain);
    if (chain == NULL)
        return -1;
    *chain = (struct toll_chain){(uint32_t)stored->count, (uint32_t)maker->scratch.count,
                                 toll_rule_simple_deck(&maker->rules[ids[0]]), 0};
    at = toll_buffer_add(stored, sizeof(*at), maker->scratch.count);
    if (at == NULL)
        return -1;
    memcpy(at, ids, maker->scratch.count * sizeof(*ids));
    return id;
}

/* The chains of one plan, whose rules are order[first..last). */
static bool make_plan(struct maker *maker, uint32_t plan, size_t first, size_t last)
{
    for (unsigned key = 0; key < TOLL_CHAIN_KEYS; key++) {
        const unsigned jurisdiction = key % 5, class_ = key / 5 % 5, direction = key / 25 % 2,
                       service = key / 50;
        int64_t chain;
        maker->scratch.count = 0;
        for (size_t i = first; i < last; i++) {
            const struct toll_rule_match *match = &maker->matches[maker->order[i]];
            uint32_t *place;
            if (!fits(match->service, service) || (match->services >> service & 1) == 0 ||
                !fits(match->direction, direction) || !fits(match->class_, class_) ||
                !fits(match->jurisdiction, jurisdiction))
                continue;
            place = TOLL_BUFFER_ADD(&maker->scratch, uint32_t);
            if (place == NULL)
                return false;
            *place = maker->order[i];
        }
        chain = chain_store(maker);
        if (chain < 0)
            return false;
        TOLL_DCHECK(toll_chain_key(service, direction, class_, jurisdiction) == key);
        *TOLL_BUFFER_AT(&maker->build->sections[TOLL_SECTION_PLAN_CHAINS], uint32_t,
                        (size_t)plan * TOLL_CHAIN_KEYS + key) = (uint32_t)chain;
    }
    return true;
}

static bool make_chains(struct maker *maker)
{
    struct toll_build *build = maker->build;
    const size_t count = build->sections[TOLL_SECTION_RULES].count;
    const size_t plans = build->sections[TOLL_SECTION_PLANS].count;
    size_t first = 0;

    if (toll_buffer_add(&build->sections[TOLL_SECTION_PLAN_CHAINS], sizeof(uint32_t),
                        plans * TOLL_CHAIN_KEYS) == NULL ||
        TOLL_BUILD_ADD(build, CHAINS, struct toll_chain) == NULL)
        return false;
    maker->order = malloc(count * sizeof(*maker->order));
    if (maker->order == NULL)
        return false;
    for (uint32_t id = 1; id < count; id++)
        maker->order[id - 1] = id;
    qsort_r(maker->order, count - 1, sizeof(*maker->order), compare_rules, maker);
    for (uint32_t plan = 1; plan < plans; plan++) {
        size_t last = first;
        while (last < count - 1 && maker->rules[maker->order[last]].plan == (int32_t)plan)
            last++;
        if (!make_plan(maker, plan, first, last))
            return false;
        first = last;
    }
    return true;
}

int toll_build_chains(struct toll_build *build, const struct toll_buffer *matches)
{
    struct maker maker = {
        .build = build, .rules = build->sections[TOLL_SECTION_RULES].data, .matches = matches->data};
    const bool good = make_chains(&maker);

    free(maker.order);
    toll_strings_free(&maker.chains);
    toll_buffer_free(&maker.scratch);
    return good ? 0 : toll_build_memory(build);
}
