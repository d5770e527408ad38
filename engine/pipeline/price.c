/* The price row of a deck: docs/RATING.md sections 8 and 10. */
#include "base/check.h"
#include "pipeline/row.h"

enum toll_rate_column toll_rate_column_of(enum toll_call_jurisdiction jurisdiction)
{
    static const uint8_t columns[TOLL_CALL_JURISDICTIONS] = {
        [TOLL_INDETERMINATE] = TOLL_RATE_INDETERMINATE,
        [TOLL_LOCAL] = TOLL_RATE_INTRA,
        [TOLL_INTRASTATE] = TOLL_RATE_INTRA,
        [TOLL_INTERSTATE] = TOLL_RATE_INTER,
        [TOLL_INTERNATIONAL] = TOLL_RATE_OTHER,
    };
    return (enum toll_rate_column)columns[jurisdiction];
}

uint64_t toll_deck_end(const struct toll_deck *deck, const struct toll_row *row, bool caller, unsigned *type)
{
    const uint64_t lrn = caller ? row->lrn_caller : row->lrn_callee;
    *type = caller ? toll_kind_caller_type(row->kind) : toll_kind_callee_type(row->kind);
    if (deck->lrn && lrn != 0 && *type == TOLL_NUMBER_E164)
        return lrn;
    return caller ? row->caller : row->callee;
}

static bool is_dialled(unsigned type)
{
    return type == TOLL_NUMBER_E164 || type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION;
}

/* The value of a prefix table for a number, as the image has it. */
static uint32_t prefix_value(const struct toll_rater *rater, const struct toll_lpm *table, uint64_t number,
                             unsigned type)
{
    return type == TOLL_NUMBER_E164 ? toll_lpm_one(table, rater->book->lpm_words, number) : table->everything;
}

uint32_t toll_price_value(const struct toll_rater *rater, int32_t deck, const struct toll_row *row,
                          unsigned *miss)
{
    const struct toll_deck *table = &rater->book->decks[deck];
    TOLL_DCHECK(table->key != TOLL_KEY_NPANXX_PAIR);
    if (table->key == TOLL_KEY_CALLTYPE) {
        *miss = TOLL_SUSPENSE_NO_CALLTYPE;
        return row->calltype_values[rater->calltype_places[deck] - 1];
    }
    unsigned type;
    const uint64_t number = toll_deck_number(table, row, &type);
    *miss = is_dialled(type) ? TOLL_SUSPENSE_NO_PREFIX : TOLL_SUSPENSE_BAD_NUMBER;
    return toll_deck_value(table, prefix_value(rater, &table->lpm, number, type));
}

int32_t toll_deck_band(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                       toll_ms at)
{
    struct toll_band_cursor *cursor = &cursors[deck];
    if (rater->book->decks[deck].calendar == 0)
        return 0;
    if (at < cursor->from || at >= cursor->until)
        cursor->band = toll_book_band(rater->book, (uint32_t)deck, at, &cursor->from, &cursor->until);
    return cursor->band;
}

bool toll_price_first(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                      const struct toll_entry *entry, toll_ms at, uint32_t *price)
{
    const struct toll_book *book = rater->book;
    const struct toll_deck *table = &book->decks[deck];
    const struct toll_entry_row *row = toll_entry_rows(book, table, entry);
    const int32_t band = toll_deck_band(rater, cursors, deck, at);
    uint32_t in_force = 0, plain = 0, banded = 0;
    for (uint32_t i = 0; i < entry->count; i++) { /* what holds at an instant is nothing a branch can guess */
        const struct toll_entry_span *span = &book->entry_spans[row[i].span];
        const uint32_t holds = 0u - (uint32_t)((at >= span->from) & (at < span->until));
        const uint32_t first = row[i].price & holds & (0u - (uint32_t)(span->step == 0));
        in_force |= holds;
        plain |= first & (0u - (uint32_t)(span->band == 0));
        banded |= first & (0u - (uint32_t)((span->band == band) & (band != 0)));
    }
    const uint32_t found = banded != 0 ? banded : plain;
    *price = found == 0 ? 0 : table->price_first - 1 + found;
    return in_force != 0;
}

unsigned toll_price_resolve(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                            uint32_t value, toll_ms at, unsigned miss, unsigned column,
                            struct toll_price_found *found)
{
    *found = (struct toll_price_found){0, 0};
    while ((value & TOLL_LPM_ENTRY) != 0) {
        const uint32_t index = value & TOLL_LPM_INDEX;
        const struct toll_entry *entry = &rater->book->entries[index];
        if (toll_price_first(rater, cursors, deck, entry, at, &found->price)) {
            if (found->price == 0)
                return TOLL_SUSPENSE_NO_BAND;
            found->price += column;
            found->walk = entry->walk_per != 0 ? index : 0;
            return 0;
        }
        value = toll_deck_value(&rater->book->decks[deck], entry->shorter);
    }
    if (value == 0)
        return miss;
    found->price = value + column;
    return 0;
}

/* ---- key npanxx_pair ---- */

/* The pair that decides: of the callee's prefixes from the longest on, for each the caller's, the first with
 * a row in force. */
static unsigned find_pair(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                          const struct toll_row *row, unsigned column, struct toll_price_found *found)
{
    const struct toll_book *book = rater->book;
    const struct toll_deck *table = &book->decks[deck];
    unsigned callee_type, caller_type;
    const uint64_t callee = toll_deck_end(table, row, false, &callee_type);
    const uint64_t caller = toll_deck_end(table, row, true, &caller_type);
    const uint32_t first = prefix_value(rater, &table->callers, caller, caller_type);
    const unsigned miss = is_dialled(callee_type) && is_dialled(caller_type) ? TOLL_SUSPENSE_NO_PREFIX
                                                                             : TOLL_SUSPENSE_BAD_NUMBER;
    *found = (struct toll_price_found){0, 0};
    for (uint32_t to = prefix_value(rater, &table->lpm, callee, callee_type); to != 0;
         to = book->zone_shorter[to])
        for (uint32_t from = first; from != 0; from = book->zone_shorter[from]) {
            const uint32_t value = toll_book_pair(book, table, to, from);
            const unsigned status =
                value == 0 ? miss
                           : toll_price_resolve(rater, cursors, deck, value, row->start, miss, column, found);
            if (status != miss)
                return status;
        }
    return miss;
}

unsigned toll_price_find(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                         const struct toll_row *row, enum toll_call_jurisdiction jurisdiction,
                         struct toll_price_found *found)
{
    const struct toll_deck *table = &rater->book->decks[deck];
    const unsigned column = table->by_jurisdiction ? toll_rate_column_of(jurisdiction) : 0;
    if (table->key == TOLL_KEY_NPANXX_PAIR)
        return find_pair(rater, cursors, deck, row, column, found);
    unsigned miss;
    const uint32_t value = toll_price_value(rater, deck, row, &miss);
    return toll_price_resolve(rater, cursors, deck, value, row->start, miss, column, found);
}
