/*
 * From decks to price rows: docs/RATING.md section 8. All rows' keys are looked up together; what that leaves
 * over, dated and banded rows and misses, is done row by row, and misses go on to the next rule in rounds.
 */
#include "pipeline/stages.h"
#include "rating/billed.h"

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
        block->column[i] = (uint8_t)toll_way_column(rater->deck_ways[block->deck[i]], block->jurisdiction[n]);
    }
}

/* The ask kernel knows the columns by the book's basis; those of decks with their own are put right. list
 * NULL: of all rows. */
static void correct_columns(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    for (unsigned basis = TOLL_BASIS_ANI; basis <= TOLL_BASIS_CARRIER; basis++)
        if ((rows->rater->own_bases >> basis & 1) != 0)
            choose_by_own_basis(rows, basis, list, count);
}

/* Which of the four rates of its deck's rows each listed row takes. */
static void choose_columns(const struct toll_block_rows *rows, const uint32_t *list, size_t count)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    for (size_t k = 0; k < count && rater->by_jurisdiction; k++) {
        const size_t i = list[k];
        block->column[i] =
            (uint8_t)toll_way_column(rater->deck_ways[block->deck[i]], rows->line.class_jurisdiction[i] & 7u);
    }
    correct_columns(rows, list, count);
}

/* ---- one row ---- */

static uint32_t terms_of(const struct toll_rater *rater, uint32_t price)
{
    const uint32_t near = price < rater->price_near ? rater->price_terms[price] : TOLL_TERMS_FAR;
    return near != TOLL_TERMS_FAR ? near : 1 + rater->book->price_terms[price];
}

/* Does a call end before its entry's price may change? Then its first row prices all of it, and walking it
 * would do the same sum. */
static bool ends_before_change(const struct toll_block_rows *rows, size_t i,
                               const struct toll_price_found *found)
{
    const struct toll_book *book = rows->rater->book;
    const struct toll_entry *entry = &book->entries[found->walk];
    const uint32_t deck = rows->block->deck[i];
    const struct toll_entry_row *row = toll_entry_rows(book, &book->decks[deck], entry);
    const struct toll_terms *terms = &book->terms[book->price_terms[found->price]];
    const toll_ms start = rows->cdr.start[i];
    if (toll_kind_service(rows->cdr.kind[i]) != TOLL_VOICE)
        return false;
    const int64_t used =
        toll_units_of_ms(rows->cdr.duration_ms[i], (enum toll_duration_rounding)terms->duration_rounding);
    const int64_t last = used < terms->minimum_units ? terms->minimum_units : used > 0 ? used : 1;
    bool changes = false;
    for (uint32_t k = 0; k < entry->count; k++) {
        const int32_t step = book->entry_spans[row[k].span].step;
        changes |= (step != 0) & (step < last);
    }
    if (changes)
        return false;
    if (book->decks[deck].split == 0 || book->decks[deck].calendar == 0)
        return true;
    toll_ms left;
    toll_deck_band(rows->rater, rows->context->cursors, (int32_t)deck, start);
    return __builtin_sub_overflow(rows->context->cursors[deck].until, start, &left) || last <= left / 1000;
}

/* Of a sheet the price of a value in a band as such, else what the deck itself has, into *value. */
static uint32_t sheet_price(const struct toll_block_rows *rows, size_t i, uint32_t *value)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_family_shape *shape = &rater->sheets.shape;
    const uint32_t deck = rows->block->deck[i];
    const int32_t band = toll_deck_band(rater, rows->context->cursors, (int32_t)deck, rows->cdr.start[i]);
    const struct toll_sheet_now now = toll_sheet_in_band(&rater->sheets.decks[deck], band);
    if ((*value & TOLL_LPM_ENTRY) == 0 && now.terms != TOLL_SHEET_ASK)
        return now.price + ((*value & shape->ordinal_mask) << shape->price_shift);
    *value = toll_block_own_value(rows, i);
    return 0;
}

/* From what its deck has to a price or a status. False: nothing, and the next rule is to be asked. */
static bool settle(const struct toll_block_rows *rows, size_t i, uint32_t value)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    const unsigned column = rater->by_jurisdiction ? block->column[i] : 0;
    struct toll_price_found found = {0, 0};
    unsigned status = TOLL_SUSPENSE_NO_PREFIX;
    if (value != 0 && toll_rater_is_sheet(rater, block->deck[i]))
        found.price = sheet_price(rows, i, &value);
    if (found.price != 0) {
        status = 0;
    } else if ((value & TOLL_LPM_ENTRY) != 0) {
        status = toll_price_resolve(rater, rows->context->cursors, (int32_t)block->deck[i], value,
                                    rows->cdr.start[i], TOLL_SUSPENSE_NO_PREFIX, column, &found);
    } else if (value != 0) { /* the start, in far memory, need not be looked at */
        found.price = value + column;
        status = 0;
    }
    if (status == TOLL_SUSPENSE_NO_PREFIX) {
        status = toll_block_miss(rows, i);
        if (toll_block_goes_on(rows, i)) {
            rows->line.status[i] = (uint8_t)status;
            return false;
        }
    }
    if (found.walk != 0 && ends_before_change(rows, i, &found))
        found.walk = 0;
    rows->line.status[i] = (uint8_t)status;
    rows->line.price[i] = (int32_t)found.price;
    block->terms[i] = found.walk != 0 ? 0 : terms_of(rater, found.price);
    block->value[i] = found.walk;
    block->bill[block->bill_count] = (uint32_t)i;
    block->bill_count += found.walk != 0;
    return true;
}

/* ---- all rows ---- */

/* values: by place in the list. The rows that go on to another rule stay in it; returns how many. */
static size_t settle_list(const struct toll_block_rows *rows, uint32_t *list, const uint32_t *values,
                          size_t count)
{
    size_t left = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = list[k];
        list[left] = i;
        left += !settle(rows, i, values[k]);
    }
    return left;
}

/* Of the rows the price kernel has left over, in block->rest, those of whose deck there is nothing, where no
 * rule goes on: most of them, and nothing else has to be looked at. Returns how many others are left. */
static size_t settle_misses(const struct toll_block_rows *rows, size_t count)
{
    struct toll_block *block = rows->block;
    size_t left = 0;
    if (rows->rater->has_next)
        return count;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = block->rest[k];
        const bool missed = (block->value[i] == 0) & (rows->line.price[i] == 0);
        block->rest[left] = i;
        left += !missed;
        if (missed)
            rows->line.status[i] = (uint8_t)toll_block_miss(rows, i);
    }
    return left;
}

/* The rest of them, as settle_list. */
static size_t settle_rest(const struct toll_block_rows *rows, size_t count)
{
    struct toll_block *block = rows->block;
    uint32_t *values = block->list_value[0];
    size_t open = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = block->rest[k], price = (uint32_t)rows->line.price[i];
        if ((block->value[i] & TOLL_LPM_ENTRY) == 0 && price != 0) { /* its terms are far */
            block->terms[i] = terms_of(rows->rater, price);
            continue;
        }
        rows->line.price[i] = 0;
        block->rest[open] = i;
        values[open++] = block->value[i];
    }
    return settle_list(rows, block->rest, values, open);
}

/* The decks that are sheets as the block's first call finds them, and how long that holds. */
static void place_sheets(const struct toll_block_rows *rows, struct toll_price_in *in)
{
    const struct toll_rater *rater = rows->rater;
    const struct toll_sheets *sheets = &rater->sheets;
    struct toll_block *block = rows->block;
    if (sheets->decks == NULL || sheets->family_count == 0 || rows->rows == 0)
        return;
    in->sheets = block->sheets;
    in->sheet_count = (sheets->count + 31) / 32 * 32;
    in->shape = sheets->shape;
    in->start = sheets->by_band ? rows->cdr.start : NULL;
    in->from = TOLL_MS_MIN;
    in->until = TOLL_MS_MAX;
    const toll_ms at = sheets->by_band ? rows->cdr.start[0] : 0;
    for (uint32_t deck = 0; deck < in->sheet_count; deck++) {
        if (deck >= sheets->count || sheets->decks[deck].family == 0) {
            block->sheets[deck] = (struct toll_sheet_now){0, TOLL_SHEET_NONE};
            continue;
        }
        int32_t band = 0;
        if (rater->book->decks[deck].calendar != 0) {
            const struct toll_band_cursor *cursor = &rows->context->cursors[deck];
            band = toll_deck_band(rater, rows->context->cursors, (int32_t)deck, at);
            in->from = cursor->from > in->from ? cursor->from : in->from;
            in->until = cursor->until < in->until ? cursor->until : in->until;
        }
        block->sheets[deck] = toll_sheet_in_band(&sheets->decks[deck], band);
    }
}

void toll_block_prices(const struct toll_block_rows *rows)
{
    const struct toll_rater *rater = rows->rater;
    struct toll_block *block = rows->block;
    correct_columns(rows, NULL, rows->rows);
    struct toll_price_in in = {
        .price_terms = rater->price_terms,
        .column = rater->by_jurisdiction ? block->column : NULL,
        .deck = block->deck,
    };
    place_sheets(rows, &in);
    const size_t rest =
        rater->kernels->price(&in, rows->rows, block->value, rows->line.price, block->terms, block->rest);
    size_t left = settle_rest(rows, settle_misses(rows, rest));
    for (size_t k = 0; k < block->bill_count; k++)
        block->terms[block->bill[k]] = 0;
    while (left > 0) {
        left = toll_block_next_rules(rows, block->rest, left);
        choose_columns(rows, block->rest, left);
        toll_block_values(rows, block->rest, left, block->list_value[0]);
        left = settle_list(rows, block->rest, block->list_value[0], left);
    }
}
