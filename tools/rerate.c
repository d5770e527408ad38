/*
 * tollmill rerate: a run's calls by another book, into a new run, and the delta of the two.
 */
#include "names.h"
#include "options.h"
#include "print.h"
#include "runs.h"
#include "tollmill_delta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words { /* of the command line that need reading */
    const char *cdrs, *old_cdrs, *delta, *accounts, *minimum, *approve_above, *approved;
    int64_t threads, back_bill_days;
    int io, simd;
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

static bool moved(const struct toll_delta_result *delta)
{
    bool found = delta->changed > 0;
    for (int i = 0; i < delta->total_count; i++)
        found |=
            cmd_sum_compare(charge_of(&delta->totals[i].before), charge_of(&delta->totals[i].after)) != 0;
    return found;
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
                        const struct toll_rerate_result *result, int64_t wall_ns)
{
    char time[32];
    print_counts(cmd, result);
    print_totals(cmd, &result->delta);
    cmd_seconds_text(wall_ns, time, sizeof time);
    cmd_put_format(&cmd->out, "%s and %s in %s\n", options->rate.run_path, options->delta_path, time);
    if (moved(&result->delta))
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

static int read_amount(struct cmd *cmd, const char *text, const char *option, int64_t *out)
{
    if (text == NULL || (toll_money_from_text(text, strlen(text), out) == 0 && *out >= 0))
        return CMD_GO;
    cmd_error(cmd, "--%s %s is no amount; write it as 2.50", option, text);
    return CMD_USAGE;
}

static int check_words(struct cmd *cmd, const struct toll_rerate_options *options, const struct words *words)
{
    const struct toll_adjust_policy *policy = &options->policy;
    const bool adjusts = policy->credits_only || words->minimum || words->approve_above || words->approved ||
                         policy->today || policy->report_period || words->back_bill_days >= 0;
    if (adjusts && !options->closed_path) {
        cmd_error(cmd, "what becomes of adjusting lines is said of closed cycles: add --closed STATE");
        return CMD_USAGE;
    }
    if (options->part_from && options->part_to && strcmp(options->part_from, options->part_to) >= 0) {
        cmd_error(cmd, "--to %s is not after --from %s; --to is the day after the last one", options->part_to,
                  options->part_from);
        return CMD_USAGE;
    }
    if (words->back_bill_days >= 0 && !policy->today) {
        cmd_error(cmd, "--back-bill-days goes back from a day: add --today");
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
    struct cmd_names accounts = {0}, approved = {0};
    struct toll_rerate_result result;
    struct toll_error error = {0};
    char *delta = NULL;
    int rc = 0;
    memset(&result, 0, sizeof result);
    if (words->accounts)
        rc = cmd_names_split(&accounts, words->accounts, "accounts", &error);
    if (rc == 0 && words->approved)
        rc = cmd_names_read(&approved, words->approved, &error);
    options->accounts = accounts.names;
    options->account_count = accounts.count;
    options->policy.approved = approved.names;
    options->policy.approved_count = approved.count;
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
    int code = rc < 0 ? cmd_fail(cmd, &error) : moved(&result.delta) ? CMD_FINDINGS : CMD_OK;
    if (rc >= 0 && cmd->json)
        print_json(cmd, options, &result, wall_ns);
    else if (rc >= 0 && !cmd->quiet)
        print_human(cmd, options, &result, wall_ns);
    cmd_names_free(&accounts);
    cmd_names_free(&approved);
    free(delta);
    return code;
}

int cmd_rerate(struct cmd *cmd, int argc, char **argv)
{
    static const char *const io_choices[] = {"auto", "mmap", "pread", "io_uring", NULL};
    static const char *const simd_choices[] = {"auto", "scalar", "avx2", "avx512", NULL};
    struct toll_rerate_options rerate_options = {
        .rate.pin = true, .policy = {.approve_above = INT64_MAX, .back_bill_days = -1}};
    struct toll_rate_options *rate = &rerate_options.rate;
    struct toll_adjust_policy *policy = &rerate_options.policy;
    struct words words = {.io = TOLL_IO_AUTO, .simd = TOLL_SIMD_AUTO, .back_bill_days = -1};
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
        {.kind = CMD_TEXT,
         .name = "closed",
         .value = "STATE",
         .help = "what is billed already: adjusting lines for these cycles",
         .target = &rerate_options.closed_path},
        {.kind = CMD_FLAG,
         .name = "credits-only",
         .help = "adjusting debits are listed, not billed",
         .target = &policy->credits_only},
        {.kind = CMD_TEXT,
         .name = "minimum",
         .value = "AMOUNT",
         .help = "accounts whose adjustments come to less, either way, are left alone",
         .target = &words.minimum},
        {.kind = CMD_NUMBER,
         .name = "back-bill-days",
         .value = "N",
         .help = "calls that began more days before --today are not debited any more",
         .target = &words.back_bill_days,
         .minimum = 0,
         .maximum = 100000},
        {.kind = CMD_TEXT,
         .name = "approve-above",
         .value = "AMOUNT",
         .help = "accounts whose adjustments come to more, either way, wait for approval",
         .target = &words.approve_above},
        {.kind = CMD_TEXT,
         .name = "approved",
         .value = "FILE",
         .help = "accounts that are approved, one a line",
         .target = &words.approved},
        {.kind = CMD_DAY,
         .name = "today",
         .value = "DAY",
         .help = "the day on which this is done: a run has no clock of its own",
         .target = &policy->today},
        {.kind = CMD_MONTH,
         .name = "report-period",
         .value = "MONTH",
         .help = "in which adjusted taxes are reported (default: the month of --today)",
         .target = &policy->report_period},
        {.kind = CMD_NUMBER,
         .name = "threads",
         .value = "N",
         .help = "workers; never changes a byte (default: all cores)",
         .target = &words.threads,
         .minimum = 1,
         .maximum = 4096},
        {.kind = CMD_NUMBER,
         .name = "memory",
         .value = "SIZE",
         .help = "memory that rating may reserve, 2GiB (default: what it takes)",
         .target = &rate->memory_bytes,
         .minimum = 1,
         .maximum = INT64_MAX},
        {.kind = CMD_CHOICE,
         .name = "io",
         .value = "auto|mmap|pread|io_uring",
         .help = "how CDRs are read and lines written; never changes a byte",
         .target = &words.io,
         .choices = io_choices},
        {.kind = CMD_CHOICE,
         .name = "simd",
         .value = "auto|scalar|avx2|avx512",
         .help = "which instructions; never changes a byte",
         .target = &words.simd,
         .choices = simd_choices},
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
        code = check_words(cmd, &rerate_options, &words);
    if (code == CMD_GO)
        code = read_amount(cmd, words.minimum, "minimum", &policy->minimum);
    if (code == CMD_GO)
        code = read_amount(cmd, words.approve_above, "approve-above", &policy->approve_above);
    if (code != CMD_GO)
        return code;
    rerate_options.old_run_path = argv[1];
    policy->back_bill_days = words.back_bill_days;
    rate->threads = (unsigned)words.threads;
    rate->io = (enum toll_io_choice)words.io;
    rate->simd = (enum toll_simd_choice)words.simd;
    rate->reporter = cmd_reporter(cmd);
    code = find_cdrs(cmd, &rerate_options, &words, new_path, old_path);
    return code != CMD_GO ? code : rerate(cmd, &rerate_options, &words);
}
