/*
 * Currencies: a deck prices in its own currency and the line belongs to an account, so the two must be one
 * for every account that can reach the deck: by the plans of its numbers over time, and by those of trunks
 * and carriers, which any account meets where no more specific plan is in force.
 */
#include "ratetable/decks.h"

#include <stdio.h>
#include <stdlib.h>

/* Bits of plans. */
struct plan_set {
    uint64_t *bits;
    size_t words;
};

struct reach {
    struct toll_build *build;
    const struct toll_owner *owners;
    const struct toll_plan_span *spans;
    const struct toll_rule *rules;
    struct plan_set trunk_plans, carrier_plans;
    /* The first account (by id) that reaches a plan with a currency: (plan, currency) pairs as they come. */
    struct toll_strings pairs;
};

static bool set_make(struct plan_set *set, size_t plans)
{
    set->words = plans / 64 + 1;
    set->bits = calloc(set->words, sizeof(*set->bits));
    return set->bits != NULL;
}

static void set_add_named(struct reach *reach, struct plan_set *set, enum toll_section section)
{
    const struct toll_buffer *named = &reach->build->sections[section];

    for (size_t i = 0; i < named->count; i++) {
        const struct toll_named *row = TOLL_BUFFER_AT(named, struct toll_named, i);
        for (uint32_t s = 0; s < row->span_count; s++) {
            const int32_t plan = reach->spans[row->span + s].plan;
            set->bits[plan / 64] |= UINT64_C(1) << (plan % 64);
        }
    }
}

/* One finding for each (plan, currency) that a deck of the plan does not have. */
static bool check_plan(struct reach *reach, int32_t account, int32_t plan)
{
    struct toll_build *build = reach->build;
    const char *currency = *TOLL_BUFFER_AT(&build->account_currencies, const char *, account);
    const size_t rule_count = build->sections[TOLL_SECTION_RULES].count;
    const uint32_t before = reach->pairs.count;
    char pair[32], path[4096];
    const int bytes = snprintf(pair, sizeof(pair), "%d %s", plan, currency);
    const uint32_t id = toll_strings_add(&reach->pairs, pair, (size_t)bytes);

    if (id == 0)
        return false;
    if (id <= before)
        return true;
    snprintf(path, sizeof(path), "%s/plan_rules.csv", build->folder);
    for (size_t r = 1; r < rule_count; r++) {
        const struct toll_rule *rule = &reach->rules[r];
        const struct toll_deck_build *deck;
        if (rule->plan != plan || rule->action != TOLL_ACTION_DECK)
            continue;
        deck = TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, rule->deck - 1);
        if (strcmp(deck->currency, currency) == 0)
            continue;
        toll_finding(
            build->findings, TOLL_ERROR, path, rule->line, 0,
            "deck: the deck \"%.60s\" is in %s, but the account \"%.60s\" in %s can reach it by this rule; "
            "give that account a plan with decks in its currency",
            deck->name, deck->currency, toll_strings_text(&build->accounts.strings, (uint32_t)account, NULL),
            currency);
    }
    return true;
}

static bool check_set(struct reach *reach, int32_t account, const struct plan_set *set)
{
    bool good = true;

    for (size_t word = 0; word < set->words; word++) {
        for (uint64_t bits = set->bits[word]; bits != 0 && good; bits &= bits - 1)
            good = check_plan(reach, account, (int32_t)(word * 64) + __builtin_ctzll(bits));
    }
    return good;
}

static bool check_owner(struct reach *reach, const struct toll_owner *owner)
{
    toll_ms covered = TOLL_MS_MIN;
    bool only_number = true, only_specific = true, good = true;

    for (uint32_t s = 0; s < owner->span_count && good; s++) {
        const struct toll_plan_span *span = &reach->spans[owner->span + s];
        good = check_plan(reach, owner->account, span->plan);
        only_number = only_number && span->level == TOLL_LEVEL_NUMBER && span->from == covered;
        only_specific = only_specific && span->level != TOLL_LEVEL_DEFAULT && span->from == covered;
        covered = span->until;
    }
    if (good && !(only_number && covered == TOLL_MS_MAX))
        good = check_set(reach, owner->account, &reach->trunk_plans);
    if (good && !(only_specific && covered == TOLL_MS_MAX))
        good = check_set(reach, owner->account, &reach->carrier_plans);
    return good;
}

/* Most books have no other currency than their own. */
static bool one_currency(const struct toll_build *build)
{
    for (size_t i = 1; i < build->account_currencies.count; i++) {
        if (strcmp(*TOLL_BUFFER_AT(&build->account_currencies, const char *, i), build->currency) != 0)
            return false;
    }
    for (size_t i = 0; i < build->deck_builds.count; i++) {
        if (strcmp(TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, i)->currency,
                   build->currency) != 0)
            return false;
    }
    return true;
}

int toll_build_reach(struct toll_build *build)
{
    struct reach reach = {.build = build,
                          .owners = build->sections[TOLL_SECTION_OWNERS].data,
                          .spans = build->sections[TOLL_SECTION_SPANS].data,
                          .rules = build->sections[TOLL_SECTION_RULES].data};
    const size_t plans = build->sections[TOLL_SECTION_PLANS].count;

    if (one_currency(build))
        return 0;
    bool good = set_make(&reach.trunk_plans, plans) && set_make(&reach.carrier_plans, plans);

    if (good) {
        set_add_named(&reach, &reach.trunk_plans, TOLL_SECTION_TRUNKS);
        set_add_named(&reach, &reach.carrier_plans, TOLL_SECTION_CARRIERS);
    }
    for (size_t i = 1; i < build->sections[TOLL_SECTION_OWNERS].count && good; i++)
        good = check_owner(&reach, &reach.owners[i]);
    free(reach.trunk_plans.bits);
    free(reach.carrier_plans.bits);
    toll_strings_free(&reach.pairs);
    return good ? 0 : toll_build_memory(build);
}
