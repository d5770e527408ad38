/*
 * The report that people look at: one HTML file of a what-if, of runs beside each other, of one run, or of a
 * delta (docs/WHATIF.md section 4). Its bytes depend on what it shows alone: there is no clock in it.
 */
#ifndef CMD_HTML_H
#define CMD_HTML_H

#include "command.h"
#include "tollmill_delta.h"
#include "tollmill_impact.h"

enum cmd_html_kind { CMD_HTML_WHATIF, CMD_HTML_COMPARE, CMD_HTML_RUN };

/* What an impact does not know of itself. Zeroed is fine: a what-if without more. */
struct cmd_html_about {
    enum cmd_html_kind kind;
    const char *subject; /* path of the dataset or run: its last part is shown; NULL none */
    const char *days;    /* "2026-03-01 to 2026-03-31", or NULL: those of the books */
    /* What waits in a run (of compare: in the last one); NULL not known. */
    const struct toll_suspense_report *suspense;
    const struct toll_best_plans *best; /* NULL: none was asked for */
    bool unmask;                        /* telephone numbers within names in full */
};

/* Whether the file can be written, asked before the long work: CMD_GO (also of NULL, when none is wanted), or
 * the exit code after having told the error. */
int cmd_html_check(struct cmd *cmd, const char *path);
/* Writes the file, and says so on stderr. Returns CMD_OK, or the exit code after having told the error. */
int cmd_html_impact(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_html_about *about,
                    const char *path);
int cmd_html_delta(struct cmd *cmd, struct toll_delta *delta, const struct cmd_html_about *about,
                   const char *path);

#endif
