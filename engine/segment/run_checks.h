/* What the rows of a run's tables of periods, pools and counts must satisfy by themselves. */
#ifndef TOLL_SEGMENT_RUN_CHECKS_H
#define TOLL_SEGMENT_RUN_CHECKS_H

#include "segment/run.h"

bool toll_run_periods_good(const struct toll_run_tables *tables);
/* Ids, names, order; granted + rolled_in = used + rolled_out + expired in each row. */
bool toll_run_pools_good(const struct toll_run_tables *tables);
bool toll_run_draws_good(const struct toll_run_tables *tables);
bool toll_run_counts_good(const struct toll_run_tables *tables);
/* Whether the draws of each pool and period are what it says was used, and none is of another; a lot that is
 * listed gave no more than was granted. *no_memory: it could not be found out, the answer is false. */
bool toll_run_draws_add_up(const struct toll_run_tables *tables, bool *no_memory);

/* Ids, days, books and order; which books they are of is the manifest's to say. */
bool toll_run_tuples_good(const struct toll_run_files *run);
/* Order, and each of a tuple that there is. */
bool toll_run_components_good(const struct toll_run_tables *tables);
#define TOLL_PERIOD_DAYS_MAX 31 /* of a billing period */

/* The row of a pool and period, or NULL. */
const struct toll_pool_period_row *toll_run_pool_find(const struct toll_run_tables *tables, int32_t id,
                                                      const char *period);
/* The row of these tiers, names and period among rows in their order, or NULL. */
const struct toll_tier_count_row *toll_tier_count_find(const struct toll_tier_count_row *rows, int64_t count,
                                                       const struct toll_tier_count_row *wanted);
/* < 0, 0, > 0 by (tiers, account, site, number, period). */
int toll_tier_count_compare(const struct toll_tier_count_row *a, const struct toll_tier_count_row *b);

#endif
