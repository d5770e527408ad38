/*
 * Finding sheets. Two decks are of one family when their tries have the same nodes; a leaf is then one value
 * of the first deck, and what the others have in its places are its partners. A leaf is regular when each
 * deck's price rows for it, band by band, lie as far from the deck's first as the first deck's do; the others
 * are asked one by one. Decks of which the image has one trie and its entries once are of one family without
 * a look. Values and prices are counted within the deck here, as the image has them. Leaves are then parted
 * into classes, deck by deck and band by band, until those of a class have equal terms everywhere.
 */
#include "pipeline/sheets.h"

#include "ratetable/lpm.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_WORDS TOLL_LPM_PLACES
#define NODE_WORDS TOLL_LPM_NODE_WORDS
#define ALIGN_WORDS 16u
#define ODD_SHARE 8     /* one leaf in so many may be irregular */
#define FAMILIES_MAX 16 /* each deck is compared with all of them; decks beyond keep tables of their own */
#define VALUE_BITS 30
#define VOTERS 1000
#define NONE UINT32_MAX

/* Prices of a leaf in one deck, by place of the band among the deck's. */
struct prices {
    uint32_t of[TOLL_SHEET_BANDS_MAX]; /* 0: none */
};

/* How a deck's rows lie: a leaf's price in band k is base + offset + step[k]. */
struct lie {
    uint32_t base;
    uint32_t step[TOLL_SHEET_BANDS_MAX]; /* NONE: no price */
};

struct member {
    uint32_t deck;
    struct lie lie;
};

/* A family that is being found; arrays by leaf. */
struct family {
    uint32_t first; /* deck whose values the leaves are */
    struct member *members;
    uint32_t member_count;
    uint32_t leaf_count;
    uint32_t *price_leaf, *entry_leaf; /* 1 + leaf, from the first deck's lowest price and entry on */
    uint32_t price_low, price_high, entry_low, entry_high;
    uint32_t *value, *partner, *offset, *class_;
    uint8_t *odd, *odd_now;
    uint32_t class_count;
};

struct maker {
    const struct toll_book *book;
    struct toll_sheets *sheets;
    struct family *families;
    uint32_t family_count;
};

/* ---- words ---- */

struct piece {
    uint32_t at;
    size_t count;
};

/* The pieces of a trie. */
static void pieces_of(const struct toll_lpm *lpm, struct piece pieces[4])
{
    pieces[0] = (struct piece){lpm->first3, FIRST_WORDS};
    pieces[1] = (struct piece){lpm->npa, FIRST_WORDS};
    pieces[2] = (struct piece){lpm->nodes, (size_t)lpm->node_count * NODE_WORDS};
    pieces[3] = (struct piece){lpm->pages, (size_t)lpm->page_count * TOLL_LPM_PAGE + TOLL_LPM_PAGE_SLACK};
}

static size_t round_up(size_t words)
{
    return (words + ALIGN_WORDS - 1) / ALIGN_WORDS * ALIGN_WORDS;
}

static bool is_leaf(uint32_t word)
{
    return word != 0 && (word & TOLL_LPM_NODE) == 0;
}

/* ---- bands ---- */

/* The bands that a deck's calendar gives; false: too many. */
static bool find_bands(const struct toll_book *book, const struct toll_deck *deck, struct toll_sheet *sheet)
{
    sheet->band_count = 1;
    sheet->bands[0].band = 0;
    if (deck->calendar == 0)
        return true;
    const struct toll_calendar *calendar = &book->calendars[deck->calendar];
    for (uint32_t i = 0; i < calendar->row_count + calendar->holiday_count; i++) {
        const int32_t band = i < calendar->row_count
                                 ? book->calendar_rows[calendar->first_row + i].band
                                 : book->holidays[calendar->first_holiday + i - calendar->row_count].band;
        uint32_t k = 0;
        while (k < sheet->band_count && sheet->bands[k].band != band)
            k++;
        if (k == TOLL_SHEET_BANDS_MAX)
            return false;
        sheet->bands[k].band = band;
        sheet->band_count = k == sheet->band_count ? k + 1 : sheet->band_count;
    }
    return true;
}

/* The prices of a value of the deck; false: they depend on more than the band. */
static bool find_prices(const struct toll_book *book, const struct toll_deck *deck,
                        const struct toll_sheet *sheet, uint32_t value, struct prices *prices)
{
    if ((value & TOLL_LPM_ENTRY) == 0) {
        for (uint32_t k = 0; k < sheet->band_count; k++)
            prices->of[k] = value;
        return true;
    }
    const struct toll_entry *entry = &book->entries[deck->entry_first + (value & TOLL_LPM_INDEX)];
    const struct toll_entry_row *rows = toll_entry_rows(book, deck, entry);
    if (entry->walk_per != 0)
        return false;
    memset(prices, 0, sizeof *prices);
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct toll_entry_span *span = &book->entry_spans[rows[i].span];
        if (span->from != TOLL_MS_MIN || span->until != TOLL_MS_MAX || span->step != 0)
            return false;
        for (uint32_t k = 0; k < sheet->band_count; k++)
            if (span->band == sheet->bands[k].band || (span->band == 0 && prices->of[k] == 0))
                prices->of[k] = rows[i].price;
    }
    return true;
}

/* The lowest price, 0 none, and how far from it each band's is. */
static uint32_t lie_of(const struct prices *prices, uint32_t bands, struct lie *lie)
{
    uint32_t low = NONE;
    for (uint32_t k = 0; k < bands; k++)
        if (prices->of[k] != 0 && prices->of[k] < low)
            low = prices->of[k];
    for (uint32_t k = 0; k < bands; k++)
        lie->step[k] = prices->of[k] == 0 ? NONE : prices->of[k] - low;
    return low == NONE ? 0 : low;
}

static bool same_steps(const struct lie *a, const struct lie *b, uint32_t bands)
{
    return memcmp(a->step, b->step, bands * sizeof *a->step) == 0;
}

/* ---- leaves ---- */

static void widen(uint32_t index, uint32_t *low, uint32_t *high)
{
    *low = index < *low ? index : *low;
    *high = index >= *high ? index + 1 : *high;
}

static uint32_t *leaf_place(const struct family *family, uint32_t value)
{
    const uint32_t index = value & TOLL_LPM_INDEX;
    return (value & TOLL_LPM_ENTRY) != 0 ? &family->entry_leaf[index - family->entry_low]
                                         : &family->price_leaf[index - family->price_low];
}

/* Each value of the first deck becomes a leaf, in the order of the words. False: out of memory. */
static bool number_leaves(const struct toll_book *book, struct family *family)
{
    struct piece pieces[4];
    pieces_of(&book->decks[family->first].lpm, pieces);
    family->price_low = family->entry_low = NONE;
    for (unsigned p = 0; p < 4; p++)
        for (size_t i = 0; i < pieces[p].count; i++) {
            const uint32_t word = book->lpm_words[pieces[p].at + i];
            if (is_leaf(word) && (word & TOLL_LPM_ENTRY) != 0)
                widen(word & TOLL_LPM_INDEX, &family->entry_low, &family->entry_high);
            else if (is_leaf(word))
                widen(word, &family->price_low, &family->price_high);
        }
    const size_t prices = family->price_high == 0 ? 0 : family->price_high - family->price_low;
    const size_t entries = family->entry_high == 0 ? 0 : family->entry_high - family->entry_low;
    family->price_leaf = calloc(prices + 1, sizeof *family->price_leaf);
    family->entry_leaf = calloc(entries + 1, sizeof *family->entry_leaf);
    family->value = calloc(prices + entries + 1, sizeof *family->value);
    if (family->price_leaf == NULL || family->entry_leaf == NULL || family->value == NULL)
        return false;
    for (unsigned p = 0; p < 4; p++)
        for (size_t i = 0; i < pieces[p].count; i++) {
            const uint32_t word = book->lpm_words[pieces[p].at + i];
            uint32_t *leaf = is_leaf(word) ? leaf_place(family, word) : NULL;
            if (leaf == NULL || *leaf != 0)
                continue;
            family->value[family->leaf_count++] = word;
            *leaf = family->leaf_count;
        }
    const size_t count = family->leaf_count + (size_t)1;
    family->partner = calloc(count, sizeof *family->partner);
    family->offset = calloc(count, sizeof *family->offset);
    family->class_ = calloc(count, sizeof *family->class_);
    family->odd = calloc(count, 1);
    family->odd_now = calloc(count, 1);
    return family->partner != NULL && family->offset != NULL && family->class_ != NULL &&
           family->odd != NULL && family->odd_now != NULL;
}

/* What a deck has in the leaves' places; leaves in whose places it has several values become odd. False: its
 * trie is another. */
static bool find_partners(const struct toll_book *book, struct family *family, const struct toll_lpm *lpm)
{
    const struct toll_lpm *first = &book->decks[family->first].lpm;
    struct piece ours[4], theirs[4];
    if (first->page_count != lpm->page_count || first->node_count != lpm->node_count)
        return false;
    pieces_of(first, ours);
    pieces_of(lpm, theirs);
    memset(family->partner, 0, family->leaf_count * sizeof *family->partner);
    for (unsigned p = 0; p < 4; p++) {
        const uint32_t *a = book->lpm_words + ours[p].at, *b = book->lpm_words + theirs[p].at;
        uint32_t last_a = 0, last_b = 0;
        for (size_t i = 0; i < ours[p].count; i++) {
            if (a[i] == last_a && b[i] == last_b)
                continue;
            last_a = a[i];
            last_b = b[i];
            if (!is_leaf(last_a) || !is_leaf(last_b)) {
                if (last_a != last_b)
                    return false;
                continue;
            }
            const uint32_t leaf = *leaf_place(family, last_a) - 1;
            family->odd_now[leaf] |= (uint8_t)(family->partner[leaf] != 0 && family->partner[leaf] != last_b);
            family->partner[leaf] = last_b;
        }
    }
    return true;
}

/* How most rows of a deck lie: what is more than half of all survives the others' votes. Not all are asked; a
 * wrong answer makes more leaves odd, no more. */
static struct lie find_lie(const struct toll_book *book, const struct family *family,
                           const struct toll_deck *deck, const struct toll_sheet *sheet)
{
    struct lie winner = {0, {0}}, lie;
    struct prices prices;
    uint32_t votes = 0;
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf += 1 + family->leaf_count / VOTERS) {
        if (!find_prices(book, deck, sheet, family->partner[leaf], &prices))
            continue;
        lie.base = lie_of(&prices, sheet->band_count, &lie) - family->offset[leaf];
        if (votes == 0)
            winner = lie;
        const bool same = lie.base == winner.base && same_steps(&lie, &winner, sheet->band_count);
        votes += same ? 1 : UINT32_MAX;
    }
    return winner;
}

/* The offsets of the first deck's rows, from the lowest price that is a leaf's on. */
static void find_offsets(const struct toll_book *book, struct family *family, const struct toll_sheet *sheet)
{
    struct prices prices;
    struct lie lie;
    uint32_t base = NONE;
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++) {
        family->partner[leaf] = family->value[leaf];
        const bool good = find_prices(book, &book->decks[family->first], sheet, family->value[leaf], &prices);
        family->offset[leaf] = good ? lie_of(&prices, sheet->band_count, &lie) : 0;
        if (family->offset[leaf] != 0 && family->offset[leaf] < base)
            base = family->offset[leaf];
    }
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++)
        family->offset[leaf] = family->offset[leaf] == 0 ? 0 : family->offset[leaf] - base;
}

/* Does the deck of which the partners are belong to the family? Its odd leaves are the family's then. */
static bool join(const struct toll_book *book, struct family *family, uint32_t deck,
                 const struct toll_sheet *sheet)
{
    struct lie lie;
    struct prices prices;
    uint32_t odd = 0;
    const struct toll_deck *table = &book->decks[deck];
    const struct lie most = find_lie(book, family, table, sheet);
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++) {
        bool good =
            family->odd_now[leaf] == 0 && find_prices(book, table, sheet, family->partner[leaf], &prices);
        good = good && lie_of(&prices, sheet->band_count, &lie) == most.base + family->offset[leaf] &&
               same_steps(&lie, &most, sheet->band_count);
        family->odd_now[leaf] = family->odd[leaf] | (uint8_t)!good;
        odd += family->odd_now[leaf];
        if (odd > family->leaf_count / ODD_SHARE)
            return false;
    }
    bool some = false;
    for (uint32_t k = 0; k < sheet->band_count; k++)
        some = some || most.step[k] != NONE;
    if (!some || family->leaf_count == 0)
        return false;
    memcpy(family->odd, family->odd_now, family->leaf_count);
    family->members[family->member_count++] = (struct member){deck, most};
    return true;
}

/* ---- families ---- */

/* Has the deck the first one's trie and entries, and the same bands in the same places? */
static bool is_same(const struct maker *maker, const struct family *family, uint32_t deck)
{
    const struct toll_deck *first = &maker->book->decks[family->first], *table = &maker->book->decks[deck];
    const struct toll_sheet *a = &maker->sheets->decks[family->first], *b = &maker->sheets->decks[deck];
    if (table->keys_of != (first->keys_of == 0 ? family->first : first->keys_of) ||
        a->band_count != b->band_count)
        return false;
    for (uint32_t k = 0; k < a->band_count; k++)
        if (a->bands[k].band != b->bands[k].band)
            return false;
    return true;
}

static void family_free(struct family *family)
{
    void *const owned[] = {family->members, family->price_leaf, family->entry_leaf,
                           family->value,   family->partner,    family->offset,
                           family->class_,  family->odd,        family->odd_now};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    memset(family, 0, sizeof *family);
}

/* -1: out of memory; 0: no family comes of it; 1. */
static int begin_family(struct maker *maker, uint32_t deck, const struct toll_sheet *sheet)
{
    struct family *family = &maker->families[maker->family_count];
    family->first = deck;
    family->members = calloc(maker->sheets->count, sizeof *family->members);
    int rc = family->members != NULL && number_leaves(maker->book, family) ? 0 : -1;
    if (rc == 0) {
        find_offsets(maker->book, family, sheet);
        rc = join(maker->book, family, deck, sheet);
    }
    if (rc == 1)
        maker->family_count++;
    else
        family_free(family);
    return rc;
}

/* False: out of memory. */
static bool place_deck(struct maker *maker, uint32_t id)
{
    const struct toll_book *book = maker->book;
    const struct toll_deck *deck = &book->decks[id];
    struct toll_sheet *sheet = &maker->sheets->decks[id];
    const bool by_number = deck->key == TOLL_KEY_CALLEE || deck->key == TOLL_KEY_CALLER;
    if (!by_number || deck->by_jurisdiction != 0 || deck->lpm.npa == deck->lpm.first3 ||
        !find_bands(book, deck, sheet))
        return true;
    for (uint32_t f = 0; f < maker->family_count; f++) {
        struct family *family = &maker->families[f];
        if (is_same(maker, family, id)) {
            family->members[family->member_count++] = (struct member){id, family->members[0].lie};
            sheet->family = f + 1;
            return true;
        }
        memset(family->odd_now, 0, family->leaf_count);
        if (find_partners(book, family, &deck->lpm) && join(book, family, id, sheet)) {
            sheet->family = f + 1;
            return true;
        }
    }
    if (maker->family_count == FAMILIES_MAX)
        return true;
    const int begun = begin_family(maker, id, sheet);
    sheet->family = begun == 1 ? maker->family_count : 0;
    return begun >= 0;
}

/* ---- classes ---- */

/* Pairs of a class and the terms that part it, open addressing; class 0 is an empty place. */
struct split {
    uint32_t class_, terms, to;
};
struct splits {
    struct split *at;
    uint32_t capacity, count;
};

/* The class that the leaves of `class_` with these terms go to; NULL: out of memory. */
static struct split *find_split(struct splits *splits, uint32_t class_, uint32_t terms)
{
    uint64_t hash = ((uint64_t)class_ << 32 | terms) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t i = (uint32_t)(hash >> 32) & (splits->capacity - 1);
    while (splits->at[i].class_ != 0 && (splits->at[i].class_ != class_ || splits->at[i].terms != terms))
        i = (i + 1) & (splits->capacity - 1);
    return &splits->at[i];
}

/* Parts the classes by the terms of one deck in one band; false: there are too many. */
static bool part_classes(const struct toll_book *book, struct family *family, uint32_t base,
                         uint32_t *first_terms, struct splits *splits)
{
    memset(first_terms, 0xff, (family->class_count + (size_t)1) * sizeof *first_terms);
    memset(splits->at, 0, splits->capacity * sizeof *splits->at);
    splits->count = 0;
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++) {
        const uint32_t class_ = family->class_[leaf];
        if (family->odd[leaf] != 0)
            continue;
        const uint32_t terms = book->price_terms[base + family->offset[leaf]];
        if (first_terms[class_] == NONE)
            first_terms[class_] = terms;
        if (first_terms[class_] == terms)
            continue;
        struct split *split = find_split(splits, class_, terms);
        if (split->class_ == 0) {
            if (++splits->count > splits->capacity / 2)
                return false;
            *split = (struct split){class_, terms, ++family->class_count};
        }
        family->class_[leaf] = split->to;
    }
    return true;
}

/* The id of the price with offset 0 in a band that has prices. */
static uint32_t price_base(const struct maker *maker, const struct member *member, uint32_t k)
{
    return maker->book->decks[member->deck].price_first - 1 + member->lie.base + member->lie.step[k];
}

/* False: more classes than `most`. */
static bool find_classes(const struct maker *maker, struct family *family, uint32_t most,
                         uint32_t *first_terms, struct splits *splits)
{
    family->class_count = 1;
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++)
        family->class_[leaf] = 1;
    for (uint32_t m = 0; m < family->member_count; m++) {
        const struct member *member = &family->members[m];
        const struct toll_sheet *sheet = &maker->sheets->decks[member->deck];
        for (uint32_t k = 0; k < sheet->band_count; k++)
            if (member->lie.step[k] != NONE &&
                (!part_classes(maker->book, family, price_base(maker, member, k), first_terms, splits) ||
                 family->class_count > most))
                return false;
    }
    return true;
}

/* ---- what comes of it ---- */

static void drop_family(struct maker *maker, uint32_t f)
{
    for (uint32_t m = 0; m < maker->families[f].member_count; m++)
        maker->sheets->decks[maker->families[f].members[m].deck].family = 0;
    family_free(&maker->families[f]);
}

/* One shape for all families. Ordinals begin at 1. */
static void choose_shape(struct maker *maker)
{
    uint32_t any = 0, most = 0;
    for (uint32_t f = 0; f < maker->family_count; f++)
        for (uint32_t leaf = 0; leaf < maker->families[f].leaf_count; leaf++)
            if (maker->families[f].odd[leaf] == 0) {
                const uint32_t offset = maker->families[f].offset[leaf];
                any |= offset;
                most = offset > most ? offset : most;
            }
    const unsigned shift = any == 0 ? 0 : (unsigned)__builtin_ctz(any);
    unsigned bits = 1;
    while (bits < VALUE_BITS && ((most >> shift) + 1) >> bits != 0)
        bits++;
    maker->sheets->shape.price_shift = (uint8_t)shift;
    maker->sheets->shape.class_shift = (uint8_t)bits;
    maker->sheets->shape.ordinal_mask = (1u << bits) - 1;
}

static void make_words(const struct maker *maker, const struct family *family, struct toll_sheet_family *out)
{
    const struct toll_book *book = maker->book;
    const struct toll_family_shape *shape = &maker->sheets->shape;
    struct piece pieces[4];
    uint32_t *const places[4] = {&out->lpm.first3, &out->lpm.npa, &out->lpm.nodes, &out->lpm.pages};
    size_t at = 0;
    out->lpm = book->decks[family->first].lpm;
    pieces_of(&out->lpm, pieces);
    for (unsigned p = 0; p < 4; at = round_up(at + pieces[p].count), p++) {
        *places[p] = (uint32_t)at;
        for (size_t i = 0; i < pieces[p].count; i++) {
            const uint32_t word = book->lpm_words[pieces[p].at + i];
            out->words[at + i] = word;
            if (!is_leaf(word))
                continue;
            const uint32_t leaf = *leaf_place(family, word) - 1;
            out->words[at + i] = family->odd[leaf] != 0
                                     ? TOLL_LPM_ENTRY
                                     : family->class_[leaf] << shape->class_shift |
                                           ((family->offset[leaf] >> shape->price_shift) + 1);
        }
    }
}

static bool finish_family(struct maker *maker, const struct family *family, struct toll_sheet_family *out)
{
    struct piece pieces[4];
    pieces_of(&maker->book->decks[family->first].lpm, pieces);
    for (unsigned p = 0; p < 4; p++)
        out->word_count += round_up(pieces[p].count);
    out->words = calloc(out->word_count, sizeof *out->words);
    if (out->words == NULL)
        return false;
    make_words(maker, family, out);
    return true;
}

/* Terms by class of each deck and band of a family. examples: for the offset of a leaf of each class. */
static void fill_terms(const struct maker *maker, const struct family *family, uint32_t *examples,
                       uint32_t *at)
{
    memset(examples, 0, (family->leaf_count + (size_t)1) * sizeof *examples);
    for (uint32_t leaf = 0; leaf < family->leaf_count; leaf++)
        if (family->odd[leaf] == 0)
            examples[family->class_[leaf]] = family->offset[leaf];
    const struct toll_book *book = maker->book;
    struct toll_sheets *sheets = maker->sheets;
    for (uint32_t m = 0; m < family->member_count; m++) {
        const struct member *member = &family->members[m];
        struct toll_sheet *sheet = &sheets->decks[member->deck];
        for (uint32_t k = 0; k < sheet->band_count; k++) {
            struct toll_sheet_now *now = &sheet->bands[k].now;
            *now = (struct toll_sheet_now){0, TOLL_SHEET_ASK};
            if (member->lie.step[k] == NONE)
                continue;
            const uint32_t base = price_base(maker, member, k);
            *now = (struct toll_sheet_now){base - (1u << sheets->shape.price_shift), *at};
            for (uint32_t class_ = 1; class_ <= family->class_count; class_++)
                sheets->terms[*at + class_] = 1 + book->price_terms[base + examples[class_]];
            *at += family->class_count + 1;
        }
    }
}

static size_t terms_of_families(const struct maker *maker)
{
    size_t count = 0;
    for (uint32_t f = 0; f < maker->family_count; f++)
        for (uint32_t m = 0; m < maker->families[f].member_count; m++)
            count += (size_t)maker->sheets->decks[maker->families[f].members[m].deck].band_count *
                     (maker->families[f].class_count + 1);
    return count;
}

static bool classify_families(struct maker *maker)
{
    const uint32_t room = (1u << (VALUE_BITS - maker->sheets->shape.class_shift)) - 1;
    uint32_t most = 1;
    for (uint32_t f = 0; f < maker->family_count; f++)
        most = maker->families[f].leaf_count > most ? maker->families[f].leaf_count : most;
    most = most < room ? most : room;
    struct splits splits = {.capacity = 1};
    while (splits.capacity / 4 < most)
        splits.capacity *= 2;
    splits.at = calloc(splits.capacity, sizeof *splits.at);
    uint32_t *first_terms = calloc((size_t)splits.capacity + most + 2, sizeof *first_terms);
    const bool good = splits.at != NULL && first_terms != NULL;
    for (uint32_t f = 0; f < maker->family_count && good; f++)
        if (!find_classes(maker, &maker->families[f], most, first_terms, &splits))
            drop_family(maker, f);
    free(splits.at);
    free(first_terms);
    return good;
}

static bool finish(struct maker *maker)
{
    struct toll_sheets *sheets = maker->sheets;
    choose_shape(maker);
    if (!classify_families(maker))
        return false;
    sheets->term_count = terms_of_families(maker);
    sheets->terms = calloc(sheets->term_count + 1, sizeof *sheets->terms);
    sheets->families = calloc(maker->family_count + 1u, sizeof *sheets->families);
    if (sheets->terms == NULL || sheets->families == NULL)
        return false;
    sheets->family_count = maker->family_count;
    sheets->shape.terms = sheets->terms;
    uint32_t at = 0;
    for (uint32_t f = 0; f < maker->family_count; f++) {
        if (maker->families[f].member_count == 0)
            continue;
        if (!finish_family(maker, &maker->families[f], &sheets->families[f]))
            return false;
        fill_terms(maker, &maker->families[f], maker->families[f].partner, &at);
    }
    for (uint32_t deck = 1; deck < sheets->count; deck++)
        sheets->by_band =
            sheets->by_band || (sheets->decks[deck].family != 0 && maker->book->decks[deck].calendar != 0);
    return true;
}

bool toll_sheets_init(struct toll_sheets *sheets, const struct toll_book *book)
{
    memset(sheets, 0, sizeof *sheets);
    sheets->count = book->deck_count < TOLL_SHEETS_MAX ? book->deck_count : TOLL_SHEETS_MAX;
    struct maker maker = {
        .book = book, .sheets = sheets, .families = calloc(sheets->count + 1u, sizeof *maker.families)};
    sheets->decks = calloc(sheets->count + 1u, sizeof *sheets->decks);
    bool good = maker.families != NULL && sheets->decks != NULL;
    for (uint32_t deck = 1; deck < sheets->count && good; deck++)
        good = place_deck(&maker, deck);
    good = good && finish(&maker);
    for (uint32_t f = 0; maker.families != NULL && f < sheets->count; f++)
        family_free(&maker.families[f]);
    free(maker.families);
    return good;
}

void toll_sheets_free(struct toll_sheets *sheets)
{
    for (uint32_t f = 0; f < sheets->family_count; f++)
        free(sheets->families[f].words);
    free(sheets->families);
    free(sheets->terms);
    free(sheets->decks);
    memset(sheets, 0, sizeof *sheets);
}
