/* What a block adds to the sums of its worker, and the lines of suspense.csv. */
#include "pipeline/stages.h"

/* What a line of suspense.csv is about, besides reason and account; of the reasons that have no list. */
static uint64_t suspense_key(const struct toll_block_rows *rows, size_t i, unsigned status)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const uint32_t *texts = rows->context->map->calltype_texts;
    switch (status) {
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

/* Rows by what they lack. Most lack an account or a prefix, in no order that a processor could foresee, so
 * these have lists of their own, made and walked without a branch. */
struct lacking {
    uint32_t *account, *prefix, *other;
    size_t account_count, prefix_count, other_count;
};

static struct lacking sort_by_reason(const struct toll_block_rows *rows, size_t rest)
{
    struct toll_block *block = rows->block;
    struct lacking lacking = {block->second, block->list_deck, block->rest, 0, 0, 0};
    for (size_t k = 0; k < rest; k++) {
        const uint32_t i = block->rest[k];
        const unsigned status = rows->line.status[i];
        lacking.account[lacking.account_count] = i;
        lacking.account_count += status == TOLL_SUSPENSE_NO_ACCOUNT;
        lacking.prefix[lacking.prefix_count] = i;
        lacking.prefix_count += status == TOLL_SUSPENSE_NO_PREFIX;
        lacking.other[lacking.other_count] = i;
        lacking.other_count += (status != TOLL_SUSPENSE_NO_ACCOUNT) & (status != TOLL_SUSPENSE_NO_PREFIX);
    }
    return lacking;
}

static void add_listed(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    struct toll_suspense *suspense = &rows->context->tally->suspense;
    const struct toll_block *block = rows->block;
    const uint8_t *statuses = rows->line.status;
    const uint32_t *places = rows->context->places;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        toll_suspense_look(suspense, statuses[i], rows->line.account[i], block->near[i]);
    }
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k], place = places == NULL ? i : places[i];
        toll_suspense_add(suspense, statuses[i], rows->line.account[i], block->near[i], rows->context->part,
                          rows->cdr.first_row + (int64_t)place);
    }
}

static void add_without_account(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    struct toll_tally *tally = rows->context->tally;
    uint64_t *about = rows->block->near;
    size_t left = 0;
    tally->status_rows[TOLL_SUSPENSE_NO_ACCOUNT] += (int64_t)count;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        about[i] = about[i] == 0 ? 0 : toll_suspense_number(about[i]);
        list[left] = i;
        left +=
            toll_suspense_expect(&tally->suspense, TOLL_SUSPENSE_NO_ACCOUNT, rows->line.account[i], about[i]);
    }
    add_listed(rows, list, left);
}

static void add_without_prefix(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    struct toll_tally *tally = rows->context->tally;
    uint64_t *about = rows->block->near;
    size_t left = 0;
    tally->status_rows[TOLL_SUSPENSE_NO_PREFIX] += (int64_t)count;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        about[i] = toll_suspense_destination(rows->cdr.callee[i]);
        list[left] = i;
        left +=
            toll_suspense_expect(&tally->suspense, TOLL_SUSPENSE_NO_PREFIX, rows->line.account[i], about[i]);
    }
    add_listed(rows, list, left);
}

static void add_others(const struct toll_block_rows *rows, uint32_t *list, size_t count)
{
    struct toll_tally *tally = rows->context->tally;
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        const unsigned status = rows->line.status[i];
        tally->status_rows[status]++;
        if (status < TOLL_SUSPENSE_FIRST)
            continue;
        rows->block->near[i] = suspense_key(rows, i, status);
        list[left] = i;
        left += toll_suspense_expect(&tally->suspense, status, rows->line.account[i], rows->block->near[i]);
    }
    add_listed(rows, list, left);
}

static void add_suspense(const struct toll_block_rows *rows, size_t rest)
{
    const struct lacking lacking = sort_by_reason(rows, rest);
    toll_suspense_begin(&rows->context->tally->suspense);
    add_without_account(rows, lacking.account, lacking.account_count);
    add_without_prefix(rows, lacking.prefix, lacking.prefix_count);
    add_others(rows, lacking.other, lacking.other_count);
}

/* Statuses alone. */
static void count_rest(const struct toll_block_rows *rows, size_t rest)
{
    for (size_t k = 0; k < rest; k++)
        rows->context->tally->status_rows[rows->line.status[rows->block->rest[k]]]++;
}

static void count_surcharges(const struct toll_block_rows *rows)
{
    struct toll_tally *tally = rows->context->tally;
    if (tally->surcharges != NULL)
        toll_surcharges_count(tally->surcharges, rows->rater->surcharges, rows->context->map, &rows->cdr, 0,
                              rows->rows, rows->line.status, rows->block->bucket);
}

void toll_block_tally(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_tally *tally = rows->context->tally;
    struct toll_block *block = rows->block;
    if (rows->context->no_sums) {
        tally->rows += (int64_t)rows->rows;
        note_prices(rows);
        count_surcharges(rows);
        return;
    }
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
    if (rows->context->no_suspense)
        count_rest(rows, out.rest_count);
    else
        add_suspense(rows, out.rest_count);
    count_surcharges(rows);
}
