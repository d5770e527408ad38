/* UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. Pure functions. */
#ifndef TOLL_TEXT_UTF8_H
#define TOLL_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that text begins with (1..4) and its code point (code may be NULL); 0 when that is
 * no UTF-8, or bytes is 0. */
static inline unsigned toll_utf8_next(const char *text, size_t bytes, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    uint32_t value;
    unsigned count;

    if (bytes == 0)
        return 0;
    if (p[0] < 0x80)
        count = 1, value = p[0];
    else if (p[0] >= 0xC2 && p[0] < 0xE0)
        count = 2, value = p[0] & 0x1Fu;
    else if (p[0] >= 0xE0 && p[0] < 0xF0)
        count = 3, value = p[0] & 0x0Fu;
    else if (p[0] >= 0xF0 && p[0] < 0xF5)
        count = 4, value = p[0] & 0x07u;
    else
        return 0;
    if (count > bytes)
        return 0;
    for (unsigned i = 1; i < count; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (p[i] & 0x3Fu);
    }
    if (value < least[count] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return 0;
    if (code != NULL)
        *code = value;
    return count;
}

/* The offset of the first byte that is no UTF-8, or bytes when all is well. */
static inline size_t toll_utf8_check(const char *text, size_t bytes)
{
    size_t at = 0;

    while (at < bytes) {
        const unsigned count = toll_utf8_next(text + at, bytes - at, NULL);
        if (count == 0)
            break;
        at += count;
    }
    return at;
}

#endif
