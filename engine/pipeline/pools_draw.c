/* Drawing: docs/RATING.md section 12.2. What a call takes is decided first and taken then, because a bundle
 * that rejects it leaves all others as they were. */
#include "pipeline/pools_one.h"

#include "base/check.h"
#include "pipeline/draw_rules.h"

static inline const struct toll_entitlement *list_of(const struct toll_book *book,
                                                     const struct toll_pool_call *call)
{
    return call->list == NULL ? book->entitlements : call->list;
}

static uint32_t pool_of(struct toll_pools *pools, const struct toll_entitlement *entitlement,
                        const struct toll_pool_call *call)
{
    if (entitlement->pool != 0)
        return entitlement->pool;
    if (call->number == 0)
        return 0;
    return toll_pools_number(pools, entitlement->bundle, pools->book->owners[call->owner].account,
                             call->number, entitlement->grant_first, entitlement->grant_count);
}

/* What is left of the call while bundles are looked at. */
struct drawing {
    int64_t used, billed;
    bool billed_known; /* billed is what `used` bills */
    bool all, connect;
    int64_t used_taken, billed_taken;
    uint32_t plans;
};

static int64_t wanted_of(struct drawing *drawing, const struct toll_bundle *bundle,
                         const struct toll_pool_billing *billing)
{
    if (bundle->debit_used != 0) {
        const int64_t increment = bundle->increment;
        return (drawing->used + increment - 1) / increment * increment;
    }
    if (!drawing->billed_known) {
        drawing->billed = billing->billed(billing->context, drawing->used);
        drawing->billed_known = true;
    }
    return drawing->billed;
}

static inline bool is_dry(const struct toll_pool_tap *tap, toll_ms start)
{
    return tap->left == TOLL_POOL_DRY && start < tap->until;
}

/* What the pool has in the call's period is in its hot record then. */
static void begin_draw(struct toll_pools *pools, uint32_t pool, toll_ms start)
{
    toll_pools_shut_tap(pools, pool);
    if (start >= toll_pool_tap_at(pools, pool)->until)
        toll_pools_turn(pools, pool, start);
}

/* False: the bundle rejects the call. */
static bool plan_one(struct toll_pools *pools, uint32_t pool, const struct toll_bundle *bundle,
                     int64_t wanted, struct drawing *drawing, uint32_t bundle_id)
{
    const struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    const int64_t left = hot->lot_left + hot->rest_left;
    int64_t included = wanted, taken = wanted;
    if (left < wanted) {
        if (bundle->at_limit == TOLL_LIMIT_REJECT)
            return false;
        taken = left;
        if (bundle->at_limit == TOLL_LIMIT_OVERAGE)
            included = taken = bundle->debit_used != 0 ? left - left % bundle->increment : left;
    }
    if (included == 0)
        return true;
    if (bundle->debit_used != 0) {
        drawing->used_taken += included;
        drawing->billed_known = false;
        drawing->used = included >= drawing->used ? 0 : drawing->used - included;
        drawing->all = drawing->used == 0;
    } else {
        drawing->billed_taken += included;
        drawing->billed -= included;
        drawing->all = drawing->billed == 0;
    }
    drawing->connect = drawing->connect || bundle->connect_charged != 0;
    pools->plan[drawing->plans++] =
        (struct toll_pool_plan){.pool = pool, .bundle = bundle_id, .taken = taken, .over = included - taken};
    return true;
}

static void take_shut(struct toll_pools *pools, const struct toll_pool_plan *plan, toll_ms start)
{
    struct toll_pool_hot *hot = toll_pool_at(pools, plan->pool);
    int64_t units = plan->taken;
    if (hot->id == 0 && hot->of_cost != 0)
        hot->id = TOLL_POOL_OF_COSTS;
    if (hot->id == 0) {
        uint32_t *place = toll_pools_append(pools, &pools->by_id, sizeof *place);
        if (place == NULL)
            return;
        *place = plan->pool;
        hot->id = (int32_t)(pools->by_id.count - 1);
    }
    hot->over += plan->over;
    if (units == 0)
        return;
    hot->used += units;
    while (units > hot->lot_left) {
        units -= hot->lot_left;
        hot->taken += hot->lot_left;
        hot->lot_left = 0;
        TOLL_ASSERT(hot->rest_left > 0); /* plan_one took no more than there was */
        toll_pools_next_lot(pools, plan->pool);
    }
    hot->lot_left -= units;
    hot->taken += units;
    if (hot->lot_left == 0) {
        if (hot->rest_left > 0)
            toll_pools_next_lot(pools, plan->pool);
        else
            pools->facts[plan->pool].exhausted = start > 0 ? start : 1;
    }
}

static void take(struct toll_pools *pools, const struct toll_pool_plan *plan, toll_ms start)
{
    toll_pools_shut_tap(pools, plan->pool);
    take_shut(pools, plan, start);
    toll_pools_open_tap(pools, plan->pool);
}

/* Far most calls: the first bundle that fits has more than they want, of one lot, in its current period.
 * False: nothing was done. */
static inline bool draw_at_once(struct toll_pools *pools, const struct toll_pool_call *call,
                                struct toll_pool_drawn *drawn)
{
    const struct toll_book *book = pools->book;
    const struct toll_entitlement *entitlement = list_of(book, call) + call->first;
    if (call->count == 0 ||
        !toll_entitlement_fits(book, entitlement, call->start, call->key, call->destination))
        return false;
    const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
    const bool used = bundle->debit_used != 0;
    const int64_t increment = bundle->increment;
    int64_t wanted = used ? call->used : call->billed;
    if (increment > 1) /* of debit used only */
        wanted = (wanted + increment - 1) / increment * increment;
    const uint32_t pool = wanted <= 0 ? 0 : pool_of(pools, entitlement, call);
    if (pool == 0)
        return false;
    struct toll_pool_tap *tap = toll_pool_tap_at(pools, pool);
    if (is_dry(tap, call->start) && call->count == 1) {
        *drawn = (struct toll_pool_drawn){.used_rest = call->used};
        return true;
    }
    if (call->start >= tap->until || wanted >= tap->left || tap->id == 0)
        return false;
    tap->left -= (uint32_t)wanted;
    *drawn = (struct toll_pool_drawn){
        .included = wanted,
        .billed_taken = used ? 0 : wanted,
        .used_rest = used ? 0 : call->used,
        .pool = tap->id,
        .all = true,
        .connect = bundle->connect_charged != 0,
    };
    return true;
}

static void draw_in_turn(struct toll_pools *pools, const struct toll_pool_call *call,
                         const struct toll_pool_billing *billing, struct toll_pool_drawn *drawn)
{
    const struct toll_book *book = pools->book;
    const struct toll_entitlement *list = list_of(book, call);
    struct drawing drawing = {.used = call->used, .billed = call->billed, .billed_known = true};
    *drawn = (struct toll_pool_drawn){.used_rest = call->used};
    for (uint32_t i = call->first; i < call->first + call->count && !drawing.all; i++) {
        const struct toll_entitlement *entitlement = &list[i];
        if (!toll_entitlement_fits(book, entitlement, call->start, call->key, call->destination))
            continue;
        const struct toll_bundle *bundle = &book->bundles[entitlement->bundle];
        const int64_t wanted = wanted_of(&drawing, bundle, billing);
        if (wanted <= 0)
            continue;
        const uint32_t pool = pool_of(pools, entitlement, call);
        if (pool == 0)
            continue;
        if (is_dry(toll_pool_tap_at(pools, pool), call->start))
            continue;
        begin_draw(pools, pool, call->start);
        const bool good = plan_one(pools, pool, bundle, wanted, &drawing, entitlement->bundle);
        toll_pools_open_tap(pools, pool);
        if (!good) {
            *drawn = (struct toll_pool_drawn){.rejected = true};
            return;
        }
    }
    for (uint32_t i = 0; i < drawing.plans; i++) {
        take(pools, &pools->plan[i], call->start);
        drawn->over = drawn->over || pools->plan[i].over > 0;
    }
    if (drawing.plans == 0)
        return;
    drawn->included = drawing.used_taken + drawing.billed_taken;
    drawn->billed_taken = drawing.billed_taken;
    drawn->used_rest = drawing.used_taken > 0 ? drawing.used : call->used;
    drawn->pool = toll_pool_at(pools, pools->plan[0].pool)->id;
    drawn->all = drawing.all;
    drawn->connect = drawing.connect;
}

void toll_pools_draw_slowly(struct toll_pools *pools, uint32_t pool, uint32_t bundle, toll_ms start,
                            int64_t billed, struct toll_pool_one *one)
{
    struct drawing drawing = {.billed = billed, .billed_known = true};
    *one = (struct toll_pool_one){0};
    begin_draw(pools, pool, start);
    one->rejected = !plan_one(pools, pool, &pools->book->bundles[bundle], billed, &drawing, bundle);
    toll_pools_open_tap(pools, pool);
    if (drawing.plans == 0)
        return;
    take(pools, &pools->plan[0], start);
    one->included = drawing.billed_taken;
    one->id = toll_pool_at(pools, pool)->id;
    one->over = pools->plan[0].over > 0;
}

void toll_pools_draw(struct toll_pools *pools, const struct toll_pool_call *call,
                     const struct toll_pool_billing *billing, struct toll_pool_drawn *drawn)
{
    if (!draw_at_once(pools, call, drawn))
        draw_in_turn(pools, call, billing, drawn);
}
