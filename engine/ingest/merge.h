/*
 * One day anew: the rows of its part, the new rows, duplicates taken out, conflicts marked, in the total
 * order, written as a part of the next generation. What comes out depends only on the set of rows.
 */
#ifndef TOLL_INGEST_MERGE_H
#define TOLL_INGEST_MERGE_H

#include "ingest/huge.h"
#include "ingest/keys.h"
#include "ingest/order.h"
#include "mmap_cdr/dataset.h"

#include <stdatomic.h>

struct toll_merge {
    const struct toll_dataset *dataset;
    const struct toll_row_names *names; /* ranked */
    bool write;                         /* false: only count (dry run) */
    int64_t generation;                 /* of parts that are written */
    struct toll_huge_pool *pool;        /* where days are built */
    _Atomic int64_t *duplicates;        /* by source id: rows of new files that were there already */
};

struct toll_merge_day {
    int64_t day;
    struct toll_entry *entries; /* new rows; sorted here */
    size_t entry_count;
    const struct toll_dataset_part *part; /* NULL: a new day */
    size_t part_index;
    const struct toll_mark *marks; /* of this part */
    size_t mark_count;
    /* result */
    bool changed;                    /* false: the part stays as it is, nothing was written */
    struct toll_dataset_part result; /* of the day, changed or not */
};

/* Adds the names of a part's dictionaries to the run's. Before toll_row_names_rank; one thread. */
int toll_merge_add_names(const struct toll_dataset *dataset, size_t part_index, struct toll_row_names *names,
                         struct toll_error *error);

/* Any number of threads, each with its own day. */
int toll_merge_run(const struct toll_merge *merge, struct toll_merge_day *day, struct toll_error *error);

#endif
