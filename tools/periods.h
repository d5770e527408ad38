/*
 * Period charges of a run, as export and summary show them.
 */
#ifndef CMD_PERIODS_H
#define CMD_PERIODS_H

#include "options.h"
#include "print.h"

/* One line for each kind and currency; nothing when the run has none. */
void cmd_periods_print(struct cmd *cmd, const struct toll_run *run);
/* "line_charge", "period_charge" (like "charge") and the list "period_charges". */
void cmd_periods_json(struct cmd_json *json, const struct toll_run *run);

/* `export --what period`: all of them, as CSV or as JSON lines; returns how many. */
int64_t cmd_periods_export(struct cmd_output *out, const struct toll_run *run, bool csv, bool safe);

#endif
