/*
 * What a run costs, as rate and summary show it.
 */
#ifndef CMD_COSTS_H
#define CMD_COSTS_H

#include "options.h"
#include "print.h"

/* Costs of a run's lines; rows by cost status. */
struct cmd_costs {
    const struct toll_cost_total *totals;
    int count;
    const int64_t *rows; /* TOLL_STATUS_COUNT */
};

/* Lines whose cost could not be found, and lines that have none. */
int64_t cmd_costs_unknown(const struct cmd_costs *costs);
int64_t cmd_costs_none(const struct cmd_costs *costs);
/* "rated", "free", "no_prefix", ... */
const char *cmd_cost_status(unsigned status);

/* "cost ..., margin ..." and why costs are not known. */
void cmd_costs_print(struct cmd *cmd, const struct cmd_costs *costs);
/* "cost" and "margin" (a text, or by currency where there are several), "cost_statuses", "without_cost". */
void cmd_costs_json(struct cmd_json *json, const struct cmd_costs *costs);

#endif
