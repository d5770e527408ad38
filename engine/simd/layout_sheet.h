/*
 * Decks as sheets of one trie: made when a run is planned, never stored. Decks with the same prefixes share a
 * trie whose values do not name a price but a place: which of a deck's rows, and the class of its prices.
 * Rows of equal class have equal terms in each deck and band, so that a deck in one band is two numbers:
 * where its price rows begin, and where its terms by class do.
 */
#ifndef TOLL_SIMD_LAYOUT_SHEET_H
#define TOLL_SIMD_LAYOUT_SHEET_H

#include <stdint.h>

/* A deck in the band of the moment. */
struct toll_sheet_now {
    uint32_t price; /* of ordinal 0 */
    uint32_t terms; /* the first in `terms` of struct toll_family_shape, or one of: */
};
#define TOLL_SHEET_NONE UINT32_MAX      /* the deck is none: its values are price rows */
#define TOLL_SHEET_ASK (UINT32_MAX - 1) /* the band's rows have to be looked at one by one */
#define TOLL_SHEETS_MAX 256u            /* decks with such an id or above are no sheets */

/*
 * A value is 0, no match; TOLL_LPM_ENTRY, to be asked of the deck itself; or class << class_shift | ordinal,
 * neither of them 0. The price row is now.price + (ordinal << price_shift), its terms are terms[now.terms +
 * class], 1 + an index of the book's.
 */
struct toll_family_shape {
    const uint32_t *terms;
    uint32_t ordinal_mask;
    uint8_t class_shift, price_shift;
};

#endif
