/*
 * The content of an image, continued: decks. The prices of a deck stand together, deck after deck, behind
 * those of rules, and so do its origins, entries and rows, or they are those of an earlier deck; whatever a
 * deck's values name is its own: a price and, where the deck has rates by jurisdiction, the three behind it.
 */
#include "book/check.h"
#include "ratetable/prices.h"

#include <stdlib.h>
#include <string.h>

#define ZONES_DEEP 16 /* prefixes of 0 to 15 digits */

/* How far the decks before this one reach. */
struct place {
    uint32_t price, origin, group, entry, row, pair;
};

/* -- prices -- */

/* A price says what it is in two places, and only a deck's row may have no rate. */
static bool kind_good(const struct toll_terms *terms, int32_t kind)
{
    static const uint8_t actions[] = {
        [TOLL_PRICE_DECK] = TOLL_ACTION_DECK,    [TOLL_PRICE_FLAT] = TOLL_ACTION_FLAT,
        [TOLL_PRICE_FREE] = TOLL_ACTION_FREE,    [TOLL_PRICE_MARKUP] = TOLL_ACTION_MARKUP,
        [TOLL_PRICE_BUILTIN] = TOLL_ACTION_FREE, [TOLL_PRICE_TIERS] = TOLL_ACTION_TIERS};

    return terms->action == actions[kind] && (kind == TOLL_PRICE_DECK || terms->state == TOLL_PRICE_OK);
}

static bool same_but_rate(const struct toll_book *book, uint32_t a, uint32_t b)
{
    const uint32_t x = book->price_terms[a], y = book->price_terms[b];
    struct toll_terms one = book->terms[x], other = book->terms[y];

    one.rate = other.rate = 0;
    one.state = other.state = one.small = other.small = 0;
    return x == y || memcmp(&one, &other, sizeof(one)) == 0;
}

/* Four price rows of one row: they differ in nothing but the rate and the column that it is of. */
static bool columns_good(const struct toll_book *book, uint32_t deck, uint32_t first)
{
    const struct toll_price_origin origin = toll_book_origin_in(book, deck, first);

    for (uint32_t c = 0; c < TOLL_RATE_COLUMNS; c++) {
        struct toll_price_origin other = toll_book_origin_in(book, deck, first + c);
        other.column = origin.column;
        if (memcmp(&origin, &other, sizeof(origin)) != 0 || !same_but_rate(book, first, first + c))
            return false;
    }
    return origin.column == TOLL_RATE_OTHER;
}

/* Of a deck with origins of its own, and of the rules'. */
static bool origins_good(const struct toll_book *book, const struct toll_deck *deck)
{
    uint32_t most = 0;

    for (uint32_t n = 0; n < deck->price_count; n++) {
        const uint32_t group = book->origins[deck->origin_first + n].group;
        most = group > most ? group : most;
    }
    return deck->price_count == 0 || most < deck->group_count;
}

/* Its prices, origins and groups lie behind those of the decks before it, or the origins are one of theirs.
 */
static bool parts_good(const struct toll_book *book, uint32_t id, struct place *place)
{
    const struct toll_deck *deck = &book->decks[id];

    if (deck->price_first != place->price || deck->group_first != place->group ||
        !toll_check_range(deck->price_first, deck->price_count, book->price_count) ||
        !toll_check_range(deck->group_first, deck->group_count, book->origin_group_count))
        return false;
    place->price += deck->price_count;
    place->group += deck->group_count;
    if (deck->origins_of != 0) {
        const struct toll_deck *other = &book->decks[deck->origins_of < id ? deck->origins_of : 0];
        return deck->origins_of < id && other->origins_of == 0 && other->origin_first == deck->origin_first &&
               other->price_count == deck->price_count && other->group_count == deck->group_count;
    }
    if (deck->origin_first != place->origin ||
        !toll_check_range(deck->origin_first, deck->price_count, book->origin_count))
        return false;
    place->origin += deck->price_count;
    return origins_good(book, deck);
}

static const char *check_rule_prices(const struct toll_book *book, struct place *place)
{
    if (book->decks[0].price_count <= TOLL_PRICE_EMERGENCY || !parts_good(book, 0, place))
        return "a price";
    for (uint32_t price = 1; price < book->decks[0].price_count; price++) {
        const int32_t kind = toll_book_origin_in(book, 0, price).kind;
        if (kind == TOLL_PRICE_DECK || (kind == TOLL_PRICE_BUILTIN) != (price == TOLL_PRICE_EMERGENCY) ||
            !kind_good(&book->terms[book->price_terms[price]], kind))
            return "a price's kind";
    }
    return NULL;
}

/* actions: by terms. */
static const char *check_deck_prices(const struct toll_book *book, uint32_t id, const uint8_t *actions,
                                     struct place *place)
{
    const struct toll_deck *deck = &book->decks[id];
    const uint32_t end = deck->price_first + deck->price_count;
    const uint32_t width = deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    uint8_t others = 0;

    if (!parts_good(book, id, place) || deck->price_count % width != 0)
        return "a deck's prices";
    for (uint32_t i = 0; i < deck->group_count; i++) {
        const struct toll_origin_group *group = &book->origin_groups[deck->group_first + i];
        if (group->kind != TOLL_PRICE_DECK)
            return "a price's kind";
        if (width == 1 && group->column != 0)
            return "a deck's prices";
    }
    for (uint32_t price = deck->price_first; price < end; price++)
        others |= actions[book->price_terms[price]] ^ TOLL_ACTION_DECK;
    if (others != 0)
        return "a price's kind";
    for (uint32_t price = deck->price_first; width > 1 && price < end; price += width) {
        if (!columns_good(book, id, price))
            return "a deck's prices";
    }
    return NULL;
}

/* -- entries -- */

/* The order of struct toll_entry: by (from, band none last, step). */
static bool spans_in_order(const struct toll_entry_span *a, const struct toll_entry_span *b)
{
    const uint32_t a_band = (uint32_t)a->band - 1, b_band = (uint32_t)b->band - 1;

    if (a->from != b->from)
        return a->from < b->from;
    return a_band != b_band ? a_band < b_band : a->step <= b->step;
}

static bool spans_good(const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->entry_span_count; i++) {
        const struct toll_entry_span *span = &book->entry_spans[i];
        if (span->from >= span->until || span->band < 0 || (uint32_t)span->band >= book->band_count ||
            span->step < 0)
            return false;
    }
    return true;
}

/* Whether a call is walked, which is so for all decks that have the entry. */
static bool rows_good(const struct toll_book *book, const struct toll_deck *deck,
                      const struct toll_entry *entry, const struct toll_check_values *values)
{
    const struct toll_entry_row *rows = toll_entry_rows(book, deck, entry);
    bool walked = false;

    for (uint32_t i = 0; i < entry->count; i++) {
        const struct toll_entry_span *span = &book->entry_spans[rows[i].span];
        if (rows[i].span >= book->entry_span_count || rows[i].price == 0 || rows[i].price >= values->ids ||
            !toll_check_value(values, rows[i].price) ||
            (i > 0 && !spans_in_order(&book->entry_spans[rows[i - 1].span], span)))
            return false;
        walked = walked || toll_row_walks(deck->split, span->band, span->step);
    }
    return walked == (entry->walk_per != 0);
}

/* Of what walked calls are rated by: each deck has terms of its own. */
static bool walk_good(const struct toll_book *book, const struct toll_deck *deck,
                      const struct toll_entry *entry)
{
    const struct toll_entry_row *rows = toll_entry_rows(book, deck, entry);
    uint32_t common = 1;
    int32_t minimum = 0;

    for (uint32_t i = 0; i < entry->count; i++) {
        const struct toll_terms *terms = &book->terms[book->price_terms[toll_row_price(deck, &rows[i])]];
        common = toll_common_per(common, (uint32_t)terms->per);
        minimum = terms->minimum_units > minimum ? terms->minimum_units : minimum;
    }
    return common > 0 && entry->walk_per == common && entry->count <= TOLL_WALKED_ROWS_MAX &&
           (!deck->split || minimum <= TOLL_WALKED_MINIMUM_S_MAX);
}

static const char *check_walks(const struct toll_book *book, const struct toll_deck *deck)
{
    for (uint32_t i = 0; i < deck->entry_count; i++) {
        const struct toll_entry *entry = &book->entries[deck->entry_first + i];
        if (entry->walk_per != 0 && !walk_good(book, deck, entry))
            return "an entry's row";
    }
    return NULL;
}

/* values->entries grows to what the deck has. */
static const char *check_entries(const struct toll_book *book, const struct toll_deck *deck,
                                 struct place *place, struct toll_check_values *values)
{
    uint32_t row = 0;

    if (deck->entry_first != place->entry || deck->row_first != place->row ||
        !toll_check_range(deck->entry_first, deck->entry_count, book->entry_count) ||
        !toll_check_range(deck->row_first, deck->row_count, book->entry_row_count))
        return "an entry";
    for (values->entries = 0; values->entries < deck->entry_count; values->entries++) {
        const struct toll_entry *entry = &book->entries[deck->entry_first + values->entries];
        if (entry->first != row || entry->count == 0 ||
            !toll_check_range(entry->first, entry->count, deck->row_count))
            return "an entry";
        if (!rows_good(book, deck, entry, values))
            return "an entry's row";
        /* Shorter prefixes have lower entries, so that the way from one to the next ends. */
        if (!toll_check_value(values, entry->shorter) ||
            (deck->key == TOLL_KEY_NPANXX_PAIR && entry->shorter != 0))
            return "an entry's shorter prefix";
        row += entry->count;
    }
    place->entry += deck->entry_count;
    place->row += deck->row_count;
    return row == deck->row_count ? check_walks(book, deck) : "an entry";
}

/* What the deck shares was checked with the deck that has it. */
static const char *check_shared(const struct toll_book *book, uint32_t id)
{
    const struct toll_deck *deck = &book->decks[id];
    const struct toll_deck *other = &book->decks[deck->keys_of < id ? deck->keys_of : 0];

    if (deck->keys_of >= id || other->keys_of != 0 || other->entry_first != deck->entry_first ||
        other->entry_count != deck->entry_count || other->row_first != deck->row_first ||
        other->row_count != deck->row_count || other->price_count != deck->price_count ||
        other->by_jurisdiction != deck->by_jurisdiction || other->split != deck->split ||
        (other->key != TOLL_KEY_CALLEE && other->key != TOLL_KEY_CALLER) ||
        (deck->key != TOLL_KEY_CALLEE && deck->key != TOLL_KEY_CALLER) ||
        memcmp(&other->lpm, &deck->lpm, sizeof(deck->lpm)) != 0)
        return "a deck's keys";
    return check_walks(book, deck);
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

/* Of prices it may have those of rules. */
static bool empty_deck_good(const struct toll_book *book, const struct toll_image_view *view)
{
    struct toll_deck deck;

    if (book->deck_count == 0 || view->count[TOLL_SECTION_DECK_ZONES] != book->deck_count ||
        book->deck_zones[0] != 0)
        return false;
    deck = book->decks[0];
    deck.price_count = deck.group_count = 0;
    return toll_check_zero(&deck, sizeof(deck));
}

static const char *check_deck(const struct toll_book *book, const struct toll_image_view *view, uint32_t id,
                              const uint8_t *actions, struct place *place)
{
    const struct toll_deck *deck = &book->decks[id];
    struct toll_check_values values = {.least = 1};
    const char *problem = deck_good(book, id) ? NULL : "a deck";

    problem = problem != NULL ? problem : check_deck_prices(book, id, actions, place);
    values.ids = deck->price_count + 1;
    values.width = deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    if (problem == NULL && deck->keys_of != 0) {
        problem = check_shared(book, id);
    } else if (problem == NULL) {
        problem = check_entries(book, deck, place, &values);
        problem = problem != NULL ? problem : check_keys(book, view, deck, place, &values);
    }
    return problem != NULL || rest_is_zero(deck) ? problem : "a deck's key";
}

const char *toll_check_decks(const struct toll_book *book, const struct toll_image_view *view)
{
    struct place place = {.entry = 1};
    const char *problem = check_zones(book);
    uint8_t *actions;

    if (problem != NULL)
        return problem;
    if (book->entry_count == 0 || book->entry_count > TOLL_LPM_INDEX ||
        !toll_check_zero(&book->entries[0], sizeof(book->entries[0])))
        return "the empty entry";
    if (!empty_deck_good(book, view))
        return "the empty deck";
    if (!spans_good(book))
        return "an entry's row";
    actions = malloc((size_t)book->terms_count + 1);
    if (actions == NULL)
        return toll_check_no_memory;
    for (uint32_t i = 0; i < book->terms_count; i++)
        actions[i] = book->terms[i].action;
    problem = check_rule_prices(book, &place);
    for (uint32_t i = 1; i < book->deck_count && problem == NULL; i++)
        problem = check_deck(book, view, i, actions, &place);
    free(actions);
    if (problem != NULL)
        return problem;
    return place.price == book->price_count && place.origin == book->origin_count &&
                   place.group == book->origin_group_count && place.entry == book->entry_count &&
                   place.row == book->entry_row_count && place.pair == book->pair_count
               ? NULL
               : "a price, an entry or a pair without a deck";
}
