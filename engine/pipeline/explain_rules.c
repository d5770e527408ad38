/* The rules of a plan in the order in which they are tried (docs/RATING.md section 6): each that does not
 * match with the conditions that fail, then the one that decides. Whether a condition holds is asked of the
 * compiled chains, as rating does; what it says is read from the table. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSED_SHOWN = 40 };

static const char *const services[] = {"voice", "sms", "mms", "data", "event"};

/* What the walk over the rules told of each: by rule id, 0 not looked at, else 1 + verdict. */
struct verdicts {
    uint8_t *verdict, *status;
};

struct listed {
    uint32_t id;
    int32_t priority;
};

static const char *rule_does(const struct toll_explainer *explainer, const struct toll_rule *rule,
                             char *buffer, size_t room)
{
    static const char *const actions[] = {"deck", "flat", "free", "markup", "reject", "tiers"};
    const struct toll_book *book = explainer->book;
    if (rule->action == TOLL_ACTION_DECK)
        snprintf(buffer, room, "deck %s", toll_book_string(book, book->decks[rule->deck].name));
    else if (rule->action == TOLL_ACTION_TIERS)
        snprintf(buffer, room, "tiers %s", toll_book_string(book, book->tiers[rule->tiers].name));
    else
        snprintf(buffer, room, "%s", actions[rule->action]);
    return buffer;
}

/* ---- conditions ---- */

/* Is the rule in a chain of its plan for some service, direction, class and jurisdiction, of which those
 * given (not negative) are fixed? */
static bool rule_takes(const struct toll_book *book, uint32_t id, int service, int direction, int class_,
                       int jurisdiction)
{
    const size_t plan = (size_t)book->rules[id].plan * TOLL_CHAIN_KEYS;
    for (uint32_t key = 0; key < TOLL_CHAIN_KEYS; key++) {
        if ((service >= 0 && toll_chain_key_service(key) != (uint32_t)service) ||
            (direction >= 0 && key / 25 % 2 != (uint32_t)direction) ||
            (class_ >= 0 && key / 5 % 5 != (uint32_t)class_) ||
            (jurisdiction >= 0 && key % 5 != (uint32_t)jurisdiction))
            continue;
        const struct toll_chain *chain = &book->chains[book->plan_chains[plan + key]];
        for (uint32_t i = chain->first; i < chain->first + chain->count; i++)
            if (book->chain_rules[i] == id)
                return true;
    }
    return false;
}

enum { SERVICE, DIRECTION, CLASS, JURISDICTION, DESTINATION, TRUNK, FROM, TO, CONDITIONS };
static const char *const columns[] = {"service", "direction", "class", "jurisdiction", "destination", "trunk",
                                      "from",    "to",        NULL};
struct cells {
    uint32_t line;
    char text[CONDITIONS][96];
};

static bool rule_row(void *context, uint32_t line, const struct toll_csv_field *fields)
{
    struct cells *cells = context;
    if (line != cells->line)
        return true;
    for (int i = 0; i < CONDITIONS; i++)
        toll_explain_cell(&fields[i], cells->text[i], sizeof cells->text[i]);
    return false;
}

struct text {
    char *text;
    size_t room, bytes;
};

static void put(struct text *out, const char *what, const char *wanted, const char *has)
{
    if (out->bytes < out->room)
        out->bytes += (size_t)snprintf(out->text + out->bytes, out->room - out->bytes, "%s%s %s, %s",
                                       out->bytes == 0 ? "" : "; ", what, wanted, has);
}

/* "class premium, the call is ordinary; direction in, the call is out" */
static void say_conditions(const struct toll_explainer *explainer, uint32_t id, char *buffer, size_t room)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row *row = explainer->row;
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_rule *rule = &book->rules[id];
    const unsigned service = toll_kind_service(row->kind);
    const bool in = (row->kind & TOLL_KIND_IN) != 0;
    struct cells cells = {.line = rule->line};
    struct text out = {buffer, room, 0};
    char has[256];
    buffer[0] = 0;
    toll_explain_table(book, toll_book_string(book, rule->file), columns, rule_row, &cells);
    if (!rule_takes(book, id, (int)service, -1, -1, -1)) {
        snprintf(has, sizeof has, "the call is %s", services[service]);
        if (rule->action == TOLL_ACTION_TIERS && cells.text[SERVICE][0] == 0)
            put(&out, "these tiers", "count another unit", has);
        else
            put(&out, "service", cells.text[SERVICE], has);
    }
    if (!rule_takes(book, id, -1, in, -1, -1))
        put(&out, "direction", cells.text[DIRECTION], in ? "the call is in" : "the call is out");
    if (!rule_takes(book, id, -1, -1, (int)answer->class_, -1)) {
        snprintf(has, sizeof has, "the call is %s", toll_class_name(answer->class_));
        put(&out, "class", cells.text[CLASS], has);
    }
    if (!rule_takes(book, id, -1, -1, -1, (int)answer->jurisdiction)) {
        snprintf(has, sizeof has, "the call is %s", toll_call_jurisdiction_name(answer->jurisdiction));
        put(&out, "jurisdiction", cells.text[JURISDICTION], has);
    }
    const uint32_t destination = toll_row_destination(explainer->rater, row);
    if (rule->destination != 0 && rule->destination != (int32_t)destination) {
        snprintf(has, sizeof has, "the callee is in %.200s",
                 destination == 0 ? "none of destinations.csv"
                                  : toll_book_string(book, book->destination_names[destination]));
        put(&out, "destination", cells.text[DESTINATION], has);
    }
    const uint32_t trunk = row->trunk == 0 ? 0 : book->named[TOLL_NAMED_TRUNK][row->trunk - 1].id;
    if (rule->trunk != 0 && rule->trunk != (int32_t)trunk) {
        char shown[TOLL_EXPLAIN_TEXT_BYTES];
        snprintf(has, sizeof has, "the call came by %.200s",
                 explainer->trunk[0] == 0 ? "none" : toll_explain_prefix(explainer, explainer->trunk, shown));
        put(&out, "trunk", cells.text[TRUNK], has);
    }
    if (row->start < rule->from)
        put(&out, "in force from", cells.text[FROM], "after the call's start");
    if (row->start >= rule->until)
        put(&out, "in force to", cells.text[TO], "not after the call's start");
}

/* ---- the walk ---- */

static void told(void *context, uint32_t rule, enum toll_rule_verdict verdict, unsigned status)
{
    const struct verdicts *verdicts = context;
    verdicts->verdict[rule] = (uint8_t)(1 + verdict);
    verdicts->status[rule] = (uint8_t)status;
}

static int compare_listed(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* True: it decided. */
static bool tell(struct toll_explainer *explainer, uint32_t id, const struct verdicts *verdicts,
                 uint32_t price, size_t *refused)
{
    const struct toll_book *book = explainer->book;
    const struct toll_rule *rule = &book->rules[id];
    const char *file = toll_book_string(book, rule->file);
    const int verdict = (int)verdicts->verdict[id] - 1;
    const unsigned status = verdicts->status[id];
    char does[160], why[TOLL_EXPLAIN_TEXT_BYTES];
    rule_does(explainer, rule, does, sizeof does);
    if (verdict == TOLL_RULE_DECIDED) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rule", file, rule->line, "the rule matches: %s",
                         does);
    } else if (verdict == TOLL_RULE_MISSED) {
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", file, rule->line,
                         "the rule matches, but %s has nothing (%s), and on_miss is next", does,
                         toll_status_reason(status));
    } else {
        if ((*refused)++ >= REFUSED_SHOWN)
            return false;
        say_conditions(explainer, id, why, sizeof why);
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", file, rule->line,
                         "the rule (%s) does not match: %s", does, why);
        return false;
    }
    if (rule->action == TOLL_ACTION_DECK)
        toll_explain_deck(explainer, rule->deck, status, verdict == TOLL_RULE_DECIDED ? price : 0);
    return verdict == TOLL_RULE_DECIDED;
}

void toll_explain_rules(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    struct toll_row_answer again = *explainer->answer;
    again.found = (struct toll_price_found){0, 0};
    struct verdicts verdicts = {calloc(book->rule_count + 1, 1), calloc(book->rule_count + 1, 1)};
    struct listed *rules = calloc((size_t)book->rule_count + 1, sizeof *rules);
    const struct toll_row_trace trace = {.rule = told, .context = &verdicts};
    uint32_t count = 0;
    size_t refused = 0;
    bool decided = false;
    if (verdicts.verdict == NULL || verdicts.status == NULL || rules == NULL) {
        explainer->failed = true;
        goto out;
    }
    toll_row_by_plan(explainer->rater, explainer->cursors, explainer->row, &trace, &again);
    for (uint32_t id = 1; id < book->rule_count; id++)
        if (book->rules[id].plan == explainer->answer->plan)
            rules[count++] = (struct listed){id, book->rules[id].priority};
    qsort(rules, count, sizeof *rules, compare_listed);
    for (uint32_t i = 0; i < count && !decided; i++)
        decided = tell(explainer, rules[i].id, &verdicts, again.found.price, &refused);
    if (refused > REFUSED_SHOWN)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", "", 0, "%zu rules more do not match either",
                         refused - REFUSED_SHOWN);
out:
    free(rules);
    free(verdicts.verdict);
    free(verdicts.status);
}
