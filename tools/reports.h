/*
 * The kinds of `tollmill report`, each in a file of its own.
 */
#ifndef CMD_REPORTS_H
#define CMD_REPORTS_H

#include "costs.h"
#include "options.h"
#include "print.h"
#include "runs.h"

enum cmd_margin {
    CMD_BY_ACCOUNT,
    CMD_BY_SITE,
    CMD_BY_DESTINATION,
    CMD_BY_DECK,
    CMD_BY_TRUNK,
    CMD_BY_CARRIER,
    CMD_BY_HOUR,
    CMD_BY_DAY,
    CMD_MARGINS
};

struct cmd_report {
    const char *run_path, *cdrs;
    int margin;     /* enum cmd_margin */
    bool csv, safe; /* safe: texts that a spreadsheet would run as formulas get a ' */
    bool unmask;
    size_t top; /* rows for people */
};

/* Each returns the exit code, having told errors. */
int cmd_report_margin(struct cmd *cmd, const struct cmd_report *report);
int cmd_report_negative(struct cmd *cmd, const struct cmd_report *report);
/* The report for people, as one HTML file, of a run or of a delta. */
int cmd_report_html(struct cmd *cmd, const struct cmd_report *report, const char *html_path);
int cmd_report_least_cost(struct cmd *cmd, const struct cmd_report *report);

/* A run with its CDRs and costs. Returns CMD_GO, or the exit code. */
int cmd_report_open(struct cmd *cmd, const struct cmd_report *report, struct toll_run **run,
                    struct toll_run_facts *facts);
/* The currency of a line's money: of its account, or the book's. */
const char *cmd_report_currency(const struct toll_run_facts *facts, const struct toll_line *line);
/* Is this cost known (0 too), and is that charge? */
bool cmd_report_knows_cost(const struct toll_line *line);
bool cmd_report_knows_charge(const struct toll_line *line);
/* Both are, and it sells for less than it costs us; credits and records of cost feeds never do. */
bool cmd_report_is_below(const struct toll_line *line);
/* Of the sell side's price row, else of the buy side's; "" not named. */
const char *cmd_report_destination(const struct toll_line *line);

#endif
