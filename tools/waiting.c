/*
 * summary --suspense. See waiting.h.
 */
#include "waiting.h"

#include "print.h"
#include "runs.h"

#include <string.h>

static void print_human(struct cmd *cmd, const struct toll_suspense_report *report, const char *run,
                        bool unmask)
{
    char rows[32], groups[32];
    bool masked = false;
    cmd_thousands(report->rows, rows, sizeof rows);
    cmd_put_format(&cmd->out, "%s: %s rows in suspense\n", run, rows);
    for (size_t i = 0; i < report->count; i++) {
        const struct toll_suspense_group *group = &report->groups[i];
        cmd_thousands(group->rows, rows, sizeof rows);
        cmd_put_format(&cmd->out, "\n%s  %s", rows, toll_status_reason(group->status));
        if (group->about[0]) {
            cmd_put_text(&cmd->out, "  ");
            cmd_put_plain(&cmd->out, group->about);
        }
        cmd_put_format(&cmd->out, "  first %s:%lld\n    ", group->day, (long long)group->row);
        cmd_put_plain(&cmd->out, group->advice);
        cmd_put_char(&cmd->out, '\n');
        if (group->file[0]) {
            cmd_put_text(&cmd->out, "    ");
            cmd_put_plain(&cmd->out, group->file);
            cmd_put_format(&cmd->out, ": %s -> ", group->columns);
            cmd_put_plain(&cmd->out, group->add);
            cmd_put_char(&cmd->out, '\n');
        }
        masked |= group->status == TOLL_SUSPENSE_NO_ACCOUNT && !unmask;
    }
    if (report->more_rows > 0) {
        cmd_thousands(report->more_rows, rows, sizeof rows);
        cmd_thousands(report->more_groups, groups, sizeof groups);
        cmd_put_format(&cmd->out, "\n... and %s rows in %s more groups; --top N shows more\n", rows, groups);
    }
    if (report->rows > 0)
        cmd_put_format(&cmd->out,
                       "\n%sThen: tollmill rate --book BOOK --cdrs DATASET --only-suspense %s -o NEWRUN\n",
                       masked ? "Numbers are masked; --unmask shows them in full.\n" : "", run);
}

static void print_json(struct cmd *cmd, const struct toll_suspense_report *report, const char *run)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "suspense");
    cmd_json_text(&json, "run", run);
    cmd_json_integer(&json, "suspense_rows", report->rows);
    cmd_json_open(&json, "groups", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct toll_suspense_group *group = &report->groups[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "reason", toll_status_reason(group->status));
        cmd_json_integer(&json, "rows", group->rows);
        cmd_json_text(&json, "account", group->account);
        cmd_json_text(&json, "about", group->about);
        cmd_json_text(&json, "day", group->day);
        cmd_json_integer(&json, "row", group->row);
        cmd_json_text(&json, "file", group->file[0] ? group->file : NULL);
        cmd_json_text(&json, "columns", group->file[0] ? group->columns : NULL);
        cmd_json_text(&json, "add", group->file[0] ? group->add : NULL);
        cmd_json_text(&json, "advice", group->advice);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_integer(&json, "more_rows", report->more_rows);
    cmd_json_integer(&json, "more_groups", report->more_groups);
    cmd_json_end(&json);
}

int cmd_waiting(struct cmd *cmd, const char *run, const char *cdrs, size_t top, bool unmask)
{
    char path[CMD_PATH_BYTES];
    int code = cmd_cdrs_find(cmd, run, cdrs, path);
    if (code != CMD_GO)
        return code;
    const struct toll_suspense_options options = {
        .run_path = run, .dataset_path = path, .unmask = unmask, .top = top};
    struct toll_suspense_report report;
    struct toll_error error = {0};
    if (toll_suspense_report_make(&options, &report, &error) < 0)
        return cmd_fail(cmd, &error);
    if (cmd->json)
        print_json(cmd, &report, run);
    else
        print_human(cmd, &report, run, unmask);
    toll_suspense_report_free(&report);
    return CMD_OK;
}
