/* The exact charge of a line: docs/RATING.md sections 6 and 9. Rounded once, from the exact rational. */
#ifndef TOLL_RATING_CHARGE_H
#define TOLL_RATING_CHARGE_H

#include "ratetable/layout.h"

#include <stddef.h>

/* The charge of `billed` >= 0 units by a deck row: connect fee, rate, minimum, maximum, rounding. False:
 * beyond what 64 bits hold (*charge is then 0). */
bool toll_charge_deck(const struct toll_terms *terms, int32_t billed, toll_money *charge);
/* A flat rule's amount, or a mark-up rule's provider charge x (1 + percent / 100) + amount. */
bool toll_charge_flat(const struct toll_terms *terms, toll_money *charge);
bool toll_charge_markup(const struct toll_terms *terms, toll_money provider_charge, toll_money *charge);
/* A credit: the negated charge. */
bool toll_charge_negate(toll_money *charge);

/*
 * Terms prepared so that a charge takes one multiplication for rate x billed and one for the division.
 * Everything is in 1e-8 of money x per: n = clamp(connect + rate * billed), charge = (n + bias) / (per *
 * quantum) * quantum. usable is 0 where n might reach 2^63 for billed < 2^26, or the rounding is half_even.
 * Derived when a run is planned, never stored.
 */
struct toll_charge_fast {
    uint64_t rate, connect, minimum, maximum;
    uint64_t magic; /* floor(2^(63 + log2) / divisor) + 1, log2 = ceil(log2 divisor) */
    uint64_t bias;  /* half_up: divisor / 2, up: divisor - 1, down: 0 */
    uint32_t quantum;
    uint8_t shift; /* log2 - 1, of the high half of the product */
    uint8_t exact; /* 1: only toll_charge_deck knows */
    uint16_t spare;
};
_Static_assert(sizeof(struct toll_charge_fast) == 56, "one cache line or two");
#define TOLL_CHARGE_FAST_UNITS (1 << 26)

struct toll_charge_fast toll_charge_fast_make(const struct toll_terms *terms);

/* A block of rows of deck terms: row i has terms[index[i]]; rows with outcome[i] != 0 (enum
 * toll_billed_outcome) and index 0 get charge 0. An overflow sets outcome[i] to TOLL_BILLED_OVERFLOW. */
void toll_charge_block(const struct toll_terms *terms, const struct toll_charge_fast *fast,
                       const uint32_t *index, const int32_t *billed, size_t rows, int64_t *charge,
                       uint8_t *outcome);

#endif
