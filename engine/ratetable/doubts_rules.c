/*
 * dead_rule: rules that no call can ever come to. A chain (chains.c) has all rules that fit a call's service,
 * direction, class and jurisdiction, in the order in which they are tried; a rule of it is dead if an earlier
 * one that always ends the search asks for no more trunk, destination or time than it does. A rule that is
 * dead in all chains that this book can come to is dead.
 */
#include "ratetable/doubts.h"
#include "ratetable/owners.h"
#include "ratetable/rules.h"
#include "tollmill_segment.h"

/* A rule that ends the search, in a list of those with the same trunk and destination. */
struct ender {
    uint32_t rule, next; /* next: index + 1 */
};

struct checker {
    struct toll_build *build;
    const char *path;
    const struct toll_rule *rules;
    const struct toll_rule_match *matches;
    size_t rule_count;
    bool *alive, *visited;          /* by rule; by chain */
    uint32_t *covered_by;           /* by rule: the first rule found that comes before it; 0 none */
    struct toll_strings conditions; /* trunk, destination */
    struct toll_buffer heads;       /* uint32_t by id of conditions - 1: index + 1 into enders */
    struct toll_buffer enders;
};

/* -- which calls there are -- */

static bool class_occurs(const struct toll_build *build, unsigned class_)
{
    if (class_ == TOLL_ON_NET)
        return build->on_net != TOLL_ON_NET_NONE;
    return build->nanp || class_ == TOLL_ORDINARY;
}

static bool words_say(const struct toll_build *build, int32_t jurisdiction)
{
    const struct toll_buffer *words = &build->sections[TOLL_SECTION_CALLTYPE_WORDS];
    const struct toll_book_meta *meta = build->sections[TOLL_SECTION_META].data;

    for (size_t i = 0; i < words->count && meta->basis == TOLL_BASIS_CARRIER; i++) {
        if (TOLL_BUFFER_AT(words, struct toll_calltype_word, i)->jurisdiction == jurisdiction)
            return true;
    }
    return false;
}

static bool jurisdiction_occurs(const struct toll_build *build, unsigned jurisdiction)
{
    if (!build->nanp)
        return jurisdiction == TOLL_INDETERMINATE;
    return jurisdiction != TOLL_LOCAL || build->sections[TOLL_SECTION_RATECENTER_NAMES].count > 1 ||
           words_say(build, TOLL_LOCAL);
}

static bool key_occurs(const struct toll_build *build, unsigned key)
{
    return class_occurs(build, key / 5 % 5) && jurisdiction_occurs(build, key % 5);
}

/* -- which rules end the search -- */

/* A deck with a row for everything, in force always, misses no call. */
static bool deck_misses(const struct toll_build *build, int32_t id)
{
    const struct toll_deck *deck = TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_DECKS], struct toll_deck, id);
    const uint32_t everything = deck->key == TOLL_KEY_CALLTYPE      ? deck->calltype_everything
                                : deck->key == TOLL_KEY_NPANXX_PAIR ? 0
                                                                    : deck->lpm.everything;

    return everything == 0 || (everything & TOLL_LPM_ENTRY) != 0;
}

static bool ends(const struct checker *checker, const struct toll_rule *rule)
{
    return rule->action != TOLL_ACTION_DECK || rule->on_miss_next == 0 ||
           !deck_misses(checker->build, rule->deck);
}

/* The head of the list of a trunk and a destination; NULL: none yet, or without memory where it is made. */
static uint32_t *head_of(struct checker *checker, int32_t trunk, int32_t destination, bool make)
{
    const int32_t key[2] = {trunk, destination};
    const uint32_t id = make ? toll_strings_add(&checker->conditions, (const char *)key, sizeof(key))
                             : toll_strings_find(&checker->conditions, (const char *)key, sizeof(key));

    if (id == 0)
        return NULL;
    if (id > checker->heads.count && TOLL_BUFFER_ADD(&checker->heads, uint32_t) == NULL)
        return NULL;
    return TOLL_BUFFER_AT(&checker->heads, uint32_t, id - 1);
}

/* An earlier rule with this trunk and destination whose time covers the rule's; 0 none. */
static uint32_t coverer(struct checker *checker, const struct toll_rule *rule, int32_t trunk,
                        int32_t destination)
{
    const uint32_t *head = head_of(checker, trunk, destination, false);

    for (uint32_t at = head != NULL ? *head : 0; at > 0;) {
        const struct ender *ender = TOLL_BUFFER_AT(&checker->enders, struct ender, at - 1);
        const struct toll_rule *earlier = &checker->rules[ender->rule];
        if (earlier->from <= rule->from && earlier->until >= rule->until)
            return ender->rule;
        at = ender->next;
    }
    return 0;
}

static bool add_ender(struct checker *checker, uint32_t id)
{
    const struct toll_rule *rule = &checker->rules[id];
    uint32_t *head = head_of(checker, rule->trunk, rule->destination, true);
    struct ender *ender = head != NULL ? TOLL_BUFFER_ADD(&checker->enders, struct ender) : NULL;

    if (ender == NULL)
        return false;
    *ender = (struct ender){id, *head};
    *head = (uint32_t)checker->enders.count;
    return true;
}

/* Marks the rules of a chain that a call can come to. */
static bool walk_chain(struct checker *checker, const struct toll_chain *chain)
{
    const uint32_t *ids = checker->build->sections[TOLL_SECTION_CHAIN_RULES].data;

    toll_strings_free(&checker->conditions);
    checker->heads.count = checker->enders.count = 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        const uint32_t id = ids[chain->first + i];
        const struct toll_rule *rule = &checker->rules[id];
        uint32_t earlier = coverer(checker, rule, 0, 0);
        earlier = earlier > 0 ? earlier : coverer(checker, rule, rule->trunk, 0);
        earlier = earlier > 0 ? earlier : coverer(checker, rule, 0, rule->destination);
        earlier = earlier > 0 ? earlier : coverer(checker, rule, rule->trunk, rule->destination);
        if (earlier > 0) {
            checker->covered_by[id] = earlier;
            continue;
        }
        checker->alive[id] = true;
        if (ends(checker, rule) && !add_ender(checker, id))
            return false;
    }
    return true;
}

static bool walk_plans(struct checker *checker)
{
    const struct toll_buffer *sections = checker->build->sections;
    const uint32_t *plan_chains = sections[TOLL_SECTION_PLAN_CHAINS].data;
    const struct toll_chain *chains = sections[TOLL_SECTION_CHAINS].data;

    for (size_t i = 0; i < sections[TOLL_SECTION_PLAN_CHAINS].count; i++) {
        const uint32_t chain = plan_chains[i];
        if (checker->visited[chain] || !key_occurs(checker->build, (unsigned)(i % TOLL_CHAIN_KEYS)))
            continue;
        checker->visited[chain] = true;
        if (!walk_chain(checker, &chains[chain]))
            return false;
    }
    return true;
}

/* -- what is told -- */

/* Has somebody the rule's plan in its time? A day more at both ends: numbers' dates are local. */
static bool plan_in_time(const struct toll_build *build, const struct toll_rule *rule)
{
    bool assigned = false;

    if (rule->from == TOLL_MS_MIN && rule->until == TOLL_MS_MAX)
        return true;
    for (size_t i = 0; i < build->assignments.count; i++) {
        const struct toll_assignment *row = TOLL_BUFFER_AT(&build->assignments, struct toll_assignment, i);
        if (row->buy || row->plan != rule->plan)
            continue;
        assigned = true;
        if ((rule->until == TOLL_MS_MAX || row->from == TOLL_MS_MIN ||
             row->from - TOLL_DAY_MS < rule->until) &&
            (row->until == TOLL_MS_MAX || rule->from == TOLL_MS_MIN || rule->from < row->until + TOLL_DAY_MS))
            return true;
    }
    return !assigned; /* unused_plan tells that */
}

static const char *class_name(unsigned class_)
{
    static const char *const names[] = {"ordinary", "toll_free", "premium", "n11", "on_net"};

    return names[class_];
}

static void report(struct checker *checker, uint32_t id)
{
    static const char name[] = "dead_rule";
    const struct toll_rule *rule = &checker->rules[id];
    const struct toll_rule_match *match = &checker->matches[id];
    struct toll_build *build = checker->build;

    if (match->class_ != TOLL_RULE_ANY && !class_occurs(build, (unsigned)match->class_))
        toll_doubt(build, name, checker->path, rule->line, 0,
                   "no call comes to this rule: in number plan e164 no call has the class %s",
                   class_name((unsigned)match->class_));
    else if (match->jurisdiction != TOLL_RULE_ANY &&
             !jurisdiction_occurs(build, (unsigned)match->jurisdiction))
        toll_doubt(build, name, checker->path, rule->line, 0,
                   build->nanp ? "no call comes to this rule: no call of this book is local, because no row "
                                 "of npanxx.csv has a ratecenter"
                               : "no call comes to this rule: in number plan e164 every call's jurisdiction "
                                 "is indeterminate");
    else if (match->class_ == TOLL_N11 && rule->destination > 0)
        toll_doubt(build, name, checker->path, rule->line, 0,
                   "no call comes to this rule: the callee of class n11 is a short code, which lies in no "
                   "destination");
    else if (!checker->alive[id])
        toll_doubt(build, name, checker->path, rule->line, 0,
                   "no call comes to this rule: line %u is tried before it, asks for no more, and never lets "
                   "a call go on; change the priority, or take one of the two out",
                   checker->rules[checker->covered_by[id]].line);
    else if (!plan_in_time(build, rule))
        toll_doubt(build, name, checker->path, rule->line, 0,
                   "no call comes to this rule: in its time nobody has its plan \"%.60s\"",
                   toll_strings_text(&build->plans.strings, (uint32_t)rule->plan, NULL));
}

/* An amount that the book's rounding never leaves as it is written. */
static void check_amount(struct checker *checker, const struct toll_rule *rule)
{
    const struct toll_buffer *sections = checker->build->sections;
    const struct toll_terms *terms =
        TOLL_BUFFER_AT(&sections[TOLL_SECTION_TERMS], struct toll_terms,
                       *TOLL_BUFFER_AT(&sections[TOLL_SECTION_PRICE_TERMS], uint32_t, rule->price));

    if (rule->action == TOLL_ACTION_FLAT && terms->connect_fee % terms->quantum != 0)
        toll_doubt(checker->build, "rate_decimals", checker->path, rule->line, 0,
                   "amount: it has more decimals than the book's charges keep (%d): it is never charged as "
                   "written",
                   terms->decimals);
}

int toll_doubts_rules(struct toll_build *build)
{
    const size_t rules = build->sections[TOLL_SECTION_RULES].count;
    struct checker checker = {.build = build,
                              .path = toll_doubt_path(build, "plan_rules.csv"),
                              .rules = build->sections[TOLL_SECTION_RULES].data,
                              .matches = build->rule_matches.data,
                              .rule_count = rules,
                              .alive = calloc(rules + 1, sizeof(bool)),
                              .visited = calloc(build->sections[TOLL_SECTION_CHAINS].count + 1, sizeof(bool)),
                              .covered_by = calloc(rules + 1, sizeof(uint32_t))};
    const bool good = checker.alive != NULL && checker.visited != NULL && checker.covered_by != NULL &&
                      walk_plans(&checker);

    for (uint32_t id = 1; id < rules && good; id++) {
        check_amount(&checker, &checker.rules[id]);
        report(&checker, id);
    }
    free(checker.alive);
    free(checker.visited);
    free(checker.covered_by);
    toll_strings_free(&checker.conditions);
    toll_buffer_free(&checker.heads);
    toll_buffer_free(&checker.enders);
    return good ? 0 : toll_build_memory(build);
}
