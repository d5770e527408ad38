/*
 * A run that goes on behind closed ones (docs/RATING.md section 14): which rows were charged already, until
 * when each account is closed, and what pools and tiers begin with.
 */
#ifndef TOLL_PIPELINE_AFTER_H
#define TOLL_PIPELINE_AFTER_H

#include "base/strings.h"
#include "mmap_cdr/dataset.h"
#include "pipeline/block.h"
#include "pipeline/pools.h"
#include "segment/state.h"

/* Names of the book's accounts; toll_strings_free. */
int toll_account_names(const struct toll_book *book, struct toll_strings *names, struct toll_error *error);
/* An account's id, 0 if the book does not have it. */
uint32_t toll_account_named(const struct toll_strings *names, const char *account);

/* ---- closing times ---- */

/* The latest beginning of a billing period that is not after 00:00 of a local day; account 0: that instant in
 * the book's zone. */
toll_ms toll_closing_time(const struct toll_book *book, uint32_t account, int64_t until);
/* By account id of the book (calloc'ed): those of the state; of an account that it does not know what its day
 * gives. */
int toll_closing_times(const struct toll_book *book, const struct toll_state *state, toll_ms **out,
                       struct toll_error *error);

/* ---- closed rows ---- */

/* A bit for each row of some consecutive parts of a dataset: bits[i] of parts[first + i]; NULL: none. */
struct toll_closed_rows {
    uint64_t **bits;
    size_t first, count;
    int64_t rows; /* closed ones */
};
/* Finds the state's closed rows in the dataset's parts [first, last): by row where a part is what it was,
 * else by joining it with the part of the older generation, which must still be there. A closed row that is
 * not there is TOLL_EDATA, also of a day of [from_day, to_day) that the dataset does not have any more. */
int toll_closed_rows_find(struct toll_closed_rows *closed, const struct toll_state *state,
                          const struct toll_dataset *dataset, size_t first, size_t last, int64_t from_day,
                          int64_t to_day, struct toll_error *error);
void toll_closed_rows_free(struct toll_closed_rows *closed); /* safe on a zeroed struct */
static inline bool toll_closed_row(const uint64_t *bits, int64_t row)
{
    return bits != NULL && bits[row / 64] >> row % 64 & 1;
}

/* ---- all of it ---- */

struct toll_after {
    struct toll_state state;
    bool open;
    int64_t from_day, to_day; /* of the run that must have all its closed days; equal: of none */
    toll_ms *closed;          /* by account id of the book */
    struct toll_closed_rows rows;
    struct toll_pools_before before;
    /* of --late reorder: what of the state's tables remains, and what was charged for what is rated again */
    struct toll_pool_period_row *periods;
    struct toll_pool_draw_row *draws;
    struct toll_tier_count_row *counts;
    struct toll_state_charge *again;
    int64_t again_count;
    int64_t opened_rows; /* closed ones that are rated again */
};
int toll_after_open(struct toll_after *after, const struct toll_io *io, const char *path,
                    struct toll_error *error);
int toll_after_join(struct toll_after *after, const struct toll_book *book,
                    const struct toll_dataset *dataset, size_t first, size_t last, struct toll_error *error);
/* --late reorder: opens again the periods in which late calls lie, and those after them. */
int toll_after_reorder(struct toll_after *after, const struct toll_rater *rater,
                       const struct toll_dataset *dataset, size_t first, size_t last,
                       struct toll_error *error);
void toll_after_close(struct toll_after *after); /* safe on a zeroed struct */

/* Takes the surcharges of closed periods out of the charges, and adds what was already billed for periods
 * that are rated again. */
int toll_after_charges(const struct toll_after *after, const struct toll_book *book,
                       struct toll_period_charges *charges, struct toll_error *error);

/* ---- a batch ---- */

struct toll_merge_scratch;
/* A batch of which some rows are closed (bits: of its first row on): these are only shown and counted, the
 * others are gathered, rated, and put back to their places. */
void toll_closed_batch(const struct toll_block_context *context, struct toll_merge_scratch *scratch,
                       const struct toll_cdr_batch *batch, const uint64_t *bits, size_t block_rows,
                       const struct toll_line_columns *lines);

#endif
