/* One part of a dataset: written from full columns, read batch by batch. */
#include "mmap_cdr/part.h"

#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/columns.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the greatest usage ---- */

static int32_t greatest_32(const int32_t *values, int64_t rows)
{
    int32_t most = 0;
    for (int64_t i = 0; i < rows; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

/* As unsigned: a negative one is above all others. */
static uint64_t greatest_64(const int64_t *values, int64_t rows)
{
    uint64_t most = 0;
    for (int64_t i = 0; i < rows; i++)
        most = (uint64_t)values[i] > most ? (uint64_t)values[i] : most;
    return most;
}

void toll_cdr_most_add(struct toll_cdr_most *most, const int32_t *duration_ms, const int64_t *quantity,
                       int64_t rows)
{
    const int32_t duration = greatest_32(duration_ms, rows);
    const uint64_t units = quantity == NULL ? 0 : greatest_64(quantity, rows);
    most->known = true;
    most->duration_ms = duration > most->duration_ms ? duration : most->duration_ms;
    if (units > (uint64_t)most->quantity)
        most->quantity = units > INT64_MAX ? INT64_MAX : (int64_t)units;
}

/* ---- writing ---- */

static const struct toll_cdr_dictionary *dictionary_of(const struct toll_cdr_part_data *data, unsigned column)
{
    switch (column) {
    case TOLL_CDR_CARRIER:
        return &data->carrier;
    case TOLL_CDR_TRUNK:
        return &data->trunk;
    case TOLL_CDR_HINT:
        return &data->hint;
    case TOLL_CDR_CALLTYPE:
        return &data->calltype;
    default:
        return &data->source_file;
    }
}

static int write_rows(const struct toll_io *io, int directory, const char *name,
                      const struct toll_cdr_part_data *data, struct toll_file_seal *seal,
                      struct toll_error *error)
{
    struct toll_arrow_field fields[TOLL_CDR_COLUMNS];
    struct toll_arrow_column columns[TOLL_CDR_COLUMNS];
    struct toll_arrow_dictionary dictionaries[TOLL_CDR_COLUMNS];
    struct toll_arrow_schema schema = {TOLL_CDR_SCHEMA, fields, 0};
    unsigned dictionary_count = 0;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        const void *values = toll_cdr_batch_column(&data->columns, c);
        if (!values && !toll_cdr_columns[c].always)
            continue;
        TOLL_ASSERT(values || data->columns.rows == 0);
        fields[schema.count] = toll_cdr_columns[c].field;
        columns[schema.count++] = (struct toll_arrow_column){.values = values};
        if (!toll_arrow_is_dictionary(toll_cdr_columns[c].field.type))
            continue;
        const struct toll_cdr_dictionary *dictionary = dictionary_of(data, c);
        TOLL_ASSERT(dictionary->count >= 1 && dictionary->entries[0][0] == 0);
        TOLL_ASSERT(c != TOLL_CDR_CARRIER || dictionary->count <= UINT16_MAX + 1u);
        dictionaries[dictionary_count++] =
            (struct toll_arrow_dictionary){dictionary->entries, dictionary->count};
    }
    return toll_arrow_file_write(io, directory, name, &schema, data->columns.rows, columns, dictionaries,
                                 seal, error);
}

static int write_text(const struct toll_io *io, int directory, const char *name,
                      const struct toll_cdr_part_data *data, struct toll_file_seal *seal,
                      struct toll_error *error)
{
    const struct toll_arrow_column columns[TOLL_CDR_TEXT_COLUMNS] = {
        {.text = data->record_id_data, .text_offset = data->record_id_offset},
        {.text = data->caller_text_data, .text_offset = data->caller_text_offset},
        {.text = data->callee_text_data, .text_offset = data->callee_text_offset},
    };
    return toll_arrow_file_write(io, directory, name, &toll_cdr_text_schema, data->columns.rows, columns,
                                 NULL, seal, error);
}

int toll_cdr_part_write(const struct toll_io *io, int directory, const char *name,
                        const struct toll_cdr_part_data *data, struct toll_file_seal *part_seal,
                        struct toll_file_seal *text_seal, struct toll_error *error)
{
    char *part_name = NULL, *text_name = NULL;
    int rc = 0;
    if (asprintf(&part_name, "%s.arrow", name) < 0)
        part_name = NULL;
    if (asprintf(&text_name, "%s.text.arrow", name) < 0)
        text_name = NULL;
    if (!part_name || !text_name) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
        goto out;
    }
    rc = write_rows(io, directory, part_name, data, part_seal, error);
    if (rc)
        goto out;
    rc = write_text(io, directory, text_name, data, text_seal, error);
    if (rc)
        io->unlinkat(io->context, directory, part_name, 0);
out:
    free(text_name);
    free(part_name);
    return rc;
}

/* ---- reading ---- */

struct toll_cdr_part {
    struct toll_arrow_input input;
    uint32_t present;                     /* bit set over enum toll_cdr_column */
    uint8_t place[TOLL_CDR_COLUMNS];      /* of the column in the file */
    uint8_t dictionary[TOLL_CDR_COLUMNS]; /* of the column among the file's dictionaries */
};

/* Columns are known ones in enum order, and those that must be there are. */
static bool match_columns(struct toll_cdr_part *part)
{
    const struct toll_arrow_schema *schema = &part->input.arrow->schema;
    unsigned at = 0, dictionaries = 0;
    if (strcmp(schema->name, TOLL_CDR_SCHEMA) != 0)
        return false;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        const struct toll_cdr_column_spec *spec = &toll_cdr_columns[c];
        if (at == schema->count || strcmp(schema->fields[at].name, spec->field.name) != 0) {
            if (spec->always)
                return false;
            continue;
        }
        if (schema->fields[at].type != spec->field.type || schema->fields[at].scale != spec->field.scale)
            return false;
        part->present |= TOLL_CDR_COLUMN_BIT(c);
        part->place[c] = (uint8_t)at++;
        if (toll_arrow_is_dictionary(spec->field.type))
            part->dictionary[c] = (uint8_t)dictionaries++;
    }
    return at == schema->count;
}

/* Entry 0 is "", the others are sorted bytewise, without doubles. */
static bool dictionaries_valid(const struct toll_cdr_part *part)
{
    const struct toll_arrow_file *arrow = part->input.arrow;
    for (unsigned d = 0; d < arrow->dictionaries; d++) {
        const struct toll_arrow_dictionary *dictionary = &arrow->dictionary[d];
        if (dictionary->count == 0)
            return false;
        for (uint32_t i = 0; i < dictionary->count; i++) {
            if (i == 0 ? dictionary->entries[0][0] != 0
                       : strcmp(dictionary->entries[i - 1], dictionary->entries[i]) >= 0)
                return false;
        }
    }
    return true;
}

static int check_part(struct toll_cdr_part *part, struct toll_error *error)
{
    if (!match_columns(part))
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: its columns are not those of a CDR part of this version; import again with this "
            "version",
            part->input.arrow->name);
    if (!dictionaries_valid(part))
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: a dictionary is not sorted; restore the file from a backup or import again",
            part->input.arrow->name);
    return 0;
}

int toll_cdr_part_open(const struct toll_io *io, int directory, const char *path_for_messages,
                       const char *name, const struct toll_file_seal *seal, enum toll_read_path how,
                       struct toll_cdr_part **out, struct toll_error *error)
{
    char *file_name = NULL;
    struct toll_cdr_part *part = calloc(1, sizeof *part);
    int rc = 0;
    *out = NULL;
    if (!part || asprintf(&file_name, "%s.arrow", name) < 0) {
        free(part);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    rc = toll_arrow_input_open(&part->input, io, directory, path_for_messages, file_name, seal, how, error);
    free(file_name);
    if (rc == 0)
        rc = check_part(part, error);
    if (rc)
        toll_cdr_part_close(part);
    else
        *out = part;
    return rc;
}

int toll_cdr_part_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                             const struct toll_file_seal *seal, struct toll_cdr_part **out,
                             struct toll_error *error)
{
    struct toll_cdr_part *part = calloc(1, sizeof *part);
    *out = NULL;
    if (!part)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    int rc = toll_arrow_input_bytes(&part->input, bytes, size, name, seal, error);
    if (rc == 0)
        rc = check_part(part, error);
    if (rc)
        toll_cdr_part_close(part);
    else
        *out = part;
    return rc;
}

void toll_cdr_part_close(struct toll_cdr_part *part)
{
    if (!part)
        return;
    toll_arrow_input_close(&part->input);
    free(part);
}

void toll_cdr_part_hash_with(struct toll_cdr_part *part, toll_hash_kernel *hash)
{
    part->input.arrow->hash = hash;
}

int64_t toll_cdr_part_rows(const struct toll_cdr_part *part)
{
    return part->input.arrow->rows;
}

int64_t toll_cdr_part_batches(const struct toll_cdr_part *part)
{
    return part->input.arrow->batches;
}

bool toll_cdr_part_has(const struct toll_cdr_part *part, enum toll_cdr_column column)
{
    return (part->present & TOLL_CDR_COLUMN_BIT(column)) != 0;
}

struct toll_cdr_dictionary toll_cdr_part_dictionary(const struct toll_cdr_part *part,
                                                    enum toll_cdr_column column)
{
    static const char *const none[] = {""};
    if (!toll_cdr_part_has(part, column) || !toll_arrow_is_dictionary(toll_cdr_columns[column].field.type))
        return (struct toll_cdr_dictionary){none, 1};
    const struct toll_arrow_dictionary *dictionary = &part->input.arrow->dictionary[part->dictionary[column]];
    return (struct toll_cdr_dictionary){dictionary->entries, dictionary->count};
}

size_t toll_cdr_columns_bytes(uint32_t columns)
{
    size_t room = 0;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (columns & TOLL_CDR_COLUMN_BIT(c))
            room +=
                toll_arrow_pad((size_t)TOLL_BATCH_ROWS * toll_arrow_width(toll_cdr_columns[c].field.type));
    }
    return room;
}

size_t toll_cdr_batch_buffer_bytes(const struct toll_cdr_part *part, uint32_t columns)
{
    /* Columns that are absent here may be present in the next part. */
    return part->input.bytes ? 0 : toll_cdr_columns_bytes(columns);
}

/* count <= 2^31: the sign of an id, or of what is left to the last one, tells; no comparison, which early
 * vector units lack. */
static bool ids_below(const int32_t *ids, int64_t rows, uint32_t count)
{
    uint32_t signs = 0;
    for (int64_t i = 0; i < rows; i++)
        signs |= (uint32_t)ids[i] | (count - 1 - (uint32_t)ids[i]);
    return (signs >> 31) == 0;
}

static bool small_ids_below(const uint16_t *ids, int64_t rows, uint32_t count)
{
    uint16_t highest = 0;
    for (int64_t i = 0; i < rows; i++)
        highest = ids[i] > highest ? ids[i] : highest;
    return rows == 0 || highest < count;
}

static bool none_negative(const int32_t *values, int64_t rows)
{
    int32_t all = 0;
    for (int64_t i = 0; i < rows; i++)
        all |= values[i];
    return all >= 0;
}

static bool values_valid(const struct toll_cdr_part *part, unsigned column, const void *values, int64_t rows)
{
    if (column == TOLL_CDR_DURATION_MS)
        return none_negative(values, rows);
    switch (toll_cdr_columns[column].field.type) {
    case TOLL_ARROW_DICTIONARY_UINT16:
        return small_ids_below(values, rows, toll_cdr_part_dictionary(part, column).count);
    case TOLL_ARROW_DICTIONARY_INT32:
        return ids_below(values, rows, toll_cdr_part_dictionary(part, column).count);
    default:
        return true;
    }
}

void toll_cdr_part_batch_begin(const struct toll_cdr_part *part, int64_t index, uint32_t columns,
                               void *buffer, struct toll_bulk *bulk, struct toll_cdr_reading *reading)
{
    uint32_t places = 0;
    TOLL_ASSERT(index >= 0 && index < part->input.arrow->batches);
    reading->part = part;
    reading->index = index;
    reading->wanted = columns & part->present;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (reading->wanted & TOLL_CDR_COLUMN_BIT(c))
            places |= UINT32_C(1) << part->place[c];
    }
    toll_arrow_input_begin(&part->input, index, places, buffer, bulk, &reading->columns);
}

static int say_out_of_range(const struct toll_cdr_reading *reading, unsigned column, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s: batch %lld, column %s: a value is out of its range although its checksum is "
                          "right, so it was written by something else; import again",
                          reading->part->input.arrow->name, (long long)reading->index,
                          toll_cdr_columns[column].field.name);
}

static void hand_out(const struct toll_cdr_reading *reading, const void *const *values,
                     struct toll_cdr_batch *out)
{
    const struct toll_cdr_part *part = reading->part;
    *out = (struct toll_cdr_batch){.rows = toll_arrow_batch_rows(part->input.arrow->rows, reading->index),
                                   .first_row = reading->index * TOLL_BATCH_ROWS};
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (reading->wanted & TOLL_CDR_COLUMN_BIT(c))
            toll_cdr_batch_set_column(out, c, values[part->place[c]]);
    }
}

int toll_cdr_part_batch_end(const struct toll_cdr_reading *reading, struct toll_cdr_batch *out,
                            struct toll_error *error)
{
    const struct toll_cdr_part *part = reading->part;
    const void *values[TOLL_ARROW_COLUMNS];
    *out = (struct toll_cdr_batch){0};
    int rc = toll_arrow_input_end(&reading->columns, values, error);
    if (rc)
        return rc;
    hand_out(reading, values, out);
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if ((reading->wanted & TOLL_CDR_COLUMN_BIT(c)) &&
            !values_valid(part, c, values[part->place[c]], out->rows))
            return say_out_of_range(reading, c, error);
    }
    return 0;
}

/* ---- piece by piece ---- */

int toll_cdr_part_batch_wait(const struct toll_cdr_reading *reading, struct toll_cdr_batch *out,
                             struct toll_error *error)
{
    const void *values[TOLL_ARROW_COLUMNS];
    *out = (struct toll_cdr_batch){0};
    const int rc = toll_arrow_input_wait(&reading->columns, values, error);
    if (rc == 0)
        hand_out(reading, values, out);
    return rc;
}

void toll_cdr_checking_begin(struct toll_cdr_checking *checking, const struct toll_cdr_reading *reading,
                             toll_hash_add_kernel *add)
{
    checking->reading = reading;
    checking->add = add;
    checking->rows = 0;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (reading->wanted & TOLL_CDR_COLUMN_BIT(c))
            toll_hash_begin(&checking->states[c]);
    }
}

/* Is it the file that is damaged, or was it written so? */
static int say_why(const struct toll_cdr_checking *checking, const struct toll_cdr_batch *batch,
                   unsigned column, struct toll_error *error)
{
    const struct toll_cdr_reading *reading = checking->reading;
    const struct toll_arrow_file *arrow = reading->part->input.arrow;
    int rc = 0;
    for (unsigned c = 0; rc == 0 && c < TOLL_CDR_COLUMNS; c++) {
        const unsigned place = reading->part->place[c];
        if (reading->wanted & TOLL_CDR_COLUMN_BIT(c))
            rc = toll_arrow_check(arrow, reading->index, place, arrow->first_buffer[place],
                                  toll_cdr_batch_column(batch, c), error);
    }
    return rc != 0 ? rc : say_out_of_range(reading, column, error);
}

static int compare_hashes(const struct toll_cdr_checking *checking, struct toll_error *error)
{
    const struct toll_cdr_reading *reading = checking->reading;
    const struct toll_arrow_file *arrow = reading->part->input.arrow;
    int rc = 0;
    for (unsigned c = 0; rc == 0 && c < TOLL_CDR_COLUMNS; c++) {
        const unsigned place = reading->part->place[c];
        if (reading->wanted & TOLL_CDR_COLUMN_BIT(c))
            rc = toll_arrow_check_hash(arrow, reading->index, place, arrow->first_buffer[place],
                                       toll_hash_end(&checking->states[c]), error);
    }
    return rc;
}

int toll_cdr_checking_rows(struct toll_cdr_checking *checking, const struct toll_cdr_batch *batch,
                           int64_t rows, struct toll_error *error)
{
    const struct toll_cdr_reading *reading = checking->reading;
    const struct toll_cdr_part *part = reading->part;
    TOLL_ASSERT(rows >= 0 && rows <= batch->rows - checking->rows);
    const bool last = checking->rows + rows == batch->rows;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (!(reading->wanted & TOLL_CDR_COLUMN_BIT(c)))
            continue;
        const size_t width = toll_arrow_width(toll_cdr_columns[c].field.type),
                     from = (size_t)checking->rows * width, until = from + (size_t)rows * width;
        const uint8_t *bytes = toll_cdr_batch_column(batch, c);
        checking->add(&checking->states[c], bytes + from, (last ? toll_arrow_pad(until) : until) - from);
        if (!values_valid(part, c, bytes + from, rows))
            return say_why(checking, batch, c, error);
    }
    checking->rows += rows;
    return last ? compare_hashes(checking, error) : 0;
}

int toll_cdr_part_batch(const struct toll_cdr_part *part, int64_t index, uint32_t columns, void *buffer,
                        struct toll_cdr_batch *out, struct toll_error *error)
{
    struct toll_cdr_reading reading;
    toll_cdr_part_batch_begin(part, index, columns, buffer, NULL, &reading);
    return toll_cdr_part_batch_end(&reading, out, error);
}
