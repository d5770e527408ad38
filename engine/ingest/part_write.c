/*
 * Rows in their order to the columns of a part, batch by batch. An optional column is made when some row has
 * a value in it; a dictionary holds the names that the day's rows have, sorted by value, so that both are
 * functions of the rows alone.
 */
#include "ingest/part_rows.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST_BYTES ((size_t)1 << 20)

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while building a day");
}

/* -- dictionaries -- */

/* Numbers the names in order of value. */
static bool make_dictionary(struct toll_part_build *build, const struct toll_used *used, int name)
{
    const struct toll_strings *strings = &build->names->strings[name];
    const uint32_t *by_rank = build->names->by_rank[name];
    uint32_t count = 1;

    for (uint32_t id = 1; id <= strings->count; id++)
        count += used->names[name][id];
    build->ids[name] = calloc((size_t)strings->count + 1, sizeof(uint32_t));
    build->entries[name] = malloc(count * sizeof(char *));
    if (build->ids[name] == NULL || build->entries[name] == NULL)
        return false;
    build->entries[name][0] = "";
    build->entry_count[name] = 1;
    for (uint32_t rank = 1; rank <= strings->count; rank++) {
        uint32_t id = by_rank[rank];

        if (!used->names[name][id])
            continue;
        build->ids[name][id] = build->entry_count[name];
        build->entries[name][build->entry_count[name]++] = toll_strings_text(strings, id, NULL);
    }
    return true;
}

/* Those that the file has, in the order of their columns. */
static void list_dictionaries(const struct toll_part_build *build,
                              struct toll_arrow_dictionary list[TOLL_NAMES])
{
    static const enum toll_name order[TOLL_NAMES] = {TOLL_NAME_CARRIER, TOLL_NAME_TRUNK, TOLL_NAME_HINT,
                                                     TOLL_NAME_CALLTYPE, TOLL_NAME_SOURCE};
    const void *there[TOLL_NAMES] = {build->carrier, build->trunk, build->hint, build->calltype,
                                     build->source_file};
    int count = 0;

    for (int i = 0; i < TOLL_NAMES; i++) {
        if (there[i] != NULL)
            list[count++] =
                (struct toll_arrow_dictionary){build->entries[order[i]], build->entry_count[order[i]]};
    }
}

/* -- begin -- */

static uint32_t present_columns(const struct toll_row_extra *any)
{
    const struct {
        bool used;
        enum toll_cdr_column column;
    } columns[] = {{any->charged != 0, TOLL_CDR_CHARGED},
                   {any->lrn_caller != 0, TOLL_CDR_LRN_CALLER},
                   {any->lrn_callee != 0, TOLL_CDR_LRN_CALLEE},
                   {any->ring_to != 0, TOLL_CDR_RING_TO},
                   {any->trunk != 0, TOLL_CDR_TRUNK},
                   {any->hint != 0, TOLL_CDR_HINT},
                   {any->calltype != 0, TOLL_CDR_CALLTYPE},
                   {any->quantity != 0, TOLL_CDR_QUANTITY},
                   {any->setup_ms != 0, TOLL_CDR_SETUP_MS},
                   {any->provider_charge != 0, TOLL_CDR_PROVIDER_CHARGE},
                   {any->provider_tax != 0, TOLL_CDR_PROVIDER_TAX},
                   {any->carrier_billed_ms != 0, TOLL_CDR_CARRIER_BILLED_MS}};
    uint32_t present = 0;

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        present |= columns[i].used ? TOLL_CDR_COLUMN_BIT(columns[i].column) : 0;
    return present;
}

static void find_columns(struct toll_part_build *build)
{
    const struct toll_cdr_stream *stream = build->stream;

    build->start = toll_cdr_stream_column(stream, TOLL_CDR_START);
    build->duration_ms = toll_cdr_stream_column(stream, TOLL_CDR_DURATION_MS);
    build->caller = toll_cdr_stream_column(stream, TOLL_CDR_CALLER);
    build->callee = toll_cdr_stream_column(stream, TOLL_CDR_CALLEE);
    build->kind = toll_cdr_stream_column(stream, TOLL_CDR_KIND);
    build->carrier = toll_cdr_stream_column(stream, TOLL_CDR_CARRIER);
    build->charged = toll_cdr_stream_column(stream, TOLL_CDR_CHARGED);
    build->lrn_caller = toll_cdr_stream_column(stream, TOLL_CDR_LRN_CALLER);
    build->lrn_callee = toll_cdr_stream_column(stream, TOLL_CDR_LRN_CALLEE);
    build->ring_to = toll_cdr_stream_column(stream, TOLL_CDR_RING_TO);
    build->trunk = toll_cdr_stream_column(stream, TOLL_CDR_TRUNK);
    build->hint = toll_cdr_stream_column(stream, TOLL_CDR_HINT);
    build->calltype = toll_cdr_stream_column(stream, TOLL_CDR_CALLTYPE);
    build->quantity = toll_cdr_stream_column(stream, TOLL_CDR_QUANTITY);
    build->setup_ms = toll_cdr_stream_column(stream, TOLL_CDR_SETUP_MS);
    build->provider_charge = toll_cdr_stream_column(stream, TOLL_CDR_PROVIDER_CHARGE);
    build->provider_tax = toll_cdr_stream_column(stream, TOLL_CDR_PROVIDER_TAX);
    build->carrier_billed_ms = toll_cdr_stream_column(stream, TOLL_CDR_CARRIER_BILLED_MS);
    build->key_high = toll_cdr_stream_column(stream, TOLL_CDR_RECORD_KEY_HIGH);
    build->key_low = toll_cdr_stream_column(stream, TOLL_CDR_RECORD_KEY_LOW);
    build->source_file = toll_cdr_stream_column(stream, TOLL_CDR_SOURCE_FILE);
    build->source_row = toll_cdr_stream_column(stream, TOLL_CDR_SOURCE_ROW);
}

static bool reserve_texts(struct toll_part_build *build)
{
    bool fits = true;

    for (int t = 0; t < 3; t++) {
        build->text_room[t] = TEXT_FIRST_BYTES;
        build->text[t] = malloc(build->text_room[t]);
        build->offset[t] = malloc((TOLL_BATCH_ROWS + 1) * sizeof(int32_t));
        toll_memory_take(build->memory, build->text_room[t] + (TOLL_BATCH_ROWS + 1) * sizeof(int32_t));
        fits &= build->text[t] != NULL && build->offset[t] != NULL;
        if (build->offset[t] != NULL)
            build->offset[t][0] = 0;
    }
    return fits;
}

int toll_part_build_begin(struct toll_part_build *build, struct toll_cdr_stream *stream,
                          struct toll_memory *memory, const struct toll_dataset *dataset,
                          const struct toll_dataset_part *part, const struct toll_row_names *names,
                          const struct toll_used *used, int64_t rows_max, struct toll_error *error)
{
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    uint32_t present = present_columns(&used->any);
    int code;

    *build =
        (struct toll_part_build){.stream = stream, .memory = memory, .names = names, .path = dataset->path};
    for (int d = 0; d < TOLL_NAMES; d++) {
        if (!make_dictionary(build, used, d))
            return no_memory(error);
    }
    build->source_seen = calloc((size_t)names->strings[TOLL_NAME_SOURCE].count + 1, 1);
    if (build->source_seen == NULL || !reserve_texts(build))
        return no_memory(error);
    if (build->entry_count[TOLL_NAME_CARRIER] > TOLL_INGEST_CARRIERS_MAX)
        return toll_error_set(
            error, TOLL_EDATA,
            "a day has more than %d carriers; does the spec map a wrong column to `carrier`?",
            TOLL_INGEST_CARRIERS_MAX - 1);
    if (stream == NULL)
        return 0;
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    code = toll_cdr_stream_begin(stream, dataset->directory, path, present, rows_max, error);
    if (code != 0)
        return toll_error_within(error, code, build->path);
    build->any_optional = present != 0;
    find_columns(build);
    return 0;
}

void toll_part_build_free(struct toll_part_build *build)
{
    for (int t = 0; t < 3; t++) {
        if (build->memory != NULL)
            toll_memory_give_back(
                build->memory,
                build->text_room[t] == 0 ? 0 : build->text_room[t] + (TOLL_BATCH_ROWS + 1) * sizeof(int32_t));
        free(build->text[t]);
        free(build->offset[t]);
    }
    for (int d = 0; d < TOLL_NAMES; d++) {
        free(build->ids[d]);
        free(build->entries[d]);
    }
    free(build->source_seen);
    memset(build, 0, sizeof *build);
}

/* -- rows -- */

#define PUT(field, value)              \
    do {                               \
        if (build->field != NULL)      \
            build->field[i] = (value); \
    } while (0)

static inline void put_optional(struct toll_part_build *build, size_t i, const struct toll_row_extra *extra)
{
    PUT(charged, extra->charged);
    PUT(lrn_caller, extra->lrn_caller);
    PUT(lrn_callee, extra->lrn_callee);
    PUT(ring_to, extra->ring_to);
    PUT(trunk, (int32_t)build->ids[TOLL_NAME_TRUNK][extra->trunk]);
    PUT(hint, (int32_t)build->ids[TOLL_NAME_HINT][extra->hint]);
    PUT(calltype, (int32_t)build->ids[TOLL_NAME_CALLTYPE][extra->calltype]);
    PUT(quantity, extra->quantity);
    PUT(setup_ms, extra->setup_ms);
    PUT(provider_charge, extra->provider_charge);
    PUT(provider_tax, extra->provider_tax);
    PUT(carrier_billed_ms, extra->carrier_billed_ms);
}

static bool more_text(struct toll_part_build *build, int t, size_t bytes)
{
    size_t room = 2 * bytes;
    char *larger = realloc(build->text[t], room);

    if (larger == NULL)
        return false;
    toll_memory_take(build->memory, room - build->text_room[t]);
    build->text[t] = larger;
    build->text_room[t] = room;
    return true;
}

bool toll_part_build_text_room(struct toll_part_build *build, int text, size_t bytes)
{
    return bytes <= build->text_room[text] || more_text(build, text, bytes);
}

static inline bool put_text(struct toll_part_build *build, size_t i, const struct toll_row *row)
{
    const uint16_t bytes[3] = {row->record_id_bytes, row->caller_bytes, row->callee_bytes};
    const char *text = row->text;

    for (int t = 0; t < 3; t++) {
        size_t at = (size_t)build->offset[t][i];

        build->offset[t][i + 1] = (int32_t)(at + bytes[t]);
        if (bytes[t] == 0)
            continue;
        if (__builtin_expect(at + bytes[t] > build->text_room[t], 0) && !more_text(build, t, at + bytes[t]))
            return false;
        toll_row_copy_text(build->text[t] + at, text, bytes[t]);
        text += bytes[t];
    }
    return true;
}

int toll_part_build_flush(struct toll_part_build *build, struct toll_error *error)
{
    const struct toll_cdr_stream_texts texts = {{build->text[0], build->text[1], build->text[2]},
                                                {build->offset[0], build->offset[1], build->offset[2]}};
    int code = toll_cdr_stream_batch(build->stream, (int64_t)build->batch_rows, &texts, error);

    build->batch_rows = 0;
    if (code == 0)
        find_columns(build);
    return toll_error_within(error, code, build->path);
}

int toll_part_build_add(struct toll_part_build *build, const struct toll_row *row, struct toll_error *error)
{
    const size_t i = build->batch_rows;

    if (build->rows++ == 0)
        build->first_start = row->start;
    build->last_start = row->start;
    build->conflicts += (row->kind & TOLL_KIND_CONFLICT) != 0;
    build->sources_seen += !build->source_seen[row->source];
    build->source_seen[row->source] = 1;
    if (build->stream == NULL)
        return 0;
    build->start[i] = row->start;
    build->duration_ms[i] = row->duration_ms;
    build->caller[i] = row->caller;
    build->callee[i] = row->callee;
    build->kind[i] = row->kind;
    build->carrier[i] = (uint16_t)build->ids[TOLL_NAME_CARRIER][row->carrier];
    build->key_high[i] = row->key_high;
    build->key_low[i] = row->key_low;
    build->source_file[i] = (int32_t)build->ids[TOLL_NAME_SOURCE][row->source];
    build->source_row[i] = row->source_row;
    if (build->any_optional)
        put_optional(build, i, toll_row_extra(row));
    if (!put_text(build, i, row))
        return no_memory(error);
    return ++build->batch_rows == TOLL_BATCH_ROWS ? toll_part_build_flush(build, error) : 0;
}

/* -- end -- */

bool toll_part_build_exact(const struct toll_part_build *build)
{
    return build->sources_seen + 1 == build->entry_count[TOLL_NAME_SOURCE];
}

int toll_part_build_end(struct toll_part_build *build, struct toll_dataset_part *part,
                        struct toll_error *error)
{
    struct toll_arrow_dictionary dictionaries[TOLL_NAMES];
    int code = 0;

    TOLL_ASSERT(toll_part_build_exact(build));
    part->rows = build->rows;
    part->conflicts = build->conflicts;
    part->first_start = build->first_start;
    part->last_start = build->last_start;
    if (build->stream == NULL)
        return 0;
    list_dictionaries(build, dictionaries);
    if (build->batch_rows > 0)
        code = toll_part_build_flush(build, error);
    if (code == 0)
        code = toll_error_within(
            error, toll_cdr_stream_end(build->stream, dictionaries, &part->seal, &part->text_seal, error),
            build->path);
    part->most = toll_cdr_stream_most(build->stream);
    return code;
}
