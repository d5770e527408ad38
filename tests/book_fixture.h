/* Small books in a temporary folder: written file by file, compiled, opened; findings as text, one
 * "E file:line:column: text" each. */
#ifndef TOLL_TESTS_BOOK_FIXTURE_H
#define TOLL_TESTS_BOOK_FIXTURE_H

#include "book/book.h"
#include "io/publish.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct book_fixture {
    char folder[64];
    char findings[65536];
    size_t findings_bytes;
    struct toll_compile_result result;
    struct toll_error error;
    uint8_t *image;
    size_t image_bytes;
    struct toll_book *book;
};

static inline void book_file(const struct book_fixture *fixture, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* An account with one number and a plan of one deck; tests overwrite what they need. */
static inline void book_begin(struct book_fixture *fixture)
{
    char path[128];

    memset(fixture, 0, sizeof(*fixture));
    strcpy(fixture->folder, "/tmp/tollmill-book-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(path, sizeof(path), "%s/decks", fixture->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    book_file(fixture, "book.yaml", "book: example\ncurrency: USD\ntimezone: America/New_York\n");
    book_file(fixture, "accounts.csv", "account\nacme\n");
    book_file(fixture, "numbers.csv", "number,account\n12125550100,acme\n");
    book_file(fixture, "assignments.csv", "subject,plan\ndefault,p\n");
    book_file(fixture, "plans.csv", "plan\np\n");
    book_file(fixture, "plan_rules.csv", "plan,action,deck\np,deck,d\n");
    book_file(fixture, "decks/d.csv", "prefix,rate\n1,0.06\n");
}

static inline void book_report(void *context, const struct toll_diagnostic *diagnostic)
{
    struct book_fixture *fixture = context;
    const char *file = diagnostic->file != NULL ? diagnostic->file : "";
    const size_t folder = strlen(fixture->folder), room = sizeof(fixture->findings) - fixture->findings_bytes;

    if (strncmp(file, fixture->folder, folder) == 0)
        file += folder + 1;
    if (room > 1024)
        fixture->findings_bytes += (size_t)snprintf(
            fixture->findings + fixture->findings_bytes, room, "%c %s:%ld:%ld: %s\n",
            "NWE"[diagnostic->severity], file, diagnostic -> line, diagnostic -> column, diagnostic -> text);
}

static inline void book_drop(struct book_fixture *fixture)
{
    toll_book_close(fixture->book);
    free(fixture->image);
    fixture->book = NULL;
    fixture->image = NULL;
    fixture->findings[0] = 0;
    fixture->findings_bytes = 0;
}

static inline int book_compile(struct book_fixture *fixture)
{
    const struct toll_reporter reporter = {book_report, fixture};

    book_drop(fixture);
    return toll_book_compile(toll_io_system(), fixture->folder, &reporter, &fixture->image,
                             &fixture->image_bytes, &fixture->result, &fixture->error);
}

/* Compiles a book that must be good and opens it. */
static inline const struct toll_book *book_good(struct book_fixture *fixture)
{
    const int code = book_compile(fixture);

    if (code != 0)
        print_error("%s\n%s", fixture->error.text, fixture->findings);
    assert_int_equal(code, 0);
    assert_int_equal(fixture->result.errors, 0);
    assert_int_equal(
        toll_book_open_bytes(fixture->image, fixture->image_bytes, "image", &fixture->book, &fixture->error),
        0);
    return fixture->book;
}

/* Compiles a book that must be refused with these findings, in this order and no others: each line is what a
 * finding begins with, and after a '~' something that it holds. */
static inline void book_bad(struct book_fixture *fixture, const char *expected)
{
    const char *finding;

    assert_int_equal(book_compile(fixture), TOLL_EBOOK);
    assert_null(fixture->image);
    finding = fixture->findings;
    while (*expected != 0) {
        const char *end = strchr(expected, '\n'), *finding_end = strchr(finding, '\n');
        char begins[512], holds[512] = "", line[2048];
        char *tilde;
        if (finding_end == NULL) {
            print_error("missing: %.*s\nall: %s", (int)(end - expected), expected, fixture->findings);
            fail();
        }
        snprintf(begins, sizeof(begins), "%.*s", (int)(end - expected), expected);
        snprintf(line, sizeof(line), "%.*s", (int)(finding_end - finding), finding);
        tilde = strchr(begins, '~');
        if (tilde != NULL) {
            strcpy(holds, tilde + 1);
            *tilde = 0;
        }
        if (strncmp(line, begins, strlen(begins)) != 0 || strstr(line, holds) == NULL) {
            print_error("expected: %s ~ %s\nfound: %s\nall:\n%s", begins, holds, line, fixture->findings);
            fail();
        }
        expected = end + 1;
        finding = finding_end + 1;
    }
    if (*finding != 0) {
        print_error("more than expected: %s", finding);
        fail();
    }
}

static inline void book_end(struct book_fixture *fixture)
{
    book_drop(fixture);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, fixture->folder, NULL), 0);
}

/* UTC of "2026-03-02T12:00:00Z". */
static inline toll_ms book_ms(const char *text)
{
    toll_ms local;
    bool has_offset;
    int32_t offset;

    assert_true(toll_iso_parse(text, strlen(text), &local, &has_offset, &offset));
    assert_true(has_offset);
    return local - offset * INT64_C(1000);
}

#endif
