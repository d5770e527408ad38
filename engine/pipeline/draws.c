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
#define LOOK_AHEAD 24
#define LOOK_CLOSER 14
#define LOOK_AT_GRANTS 6

/* ---- memory ---- */

static void *column(uint8_t **at, size_t element_bytes)
{
    uint8_t *begin = *at;
    *at += TOLL_BATCH_ROWS * element_bytes;
    return begin;
}

int toll_draws_make(struct toll_draws *draws, struct toll_error *error)
{
    struct toll_draw_requests *of = &draws->requests;
    const size_t request_bytes = sizeof *of->start + sizeof *of->bundle + sizeof *of->pool +
                                 sizeof *of->billed + sizeof *of->terms + sizeof *of->bucket +
                                 sizeof *of->row + sizeof *of->key + sizeof *of->flags;
    memset(draws, 0, sizeof *draws);
    draws->memory = toll_hot_alloc(TOLL_BATCH_ROWS * (request_bytes + sizeof *draws->full));
    if (draws->memory == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the draws of a batch");
    uint8_t *at = draws->memory;
    of->start = column(&at, sizeof *of->start);
    draws->full = column(&at, sizeof *draws->full);
    of->bundle = column(&at, sizeof *of->bundle);
    of->pool = column(&at, sizeof *of->pool);
    of->billed = column(&at, sizeof *of->billed);
    of->terms = column(&at, sizeof *of->terms);
    of->bucket = column(&at, sizeof *of->bucket);
    of->row = column(&at, sizeof *of->row);
    of->key = column(&at, sizeof *of->key);
    of->flags = column(&at, sizeof *of->flags);
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

static void draw_full(const struct toll_draws *draws, size_t i, const struct toll_rater *rater,
                      struct toll_band_cursor *cursors, struct toll_pools *pools)
{
    const struct toll_draw_request request = toll_draws_at(draws, i);
    struct toll_draw_full *full = &draws->full[request.pool];
    struct billing context = {rater, cursors, &request, full};
    const struct toll_pool_billing billing = {bill_rest, &context};
    if (full->call.count > 0)
        toll_pools_draw(pools, &full->call, &billing, &full->drawn);
    else
        full->drawn = (struct toll_pool_drawn){.used_rest = full->call.used};
    if ((request.flags & TOLL_DRAW_TIERS) != 0)
        count_units(full, rater, (request.flags & TOLL_DRAW_CREDIT) != 0, pools);
}

static inline void draw_one(const struct toll_draw_requests *of, size_t i, struct toll_pools *pools)
{
    struct toll_pool_one one;
    toll_pools_draw_one(pools, of->pool[i], of->bundle[i], of->start[i], of->billed[i], &one);
    of->bundle[i] = (uint32_t)one.included;
    of->pool[i] = (uint32_t)one.id;
    if (one.over | one.rejected)
        of->flags[i] |=
            (uint8_t)((one.over ? TOLL_DRAW_OVER : 0u) | (one.rejected ? TOLL_DRAW_REJECTED : 0u));
}

/* What the requests some way on will need. */
static inline void look(const struct toll_draws *draws, size_t i, const struct toll_pools *pools)
{
    const uint32_t pool = draws->requests.pool[i];
    if ((draws->requests.flags[i] & TOLL_DRAW_FULL) == 0)
        toll_pools_look_at(pools, pool);
    else if (draws->full[pool].call.count > 0)
        toll_pools_look(pools, &draws->full[pool].call);
}

static inline void look_closer(const struct toll_draws *draws, size_t i, const struct toll_pools *pools)
{
    const uint32_t pool = draws->requests.pool[i];
    if ((draws->requests.flags[i] & TOLL_DRAW_FULL) != 0 && draws->full[pool].call.count > 0)
        toll_pools_look_closer(pools, &draws->full[pool].call);
}

static inline void look_at_turn(const struct toll_draw_requests *of, size_t i, const struct toll_pools *pools)
{
    const size_t turn = i + LOOK_CLOSER, grants = i + LOOK_AT_GRANTS;
    toll_pools_look_at_turn(pools, of->pool[turn], of->start[turn]);
    toll_pools_look_at_grants(pools, of->pool[grants], of->start[grants]);
}

void toll_draws_in_order(struct toll_draws *draws, const struct toll_rater *rater,
                         struct toll_band_cursor *cursors, struct toll_pools *pools)
{
    const struct toll_draw_requests of = draws->requests;
    const size_t count = draws->count;
    if (draws->full_count == 0) {
        for (size_t i = 0; i < count; i++) {
            toll_pools_look_at(pools, of.pool[i + LOOK_AHEAD < count ? i + LOOK_AHEAD : i]);
            if (i + LOOK_CLOSER < count)
                look_at_turn(&of, i, pools);
            draw_one(&of, i, pools);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (i + LOOK_AHEAD < count)
            look(draws, i + LOOK_AHEAD, pools);
        if (i + LOOK_CLOSER < count)
            look_closer(draws, i + LOOK_CLOSER, pools);
        if ((of.flags[i] & TOLL_DRAW_FULL) == 0)
            draw_one(&of, i, pools);
        else
            draw_full(draws, i, rater, cursors, pools);
    }
}
