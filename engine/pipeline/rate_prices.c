/*
 * prices.arrow: what the price rows say that lines name. Of a month they are millions, so they are put column
 * by column: rows next to each other in a deck are next to each other in the book, and decks that have the
 * same prefixes share them. First it is found what of words and of terms is used at all, and these get their
 * places; then each row is a look-up or two. With an earlier run's rows, and in books in which tables of what
 * may be used would be larger than what is, rows are described one by one.
 */
#include "pipeline/rate.h"

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define WORD_PRICES 64                      /* whose marks are one word */
#define COMBINATIONS_MOST ((size_t)1 << 22) /* of a deck's groups, profiles and services */
#define THREADS_MAX 16
#define WORDS_A_THREAD 4096 /* of marks: threads are for many */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for prices.arrow");
}

/* ---- row by row ---- */

/* Which rows prices.arrow has, and what they say: the earlier run's, then those that lines of this book name.
 */
struct prices {
    const struct toll_book *book;
    const struct toll_tally *tally;
    const struct toll_price_row *old;
    int64_t old_count;
    int32_t shift;
    const int32_t *used; /* ids of the book */
};

#define AHEAD 16 /* rows: what terms they have is read here and there */

static void make_prices(const void *context, int64_t first, int64_t count, void *out)
{
    const struct prices *prices = context;
    const struct toll_book *book = prices->book;
    struct toll_price_row *rows = out;
    for (int64_t i = first; i < first + count; i++, rows++) {
        if (i + AHEAD < first + count && i + AHEAD >= prices->old_count)
            __builtin_prefetch(&book->terms[book->price_terms[prices->used[i + AHEAD - prices->old_count]]]);
        if (i < prices->old_count) {
            *rows = prices->old[i];
            continue;
        }
        const int32_t price = prices->used[i - prices->old_count];
        toll_price_describe(prices->book, price, toll_tally_price_services(prices->tally, (uint32_t)price),
                            rows);
        rows->id += prices->shift;
    }
}

static int write_rows(struct toll_run_writer *writer, const struct toll_book *book,
                      const struct toll_tally *tally, const struct toll_merge *merge,
                      struct toll_error *error)
{
    struct prices prices = {.book = book, .tally = tally};
    int64_t count = 0;
    int32_t *used = malloc((book->price_count + (size_t)1) * sizeof *used);
    if (used == NULL)
        return no_memory(error);
    for (uint32_t price = 1; price < book->price_count; price++)
        if (toll_tally_price_services(tally, price) != 0)
            used[count++] = (int32_t)price;
    prices.used = used;
    if (merge != NULL) {
        prices.old = merge->old.tables.prices;
        prices.old_count = merge->old.tables.price_count;
        prices.shift = merge->books[merge->book_count - 1].price_shift;
    }
    const struct toll_run_rows rows = {.make = make_prices, .context = &prices};
    const int rc = toll_run_add_made_prices(writer, &rows, prices.old_count + count, error);
    free(used);
    return rc;
}

/* ---- column by column ---- */

/* What of a price's terms price_terms.arrow shows. */
struct profile {
    int64_t connect_fee;
    int32_t per;
    uint32_t next; /* 1 + the next of the same hash */
};
#define PROFILE_HEADS 1024u
#define PROFILES_MOST 65536u

struct columns {
    const struct toll_book *book;
    const struct toll_tally *tally;
    size_t words;          /* of marks */
    uint32_t *rows_before; /* by word; [words]: all */
    uint16_t *profile;     /* by terms */
    struct profile *profiles;
    uint32_t heads[PROFILE_HEADS], profile_count;
    size_t *combination_first; /* by deck: combinations of its groups, profiles and services begin there */
    size_t combination_count;
    uint32_t *price_of; /* by combination: a price that has it; 0: none */
    int32_t *terms_of;  /* by combination, in price_terms.arrow */
    uint8_t *terms_used, *origin_used;
    uint32_t *prefix_place, *destination_place; /* by string offset */
    struct toll_run_words prefixes, destinations;
    struct toll_price_row *terms;
    size_t term_count;
    atomic_size_t next;
};

/* Prices in their order, those that are used. */
struct walk {
    const struct columns *columns;
    const struct toll_deck *deck;
    uint32_t deck_id, deck_end;
    const struct toll_origin *origins; /* by price id, of the deck */
    size_t first_combination;
};

static void enter_deck(struct walk *walk, uint32_t id)
{
    const struct toll_book *book = walk->columns->book;
    const struct toll_deck *deck = &book->decks[id];
    walk->deck = deck;
    walk->deck_id = id;
    walk->deck_end = deck->price_first + deck->price_count;
    walk->first_combination = walk->columns->combination_first[id];
}

static inline const struct toll_origin *origin_of(const struct walk *walk, uint32_t price)
{
    return &walk->columns->book->origins[walk->deck->origin_first + (price - walk->deck->price_first)];
}

static inline unsigned service_of(const struct columns *columns, uint32_t price)
{
    const bool voice = (columns->tally->voice_prices[price / WORD_PRICES] >> (price % WORD_PRICES) & 1) != 0;
    return voice ? TOLL_VOICE : (unsigned)__builtin_ctz(toll_tally_price_services(columns->tally, price));
}

static inline size_t combination_of(const struct walk *walk, uint32_t price, const struct toll_origin *origin,
                                    uint32_t terms)
{
    const struct columns *columns = walk->columns;
    return walk->first_combination +
           ((size_t)origin->group * columns->profile_count + columns->profile[terms]) * TOLL_SERVICES +
           service_of(columns, price);
}

/* ---- what is used ---- */

/* False: out of memory, or more than a table of combinations is for. */
static bool find_profiles(struct columns *columns)
{
    const struct toll_book *book = columns->book;
    columns->profile = malloc((book->terms_count + (size_t)1) * sizeof *columns->profile);
    columns->profiles = malloc(PROFILES_MOST * sizeof *columns->profiles);
    if (columns->profile == NULL || columns->profiles == NULL)
        return false;
    for (uint32_t i = 0; i < book->terms_count; i++) {
        const struct toll_terms *terms = &book->terms[i];
        uint32_t *head = &columns->heads[((uint64_t)terms->connect_fee * 31 + (uint32_t)terms->per) *
                                             UINT64_C(0x9E3779B97F4A7C15) >>
                                         54];
        uint32_t at = *head;
        while (at != 0 && (columns->profiles[at - 1].connect_fee != terms->connect_fee ||
                           columns->profiles[at - 1].per != terms->per))
            at = columns->profiles[at - 1].next;
        if (at == 0) {
            if (columns->profile_count == PROFILES_MOST)
                return false;
            at = columns->profile_count + 1;
            columns->profiles[columns->profile_count++] =
                (struct profile){terms->connect_fee, terms->per, *head};
            *head = at;
        }
        columns->profile[i] = (uint16_t)(at - 1);
    }
    return true;
}

static bool make_tables(struct columns *columns)
{
    const struct toll_book *book = columns->book;
    columns->combination_first = calloc((size_t)book->deck_count + 1, sizeof *columns->combination_first);
    if (columns->combination_first == NULL)
        return false;
    for (uint32_t id = 0; id < book->deck_count; id++) {
        columns->combination_first[id] = columns->combination_count;
        columns->combination_count +=
            (size_t)book->decks[id].group_count * columns->profile_count * TOLL_SERVICES;
        if (columns->combination_count > COMBINATIONS_MOST)
            return false;
    }
    columns->words = ((size_t)book->price_count + WORD_PRICES - 1) / WORD_PRICES;
    columns->rows_before = malloc((columns->words + 1) * sizeof *columns->rows_before);
    columns->price_of = calloc(columns->combination_count + 1, sizeof *columns->price_of);
    columns->terms_of = calloc(columns->combination_count + 1, sizeof *columns->terms_of);
    columns->terms_used = calloc((size_t)book->terms_count + 1, 1);
    columns->origin_used = calloc((size_t)book->origin_count + 1, 1);
    columns->prefix_place = calloc((size_t)book->string_bytes + 1, sizeof *columns->prefix_place);
    columns->destination_place = calloc((size_t)book->string_bytes + 1, sizeof *columns->destination_place);
    return columns->rows_before != NULL && columns->price_of != NULL && columns->terms_of != NULL &&
           columns->terms_used != NULL && columns->origin_used != NULL && columns->prefix_place != NULL &&
           columns->destination_place != NULL;
}

static void *find_used(void *argument)
{
    struct columns *columns = argument;
    const struct toll_book *book = columns->book;
    size_t first;
    while ((first = atomic_fetch_add(&columns->next, WORDS_A_THREAD)) < columns->words) {
        const size_t last = first + WORDS_A_THREAD < columns->words ? first + WORDS_A_THREAD : columns->words;
        struct walk walk = {.columns = columns};
        for (size_t word = first; word < last; word++) {
            uint64_t used = toll_tally_prices_used(columns->tally, book, word);
            columns->rows_before[word] = (uint32_t)__builtin_popcountll(used);
            for (; used != 0; used &= used - 1) {
                const uint32_t price = (uint32_t)(word * WORD_PRICES + (unsigned)__builtin_ctzll(used));
                if (price >= walk.deck_end)
                    enter_deck(&walk, toll_book_deck_of(book, price));
                const struct toll_origin *origin = origin_of(&walk, price);
                const uint32_t terms = book->price_terms[price];
                const size_t combination = combination_of(&walk, price, origin, terms);
                /* whoever writes there says the same, or as good */
                __atomic_store_n(&columns->price_of[combination], price, __ATOMIC_RELAXED);
                __atomic_store_n(&columns->terms_used[terms], 1, __ATOMIC_RELAXED);
                __atomic_store_n(&columns->origin_used[origin - book->origins], 1, __ATOMIC_RELAXED);
            }
        }
    }
    return NULL;
}

/* The caller works, too; a thread that cannot be had is not missed. */
static void by_threads(struct columns *columns, unsigned threads, void *(*work)(void *))
{
    pthread_t others[THREADS_MAX];
    unsigned count = 0;
    const size_t most = columns->words / WORDS_A_THREAD + 1;
    threads = threads < most ? threads : (unsigned)most;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    while (count + 1 < threads && pthread_create(&others[count], NULL, work, columns) == 0)
        count++;
    work(columns);
    for (unsigned i = 0; i < count; i++)
        pthread_join(others[i], NULL);
}

static int64_t add_up_rows(struct columns *columns)
{
    uint32_t rows = 0;
    for (size_t word = 0; word < columns->words; word++) {
        const uint32_t own = columns->rows_before[word];
        columns->rows_before[word] = rows;
        rows += own;
    }
    columns->rows_before[columns->words] = rows;
    return rows;
}

/* ---- places ---- */

/* The strings of a column that some row has, each once; places: by string offset, 1 + index meanwhile. */
static bool place_strings(const struct columns *columns, size_t member, uint32_t *places,
                          struct toll_run_words *dictionary)
{
    const struct toll_book *book = columns->book;
    size_t count = 0, room = 1024;
    uint32_t *offsets = malloc(room * sizeof *offsets), *found = NULL;
    const char **texts = NULL;
    bool good = offsets != NULL;
    for (uint32_t i = 0; good && i < book->origin_count; i++) {
        uint32_t offset;
        memcpy(&offset, (const char *)&book->origins[i] + member, sizeof offset);
        if (columns->origin_used[i] == 0 || places[offset] != 0)
            continue;
        if (count == room) {
            uint32_t *more = realloc(offsets, 2 * room * sizeof *offsets);
            good = more != NULL;
            offsets = good ? more : offsets;
            room *= 2;
        }
        if (good) {
            offsets[count++] = offset;
            places[offset] = (uint32_t)count;
        }
    }
    if (good) {
        texts = calloc(count + 1, sizeof *texts);
        found = malloc((count + 1) * sizeof *found);
        good = texts != NULL && found != NULL;
    }
    for (size_t i = 0; good && i < count; i++)
        texts[i] = toll_book_string(book, offsets[i]);
    good = good && toll_run_words_make(texts, count, found, dictionary);
    for (size_t i = 0; good && i < count; i++)
        places[offsets[i]] = found[i];
    free(offsets);
    free(texts);
    free(found);
    return good;
}

static bool place_terms(struct columns *columns)
{
    size_t count = 0;
    for (size_t i = 0; i < columns->combination_count; i++)
        count += columns->price_of[i] != 0;
    struct toll_price_row *rows = malloc((count + 1) * sizeof *rows);
    int32_t *numbers = malloc((count + 1) * sizeof *numbers);
    bool good = rows != NULL && numbers != NULL;
    count = 0;
    for (size_t i = 0; good && i < columns->combination_count; i++)
        if (columns->price_of[i] != 0)
            toll_price_describe(columns->book, (int32_t)columns->price_of[i],
                                1u << service_of(columns, columns->price_of[i]), &rows[count++]);
    good = good && (columns->terms = toll_run_terms_make(rows, count, numbers, &columns->term_count)) != NULL;
    count = 0;
    for (size_t i = 0; good && i < columns->combination_count; i++)
        if (columns->price_of[i] != 0)
            columns->terms_of[i] = numbers[count++];
    free(rows);
    free(numbers);
    return good;
}

static bool has_wide_rates(const struct columns *columns)
{
    for (uint32_t i = 0; i < columns->book->terms_count; i++) {
        const toll_money rate = columns->book->terms[i].rate;
        if (columns->terms_used[i] != 0 && (int32_t)rate != rate)
            return true;
    }
    return false;
}

/* ---- rows ---- */

/* The word of marks that the row is of. */
static size_t word_of_row(const struct columns *columns, uint32_t row)
{
    size_t low = 0, high = columns->words;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (columns->rows_before[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void put_row(const struct walk *walk, uint32_t price, int64_t i,
                    const struct toll_price_values *values)
{
    const struct columns *columns = walk->columns;
    const struct toll_origin *origin = origin_of(walk, price);
    const uint32_t terms = columns->book->price_terms[price];
    values->id[i] = (int32_t)price;
    values->terms[i] = columns->terms_of[combination_of(walk, price, origin, terms)];
    values->prefix[i] = columns->prefix_place[origin->key];
    values->destination[i] = columns->destination_place[origin->destination];
    values->rate[i] = columns->book->terms[terms].rate;
    values->line[i] = (int32_t)origin->line;
}

static void make_columns(const void *context, int64_t first, int64_t count,
                         const struct toll_price_values *values)
{
    const struct columns *columns = context;
    struct walk walk = {.columns = columns};
    size_t word = word_of_row(columns, (uint32_t)first);
    uint64_t used = toll_tally_prices_used(columns->tally, columns->book, word);
    for (int64_t skipped = columns->rows_before[word]; skipped < first; skipped++)
        used &= used - 1;
    for (int64_t i = 0; i < count; i++, used &= used - 1) {
        while (used == 0)
            used = toll_tally_prices_used(columns->tally, columns->book, ++word);
        const uint32_t price = (uint32_t)(word * WORD_PRICES + (unsigned)__builtin_ctzll(used));
        if (price >= walk.deck_end)
            enter_deck(&walk, toll_book_deck_of(columns->book, price));
        put_row(&walk, price, i, values);
    }
}

static void columns_free(struct columns *columns)
{
    void *const owned[] = {columns->rows_before,
                           columns->profile,
                           columns->profiles,
                           columns->combination_first,
                           columns->price_of,
                           columns->terms_of,
                           columns->terms_used,
                           columns->origin_used,
                           columns->prefix_place,
                           columns->destination_place,
                           columns->prefixes.entries,
                           columns->destinations.entries,
                           columns->terms};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(columns);
}

/* NULL: no memory for it, or the book is not for it. */
static struct columns *columns_make(const struct toll_book *book, const struct toll_tally *tally,
                                    unsigned threads, int64_t *rows)
{
    struct columns *columns = calloc(1, sizeof *columns);
    if (columns == NULL)
        return NULL;
    columns->book = book;
    columns->tally = tally;
    bool good = find_profiles(columns) && make_tables(columns);
    if (good) {
        by_threads(columns, threads, find_used);
        *rows = add_up_rows(columns);
        good = place_strings(columns, offsetof(struct toll_origin, key), columns->prefix_place,
                             &columns->prefixes) &&
               place_strings(columns, offsetof(struct toll_origin, destination), columns->destination_place,
                             &columns->destinations) &&
               place_terms(columns);
    }
    if (good)
        return columns;
    columns_free(columns);
    return NULL;
}

int toll_run_write_prices(struct toll_run_writer *writer, const struct toll_book *book,
                          const struct toll_tally *tally, const struct toll_merge *merge,
                          struct toll_error *error)
{
    int64_t rows = 0;
    struct columns *columns =
        merge == NULL ? columns_make(book, tally, toll_run_threads(writer), &rows) : NULL;
    if (columns == NULL)
        return write_rows(writer, book, tally, merge, error);
    const struct toll_price_columns table = {
        .count = rows,
        .prefixes = columns->prefixes,
        .destinations = columns->destinations,
        .terms = columns->terms,
        .term_count = columns->term_count,
        .wide_rates = has_wide_rates(columns),
        .make = make_columns,
        .context = columns,
    };
    const int rc = toll_run_add_price_columns(writer, &table, error);
    columns_free(columns);
    return rc;
}
