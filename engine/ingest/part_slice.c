/* Packed rows to the columns of a part, by the stretch: most columns lie in a slice as in the part. */
#include "ingest/part_rows.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

size_t toll_part_build_room(const struct toll_part_build *build)
{
    return TOLL_BATCH_ROWS - build->batch_rows;
}

static void copy(void *to, const void *from, size_t at, size_t count, size_t width)
{
    memcpy(to, (const char *)from + at * width, count * width);
}

static void put_fixed(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                      size_t count)
{
    const size_t i = build->batch_rows;
    const toll_ms day_start = slice->day * TOLL_DAY_MS;
    const int32_t rows_before = slice->chunk->rows_before;
    int64_t *start = build->start + i;
    int32_t *source_row = build->source_row + i;

    for (size_t k = 0; k < count; k++)
        start[k] = day_start + (toll_ms)(slice->order[at + k] >> TOLL_ORDER_KEY_BITS);
    for (size_t k = 0; k < count; k++)
        source_row[k] = slice->source_row[at + k] + rows_before;
    copy(build->duration_ms + i, slice->duration_ms, at, count, sizeof *slice->duration_ms);
    copy(build->caller + i, slice->caller, at, count, sizeof *slice->caller);
    copy(build->callee + i, slice->callee, at, count, sizeof *slice->callee);
    copy(build->kind + i, slice->kind, at, count, sizeof *slice->kind);
    copy(build->key_high + i, slice->key_high, at, count, sizeof *slice->key_high);
    copy(build->key_low + i, slice->key_low, at, count, sizeof *slice->key_low);
}

/* The part's id of a chunk's name. */
static inline uint32_t part_id(const struct toll_part_build *build, const struct toll_chunk *chunk,
                               enum toll_name name, uint32_t id)
{
    return build->ids[name][chunk->maps[name] == NULL ? id : chunk->maps[name][id]];
}

static void put_carriers(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                         size_t count)
{
    const uint16_t one = (uint16_t)part_id(build, slice->chunk, TOLL_NAME_CARRIER, slice->one_carrier);
    uint16_t *carrier = build->carrier + build->batch_rows;

    if (slice->carrier == NULL) {
        for (size_t k = 0; k < count; k++)
            carrier[k] = one;
        return;
    }
    for (size_t k = 0; k < count; k++)
        carrier[k] = (uint16_t)part_id(build, slice->chunk, TOLL_NAME_CARRIER, slice->carrier[at + k]);
}

static void put_wide(void *column, const struct toll_part_build *build, const uint64_t *from, size_t at,
                     size_t count)
{
    uint64_t *to = column;

    if (to != NULL && from != NULL)
        copy(to + build->batch_rows, from, at, count, sizeof *from);
    else if (to != NULL)
        memset(to + build->batch_rows, 0, count * sizeof *to);
}

static void put_narrow(int32_t *to, const struct toll_part_build *build, const uint32_t *from, size_t at,
                       size_t count)
{
    if (to != NULL && from != NULL)
        copy(to + build->batch_rows, from, at, count, sizeof *from);
    else if (to != NULL)
        memset(to + build->batch_rows, 0, count * sizeof *to);
}

static void put_names(int32_t *to, const struct toll_part_build *build, const struct toll_day_slice *slice,
                      enum toll_name name, const uint32_t *from, size_t at, size_t count)
{
    const uint32_t *ids = build->ids[name], *map = slice->chunk->maps[name];

    if (to == NULL)
        return;
    to += build->batch_rows;
    if (from == NULL)
        memset(to, 0, count * sizeof *to);
    else if (map == NULL)
        for (size_t k = 0; k < count; k++)
            to[k] = (int32_t)ids[from[at + k]];
    else
        for (size_t k = 0; k < count; k++)
            to[k] = (int32_t)ids[map[from[at + k]]];
}

static void put_optional(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                         size_t count)
{
    uint64_t *const *wide = slice->wide;
    uint32_t *const *narrow = slice->narrow;

    put_wide(build->charged, build, wide[TOLL_WIDE_CHARGED], at, count);
    put_wide(build->lrn_caller, build, wide[TOLL_WIDE_LRN_CALLER], at, count);
    put_wide(build->lrn_callee, build, wide[TOLL_WIDE_LRN_CALLEE], at, count);
    put_wide(build->ring_to, build, wide[TOLL_WIDE_RING_TO], at, count);
    put_wide(build->quantity, build, wide[TOLL_WIDE_QUANTITY], at, count);
    put_wide(build->provider_charge, build, wide[TOLL_WIDE_PROVIDER_CHARGE], at, count);
    put_wide(build->provider_tax, build, wide[TOLL_WIDE_PROVIDER_TAX], at, count);
    put_names(build->trunk, build, slice, TOLL_NAME_TRUNK, narrow[TOLL_NARROW_TRUNK], at, count);
    put_names(build->hint, build, slice, TOLL_NAME_HINT, narrow[TOLL_NARROW_HINT], at, count);
    put_names(build->calltype, build, slice, TOLL_NAME_CALLTYPE, narrow[TOLL_NARROW_CALLTYPE], at, count);
    put_narrow(build->setup_ms, build, narrow[TOLL_NARROW_SETUP_MS], at, count);
    put_narrow(build->carrier_billed_ms, build, narrow[TOLL_NARROW_CARRIER_BILLED_MS], at, count);
}

static bool put_texts(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                      size_t count)
{
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        int32_t *offset = build->offset[t] + build->batch_rows + 1;
        const int32_t used = offset[-1];
        const uint32_t *from = slice->text_at[t] == NULL ? NULL : slice->text_at[t] + at;
        size_t bytes;

        if (from == NULL) {
            for (size_t k = 0; k < count; k++)
                offset[k] = used;
            continue;
        }
        bytes = from[count] - from[0];
        if (!toll_part_build_text_room(build, t, (size_t)used + bytes))
            return false;
        for (size_t k = 0; k < count; k++)
            offset[k] = used + (int32_t)(from[k + 1] - from[0]);
        memcpy(build->text[t] + used, slice->text[t] + from[0], bytes);
    }
    return true;
}

int toll_part_build_add_slice(struct toll_part_build *build, const struct toll_day_slice *slice, size_t at,
                              size_t count, const uint32_t *sources, struct toll_error *error)
{
    const uint32_t source = sources[slice->chunk->source];

    TOLL_ASSERT(count > 0 && count <= toll_part_build_room(build));
    if (build->rows == 0)
        build->first_start = toll_slice_start(slice, at);
    build->last_start = toll_slice_start(slice, at + count - 1);
    build->rows += (int64_t)count;
    build->sources_seen += !build->source_seen[source];
    build->source_seen[source] = 1;
    if (build->stream == NULL)
        return 0;
    put_fixed(build, slice, at, count);
    put_carriers(build, slice, at, count);
    for (size_t k = 0; k < count; k++)
        build->source_file[build->batch_rows + k] = (int32_t)build->ids[TOLL_NAME_SOURCE][source];
    if (build->any_optional)
        put_optional(build, slice, at, count);
    if (!put_texts(build, slice, at, count))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while building a day");
    build->batch_rows += count;
    return build->batch_rows == TOLL_BATCH_ROWS ? toll_part_build_flush(build, error) : 0;
}
