/* Buckets of one account and tuple are one place of a hash table, whatever their site: lines do not say that.
 */
#include "segment/run_tuples.h"

#include "base/error.h"
#include "base/time.h"
#include "segment/run_checks.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_DAYS 1 /* how far local days are from those of UTC */

struct place {
    int32_t account; /* 0: empty */
    int32_t tuple, book;
    int32_t first, last; /* UTC days that its lines may have */
    toll_total rows, charge;
};

struct toll_tuple_recount {
    struct place *places;
    uint64_t mask;
    bool taxed[TOLL_RUN_BOOKS]; /* books that have tuples */
};

static struct place *place_of(const struct toll_tuple_recount *sums, int32_t account, int32_t tuple)
{
    const uint64_t key = (uint64_t)(uint32_t)account << 32 | (uint32_t)tuple;
    for (uint64_t at = key * UINT64_C(0x9E3779B97F4A7C15) >> 20;; at++) {
        struct place *place = &sums->places[at & sums->mask];
        if (place->account == 0 || (place->account == account && place->tuple == tuple))
            return place;
    }
}

static void describe(struct place *place, const struct toll_tuple_row *row)
{
    int64_t from = 0, period = 0;
    toll_day_parse(row->from, strlen(row->from), &from);
    toll_day_parse(row->period, strlen(row->period), &period);
    place->book = row->book;
    place->first = (int32_t)from - ZONE_DAYS;
    place->last = (int32_t)period + TOLL_PERIOD_DAYS_MAX - 1 + ZONE_DAYS;
}

int toll_tuple_recount_make(const struct toll_run_files *run, struct toll_tuple_recount **out,
                            struct toll_error *error)
{
    const struct toll_run_tables *tables = &run->tables;
    *out = NULL;
    if (tables->tuples == NULL)
        return 0;
    struct toll_tuple_recount *sums = calloc(1, sizeof *sums);
    uint64_t places = 64;
    while (places < 2 * (uint64_t)tables->bucket_count)
        places *= 2;
    if (sums != NULL)
        sums->places = calloc(places, sizeof *sums->places);
    if (sums == NULL || sums->places == NULL) {
        toll_tuple_recount_free(sums);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    }
    sums->mask = places - 1;
    for (int64_t i = 0; i < tables->tuple_count; i++)
        sums->taxed[tables->tuples[i].book] = true;
    for (int64_t i = 0; i < tables->bucket_count; i++) {
        const struct toll_bucket_row *row = &tables->buckets[i];
        struct place *place = place_of(sums, row->account, row->tuple);
        if (place->account == 0 && row->tuple != 0)
            describe(place, toll_run_tuple_find(tables, row->tuple));
        place->account = row->account;
        place->tuple = row->tuple;
        place->rows += row->count;
        place->charge += row->charge;
    }
    *out = sums;
    return 0;
}

void toll_tuple_recount_free(struct toll_tuple_recount *sums)
{
    if (sums != NULL)
        free(sums->places);
    free(sums);
}

const char *toll_tuple_recount_line(struct toll_tuple_recount *sums, const struct toll_line_batch *batch,
                                    int64_t i, int64_t day)
{
    const int32_t account = batch->account[i], tuple = batch->tuple[i];
    const uint8_t book = batch->book == NULL ? 0 : batch->book[i];
    const bool rated = toll_status_is_rated(batch->status[i]);
    if (rated && tuple == 0 && sums->taxed[book])
        return "it is rated, but has no tuple";
    if (!rated && tuple != 0)
        return "it is not rated, but has a tuple";
    if (account == 0 || batch->status[i] >= TOLL_SUSPENSE_FIRST)
        return NULL;
    struct place *place = place_of(sums, account, tuple);
    if (place->account == 0)
        return "its account has no bucket of its tuple";
    if (tuple != 0 && place->book != book)
        return "its tuple is not one of its book";
    if (tuple != 0 && (day < place->first || day > place->last))
        return "its tuple is of other days";
    place->rows--;
    place->charge -= batch->charge[i];
    return NULL;
}

bool toll_tuple_recount_all(const struct toll_tuple_recount *sums, int32_t *account)
{
    for (uint64_t i = 0; i <= sums->mask; i++) {
        *account = sums->places[i].account;
        if (*account != 0 && (sums->places[i].rows != 0 || sums->places[i].charge != 0))
            return false;
    }
    return true;
}
