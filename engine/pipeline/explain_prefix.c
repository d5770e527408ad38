/* What a deck had for a call: every row whose key fits, from the longest to the shortest, and why it does not
 * decide; where none fits, the nearest. Then the version that the row is of. */
#include "pipeline/explain_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEAR_SHOWN = 3, CANDIDATES_MAX = 256, SHOWN_MAX = 24 };

/* A row whose key fits the call, in a time in which it is in force. */
struct candidate {
    uint32_t price; /* of the first rate column */
    unsigned rank;  /* by length of the key */
    toll_ms from, until;
    int32_t band, step;
    bool dated; /* has a place in the entries; else it is in force always, or never */
};

struct candidates {
    struct candidate all[CANDIDATES_MAX];
    size_t count;
};

/* ---- which keys fit ---- */

static size_t shared_digits(const char *key, size_t bytes, const char *digits)
{
    size_t shared = 0;
    while (shared < bytes && key[shared] == digits[shared])
        shared++;
    return shared;
}

/* Digits that a key, "1310" or "1212>1310", shares; *all: it fits. */
static size_t shared_by(const char *key, const struct toll_explain_asked *asked, bool *all)
{
    const char *arrow = strchr(key, '>');
    const char *callee = arrow == NULL ? key : arrow + 1;
    const size_t callee_bytes = strlen(callee), caller_bytes = arrow == NULL ? 0 : (size_t)(arrow - key);
    const size_t to = shared_digits(callee, callee_bytes, asked->callee);
    const size_t from = shared_digits(key, caller_bytes, asked->caller);
    *all = to == callee_bytes && from == caller_bytes;
    return to + from;
}

/* 1 + the rank of a key that fits: the longer prefix of the callee, then of the caller; 0: it does not. */
static unsigned rank_of(const char *key, int32_t deck_key, const struct toll_explain_asked *asked)
{
    bool all;
    const char *arrow = deck_key == TOLL_KEY_NPANXX_PAIR ? strchr(key, '>') : NULL;
    if (deck_key == TOLL_KEY_CALLTYPE)
        return key[0] == 0 ? 1 : strcmp(key, asked->calltype) == 0 ? 2 : 0;
    shared_by(key, asked, &all);
    if (!all)
        return 0;
    return 1 + (unsigned)(arrow == NULL ? strlen(key) : strlen(arrow + 1) * 16 + (size_t)(arrow - key));
}

static uint32_t width_of(const struct toll_book *book, int32_t deck)
{
    return book->decks[deck].by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
}

static void add_candidate(const struct toll_book *book, uint32_t price, unsigned rank,
                          struct candidates *candidates)
{
    const struct toll_price_origin origin = toll_book_origin(book, price);
    if (candidates->count < CANDIDATES_MAX)
        candidates->all[candidates->count++] =
            (struct candidate){price, rank, TOLL_MS_MIN, TOLL_MS_MAX, origin.band, origin.step, false};
}

static void find_times(const struct toll_book *book, int32_t id, struct candidates *candidates)
{
    const struct toll_deck *deck = &book->decks[id];
    for (uint32_t i = 0; i < deck->row_count; i++) {
        const struct toll_entry_row *row = &book->entry_rows[deck->row_first + i];
        const struct toll_entry_span *span = &book->entry_spans[row->span];
        for (size_t c = 0; c < candidates->count; c++)
            if (candidates->all[c].price == toll_row_price(deck, row)) {
                candidates->all[c].from = span->from;
                candidates->all[c].until = span->until;
                candidates->all[c].dated = true;
            }
    }
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->price < y->price ? -1 : x->price > y->price;
}

static void find_candidates(const struct toll_book *book, int32_t deck,
                            const struct toll_explain_asked *asked, struct candidates *candidates)
{
    const struct toll_deck *table = &book->decks[deck];
    candidates->count = 0;
    for (uint32_t n = 0; n < table->price_count; n += width_of(book, deck)) {
        const uint32_t key = book->origins[table->origin_first + n].key;
        const unsigned rank = rank_of(toll_book_string(book, key), table->key, asked);
        if (rank != 0)
            add_candidate(book, table->price_first + n, rank, candidates);
    }
    find_times(book, deck, candidates);
    qsort(candidates->all, candidates->count, sizeof *candidates->all, compare_candidates);
}

/* ---- what is said of them ---- */

/* "prefix 447 (UK mobile), band night", masked; "the row for everything" of the empty key. */
static void describe(const struct toll_explainer *explainer, const struct candidate *candidate, char *text,
                     size_t room)
{
    const struct toll_book *book = explainer->book;
    const struct toll_price_origin origin = toll_book_origin(book, candidate->price);
    const char *key = toll_book_string(book, origin.key);
    const char *destination = toll_book_string(book, origin.destination);
    static const char *const what[] = {"prefix ", "call type ", "prefix ", "pair "};
    char shown[TOLL_EXPLAIN_TEXT_BYTES];
    snprintf(text, room, "%s%.60s%s%.60s%s%s%.40s",
             key[0] == 0 ? "the row for everything" : what[book->decks[origin.deck].key],
             toll_explain_prefix(explainer, key, shown), destination[0] == 0 ? "" : " (", destination,
             destination[0] == 0 ? "" : ")", candidate->band == 0 ? "" : ", band ",
             candidate->band == 0 ? "" : toll_book_string(book, book->band_names[candidate->band]));
}

static void say_time(const struct toll_explainer *explainer, const struct candidate *candidate, char *text,
                     size_t room)
{
    const struct toll_book *book = explainer->book;
    const struct toll_zone *zone = book->zones[book->deck_zones[toll_book_deck_of(book, candidate->price)]];
    const bool ended = explainer->row->start >= candidate->until;
    char when[TOLL_EXPLAIN_WHEN_BYTES];
    toll_explain_when(zone, ended ? candidate->until : candidate->from, when);
    snprintf(text, room, "%s %s", ended ? "ended" : "begins only", when);
}

static void tell(struct toll_explainer *explainer, const struct candidate *candidate, const char *format)
{
    const struct toll_price_origin origin = toll_book_origin(explainer->book, candidate->price);
    char what[TOLL_EXPLAIN_TEXT_BYTES];
    describe(explainer, candidate, what, sizeof what);
    toll_explain_add(explainer, TOLL_EXPLAIN_MISS,
                     explainer->book->decks[origin.deck].key == TOLL_KEY_CALLTYPE ? "call type" : "prefix",
                     toll_book_string(explainer->book, origin.file), origin.line, "%s: %s", what, format);
}

static bool in_force(const struct toll_explainer *explainer, const struct candidate *candidate)
{
    return explainer->row->start >= candidate->from && explainer->row->start < candidate->until;
}

/* The rank that decides: that of the price; without one the greatest with a row in force; 0 none. */
static unsigned deciding_rank(const struct toll_explainer *explainer, const struct candidates *candidates,
                              uint32_t price)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (price != 0 ? candidates->all[i].price == price
                       : candidates->all[i].dated && in_force(explainer, &candidates->all[i]))
            return candidates->all[i].rank;
    return 0;
}

/* price: of the first rate column, that was found; 0 none (or none of this band). */
static void tell_candidates(struct toll_explainer *explainer, const struct candidates *candidates,
                            uint32_t price, int32_t band)
{
    const unsigned deciding = deciding_rank(explainer, candidates, price);
    size_t told = 0;
    for (size_t i = 0; i < candidates->count && told < SHOWN_MAX; i++) {
        const struct candidate *candidate = &candidates->all[i];
        char why[TOLL_EXPLAIN_TEXT_BYTES];
        if (candidate->price == price)
            continue;
        if (!candidate->dated && candidate->rank >= deciding) {
            snprintf(why, sizeof why, "is never in force");
        } else if (!in_force(explainer, candidate)) {
            if (candidate->rank < deciding)
                continue;
            char when[TOLL_EXPLAIN_TEXT_BYTES];
            say_time(explainer, candidate, when, sizeof when);
            snprintf(why, sizeof why, "would match, but is not in force at the call's start: %.100s", when);
        } else if (candidate->rank < deciding) {
            snprintf(why, sizeof why, "%s",
                     explainer->book->decks[toll_book_deck_of(explainer->book, candidate->price)].key ==
                             TOLL_KEY_CALLTYPE
                         ? "is for all other call types"
                         : "matches too, but is shorter");
        } else if (candidate->step > 0) {
            snprintf(why, sizeof why, "takes a call over from %d on", candidate->step);
        } else if (candidate->band != 0) {
            snprintf(why, sizeof why, "that band is not in force at the call's start");
        } else if (price != 0 && band != 0) {
            snprintf(why, sizeof why, "the row of the band goes before the one without band");
        } else {
            continue;
        }
        tell(explainer, candidate, why);
        told++;
    }
}

/* ---- near misses ---- */

struct near {
    uint32_t price[NEAR_SHOWN];
    size_t count, shared; /* leading digits that all of them share with what was asked for */
};

/* Price rows of the deck whose keys share the most leading digits, the first few by id; of rows with several
 * rates one. */
static struct near find_near(const struct toll_book *book, int32_t deck,
                             const struct toll_explain_asked *asked)
{
    struct near near = {.shared = 1};
    const struct toll_deck *table = &book->decks[deck];
    uint32_t last = 0;
    for (uint32_t n = 0; n < table->price_count; n += width_of(book, deck)) {
        const uint32_t key = book->origins[table->origin_first + n].key;
        bool all;
        const size_t shared = shared_by(toll_book_string(book, key), asked, &all);
        if (all)
            continue; /* a candidate: it was told of */
        if (shared > near.shared) {
            near.shared = shared;
            near.count = 0;
        }
        /* Of the rows of one key, which mostly lie together, one. */
        if (near.count > 0 && last == key)
            continue;
        if (shared == near.shared && near.count < NEAR_SHOWN) {
            near.price[near.count++] = table->price_first + n;
            last = key;
        }
    }
    return near;
}

/* "1212555>1310": the prefixes as long that the numbers of the call have. */
static void say_pair(const struct toll_explainer *explainer, const struct toll_explain_asked *asked,
                     const char *key, char text[TOLL_EXPLAIN_TEXT_BYTES])
{
    const char *arrow = strchr(key, '>');
    const int caller = arrow == NULL ? 0 : (int)(arrow - key);
    char pair[2 * TOLL_DIGITS_TEXT_BYTES];
    snprintf(pair, sizeof pair, "%.*s>%.*s", caller, asked->caller,
             arrow == NULL ? 0 : (int)strlen(arrow + 1), asked->callee);
    toll_explain_prefix(explainer, pair, text);
}

static void explain_near(struct toll_explainer *explainer, int32_t deck,
                         const struct toll_explain_asked *asked, bool others)
{
    const struct toll_book *book = explainer->book;
    const bool pair = book->decks[deck].key == TOLL_KEY_NPANXX_PAIR;
    const struct near near = find_near(book, deck, asked);
    const char *other = others ? "other " : "";
    if (asked->callee[0] == 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", "", 0,
                         "what was dialled is no E.164 number: only an empty prefix would be for it");
    else if (near.count == 0)
        toll_explain_add(
            explainer, TOLL_EXPLAIN_MISS, "prefix", "", 0, "deck %s has no %s%s that begins with %.1s",
            toll_book_string(book, book->decks[deck].name), other, pair ? "pair" : "prefix", asked->callee);
    for (size_t i = 0; i < near.count && asked->callee[0] != 0; i++) {
        const struct toll_price_origin origin = toll_book_origin(book, near.price[i]);
        const struct candidate row = {.price = near.price[i]};
        const char *key = toll_book_string(book, origin.key), *file = toll_book_string(book, origin.file);
        char what[TOLL_EXPLAIN_TEXT_BYTES], begins[TOLL_EXPLAIN_TEXT_BYTES], number[TOLL_DIGITS_TEXT_BYTES];
        describe(explainer, &row, what, sizeof what);
        snprintf(number, sizeof number, "%.*s", (int)strlen(key), asked->callee);
        if (pair)
            say_pair(explainer, asked, key, begins);
        if (pair)
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", file, origin.line,
                             "%s is the nearest, but the call has %s", what, begins);
        else
            toll_explain_add(explainer, TOLL_EXPLAIN_MISS, "prefix", file, origin.line,
                             "%s is the nearest, but the number has %s", what,
                             toll_explain_prefix(explainer, number, begins));
    }
}

/* ---- all of it ---- */

void toll_explain_candidates(struct toll_explainer *explainer, int32_t deck,
                             const struct toll_explain_asked *asked, unsigned status, uint32_t found)
{
    const struct toll_book *book = explainer->book;
    struct candidates *candidates = malloc(sizeof *candidates);
    const uint32_t width = width_of(book, deck);
    if (candidates == NULL) {
        explainer->failed = true;
        return;
    }
    find_candidates(book, deck, asked, candidates);
    uint32_t price = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (found != 0 && found - candidates->all[i].price < width)
            price = candidates->all[i].price;
    tell_candidates(explainer, candidates, price, price == 0 ? 0 : toll_book_origin(book, price).band);
    if (status == TOLL_SUSPENSE_NO_PREFIX)
        explain_near(explainer, deck, asked, candidates->count > 0);
    free(candidates);
}

/* ---- versions ---- */

struct version {
    const char *deck, *file; /* "decks/jan.csv" */
    const struct toll_zone *zone;
    toll_ms at;
    uint32_t line;
    char effective[64], mode[16];
};

static bool version_row(void *context, uint32_t line, const struct toll_csv_field *cells)
{
    struct version *version = context;
    char deck[TOLL_EXPLAIN_TEXT_BYTES], file[TOLL_EXPLAIN_TEXT_BYTES];
    toll_explain_cell(&cells[0], deck, sizeof deck);
    toll_explain_cell(&cells[1], file, sizeof file);
    const size_t bytes = strlen(file);
    const char *own = strncmp(version->file, "decks/", 6) == 0 ? version->file + 6 : version->file;
    if (strcmp(deck, version->deck) != 0 || strncmp(own, file, bytes) != 0 ||
        (own[bytes] != 0 && strcmp(own + bytes, ".csv") != 0) ||
        toll_explain_in_force(version->zone, &cells[2], &(struct toll_csv_field){.text = ""}, version->at) !=
            TOLL_EXPLAIN_IN_FORCE)
        return true;
    version->line = line;
    toll_explain_cell(&cells[2], version->effective, sizeof version->effective);
    toll_explain_cell(&cells[3], version->mode, sizeof version->mode);
    return true;
}

void toll_explain_version(struct toll_explainer *explainer, uint32_t price)
{
    static const char *const columns[] = {"deck", "file", "effective", "mode", NULL};
    const struct toll_book *book = explainer->book;
    const struct toll_price_origin origin = toll_book_origin(book, price);
    struct version version = {
        .deck = toll_book_string(book, book->decks[origin.deck].name),
        .file = toll_book_string(book, origin.file),
        .zone = book->zones[book->deck_zones[origin.deck]],
        .at = explainer->row->start,
    };
    toll_explain_table(book, "deck_versions.csv", columns, version_row, &version);
    if (version.line != 0)
        toll_explain_add(explainer, TOLL_EXPLAIN_STEP, "version", "deck_versions.csv", version.line,
                         "%s, %s%s (%s)", version.file,
                         version.effective[0] == 0 ? "in force always" : "effective ", version.effective,
                         version.mode[0] == 0 ? "full" : version.mode);
}
