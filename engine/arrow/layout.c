/* Where everything in a file lies: known before the first byte is written. */
#include "arrow/encode.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>

unsigned toll_arrow_width(enum toll_arrow_type type)
{
    switch (type) {
    case TOLL_ARROW_UINT8:
        return 1;
    case TOLL_ARROW_UINT16:
    case TOLL_ARROW_DICTIONARY_UINT16:
        return 2;
    case TOLL_ARROW_INT32:
    case TOLL_ARROW_DICTIONARY_INT32:
    case TOLL_ARROW_UTF8:
        return 4;
    case TOLL_ARROW_INT64:
    case TOLL_ARROW_UINT64:
    case TOLL_ARROW_TIMESTAMP_MS:
        return 8;
    }
    TOLL_ASSERT(false); /* all types are above */
    return 0;
}

bool toll_arrow_is_dictionary(enum toll_arrow_type type)
{
    return type == TOLL_ARROW_DICTIONARY_INT32 || type == TOLL_ARROW_DICTIONARY_UINT16;
}

unsigned toll_arrow_dictionary_count(const struct toll_arrow_schema *schema)
{
    unsigned count = 0;
    for (unsigned i = 0; i < schema->count; i++)
        count += toll_arrow_is_dictionary(schema->fields[i].type);
    return count;
}

unsigned toll_arrow_text_count(const struct toll_arrow_schema *schema)
{
    unsigned count = 0;
    for (unsigned i = 0; i < schema->count; i++)
        count += schema->fields[i].type == TOLL_ARROW_UTF8;
    return count;
}

int64_t toll_arrow_batch_rows(int64_t rows, int64_t index)
{
    int64_t left = rows - index * TOLL_ARROW_BATCH_ROWS;
    return left < TOLL_ARROW_BATCH_ROWS ? left : TOLL_ARROW_BATCH_ROWS;
}

size_t toll_arrow_batch_layout(const struct toll_arrow_schema *schema, int64_t rows,
                               const int64_t *text_bytes,
                               struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS], unsigned *count)
{
    size_t next = 0;
    unsigned buffer = 0, text = 0;
    for (unsigned i = 0; i < schema->count; i++) {
        bool utf8 = schema->fields[i].type == TOLL_ARROW_UTF8;
        size_t values = (size_t)rows + (utf8 ? 1 : 0);
        buffers[buffer] = (struct toll_arrow_buffer){next, values * toll_arrow_width(schema->fields[i].type)};
        next += toll_arrow_pad(buffers[buffer++].bytes);
        if (!utf8)
            continue;
        buffers[buffer] = (struct toll_arrow_buffer){next, (size_t)text_bytes[text++]};
        next += toll_arrow_pad(buffers[buffer++].bytes);
    }
    if (count)
        *count = buffer;
    return next;
}

int toll_arrow_plan_make(struct toll_arrow_plan *plan, const struct toll_arrow_schema *schema, int64_t rows,
                         const int64_t *text_bytes, struct toll_error *error)
{
    TOLL_ASSERT(schema->count >= 1 && schema->count <= TOLL_ARROW_COLUMNS && rows >= 0);
    unsigned texts = toll_arrow_text_count(schema);
    *plan = (struct toll_arrow_plan){.schema = schema, .rows = rows};
    plan->batches = rows / TOLL_ARROW_BATCH_ROWS + (rows % TOLL_ARROW_BATCH_ROWS != 0);
    plan->head_bytes = toll_arrow_head_measure(schema);
    plan->message_bytes = toll_arrow_message_measure(schema);
    plan->batch_offset = malloc(((size_t)plan->batches + 1) * sizeof *plan->batch_offset);
    if (!plan->batch_offset)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for an Arrow file of %lld rows",
                              (long long)rows);
    plan->batch_offset[0] = (int64_t)plan->head_bytes;
    for (int64_t i = 0; i < plan->batches; i++) {
        struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
        const int64_t *bytes = texts ? text_bytes + i * texts : NULL;
        for (unsigned k = 0; k < texts; k++) {
            if (bytes[k] < 0 || bytes[k] > INT32_MAX) {
                toll_arrow_plan_free(plan);
                return toll_error_set(
                    error, TOLL_EDATA,
                    "the text of %d rows is %lld bytes, over the 2 GiB that an Arrow text column "
                    "can hold in a batch: shorten the text fields of the input",
                    TOLL_ARROW_BATCH_ROWS, (long long)bytes[k]);
            }
        }
        size_t body = toll_arrow_batch_layout(schema, toll_arrow_batch_rows(rows, i), bytes, buffers, NULL);
        plan->batch_offset[i + 1] = plan->batch_offset[i] + (int64_t)(plan->message_bytes + body);
    }
    return 0;
}

void toll_arrow_plan_free(struct toll_arrow_plan *plan)
{
    free(plan->batch_offset);
    plan->batch_offset = NULL;
}
