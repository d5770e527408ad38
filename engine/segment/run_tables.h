/* The small tables of a run (accounts, prices, buckets, period charges, pools, counts of tiers, tuples) as
 * Arrow files and back: rows of structs, one description each. */
#ifndef TOLL_SEGMENT_RUN_TABLES_H
#define TOLL_SEGMENT_RUN_TABLES_H

#include "arrow/arrow.h"
#include "base/arena.h"
#include "segment/run.h"

struct toll_run_table {
    const char *file;
    struct toll_arrow_schema schema;
    const uint16_t *offsets; /* of each column's member in the row struct: int32_t, int64_t or, of text and
                                of dictionaries, const char * */
    size_t row_bytes;
};
/* A table of which columns take less room where their values are small, and whose rows say much alike: that
 * has a table of its own, price_terms.arrow. */
struct toll_run_parted {
    const struct toll_run_table *table, *terms;
    unsigned terms_column;              /* of table: the id in the other, which its first column has */
    const enum toll_arrow_type *narrow; /* of each column of table, tried before the table's own type */
};
extern const struct toll_run_parted toll_run_parted_prices;
/* toll_run_prices is all of it in one file, as deltas have it and runs of earlier versions. */
extern const struct toll_run_table toll_run_accounts, toll_run_prices, toll_run_buckets, toll_run_periods,
    toll_run_pools, toll_run_pool_draws, toll_run_tier_counts, toll_run_tuples, toll_run_components;

/* The file's bytes in *memory (free(memory->bytes)). NULL texts are "". Dictionaries have "" first, then the
 * others that some row has, sorted bytewise. */
int toll_run_table_encode(const struct toll_run_table *table, const void *rows, int64_t count,
                          struct toll_arrow_memory *memory, struct toll_error *error);
/* The same bytes by up to so many threads. */
int toll_run_table_encode_by(const struct toll_run_table *table, const struct toll_run_rows *rows,
                             int64_t count, unsigned threads, struct toll_arrow_memory *memory,
                             struct toll_error *error);
/* The same in two files. Which columns are narrow depends on nothing but the values. */
int toll_run_parted_encode(const struct toll_run_parted *parted, const struct toll_run_rows *rows,
                           int64_t count, unsigned threads, struct toll_arrow_memory *memory,
                           struct toll_arrow_memory *terms, struct toll_error *error);
/* Rows (malloc'ed) whose texts live in the arena. TOLL_EDATA for anything but this table. */
int toll_run_table_decode(const struct toll_run_table *table, const char *name, const void *bytes,
                          size_t size, struct toll_arena *arena, void **rows, int64_t *count,
                          struct toll_error *error);
/* Rows of both, of which terms have been decoded. */
int toll_run_parted_decode(const struct toll_run_parted *parted, const char *name, const void *bytes,
                           size_t size, const struct toll_price_row *terms, int64_t term_count,
                           struct toll_arena *arena, struct toll_price_row **rows, int64_t *count,
                           struct toll_error *error);

#endif
