/*
 * tollmill explain: one call, every step that led to its line, with file and line of the book.
 */
#include "options.h"
#include "print.h"
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"fact", "step", "miss", "result"};
enum { KIND_COUNT = 4 };
static const char *const part_names[] = {"call", "rating", "taxes", "cost", "line"};
enum { PART_COUNT = 5 };

/* "2026-03-01:1234" -> day and row. */
static bool split_operand(const char *text, char day[11], int64_t *row)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon - text != 10 || colon[1] < '0' || colon[1] > '9')
        return false;
    memcpy(day, text, 10);
    day[10] = '\0';
    char *end;
    errno = 0;
    *row = strtoll(colon + 1, &end, 10);
    return *end == '\0' && errno == 0 && cmd_is_day(day);
}

/* What was asked for: a row of a run, or a call made up (run NULL) by a book. */
struct asked {
    const char *run, *book;
    char day[11];
    int64_t row;
};

static void print_human(struct cmd *cmd, const struct toll_explanation *explanation,
                        const struct asked *asked)
{
    static const char *const titles[PART_COUNT] = {"The call", "How it was rated", "Its taxes",
                                                   "What it costs us", "The line"};
    struct cmd_output *out = &cmd->out;
    int width = 0, title = -1;
    for (size_t i = 0; i < explanation->count; i++) {
        int length = (int)strlen(explanation->entries[i].name);
        width = length > width ? length : width;
    }
    if (asked->run != NULL)
        cmd_put_format(out, "%s row %lld\n", asked->day, (long long)asked->row);
    else
        cmd_put_text(out, "A call that nobody made\n");
    for (size_t i = 0; i < explanation->count; i++) {
        const struct toll_explain_entry *entry = &explanation->entries[i];
        int kind = (unsigned)entry->kind < KIND_COUNT ? (int)entry->kind : TOLL_EXPLAIN_STEP;
        int under = (unsigned)entry->part < PART_COUNT ? (int)entry->part : TOLL_EXPLAIN_RATING;
        if (under != title)
            cmd_put_format(out, "\n%s\n", titles[under]);
        title = under;
        cmd_put_format(out, "  %s %-*s  ", kind == TOLL_EXPLAIN_MISS ? "-" : " ", width, entry->name);
        cmd_put_plain(out, entry->text);
        cmd_put_char(out, '\n');
        if (entry->file[0] == '\0')
            continue;
        cmd_put_format(out, "    %*s  ", width, "");
        cmd_put_plain(out, entry->file);
        if (entry->line > 0)
            cmd_put_format(out, ":%d", entry->line);
        if (entry->source[0]) {
            cmd_put_text(out, ": ");
            cmd_put_plain(out, entry->source);
        }
        cmd_put_char(out, '\n');
    }
}

static const char *some(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_money(struct cmd_json *json, const char *key, int64_t money, bool known)
{
    char text[TOLL_MONEY_TEXT];
    toll_money_to_text(money, text);
    cmd_json_text(json, key, known ? text : NULL);
}

static void print_call(struct cmd_json *json, const struct toll_explained *line)
{
    char start[32];
    toll_time_to_text(line->start_ms, start);
    cmd_json_open(json, "call", '{');
    cmd_json_text(json, "from", some(line->caller));
    cmd_json_text(json, "to", some(line->callee));
    cmd_json_text(json, "at", start);
    cmd_json_text(json, "service", line->service);
    cmd_json_text(json, "direction", line->direction);
    cmd_json_bool(json, "answered", line->answered);
    cmd_json_integer(json, "duration_ms", line->duration_ms);
    cmd_json_integer(json, "quantity", line->quantity);
    cmd_json_close(json, '}');
}

static void print_price(struct cmd_json *json, const struct toll_explained *line)
{
    cmd_json_open(json, "price", '{');
    cmd_json_text(json, "kind", line->price_kind);
    cmd_json_text(json, "deck", some(line->deck));
    cmd_json_text(json, "prefix", some(line->prefix));
    cmd_json_text(json, "destination", some(line->destination));
    cmd_json_text(json, "band", some(line->band));
    cmd_json_text(json, "rate_column", some(line->rate_column));
    put_money(json, "rate", line->rate, true);
    cmd_json_integer(json, "per_units", line->per_units);
    cmd_json_text(json, "unit", line->unit);
    put_money(json, "connect_fee", line->connect_fee, true);
    cmd_json_text(json, "file", some(line->price_file));
    cmd_json_integer(json, "line", line->price_line);
    cmd_json_close(json, '}');
}

static void print_line(struct cmd_json *json, const struct toll_explained *line)
{
    cmd_json_open(json, "line", '{');
    cmd_json_text(json, "status", line->status);
    cmd_json_text(json, "reason", some(line->reason));
    cmd_json_text(json, "account", some(line->account));
    cmd_json_text(json, "site", some(line->site));
    cmd_json_text(json, "number", some(line->number));
    cmd_json_text(json, "class", line->class_);
    cmd_json_text(json, "jurisdiction", line->jurisdiction);
    cmd_json_text(json, "plan", some(line->plan));
    cmd_json_text(json, "rule_file", some(line->rule_file));
    cmd_json_integer(json, "rule_line", line->rule_line);
    if (line->price_kind[0] != '\0')
        print_price(json, line);
    else
        cmd_json_text(json, "price", NULL);
    cmd_json_integer(json, "billed", line->billed);
    cmd_json_integer(json, "included", line->included);
    put_money(json, "charge", line->charge, !line->in_suspense);
    cmd_json_text(json, "currency", line->currency);
    cmd_json_text(json, "taxes", some(line->taxes));
    cmd_json_text(json, "tax_suspense", some(line->tax_suspense));
    put_money(json, "cost", line->cost, line->cost_status[0] != '\0' && !line->cost_in_suspense);
    cmd_json_text(json, "cost_status", some(line->cost_status));
    cmd_json_close(json, '}');
}

static void print_entries(struct cmd_json *json, const struct toll_explanation *explanation)
{
    cmd_json_open(json, "entries", '[');
    for (size_t i = 0; i < explanation->count; i++) {
        const struct toll_explain_entry *entry = &explanation->entries[i];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "part",
                      (unsigned)entry->part < PART_COUNT ? part_names[entry->part] : part_names[1]);
        cmd_json_text(json, "kind",
                      (unsigned)entry->kind < KIND_COUNT ? kind_names[entry->kind] : kind_names[1]);
        cmd_json_text(json, "name", entry->name);
        cmd_json_text(json, "text", entry->text);
        cmd_json_text(json, "file", some(entry->file));
        if (entry->line > 0)
            cmd_json_integer(json, "line", entry->line);
        else
            cmd_json_text(json, "line", NULL);
        cmd_json_text(json, "source", some(entry->source));
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void print_json(struct cmd *cmd, const struct toll_explanation *explanation, const struct asked *asked)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "explain");
    if (asked->run != NULL) {
        cmd_json_text(&json, "run", asked->run);
        cmd_json_text(&json, "day", asked->day);
        cmd_json_integer(&json, "row", asked->row);
    } else {
        cmd_json_text(&json, "book", asked->book);
    }
    print_call(&json, &explanation->line);
    print_line(&json, &explanation->line);
    print_entries(&json, explanation);
    cmd_json_end(&json);
}

static int explain_row(struct cmd *cmd, char **argv, const char *cdrs, bool unmask, struct asked *asked,
                       struct toll_explanation *explanation, struct toll_error *error)
{
    char path[CMD_PATH_BYTES];
    if (!split_operand(argv[2], asked->day, &asked->row)) {
        cmd_error(cmd, "\"%s\" is no DAY:ROW; it looks like 2026-03-01:1234", argv[2]);
        return CMD_USAGE;
    }
    const int code = cmd_cdrs_find(cmd, argv[1], cdrs, path);
    if (code != CMD_GO)
        return code;
    asked->run = argv[1];
    return toll_explain(argv[1], path, asked->day, asked->row, unmask, explanation, error) < 0
               ? cmd_fail(cmd, error)
               : CMD_GO;
}

static int explain_call(struct cmd *cmd, int operands, const char *call, bool unmask,
                        const struct asked *asked, struct toll_explanation *explanation,
                        struct toll_error *error)
{
    if (operands > 0 || asked->book == NULL || call == NULL) {
        cmd_error(cmd, "write RUN DAY:ROW, or --book BOOK --call '...' for a call that nobody made");
        return CMD_USAGE;
    }
    const struct toll_reporter reporter = cmd_reporter(cmd);
    return toll_explain_call(asked->book, call, unmask, &reporter, explanation, error) < 0
               ? cmd_fail(cmd, error)
               : CMD_GO;
}

int cmd_explain(struct cmd *cmd, int argc, char **argv)
{
    const char *cdrs = NULL, *call = NULL;
    bool unmask = false;
    struct asked asked = {0};
    const struct cmd_option options[] = {
        CMD_OPTION_CDRS(cdrs),
        {.kind = CMD_TEXT,
         .name = "book",
         .value = "BOOK",
         .help = "of --call: folder or image",
         .target = &asked.book},
        {.kind = CMD_TEXT,
         .name = "call",
         .value = "TEXT",
         .help = "a call that nobody made: from=, to=, at=, secs=, ...",
         .target = &call},
        {.kind = CMD_FLAG, .name = "unmask", .help = "telephone numbers in full", .target = &unmask},
    };
    const struct cmd_usage usage = {
        .about =
            "Tells why one call costs what it costs: who pays, which plan, rule and price row decided and\n"
            "where they stand in the book, what was tried and did not match, the arithmetic, bundles, "
            "tiers,\n"
            "taxes and cost. DAY is the UTC day of the call's start, ROW its row in that day, from 0; "
            "export\n"
            "and reconcile print both. With --call a call that nobody made is rated by a book, as if it "
            "were\n"
            "the only one.",
        .examples = "  tollmill explain runs/2026-03 2026-03-01:0\n"
                    "  tollmill explain runs/2026-03 2026-03-01:1234 --unmask --json\n"
                    "  tollmill explain --book book --call 'from=+12125550100, to=+442079460000,\n"
                    "                   at=2026-03-02T09:00:00-05:00, secs=61'\n",
        .operands = "[RUN DAY:ROW]",
        .operands_min = 0,
        .operands_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "In --call: from, to, at (UTC, or with an offset), secs; and service (voice sms mms data "
            "event),\n"
            "direction (out in), answered (yes no), charged, trunk, hint, calltype, carrier, quantity, lrn,\n"
            "lrn_from, ring_to, legs (one both), provider_charge. docs/EXPLAIN.md has more.\n",
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct toll_explanation explanation = {0};
    struct toll_error error = {0};
    if (operands == 2 && asked.book == NULL && call == NULL)
        code = explain_row(cmd, argv, cdrs, unmask, &asked, &explanation, &error);
    else
        code = explain_call(cmd, operands, call, unmask, &asked, &explanation, &error);
    if (code != CMD_GO)
        return code;
    if (cmd->json)
        print_json(cmd, &explanation, &asked);
    else
        print_human(cmd, &explanation, &asked);
    toll_explanation_free(&explanation);
    return CMD_OK;
}
