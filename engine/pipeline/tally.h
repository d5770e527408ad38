/*
 * What a worker adds up while it rates; tallies of several workers are merged afterwards. Sums are exact
 * integers, so neither the number of workers nor their order shows.
 */
#ifndef TOLL_PIPELINE_TALLY_H
#define TOLL_PIPELINE_TALLY_H

#include "pipeline/cost.h"
#include "pipeline/surcharges.h"
#include "pipeline/suspense.h"
#include "pipeline/tuples.h"

struct toll_tally {
    struct toll_tally_bucket *buckets; /* book->bucket_count; of a taxed book so many for each plane */
    size_t mapped_bytes;               /* of these, if they are mapped; else malloc'ed */
    struct toll_tuple_sums tuples;     /* tuples.tuples NULL: the run has none */
    uint64_t *voice_prices;            /* a bit for each price id that a voice line names */
    uint8_t *other_prices; /* by price id: bits 1 << enum toll_service of other lines that name it */
    int64_t status_rows[TOLL_STATUS_COUNT];
    int64_t rows, billed_s;
    int64_t kept_rows; /* of a merged run: lines of the earlier one; in rows and status_rows, nowhere else */
    int64_t dropped_billed_s; /* of lines of the earlier one that are not kept, as billed_s */
    int64_t settled_rows;     /* how many of them toll_tally_settle has seen */
    struct toll_suspense suspense;
    struct toll_surcharge_counts *surcharges; /* NULL: the book has none */
    struct toll_cost_sums cost;               /* all 0 where the book has no buy plan */
    struct toll_period_charges periods;       /* see toll_tally_charge_periods */
};

/* tuples: NULL, or those of the run. */
/* What init reserves; sums by tax tuple may grow beyond it. */
size_t toll_tally_bytes(const struct toll_book *book, const struct toll_tuples *tuples);
int toll_tally_init(struct toll_tally *tally, const struct toll_book *book, const struct toll_tuples *tuples,
                    struct toll_error *error);
void toll_tally_clear(struct toll_tally *tally, const struct toll_book *book);
void toll_tally_merge(struct toll_tally *tally, const struct toll_tally *from, const struct toll_book *book);
/* Carries what the low halves of the buckets' charges hold beyond 32 bits; due before every 2^30th row, to
 * each of which something may be added twice (pipeline/draws.h). */
#define TOLL_TALLY_SETTLE_ROWS (INT64_C(1) << 30)
void toll_tally_settle(struct toll_tally *tally, const struct toll_book *book);
void toll_tally_free(struct toll_tally *tally); /* safe on a zeroed struct */

/* The first slot of the plane of a key, made if it is not there; 0, the plane of what has no tuple, when
 * there is no memory or no room: toll_tally_check tells then. */
uint32_t toll_tally_plane(struct toll_tally *tally, const struct toll_book *book, uint32_t key);
/* TOLL_ENOMEM, TOLL_EDATA: sums by tuple are not all there is. */
int toll_tally_check(const struct toll_tally *tally, struct toll_error *error);
/* All buckets: of all planes, or those behind the first that ends of calls want. */
size_t toll_tally_slots(const struct toll_tally *tally, const struct toll_book *book);
/* The account and site that a slot is of, 0 none, and the tuple, 0 none. */
uint32_t toll_tally_slot_bucket(const struct toll_tally *tally, const struct toll_book *book, size_t slot);
int32_t toll_tally_slot_tuple(const struct toll_tally *tally, const struct toll_book *book, size_t slot);
/* Room for all slots; false: no memory. */
bool toll_tally_reserve(struct toll_tally *tally, const struct toll_book *book);

static inline toll_total toll_tally_charge(const struct toll_tally_bucket *bucket)
{
    return (toll_total)bucket->charge_high * ((toll_total)1 << 32) + bucket->charge_low;
}

/* Bits 1 << enum toll_service of the lines that name a price row; 0: none does. */
unsigned toll_tally_price_services(const struct toll_tally *tally, uint32_t price);

/* Bits of the price ids 64 * word and on that some line names. */
uint64_t toll_tally_prices_used(const struct toll_tally *tally, const struct toll_book *book, size_t word);

/* When all is counted: what is charged by period, into tally->periods. TOLL_EDATA, TOLL_ENOMEM. */
int toll_tally_charge_periods(struct toll_tally *tally, const struct toll_book *book,
                              struct toll_error *error);

struct toll_currency_total {
    const char *currency; /* of the book */
    toll_total charge;    /* of lines and periods */
    toll_total periods;
};
/* Adds to the total of a currency, with a new one where it belongs by its text; the number of totals then, -1
 * when there is no room. */
int toll_currency_total_add(struct toll_currency_total *totals, int count, int room, const char *currency,
                            toll_total charge, toll_total periods);
/* Charges by currency, from the buckets and periods: every line that has a charge has a bucket. Returns the
 * number of currencies, in order of their text; -1 when there are more than `room`. */
int toll_tally_totals(const struct toll_tally *tally, const struct toll_book *book,
                      struct toll_currency_total *totals, int room);

#endif
