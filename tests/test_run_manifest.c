/* Runs: written whole or not at all, read back, and every changed byte or sum is found. */
#include "faulty_io.h"
#include "segment/run.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 20513 /* 2026-03-01 */
#define ROWS 70000
#define UNIT INT64_C(100000000)

static int folder_make(void **state)
{
    char *path = strdup("/tmp/toll_run_XXXXXX");
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

/*
 * Two days of the same lines. Of five rows: rated for account 1 at 0.05 USD, free for account 1, suspense
 * without account, rated for account 3 at -0.02 EUR, in conflict.
 */
enum mistake {
    NONE,
    WRONG_STATUS,
    UNKNOWN_ACCOUNT,
    UNKNOWN_PRICE,
    CHARGE_IN_SUSPENSE,
    TOTAL_TOO_LOW,
    BUCKET_COUNT,
    BUCKET_CHARGE,
    BUCKET_ACCOUNT,
    RATED_WITHOUT_PRICE,
    TOTAL_MISSING,
    PERIOD_NOT_IN_TOTAL, /* from here on with period charges */
    PERIOD_ORDER,
    PERIOD_ACCOUNT,
    PERIOD_DAY,
    PERIOD_CHARGED,
    PERIOD_WITHOUT_LINES,
    MISTAKES,
    WITH_PERIODS /* no mistake */
};

static void write_lines(struct toll_run_writer *writer, struct toll_run_part *part, enum mistake mistake)
{
    static const int32_t accounts[] = {1, 1, 0, 3, 0}, prices[] = {7, 7, 0, 9, 0};
    static const int64_t charges[] = {UNIT / 20, 0, 0, -UNIT / 50, 0};
    static const uint8_t statuses[] = {TOLL_RATED, TOLL_ZERO_FREE, TOLL_SUSPENSE_NO_ACCOUNT, TOLL_RATED,
                                       TOLL_SUSPENSE_CONFLICT};
    struct toll_lines_writer *lines;
    struct toll_error error;
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    char name[TOLL_RUN_PART_NAME_BYTES];
    toll_run_part_name(part, name);
    if (toll_lines_create(toll_io_system(), toll_run_directory(writer), name, part->rows, 0, &lines, &error))
        fail_msg("%s", error.text);
    for (int64_t first = 0, index = 0; first < part->rows; first += TOLL_BATCH_ROWS, index++) {
        int64_t rows = part->rows - first < TOLL_BATCH_ROWS ? part->rows - first : TOLL_BATCH_ROWS;
        size_t bytes = toll_lines_batch_layout(rows, 0, offsets);
        uint8_t *block = calloc(1, bytes);
        assert_non_null(block);
        int32_t *account = (int32_t *)(void *)(block + offsets[0]),
                *price = (int32_t *)(void *)(block + offsets[1]);
        int64_t *charge = (int64_t *)(void *)(block + offsets[3]);
        for (int64_t i = 0; i < rows; i++) {
            account[i] = accounts[(first + i) % 5];
            price[i] = prices[(first + i) % 5];
            charge[i] = charges[(first + i) % 5];
            block[offsets[5] + (size_t)i] = statuses[(first + i) % 5];
        }
        if (index == 1 && mistake == WRONG_STATUS)
            block[offsets[5] + 1] =
                TOLL_ZERO_EMERGENCY; /* row 65537, of the third kind, is no charge either way */
        if (index == 1 && mistake == UNKNOWN_ACCOUNT)
            account[10] = 2;
        if (index == 1 && mistake == UNKNOWN_PRICE)
            price[10] = 8;
        if (index == 1 && mistake == CHARGE_IN_SUSPENSE)
            charge[1] = 1;
        if (index == 1 && mistake == RATED_WITHOUT_PRICE)
            price[4] = 0;
        if (toll_lines_write(lines, index, block, &error))
            fail_msg("%s", error.text);
        free(block);
    }
    if (toll_lines_finish(lines, &part->seal, &error))
        fail_msg("%s", error.text);
}

static void make_run(const char *path, enum mistake mistake)
{
    struct toll_run_writer *writer;
    struct toll_error error;
    const int64_t each = 2 * ROWS / 5;
    const struct toll_account_row accounts[] = {
        {1, "acme", "Acme \xC3\x9C", "USD"}, {3, "zoo", "Zoo", "EUR"}, {4, "idle", "Idle", "USD"}};
    struct toll_period_row periods[] = {
        {"2026-03-01", 1, "", "", "", "attempts", 100, 20, 5, UNIT / 100, UNIT / 20, "surcharges.csv", 2},
        {"2026-03-01", 1, "", "", "", "attempts", 50, 1, 1, UNIT / 100, UNIT / 100, "surcharges.csv", 3},
        {"2026-03-01", 1, "hq", "", "", "attempts", 7, 7, 7, UNIT / 10, 7 * UNIT / 10, "surcharges.csv", 1},
        {"2026-03-01", 3, "", "", "", "no_ani", 9, 3, 3, UNIT, 3 * UNIT, "surcharges.csv", 4},
        {"2026-03-15", 1, "", "", "", "attempts", 100, 20, 5, UNIT / 100, UNIT / 20, "surcharges.csv", 2}};
    const struct toll_price_row prices[] = {
        {7, "deck", "", "us", "1212", "New York", "", "s", UNIT / 100, 60, 0, "decks/us.csv", 12, 60,
         "rate_intra", 0},
        {9, "flat", "gold", "", "", "", "peak", "call", -UNIT / 50, 1, 0, "plans.csv", 3, 0, "", 0}};
    struct toll_bucket_row buckets[] = {{1, "", 0, each, 60 * each, each * (UNIT / 20)},
                                        {1, "hq", 0, each, 0, 0},
                                        {3, "", 0, each, each, -each * (UNIT / 50)}};
    struct toll_run_part parts[2] = {
        {.day = DAY, .rows = ROWS, .cdr_seal = {1000, {1, 2}}},
        {.day = DAY + 1, .rows = ROWS, .cdr_seal = {1000, {3, 4}}, .cdr_text_seal = {500, {5, 6}}}};
    struct toll_run_manifest manifest = {
        .cdr_hash = {1, 2},
        .book_hash = {3, 4},
        .tzdata_hash = {5, 6},
        .rows = 2 * ROWS,
        .rated = 2 * each,
        .zero_rated = each,
        .suspense = 2 * each,
        .conflict = each,
        .billed_s = 60 * each,
        .currency = "",
        .totals = {{"EUR", -each * (UNIT / 50)}, {"USD", each * (UNIT / 20)}},
        .total_count = 2,
        .parts = parts,
        .part_count = 2,
        .from_day = "2026-03-01",
        .to_day = ""};
    manifest.status_rows[TOLL_RATED] = 2 * each;
    manifest.status_rows[TOLL_ZERO_FREE] = manifest.status_rows[TOLL_SUSPENSE_NO_ACCOUNT] = each;
    manifest.status_rows[TOLL_SUSPENSE_CONFLICT] = each;
    if (mistake == TOTAL_TOO_LOW)
        manifest.totals[0].charge--;
    if (mistake == TOTAL_MISSING)
        manifest.total_count = 1;
    if (mistake == BUCKET_COUNT)
        buckets[1].count--;
    if (mistake == BUCKET_CHARGE)
        buckets[1].charge++;
    if (mistake > PERIOD_NOT_IN_TOTAL) {
        manifest.totals[0].charge += 3 * UNIT;
        manifest.totals[1].charge += UNIT / 20 + UNIT / 100 + 7 * UNIT / 10 + UNIT / 20;
    }
    if (mistake == PERIOD_ORDER)
        periods[1].line = 2;
    if (mistake == PERIOD_ACCOUNT)
        periods[3].account = 2;
    if (mistake == PERIOD_DAY)
        periods[4].period = "2026-03-32";
    if (mistake == PERIOD_CHARGED)
        periods[1].charged = 2;
    if (mistake == PERIOD_WITHOUT_LINES)
        periods[4].account = 4;
    if (toll_run_create(toll_io_system(), path, &writer, &error))
        fail_msg("%s", error.text);
    write_lines(writer, &parts[0], NONE);
    write_lines(writer, &parts[1], mistake);
    assert_int_equal(toll_run_add_file(writer, "suspense.csv", "day,row\n", 8, &error), 0);
    assert_int_equal(toll_run_add_file(writer, "book.image", "the book", 8, &error), 0);
    assert_int_equal(toll_run_add_accounts(writer, accounts, mistake == PERIOD_WITHOUT_LINES ? 3 : 2, &error),
                     0);
    assert_int_equal(toll_run_add_prices(writer, prices, 2, &error), 0);
    assert_int_equal(toll_run_add_buckets(writer, buckets, mistake == BUCKET_ACCOUNT ? 2 : 3, &error), 0);
    if (mistake >= PERIOD_NOT_IN_TOTAL)
        assert_int_equal(toll_run_add_periods(writer, periods, 5, &error), 0);
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
    struct toll_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    if (open_and_verify(path, &error))
        fail_msg("%s", error.text);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), 0);
    const struct toll_run_manifest *manifest = &run.manifest;
    assert_int_equal(manifest->rows, 2 * ROWS);
    assert_int_equal(manifest->cdr_hash.low, 1);
    assert_int_equal(manifest->part_count, 2);
    assert_int_equal(manifest->parts[1].day, DAY + 1);
    assert_int_equal(manifest->parts[0].cdr_text_seal.bytes, 0);
    assert_int_equal(manifest->parts[1].cdr_text_seal.bytes, 500);
    assert_int_equal(manifest->parts[1].cdr_text_seal.digest.high, 6);
    assert_int_equal(manifest->status_rows[TOLL_SUSPENSE_CONFLICT], 2 * ROWS / 5);
    assert_string_equal(manifest->from_day, "2026-03-01");
    assert_string_equal(manifest->totals[0].currency, "EUR");
    assert_true(manifest->totals[0].charge == -(2 * ROWS / 5) * (UNIT / 50));
    assert_int_equal(run.tables.account_count, 4);
    assert_string_equal(run.tables.accounts[1].name, "Acme \xC3\x9C");
    assert_string_equal(run.tables.accounts[2].account, "");
    assert_string_equal(run.tables.accounts[3].currency, "EUR");
    assert_int_equal(run.tables.price_count, 2);
    assert_string_equal(run.tables.prices[0].destination, "New York");
    assert_int_equal(run.tables.prices[1].rate, -UNIT / 50);
    assert_int_equal(run.tables.prices[0].line, 12);
    assert_int_equal(run.tables.prices[0].step, 60);
    assert_string_equal(run.tables.prices[0].column, "rate_intra");
    assert_string_equal(run.tables.prices[1].column, "");
    assert_int_equal(run.tables.bucket_count, 3);
    assert_string_equal(run.tables.buckets[1].site, "hq");
    assert_int_equal(run.tables.buckets[0].units, 60 * 2 * ROWS / 5);
    toll_run_files_close(&run);
    toll_run_files_close(&run); /* harmless */
}

static uint8_t *slurp(const char *path, size_t *bytes)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    uint8_t *data = malloc((size_t)status.st_size + 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)status.st_size, file), status.st_size);
    fclose(file);
    *bytes = (size_t)status.st_size;
    return data;
}

static void test_same_run_same_bytes(void **state)
{
    static const char *const names[] = {"run.json", "accounts.arrow", "prices.arrow", "buckets.arrow",
                                        "lines/2026-03-02.0.arrow"};
    char path[2][128], file[300];
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/run%d", (char *)*state, i);
        make_run(path[i], NONE);
    }
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        size_t bytes[2];
        uint8_t *data[2];
        for (int i = 0; i < 2; i++) {
            snprintf(file, sizeof file, "%s/%s", path[i], names[k]);
            data[i] = slurp(file, &bytes[i]);
        }
        assert_int_equal(bytes[0], bytes[1]);
        assert_memory_equal(data[0], data[1], bytes[0]);
        free(data[0]);
        free(data[1]);
    }
}

static void put_byte(const char *path, size_t at, uint8_t byte)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

static void flip_file(const char *path, const char *name, size_t step)
{
    char file[300];
    size_t bytes;
    struct toll_error error;
    snprintf(file, sizeof file, "%s/%s", path, name);
    uint8_t *data = slurp(file, &bytes);
    for (size_t i = 0; i < bytes; i += step) {
        put_byte(file, i, (uint8_t)(data[i] ^ 1u << i % 8));
        if (open_and_verify(path, &error) != TOLL_EDATA)
            fail_msg("%s: byte %zu changed and not found", name, i);
        put_byte(file, i, data[i]);
    }
    assert_int_equal(open_and_verify(path, &error), 0);
    free(data);
}

static void test_periods_round_trip(void **state)
{
    struct toll_run_files run;
    struct toll_error error;
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, WITH_PERIODS);
    if (open_and_verify(path, &error))
        fail_msg("%s", error.text);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), 0);
    assert_int_equal(run.tables.period_count, 5);
    const struct toll_period_row *row = &run.tables.periods[2];
    assert_string_equal(row->period, "2026-03-01");
    assert_int_equal(row->account, 1);
    assert_string_equal(row->site, "hq");
    assert_string_equal(row->kind, "attempts");
    assert_true(row->calls == 7 && row->counted == 7 && row->charged == 7);
    assert_true(row->amount == UNIT / 10 && row->charge == 7 * UNIT / 10);
    assert_string_equal(row->file, "surcharges.csv");
    assert_int_equal(row->line, 1);
    assert_true(toll_run_period_total(&run.tables, "EUR") == 3 * UNIT);
    assert_true(toll_run_period_total(&run.tables, "USD") == 81 * UNIT / 100);
    toll_run_files_close(&run);
    flip_file(path, "period_charges.arrow", 613);
}

static void test_changed_bytes_are_found(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    flip_file(path, "run.json", 1);
    flip_file(path, "suspense.csv", 1);
    flip_file(path, "book.image", 1);
    flip_file(path, "accounts.arrow", 61);
    flip_file(path, "prices.arrow", 211);
    flip_file(path, "buckets.arrow", 113);
    flip_file(path, "lines/2026-03-01.0.arrow", 40009);
}

static void test_wrong_sums_are_found(void **state)
{
    static const char *const says[MISTAKES] = {"",
                                               "by status",
                                               "accounts.arrow",
                                               "prices.arrow",
                                               "has a charge",
                                               "manifest says",
                                               "buckets",
                                               "buckets",
                                               "buckets",
                                               "no account or price",
                                               "no total",
                                               "and period charges sum to",
                                               "its rows are wrong",
                                               "its rows are wrong",
                                               "its rows are wrong",
                                               "its rows are wrong",
                                               "an account without lines"};
    for (int mistake = NONE + 1; mistake < MISTAKES; mistake++) {
        struct toll_error error = {0};
        char path[128];
        snprintf(path, sizeof path, "%s/run%d", (char *)*state, mistake);
        make_run(path, (enum mistake)mistake);
        assert_int_equal(open_and_verify(path, &error), TOLL_EDATA);
        if (!strstr(error.text, says[mistake]))
            fail_msg("mistake %d: '%s' should say '%s'", mistake, error.text, says[mistake]);
    }
}

static void test_missing_and_abandoned(void **state)
{
    struct toll_run_files run;
    struct toll_run_writer *writer;
    struct toll_error error;
    struct stat status;
    char path[128], file[300];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), TOLL_ENOINPUT);
    assert_int_equal(toll_run_create(toll_io_system(), path, &writer, &error), 0);
    assert_int_equal(toll_run_add_file(writer, "book.image", "x", 1, &error), 0);
    toll_run_abandon(writer);
    assert_int_equal(stat(path, &status), -1);
    make_run(path, NONE);
    assert_int_equal(toll_run_create(toll_io_system(), path, &writer, &error), TOLL_ECREATE);
    snprintf(file, sizeof file, "%s/prices.arrow", path);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(toll_run_files_open(&run, toll_io_system(), path, &error), TOLL_EDATA);
    assert_non_null(strstr(error.text, "prices.arrow"));
}

static void test_pyarrow_reads_a_run(void **state)
{
    char path[128], command[512];
    char *out = calloc(1, 1 << 20);
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    snprintf(command, sizeof command, "python3 '%s/tests/arrow_reader.py' '%s'", TOLL_SOURCE_DIR, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(out);
    size_t bytes = fread(out, 1, (1 << 20) - 1, pipe);
    int status = WEXITSTATUS(pclose(pipe));
    if (status == 0) {
        assert_true(bytes > 0);
        assert_non_null(strstr(out, "\"schema\": \"lines/2\",\n    \"rows\": 70000,\n    \"batches\": 2,"));
        /* 14,000 x 5,000,000 - 14,000 x 2,000,000 in each day */
        assert_non_null(
            strstr(out, "\"name\": \"charge\",\n        \"type\": \"int64\",\n        \"scale\": \"8\",\n"
                        "        \"sum\": \"42000000000\","));
        assert_non_null(strstr(out, "\"last\": \"plans.csv\""));
        assert_non_null(strstr(out, "\"first\": \"Acme \xC3\x9C\""));
    }
    free(out);
    if (status == 77 || status == 127)
        skip();
    assert_int_equal(status, 0);
}

/* A small run through calls that may fail. */
static int make_small_run(const struct toll_io *io, const char *path)
{
    struct toll_run_writer *writer;
    struct toll_lines_writer *lines;
    struct toll_run_part part = {.day = DAY, .rows = 5, .cdr_seal = {1000, {1, 2}}};
    struct toll_run_manifest manifest = {.rows = 5, .zero_rated = 5, .parts = &part, .part_count = 1};
    size_t offsets[TOLL_LINE_COLUMNS_MOST], bytes = toll_lines_batch_layout(5, 0, offsets);
    manifest.status_rows[TOLL_ZERO_EMERGENCY] = 5;
    int rc = toll_run_create(io, path, &writer, NULL);
    if (rc)
        return rc;
    uint8_t *block = calloc(1, bytes);
    assert_non_null(block);
    memset(block + offsets[5], TOLL_ZERO_EMERGENCY, 5);
    rc = toll_lines_create(io, toll_run_directory(writer), "2026-03-01.0", 5, 0, &lines, NULL);
    if (rc == 0) {
        rc = toll_lines_write(lines, 0, block, NULL);
        if (rc == 0)
            rc = toll_lines_finish(lines, &part.seal, NULL);
        else
            toll_lines_abandon(lines);
    }
    if (rc == 0)
        rc = toll_run_add_file(writer, "book.image", "x", 1, NULL);
    if (rc == 0)
        rc = toll_run_add_accounts(writer, NULL, 0, NULL);
    if (rc == 0)
        rc = toll_run_add_prices(writer, NULL, 0, NULL);
    if (rc == 0)
        rc = toll_run_add_buckets(writer, NULL, 0, NULL);
    if (rc == 0)
        rc = toll_run_publish(writer, &manifest, NULL, NULL);
    toll_run_abandon(writer);
    free(block);
    return rc;
}

static void test_any_call_may_fail(void **state)
{
    for (int mode = 0; mode < 2; mode++) {
        int failures = 0;
        for (int at = 0;; at++) {
            struct faulty_io faulty;
            struct toll_error error;
            struct stat status;
            char path[128], command[300];
            snprintf(path, sizeof path, "%s/fault%d.%d", (char *)*state, mode, at);
            faulty_io_init(&faulty, at, mode == 1 ? -ENOSPC : -EIO, mode == 1);
            int rc = make_small_run(&faulty.io, path);
            assert_int_equal(faulty.open, 0);
            failures += rc != 0;
            bool there = stat(path, &status) == 0;
            assert_true(there || rc != 0);
            /* Whole, or not there; what lies about does not stop the next one. */
            if (there && open_and_verify(path, &error))
                fail_msg("call %d: %s", at, error.text);
            if (!there)
                assert_int_equal(make_small_run(toll_io_system(), path), 0);
            snprintf(command, sizeof command, "rm -rf '%s' '%s.tollmill.tmp'", path, path);
            assert_int_equal(system(command), 0);
            if (at > faulty.calls)
                break;
        }
        assert_true(failures > 30);
    }
}

static void test_any_read_may_fail(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/run", (char *)*state);
    make_run(path, NONE);
    for (int at = 0;; at++) {
        struct faulty_io faulty;
        struct toll_run_files run;
        faulty_io_init(&faulty, at, -EIO, false);
        int rc = toll_run_files_open(&run, &faulty.io, path, NULL);
        if (rc == 0) {
            rc = toll_run_verify(&run, NULL);
            toll_run_files_close(&run);
        }
        assert_int_equal(faulty.open, 0);
        assert_true(rc == 0 || rc == TOLL_EIO);
        if (at > faulty.calls)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_same_run_same_bytes, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_changed_bytes_are_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_periods_round_trip, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_wrong_sums_are_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_missing_and_abandoned, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_pyarrow_reads_a_run, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_any_call_may_fail, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_any_read_may_fail, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
