/*
 * From decks to price rows: docs/RATING.md section 8. All rows' keys are looked up together; what that leaves
 * over, dated and banded rows and misses, is done row by row, and misses go on to the next rule in rounds.
 */
#include "pipeline/stages.h"

/* ---- rate columns ---- */

/* Rows whose deck chooses by a basis other than the book's. */
static void choose_by_own_basis(const struct toll_block_rows *rows, unsigned basis, const uint32_t *list,
                                size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    size_t own = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list == NULL ? (uint32_t)k : list[k];
        block->second[own] = i;
        own += (rater->deck_ways[block->deck[i]] & TOLL_WAY_BASIS_BITS) == toll_way_of_basis(basis);
    }
    toll_block_jurisdictions(rows, (enum toll_jurisdiction_basis)basis, block->second, own,
                             block->jurisdiction);
    for (size_t n = 0; n < own; n++) {
        const uint32_t i = block->second[n];
        block->column[i] = rater->deck_columns[block->deck[i] * 8 + block->jurisdiction[n]];
    }
}

/* Which of the four rates of its deck's rows each listed row takes; list NULL: all rows. */
static void choose_columns(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    if (!rater->by_jurisdiction)
        return;
    for (size_t k = 0; k < count; k++) {
        const size_t i = list == NULL ? k : list[k];
        block->column[i] = rater->deck_columns[block->deck[i] * 8 + (rows->line.class_jurisdiction[i] & 7)];
    }
    for (unsigned basis = TOLL_BASIS_ANI; basis <= TOLL_BASIS_CARRIER; basis++)
        if ((rater->own_bases >> basis & 1) != 0)
            choose_by_own_basis(rows, basis, list, count);
}

static void add_columns(const struct toll_block_rows *rows)
{
    struct toll_block *block = rows->block;
    if (!rows->rater->by_jurisdiction)
        return;
    for (size_t i = 0; i < rows->rows; i++) {
        const uint32_t value = block->value[i];
        const bool plain = (value != 0) & ((value & TOLL_LPM_ENTRY) == 0);
        block->value[i] = value + (block->column[i] & (0u - (uint32_t)plain));
    }
}

/* ---- one row ---- */

/* From what its deck has to a price or a status. False: nothing, and the next rule is to be asked. */
static bool settle(const struct toll_block_rows *rows, size_t i, uint32_t value)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    const unsigned column = rater->by_jurisdiction ? block->column[i] : 0;
    struct toll_price_found found = {0, 0};
    unsigned status;
    if ((value & TOLL_LPM_ENTRY) != 0) {
        const unsigned miss = toll_block_miss(rows, i);
        status = toll_price_resolve(rater, rows->context->cursors, (int32_t)block->deck[i], value,
                                    rows->cdr.start[i], miss, column, &found);
        if (status == miss && toll_block_goes_on(rows, i)) {
            rows->line.status[i] = (uint8_t)status;
            return false;
        }
    } else if (value == 0) { /* the start, in far memory, need not be looked at */
        status = toll_block_miss(rows, i);
        if (toll_block_goes_on(rows, i)) {
            rows->line.status[i] = (uint8_t)status;
            return false;
        }
    } else {
        found.price = value + column;
        status = 0;
    }
    rows->line.status[i] = (uint8_t)status;
    rows->line.price[i] = (int32_t)found.price;
    block->terms[i] = found.price == 0 || found.walk != 0 ? 0 : 1 + rater->book->price_terms[found.price];
    block->value[i] = found.walk;
    block->bill[block->bill_count] = (uint32_t)i;
    block->bill_count += found.walk != 0;
    return true;
}

/* ---- all rows ---- */

/* Of the rows the price kernel has left over, in block->rest, those that go on to another rule. */
static size_t settle_rest(const struct toll_block_rows *rows, size_t count)
{
    struct toll_block *block = rows->block;
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = block->rest[k];
        const uint32_t price = (uint32_t)rows->line.price[i];
        if ((block->value[i] & TOLL_LPM_ENTRY) == 0 && price != 0) { /* its terms are far */
            block->terms[i] = 1 + rows->rater->book->price_terms[price];
            continue;
        }
        rows->line.price[i] = 0;
        block->rest[left] = i;
        left += !settle(rows, i, block->value[i]);
    }
    return left;
}

void toll_block_prices(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    choose_columns(rows, NULL, rows->rows);
    add_columns(rows);
    const size_t rest = rater->kernels->price(rater->price_terms, block->value, block->deck, rows->rows,
                                              rows->line.price, block->terms, block->rest);
    size_t left = settle_rest(rows, rest);
    for (size_t k = 0; k < block->bill_count; k++)
        block->terms[block->bill[k]] = 0;
    while (left > 0) {
        left = toll_block_next_rules(rows, block->rest, left);
        choose_columns(rows, block->rest, left);
        toll_block_values(rows, block->rest, left, block->list_value[0]);
        size_t again = 0;
        for (size_t k = 0; k < left; k++) {
            const uint32_t i = block->rest[k];
            block->rest[again] = i;
            again += !settle(rows, i, block->list_value[0][k]);
        }
        left = again;
    }
}
