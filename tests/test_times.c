/* Time patterns, and wall clocks to instants. */
#include "ingest/times.h"
#include "io/zonefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct toll_time_format compiled(const char *pattern)
{
    struct toll_time_format format;
    const char *why = "";

    if (!toll_time_format_compile(pattern, &format, &why))
        fail_msg("%s: %s", pattern, why);
    return format;
}

static void check_refused(const char *pattern)
{
    struct toll_time_format format;
    const char *why = NULL;

    assert_false(toll_time_format_compile(pattern, &format, &why));
    assert_non_null(why);
}

/* expected: NULL, the text is bad */
static void check(const struct toll_zone *zone, const char *pattern, const char *text, const char *expected)
{
    struct toll_time_format format = compiled(pattern);
    struct toll_time_reader reader;
    char printed[TOLL_TIME_TEXT_BYTES], *copy = malloc(strlen(text));
    toll_ms utc = 0;
    enum toll_time_result result;

    memcpy(copy, text, strlen(text));
    toll_time_reader_init(&reader, zone, TOLL_FOLD_FIRST);
    result = toll_time_read(&reader, &format, 1, copy, strlen(text), &utc);
    free(copy);
    if (expected == NULL) {
        if (result != TOLL_TIME_BAD)
            fail_msg("\"%s\" as \"%s\" was read", text, pattern);
        return;
    }
    toll_ms_format(utc, printed);
    if (result != TOLL_TIME_OK || strcmp(printed, expected) != 0)
        fail_msg("\"%s\" as \"%s\": result %d, %s, expected %s", text, pattern, (int)result, printed,
                 expected);
}

static void test_patterns(void **state)
{
    struct toll_zone *utc = toll_zone_utc();

    (void)state;
    check(utc, "%d/%m/%Y %H:%M:%S", "3/1/2014 11:00:00", "2014-01-03T11:00:00.000Z");
    check(utc, "%d/%m/%Y %H:%M:%S", "22/01/2014 18:30:05", "2014-01-22T18:30:05.000Z");
    check(utc, "%m/%d/%Y %I:%M:%S %p", "01/02/2014 12:00:00 AM", "2014-01-02T00:00:00.000Z");
    check(utc, "%m/%d/%Y %I:%M:%S %p", "01/02/2014 12:30:00 pm", "2014-01-02T12:30:00.000Z");
    check(utc, "%m/%d/%Y %I:%M %p", "1/2/2014 1:05 PM", "2014-01-02T13:05:00.000Z");
    check(utc, "%Y%m%d%H%M%S", "20140102030405", "2014-01-02T03:04:05.000Z");
    check(utc, "%d-%b-%y %H:%M", "07-Feb-14 08:09", "2014-02-07T08:09:00.000Z");
    check(utc, "%d %B %Y %H:%M", "7 september 2014 08:09", "2014-09-07T08:09:00.000Z");
    check(utc, "%Y-%m-%d %H:%M:%S.%f", "2014-01-02 03:04:05.678912", "2014-01-02T03:04:05.678Z");
    check(utc, "%Y-%m-%dT%H:%M:%S%z", "2014-01-02T03:04:05+02:00", "2014-01-02T01:04:05.000Z");
    check(utc, "%Y-%m-%dT%H:%M:%S%z", "2014-01-02T03:04:05-0530", "2014-01-02T08:34:05.000Z");
    check(utc, "%s", "1388664245", "2014-01-02T12:04:05.000Z");
    check(utc, "%s", "1388664245.25", "2014-01-02T12:04:05.250Z");
    check(utc, "%Q", "1388664245250", "2014-01-02T12:04:05.250Z");
    check(utc, "%Y %m %d %H:%M", "2014  1   2 03:04", "2014-01-02T03:04:00.000Z");
    check(utc, "[%Y-%m-%d %H:%M] 100%%", "[2014-01-02 03:04] 100%", "2014-01-02T03:04:00.000Z");
    check(utc, "%d/%m/%Y %H:%M:%S", "31/02/2014 00:00:00", NULL);
    check(utc, "%d/%m/%Y %H:%M:%S", "13/13/2014 00:00:00", NULL);
    check(utc, "%d/%m/%Y %H:%M:%S", "03/01/2014 24:00:00", NULL);
    check(utc, "%d/%m/%Y %H:%M:%S", "03/01/2014 11:00", NULL);
    check(utc, "%d/%m/%Y %H:%M:%S", "03/01/2014 11:00:00x", NULL);
    check(utc, "%d/%m/%Y %H:%M:%S", "03/01/14 11:00:00", NULL);
    check(utc, "%m/%d/%Y %I:%M %p", "1/2/2014 13:05 PM", NULL);
    check(utc, "%s", "", NULL);
    check(utc, "%s", "9999999999999999", NULL);
    check(utc, "%Y-%m-%d %H:%M", "1969-12-31 23:59", NULL);
    check(utc, "%Y-%m-%d %H:%M", "2200-01-01 00:00", NULL);
    check(utc, "%Y-%m-%d %H:%M", "2199-12-31 23:59", "2199-12-31T23:59:00.000Z");
    toll_zone_free(utc);
}

static void test_refused_patterns(void **state)
{
    (void)state;
    check_refused("");
    check_refused("%Y-%m-%d");
    check_refused("%H:%M:%S");
    check_refused("%Y-%m-%d %I:%M");
    check_refused("%Y-%m-%d %H:%M %k");
    check_refused("%Y-%m-%d %H:%M %");
    check_refused("%Y-%m-%d %H");
    check_refused("ISO");
}

static void test_iso(void **state)
{
    struct toll_zone *utc = toll_zone_utc();

    (void)state;
    check(utc, "iso", "2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000Z");
    check(utc, "iso", "2026-03-01T09:30:00.250Z", "2026-03-01T09:30:00.250Z");
    check(utc, "iso", "2026-03-01 09:30:00", "2026-03-01T09:30:00.000Z");
    check(utc, "iso", "2026-03-01T09:30:00.123456Z", "2026-03-01T09:30:00.123Z");
    check(utc, "iso", "2026-03-01T09:30:00.5Z", "2026-03-01T09:30:00.500Z");
    check(utc, "iso", "2026-03-01T09:30:00+05:30", "2026-03-01T04:00:00.000Z");
    check(utc, "iso", "2026-03-01T00:30:00.001+01:00", "2026-02-28T23:30:00.001Z");
    check(utc, "iso", "2026-03-01T09:30Z", "2026-03-01T09:30:00.000Z");
    check(utc, "iso", " 2026-03-01T09:30:00Z ", "2026-03-01T09:30:00.000Z");
    check(utc, "iso", "2026-02-29T09:30:00Z", NULL);
    check(utc, "iso", "2026-03-01T09:30:60Z", NULL);
    check(utc, "iso", "2026-03-01T09:3x:00Z", NULL);
    check(utc, "iso", "2026-03-01T09:30:00ZZ", NULL);
    check(utc, "iso", "2026-03-01T09:30:00.Z", NULL);
    check(utc, "iso", "2026-0301T09:30:00Z", NULL);
    check(utc, "iso", "", NULL);
    toll_zone_free(utc);
}

/* The remembered day and offset must never leak into the next text: a long walk against single readers. */
static void test_remembered(void **state)
{
    struct toll_time_format iso = compiled("iso");
    struct toll_time_reader walking;
    struct toll_zone *zone;
    struct toll_hash128 hash;
    uint32_t random = 12345;

    (void)state;
    if (toll_zone_load(toll_io_system(), "America/New_York", &zone, &hash, NULL) != 0)
        skip();
    toll_time_reader_init(&walking, zone, TOLL_FOLD_FIRST);
    for (int i = 0; i < 200000; i++) {
        struct toll_time_reader fresh;
        char text[TOLL_TIME_TEXT_BYTES];
        toll_ms local, a, b, expected;
        bool zulu;

        random = random * 1664525 + 1013904223;
        /* Around the changes of 2026-03-08 and 2026-11-01, in steps of whole minutes. */
        local = (random & 0x10000 ? INT64_C(1772928000000) : INT64_C(1793491200000)) +
                (int64_t)(random >> 20) % 4320 * 60000;
        zulu = (random >> 18 & 3) == 0;
        toll_ms_format(local, text);
        if (!zulu)
            text[strlen(text) - 1] = '\0';
        toll_time_reader_init(&fresh, zone, TOLL_FOLD_FIRST);
        assert_int_equal(toll_time_read(&walking, &iso, 1, text, strlen(text), &a), TOLL_TIME_OK);
        assert_int_equal(toll_time_read(&fresh, &iso, 1, text, strlen(text), &b), TOLL_TIME_OK);
        assert_true(a == b);
        expected = local;
        if (!zulu)
            assert_true(toll_zone_to_utc(zone, local, TOLL_FOLD_FIRST, &expected));
        assert_true(a == expected);
    }
    toll_zone_free(zone);
}

static void test_folds(void **state)
{
    static const struct {
        enum toll_fold fold;
        const char *text;
        enum toll_time_result result;
        const char *expected;
    } cases[] = {
        /* London: 2026-10-25 02:00 BST becomes 01:00 GMT; 2026-03-29 01:00 GMT becomes 02:00 BST. */
        {TOLL_FOLD_FIRST, "2026-10-25 01:30:00", TOLL_TIME_OK, "2026-10-25T00:30:00.000Z"},
        {TOLL_FOLD_SECOND, "2026-10-25 01:30:00", TOLL_TIME_OK, "2026-10-25T01:30:00.000Z"},
        {TOLL_FOLD_REJECT, "2026-10-25 01:30:00", TOLL_TIME_AMBIGUOUS, NULL},
        {TOLL_FOLD_REJECT, "2026-10-25 02:30:00", TOLL_TIME_OK, "2026-10-25T02:30:00.000Z"},
        {TOLL_FOLD_FIRST, "2026-03-29 01:30:00", TOLL_TIME_OK, "2026-03-29T01:30:00.000Z"},
        {TOLL_FOLD_REJECT, "2026-03-29 01:30:00", TOLL_TIME_AMBIGUOUS, NULL},
        {TOLL_FOLD_REJECT, "2026-07-01 12:00:00", TOLL_TIME_OK, "2026-07-01T11:00:00.000Z"},
    };
    struct toll_time_format iso = compiled("iso");
    struct toll_zone *zone;
    struct toll_hash128 hash;

    (void)state;
    if (toll_zone_load(toll_io_system(), "Europe/London", &zone, &hash, NULL) != 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct toll_time_reader reader;
        char printed[TOLL_TIME_TEXT_BYTES];
        toll_ms utc;

        toll_time_reader_init(&reader, zone, cases[i].fold);
        assert_int_equal(toll_time_read(&reader, &iso, 1, cases[i].text, strlen(cases[i].text), &utc),
                         cases[i].result);
        if (cases[i].expected == NULL)
            continue;
        toll_ms_format(utc, printed);
        assert_string_equal(printed, cases[i].expected);
    }
    toll_zone_free(zone);
}

static void test_several_formats(void **state)
{
    struct toll_time_format formats[2] = {compiled("%Y-%m-%d %H:%M:%S"), compiled("%Y-%m-%d %H:%M:%S.%f")};
    struct toll_zone *zone = toll_zone_utc();
    struct toll_time_reader reader;
    toll_ms utc;

    (void)state;
    toll_time_reader_init(&reader, zone, TOLL_FOLD_FIRST);
    assert_int_equal(toll_time_read(&reader, formats, 2, "2010-07-02 11:06:58.484053", 26, &utc),
                     TOLL_TIME_OK);
    assert_true(utc % 1000 == 484);
    assert_int_equal(toll_time_read(&reader, formats, 2, "2010-06-26 06:55:00", 19, &utc), TOLL_TIME_OK);
    assert_true(utc % 1000 == 0);
    assert_int_equal(toll_time_read(&reader, formats, 2, "2010-06-26", 10, &utc), TOLL_TIME_BAD);
    toll_zone_free(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns), cmocka_unit_test(test_refused_patterns),
        cmocka_unit_test(test_iso),      cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_folds),    cmocka_unit_test(test_several_formats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
