/* One file of a deck on its way to rows: what reading its cells and making its keys share. */
#ifndef TOLL_RATETABLE_DECK_READER_H
#define TOLL_RATETABLE_DECK_READER_H

#include "ratetable/decks.h"
#include "ratetable/prices.h"

enum toll_deck_column {
    TOLL_COLUMN_PREFIX,
    TOLL_COLUMN_KEY,
    TOLL_COLUMN_CALLER_PREFIX,
    TOLL_COLUMN_DESTINATION,
    TOLL_COLUMN_PER_S,
    TOLL_COLUMN_CONNECT_FEE,
    TOLL_COLUMN_INITIAL_S,
    TOLL_COLUMN_INCREMENT_S,
    TOLL_COLUMN_MINIMUM_S,
    TOLL_COLUMN_FREE_S,
    TOLL_COLUMN_MINIMUM_CHARGE,
    TOLL_COLUMN_MAXIMUM_CHARGE,
    TOLL_COLUMN_BAND,
    TOLL_COLUMN_FROM,
    TOLL_COLUMN_TO,
    TOLL_COLUMN_STATUS,
    TOLL_COLUMN_STEP_FROM_S,
    TOLL_COLUMN_RATE, /* and the other three, as enum toll_rate_column */
    TOLL_COLUMN_RATE_INTER,
    TOLL_COLUMN_RATE_INTRA,
    TOLL_COLUMN_RATE_INDETERMINATE,
    TOLL_DECK_COLUMNS
};

struct toll_deck_reader {
    struct toll_build *build;
    const struct toll_table *table;
    const struct toll_deck_build *deck;
    struct toll_deck_rows *rows;
    const struct toll_deck_version *version;
    struct toll_buffer ranges, caller_ranges; /* of the row's prefix cells */
    toll_ms last_local, last_utc;             /* most rows of a vendor's sheet bear the same date */
    size_t no_rate;                           /* warnings */
    struct toll_deck_row row;
    struct toll_price_origin origin;
    /* The row's price rows: one, or one for each enum toll_rate_column, with the column whose rate it is. Of
     * a step, per 0 and increment 0 mean those of the row with step 0. */
    struct toll_terms terms[TOLL_RATE_COLUMNS];
    int32_t source[TOLL_RATE_COLUMNS];
    unsigned price_count;
    struct toll_pending_prices pending;
    char band[24]; /* the last row's, and its id */
    int32_t band_id;
    int key_column;
};

/* All rows that are left in the table: plain ones at once (plain_rows.h), others by toll_deck_row_read. */
int toll_deck_plain_read(struct toll_deck_reader *reader, struct toll_table *table);
/* The row that the table has read; 0 also after findings. */
int toll_deck_row_read(struct toll_deck_reader *reader);
/* The price rows and one deck row for one key, whose text is the origin's; row, terms and source say the
 * rest. */
int toll_deck_key_add(struct toll_deck_reader *reader, uint64_t key);

#define TOLL_NO_RATE_SHOWN 20 /* warnings of one file; the rest are counted */

/* The row's cells to reader->terms, source and row.step. False after a finding. */
bool toll_deck_terms_read(struct toll_deck_reader *reader);

#endif
