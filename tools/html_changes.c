/*
 * The HTML report of a delta: what a re-rated run changed. See html.h.
 */
#include "html_delta.h"

#include <stdio.h>
#include <stdlib.h>

struct total {
    const char *currency;
    int64_t rows; /* of both runs */
    int64_t more, less, accounts;
    cmd_html_wide before, after, cost_before, cost_after;
};
enum { CURRENCIES = 64 };

static struct total *total_of(struct total *totals, int *count, const char *currency)
{
    for (int i = 0; i < *count; i++)
        if (strcmp(totals[i].currency, currency) == 0)
            return &totals[i];
    if (*count == CURRENCIES)
        return NULL;
    memset(&totals[*count], 0, sizeof *totals);
    totals[*count].currency = currency;
    return &totals[(*count)++];
}

static int collect_totals(struct cmd_html_changes *changes, struct total totals[CURRENCIES])
{
    struct toll_delta_sum sum;
    int count = 0;
    for (int64_t i = 0; toll_delta_sum(changes->delta, i, &sum); i++) {
        struct total *total = total_of(totals, &count, sum.currency);
        if (!total)
            continue;
        total->rows += sum.before.rows + sum.after.rows;
        total->before += cmd_html_of(sum.before.charge) + cmd_html_of(sum.before.periods);
        total->after += cmd_html_of(sum.after.charge) + cmd_html_of(sum.after.periods);
        total->cost_before += cmd_html_of(sum.before.cost);
        total->cost_after += cmd_html_of(sum.after.cost);
    }
    for (size_t i = 0; i < changes->payer_count; i++) {
        const struct cmd_html_payer *payer = &changes->payers[i];
        struct total *total = total_of(totals, &count, payer->currency);
        if (total) {
            total->more += payer->after > payer->before;
            total->less += payer->after < payer->before;
            total->accounts++;
        }
    }
    int first = 0;
    for (int i = 1; i < count; i++)
        if (totals[i].rows > totals[first].rows)
            first = i;
    changes->currency = count > 0 ? totals[first].currency : "";
    changes->several = count > 1;
    return count;
}

/* ---- the answer ---- */

static void put_sentence(struct cmd_html *html, const struct total *total)
{
    const cmd_html_wide moved = total->after - total->before;
    char text[CMD_HTML_FIGURE];
    int64_t bp;
    cmd_html_put(html, "<p class=\"answer\">");
    if (moved == 0) {
        cmd_html_put(html, "<strong>Nothing moves in total:</strong> ");
        cmd_html_money(html, total->after, CMD_HTML_PLAIN);
        cmd_html_put(html, " ");
        cmd_html_text(html, total->currency);
        cmd_html_put(html, " before and now.</p>\n");
        return;
    }
    const char *tone = moved < 0 ? "less" : "more";
    cmd_put_format(html->out, "<strong class=\"%s\">", tone);
    cmd_html_money(html, moved, CMD_HTML_SIGNED);
    cmd_html_put(html, " ");
    cmd_html_text(html, total->currency);
    cmd_html_put(html, "</strong>");
    if (cmd_html_percent(total->before, total->after, &bp)) {
        cmd_html_percent_text(bp, CMD_HTML_SIGNED, text);
        cmd_put_format(html->out, " <span class=\"%s\">(%s)</span>", tone, text);
    }
    cmd_html_put(html, ": re-rated, the charge is ");
    cmd_html_money(html, total->after, CMD_HTML_PLAIN);
    cmd_html_put(html, " instead of ");
    cmd_html_money(html, total->before, CMD_HTML_PLAIN);
    cmd_html_put(html, ".</p>\n");
}

static void moved_tile(struct cmd_html *html, const char *name, cmd_html_wide was, cmd_html_wide is,
                       const char *currency)
{
    char figure[CMD_HTML_FIGURE], before[CMD_HTML_FIGURE], moved[CMD_HTML_FIGURE], beneath[160];
    cmd_html_money_text(is, CMD_HTML_PLAIN, figure);
    cmd_html_money_text(was, CMD_HTML_PLAIN, before);
    cmd_html_money_text(is - was, CMD_HTML_SIGNED, moved);
    if (was == is)
        snprintf(beneath, sizeof beneath, "as before");
    else
        snprintf(beneath, sizeof beneath, "was %s, %s", before, moved);
    cmd_html_tile(html, name, figure, currency, "", beneath);
}

static void count_tile(struct cmd_html *html, const char *name, int64_t count, const char *tone, int64_t all,
                       const char *of)
{
    char figure[CMD_HTML_FIGURE], whole[CMD_HTML_FIGURE], beneath[128];
    cmd_html_count_text(count, CMD_HTML_PLAIN, figure);
    cmd_html_count_text(all, CMD_HTML_PLAIN, whole);
    snprintf(beneath, sizeof beneath, "of %s %s", whole, of);
    cmd_html_tile(html, name, figure, "", count > 0 ? tone : "", beneath);
}

/* Adjusting lines that go onto the next bill, in the currency of the charts. */
static void due_tiles(struct cmd_html_changes *changes)
{
    struct toll_adjusting_line line;
    cmd_html_wide money[2] = {0};
    int64_t lines[2] = {0};
    for (int64_t i = 0; toll_delta_adjusting(changes->delta, i, &line); i++) {
        if (strcmp(line.status, "due") != 0 || strcmp(line.currency, changes->currency) != 0)
            continue;
        const int debit = strcmp(line.kind, "debit") == 0;
        lines[debit]++;
        money[debit] += (cmd_html_wide)line.after - line.before;
    }
    for (int debit = 0; debit < 2; debit++) {
        char figure[CMD_HTML_FIGURE], count[CMD_HTML_FIGURE], beneath[128];
        cmd_html_money_text(money[debit], CMD_HTML_SIGNED, figure);
        cmd_html_count_text(lines[debit], CMD_HTML_PLAIN, count);
        snprintf(beneath, sizeof beneath, "%s adjusting %s", count, lines[debit] == 1 ? "line" : "lines");
        cmd_html_tile(&changes->html, debit ? "Debits due" : "Credits due", figure, changes->currency,
                      money[debit] < 0   ? "less"
                      : money[debit] > 0 ? "more"
                                         : "",
                      beneath);
    }
}

/* A delta has the taxes that changed, not all of them. */
static void tax_tile(struct cmd_html *html, cmd_html_wide moved, const char *currency)
{
    char figure[CMD_HTML_FIGURE];
    cmd_html_money_text(moved, CMD_HTML_SIGNED, figure);
    cmd_html_tile(html, "Taxes", figure, currency,
                  moved < 0   ? "less"
                  : moved > 0 ? "more"
                              : "",
                  "change of all that customers are billed");
}

static void put_tiles(struct cmd_html_changes *changes, const struct total *total)
{
    struct cmd_html *html = &changes->html;
    struct toll_delta_tax tax;
    cmd_html_wide was = 0, is = 0;
    for (int64_t i = 0; toll_delta_tax(changes->delta, i, &tax); i++) {
        if (!tax.billable || strcmp(tax.currency, total->currency) != 0)
            continue;
        was += (cmd_html_wide)tax.before_cents * 1000000;
        is += (cmd_html_wide)tax.after_cents * 1000000;
    }
    cmd_html_put(html, "<dl class=\"tiles\">\n");
    moved_tile(html, "Charge", total->before, total->after, total->currency);
    count_tile(html, "Lines changed", changes->facts.changed, "", changes->facts.new_rows, "lines");
    count_tile(html, "Accounts that pay more", total->more, "more", total->accounts, "accounts");
    count_tile(html, "Accounts that pay less", total->less, "less", total->accounts, "accounts");
    if (total->cost_before != 0 || total->cost_after != 0)
        moved_tile(html, "Margin", total->before - total->cost_before, total->after - total->cost_after,
                   total->currency);
    if (changes->facts.taxes > 0)
        tax_tile(html, is - was, total->currency);
    if (changes->facts.has_closed)
        due_tiles(changes);
    cmd_html_put(html, "</dl>\n");
}

/* ---- where it comes from ---- */

static void put_provenance(struct cmd_html_changes *changes)
{
    struct cmd_html *html = &changes->html;
    const struct toll_delta_facts *facts = &changes->facts;
    const struct cmd_html_column columns[] = {{.head = "What"},
                                              {.head = "Digest of the run"},
                                              {.head = "Digest of the book"},
                                              {.head = "Digest of the calls"},
                                              {.head = "Lines", .cells = CMD_HTML_NUMBER}};
    const char *const sides[2][4] = {{"Old run", facts->old_run, facts->old_book, facts->old_cdrs},
                                     {"New run", facts->new_run, facts->new_book, facts->new_cdrs}};
    cmd_html_section_begin(html, "provenance", "Where the figures come from");
    cmd_html_table_begin(html, "provenance-table", "Runs, books and calls", columns, 5, -1, 0);
    for (int s = 0; s < 2; s++) {
        cmd_html_row_begin(html, "");
        cmd_html_cell_name(html, sides[s][0]);
        for (int i = 1; i < 4; i++)
            cmd_html_cell_digest(html, sides[s][i]);
        cmd_html_cell_count(html, s == 0 ? facts->old_rows : facts->new_rows, CMD_HTML_PLAIN);
        cmd_html_row_end(html);
    }
    cmd_html_table_end(html, 0, 0, NULL);
    cmd_html_put(html, "<p>Digest of the delta: <code>");
    cmd_html_text(html, facts->digest);
    cmd_html_put(html, "</code></p>\n");
    cmd_html_section_end(html);
}

static void put_when(struct cmd_html_changes *changes)
{
    const struct cmd_html_plotted plotted = {.title = "Change by day",
                                             .unit = changes->currency,
                                             .plot = CMD_HTML_BARS,
                                             .moves = true,
                                             .points = changes->days,
                                             .count = changes->day_count};
    if (changes->day_count < 2)
        return;
    cmd_html_section_begin(&changes->html, "when", "When");
    cmd_html_plot(&changes->html, &plotted);
    cmd_html_section_end(&changes->html);
}

static void write_report(struct cmd_html_changes *changes, const struct total *totals, int count,
                         const struct cmd_html_about *about)
{
    struct cmd_html *html = &changes->html;
    const char *title = about->subject ? cmd_html_last_part(about->subject) : "delta";
    cmd_html_begin(html, "Re-rated", title);
    cmd_html_put(html, "<header>\n<p class=\"kind\">Re-rated</p>\n<h1>");
    cmd_html_name(html, title);
    cmd_html_put(html, "</h1>\n<p class=\"under\">");
    cmd_html_count(html, changes->facts.changed);
    cmd_html_put(html, " of ");
    cmd_html_count(html, changes->facts.new_rows);
    cmd_html_put(html, " lines changed</p>\n</header>\n<main>\n");
    for (int i = 0; i < count; i++)
        put_sentence(html, &totals[i]);
    for (int i = 0; i < count; i++)
        if (strcmp(totals[i].currency, changes->currency) == 0)
            put_tiles(changes, &totals[i]);
    cmd_html_adjusting(changes);
    cmd_html_payers(changes);
    cmd_html_reasons(changes);
    put_when(changes);
    cmd_html_taxes(changes);
    cmd_html_lines(changes);
    put_provenance(changes);
    cmd_html_put(html, "</main>\n");
    cmd_html_small_print(html);
    cmd_html_end(html);
}

int cmd_html_delta(struct cmd *cmd, struct toll_delta *delta, const struct cmd_html_about *about,
                   const char *path)
{
    struct cmd_output out;
    struct toll_error error = {0};
    struct total totals[CURRENCIES];
    struct cmd_html_changes changes = {.html = {.out = &out, .unmask = about->unmask, .level = 2},
                                       .delta = delta};
    int code = cmd_html_open(&out, path, &error);
    if (code == 0) {
        toll_delta_facts(delta, &changes.facts);
        changes.html.failed = !cmd_html_payers_collect(&changes);
    }
    if (code == 0 && !changes.html.failed) {
        const int count = collect_totals(&changes, totals);
        code = cmd_html_lines_collect(&changes, cmd_progress_begin(cmd), &error);
        if (code == 0 && !changes.html.failed)
            write_report(&changes, totals, count, about);
    }
    if (code == 0)
        code = cmd_html_close(&changes.html, path, &error);
    cmd_output_close(&out);
    free(changes.payers);
    free(changes.days);
    free(changes.lines);
    if (code < 0)
        return cmd_fail(cmd, &error);
    cmd_note(cmd, "wrote %s", path);
    return CMD_OK;
}
