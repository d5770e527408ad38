/* The content of an image, continued: where numbers are, and which calls are local. */
#include "book/check.h"

#include <string.h>

static bool names_good(const struct toll_book *book, const uint32_t *names, uint32_t count)
{
    if (count == 0 || names[0] != 0)
        return false;
    for (uint32_t i = 1; i < count; i++) {
        if (!toll_check_text(book, names[i]))
            return false;
    }
    return true;
}

static bool place_good(const struct toll_book *book, const struct toll_place *place)
{
    return toll_check_text(book, place->country) && place->state < book->state_count &&
           place->ratecenter < book->ratecenter_count && place->abroad <= 1 &&
           toll_check_text(book, place->county) && toll_check_text(book, place->city) &&
           toll_check_text(book, place->lata) && toll_check_text(book, place->area);
}

static bool words_good(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->calltype_word_count; i++) {
        const struct toll_calltype_word *word = &book->calltype_words[i];
        if (!toll_check_text(book, word->calltype) || !toll_check_text(book, word->carrier) ||
            word->jurisdiction < TOLL_INDETERMINATE || word->jurisdiction > TOLL_INTERNATIONAL)
            return false;
        if (i == 0)
            continue;
        const int order =
            strcmp(toll_book_string(book, word[-1].calltype), toll_book_string(book, word->calltype));
        if (order > 0 || (order == 0 && strcmp(toll_book_string(book, word[-1].carrier),
                                               toll_book_string(book, word->carrier)) >= 0))
            return false;
    }
    return true;
}

/* Only numbers that begin with 1 have a place; nor has what is no number, which is looked up as 0. */
static bool first_digits_good(const struct toll_book *book)
{
    const struct toll_lpm *lpm = book->place_lpm;
    bool good = lpm->everything == 0;

    for (uint32_t i = 0; i < 4096; i++)
        good = good && book->lpm_words[lpm->first3 + i] == 0;
    return good;
}

const char *toll_check_places(const struct toll_book *book)
{
    if (!names_good(book, book->state_names, book->state_count) ||
        !names_good(book, book->ratecenter_names, book->ratecenter_count))
        return "the names of states and ratecenters";
    if (book->place_count == 0 || !toll_check_zero(&book->places[0], sizeof(book->places[0])))
        return "the empty place";
    for (uint32_t i = 1; i < book->place_count; i++) {
        if (!place_good(book, &book->places[i]))
            return "a place";
    }
    for (uint32_t i = 0; i < book->local_pair_count; i++) {
        const uint64_t from = book->local_pairs[i] >> 32, to = book->local_pairs[i] & UINT32_MAX;
        if (from == 0 || from >= book->ratecenter_count || to == 0 || to >= book->ratecenter_count ||
            (i > 0 && book->local_pairs[i - 1] >= book->local_pairs[i]))
            return "a local area";
    }
    if (!words_good(book))
        return "a word about the jurisdiction";
    if (book->nanp != (book->place_lpm != NULL))
        return "the number plan of its places";
    if (book->place_lpm == NULL)
        return NULL;
    const char *problem =
        toll_check_trie(book, book->place_lpm, 1, book->place_count, 0, "the places' prefixes");
    return problem != NULL || first_digits_good(book) ? problem : "a place of numbers without a 1 in front";
}
