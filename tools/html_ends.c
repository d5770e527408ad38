/*
 * The end of the HTML report: the suspense queue, where the figures come from, and what holds for all of
 * them.
 */
#include "html_parts.h"

#include <stdio.h>

void cmd_html_waiting(struct cmd_html *html, const struct toll_suspense_report *report)
{
    const struct cmd_html_column columns[] = {
        {.head = "Why"},        {.head = "Calls", .cells = CMD_HTML_NUMBER},
        {.head = "About"},      {.head = "Account"},
        {.head = "What to do"}, {.head = "Row to add"},
        {.head = "First call"}};
    if (report->rows == 0)
        return;
    cmd_html_section_begin(html, "waiting", "Suspense queue");
    cmd_html_put(
        html,
        "<p>Calls that are held back until the book says what they cost; by what would clear them.</p>\n");
    cmd_html_table_begin(html, "waiting-table", "Most calls first", columns, 7, 1, CMD_HTML_SHOWN);
    for (size_t i = 0; i < report->count; i++) {
        const struct toll_suspense_group *group = &report->groups[i];
        char first[64], add[768] = "";
        snprintf(first, sizeof first, "%.31s:%lld", group->day, (long long)group->row);
        if (group->file[0])
            snprintf(add, sizeof add, "%.100s: %.300s: %.300s", group->file, group->columns, group->add);
        cmd_html_row_begin(html, "");
        cmd_html_cell_word(html, toll_status_reason(group->status));
        cmd_html_cell_count(html, group->rows, CMD_HTML_PLAIN);
        cmd_html_cell_name(html, group->about);
        cmd_html_cell_name(html, group->account);
        cmd_html_cell_name(html, group->advice);
        cmd_html_cell_name(html, add);
        cmd_html_cell_key(html, first);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, report->count, report->count + (size_t)report->more_groups,
                       "tollmill summary RUN --suspense --top N");
    cmd_html_section_end(html);
}

/* Whom `plan:P accounts:*` left where they are. */
static void put_not_moved(struct cmd_html *html, const struct toll_impact_book *book)
{
    enum { NAMES = 20 };
    if (book->not_moved_count == 0)
        return;
    cmd_html_put(html, "<p>");
    cmd_html_text(html, book->name);
    cmd_html_put(html, ": accounts that stay on their plans, as its decks are in another currency: ");
    for (size_t i = 0; i < book->not_moved_count && i < NAMES; i++) {
        cmd_html_put(html, i > 0 ? ", " : "");
        cmd_html_text(html, book->not_moved[i]);
    }
    cmd_html_put(html, book->not_moved_count > NAMES ? ", ...</p>\n" : ".</p>\n");
}

void cmd_html_provenance(struct cmd_html_story *story)
{
    const struct toll_impact *impact = story->impact;
    struct cmd_html *html = &story->html;
    bool changes = false, digests = false;
    for (int i = 0; i < impact->book_count; i++) {
        changes |=
            impact->books[i].change[0] != '\0' && strcmp(impact->books[i].change, impact->books[i].name) != 0;
        digests |= impact->books[i].run_digest[0] != '\0';
    }
    const struct cmd_html_column columns[] = {
        {.head = story->about->kind == CMD_HTML_WHATIF ? "Book" : "Run"},
        {.head = "Change of the base", .skip = !changes},
        {.head = "Days with calls"},
        {.head = "Digest of the book"},
        {.head = "Digest of the calls"},
        {.head = "Digest of the run", .skip = !digests}};
    cmd_html_section_begin(html, "provenance", "Where the figures come from");
    cmd_html_table_begin(html, "provenance-table", "Books and calls", columns, 6, -1, 0);
    for (int i = 0; i < impact->book_count; i++) {
        const struct toll_impact_book *book = &impact->books[i];
        const char *const digest[] = {book->book_hash, book->cdr_hash, book->run_digest};
        char days[96];
        cmd_html_days_of(story, i, days, sizeof days);
        cmd_html_row_begin(html, "");
        cmd_html_cell_name(html, book->name);
        cmd_html_cell_name(html, book->change);
        cmd_html_cell_name(html, days);
        for (int d = 0; d < 3; d++)
            cmd_html_cell_digest(html, digest[d]);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, 0, 0, NULL);
    for (int i = 0; i < impact->book_count; i++)
        put_not_moved(html, &impact->books[i]);
    cmd_html_section_end(html);
}

void cmd_html_small_print(struct cmd_html *html)
{
    cmd_html_put(html,
                 "<footer>\n<p>Amounts are rounded to cents where they are shown, each by itself, from exact "
                 "sums of 8 places; less than a cent is shown exactly. <code>--json</code> and "
                 "<code>--format csv</code> have every digit.");
    if (!html->unmask)
        cmd_html_put(html, " Telephone numbers are masked.");
    cmd_html_put(html,
                 "</p>\n<p>Made by tollmill " TOLLMILL_VERSION
                 ". This file is complete in itself and asks no network for anything.</p>\n</footer>\n");
}
