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
    uint8_t *tail;
    size_t tail_at, tail_bytes;
    uint8_t *bytes; /* the file; NULL: it goes into the stream */
    atomic_llong next;
    struct toll_sync_stream *stream;
    pthread_mutex_t lock;         /* of what follows */
    uint8_t **pieces;             /* by batch, when it is made and not handed over */
    int64_t handed;               /* batches before this one are */
    bool handing;                 /* somebody is at it */
    struct toll_hash_state state; /* of what was handed over; of who is at it */
    int rc;
    struct toll_error error;
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

/* message: where the batch begins. */
static void put_batch(const struct encode *encode, int64_t index, void *const *values, uint8_t *message)
{
    const struct toll_run_columns *columns = encode->columns;
    const struct toll_arrow_schema *schema = &encode->schema;
    const struct toll_arrow_plan *plan = &encode->plan;
    const int64_t rows = toll_arrow_batch_rows(plan->rows, index);
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct toll_hash128 hashes[TOLL_ARROW_BUFFERS];
    uint8_t *body = message + plan->message_bytes;
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

static size_t batch_bytes(const struct encode *encode, int64_t index)
{
    return (size_t)(encode->plan.batch_offset[index + 1] - encode->plan.batch_offset[index]);
}

static void fail(struct encode *encode, int rc, const struct toll_error *error)
{
    pthread_mutex_lock(&encode->lock);
    if (encode->rc == 0) {
        encode->rc = rc;
        encode->error = *error;
    }
    pthread_mutex_unlock(&encode->lock);
}

static void fail_memory(struct encode *encode)
{
    struct toll_error error;
    const int rc = no_memory(encode->columns, &error);
    fail(encode, rc, &error);
}

/* Batches in their order: whoever comes while another is at it leaves his to that one. */
static void hand_over(struct encode *encode, int64_t index, uint8_t *piece)
{
    const struct toll_run_columns *columns = encode->columns;
    struct toll_error error;
    pthread_mutex_lock(&encode->lock);
    encode->pieces[index] = piece;
    while (!encode->handing && encode->handed < encode->plan.batches &&
           encode->pieces[encode->handed] != NULL) {
        const int64_t at = encode->handed;
        uint8_t *ready = encode->pieces[at];
        encode->handing = true;
        pthread_mutex_unlock(&encode->lock);
        columns->hash_add(&encode->state, ready, batch_bytes(encode, at));
        const int rc = toll_sync_put(encode->stream, ready, batch_bytes(encode, at),
                                     encode->plan.batch_offset[at], &error);
        if (rc != 0)
            fail(encode, rc, &error);
        pthread_mutex_lock(&encode->lock);
        encode->handing = false;
        encode->handed++;
    }
    pthread_mutex_unlock(&encode->lock);
}

static void *put_batches(void *argument)
{
    struct encode *encode = argument;
    int64_t *block = malloc(encode->schema.count * TOLL_RUN_BLOCK_ROWS * sizeof *block), index;
    void *values[TOLL_ARROW_COLUMNS];
    if (block == NULL)
        fail_memory(encode);
    for (unsigned c = 0; c < encode->schema.count; c++)
        values[c] = block + c * TOLL_RUN_BLOCK_ROWS;
    while (block != NULL && (index = atomic_fetch_add(&encode->next, 1)) < encode->plan.batches) {
        uint8_t *place = encode->stream == NULL ? encode->bytes + encode->plan.batch_offset[index]
                                                : toll_sync_piece(encode->stream);
        if (place == NULL) {
            fail_memory(encode);
            break;
        }
        put_batch(encode, index, values, place);
        if (encode->stream != NULL)
            hand_over(encode, index, place);
    }
    free(block);
    return NULL;
}

/* The caller works, too; a thread that cannot be had is not missed. */
static int put_all(struct encode *encode, unsigned threads, struct toll_error *error)
{
    pthread_t others[THREADS_MAX];
    unsigned count = 0;
    threads = encode->plan.batches < BATCHES_FOR_THREADS ? 1 : threads < THREADS_MAX ? threads : THREADS_MAX;
    while (count + 1 < threads && pthread_create(&others[count], NULL, put_batches, encode) == 0)
        count++;
    put_batches(encode);
    for (unsigned i = 0; i < count; i++)
        pthread_join(others[i], NULL);
    if (encode->rc != 0 && error != NULL)
        *error = encode->error;
    return encode->rc;
}

/* ---- the file ---- */

static int begin(struct encode *encode, const struct toll_run_columns *columns, struct toll_error *error)
{
    struct toll_arrow_dictionary dictionaries[TOLL_ARROW_COLUMNS];
    unsigned count = 0;
    memset(encode, 0, sizeof *encode);
    encode->columns = columns;
    pthread_mutex_init(&encode->lock, NULL);
    choose_types(encode);
    TOLL_ASSERT(toll_arrow_text_count(&encode->schema) == 0);
    int rc = toll_arrow_plan_make(&encode->plan, &encode->schema, columns->count, NULL, error);
    if (rc != 0)
        return rc;
    for (unsigned c = 0; c < encode->schema.count; c++)
        if (toll_arrow_is_dictionary(encode->fields[c].type))
            dictionaries[count++] =
                (struct toll_arrow_dictionary){columns->words[c].entries, columns->words[c].count};
    encode->tail_at = (size_t)encode->plan.batch_offset[encode->plan.batches];
    return toll_arrow_tail(&encode->plan, dictionaries, &encode->tail, &encode->tail_bytes, error);
}

static void end(struct encode *encode)
{
    free(encode->bytes);
    free(encode->tail);
    for (int64_t i = encode->handed; encode->pieces != NULL && i < encode->plan.batches; i++)
        free(encode->pieces[i]);
    free(encode->pieces);
    toll_arrow_plan_free(&encode->plan);
    pthread_mutex_destroy(&encode->lock);
}

int toll_run_columns_encode(const struct toll_run_columns *columns, unsigned threads,
                            struct toll_arrow_memory *memory, struct toll_error *error)
{
    struct encode encode;
    *memory = (struct toll_arrow_memory){0};
    int rc = begin(&encode, columns, error);
    const size_t size = encode.tail_at + encode.tail_bytes;
    if (rc == 0 && (encode.bytes = toll_large_array(size)) == NULL)
        rc = no_memory(columns, error);
    if (rc == 0)
        rc = put_all(&encode, threads, error);
    if (rc == 0) {
        toll_arrow_head(&encode.plan, encode.bytes);
        memcpy(encode.bytes + encode.tail_at, encode.tail, encode.tail_bytes);
        *memory = (struct toll_arrow_memory){encode.bytes, size, size};
        encode.bytes = NULL;
    }
    end(&encode);
    return rc;
}

/* Head or tail, which may be larger than a piece. */
static int put_rest(struct encode *encode, const uint8_t *bytes, size_t count, size_t offset,
                    size_t piece_bytes, struct toll_error *error)
{
    int rc = 0;
    encode->columns->hash_add(&encode->state, bytes, count);
    for (size_t at = 0; rc == 0 && at < count; at += piece_bytes) {
        const size_t some = count - at < piece_bytes ? count - at : piece_bytes;
        uint8_t *piece = toll_sync_piece(encode->stream);
        if (piece == NULL)
            return no_memory(encode->columns, error);
        memcpy(piece, bytes + at, some);
        rc = toll_sync_put(encode->stream, piece, some, (int64_t)(offset + at), error);
    }
    return rc;
}

static int write_all(struct encode *encode, unsigned threads, size_t piece_bytes, struct toll_error *error)
{
    const size_t head_bytes = encode->plan.head_bytes;
    uint8_t *head = malloc(head_bytes);
    if (head == NULL)
        return no_memory(encode->columns, error);
    toll_hash_begin(&encode->state);
    toll_arrow_head(&encode->plan, head);
    int rc = put_rest(encode, head, head_bytes, 0, piece_bytes, error);
    free(head);
    if (rc == 0)
        rc = put_all(encode, threads, error);
    if (rc == 0)
        rc = put_rest(encode, encode->tail, encode->tail_bytes, encode->tail_at, piece_bytes, error);
    return rc;
}

int toll_run_columns_write(const struct toll_run_columns *columns, unsigned threads,
                           const struct toll_run_sink *sink, struct toll_hash128 *hash,
                           struct toll_error *error)
{
    struct encode encode;
    int rc = begin(&encode, columns, error);
    size_t piece_bytes = TOLL_ARROW_ALIGNMENT;
    for (int64_t i = 0; rc == 0 && i < encode.plan.batches; i++)
        piece_bytes = batch_bytes(&encode, i) > piece_bytes ? batch_bytes(&encode, i) : piece_bytes;
    if (rc == 0 && (encode.pieces = calloc((size_t)encode.plan.batches + 1, sizeof *encode.pieces)) == NULL)
        rc = no_memory(columns, error);
    if (rc == 0)
        rc =
            sink->open(sink->context, encode.tail_at + encode.tail_bytes, piece_bytes, &encode.stream, error);
    if (rc == 0) {
        rc = write_all(&encode, threads, piece_bytes, error);
        const int ended = toll_sync_end(encode.stream, rc == 0 ? error : NULL);
        rc = rc != 0 ? rc : ended;
    }
    *hash = rc == 0 ? toll_hash_end(&encode.state) : (struct toll_hash128){0};
    end(&encode);
    return rc;
}
