/*
 * What remains of lines that have drawn. Most are priced by terms that the voice kernel knows
 * (rating/voice.h) and its arithmetic does them here, too; the others go to the rule, one by one.
 */
#include "pipeline/block.h"
#include "pipeline/draws.h"
#include "rating/voice.h"

#define AHEAD 8             /* requests whose bucket is on its way */
#define UNITS_MAX (1 << 26) /* see simd/layout_voice.h */

/* ---- sums ---- */

static void add_difference(const struct toll_draws_context *context, const struct toll_draw_request *request,
                           const struct toll_drawn_line *before, const struct toll_drawn_line *line)
{
    struct toll_tally *tally = context->tally;
    struct toll_tally_bucket *bucket = &tally->buckets[request->bucket];
    const int64_t units = (int64_t)line->billed - before->billed, charge = line->charge - before->charge;
    bucket->charge_low += (uint32_t)charge;
    bucket->charge_high += charge >> 32;
    bucket->units += units;
    tally->billed_s += request->key / 50 == TOLL_VOICE ? units : 0;
    if (line->status == before->status)
        return;
    tally->status_rows[before->status]--;
    tally->status_rows[line->status]++;
    if (line->status < TOLL_SUSPENSE_FIRST)
        return;
    const int32_t account = context->rater->owners[request->owner].account;
    const uint64_t what = 0;
    bucket->rows--;
    if (toll_suspense_expect(&tally->suspense, line->status, account, what))
        toll_suspense_add(&tally->suspense, line->status, account, what, context->part,
                          context->first_row + request->row);
}

/* ---- one line ---- */

/* By the prepared terms; false: they do not know. */
static inline bool charge_fast(const struct toll_draws_context *context,
                               const struct toll_draw_request *request, const struct toll_pool_drawn *drawn,
                               struct toll_drawn_line *line)
{
    const struct toll_voice_terms *terms = &context->rater->voice_terms[request->terms];
    const int64_t rest = line->billed - drawn->billed_taken;
    if (request->terms == 0 || terms->exact || drawn->used_rest != request->used || drawn->rejected ||
        drawn->connect || line->billed >= UNITS_MAX)
        return false;
    uint64_t amount = terms->connect + terms->rate * (uint64_t)rest;
    amount = amount < terms->minimum ? terms->minimum : amount;
    amount = amount > terms->maximum ? terms->maximum : amount;
    const uint64_t whole = (uint64_t)((unsigned __int128)amount * terms->magic >> 64) >> terms->shift;
    line->charge = rest == 0 ? 0 : (toll_money)(whole * terms->quantum);
    line->included = (int32_t)drawn->included;
    line->pool = drawn->pool;
    if (drawn->over)
        line->status = TOLL_RATED_FAIR_USE;
    return true;
}

static void charge_slowly(const struct toll_draws_context *context, const struct toll_draw_request *request,
                          const struct toll_pool_drawn *drawn, int64_t units, struct toll_drawn_line *line)
{
    const bool tiers = (request->flags & TOLL_DRAW_TIERS) != 0;
    const struct toll_drawn_call call = {
        .start = request->start,
        .service = request->key / 50,
        .credit = (request->flags & TOLL_DRAW_CREDIT) != 0,
        .used = request->used,
        .deck = (int32_t)request->deck,
        .found = {request->price, tiers || request->terms != 0 ? 0 : request->walk},
        .tiers = tiers ? toll_draw_tiers(context->rater->draws, request->price) : 0,
    };
    toll_drawn_line_charge(context->rater, context->cursors, &call, drawn, units, line);
}

static void spend(struct toll_spent *spent, const struct toll_rater *rater,
                  const struct toll_draw_request *request, const struct toll_drawn_line *line)
{
    const struct toll_tiers *tiers = &rater->book->tiers[toll_draw_tiers(rater->draws, request->price)];
    if (line->status >= TOLL_SUSPENSE_FIRST || tiers->period == TOLL_TIER_CALL)
        return;
    spent->of[spent->count].charge = line->charge;
    spent->of[spent->count++].slot = request->slot;
}

/* ---- all of them ---- */

void toll_draws_charge(const struct toll_draws *draws, const struct toll_draws_context *context,
                       const struct toll_line_columns *lines)
{
    for (size_t i = 0; i < draws->count; i++) {
        const struct toll_draw_request *request = &draws->requests[i];
        const struct toll_pool_drawn *drawn = &draws->drawn[i];
        const bool tiers = (request->flags & TOLL_DRAW_TIERS) != 0;
        const size_t row = request->row;
        if (i + AHEAD < draws->count)
            __builtin_prefetch(&context->tally->buckets[request[AHEAD].bucket], 1);
        if (drawn->included == 0 && !drawn->rejected && !tiers)
            continue;
        const struct toll_drawn_line before = {.status = lines->status[row],
                                               .price = lines->price[row],
                                               .billed = lines->billed[row],
                                               .charge = lines->charge[row]};
        struct toll_drawn_line line = before;
        if (tiers || !charge_fast(context, request, drawn, &line))
            charge_slowly(context, request, drawn, draws->before == NULL ? 0 : draws->before[i], &line);
        lines->status[row] = (uint8_t)line.status;
        lines->price[row] = line.price;
        lines->billed[row] = line.billed;
        lines->charge[row] = line.charge;
        if (lines->included != NULL) {
            lines->included[row] = line.included;
            lines->pool[row] = line.pool;
        }
        add_difference(context, request, &before, &line);
        if (tiers)
            spend(context->spent, context->rater, request, &line);
    }
}
