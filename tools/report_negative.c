/* report --negative: what sells below cost, by the pair of price rows that make it so. */
#include "groups.h"
#include "reports.h"

#include <stdio.h>
#include <stdlib.h>

/* Of the first line of a group; strings are the run's. */
struct rows_to_blame {
    const char *destination, *reason; /* reason: of a line that is not rated, "free" */
    const char *kind, *deck, *file;
    const char *cost_deck, *cost_file;
    char prefix[80], cost_prefix[80]; /* masked where they are as long as a telephone number */
    int32_t line, cost_line;
    int64_t first_row;
    char first_day[16];
};

static struct rows_to_blame *blame(const struct toll_line *line, bool unmask)
{
    struct rows_to_blame *rows = malloc(sizeof *rows);
    if (!rows)
        return NULL;
    *rows = (struct rows_to_blame){
        .destination = cmd_report_destination(line),
        .reason = toll_status_is_rated(line->status) ? "" : toll_status_reason(line->status),
        .kind = line->price_kind,
        .deck = line->deck,
        .file = line->price_file,
        .cost_deck = line->cost_deck,
        .cost_file = line->cost_file,
        .line = line->price_line,
        .cost_line = line->cost_line,
        .first_row = line->row,
    };
    snprintf(rows->prefix, sizeof rows->prefix, "%s", line->prefix);
    snprintf(rows->cost_prefix, sizeof rows->cost_prefix, "%s", line->cost_prefix);
    if (!unmask) {
        cmd_mask_within(rows->prefix, false);
        cmd_mask_within(rows->cost_prefix, false);
    }
    snprintf(rows->first_day, sizeof rows->first_day, "%s", line->day);
    return rows;
}

static bool add_line(struct cmd_groups *groups, const struct toll_run_facts *facts,
                     const struct toll_line *line, bool unmask)
{
    char key[64];
    const unsigned status = toll_status_is_rated(line->status) ? TOLL_RATED : line->status;
    snprintf(key, sizeof key, "%d/%d/%u", line->price, line->cost_price, status);
    struct cmd_group *group = cmd_group_find(groups, key, "", cmd_report_currency(facts, line));
    if (!group || (!group->more && !(group->more = blame(line, unmask))))
        return false;
    group->rows++;
    group->billed_s += strcmp(line->service, "voice") == 0 ? line->billed : 0;
    toll_sum_add(&group->charge, line->charge);
    toll_sum_add(&group->cost, line->cost);
    toll_sum_add(&group->loss, line->cost - line->charge);
    return true;
}

static int by_loss(const void *a, const void *b)
{
    const struct cmd_group *x = a, *y = b;
    const int order = cmd_sum_compare(y->loss, x->loss);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static int collect(struct cmd *cmd, const struct cmd_report *report, struct toll_run *run,
                   const struct toll_run_facts *facts, struct cmd_groups *groups)
{
    struct toll_progress progress = cmd_progress_begin(cmd);
    struct toll_error error = {0};
    struct toll_line line;
    int64_t rows = 0;
    int more;
    while ((more = toll_run_next(run, &line, &error)) > 0) {
        if (cmd_report_is_below(&line) && !add_line(groups, facts, &line, report->unmask))
            return cmd_fail_text(cmd, CMD_BUG, "out of memory");
        if ((++rows & 0xFFFF) == 0)
            progress.tick(progress.context, "comparing", rows, facts->rows, "rows");
    }
    if (more < 0)
        return cmd_fail(cmd, &error);
    if (groups->count > 1)
        qsort(groups->items, groups->count, sizeof *groups->items, by_loss);
    return CMD_GO;
}

/* ---- for people ---- */

/* "us 1212 (decks/us.csv:17)"; a rule: "free rule (plan_rules.csv:3)". */
static void price_text(const char *deck, const char *kind, const char *prefix, const char *file, int32_t line,
                       char *text, size_t room)
{
    if (line == 0)
        snprintf(text, room, "%s", kind[0] ? kind : "-");
    else
        snprintf(text, room, "%s %s%s(%s:%d)", deck[0] ? deck : kind, deck[0] ? prefix : "rule",
                 deck[0] && !prefix[0] ? "" : " ", file, line);
}

static void print_human(struct cmd *cmd, const struct cmd_report *report, const struct cmd_groups *groups)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_LEFT,  CMD_LEFT,  CMD_LEFT,  CMD_LEFT};
    struct cmd_table table;
    if (groups->count == 0) {
        cmd_put_format(&cmd->out, "%s: nothing sells below cost\n", report->run_path);
        return;
    }
    cmd_table_begin(&table, 10, align);
    cmd_table_row(&table, (const char *const[]){"destination", "calls", "minutes", "charge", "cost", "loss",
                                                "", "sold by", "bought by", "first"});
    for (size_t i = 0; i < groups->count && i < report->top; i++) {
        const struct cmd_group *group = &groups->items[i];
        const struct rows_to_blame *rows = group->more;
        char decimal[TOLL_MONEY_TEXT], calls[32], minutes[32], money[3][64], sold[300], bought[300],
            first[64];
        const struct toll_sum sums[3] = {group->charge, group->cost, group->loss};
        cmd_thousands(group->rows, calls, sizeof calls);
        cmd_minutes_text(group->billed_s, minutes, sizeof minutes);
        for (int k = 0; k < 3; k++) {
            toll_sum_to_text(sums[k], decimal);
            cmd_money_text(decimal, money[k], sizeof money[k]);
        }
        price_text(rows->deck, rows->line == 0 ? rows->reason : rows->kind, rows->prefix, rows->file,
                   rows->line, sold, sizeof sold);
        price_text(rows->cost_deck, "flat", rows->cost_prefix, rows->cost_file, rows->cost_line, bought,
                   sizeof bought);
        snprintf(first, sizeof first, "%s:%lld", rows->first_day, (long long)rows->first_row);
        cmd_table_row(&table, (const char *const[]){rows->destination[0] ? rows->destination : "(none)",
                                                    calls, minutes, money[0], money[1], money[2],
                                                    group->currency, sold, bought, first});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (groups->count > report->top)
        cmd_put_format(&cmd->out, "... and %zu more; --top N shows more\n", groups->count - report->top);
}

/* ---- for programs ---- */

static void put_json(struct cmd *cmd, const struct cmd_report *report, const struct cmd_groups *groups)
{
    struct cmd_json json;
    char text[TOLL_MONEY_TEXT];
    cmd_json_begin(&json, &cmd->out, "report");
    cmd_json_text(&json, "run", report->run_path);
    cmd_json_text(&json, "report", "negative");
    cmd_json_open(&json, "groups", '[');
    for (size_t i = 0; i < groups->count; i++) {
        const struct cmd_group *group = &groups->items[i];
        const struct rows_to_blame *rows = group->more;
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "destination", rows->destination);
        cmd_json_text(&json, "reason", rows->reason);
        cmd_json_text(&json, "deck", rows->deck);
        cmd_json_text(&json, "prefix", rows->prefix);
        cmd_json_text(&json, "file", rows->file);
        cmd_json_integer(&json, "line", rows->line);
        cmd_json_text(&json, "cost_deck", rows->cost_deck);
        cmd_json_text(&json, "cost_prefix", rows->cost_prefix);
        cmd_json_text(&json, "cost_file", rows->cost_file);
        cmd_json_integer(&json, "cost_line", rows->cost_line);
        cmd_json_integer(&json, "calls", group->rows);
        cmd_json_integer(&json, "billed_s", group->billed_s);
        toll_sum_to_text(group->charge, text);
        cmd_json_text(&json, "charge", text);
        toll_sum_to_text(group->cost, text);
        cmd_json_text(&json, "cost", text);
        toll_sum_to_text(group->loss, text);
        cmd_json_text(&json, "loss", text);
        cmd_json_text(&json, "currency", group->currency);
        cmd_json_text(&json, "day", rows->first_day);
        cmd_json_integer(&json, "row", rows->first_row);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    cmd_json_end(&json);
}

static void put_csv(struct cmd *cmd, const struct cmd_report *report, const struct cmd_groups *groups)
{
    struct cmd_output *out = &cmd->out;
    cmd_put_text(out,
                 "destination,reason,deck,prefix,file,line,cost_deck,cost_prefix,cost_file,cost_line,calls,"
                 "billed_s,charge,cost,loss,currency,day,row\n");
    for (size_t i = 0; i < groups->count; i++) {
        const struct cmd_group *group = &groups->items[i];
        const struct rows_to_blame *rows = group->more;
        char charge[TOLL_MONEY_TEXT], cost[TOLL_MONEY_TEXT], loss[TOLL_MONEY_TEXT];
        const char *const texts[] = {rows->destination, rows->reason,    rows->deck,        rows->prefix,
                                     rows->file,        rows->cost_deck, rows->cost_prefix, rows->cost_file};
        toll_sum_to_text(group->charge, charge);
        toll_sum_to_text(group->cost, cost);
        toll_sum_to_text(group->loss, loss);
        for (int k = 0; k < 8; k++) {
            cmd_csv_text(out, texts[k], report->safe);
            cmd_put_char(out, ',');
            if (k == 4 || k == 7)
                cmd_put_format(out, "%d,", k == 4 ? rows->line : rows->cost_line);
        }
        cmd_put_format(out, "%lld,%lld,%s,%s,%s,%s,%s,%lld\n", (long long)group->rows,
                       (long long)group->billed_s, charge, cost, loss, group->currency, rows->first_day,
                       (long long)rows->first_row);
    }
}

int cmd_report_negative(struct cmd *cmd, const struct cmd_report *report)
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
            put_json(cmd, report, &groups);
        else if (report->csv)
            put_csv(cmd, report, &groups);
        else
            print_human(cmd, report, &groups);
    }
    cmd_groups_end(&groups);
    toll_run_close(run);
    return code;
}
