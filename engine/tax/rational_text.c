/*
 * Fractions as people read them: "0.07", "-12.5", "50000/19381". A decimal is exact when the denominator has
 * no prime but 2 and 5; the number of its decimals is then the larger of their powers. And read again.
 */
#include "base/check.h"
#include "tax/rational.h"

#include <gmp.h>
#include <string.h>

/* 2^1023 below a numerator of 1024 bits: 10^1023 / 2^1023 x it has 1024 + 1023 x log2(5) bits. */
#define TEXT_WORDS 56
#define DIGITS 1400   /* of that */
#define READ_WORDS 80 /* of any so many digits */

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

static size_t significant(const uint64_t *word, size_t count)
{
    while (count > 0 && word[count - 1] == 0)
        count--;
    return count;
}

/* Takes at most `most` twos and fives out of n, which is above 0; returns its words then. */
static size_t strip(uint64_t *word, size_t count, size_t most, size_t *twos, size_t *fives)
{
    uint64_t quotient[TEXT_WORDS];

    *twos = mpn_scan1(word, 0);
    *twos = *twos < most ? *twos : most;
    *fives = 0;
    const size_t skip = *twos / 64;
    count -= skip;
    memmove(word, word + skip, count * sizeof *word);
    if (*twos % 64 != 0)
        mpn_rshift(word, word, (mp_size_t)count, (unsigned)(*twos % 64));
    count = significant(word, count);
    while (*fives < most && mpn_divrem_1(quotient, 0, word, (mp_size_t)count, 5) == 0) {
        count = significant(quotient, count);
        memcpy(word, quotient, count * sizeof *word);
        (*fives)++;
    }
    return count;
}

/* The powers of 2 and 5 in q; false: it has other primes. */
static bool powers(const uint64_t *q, size_t count, size_t *twos, size_t *fives)
{
    uint64_t rest[TOLL_WIDE_WORDS];

    memcpy(rest, q, count * sizeof *rest);
    count = strip(rest, count, SIZE_MAX, twos, fives);
    return count == 1 && rest[0] == 1;
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

/* ---- reading ---- */

/* Digits, of which `decimals` stand behind the point, as a number and its words; false: none, or too many. */
static bool read_digits(const char *text, size_t bytes, uint64_t *word, size_t *count, size_t *decimals)
{
    unsigned char digits[DIGITS];
    size_t length = 0;
    bool point = false;

    *decimals = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '.' && !point && i > 0 && i + 1 < bytes) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || length == DIGITS)
            return false;
        *decimals += point;
        if (length > 0 || text[i] != '0')
            digits[length++] = (unsigned char)(text[i] - '0');
    }
    *count = length == 0 ? 0 : (size_t)mpn_set_str(word, digits, length, 10);
    return bytes > 0;
}

static bool store(struct toll_rational *out, const uint64_t *p, size_t p_count, const uint64_t *q,
                  size_t q_count)
{
    if (p_count > TOLL_WIDE_WORDS || q_count > TOLL_WIDE_WORDS)
        return false;
    out->p_count = (uint16_t)p_count;
    out->q_count = (uint16_t)q_count;
    out->negative = false;
    memcpy(out->word, p, p_count * sizeof *p);
    memcpy(out->word + p_count, q, q_count * sizeof *q);
    return true;
}

static bool read_decimal(const char *text, size_t bytes, struct toll_rational *out)
{
    uint64_t p[READ_WORDS], q[READ_WORDS] = {1};
    size_t count, decimals, twos, fives;

    if (!read_digits(text, bytes, p, &count, &decimals) || count > TEXT_WORDS)
        return false;
    if (count == 0) {
        toll_rational_zero(out);
        return true;
    }
    count = strip(p, count, decimals, &twos, &fives);
    if (decimals > TOLL_WIDE_BITS)
        return false;
    return store(out, p, count, q, scale(q, 1, decimals - twos, decimals - fives));
}

bool toll_rational_parse(struct toll_rational *out, const char *text)
{
    const bool negative = *text == '-';
    const char *slash = strchr(text += negative, '/');
    struct toll_rational p, q;

    if (!read_decimal(text, slash == NULL ? strlen(text) : (size_t)(slash - text), &p))
        return false;
    if (slash != NULL && (!read_decimal(slash + 1, strlen(slash + 1), &q) || toll_rational_is_zero(&q) ||
                          !toll_rational_divide(&p, &p, &q)))
        return false;
    p.negative = negative && !toll_rational_is_zero(&p);
    toll_rational_copy(out, &p);
    return true;
}
