/* Costs of a worker by currency and status. Exact integers, so their order does not show. */
#include "pipeline/cost.h"

/* All in one currency, the usual thing: halves that need no carry. */
static toll_total sum_all(const int64_t *cost, size_t rows)
{
    uint64_t low = 0;
    int64_t high = 0;
    for (size_t i = 0; i < rows; i++) {
        low += (uint32_t)cost[i];
        high += cost[i] >> 32;
    }
    return (toll_total)high * ((toll_total)1 << 32) + low;
}

void toll_cost_sums_add(struct toll_cost_sums *sums, const struct toll_cost_rules *rules,
                        const int32_t *account, const int64_t *cost, const uint8_t *cost_status, size_t rows)
{
    size_t others = 0;
    for (size_t i = 0; i < rows; i++)
        others += cost_status[i] != TOLL_RATED;
    sums->rules = rules;
    sums->status_rows[TOLL_RATED] += (int64_t)(rows - others);
    for (size_t i = 0; others > 0 && i < rows; i++)
        sums->status_rows[cost_status[i]] += cost_status[i] != TOLL_RATED;
    if (rules->currency_count == 1)
        sums->cost[0] += sum_all(cost, rows);
    else
        for (size_t i = 0; i < rows; i++)
            sums->cost[rules->account_currency[account[i]]] += cost[i];
}

void toll_cost_sums_merge(struct toll_cost_sums *sums, const struct toll_cost_sums *from)
{
    if (from->rules != NULL)
        sums->rules = from->rules;
    for (unsigned i = 0; i <= TOLL_CURRENCIES_MAX; i++)
        sums->cost[i] += from->cost[i];
    for (unsigned i = 0; i < TOLL_COST_TOTALS; i++)
        sums->kept[i] += from->kept[i];
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++)
        sums->status_rows[i] += from->status_rows[i];
}
