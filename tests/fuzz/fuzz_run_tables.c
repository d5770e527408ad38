/*
 * The small tables of a run (accounts, prices, buckets, period charges, pools and counts of tiers; packed
 * prices, tuples and components): what is read is written again, and read again is the same.
 *
 * Input: one byte for the table, then as in sparse.h.
 */
#include "segment/run_tables.h"
#include "sparse.h"

static const struct toll_run_table *const tables[] = {
    &toll_run_accounts, &toll_run_prices,     &toll_run_buckets,    &toll_run_periods,
    &toll_run_pools,    &toll_run_pool_draws, &toll_run_tier_counts};

static const struct toll_run_packed *const packed_tables[] = {
    &toll_run_packed_prices, &toll_run_packed_tuples, &toll_run_packed_components};
#define PLAIN (sizeof tables / sizeof *tables)
#define ALL (PLAIN + sizeof packed_tables / sizeof *packed_tables)

static void encode_packed(const struct toll_run_packed *packed, const void *rows, int64_t count,
                          struct toll_arrow_memory *memory)
{
    const struct toll_run_rows array = {.rows = rows};
    struct toll_arrow_memory terms = {0};
    TOLL_ASSERT(
        toll_run_packed_encode(packed, &array, count, 1, memory, packed->terms ? &terms : NULL, NULL) == 0);
    free(terms.bytes);
}

static void check_packed_again(const struct toll_run_packed *packed, const void *rows, int64_t count)
{
    struct toll_arena arena = {0};
    struct toll_arrow_memory first, second;
    int64_t count_again;
    void *again;
    encode_packed(packed, rows, count, &first);
    TOLL_ASSERT(toll_run_packed_decode(packed, "t", first.bytes, first.size, &arena, &again, &count_again,
                                       NULL) == 0);
    TOLL_ASSERT(count_again == count);
    encode_packed(packed, again, count, &second);
    TOLL_ASSERT(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
    free(again);
    free(first.bytes);
    free(second.bytes);
    toll_arena_free(&arena);
}

static void check_again(const struct toll_run_table *table, const void *rows, int64_t count)
{
    struct toll_arena arena = {0};
    struct toll_arrow_memory first, second;
    int64_t count_again;
    void *again;
    TOLL_ASSERT(toll_run_table_encode(table, rows, count, &first, NULL) == 0);
    TOLL_ASSERT(
        toll_run_table_decode(table, "t", first.bytes, first.size, &arena, &again, &count_again, NULL) == 0);
    TOLL_ASSERT(count_again == count);
    TOLL_ASSERT(toll_run_table_encode(table, again, count, &second, NULL) == 0);
    TOLL_ASSERT(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
    free(again);
    free(first.bytes);
    free(second.bytes);
    toll_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const size_t which = fuzz_take(&input, 1) % ALL;
    const struct toll_run_table *table = which < PLAIN ? tables[which] : NULL;
    const struct toll_run_packed *packed = which < PLAIN ? NULL : packed_tables[which - PLAIN];
    struct toll_arena arena = {0};
    struct toll_error error;
    size_t bytes;
    int64_t count;
    void *rows;
    uint8_t *image = sparse_expand(input.at, input.left, &bytes);
    if (image == NULL)
        return 0;
    sparse_seal(image, bytes);
    const int code =
        table != NULL
            ? toll_run_table_decode(table, "t.arrow", image, bytes, &arena, &rows, &count, &error)
            : toll_run_packed_decode(packed, "t.arrow", image, bytes, &arena, &rows, &count, &error);
    if (code == 0 && table != NULL)
        check_again(table, rows, count);
    else if (code == 0)
        check_packed_again(packed, rows, count);
    else
        fuzz_check_error(code, &error);
    free(rows);
    free(image);
    toll_arena_free(&arena);
    return 0;
}
