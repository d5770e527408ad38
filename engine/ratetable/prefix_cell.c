/* Prefixes and numbers as people write them. */
#include "ratetable/prefix_cell.h"

#include "base/digits.h"

bool toll_prefix_parse(const char *text, size_t bytes, size_t low, uint64_t *packed)
{
    if (bytes > 0 && text[0] == '+') {
        text++;
        bytes--;
    }
    if (bytes < low)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return toll_digits_pack(text, bytes, packed);
}

uint64_t toll_number_value(uint64_t packed)
{
    const unsigned digits = toll_digits_count(packed);
    uint64_t value = 0;

    for (unsigned i = 0; i < digits; i++, packed <<= 4)
        value = value * 10 + (packed >> 60);
    return value;
}

/* Eight digits as nibbles: halves, quarters and digits in lanes of one word, without a division a digit. */
static uint64_t eight_nibbles(uint64_t value)
{
    uint64_t lanes = value / 10000 | value % 10000 << 32, upper;

    upper = (lanes * 5243 >> 19) & UINT64_C(0x0000007F0000007F); /* / 100, below 10,000 */
    lanes = upper + ((lanes - 100 * upper) << 16);
    upper = (lanes * 103 >> 10) & UINT64_C(0x000F000F000F000F); /* / 10, below 100 */
    lanes = __builtin_bswap64(upper + ((lanes - 10 * upper) << 8));
    lanes = (lanes | lanes >> 4) & UINT64_C(0x00FF00FF00FF00FF);
    lanes = (lanes | lanes >> 8) & UINT64_C(0x0000FFFF0000FFFF);
    return (lanes | lanes >> 16) & UINT64_C(0xFFFFFFFF);
}

uint64_t toll_number_from_value(uint64_t value, unsigned digits)
{
    const uint64_t nibbles = eight_nibbles(value / 100000000) << 32 | eight_nibbles(value % 100000000);

    return digits == 0 ? UINT64_MAX : nibbles << (64 - 4 * digits) | UINT64_MAX >> (4 * digits);
}

static void trim(const char **text, size_t *bytes)
{
    while (*bytes > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
        (*text)++;
        (*bytes)--;
    }
    while (*bytes > 0 && ((*text)[*bytes - 1] == ' ' || (*text)[*bytes - 1] == '\t'))
        (*bytes)--;
}

uint64_t toll_prefix_plain(const char *text, size_t bytes, size_t low)
{
    uint64_t packed = 0;
    unsigned other = 0;

    if (bytes < low || bytes == 0 || bytes > TOLL_DIGITS_MAX)
        return 0;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        other |= digit > 9;
        packed = packed << 4 | (digit & 0xF);
    }
    return other != 0 ? 0 : packed << (64 - 4 * bytes) | UINT64_MAX >> (4 * bytes);
}

const char *toll_range_parse(const char *text, size_t bytes, size_t low, struct toll_prefix_range *out)
{
    const char *dash, *last_text;
    size_t first_bytes, last_bytes;
    uint64_t last;

    *out = (struct toll_prefix_range){toll_prefix_plain(text, bytes, low), 1};
    if (out->first != 0)
        return NULL;
    dash = memchr(text, '-', bytes);
    last_text = dash == NULL ? text : dash + 1;
    first_bytes = dash == NULL ? bytes : (size_t)(dash - text);
    last_bytes = (size_t)(text + bytes - last_text);
    trim(&text, &first_bytes);
    trim(&last_text, &last_bytes);
    if (!toll_prefix_parse(text, first_bytes, low, &out->first) ||
        !toll_prefix_parse(last_text, last_bytes, low, &last))
        return low > 1 ? "is no number of 7 to 15 digits, and no range first-last of such"
                       : "is no prefix of 1 to 15 digits, and no range like 1201-1205";
    if (toll_digits_count(out->first) != toll_digits_count(last))
        return "is a range whose ends differ in length";
    if (last < out->first)
        return "is a range that ends before it begins";
    out->count = dash == NULL ? 1 : toll_number_value(last) - toll_number_value(out->first) + 1;
    return NULL;
}

int toll_prefix_cell(const struct toll_table *table, const struct toll_cell *cell, struct toll_buffer *ranges)
{
    const char *text = cell->text, *const end = cell->text + cell->bytes;
    struct toll_prefix_range *range;

    ranges->count = 0;
    if (cell->bytes == 0) {
        range = TOLL_BUFFER_ADD(ranges, struct toll_prefix_range);
        if (range == NULL)
            return -1;
        *range = (struct toll_prefix_range){TOLL_PREFIX_EVERYTHING, 1};
        return 1;
    }
    for (;;) {
        const char *semicolon = memchr(text, ';', (size_t)(end - text)), *problem;
        const char *stop = semicolon != NULL ? semicolon : end;
        range = TOLL_BUFFER_ADD(ranges, struct toll_prefix_range);
        if (range == NULL)
            return -1;
        problem = toll_range_parse(text, (size_t)(stop - text), 1, range);
        if (problem != NULL) {
            toll_cell_finding(table, cell, TOLL_ERROR, "\"%.*s\" %s",
                              stop - text > 40 ? 40 : (int)(stop - text), text, problem);
            return 0;
        }
        if (semicolon == NULL)
            return 1;
        text = semicolon + 1;
    }
}
