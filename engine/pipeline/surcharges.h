/*
 * Surcharges (docs/RATING.md section 11): calls are counted while they are rated, by surcharge, account and
 * billing period; charged when all are. Sums are exact integers, so neither the number of workers nor their
 * order shows.
 *
 * Far most calls find what they need in one cache line: a cursor for the account and site (and for trunk and
 * carrier where these have surcharges) that holds which rows apply from when until when, and the counts since
 * it was set. When a call is from another time, or needs the cursor's place for another account, the counts
 * go into a hash table.
 */
#ifndef TOLL_PIPELINE_SURCHARGES_H
#define TOLL_PIPELINE_SURCHARGES_H

#include "pipeline/rater.h"
#include "segment/run.h"

/* ---- which row applies: constant while a book rates ---- */

struct toll_surcharge_rules {
    const struct toll_book *book;
    const uint32_t *first[TOLL_LEVEL_NONE]; /* by level: rows of subject s are [first[s], first[s + 1]) */
    bool by_trunk, by_carrier;              /* some trunk or carrier has rows */
    const struct toll_list_kernels *lists;  /* the portable ones; the rater puts its own here */
    uint32_t *memory;
};

/* *out is NULL when the book has none. The book is borrowed. */
int toll_surcharge_rules_make(const struct toll_book *book, struct toll_surcharge_rules **out,
                              struct toll_error *error);
void toll_surcharge_rules_free(struct toll_surcharge_rules *rules);

/* Whom a call belongs to: ids as toll_surcharge.subject; 0 none. */
struct toll_surcharge_subjects {
    int32_t account, site;
    uint32_t trunk, carrier;
};
/* The surcharge in force at an instant, 0 none. Narrows [*from, *until) to where the answer stays. */
uint32_t toll_surcharge_find(const struct toll_surcharge_rules *rules, enum toll_surcharge_measure measure,
                             const struct toll_surcharge_subjects *subjects, toll_ms at, toll_ms *from,
                             toll_ms *until);

/* ---- counting ---- */

struct toll_surcharge_counts; /* of one worker, or of all */
/* *out is NULL when the book has no surcharges. cursors: a power of two that bounds their number, 0 for
 * TOLL_SURCHARGE_CURSORS_MAX; only speed depends on it. */
int toll_surcharge_counts_make(const struct toll_book *book, size_t cursors,
                               struct toll_surcharge_counts **out, struct toll_error *error);
#define TOLL_SURCHARGE_CURSORS_MAX \
    ((size_t)1 << 20) /* 64 MiB a worker; with more accounts they share places */
void toll_surcharge_counts_free(struct toll_surcharge_counts *counts);
/* All of these do nothing without surcharges (NULL). */
void toll_surcharge_counts_clear(struct toll_surcharge_counts *counts);
void toll_surcharge_counts_merge(struct toll_surcharge_counts *counts, struct toll_surcharge_counts *from);

/* Counts rows [first, first + rows) of a batch. statuses and buckets are of the finished lines and begin with
 * that first row; bucket 0: the line has no account. */
void toll_surcharges_count(struct toll_surcharge_counts *counts, const struct toll_surcharge_rules *rules,
                           const struct toll_part_map *map, const struct toll_cdr_batch *batch, size_t first,
                           size_t rows, const uint8_t *statuses, const uint32_t *buckets);

/* What was counted for one surcharge, account and billing period. */
struct toll_surcharge_sum {
    uint32_t row; /* of the book's surcharges; 0: an empty place */
    int32_t account;
    int32_t day; /* the period's first, local, since 1970 */
    uint32_t spare;
    int64_t calls, counted; /* N and S of docs/RATING.md */
};
/* All sums, in no order, between empty places; borrowed until the next call. NULL: counting ran out of
 * memory.
 */
const struct toll_surcharge_sum *toll_surcharge_sums(struct toll_surcharge_counts *counts, size_t *places);

/* ---- charging ---- */

struct toll_period_charge_entry {
    struct toll_period_row row;
    const char *account; /* the book's */
    char period[TOLL_TIME_TEXT_BYTES];
};
struct toll_period_charges {
    struct toll_period_charge_entry *entries; /* in order of toll_period_row; owned */
    size_t count;
};
/* What the counts come to. TOLL_EDATA: a charge is out of range; TOLL_ENOMEM also if counting had no memory.
 */
int toll_surcharges_charge(struct toll_surcharge_counts *counts, const struct toll_book *book,
                           struct toll_period_charges *out, struct toll_error *error);
/* Puts what was appended where it belongs; row.period becomes the entry's own text. */
void toll_period_charges_sort(struct toll_period_charges *charges);
void toll_period_charges_free(struct toll_period_charges *charges); /* safe on a zeroed struct */

#endif
