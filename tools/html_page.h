/*
 * What every part of the HTML report is made of: escaped text, figures, tables that sort, charts.
 *
 * Nothing from outside reaches the file but through cmd_html_text: escaped, masked, cut to a length that can
 * be read. Geometry is in integers. The style and the script are files of their own (report.css, report.js)
 * and the only ones that the page's Content-Security-Policy lets run; so there are no style attributes.
 */
#ifndef CMD_HTML_PAGE_H
#define CMD_HTML_PAGE_H

#include "html.h"
#include "print.h"

/* Written by cmake/TextBytes.cmake; the hashes are those of a CSP: SHA-256 in base64. */
extern const char cmd_html_style[], cmd_html_style_hash[];
extern const char cmd_html_script[], cmd_html_script_hash[];

struct cmd_html_column;
struct cmd_html {
    struct cmd_output *out;
    bool unmask;
    bool failed; /* no memory: the file is not kept */
    int details; /* tables of figures beneath charts, so far */
    int level;   /* of the sections' heads: 2, or 3 within a book of several */
    /* of the table that is being written */
    const struct cmd_html_column *columns;
    int column;
};

/* ---- text ---- */

void cmd_html_put(struct cmd_html *html, const char *markup); /* our own markup, as it is */
void cmd_html_text(struct cmd_html *html, const char *text);
/* The same within <bdi>, so that a name from right to left moves nothing beside it; empty: a dash. */
void cmd_html_name(struct cmd_html *html, const char *text);
const char *cmd_html_last_part(const char *path); /* "runs/2026-03" -> "2026-03" */
/* "1 to 31 March 2026", "3 March 2026", "28 February to 3 March 2026" of two days as ISO texts; "" none. */
void cmd_html_days_text(const char *first, const char *last, char *text, size_t room);

/* ---- figures ---- */

typedef __int128 cmd_html_wide; /* money, in 1e-8 */
static inline cmd_html_wide cmd_html_of(struct toll_sum sum)
{
    return (cmd_html_wide)(((unsigned __int128)(uint64_t)sum.high << 64) | sum.low);
}
static inline cmd_html_wide cmd_html_magnitude(cmd_html_wide value)
{
    return value < 0 ? -value : value;
}
/* Lines and period charges. */
static inline cmd_html_wide cmd_html_charge(const struct toll_measure *measure)
{
    return cmd_html_of(measure->charge) + cmd_html_of(measure->periods);
}

#define CMD_HTML_FIGURE 64
enum cmd_html_sign { CMD_HTML_PLAIN, CMD_HTML_SIGNED }; /* signed: "+" before what is more than 0 */
/* Rounded to cents, half away from 0; what is less than a cent is exact. "-1,234.50" */
void cmd_html_money_text(cmd_html_wide money, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE]);
/* For axes: "1.5 M", "250 k", "0.02". Steps of this size can be told apart. */
void cmd_html_short_text(cmd_html_wide money, cmd_html_wide step, char text[CMD_HTML_FIGURE]);
void cmd_html_count_text(int64_t count, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE]);
void cmd_html_exact_text(cmd_html_wide money, char text[CMD_HTML_FIGURE]); /* "1,234.50" .. 8 places */
/* Hundredths of a percent of base's magnitude, more is positive: half away from 0. false: base is 0 and other
 * is not. */
bool cmd_html_percent(cmd_html_wide base, cmd_html_wide other, int64_t *bp);
void cmd_html_percent_text(int64_t bp, enum cmd_html_sign sign, char text[CMD_HTML_FIGURE]); /* "+2.41 %" */
void cmd_html_limit_text(int64_t bp, char text[CMD_HTML_FIGURE]);                            /* "10 %" */

void cmd_html_money(struct cmd_html *html, cmd_html_wide money, enum cmd_html_sign sign);
void cmd_html_count(struct cmd_html *html, int64_t count);

/* value of most as so many of `length`: 0..length, rounded; what is not 0 is at least 1. */
int cmd_html_scale(cmd_html_wide value, cmd_html_wide most, int length);

/* ---- tables ---- */

enum cmd_html_cells {
    CMD_HTML_TEXT,
    CMD_HTML_NUMBER, /* right, sorts as a number */
    CMD_HTML_BAR,    /* a bar, does not sort */
};
struct cmd_html_column {
    const char *head;
    enum cmd_html_cells cells;
    bool skip; /* the column is left out, its cells are swallowed */
};

/* id: of the table, its anchor. sorted: the column that rows are sorted by, descending; -1 none. Rows beyond
 * `shown` are folded by the script until somebody wants them (0: never). */
void cmd_html_table_begin(struct cmd_html *html, const char *id, const char *caption,
                          const struct cmd_html_column *columns, int count, int sorted, int shown);
/* What a row is found by with the charts: "" or words of our own. */
void cmd_html_row_begin(struct cmd_html *html, const char *found_by);
void cmd_html_cell_name(struct cmd_html *html, const char *text); /* the first of a row is its head */
void cmd_html_cell_key(struct cmd_html *html, const char *text);  /* of one line: "2026-03-01:17" */
/* The same as a link to the rows of a table that have these words as data-in. */
void cmd_html_cell_link(struct cmd_html *html, const char *text, const char *table, const char *found_by);
void cmd_html_cell_digest(struct cmd_html *html, const char *digest); /* hexadecimal */
/* A word of ours, "no_prefix", as "no prefix". */
void cmd_html_cell_word(struct cmd_html *html, const char *word);
void cmd_html_cell_markup(struct cmd_html *html, const char *markup);
void cmd_html_cell_count(struct cmd_html *html, int64_t count, enum cmd_html_sign sign);
void cmd_html_cell_minutes(struct cmd_html *html, int64_t seconds);
void cmd_html_cell_money(struct cmd_html *html, cmd_html_wide money, enum cmd_html_sign sign);
void cmd_html_cell_rate(struct cmd_html *html, int64_t money); /* all of its digits */
void cmd_html_cell_percent(struct cmd_html *html, cmd_html_wide base, cmd_html_wide other);
/* From the middle to the right (more) or left. */
void cmd_html_cell_move(struct cmd_html *html, cmd_html_wide value, cmd_html_wide most);
void cmd_html_cell_share(struct cmd_html *html, cmd_html_wide value, cmd_html_wide most);
void cmd_html_cell_empty(struct cmd_html *html);
void cmd_html_row_end(struct cmd_html *html);
/* all: rows that there are; NULL or how to have those that are not here. */
void cmd_html_table_end(struct cmd_html *html, size_t rows, size_t all, const char *rest);

/* A table that somebody has to open: the figures of a chart, for those who cannot see it. */
void cmd_html_figures_begin(struct cmd_html *html, const struct cmd_html_column *columns, int count);
void cmd_html_figures_end(struct cmd_html *html);

/* ---- the page ---- */

/* 0 or negative; cmd_output_close() in any case. */
int cmd_html_open(struct cmd_output *out, const char *path, struct toll_error *error);
int cmd_html_close(struct cmd_html *html, const char *path, struct toll_error *error);

void cmd_html_begin(struct cmd_html *html, const char *kind, const char *title);
void cmd_html_end(struct cmd_html *html);
void cmd_html_section_begin(struct cmd_html *html, const char *id, const char *title);
void cmd_html_section_end(struct cmd_html *html);
/* A figure with its name, and what is said beneath. */
void cmd_html_tile(struct cmd_html *html, const char *name, const char *figure, const char *unit,
                   const char *tone, const char *beneath);

/* At the end: what holds for every report. */
void cmd_html_small_print(struct cmd_html *html);

#endif
