/* What becomes of adjusting lines (docs/RERATE.md section 3), as rerate and delta are told on the command
 * line. */
#ifndef CMD_POLICY_H
#define CMD_POLICY_H

#include "names.h"
#include "options.h"
#include "tollmill_delta.h"

struct cmd_policy {
    const char *closed; /* a state; NULL: nothing is adjusted */
    const char *minimum, *approve_above, *approved;
    int64_t back_bill_days;
    struct toll_adjust_policy policy;
    struct cmd_names names; /* of approved */
};
#define CMD_POLICY_NONE                                                                     \
    {                                                                                       \
        .back_bill_days = -1, .policy = {.approve_above = INT64_MAX, .back_bill_days = -1 } \
    }

/* Reads amounts and files into `policy`: CMD_GO, or the exit code after having told the error. */
int cmd_policy_read(struct cmd *cmd, struct cmd_policy *policy);
void cmd_policy_free(struct cmd_policy *policy);

/* The options of a verb that has them. */
#define CMD_OPTIONS_POLICY(variable)                                                       \
    {.kind = CMD_TEXT,                                                                     \
     .name = "closed",                                                                     \
     .value = "STATE",                                                                     \
     .help = "what is billed already: adjusting lines for these cycles",                   \
     .target = &(variable).closed},                                                        \
        {.kind = CMD_FLAG,                                                                 \
         .name = "credits-only",                                                           \
         .help = "adjusting debits are listed, not billed",                                \
         .target = &(variable).policy.credits_only},                                       \
        {.kind = CMD_TEXT,                                                                 \
         .name = "minimum",                                                                \
         .value = "AMOUNT",                                                                \
         .help = "accounts whose adjustments come to less, either way, are left alone",    \
         .target = &(variable).minimum},                                                   \
        {.kind = CMD_NUMBER,                                                               \
         .name = "back-bill-days",                                                         \
         .value = "N",                                                                     \
         .help = "calls that began more days before --today are not debited any more",     \
         .target = &(variable).back_bill_days,                                             \
         .minimum = 0,                                                                     \
         .maximum = 100000},                                                               \
        {.kind = CMD_TEXT,                                                                 \
         .name = "approve-above",                                                          \
         .value = "AMOUNT",                                                                \
         .help = "accounts whose adjustments come to more, either way, wait for approval", \
         .target = &(variable).approve_above},                                             \
        {.kind = CMD_TEXT,                                                                 \
         .name = "approved",                                                               \
         .value = "FILE",                                                                  \
         .help = "accounts that are approved, one a line",                                 \
         .target = &(variable).approved},                                                  \
        {.kind = CMD_DAY,                                                                  \
         .name = "today",                                                                  \
         .value = "DAY",                                                                   \
         .help = "the day on which this is done: a run has no clock of its own",           \
         .target = &(variable).policy.today},                                              \
    {                                                                                      \
        .kind = CMD_MONTH, .name = "report-period", .value = "MONTH",                      \
        .help = "in which adjusted taxes are reported (default: the month of --today)",    \
        .target = &(variable).policy.report_period                                         \
    }

#endif
