/*
 * Inside of toll_whatif (tollmill_impact.h): the books side by side, a lane of the workers each
 * (pipeline/workers.h).
 */
#ifndef TOLL_PIPELINE_WHATIF_H
#define TOLL_PIPELINE_WHATIF_H

#include "book/variation.h"
#include "pipeline/after.h"
#include "pipeline/impact.h"
#include "pipeline/moves.h"
#include "pipeline/rate.h"
#include "pipeline/reprice.h"
#include "tollmill_impact.h"

#include <stdatomic.h>

/* One book, and what it has beside the others. */
struct toll_whatif_side {
    char *name;
    struct toll_book *opened;        /* owned; NULL: another one's, or a variation's */
    struct toll_variation variation; /* book NULL: it is none */
    const struct toll_book *book;    /* either */
    int lane;                        /* of the workers; -1: it prices the base's lines anew, and: */
    unsigned column;                 /* of the repriced charges */
    /* of a lane */
    struct toll_after after;         /* open: behind closed runs */
    struct toll_pools_before before; /* of the pools */
    struct toll_pools *pools;        /* NULL: neither bundles nor tiers */
    struct toll_tuples *tuples;      /* NULL: not taxed */
    struct toll_pool_tables tables;  /* when all is rated */
    const struct toll_tally *tally;
    /* of all */
    struct toll_impact_tax *taxes; /* texts: the book's */
    size_t tax_count;
};

/* Of one worker. */
struct toll_whatif_worker {
    struct toll_impact_sums *sums;
    struct toll_reprice_scratch reprice;
    int64_t *charges;        /* of repriced books: TOLL_BLOCK_ROWS_MAX rows */
    struct toll_moves moves; /* of the same, where the base is taxed; else zeroed */
};

struct toll_whatif {
    const struct toll_whatif_options *options;
    const struct toll_io *io;
    unsigned features;
    struct toll_dataset dataset;
    bool dataset_open;
    size_t first, last; /* of dataset.parts */
    struct toll_run_span span;
    char first_day[TOLL_TIME_TEXT_BYTES], last_day[TOLL_TIME_TEXT_BYTES]; /* with calls; "" none */
    enum toll_read_path how;
    unsigned count;                 /* books */
    struct toll_whatif_side *books; /* [0] is the base */
    struct toll_impact_side *sides; /* the same, as the impact knows them */
    struct toll_impact_shape *shape;
    unsigned lane_count;
    unsigned book_of_lane[TOLL_LANES_MAX];
    struct toll_rater *raters;        /* by lane */
    struct toll_pools **pools;        /* by lane */
    struct toll_repricing *repricing; /* NULL: no book is repriced */
    unsigned repriced_count;
    atomic_bool unfit; /* a charge did not fit: these books have to rate by themselves */
    struct toll_whatif_worker *of_worker;
    struct toll_workers workers;
    struct toll_rate_memory memory;
    struct toll_part_set set;
    struct toll_strings texts;
};

/* whatif_books.c: opens all books and gives them names. */
int toll_whatif_open_books(struct toll_whatif *whatif, struct toll_error *error);
void toll_whatif_close_books(struct toll_whatif *whatif);

/* ---- whatif_taxes.c ---- */

/* Before lane 0's tallies are summed up: what all workers found that repriced books move, in the first one's.
 * False: as of toll_moves_merge; such books have to rate by themselves. */
bool toll_whatif_merge_moves(struct toll_whatif *whatif);
/* Billable taxes by account of a book that is rated, if it is taxed; with the base's those of all that are
 * repriced. */
int toll_whatif_find_taxes(struct toll_whatif *whatif, struct toll_whatif_side *side,
                           struct toll_error *error);

/* What tests vary and users need not. */
struct toll_whatif_tuning {
    const struct toll_io *io;
    unsigned features; /* what the processor is taken to have: see base/cpu.h */
    size_t block_rows; /* 0: TOLL_BLOCK_ROWS */
    bool no_repricing; /* every lane rates all by itself */
};
int toll_whatif_tuned(const struct toll_whatif_options *options, const struct toll_whatif_tuning *tuning,
                      struct toll_impact *impact, struct toll_whatif_result *result,
                      struct toll_error *error);

#endif
