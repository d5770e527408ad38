/* How large the sums are: what ids each side has, which currencies there are, and where charges lie. */
#include "pipeline/impact_sums.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "base/strings.h"
#include "ingest/work.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of the report");
}

static uint32_t account_count(const struct toll_impact_side *side)
{
    return side->book != NULL ? side->book->account_count : (uint32_t)side->run->tables.account_count;
}

static const char *account_currency(const struct toll_impact_side *side, uint32_t account)
{
    return side->book != NULL ? toll_book_string(side->book, side->book->accounts[account].currency)
                              : side->run->tables.accounts[account].currency;
}

/* Of lines without account. */
static const char *own_currency(const struct toll_impact_side *side)
{
    return side->book != NULL ? side->book->currency : side->own_currency;
}

/* ---- currencies ---- */

/* Where it is, or belongs. */
static uint32_t currency_place(const struct toll_impact_shape *shape, const char *currency)
{
    uint32_t place = 0;
    while (place < shape->currency_count && strcmp(shape->currencies[place], currency) < 0)
        place++;
    return place;
}

static bool is_there(const struct toll_impact_shape *shape, uint32_t place, const char *currency)
{
    return place < shape->currency_count && strcmp(shape->currencies[place], currency) == 0;
}

static int add_currency(struct toll_impact_shape *shape, const char *currency, struct toll_error *error)
{
    const uint32_t place = currency_place(shape, currency);
    if (is_there(shape, place, currency))
        return 0;
    if (shape->currency_count == TOLL_IMPACT_CURRENCIES)
        return toll_error_set(
            error, TOLL_EBOOK,
            "the report has room for %d currencies, and there are more; compare fewer books "
            "at a time",
            TOLL_IMPACT_CURRENCIES);
    memmove(&shape->currencies[place + 1], &shape->currencies[place],
            (shape->currency_count - place) * sizeof *shape->currencies);
    shape->currencies[place] = currency;
    shape->currency_count++;
    return 0;
}

static int list_currencies(struct toll_impact_shape *shape, const struct toll_impact_side *sides,
                           struct toll_error *error)
{
    int rc = 0;
    for (int s = 0; rc == 0 && s < shape->count; s++) {
        const char *last = own_currency(&sides[s]);
        rc = add_currency(shape, last, error);
        for (uint32_t i = 1; rc == 0 && i < account_count(&sides[s]); i++) {
            const char *currency = account_currency(&sides[s], i);
            if (strcmp(currency, last) == 0)
                continue;
            rc = add_currency(shape, currency, error);
            last = currency;
        }
    }
    return rc;
}

/* Only where there are several. */
static bool note_account_currencies(struct toll_impact_shape *shape, int s,
                                    const struct toll_impact_side *side)
{
    shape->own_currency[s] = currency_place(shape, own_currency(side));
    if (shape->currency_count == 1)
        return true;
    const uint32_t count = account_count(side);
    uint8_t *of = malloc((size_t)count + 1);
    shape->sides[s].account_currency = of;
    if (of == NULL)
        return false;
    of[0] = (uint8_t)shape->own_currency[s];
    for (uint32_t i = 1; i < count; i++)
        of[i] = (uint8_t)currency_place(shape, account_currency(side, i));
    return true;
}

/* ---- ids ---- */

/* Of the price rows without sums of their own those of one deck and destination have one key. */
struct groups {
    struct place {
        uint64_t what; /* deck << 32 | string offset of the destination */
        uint32_t key;  /* 0: nothing is here */
    } * places;
    size_t count, mask;
};

static bool grow_groups(struct groups *groups)
{
    const size_t size = groups->places == NULL ? 1024 : 2 * (groups->mask + 1);
    struct place *places = calloc(size, sizeof *places);
    if (places == NULL)
        return false;
    for (size_t i = 0; groups->places != NULL && i <= groups->mask; i++) {
        const struct place *from = &groups->places[i];
        size_t at = (size_t)((from->what * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (size - 1);
        while (from->key != 0 && places[at].key != 0)
            at = (at + 1) & (size - 1);
        if (from->key != 0)
            places[at] = *from;
    }
    free(groups->places);
    groups->places = places;
    groups->mask = size - 1;
    return true;
}

/* Its place, empty if the group is new. There is always room. */
static struct place *group_place(const struct groups *groups, uint64_t what)
{
    size_t at = (size_t)((what * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & groups->mask;
    while (groups->places[at].key != 0 && groups->places[at].what != what)
        at = (at + 1) & groups->mask;
    return &groups->places[at];
}

bool toll_impact_same_row(const struct toll_book *book, size_t a, size_t b)
{
    const struct toll_price_origin x = toll_book_origin(book, (uint32_t)a);
    const struct toll_price_origin y = toll_book_origin(book, (uint32_t)b);
    if (x.line != y.line || x.file != y.file || x.key != y.key || x.column != y.column || x.deck != y.deck ||
        x.plan != y.plan || x.kind != y.kind || x.band != y.band || x.step != y.step ||
        x.destination != y.destination)
        return false;
    const struct toll_terms *p = &book->terms[book->price_terms[a]];
    const struct toll_terms *q = &book->terms[book->price_terms[b]];
    return p->rate == q->rate && p->per == q->per && p->connect_fee == q->connect_fee;
}

/* A price, or another one of the same row. */
static bool is_changed(const struct toll_impact_side *side, uint32_t price)
{
    const uint64_t *changed = side->changed;
    const uint32_t first = price > TOLL_SAME_ROW_WITHIN ? price - TOLL_SAME_ROW_WITHIN + 1 : 1;
    const uint32_t end = side->book->price_count - price < TOLL_SAME_ROW_WITHIN
                             ? side->book->price_count
                             : price + TOLL_SAME_ROW_WITHIN;
    if ((changed[price >> 6] >> (price & 63) & 1) != 0)
        return true;
    for (uint32_t other = first; other < end; other++)
        if ((changed[other >> 6] >> (other & 63) & 1) != 0 && toll_impact_same_row(side->book, price, other))
            return true;
    return false;
}

static bool group_prices(struct toll_impact_side_shape *shape, const struct toll_impact_side *side)
{
    const struct toll_book *book = side->book;
    struct groups groups = {0};
    uint32_t keys = 1;
    shape->price_ids = book->price_count;
    const size_t bytes = (book->price_count + (size_t)1) * sizeof *shape->price_keys;
    shape->price_keys = toll_large_array(bytes); /* every row looks there */
    if (shape->price_keys != NULL)
        memset(shape->price_keys, 0, bytes);
    shape->price_of_key = calloc(book->price_count + 1u, sizeof *shape->price_of_key);
    bool good = shape->price_keys != NULL && shape->price_of_key != NULL;
    struct place last = {0};
    uint32_t deck = 0;
    for (uint32_t price = 1; good && price < book->price_count; price++) {
        while (price - book->decks[deck].price_first >= book->decks[deck].price_count)
            deck++;
        const struct toll_price_origin origin = toll_book_origin_in(book, deck, price);
        const uint64_t what = (uint64_t)deck << 32 | origin.destination;
        if (side->detail == TOLL_DETAIL_CHANGED && is_changed(side, price)) {
            shape->price_keys[price] = keys;
            shape->price_of_key[keys++] = price;
            continue;
        }
        if (last.key == 0 || last.what != what) {
            good = 2 * groups.count < groups.mask || grow_groups(&groups);
            if (!good)
                break;
            struct place *place = group_place(&groups, what);
            if (place->key == 0) {
                *place = (struct place){what, keys};
                shape->price_of_key[keys++] = price | TOLL_KEY_GROUP;
                groups.count++;
            }
            last = *place;
        }
        shape->price_keys[price] = last.key;
    }
    shape->prices = keys;
    free(groups.places);
    return good;
}

/* The same for a run's table: one key for each deck and destination. */
static bool group_table(struct toll_impact_side_shape *shape, const struct toll_run_tables *tables)
{
    struct toll_strings names = {0};
    char *text = NULL;
    size_t room = 0;
    bool good = true;
    shape->price_of_key = calloc((size_t)tables->price_count + 1, sizeof *shape->price_of_key);
    for (int64_t i = 0; good && shape->price_of_key != NULL && i < tables->price_count; i++) {
        const struct toll_price_row *row = &tables->prices[i];
        const size_t deck = strlen(row->deck) + 1, bytes = deck + strlen(row->destination);
        if (bytes > room) {
            char *grown = realloc(text, 2 * bytes);
            good = grown != NULL;
            text = good ? grown : text;
            room = good ? 2 * bytes : room;
        }
        if (!good)
            break;
        memcpy(text, row->deck, deck);
        memcpy(text + deck, row->destination, bytes - deck);
        const uint32_t key = toll_strings_add(&names, text, bytes);
        good = key != 0;
        shape->price_keys[row->id] = key;
        if (good && shape->price_of_key[key] == 0)
            shape->price_of_key[key] = ((uint32_t)i + 1) | TOLL_KEY_GROUP;
    }
    shape->prices = names.count + 1;
    toll_strings_free(&names);
    free(text);
    return good && shape->price_of_key != NULL;
}

/* A run's table holds only the price rows that some line names; their ids may be far apart. */
static bool note_prices(struct toll_impact_side_shape *shape, const struct toll_impact_side *side)
{
    if (side->book != NULL && side->detail != TOLL_DETAIL_ALL)
        return group_prices(shape, side);
    if (side->book != NULL) {
        shape->prices = shape->price_ids = side->book->price_count;
        return true;
    }
    const struct toll_run_tables *tables = &side->run->tables;
    const int64_t count = tables->price_count;
    shape->prices = (uint32_t)count + 1;
    shape->price_ids = count == 0 ? 1 : (uint32_t)tables->prices[count - 1].id + 1;
    shape->price_keys = calloc(shape->price_ids, sizeof *shape->price_keys);
    if (shape->price_keys == NULL)
        return false;
    if (side->detail == TOLL_DETAIL_NONE)
        return group_table(shape, tables);
    for (int64_t i = 0; i < count; i++)
        shape->price_keys[tables->prices[i].id] = (uint32_t)i + 1;
    return true;
}

static uint32_t whole_lines(uint32_t words)
{
    return (words + TOLL_WORDS_AT_ONCE - 1) / TOLL_WORDS_AT_ONCE * TOLL_WORDS_AT_ONCE;
}

/* ---- sides that are mostly as the base is ---- */

static bool same_accounts(const struct toll_book *a, const struct toll_book *b)
{
    if (a->account_count != b->account_count || strcmp(a->currency, b->currency) != 0)
        return false;
    for (uint32_t i = 1; i < a->account_count; i++)
        if (strcmp(toll_book_string(a, a->accounts[i].account),
                   toll_book_string(b, b->accounts[i].account)) != 0 ||
            strcmp(toll_book_string(a, a->accounts[i].currency),
                   toll_book_string(b, b->accounts[i].currency)) != 0)
            return false;
    return true;
}

static bool same_plans(const struct toll_book *a, const struct toll_book *b)
{
    if (a->plan_count != b->plan_count)
        return false;
    for (uint32_t i = 1; i < a->plan_count; i++)
        if (strcmp(toll_book_string(a, a->plans[i].plan), toll_book_string(b, b->plans[i].plan)) != 0)
            return false;
    return true;
}

static bool is_alike(const struct toll_impact_side *base, const struct toll_impact_side *side)
{
    return !side->repriced && base->book != NULL && side->book != NULL && base->detail == TOLL_DETAIL_ALL &&
           side->detail == TOLL_DETAIL_NONE && same_accounts(base->book, side->book) &&
           same_plans(base->book, side->book);
}

/* The group of each price row, by names of deck and destination; grouped: what group_prices made of the book.
 * NULL: out of memory, or there are too many. */
static uint16_t *name_groups(const struct toll_book *book, const struct toll_impact_side_shape *grouped,
                             struct toll_strings *names)
{
    uint16_t *groups = toll_large_array((book->price_count + (size_t)1) * sizeof(uint16_t));
    uint32_t *ids = calloc((size_t)grouped->prices + 1, sizeof *ids);
    bool good = groups != NULL && ids != NULL;
    for (uint32_t key = 1; good && key < grouped->prices; key++) {
        char text[512];
        const struct toll_price_origin origin =
            toll_book_origin(book, grouped->price_of_key[key] & ~TOLL_KEY_GROUP);
        const char *deck = origin.deck == 0 ? "" : toll_book_string(book, book->decks[origin.deck].name);
        const char *destination = toll_book_string(book, origin.destination);
        const size_t deck_bytes = strlen(deck) + 1, destination_bytes = strlen(destination);
        good = deck_bytes + destination_bytes <= sizeof text;
        if (!good)
            break;
        memcpy(text, deck, deck_bytes);
        memcpy(text + deck_bytes, destination, destination_bytes);
        ids[key] = toll_strings_add(names, text, deck_bytes + destination_bytes);
        good = ids[key] != 0 && ids[key] <= UINT16_MAX;
    }
    for (uint32_t price = 0; good && price < book->price_count; price++)
        groups[price] = (uint16_t)ids[grouped->price_keys[price]];
    free(ids);
    if (!good) {
        free(groups);
        groups = NULL;
    }
    return groups;
}

/* Books that differ in rates alone have one array, which is near then. */
static void share_groups(struct toll_impact_shape *shape, const struct toll_impact_side *sides, int s)
{
    const uint32_t prices = sides[s].book->price_count;
    struct toll_impact_side_shape *own = &shape->sides[s];
    if (prices != sides[0].book->price_count ||
        memcmp(own->groups, shape->sides[0].groups, prices * sizeof *own->groups) != 0)
        return;
    free(own->groups);
    own->groups = shape->sides[0].groups;
}

static bool note_groups(struct toll_impact_shape *shape, const struct toll_book *book, uint32_t count)
{
    const uint16_t *groups = shape->sides[0].groups;
    shape->group_count = count;
    shape->group_price = calloc(count, sizeof *shape->group_price);
    for (uint32_t price = book->price_count; shape->group_price != NULL && price-- > 1;)
        if (groups[price] != 0)
            shape->group_price[groups[price]] = price;
    return shape->group_price != NULL;
}

/* Without the memory for it a side is as any other. */
static void find_alike(struct toll_impact_shape *shape, const struct toll_impact_side *sides,
                       const struct toll_impact_side_shape *base)
{
    struct toll_strings names = {0};
    for (int s = 1; s < shape->count && base->price_keys != NULL; s++) {
        if (!is_alike(&sides[0], &sides[s]))
            continue;
        if (shape->sides[0].groups == NULL)
            shape->sides[0].groups = name_groups(sides[0].book, base, &names);
        if (shape->sides[0].groups == NULL ||
            (shape->group_price == NULL && !note_groups(shape, sides[0].book, names.count + 1)))
            break;
        shape->sides[s].groups = name_groups(sides[s].book, &shape->sides[s], &names);
        shape->sides[s].alike = shape->sides[s].groups != NULL;
        shape->alike += shape->sides[s].alike;
        if (shape->sides[s].alike)
            share_groups(shape, sides, s);
    }
    toll_strings_free(&names);
}

/* The base's own words, then the charges of sides that are beside it, then those of the others. */
static void place_words(struct toll_impact_shape *shape, const struct toll_impact_side *sides)
{
    uint32_t at = TOLL_WORDS_OWN;
    for (int s = 1; s < shape->count; s++)
        if (sides[s].repriced)
            shape->sides[s].word = at++;
    shape->repriced = (int)(at - TOLL_WORDS_OWN);
    for (int s = 1; s < shape->count; s++)
        if (shape->sides[s].alike)
            shape->sides[s].word = at++;
    const uint32_t words = whole_lines(at);
    for (int s = 1; s < shape->count; s++)
        if (!sides[s].repriced && !shape->sides[s].alike)
            shape->sides[s].word = at++;
    for (int s = 0; s < shape->count; s++) {
        shape->sides[s].repriced = sides[s].repriced;
        shape->sides[s].words = s == 0 ? words : TOLL_WORDS_AT_ONCE;
        shape->sides[s].price_words = s == 0 ? whole_lines(at) : TOLL_WORDS_AT_ONCE;
    }
    shape->sides[0].word = TOLL_WORD_CHARGE;
}

/* ---- all of it ---- */

struct noting {
    struct toll_impact_shape *shape;
    const struct toll_impact_side *sides;
    struct toll_impact_side_shape base; /* its groups, where some side may be alike */
};

/* Which sums the price rows of each side have; behind the last side what the base's groups are. */
static int note_side(void *context, size_t index, struct toll_error *error)
{
    struct noting *noting = context;
    struct toll_impact_shape *shape = noting->shape;
    const struct toll_impact_side *sides = noting->sides;
    if (index < (size_t)shape->count)
        return sides[index].repriced || note_prices(&shape->sides[index], &sides[index]) ? 0
                                                                                         : no_memory(error);
    bool alike = false;
    for (int s = 1; s < shape->count && !alike; s++)
        alike = is_alike(&sides[0], &sides[s]);
    const struct toll_impact_side groups = {.book = sides[0].book, .detail = TOLL_DETAIL_NONE};
    if (alike && !group_prices(&noting->base, &groups)) {
        free(noting->base.price_keys);
        noting->base.price_keys = NULL;
    }
    return 0;
}

static int note_sides(struct toll_impact_shape *shape, const struct toll_impact_side *sides, unsigned threads,
                      struct toll_error *error)
{
    struct noting noting = {.shape = shape, .sides = sides};
    const int rc = toll_work_run(threads, (size_t)shape->count + 1, note_side, NULL, &noting, error);
    if (rc == 0)
        find_alike(shape, sides, &noting.base);
    free(noting.base.price_keys);
    free(noting.base.price_of_key);
    return rc;
}

int toll_impact_shape_make_by(struct toll_impact_shape **out, const struct toll_impact_side *sides, int count,
                              const struct toll_zone *zone, unsigned threads, struct toll_error *error)
{
    TOLL_ASSERT(count >= 1 && count <= TOLL_IMPACT_BOOKS_MAX && !sides[0].repriced);
    struct toll_impact_shape *shape = calloc(1, sizeof *shape);
    if (shape == NULL)
        return no_memory(error);
    shape->count = count;
    shape->zone = zone;
    shape->threads = threads;
    shape->kernel = toll_sums_scalar;
    int rc = note_sides(shape, sides, threads, error);
    place_words(shape, sides);
    if (rc == 0)
        rc = list_currencies(shape, sides, error);
    for (int s = 0; rc == 0 && s < count; s++) {
        struct toll_impact_side_shape *to = &shape->sides[s];
        to->accounts = account_count(&sides[s]);
        to->plans = sides[s].book != NULL ? sides[s].book->plan_count : 0;
        if (sides[s].repriced) { /* its prices are the base's */
            to->prices = shape->sides[0].prices;
            to->price_ids = shape->sides[0].price_ids;
        }
        if (!note_account_currencies(shape, s, &sides[s]))
            rc = no_memory(error);
    }
    if (rc != 0)
        toll_impact_shape_free(shape);
    else
        *out = shape;
    return rc;
}

int toll_impact_shape_make(struct toll_impact_shape **out, const struct toll_impact_side *sides, int count,
                           const struct toll_zone *zone, struct toll_error *error)
{
    return toll_impact_shape_make_by(out, sides, count, zone, 1, error);
}

void toll_impact_add_with(struct toll_impact_shape *shape, toll_sums_kernel *kernel, int64_t rows)
{
    shape->kernel = kernel;
    shape->rows = rows;
}

void toll_impact_shape_free(struct toll_impact_shape *shape)
{
    if (shape == NULL)
        return;
    for (int s = shape->count; s-- > 0;) { /* others may borrow from the first */
        free(shape->sides[s].price_keys);
        if (s == 0 || shape->sides[s].groups != shape->sides[0].groups)
            free(shape->sides[s].groups);
        free(shape->sides[s].price_of_key);
        free(shape->sides[s].account_currency);
    }
    free(shape->group_price);
    free(shape);
}
