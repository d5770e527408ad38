/*
 * The parts of the HTML report of a delta. See html_page.h for what they are made of.
 */
#ifndef CMD_HTML_DELTA_H
#define CMD_HTML_DELTA_H

#include "html_chart.h"

/* An account's sums, all sites together. */
struct cmd_html_payer {
    const char *account, *name, *currency;
    int64_t lines;               /* changed */
    cmd_html_wide before, after; /* lines and period charges */
    int64_t reason_rows[TOLL_DELTA_REASONS];
    bool linked; /* some of its lines are shown */
};

/* A changed line as it is shown; texts are copies. */
struct cmd_html_line {
    cmd_html_wide weight;
    int64_t order;  /* in which it came */
    char place[48]; /* "2026-03-01:17" */
    char account[160], currency[2][8], about[2][200];
    bool has[2];
    unsigned status[2];
    int64_t charge[2];
    uint32_t reasons;
    enum toll_delta_reason reason;
    bool closed;
};

struct cmd_html_changes {
    struct cmd_html html;
    struct toll_delta *delta;
    struct toll_delta_facts facts;
    const char *currency; /* of charts: the one with the most lines */
    bool several;
    struct cmd_html_payer *payers;
    size_t payer_count;
    struct cmd_html_point *days; /* value[0]: what moved on it */
    size_t day_count, day_room;
    struct cmd_html_line *lines; /* those that moved most, the first first */
    size_t line_count;
};

/* Sums by account; false: no memory. */
bool cmd_html_payers_collect(struct cmd_html_changes *changes);
/* One walk over all changed lines: days, and the lines that moved most. 0 or negative. */
int cmd_html_lines_collect(struct cmd_html_changes *changes, struct toll_progress progress,
                           struct toll_error *error);

void cmd_html_payers(struct cmd_html_changes *changes);
void cmd_html_reasons(struct cmd_html_changes *changes);
void cmd_html_lines(struct cmd_html_changes *changes);
void cmd_html_adjusting(struct cmd_html_changes *changes); /* nothing if no cycle is closed */
void cmd_html_taxes(struct cmd_html_changes *changes);
/* "rate changed" ... what a reason means to people. */
const char *cmd_html_reason_text(enum toll_delta_reason reason);

#endif
