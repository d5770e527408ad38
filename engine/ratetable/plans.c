/* plans.csv and plan_rules.csv: each rule's cells, its price row where it has one of its own, and its
 * conditions. */
#include "ratetable/decks.h"
#include "ratetable/prices.h"
#include "ratetable/rules.h"
#include "ratetable/tax_build.h"
#include "ratetable/tiers.h"
#include "tollmill_segment.h"

/* -- plans.csv -- */

enum { PLAN_NAME, PLAN_TITLE, PLAN_COLUMNS };
static const struct toll_table_column plan_columns[PLAN_COLUMNS] = {
    [PLAN_NAME] = {"plan", true}, [PLAN_TITLE] = {"name", false}};

static int read_plan(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *cell, *title = toll_table_cell(table, PLAN_TITLE);
    struct toll_plan *plan;
    uint32_t id, first;

    if (!toll_cell_name(table, PLAN_NAME, &cell))
        return 0;
    if (!toll_table_names_add(&build->plans, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "plan", first);
        return 0;
    }
    plan = TOLL_BUILD_ADD(build, PLANS, struct toll_plan);
    if (plan == NULL || !toll_build_text(build, cell->text, cell->bytes, &plan->plan) ||
        !toll_build_text(build, title->text, title->bytes, &plan->name))
        return toll_build_memory(build);
    plan->line = (uint32_t)cell->line;
    return 0;
}

int toll_build_plans(struct toll_build *build)
{
    struct toll_table *table;
    int code;

    if (TOLL_BUILD_ADD(build, PLANS, struct toll_plan) == NULL)
        return toll_build_memory(build);
    code = toll_build_table(build, "plans.csv", plan_columns, PLAN_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_plan(build, table);
        toll_table_close(table);
    }
    return code;
}

/* -- plan_rules.csv -- */

enum {
    PLAN,
    ACTION,
    SERVICE,
    DIRECTION,
    CLASS,
    JURISDICTION,
    DESTINATION,
    TRUNK,
    DECK,
    AMOUNT,
    PERCENT,
    ON_MISS,
    PRIORITY,
    FROM,
    TO,
    TIERS,
    PRODUCT,
    COLUMNS
};
static const struct toll_table_column columns[COLUMNS] = {
    [PLAN] = {"plan", true},
    [ACTION] = {"action", true},
    [SERVICE] = {"service", false},
    [DIRECTION] = {"direction", false},
    [CLASS] = {"class", false},
    [JURISDICTION] = {"jurisdiction", false},
    [DESTINATION] = {"destination", false},
    [TRUNK] = {"trunk", false},
    [DECK] = {"deck", false},
    [AMOUNT] = {"amount", false},
    [PERCENT] = {"percent", false},
    [ON_MISS] = {"on_miss", false},
    [PRIORITY] = {"priority", false},
    [FROM] = {"from", false},
    [TO] = {"to", false},
    [TIERS] = {"tiers", false},
    [PRODUCT] = {"product", false},
};

static const char *const actions[] = {"deck", "flat", "free", "markup", "reject", "tiers"};

#define PERCENT_DECIMALS 6                    /* of toll_terms.rate for markup */
#define PERCENT_MIN (INT64_C(-100) * 1000000) /* below it the charge would turn negative */
#define PERCENT_MAX (INT64_C(1000000) * 1000000)

/* A cell that the action has no use for: somebody expects an effect that it does not have. */
static bool unused(const struct toll_table *table, int column, int action)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes == 0)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.60s\": the action %s has no use for this cell; leave it empty", cell->text,
                      actions[action]);
    return false;
}

static bool read_percent(const struct toll_table *table, int64_t *percent)
{
    const struct toll_cell *cell = toll_table_cell(table, PERCENT);

    *percent = 0;
    if (cell->bytes == 0)
        return true;
    if (toll_decimal_parse(cell->text, cell->bytes, PERCENT_DECIMALS, percent) == 0 &&
        *percent >= PERCENT_MIN && *percent <= PERCENT_MAX)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.40s\" is not a percentage from -100 to 1000000 with at most %d decimals",
                      cell->text, PERCENT_DECIMALS);
    return false;
}

/* Amount and percent of a flat or mark-up rule. */
static bool read_price(struct toll_build *build, const struct toll_table *table, int action,
                       struct toll_terms *terms)
{
    const struct toll_cell *amount = toll_table_cell(table, AMOUNT);
    bool good;

    *terms = TOLL_TERMS_NEUTRAL;
    terms->action = (uint8_t)action;
    if (action != TOLL_ACTION_FLAT && action != TOLL_ACTION_MARKUP) {
        good = unused(table, AMOUNT, action);
        return unused(table, PERCENT, action) && good;
    }
    terms->decimals = (uint8_t)build->decimals;
    terms->quantum = toll_quantum(build->decimals);
    terms->rounding = (uint8_t)build->rounding;
    good = toll_cell_money(table, AMOUNT, 0, &terms->connect_fee);
    if (action == TOLL_ACTION_MARKUP)
        return read_percent(table, &terms->rate) && good;
    if (amount->bytes == 0) {
        toll_cell_finding(table, amount, TOLL_ERROR,
                          "a flat rule needs an amount; write 0 if it is to cost nothing");
        good = false;
    } else if (good && terms->connect_fee < 0) {
        toll_cell_finding(table, amount, TOLL_ERROR, "\"%.40s\" is negative", amount->text);
        good = false;
    }
    return unused(table, PERCENT, action) && good;
}

static bool choice(const struct toll_table *table, int column, const char *const *names, int count,
                   int8_t *out)
{
    int value;

    if (!toll_cell_choice(table, column, names, count, TOLL_RULE_ANY, &value))
        return false;
    *out = (int8_t)value;
    return true;
}

static bool read_match(struct toll_build *build, const struct toll_table *table,
                       struct toll_rule_match *match, struct toll_rule *rule)
{
    static const char *const services[] = {"voice", "sms", "mms", "data", "event"};
    static const char *const directions[] = {"out", "in"};
    static const char *const classes[] = {"ordinary", "toll_free", "premium", "n11", "on_net"};
    static const char *const jurisdictions[] = {"indeterminate", "local", "intrastate", "interstate",
                                                "international"};
    const struct toll_zone *zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, 0)->zone;
    int64_t priority = 0;
    bool good = choice(table, SERVICE, services, 5, &match->service);

    good = choice(table, DIRECTION, directions, 2, &match->direction) && good;
    good = choice(table, CLASS, classes, 5, &match->class_) && good;
    if (match->class_ == TOLL_ON_NET && build->on_net == TOLL_ON_NET_NONE) {
        toll_cell_finding(table, toll_table_cell(table, CLASS), TOLL_ERROR,
                          "\"on_net\": no call of this book is; set on_net in book.yaml to account or any");
        good = false;
    }
    good = choice(table, JURISDICTION, jurisdictions, 5, &match->jurisdiction) && good;
    good = toll_cell_reference(build, table, DESTINATION, "destination", "destinations.csv",
                               &build->destinations, &rule->destination) &&
           good;
    good = toll_cell_reference(build, table, TRUNK, "trunk", "trunks.csv or numbers.csv", &build->trunks,
                               &rule->trunk) &&
           good;
    if (rule->trunk > 0)
        rule->trunk = (int32_t)*TOLL_BUFFER_AT(&build->trunk_ids, uint32_t, rule->trunk);
    good = toll_cell_int(table, PRIORITY, INT32_MIN, INT32_MAX, 0, &priority) && good;
    rule->priority = (int32_t)priority;
    if (!toll_cell_period(table, FROM, TO, false, &rule->from, &rule->until))
        return false;
    rule->from = toll_local_to_utc(zone, rule->from);
    rule->until = toll_local_to_utc(zone, rule->until);
    return good;
}

/* The deck of an action deck; false after a finding, negative code when the run ends. */
static int read_rule_deck(struct toll_build *build, const struct toll_table *table, int action, int32_t *deck,
                          bool *good)
{
    const struct toll_cell *cell = toll_table_cell(table, DECK);
    int code;

    if (action != TOLL_ACTION_DECK) {
        *good = unused(table, DECK, action) && *good;
        return 0;
    }
    if (!toll_cell_name(table, DECK, &cell)) {
        *good = false;
        return 0;
    }
    code = toll_deck_find(build, cell->text, cell->bytes, deck);
    if (code == 0 && *deck == 0) {
        toll_unknown_finding(build, table, cell, "deck", cell->text, cell->bytes,
                             "decks.csv, and there is no file decks/<deck>.csv", &build->decks);
        *good = false;
    }
    return code;
}

/* The tiers of an action tiers; it is for services of their unit only. */
static bool read_tiers(struct toll_build *build, const struct toll_table *table, int action,
                       struct toll_rule_match *match, struct toll_rule *rule)
{
    const struct toll_plan *plans = build->sections[TOLL_SECTION_PLANS].data;
    const struct toll_cell *cell;
    const struct toll_tiers *tiers;
    int32_t name = 0;

    match->services = TOLL_RULE_ALL_SERVICES;
    if (action != TOLL_ACTION_TIERS)
        return unused(table, TIERS, action);
    if (!toll_cell_name(table, TIERS, &cell) ||
        !toll_cell_reference(build, table, TIERS, "tiers", "tiers.csv", &build->tiers, &name))
        return false;
    if (rule->plan > 0 && plans[rule->plan].buy) {
        toll_cell_finding(table, toll_table_cell(table, ACTION), TOLL_ERROR,
                          "\"tiers\": the plan is one to buy by, and a cost has no tiers; use a deck");
        return false;
    }
    rule->tiers = *TOLL_BUFFER_AT(&build->tiers_ids, uint32_t, name);
    if (rule->tiers == 0)
        return false; /* its rows have an error */
    tiers = TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TIERS], struct toll_tiers, rule->tiers);
    if (rule->product == 0)
        rule->product = tiers->product;
    match->services = (uint8_t)toll_unit_services(tiers->unit);
    if (match->service == TOLL_RULE_ANY || (match->services >> match->service & 1) != 0)
        return true;
    cell = toll_table_cell(table, SERVICE);
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is not counted in the unit of the tiers \"%.60s\"",
                      cell->text, toll_table_cell(table, TIERS)->text);
    return false;
}

/* Lines of tiers bear where the tiers begin, not the rule. */
static void price_tiers(const struct toll_build *build, uint32_t id, struct toll_terms *terms,
                        struct toll_price_origin *origin)
{
    const struct toll_tiers *tiers =
        TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TIERS], struct toll_tiers, id);

    toll_tiers_terms(build, id, terms);
    origin->file = tiers->file;
    origin->line = tiers->line;
}

static int read_rule(struct toll_build *build, const struct toll_table *table, uint32_t file)
{
    static const char *const on_misses[] = {"suspense", "next"};
    const struct toll_cell *cell;
    struct toll_rule rule = {.file = file, .line = (uint32_t)toll_table_line(table)}, *place;
    struct toll_rule_match match = {.services = 0}, *match_place;
    struct toll_price_origin origin = {.file = file, .line = rule.line};
    struct toll_terms terms;
    int on_miss = 0, action = -1, code, product;
    bool good = toll_cell_name(table, PLAN, &cell);

    good = toll_cell_reference(build, table, PLAN, "plan", "plans.csv", &build->plans, &rule.plan) && good;
    good = toll_cell_name(table, ACTION, &cell) && toll_cell_choice(table, ACTION, actions, 6, -1, &action) &&
           good;
    good = toll_cell_choice(table, ON_MISS, on_misses, 2, 0, &on_miss) && good;
    good = read_match(build, table, &match, &rule) && good;
    product = toll_cell_product(build, table, PRODUCT, &rule.product);
    if (product < 0)
        return product;
    if (action < 0 || product == 0)
        return 0;
    good = read_tiers(build, table, action, &match, &rule) && good;
    good = read_price(build, table, action, &terms) && good;
    code = read_rule_deck(build, table, action, &rule.deck, &good);
    if (code != 0 || !good)
        return code;
    if (build->sections[TOLL_SECTION_RULES].count > TOLL_RULES_MAX) {
        toll_cell_finding(table, cell, TOLL_ERROR, "the book has more than %d rules", TOLL_RULES_MAX);
        return 0;
    }
    if (action != TOLL_ACTION_DECK && action != TOLL_ACTION_REJECT) {
        origin.kind = action == TOLL_ACTION_FLAT    ? TOLL_PRICE_FLAT
                      : action == TOLL_ACTION_FREE  ? TOLL_PRICE_FREE
                      : action == TOLL_ACTION_TIERS ? TOLL_PRICE_TIERS
                                                    : TOLL_PRICE_MARKUP;
        origin.plan = rule.plan;
        if (action == TOLL_ACTION_TIERS)
            price_tiers(build, rule.tiers, &terms, &origin);
        code = toll_price_add(build, &terms, &origin, &rule.price);
    }
    if (code != 0)
        return code;
    rule.action = action;
    rule.on_miss_next = action == TOLL_ACTION_DECK && on_miss == 1;
    place = TOLL_BUILD_ADD(build, RULES, struct toll_rule);
    match_place = TOLL_BUFFER_ADD(&build->rule_matches, struct toll_rule_match);
    if (place == NULL || match_place == NULL)
        return toll_build_memory(build);
    *place = rule;
    *match_place = match;
    return 0;
}

int toll_build_rules(struct toll_build *build)
{
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_prices_begin(build);

    if (code == 0 && (TOLL_BUILD_ADD(build, RULES, struct toll_rule) == NULL ||
                      TOLL_BUFFER_ADD(&build->rule_matches, struct toll_rule_match) == NULL))
        code = toll_build_memory(build);
    if (code == 0)
        code = toll_build_table(build, "plan_rules.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "plan_rules.csv", &source);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_rule(build, table, source->text);
        toll_table_close(table);
    }
    if (code == 0)
        code = toll_build_chains(build, &build->rule_matches);
    return code;
}
