/*
 * Packing goes row by row while the chunk's rows are in the caches, and optional values column by column: a
 * file has few of them, and a column that nobody uses is not there.
 */
#include "ingest/slice.h"

#include "base/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(struct toll_row_extra, trunk) == sizeof(uint64_t) * TOLL_EXTRA_WIDE, "wide first");
_Static_assert(offsetof(struct toll_row_extra, unused) ==
                   sizeof(uint64_t) * TOLL_EXTRA_WIDE + sizeof(uint32_t) * TOLL_EXTRA_NARROW,
               "then narrow");

#define NARROW_AT offsetof(struct toll_row_extra, trunk)

static inline uint64_t wide_of(const struct toll_row_extra *extra, int which)
{
    uint64_t value;

    memcpy(&value, (const char *)extra + sizeof value * (size_t)which, sizeof value);
    return value;
}

static inline uint32_t narrow_of(const struct toll_row_extra *extra, int which)
{
    uint32_t value;

    memcpy(&value, (const char *)extra + NARROW_AT + sizeof value * (size_t)which, sizeof value);
    return value;
}

static inline void set_narrow(struct toll_row_extra *extra, int which, uint32_t value)
{
    memcpy((char *)extra + NARROW_AT + sizeof value * (size_t)which, &value, sizeof value);
}

void toll_use_free(struct toll_use *use)
{
    for (int d = 0; d < TOLL_NAME_SOURCE; d++)
        free(use->names[d]);
    memset(use, 0, sizeof *use);
}

/* -- where columns lie -- */

static inline size_t padded(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/* The next column of the memory; NULL memory only counts. */
static void *put(char *memory, size_t *at, size_t bytes)
{
    void *here = memory == NULL ? NULL : memory + *at;

    *at += padded(bytes);
    return here;
}

static size_t lay_out(struct toll_day_slice *slice, char *memory, const uint64_t text_bytes[TOLL_SLICE_TEXTS])
{
    const size_t n = slice->count;
    size_t at = 0;

    slice->order = put(memory, &at, n * sizeof *slice->order);
    slice->key_high = put(memory, &at, n * sizeof *slice->key_high);
    slice->key_low = put(memory, &at, n * sizeof *slice->key_low);
    slice->caller = put(memory, &at, n * sizeof *slice->caller);
    slice->callee = put(memory, &at, n * sizeof *slice->callee);
    slice->duration_ms = put(memory, &at, n * sizeof *slice->duration_ms);
    slice->source_row = put(memory, &at, n * sizeof *slice->source_row);
    slice->kind = put(memory, &at, n * sizeof *slice->kind);
    if (slice->several_carriers)
        slice->carrier = put(memory, &at, n * sizeof *slice->carrier);
    for (int w = 0; w < TOLL_EXTRA_WIDE; w++) {
        if (wide_of(&slice->use.any, w) != 0)
            slice->wide[w] = put(memory, &at, n * sizeof *slice->wide[w]);
    }
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++) {
        if (narrow_of(&slice->use.any, w) != 0)
            slice->narrow[w] = put(memory, &at, n * sizeof *slice->narrow[w]);
    }
    for (int t = 0; t < TOLL_SLICE_TEXTS; t++) {
        if (text_bytes[t] == 0)
            continue;
        slice->text_at[t] = put(memory, &at, (n + 1) * sizeof *slice->text_at[t]);
        slice->text[t] = put(memory, &at, (size_t)text_bytes[t]);
    }
    return at;
}

size_t toll_slice_bytes(const struct toll_day_slice *slice, const uint64_t text_bytes[TOLL_SLICE_TEXTS])
{
    struct toll_day_slice copy = *slice;

    return lay_out(&copy, NULL, text_bytes);
}

/* -- packing -- */

/* The texts of row i go behind those of the rows before. */
static inline void pack_texts(struct toll_day_slice *slice, size_t i, const struct toll_row *row,
                              uint32_t used[TOLL_SLICE_TEXTS])
{
    const uint32_t lengths[TOLL_SLICE_TEXTS] = {row->record_id_bytes, row->caller_bytes, row->callee_bytes};
    const char *text = row->text;

    for (int t = 0; t < TOLL_SLICE_TEXTS; t++) {
        if (slice->text_at[t] == NULL)
            continue;
        slice->text_at[t][i] = used[t];
        toll_row_copy_text(slice->text[t] + used[t], text, lengths[t]);
        used[t] += lengths[t];
        text += lengths[t];
    }
}

static void pack_rows(struct toll_day_slice *slice, const struct toll_slice_row *rows,
                      struct toll_sha256_walk *walk)
{
    const struct toll_row *from = slice->chunk->rows;
    uint32_t used[TOLL_SLICE_TEXTS] = {0};

    for (size_t i = 0; i < slice->count; i++) {
        const struct toll_row *row = &from[rows[i].row];

        slice->order[i] = rows[i].order;
        slice->key_high[i] = row->key_high;
        slice->key_low[i] = row->key_low;
        slice->caller[i] = row->caller;
        slice->callee[i] = row->callee;
        slice->duration_ms[i] = row->duration_ms;
        slice->source_row[i] = row->source_row;
        slice->kind[i] = row->kind;
        pack_texts(slice, i, row, used);
        toll_sha256_walk_step(walk);
    }
    for (size_t i = 0; slice->carrier != NULL && i < slice->count; i++)
        slice->carrier[i] = from[rows[i].row].carrier;
    for (int t = 0; t < TOLL_SLICE_TEXTS; t++) {
        if (slice->text_at[t] != NULL)
            slice->text_at[t][slice->count] = used[t];
    }
}

static void pack_optional(struct toll_day_slice *slice, const struct toll_slice_row *rows)
{
    const struct toll_row *from = slice->chunk->rows;

    for (int w = 0; w < TOLL_EXTRA_WIDE; w++) {
        for (size_t i = 0; slice->wide[w] != NULL && i < slice->count; i++)
            slice->wide[w][i] = wide_of(toll_row_extra(&from[rows[i].row]), w);
    }
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++) {
        for (size_t i = 0; slice->narrow[w] != NULL && i < slice->count; i++)
            slice->narrow[w][i] = narrow_of(toll_row_extra(&from[rows[i].row]), w);
    }
}

void toll_slice_pack(struct toll_day_slice *slice, const struct toll_slice_row *rows, void *memory,
                     const uint64_t text_bytes[TOLL_SLICE_TEXTS], struct toll_sha256_walk *walk)
{
    (void)lay_out(slice, memory, text_bytes);
    pack_rows(slice, rows, walk);
    pack_optional(slice, rows);
}

/* -- one row -- */

char *toll_row_slot_text(struct toll_row_slot *slot, size_t bytes)
{
    if (bytes > slot->text_room || slot->text == NULL) {
        size_t room = 2 * bytes + 64;
        char *larger = realloc(slot->text, room);

        if (larger == NULL)
            return NULL;
        slot->text = larger;
        slot->text_room = room;
    }
    return slot->text;
}

static inline uint32_t mapped(const struct toll_chunk *chunk, enum toll_name name, uint32_t id)
{
    return chunk->maps[name] == NULL ? id : chunk->maps[name][id];
}

static void take_extra(const struct toll_day_slice *slice, size_t at, struct toll_row_slot *slot)
{
    static const enum toll_name names[] = {
        [TOLL_NARROW_TRUNK] = TOLL_NAME_TRUNK,
        [TOLL_NARROW_HINT] = TOLL_NAME_HINT,
        [TOLL_NARROW_CALLTYPE] = TOLL_NAME_CALLTYPE,
    };
    struct toll_row_extra *extra = &slot->extra;
    bool any = false;

    memset(extra, 0, sizeof *extra);
    for (int w = 0; w < TOLL_EXTRA_WIDE; w++) {
        const uint64_t value = slice->wide[w] == NULL ? 0 : slice->wide[w][at];

        memcpy((char *)extra + sizeof value * (size_t)w, &value, sizeof value);
        any |= value != 0;
    }
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++) {
        uint32_t value = slice->narrow[w] == NULL ? 0 : slice->narrow[w][at];

        if (w <= TOLL_NARROW_CALLTYPE)
            value = mapped(slice->chunk, names[w], value);
        set_narrow(extra, w, value);
        any |= value != 0;
    }
    slot->row.extra = any ? extra : NULL;
}

static bool take_texts(const struct toll_day_slice *slice, size_t at, struct toll_row_slot *slot)
{
    uint32_t from[TOLL_SLICE_TEXTS], bytes[TOLL_SLICE_TEXTS];
    char *text;

    for (int t = 0; t < TOLL_SLICE_TEXTS; t++) {
        from[t] = slice->text_at[t] == NULL ? 0 : slice->text_at[t][at];
        bytes[t] = slice->text_at[t] == NULL ? 0 : slice->text_at[t][at + 1] - from[t];
    }
    text = toll_row_slot_text(slot, (size_t)bytes[0] + bytes[1] + bytes[2]);
    if (text == NULL)
        return false;
    slot->row.text = text;
    slot->row.record_id_bytes = (uint16_t)bytes[0];
    slot->row.caller_bytes = (uint16_t)bytes[1];
    slot->row.callee_bytes = (uint16_t)bytes[2];
    for (int t = 0; t < TOLL_SLICE_TEXTS; t++) {
        if (bytes[t] > 0)
            toll_row_copy_text(text, slice->text[t] + from[t], bytes[t]);
        text += bytes[t];
    }
    return true;
}

bool toll_slice_take(const struct toll_day_slice *slice, size_t at, struct toll_row_slot *slot)
{
    const struct toll_chunk *chunk = slice->chunk;

    TOLL_DCHECK(at < slice->count);
    slot->row = (struct toll_row){.start = toll_slice_start(slice, at),
                                  .key_high = slice->key_high[at],
                                  .key_low = slice->key_low[at],
                                  .caller = slice->caller[at],
                                  .callee = slice->callee[at],
                                  .duration_ms = slice->duration_ms[at],
                                  .source_row = slice->source_row[at] + chunk->rows_before,
                                  .source = chunk->source,
                                  .carrier = mapped(chunk, TOLL_NAME_CARRIER, toll_slice_carrier(slice, at)),
                                  .kind = slice->kind[at]};
    take_extra(slice, at, slot);
    return take_texts(slice, at, slot);
}
