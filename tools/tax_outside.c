/*
 * tollmill tax --for and --from: charge lines to an outside tax engine, and its answers back. docs/TAX.md
 * section 9.
 */
#include "tax_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 50 /* differences told on stderr; --json has all */

static const char *const engines[] = {"Avalara", "SureTax"};

static struct toll_tax_outside_options options_of(struct cmd *cmd, const struct cmd_tax *tax,
                                                  const struct cmd_tax_outside *outside)
{
    return (struct toll_tax_outside_options){.engine = (enum toll_tax_engine)outside->engine,
                                             .codes_path = outside->codes,
                                             .invoice_lines = outside->invoice_lines,
                                             .report_period = tax->report_period,
                                             .reporter = cmd_reporter(cmd)};
}

/* Lines that were not sent are somebody's to look at, never just left out. */
static int tell_unsent(struct cmd *cmd, const struct toll_tax_outside_facts *facts)
{
    if (facts->suspense > 0)
        cmd_note(
            cmd,
            "%lld charge lines are in tax suspense and not sent; tollmill tax RUN --what suspense lists them",
            (long long)facts->suspense);
    if (facts->without_service > 0)
        cmd_note(cmd, "%lld lines of the inventory or of accounts have no tax service and are not sent",
                 (long long)facts->without_service);
    return facts->suspense > 0 ? CMD_FINDINGS : CMD_OK;
}

/* ---- --for ---- */

static int put_request(void *context, const char *text, size_t bytes)
{
    struct cmd_output *out = context;
    while (bytes > 0 && !out->failure) {
        const size_t some = bytes < CMD_OUTPUT_BYTES ? bytes : CMD_OUTPUT_BYTES;
        cmd_put(out, text, some);
        text += some;
        bytes -= some;
    }
    return 0;
}

static void print_sent(struct cmd *cmd, const struct cmd_tax *tax, const struct cmd_tax_outside *outside,
                       const struct toll_tax_outside_facts *facts)
{
    if (cmd->json) {
        struct cmd_json json;
        cmd_json_begin(&json, &cmd->out, "tax");
        cmd_json_text(&json, "for", outside->engine == TOLL_TAX_AVALARA ? "avalara" : "suretax");
        cmd_json_text(&json, "file", tax->file);
        cmd_json_integer(&json, "requests", facts->requests);
        cmd_json_integer(&json, "invoices", facts->invoices);
        cmd_json_integer(&json, "items", facts->items);
        cmd_json_integer(&json, "lines", facts->lines);
        cmd_json_integer(&json, "suspense", facts->suspense);
        cmd_json_integer(&json, "without_service", facts->without_service);
        cmd_json_end(&json);
    } else if (!cmd->quiet) {
        cmd_put_format(&cmd->out, "%s: requests %lld, invoices %lld, lines %lld, for %s\n", tax->file,
                       (long long)facts->requests, (long long)facts->invoices, (long long)facts->items,
                       engines[outside->engine]);
    }
}

int cmd_tax_for(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                const struct cmd_tax_outside *outside)
{
    const struct toll_tax_outside_options options = options_of(cmd, tax, outside);
    struct toll_tax_outside_facts facts = {0};
    struct cmd_output file = {.fd = -1}, *out = tax->file ? &file : &cmd->out;
    struct toll_error error = {0};
    int code = CMD_GO;

    if (tax->file && cmd_output_to_file(&file, tax->file, &error) < 0)
        return cmd_fail(cmd, &error);
    if (toll_tax_requests(taxes, &options, put_request, out, &facts, &error) < 0)
        code = cmd_fail(cmd, &error);
    if (code == CMD_GO && tax->file && cmd_output_commit(&file, &error) < 0)
        code = cmd_fail(cmd, &error);
    cmd_output_close(&file);
    if (code != CMD_GO)
        return code;
    if (tax->file)
        print_sent(cmd, tax, outside, &facts);
    return tell_unsent(cmd, &facts);
}

/* ---- --from ---- */

static const char *in_words(const struct toll_tax_outside_difference *one, char *text, size_t room)
{
    if (strcmp(one->reason, "missing_line") == 0)
        snprintf(text, room, "line %.40s of %.200s (charge %s) has no answer", one->line, one->invoice,
                 one->charge);
    else if (strcmp(one->reason, "unknown_line") == 0)
        snprintf(text, room, "line %.40s of %.200s was never sent", one->line, one->invoice);
    else if (strcmp(one->reason, "line_twice") == 0)
        snprintf(text, room, "line %.40s of %.200s has a second answer, which is not counted", one->line,
                 one->invoice);
    else if (strcmp(one->reason, "total") == 0)
        snprintf(text, room, "%s%.200s adds up to %.60s by its lines, and to %.60s by its own total",
                 one->invoice[0] ? "" : "the response", one->invoice, one->ours, one->theirs);
    else
        snprintf(text, room, "%s%.200s%s%.40s was refused: %.300s", one->line[0] ? "" : "the request ",
                 one->invoice, one->line[0] ? " line " : "", one->line, one->about);
    return text;
}

static int64_t tell_differences(struct cmd *cmd, struct toll_tax_outside *answers)
{
    struct toll_tax_outside_difference one;
    char text[900];
    int64_t count = 0;

    for (; toll_tax_outside_difference(answers, count, &one); count++)
        if (count < SHOWN)
            cmd_error(cmd, "%s%s%s: %s", one.file, one.file[0] ? ": " : "", one.reason,
                      in_words(&one, text, sizeof text));
    if (count > SHOWN)
        cmd_error(cmd, "... and %lld more; --json has all", (long long)(count - SHOWN));
    return count;
}

static void json_differences(struct cmd_json *json, struct toll_tax_outside *answers)
{
    struct toll_tax_outside_difference one;

    cmd_json_open(json, "differences", '[');
    for (int64_t i = 0; toll_tax_outside_difference(answers, i, &one); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "reason", one.reason);
        cmd_json_text(json, "file", one.file);
        cmd_json_text(json, "account", one.account);
        cmd_json_text(json, "period", one.period);
        cmd_json_text(json, "invoice", one.invoice);
        cmd_json_text(json, "line", one.line);
        cmd_json_text(json, "charge", one.charge);
        cmd_json_text(json, "ours", one.ours);
        cmd_json_text(json, "theirs", one.theirs);
        cmd_json_text(json, "about", one.about);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void put_json(struct cmd *cmd, const struct cmd_tax *tax, const struct cmd_tax_outside *outside,
                     struct toll_tax_outside *answers)
{
    struct toll_tax_outside_account one;
    struct toll_tax_outside_facts facts;
    struct cmd_json json;
    char cents[CMD_CENTS_TEXT];

    toll_tax_outside_facts(answers, &facts);
    cmd_json_begin(&json, &cmd->out, "tax");
    cmd_json_text(&json, "from", outside->engine == TOLL_TAX_AVALARA ? "avalara" : "suretax");
    cmd_json_text(&json, "file", tax->file);
    cmd_json_integer(&json, "items", facts.items);
    cmd_json_integer(&json, "suspense", facts.suspense);
    cmd_json_integer(&json, "without_service", facts.without_service);
    cmd_json_open(&json, "accounts", '[');
    for (int64_t i = 0; toll_tax_outside_account(answers, i, &one); i++) {
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "account", one.account);
        cmd_json_text(&json, "currency", one.currency);
        cmd_json_integer(&json, "items", one.items);
        cmd_json_integer(&json, "answered", one.answered);
        cmd_json_text(&json, "charge", one.charge);
        cmd_json_text(&json, "tax_exact", one.tax_exact);
        cmd_cents_text(one.tax_cents, cents);
        cmd_json_text(&json, "tax", cents);
        cmd_json_text(&json, "not_billable_exact", one.other_exact);
        cmd_cents_text(one.other_cents, cents);
        cmd_json_text(&json, "not_billable", cents);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    json_differences(&json, answers);
    cmd_json_end(&json);
}

static void print_accounts(struct cmd *cmd, struct toll_tax_outside *answers)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct toll_tax_outside_account one;
    struct cmd_table table;

    cmd_table_begin(&table, 7, align);
    cmd_table_row(&table,
                  (const char *const[]){"account", "lines", "answered", "charge", "tax", "not billable", ""});
    for (int64_t i = 0; toll_tax_outside_account(answers, i, &one); i++) {
        char items[32], answered[32], charge[64], billed[CMD_CENTS_TEXT], other[CMD_CENTS_TEXT];
        cmd_thousands(one.items, items, sizeof items);
        cmd_thousands(one.answered, answered, sizeof answered);
        cmd_money_text(one.charge, charge, sizeof charge);
        cmd_cents_text(one.tax_cents, billed);
        cmd_cents_text(one.other_cents, other);
        cmd_table_row(
            &table, (const char *const[]){one.account, items, answered, charge, billed, other, one.currency});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static int put_register(struct cmd *cmd, const struct cmd_tax *tax, struct toll_tax_outside *answers)
{
    struct cmd_output file = {.fd = -1}, *out = tax->file ? &file : &cmd->out;
    struct toll_tax_register_row row;
    struct toll_error error = {0};
    int code = CMD_GO;

    if (tax->file && cmd_output_to_file(&file, tax->file, &error) < 0)
        return cmd_fail(cmd, &error);
    cmd_tax_put_register(out, NULL, tax->csv, tax->safe);
    for (int64_t i = 0; toll_tax_outside_register(answers, i, &row); i++)
        cmd_tax_put_register(out, &row, tax->csv, tax->safe);
    if (tax->file && cmd_output_commit(&file, &error) < 0)
        code = cmd_fail(cmd, &error);
    cmd_output_close(&file);
    return code;
}

int cmd_tax_from(struct cmd *cmd, const struct cmd_tax *tax, struct toll_taxes *taxes,
                 const struct cmd_tax_outside *outside, const char *const *responses, size_t count)
{
    const struct toll_tax_outside_options options = options_of(cmd, tax, outside);
    struct toll_tax_outside *answers = NULL;
    struct toll_tax_outside_facts facts;
    struct toll_error error = {0};
    int code = CMD_GO;

    if (toll_tax_outside_open(taxes, &options, responses, count, &answers, &error) < 0)
        return cmd_fail(cmd, &error);
    if (tax->file || !cmd->json)
        code = put_register(cmd, tax, answers);
    if (code == CMD_GO) {
        if (cmd->json)
            put_json(cmd, tax, outside, answers);
        else if (tax->file && !cmd->quiet)
            print_accounts(cmd, answers);
        toll_tax_outside_facts(answers, &facts);
        code = tell_unsent(cmd, &facts);
        if (tell_differences(cmd, answers) > 0)
            code = CMD_FINDINGS;
    }
    toll_tax_outside_close(answers);
    return code;
}
