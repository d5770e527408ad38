/* The ordered part: as little as there is, with the next pools on their way. */
#include "pipeline/draws.h"

#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/part.h"
#include "pipeline/hot.h"

#include <stdlib.h>
#include <string.h>

/* Requests whose pool is on its way: a number is looked up first. */
#define LOOK_AHEAD 16
#define LOOK_CLOSER 8

/* ---- memory ---- */

static int make_draws(struct toll_draws *draws, bool tiers, struct toll_error *error)
{
    const size_t requests = TOLL_BATCH_ROWS * sizeof *draws->requests;
    const size_t drawn = TOLL_BATCH_ROWS * sizeof *draws->drawn;
    const size_t before = tiers ? TOLL_BATCH_ROWS * sizeof *draws->before : 0;
    uint8_t *memory = toll_hot_alloc(requests + drawn + before);
    memset(draws, 0, sizeof *draws);
    if (memory == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the draws of a batch");
    draws->memory = memory;
    draws->requests = (struct toll_draw_request *)memory;
    draws->drawn = (struct toll_pool_drawn *)(memory + requests);
    draws->before = before == 0 ? NULL : (int64_t *)(memory + requests + drawn);
    return 0;
}

int toll_draws_make(struct toll_draws *draws, const struct toll_draw_rules *rules, struct toll_error *error)
{
    return make_draws(draws, rules->tiers_end != 0, error);
}

int toll_cost_draws_make(struct toll_draws *draws, const struct toll_rater *rater, struct toll_error *error)
{
    memset(draws, 0, sizeof *draws);
    if (rater->cost == NULL || rater->cost->entitlements == NULL)
        return 0;
    const int rc = make_draws(draws, false, error);
    draws->list = rater->cost->entitlements;
    return rc;
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
};

static int64_t bill_rest(void *context, int64_t used)
{
    const struct billing *billing = context;
    const struct toll_draw_request *request = billing->request;
    const struct toll_drawn_call call = {
        .start = request->start,
        .service = request->key / 50,
        .deck = (int32_t)request->deck,
        .found = {request->price, request->terms == 0 ? request->walk : 0},
    };
    return toll_drawn_call_billed(billing->rater, billing->cursors, &call, used);
}

static inline struct toll_pool_call call_of(const struct toll_draws *draws,
                                            const struct toll_draw_request *request)
{
    return (struct toll_pool_call){
        .start = request->start,
        .number = request->number,
        .owner = request->owner,
        .first = request->first,
        .count = request->count,
        .list = draws->list,
        .key = request->key,
        .destination = request->destination,
        .billed = request->billed,
        .used = request->used,
    };
}

/* Of lines of tiers: their units, and what came before. */
static int64_t count_one(struct toll_draw_request *request, const struct toll_pool_call *call,
                         const struct toll_pool_drawn *drawn, const struct toll_rater *rater,
                         struct toll_pools *pools)
{
    const uint32_t id = toll_draw_tiers(rater->draws, request->price);
    const struct toll_tiers *tiers = &rater->book->tiers[id];
    const bool credit = (request->flags & TOLL_DRAW_CREDIT) != 0;
    uint32_t slot = 0;
    int64_t units = 0;
    if (tiers->period != TOLL_TIER_CALL && !drawn->rejected) {
        units = toll_pools_count(pools, id, call, credit ? 0 : drawn->used_rest - drawn->billed_taken, &slot);
        if (tiers->mode == TOLL_TIER_VOLUME)
            units = toll_pools_volume(pools, slot);
    }
    request->slot = slot;
    return units;
}

void toll_draws_in_order(struct toll_draws *draws, const struct toll_rater *rater,
                         struct toll_band_cursor *cursors, struct toll_pools *pools)
{
    const bool numbers = rater->draws->by_number;
    struct billing context = {rater, cursors, NULL};
    const struct toll_pool_billing billing = {bill_rest, &context};
    for (size_t i = 0; i < draws->count; i++) {
        struct toll_draw_request *request = &draws->requests[i];
        struct toll_pool_drawn *drawn = &draws->drawn[i];
        if (i + LOOK_AHEAD < draws->count && request[LOOK_AHEAD].count > 0) {
            const struct toll_pool_call next = call_of(draws, &request[LOOK_AHEAD]);
            toll_pools_look(pools, &next);
        }
        if (numbers && i + LOOK_CLOSER < draws->count && request[LOOK_CLOSER].count > 0) {
            const struct toll_pool_call next = call_of(draws, &request[LOOK_CLOSER]);
            toll_pools_look_closer(pools, &next);
        }
        const struct toll_pool_call call = call_of(draws, request);
        context.request = request;
        if (request->count > 0)
            toll_pools_draw(pools, &call, &billing, drawn);
        else
            *drawn = (struct toll_pool_drawn){.used_rest = call.used};
        if ((request->flags & TOLL_DRAW_TIERS) != 0)
            draws->before[i] = count_one(request, &call, drawn, rater, pools);
    }
}
