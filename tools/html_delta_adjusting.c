/*
 * What of a delta was billed already: adjusting lines, and what becomes of them.
 */
#include "html_delta.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINES_MOST = 500, SHOWN = 12, STATUSES = 5, KINDS = 2 };

static const char *const statuses[STATUSES] = {"due", "to_approve", "too_old", "below_minimum", "waived"};
static const char *const meanings[STATUSES] = {"goes onto the next bill", "waits until somebody approves it",
                                               "may not be billed any more", "too little to be billed",
                                               "is not billed, as the policy says"};
static const char *const kinds[KINDS] = {"credit", "debit"};

static int position(const char *text, const char *const *texts, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, texts[i]) == 0)
            return i;
    return -1;
}

static void put_overview(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    int64_t lines[STATUSES][KINDS] = {{0}}, taxes[STATUSES] = {0};
    cmd_html_wide money[STATUSES][KINDS] = {{0}};
    struct toll_adjusting_line line;
    struct toll_adjusting_tax tax;
    for (int64_t i = 0; toll_delta_adjusting(changes->delta, i, &line); i++) {
        const int status = position(line.status, statuses, STATUSES),
                  kind = position(line.kind, kinds, KINDS);
        if (status < 0 || kind < 0 || strcmp(line.currency, changes->currency) != 0)
            continue;
        lines[status][kind]++;
        money[status][kind] += (cmd_html_wide)line.after - line.before;
    }
    for (int64_t i = 0; toll_delta_adjusting_tax(changes->delta, i, &tax); i++) {
        const int status = position(tax.status, statuses, STATUSES);
        if (status >= 0 && tax.billable && strcmp(tax.currency, changes->currency) == 0)
            taxes[status] += tax.after_cents - tax.before_cents;
    }
    const struct cmd_html_column columns[] = {{.head = "What becomes of it"},
                                              {.head = "That is"},
                                              {.head = "Credits", .cells = CMD_HTML_NUMBER},
                                              {.head = "Their amount", .cells = CMD_HTML_NUMBER},
                                              {.head = "Debits", .cells = CMD_HTML_NUMBER},
                                              {.head = "Their amount", .cells = CMD_HTML_NUMBER},
                                              {.head = "Taxes", .cells = CMD_HTML_NUMBER}};
    cmd_html_table_begin(html, "adjusting-sums", "Adjusting lines by what becomes of them", columns, 7, -1,
                         0);
    for (int s = 0; s < STATUSES; s++) {
        if (lines[s][0] + lines[s][1] == 0)
            continue;
        cmd_html_row_begin(html, "");
        cmd_html_cell_word(html, statuses[s]);
        cmd_html_cell_name(html, meanings[s]);
        for (int k = 0; k < KINDS; k++) {
            cmd_html_cell_count(html, lines[s][k], CMD_HTML_PLAIN);
            cmd_html_cell_money(html, money[s][k], CMD_HTML_SIGNED);
        }
        cmd_html_cell_money(html, (cmd_html_wide)taxes[s] * 1000000, CMD_HTML_SIGNED);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, 0, 0, NULL);
}

struct weighed {
    cmd_html_wide weight;
    int64_t index;
};

static int by_weight(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight < y->weight ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static void put_line(struct cmd_html_changes *changes, const struct toll_adjusting_line *line)
{
    struct cmd_html *html = &changes->html;
    cmd_html_row_begin(html, "");
    cmd_html_cell_name(html, line->account[0] ? line->account : "no account");
    cmd_html_cell_name(html, line->site);
    cmd_html_cell_name(html, line->period);
    cmd_html_cell_word(html, line->reason);
    cmd_html_cell_name(html, line->currency);
    cmd_html_cell_count(html, line->calls, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, line->before, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, line->after, CMD_HTML_PLAIN);
    cmd_html_cell_money(html, (cmd_html_wide)line->after - line->before, CMD_HTML_SIGNED);
    cmd_html_cell_name(html, line->kind);
    cmd_html_cell_word(html, line->status);
    cmd_html_row_end(html);
}

static void put_lines(struct cmd_html_changes *changes, struct weighed *weighed, size_t count)
{
    const struct cmd_html_column columns[] = {{.head = "Account"},
                                              {.head = "Site"},
                                              {.head = "Period"},
                                              {.head = "Why"},
                                              {.head = "Currency", .skip = !changes->several},
                                              {.head = "Calls", .cells = CMD_HTML_NUMBER},
                                              {.head = "Before", .cells = CMD_HTML_NUMBER},
                                              {.head = "Now", .cells = CMD_HTML_NUMBER},
                                              {.head = "Amount", .cells = CMD_HTML_NUMBER},
                                              {.head = "Kind"},
                                              {.head = "Status"}};
    const size_t shown = count < LINES_MOST ? count : LINES_MOST;
    struct toll_adjusting_line line;
    qsort(weighed, count, sizeof *weighed, by_weight);
    cmd_html_table_begin(&changes->html, "adjusting-lines", "Adjusting lines, the largest first", columns, 11,
                         -1, SHOWN);
    for (size_t i = 0; i < shown; i++)
        if (toll_delta_adjusting(changes->delta, weighed[i].index, &line))
            put_line(changes, &line);
    cmd_html_table_end(&changes->html, shown, count, "tollmill delta DELTA --format csv --what adjusting");
}

void cmd_html_adjusting(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    const size_t most = (size_t)changes->facts.adjusting;
    struct toll_adjusting_line line;
    if (!changes->facts.has_closed)
        return;
    cmd_html_section_begin(html, "adjusting", "What was billed already");
    cmd_html_put(html, "<p>Cycles that were closed");
    if (changes->facts.closed_until[0]) {
        cmd_html_put(html, " (until ");
        cmd_html_text(html, changes->facts.closed_until);
        cmd_html_put(html, ")");
    }
    cmd_html_put(html, " stay as they are; what changed in them is adjusted");
    if (changes->facts.report_period[0]) {
        cmd_html_put(html, ", and its taxes are reported in ");
        cmd_html_text(html, changes->facts.report_period);
    }
    cmd_html_put(html, ". In open cycles the new lines simply take the place of the old ones.</p>\n");
    if (most == 0) {
        cmd_html_put(html, "<p>Nothing changed in closed cycles.</p>\n");
    } else {
        struct weighed *weighed = malloc(most * sizeof *weighed);
        size_t count = 0;
        html->failed |= !weighed;
        while (weighed && count < most && toll_delta_adjusting(changes->delta, (int64_t)count, &line)) {
            weighed[count].weight = cmd_html_magnitude((cmd_html_wide)line.after - line.before);
            weighed[count].index = (int64_t)count;
            count++;
        }
        put_overview(changes);
        if (weighed)
            put_lines(changes, weighed, count);
        free(weighed);
    }
    cmd_html_section_end(html);
}
