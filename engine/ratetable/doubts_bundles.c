/*
 * Bundles that nobody has or no call can draw on, services that nothing counts, tiers that no rule names,
 * currencies that nothing exchanges, and accounts that could not be closed.
 */
#include "ratetable/doubts.h"

#include "ratetable/subscriptions.h"

/* -- who is there -- */

/* What some owner has: accounts and sites with a number, trunk or hint, and plans by which they are sold. */
struct owned {
    bool *accounts, *sites, *plans;
};

static void owned_free(struct owned *owned)
{
    free(owned->accounts);
    free(owned->sites);
    free(owned->plans);
}

static bool owned_make(const struct toll_build *build, struct owned *owned)
{
    const struct toll_buffer *owners = &build->sections[TOLL_SECTION_OWNERS];
    const struct toll_plan_span *spans = build->sections[TOLL_SECTION_SPANS].data;

    owned->accounts = calloc(build->accounts.strings.count + 1u, sizeof(bool));
    owned->sites = calloc(build->sites.strings.count + 1u, sizeof(bool));
    owned->plans = calloc(build->plans.strings.count + 1u, sizeof(bool));
    if (owned->accounts == NULL || owned->sites == NULL || owned->plans == NULL)
        return false;
    for (size_t i = 1; i < owners->count; i++) {
        const struct toll_owner *owner = TOLL_BUFFER_AT(owners, struct toll_owner, i);
        owned->accounts[owner->account] = owned->sites[owner->site] = true;
        for (uint32_t s = 0; s < owner->span_count; s++)
            owned->plans[spans[owner->span + s].plan] = true;
    }
    return true;
}

/* -- bundles and subscriptions -- */

static int check_bundles(struct toll_build *build)
{
    const struct toll_buffer *bundles = &build->sections[TOLL_SECTION_BUNDLES];
    const char *strings = build->sections[TOLL_SECTION_STRINGS].data;
    bool *subscribed = calloc(bundles->count + 1, sizeof(bool));

    if (subscribed == NULL)
        return toll_build_memory(build);
    for (size_t i = 0; i < build->subscriptions.count; i++)
        subscribed[TOLL_BUFFER_AT(&build->subscriptions, struct toll_subscription, i)->bundle] = true;
    for (size_t i = 1; i < bundles->count; i++) {
        const struct toll_bundle *bundle = TOLL_BUFFER_AT(bundles, struct toll_bundle, i);
        if (!subscribed[i])
            toll_doubt(build, "unused_bundle", toll_doubt_path(build, "bundles.csv"), bundle->line, 0,
                       "nobody has the bundle \"%.60s\": no row of subscriptions.csv names it",
                       strings + bundle->bundle);
    }
    free(subscribed);
    return 0;
}

/* Has the plan a rule for some of the bundle's calls that charges them? */
static bool plan_charges(const struct toll_build *build, int32_t plan, const struct toll_bundle *bundle)
{
    const uint32_t *plan_chains = build->sections[TOLL_SECTION_PLAN_CHAINS].data;
    const struct toll_chain *chains = build->sections[TOLL_SECTION_CHAINS].data;
    const uint32_t *ids = build->sections[TOLL_SECTION_CHAIN_RULES].data;
    const struct toll_rule *rules = build->sections[TOLL_SECTION_RULES].data;

    for (unsigned key = 0; key < TOLL_CHAIN_KEYS; key++) {
        const struct toll_chain *chain = &chains[plan_chains[(size_t)plan * TOLL_CHAIN_KEYS + key]];
        if ((bundle->keys[key / 64] >> key % 64 & 1) == 0)
            continue;
        for (uint32_t i = 0; i < chain->count; i++) {
            const int32_t action = rules[ids[chain->first + i]].action;
            if (action != TOLL_ACTION_FREE && action != TOLL_ACTION_REJECT)
                return true;
        }
    }
    return false;
}

static void row_doubt(struct toll_build *build, const struct toll_subscription *row, const char *name,
                      const char *format, const char *text)
{
    toll_doubt(build, name, toll_doubt_path(build, "subscriptions.csv"), row->line, 0, format, text);
}

static void check_row(struct toll_build *build, const struct toll_subscription *row,
                      const struct owned *owned)
{
    const uint32_t id = (uint32_t)row->subject;

    if (row->level == TOLL_LEVEL_ACCOUNT && !owned->accounts[id])
        row_doubt(build, row, "idle_subject",
                  "the account \"%.60s\" has no number, trunk or hint, so no call draws on its bundle",
                  toll_strings_text(&build->accounts.strings, id, NULL));
    if (row->level == TOLL_LEVEL_SITE && !owned->sites[id])
        row_doubt(build, row, "idle_subject",
                  "the site \"%.60s\" has no number, trunk or hint, so no call draws on its bundle",
                  toll_strings_text(&build->sites.strings, id, NULL));
    if (row->level != TOLL_LEVEL_PLAN)
        return;
    if (!owned->plans[id])
        row_doubt(build, row, "idle_subject",
                  "the plan \"%.60s\" is given to no number, site, account or default on the side sell, so "
                  "no call draws on its bundle",
                  toll_strings_text(&build->plans.strings, id, NULL));
    else if (!plan_charges(build, (int32_t)id, toll_build_bundle(build, row->bundle)))
        row_doubt(build, row, "idle_bundle",
                  "no rule of the plan \"%.60s\" charges a call that this bundle is for",
                  toll_strings_text(&build->plans.strings, id, NULL));
}

static int check_subscriptions(struct toll_build *build)
{
    struct owned owned = {NULL, NULL, NULL};
    const bool good = owned_make(build, &owned);

    for (size_t i = 0; i < build->subscriptions.count && good; i++)
        check_row(build, TOLL_BUFFER_AT(&build->subscriptions, struct toll_subscription, i), &owned);
    owned_free(&owned);
    return good ? 0 : toll_build_memory(build);
}

/* -- services -- */

/* Types that a tax counts as lines; good where `counted` is there. */
static void count_taxed(const struct toll_build *build, bool *counted)
{
    const struct toll_buffer *bases = &build->sections[TOLL_SECTION_TAX_LINE_BASES];

    for (size_t i = 0; i < bases->count && counted != NULL; i++) {
        const char *type = (const char *)build->sections[TOLL_SECTION_STRINGS].data +
                           TOLL_BUFFER_AT(bases, struct toll_tax_line_basis, i)->type;
        counted[toll_strings_find(&build->service_types.strings, type, strlen(type))] = true;
    }
}

static int check_services(struct toll_build *build)
{
    const uint32_t count = build->service_types.strings.count;
    bool *counted = calloc(count + 1u, sizeof(bool)), *there = calloc(count + 1u, sizeof(bool));
    const bool good = counted != NULL && there != NULL;
    bool counts = false;

    for (size_t i = 0; i < build->services.count && good; i++)
        there[TOLL_BUFFER_AT(&build->services, struct toll_service, i)->type] = true;
    for (size_t i = 0; i < build->subscriptions.count && good; i++) {
        const struct toll_subscription *row =
            TOLL_BUFFER_AT(&build->subscriptions, struct toll_subscription, i);
        if (row->type == 0)
            continue;
        counts = counted[row->type] = true;
        if (!there[row->type])
            row_doubt(build, row, "no_service",
                      "services.csv has no service of type \"%.60s\", so this row gives nothing",
                      toll_strings_text(&build->service_types.strings, row->type, NULL));
    }
    count_taxed(build, counted);
    /* Services are there for more than bundles: only who counts some may have meant the others. */
    for (size_t i = 0; i < build->services.count && good && counts; i++) {
        const struct toll_service *service = TOLL_BUFFER_AT(&build->services, struct toll_service, i);
        if (counted[service->type])
            continue;
        counted[service->type] = true;
        toll_doubt(build, "uncounted_service", toll_doubt_path(build, "services.csv"), service->line, 0,
                   "no row of subscriptions.csv counts services of type \"%.60s\"",
                   toll_strings_text(&build->service_types.strings, service->type, NULL));
    }
    free(counted);
    free(there);
    return good ? 0 : toll_build_memory(build);
}

/* -- tiers -- */

static int check_tiers(struct toll_build *build)
{
    const struct toll_buffer *tiers = &build->sections[TOLL_SECTION_TIERS];
    const struct toll_buffer *rules = &build->sections[TOLL_SECTION_RULES];
    const char *strings = build->sections[TOLL_SECTION_STRINGS].data;
    bool *used = calloc(tiers->count + 1, sizeof(bool));

    if (used == NULL)
        return toll_build_memory(build);
    for (size_t i = 1; i < rules->count; i++)
        used[TOLL_BUFFER_AT(rules, struct toll_rule, i)->tiers] = true;
    for (size_t i = 1; i < tiers->count; i++) {
        const struct toll_tiers *one = TOLL_BUFFER_AT(tiers, struct toll_tiers, i);
        if (!used[i])
            toll_doubt(build, "unused_tiers", toll_doubt_path(build, "tiers.csv"), one->line, 0,
                       "the tiers \"%.60s\" are used by no rule of plan_rules.csv", strings + one->name);
    }
    free(used);
    return 0;
}

/* Does `close` refuse them for an account whose billing period is not the calendar month? */
static bool keeps_open(const struct toll_tiers *tiers)
{
    return tiers->period == TOLL_TIER_MONTH &&
           (tiers->mode == TOLL_TIER_VOLUME || tiers->minimum_spend > 0 || tiers->maximum_spend != INT64_MAX);
}

static int check_closing(struct toll_build *build)
{
    const struct toll_buffer *owners = &build->sections[TOLL_SECTION_OWNERS];
    const struct toll_buffer *rules = &build->sections[TOLL_SECTION_RULES];
    const struct toll_tiers *tiers = build->sections[TOLL_SECTION_TIERS].data;
    const struct toll_plan_span *spans = build->sections[TOLL_SECTION_SPANS].data;
    const struct toll_account *accounts = build->sections[TOLL_SECTION_ACCOUNTS].data;
    const char *strings = build->sections[TOLL_SECTION_STRINGS].data;
    uint32_t *keeping = calloc(build->plans.strings.count + 1u, sizeof(*keeping)); /* by plan: the tiers */
    bool *told = calloc(build->accounts.strings.count + 1u, sizeof(*told));
    const bool good = keeping != NULL && told != NULL;

    for (size_t i = 1; i < rules->count && good; i++) {
        const struct toll_rule *rule = TOLL_BUFFER_AT(rules, struct toll_rule, i);
        if (rule->tiers > 0 && keeps_open(&tiers[rule->tiers]))
            keeping[rule->plan] = rule->tiers;
    }
    for (size_t i = 1; i < owners->count && good; i++) {
        const struct toll_owner *owner = TOLL_BUFFER_AT(owners, struct toll_owner, i);
        const struct toll_account *account = &accounts[owner->account];
        for (uint32_t s = 0; s < owner->span_count && account->cycle_day != 1 && !told[owner->account]; s++) {
            const uint32_t one = keeping[spans[owner->span + s].plan];
            if (one == 0)
                continue;
            told[owner->account] = true;
            toll_doubt(build, "cannot_close", toll_doubt_path(build, "accounts.csv"), account->line, 0,
                       "the account cannot be closed: its billing period begins on day %d, but the tiers "
                       "\"%.60s\" are of calendar months; give them period anchor",
                       account->cycle_day, strings + tiers[one].name);
        }
    }
    free(keeping);
    free(told);
    return good ? 0 : toll_build_memory(build);
}

/* -- exchange -- */

static bool has_rate(const struct toll_build *build, const char *from, const char *to)
{
    const struct toll_buffer *fx = &build->sections[TOLL_SECTION_FX];
    const char *strings = build->sections[TOLL_SECTION_STRINGS].data;

    for (size_t i = 0; i < fx->count; i++) {
        const struct toll_fx *row = TOLL_BUFFER_AT(fx, struct toll_fx, i);
        if (strcmp(strings + row->from, from) == 0 && strcmp(strings + row->to, to) == 0)
            return true;
    }
    return false;
}

/* A rule that buys in `from`, against the currency of an account; each two currencies once. */
static bool check_currencies(struct toll_build *build, struct toll_strings *seen,
                             const struct toll_rule *rule, const char *from, const char *to)
{
    const uint32_t before = seen->count;
    char pair[8];

    if (strcmp(from, to) == 0)
        return true;
    memcpy(pair, from, 4);
    memcpy(pair + 4, to, 4);
    if (toll_strings_add(seen, pair, sizeof(pair)) == 0)
        return false;
    if (seen->count > before && !has_rate(build, from, to))
        toll_doubt(
            build, "no_fx", toll_doubt_path(build, "plan_rules.csv"), rule->line, 0,
            "this rule buys in %s, but fx.csv has no rate from %s to %s, in which accounts are billed: "
            "their calls have no cost",
            from, from, to);
    return true;
}

static int check_exchange(struct toll_build *build)
{
    const struct toll_buffer *rules = &build->sections[TOLL_SECTION_RULES];
    const struct toll_plan *plans = build->sections[TOLL_SECTION_PLANS].data;
    const char *const *currencies = build->account_currencies.data;
    struct toll_strings seen = {.count = 0}, done = {.count = 0};
    bool good = true;

    for (size_t i = 1; i < rules->count && good; i++) {
        const struct toll_rule *rule = TOLL_BUFFER_AT(rules, struct toll_rule, i);
        const char *from = build->currency;
        const uint32_t before = done.count;
        if (!plans[rule->plan].buy || rule->action == TOLL_ACTION_FREE || rule->action == TOLL_ACTION_REJECT)
            continue;
        if (rule->action == TOLL_ACTION_DECK)
            from = TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, rule->deck - 1)->currency;
        good = toll_strings_add(&done, from, strlen(from)) > 0;
        if (done.count == before)
            continue;
        for (size_t a = 1; a < build->account_currencies.count && good; a++)
            good = check_currencies(build, &seen, rule, from, currencies[a]);
    }
    toll_strings_free(&seen);
    toll_strings_free(&done);
    return good ? 0 : toll_build_memory(build);
}

int toll_doubts_bundles(struct toll_build *build)
{
    static int (*const stages[])(struct toll_build *) = {check_bundles, check_subscriptions, check_services,
                                                         check_tiers,   check_closing,       check_exchange};
    int code = 0;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && code == 0; i++)
        code = stages[i](build);
    return code;
}
