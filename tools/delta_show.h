/*
 * A delta for people and for programs: what the verbs that make or show one print.
 */
#ifndef CMD_DELTA_SHOW_H
#define CMD_DELTA_SHOW_H

#include "command.h"
#include "tollmill_delta.h"

enum cmd_delta_table { CMD_DELTA_LINES, CMD_DELTA_SUMS, CMD_DELTA_TAXES, CMD_DELTA_ADJUSTING };

/* Has anything moved: lines, period charges, taxes? */
bool cmd_delta_moved(const struct toll_delta *delta);
/* Totals, reasons, the accounts that moved most (top), adjusting lines. */
void cmd_delta_print(struct cmd *cmd, const struct toll_delta *delta, int64_t top);
/* One document; of sums, taxes and adjusting lines all rows, lines none. */
void cmd_delta_json(struct cmd *cmd, const struct toll_delta *delta, const char *path);
/* One table. 0, or negative. */
int cmd_delta_csv(struct cmd *cmd, struct toll_delta *delta, enum cmd_delta_table table, bool safe,
                  struct toll_error *error);

#endif
