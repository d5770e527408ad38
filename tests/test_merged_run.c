/* Merged runs: lines of two books in one run are read back, and what contradicts the list of books is found.
 */
#include "pipeline/merge.h"
#include "segment/run.h"
#include "segment/run_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 20513 /* 2026-03-01 */
#define ROWS 5
#define UNIT INT64_C(100000000)

static int folder_make(void **state)
{
    char *path = strdup("/tmp/toll_merged_XXXXXX");
    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    *state = path;
    return 0;
}

static int folder_remove(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    int rc = system(command);
    free(*state);
    return rc;
}

/* The first book has prices up to 5, the second's 3 is 8. Lines: two kept, one rated again, two that wait. */
enum mistake {
    NONE,
    BOOK_UNKNOWN,
    PRICE_OF_ANOTHER_BOOK,
    PRICE_OF_AN_OLDER_BOOK,
    KEPT_WRONG,
    NOT_MERGED_LINES,
    MISTAKES
};

static void write_lines(struct toll_run_writer *writer, struct toll_run_part *part, enum mistake mistake)
{
    static const int32_t accounts[] = {1, 1, 1, 0, 0}, prices[] = {5, 0, 8, 0, 0};
    static const int64_t charges[] = {UNIT, 0, 2 * UNIT, 0, 0};
    static const uint8_t books[] = {0, 0, 1, 1, 1};
    static const uint8_t statuses[] = {TOLL_RATED, TOLL_ZERO_UNANSWERED, TOLL_RATED, TOLL_SUSPENSE_CONFLICT,
                                       TOLL_SUSPENSE_NO_ACCOUNT};
    const bool merged = mistake != NOT_MERGED_LINES;
    struct toll_lines_writer *lines;
    struct toll_error error;
    size_t plain[TOLL_LINE_COLUMNS_MOST], offsets[TOLL_LINE_COLUMNS_MOST];
    const size_t bytes = toll_lines_batch_layout(ROWS, TOLL_LINES_BOOK, offsets);
    assert_true(toll_lines_batch_layout(ROWS, 0, plain) < bytes);
    assert_memory_equal(plain, offsets, TOLL_LINE_COLUMNS * sizeof plain[0]);
    if (toll_lines_create(toll_io_system(), toll_run_directory(writer), "2026-03-01.0", ROWS,
                          merged ? TOLL_LINES_BOOK : 0, &lines, &error))
        fail_msg("%s", error.text);
    uint8_t *block = calloc(1, bytes);
    assert_non_null(block);
    uint8_t *book = block + offsets[TOLL_LINE_BOOK];
    memcpy(block + offsets[0], accounts, sizeof accounts);
    memcpy(block + offsets[1], prices, sizeof prices);
    memcpy(block + offsets[3], charges, sizeof charges);
    memcpy(block + offsets[5], statuses, sizeof statuses);
    memcpy(book, books, sizeof books);
    if (mistake == BOOK_UNKNOWN)
        book[2] = 2;
    if (mistake == PRICE_OF_ANOTHER_BOOK)
        book[0] = 1;
    if (mistake == PRICE_OF_AN_OLDER_BOOK)
        book[2] = 0;
    if (toll_lines_write(lines, 0, block, &error) || toll_lines_finish(lines, &part->seal, &error))
        fail_msg("%s", error.text);
    free(block);
}

static void make_run(const char *path, enum mistake mistake)
{
    const struct toll_account_row accounts[] = {{1, "acme", "Acme", "USD"}};
    const struct toll_price_row prices[] = {
        {5, "deck", "", "us", "1", "", "", "s", UNIT, 60, 0, "decks/us.csv", 2, 0, "rate", 0},
        {8, "deck", "", "us", "1", "", "", "s", UNIT, 60, 0, "decks/us.csv", 3, 0, "rate", 0}};
    const struct toll_bucket_row buckets[] = {{1, "", 0, 3, 0, 3 * UNIT}};
    struct toll_run_part part = {.day = DAY, .rows = ROWS, .cdr_seal = {1000, {1, 2}}};
    struct toll_run_book books[] = {{{7, 8}, {9, 9}, 0, 0}, {{3, 4}, {5, 6}, 5, 0}};
    struct toll_run_manifest manifest = {
        .cdr_hash = {1, 2},
        .book_hash = {3, 4},
        .tzdata_hash = {5, 6},
        .rows = ROWS,
        .rated = 2,
        .zero_rated = 1,
        .suspense = 2,
        .conflict = 1,
        .currency = "USD",
        .totals = {{"USD", 3 * UNIT}},
        .total_count = 1,
        .parts = &part,
        .part_count = 1,
        .from_day = "",
        .to_day = "",
        .books = books,
        .book_count = 2,
        .kept_from = {11, 12},
        .kept = mistake == KEPT_WRONG ? 3 : 2,
    };
    struct toll_run_writer *writer;
    struct toll_error error;
    manifest.status_rows[TOLL_RATED] = 2;
    manifest.status_rows[TOLL_ZERO_UNANSWERED] = manifest.status_rows[TOLL_SUSPENSE_CONFLICT] = 1;
    manifest.status_rows[TOLL_SUSPENSE_NO_ACCOUNT] = 1;
    if (toll_run_create(toll_io_system(), path, &writer, &error))
        fail_msg("%s", error.text);
    write_lines(writer, &part, mistake);
    for (size_t i = 0; i < 2; i++) {
        char name[TOLL_RUN_BOOK_NAME_BYTES];
        toll_run_book_name(i, 2, name);
        assert_string_equal(name, i == 0 ? "book.0.image" : "book.image");
        assert_int_equal(toll_run_add_file(writer, name, name, strlen(name), &error), 0);
    }
    assert_int_equal(toll_run_add_file(writer, "suspense.csv", "", 0, &error), 0);
    assert_int_equal(toll_run_add_accounts(writer, accounts, 1, &error), 0);
    assert_int_equal(toll_run_add_prices(writer, prices, 2, &error), 0);
    assert_int_equal(toll_run_add_buckets(writer, buckets, 1, &error), 0);
    if (toll_run_publish(writer, &manifest, "{}\n", &error))
        fail_msg("%s", error.text);
    toll_run_abandon(writer);
}

static int open_and_verify(const char *path, struct toll_error *error)
{
    struct toll_run_files run;
    int rc = toll_run_files_open(&run, toll_io_system(), path, error);
    if (rc)
        return rc;
    rc = toll_run_verify(&run, error);
    toll_run_files_close(&run);
    return rc;
}

static void test_round_trip(void **state)
{
    struct toll_run_files run;
    struct toll_lines *lines;
    struct toll_line_batch batch;
    struct toll_blob blob;
    struct toll_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    if (open_and_verify(path, &error))
        fail_msg("%s", error.text);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), 0);
    assert_int_equal(run.manifest.book_count, 2);
    assert_int_equal(run.manifest.kept, 2);
    assert_int_equal(run.manifest.kept_from.low, 11);
    assert_int_equal(run.manifest.books[0].book_hash.low, 7);
    assert_int_equal(run.manifest.books[1].price_shift, 5);
    assert_int_equal(toll_run_lines_open(&run, 0, TOLL_READ_PREAD, &lines, &error), 0);
    assert_int_equal(toll_lines_optional(lines), TOLL_LINES_BOOK);
    void *buffer = aligned_alloc(4096, toll_lines_buffer_bytes(lines));
    assert_non_null(buffer);
    assert_int_equal(toll_lines_batch(lines, 0, buffer, &batch, &error), 0);
    assert_memory_equal(batch.book, "\0\0\1\1\1", 5);
    assert_int_equal(batch.status[3], TOLL_SUSPENSE_CONFLICT);
    free(buffer);
    toll_lines_close(lines);
    assert_int_equal(toll_run_files_read(&run, "book.0.image", &blob, &error), 0);
    assert_int_equal(blob.size, strlen("book.0.image"));
    toll_blob_free(&blob);
    assert_int_equal(toll_run_files_read(&run, "book.7.image", &blob, &error), TOLL_EDATA);
    toll_run_files_close(&run);
}

static void test_mistakes_are_found(void **state)
{
    static const char *const whats[MISTAKES] = {
        [BOOK_UNKNOWN] = "its book is not in run.json",
        [PRICE_OF_ANOTHER_BOOK] = "its price is not one of its book",
        [PRICE_OF_AN_OLDER_BOOK] = "its price is not one of its book",
        [KEPT_WRONG] = "were kept",
        [NOT_MERGED_LINES] = "2026-03-01.0",
    };
    for (enum mistake mistake = BOOK_UNKNOWN; mistake < MISTAKES; mistake++) {
        struct toll_error error;
        char path[128];
        snprintf(path, sizeof path, "%s/run%d", (char *)*state, (int)mistake);
        make_run(path, mistake);
        assert_int_equal(open_and_verify(path, &error), TOLL_EDATA);
        if (strstr(error.text, whats[mistake]) == NULL)
            fail_msg("%d: %s", (int)mistake, error.text);
    }
}

/* Before anything is done with a kept line, its ids must be the earlier run's. */
static void test_kept_ids(void **state)
{
    static const struct {
        int32_t account, price, tuple;
        uint8_t book;
    } wrong[] = {{-1, 0, 0, 0}, {2, 0, 0, 0}, {INT32_MIN, 0, 0, 0}, {1, -1, 0, 0},
                 {1, 9, 0, 0},  {1, 8, 0, 1}, {1, 8, 4, 0},         {1, 8, -1, 0}};
    struct toll_price_row price = {.id = 8};
    struct toll_tuple_row tuple = {.id = 3};
    struct toll_merge merge = {.book_count = 2};
    struct toll_merge_scratch *scratch = calloc(1, sizeof *scratch);
    (void)state;
    merge.old.path = "old";
    merge.old.tables.account_count = 2;
    merge.old.tables.prices = &price;
    merge.old.tables.price_count = 1;
    merge.old.tables.tuples = &tuple;
    merge.old.tables.tuple_count = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct toll_line_batch kept = {
            .rows = 1,
            .account = &wrong[i].account,
            .price = &wrong[i].price,
            .tuple = &wrong[i].tuple,
            .book = &wrong[i].book,
        };
        const struct toll_cdr_batch cdrs = {.rows = 1};
        struct toll_error error;
        if (toll_merge_batch(&merge, NULL, scratch, &cdrs, &kept, 1, NULL, &error) != TOLL_EDATA)
            fail_msg("%zu", i);
        assert_non_null(strstr(error.text, "that the run does not have"));
    }
    free(scratch);
}

/* A worker has room for the columns of the first part: more of them must not be read into it. */
static void test_more_columns(void **state)
{
    struct toll_merge merge = {0};
    struct toll_lines *lines;
    struct toll_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    assert_int_equal(toll_run_files_open(&merge.old, toll_io_system(), path, &error), 0);
    assert_int_equal(toll_merge_lines_open(&merge, 0, TOLL_LINES_OPTIONAL, TOLL_READ_PREAD, &lines, &error),
                     0);
    toll_lines_close(lines);
    assert_int_equal(toll_merge_lines_open(&merge, 0, TOLL_LINES_BOOK, TOLL_READ_PREAD, &lines, &error), 0);
    toll_lines_close(lines);
    assert_int_equal(toll_merge_lines_open(&merge, 0, TOLL_LINES_OPTIONAL & ~TOLL_LINES_BOOK, TOLL_READ_PREAD,
                                           &lines, &error),
                     TOLL_EDATA);
    assert_null(lines);
    assert_non_null(strstr(error.text, "2026-03-01.0: is not what the manifest says"));
    toll_run_files_close(&merge.old);
}

static void test_books_of_a_manifest(void **state)
{
    (void)state;
    struct toll_run_book books[3] = {{{1, 1}, {2, 2}, 0, 0}, {{3, 3}, {4, 4}, 7, 0}, {{5, 5}, {6, 6}, 9, 0}};
    struct toll_run_manifest manifest = {
        .book_hash = {5, 5}, .tzdata_hash = {6, 6}, .books = books, .book_count = 3};
    assert_null(toll_run_manifest_fault(&manifest));
    books[1].price_shift = 10;
    assert_non_null(toll_run_manifest_fault(&manifest));
    books[1].price_shift = 7;
    books[0].price_shift = 1;
    assert_non_null(toll_run_manifest_fault(&manifest));
    books[0].price_shift = 0;
    manifest.book_hash.low = 1;
    assert_non_null(toll_run_manifest_fault(&manifest));
    manifest.book_hash.low = 5;
    manifest.kept = 1; /* of no rows */
    assert_non_null(toll_run_manifest_fault(&manifest));
    manifest.kept = 0;
    manifest.book_count = 1;
    assert_non_null(toll_run_manifest_fault(&manifest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_mistakes_are_found, folder_make, folder_remove),
        cmocka_unit_test(test_books_of_a_manifest),
        cmocka_unit_test(test_kept_ids),
        cmocka_unit_test_setup_teardown(test_more_columns, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
