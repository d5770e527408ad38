/*
 * What the twins of the CSV index share: 64 bytes as bit masks, and what follows from them. How the masks are
 * made and how positions are written is each twin's own.
 */
#ifndef TOLL_SIMD_CSV_BLOCK_H
#define TOLL_SIMD_CSV_BLOCK_H

#include "simd/csv_index.h"

#define TOLL_CSV_BLOCK 64u

struct toll_csv_block {
    uint64_t separators, ends, quotes; /* bit i: byte i of the block */
};

static inline uint64_t toll_csv_prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

static inline void toll_csv_add_quotes(struct toll_csv_index *out, size_t row, unsigned quotes)
{
    struct toll_csv_quoted *last = out->quoted + out->quoted_count;

    if (out->quoted_count > 0 && last[-1].row == row)
        last[-1].quotes += quotes;
    else
        out->quoted[out->quoted_count++] = (struct toll_csv_quoted){(uint32_t)row, quotes};
}

/* The rare block that has quotes or begins inside some. inside: the prefix XOR of its quotes. Leaves in
 * *block only what counts, counts the quotes of each row, and returns what the next block begins with: all
 * ones inside quotes, else 0. */
static inline uint64_t toll_csv_quoted_block(struct toll_csv_block *block, uint64_t inside, bool multiline,
                                             struct toll_csv_index *out)
{
    uint64_t ends, quotes = block->quotes, after;
    size_t row = out->row_count;

    if (multiline) {
        block->ends &= ~inside;
    } else {
        for (uint64_t open = block->ends & inside; open != 0;) { /* a line end closes what is open */
            const uint64_t end = open & -open;
            inside ^= -(end << 1);
            open = block->ends & inside & -(end << 1);
        }
    }
    block->separators &= ~inside;
    after = -((inside & ~block->ends) >> 63);
    for (ends = block->ends; quotes != 0; row++) {
        const uint64_t here = ends == 0 ? ~UINT64_C(0) : (ends & -ends) - 1;
        if ((quotes & here) != 0)
            toll_csv_add_quotes(out, row, (unsigned)__builtin_popcountll(quotes & here));
        quotes &= ~here;
        ends &= ends - 1;
    }
    return after;
}

/* Notes which of the stops end rows, before the block's stops are counted. */
static inline void toll_csv_add_rows(struct toll_csv_index *out, uint64_t stops, uint64_t ends)
{
    /* Nearly every block ends no row or one: written in any case, counted if it is one. */
    out->row_stops[out->row_count] =
        (uint32_t)(out->stop_count + (size_t)__builtin_popcountll(stops & ((ends & -ends) - 1)));
    out->row_count += ends != 0;
    for (ends &= ends - 1; __builtin_expect(ends != 0, 0); ends &= ends - 1)
        out->row_stops[out->row_count++] =
            (uint32_t)(out->stop_count + (size_t)__builtin_popcountll(stops & ((ends & -ends) - 1)));
}

/* The positions of a block one by one. */
static inline void toll_csv_add_stops(struct toll_csv_index *out, uint64_t stops, size_t at)
{
    uint32_t *to = out->stops + out->stop_count;

    out->stop_count += (size_t)__builtin_popcountll(stops);
    while (stops != 0) {
        for (unsigned i = 0; i < 8; i++) { /* eight in any case: a count that varies is a branch missed */
            to[i] = (uint32_t)at + (uint32_t)(stops == 0 ? 0 : __builtin_ctzll(stops));
            stops &= stops - 1;
        }
        to += 8;
    }
}

#endif
