/*
 * What follows from the sums by price row: destinations, decks, the price rows themselves, and which of the
 * base's rows move the most money. A large book has millions of them, so they are walked once, and named only
 * where somebody will read the name.
 */
#include "pipeline/impact_tables.h"

#include "ingest/work.h"
#include "pipeline/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums by a text of the price rows ---- */

struct group {
    struct toll_strings names;
    uint64_t *offsets; /* of a book: string offset << 32 | id; open addressing */
    uint32_t slot_mask, slot_count;
    const char *last; /* of a run: the text that was found last */
    uint32_t last_id;
    size_t room, words; /* records; words of one */
    int64_t *now;
    toll_total *wide;
    int64_t *counts[TOLL_IMPACT_BOOKS_MAX]; /* of sides beside the base that differ */
};

static void group_free(struct group *group)
{
    toll_strings_free(&group->names);
    free(group->offsets);
    free(group->now);
    free(group->wide);
    for (int s = 0; s < TOLL_IMPACT_BOOKS_MAX; s++)
        free(group->counts[s]);
}

static bool grow_zeroed(void *array, size_t had, size_t bytes)
{
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = realloc(old, bytes);
    if (grown == NULL)
        return false;
    memset((char *)grown + had, 0, bytes - had);
    memcpy(array, &grown, sizeof grown);
    return true; /* cppcheck-suppress memleak ; the array has it */
}

/* Room for the records of an id. */
static bool group_reserve(struct group *group, const struct toll_impact_sums *sums, int side, uint32_t id)
{
    const size_t needed = ((size_t)id + 1) * sums->shape->currency_count, had = group->room;
    if (needed <= had)
        return true;
    const size_t room = 2 * needed + 64, words = group->words;
    bool good = grow_zeroed(&group->now, had * words * sizeof *group->now, room * words * sizeof *group->now);
    if (sums->sides[side].planes[TOLL_PLANE_PRICES].wide != NULL)
        good = good && grow_zeroed(&group->wide, had * words * sizeof *group->wide,
                                   room * words * sizeof *group->wide);
    for (int s = 1; side == 0 && s < sums->shape->count; s++)
        if (sums->sides[s].differs)
            good = good && grow_zeroed(&group->counts[s], had * TOLL_WORDS_COUNTS * sizeof(int64_t),
                                       room * TOLL_WORDS_COUNTS * sizeof(int64_t));
    if (good)
        group->room = room;
    return good;
}

static uint32_t first_slot(uint32_t offset, uint32_t mask)
{
    return (uint32_t)((offset * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
}

static bool grow_offsets(struct group *group)
{
    const uint32_t slots = group->offsets == NULL ? 256 : 2 * (group->slot_mask + 1);
    uint64_t *grown = calloc(slots, sizeof *grown);
    if (grown == NULL)
        return false;
    for (uint32_t i = 0; group->offsets != NULL && i <= group->slot_mask; i++) {
        if (group->offsets[i] == 0)
            continue;
        uint32_t at = first_slot((uint32_t)(group->offsets[i] >> 32), slots - 1);
        while (grown[at] != 0)
            at = (at + 1) & (slots - 1);
        grown[at] = group->offsets[i];
    }
    free(group->offsets);
    group->offsets = grown;
    group->slot_mask = slots - 1;
    return true;
}

/* The id of a text of the book; 0: no memory. */
static uint32_t find_offset(struct group *group, const struct toll_book *book, uint32_t offset)
{
    if ((group->offsets == NULL || 2 * group->slot_count > group->slot_mask) && !grow_offsets(group))
        return 0;
    uint32_t at = first_slot(offset, group->slot_mask);
    for (; group->offsets[at] != 0; at = (at + 1) & group->slot_mask)
        if (group->offsets[at] >> 32 == offset)
            return (uint32_t)group->offsets[at];
    const char *text = toll_book_string(book, offset);
    const uint32_t id = toll_strings_add(&group->names, text, strlen(text));
    if (id != 0) {
        group->offsets[at] = (uint64_t)offset << 32 | id;
        group->slot_count++;
    }
    return id;
}

static uint32_t find_text(struct group *group, const char *text)
{
    if (text != group->last || group->last_id == 0) {
        group->last = text;
        group->last_id = toll_strings_add(&group->names, text, strlen(text));
    }
    return group->last_id;
}

enum group_kind { BY_DESTINATION, BY_DECK };

static uint32_t group_find(struct group *group, enum group_kind kind, const struct toll_impact_side *side,
                           size_t price)
{
    if (price == 0)
        return find_text(group, "");
    if (side->book != NULL) {
        const struct toll_price_origin origin = toll_book_origin(side->book, (uint32_t)price);
        if (kind == BY_DECK && origin.deck == 0)
            return find_text(group, "");
        return find_offset(group, side->book,
                           kind == BY_DECK ? side->book->decks[origin.deck].name : origin.destination);
    }
    const struct toll_price_row *row = &side->run->tables.prices[price - 1];
    return find_text(group, kind == BY_DECK ? row->deck : row->destination);
}

static void group_add(struct group *group, const struct toll_impact_sums *sums, int side, size_t record,
                      size_t key)
{
    const struct toll_plane *prices = &sums->sides[side].planes[TOLL_PLANE_PRICES];
    int64_t *now = group->now + record * group->words;
    const int64_t *from = prices->now + key * prices->words;
    for (size_t w = 0; w < group->words; w++)
        now[w] += from[w];
    for (size_t w = 0; prices->wide != NULL && w < group->words; w++)
        group->wide[record * group->words + w] += prices->wide[key * prices->words + w];
}

/* What `of` (the side that was walked, or one that is beside it) has in a record. */
static void group_read(const struct group *group, const struct toll_impact_shape *shape, int walked, int of,
                       size_t record, struct toll_impact_words *out)
{
    const size_t at = record * group->words;
    const bool beside = of != walked;
    for (size_t w = 0; w < TOLL_WORDS_OWN; w++) {
        const size_t word = beside && w == TOLL_WORD_CHARGE ? shape->sides[of].word : w;
        out->words[w] = group->now[at + word] + (group->wide == NULL ? 0 : group->wide[at + word]);
    }
    for (size_t w = 0; beside && group->counts[of] != NULL && w < TOLL_WORDS_COUNTS; w++)
        out->words[w] += group->counts[of][record * TOLL_WORDS_COUNTS + w];
}

static bool has_counts(const struct group *group, size_t record)
{
    for (int s = 0; s < TOLL_IMPACT_BOOKS_MAX; s++)
        for (size_t w = 0; group->counts[s] != NULL && w < TOLL_WORDS_COUNTS; w++)
            if (group->counts[s][record * TOLL_WORDS_COUNTS + w] != 0)
                return true;
    return false;
}

static bool group_name(struct toll_impact_maker *maker, const struct group *group, int side,
                       enum toll_dimension dimension)
{
    const uint32_t currencies = maker->shape->currency_count;
    const struct toll_impact_naming naming = {.name = ""};
    struct toll_impact_words words;
    for (uint32_t id = 1; id <= group->names.count; id++)
        for (uint32_t c = 0; c < currencies; c++) {
            const size_t record = (size_t)id * currencies + c;
            size_t bytes;
            const char *text = toll_strings_text(&group->names, id, &bytes);
            if (record >= group->room)
                continue;
            group_read(group, maker->shape, side, side, record, &words);
            if (words.words[TOLL_WORD_ROWS] == 0 && !has_counts(group, record))
                continue;
            struct toll_measure *to = toll_impact_entry(maker, dimension, text, bytes + 1, c, &naming);
            if (to == NULL)
                return false;
            for (int s = side; s < maker->shape->count; s++) {
                if (s != side && !(side == 0 && toll_impact_beside(&maker->shape->sides[s])))
                    continue;
                group_read(group, maker->shape, side, s, record, &words);
                toll_impact_measure_add(&to[s], &words);
            }
        }
    return true;
}

/* ---- the price rows themselves ---- */

/* Which services' lines name a price: of voice those that are billed tell, of others the tally. Of a row that
 * was compiled more than once any may be the one that lines name. */
static unsigned services_of(const struct toll_impact_maker *maker, int side, size_t price, size_t key)
{
    const struct toll_impact_side *of = &maker->sides[side];
    const struct toll_plane *prices = &maker->sums->sides[side].planes[TOLL_PLANE_PRICES];
    const size_t currencies = maker->shape->currency_count, first = key - key % currencies;
    toll_total rows = 0, billed_s = 0;
    unsigned services = 0;
    if (of->tally == NULL)
        return 0;
    for (size_t at = price; at < of->book->price_count && at < price + TOLL_SAME_ROW_WITHIN; at++)
        if (at == price || toll_impact_same_row(of->book, price, at))
            services |= toll_tally_price_services(of->tally, (uint32_t)at);
    for (size_t c = 0; c < currencies; c++) {
        rows += toll_plane_get(prices, first + c, TOLL_WORD_ROWS);
        billed_s += toll_plane_get(prices, first + c, TOLL_WORD_BILLED_S);
    }
    return rows > 0 && (services == 0 || billed_s > 0) ? services | 1u << TOLL_VOICE : services;
}

/* key: of the side's prices, times the currencies. */
static bool fill_price(struct toll_impact_maker *maker, int side, size_t price, size_t key,
                       struct toll_impact_price *out)
{
    const struct toll_impact_side *of = &maker->sides[side];
    struct toll_price_row described = {0};
    const struct toll_price_row *row = &described;
    if (of->book != NULL) {
        const unsigned services = services_of(maker, side, price, key);
        toll_price_describe(of->book, (int32_t)price, services, &described);
        if (services == 0)
            described.unit = "";
    } else {
        row = &of->run->tables.prices[price - 1];
    }
    *out = (struct toll_impact_price){.step = row->step,
                                      .rate = row->rate,
                                      .per_units = row->per_units,
                                      .connect_fee = row->connect_fee,
                                      .line = row->line};
    const char *const from[] = {row->kind,        row->plan,   row->deck, row->prefix, row->band,
                                row->destination, row->column, row->unit, row->file};
    const char **const to[] = {&out->kind,        &out->plan,   &out->deck, &out->prefix, &out->band,
                               &out->destination, &out->column, &out->unit, &out->file};
    bool good = true;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        *to[i] = toll_impact_text(maker->owned, from[i] == NULL ? "" : from[i]);
        good &= *to[i] != NULL;
    }
    return good;
}

static const struct toll_impact_price *keep_price(struct toll_impact_maker *maker,
                                                  const struct toll_impact_price *price)
{
    struct toll_impact_price *kept = toll_arena_alloc(&maker->owned->arena, sizeof *kept);
    if (kept != NULL)
        *kept = *price;
    return kept;
}

struct price_key { /* of the row, see struct toll_impact_entries */
    char *text;
    size_t used, room;
};

static bool put(struct price_key *key, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    if (key->used + bytes > key->room) {
        const size_t room = 2 * (key->used + bytes) + 256;
        char *grown = realloc(key->text, room);
        if (grown == NULL)
            return false;
        key->text = grown;
        key->room = room;
    }
    memcpy(key->text + key->used, text, bytes);
    key->used += bytes;
    return true;
}

static struct toll_measure *price_entry(struct toll_impact_maker *maker, int side, size_t price,
                                        size_t key_of_prices, struct price_key *key)
{
    static const struct toll_impact_price none = {"", "", "", "", "", "", "", "", 0, 0, 0, 0, "", 0};
    struct toll_impact_price row = none;
    if (price != 0 && !fill_price(maker, side, price, key_of_prices, &row))
        return NULL;
    char step[16];
    snprintf(step, sizeof step, "%010d", row.step);
    key->used = 0;
    if (!put(key, *row.prefix != 0 ? row.prefix
                  : *row.plan != 0 ? row.plan
                                   : row.deck) ||
        !put(key, row.kind) || !put(key, row.plan) || !put(key, row.deck) || !put(key, row.prefix) ||
        !put(key, row.band) || !put(key, step) || !put(key, row.column) || !put(key, row.destination))
        return NULL;
    const uint32_t had = maker->owned->tables[TOLL_BY_PRICE].keys.count;
    struct toll_measure *to = toll_impact_entry(maker, TOLL_BY_PRICE, key->text, key->used,
                                                (uint32_t)(key_of_prices % maker->shape->currency_count),
                                                &(struct toll_impact_naming){.name = ""});
    struct toll_impact_entries *entries = &maker->owned->tables[TOLL_BY_PRICE];
    if (to != NULL && entries->keys.count > had) {
        entries->naming[entries->keys.count].price = keep_price(maker, &row);
        if (entries->naming[entries->keys.count].price == NULL)
            return NULL;
    }
    return to;
}

static bool add_price(struct toll_impact_maker *maker, int side, size_t price, size_t key,
                      struct price_key *text)
{
    struct toll_impact_words words;
    struct toll_measure *to = price_entry(maker, side, price, key, text);
    for (int s = side; to != NULL && s < maker->shape->count; s++) {
        if (s != side && !(side == 0 && maker->shape->sides[s].repriced))
            continue;
        toll_impact_read(maker->sums, s, TOLL_PLANE_PRICES, key, &words);
        toll_impact_measure_add(&to[s], &words);
    }
    return to != NULL;
}

/* ---- what drives the difference ---- */

struct mover {
    toll_total score; /* money moved: the sum over books of |difference| */
    size_t key;       /* price * currencies + currency */
};
struct movers {
    struct mover *heap; /* the least of them first */
    size_t count, room, most;
    size_t seen[TOLL_IMPACT_CURRENCIES];
    bool unmoved[TOLL_IMPACT_CURRENCIES]; /* there are rows that do not move, which are not listed */
    uint32_t currencies;
};

/* a comes before b in the list. */
static bool moves_more(const struct movers *movers, const struct mover *a, const struct mover *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    const size_t x = a->key % movers->currencies, y = b->key % movers->currencies;
    return x != y ? x < y : a->key < b->key;
}

static void sink(struct movers *movers, size_t at, size_t count)
{
    for (;;) {
        size_t least = at, child = 2 * at + 1;
        for (size_t i = child; i < child + 2 && i < count; i++)
            if (moves_more(movers, &movers->heap[least], &movers->heap[i]))
                least = i;
        if (least == at)
            return;
        const struct mover moved = movers->heap[at];
        movers->heap[at] = movers->heap[least];
        movers->heap[least] = moved;
        at = least;
    }
}

static bool add_mover(struct movers *movers, struct mover mover)
{
    movers->seen[mover.key % movers->currencies]++;
    if (movers->count == movers->most && movers->most > 0) {
        if (moves_more(movers, &mover, &movers->heap[0])) {
            movers->heap[0] = mover;
            sink(movers, 0, movers->count);
        }
        return true;
    }
    if (movers->count == movers->room) {
        const size_t room = 2 * movers->room + 1024;
        struct mover *grown = realloc(movers->heap, room * sizeof *grown);
        if (grown == NULL)
            return false;
        movers->heap = grown;
        movers->room = room;
    }
    size_t at = movers->count++;
    movers->heap[at] = mover;
    while (at > 0 && moves_more(movers, &movers->heap[(at - 1) / 2], &movers->heap[at])) {
        const struct mover parent = movers->heap[(at - 1) / 2];
        movers->heap[(at - 1) / 2] = movers->heap[at];
        movers->heap[at] = parent;
        at = (at - 1) / 2;
    }
    return true;
}

/* The most first. */
static void sort_movers(struct movers *movers)
{
    for (size_t left = movers->count; left > 1; left--) {
        const struct mover least = movers->heap[0];
        movers->heap[0] = movers->heap[left - 1];
        movers->heap[left - 1] = least;
        sink(movers, 0, left - 1);
    }
}

static toll_total score_of(const struct toll_impact_maker *maker, const struct toll_plane *prices, size_t key)
{
    toll_total score = 0;
    const toll_total base = toll_plane_get(prices, key, TOLL_WORD_CHARGE);
    for (int s = 1; s < maker->shape->count; s++) {
        const toll_total difference = toll_plane_get(prices, key, maker->shape->sides[s].word) - base;
        score += difference < 0 ? -difference : difference;
    }
    return score;
}

static bool fill_moved(struct toll_impact_maker *maker, struct movers *movers)
{
    const struct toll_plane *prices = &maker->sums->sides[0].planes[TOLL_PLANE_PRICES];
    const size_t currencies = maker->shape->currency_count, books = (size_t)maker->shape->count;
    const size_t most = movers->count + currencies;
    struct toll_impact_moved *list = calloc(most + 1, sizeof *list);
    struct toll_sum *charges = calloc(most * books + 1, sizeof *charges);
    maker->owned->moved = list;
    maker->owned->moved_charges = charges;
    if (list == NULL || charges == NULL)
        return false;
    /* what is left out, by currency: the totals less what is in the list */
    struct toll_impact_moved *rest = list + movers->count;
    struct toll_sum *rest_charges = charges + movers->count * books;
    const struct toll_impact_entries *totals = &maker->owned->tables[TOLL_BY_TOTAL];
    for (size_t c = 0; c < currencies; c++) {
        const char *currency = maker->currencies[c];
        const uint32_t id = toll_strings_find(&totals->keys, currency, strlen(currency) + 1);
        const struct toll_measure *sum = &totals->measures[(id * currencies + c) * books];
        rest[c] = (struct toll_impact_moved){.currency = currency,
                                             .left_out = (int64_t)movers->seen[c] + movers->unmoved[c],
                                             .rows = id == 0 ? 0 : sum[0].rows,
                                             .charge = rest_charges + c * books};
        for (size_t s = 0; id != 0 && s < books; s++)
            rest_charges[c * books + s] = sum[s].charge;
    }
    sort_movers(movers);
    for (size_t i = 0; i < movers->count; i++) {
        const size_t key = movers->heap[i].key, c = key % currencies;
        const size_t price = toll_impact_price_of(&maker->shape->sides[0], key / currencies);
        struct toll_impact_price row;
        list[i] = (struct toll_impact_moved){.currency = maker->currencies[c],
                                             .rows = (int64_t)toll_plane_get(prices, key, TOLL_WORD_ROWS),
                                             .charge = charges + i * books};
        if (price != 0) {
            if (!fill_price(maker, 0, price, key, &row) || (list[i].price = keep_price(maker, &row)) == NULL)
                return false;
        }
        rest[c].left_out--;
        rest[c].rows -= list[i].rows;
        for (size_t s = 0; s < books; s++) {
            const toll_total charge = toll_plane_get(prices, key, maker->shape->sides[s].word);
            charges[i * books + s] = toll_sum_of(charge);
            toll_sum_join(&rest_charges[c * books + s], -charge);
        }
    }
    size_t used = movers->count;
    for (size_t c = 0; c < currencies; c++)
        if (rest[c].left_out > 0)
            list[used++] = rest[c];
    maker->out->moved = list;
    maker->out->moved_count = used;
    return true;
}

/* ---- rows that were compiled more than once ---- */

static bool same_table_row(const struct toll_price_row *x, const struct toll_price_row *y)
{
    return x->line == y->line && x->rate == y->rate && x->per_units == y->per_units &&
           x->connect_fee == y->connect_fee && x->step == y->step && strcmp(x->prefix, y->prefix) == 0 &&
           strcmp(x->file, y->file) == 0 && strcmp(x->column, y->column) == 0 &&
           strcmp(x->deck, y->deck) == 0 && strcmp(x->plan, y->plan) == 0 && strcmp(x->kind, y->kind) == 0 &&
           strcmp(x->band, y->band) == 0 && strcmp(x->destination, y->destination) == 0;
}

static void move_record(struct toll_plane *plane, size_t to, size_t from)
{
    for (size_t w = 0; plane->now != NULL && w < plane->words; w++) {
        plane->now[to * plane->words + w] += plane->now[from * plane->words + w];
        plane->now[from * plane->words + w] = 0;
        if (plane->wide == NULL)
            continue;
        plane->wide[to * plane->words + w] += plane->wide[from * plane->words + w];
        plane->wide[from * plane->words + w] = 0;
    }
}

/* Is it hopeless? Rows of a deck, the one that has price a or one before it, know their line. */
static bool are_other_rows(const struct toll_book *book, uint32_t *deck_id, size_t a, size_t b)
{
    while (*deck_id + 1 < book->deck_count && a >= book->decks[*deck_id + 1].price_first)
        ++*deck_id;
    const struct toll_deck *deck = &book->decks[*deck_id];
    if (b < deck->price_first || a - deck->price_first >= deck->price_count)
        return b < deck->price_first && a - deck->price_first < deck->price_count;
    const struct toll_origin *x = &book->origins[deck->origin_first + (a - deck->price_first)];
    const struct toll_origin *y = &book->origins[deck->origin_first + (b - deck->price_first)];
    return x->line != y->line || x->key != y->key;
}

/* What of the base's keys stands for the same row of its tables goes under the first of them. */
static void join_same_rows(struct toll_impact_maker *maker)
{
    uint32_t deck = 0;
    const struct toll_impact_side_shape *shape = &maker->shape->sides[0];
    const struct toll_impact_side *side = &maker->sides[0];
    const size_t currencies = maker->shape->currency_count;
    struct toll_plane *plane = &maker->sums->sides[0].planes[TOLL_PLANE_PRICES];
    for (size_t key = 2; key < shape->prices; key++) {
        size_t first = key;
        if (toll_impact_is_group(shape, key))
            continue;
        for (size_t back = 1; back < TOLL_SAME_ROW_WITHIN && back < key; back++) {
            const size_t a = toll_impact_price_of(shape, key), b = toll_impact_price_of(shape, key - back);
            if (side->book != NULL && shape->price_of_key == NULL && are_other_rows(side->book, &deck, a, b))
                continue;
            if (!toll_impact_is_group(shape, key - back) &&
                (side->book != NULL
                     ? toll_impact_same_row(side->book, a, b)
                     : same_table_row(&side->run->tables.prices[a - 1], &side->run->tables.prices[b - 1])))
                first = key - back;
        }
        for (size_t c = 0; first != key && c < currencies; c++)
            move_record(plane, first * currencies + c, key * currencies + c);
    }
}

/* ---- the walk ---- */

/* Does a side, or in the base's plane any, have something under the key? */
static bool is_used(const struct toll_plane *prices, size_t key, size_t words)
{
    for (size_t w = 0; w < words; w++)
        if (prices->now[key * prices->words + w] != 0 ||
            (prices->wide != NULL && prices->wide[key * prices->words + w] != 0))
            return true;
    return false;
}

/* Keys that one thread walks. */
struct walk {
    struct toll_impact_maker *maker;
    int side;
    size_t first, end;
    struct group groups[2];
    struct movers movers;
    struct price_key text;
    bool good;
};

static const enum group_kind kinds[2] = {BY_DESTINATION, BY_DECK};

/* What a side that is alike has otherwise, by the base's groups. */
static bool add_group_counts(const struct toll_impact_maker *maker, int s, struct group groups[2])
{
    const struct toll_impact_sums *sums = maker->sums;
    const struct toll_plane *counts = &sums->sides[s].counts[TOLL_PLANE_PRICES];
    const size_t currencies = maker->shape->currency_count;
    for (size_t key = 0; key < counts->keys; key++) {
        if (!is_used(counts, key, counts->words))
            continue;
        for (int g = 0; g < 2; g++) {
            const uint32_t id = group_find(&groups[g], kinds[g], &maker->sides[0],
                                           maker->shape->group_price[key / currencies]);
            if (id == 0 || !group_reserve(&groups[g], sums, 0, id))
                return false;
            int64_t *to = groups[g].counts[s] + (id * currencies + key % currencies) * TOLL_WORDS_COUNTS;
            for (size_t w = 0; w < TOLL_WORDS_COUNTS; w++)
                to[w] += (int64_t)toll_plane_get(counts, key, w);
        }
    }
    return true;
}

static bool walk(struct walk *walk)
{
    struct toll_impact_maker *maker = walk->maker;
    const int side = walk->side;
    const struct toll_impact_sums *sums = maker->sums;
    const struct toll_plane *prices = &sums->sides[side].planes[TOLL_PLANE_PRICES];
    const uint32_t currencies = maker->shape->currency_count;
    const bool moved = side == 0 && maker->wishes->same_calls && maker->shape->count > 1;
    for (size_t key = walk->first; key < walk->end; key++) {
        const bool lines = is_used(prices, key, 1);
        if (!lines && (currencies == 1 || !moved || !is_used(prices, key, prices->words)))
            continue;
        const struct toll_impact_side_shape *shape = &maker->shape->sides[side];
        const size_t price = toll_impact_price_of(shape, key / currencies), currency = key % currencies;
        for (int g = 0; lines && g < 2; g++) {
            const uint32_t id = group_find(&walk->groups[g], kinds[g], &maker->sides[side], price);
            if (id == 0 || !group_reserve(&walk->groups[g], sums, side, id))
                return false;
            group_add(&walk->groups[g], sums, side, (size_t)id * currencies + currency, key);
        }
        if (lines && maker->wishes->prices && !add_price(maker, side, price, key, &walk->text))
            return false;
        if (!moved)
            continue;
        const struct mover mover = {score_of(maker, prices, key), key};
        if (mover.score == 0 || toll_impact_is_group(shape, key / currencies))
            walk->movers.unmoved[currency] = true;
        else if (!add_mover(&walk->movers, mover))
            return false;
    }
    return true;
}

static int walk_piece(void *context, size_t index, struct toll_error *error)
{
    struct walk *one = (struct walk *)context + index;
    (void)error;
    one->good = walk(one);
    return 0;
}

static bool join_movers(struct movers *movers, const struct movers *from)
{
    size_t seen[TOLL_IMPACT_CURRENCIES] = {0};
    bool good = true;
    for (uint32_t c = 0; c < movers->currencies; c++) {
        seen[c] = movers->seen[c] + from->seen[c];
        movers->unmoved[c] = movers->unmoved[c] || from->unmoved[c];
    }
    for (size_t i = 0; good && i < from->count; i++)
        good = add_mover(movers, from->heap[i]);
    memcpy(movers->seen, seen, movers->currencies * sizeof *seen);
    return good;
}

#define WALKS_MOST 16
#define KEYS_OF_A_WALK 16 /* at least; few, so that small books, and tests, go the same way */

/* Names are given by one thread: of price rows each has its own. */
static size_t walks_of(const struct toll_impact_maker *maker, size_t keys)
{
    size_t count = maker->wishes->prices ? 1 : maker->shape->threads;
    count = count < WALKS_MOST ? count : WALKS_MOST;
    count = count < keys / KEYS_OF_A_WALK ? count : keys / KEYS_OF_A_WALK;
    return count > 0 ? count : 1;
}

static bool walk_side(struct toll_impact_maker *maker, int side, struct movers *movers)
{
    const size_t keys = maker->sums->sides[side].planes[TOLL_PLANE_PRICES].keys;
    const size_t count = walks_of(maker, keys), words = maker->shape->sides[side].words;
    struct walk *walks = calloc(count, sizeof *walks);
    bool good = walks != NULL;
    for (size_t i = 0; good && i < count; i++)
        walks[i] = (struct walk){.maker = maker,
                                 .side = side,
                                 .first = keys * i / count,
                                 .end = keys * (i + 1) / count,
                                 .groups = {{.words = words}, {.words = words}},
                                 .movers = {.most = movers->most, .currencies = movers->currencies}};
    if (good)
        toll_work_run((unsigned)count, count, walk_piece, NULL, walks, NULL);
    for (int s = 1; good && side == 0 && s < maker->shape->count; s++)
        if (maker->shape->sides[s].alike && maker->sums->sides[s].differs)
            good = add_group_counts(maker, s, walks[0].groups);
    for (size_t i = 0; walks != NULL && i < count; i++) {
        struct walk *one = &walks[i];
        good = good && one->good && join_movers(movers, &one->movers) &&
               group_name(maker, &one->groups[0], side, TOLL_BY_DESTINATION) &&
               group_name(maker, &one->groups[1], side, TOLL_BY_DECK);
        group_free(&one->groups[0]);
        group_free(&one->groups[1]);
        free(one->movers.heap);
        free(one->text.text);
    }
    free(walks);
    return good;
}

bool toll_impact_fill_prices(struct toll_impact_maker *maker)
{
    struct movers movers = {.most = maker->wishes->moved_most, .currencies = maker->shape->currency_count};
    bool good = true;
    if (maker->wishes->same_calls && maker->shape->count > 1)
        join_same_rows(maker);
    for (int s = 0; good && s < maker->shape->count; s++)
        if (!maker->shape->sides[s].repriced)
            good = walk_side(maker, s, &movers);
    if (good && maker->wishes->same_calls && maker->shape->count > 1)
        good = fill_moved(maker, &movers);
    free(movers.heap);
    return good;
}
