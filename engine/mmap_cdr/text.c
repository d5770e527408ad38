/* The cold sidecar of a part: record ids and numbers as dialled, for exports and explanations. */
#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/columns.h"

#include <stdio.h>
#include <stdlib.h>

#define NO_BATCH (-1)

struct toll_cdr_text {
    struct toll_arrow_input input;
    int64_t batch; /* whose buffers are in offsets and data, or NO_BATCH */
    const int32_t *offsets[TOLL_CDR_TEXT_COLUMNS];
    const char *data[TOLL_CDR_TEXT_COLUMNS];
    uint8_t *checked; /* mapped: batches whose checksums have been compared */
    uint8_t *buffer;  /* read: the batch */
    size_t buffer_bytes;
};

/* What holds however the file was opened. */
static int check_text(struct toll_cdr_text *text, const char *name, struct toll_error *error)
{
    const int rc = toll_arrow_expect(text->input.arrow, &toll_cdr_text_schema, error);
    if (rc != 0)
        return rc;
    text->checked = calloc(1, (size_t)text->input.arrow->batches + 1);
    return text->checked != NULL ? 0 : toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
}

int toll_cdr_text_open(const struct toll_io *io, int directory, const char *path_for_messages,
                       const char *name, const struct toll_file_seal *seal, enum toll_read_path how,
                       struct toll_cdr_text **out, struct toll_error *error)
{
    char *file_name = NULL;
    struct toll_cdr_text *text = calloc(1, sizeof *text);
    *out = NULL;
    if (!text || asprintf(&file_name, "%s.text.arrow", name) < 0) {
        free(text);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    text->batch = NO_BATCH;
    int rc =
        toll_arrow_input_open(&text->input, io, directory, path_for_messages, file_name, seal, how, error);
    free(file_name);
    if (rc == 0)
        rc = check_text(text, name, error);
    if (rc)
        toll_cdr_text_close(text);
    else
        *out = text;
    return rc;
}

int toll_cdr_text_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                             const struct toll_file_seal *seal, struct toll_cdr_text **out,
                             struct toll_error *error)
{
    struct toll_cdr_text *text = calloc(1, sizeof *text);
    *out = NULL;
    if (!text)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    text->batch = NO_BATCH;
    int rc = toll_arrow_input_bytes(&text->input, bytes, size, name, seal, error);
    if (rc == 0)
        rc = check_text(text, name, error);
    if (rc)
        toll_cdr_text_close(text);
    else
        *out = text;
    return rc;
}

void toll_cdr_text_close(struct toll_cdr_text *text)
{
    if (!text)
        return;
    toll_arrow_input_close(&text->input);
    free(text->checked);
    free(text->buffer);
    free(text);
}

int64_t toll_cdr_text_rows(const struct toll_cdr_text *text)
{
    return text->input.arrow->rows;
}

/* All buffers of a batch with one read: they lie side by side. */
static int read_batch(struct toll_cdr_text *text, int64_t batch, struct toll_error *error)
{
    const struct toll_arrow_file *arrow = text->input.arrow;
    const struct toll_arrow_place *first = toll_arrow_place(arrow, batch, 0);
    const struct toll_arrow_place *last = toll_arrow_place(arrow, batch, arrow->buffers - 1);
    size_t bytes = (size_t)(last->offset - first->offset) + toll_arrow_pad(last->bytes);
    if (bytes > text->buffer_bytes) {
        free(text->buffer);
        text->buffer_bytes = 0;
        if (!(text->buffer = malloc(bytes)))
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for a batch of %zu bytes",
                                  arrow->name, bytes);
        text->buffer_bytes = bytes;
    }
    return toll_file_read(&text->input.file, text->buffer, bytes, first->offset, error);
}

static int load_batch(struct toll_cdr_text *text, int64_t batch, struct toll_error *error)
{
    const struct toll_arrow_file *arrow = text->input.arrow;
    int64_t rows = toll_arrow_batch_rows(arrow->rows, batch),
            start = toll_arrow_place(arrow, batch, 0)->offset;
    bool check = !text->input.bytes || !text->checked[batch];
    text->batch = NO_BATCH;
    int rc = text->input.bytes ? 0 : read_batch(text, batch, error);
    if (rc)
        return rc;
    const uint8_t *base = text->input.bytes ? text->input.bytes + start : text->buffer;
    for (unsigned b = 0; b < arrow->buffers; b++) {
        unsigned column = b / 2;
        const struct toll_arrow_place *place = toll_arrow_place(arrow, batch, b);
        const uint8_t *data = base + (place->offset - start);
        if (check)
            rc = toll_arrow_check(arrow, batch, column, b, data, error);
        if (rc)
            return rc;
        if (b % 2 == 1) {
            text->data[column] = (const char *)data;
            if (check && !toll_arrow_text_valid(text->offsets[column], rows, place->bytes))
                return toll_error_set(error, TOLL_EDATA,
                                      "%s: batch %lld: its text offsets are wrong; import again", arrow->name,
                                      (long long)batch);
        } else {
            text->offsets[column] = (const int32_t *)(const void *)data;
        }
    }
    text->checked[batch] = 1;
    text->batch = batch;
    return 0;
}

int toll_cdr_text_row(struct toll_cdr_text *text, int64_t row, struct toll_text_view *record_id,
                      struct toll_text_view *caller, struct toll_text_view *callee, struct toll_error *error)
{
    struct toll_text_view *views[TOLL_CDR_TEXT_COLUMNS] = {record_id, caller, callee};
    TOLL_ASSERT(row >= 0 && row < text->input.arrow->rows);
    int64_t batch = row / TOLL_BATCH_ROWS, at = row % TOLL_BATCH_ROWS;
    int rc = batch == text->batch ? 0 : load_batch(text, batch, error);
    for (unsigned c = 0; rc == 0 && c < TOLL_CDR_TEXT_COLUMNS; c++) {
        const int32_t *offsets = text->offsets[c];
        *views[c] =
            (struct toll_text_view){text->data[c] + offsets[at], (size_t)(offsets[at + 1] - offsets[at])};
    }
    return rc;
}

int toll_cdr_text_verify(struct toll_cdr_text *text, struct toll_error *error)
{
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < text->input.arrow->batches; i++) {
        text->checked[i] = 0;
        rc = load_batch(text, i, error);
    }
    return rc;
}
