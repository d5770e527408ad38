/*
 * The band in force in a deck's calendar: RATING.md section 10. The answer is constant between two places of
 * the local day's clock (midnight and the rows' own from and to), as long as the zone's offset is; that
 * stretch is handed out with the answer, so that rows sorted by time ask once per stretch.
 */
#include "base/check.h"
#include "book/book.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MINUTES 1440
/* Beyond it no calendar is looked at: far outside the years 1..9999, and no sum with an offset can overflow.
 */
#define FAR_MS (INT64_C(1) << 60)

static const struct toll_holiday *holiday_on(const struct toll_book *book,
                                             const struct toll_calendar *calendar, int64_t day)
{
    const struct toll_holiday *holidays = book->holidays + calendar->first_holiday;
    uint32_t low = 0, high = calendar->holiday_count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (holidays[middle].day == day)
            return &holidays[middle];
        if (holidays[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* What decides on a local day at a minute of it. */
static struct toll_band_cause cause_at(const struct toll_book *book, const struct toll_calendar *calendar,
                                       int64_t day, int minute)
{
    const struct toll_calendar_row *row = book->calendar_rows + calendar->first_row,
                                   *end = row + calendar->row_count;
    const struct toll_holiday *holiday = holiday_on(book, calendar, day);
    const int today = 1 << toll_iso_weekday(day), yesterday = 1 << toll_iso_weekday(day - 1);
    const bool holiday_before = holiday_on(book, calendar, day - 1) != NULL;

    if (holiday != NULL)
        return (struct toll_band_cause){holiday->band, NULL, holiday};
    for (; row < end; row++) {
        const bool wraps = row->to_minute <= row->from_minute;
        const bool from_today =
            (row->days & today) != 0 && minute >= row->from_minute && (wraps || minute < row->to_minute);
        const bool from_yesterday =
            wraps && (row->days & yesterday) != 0 && !holiday_before && minute < row->to_minute;
        if (from_today || from_yesterday)
            return (struct toll_band_cause){row->band, row, NULL};
    }
    return (struct toll_band_cause){0};
}

/* Narrows [*from, *until) around `minute` to where no row begins or ends. */
static void narrow(const struct toll_book *book, const struct toll_calendar *calendar, int minute, int *from,
                   int *until)
{
    *from = 0;
    *until = DAY_MINUTES;
    for (uint32_t i = 0; i < calendar->row_count; i++) {
        const struct toll_calendar_row *row = &book->calendar_rows[calendar->first_row + i];
        const int edges[2] = {row->from_minute, row->to_minute};
        for (int e = 0; e < 2; e++) {
            if (edges[e] <= minute && edges[e] > *from)
                *from = edges[e];
            if (edges[e] > minute && edges[e] < *until)
                *until = edges[e];
        }
    }
}

int32_t toll_book_band(const struct toll_book *book, uint32_t deck, toll_ms at, toll_ms *from, toll_ms *until)
{
    const struct toll_calendar *calendar;
    toll_ms offset_ms, local, offset_from, offset_until, midnight;
    int64_t day;
    int minute, first, end;

    TOLL_ASSERT(deck < book->deck_count);
    *from = TOLL_MS_MIN;
    *until = TOLL_MS_MAX;
    if (book->decks[deck].calendar == 0)
        return 0;
    if (at < -FAR_MS || at >= FAR_MS) {
        *from = at < 0 ? TOLL_MS_MIN : FAR_MS;
        *until = at < 0 ? -FAR_MS : TOLL_MS_MAX;
        return 0;
    }
    calendar = &book->calendars[book->decks[deck].calendar];
    offset_ms = toll_zone_offset(book->zones[book->deck_zones[deck]], at, &offset_from, &offset_until) *
                INT64_C(1000);
    local = at + offset_ms;
    day = toll_day_of_ms(local);
    midnight = day * TOLL_DAY_MS;
    minute = (int)((local - midnight) / MINUTE_MS);
    narrow(book, calendar, minute, &first, &end);
    *from = midnight + first * MINUTE_MS - offset_ms;
    *until = midnight + end * MINUTE_MS - offset_ms;
    *from = *from > offset_from ? *from : offset_from;
    *until = *until < offset_until ? *until : offset_until;
    return cause_at(book, calendar, day, minute).band;
}

struct toll_band_cause toll_book_band_cause(const struct toll_book *book, uint32_t deck, toll_ms at)
{
    TOLL_ASSERT(deck < book->deck_count);
    if (book->decks[deck].calendar == 0 || at < -FAR_MS || at >= FAR_MS)
        return (struct toll_band_cause){0};
    const toll_ms local =
        at + toll_zone_offset(book->zones[book->deck_zones[deck]], at, NULL, NULL) * INT64_C(1000);
    const int64_t day = toll_day_of_ms(local);
    return cause_at(book, &book->calendars[book->decks[deck].calendar], day,
                    (int)((local - day * TOLL_DAY_MS) / MINUTE_MS));
}
