/* The exact charge of a line: docs/RATING.md sections 6 and 9. Rounded once, from the exact rational. */
#ifndef TOLL_RATING_CHARGE_H
#define TOLL_RATING_CHARGE_H

#include "ratetable/layout.h"

#include <stdbool.h>

/* The charge of `billed` >= 0 units by a deck row: connect fee, rate, minimum, maximum, rounding. False:
 * beyond what 64 bits hold (*charge is then 0). */
bool toll_charge_deck(const struct toll_terms *terms, int32_t billed, toll_money *charge);
/* The same from exact / divisor, the connect fee and what the units cost together: minimum, maximum, rounding
 * by a deck row's terms. exact >= 0 and below 2^126, divisor below 2^31. */
bool toll_charge_exact(const struct toll_terms *terms, toll_total exact, int64_t divisor, toll_money *charge);
/* A flat rule's amount, or a mark-up rule's provider charge x (1 + percent / 100) + amount. */
bool toll_charge_flat(const struct toll_terms *terms, toll_money *charge);
bool toll_charge_markup(const struct toll_terms *terms, toll_money provider_charge, toll_money *charge);
/* A credit: the negated charge. */
bool toll_charge_negate(toll_money *charge);

#endif
