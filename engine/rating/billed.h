/* Units used and billed: docs/RATING.md section 7. */
#ifndef TOLL_RATING_BILLED_H
#define TOLL_RATING_BILLED_H

#include "ratetable/layout.h"

enum toll_billed_outcome {
    TOLL_BILLED,      /* go on at the charge */
    TOLL_BILLED_ZERO, /* nothing was used and zero_s says free: no charge */
    TOLL_BILLED_OVERFLOW,
};

/* Seconds of a duration, rounded by `rounding`; a negative duration counts as 0. Without a deck:
 * TOLL_DURATION_UP. */
int64_t toll_units_of_ms(int32_t duration_ms, enum toll_duration_rounding rounding);

/* Steps 1 and 2: of `used` >= 0 units those that are to be billed, 0 too: TOLL_BILLED or TOLL_BILLED_ZERO. */
enum toll_billed_outcome toll_units_wanted(const struct toll_terms *terms, int64_t used, int64_t *wanted);

/* Billed units of a deck row for `used` >= 0 units. billed is 0 unless the outcome is TOLL_BILLED. */
enum toll_billed_outcome toll_billed(const struct toll_terms *terms, int64_t used, int32_t *billed);
/* The same for rules without a deck: the units used, as far as they are below 2^31. */
enum toll_billed_outcome toll_billed_as_used(int64_t used, int32_t *billed);

#endif
