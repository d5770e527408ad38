/* The best plan for each account: whatif --best-plan, for people and for programs. */
#ifndef CMD_BEST_PLAN_H
#define CMD_BEST_PLAN_H

#include "command.h"
#include "print.h"
#include "tollmill_impact.h"

/* The accounts that save most, `top` of them, and the sums. */
void cmd_best_plan_text(struct cmd *cmd, const struct toll_best_plans *best, int64_t top);
/* All accounts, a row for each plan. raw: texts as they are, also what a spreadsheet would run. */
void cmd_best_plan_csv(struct cmd *cmd, const struct toll_best_plans *best, bool raw);
/* The member "best_plan" of a document. */
void cmd_best_plan_json(struct cmd_json *json, const struct toll_best_plans *best);

#endif
