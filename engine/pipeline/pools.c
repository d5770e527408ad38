/* The pools of a run as a whole: made, begun again for a second pass, ended. */
#include "pipeline/pools_data.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 1024u

void toll_pools_no_memory(struct toll_pools *pools)
{
    if (pools->failed == 0)
        pools->failed = toll_error_set(&pools->failure, TOLL_ENOMEM, "out of memory for pools and tiers");
}

void *toll_pools_append(struct toll_pools *pools, struct toll_pool_list *list, size_t item_bytes)
{
    if (list->count == list->capacity) {
        const uint32_t wanted = list->capacity == 0 ? 256 : list->capacity * 2;
        void *items = wanted > list->capacity ? realloc(list->items, wanted * item_bytes) : NULL;
        if (items == NULL) {
            toll_pools_no_memory(pools);
            return NULL;
        }
        list->items = items;
        list->capacity = wanted;
    }
    if (list->count == 0) {
        memset(list->items, 0, item_bytes);
        list->count = 1;
    }
    return (uint8_t *)list->items + list->count++ * item_bytes;
}

static bool grow_facts(struct toll_pools *pools)
{
    const uint32_t capacity = pools->pool_capacity + TOLL_POOL_CHUNK;
    if (capacity >= TOLL_POOL_FOREIGN)
        return false;
    void *grown = realloc(pools->chunks, capacity / TOLL_POOL_CHUNK * sizeof *pools->chunks);
    if (grown == NULL)
        return false;
    pools->chunks = grown;
    grown = realloc(pools->facts, capacity * sizeof *pools->facts);
    if (grown == NULL)
        return false;
    pools->facts = grown;
    struct toll_pool_chunk *chunk = toll_hot_alloc(sizeof *chunk);
    if (chunk == NULL)
        return false;
    pools->chunks[pools->pool_capacity / TOLL_POOL_CHUNK] = chunk;
    pools->pool_capacity = capacity;
    return true;
}

uint32_t toll_pools_new(struct toll_pools *pools)
{
    if (pools->pool_count == pools->pool_capacity && !grow_facts(pools)) {
        toll_pools_no_memory(pools);
        return 0;
    }
    const uint32_t pool = pools->pool_count++;
    *toll_pool_at(pools, pool) = (struct toll_pool_hot){0};
    *toll_pool_tap_at(pools, pool) = (struct toll_pool_tap){.until = TOLL_MS_MIN};
    pools->facts[pool] = (struct toll_pool_facts){0};
    return pool;
}

/* ---- making ---- */

static uint32_t most_entitlements(const struct toll_book *book)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < book->owner_count; i++)
        most = book->owners[i].pool_count > most ? book->owners[i].pool_count : most;
    for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++)
        for (uint32_t i = 0; i < book->named_count[kind]; i++)
            most = book->named[kind][i].pool_count > most ? book->named[kind][i].pool_count : most;
    return most;
}

static void mark_cost_pools(struct toll_pools *pools, const struct toll_named *named)
{
    for (uint32_t i = 0; i < named->pool_count; i++)
        toll_pool_at(pools, pools->book->entitlements[named->pool_first + i].pool)->of_cost = true;
}

static bool make_book_pools(struct toll_pools *pools)
{
    const struct toll_book *book = pools->book;
    for (uint32_t i = 0; i == 0 || i < book->pool_count; i++) {
        if (toll_pools_new(pools) != i || pools->failed != 0)
            return false;
        if (i == 0)
            continue;
        const struct toll_pool *pool = &book->pools[i];
        const int32_t anchor = book->bundles[pool->bundle].anchor_day;
        pools->facts[i] = (struct toll_pool_facts){
            .bundle = pool->bundle,
            .account = pool->account,
            .grant_first = pool->grant_first,
            .grant_count = pool->grant_count,
            .clock = toll_pools_clock_of(pool->zone, anchor == TOLL_ANCHOR_CYCLE ? pool->cycle_day : anchor),
        };
    }
    for (int kind = 0; kind < TOLL_NAMED_KINDS; kind++)
        for (uint32_t i = 0; i < book->named_count[kind]; i++)
            mark_cost_pools(pools, &book->named[kind][i]);
    return true;
}

static void rank_bundles(struct toll_pools *pools)
{
    for (uint32_t i = 1; i < pools->book->bundle_count; i++)
        if (pools->book->bundles[i].scope == TOLL_SCOPE_NUMBER)
            pools->bundle_ranks[i] = ++pools->number_bundles;
}

static bool make_tables(struct toll_pools *pools)
{
    const struct toll_book *book = pools->book;
    pools->clocks = calloc((size_t)(book->zone_count + 1) * TOLL_CLOCK_DAYS, sizeof *pools->clocks);
    pools->sizes = calloc(TOLL_SIZE_PLACES, sizeof *pools->sizes);
    pools->plan =
        calloc(2 * most_entitlements(book) + 1, sizeof *pools->plan); /* a trunk's and its carrier's */
    pools->bundle_ranks = calloc(book->bundle_count + 1, sizeof *pools->bundle_ranks);
    pools->slots = calloc(SLOTS_MIN, sizeof *pools->slots);
    pools->counter_slots = calloc(SLOTS_MIN, sizeof *pools->counter_slots);
    pools->slot_mask = pools->counter_mask = SLOTS_MIN - 1;
    if (pools->clocks == NULL || pools->sizes == NULL || pools->plan == NULL || pools->bundle_ranks == NULL ||
        pools->slots == NULL || pools->counter_slots == NULL)
        return false;
    rank_bundles(pools);
    return make_book_pools(pools);
}

int toll_pools_make(const struct toll_book *book, const struct toll_run_span *span,
                    const struct toll_pools_before *before, struct toll_pools **out, struct toll_error *error)
{
    struct toll_pools *pools = calloc(1, sizeof *pools);
    int rc = 0;
    *out = NULL;
    if (pools != NULL) {
        pools->book = book;
        pools->span = *span;
        pools->before = before;
    }
    if (pools == NULL || !make_tables(pools))
        rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for pools and tiers");
    else if ((uint64_t)book->account_count * (pools->number_bundles + 1) >= UINT32_MAX)
        rc = toll_error_set(error, TOLL_EBOOK,
                            "%u bundles of scope number for %u accounts are more than 2^32 together; make "
                            "them of scope account, or fewer",
                            pools->number_bundles, book->account_count);
    else if (before != NULL)
        rc = toll_pools_inherit(pools, error);
    if (rc != 0) {
        toll_pools_free(pools);
        return rc;
    }
    pools->before_draws = pools->draws.count;
    pools->before_periods = pools->periods.count;
    pools->before_ids = pools->by_id.count;
    pools->before_slots = pools->count_slots.count;
    *out = pools;
    return 0;
}

int64_t toll_pools_ids_end(const struct toll_book *book, const struct toll_pools_before *before)
{
    const int64_t rows = before == NULL ? 0 : before->period_count;
    const int64_t first = rows == 0 ? 1 : before->periods[rows - 1].id + 1ll;
    for (uint32_t i = 1; i < book->bundle_count; i++)
        if (book->bundles[i].scope == TOLL_SCOPE_NUMBER)
            return INT64_MAX;
    return first + book->pool_count;
}

void toll_pools_free(struct toll_pools *pools)
{
    if (pools == NULL)
        return;
    for (uint32_t i = 0; i < pools->pool_capacity / TOLL_POOL_CHUNK; i++)
        free(pools->chunks[i]);
    struct toll_pool_list *const lists[] = {
        &pools->draws,       &pools->periods,     &pools->by_id,     &pools->counters,
        &pools->count_slots, &pools->period_rows, &pools->draw_rows, &pools->count_rows,
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->items);
    free(pools->chunks);
    free(pools->facts);
    free(pools->slots);
    free(pools->bundle_ranks);
    free(pools->clocks);
    free(pools->sizes);
    free(pools->plan);
    free(pools->closing);
    free(pools->counter_slots);
    toll_strings_free(&pools->days);
    toll_arena_free(&pools->arena);
    free(pools);
}

int toll_pools_state(const struct toll_pools *pools, struct toll_error *error)
{
    if (pools->failed != 0 && error != NULL)
        *error = pools->failure;
    return pools->failed;
}

/* ---- the second pass ---- */

static void begin_pool_again(struct toll_pools *pools, uint32_t pool)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    struct toll_pool_facts *facts = &pools->facts[pool];
    const bool inherited = (uint32_t)hot->id < pools->before_ids;
    *hot = (struct toll_pool_hot){.id = inherited ? hot->id : 0, .of_cost = hot->of_cost};
    *toll_pool_tap_at(pools, pool) = (struct toll_pool_tap){.until = TOLL_MS_MIN};
    facts->exhausted = 0;
    facts->opened = 0;
    while (facts->draws >= pools->before_draws && facts->draws != 0)
        facts->draws = TOLL_POOL_ITEM(pools->draws, struct toll_pool_draw, facts->draws)->next;
    while (facts->periods >= pools->before_periods && facts->periods != 0)
        facts->periods = TOLL_POOL_ITEM(pools->periods, struct toll_pool_month, facts->periods)->next;
}

void toll_pools_second_pass(struct toll_pools *pools)
{
    for (uint32_t i = 1; i < pools->pool_count; i++)
        begin_pool_again(pools, i);
    pools->draws.count = pools->before_draws;
    pools->periods.count = pools->before_periods;
    pools->by_id.count = pools->before_ids;
    for (uint32_t i = 1; i < pools->counters.count; i++)
        TOLL_POOL_ITEM(pools->counters, struct toll_counter, i)->until = TOLL_MS_MIN;
    for (uint32_t i = 1; i < pools->count_slots.count; i++) {
        struct toll_count_slot *slot = TOLL_POOL_ITEM(pools->count_slots, struct toll_count_slot, i);
        const struct toll_tier_count_row *row =
            slot->before == 0 ? NULL : &pools->before->counts[slot->before - 1];
        slot->volume = slot->units;
        slot->units = row == NULL ? 0 : row->units;
        slot->spend = row == NULL ? 0 : row->spend;
        slot->touched = false;
    }
}

/* ---- the end ---- */

int toll_pools_finish(struct toll_pools *pools, struct toll_pool_tables *tables,
                      struct toll_period_charges *charges, struct toll_error *error)
{
    *tables = (struct toll_pool_tables){0};
    int rc = toll_pools_state(pools, error);
    if (rc == 0)
        rc = toll_pools_list_periods(pools, error);
    if (rc == 0)
        rc = toll_pools_due(pools, error);
    if (rc == 0)
        rc = toll_pools_list_counts(pools, charges, error);
    if (rc != 0)
        return rc;
    const struct toll_pool_list *lists[] = {&pools->period_rows, &pools->draw_rows, &pools->count_rows};
    const int64_t counts[] = {
        lists[0]->count == 0 ? 0 : lists[0]->count - 1,
        lists[1]->count == 0 ? 0 : lists[1]->count - 1,
        lists[2]->count == 0 ? 0 : lists[2]->count - 1,
    };
    tables->period_count = counts[0];
    tables->draw_count = counts[1];
    tables->count_count = counts[2];
    /* row 0 of each list is none */
    tables->periods = counts[0] == 0 ? NULL : (const struct toll_pool_period_row *)lists[0]->items + 1;
    tables->draws = counts[1] == 0 ? NULL : (const struct toll_pool_draw_row *)lists[1]->items + 1;
    tables->counts = counts[2] == 0 ? NULL : (const struct toll_tier_count_row *)lists[2]->items + 1;
    return 0;
}
