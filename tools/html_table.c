/*
 * Tables of the HTML report. Each number carries its exact value for the script that sorts.
 */
#include "html_page.h"

#include <stdio.h>

#define MIDDLE 500 /* of a bar's box, which is 1000 wide */

void cmd_html_table_begin(struct cmd_html *html, const char *id, const char *caption,
                          const struct cmd_html_column *columns, int count, int sorted, int shown)
{
    html->columns = columns;
    cmd_put_format(html->out,
                   "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
                   "<table id=\"%s\" data-shown=\"%d\">\n<caption>",
                   caption, id, shown);
    cmd_html_put(html, caption);
    cmd_html_put(html, "</caption>\n<thead><tr>");
    for (int i = 0; i < count; i++) {
        if (columns[i].skip)
            continue;
        if (columns[i].cells == CMD_HTML_BAR) {
            cmd_html_put(html, "<th scope=\"col\" class=\"b\">");
            cmd_html_text(html, columns[i].head);
            cmd_html_put(html, "</th>");
            continue;
        }
        cmd_put_format(html->out, "<th scope=\"col\"%s aria-sort=\"%s\"><button type=\"button\">",
                       columns[i].cells == CMD_HTML_NUMBER ? " class=\"n\"" : "",
                       i == sorted ? "descending" : "none");
        cmd_html_text(html, columns[i].head); /* may be the name of a plan */
        cmd_html_put(html, "</button></th>");
    }
    cmd_html_put(html, "</tr></thead>\n<tbody>\n");
}

void cmd_html_row_begin(struct cmd_html *html, const char *found_by)
{
    html->column = 0;
    if (found_by[0])
        cmd_put_format(html->out, "<tr data-in=\"%s\">", found_by);
    else
        cmd_html_put(html, "<tr>");
}

/* The column of the next cell; false: it is left out. */
static bool next(struct cmd_html *html)
{
    return !html->columns[html->column++].skip;
}

void cmd_html_cell_name(struct cmd_html *html, const char *text)
{
    const bool head = html->column == 0;
    if (!next(html))
        return;
    cmd_html_put(html, head ? "<th scope=\"row\">" : "<td>");
    cmd_html_name(html, text);
    cmd_html_put(html, head ? "</th>" : "</td>");
}

void cmd_html_cell_key(struct cmd_html *html, const char *text)
{
    const bool head = html->column == 0;
    if (!next(html))
        return;
    cmd_html_put(html, head ? "<th scope=\"row\" class=\"k\">" : "<td class=\"k\">");
    cmd_html_name(html, text);
    cmd_html_put(html, head ? "</th>" : "</td>");
}

void cmd_html_cell_link(struct cmd_html *html, const char *text, const char *table, const char *found_by)
{
    const bool head = html->column == 0;
    if (!next(html))
        return;
    cmd_put_format(html->out, "%s<a href=\"#%s\" data-find=\"%s\">", head ? "<th scope=\"row\">" : "<td>",
                   table, found_by);
    cmd_html_name(html, text);
    cmd_html_put(html, head ? "</a></th>" : "</a></td>");
}

void cmd_html_cell_digest(struct cmd_html *html, const char *digest)
{
    if (!next(html))
        return;
    if (!digest[0]) {
        cmd_html_put(html, "<td><span class=\"none\">\xE2\x80\x93</span></td>");
        return;
    }
    cmd_html_put(html, "<td><code>");
    for (int i = 0; *digest; digest++, i++) {
        cmd_html_put(html, i == 16 ? "<wbr>" : "");
        if ((*digest >= '0' && *digest <= '9') || (*digest >= 'a' && *digest <= 'f'))
            cmd_put_char(html->out, *digest);
    }
    cmd_html_put(html, "</code></td>");
}

void cmd_html_cell_word(struct cmd_html *html, const char *word)
{
    char text[128];
    snprintf(text, sizeof text, "%s", word);
    for (char *at = text; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    cmd_html_cell_name(html, text);
}

void cmd_html_cell_markup(struct cmd_html *html, const char *markup)
{
    if (!next(html))
        return;
    cmd_html_put(html, "<td>");
    cmd_html_put(html, markup);
    cmd_html_put(html, "</td>");
}

static void put_number(struct cmd_html *html, cmd_html_wide value, const char *shown)
{
    char digits[48];
    char *at = digits + sizeof digits - 1;
    cmd_html_wide up = cmd_html_magnitude(value);
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(up % 10));
        up /= 10;
    } while (up > 0);
    if (value < 0)
        *--at = '-';
    cmd_put_format(html->out, "<td class=\"n\" data-v=\"%s\">%s</td>", at, shown);
}

void cmd_html_cell_count(struct cmd_html *html, int64_t count, enum cmd_html_sign sign)
{
    char text[CMD_HTML_FIGURE];
    if (!next(html))
        return;
    cmd_html_count_text(count, sign, text);
    put_number(html, count, text);
}

void cmd_html_cell_minutes(struct cmd_html *html, int64_t seconds)
{
    char text[CMD_HTML_FIGURE];
    if (!next(html))
        return;
    cmd_minutes_text(seconds, text, sizeof text);
    put_number(html, seconds, text);
}

void cmd_html_cell_money(struct cmd_html *html, cmd_html_wide money, enum cmd_html_sign sign)
{
    char text[CMD_HTML_FIGURE];
    if (!next(html))
        return;
    cmd_html_money_text(money, sign, text);
    put_number(html, money, text);
}

void cmd_html_cell_rate(struct cmd_html *html, int64_t money)
{
    char text[CMD_HTML_FIGURE];
    if (!next(html))
        return;
    cmd_html_exact_text(money, text);
    put_number(html, money, text);
}

void cmd_html_cell_percent(struct cmd_html *html, cmd_html_wide base, cmd_html_wide other)
{
    char text[CMD_HTML_FIGURE];
    int64_t bp;
    if (!next(html))
        return;
    if (cmd_html_percent(base, other, &bp)) {
        cmd_html_percent_text(bp, CMD_HTML_SIGNED, text);
        put_number(html, bp, text);
    } else {
        put_number(html, other > 0 ? INT64_MAX : INT64_MIN, "from 0");
    }
}

static void put_bar(struct cmd_html *html, const char *tone, int from, int length)
{
    cmd_put_format(html->out, "<rect class=\"%s\" x=\"%d\" width=\"%d\" height=\"10\"/></svg></td>", tone,
                   from, length);
}

void cmd_html_cell_move(struct cmd_html *html, cmd_html_wide value, cmd_html_wide most)
{
    const int length = cmd_html_scale(value, most, MIDDLE);
    if (!next(html))
        return;
    cmd_html_put(html, "<td class=\"b\"><svg class=\"bar move\" viewBox=\"0 0 1000 10\" "
                       "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                       "<rect class=\"axis\" x=\"498\" width=\"4\" height=\"10\"/>");
    put_bar(html, value < 0 ? "less" : "more", value < 0 ? MIDDLE - length : MIDDLE, length);
}

void cmd_html_cell_share(struct cmd_html *html, cmd_html_wide value, cmd_html_wide most)
{
    if (!next(html))
        return;
    cmd_html_put(html,
                 "<td class=\"b\"><svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
                 "aria-hidden=\"true\">");
    put_bar(html, value < 0 ? "less" : "plain", 0, cmd_html_scale(value, most, 1000));
}

void cmd_html_cell_empty(struct cmd_html *html)
{
    const enum cmd_html_cells cells = html->columns[html->column].cells;
    if (next(html))
        cmd_html_put(html, cells == CMD_HTML_NUMBER ? "<td class=\"n\"></td>" : "<td></td>");
}

void cmd_html_row_end(struct cmd_html *html)
{
    cmd_html_put(html, "</tr>\n");
}

void cmd_html_table_end(struct cmd_html *html, size_t rows, size_t all, const char *rest)
{
    cmd_html_put(html, "</tbody>\n</table>\n</div>\n");
    if (all <= rows)
        return;
    cmd_html_put(html, "<p class=\"rest\">These are ");
    cmd_html_count(html, (int64_t)rows);
    cmd_html_put(html, " of ");
    cmd_html_count(html, (int64_t)all);
    cmd_html_put(html, " rows.");
    if (rest) {
        cmd_html_put(html, " All of them: <code>");
        cmd_html_text(html, rest);
        cmd_html_put(html, "</code>");
    }
    cmd_html_put(html, "</p>\n");
}

void cmd_html_figures_begin(struct cmd_html *html, const struct cmd_html_column *columns, int count)
{
    char id[32];
    snprintf(id, sizeof id, "figures-%d", ++html->details);
    cmd_html_put(html, "<details><summary>Figures</summary>\n");
    cmd_html_table_begin(html, id, "The figures of this chart", columns, count, -1, 0);
}

void cmd_html_figures_end(struct cmd_html *html)
{
    cmd_html_table_end(html, 0, 0, NULL);
    cmd_html_put(html, "</details>\n");
}
