/* Period charges of tiers against what the tiers have counted. */
#include "pipeline/rate.h"

#include "segment/run_checks.h"
#include "segment/state.h"

#include <string.h>

static int64_t so_far(const struct toll_tier_count_row *count, const char *kind)
{
    if (count == NULL)
        return 0;
    return strcmp(kind, "tier_fee") == 0        ? count->fee
           : strcmp(kind, "minimum_spend") == 0 ? count->minimum
                                                : count->maximum;
}

/* What is rated again takes off what was charged for it. */
static bool billed_before(const struct toll_state *state, const char *account,
                          const struct toll_period_row *row)
{
    for (int64_t i = 0; i < state->charge_count; i++)
        if (strcmp(state->charges[i].account, account) == 0 &&
            strcmp(state->charges[i].period, row->period) == 0)
            return state->charges[i].charge == -row->charge;
    return false;
}

bool toll_tiers_follow(const struct toll_book *book, const struct toll_run_files *run,
                       const struct toll_state *state, const struct toll_period_row *row)
{
    const struct toll_run_tables *tables = &run->tables;
    const char *account = tables->accounts[row->account].account;
    const struct toll_tier_count_row wanted = {.tiers = row->tiers,
                                               .account = account,
                                               .site = row->site,
                                               .number = row->number,
                                               .period = row->period};
    if (strcmp(row->kind, "already_billed") == 0)
        return run->manifest.reorder && billed_before(state, account, row);
    const struct toll_tier_count_row *now =
        toll_tier_count_find(tables->counts, tables->count_count, &wanted);
    const struct toll_tier_count_row *before =
        toll_tier_count_find(state->counts, state->count_count, &wanted);
    bool known = false;
    for (uint32_t i = 1; i < book->tiers_count; i++)
        known |= strcmp(toll_book_string(book, book->tiers[i].name), row->tiers) == 0 &&
                 strcmp(toll_book_string(book, book->tiers[i].file), row->file) == 0 &&
                 (int64_t)book->tiers[i].line == row->line;
    const int64_t all = so_far(now, row->kind);
    return known && now != NULL &&
           (row->charge == all - so_far(before, row->kind) ||
            (run->manifest.reorder && row->charge == all)); /* a period that is rated again */
}
