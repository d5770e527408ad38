/* A book of bundles and tiers made by hand, no files: accounts 1 (New York, cycle day 1) and 2 (Berlin, cycle
 * day 15), sites 1 and 2 of account 1; the tests put bundles, grants, pools and owners into it. */
#ifndef TOLL_TESTS_POOLS_WORLD_H
#define TOLL_TESTS_POOLS_WORLD_H

#include "base/digits.h"
#include "book_fixture.h"
#include "io/zonefile.h"
#include "pipeline/pools.h"
#include "pipeline/row.h"
#include "pipeline/surcharges.h"

#define WORLD_ITEMS 64

struct pools_world {
    struct toll_book book;
    struct toll_bundle bundles[WORLD_ITEMS];
    struct toll_grant grants[WORLD_ITEMS];
    struct toll_pool pools[WORLD_ITEMS];
    struct toll_entitlement entitlements[WORLD_ITEMS];
    struct toll_owner owners[WORLD_ITEMS];
    struct toll_plan_span spans[WORLD_ITEMS];
    struct toll_rule rules[WORLD_ITEMS];
    struct toll_tiers tiers[WORLD_ITEMS];
    struct toll_tier tier_rows[WORLD_ITEMS];
    struct toll_account accounts[4];
    struct toll_site sites[3];
    struct toll_plan plans[3];
    struct toll_number_slot numbers[WORLD_ITEMS];
    struct toll_owner_date dates[WORLD_ITEMS];
    uint32_t destinations[8];
    struct toll_zone *zones[2];
    char strings[4096];
    struct toll_pools *run;
    struct toll_pool_tables tables;
    struct toll_period_charges charges;
};

static inline uint32_t world_text(struct pools_world *w, const char *text)
{
    const uint32_t at = (uint32_t)w->book.string_bytes;
    assert_true(at + strlen(text) + 1 <= sizeof w->strings);
    strcpy(w->strings + at, text);
    w->book.string_bytes += strlen(text) + 1;
    return at;
}

static inline struct pools_world *world_begin(void)
{
    struct pools_world *w = calloc(1, sizeof *w);
    struct toll_hash128 hash;
    struct toll_error error;
    assert_non_null(w);
    assert_int_equal(toll_zone_load(toll_io_system(), "America/New_York", &w->zones[0], &hash, &error), 0);
    assert_int_equal(toll_zone_load(toll_io_system(), "Europe/Berlin", &w->zones[1], &hash, &error), 0);
    w->book = (struct toll_book){
        .bundles = w->bundles,
        .grants = w->grants,
        .pools = w->pools,
        .entitlements = w->entitlements,
        .owners = w->owners,
        .spans = w->spans,
        .rules = w->rules,
        .tiers = w->tiers,
        .tier_rows = w->tier_rows,
        .accounts = w->accounts,
        .sites = w->sites,
        .plans = w->plans,
        .numbers = w->numbers,
        .owner_dates = w->dates,
        .bundle_destinations = w->destinations,
        .zones = w->zones,
        .zone_count = 2,
        .strings = w->strings,
        .string_bytes = 1,
        .decimals = 6,
        .account_count = 4,
        .site_count = 3,
        .plan_count = 3,
        .bundle_count = 1,
        .pool_count = 1,
        .owner_count = 1,
        .rule_count = 1,
        .tiers_count = 1,
    };
    w->accounts[1] = (struct toll_account){
        .account = world_text(w, "acme"), .currency = world_text(w, "USD"), .cycle_day = 1};
    w->accounts[2] = (struct toll_account){.account = world_text(w, "beta"), .zone = 1, .cycle_day = 15};
    w->accounts[3] = (struct toll_account){.account = world_text(w, "child"), .cycle_day = 1, .parent = 1};
    w->sites[1] = (struct toll_site){.site = world_text(w, "north"), .account = 1};
    w->sites[2] = (struct toll_site){.site = world_text(w, "south"), .account = 1};
    return w;
}

static inline void world_drop(struct pools_world *w)
{
    toll_pools_free(w->run);
    toll_period_charges_free(&w->charges);
    w->run = NULL;
    w->tables = (struct toll_pool_tables){0};
}

static inline void world_end(struct pools_world *w)
{
    world_drop(w);
    toll_zone_free(w->zones[0]);
    toll_zone_free(w->zones[1]);
    free(w);
}

/* A bundle of seconds of scope account by the calendar month; the caller changes what differs. */
static inline struct toll_bundle *world_bundle(struct pools_world *w, const char *name)
{
    struct toll_bundle *bundle = &w->bundles[w->book.bundle_count++];
    *bundle = (struct toll_bundle){.bundle = world_text(w, name),
                                   .file = world_text(w, "bundles.csv"),
                                   .increment = 1,
                                   .scope = TOLL_SCOPE_ACCOUNT};
    memset(bundle->keys, 0xff, sizeof bundle->keys);
    return bundle;
}

static inline void world_grant(struct pools_world *w, int64_t units, const char *from, const char *until)
{
    w->grants[w->book.grant_count++] = (struct toll_grant){
        .from = from == NULL ? TOLL_MS_MIN : book_ms(from),
        .until = until == NULL ? TOLL_MS_MAX : book_ms(until),
        .units = units,
    };
}

/* A pool of the latest bundle with the latest `grants` grants. */
static inline uint32_t world_pool(struct pools_world *w, int32_t account, int32_t site, const char *name,
                                  uint32_t grants)
{
    w->pools[w->book.pool_count] = (struct toll_pool){
        .bundle = w->book.bundle_count - 1,
        .account = account,
        .site = site,
        .name = world_text(w, name),
        .grant_first = w->book.grant_count - grants,
        .grant_count = grants,
        .zone = account == 2 ? 1 : 0,
        .cycle_day = account == 2 ? 15 : 1,
    };
    return w->book.pool_count++;
}

/* The latest owner has the latest bundle; pool 0: with the latest `grants` grants for each number. */
static inline void world_entitle(struct pools_world *w, uint32_t pool, uint32_t grants)
{
    w->entitlements[w->book.entitlement_count++] = (struct toll_entitlement){
        .from = TOLL_MS_MIN,
        .until = TOLL_MS_MAX,
        .bundle = pool == 0 ? w->book.bundle_count - 1 : w->pools[pool].bundle,
        .pool = pool,
        .grant_first = pool == 0 ? w->book.grant_count - grants : 0,
        .grant_count = pool == 0 ? grants : 0,
    };
    w->owners[w->book.owner_count - 1].pool_count++;
}

static inline uint32_t world_owner(struct pools_world *w, int32_t account, int32_t site)
{
    w->owners[w->book.owner_count] = (struct toll_owner){
        .account = account, .site = site, .pool_first = w->book.entitlement_count, .bucket = 1};
    return w->book.owner_count++;
}

/* ---- a run ---- */

static inline struct toll_run_span world_span(const char *first, const char *last)
{
    return (struct toll_run_span){
        .first = book_ms(first), .last = book_ms(last), .rows = 1, .earlier_until = TOLL_MS_MIN};
}

static inline void world_run(struct pools_world *w, const char *first, const char *last,
                             const struct toll_pools_before *before)
{
    const struct toll_run_span span = world_span(first, last);
    struct toll_error error;
    world_drop(w);
    if (toll_pools_make(&w->book, &span, before, &w->run, &error) != 0)
        fail_msg("%s", error.text);
}

/* What a rest of a call bills in these tests: whole minutes. */
static inline int64_t world_minutes(void *context, int64_t used)
{
    ++*(int *)context;
    return (used + 59) / 60 * 60;
}

static inline struct toll_pool_drawn world_draw_at(struct pools_world *w, toll_ms at, uint32_t owner,
                                                   uint64_t number, int64_t billed, int64_t used)
{
    int asked = 0;
    const struct toll_pool_billing billing = {world_minutes, &asked};
    const struct toll_pool_call call = {
        .start = at,
        .number = number,
        .owner = owner,
        .first = w->owners[owner].pool_first,
        .count = w->owners[owner].pool_count,
        .billed = billed,
        .used = used,
    };
    struct toll_pool_drawn drawn;
    toll_pools_look(w->run, &call);
    toll_pools_look_closer(w->run, &call);
    toll_pools_draw(w->run, &call, &billing, &drawn);
    return drawn;
}
static inline struct toll_pool_drawn world_draw(struct pools_world *w, const char *at, uint32_t owner,
                                                int64_t units)
{
    return world_draw_at(w, book_ms(at), owner, 0, units, units);
}

static inline void world_finish(struct pools_world *w)
{
    struct toll_error error;
    if (toll_pools_finish(w->run, &w->tables, &w->charges, &error) != 0)
        fail_msg("%s", error.text);
}

/* "bundle account site number pool period granted rolled_in used rolled_out expired over", a line each. */
static inline void world_shows(const struct pools_world *w, const char *expected)
{
    char text[8192] = "";
    size_t at = 0;
    for (int64_t i = 0; i < w->tables.period_count; i++) {
        const struct toll_pool_period_row *row = &w->tables.periods[i];
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "%d %s %s|%s|%s|%s %s %ld+%ld=%ld+%ld+%ld over %ld\n", row->id, row->bundle,
                               row->account, row->site, row->number, row->pool, row->period,
                               (long)row->granted, (long)row->rolled_in, (long)row->used,
                               (long)row->rolled_out, (long)row->expired, (long)row->over);
    }
    assert_string_equal(text, expected);
}
static inline void world_draws(const struct pools_world *w, const char *expected)
{
    char text[8192] = "";
    size_t at = 0;
    for (int64_t i = 0; i < w->tables.draw_count; i++) {
        const struct toll_pool_draw_row *row = &w->tables.draws[i];
        at += (size_t)snprintf(text + at, sizeof text - at, "%d %s %s %ld\n", row->id, row->period, row->lot,
                               (long)row->units);
    }
    assert_string_equal(text, expected);
}
static inline void world_counts(const struct pools_world *w, const char *expected)
{
    char text[8192] = "";
    size_t at = 0;
    for (int64_t i = 0; i < w->tables.count_count; i++) {
        const struct toll_tier_count_row *row = &w->tables.counts[i];
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s %s|%s|%s %s %ld %ld %ld %ld %ld\n", row->tiers,
                             row->account, row->site, row->number, row->period, (long)row->units,
                             (long)row->spend, (long)row->fee, (long)row->minimum, (long)row->maximum);
    }
    assert_string_equal(text, expected);
}
static inline void world_charges(const struct pools_world *w, const char *expected)
{
    char text[8192] = "";
    size_t at = 0;
    for (size_t i = 0; i < w->charges.count; i++) {
        const struct toll_period_row *row = &w->charges.entries[i].row;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s %s|%s|%s %s %s %ld\n", row->period,
                               w->charges.entries[i].account, row->site, row->number, row->tiers, row->kind,
                               (long)row->charge);
    }
    assert_string_equal(text, expected);
}

#endif
