/*
 * Period charges for people and for programs. See periods.h.
 */
#include "periods.h"

#include <string.h>

#define GROUPS_MOST 64 /* kinds times currencies; what is beyond is in no group, but in the totals */

struct group {
    const char *kind, *currency;
    int64_t rows, calls, counted, charged;
    struct toll_sum charge;
};

static int sum_groups(const struct toll_run *run, struct group groups[GROUPS_MOST])
{
    struct toll_period_charge one;
    int count = 0;
    for (int64_t i = 0; toll_run_period(run, i, &one); i++) {
        int at = 0;
        while (at < count &&
               (strcmp(groups[at].kind, one.kind) != 0 || strcmp(groups[at].currency, one.currency) != 0))
            at++;
        if (at == GROUPS_MOST)
            continue;
        if (at == count)
            groups[count++] = (struct group){.kind = one.kind, .currency = one.currency};
        groups[at].rows++;
        groups[at].calls += one.calls;
        groups[at].counted += one.counted;
        groups[at].charged += one.charged;
        toll_sum_add(&groups[at].charge, one.charge);
    }
    return count;
}

void cmd_periods_print(struct cmd *cmd, const struct toll_run *run)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct group groups[GROUPS_MOST];
    const int count = sum_groups(run, groups);
    struct cmd_table table;
    if (count == 0)
        return;
    cmd_table_begin(&table, 7, align);
    cmd_table_row(&table, (const char *const[]){"period charges", "rows", "calls", "counted", "charged",
                                                "charge", "currency"});
    for (int i = 0; i < count; i++) {
        char rows[32], calls[32], counted[32], charged[32], decimal[TOLL_MONEY_TEXT], money[64];
        cmd_thousands(groups[i].rows, rows, sizeof rows);
        cmd_thousands(groups[i].calls, calls, sizeof calls);
        cmd_thousands(groups[i].counted, counted, sizeof counted);
        cmd_thousands(groups[i].charged, charged, sizeof charged);
        toll_sum_to_text(groups[i].charge, decimal);
        cmd_money_text(decimal, money, sizeof money);
        cmd_table_row(&table, (const char *const[]){groups[i].kind, rows, calls, counted, charged, money,
                                                    groups[i].currency});
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void json_totals(struct cmd_json *json, const struct toll_run_facts *facts, const char *key,
                        bool periods)
{
    if (facts->total_count == 0)
        cmd_json_text(json, key, "0.00000000");
    if (facts->total_count > 1)
        cmd_json_open(json, key, '{');
    for (int i = 0; i < facts->total_count; i++)
        cmd_json_text(json, facts->total_count > 1 ? facts->totals[i].currency : key,
                      periods ? facts->totals[i].period_charge : facts->totals[i].line_charge);
    if (facts->total_count > 1)
        cmd_json_close(json, '}');
}

void cmd_periods_json(struct cmd_json *json, const struct toll_run *run)
{
    struct group groups[GROUPS_MOST];
    struct toll_run_facts facts;
    const int count = sum_groups(run, groups);
    toll_run_facts(run, &facts);
    json_totals(json, &facts, "line_charge", false);
    json_totals(json, &facts, "period_charge", true);
    cmd_json_open(json, "period_charges", '[');
    for (int i = 0; i < count; i++) {
        char decimal[TOLL_MONEY_TEXT];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "kind", groups[i].kind);
        cmd_json_integer(json, "rows", groups[i].rows);
        cmd_json_integer(json, "calls", groups[i].calls);
        cmd_json_integer(json, "counted", groups[i].counted);
        cmd_json_integer(json, "charged", groups[i].charged);
        toll_sum_to_text(groups[i].charge, decimal);
        cmd_json_text(json, "charge", decimal);
        cmd_json_text(json, "currency", groups[i].currency);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

/* ---- export ---- */

/* The columns, in this order, for good: programs read them by place and by name. */
static const char csv_header[] = "period,account,site,number,pool,tiers,kind,charge,currency\n";

static void put_csv(struct cmd_output *out, const struct toll_period_charge *one, bool safe)
{
    char text[TOLL_MONEY_TEXT];
    cmd_put_text(out, one->period);
    cmd_put_char(out, ',');
    cmd_csv_text(out, one->account, safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, one->site, safe);
    cmd_put_char(out, ',');
    cmd_csv_party(out, one->number, safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, one->pool, safe);
    cmd_put_char(out, ',');
    cmd_csv_text(out, one->tiers, safe);
    cmd_put_char(out, ',');
    cmd_put_text(out, one->kind);
    cmd_put_char(out, ',');
    cmd_put(out, text, toll_money_to_text(one->charge, text));
    cmd_put_char(out, ',');
    cmd_put_text(out, one->currency);
    cmd_put_char(out, '\n');
}

static void put_jsonl(struct cmd_output *out, const struct toll_period_charge *one)
{
    char text[TOLL_MONEY_TEXT];
    toll_money_to_text(one->charge, text);
    const struct {
        const char *key, *text;
    } members[] = {
        {"{\"period\":", one->period}, {",\"account\":", one->account}, {",\"site\":", one->site},
        {",\"number\":", one->number}, {",\"pool\":", one->pool},       {",\"tiers\":", one->tiers},
        {",\"kind\":", one->kind},     {",\"charge\":", text},          {",\"currency\":", one->currency},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        cmd_put_text(out, members[i].key);
        cmd_json_string(out, members[i].text);
    }
    cmd_put_text(out, "}\n");
}

int64_t cmd_periods_export(struct cmd_output *out, const struct toll_run *run, bool csv, bool safe)
{
    struct toll_period_charge one;
    int64_t count = 0;
    if (csv)
        cmd_put_text(out, csv_header);
    for (; toll_run_period(run, count, &one); count++) {
        if (csv)
            put_csv(out, &one, safe);
        else
            put_jsonl(out, &one);
    }
    return count;
}
