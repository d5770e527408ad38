/* Prefixes of one length are integers, so a range and what begins with some digits are intervals of them. */
#include "book/change_keys.h"

#include "base/digits.h"
#include "ratetable/prefix_cell.h"

#include <inttypes.h>
#include <stdio.h>

bool toll_key_choice_make(struct toll_key_choice *out, const char *text, bool calltype)
{
    uint64_t packed;

    *out = (struct toll_key_choice){.text = text, .calltype = calltype};
    if (text == NULL)
        return true;
    out->bytes = strlen(text);
    out->begins = out->bytes > 0 && text[out->bytes - 1] == '*';
    out->bytes -= out->begins ? 1 : 0;
    if (calltype || out->bytes == 0)
        return true;
    if (!toll_prefix_parse(text, out->bytes, 1, &packed))
        return false;
    out->digits = toll_digits_count(packed);
    out->value = toll_number_value(packed);
    if (text[0] == '+') {
        out->text++;
        out->bytes--;
    }
    return true;
}

bool toll_key_chosen(const struct toll_key_choice *choice, const char *key, size_t bytes)
{
    if (choice->text == NULL)
        return true;
    return (choice->begins ? bytes >= choice->bytes : bytes == choice->bytes) &&
           memcmp(key, choice->text, choice->bytes) == 0;
}

static bool put(struct toll_buffer *list, const char *text, size_t bytes)
{
    const size_t separator = list->count > 0 ? 1 : 0;
    char *at = toll_buffer_add(list, 1, bytes + separator);

    if (at == NULL)
        return false;
    if (separator > 0)
        *at++ = ';';
    memcpy(at, text, bytes);
    return true;
}

static bool put_range(struct toll_buffer *list, uint64_t first, uint64_t last, unsigned digits)
{
    char text[64];
    int bytes;

    if (first > last)
        return true;
    bytes = snprintf(text, sizeof(text), "%0*" PRIu64, (int)digits, first);
    if (last > first)
        bytes += snprintf(text + bytes, sizeof(text) - (size_t)bytes, "-%0*" PRIu64, (int)digits, last);
    return put(list, text, (size_t)bytes);
}

/* One piece of the list. */
static bool split_range(const struct toll_key_choice *choice, const struct toll_prefix_range *range,
                        struct toll_buffer *chosen, struct toll_buffer *rest)
{
    const unsigned digits = toll_digits_count(range->first);
    const uint64_t first = toll_number_value(range->first), last = first + range->count - 1;
    uint64_t low = choice->value, high = low;

    if (choice->bytes == 0) /* "*": everything; "": only the empty prefix */
        return put_range(choice->begins ? chosen : rest, first, last, digits);
    if (digits < choice->digits || (digits > choice->digits && !choice->begins))
        return put_range(rest, first, last, digits);
    for (unsigned i = choice->digits; i < digits; i++) {
        low *= 10;
        high = high * 10 + 9;
    }
    if (low > last || high < first)
        return put_range(rest, first, last, digits);
    return (low == 0 || put_range(rest, first, low - 1, digits)) &&
           put_range(chosen, low > first ? low : first, high < last ? high : last, digits) &&
           put_range(rest, high + 1, last, digits);
}

static bool split_piece(const struct toll_key_choice *choice, const char *text, size_t bytes,
                        struct toll_buffer *chosen, struct toll_buffer *rest)
{
    struct toll_prefix_range range;

    while (bytes > 0 && text[0] == ' ') {
        text++;
        bytes--;
    }
    while (bytes > 0 && text[bytes - 1] == ' ')
        bytes--;
    if (choice->calltype || toll_range_parse(text, bytes, 1, &range) != NULL)
        return put(choice->calltype && toll_key_chosen(choice, text, bytes) ? chosen : rest, text, bytes);
    return split_range(choice, &range, chosen, rest);
}

int toll_keys_split(const struct toll_key_choice *choice, const char *cell, struct toll_buffer *chosen,
                    struct toll_buffer *rest)
{
    bool good = true;

    chosen->count = rest->count = 0;
    if (choice->text == NULL)
        return TOLL_KEYS_ALL;
    if (cell[0] == 0)
        return choice->bytes == 0 ? TOLL_KEYS_ALL : TOLL_KEYS_NONE;
    for (const char *at = cell; good; at++) {
        const char *stop = at + strcspn(at, ";");
        good = split_piece(choice, at, (size_t)(stop - at), chosen, rest);
        at = stop;
        if (*at == 0)
            break;
    }
    if (!good || toll_buffer_add(chosen, 1, 1) == NULL || toll_buffer_add(rest, 1, 1) == NULL)
        return -1;
    return chosen->count == 1 ? TOLL_KEYS_NONE : rest->count == 1 ? TOLL_KEYS_ALL : TOLL_KEYS_SOME;
}
