/*
 * A book with a change, without editing its files (docs/WHATIF.md section 1). A change of prices alone is
 * made in memory: a book that shares everything with its base but the terms of prices; so is one of the plans
 * of accounts. Any other is compiled from the base's sources, the changed tables in place of its own.
 */
#ifndef TOLL_BOOK_VARIATION_H
#define TOLL_BOOK_VARIATION_H

#include "base/strings.h"
#include "book/book.h"

struct toll_variation {
    struct toll_book *book;
    struct toll_hash128
        hash;      /* what reports call the book (WHATIF.md section 1), made in memory or compiled */
    bool reprices; /* ids of everything are the base's; only terms (and price_terms) are others */
    uint32_t price_first, price_end; /* reprices: all prices outside have the base's price_terms, and these
                                        the base's terms under the same index */
    struct toll_strings
        not_moved; /* accounts of `plan:P accounts:*` whose currency is not that of P's decks */
    void *owned;
};
/* base: an opened book, which must outlive the variation; its embedded sources are what is changed. whole:
 * compile in any case. book_hash is that of a compiled book, all 0 of one that was made in memory.
 * TOLL_EBOOK: the change is wrong or the changed book is; the text says what and what there is that is near.
 */
int toll_variation_make(struct toll_variation *out, const struct toll_io *io, const struct toll_book *base,
                        const char *base_name, const char *change, bool whole,
                        const struct toll_reporter *reporter, struct toll_error *error);
void toll_variation_free(struct toll_variation *variation); /* safe on a zeroed struct */

#endif
