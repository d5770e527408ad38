/*
 * Several books side by side, and the curve of a sweep.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

static cmd_html_wide margin(const struct toll_measure *measure)
{
    return cmd_html_charge(measure) - cmd_html_of(measure->cost);
}

static void put_book(struct cmd_html_story *story, const struct toll_impact_row *total, int book,
                     cmd_html_wide most)
{
    struct cmd_html *html = &story->html;
    const struct toll_measure *base = &total->books[0], *then = &total->books[book];
    const struct toll_impact_accounts *accounts = cmd_html_accounts_of(story, book);
    const cmd_html_wide was = cmd_html_charge(base), is = cmd_html_charge(then);
    cmd_html_row_begin(html, "");
    cmd_html_cell_name(html, story->impact->books[book].name);
    cmd_html_cell_money(html, is, CMD_HTML_PLAIN);
    if (book == 0) {
        for (int i = 0; i < 3; i++)
            cmd_html_cell_empty(html);
    } else {
        cmd_html_cell_money(html, is - was, CMD_HTML_SIGNED);
        cmd_html_cell_percent(html, was, is);
        cmd_html_cell_move(html, is - was, most);
    }
    if (story->impact->books[book].has_cost)
        cmd_html_cell_money(html, margin(then), CMD_HTML_PLAIN);
    else
        cmd_html_cell_empty(html);
    if (accounts) {
        cmd_html_cell_count(html, accounts->losers, CMD_HTML_PLAIN);
        cmd_html_cell_count(html, accounts->winners, CMD_HTML_PLAIN);
        cmd_html_cell_count(html, accounts->moved, CMD_HTML_PLAIN);
    } else {
        for (int i = 0; i < 3; i++)
            cmd_html_cell_empty(html);
    }
    cmd_html_cell_count(html, then->suspense, CMD_HTML_PLAIN);
    cmd_html_row_end(html);
}

static void side_by_side(struct cmd_html_story *story, const struct toll_impact_row *total)
{
    const struct toll_impact *impact = story->impact;
    char percent[CMD_HTML_FIGURE], beyond[96], charge[48];
    cmd_html_wide most = 0;
    bool cost = false;
    for (int i = 0; i < impact->book_count; i++) {
        const cmd_html_wide moved =
            cmd_html_magnitude(cmd_html_charge(&total->books[i]) - cmd_html_charge(&total->books[0]));
        most = moved > most ? moved : most;
        cost |= impact->books[i].has_cost;
    }
    cmd_html_limit_text(impact->moved_by_bp, percent);
    snprintf(beyond, sizeof beyond, "Move by more than %s", percent);
    snprintf(charge, sizeof charge, "Charge");
    const struct cmd_html_column columns[] = {
        {.head = story->about->kind == CMD_HTML_COMPARE ? "Run" : "Book"},
        {.head = charge, .cells = CMD_HTML_NUMBER},
        {.head = "Change", .cells = CMD_HTML_NUMBER},
        {.head = "Percent", .cells = CMD_HTML_NUMBER},
        {.head = "less | more", .cells = CMD_HTML_BAR},
        {.head = "Margin", .cells = CMD_HTML_NUMBER, .skip = !cost},
        {.head = "Pay more", .cells = CMD_HTML_NUMBER},
        {.head = "Pay less", .cells = CMD_HTML_NUMBER},
        {.head = beyond, .cells = CMD_HTML_NUMBER},
        {.head = "In suspense", .cells = CMD_HTML_NUMBER}};
    cmd_html_table_begin(&story->html, "books-table", "The first is the base", columns,
                         (int)(sizeof columns / sizeof columns[0]), -1, 0);
    for (int i = 0; i < impact->book_count; i++)
        put_book(story, total, i, most);
    cmd_html_table_end(&story->html, 0, 0, NULL);
}

/* ---- sweep ---- */

static int by_factor(const void *a, const void *b)
{
    const struct cmd_html_point *x = a, *y = b;
    return (x->value[0] > y->value[0]) - (x->value[0] < y->value[0]);
}

enum swept { CHARGE, MARGIN, LOSERS };

static void curve(struct cmd_html_story *story, const struct toll_impact_row *total, enum swept swept)
{
    static const char *const titles[] = {"Charge by factor", "Margin by factor",
                                         "Accounts that pay more, by factor"};
    const struct toll_impact *impact = story->impact;
    struct cmd_html_point points[TOLL_IMPACT_BOOKS_MAX];
    size_t count = 0;
    for (int i = 0; i < impact->book_count; i++) {
        const struct toll_impact_accounts *accounts = cmd_html_accounts_of(story, i);
        if (!impact->books[i].has_factor || (swept == MARGIN && !impact->books[i].has_cost))
            continue;
        struct cmd_html_point *point = &points[count++];
        memset(point, 0, sizeof *point);
        point->value[0] = impact->books[i].factor;
        point->has[1] = true;
        point->value[1] = swept == CHARGE   ? cmd_html_charge(&total->books[i])
                          : swept == MARGIN ? margin(&total->books[i])
                                            : (cmd_html_wide)(accounts ? accounts->losers : 0) * 100000000;
        char factor[CMD_HTML_FIGURE];
        cmd_html_exact_text(impact->books[i].factor, factor);
        snprintf(point->label, sizeof point->label, "%.31s", factor);
    }
    if (count < 2)
        return;
    qsort(points, count, sizeof *points, by_factor);
    const struct cmd_html_plotted plotted = {.title = titles[swept],
                                             .unit = swept == LOSERS ? "accounts" : story->currency,
                                             .plot = CMD_HTML_CURVE,
                                             .counts = swept == LOSERS,
                                             .small = true,
                                             .has_mark = swept != LOSERS,
                                             .mark = swept == MARGIN ? margin(&total->books[0])
                                                                     : cmd_html_charge(&total->books[0]),
                                             .points = points,
                                             .count = count};
    cmd_html_plot(&story->html, &plotted);
}

void cmd_html_books(struct cmd_html_story *story)
{
    const struct toll_impact_row *total = cmd_html_total(story->impact, story->currency);
    if (!total)
        return;
    cmd_html_section_begin(&story->html, "books", "Side by side");
    cmd_html_put(&story->html, "<div class=\"curves\">\n");
    curve(story, total, CHARGE);
    curve(story, total, MARGIN);
    curve(story, total, LOSERS);
    cmd_html_put(&story->html, "</div>\n");
    side_by_side(story, total);
    cmd_html_section_end(&story->html);
}
