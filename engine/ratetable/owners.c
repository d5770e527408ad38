/*
 * Owners: an account, perhaps a site, and the plans that number, site, account and default give them over
 * time. Merged here once, so that rating sees one list of spans; equal owners, spans and buckets are stored
 * once.
 */
#include "ratetable/owners.h"

#include "base/check.h"
#include "ratetable/pools.h"

#include <stdlib.h>

int toll_owners_begin(struct toll_owners *owners, struct toll_build *build, struct toll_pool_builder *pools)
{
    memset(owners, 0, sizeof(*owners));
    owners->pools = pools;
    owners->build = build;
    if (TOLL_BUILD_ADD(build, OWNERS, struct toll_owner) == NULL ||
        TOLL_BUILD_ADD(build, BUCKETS, struct toll_bucket_key) == NULL ||
        toll_buffer_add(&owners->by_account, sizeof(uint32_t), build->accounts.strings.count + 1) == NULL ||
        toll_buffer_add(&owners->by_site, sizeof(uint32_t), build->sites.strings.count + 1) == NULL)
        return toll_build_memory(build);
    return 0;
}

void toll_owners_end(struct toll_owners *owners)
{
    toll_strings_free(&owners->spans);
    toll_strings_free(&owners->owners);
    toll_strings_free(&owners->buckets);
    toll_buffer_free(&owners->span_firsts);
    toll_buffer_free(&owners->by_account);
    toll_buffer_free(&owners->by_site);
    toll_buffer_free(&owners->scratch);
    toll_buffer_free(&owners->edges);
}

/* Stores the spans in scratch, or finds them stored. */
static bool spans_store(struct toll_owners *owners, uint32_t *first, uint32_t *count)
{
    struct toll_buffer *stored = &owners->build->sections[TOLL_SECTION_SPANS];
    const size_t bytes = owners->scratch.count * sizeof(struct toll_plan_span);
    uint32_t id, *place;
    void *at;

    *first = 0;
    *count = (uint32_t)owners->scratch.count;
    if (bytes == 0)
        return true;
    id = toll_strings_add(&owners->spans, owners->scratch.data, bytes);
    if (id == 0)
        return false;
    if (id <= owners->span_firsts.count) {
        *first = *TOLL_BUFFER_AT(&owners->span_firsts, uint32_t, id - 1);
        return true;
    }
    place = TOLL_BUFFER_ADD(&owners->span_firsts, uint32_t);
    if (place == NULL)
        return false;
    *place = *first = (uint32_t)stored->count;
    at = toll_buffer_add(stored, sizeof(struct toll_plan_span), owners->scratch.count);
    if (at == NULL)
        return false;
    memcpy(at, owners->scratch.data, bytes);
    return true;
}

/* Appends to scratch, joined to the one before where that says the same. */
static bool span_append(struct toll_owners *owners, struct toll_plan_span span)
{
    struct toll_plan_span *last = owners->scratch.data;

    if (owners->scratch.count > 0) {
        last += owners->scratch.count - 1;
        if (last->until == span.from && last->plan == span.plan && last->level == span.level) {
            last->until = span.until;
            return true;
        }
    }
    last = TOLL_BUFFER_ADD(&owners->scratch, struct toll_plan_span);
    if (last != NULL)
        *last = span;
    return last != NULL;
}

static int compare_ms(const void *left, const void *right)
{
    const toll_ms a = *(const toll_ms *)left, b = *(const toll_ms *)right;

    return a < b ? -1 : a > b;
}

/* One level's assignments as they take part in a merge. */
struct level {
    enum toll_assignment_level level;
    const struct toll_assignment *rows;
    size_t count;
    const struct toll_zone *zone; /* of a number's dates, which are local; else NULL */
};

static toll_ms level_ms(const struct level *level, toll_ms ms)
{
    return level->zone != NULL ? toll_local_to_utc(level->zone, ms) : ms;
}

static const struct toll_assignment *in_force(const struct level *level, toll_ms at)
{
    for (size_t i = 0; i < level->count; i++) {
        if (level_ms(level, level->rows[i].from) <= at && at < level_ms(level, level->rows[i].until))
            return &level->rows[i];
    }
    return NULL;
}

/* The best of the levels (most specific first) at every time, into scratch. */
static bool merge(struct toll_owners *owners, const struct level *levels, size_t level_count)
{
    toll_ms *edges;

    owners->scratch.count = 0;
    owners->edges.count = 0;
    for (size_t i = 0; i < level_count; i++) {
        for (size_t k = 0; k < levels[i].count; k++) {
            edges = toll_buffer_add(&owners->edges, sizeof(*edges), 2);
            if (edges == NULL)
                return false;
            edges[0] = level_ms(&levels[i], levels[i].rows[k].from);
            edges[1] = level_ms(&levels[i], levels[i].rows[k].until);
        }
    }
    edges = owners->edges.data;
    if (owners->edges.count > 0)
        qsort(edges, owners->edges.count, sizeof(*edges), compare_ms);
    for (size_t e = 0; e + 1 < owners->edges.count; e++) {
        if (edges[e] == edges[e + 1])
            continue;
        for (size_t i = 0; i < level_count; i++) {
            const struct toll_assignment *row = in_force(&levels[i], edges[e]);
            if (row == NULL)
                continue;
            if (!span_append(owners, (struct toll_plan_span){edges[e], edges[e + 1], row->plan, row->level}))
                return false;
            break;
        }
    }
    return true;
}

int toll_own_spans(struct toll_owners *owners, enum toll_assignment_level level, uint64_t subject, bool buy,
                   uint32_t *first, uint32_t *count)
{
    struct level own = {.level = level};

    own.rows = toll_assignments_of(owners->build, level, subject, buy, &own.count);
    if (!merge(owners, &own, 1) || !spans_store(owners, first, count))
        return toll_build_memory(owners->build);
    return 0;
}

static bool bucket_make(struct toll_owners *owners, int32_t account, int32_t site, uint32_t *bucket)
{
    struct toll_buffer *stored = &owners->build->sections[TOLL_SECTION_BUCKETS];
    const struct toll_bucket_key key = {account, site};
    struct toll_bucket_key *place;

    *bucket = toll_strings_add(&owners->buckets, (const char *)&key, sizeof(key));
    if (*bucket == 0 || *bucket < stored->count)
        return *bucket > 0;
    place = TOLL_BUFFER_ADD(stored, struct toll_bucket_key);
    if (place != NULL)
        *place = key;
    return place != NULL;
}

/* The plans of (account, site), and of a number with assignments of its own, into scratch. */
static bool merge_owner(struct toll_owners *owners, int32_t account, int32_t site, uint64_t number)
{
    struct toll_build *build = owners->build;
    struct level levels[4] = {
        {.level = TOLL_LEVEL_NUMBER,
         .zone = *TOLL_BUFFER_AT(&build->account_zones, const struct toll_zone *, account)},
        {.level = TOLL_LEVEL_SITE},
        {.level = TOLL_LEVEL_ACCOUNT},
        {.level = TOLL_LEVEL_DEFAULT}};

    if (number > 0)
        levels[0].rows = toll_assignments_of(build, TOLL_LEVEL_NUMBER, number, false, &levels[0].count);
    if (site > 0)
        levels[1].rows = toll_assignments_of(build, TOLL_LEVEL_SITE, (uint64_t)site, false, &levels[1].count);
    levels[2].rows =
        toll_assignments_of(build, TOLL_LEVEL_ACCOUNT, (uint64_t)account, false, &levels[2].count);
    levels[3].rows = toll_assignments_of(build, TOLL_LEVEL_DEFAULT, 0, false, &levels[3].count);
    return merge(owners, levels, 4);
}

/* The times of the plans in scratch, appended. */
static bool add_times(const struct toll_owners *owners, struct toll_buffer *times)
{
    for (size_t i = 0; i < owners->scratch.count; i++) {
        const struct toll_plan_span *span = TOLL_BUFFER_AT(&owners->scratch, struct toll_plan_span, i);
        struct toll_plan_time *time = TOLL_BUFFER_ADD(times, struct toll_plan_time);
        if (time == NULL)
            return false;
        *time = (struct toll_plan_time){span->from, span->until, span->plan, 0};
    }
    return true;
}

/* The owner's entitlements; its own plans are in scratch. */
static int entitle(struct toll_owners *owners, const struct toll_owner_place *place, struct toll_owner *owner)
{
    struct toll_pool_builder *pools = owners->pools;
    const bool alone = place->site_count > 1 || toll_entitles_alone(pools, place->number);
    int code;

    if (!pools->any || (!alone && toll_entitled_before(pools, owner, &owner->pool_first, &owner->pool_count)))
        return 0;
    pools->own_times.count = pools->all_times.count = 0;
    if (!add_times(owners, &pools->own_times) || !add_times(owners, &pools->all_times))
        return toll_build_memory(owners->build);
    for (size_t i = 0; i < place->site_count; i++) {
        if (place->sites[i] == place->site)
            continue;
        if (!merge_owner(owners, place->account, place->sites[i], place->number) ||
            !add_times(owners, &pools->all_times))
            return toll_build_memory(owners->build);
    }
    code = toll_entitle_owner(pools, place, &owner->pool_first, &owner->pool_count);
    if (code == 0 && !alone && !toll_entitled_keep(pools, owner))
        code = toll_build_memory(owners->build);
    return code;
}

static int owner_make(struct toll_owners *owners, const struct toll_owner_place *place, uint32_t *index)
{
    struct toll_build *build = owners->build;
    struct toll_buffer *stored = &build->sections[TOLL_SECTION_OWNERS];
    const bool plain = place->number == 0 && place->site_count == 1;
    uint32_t *cached = place->site > 0 ? TOLL_BUFFER_AT(&owners->by_site, uint32_t, place->site)
                                       : TOLL_BUFFER_AT(&owners->by_account, uint32_t, place->account);
    struct toll_owner owner = {.account = place->account, .site = place->site}, *at;
    const struct toll_plan_span *spans;
    int code;

    TOLL_ASSERT(place->account > 0);
    if (plain && *cached > 0) {
        *index = *cached;
        return 0;
    }
    if (!merge_owner(owners, place->account, place->site, place->number) ||
        !spans_store(owners, &owner.span, &owner.span_count) ||
        !bucket_make(owners, place->account, place->site, &owner.bucket))
        return toll_build_memory(build);
    spans = owners->scratch.data;
    if (owner.span_count == 1 && spans->from == TOLL_MS_MIN && spans->until == TOLL_MS_MAX)
        owner.plan = spans->plan;
    code = entitle(owners, place, &owner);
    if (code != 0)
        return code;
    *index = toll_strings_add(&owners->owners, (const char *)&owner, sizeof(owner));
    if (*index == 0)
        return toll_build_memory(build);
    if (*index == stored->count) {
        at = TOLL_BUFFER_ADD(stored, struct toll_owner);
        if (at == NULL)
            return toll_build_memory(build);
        *at = owner;
    }
    if (plain)
        *cached = *index;
    return 0;
}

static int compare_owner_rows(const void *left, const void *right)
{
    const struct toll_owner_row *a = left, *b = right;

    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* Puts rows in order of time and drops those that never are in force or overlap. */
void toll_owner_rows_order(struct toll_owners *owners, const char *path, const char *text,
                           struct toll_owner_row *rows, size_t *count)
{
    size_t kept = 0;

    if (*count > 1)
        qsort(rows, *count, sizeof(*rows), compare_owner_rows);
    for (size_t i = 0; i < *count; i++) {
        if (rows[i].from >= rows[i].until)
            continue;
        if (kept > 0 && rows[i].from < rows[kept - 1].until) {
            const struct toll_owner_row *a = &rows[kept - 1], *b = &rows[i];
            const struct toll_owner_row *later = b->line > a->line ? b : a;
            const struct toll_zone *const *zones = owners->build->account_zones.data;
            const bool dates = a->until != TOLL_MS_MAX || b->from != TOLL_MS_MIN;
            const bool apart = dates && zones[a->account] != zones[b->account];
            toll_finding(owners->build->findings, TOLL_ERROR, path, later->line, later->column,
                         "number: %s is here for the second time%s%s; the other row is line %u", text,
                         dates ? " with dates that overlap" : "",
                         apart ? " (each counts in the time zone of its account)" : "",
                         later == b ? a->line : b->line);
            continue;
        }
        rows[kept++] = rows[i];
    }
    *count = kept;
}

static int compare_sites(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return a < b ? -1 : a > b;
}

/* The owner of rows[at], whose pools of scope number have the size of all rows of its account. */
static int make_row_owner(struct toll_owners *owners, const struct toll_owner_row *rows, size_t count,
                          size_t at, uint64_t number, uint32_t *index)
{
    struct toll_owner_place place = {.account = rows[at].account,
                                     .site = rows[at].site,
                                     .number = number,
                                     .sites = &rows[at].site,
                                     .site_count = 1};
    struct toll_buffer *sites = &owners->pools->sites;
    int32_t *list;

    if (count > 1 && owners->pools->any_number) {
        sites->count = 0;
        for (size_t i = 0; i < count; i++) {
            if (rows[i].account != rows[at].account)
                continue;
            list = TOLL_BUFFER_ADD(sites, int32_t);
            if (list == NULL)
                return toll_build_memory(owners->build);
            *list = rows[i].site;
        }
        list = sites->data;
        qsort(list, sites->count, sizeof(*list), compare_sites);
        place.sites = list;
        place.site_count = 0;
        for (size_t i = 0; i < sites->count; i++) {
            if (i == 0 || list[i] != list[place.site_count - 1])
                list[place.site_count++] = list[i];
        }
    }
    if (number > 0 && owners->pools->any) {
        struct toll_number_place *own =
            TOLL_BUFFER_ADD(&owners->pools->number_places, struct toll_number_place);
        if (own == NULL)
            return toll_build_memory(owners->build);
        *own = (struct toll_number_place){number, place.account, place.site};
    }
    return owner_make(owners, &place, index);
}

int toll_owner_field(struct toll_owners *owners, const char *path, const char *text,
                     struct toll_owner_row *rows, size_t *count, uint64_t number, uint32_t *field)
{
    struct toll_buffer *dates = &owners->build->sections[TOLL_SECTION_OWNER_DATES];
    int code = 0;

    toll_owner_rows_order(owners, path, text, rows, count);
    *field = 0;
    if (*count == 0)
        return 0;
    if (*count == 1 && rows->from == TOLL_MS_MIN && rows->until == TOLL_MS_MAX)
        return make_row_owner(owners, rows, 1, 0, number, field);
    *field = TOLL_OWNER_DATED | (uint32_t)dates->count;
    for (size_t i = 0; i < *count && code == 0; i++) {
        struct toll_owner_date *date = TOLL_BUFFER_ADD(dates, struct toll_owner_date);
        if (date == NULL)
            return toll_build_memory(owners->build);
        *date = (struct toll_owner_date){rows[i].from, rows[i].until, 0, i + 1 == *count};
        /* Making an owner does not touch the dates. */
        uint32_t owner = 0;
        code = make_row_owner(owners, rows, *count, i, number, &owner);
        date->owner = owner;
    }
    return code;
}
