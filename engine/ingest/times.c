/*
 * Reading times. Two things make it fast: consecutive rows mostly share their date, so the civil calendar is
 * asked once a day; and they mostly share their offset from UTC, so the zone is asked only near a change of
 * it.
 */
#include "ingest/times.h"

#include "ingest/limits.h"

#include <string.h>
#include <strings.h>

/* No zone ever jumped by more than a day; two days from the ends of an offset's interval it is certain. */
#define SURE_MARGIN_MS (2 * TOLL_DAY_MS)

static const char *const month_names[12] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};

struct cursor {
    const char *at, *end;
};

struct parts {
    struct toll_civil civil;
    int hour12, pm; /* -1: not given */
    bool has_offset, is_epoch;
    int32_t offset_s;
    toll_ms epoch_ms;
};

static bool take_digits(struct cursor *cursor, int least, int most, int64_t *out)
{
    int64_t value = 0;
    int count = 0;

    while (count < most && cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        value = 10 * value + (*cursor->at++ - '0');
        count++;
    }
    *out = value;
    return count >= least;
}

static bool take_int(struct cursor *cursor, int least, int most, int *out)
{
    int64_t value;

    if (!take_digits(cursor, least, most, &value))
        return false;
    *out = (int)value;
    return true;
}

/* 1 to 9 digits of a second, cut to milliseconds. */
static bool take_fraction(struct cursor *cursor, int *millisecond)
{
    int scale = 100, count = 0;

    *millisecond = 0;
    for (; count < 9 && cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; count++) {
        *millisecond += (*cursor->at++ - '0') * scale;
        scale /= 10;
    }
    return count > 0;
}

static bool take_month(struct cursor *cursor, int *month)
{
    size_t left = (size_t)(cursor->end - cursor->at);

    for (int i = 0; i < 12; i++) {
        size_t whole = strlen(month_names[i]);

        if (left >= whole && strncasecmp(cursor->at, month_names[i], whole) == 0)
            cursor->at += whole;
        else if (left >= 3 && strncasecmp(cursor->at, month_names[i], 3) == 0)
            cursor->at += 3;
        else
            continue;
        *month = i + 1;
        return true;
    }
    return false;
}

static bool take_half(struct cursor *cursor, int *pm)
{
    if (cursor->end - cursor->at < 2)
        return false;
    if (strncasecmp(cursor->at, "am", 2) == 0)
        *pm = 0;
    else if (strncasecmp(cursor->at, "pm", 2) == 0)
        *pm = 1;
    else
        return false;
    cursor->at += 2;
    return true;
}

static bool take_offset(struct cursor *cursor, int32_t *offset_s)
{
    int hours, minutes, sign;

    if (cursor->at == cursor->end)
        return false;
    if (*cursor->at == 'Z') {
        cursor->at++;
        *offset_s = 0;
        return true;
    }
    sign = *cursor->at == '-' ? -1 : 1;
    if (*cursor->at != '-' && *cursor->at != '+')
        return false;
    cursor->at++;
    if (!take_int(cursor, 2, 2, &hours))
        return false;
    if (cursor->at < cursor->end && *cursor->at == ':')
        cursor->at++;
    if (!take_int(cursor, 2, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool take_epoch(struct cursor *cursor, bool milliseconds, struct parts *parts)
{
    int64_t value;
    int fraction = 0;

    /* 12 digits of seconds reach the year 33658: enough, and 1000 times that fits. */
    if (!take_digits(cursor, 1, milliseconds ? 15 : 12, &value))
        return false;
    parts->is_epoch = true;
    if (milliseconds) {
        parts->epoch_ms = value;
        return true;
    }
    if (cursor->at < cursor->end && *cursor->at == '.') {
        cursor->at++;
        if (!take_fraction(cursor, &fraction))
            return false;
    }
    parts->epoch_ms = value * 1000 + fraction;
    return true;
}

static bool take_literal(struct cursor *cursor, char literal)
{
    if (cursor->at == cursor->end || *cursor->at != literal)
        return false;
    cursor->at++;
    while (literal == ' ' && cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
    return true;
}

static bool take_step(const struct toll_time_step *step, struct cursor *cursor, struct parts *parts)
{
    struct toll_civil *civil = &parts->civil;

    switch (step->directive) {
    case 'Y':
        return take_int(cursor, 4, 4, &civil->year);
    case 'y':
        if (!take_int(cursor, 2, 2, &civil->year))
            return false;
        civil->year += civil->year >= 69 ? 1900 : 2000;
        return true;
    case 'm':
        return take_int(cursor, 1, 2, &civil->month);
    case 'd':
    case 'e':
        while (step->directive == 'e' && cursor->at < cursor->end && *cursor->at == ' ')
            cursor->at++;
        return take_int(cursor, 1, 2, &civil->day);
    case 'b':
    case 'B':
        return take_month(cursor, &civil->month);
    case 'H':
        return take_int(cursor, 1, 2, &civil->hour);
    case 'I':
        return take_int(cursor, 1, 2, &parts->hour12);
    case 'M':
        return take_int(cursor, 1, 2, &civil->minute);
    case 'S':
        return take_int(cursor, 1, 2, &civil->second);
    case 'f':
        return take_fraction(cursor, &civil->millisecond);
    case 'p':
        return take_half(cursor, &parts->pm);
    case 'z':
        parts->has_offset = true;
        return take_offset(cursor, &parts->offset_s);
    case 's':
        return take_epoch(cursor, false, parts);
    case 'Q':
        return take_epoch(cursor, true, parts);
    default:
        return take_literal(cursor, step->literal);
    }
}

bool toll_time_format_read(const struct toll_time_format *format, const char *text, size_t bytes,
                           toll_ms *local, bool *has_offset, int32_t *offset_s)
{
    struct cursor cursor = {text, text + bytes};
    struct parts parts = {.hour12 = -1, .pm = -1};

    if (format->iso)
        return toll_iso_parse(text, bytes, local, has_offset, offset_s);
    for (unsigned i = 0; i < format->count; i++) {
        if (!take_step(&format->steps[i], &cursor, &parts))
            return false;
    }
    if (cursor.at != cursor.end)
        return false;
    *has_offset = parts.has_offset || parts.is_epoch;
    *offset_s = parts.offset_s;
    if (parts.is_epoch) {
        *local = parts.epoch_ms;
        return true;
    }
    if (parts.hour12 >= 0) {
        if (parts.hour12 < 1 || parts.hour12 > 12 || parts.pm < 0)
            return false;
        parts.civil.hour = parts.hour12 % 12 + 12 * parts.pm;
    }
    if (!toll_civil_valid(&parts.civil))
        return false;
    *local = toll_ms_from_civil(&parts.civil);
    return true;
}

/* Which directives a pattern has, as bits by letter. */
static bool has(uint64_t seen, char directive)
{
    return (seen >> (directive - 'A') & 1) != 0;
}

static const char *incomplete(uint64_t seen)
{
    if (has(seen, 's') || has(seen, 'Q'))
        return NULL;
    if (!has(seen, 'Y') && !has(seen, 'y'))
        return "it has no year (%Y or %y)";
    if (!has(seen, 'm') && !has(seen, 'b') && !has(seen, 'B'))
        return "it has no month (%m or %b)";
    if (!has(seen, 'd') && !has(seen, 'e'))
        return "it has no day (%d)";
    if (!has(seen, 'H') && !has(seen, 'I'))
        return "it has no hour (%H or %I)";
    if (has(seen, 'I') && !has(seen, 'p'))
        return "%I needs %p";
    return has(seen, 'M') ? NULL : "it has no minutes (%M)";
}

bool toll_time_format_compile(const char *pattern, struct toll_time_format *out, const char **why)
{
    uint64_t seen = 0;

    memset(out, 0, sizeof *out);
    if (strcmp(pattern, "iso") == 0) {
        out->iso = true;
        return true;
    }
    for (const char *at = pattern; *at != '\0'; at++) {
        struct toll_time_step step = {0, *at};

        if (out->count == TOLL_TIME_STEPS_MAX) {
            *why = "it is too long";
            return false;
        }
        if (*at == '%' && at[1] != '%') {
            step.directive = *++at;
            if (step.directive == '\0' || strchr("YymdebBHIMSfpzsQ", step.directive) == NULL) {
                *why = "it has a directive that is not known; known are %Y %y %m %d %e %b %B %H %I %M %S %f "
                       "%p %z %s "
                       "%Q %%";
                return false;
            }
            seen |= UINT64_C(1) << (step.directive - 'A');
        } else if (*at == '%') {
            at++;
        }
        out->steps[out->count++] = step;
    }
    *why = incomplete(seen);
    return *why == NULL;
}

void toll_time_reader_init(struct toll_time_reader *reader, const struct toll_zone *zone, enum toll_fold fold)
{
    memset(reader, 0, sizeof *reader);
    reader->zone = zone;
    reader->fold = fold;
    reader->sure_from = 1; /* an empty interval */
    reader->sure_until = 0;
}

/* Remembers the interval around `utc` in which its offset is certain, if there is one. */
static void remember_offset(struct toll_time_reader *reader, toll_ms utc)
{
    toll_ms from, until;
    int32_t offset_s = toll_zone_offset(reader->zone, utc, &from, &until);

    reader->offset_ms = (int64_t)offset_s * 1000;
    /* Clipped first, so that "from ever" can be added to. */
    from = from < -200000 * TOLL_DAY_MS ? -200000 * TOLL_DAY_MS : from;
    until = until > 200000 * TOLL_DAY_MS ? 200000 * TOLL_DAY_MS : until;
    reader->sure_from = from + SURE_MARGIN_MS + reader->offset_ms;
    reader->sure_until = until - SURE_MARGIN_MS + reader->offset_ms;
}

static bool to_utc(struct toll_time_reader *reader, toll_ms local, toll_ms *utc)
{
    if (local >= reader->sure_from && local < reader->sure_until) {
        *utc = local - reader->offset_ms;
        return true;
    }
    if (!toll_zone_to_utc(reader->zone, local, reader->fold, utc))
        return false;
    remember_offset(reader, *utc);
    return true;
}

/* "hh:mm:ss", all eight bytes at once, to ms of the day. False unless each is in its place and range. */
static inline bool read_clock(const char *text, int64_t *ms)
{
    uint64_t word;
    unsigned hour, minute, second;

    memcpy(&word, text, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= UINT64_C(0x30303a30303a3030); /* digits are 0..9 now, colons 0 */
    if (((word + UINT64_C(0x76767f76767f7676)) | word) & UINT64_C(0x8080808080808080))
        return false;
    hour = (unsigned)(10 * (word & 15) + (word >> 8 & 15));
    minute = (unsigned)(10 * (word >> 24 & 15) + (word >> 32 & 15));
    second = (unsigned)(10 * (word >> 48 & 15) + (word >> 56));
    *ms = (int64_t)((hour * 60 + minute) * 60 + second) * 1000;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* "2026-03-01T09:30:00[.fff](Z or nothing)", with T or a blank: nearly all ISO texts. False: take the long
 * way. */
static inline bool read_iso_fast(struct toll_time_reader *reader, const char *text, size_t bytes,
                                 toll_ms *local, bool *has_offset)
{
    int64_t ms;
    size_t at = 19;

    if (bytes < 19 || (text[10] != 'T' && text[10] != ' ') || !read_clock(text + 11, &ms))
        return false;
    if (bytes >= 23 && text[19] == '.') {
        unsigned tenths = (unsigned)(unsigned char)text[20] - '0',
                 hundredths = (unsigned)(unsigned char)text[21] - '0',
                 last = (unsigned)(unsigned char)text[22] - '0';

        if (tenths > 9 || hundredths > 9 || last > 9)
            return false;
        ms += 100 * tenths + 10 * hundredths + last;
        at = 23;
    }
    *has_offset = at + 1 == bytes && text[at] == 'Z';
    if (!*has_offset && at != bytes)
        return false;
    if (!reader->has_day || memcmp(reader->day_text, text, sizeof reader->day_text) != 0) {
        int64_t days;

        if (!toll_day_parse(text, 10, &days))
            return false;
        memcpy(reader->day_text, text, sizeof reader->day_text);
        reader->day_ms = days * TOLL_DAY_MS;
        reader->has_day = true;
    }
    *local = reader->day_ms + ms;
    return true;
}

static bool read_trimmed(struct toll_time_reader *reader, const struct toll_time_format *formats,
                         unsigned format_count, const char *text, size_t bytes, toll_ms *local,
                         bool *has_offset, int32_t *offset_s)
{
    while (bytes > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        bytes--;
    }
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t'))
        bytes--;
    if (formats[0].iso && read_iso_fast(reader, text, bytes, local, has_offset))
        return true;
    for (unsigned i = 0; i < format_count; i++) {
        if (toll_time_format_read(&formats[i], text, bytes, local, has_offset, offset_s))
            return true;
    }
    return false;
}

enum toll_time_result toll_time_settle(struct toll_time_reader *reader, toll_ms local, bool is_utc,
                                       toll_ms *utc)
{
    /* toll_days_from_civil of the first day and the day behind the last. */
    static const int64_t first_ms = 0, end_ms = TOLL_TIME_END_MS;

    _Static_assert(TOLL_INGEST_YEAR_MIN == 1970 && TOLL_INGEST_YEAR_MAX == 2199, "the bounds below");
    if (is_utc)
        *utc = local;
    else if (!to_utc(reader, local, utc))
        return TOLL_TIME_AMBIGUOUS;
    return *utc >= first_ms && *utc < end_ms ? TOLL_TIME_OK : TOLL_TIME_BAD;
}

enum toll_time_result toll_time_read(struct toll_time_reader *reader, const struct toll_time_format *formats,
                                     unsigned format_count, const char *text, size_t bytes, toll_ms *utc)
{
    toll_ms local;
    bool has_offset;
    int32_t offset_s = 0;

    /* Blanks at its ends make the fast way say no, too. */
    if (!(formats[0].iso && read_iso_fast(reader, text, bytes, &local, &has_offset)) &&
        !read_trimmed(reader, formats, format_count, text, bytes, &local, &has_offset, &offset_s))
        return TOLL_TIME_BAD;
    return toll_time_settle(reader, has_offset ? local - (int64_t)offset_s * 1000 : local, has_offset, utc);
}
