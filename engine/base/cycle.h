/*
 * Billing periods: the month that begins on a day of the month, 00:00 local time, named by its first day
 * (docs/RATING.md sections 11 and 12.1). Each belongs to the calendar month in which it begins, so that a
 * month, counted from year 0 on (year * 12 + month - 1), names a period, too.
 */
#ifndef TOLL_BASE_CYCLE_H
#define TOLL_BASE_CYCLE_H

#include "base/zone.h"

#define TOLL_CYCLE_DAY_MAX 28  /* of an account: a day that every month has */
#define TOLL_CYCLE_LAST_DAY 31 /* of a bundle: in a month without that day, its last day */

struct toll_cycle {
    toll_ms from, until; /* UTC, half open */
    int64_t day;         /* local days since 1970 of its first day */
    int64_t next_day;    /* and of the next one's */
    int64_t month;       /* in which that lies */
};

/* The period around an instant; one beyond the years 1..9999 (of hostile data) gets a period of these.
 * cycle_day: 1..TOLL_CYCLE_LAST_DAY. A midnight that happens twice is the first one; one that never happens
 * is read with the offset before it. */
struct toll_cycle toll_cycle_at(const struct toll_zone *zone, int cycle_day, toll_ms utc);
/* The period that begins in a month of the years 1..9999. */
struct toll_cycle toll_cycle_of_month(const struct toll_zone *zone, int cycle_day, int64_t month);

/* Local days since 1970: the first day of the period that begins in a month, and the month in which the
 * period begins that holds a day. */
int64_t toll_cycle_first_day(int cycle_day, int64_t month);
int64_t toll_cycle_month_of_day(int cycle_day, int64_t day);

#endif
