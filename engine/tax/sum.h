/*
 * Exact sums of many amounts, most of which have few digits: those are added as whole numbers of a fixed
 * unit, 1/60 of 1e-26 (a charge in 1e-8 times a coefficient in 1e-18; minutes are sixtieths), the others as
 * fractions. Nothing is ever rounded here but to cents, at the end.
 */
#ifndef TOLL_TAX_SUM_H
#define TOLL_TAX_SUM_H

#include "tax/rational.h"

struct toll_tax_sum {
    toll_total fixed;
    struct toll_rational *rest; /* besides; NULL: nothing */
};

/* The two numbers that the unit is made of: 60e26 = (6e9 x 1e18). */
#define TOLL_TAX_UNIT_LOW INT64_C(1000000000000000000)
#define TOLL_TAX_UNIT_HIGH INT64_C(6000000000)

/* All return false when it does not fit; then nothing has changed. The rest's memory comes from the arena. */
static inline bool toll_tax_sum_add_fixed(struct toll_tax_sum *sum, toll_total fixed)
{
    return !__builtin_add_overflow(sum->fixed, fixed, &sum->fixed);
}
bool toll_tax_sum_add_rational(struct toll_tax_sum *sum, const struct toll_rational *value,
                               struct toll_arena *arena);
static inline bool toll_tax_sum_add(struct toll_tax_sum *sum, const struct toll_tax_sum *value,
                                    struct toll_arena *arena)
{
    return toll_tax_sum_add_fixed(sum, value->fixed) &&
           (value->rest == NULL || toll_tax_sum_add_rational(sum, value->rest, arena));
}
bool toll_tax_sum_rational(const struct toll_tax_sum *sum, struct toll_rational *out);
/* A whole number of 1/100, rounded once. */
bool toll_tax_sum_cents(const struct toll_tax_sum *sum, enum toll_rounding rounding, int64_t *out);
/* A cent is 6e25 units: 2^26 x 894069671630859375, so that two cheap steps divide by it. */
#define TOLL_TAX_CENT_SHIFT 26
#define TOLL_TAX_CENT_ODD INT64_C(894069671630859375)
#define TOLL_TAX_CENT ((toll_total)TOLL_TAX_CENT_ODD * (1 << TOLL_TAX_CENT_SHIFT))
/* Hundredths, cut towards minus infinity, and what is left. */
static inline int64_t toll_tax_fixed_floor(toll_total fixed, toll_total *rest)
{
    const toll_total high = fixed >> TOLL_TAX_CENT_SHIFT;
    toll_total whole = high / TOLL_TAX_CENT_ODD;
    whole -= whole * TOLL_TAX_CENT_ODD > high;
    *rest = fixed - whole * TOLL_TAX_CENT;
    return (int64_t)whole;
}
/* As toll_rational_text; "0" at least. */
bool toll_tax_sum_text(const struct toll_tax_sum *sum, char out[TOLL_RATIONAL_TEXT_BYTES]);

#endif
