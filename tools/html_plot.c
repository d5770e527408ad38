/*
 * Bars and lines over days, and the curves of a sweep.
 */
#include "html_chart.h"

#include <stdio.h>
#include <string.h>

enum {
    TICKS = 4,       /* steps of the axis, at most one more */
    LABEL_WIDE = 62, /* that a label takes on the axis below */
};

struct frame {
    int left, right, top, bottom; /* of what is plotted */
    cmd_html_wide low, high, step;
};

static int y_of(const struct frame *frame, cmd_html_wide value)
{
    return frame->bottom -
           cmd_html_scale(value - frame->low, frame->high - frame->low, frame->bottom - frame->top);
}

/* The smallest of 1, 2, 5, 10 ... times `unit` that is at least `least`. */
static cmd_html_wide nice(cmd_html_wide least, cmd_html_wide unit)
{
    for (;;) {
        if (unit >= least)
            return unit;
        if (unit * 2 >= least)
            return unit * 2;
        if (unit * 5 >= least)
            return unit * 5;
        unit *= 10;
    }
}

/* The axis from a round figure to a round figure; from 0 unless it is a curve far from it. */
static void fit(struct frame *frame, const struct cmd_html_plotted *plotted)
{
    bool any = false;
    cmd_html_wide low = 0, high = 0;
    for (size_t i = 0; i < plotted->count; i++) {
        for (int s = plotted->plot == CMD_HTML_CURVE; s < 2 - (plotted->plot == CMD_HTML_BARS); s++) {
            const cmd_html_wide value = plotted->points[i].value[s];
            if (!plotted->points[i].has[s])
                continue;
            low = !any || value < low ? value : low;
            high = !any || value > high ? value : high;
            any = true;
        }
    }
    if (any && plotted->has_mark) {
        low = plotted->mark < low ? plotted->mark : low;
        high = plotted->mark > high ? plotted->mark : high;
    }
    const bool far = plotted->plot == CMD_HTML_CURVE && low > 0 && (high - low) * 3 < high;
    if (!far)
        low = low > 0 ? 0 : low;
    high = high < 0 ? 0 : high;
    high = high == low ? low + 100000000 : high;
    frame->step = nice((high - low + TICKS - 1) / TICKS, plotted->counts ? 100000000 : 1);
    frame->low = low / frame->step * frame->step;
    if (frame->low > low)
        frame->low -= frame->step;
    frame->high = frame->low + frame->step;
    while (frame->high < high)
        frame->high += frame->step;
}

static void put_axis(struct cmd_html *html, const struct frame *frame)
{
    for (cmd_html_wide at = frame->low; at <= frame->high; at += frame->step) {
        char text[CMD_HTML_FIGURE];
        const int y = y_of(frame, at);
        cmd_html_short_text(at, frame->step, text);
        cmd_put_format(html->out,
                       "<path class=\"%s\" d=\"M%d %dH%d\"/><text class=\"t\" x=\"%d\" y=\"%d\" "
                       "text-anchor=\"end\">%s</text>\n",
                       at == 0 ? "axis" : "grid", frame->left, y, frame->right, frame->left - 6, y + 4, text);
    }
}

/* "2026-03-01" -> "1 Mar"; anything else stays. */
static void short_label(const char *label, char text[32])
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int year, month, day;
    if (strlen(label) == 10 && sscanf(label, "%4d-%2d-%2d", &year, &month, &day) == 3 && month >= 1 &&
        month <= 12)
        snprintf(text, 32, "%d %.3s", day, months + (month - 1) * 3);
    else
        snprintf(text, 32, "%.31s", label);
}

/* 0 is Monday; -1: no date. Sakamoto's way. */
static int weekday(const char *label)
{
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int year, month, day;
    if (strlen(label) != 10 || sscanf(label, "%4d-%2d-%2d", &year, &month, &day) != 3 || month < 1 ||
        month > 12)
        return -1;
    year -= month < 3;
    return (year + year / 4 - year / 100 + year / 400 + shift[month - 1] + day + 6) % 7;
}

static int x_of(const struct frame *frame, size_t count, size_t i)
{
    return frame->left +
           (int)(((int64_t)(frame->right - frame->left) * (int64_t)(2 * i + 1)) / (int64_t)(2 * count));
}

static void put_labels(struct cmd_html *html, const struct frame *frame,
                       const struct cmd_html_plotted *plotted)
{
    const size_t fit_in = (size_t)((frame->right - frame->left) / LABEL_WIDE);
    const size_t each = (plotted->count + fit_in - 1) / fit_in;
    for (size_t i = 0; i < plotted->count; i += each) {
        char text[32];
        short_label(plotted->points[i].label, text);
        cmd_put_format(html->out, "<text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                       x_of(frame, plotted->count, i), frame->bottom + 18);
        cmd_html_text(html, text);
        cmd_html_put(html, "</text>");
    }
    cmd_html_put(html, "\n");
}

static void put_weekends(struct cmd_html *html, const struct frame *frame,
                         const struct cmd_html_plotted *plotted)
{
    const int wide = (frame->right - frame->left) / (int)plotted->count;
    for (size_t i = 0; i < plotted->count; i++)
        if (weekday(plotted->points[i].label) >= 5)
            cmd_put_format(
                html->out, "<rect class=\"weekend\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
                x_of(frame, plotted->count, i) - wide / 2, frame->top, wide + 1, frame->bottom - frame->top);
}

/* What a point is, as its title. */
static void put_title(struct cmd_html *html, const struct cmd_html_plotted *plotted,
                      const struct cmd_html_point *point, int series)
{
    char text[CMD_HTML_FIGURE];
    cmd_html_put(html, "<title>");
    if (plotted->names[series]) {
        cmd_html_text(html, plotted->names[series]);
        cmd_html_put(html, ", ");
    }
    cmd_html_text(html, point->label);
    cmd_html_put(html, ": ");
    if (plotted->counts)
        cmd_html_count_text((int64_t)(point->value[series] / 100000000), CMD_HTML_PLAIN, text);
    else
        cmd_html_money_text(point->value[series], plotted->moves ? CMD_HTML_SIGNED : CMD_HTML_PLAIN, text);
    cmd_html_put(html, text);
    cmd_html_put(html, " ");
    cmd_html_text(html, plotted->unit);
    cmd_html_put(html, "</title>");
}

static void put_bars(struct cmd_html *html, const struct frame *frame, const struct cmd_html_plotted *plotted)
{
    const int space = (frame->right - frame->left) / (int)plotted->count;
    const int wide = space > 60 ? 48 : space > 4 ? space * 3 / 4 : space > 1 ? space : 1;
    for (size_t i = 0; i < plotted->count; i++) {
        const struct cmd_html_point *point = &plotted->points[i];
        if (!point->has[0])
            continue;
        const int zero = y_of(frame, 0), y = y_of(frame, point->value[0]);
        cmd_put_format(html->out, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">",
                       !plotted->moves       ? "plain"
                       : point->value[0] < 0 ? "less"
                                             : "more",
                       x_of(frame, plotted->count, i) - wide / 2, y < zero ? y : zero, wide,
                       y < zero ? zero - y : y - zero);
        put_title(html, plotted, point, 0);
        cmd_html_put(html, "</rect>\n");
    }
}

static void put_line(struct cmd_html *html, const struct frame *frame, const struct cmd_html_plotted *plotted,
                     int series, bool dots)
{
    bool drawn = false;
    cmd_put_format(html->out, "<path class=\"line %s\" d=\"", series == 0 ? "before" : "after");
    for (size_t i = 0; i < plotted->count; i++) {
        const struct cmd_html_point *point = &plotted->points[i];
        if (point->has[series])
            cmd_put_format(html->out, "%c%d %d", drawn ? 'L' : 'M', x_of(frame, plotted->count, i),
                           y_of(frame, point->value[series]));
        drawn |= point->has[series];
    }
    cmd_html_put(html, "\"/>\n");
    for (size_t i = 0; i < plotted->count; i++) {
        const struct cmd_html_point *point = &plotted->points[i];
        if (!point->has[series])
            continue;
        cmd_put_format(html->out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"%d\">",
                       dots ? "dot" : "touch", x_of(frame, plotted->count, i),
                       y_of(frame, point->value[series]), dots ? 4 : 7);
        put_title(html, plotted, point, series);
        cmd_html_put(html, "</circle>");
    }
    cmd_html_put(html, "\n");
}

static void put_mark(struct cmd_html *html, const struct frame *frame, const struct cmd_html_plotted *plotted)
{
    const int y = y_of(frame, plotted->mark);
    cmd_put_format(html->out,
                   "<path class=\"line before\" d=\"M%d %dH%d\"/><text class=\"t\" x=\"%d\" y=\"%d\" "
                   "text-anchor=\"end\">base</text>\n",
                   frame->left, y, frame->right, frame->right, y - 6);
}

static void put_key(struct cmd_html *html, const struct cmd_html_plotted *plotted)
{
    cmd_html_put(html, "<p class=\"key\">");
    for (int s = 0; s < 2; s++) {
        cmd_put_format(html->out, "<span class=\"k%d\"></span> ", s);
        cmd_html_name(html, plotted->names[s] ? plotted->names[s] : "");
        cmd_html_put(html, " ");
    }
    cmd_html_put(html, "</p>\n");
}

static void put_figures(struct cmd_html *html, const struct cmd_html_plotted *plotted)
{
    const struct cmd_html_column columns[] = {{.head = plotted->plot == CMD_HTML_CURVE ? "Factor" : "Day"},
                                              {.head = plotted->names[0] ? plotted->names[0] : plotted->unit,
                                               .cells = CMD_HTML_NUMBER,
                                               .skip = plotted->plot == CMD_HTML_CURVE},
                                              {.head = plotted->names[1] ? plotted->names[1] : plotted->unit,
                                               .cells = CMD_HTML_NUMBER,
                                               .skip = plotted->plot == CMD_HTML_BARS}};
    cmd_html_figures_begin(html, columns, 3);
    for (size_t i = 0; i < plotted->count; i++) {
        const struct cmd_html_point *point = &plotted->points[i];
        cmd_html_row_begin(html, "");
        cmd_html_cell_name(html, point->label);
        for (int s = 0; s < 2; s++) {
            if (!point->has[s])
                cmd_html_cell_empty(html);
            else if (plotted->counts)
                cmd_html_cell_count(html, (int64_t)(point->value[s] / 100000000), CMD_HTML_PLAIN);
            else
                cmd_html_cell_money(html, point->value[s], plotted->moves ? CMD_HTML_SIGNED : CMD_HTML_PLAIN);
        }
        cmd_html_row_end(html);
    }
    cmd_html_figures_end(html);
}

void cmd_html_plot(struct cmd_html *html, const struct cmd_html_plotted *plotted)
{
    const int wide = plotted->small ? 360 : 960, high = plotted->small ? 200 : 230;
    struct frame frame = {.left = 56, .right = wide - 8, .top = 10, .bottom = high - 28};
    if (plotted->count == 0)
        return;
    fit(&frame, plotted);
    cmd_put_format(html->out, "<figure>\n<figcaption>%s", plotted->title);
    if (!plotted->counts) {
        cmd_html_put(html, ", ");
        cmd_html_text(html, plotted->unit);
    }
    cmd_html_put(html, "</figcaption>\n");
    if (plotted->plot == CMD_HTML_LINES)
        put_key(html, plotted);
    cmd_put_format(html->out,
                   "<div class=\"scroll\"><svg class=\"chart%s\" viewBox=\"0 0 %d %d\" role=\"img\" "
                   "aria-label=\"%s\">\n",
                   plotted->small ? " small" : "", wide, high, plotted->title);
    put_weekends(html, &frame, plotted);
    put_axis(html, &frame);
    put_labels(html, &frame, plotted);
    if (plotted->has_mark)
        put_mark(html, &frame, plotted);
    if (plotted->plot == CMD_HTML_BARS)
        put_bars(html, &frame, plotted);
    else if (plotted->plot == CMD_HTML_LINES)
        put_line(html, &frame, plotted, 0, false);
    if (plotted->plot != CMD_HTML_BARS)
        put_line(html, &frame, plotted, 1, plotted->plot == CMD_HTML_CURVE);
    cmd_html_put(html, "</svg></div>\n");
    put_figures(html, plotted);
    cmd_html_put(html, "</figure>\n");
}
