/* The stages of a block, one after the other. */
#include "pipeline/stages.h"

#include "base/check.h"

#include <string.h>
#include <time.h>

_Static_assert(TOLL_CALL_SERVICE == TOLL_KIND_SERVICE && TOLL_CALL_VOICE == TOLL_VOICE &&
                   TOLL_CALL_IN == TOLL_KIND_IN && TOLL_CALL_ANSWERED == TOLL_KIND_ANSWERED &&
                   TOLL_CALL_CREDIT == TOLL_KIND_CREDIT && TOLL_CALL_CONFLICT == TOLL_KIND_CONFLICT &&
                   TOLL_CALL_LEG == TOLL_KIND_LEG &&
                   TOLL_CALL_CALLER_TYPE == TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLER_TYPE_SHIFT &&
                   TOLL_CALL_CALLEE_TYPE == TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLEE_TYPE_SHIFT &&
                   TOLL_CALL_CALLER_E164 == TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT &&
                   TOLL_CALL_CALLEE_E164 == TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT,
               "the kernels' bits of a kind");

const char *toll_stage_name(enum toll_stage stage)
{
    static const char *const names[] = {"read",   "classify", "payer",  "ends", "rules",
                                        "prefix", "price",    "charge", "odd",  "tax",
                                        "list",   "tally",    "cost",   "draw", "rest"};
    return names[stage];
}

static void *column_at(uint8_t *block, size_t offset)
{
    return offset == 0 ? NULL : block + offset;
}

void toll_line_columns_place(struct toll_line_columns *columns, uint8_t *block, int64_t rows,
                             unsigned optional)
{
    size_t at[TOLL_LINE_COLUMNS_MOST];
    toll_lines_batch_layout(rows, optional, at);
    *columns = (struct toll_line_columns){
        .account = column_at(block, at[TOLL_LINE_ACCOUNT]),
        .price = column_at(block, at[TOLL_LINE_PRICE]),
        .billed = column_at(block, at[TOLL_LINE_BILLED]),
        .charge = column_at(block, at[TOLL_LINE_CHARGE]),
        .tuple = column_at(block, at[TOLL_LINE_TUPLE]),
        .status = column_at(block, at[TOLL_LINE_STATUS]),
        .class_jurisdiction = column_at(block, at[TOLL_LINE_CLASS_JURISDICTION]),
        .included = column_at(block, at[TOLL_LINE_INCLUDED]),
        .pool = column_at(block, at[TOLL_LINE_POOL]),
        .cost = column_at(block, at[TOLL_LINE_COST]),
        .cost_price = column_at(block, at[TOLL_LINE_COST_PRICE]),
        .cost_status = column_at(block, at[TOLL_LINE_COST_STATUS]),
        .book = column_at(block, at[TOLL_LINE_BOOK]),
    };
}

static inline void lap(const struct toll_block_context *context, enum toll_stage stage, int64_t *since)
{
    if (context->stage_ns == NULL)
        return;
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* so that others' work does not count */
    const int64_t at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (stage != TOLL_STAGES)
        context->stage_ns[stage] += at - *since;
    *since = at;
}

/* A column from its row `first` on. */
#define FROM(column, first) ((column) == NULL ? NULL : (column) + (first))

static struct toll_cdr_batch cdrs_from(const struct toll_cdr_batch *batch, size_t first, size_t rows)
{
    return (struct toll_cdr_batch){
        .rows = (int64_t)rows,
        .first_row = batch->first_row + (int64_t)first,
        .start = batch->start + first,
        .duration_ms = batch->duration_ms + first,
        .caller = batch->caller + first,
        .callee = batch->callee + first,
        .kind = batch->kind + first,
        .carrier = FROM(batch->carrier, first),
        .charged = FROM(batch->charged, first),
        .lrn_caller = FROM(batch->lrn_caller, first),
        .lrn_callee = FROM(batch->lrn_callee, first),
        .ring_to = FROM(batch->ring_to, first),
        .trunk = FROM(batch->trunk, first),
        .hint = FROM(batch->hint, first),
        .calltype = FROM(batch->calltype, first),
        .quantity = FROM(batch->quantity, first),
        .provider_charge = FROM(batch->provider_charge, first),
    };
}

/* A part of a column that is read late, once for all. */
static inline void expect(const struct toll_block_context *context, const toll_ms *start, size_t rows,
                          size_t part)
{
    if (context->draws == NULL)
        return;
    for (size_t i = part * (rows / 4); i < (part + 1) * (rows / 4); i += 64 / sizeof *start)
        __builtin_prefetch(&start[i], 0, 2);
}

static uint16_t kinds_of(const uint16_t *kind, size_t rows)
{
    uint16_t any = 0;
    for (size_t i = 0; i < rows; i++)
        any |= kind[i];
    return any;
}

void toll_block_rate(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                     size_t first, size_t rows, const struct toll_line_columns *lines)
{
    TOLL_ASSERT(rows <= TOLL_BLOCK_ROWS_MAX && first + rows <= (size_t)batch->rows);
    const struct toll_block_rows block = {
        .context = context,
        .rater = context->rater,
        .block = context->block,
        .cdr = cdrs_from(batch, first, rows),
        .line = {.account = lines->account + first,
                 .price = lines->price + first,
                 .billed = lines->billed + first,
                 .tuple = lines->tuple + first,
                 .charge = lines->charge + first,
                 .status = lines->status + first,
                 .class_jurisdiction = lines->class_jurisdiction + first,
                 .included = FROM(lines->included, first),
                 .pool = FROM(lines->pool, first),
                 .cost = FROM(lines->cost, first),
                 .cost_price = FROM(lines->cost_price, first),
                 .cost_status = FROM(lines->cost_status, first)},
        .rows = rows,
        .kinds = kinds_of(batch->kind + first, rows),
    };
    int64_t since = 0;
    lap(context, TOLL_STAGES, &since);
    const size_t again = toll_block_classify(&block);
    lap(context, TOLL_STAGE_CLASSIFY, &since);
    toll_block_payers(&block);
    lap(context, TOLL_STAGE_PAYER, &since);
    expect(context, block.cdr.start, rows, 0);
    toll_block_ends(&block, again);
    lap(context, TOLL_STAGE_ENDS, &since);
    expect(context, block.cdr.start, rows, 1);
    toll_block_feeds(&block);
    toll_block_rules(&block);
    toll_block_feeds_end(&block);
    lap(context, TOLL_STAGE_RULES, &since);
    toll_block_values(&block, NULL, rows, context->block->value);
    lap(context, TOLL_STAGE_PREFIX, &since);
    expect(context, block.cdr.start, rows, 2);
    toll_block_prices(&block);
    lap(context, TOLL_STAGE_PRICE, &since);
    expect(context, block.cdr.start, rows, 3);
    toll_block_charges(&block);
    if (context->rater->tuples == NULL)
        memset(block.line.tuple, 0, rows * sizeof *block.line.tuple);
    if (block.line.pool != NULL) { /* until bundles are drawn on */
        memset(block.line.included, 0, rows * sizeof *block.line.included);
        memset(block.line.pool, 0, rows * sizeof *block.line.pool);
    }
    lap(context, TOLL_STAGE_CHARGE, &since);
    toll_block_odd(&block);
    lap(context, TOLL_STAGE_ODD, &since);
    if (context->rater->tuples != NULL)
        toll_block_tuples(&block);
    lap(context, TOLL_STAGE_TAX, &since);
    if (context->draws != NULL)
        toll_block_draws(&block, first);
    lap(context, TOLL_STAGE_LIST, &since);
    toll_block_tally(&block);
    lap(context, TOLL_STAGE_TALLY, &since);
    if (block.line.cost != NULL)
        toll_block_cost(&block, first);
    lap(context, TOLL_STAGE_COST, &since);
}
