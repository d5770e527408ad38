/* Batches with closed rows: those are only shown; the others are rated as if they stood alone. */
#include "pipeline/after.h"
#include "pipeline/merge.h"

#include "base/check.h"

#include <string.h>

/* A closed row, by itself: shown for whom it is by the tables of today, and counted. */
static void show_closed(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        int64_t i, const struct toll_line_columns *lines)
{
    const struct toll_rater *rater = context->rater;
    struct toll_tally *tally = context->tally;
    struct toll_row row;
    struct toll_payer payer;
    toll_row_read(rater, context->map, batch, i, &row);
    toll_payer_find(rater, &row, &payer); /* also where its record came again otherwise: it was charged */
    const struct toll_owner *owner = &rater->book->owners[payer.owner];
    const unsigned class_ = toll_class_of(rater, &row),
                   jurisdiction = toll_jurisdiction_of(rater, &row, rater->book->basis, owner->site);
    const struct toll_line_narrow *narrow = &lines->narrow;
    const size_t row_at = (size_t)i;
    uint32_t *beyond = &context->block->beyond;
    toll_line_put(lines->account, narrow->account, row_at, owner->account, beyond);
    if (context->plans != NULL)
        context->plans[i] = payer.owner == 0 ? 0
                                             : (uint32_t)toll_plan_find(rater, payer.owner, row.trunk,
                                                                        row.carrier, row.start, NULL);
    if (context->slots != NULL)
        context->slots[i] = 0;
    toll_line_put(lines->price, narrow->price, row_at, 0, beyond);
    toll_line_put(lines->billed, narrow->billed, row_at, 0, beyond);
    toll_line_put(lines->tuple, narrow->tuple, row_at, 0, beyond);
    lines->charge[i] = 0;
    lines->status[i] = TOLL_ZERO_CLOSED;
    lines->class_jurisdiction[i] = (uint8_t)(class_ << 4 | jurisdiction);
    if (toll_line_columns_pooled(lines)) {
        toll_line_put(lines->included, narrow->included, row_at, 0, beyond);
        toll_line_put(lines->pool, narrow->pool, row_at, 0, beyond);
    }
    if (lines->cost != NULL) {
        lines->cost[i] = 0;
        toll_line_put(lines->cost_price, narrow->cost_price, row_at, 0, beyond);
        lines->cost_status[i] = TOLL_ZERO_CLOSED;
        tally->cost.status_rows[TOLL_ZERO_CLOSED]++;
    }
    tally->buckets[owner->bucket].rows++;
    tally->status_rows[TOLL_ZERO_CLOSED]++;
    tally->rows++;
}

void toll_closed_batch(const struct toll_block_context *context, struct toll_merge_scratch *scratch,
                       const struct toll_cdr_batch *batch, const uint64_t *bits, size_t block_rows,
                       const struct toll_line_columns *lines)
{
    const struct toll_line_columns rated = toll_merge_scratch_lines(scratch, lines);
    size_t open = 0;
    for (int64_t i = 0; i < batch->rows; i++) {
        scratch->rows[open] = (uint32_t)i;
        open += !toll_closed_row(bits, i);
        if (toll_closed_row(bits, i))
            show_closed(context, batch, i, lines);
    }
    for (size_t first = 0; first < open; first += block_rows) {
        const size_t rows = open - first < block_rows ? open - first : block_rows;
        struct toll_block_context block = *context;
        struct toll_cdr_batch some;
        block.places = scratch->rows + first;
        toll_merge_gather(batch, block.places, rows, scratch, &some);
        toll_block_rate(&block, &some, 0, rows, &rated);
        toll_merge_scatter(scratch, block.places, rows, lines, &context->block->beyond);
    }
}
