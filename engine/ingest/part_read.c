/* A part and its sidecar back into rows, for the merge. */
#include "ingest/part_rows.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    enum toll_cdr_column column;
    enum toll_name name;
} dictionaries[TOLL_NAMES] = {{TOLL_CDR_CARRIER, TOLL_NAME_CARRIER},
                              {TOLL_CDR_TRUNK, TOLL_NAME_TRUNK},
                              {TOLL_CDR_HINT, TOLL_NAME_HINT},
                              {TOLL_CDR_CALLTYPE, TOLL_NAME_CALLTYPE},
                              {TOLL_CDR_SOURCE_FILE, TOLL_NAME_SOURCE}};

struct reading {
    struct toll_cdr_part *part;
    struct toll_cdr_text *text;
    void *buffer;
    uint32_t *maps[TOLL_NAMES]; /* the part's ids to the run's */
    struct toll_part_rows *out;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while reading a day's rows");
}

static int map_names(struct reading *reading, const struct toll_row_names *names, struct toll_error *error)
{
    for (int d = 0; d < TOLL_NAMES; d++) {
        struct toll_cdr_dictionary dictionary =
            toll_cdr_part_dictionary(reading->part, dictionaries[d].column);
        enum toll_name name = dictionaries[d].name;

        reading->maps[name] = calloc((size_t)dictionary.count + 1, sizeof(uint32_t));
        if (reading->maps[name] == NULL)
            return no_memory(error);
        for (uint32_t i = 1; i < dictionary.count; i++)
            reading->maps[name][i] = toll_strings_find(&names->strings[name], dictionary.entries[i],
                                                       strlen(dictionary.entries[i]));
    }
    return 0;
}

static void fill_extra(const struct reading *reading, const struct toll_cdr_batch *batch, int64_t i,
                       struct toll_row_extra *extra)
{
    memset(extra, 0, sizeof *extra);
    extra->charged = batch->charged == NULL ? 0 : batch->charged[i];
    extra->lrn_caller = batch->lrn_caller == NULL ? 0 : batch->lrn_caller[i];
    extra->lrn_callee = batch->lrn_callee == NULL ? 0 : batch->lrn_callee[i];
    extra->ring_to = batch->ring_to == NULL ? 0 : batch->ring_to[i];
    extra->trunk = batch->trunk == NULL ? 0 : reading->maps[TOLL_NAME_TRUNK][batch->trunk[i]];
    extra->hint = batch->hint == NULL ? 0 : reading->maps[TOLL_NAME_HINT][batch->hint[i]];
    extra->calltype = batch->calltype == NULL ? 0 : reading->maps[TOLL_NAME_CALLTYPE][batch->calltype[i]];
    extra->quantity = batch->quantity == NULL ? 0 : batch->quantity[i];
    extra->setup_ms = batch->setup_ms == NULL ? 0 : batch->setup_ms[i];
    extra->provider_charge = batch->provider_charge == NULL ? 0 : batch->provider_charge[i];
    extra->provider_tax = batch->provider_tax == NULL ? 0 : batch->provider_tax[i];
    extra->carrier_billed_ms = batch->carrier_billed_ms == NULL ? 0 : batch->carrier_billed_ms[i];
}

static int fill_text(const struct reading *reading, int64_t row_index, struct toll_row *row,
                     struct toll_error *error)
{
    struct toll_text_view id = {0}, caller = {0}, callee = {0};
    int code = toll_cdr_text_row(reading->text, row_index, &id, &caller, &callee, error);
    size_t bytes;
    char *text;

    if (code != 0)
        return code;
    if (id.bytes > UINT16_MAX || caller.bytes > UINT16_MAX || callee.bytes > UINT16_MAX)
        return toll_error_set(error, TOLL_EDATA, "a text of row %lld is longer than any import writes",
                              (long long)row_index);
    bytes = id.bytes + caller.bytes + callee.bytes;
    row->text = "";
    if (bytes == 0)
        return 0;
    text = toll_row_store_text(&reading->out->store, bytes);
    if (text == NULL)
        return no_memory(error);
    row->text = text;
    row->record_id_bytes = (uint16_t)id.bytes;
    row->caller_bytes = (uint16_t)caller.bytes;
    row->callee_bytes = (uint16_t)callee.bytes;
    if (id.bytes > 0)
        memcpy(text, id.data, id.bytes);
    if (caller.bytes > 0)
        memcpy(text + id.bytes, caller.data, caller.bytes);
    if (callee.bytes > 0)
        memcpy(text + id.bytes + caller.bytes, callee.data, callee.bytes);
    return 0;
}

static bool any_extra(const struct toll_row_extra *extra)
{
    return memcmp(extra, &toll_row_extra_none, sizeof *extra) != 0;
}

static int fill_rows(const struct reading *reading, const struct toll_cdr_batch *batch,
                     struct toll_error *error)
{
    for (int64_t i = 0; i < batch->rows; i++) {
        struct toll_row *row = &reading->out->rows[batch->first_row + i];
        struct toll_row_extra extra;
        int code;

        memset(row, 0, sizeof *row);
        row->start = batch->start[i];
        row->key_high = batch->record_key_high[i];
        row->key_low = batch->record_key_low[i];
        row->caller = batch->caller[i];
        row->callee = batch->callee[i];
        row->duration_ms = batch->duration_ms[i];
        row->kind = batch->kind[i];
        row->carrier = reading->maps[TOLL_NAME_CARRIER][batch->carrier[i]];
        row->source = reading->maps[TOLL_NAME_SOURCE][batch->source_file[i]];
        row->source_row = batch->source_row[i];
        code = fill_text(reading, batch->first_row + i, row, error);
        if (code != 0)
            return code;
        fill_extra(reading, batch, i, &extra);
        if (!any_extra(&extra))
            continue;
        row->extra = toll_row_store_alloc(&reading->out->store, sizeof extra);
        if (row->extra == NULL)
            return no_memory(error);
        *row->extra = extra;
    }
    return 0;
}

int toll_part_rows_read(const struct toll_dataset *dataset, size_t index, const struct toll_row_names *names,
                        struct toll_part_rows *out, struct toll_error *error)
{
    struct reading reading = {.out = out};
    size_t bytes;
    int code;

    memset(out, 0, sizeof *out);
    code = toll_dataset_part_open(dataset, index, TOLL_READ_PREAD, &reading.part, error);
    if (code == 0)
        code = toll_dataset_text_open(dataset, index, TOLL_READ_PREAD, &reading.text, error);
    if (code == 0)
        code = map_names(&reading, names, error);
    if (code != 0)
        goto out;
    bytes = toll_cdr_batch_buffer_bytes(reading.part, TOLL_CDR_ALL_COLUMNS);
    reading.buffer = aligned_alloc(4096, (bytes + 4096) & ~(size_t)4095);
    out->count = (size_t)toll_cdr_part_rows(reading.part);
    out->rows = malloc((out->count + 1) * sizeof *out->rows);
    if (reading.buffer == NULL || out->rows == NULL)
        code = no_memory(error);
    for (int64_t b = 0; code == 0 && b < toll_cdr_part_batches(reading.part); b++) {
        struct toll_cdr_batch batch;

        code = toll_cdr_part_batch(reading.part, b, TOLL_CDR_ALL_COLUMNS, reading.buffer, &batch, error);
        if (code == 0)
            code = fill_rows(&reading, &batch, error);
    }
out:
    for (int i = 0; i < TOLL_NAMES; i++)
        free(reading.maps[i]);
    free(reading.buffer);
    if (reading.text != NULL)
        toll_cdr_text_close(reading.text);
    if (reading.part != NULL)
        toll_cdr_part_close(reading.part);
    if (code != 0)
        toll_part_rows_free(out);
    return code;
}

void toll_part_rows_free(struct toll_part_rows *rows)
{
    free(rows->rows);
    toll_row_store_free(&rows->store);
    memset(rows, 0, sizeof *rows);
}
