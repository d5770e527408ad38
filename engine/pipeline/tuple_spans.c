/* Spans of days in which all tuples of a calendar stay: billing periods, cut where a tax table changes. */
#include "pipeline/tuples.h"

#include "base/cycle.h"
#include "base/error.h"
#include "pipeline/tuple_parts.h"

#include <stdlib.h>

static toll_ms begin_of(const struct toll_zone *zone, int32_t day)
{
    toll_ms utc = 0;
    (void)toll_zone_to_utc(zone, (int64_t)day * TOLL_DAY_MS, TOLL_FOLD_FIRST, &utc); /* always answers */
    return utc;
}

/* The first of the book's days of change that is later than `day`. */
static uint32_t change_after(const struct toll_tax_tables *tax, int64_t day)
{
    uint32_t low = 0, high = tax->change_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (tax->changes[middle] > day)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct toll_tuple_span toll_tuple_span_around(const struct toll_book *book, uint32_t zone, int32_t cycle_day,
                                              toll_ms at)
{
    const struct toll_tax_tables *tax = &book->tax;
    const struct toll_cycle cycle = toll_cycle_at(book->zones[zone], cycle_day, at);
    struct toll_tuple_span span = {
        .from = cycle.from,
        .until = cycle.until,
        .day = (int32_t)cycle.day,
        .period = (int32_t)cycle.day,
        .next_period = (int32_t)cycle.next_day,
    };
    for (uint32_t i = change_after(tax, cycle.day); i < tax->change_count && tax->changes[i] < cycle.next_day;
         i++) {
        const toll_ms changed = begin_of(book->zones[zone], tax->changes[i]);
        if (changed > at) {
            span.until = changed;
            break;
        }
        span.from = changed;
        span.day = tax->changes[i];
    }
    return span;
}

static int add_span(struct toll_tuple_calendar *calendar, uint32_t *room, const struct toll_tuple_span *span)
{
    if (calendar->count > 0 && calendar->spans[calendar->count - 1].from >= span->from)
        return 0;
    if (calendar->count == *room) {
        const uint32_t more = *room == 0 ? 8 : *room * 2;
        struct toll_tuple_span *spans = realloc(calendar->spans, more * sizeof *spans);
        if (spans == NULL)
            return -1;
        calendar->spans = spans;
        *room = more;
    }
    calendar->spans[calendar->count++] = *span;
    return 0;
}

int toll_tuple_spans_make(const struct toll_book *book, const struct toll_tuple_time *times, size_t count,
                          struct toll_tuple_calendar *calendar)
{
    uint32_t room = 0;
    for (size_t i = 0; i < count; i++)
        for (toll_ms at = times[i].first; at <= times[i].last;) {
            const struct toll_tuple_span span =
                toll_tuple_span_around(book, calendar->zone, calendar->cycle_day, at);
            if (add_span(calendar, &room, &span) != 0)
                return -1;
            if (span.until <= at)
                break; /* beyond the years that there are */
            at = span.until;
        }
    return 0;
}

uint32_t toll_tuple_span_at(const struct toll_tuple_calendar *calendar, toll_ms at)
{
    uint32_t low = 0, high = calendar->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (calendar->spans[middle].from > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low == 0 ? 0 : low - 1;
}
