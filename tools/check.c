/*
 * tollmill check: everything that is wrong or doubtful in a book, before it rates anything.
 */
#include "options.h"
#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 20 /* of each name */

struct finding {
    enum toll_severity severity;
    long line, column;
    char *name, *file, *text; /* name and file may be NULL */
};

/* What was reported, kept for the document of --json. */
struct findings {
    struct toll_reporter talk;
    struct finding *list;
    size_t count, room;
    bool keep, failed;
};

static char *copy(struct findings *findings, const char *text)
{
    char *copied = text ? strdup(text) : NULL;
    findings->failed = findings->failed || (text && !copied);
    return copied;
}

static void keep(void *context, const struct toll_diagnostic *diagnostic)
{
    struct findings *findings = context;
    findings->talk.report(findings->talk.context, diagnostic);
    if (!findings->keep)
        return;
    if (findings->count == findings->room) {
        size_t room = findings->room ? findings->room * 2 : 64;
        struct finding *list = realloc(findings->list, room * sizeof *list);
        if (!list) {
            findings->failed = true;
            return;
        }
        findings->list = list;
        findings->room = room;
    }
    struct finding *finding = &findings->list[findings->count++];
    *finding = (struct finding){.severity = diagnostic->severity,
                                .line = diagnostic->line,
                                .column = diagnostic->column,
                                .name = copy(findings, diagnostic->name),
                                .file = copy(findings, diagnostic->file),
                                .text = copy(findings, diagnostic->text)};
    if (finding->text)
        cmd_mask_within(finding->text, true);
}

static void findings_free(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->list[i].name);
        free(findings->list[i].file);
        free(findings->list[i].text);
    }
    free(findings->list);
}

static void print_human(struct cmd *cmd, const struct toll_check_result *result)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_RIGHT};
    struct cmd_table table;
    char count[32], shown[32], time[32];
    if (result->doubt_count > 0) {
        cmd_table_begin(&table, 3, align);
        cmd_table_row(&table, (const char *[]){"doubt", "rows", "shown"});
        for (int i = 0; i < result->doubt_count; i++) {
            cmd_thousands(result->doubts[i].count, count, sizeof count);
            cmd_thousands(result->doubts[i].shown, shown, sizeof shown);
            cmd_table_row(&table, (const char *[]){result->doubts[i].name, count, shown});
        }
        cmd_table_print(&table, &cmd->out, "");
        cmd_table_end(&table);
    }
    cmd_seconds_text(result->wall_ns, time, sizeof time);
    cmd_put_format(&cmd->out, "errors: %lld, warnings: %lld. %s\n", (long long)result->errors,
                   (long long)result->warnings, time);
}

static void print_json(struct cmd *cmd, const char *book, const struct toll_check_result *result,
                       const struct findings *findings, int outcome)
{
    static const char *const severities[] = {"note", "warning", "error"};
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "check");
    cmd_json_integer(&json, "exit", toll_exit_code(outcome));
    cmd_json_text(&json, "book", book);
    cmd_json_integer(&json, "errors", result->errors);
    cmd_json_integer(&json, "warnings", result->warnings);
    cmd_json_open(&json, "doubts", '[');
    for (int i = 0; i < result->doubt_count; i++) {
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "name", result->doubts[i].name);
        cmd_json_integer(&json, "count", result->doubts[i].count);
        cmd_json_integer(&json, "shown", result->doubts[i].shown);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_open(&json, "findings", '[');
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "severity", severities[finding->severity]);
        cmd_json_text(&json, "name", finding->name);
        cmd_json_text(&json, "file", finding->file);
        cmd_json_integer(&json, "line", finding->line);
        cmd_json_integer(&json, "column", finding->column);
        cmd_json_text(&json, "text", finding->text);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_seconds(&json, "wall_s", result->wall_ns);
    cmd_json_end(&json);
}

int cmd_check(struct cmd *cmd, int argc, char **argv)
{
    struct toll_check_options check = {.shown = SHOWN};
    bool all = false;
    const struct cmd_option options[] = {
        {.kind = CMD_DAY,
         .name = "closed-until",
         .value = "DAY",
         .help = "calls before this day are billed: name deck versions that begin earlier",
         .target = &check.closed_until},
        {.kind = CMD_FLAG, .name = "all", .help = "show every warning, not 20 of each name", .target = &all},
    };
    const struct cmd_usage usage = {
        .about =
            "Reads a book (a folder of CSV tables and book.yaml) and lists everything that is wrong with "
            "it,\n"
            "and what is hardly meant: rules that no call comes to, bands that leave a gap in the week,\n"
            "plans, decks and bundles of nobody, a prefix at ten times the price of what it lies in. Each "
            "warning\n"
            "has a name; docs/CHECK.md says what it means and what to do. Exit 0: nothing, 1: warnings,\n"
            "78: errors (mend them first: what is doubtful is looked for when there are none).",
        .examples = "  tollmill check book\n"
                    "  tollmill check book --closed-until 2026-11-01\n"
                    "  tollmill check book --json | jq '.doubts[] | select(.name == \"dead_rule\")'\n",
        .operands = "BOOK",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    struct findings findings = {.talk = cmd_reporter(cmd), .keep = cmd->json};
    struct toll_check_result result = {0};
    struct toll_error error = {0};
    check.book_path = argv[1];
    check.shown = all ? 0 : SHOWN;
    check.reporter = (struct toll_reporter){keep, &findings};
    int outcome = toll_check(&check, &result, &error);
    if (findings.failed) {
        outcome = error.code = TOLL_ENOMEM;
        snprintf(error.text, sizeof error.text, "out of memory for the findings");
    }
    if (outcome < 0 && outcome != TOLL_EFINDINGS && outcome != TOLL_EBOOK) {
        code = cmd_fail(cmd, &error);
    } else {
        if (cmd->json)
            print_json(cmd, check.book_path, &result, &findings, outcome);
        else if (!cmd->quiet)
            print_human(cmd, &result);
        code = toll_exit_code(outcome);
    }
    findings_free(&findings);
    return code;
}
