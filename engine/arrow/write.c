/* A whole file from full columns, in one pass. Full pages of the caller's columns go to the sink as they lie;
 * only what needs padding or new offsets is staged. */
#include "arrow/arrow.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int toll_arrow_memory_write(void *context, const void *data, size_t bytes, int64_t offset,
                            struct toll_error *error)
{
    struct toll_arrow_memory *memory = context;
    size_t end = (size_t)offset + bytes;
    if (end > memory->capacity) {
        size_t capacity = end > 2 * memory->capacity ? end : 2 * memory->capacity;
        uint8_t *grown = realloc(memory->bytes, capacity);
        if (!grown)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory for a file of %zu bytes", end);
        memset(grown + memory->capacity, 0, capacity - memory->capacity);
        memory->bytes = grown;
        memory->capacity = capacity;
    }
    if (bytes)
        memcpy(memory->bytes + offset, data, bytes);
    if (end > memory->size)
        memory->size = end;
    return 0;
}

struct write {
    const struct toll_arrow_schema *schema;
    const struct toll_arrow_column *columns;
    const struct toll_arrow_sink *sink;
    struct toll_arrow_plan plan;
    int64_t *text_bytes; /* batch x text column */
    unsigned texts;
    uint8_t *staging, *head, *message, *tail;
    size_t tail_bytes;
    struct toll_hasher *hasher;
};

static int measure_texts(struct write *write, int64_t rows, struct toll_error *error)
{
    write->texts = toll_arrow_text_count(write->schema);
    if (write->texts == 0 || rows == 0)
        return 0;
    int64_t batches = (rows - 1) / TOLL_ARROW_BATCH_ROWS + 1;
    write->text_bytes = malloc((size_t)batches * write->texts * sizeof *write->text_bytes);
    if (!write->text_bytes)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for an Arrow file of %lld rows",
                              (long long)rows);
    int64_t *out = write->text_bytes;
    for (int64_t i = 0; i < batches; i++) {
        int64_t first = i * TOLL_ARROW_BATCH_ROWS, last = first + toll_arrow_batch_rows(rows, i);
        for (unsigned c = 0; c < write->schema->count; c++) {
            if (write->schema->fields[c].type == TOLL_ARROW_UTF8)
                *out++ = write->columns[c].text_offset[last] - write->columns[c].text_offset[first];
        }
    }
    return 0;
}

/* The staging buffer holds the largest buffer that is staged. */
static int reserve(struct write *write, struct toll_error *error)
{
    const struct toll_arrow_plan *plan = &write->plan;
    size_t largest = toll_arrow_pad((TOLL_ARROW_BATCH_ROWS + 1) * sizeof(int64_t));
    for (int64_t i = 0; i < plan->batches * write->texts; i++) {
        size_t bytes = toll_arrow_pad((size_t)write->text_bytes[i]);
        largest = bytes > largest ? bytes : largest;
    }
    write->staging = malloc(largest);
    write->head = malloc(plan->head_bytes);
    write->message = malloc(plan->message_bytes);
    write->hasher = toll_hasher_create();
    if (!write->staging || !write->head || !write->message || !write->hasher)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for an Arrow file of %lld rows",
                              (long long)plan->rows);
    return 0;
}

static const void *stage(struct write *write, const void *data, size_t bytes)
{
    size_t padded = toll_arrow_pad(bytes);
    if (padded == bytes)
        return data;
    if (data != write->staging)
        memcpy(write->staging, data, bytes);
    memset(write->staging + bytes, 0, padded - bytes);
    return write->staging;
}

static const void *stage_offsets(struct write *write, const int64_t *offsets, int64_t rows)
{
    int32_t *out = (int32_t *)(void *)write->staging;
    for (int64_t i = 0; i <= rows; i++) {
        TOLL_DCHECK(i == 0 || offsets[i] >= offsets[i - 1]);
        out[i] = (int32_t)(offsets[i] - offsets[0]);
    }
    return stage(write, write->staging, ((size_t)rows + 1) * sizeof *out);
}

static int write_batch(struct write *write, int64_t index, struct toll_error *error)
{
    const struct toll_arrow_plan *plan = &write->plan;
    int64_t rows = toll_arrow_batch_rows(plan->rows, index), first = index * TOLL_ARROW_BATCH_ROWS;
    int64_t body = plan->batch_offset[index] + (int64_t)plan->message_bytes;
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct toll_hash128 hashes[TOLL_ARROW_BUFFERS];
    const int64_t *text_bytes = write->texts ? write->text_bytes + index * write->texts : NULL;
    toll_arrow_batch_layout(write->schema, rows, text_bytes, buffers, NULL);

    for (unsigned c = 0, b = 0; c < write->schema->count; c++) {
        const struct toll_arrow_column *column = &write->columns[c];
        bool utf8 = write->schema->fields[c].type == TOLL_ARROW_UTF8;
        size_t width = toll_arrow_width(write->schema->fields[c].type);
        for (unsigned k = 0; k < (utf8 ? 2u : 1u); k++, b++) {
            const void *data;
            if (!utf8)
                data =
                    stage(write, (const uint8_t *)column->values + (size_t)first * width, buffers[b].bytes);
            else if (k == 0)
                data = stage_offsets(write, column->text_offset + first, rows);
            else
                data = buffers[b].bytes
                           ? stage(write, column->text + column->text_offset[first], buffers[b].bytes)
                           : write->staging;
            size_t padded = toll_arrow_pad(buffers[b].bytes);
            hashes[b] = toll_hash(data, padded);
            int rc = padded ? write->sink->write(write->sink->context, data, padded,
                                                 body + (int64_t)buffers[b].offset, error)
                            : 0;
            if (rc)
                return rc;
        }
    }
    toll_arrow_batch_message(plan, rows, buffers, hashes, write->message);
    toll_hasher_update(write->hasher, write->message, plan->message_bytes);
    return write->sink->write(write->sink->context, write->message, plan->message_bytes,
                              plan->batch_offset[index], error);
}

int toll_arrow_write(const struct toll_arrow_schema *schema, int64_t rows,
                     const struct toll_arrow_column *columns,
                     const struct toll_arrow_dictionary *dictionaries, const struct toll_arrow_sink *sink,
                     int64_t *file_bytes, struct toll_hash128 *digest, struct toll_error *error)
{
    struct write write = {.schema = schema, .columns = columns, .sink = sink};
    int rc = measure_texts(&write, rows, error);
    if (rc == 0)
        rc = toll_arrow_plan_make(&write.plan, schema, rows, write.text_bytes, error);
    if (rc == 0)
        rc = reserve(&write, error);
    if (rc == 0)
        rc = toll_arrow_tail(&write.plan, dictionaries, &write.tail, &write.tail_bytes, error);
    if (rc)
        goto out;
    toll_arrow_head(&write.plan, write.head);
    toll_hasher_update(write.hasher, write.head, write.plan.head_bytes);
    rc = sink->write(sink->context, write.head, write.plan.head_bytes, 0, error);
    for (int64_t i = 0; rc == 0 && i < write.plan.batches; i++)
        rc = write_batch(&write, i, error);
    if (rc)
        goto out;
    int64_t tail = write.plan.batch_offset[write.plan.batches];
    toll_hasher_update(write.hasher, write.tail, write.tail_bytes);
    rc = sink->write(sink->context, write.tail, write.tail_bytes, tail, error);
    *file_bytes = tail + (int64_t)write.tail_bytes;
    *digest = toll_hasher_digest(write.hasher);
out:
    toll_hasher_destroy(write.hasher);
    free(write.tail);
    free(write.message);
    free(write.head);
    free(write.staging);
    toll_arrow_plan_free(&write.plan);
    free(write.text_bytes);
    return rc;
}
