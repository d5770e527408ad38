/*
 * A delta as text and JSON. See delta_show.h.
 */
#include "delta_show.h"

#include "print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURRENCIES_MOST 64

struct total {
    const char *currency;
    struct toll_delta_side before, after;
    int64_t lines;
};
struct account { /* all sites of an account */
    const char *account, *name, *currency;
    int64_t lines;
    struct toll_sum before, after, moved, size;
};

static struct toll_sum charge_of(const struct toll_delta_side *side)
{
    struct toll_sum sum = side->charge;
    cmd_sum_join(&sum, side->periods);
    return sum;
}

static void join_side(struct toll_delta_side *to, const struct toll_delta_side *side)
{
    to->rows += side->rows;
    cmd_sum_join(&to->charge, side->charge);
    cmd_sum_join(&to->periods, side->periods);
    cmd_sum_join(&to->cost, side->cost);
}

static int sum_totals(const struct toll_delta *delta, struct total totals[CURRENCIES_MOST])
{
    struct toll_delta_sum sum;
    int count = 0;
    for (int64_t i = 0; toll_delta_sum(delta, i, &sum); i++) {
        int at = 0;
        while (at < count && strcmp(totals[at].currency, sum.currency) != 0)
            at++;
        if (at == CURRENCIES_MOST)
            continue;
        if (at == count)
            totals[count++] = (struct total){.currency = sum.currency};
        join_side(&totals[at].before, &sum.before);
        join_side(&totals[at].after, &sum.after);
        totals[at].lines += sum.lines;
    }
    return count;
}

bool cmd_delta_moved(const struct toll_delta *delta)
{
    struct toll_delta_facts facts;
    struct toll_delta_sum sum;
    toll_delta_facts(delta, &facts);
    if (facts.changed > 0 || facts.taxes > 0)
        return true;
    for (int64_t i = 0; toll_delta_sum(delta, i, &sum); i++)
        if (cmd_sum_compare(sum.before.periods, sum.after.periods) != 0)
            return true;
    return false;
}

/* ---- for people ---- */

static void put_money(struct toll_sum sum, char *text, size_t room)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, room);
}

static void print_counts(struct cmd *cmd, const struct toll_delta_facts *facts)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT};
    char old_rows[32], new_rows[32], changed[32];
    struct cmd_table table;
    cmd_thousands(facts->old_rows, old_rows, sizeof old_rows);
    cmd_thousands(facts->new_rows, new_rows, sizeof new_rows);
    cmd_thousands(facts->changed, changed, sizeof changed);
    cmd_table_begin(&table, 2, align);
    cmd_table_row(&table, (const char *const[]){"old lines", old_rows});
    cmd_table_row(&table, (const char *const[]){"new lines", new_rows});
    cmd_table_row(&table, (const char *const[]){"changed", changed});
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++) {
        char name[40], rows[32];
        if (facts->reason_rows[i] == 0)
            continue;
        snprintf(name, sizeof name, "  %s", toll_delta_reason_name((enum toll_delta_reason)i));
        cmd_thousands(facts->reason_rows[i], rows, sizeof rows);
        cmd_table_row(&table, (const char *const[]){name, rows});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void total_row(struct cmd_table *table, const char *what, struct toll_sum before,
                      struct toll_sum after, const char *currency)
{
    char old[64], new[64], difference[64], percent[32];
    const struct toll_sum none = {0}, moved = cmd_sum_minus(after, before);
    if (cmd_sum_compare(before, none) == 0 && cmd_sum_compare(after, none) == 0)
        return;
    put_money(before, old, sizeof old);
    put_money(after, new, sizeof new);
    put_money(moved, difference, sizeof difference);
    cmd_percent_text(moved, before, percent, sizeof percent);
    cmd_table_row(table, (const char *const[]){what, old, new, difference, percent, currency});
}

static void print_totals(struct cmd *cmd, const struct toll_delta *delta)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct total totals[CURRENCIES_MOST];
    const int count = sum_totals(delta, totals);
    struct cmd_table table;
    if (count == 0)
        return;
    cmd_table_begin(&table, 6, align);
    cmd_table_row(&table, (const char *const[]){"", "old", "new", "delta", "%", "currency"});
    for (int i = 0; i < count; i++) {
        const struct toll_sum before = charge_of(&totals[i].before), after = charge_of(&totals[i].after);
        total_row(&table, "charge", before, after, totals[i].currency);
        total_row(&table, "  period charges", totals[i].before.periods, totals[i].after.periods,
                  totals[i].currency);
        total_row(&table, "cost", totals[i].before.cost, totals[i].after.cost, totals[i].currency);
    }
    cmd_put_char(&cmd->out, '\n');
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static int by_moved(const void *a, const void *b)
{
    const struct account *x = a, *y = b;
    const int order = cmd_sum_compare(y->size, x->size);
    if (order != 0)
        return order;
    const int names = strcmp(x->account, y->account);
    return names != 0 ? names : strcmp(x->currency, y->currency);
}

/* The sums of an account follow one another, but for those of another currency. */
static struct account *sum_accounts(const struct toll_delta *delta, size_t *count)
{
    struct toll_delta_facts facts;
    struct toll_delta_sum sum;
    toll_delta_facts(delta, &facts);
    struct account *list = calloc((size_t)facts.sums + 1, sizeof *list);
    *count = 0;
    for (int64_t i = 0; list != NULL && toll_delta_sum(delta, i, &sum); i++) {
        size_t at = *count;
        while (at > 0 && strcmp(list[at - 1].account, sum.account) == 0 &&
               strcmp(list[at - 1].currency, sum.currency) != 0)
            at--;
        if (at == 0 || strcmp(list[at - 1].account, sum.account) != 0) {
            at = ++*count;
            list[at - 1] =
                (struct account){.account = sum.account, .name = sum.account_name, .currency = sum.currency};
        }
        list[at - 1].lines += sum.lines;
        cmd_sum_join(&list[at - 1].before, charge_of(&sum.before));
        cmd_sum_join(&list[at - 1].after, charge_of(&sum.after));
    }
    for (size_t i = 0; i < *count; i++) {
        const struct toll_sum none = {0};
        list[i].moved = list[i].size = cmd_sum_minus(list[i].after, list[i].before);
        if (list[i].size.high < 0)
            list[i].size = cmd_sum_minus(none, list[i].size);
    }
    if (list != NULL)
        qsort(list, *count, sizeof *list, by_moved);
    return list;
}

static void print_accounts(struct cmd *cmd, const struct toll_delta *delta, int64_t top)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_LEFT,  CMD_RIGHT, CMD_RIGHT,
                                           CMD_RIGHT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    size_t count;
    struct account *list = sum_accounts(delta, &count);
    struct cmd_table table;
    if (list == NULL)
        return;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(
        &table, (const char *const[]){"account", "name", "changed", "old", "new", "delta", "%", "currency"});
    size_t shown = 0;
    for (; shown < count && (int64_t)shown < top; shown++) {
        const struct account *one = &list[shown];
        char lines[32], old[64], new[64], difference[64], percent[32];
        if (one->lines == 0 && (one->size.high | (int64_t)one->size.low) == 0)
            break;
        cmd_thousands(one->lines, lines, sizeof lines);
        put_money(one->before, old, sizeof old);
        put_money(one->after, new, sizeof new);
        put_money(one->moved, difference, sizeof difference);
        cmd_percent_text(one->moved, one->before, percent, sizeof percent);
        cmd_table_row(&table, (const char *const[]){one->account[0] == 0 ? "(none)" : one->account, one->name,
                                                    lines, old, new, difference, percent, one->currency});
    }
    if (shown > 0) {
        cmd_put_char(&cmd->out, '\n');
        cmd_table_print(&table, &cmd->out, "");
    }
    cmd_table_end(&table);
    free(list);
}

static void print_adjusting(struct cmd *cmd, const struct toll_delta *delta,
                            const struct toll_delta_facts *facts)
{
    static const char *const statuses[] = {"due", "waived", "below_minimum", "too_old", "to_approve"};
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT};
    char count[32];
    struct cmd_table table;
    if (!facts->has_closed)
        return;
    cmd_thousands(facts->adjusting, count, sizeof count);
    cmd_put_format(&cmd->out, "\nclosed until %s: %s adjusting lines\n", facts->closed_until, count);
    cmd_table_begin(&table, 2, align);
    cmd_table_row(&table, (const char *const[]){"status", "lines"});
    for (size_t k = 0; k < sizeof statuses / sizeof *statuses; k++) {
        struct toll_adjusting_line line;
        int64_t rows = 0;
        for (int64_t i = 0; toll_delta_adjusting(delta, i, &line); i++)
            rows += strcmp(line.status, statuses[k]) == 0;
        cmd_thousands(rows, count, sizeof count);
        if (rows > 0)
            cmd_table_row(&table, (const char *const[]){statuses[k], count});
    }
    if (facts->adjusting > 0)
        cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

void cmd_delta_print(struct cmd *cmd, const struct toll_delta *delta, int64_t top)
{
    struct toll_delta_facts facts;
    toll_delta_facts(delta, &facts);
    print_counts(cmd, &facts);
    print_totals(cmd, delta);
    print_accounts(cmd, delta, top);
    print_adjusting(cmd, delta, &facts);
    if (!cmd_delta_moved(delta))
        cmd_put_text(&cmd->out, "Nothing moved.\n");
}

/* ---- for programs ---- */

static void json_sum(struct cmd_json *json, const char *key, struct toll_sum sum)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_json_text(json, key, decimal);
}

static void json_money(struct cmd_json *json, const char *key, int64_t money)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_money_to_text(money, decimal);
    cmd_json_text(json, key, decimal);
}

static void json_side(struct cmd_json *json, const char *key, const struct toll_delta_side *side)
{
    cmd_json_open(json, key, '{');
    cmd_json_integer(json, "rows", side->rows);
    json_sum(json, "charge", side->charge);
    json_sum(json, "period_charge", side->periods);
    json_sum(json, "cost", side->cost);
    cmd_json_close(json, '}');
}

static void json_facts(struct cmd_json *json, const struct toll_delta_facts *facts)
{
    cmd_json_text(json, "digest", facts->digest);
    cmd_json_text(json, "old_run", facts->old_run);
    cmd_json_text(json, "new_run", facts->new_run);
    cmd_json_text(json, "old_book_hash", facts->old_book);
    cmd_json_text(json, "new_book_hash", facts->new_book);
    cmd_json_text(json, "old_cdr_hash", facts->old_cdrs);
    cmd_json_text(json, "new_cdr_hash", facts->new_cdrs);
    cmd_json_integer(json, "old_rows", facts->old_rows);
    cmd_json_integer(json, "new_rows", facts->new_rows);
    cmd_json_integer(json, "changed", facts->changed);
    cmd_json_open(json, "reasons", '{');
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++)
        if (facts->reason_rows[i] > 0)
            cmd_json_integer(json, toll_delta_reason_name((enum toll_delta_reason)i), facts->reason_rows[i]);
    cmd_json_close(json, '}');
    if (!facts->has_closed) {
        cmd_json_text(json, "closed", NULL);
        return;
    }
    cmd_json_open(json, "closed", '{');
    cmd_json_text(json, "until", facts->closed_until);
    cmd_json_text(json, "today", facts->today[0] == 0 ? NULL : facts->today);
    cmd_json_text(json, "report_period", facts->report_period[0] == 0 ? NULL : facts->report_period);
    cmd_json_bool(json, "credits_only", facts->policy.credits_only);
    json_money(json, "minimum", facts->policy.minimum);
    if (facts->policy.approve_above == INT64_MAX)
        cmd_json_text(json, "approve_above", NULL);
    else
        json_money(json, "approve_above", facts->policy.approve_above);
    if (facts->policy.back_bill_days < 0)
        cmd_json_text(json, "back_bill_days", NULL);
    else
        cmd_json_integer(json, "back_bill_days", facts->policy.back_bill_days);
    cmd_json_close(json, '}');
}

static void json_sums(struct cmd_json *json, const struct toll_delta *delta)
{
    struct toll_delta_sum sum;
    cmd_json_open(json, "sums", '[');
    for (int64_t i = 0; toll_delta_sum(delta, i, &sum); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "account", sum.account);
        cmd_json_text(json, "name", sum.account_name);
        cmd_json_text(json, "site", sum.site);
        cmd_json_text(json, "currency", sum.currency);
        cmd_json_integer(json, "changed", sum.lines);
        json_side(json, "old", &sum.before);
        json_side(json, "new", &sum.after);
        cmd_json_open(json, "reasons", '{');
        for (unsigned k = 0; k < TOLL_DELTA_REASONS; k++) {
            if (sum.reason_rows[k] == 0)
                continue;
            cmd_json_open(json, toll_delta_reason_name((enum toll_delta_reason)k), '{');
            cmd_json_integer(json, "rows", sum.reason_rows[k]);
            json_sum(json, "charge", sum.reason_charge[k]);
            cmd_json_close(json, '}');
        }
        cmd_json_close(json, '}');
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void json_taxes(struct cmd_json *json, const struct toll_delta *delta)
{
    struct toll_delta_tax tax;
    cmd_json_open(json, "taxes", '[');
    for (int64_t i = 0; toll_delta_tax(delta, i, &tax); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "period", tax.period);
        cmd_json_text(json, "account", tax.account);
        cmd_json_text(json, "site", tax.site);
        cmd_json_text(json, "currency", tax.currency);
        cmd_json_text(json, "tax_jurisdiction", tax.tax_jurisdiction);
        cmd_json_text(json, "level", tax.level);
        cmd_json_text(json, "tax", tax.tax);
        cmd_json_text(json, "name", tax.name);
        cmd_json_bool(json, "billable", tax.billable);
        cmd_json_integer(json, "old_cents", tax.before_cents);
        cmd_json_integer(json, "new_cents", tax.after_cents);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

static void json_adjusting(struct cmd_json *json, const struct toll_delta *delta)
{
    struct toll_adjusting_line line;
    struct toll_adjusting_tax tax;
    cmd_json_open(json, "adjusting", '[');
    for (int64_t i = 0; toll_delta_adjusting(delta, i, &line); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_integer(json, "id", line.id);
        cmd_json_text(json, "account", line.account);
        cmd_json_text(json, "name", line.account_name);
        cmd_json_text(json, "site", line.site);
        cmd_json_text(json, "currency", line.currency);
        cmd_json_text(json, "period", line.period);
        cmd_json_text(json, "reason", line.reason);
        cmd_json_text(json, "tax_services", line.tax_services);
        cmd_json_text(json, "kind", line.kind);
        cmd_json_text(json, "status", line.status);
        cmd_json_integer(json, "calls", line.calls);
        json_money(json, "old", line.before);
        json_money(json, "new", line.after);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
    cmd_json_open(json, "adjusting_taxes", '[');
    for (int64_t i = 0; toll_delta_adjusting_tax(delta, i, &tax); i++) {
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "account", tax.account);
        cmd_json_text(json, "site", tax.site);
        cmd_json_text(json, "currency", tax.currency);
        cmd_json_text(json, "period", tax.period);
        cmd_json_text(json, "report_period", tax.report_period);
        cmd_json_text(json, "tax_jurisdiction", tax.tax_jurisdiction);
        cmd_json_text(json, "level", tax.level);
        cmd_json_text(json, "tax", tax.tax);
        cmd_json_text(json, "name", tax.name);
        cmd_json_bool(json, "billable", tax.billable);
        cmd_json_text(json, "status", tax.status);
        cmd_json_integer(json, "old_cents", tax.before_cents);
        cmd_json_integer(json, "new_cents", tax.after_cents);
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
}

void cmd_delta_json(struct cmd *cmd, const struct toll_delta *delta, const char *path)
{
    struct toll_delta_facts facts;
    struct total totals[CURRENCIES_MOST];
    const int count = sum_totals(delta, totals);
    struct cmd_json json;
    toll_delta_facts(delta, &facts);
    cmd_json_begin(&json, &cmd->out, "delta");
    cmd_json_text(&json, "delta", path);
    cmd_json_bool(&json, "moved", cmd_delta_moved(delta));
    json_facts(&json, &facts);
    cmd_json_open(&json, "totals", '[');
    for (int i = 0; i < count; i++) {
        cmd_json_open(&json, NULL, '{');
        cmd_json_text(&json, "currency", totals[i].currency);
        json_side(&json, "old", &totals[i].before);
        json_side(&json, "new", &totals[i].after);
        cmd_json_close(&json, '}');
    }
    cmd_json_close(&json, ']');
    json_sums(&json, delta);
    json_taxes(&json, delta);
    json_adjusting(&json, delta);
    cmd_json_end(&json);
}
