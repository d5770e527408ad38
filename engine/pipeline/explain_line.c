/*
 * An explanation's list, and what is the same of a run's row and of a made-up call: the facts of the call,
 * the decisions in the order of docs/RATING.md section 3, the line. Every decision has its figures and its
 * row of the book.
 */
#include "base/arena.h"
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_numbers(const char *file)
{
    return strcmp(file, "numbers.csv") == 0 || strcmp(file, "assignments.csv") == 0;
}

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
    entry->part = kind == TOLL_EXPLAIN_FACT     ? TOLL_EXPLAIN_CALL
                  : kind == TOLL_EXPLAIN_RESULT ? TOLL_EXPLAIN_LINE
                                                : explainer->part;
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
    /* A prefix that is as long as a number is one; where there are numbers, shorter ones are, too. */
    if (!explainer->unmask)
        toll_digits_mask_within(entry->source, has_numbers(file) ? 7 : TOLL_EXPLAIN_LONG_PREFIX, false);
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

/* ---- the call ---- */

static const char *const service_names[] = {"voice", "sms", "mms", "data", "event"};

void toll_explain_facts(struct toll_explainer *explainer)
{
    const struct toll_line *line = explainer->line;
    const struct toll_row *row = explainer->row;
    char caller[TOLL_EXPLAIN_NUMBER_BYTES], callee[TOLL_EXPLAIN_NUMBER_BYTES], start[32];
    char units[TOLL_EXPLAIN_UNITS_BYTES];
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
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "quantity", "", 0, "%s",
                         toll_explain_units(explainer, row->quantity, units));
    if (line->calltype[0] != 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "call type", "", 0, "%s", line->calltype);
    if ((row->kind & TOLL_KIND_PROVIDER_CHARGE) != 0) {
        char money[TOLL_TOTAL_TEXT_BYTES];
        toll_explain_money(row->provider_charge, money);
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "provider charge", "", 0, "%s", money);
    }
    if (line->source_sha256 != NULL)
        toll_explain_add(explainer, TOLL_EXPLAIN_FACT, "source", "", 0,
                         "row %d of the file with sha256 %.16s..., record %s", line->source_row,
                         line->source_sha256, line->record_id[0] == 0 ? "without id" : line->record_id);
}

void toll_explain_result(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_book *book = explainer->book;
    const char *reason = toll_status_reason(stored->status);
    char units[TOLL_EXPLAIN_UNITS_BYTES];
    const char *currency = explainer->line->currency;
    char money[TOLL_TOTAL_TEXT_BYTES];
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "status", "", 0, "%s%s%s",
                     toll_status_name(stored->status), reason[0] == 0 ? "" : ", ", reason);
    if (stored->status >= TOLL_SUSPENSE_FIRST)
        return;
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "billed", "", 0, "%s",
                     toll_explain_units(explainer, stored->billed, units));
    if (stored->included > 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "included", "", 0, "%s",
                         toll_explain_units(explainer, stored->included, units));
    toll_money_format(stored->charge, money);
    toll_explain_add(explainer, TOLL_EXPLAIN_RESULT, "charge", "", 0, "%s %s", money,
                     currency[0] == 0 ? book->currency : currency);
}

void toll_explain_decisions(struct toll_explainer *explainer)
{
    const struct toll_row_answer *answer = explainer->answer;
    explainer->part = TOLL_EXPLAIN_RATING;
    if (answer->status == TOLL_SUSPENSE_CONFLICT) {
        toll_explain_add(
            explainer, TOLL_EXPLAIN_STEP, "conflict", "", 0,
            "another record has the same key and other content: neither is rated until somebody decides");
        return;
    }
    toll_explain_payer(explainer);
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
    toll_explain_plan(explainer);
    if (answer->plan == 0)
        return;
    toll_explain_rules(explainer);
    if (answer->status == TOLL_SUSPENSE_NO_RULE)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "rule", "", 0,
                         "no rule of the plan matches: add one to plan_rules.csv");
    toll_explain_price(explainer);
}

/* ---- for programs ---- */

const char *toll_explain_keep(struct toll_explainer *explainer, const char *text)
{
    struct toll_explanation *out = explainer->out;
    if (out->owned == NULL)
        out->owned = calloc(1, sizeof(struct toll_arena));
    const char *kept = out->owned == NULL ? NULL : toll_arena_copy(out->owned, text, strlen(text));
    explainer->failed |= kept == NULL;
    return kept == NULL ? "" : kept;
}

static const struct toll_explained nothing = {
    .caller = "",
    .callee = "",
    .service = "",
    .direction = "",
    .status = "",
    .reason = "",
    .account = "",
    .site = "",
    .number = "",
    .class_ = "",
    .jurisdiction = "",
    .plan = "",
    .rule_file = "",
    .price_kind = "",
    .deck = "",
    .prefix = "",
    .destination = "",
    .band = "",
    .rate_column = "",
    .price_file = "",
    .unit = "",
    .currency = "",
    .taxes = "",
    .tax_suspense = "",
    .cost_status = "",
};

static void fill_call(struct toll_explainer *explainer, struct toll_explained *of)
{
    const struct toll_row *row = explainer->row;
    char text[TOLL_EXPLAIN_NUMBER_BYTES];
    const unsigned types[2] = {toll_kind_caller_type(row->kind), toll_kind_callee_type(row->kind)};
    of->service = service_names[toll_kind_service(row->kind)];
    of->direction = (row->kind & TOLL_KIND_IN) != 0 ? "in" : "out";
    of->answered = (row->kind & TOLL_KIND_ANSWERED) != 0;
    of->start_ms = row->start;
    of->duration_ms = row->duration_ms;
    of->quantity = (row->kind & TOLL_KIND_CREDIT) != 0 ? -row->quantity : row->quantity;
    of->caller =
        row->caller == 0
            ? ""
            : toll_explain_keep(explainer, toll_explain_number(explainer, row->caller, types[0], text));
    of->callee =
        row->callee == 0
            ? ""
            : toll_explain_keep(explainer, toll_explain_number(explainer, row->callee, types[1], text));
}

/* The number that was matched, masked as all are. */
static void fill_payer(struct toll_explainer *explainer, struct toll_explained *of)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row *row = explainer->row;
    const struct toll_payer *payer = &explainer->answer->payer;
    const struct toll_owner *owner = &book->owners[payer->owner];
    char text[TOLL_EXPLAIN_NUMBER_BYTES], named[TOLL_EXPLAIN_TEXT_BYTES], shown[TOLL_EXPLAIN_TEXT_BYTES];
    of->account =
        toll_explain_keep(explainer, toll_book_string(book, book->accounts[owner->account].account));
    of->site = owner->site == 0
                   ? ""
                   : toll_explain_keep(explainer, toll_book_string(book, book->sites[owner->site].site));
    of->number = "";
    if (payer->owner == 0)
        return;
    if (payer->site == TOLL_PAYER_TRUNK || payer->site == TOLL_PAYER_HINT) {
        const bool trunk = payer->site == TOLL_PAYER_TRUNK;
        snprintf(named, sizeof named, "%s:%.200s", trunk ? "trunk" : "hint",
                 toll_explain_prefix(explainer, trunk ? explainer->trunk : explainer->hint, shown));
        of->number = toll_explain_keep(explainer, named);
    } else {
        of->number = toll_explain_keep(
            explainer,
            toll_explain_number(explainer,
                                payer->site == TOLL_PAYER_CHARGED ? row->charged : toll_row_near_end(row),
                                TOLL_NUMBER_E164, text));
    }
}

static void fill_price(struct toll_explainer *explainer, int32_t price, struct toll_explained *of)
{
    const struct toll_book *book = explainer->book;
    struct toll_price_row row;
    char text[TOLL_EXPLAIN_TEXT_BYTES];
    if (price == 0)
        return;
    toll_price_describe(book, price, 1u << toll_kind_service(explainer->row->kind), &row);
    of->price_kind = row.kind;
    of->deck = toll_explain_keep(explainer, row.deck);
    of->prefix = toll_explain_keep(explainer, toll_explain_prefix(explainer, row.prefix, text));
    of->destination = toll_explain_keep(explainer, row.destination);
    of->band = toll_explain_keep(explainer, row.band);
    of->price_file = toll_explain_keep(explainer, row.file);
    of->price_line = row.line;
    of->rate_column = row.column;
    of->unit = row.unit;
    of->per_units = row.per_units;
    of->rate = row.rate;
    of->connect_fee = row.connect_fee;
}

void toll_explain_fill(struct toll_explainer *explainer, const struct toll_drawn_line *stored)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row_answer *answer = explainer->answer;
    struct toll_explained *of = &explainer->out->line;
    const struct toll_rule *rule = &book->rules[answer->rule];
    *of = nothing;
    fill_call(explainer, of);
    of->status = toll_status_name(stored->status);
    of->reason = toll_status_reason(stored->status);
    of->in_suspense = stored->status >= TOLL_SUSPENSE_FIRST;
    fill_payer(explainer, of);
    of->class_ = toll_class_name(answer->class_);
    of->jurisdiction = toll_call_jurisdiction_name(answer->jurisdiction);
    of->currency = toll_explain_keep(
        explainer, explainer->line->currency[0] == 0 ? book->currency : explainer->line->currency);
    if (stored->status == TOLL_ZERO_CLOSED)
        return;
    of->plan = toll_explain_keep(explainer, toll_book_string(book, book->plans[answer->plan].plan));
    if (answer->rule != 0) {
        of->rule_file = toll_explain_keep(explainer, toll_book_string(book, rule->file));
        of->rule_line = (int32_t)rule->line;
    }
    fill_price(explainer, stored->price, of);
    of->billed = stored->billed;
    of->included = stored->included;
    of->charge = stored->charge;
}
