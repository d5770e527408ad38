/* Changes of prices alone, made in memory: a book that shares all with its base but the terms of prices. */
#ifndef TOLL_BOOK_REPRICE_H
#define TOLL_BOOK_REPRICE_H

#include "book/book.h"
#include "book/change.h"

struct toll_repriced {
    struct toll_book *book; /* NULL: it must be compiled */
    uint32_t *price_terms;
    struct toll_terms *terms;
    uint32_t price_first, price_end; /* only these have other terms; the base's terms keep their indices */
};
/* 0 with book NULL where the changes are more than new prices of rows that there are, may be an error, or
 * could come out otherwise than compiled. TOLL_ENOMEM. */
int toll_reprice(struct toll_repriced *out, const struct toll_book *base, const struct toll_change *changes,
                 int count, struct toll_error *error);
void toll_repriced_free(struct toll_repriced *repriced);

#endif
