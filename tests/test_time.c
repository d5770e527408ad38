/* Civil dates and ISO 8601 texts against days and seconds known from elsewhere (date -u). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the headers it needs */
#include <cmocka.h>
#include <string.h>

#include "base/time.h"

static void counts_days(void **state)
{
    static const struct {
        int year, month, day, weekday;
        int64_t days;
    } cases[] = {
        {1970, 1, 1, 4, 0},       {1969, 12, 31, 3, -1}, {2000, 2, 29, 2, 11016},    {2026, 3, 8, 7, 20520},
        {2026, 11, 21, 6, 20778}, {1, 1, 1, 1, -719162}, {9999, 12, 31, 5, 2932896}, {2199, 11, 3, 7, 83947},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int year, month, day;

        assert_int_equal(toll_days_from_civil(cases[i].year, cases[i].month, cases[i].day), cases[i].days);
        toll_civil_from_days(cases[i].days, &year, &month, &day);
        assert_int_equal(year, cases[i].year);
        assert_int_equal(month, cases[i].month);
        assert_int_equal(day, cases[i].day);
        assert_int_equal(toll_iso_weekday(cases[i].days), cases[i].weekday);
    }
}

/* Walks every day of the calendar with a counter that knows month lengths only. */
static void walks_the_calendar(void **state)
{
    static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = -719162;

    (void)state;
    for (int year = 1; year <= 9999; year++) {
        int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        for (int month = 1; month <= 12; month++) {
            for (int day = 1; day <= lengths[month - 1] + (month == 2 && leap); day++, days++) {
                int y, m, d;

                toll_civil_from_days(days, &y, &m, &d);
                if (y != year || m != month || d != day || toll_days_from_civil(year, month, day) != days)
                    fail_msg("%d-%d-%d", year, month, day);
            }
        }
    }
    assert_int_equal(days, 2932897);
}

static void floors_days_before_1970(void **state)
{
    (void)state;
    assert_int_equal(toll_day_of_ms(0), 0);
    assert_int_equal(toll_day_of_ms(86399999), 0);
    assert_int_equal(toll_day_of_ms(86400000), 1);
    assert_int_equal(toll_day_of_ms(-1), -1);
    assert_int_equal(toll_day_of_ms(-86400000), -1);
    assert_int_equal(toll_day_of_ms(-86400001), -2);
    assert_true(toll_day_of_ms(TOLL_MS_MIN) ==
                -INT64_C(106751991168)); /* 9223372036854775808 / 86400000 up */
    assert_true(toll_day_of_ms(TOLL_MS_MAX) == INT64_C(106751991167));
}

static void converts_instants(void **state)
{
    const struct toll_civil civil = {2026, 11, 21, 9, 48, 27, 5}, before = {1969, 12, 31, 23, 59, 59, 999};
    struct toll_civil back;

    (void)state;
    assert_true(toll_ms_from_civil(&civil) == INT64_C(1795254507005));
    toll_civil_from_ms(INT64_C(1795254507005), &back);
    assert_memory_equal(&back, &civil, sizeof civil);
    assert_true(toll_ms_from_civil(&before) == -1);
    toll_civil_from_ms(-1, &back);
    assert_memory_equal(&back, &before, sizeof before);
}

static void checks_civil(void **state)
{
    static const struct {
        struct toll_civil civil;
        bool valid;
    } cases[] = {
        {{2024, 2, 29, 0, 0, 0, 0}, true},   {{2026, 2, 29, 0, 0, 0, 0}, false},
        {{1900, 2, 29, 0, 0, 0, 0}, false},  {{2000, 2, 29, 23, 59, 59, 999}, true},
        {{0, 1, 1, 0, 0, 0, 0}, false},      {{10000, 1, 1, 0, 0, 0, 0}, false},
        {{2026, 0, 1, 0, 0, 0, 0}, false},   {{2026, 13, 1, 0, 0, 0, 0}, false},
        {{2026, 4, 31, 0, 0, 0, 0}, false},  {{2026, 4, 0, 0, 0, 0, 0}, false},
        {{2026, 4, 30, 24, 0, 0, 0}, false}, {{2026, 4, 30, 0, 60, 0, 0}, false},
        {{2026, 4, 30, 0, 0, 60, 0}, false}, {{2026, 4, 30, 0, 0, 0, 1000}, false},
        {{2026, 4, 30, -1, 0, 0, 0}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(toll_civil_valid(&cases[i].civil), cases[i].valid);
}

static void formats(void **state)
{
    char buffer[TOLL_TIME_TEXT_BYTES];

    (void)state;
    assert_int_equal(toll_day_format(20778, buffer), 10);
    assert_string_equal(buffer, "2026-11-21");
    assert_int_equal(toll_ms_format(INT64_C(1795254507000), buffer), 24);
    assert_string_equal(buffer, "2026-11-21T09:48:27.000Z");
    toll_ms_format(-1, buffer);
    assert_string_equal(buffer, "1969-12-31T23:59:59.999Z");
    toll_ms_format(TOLL_MS_MIN, buffer);
    assert_string_equal(buffer, "0001-01-01T00:00:00.000Z");
    toll_ms_format(TOLL_MS_MAX, buffer);
    assert_string_equal(buffer, "9999-12-31T23:59:59.999Z");
    toll_day_format(INT64_MAX, buffer);
    assert_string_equal(buffer, "9999-12-31");
}

static void parses_days(void **state)
{
    static const char *const bad[] = {"",           "2026-11-2",  "2026-11-211", "2026/11/21",  "2026-11-31",
                                      "0000-01-01", "20261121",   "2026-1-21",   " 2026-11-21", "2026-02-29",
                                      "-026-11-21", "2026-11-21Z"};
    int64_t days = 5;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(toll_day_parse(bad[i], strlen(bad[i]), &days));
    assert_int_equal(days, 5);
    assert_true(toll_day_parse("2026-11-21", 10, &days));
    assert_int_equal(days, 20778);
}

static void parses_iso(void **state)
{
    static const struct {
        const char *text;
        int64_t local_ms;
        bool has_offset;
        int32_t offset_s;
    } cases[] = {
        {"2026-11-21", INT64_C(1795219200000), false, 0}, /* 20778 days */
        {"2026-11-21T09:48", INT64_C(1795254480000), false, 0},
        {"2026-11-21 09:48:27", INT64_C(1795254507000), false, 0},
        {"2026-11-21T09:48:27Z", INT64_C(1795254507000), true, 0},
        {"2026-11-21T09:48Z", INT64_C(1795254480000), true, 0},
        {"2026-11-21T09:48:27.1", INT64_C(1795254507100), false, 0},
        {"2026-11-21T09:48:27.123456", INT64_C(1795254507123), false, 0},
        {"2026-11-21T09:48:27.9999999999999999999999", INT64_C(1795254507999), false, 0},
        {"2026-11-21T09:48:27.5+01:00", INT64_C(1795254507500), true, 3600},
        {"2026-11-21T09:48:27-0330", INT64_C(1795254507000), true, -12600},
        {"2026-11-21T09:48:27-00:00", INT64_C(1795254507000), true, 0},
        {"1969-12-31T23:59:59.999Z", -1, true, 0},
    };
    static const char *const bad[] = {
        "",
        "2026-11-21T",
        "2026-11-21T09",
        "2026-11-21T9:48",
        "2026-11-21t09:48",
        "2026-11-21T09:48:",
        "2026-11-21T09:48:2",
        "2026-11-21T09:48:60",
        "2026-11-21T24:00:00",
        "2026-11-21T09:60",
        "2026-11-21T09:48.5",
        "2026-11-21T09:48:27.",
        "2026-11-21T09:48:27.Z",
        "2026-11-21T09:48:27,5",
        "2026-11-21T09:48:27z",
        "2026-11-21T09:48:27ZZ",
        "2026-11-21T09:48:27+1:00",
        "2026-11-21T09:48:27+01",
        "2026-11-21T09:48:27+01:",
        "2026-11-21T09:48:27+24:00",
        "2026-11-21T09:48:27+01:60",
        "2026-11-21T09:48:27 +01:00",
        "2026-11-21Z",
        "2026-02-30T09:48",
        "2026-11-21  09:48",
    };
    int64_t local_ms = 5;
    int32_t offset_s = 6;
    bool has_offset = false;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (toll_iso_parse(bad[i], strlen(bad[i]), &local_ms, &has_offset, &offset_s))
            fail_msg("'%s' was accepted", bad[i]);
    }
    assert_true(local_ms == 5 && offset_s == 6);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i].text);
        assert_true(toll_iso_parse(cases[i].text, strlen(cases[i].text), &local_ms, &has_offset, &offset_s));
        assert_true(local_ms == cases[i].local_ms);
        assert_int_equal(has_offset, cases[i].has_offset);
        assert_int_equal(offset_s, cases[i].offset_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_days),
        cmocka_unit_test(walks_the_calendar),
        cmocka_unit_test(floors_days_before_1970),
        cmocka_unit_test(converts_instants),
        cmocka_unit_test(checks_civil),
        cmocka_unit_test(formats),
        cmocka_unit_test(parses_days),
        cmocka_unit_test(parses_iso),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
