/*
 * Rows in their order to the columns of a part. An optional column is made when some row has a value in it; a
 * dictionary holds the names that the day's rows have, sorted by value, so that both are functions of the
 * rows alone.
 *
 * Rows lie anywhere in memory and are touched twice: when they are added, and when the columns are filled.
 * Both times they are fetched ahead.
 */
#include "ingest/part_rows.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 12 /* rows */
#define COLUMN_ALIGNMENT 64u

bool toll_part_build_begin(struct toll_part_build *build, const struct toll_row_names *names,
                           struct toll_huge_pool *pool, size_t capacity)
{
    bool all = true;

    memset(build, 0, sizeof *build);
    build->names = names;
    build->pool = pool;
    build->capacity = capacity;
    build->rows = malloc((capacity + 1) * sizeof(*build->rows));
    for (int d = 0; d < TOLL_NAMES; d++) {
        build->ids[d] = calloc((size_t)names->strings[d].count + 1, sizeof(uint32_t));
        all &= build->ids[d] != NULL;
    }
    return all && build->rows != NULL;
}

void toll_part_build_free(struct toll_part_build *build)
{
    free(build->rows);
    for (int d = 0; d < TOLL_NAMES; d++)
        free(build->ids[d]);
    memset(build, 0, sizeof *build);
}

static inline void note_name(struct toll_part_build *build, enum toll_name name, uint32_t id)
{
    build->ids[name][build->names->rank[name][id]] = 1;
}

static void note_extra(struct toll_part_build *build, const struct toll_row_extra *extra)
{
    struct toll_row_extra *used = &build->used;

    used->charged |= extra->charged;
    used->lrn_caller |= extra->lrn_caller;
    used->lrn_callee |= extra->lrn_callee;
    used->ring_to |= extra->ring_to;
    used->quantity |= extra->quantity;
    used->provider_charge |= extra->provider_charge;
    used->provider_tax |= extra->provider_tax;
    used->trunk |= extra->trunk;
    used->hint |= extra->hint;
    used->calltype |= extra->calltype;
    used->setup_ms |= extra->setup_ms;
    used->carrier_billed_ms |= extra->carrier_billed_ms;
    note_name(build, TOLL_NAME_TRUNK, extra->trunk);
    note_name(build, TOLL_NAME_HINT, extra->hint);
    note_name(build, TOLL_NAME_CALLTYPE, extra->calltype);
}

void toll_part_build_add(struct toll_part_build *build, const struct toll_row *row)
{
    TOLL_DCHECK(build->count < build->capacity);
    build->rows[build->count++] = row;
    build->conflicts += (row->kind & TOLL_KIND_CONFLICT) != 0;
    build->text_bytes[0] += row->record_id_bytes;
    build->text_bytes[1] += row->caller_bytes;
    build->text_bytes[2] += row->callee_bytes;
    note_name(build, TOLL_NAME_CARRIER, row->carrier);
    note_name(build, TOLL_NAME_SOURCE, row->source);
    if (row->extra != NULL)
        note_extra(build, row->extra);
}

/* -- columns -- */

struct columns {
    const struct toll_part_build *build;
    int64_t *start, *quantity, *provider_charge, *provider_tax;
    int32_t *duration_ms, *trunk, *hint, *calltype, *setup_ms, *carrier_billed_ms, *source_file, *source_row;
    uint64_t *caller, *callee, *charged, *lrn_caller, *lrn_callee, *ring_to, *key_high, *key_low;
    uint16_t *kind, *carrier;
    bool any_optional;
    char *text[3];
    int64_t *offset[3];
    const char **entries[TOLL_NAMES];
    uint32_t entry_count[TOLL_NAMES];
    struct toll_huge_piece *piece; /* all columns lie in it; NULL while they are measured */
    size_t used;                   /* of the piece */
    bool failed;
};

static void *take(struct columns *columns, size_t bytes)
{
    size_t at = columns->used;

    columns->used += (bytes + COLUMN_ALIGNMENT) & ~(size_t)(COLUMN_ALIGNMENT - 1); /* at least one byte */
    if (columns->piece == NULL)
        return NULL;
    TOLL_ASSERT(columns->used <= columns->piece->bytes);
    return (char *)columns->piece->memory + at;
}

static void *column(struct columns *columns, bool wanted, size_t width)
{
    return wanted ? take(columns, columns->build->count * width) : NULL;
}

static void *optional(struct columns *columns, bool wanted, size_t width)
{
    columns->any_optional |= wanted;
    return column(columns, wanted, width);
}

static void lay_out(struct columns *columns)
{
    const struct toll_row_extra *used = &columns->build->used;

    columns->start = column(columns, true, 8);
    columns->duration_ms = column(columns, true, 4);
    columns->caller = column(columns, true, 8);
    columns->callee = column(columns, true, 8);
    columns->kind = column(columns, true, 2);
    columns->carrier = column(columns, true, 2);
    columns->key_high = column(columns, true, 8);
    columns->key_low = column(columns, true, 8);
    columns->source_file = column(columns, true, 4);
    columns->source_row = column(columns, true, 4);
    columns->charged = optional(columns, used->charged != 0, 8);
    columns->lrn_caller = optional(columns, used->lrn_caller != 0, 8);
    columns->lrn_callee = optional(columns, used->lrn_callee != 0, 8);
    columns->ring_to = optional(columns, used->ring_to != 0, 8);
    columns->trunk = optional(columns, used->trunk != 0, 4);
    columns->hint = optional(columns, used->hint != 0, 4);
    columns->calltype = optional(columns, used->calltype != 0, 4);
    columns->quantity = optional(columns, used->quantity != 0, 8);
    columns->setup_ms = optional(columns, used->setup_ms != 0, 4);
    columns->provider_charge = optional(columns, used->provider_charge != 0, 8);
    columns->provider_tax = optional(columns, used->provider_tax != 0, 8);
    columns->carrier_billed_ms = optional(columns, used->carrier_billed_ms != 0, 4);
    for (int t = 0; t < 3; t++) {
        columns->text[t] = take(columns, columns->build->text_bytes[t]);
        columns->offset[t] = take(columns, (columns->build->count + 1) * sizeof(int64_t));
    }
}

static void reserve(struct columns *columns)
{
    lay_out(columns);
    columns->piece = toll_huge_pool_take(columns->build->pool, columns->used + COLUMN_ALIGNMENT);
    columns->failed |= columns->piece == NULL;
    if (columns->piece == NULL)
        return;
    columns->used = (size_t)(-(uintptr_t)columns->piece->memory & (COLUMN_ALIGNMENT - 1));
    lay_out(columns);
}

static void release(struct columns *columns)
{
    toll_huge_pool_return(columns->piece);
    for (int d = 0; d < TOLL_NAMES; d++)
        free(columns->entries[d]);
}

/* Numbers the names in order of value. */
static void make_dictionary(struct columns *columns, struct toll_part_build *build, int name)
{
    const struct toll_strings *strings = &build->names->strings[name];
    uint32_t *ids = build->ids[name], used = 1;

    for (uint32_t rank = 1; rank <= strings->count; rank++)
        used += ids[rank];
    columns->entries[name] = malloc(used * sizeof(char *));
    if (columns->entries[name] == NULL) {
        columns->failed = true;
        return;
    }
    columns->entries[name][0] = "";
    columns->entry_count[name] = 1;
    ids[0] = 0;
    for (uint32_t rank = 1; rank <= strings->count; rank++) {
        if (ids[rank] == 0)
            continue;
        ids[rank] = columns->entry_count[name];
        columns->entries[name][columns->entry_count[name]++] =
            toll_strings_text(strings, build->names->by_rank[name][rank], NULL);
    }
}

static inline uint32_t part_id(const struct columns *columns, enum toll_name name, uint32_t id)
{
    return columns->build->ids[name][columns->build->names->rank[name][id]];
}

#define PUT(field, value)                \
    do {                                 \
        if (columns->field != NULL)      \
            columns->field[i] = (value); \
    } while (0)

static inline void put_optional(struct columns *columns, size_t i, const struct toll_row_extra *extra)
{
    PUT(charged, extra->charged);
    PUT(lrn_caller, extra->lrn_caller);
    PUT(lrn_callee, extra->lrn_callee);
    PUT(ring_to, extra->ring_to);
    PUT(trunk, (int32_t)part_id(columns, TOLL_NAME_TRUNK, extra->trunk));
    PUT(hint, (int32_t)part_id(columns, TOLL_NAME_HINT, extra->hint));
    PUT(calltype, (int32_t)part_id(columns, TOLL_NAME_CALLTYPE, extra->calltype));
    PUT(quantity, extra->quantity);
    PUT(setup_ms, extra->setup_ms);
    PUT(provider_charge, extra->provider_charge);
    PUT(provider_tax, extra->provider_tax);
    PUT(carrier_billed_ms, extra->carrier_billed_ms);
}

static inline void put_text(struct columns *columns, size_t i, const struct toll_row *row, int64_t bytes[3])
{
    const uint16_t here[3] = {row->record_id_bytes, row->caller_bytes, row->callee_bytes};
    const char *text = row->text;

    for (int t = 0; t < 3; t++) {
        columns->offset[t][i] = bytes[t];
        if (here[t] == 0)
            continue;
        toll_row_copy_text(columns->text[t] + bytes[t], text, here[t]);
        bytes[t] += here[t];
        text += here[t];
    }
}

/* First the row, then what it points at. */
static inline void look_ahead(const struct toll_part_build *build, size_t i)
{
    const struct toll_row *next;

    if (i + 2 * AHEAD >= build->count)
        return;
    next = build->rows[i + AHEAD];
    toll_row_prefetch(build->rows[i + 2 * AHEAD]);
    __builtin_prefetch(next->text);
    if (next->extra != NULL) {
        __builtin_prefetch(next->extra);
        __builtin_prefetch((const char *)next->extra + 64);
    }
}

static void fill(struct columns *columns)
{
    const struct toll_part_build *build = columns->build;
    int64_t bytes[3] = {0, 0, 0};

    for (size_t i = 0; i < build->count; i++) {
        const struct toll_row *row = build->rows[i];

        look_ahead(build, i);
        columns->start[i] = row->start;
        columns->duration_ms[i] = row->duration_ms;
        columns->caller[i] = row->caller;
        columns->callee[i] = row->callee;
        columns->kind[i] = row->kind;
        columns->carrier[i] = (uint16_t)part_id(columns, TOLL_NAME_CARRIER, row->carrier);
        columns->key_high[i] = row->key_high;
        columns->key_low[i] = row->key_low;
        columns->source_file[i] = (int32_t)part_id(columns, TOLL_NAME_SOURCE, row->source);
        columns->source_row[i] = row->source_row;
        if (columns->any_optional)
            put_optional(columns, i, toll_row_extra(row));
        put_text(columns, i, row, bytes);
    }
    for (int t = 0; t < 3; t++)
        columns->offset[t][build->count] = bytes[t];
}

static struct toll_cdr_dictionary dictionary(const struct columns *columns, enum toll_name name)
{
    return (struct toll_cdr_dictionary){columns->entries[name], columns->entry_count[name]};
}

static struct toll_cdr_part_data part_data(const struct columns *columns)
{
    return (struct toll_cdr_part_data){
        .columns = {.rows = (int64_t)columns->build->count,
                    .start = columns->start,
                    .duration_ms = columns->duration_ms,
                    .caller = columns->caller,
                    .callee = columns->callee,
                    .kind = columns->kind,
                    .carrier = columns->carrier,
                    .charged = columns->charged,
                    .lrn_caller = columns->lrn_caller,
                    .lrn_callee = columns->lrn_callee,
                    .ring_to = columns->ring_to,
                    .trunk = columns->trunk,
                    .hint = columns->hint,
                    .calltype = columns->calltype,
                    .quantity = columns->quantity,
                    .setup_ms = columns->setup_ms,
                    .provider_charge = columns->provider_charge,
                    .provider_tax = columns->provider_tax,
                    .carrier_billed_ms = columns->carrier_billed_ms,
                    .record_key_high = columns->key_high,
                    .record_key_low = columns->key_low,
                    .source_file = columns->source_file,
                    .source_row = columns->source_row},
        .carrier = dictionary(columns, TOLL_NAME_CARRIER),
        .trunk = dictionary(columns, TOLL_NAME_TRUNK),
        .hint = dictionary(columns, TOLL_NAME_HINT),
        .calltype = dictionary(columns, TOLL_NAME_CALLTYPE),
        .source_file = dictionary(columns, TOLL_NAME_SOURCE),
        .record_id_data = columns->text[0],
        .caller_text_data = columns->text[1],
        .callee_text_data = columns->text[2],
        .record_id_offset = columns->offset[0],
        .caller_text_offset = columns->offset[1],
        .callee_text_offset = columns->offset[2],
    };
}

int toll_part_build_write(struct toll_part_build *build, const struct toll_dataset *dataset,
                          struct toll_dataset_part *part, struct toll_error *error)
{
    struct columns columns = {.build = build};
    struct toll_cdr_part_data data;
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    int code;

    for (int d = 0; d < TOLL_NAMES; d++)
        make_dictionary(&columns, build, d);
    reserve(&columns);
    if (columns.failed) {
        code = toll_error_set(error, TOLL_ENOMEM, "out of memory while building a day");
        goto out;
    }
    if (columns.entry_count[TOLL_NAME_CARRIER] > TOLL_INGEST_CARRIERS_MAX) {
        code =
            toll_error_set(error, TOLL_EDATA,
                           "a day has more than %d carriers; does the spec map a wrong column to `carrier`?",
                           TOLL_INGEST_CARRIERS_MAX - 1);
        goto out;
    }
    fill(&columns);
    data = part_data(&columns);
    part->rows = (int64_t)build->count;
    part->conflicts = build->conflicts;
    part->first_start = build->count == 0 ? 0 : build->rows[0]->start;
    part->last_start = build->count == 0 ? 0 : build->rows[build->count - 1]->start;
    toll_dataset_part_name(part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    code = toll_cdr_part_write(dataset->io, dataset->directory, path, &data, &part->seal, &part->text_seal,
                               error);
    toll_error_within(error, code, dataset->path);
out:
    release(&columns);
    return code;
}
