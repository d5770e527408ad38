/* The small tables of a run (accounts, prices, buckets, period charges, pools, counts of tiers, tuples) as
 * Arrow files and back: rows of structs, one description each. */
#ifndef TOLL_SEGMENT_RUN_TABLES_H
#define TOLL_SEGMENT_RUN_TABLES_H

#include "arrow/arrow.h"
#include "base/arena.h"
#include "io/sync.h"
#include "segment/run.h"

struct toll_run_table {
    const char *file;
    struct toll_arrow_schema schema;
    const uint16_t *offsets; /* of each column's member in the row struct: int32_t, int64_t or, of text and
                                of dictionaries, const char * */
    size_t row_bytes;
};
/* A table of which columns take less room where their values are small. */
struct toll_run_packed {
    const struct toll_run_table *table;
    const enum toll_arrow_type *narrow; /* of each column, tried before the table's own type */
    const struct toll_run_table *plain; /* as deltas have it, and runs of earlier versions */
    /* Of prices only: what rows say alike has a table of its own, price_terms.arrow. */
    const struct toll_run_table *terms;
    unsigned terms_column; /* of table: the id in the other, which its first column has */
};
extern const struct toll_run_packed toll_run_packed_prices, toll_run_packed_tuples,
    toll_run_packed_components;
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
/* Which columns are narrow depends on nothing but the values. terms: of prices; else NULL. */
int toll_run_packed_encode(const struct toll_run_packed *packed, const struct toll_run_rows *rows,
                           int64_t count, unsigned threads, struct toll_arrow_memory *memory,
                           struct toll_arrow_memory *terms, struct toll_error *error);
/* What a packed table says, column by column. */
#define TOLL_RUN_BLOCK_ROWS 1024
struct toll_run_columns {
    const struct toll_run_packed *packed;
    int64_t count;
    uint64_t wide;                                   /* bits of columns of which some value is not narrow */
    struct toll_run_words words[TOLL_ARROW_COLUMNS]; /* of dictionary columns, by column; else 0 */
    /* Puts at most TOLL_RUN_BLOCK_ROWS rows: by column int32_t, uint32_t places of words, or int64_t, as the
     * table's own types are. Any rows, by several threads. */
    void (*make)(const void *context, int64_t first, int64_t count, void *const *values);
    const void *context;
    toll_hash_kernel *hash;
    toll_hash_add_kernel *hash_add;
};
/* The bytes that toll_run_packed_encode makes of rows that say the same. */
int toll_run_columns_encode(const struct toll_run_columns *columns, unsigned threads,
                            struct toll_arrow_memory *memory, struct toll_error *error);
/* The same into a file, batch by batch as they are made. open: makes the stream when it is known how many
 * bytes the file will have. */
struct toll_run_sink {
    int (*open)(const void *context, size_t bytes, size_t piece_bytes, struct toll_sync_stream **stream,
                struct toll_error *error);
    const void *context;
};
int toll_run_columns_write(const struct toll_run_columns *columns, unsigned threads,
                           const struct toll_run_sink *sink, struct toll_hash128 *hash,
                           struct toll_error *error);
/* Rows (malloc'ed) whose texts live in the arena. TOLL_EDATA for anything but this table. */
int toll_run_table_decode(const struct toll_run_table *table, const char *name, const void *bytes,
                          size_t size, struct toll_arena *arena, void **rows, int64_t *count,
                          struct toll_error *error);
/* As toll_run_table_decode, of the plain table, too. */
int toll_run_packed_decode(const struct toll_run_packed *packed, const char *name, const void *bytes,
                           size_t size, struct toll_arena *arena, void **rows, int64_t *count,
                           struct toll_error *error);
/* Puts into each row of prices what its terms say. TOLL_EDATA: they are not numbered from 1 on, or there are
 * none of its number. */
int toll_run_prices_join(const char *name, struct toll_price_row *rows, int64_t count,
                         const struct toll_price_row *terms, int64_t term_count, struct toll_error *error);

#endif
