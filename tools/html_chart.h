/*
 * Charts of the HTML report: inline SVG made of integers. What a chart shows also stands in a table or in the
 * titles of its parts.
 */
#ifndef CMD_HTML_CHART_H
#define CMD_HTML_CHART_H

#include "html_page.h"

enum { CMD_HTML_DAYS = 7, CMD_HTML_HOURS = 24 };

struct cmd_html_hours {
    cmd_html_wide money[CMD_HTML_DAYS][CMD_HTML_HOURS]; /* Monday first */
    int64_t rows[CMD_HTML_DAYS][CMD_HTML_HOURS];
};
/* moves: money is a difference, in two colours; else how much, in one. */
void cmd_html_heat(struct cmd_html *html, const char *title, const struct cmd_html_hours *hours,
                   const char *currency, bool moves);

/* The class of the distribution (docs/WHATIF.md) of an account that pays so much. */
int cmd_html_class(cmd_html_wide was, cmd_html_wide is);
/* How many accounts are in each class of percent. link: of the table whose rows have "c0".. as data-in. */
void cmd_html_spread(struct cmd_html *html, const int64_t in_class[TOLL_IMPACT_CLASSES], const char *link);

struct cmd_html_point {
    char label[32]; /* "2026-03-01", "day 3", "0.95" */
    bool has[2];
    cmd_html_wide value[2]; /* in 1e-8; counts, too */
};
enum cmd_html_plot {
    CMD_HTML_BARS,  /* value[0], from 0 up or down */
    CMD_HTML_LINES, /* both; value[1] is the one that matters */
    CMD_HTML_CURVE, /* value[1] alone, with a dot at each point; value[0] of a point is where it stood */
};
struct cmd_html_plotted {
    const char *title, *unit; /* unit: of values: a currency, "accounts" */
    const char *names[2];     /* of LINES */
    enum cmd_html_plot plot;
    bool moves; /* bars are differences */
    bool counts;
    bool small;    /* of several beside each other */
    bool has_mark; /* a value to hold the others against: the base's */
    cmd_html_wide mark;
    const struct cmd_html_point *points;
    size_t count;
};
void cmd_html_plot(struct cmd_html *html, const struct cmd_html_plotted *plotted);

#endif
