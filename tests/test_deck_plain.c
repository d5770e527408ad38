/*
 * Rows of decks read at once and one by one say the same: a sheet whose last cell stands in quotes in every
 * row has no plain rows (ratetable/plain_rows.h), and its book has the same sections and the same findings.
 */
#include "image_fixture.h"
#include "random.h"

#include <stdio.h>

#define TEXT_BYTES ((size_t)2 << 20)

struct sheets {
    char *text[2]; /* plain; the last cell in quotes */
    size_t bytes[2];
};

static void put(struct sheets *sheets, const char *text)
{
    for (int i = 0; i < 2; i++) {
        assert_true(sheets->bytes[i] + strlen(text) < TEXT_BYTES);
        memcpy(sheets->text[i] + sheets->bytes[i], text, strlen(text) + 1);
        sheets->bytes[i] += strlen(text);
    }
}

/* A row's last cell, of which nothing is reported: its column is another in quotes. */
static void put_last(struct sheets *sheets, const char *text)
{
    sheets->bytes[0] += (size_t)sprintf(sheets->text[0] + sheets->bytes[0], "%s", text);
    sheets->bytes[1] += (size_t)sprintf(sheets->text[1] + sheets->bytes[1], "\"%s\"", text);
}

static void sheets_begin(struct sheets *sheets, const char *header)
{
    memset(sheets, 0, sizeof(*sheets));
    for (int i = 0; i < 2; i++) {
        sheets->text[i] = malloc(TEXT_BYTES);
        assert_non_null(sheets->text[i]);
    }
    put(sheets, header);
}

/* Compiles the book with either sheet, compares, and returns how many price rows it has. */
static int64_t compare(struct sheets *sheets)
{
    struct book_fixture books[2];
    int code[2];

    for (int i = 0; i < 2; i++) {
        book_begin(&books[i]);
        book_file(&books[i], "decks.csv", "deck,calendar,decimals\nd,cal,6\n");
        book_file(&books[i], "calendars.csv", "calendar,band,from,to\ncal,night,20:00,06:00\n");
        book_file(&books[i], "decks/d.csv", sheets->text[i]);
        code[i] = book_compile(&books[i]);
    }
    assert_int_equal(code[0], code[1]);
    assert_string_equal(books[0].findings, books[1].findings);
    for (uint32_t id = 0; id < TOLL_SECTION_COUNT && code[0] == 0; id++) {
        const struct toll_image_section *section[2];
        for (int i = 0; i < 2; i++)
            section[i] =
                (const void *)(books[i].image + TOLL_IMAGE_PAGE + id * sizeof(struct toll_image_section));
        if (id == TOLL_SECTION_SOURCES || id == TOLL_SECTION_SOURCE_BYTES)
            continue;
        assert_int_equal(section[0]->bytes, section[1]->bytes);
        assert_memory_equal(books[0].image + section[0]->offset, books[1].image + section[1]->offset,
                            section[0]->bytes);
    }
    const int64_t rows =
        code[0] == 0 ? (int64_t)image_count(books[0].image, TOLL_SECTION_PRICE_TERMS, sizeof(uint32_t)) : -1;
    for (int i = 0; i < 2; i++) {
        book_end(&books[i]);
        free(sheets->text[i]);
    }
    return rows;
}

static const char *any(uint64_t *seed, const char *const *texts, size_t count)
{
    return texts[random_next(seed) % count];
}
#define ANY(texts) any(&seed, texts, sizeof(texts) / sizeof((texts)[0]))

/* Good rows, more than are read at once; each with a key of its own. */
static void good_rows(void **state)
{
    static const char *const fees[] = {"", "", "0.05", "0", "3", "2000000000"};
    static const char *const steps[] = {"60", "6", "1", "30"};
    static const char *const rates[] = {"0.01",         "0.0125",       "7.",   ".5",
                                        "687.19476735", "687.19476736", "90000"};
    static const char *const names[] = {"",   "Spain", "Spain - Mobile", "Espa\303\261a", " blank",
                                        "x ", "ok\t"};
    static const char *const bands[] = {"", "", "", "night"};
    static const char *const last[] = {"", "active", "blocked", "ACTIVE"};
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 2; round++) {
        struct sheets sheets;
        char text[100];
        int64_t rows = 1;
        sheets_begin(&sheets, round == 0
                                  ? "prefix,destination,rate,connect_fee,increment_s,band,from,status\n"
                                  : "rate,from,connect_fee,prefix,band,increment_s,destination,status\r\n");
        for (int i = 0; i < 9000; i++) {
            const char *rate = ANY(rates), *fee = ANY(fees), *step = ANY(steps), *name = ANY(names);
            const char *band = ANY(bands), *from = i % 50 == 0 ? "2026-03-01" : "";
            snprintf(text, sizeof(text), i % 97 == 0 ? "+%d" : "%d", 100000 + i * 7);
            const char *cells[2][8] = {{text, name, rate, fee, step, band, from},
                                       {rate, from, fee, text, band, step, name}};
            for (int c = 0; c < 7; c++) {
                put(&sheets, cells[round][c]);
                put(&sheets, ",");
            }
            put_last(&sheets, ANY(last));
            put(&sheets, i % 40 == 0 ? ",,\n" : i % 3 == 0 ? "\r\n" : i % 31 == 0 ? "\n\n" : "\n");
            rows++;
        }
        put(&sheets, round == 0 ? "99,End,0.01,,60,,,active" : "0.01,,,99,,60,End,active");
        assert_int_equal(compare(&sheets), rows + 2); /* and two of no deck: layout.h */
    }
}

/* Rows good and bad, with what nobody expects in any cell. */
static void bad_rows(void **state)
{
    static const char *const keys[] = {"44", "1201-1205",        "44;45", "12a",  "",   " 49",
                                       "+",  "1234567890123456", "1-",    "0044", "4*", "33"};
    static const char *const rates[] = {"0.01",        "0.02",         "", "-1", "x", "1e3", " 0.5",
                                        "0.123456789", "9223372036854"};
    static const char *const names[] = {"Spain", "Espa\303\261a", "\xFF", "a\tb", " ", "", "a\rb"};
    static const char *const steps[] = {"60", "60", "0", "x", "-6", ""};
    static const char *const dates[] = {"", "", "2026-01-01", "2026-13-01", "2026-02-01"};
    static const char *const bands[] = {"", "", "night", "nigth"};
    static const char *const last[] = {"", "active", "blocked"};
    static const char *const ends[] = {"\n", "\r\n", ",\n", "\n\n", "\n \n", "\n,,,,\n"};
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct sheets sheets;
        const uint64_t rare = 1 + (uint64_t)round % 20; /* how seldom a cell is any */
        sheets_begin(&sheets, "destination,prefix,rate,increment_s,from,to,band,status\n");
        for (int i = 0; i < 120; i++) {
            char key[24];
            snprintf(key, sizeof(key), "%d", 2000 + i);
#define CELL(texts, good) (random_next(&seed) % rare == 0 ? ANY(texts) : (good))
            const char *cells[] = {CELL(names, "Norway"), CELL(keys, key), CELL(rates, "0.01"),
                                   CELL(steps, "60"),     CELL(dates, ""), CELL(dates, ""),
                                   CELL(bands, "")};
            const size_t count = random_next(&seed) % (8 * rare) == 0 ? 4 : sizeof(cells) / sizeof(cells[0]);
            for (size_t c = 0; c < count; c++) {
                put(&sheets, cells[c]);
                put(&sheets, ",");
            }
            put_last(&sheets, CELL(last, "active"));
            put(&sheets, CELL(ends, "\n"));
        }
        compare(&sheets);
    }
}

/* A line that is longer than what is read at once. */
static void long_line(void **state)
{
    struct sheets sheets;

    (void)state;
    sheets_begin(&sheets, "prefix,destination,rate,status\n44,UK,0.01,active\n49,");
    for (int i = 0; i < 30000; i++)
        put(&sheets, "ten bytes.");
    put(&sheets, ",0.02,active\n33,France,x,");
    put_last(&sheets, "active");
    put(&sheets, "\n34,Spain,0.01,");
    put_last(&sheets, "active");
    assert_int_equal(compare(&sheets), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_rows), cmocka_unit_test(bad_rows),
                                       cmocka_unit_test(long_line)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
