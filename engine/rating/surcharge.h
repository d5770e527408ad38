/* What a surcharge comes to for the calls of one account and period (docs/RATING.md section 11). */
#ifndef TOLL_RATING_SURCHARGE_H
#define TOLL_RATING_SURCHARGE_H

#include "ratetable/layout.h"

/* Of `calls` that were looked at, `counted` were of the kind: 0 <= counted <= calls. *charged is how many are
 * charged, *charge is 0 when none is. decimals and rounding are the book's. False: the charge is out of
 * range. */
bool toll_surcharge_charge(const struct toll_surcharge *surcharge, int decimals, enum toll_rounding rounding,
                           int64_t calls, int64_t counted, int64_t *charged, toll_money *charge);

/* "short_calls" "attempts" "no_ani" */
const char *toll_surcharge_measure_name(unsigned measure);

#endif
