/* What subscriptions grant: a row's units, or those of each service that it counts. */
#include "ratetable/pools.h"

#include <stdio.h>

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

static int compare_places(const void *left, const void *right)
{
    const struct toll_service *a = left, *b = right;

    COMPARE(a->type, b->type);
    COMPARE(a->account, b->account);
    COMPARE(a->site, b->site);
    COMPARE(a->line, b->line);
    return 0;
}

static int compare_numbers(const void *left, const void *right)
{
    const struct toll_service *a = left, *b = right;

    COMPARE(a->type, b->type);
    COMPARE(a->number, b->number);
    COMPARE(a->account, b->account);
    COMPARE(a->line, b->line);
    return 0;
}

static bool copy_sorted(const struct toll_buffer *services, struct toll_buffer *out,
                        int (*compare)(const void *, const void *))
{
    struct toll_service *at = toll_buffer_add(out, sizeof(*at), services->count);

    if (at == NULL)
        return false;
    if (services->count > 0) {
        memcpy(at, services->data, services->count * sizeof(*at));
        qsort(at, services->count, sizeof(*at), compare);
    }
    return true;
}

static int compare_own(const void *left, const void *right)
{
    COMPARE(*(const uint64_t *)left, *(const uint64_t *)right);
    return 0;
}

static bool add_own(struct toll_pool_builder *pools, uint64_t number)
{
    uint64_t *place = TOLL_BUFFER_ADD(&pools->own_numbers, uint64_t);

    if (place != NULL)
        *place = number;
    return place != NULL;
}

/* The numbers whose owners differ from others of their site. */
static bool find_own_numbers(struct toll_pool_builder *pools)
{
    const struct toll_build *build = pools->build;
    bool *counted = calloc(build->service_types.strings.count + 1u, sizeof(*counted)), good = counted != NULL;
    uint64_t *own;
    size_t kept = 0;

    for (size_t i = 0; i < build->subscriptions.count && good; i++) {
        const struct toll_subscription *row =
            TOLL_BUFFER_AT(&build->subscriptions, struct toll_subscription, i);
        if (row->type > 0 && toll_build_bundle(build, row->bundle)->scope == TOLL_SCOPE_NUMBER)
            counted[row->type] = true;
        if (row->level == TOLL_LEVEL_NUMBER)
            good = add_own(pools, row->subject);
    }
    for (size_t i = 0; i < build->services.count && good; i++) {
        const struct toll_service *service = TOLL_BUFFER_AT(&build->services, struct toll_service, i);
        if (service->number > 0 && counted[service->type])
            good = add_own(pools, service->number);
    }
    free(counted);
    own = pools->own_numbers.data;
    if (good && pools->own_numbers.count > 0) {
        qsort(own, pools->own_numbers.count, sizeof(*own), compare_own);
        for (size_t i = 0; i < pools->own_numbers.count; i++) {
            if (i == 0 || own[i] != own[kept - 1])
                own[kept++] = own[i];
        }
        pools->own_numbers.count = kept;
    }
    return good;
}

bool toll_entitles_alone(const struct toll_pool_builder *pools, uint64_t number)
{
    return number > 0 && pools->own_numbers.count > 0 &&
           bsearch(&number, pools->own_numbers.data, pools->own_numbers.count, sizeof(number), compare_own) !=
               NULL;
}

int toll_pool_builder_begin(struct toll_pool_builder *pools, struct toll_build *build)
{
    memset(pools, 0, sizeof(*pools));
    pools->build = build;
    pools->any = build->subscriptions.count > 0;
    for (size_t i = 0; i < build->subscriptions.count; i++) {
        const struct toll_subscription *row =
            TOLL_BUFFER_AT(&build->subscriptions, struct toll_subscription, i);
        pools->any_number =
            pools->any_number || toll_build_bundle(build, row->bundle)->scope == TOLL_SCOPE_NUMBER;
    }
    return !pools->any || (copy_sorted(&build->services, &pools->by_place, compare_places) &&
                           copy_sorted(&build->services, &pools->by_number, compare_numbers) &&
                           find_own_numbers(pools))
               ? 0
               : toll_build_memory(build);
}

void toll_pool_builder_end(struct toll_pool_builder *pools)
{
    struct toll_buffer *const buffers[] = {
        &pools->entitlements.firsts, &pools->grants.firsts, &pools->memo_lists, &pools->own_numbers,
        &pools->number_places,       &pools->by_place,      &pools->by_number,  &pools->wants,
        &pools->own_times,           &pools->all_times,     &pools->sites,      &pools->scratch};

    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        toll_buffer_free(buffers[i]);
    toll_strings_free(&pools->entitlements.lists);
    toll_strings_free(&pools->grants.lists);
    toll_strings_free(&pools->keys);
    toll_strings_free(&pools->memo);
}

/* ---- one row ---- */

static toll_ms later(toll_ms a, toll_ms b)
{
    return a > b ? a : b;
}

static toll_ms earlier(toll_ms a, toll_ms b)
{
    return a < b ? a : b;
}

static void report_limit(struct toll_pool_builder *pools, const struct toll_subscription *row,
                         const char *limit)
{
    char path[4096];

    if (pools->limit_reported)
        return;
    pools->limit_reported = true;
    snprintf(path, sizeof(path), "%s/subscriptions.csv", pools->build->folder);
    toll_finding(pools->build->findings, TOLL_ERROR, path, row->line, row->column, "%s", limit);
}

static bool add_grant(struct toll_pool_builder *pools, const struct toll_subscription *row, toll_ms from,
                      toll_ms until, int64_t times, struct toll_buffer *grants)
{
    struct toll_grant *grant;

    if (from >= until)
        return true;
    if (row->units > TOLL_UNITS_MAX / times)
        report_limit(pools, row, "times: a service that it counts makes more than 10^15 units of it");
    grant = TOLL_BUFFER_ADD(grants, struct toll_grant);
    if (grant == NULL)
        return false;
    *grant = (struct toll_grant){.from = from,
                                 .until = until,
                                 .units = row->units > TOLL_UNITS_MAX / times ? 0 : row->units * times,
                                 .file = row->file,
                                 .line = row->line};
    return true;
}

/* Is a service the pool's, and does it lie in the row's subject? */
static bool service_counts(const struct toll_service *service, const struct toll_subscription *row,
                           const struct toll_counted *counted)
{
    const bool named = counted->scope == TOLL_SCOPE_POOL;

    if ((!named && service->account != counted->account) ||
        (counted->scope == TOLL_SCOPE_SITE && service->site != counted->site) ||
        (counted->scope == TOLL_SCOPE_NUMBER && service->number != counted->number))
        return false;
    switch (row->level) {
    case TOLL_LEVEL_NUMBER:
        return service->number == row->subject;
    case TOLL_LEVEL_SITE:
        return service->site == (int32_t)row->subject;
    case TOLL_LEVEL_ACCOUNT:
        return service->account == (int32_t)row->subject;
    default:
        return true;
    }
}

/* The first service not before `wanted` in an order. */
static size_t lower_bound(const struct toll_buffer *services, const struct toll_service *wanted,
                          int (*compare)(const void *, const void *))
{
    size_t low = 0, high = services->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(TOLL_BUFFER_AT(services, struct toll_service, middle), wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Services of a number: of the pool's, or the row's. */
static bool count_numbers(struct toll_pool_builder *pools, const struct toll_subscription *row, toll_ms from,
                          toll_ms until, const struct toll_counted *counted, struct toll_buffer *grants)
{
    const uint64_t number = counted->scope == TOLL_SCOPE_NUMBER ? counted->number : row->subject;
    const struct toll_service wanted = {.type = row->type, .number = number};
    bool good = true;

    if (number == 0)
        return true;
    for (size_t i = lower_bound(&pools->by_number, &wanted, compare_numbers);
         i < pools->by_number.count && good; i++) {
        const struct toll_service *service = TOLL_BUFFER_AT(&pools->by_number, struct toll_service, i);
        if (service->type != row->type || service->number != number)
            break;
        if (service_counts(service, row, counted))
            good = add_grant(pools, row, later(from, service->from), earlier(until, service->until),
                             service->quantity, grants);
    }
    return good;
}

/* Services of a site, or of a whole account. */
static bool count_places(struct toll_pool_builder *pools, const struct toll_subscription *row, toll_ms from,
                         toll_ms until, const struct toll_counted *counted, struct toll_buffer *grants)
{
    const bool by_site = row->level == TOLL_LEVEL_SITE || counted->scope == TOLL_SCOPE_SITE;
    const int32_t site = counted->scope == TOLL_SCOPE_SITE ? counted->site
                         : by_site                         ? (int32_t)row->subject
                                                           : 0;
    const int32_t account = counted->scope != TOLL_SCOPE_POOL ? counted->account
                            : row->level == TOLL_LEVEL_SITE
                                ? *TOLL_BUFFER_AT(&pools->build->site_accounts, int32_t, row->subject)
                                : (int32_t)row->subject;
    const struct toll_service wanted = {.type = row->type, .account = account, .site = site};
    bool good = true;

    for (size_t i = lower_bound(&pools->by_place, &wanted, compare_places); i < pools->by_place.count && good;
         i++) {
        const struct toll_service *service = TOLL_BUFFER_AT(&pools->by_place, struct toll_service, i);
        if (service->type != row->type || service->account != account || (by_site && service->site != site))
            break;
        if (service_counts(service, row, counted))
            good = add_grant(pools, row, later(from, service->from), earlier(until, service->until),
                             service->quantity, grants);
    }
    return good;
}

int toll_grants_add(struct toll_pool_builder *pools, const struct toll_subscription *row, toll_ms from,
                    toll_ms until, const struct toll_counted *counted, struct toll_buffer *grants)
{
    bool good;

    if (row->type == 0)
        good = add_grant(pools, row, from, until, 1, grants);
    else if (counted->scope == TOLL_SCOPE_NUMBER || row->level == TOLL_LEVEL_NUMBER)
        good = count_numbers(pools, row, from, until, counted, grants);
    else
        good = count_places(pools, row, from, until, counted, grants);
    return good ? 0 : toll_build_memory(pools->build);
}

/* ---- lists ---- */

static int compare_grants(const void *left, const void *right)
{
    const struct toll_grant *a = left, *b = right;

    COMPARE(a->line, b->line);
    COMPARE(a->from, b->from);
    COMPARE(a->until, b->until);
    COMPARE(a->units, b->units);
    return 0;
}

int toll_list_store(struct toll_pool_builder *pools, struct toll_lists *lists, enum toll_section section,
                    const void *records, size_t record_bytes, size_t count, uint32_t *first)
{
    struct toll_buffer *stored = &pools->build->sections[section];
    uint32_t id, *place;
    void *at;

    *first = 0;
    if (count == 0)
        return 0;
    id = toll_strings_add(&lists->lists, records, record_bytes * count);
    if (id == 0)
        return toll_build_memory(pools->build);
    if (id <= lists->firsts.count) {
        *first = *TOLL_BUFFER_AT(&lists->firsts, uint32_t, id - 1);
        return 0;
    }
    place = TOLL_BUFFER_ADD(&lists->firsts, uint32_t);
    if (place == NULL || stored->count + count > UINT32_MAX)
        return toll_build_memory(pools->build);
    *place = *first = (uint32_t)stored->count;
    at = toll_buffer_add(stored, record_bytes, count);
    if (at == NULL)
        return toll_build_memory(pools->build);
    memcpy(at, records, record_bytes * count);
    return 0;
}

int toll_grants_store(struct toll_pool_builder *pools, struct toll_grant *grants, size_t count,
                      const struct toll_subscription *last, uint32_t *first)
{
    int64_t left = TOLL_POOL_UNITS_MAX;

    if (count > 1)
        qsort(grants, count, sizeof(*grants), compare_grants);
    for (size_t i = 0; i < count; i++) {
        if (grants[i].units > left) {
            report_limit(pools, last, "bundle: all rows of its pool together are more than 10^17 units");
            break;
        }
        left -= grants[i].units;
    }
    return toll_list_store(pools, &pools->grants, TOLL_SECTION_GRANTS, grants, sizeof(*grants), count, first);
}
