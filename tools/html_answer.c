/*
 * What a reader wants to know first: what moves in money, and for how many.
 */
#include "html_parts.h"

#include <stdio.h>

static const char *tone_of(cmd_html_wide moved)
{
    return moved < 0 ? "less" : moved > 0 ? "more" : "";
}

static void money_with(cmd_html_wide money, enum cmd_html_sign sign, const char *currency, char *text,
                       size_t room)
{
    char figure[CMD_HTML_FIGURE];
    cmd_html_money_text(money, sign, figure);
    snprintf(text, room, "%s %s", figure, currency);
}

/* ---- in words ---- */

/* "is 46,385.69 USD with B instead of 45,151.13, +1,234.56 (+2.41 %)" */
static void put_sentence(struct cmd_html_story *story, int other, const struct toll_impact_row *total)
{
    struct cmd_html *html = &story->html;
    const cmd_html_wide was = cmd_html_charge(&total->books[0]), is = cmd_html_charge(&total->books[other]);
    char text[2 * CMD_HTML_FIGURE];
    int64_t bp;
    cmd_html_put(html, "<p class=\"answer\">");
    if (was == is) {
        money_with(is, CMD_HTML_PLAIN, total->currency, text, sizeof text);
        cmd_html_put(html, "<strong>Nothing moves in total:</strong> ");
        cmd_html_text(html, text);
        cmd_html_put(html, " either way.</p>\n");
        return;
    }
    money_with(is - was, CMD_HTML_SIGNED, total->currency, text, sizeof text);
    cmd_put_format(html->out, "<strong class=\"%s\">", tone_of(is - was));
    cmd_html_text(html, text);
    cmd_html_put(html, "</strong>");
    if (cmd_html_percent(was, is, &bp)) {
        cmd_html_percent_text(bp, CMD_HTML_SIGNED, text);
        cmd_put_format(html->out, " <span class=\"%s\">(%s)</span>", tone_of(is - was), text);
    }
    cmd_html_put(html, story->impact->same_calls ? ": with " : ": ");
    cmd_html_name(html, cmd_html_book_name(story->impact, other));
    cmd_html_put(html, story->impact->same_calls ? " the same calls are charged " : " charges ");
    cmd_html_money(html, is, CMD_HTML_PLAIN);
    cmd_html_put(html, story->impact->same_calls ? " instead of " : ", ");
    if (!story->impact->same_calls) {
        cmd_html_name(html, story->impact->books[0].name);
        cmd_html_put(html, " charged ");
    }
    cmd_html_money(html, was, CMD_HTML_PLAIN);
    cmd_html_put(html, ".</p>\n");
}

/* ---- in tiles ---- */

/* The new amount, and beneath it the old one and the change. */
static void money_tile(struct cmd_html *html, const char *name, cmd_html_wide was, cmd_html_wide is,
                       const char *currency, const char *more)
{
    char figure[CMD_HTML_FIGURE], before[CMD_HTML_FIGURE], moved[CMD_HTML_FIGURE], beneath[320];
    cmd_html_money_text(is, CMD_HTML_PLAIN, figure);
    cmd_html_money_text(was, CMD_HTML_PLAIN, before);
    cmd_html_money_text(is - was, CMD_HTML_SIGNED, moved);
    if (was == is)
        snprintf(beneath, sizeof beneath, "as before%s", more);
    else
        snprintf(beneath, sizeof beneath, "was %s, %s%s", before, moved, more);
    cmd_html_tile(html, name, figure, currency, "", beneath);
}

static void count_tile(struct cmd_html *html, const char *name, int64_t was, int64_t is)
{
    char figure[CMD_HTML_FIGURE], before[CMD_HTML_FIGURE], moved[CMD_HTML_FIGURE], beneath[160];
    cmd_html_count_text(is, CMD_HTML_PLAIN, figure);
    cmd_html_count_text(was, CMD_HTML_PLAIN, before);
    cmd_html_count_text(is - was, CMD_HTML_SIGNED, moved);
    if (was == is)
        snprintf(beneath, sizeof beneath, "as before");
    else
        snprintf(beneath, sizeof beneath, "was %s, %s", before, moved);
    cmd_html_tile(html, name, figure, "", "", beneath);
}

static void account_tiles(struct cmd_html_story *story, const struct toll_impact_accounts *accounts)
{
    char figure[CMD_HTML_FIGURE], sum[CMD_HTML_FIGURE], percent[CMD_HTML_FIGURE], name[128], beneath[128];
    cmd_html_count_text(accounts->losers, CMD_HTML_PLAIN, figure);
    cmd_html_money_text(cmd_html_of(accounts->lost), CMD_HTML_SIGNED, sum);
    snprintf(beneath, sizeof beneath, "%s %s in all", sum, accounts->currency);
    cmd_html_tile(&story->html, "Accounts that pay more", figure, "", accounts->losers > 0 ? "more" : "",
                  beneath);
    cmd_html_count_text(accounts->winners, CMD_HTML_PLAIN, figure);
    cmd_html_money_text(cmd_html_of(accounts->won), CMD_HTML_SIGNED, sum);
    snprintf(beneath, sizeof beneath, "%s %s in all", sum, accounts->currency);
    cmd_html_tile(&story->html, "Accounts that pay less", figure, "", accounts->winners > 0 ? "less" : "",
                  beneath);
    cmd_html_limit_text(story->impact->moved_by_bp, percent);
    snprintf(name, sizeof name, "Bills that move by more than %s", percent);
    cmd_html_count_text(accounts->moved, CMD_HTML_PLAIN, figure);
    cmd_html_count_text(accounts->winners + accounts->losers + accounts->same, CMD_HTML_PLAIN, sum);
    snprintf(beneath, sizeof beneath, "of %s accounts", sum);
    cmd_html_tile(&story->html, name, figure, "", "", beneath);
}

static void margin_tile(struct cmd_html_story *story, int other, const struct toll_impact_row *total,
                        const struct toll_impact_accounts *accounts)
{
    const struct toll_measure *base = &total->books[0], *then = &total->books[other];
    char more[96] = "", count[CMD_HTML_FIGURE];
    if (accounts && accounts->to_a_loss > 0) {
        cmd_html_count_text(accounts->to_a_loss, CMD_HTML_PLAIN, count);
        snprintf(more, sizeof more, "; %s %s to a loss", count,
                 accounts->to_a_loss == 1 ? "account turns" : "accounts turn");
    }
    money_tile(&story->html, "Margin", cmd_html_charge(base) - cmd_html_of(base->cost),
               cmd_html_charge(then) - cmd_html_of(then->cost), story->currency, more);
}

void cmd_html_answer(struct cmd_html_story *story, int other)
{
    const struct toll_impact *impact = story->impact;
    struct cmd_html *html = &story->html;
    const struct toll_impact_table *totals = &impact->tables[TOLL_BY_TOTAL];
    const struct toll_impact_row *total = cmd_html_total(impact, story->currency);
    const struct toll_impact_accounts *accounts = cmd_html_accounts_of(story, other);
    if (!total)
        return;
    put_sentence(story, other, total);
    for (size_t i = 0; i < totals->count; i++)
        if (&totals->rows[i] != total)
            put_sentence(story, other, &totals->rows[i]);
    const struct toll_measure *base = &total->books[0], *then = &total->books[other];
    cmd_html_put(html, "<dl class=\"tiles\">\n");
    money_tile(html, "Charge", cmd_html_charge(base), cmd_html_charge(then), story->currency, "");
    if (accounts)
        account_tiles(story, accounts);
    if (impact->books[0].has_cost && impact->books[other].has_cost)
        margin_tile(story, other, total, accounts);
    if (impact->books[0].taxed && impact->books[other].taxed)
        money_tile(html, "Taxes", (cmd_html_wide)base->tax_cents * 1000000,
                   (cmd_html_wide)then->tax_cents * 1000000, story->currency, "");
    if (!impact->same_calls)
        count_tile(html, "Calls", base->rows, then->rows);
    count_tile(html, "Calls in suspense", base->suspense, then->suspense);
    cmd_html_put(html, "</dl>\n");
}
