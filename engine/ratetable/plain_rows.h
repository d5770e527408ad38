/*
 * The plain rows of a vendor's sheet, read at once from its text: those whose prefix is digits, whose rate is
 * a decimal, and that are ASCII without quotes. Nearly all rows are such, and what their other cells say is
 * said by many: these cells are kept as text, once. Nothing is reported here: what is not plain, be it right
 * or wrong, is left to text/table.h, line by line, and so are the cells that are kept.
 *
 * A struct toll_plain is one thread's own; it knows nothing of the book.
 */
#ifndef TOLL_RATETABLE_PLAIN_ROWS_H
#define TOLL_RATETABLE_PLAIN_ROWS_H

#include "base/money.h"
#include "simd/csv_index.h"

#define TOLL_PLAIN_BYTES ((size_t)256 << 10) /* of text that are read at once: near the processor */
#define TOLL_PLAIN_PIECES 4u
#define TOLL_PLAIN_RESTS 256u
#define TOLL_PLAIN_REST_BYTES 64u

/* The sheet's columns, counted from 0. */
struct toll_plain_layout {
    uint32_t columns;
    int key, rate, destination; /* destination: -1 if there is none */
    /* Columns whose cells are kept, as runs of columns side by side. */
    struct toll_plain_piece {
        uint32_t first, last;
    } pieces[TOLL_PLAIN_PIECES];
    uint32_t piece_count;
};

struct toll_plain_row {
    uint64_t key; /* packed digits; 0: the row is not plain, and only `at` is set */
    toll_money rate;
    uint32_t at, destination; /* first byte in the text */
    uint16_t destination_bytes;
    uint16_t column; /* of the key, from 1 */
    uint16_t rest;   /* which of the rests the other cells are */
};

struct toll_plain {
    struct toll_plain_row *rows; /* one for each line that ends in the text */
    size_t row_count;
    uint32_t rest_count;
    /* own */
    void *memory;
    toll_csv_index_kernel *csv_index;
    struct toll_csv_index index;
    struct toll_plain_rest {
        char text[TOLL_PLAIN_REST_BYTES]; /* piece by piece, without what is between */
        uint8_t bytes[TOLL_PLAIN_PIECES];
    } rests[TOLL_PLAIN_RESTS];
    uint16_t slots[2 * TOLL_PLAIN_RESTS]; /* by hash: 1 + which rest */
};

/* False: out of memory. toll_plain_end may follow in any case. */
bool toll_plain_begin(struct toll_plain *plain, toll_csv_index_kernel *csv_index);
void toll_plain_end(struct toll_plain *plain);
/* At most TOLL_PLAIN_BYTES from the beginning of a line on; rests are those of this text only. */
void toll_plain_read(struct toll_plain *plain, const struct toll_plain_layout *layout, const char *text,
                     size_t bytes);

#endif
