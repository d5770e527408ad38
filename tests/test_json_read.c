/* JSON of others: what is read, one document behind the other, and what is refused and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/json_read.h"

static struct toll_arena arena;
static struct toll_error error;
static struct toll_json_reader reader;

/* An exact copy: reading behind it would be seen. */
static char *copy_of(const char *text, size_t bytes)
{
    char *copy = malloc(bytes > 0 ? bytes : 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    return copy;
}

static struct toll_yaml *parse(const char *text)
{
    const size_t bytes = strlen(text);
    char *copy = copy_of(text, bytes);
    struct toll_yaml *root = NULL;

    toll_arena_free(&arena);
    toll_json_open(&reader, "a.json", copy, bytes);
    if (toll_json_next(&reader, &arena, &root, &error) != 1)
        fail_msg("%s", error.text);
    free(copy); /* the tree must not point into the data */
    return root;
}

static void refuse(const char *text, const char *message)
{
    const size_t bytes = strlen(text);
    char *copy = copy_of(text, bytes);
    struct toll_yaml *root;

    toll_arena_free(&arena);
    toll_json_open(&reader, "a.json", copy, bytes);
    assert_int_equal(toll_json_next(&reader, &arena, &root, &error), TOLL_EDATA);
    assert_string_equal(error.text, message);
    free(copy);
}

static void test_values(void **state)
{
    struct toll_yaml *root =
        parse("\xEF\xBB\xBF {\"a\":[1,-0.5,35.099999999999994,1E-05],\r\n\t\"b\" : { } ,\"c\":\"x\","
              "\"d\":null,\"e\":\"null\",\"f\":true}");
    const struct toll_yaml *list;

    (void)state;
    assert_true(toll_json_is_map(root));
    assert_int_equal(root->child_count, 6);
    list = toll_yaml_get(root, "a");
    assert_true(toll_json_is_list(list));
    assert_int_equal(list->child_count, 4);
    assert_string_equal(list->child->next->next->text, "35.099999999999994"); /* as it was sent */
    assert_string_equal(list->child->next->next->next->text, "1E-05");
    assert_true(toll_json_is_map(toll_yaml_get(root, "b")));
    assert_int_equal(toll_yaml_get(root, "b")->line, 2);
    assert_true(toll_yaml_get(root, "c")->quoted);
    assert_true(toll_json_is_null(toll_yaml_get(root, "d")));
    assert_false(toll_json_is_null(toll_yaml_get(root, "e")));
    assert_true(toll_json_is_null(toll_yaml_get(root, "g")));
    assert_false(toll_yaml_get(root, "f")->quoted);
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")->text, "\"\\/\b\f\n\r\t");
    assert_string_equal(parse("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"")->text,
                        "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    assert_int_equal(parse("\"\"")->bytes, 0);
}

static void test_documents(void **state)
{
    const char *text = "{\"n\":1}\n{\"n\":2} [3]\n";
    struct toll_yaml *root;
    int count = 0;

    (void)state;
    toll_json_open(&reader, "a.json", text, strlen(text));
    while (toll_json_next(&reader, &arena, &root, &error) == 1)
        count++;
    assert_int_equal(count, 3);
    assert_int_equal(toll_json_next(&reader, &arena, &root, &error), 0);
    assert_int_equal(root->line, 2);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("{\"a\":1,\"a\":2}", "a.json:1:11: a key that the map has already");
    refuse("{\"a\" 1}", "a.json:1:6: a colon was expected here");
    refuse("{a:1}", "a.json:1:2: a key in quotes was expected here");
    refuse("[1,]", "a.json:1:4: this is no JSON");
    refuse("[1 2]", "a.json:1:4: a comma or the end of the list was expected here");
    refuse("[1,\n 2", "a.json:2:3: the document ends too early");
    refuse("[", "a.json:1:2: the document ends too early");
    refuse("{\"a\":", "a.json:1:6: the document ends too early");
    refuse("\"abc", "a.json:1:1: a text without an end; was the file cut short?");
    refuse("\"abc\\", "a.json:1:1: a text without an end; was the file cut short?");
    refuse("\"\\x\"", "a.json:1:2: no such escape in a text");
    refuse("\"\\u00\"", "a.json:1:2: no such escape in a text");
    refuse("\"\\u0000\"", "a.json:1:2: no such escape in a text");
    refuse("\"\\ud83d\"", "a.json:1:2: no such escape in a text");
    refuse("\"\\ude00\"", "a.json:1:2: no such escape in a text");
    refuse("\"\xC3\"", "a.json:1:2: a control character, or bytes that are no UTF-8, in a text");
    refuse("\"a\nb\"", "a.json:1:3: a control character, or bytes that are no UTF-8, in a text");
    refuse("01", "a.json:1:1: this is no JSON");
    refuse("1.", "a.json:1:1: this is no JSON");
    refuse("+1", "a.json:1:1: this is no JSON");
    refuse("1e", "a.json:1:1: this is no JSON");
    refuse("NaN", "a.json:1:1: this is no JSON");
    refuse("<html>", "a.json:1:1: this is no JSON");
    refuse("11111111111111111111111111111111111111111111111111111111111111111",
           "a.json:1:1: a number of more than 64 characters");
}

static void test_limits(void **state)
{
    char deep[TOLL_YAML_DEPTH + 2];
    char *wide = malloc(TOLL_JSON_MEMBERS * 16 + 64), *at = wide;

    (void)state;
    assert_non_null(wide);
    memset(deep, '[', TOLL_YAML_DEPTH + 1);
    deep[TOLL_YAML_DEPTH + 1] = '\0';
    refuse(deep, "a.json:1:33: nested too deep");
    *at++ = '{';
    for (int i = 0; i <= TOLL_JSON_MEMBERS; i++)
        at += sprintf(at, "%s\"k%d\":1", i > 0 ? "," : "", i);
    strcpy(at, "}");
    toll_arena_free(&arena);
    toll_json_open(&reader, "a.json", wide, strlen(wide));
    struct toll_yaml *root;
    assert_int_equal(toll_json_next(&reader, &arena, &root, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "more than 256 members"));
    free(wide);
}

static int teardown(void **state)
{
    (void)state;
    toll_arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_values, teardown),
        cmocka_unit_test_teardown(test_texts, teardown),
        cmocka_unit_test_teardown(test_documents, teardown),
        cmocka_unit_test_teardown(test_refused, teardown),
        cmocka_unit_test_teardown(test_limits, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
