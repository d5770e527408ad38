/*
 * The stages of a block (pipeline/block.h), in their order; each file block_<stage>.c is one. A stage says
 * which rows it settles; what it cannot do in bulk it marks as odd, and such rows are done one by one at the
 * end.
 */
#ifndef TOLL_PIPELINE_STAGES_H
#define TOLL_PIPELINE_STAGES_H

#include "pipeline/block.h"

/* The rows of one block: columns of CDRs and of lines both begin at its first row. */
struct toll_block_rows {
    const struct toll_block_context *context;
    const struct toll_rater *rater;
    struct toll_block *block;
    struct toll_cdr_batch cdr; /* rows: of the block; first_row: of the part */
    struct toll_line_columns line;
    size_t rows;
    bool last;      /* the batch has no rows behind these */
    uint16_t kinds; /* bits that some row's kind has */
    /* The buy side: the plan of each row, the book's plan_count if it has none; `line` has the cost's columns
     * then. NULL: the sell side. */
    const uint32_t *buy_plan;
};

static inline void toll_block_read_row(const struct toll_block_rows *rows, size_t i, struct toll_row *row)
{
    toll_row_read(rows->rater, rows->context->map, &rows->cdr, (int64_t)i, row);
}

/* The carrier's word of the jurisdiction, -1 none; there is a column of call types and there are words. */
static inline int toll_block_word(const struct toll_block_rows *rows, size_t i)
{
    const struct toll_part_map *map = rows->context->map;
    const size_t carrier = rows->cdr.carrier == NULL ? 0 : rows->cdr.carrier[i];
    return map->words[(size_t)rows->cdr.calltype[i] * map->carrier_count + carrier];
}

/* near, shape and class byte; the number of rows in block->rest whose jurisdiction is still open. */
size_t toll_block_classify(const struct toll_block_rows *rows);

/* Owner of each row, none of them dated. A conflict of parties makes a row neither plain nor unanswered. */
void toll_block_payers(const struct toll_block_rows *rows);

/* Jurisdiction of the rows in block->rest, and of all that need the payer's site or the carrier's word; then
 * on-net. */
void toll_block_ends(const struct toll_block_rows *rows, size_t again);
/* By any basis: of row list[k] in jurisdictions[k]. Uses number, list_deck and list_value of the block. */
void toll_block_jurisdictions(const struct toll_block_rows *rows, enum toll_jurisdiction_basis basis,
                              const uint32_t *list, size_t count, uint8_t *jurisdictions);

/* Rows of feeds that are not sold: the rules take them for unanswered calls, which get an account and no
 * more; what they are is said at the end. */
void toll_block_feeds(const struct toll_block_rows *rows);
void toll_block_feeds_end(const struct toll_block_rows *rows);

/* Account, bucket, and deck, price or status as the rules say without a look at a deck; the odd rows. */
void toll_block_rules(const struct toll_block_rows *rows);
/* The class of a row whose callee is a short code; false: it is an emergency call, and nothing is done. */
bool toll_block_classify_short(const struct toll_block_rows *rows, size_t i);
/* The rules of the listed rows, whose verdict is open, from the first on; as toll_block_next_rules. */
void toll_block_walk_chains(const struct toll_block_rows *rows, uint32_t *list, size_t count);
/* The rules of each listed row from its rule_at on, until one decides: if it is a deck, the row stays in the
 * list. status: as long as no rule decides. Returns how many rows are left in the list. */
size_t toll_block_next_rules(const struct toll_block_rows *rows, uint32_t *list, size_t count);
/* Row i's deck has nothing: is there a rule to go on at? Then rule_at is it. */
bool toll_block_goes_on(const struct toll_block_rows *rows, size_t i);

/* values[k] = what the deck of row list[k] has, as an LPM value (npanxx_pair: of the pair that decides; of a
 * sheet as simd/layout_sheet.h says); list NULL: of row k. Uses number, list_deck, list_value and second of
 * the block. */
void toll_block_values(const struct toll_block_rows *rows, const uint32_t *list, size_t count,
                       uint32_t *values);
/* The same of one row whose deck is a sheet, as the book has it: a price or an entry. */
uint32_t toll_block_own_value(const struct toll_block_rows *rows, size_t i);
/* The status of a row of which its deck has nothing. */
unsigned toll_block_miss(const struct toll_block_rows *rows, size_t i);

/* From decks to price rows and their terms; rows that must be billed one by one are in block->bill. */
void toll_block_prices(const struct toll_block_rows *rows);

/* Units and charge of all rows but the odd ones. */
void toll_block_charges(const struct toll_block_rows *rows);
/* The odd rows, one by one. */
void toll_block_odd(const struct toll_block_rows *rows);

/* The payer's plan of every row, into context->plans; first: the block's first row in the batch. */
void toll_block_plans(const struct toll_block_rows *rows, size_t first);

/* Tuples, and where each line counts then; rater->tuples is there. */
void toll_block_tuples(const struct toll_block_rows *rows);
/* Where the block's lines count: block->slot of a taxed book, else block->bucket. */
static inline const uint32_t *toll_block_slots(const struct toll_block_rows *rows)
{
    return rows->rater->tuples == NULL ? rows->block->bucket : rows->block->slot;
}

/* The rows whose charge depends on the calls before, into context->draws; first: the block's first row in the
 * batch. */
void toll_block_draws(const struct toll_block_rows *rows, size_t first);

/* All sums. */
void toll_block_tally(const struct toll_block_rows *rows);

/* What the finished lines cost, and its sums; first: row of the batch. Changes block->shape and all scratch.
 */
void toll_block_cost(const struct toll_block_rows *rows, size_t first);

#endif
