/* Editing a table as text: what is not changed stays byte for byte, what is reads back as it was set. */
#include "random.h"
#include "text/table.h"
#include "text/table_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct toll_table_edit *open_text(const char *text, size_t bytes)
{
    struct toll_table_edit *edit;

    assert_int_equal(toll_table_edit_open(&edit, "t.csv", text, bytes, NULL), 0);
    return edit;
}

static void finish_is(struct toll_table_edit *edit, const char *wanted, size_t bytes)
{
    char *data;
    size_t found;

    assert_int_equal(toll_table_edit_finish(edit, &data, &found, NULL), 0);
    assert_int_equal(found, bytes);
    assert_memory_equal(data, wanted, bytes);
    free(data);
    toll_table_edit_free(edit);
}

static void lines_that_end_in_cr_alone(void **state)
{
    const char text[] = "a,b\r1,2\r\r3,4";
    struct toll_table_edit *edit = open_text(text, strlen(text));

    (void)state;
    assert_int_equal(toll_table_edit_add_column(edit, "c"), 2);
    assert_int_equal(toll_table_edit_next(edit), 1);
    toll_table_edit_drop(edit);
    assert_int_equal(toll_table_edit_next(edit), 1);
    assert_string_equal(toll_table_edit_cell(edit, 1), "4");
    assert_true(toll_table_edit_set(edit, 2, " x"));
    assert_string_equal(toll_table_edit_cell(edit, 2), " x");
    assert_true(toll_table_edit_append(edit, (const char *const[]){"5", NULL, "a,\"b\""}, 3));
    assert_int_equal(toll_table_edit_next(edit), 0);
    finish_is(edit, "a,b,c\r\r\r3,4,\" x\"\r5,,\"a,\"\"b\"\"\"\r", 30);
}

static void a_table_that_is_not_there(void **state)
{
    struct toll_table_edit *edit = open_text("", 0);

    (void)state;
    assert_int_equal(toll_table_edit_column(edit, "a"), -1);
    assert_int_equal(toll_table_edit_add_column(edit, "a"), 0);
    assert_int_equal(toll_table_edit_add_column(edit, "b"), 1);
    assert_int_equal(toll_table_edit_next(edit), 0);
    assert_true(toll_table_edit_append(edit, (const char *const[]){"1", "2"}, 2));
    finish_is(edit, "a,b\n1,2\n", 8);
}

static void names_and_cells_as_people_write_them(void **state)
{
    const char text[] = " A ,\"b \"\n 1 ,\" \"\"x\"\" \"\n , \n2,\n";
    struct toll_table_edit *edit = open_text(text, strlen(text));

    (void)state;
    assert_int_equal(toll_table_edit_columns(edit), 2);
    assert_int_equal(toll_table_edit_column(edit, "a"), 0);
    assert_int_equal(toll_table_edit_column(edit, "B"), 1);
    assert_int_equal(toll_table_edit_next(edit), 1);
    assert_string_equal(toll_table_edit_cell(edit, 0), "1");
    assert_string_equal(toll_table_edit_cell(edit, 1), "\"x\"");
    assert_string_equal(toll_table_edit_cell(edit, -1), "");
    assert_int_equal(toll_table_edit_next(edit), 1); /* a row of blanks is none */
    assert_string_equal(toll_table_edit_cell(edit, 0), "2");
    assert_true(toll_table_edit_set(edit, 1, ""));
    assert_int_equal(toll_table_edit_next(edit), 0);
    finish_is(edit, text, strlen(text));
}

/* Any bytes: nothing changed is nothing changed, whether rows are read or not. */
static void nothing_changed_is_the_same_bytes(void **state)
{
    static const char bytes[] = "a,b\"\"\n\r\n, \xC2\xA0\xFFz;";
    uint64_t random = 3;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        char text[64];
        const size_t count = 1 + random_next(&random) % sizeof(text);
        for (size_t i = 0; i < count; i++)
            text[i] = bytes[random_next(&random) % (sizeof(bytes) - 1)];
        char *copy = malloc(count); /* exactly, so that a byte behind it is seen */
        assert_non_null(copy);
        memcpy(copy, text, count);
        struct toll_table_edit *edit = open_text(copy, count);
        for (int i = 0; round % 2 == 0 && toll_table_edit_next(edit) == 1; i++) {
            for (int column = 0; column < toll_table_edit_columns(edit); column++)
                assert_true(strlen(toll_table_edit_cell(edit, column)) <= count);
        }
        if (toll_table_edit_columns(edit) > 0)
            finish_is(edit, text, count);
        else
            toll_table_edit_free(edit);
        free(copy);
    }
}

/* What is set is what the table's reader then reads, at the same line. */
static void what_is_set_reads_back(void **state)
{
    static const struct toll_table_column columns[] = {{"a", true}, {"b", false}, {"new", false}};
    static const char *const cells[] = {"",  "x", "a,b", "say \"hi\"", "\"", "1.05", "\xC3\xA9t\xC3\xA9",
                                        ";;"};
    uint64_t random = 11;

    (void)state;
    for (int round = 0; round < 500; round++) {
        char text[2000] = "b,\"a\",,\n", *data;
        const char *wanted[20][2];
        struct toll_findings findings;
        struct toll_table_edit *edit;
        struct toll_table *table;
        size_t bytes;
        int rows = 0;
        for (int i = 0; i < 20; i++)
            sprintf(text + strlen(text), random_next(&random) % 4 == 0 ? "\n" : " q ,\"%d\",,\n", i);
        edit = open_text(text, strlen(text));
        const int added = toll_table_edit_add_column(edit, "new");
        for (; toll_table_edit_next(edit) == 1; rows++) {
            wanted[rows][0] = cells[random_next(&random) % 8];
            wanted[rows][1] = cells[random_next(&random) % 8];
            assert_true(toll_table_edit_set(edit, toll_table_edit_column(edit, "B"), wanted[rows][0]));
            assert_true(toll_table_edit_set(edit, added, "again"));
            assert_true(toll_table_edit_set(edit, added, wanted[rows][1]));
        }
        assert_int_equal(toll_table_edit_finish(edit, &data, &bytes, NULL), 0);
        toll_table_edit_free(edit);
        toll_findings_init(&findings, NULL);
        assert_int_equal(toll_table_open("t", data, bytes, columns, 3, NULL, &findings, &table, NULL), 0);
        for (int row = 0; row < rows; row++) {
            assert_int_equal(toll_table_next(table), 1);
            assert_string_equal(toll_table_cell(table, 1)->text, wanted[row][0]);
            assert_string_equal(toll_table_cell(table, 2)->text, wanted[row][1]);
            /* its own number is its line's */
            assert_int_equal(toll_table_line(table), atoi(toll_table_cell(table, 0)->text) + 2);
        }
        assert_int_equal(toll_table_next(table), 0);
        assert_int_equal(findings.errors, 0);
        toll_table_close(table);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_that_end_in_cr_alone),
        cmocka_unit_test(a_table_that_is_not_there),
        cmocka_unit_test(names_and_cells_as_people_write_them),
        cmocka_unit_test(nothing_changed_is_the_same_bytes),
        cmocka_unit_test(what_is_set_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
