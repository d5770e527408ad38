/*
 * Whom it hurts: accounts by how much their bills move.
 */
#include "html_parts.h"

#include <stdio.h>
#include <stdlib.h>

static void put_percentiles(struct cmd_html_story *story, int other,
                            const struct toll_impact_accounts *accounts)
{
    static const char *const names[TOLL_IMPACT_PERCENTILES] = {"5th", "25th", "50th (median)", "75th",
                                                               "95th"};
    const struct cmd_html_column columns[] = {
        {.head = "Percentile"},
        {.head = "Change of the bill", .cells = CMD_HTML_NUMBER},
        {.head = "Change in percent", .cells = CMD_HTML_NUMBER, .skip = !accounts->has_percentile_bp}};
    struct cmd_html *html = &story->html;
    char id[32];
    snprintf(id, sizeof id, "percentiles-%d", other);
    cmd_html_table_begin(html, id, "Percentiles over accounts", columns, 3, -1, 0);
    for (int i = 0; i < TOLL_IMPACT_PERCENTILES; i++) {
        cmd_html_row_begin(html, "");
        cmd_html_cell_name(html, names[i]);
        cmd_html_cell_money(html, cmd_html_of(accounts->percentile[i]), CMD_HTML_SIGNED);
        cmd_html_cell_percent(html, 10000, (cmd_html_wide)10000 + accounts->percentile_bp[i]);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, 0, 0, NULL);
}

/* ---- what is worth a look, between runs ---- */

static bool beyond(const struct cmd_html_story *story, cmd_html_wide was, cmd_html_wide is)
{
    int64_t bp;
    return !cmd_html_percent(was, is, &bp) || bp > story->impact->moved_by_bp ||
           -bp > story->impact->moved_by_bp;
}

/* "calls, charge" */
static void flags_of(const struct cmd_html_story *story, const struct toll_measure *base,
                     const struct toll_measure *then, char *text, size_t room)
{
    const bool calls = beyond(story, base->rows, then->rows),
               minutes = beyond(story, base->billed_s, then->billed_s);
    const bool charge = beyond(story, cmd_html_charge(base), cmd_html_charge(then));
    if (base->rows == 0 || then->rows == 0) {
        snprintf(text, room, "<span class=\"flag\">%s</span>", base->rows == 0 ? "new" : "gone");
        return;
    }
    if (story->impact->same_calls)
        snprintf(text, room, "%s", charge ? "<span class=\"flag\">moved</span>" : "");
    else
        snprintf(text, room, "%s%s%s%s%s%s%s", calls || minutes || charge ? "<span class=\"flag\">" : "",
                 calls ? "calls" : "", calls && minutes ? ", " : "", minutes ? "minutes" : "",
                 (calls || minutes) && charge ? ", " : "", charge ? "charge" : "",
                 calls || minutes || charge ? "</span>" : "");
}

static void put_row(struct cmd_html_story *story, const struct toll_impact_row *row, int other,
                    cmd_html_wide most)
{
    struct cmd_html *html = &story->html;
    const struct toll_measure *base = &row->books[0], *then = &row->books[other];
    const cmd_html_wide was = cmd_html_charge(base), is = cmd_html_charge(then);
    char in[16], flags[96];
    snprintf(in, sizeof in, "c%d", cmd_html_class(was, is));
    flags_of(story, base, then, flags, sizeof flags);
    cmd_html_row_begin(html, strcmp(row->currency, story->currency) == 0 ? in : "");
    cmd_html_cell_name(html, row->key[0] ? row->key : cmd_html_nameless(TOLL_BY_ACCOUNT));
    cmd_html_cell_name(html, row->name);
    cmd_html_cell_name(html, row->currency);
    cmd_html_cell_count(html, base->rows, CMD_HTML_PLAIN);
    cmd_html_cell_count(html, then->rows, CMD_HTML_PLAIN);
    cmd_html_cell_minutes(html, base->billed_s);
    cmd_html_cell_minutes(html, then->billed_s);
    cmd_html_cell_money(html, was, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, is - was, CMD_HTML_SIGNED);
    cmd_html_cell_percent(html, was, is);
    cmd_html_cell_move(html, is - was, most);
    cmd_html_cell_money(html, is - cmd_html_of(then->cost), CMD_HTML_PLAIN);
    cmd_html_cell_count(html, then->suspense - base->suspense, CMD_HTML_SIGNED);
    cmd_html_cell_markup(html, flags);
    cmd_html_row_end(html);
}

static void put_table(struct cmd_html_story *story, int other, const char *id)
{
    const struct toll_impact *impact = story->impact;
    size_t count, shown;
    struct cmd_html_ranked *ranked = cmd_html_rank(story, TOLL_BY_ACCOUNT, other, &count);
    bool named = false, waits = false, flagged = false;
    char flags[96];
    shown = count < story->accounts_most ? count : story->accounts_most;
    for (size_t i = 0; i < shown; i++) {
        const struct toll_impact_row *row = ranked[i].row;
        named |= row->name[0] != '\0' && strcmp(row->name, row->key) != 0;
        waits |= row->books[0].suspense != row->books[other].suspense;
        flags_of(story, &row->books[0], &row->books[other], flags, sizeof flags);
        flagged |= flags[0] != '\0';
    }
    const bool same = impact->same_calls;
    const struct cmd_html_column columns[] = {
        {.head = "Account"},
        {.head = "Name", .skip = !named},
        {.head = "Currency", .skip = !story->several},
        {.head = same ? "Calls" : "Calls before", .cells = CMD_HTML_NUMBER},
        {.head = "Calls", .cells = CMD_HTML_NUMBER, .skip = same},
        {.head = "Minutes before", .cells = CMD_HTML_NUMBER, .skip = same},
        {.head = "Minutes", .cells = CMD_HTML_NUMBER, .skip = same},
        {.head = "Before", .cells = CMD_HTML_NUMBER},
        {.head = "Then", .cells = CMD_HTML_NUMBER},
        {.head = "Change", .cells = CMD_HTML_NUMBER},
        {.head = "Percent", .cells = CMD_HTML_NUMBER},
        {.head = "less | more", .cells = CMD_HTML_BAR, .skip = !same},
        {.head = "Margin then", .cells = CMD_HTML_NUMBER, .skip = !same || !impact->books[other].has_cost},
        {.head = "Suspense", .cells = CMD_HTML_NUMBER, .skip = !same || !waits},
        {.head = "Flag", .skip = !flagged}};
    char rest[160];
    cmd_html_rest(story, "accounts", rest, sizeof rest);
    cmd_html_table_begin(&story->html, id, "Accounts, by how much their bill moves", columns,
                         (int)(sizeof columns / sizeof columns[0]), -1, CMD_HTML_SHOWN);
    for (size_t i = 0; i < shown; i++)
        put_row(story, ranked[i].row, other, cmd_html_most(ranked, count, ranked[i].row->currency));
    cmd_html_table_end(&story->html, shown, count, rest);
    const struct toll_impact_accounts *accounts = cmd_html_accounts_of(story, other);
    if (same && accounts && accounts->same > 0) {
        cmd_html_put(&story->html, "<p class=\"rest\">");
        cmd_html_count(&story->html, accounts->same);
        cmd_html_put(&story->html, accounts->same == 1 ? " account pays" : " accounts pay");
        cmd_html_put(&story->html, " the same as before.</p>\n");
    }
    free(ranked);
}

void cmd_html_accounts(struct cmd_html_story *story, int other)
{
    const struct toll_impact_accounts *accounts = cmd_html_accounts_of(story, other);
    char id[32], table[32];
    snprintf(id, sizeof id, "whom-%d", other);
    snprintf(table, sizeof table, "accounts-%d", other);
    cmd_html_section_begin(&story->html, id, story->impact->same_calls ? "Whom it hurts" : "Accounts");
    if (accounts) {
        cmd_html_put(&story->html, "<div class=\"pair\">\n");
        cmd_html_spread(&story->html, accounts->in_class, table);
        put_percentiles(story, other, accounts);
        cmd_html_put(&story->html, "</div>\n");
    }
    put_table(story, other, table);
    cmd_html_section_end(&story->html);
}
