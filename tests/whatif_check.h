/*
 * What an impact says of a book against the lines of a run by that book, read one by one: every table, period
 * charges, what moved and what went in or out of suspense. Sums are made here, by texts, from the reader's
 * lines alone.
 */
#ifndef TOLL_TESTS_WHATIF_CHECK_H
#define TOLL_TESTS_WHATIF_CHECK_H

#include "tollmill_impact.h"
#include "tollmill_segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef __int128 check_total;

struct check_sums {
    int64_t rows, rated, suspense, billed_s;
    check_total charge, periods, cost, other;
};
struct check_entry {
    char *key;
    struct check_sums sums;
    bool seen;
};
struct check_map {
    struct check_entry *entries;
    size_t places, count;
};

static inline struct check_entry *check_place(const struct check_map *map, const char *key)
{
    uint64_t hash = 1469598103934665603u;
    for (const char *at = key; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    size_t place = (size_t)(hash >> 20) & (map->places - 1);
    while (map->entries[place].key != NULL && strcmp(map->entries[place].key, key) != 0)
        place = (place + 1) & (map->places - 1);
    return &map->entries[place];
}

static inline struct check_sums *check_at(struct check_map *map, const char *key)
{
    if (map->count * 2 >= map->places) {
        struct check_map grown = {.places = map->places == 0 ? 1024 : 2 * map->places, .count = map->count};
        grown.entries = calloc(grown.places, sizeof *grown.entries);
        for (size_t i = 0; i < map->places; i++)
            if (map->entries[i].key != NULL)
                *check_place(&grown, map->entries[i].key) = map->entries[i];
        free(map->entries);
        *map = grown;
    }
    struct check_entry *entry = check_place(map, key);
    if (entry->key == NULL) {
        entry->key = strdup(key);
        map->count++;
    }
    return &entry->sums;
}

static inline void check_free(struct check_map *map)
{
    for (size_t i = 0; i < map->places; i++)
        free(map->entries[i].key);
    free(map->entries);
    *map = (struct check_map){0};
}

#define CHECK_KEY_BYTES 2048
static inline struct check_sums *check_of(struct check_map *map, int dimension, const char *key,
                                          const char *name, const char *currency)
{
    char text[CHECK_KEY_BYTES];
    snprintf(text, sizeof text, "%d|%s|%s|%s", dimension, key, name, currency);
    return check_at(map, text);
}

static inline void check_add(struct check_sums *sums, const struct toll_line *line)
{
    const bool suspense = line->status >= TOLL_SUSPENSE_FIRST;
    sums->rows++;
    sums->rated += toll_status_is_rated(line->status);
    sums->suspense += suspense;
    sums->billed_s += !suspense && strcmp(line->service, "voice") == 0 ? line->billed : 0;
    sums->charge += suspense ? 0 : line->charge;
    sums->cost += line->has_cost && toll_status_is_rated(line->cost_status) ? line->cost : 0;
}

static inline void check_add_line(struct check_map *map, const struct toll_line *line, const char *currency)
{
    char hour[8], day[16];
    const time_t local = (time_t)((line->local_ms - (line->local_ms % 1000 + 1000) % 1000) / 1000);
    struct tm clock;
    gmtime_r(&local, &clock);
    snprintf(hour, sizeof hour, "%d %02d", clock.tm_wday == 0 ? 7 : clock.tm_wday, clock.tm_hour);
    strftime(day, sizeof day, "%Y-%m-%d", &clock);
    check_add(check_of(map, TOLL_BY_TOTAL, currency, "", currency), line);
    check_add(check_of(map, TOLL_BY_ACCOUNT, line->account, line->account_name, currency), line);
    check_add(check_of(map, TOLL_BY_DESTINATION, line->destination, "", currency), line);
    check_add(check_of(map, TOLL_BY_CLASS, toll_class_name(line->class_), "", currency), line);
    check_add(
        check_of(map, TOLL_BY_JURISDICTION, toll_call_jurisdiction_name(line->jurisdiction), "", currency),
        line);
    check_add(check_of(map, TOLL_BY_DECK, line->deck, "", currency), line);
    check_add(check_of(map, TOLL_BY_HOUR, hour, "", currency), line);
    check_add(check_of(map, TOLL_BY_DAY, day, "", currency), line);
    check_add(check_of(map, TOLL_BY_STATUS, toll_status_name(line->status), toll_status_reason(line->status),
                       currency),
              line);
}

static inline check_total check_sum_of(struct toll_sum sum)
{
    char text[TOLL_MONEY_TEXT];
    check_total value = 0;
    bool negative = false;
    toll_sum_to_text(sum, text);
    for (const char *at = text; *at != '\0'; at++) {
        negative |= *at == '-';
        if (*at >= '0' && *at <= '9')
            value = value * 10 + (*at - '0');
    }
    return negative ? -value : value;
}

static inline void check_fail(const char *what, const char *key)
{
    fail_msg("%s: %s", what, key);
}

static inline void check_measure(struct check_map *map, const char *who, const char *key,
                                 const struct toll_measure *measure)
{
    struct check_entry *entry = map->places == 0 ? NULL : check_place(map, key);
    const struct check_sums none = {0}, *sums = entry == NULL || entry->key == NULL ? &none : &entry->sums;
    if (entry != NULL)
        entry->seen = true;
    if (measure->rows != sums->rows || measure->rated != sums->rated || measure->suspense != sums->suspense ||
        measure->billed_s != sums->billed_s || check_sum_of(measure->charge) != sums->charge ||
        check_sum_of(measure->periods) != sums->periods || check_sum_of(measure->cost) != sums->cost) {
        print_message("rows %lld %lld rated %lld %lld suspense %lld %lld billed %lld %lld charge %lld %lld "
                      "periods %lld %lld cost %lld %lld\n",
                      (long long)measure->rows, (long long)sums->rows, (long long)measure->rated,
                      (long long)sums->rated, (long long)measure->suspense, (long long)sums->suspense,
                      (long long)measure->billed_s, (long long)sums->billed_s,
                      (long long)check_sum_of(measure->charge), (long long)sums->charge,
                      (long long)check_sum_of(measure->periods), (long long)sums->periods,
                      (long long)check_sum_of(measure->cost), (long long)sums->cost);
        check_fail(who, key);
    }
}

/* The sums of a run. */
static inline struct check_map check_read(const char *run_path, const char *dataset_path,
                                          const char *currency_of_none)
{
    struct toll_run *run;
    struct toll_error error;
    struct toll_line line;
    struct check_map map = {0};
    int rc;
    if (toll_run_open(run_path, dataset_path, &run, &error) != 0)
        fail_msg("%s", error.text);
    while ((rc = toll_run_next(run, &line, &error)) == 1)
        check_add_line(&map, &line, line.account[0] == '\0' ? currency_of_none : line.currency);
    if (rc != 0)
        fail_msg("%s", error.text);
    struct toll_period_charge period;
    for (int64_t i = 0; toll_run_period(run, i, &period); i++) {
        check_of(&map, TOLL_BY_TOTAL, period.currency, "", period.currency)->periods += period.charge;
        check_of(&map, TOLL_BY_ACCOUNT, period.account, period.account_name, period.currency)->periods +=
            period.charge;
    }
    toll_run_close(run);
    return map;
}

/* The tables of one side against them. */
static inline void check_side(const struct toll_impact *impact, int side, struct check_map *map)
{
    char key[CHECK_KEY_BYTES];
    for (size_t i = 0; i < map->places; i++)
        map->entries[i].seen = false;
    for (int d = 0; d < TOLL_DIMENSIONS; d++) {
        const struct toll_impact_table *table = &impact->tables[d];
        if (d == TOLL_BY_PLAN || d == TOLL_BY_PRICE)
            continue;
        for (size_t i = 0; i < table->count; i++) {
            const struct toll_impact_row *row = &table->rows[i];
            snprintf(key, sizeof key, "%d|%s|%s|%s", d, row->key, row->name, row->currency);
            check_measure(map, impact->books[side].name, key, &row->books[side]);
        }
    }
    for (size_t i = 0; i < map->places; i++)
        if (map->entries[i].key != NULL && !map->entries[i].seen)
            check_fail("not in the impact", map->entries[i].key);
}

static inline void check_moved_key(char key[CHECK_KEY_BYTES], const char *kind, const char *plan,
                                   const char *deck, const char *prefix, const char *band, const char *file,
                                   int line, const char *currency)
{
    snprintf(key, CHECK_KEY_BYTES, "%s|%s|%s|%s|%s|%s|%d|%s", kind, plan, deck, prefix, band, file, line,
             currency);
}

/* What a side charges for the calls of each price row of the base, and suspense that comes or goes: the lines
 * of two runs side by side. Books with one currency. */
static inline void check_moved(const struct toll_impact *impact, int side, const char *base_path,
                               const char *run_path, const char *dataset_path)
{
    struct toll_run *base, *run;
    struct toll_error error;
    struct toll_line was, is;
    struct check_map map = {0}, moves = {0};
    char key[CHECK_KEY_BYTES];
    assert_int_equal(toll_run_open(base_path, dataset_path, &base, &error), 0);
    assert_int_equal(toll_run_open(run_path, dataset_path, &run, &error), 0);
    const char *currency = impact->tables[TOLL_BY_TOTAL].rows[0].currency;
    while (toll_run_next(base, &was, &error) == 1) {
        assert_int_equal(toll_run_next(run, &is, &error), 1);
        const check_total old = was.status >= TOLL_SUSPENSE_FIRST ? 0 : was.charge,
                          new = is.status >= TOLL_SUSPENSE_FIRST ? 0 : is.charge;
        check_moved_key(key, was.price_kind, was.plan, was.deck, was.prefix, was.band, was.price_file,
                        was.price_line, currency);
        struct check_sums *sums = check_at(&map, was.price == 0 ? "none" : key);
        sums->rows++;
        sums->charge += old;
        sums->other += new;
        if (was.status == is.status || (was.status < TOLL_SUSPENSE_FIRST && is.status < TOLL_SUSPENSE_FIRST))
            continue;
        snprintf(key, sizeof key, "%u %u", was.status, is.status);
        sums = check_at(&moves, key);
        sums->rows++;
        sums->charge += old;
        sums->other += new;
    }
    struct check_map found = {0};
    check_total rest_charge = 0, rest_other = 0;
    for (size_t i = 0; i < impact->moved_count; i++) {
        const struct toll_impact_moved *moved = &impact->moved[i];
        const struct toll_impact_price *price = moved->price;
        rest_charge += check_sum_of(moved->charge[0]);
        rest_other += check_sum_of(moved->charge[side]);
        if (moved->left_out != 0) { /* those that do not move in any book */
            assert_int_equal(moved->left_out, 1);
            continue;
        }
        if (price != NULL)
            check_moved_key(key, price->kind, price->plan, price->deck, price->prefix, price->band,
                            price->file, price->line, currency);
        struct check_sums *sums = check_at(&found, price == NULL ? "none" : key);
        sums->rows += moved->rows;
        sums->charge += check_sum_of(moved->charge[0]);
        sums->other += check_sum_of(moved->charge[side]);
    }
    for (size_t i = 0; i < map.places; i++) {
        rest_charge -= map.entries[i].sums.charge;
        rest_other -= map.entries[i].sums.other;
    }
    assert_true(rest_charge == 0 && rest_other == 0);
    for (size_t i = 0; i < map.places; i++) {
        const struct check_entry *wanted = &map.entries[i];
        if (wanted->key == NULL)
            continue;
        const struct check_entry *entry = check_place(&found, wanted->key);
        const struct check_sums none = {0}, *sums = entry->key == NULL ? &none : &entry->sums;
        const bool absent = wanted->sums.charge == wanted->sums.other; /* nothing moved */
        if (!(absent && entry->key == NULL) &&
            (sums->rows != wanted->sums.rows || sums->charge != wanted->sums.charge ||
             sums->other != wanted->sums.other))
            check_fail("moved", wanted->key);
    }
    size_t seen = 0;
    for (size_t i = 0; i < impact->status_move_count; i++) {
        const struct toll_impact_status_move *move = &impact->status_moves[i];
        if (move->book != side)
            continue;
        snprintf(key, sizeof key, "%u %u", move->base_status, move->status);
        const struct check_sums *sums = check_at(&moves, key);
        if (sums->rows != move->rows || sums->charge != check_sum_of(move->base_charge) ||
            sums->other != check_sum_of(move->charge))
            check_fail("suspense", key);
        seen++;
    }
    assert_int_equal(seen, moves.count);
    check_free(&map);
    check_free(&moves);
    check_free(&found);
    toll_run_close(base);
    toll_run_close(run);
}

#endif
