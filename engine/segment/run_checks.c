/* Rows of periods, pools and counts: their order, their names, and the sums that each row must satisfy. */
#include "segment/run_checks.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

static bool is_day(const char *text)
{
    int64_t day;
    return strlen(text) == 10 && toll_day_parse(text, 10, &day);
}

static bool one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* ---- period charges ---- */

static bool period_good(const struct toll_run_tables *tables, const struct toll_period_row *row)
{
    static const char *const of_tiers[] = {"tier_fee", "minimum_spend", "maximum_spend", NULL};
    if (row->account < 1 || row->account >= tables->account_count ||
        tables->accounts[row->account].account[0] == 0 || !is_day(row->period) || row->kind[0] == 0)
        return false;
    const bool tiers = one_of(row->kind, of_tiers), billed = strcmp(row->kind, "already_billed") == 0;
    if ((row->tiers[0] != 0) != tiers || (row->number[0] != 0 && !tiers))
        return false;
    if (tiers || billed)
        return row->calls == 0 && row->counted == 0 && row->charged == 0 && row->amount == 0 &&
               row->charge != 0;
    return row->charged >= 1 && row->charged <= row->counted && row->counted <= row->calls &&
           row->amount >= 0 && row->charge >= 0;
}

static bool period_after(const struct toll_run_tables *tables, const struct toll_period_row *row,
                         const struct toll_period_row *before)
{
    const char *pairs[][2] = {
        {row->period, before->period},
        {tables->accounts[row->account].account, tables->accounts[before->account].account},
        {row->site, before->site},
        {row->number, before->number},
        {row->tiers, before->tiers},
        {row->kind, before->kind},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const int order = strcmp(pairs[i][0], pairs[i][1]);
        if (order != 0)
            return order > 0;
    }
    return row->line > before->line;
}

bool toll_run_periods_good(const struct toll_run_tables *tables)
{
    bool good = true;
    for (int64_t i = 0; good && i < tables->period_count; i++)
        good = period_good(tables, &tables->periods[i]) &&
               (i == 0 || period_after(tables, &tables->periods[i], &tables->periods[i - 1]));
    return good;
}

/* ---- pools ---- */

static bool names_fit(const struct toll_pool_period_row *row)
{
    const bool account = row->account[0] != 0, site = row->site[0] != 0, number = row->number[0] != 0,
               pool = row->pool[0] != 0;
    if (strcmp(row->scope, "pool") == 0)
        return pool && !account && !site && !number;
    if (!account || pool)
        return false;
    if (strcmp(row->scope, "account") == 0)
        return !site && !number;
    return strcmp(row->scope, "site") == 0 ? !number : strcmp(row->scope, "number") == 0;
}

static bool conserved(const struct toll_pool_period_row *row)
{
    return row->granted >= 0 && row->rolled_in >= 0 && row->used >= 0 && row->rolled_out >= 0 &&
           row->expired >= 0 && row->over >= 0 && row->exhausted >= 0 &&
           (toll_total)row->granted + row->rolled_in ==
               (toll_total)row->used + row->rolled_out + row->expired;
}

static bool same_pool(const struct toll_pool_period_row *a, const struct toll_pool_period_row *b)
{
    return strcmp(a->bundle, b->bundle) == 0 && strcmp(a->scope, b->scope) == 0 &&
           strcmp(a->account, b->account) == 0 && strcmp(a->site, b->site) == 0 &&
           strcmp(a->number, b->number) == 0 && strcmp(a->pool, b->pool) == 0 &&
           strcmp(a->unit, b->unit) == 0;
}

bool toll_run_pools_good(const struct toll_run_tables *tables)
{
    static const char *const units[] = {"s", "message", "byte", "event", NULL};
    for (int64_t i = 0; i < tables->pool_count; i++) {
        const struct toll_pool_period_row *row = &tables->pools[i];
        if (row->id < 1 || row->bundle[0] == 0 || !names_fit(row) || !one_of(row->unit, units) ||
            !is_day(row->period) || !conserved(row))
            return false;
        if (i > 0 && row->id == row[-1].id) {
            if (strcmp(row->period, row[-1].period) <= 0 || !same_pool(row, row - 1))
                return false;
        } else if (i > 0 && row->id < row[-1].id) {
            return false;
        }
    }
    return true;
}

bool toll_run_draws_good(const struct toll_run_tables *tables)
{
    for (int64_t i = 0; i < tables->draw_count; i++) {
        const struct toll_pool_draw_row *row = &tables->draws[i];
        if (row->id < 1 || row->units < 1 || !is_day(row->period) || !is_day(row->lot) ||
            strcmp(row->lot, row->period) > 0)
            return false;
        if (i == 0)
            continue;
        const int periods = strcmp(row->period, row[-1].period);
        if (row->id < row[-1].id ||
            (row->id == row[-1].id && (periods < 0 || (periods == 0 && strcmp(row->lot, row[-1].lot) <= 0))))
            return false;
    }
    return true;
}

const struct toll_pool_period_row *toll_run_pool_find(const struct toll_run_tables *tables, int32_t id,
                                                      const char *period)
{
    int64_t low = 0, high = tables->pool_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const struct toll_pool_period_row *row = &tables->pools[middle];
        const int order = row->id != id ? (row->id < id ? -1 : 1) : strcmp(row->period, period);
        if (order == 0)
            return row;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Both are in order of id and period, so one walk over the pools compares them. */
bool toll_run_draws_add_up(const struct toll_run_tables *tables, bool *no_memory)
{
    int64_t at = 0;
    toll_total *lots = calloc((size_t)tables->pool_count + 1, sizeof *lots);
    bool good = lots != NULL;
    *no_memory = lots == NULL;
    for (int64_t i = 0; good && i < tables->pool_count; i++) {
        const struct toll_pool_period_row *pool = &tables->pools[i];
        toll_total used = 0;
        for (; at < tables->draw_count && tables->draws[at].id == pool->id &&
               strcmp(tables->draws[at].period, pool->period) == 0;
             at++) {
            const struct toll_pool_period_row *lot =
                toll_run_pool_find(tables, pool->id, tables->draws[at].lot);
            used += tables->draws[at].units;
            if (lot != NULL)
                lots[lot - tables->pools] += tables->draws[at].units;
        }
        good = used == pool->used;
    }
    for (int64_t i = 0; good && i < tables->pool_count; i++)
        good = lots[i] <= tables->pools[i].granted;
    free(lots);
    return good && at == tables->draw_count;
}

/* ---- tiers ---- */

int toll_tier_count_compare(const struct toll_tier_count_row *a, const struct toll_tier_count_row *b)
{
    const char *pairs[][2] = {{a->tiers, b->tiers},
                              {a->account, b->account},
                              {a->site, b->site},
                              {a->number, b->number},
                              {a->period, b->period}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const int order = strcmp(pairs[i][0], pairs[i][1]);
        if (order != 0)
            return order;
    }
    return 0;
}

bool toll_run_counts_good(const struct toll_run_tables *tables)
{
    for (int64_t i = 0; i < tables->count_count; i++) {
        const struct toll_tier_count_row *row = &tables->counts[i];
        if (row->tiers[0] == 0 || row->account[0] == 0 || !is_day(row->period) || row->units < 0 ||
            row->fee < 0 || row->minimum < 0 || row->maximum > 0)
            return false;
        if (i > 0 && toll_tier_count_compare(row, row - 1) <= 0)
            return false;
    }
    return true;
}

const struct toll_tier_count_row *toll_tier_count_find(const struct toll_tier_count_row *rows, int64_t count,
                                                       const struct toll_tier_count_row *wanted)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = toll_tier_count_compare(&rows[middle], wanted);
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
