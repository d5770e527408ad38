/*
 * The CSV lexer: rows by hand, and both ways of reading a block (SSE2 and portable) against a splitter that
 * looks at one byte after another, on random inputs that end at a page which cannot be read, or in a block of
 * their exact size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/csv.h"

/* The same source once more, with the masks of other CPUs. */
#define TOLL_CSV_PORTABLE
#define toll_csv_open portable_open
#define toll_csv_next portable_next
#define toll_csv_unquote portable_unquote
#include "text/csv.c"
#undef toll_csv_open
#undef toll_csv_next
#undef toll_csv_unquote

static const struct variant {
    const char *name;
    void (*open)(struct toll_csv *, const char *, size_t, char, bool, bool);
    int (*next)(struct toll_csv *, struct toll_csv_field *, uint32_t, uint32_t *);
    size_t (*unquote)(const struct toll_csv_field *, char *);
} variants[] = {{"default", toll_csv_open, toll_csv_next, toll_csv_unquote},
                {"portable", portable_open, portable_next, portable_unquote}};

#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

/* -- rows by hand
 * ------------------------------------------------------------------------------------------------ */

/* "line@offset+bytes flags[a][b]\n" per row; a quoted field is {b}. Flags: U unbalanced, E no line end, N
 * NUL, L long. */
static void transcribe(const struct variant *variant, const char *data, size_t size, char separator,
                       bool multiline, bool skip_blank, char *out)
{
    char *copy = malloc(size > 0 ? size : 1), plain[4096];
    struct toll_csv_field fields[32];
    struct toll_csv csv;
    uint32_t count;

    assert_non_null(copy);
    memcpy(copy, data, size);
    variant->open(&csv, copy, size, separator, multiline, skip_blank);
    *out = 0;
    while (variant->next(&csv, fields, 32, &count) == 1) {
        out += sprintf(out, "%ld@%zu+%zu %s%s%s%s", csv.row_line, csv.row_offset, csv.row_bytes,
                       csv.unbalanced ? "U" : "", csv.unterminated ? "E" : "", csv.has_nul ? "N" : "",
                       csv.too_long ? "L" : "");
        for (uint32_t i = 0; i < count; i++) {
            const size_t bytes = variant->unquote(&fields[i], plain);
            *out++ = fields[i].quoted ? '{' : '[';
            for (size_t b = 0; b < bytes; b++)
                *out++ = plain[b] == 0 ? '0' : plain[b] == '\n' ? '/' : plain[b] == '\r' ? '<' : plain[b];
            *out++ = fields[i].quoted ? '}' : ']';
        }
        *out++ = '\n';
        *out = 0;
    }
    free(copy);
}

static void check(const char *data, size_t size, char separator, bool multiline, bool skip_blank,
                  const char *expected)
{
    static char text[65536];

    for (size_t v = 0; v < VARIANTS; v++) {
        transcribe(&variants[v], data, size, separator, multiline, skip_blank, text);
        assert_string_equal(text, expected);
    }
}

#define PLAIN(data, expected) check(data, sizeof(data) - 1, ',', false, false, expected)
#define MULTI(data, expected) check(data, sizeof(data) - 1, ',', true, false, expected)

static void test_plain_rows(void **state)
{
    (void)state;
    PLAIN("", "");
    PLAIN("\n", "");
    PLAIN("\r\n\r\n", "");
    PLAIN("a", "1@0+1 E[a]\n");
    PLAIN(",", "1@0+1 E[][]\n");
    PLAIN("a,b\nc,d\n", "1@0+3 [a][b]\n2@4+3 [c][d]\n");
    PLAIN("a,b,\n", "1@0+4 [a][b][]\n");
    PLAIN("a,b\nc", "1@0+3 [a][b]\n2@4+1 E[c]\n");
    PLAIN(" a , b \n", "1@0+7 [ a ][ b ]\n");
    PLAIN("\n\na\n\nb\n", "3@2+1 [a]\n5@5+1 [b]\n");
}

static void test_line_ends(void **state)
{
    (void)state;
    PLAIN("a,b\r\nc\r\n\r\nd", "1@0+3 [a][b]\n2@5+1 [c]\n4@10+1 E[d]\n");
    PLAIN("a\r\nb\r", "1@0+1 [a]\n2@3+1 E[b]\n"); /* the CRLF was cut */
    PLAIN("a\rb\nc\n", "1@0+3 [a<b]\n2@4+1 [c]\n");
    PLAIN("a\r\r\nb\n", "1@0+2 [a<]\n2@4+1 [b]\n");
    PLAIN("a,b\rc,d\r\re", "1@0+3 [a][b]\n2@4+3 [c][d]\n4@9+1 E[e]\n"); /* no LF at all */
    PLAIN("a,b\rc,d\r", "1@0+3 [a][b]\n2@4+3 [c][d]\n");
    PLAIN("a,\r\n", "1@0+2 [a][]\n");
    PLAIN("a,\r", "1@0+2 [a][]\n");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    PLAIN("\xef\xbb\xbf", "");
    PLAIN("\xef\xbb\xbf"
          "a,b\nc\n",
          "1@3+3 [a][b]\n2@7+1 [c]\n");
    PLAIN("\xef\xbb\xbf\"a\"\n", "1@3+3 {a}\n");
    PLAIN("\xef\xbb", "1@0+2 E[\xef\xbb]\n");
}

static void test_quotes(void **state)
{
    (void)state;
    PLAIN("\"a,b\",c\n", "1@0+7 {a,b}[c]\n");
    PLAIN("\"\",\"\"\"\"\n", "1@0+7 {}{\"}\n");
    PLAIN("\"a\"\"b\",x\n", "1@0+8 {a\"b}[x]\n");
    /* Callers as PBX write them: proper doubling, none at all, and no quotes around. */
    PLAIN("1,\"\"\"Test User\"\" <test>\",2\n", "1@0+26 [1]{\"Test User\" <test>}[2]\n");
    PLAIN("1,\"\"Name\" <1115>\",2\n", "1@0+19 [1]{\"Name\" <1115>}[2]\n");
    PLAIN("1,\"Doe, J\" <1115>,2\n", "1@0+19 [1][\"Doe, J\" <1115>][2]\n");
    PLAIN("a \"\"b\"\" c\n", "1@0+9 [a \"\"b\"\" c]\n");
    PLAIN("x\"y,z\"w,v\n", "1@0+9 [x\"y,z\"w][v]\n");
    PLAIN("\"a\" ,b\n", "1@0+6 [\"a\" ][b]\n");
}

static void test_unbalanced(void **state)
{
    (void)state;
    PLAIN("\"a,b\nc,d\n", "1@0+4 U[\"a,b]\n2@5+3 [c][d]\n");
    PLAIN("a,\"\r\nb\r\n", "1@0+3 U[a][\"]\n2@5+1 [b]\n");
    PLAIN("a,\"", "1@0+3 UE[a][\"]\n");
    PLAIN("\"\"\"\n", "1@0+3 U{\"}\n");
    PLAIN("\"a\nb\",c\n", "1@0+2 U[\"a]\n2@3+4 U[b\",c]\n");
}

static void test_multiline(void **state)
{
    (void)state;
    MULTI("\"a\nb\",c\nd\n", "1@0+7 {a/b}[c]\n3@8+1 [d]\n");
    MULTI("\"a\r\nb\",c\r\nd\r\n", "1@0+8 {a</b}[c]\n3@10+1 [d]\n");
    MULTI("\"a\rb\",c\rd", "1@0+7 {a<b}[c]\n3@8+1 E[d]\n");
    MULTI("x,\"\n\n\"\n\ny\n", "1@0+6 [x]{//}\n5@8+1 [y]\n");
    MULTI("x,\"a\n\"", "1@0+6 E[x]{a/}\n");
    /* A quote that never closes costs its own line. */
    MULTI("\"a\nb,c\nd", "1@0+2 U[\"a]\n2@3+3 [b][c]\n3@7+1 E[d]\n");
    MULTI("a,\"", "1@0+3 UE[a][\"]\n");
    MULTI("a\n\"", "1@0+1 [a]\n2@2+1 UE[\"]\n");
    MULTI("a\n\"\n", "1@0+1 [a]\n2@2+1 U[\"]\n");
    /* Two such lines close each other: that is what multiline means. */
    MULTI("\"a\n\"b\nc\n", "1@0+5 [\"a/\"b]\n3@6+1 [c]\n");
}

static void test_nul(void **state)
{
    (void)state;
    PLAIN("a\0b,c\nd\n", "1@0+5 N[a0b][c]\n2@6+1 [d]\n");
    PLAIN("a\nb\0", "1@0+1 [a]\n2@2+2 EN[b0]\n");
    PLAIN("\"\0\"\n", "1@0+3 N{0}\n");
}

static void test_separators_and_blanks(void **state)
{
    const char semicolons[] = "a;b,c;\"d;e\"\n", tabs[] = "a\tb, c\t\n";
    const char blanks[] = " a, b,\t \"c, d\" ,  \"e\",  \n";

    (void)state;
    check(semicolons, sizeof(semicolons) - 1, ';', false, false, "1@0+11 [a][b,c]{d;e}\n");
    check(tabs, sizeof(tabs) - 1, '\t', false, true, "1@0+7 [a][b, c][]\n");
    check(blanks, sizeof(blanks) - 1, ',', false, true, "1@0+24 [ a][b][\"c, d\" ]{e}[]\n");
    check(blanks, sizeof(blanks) - 1, ',', false, false, "1@0+24 [ a][ b][\t \"c, d\" ][  \"e\"][  ]\n");
}

static void test_more_fields_than_room(void **state)
{
    struct toll_csv_field fields[2];
    struct toll_csv csv;
    uint32_t count;

    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        variants[v].open(&csv, "\"a\",b,\"c\",d\n", 12, ',', false, false);
        assert_int_equal(variants[v].next(&csv, fields, 2, &count), 1);
        assert_int_equal(count, 4);
        assert_true(fields[0].quoted && fields[0].bytes == 1 && fields[0].text[0] == 'a');
        assert_true(!fields[1].quoted && fields[1].bytes == 1 && fields[1].text[0] == 'b');
        assert_int_equal(variants[v].next(&csv, fields, 2, &count), 0);
        assert_int_equal(count, 0);
        variants[v].open(&csv, "a,b\nc", 5, ',', false, false);
        assert_int_equal(variants[v].next(&csv, NULL, 0, &count), 1);
        assert_int_equal(count, 2);
    }
}

/* -- long rows
 * --------------------------------------------------------------------------------------------------- */

static void check_long(size_t long_bytes, const char *end, bool too_long, bool multiline)
{
    const size_t end_bytes = strlen(end), size = long_bytes + end_bytes + 4;
    char *data = malloc(size);
    struct toll_csv_field fields[4];
    struct toll_csv csv;
    uint32_t count;

    assert_non_null(data);
    memset(data, 'x', long_bytes);
    memcpy(data + long_bytes, end, end_bytes);
    memcpy(data + long_bytes + end_bytes, "a,b\n", 4);
    for (size_t v = 0; v < VARIANTS; v++) {
        variants[v].open(&csv, data, size, ',', multiline, false);
        assert_int_equal(variants[v].next(&csv, fields, 4, &count), 1);
        assert_int_equal(csv.row_line, 1);
        assert_int_equal(csv.row_offset, 0);
        assert_int_equal(csv.too_long, too_long);
        assert_int_equal(csv.row_bytes, too_long ? TOLL_CSV_ROW_MAX : long_bytes);
        assert_int_equal(count, too_long ? 0 : 1);
        assert_false(csv.unterminated);
        assert_int_equal(variants[v].next(&csv, fields, 4, &count), 1);
        assert_int_equal(csv.row_line, 2);
        assert_int_equal(csv.row_offset, long_bytes + end_bytes);
        assert_false(csv.too_long);
        assert_int_equal(count, 2);
        assert_int_equal(variants[v].next(&csv, fields, 4, &count), 0);
        /* The long row alone, without a line end. */
        variants[v].open(&csv, data, long_bytes, ',', multiline, false);
        assert_int_equal(variants[v].next(&csv, fields, 4, &count), 1);
        assert_int_equal(csv.too_long, too_long);
        assert_true(csv.unterminated);
        assert_int_equal(variants[v].next(&csv, fields, 4, &count), 0);
    }
    free(data);
}

static void test_long_rows(void **state)
{
    (void)state;
    for (int multiline = 0; multiline < 2; multiline++) {
        check_long(2097152, "\n", true, multiline);
        check_long(2097152, "\r\n", true, multiline);
        check_long(1048577, "\n", true, multiline);
        check_long(1048577, "\r\n", true, multiline);
        check_long(1048576, "\n", false, multiline);
        check_long(1048576, "\r\n", false, multiline);
        check_long(1048575, "\n", false, multiline);
    }
}

/* One open quote in front of 3 MiB of rows: only its line is lost. */
static void test_missing_quote(void **state)
{
    const size_t rows = 393216;
    char *data = malloc(rows * 8);
    struct toll_csv_field fields[4];
    struct toll_csv csv;
    uint32_t count;

    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < rows; i++)
        memcpy(data + i * 8, i == 7 ? "\"bc,def\n" : "abc,def\n", 8);
    for (size_t v = 0; v < VARIANTS; v++) {
        size_t seen = 0;
        variants[v].open(&csv, data, rows * 8, ',', true, false);
        while (variants[v].next(&csv, fields, 4, &count) == 1) {
            assert_int_equal(csv.row_offset, seen * 8);
            assert_int_equal(csv.row_line, seen + 1);
            assert_int_equal(csv.unbalanced, seen == 7);
            assert_int_equal(count, seen == 7 ? 1 : 2);
            seen++;
        }
        assert_int_equal(seen, rows);
    }
    free(data);
}

/* -- against the slow splitter
 * ----------------------------------------------------------------------------------- */

struct slow {
    const char *data;
    size_t size, at;
    char separator, line_end;
    bool multiline, skip_blank;
    long line;
    size_t row_offset, row_bytes;
    long row_line;
    bool unbalanced, unterminated, has_nul;
};

static void slow_open(struct slow *slow, const char *data, size_t size, char separator, bool multiline,
                      bool skip_blank)
{
    bool lf = false, cr = false;

    for (size_t i = 0; i < size; i++) {
        lf = lf || data[i] == '\n';
        cr = cr || data[i] == '\r';
    }
    *slow =
        (struct slow){.data = data, .size = size, .separator = separator, .multiline = multiline, .line = 1};
    slow->skip_blank = skip_blank;
    slow->line_end = !lf && cr ? '\r' : '\n';
}

/* The offset of the row's line end, or size; *inside: a quote is open there. */
static size_t slow_end(const struct slow *slow, bool multiline, bool *inside)
{
    size_t i = slow->at;

    *inside = false;
    while (i < slow->size && !(slow->data[i] == slow->line_end && !(multiline && *inside))) {
        if (slow->data[i] == '"')
            *inside = !*inside;
        i++;
    }
    return i;
}

static int slow_next(struct slow *slow, struct toll_csv_field *fields, uint32_t *count)
{
    while (slow->at < slow->size) {
        bool inside;
        size_t end = slow_end(slow, slow->multiline, &inside), stop, start;
        if (inside && slow->multiline)
            end = slow_end(slow, false, &inside);
        stop = end;
        if (slow->line_end == '\n' && stop > slow->at && slow->data[stop - 1] == '\r')
            stop--;
        slow->row_offset = start = slow->at;
        slow->row_bytes = stop - start;
        slow->row_line = slow->line;
        slow->unbalanced = inside;
        slow->unterminated = end == slow->size;
        slow->has_nul = false;
        for (size_t i = start; i < end; i++)
            slow->line += slow->data[i] == slow->line_end;
        slow->line += end < slow->size;
        slow->at = end < slow->size ? end + 1 : end;
        if (slow->row_bytes == 0)
            continue;
        *count = 0;
        inside = false;
        for (size_t i = start; i <= stop; i++) {
            if (i < stop && slow->data[i] == 0)
                slow->has_nul = true;
            if (i < stop && slow->data[i] == '"')
                inside = !inside;
            if (i < stop && (inside || slow->data[i] != slow->separator))
                continue;
            struct toll_csv_field *field = &fields[(*count)++];
            size_t to = i;
            while (slow->skip_blank && *count > 1 && start < to &&
                   (slow->data[start] == ' ' || slow->data[start] == '\t'))
                start++;
            field->quoted = to - start >= 2 && slow->data[start] == '"' && slow->data[to - 1] == '"';
            if (field->quoted) {
                start++;
                to--;
            }
            field->text = slow->data + start;
            field->bytes = (uint32_t)(to - start);
            field->doubled = false;
            for (size_t j = start; j < to; j++)
                field->doubled = field->doubled || slow->data[j] == '"';
            start = i + 1;
        }
        return 1;
    }
    return 0;
}

static uint64_t random_next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static bool same_rows(const struct variant *variant, const char *data, size_t size, char separator,
                      bool multiline, bool skip_blank)
{
    struct toll_csv_field fields[512], slow_fields[512];
    struct toll_csv csv;
    struct slow slow;
    uint32_t count, slow_count = 0;

    variant->open(&csv, data, size, separator, multiline, skip_blank);
    slow_open(&slow, data, size, separator, multiline, skip_blank);
    while (variant->next(&csv, fields, 512, &count) == 1) {
        if (slow_next(&slow, slow_fields, &slow_count) != 1 || count != slow_count ||
            csv.row_offset != slow.row_offset || csv.row_bytes != slow.row_bytes ||
            csv.row_line != slow.row_line || csv.unbalanced != slow.unbalanced ||
            csv.unterminated != slow.unterminated || csv.has_nul != slow.has_nul || csv.too_long ||
            csv.offset != slow.at || csv.line != slow.line)
            return false;
        for (uint32_t i = 0; i < count; i++) {
            if (fields[i].text != slow_fields[i].text || fields[i].bytes != slow_fields[i].bytes ||
                fields[i].quoted != slow_fields[i].quoted || fields[i].doubled != slow_fields[i].doubled)
                return false;
        }
    }
    return slow_next(&slow, slow_fields, &slow_count) == 0;
}

static void test_random_against_slow(void **state)
{
    static const char letters[] = {'a', ',', '"', '\n', '\r', ';', ' ', 0};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t random = UINT64_C(0x746f6c6c6d696c6c);

    (void)state;
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (int round = 0; round < 1200000; round++) {
        const uint64_t dice = random_next(&random);
        const size_t size = (dice & 15) == 0 ? (dice >> 8) % 400 : (dice >> 8) % 40;
        const unsigned choices = (dice & 0xf0) == 0 ? 8 : 7; /* a NUL now and then */
        const unsigned plain = (dice >> 24) % 8;             /* more or fewer plain letters */
        const bool exact = (dice >> 32 & 1) != 0;
        char *data = exact ? malloc(size > 0 ? size : 1) : pages + page - size;
        assert_non_null(data);
        for (size_t i = 0; i < size; i++) {
            const uint64_t letter = random_next(&random);
            data[i] = (letter >> 40) % 8 < plain ? 'a' : letters[(letter >> 8) % choices];
        }
        for (size_t v = 0; v < VARIANTS; v++) {
            if (!same_rows(&variants[v], data, size, (dice >> 33 & 1) ? ',' : ';', (dice >> 34 & 1) != 0,
                           (dice >> 35 & 1) != 0))
                fail_msg("round %d, %s, size %zu", round, variants[v].name, size);
        }
        if (exact)
            free(data);
    }
    munmap(pages, 2 * page);
}

/* -- real files, where they are
 * ---------------------------------------------------------------------------------- */

/* Every row balanced and of `columns` fields, `unbalanced` rows aside. */
static bool check_real(const char *name, bool skip_blank, size_t rows, uint32_t columns, size_t unbalanced)
{
    const char *folder = getenv("TOLL_REAL");
    struct toll_csv_field fields[64];
    char path[4096];
    struct toll_csv csv;
    uint32_t count;
    size_t seen = 0, odd = 0, size;
    char *data = malloc(65536);
    FILE *file;

    assert_non_null(data);
    snprintf(path, sizeof(path), "%s/cdr/%s", folder != NULL ? folder : TOLL_SOURCE_DIR "/../shared/real",
             name);
    file = fopen(path, "rb");
    if (file == NULL) {
        free(data);
        print_message("%s is not there\n", path);
        return false;
    }
    size = fread(data, 1, 65536, file);
    fclose(file);
    toll_csv_open(&csv, data, size, ',', false, skip_blank);
    while (toll_csv_next(&csv, fields, 64, &count) == 1) {
        seen++;
        odd += csv.unbalanced;
        assert_true(csv.unbalanced || count == columns);
    }
    assert_int_equal(seen, rows);
    assert_int_equal(odd, unbalanced);
    free(data);
    return true;
}

static void test_real_files(void **state)
{
    (void)state;
    if (!check_real("asterisk-testsuite_good.csv", false, 5, 18, 0))
        skip();
    check_real("asterisk-testsuite_buggy.csv", false, 1, 18, 1);
    check_real("freeswitch_docs_sample_Master.csv", false, 5, 15, 0);
    check_real("cdr-stats_import_cdr_100.txt", true, 100, 8, 0);
    check_real("cgrates_partial_csv.txt", false, 4, 11, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_rows),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_unbalanced),
        cmocka_unit_test(test_multiline),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_separators_and_blanks),
        cmocka_unit_test(test_more_fields_than_room),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_missing_quote),
        cmocka_unit_test(test_random_against_slow),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
