/*
 * Which of the offered plans is the best for each account, and for us, in the HTML report.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

struct weighed {
    cmd_html_wide weight; /* what the account would save */
    const struct toll_best_plan_row *row;
};

static int by_weight(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static const char *plan_name(const struct toll_best_plans *best, int plan)
{
    return plan < 0 ? "none is offered" : best->plans[plan];
}

static void put_total(struct cmd_html *html, const struct toll_best_plan_total *total)
{
    const cmd_html_wide now = cmd_html_of(total->charge), cheapest = cmd_html_of(total->cheapest);
    cmd_html_row_begin(html, "");
    cmd_html_cell_name(html, total->currency);
    cmd_html_cell_count(html, total->accounts, CMD_HTML_PLAIN);
    cmd_html_cell_count(html, total->without, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, now, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, cheapest, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, cheapest - now, CMD_HTML_SIGNED);
    cmd_html_cell_money(html, now - cmd_html_of(total->cost), CMD_HTML_PLAIN);
    cmd_html_cell_money(html, cmd_html_of(total->most_profitable) - cmd_html_of(total->most_profitable_cost),
                        CMD_HTML_PLAIN);
    cmd_html_row_end(html);
}

static void put_account(struct cmd_html_story *story, const struct toll_best_plans *best,
                        const struct toll_best_plan_row *row)
{
    struct cmd_html *html = &story->html;
    const cmd_html_wide now = cmd_html_of(row->charge);
    cmd_html_row_begin(html, "");
    cmd_html_cell_name(html, row->account[0] ? row->account : cmd_html_nameless(TOLL_BY_ACCOUNT));
    cmd_html_cell_name(html, row->name);
    cmd_html_cell_name(html, row->currency);
    cmd_html_cell_money(html, now, CMD_HTML_PLAIN);
    for (int plan = 0; plan < best->plan_count; plan++) {
        if (row->offers[plan].offered)
            cmd_html_cell_money(html, cmd_html_of(row->offers[plan].charge), CMD_HTML_PLAIN);
        else
            cmd_html_cell_empty(html);
    }
    cmd_html_cell_name(html, plan_name(best, row->cheapest));
    cmd_html_cell_money(html, row->cheapest < 0 ? 0 : cmd_html_of(row->offers[row->cheapest].charge) - now,
                        CMD_HTML_SIGNED);
    cmd_html_cell_name(html, plan_name(best, row->most_profitable));
    cmd_html_row_end(html);
}

static void put_accounts(struct cmd_html_story *story, const struct toll_best_plans *best)
{
    enum { BEFORE = 4, BEHIND = 3 };
    struct cmd_html_column columns[BEFORE + TOLL_IMPACT_BOOKS_MAX + BEHIND] = {
        {.head = "Account"},
        {.head = "Name"},
        {.head = "Currency", .skip = !story->several},
        {.head = "Pays now", .cells = CMD_HTML_NUMBER}};
    struct weighed *weighed = malloc((best->count + 1) * sizeof *weighed);
    const int plans = best->plan_count < TOLL_IMPACT_BOOKS_MAX ? best->plan_count : TOLL_IMPACT_BOOKS_MAX;
    size_t count = 0;
    story->html.failed |= !weighed;
    if (!weighed)
        return;
    for (size_t i = 0; i < best->count; i++) {
        const struct toll_best_plan_row *row = &best->rows[i];
        weighed[count].row = row;
        weighed[count++].weight =
            row->cheapest < 0 ? 0 : cmd_html_of(row->charge) - cmd_html_of(row->offers[row->cheapest].charge);
    }
    qsort(weighed, count, sizeof *weighed, by_weight);
    for (int plan = 0; plan < plans; plan++)
        columns[BEFORE + plan] =
            (struct cmd_html_column){.head = best->plans[plan], .cells = CMD_HTML_NUMBER};
    columns[BEFORE + plans] = (struct cmd_html_column){.head = "Cheapest"};
    columns[BEFORE + plans + 1] =
        (struct cmd_html_column){.head = "Would pay less or more", .cells = CMD_HTML_NUMBER};
    columns[BEFORE + plans + 2] =
        (struct cmd_html_column){.head = "Most profitable for us", .skip = !best->has_cost};
    const size_t shown = count < story->accounts_most ? count : story->accounts_most;
    cmd_html_table_begin(&story->html, "best-accounts", "Accounts, those that would save most first", columns,
                         BEFORE + plans + BEHIND, -1, CMD_HTML_SHOWN);
    for (size_t i = 0; i < shown; i++)
        put_account(story, best, weighed[i].row);
    cmd_html_table_end(&story->html, shown, count, "tollmill whatif ... --format csv --table best_plan");
    free(weighed);
}

void cmd_html_best(struct cmd_html_story *story, const struct toll_best_plans *best)
{
    const struct cmd_html_column columns[] = {
        {.head = "Currency"},
        {.head = "Accounts", .cells = CMD_HTML_NUMBER},
        {.head = "Without an offer", .cells = CMD_HTML_NUMBER},
        {.head = "They pay now", .cells = CMD_HTML_NUMBER},
        {.head = "Each on its cheapest", .cells = CMD_HTML_NUMBER},
        {.head = "Change", .cells = CMD_HTML_NUMBER},
        {.head = "Margin now", .cells = CMD_HTML_NUMBER, .skip = !best->has_cost},
        {.head = "Margin, each on its most profitable", .cells = CMD_HTML_NUMBER, .skip = !best->has_cost}};
    struct cmd_html *html = &story->html;
    cmd_html_section_begin(html, "best", "The best plan for each account");
    cmd_html_put(html,
                 "<p>A plan that would hold back calls which are rated now, or whose decks are in another "
                 "currency, is not offered to an account; its cell is empty.</p>\n");
    cmd_html_table_begin(html, "best-totals", "All accounts together", columns, 8, -1, 0);
    for (size_t i = 0; i < best->total_count; i++)
        put_total(html, &best->totals[i]);
    cmd_html_table_end(html, 0, 0, NULL);
    put_accounts(story, best);
    cmd_html_section_end(html);
}
