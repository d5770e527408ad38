/*
 * Conflicts: two rows of one carrier with one record key and different content, on whatever days.
 *
 * Two rows of a key with different starts always differ; they are found here, over all days. Rows of a key
 * with the same start lie on the same day side by side, where the merge compares them (merge.h).
 */
#ifndef TOLL_INGEST_KEYS_H
#define TOLL_INGEST_KEYS_H

#include "ingest/order.h"
#include "mmap_cdr/dataset.h"

/* A row of an existing part that has become a conflict. */
struct toll_mark {
    size_t part; /* index into dataset->parts */
    int64_t row;
};
struct toll_marks {
    struct toll_mark *marks; /* by (part, row) */
    size_t count, capacity;
};

/* Marks new rows in place (kind) and lists rows of existing parts that were not marked yet. Every part's keys
 * are read once when there are new rows. */
int toll_keys_find_conflicts(const struct toll_dataset *dataset, const struct toll_days *days,
                             const struct toll_row_names *names, struct toll_marks *marks,
                             struct toll_error *error);

#endif
