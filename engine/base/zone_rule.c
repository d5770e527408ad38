/* Reading the POSIX TZ string of a TZif footer and expanding it year by year. */
#include "base/zone_rule.h"

#include "base/time.h"

#define DAY_S INT64_C(86400)
#define OFFSET_HOURS_MAX 24  /* POSIX */
#define SWITCH_HOURS_MAX 167 /* RFC 8536, version 3 and later */
#define SWITCH_DEFAULT_S 7200

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, char character)
{
    if (cursor->at == cursor->end || *cursor->at != character)
        return false;
    cursor->at++;
    return true;
}

static bool is_letter(char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z');
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

static bool skip_name(struct cursor *cursor)
{
    const char *start;
    bool quoted = take(cursor, '<');

    for (start = cursor->at; cursor->at != cursor->end; cursor->at++) {
        char character = *cursor->at;

        if (!is_letter(character) &&
            !(quoted && (is_digit(character) || character == '+' || character == '-')))
            break;
    }
    return cursor->at - start >= 3 && (!quoted || take(cursor, '>'));
}

static bool take_number(struct cursor *cursor, int minimum, int maximum, int *out)
{
    int value = 0;
    const char *start = cursor->at;

    for (; cursor->at != cursor->end && is_digit(*cursor->at) && value <= maximum; cursor->at++)
        value = 10 * value + (*cursor->at - '0');
    *out = value;
    return cursor->at != start && value >= minimum && value <= maximum;
}

/* [+-]hh[:mm[:ss]] as seconds. */
static bool take_clock(struct cursor *cursor, int hours_maximum, int32_t *out)
{
    int hours, minutes = 0, seconds = 0, sign = 1;

    if (take(cursor, '-'))
        sign = -1;
    else
        (void)take(cursor, '+');
    if (!take_number(cursor, 0, hours_maximum, &hours))
        return false;
    if (take(cursor, ':')) {
        if (!take_number(cursor, 0, 59, &minutes))
            return false;
        if (take(cursor, ':') && !take_number(cursor, 0, 59, &seconds))
            return false;
    }
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_switch(struct cursor *cursor, struct toll_zone_switch *out)
{
    *out = (struct toll_zone_switch){.second = SWITCH_DEFAULT_S};
    if (take(cursor, 'M')) {
        out->kind = TOLL_SWITCH_MONTH_WEEK_DAY;
        if (!take_number(cursor, 1, 12, &out->month) || !take(cursor, '.') ||
            !take_number(cursor, 1, 5, &out->week) || !take(cursor, '.') ||
            !take_number(cursor, 0, 6, &out->day))
            return false;
    } else if (take(cursor, 'J')) {
        out->kind = TOLL_SWITCH_JULIAN;
        if (!take_number(cursor, 1, 365, &out->day))
            return false;
    } else {
        out->kind = TOLL_SWITCH_ZERO_BASED;
        if (!take_number(cursor, 0, 365, &out->day))
            return false;
    }
    return !take(cursor, '/') || take_clock(cursor, SWITCH_HOURS_MAX, &out->second);
}

bool toll_zone_rule_parse(const char *text, size_t bytes, struct toll_zone_rule *out)
{
    struct cursor cursor = {text, text + bytes};
    int32_t west_s;

    *out = (struct toll_zone_rule){0};
    /* POSIX counts offsets west of Greenwich. */
    if (!skip_name(&cursor) || !take_clock(&cursor, OFFSET_HOURS_MAX, &west_s))
        return false;
    out->standard_offset_s = -west_s;
    if (cursor.at == cursor.end)
        return true;
    out->has_summer = true;
    out->summer_offset_s = out->standard_offset_s + 3600;
    if (!skip_name(&cursor))
        return false;
    if (cursor.at != cursor.end && *cursor.at != ',') {
        if (!take_clock(&cursor, OFFSET_HOURS_MAX, &west_s))
            return false;
        out->summer_offset_s = -west_s;
    }
    return take(&cursor, ',') && take_switch(&cursor, &out->to_summer) && take(&cursor, ',') &&
           take_switch(&cursor, &out->to_standard) && cursor.at == cursor.end;
}

static bool leap_year(int year)
{
    return toll_days_from_civil(year, 3, 1) - toll_days_from_civil(year, 2, 1) == 29;
}

static int64_t switch_day(const struct toll_zone_switch *change, int year)
{
    int64_t new_year = toll_days_from_civil(year, 1, 1), first, day, next_month;

    switch (change->kind) {
    case TOLL_SWITCH_JULIAN: /* 1..365, the 29th of February is never counted */
        return new_year + change->day - 1 + (change->day >= 60 && leap_year(year));
    case TOLL_SWITCH_ZERO_BASED: /* 0..365, it is counted */
        return new_year + change->day;
    case TOLL_SWITCH_MONTH_WEEK_DAY:
        break;
    }
    first = toll_days_from_civil(year, change->month, 1);
    /* Day 0 is Sunday; ISO counts it as 7. */
    day = first + (change->day - toll_iso_weekday(first) % 7 + 7) % 7 + 7 * (change->week - 1);
    next_month = change->month == 12 ? toll_days_from_civil(year + 1, 1, 1)
                                     : toll_days_from_civil(year, change->month + 1, 1);
    return day < next_month ? day : day - 7; /* week 5 means the last one */
}

void toll_zone_rule_year(const struct toll_zone_rule *rule, int year, int64_t at_s[2], int32_t offset_s[2])
{
    int64_t to_summer, to_standard;
    int first;

    /* Each switch is told in the wall clock that it ends. */
    to_summer = switch_day(&rule->to_summer, year) * DAY_S + rule->to_summer.second - rule->standard_offset_s;
    to_standard =
        switch_day(&rule->to_standard, year) * DAY_S + rule->to_standard.second - rule->summer_offset_s;
    first = to_summer <= to_standard ? 0 : 1;
    at_s[first] = to_summer;
    offset_s[first] = rule->summer_offset_s;
    at_s[1 - first] = to_standard;
    offset_s[1 - first] = rule->standard_offset_s;
}
