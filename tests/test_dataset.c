/* Datasets: generations are published whole, what a killed import left goes, and every changed bit is found.
 */
#include "faulty_io.h"
#include "mmap_cdr/dataset.h"
#include "part_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 20513 /* 2026-03-01 */

static int folder_make(void **state)
{
    char *path = strdup("/tmp/toll_dataset_XXXXXX");
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

static void dataset_path(void *const *state, char path[128])
{
    snprintf(path, 128, "%s/data", (const char *)*state);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct toll_receipt receipt_of(const char *sha256, const char *file)
{
    struct toll_receipt receipt = {.file = (char *)(uintptr_t)file,
                                   .spec = (char *)(uintptr_t) "acme",
                                   .spec_version = (char *)(uintptr_t) "1",
                                   .carrier = (char *)(uintptr_t) "level3",
                                   .bytes = 1000,
                                   .rows = 12,
                                   .accepted = 10,
                                   .rejected = 2,
                                   .first_start = DAY * TOLL_DAY_MS,
                                   .last_start = DAY * TOLL_DAY_MS + 5,
                                   .duration_ms = 77777};
    snprintf(receipt.sha256, sizeof receipt.sha256, "%s", sha256);
    return receipt;
}

/* Writes the part of a day for the generation that comes next. */
static struct toll_dataset_part add_part(const struct toll_dataset *dataset, int64_t day, int64_t rows,
                                         bool optional)
{
    struct part_fixture fixture;
    struct toll_dataset_part part = {.day = day, .generation = dataset->generation + 1, .rows = rows};
    struct toll_error error;
    char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 8];
    toll_dataset_part_name(&part, name);
    snprintf(path, sizeof path, "parts/%s", name);
    part_fixture_make(&fixture, day, rows, optional);
    part.first_start = fixture.data.columns.start[0];
    part.last_start = fixture.data.columns.start[rows - 1];
    if (toll_cdr_part_write(dataset->io, dataset->directory, path, &fixture.data, &part.seal, &part.text_seal,
                            &error))
        fail_msg("%s", error.text);
    part_fixture_free(&fixture);
    return part;
}

static void open_for_import(struct toll_dataset *dataset, const char *path)
{
    struct toll_error error;
    if (toll_dataset_open_for_import(dataset, toll_io_system(), path, &error))
        fail_msg("%s", error.text);
}

static void publish(struct toll_dataset *dataset, const struct toll_dataset_part *parts, size_t part_count,
                    const struct toll_receipt *receipts, size_t receipt_count)
{
    struct toll_error error;
    if (toll_dataset_publish(dataset, parts, part_count, receipts, receipt_count, &error))
        fail_msg("%s", error.text);
}

static void verify(const char *path)
{
    struct toll_dataset dataset;
    struct toll_error error;
    if (toll_dataset_open(&dataset, toll_io_system(), path, &error) || toll_dataset_verify(&dataset, &error))
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

/* Two receipts, a rejects file, two days; in the wrong order, which publishing mends. */
static void make_dataset(const char *path, int64_t rows, bool optional)
{
    struct toll_dataset dataset;
    char rejects[256];
    open_for_import(&dataset, path);
    assert_int_equal(dataset.generation, 0);
    struct toll_receipt receipts[2] = {receipt_of(FIXTURE_SHA_B, "b \"q\".csv"),
                                       receipt_of(FIXTURE_SHA_A, "M\xC3\xA4rz\t\xFF\x7F.csv")};
    snprintf(rejects, sizeof rejects, "%s/rejects/%s.csv", path, FIXTURE_SHA_A);
    write_text(rejects, "row,reason,text\n3,bad_time,x\n");
    struct toll_dataset_part parts[2] = {add_part(&dataset, DAY + 1, rows, optional),
                                         add_part(&dataset, DAY, rows, optional)};
    publish(&dataset, parts, 2, receipts, 2);
    assert_int_equal(dataset.generation, 1);
    toll_dataset_close(&dataset);
}

/* A rejects file of a killed import is not taken for that of a later one without rejects. */
static void test_leftover_rejects(void **state)
{
    struct toll_dataset dataset;
    struct toll_receipt receipt = receipt_of(FIXTURE_SHA_A, "a.csv");
    char path[128], rejects[256];
    dataset_path(state, path);
    open_for_import(&dataset, path);
    snprintf(rejects, sizeof rejects, "%s/rejects/%s.csv", path, FIXTURE_SHA_A);
    write_text(rejects, "row,reason,text\n3,bad_time,x\n");
    receipt.rows = receipt.accepted;
    receipt.rejected = 0;
    publish(&dataset, NULL, 0, &receipt, 1);
    assert_string_equal(dataset.receipts[0].rejects_hash, "");
    assert_int_equal(dataset.receipts[0].rejects_bytes, 0);
    toll_dataset_close(&dataset);
    verify(path);
}

static void test_publish_and_open(void **state)
{
    struct toll_dataset dataset;
    struct toll_cdr_part *part;
    struct toll_cdr_text *text;
    struct toll_error error;
    char path[128];
    dataset_path(state, path);
    assert_int_equal(toll_dataset_open(&dataset, toll_io_system(), path, &error), TOLL_ENOINPUT);
    make_dataset(path, 70000, true);
    verify(path);
    assert_int_equal(toll_dataset_open(&dataset, toll_io_system(), path, &error), 0);
    assert_int_equal(dataset.part_count, 2);
    assert_int_equal(dataset.parts[0].day, DAY);
    assert_int_equal(dataset.receipt_count, 2);
    assert_string_equal(dataset.receipts[0].sha256, FIXTURE_SHA_A);
    assert_string_equal(dataset.receipts[0].file, "M\xC3\xA4rz\t\xEF\xBF\xBD\x7F.csv");
    assert_string_equal(dataset.receipts[1].file, "b \"q\".csv");
    assert_int_equal(dataset.receipts[0].duration_ms, 77777);
    assert_int_equal(strlen(dataset.receipts[0].rejects_hash), 32);
    assert_int_equal(strlen(dataset.receipts[1].rejects_hash), 0);
    assert_int_equal(toll_dataset_part_open(&dataset, 1, TOLL_READ_MMAP, &part, &error), 0);
    assert_int_equal(toll_dataset_text_open(&dataset, 1, TOLL_READ_MMAP, &text, &error), 0);
    assert_int_equal(toll_cdr_part_rows(part), 70000);
    toll_cdr_part_close(part);
    toll_cdr_text_close(text);
    toll_dataset_close(&dataset);
    toll_dataset_close(&dataset); /* harmless */
}

static void test_generations(void **state)
{
    struct toll_dataset reader, dataset;
    struct toll_error error;
    struct stat status;
    char path[128], file[300];
    dataset_path(state, path);
    make_dataset(path, 10, false);
    assert_int_equal(toll_dataset_open(&reader, toll_io_system(), path, &error), 0);

    /* A killed import's files: gone at the next; others and older ones stay. */
    open_for_import(&dataset, path);
    add_part(&dataset, DAY, 3, false);
    toll_dataset_close(&dataset);
    snprintf(file, sizeof file, "%s/parts/notes.txt", path);
    write_text(file, "mine");
    open_for_import(&dataset, path);
    assert_int_equal(stat(file, &status), 0);
    snprintf(file, sizeof file, "%s/parts/2026-03-01.0.g2.arrow", path);
    assert_int_equal(stat(file, &status), -1);
    snprintf(file, sizeof file, "%s/parts/2026-03-01.0.g1.text.arrow", path);
    assert_int_equal(stat(file, &status), 0);

    struct toll_hash128 before = dataset.cdr_hash;
    struct toll_dataset_part parts[2] = {add_part(&dataset, DAY, 5, true), dataset.parts[1]};
    publish(&dataset, parts, 2, dataset.receipts, dataset.receipt_count);
    assert_int_equal(dataset.generation, 2);
    assert_false(toll_hash_equal(before, dataset.cdr_hash));
    publish(&dataset, dataset.parts, dataset.part_count, dataset.receipts, dataset.receipt_count);
    assert_int_equal(dataset.generation, 3);
    assert_int_equal(dataset.parts[0].generation, 2);
    toll_dataset_close(&dataset);
    verify(path);
    /* The old reader still has all of its own. */
    if (toll_dataset_verify(&reader, &error))
        fail_msg("%s", error.text);
    toll_dataset_close(&reader);
}

static void test_cdr_hash_is_of_the_parts_alone(void **state)
{
    struct toll_dataset a, b;
    struct toll_error error;
    char path[2][128];
    for (int i = 0; i < 2; i++)
        snprintf(path[i], sizeof path[i], "%s/data%d", (char *)*state, i);
    make_dataset(path[0], 10, false);
    open_for_import(&b, path[1]);
    publish(&b, NULL, 0, NULL, 0);
    struct toll_receipt receipts[2] = {receipt_of(FIXTURE_SHA_A, "other"),
                                       receipt_of(FIXTURE_SHA_B, "names")};
    struct toll_dataset_part parts[2] = {add_part(&b, DAY, 10, false), add_part(&b, DAY + 1, 10, false)};
    publish(&b, parts, 2, receipts, 2);
    assert_int_equal(toll_dataset_open(&a, toll_io_system(), path[0], &error), 0);
    assert_true(toll_hash_equal(a.cdr_hash, b.cdr_hash));
    toll_dataset_close(&a);
    toll_dataset_close(&b);
}

static void test_second_import_is_refused(void **state)
{
    struct toll_dataset dataset, second;
    struct toll_error error;
    char path[128];
    dataset_path(state, path);
    open_for_import(&dataset, path);
    assert_int_equal(toll_dataset_open_for_import(&second, toll_io_system(), path, &error), TOLL_ELOCKED);
    toll_dataset_close(&dataset);
    open_for_import(&second, path);
    toll_dataset_close(&second);
}

static void test_wrong_parts_are_not_published(void **state)
{
    struct toll_dataset dataset;
    struct toll_error error;
    char path[128];
    dataset_path(state, path);
    open_for_import(&dataset, path);
    struct toll_dataset_part part = add_part(&dataset, DAY, 10, false), bad[2] = {part, part};
    assert_int_equal(toll_dataset_publish(&dataset, bad, 2, NULL, 0, &error), TOLL_EBUG);
    part.last_start += TOLL_DAY_MS;
    assert_int_equal(toll_dataset_publish(&dataset, &part, 1, NULL, 0, &error), TOLL_EBUG);
    assert_int_equal(dataset.generation, 0);
    toll_dataset_close(&dataset);
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

static void put_byte(const char *path, size_t at, uint8_t byte)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

static int open_and_verify(const char *path)
{
    struct toll_dataset dataset;
    int rc = toll_dataset_open(&dataset, toll_io_system(), path, NULL);
    if (rc)
        return rc;
    rc = toll_dataset_verify(&dataset, NULL);
    toll_dataset_close(&dataset);
    return rc;
}

/* Every `step`-th byte of a file with one bit flipped, on disk. */
static void flip_file(const char *path, const char *name, size_t step)
{
    char file[300];
    size_t bytes;
    snprintf(file, sizeof file, "%s/%s", path, name);
    uint8_t *data = slurp(file, &bytes);
    for (size_t i = 0; i < bytes; i += step) {
        put_byte(file, i, (uint8_t)(data[i] ^ 1u << i % 8));
        if (open_and_verify(path) != TOLL_EDATA)
            fail_msg("%s: byte %zu changed and not found", name, i);
        put_byte(file, i, data[i]);
    }
    assert_int_equal(open_and_verify(path), 0);
    free(data);
}

static void test_changed_files_are_found(void **state)
{
    char path[128], file[300];
    dataset_path(state, path);
    make_dataset(path, 10, false);
    assert_int_equal(open_and_verify(path), 0);
    flip_file(path, "dataset.json", 1);
    flip_file(path, "receipts/" FIXTURE_SHA_A ".json", 3);
    flip_file(path, "receipts/" FIXTURE_SHA_B ".json", 3);
    flip_file(path, "rejects/" FIXTURE_SHA_A ".csv", 1);
    flip_file(path, "parts/2026-03-01.0.g1.arrow", 131);
    flip_file(path, "parts/2026-03-02.0.g1.text.arrow", 97);
    const char *const names[] = {"receipts/" FIXTURE_SHA_A ".json", "rejects/" FIXTURE_SHA_A ".csv",
                                 "parts/2026-03-01.0.g1.arrow", "parts/2026-03-02.0.g1.text.arrow"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char moved[300];
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        snprintf(moved, sizeof moved, "%s/moved", path);
        assert_int_equal(rename(file, moved), 0);
        assert_int_not_equal(open_and_verify(path), 0);
        assert_int_equal(rename(moved, file), 0);
    }
    snprintf(file, sizeof file, "%s/dataset.json", path);
    size_t bytes;
    uint8_t *data = slurp(file, &bytes);
    for (size_t i = 0; i < bytes; i += 7) {
        assert_int_equal(truncate(file, (off_t)i), 0);
        assert_int_equal(open_and_verify(path), TOLL_EDATA);
        FILE *out = fopen(file, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(data, 1, bytes, out), bytes);
        fclose(out);
    }
    free(data);
}

/* Files that are whole, but do not hold what a part must hold: each with what verify must say. */
static void test_senseless_parts_are_found(void **state)
{
    static const char *const says[] = {"not in order", "another day", "service",      "caller",
                                       "impossible",   "no source",   "conflicts",    "no value in any row",
                                       "in no row",    "no receipt",  "not in order", "callee"};
    const int cases = (int)(sizeof says / sizeof says[0]);
    for (int i = 0; i < cases; i++) {
        struct toll_dataset dataset;
        struct toll_error error = {0};
        struct part_fixture fixture;
        struct toll_dataset_part part = {.day = DAY, .generation = 1, .rows = 65540};
        char path[128];
        snprintf(path, sizeof path, "%s/sense%d", (char *)*state, i);
        open_for_import(&dataset, path);
        part_fixture_make(&fixture, DAY, part.rows, true);
        struct toll_cdr_batch *columns = &fixture.data.columns;
        part.first_start = columns->start[0];
        part.last_start = columns->start[part.rows - 1];
        if (i == 0)
            ((int64_t *)(uintptr_t)columns->start)[65536] = columns->start[65535] - 1;
        if (i == 1)
            ((int64_t *)(uintptr_t)columns->start)[3] += TOLL_DAY_MS;
        if (i == 2)
            ((uint16_t *)(uintptr_t)columns->kind)[65539] |= 7;
        if (i == 3)
            ((uint64_t *)(uintptr_t)columns->caller)[5] = 0;
        if (i == 4)
            ((uint64_t *)(uintptr_t)columns->lrn_callee)[5] = UINT64_C(0x12F2ffffffffffff);
        if (i == 5)
            ((int32_t *)(uintptr_t)columns->source_row)[9] = 0;
        if (i == 6)
            ((uint16_t *)(uintptr_t)columns->kind)[9] |= TOLL_KIND_CONFLICT;
        if (i == 7)
            memset((void *)(uintptr_t)columns->setup_ms, 0, (size_t)part.rows * 4);
        if (i == 8)
            for (int64_t k = 0; k < part.rows; k++)
                ((int32_t *)(uintptr_t)columns->hint)[k] &= 1;
        if (i == 10) {
            ((int64_t *)(uintptr_t)columns->start)[8] = columns->start[7];
            ((uint64_t *)(uintptr_t)columns->record_key_high)[8] = columns->record_key_high[7];
            ((uint64_t *)(uintptr_t)columns->record_key_low)[8] = columns->record_key_low[7];
            ((uint64_t *)(uintptr_t)columns->caller)[8] = columns->caller[7] - (UINT64_C(1) << 36);
        }
        if (i == 11)
            ((uint64_t *)(uintptr_t)columns->callee)[1] = UINT64_C(0xC2125551234fffff);
        assert_int_equal(toll_cdr_part_write(dataset.io, dataset.directory, "parts/2026-03-01.0.g1",
                                             &fixture.data, &part.seal, &part.text_seal, &error),
                         0);
        struct toll_receipt receipts[2] = {receipt_of(FIXTURE_SHA_A, "a"), receipt_of(FIXTURE_SHA_B, "b")};
        publish(&dataset, &part, 1, receipts, i == 9 ? 1 : 2);
        assert_int_equal(toll_dataset_verify(&dataset, &error), TOLL_EDATA);
        if (!strstr(error.text, says[i]))
            fail_msg("case %d: '%s' should say '%s'", i, error.text, says[i]);
        part_fixture_free(&fixture);
        toll_dataset_close(&dataset);
    }
}

/* A second import through calls that may fail: one more receipt with rejects, one day anew. */
static int import_again(const struct toll_io *io, const char *path, int64_t rows)
{
    struct toll_dataset dataset;
    struct part_fixture fixture;
    struct toll_receipt receipt = receipt_of(FIXTURE_SHA_B, "again");
    char rejects[256];
    int rc = toll_dataset_open_for_import(&dataset, io, path, NULL);
    if (rc)
        return rc;
    struct toll_dataset_part part = {.day = DAY, .generation = dataset.generation + 1, .rows = rows};
    snprintf(rejects, sizeof rejects, "%s/rejects/%s.csv", path, FIXTURE_SHA_B);
    write_text(rejects, "row,reason,text\n3,bad_time,x\n");
    part_fixture_make(&fixture, DAY, rows, false);
    part.first_start = fixture.data.columns.start[0];
    part.last_start = fixture.data.columns.start[rows - 1];
    rc = toll_cdr_part_write(io, dataset.directory,
                             dataset.generation == 1 ? "parts/2026-03-01.0.g2" : "parts/x", &fixture.data,
                             &part.seal, &part.text_seal, NULL);
    struct toll_dataset_part parts[2] = {part, dataset.part_count > 1 ? dataset.parts[1] : part};
    struct toll_receipt receipts[2] = {dataset.receipts ? dataset.receipts[0] : receipt, receipt};
    if (rc == 0)
        rc = toll_dataset_publish(&dataset, parts, 2, receipts, 2, NULL);
    part_fixture_free(&fixture);
    toll_dataset_close(&dataset);
    return rc;
}

static void test_any_call_may_fail(void **state)
{
    char path[128], command[300];
    for (int mode = 0; mode < 3; mode++) {
        int failures = 0;
        for (int at = 0;; at++) {
            struct faulty_io faulty;
            struct toll_dataset dataset;
            struct toll_error error;
            snprintf(path, sizeof path, "%s/fault%d.%d", (char *)*state, mode, at);
            make_dataset(path, 10, false);
            faulty_io_init(&faulty, at, mode == 1 ? -ENOSPC : mode == 2 ? -EINTR : -EIO, mode == 1);
            int rc = import_again(&faulty.io, path, 20);
            assert_int_equal(faulty.open, 0);
            failures += rc != 0;
            if (rc != 0)
                assert_true(rc == TOLL_EIO || rc == TOLL_ECREATE || rc == TOLL_ELOCKED || rc == TOLL_EDATA);
            /* The old or the new generation, whole; and it goes on from there. */
            if (toll_dataset_open(&dataset, toll_io_system(), path, &error) ||
                toll_dataset_verify(&dataset, &error))
                fail_msg("call %d: %s", at, error.text);
            assert_true(dataset.generation == 2 || (rc != 0 && dataset.generation == 1));
            int64_t generation = dataset.generation;
            toll_dataset_close(&dataset);
            if (generation == 1) {
                assert_int_equal(import_again(toll_io_system(), path, 20), 0);
                verify(path);
            }
            snprintf(command, sizeof command, "rm -rf '%s'", path);
            assert_int_equal(system(command), 0);
            if (at > faulty.calls)
                break;
        }
        assert_true(mode == 2 ? failures < 20 : failures > 30);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_publish_and_open, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_leftover_rejects, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_generations, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_cdr_hash_is_of_the_parts_alone, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_second_import_is_refused, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_wrong_parts_are_not_published, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_changed_files_are_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_senseless_parts_are_found, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(test_any_call_may_fail, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
