/*
 * Fractions as people read them: "0.07", "-12.5", "50000/19381". A decimal is exact when the denominator has
 * no prime but 2 and 5; the number of its decimals is then the larger of their powers.
 */
#include "base/check.h"
#include "tax/rational.h"

#include <gmp.h>
#include <string.h>

/* 2^1023 below a numerator of 1024 bits: 10^1023 / 2^1023 x it has 1024 + 1023 x log2(5) bits. */
#define TEXT_WORDS 56
#define DIGITS 1400 /* of that */

static size_t digits_of(uint64_t *word, size_t count, unsigned char *digits)
{
    size_t length = mpn_get_str(digits, 10, word, (mp_size_t)count), zeros = 0;

    while (zeros + 1 < length && digits[zeros] == 0)
        zeros++;
    length -= zeros;
    memmove(digits, digits + zeros, length);
    for (size_t i = 0; i < length; i++)
        digits[i] = (unsigned char)(digits[i] + '0');
    return length;
}

static size_t write_whole(const uint64_t *word, size_t count, char *out)
{
    uint64_t copy[TOLL_WIDE_WORDS];
    unsigned char digits[DIGITS];

    memcpy(copy, word, count * sizeof *copy);
    const size_t length = digits_of(copy, count, digits);
    memcpy(out, digits, length);
    return length;
}

/* The powers of 2 and 5 in q; false: it has other primes. */
static bool powers(const uint64_t *q, size_t count, size_t *twos, size_t *fives)
{
    uint64_t rest[TOLL_WIDE_WORDS], quotient[TOLL_WIDE_WORDS];

    *twos = mpn_scan1(q, 0);
    *fives = 0;
    const size_t skip = *twos / 64;
    count -= skip;
    memcpy(rest, q + skip, count * sizeof *rest);
    if (*twos % 64 != 0)
        mpn_rshift(rest, rest, (mp_size_t)count, (unsigned)(*twos % 64));
    for (;;) {
        while (count > 1 && rest[count - 1] == 0)
            count--;
        if (mpn_divrem_1(quotient, 0, rest, (mp_size_t)count, 5) != 0)
            return count == 1 && rest[0] == 1;
        memcpy(rest, quotient, count * sizeof *rest);
        (*fives)++;
    }
}

/* n x 2^twos x 5^fives */
static size_t scale(uint64_t *word, size_t count, size_t twos, size_t fives)
{
    while (fives > 0) {
        uint64_t by = 1;
        for (int i = 0; i < 27 && fives > 0; i++, fives--) /* 5^27 < 2^64 */
            by *= 5;
        const uint64_t over = mpn_mul_1(word, word, (mp_size_t)count, by);
        if (over != 0)
            word[count++] = over;
    }
    if (twos == 0)
        return count;
    const size_t skip = twos / 64;
    memmove(word + skip, word, count * sizeof *word);
    memset(word, 0, skip * sizeof *word);
    count += skip;
    if (twos % 64 != 0) {
        const uint64_t over = mpn_lshift(word, word, (mp_size_t)count, (unsigned)(twos % 64));
        if (over != 0)
            word[count++] = over;
    }
    return count;
}

static size_t write_decimal(const struct toll_rational *a, size_t twos, size_t fives, char *out)
{
    const size_t decimals = twos > fives ? twos : fives;
    uint64_t word[TEXT_WORDS];
    unsigned char digits[DIGITS];
    char *at = out;

    memcpy(word, a->word, a->p_count * sizeof *word);
    const size_t count = scale(word, a->p_count, decimals - twos, decimals - fives);
    TOLL_DCHECK(count <= TEXT_WORDS);
    const size_t length = digits_of(word, count, digits);
    const size_t whole = length > decimals ? length - decimals : 0;
    if (whole == 0)
        *at++ = '0';
    memcpy(at, digits, whole);
    at += whole;
    if (decimals > 0) {
        *at++ = '.';
        memset(at, '0', decimals - (length - whole));
        at += decimals - (length - whole);
        memcpy(at, digits + whole, length - whole);
        at += length - whole;
    }
    return (size_t)(at - out);
}

size_t toll_rational_text(const struct toll_rational *a, char *out)
{
    char *at = out;
    size_t twos, fives;

    if (a->p_count == 0) {
        memcpy(out, "0", 2);
        return 1;
    }
    if (a->negative)
        *at++ = '-';
    if (powers(a->word + a->p_count, a->q_count, &twos, &fives)) {
        at += write_decimal(a, twos, fives, at);
    } else {
        at += write_whole(a->word, a->p_count, at);
        *at++ = '/';
        at += write_whole(a->word + a->p_count, a->q_count, at);
    }
    *at = 0;
    return (size_t)(at - out);
}
