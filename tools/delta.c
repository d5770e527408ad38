/*
 * tollmill delta: what moved between two runs over the same calls, line by line.
 */
#include "delta_show.h"
#include "options.h"
#include "policy.h"
#include "print.h"
#include "runs.h"

#include <string.h>

struct wanted {
    const char *output, *cdrs, *old_cdrs;
    int format, table;
    int raw; /* 1: texts of CSV as they are */
    int64_t top, threads;
};

static int show(struct cmd *cmd, const char *path, const struct wanted *wanted)
{
    struct toll_delta *delta;
    struct toll_error error = {0};
    if (toll_delta_open(path, &delta, &error) < 0)
        return cmd_fail(cmd, &error);
    const bool moved = cmd_delta_moved(delta);
    int rc = 0;
    if (cmd->json)
        cmd_delta_json(cmd, delta, path);
    else if (wanted->format == 1)
        rc = cmd_delta_csv(cmd, delta, (enum cmd_delta_table)wanted->table, wanted->raw == 0, &error);
    else if (!cmd->quiet)
        cmd_delta_print(cmd, delta, wanted->top);
    toll_delta_close(delta);
    return rc < 0 ? cmd_fail(cmd, &error) : moved ? CMD_FINDINGS : CMD_OK;
}

static int make(struct cmd *cmd, char **runs, const struct wanted *wanted, const struct cmd_policy *policy)
{
    char old_cdrs[CMD_PATH_BYTES], new_cdrs[CMD_PATH_BYTES];
    struct toll_error error = {0};
    struct toll_delta_result result;
    int code =
        cmd_cdrs_find(cmd, runs[0], wanted->old_cdrs != NULL ? wanted->old_cdrs : wanted->cdrs, old_cdrs);
    if (code == CMD_GO)
        code = cmd_cdrs_find(cmd, runs[1], wanted->cdrs, new_cdrs);
    if (code != CMD_GO)
        return code;
    const struct toll_delta_options options = {
        .old_run_path = runs[0],
        .new_run_path = runs[1],
        .old_dataset_path = old_cdrs,
        .new_dataset_path = new_cdrs,
        .delta_path = wanted->output,
        .closed_path = policy->closed,
        .policy = policy->policy,
        .threads = (unsigned)wanted->threads,
        .progress = cmd_progress_begin(cmd),
    };
    if (toll_delta_make(&options, &result, &error) < 0)
        return cmd_fail(cmd, &error);
    return show(cmd, wanted->output, wanted);
}

int cmd_delta(struct cmd *cmd, int argc, char **argv)
{
    static const char *const formats[] = {"text", "csv", NULL};
    static const char *const tables[] = {"lines", "sums", "taxes", "adjusting", NULL};
    static const char *const safety[] = {"excel", "raw", NULL};
    struct wanted wanted = {.top = 10, .table = -1};
    struct cmd_policy policy = CMD_POLICY_NONE;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "DELTA",
         .help = "with two runs: the delta's folder; it must not be there yet",
         .target = &wanted.output},
        CMD_OPTION_CDRS(wanted.cdrs),
        {.kind = CMD_TEXT,
         .name = "old-cdrs",
         .value = "DATASET",
         .help = "where the old run's CDRs are, if elsewhere (default: --cdrs)",
         .target = &wanted.old_cdrs},
        CMD_OPTIONS_POLICY(policy),
        {.kind = CMD_CHOICE,
         .name = "format",
         .value = "FORMAT",
         .help = "text or csv (one table; default: text)",
         .target = &wanted.format,
         .choices = formats},
        {.kind = CMD_CHOICE,
         .name = "what",
         .value = "TABLE",
         .help = "of csv: lines, sums, taxes or adjusting (default: lines)",
         .target = &wanted.table,
         .choices = tables},
        {.kind = CMD_CHOICE,
         .name = "csv-safe",
         .value = "excel|raw",
         .help = "excel (default): ' before texts that begin with = + - @ TAB CR; raw: as they are",
         .target = &wanted.raw,
         .choices = safety},
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "accounts that text shows: those that moved most (default: 10)",
         .target = &wanted.top,
         .minimum = 0,
         .maximum = INT32_MAX},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "workers; never changes a byte (default: all cores)",
         .target = &wanted.threads,
         .minimum = 1,
         .maximum = 4096},
    };
    const struct cmd_usage usage = {
        .about = "Compares two runs over the same calls: each line that changed, with its old and its new\n"
                 "price, the reason, and what it comes to by account, site and tax. Old and delta are new,\n"
                 "exactly. With one operand shows a delta that was made before.",
        .examples = "  tollmill delta runs/2026-03 runs/2026-03b -o runs/2026-03b.delta\n"
                    "  tollmill delta runs/2026-03b.delta\n"
                    "  tollmill delta runs/2026-03b.delta --format csv --what lines > changed.csv\n"
                    "  tollmill delta runs/2026-03b.delta --json\n",
        .operands = "OLDRUN NEWRUN | DELTA",
        .operands_min = 1,
        .operands_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .notes = "Exit 0: nothing moved; 1: something did. What a line's reasons mean: docs/RERATE.md.",
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (operands == 2 && wanted.output == NULL)
        return cmd_fail_text(cmd, CMD_USAGE, "two runs make a delta: say where with -o DELTA");
    if (operands == 1 && wanted.output != NULL)
        return cmd_fail_text(cmd, CMD_USAGE,
                             "-o DELTA makes a delta of two runs; give the old and the new one");
    if (wanted.format == 1 && cmd->json)
        return cmd_fail_text(cmd, CMD_USAGE, "--json and --format csv are two formats; leave one out");
    if (wanted.table >= 0 && wanted.format != 1)
        return cmd_fail_text(cmd, CMD_USAGE, "--what goes with --format csv; text and --json have all");
    wanted.table = wanted.table < 0 ? CMD_DELTA_LINES : wanted.table;
    if (operands == 1 && policy.closed != NULL)
        return cmd_fail_text(cmd, CMD_USAGE, "--closed is said when a delta of two runs is made");
    code = cmd_policy_read(cmd, &policy);
    if (code == CMD_GO)
        code = operands == 2 ? make(cmd, argv + 1, &wanted, &policy) : show(cmd, argv[1], &wanted);
    cmd_policy_free(&policy);
    return code;
}
