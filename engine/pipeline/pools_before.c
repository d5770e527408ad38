/* What earlier runs have drawn and counted, by names, becomes what this run's pools and counters begin with.
 * What the book does not know any more is carried along as it is. */
#include "pipeline/pool_accounts.h"
#include "pipeline/pools_data.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Names of the book -> ids, while rows are read. */
struct names {
    struct toll_pools *pools;
    struct toll_strings bundles, accounts, sites, tiers; /* id - 1 + first = id in the book */
};

static bool enter(struct toll_strings *strings, const struct toll_book *book, uint32_t offset, uint32_t id)
{
    const char *text = toll_book_string(book, offset);
    const uint32_t entered = toll_strings_add(strings, text, strlen(text));
    return entered != 0 && entered <= id; /* names are unique, so that ids are equal */
}

static bool enter_all(struct names *names)
{
    const struct toll_book *book = names->pools->book;
    bool good = toll_bundle_names(book, &names->bundles);
    for (uint32_t i = 1; i < book->account_count; i++)
        good = good && enter(&names->accounts, book, book->accounts[i].account, i);
    for (uint32_t i = 1; i < book->site_count; i++)
        good = good && enter(&names->sites, book, book->sites[i].site, i);
    for (uint32_t i = 1; i < book->tiers_count; i++)
        good = good && enter(&names->tiers, book, book->tiers[i].name, i);
    if (!good)
        toll_pools_no_memory(names->pools);
    return good;
}

static uint32_t id_of(const struct toll_strings *strings, const char *text)
{
    return *text == 0 ? 0 : toll_strings_find(strings, text, strlen(text));
}

static bool month_of(const char *day_text, int64_t *month)
{
    int64_t day;
    int year, of_year, of_month;
    if (day_text == NULL || !toll_day_parse(day_text, strlen(day_text), &day))
        return false;
    toll_civil_from_days(day, &year, &of_year, &of_month);
    *month = (int64_t)year * 12 + of_year - 1;
    return true;
}

static int bad_row(const char *table, int64_t row, const char *why, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s: row %lld of the run before is wrong: %s; close that run again, or rate it "
                          "again",
                          table, (long long)row, why);
}

/* ---- pools ---- */

/* The grants of a number's pool, from whoever of the account has the number at some time. */
static void find_grants(const struct toll_pools *pools, uint32_t bundle, int32_t account, uint64_t number,
                        uint32_t *first, uint32_t *count)
{
    const struct toll_book *book = pools->book;
    const uint32_t field = toll_pools_owner_field(pools, number);
    const struct toll_owner_date *date =
        (field & TOLL_OWNER_DATED) != 0 ? &book->owner_dates[field & ~TOLL_OWNER_DATED] : NULL;
    *first = *count = 0;
    for (;; date++) {
        const struct toll_owner *owner = &book->owners[date != NULL ? date->owner : field];
        for (uint32_t i = 0; owner->account == account && i < owner->pool_count; i++) {
            const struct toll_entitlement *entitlement = &book->entitlements[owner->pool_first + i];
            if (entitlement->bundle != bundle || entitlement->pool != 0)
                continue;
            *first = entitlement->grant_first;
            *count = entitlement->grant_count;
            return;
        }
        if (date == NULL || date->last != 0)
            return;
    }
}

/* The pool of a row, 0 if the book has none. */
static uint32_t find_pool(const struct names *names, const struct toll_pool_period_row *row)
{
    struct toll_pools *pools = names->pools;
    const struct toll_book *book = pools->book;
    const uint32_t bundle = id_of(&names->bundles, row->bundle);
    if (bundle == 0 || strcmp(toll_pools_scope_name(book->bundles[bundle].scope), row->scope) != 0)
        return 0;
    if (book->bundles[bundle].scope == TOLL_SCOPE_NUMBER) {
        const uint64_t number = toll_pools_number_read(pools, row->number);
        const uint32_t account = id_of(&names->accounts, row->account);
        uint32_t first, count;
        if (number == 0 || account == 0)
            return 0;
        find_grants(pools, bundle, (int32_t)account, number, &first, &count);
        return toll_pools_number(pools, bundle, (int32_t)account, number, first, count);
    }
    return toll_pool_named(book, bundle, row);
}

/* Ids have no gaps here: one that the rows do not have is 0. */
static bool set_id(struct toll_pools *pools, int32_t id, uint32_t value)
{
    while (pools->by_id.count <= (uint32_t)id) {
        uint32_t *place = toll_pools_append(pools, &pools->by_id, sizeof *place);
        if (place == NULL)
            return false;
        *place = 0;
    }
    *TOLL_POOL_ITEM(pools->by_id, uint32_t, id) = value;
    return true;
}

static bool frozen(const struct toll_pools *pools, uint32_t pool, int64_t month)
{
    if (pools->before->closed == NULL)
        return true;
    const struct toll_cycle cycle = toll_pools_month(pools, pools->facts[pool].clock, month);
    return cycle.until <= pools->before->closed[toll_pools_closing(pools, pool)];
}

static int read_periods(const struct names *names, struct toll_error *error)
{
    struct toll_pools *pools = names->pools;
    const struct toll_pool_period_row *rows = pools->before->periods;
    uint32_t pool = 0;
    for (int64_t i = 0; i < pools->before->period_count && pools->failed == 0; i++) {
        const struct toll_pool_period_row *row = &rows[i];
        int64_t month;
        if (row->id <= 0 || (i > 0 && row->id < rows[i - 1].id) || i >= TOLL_POOL_FOREIGN)
            return bad_row("pools", i, "its id", error);
        if (!month_of(row->period, &month) || row->used < 0 || row->over < 0 || row->granted < 0)
            return bad_row("pools", i, "its period or units", error);
        if (i == 0 || row->id != rows[i - 1].id) {
            pool = find_pool(names, row);
            if (pool != 0 && toll_pool_at(pools, pool)->id != 0)
                return bad_row("pools", i, "the pool is there twice", error);
            if (!set_id(pools, row->id, pool != 0 ? pool : TOLL_POOL_FOREIGN | (uint32_t)i))
                break;
            if (pool != 0)
                toll_pool_at(pools, pool)->id = row->id;
        }
        struct toll_pool_month *period =
            pool == 0 ? NULL : toll_pools_append(pools, &pools->periods, sizeof *period);
        if (period == NULL)
            continue;
        *period = (struct toll_pool_month){
            .next = pools->facts[pool].periods,
            .month = (int32_t)month,
            .used = row->used,
            .over = row->over,
            .exhausted = row->exhausted,
            .granted = frozen(pools, pool, month) ? row->granted : -1,
        };
        pools->facts[pool].periods = pools->periods.count - 1;
    }
    return 0;
}

static int read_draws(const struct names *names, struct toll_error *error)
{
    struct toll_pools *pools = names->pools;
    for (int64_t i = 0; i < pools->before->draw_count && pools->failed == 0; i++) {
        const struct toll_pool_draw_row *row = &pools->before->draws[i];
        int64_t month, lot;
        if (row->id <= 0 || (uint32_t)row->id >= pools->by_id.count || row->units <= 0 ||
            !month_of(row->period, &month) || !month_of(row->lot, &lot) || lot > month)
            return bad_row("pool_draws", i, "its pool, period, lot or units", error);
        const uint32_t pool = *TOLL_POOL_ITEM(pools->by_id, uint32_t, row->id);
        if (pool == 0)
            return bad_row("pool_draws", i, "no such pool", error);
        if ((pool & TOLL_POOL_FOREIGN) != 0)
            continue;
        struct toll_pool_draw *draw = toll_pools_append(pools, &pools->draws, sizeof *draw);
        if (draw == NULL)
            break;
        *draw = (struct toll_pool_draw){.next = pools->facts[pool].draws,
                                        .month = (int32_t)month,
                                        .lot = (int32_t)lot,
                                        .units = row->units};
        pools->facts[pool].draws = pools->draws.count - 1;
    }
    return 0;
}

/* Each period's draws add up to what it used, and no lot has given more than it had. */
static int check_pools(struct toll_pools *pools, struct toll_error *error)
{
    for (uint32_t pool = 1; pool < pools->pool_count; pool++) {
        toll_total sum = 0;
        for (uint32_t i = pools->facts[pool].periods; i != 0;) {
            const struct toll_pool_month *period = TOLL_POOL_ITEM(pools->periods, struct toll_pool_month, i);
            toll_total used = 0, on_lot = 0;
            for (uint32_t k = pools->facts[pool].draws; k != 0;) {
                const struct toll_pool_draw *draw = TOLL_POOL_ITEM(pools->draws, struct toll_pool_draw, k);
                used += draw->month == period->month ? draw->units : 0;
                on_lot += draw->lot == period->month ? draw->units : 0;
                k = draw->next;
            }
            if (used != period->used || (period->granted >= 0 && on_lot > period->granted))
                return toll_error_set(
                    error, TOLL_EDATA,
                    "the pools of the run before do not add up (bundle %s); close that run "
                    "again, or rate it again",
                    toll_book_string(pools->book, pools->book->bundles[pools->facts[pool].bundle].bundle));
            sum += used;
            i = period->next;
        }
        for (uint32_t k = pools->facts[pool].draws; k != 0;) {
            const struct toll_pool_draw *draw = TOLL_POOL_ITEM(pools->draws, struct toll_pool_draw, k);
            sum -= draw->units;
            k = draw->next;
        }
        if (sum != 0)
            return bad_row("pool_draws", 0, "a period that pools does not have, or has twice", error);
    }
    return 0;
}

/* ---- counts ---- */

static int read_counts(const struct names *names, struct toll_error *error)
{
    struct toll_pools *pools = names->pools;
    const struct toll_book *book = pools->book;
    for (int64_t i = 0; i < pools->before->count_count && pools->failed == 0; i++) {
        const struct toll_tier_count_row *row = &pools->before->counts[i];
        const uint32_t tiers = id_of(&names->tiers, row->tiers),
                       account = id_of(&names->accounts, row->account);
        const uint32_t site = id_of(&names->sites, row->site);
        const uint64_t number = *row->number == 0 ? 0 : toll_pools_number_read(pools, row->number);
        int64_t month;
        if (!month_of(row->period, &month) || row->units < 0 || i >= INT32_MAX)
            return bad_row("tier_counts", i, "its period or units", error);
        if (tiers == 0 || account == 0 || book->tiers[tiers].period == TOLL_TIER_CALL ||
            (site == 0) != (*row->site == 0) || (number == 0) != (*row->number == 0))
            continue; /* carried along: see pools_due.c */
        const uint32_t counter = toll_pools_counter(pools, tiers, (int32_t)account, (int32_t)site, number);
        const uint32_t index = counter == 0 ? 0 : toll_pools_count_slot(pools, counter, month);
        if (index == 0)
            break;
        struct toll_count_slot *slot = TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, index);
        if (slot->before != 0)
            continue; /* the scope has changed and several counts became one: the first is gone on from */
        slot->units = row->units;
        slot->spend = row->spend;
        slot->before = (uint32_t)i + 1;
    }
    return 0;
}

/* ---- all ---- */

/* Accounts that share a named pool have one closing time: one of them stands for all. */
static bool find_closing(struct toll_pools *pools)
{
    pools->closing = toll_pool_accounts(pools->book);
    if (pools->closing == NULL) {
        toll_pools_no_memory(pools);
        return false;
    }
    return true;
}

int toll_pools_inherit(struct toll_pools *pools, struct toll_error *error)
{
    struct names names = {.pools = pools};
    int rc = 0;
    if (enter_all(&names) && find_closing(pools))
        rc = read_periods(&names, error);
    if (rc == 0 && pools->failed == 0)
        rc = read_draws(&names, error);
    if (rc == 0 && pools->failed == 0)
        rc = check_pools(pools, error);
    if (rc == 0 && pools->failed == 0)
        rc = read_counts(&names, error);
    toll_strings_free(&names.bundles);
    toll_strings_free(&names.accounts);
    toll_strings_free(&names.sites);
    toll_strings_free(&names.tiers);
    return rc != 0 ? rc : toll_pools_state(pools, error);
}
