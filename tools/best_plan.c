/*
 * whatif --best-plan: what each account pays now, and what it would on the plans that were named.
 */
#include "best_plan.h"

#include <stdlib.h>
#include <string.h>

static void money_text(struct toll_sum sum, char *text, size_t room)
{
    char decimal[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, decimal);
    cmd_money_text(decimal, text, room);
}

static struct toll_sum margin_of(struct toll_sum charge, struct toll_sum cost)
{
    return cmd_sum_minus(charge, cost);
}

/* What an account pays less on the cheapest plan. */
static struct toll_sum saving_of(const struct toll_best_plan_row *row)
{
    if (row->cheapest < 0)
        return (struct toll_sum){0, 0};
    return cmd_sum_minus(row->charge, row->offers[row->cheapest].charge);
}

/* ---- for people ---- */

struct saving {
    const struct toll_best_plan_row *row;
    struct toll_sum saved;
};

static int by_saving(const void *left, const void *right)
{
    const struct saving *a = left, *b = right;
    const int order = cmd_sum_compare(b->saved, a->saved);
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

static void print_rows(struct cmd *cmd, const struct toll_best_plans *best, const struct saving *order,
                       size_t shown)
{
    static const enum cmd_align align[] = {CMD_LEFT,  CMD_RIGHT, CMD_LEFT,  CMD_RIGHT,
                                           CMD_RIGHT, CMD_LEFT,  CMD_RIGHT, CMD_LEFT};
    struct cmd_table table;
    cmd_table_begin(&table, 8, align);
    cmd_table_row(&table, (const char *const[]){"account", "pays now", "cheapest", "pays then", "saves",
                                                best->has_cost ? "most profitable" : "",
                                                best->has_cost ? "margin" : "", ""});
    for (size_t i = 0; i < shown; i++) {
        const struct toll_best_plan_row *row = order[i].row;
        char now[64], then[64] = "", saved[64] = "", margin[64] = "";
        const char *profitable = "";
        money_text(row->charge, now, sizeof now);
        if (row->cheapest >= 0) {
            money_text(row->offers[row->cheapest].charge, then, sizeof then);
            money_text(order[i].saved, saved, sizeof saved);
        }
        if (row->most_profitable >= 0) {
            const struct toll_best_offer *offer = &row->offers[row->most_profitable];
            money_text(margin_of(offer->charge, offer->cost), margin, sizeof margin);
            profitable = best->plans[row->most_profitable];
        }
        cmd_table_row(
            &table, (const char *const[]){row->account, now,
                                          row->cheapest < 0 ? "none is offered" : best->plans[row->cheapest],
                                          then, saved, profitable, margin, row->currency});
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static void print_totals(struct cmd *cmd, const struct toll_best_plans *best)
{
    static const enum cmd_align align[] = {CMD_LEFT, CMD_RIGHT, CMD_RIGHT, CMD_LEFT};
    struct cmd_table table;
    cmd_table_begin(&table, 4, align);
    cmd_table_row(&table,
                  (const char *const[]){"all accounts", "charge", best->has_cost ? "margin" : "", ""});
    for (size_t i = 0; i < best->total_count; i++) {
        const struct toll_best_plan_total *total = &best->totals[i];
        const struct {
            const char *name;
            struct toll_sum charge, cost;
        } rows[] = {{"now", total->charge, total->cost},
                    {"each on its cheapest", total->cheapest, total->cheapest_cost},
                    {"each on our most profitable", total->most_profitable, total->most_profitable_cost}};
        for (size_t r = 0; r < (best->has_cost ? 3 : 2); r++) {
            char charge[64], margin[64] = "";
            money_text(rows[r].charge, charge, sizeof charge);
            if (best->has_cost)
                money_text(margin_of(rows[r].charge, rows[r].cost), margin, sizeof margin);
            cmd_table_row(&table, (const char *const[]){rows[r].name, charge, margin, total->currency});
        }
    }
    cmd_table_print(&table, &cmd->out, "");
    cmd_table_end(&table);
}

static bool any_other_currency(const struct toll_best_plans *best)
{
    for (size_t i = 0; i < best->count; i++)
        for (int plan = 0; plan < best->plan_count; plan++)
            if (best->rows[i].offers[plan].other_currency)
                return true;
    return false;
}

void cmd_best_plan_text(struct cmd *cmd, const struct toll_best_plans *best, int64_t top)
{
    struct saving *order = calloc(best->count + 1, sizeof *order);
    const size_t shown = (uint64_t)top < best->count ? (size_t)top : best->count;
    int64_t without = 0;
    if (!order) {
        cmd_error(cmd, "out of memory for the table of best plans");
        return;
    }
    for (size_t i = 0; i < best->count; i++)
        order[i] = (struct saving){&best->rows[i], saving_of(&best->rows[i])};
    qsort(order, best->count, sizeof *order, by_saving);
    cmd_put_text(&cmd->out, "\nBest plan for each account\n\n");
    print_rows(cmd, best, order, shown);
    free(order);
    if (best->count > shown)
        cmd_put_format(&cmd->out,
                       "... and %zu more; --top N shows more, --format csv --table best_plan all\n",
                       best->count - shown);
    cmd_put_char(&cmd->out, '\n');
    print_totals(cmd, best);
    for (size_t i = 0; i < best->total_count; i++)
        without += best->totals[i].without;
    if (without > 0)
        cmd_put_format(
            &cmd->out,
            "To %lld account%s no plan is offered: on each of them calls would wait in suspense that "
            "are rated now%s.\n",
            (long long)without, without == 1 ? "" : "s",
            any_other_currency(best) ? ", or its decks are in another currency" : "");
}

/* ---- for programs ---- */

static const char *why_not(const struct toll_best_offer *offer)
{
    return offer->offered ? "" : offer->other_currency ? "currency" : "suspense";
}

static void put_sum(struct cmd_output *out, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, text);
    cmd_put_text(out, text);
}

void cmd_best_plan_csv(struct cmd *cmd, const struct toll_best_plans *best, bool raw)
{
    struct cmd_output *out = &cmd->out;
    cmd_put_text(out,
                 "account,name,currency,charge,cost,plan,plan_charge,plan_cost,suspense,offered,cheapest,"
                 "most_profitable,why\n");
    for (size_t i = 0; i < best->count; i++) {
        const struct toll_best_plan_row *row = &best->rows[i];
        for (int plan = 0; plan < best->plan_count; plan++) {
            const struct toll_best_offer *offer = &row->offers[plan];
            cmd_csv_text(out, row->account, !raw);
            cmd_put_char(out, ',');
            cmd_csv_text(out, row->name, !raw);
            cmd_put_format(out, ",%s,", row->currency);
            put_sum(out, row->charge);
            cmd_put_char(out, ',');
            if (best->has_cost)
                put_sum(out, row->cost);
            cmd_put_char(out, ',');
            cmd_csv_text(out, best->plans[plan], !raw);
            cmd_put_char(out, ',');
            if (!offer->other_currency)
                put_sum(out, offer->charge);
            cmd_put_char(out, ',');
            if (best->has_cost && !offer->other_currency)
                put_sum(out, offer->cost);
            cmd_put_format(out, ",%lld,%s,%s,%s,%s\n", (long long)offer->suspense,
                           offer->offered ? "yes" : "no", row->cheapest == plan ? "yes" : "",
                           row->most_profitable == plan ? "yes" : "", why_not(offer));
        }
    }
}

static void json_sum(struct cmd_json *json, const char *key, struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    toll_sum_to_text(sum, text);
    cmd_json_text(json, key, text);
}

static void json_row(struct cmd_json *json, const struct toll_best_plans *best,
                     const struct toll_best_plan_row *row)
{
    cmd_json_open(json, NULL, '{');
    cmd_json_text(json, "account", row->account);
    cmd_json_text(json, "name", row->name);
    cmd_json_text(json, "currency", row->currency);
    json_sum(json, "charge", row->charge);
    if (best->has_cost)
        json_sum(json, "cost", row->cost);
    cmd_json_text(json, "cheapest", row->cheapest < 0 ? NULL : best->plans[row->cheapest]);
    if (best->has_cost)
        cmd_json_text(json, "most_profitable",
                      row->most_profitable < 0 ? NULL : best->plans[row->most_profitable]);
    cmd_json_open(json, "offers", '[');
    for (int plan = 0; plan < best->plan_count; plan++) {
        const struct toll_best_offer *offer = &row->offers[plan];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "plan", best->plans[plan]);
        if (offer->other_currency)
            cmd_json_text(json, "charge", NULL);
        else
            json_sum(json, "charge", offer->charge);
        if (best->has_cost && offer->other_currency)
            cmd_json_text(json, "cost", NULL);
        else if (best->has_cost)
            json_sum(json, "cost", offer->cost);
        cmd_json_integer(json, "suspense", offer->suspense);
        cmd_json_bool(json, "offered", offer->offered);
        cmd_json_text(json, "why", offer->offered ? NULL : why_not(offer));
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
    cmd_json_close(json, '}');
}

void cmd_best_plan_json(struct cmd_json *json, const struct toll_best_plans *best)
{
    cmd_json_open(json, "best_plan", '{');
    cmd_json_open(json, "totals", '[');
    for (size_t i = 0; i < best->total_count; i++) {
        const struct toll_best_plan_total *total = &best->totals[i];
        cmd_json_open(json, NULL, '{');
        cmd_json_text(json, "currency", total->currency);
        cmd_json_integer(json, "accounts", total->accounts);
        cmd_json_integer(json, "without", total->without);
        json_sum(json, "charge", total->charge);
        json_sum(json, "cheapest", total->cheapest);
        if (best->has_cost) {
            json_sum(json, "cost", total->cost);
            json_sum(json, "cheapest_cost", total->cheapest_cost);
            json_sum(json, "most_profitable", total->most_profitable);
            json_sum(json, "most_profitable_cost", total->most_profitable_cost);
        }
        cmd_json_close(json, '}');
    }
    cmd_json_close(json, ']');
    cmd_json_open(json, "accounts", '[');
    for (size_t i = 0; i < best->count; i++)
        json_row(json, best, &best->rows[i]);
    cmd_json_close(json, ']');
    cmd_json_close(json, '}');
}
