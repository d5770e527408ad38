/*
 * The hours of the week, a cell each; and how many accounts move by how much.
 */
#include "html_chart.h"

#include <stdio.h>

static const char *const day_names[CMD_HTML_DAYS] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                     "Friday", "Saturday", "Sunday"};

enum {
    LEFT = 40,
    TOP = 4,
    CELL = 26, /* from one to the next, 2 of it between them */
    TALL = 24,
    SHADES = 8,      /* of one colour */
    SIDE_SHADES = 4, /* of each of two */
};

static cmd_html_wide most_of(const struct cmd_html_hours *hours)
{
    cmd_html_wide most = 0;
    for (int day = 0; day < CMD_HTML_DAYS; day++)
        for (int hour = 0; hour < CMD_HTML_HOURS; hour++)
            if (cmd_html_magnitude(hours->money[day][hour]) > most)
                most = cmd_html_magnitude(hours->money[day][hour]);
    return most;
}

static void put_shade(struct cmd_html *html, cmd_html_wide value, cmd_html_wide most, bool moves)
{
    const int shade = cmd_html_scale(value, most, moves ? SIDE_SHADES : SHADES);
    if (shade == 0)
        cmd_html_put(html, "q0");
    else
        cmd_put_format(html->out, "%s%d", !moves ? "q" : value < 0 ? "l" : "m", shade);
}

static cmd_html_wide three_digits(cmd_html_wide value)
{
    cmd_html_wide unit = 1;
    while (value / unit >= 1000)
        unit *= 10;
    return (value + unit / 2) / unit * unit;
}

static void put_scale(struct cmd_html *html, cmd_html_wide most, bool moves)
{
    char low[CMD_HTML_FIGURE], high[CMD_HTML_FIGURE];
    const cmd_html_wide end = three_digits(most);
    cmd_html_short_text(moves ? -end : 0, end / 1000, low);
    cmd_html_short_text(end, end / 1000, high);
    const int y = TOP + CMD_HTML_DAYS * TALL + 22, steps = moves ? 2 * SIDE_SHADES + 1 : SHADES + 1;
    const int from = LEFT + CMD_HTML_HOURS * CELL - steps * 18 - 52;
    cmd_put_format(html->out, "<text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", from - 6,
                   y + 10, low);
    for (int i = 0; i < steps; i++) {
        cmd_html_put(html, "<rect class=\"");
        put_shade(html, moves ? i - SIDE_SHADES : i, moves ? SIDE_SHADES : SHADES, moves);
        cmd_put_format(html->out, "\" x=\"%d\" y=\"%d\" width=\"18\" height=\"12\"/>", from + i * 18, y);
    }
    cmd_put_format(html->out, "<text class=\"t\" x=\"%d\" y=\"%d\">%s</text>\n", from + steps * 18 + 6,
                   y + 10, high);
}

static void put_figures(struct cmd_html *html, const struct cmd_html_hours *hours, bool moves)
{
    struct cmd_html_column columns[1 + CMD_HTML_DAYS] = {{.head = "Hour"}};
    for (int day = 0; day < CMD_HTML_DAYS; day++)
        columns[1 + day] = (struct cmd_html_column){.head = day_names[day], .cells = CMD_HTML_NUMBER};
    cmd_html_figures_begin(html, columns, 1 + CMD_HTML_DAYS);
    for (int hour = 0; hour < CMD_HTML_HOURS; hour++) {
        char name[32];
        snprintf(name, sizeof name, "%02d:00", hour);
        cmd_html_row_begin(html, "");
        cmd_html_cell_name(html, name);
        for (int day = 0; day < CMD_HTML_DAYS; day++)
            cmd_html_cell_money(html, hours->money[day][hour], moves ? CMD_HTML_SIGNED : CMD_HTML_PLAIN);
        cmd_html_row_end(html);
    }
    cmd_html_figures_end(html);
}

void cmd_html_heat(struct cmd_html *html, const char *title, const struct cmd_html_hours *hours,
                   const char *currency, bool moves)
{
    const cmd_html_wide most = most_of(hours);
    cmd_put_format(html->out,
                   "<figure>\n<figcaption>%s</figcaption>\n<div class=\"scroll\"><svg class=\"chart heat\" "
                   "viewBox=\"0 0 672 220\" role=\"img\" aria-label=\"%s, by weekday and hour\">\n",
                   title, title);
    for (int day = 0; day < CMD_HTML_DAYS; day++) {
        cmd_put_format(html->out, "<text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3s</text>",
                       LEFT - 8, TOP + day * TALL + 16, day_names[day]);
        for (int hour = 0; hour < CMD_HTML_HOURS; hour++) {
            char money[CMD_HTML_FIGURE], rows[CMD_HTML_FIGURE];
            cmd_html_money_text(hours->money[day][hour], moves ? CMD_HTML_SIGNED : CMD_HTML_PLAIN, money);
            cmd_html_count_text(hours->rows[day][hour], CMD_HTML_PLAIN, rows);
            cmd_html_put(html, "<rect class=\"");
            put_shade(html, hours->money[day][hour], most, moves);
            cmd_put_format(html->out,
                           "\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"><title>%s %02d:00 to "
                           "%02d:00: %s ",
                           LEFT + hour * CELL, TOP + day * TALL, CELL - 2, TALL - 2, day_names[day], hour,
                           hour + 1, money);
            cmd_html_text(html, currency);
            cmd_put_format(html->out, ", %s calls</title></rect>", rows);
        }
        cmd_html_put(html, "\n");
    }
    for (int hour = 0; hour < CMD_HTML_HOURS; hour += 3)
        cmd_put_format(html->out, "<text class=\"t\" x=\"%d\" y=\"%d\">%02d</text>", LEFT + hour * CELL + 4,
                       TOP + CMD_HTML_DAYS * TALL + 12, hour);
    put_scale(html, most, moves);
    cmd_html_put(html, "</svg></div>\n");
    put_figures(html, hours, moves);
    cmd_html_put(html, "</figure>\n");
}

/* ---- accounts by how much they move ---- */

static const char *const class_names[TOLL_IMPACT_CLASSES] = {"below \xE2\x88\x92"
                                                             "50",
                                                             "\xE2\x88\x92"
                                                             "50 to \xE2\x88\x92"
                                                             "25",
                                                             "\xE2\x88\x92"
                                                             "25 to \xE2\x88\x92"
                                                             "10",
                                                             "\xE2\x88\x92"
                                                             "10 to \xE2\x88\x92"
                                                             "5",
                                                             "\xE2\x88\x92"
                                                             "5 to \xE2\x88\x92"
                                                             "1",
                                                             "\xE2\x88\x92"
                                                             "1 to 0",
                                                             "0",
                                                             "0 to 1",
                                                             "1 to 5",
                                                             "5 to 10",
                                                             "10 to 25",
                                                             "25 to 50",
                                                             "above 50",
                                                             "from 0"};

int cmd_html_class(cmd_html_wide was, cmd_html_wide is)
{
    const struct toll_sum base = {.low = (uint64_t)was, .high = (int64_t)(was >> 64)};
    const struct toll_sum other = {.low = (uint64_t)is, .high = (int64_t)(is >> 64)};
    return toll_impact_class(base, other);
}

void cmd_html_spread(struct cmd_html *html, const int64_t in_class[TOLL_IMPACT_CLASSES], const char *link)
{
    enum { STILL = 6, WIDE = 50, BASE = 170, HIGH = 140 };
    int64_t most = 0;
    for (int i = 0; i < TOLL_IMPACT_CLASSES; i++)
        most = in_class[i] > most ? in_class[i] : most;
    cmd_html_put(html,
                 "<figure>\n<figcaption>Accounts by change of their bill, in percent</figcaption>\n"
                 "<div class=\"scroll\"><svg class=\"chart spread\" viewBox=\"0 0 704 206\" role=\"group\" "
                 "aria-label=\"Accounts by change of their bill in percent\">\n");
    for (int i = 0; i < TOLL_IMPACT_CLASSES; i++) {
        char count[CMD_HTML_FIGURE];
        const int high = cmd_html_scale(in_class[i], most, HIGH), x = 2 + i * WIDE;
        const char *tone = i < STILL ? "less" : i > STILL ? "more" : "same";
        cmd_html_count_text(in_class[i], CMD_HTML_PLAIN, count);
        if (link && in_class[i] > 0 && i != STILL)
            cmd_put_format(html->out,
                           "<a href=\"#%s\" data-find=\"c%d\" aria-label=\"%s accounts: %s percent\">", link,
                           i, count, class_names[i]);
        cmd_put_format(html->out,
                       "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\"><title>%s "
                       "accounts: %s %%</title></rect>",
                       tone, x + 4, BASE - high, WIDE - 8, high, count, class_names[i]);
        if (in_class[i] > 0)
            cmd_put_format(html->out, "<text class=\"v\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                           x + WIDE / 2, BASE - high - 6, count);
        if (link && in_class[i] > 0 && i != STILL)
            cmd_html_put(html, "</a>");
        cmd_put_format(html->out, "<text class=\"t s\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                       x + WIDE / 2, BASE + 16 + (i % 2) * 14, class_names[i]);
    }
    cmd_put_format(html->out, "<path class=\"axis\" d=\"M0 %dH704\"/></svg></div>\n</figure>\n", BASE);
}
