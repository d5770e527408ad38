/* What a block adds to the sums of its worker, and the lines of suspense.csv. */
#include "pipeline/stages.h"

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
static uint64_t suspense_key(const struct toll_block_rows *rows, size_t i, unsigned status)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const uint32_t *texts = rows->context->map->calltype_texts;
    const uint64_t near = rows->block->near[i];
    switch (status) {
    case TOLL_SUSPENSE_NO_ACCOUNT:
        return near == 0 ? 0 : masked_number(near);
    case TOLL_SUSPENSE_NO_PREFIX:
        return masked_destination(cdr->callee[i]);
    case TOLL_SUSPENSE_NO_CALLTYPE:
        return cdr->calltype == NULL || texts == NULL ? 0 : texts[cdr->calltype[i]];
    case TOLL_SUSPENSE_BLOCKED:
    case TOLL_SUSPENSE_NO_RATE:
        return (uint64_t)(uint32_t)rows->line.price[i];
    default:
        return 0;
    }
}

/* Which price rows lines of services other than voice name; the kernel knows those of voice. */
static void note_prices(const struct toll_block_rows *rows)
{
    uint8_t *prices = rows->context->tally->other_prices;
    const struct toll_block *block = rows->block;
    for (size_t k = 0; k < block->other_count; k++) {
        const uint32_t i = block->others[k];
        prices[rows->line.price[i]] |= (uint8_t)(1u << toll_kind_service(rows->cdr.kind[i]));
    }
}

/* First what is said of each row, then the sums, whose far memory is on its way then. */
static void add_suspense(const struct toll_block_rows *rows, size_t rest)
{
    struct toll_tally *tally = rows->context->tally;
    struct toll_block *block = rows->block;
    const uint8_t *statuses = rows->line.status;
    size_t suspended = 0;
    for (size_t k = 0; k < rest; k++) {
        const uint32_t i = block->rest[k];
        const unsigned status = statuses[i];
        tally->status_rows[status]++;
        if (status < TOLL_SUSPENSE_FIRST)
            continue;
        block->near[i] = suspense_key(rows, i, status);
        block->rest[suspended] = i;
        suspended += toll_suspense_expect(&tally->suspense, status, rows->line.account[i], block->near[i]);
    }
    const uint32_t *places = rows->context->places;
    for (size_t k = 0; k < suspended; k++) {
        const uint32_t i = block->rest[k], place = places == NULL ? i : places[i];
        toll_suspense_add(&tally->suspense, statuses[i], rows->line.account[i], block->near[i],
                          rows->context->part, rows->cdr.first_row + (int64_t)place);
    }
}

void toll_block_tally(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_tally *tally = rows->context->tally;
    struct toll_block *block = rows->block;
    struct toll_tally_out out = {
        .buckets = tally->buckets, .voice_prices = tally->voice_prices, .rest = block->rest};
    rater->kernels->tally(rows->cdr.kind, rows->line.price, rows->line.billed, rows->line.charge,
                          rows->line.status, toll_block_slots(rows), rows->rows, &out);
    tally->billed_s += out.voice_units;
    tally->rows += (int64_t)rows->rows;
    tally->status_rows[TOLL_RATED] += out.rated;
    tally->status_rows[TOLL_ZERO_UNANSWERED] += out.unanswered;
    if (tally->rows - tally->settled_rows > TOLL_TALLY_SETTLE_ROWS - TOLL_BLOCK_ROWS_MAX)
        toll_tally_settle(tally, rater->book);
    note_prices(rows);
    add_suspense(rows, out.rest_count);
    if (tally->surcharges != NULL)
        toll_surcharges_count(tally->surcharges, rater->surcharges, rows->context->map, &rows->cdr, 0,
                              rows->rows, rows->line.status, block->bucket);
}
