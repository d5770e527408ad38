/* Small predicates that the checks of an image share. */
#ifndef TOLL_BOOK_CHECK_H
#define TOLL_BOOK_CHECK_H

#include "book/image.h"

/* A problem that is none of the image's; told from the others by its address. */
extern const char toll_check_no_memory[];

/* Decks, tries, entries, prices, destinations. NULL, or what is wrong. */
const char *toll_check_prices(const struct toll_book *book, const struct toll_image_view *view);
/* Of these, decks with their prices' ids, entries, call types, zones and pairs; after the prices. */
const char *toll_check_decks(const struct toll_book *book, const struct toll_image_view *view);

/* What a value in a trie may be: 0, each `width`-th id (1 or 4) from `least` on below `ids`, an entry from
 * `entries_from` (at least 1) on below `entries`. */
struct toll_check_values {
    uint32_t least, ids, width, entries_from, entries;
};
static inline bool toll_check_value(const struct toll_check_values *values, uint32_t value)
{
    const uint32_t index = value & TOLL_LPM_INDEX;

    if (value == 0)
        return true;
    if ((value & TOLL_LPM_NODE) != 0)
        return false;
    if ((value & TOLL_LPM_ENTRY) != 0)
        return index >= values->entries_from && index < values->entries;
    return value >= values->least && value < values->ids &&
           ((value - values->least) & (values->width - 1)) == 0;
}
/* NULL, `what`, or toll_check_no_memory. */
const char *toll_check_trie_of(const struct toll_book *book, const struct toll_lpm *lpm,
                               const struct toll_check_values *values, const char *what);
/* A trie whose values are 0, ids from `least` to `ids` - 1, or entries below `entries` (0: none). NULL,
 * `what`, or toll_check_no_memory. */
const char *toll_check_trie(const struct toll_book *book, const struct toll_lpm *lpm, uint32_t least,
                            uint32_t ids, uint32_t entries, const char *what);

/* Places, ratecenters, local areas, call-type words. */
const char *toll_check_places(const struct toll_book *book);

/* Surcharges; accounts, sites, trunks and carriers were checked before. */
const char *toll_check_surcharges(const struct toll_book *book);

/* Bundles, grants, pools and who may draw on them; accounts, owners, trunks and destinations were checked
 * before. */
const char *toll_check_pools(const struct toll_book *book);
/* Tiers, after the rules; rates of exchange. */
const char *toll_check_tiers(const struct toll_book *book);
const char *toll_check_fx(const struct toll_book *book);

/* The tables of taxes; accounts, sites, rules and tiers were checked before. */
const char *toll_check_tax(const struct toll_book *book);

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
