/* The CSV index, portable: masks from 8-byte words. */
#include "simd/csv_block.h"

#include <string.h>

/* The eight bits of the bytes of `word` equal to `wanted`, in memory order. */
static inline uint64_t equal_bits(uint64_t word, char wanted)
{
    const uint64_t lows = UINT64_C(0x7f7f7f7f7f7f7f7f);
    const uint64_t x = word ^ UINT64_C(0x0101010101010101) * (unsigned char)wanted;
    const uint64_t zero = ~(((x & lows) + lows) | x | lows) >> 7; /* 1 in each byte that was equal */

    return (zero * UINT64_C(0x0102040810204080)) >> 56;
}

static inline struct toll_csv_block block_read(const char *text, char separator, char line_end, bool *nul)
{
    struct toll_csv_block block = {0, 0, 0};

    for (unsigned i = 0; i < TOLL_CSV_BLOCK; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof(word));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        block.separators |= equal_bits(word, separator) << i;
        block.ends |= equal_bits(word, line_end) << i;
        block.quotes |= equal_bits(word, '"') << i;
        *nul |= equal_bits(word, 0) != 0;
    }
    return block;
}

void toll_csv_index_scalar(const char *text, size_t bytes, char separator, char line_end, bool multiline,
                           struct toll_csv_index *out)
{
    uint64_t inside = 0;
    bool nul = false;

    out->stop_count = out->row_count = out->quoted_count = 0;
    for (size_t at = 0; at < bytes; at += TOLL_CSV_BLOCK) {
        char tail[TOLL_CSV_BLOCK];
        const char *from = text + at;

        if (bytes - at < TOLL_CSV_BLOCK) { /* filled up with a byte that says nothing */
            memset(tail, separator == 'x' || line_end == 'x' ? 'y' : 'x', sizeof tail);
            memcpy(tail, from, bytes - at);
            from = tail;
        }
        struct toll_csv_block block = block_read(from, separator, line_end, &nul);
        if ((block.quotes | inside) != 0)
            inside =
                toll_csv_quoted_block(&block, toll_csv_prefix_xor(block.quotes) ^ inside, multiline, out);
        const uint64_t stops = block.separators | block.ends;
        toll_csv_add_rows(out, stops, block.ends);
        toll_csv_add_stops(out, stops, at);
    }
    out->has_nul = nul;
}
