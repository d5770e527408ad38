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

static void suspend(const struct toll_draws_context *context, const struct toll_draw_request *request,
                    const struct toll_drawn_line *line)
{
    struct toll_suspense *suspense = &context->tally->suspense;
    const struct toll_book *book = context->rater->book;
    const int32_t account =
        book->buckets[toll_tally_slot_bucket(context->tally, book, request->bucket)].account;
    const uint64_t what = 0;
    context->tally->buckets[request->bucket].rows--;
    if (toll_suspense_expect(suspense, line->status, account, what))
        toll_suspense_add(suspense, line->status, account, what, context->part,
                          context->first_row + request->row);
}

static inline void add_difference(const struct toll_draws_context *context,
                                  const struct toll_draw_request *request,
                                  const struct toll_drawn_line *before, const struct toll_drawn_line *line)
{
    struct toll_tally *tally = context->tally;
    struct toll_tally_bucket *bucket = &tally->buckets[request->bucket];
    const int64_t units = (int64_t)line->billed - before->billed, charge = line->charge - before->charge;
    bucket->charge_low += (uint32_t)charge;
    bucket->charge_high += charge >> 32;
    bucket->units += units;
    tally->billed_s += toll_chain_key_service(request->key) == TOLL_VOICE ? units : 0;
    if (line->status == before->status)
        return;
    tally->status_rows[before->status]--;
    tally->status_rows[line->status]++;
    if (line->status >= TOLL_SUSPENSE_FIRST)
        suspend(context, request, line);
}

/* ---- one line ---- */

static inline void put_included(const struct toll_draws_context *context,
                                const struct toll_line_columns *lines, size_t row, int32_t included,
                                int32_t pool)
{
    toll_line_put(lines->included, lines->narrow.included, row, included, context->beyond);
    toll_line_put(lines->pool, lines->narrow.pool, row, pool, context->beyond);
}

static inline void put_charge(const struct toll_draws_context *context, const struct toll_line_columns *lines,
                              size_t row, uint32_t bucket_id, toll_money charge)
{
    struct toll_tally_bucket *bucket = &context->tally->buckets[bucket_id];
    const int64_t difference = charge - lines->charge[row];
    lines->charge[row] = charge;
    bucket->charge_low += (uint32_t)difference;
    bucket->charge_high += difference >> 32;
}

/* The rest of the billed units by the prepared terms. */
static toll_money charge_rest(const struct toll_voice_profile *terms, uint64_t rate, uint64_t rest)
{
    uint64_t amount = terms->connect + rate * rest;
    amount = amount < terms->minimum ? terms->minimum : amount;
    amount = amount > terms->maximum ? terms->maximum : amount;
    const uint64_t whole = (uint64_t)((unsigned __int128)amount * terms->magic >> 64) >> terms->shift;
    return (toll_money)(whole * terms->quantum);
}

static void spend(struct toll_spent *spent, const struct toll_rater *rater, const struct toll_draw_full *full,
                  const struct toll_drawn_line *line)
{
    const struct toll_tiers *tiers = &rater->book->tiers[toll_draw_tiers(rater->draws, full->price)];
    if (line->status >= TOLL_SUSPENSE_FIRST || tiers->period == TOLL_TIER_CALL)
        return;
    spent->of[spent->count].charge = line->charge;
    spent->of[spent->count++].slot = full->slot;
}

static struct toll_pool_drawn drawn_of(const struct toll_draw_request *request)
{
    const bool rejected = (request->flags & TOLL_DRAW_REJECTED) != 0;
    return (struct toll_pool_drawn){
        .included = request->bundle,
        .billed_taken = request->bundle,
        .used_rest = rejected ? 0 : request->billed,
        .pool = (int32_t)request->pool,
        .connect = (request->flags & TOLL_DRAW_CONNECT) != 0,
        .over = (request->flags & TOLL_DRAW_OVER) != 0,
        .rejected = rejected,
    };
}

/* full: NULL where the request says all. */
static void charge_slowly(const struct toll_draws_context *context, const struct toll_draw_request *request,
                          const struct toll_draw_full *full, const struct toll_line_columns *lines)
{
    const struct toll_rater *rater = context->rater;
    const struct toll_book *book = rater->book;
    const bool tiers = (request->flags & TOLL_DRAW_TIERS) != 0;
    const struct toll_pool_drawn drawn = full == NULL ? drawn_of(request) : full->drawn;
    const size_t row = request->row;
    const struct toll_line_narrow *narrow = &lines->narrow;
    struct toll_drawn_call call = {
        .start = request->start,
        .service = toll_chain_key_service(request->key),
        .credit = (request->flags & TOLL_DRAW_CREDIT) != 0,
        .used = full == NULL ? request->billed : full->call.used,
    };
    if (full == NULL) {
        call.terms = &book->terms[request->terms - 1];
    } else {
        call.terms = &book->terms[book->price_terms[full->price]];
        call.deck = (int32_t)full->deck;
        call.found = (struct toll_price_found){full->price, request->terms != 0 || tiers ? 0 : full->walk};
        call.tiers = toll_draw_tiers(rater->draws, full->price);
    }
    const struct toll_drawn_line before = {.status = lines->status[row],
                                           .price = toll_line_get(lines->price, narrow->price, row),
                                           .billed = toll_line_get(lines->billed, narrow->billed, row),
                                           .charge = lines->charge[row]};
    struct toll_drawn_line line = before;
    toll_drawn_line_charge(rater, context->cursors, &call, &drawn, full == NULL ? 0 : full->before, &line);
    lines->status[row] = (uint8_t)line.status;
    toll_line_put(lines->price, narrow->price, row, line.price, context->beyond);
    toll_line_put(lines->billed, narrow->billed, row, line.billed, context->beyond);
    lines->charge[row] = line.charge;
    if (line.status >= TOLL_SUSPENSE_FIRST)
        toll_line_put(lines->tuple, narrow->tuple, row, 0, context->beyond);
    if (toll_line_columns_pooled(lines))
        put_included(context, lines, row, line.included, line.pool);
    add_difference(context, request, &before, &line);
    if (tiers)
        spend(context->spent, rater, full, &line);
}

/* ---- all of them ---- */

static void charge_one(const struct toll_draws *draws, size_t i, const struct toll_draws_context *context,
                       const struct toll_line_columns *lines)
{
    const struct toll_draw_request request = toll_draws_at(draws, i);
    const struct toll_voice_terms *all = &context->rater->voice_terms;
    const struct toll_voice_profile *terms = toll_voice_profile(all, request.terms);
    if ((request.flags & TOLL_DRAW_FULL) != 0) {
        const struct toll_draw_full *full = &draws->full[request.pool];
        if (full->drawn.included > 0 || full->drawn.rejected || (request.flags & TOLL_DRAW_TIERS) != 0)
            charge_slowly(context, &request, full, lines);
    } else if (request.flags == 0 && !terms->exact && request.billed < UNITS_MAX) {
        put_included(context, lines, request.row, (int32_t)request.bundle, (int32_t)request.pool);
        put_charge(context, lines, request.row, request.bucket,
                   charge_rest(terms, all->rates[request.terms] >> TOLL_VOICE_RATE_SHIFT,
                               (uint64_t)request.billed - request.bundle));
    } else if (request.bundle != 0 || (request.flags & TOLL_DRAW_REJECTED) != 0) {
        charge_slowly(context, &request, NULL, lines);
    }
}

/* Most lines have all their units included, or none. */
void toll_draws_charge(const struct toll_draws *draws, const struct toll_draws_context *context,
                       const struct toll_line_columns *lines)
{
    const struct toll_draw_requests of = draws->requests;
    for (size_t i = 0; i < draws->count; i++) {
        const uint32_t included = of.bundle[i];
        if (i + AHEAD < draws->count) {
            __builtin_prefetch(&context->tally->buckets[of.bucket[i + AHEAD]], 1);
            __builtin_prefetch(&lines->charge[of.row[i + AHEAD]], 1);
        }
        if (of.flags[i] == 0 && included == 0)
            continue;
        if (of.flags[i] == 0 && included == (uint32_t)of.billed[i]) {
            const size_t row = of.row[i];
            put_included(context, lines, row, (int32_t)included, (int32_t)of.pool[i]);
            put_charge(context, lines, row, of.bucket[i], 0);
        } else {
            charge_one(draws, i, context, lines);
        }
    }
}
