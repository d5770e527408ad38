/*
 * tollmill summary: totals of a run by class and jurisdiction, account, destination and reason.
 *
 * Needs the run alone. With its CDRs at hand the minutes of messages and data are told from those of voice.
 */
#include "costs.h"
#include "groups.h"
#include "options.h"
#include "periods.h"
#include "pools.h"
#include "print.h"
#include "runs.h"
#include "waiting.h"

#include <stdio.h>
#include <string.h>

struct summary {
    struct toll_run_facts facts;
    struct cmd_groups kinds, accounts, destinations;
    bool has_cdrs;
    int64_t rows;
};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool is_voice(const struct toll_line *line, bool has_cdrs)
{
    return has_cdrs ? strcmp(or_empty(line->service), "voice") == 0 : strcmp(or_empty(line->unit), "s") == 0;
}

static void group_add(struct cmd_group *group, const struct toll_line *line, bool voice)
{
    group->rows++;
    if (line->status >= TOLL_SUSPENSE_FIRST) {
        group->suspense++;
        return;
    }
    if (toll_status_is_rated(line->status))
        group->rated++;
    else
        group->zero_rated++;
    if (voice)
        group->billed_s += line->billed;
    toll_sum_add(&group->charge, line->charge);
}

/* Adds one line to its three groups; false without memory. */
static bool summary_add(struct summary *summary, const struct toll_line *line)
{
    char kind[64];
    const char *currency = or_empty(line->currency);
    if (summary->facts.total_count == 1)
        currency = summary->facts.totals[0].currency;
    bool voice = is_voice(line, summary->has_cdrs);
    snprintf(kind, sizeof kind, "%s/%s", toll_class_name(line->class_),
             toll_call_jurisdiction_name(line->jurisdiction));
    struct cmd_group *groups[] = {
        cmd_group_find(&summary->kinds, kind, "", currency),
        cmd_group_find(&summary->accounts, or_empty(line->account), or_empty(line->account_name), currency),
        cmd_group_find(&summary->destinations, or_empty(line->destination), "", currency),
    };
    for (int i = 0; i < 3; i++) {
        if (!groups[i])
            return false;
        group_add(groups[i], line, voice);
    }
    summary->rows++;
    return true;
}

/* ---- for people ---- */

static void print_groups(struct cmd *cmd, const struct cmd_groups *groups, const char *title,
                         const char *nameless, size_t top, bool several_currencies, bool labels)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_LEFT,  CMD_LEFT};
    const char *const header[] = {
        title, "rows", "zero-rated", "suspense", "minutes", "charge", several_currencies ? "currency" : "",
        ""};
    struct cmd_table table;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(&table, header);
    for (size_t i = 0; i < groups->count && i < top; i++) {
        const struct cmd_group *group = &groups->items[i];
        char texts[3][32], minutes[32], decimal[TOLL_MONEY_TEXT], money[64];
        cmd_thousands(group->rows, texts[0], sizeof texts[0]);
        cmd_thousands(group->zero_rated, texts[1], sizeof texts[1]);
        cmd_thousands(group->suspense, texts[2], sizeof texts[2]);
        cmd_minutes_text(group->billed_s, minutes, sizeof minutes);
        toll_sum_to_text(group->charge, decimal);
        cmd_money_text(decimal, money, sizeof money);
        const char *const cells[] = {group->name[0] ? group->name : nameless,
                                     texts[0],
                                     texts[1],
                                     texts[2],
                                     minutes,
                                     money,
                                     several_currencies ? group->currency : "",
                                     labels ? group->label : ""};
        cmd_table_row(&table, cells);
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
    if (groups->count > top)
        cmd_put_format(&cmd->out, "... and %zu more; --top N shows more\n", groups->count - top);
}

static void print_reasons(struct cmd *cmd, const struct toll_run_facts *facts)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT};
    if (facts->suspense == 0)
        return;
    struct cmd_table table;
    cmd_table_begin(&table, 2, align);
    cmd_table_row(&table, (const char *const[]){"suspense", "rows"});
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++) {
        char text[32];
        if (facts->status_rows[status] == 0)
            continue;
        cmd_thousands(facts->status_rows[status], text, sizeof text);
        cmd_table_row(&table, (const char *const[]){toll_status_reason(status), text});
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_human(struct cmd *cmd, const struct summary *summary, const struct toll_run *opened,
                        const char *run, size_t top)
{
    const struct toll_run_facts *facts = &summary->facts;
    char rows[32], rated[32], zero[32], suspense[32], minutes[32], money[64];
    bool several = facts->total_count > 1;
    cmd_thousands(facts->rows, rows, sizeof rows);
    cmd_thousands(facts->rated, rated, sizeof rated);
    cmd_thousands(facts->zero_rated, zero, sizeof zero);
    cmd_thousands(facts->suspense, suspense, sizeof suspense);
    cmd_minutes_text(facts->billed_s, minutes, sizeof minutes);
    cmd_put_format(&cmd->out, "%s: %s rows = %s rated + %s zero-rated + %s suspense; %s minutes\n", run, rows,
                   rated, zero, suspense, minutes);
    for (int i = 0; i < facts->total_count; i++) {
        cmd_money_text(facts->totals[i].charge, money, sizeof money);
        cmd_put_format(&cmd->out, "charge %s %s", money, facts->totals[i].currency);
        if (facts->period_count > 0) {
            char lines[64], periods[64];
            cmd_money_text(facts->totals[i].line_charge, lines, sizeof lines);
            cmd_money_text(facts->totals[i].period_charge, periods, sizeof periods);
            cmd_put_format(&cmd->out, " = lines %s + period charges %s", lines, periods);
        }
        cmd_put_char(&cmd->out, '\n');
    }
    if (facts->has_cost)
        cmd_costs_print(cmd, &(struct cmd_costs){facts->costs, facts->cost_count, facts->cost_rows});
    print_groups(cmd, &summary->kinds, "class/jurisdiction", "", SIZE_MAX, several, false);
    print_groups(cmd, &summary->accounts, "account", "(none)", top, several, true);
    /* A book that names no destinations has one group, without a name. */
    if (summary->destinations.count > 1 ||
        (summary->destinations.count == 1 && summary->destinations.items[0].name[0] != 0))
        print_groups(cmd, &summary->destinations, "destination", "(none)", top, several, false);
    cmd_periods_print(cmd, opened);
    print_reasons(cmd, facts);
}

/* ---- for programs ---- */

static void json_group(struct cmd_json *json, const struct cmd_group *group)
{
    char decimal[TOLL_MONEY_TEXT];
    cmd_json_integer(json, "rows", group->rows);
    cmd_json_integer(json, "rated", group->rated);
    cmd_json_integer(json, "zero_rated", group->zero_rated);
    cmd_json_integer(json, "suspense", group->suspense);
    cmd_json_integer(json, "billed_s", group->billed_s);
    toll_sum_to_text(group->charge, decimal);
    cmd_json_text(json, "charge", decimal);
    cmd_json_text(json, "currency", group->currency);
    cmd_json_close(json, '}');
}

static void json_groups(struct cmd_json *json, const char *key, const char *name_key,
                        const struct cmd_groups *groups, size_t top, bool labels)
{
    cmd_json_open(json, key, '[');
    for (size_t i = 0; i < groups->count && i < top; i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, name_key, groups->items[i].name);
        if (labels)
            cmd_json_text(json, "name", groups->items[i].label);
        json_group(json, &groups->items[i]);
    }
    cmd_json_close(json, ']');
}

static void json_kinds(struct cmd_json *json, const struct cmd_groups *groups)
{
    cmd_json_open(json, "classes", '[');
    for (size_t i = 0; i < groups->count; i++) {
        const char *name = groups->items[i].name;
        size_t length = strcspn(name, "/");
        char class_name[64];
        snprintf(class_name, sizeof class_name, "%.*s", (int)length, name);
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "class", class_name);
        cmd_json_text(json, "jurisdiction", name + length + (name[length] == '/'));
        json_group(json, &groups->items[i]);
    }
    cmd_json_close(json, ']');
}

static void print_json(struct cmd *cmd, const struct summary *summary, const struct toll_run *opened,
                       const char *run, size_t top)
{
    const struct toll_run_facts *facts = &summary->facts;
    struct cmd_json json;
    cmd_json_begin(&json, &cmd->out, "summary");
    cmd_json_text(&json, "run", run);
    cmd_json_integer(&json, "rows", facts->rows);
    cmd_json_integer(&json, "rated", facts->rated);
    cmd_json_integer(&json, "zero_rated", facts->zero_rated);
    cmd_json_open(&json, "suspense", '{');
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++)
        if (facts->status_rows[status] > 0)
            cmd_json_integer(&json, toll_status_reason(status), facts->status_rows[status]);
    cmd_json_close(&json, '}');
    cmd_json_integer(&json, "suspense_rows", facts->suspense);
    cmd_json_integer(&json, "billed_s", facts->billed_s);
    if (facts->total_count <= 1) {
        cmd_json_text(&json, "charge", facts->total_count ? facts->totals[0].charge : "0.00000000");
    } else {
        cmd_json_open(&json, "charge", '{');
        for (int i = 0; i < facts->total_count; i++)
            cmd_json_text(&json, facts->totals[i].currency, facts->totals[i].charge);
        cmd_json_close(&json, '}');
    }
    cmd_periods_json(&json, opened);
    if (facts->has_cost)
        cmd_costs_json(&json, &(struct cmd_costs){facts->costs, facts->cost_count, facts->cost_rows});
    cmd_json_text(&json, "tax", NULL);
    cmd_json_integer(&json, "days", facts->day_count);
    cmd_json_text(&json, "cdr_hash", facts->cdr_hash);
    cmd_json_text(&json, "book_hash", facts->book_hash);
    json_kinds(&json, &summary->kinds);
    cmd_json_integer(&json, "account_count", (int64_t)summary->accounts.count);
    json_groups(&json, "accounts", "account", &summary->accounts, top, true);
    cmd_json_integer(&json, "destination_count", (int64_t)summary->destinations.count);
    json_groups(&json, "destinations", "destination", &summary->destinations, top, false);
    cmd_json_end(&json);
}

/* ---- the walk ---- */

static int collect(struct cmd *cmd, struct summary *summary, struct toll_run *run)
{
    struct toll_error error = {0};
    struct toll_line line;
    struct toll_progress progress = cmd_progress_begin(cmd);
    toll_run_facts(run, &summary->facts);
    int more;
    while ((more = toll_run_next(run, &line, &error)) > 0) {
        if (!summary_add(summary, &line))
            return cmd_fail_text(cmd, CMD_BUG, "out of memory");
        if ((summary->rows & 0xFFFF) == 0)
            progress.tick(progress.context, "summing", summary->rows, summary->facts.rows, "rows");
    }
    if (more < 0)
        return cmd_fail(cmd, &error);
    if (summary->rows != summary->facts.rows)
        return cmd_fail_text(cmd, CMD_DATA,
                             "the run says %lld rows, but holds %lld; tollmill verify tells more",
                             (long long)summary->facts.rows, (long long)summary->rows);
    cmd_groups_sort(&summary->kinds);
    cmd_groups_sort(&summary->accounts);
    cmd_groups_sort(&summary->destinations);
    return CMD_OK;
}

/* The CDRs are welcome but not needed, unless the user named them. */
static int open_run(struct cmd *cmd, struct summary *summary, const char *path, const char *given,
                    struct toll_run **run)
{
    char cdrs[CMD_PATH_BYTES];
    struct toll_error error = {0};
    if (given) {
        summary->has_cdrs = true;
        return cmd_run_open(cmd, path, given, run);
    }
    if (cmd_stats_cdrs(path, cdrs) && toll_run_open(path, cdrs, run, &error) == 0) {
        summary->has_cdrs = true;
        return CMD_GO;
    }
    if (toll_run_open(path, NULL, run, &error) < 0)
        return cmd_fail(cmd, &error);
    return CMD_GO;
}

int cmd_summary(struct cmd *cmd, int argc, char **argv)
{
    const char *cdrs = NULL;
    int64_t top = -1;
    bool suspense = false, pools = false, unmask = false;
    const struct cmd_option options[] = {
        CMD_OPTION_CDRS(cdrs),
        {.kind = CMD_NUMBER,
         .name = "top",
         .value = "N",
         .help = "accounts, destinations, pools or groups in suspense to show (default: 10, 10, 20, 20)",
         .target = &top,
         .minimum = 0,
         .maximum = INT32_MAX},
        {.kind = CMD_FLAG,
         .name = "suspense",
         .help = "what is in suspense, by the row to add to the book that would clear it",
         .target = &suspense},
        {.kind = CMD_FLAG,
         .name = "pools",
         .help =
             "what bundles gave and have left, and what tiers counted, by period (--json: all, unless --top)",
         .target = &pools},
        {.kind = CMD_FLAG,
         .name = "unmask",
         .help = "with --suspense or --pools: telephone numbers in full",
         .target = &unmask},
    };
    const struct cmd_usage usage = {
        .about = "Totals of a run: by class and jurisdiction, by account, by destination, and what is in\n"
                 "suspense why. Needs the run only; with --suspense its CDRs, too.",
        .examples = "  tollmill summary runs/2026-03\n"
                    "  tollmill summary runs/2026-03 --top 100\n"
                    "  tollmill summary runs/2026-03 --suspense --unmask\n"
                    "  tollmill summary runs/2026-03 --pools\n"
                    "  tollmill summary runs/2026-03 --json | jq .charge\n",
        .operands = "RUN",
        .operands_min = 1,
        .operands_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int operands;
    int code = cmd_parse(cmd, &usage, argc, argv, &operands);
    if (code != CMD_GO)
        return code;
    if (unmask && !suspense && !pools)
        return cmd_fail_text(cmd, CMD_USAGE,
                             "--unmask goes with --suspense or --pools: the other totals have no numbers");
    if (pools && (suspense || cdrs))
        return cmd_fail_text(cmd, CMD_USAGE, "--pools has no use for --%s; leave it out",
                             suspense ? "suspense" : "cdrs");
    if (pools)
        return cmd_pools(cmd, argv[1], top, unmask);
    if (suspense)
        return cmd_waiting(cmd, argv[1], cdrs, top < 0 ? 20 : (size_t)top, unmask);
    if (top < 0)
        top = 10;
    struct summary summary;
    struct toll_run *run = NULL;
    memset(&summary, 0, sizeof summary);
    code = open_run(cmd, &summary, argv[1], cdrs, &run);
    if (code != CMD_GO)
        return code;
    code = collect(cmd, &summary, run);
    if (code == CMD_OK && cmd->json)
        print_json(cmd, &summary, run, argv[1], (size_t)top);
    else if (code == CMD_OK)
        print_human(cmd, &summary, run, argv[1], (size_t)top);
    toll_run_close(run);
    cmd_groups_end(&summary.kinds);
    cmd_groups_end(&summary.accounts);
    cmd_groups_end(&summary.destinations);
    return code;
}
