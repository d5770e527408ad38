/*
 * Times as providers write them, to instants of UTC.
 *
 * A pattern is compiled once. It knows %Y %y %m %d %e %b %B %H %I %M %S %f %p %z %s %Q %% and literal
 * characters, or is the word "iso" (ISO 8601 as base/time.h reads it). Numbers may lack leading zeros
 * (3/1/2014); names of months are English, without regard to case; %y is 1969..2068 (POSIX); %f is 1 to 9
 * digits of a second, cut to ms; %s are seconds and %Q milliseconds since 1970 (UTC), %s with or without a
 * fraction. A blank stands for one or more blanks.
 */
#ifndef TOLL_INGEST_TIMES_H
#define TOLL_INGEST_TIMES_H

#include "base/zone.h"

#include <stdbool.h>
#include <stddef.h>

#define TOLL_TIME_STEPS_MAX 48
#define TOLL_TIME_FORMATS_MAX 4
#define TOLL_TIME_END_MS (INT64_C(84006) * TOLL_DAY_MS) /* the first time that is too late for a start */

struct toll_time_format {
    bool iso;
    unsigned count;
    struct toll_time_step {
        char directive; /* a letter, or 0 for a literal */
        char literal;
    } steps[TOLL_TIME_STEPS_MAX];
};

/* False, and *why set, when the pattern is not understood or does not give a whole date and time. */
bool toll_time_format_compile(const char *pattern, struct toll_time_format *out, const char **why);

/* The wall clock of a text; *has_offset: the text said its offset from UTC (epoch times say 0). */
bool toll_time_format_read(const struct toll_time_format *format, const char *text, size_t bytes,
                           toll_ms *local, bool *has_offset, int32_t *offset_s);

/* One reader's place: the zone with the offset interval that was good last. Its own by each thread. */
struct toll_time_reader {
    const struct toll_zone *zone; /* of texts without an offset */
    enum toll_fold fold;
    toll_ms sure_from, sure_until; /* wall clock times for which offset_ms is certain; empty at first */
    int64_t offset_ms;
    char day_text[10]; /* the date that was read last, and its days since 1970 */
    int64_t day_ms;
    bool has_day;
};

void toll_time_reader_init(struct toll_time_reader *reader, const struct toll_zone *zone,
                           enum toll_fold fold);

enum toll_time_result { TOLL_TIME_OK, TOLL_TIME_BAD, TOLL_TIME_AMBIGUOUS };

/* Tries the formats in order. BAD also outside the years of ingest/limits.h; AMBIGUOUS: the fold policy
 * rejects an hour that happens twice or never. */
enum toll_time_result toll_time_read(struct toll_time_reader *reader, const struct toll_time_format *formats,
                                     unsigned format_count, const char *text, size_t bytes, toll_ms *utc);

/* What toll_time_read does once the wall clock of a text is known; is_utc: the text said so. */
enum toll_time_result toll_time_settle(struct toll_time_reader *reader, toll_ms local, bool is_utc,
                                       toll_ms *utc);

#endif
