/* What rating and its explanations ask of an open book, beyond the plain arrays. */
#include "base/check.h"
#include "book/image.h"
#include "ratetable/sections.h"

#include <string.h>

/* -1, 0, 1 as a terminated text compares bytewise with bytes that are not. */
static int compare_text(const char *text, const char *bytes, size_t count)
{
    const size_t length = strlen(text), common = length < count ? length : count;
    const int order = common > 0 ? memcmp(text, bytes, common) : 0;

    if (order != 0)
        return order;
    return length < count ? -1 : length > count;
}

const struct toll_named *toll_book_named(const struct toll_book *book, enum toll_named_kind kind,
                                         const char *text, size_t bytes)
{
    const struct toll_named *named = book->named[kind];
    uint32_t low = 0, high = book->named_count[kind];

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = compare_text(toll_book_string(book, named[middle].text), text, bytes);
        if (order == 0)
            return &named[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint32_t toll_book_calltype(const struct toll_book *book, uint32_t deck_id, const char *text, size_t bytes)
{
    const struct toll_deck *deck = &book->decks[deck_id];
    uint32_t low = deck->calltype_first, high = deck->calltype_first + deck->calltype_count;

    TOLL_ASSERT(deck_id < book->deck_count);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct toll_calltype_key *key = &book->calltype_keys[middle];
        const int order = compare_text(toll_book_string(book, key->text), text, bytes);
        if (order == 0)
            return toll_deck_value(deck, key->value);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return toll_deck_value(deck, deck->calltype_everything);
}

static int calltype_word(const struct toll_book *book, const char *calltype, const char *carrier)
{
    uint32_t low = 0, high = book->calltype_word_count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct toll_calltype_word *word = &book->calltype_words[middle];
        int order = strcmp(toll_book_string(book, word->calltype), calltype);
        order = order != 0 ? order : strcmp(toll_book_string(book, word->carrier), carrier);
        if (order == 0)
            return word->jurisdiction;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int toll_book_calltype_word(const struct toll_book *book, const char *calltype, const char *carrier)
{
    const int own = calltype_word(book, calltype, carrier);

    return own >= 0 ? own : calltype_word(book, calltype, "");
}

bool toll_book_is_local(const struct toll_book *book, uint32_t from_ratecenter, uint32_t to_ratecenter)
{
    const uint64_t pair = (uint64_t)from_ratecenter << 32 | to_ratecenter;
    uint32_t low = 0, high = book->local_pair_count;

    if (from_ratecenter == 0 || from_ratecenter == to_ratecenter)
        return from_ratecenter != 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (book->local_pairs[middle] < pair)
            low = middle + 1;
        else
            high = middle;
    }
    return low < book->local_pair_count && book->local_pairs[low] == pair;
}

uint32_t toll_book_pair(const struct toll_book *book, const struct toll_deck *deck, uint32_t callee_zone,
                        uint32_t caller_zone)
{
    const struct toll_pair *slots = &book->pairs[deck->pair_first];
    const uint32_t capacity = deck->pair_capacity;

    if (callee_zone == 0 || caller_zone == 0 || capacity == 0)
        return 0;
    /* Half of the slots are empty. */
    for (uint64_t at = toll_number_first_slot((uint64_t)callee_zone << 32 | caller_zone, capacity);
         slots[at].callee != 0; at = at + 1 == capacity ? 0 : at + 1) {
        if (slots[at].callee == callee_zone && slots[at].caller == caller_zone)
            return toll_deck_value(deck, slots[at].value);
    }
    return 0;
}

uint32_t toll_book_owner_at(const struct toll_book *book, uint32_t owner_field, toll_ms at)
{
    const struct toll_owner_date *date;

    if ((owner_field & TOLL_OWNER_DATED) == 0)
        return owner_field;
    date = &book->owner_dates[owner_field & ~TOLL_OWNER_DATED];
    for (;; date++) {
        if (at < date->from)
            return 0;
        if (at < date->until)
            return date->owner;
        if (date->last != 0)
            return 0;
    }
}

/* -- prices -- */

uint32_t toll_book_deck_of(const struct toll_book *book, uint32_t price)
{
    uint32_t low = 0, high = book->deck_count;

    while (high - low > 1) { /* decks without prices begin where the next one does */
        const uint32_t middle = low + (high - low) / 2;
        if (book->decks[middle].price_first <= price)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct toll_price_origin toll_book_origin(const struct toll_book *book, uint32_t price)
{
    return toll_book_origin_in(book, toll_book_deck_of(book, price), price);
}

/* -- sources -- */

static const struct toll_embedded *sources(const struct toll_book *book, uint32_t *count)
{
    const struct toll_image_section *section =
        (const struct toll_image_section *)(const void *)(book->image + TOLL_IMAGE_PAGE) +
        TOLL_SECTION_SOURCES;

    *count = (uint32_t)(section->bytes / sizeof(struct toll_embedded));
    return (const void *)(book->image + section->offset);
}

uint32_t toll_book_source_count(const struct toll_book *book)
{
    uint32_t count;

    sources(book, &count);
    return count;
}

const char *toll_book_source(const struct toll_book *book, uint32_t index, const char **data, size_t *bytes)
{
    const struct toll_image_section *section =
        (const struct toll_image_section *)(const void *)(book->image + TOLL_IMAGE_PAGE) +
        TOLL_SECTION_SOURCE_BYTES;
    uint32_t count;
    const struct toll_embedded *source = sources(book, &count) + index;

    TOLL_ASSERT(index < count);
    *data = (const char *)book->image + section->offset + source->offset;
    *bytes = source->bytes;
    return toll_book_string(book, source->name);
}

/* The line with a number from 1 on, among lines that end with `line_end`. */
static bool find_line(const char *data, size_t bytes, char line_end, uint32_t line, const char **text,
                      size_t *text_bytes)
{
    const char *const end = data + bytes;

    for (; line > 1; line--) {
        const char *next = memchr(data, line_end, (size_t)(end - data));
        if (next == NULL)
            return false;
        data = next + 1;
    }
    if (line == 0 || data == end)
        return false;
    const char *stop = memchr(data, line_end, (size_t)(end - data));
    stop = stop != NULL ? stop : end;
    if (line_end == '\n' && stop > data && stop[-1] == '\r')
        stop--;
    *text = data;
    *text_bytes = (size_t)(stop - data);
    return true;
}

bool toll_book_source_find(const struct toll_book *book, const char *name, const char **data, size_t *bytes)
{
    const uint32_t count = toll_book_source_count(book);

    for (uint32_t i = 0; i < count; i++)
        if (strcmp(toll_book_source(book, i, data, bytes), name) == 0)
            return true;
    *data = "";
    *bytes = 0;
    return false;
}

bool toll_book_source_line(const struct toll_book *book, const char *file, uint32_t line, const char **text,
                           size_t *text_bytes)
{
    const char *data;
    size_t bytes;

    if (!toll_book_source_find(book, file, &data, &bytes))
        return false;
    if (bytes >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) {
        data += 3;
        bytes -= 3;
    }
    /* As the tables' lexer counts: CR ends lines only where there is no LF at all. */
    return find_line(data, bytes, bytes > 0 && memchr(data, '\n', bytes) != NULL ? '\n' : '\r', line, text,
                     text_bytes);
}
