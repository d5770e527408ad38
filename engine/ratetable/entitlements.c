/*
 * Who may draw on what: for each owner the bundles of its number, site, account and plans, and those that all
 * have, as disjoint times by pool. The size of a pool of scope number lies here too, for there is one for
 * each number.
 */
#include "ratetable/pools.h"

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

/* A row that entitles, on its way into the list. */
struct want {
    toll_ms from, until;
    uint32_t bundle, rank; /* rank: of the pool's name */
    uint32_t pool;         /* temporary id; 0: scope number */
    uint32_t spare;
};

/* What a row grants a pool of scope number. */
struct number_grant {
    uint32_t bundle;
    const struct toll_subscription *row;
    struct toll_grant grant;
};

static int compare_times(const void *left, const void *right)
{
    const struct toll_plan_time *a = left, *b = right;

    COMPARE(a->plan, b->plan);
    COMPARE(a->from, b->from);
    COMPARE(a->until, b->until);
    return 0;
}

void toll_plan_times_join(struct toll_buffer *times)
{
    struct toll_plan_time *rows = times->data;
    size_t kept = 0;

    if (times->count == 0)
        return;
    qsort(rows, times->count, sizeof(*rows), compare_times);
    for (size_t i = 1; i < times->count; i++) {
        if (rows[i].plan != rows[kept].plan || rows[i].from > rows[kept].until)
            rows[++kept] = rows[i];
        else if (rows[i].until > rows[kept].until)
            rows[kept].until = rows[i].until;
    }
    times->count = kept + 1;
}

/* ---- times ---- */

static int add_want(struct toll_pool_builder *pools, const struct toll_owner_place *place,
                    const struct toll_subscription *row, toll_ms from, toll_ms until)
{
    const struct toll_bundle *bundle = toll_build_bundle(pools->build, row->bundle);
    struct toll_pool_key key = {.bundle = row->bundle};
    struct want *want;
    uint32_t pool = 0;

    if (from >= until)
        return 0;
    if (bundle->scope == TOLL_SCOPE_POOL)
        key.name = row->pool;
    else
        key.account = place->account;
    if (bundle->scope == TOLL_SCOPE_SITE)
        key.site = place->site;
    if (bundle->scope != TOLL_SCOPE_NUMBER) {
        pool = toll_strings_add(&pools->keys, (const char *)&key, sizeof(key));
        if (pool == 0)
            return toll_build_memory(pools->build);
    }
    want = TOLL_BUFFER_ADD(&pools->wants, struct want);
    if (want == NULL)
        return toll_build_memory(pools->build);
    *want = (struct want){
        .from = from,
        .until = until,
        .bundle = row->bundle,
        .rank = row->pool > 0 ? *TOLL_BUFFER_AT(&pools->build->pool_ranks, uint32_t, row->pool - 1) : 0,
        .pool = pool};
    return 0;
}

static int want_rows(struct toll_pool_builder *pools, const struct toll_owner_place *place, int32_t level,
                     uint64_t subject, toll_ms from, toll_ms until)
{
    const struct toll_zone *zone =
        place->account > 0
            ? *TOLL_BUFFER_AT(&pools->build->account_zones, const struct toll_zone *, place->account)
            : NULL;
    size_t count;
    const struct toll_subscription *rows = toll_subscriptions_of(pools->build, level, subject, &count);
    int code = 0;

    for (size_t i = 0; i < count && code == 0; i++) {
        toll_ms begin = rows[i].from, end = rows[i].until;
        if (level == TOLL_LEVEL_NUMBER) {
            begin = toll_local_to_utc(zone, begin);
            end = toll_local_to_utc(zone, end);
        }
        code = add_want(pools, place, &rows[i], begin > from ? begin : from, end < until ? end : until);
    }
    return code;
}

static int compare_wants(const void *left, const void *right)
{
    const struct want *a = left, *b = right;

    COMPARE(a->bundle, b->bundle);
    COMPARE(a->rank, b->rank);
    COMPARE(a->from, b->from);
    COMPARE(a->until, b->until);
    return 0;
}

/* Wants as entitlements, in the order of drawing, those of one pool joined where they overlap or touch. */
static bool join_wants(struct toll_pool_builder *pools)
{
    struct want *wants = pools->wants.data;

    pools->scratch.count = 0;
    if (pools->wants.count > 0)
        qsort(wants, pools->wants.count, sizeof(*wants), compare_wants);
    for (size_t i = 0; i < pools->wants.count; i++) {
        const size_t count = pools->scratch.count;
        struct toll_entitlement *last =
            count > 0 ? TOLL_BUFFER_AT(&pools->scratch, struct toll_entitlement, count - 1) : NULL;
        if (last != NULL && last->bundle == wants[i].bundle && last->pool == wants[i].pool &&
            wants[i].from <= last->until) {
            last->until = wants[i].until > last->until ? wants[i].until : last->until;
            continue;
        }
        last = TOLL_BUFFER_ADD(&pools->scratch, struct toll_entitlement);
        if (last == NULL)
            return false;
        *last = (struct toll_entitlement){
            .from = wants[i].from, .until = wants[i].until, .bundle = wants[i].bundle, .pool = wants[i].pool};
    }
    return true;
}

/* ---- sizes of pools of scope number ---- */

static int grant_rows(struct toll_pool_builder *pools, const struct toll_owner_place *place, int32_t level,
                      uint64_t subject, toll_ms from, toll_ms until, struct toll_buffer *grants)
{
    const struct toll_counted counted = {
        .scope = TOLL_SCOPE_NUMBER, .account = place->account, .number = place->number};
    const struct toll_zone *zone =
        *TOLL_BUFFER_AT(&pools->build->account_zones, const struct toll_zone *, place->account);
    struct toll_buffer own = {0};
    size_t count;
    const struct toll_subscription *rows = toll_subscriptions_of(pools->build, level, subject, &count);
    int code = 0;

    for (size_t i = 0; i < count && code == 0; i++) {
        toll_ms begin = rows[i].from, end = rows[i].until;
        if (toll_build_bundle(pools->build, rows[i].bundle)->scope != TOLL_SCOPE_NUMBER)
            continue;
        if (level == TOLL_LEVEL_NUMBER) {
            begin = toll_local_to_utc(zone, begin);
            end = toll_local_to_utc(zone, end);
        }
        own.count = 0;
        code = toll_grants_add(pools, &rows[i], begin > from ? begin : from, end < until ? end : until,
                               &counted, &own);
        for (size_t k = 0; k < own.count && code == 0; k++) {
            struct number_grant *grant = TOLL_BUFFER_ADD(grants, struct number_grant);
            if (grant == NULL)
                code = toll_build_memory(pools->build);
            else
                *grant = (struct number_grant){rows[i].bundle, &rows[i],
                                               *TOLL_BUFFER_AT(&own, struct toll_grant, k)};
        }
    }
    toll_buffer_free(&own);
    return code;
}

static int number_grants(struct toll_pool_builder *pools, const struct toll_owner_place *place,
                         struct toll_buffer *grants)
{
    int code = 0;

    if (place->number > 0)
        code = grant_rows(pools, place, TOLL_LEVEL_NUMBER, place->number, TOLL_MS_MIN, TOLL_MS_MAX, grants);
    for (size_t i = 0; i < place->site_count && code == 0; i++) {
        if (place->sites[i] > 0)
            code = grant_rows(pools, place, TOLL_LEVEL_SITE, (uint64_t)place->sites[i], TOLL_MS_MIN,
                              TOLL_MS_MAX, grants);
    }
    if (code == 0)
        code = grant_rows(pools, place, TOLL_LEVEL_ACCOUNT, (uint64_t)place->account, TOLL_MS_MIN,
                          TOLL_MS_MAX, grants);
    if (code == 0)
        code = grant_rows(pools, place, TOLL_LEVEL_DEFAULT, 0, TOLL_MS_MIN, TOLL_MS_MAX, grants);
    for (size_t i = 0; i < pools->all_times.count && code == 0; i++) {
        const struct toll_plan_time *time = TOLL_BUFFER_AT(&pools->all_times, struct toll_plan_time, i);
        code =
            grant_rows(pools, place, TOLL_LEVEL_PLAN, (uint64_t)time->plan, time->from, time->until, grants);
    }
    return code;
}

static int compare_bundles(const void *left, const void *right)
{
    const struct number_grant *a = left, *b = right;

    COMPARE(a->bundle, b->bundle);
    return 0;
}

/* Stores the grants of one bundle, which are rows[0..count). */
static int store_grants(struct toll_pool_builder *pools, const struct number_grant *rows, size_t count,
                        uint32_t *first)
{
    struct toll_grant *grants = malloc((count + 1) * sizeof(*grants));
    int code;

    if (grants == NULL)
        return toll_build_memory(pools->build);
    for (size_t i = 0; i < count; i++)
        grants[i] = rows[i].grant;
    code = toll_grants_store(pools, grants, count, rows[count - 1].row, first);
    free(grants);
    return code;
}

/* Gives the entitlements of scope number in scratch their sizes. */
static int size_numbers(struct toll_pool_builder *pools, const struct toll_owner_place *place)
{
    struct toll_entitlement *list = pools->scratch.data;
    struct toll_buffer buffer = {0};
    int code = number_grants(pools, place, &buffer);
    const struct number_grant *grants = buffer.data;
    size_t at = 0;

    if (code == 0 && buffer.count > 0)
        qsort(buffer.data, buffer.count, sizeof(struct number_grant), compare_bundles);
    for (size_t i = 0; i < pools->scratch.count && code == 0; i++) {
        size_t end;
        if (list[i].pool > 0)
            continue;
        if (i > 0 && list[i - 1].bundle == list[i].bundle) {
            list[i].grant_first = list[i - 1].grant_first;
            list[i].grant_count = list[i - 1].grant_count;
            continue;
        }
        while (at < buffer.count && grants[at].bundle < list[i].bundle)
            at++;
        for (end = at; end < buffer.count && grants[end].bundle == list[i].bundle;)
            end++;
        list[i].grant_count = (uint32_t)(end - at);
        if (end > at)
            code = store_grants(pools, grants + at, end - at, &list[i].grant_first);
    }
    toll_buffer_free(&buffer);
    return code;
}

/* ---- lists ---- */

static int store_scratch(struct toll_pool_builder *pools, uint32_t *first, uint32_t *count)
{
    *count = (uint32_t)pools->scratch.count;
    return toll_list_store(pools, &pools->entitlements, TOLL_SECTION_ENTITLEMENTS, pools->scratch.data,
                           sizeof(struct toll_entitlement), pools->scratch.count, first);
}

int toll_entitle_owner(struct toll_pool_builder *pools, const struct toll_owner_place *place, uint32_t *first,
                       uint32_t *count)
{
    int code = 0;

    toll_plan_times_join(&pools->own_times);
    toll_plan_times_join(&pools->all_times);
    pools->wants.count = 0;
    if (place->number > 0)
        code = want_rows(pools, place, TOLL_LEVEL_NUMBER, place->number, TOLL_MS_MIN, TOLL_MS_MAX);
    if (code == 0 && place->site > 0)
        code = want_rows(pools, place, TOLL_LEVEL_SITE, (uint64_t)place->site, TOLL_MS_MIN, TOLL_MS_MAX);
    if (code == 0)
        code =
            want_rows(pools, place, TOLL_LEVEL_ACCOUNT, (uint64_t)place->account, TOLL_MS_MIN, TOLL_MS_MAX);
    if (code == 0)
        code = want_rows(pools, place, TOLL_LEVEL_DEFAULT, 0, TOLL_MS_MIN, TOLL_MS_MAX);
    for (size_t i = 0; i < pools->own_times.count && code == 0; i++) {
        const struct toll_plan_time *time = TOLL_BUFFER_AT(&pools->own_times, struct toll_plan_time, i);
        code = want_rows(pools, place, TOLL_LEVEL_PLAN, (uint64_t)time->plan, time->from, time->until);
    }
    if (code == 0 && !join_wants(pools))
        code = toll_build_memory(pools->build);
    if (code == 0 && pools->any_number)
        code = size_numbers(pools, place);
    return code == 0 ? store_scratch(pools, first, count) : code;
}

int toll_entitle_cost(struct toll_pool_builder *pools, enum toll_assignment_level level, uint32_t id,
                      uint32_t *first, uint32_t *count)
{
    const struct toll_owner_place nobody = {.account = 0};
    int code;

    pools->wants.count = 0;
    code = want_rows(pools, &nobody, (int32_t)level, id, TOLL_MS_MIN, TOLL_MS_MAX);
    if (code == 0 && !join_wants(pools))
        code = toll_build_memory(pools->build);
    return code == 0 ? store_scratch(pools, first, count) : code;
}

/* ---- what was made before ---- */

struct memo_key {
    int32_t account, site;
    uint32_t span, span_count;
};
struct memo_list {
    uint32_t first, count;
};

static struct memo_key key_of(const struct toll_owner *owner)
{
    return (struct memo_key){owner->account, owner->site, owner->span, owner->span_count};
}

bool toll_entitled_before(const struct toll_pool_builder *pools, const struct toll_owner *owner,
                          uint32_t *first, uint32_t *count)
{
    const struct memo_key key = key_of(owner);
    const uint32_t id = toll_strings_find(&pools->memo, (const char *)&key, sizeof(key));

    if (id == 0)
        return false;
    const struct memo_list *list = TOLL_BUFFER_AT(&pools->memo_lists, struct memo_list, id - 1);
    *first = list->first;
    *count = list->count;
    return true;
}

bool toll_entitled_keep(struct toll_pool_builder *pools, const struct toll_owner *owner)
{
    const struct memo_key key = key_of(owner);
    const uint32_t id = toll_strings_add(&pools->memo, (const char *)&key, sizeof(key));
    struct memo_list *list = id > 0 ? TOLL_BUFFER_ADD(&pools->memo_lists, struct memo_list) : NULL;

    if (list == NULL)
        return false;
    *list = (struct memo_list){owner->pool_first, owner->pool_count};
    return true;
}
