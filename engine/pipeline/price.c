/* The price row of a deck: docs/RATING.md sections 8 and 10. */
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

uint64_t toll_deck_number(const struct toll_deck *deck, const struct toll_row *row, unsigned *type)
{
    const bool caller = deck->key == TOLL_KEY_CALLER;
    const uint64_t lrn = caller ? row->lrn_caller : row->lrn_callee;
    *type = caller ? toll_kind_caller_type(row->kind) : toll_kind_callee_type(row->kind);
    if (deck->lrn && lrn != 0 && *type == TOLL_NUMBER_E164)
        return lrn;
    return caller ? row->caller : row->callee;
}

uint32_t toll_price_value(const struct toll_rater *rater, int32_t deck, const struct toll_row *row,
                          unsigned *miss)
{
    const struct toll_deck *table = &rater->book->decks[deck];
    if (table->key == TOLL_KEY_CALLTYPE) {
        *miss = TOLL_SUSPENSE_NO_CALLTYPE;
        return row->calltype_values[rater->calltype_places[deck] - 1];
    }
    unsigned type;
    const uint64_t number = toll_deck_number(table, row, &type);
    const bool dialled =
        type == TOLL_NUMBER_E164 || type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION;
    *miss = dialled ? TOLL_SUSPENSE_NO_PREFIX : TOLL_SUSPENSE_BAD_NUMBER;
    return type == TOLL_NUMBER_E164 ? toll_lpm_one(&table->lpm, rater->lpm_words, number)
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

/* The first row of an entry, of those in force; false: none is. *price 0: none of them is of this band. */
static bool first_row(const struct toll_rater *rater, const struct toll_entry *entry,
                      struct toll_band_cursor *cursor, int32_t deck, toll_ms at, uint32_t *price)
{
    const struct toll_entry_row *rows = rater->book->entry_rows;
    bool in_force = false;
    int32_t plain = 0, banded = 0;
    for (uint32_t i = entry->first; i < entry->first + entry->count; i++) {
        if (at < rows[i].from || at >= rows[i].until)
            continue;
        in_force = true;
        if (rows[i].step != 0)
            continue;
        if (rows[i].band == 0)
            plain = rows[i].price;
        else if (rows[i].band == band_at(rater, cursor, deck, at))
            banded = rows[i].price;
    }
    *price = (uint32_t)(banded != 0 ? banded : plain);
    return in_force;
}

unsigned toll_price_resolve(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                            uint32_t value, toll_ms at, unsigned miss, unsigned column,
                            struct toll_price_found *found)
{
    *found = (struct toll_price_found){0, 0};
    while ((value & TOLL_LPM_ENTRY) != 0) {
        const uint32_t index = value & TOLL_LPM_INDEX;
        const struct toll_entry *entry = &rater->book->entries[index];
        if (first_row(rater, entry, &cursors[deck], deck, at, &found->price)) {
            if (found->price == 0)
                return TOLL_SUSPENSE_NO_BAND;
            found->price += column;
            found->walk = entry->walk_per != 0 ? index : 0;
            return 0;
        }
        value = entry->shorter;
    }
    if (value == 0)
        return miss;
    found->price = value + column;
    return 0;
}

unsigned toll_price_find(const struct toll_rater *rater, struct toll_band_cursor *cursors, int32_t deck,
                         const struct toll_row *row, enum toll_call_jurisdiction jurisdiction,
                         struct toll_price_found *found)
{
    const bool by_jurisdiction = rater->book->decks[deck].by_jurisdiction != 0;
    const unsigned column = by_jurisdiction ? toll_rate_column_of(jurisdiction) : 0;
    unsigned miss;
    const uint32_t value = toll_price_value(rater, deck, row, &miss);
    return toll_price_resolve(rater, cursors, deck, value, row->start, miss, column, found);
}
