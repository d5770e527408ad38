/* What people read of a group in suspense: what it is about, the row to add, and what to do. */
#include "pipeline/explain_entries.h"
#include "pipeline/waiting.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct describer {
    const struct toll_waiting *waiting;
    const struct toll_book *book;
    const struct toll_waiting_group *group;
    bool unmask;
    struct toll_arena *arena;
    struct toll_suspense_group *out;
    bool failed; /* out of memory */
};

static const char *text(struct describer *describer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *text(struct describer *describer, const char *format, ...)
{
    char *made = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int bytes = vasprintf(&made, format, arguments);
    va_end(arguments);
    const char *kept = bytes < 0 ? NULL : toll_arena_copy(describer->arena, made, (size_t)bytes);
    if (bytes >= 0)
        free(made);
    describer->failed |= kept == NULL;
    return kept == NULL ? "" : kept;
}

/* As a cell of a table. */
static const char *cell(struct describer *describer, const char *bytes)
{
    if (strpbrk(bytes, ",\"\r\n") == NULL && bytes[0] != ' ')
        return bytes;
    char *quoted = toll_arena_alloc(describer->arena, 2 * strlen(bytes) + 3);
    size_t at = 0;
    describer->failed |= quoted == NULL;
    if (quoted == NULL)
        return "";
    quoted[at++] = '"';
    for (; *bytes != 0; bytes++) {
        if (*bytes == '"')
            quoted[at++] = '"';
        quoted[at++] = *bytes;
    }
    quoted[at++] = '"';
    return quoted;
}

/* Digits that may be somebody's number are masked unless the user asked. */
static const char *shown(struct describer *describer, const char *bytes)
{
    char *copy = toll_arena_copy(describer->arena, bytes, strlen(bytes));
    describer->failed |= copy == NULL;
    if (copy == NULL)
        return "";
    if (!describer->unmask)
        toll_digits_mask_within(copy, TOLL_EXPLAIN_LONG_PREFIX, false);
    return copy;
}

static const char *number(struct describer *describer, uint64_t digits)
{
    char buffer[TOLL_DIGITS_TEXT_BYTES];
    if (describer->unmask)
        toll_digits_text(digits, buffer);
    else
        toll_digits_masked(digits, buffer);
    return text(describer, "%s", buffer);
}

static void add(struct describer *describer, const char *file, const char *columns, const char *row)
{
    describer->out->file = text(describer, "%s", file); /* the report outlives the book */
    describer->out->columns = columns;
    describer->out->add = row;
}

/* ---- who pays ---- */

static void describe_number(struct describer *describer, const char *what)
{
    const struct toll_waiting_group *group = describer->group;
    const struct toll_rater *rater = describer->waiting->rater;
    const char *first = number(describer, group->key.what);
    char digits[TOLL_DIGITS_TEXT_BYTES];
    if (group->last != 0) {
        const char *last = number(describer, group->last);
        describer->out->about = text(describer, "+%s to +%s", first, last);
        add(describer, "numbers.csv", "number,account", text(describer, "%s-%s,ACCOUNT", first, last));
        describer->out->advice = "numbers of this block are missing, and none of it is anybody's: add it if "
                                 "it is all of one account";
        return;
    }
    describer->out->about = text(describer, "+%s", first);
    if (toll_probe_one(rater->numbers, rater->number_lines, group->key.what) != 0) {
        struct toll_explain_number_row found;
        toll_digits_text(group->key.what, digits);
        toll_explain_number_find(describer->book, digits, TOLL_MS_MAX, &found);
        describer->out->advice =
            text(describer,
                 "the %s is in numbers.csv, line %u, but not in force at the call's start: correct its dates",
                 what, found.line);
        return;
    }
    add(describer, "numbers.csv", "number,account", text(describer, "%s,ACCOUNT", first));
    describer->out->advice = text(
        describer, "the %s is nobody's, and no other table says who pays: add it with its account", what);
}

static void describe_payer(struct describer *describer)
{
    const struct toll_waiting_key *key = &describer->group->key;
    const char *named;
    switch (key->a) {
    case TOLL_WAITING_NEAR:
        describe_number(describer, "near end's number");
        break;
    case TOLL_WAITING_CHARGED:
        describe_number(describer, "charged number");
        break;
    case TOLL_WAITING_NAMED:
        named = shown(describer, toll_strings_text(&describer->waiting->texts, (uint32_t)key->what, NULL));
        describer->out->about = named;
        add(describer, "numbers.csv", "number,account",
            text(describer, "%s,ACCOUNT", cell(describer, named)));
        describer->out->advice =
            "these calls have no number of ours, and nobody has their trunk or hint: add "
            "it with its account";
        break;
    default:
        describer->out->advice = "these records name no number, trunk or hint: let the mapping spec fill one "
                                 "(docs/IMPORT.md) and import again";
    }
}

static void describe_conflict(struct describer *describer)
{
    const struct toll_book *book = describer->book;
    const struct toll_waiting_key *key = &describer->group->key;
    describer->out->about =
        text(describer, "%s or %s", toll_book_string(book, book->accounts[key->a].account),
             toll_book_string(book, book->accounts[key->b].account));
    describer->out->advice =
        "the charged number, trunk, hint or near end of a record belong to different accounts (explain shows "
        "whose): correct numbers.csv or trunks.csv";
}

/* ---- decks ---- */

/* The file of the deck that has most rows in force at that time: there a new one will do. */
static const char *deck_file(struct describer *describer, int32_t deck, toll_ms at)
{
    const struct toll_book *book = describer->book;
    const char *best = NULL;
    int64_t votes = 0; /* Boyer and Moore: the majority, if there is one */
    const struct toll_deck *table = &book->decks[deck];
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct toll_entry_row *row = &book->entry_rows[table->row_first + i];
        const struct toll_entry_span *span = &book->entry_spans[row->span];
        if (at < span->from || at >= span->until)
            continue;
        const struct toll_price_origin origin =
            toll_book_origin_in(book, (uint32_t)deck, toll_row_price(table, row));
        const char *file = toll_book_string(book, origin.file);
        if (votes == 0)
            best = file;
        votes += strcmp(file, best) == 0 ? 1 : -1;
    }
    if (best == NULL && table->price_count > 0)
        best = toll_book_string(book, toll_book_origin_in(book, (uint32_t)deck, table->price_first).file);
    return best != NULL ? best
                        : text(describer, "decks/%s.csv", toll_book_string(book, book->decks[deck].name));
}

static void add_price(struct describer *describer, int32_t deck, const char *prefix)
{
    const int32_t key = describer->book->decks[deck].key;
    const char *columns = key == TOLL_KEY_CALLTYPE      ? "key,rate"
                          : key == TOLL_KEY_NPANXX_PAIR ? "prefix,caller_prefix,rate"
                                                        : "prefix,rate";
    add(describer, deck_file(describer, deck, describer->group->start), columns,
        text(describer, "%s,%sRATE", cell(describer, prefix), key == TOLL_KEY_NPANXX_PAIR ? "," : ""));
}

/* A price row of the deck with this very prefix, 0 none. */
static uint32_t row_of_prefix(const struct toll_book *book, int32_t deck, const char *prefix)
{
    const struct toll_deck *table = &book->decks[deck];
    for (uint32_t n = 0; n < table->price_count; n++)
        if (strcmp(toll_book_string(book, book->origins[table->origin_first + n].key), prefix) == 0)
            return table->price_first + n;
    return 0;
}

static void describe_prefix(struct describer *describer)
{
    const struct toll_book *book = describer->book;
    const struct toll_waiting_key *key = &describer->group->key;
    const int32_t deck = (int32_t)key->a;
    const char *name = toll_book_string(book, book->decks[deck].name);
    const char *end = book->decks[deck].key == TOLL_KEY_CALLER ? "caller" : "callee";
    char digits[TOLL_DIGITS_TEXT_BYTES];
    if (key->b != 0 || key->status == TOLL_SUSPENSE_BAD_NUMBER) {
        describer->out->about =
            key->b != 0 ? "short codes and extensions" : text(describer, "a %s that is no number", end);
        add_price(describer, deck, "");
        describer->out->advice =
            text(describer,
                 "in deck %s only the empty prefix has such a %s, and it has every other one that no "
                 "longer prefix has, too; or let a rule of their class price them",
                 name, end);
        return;
    }
    toll_digits_text(key->what, digits);
    const char *prefix = shown(describer, digits);
    const uint32_t row = row_of_prefix(book, deck, digits);
    describer->out->about = prefix;
    if (row != 0) {
        const struct toll_price_origin origin = toll_book_origin_in(book, (uint32_t)deck, row);
        describer->out->advice = text(
            describer, "deck %s has %s at %s:%u, but not in force at the call's start: correct its dates",
            name, prefix, toll_book_string(book, origin.file), origin.line);
        return;
    }
    add_price(describer, deck, prefix);
    describer->out->advice = text(describer, "deck %s has no prefix of these %s numbers", name, end);
}

static void describe_calltype(struct describer *describer)
{
    const struct toll_waiting_key *key = &describer->group->key;
    const struct toll_book *book = describer->book;
    const char *code =
        key->what == 0
            ? ""
            : shown(describer, toll_strings_text(&describer->waiting->texts, (uint32_t)key->what, NULL));
    describer->out->about = code[0] != 0 ? code : "no call type";
    add_price(describer, (int32_t)key->a, code);
    describer->out->advice = text(describer, "deck %s does not have this call type%s",
                                  toll_book_string(book, book->decks[key->a].name),
                                  code[0] != 0 ? "" : "; the empty key has every other unknown one, too");
}

static void describe_band(struct describer *describer)
{
    const struct toll_waiting_key *key = &describer->group->key;
    const struct toll_book *book = describer->book;
    const char *name = toll_book_string(book, book->decks[key->a].name);
    if (key->what != 0) {
        describer->out->about = shown(describer, toll_book_string(book, (uint32_t)key->what));
        add_price(describer, (int32_t)key->a, describer->out->about);
    }
    describer->out->advice =
        text(describer,
             "the rows of deck %s for these numbers are for bands that do not hold at the call's "
             "time: a row without band prices the rest",
             name);
}

static void describe_row(struct describer *describer, const char *advice)
{
    const struct toll_book *book = describer->book;
    const struct toll_price_origin origin = toll_book_origin(book, (uint32_t)describer->group->key.a);
    describer->out->about = text(describer, "%s:%u, prefix %s", toll_book_string(book, origin.file),
                                 origin.line, shown(describer, toll_book_string(book, origin.key)));
    describer->out->advice = advice;
}

/* ---- plans and rules ---- */

static void describe_plan(struct describer *describer)
{
    const struct toll_book *book = describer->book;
    const struct toll_account *account = &book->accounts[describer->group->key.account];
    const char *name = toll_book_string(book, account->account);
    describer->out->about = text(describer, "account %s", name);
    describer->out->account = text(describer, "%s", name);
    add(describer, "assignments.csv", "subject,plan",
        text(describer, "%s,PLAN", cell(describer, text(describer, "account:%s", name))));
    describer->out->advice =
        "no plan is assigned at the call's start; the subject default gives one to every account without";
}

static void describe_no_rule(struct describer *describer)
{
    static const char *const services[TOLL_SERVICES] = {"voice", "sms", "mms", "data", "event"};
    const struct toll_book *book = describer->book;
    const struct toll_waiting_key *key = &describer->group->key;
    const char *plan = toll_book_string(book, book->plans[key->a].plan);
    const char *service = services[key->b >> 1], *direction = (key->b & 1) != 0 ? "in" : "out";
    int64_t priority = 0;
    for (uint32_t i = 1; i < book->rule_count; i++)
        if (book->rules[i].plan == (int32_t)key->a && book->rules[i].priority >= priority)
            priority = (int64_t)book->rules[i].priority + 1;
    describer->out->about = text(describer, "plan %s, %s %s", plan, service, direction);
    add(describer, "plan_rules.csv", "plan,action,service,direction,deck,priority",
        text(describer, "%s,deck,%s,%s,DECK,%lld", cell(describer, plan), service, direction,
             (long long)priority));
    describer->out->advice = "no rule of the plan matches; this one comes after all others";
}

static void describe_rule(struct describer *describer, const char *advice)
{
    const struct toll_book *book = describer->book;
    const struct toll_rule *rule = &book->rules[describer->group->key.a];
    if (describer->group->key.a != 0)
        describer->out->about = text(describer, "%s:%u", toll_book_string(book, rule->file), rule->line);
    describer->out->advice = advice;
}

static void describe_limit(struct describer *describer)
{
    const struct toll_book *book = describer->book;
    const struct toll_waiting_key *key = &describer->group->key;
    const char *name = toll_book_string(book, book->accounts[key->account].account);
    describer->out->about = text(describer, "bundle %s of account %s",
                                 toll_book_string(book, book->bundles[key->a].bundle), name);
    describer->out->account = text(describer, "%s", name);
    describer->out->advice =
        "the bundle has less left than these calls need and rejects what is beyond its limit: they stay here "
        "unless more is subscribed for that period (subscriptions.csv) or its at_limit is changed "
        "(bundles.csv)";
}

bool toll_waiting_describe(const struct toll_waiting *waiting, const struct toll_waiting_group *group,
                           bool unmask, struct toll_arena *arena, struct toll_suspense_group *out)
{
    struct describer describer = {.waiting = waiting,
                                  .book = waiting->rater->book,
                                  .group = group,
                                  .unmask = unmask,
                                  .arena = arena,
                                  .out = out};
    *out = (struct toll_suspense_group){.status = group->key.status,
                                        .rows = group->rows,
                                        .row = group->day_row,
                                        .account = "",
                                        .about = "",
                                        .file = "",
                                        .columns = "",
                                        .add = "",
                                        .advice = ""};
    out->day = text(&describer, "%s", group->day);
    if (group->key.b == TOLL_WAITING_CLEARED) {
        out->advice = "kept as an older book left them; the run's own book rates them: tollmill rerate "
                      "--only-suspense";
        return !describer.failed;
    }
    switch (group->key.status) {
    case TOLL_SUSPENSE_CONFLICT:
        out->advice = "records of one key differ in what they say: ask the carrier which of them holds";
        break;
    case TOLL_SUSPENSE_PARTY_CONFLICT:
        describe_conflict(&describer);
        break;
    case TOLL_SUSPENSE_NO_ACCOUNT:
        describe_payer(&describer);
        break;
    case TOLL_SUSPENSE_NO_PLAN:
        describe_plan(&describer);
        break;
    case TOLL_SUSPENSE_NO_RULE:
        describe_no_rule(&describer);
        break;
    case TOLL_SUSPENSE_NO_PREFIX:
    case TOLL_SUSPENSE_BAD_NUMBER:
        describe_prefix(&describer);
        break;
    case TOLL_SUSPENSE_NO_CALLTYPE:
        describe_calltype(&describer);
        break;
    case TOLL_SUSPENSE_NO_BAND:
        describe_band(&describer);
        break;
    case TOLL_SUSPENSE_NO_RATE:
        describe_row(&describer, "the row has no rate: fill it in");
        break;
    case TOLL_SUSPENSE_BLOCKED:
        describe_row(&describer, "the row is blocked: its calls stay here unless its status is changed");
        break;
    case TOLL_SUSPENSE_REJECTED:
        describe_rule(&describer, "the rule rejects these calls: they stay here unless it is changed");
        break;
    case TOLL_SUSPENSE_NO_PROVIDER_CHARGE:
        describe_rule(&describer,
                      "the rule marks up the carrier's charge, and these records have none: import them "
                      "with it, or let a rule with a deck come first");
        break;
    case TOLL_SUSPENSE_OVERFLOW:
        describe_rule(&describer, "units or money beyond what a line can hold: look at the record and the "
                                  "rate (explain shows both)");
        break;
    case TOLL_SUSPENSE_POOL_LIMIT:
        describe_limit(&describer);
        break;
    default:
        break;
    }
    return !describer.failed;
}
