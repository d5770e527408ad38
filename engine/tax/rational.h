/*
 * Exact fractions for taxes: whole numbers of at most TOLL_WIDE_BITS bits, kept reduced, the denominator
 * above 0. The arithmetic on words is GMP's (mpn functions, which neither allocate for these sizes nor keep
 * state). What does not fit is said, never cut: every operation that can grow returns false then, and leaves
 * its result alone. Results may be the operands themselves.
 */
#ifndef TOLL_TAX_RATIONAL_H
#define TOLL_TAX_RATIONAL_H

#include "base/arena.h"
#include "base/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOLL_WIDE_WORDS 16
#define TOLL_WIDE_BITS (64 * TOLL_WIDE_WORDS)

/* The words of the numerator, lowest first, then those of the denominator; what is behind them is not set
 * and, in an arena, not there: a fraction is copied by toll_rational_copy, never by assignment. */
struct toll_rational {
    uint16_t p_count, q_count; /* words: of 0 none, and the denominator's is 1 */
    bool negative;             /* never of 0 */
    uint64_t word[2 * TOLL_WIDE_WORDS];
};

void toll_rational_zero(struct toll_rational *out);
/* n / d, d above 0 */
void toll_rational_of(struct toll_rational *out, int64_t n, int64_t d);
void toll_rational_of_total(struct toll_rational *out, toll_total n, int64_t d);
void toll_rational_copy(struct toll_rational *out, const struct toll_rational *a);
/* A copy in the arena that takes no more words than it has. NULL: out of memory. */
const struct toll_rational *toll_rational_keep(const struct toll_rational *a, struct toll_arena *arena);

bool toll_rational_add(struct toll_rational *out, const struct toll_rational *a,
                       const struct toll_rational *b);
bool toll_rational_subtract(struct toll_rational *out, const struct toll_rational *a,
                            const struct toll_rational *b);
bool toll_rational_multiply(struct toll_rational *out, const struct toll_rational *a,
                            const struct toll_rational *b);
/* b is not zero */
bool toll_rational_divide(struct toll_rational *out, const struct toll_rational *a,
                          const struct toll_rational *b);
int toll_rational_compare(const struct toll_rational *a, const struct toll_rational *b); /* -1, 0, 1 */
static inline bool toll_rational_is_zero(const struct toll_rational *a)
{
    return a->p_count == 0;
}

/* The value times 10^decimals (0..18), rounded to a whole number; false: beyond 64 bits. */
bool toll_rational_round(const struct toll_rational *a, int decimals, enum toll_rounding rounding,
                         int64_t *out);
/* Cut down, towards minus infinity: likewise. */
bool toll_rational_floor(const struct toll_rational *a, int decimals, int64_t *out);
/* n when the value is exactly n * 10^-decimals and fits. */
bool toll_rational_exact(const struct toll_rational *a, int decimals, int64_t *out);
/* Text as docs/TAX.md section 5 has it: a decimal without trailing zeros where one is exact, else p/q;
 * terminated, needs at most TOLL_RATIONAL_TEXT_BYTES. Returns its length. */
#define TOLL_RATIONAL_TEXT_BYTES 1600
size_t toll_rational_text(const struct toll_rational *a, char *out);
/* Reads such a text. False: it is none, or does not fit. */
bool toll_rational_parse(struct toll_rational *out, const char *text);

#endif
