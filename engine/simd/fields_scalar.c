/* Columns of text to values, one field after the other: the specification. */
#include "simd/fields.h"
#include "simd/padded.h"

#define DAY_S 86400u

static void spans(const uint32_t *stops, const uint32_t *first, const uint32_t *row_begin, unsigned column,
                  size_t rows, uint32_t *begin, uint32_t *bytes)
{
    for (size_t r = 0; r < rows; r++) {
        const uint32_t *end = stops + first[r] + column;

        begin[r] = column == 0 ? row_begin[r] : end[-1] + 1;
        bytes[r] = end[0] - begin[r];
    }
}

static size_t clocks(const struct toll_field_column *column, size_t rows, uint32_t *seconds, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++)
        if (!toll_padded_clock(column->text + column->begin[r], &seconds[r]) || column->bytes[r] != 8)
            rest[left++] = (uint32_t)r;
    return left;
}

static size_t times(const struct toll_field_day *day, const struct toll_field_column *column,
                    const struct toll_field_column *clock_column, size_t rows, int64_t *utc, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++) {
        const char *text = column->text + column->begin[r], *clock = text + day->clock_at;
        bool good = column->bytes[r] == day->bytes;
        uint64_t head, tail;
        uint32_t seconds;
        int64_t local;

        if (clock_column != NULL) {
            clock = clock_column->text + clock_column->begin[r];
            good &= clock_column->bytes[r] == 8;
        }
        toll_padded_words(text, day->head_bytes, &head, &tail);
        good &= head == day->head && tail == day->tail;
        good &= toll_padded_clock(clock, &seconds) && seconds < DAY_S;
        good &= !day->zulu || clock[8] == 'Z';
        local = day->local_ms + (int64_t)seconds * 1000;
        good &= local >= day->from && local < day->until;
        utc[r] = local - day->offset_ms;
        if (!good)
            rest[left++] = (uint32_t)r;
    }
    return left;
}

static size_t integers(const struct toll_field_column *column, unsigned digits_max, uint32_t unit,
                       size_t rows, uint32_t *value, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++) {
        if (column->bytes[r] > digits_max ||
            !toll_padded_integer(column->text + column->begin[r], column->bytes[r], &value[r]))
            rest[left++] = (uint32_t)r;
        else
            value[r] *= unit;
    }
    return left;
}

static size_t decimals(const struct toll_field_column *column, size_t rows, int64_t *value, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++)
        if (column->bytes[r] > 8 ||
            !toll_padded_money(column->text + column->begin[r], column->bytes[r], &value[r]))
            rest[left++] = (uint32_t)r;
    return left;
}

static size_t words(const struct toll_field_words *known, const struct toll_field_column *column, size_t rows,
                    int8_t *value, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++) {
        const uint32_t bytes = column->bytes[r];
        uint64_t head, tail;
        unsigned w = known->count;

        value[r] = known->empty;
        if (bytes == 0)
            continue;
        if (bytes <= TOLL_PADDED_BYTES) {
            toll_padded_words(column->text + column->begin[r], bytes, &head, &tail);
            for (w = 0; w < known->count; w++)
                if (known->head[w] == head && known->tail[w] == tail && known->bytes[w] == bytes)
                    break;
        }
        if (w < known->count)
            value[r] = known->value[w];
        else
            rest[left++] = (uint32_t)r;
    }
    return left;
}

/* -- numbers -- */

static inline uint64_t end_of(unsigned count)
{
    return UINT64_MAX >> (4 * count); /* of 0 to 15 digits */
}

/* Without its first n digits, 0 to 15. */
static inline uint64_t drop(uint64_t digits, unsigned n)
{
    return n == 0 ? digits : digits << (4 * n) | (UINT64_MAX >> (64 - 4 * n));
}

static inline bool is_number(const struct toll_digit_rules *rules, unsigned count)
{
    return count >= rules->least && count <= TOLL_DIGITS_MAX;
}

/* What one rule makes of `count` digits. False: nothing. */
static inline bool try_rule(const struct toll_digit_rules *rules, const struct toll_digit_rule *rule,
                            uint64_t digits, unsigned count, uint64_t *out, uint8_t *type)
{
    const unsigned behind = count - rule->prefix_digits;
    const bool begins =
        count >= rule->prefix_digits && toll_digits_has_prefix(digits, rule->prefix, rule->prefix_digits);

    *out = digits;
    *type = rule->type;
    switch (rule->kind) {
    case TOLL_DIGITS_NOTHING:
        *out = 0;
        return rule->prefix == digits;
    case TOLL_DIGITS_EQUAL:
        return rule->prefix == digits;
    case TOLL_DIGITS_INTERNATIONAL:
        *out = is_number(rules, behind) ? drop(digits, rule->prefix_digits) : 0;
        *type = is_number(rules, behind) ? rule->type : rule->otherwise;
        return begins;
    case TOLL_DIGITS_NANP:
        *out = count == 10 ? UINT64_C(1) << 60 | digits >> 4 : digits;
        return (count == 10 || count == 11) && *out >> 60 == 1 && (*out >> 56 & 15) >= 2 &&
               (*out >> 44 & 15) >= 2;
    case TOLL_DIGITS_NATIONAL:
        if (!begins || behind < rule->low || behind > rule->high ||
            !is_number(rules, rule->country_digits + behind))
            return false;
        *out = drop(digits, rule->prefix_digits);
        if (rule->country_digits > 0)
            *out = (*out >> (4 * rule->country_digits)) | (rule->country & ~end_of(rule->country_digits));
        return true;
    case TOLL_DIGITS_COUNT:
        return count >= rule->low && count <= rule->high;
    }
    return false;
}

static size_t numbers(const struct toll_digit_rules *rules, const struct toll_field_column *column,
                      size_t rows, uint64_t *digits, uint8_t *type, uint8_t *same_text, uint32_t *rest)
{
    size_t left = 0;

    for (size_t r = 0; r < rows; r++) {
        const char *text = column->text + column->begin[r];
        const unsigned plus = text[0] == '+', count = column->bytes[r] - plus;
        uint64_t packed, out;
        uint8_t found = rules->plus_type;

        if (column->bytes[r] == 0 || !(plus ? rules->plus && is_number(rules, count) : rules->alone) ||
            !toll_padded_digits(text + plus, count, &packed)) {
            rest[left++] = (uint32_t)r;
            continue;
        }
        out = packed;
        if (!plus) {
            unsigned i = 0;

            while (i < rules->count && !try_rule(rules, &rules->rules[i], packed, count, &out, &found))
                i++;
            if (i == rules->count) {
                out = 0;
                found = rules->other_type;
            }
        }
        digits[r] = out;
        type[r] = found;
        same_text[r] = out == packed;
    }
    return left;
}

const struct toll_field_kernels toll_fields_scalar = {
    .spans = spans,
    .clocks = clocks,
    .times = times,
    .integers = integers,
    .decimals = decimals,
    .words = words,
    .numbers = numbers,
};
