/* What each bundle of a call had left before it and after, asked of the pools while the call draws
 * (docs/RATING.md section 12.2), and what tiers had counted. */
#include "pipeline/draws.h"
#include "pipeline/explain_entries.h"
#include "pipeline/pools_data.h"

#include <stdlib.h>
#include <string.h>

/* The pool of an entitlement; 0 none. */
static uint32_t pool_of(struct toll_pools *pools, const struct toll_entitlement *entitlement,
                        const struct toll_pool_call *call)
{
    if (entitlement->pool != 0)
        return entitlement->pool;
    return call->number == 0
               ? 0
               : toll_pools_number(pools, entitlement->bundle, pools->book->owners[call->owner].account,
                                   call->number, entitlement->grant_first, entitlement->grant_count);
}

/* What the pool has left in the period of an instant. */
static int64_t left_in(struct toll_pools *pools, uint32_t pool, toll_ms start)
{
    toll_pools_shut_tap(pools, pool);
    if (start >= toll_pool_tap_at(pools, pool)->until)
        toll_pools_turn(pools, pool, start);
    const struct toll_pool_hot *hot = toll_pool_at(pools, pool);
    const int64_t left = hot->lot_left + hot->rest_left;
    toll_pools_open_tap(pools, pool);
    return left;
}

static void ask(struct toll_explain_turns *turns, struct toll_pools *pools, const struct toll_pool_call *call,
                bool after)
{
    const struct toll_book *book = pools->book;
    for (uint32_t i = 0; i < turns->count; i++) {
        const struct toll_entitlement *entitlement = &book->entitlements[call->first + i];
        struct toll_explain_turn *turn = &turns->turns[i];
        if (!toll_entitlement_fits(book, entitlement, call->start, call->key, call->destination))
            continue;
        turn->fits = true;
        turn->pool = pool_of(pools, entitlement, call);
        if (turn->pool != 0)
            *(after ? &turn->after : &turn->before) = left_in(pools, turn->pool, call->start);
    }
}

void toll_explain_turns_free(struct toll_explain_turns *turns)
{
    free(turns->turns);
    *turns = (struct toll_explain_turns){0};
}

bool toll_explain_turns_make(const struct toll_explainer *explainer, struct toll_pools *pools,
                             struct toll_explain_turns *turns, struct toll_drawn_line *line)
{
    const struct toll_book *book = explainer->book;
    const struct toll_row_answer *answer = explainer->answer;
    struct toll_pool_call call;
    struct toll_drawn_call drawn;
    uint32_t slot;
    toll_row_draw_calls(explainer->rater, explainer->row, answer, &call, &drawn);
    *turns = (struct toll_explain_turns){.count = call.count};
    turns->turns = calloc((size_t)call.count + 1, sizeof *turns->turns);
    if (turns->turns == NULL)
        return false;
    ask(turns, pools, &call, false);
    const struct toll_tiers *tiers = &book->tiers[drawn.tiers];
    if (drawn.tiers != 0 && tiers->period != TOLL_TIER_CALL) {
        turns->counted = toll_pools_count(pools, drawn.tiers, &call, 0, &slot);
        if (tiers->mode == TOLL_TIER_VOLUME)
            turns->counted = toll_pools_volume(pools, slot);
    }
    toll_row_draw(explainer->rater, explainer->cursors, pools, explainer->row, answer, false, line);
    ask(turns, pools, &call, true);
    return toll_pools_state(pools, NULL) == 0;
}
