/* Sums of an impact get their names: rows by name, sorted tables, and what all of it stands in. */
#include "pipeline/impact_tables.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

const char *toll_dimension_name(enum toll_dimension dimension)
{
    static const char *const names[TOLL_DIMENSIONS] = {"totals",        "accounts", "destinations", "classes",
                                                       "jurisdictions", "plans",    "decks",        "hours",
                                                       "days",          "statuses", "prices"};
    return (unsigned)dimension < TOLL_DIMENSIONS ? names[dimension] : "";
}

struct toll_sum toll_measure_charge(const struct toll_measure *measure)
{
    return toll_sum_of(toll_sum_total(measure->charge) + toll_sum_total(measure->periods));
}

bool toll_impact_percent(struct toll_sum base, struct toll_sum other, int64_t *bp)
{
    const toll_total from = toll_sum_total(base), to = toll_sum_total(other);
    const toll_total most = (toll_total)1 << 100;
    if (from == 0 || to == from) {
        *bp = 0;
        return to == from;
    }
    toll_total whole = from < 0 ? -from : from, difference = to - from;
    while (whole > most || difference > most || difference < -most) { /* beyond any money there is */
        whole /= 2;
        difference /= 2;
    }
    const toll_total percent = toll_round_ratio(difference * 10000, whole == 0 ? 1 : whole, TOLL_HALF_UP);
    *bp = percent > INT64_MAX ? INT64_MAX : percent < INT64_MIN ? INT64_MIN : (int64_t)percent;
    return true;
}

/* ---- rows by name ---- */

const char *toll_impact_text(struct toll_impact_owned *owned, const char *text)
{
    const uint32_t id = toll_strings_add(&owned->texts, text, strlen(text));
    return id == 0 ? NULL : toll_strings_text(&owned->texts, id, NULL);
}

static bool grow(struct toll_impact_maker *maker, struct toll_impact_entries *entries)
{
    const size_t room = entries->room == 0 ? 64 : 2 * (size_t)entries->room;
    const size_t rows = room * maker->shape->currency_count;
    const size_t had = (size_t)entries->room * maker->shape->currency_count;
    const size_t books = (size_t)maker->shape->count;
    struct toll_impact_naming *naming = realloc(entries->naming, room * sizeof *naming);
    if (naming != NULL)
        entries->naming = naming;
    struct toll_measure *measures = realloc(entries->measures, rows * books * sizeof *measures);
    if (measures != NULL)
        entries->measures = measures;
    bool *present = realloc(entries->present, rows);
    if (present != NULL)
        entries->present = present;
    if (naming == NULL || measures == NULL || present == NULL || room > UINT32_MAX / 2)
        return false;
    memset(measures + had * books, 0, (rows - had) * books * sizeof *measures);
    memset(present + had, 0, rows - had);
    entries->room = (uint32_t)room;
    return true;
}

struct toll_measure *toll_impact_entry(struct toll_impact_maker *maker, enum toll_dimension dimension,
                                       const char *key, size_t bytes, uint32_t currency,
                                       const struct toll_impact_naming *naming)
{
    struct toll_impact_entries *entries = &maker->owned->tables[dimension];
    const uint32_t before = entries->keys.count;
    const uint32_t id = toll_strings_add(&entries->keys, key, bytes);
    if (id == 0)
        return NULL;
    if (entries->keys.count > before) { /* a new one */
        if (id >= entries->room && !grow(maker, entries))
            return NULL;
        entries->naming[id] = *naming;
    }
    const size_t row = (size_t)id * maker->shape->currency_count + currency;
    entries->present[row] = true;
    return entries->measures + row * (size_t)maker->shape->count;
}

void toll_impact_measure_add(struct toll_measure *to, const struct toll_impact_words *from)
{
    to->rows += (int64_t)from->words[TOLL_WORD_ROWS];
    to->rated += (int64_t)from->words[TOLL_WORD_RATED];
    to->suspense += (int64_t)from->words[TOLL_WORD_SUSPENSE];
    to->billed_s += (int64_t)from->words[TOLL_WORD_BILLED_S];
    toll_sum_join(&to->charge, from->words[TOLL_WORD_CHARGE]);
    toll_sum_join(&to->cost, from->words[TOLL_WORD_COST]);
}

/* ---- sorting ---- */

struct sorted {
    const char *key;
    size_t bytes;
    uint32_t id;
};

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    const size_t same = x->bytes < y->bytes ? x->bytes : y->bytes;
    const int order = memcmp(x->key, y->key, same);
    return order != 0 ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static bool sort_table(struct toll_impact_maker *maker, enum toll_dimension dimension)
{
    struct toll_impact_entries *entries = &maker->owned->tables[dimension];
    const size_t count = entries->keys.count, currencies = maker->shape->currency_count;
    struct sorted *list = malloc((count + 1) * sizeof *list);
    struct toll_impact_row *rows = malloc((count * currencies + 1) * sizeof *rows);
    maker->owned->rows[dimension] = rows;
    if (list == NULL || rows == NULL) {
        free(list);
        return false;
    }
    for (uint32_t id = 1; id <= count; id++) {
        list[id - 1].key = toll_strings_text(&entries->keys, id, &list[id - 1].bytes);
        list[id - 1].id = id;
    }
    qsort(list, count, sizeof *list, by_key);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t currency = 0; currency < currencies; currency++) {
            const size_t row = list[i].id * currencies + currency;
            if (!entries->present[row])
                continue;
            rows[used++] = (struct toll_impact_row){
                .key = list[i].key,
                .name = entries->naming[list[i].id].name,
                .currency = maker->currencies[currency],
                .price = entries->naming[list[i].id].price,
                .books = entries->measures + row * (size_t)maker->shape->count,
            };
        }
    free(list);
    maker->out->tables[dimension] = (struct toll_impact_table){.rows = rows, .count = used};
    return true;
}

bool toll_impact_sort_tables(struct toll_impact_maker *maker)
{
    bool good = true;
    for (int d = 0; good && d < TOLL_DIMENSIONS; d++)
        good = sort_table(maker, (enum toll_dimension)d);
    return good;
}

/* ---- all of it ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool fill_not_moved(struct toll_impact_maker *maker, const struct toll_strings *names,
                           struct toll_impact_book *book)
{
    if (names == NULL || names->count == 0)
        return true;
    const char **texts = toll_arena_alloc(&maker->owned->arena, names->count * sizeof *texts);
    bool good = texts != NULL;
    for (uint32_t i = 0; good && i < names->count; i++) {
        texts[i] = toll_impact_text(maker->owned, toll_strings_text(names, i + 1, NULL));
        good = texts[i] != NULL;
    }
    if (good)
        qsort(texts, names->count, sizeof *texts, by_text);
    book->not_moved = texts;
    book->not_moved_count = good ? names->count : 0;
    return good;
}

static bool fill_books(struct toll_impact_maker *maker)
{
    const int count = maker->shape->count;
    struct toll_impact_book *books = toll_arena_alloc(&maker->owned->arena, (size_t)count * sizeof *books);
    bool good = books != NULL;
    for (int s = 0; good && s < count; s++) {
        books[s] = maker->sides[s].about;
        const char **texts[] = {&books[s].name, &books[s].change, &books[s].first_day, &books[s].last_day};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            *texts[i] = toll_impact_text(maker->owned, *texts[i] == NULL ? "" : *texts[i]);
            good &= *texts[i] != NULL;
        }
        good = good && fill_not_moved(maker, maker->sides[s].not_moved, &books[s]);
        maker->out->has_plans |= maker->sums->sides[s].has_plans;
        books[s].without_calls = maker->sums->sides[s].without_calls;
    }
    for (uint32_t i = 0; good && i < maker->shape->currency_count; i++) {
        maker->currencies[i] = toll_impact_text(maker->owned, maker->shape->currencies[i]);
        good = maker->currencies[i] != NULL;
    }
    maker->out->books = books;
    return good;
}

static int check_sums(const struct toll_impact_sums *sums, const struct toll_impact_side *sides,
                      struct toll_error *error)
{
    for (int s = 0; s < sums->shape->count; s++)
        if (sums->sides[s].strangers > 0)
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: %lld lines name an account or a price that the run's tables do not "
                                  "have; tollmill verify tells more",
                                  sides[s].about.name, (long long)sums->sides[s].strangers);
    if (sums->settled > TOLL_IMPACT_SETTLED_MOST)
        return toll_error_set(error, TOLL_EDATA,
                              "the charges of these lines are too large to be added up; look at the rates");
    return 0;
}

int toll_impact_make(struct toll_impact *out, struct toll_impact_sums *sums,
                     const struct toll_impact_side *sides, const struct toll_impact_wishes *wishes,
                     struct toll_error *error)
{
    memset(out, 0, sizeof *out);
    int rc = check_sums(sums, sides, error);
    if (rc != 0)
        return rc;
    struct toll_impact_owned *owned = calloc(1, sizeof *owned);
    struct toll_impact_maker maker = {
        .out = out, .owned = owned, .sums = sums, .shape = sums->shape, .sides = sides, .wishes = wishes};
    out->owned = owned;
    out->book_count = sums->shape->count;
    out->same_calls = wishes->same_calls;
    out->moved_by_bp = wishes->moved_by_bp;
    toll_impact_close_hour(sums);
    if (owned == NULL || sums->no_memory || !fill_books(&maker) || !toll_impact_fill_small(&maker) ||
        !toll_impact_fill_prices(&maker) || !toll_impact_fill_status_moves(&maker) ||
        !toll_impact_sort_tables(&maker) || !toll_impact_fill_accounts(&maker)) {
        toll_impact_free(out);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the tables of the report");
    }
    return 0;
}

void toll_impact_free(struct toll_impact *impact)
{
    struct toll_impact_owned *owned = impact->owned;
    if (owned != NULL) {
        for (int d = 0; d < TOLL_DIMENSIONS; d++) {
            toll_strings_free(&owned->tables[d].keys);
            free(owned->tables[d].naming);
            free(owned->tables[d].measures);
            free(owned->tables[d].present);
            free(owned->rows[d]);
        }
        free(owned->moved);
        free(owned->moved_charges);
        free(owned->status_moves);
        free(owned->accounts);
        toll_strings_free(&owned->texts);
        toll_arena_free(&owned->arena);
        free(owned);
    }
    memset(impact, 0, sizeof *impact);
}
