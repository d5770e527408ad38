/*
 * One run alone: totals, when, where, who, and what waits.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

static void money_tile(struct cmd_html *html, const char *name, cmd_html_wide money, const char *currency,
                       const char *beneath)
{
    char figure[CMD_HTML_FIGURE];
    cmd_html_money_text(money, CMD_HTML_PLAIN, figure);
    cmd_html_tile(html, name, figure, currency, "", beneath);
}

static void count_tile(struct cmd_html *html, const char *name, int64_t count, int64_t all, const char *tone)
{
    char figure[CMD_HTML_FIGURE], percent[CMD_HTML_FIGURE], of[CMD_HTML_FIGURE], beneath[160] = "";
    int64_t bp;
    cmd_html_count_text(count, CMD_HTML_PLAIN, figure);
    if (all > 0 && cmd_html_percent(all, (cmd_html_wide)all + count, &bp)) {
        cmd_html_percent_text(bp, CMD_HTML_PLAIN, percent);
        cmd_html_count_text(all, CMD_HTML_PLAIN, of);
        snprintf(beneath, sizeof beneath, "%s of %s lines", percent, of);
    }
    cmd_html_tile(html, name, figure, "", tone, beneath);
}

static void tiles(struct cmd_html_story *story)
{
    const struct toll_impact_table *totals = &story->impact->tables[TOLL_BY_TOTAL];
    struct cmd_html *html = &story->html;
    int64_t rows = 0, rated = 0, suspense = 0, billed_s = 0;
    char text[CMD_HTML_FIGURE], beneath[160];
    cmd_html_put(html, "<dl class=\"tiles\">\n");
    for (size_t i = 0; i < totals->count; i++) {
        const struct toll_measure *measure = &totals->rows[i].books[0];
        rows += measure->rows;
        rated += measure->rated;
        suspense += measure->suspense;
        billed_s += measure->billed_s;
        cmd_html_money_text(cmd_html_of(measure->periods), CMD_HTML_PLAIN, text);
        snprintf(beneath, sizeof beneath, "of it %s for periods", text);
        money_tile(html, "Charge", cmd_html_charge(measure), totals->rows[i].currency,
                   cmd_html_of(measure->periods) != 0 ? beneath : "");
        if (story->impact->books[0].taxed) {
            money_tile(html, "Taxes", (cmd_html_wide)measure->tax_cents * 1000000, totals->rows[i].currency,
                       "billable");
        }
        if (story->impact->books[0].has_cost) {
            cmd_html_money_text(cmd_html_of(measure->cost), CMD_HTML_PLAIN, text);
            snprintf(beneath, sizeof beneath, "after known costs of %s", text);
            money_tile(html, "Margin", cmd_html_charge(measure) - cmd_html_of(measure->cost),
                       totals->rows[i].currency, beneath);
        }
    }
    count_tile(html, "Rated", rated, rows, "");
    cmd_minutes_text(billed_s, text, sizeof text);
    cmd_html_tile(html, "Minutes billed", text, "", "", "voice");
    count_tile(html, "In suspense", suspense, rows, suspense > 0 ? "more" : "");
    cmd_html_put(html, "</dl>\n");
}

static void breakdown(struct cmd_html_story *story, enum toll_dimension dimension, const char *name,
                      const char *head, size_t most_rows)
{
    size_t count;
    struct cmd_html_ranked *ranked = cmd_html_rank(story, dimension, -1, &count);
    const size_t shown = count < most_rows ? count : most_rows;
    const bool prices = dimension == TOLL_BY_PRICE;
    bool named = false;
    for (size_t i = 0; i < shown && !prices; i++)
        named |= ranked[i].row->name[0] != '\0' && strcmp(ranked[i].row->name, ranked[i].row->key) != 0;
    const struct cmd_html_column columns[] = {
        {.head = head},
        {.head = dimension == TOLL_BY_STATUS ? "Reason" : "Name", .skip = !named},
        {.head = "Rate", .skip = !prices},
        {.head = "Currency", .skip = !story->several},
        {.head = "Lines", .cells = CMD_HTML_NUMBER},
        {.head = "In suspense", .cells = CMD_HTML_NUMBER, .skip = dimension != TOLL_BY_ACCOUNT},
        {.head = "Minutes", .cells = CMD_HTML_NUMBER},
        {.head = "Charge", .cells = CMD_HTML_NUMBER},
        {.head = "", .cells = CMD_HTML_BAR, .skip = dimension == TOLL_BY_STATUS},
        {.head = "Margin", .cells = CMD_HTML_NUMBER, .skip = !story->impact->books[0].has_cost}};
    char rest[160], text[512], caption[64];
    if (count > 0) {
        cmd_html_rest(story, name, rest, sizeof rest);
        snprintf(caption, sizeof caption, "By %c%s", head[0] | 0x20, head + 1);
        cmd_html_table_begin(&story->html, name, caption, columns, (int)(sizeof columns / sizeof columns[0]),
                             -1, CMD_HTML_SHOWN);
    }
    for (size_t i = 0; i < shown; i++) {
        const struct toll_impact_row *row = ranked[i].row;
        const struct toll_measure *measure = &row->books[0];
        struct cmd_html *html = &story->html;
        cmd_html_row_begin(html, "");
        if (prices)
            cmd_html_price_text(row->price, text, sizeof text);
        if (dimension == TOLL_BY_CLASS || dimension == TOLL_BY_STATUS) {
            cmd_html_cell_word(html, row->key);
            cmd_html_cell_word(html, row->name);
        } else {
            cmd_html_cell_name(html, prices ? text : row->key[0] ? row->key : cmd_html_nameless(dimension));
            cmd_html_cell_name(html, row->name);
        }
        cmd_html_terms_text(row->price, text, sizeof text);
        cmd_html_cell_name(html, text);
        cmd_html_cell_name(html, row->currency);
        cmd_html_cell_count(html, measure->rows, CMD_HTML_PLAIN);
        cmd_html_cell_count(html, measure->suspense, CMD_HTML_PLAIN);
        cmd_html_cell_minutes(html, measure->billed_s);
        cmd_html_cell_money(html, cmd_html_charge(measure), CMD_HTML_PLAIN);
        cmd_html_cell_share(html, cmd_html_charge(measure), cmd_html_most(ranked, count, row->currency));
        cmd_html_cell_money(html, cmd_html_charge(measure) - cmd_html_of(measure->cost), CMD_HTML_PLAIN);
        cmd_html_row_end(html);
    }
    if (count > 0)
        cmd_html_table_end(&story->html, shown, count, rest);
    free(ranked);
}

void cmd_html_run(struct cmd_html_story *story)
{
    tiles(story);
    cmd_html_section_begin(&story->html, "when", "When");
    cmd_html_days(story, -1);
    cmd_html_week(story, -1);
    cmd_html_section_end(&story->html);
    cmd_html_section_begin(&story->html, "where", "Where calls go");
    breakdown(story, TOLL_BY_DESTINATION, "destinations", "Destination", story->others_most);
    breakdown(story, TOLL_BY_CLASS, "classes", "Class", story->others_most);
    breakdown(story, TOLL_BY_JURISDICTION, "jurisdictions", "Jurisdiction", story->others_most);
    cmd_html_section_end(&story->html);
    cmd_html_section_begin(&story->html, "who", "Who pays");
    breakdown(story, TOLL_BY_ACCOUNT, "accounts", "Account", story->accounts_most);
    if (story->impact->has_plans)
        breakdown(story, TOLL_BY_PLAN, "plans", "Plan", story->others_most);
    cmd_html_section_end(&story->html);
    cmd_html_section_begin(&story->html, "price", "At what prices");
    breakdown(story, TOLL_BY_DECK, "decks", "Deck", story->others_most);
    breakdown(story, TOLL_BY_PRICE, "prices", "Price row", story->others_most);
    cmd_html_section_end(&story->html);
    cmd_html_section_begin(&story->html, "status", "What became of the lines");
    breakdown(story, TOLL_BY_STATUS, "statuses", "Status", story->others_most);
    cmd_html_section_end(&story->html);
}
