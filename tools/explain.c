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

static void print_human(struct cmd *cmd, const struct toll_explanation *explanation, const char *day,
                        int64_t row)
{
    static const char *const titles[KIND_COUNT] = {"The call", "How it was rated", NULL, "The line"};
    struct cmd_output *out = &cmd->out;
    int width = 0, title = -1;
    for (size_t i = 0; i < explanation->count; i++) {
        int length = (int)strlen(explanation->entries[i].name);
        width = length > width ? length : width;
    }
    cmd_put_format(out, "%s row %lld\n", day, (long long)row);
    for (size_t i = 0; i < explanation->count; i++) {
        const struct toll_explain_entry *entry = &explanation->entries[i];
        int kind = (unsigned)entry->kind < KIND_COUNT ? (int)entry->kind : TOLL_EXPLAIN_STEP;
        int under =
            kind == TOLL_EXPLAIN_MISS ? TOLL_EXPLAIN_STEP : kind; /* what was tried belongs to the steps */
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

static void print_json(struct cmd *cmd, const struct toll_explanation *explanation, const char *run,
                       const char *day, int64_t row)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "explain");
    cmd_json_text(&json, "run", run);
    cmd_json_text(&json, "day", day);
    cmd_json_integer(&json, "row", row);
    cmd_json_open(&json, "entries", '[');
    for (size_t i = 0; i < explanation->count; i++) {
        const struct toll_explain_entry *entry = &explanation->entries[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "kind",
                      (unsigned)entry->kind < KIND_COUNT ? kind_names[entry->kind] : kind_names[1]);
        cmd_json_text(&json, "name", entry->name);
        cmd_json_text(&json, "text", entry->text);
        cmd_json_text(&json, "file", entry->file[0] ? entry->file : NULL);
        if (entry->line > 0)
            cmd_json_integer(&json, "line", entry->line);
        else
            cmd_json_text(&json, "line", NULL);
        cmd_json_text(&json, "source", entry->source[0] ? entry->source : NULL);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_end(&json);
}

int cmd_explain(struct cmd *cmd, int argc, char **argv)
{
    const char *cdrs = NULL;
    bool unmask = false;
    const struct cmd_option options[] = {
        CMD_OPTION_CDRS(cdrs),
        {.kind = CMD_FLAG, .name = "unmask", .help = "telephone numbers in full", .target = &unmask},
    };
    const struct cmd_usage usage = {
        .about =
            "Tells why one call costs what it costs: who pays, which plan, rule and price row decided and\n"
            "where they stand in the book, what was tried and did not match, the arithmetic, and its taxes,\n"
            "where the book has any. DAY is the UTC day of the call's start, ROW its row in that day, from "
            "0;\n"
            "export and reconcile print both.",
        .examples = "  tollmill explain runs/2026-03 2026-03-01:0\n"
                    "  tollmill explain runs/2026-03 2026-03-01:1234 --unmask\n"
                    "  tollmill explain runs/2026-03 2026-03-01:1234 --json\n",
        .operands = "RUN DAY:ROW",
        .operands_min = 2,
        .operands_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    char day[11], path[CMD_PATH_BYTES];
    int64_t row;
    if (!split_operand(argv[2], day, &row)) {
        cmd_error(cmd, "\"%s\" is no DAY:ROW; it looks like 2026-03-01:1234", argv[2]);
        return CMD_USAGE;
    }
    code = cmd_cdrs_find(cmd, argv[1], cdrs, path);
    if (code != CMD_GO)
        return code;
    struct toll_explanation explanation = {0};
    struct toll_error error = {0};
    if (toll_explain(argv[1], path, day, row, unmask, &explanation, &error) < 0)
        return cmd_fail(cmd, &error);
    if (cmd->json)
        print_json(cmd, &explanation, argv[1], day, row);
    else
        print_human(cmd, &explanation, day, row);
    toll_explanation_free(&explanation);
    return CMD_OK;
}
