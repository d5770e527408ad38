/* What becomes of adjusting lines. See policy.h. */
#include "policy.h"

#include <string.h>

static int read_amount(struct cmd *cmd, const char *text, const char *option, int64_t *out)
{
    if (text == NULL || (toll_money_from_text(text, strlen(text), out) == 0 && *out >= 0))
        return CMD_GO;
    cmd_error(cmd, "--%s %s is no amount; write it as 2.50", option, text);
    return CMD_USAGE;
}

int cmd_policy_read(struct cmd *cmd, struct cmd_policy *policy)
{
    struct toll_adjust_policy *out = &policy->policy;
    struct toll_error error = {0};
    const bool adjusts = out->credits_only || policy->minimum || policy->approve_above || policy->approved ||
                         out->today || out->report_period || policy->back_bill_days >= 0;
    if (adjusts && !policy->closed) {
        cmd_error(cmd, "what becomes of adjusting lines is said of closed cycles: add --closed STATE");
        return CMD_USAGE;
    }
    if (policy->back_bill_days >= 0 && !out->today) {
        cmd_error(cmd, "--back-bill-days goes back from a day: add --today");
        return CMD_USAGE;
    }
    int code = read_amount(cmd, policy->minimum, "minimum", &out->minimum);
    if (code == CMD_GO)
        code = read_amount(cmd, policy->approve_above, "approve-above", &out->approve_above);
    if (code != CMD_GO)
        return code;
    out->back_bill_days = policy->back_bill_days;
    if (policy->approved && cmd_names_read(&policy->names, policy->approved, &error) < 0)
        return cmd_fail(cmd, &error);
    out->approved = policy->names.names;
    out->approved_count = policy->names.count;
    return CMD_GO;
}

void cmd_policy_free(struct cmd_policy *policy)
{
    cmd_names_free(&policy->names);
}
