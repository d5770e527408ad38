/* Small predicates that the checks of an image share. */
#ifndef TOLL_BOOK_CHECK_H
#define TOLL_BOOK_CHECK_H

#include "book/image.h"

/* A problem that is none of the image's; told from the others by its address. */
extern const char toll_check_no_memory[];

/* Decks, tries, entries, prices, destinations. NULL, or what is wrong. */
const char *toll_check_prices(const struct toll_book *book, const struct toll_image_view *view);

/* Surcharges; accounts, sites, trunks and carriers were checked before. */
const char *toll_check_surcharges(const struct toll_book *book);

static inline bool toll_check_range(uint64_t first, uint64_t count, uint64_t limit)
{
    return first <= limit && count <= limit - first;
}

/* An id that must name something: 1..count-1. */
static inline bool toll_check_id(int32_t id, uint32_t count)
{
    return id > 0 && (uint32_t)id < count;
}

/* The strings end with a terminator, so an offset within them is a string. */
static inline bool toll_check_text(const struct toll_book *book, uint32_t offset)
{
    return offset < book->string_bytes;
}

static inline bool toll_check_currency(const struct toll_book *book, uint32_t offset)
{
    const char *text = book->strings + offset;

    return toll_check_range(offset, 4, book->string_bytes) && text[0] >= 'A' && text[0] <= 'Z' &&
           text[1] >= 'A' && text[1] <= 'Z' && text[2] >= 'A' && text[2] <= 'Z' && text[3] == 0;
}

static inline bool toll_check_zero(const void *record, size_t bytes)
{
    const uint8_t *at = record;

    while (bytes > 0 && *at == 0) {
        at++;
        bytes--;
    }
    return bytes == 0;
}

#endif
