/*
 * The content of an image, continued: decks. The prices of a deck, its entries and its pairs stand together,
 * deck after deck, so that whatever a deck's values name is its own: a price and, where the deck has rates by
 * jurisdiction, the three behind it.
 */
#include "book/check.h"
#include "ratetable/prices.h"

#include <stdlib.h>
#include <string.h>

#define ZONES_DEEP 16 /* prefixes of 0 to 15 digits */

/* How far the decks before this one reach. */
struct place {
    uint32_t price, entry, row, pair;
};

/* -- prices -- */

static bool same_but_rate(const struct toll_book *book, uint32_t a, uint32_t b)
{
    const uint32_t x = book->price_terms[a], y = book->price_terms[b];
    struct toll_terms one = book->terms[x], other = book->terms[y];

    one.rate = other.rate = 0;
    one.state = other.state = one.small = other.small = 0;
    return x == y || memcmp(&one, &other, sizeof(one)) == 0;
}

/* Four price rows of one row: they differ in nothing but the rate and the column that it is of. */
static bool columns_good(const struct toll_book *book, uint32_t first)
{
    struct toll_price_origin origin = book->origins[first];

    for (uint32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        origin.column = book->origins[first + c].column;
        if (memcmp(&origin, &book->origins[first + c], sizeof(origin)) != 0 ||
            !same_but_rate(book, first, first + c))
            return false;
    }
    return book->origins[first].column == TOLL_RATE_OTHER;
}

/* From place->price on: those of the deck. */
static bool prices_good(const struct toll_book *book, uint32_t deck, struct place *place,
                        struct toll_check_values *values)
{
    bool columns = false;
    values->least = place->price;
    values->width = book->decks[deck].by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    while (place->price < book->price_count && book->origins[place->price].deck == (int32_t)deck) {
        columns = columns || book->origins[place->price].column != 0;
        place->price++;
    }
    values->ids = place->price;
    if (values->width == 1)
        return !columns;
    if ((values->ids - values->least) % values->width != 0)
        return false;
    for (uint32_t price = values->least; price < values->ids; price += values->width) {
        if (!columns_good(book, price))
            return false;
    }
    return true;
}

/* -- entries -- */

/* The order of struct toll_entry: by (from, band none last, step). */
static bool rows_in_order(const struct toll_entry_row *a, const struct toll_entry_row *b)
{
    const uint32_t a_band = (uint32_t)a->band - 1, b_band = (uint32_t)b->band - 1;

    if (a->from != b->from)
        return a->from < b->from;
    return a_band != b_band ? a_band < b_band : a->step <= b->step;
}

static bool rows_good(const struct toll_book *book, const struct toll_deck *deck,
                      const struct toll_entry *entry, const struct toll_check_values *values)
{
    const struct toll_entry_row *rows = &book->entry_rows[entry->first];
    uint32_t common = 1;
    int32_t minimum = 0;
    bool walked = false;

    for (uint32_t i = 0; i < entry->count; i++) {
        const struct toll_entry_row *row = &rows[i];
        if (row->from >= row->until || row->band < 0 || (uint32_t)row->band >= book->band_count ||
            row->step < 0 || row->spare != 0 || row->price <= 0 || (uint32_t)row->price >= values->ids ||
            !toll_check_value(values, (uint32_t)row->price) || (i > 0 && !rows_in_order(&row[-1], row)))
            return false;
        walked = walked || toll_row_walks(deck->split, row->band, row->step);
        const struct toll_terms *terms = &book->terms[book->price_terms[row->price]];
        common = toll_common_per(common, (uint32_t)terms->per);
        minimum = terms->minimum_units > minimum ? terms->minimum_units : minimum;
    }
    if (!walked)
        return entry->walk_per == 0;
    return common > 0 && entry->walk_per == common && entry->count <= TOLL_WALKED_ROWS_MAX &&
           (!deck->split || minimum <= TOLL_WALKED_MINIMUM_S_MAX);
}

/* From place->entry on: those whose first row is a price of the deck. */
static const char *check_entries(const struct toll_book *book, const struct toll_deck *deck,
                                 struct place *place, struct toll_check_values *values)
{
    values->entries_from = values->entries = place->entry;
    for (; place->entry < book->entry_count; place->entry++) {
        const struct toll_entry *entry = &book->entries[place->entry];
        if (entry->first != place->row || entry->count == 0 ||
            !toll_check_range(entry->first, entry->count, book->entry_row_count))
            return "an entry";
        const uint32_t price = (uint32_t)book->entry_rows[entry->first].price;
        if (price < values->least || price >= values->ids)
            break;
        if (!rows_good(book, deck, entry, values))
            return "an entry's row";
        /* Shorter prefixes have lower entries, so that the way from one to the next ends. */
        if (!toll_check_value(values, entry->shorter) ||
            (deck->key == TOLL_KEY_NPANXX_PAIR && entry->shorter != 0))
            return "an entry's shorter prefix";
        place->row += entry->count;
        values->entries = place->entry + 1;
    }
    return NULL;
}

/* -- keys -- */

static bool calltypes_good(const struct toll_book *book, const struct toll_image_view *view,
                           const struct toll_deck *deck, const struct toll_check_values *values)
{
    if (!toll_check_range(deck->calltype_first, deck->calltype_count,
                          view->count[TOLL_SECTION_CALLTYPE_KEYS]) ||
        !toll_check_value(values, deck->calltype_everything))
        return false;
    for (uint32_t i = 0; i < deck->calltype_count; i++) {
        const struct toll_calltype_key *key = &book->calltype_keys[deck->calltype_first + i];
        if (!toll_check_text(book, key->text) || !toll_check_value(values, key->value))
            return false;
        if (i > 0 && strcmp(toll_book_string(book, key[-1].text), toll_book_string(book, key->text)) >= 0)
            return false;
    }
    return true;
}

/* From place->pair on: the deck's slots, at least half of them empty, so that a search ends. */
static bool pairs_good(const struct toll_book *book, const struct toll_deck *deck, struct place *place,
                       const struct toll_check_values *values)
{
    uint64_t used = 0;

    if (deck->pair_first != place->pair ||
        !toll_check_range(deck->pair_first, deck->pair_capacity, book->pair_count))
        return false;
    for (uint32_t i = 0; i < deck->pair_capacity; i++) {
        const struct toll_pair *pair = &book->pairs[deck->pair_first + i];
        if (pair->callee == 0 && toll_check_zero(pair, sizeof(*pair)))
            continue;
        if (pair->callee == 0 || pair->callee >= book->pair_zone_count || pair->caller == 0 ||
            pair->caller >= book->pair_zone_count || pair->value == 0 ||
            !toll_check_value(values, pair->value) || pair->spare != 0)
            return false;
        used++;
    }
    place->pair += deck->pair_capacity;
    return used * 2 <= deck->pair_capacity;
}

static const char *check_zones(const struct toll_book *book)
{
    uint8_t *depth = calloc((size_t)book->pair_zone_count + 1, 1);
    bool good = book->pair_zone_count > 0 && book->zone_shorter[0] == 0;

    if (depth == NULL)
        return toll_check_no_memory;
    for (uint32_t zone = 1; good && zone < book->pair_zone_count; zone++) {
        const uint32_t shorter = book->zone_shorter[zone];
        good = shorter < zone && depth[shorter] < ZONES_DEEP;
        if (good)
            depth[zone] = (uint8_t)(depth[shorter] + 1);
    }
    free(depth);
    return good ? NULL : "a zone of pairs";
}

/* What only decks with another key have is 0. */
static bool rest_is_zero(const struct toll_deck *deck)
{
    const bool calltype = deck->key == TOLL_KEY_CALLTYPE, pair = deck->key == TOLL_KEY_NPANXX_PAIR;

    return (!calltype || toll_check_zero(&deck->lpm, sizeof(deck->lpm))) &&
           (calltype || (deck->calltype_first | deck->calltype_count | deck->calltype_everything) == 0) &&
           (pair || (toll_check_zero(&deck->callers, sizeof(deck->callers)) &&
                     (deck->pair_first | deck->pair_capacity) == 0));
}

static const char *check_keys(const struct toll_book *book, const struct toll_image_view *view,
                              const struct toll_deck *deck, struct place *place,
                              const struct toll_check_values *values)
{
    const struct toll_check_values zones = {
        .least = 1, .ids = book->pair_zone_count, .width = 1, .entries_from = 1};
    const char *problem;

    switch (deck->key) {
    case TOLL_KEY_CALLTYPE:
        return calltypes_good(book, view, deck, values) ? NULL : "a deck's call types";
    case TOLL_KEY_CALLEE:
    case TOLL_KEY_CALLER:
        return toll_check_trie_of(book, &deck->lpm, values, "a deck's prefixes");
    case TOLL_KEY_NPANXX_PAIR:
        problem = toll_check_trie_of(book, &deck->lpm, &zones, "a deck's zones");
        if (problem == NULL)
            problem = toll_check_trie_of(book, &deck->callers, &zones, "a deck's zones");
        return problem != NULL || pairs_good(book, deck, place, values) ? problem : "a deck's pairs";
    default:
        return "a deck's key";
    }
}

static bool deck_good(const struct toll_book *book, uint32_t id)
{
    const struct toll_deck *deck = &book->decks[id];

    return deck->calendar >= 0 && (uint32_t)deck->calendar < book->calendar_count &&
           book->deck_zones[id] < book->zone_count && toll_check_text(book, deck->name) &&
           toll_check_currency(book, deck->currency) && toll_check_text(book, deck->file) && deck->lrn <= 1 &&
           deck->split <= 1 && deck->by_jurisdiction <= 1 && deck->basis <= TOLL_BASIS_CARRIER &&
           deck->spare == 0;
}

/* The lowest id of a price of a deck; those of rules and the built-in one lie before. */
static uint32_t first_deck_price(const struct toll_book *book)
{
    uint32_t price = 1;

    while (price < book->price_count && book->origins[price].kind != TOLL_PRICE_DECK)
        price++;
    return price;
}

const char *toll_check_decks(const struct toll_book *book, const struct toll_image_view *view)
{
    struct place place = {.price = first_deck_price(book), .entry = 1};
    const char *problem = check_zones(book);

    if (problem != NULL)
        return problem;
    if (book->entry_count == 0 || !toll_check_zero(&book->entries[0], sizeof(book->entries[0])))
        return "the empty entry";
    if (book->deck_count == 0 || view->count[TOLL_SECTION_DECK_ZONES] != book->deck_count ||
        !toll_check_zero(&book->decks[0], sizeof(book->decks[0])) || book->deck_zones[0] != 0)
        return "the empty deck";
    for (uint32_t i = 1; i < book->deck_count; i++) {
        const struct toll_deck *deck = &book->decks[i];
        struct toll_check_values values;
        if (!deck_good(book, i))
            return "a deck";
        if (!prices_good(book, i, &place, &values))
            return "a deck's prices";
        problem = check_entries(book, deck, &place, &values);
        problem = problem != NULL ? problem : check_keys(book, view, deck, &place, &values);
        if (problem != NULL)
            return problem;
        if (!rest_is_zero(deck))
            return "a deck's key";
    }
    return place.price == book->price_count && place.entry == book->entry_count &&
                   place.row == book->entry_row_count && place.pair == book->pair_count
               ? NULL
               : "a price, an entry or a pair without a deck";
}
