/* YAML trees: what is read, what is refused and where, and that our own JSON comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/json.h"
#include "text/yaml.h"
#include "text_findings.h"

static struct text_findings all;
static struct toll_arena arena;
static struct toll_error error;

static int parse_n(const char *text, size_t size, struct toll_yaml **root)
{
    char *copy = malloc(size > 0 ? size : 1);
    int result;

    assert_non_null(copy);
    memcpy(copy, text, size);
    text_findings_init(&all);
    toll_arena_free(&arena);
    result = toll_yaml_parse("book.yaml", copy, size, &arena, &all.findings, root, &error);
    free(copy); /* the tree must not point into the data */
    return result;
}

static struct toll_yaml *parse(const char *text)
{
    struct toll_yaml *root;

    assert_int_equal(parse_n(text, strlen(text), &root), 0);
    assert_non_null(root);
    assert_string_equal(all.text, "");
    return root;
}

static void refuse(const char *text, const char *findings)
{
    struct toll_yaml *root;

    assert_int_equal(parse_n(text, strlen(text), &root), TOLL_EBOOK);
    assert_null(root);
    assert_string_equal(all.text, findings);
    assert_memory_equal(error.text, "book.yaml: ", 11);
}

static int teardown(void **state)
{
    (void)state;
    toll_arena_free(&arena);
    return 0;
}

static void test_tree(void **state)
{
    struct toll_yaml *root = parse("\xef\xbb\xbf# a book\n"
                                   "currency: USD\n"
                                   "name: \"no\"\n"
                                   "empty:\n"
                                   "list:\n"
                                   "  - a\n"
                                   "  - b: 1\n"
                                   "    c: 0123\n"
                                   "  - [x, 'y']\n"
                                   "map: {k: v}\n");
    const struct toll_yaml *node = root->child;

    (void)state;
    assert_int_equal(root->kind, TOLL_YAML_MAP);
    assert_int_equal(root->child_count, 5);
    assert_null(root->key);
    assert_string_equal(node->key, "currency");
    assert_string_equal(node->text, "USD");
    assert_int_equal(node->bytes, 3);
    assert_int_equal(node->line, 2);
    assert_int_equal(node->column, 1);
    assert_false(node->quoted);
    node = node->next;
    assert_string_equal(node->text, "no");
    assert_true(node->quoted);
    node = node->next;
    assert_string_equal(node->key, "empty");
    assert_int_equal(node->kind, TOLL_YAML_SCALAR);
    assert_string_equal(node->text, "");
    assert_int_equal(node->bytes, 0);
    node = node->next;
    assert_string_equal(node->key, "list");
    assert_int_equal(node->kind, TOLL_YAML_LIST);
    assert_int_equal(node->child_count, 3);
    assert_int_equal(node->line, 5);
    assert_string_equal(node->child->text, "a");
    assert_int_equal(node->child->line, 6);
    assert_int_equal(node->child->column, 5);
    assert_null(node->child->key);
    assert_string_equal(node->child->next->child->key, "b");
    assert_string_equal(node->child->next->child->next->text, "0123");
    assert_int_equal(node->child->next->child->next->line, 8);
    assert_int_equal(node->child->next->child->next->column, 5);
    assert_string_equal(node->child->next->next->child->next->text, "y");
    node = node->next;
    assert_int_equal(node->kind, TOLL_YAML_MAP);
    assert_string_equal(node->child->text, "v");
    assert_int_equal(node->child->column, 7);
    assert_null(node->next);
}

static void test_scalar_and_list_documents(void **state)
{
    (void)state;
    assert_string_equal(parse("just text\n")->text, "just text");
    assert_int_equal(parse("- 1\n- 2\n")->child_count, 2);
    assert_string_equal(parse("---\na: |\n  two\n  lines\n...\n")->child->text, "two\nlines\n");
}

static void test_refused(void **state)
{
    (void)state;
    refuse("", "E 1:0 the file is empty\n");
    refuse("# nothing\n", "E 1:0 the file is empty\n");
    refuse("a: &x 1\nb: *x\nc: !!int 3\nd: ! 4\n",
           "E 1:4 anchors (&name) are not accepted; write the value where it is needed\n"
           "E 2:4 aliases (*name) are not accepted; write the value where it is needed\n"
           "E 3:4 tags (!name) are not accepted; write the plain value\n"
           "E 4:4 tags (!name) are not accepted; write the plain value\n");
    refuse("a: !map {}\nb: &l []\n"
           "&k c: 1\n",
           "E 1:4 tags (!name) are not accepted; write the plain value\n"
           "E 2:4 anchors (&name) are not accepted; write the value where it is needed\n"
           "E 3:1 anchors (&name) are not accepted; write the value where it is needed\n");
    refuse("*a\n", "E 1:1 aliases (*name) are not accepted; write the value where it is needed\n");
    refuse("*a : 1\n", "E 1:1 aliases (*name) are not accepted; write the value where it is needed\n");
    refuse("a: 1\nb: 2\na: 3\nc: {x: 1, y: 2, x: 3}\na: 4\n",
           "E 4:17 the key \"x\" is here twice; the first is on line 4\n"
           "E 3:1 the key \"a\" is here twice; the first is on line 1\n"
           "E 5:1 the key \"a\" is here twice; the first is on line 3\n");
    refuse("a: 1\n---\nb: 2\n", "E 2:1 a second document begins here; a file holds one\n");
    refuse("? [a, b]\n: 1\n", "E 1:3 a list or map cannot be a key; write a plain name\n");
    refuse("a: \"x\\0y\"\n", "E 1:4 a NUL character is not accepted in text\n");
}

/* The words are libyaml's; the place counts, and that earlier findings are kept. */
static void test_syntax_errors(void **state)
{
    struct toll_yaml *root;

    (void)state;
    assert_int_equal(parse_n("a: *x\nb: [1, 2\nc: 3\n", 20, &root), TOLL_EBOOK);
    assert_non_null(strstr(all.text, "E 1:4 aliases"));
    assert_non_null(strstr(all.text, "E 3:2 "));
    assert_int_equal(all.findings.errors, 2);
    assert_int_equal(parse_n("a: 1\n\tb: 2\n", 11, &root), TOLL_EBOOK);
    assert_non_null(strstr(all.text, "E 2:1 "));
    assert_int_equal(parse_n("a: 1\nb: \xff\n", 10, &root), TOLL_EBOOK);
    assert_non_null(strstr(all.text, "E 2:4 "));
    assert_int_equal(parse_n("a: 1\nb: \x01\n", 10, &root), TOLL_EBOOK);
    assert_int_equal(all.findings.errors, 1);
    assert_int_equal(parse_n("a\0b", 3, &root), TOLL_EBOOK);
    assert_int_equal(all.findings.errors, 1);
}

static void test_depth(void **state)
{
    char text[80] = "";
    struct toll_yaml *root;
    char *deep = malloc(1000000);

    (void)state;
    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    assert_int_equal(parse_n(text, 64, &root), 0);
    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    assert_int_equal(parse_n(text, 66, &root), TOLL_EBOOK);
    assert_string_equal(all.text, "E 1:33 lists and maps are nested too deeply here\n");
    assert_non_null(deep);
    memset(deep, '[', 1000000);
    assert_int_equal(parse_n(deep, 1000000, &root), TOLL_EBOOK);
    assert_int_equal(all.findings.errors, 1);
    free(deep);
}

/* A big map with one key twice is refused in reasonable time. */
static void test_many_keys(void **state)
{
    const int count = 100000;
    char *text = malloc(2000000), *at = text;
    struct toll_yaml *root;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < count; i++)
        at += sprintf(at, "key%d: v\n", i);
    assert_int_equal(parse_n(text, (size_t)(at - text), &root), 0);
    assert_int_equal(root->child_count, count);
    at += sprintf(at, "key77: v\n");
    assert_int_equal(parse_n(text, (size_t)(at - text), &root), TOLL_EBOOK);
    assert_string_equal(all.text, "E 100001:1 the key \"key77\" is here twice; the first is on line 78\n");
    free(text);
}

static void test_typed(void **state)
{
    static const char *const names[] = {"up", "down"};
    struct toll_yaml *root =
        parse("int: 42\nneg: -7\nzero: 0\nmin: -9223372036854775808\nmax: 9223372036854775807\n"
              "over: 9223372036854775808\noctal: 042\nminus_zero: -0\nplus: +1\nhex: 0x10\n"
              "blank:\nyes: yes\nno: \"no\"\ntrue: true\nfalse: false\nbig: YES\n"
              "way: down\nother: sideways\nlist: [1]\nmap: {}\n");
    struct toll_findings *findings = &all.findings;
    const char *f = "book.yaml";
    int64_t value = 99;
    bool flag = false;
    int choice = 99;

    (void)state;
#define INT(key, low, high) toll_yaml_int(f, root, key, low, high, 5, &value, findings)
    assert_true(INT("int", 42, 42) && value == 42);
    assert_true(INT("neg", -10, 10) && value == -7);
    assert_true(INT("zero", 0, 0) && value == 0);
    assert_true(INT("min", INT64_MIN, INT64_MAX) && value == INT64_MIN);
    assert_true(INT("max", INT64_MIN, INT64_MAX) && value == INT64_MAX);
    assert_true(INT("absent", 0, 1) && value == 5);
    assert_int_equal(findings->errors, 0);
    value = 99;
    assert_false(INT("int", 0, 41));
    assert_false(INT("over", INT64_MIN, INT64_MAX));
    assert_false(INT("octal", 0, 100));
    assert_false(INT("minus_zero", -1, 100));
    assert_false(INT("plus", 0, 100));
    assert_false(INT("hex", 0, 100));
    assert_false(INT("blank", 0, 100));
    assert_false(INT("list", 0, 100));
    assert_int_equal(value, 99);
    assert_string_equal(all.text, "E 1:1 int: \"42\" is not a whole number from 0 to 41\n"
                                  "E 6:1 over: \"9223372036854775808\" is not a whole number from "
                                  "-9223372036854775808 to 9223372036854775807\n"
                                  "E 7:1 octal: \"042\" is not a whole number from 0 to 100\n"
                                  "E 8:1 minus_zero: \"-0\" is not a whole number from -1 to 100\n"
                                  "E 9:1 plus: \"+1\" is not a whole number from 0 to 100\n"
                                  "E 10:1 hex: \"0x10\" is not a whole number from 0 to 100\n"
                                  "E 11:1 blank: \"\" is not a whole number from 0 to 100\n"
                                  "E 19:1 list: this is a list; write one value\n");
    text_findings_init(&all);
    assert_true(toll_yaml_bool(f, root, "yes", false, &flag, findings) && flag);
    assert_true(toll_yaml_bool(f, root, "no", true, &flag, findings) && !flag);
    assert_true(toll_yaml_bool(f, root, "true", false, &flag, findings) && flag);
    assert_true(toll_yaml_bool(f, root, "false", true, &flag, findings) && !flag);
    assert_true(toll_yaml_bool(f, root, "absent", true, &flag, findings) && flag);
    assert_true(toll_yaml_bool(f, root, "absent", false, &flag, findings) && !flag);
    assert_true(toll_yaml_choice(f, root, "way", names, 2, 0, &choice, findings) && choice == 1);
    assert_true(toll_yaml_choice(f, root, "absent", names, 2, -1, &choice, findings) && choice == -1);
    assert_string_equal(toll_yaml_text(f, root, "blank", "x", findings), "");
    assert_string_equal(toll_yaml_text(f, root, "absent", "x", findings), "x");
    assert_string_equal(toll_yaml_text(f, NULL, "absent", "x", findings), "x");
    assert_null(toll_yaml_get(toll_yaml_get(root, "int"), "a scalar has no keys"));
    assert_int_equal(findings->errors, 0);
    assert_false(toll_yaml_bool(f, root, "big", false, &flag, findings));
    assert_false(toll_yaml_choice(f, root, "other", names, 2, 0, &choice, findings));
    assert_string_equal(toll_yaml_text(f, root, "map", "x", findings), "x");
    assert_string_equal(all.text, "E 16:1 big: \"YES\" is none of no, yes, false, true\n"
                                  "E 18:1 other: \"sideways\" is none of up, down\n"
                                  "E 20:1 map: this is a map; write one value\n");
}

static void test_unused(void **state)
{
    struct toll_yaml *root =
        parse("known: 1\nsped: 2\nlist:\n  - name: a\n    nmae: b\nwhole: {x: 1, y: {z: 2}}\n");

    (void)state;
    toll_yaml_get(root, "known");
    toll_yaml_get(toll_yaml_get(root, "list")->child, "name");
    toll_yaml_report_unused("book.yaml", root, &all.findings);
    assert_string_equal(all.text,
                        "E 2:1 the key \"sped\" is unknown here; check its spelling or remove it\n"
                        "E 5:5 the key \"nmae\" is unknown here; check its spelling or remove it\n"
                        "E 6:1 the key \"whole\" is unknown here; check its spelling or remove it\n");
    text_findings_init(&all);
    toll_yaml_report_unused("book.yaml", NULL, &all.findings);
    assert_string_equal(all.text, "");
}

/* What our JSON writer writes, however odd the text, comes back byte for byte. */
static void test_reads_our_json(void **state)
{
    static const char odd[] =
        "\x01\x1f \" \\ / ' # : - , [ ] { } \t\n\r\x7f\xC2\x80\xC2\x85\xC2\xA0\xC3\xBC"
        "\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xEF\xBF\xBE\xEF\xBF\xBD\xF0\x9F\x98\x80  ";

    (void)state;
    for (int compact = 0; compact < 2; compact++) {
        struct toll_json json;
        struct toll_yaml *root;
        toll_json_init(&json);
        json.compact = compact;
        toll_json_open_map(&json, NULL);
        toll_json_string(&json, "odd: key", odd);
        toll_json_open_list(&json, "list");
        toll_json_int(&json, NULL, -5);
        toll_json_open_map(&json, NULL);
        toll_json_close_map(&json);
        toll_json_open_list(&json, NULL);
        toll_json_close_list(&json);
        toll_json_close_list(&json);
        toll_json_bool(&json, "flag", true);
        toll_json_money(&json, "money", 1);
        toll_json_close_map(&json);
        assert_true(toll_json_finish(&json));
        root = parse(json.text);
        toll_json_free(&json);
        assert_int_equal(root->child_count, 4);
        assert_string_equal(root->child->key, "odd: key");
        assert_int_equal(root->child->bytes, sizeof(odd) - 1);
        assert_string_equal(root->child->text, odd);
        assert_int_equal(root->child->next->child_count, 3);
        assert_string_equal(root->child->next->child->text, "-5");
        assert_string_equal(toll_yaml_get(root, "flag")->text, "true");
        assert_string_equal(toll_yaml_get(root, "money")->text, "0.00000001");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),           cmocka_unit_test(test_scalar_and_list_documents),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_depth),          cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_typed),          cmocka_unit_test(test_unused),
        cmocka_unit_test(test_reads_our_json),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
