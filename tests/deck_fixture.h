/* Looking prices up in a compiled book by the layout's own words, not by the code that rates. */
#ifndef TOLL_TESTS_DECK_FIXTURE_H
#define TOLL_TESTS_DECK_FIXTURE_H

#include "base/digits.h"
#include "book_fixture.h"
#include "ratetable/lpm.h"

#define NOON "2026-03-02T12:00:00Z"

/* What a value of a deck's own means in the book. */
static inline uint32_t own_value(const struct toll_deck *deck, uint32_t value)
{
    if (value == 0)
        return 0;
    return (value & TOLL_LPM_ENTRY) != 0 ? TOLL_LPM_ENTRY | ((value & TOLL_LPM_INDEX) + deck->entry_first)
                                         : deck->price_first + (value - 1);
}

/* A row of an entry: its price's id, and for what it is. */
struct entry_row {
    const struct toll_entry_span *span;
    int32_t price;
};
static inline struct entry_row entry_row(const struct toll_book *book, uint32_t deck,
                                         const struct toll_entry *entry, uint32_t i)
{
    const struct toll_entry_row *row = &book->entry_rows[book->decks[deck].row_first + entry->first + i];

    return (struct entry_row){&book->entry_spans[row->span],
                              (int32_t)(book->decks[deck].price_first + row->price - 1)};
}

/* The price row of a value (the book's own) at a time in a band at the call's start, as layout.h says; 0
 * none, -1 a key in force without this band. */
static inline int32_t price_of(const struct toll_book *book, uint32_t deck, uint32_t value, toll_ms at,
                               int32_t band)
{
    while ((value & TOLL_LPM_ENTRY) != 0) {
        const struct toll_entry *entry = &book->entries[value & TOLL_LPM_INDEX];
        int32_t plain = 0, with_band = 0;
        bool in_force = false;
        for (uint32_t i = 0; i < entry->count; i++) {
            const struct entry_row row = entry_row(book, deck, entry, i);
            if (at < row.span->from || at >= row.span->until)
                continue;
            in_force = true;
            if (row.span->step > 0)
                continue;
            if (row.span->band == 0)
                plain = row.price;
            else if (row.span->band == band)
                with_band = row.price;
        }
        if (in_force)
            return with_band > 0 ? with_band : plain > 0 ? plain : -1;
        value = own_value(&book->decks[deck], entry->shorter);
    }
    return (int32_t)value;
}

static inline uint32_t deck_id(const struct toll_book *book, const char *name)
{
    for (uint32_t i = 1; i < book->deck_count; i++) {
        if (strcmp(toll_book_string(book, book->decks[i].name), name) == 0)
            return i;
    }
    fail_msg("no deck %s", name);
    return 0;
}

static inline int32_t band_id(const struct toll_book *book, const char *name)
{
    for (uint32_t i = 1; i < book->band_count; i++) {
        if (strcmp(toll_book_string(book, book->band_names[i]), name) == 0)
            return (int32_t)i;
    }
    return 0;
}

static inline int32_t price_at(const struct toll_book *book, const char *deck, const char *number,
                               const char *at, const char *band)
{
    const uint32_t id = deck_id(book, deck);
    const struct toll_deck *record = &book->decks[id];
    uint64_t key;

    assert_true(record->key == TOLL_KEY_CALLEE || record->key == TOLL_KEY_CALLER);
    assert_true(toll_digits_pack(number, strlen(number), &key));
    return price_of(book, id, own_value(record, toll_lpm_find(&record->lpm, book->lpm_words, key)),
                    book_ms(at), band_id(book, band));
}

static inline const struct toll_terms *terms_of(const struct toll_book *book, int32_t price)
{
    assert_true(price > 0);
    return &book->terms[book->price_terms[price]];
}

/* The value of a number (7 digits or more) in a deck by prefix. */
static inline uint32_t value_at(const struct toll_book *book, const char *deck, const char *number)
{
    const struct toll_deck *record = &book->decks[deck_id(book, deck)];
    uint64_t key;

    assert_true(toll_digits_pack(number, strlen(number), &key));
    return own_value(record, toll_lpm_find(&record->lpm, book->lpm_words, key));
}

/* The entry that a number has in a deck. */
static inline const struct toll_entry *entry_at(const struct toll_book *book, const char *deck,
                                                const char *number)
{
    const uint32_t value = value_at(book, deck, number);

    assert_true((value & TOLL_LPM_ENTRY) != 0);
    return &book->entries[value & TOLL_LPM_INDEX];
}

#endif
