/*
 * Conflicts: two rows of one carrier with one record key and different content, on whatever days.
 *
 * Two rows of a key with different starts always differ; they are found here, over all days. Rows of a key
 * with the same start lie on the same day side by side, where the merge compares them (merge.h).
 */
#ifndef TOLL_INGEST_KEYS_H
#define TOLL_INGEST_KEYS_H

#include "ingest/gather.h"
#include "mmap_cdr/dataset.h"

/* Rows with this start, key and carrier are conflicts. */
struct toll_mark {
    toll_ms start;
    uint64_t key_high, key_low;
    uint32_t carrier;
    bool old; /* a row of the dataset is among them that was none before */
};
struct toll_marks {
    struct toll_mark *marks; /* by start, key, carrier, each once */
    size_t count, capacity;
};

/* Of all rows that were gathered and all rows of the dataset, whose keys are read once when there are new
 * rows. TOLL_ENOMEM, or what reading says. */
int toll_keys_find_conflicts(struct toll_gather *gather, const struct toll_dataset *dataset,
                             struct toll_marks *marks, struct toll_error *error);

#endif
