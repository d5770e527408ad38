/* The JSON writer: exact text, escapes, and the worst bytes. Reading it back as YAML is in test_yaml.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "text/json.h"

static void write_sample(struct toll_json *json)
{
    toll_json_open_map(json, NULL);
    toll_json_string(json, "name", "Z\xC3\xBCrich \"A\"");
    toll_json_int(json, "rows", 42);
    toll_json_open_list(json, "list");
    toll_json_int(json, NULL, -1);
    toll_json_open_map(json, NULL);
    toll_json_close_map(json);
    toll_json_open_list(json, NULL);
    toll_json_close_list(json);
    toll_json_open_map(json, NULL);
    toll_json_bool(json, "yes", true);
    toll_json_bool(json, "no", false);
    toll_json_close_map(json);
    toll_json_close_list(json);
    toll_json_null(json, "tax");
    toll_json_string(json, "none", NULL);
    toll_json_money(json, "charge", INT64_C(-1250000000));
    toll_json_close_map(json);
    assert_true(toll_json_finish(json));
}

static void test_indented(void **state)
{
    struct toll_json json;

    (void)state;
    toll_json_init(&json);
    write_sample(&json);
    assert_string_equal(json.text, "{\n"
                                   "  \"name\": \"Z\xC3\xBCrich \\\"A\\\"\",\n"
                                   "  \"rows\": 42,\n"
                                   "  \"list\": [\n"
                                   "    -1,\n"
                                   "    {},\n"
                                   "    [],\n"
                                   "    {\n"
                                   "      \"yes\": true,\n"
                                   "      \"no\": false\n"
                                   "    }\n"
                                   "  ],\n"
                                   "  \"tax\": null,\n"
                                   "  \"none\": null,\n"
                                   "  \"charge\": \"-12.50000000\"\n"
                                   "}\n");
    assert_int_equal(json.bytes, strlen(json.text));
    toll_json_free(&json);
}

static void test_compact(void **state)
{
    struct toll_json json;

    (void)state;
    toll_json_init(&json);
    json.compact = true;
    write_sample(&json);
    assert_string_equal(json.text,
                        "{\"name\":\"Z\xC3\xBCrich \\\"A\\\"\",\"rows\":42,\"list\":[-1,{},[],{\"yes\":true,"
                        "\"no\":false}],\"tax\":null,\"none\":null,\"charge\":\"-12.50000000\"}\n");
    toll_json_free(&json);
}

static void check_string(const char *text, size_t bytes, const char *expected)
{
    struct toll_json json;

    toll_json_init(&json);
    toll_json_string_n(&json, NULL, text, bytes);
    assert_true(toll_json_finish(&json));
    assert_string_equal(json.text, expected);
    toll_json_free(&json);
}

#define STRING(text, expected) check_string(text, sizeof(text) - 1, "\"" expected "\"\n")

static void test_escapes(void **state)
{
    (void)state;
    STRING("", "");
    check_string(NULL, 0, "\"\"\n");
    STRING("a/b'c", "a/b'c");
    STRING("\"\\", "\\\"\\\\");
    STRING("\n\r\t\b\f", "\\n\\r\\t\\b\\f");
    STRING("a\0b\x01\x1f\x7f", "a\\u0000b\\u0001\\u001f\\u007f");
    STRING("\xC2\x85\xC2\x9F\xC2\xA0", "\\u0085\\u009f\xC2\xA0");
    STRING("\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF", "\\u2028\\u2029\\ufeff");
    STRING("\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80");
}

#define BAD "\xEF\xBF\xBD"

static void test_no_utf8(void **state)
{
    (void)state;
    STRING("a\xFFz", "a" BAD "z");
    STRING("\xC3", BAD);                         /* cut */
    STRING("\xE2\x82", BAD BAD);                 /* cut */
    STRING("\xC0\xAF", BAD BAD);                 /* overlong */
    STRING("\xE0\x80\xAF", BAD BAD BAD);         /* overlong */
    STRING("\xED\xA0\x80", BAD BAD BAD);         /* a surrogate */
    STRING("\xF4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
    STRING("\xF4\x8F\xBF\xBD", "\xF4\x8F\xBF\xBD");
}

static void test_numbers(void **state)
{
    struct toll_json json;

    (void)state;
    toll_json_init(&json);
    json.compact = true;
    toll_json_open_list(&json, NULL);
    toll_json_int(&json, NULL, INT64_MIN);
    toll_json_int(&json, NULL, INT64_MAX);
    toll_json_money(&json, NULL, 0);
    toll_json_money(&json, NULL, 1);
    toll_json_money(&json, NULL, (toll_total)INT64_MAX * 1000);
    toll_json_close_list(&json);
    assert_true(toll_json_finish(&json));
    assert_string_equal(json.text, "[-9223372036854775808,9223372036854775807,\"0.00000000\",\"0.00000001\","
                                   "\"92233720368547.75807000\"]\n");
    toll_json_free(&json);
}

/* Growth over many reallocations keeps every byte. */
static void test_large(void **state)
{
    struct toll_json json;
    size_t at = 1;

    (void)state;
    toll_json_init(&json);
    json.compact = true;
    toll_json_open_list(&json, NULL);
    for (int i = 0; i < 100000; i++)
        toll_json_int(&json, NULL, i);
    toll_json_close_list(&json);
    assert_true(toll_json_finish(&json));
    for (int i = 0; i < 100000; i++) {
        char number[16];
        const size_t bytes = (size_t)snprintf(number, sizeof(number), "%d%c", i, i == 99999 ? ']' : ',');
        assert_memory_equal(json.text + at, number, bytes);
        at += bytes;
    }
    assert_string_equal(json.text + at, "\n");
    toll_json_free(&json);
    assert_null(json.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indented), cmocka_unit_test(test_compact), cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_no_utf8),  cmocka_unit_test(test_numbers), cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
