/* Mapping specs: the shipped ones load; a wrong one lists every fault with its place. */
#include "ingest/recognise.h"
#include "ingest/spec.h"
#include "ingest/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#ifndef TOLL_SOURCE_DIR
#define TOLL_SOURCE_DIR "."
#endif

struct faults {
    int count;
    struct {
        long line, column;
        char text[300];
    } at[64];
};

static void collect(void *context, const struct toll_diagnostic *diagnostic)
{
    struct faults *faults = context;

    assert_int_equal(diagnostic->severity, TOLL_ERROR);
    assert_true(faults->count < 64);
    faults->at[faults->count].line = diagnostic->line;
    faults->at[faults->count].column = diagnostic->column;
    snprintf(faults->at[faults->count].text, sizeof faults->at[0].text, "%s", diagnostic->text);
    faults->count++;
}

static int parse(const char *yaml, struct toll_spec *spec, struct faults *faults, struct toll_error *error)
{
    struct toll_reporter reporter = {collect, faults};
    struct toll_findings findings;

    memset(faults, 0, sizeof *faults);
    toll_findings_init(&findings, &reporter);
    return toll_spec_parse(spec, toll_io_system(), "t.yaml", yaml, strlen(yaml), &findings, error);
}

#define HEAD "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\ntime: {zone: UTC}\n"
#define FILE_PART "file: {header: exact, names: [a, b, c]}\n"
#define NUMBERS "numbers: {n: [{international: [\"+\"]}]}\n"
#define FIELDS                                            \
    "fields:\n"                                           \
    "  - {to: start, from: a, type: time, format: iso}\n" \
    "  - {to: duration, from: b, type: seconds}\n"        \
    "  - {to: callee, from: c, type: number, rules: n}\n"

static void test_good(void **state)
{
    struct toll_spec spec;
    struct faults faults;
    struct toll_error error;

    (void)state;
    assert_int_equal(parse(HEAD FILE_PART NUMBERS FIELDS, &spec, &faults, &error), 0);
    assert_string_equal(spec.provider, "p");
    assert_string_equal(spec.version, "1");
    assert_string_equal(spec.currency, "");
    assert_int_equal(spec.separator, ',');
    assert_int_equal(spec.column_count, 3);
    assert_int_equal(spec.key_count, 0);
    assert_true(spec.fields[TOLL_TO_START].mapped);
    assert_int_equal(spec.fields[TOLL_TO_CALLEE].columns[0], 2);
    assert_false(spec.fields[TOLL_TO_CALLER].mapped);
    assert_int_equal(spec.fields[TOLL_TO_ANSWERED].constant, 1);
    assert_int_equal(spec.fields[TOLL_TO_SERVICE].constant, 0);
    assert_true(spec.fields[TOLL_TO_CALLEE].rules->plus_is_e164);
    toll_spec_free(&spec);
}

static void test_shipped(void **state)
{
    static const char *const names[] = {"tollmill", "np-dl-telco", "asterisk-cdr-csv", "freeswitch-example"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct toll_spec spec;
        struct faults faults = {0};
        struct toll_reporter reporter = {collect, &faults};
        struct toll_findings findings;
        struct toll_error error;
        char path[512];

        snprintf(path, sizeof path, "%s/data/providers/%s.yaml", TOLL_SOURCE_DIR, names[i]);
        toll_findings_init(&findings, &reporter);
        if (toll_spec_load(&spec, toll_io_system(), path, &findings, &error) != 0)
            fail_msg("%s: %s", path, error.text);
        assert_string_equal(spec.provider, names[i]);
        toll_spec_free(&spec);
    }
}

/* One fault, at this line, with these words in it. */
static void check_fault(const char *yaml, long line, const char *words)
{
    struct toll_spec spec;
    struct faults faults;
    struct toll_error error;

    if (parse(yaml, &spec, &faults, &error) != TOLL_EBOOK)
        fail_msg("accepted:\n%s", yaml);
    for (int i = 0; i < faults.count; i++) {
        if (faults.at[i].line == line && strstr(faults.at[i].text, words) != NULL)
            return;
    }
    for (int i = 0; i < faults.count; i++)
        print_message("%ld:%ld %s\n", faults.at[i].line, faults.at[i].column, faults.at[i].text);
    fail_msg("no fault at line %ld with \"%s\" in\n%s", line, words, yaml);
}

static void test_single_faults(void **state)
{
    (void)state;
    check_fault("", 1, "empty");
    check_fault("- a\n", 1, "no mapping spec");
    check_fault("spec: tollmill-cdr-map/2\n", 1, "no mapping spec");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "currency: dollars\n", 11, "three capital letters");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "colour: red\n", 11, "colour");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "key: [z]\n", 11, "no column \"z\"");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "key: [a, a]\n", 11, "twice");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "key: []\n", 11, "key:");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "limits: {max_reject_ppm: 010}\n", 11, "max_reject_ppm");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "limits: {max_reject: 1}\n", 11, "max_reject");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "warnings: {duration_over_total: yes}\n", 7, "total");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "probes: [{column: a}]\n", 11, "in:");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "probes: [{column: a, type: time}]\n", 11, "format:");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, from: a}\n", 11, "type:");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, from: a, type: seconds}\n", 11,
                "does not fit");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, from: d, type: text}\n", 11,
                "no column \"d\"");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, from: 4, type: text}\n", 11,
                "no column \"4\"");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, type: text}\n", 11, "from:");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, from: a, type: text, unit: 1}\n", 11, "unit");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: wibble, from: a, type: text}\n", 11, "wibble");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: start, from: a, type: time, format: iso}\n", 11,
                "twice");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: caller, from: a, type: number, rules: m}\n", 11,
                "\"m\"");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: end, from: a, type: time, format: \"%H\"}\n", 11,
                "no year");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: direction, value: sideways}\n", 11, "sideways");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, value: \"\"}\n", 11, "1 to");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: trunk, value: [a]}\n", 11, "one value");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: carrier, value: x}\n", 11, "constant");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: direction, from: a, type: choice, map: {up: x}}\n",
                11, "up");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: answered, type: answer-present}\n", 7, "answer");
    check_fault(HEAD FILE_PART NUMBERS FIELDS "  - {to: provider_charge, from: a, type: money, unit: p}\n",
                11, "unit");
    check_fault(HEAD FILE_PART "numbers: {n: [{nanpp: yes}]}\n" FIELDS, 6, "nanpp");
    check_fault(HEAD FILE_PART "numbers: {n: [{national: {country: UK}}]}\n" FIELDS, 6, "country");
    check_fault(HEAD FILE_PART "numbers: {n: [{short: {min: 6, max: 2}}]}\n" FIELDS, 6, "min is greater");
    check_fault(HEAD FILE_PART "numbers: {n: [{short: [9x1]}]}\n" FIELDS, 6, "9x1");
    check_fault(HEAD "file: {header: exact, names: [a, b, c], separator: \",,\"}\n" NUMBERS FIELDS, 5,
                "separator");
    check_fault(HEAD "file: {header: exact, names: [a, b, c, a]}\n" NUMBERS FIELDS, 5, "twice");
    check_fault(HEAD "file: {header: exact, names: [a, b, c], optional: [a]}\n" NUMBERS FIELDS, 5,
                "order: any");
    check_fault(HEAD "file: {header: none}\n" NUMBERS FIELDS, 5, "columns");
    check_fault(HEAD "file: {header: none, columns: [0]}\n" NUMBERS FIELDS, 5, "\"0\"");
    check_fault(HEAD "file: {names: [a, b, c]}\n" NUMBERS FIELDS, 5, "header");
    check_fault(HEAD "file: {header: exact, names: [a, b, c], header_hash: 12}\n" NUMBERS FIELDS, 5,
                "header_hash");
    check_fault(
        "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\ntime: {fold: first}\n" FILE_PART NUMBERS
            FIELDS,
        4, "zone");
    check_fault(
        "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\ntime: {zone: Mars/Olympus}\n" FILE_PART
            NUMBERS FIELDS,
        4, "Mars");
    check_fault(
        "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\ntime: {zone: ../../etc/passwd}\n" FILE_PART
            NUMBERS FIELDS,
        4, "zone");
}

static void test_all_faults_listed(void **state)
{
    static const char yaml[] = "spec: tollmill-cdr-map/1\n"
                               "provider: p\n"
                               "versoin: \"1\"\n"
                               "file: {header: exact, names: [a, b]}\n"
                               "time: {zone: UTC, fold: third}\n"
                               "fields:\n"
                               "  - {to: start, from: x, type: time, format: iso}\n"
                               "  - {to: duration, from: b, type: secs}\n"
                               "  - {to: caller, from: a, type: number}\n"
                               "key: row\n";
    static const long lines[] = {1, 3, 5, 7, 8, 9};
    struct toll_spec spec;
    struct faults faults;
    struct toll_error error;

    (void)state;
    assert_int_equal(parse(yaml, &spec, &faults, &error), TOLL_EBOOK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        bool found = false;

        for (int k = 0; k < faults.count; k++)
            found |= faults.at[k].line == lines[i];
        if (!found)
            fail_msg("no fault at line %ld", lines[i]);
    }
    assert_int_equal(faults.count, 6);
    assert_non_null(strstr(error.text, "t.yaml"));
}

/* Any prefix of a good spec is refused or read, but never crashes. */
static void test_prefixes(void **state)
{
    static const char yaml[] = HEAD FILE_PART NUMBERS FIELDS "key: [a]\nprobes: [{column: a, in: [x]}]\n";

    (void)state;
    for (size_t bytes = 0; bytes < sizeof yaml; bytes++) {
        struct toll_findings findings;
        struct toll_spec spec;

        toll_findings_init(&findings, NULL);
        if (toll_spec_parse(&spec, toll_io_system(), "t.yaml", yaml, bytes, &findings, NULL) == 0)
            toll_spec_free(&spec);
    }
}

/* -- values -- */

static void check_duration(enum toll_value_type type, const char *text, int code, int32_t ms)
{
    int32_t got = -1;
    int result = toll_value_duration(type, (struct toll_value){text, strlen(text)}, &got);

    if (result != code || (code == 0 && got != ms))
        fail_msg("\"%s\": %d, %d ms", text, result, got);
}

static void test_durations(void **state)
{
    (void)state;
    check_duration(TOLL_VALUE_SECONDS, "0", 0, 0);
    check_duration(TOLL_VALUE_SECONDS, "61", 0, 61000);
    check_duration(TOLL_VALUE_SECONDS, "61.5", 0, 61500);
    check_duration(TOLL_VALUE_SECONDS, "60.0001", 0, 60001); /* a part of a ms is a whole one */
    check_duration(TOLL_VALUE_SECONDS, "2147483.647", 0, INT32_MAX);
    check_duration(TOLL_VALUE_SECONDS, "2147483.648", -1, 0);
    check_duration(TOLL_VALUE_SECONDS, "99999999999999999999", -1, 0);
    check_duration(TOLL_VALUE_SECONDS, "-5", -2, 0);
    check_duration(TOLL_VALUE_SECONDS, "5s", -1, 0);
    check_duration(TOLL_VALUE_SECONDS, "1e3", -1, 0);
    check_duration(TOLL_VALUE_SECONDS, "0x10", -1, 0);
    check_duration(TOLL_VALUE_MINUTES, "1.5", 0, 90000);
    check_duration(TOLL_VALUE_MINUTES, "0.1", 0, 6000);
    check_duration(TOLL_VALUE_MILLISECONDS, "1500", 0, 1500);
    check_duration(TOLL_VALUE_MILLISECONDS, "1500.2", 0, 1501);
    check_duration(TOLL_VALUE_MICROSECONDS, "1500000", 0, 1500);
    check_duration(TOLL_VALUE_MICROSECONDS, "1500001", 0, 1501);
    check_duration(TOLL_VALUE_HMS, "00:00:00", 0, 0);
    check_duration(TOLL_VALUE_HMS, "01:02:03", 0, 3723000);
    check_duration(TOLL_VALUE_HMS, "27:00:00", 0, 97200000);
    check_duration(TOLL_VALUE_HMS, "2:03", 0, 123000);
    check_duration(TOLL_VALUE_HMS, "90:00", 0, 5400000);
    check_duration(TOLL_VALUE_HMS, "00:00:01.25", 0, 1250);
    check_duration(TOLL_VALUE_HMS, "00:61:00", -1, 0);
    check_duration(TOLL_VALUE_HMS, "00:00:60", -1, 0);
    check_duration(TOLL_VALUE_HMS, "15", -1, 0);
    check_duration(TOLL_VALUE_HMS, "1::2", -1, 0);
    check_duration(TOLL_VALUE_HMS, ":1:2", -1, 0);
    check_duration(TOLL_VALUE_HMS, "1:2:", -1, 0);
    check_duration(TOLL_VALUE_HMS, "1:2:3:4", -1, 0);
    check_duration(TOLL_VALUE_HMS, "-00:00:05", -2, 0);
}

static void check_money(const char *text, toll_money unit, bool good, toll_money expected)
{
    toll_money got = 0;

    if (toll_value_money((struct toll_value){text, strlen(text)}, unit, &got) != good ||
        (good && got != expected))
        fail_msg("\"%s\": %lld", text, (long long)got);
}

static void test_money(void **state)
{
    const toll_money pence = TOLL_MONEY_UNIT / 100;

    (void)state;
    check_money("72", pence, true, 72000000);
    check_money("-1.5", TOLL_MONEY_UNIT, true, -150000000);
    check_money("0.00000001", TOLL_MONEY_UNIT, true, 1);
    check_money("0.000000001", TOLL_MONEY_UNIT, false, 0);
    check_money("0.5", pence, true, 500000);
    check_money("0.0000001", pence, false, 0); /* finer than can be kept */
    check_money("0.000001", pence, true, 1);
    check_money("1,000", TOLL_MONEY_UNIT, false, 0);
    check_money("$1", TOLL_MONEY_UNIT, false, 0);
    check_money("92233720369", TOLL_MONEY_UNIT, false, 0);
}

/* -- recognition -- */

static int recognise(const char *yaml, const char *data, struct toll_error *error)
{
    struct toll_spec spec;
    struct toll_layout layout;
    struct faults faults;
    int code;

    if (parse(yaml, &spec, &faults, error) != 0)
        fail_msg("%s", error->text);
    code = toll_recognise(&spec, "f.csv", data, strlen(data), &layout, error);
    toll_spec_free(&spec);
    return code;
}

static void check_refused(const char *yaml, const char *data, const char *words)
{
    struct toll_error error = {0};

    if (recognise(yaml, data, &error) != TOLL_EDATA)
        fail_msg("accepted: %s", data);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" without \"%s\"", error.text, words);
}

static void test_recognise(void **state)
{
    static const char exact[] = HEAD FILE_PART NUMBERS FIELDS;
    static const char trimmed[] = HEAD "file: {header: trimmed, names: [a, b, c]}\n" NUMBERS FIELDS;
    static const char any[] =
        HEAD "file: {header: exact, names: [a, b, c], order: any, optional: [c]}\n" NUMBERS FIELDS;
    static const char none[] = HEAD "file: {header: none, columns: [2, 3]}\n" NUMBERS "fields:\n"
                                    "  - {to: start, from: 1, type: time, format: iso}\n"
                                    "  - {to: duration, from: 2, type: seconds}\n"
                                    "probes:\n"
                                    "  - {column: 1, type: time, format: iso, required: yes}\n"
                                    "  - {column: 3, in: [x, y]}\n";
    struct toll_error error;

    (void)state;
    assert_int_equal(recognise(exact, "a,b,c\n", &error), 0);
    assert_int_equal(recognise(exact,
                               "\xef\xbb\xbf"
                               "a,\"b\",c\r\n1,2,3\r\n",
                               &error),
                     0);
    check_refused(exact, "", "empty");
    check_refused(exact, "\n\n", "empty");
    check_refused(exact, "a, b,c\n", "\" b\"");
    check_refused(exact, "a,b\n", "\"c\" is missing");
    check_refused(exact, "a,b,c,d\n", "\"d\"");
    check_refused(exact, "a,c,b\n", "column 2");
    check_refused(exact, "A,b,c\n", "\"A\"");
    check_refused(exact, "a,b,c,\n", "column 4");
    check_refused(exact, "a,b,\"c\n", "quote");
    assert_int_equal(recognise(trimmed, "a, b , c\n", &error), 0);
    assert_int_equal(recognise(any, "b,a\n", &error), 0);
    assert_int_equal(recognise(any, "c,b,a\n", &error), 0);
    check_refused(any, "b,c\n", "\"a\" is missing");
    check_refused(any, "a,b,a\n", "twice");
    assert_int_equal(recognise(none, "", &error), 0);
    assert_int_equal(recognise(none, "2026-03-01T00:00:00Z,5,x\n2026-03-01T00:00:00Z,5\n", &error), 0);
    assert_int_equal(recognise(none, "2026-03-01T00:00:00Z,5,x\n5,5,x\n", &error), 0); /* half is enough */
    check_refused(none, "5,2026-03-01T00:00:00Z,x\n", "column 1");
    check_refused(none, ",5,x\n", "column 1");
    check_refused(none, "2026-03-01T00:00:00Z,5,z\n", "column 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_single_faults), cmocka_unit_test(test_all_faults_listed),
        cmocka_unit_test(test_prefixes),      cmocka_unit_test(test_durations),
        cmocka_unit_test(test_money),         cmocka_unit_test(test_recognise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
