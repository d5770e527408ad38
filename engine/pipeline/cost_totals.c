/* What all lines of a run cost, by currency. */
#include "pipeline/cost.h"
#include "pipeline/merge.h"

#include <stdio.h>
#include <string.h>

/* The book's own comes first, whatever it sums to: lines without account are in it. */
static int add(struct toll_currency_total *totals, int count, int room, const char *currency, toll_total cost)
{
    for (int i = 0; i < count; i++)
        if (strcmp(totals[i].currency, currency) == 0) {
            totals[i].charge += cost;
            return count;
        }
    if (count == room)
        return -1;
    totals[count] = (struct toll_currency_total){.currency = currency, .charge = cost};
    return count + 1;
}

int toll_cost_totals(const struct toll_merge *merge, const struct toll_tally *tally,
                     const struct toll_book *book, struct toll_currency_total *totals, int room)
{
    const struct toll_cost_sums *sums = &tally->cost;
    int count = add(totals, 0, room, book->currency, 0);
    for (uint32_t i = 0; count >= 0 && sums->rules != NULL && i < sums->rules->currency_count; i++)
        if (sums->cost[i] != 0)
            count = add(totals, count, room, sums->rules->currency[i], sums->cost[i]);
    for (int i = 0; count >= 0 && merge != NULL && i < merge->old.manifest.cost_count; i++)
        if (sums->kept[i] != 0)
            count = add(totals, count, room, merge->old.manifest.costs[i].currency, sums->kept[i]);
    return count;
}

void toll_cost_total_fill(struct toll_cost_total *out, const char *currency, toll_total cost,
                          const struct toll_currency_total *charges, int charge_count)
{
    toll_total margin = -cost;
    for (int i = 0; i < charge_count; i++)
        margin += strcmp(charges[i].currency, currency) == 0 ? charges[i].charge : 0;
    snprintf(out->currency, sizeof out->currency, "%s", currency);
    toll_total_format(cost, TOLL_MONEY_DECIMALS, out->cost);
    toll_total_format(margin, TOLL_MONEY_DECIMALS, out->margin);
}
