/*
 * Which decks of a book are sheets of one trie (simd/layout_sheet.h), found when a run is planned. Vendors'
 * sheets and price groups mostly have the same prefixes: then one trie serves them all and stays in the near
 * caches, and rows by band need no entry to be read. Whatever is not so regular, dates, steps, rows that are
 * walked, a prefix with other bands than the rest, is asked of the deck itself, with the same answer.
 */
#ifndef TOLL_PIPELINE_SHEETS_H
#define TOLL_PIPELINE_SHEETS_H

#include "book/book.h"
#include "simd/layout_sheet.h"

#include <stdbool.h>
#include <stddef.h>

#define TOLL_SHEET_BANDS_MAX 8 /* decks with more are no sheets */

struct toll_sheet_band {
    int32_t band;
    struct toll_sheet_now now; /* .terms TOLL_SHEET_ASK: no price, or not always one */
};

struct toll_sheet {
    uint32_t family; /* 1 + index; 0: the deck is no sheet */
    uint32_t band_count;
    struct toll_sheet_band bands[TOLL_SHEET_BANDS_MAX];
};

/* Decks that share a trie, in words of their own. */
struct toll_sheet_family {
    struct toll_lpm lpm; /* places in `words` */
    uint32_t *words;     /* owned; NULL: the family came to nothing, or they have moved */
    size_t word_count;
};

struct toll_sheets {
    struct toll_sheet *decks; /* by deck id, count of them; NULL: no deck is a sheet */
    uint32_t count;           /* ids below have an element */
    bool by_band;             /* some sheet has a calendar */
    struct toll_family_shape shape;
    uint32_t *terms; /* the shape's; owned */
    size_t term_count;
    struct toll_sheet_family *families;
    uint32_t family_count;
};

/* False: out of memory; end it all the same. */
bool toll_sheets_init(struct toll_sheets *sheets, const struct toll_book *book);
void toll_sheets_free(struct toll_sheets *sheets); /* safe on a zeroed struct */

/* A deck that is a sheet, in a band. */
static inline struct toll_sheet_now toll_sheet_in_band(const struct toll_sheet *sheet, int32_t band)
{
    for (uint32_t i = 0; i < sheet->band_count; i++)
        if (sheet->bands[i].band == band)
            return sheet->bands[i].now;
    return (struct toll_sheet_now){0, TOLL_SHEET_ASK};
}

#endif
