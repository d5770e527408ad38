/* The stages of a block. Each says which rows it settles; what remains goes on, and the odd ones are done at
 * the end. */
#include "pipeline/block.h"

#include "base/check.h"

#include <string.h>
#include <time.h>

_Static_assert(TOLL_CALL_SERVICE == TOLL_KIND_SERVICE && TOLL_CALL_VOICE == TOLL_VOICE &&
                   TOLL_CALL_IN == TOLL_KIND_IN && TOLL_CALL_ANSWERED == TOLL_KIND_ANSWERED &&
                   TOLL_CALL_CREDIT == TOLL_KIND_CREDIT && TOLL_CALL_CONFLICT == TOLL_KIND_CONFLICT &&
                   TOLL_CALL_CALLER_TYPE == TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLER_TYPE_SHIFT &&
                   TOLL_CALL_CALLEE_TYPE == TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLEE_TYPE_SHIFT &&
                   TOLL_CALL_CALLER_E164 == TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT &&
                   TOLL_CALL_CALLEE_E164 == TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT,
               "the kernels' bits of a kind");

const char *toll_stage_name(enum toll_stage stage)
{
    static const char *const names[] = {"read",  "classify", "payer", "rules", "prefix",
                                        "price", "charge",   "odd",   "tally"};
    return names[stage];
}

void toll_line_columns_place(struct toll_line_columns *columns, uint8_t *block, int64_t rows)
{
    size_t offsets[TOLL_LINE_COLUMNS];
    toll_lines_batch_layout(rows, offsets);
    columns->account = (int32_t *)(block + offsets[0]);
    columns->price = (int32_t *)(block + offsets[1]);
    columns->billed = (int32_t *)(block + offsets[2]);
    columns->charge = (int64_t *)(block + offsets[3]);
    columns->tuple = (int32_t *)(block + offsets[4]);
    columns->status = block + offsets[5];
    columns->class_jurisdiction = block + offsets[6];
}

/* ---- payer: owner of each row; a conflict of parties makes the row odd ---- */

static void find_payers(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        size_t first, size_t rows)
{
    const struct toll_rater *rater = context->rater;
    struct toll_block *block = context->block;
    if (batch->charged == NULL && batch->trunk == NULL && batch->hint == NULL) {
        rater->kernels->probe(rater->numbers, rater->number_lines, block->near, rows, block->owner);
        return;
    }
    for (size_t i = 0; i < rows; i++) {
        struct toll_row row;
        struct toll_payer payer;
        toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
        toll_payer_find(rater, &row, &payer);
        block->owner[i] = payer.owner;
        if (payer.conflict)
            block->shape[i] &= TOLL_VERDICT_KEYS - 1;
    }
}

/* ---- rules: account, plan, and the deck or price where that is all the rules say ---- */

/* Owners that change with time, as they are at the call's start. */
static void settle_owners(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                          size_t first, size_t rows)
{
    uint32_t *restrict owner = context->block->owner;
    uint32_t any = 0;
    for (size_t i = 0; i < rows; i++)
        any |= owner[i];
    if ((any & TOLL_OWNER_DATED) == 0)
        return;
    for (size_t i = 0; i < rows; i++)
        if ((owner[i] & TOLL_OWNER_DATED) != 0)
            owner[i] = toll_book_owner_at(context->rater->book, owner[i], batch->start[first + i]);
}

static void find_verdicts(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                          size_t first, size_t rows, int32_t *account, int32_t *price, uint8_t *status)
{
    const struct toll_rater *rater = context->rater;
    struct toll_block *block = context->block;
    const bool by_record = rater->book->has_trunk_plans || rater->book->has_carrier_plans;
    struct toll_verdicts_out out = {
        .account = account,
        .price = price,
        .bucket = block->bucket,
        .deck = block->deck,
        .status = status,
        .odd = block->odd,
        .planless = block->rest,
    };
    settle_owners(context, batch, first, rows);
    rater->kernels->rules(rater->owners, rater->verdicts, block->owner, block->shape, by_record, rows, &out);
    block->odd_count = out.odd_count;
    for (size_t k = 0; k < out.planless_count; k++) {
        const uint32_t i = block->rest[k];
        struct toll_row row;
        toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
        const int32_t plan = toll_plan_find(rater, block->owner[i], row.trunk, row.carrier, row.start, NULL);
        const uint32_t key = block->shape[i] & (TOLL_VERDICT_KEYS - 1);
        const uint32_t verdict = rater->verdicts[(uint32_t)plan * TOLL_VERDICT_KEYS + key];
        if ((verdict & TOLL_VERDICT_PRICE) != 0)
            price[i] = (int32_t)(verdict & ~TOLL_VERDICT_PRICE);
        else if (verdict != 0)
            block->deck[i] = verdict;
        else
            block->odd[block->odd_count++] = i;
    }
}

/* ---- price: from the deck's value to a price row ---- */

static void find_prices(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        size_t first, size_t rows, int32_t *price, uint8_t *status)
{
    struct toll_block *block = context->block;
    const size_t rest = context->rater->kernels->price(context->rater->price_terms, block->value, block->deck,
                                                       rows, price, block->terms, block->rest);
    for (size_t k = 0; k < rest; k++) {
        const size_t i = block->rest[k];
        struct toll_price_found found = {(uint32_t)price[i], 0};
        if ((block->value[i] & TOLL_LPM_ENTRY) != 0)
            status[i] |= (uint8_t)toll_price_resolve(
                context->rater, context->cursors, (int32_t)block->deck[i], block->value[i],
                batch->start[first + i], TOLL_SUSPENSE_NO_PREFIX, 0, &found);
        else if (block->deck[i] != 0 &&
                 found.price == 0) /* the start, in far memory, need not be looked at */
            status[i] |= TOLL_SUSPENSE_NO_PREFIX;
        price[i] = (int32_t)found.price;
        block->terms[i] = found.price == 0 ? 0 : 1 + context->rater->book->price_terms[found.price];
    }
}

/* ---- the odd rows ---- */

static void rate_odd(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                     size_t first, const struct toll_line_columns *at)
{
    struct toll_block *block = context->block;
    for (size_t k = 0; k < block->odd_count; k++) {
        const size_t i = block->odd[k];
        struct toll_row row;
        struct toll_row_answer answer;
        toll_row_read(context->rater, context->map, batch, (int64_t)(first + i), &row);
        toll_row_rate(context->rater, context->cursors, &row, NULL, &answer);
        at->account[i] = answer.account;
        at->price[i] = answer.price;
        at->billed[i] = answer.billed;
        at->charge[i] = answer.charge;
        at->status[i] = (uint8_t)answer.status;
        at->class_jurisdiction[i] = (uint8_t)((unsigned)answer.class_ << 4 | (unsigned)answer.jurisdiction);
        block->bucket[i] = context->rater->book->owners[answer.payer.owner].bucket;
        if (toll_kind_service(row.kind) != TOLL_VOICE)
            context->tally->other_prices[answer.price] |= (uint8_t)(1u << toll_kind_service(row.kind));
    }
}

/* ---- sums ---- */

/* As toll_digits_masked shows it: hidden digits become the nibble C. */
static uint64_t masked_number(uint64_t number)
{
    const unsigned digits = toll_digits_count(number);
    const unsigned open = digits > 8 ? 4 : 1, end = digits > 8 ? digits - 2 : digits;
    const uint64_t from_open = UINT64_MAX >> 4 * open, from_end = end > 15 ? 0 : UINT64_MAX >> 4 * end;
    const uint64_t hidden = from_open & ~from_end;
    return (number & ~hidden) | (UINT64_C(0xCCCCCCCCCCCCCCCC) & hidden);
}

/* Seven digits tell the destination; of a number hardly longer than that, four. */
static uint64_t masked_destination(uint64_t number)
{
    return number |
           (toll_digits_count(number) > 8 ? UINT64_C(0x0000000fffffffff) : UINT64_C(0x0000ffffffffffff));
}

/* What a line of suspense.csv is about, besides reason and account. */
static uint64_t suspense_key(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                             size_t row, unsigned status, uint64_t near, int32_t price)
{
    switch (status) {
    case TOLL_SUSPENSE_NO_ACCOUNT:
        return near == 0 ? 0 : masked_number(near);
    case TOLL_SUSPENSE_NO_PREFIX:
        return masked_destination(batch->callee[row]);
    case TOLL_SUSPENSE_NO_CALLTYPE:
        return batch->calltype == NULL || context->map->calltype_texts == NULL
                   ? 0
                   : context->map->calltype_texts[batch->calltype[row]];
    case TOLL_SUSPENSE_BLOCKED:
    case TOLL_SUSPENSE_NO_RATE:
        return (uint64_t)(uint32_t)price;
    default:
        return 0;
    }
}

static void add_up(const struct toll_block_context *context, const struct toll_cdr_batch *batch, size_t first,
                   size_t rows, const struct toll_line_columns *at)
{
    struct toll_tally *tally = context->tally;
    struct toll_block *block = context->block;
    const int32_t *prices = at->price;
    const uint8_t *statuses = at->status;
    struct toll_tally_out out = {
        .buckets = tally->buckets, .voice_prices = tally->voice_prices, .rest = block->rest};
    context->rater->kernels->tally(batch->kind + first, prices, at->billed, at->charge, statuses,
                                   block->bucket, rows, &out);
    const size_t rest = out.rest_count;
    tally->billed_s += out.voice_units;
    tally->rows += (int64_t)rows;
    tally->status_rows[TOLL_RATED] += out.rated;
    tally->status_rows[TOLL_ZERO_UNANSWERED] += out.unanswered;
    if (tally->rows - tally->settled_rows > TOLL_TALLY_SETTLE_ROWS - TOLL_BLOCK_ROWS_MAX)
        toll_tally_settle(tally, context->rater->book);

    /* Those in suspense: first what is said of each, then the sums, whose far memory is on its way then. */
    size_t suspended = 0;
    for (size_t k = 0; k < rest; k++) {
        const uint32_t i = block->rest[k];
        const unsigned status = statuses[i];
        tally->status_rows[status]++;
        if (status < TOLL_SUSPENSE_FIRST)
            continue;
        block->near[i] = suspense_key(context, batch, first + i, status, block->near[i], prices[i]);
        block->rest[suspended] = i;
        suspended += toll_suspense_expect(&tally->suspense, status, at->account[i], block->near[i]);
    }
    for (size_t k = 0; k < suspended; k++) {
        const uint32_t i = block->rest[k];
        const size_t place = context->places == NULL ? first + i : context->places[first + i];
        toll_suspense_add(&tally->suspense, statuses[i], at->account[i], block->near[i], context->part,
                          batch->first_row + (int64_t)place);
    }
}

/* ---- all of it ---- */

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

void toll_block_rate(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                     size_t first, size_t rows, const struct toll_line_columns *lines)
{
    TOLL_ASSERT(rows <= TOLL_BLOCK_ROWS_MAX && first + rows <= (size_t)batch->rows);
    const struct toll_rater *rater = context->rater;
    struct toll_block *block = context->block;
    const struct toll_line_columns at = {
        .account = lines->account + first,
        .price = lines->price + first,
        .billed = lines->billed + first,
        .tuple = lines->tuple + first,
        .charge = lines->charge + first,
        .status = lines->status + first,
        .class_jurisdiction = lines->class_jurisdiction + first,
    };
    int64_t since = 0;
    lap(context, TOLL_STAGES, &since);
    rater->kernels->classify(rater->call_areas, rater->numbers, rater->number_lines, batch->caller + first,
                             batch->callee + first, batch->kind + first, rows, block->near, block->shape,
                             at.class_jurisdiction);
    lap(context, TOLL_STAGE_CLASSIFY, &since);
    find_payers(context, batch, first, rows);
    lap(context, TOLL_STAGE_PAYER, &since);
    find_verdicts(context, batch, first, rows, at.account, at.price, at.status);
    lap(context, TOLL_STAGE_RULES, &since);
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->deck, batch->callee + first, rows,
                        block->value);
    lap(context, TOLL_STAGE_PREFIX, &since);
    find_prices(context, batch, first, rows, at.price, at.status);
    lap(context, TOLL_STAGE_PRICE, &since);
    toll_voice_block(rater->kernels, rater->book->terms, rater->voice_terms, block->terms,
                     batch->duration_ms + first, rows, block->rest, at.price, at.billed, at.charge,
                     at.status);
    memset(at.tuple, 0, rows * sizeof *at.tuple);
    lap(context, TOLL_STAGE_CHARGE, &since);
    rate_odd(context, batch, first, &at);
    lap(context, TOLL_STAGE_ODD, &since);
    add_up(context, batch, first, rows, &at);
    lap(context, TOLL_STAGE_TALLY, &since);
}
