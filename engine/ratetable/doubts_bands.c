/*
 * band_gap: the times of the week, and the holidays, whose band has no row among those of a key. The answer
 * is the same for every key with the same bands, so it is found once for each set of bands of a deck.
 */
#include "base/time.h"
#include "ratetable/doubts.h"

#include <stdio.h>

#define DAY_MINUTES 1440

struct toll_band_gaps {
    struct toll_build *build;
    const struct toll_calendar *calendar;
    const struct toll_calendar_row *rows;
    const struct toll_holiday *holidays;
    struct toll_strings sets;   /* sets of bands, as bytes */
    struct toll_buffer answers; /* char *, by id of sets - 1: in the build's arena, or NULL */
};

int toll_band_gaps_begin(struct toll_build *build, int32_t calendar, struct toll_band_gaps **out)
{
    const struct toll_calendar *stored =
        TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_CALENDARS], struct toll_calendar, calendar);
    const struct toll_calendar_row *rows = build->sections[TOLL_SECTION_CALENDAR_ROWS].data;
    const struct toll_holiday *holidays = build->sections[TOLL_SECTION_HOLIDAYS].data;
    struct toll_band_gaps *gaps = calloc(1, sizeof(*gaps));

    *out = gaps;
    if (gaps == NULL)
        return toll_build_memory(build);
    gaps->build = build;
    gaps->calendar = stored;
    gaps->rows = stored->row_count > 0 ? rows + stored->first_row : rows;
    gaps->holidays = stored->holiday_count > 0 ? holidays + stored->first_holiday : holidays;
    return 0;
}

void toll_band_gaps_end(struct toll_band_gaps *gaps)
{
    if (gaps == NULL)
        return;
    toll_strings_free(&gaps->sets);
    toll_buffer_free(&gaps->answers);
    free(gaps);
}

/* The band of a week without holidays (docs/RATING.md, section 10), by weekday 1..7 and minute. */
static int32_t band_at(const struct toll_band_gaps *gaps, int weekday, int minute)
{
    const int today = 1 << weekday, yesterday = 1 << (weekday == 1 ? 7 : weekday - 1);

    for (uint32_t i = 0; i < gaps->calendar->row_count; i++) {
        const struct toll_calendar_row *row = &gaps->rows[i];
        const bool wraps = row->to_minute <= row->from_minute;
        if (((row->days & today) != 0 && minute >= row->from_minute && (wraps || minute < row->to_minute)) ||
            (wraps && (row->days & yesterday) != 0 && minute < row->to_minute))
            return row->band;
    }
    return 0;
}

/* The next minute of the day at which some row begins or ends. */
static int next_edge(const struct toll_band_gaps *gaps, int minute)
{
    int next = DAY_MINUTES;

    for (uint32_t i = 0; i < gaps->calendar->row_count; i++) {
        const int edges[2] = {gaps->rows[i].from_minute, gaps->rows[i].to_minute};
        for (int e = 0; e < 2; e++) {
            if (edges[e] > minute && edges[e] < next)
                next = edges[e];
        }
    }
    return next;
}

static bool has_band(const int32_t *bands, size_t count, int32_t band)
{
    size_t i = 0;

    while (i < count && bands[i] != band)
        i++;
    return i < count;
}

static const char *band_name(const struct toll_band_gaps *gaps, int32_t band)
{
    const uint32_t offset = *TOLL_BUFFER_AT(&gaps->build->sections[TOLL_SECTION_BAND_NAMES], uint32_t, band);

    return (const char *)gaps->build->sections[TOLL_SECTION_STRINGS].data + offset;
}

/* The first gap as text; an empty text: none. */
static void find_gap(const struct toll_band_gaps *gaps, const int32_t *bands, size_t count, char *text,
                     size_t room)
{
    static const char *const days[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                       "Thursday", "Friday", "Saturday", "Sunday"};

    *text = 0;
    for (int weekday = 1; weekday <= 7; weekday++) {
        for (int minute = 0; minute < DAY_MINUTES; minute = next_edge(gaps, minute)) {
            const int32_t band = band_at(gaps, weekday, minute);
            int end = next_edge(gaps, minute);
            if (has_band(bands, count, band))
                continue;
            while (end < DAY_MINUTES && band_at(gaps, weekday, end) == band)
                end = next_edge(gaps, end);
            snprintf(text, room, "%s %02d:%02d to %02d:%02d, when %s%.60s%s", days[weekday], minute / 60,
                     minute % 60, end / 60, end % 60, band > 0 ? "the band is \"" : "no band is in force",
                     band > 0 ? band_name(gaps, band) : "", band > 0 ? "\"" : "");
            return;
        }
    }
    for (uint32_t i = 0; i < gaps->calendar->holiday_count; i++) {
        char day[TOLL_TIME_TEXT_BYTES];
        if (has_band(bands, count, gaps->holidays[i].band))
            continue;
        toll_day_format(gaps->holidays[i].day, day);
        snprintf(text, room, "the holiday %s, when the band is \"%.60s\"", day,
                 band_name(gaps, gaps->holidays[i].band));
        return;
    }
}

const char *toll_band_gap(struct toll_band_gaps *gaps, const int32_t *bands, size_t count, int *code)
{
    const uint32_t known = gaps->sets.count;
    const uint32_t id = toll_strings_add(&gaps->sets, (const char *)bands, count * sizeof(*bands));
    char text[200], **answer;

    *code = 0;
    if (id > 0 && id <= known)
        return *TOLL_BUFFER_AT(&gaps->answers, char *, id - 1);
    answer = TOLL_BUFFER_ADD(&gaps->answers, char *);
    if (id == 0 || answer == NULL) {
        *code = toll_build_memory(gaps->build);
        return NULL;
    }
    find_gap(gaps, bands, count, text, sizeof(text));
    if (text[0] == 0)
        return NULL;
    *answer = toll_arena_copy(&gaps->build->arena, text, strlen(text));
    if (*answer == NULL)
        *code = toll_build_memory(gaps->build);
    return *answer;
}
