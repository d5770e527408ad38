/*
 * Billing periods: the month that begins on a day of the month, 00:00 local time, named by its first day
 * (docs/RATING.md section 11).
 */
#ifndef TOLL_BASE_CYCLE_H
#define TOLL_BASE_CYCLE_H

#include "base/zone.h"

#define TOLL_CYCLE_DAY_MAX 28 /* a day that every month has */

struct toll_cycle {
    toll_ms from, until; /* UTC, half open */
    int64_t day;         /* local days since 1970 of its first day */
};

/* The period around an instant; one beyond the years 1..9999 (of hostile data) gets a period of these.
 * cycle_day: 1..TOLL_CYCLE_DAY_MAX. A midnight that happens twice is the first one; one that never happens is
 * read with the offset before it. */
struct toll_cycle toll_cycle_at(const struct toll_zone *zone, int cycle_day, toll_ms utc);

#endif
