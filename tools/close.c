/*
 * tollmill close: what a run has billed is frozen; the next run goes on behind it.
 */
#include "options.h"
#include "print.h"
#include "runs.h"

#include <stdio.h>

static void print_json(struct cmd *cmd, const struct toll_close_result *result, const char *run,
                       const char *state)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "close");
    cmd_json_text(&json, "run", run);
    cmd_json_text(&json, "state", state);
    cmd_json_text(&json, "until", result->until);
    cmd_json_integer(&json, "rows", result->rows);
    cmd_json_integer(&json, "closed", result->closed);
    cmd_json_integer(&json, "accounts", result->accounts);
    cmd_json_text(&json, "last_day", result->last_day[0] ? result->last_day : NULL);
    cmd_json_bool(&json, "cut_off", result->cut_off);
    cmd_json_end(&json);
}

static void print_human(struct cmd *cmd, const struct toll_close_result *result, const char *run,
                        const char *state)
{
    char closed[32], accounts[32];
    cmd_thousands(result->closed, closed, sizeof closed);
    cmd_thousands(result->accounts, accounts, sizeof accounts);
    cmd_put_format(&cmd->out, "%s: %s calls of %s accounts are closed, until %s: %s\n", run, closed, accounts,
                   result->until, state);
    cmd_put_format(&cmd->out, "Next: tollmill rate --after %s --book BOOK --cdrs DATASET -o RUN\n", state);
}

int cmd_close(struct cmd *cmd, int argc, char **argv)
{
    const char *cdrs = NULL;
    struct toll_close_options close = {0};
    int64_t threads = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_DAY,
         .name = "until",
         .value = "DAY",
         .help = "the day after the last closed one, where billing periods end: 2026-04-01",
         .target = &close.until,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "STATE",
         .help = "state folder; it must not be there yet",
         .target = &close.state_path,
         .required = true},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "workers; never changes a byte (default: all cores)",
         .target = &threads,
         .minimum = 1,
         .maximum = 4096},
        CMD_OPTION_CDRS(cdrs),
    };
    const struct cmd_usage usage = {
        .about =
            "Freezes what a run has billed: of each account the calls before its last billing period that\n"
            "begins on or before the day. The next run goes on behind them: it knows what bundles have left\n"
            "and what tiers have counted, and never charges a closed call again. Nothing is changed in the "
            "run.",
        .examples = "  tollmill close runs/2026-02 --until 2026-03-01 -o state-02\n"
                    "  tollmill rate --book book --cdrs cdrs --after state-02 -o runs/2026-03\n"
                    "  tollmill close runs/2026-03 --until 2026-04-01 -o state-03\n",
        .operands = "RUN",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes =
            "An account whose billing periods begin on the 15th is closed until the 15th before the day.\n"
            "Keep the parts of the dataset that the run rated: a later import makes new ones beside them,\n"
            "and the next run, export, report and explain still read the old ones.",
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    char found[CMD_PATH_BYTES];
    code = cmd_cdrs_find(cmd, argv[1], cdrs, found);
    if (code != CMD_GO)
        return code;
    struct toll_error error = {0};
    struct toll_close_result result;
    close.run_path = argv[1];
    close.dataset_path = found;
    close.threads = (unsigned)threads;
    close.progress = cmd_progress_begin(cmd);
    if (toll_close(&close, &result, &error) < 0)
        return cmd_fail(cmd, &error);
    if (result.cut_off)
        cmd_note(cmd,
                 "warning: the run ends on %s, before what is closed: calls that come later for those days "
                 "are late",
                 result.last_day);
    if (cmd->json)
        print_json(cmd, &result, argv[1], close.state_path);
    else if (!cmd->quiet)
        print_human(cmd, &result, argv[1], close.state_path);
    return CMD_OK;
}
