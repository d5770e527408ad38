/* A biller's tables: what spreadsheets do to them, and every finding with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "text/table.h"
#include "text_findings.h"

enum { PREFIX, RATE, FROM, NOTE, COLUMNS };

static const struct toll_table_column columns[COLUMNS] = {
    {"prefix", true}, {"rate", true}, {"from", false}, {"note", false}};

static struct text_findings all;
static struct toll_error error;
static char *held; /* the open table's data, in a block of its exact size */

static int open_n(const char *text, size_t size, const char *mapping, struct toll_table **table)
{
    free(held);
    held = malloc(size > 0 ? size : 1);
    assert_non_null(held);
    memcpy(held, text, size);
    text_findings_init(&all);
    return toll_table_open("rates.csv", held, size, columns, COLUMNS, mapping, &all.findings, table, &error);
}

static struct toll_table *open_table(const char *text, const char *mapping)
{
    struct toll_table *table;

    assert_int_equal(open_n(text, strlen(text), mapping, &table), 0);
    assert_non_null(table);
    return table;
}

/* The whole table as "line: prefix|rate|from|note\n", then its findings. */
static void check_n(const char *text, size_t size, const char *mapping, const char *rows,
                    const char *findings)
{
    char out[8192] = "";
    size_t bytes = 0;
    struct toll_table *table;

    assert_int_equal(open_n(text, size, mapping, &table), 0);
    while (toll_table_next(table) == 1) {
        bytes += (size_t)snprintf(out + bytes, sizeof(out) - bytes, "%ld: ", toll_table_line(table));
        for (int c = 0; c < COLUMNS; c++) {
            const struct toll_cell *cell = toll_table_cell(table, c);
            assert_int_equal(strlen(cell->text), cell->bytes);
            assert_int_equal(cell->line, toll_table_line(table));
            bytes += (size_t)snprintf(out + bytes, sizeof(out) - bytes, "%s%c", cell->text,
                                      c + 1 < COLUMNS ? '|' : '\n');
        }
    }
    assert_int_equal(toll_table_next(table), 0);
    toll_table_close(table);
    assert_string_equal(out, rows);
    assert_string_equal(all.text, findings);
}

static void check(const char *text, const char *mapping, const char *rows, const char *findings)
{
    check_n(text, strlen(text), mapping, rows, findings);
}

static void refuse(const char *text, const char *mapping, const char *findings)
{
    struct toll_table *table;

    assert_int_equal(open_n(text, strlen(text), mapping, &table), TOLL_EBOOK);
    assert_null(table);
    assert_string_equal(all.text, findings);
    assert_memory_equal(error.text, "rates.csv: ", 11);
}

static int teardown(void **state)
{
    (void)state;
    free(held);
    return 0;
}

static void test_plain(void **state)
{
    (void)state;
    check("prefix,rate\n1,0.01\n44,0.02", NULL, "2: 1|0.01||\n3: 44|0.02||\n", "");
    check("rate,note,prefix\n0.01,\"a, \"\"b\"\"\",1\n", NULL, "2: 1|0.01||a, \"b\"\n", "");
    check("prefix,rate\n", NULL, "", "");
}

static void test_spreadsheet_habits(void **state)
{
    (void)state;
    /* BOM, CRLF, case, blanks and no-break spaces, quotes after blanks, empty lines, empty rows, empty
     * columns. */
    check("\xef\xbb\xbf PREFIX ,\"Rate\",Note,,\r\n"
          "\r\n"
          " 1\t,\xC2\xA0"
          "0.01\xC2\xA0 , \"a,b\" ,,\r\n"
          ",,,,\r\n"
          " , \xC2\xA0,\"\",,\r\n"
          "44,,\" x \",\r\n"
          "45,1,y,,,,\r\n"
          "46,2,z",
          NULL, "3: 1|0.01||a,b\n6: 44|||x\n7: 45|1||y\n8: 46|2||z\n", "");
    check("prefix,rate\r1,2\r3,4\r", NULL, "2: 1|2||\n3: 3|4||\n", "");
}

static void test_header(void **state)
{
    (void)state;
    refuse("", NULL, "E 0:0 the table is empty; its first row must name the columns\n");
    refuse("\n\r\n , \n", NULL, "E 0:0 the table is empty; its first row must name the columns\n");
    refuse("note\n1\n", NULL,
           "E 1:0 the column \"prefix\" is missing in the header\n"
           "E 1:0 the column \"rate\" is missing in the header\n");
    refuse("prefix;rate\n1;2\n", NULL,
           "E 1:0 the column \"prefix\" is missing in the header\n"
           "E 1:0 the column \"rate\" is missing in the header\n"
           "E 1:1 the column \"prefix;rate\" is unknown; cells must be separated by commas\n");
    refuse("prefix,\"rate\nx\",\n", NULL,
           "E 1:0 a quote is not closed on this line; a cell may not hold a line break\n");
    refuse("prefix,r\xe4te\n", NULL, "E 1:9 this is no UTF-8 text; save the table as CSV in UTF-8\n");
    /* Rows are still checked after a bad name, so that one run lists all. */
    check("prefix,Zürich,rate, Rate,,note\n1,2,3,4,5,6\n1,2\n", NULL, "2: 1|3||6\n",
          "E 1:21 the column \"Rate\" is here for the second time\n"
          "E 1:8 the column \"Zürich\" is unknown\n"
          "E 1:26 this column has no name; name it or remove it\n"
          "E 3:0 this row has 2 cells, the header has 6\n");
}

static void test_mapping(void **state)
{
    struct toll_table *table;

    (void)state;
    check("Dest,Code,Price per min,rate,Dest\nUK,44,0.05,9,x\n", "prefix=code; rate = Price per min ;",
          "2: 44|0.05||\n", "");
    /* One column of the sheet for two of ours; the vendor's own columns may be anything. */
    check_n("Code,S\xe4tze,M\xfcll\n44,0.05,\xff\n", 26, "prefix=Code;rate=Code", "2: 44|44||\n", "");
    check("prefix,rate\n1,2\n", "", "2: 1|2||\n", "");
    refuse("Code,rate\n", "prefix=Kode",
           "E 1:0 the column \"Kode\" is missing in the header; the column mapping wants it for prefix\n");
    refuse("Code,rate\n", "prefix=Code;from=Start",
           "E 1:0 the column \"Start\" is missing in the header; the column mapping wants it for from\n");
    refuse("Code,rate\n", "prefix;=x;rate=;pfx=Code;rate=a;rate=b",
           "E 0:0 the column mapping \"prefix\" is not \"our column=column of the sheet\"\n"
           "E 0:0 the column mapping \"=x\" is not \"our column=column of the sheet\"\n"
           "E 0:0 the column mapping \"rate=\" is not \"our column=column of the sheet\"\n"
           "E 0:0 the column mapping \"pfx=Code\" names no column of this table before the '='\n"
           "E 0:0 the column mapping \"rate=b\" maps a column for the second time\n");
    check("Code,rate,code\n1,2,3\n", "prefix=Code", "2: 1|2||\n",
          "E 1:11 the column \"code\" is here for the second time\n");
    table = open_table("Code,rate\n", "prefix=Code");
    assert_true(toll_table_has(table, PREFIX));
    assert_false(toll_table_has(table, FROM));
    assert_string_equal(toll_table_cell(table, PREFIX)->name, "Code");
    assert_string_equal(toll_table_cell(table, FROM)->name, "from");
    toll_table_close(table);
}

static void test_bad_rows(void **state)
{
    static const char with_nul[] = "prefix,rate\n1,\0\n2,3\n";

    (void)state;
    check("prefix,rate,note\n1,2,a,b\n1,2\n1,2,\"a\n3,4,b\"\n5,6,\xC3\xBC\xFF,\n\xFE,\xFF,x\n7,8,c\n", NULL,
          "8: 7|8||c\n",
          "E 2:7 this row has 4 cells, the header has 3; put quotes around a cell with a comma\n"
          "E 3:0 this row has 2 cells, the header has 3\n"
          "E 4:0 a quote is not closed on this line; a cell may not hold a line break\n"
          "E 5:0 a quote is not closed on this line; a cell may not hold a line break\n"
          "E 6:6 this is no UTF-8 text; save the table as CSV in UTF-8\n"
          "E 7:1 this is no UTF-8 text; save the table as CSV in UTF-8\n"
          "E 7:3 this is no UTF-8 text; save the table as CSV in UTF-8\n");
    /* A CR alone ends no line of a file that has LF: it would hide in a name, or two rows in one. */
    check("prefix,rate,note\n1,2,a\rb\n3,4,\"\r\"\n5,6,\r\n", NULL, "3: 3|4||\n4: 5|6||\n",
          "E 2:6 a cell may not hold a line break (here a CR without LF); end all lines in one way\n");
    check_n(with_nul, sizeof(with_nul) - 1, NULL, "3: 2|3||\n",
            "E 2:0 this line holds NUL bytes: no text; save the table as CSV in UTF-8\n");
}

static void test_long_rows(void **state)
{
    const size_t size = 12 + 2097152 + 5;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, '1', size);
    memcpy(text, "prefix,rate\n", 12);
    memcpy(text + 12 + 2097152, "\n2,3\n", 5);
    check_n(text, size, NULL, "3: 2|3||\n", "E 2:0 this line is too long for a table row\n");
    memset(text + 12, ',', 5000);
    text[12 + 5000] = '\n';
    check_n(text, 12 + 5001, NULL, "", "E 2:0 this line has too many cells\n");
    free(text);
}

static void test_positions(void **state)
{
    struct toll_table *table = open_table("prefix,note,rate\n\xC3\xBC\xE2\x82\xAC, \"x\"\"y\" ,  7\n", NULL);

    (void)state;
    assert_int_equal(toll_table_next(table), 1);
    assert_int_equal(toll_table_cell(table, PREFIX)->column, 1);
    assert_int_equal(toll_table_cell(table, NOTE)->column, 6); /* u-umlaut, euro, comma, blank, quote, x */
    assert_string_equal(toll_table_cell(table, NOTE)->text, "x\"y");
    assert_int_equal(toll_table_cell(table, RATE)->column, 15);
    assert_int_equal(toll_table_cell(table, RATE)->line, 2);
    toll_cell_finding(table, toll_table_cell(table, RATE), TOLL_WARNING, "looks %s", "odd");
    assert_string_equal(all.text, "W 2:15 rate: looks odd\n");
    assert_string_equal(all.findings.first_error.file == NULL ? "" : "set", "");
    toll_table_close(table);
}

static void test_int(void **state)
{
    struct toll_table *table =
        open_table("prefix,rate\n60,\n-5,x\n60.00,1.5\n61,0x10\n99999999999999999999,1 000\n", NULL);
    int64_t value = 99;

    (void)state;
    toll_table_next(table);
    assert_true(toll_cell_int(table, PREFIX, 0, 60, 7, &value) && value == 60);
    assert_true(toll_cell_int(table, RATE, 0, 60, 7, &value) && value == 7);
    assert_true(toll_cell_int(table, FROM, 0, 60, 8, &value) && value == 8); /* an absent column */
    toll_table_next(table);
    assert_true(toll_cell_int(table, PREFIX, -5, 60, 7, &value) && value == -5);
    assert_false(toll_cell_int(table, RATE, 0, 60, 7, &value));
    toll_table_next(table);
    assert_true(toll_cell_int(table, PREFIX, 0, 60, 7, &value) && value == 60);
    assert_false(toll_cell_int(table, RATE, 0, 60, 7, &value));
    toll_table_next(table);
    assert_false(toll_cell_int(table, PREFIX, 0, 60, 7, &value));
    assert_false(toll_cell_int(table, RATE, 0, 60, 7, &value));
    toll_table_next(table);
    assert_false(toll_cell_int(table, PREFIX, 0, 60, 7, &value));
    assert_false(toll_cell_int(table, RATE, 0, 60, 7, &value));
    assert_int_equal(value, 60);
    assert_string_equal(all.text, "E 3:4 rate: \"x\" is not a whole number; write digits only\n"
                                  "E 4:7 rate: \"1.5\" is not a whole number; write digits only\n"
                                  "E 5:1 prefix: \"61\" is not from 0 to 60\n"
                                  "E 5:4 rate: \"0x10\" is not a whole number; write digits only\n"
                                  "E 6:1 prefix: \"99999999999999999999\" is not from 0 to 60\n"
                                  "E 6:22 rate: \"1 000\" is not a whole number; write digits only\n");
    toll_table_close(table);
}

static void test_money(void **state)
{
    struct toll_table *table = open_table("prefix,rate\n1,0.0123\n1,\n1,-12.5\n1,0.00000001\n1,0.000000001\n"
                                          "1,92233720369\n1,\"0,05\"\n1,1e3\n1,$5\n",
                                          NULL);
    toll_money money = 99;

    (void)state;
    toll_table_next(table);
    assert_true(toll_cell_money(table, RATE, 7, &money) && money == 1230000);
    toll_table_next(table);
    assert_true(toll_cell_money(table, RATE, 7, &money) && money == 7);
    toll_table_next(table);
    assert_true(toll_cell_money(table, RATE, 7, &money) && money == -1250000000);
    toll_table_next(table);
    assert_true(toll_cell_money(table, RATE, 7, &money) && money == 1);
    while (toll_table_next(table) == 1)
        assert_false(toll_cell_money(table, RATE, 7, &money));
    assert_int_equal(money, 1);
    assert_string_equal(
        all.text,
        "E 6:3 rate: \"0.000000001\" has more than 8 decimals\n"
        "E 7:3 rate: \"92233720369\" is too large an amount\n"
        "E 8:4 rate: \"0,05\" is not a decimal number; write digits and a point only, like 1234.50\n"
        "E 9:3 rate: \"1e3\" is not a decimal number; write digits and a point only, like 1234.50\n"
        "E 10:3 rate: \"$5\" is not a decimal number; write digits and a point only, like 1234.50\n");
    toll_table_close(table);
}

static void test_choice(void **state)
{
    static const char *const names[] = {"callee", "caller", "npanxx_pair"};
    struct toll_table *table =
        open_table("prefix,rate,note\nCallee,,NPANXX_PAIR\ncalle,callers,\x1b[31m\n", NULL);
    int choice = 99;

    (void)state;
    toll_table_next(table);
    assert_true(toll_cell_choice(table, PREFIX, names, 3, -1, &choice) && choice == 0);
    assert_true(toll_cell_choice(table, RATE, names, 3, -1, &choice) && choice == -1);
    assert_true(toll_cell_choice(table, NOTE, names, 3, -1, &choice) && choice == 2);
    toll_table_next(table);
    assert_false(toll_cell_choice(table, PREFIX, names, 3, -1, &choice));
    assert_false(toll_cell_choice(table, RATE, names, 3, -1, &choice));
    assert_false(toll_cell_choice(table, NOTE, names, 3, -1, &choice));
    assert_int_equal(choice, 2);
    assert_string_equal(all.text, "E 3:1 prefix: \"calle\" is none of callee, caller, npanxx_pair\n"
                                  "E 3:7 rate: \"callers\" is none of callee, caller, npanxx_pair\n"
                                  "E 3:15 note: \"?[31m\" is none of callee, caller, npanxx_pair\n");
    toll_table_close(table);
}

/* Milliseconds: 1970-01-02 is day 1; 2000-01-01 is day 10,957. */
static void test_local_time(void **state)
{
    struct toll_table *table =
        open_table("prefix,rate,from\n1,1,1970-01-02\n1,1,2000-01-01 00:00:27.484953\n1,1,\n"
                   "1,1,2026-02-29\n1,1,2026-11-21T09:48:27Z\n1,1,21/11/2026\n",
                   NULL);
    toll_ms ms = 99;

    (void)state;
    toll_table_next(table);
    assert_true(toll_cell_local_time(table, FROM, 7, &ms) && ms == INT64_C(86400000));
    toll_table_next(table);
    assert_true(toll_cell_local_time(table, FROM, 7, &ms) && ms == INT64_C(946684827484));
    toll_table_next(table);
    assert_true(toll_cell_local_time(table, FROM, TOLL_MS_MAX, &ms) && ms == TOLL_MS_MAX);
    while (toll_table_next(table) == 1)
        assert_false(toll_cell_local_time(table, FROM, 7, &ms));
    assert_string_equal(
        all.text,
        "E 5:5 from: \"2026-02-29\" is not a date or time; write 2026-11-21 or 2026-11-21 09:48:27\n"
        "E 6:5 from: \"2026-11-21T09:48:27Z\" has a zone offset; write local time without it\n"
        "E 7:5 from: \"21/11/2026\" is not a date or time; write 2026-11-21 or 2026-11-21 09:48:27\n");
    toll_table_close(table);
}

static void test_minute(void **state)
{
    static const char *const bad[] = {"24:01", "25:00", "09:60", "9:00", "09.00", "-1:00", "09:000", "0900"};
    struct toll_table *table = open_table("prefix,rate\n00:00,24:00\n09:48,\n", NULL);
    int minute = 99;

    (void)state;
    toll_table_next(table);
    assert_true(toll_cell_minute(table, PREFIX, 7, &minute) && minute == 0);
    assert_true(toll_cell_minute(table, RATE, 7, &minute) && minute == 1440);
    toll_table_next(table);
    assert_true(toll_cell_minute(table, PREFIX, 7, &minute) && minute == 588);
    assert_true(toll_cell_minute(table, RATE, 7, &minute) && minute == 7);
    toll_table_close(table);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64], finding[128];
        snprintf(text, sizeof(text), "prefix,rate\n%s,1\n", bad[i]);
        snprintf(finding, sizeof(finding),
                 "E 2:1 prefix: \"%s\" is not a time of day; write HH:MM, 00:00 to 24:00\n", bad[i]);
        table = open_table(text, NULL);
        toll_table_next(table);
        assert_false(toll_cell_minute(table, PREFIX, 7, &minute));
        assert_string_equal(all.text, finding);
        toll_table_close(table);
    }
    assert_int_equal(minute, 7);
}

static void read_cells(const char *text, char *out, size_t room)
{
    struct toll_table *table = open_table(text, "note=other");
    size_t bytes = 0;

    while (toll_table_next(table) == 1) {
        for (int c = 0; c < COLUMNS; c++) {
            const struct toll_cell *cell = toll_table_cell(table, c);
            bytes += (size_t)snprintf(out + bytes, room - bytes, "%ld:%ld %zu %s|", cell->line, cell->column,
                                      cell->bytes, cell->text);
        }
    }
    toll_table_close(table);
}

/* A row of plain ASCII is copied as it is; a letter beyond ASCII at its end makes it go the long way. */
static void test_plain_and_long_way(void **state)
{
    static const char letters[] = "012ab  \t,,,";
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char row[64], text[200], plain[600] = "", long_way[600] = "";
        const size_t bytes = random_next(&seed) % 40;
        for (size_t k = 0; k < bytes; k++)
            row[k] = letters[random_next(&seed) % (sizeof(letters) - 1)];
        row[bytes] = 0;
        snprintf(text, sizeof(text), "x,prefix,from,rate,other,end\n%s,n\n", row);
        read_cells(text, plain, sizeof(plain));
        const size_t plain_findings = all.findings.errors;
        snprintf(text, sizeof(text), "x,prefix,from,rate,other,end\n%s,\xC3\xB1\n", row);
        read_cells(text, long_way, sizeof(long_way));
        assert_string_equal(plain, long_way);
        assert_int_equal(plain_findings, all.findings.errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_spreadsheet_habits),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_mapping),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_money),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_local_time),
        cmocka_unit_test(test_minute),
        cmocka_unit_test(test_plain_and_long_way),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
