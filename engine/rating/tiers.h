/*
 * What units cost by the tiers of a period: docs/RATING.md section 13. C(before + q) - C(before) is summed
 * over the tiers between the two only, so that 128 bits hold it exactly whatever was used before: a line has
 * less than 2^31 units, a rate is below 2^63, the least common multiple of `per` below 2^31.
 *
 * rows: the book's tier_rows, in which `tiers` has its own.
 */
#ifndef TOLL_RATING_TIERS_H
#define TOLL_RATING_TIERS_H

#include "ratetable/layout.h"

#include <stdbool.h>

/* The charge of a line of `units` (0 <= units < 2^31), rounded once; of a credit before it is negated.
 * before: units that the same count had before it (graduated and package); reached: the units of its whole
 * period (volume); both >= 0, neither looked at for period `call`, whose lines have their fees, minimum and
 * maximum themselves. before + units must not overflow. False: out of range; *charge is then 0. */
bool toll_tiers_charge(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t before,
                       int64_t reached, int64_t units, toll_money *charge);

/* The tier that holds the last of so many units: an index of rows. 0 units: the first. */
uint32_t toll_tiers_reached(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t units);

/* What a period comes to beside its lines: the fees of the tiers that its units have entered, what the spend
 * (`lines` and that fee) is short of the minimum, and minus what it is above the maximum. All 0 for period
 * `call`. False: out of range. */
struct toll_tiers_due {
    toll_money fee, minimum, maximum;
};
bool toll_tiers_period(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t units,
                       toll_total lines, struct toll_tiers_due *due);

#endif
