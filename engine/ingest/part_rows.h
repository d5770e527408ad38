/* Rows of a part read back, and a part built from rows. */
#ifndef TOLL_INGEST_PART_ROWS_H
#define TOLL_INGEST_PART_ROWS_H

#include "ingest/huge.h"
#include "ingest/row.h"
#include "mmap_cdr/dataset.h"

struct toll_part_rows {
    struct toll_row *rows;
    size_t count;
    struct toll_row_store store;
};

/* All rows of a part; every name of its dictionaries must be in `names` already. */
int toll_part_rows_read(const struct toll_dataset *dataset, size_t index, const struct toll_row_names *names,
                        struct toll_part_rows *out, struct toll_error *error);
void toll_part_rows_free(struct toll_part_rows *rows);

/* A part in the making: rows are added in their final order, then written. Rows and names must stay until
 * then. */
struct toll_part_build {
    struct toll_huge_pool *pool;        /* where the columns are filled */
    const struct toll_row_names *names; /* ranked */
    const struct toll_row **rows;
    size_t count, capacity;
    struct toll_row_extra used; /* of each optional value: not 0 if some row has one */
    uint32_t *ids[TOLL_NAMES];  /* by rank: 1 if a row has the name; later the part's id */
    size_t text_bytes[3];
    int64_t conflicts;
};

/* False when out of memory; then, too, the build is released with toll_part_build_free. */
bool toll_part_build_begin(struct toll_part_build *build, const struct toll_row_names *names,
                           struct toll_huge_pool *pool, size_t capacity);
/* At most `capacity` times. */
void toll_part_build_add(struct toll_part_build *build, const struct toll_row *row);
void toll_part_build_free(struct toll_part_build *build);

/* Writes the rows as a part: optional columns that some row uses, dictionaries of the names that its rows
 * have, by value. Fills rows, conflicts, first_start, last_start and the seals of *part; day, part and
 * generation are set. Once. TOLL_EDATA when a day has more carriers than a part can hold. */
int toll_part_build_write(struct toll_part_build *build, const struct toll_dataset *dataset,
                          struct toll_dataset_part *part, struct toll_error *error);

#endif
