/* Sums of one worker and of all. */
#include "pipeline/tally.h"

#include "base/check.h"
#include "base/error.h"
#include "pipeline/hot.h"

#include <stdlib.h>
#include <string.h>

static size_t price_words(const struct toll_book *book)
{
    return (size_t)book->price_count / 64 + 1;
}

int toll_tally_init(struct toll_tally *tally, const struct toll_book *book, struct toll_error *error)
{
    memset(tally, 0, sizeof *tally);
    tally->buckets = toll_hot_alloc(((size_t)book->bucket_count + 1) * sizeof *tally->buckets);
    tally->voice_prices = malloc(price_words(book) * sizeof *tally->voice_prices);
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
    memset(tally->buckets, 0, ((size_t)book->bucket_count + 1) * sizeof *tally->buckets);
    memset(tally->voice_prices, 0, price_words(book) * sizeof *tally->voice_prices);
    memset(tally->other_prices, 0, (size_t)book->price_count + 1);
    memset(tally->status_rows, 0, sizeof tally->status_rows);
    tally->rows = tally->billed_s = tally->kept_rows = tally->settled_rows = 0;
    memset(&tally->cost, 0, sizeof tally->cost);
    toll_suspense_clear(&tally->suspense);
    toll_surcharge_counts_clear(tally->surcharges);
    toll_period_charges_free(&tally->periods);
}

void toll_tally_settle(struct toll_tally *tally, const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->bucket_count; i++) {
        tally->buckets[i].charge_high += (int64_t)(tally->buckets[i].charge_low >> 32);
        tally->buckets[i].charge_low = (uint32_t)tally->buckets[i].charge_low;
    }
    tally->settled_rows = tally->rows;
}

void toll_tally_merge(struct toll_tally *tally, const struct toll_tally *from, const struct toll_book *book)
{
    for (uint32_t i = 0; i < book->bucket_count; i++) {
        tally->buckets[i].charge_low += from->buckets[i].charge_low;
        tally->buckets[i].charge_high += from->buckets[i].charge_high;
        tally->buckets[i].rows += from->buckets[i].rows;
        tally->buckets[i].units += from->buckets[i].units;
    }
    for (size_t i = 0; i < price_words(book); i++)
        tally->voice_prices[i] |= from->voice_prices[i];
    for (uint32_t i = 0; i < book->price_count; i++)
        tally->other_prices[i] |= from->other_prices[i];
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++)
        tally->status_rows[i] += from->status_rows[i];
    tally->rows += from->rows;
    tally->billed_s += from->billed_s;
    tally->kept_rows += from->kept_rows;
    toll_cost_sums_merge(&tally->cost, &from->cost);
    toll_suspense_merge(&tally->suspense, &from->suspense);
    toll_surcharge_counts_merge(tally->surcharges, from->surcharges);
    toll_tally_settle(tally,
                      book); /* twice as many rows as ever is still far from the end of the low halves */
}

void toll_tally_free(struct toll_tally *tally)
{
    free(tally->buckets);
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
    for (uint32_t i = 1; i < book->bucket_count && count >= 0; i++) {
        if (tally->buckets[i].rows == 0)
            continue;
        const struct toll_account *account = &book->accounts[book->buckets[i].account];
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
