/*
 * A book, or a run, against the base: what drives the difference, where it falls, when, and what waits.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what drives it ---- */

static void put_moved(struct cmd_html_story *story, const struct toll_impact_moved *moved, int other,
                      cmd_html_wide most)
{
    struct cmd_html *html = &story->html;
    const cmd_html_wide was = cmd_html_of(moved->charge[0]), is = cmd_html_of(moved->charge[other]);
    char text[512], terms[160], source[64] = "";
    if (moved->left_out > 0)
        snprintf(text, sizeof text, "%lld price rows that moved less", (long long)moved->left_out);
    else
        cmd_html_price_text(moved->price, text, sizeof text);
    cmd_html_terms_text(moved->price, terms, sizeof terms);
    cmd_html_row_begin(html, "");
    cmd_html_cell_name(html, text);
    cmd_html_cell_name(html, terms);
    cmd_html_cell_name(html, moved->currency);
    cmd_html_cell_count(html, moved->rows, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, was, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is - was, CMD_HTML_SIGNED);
    cmd_html_cell_percent(html, was, is);
    cmd_html_cell_move(html, is - was, most);
    if (moved->price && moved->price->file[0])
        snprintf(source, sizeof source, "%.40s:%d", moved->price->file, moved->price->line);
    cmd_html_cell_key(html, source);
    cmd_html_row_end(html);
}

struct weighed {
    cmd_html_wide weight;
    const struct toll_impact_moved *moved;
};

static int by_weight(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return x->moved < y->moved ? -1 : x->moved > y->moved;
}

static cmd_html_wide most_of(const struct weighed *weighed, size_t count, const char *currency)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(weighed[i].moved->currency, currency) == 0)
            return weighed[i].weight;
    return 0;
}

static void drivers(struct cmd_html_story *story, int other)
{
    const struct toll_impact *impact = story->impact;
    struct weighed *weighed = impact->moved_count > 0 ? malloc(impact->moved_count * sizeof *weighed) : NULL;
    size_t count = 0;
    char id[32], rest[160];
    story->html.failed |= !weighed && impact->moved_count > 0;
    for (size_t i = 0; weighed && i < impact->moved_count; i++) {
        const struct toll_impact_moved *moved = &impact->moved[i];
        const cmd_html_wide weight =
            cmd_html_magnitude(cmd_html_of(moved->charge[other]) - cmd_html_of(moved->charge[0]));
        if (weight > 0)
            weighed[count++] = (struct weighed){.weight = weight, .moved = moved};
    }
    if (count > 0) {
        const struct cmd_html_column columns[] = {{.head = "Price row of the base"},
                                                  {.head = "Rate"},
                                                  {.head = "Currency", .skip = !story->several},
                                                  {.head = "Calls", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Before", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Then", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Change", .cells = CMD_HTML_NUMBER},
                                                  {.head = "Percent", .cells = CMD_HTML_NUMBER},
                                                  {.head = "less | more", .cells = CMD_HTML_BAR},
                                                  {.head = "Row of the book"}};
        const size_t shown = count < story->others_most ? count : story->others_most;
        qsort(weighed, count, sizeof *weighed, by_weight);
        snprintf(id, sizeof id, "drivers-%d", other);
        cmd_html_section_begin(&story->html, id, "What drives it");
        snprintf(id, sizeof id, "moved-%d", other);
        cmd_html_rest(story, "moved", rest, sizeof rest);
        cmd_html_table_begin(&story->html, id,
                             "Price rows by money moved: what their calls cost before, and then", columns,
                             (int)(sizeof columns / sizeof columns[0]), -1, CMD_HTML_SHOWN);
        for (size_t i = 0; i < shown; i++)
            put_moved(story, weighed[i].moved, other, most_of(weighed, count, weighed[i].moved->currency));
        cmd_html_table_end(&story->html, shown, count, rest);
        cmd_html_section_end(&story->html);
    }
    free(weighed);
}

/* ---- where ---- */

static void put_row(struct cmd_html_story *story, enum toll_dimension dimension,
                    const struct toll_impact_row *row, int other, cmd_html_wide most)
{
    struct cmd_html *html = &story->html;
    const struct toll_measure *base = &row->books[0], *then = &row->books[other];
    const cmd_html_wide was = cmd_html_charge(base), is = cmd_html_charge(then);
    cmd_html_row_begin(html, "");
    if (dimension == TOLL_BY_CLASS)
        cmd_html_cell_word(html, row->key);
    else
        cmd_html_cell_name(html, row->key[0] ? row->key : cmd_html_nameless(dimension));
    cmd_html_cell_name(html, row->currency);
    cmd_html_cell_count(html, base->rows, CMD_HTML_PLAIN);
    cmd_html_cell_count(html, then->rows, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, was, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is - was, CMD_HTML_SIGNED);
    cmd_html_cell_percent(html, was, is);
    cmd_html_cell_move(html, is - was, most);
    cmd_html_cell_money(html, is - cmd_html_of(then->cost), CMD_HTML_PLAIN);
    cmd_html_row_end(html);
}

static void breakdown(struct cmd_html_story *story, enum toll_dimension dimension, int other,
                      const char *head, const char *name)
{
    size_t count;
    struct cmd_html_ranked *ranked = cmd_html_rank(story, dimension, other, &count);
    const size_t shown = count < story->others_most ? count : story->others_most;
    bool other_calls = !story->impact->same_calls;
    char id[48], rest[160], caption[64];
    for (size_t i = 0; i < shown; i++)
        other_calls |= ranked[i].row->books[0].rows != ranked[i].row->books[other].rows;
    const struct cmd_html_column columns[] = {
        {.head = head},
        {.head = "Currency", .skip = !story->several},
        {.head = other_calls ? "Calls before" : "Calls", .cells = CMD_HTML_NUMBER},
        {.head = "Calls then", .cells = CMD_HTML_NUMBER, .skip = !other_calls},
        {.head = "Before", .cells = CMD_HTML_NUMBER},
        {.head = "Then", .cells = CMD_HTML_NUMBER},
        {.head = "Change", .cells = CMD_HTML_NUMBER},
        {.head = "Percent", .cells = CMD_HTML_NUMBER},
        {.head = "less | more", .cells = CMD_HTML_BAR},
        {.head = "Margin then", .cells = CMD_HTML_NUMBER, .skip = !story->impact->books[other].has_cost}};
    if (count > 0) {
        snprintf(id, sizeof id, "%s-%d", name, other);
        snprintf(caption, sizeof caption, "By %c%s", head[0] | 0x20, head + 1);
        cmd_html_rest(story, name, rest, sizeof rest);
        cmd_html_table_begin(&story->html, id, caption, columns, (int)(sizeof columns / sizeof columns[0]),
                             -1, CMD_HTML_SHOWN);
        for (size_t i = 0; i < shown; i++)
            put_row(story, dimension, ranked[i].row, other,
                    cmd_html_most(ranked, count, ranked[i].row->currency));
        cmd_html_table_end(&story->html, shown, count, rest);
    }
    free(ranked);
}

/* ---- what waits ---- */

static void status_text(unsigned status, char *text, size_t room)
{
    const char *reason = toll_status_reason(status);
    snprintf(text, room, "%s%s%s", toll_status_name(status), reason[0] ? ": " : "", reason);
}

static void waiting(struct cmd_html_story *story, int other)
{
    const struct toll_impact *impact = story->impact;
    static const char *const heads[] = {"Before", "Then"};
    const struct cmd_html_column columns[] = {{.head = heads[0]},
                                              {.head = heads[1]},
                                              {.head = "Currency", .skip = !story->several},
                                              {.head = "Calls", .cells = CMD_HTML_NUMBER},
                                              {.head = "Charge before", .cells = CMD_HTML_NUMBER},
                                              {.head = "Charge then", .cells = CMD_HTML_NUMBER}};
    struct cmd_html *html = &story->html;
    char id[32], text[64];
    bool begun = false;
    for (size_t i = 0; i < impact->status_move_count; i++) {
        const struct toll_impact_status_move *move = &impact->status_moves[i];
        if (move->book != other)
            continue;
        if (!begun) {
            snprintf(id, sizeof id, "suspense-%d", other);
            cmd_html_section_begin(html, id, "What is held back, or no longer");
            snprintf(id, sizeof id, "status-%d", other);
            cmd_html_table_begin(html, id, "Calls that go into suspense, or come out of it", columns, 6, -1,
                                 CMD_HTML_SHOWN);
        }
        begun = true;
        cmd_html_row_begin(html, "");
        status_text(move->base_status, text, sizeof text);
        cmd_html_cell_word(html, text);
        status_text(move->status, text, sizeof text);
        cmd_html_cell_word(html, text);
        cmd_html_cell_name(html, move->currency);
        cmd_html_cell_count(html, move->rows, CMD_HTML_PLAIN);
        cmd_html_cell_money(html, cmd_html_of(move->base_charge), CMD_HTML_PLAIN);
        cmd_html_cell_money(html, cmd_html_of(move->charge), CMD_HTML_PLAIN);
        cmd_html_row_end(html);
    }
    if (begun) {
        cmd_html_table_end(html, 0, 0, NULL);
        cmd_html_section_end(html);
    }
}

void cmd_html_against(struct cmd_html_story *story, int other)
{
    char id[32];
    cmd_html_accounts(story, other);
    drivers(story, other);
    snprintf(id, sizeof id, "where-%d", other);
    cmd_html_section_begin(&story->html, id, "Where it falls");
    breakdown(story, TOLL_BY_DESTINATION, other, "Destination", "destinations");
    breakdown(story, TOLL_BY_CLASS, other, "Class", "classes");
    breakdown(story, TOLL_BY_JURISDICTION, other, "Jurisdiction", "jurisdictions");
    if (story->impact->has_plans)
        breakdown(story, TOLL_BY_PLAN, other, "Plan", "plans");
    breakdown(story, TOLL_BY_DECK, other, "Deck", "decks");
    cmd_html_section_end(&story->html);
    snprintf(id, sizeof id, "when-%d", other);
    cmd_html_section_begin(&story->html, id, "When");
    cmd_html_days(story, other);
    cmd_html_week(story, other);
    cmd_html_section_end(&story->html);
    waiting(story, other);
}
