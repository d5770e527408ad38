/*
 * toll_explain: one row rated again by the run's own book, every decision with its figures and its row of the
 * book. The answer is compared with the stored line, so that an explanation never explains something else.
 */
#include "pipeline/explain_entries.h"

#include "base/error.h"
#include "pipeline/draws.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void toll_explain_add(struct toll_explainer *explainer, enum toll_explain_kind kind, const char *name,
                      const char *file, uint32_t line, const char *format, ...)
{
    struct toll_explanation *out = explainer->out;
    if (out->count == explainer->capacity) {
        const size_t capacity = explainer->capacity * 2 + 16;
        struct toll_explain_entry *grown = realloc(out->entries, capacity * sizeof *grown);
        if (grown == NULL) {
            explainer->failed = true;
            return;
        }
        out->entries = grown;
        explainer->capacity = capacity;
    }
    struct toll_explain_entry *entry = &out->entries[out->count++];
    memset(entry, 0, sizeof *entry);
    entry->kind = kind;
    snprintf(entry->name, sizeof entry->name, "%s", name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(entry->text, sizeof entry->text, format, arguments);
    va_end(arguments);
    if (line == 0)
        return;
    const char *text;
    size_t bytes;
    snprintf(entry->file, sizeof entry->file, "%s", file);
    entry->line = (int32_t)line;
    if (toll_book_source_line(explainer->book, file, line, &text, &bytes))
        snprintf(entry->source, sizeof entry->source, "%.*s", (int)(bytes < 399 ? bytes : 399), text);
    /* A prefix that is as long as a number is one; in numbers.csv shorter ones are, too. */
    if (!explainer->unmask)
        toll_digits_mask_within(entry->source,
                                strcmp(file, "numbers.csv") == 0 ? 7 : TOLL_EXPLAIN_LONG_PREFIX, false);
}

const char *toll_explain_prefix(const struct toll_explainer *explainer, const char *text,
                                char buffer[TOLL_EXPLAIN_TEXT_BYTES])
{
    snprintf(buffer, TOLL_EXPLAIN_TEXT_BYTES, "%s", text);
    if (!explainer->unmask)
        toll_digits_mask_within(buffer, TOLL_EXPLAIN_LONG_PREFIX, false);
    return buffer;
}

const char *toll_explain_number(const struct toll_explainer *explainer, uint64_t digits, unsigned type,
                                char buffer[TOLL_EXPLAIN_NUMBER_BYTES])
{
    char text[TOLL_DIGITS_TEXT_BYTES];
    if (digits == 0) {
        snprintf(buffer, TOLL_EXPLAIN_NUMBER_BYTES, "none");
        return buffer;
    }
    /* Short codes name no person. */
    if (explainer->unmask || type == TOLL_NUMBER_SHORT)
        toll_digits_text(digits, text);
    else
        toll_digits_masked(digits, text);
    snprintf(buffer, TOLL_EXPLAIN_NUMBER_BYTES, "%s%s", type == TOLL_NUMBER_E164 ? "+" : "", text);
    return buffer;
}

static const char *account_name(const struct toll_explainer *explainer, int32_t account)
{
    return toll_book_string(explainer->book, explainer->book->accounts[account].account);
}

/* ---- the call ---- */

static const char *const service_names[] = {"voice", "sms", "mms", "data", "event"};

static void explain_call(struct toll_explainer *explainer, const struct toll_line *line)
{
    const struct toll_row *row = explainer->row;
    char caller[TOLL_EXPLAIN_NUMBER_BYTES], callee[TOLL_EXPLAIN_NUMBER_BYTES], start[32];
    const unsigned service = toll_kind_service(row->kind);
    toll_ms_format(row->start, start);
    toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "call", "", 0, "%s, %s%s, %s, started %s",
                     service_names[service], (row->kind & TOLL_KIND_IN) != 0 ? "in" : "out",
                     (row->kind & TOLL_KIND_CREDIT) != 0 ? ", a credit" : "",
                     (row->kind & TOLL_KIND_ANSWERED) != 0 ? "answered" : "not answered", start);
    if ((row->kind & TOLL_KIND_LEG) != 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "leg", "", 0, "the %s of the record's two legs",
                         (row->kind & TOLL_KIND_IN) != 0 ? "incoming" : "outgoing");
    toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "numbers", "", 0, "from %s to %s",
                     toll_explain_number(explainer, row->caller, toll_kind_caller_type(row->kind), caller),
                     toll_explain_number(explainer, row->callee, toll_kind_callee_type(row->kind), callee));
    if (service == TOLL_VOICE)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "duration", "", 0, "%d.%03d s",
                         row->duration_ms / 1000, row->duration_ms % 1000);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "quantity", "", 0, "%lld %s", (long long)row->quantity,
                         toll_unit_name(service));
    if (line->calltype[0] != 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "call type", "", 0, "%s", line->calltype);
    if ((row->kind & TOLL_KIND_PROVIDER_CHARGE) != 0) {
        char money[TOLL_TOTAL_TEXT_BYTES];
        toll_money_format(row->provider_charge, money);
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "provider charge", "", 0, "%s", money);
    }
    toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "source", "", 0,
                     "row %d of the file with sha256 %.16s..., record %s", line->source_row,
                     line->source_sha256, line->record_id[0] == 0 ? "without id" : line->record_id);
}

/* ---- payer and plan ---- */

/* One candidate: text as in numbers.csv, shown as the user may see it. */
static void explain_candidate(struct toll_explainer *explainer, const char *what, const char *wanted,
                              const char *shown, bool in_book, uint32_t owner)
{
    const struct toll_book *book = explainer->book;
    if (owner != 0) {
        const char *account = account_name(explainer, book->owners[owner].account);
        const uint32_t line = toll_explain_number_line(book, wanted, account);
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", "numbers.csv", line,
                         "the %s %s belongs to account %s", what, shown, account);
        return;
    }
    const uint32_t line = in_book ? toll_explain_number_line(book, wanted, NULL) : 0;
    toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "numbers.csv", line,
                     in_book ? "the %s %s is in numbers.csv, but not in force at the call's start"
                             : "the %s %s is not in numbers.csv",
                     what, shown);
}

static void explain_number(struct toll_explainer *explainer, const char *what, uint64_t number,
                           uint32_t owner)
{
    char wanted[TOLL_DIGITS_TEXT_BYTES], shown[TOLL_EXPLAIN_NUMBER_BYTES];
    toll_digits_text(number, wanted);
    explain_candidate(
        explainer, what, wanted, toll_explain_number(explainer, number, TOLL_NUMBER_E164, shown),
        toll_probe_one(explainer->rater->numbers, explainer->rater->number_lines, number) != 0, owner);
}

static void explain_named(struct toll_explainer *explainer, const char *what, enum toll_named_kind kind,
                          uint32_t place, uint32_t owner)
{
    const struct toll_named *named = &explainer->book->named[kind][place - 1];
    char wanted[256], shown[TOLL_EXPLAIN_TEXT_BYTES];
    const char *text = toll_book_string(explainer->book, named->text);
    snprintf(wanted, sizeof wanted, "%s:%s", kind == TOLL_NAMED_TRUNK ? "trunk" : "hint", text);
    explain_candidate(explainer, what, wanted, toll_explain_prefix(explainer, text, shown), named->owner != 0,
                      owner);
}

static void explain_payer(struct toll_explainer *explainer)
{
    const struct toll_row *row = explainer->row;
    const struct toll_payer *payer = &explainer->answer->payer;
    const struct toll_book *book = explainer->book;
    const uint64_t near = toll_row_near_end(row);
    const char *near_name =
        (row->kind & TOLL_KIND_IN) != 0 ? "near end, the callee," : "near end, the caller,";
    const bool in_leg = (row->kind & TOLL_KIND_LEG) != 0 && (row->kind & TOLL_KIND_IN) != 0;
    if (in_leg && (row->charged != 0 || row->trunk != 0 || row->hint != 0))
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "", 0,
                         "the charged number, trunk and account hint are the outgoing leg's");
    if (row->charged != 0 && !in_leg)
        explain_number(explainer, "charged number", row->charged, payer->charged);
    if (row->trunk != 0 && !in_leg)
        explain_named(explainer, "trunk", TOLL_NAMED_TRUNK, row->trunk, payer->trunk);
    if (row->hint != 0 && !in_leg)
        explain_named(explainer, "account hint", TOLL_NAMED_HINT, row->hint, payer->hint);
    if (near != 0)
        explain_number(explainer, near_name, near, payer->near);
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "payer", "", 0, "the %s is no E.164 number",
                         near_name);
    if (payer->conflict) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
                         "they name different accounts: nobody is charged until somebody decides");
        return;
    }
    if (payer->other_party) {
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
            "nobody on this leg; the other leg of the record has a payer, so this one is the other "
            "party's and costs nothing");
        return;
    }
    if (payer->owner == 0) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "payer", "", 0,
                         "nobody: add the number, trunk or hint to numbers.csv with its account");
        return;
    }
    const struct toll_account *account = &book->accounts[explainer->answer->account];
    const int32_t site = book->owners[payer->owner].site;
    toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "account", toll_book_string(book, account->file),
                     account->line, "account %s pays%s%s", toll_book_string(book, account->account),
                     site == 0 ? "" : ", site ",
                     site == 0 ? "" : toll_book_string(book, book->sites[site].site));
}

static void explain_plan(struct toll_explainer *explainer)
{
    static const char *const levels[] = {"number", "trunk", "site", "account", "carrier", "default"};
    const struct toll_row *row = explainer->row;
    const struct toll_book *book = explainer->book;
    enum toll_assignment_level level;
    const int32_t plan = toll_plan_find(explainer->rater, explainer->answer->payer.owner, row->trunk,
                                        row->carrier, row->start, &level);
    if (plan == 0)
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "plan", "", 0,
            "no plan is assigned at the call's start, neither to the number, trunk, site, account or "
            "carrier nor as the default: add a row to assignments.csv");
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "plan", "plans.csv", book->plans[plan].line,
                         "plan %s, by the assignment to the %s%s",
                         toll_book_string(book, book->plans[plan].plan), levels[level],
                         level == TOLL_LEVEL_DEFAULT ? "" : " (the most specific one in force)");
}

/* ---- rules ---- */

static const char *rule_does(const struct toll_explainer *explainer, const struct toll_rule *rule,
                             char *buffer, size_t room)
{
    static const char *const actions[] = {"deck", "flat", "free", "markup", "reject", "tiers"};
    if (rule->action == TOLL_ACTION_DECK)
        snprintf(buffer, room, "deck %s",
                 toll_book_string(explainer->book, explainer->book->decks[rule->deck].name));
    else
        snprintf(buffer, room, "%s", actions[rule->action]);
    return buffer;
}

void toll_explain_rule(void *context, uint32_t id, enum toll_rule_verdict verdict, unsigned status)
{
    static const char *const whys[] = {
        [TOLL_RULE_TRUNK] = "does not match: another trunk",
        [TOLL_RULE_DESTINATION] = "does not match: another destination",
        [TOLL_RULE_DATES] = "is not in force at the call's start",
    };
    struct toll_explainer *explainer = context;
    const struct toll_rule *rule = &explainer->book->rules[id];
    const char *file = toll_book_string(explainer->book, rule->file);
    char does[128];
    rule_does(explainer, rule, does, sizeof does);
    if (verdict == TOLL_RULE_DECIDED)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rule", file, rule->line, "the rule matches: %s",
                         does);
    else if (verdict == TOLL_RULE_MISSED)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", file, rule->line,
                         "the rule matches, but %s has nothing (%s), and on_miss is next", does,
                         toll_status_reason(status));
    else
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", file, rule->line, "the rule (%s) %s", does,
                         whys[verdict]);
    if (rule->action == TOLL_ACTION_DECK && (verdict == TOLL_RULE_DECIDED || verdict == TOLL_RULE_MISSED))
        toll_explain_deck(explainer, rule->deck, status);
}

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

/* The plan's rules whose service, direction, class or jurisdiction is another: the chain leaves them out. */
static void explain_other_rules(struct toll_explainer *explainer)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row_answer *answer = explainer->answer;
    const int service = (int)toll_kind_service(explainer->row->kind);
    const int direction = (explainer->row->kind & TOLL_KIND_IN) != 0;
    for (uint32_t id = 1; id < book->rule_count; id++) {
        const struct toll_rule *rule = &book->rules[id];
        char does[128];
        if (rule->plan != answer->plan ||
            rule_takes(book, id, service, direction, (int)answer->class_, (int)answer->jurisdiction))
            continue;
        const char *why = !rule_takes(book, id, service, -1, -1, -1)               ? "another service"
                          : !rule_takes(book, id, -1, direction, -1, -1)           ? "another direction"
                          : !rule_takes(book, id, -1, -1, (int)answer->class_, -1) ? "another class"
                          : !rule_takes(book, id, -1, -1, -1, (int)answer->jurisdiction)
                              ? "another jurisdiction"
                              : "other conditions";
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "rule", toll_book_string(book, rule->file), rule->line,
                         "the rule (%s) does not match: %s", rule_does(explainer, rule, does, sizeof does),
                         why);
    }
}

/* ---- all of it ---- */

static struct toll_drawn_line stored_line(const struct toll_reader_row *at)
{
    const struct toll_line_batch *lines = at->lines;
    const int64_t i = at->index;
    return (struct toll_drawn_line){
        .status = lines->status[i],
        .price = lines->price[i] == 0 ? 0 : lines->price[i] - at->price_shift,
        .billed = lines->billed[i],
        .included = lines->included == NULL ? 0 : lines->included[i],
        .charge = lines->charge[i],
    };
}

static bool same_as_stored(const struct toll_explainer *explainer, const struct toll_reader_row *at,
                           const struct toll_drawn_line *stored)
{
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_book *book = explainer->book;
    const char *account = toll_book_string(book, book->accounts[answer->account].account);
    if (strcmp(account, explainer->line->account) != 0 ||
        ((unsigned)answer->class_ << 4 | (unsigned)answer->jurisdiction) !=
            at->lines->class_jurisdiction[at->index])
        return false;
    if (toll_explain_may_draw(explainer))
        return (stored->status == TOLL_SUSPENSE_OVERFLOW || answer->price == stored->price) &&
               toll_explain_drawn(explainer, stored);
    return answer->status == stored->status && answer->price == stored->price &&
           answer->billed == stored->billed && answer->charge == stored->charge;
}

static void explain_result(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_book *book = explainer->book;
    const char *reason = toll_status_reason(stored->status);
    const char *unit = toll_unit_name(toll_kind_service(explainer->row->kind));
    const char *currency = explainer->line->currency;
    char money[TOLL_TOTAL_TEXT_BYTES];
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "status", "", 0, "%s%s%s",
                     toll_status_name(stored->status), reason[0] == 0 ? "" : ", ", reason);
    if (stored->status >= TOLL_SUSPENSE_FIRST)
        return;
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "billed", "", 0, "%d %s", stored->billed, unit);
    if (stored->included > 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "included", "", 0, "%d %s", stored->included, unit);
    toll_money_format(stored->charge, money);
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "charge", "", 0, "%s %s", money,
                     currency[0] == 0 ? book->currency : currency);
}

static void explain_decisions(struct toll_explainer *explainer)
{
    const struct toll_row *row = explainer->row;
    const struct toll_row_answer *answer = explainer->answer;
    const struct toll_row_trace trace = {.rule = toll_explain_rule, .context = explainer};
    if (answer->status == TOLL_SUSPENSE_CONFLICT) {
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "conflict", "", 0,
            "another record has the same key and other content: neither is rated until somebody decides");
        return;
    }
    explain_payer(explainer);
    if (answer->status == TOLL_ZERO_COST_FEED || answer->status == TOLL_ZERO_COMPARE_FEED) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "feed", "", 0,
                         "carriers.csv gives this feed the role %s: its records are not sold",
                         answer->status == TOLL_ZERO_COST_FEED ? "cost" : "compare");
        return;
    }
    if (answer->status == TOLL_ZERO_UNANSWERED) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "unanswered", "", 0,
                         "a voice call that nobody answered costs nothing");
        return;
    }
    if (answer->payer.owner == 0)
        return;
    toll_explain_class(explainer);
    if (answer->price == TOLL_PRICE_EMERGENCY) {
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "emergency", "", 0,
                         "911, 933 and 988 are always free");
        return;
    }
    explain_plan(explainer);
    if (answer->plan == 0)
        return;
    /* The same walk once more, now told of each rule; the explainer's answer is the first one. */
    struct toll_row_answer again;
    toll_row_rate(explainer->rater, explainer->cursors, row, &trace, &again);
    if (answer->rule == 0)
        explain_other_rules(explainer);
    if (answer->status == TOLL_SUSPENSE_NO_RULE)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rule", "", 0,
                         "no rule of the plan matches: add one to plan_rules.csv");
    toll_explain_price(explainer);
}

int toll_explain(const char *run_path, const char *dataset_path, const char *day, int64_t row, bool unmask,
                 struct toll_explanation *out, struct toll_error *error)
{
    return toll_explain_with(toll_io_system(), run_path, dataset_path, day, row, unmask, out, error);
}

int toll_explain_with(const struct toll_io *io, const char *run_path, const char *dataset_path,
                      const char *day, int64_t row, bool unmask, struct toll_explanation *out,
                      struct toll_error *error)
{
    struct toll_run *run = NULL;
    struct toll_band_cursor *cursors = NULL;
    struct toll_reader_row at;
    struct toll_line line;
    memset(out, 0, sizeof *out);
    if (dataset_path == NULL)
        return toll_error_set(error, TOLL_EUSAGE, "explain needs the dataset that %s rated", run_path);
    int rc = toll_run_open_with(io, run_path, dataset_path, &run, error);
    if (rc != 0)
        return rc;
    rc = toll_run_line(run, day, row, &line, error);
    if (rc == 0)
        rc = toll_run_seek(run, day, row, &at, error);
    if (rc == 0) {
        const struct toll_rater *rater = at.rater;
        const struct toll_drawn_line stored = stored_line(&at);
        const bool closed = stored.status == TOLL_ZERO_CLOSED;
        struct toll_row_answer answer;
        struct toll_explainer explainer = {.rater = rater,
                                           .book = rater->book,
                                           .row = &at.row,
                                           .line = &line,
                                           .answer = &answer,
                                           .unmask = unmask,
                                           .out = out};
        cursors = calloc((size_t)rater->book->deck_count + 1, sizeof *cursors);
        if (cursors == NULL) {
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory");
            goto out;
        }
        explainer.cursors = cursors;
        toll_row_rate(rater, cursors, &at.row, NULL, &answer);
        if (!closed && !same_as_stored(&explainer, &at, &stored)) {
            rc =
                toll_error_set(error, TOLL_EBUG,
                               "%s: %s:%lld was rated otherwise by another version; rate again with this one",
                               run_path, day, (long long)row);
            goto out;
        }
        explain_call(&explainer, &line);
        if (at.kept)
            toll_explain_add(&explainer, TOLL_EXPLAIN_FACT, "book", "", 0,
                             "kept from an earlier run: rated by that run's book, %s", rater->book->name);
        if (closed) {
            toll_explain_add(
                &explainer, TOLL_EXPLAIN_STEP, "closed", "", 0,
                "the account's period was closed before this run: the call was billed by the run that "
                "was closed; explain it there");
        } else {
            explain_decisions(&explainer);
            if (toll_explain_may_draw(&explainer))
                toll_explain_draws(&explainer, &stored);
        }
        rc = toll_explain_taxes(&explainer, run, &at, error);
        if (rc != 0)
            goto out;
        if (!toll_explain_cost(&explainer, &at)) {
            rc = toll_error_set(error, TOLL_EBUG,
                                "%s: the cost of %s:%lld was found otherwise by another version; rate again "
                                "with this one",
                                run_path, day, (long long)row);
            goto out;
        }
        explain_result(&explainer, &stored);
        toll_explain_taxes_result(&explainer, run, &at);
        toll_explain_cost_result(&explainer, &at);
        if (explainer.failed)
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory");
    }
out:
    free(cursors);
    toll_run_close(run);
    if (rc != 0)
        toll_explanation_free(out);
    return rc;
}

void toll_explanation_free(struct toll_explanation *explanation)
{
    free(explanation->entries);
    memset(explanation, 0, sizeof *explanation);
}
