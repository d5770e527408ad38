/*
 * One day anew: the rows of its part, the new rows, duplicates taken out, conflicts marked, in the total
 * order, written as a part of the next generation. What comes out depends only on the set of rows.
 */
#ifndef TOLL_INGEST_MERGE_H
#define TOLL_INGEST_MERGE_H

#include "ingest/gather.h"
#include "ingest/keys.h"
#include "ingest/limits.h"
#include "mmap_cdr/dataset.h"
#include "mmap_cdr/part_stream.h"

#include <stdatomic.h>

struct toll_merge {
    const struct toll_dataset *dataset;
    struct toll_gather *gather;  /* all files were read; its names are ranked */
    bool write;                  /* false: only count (dry run) */
    int64_t generation;          /* of parts that are written */
    toll_hash_kernel *hash;      /* toll_hash or a twin */
    _Atomic int64_t *duplicates; /* by source id: rows of new files that were there already */
    /* Where parts are written, one by each thread. Zero-initialise; freed with toll_merge_free. */
    struct toll_merge_stream {
        atomic_flag busy;
        struct toll_cdr_stream *stream;
        size_t bytes;
    } streams[TOLL_INGEST_THREADS_MAX];
};

struct toll_merge_day {
    int64_t day;
    const struct toll_dataset_part *part; /* NULL: a new day */
    size_t part_index;
    const struct toll_mark *marks; /* of this day */
    size_t mark_count;
    /* result */
    bool changed;                    /* false: the part stays as it is, nothing was written */
    struct toll_dataset_part result; /* of the day, changed or not */
};

/* Adds the names of a part's dictionaries to the import's. Before toll_row_names_rank; one thread. */
int toll_merge_add_names(const struct toll_dataset *dataset, size_t part_index, struct toll_row_names *names,
                         struct toll_error *error);

/* Any number of threads, each with its own day. */
int toll_merge_run(struct toll_merge *merge, struct toll_merge_day *day, struct toll_error *error);
void toll_merge_free(struct toll_merge *merge);

#endif
