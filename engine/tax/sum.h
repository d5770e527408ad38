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
bool toll_tax_sum_add_fixed(struct toll_tax_sum *sum, toll_total fixed);
bool toll_tax_sum_add_rational(struct toll_tax_sum *sum, const struct toll_rational *value,
                               struct toll_arena *arena);
bool toll_tax_sum_add(struct toll_tax_sum *sum, const struct toll_tax_sum *value, struct toll_arena *arena);
bool toll_tax_sum_rational(const struct toll_tax_sum *sum, struct toll_rational *out);
/* A whole number of 1/100, rounded once. */
bool toll_tax_sum_cents(const struct toll_tax_sum *sum, enum toll_rounding rounding, int64_t *out);
/* Hundredths, cut towards minus infinity, and what is left. */
int64_t toll_tax_fixed_floor(toll_total fixed, toll_total *rest);
/* As toll_rational_text; "0" at least. */
bool toll_tax_sum_text(const struct toll_tax_sum *sum, char out[TOLL_RATIONAL_TEXT_BYTES]);

#endif
