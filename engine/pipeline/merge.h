/*
 * A merged run: some lines of an earlier run are kept, what it had in suspense, or whatever else was chosen,
 * is rated again by a new book. Kept lines are copied as they are, so their accounts and prices keep their
 * ids; those of the new book come behind. Each batch: the rows to be rated are gathered into scratch columns,
 * rated by the ordinary passes, and their lines put back to their places.
 */
#ifndef TOLL_PIPELINE_MERGE_H
#define TOLL_PIPELINE_MERGE_H

#include "mmap_cdr/dataset.h"
#include "pipeline/block.h"
#include "segment/run.h"

/* ---- the earlier run ---- */

/* Which of its lines are rated again: those that meet all of it (docs/RERATE.md section 1). */
struct toll_merge_choice {
    bool suspense_only;          /* in suspense */
    const char *const *accounts; /* given to one of these; 0 of them: to anybody, or nobody */
    size_t account_count;
    int64_t from_day, to_day; /* of these UTC days; INT64_MIN, INT64_MAX: all */
    /* Where days are chosen and not only suspense: what the chosen lines have in the earlier run's buckets,
     * in its ids; else none. */
    const struct toll_bucket_row *taken;
    int64_t taken_count;
};
/* Are lines rated again that had a charge? */
static inline bool toll_merge_choice_drops(const struct toll_merge_choice *choice)
{
    return choice != NULL && !choice->suspense_only;
}

struct toll_merge {
    struct toll_run_files old; /* only read */
    bool open;
    const struct toll_merge_choice *choice; /* NULL: what is in suspense */
    /* The merged run's */
    struct toll_account_row *accounts; /* ascending id; strings are the old tables' and the new book's */
    int64_t account_count;
    struct toll_run_book *books; /* the old ones and the new one */
    size_t book_count;
    int32_t *account_ids;  /* by account id of the new book */
    uint8_t *cost_places;  /* by account id of the old run: place of its currency among the old run's costs */
    int32_t *own_accounts; /* by account id of the old run: of the new book, or minus the id it has not */
    uint8_t *chosen;       /* by account id of the old run; NULL: all, or there is no choice */
    /* What kept lines alone have in the old tables: these, or what remains of them */
    const struct toll_bucket_row *buckets;
    int64_t bucket_count;
    struct toll_run_tables kept; /* pools, draws and counts alone; strings are the old tables' */
    uint8_t *given_back;         /* by pool id of the old run: all that was drawn is; NULL: nothing is */
    int32_t pool_count;
    struct toll_bucket_row *own_buckets;
};

/* Opens the earlier run, which must have rated this dataset; from_day and to_day: NULL, or the run's own.
 * [*first, *last) are the parts it rated. choice: borrowed. */
int toll_merge_open(struct toll_merge *merge, const struct toll_io *io, const char *path,
                    const struct toll_merge_choice *choice, const struct toll_dataset *dataset,
                    const char *from_day, const char *to_day, size_t *first, size_t *last,
                    struct toll_error *error);
/* Gives the new book's accounts and prices their ids, and takes out of the old tables what is rated again.
 * TOLL_EUSAGE: what was chosen cannot be told from the rest. */
int toll_merge_join(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error);
void toll_merge_close(struct toll_merge *merge); /* safe on a zeroed struct */

/* The earlier run's lines of a part. optional: the columns TOLL_LINES_... that its first part has, or more:
 * so much room there is for them. TOLL_EDATA: it has others. */
int toll_merge_lines_open(const struct toll_merge *merge, size_t part, unsigned optional,
                          enum toll_read_path how, struct toll_lines **out, struct toll_error *error);

/* merge_choice.c: the second half of toll_merge_join. */
int toll_merge_choose(struct toll_merge *merge, const struct toll_book *book, struct toll_error *error);
/* When period charges are known: those of accounts that were not chosen must be what they were. */
int toll_merge_check_periods(const struct toll_merge *merge, const struct toll_period_charges *charges,
                             struct toll_error *error);

/* What the summed tally of the workers is to be: the earlier run's lines must have been what its manifest
 * says. Adds what a tally does not see of kept lines. */
int toll_merge_check(const struct toll_merge *merge, struct toll_tally *tally, struct toll_error *error);
/* toll_tally_totals of all lines. */
int toll_merge_totals(const struct toll_merge *merge, const struct toll_tally *tally,
                      const struct toll_book *book, struct toll_currency_total *totals, int room);
/* Has a run with this book, and these lines of an earlier one (NULL: none), columns of cost? */
static inline bool toll_run_has_cost(const struct toll_book *book, const struct toll_merge *merge)
{
    return book->has_cost || (merge != NULL && merge->old.manifest.has_cost);
}
/* charges: what lines and periods charge. */
void toll_cost_total_fill(struct toll_cost_total *out, const char *currency, toll_total cost,
                          const struct toll_currency_total *charges, int charge_count);
/* Costs by currency (as `charge` of the totals), of kept lines too; the book's is always there. The number of
 * totals, -1 when there is no room. */
int toll_cost_totals(const struct toll_merge *merge, const struct toll_tally *tally,
                     const struct toll_book *book, struct toll_currency_total *totals, int room);

/* ---- a batch ---- */

/* Memory of one worker for the rows of a block that are rated again. */
struct toll_merge_scratch {
    uint64_t cdrs[TOLL_CDR_COLUMNS][TOLL_BLOCK_ROWS_MAX];
    int32_t account[TOLL_BLOCK_ROWS_MAX], price[TOLL_BLOCK_ROWS_MAX], billed[TOLL_BLOCK_ROWS_MAX],
        tuple[TOLL_BLOCK_ROWS_MAX];
    int64_t charge[TOLL_BLOCK_ROWS_MAX];
    uint8_t status[TOLL_BLOCK_ROWS_MAX], class_jurisdiction[TOLL_BLOCK_ROWS_MAX];
    int32_t included[TOLL_BLOCK_ROWS_MAX], pool[TOLL_BLOCK_ROWS_MAX], cost_price[TOLL_BLOCK_ROWS_MAX];
    int64_t cost[TOLL_BLOCK_ROWS_MAX];
    uint8_t cost_status[TOLL_BLOCK_ROWS_MAX];
    uint32_t buckets[TOLL_BLOCK_ROWS_MAX]; /* of kept lines */
    uint32_t rows[TOLL_BATCH_ROWS];        /* of the batch: those that are rated */
    uint8_t again[TOLL_BATCH_ROWS];        /* of the batch: is it one of them? */
};

/* The listed rows of a batch, in scratch->cdrs. */
void toll_merge_gather(const struct toll_cdr_batch *batch, const uint32_t *rows, size_t count,
                       struct toll_merge_scratch *scratch, struct toll_cdr_batch *out);

/* Where gathered rows are rated to: the columns of scratch that `lines` has, too. */
struct toll_line_columns toll_merge_scratch_lines(struct toll_merge_scratch *scratch,
                                                  const struct toll_line_columns *lines);
/* And back to their rows, as they are. beyond: as in struct toll_block. */
void toll_merge_scatter(const struct toll_merge_scratch *scratch, const uint32_t *rows, size_t count,
                        const struct toll_line_columns *lines, uint32_t *beyond);

/* Fills all of `lines`, of which the columns that there are have room for the batch. block_rows: as in
 * toll_workers_init. TOLL_EDATA: a kept line names an account, price or book that the earlier run does not
 * have, or the call is another account's now and surcharges would have to be counted for both. */
int toll_merge_batch(const struct toll_merge *merge, const struct toll_block_context *context,
                     struct toll_merge_scratch *scratch, const struct toll_cdr_batch *batch,
                     const struct toll_line_batch *kept, size_t block_rows,
                     const struct toll_line_columns *lines, struct toll_error *error);

#endif
