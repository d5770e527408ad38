/* Period charges of tiers against what the tiers have counted. */
#include "pipeline/rate.h"

#include "segment/run_checks.h"

#include <string.h>

static int64_t so_far(const struct toll_tier_count_row *count, const char *kind)
{
    if (count == NULL)
        return 0;
    return strcmp(kind, "tier_fee") == 0        ? count->fee
           : strcmp(kind, "minimum_spend") == 0 ? count->minimum
                                                : count->maximum;
}

bool toll_tiers_follow(const struct toll_book *book, const struct toll_run_files *run,
                       const struct toll_period_row *row)
{
    const struct toll_run_tables *tables = &run->tables;
    const struct toll_tier_count_row wanted = {.tiers = row->tiers,
                                               .account = tables->accounts[row->account].account,
                                               .site = row->site,
                                               .number = row->number,
                                               .period = row->period};
    const struct toll_tier_count_row *now =
        toll_tier_count_find(tables->counts, tables->count_count, &wanted);
    bool known = false;
    for (uint32_t i = 1; i < book->tiers_count; i++)
        known |= strcmp(toll_book_string(book, book->tiers[i].name), row->tiers) == 0 &&
                 strcmp(toll_book_string(book, book->tiers[i].file), row->file) == 0 &&
                 (int64_t)book->tiers[i].line == row->line;
    return known && now != NULL && so_far(now, row->kind) == row->charge;
}
