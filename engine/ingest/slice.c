/*
 * Packing goes column by column, some rows at a time, while the chunk's are in the caches. A column that
 * nobody uses is not there.
 */
#include "ingest/slice.h"

#include "base/check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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

static size_t lay_out(struct toll_day_slice *slice, char *memory, const uint64_t text_bytes[TOLL_ROW_TEXTS])
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
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        if (text_bytes[t] == 0)
            continue;
        slice->text_at[t] = put(memory, &at, (n + 1) * sizeof *slice->text_at[t]);
        slice->text[t] = put(memory, &at, (size_t)text_bytes[t] + TOLL_TEXTS_PADDING);
    }
    return at;
}

size_t toll_slice_bytes(const struct toll_day_slice *slice, const uint64_t text_bytes[TOLL_ROW_TEXTS])
{
    struct toll_day_slice copy = *slice;

    return lay_out(&copy, NULL, text_bytes);
}

/* -- packing -- */

#define TOGETHER 256u /* rows whose columns are packed before the next ones are looked at */

static inline void pick_8(void *to, const void *from, const uint32_t *rows, size_t count)
{
    uint64_t *out = to;
    const uint64_t *in = from;

    for (size_t i = 0; i < count; i++)
        out[i] = in[rows[i]];
}

static inline void pick_4(void *to, const void *from, const uint32_t *rows, size_t count)
{
    uint32_t *out = to;
    const uint32_t *in = from;

    for (size_t i = 0; i < count; i++)
        out[i] = in[rows[i]];
}

static void pack_fixed(struct toll_day_slice *slice, size_t at, const uint32_t *rows, size_t count)
{
    const struct toll_columns *from = slice->chunk->columns;

    pick_8(slice->key_high + at, from->key_high, rows, count);
    pick_8(slice->key_low + at, from->key_low, rows, count);
    pick_8(slice->caller + at, from->caller, rows, count);
    pick_8(slice->callee + at, from->callee, rows, count);
    pick_4(slice->duration_ms + at, from->duration_ms, rows, count);
    pick_4(slice->source_row + at, from->source_row, rows, count);
    for (size_t i = 0; i < count; i++)
        slice->kind[at + i] = from->kind[rows[i]];
    if (slice->carrier != NULL)
        pick_4(slice->carrier + at, from->carrier, rows, count);
}

static void pack_optional(struct toll_day_slice *slice, size_t at, const uint32_t *rows, size_t count)
{
    const struct toll_columns *from = slice->chunk->columns;

    for (int w = 0; w < TOLL_EXTRA_WIDE; w++) {
        if (slice->wide[w] != NULL)
            pick_8(slice->wide[w] + at, from->wide[w], rows, count);
    }
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++) {
        if (slice->narrow[w] != NULL)
            pick_4(slice->narrow[w] + at, from->narrow[w], rows, count);
    }
}

/* Texts of one kind; those of the rows before take *used bytes. */
static void pack_texts(const struct toll_column_texts *from, uint32_t *text_at, char *text,
                       const uint32_t *rows, size_t count, uint32_t *used, struct toll_sha256_walk *walk)
{
    uint32_t to = *used;

    for (size_t i = 0; i < count; i++) {
        const uint32_t begin = from->at[rows[i]], bytes = from->at[rows[i] + 1] - begin;

        text_at[i] = to;
        for (uint32_t k = 0; k < bytes;
             k += TOLL_TEXTS_PADDING) /* more than it is, for which there is room */
            memcpy(text + to + k, from->data + begin + k, TOLL_TEXTS_PADDING);
        to += bytes;
        toll_sha256_walk_step(walk);
    }
    *used = to;
}

void toll_slice_pack(struct toll_day_slice *slice, const struct toll_slice_row *entries, void *memory,
                     const uint64_t text_bytes[TOLL_ROW_TEXTS], struct toll_sha256_walk *walk)
{
    uint32_t rows[TOGETHER], used[TOLL_ROW_TEXTS] = {0};
    size_t count;

    (void)lay_out(slice, memory, text_bytes);
    for (size_t at = 0; at < slice->count; at += count) {
        count = slice->count - at < TOGETHER ? slice->count - at : TOGETHER;
        for (size_t i = 0; i < count; i++) {
            slice->order[at + i] = entries[at + i].order;
            rows[i] = entries[at + i].row;
        }
        pack_fixed(slice, at, rows, count);
        pack_optional(slice, at, rows, count);
        for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
            if (slice->text_at[t] != NULL)
                pack_texts(&slice->chunk->columns->texts[t], slice->text_at[t] + at, slice->text[t], rows,
                           count, &used[t], walk);
        }
    }
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
        if (slice->text_at[t] != NULL)
            slice->text_at[t][slice->count] = used[t];
    }
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
    uint32_t from[TOLL_ROW_TEXTS], bytes[TOLL_ROW_TEXTS];
    char *text;

    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
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
    for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
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
