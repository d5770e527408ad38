/*
 * Exact decimals. Magnitudes are worked out unsigned and signed at the end, so that the most negative value
 * needs no special case.
 */
#include "base/money.h"

#include "base/check.h"

#define DECIMALS_MAX 18
#define MALFORMED (-1)
#define TOO_MANY_DECIMALS (-2)
#define OUT_OF_RANGE (-3)

__extension__ typedef unsigned __int128 magnitude128;

static magnitude128 magnitude_of(toll_total value)
{
    return value < 0 ? -(magnitude128)value : (magnitude128)value;
}

static bool push_digit(uint64_t *value, unsigned digit)
{
    return !__builtin_mul_overflow(*value, UINT64_C(10), value) &&
           !__builtin_add_overflow(*value, (uint64_t)digit, value);
}

/* Up to ten characters, digits and at most one point: nothing can overflow. False where it is anything else,
 * which the long way tells apart. */
static bool parse_short(const char *text, size_t bytes, int decimals, int64_t *out)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    int64_t value = 0;
    size_t digits = 0, point = SIZE_MAX;

    if (bytes > 10 || decimals > 8)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit <= 9) {
            value = value * 10 + (int)digit;
            digits++;
        } else if (text[i] == '.' && point == SIZE_MAX) {
            point = digits;
        } else {
            return false;
        }
    }
    const size_t after = point == SIZE_MAX ? 0 : digits - point;
    if (digits == 0 || after > (size_t)decimals)
        return false;
    *out = value * powers[(size_t)decimals - after];
    return true;
}

int toll_decimal_parse(const char *text, size_t bytes, int decimals, int64_t *out)
{
    bool negative = false, point = false, excess = false, fits = true;
    size_t at = 0, digits = 0;
    uint64_t magnitude = 0;
    int kept = 0;

    TOLL_ASSERT(decimals >= 0 && decimals <= DECIMALS_MAX);
    if (parse_short(text, bytes, decimals, out))
        return 0;
    if (bytes > 0 && (text[0] == '-' || text[0] == '+')) {
        negative = text[0] == '-';
        at = 1;
    }
    for (; at < bytes; at++) {
        unsigned digit = (unsigned)(unsigned char)text[at] - '0';

        if (text[at] == '.' && !point) {
            point = true;
            continue;
        }
        if (digit > 9)
            return MALFORMED;
        digits++;
        if (point && kept == decimals) {
            excess |= digit != 0;
            continue;
        }
        kept += point;
        fits = fits && push_digit(&magnitude, digit);
    }
    if (digits == 0)
        return MALFORMED;
    if (excess)
        return TOO_MANY_DECIMALS;
    for (; kept < decimals; kept++)
        fits = fits && push_digit(&magnitude, 0);
    if (!fits || magnitude > (uint64_t)INT64_MAX + negative)
        return OUT_OF_RANGE;
    *out = (int64_t)(negative ? -magnitude : magnitude);
    return 0;
}

int toll_money_parse(const char *text, size_t bytes, toll_money *out)
{
    return toll_decimal_parse(text, bytes, TOLL_MONEY_DECIMALS, out);
}

size_t toll_total_format(toll_total scaled, int decimals, char *buffer)
{
    char reversed[TOLL_TOTAL_TEXT_BYTES];
    magnitude128 rest = magnitude_of(scaled);
    int digits = 0;
    size_t length = 0;

    TOLL_ASSERT(decimals >= 0 && decimals <= DECIMALS_MAX);
    while (rest > UINT64_MAX) {
        reversed[digits++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    /* Nearly every amount is here from the start: 64-bit division is several times cheaper. */
    for (uint64_t small = (uint64_t)rest; small != 0 || digits <= decimals; small /= 10)
        reversed[digits++] = (char)('0' + (int)(small % 10));
    if (scaled < 0)
        buffer[length++] = '-';
    while (digits > 0) {
        if (digits == decimals)
            buffer[length++] = '.';
        buffer[length++] = reversed[--digits];
    }
    buffer[length] = '\0';
    return length;
}

size_t toll_money_format(toll_money money, char *buffer)
{
    return toll_total_format(money, TOLL_MONEY_DECIMALS, buffer);
}

bool toll_money_narrow(toll_total total, toll_money *out)
{
    if (total < INT64_MIN || total > INT64_MAX)
        return false;
    *out = (toll_money)total;
    return true;
}

toll_total toll_round_ratio(toll_total numerator, toll_total denominator, enum toll_rounding rounding)
{
    magnitude128 magnitude = magnitude_of(numerator), divisor = (magnitude128)denominator;
    magnitude128 quotient, rest, missing;
    bool away = false;

    TOLL_ASSERT(denominator > 0);
    if (magnitude <= UINT64_MAX && divisor <= UINT64_MAX) {
        quotient = (uint64_t)magnitude / (uint64_t)divisor;
        rest = (uint64_t)magnitude % (uint64_t)divisor;
    } else {
        quotient = magnitude / divisor;
        rest = magnitude % divisor;
    }
    missing = divisor - rest; /* compared instead of 2 * rest, which could overflow */
    switch (rounding) {
    case TOLL_HALF_UP:
        away = rest >= missing;
        break;
    case TOLL_HALF_EVEN:
        away = rest > missing || (rest == missing && (quotient & 1) != 0);
        break;
    case TOLL_UP:
        away = rest != 0;
        break;
    case TOLL_DOWN:
        break;
    }
    quotient += away;
    return (toll_total)(numerator < 0 ? -quotient : quotient);
}
