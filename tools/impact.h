/*
 * An impact (tollmill_impact.h) for people and for programs: text, one table as CSV, all of it as JSON. The
 * verbs whatif and compare print with it; docs/FORMATS.md has the columns and members.
 */
#ifndef CMD_IMPACT_H
#define CMD_IMPACT_H

#include "options.h"
#include "print.h"
#include "tollmill_impact.h"

struct cmd_impact_how {
    bool csv;                           /* one table; else text, or JSON by cmd->json */
    const char *table;                  /* of csv */
    int64_t top;                        /* rows of each list as text */
    bool raw;                           /* CSV texts as they are; else a ' before what looks like a formula */
    bool unmask;                        /* prefixes as long as a telephone number in full */
    bool flags;                         /* compare: calls and minutes of accounts, too, and `flagged` */
    const struct toll_best_plans *best; /* NULL: none was asked for */
};

/* "accounts, classes, ..." of all that --table can name. */
const char *cmd_impact_table_names(void);
bool cmd_impact_is_table(const char *name);
/* "10" or "2.5" (NULL: 10) as hundredths of a percent: CMD_GO, or CMD_USAGE after having told. */
int cmd_impact_moved_by(struct cmd *cmd, const char *text, int64_t *bp);
/* How much of the price rows this way of printing needs (struct toll_whatif_options). prices: --prices. */
void cmd_impact_needs(const struct cmd *cmd, const struct cmd_impact_how *how, bool prices,
                      size_t *moved_most, bool *make_prices);
/* Returns the exit code: CMD_OK, or after having told an error. */
int cmd_impact_print(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how);

/* ---- what the three have in common ---- */

/* An account whose calls, minutes or charge move by more than impact->moved_by_bp, or that only one has. */
struct cmd_impact_flag {
    bool calls, minutes, charge, appeared, vanished;
};
/* False: nothing of it. book: the other one. */
bool cmd_impact_flagged(const struct toll_impact *impact, const struct toll_impact_row *account, int book,
                        struct cmd_impact_flag *flag);
/* All of them, over all books. */
int64_t cmd_impact_flag_count(const struct toll_impact *impact);
/* "calls minutes charge", "appeared", "vanished". */
void cmd_impact_flag_text(const struct cmd_impact_flag *flag, char text[64]);

/* A prefix, masked where it is as long as a telephone number. */
void cmd_impact_prefix(const char *prefix, bool unmask, char *text, size_t room);
/* Hundredths of a percent as "-1.25"; "" where there is none. */
void cmd_impact_percent(struct toll_sum base, struct toll_sum other, char text[32]);
void cmd_impact_bp(int64_t bp, char text[32]);
struct toll_sum cmd_impact_margin(const struct toll_measure *measure);
/* The limits of in_class: "below -50", "-50..-25" ... "from 0". */
const char *cmd_impact_class(int class_);
/* Percentiles as numbers: 5 25 50 75 95. */
extern const int cmd_impact_percentiles[TOLL_IMPACT_PERCENTILES];

/* ---- each in a file of its own ---- */
void cmd_impact_text(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how);
void cmd_impact_csv(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how);
void cmd_impact_json(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_impact_how *how);

#endif
