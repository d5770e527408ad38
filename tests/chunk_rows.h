/* The rows of a chunk one by one, taken out of its columns. */
#ifndef TOLL_TESTS_CHUNK_ROWS_H
#define TOLL_TESTS_CHUNK_ROWS_H

#include "base/check.h"
#include "ingest/rows.h"

#include <stdlib.h>

struct chunk_rows {
    struct toll_row *rows; /* extra NULL: no optional value */
    struct toll_row_extra *extras;
    char *texts;
};

static inline void chunk_extra_take(const struct toll_columns *from, size_t i, struct toll_row_extra *extra)
{
    uint64_t wide[TOLL_EXTRA_WIDE];
    uint32_t narrow[TOLL_EXTRA_NARROW];

    for (int w = 0; w < TOLL_EXTRA_WIDE; w++)
        wide[w] = from->any_wide[w] == 0 ? 0 : from->wide[w][i];
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++)
        narrow[w] = from->any_narrow[w] == 0 ? 0 : from->narrow[w][i];
    *extra = (struct toll_row_extra){.charged = wide[TOLL_WIDE_CHARGED],
                                     .lrn_caller = wide[TOLL_WIDE_LRN_CALLER],
                                     .lrn_callee = wide[TOLL_WIDE_LRN_CALLEE],
                                     .ring_to = wide[TOLL_WIDE_RING_TO],
                                     .quantity = (int64_t)wide[TOLL_WIDE_QUANTITY],
                                     .provider_charge = (int64_t)wide[TOLL_WIDE_PROVIDER_CHARGE],
                                     .provider_tax = (int64_t)wide[TOLL_WIDE_PROVIDER_TAX],
                                     .trunk = narrow[TOLL_NARROW_TRUNK],
                                     .hint = narrow[TOLL_NARROW_HINT],
                                     .calltype = narrow[TOLL_NARROW_CALLTYPE],
                                     .setup_ms = (int32_t)narrow[TOLL_NARROW_SETUP_MS],
                                     .carrier_billed_ms = (int32_t)narrow[TOLL_NARROW_CARRIER_BILLED_MS]};
}

static inline struct chunk_rows chunk_rows_take(const struct toll_chunk *chunk)
{
    const struct toll_columns *from = chunk->columns;
    const size_t letters = from->texts[0].bytes + from->texts[1].bytes + from->texts[2].bytes;
    struct chunk_rows out = {.rows = calloc(from->count + 1, sizeof *out.rows),
                             .extras = calloc(from->count + 1, sizeof *out.extras),
                             .texts = malloc(letters + 1)};
    char *to = out.texts;

    TOLL_ASSERT(from->count == chunk->row_count && out.rows != NULL && out.extras != NULL && to != NULL);
    for (size_t i = 0; i < from->count; i++) {
        static const struct toll_row_extra none;
        uint32_t bytes[TOLL_ROW_TEXTS];
        struct toll_row *row = &out.rows[i];

        *row = (struct toll_row){.start = from->start[i],
                                 .key_high = from->key_high[i],
                                 .key_low = from->key_low[i],
                                 .caller = from->caller[i],
                                 .callee = from->callee[i],
                                 .duration_ms = from->duration_ms[i],
                                 .source_row = from->source_row[i],
                                 .carrier = from->carrier[i],
                                 .kind = from->kind[i],
                                 .text = to};
        for (int t = 0; t < TOLL_ROW_TEXTS; t++) {
            const char *text = toll_columns_text(from, t, i, &bytes[t]);

            memcpy(to, text, bytes[t]);
            to += bytes[t];
        }
        row->record_id_bytes = (uint16_t)bytes[0];
        row->caller_bytes = (uint16_t)bytes[1];
        row->callee_bytes = (uint16_t)bytes[2];
        chunk_extra_take(from, i, &out.extras[i]);
        row->extra = memcmp(&out.extras[i], &none, sizeof none) == 0 ? NULL : &out.extras[i];
    }
    return out;
}

static inline void chunk_rows_free(struct chunk_rows *rows)
{
    free(rows->rows);
    free(rows->extras);
    free(rows->texts);
}

#endif
