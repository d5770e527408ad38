/* How much a pool is given for a period, and which of its lots can be drawn on: docs/RATING.md 12.1. */
#ifndef TOLL_RATING_POOL_LOTS_H
#define TOLL_RATING_POOL_LOTS_H

#include "base/cycle.h"
#include "ratetable/layout.h"

#include <stdbool.h>

/* So that the lots of 37 periods, and what is drawn on them, fit in 63 bits. */
#define TOLL_LOT_UNITS_MOST (INT64_C(1) << 57)

/* The lot of a period: what is in force at some time of it, whole or (prorate) by its days from the beginning
 * on; local dates are the zone's. False: more than TOLL_LOT_UNITS_MOST; *units is then that. */
bool toll_lot_size(const struct toll_grant *grants, uint32_t count, bool prorate,
                   const struct toll_zone *zone, const struct toll_cycle *cycle, int64_t *units);

/* The month (base/cycle.h) of the oldest lot that calls of a period can draw on. begun: the first month whose
 * lot lives on; lots of earlier ones are for their own period. */
static inline int64_t toll_lot_oldest(int64_t month, int64_t begun, int rollover_periods)
{
    const int64_t oldest = month - rollover_periods;
    return month < begun ? month : oldest < begun ? begun : oldest;
}
/* The month of the last period in which a lot can be drawn on. */
static inline int64_t toll_lot_last(int64_t lot, int64_t begun, int rollover_periods)
{
    return lot < begun ? lot : lot + rollover_periods;
}

#endif
