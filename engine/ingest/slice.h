/*
 * The rows of one day of a chunk as columns, packed: what the rows wait in until their day is merged. A row
 * as it is read (row.h) takes 80 to 160 bytes and its texts, packed as few as its values need; and columns
 * that lie as a part has them are copied there by the stretch.
 */
#ifndef TOLL_INGEST_SLICE_H
#define TOLL_INGEST_SLICE_H

#include "base/checksum.h"
#include "ingest/row.h"
#include "ingest/rows.h"

#include <string.h>

/* What some rows use: of each optional value all of them or-ed, and the names they have (not sources). */
struct toll_use {
    struct toll_row_extra any;
    uint32_t *names[TOLL_NAME_SOURCE]; /* ids, each once */
    uint32_t name_counts[TOLL_NAME_SOURCE];
};
void toll_use_free(struct toll_use *use);

/* Arrays of `count`, in any order of rows; ids are the chunk's own. */
struct toll_day_slice {
    int64_t day;
    size_t count;
    const struct toll_chunk *chunk; /* that the rows are of: it knows their place once it is settled */
    uint64_t *order;                /* toll_row_order */
    uint64_t *key_high, *key_low, *caller, *callee;
    uint64_t *wide[TOLL_EXTRA_WIDE]; /* NULL: all 0 */
    uint32_t *narrow[TOLL_EXTRA_NARROW];
    uint32_t *carrier; /* NULL: all are one_carrier */
    uint32_t one_carrier;
    bool several_carriers;
    int32_t *duration_ms, *source_row;
    uint32_t *text_at[TOLL_ROW_TEXTS]; /* count + 1 places in `text`; NULL: all are empty */
    char *text[TOLL_ROW_TEXTS];
    uint16_t *kind;
    struct toll_use use;
};

/* Which of `count` records is the day's, else count; they begin with their day, ascending, every `bytes`. */
static inline size_t toll_day_place(const void *records, size_t bytes, size_t count, int64_t day)
{
    size_t low = 0, high = count;
    int64_t found = 0;

    while (low < high) {
        const size_t middle = (low + high) / 2;

        memcpy(&found, (const char *)records + middle * bytes, sizeof found);
        if (found < day)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count)
        memcpy(&found, (const char *)records + low * bytes, sizeof found);
    return low < count && found == day ? low : count;
}

/* 27 bits: ms of the day; 37 bits: the record key's first. */
#define TOLL_ORDER_KEY_BITS 37
static inline uint64_t toll_order(toll_ms start, uint64_t key_high, toll_ms day_start)
{
    return (uint64_t)(start - day_start) << TOLL_ORDER_KEY_BITS | key_high >> 27;
}
static inline uint64_t toll_row_order(const struct toll_row *row, toll_ms day_start)
{
    return toll_order(row->start, row->key_high, day_start);
}
static inline toll_ms toll_slice_start(const struct toll_day_slice *slice, size_t at)
{
    return slice->day * TOLL_DAY_MS + (toll_ms)(slice->order[at] >> TOLL_ORDER_KEY_BITS);
}
static inline uint32_t toll_slice_carrier(const struct toll_day_slice *slice, size_t at)
{
    return slice->carrier == NULL ? slice->one_carrier : slice->carrier[at];
}

/* What a row brings into its slice: its order, and which it is of the chunk's. */
struct toll_slice_row {
    uint64_t order;
    uint32_t slice, row;
};

/* Bytes of the packed rows. The slice's chunk, day, count, use and several_carriers are set; *text_bytes: of
 * each text. */
size_t toll_slice_bytes(const struct toll_day_slice *slice, const uint64_t text_bytes[TOLL_ROW_TEXTS]);
/* Packs row rows[i].row of chunk->columns as row i into memory of so many bytes, 8-byte aligned, that stays.
 */
void toll_slice_pack(struct toll_day_slice *slice, const struct toll_slice_row *rows, void *memory,
                     const uint64_t text_bytes[TOLL_ROW_TEXTS], struct toll_sha256_walk *walk);

/* A row and what it points at, taken out of where it came from. */
struct toll_row_slot {
    struct toll_row row;
    struct toll_row_extra extra;
    char *text; /* grows */
    size_t text_room;
};
/* Room for so many bytes of text, or NULL. */
char *toll_row_slot_text(struct toll_row_slot *slot, size_t bytes);

/* Row `at` as a row of the import: it knows its file's index, its row there, and its names. The chunk is
 * settled. False when out of memory. */
bool toll_slice_take(const struct toll_day_slice *slice, size_t at, struct toll_row_slot *slot);

#endif
