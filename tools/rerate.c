/*
 * tollmill rerate: a run's calls by another book, into a new run, and the delta of the two.
 */
#include "machine.h"
#include "options.h"
#include "policy.h"
#include "print.h"
#include "runs.h"
#include "tollmill_delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words { /* of the command line that need reading */
    const char *cdrs, *old_cdrs, *delta, *accounts;
    struct cmd_machine machine;
};

static void money_text(struct toll_sum sum, char *text, size_t room)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, room);
}

static struct toll_sum charge_of(const struct toll_delta_side *side)
{
    struct toll_sum sum = side->charge;
    cmd_sum_join(&sum, side->periods);
    return sum;
}

/* ---- for people ---- */

static void print_counts(struct cmd *cmd, const struct toll_rerate_result *result)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT};
    char text[64];
    struct cmd_table table;
    cmd_table_begin(&table, 2, align);
    cmd_thousands(result->rate.rows, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"CDRs", text});
    if (result->rate.kept > 0) {
        cmd_thousands(result->rate.kept, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"kept", text});
    }
    cmd_thousands(result->rate.suspense, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"suspense", text});
    cmd_thousands(result->delta.changed, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"changed lines", text});
    for (int reason = 0; reason < TOLL_DELTA_REASONS; reason++) {
        if (result->delta.reason_rows[reason] == 0)
            continue;
        char name[48];
        snprintf(name, sizeof name, "  %s", toll_delta_reason_name((enum toll_delta_reason)reason));
        cmd_thousands(result->delta.reason_rows[reason], text, sizeof text);
        cmd_table_row(&table, (const char *const[]){name, text});
    }
    if (result->delta.adjusting > 0) {
        cmd_thousands(result->delta.adjusting, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"adjusting lines", text});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_totals(struct cmd *cmd, const struct toll_delta_result *delta)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};
    struct cmd_table table;
    cmd_table_begin(&table, 4, align);
    cmd_table_row(&table, (const char *const[]){"charge", "old", "new", "delta"});
    for (int i = 0; i < delta->total_count; i++) {
        const struct toll_sum before = charge_of(&delta->totals[i].before),
                              after = charge_of(&delta->totals[i].after);
        char old[64], new[64], difference[64];
        money_text(before, old, sizeof old);
        money_text(after, new, sizeof new);
        money_text(cmd_sum_minus(after, before), difference, sizeof difference);
        cmd_table_row(&table, (const char *const[]){delta->totals[i].currency, old, new, difference});
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_human(struct cmd *cmd, const struct toll_rerate_options *options,
                        const struct toll_rerate_result *result, bool moved, int64_t wall_ns)
{
    char time[32];
    print_counts(cmd, result);
    print_totals(cmd, &result->delta);
    cmd_seconds_text(wall_ns, time, sizeof time);
    cmd_put_format(&cmd->out, "%s and %s in %s\n", options->rate.run_path, options->delta_path, time);
    if (moved)
        cmd_put_format(&cmd->out, "Next: tollmill delta %s\n", options->delta_path);
    else
        cmd_put_format(&cmd->out, "Nothing moved.\n");
}

/* ---- for programs ---- */

static void json_sum(struct cmd_json *json, const char *key, struct toll_sum sum)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_json_text(json, key, decimal);
}

static void json_side(struct cmd_json *json, const char *key, const struct toll_delta_side *side)
{
    cmd_json_open(json, key, '{');
    cmd_json_integer(json, "rows", side->rows);
    json_sum(json, "charge", charge_of(side));
    json_sum(json, "period_charge", side->periods);
    json_sum(json, "cost", side->cost);
    cmd_json_close(json, '}');
}

static void print_json(struct cmd *cmd, const struct toll_rerate_options *options,
                       const struct toll_rerate_result *result, int64_t wall_ns)
{
    const struct toll_delta_result *delta = &result->delta;
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "rerate");
    cmd_json_text(&json, "old_run", options->old_run_path);
    cmd_json_text(&json, "run", options->rate.run_path);
    cmd_json_text(&json, "delta", options->delta_path);
    cmd_json_integer(&json, "rows", result->rate.rows);
    cmd_json_integer(&json, "kept", result->rate.kept);
    cmd_json_integer(&json, "suspense_rows", result->rate.suspense);
    cmd_json_text(&json, "cdr_hash", result->rate.cdr_hash);
    cmd_json_text(&json, "book_hash", result->rate.book_hash);
    cmd_json_integer(&json, "old_rows", delta->old_rows);
    cmd_json_integer(&json, "changed", delta->changed);
    cmd_json_open(&json, "reasons", '{');
    for (int reason = 0; reason < TOLL_DELTA_REASONS; reason++)
        if (delta->reason_rows[reason] > 0)
            cmd_json_integer(&json, toll_delta_reason_name((enum toll_delta_reason)reason),
                             delta->reason_rows[reason]);
    cmd_json_close(&json, '}');
    cmd_json_open(&json, "totals", '[');
    for (int i = 0; i < delta->total_count; i++) {
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "currency", delta->totals[i].currency);
        json_side(&json, "old", &delta->totals[i].before);
        json_side(&json, "new", &delta->totals[i].after);
        json_sum(&json, "delta",
                 cmd_sum_minus(charge_of(&delta->totals[i].after), charge_of(&delta->totals[i].before)));
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_integer(&json, "adjusting", delta->adjusting);
    cmd_json_integer(&json, "threads", result->rate.threads);
    cmd_json_seconds(&json, "wall_s", wall_ns);
    cmd_json_seconds(&json, "rate_s", result->rate.wall_ns);
    cmd_json_seconds(&json, "delta_s", delta->wall_ns);
    cmd_json_end(&json);
}

/* ---- the command line ---- */

static int check_days(struct cmd *cmd, const struct toll_rerate_options *options)
{
    if (options->part_from && options->part_to && strcmp(options->part_from, options->part_to) >= 0) {
        cmd_error(cmd, "--to %s is not after --from %s; --to is the day after the last one", options->part_to,
                  options->part_from);
        return CMD_USAGE;
    }
    return CMD_GO;
}

static int find_cdrs(struct cmd *cmd, struct toll_rerate_options *options, const struct words *words,
                     char new_path[CMD_PATH_BYTES], char old_path[CMD_PATH_BYTES])
{
    int code = cmd_cdrs_find(cmd, options->old_run_path, words->cdrs, new_path);
    options->rate.dataset_path = new_path;
    options->old_dataset_path = new_path;
    if (code == CMD_GO && words->old_cdrs) {
        code = cmd_cdrs_find(cmd, options->old_run_path, words->old_cdrs, old_path);
        options->old_dataset_path = old_path;
    }
    return code;
}

static int rerate(struct cmd *cmd, struct toll_rerate_options *options, const struct words *words)
{
    struct cmd_names accounts = {0};
    struct toll_rerate_result result;
    struct toll_error error = {0};
    char *delta = NULL;
    int rc = 0;
    memset(&result, 0, sizeof result);
    if (words->accounts)
        rc = cmd_names_split(&accounts, words->accounts, "accounts", &error);
    options->accounts = accounts.names;
    options->account_count = accounts.count;
    options->delta_path = words->delta;
    if (rc == 0 && !words->delta) {
        size_t bytes = strlen(options->rate.run_path);
        while (bytes > 1 && options->rate.run_path[bytes - 1] == '/')
            bytes--;
        if (asprintf(&delta, "%.*s.delta", (int)bytes, options->rate.run_path) < 0) {
            delta = NULL;
            snprintf(error.text, sizeof error.text, "out of memory");
            rc = error.code = TOLL_ENOMEM;
        }
        options->delta_path = delta;
    }
    if (rc == 0)
        rc = cmd_output_outside(options->rate.run_path, &error);
    if (rc == 0)
        rc = cmd_output_outside(options->delta_path, &error);
    options->rate.progress = cmd_progress_begin(cmd);
    const int64_t begun = cmd_now_ns();
    if (rc == 0)
        rc = toll_rerate(options, &result, &error);
    const int64_t wall_ns = cmd_now_ns() - begun;
    const bool moved = result.delta.moved;
    const int code = rc < 0 ? cmd_fail(cmd, &error) : moved ? CMD_FINDINGS : CMD_OK;
    if (rc >= 0 && cmd->json)
        print_json(cmd, options, &result, wall_ns);
    else if (rc >= 0 && !cmd->quiet)
        print_human(cmd, options, &result, moved, wall_ns);
    cmd_names_free(&accounts);
    free(delta);
    return code;
}

int cmd_rerate(struct cmd *cmd, int argc, char **argv)
{
    struct toll_rerate_options rerate_options = {.rate.pin = true};
    struct cmd_policy policy = CMD_POLICY_NONE;
    struct toll_rate_options *rate = &rerate_options.rate;
    struct words words = {0};
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "book",
         .value = "NEW",
         .help = "book folder or compiled image that rates now",
         .target = &rate->book_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "NEWRUN",
         .help = "folder of the new run; it must not be there yet",
         .target = &rate->run_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "delta",
         .value = "DIR",
         .help = "folder of the delta (default: NEWRUN.delta)",
         .target = &words.delta},
        CMD_OPTION_CDRS(words.cdrs),
        {.kind = CMD_TEXT,
         .name = "old-cdrs",
         .value = "DATASET",
         .help = "the CDRs that RUN rated, where --cdrs is another dataset of the same files",
         .target = &words.old_cdrs},
        {.kind = CMD_TEXT,
         .name = "accounts",
         .value = "A,B",
         .help = "only calls that RUN gave to one of these accounts; the other lines are kept",
         .target = &words.accounts},
        {.kind = CMD_DAY,
         .name = "from",
         .value = "DAY",
         .help = "only calls from this UTC day on; the other lines are kept",
         .target = &rerate_options.part_from},
        {.kind = CMD_DAY,
         .name = "to",
         .value = "DAY",
         .help = "only calls before this UTC day",
         .target = &rerate_options.part_to},
        {.kind = CMD_FLAG,
         .name = "only-suspense",
         .help = "only calls that RUN has in suspense",
         .target = &rerate_options.part_suspense},
        CMD_OPTIONS_POLICY(policy),
        CMD_OPTIONS_MACHINE(words.machine),
    };
    const struct cmd_usage usage = {
        .about =
            "Rates a finished run's calls again, with the days and the start balance that it had, into a\n"
            "new run, and writes the delta: what moved, line by line, and why. Nothing is changed in RUN.\n"
            "Exit 0: nothing moved; 1: something did. With the same book and CDRs the new run's lines and\n"
            "tables are the old ones, byte for byte.",
        .examples =
            "  tollmill rerate runs/2026-03 --book book -o runs/2026-03b\n"
            "  tollmill rerate runs/2026-03 --book book -o runs/2026-03b --accounts acme,beta\n"
            "  tollmill rerate runs/2026-03 --book book -o runs/2026-03b --closed state-03 --today "
            "2026-04-10\n"
            "  tollmill rerate runs/2026-03 --book book -o runs/2026-03b --cdrs repaired --old-cdrs cdrs\n"
            "  tollmill delta runs/2026-03b.delta\n"
            "  tollmill ledger ledgers/2026-03 --post runs/2026-03b.delta\n",
        .operands = "RUN",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    char new_path[CMD_PATH_BYTES], old_path[CMD_PATH_BYTES];
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code == CMD_GO)
        code = check_days(cmd, &rerate_options);
    if (code == CMD_GO)
        code = cmd_policy_read(cmd, &policy);
    if (code != CMD_GO)
        return code;
    rerate_options.old_run_path = argv[1];
    rerate_options.closed_path = policy.closed;
    rerate_options.policy = policy.policy;
    rate->threads = (unsigned)words.machine.threads;
    rate->memory_bytes = words.machine.memory_bytes;
    rate->io = (enum toll_io_choice)words.machine.io;
    rate->simd = (enum toll_simd_choice)words.machine.simd;
    rate->reporter = cmd_reporter(cmd);
    code = find_cdrs(cmd, &rerate_options, &words, new_path, old_path);
    if (code == CMD_GO)
        code = rerate(cmd, &rerate_options, &words);
    cmd_policy_free(&policy);
    return code;
}
