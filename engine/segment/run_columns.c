/*
 * A table whose values are known column by column, in their last form: places of words, numbers of terms.
 * Each batch is put, and gets its checksums, while it is in the second cache; whichever thread comes to it
 * does so. The bytes are those that run_encode.c makes of rows that say the same.
 */
#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "segment/run_tables.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 16
#define BATCHES_FOR_THREADS 4
_Static_assert(TOLL_ARROW_BATCH_ROWS % TOLL_RUN_BLOCK_ROWS == 0, "blocks fill batches");

struct encode {
    const struct toll_run_columns *columns;
    struct toll_arrow_field fields[TOLL_ARROW_COLUMNS];
    struct toll_arrow_schema schema; /* as it is written: some columns may be narrower */
    struct toll_arrow_plan plan;
    uint8_t *bytes; /* the file */
    atomic_llong next;
    atomic_bool failed; /* out of memory */
};

static int no_memory(const struct toll_run_columns *columns, struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", columns->packed->table->file);
}

static void choose_types(struct encode *encode)
{
    const struct toll_run_columns *columns = encode->columns;
    const struct toll_arrow_schema *schema = &columns->packed->table->schema;
    for (unsigned c = 0; c < schema->count; c++) {
        encode->fields[c] = schema->fields[c];
        if ((columns->wide >> c & 1) == 0 && columns->words[c].count <= UINT16_MAX)
            encode->fields[c].type = columns->packed->narrow[c];
    }
    encode->schema = (struct toll_arrow_schema){schema->name, encode->fields, schema->count};
}

/* ---- batches ---- */

static void put_16(const int32_t *values, int64_t count, uint16_t *place)
{
    for (int64_t i = 0; i < count; i++)
        place[i] = (uint16_t)values[i];
}

static void put_32(const int64_t *values, int64_t count, int32_t *place)
{
    for (int64_t i = 0; i < count; i++)
        place[i] = (int32_t)values[i];
}

/* Values lie as the table's own type has them: 32 bits or 64. */
static void put_values(const struct encode *encode, unsigned column, const void *values, int64_t count,
                       void *place)
{
    const size_t own = toll_arrow_width(encode->columns->packed->table->schema.fields[column].type);
    const size_t width = toll_arrow_width(encode->fields[column].type);
    if (width == own)
        memcpy(place, values, (size_t)count * width);
    else if (width == sizeof(uint16_t))
        put_16(values, count, place);
    else
        put_32(values, count, place);
}

static void put_batch(struct encode *encode, int64_t index, void *const *values)
{
    const struct toll_run_columns *columns = encode->columns;
    const struct toll_arrow_schema *schema = &encode->schema;
    const struct toll_arrow_plan *plan = &encode->plan;
    const int64_t rows = toll_arrow_batch_rows(plan->rows, index);
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct toll_hash128 hashes[TOLL_ARROW_BUFFERS];
    uint8_t *message = encode->bytes + plan->batch_offset[index], *body = message + plan->message_bytes;
    toll_arrow_batch_layout(schema, rows, NULL, buffers, NULL);
    for (int64_t at = 0; at < rows; at += TOLL_RUN_BLOCK_ROWS) {
        const int64_t some = rows - at < TOLL_RUN_BLOCK_ROWS ? rows - at : TOLL_RUN_BLOCK_ROWS;
        columns->make(columns->context, index * TOLL_ARROW_BATCH_ROWS + at, some, values);
        for (unsigned c = 0; c < schema->count; c++)
            put_values(encode, c, values[c], some,
                       body + buffers[c].offset + (size_t)at * toll_arrow_width(schema->fields[c].type));
    }
    for (unsigned c = 0; c < schema->count; c++) {
        const size_t padded = toll_arrow_pad(buffers[c].bytes);
        memset(body + buffers[c].offset + buffers[c].bytes, 0, padded - buffers[c].bytes);
        hashes[c] = columns->hash(body + buffers[c].offset, padded);
    }
    toll_arrow_batch_message(plan, rows, buffers, hashes, message);
}

static void *put_batches(void *argument)
{
    struct encode *encode = argument;
    int64_t *block = malloc(encode->schema.count * TOLL_RUN_BLOCK_ROWS * sizeof *block), index;
    void *values[TOLL_ARROW_COLUMNS];
    if (block == NULL)
        atomic_store(&encode->failed, true);
    for (unsigned c = 0; c < encode->schema.count; c++)
        values[c] = block + c * TOLL_RUN_BLOCK_ROWS;
    while (block != NULL && (index = atomic_fetch_add(&encode->next, 1)) < encode->plan.batches)
        put_batch(encode, index, values);
    free(block);
    return NULL;
}

/* The caller works, too; a thread that cannot be had is not missed. */
static bool put_all(struct encode *encode, unsigned threads)
{
    pthread_t others[THREADS_MAX];
    unsigned count = 0;
    threads = encode->plan.batches < BATCHES_FOR_THREADS ? 1 : threads < THREADS_MAX ? threads : THREADS_MAX;
    while (count + 1 < threads && pthread_create(&others[count], NULL, put_batches, encode) == 0)
        count++;
    put_batches(encode);
    for (unsigned i = 0; i < count; i++)
        pthread_join(others[i], NULL);
    return !atomic_load(&encode->failed);
}

/* ---- the file ---- */

static int make_tail(const struct encode *encode, uint8_t **tail, size_t *bytes, struct toll_error *error)
{
    struct toll_arrow_dictionary dictionaries[TOLL_ARROW_COLUMNS];
    unsigned count = 0;
    for (unsigned c = 0; c < encode->schema.count; c++)
        if (toll_arrow_is_dictionary(encode->fields[c].type))
            dictionaries[count++] = (struct toll_arrow_dictionary){encode->columns->words[c].entries,
                                                                   encode->columns->words[c].count};
    return toll_arrow_tail(&encode->plan, dictionaries, tail, bytes, error);
}

int toll_run_columns_encode(const struct toll_run_columns *columns, unsigned threads,
                            struct toll_arrow_memory *memory, struct toll_error *error)
{
    struct encode encode = {.columns = columns};
    uint8_t *tail = NULL;
    size_t tail_bytes = 0;
    *memory = (struct toll_arrow_memory){0};
    choose_types(&encode);
    TOLL_ASSERT(toll_arrow_text_count(&encode.schema) == 0);
    int rc = toll_arrow_plan_make(&encode.plan, &encode.schema, columns->count, NULL, error);
    if (rc == 0)
        rc = make_tail(&encode, &tail, &tail_bytes, error);
    if (rc == 0) {
        const size_t tail_at = (size_t)encode.plan.batch_offset[encode.plan.batches];
        const size_t size = tail_at + tail_bytes;
        encode.bytes = toll_large_array(size);
        if (encode.bytes == NULL || !put_all(&encode, threads)) {
            rc = no_memory(columns, error);
        } else {
            toll_arrow_head(&encode.plan, encode.bytes);
            memcpy(encode.bytes + tail_at, tail, tail_bytes);
            *memory = (struct toll_arrow_memory){encode.bytes, size, size};
            encode.bytes = NULL;
        }
    }
    free(encode.bytes);
    free(tail);
    toll_arrow_plan_free(&encode.plan);
    return rc;
}
