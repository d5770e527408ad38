/*
 * The rows of a chunk while it is read: as columns, in the order of the file. Trays append some rows at a
 * time, rows.c one after the other; slices take from here what a day has, sorted and packed (slice.h).
 *
 * A thread keeps the memory for its next chunk (lexicon.h).
 */
#ifndef TOLL_INGEST_COLUMNS_H
#define TOLL_INGEST_COLUMNS_H

#include "ingest/row.h"

/* A struct toll_row_extra is this many values of 8 bytes, then this many of 4. */
enum { TOLL_EXTRA_WIDE = 7, TOLL_EXTRA_NARROW = 5 };
enum toll_extra_wide {
    TOLL_WIDE_CHARGED,
    TOLL_WIDE_LRN_CALLER,
    TOLL_WIDE_LRN_CALLEE,
    TOLL_WIDE_RING_TO,
    TOLL_WIDE_QUANTITY,
    TOLL_WIDE_PROVIDER_CHARGE,
    TOLL_WIDE_PROVIDER_TAX
};
enum toll_extra_narrow {
    TOLL_NARROW_TRUNK,
    TOLL_NARROW_HINT,
    TOLL_NARROW_CALLTYPE,
    TOLL_NARROW_SETUP_MS,
    TOLL_NARROW_CARRIER_BILLED_MS
};
enum { TOLL_ROW_TEXTS = 3 }; /* record id, caller, callee as dialled */

/* Texts one behind the other: that of row i is data[at[i], at[i + 1]). Readable are TOLL_TEXTS_PADDING bytes
 * more. */
#define TOLL_TEXTS_PADDING 32u
struct toll_column_texts {
    char *data;
    uint32_t *at;
    size_t bytes, room; /* bytes 0: all are empty, and `at` is not filled in */
};

struct toll_columns {
    size_t count, room; /* rows; of each array */
    int64_t *start;
    uint64_t *key_high, *key_low, *caller, *callee;
    int32_t *duration_ms, *source_row; /* the latter: 1-based, of the chunk's records */
    uint16_t *kind;
    uint32_t *carrier;
    /* Of each optional value all of them or-ed: 0: no row has one, and the column is not filled in. */
    uint64_t any_wide[TOLL_EXTRA_WIDE];
    uint32_t any_narrow[TOLL_EXTRA_NARROW];
    uint64_t *wide[TOLL_EXTRA_WIDE];
    uint32_t *narrow[TOLL_EXTRA_NARROW];
    struct toll_column_texts texts[TOLL_ROW_TEXTS];
    bool too_much_text; /* more than 4 GiB of a kind */
};

/* NULL when out of memory. */
struct toll_columns *toll_columns_create(void);
void toll_columns_free(struct toll_columns *columns);
/* No rows; the memory stays. */
void toll_columns_clear(struct toll_columns *columns);
/* What its memory takes. */
size_t toll_columns_bytes(const struct toll_columns *columns);

/* Room for `rows` more. False when out of memory, as below. */
bool toll_columns_make_room(struct toll_columns *columns, size_t rows);

/* Values of the `rows` rows behind the last one, for which there is room; count grows when all is there. */
bool toll_columns_put_wide(struct toll_columns *columns, enum toll_extra_wide which, const void *values,
                           size_t rows);
bool toll_columns_put_narrow(struct toll_columns *columns, enum toll_extra_narrow which, const void *values,
                             size_t rows);
/* Texts are stretches of `text`; behind the end of each TOLL_TEXTS_PADDING bytes are readable. */
bool toll_columns_put_texts(struct toll_columns *columns, int which, const char *text, const uint32_t *begin,
                            const uint32_t *bytes, size_t rows);

/* One row, behind the others: its texts are not where it says, but `texts`. */
bool toll_columns_add(struct toll_columns *columns, const struct toll_row *row,
                      const struct toll_row_extra *extra, const char *const texts[TOLL_ROW_TEXTS],
                      const size_t bytes[TOLL_ROW_TEXTS]);

static inline const char *toll_columns_text(const struct toll_columns *columns, int which, size_t row,
                                            uint32_t *bytes)
{
    const struct toll_column_texts *texts = &columns->texts[which];

    if (texts->bytes == 0) {
        *bytes = 0;
        return "";
    }
    *bytes = texts->at[row + 1] - texts->at[row];
    return texts->data + texts->at[row];
}

#endif
