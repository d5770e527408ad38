/* Which books can be repriced, and the records of their rates: one for each combination that occurs. */
#include "pipeline/reprice_tables.h"

#include "base/error.h"
#include "base/large.h"
#include "ingest/work.h"
#include "rating/voice.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the rates of changed books");
}

static size_t bit_words(const struct toll_book *book)
{
    return (size_t)book->price_count / 64 + 1;
}

/* ---- one book against the base ---- */

/* What a pair of terms, the base's and the book's, comes to. */
enum what { WHAT_SAME, WHAT_AMOUNT, WHAT_BLOCKED, WHAT_MORE };

/* Prices are many and pairs of terms few: of each terms of the base the pair that was looked at last. */
struct memo {
    uint32_t is; /* terms of the book; UINT32_MAX: none yet */
    uint32_t what;
};

struct differ {
    const struct toll_book *base;
    const struct toll_repricing_book *of;
    const struct toll_book *book; /* of->book */
    struct memo *memo;            /* by terms of the base */
    uint8_t *exact[2];            /* by terms of the base, and of the book: enum known */
    bool connect_charged;         /* some bundle has its fee charged */
    uint64_t *changed;            /* a bit for each price */
    bool fits;
};
enum known { UNKNOWN, KNOWN_EXACT, KNOWN_PLAIN };

static bool equal_terms(const struct toll_terms *a, const struct toll_terms *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static bool is_exact(uint8_t *known, const struct toll_terms *terms, uint32_t index)
{
    uint64_t rate;
    if (known[index] == UNKNOWN)
        known[index] = toll_voice_profile_make(&terms[index], &rate).exact ? KNOWN_EXACT : KNOWN_PLAIN;
    return known[index] == KNOWN_EXACT;
}

/* Is one by the other nothing but another amount for the same units? */
static bool only_amounts(const struct differ *differ, uint32_t was_index, uint32_t is_index)
{
    const struct toll_terms *was = &differ->base->terms[was_index], *is = &differ->book->terms[is_index];
    struct toll_terms units = *is;
    units.rate = was->rate;
    units.per = was->per;
    units.connect_fee = was->connect_fee;
    units.minimum_charge = was->minimum_charge;
    units.maximum_charge = was->maximum_charge;
    units.small = was->small;
    if (was->action != TOLL_ACTION_DECK || was->state != TOLL_PRICE_OK || !equal_terms(&units, was))
        return false;
    if (differ->connect_charged && /* the fee alone may be charged */
        (was->connect_fee != is->connect_fee || was->maximum_charge != is->maximum_charge))
        return false;
    return !is_exact(differ->exact[0], differ->base->terms, was_index) &&
           !is_exact(differ->exact[1], differ->book->terms, is_index);
}

static enum what compare_terms(const struct differ *differ, uint32_t was, uint32_t is)
{
    const struct toll_terms *a = &differ->base->terms[was], *b = &differ->book->terms[is];
    if (equal_terms(a, b))
        return WHAT_SAME;
    if (a->state == TOLL_PRICE_BLOCKED && b->state == TOLL_PRICE_BLOCKED)
        return WHAT_BLOCKED; /* such calls wait and cost nothing, whatever the amounts are */
    return only_amounts(differ, was, is) ? WHAT_AMOUNT : WHAT_MORE;
}

static inline enum what what_of(const struct differ *differ, uint32_t price)
{
    const uint32_t was = differ->base->price_terms[price], is = differ->book->price_terms[price];
    struct memo *memo = &differ->memo[was];
    if (memo->is != is)
        *memo = (struct memo){is, (uint32_t)compare_terms(differ, was, is)};
    return (enum what)memo->what;
}

/* The prices that differ; false: one of them in more than amounts. */
static bool find_changed(struct differ *differ)
{
    const struct toll_book *base = differ->base;
    const uint32_t first = differ->of->price_first > 1 ? differ->of->price_first : 1;
    for (uint32_t price = first; price < base->price_count && price < differ->of->price_end; price++) {
        const enum what what = what_of(differ, price);
        if (what == WHAT_SAME || what == WHAT_BLOCKED)
            continue;
        if (what == WHAT_MORE || price < base->decks[0].price_count) /* a rule's */
            return false;
        differ->changed[price >> 6] |= UINT64_C(1) << (price & 63);
    }
    return true;
}

static bool is_changed(const struct differ *differ, uint32_t price)
{
    return price < differ->base->price_count && (differ->changed[price >> 6] >> (price & 63) & 1) != 0;
}

static bool entry_walks(const struct differ *differ, const struct toll_deck *deck,
                        const struct toll_entry *entry)
{
    const struct toll_entry_row *rows = toll_entry_rows(differ->base, deck, entry);
    const uint32_t columns = deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    for (uint32_t k = 0; entry->walk_per != 0 && k < entry->count; k++)
        for (uint32_t column = 0; column < columns; column++)
            if (is_changed(differ, toll_row_price(deck, &rows[k]) + column))
                return true;
    return false;
}

/* A call that is walked is priced by several rows. */
static bool walks(const struct differ *differ)
{
    const struct toll_book *base = differ->base;
    for (uint32_t id = 1; id < base->deck_count; id++) {
        const struct toll_deck *deck = &base->decks[id];
        for (uint32_t i = 0; i < deck->entry_count; i++)
            if (entry_walks(differ, deck, &base->entries[deck->entry_first + i]))
                return true;
    }
    return false;
}

static void mark_plan(const struct toll_book *book, int32_t plan, uint8_t *bought)
{
    for (uint32_t key = 0; key < TOLL_CHAIN_KEYS; key++) {
        const struct toll_chain *chain =
            &book->chains[book->plan_chains[(size_t)plan * TOLL_CHAIN_KEYS + key]];
        for (uint32_t i = 0; i < chain->count; i++) {
            const struct toll_rule *rule = &book->rules[book->chain_rules[chain->first + i]];
            if (rule->action == TOLL_ACTION_DECK)
                bought[rule->deck] = 1;
        }
    }
}

static void mark_spans(const struct toll_book *book, uint32_t first, uint32_t count, uint8_t *bought)
{
    for (uint32_t i = first; i < first + count; i++)
        if (book->spans[i].plan > 0)
            mark_plan(book, book->spans[i].plan, bought);
}

/* Do changed rows price costs, too? bought: zeroed, by deck. */
static bool changes_costs(const struct differ *differ, uint8_t *bought)
{
    const struct toll_book *book = differ->base;
    if (!book->has_cost)
        return false;
    mark_spans(book, book->buy_span, book->buy_span_count, bought);
    for (unsigned kind = TOLL_NAMED_TRUNK; kind < TOLL_NAMED_KINDS; kind++)
        for (uint32_t i = 0; kind != TOLL_NAMED_HINT && i < book->named_count[kind]; i++)
            mark_spans(book, book->named[kind][i].buy_span, book->named[kind][i].buy_span_count, bought);
    for (uint32_t id = 1; id < book->deck_count; id++)
        for (uint32_t n = 0; bought[id] != 0 && n < book->decks[id].price_count; n++)
            if (is_changed(differ, book->decks[id].price_first + n))
                return true;
    return false;
}

static void differ_free(struct differ *differ)
{
    free(differ->memo);
    free(differ->exact[0]);
    free(differ->exact[1]);
    free(differ->changed);
}

static bool differ_make(struct differ *differ, const struct toll_book *base,
                        const struct toll_repricing_book *of)
{
    const size_t base_terms = base->terms_count + (size_t)1, own_terms = of->book->terms_count + (size_t)1;
    *differ = (struct differ){.base = base,
                              .of = of,
                              .book = of->book,
                              .memo = malloc(base_terms * sizeof *differ->memo),
                              .exact = {calloc(base_terms, 1), calloc(own_terms, 1)},
                              .changed = calloc(bit_words(base), sizeof *differ->changed)};
    for (uint32_t i = 1; i < base->bundle_count; i++)
        differ->connect_charged = differ->connect_charged || base->bundles[i].connect_charged != 0;
    for (size_t i = 0; differ->memo != NULL && i < base_terms; i++)
        differ->memo[i] = (struct memo){UINT32_MAX, WHAT_MORE};
    return differ->memo != NULL && differ->exact[0] != NULL && differ->exact[1] != NULL &&
           differ->changed != NULL;
}

/* One of an array of them, by any thread. */
static int look_at_book(void *context, size_t index, struct toll_error *error)
{
    struct differ *differ = (struct differ *)context + index;
    const struct toll_book *base = differ->base;
    uint8_t *bought = calloc(base->deck_count + 1u, 1);
    if (bought == NULL)
        return no_memory(error);
    differ->fits = differ->book->price_count == base->price_count && find_changed(differ) && !walks(differ) &&
                   !changes_costs(differ, bought);
    free(bought);
    return 0;
}

/* ---- records ---- */

struct maker {
    struct toll_repricing *of;
    const struct differ **differs; /* by book */
    uint32_t *last;                /* by terms of the base: the record of such a price that was made last */
    uint64_t **words;              /* by book and terms index: its word, 0 not known yet */
    uint32_t *table;               /* 1 + record by the hash of its words */
    size_t places;
    uint64_t now[TOLL_REPRICE_LANES * 8];
};

static bool grow(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    const size_t wanted = *room == 0 ? 256 : 2 * *room;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

/* Profiles are few: a deck has hardly more than a handful. What they say of units does not matter here. 0: no
 * room. */
static uint32_t profile_id(struct toll_repricing *of, const struct toll_voice_profile *profile)
{
    const struct toll_voice_profile money = {.connect = profile->connect,
                                             .minimum = profile->minimum,
                                             .maximum = profile->maximum,
                                             .magic = profile->magic,
                                             .quantum = profile->quantum,
                                             .shift = profile->shift};
    for (size_t i = of->profile_count; i-- > 1;)
        if (memcmp(&of->profiles[i], &money, sizeof money) == 0)
            return (uint32_t)i;
    of->crowded = of->profile_count == TOLL_REPRICE_PROFILES_MOST;
    if (of->crowded ||
        !grow((void **)&of->profiles, &of->profile_room, of->profile_count, sizeof *of->profiles))
        return 0;
    of->profiles[of->profile_count] = money;
    return (uint32_t)of->profile_count++;
}

/* 0: no room for its profile. */
static uint64_t word_of(struct maker *maker, unsigned k, uint32_t terms)
{
    uint64_t *word = &maker->words[k][terms], rate;
    if (*word != 0)
        return *word;
    const struct toll_voice_profile profile =
        toll_voice_profile_make(&maker->of->books[k]->terms[terms], &rate);
    const uint32_t id = profile_id(maker->of, &profile);
    *word = id == 0 ? 0 : rate << TOLL_VOICE_RATE_SHIFT | id;
    return *word;
}

static size_t hash_of(const uint64_t *words, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15), hash ^= hash >> 31;
    return (size_t)(hash >> 16);
}

static bool grow_table(struct maker *maker)
{
    const struct toll_repricing *of = maker->of;
    const size_t places = maker->places == 0 ? 1024 : 2 * maker->places;
    uint32_t *table = calloc(places, sizeof *table);
    if (table == NULL)
        return false;
    for (size_t record = 1; record < of->record_count; record++) {
        size_t at = hash_of(of->rates + record * of->stride, of->stride) & (places - 1);
        while (table[at] != 0)
            at = (at + 1) & (places - 1);
        table[at] = (uint32_t)record;
    }
    free(maker->table);
    maker->table = table;
    maker->places = places;
    return true;
}

/* Whole cache lines, which begin where one does. */
static uint64_t *lines_alloc(size_t bytes)
{
    const size_t lines = (bytes + 63) / 64 * 64;
    return lines < (size_t)4 << 20 ? aligned_alloc(64, lines) : toll_large_alloc(lines);
}

static bool grow_records(struct toll_repricing *of)
{
    if (of->record_count < of->record_room)
        return true;
    const size_t room = of->record_room == 0 ? 256 : 2 * of->record_room;
    uint64_t *rates = lines_alloc(room * of->stride * sizeof *rates);
    uint16_t *profile = realloc(of->profile, room * sizeof *profile);
    if (profile != NULL)
        of->profile = profile;
    if (rates == NULL || profile == NULL) {
        free(rates);
        return false;
    }
    memset(rates, 0, of->stride * sizeof *rates);
    of->profile[0] = 0;
    if (of->rates != NULL)
        memcpy(rates, of->rates, of->record_count * of->stride * sizeof *rates);
    free(of->rates);
    of->rates = rates;
    of->record_room = room;
    return true;
}

/* The record of the words of now; 0: out of memory. */
static uint32_t record_id(struct maker *maker)
{
    struct toll_repricing *of = maker->of;
    if (of->record_count * 2 >= maker->places && !grow_table(maker))
        return 0;
    size_t at = hash_of(maker->now, of->stride) & (maker->places - 1);
    for (; maker->table[at] != 0; at = (at + 1) & (maker->places - 1))
        if (memcmp(of->rates + maker->table[at] * of->stride, maker->now, of->stride * sizeof *maker->now) ==
            0)
            return maker->table[at];
    if (!grow_records(of))
        return 0;
    uint64_t first = 0;
    bool alike = true;
    for (size_t k = 0; k < of->stride; k++) {
        first = first == 0 ? maker->now[k] : first;
        alike = alike && (maker->now[k] == 0 || ((maker->now[k] ^ first) & (TOLL_VOICE_PROFILES - 1)) == 0);
    }
    memcpy(of->rates + of->record_count * of->stride, maker->now, of->stride * sizeof *maker->now);
    of->profile[of->record_count] = alike ? (uint16_t)(first & (TOLL_VOICE_PROFILES - 1)) : 0;
    maker->table[at] = (uint32_t)of->record_count;
    return (uint32_t)of->record_count++;
}

static bool record_price(struct maker *maker, uint32_t price)
{
    struct toll_repricing *of = maker->of;
    const uint32_t was = of->base->price_terms[price];
    for (unsigned k = 0; k < of->count; k++) {
        const struct differ *differ = maker->differs[k];
        const bool there = price >= differ->of->price_first && price < differ->of->price_end;
        maker->now[k] = 0;
        if (!there || what_of(differ, price) == WHAT_SAME)
            continue;
        maker->now[k] = word_of(maker, k, of->books[k]->price_terms[price]);
        if (maker->now[k] == 0)
            return false;
    }
    uint32_t *last = &maker->last[was];
    if (*last == 0 ||
        memcmp(of->rates + *last * of->stride, maker->now, of->stride * sizeof *maker->now) != 0)
        *last = record_id(maker);
    of->record_of[price] = *last;
    return *last != 0;
}

static bool make_records(struct toll_repricing *of, const struct differ **differs)
{
    struct maker maker = {.of = of,
                          .differs = differs,
                          .last = calloc(of->base->terms_count + (size_t)1, sizeof(uint32_t)),
                          .words = calloc(of->count, sizeof(uint64_t *))};
    bool good = maker.words != NULL && maker.last != NULL && grow_records(of);
    of->record_count = 1;
    for (unsigned k = 0; good && k < of->count; k++) {
        maker.words[k] = calloc(of->books[k]->terms_count + (size_t)1, sizeof(uint64_t));
        good = maker.words[k] != NULL;
    }
    for (size_t word = 0; good && word < bit_words(of->base); word++)
        for (uint64_t left = of->changed[word]; good && left != 0; left &= left - 1)
            good = record_price(&maker, (uint32_t)(word * 64 + (unsigned)__builtin_ctzll(left)));
    for (unsigned k = 0; maker.words != NULL && k < of->count; k++)
        free(maker.words[k]);
    free(maker.words);
    free(maker.last);
    free(maker.table);
    return good;
}

/* ---- all of it ---- */

/* Those that fit are the books; differs: of them, in order. */
static void take_fitting(struct toll_repricing *of, struct differ *all, unsigned count,
                         const struct differ **differs, bool *fits)
{
    for (unsigned k = 0; k < count; k++) {
        fits[k] = all[k].fits;
        if (!fits[k])
            continue;
        for (size_t i = 0; i < bit_words(of->base); i++)
            of->changed[i] |= all[k].changed[i];
        differs[of->count] = &all[k];
        of->books[of->count++] = all[k].book;
    }
}

static bool make_tables(struct toll_repricing *of, const struct differ **differs)
{
    of->stride = (of->count + TOLL_REPRICE_LANES - 1u) / TOLL_REPRICE_LANES * TOLL_REPRICE_LANES;
    of->record_of_bytes = toll_large_bytes((of->base->price_count + (size_t)1) * sizeof *of->record_of);
    of->record_of = toll_large_map(of->record_of_bytes, true);
    of->profile_count = 1;
    of->profiles = calloc(256, sizeof *of->profiles);
    of->profile_room = 256;
    return of->record_of != NULL && of->profiles != NULL && (make_records(of, differs) || of->crowded);
}

int toll_repricing_make(struct toll_repricing **out, const struct toll_book *base,
                        const struct toll_repricing_book *books, unsigned count, unsigned threads,
                        const struct toll_kernels *kernels, bool *fits, struct toll_error *error)
{
    struct toll_repricing *of = calloc(1, sizeof *of);
    struct differ *all = calloc(count + 1u, sizeof *all);
    const struct differ **differs = calloc(count + 1u, sizeof *differs);
    *out = NULL;
    bool good = of != NULL && all != NULL && differs != NULL;
    if (good) {
        of->base = base;
        of->kernel = kernels->reprice;
        of->books = calloc(count + 1u, sizeof *of->books);
        of->changed = calloc(bit_words(base), sizeof *of->changed);
        good = of->books != NULL && of->changed != NULL;
    }
    for (unsigned k = 0; good && k < count; k++)
        good = differ_make(&all[k], base, &books[k]);
    good = good && toll_work_run(threads, count, look_at_book, NULL, all, NULL) == 0;
    if (good)
        take_fitting(of, all, count, differs, fits);
    good = good && (of->count == 0 || make_tables(of, differs));
    if (good && of->crowded) { /* then each rates by itself */
        of->count = 0;
        memset(fits, 0, count * sizeof *fits);
    }
    for (unsigned k = 0; all != NULL && k < count; k++)
        differ_free(&all[k]);
    free(all);
    free(differs);
    if (!good || of->count == 0) {
        toll_repricing_free(of);
        return good ? 0 : no_memory(error);
    }
    *out = of;
    return 0;
}

void toll_repricing_free(struct toll_repricing *of)
{
    if (of == NULL)
        return;
    if (of->record_of != NULL)
        toll_large_unmap(of->record_of, of->record_of_bytes);
    free(of->changed);
    free(of->rates);
    free(of->profile);
    free(of->profiles);
    free(of->books);
    free(of);
}
