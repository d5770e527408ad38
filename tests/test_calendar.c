/* Bands against a minute by minute reading of RATING.md section 10, over the weeks in which clocks change,
 * with holidays; and the stretch that each answer is said to hold for. */
#include "book_fixture.h"

#define MINUTE INT64_C(60000)

static const char calendars_text[] = "calendar,band,days,from,to,priority\n"
                                     "c,night,,20:00,06:00,5\n"
                                     "c,weekend,6;7,,,6\n"
                                     "c,lunch,1-5,12:00,13:30,1\n"
                                     "c,late,5,23:30,00:30,2\n"
                                     "c,early,1;3-4,05:15,06:00,5\n"
                                     "c,gap,7,01:10,02:50,0\n"
                                     "all,day,,,,\n"
                                     "all,never,,,,\n"
                                     "wrap,whole,2,07:00,07:00,\n"
                                     "wrap,end,4,22:00,24:00,\n"
                                     "wrap,start,6,,03:00,\n";

/* The same once more for the naive reading: days as a text of digits. */
struct row {
    const char *band, *days;
    int from, to, priority;
};
static const struct row rows[] = {{"night", "1234567", 1200, 360, 5}, {"weekend", "67", 0, 1440, 6},
                                  {"lunch", "12345", 720, 810, 1},    {"late", "5", 1410, 30, 2},
                                  {"early", "134", 315, 360, 5},      {"gap", "7", 70, 170, 0}};

/* Wednesdays, weekends, neighbours of each other, a day on which the clocks change. */
static const char *const holidays[][2] = {
    {"2026-03-08", "off"},   {"2026-03-11", "weekend"}, {"2026-03-12", "off"}, {"2026-03-29", "off"},
    {"2026-10-25", "night"}, {"2026-11-01", "off"},     {"2026-10-23", "off"}};

/* The local date (days since 1970) and minute of an instant, by the rules as the law states them: New York
 * goes forward on 8 March 07:00Z and back on 1 November 06:00Z 2026; London on 29 March and 25 October at
 * 01:00Z. */
static void local_of(bool london, toll_ms at, int64_t *day, int *minute)
{
    static toll_ms edges[4];
    toll_ms offset;

    if (edges[0] == 0) {
        edges[0] = book_ms("2026-03-08T07:00:00Z");
        edges[1] = book_ms("2026-11-01T06:00:00Z");
        edges[2] = book_ms("2026-03-29T01:00:00Z");
        edges[3] = book_ms("2026-10-25T01:00:00Z");
    }
    if (london)
        offset = at >= edges[2] && at < edges[3] ? 60 : 0;
    else
        offset = at >= edges[0] && at < edges[1] ? -240 : -300;
    *day = (at / MINUTE + offset) / 1440; /* after 1970 */
    *minute = (int)((at / MINUTE + offset) % 1440);
}

static const char *holiday_of(int64_t day)
{
    for (size_t i = 0; i < sizeof(holidays) / sizeof(holidays[0]); i++) {
        int64_t date;
        assert_true(toll_day_parse(holidays[i][0], 10, &date));
        if (date == day)
            return holidays[i][1];
    }
    return NULL;
}

static bool among(const char *days, int64_t day)
{
    /* 1 January 1970 was a Thursday. */
    return strchr(days, (int)('1' + (day + 3) % 7)) != NULL;
}

static const char *naive(int64_t day, int minute)
{
    const struct row *best = NULL;

    if (holiday_of(day) != NULL)
        return holiday_of(day);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        bool matches;
        if (row->to > row->from)
            matches = among(row->days, day) && row->from <= minute && minute < row->to;
        else
            matches = (among(row->days, day) && minute >= row->from) ||
                      (among(row->days, day - 1) && holiday_of(day - 1) == NULL && minute < row->to);
        if (matches && (best == NULL || row->priority < best->priority))
            best = row;
    }
    return best != NULL ? best->band : "";
}

static void begin(struct book_fixture *f, const char *timezone)
{
    char text[2048];
    size_t bytes;

    book_begin(f);
    snprintf(text, sizeof(text), "deck,calendar,timezone\nd,c,%s\nall,all,\nwrap,wrap,UTC\nnone,,\n",
             timezone);
    book_file(f, "decks.csv", text);
    book_file(f, "decks/all.csv", "prefix,rate\n1,1\n");
    book_file(f, "decks/wrap.csv", "prefix,rate\n1,1\n");
    book_file(f, "decks/none.csv", "prefix,rate\n1,1\n");
    book_file(f, "calendars.csv", calendars_text);
    bytes = (size_t)sprintf(text, "calendar,date,band\n");
    for (size_t i = 0; i < sizeof(holidays) / sizeof(holidays[0]); i++)
        bytes += (size_t)sprintf(text + bytes, "c,%s,%s\n", holidays[i][0], holidays[i][1]);
    book_file(f, "holidays.csv", text);
}

static const char *band_text(const struct toll_book *book, int32_t band)
{
    return toll_book_string(book, book->band_names[band]);
}

/* Every minute of [from, to) by both; the stretch is exact at minutes and never says too much. */
static void compare(const struct toll_book *book, bool london, const char *from_text, const char *to_text)
{
    const toll_ms end = book_ms(to_text);
    toll_ms stretch_from = 0, stretch_until = 0;
    const char *stretch_band = "";

    for (toll_ms at = book_ms(from_text); at < end; at += MINUTE) {
        const toll_ms inside = at + (at / MINUTE * 7919) % MINUTE;
        toll_ms from, until;
        int64_t day;
        int minute;
        local_of(london, at, &day, &minute);
        const char *expected = naive(day, minute);
        const char *found = band_text(book, toll_book_band(book, 1, inside, &from, &until));
        if (strcmp(found, expected) != 0) {
            char when[32];
            toll_ms_format(at, when);
            fail_msg("%s: %s, not %s", when, found, expected);
        }
        assert_true(from <= inside && inside < until);
        assert_true(from % MINUTE == 0 && until % MINUTE == 0);
        if (at < stretch_until) {
            /* Still within what was said before. */
            assert_string_equal(expected, stretch_band);
            assert_int_equal(from, stretch_from);
            assert_int_equal(until, stretch_until);
        }
        stretch_from = from;
        stretch_until = until;
        stretch_band = expected;
    }
}

static void new_york(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f, "America/New_York");
    book = book_good(&f);
    compare(book, false, "2026-03-01T00:00:00Z", "2026-03-16T00:00:00Z");
    compare(book, false, "2026-10-20T00:00:00Z", "2026-11-10T00:00:00Z");
    book_end(&f);
}

static void london(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    (void)state;

    begin(&f, "Europe/London");
    book = book_good(&f);
    compare(book, true, "2026-03-20T00:00:00Z", "2026-04-05T00:00:00Z");
    compare(book, true, "2026-10-15T00:00:00Z", "2026-11-05T00:00:00Z");
    book_end(&f);
}

static void by_hand(void **state)
{
    struct book_fixture f;
    const struct toll_book *book;
    toll_ms from, until;
    (void)state;

    begin(&f, "America/New_York");
    book = book_good(&f);
    /* Thursday 2 July 2026, 20:00 in New York. */
    assert_string_equal(
        band_text(book, toll_book_band(book, 1, book_ms("2026-07-02T20:00:00-04:00"), &from, &until)),
        "night");
    assert_int_equal(from, book_ms("2026-07-02T20:00:00-04:00"));
    assert_int_equal(until, book_ms("2026-07-02T23:30:00-04:00"));
    assert_string_equal(
        band_text(book, toll_book_band(book, 1, book_ms("2026-07-02T19:59:59.999-04:00"), &from, &until)),
        "");
    assert_int_equal(until, book_ms("2026-07-02T20:00:00-04:00"));
    /* Equal priority: the earlier row. */
    assert_string_equal(
        band_text(book, toll_book_band(book, 2, book_ms("2026-07-02T12:00:00Z"), &from, &until)), "day");
    assert_int_equal(until - from, 24 * 60 * MINUTE);
    /* A whole day that begins at 07:00 on Tuesday. */
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-07T06:59:59Z"), &from, &until)), "");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-07T07:00:00Z"), &from, &until)), "whole");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-08T06:59:59Z"), &from, &until)), "whole");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-08T07:00:00Z"), &from, &until)), "");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-09T23:59:59Z"), &from, &until)), "end");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-10T00:00:00Z"), &from, &until)), "");
    assert_string_equal(
        band_text(book, toll_book_band(book, 3, book_ms("2026-07-11T02:59:59Z"), &from, &until)), "start");
    /* Without a calendar: no band, ever. */
    assert_int_equal(toll_book_band(book, 4, 0, &from, &until), 0);
    assert_true(from == TOLL_MS_MIN && until == TOLL_MS_MAX);
    /* Far away nothing overflows. */
    const toll_ms extremes[] = {INT64_MIN, INT64_MIN + 1,           INT64_MAX, INT64_MAX - 1, -1,
                                0,         INT64_C(253402300799999)};
    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
        (void)toll_book_band(book, 1, extremes[i], &from, &until);
        assert_true(from <= extremes[i] && (extremes[i] < until || until == TOLL_MS_MAX));
    }
    book_end(&f);
}

static void refused(void **state)
{
    struct book_fixture f;
    (void)state;

    book_begin(&f);
    book_file(&f, "calendars.csv",
              "calendar,band,days,from,to,priority\n"
              "c,,,,,\n"
              ",x,,,,\n"
              "c,x,0,,,\n"
              "c,x,1-8,,,\n"
              "c,x,5-1,,,\n"
              "c,x,1;,,,\n"
              "c,x,mon,,,\n"
              "c,x,,24:00,,\n"
              "c,x,,25:00,,\n"
              "c,x,,6:00,,\n"
              "c,x,,,24:01,\n"
              "c,x,,,,1.5\n"
              "c,x, 1 - 3 ; 5 ,00:00,24:00,-3\n");
    book_file(&f, "holidays.csv",
              "calendar,date,band\nc,2026-12-25,x\nc,2026-12-25,y\nd,2026-12-25,x\nc,2026-02-29,x\nc,,x\nc,"
              "2026-12-26,\n"
              "c,2026-12-26 10:00,x\n");
    book_file(&f, "decks.csv", "deck,calendar\nd,c\n");
    book_file(&f, "decks/d.csv", "prefix,rate,band\n1,1,x\n2,1,y\n3,1,zz\n4,1,xx\n");
    book_bad(&f, "E calendars.csv:2:3: ~must not be empty\n"
                 "E calendars.csv:3:1: ~must not be empty\n"
                 "E calendars.csv:4:5: ~no list of weekdays\n"
                 "E calendars.csv:5:5: ~no list of weekdays\n"
                 "E calendars.csv:6:5: ~no list of weekdays\n"
                 "E calendars.csv:7:5: ~no list of weekdays\n"
                 "E calendars.csv:8:5: ~no list of weekdays\n"
                 "E calendars.csv:9:6: ~can only end a band\n"
                 "E calendars.csv:10:6: ~is not a time of day\n"
                 "E calendars.csv:11:6: ~is not a time of day\n"
                 "E calendars.csv:12:7: ~is not a time of day\n"
                 "E calendars.csv:13:8: ~is not a whole number\n"
                 "E holidays.csv:3:3: ~second time; the first is in line 2\n"
                 "E holidays.csv:4:1: ~calendar \"d\" is unknown\n"
                 "E holidays.csv:5:3: ~is not a date\n"
                 "E holidays.csv:6:3: ~must not be empty\n"
                 "E holidays.csv:7:14: ~must not be empty\n"
                 "E holidays.csv:8:3: ~is not a date\n"
                 "E decks/d.csv:4:5: ~band \"zz\" is unknown\n"
                 "E decks/d.csv:5:5: ~band \"xx\" is unknown\n");
    book_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_york),
        cmocka_unit_test(london),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
