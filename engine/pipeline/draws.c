/* The ordered part: as little as there is, with the next pools on their way. */
#include "pipeline/draws.h"

#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/part.h"
#include "pipeline/hot.h"
#include "pipeline/pools_one.h"

#include <stdlib.h>
#include <string.h>

/* Requests whose pool is on its way: a number is looked up first. */
#define LOOK_AHEAD 16
#define LOOK_CLOSER 8

/* ---- memory ---- */

int toll_draws_make(struct toll_draws *draws, struct toll_error *error)
{
    const size_t requests = TOLL_BATCH_ROWS * sizeof *draws->requests;
    uint8_t *memory = toll_hot_alloc(requests + TOLL_BATCH_ROWS * sizeof *draws->full);
    memset(draws, 0, sizeof *draws);
    if (memory == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the draws of a batch");
    draws->memory = memory;
    draws->requests = (struct toll_draw_request *)memory;
    draws->full = (struct toll_draw_full *)(memory + requests);
    return 0;
}

void toll_draws_clear(struct toll_draws *draws)
{
    draws->count = draws->full_count = 0;
}

int toll_cost_draws_make(struct toll_draws *draws, const struct toll_rater *rater, struct toll_error *error)
{
    memset(draws, 0, sizeof *draws);
    return rater->cost == NULL || rater->cost->entitlements == NULL ? 0 : toll_draws_make(draws, error);
}

void toll_draws_free(struct toll_draws *draws)
{
    free(draws->memory);
    memset(draws, 0, sizeof *draws);
}

int toll_spent_make(struct toll_spent *spent, const struct toll_draw_rules *rules, struct toll_error *error)
{
    memset(spent, 0, sizeof *spent);
    if (rules->tiers_end == 0)
        return 0;
    spent->of = malloc(TOLL_BATCH_ROWS * sizeof *spent->of);
    return spent->of != NULL ? 0 : toll_error_set(error, TOLL_ENOMEM, "out of memory for tiers");
}

void toll_spent_free(struct toll_spent *spent)
{
    free(spent->of);
    memset(spent, 0, sizeof *spent);
}

void toll_spent_tell(struct toll_spent *spent, struct toll_pools *pools)
{
    for (size_t i = 0; i < spent->count; i++)
        toll_pools_spend(pools, spent->of[i].slot, spent->of[i].charge);
    spent->count = 0;
}

/* ---- drawing ---- */

struct billing {
    const struct toll_rater *rater;
    struct toll_band_cursor *cursors;
    const struct toll_draw_request *request;
    const struct toll_draw_full *full;
};

static int64_t bill_rest(void *context, int64_t used)
{
    const struct billing *billing = context;
    const struct toll_drawn_call call = {
        .start = billing->full->call.start,
        .service = toll_chain_key_service(billing->request->key),
        .deck = (int32_t)billing->full->deck,
        .found = {billing->full->price, billing->request->terms == 0 ? billing->full->walk : 0},
    };
    return toll_drawn_call_billed(billing->rater, billing->cursors, &call, used);
}

/* Of lines of tiers: their units, and what came before. */
static void count_units(struct toll_draw_full *full, const struct toll_rater *rater, bool credit,
                        struct toll_pools *pools)
{
    const uint32_t id = toll_draw_tiers(rater->draws, full->price);
    const struct toll_tiers *tiers = &rater->book->tiers[id];
    const int64_t units = full->drawn.used_rest - full->drawn.billed_taken;
    full->slot = 0;
    full->before = 0;
    if (tiers->period == TOLL_TIER_CALL || full->drawn.rejected)
        return;
    full->before = toll_pools_count(pools, id, &full->call, credit ? 0 : units, &full->slot);
    if (tiers->mode == TOLL_TIER_VOLUME)
        full->before = toll_pools_volume(pools, full->slot);
}

static void draw_full(struct toll_draw_request *request, struct toll_draw_full *full,
                      const struct toll_rater *rater, struct toll_band_cursor *cursors,
                      struct toll_pools *pools)
{
    struct billing context = {rater, cursors, request, full};
    const struct toll_pool_billing billing = {bill_rest, &context};
    if (full->call.count > 0)
        toll_pools_draw(pools, &full->call, &billing, &full->drawn);
    else
        full->drawn = (struct toll_pool_drawn){.used_rest = full->call.used};
    if ((request->flags & TOLL_DRAW_TIERS) != 0)
        count_units(full, rater, (request->flags & TOLL_DRAW_CREDIT) != 0, pools);
}

static void draw_one(struct toll_draw_request *request, struct toll_pools *pools)
{
    struct toll_pool_one one;
    toll_pools_draw_one(pools, request->pool, request->bundle, request->start, request->billed, &one);
    request->bundle = (uint32_t)one.included;
    request->pool = (uint32_t)one.id;
    request->flags |= (uint8_t)((one.over ? TOLL_DRAW_OVER : 0u) | (one.rejected ? TOLL_DRAW_REJECTED : 0u));
}

/* What the requests some way on will need. */
static inline void look(const struct toll_draws *draws, size_t i, const struct toll_pools *pools)
{
    const struct toll_draw_request *request = &draws->requests[i];
    if ((request->flags & TOLL_DRAW_FULL) == 0)
        toll_pools_look_at(pools, request->pool);
    else if (draws->full[request->pool].call.count > 0)
        toll_pools_look(pools, &draws->full[request->pool].call);
}

static inline void look_closer(const struct toll_draws *draws, size_t i, const struct toll_pools *pools)
{
    const struct toll_draw_request *request = &draws->requests[i];
    if ((request->flags & TOLL_DRAW_FULL) != 0 && draws->full[request->pool].call.count > 0)
        toll_pools_look_closer(pools, &draws->full[request->pool].call);
}

void toll_draws_in_order(struct toll_draws *draws, const struct toll_rater *rater,
                         struct toll_band_cursor *cursors, struct toll_pools *pools)
{
    for (size_t i = 0; i < draws->count; i++) {
        struct toll_draw_request *request = &draws->requests[i];
        if (i + LOOK_AHEAD < draws->count)
            look(draws, i + LOOK_AHEAD, pools);
        if (draws->full_count > 0 && i + LOOK_CLOSER < draws->count)
            look_closer(draws, i + LOOK_CLOSER, pools);
        if ((request->flags & TOLL_DRAW_FULL) == 0)
            draw_one(request, pools);
        else
            draw_full(request, &draws->full[request->pool], rater, cursors, pools);
    }
}
