/* Stands in for the pools of a run as long as no other part brings them; such a book is refused. */
#include "pipeline/pools.h"

#include "base/check.h"
#include "base/error.h"

#define ABSENT __attribute__((weak))

ABSENT int toll_pools_make(const struct toll_book *book, const struct toll_run_span *span,
                           const struct toll_pools_before *before, struct toll_pools **out,
                           struct toll_error *error)
{
    (void)book;
    (void)span;
    (void)before;
    *out = NULL;
    return toll_error_set(error, TOLL_EBOOK, "bundles and tiers are not supported by this version");
}
ABSENT void toll_pools_free(struct toll_pools *pools)
{
    TOLL_ASSERT(pools == NULL);
}
ABSENT void toll_pools_draw(struct toll_pools *pools, const struct toll_pool_call *call,
                            const struct toll_pool_billing *billing, struct toll_pool_drawn *drawn)
{
    (void)call;
    (void)billing;
    (void)drawn;
    TOLL_ASSERT(pools != NULL);
}
ABSENT void toll_pools_expect(const struct toll_pools *pools, const struct toll_pool_call *call)
{
    (void)call;
    TOLL_ASSERT(pools != NULL);
}
ABSENT int64_t toll_pools_count(struct toll_pools *pools, uint32_t tiers, const struct toll_pool_call *call,
                                int64_t units, uint32_t *slot)
{
    (void)tiers;
    (void)call;
    (void)units;
    TOLL_ASSERT(pools != NULL);
    return *slot = 0;
}
ABSENT int64_t toll_pools_volume(const struct toll_pools *pools, uint32_t slot)
{
    TOLL_ASSERT(pools != NULL);
    return slot;
}
ABSENT void toll_pools_spend(struct toll_pools *pools, uint32_t slot, toll_money charge)
{
    (void)slot;
    (void)charge;
    TOLL_ASSERT(pools != NULL);
}
ABSENT void toll_pools_second_pass(struct toll_pools *pools)
{
    TOLL_ASSERT(pools != NULL);
}
ABSENT int toll_pools_state(const struct toll_pools *pools, struct toll_error *error)
{
    (void)error;
    TOLL_ASSERT(pools != NULL);
    return 0;
}
ABSENT int toll_pools_finish(struct toll_pools *pools, struct toll_pool_tables *tables,
                             struct toll_period_charges *charges, struct toll_error *error)
{
    (void)tables;
    (void)charges;
    (void)error;
    TOLL_ASSERT(pools != NULL);
    return 0;
}
