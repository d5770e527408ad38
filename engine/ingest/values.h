/* Single values: durations, money, quantities, words. Pure functions. */
#ifndef TOLL_INGEST_VALUES_H
#define TOLL_INGEST_VALUES_H

#include "ingest/spec.h"

struct toll_value {
    const char *text;
    size_t bytes;
};

static inline struct toll_value toll_value_trim(struct toll_value value)
{
    while (value.bytes > 0 && (value.text[0] == ' ' || value.text[0] == '\t')) {
        value.text++;
        value.bytes--;
    }
    while (value.bytes > 0 && (value.text[value.bytes - 1] == ' ' || value.text[value.bytes - 1] == '\t'))
        value.bytes--;
    return value;
}

/* 0, -1 malformed or out of range (int32 ms: 24.8 days), -2 negative. Parts of a millisecond count as a whole
 * one, so that rounding up to seconds later gives what the exact value would have given. */
int toll_value_duration(enum toll_value_type type, struct toll_value value, int32_t *ms);

/* text x unit, exactly; false when malformed, out of range, or finer than 1e-8 of the currency unit. */
bool toll_value_money(struct toll_value value, toll_money unit, toll_money *out);

/* A whole number x unit; false when malformed or out of range. */
bool toll_value_integer(struct toll_value value, int64_t unit, int64_t *out);

/* The canonical value of a choice field's word, its `otherwise`, or TOLL_CHOICE_REJECT. */
int toll_value_choice(const struct toll_spec_field *field, struct toll_value value);

#endif
