/*
 * What tollmill bench shows. All figures are medians, worked out in integers.
 */
#include "bench.h"

#include "costs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct spread {
    int64_t median, least, most;
};

static struct spread spread_of(const int64_t *values, int count)
{
    int64_t sorted[BENCH_REPEATS_MOST];
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return (struct spread){sorted[count / 2], sorted[0], sorted[count - 1]};
}

static int64_t divide(__int128 dividend, int64_t divisor)
{
    return divisor > 0 ? (int64_t)((dividend + divisor / 2) / divisor) : 0;
}

static int64_t per_second(int64_t count, int64_t ns)
{
    return divide((__int128)count * 1000000000, ns);
}

/* Hundredths as a decimal. */
static const char *hundredths(int64_t value, char text[32])
{
    snprintf(text, 32, "%lld.%02d", (long long)(value / 100), (int)(value % 100));
    return text;
}

static const char *ns_per_cdr(const struct bench *bench, int64_t ns, char text[32])
{
    return hundredths(divide((__int128)ns * 100, bench->result.rows), text);
}

/* How much faster `figure` is than `than`, repetition by repetition, in hundredths. */
static int64_t ratio(const struct bench *bench, const struct bench_figure *figure,
                     const struct bench_figure *than)
{
    int64_t ratios[BENCH_REPEATS_MOST] = {0};
    for (int i = 0; i < bench->repeats; i++)
        ratios[i] = divide((__int128)than->ns[i] * 100, figure->ns[i]);
    return spread_of(ratios, bench->repeats).median;
}

/* ---- for people ---- */

static void print_results(struct cmd *cmd, const struct bench *bench)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_LEFT};
    const struct toll_rate_result *result = &bench->result;
    const struct {
        const char *name;
        int64_t rows;
    } counts[] = {{"CDRs", result->rows},
                  {"rated", result->rated},
                  {"zero-rated", result->zero_rated},
                  {"suspense", result->suspense}};
    char text[64];
    struct cmd_table table;
    cmd_table_begin(&table, 3, align);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        cmd_thousands(counts[i].rows, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){counts[i].name, text, ""});
    }
    cmd_minutes_text(result->billed_s, text, sizeof text);
    cmd_table_row(&table, (const char *const[]){"billed minutes", text, ""});
    for (int i = 0; i < result->total_count; i++) {
        cmd_money_text(result->totals[i].charge, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"charge", text, result->totals[i].currency});
    }
    for (int i = 0; i < result->cost_count; i++) {
        cmd_money_text(result->costs[i].cost, text, sizeof text);
        cmd_table_row(&table, (const char *const[]){"cost", text, result->costs[i].currency});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    cmd_put_format(&cmd->out, "lines %s, the same each time\n\n", bench->levels[0].hash);
}

static void print_speeds(struct cmd *cmd, const struct bench *bench)
{
    static const enum cmd_align align[] = {CMD_RIGHT, CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};
    const bool levels = bench->level_count > 1, steps = bench->step_count > 1;
    struct cmd_table table;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(&table, (const char *const[]){"threads", "kernels", "CDR/s", "ns/CDR", "least", "most",
                                                levels ? "x scalar" : "", steps ? "x 1 thread" : ""});
    for (int step = 0; step < bench->step_count; step++)
        for (int i = 0; i < bench->level_count; i++) {
            const struct bench_level *level = &bench->levels[i];
            const struct bench_figure *figure = &level->rate[step];
            const struct spread ns = spread_of(figure->ns, bench->repeats);
            char threads[32], rate[32], median[32], least[32], most[32], scalar[32] = "", one[32] = "";
            snprintf(threads, sizeof threads, "%u", bench->threads[step]);
            cmd_rate_text(per_second(bench->result.rows, ns.median), rate, sizeof rate);
            if (i > 0)
                hundredths(ratio(bench, figure, &bench->levels[0].rate[step]), scalar);
            if (step > 0)
                hundredths(ratio(bench, figure, &level->rate[0]), one);
            cmd_table_row(&table, (const char *const[]){threads, level->name, rate,
                                                        ns_per_cdr(bench, ns.median, median),
                                                        ns_per_cdr(bench, ns.least, least),
                                                        ns_per_cdr(bench, ns.most, most), scalar, one});
        }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_stages(struct cmd *cmd, const struct bench *bench)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT};
    const char *cells[1 + BENCH_LEVELS] = {"stage, ns/CDR"};
    char texts[BENCH_LEVELS][32];
    struct cmd_table table;
    cmd_table_begin(&table, 1 + bench->level_count, align);
    for (int i = 0; i < bench->level_count; i++)
        cells[1 + i] = bench->levels[i].name;
    cmd_table_row(&table, cells);
    for (int stage = 0; stage < bench->stage_count; stage++) {
        cells[0] = bench->stage_names[stage];
        for (int i = 0; i < bench->level_count; i++)
            cells[1 + i] = ns_per_cdr(
                bench, spread_of(bench->levels[i].stages[stage].ns, bench->repeats).median, texts[i]);
        cmd_table_row(&table, cells);
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

void bench_print_human(struct cmd *cmd, const struct bench *bench)
{
    enum { FEW = 1000000 };
    char copy[32];
    print_results(cmd, bench);
    print_speeds(cmd, bench);
    print_stages(cmd, bench);
    cmd_count_text(per_second((int64_t)BENCH_COPY_BYTES, spread_of(bench->copy.ns, bench->repeats).median),
                   true, copy, sizeof copy);
    cmd_put_format(&cmd->out, "\nmemcpy %s/s in the same run; medians of %d\n", copy, bench->repeats);
    if (bench->result.rows < FEW)
        cmd_put_text(&cmd->out,
                     "Beginning weighs more than rating so few CDRs: a million or more tell how fast "
                     "that is.\n");
}

/* ---- for programs ---- */

static void put_ns(struct cmd_json *json, const struct bench *bench, const struct bench_figure *figure)
{
    const struct spread ns = spread_of(figure->ns, bench->repeats);
    cmd_json_integer(json, "median_ns", ns.median);
    cmd_json_integer(json, "least_ns", ns.least);
    cmd_json_integer(json, "most_ns", ns.most);
}

static void put_results(struct cmd_json *json, const struct bench *bench)
{
    const struct toll_rate_result *result = &bench->result;
    cmd_json_integer(json, "rows", result->rows);
    cmd_json_integer(json, "rated", result->rated);
    cmd_json_integer(json, "zero_rated", result->zero_rated);
    cmd_json_integer(json, "suspense_rows", result->suspense);
    cmd_json_integer(json, "billed_s", result->billed_s);
    cmd_json_open(json, "charge", '{');
    for (int i = 0; i < result->total_count; i++)
        cmd_json_text(json, result->totals[i].currency, result->totals[i].charge);
    cmd_json_close(json, '}');
    if (result->has_cost) {
        cmd_json_open(json, "cost", '{');
        for (int i = 0; i < result->cost_count; i++)
            cmd_json_text(json, result->costs[i].currency, result->costs[i].cost);
        cmd_json_close(json, '}');
    }
    cmd_json_text(json, "lines_hash", bench->levels[0].hash);
    cmd_json_text(json, "cdr_hash", result->cdr_hash);
    cmd_json_text(json, "book_hash", result->book_hash);
}

static void put_speeds(struct cmd_json *json, const struct bench *bench)
{
    cmd_json_open(json, "rating", '[');
    for (int step = 0; step < bench->step_count; step++)
        for (int i = 0; i < bench->level_count; i++) {
            const struct bench_level *level = &bench->levels[i];
            const int64_t median = spread_of(level->rate[step].ns, bench->repeats).median;
            cmd_json_open(json, NULL, '{');
            cmd_json_text(json, "simd", level->name);
            cmd_json_integer(json, "threads", bench->threads[step]);
            put_ns(json, bench, &level->rate[step]);
            cmd_json_integer(json, "cdr_per_s", per_second(bench->result.rows, median));
            cmd_json_close(json, '}');
        }
    cmd_json_close(json, ']');
    cmd_json_open(json, "stages", '[');
    for (int i = 0; i < bench->level_count; i++)
        for (int stage = 0; stage < bench->stage_count; stage++) {
            cmd_json_open(json, NULL, '{');
            cmd_json_text(json, "simd", bench->levels[i].name);
            cmd_json_text(json, "stage", bench->stage_names[stage]);
            put_ns(json, bench, &bench->levels[i].stages[stage]);
            cmd_json_close(json, '}');
        }
    cmd_json_close(json, ']');
}

void bench_print_json(struct cmd *cmd, const struct bench *bench)
{
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "bench");
    cmd_json_text(&json, "book", bench->book);
    cmd_json_text(&json, "cdrs", bench->cdrs);
    put_results(&json, bench);
    cmd_json_integer(&json, "repeats", bench->repeats);
    put_speeds(&json, bench);
    cmd_json_open(&json, "memcpy", '{');
    cmd_json_integer(&json, "bytes", (int64_t)BENCH_COPY_BYTES);
    put_ns(&json, bench, &bench->copy);
    cmd_json_integer(&json, "bytes_per_s",
                     per_second((int64_t)BENCH_COPY_BYTES, spread_of(bench->copy.ns, bench->repeats).median));
    cmd_json_close(&json, '}');
    cmd_json_end(&json);
}
