/* Costs and margins for people and for programs. See costs.h. */
#include "costs.h"

int64_t cmd_costs_unknown(const struct cmd_costs *costs)
{
    int64_t rows = 0;
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++)
        rows += toll_cost_takes_part(status) ? costs->rows[status] : 0;
    return rows;
}

int64_t cmd_costs_none(const struct cmd_costs *costs)
{
    int64_t rows = 0;
    for (unsigned status = 0; status < TOLL_STATUS_COUNT; status++)
        rows += toll_cost_takes_part(status) ? 0 : costs->rows[status];
    return rows;
}

const char *cmd_cost_status(unsigned status)
{
    return status == TOLL_RATED ? "rated" : toll_status_reason(status);
}

void cmd_costs_print(struct cmd *cmd, const struct cmd_costs *costs)
{
    char cost[64], margin[64], rows[32];
    const char *before = "; ";
    for (int i = 0; i < costs->count; i++) {
        cmd_money_text(costs->totals[i].cost, cost, sizeof cost);
        cmd_money_text(costs->totals[i].margin, margin, sizeof margin);
        cmd_put_format(&cmd->out, "cost %s, margin %s %s", cost, margin, costs->totals[i].currency);
        if (i + 1 < costs->count)
            cmd_put_char(&cmd->out, '\n');
    }
    for (unsigned status = TOLL_SUSPENSE_FIRST; status < TOLL_STATUS_COUNT; status++) {
        if (costs->rows[status] == 0 || !toll_cost_takes_part(status))
            continue;
        cmd_thousands(costs->rows[status], rows, sizeof rows);
        cmd_put_format(&cmd->out, "%s%s %s", before, rows, toll_status_reason(status));
        before = ", ";
    }
    cmd_put_text(&cmd->out, cmd_costs_unknown(costs) > 0 ? " of unknown cost\n" : "\n");
}

static void put_money(struct cmd_json *json, const char *key, const struct cmd_costs *costs, bool margin)
{
    if (costs->count > 1)
        cmd_json_open(json, key, '{');
    for (int i = 0; i < costs->count; i++)
        cmd_json_text(json, costs->count > 1 ? costs->totals[i].currency : key,
                      margin ? costs->totals[i].margin : costs->totals[i].cost);
    if (costs->count > 1)
        cmd_json_close(json, '}');
}

void cmd_costs_json(struct cmd_json *json, const struct cmd_costs *costs)
{
    put_money(json, "cost", costs, false);
    put_money(json, "margin", costs, true);
    cmd_json_open(json, "cost_statuses", '{');
    for (unsigned status = 0; status < TOLL_STATUS_COUNT; status++)
        if (costs->rows[status] > 0 && toll_cost_takes_part(status))
            cmd_json_integer(json, cmd_cost_status(status), costs->rows[status]);
    cmd_json_close(json, '}');
    cmd_json_integer(json, "without_cost", cmd_costs_none(costs));
}
