/* The price row of a deck: docs/RATING.md sections 8 and 10. */
#include "pipeline/row.h"

uint32_t toll_price_value(const struct toll_rater *rater, int32_t deck, const struct toll_row *row,
                          unsigned *miss)
{
    const struct toll_deck *table = &rater->book->decks[deck];
    if (table->key == TOLL_KEY_CALLTYPE) {
        *miss = TOLL_SUSPENSE_NO_CALLTYPE;
        return row->calltype_values[rater->calltype_places[deck] - 1];
    }
    const unsigned type = toll_kind_callee_type(row->kind);
    const bool dialled =
        type == TOLL_NUMBER_E164 || type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION;
    *miss = dialled ? TOLL_SUSPENSE_NO_PREFIX : TOLL_SUSPENSE_BAD_NUMBER;
    return type == TOLL_NUMBER_E164 ? toll_lpm_one(&table->lpm, rater->lpm_words, row->callee)
                                    : table->lpm.everything;
}

static int32_t band_at(const struct toll_rater *rater, struct toll_band_cursor *cursor, int32_t deck,
                       toll_ms at)
{
    if (rater->book->decks[deck].calendar == 0)
        return 0;
    if (at < cursor->from || at >= cursor->until)
        cursor->band = toll_book_band(rater->book, (uint32_t)deck, at, &cursor->from, &cursor->until);
    return cursor->band;
}

unsigned toll_price_resolve(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                            uint32_t value, toll_ms at, unsigned miss, uint32_t *price)
{
    const struct toll_book *book = rater->book;
    while ((value & TOLL_LPM_ENTRY) != 0) {
        const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
        bool in_force = false;
        int32_t plain = 0, banded = 0;
        for (uint32_t i = entry->first; i < entry->first + entry->count; i++) {
            const struct toll_entry_row *row = &book->entry_rows[i];
            if (at < row->from || at >= row->until)
                continue;
            in_force = true;
            if (row->band == 0)
                plain = row->price;
            else if (row->band == band_at(rater, &cursors[deck], deck, at))
                banded = row->price;
        }
        if (in_force) {
            *price = (uint32_t)(banded != 0 ? banded : plain);
            return *price != 0 ? 0 : TOLL_SUSPENSE_NO_BAND;
        }
        value = entry->shorter;
    }
    *price = value;
    return value != 0 ? 0 : miss;
}

unsigned toll_price_find(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                         const struct toll_row *row, uint32_t *price)
{
    unsigned miss;
    const uint32_t value = toll_price_value(rater, deck, row, &miss);
    return toll_price_resolve(rater, cursors, deck, value, row->start, miss, price);
}
