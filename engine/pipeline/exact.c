/* See exact.h. */
#include "pipeline/exact.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MOST 320
#define EXPONENT_MOST 60
#define CHUNK 18 /* digits that an int64_t holds */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool times_ten(struct toll_rational *value, long power)
{
    struct toll_rational factor;
    bool ok = true;

    for (long left = power < 0 ? -power : power; ok && left > 0; left -= CHUNK) {
        int64_t scale = 1;
        for (long i = 0; i < left && i < CHUNK; i++)
            scale *= 10;
        if (power > 0)
            toll_rational_of(&factor, scale, 1);
        else
            toll_rational_of(&factor, 1, scale);
        ok = toll_rational_multiply(value, value, &factor);
    }
    return ok;
}

/* Digits with at most one point from *at on; *behind: how many stand behind it. */
static bool read_digits(const char **at, struct toll_rational *out, long *behind)
{
    struct toll_rational more;
    int digits = 0;
    bool point = false;

    toll_rational_zero(out);
    *behind = 0;
    for (;;) {
        int64_t chunk = 0;
        int count = 0;
        for (; count < CHUNK && (is_digit(**at) || (**at == '.' && !point)); ++*at) {
            if (**at == '.') {
                point = true;
                continue;
            }
            chunk = chunk * 10 + (**at - '0');
            count++;
            *behind += point;
        }
        if (count == 0)
            return digits > 0;
        digits += count;
        toll_rational_of(&more, chunk, 1);
        if (digits > DIGITS_MOST || !times_ten(out, count) || !toll_rational_add(out, out, &more))
            return false;
    }
}

static bool read_decimal(const char **at, struct toll_rational *out)
{
    const bool negative = **at == '-';
    long behind;

    *at += negative;
    if (!read_digits(at, out, &behind))
        return false;
    if (**at == 'e' || **at == 'E') {
        char *end;
        const char *from = *at + 1;
        if (!is_digit(from[0]) && !((from[0] == '-' || from[0] == '+') && is_digit(from[1])))
            return false;
        const long power = strtol(from, &end, 10);
        if (power < -EXPONENT_MOST || power > EXPONENT_MOST)
            return false;
        behind -= power;
        *at = end;
    }
    if (!times_ten(out, -behind))
        return false;
    out->negative = negative && !toll_rational_is_zero(out);
    return true;
}

bool toll_exact_parse(const char *text, struct toll_rational *out)
{
    struct toll_rational below;

    if (!read_decimal(&text, out))
        return false;
    if (*text != '/')
        return *text == '\0';
    text++;
    return read_decimal(&text, &below) && *text == '\0' && !toll_rational_is_zero(&below) &&
           toll_rational_divide(out, out, &below);
}
