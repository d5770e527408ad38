/* The stages of a block, one after the other. */
#include "base/ask.h"
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
        .charge = column_at(block, at[TOLL_LINE_CHARGE]),
        .status = column_at(block, at[TOLL_LINE_STATUS]),
        .class_jurisdiction = column_at(block, at[TOLL_LINE_CLASS_JURISDICTION]),
        .cost = column_at(block, at[TOLL_LINE_COST]),
        .cost_status = column_at(block, at[TOLL_LINE_COST_STATUS]),
        .book = column_at(block, at[TOLL_LINE_BOOK]),
    };
#define PLACE(name, column)                              \
    do {                                                 \
        void *place = column_at(block, at[column]);      \
        if ((optional & TOLL_LINES_NARROW(column)) != 0) \
            columns->narrow.name = place;                \
        else                                             \
            columns->name = place;                       \
    } while (0)
    PLACE(account, TOLL_LINE_ACCOUNT);
    PLACE(price, TOLL_LINE_PRICE);
    PLACE(billed, TOLL_LINE_BILLED);
    PLACE(tuple, TOLL_LINE_TUPLE);
    PLACE(included, TOLL_LINE_INCLUDED);
    PLACE(pool, TOLL_LINE_POOL);
    PLACE(cost_price, TOLL_LINE_COST_PRICE);
#undef PLACE
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
    const struct toll_line_narrow *narrow = &columns->narrow;
    return (struct toll_line_columns){
        .account = FROM(columns->account, first),
        .price = FROM(columns->price, first),
        .billed = FROM(columns->billed, first),
        .tuple = FROM(columns->tuple, first),
        .charge = columns->charge + first,
        .status = columns->status + first,
        .class_jurisdiction = columns->class_jurisdiction + first,
        .included = FROM(columns->included, first),
        .pool = FROM(columns->pool, first),
        .cost = FROM(columns->cost, first),
        .cost_price = FROM(columns->cost_price, first),
        .cost_status = FROM(columns->cost_status, first),
        .book = FROM(columns->book, first),
        .narrow =
            {
                .account = FROM(narrow->account, first),
                .price = FROM(narrow->price, first),
                .billed = FROM(narrow->billed, first),
                .tuple = FROM(narrow->tuple, first),
                .included = FROM(narrow->included, first),
                .pool = FROM(narrow->pool, first),
                .cost_price = FROM(narrow->cost_price, first),
            },
    };
}

/* The same for the stages, which want all columns wide: narrow ones are filled by make_narrow. But no stage
 * knows `included` and `pool`: they stay what they are. */
static struct toll_line_columns wide_from(struct toll_block *block, const struct toll_line_columns *columns,
                                          size_t first)
{
    struct toll_line_columns line = toll_line_columns_from(columns, first);
    const struct toll_line_narrow *narrow = &line.narrow;
    line.account = narrow->account == NULL ? line.account : block->wide.account;
    line.price = narrow->price == NULL ? line.price : block->wide.price;
    line.billed = narrow->billed == NULL ? line.billed : block->wide.billed;
    line.tuple = narrow->tuple == NULL ? line.tuple : block->wide.tuple;
    line.cost_price = narrow->cost_price == NULL ? line.cost_price : block->wide.cost_price;
    return line;
}

/* Until bundles are drawn on. */
static void include_nothing(const struct toll_line_columns *line, size_t rows)
{
    if (line->included != NULL)
        memset(line->included, 0, rows * sizeof *line->included);
    if (line->narrow.included != NULL)
        memset(line->narrow.included, 0, rows * sizeof *line->narrow.included);
    if (line->pool != NULL)
        memset(line->pool, 0, rows * sizeof *line->pool);
    if (line->narrow.pool != NULL)
        memset(line->narrow.pool, 0, rows * sizeof *line->narrow.pool);
}

static void make_narrow(const struct toll_block_rows *rows)
{
    toll_narrow_kernel *kernel = rows->rater->kernels->narrow;
    const struct toll_line_narrow *to = &rows->line.narrow;
    const struct toll_line_columns *from = &rows->line;
    uint32_t beyond = 0;
    beyond |= to->account == NULL ? 0 : kernel(from->account, rows->rows, to->account);
    beyond |= to->price == NULL ? 0 : kernel(from->price, rows->rows, to->price);
    beyond |= to->billed == NULL ? 0 : kernel(from->billed, rows->rows, to->billed);
    beyond |= to->tuple == NULL ? 0 : kernel(from->tuple, rows->rows, to->tuple);
    beyond |= to->cost_price == NULL ? 0 : kernel(from->cost_price, rows->rows, to->cost_price);
    rows->block->beyond |= beyond;
}

/* A part of a column that is read late, once for all. */
static TOLL_ASK void expect(const struct toll_block_context *context, const toll_ms *start, size_t rows,
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
        .line = wide_from(context->block, lines, first),
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
    include_nothing(&block.line, rows);
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
    make_narrow(&block);
    lap(context, TOLL_STAGE_COST, &since);
}
