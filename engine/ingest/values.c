/* Reading single values. */
#include "ingest/values.h"

#include <string.h>

#define NANO_DIGITS 9
#define NANO INT64_C(1000000000)

/* Digits from *at on; returns how many. *value is only good for up to nine. */
static inline size_t take_digits(struct toll_value text, size_t *at, uint32_t *value)
{
    size_t from = *at;

    for (; *at < text.bytes; ++*at) {
        unsigned digit = (unsigned)(unsigned char)text.text[*at] - '0';

        if (digit > 9)
            break;
        *value = 10 * *value + digit;
    }
    return *at - from;
}

/* One to six digits, and up to three behind a point. False: take the long way. */
static inline bool plain_seconds(struct toll_value value, int32_t *ms)
{
    static const uint32_t scales[4] = {1000, 100, 10, 1};
    uint32_t seconds = 0, fraction = 0;
    size_t at = 0, digits = take_digits(value, &at, &seconds);

    if (digits == 0 || digits > 6)
        return false;
    if (at < value.bytes) {
        if (value.text[at++] != '.')
            return false;
        digits = take_digits(value, &at, &fraction);
        if (digits == 0 || digits > 3 || at != value.bytes)
            return false;
        fraction *= scales[digits];
    }
    *ms = (int32_t)(1000 * seconds + fraction);
    return true;
}

static int narrow(toll_total numerator, toll_total denominator, int32_t *ms)
{
    toll_total whole;

    if (numerator < 0)
        return -2;
    whole = (numerator + denominator - 1) / denominator;
    if (whole > INT32_MAX)
        return -1;
    *ms = (int32_t)whole;
    return 0;
}

/* [hh:]mm:ss[.fff]; minutes and seconds below 60 unless they come first. */
static int clock_duration(struct toll_value value, int32_t *ms)
{
    int64_t head[2] = {0, 0}, seconds;
    int heads = 0;
    size_t from = 0;

    if (value.bytes > 0 && value.text[0] == '-')
        return -2;
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.text[i] != ':')
            continue;
        if (heads == 2 || i == from || i - from > 6 || value.text[from] == '+' ||
            toll_decimal_parse(value.text + from, i - from, 0, &head[heads]) != 0)
            return -1;
        heads++;
        from = i + 1;
    }
    if (heads == 0 || from == value.bytes || value.text[from] == '+' || value.text[from] == '-' ||
        toll_decimal_parse(value.text + from, value.bytes - from, NANO_DIGITS, &seconds) != 0 ||
        seconds >= 60 * NANO)
        return -1;
    if (heads == 2 && head[1] >= 60)
        return -1;
    if (heads == 2)
        head[0] = head[0] * 60 + head[1];
    return narrow((toll_total)head[0] * 60 * NANO + seconds, NANO / 1000, ms);
}

int toll_value_duration(enum toll_value_type type, struct toll_value value, int32_t *ms)
{
    int64_t scaled; /* 1e-9 of the type's unit */
    int code;

    if (type == TOLL_VALUE_SECONDS && plain_seconds(value, ms))
        return 0;
    if (type == TOLL_VALUE_HMS)
        return clock_duration(value, ms);
    code = toll_decimal_parse(value.text, value.bytes, NANO_DIGITS, &scaled);
    if (code != 0) /* minus and out of range, too, is no duration of a call */
        return -1;
    switch (type) {
    case TOLL_VALUE_SECONDS:
        return narrow((toll_total)scaled * 1000, NANO, ms);
    case TOLL_VALUE_MINUTES:
        return narrow((toll_total)scaled * 60000, NANO, ms);
    case TOLL_VALUE_MILLISECONDS:
        return narrow(scaled, NANO, ms);
    default: /* microseconds */
        return narrow(scaled, (toll_total)NANO * 1000, ms);
    }
}

/* Up to nine digits, and up to eight behind a point, as nearly all amounts are. False: take the long way. */
static inline bool plain_money(struct toll_value value, toll_money *out)
{
    static const uint32_t scales[TOLL_MONEY_DECIMALS + 1] = {100000000, 10000000, 1000000, 100000, 10000,
                                                             1000,      100,      10,      1};
    uint32_t whole = 0, fraction = 0;
    size_t at = 0, digits = take_digits(value, &at, &whole);

    if (digits == 0 || digits > 9)
        return false;
    if (at < value.bytes) {
        if (value.text[at++] != '.')
            return false;
        digits = take_digits(value, &at, &fraction);
        if (digits == 0 || digits > TOLL_MONEY_DECIMALS || at != value.bytes)
            return false;
        fraction *= scales[digits];
    }
    *out = (toll_money)whole * TOLL_MONEY_UNIT + fraction;
    return true;
}

bool toll_value_money(struct toll_value value, toll_money unit, toll_money *out)
{
    toll_money amount;
    toll_total product;

    _Static_assert(TOLL_MONEY_DECIMALS == 8 && TOLL_MONEY_UNIT == 100000000, "the scales above");
    if (!plain_money(value, &amount) && toll_money_parse(value.text, value.bytes, &amount) != 0)
        return false;
    if (unit == TOLL_MONEY_UNIT) {
        *out = amount;
        return true;
    }
    product = (toll_total)amount * unit;
    return product % TOLL_MONEY_UNIT == 0 && toll_money_narrow(product / TOLL_MONEY_UNIT, out);
}

bool toll_value_integer(struct toll_value value, int64_t unit, int64_t *out)
{
    int64_t whole;

    if (toll_decimal_parse(value.text, value.bytes, 0, &whole) != 0 || whole == INT64_MIN)
        return false;
    return !__builtin_mul_overflow(whole, unit, out) && *out != INT64_MIN;
}

int toll_value_choice(const struct toll_spec_field *field, struct toll_value value)
{
    for (int i = 0; i < (int)(sizeof field->choice_words / sizeof field->choice_words[0]); i++) {
        const struct toll_words *words = &field->choice_words[i];

        for (size_t k = 0; k < words->count; k++) {
            if (strlen(words->words[k]) == value.bytes &&
                memcmp(words->words[k], value.text, value.bytes) == 0)
                return i;
        }
    }
    return field->otherwise;
}
