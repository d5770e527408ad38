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

/* The same of an optional one, if it is wanted. */
#define WANTED(name, column) ((columns & TOLL_CDR_COLUMN_BIT(column)) == 0 ? NULL : FROM(batch->name, first))

struct toll_cdr_batch toll_cdr_batch_from(const struct toll_cdr_batch *batch, size_t first, size_t rows,
                                          uint32_t columns)
{
    return (struct toll_cdr_batch){
        .rows = (int64_t)rows,
        .first_row = batch->first_row + (int64_t)first,
        .start = batch->start + first,
        .duration_ms = batch->duration_ms + first,
        .caller = batch->caller + first,
        .callee = batch->callee + first,
        .kind = batch->kind + first,
        .carrier = WANTED(carrier, TOLL_CDR_CARRIER),
        .charged = WANTED(charged, TOLL_CDR_CHARGED),
        .lrn_caller = WANTED(lrn_caller, TOLL_CDR_LRN_CALLER),
        .lrn_callee = WANTED(lrn_callee, TOLL_CDR_LRN_CALLEE),
        .ring_to = WANTED(ring_to, TOLL_CDR_RING_TO),
        .trunk = WANTED(trunk, TOLL_CDR_TRUNK),
        .hint = WANTED(hint, TOLL_CDR_HINT),
        .calltype = WANTED(calltype, TOLL_CDR_CALLTYPE),
        .quantity = WANTED(quantity, TOLL_CDR_QUANTITY),
        .provider_charge = WANTED(provider_charge, TOLL_CDR_PROVIDER_CHARGE),
    };
}

struct toll_line_columns toll_line_columns_from(const struct toll_line_columns *columns, size_t first)
{
    return (struct toll_line_columns){
        .account = columns->account + first,
        .price = columns->price + first,
        .billed = columns->billed + first,
        .tuple = columns->tuple + first,
        .charge = columns->charge + first,
        .status = columns->status + first,
        .class_jurisdiction = columns->class_jurisdiction + first,
        .included = FROM(columns->included, first),
        .pool = FROM(columns->pool, first),
        .cost = FROM(columns->cost, first),
        .cost_price = FROM(columns->cost_price, first),
        .cost_status = FROM(columns->cost_status, first),
        .book = FROM(columns->book, first),
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

static void keep_found(const struct toll_block_rows *rows)
{
    const struct toll_block *block = rows->block;
    const struct toll_block_found *to = rows->context->found;
    memcpy(to->near, block->near, rows->rows * sizeof *to->near);
    memcpy(to->owner, block->owner, rows->rows * sizeof *to->owner);
    memcpy(to->shape, block->shape, rows->rows * sizeof *to->shape);
    memcpy(to->class_jurisdiction, rows->line.class_jurisdiction, rows->rows);
    memcpy(to->legs, block->legs, block->leg_count * sizeof *to->legs);
    *to->leg_count = (uint32_t)block->leg_count;
}

/* near: only suspense and draws ask for it. */
static void take_found(const struct toll_block_rows *rows)
{
    struct toll_block *block = rows->block;
    const struct toll_block_found *from = rows->context->found;
    if (rows->context->draws != NULL || !rows->context->no_suspense)
        memcpy(block->near, from->near, rows->rows * sizeof *block->near);
    memcpy(block->owner, from->owner, rows->rows * sizeof *block->owner);
    memcpy(block->shape, from->shape, rows->rows * sizeof *block->shape);
    memcpy(rows->line.class_jurisdiction, from->class_jurisdiction, rows->rows);
    block->leg_count = *from->leg_count;
    memcpy(block->legs, from->legs, block->leg_count * sizeof *block->legs);
}

static uint16_t kinds_of(const uint16_t *kind, size_t rows)
{
    uint16_t any = 0;
    for (size_t i = 0; i < rows; i++)
        any |= kind[i];
    return any;
}

/* Who pays, class and jurisdiction. */
static void find_ends(const struct toll_block_rows *rows, int64_t *since)
{
    const size_t again = toll_block_classify(rows);
    lap(rows->context, TOLL_STAGE_CLASSIFY, since);
    toll_block_payers(rows);
    lap(rows->context, TOLL_STAGE_PAYER, since);
    toll_block_ends(rows, again);
    if (rows->context->found != NULL)
        keep_found(rows);
}

static void keep_slots(const struct toll_block_rows *rows, size_t first)
{
    const struct toll_block_context *context = rows->context;
    const uint32_t *slots = toll_block_slots(rows), *places = context->places;
    if (places == NULL)
        memcpy(context->slots + first, slots, rows->rows * sizeof *slots);
    for (size_t i = 0; places != NULL && i < rows->rows; i++)
        context->slots[places[i]] = slots[i];
}

void toll_block_rate(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                     size_t first, size_t rows, const struct toll_line_columns *lines)
{
    TOLL_ASSERT(rows <= TOLL_BLOCK_ROWS_MAX && first + rows <= (size_t)batch->rows);
    const struct toll_block_rows block = {
        .context = context,
        .rater = context->rater,
        .block = context->block,
        /* A lane of a book that does not know a column must not see it, though another one reads it. */
        .cdr = toll_cdr_batch_from(batch, first, rows, context->rater->columns),
        .line = toll_line_columns_from(lines, first),
        .rows = rows,
        .last = first + rows == (size_t)batch->rows,
        .kinds = kinds_of(batch->kind + first, rows),
    };
    int64_t since = 0;
    lap(context, TOLL_STAGES, &since);
    expect(context, block.cdr.start, rows, 0);
    if (context->was_found)
        take_found(&block);
    else
        find_ends(&block, &since);
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
    if (context->plans != NULL)
        toll_block_plans(&block, first);
    lap(context, TOLL_STAGE_ODD, &since);
    if (context->rater->tuples != NULL)
        toll_block_tuples(&block);
    if (context->slots != NULL)
        keep_slots(&block, first);
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
