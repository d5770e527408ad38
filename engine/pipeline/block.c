/* The stages of a block. Each says which rows it settles; what remains goes on, and the odd ones are done at
 * the end. */
#include "pipeline/block.h"

#include "base/check.h"

#include <string.h>
#include <time.h>

/* What the bulk stages may assume of a row. */
enum shape {
    ODD,        /* nothing: toll_row_rate */
    PLAIN,      /* an answered voice call to an E.164 number, neither conflict nor credit */
    UNANSWERED, /* the same, not answered */
};

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

/* ---- classify: who might pay, class, jurisdiction, chain key ---- */

#define TYPE_E164(shift) (TOLL_NUMBER_E164 << (shift))
#define TYPE_MASK(shift) (TOLL_KIND_TYPE_MASK << (shift))

/* All bits set where `condition`: the stages choose by masks, since what a call is like is nothing a branch
 * can guess. */
static inline uint64_t mask(bool condition)
{
    return (uint64_t)0 - condition;
}

static inline unsigned area_of(const uint8_t *areas, uint64_t number, bool e164)
{
    const unsigned begins_1 = (unsigned)mask(number >> 60 == 1);
    const unsigned area = (areas[number >> 48 & 0xfff] & begins_1) | (TOLL_AREA_INTERNATIONAL & ~begins_1);
    return area & (unsigned)mask(e164);
}

static void classify(const struct toll_rater *rater, const struct toll_cdr_batch *batch, size_t first,
                     size_t rows, struct toll_block *block, uint8_t *class_jurisdiction)
{
    static const uint8_t classes[] = {
        [0] = TOLL_ORDINARY,
        [TOLL_AREA_TOLL_FREE] = TOLL_TOLL_FREE,
        [TOLL_AREA_PREMIUM] = TOLL_PREMIUM,
        [TOLL_AREA_INTERNATIONAL] = TOLL_ORDINARY,
    };
    const uint64_t *caller = batch->caller + first, *callee = batch->callee + first;
    const uint16_t *kind = batch->kind + first;
    const uint8_t *areas = rater->areas;
    const unsigned nanp = (unsigned)mask(rater->book->nanp);
    for (size_t i = 0; i < rows; i++) {
        const unsigned k = kind[i];
        const bool in = (k & TOLL_KIND_IN) != 0;
        const bool caller_e164 =
            (k & TYPE_MASK(TOLL_KIND_CALLER_TYPE_SHIFT)) == TYPE_E164(TOLL_KIND_CALLER_TYPE_SHIFT);
        const bool callee_e164 =
            (k & TYPE_MASK(TOLL_KIND_CALLEE_TYPE_SHIFT)) == TYPE_E164(TOLL_KIND_CALLEE_TYPE_SHIFT);
        block->near[i] = (callee[i] & mask(in & callee_e164)) | (caller[i] & mask(!in & caller_e164));

        const unsigned callee_area = area_of(areas, callee[i], callee_e164);
        const unsigned caller_area = area_of(areas, caller[i], caller_e164);
        const unsigned abroad = (callee_area | caller_area) & TOLL_AREA_INTERNATIONAL & nanp;
        const unsigned class_ = classes[callee_area];
        const unsigned jurisdiction = abroad / TOLL_AREA_INTERNATIONAL * TOLL_INTERNATIONAL;
        class_jurisdiction[i] = (uint8_t)(class_ << 4 | jurisdiction);
        block->chain[i] = (uint16_t)toll_chain_key(TOLL_VOICE, in, class_, jurisdiction);

        const bool bulk = callee_e164 & ((k & (TOLL_KIND_SERVICE | TOLL_KIND_CONFLICT)) == TOLL_VOICE);
        const bool answered = (k & TOLL_KIND_ANSWERED) != 0;
        const bool plain = bulk & answered & ((k & TOLL_KIND_CREDIT) == 0);
        block->shape[i] = (uint8_t)((PLAIN & mask(plain)) | (UNANSWERED & mask(bulk & !answered)));
    }
}

/* ---- payer: owner of each row; a conflict of parties makes the row odd ---- */

static void find_payers(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        size_t first, size_t rows)
{
    const struct toll_rater *rater = context->rater;
    const struct toll_book *book = rater->book;
    struct toll_block *block = context->block;
    if (batch->charged != NULL || batch->trunk != NULL || batch->hint != NULL) {
        for (size_t i = 0; i < rows; i++) {
            struct toll_row row;
            struct toll_payer payer;
            toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
            toll_payer_find(rater, &row, &payer);
            block->owner[i] = payer.owner;
            if (payer.conflict)
                block->shape[i] = ODD;
        }
        return;
    }
    rater->kernels->probe(rater->numbers, book->number_capacity, block->near, rows, block->owner);
    for (size_t i = 0; i < rows; i++) {
        if (__builtin_expect((block->owner[i] & TOLL_OWNER_DATED) != 0, 0))
            block->owner[i] = toll_book_owner_at(book, block->owner[i], batch->start[first + i]);
        __builtin_prefetch(&rater->owners[block->owner[i]]);
    }
}

/* ---- rules: account, plan, and the deck where that is all the rules say ---- */

static void find_decks(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                       size_t first, size_t rows, int32_t *account, uint8_t *status)
{
    const struct toll_rater *rater = context->rater;
    const struct toll_book *book = rater->book;
    struct toll_block *block = context->block;
    const bool by_record = book->has_trunk_plans || book->has_carrier_plans;
    size_t odd_count = 0;
    for (size_t i = 0; i < rows; i++) {
        const struct toll_owner *owner = &rater->owners[block->owner[i]];
        const bool known = block->owner[i] != 0;
        int32_t plan = owner->plan;
        account[i] = owner->account;
        block->bucket[i] = owner->bucket;
        __builtin_prefetch(&context->tally->buckets[owner->bucket], 1);
        if (__builtin_expect(known && (by_record || plan <= 0), 0)) {
            struct toll_row row;
            toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
            plan = toll_plan_find(rater, block->owner[i], row.trunk, row.carrier, row.start, NULL);
        }
        const int32_t deck = rater->simple_decks[(size_t)plan * TOLL_CHAIN_KEYS + block->chain[i]];
        const bool plain = block->shape[i] == PLAIN;
        const bool unanswered = block->shape[i] == UNANSWERED;
        const bool bulk = plain & known & (deck != 0);
        block->deck[i] = (uint32_t)deck & (uint32_t)mask(bulk);
        status[i] = (uint8_t)((TOLL_ZERO_UNANSWERED & mask(unanswered)) |
                              (TOLL_SUSPENSE_NO_ACCOUNT & mask(!unanswered & !known)));
        block->odd[odd_count] = (uint32_t)i;
        odd_count += !(bulk | unanswered | (plain & !known));
    }
    block->odd_count = odd_count;
}

/* ---- price: from the deck's value to a price row and its terms ---- */

static void find_prices(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        size_t first, size_t rows, int32_t *price, uint8_t *status)
{
    const struct toll_rater *rater = context->rater;
    struct toll_block *block = context->block;
    for (size_t i = 0; i < rows; i++) {
        uint32_t found = block->value[i];
        if (__builtin_expect((found & TOLL_LPM_ENTRY) != 0 || (found == 0 && block->deck[i] != 0), 0))
            status[i] |=
                (uint8_t)toll_price_resolve(rater, context->cursors, (int32_t)block->deck[i], found,
                                            batch->start[first + i], TOLL_SUSPENSE_NO_PREFIX, &found);
        const uint32_t packed = rater->price_terms[found];
        const uint32_t state = packed >> TOLL_PRICE_STATE_SHIFT;
        price[i] = (int32_t)found;
        block->terms[i] = packed & TOLL_PRICE_TERMS_INDEX;
        if (__builtin_expect(state != TOLL_PRICE_OK, 0)) {
            status[i] = state == TOLL_PRICE_BLOCKED ? TOLL_SUSPENSE_BLOCKED : TOLL_SUSPENSE_NO_RATE;
            block->terms[i] = 0;
        }
    }
}

/* ---- charge ---- */

static void charge_rows(const struct toll_block_context *context, const int32_t *duration_ms, size_t rows,
                        const struct toll_line_columns *at)
{
    const struct toll_rater *rater = context->rater;
    struct toll_block *block = context->block;
    toll_billed_block(rater->book->terms, rater->billed_fast, block->terms, duration_ms, rows, at->billed,
                      block->outcome);
    toll_charge_block(rater->book->terms, rater->charge_fast, block->terms, at->billed, rows, at->charge,
                      block->outcome);
    for (size_t i = 0; i < rows; i++) {
        if (__builtin_expect(block->outcome[i] == TOLL_BILLED, 1))
            continue;
        const bool zero = block->outcome[i] == TOLL_BILLED_ZERO;
        at->status[i] = zero ? TOLL_ZERO_DURATION : TOLL_SUSPENSE_OVERFLOW;
        at->price[i] = zero ? at->price[i] : 0;
        at->billed[i] = 0;
        at->charge[i] = 0;
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

static uint64_t masked_number(uint64_t number)
{
    const unsigned digits = toll_digits_count(number);
    const unsigned open = digits > 5 ? 4 : 1; /* as toll_digits_masked shows */
    uint64_t masked = number;
    for (unsigned i = open; i + (digits > 5 ? 2u : 0u) < digits; i++)
        masked |= UINT64_C(0xC) << (60 - 4 * i);
    for (unsigned i = open; i + (digits > 5 ? 2u : 0u) < digits; i++)
        masked &= ~(UINT64_C(0x3) << (60 - 4 * i));
    return masked;
}

/* What a line of suspense.csv is about, besides reason and account. */
static uint64_t suspense_key(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                             size_t row, unsigned status, uint64_t near, int32_t price)
{
    switch (status) {
    case TOLL_SUSPENSE_NO_ACCOUNT:
        return near == 0 ? 0 : masked_number(near);
    case TOLL_SUSPENSE_NO_PREFIX:
        return batch->callee[row] | UINT64_C(0x0000000fffffffff);
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
    const uint16_t *kind = batch->kind + first;
    size_t rest = 0;
    int64_t billed_s = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool voice = (kind[i] & TOLL_KIND_SERVICE) == TOLL_VOICE;
        const uint32_t price = (uint32_t)at->price[i] & (uint32_t)mask(voice);
        const bool settled = at->status[i] < TOLL_SUSPENSE_FIRST;
        struct toll_tally_bucket *bucket = &tally->buckets[block->bucket[i] & (uint32_t)mask(settled)];
        bucket->rows++;
        bucket->units += at->billed[i];
        bucket->charge += at->charge[i];
        tally->voice_prices[price >> 6] |= UINT64_C(1) << (price & 63);
        billed_s += at->billed[i] & (int32_t)mask(voice);
        block->rest[rest] = (uint32_t)i;
        rest += at->status[i] != TOLL_RATED;
    }
    tally->billed_s += billed_s;
    tally->rows += (int64_t)rows;
    tally->status_rows[TOLL_RATED] += (int64_t)(rows - rest);
    for (size_t k = 0; k < rest; k++) {
        const size_t i = block->rest[k];
        const unsigned status = at->status[i];
        tally->status_rows[status]++;
        if (status >= TOLL_SUSPENSE_FIRST)
            toll_suspense_add(&tally->suspense, status, at->account[i],
                              suspense_key(context, batch, first + i, status, block->near[i], at->price[i]),
                              context->part, batch->first_row + (int64_t)(first + i));
    }
}

/* ---- all of it ---- */

static inline void lap(const struct toll_block_context *context, enum toll_stage stage, int64_t *since)
{
    if (context->stage_ns == NULL)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
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
    classify(rater, batch, first, rows, block, at.class_jurisdiction);
    lap(context, TOLL_STAGE_CLASSIFY, &since);
    find_payers(context, batch, first, rows);
    lap(context, TOLL_STAGE_PAYER, &since);
    find_decks(context, batch, first, rows, at.account, at.status);
    lap(context, TOLL_STAGE_RULES, &since);
    rater->kernels->lpm(rater->tables, rater->lpm_words, block->deck, batch->callee + first, rows,
                        block->value);
    lap(context, TOLL_STAGE_PREFIX, &since);
    find_prices(context, batch, first, rows, at.price, at.status);
    lap(context, TOLL_STAGE_PRICE, &since);
    charge_rows(context, batch->duration_ms + first, rows, &at);
    memset(at.tuple, 0, rows * sizeof *at.tuple);
    lap(context, TOLL_STAGE_CHARGE, &since);
    rate_odd(context, batch, first, &at);
    lap(context, TOLL_STAGE_ODD, &since);
    add_up(context, batch, first, rows, &at);
    lap(context, TOLL_STAGE_TALLY, &since);
}
