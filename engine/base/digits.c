/* Packing and printing of telephone numbers; the arithmetic that loops need is inline in the header. */
#include "base/digits.h"

#include <string.h>

#define NO_NIBBLE 0xFu

static unsigned nibble_of(char character)
{
    if (character >= '0' && character <= '9')
        return (unsigned)(character - '0');
    if (character == '*')
        return 0xA;
    return character == '#' ? 0xB : NO_NIBBLE;
}

bool toll_digits_pack(const char *text, size_t bytes, uint64_t *out)
{
    uint64_t digits = 0;

    if (bytes == 0 || bytes > TOLL_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        unsigned nibble = nibble_of(text[i]);

        if (nibble == NO_NIBBLE)
            return false;
        digits = digits << 4 | nibble;
    }
    /* bytes <= 15, so that the shift by 4 * bytes is below 64. */
    *out = digits << (64 - 4 * bytes) | UINT64_MAX >> (4 * bytes);
    return true;
}

size_t toll_digits_text(uint64_t digits, char buffer[TOLL_DIGITS_TEXT_BYTES])
{
    /* C to F inside a number cannot come from packing; '?' shows them in a dump of a damaged file. */
    static const char characters[] = "0123456789*#????";
    size_t count = toll_digits_count(digits);

    for (size_t i = 0; i < count; i++)
        buffer[i] = characters[digits >> (60 - 4 * i) & 0xF];
    buffer[count] = '\0';
    return count;
}

static void mask(char *digits, size_t count)
{
    if (count > 8)
        memset(digits + 4, 'x', count - 6);
    else if (count > 1)
        memset(digits + 1, 'x', count - 1);
}

size_t toll_digits_masked(uint64_t digits, char buffer[TOLL_DIGITS_TEXT_BYTES])
{
    size_t count = toll_digits_text(digits, buffer);

    mask(buffer, count);
    return count;
}

void toll_digits_mask_within(char *text, size_t shortest, bool quoted_only)
{
    const char *const last_quote = quoted_only ? strrchr(text, '"') : text + strlen(text);

    if (quoted_only)
        text = last_quote != NULL ? strchr(text, '"') : text + strlen(text);
    while (*text != '\0' && text < last_quote) {
        size_t count = strspn(text, "0123456789");

        if (count >= shortest)
            mask(text, count);
        text += count > 0 ? count : 1;
    }
}

uint64_t toll_digits_next(uint64_t digits)
{
    unsigned count = toll_digits_count(digits);

    for (unsigned shift = 64 - 4 * count; shift < 64; shift += 4) {
        uint64_t nibble = digits >> shift & 0xF;

        if (nibble < 9)
            return digits + (UINT64_C(1) << shift);
        if (nibble > 9)
            return 0;
        digits -= UINT64_C(9) << shift;
    }
    return 0;
}
