/* report --margin: all lines of a run summed by one of their names. */
#include "groups.h"
#include "reports.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const titles[CMD_MARGINS] = {"account", "site",    "destination", "deck",
                                                "trunk",   "carrier", "hour",        "day"};

/* ---- names ---- */

/* Of the book's clock. */
static void clock_name(int64_t local_ms, bool hour, char *text)
{
    char time[32];
    toll_time_to_text(local_ms, time); /* "2026-11-21T09:48:27.000Z" */
    if (hour)
        snprintf(text, 32, "%.2s", time + 11);
    else
        snprintf(text, 32, "%.10s", time);
}

static const char *name_of(const struct cmd_report *report, const struct toll_line *line, char *text,
                           size_t room)
{
    switch (report->margin) {
    case CMD_BY_ACCOUNT:
        return line->account;
    case CMD_BY_SITE:
        return line->site;
    case CMD_BY_DESTINATION:
        return cmd_report_destination(line);
    case CMD_BY_DECK:
        return line->deck;
    case CMD_BY_CARRIER:
        return line->cost_carrier;
    case CMD_BY_TRUNK:
        snprintf(text, room, "%s", line->trunk);
        if (!report->unmask)
            cmd_mask_within(text, false);
        return text;
    default:
        clock_name(line->local_ms, report->margin == CMD_BY_HOUR, text);
        return text;
    }
}

/* ---- sums ---- */

static void add_line(struct cmd_group *group, const struct toll_line *line)
{
    group->rows++;
    const bool charge = cmd_report_knows_charge(line), cost = cmd_report_knows_cost(line);
    if (charge) {
        toll_sum_add(&group->charge, line->charge);
        group->billed_s += strcmp(line->service, "voice") == 0 ? line->billed : 0;
    } else {
        group->charge_unknown++;
    }
    if (cost)
        toll_sum_add(&group->cost, line->cost);
    group->cost_unknown += line->has_cost && !cost;
    if (cmd_report_is_below(line)) {
        group->below++;
        toll_sum_add(&group->loss, line->cost - line->charge);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct cmd_group *x = a, *y = b;
    const int names = strcmp(x->name, y->name);
    return names != 0 ? names : strcmp(x->currency, y->currency);
}

static int collect(struct cmd *cmd, const struct cmd_report *report, struct toll_run *run,
                   const struct toll_run_facts *facts, struct cmd_groups *groups)
{
    struct toll_progress progress = cmd_progress_begin(cmd);
    struct toll_error error = {0};
    struct toll_line line;
    char text[256];
    int64_t rows = 0;
    int more;
    while ((more = toll_run_next(run, &line, &error)) > 0) {
        struct cmd_group *group = cmd_group_find(groups, name_of(report, &line, text, sizeof text),
                                                 line.account_name, cmd_report_currency(facts, &line));
        if (!group)
            return cmd_fail_text(cmd, CMD_BUG, "out of memory");
        add_line(group, &line);
        if ((++rows & 0xFFFF) == 0)
            progress.tick(progress.context, "summing", rows, facts->rows, "rows");
    }
    if (more < 0)
        return cmd_fail(cmd, &error);
    if (report->margin == CMD_BY_HOUR || report->margin == CMD_BY_DAY)
        qsort(groups->items, groups->count, sizeof *groups->items, by_name);
    else
        cmd_groups_sort(groups);
    return CMD_GO;
}

/* ---- for people ---- */

static void sum_text(struct toll_sum sum, char *text, size_t room)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, room);
}

static void print_group(struct cmd_table *table, const struct cmd_group *group, const char *name)
{
    char rows[32], minutes[32], charge[64], cost[64], margin[64], percent[32], below[32], unknown[32];
    const struct toll_sum difference = cmd_sum_minus(group->charge, group->cost);
    cmd_thousands(group->rows, rows, sizeof rows);
    cmd_minutes_text(group->billed_s, minutes, sizeof minutes);
    sum_text(group->charge, charge, sizeof charge);
    sum_text(group->cost, cost, sizeof cost);
    sum_text(difference, margin, sizeof margin);
    cmd_percent_text(difference, group->charge, percent, sizeof percent);
    cmd_thousands(group->below, below, sizeof below);
    cmd_thousands(group->charge_unknown + group->cost_unknown, unknown, sizeof unknown);
    cmd_table_row(table, (const char *const[]){name, rows, minutes, charge, cost, margin, percent, below,
                                               unknown, group->currency});
}

static void print_human(struct cmd *cmd, const struct cmd_report *report, const struct toll_run_facts *facts,
                        const struct cmd_groups *groups)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    const bool all = report->margin == CMD_BY_HOUR;
    struct cmd_table table;
    cmd_table_begin(&table, 10, align);
    cmd_table_row(&table, (const char *const[]){titles[report->margin], "rows", "minutes", "charge", "cost",
                                                "margin", "%", "below cost", "unknown", ""});
    for (size_t i = 0; i < groups->count && (all || i < report->top); i++)
        print_group(&table, &groups->items[i], groups->items[i].name[0] ? groups->items[i].name : "(none)");
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (!all && groups->count > report->top)
        cmd_put_format(&cmd->out, "... and %zu more; --top N shows more\n", groups->count - report->top);
    cmd_put_format(&cmd->out, "\nlines of %s: ", report->run_path);
    cmd_costs_print(cmd, &(struct cmd_costs){facts->costs, facts->cost_count, facts->cost_rows});
    if (facts->period_count > 0)
        cmd_put_text(&cmd->out, "That margin has the period charges, too; the rows above have not.\n");
}

/* ---- for programs ---- */

static void put_json(struct cmd *cmd, const struct cmd_report *report, const struct toll_run_facts *facts,
                     const struct cmd_groups *groups)
{
    struct cmd_json json;
    char text[TOLL_MONEY_TEXT];
    cmd_json_begin(&json, &cmd->out, "report");
    cmd_json_text(&json, "run", report->run_path);
    cmd_json_text(&json, "report", "margin");
    cmd_json_text(&json, "by", titles[report->margin]);
    cmd_costs_json(&json, &(struct cmd_costs){facts->costs, facts->cost_count, facts->cost_rows});
    cmd_json_open(&json, "groups", '[');
    for (size_t i = 0; i < groups->count; i++) {
        const struct cmd_group *group = &groups->items[i];
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, titles[report->margin], group->name);
        cmd_json_integer(&json, "rows", group->rows);
        cmd_json_integer(&json, "billed_s", group->billed_s);
        toll_sum_to_text(group->charge, text);
        cmd_json_text(&json, "charge", text);
        toll_sum_to_text(group->cost, text);
        cmd_json_text(&json, "cost", text);
        toll_sum_to_text(cmd_sum_minus(group->charge, group->cost), text);
        cmd_json_text(&json, "margin", text);
        cmd_json_text(&json, "currency", group->currency);
        cmd_json_integer(&json, "charge_unknown", group->charge_unknown);
        cmd_json_integer(&json, "cost_unknown", group->cost_unknown);
        cmd_json_integer(&json, "below_cost", group->below);
        toll_sum_to_text(group->loss, text);
        cmd_json_text(&json, "loss", text);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_end(&json);
}

static void put_sum(struct cmd_output *out, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put_char(out, ',');
    cmd_put(out, text, toll_sum_to_text(sum, text));
}

static void put_count(struct cmd_output *out, int64_t count)
{
    cmd_put_char(out, ',');
    cmd_put_integer(out, count);
}

static void put_csv(struct cmd *cmd, const struct cmd_report *report, const struct cmd_groups *groups)
{
    struct cmd_output *out = &cmd->out;
    cmd_put_format(out,
                   "%s,rows,billed_s,charge,cost,margin,currency,charge_unknown,cost_unknown,below_cost,"
                   "loss\n",
                   titles[report->margin]);
    for (size_t i = 0; i < groups->count; i++) {
        const struct cmd_group *group = &groups->items[i];
        cmd_csv_text(out, group->name, report->safe);
        put_count(out, group->rows);
        put_count(out, group->billed_s);
        put_sum(out, group->charge);
        put_sum(out, group->cost);
        put_sum(out, cmd_sum_minus(group->charge, group->cost));
        cmd_put_format(out, ",%s", group->currency);
        put_count(out, group->charge_unknown);
        put_count(out, group->cost_unknown);
        put_count(out, group->below);
        put_sum(out, group->loss);
        cmd_put_char(out, '\n');
    }
}

int cmd_report_margin(struct cmd *cmd, const struct cmd_report *report)
{
    struct toll_run_facts facts;
    struct toll_run *run = NULL;
    struct cmd_groups groups = {0};
    int code = cmd_report_open(cmd, report, &run, &facts);
    if (code != CMD_GO)
        return code;
    code = collect(cmd, report, run, &facts, &groups);
    if (code == CMD_GO) {
        code = CMD_OK;
        if (cmd->json)
            put_json(cmd, report, &facts, &groups);
        else if (report->csv)
            put_csv(cmd, report, &groups);
        else
            print_human(cmd, report, &facts, &groups);
    }
    cmd_groups_end(&groups);
    toll_run_close(run);
    return code;
}
