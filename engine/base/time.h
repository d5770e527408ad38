/*
 * Instants and civil dates. An instant is int64_t milliseconds of UTC since 1970 (toll_ms; no leap seconds,
 * as POSIX). "Local" values are the wall clock counted as if it were UTC; base/zone.h converts. The proleptic
 * Gregorian calendar, years 1..9999.
 */
#ifndef TOLL_BASE_TIME_H
#define TOLL_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t toll_ms;
#define TOLL_MS_MIN INT64_MIN /* "from ever" */
#define TOLL_MS_MAX INT64_MAX /* "for ever" */
#define TOLL_DAY_MS INT64_C(86400000)

struct toll_civil {
    int year, month, day, hour, minute, second, millisecond;
};

bool toll_civil_valid(const struct toll_civil *civil);      /* a real date and time of day; second 0..59 */
int64_t toll_days_from_civil(int year, int month, int day); /* days since 1970-01-01 */
void toll_civil_from_days(int64_t days, int *year, int *month, int *day);
int toll_iso_weekday(int64_t days); /* 1 = Monday .. 7 = Sunday */
toll_ms toll_ms_from_civil(const struct toll_civil *civil);
void toll_civil_from_ms(toll_ms ms, struct toll_civil *out);

/* floor(ms / one day): the UTC day of an instant, also before 1970. */
static inline int64_t toll_day_of_ms(toll_ms ms)
{
    return ms >= 0 ? ms / TOLL_DAY_MS : (ms + 1) / TOLL_DAY_MS - 1;
}

#define TOLL_TIME_TEXT_BYTES 32
/* Days and instants outside the years 1..9999 (TOLL_MS_MIN too) print as the first or last one inside. */
size_t toll_day_format(int64_t days, char *buffer); /* "2026-11-21" */
bool toll_day_parse(const char *text, size_t bytes, int64_t *days);
size_t toll_ms_format(toll_ms ms, char *buffer); /* "2026-11-21T09:48:27.000Z" */

/* ISO 8601 date or date-time: "2026-11-21", "2026-11-21[T ]09:48[:27[.123456]]", optional "Z" or
 * "+hh:mm"/"+hhmm". Fractions are cut to ms. *has_offset tells whether an offset was given (*offset_s then
 * holds it, seconds east); *local_ms is the wall clock. False when malformed or not a real time. */
bool toll_iso_parse(const char *text, size_t bytes, toll_ms *local_ms, bool *has_offset, int32_t *offset_s);

#endif
