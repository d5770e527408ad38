/* Exact sums. See sum.h. */
#include "tax/sum.h"

#include <string.h>

bool toll_tax_sum_add_rational(struct toll_tax_sum *sum, const struct toll_rational *value,
                               struct toll_arena *arena)
{
    if (toll_rational_is_zero(value))
        return true;
    if (sum->rest != NULL)
        return toll_rational_add(sum->rest, sum->rest, value);
    sum->rest = toll_arena_alloc(arena, sizeof *sum->rest);
    if (sum->rest == NULL)
        return false;
    toll_rational_copy(sum->rest, value);
    return true;
}

bool toll_tax_sum_rational(const struct toll_tax_sum *sum, struct toll_rational *out)
{
    struct toll_rational low, high;
    toll_rational_of_total(&low, sum->fixed, TOLL_TAX_UNIT_LOW);
    toll_rational_of(&high, 1, TOLL_TAX_UNIT_HIGH);
    return toll_rational_multiply(out, &low, &high) &&
           (sum->rest == NULL || toll_rational_add(out, out, sum->rest));
}

bool toll_tax_sum_cents(const struct toll_tax_sum *sum, enum toll_rounding rounding, int64_t *out)
{
    if (sum->rest != NULL && !toll_rational_is_zero(sum->rest)) {
        struct toll_rational value;
        return toll_tax_sum_rational(sum, &value) && toll_rational_round(&value, 2, rounding, out);
    }
    *out = (int64_t)toll_round_ratio(sum->fixed, TOLL_TAX_CENT, rounding);
    return true;
}

/* A decimal is exact where the sixtieths leave no third: then it is n x 1e-28, and printed without its zeros.
 */
static bool decimal_text(toll_total fixed, char *out)
{
    enum { PLACES = 28 };
    toll_total n;
    char digits[48];
    if (fixed % 3 != 0 || __builtin_mul_overflow(fixed / 3, (toll_total)5, &n))
        return false;
    size_t length = toll_total_format(n < 0 ? -n : n, 0, digits), at = 0;
    if (n < 0)
        out[at++] = '-';
    const size_t whole = length > PLACES ? length - PLACES : 0;
    if (whole == 0)
        out[at++] = '0';
    memcpy(out + at, digits, whole);
    at += whole;
    out[at++] = '.';
    for (size_t i = length; i < PLACES; i++)
        out[at++] = '0';
    memcpy(out + at, digits + whole, length - whole);
    at += length - whole;
    while (out[at - 1] == '0')
        at--;
    at -= out[at - 1] == '.';
    out[at] = 0;
    return true;
}

bool toll_tax_sum_text(const struct toll_tax_sum *sum, char out[TOLL_RATIONAL_TEXT_BYTES])
{
    struct toll_rational value;
    if ((sum->rest == NULL || toll_rational_is_zero(sum->rest)) && decimal_text(sum->fixed, out))
        return true;
    if (!toll_tax_sum_rational(sum, &value))
        return false;
    toll_rational_text(&value, out);
    return true;
}
