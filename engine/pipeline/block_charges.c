/*
 * Units and charge: docs/RATING.md sections 7 and 9. The kernel knows seconds; a quantity of another service
 * is as many of them. What it cannot do, walked calls, mark-ups and very large quantities, is billed row by
 * row.
 */
#include "base/ask.h"
#include "pipeline/stages.h"

#include <string.h>

#define QUANTITY_MAX (INT32_MAX / 1000 - 1)

/* What the kernel is to take as durations; rows with more than it can take go to the list. */
static const int32_t *amounts_of(const struct toll_block_rows *rows)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    struct toll_block *block = rows->block;
    if (block->other_count == 0)
        return cdr->duration_ms;
    memcpy(block->amount_ms, cdr->duration_ms, rows->rows * sizeof *block->amount_ms);
    for (size_t k = 0; k < block->other_count; k++) {
        const uint32_t i = block->others[k];
        const int64_t quantity = cdr->quantity == NULL ? 0 : cdr->quantity[i];
        const bool fits = (quantity >= 0) & (quantity <= QUANTITY_MAX);
        block->amount_ms[i] = fits ? (int32_t)quantity * 1000 : 0;
        if (!fits && block->terms[i] != 0) {
            block->terms[i] = block->value[i] = 0;
            block->bill[block->bill_count++] = i;
        }
    }
    return block->amount_ms;
}

/* Columns of which hardly a row is read. */
static TOLL_ASK void expect_bills(const struct toll_block_rows *rows)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const struct toll_block *block = rows->block;
    for (size_t k = 0; k < block->bill_count; k++) {
        const size_t i = block->bill[k];
        __builtin_prefetch(&cdr->start[i]);
        if (cdr->quantity != NULL)
            __builtin_prefetch(&cdr->quantity[i]);
        if (cdr->provider_charge != NULL)
            __builtin_prefetch(&cdr->provider_charge[i]);
    }
}

static void bill_one(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_price_found found = {(uint32_t)rows->line.price[i], rows->block->value[i]};
    const struct toll_cdr_batch *cdr = &rows->cdr;
    const struct toll_row row = {
        /* all that billing reads */
        .start = cdr->start[i],
        .duration_ms = cdr->duration_ms[i],
        .kind = cdr->kind[i],
        .quantity = cdr->quantity == NULL ? 0 : cdr->quantity[i],
        .provider_charge = cdr->provider_charge == NULL ? 0 : cdr->provider_charge[i],
    };
    rows->line.status[i] =
        (uint8_t)toll_row_bill(rows->rater, rows->context->cursors, &row, (int32_t)rows->block->deck[i],
                               &found, &rows->line.price[i], &rows->line.billed[i], &rows->line.charge[i]);
}

/* Of rows behind the block. */
static struct toll_next_rows next_rows(const struct toll_block_rows *rows)
{
    const struct toll_cdr_batch *cdr = &rows->cdr;
    return (struct toll_next_rows){
        .caller = cdr->caller + rows->rows,
        .callee = cdr->callee + rows->rows,
        .start = cdr->start + rows->rows,
        .duration_ms = cdr->duration_ms + rows->rows,
        .kind = cdr->kind + rows->rows,
    };
}

void toll_block_charges(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    const int32_t *amounts = amounts_of(rows);
    const struct toll_next_rows next = next_rows(rows);
    expect_bills(rows);
    toll_voice_block(rater->kernels, rater->book->terms, &rater->voice_terms, block->terms, amounts,
                     rows->last ? NULL : &next, rows->rows, block->rest, rows->line.price, rows->line.billed,
                     rows->line.charge, rows->line.status);
    for (size_t k = 0; k < block->bill_count; k++)
        bill_one(rows, block->bill[k]);
}

void toll_block_odd(const struct toll_block_rows *rows)
{
    const struct toll_block_context *context = rows->context;
    struct toll_block *block = rows->block;
    for (size_t k = 0; k < block->odd_count; k++) {
        const size_t i = block->odd[k];
        struct toll_row row;
        struct toll_row_answer answer;
        toll_block_read_row(rows, i, &row);
        toll_row_rate(rows->rater, context->cursors, &row, NULL, &answer);
        rows->line.account[i] = answer.account;
        rows->line.price[i] = answer.price;
        rows->line.billed[i] = answer.billed;
        rows->line.charge[i] = answer.charge;
        rows->line.status[i] = (uint8_t)answer.status;
        rows->line.class_jurisdiction[i] =
            (uint8_t)((unsigned)answer.class_ << 4 | (unsigned)answer.jurisdiction);
        block->bucket[i] = rows->rater->book->owners[answer.payer.owner].bucket;
        block->owner[i] = answer.payer.owner;
        block->deck[i] = (uint32_t)answer.deck;
        block->value[i] = answer.found.walk;
        block->terms[i] = 0;
        block->odd_rule[k] = (uint32_t)answer.rule;
    }
}
