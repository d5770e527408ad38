/* The stages of a block. Each says which rows it settles; what remains goes on, and the odd ones are done at
 * the end. */
#include "pipeline/block.h"

#include "base/check.h"

#include <string.h>
#include <time.h>

/* What the bulk stages may assume of a row, above its verdict key (TOLL_VERDICT_KEYS). None of both: nothing,
 * so toll_row_rate does it. */
#define PLAIN 0x80u       /* an answered voice call to an E.164 number, neither conflict nor credit */
#define UNANSWERED 0x100u /* the same, not answered */
#define VERDICT_KEY (TOLL_VERDICT_KEYS - 1)
#define VERDICT_IN 0x40u
_Static_assert(PLAIN == TOLL_VERDICT_KEYS, "the bits above the key");

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

/* All bits set where `condition`: the stages choose by masks, since what a call is like is nothing a branch
 * can guess. */
static inline uint64_t mask(bool condition)
{
    return (uint64_t)0 - condition;
}

/* ---- classify: who might pay, class, jurisdiction, verdict key ---- */

#define CALLER_E164 (TOLL_NUMBER_E164 << TOLL_KIND_CALLER_TYPE_SHIFT)
#define CALLER_TYPE (TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLER_TYPE_SHIFT)
#define CALLEE_E164 (TOLL_NUMBER_E164 << TOLL_KIND_CALLEE_TYPE_SHIFT)
#define CALLEE_TYPE (TOLL_KIND_TYPE_MASK << TOLL_KIND_CALLEE_TYPE_SHIFT)
/* Bits of a kind that make a row plain or unanswered, and what they are then. */
#define UNANSWERED_BITS (TOLL_KIND_SERVICE | TOLL_KIND_CONFLICT | CALLEE_TYPE | TOLL_KIND_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_KIND_CREDIT)
#define UNANSWERED_KIND ((unsigned)TOLL_VOICE | CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_KIND_ANSWERED)

static inline unsigned area_of(const uint8_t *areas, uint64_t number, bool e164)
{
    const unsigned place = number >> 60 == 1 ? (unsigned)(number >> 48) & 0xfff : TOLL_AREAS_ABROAD;
    return areas[e164 ? place : TOLL_AREAS_NO_NUMBER];
}

static void classify(const struct toll_rater *rater, const struct toll_cdr_batch *batch, size_t first,
                     size_t rows, struct toll_block *block, uint8_t *restrict class_jurisdiction)
{
    const uint64_t *restrict caller = batch->caller + first, *restrict callee = batch->callee + first;
    const uint16_t *restrict kind = batch->kind + first;
    const uint8_t *restrict areas = rater->call_areas;
    const struct toll_number_line *numbers = rater->numbers;
    const uint64_t number_lines = rater->number_lines;
    uint64_t *restrict near = block->near;
    uint16_t *restrict shape = block->shape;
    for (size_t i = 0; i < rows; i++) {
        const unsigned k = kind[i];
        const bool in = (k & TOLL_KIND_IN) != 0;
        const bool caller_e164 = (k & CALLER_TYPE) == CALLER_E164;
        const bool callee_e164 = (k & CALLEE_TYPE) == CALLEE_E164;
        near[i] = (callee[i] & mask(in & callee_e164)) | (caller[i] & mask(!in & caller_e164));
        toll_number_line_expect(numbers, number_lines, near[i]);

        /* The class is the callee's; abroad is where either end is. */
        const unsigned area =
            area_of(areas, callee[i], callee_e164) | (area_of(areas, caller[i], caller_e164) & 7u);
        class_jurisdiction[i] = (uint8_t)((area & 0x38u) << 1 | (area & 7u));
        const unsigned plain = (unsigned)mask((k & PLAIN_BITS) == PLAIN_KIND) & PLAIN;
        const unsigned unanswered = (unsigned)mask((k & UNANSWERED_BITS) == UNANSWERED_KIND) & UNANSWERED;
        shape[i] = (uint16_t)(area | ((unsigned)mask(in) & VERDICT_IN) | plain | unanswered);
    }
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
            block->shape[i] &= VERDICT_KEY;
    }
}

/* ---- rules: account, plan, and the deck or price where that is all the rules say ---- */

static void find_verdicts(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                          size_t first, size_t rows, int32_t *restrict account, int32_t *restrict price,
                          uint8_t *restrict status)
{
    const struct toll_rater *rater = context->rater;
    const struct toll_book *book = rater->book;
    const struct toll_hot_owner *restrict owners = rater->owners;
    const uint32_t *restrict verdicts = rater->verdicts;
    const struct toll_tally_bucket *buckets = context->tally->buckets;
    struct toll_block *restrict block = context->block;
    const bool by_record = book->has_trunk_plans || book->has_carrier_plans;
    size_t odd_count = 0;
    for (size_t i = 0; i < rows; i++) {
        uint32_t who = block->owner[i];
        if (__builtin_expect((who & TOLL_OWNER_DATED) != 0, 0))
            who = toll_book_owner_at(book, who, batch->start[first + i]);
        const struct toll_hot_owner *owner = &owners[who];
        __builtin_prefetch(&owners[block->owner[i + TOLL_BLOCK_AHEAD]]);
        const bool known = who != 0;
        int32_t plan = owner->plan;
        account[i] = owner->account;
        block->bucket[i] = owner->bucket;
        __builtin_prefetch(&buckets[owner->bucket], 1);
        if (__builtin_expect(known & (by_record | (plan <= 0)), 0)) {
            struct toll_row row;
            toll_row_read(rater, context->map, batch, (int64_t)(first + i), &row);
            plan = toll_plan_find(rater, who, row.trunk, row.carrier, row.start, NULL);
        }
        const unsigned shape = block->shape[i];
        const bool plain = (shape & PLAIN) != 0, unanswered = (shape & UNANSWERED) != 0;
        const uint32_t verdict = verdicts[(uint32_t)plan * TOLL_VERDICT_KEYS + (shape & VERDICT_KEY)] &
                                 (uint32_t)mask(plain & known);
        const uint32_t priced = (uint32_t)mask((verdict & TOLL_VERDICT_PRICE) != 0);
        block->deck[i] = verdict & ~priced;
        price[i] = (int32_t)(verdict & priced & ~TOLL_VERDICT_PRICE);
        status[i] = (uint8_t)((TOLL_ZERO_UNANSWERED & mask(unanswered)) |
                              (TOLL_SUSPENSE_NO_ACCOUNT & mask(!unanswered & !known)));
        block->odd[odd_count] = (uint32_t)i;
        odd_count += !((verdict != 0) | unanswered | (plain & !known));
    }
    block->odd_count = odd_count;
}

/* ---- price: from the deck's value to a price row ---- */

static void find_prices(const struct toll_block_context *context, const struct toll_cdr_batch *batch,
                        size_t first, size_t rows, int32_t *restrict price, uint8_t *restrict status)
{
    const uint16_t *restrict price_terms = context->rater->price_terms;
    struct toll_block *restrict block = context->block;
    size_t rest = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t value = block->value[i], found = (uint32_t)price[i] | value;
        const bool entry = (value & TOLL_LPM_ENTRY) != 0;
        price[i] = (int32_t)found;
        const uint32_t terms = price_terms[found & (uint32_t)mask(!entry)];
        block->terms[i] = terms;
        block->rest[rest] = (uint32_t)i;
        rest += entry | (terms == TOLL_TERMS_FAR) | ((value == 0) & (block->deck[i] != 0));
    }
    for (size_t k = 0; k < rest; k++) {
        const size_t i = block->rest[k];
        uint32_t found = (uint32_t)price[i];
        if (block->deck[i] != 0)
            status[i] |= (uint8_t)toll_price_resolve(
                context->rater, context->cursors, (int32_t)block->deck[i], block->value[i],
                batch->start[first + i], TOLL_SUSPENSE_NO_PREFIX, &found);
        price[i] = (int32_t)found;
        block->terms[i] = found == 0 ? 0 : 1 + context->rater->book->price_terms[found];
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
    const unsigned open = digits > 8 ? 4 : 1; /* as toll_digits_masked shows */
    uint64_t masked = number;
    for (unsigned i = open; i + (digits > 8 ? 2u : 0u) < digits; i++)
        masked |= UINT64_C(0xC) << (60 - 4 * i);
    for (unsigned i = open; i + (digits > 8 ? 2u : 0u) < digits; i++)
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
        /* Seven digits tell the destination; of a number hardly longer than that, four. */
        return batch->callee[row] |
               (toll_digits_count(batch->callee[row]) > 8 ? UINT64_C(0x0000000fffffffff)
                                                          : UINT64_C(0x0000ffffffffffff));
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
    struct toll_block *restrict block = context->block;
    struct toll_tally_bucket *restrict buckets = tally->buckets;
    uint64_t *restrict voice_prices = tally->voice_prices;
    const uint16_t *restrict kind = batch->kind + first;
    const int32_t *restrict prices = at->price, *restrict units = at->billed;
    const int64_t *restrict charges = at->charge;
    const uint8_t *restrict statuses = at->status;
    size_t rest = 0;
    int64_t billed_s = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool voice = (kind[i] & TOLL_KIND_SERVICE) == TOLL_VOICE;
        const uint32_t price = (uint32_t)prices[i] & (uint32_t)mask(voice);
        const bool settled = statuses[i] < TOLL_SUSPENSE_FIRST;
        __builtin_prefetch(&buckets[block->bucket[i + TOLL_BLOCK_AHEAD]], 1);
        struct toll_tally_bucket *bucket = &buckets[block->bucket[i] & (uint32_t)mask(settled)];
        bucket->rows++;
        bucket->units += units[i];
        bucket->charge += charges[i];
        voice_prices[price >> 6] |= UINT64_C(1) << (price & 63);
        billed_s += units[i] & (int32_t)mask(voice);
        block->rest[rest] = (uint32_t)i;
        rest += statuses[i] != TOLL_RATED;
    }
    tally->billed_s += billed_s;
    tally->rows += (int64_t)rows;
    tally->status_rows[TOLL_RATED] += (int64_t)(rows - rest);

    /* Those in suspense: first what is said of each, then the sums, whose far memory is on its way then. */
    size_t suspended = 0;
    for (size_t k = 0; k < rest; k++) {
        const uint32_t i = block->rest[k];
        const unsigned status = statuses[i];
        tally->status_rows[status]++;
        if (status < TOLL_SUSPENSE_FIRST)
            continue;
        block->near[i] = suspense_key(context, batch, first + i, status, block->near[i], prices[i]);
        toll_suspense_expect(&tally->suspense, status, at->account[i], block->near[i]);
        block->rest[suspended++] = i;
    }
    for (size_t k = 0; k < suspended; k++) {
        const uint32_t i = block->rest[k];
        toll_suspense_add(&tally->suspense, statuses[i], at->account[i], block->near[i], context->part,
                          batch->first_row + (int64_t)(first + i));
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
    classify(rater, batch, first, rows, block, at.class_jurisdiction);
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
    toll_voice_block(rater->book->terms, rater->voice_terms, block->terms, batch->duration_ms + first, rows,
                     at.price, at.billed, at.charge, at.status);
    memset(at.tuple, 0, rows * sizeof *at.tuple);
    lap(context, TOLL_STAGE_CHARGE, &since);
    rate_odd(context, batch, first, &at);
    lap(context, TOLL_STAGE_ODD, &since);
    add_up(context, batch, first, rows, &at);
    lap(context, TOLL_STAGE_TALLY, &since);
}
