/* calendars.csv and holidays.csv: bands are named once for the whole book, in order of first appearance. */
#include "base/time.h"
#include "ratetable/build.h"
#include "ratetable/decks.h"

#include <stdlib.h>

enum { CALENDAR, BAND, DAYS, FROM, TO, PRIORITY, CALENDAR_COLUMNS };
static const struct toll_table_column calendar_columns[CALENDAR_COLUMNS] = {
    [CALENDAR] = {"calendar", true}, [BAND] = {"band", true}, [DAYS] = {"days", false},
    [FROM] = {"from", false},        [TO] = {"to", false},    [PRIORITY] = {"priority", false}};

enum { HOLIDAY_CALENDAR, DATE, HOLIDAY_BAND, HOLIDAY_COLUMNS };
static const struct toll_table_column holiday_columns[HOLIDAY_COLUMNS] = {
    [HOLIDAY_CALENDAR] = {"calendar", true}, [DATE] = {"date", true}, [HOLIDAY_BAND] = {"band", true}};

/* A row on its way into its calendar. */
struct calendar_row {
    uint32_t calendar;
    struct toll_calendar_row row;
};
struct holiday_row {
    uint32_t calendar, line;
    struct toll_holiday holiday;
};

/* "1-5", "6;7", "1;3-5"; bit 1 << weekday. False: no such list. */
static bool parse_days(const char *text, int32_t *days)
{
    *days = 0;
    for (;;) {
        int first, last;
        text += strspn(text, " ");
        if (*text < '1' || *text > '7')
            return false;
        first = last = *text++ - '0';
        text += strspn(text, " ");
        if (*text == '-') {
            text++;
            text += strspn(text, " ");
            if (*text < '1' || *text > '7')
                return false;
            last = *text++ - '0';
            text += strspn(text, " ");
        }
        if (last < first)
            return false;
        for (int day = first; day <= last; day++)
            *days |= 1 << day;
        if (*text == 0)
            return true;
        if (*text++ != ';')
            return false;
    }
}

/* The id of a band's name, made when it is new. */
static int band_id(struct toll_build *build, const struct toll_cell *cell, uint32_t calendar, int32_t *band)
{
    uint32_t id, first, *name;
    uint64_t *pair;

    if (!toll_table_names_add(&build->bands, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id > 0) {
        name = TOLL_BUILD_ADD(build, BAND_NAMES, uint32_t);
        if (name == NULL || !toll_build_text(build, cell->text, cell->bytes, name))
            return toll_build_memory(build);
    } else {
        id = toll_table_names_find(&build->bands, cell->text, cell->bytes);
    }
    pair = TOLL_BUFFER_ADD(&build->calendar_bands, uint64_t);
    if (pair == NULL)
        return toll_build_memory(build);
    *pair = (uint64_t)calendar << 32 | id;
    *band = (int32_t)id;
    return 0;
}

static int read_calendar_row(struct toll_build *build, const struct toll_table *table,
                             struct toll_buffer *rows)
{
    const struct toll_cell *name, *band, *days = toll_table_cell(table, DAYS);
    struct calendar_row row = {.row = {.row = (int32_t)toll_table_line(table), .days = 0xFE}}, *place;
    uint32_t id = 0, first;
    int from = 0, to = 0, code = 0;
    int64_t priority = 0;
    bool good = toll_cell_name(table, CALENDAR, &name);

    if (good) {
        if (!toll_table_names_add(&build->calendars, name->text, name->bytes, name->line, &id, &first))
            return toll_build_memory(build);
        if (id == 0)
            id = toll_table_names_find(&build->calendars, name->text, name->bytes);
    }
    good = toll_cell_name(table, BAND, &band) && good;
    if (good)
        code = band_id(build, band, id, &row.row.band);
    if (code != 0)
        return code;
    if (days->bytes > 0 && !parse_days(days->text, &row.row.days)) {
        toll_cell_finding(table, days, TOLL_ERROR,
                          "\"%.40s\" is no list of weekdays; write 1 (Monday) to 7, like 1-5 or 6;7",
                          days->text);
        good = false;
    }
    good = toll_cell_minute(table, FROM, 0, &from) && good;
    good = toll_cell_minute(table, TO, 1440, &to) && good;
    good = toll_cell_int(table, PRIORITY, INT32_MIN, INT32_MAX, 0, &priority) && good;
    if (from == 1440) {
        toll_cell_finding(table, toll_table_cell(table, FROM), TOLL_ERROR,
                          "\"24:00\" can only end a band; write 00:00");
        good = false;
    }
    if (!good)
        return 0;
    place = TOLL_BUFFER_ADD(rows, struct calendar_row);
    if (place == NULL)
        return toll_build_memory(build);
    row.calendar = id;
    row.row.from_minute = from;
    row.row.to_minute = to;
    row.row.priority = (int32_t)priority;
    *place = row;
    return 0;
}

static int read_holiday(struct toll_build *build, const struct toll_table *table, struct toll_buffer *rows)
{
    const struct toll_cell *cell, *date, *band;
    struct holiday_row row = {.line = (uint32_t)toll_table_line(table)}, *place;
    int32_t calendar = 0;
    int code;
    bool good = toll_cell_name(table, HOLIDAY_CALENDAR, &cell) &&
                toll_cell_reference(build, table, HOLIDAY_CALENDAR, "calendar", "calendars.csv",
                                    &build->calendars, &calendar);

    good = toll_cell_name(table, HOLIDAY_BAND, &band) && good;
    if (!toll_cell_name(table, DATE, &date)) {
        good = false;
    } else if (!toll_day_parse(date->text, date->bytes, &row.holiday.day)) {
        toll_cell_finding(table, date, TOLL_ERROR, "\"%.40s\" is not a date; write 2026-12-25", date->text);
        good = false;
    }
    if (!good)
        return 0;
    code = band_id(build, band, (uint32_t)calendar, &row.holiday.band);
    if (code != 0)
        return code;
    row.calendar = (uint32_t)calendar;
    for (size_t i = 0; i < rows->count; i++) {
        const struct holiday_row *other = TOLL_BUFFER_AT(rows, struct holiday_row, i);
        if (other->calendar == row.calendar && other->holiday.day == row.holiday.day) {
            toll_duplicate_finding(table, date, "holiday", other->line);
            return 0;
        }
    }
    place = TOLL_BUFFER_ADD(rows, struct holiday_row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct calendar_row *a = left, *b = right;

    if (a->calendar != b->calendar)
        return a->calendar < b->calendar ? -1 : 1;
    if (a->row.priority != b->row.priority)
        return a->row.priority < b->row.priority ? -1 : 1;
    return a->row.row < b->row.row ? -1 : a->row.row > b->row.row;
}

static int compare_holidays(const void *left, const void *right)
{
    const struct holiday_row *a = left, *b = right;

    if (a->calendar != b->calendar)
        return a->calendar < b->calendar ? -1 : 1;
    return a->holiday.day < b->holiday.day ? -1 : a->holiday.day > b->holiday.day;
}

static int compare_pairs(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

bool toll_calendar_has_band(const struct toll_build *build, int32_t calendar, int32_t band)
{
    const uint64_t pair = (uint64_t)calendar << 32 | (uint32_t)band;

    return bsearch(&pair, build->calendar_bands.data, build->calendar_bands.count, sizeof(pair),
                   compare_pairs) != NULL;
}

/* The sections: each calendar's rows and holidays in a stretch. */
static int store(struct toll_build *build, struct toll_buffer *rows, struct toll_buffer *holidays)
{
    size_t row = 0, holiday = 0;

    if (rows->count > 0)
        qsort(rows->data, rows->count, sizeof(struct calendar_row), compare_rows);
    if (holidays->count > 0)
        qsort(holidays->data, holidays->count, sizeof(struct holiday_row), compare_holidays);
    if (build->calendar_bands.count > 0)
        qsort(build->calendar_bands.data, build->calendar_bands.count, sizeof(uint64_t), compare_pairs);
    for (uint32_t id = 1; id <= build->calendars.strings.count; id++) {
        struct toll_calendar *calendar = TOLL_BUILD_ADD(build, CALENDARS, struct toll_calendar);
        size_t bytes;
        const char *name = toll_strings_text(&build->calendars.strings, id, &bytes);
        if (calendar == NULL || !toll_build_text(build, name, bytes, &calendar->name))
            return toll_build_memory(build);
        calendar->first_row = (uint32_t)row;
        calendar->first_holiday = (uint32_t)holiday;
        for (; row < rows->count && TOLL_BUFFER_AT(rows, struct calendar_row, row)->calendar == id; row++) {
            struct toll_calendar_row *place = TOLL_BUILD_ADD(build, CALENDAR_ROWS, struct toll_calendar_row);
            if (place == NULL)
                return toll_build_memory(build);
            *place = TOLL_BUFFER_AT(rows, struct calendar_row, row)->row;
            calendar->row_count++;
        }
        for (; holiday < holidays->count &&
               TOLL_BUFFER_AT(holidays, struct holiday_row, holiday)->calendar == id;
             holiday++) {
            struct toll_holiday *place = TOLL_BUILD_ADD(build, HOLIDAYS, struct toll_holiday);
            if (place == NULL)
                return toll_build_memory(build);
            *place = TOLL_BUFFER_AT(holidays, struct holiday_row, holiday)->holiday;
            calendar->holiday_count++;
        }
    }
    return 0;
}

int toll_build_calendars(struct toll_build *build)
{
    struct toll_buffer rows = {0}, holidays = {0};
    struct toll_table *table;
    int code;

    if (TOLL_BUILD_ADD(build, CALENDARS, struct toll_calendar) == NULL ||
        TOLL_BUILD_ADD(build, BAND_NAMES, uint32_t) == NULL)
        return toll_build_memory(build);
    code = toll_build_table(build, "calendars.csv", calendar_columns, CALENDAR_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_calendar_row(build, table, &rows);
        toll_table_close(table);
    }
    if (code == 0)
        code = toll_build_table(build, "holidays.csv", holiday_columns, HOLIDAY_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_holiday(build, table, &holidays);
        toll_table_close(table);
    }
    if (code == 0)
        code = store(build, &rows, &holidays);
    toll_buffer_free(&rows);
    toll_buffer_free(&holidays);
    return code;
}
