/*
 * The footer of a TZif file: a POSIX TZ string (IEEE 1003.1 section 8.3, with the hours up to 167 and the
 * quoted names of RFC 8536 section 3.3.1) and the instants at which it changes the offset.
 */
#ifndef TOLL_BASE_ZONE_RULE_H
#define TOLL_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One switch date: Mm.w.d, Jn or n, and the seconds of the wall clock in force before it. */
struct toll_zone_switch {
    enum { TOLL_SWITCH_MONTH_WEEK_DAY, TOLL_SWITCH_JULIAN, TOLL_SWITCH_ZERO_BASED } kind;
    int month, week, day; /* month and week for Mm.w.d only */
    int32_t second;       /* may be negative or beyond a day */
};

struct toll_zone_rule {
    int32_t standard_offset_s, summer_offset_s; /* east of UTC */
    bool has_summer;
    struct toll_zone_switch to_summer, to_standard;
};

/* False when malformed, also when summer time has no switch dates. */
bool toll_zone_rule_parse(const char *text, size_t bytes, struct toll_zone_rule *out);

/* The two switches of a year (year 1..9999), in seconds of UTC since 1970, earlier one first, and the offset
 * that each begins. The rule has summer time. */
void toll_zone_rule_year(const struct toll_zone_rule *rule, int year, int64_t at_s[2], int32_t offset_s[2]);

#endif
