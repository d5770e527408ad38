/* report --least-cost: every vendor's price for the same calls, and the cheapest. */
#include "reports.h"

#include <stdio.h>

static void money_text(struct toll_sum sum, char *text, size_t room)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, room);
}

static bool knows_actual(const struct toll_least_cost_row *row)
{
    return row->known == row->calls;
}

/* ---- for people ---- */

#define VENDORS_SHOWN 8

static void print_row(struct cmd_table *table, const struct toll_least_cost_report *report,
                      const struct toll_least_cost_row *row, int vendors)
{
    char calls[32], minutes[32], actual[64], saved[64], cost[VENDORS_SHOWN][64];
    const char *cells[7 + VENDORS_SHOWN];
    int cell = 0;
    cmd_thousands(row->calls, calls, sizeof calls);
    cmd_minutes_text(row->duration_ms / 1000, minutes, sizeof minutes);
    money_text(row->actual, actual, sizeof actual);
    money_text(row->saved, saved, sizeof saved);
    cells[cell++] = row->destination[0] ? row->destination : "(none)";
    cells[cell++] = calls;
    cells[cell++] = minutes;
    cells[cell++] = knows_actual(row) ? actual : "";
    for (int v = 0; v < vendors; v++) {
        money_text(row->offers[v].cost, cost[v], sizeof cost[v] - 1);
        if (row->offers[v].calls < row->calls) /* not all of the calls */
            strcat(cost[v], "*");
        cells[cell++] = row->offers[v].calls == 0 ? "-" : cost[v];
    }
    cells[cell++] = row->cheapest < 0 ? "" : report->vendors[row->cheapest];
    cells[cell++] = row->cheapest < 0 || !knows_actual(row) ? "" : saved;
    cells[cell++] = row->currency;
    cmd_table_row(table, cells);
}

static void print_human(struct cmd *cmd, const struct cmd_report *options,
                        const struct toll_least_cost_report *report)
{
    enum cmd_align align[7 + VENDORS_SHOWN];
    const char *header[7 + VENDORS_SHOWN];
    const int vendors = report->vendor_count < VENDORS_SHOWN ? report->vendor_count : VENDORS_SHOWN;
    struct cmd_table table;
    int cell = 0;
    header[cell++] = "destination";
    header[cell++] = "calls";
    header[cell++] = "minutes";
    header[cell++] = "cost now";
    for (int v = 0; v < vendors; v++)
        header[cell++] = report->vendors[v];
    header[cell++] = "cheapest";
    header[cell++] = "saved";
    header[cell++] = "";
    for (int i = 0; i < cell; i++)
        align[i] = i == 0 || i == cell - 1 || i == cell - 3 ? CMD_LEFT : CMD_RIGHT;
    cmd_table_begin(&table, cell, align);
    cmd_table_row(&table, header);
    for (size_t i = 0; i < report->count && i < options->top; i++)
        print_row(&table, report, &report->rows[i], vendors);
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (report->count > options->top)
        cmd_put_format(&cmd->out, "... and %zu more; --top N shows more\n", report->count - options->top);
    if (report->vendor_count > vendors)
        cmd_put_format(&cmd->out, "%d more vendors; --format csv has all\n", report->vendor_count - vendors);
    cmd_put_text(&cmd->out, "* not all of the calls: the vendor has no rate for some\n");
}

/* ---- for programs ---- */

static void put_json(struct cmd *cmd, const struct cmd_report *options,
                     const struct toll_least_cost_report *report)
{
    struct cmd_json json;
    char text[TOLL_MONEY_TEXT];
    cmd_json_begin(&json, &cmd->out, "report");
    cmd_json_text(&json, "run", options->run_path);
    cmd_json_text(&json, "report", "least-cost");
    cmd_json_integer(&json, "calls", report->calls);
    cmd_json_open(&json, "groups", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct toll_least_cost_row *row = &report->rows[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "destination", row->destination);
        cmd_json_integer(&json, "calls", row->calls);
        cmd_json_integer(&json, "duration_s", row->duration_ms / 1000);
        toll_sum_to_text(row->actual, text);
        cmd_json_text(&json, "cost", knows_actual(row) ? text : NULL);
        cmd_json_text(&json, "currency", row->currency);
        cmd_json_text(&json, "cheapest", row->cheapest < 0 ? NULL : report->vendors[row->cheapest]);
        toll_sum_to_text(row->saved, text);
        cmd_json_text(&json, "saved", row->cheapest < 0 || !knows_actual(row) ? NULL : text);
        cmd_json_open(&json, "vendors", '[');
        for (int v = 0; v < report->vendor_count; v++) {
            cmd_json_open(&json, NULL, '{');
            cmd_json_text(&json, "carrier", report->vendors[v]);
            cmd_json_integer(&json, "calls", row->offers[v].calls);
            toll_sum_to_text(row->offers[v].cost, text);
            cmd_json_text(&json, "cost", text);
            cmd_json_close(&json, '}');
        }
        cmd_json_close(&json, ']');
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_end(&json);
}

static void put_money(struct cmd_output *out, bool known, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, text);
    cmd_put_char(out, ',');
    cmd_put_text(out, known ? text : "");
}

/* One row for each destination and vendor, so that columns do not depend on the book. */
static void put_csv(struct cmd *cmd, const struct cmd_report *options,
                    const struct toll_least_cost_report *report)
{
    struct cmd_output *out = &cmd->out;
    cmd_put_text(out,
                 "destination,currency,calls,duration_s,cost,carrier,carrier_calls,carrier_cost,cheapest,"
                 "saved\n");
    for (size_t i = 0; i < report->count; i++)
        for (int v = 0; v < report->vendor_count; v++) {
            const struct toll_least_cost_row *row = &report->rows[i];
            const bool cheapest = row->cheapest == v;
            cmd_csv_text(out, row->destination, options->safe);
            cmd_put_format(out, ",%s,%lld,%lld", row->currency, (long long)row->calls,
                           (long long)(row->duration_ms / 1000));
            put_money(out, knows_actual(row), row->actual);
            cmd_put_char(out, ',');
            cmd_csv_text(out, report->vendors[v], options->safe);
            cmd_put_format(out, ",%lld", (long long)row->offers[v].calls);
            put_money(out, row->offers[v].calls > 0, row->offers[v].cost);
            cmd_put_text(out, cheapest ? ",yes" : ",no");
            put_money(out, cheapest && knows_actual(row), row->saved);
            cmd_put_char(out, '\n');
        }
}

int cmd_report_least_cost(struct cmd *cmd, const struct cmd_report *options)
{
    char cdrs[CMD_PATH_BYTES];
    struct toll_least_cost_report report;
    struct toll_error error = {0};
    const int code = cmd_cdrs_find(cmd, options->run_path, options->cdrs, cdrs);
    if (code != CMD_GO)
        return code;
    const struct toll_least_cost_options wanted = {options->run_path, cdrs, cmd_progress_begin(cmd)};
    if (toll_least_cost(&wanted, &report, &error) < 0)
        return cmd_fail(cmd, &error);
    if (cmd->json)
        put_json(cmd, options, &report);
    else if (options->csv)
        put_csv(cmd, options, &report);
    else
        print_human(cmd, options, &report);
    toll_least_cost_free(&report);
    return CMD_OK;
}
