/*
 * Telephone numbers as packed BCD: 16 nibbles in a uint64_t, left justified, digits 0-9, 0xA = '*', 0xB =
 * '#', and 0xF from the end on. 0 means "no number". Printed in hex a number shows its digits: +12125551234
 * is 0x12125551234fffff. A prefix of n digits is the top 4n bits: a shift and a compare. At most 15 digits
 * (E.164), so that the last nibble is always F.
 */
#ifndef TOLL_BASE_DIGITS_H
#define TOLL_BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_DIGITS_MAX 15
#define TOLL_DIGITS_TEXT_BYTES 17

/* Packs 1..15 characters of [0-9*#]. False (out untouched) on any other character or length. */
bool toll_digits_pack(const char *text, size_t bytes, uint64_t *out);

/* Writes the digits and a terminator; returns their count (0 for "no number"). */
size_t toll_digits_text(uint64_t digits, char buffer[TOLL_DIGITS_TEXT_BYTES]);

/* The same with all but the first 4 and last 2 digits as 'x' ("1212xxxxx34"; eight digits or fewer: all but
 * the first are 'x'): for logs, errors and reports. */
size_t toll_digits_masked(uint64_t digits, char buffer[TOLL_DIGITS_TEXT_BYTES]);

/* Masks in place every run of at least `shortest` digits (2 or more) in a text in the same way, for what
 * quotes other people's cells; quoted_only: only between the first and the last double quote. */
void toll_digits_mask_within(char *text, size_t shortest, bool quoted_only);

static inline unsigned toll_digits_count(uint64_t digits)
{
    if (digits == 0)
        return 0;
    /* Nibbles from the first F on are all F, so count trailing ones. */
    return 16u - (~digits == 0 ? 16u : (unsigned)__builtin_ctzll(~digits) / 4u);
}

/* True when the first `prefix_digits` nibbles of both are equal. */
static inline bool toll_digits_has_prefix(uint64_t digits, uint64_t prefix, unsigned prefix_digits)
{
    return prefix_digits == 0 || ((digits ^ prefix) >> (64u - 4u * prefix_digits)) == 0;
}

/* Three BCD nibbles (0x212) as 0..999; nibbles above 9 give values that are not meaningful but below 1,666.
 */
static inline uint32_t toll_digits_three(uint32_t nibbles)
{
    return nibbles - 6u * (nibbles >> 4) - 60u * (nibbles >> 8);
}

/* The next number of a first-last range (decimal increment of the last digit). 0 after 99..9, which has no
 * next number of its length, and where a carry or the last place meets '*' or '#'. */
uint64_t toll_digits_next(uint64_t digits);

#endif
