/*
 * The parts of the HTML report that are made of an impact or a run. See html_page.h for what they are made
 * of.
 */
#ifndef CMD_HTML_PARTS_H
#define CMD_HTML_PARTS_H

#include "html_chart.h"

struct cmd_html_story {
    struct cmd_html html;
    const struct toll_impact *impact;
    const struct cmd_html_about *about;
    const char *currency;              /* of charts and tiles: the one with the most lines */
    bool several;                      /* there are others; tables have a column for them */
    size_t accounts_most, others_most; /* rows of a table */
};

enum { CMD_HTML_SHOWN = 12 }; /* rows that are not folded */

/* ---- rows of a table, the weightiest first ---- */

struct cmd_html_ranked {
    cmd_html_wide weight; /* not negative */
    const struct toll_impact_row *row;
};
/* other -1: by the base's charge, else by what `other` moves; rows that neither has are left out. To be
 * freed; NULL: none, or no memory (html.failed). */
struct cmd_html_ranked *cmd_html_rank(struct cmd_html_story *story, enum toll_dimension dimension, int other,
                                      size_t *count);
/* The largest weight of this currency. */
cmd_html_wide cmd_html_most(const struct cmd_html_ranked *ranked, size_t count, const char *currency);
/* The row of totals in this currency; NULL none. */
const struct toll_impact_row *cmd_html_total(const struct toll_impact *impact, const char *currency);
/* The accounts of a book against the base, in the story's currency; NULL none. */
const struct toll_impact_accounts *cmd_html_accounts_of(const struct cmd_html_story *story, int other);
/* "tollmill compare RUN_A RUN_B --format csv --table accounts" */
void cmd_html_rest(const struct cmd_html_story *story, const char *table, char *text, size_t room);
/* Days with calls of a book, for people; "" none. */
void cmd_html_days_of(const struct cmd_html_story *story, int book, char *text, size_t room);
/* What a book is called in heads: of a sweep its change. */
const char *cmd_html_book_name(const struct toll_impact *impact, int book);
/* What a row is called where its key is empty. */
const char *cmd_html_nameless(enum toll_dimension dimension);
/* "intl 4477 United Kingdom mobile, peak" */
void cmd_html_price_text(const struct toll_impact_price *price, char *text, size_t room);
/* "0.0125 / 60 s" */
void cmd_html_terms_text(const struct toll_impact_price *price, char *text, size_t room);

/* ---- parts ---- */

void cmd_html_books(struct cmd_html_story *story);              /* all books side by side, and the curve */
void cmd_html_answer(struct cmd_html_story *story, int other);  /* what moves in money, in words and tiles */
void cmd_html_against(struct cmd_html_story *story, int other); /* all of a book against the base */
void cmd_html_accounts(struct cmd_html_story *story, int other);
void cmd_html_run(struct cmd_html_story *story); /* one run alone */
/* other -1: the base's own days and hours. */
void cmd_html_days(struct cmd_html_story *story, int other);
void cmd_html_week(struct cmd_html_story *story, int other);
void cmd_html_waiting(struct cmd_html *html, const struct toll_suspense_report *report);
void cmd_html_best(struct cmd_html_story *story, const struct toll_best_plans *best);
void cmd_html_provenance(struct cmd_html_story *story);

#endif
