/*
 * The pools that somebody may draw on: sorted, with their period and the grants that make their size. Of one
 * of scope site or account a row grants that lies in it, or that it lies in; of a named one, all rows with
 * its name.
 */
#include "ratetable/pools.h"

#include <stdio.h>

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

/* A row as pools look for it. `account` of a default row is -1, of a row of plan P -1 - P; `site` of what is
 * not for one site is -1. */
struct claim {
    uint32_t bundle, name;
    int32_t account, site;
    uint32_t row; /* of build->subscriptions */
};
#define CLAIM_ALL (-1)

/* Which plans are in force somewhere in a site. */
struct site_spans {
    int32_t account, site;
    uint32_t span, span_count;
};

/* A pool with what it is sorted by. */
struct sorted_pool {
    struct toll_pool_key key;
    uint32_t id;
};

struct storing {
    struct toll_pool_builder *pools;
    struct toll_build *build;
    struct toll_buffer claims, spans, sorted, found, grants;
    const struct toll_subscription *last; /* that granted */
};

static const struct toll_subscription *row_of(const struct storing *storing, uint32_t row)
{
    return TOLL_BUFFER_AT(&storing->build->subscriptions, struct toll_subscription, row);
}

/* ---- what there is ---- */

static int compare_claims(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;

    COMPARE(a->bundle, b->bundle);
    COMPARE(a->name, b->name);
    COMPARE(a->account, b->account);
    COMPARE(a->site, b->site);
    COMPARE(a->row, b->row);
    return 0;
}

static bool add_claim(struct storing *storing, struct claim claim)
{
    struct claim *place = TOLL_BUFFER_ADD(&storing->claims, struct claim);

    if (place != NULL)
        *place = claim;
    return place != NULL;
}

/* The claims of a number's row: one for each site in which the number lies. `at` walks on with the rows. */
static bool claim_number(struct storing *storing, struct claim claim, uint64_t number, size_t *at)
{
    const struct toll_number_place *places = storing->pools->number_places.data;
    const size_t count = storing->pools->number_places.count;
    bool good = true;

    while (*at < count && places[*at].number < number)
        (*at)++;
    for (size_t i = *at; i < count && places[i].number == number && good; i++) {
        claim.account = places[i].account;
        claim.site = places[i].site;
        good = add_claim(storing, claim);
    }
    return good;
}

static bool make_claims(struct storing *storing)
{
    const int32_t *site_accounts = storing->build->site_accounts.data;
    size_t number_at = 0;
    bool good = true;

    for (uint32_t i = 0; i < storing->build->subscriptions.count && good; i++) {
        const struct toll_subscription *row = row_of(storing, i);
        const uint8_t scope = toll_build_bundle(storing->build, row->bundle)->scope;
        struct claim claim = {.bundle = row->bundle, .name = row->pool, .site = CLAIM_ALL, .row = i};
        if (scope == TOLL_SCOPE_NUMBER)
            continue;
        if (scope == TOLL_SCOPE_POOL) {
            claim.site = 0;
            good = add_claim(storing, claim);
            continue;
        }
        switch (row->level) {
        case TOLL_LEVEL_NUMBER:
            good = claim_number(storing, claim, row->subject, &number_at);
            continue;
        case TOLL_LEVEL_SITE:
            claim.account = site_accounts[row->subject];
            claim.site = (int32_t)row->subject;
            break;
        case TOLL_LEVEL_ACCOUNT:
            claim.account = (int32_t)row->subject;
            break;
        default:
            claim.account = row->level == TOLL_LEVEL_PLAN ? CLAIM_ALL - (int32_t)row->subject : CLAIM_ALL;
        }
        good = add_claim(storing, claim);
    }
    if (good && storing->claims.count > 0)
        qsort(storing->claims.data, storing->claims.count, sizeof(struct claim), compare_claims);
    return good;
}

static int compare_spans(const void *left, const void *right)
{
    const struct site_spans *a = left, *b = right;

    COMPARE(a->account, b->account);
    COMPARE(a->site, b->site);
    COMPARE(a->span, b->span);
    COMPARE(a->span_count, b->span_count);
    return 0;
}

/* The plans of each site: many owners have the same. */
static bool make_spans(struct storing *storing)
{
    const struct toll_buffer *owners = &storing->build->sections[TOLL_SECTION_OWNERS];
    struct site_spans *spans = toll_buffer_add(&storing->spans, sizeof(*spans), owners->count - 1);
    size_t kept = 0;

    if (spans == NULL)
        return false;
    for (size_t i = 1; i < owners->count; i++) {
        const struct toll_owner *owner = TOLL_BUFFER_AT(owners, struct toll_owner, i);
        spans[i - 1] = (struct site_spans){owner->account, owner->site, owner->span, owner->span_count};
    }
    qsort(spans, storing->spans.count, sizeof(*spans), compare_spans);
    for (size_t i = 0; i < storing->spans.count; i++) {
        if (i == 0 || compare_spans(&spans[kept - 1], &spans[i]) != 0)
            spans[kept++] = spans[i];
    }
    storing->spans.count = kept;
    return true;
}

/* ---- order ---- */

static int compare_texts(const struct toll_table_names *names, uint32_t a, uint32_t b)
{
    static const char none[] = "";

    if (a == b)
        return 0;
    return strcmp(a > 0 ? toll_strings_text(&names->strings, a, NULL) : none,
                  b > 0 ? toll_strings_text(&names->strings, b, NULL) : none);
}

static int compare_pools(const void *left, const void *right, void *context)
{
    const struct toll_build *build = context;
    const struct toll_pool_key *a = &((const struct sorted_pool *)left)->key;
    const struct toll_pool_key *b = &((const struct sorted_pool *)right)->key;

    COMPARE(a->bundle, b->bundle);
    const int account = compare_texts(&build->accounts, (uint32_t)a->account, (uint32_t)b->account);
    if (account != 0)
        return account;
    const int site = compare_texts(&build->sites, (uint32_t)a->site, (uint32_t)b->site);
    return site != 0 ? site : compare_texts(&build->pool_names, a->name, b->name);
}

static bool sort_pools(struct storing *storing)
{
    const struct toll_strings *keys = &storing->pools->keys;
    struct sorted_pool *sorted = toll_buffer_add(&storing->sorted, sizeof(*sorted), keys->count);

    if (sorted == NULL)
        return false;
    for (uint32_t i = 0; i < keys->count; i++) {
        memcpy(&sorted[i].key, toll_strings_text(keys, i + 1, NULL), sizeof(sorted[i].key));
        sorted[i].id = i + 1;
    }
    qsort_r(sorted, keys->count, sizeof(*sorted), compare_pools, storing->build);
    return true;
}

/* ---- sizes ---- */

/* Rows of claims from `wanted` on, as long as they are of its bundle, name and account (and site). */
static bool find_rows(struct storing *storing, struct claim wanted, bool any_site)
{
    const struct claim *claims = storing->claims.data;
    size_t low = 0, high = storing->claims.count;

    if (any_site)
        wanted.site = INT32_MIN;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_claims(&claims[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < storing->claims.count; low++) {
        uint32_t *place;
        if (claims[low].bundle != wanted.bundle || claims[low].name != wanted.name ||
            claims[low].account != wanted.account || (!any_site && claims[low].site != wanted.site))
            break;
        place = TOLL_BUFFER_ADD(&storing->found, uint32_t);
        if (place == NULL)
            return false;
        *place = claims[low].row;
    }
    return true;
}

static int compare_ids(const void *left, const void *right)
{
    COMPARE(*(const uint32_t *)left, *(const uint32_t *)right);
    return 0;
}

/* Adds what the rows found grant in a time; each row once, however many ways lead to it. */
static int grant_found(struct storing *storing, const struct toll_counted *counted,
                       const struct toll_zone *zone, toll_ms from, toll_ms until)
{
    const uint32_t *found = storing->found.data;
    int code = 0;

    if (storing->found.count > 1)
        qsort(storing->found.data, storing->found.count, sizeof(*found), compare_ids);
    for (size_t i = 0; i < storing->found.count && code == 0; i++) {
        const struct toll_subscription *row = row_of(storing, found[i]);
        toll_ms begin = row->from, end = row->until;
        if (i > 0 && found[i] == found[i - 1])
            continue;
        if (row->level == TOLL_LEVEL_NUMBER) {
            begin = toll_local_to_utc(zone, begin);
            end = toll_local_to_utc(zone, end);
        }
        storing->last = row;
        code = toll_grants_add(storing->pools, row, begin > from ? begin : from, end < until ? end : until,
                               counted, &storing->grants);
    }
    storing->found.count = 0;
    return code;
}

/* The times of the plans in a site (or in all of an account) into all_times. */
static bool plan_times(struct storing *storing, int32_t account, int32_t site, bool any_site)
{
    const struct toll_plan_span *plan_spans = storing->build->sections[TOLL_SECTION_SPANS].data;
    const struct site_spans *spans = storing->spans.data;
    const struct site_spans wanted = {.account = account, .site = any_site ? 0 : site};
    struct toll_buffer *times = &storing->pools->all_times;
    size_t low = 0, high = storing->spans.count;

    times->count = 0;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare_spans(&spans[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (;
         low < storing->spans.count && spans[low].account == account && (any_site || spans[low].site == site);
         low++) {
        for (uint32_t i = 0; i < spans[low].span_count; i++) {
            const struct toll_plan_span *span = &plan_spans[spans[low].span + i];
            struct toll_plan_time *time = TOLL_BUFFER_ADD(times, struct toll_plan_time);
            if (time == NULL)
                return false;
            *time = (struct toll_plan_time){span->from, span->until, span->plan, 0};
        }
    }
    toll_plan_times_join(times);
    return true;
}

static int size_place(struct storing *storing, const struct toll_pool_key *key, int scope)
{
    const struct toll_counted counted = {.scope = scope, .account = key->account, .site = key->site};
    const struct toll_zone *zone =
        *TOLL_BUFFER_AT(&storing->build->account_zones, const struct toll_zone *, key->account);
    const bool whole = scope == TOLL_SCOPE_ACCOUNT;
    struct claim wanted = {.bundle = key->bundle, .account = key->account, .site = CLAIM_ALL};
    bool good = find_rows(storing, wanted, whole);
    int code;

    if (good && !whole) {
        wanted.site = key->site;
        good = find_rows(storing, wanted, false);
    }
    wanted.account = wanted.site = CLAIM_ALL;
    good = good && find_rows(storing, wanted, false);
    if (!good || !plan_times(storing, key->account, key->site, whole))
        return toll_build_memory(storing->build);
    code = grant_found(storing, &counted, zone, TOLL_MS_MIN, TOLL_MS_MAX);
    for (size_t i = 0; i < storing->pools->all_times.count && code == 0; i++) {
        const struct toll_plan_time *time =
            TOLL_BUFFER_AT(&storing->pools->all_times, struct toll_plan_time, i);
        wanted.account = CLAIM_ALL - time->plan;
        if (!find_rows(storing, wanted, false))
            return toll_build_memory(storing->build);
        code = grant_found(storing, &counted, zone, time->from, time->until);
    }
    return code;
}

/* ---- named pools ---- */

static void pool_finding(struct storing *storing, const struct toll_subscription *row, const char *format,
                         const char *text)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/subscriptions.csv", storing->build->folder);
    toll_finding(storing->build->findings, TOLL_ERROR, path, row->line, row->column, format, text);
}

/* All who draw on a named pool have one period: the first account sets it. False after a finding. */
static bool same_period(struct storing *storing, const struct toll_subscription *row, int32_t account,
                        int32_t *first)
{
    const struct toll_account *accounts = storing->build->sections[TOLL_SECTION_ACCOUNTS].data;

    if (*first == 0)
        *first = account;
    if (accounts[account].zone == accounts[*first].zone &&
        accounts[account].cycle_day == accounts[*first].cycle_day)
        return true;
    pool_finding(
        storing, row,
        "pool: all accounts that draw on a named pool must have one timezone and one cycle_day; \"%.60s\" "
        "has another; give it a pool of its own",
        toll_strings_text(&storing->build->accounts.strings, (uint32_t)account, NULL));
    return false;
}

/* The accounts that a row lets draw, against those before. */
static bool check_row(struct storing *storing, const struct toll_subscription *row, int32_t *first)
{
    const struct toll_buffer *places = &storing->pools->number_places;
    const size_t accounts = storing->build->sections[TOLL_SECTION_ACCOUNTS].count;
    size_t low = 0, high = places->count;
    bool good = true;

    switch (row->level) {
    case TOLL_LEVEL_SITE:
        return same_period(storing, row,
                           *TOLL_BUFFER_AT(&storing->build->site_accounts, int32_t, row->subject), first);
    case TOLL_LEVEL_ACCOUNT:
        return same_period(storing, row, (int32_t)row->subject, first);
    case TOLL_LEVEL_NUMBER:
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (TOLL_BUFFER_AT(places, struct toll_number_place, middle)->number < row->subject)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < places->count && good; low++) {
            const struct toll_number_place *place = TOLL_BUFFER_AT(places, struct toll_number_place, low);
            if (place->number != row->subject)
                break;
            good = same_period(storing, row, place->account, first);
        }
        return good;
    default:
        for (size_t i = 1; i < accounts && good; i++)
            good = same_period(storing, row, (int32_t)i, first);
        return good;
    }
}

static int size_named(struct storing *storing, const struct toll_pool_key *key, struct toll_pool *pool)
{
    const struct claim wanted = {.bundle = key->bundle, .name = key->name};
    const struct toll_counted counted = {.scope = TOLL_SCOPE_POOL};
    const struct toll_account *accounts = storing->build->sections[TOLL_SECTION_ACCOUNTS].data;
    const uint32_t *found;
    bool good = true, sells = false, costs = false;
    int32_t first = 0;

    if (!find_rows(storing, wanted, false))
        return toll_build_memory(storing->build);
    found = storing->found.data;
    for (size_t i = 0; i < storing->found.count && good; i++) {
        const struct toll_subscription *row = row_of(storing, found[i]);
        costs = costs || toll_subscription_costs(row);
        sells = sells || !toll_subscription_costs(row);
        if (sells && costs) {
            pool_finding(storing, row,
                         "pool: accounts draw on \"%.60s\", and carriers or trunks too; give each side a "
                         "pool of its own",
                         toll_strings_text(&storing->build->pool_names.strings, key->name, NULL));
            good = false;
        } else if (sells) {
            good = check_row(storing, row, &first);
        }
    }
    pool->zone = first > 0 ? accounts[first].zone : 0;
    pool->cycle_day = first > 0 ? accounts[first].cycle_day : 1;
    return grant_found(storing, &counted,
                       TOLL_BUFFER_AT(&storing->build->zones, struct toll_build_zone, pool->zone)->zone,
                       TOLL_MS_MIN, TOLL_MS_MAX);
}

/* ---- the sections ---- */

static int store_pool(struct storing *storing, const struct toll_pool_key *key, struct toll_pool *pool)
{
    const struct toll_bundle *bundle = toll_build_bundle(storing->build, key->bundle);
    const struct toll_account *account =
        TOLL_BUFFER_AT(&storing->build->sections[TOLL_SECTION_ACCOUNTS], struct toll_account, key->account);
    size_t name_bytes = 0;
    const char *name =
        key->name > 0 ? toll_strings_text(&storing->build->pool_names.strings, key->name, &name_bytes) : "";
    int code;

    *pool = (struct toll_pool){.bundle = key->bundle,
                               .account = key->account,
                               .site = key->site,
                               .zone = account->zone,
                               .cycle_day = account->cycle_day};
    if (!toll_build_text(storing->build, name, name_bytes, &pool->name))
        return toll_build_memory(storing->build);
    storing->grants.count = 0;
    code = bundle->scope == TOLL_SCOPE_POOL ? size_named(storing, key, pool)
                                            : size_place(storing, key, bundle->scope);
    if (code != 0)
        return code;
    pool->grant_count = (uint32_t)storing->grants.count;
    return toll_grants_store(storing->pools, storing->grants.data, storing->grants.count, storing->last,
                             &pool->grant_first);
}

static int store_all(struct storing *storing)
{
    struct toll_buffer *entitlements = &storing->build->sections[TOLL_SECTION_ENTITLEMENTS];
    const size_t count = storing->sorted.count;
    struct toll_pool *pools;
    uint32_t *ids;
    int code = 0;

    if (entitlements->count == 0)
        return 0;
    ids = calloc(count + 1, sizeof(*ids));
    pools = toll_buffer_add(&storing->build->sections[TOLL_SECTION_POOLS], sizeof(*pools), count + 1);
    if (ids == NULL || pools == NULL)
        code = toll_build_memory(storing->build);
    for (size_t i = 0; i < count && code == 0; i++) {
        const struct sorted_pool *sorted = TOLL_BUFFER_AT(&storing->sorted, struct sorted_pool, i);
        ids[sorted->id] = (uint32_t)i + 1;
        code = store_pool(storing, &sorted->key, &pools[1 + i]);
    }
    for (size_t i = 0; i < entitlements->count && code == 0; i++) {
        struct toll_entitlement *row = TOLL_BUFFER_AT(entitlements, struct toll_entitlement, i);
        row->pool = ids[row->pool];
    }
    free(ids);
    return code;
}

int toll_pools_store(struct toll_pool_builder *pools)
{
    struct storing storing = {.pools = pools, .build = pools->build};
    int code = 0;

    if (!pools->any)
        return 0;
    if (!make_claims(&storing) || !make_spans(&storing) || !sort_pools(&storing))
        code = toll_build_memory(pools->build);
    if (code == 0)
        code = store_all(&storing);
    toll_buffer_free(&storing.claims);
    toll_buffer_free(&storing.spans);
    toll_buffer_free(&storing.sorted);
    toll_buffer_free(&storing.found);
    toll_buffer_free(&storing.grants);
    return code;
}
