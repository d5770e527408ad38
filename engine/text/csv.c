/*
 * The CSV lexer. One pass over the row in blocks of 64 bytes: four bit masks (separator, line end, quote,
 * NUL), the prefix XOR of the quote mask says which bytes lie inside quotes, and the separators outside are
 * the splits. Plain and quoted rows take the same way; only rows with quotes get a second look at their
 * fields. SSE2 is part of x86-64, so no CPU question is asked; other CPUs build the same masks from 8-byte
 * words.
 */
#include "text/csv.h"

#include "base/check.h"

#include <string.h>

#if defined(__SSE2__) && !defined(TOLL_CSV_PORTABLE)
#define CSV_SSE2 1
#include <emmintrin.h>
#else
#define CSV_SSE2 0
#endif

#define BLOCK_BYTES 64u

struct block {
    uint64_t separators, ends, quotes, nuls; /* bit i: byte i of the block */
};

struct scan {
    size_t end;      /* offset of the line end, or of the data's end */
    size_t ends_in;  /* line ends inside the row's quotes */
    size_t quotes;   /* quotes in the row */
    uint32_t fields; /* the last one excluded */
    size_t last;     /* offset of the last field */
    bool nul, inside, found, too_long;
};

#if CSV_SSE2
static inline uint64_t equal_bits(__m128i a, __m128i b, __m128i c, __m128i d, __m128i wanted)
{
    const uint64_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, wanted)) |
                         (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, wanted)) << 16;
    const uint64_t high = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(c, wanted)) |
                          (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(d, wanted)) << 16;
    return low | high << 32;
}

static inline struct block block_read(const char *text, char separator, char line_end)
{
    const __m128i a = _mm_loadu_si128((const __m128i *)(const void *)text);
    const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text + 16));
    const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(text + 32));
    const __m128i d = _mm_loadu_si128((const __m128i *)(const void *)(text + 48));
    struct block block;

    block.separators = equal_bits(a, b, c, d, _mm_set1_epi8(separator));
    block.ends = equal_bits(a, b, c, d, _mm_set1_epi8(line_end));
    block.quotes = equal_bits(a, b, c, d, _mm_set1_epi8('"'));
    /* A NUL is rare: the least byte of the block tells first whether there is one. */
    const __m128i least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
    block.nuls = 0;
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) != 0)
        block.nuls = equal_bits(a, b, c, d, _mm_setzero_si128());
    return block;
}
#else
/* The eight bits of the bytes of `word` equal to `wanted`, in memory order. */
static inline uint64_t equal_bits(uint64_t word, char wanted)
{
    const uint64_t lows = UINT64_C(0x7f7f7f7f7f7f7f7f);
    const uint64_t x = word ^ UINT64_C(0x0101010101010101) * (unsigned char)wanted;
    const uint64_t zero = ~(((x & lows) + lows) | x | lows) >> 7; /* 1 in each byte that was equal */

    return (zero * UINT64_C(0x0102040810204080)) >> 56;
}

static inline struct block block_read(const char *text, char separator, char line_end)
{
    struct block block = {0, 0, 0, 0};

    for (unsigned i = 0; i < BLOCK_BYTES; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof(word));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        block.separators |= equal_bits(word, separator) << i;
        block.ends |= equal_bits(word, line_end) << i;
        block.quotes |= equal_bits(word, '"') << i;
        block.nuls |= equal_bits(word, 0) << i;
    }
    return block;
}
#endif

/* The last block of the data, which may be shorter: nothing is read behind its end. */
static struct block block_read_tail(const char *text, size_t bytes, char separator, char line_end)
{
    char copy[BLOCK_BYTES] = {0};
    const uint64_t valid = (UINT64_C(1) << bytes) - 1;

    TOLL_DCHECK(bytes < BLOCK_BYTES);
    memcpy(copy, text, bytes);
    struct block block = block_read(copy, separator, line_end);
    block.separators &= valid;
    block.ends &= valid;
    block.quotes &= valid;
    block.nuls &= valid;
    return block;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

static inline void field_set(struct toll_csv_field *field, const char *text, size_t bytes)
{
    field->text = text;
    field->bytes = (uint32_t)bytes;
    field->quoted = false;
    field->doubled = false;
}

/* From the row's start to its line end; stores the fields before the last one. */
static inline struct scan row_scan(const struct toll_csv *csv, bool multiline, struct toll_csv_field *fields,
                                   uint32_t room)
{
    const char *data = csv->data;
    const size_t start = csv->offset, size = csv->size;
    const char separator = csv->separator, line_end = csv->line_end;
    struct scan scan = {.end = size, .last = start};
    uint64_t inside = 0; /* all ones after an odd number of quotes */

    for (size_t at = start; at < size; at += BLOCK_BYTES) {
        if (at - start > TOLL_CSV_ROW_MAX + 1) { /* + 1: a CR may still be cut off */
            scan.too_long = true;
            break;
        }
        struct block block = size - at >= BLOCK_BYTES
                                 ? block_read(data + at, separator, line_end)
                                 : block_read_tail(data + at, size - at, separator, line_end);
        const uint64_t parity = block.quotes == 0 ? inside : prefix_xor(block.quotes) ^ inside;
        const uint64_t stops = multiline ? block.ends & ~parity : block.ends;
        const uint64_t before = stops == 0 ? ~UINT64_C(0) : (stops & (~stops + 1)) - 1;
        uint64_t splits = block.separators & ~parity & before;

        block.quotes &= before;
        if (block.quotes != 0)
            scan.quotes += (size_t)__builtin_popcountll(block.quotes);
        if (multiline && (block.ends & before) != 0)
            scan.ends_in += (size_t)__builtin_popcountll(block.ends & before);
        scan.nul |= (block.nuls & before) != 0;
        while (splits != 0) {
            const size_t split = at + (size_t)__builtin_ctzll(splits);
            if (scan.fields < room)
                field_set(&fields[scan.fields], data + scan.last, split - scan.last);
            scan.fields++;
            scan.last = split + 1;
            splits &= splits - 1;
        }
        if (stops != 0) {
            scan.end = at + (size_t)__builtin_ctzll(stops);
            scan.found = true;
            break;
        }
        inside = 0 - (parity >> 63);
    }
    scan.inside = (scan.quotes & 1) != 0;
    return scan;
}

/* Takes blanks after separators and outer quotes off the stored fields. */
static void fields_finish(const struct toll_csv *csv, struct toll_csv_field *fields, uint32_t stored,
                          size_t quotes)
{
    size_t outer = 0;

    for (uint32_t i = 0; i < stored; i++) {
        struct toll_csv_field *field = &fields[i];
        if (csv->skip_blank_after_separator && i > 0) {
            while (field->bytes > 0 && (field->text[0] == ' ' || field->text[0] == '\t')) {
                field->text++;
                field->bytes--;
            }
        }
        if (field->bytes >= 2 && field->text[0] == '"' && field->text[field->bytes - 1] == '"') {
            field->text++;
            field->bytes -= 2;
            field->quoted = true;
            outer += 2;
        }
    }
    if (outer == quotes)
        return; /* no quote is left inside any field */
    for (uint32_t i = 0; i < stored; i++)
        fields[i].doubled = fields[i].bytes > 0 && memchr(fields[i].text, '"', fields[i].bytes) != NULL;
}

/* A line longer than any row: said once, then the next line. */
static void row_too_long(struct toll_csv *csv, const struct scan *scan)
{
    const size_t seen = csv->row_offset + TOLL_CSV_ROW_MAX;
    const char *end = memchr(csv->data + seen, csv->line_end, csv->size - seen);

    csv->row_bytes = TOLL_CSV_ROW_MAX;
    csv->too_long = true;
    csv->unbalanced = false;
    csv->has_nul = scan->nul;
    csv->has_quotes = scan->quotes != 0;
    csv->unterminated = end == NULL;
    csv->offset = end == NULL ? csv->size : (size_t)(end - csv->data) + 1;
    csv->line += end != NULL;
}

void toll_csv_open(struct toll_csv *csv, const char *data, size_t size, char separator, bool multiline,
                   bool skip_blank)
{
    TOLL_ASSERT(separator != '"' && separator != '\n' && separator != '\r' && separator != 0);
    *csv = (struct toll_csv){.data = data,
                             .size = size,
                             .separator = separator,
                             .multiline = multiline,
                             .skip_blank_after_separator = skip_blank,
                             .line_end = '\n',
                             .line = 1};
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        csv->offset = 3;
    if (size > 0 && memchr(data, '\n', size) == NULL && memchr(data, '\r', size) != NULL)
        csv->line_end = '\r';
}

int toll_csv_next(struct toll_csv *csv, struct toll_csv_field *fields, uint32_t room, uint32_t *count)
{
    *count = 0;
    while (csv->offset < csv->size) {
        struct scan scan =
            csv->multiline ? row_scan(csv, true, fields, room) : row_scan(csv, false, fields, room);
        size_t end;

        for (;;) {
            end = scan.end;
            if (csv->line_end == '\n' && end > csv->offset && csv->data[end - 1] == '\r')
                end--; /* of CRLF, or of a CRLF that was cut */
            if (!scan.too_long)
                scan.too_long = end - csv->offset > TOLL_CSV_ROW_MAX;
            if (scan.ends_in == 0 || !(scan.inside || scan.too_long))
                break;
            /* The quote never closes: it does not span lines, and costs its own line only. */
            scan = row_scan(csv, false, fields, room);
        }
        csv->row_offset = csv->offset;
        csv->row_line = csv->line;
        if (scan.too_long) {
            row_too_long(csv, &scan);
            return 1;
        }
        csv->row_bytes = end - csv->offset;
        csv->offset = scan.found ? scan.end + 1 : csv->size;
        csv->line += (long)scan.ends_in + scan.found;
        if (csv->row_bytes == 0)
            continue;
        csv->too_long = false;
        csv->unbalanced = scan.inside;
        csv->unterminated = !scan.found;
        csv->has_nul = scan.nul;
        csv->has_quotes = scan.quotes != 0;
        if (scan.fields < room)
            field_set(&fields[scan.fields], csv->data + scan.last, end - scan.last);
        *count = scan.fields + 1;
        if (scan.quotes != 0 || csv->skip_blank_after_separator)
            fields_finish(csv, fields, *count < room ? *count : room, scan.quotes);
        return 1;
    }
    return 0;
}

size_t toll_csv_unquote(const struct toll_csv_field *field, char *out)
{
    size_t bytes = 0;

    if (!field->quoted || !field->doubled) {
        if (field->bytes > 0)
            memcpy(out, field->text, field->bytes);
        return field->bytes;
    }
    for (uint32_t i = 0; i < field->bytes; i++) {
        out[bytes++] = field->text[i];
        if (field->text[i] == '"' && i + 1 < field->bytes && field->text[i + 1] == '"')
            i++;
    }
    return bytes;
}
