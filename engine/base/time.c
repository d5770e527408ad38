/*
 * Civil dates by counting in eras of 400 years (146,097 days) from 0000-03-01, so that the leap day is the
 * last day of a year and months come out of one linear formula.
 */
#include "base/time.h"

#define DAYS_PER_ERA 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define YEAR_MAX 9999
#define DAY_MIN INT64_C(-719162) /* 0001-01-01 */
#define DAY_MAX INT64_C(2932896) /* 9999-12-31 */

int64_t toll_days_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

void toll_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + DAYS_TO_1970;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

int toll_iso_weekday(int64_t days)
{
    int64_t from_monday = (days + 3) % 7; /* 1970-01-01 was a Thursday */

    return (int)(from_monday < 0 ? from_monday + 8 : from_monday + 1);
}

static bool leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool date_valid(int year, int month, int day)
{
    static const int month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return year >= 1 && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= month_days[month - 1] + (month == 2 && leap_year(year));
}

bool toll_civil_valid(const struct toll_civil *civil)
{
    return date_valid(civil->year, civil->month, civil->day) && civil->hour >= 0 && civil->hour <= 23 &&
           civil->minute >= 0 && civil->minute <= 59 && civil->second >= 0 && civil->second <= 59 &&
           civil->millisecond >= 0 && civil->millisecond <= 999;
}

toll_ms toll_ms_from_civil(const struct toll_civil *civil)
{
    int64_t seconds = (int64_t)civil->hour * 3600 + (int64_t)civil->minute * 60 + civil->second;

    return toll_days_from_civil(civil->year, civil->month, civil->day) * TOLL_DAY_MS + seconds * 1000 +
           civil->millisecond;
}

void toll_civil_from_ms(toll_ms ms, struct toll_civil *out)
{
    int64_t days = toll_day_of_ms(ms);
    int rest = (int)((ms % TOLL_DAY_MS + TOLL_DAY_MS) % TOLL_DAY_MS);

    toll_civil_from_days(days, &out->year, &out->month, &out->day);
    out->millisecond = rest % 1000;
    out->second = rest / 1000 % 60;
    out->minute = rest / 60000 % 60;
    out->hour = rest / 3600000;
}

/* Writes value with exactly `width` digits and returns the place behind them. */
static char *put_number(char *out, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

static char *put_date(char *out, int year, int month, int day)
{
    out = put_number(out, year, 4);
    *out++ = '-';
    out = put_number(out, month, 2);
    *out++ = '-';
    return put_number(out, day, 2);
}

size_t toll_day_format(int64_t days, char *buffer)
{
    int year, month, day;
    char *end;

    days = days < DAY_MIN ? DAY_MIN : days > DAY_MAX ? DAY_MAX : days;
    toll_civil_from_days(days, &year, &month, &day);
    end = put_date(buffer, year, month, day);
    *end = '\0';
    return (size_t)(end - buffer);
}

size_t toll_ms_format(toll_ms ms, char *buffer)
{
    struct toll_civil civil;
    char *end;

    ms = ms < DAY_MIN * TOLL_DAY_MS ? DAY_MIN * TOLL_DAY_MS : ms;
    ms = ms >= (DAY_MAX + 1) * TOLL_DAY_MS ? (DAY_MAX + 1) * TOLL_DAY_MS - 1 : ms;
    toll_civil_from_ms(ms, &civil);
    end = put_date(buffer, civil.year, civil.month, civil.day);
    *end++ = 'T';
    end = put_number(end, civil.hour, 2);
    *end++ = ':';
    end = put_number(end, civil.minute, 2);
    *end++ = ':';
    end = put_number(end, civil.second, 2);
    *end++ = '.';
    end = put_number(end, civil.millisecond, 3);
    *end++ = 'Z';
    *end = '\0';
    return (size_t)(end - buffer);
}

/* What is left of a text that is being read from the left. */
struct rest {
    const char *at, *end;
};

static bool take_number(struct rest *rest, int width, int *out)
{
    int value = 0;

    if (rest->end - rest->at < width)
        return false;
    for (int i = 0; i < width; i++) {
        unsigned digit = (unsigned)(unsigned char)rest->at[i] - '0';

        if (digit > 9)
            return false;
        value = 10 * value + (int)digit;
    }
    rest->at += width;
    *out = value;
    return true;
}

static bool take_character(struct rest *rest, char character)
{
    if (rest->at == rest->end || *rest->at != character)
        return false;
    rest->at++;
    return true;
}

static bool take_date(struct rest *rest, struct toll_civil *civil)
{
    return take_number(rest, 4, &civil->year) && take_character(rest, '-') &&
           take_number(rest, 2, &civil->month) && take_character(rest, '-') &&
           take_number(rest, 2, &civil->day);
}

/* ".123456" cut to milliseconds; at least one digit. */
static bool take_fraction(struct rest *rest, int *millisecond)
{
    int scale = 100, digit;

    if (rest->at == rest->end || !take_number(rest, 1, &digit))
        return false;
    do {
        *millisecond += digit * scale;
        scale /= 10;
    } while (take_number(rest, 1, &digit));
    return true;
}

static bool take_clock(struct rest *rest, struct toll_civil *civil)
{
    if (!take_number(rest, 2, &civil->hour) || !take_character(rest, ':') ||
        !take_number(rest, 2, &civil->minute))
        return false;
    if (!take_character(rest, ':'))
        return true;
    if (!take_number(rest, 2, &civil->second))
        return false;
    return !take_character(rest, '.') || take_fraction(rest, &civil->millisecond);
}

static bool take_offset(struct rest *rest, int32_t *offset_s)
{
    int hours, minutes, sign = 1;

    if (take_character(rest, 'Z')) {
        *offset_s = 0;
        return true;
    }
    if (take_character(rest, '-'))
        sign = -1;
    else if (!take_character(rest, '+'))
        return false;
    if (!take_number(rest, 2, &hours))
        return false;
    (void)take_character(rest, ':');
    if (!take_number(rest, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool toll_day_parse(const char *text, size_t bytes, int64_t *days)
{
    struct rest rest = {text, text + bytes};
    struct toll_civil civil = {0};

    if (!take_date(&rest, &civil) || rest.at != rest.end || !date_valid(civil.year, civil.month, civil.day))
        return false;
    *days = toll_days_from_civil(civil.year, civil.month, civil.day);
    return true;
}

bool toll_iso_parse(const char *text, size_t bytes, toll_ms *local_ms, bool *has_offset, int32_t *offset_s)
{
    struct rest rest = {text, text + bytes};
    struct toll_civil civil = {0};
    bool offset_given = false;
    int32_t offset = 0;

    if (!take_date(&rest, &civil))
        return false;
    if (rest.at != rest.end) {
        if (!take_character(&rest, 'T') && !take_character(&rest, ' '))
            return false;
        if (!take_clock(&rest, &civil))
            return false;
        offset_given = rest.at != rest.end;
        if (offset_given && !take_offset(&rest, &offset))
            return false;
    }
    if (rest.at != rest.end || !toll_civil_valid(&civil))
        return false;
    *local_ms = toll_ms_from_civil(&civil);
    *has_offset = offset_given;
    *offset_s = offset;
    return true;
}
