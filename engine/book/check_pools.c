/*
 * The bundles of an image: who may draw on which pool, and the grants that make their sizes. Checked so that
 * drawing need not look: every index, the order of drawing, that times of one pool are disjoint, and that no
 * sum of grants is above TOLL_POOL_UNITS_MAX.
 */
#include "book/check.h"

#include <stdlib.h>
#include <string.h>

/* -- bundles -- */

static bool keys_good(const struct toll_bundle *bundle)
{
    for (unsigned bit = 0; bit < TOLL_KEY_WORDS * 64; bit++) {
        const bool set = (bundle->keys[bit / 64] >> bit % 64 & 1) != 0;
        if (set && (bit >= TOLL_CHAIN_KEYS || (toll_unit_services(bundle->unit) >> bit / 50 & 1) == 0))
            return false;
    }
    return true;
}

static bool destinations_good(const struct toll_book *book, const struct toll_bundle *bundle)
{
    if (!toll_check_range(bundle->destination_first, bundle->destination_count,
                          book->bundle_destination_count))
        return false;
    for (uint32_t i = 0; i < bundle->destination_count; i++) {
        const uint32_t *id = &book->bundle_destinations[bundle->destination_first + i];
        if (*id == 0 || *id >= book->destination_count || (i > 0 && id[-1] >= *id))
            return false;
    }
    return true;
}

static bool bundle_good(const struct toll_book *book, const struct toll_bundle *bundle)
{
    return bundle->unit < TOLL_UNITS && bundle->scope < TOLL_SCOPES &&
           bundle->at_limit <= TOLL_LIMIT_REJECT && bundle->quantity >= 0 &&
           bundle->quantity <= TOLL_UNITS_MAX && keys_good(bundle) && destinations_good(book, bundle) &&
           toll_check_text(book, bundle->bundle) && toll_check_text(book, bundle->name) &&
           toll_check_text(book, bundle->file) && bundle->debit_used <= 1 && bundle->prorate <= 1 &&
           bundle->connect_charged <= 1 && bundle->increment >= 1 &&
           (bundle->debit_used == 1 || bundle->increment == 1) && bundle->anchor_day <= TOLL_ANCHOR_CYCLE &&
           bundle->rollover_periods <= TOLL_ROLLOVER_MAX;
}

/* Behind the one before, in the order of drawing. */
static bool order_good(const struct toll_bundle *before, const struct toll_bundle *bundle)
{
    if (before->debit_used != bundle->debit_used)
        return before->debit_used > bundle->debit_used;
    if (before->priority != bundle->priority)
        return before->priority < bundle->priority;
    return before->line < bundle->line;
}

static const char *check_bundles(const struct toll_book *book)
{
    if (book->bundle_count == 0)
        return book->entitlement_count == 0 && book->pool_count == 0 ? NULL : "bundles that there are not";
    if (!toll_check_zero(&book->bundles[0], sizeof(book->bundles[0])))
        return "the empty bundle";
    for (uint32_t i = 1; i < book->bundle_count; i++) {
        if (!bundle_good(book, &book->bundles[i]))
            return "a bundle";
        if (i > 1 && !order_good(&book->bundles[i - 1], &book->bundles[i]))
            return "the order of the bundles";
    }
    return NULL;
}

/* -- grants -- */

/* Sums of the grants before each, so that a list's sum is a difference, however many lists share them. */
static toll_total *sums_make(const struct toll_book *book)
{
    toll_total *sums = malloc(((size_t)book->grant_count + 1) * sizeof(*sums));

    if (sums == NULL)
        return NULL;
    sums[0] = 0;
    for (uint32_t i = 0; i < book->grant_count; i++)
        sums[i + 1] = sums[i] + book->grants[i].units;
    return sums;
}

static bool grants_good(const struct toll_book *book, const toll_total *sums, uint32_t first, uint32_t count)
{
    return toll_check_range(first, count, book->grant_count) &&
           sums[(size_t)first + count] - sums[first] <= TOLL_POOL_UNITS_MAX;
}

static const char *check_grants(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->grant_count; i++) {
        const struct toll_grant *grant = &book->grants[i];
        if (grant->from >= grant->until || grant->units < 0 || grant->units > TOLL_UNITS_MAX ||
            !toll_check_text(book, grant->file))
            return "a grant";
    }
    return NULL;
}

/* -- pools -- */

static bool place_good(const struct toll_book *book, const struct toll_pool *pool)
{
    const uint8_t scope = book->bundles[pool->bundle].scope;
    const char *name = toll_book_string(book, pool->name);

    if (scope == TOLL_SCOPE_NUMBER || pool->site < 0 || (uint32_t)pool->site >= book->site_count)
        return false;
    if (scope == TOLL_SCOPE_POOL)
        return pool->account == 0 && pool->site == 0 && name[0] != 0;
    return toll_check_id(pool->account, book->account_count) && name[0] == 0 &&
           (pool->site == 0 ||
            (scope == TOLL_SCOPE_SITE && book->sites[pool->site].account == pool->account)) &&
           pool->zone == book->accounts[pool->account].zone &&
           pool->cycle_day == book->accounts[pool->account].cycle_day;
}

static int compare_pools(const struct toll_book *book, const struct toll_pool *a, const struct toll_pool *b)
{
    int compared;

    if (a->bundle != b->bundle)
        return a->bundle < b->bundle ? -1 : 1;
    compared = strcmp(toll_book_string(book, book->accounts[a->account].account),
                      toll_book_string(book, book->accounts[b->account].account));
    if (compared == 0)
        compared = strcmp(toll_book_string(book, book->sites[a->site].site),
                          toll_book_string(book, book->sites[b->site].site));
    return compared != 0 ? compared
                         : strcmp(toll_book_string(book, a->name), toll_book_string(book, b->name));
}

static const char *check_pools(const struct toll_book *book, const toll_total *sums)
{
    if (book->pool_count == 0)
        return book->entitlement_count == 0 ? NULL : "pools that there are not";
    if (!toll_check_zero(&book->pools[0], sizeof(book->pools[0])))
        return "the empty pool";
    for (uint32_t i = 1; i < book->pool_count; i++) {
        const struct toll_pool *pool = &book->pools[i];
        if (pool->bundle == 0 || pool->bundle >= book->bundle_count || !toll_check_text(book, pool->name) ||
            pool->zone >= book->zone_count || pool->cycle_day < 1 || pool->cycle_day > 28 ||
            !place_good(book, pool) || !grants_good(book, sums, pool->grant_first, pool->grant_count))
            return "a pool";
        if (i > 1 && compare_pools(book, pool - 1, pool) >= 0)
            return "the order of the pools";
    }
    return NULL;
}

/* -- who may draw -- */

static const char *check_entitlements(const struct toll_book *book, const toll_total *sums)
{
    for (uint32_t i = 0; i < book->entitlement_count; i++) {
        const struct toll_entitlement *row = &book->entitlements[i];
        if (row->from >= row->until || row->bundle == 0 || row->bundle >= book->bundle_count ||
            row->pool >= book->pool_count ||
            (row->pool == 0) != (book->bundles[row->bundle].scope == TOLL_SCOPE_NUMBER) ||
            (row->pool > 0 && (book->pools[row->pool].bundle != row->bundle || row->grant_count > 0)) ||
            !grants_good(book, sums, row->grant_first, row->grant_count))
            return "an entitlement";
    }
    return NULL;
}

/* In the order of drawing; what is of one pool is disjoint, and one size. */
static bool follows(const struct toll_entitlement *before, const struct toll_entitlement *row)
{
    if (before->bundle != row->bundle)
        return before->bundle < row->bundle;
    if (before->pool != row->pool)
        return before->pool < row->pool;
    return before->until <= row->from && before->grant_first == row->grant_first &&
           before->grant_count == row->grant_count;
}

/* A list of somebody at (account, site); 0: of a trunk or carrier, which only have named pools. */
static bool list_good(const struct toll_book *book, uint32_t first, uint32_t count, int32_t account,
                      int32_t site)
{
    if (!toll_check_range(first, count, book->entitlement_count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct toll_entitlement *row = &book->entitlements[first + i];
        const uint8_t scope = book->bundles[row->bundle].scope;
        const struct toll_pool *pool = &book->pools[row->pool];
        if ((i > 0 && !follows(row - 1, row)) || (account == 0 && scope != TOLL_SCOPE_POOL) ||
            ((scope == TOLL_SCOPE_SITE || scope == TOLL_SCOPE_ACCOUNT) && pool->account != account) ||
            (scope == TOLL_SCOPE_SITE && pool->site != site))
            return false;
    }
    return true;
}

static const char *check_lists(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->owner_count; i++) {
        const struct toll_owner *owner = &book->owners[i];
        if (!list_good(book, owner->pool_first, owner->pool_count, owner->account, owner->site))
            return "an owner's entitlements";
    }
    for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++) {
        for (uint32_t i = 0; i < book->named_count[kind]; i++) {
            const struct toll_named *named = &book->named[kind][i];
            if ((kind == TOLL_NAMED_HINT && named->pool_count > 0) ||
                !list_good(book, named->pool_first, named->pool_count, 0, 0))
                return "a trunk's or carrier's entitlements";
        }
    }
    return NULL;
}

const char *toll_check_pools(const struct toll_book *book)
{
    const char *problem = check_bundles(book);
    toll_total *sums = NULL;

    problem = problem != NULL ? problem : check_grants(book);
    if (problem == NULL)
        sums = sums_make(book);
    if (problem == NULL && sums == NULL)
        problem = toll_check_no_memory;
    problem = problem != NULL ? problem : check_pools(book, sums);
    problem = problem != NULL ? problem : check_entitlements(book, sums);
    problem = problem != NULL ? problem : check_lists(book);
    free(sums);
    return problem;
}
