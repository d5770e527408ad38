/* Sums of one worker and of all. */
#include "pipeline/tally.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "pipeline/hot.h"
#include "pipeline/tuple_ends.h"

#include <stdlib.h>
#include <string.h>

#define PLANES_AT_FIRST 8
#define PAGE_BYTES ((size_t)4096)
#define LARGE_PLANE_BYTES                                                             \
    ((size_t)64 << 20) /* beyond that a plane is too big to be there where hardly any \
                          of its buckets is */

static size_t price_words(const struct toll_book *book)
{
    return (size_t)book->price_count / 64 + 1;
}

static size_t bucket_bytes(const struct toll_book *book)
{
    return ((size_t)book->bucket_count + 1) * sizeof(struct toll_tally_bucket);
}

/* Planes come as they are needed, so memory for them is mapped, which can grow. */
static void make_buckets(struct toll_tally *tally, const struct toll_book *book)
{
    if (tally->tuples.tuples == NULL) {
        tally->buckets = toll_hot_alloc(bucket_bytes(book));
        return;
    }
    tally->mapped_bytes = toll_large_bytes(PLANES_AT_FIRST * bucket_bytes(book));
    tally->buckets = toll_large_map(tally->mapped_bytes, bucket_bytes(book) <= LARGE_PLANE_BYTES);
}

size_t toll_tally_bytes(const struct toll_book *book, const struct toll_tuples *tuples)
{
    return toll_large_bytes((tuples == NULL ? 1 : PLANES_AT_FIRST) * bucket_bytes(book)) +
           price_words(book) * sizeof(uint64_t) + book->price_count + toll_suspense_bytes();
}

int toll_tally_init(struct toll_tally *tally, const struct toll_book *book, const struct toll_tuples *tuples,
                    struct toll_error *error)
{
    memset(tally, 0, sizeof *tally);
    if (toll_tuple_sums_init(&tally->tuples, tuples, error) != 0)
        return TOLL_ENOMEM;
    make_buckets(tally, book);
    tally->voice_prices = toll_hot_alloc(price_words(book) * sizeof *tally->voice_prices);
    tally->other_prices = malloc((size_t)book->price_count + 1);
    if (tally->buckets == NULL || tally->voice_prices == NULL || tally->other_prices == NULL) {
        toll_tally_free(tally);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the totals of %u accounts and sites",
                              book->bucket_count);
    }
    int rc = toll_suspense_init(&tally->suspense, error);
    if (rc == 0)
        rc = toll_surcharge_counts_make(book, 0, &tally->surcharges, error);
    if (rc != 0)
        toll_tally_free(tally);
    else
        toll_tally_clear(tally, book);
    return rc;
}

void toll_tally_clear(struct toll_tally *tally, const struct toll_book *book)
{
    memset(tally->buckets, 0, (toll_tally_slots(tally, book) + 1) * sizeof *tally->buckets);
    for (uint32_t plane = 1; plane <= tally->tuples.plane_count; plane++)
        tally->tuples.planes[tally->tuples.keys[plane]] = 0;
    tally->tuples.plane_count = 0;
    tally->tuples.from = tally->tuples.until = 0;
    tally->tuples.full = false;
    toll_tuple_set_free(&tally->tuples.seen);
    memset(tally->voice_prices, 0, price_words(book) * sizeof *tally->voice_prices);
    memset(tally->other_prices, 0, (size_t)book->price_count + 1);
    memset(tally->status_rows, 0, sizeof tally->status_rows);
    tally->rows = tally->billed_s = tally->kept_rows = tally->settled_rows = 0;
    tally->dropped_billed_s = 0;
    memset(&tally->cost, 0, sizeof tally->cost);
    toll_suspense_clear(&tally->suspense);
    toll_surcharge_counts_clear(tally->surcharges);
    toll_period_charges_free(&tally->periods);
}

void toll_tally_settle(struct toll_tally *tally, const struct toll_book *book)
{
    const size_t slots = toll_tally_slots(tally, book);
    for (size_t i = 0; i < slots; i++) {
        tally->buckets[i].charge_high += (int64_t)(tally->buckets[i].charge_low >> 32);
        tally->buckets[i].charge_low = (uint32_t)tally->buckets[i].charge_low;
    }
    tally->settled_rows = tally->rows;
}

static void add_buckets(struct toll_tally_bucket *to, const struct toll_tally_bucket *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i].charge_low += from[i].charge_low;
        to[i].charge_high += from[i].charge_high;
        to[i].rows += from[i].rows;
        to[i].units += from[i].units;
    }
}

/* Pages of nothing stay untouched. */
static void move_touched(void *to, const void *from, size_t bytes)
{
    static const char nothing[PAGE_BYTES];
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
        const size_t some = bytes - at < PAGE_BYTES ? bytes - at : PAGE_BYTES;
        if (memcmp((const char *)from + at, nothing, some) != 0)
            memcpy((char *)to + at, (const char *)from + at, some);
    }
}

/* Room for so many slots and one more. */
static bool make_room(struct toll_tally *tally, const struct toll_book *book, size_t used, size_t slots)
{
    const size_t bytes = (slots + 1) * sizeof *tally->buckets;
    if (bytes <= tally->mapped_bytes)
        return true;
    const size_t more = toll_large_bytes(2 * bytes);
    void *buckets = toll_large_map(more, bucket_bytes(book) <= LARGE_PLANE_BYTES);
    if (buckets == NULL)
        return false;
    move_touched(buckets, tally->buckets, used * sizeof *tally->buckets);
    toll_large_unmap(tally->buckets, tally->mapped_bytes);
    tally->buckets = buckets;
    tally->mapped_bytes = more;
    return true;
}

bool toll_tally_reserve(struct toll_tally *tally, const struct toll_book *book)
{
    return tally->mapped_bytes == 0 ||
           make_room(tally, book, book->bucket_count, toll_tally_slots(tally, book));
}

/* ---- slots ---- */

static const struct toll_tuple_ends *ends_of(const struct toll_tally *tally)
{
    return tally->tuples.tuples == NULL ? NULL : tally->tuples.tuples->ends;
}

size_t toll_tally_slots(const struct toll_tally *tally, const struct toll_book *book)
{
    const struct toll_tuple_ends *ends = ends_of(tally);
    return ends != NULL ? (size_t)book->bucket_count + ends->slot_count
                        : (size_t)book->bucket_count * (tally->tuples.plane_count + 1);
}

uint32_t toll_tally_slot_bucket(const struct toll_tally *tally, const struct toll_book *book, size_t slot)
{
    const struct toll_tuple_ends *ends = ends_of(tally);
    return slot < book->bucket_count ? (uint32_t)slot
           : ends != NULL            ? ends->slots[slot - book->bucket_count].bucket
                                     : (uint32_t)(slot % book->bucket_count);
}

int32_t toll_tally_slot_tuple(const struct toll_tally *tally, const struct toll_book *book, size_t slot)
{
    const struct toll_tuple_ends *ends = ends_of(tally);
    if (slot < book->bucket_count)
        return 0;
    if (ends != NULL)
        return ends->slots[slot - book->bucket_count].tuple;
    const struct toll_tuple_sums *sums = &tally->tuples;
    return (int32_t)(sums->tuples->buckets[slot % book->bucket_count].first +
                     sums->keys[slot / book->bucket_count]);
}

uint32_t toll_tally_plane(struct toll_tally *tally, const struct toll_book *book, uint32_t key)
{
    struct toll_tuple_sums *sums = &tally->tuples;
    if (key == 0 || sums->planes[key] != 0)
        return key == 0 ? 0 : sums->planes[key];
    const size_t first = toll_tally_slots(tally, book);
    if (first + book->bucket_count > UINT32_MAX ||
        !make_room(tally, book, first, first + book->bucket_count)) {
        sums->full = true;
        return 0;
    }
    sums->keys[++sums->plane_count] = key;
    sums->planes[key] = (uint32_t)first;
    return sums->planes[key];
}

int toll_tally_check(const struct toll_tally *tally, struct toll_error *error)
{
    if (!tally->tuples.full)
        return 0;
    return toll_error_set(error, TOLL_ENOMEM,
                          "no memory for the sums of %u kinds of taxed calls by account and site; rate fewer "
                          "days at a time",
                          tally->tuples.plane_count);
}

void toll_tally_merge(struct toll_tally *tally, const struct toll_tally *from, const struct toll_book *book)
{
    if (ends_of(tally) != NULL)
        add_buckets(tally->buckets, from->buckets, toll_tally_slots(tally, book));
    for (uint32_t plane = 0; ends_of(tally) == NULL && plane <= from->tuples.plane_count; plane++) {
        const uint32_t to = plane == 0 ? 0 : toll_tally_plane(tally, book, from->tuples.keys[plane]);
        add_buckets(tally->buckets + to, from->buckets + (size_t)plane * book->bucket_count,
                    book->bucket_count);
    }
    tally->tuples.full |= from->tuples.full;
    for (size_t i = 0; i < price_words(book); i++)
        tally->voice_prices[i] |= from->voice_prices[i];
    for (uint32_t i = 0; i < book->price_count; i++)
        tally->other_prices[i] |= from->other_prices[i];
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++)
        tally->status_rows[i] += from->status_rows[i];
    tally->rows += from->rows;
    tally->billed_s += from->billed_s;
    tally->kept_rows += from->kept_rows;
    tally->dropped_billed_s += from->dropped_billed_s;
    toll_cost_sums_merge(&tally->cost, &from->cost);
    toll_suspense_merge(&tally->suspense, &from->suspense);
    toll_surcharge_counts_merge(tally->surcharges, from->surcharges);
    toll_tally_settle(tally,
                      book); /* twice as many rows as ever is still far from the end of the low halves */
}

void toll_tally_free(struct toll_tally *tally)
{
    if (tally->mapped_bytes > 0)
        toll_large_unmap(tally->buckets, tally->mapped_bytes);
    else
        free(tally->buckets);
    toll_tuple_sums_free(&tally->tuples);
    free(tally->voice_prices);
    free(tally->other_prices);
    toll_suspense_free(&tally->suspense);
    toll_surcharge_counts_free(tally->surcharges);
    toll_period_charges_free(&tally->periods);
    memset(tally, 0, sizeof *tally);
}

unsigned toll_tally_price_services(const struct toll_tally *tally, uint32_t price)
{
    const unsigned voice = (unsigned)(tally->voice_prices[price >> 6] >> (price & 63) & 1);
    return voice << TOLL_VOICE | tally->other_prices[price];
}

uint64_t toll_tally_prices_used(const struct toll_tally *tally, const struct toll_book *book, size_t word)
{
    static const uint8_t none[64];
    const size_t first = word * 64, left = book->price_count - first, count = left < 64 ? left : 64;
    const uint8_t *others = tally->other_prices + first;
    uint64_t used = tally->voice_prices[word];
    if (memcmp(others, none, count) != 0)
        for (size_t i = 0; i < count; i++)
            used |= (uint64_t)(others[i] != 0) << i;
    return first == 0 ? used & ~UINT64_C(1) : used;
}

int toll_tally_charge_periods(struct toll_tally *tally, const struct toll_book *book,
                              struct toll_error *error)
{
    toll_period_charges_free(&tally->periods);
    return toll_surcharges_charge(tally->surcharges, book, &tally->periods, error);
}

int toll_currency_total_add(struct toll_currency_total *totals, int count, int room, const char *currency,
                            toll_total charge, toll_total periods)
{
    int place = 0;
    while (place < count && strcmp(totals[place].currency, currency) < 0)
        place++;
    if (place == count || strcmp(totals[place].currency, currency) != 0) {
        if (count == room)
            return -1;
        memmove(&totals[place + 1], &totals[place], (size_t)(count - place) * sizeof *totals);
        totals[place] = (struct toll_currency_total){.currency = currency};
        count++;
    }
    totals[place].charge += charge + periods;
    totals[place].periods += periods;
    return count;
}

int toll_tally_totals(const struct toll_tally *tally, const struct toll_book *book,
                      struct toll_currency_total *totals, int room)
{
    int count = 0;
    const size_t slots = toll_tally_slots(tally, book);
    for (size_t i = 1; i < slots && count >= 0; i++) {
        if (tally->buckets[i].rows == 0) /* most of them */
            continue;
        const uint32_t bucket = toll_tally_slot_bucket(tally, book, i);
        if (bucket == 0)
            continue;
        const struct toll_account *account = &book->accounts[book->buckets[bucket].account];
        count = toll_currency_total_add(totals, count, room, toll_book_string(book, account->currency),
                                        toll_tally_charge(&tally->buckets[i]), 0);
    }
    for (size_t i = 0; i < tally->periods.count && count >= 0; i++) {
        const struct toll_period_row *row = &tally->periods.entries[i].row;
        const char *currency = toll_book_string(book, book->accounts[row->account].currency);
        count = toll_currency_total_add(totals, count, room, currency, 0, row->charge);
    }
    return count;
}
