/*
 * Fractions after Knuth (4.5.1): common divisors are taken out before multiplying, so that nothing grows that
 * would shrink again. Words up to twice the width are on the stack; what fits in single words, nearly every
 * rate and share, goes by the processor's own arithmetic.
 */
#include "tax/rational.h"

#include "base/check.h"

#include <gmp.h>
#include <string.h>

#define WORDS TOLL_WIDE_WORDS
#define WORK_WORDS (2 * WORDS + 2) /* a sum of two products */

_Static_assert(sizeof(mp_limb_t) == sizeof(uint64_t) && GMP_NAIL_BITS == 0, "words");
__extension__ typedef unsigned __int128 wide2;

struct natural {
    uint64_t word[WORK_WORDS];
    size_t count;
};
struct words { /* borrowed */
    const uint64_t *word;
    size_t count;
};
struct parts {
    struct words p, q;
    bool negative;
};

static struct parts parts_of(const struct toll_rational *a)
{
    return (struct parts){{a->word, a->p_count}, {a->word + a->p_count, a->q_count}, a->negative};
}

static struct words view(const struct natural *n)
{
    return (struct words){n->word, n->count};
}

static bool is_one(struct words a)
{
    return a.count == 1 && a.word[0] == 1;
}

static size_t significant(const uint64_t *word, size_t count)
{
    while (count > 0 && word[count - 1] == 0)
        count--;
    return count;
}

static uint64_t gcd_words(uint64_t a, uint64_t b) /* both above 0 */
{
    const int shift = __builtin_ctzll(a | b);

    a >>= __builtin_ctzll(a);
    while (b != 0) {
        b >>= __builtin_ctzll(b);
        const uint64_t low = a < b ? a : b;
        b = a < b ? b - a : a - b;
        a = low;
    }
    return a << shift;
}

static void shift_right(struct natural *out, struct words a, size_t bits)
{
    const size_t skip = bits / 64;

    out->count = a.count - skip;
    if (bits % 64 == 0)
        memcpy(out->word, a.word + skip, out->count * sizeof *out->word);
    else
        mpn_rshift(out->word, a.word + skip, (mp_size_t)out->count, (unsigned)(bits % 64));
    out->count = significant(out->word, out->count);
}

static size_t zero_bits(struct words a)
{
    return mpn_scan1(a.word, 0);
}

/* The greatest common divisor of two numbers above 0. */
static void common_divisor(struct natural *out, struct words a, struct words b)
{
    if (a.count == 1 || b.count == 1) {
        const struct words one = a.count == 1 ? a : b, other = a.count == 1 ? b : a;
        const uint64_t rest =
            other.count == 1 ? other.word[0] : mpn_mod_1(other.word, (mp_size_t)other.count, one.word[0]);

        out->word[0] = rest == 0 ? one.word[0] : gcd_words(one.word[0], rest);
        out->count = 1;
        return;
    }
    struct natural x, y; /* odd: what both have of 2 is put back */
    const size_t a_zeros = zero_bits(a), b_zeros = zero_bits(b),
                 zeros = a_zeros < b_zeros ? a_zeros : b_zeros;

    shift_right(&x, a, a_zeros);
    shift_right(&y, b, b_zeros);
    const bool swap = x.count < y.count;
    struct natural *large = swap ? &y : &x, *small = swap ? &x : &y;
    const size_t skip = zeros / 64;

    memset(out->word, 0, skip * sizeof *out->word);
    size_t count = (size_t)mpn_gcd(out->word + skip, large->word, (mp_size_t)large->count, small->word,
                                   (mp_size_t)small->count);
    if (zeros % 64 != 0) {
        const uint64_t over =
            mpn_lshift(out->word + skip, out->word + skip, (mp_size_t)count, (unsigned)(zeros % 64));
        if (over != 0)
            out->word[skip + count++] = over;
    }
    out->count = skip + count;
}

/* The quotient of an exact division. */
static void divide_exactly(struct natural *out, struct words a, struct words b)
{
    if (a.count == 0 || is_one(b)) {
        memcpy(out->word, a.word, a.count * sizeof *a.word);
        out->count = a.count;
        return;
    }
    out->count = a.count - b.count + 1;
    if (b.count == 1) {
        mpn_divrem_1(out->word, 0, a.word, (mp_size_t)a.count, b.word[0]);
    } else {
        uint64_t rest[WORK_WORDS];
        mpn_tdiv_qr(out->word, rest, 0, a.word, (mp_size_t)a.count, b.word, (mp_size_t)b.count);
    }
    out->count = significant(out->word, out->count);
}

/* a and b have no more than WORDS words each. */
static void product(struct natural *out, struct words a, struct words b)
{
    const struct words large = a.count < b.count ? b : a, small = a.count < b.count ? a : b;

    out->count = 0;
    if (small.count == 0)
        return;
    out->count = large.count + small.count;
    if (small.count == 1)
        out->word[large.count] = mpn_mul_1(out->word, large.word, (mp_size_t)large.count, small.word[0]);
    else
        mpn_mul(out->word, large.word, (mp_size_t)large.count, small.word, (mp_size_t)small.count);
    out->count -= out->word[out->count - 1] == 0;
}

static int compare(struct words a, struct words b)
{
    if (a.count != b.count)
        return a.count < b.count ? -1 : 1;
    return a.count == 0 ? 0 : mpn_cmp(a.word, b.word, (mp_size_t)a.count);
}

/* a +- b with signs; the sign is returned, of 0 too. */
static bool sum(struct natural *out, struct words a, bool a_negative, struct words b, bool b_negative)
{
    const bool swap = compare(a, b) < 0;
    const struct words large = swap ? b : a, small = swap ? a : b;
    const bool negative = swap ? b_negative : a_negative;

    out->count = large.count;
    if (small.count == 0) {
        memcpy(out->word, large.word, large.count * sizeof *large.word);
    } else if (a_negative != b_negative) {
        mpn_sub(out->word, large.word, (mp_size_t)large.count, small.word, (mp_size_t)small.count);
        out->count = significant(out->word, out->count);
    } else {
        const uint64_t carry =
            mpn_add(out->word, large.word, (mp_size_t)large.count, small.word, (mp_size_t)small.count);
        if (carry != 0)
            out->word[out->count++] = carry;
    }
    return negative;
}

/* p and q are reduced, and not words of `out`. */
static bool store(struct toll_rational *out, bool negative, struct words p, struct words q)
{
    if (p.count > WORDS || q.count > WORDS)
        return false;
    if (p.count == 0) {
        toll_rational_zero(out);
        return true;
    }
    out->p_count = (uint16_t)p.count;
    out->q_count = (uint16_t)q.count;
    out->negative = negative;
    memcpy(out->word, p.word, p.count * sizeof *p.word);
    memcpy(out->word + p.count, q.word, q.count * sizeof *q.word);
    return true;
}

static void store_small(struct toll_rational *out, bool negative, wide2 p, wide2 q)
{
    const uint64_t words[4] = {(uint64_t)p, (uint64_t)(p >> 64), (uint64_t)q, (uint64_t)(q >> 64)};

    store(out, negative, (struct words){words, significant(words, 2)},
          (struct words){words + 2, significant(words + 2, 2)});
}

void toll_rational_zero(struct toll_rational *out)
{
    out->p_count = 0;
    out->q_count = 1;
    out->negative = false;
    out->word[0] = 1;
}

void toll_rational_of_total(struct toll_rational *out, toll_total n, int64_t d)
{
    TOLL_DCHECK(d > 0);
    const wide2 p = n < 0 ? -(wide2)n : (wide2)n;
    const uint64_t rest = (uint64_t)(p % (uint64_t)d);
    const uint64_t common = rest == 0 ? (uint64_t)d : gcd_words((uint64_t)d, rest);

    store_small(out, n < 0, p / common, (uint64_t)d / common);
}

void toll_rational_of(struct toll_rational *out, int64_t n, int64_t d)
{
    toll_rational_of_total(out, n, d);
}

static size_t bytes_of(const struct toll_rational *a)
{
    return offsetof(struct toll_rational, word) + sizeof *a->word * ((size_t)a->p_count + a->q_count);
}

void toll_rational_copy(struct toll_rational *out, const struct toll_rational *a)
{
    memmove(out, a, bytes_of(a));
}

const struct toll_rational *toll_rational_keep(const struct toll_rational *a, struct toll_arena *arena)
{
    struct toll_rational *copy = toll_arena_alloc(arena, bytes_of(a));

    if (copy != NULL)
        memcpy(copy, a, bytes_of(a));
    return copy;
}

static bool all_small(struct parts a, struct parts b)
{
    return a.p.count == 1 && a.q.count == 1 && b.p.count == 1 && b.q.count == 1;
}

static bool multiply(struct toll_rational *out, struct parts a, struct parts b)
{
    const bool negative = a.negative != b.negative;
    struct natural common, a_p, a_q, b_p, b_q, p, q;

    if (a.p.count == 0 || b.p.count == 0) {
        toll_rational_zero(out);
        return true;
    }
    if (all_small(a, b)) {
        const uint64_t one = gcd_words(a.p.word[0], b.q.word[0]), two = gcd_words(b.p.word[0], a.q.word[0]);

        store_small(out, negative, (wide2)(a.p.word[0] / one) * (b.p.word[0] / two),
                    (wide2)(a.q.word[0] / two) * (b.q.word[0] / one));
        return true;
    }
    if (!is_one(b.q)) {
        common_divisor(&common, a.p, b.q);
        if (!is_one(view(&common))) {
            divide_exactly(&a_p, a.p, view(&common));
            divide_exactly(&b_q, b.q, view(&common));
            a.p = view(&a_p);
            b.q = view(&b_q);
        }
    }
    if (!is_one(a.q)) {
        common_divisor(&common, b.p, a.q);
        if (!is_one(view(&common))) {
            divide_exactly(&b_p, b.p, view(&common));
            divide_exactly(&a_q, a.q, view(&common));
            b.p = view(&b_p);
            a.q = view(&a_q);
        }
    }
    product(&p, a.p, b.p);
    product(&q, a.q, b.q);
    return store(out, negative, view(&p), view(&q));
}

bool toll_rational_multiply(struct toll_rational *out, const struct toll_rational *a,
                            const struct toll_rational *b)
{
    return multiply(out, parts_of(a), parts_of(b));
}

bool toll_rational_divide(struct toll_rational *out, const struct toll_rational *a,
                          const struct toll_rational *b)
{
    const struct parts by = parts_of(b);

    TOLL_DCHECK(by.p.count > 0);
    return multiply(out, parts_of(a), (struct parts){by.q, by.p, by.negative});
}

/* Sums of single words that fit in two. */
static bool add_small(struct toll_rational *out, struct parts a, struct parts b)
{
    const uint64_t common = gcd_words(a.q.word[0], b.q.word[0]);
    const uint64_t a_q = a.q.word[0] / common, b_q = b.q.word[0] / common;
    const wide2 x = (wide2)a.p.word[0] * b_q, y = (wide2)b.p.word[0] * a_q;
    bool negative = a.negative;
    wide2 p;

    if (a.negative != b.negative) {
        p = x < y ? y - x : x - y;
        negative = x < y ? b.negative : a.negative;
    } else if (__builtin_add_overflow(x, y, &p)) {
        return false;
    }
    const uint64_t rest = (uint64_t)(p % common);
    const uint64_t left = common == 1 ? 1 : rest == 0 ? common : gcd_words(common, rest);

    store_small(out, negative, p / left, (wide2)a_q * (b.q.word[0] / left));
    return true;
}

static bool add(struct toll_rational *out, struct parts a, struct parts b)
{
    struct natural common, a_q, b_q, x, y, p, q, left;

    if (a.p.count == 0 || b.p.count == 0) {
        const struct parts one = a.p.count == 0 ? b : a;
        struct toll_rational copy;

        store(&copy, one.negative, one.p, one.q);
        toll_rational_copy(out, &copy);
        return true;
    }
    if (all_small(a, b) && add_small(out, a, b))
        return true;
    common.count = 1;
    common.word[0] = 1;
    const bool same = compare(a.q, b.q) == 0;
    if (same) {
        memcpy(common.word, a.q.word, a.q.count * sizeof *a.q.word);
        common.count = a.q.count;
    } else if (!is_one(a.q) && !is_one(b.q)) {
        common_divisor(&common, a.q, b.q);
    }
    divide_exactly(&a_q, a.q, view(&common));
    divide_exactly(&b_q, b.q, view(&common));
    product(&x, a.p, view(&b_q));
    product(&y, b.p, view(&a_q));
    const bool negative = sum(&p, view(&x), a.negative, view(&y), b.negative);
    if (p.count == 0) {
        toll_rational_zero(out);
        return true;
    }
    if (is_one(view(&common))) {
        product(&q, view(&a_q), b.q);
        return store(out, negative, view(&p), view(&q));
    }
    common_divisor(&left, view(&p), view(&common));
    divide_exactly(&x, view(&p), view(&left));
    divide_exactly(&y, b.q, view(&left));
    product(&q, view(&a_q), view(&y));
    return store(out, negative, view(&x), view(&q));
}

bool toll_rational_add(struct toll_rational *out, const struct toll_rational *a,
                       const struct toll_rational *b)
{
    return add(out, parts_of(a), parts_of(b));
}

bool toll_rational_subtract(struct toll_rational *out, const struct toll_rational *a,
                            const struct toll_rational *b)
{
    struct parts minus = parts_of(b);

    minus.negative = minus.p.count > 0 && !minus.negative;
    return add(out, parts_of(a), minus);
}

int toll_rational_compare(const struct toll_rational *a, const struct toll_rational *b)
{
    struct natural x, y;

    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    product(&x, parts_of(a).p, parts_of(b).q);
    product(&y, parts_of(b).p, parts_of(a).q);
    const int order = compare(view(&x), view(&y));
    return (order > 0) - (order < 0) == 0 ? 0 : (order > 0) != a->negative ? 1 : -1;
}

/* |a| x 10^decimals = *whole + rest / q; *half compares the rest with a half (-1, 0, 1). False: no 64 bits.
 */
static bool cut(const struct toll_rational *a, int decimals, uint64_t *whole, bool *rest, int *half)
{
    const struct parts of = parts_of(a);
    struct natural p, quotient, left, twice;
    uint64_t scale = 1;

    TOLL_ASSERT(decimals >= 0 && decimals <= 18);
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    *whole = 0;
    *rest = false;
    *half = -1;
    if (of.p.count == 0)
        return true;
    product(&p, of.p, (struct words){&scale, 1});
    if (p.count > of.q.count + 1)
        return false;
    left = p;
    if (p.count >= of.q.count) {
        quotient.count = p.count - of.q.count + 1;
        mpn_tdiv_qr(quotient.word, left.word, 0, p.word, (mp_size_t)p.count, of.q.word,
                    (mp_size_t)of.q.count);
        left.count = significant(left.word, of.q.count);
        quotient.count = significant(quotient.word, quotient.count);
        if (quotient.count > 1)
            return false;
        *whole = quotient.count == 0 ? 0 : quotient.word[0];
    }
    *rest = left.count > 0;
    sum(&twice, view(&left), false, view(&left), false);
    const int order = compare(view(&twice), of.q);
    *half = (order > 0) - (order < 0);
    return true;
}

static bool with_sign(uint64_t whole, bool negative, int64_t *out)
{
    if (whole > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - whole) : (int64_t)whole;
    return true;
}

bool toll_rational_round(const struct toll_rational *a, int decimals, enum toll_rounding rounding,
                         int64_t *out)
{
    uint64_t whole;
    bool rest, up = false;
    int half;

    if (!cut(a, decimals, &whole, &rest, &half))
        return false;
    switch (rounding) {
    case TOLL_HALF_UP:
        up = half >= 0;
        break;
    case TOLL_HALF_EVEN:
        up = half > 0 || (half == 0 && whole % 2 == 1);
        break;
    case TOLL_UP:
        up = rest;
        break;
    case TOLL_DOWN:
        break;
    }
    return !__builtin_add_overflow(whole, (uint64_t)up, &whole) && with_sign(whole, a->negative, out);
}

bool toll_rational_floor(const struct toll_rational *a, int decimals, int64_t *out)
{
    return toll_rational_round(a, decimals, a->negative ? TOLL_UP : TOLL_DOWN, out);
}

bool toll_rational_exact(const struct toll_rational *a, int decimals, int64_t *out)
{
    uint64_t whole;
    bool rest;
    int half;

    return cut(a, decimals, &whole, &rest, &half) && !rest && with_sign(whole, a->negative, out);
}
