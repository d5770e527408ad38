/*
 * tollmill rate: a book and a dataset -> a run.
 */
#include "costs.h"
#include "machine.h"
#include "options.h"
#include "print.h"

#include <stdio.h>
#include <string.h>

static int64_t per_second(int64_t rows, int64_t ns)
{
    return ns > 0 ? (int64_t)((__int128)rows * 1000000000 / ns) : 0;
}

static void print_human(struct cmd *cmd, const struct toll_rate_result *result, const char *run,
                        const char *old_run)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_LEFT};
    char text[64], time[32], rate[32];
    struct cmd_table table;
    cmd_table_begin(&table, 3, align);
    cmd_thousands(result->rows, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"CDRs", text, ""});
    if (old_run != NULL) {
        cmd_thousands(result->kept, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"kept", text, old_run});
        cmd_thousands(result->rows - result->kept, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"rated again", text, ""});
    }
    cmd_thousands(result->rated, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"rated", text, ""});
    cmd_thousands(result->zero_rated, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"zero-rated", text, ""});
    cmd_thousands(result->suspense, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"suspense", text, ""});
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++) {
        if (result->status_rows[status] == 0)
            continue;
        cmd_thousands(result->status_rows[status], text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"", text, toll_status_reason(status)});
    }
    cmd_minutes_text(result->billed_s, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"billed minutes", text, ""});
    for (int i = 0; i < result->total_count; i++) {
        cmd_money_text(result->totals[i].charge, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"charge", text, result->totals[i].currency});
        cmd_money_text(result->totals[i].period_charge, text, sizeof text);
        if (result->period_charges > 0)
            cmd_table_row(&table,
                          (const char *const[]){"  of it, by period", text, result->totals[i].currency});
    }
    for (int i = 0; i < result->cost_count; i++) {
        cmd_money_text(result->costs[i].cost, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"cost", text, result->costs[i].currency});
        cmd_money_text(result->costs[i].margin, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"margin", text, result->costs[i].currency});
    }
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++) {
        if (result->cost_rows[status] == 0 || !toll_cost_takes_part(status))
            continue;
        cmd_thousands(result->cost_rows[status], text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"cost unknown", text, toll_status_reason(status)});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    cmd_seconds_text(result->wall_ns, time, sizeof time);
    cmd_rate_text(per_second(result->rows, result->wall_ns), rate, sizeof rate);
    cmd_count_text(result->memory_peak_bytes, true, text, sizeof text);
    cmd_put_format(&cmd->out, "%s in %s (%s CDR/s, %u thread%s, %s of memory at most)\n", run, time, rate,
                   result->threads, result->threads == 1 ? "" : "s", text);
    if (result->suspense > 0)
        cmd_put_format(&cmd->out, "Next: tollmill summary %s --suspense\n", run);
}

static void print_charge(struct cmd_json *json, const struct toll_rate_result *result)
{
    if (result->total_count <= 1) {
        cmd_json_text(json, "charge", result->total_count ? result->totals[0].charge : "0.00000000");
        cmd_json_text(json, "period_charge",
                      result->total_count ? result->totals[0].period_charge : "0.00000000");
        return;
    }
    cmd_json_open(json, "charge", '{');
    for (int i = 0; i < result->total_count; i++)
        cmd_json_text(json, result->totals[i].currency, result->totals[i].charge);
    cmd_json_close(json, '}');
    cmd_json_open(json, "period_charge", '{');
    for (int i = 0; i < result->total_count; i++)
        cmd_json_text(json, result->totals[i].currency, result->totals[i].period_charge);
    cmd_json_close(json, '}');
}

static void print_json(struct cmd *cmd, const struct toll_rate_result *result, const char *run)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "rate");
    cmd_json_integer(&json, "rows", result->rows);
    cmd_json_integer(&json, "kept", result->kept);
    cmd_json_integer(&json, "rated", result->rated);
    cmd_json_integer(&json, "zero_rated", result->zero_rated);
    cmd_json_open(&json, "suspense", '{');
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++)
        if (result->status_rows[status] > 0)
            cmd_json_integer(&json, toll_status_reason(status), result->status_rows[status]);
    cmd_json_close(&json, '}');
    cmd_json_integer(&json, "suspense_rows", result->suspense);
    cmd_json_integer(&json, "billed_s", result->billed_s);
    print_charge(&json, result);
    cmd_json_text(&json, "currency", result->total_count == 1 ? result->totals[0].currency : NULL);
    if (result->has_cost)
        cmd_costs_json(&json, &(struct cmd_costs){result->costs, result->cost_count, result->cost_rows});
    cmd_json_text(&json, "tax", NULL);
    cmd_json_text(&json, "run", run);
    cmd_json_text(&json, "cdr_hash", result->cdr_hash);
    cmd_json_text(&json, "book_hash", result->book_hash);
    cmd_json_integer(&json, "threads", result->threads);
    cmd_json_seconds(&json, "wall_s", result->wall_ns);
    cmd_json_integer(&json, "cdr_per_s", per_second(result->rows, result->wall_ns));
    cmd_json_seconds(&json, "rate_s", result->rate_ns);
    cmd_json_integer(&json, "memory_reserved_bytes", result->memory_reserved_bytes);
    cmd_json_integer(&json, "memory_peak_bytes", result->memory_peak_bytes);
    cmd_json_integer(&json, "rate_cdr_per_s", per_second(result->rows, result->rate_ns));
    cmd_json_end(&json);
}

int cmd_rate(struct cmd *cmd, int argc, char **argv)
{
    struct toll_rate_options rate = {.pin = true};
    struct cmd_machine machine = {0};
    static const char *const lates[] = {"append", "reorder", NULL};
    int late = 0;
    const struct cmd_option options[] = {
        {.kind = CMD_TEXT,
         .name = "book",
         .value = "BOOK",
         .help = "book folder or compiled image",
         .target = &rate.book_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "cdrs",
         .value = "DATASET",
         .help = "dataset folder, as import makes it",
         .target = &rate.dataset_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "output",
         .letter = 'o',
         .value = "RUN",
         .help = "run folder; it must not be there yet",
         .target = &rate.run_path,
         .required = true},
        {.kind = CMD_TEXT,
         .name = "only-suspense",
         .value = "OLDRUN",
         .help = "rate only what this run has in suspense and keep its other lines",
         .target = &rate.only_suspense},
        {.kind = CMD_TEXT,
         .name = "after",
         .value = "STATE",
         .help = "go on behind what was closed: what tollmill close made of the run before",
         .target = &rate.after},
        {.kind = CMD_CHOICE,
         .name = "late",
         .value = "append|reorder",
         .help = "late calls of closed periods: behind the closed ones (default), or these periods once more",
         .target = &late,
         .choices = lates},
        {.kind = CMD_FLAG,
         .name = "cut-periods",
         .help = "rate periods of bundles and tiers from nothing that began before --from",
         .target = &rate.cut_periods},
        {.kind = CMD_DAY,
         .name = "from",
         .value = "DAY",
         .help = "first UTC day, 2026-03-01 (default: all)",
         .target = &rate.from_day},
        {.kind = CMD_DAY,
         .name = "to",
         .value = "DAY",
         .help = "the UTC day after the last one",
         .target = &rate.to_day},
        CMD_OPTIONS_MACHINE(machine),
    };
    const struct cmd_usage usage = {
        .about =
            "Prices every CDR. Each one gets exactly one line: rated, zero-rated, or in suspense with a\n"
            "reason; a call that could not be rated is never charged 0. The run appears under its name\n"
            "only when it is complete. The same book and CDRs give the same bytes on any machine.",
        .examples = "  tollmill rate --book book --cdrs cdrs -o runs/2026-03\n"
                    "  tollmill rate --book book.image --cdrs cdrs --from 2026-03-01 --to 2026-04-01 -o run\n"
                    "  tollmill rate --book book --cdrs cdrs --only-suspense run -o run-2\n"
                    "  tollmill rate --book book --cdrs cdrs --after state-02 -o runs/2026-03\n"
                    "  tollmill rate --book book --cdrs cdrs -o run --json | jq .charge\n",
        .operands = "",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (rate.from_day && rate.to_day && strcmp(rate.from_day, rate.to_day) >= 0) {
        cmd_error(cmd, "--to %s is not after --from %s; --to is the day after the last one", rate.to_day,
                  rate.from_day);
        return CMD_USAGE;
    }
    if (!rate.after && late != 0) {
        cmd_error(cmd, "--late reorder goes with --after: without a closed run no call is late");
        return CMD_USAGE;
    }
    if (rate.after && rate.only_suspense) {
        cmd_error(cmd, "--after rates what was in suspense anyway; leave out --only-suspense");
        return CMD_USAGE;
    }
    rate.reorder = late == 1;
    rate.threads = (unsigned)machine.threads;
    rate.memory_bytes = machine.memory_bytes;
    rate.io = (enum toll_io_choice)machine.io;
    rate.simd = (enum toll_simd_choice)machine.simd;
    rate.reporter = cmd_reporter(cmd);
    rate.progress = cmd_progress_begin(cmd);
    struct toll_rate_result result;
    struct toll_error error = {0};
    memset(&result, 0, sizeof result);
    if (rate.only_suspense && cmd_output_outside(rate.run_path, &error) < 0)
        return cmd_fail(cmd, &error);
    if (toll_rate(&rate, &result, &error) < 0)
        return cmd_fail(cmd, &error);
    if (cmd->json)
        print_json(cmd, &result, rate.run_path);
    else if (!cmd->quiet)
        print_human(cmd, &result, rate.run_path, rate.only_suspense);
    return CMD_OK;
}
