/* A part and its sidecar back into rows, for the merge: a batch in memory at a time. */
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

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while reading a day's rows");
}

static int map_names(struct toll_part_reader *reader, const struct toll_row_names *names,
                     struct toll_error *error)
{
    for (int d = 0; d < TOLL_NAMES; d++) {
        struct toll_cdr_dictionary dictionary =
            toll_cdr_part_dictionary(reader->part, dictionaries[d].column);
        enum toll_name name = dictionaries[d].name;

        reader->maps[name] = calloc((size_t)dictionary.count + 1, sizeof(uint32_t));
        if (reader->maps[name] == NULL)
            return no_memory(error);
        for (uint32_t i = 1; i < dictionary.count; i++)
            reader->maps[name][i] = toll_strings_find(&names->strings[name], dictionary.entries[i],
                                                      strlen(dictionary.entries[i]));
    }
    return 0;
}

int toll_part_reader_open(struct toll_part_reader *reader, const struct toll_dataset *dataset, size_t index,
                          const struct toll_row_names *names, struct toll_memory *memory,
                          struct toll_error *error)
{
    int code;

    *reader = (struct toll_part_reader){.memory = memory};
    code = toll_dataset_part_open(dataset, index, TOLL_READ_PREAD, &reader->part, error);
    if (code == 0)
        code = toll_dataset_text_open(dataset, index, TOLL_READ_PREAD, &reader->text, error);
    if (code == 0)
        code = map_names(reader, names, error);
    if (code != 0)
        return code;
    reader->buffer_bytes = toll_cdr_batch_buffer_bytes(reader->part, TOLL_CDR_ALL_COLUMNS);
    toll_memory_take(memory, reader->buffer_bytes);
    reader->buffer = aligned_alloc(4096, (reader->buffer_bytes + 4096) & ~(size_t)4095);
    return reader->buffer == NULL ? no_memory(error) : 0;
}

void toll_part_reader_close(struct toll_part_reader *reader)
{
    for (int i = 0; i < TOLL_NAMES; i++)
        free(reader->maps[i]);
    free(reader->buffer);
    free(reader->slots[0].text);
    free(reader->slots[1].text);
    if (reader->memory != NULL)
        toll_memory_give_back(reader->memory, reader->buffer_bytes);
    if (reader->text != NULL)
        toll_cdr_text_close(reader->text);
    if (reader->part != NULL)
        toll_cdr_part_close(reader->part);
    memset(reader, 0, sizeof *reader);
}

int64_t toll_part_reader_rows(const struct toll_part_reader *reader)
{
    return toll_cdr_part_rows(reader->part);
}

void toll_part_reader_add_use(const struct toll_part_reader *reader, struct toll_used *used)
{
    const struct toll_cdr_part *part = reader->part;
    struct toll_row_extra *any = &used->any;

    any->charged |= toll_cdr_part_has(part, TOLL_CDR_CHARGED);
    any->lrn_caller |= toll_cdr_part_has(part, TOLL_CDR_LRN_CALLER);
    any->lrn_callee |= toll_cdr_part_has(part, TOLL_CDR_LRN_CALLEE);
    any->ring_to |= toll_cdr_part_has(part, TOLL_CDR_RING_TO);
    any->trunk |= toll_cdr_part_has(part, TOLL_CDR_TRUNK);
    any->hint |= toll_cdr_part_has(part, TOLL_CDR_HINT);
    any->calltype |= toll_cdr_part_has(part, TOLL_CDR_CALLTYPE);
    any->quantity |= toll_cdr_part_has(part, TOLL_CDR_QUANTITY);
    any->setup_ms |= toll_cdr_part_has(part, TOLL_CDR_SETUP_MS);
    any->provider_charge |= toll_cdr_part_has(part, TOLL_CDR_PROVIDER_CHARGE);
    any->provider_tax |= toll_cdr_part_has(part, TOLL_CDR_PROVIDER_TAX);
    any->carrier_billed_ms |= toll_cdr_part_has(part, TOLL_CDR_CARRIER_BILLED_MS);
    for (int d = 0; d < TOLL_NAMES; d++) {
        const enum toll_name name = dictionaries[d].name;
        const uint32_t count = toll_cdr_part_dictionary(part, dictionaries[d].column).count;

        for (uint32_t i = 1; i < count; i++)
            used->names[name][reader->maps[name][i]] = 1;
    }
}

static void fill_extra(const struct toll_part_reader *reader, const struct toll_cdr_batch *batch, int64_t i,
                       struct toll_row_extra *extra)
{
    memset(extra, 0, sizeof *extra);
    extra->charged = batch->charged == NULL ? 0 : batch->charged[i];
    extra->lrn_caller = batch->lrn_caller == NULL ? 0 : batch->lrn_caller[i];
    extra->lrn_callee = batch->lrn_callee == NULL ? 0 : batch->lrn_callee[i];
    extra->ring_to = batch->ring_to == NULL ? 0 : batch->ring_to[i];
    extra->trunk = batch->trunk == NULL ? 0 : reader->maps[TOLL_NAME_TRUNK][batch->trunk[i]];
    extra->hint = batch->hint == NULL ? 0 : reader->maps[TOLL_NAME_HINT][batch->hint[i]];
    extra->calltype = batch->calltype == NULL ? 0 : reader->maps[TOLL_NAME_CALLTYPE][batch->calltype[i]];
    extra->quantity = batch->quantity == NULL ? 0 : batch->quantity[i];
    extra->setup_ms = batch->setup_ms == NULL ? 0 : batch->setup_ms[i];
    extra->provider_charge = batch->provider_charge == NULL ? 0 : batch->provider_charge[i];
    extra->provider_tax = batch->provider_tax == NULL ? 0 : batch->provider_tax[i];
    extra->carrier_billed_ms = batch->carrier_billed_ms == NULL ? 0 : batch->carrier_billed_ms[i];
}

static int fill_text(const struct toll_part_reader *reader, int64_t row_index, struct toll_row_slot *slot,
                     struct toll_error *error)
{
    struct toll_text_view texts[3] = {{0}};
    int code = toll_cdr_text_row(reader->text, row_index, &texts[0], &texts[1], &texts[2], error);
    struct toll_row *row = &slot->row;
    char *text;

    if (code != 0)
        return code;
    if (texts[0].bytes > UINT16_MAX || texts[1].bytes > UINT16_MAX || texts[2].bytes > UINT16_MAX)
        return toll_error_set(error, TOLL_EDATA, "a text of row %lld is longer than any import writes",
                              (long long)row_index);
    text = toll_row_slot_text(slot, texts[0].bytes + texts[1].bytes + texts[2].bytes);
    if (text == NULL)
        return no_memory(error);
    row->text = text;
    row->record_id_bytes = (uint16_t)texts[0].bytes;
    row->caller_bytes = (uint16_t)texts[1].bytes;
    row->callee_bytes = (uint16_t)texts[2].bytes;
    for (int t = 0; t < 3; t++) {
        if (texts[t].bytes > 0)
            memcpy(text, texts[t].data, texts[t].bytes);
        text += texts[t].bytes;
    }
    return 0;
}

static int fill_row(const struct toll_part_reader *reader, int64_t i, struct toll_row_slot *slot,
                    struct toll_error *error)
{
    const struct toll_cdr_batch *batch = &reader->batch;

    slot->row = (struct toll_row){.start = batch->start[i],
                                  .key_high = batch->record_key_high[i],
                                  .key_low = batch->record_key_low[i],
                                  .caller = batch->caller[i],
                                  .callee = batch->callee[i],
                                  .duration_ms = batch->duration_ms[i],
                                  .kind = batch->kind[i],
                                  .carrier = reader->maps[TOLL_NAME_CARRIER][batch->carrier[i]],
                                  .source = reader->maps[TOLL_NAME_SOURCE][batch->source_file[i]],
                                  .source_row = batch->source_row[i]};
    fill_extra(reader, batch, i, &slot->extra);
    if (memcmp(&slot->extra, &toll_row_extra_none, sizeof slot->extra) != 0)
        slot->row.extra = &slot->extra;
    return fill_text(reader, batch->first_row + i, slot, error);
}

int toll_part_reader_next(struct toll_part_reader *reader, struct toll_row **row, struct toll_error *error)
{
    struct toll_row_slot *slot = &reader->slots[reader->turn ^= 1];
    int code = 0;

    *row = NULL;
    if (reader->at == reader->batch.rows) {
        if (reader->next_batch == toll_cdr_part_batches(reader->part))
            return 0;
        code = toll_cdr_part_batch(reader->part, reader->next_batch++, TOLL_CDR_ALL_COLUMNS, reader->buffer,
                                   &reader->batch, error);
        reader->at = 0;
    }
    if (code == 0)
        code = fill_row(reader, reader->at++, slot, error);
    if (code == 0)
        *row = &slot->row;
    return code;
}
