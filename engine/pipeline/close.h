/* Closing a run (docs/RATING.md section 14), for the files close*.c. */
#ifndef TOLL_PIPELINE_CLOSE_H
#define TOLL_PIPELINE_CLOSE_H

#include "pipeline/after.h"
#include "pipeline/rate.h"

/* What an account was charged for a billing period. */
struct toll_closing_charge {
    uint32_t account; /* id of the book */
    int64_t day;      /* first of the period */
    toll_ms from, until;
    toll_total charge;
    size_t next; /* 1 + index of an earlier one of the account */
};

struct toll_closing {
    const struct toll_io *io;
    const struct toll_close_options *options;
    struct toll_run_files run;
    struct toll_dataset dataset;
    struct toll_blob image;
    struct toll_book *book;
    struct toll_state before; /* that the run went on from */
    bool run_open, dataset_open, has_before;
    size_t first, last; /* of the dataset's parts: those of the run */
    int64_t until;
    toll_ms *closed;           /* closing times by account id of the book */
    toll_ms *earlier;          /* those of `before`, or NULL */
    toll_ms latest;            /* of all */
    uint32_t *account_ids;     /* by account id of the run */
    struct toll_strings names; /* of the book's accounts */
    toll_ms first_start, last_start;

    /* by part of the run: a bit for each row */
    uint64_t **bits;   /* closed from now on */
    uint64_t **others; /* not newly closed: closed before, or open */
    int64_t *counts;   /* closed ones */
    bool open_rows;    /* some row is not closed although it is of an account */

    struct toll_closing_charge *charges;
    size_t charge_count, charge_room;
    size_t *charge_of; /* by account: 1 + index of its latest one */

    struct toll_after after; /* of a run that put late calls in order: what it began with */
    struct toll_pools *pools;
    struct toll_pool_period_row *periods;
    struct toll_pool_draw_row *draws;
    struct toll_tier_count_row *tier_counts;
    int64_t period_count, draw_count, tier_count_count;
    struct toll_state state; /* what is written */
    struct toll_arena arena;
};

/* close_rows.c: which rows are closed, and what their lines charge. */
int toll_closing_find_rows(struct toll_closing *closing, struct toll_error *error);
void toll_closing_free_rows(struct toll_closing *closing);
/* close_charges.c */
int toll_closing_charge(struct toll_closing *closing, uint32_t account, toll_ms at, toll_total charge,
                        struct toll_error *error);
/* Adds the period charges of the run, and what the state before has. */
int toll_closing_list_charges(struct toll_closing *closing, struct toll_error *error);
/* close_tables.c: pools, draws and counts of the closed calls. */
int toll_closing_find_tables(struct toll_closing *closing, struct toll_error *error);
/* close_state.c: the rows of the state. */
int toll_closing_fill_state(struct toll_closing *closing, struct toll_error *error);

/* toll_close (tollmill.h) with the system's calls as an argument. */
int toll_close_with(const struct toll_io *io, const struct toll_close_options *options,
                    struct toll_close_result *result, struct toll_error *error);

/* Rates the rows of the dataset's parts [first, last) that `others` does not have, writes nothing, and gives
 * what pools and tiers have then. */
struct toll_rated_again {
    const struct toll_io *io;
    const struct toll_book *book;
    const struct toll_dataset *dataset;
    size_t first, last;
    uint64_t *const *others;
    const struct toll_run_span *span;
    const struct toll_pools_before *before;
    unsigned threads;
    const struct toll_progress *progress;
};
int toll_rate_again(const struct toll_rated_again *again, struct toll_pools **pools,
                    struct toll_pool_tables *tables, struct toll_error *error);

#endif
