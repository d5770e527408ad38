/*
 * The draw that far most lines make, where they come one after the other: billed units of one pool of the
 * book, within its period and its oldest lot, or after there is nothing left. All else is toll_pools_draw's.
 */
#ifndef TOLL_PIPELINE_POOLS_ONE_H
#define TOLL_PIPELINE_POOLS_ONE_H

#include "base/ask.h"
#include "pipeline/pools_data.h"

struct toll_pool_one {
    int64_t included;
    int32_t id; /* of the pool, 0: nothing was drawn */
    bool over, rejected;
};

static TOLL_ASK void toll_pools_look_at(const struct toll_pools *pools, uint32_t pool)
{
    __builtin_prefetch(toll_pool_tap_at(pools, pool), 1);
}

/* Some requests later: of a pool whose period begins, what it is and what was granted to it. A month's first
 * calls open all pools that are drawn on. */
static TOLL_ASK void toll_pools_look_at_turn(const struct toll_pools *pools, uint32_t pool, toll_ms start)
{
    if (__builtin_expect(start < toll_pool_tap_at(pools, pool)->until, 1))
        return;
    __builtin_prefetch(toll_pool_at(pools, pool), 1);
    __builtin_prefetch(&pools->facts[pool], 1);
    __builtin_prefetch((const char *)(&pools->facts[pool] + 1) - 1, 1);
}
static TOLL_ASK void toll_pools_look_at_grants(const struct toll_pools *pools, uint32_t pool, toll_ms start)
{
    if (__builtin_expect(start >= toll_pool_tap_at(pools, pool)->until, 0))
        __builtin_prefetch(&pools->book->grants[pools->facts[pool].grant_first]);
}

/* Where the quick way ends. billed > 0. */
void toll_pools_draw_slowly(struct toll_pools *pools, uint32_t pool, uint32_t bundle, toll_ms start,
                            int64_t billed, struct toll_pool_one *one);

static inline void toll_pools_draw_one(struct toll_pools *pools, uint32_t pool, uint32_t bundle,
                                       toll_ms start, int32_t billed, struct toll_pool_one *one)
{
    struct toll_pool_tap *tap = toll_pool_tap_at(pools, pool);
    if (start >= tap->until || (uint32_t)billed >= tap->left) {
        toll_pools_draw_slowly(pools, pool, bundle, start, billed, one);
        return;
    }
    const uint32_t units = tap->id == 0 ? 0 : (uint32_t)billed;
    tap->left -= units;
    *one = (struct toll_pool_one){.included = units, .id = tap->id};
}

#endif
