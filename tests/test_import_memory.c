/*
 * Imports that may use little memory give the bytes of those that may use all: rows and keys go to disk in
 * runs. And what of it fails leaves the dataset as it was.
 */
#include "faulty_io.h"
#include "import_fixture.h"
#include "ingest/import.h"

#define ROWS 9000
#define FILES 3

/* Rows over some days, in no order; every tenth comes again in another file, every 50th with another start (a
 * conflict over days), every 70th is two records of one start (a conflict in a day). */
static void make_file(const char *name, int number)
{
    static char text[ROWS * 220];
    size_t used =
        (size_t)sprintf(text, "start,duration_s,caller,callee,record_id,trunk,provider_charge,legs\n");

    for (int i = 0; i < ROWS; i++) {
        unsigned row = (unsigned)i * 7919u % ROWS, id = row;
        unsigned minute = row % (5 * 1440);
        bool again = row % 10 == 0, moved = row % 50 == 1 && number > 0, other = row % 70 == 2 && number == 1;

        if (!again && !moved && !other)
            id += (unsigned)number * ROWS;
        if (moved || other)
            id = row;
        used += (size_t)sprintf(text + used,
                                "2026-03-%02uT%02u:%02u:00Z,%u,+1212555%04u,+1415555%04u,id%u,%s,%s,%s\n",
                                minute / 1440 + 1 + (moved ? 1 : 0), minute / 60 % 24, minute % 60,
                                row % 100 + other, row % 1000, row % 977, id,
                                row % 3 == 0   ? "north"
                                : row % 3 == 1 ? ""
                                               : "south",
                                row % 4 == 0 ? "0.25" : "", row % 11 == 0 ? "both" : "");
    }
    write_bytes(name, text, used);
}

static void make_files(void)
{
    make_file("a.csv", 0);
    make_file("b.csv", 1);
    make_file("c.csv", 2);
}

static struct outcome import_bounded(const struct toll_io *io, const char *dataset, const char *const *names,
                                     size_t count, int64_t memory_bytes, unsigned threads)
{
    const char *files[FILES];
    struct outcome outcome = {0};
    const struct toll_import_options options = {.spec_path = SPEC,
                                                .dataset_path = dataset,
                                                .files = files,
                                                .file_count = count,
                                                .threads = threads,
                                                .max_rejects = 0,
                                                .memory_bytes = memory_bytes};

    for (size_t i = 0; i < count; i++)
        files[i] = at(names[i]);
    outcome.code = toll_import_with(io, &options, &outcome.result, &outcome.error);
    return outcome;
}

static void must(struct outcome *outcome)
{
    if (outcome->code != 0)
        fail_msg("import: %s", outcome->error.text);
}

static void assert_same_result(const struct toll_import_result *a, const struct toll_import_result *b)
{
    assert_string_equal(a->cdr_hash, b->cdr_hash);
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->duplicates, b->duplicates);
    assert_int_equal(a->conflicts, b->conflicts);
    assert_int_equal(a->legs, b->legs);
    for (size_t i = 0; i < a->file_count; i++)
        assert_int_equal(a->files[i].duplicates, b->files[i].duplicates);
}

/* The same parts, byte for byte: sources, too. */
static void assert_same_parts(const char *one, const char *two)
{
    struct toll_error error;
    char path[2][500], **names;
    size_t count;

    snprintf(path[0], sizeof path[0], "%s/parts", one);
    assert_int_equal(toll_list_directory(toll_io_system(), AT_FDCWD, path[0], &names, &count, &error), 0);
    assert_true(count > 4);
    for (size_t i = 0; i < count; i++) {
        struct toll_blob blobs[2];

        for (int d = 0; d < 2; d++) {
            snprintf(path[d], sizeof path[d], "%s/parts/%s", d == 0 ? one : two, names[i]);
            assert_int_equal(
                toll_blob_read(&blobs[d], toll_io_system(), AT_FDCWD, path[d], TOLL_READ_MMAP, &error), 0);
        }
        assert_int_equal(blobs[0].size, blobs[1].size);
        assert_memory_equal(blobs[0].data, blobs[1].data, blobs[0].size);
        toll_blob_free(&blobs[0]);
        toll_blob_free(&blobs[1]);
    }
    toll_names_free(names, count);
}

/* Files in one stretch, in many that memory holds, and in many that it does not. */
static void test_same_bytes(void **state)
{
    static const char *const names[FILES] = {"a.csv", "b.csv", "c.csv"};
    static const char *const turned[FILES] = {"c.csv", "a.csv", "b.csv"};
    static const int64_t bounds[] = {1, 1 << 20, 4 << 20, 16 << 20};
    char path[400], first[400];
    struct outcome whole;

    (void)state;
    make_files();
    snprintf(first, sizeof first, "%s", new_dataset());
    whole = import_bounded(toll_io_system(), first, names, FILES, 0, 1);
    must(&whole);
    assert_int_equal(whole.result.spilled_bytes, 0);
    assert_true(whole.result.duplicates > ROWS / 10 && whole.result.conflicts > 2 * ROWS / 50);
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        for (unsigned threads = 1; threads <= 2; threads++) {
            struct outcome bounded;

            snprintf(path, sizeof path, "%s", new_dataset());
            bounded = import_bounded(toll_io_system(), path, threads == 1 ? names : turned, FILES, bounds[b],
                                     threads);
            must(&bounded);
            if (bounds[b] < 16 << 20)
                assert_true(bounded.result.spilled_bytes > (int64_t)ROWS * 64);
            else
                assert_int_equal(bounded.result.spilled_bytes, 0);
            assert_same_parts(first, path);
            if (threads == 1)
                assert_same_result(&whole.result, &bounded.result);
            assert_string_equal(whole.result.cdr_hash, bounded.result.cdr_hash);
            verify(path);
            toll_import_result_free(&bounded.result);
        }
    }
    toll_import_result_free(&whole.result);
}

/* The dataset's own rows and keys are read past the new ones, from disk, too. */
static void test_step_by_step(void **state)
{
    static const char *const names[FILES] = {"a.csv", "b.csv", "c.csv"};
    char one[400], two[400];

    (void)state;
    make_files();
    snprintf(one, sizeof one, "%s", new_dataset());
    snprintf(two, sizeof two, "%s", new_dataset());
    for (size_t i = 0; i < FILES; i++) {
        struct outcome whole = import_bounded(toll_io_system(), one, &names[i], 1, 0, 2);
        struct outcome bounded = import_bounded(toll_io_system(), two, &names[i], 1, 1, 2);

        must(&whole);
        must(&bounded);
        assert_same_result(&whole.result, &bounded.result);
        verify(two);
        toll_import_result_free(&whole.result);
        toll_import_result_free(&bounded.result);
    }
}

/* A key that all rows have, and rows that are all the same. */
static void test_one_key(void **state)
{
    static char text[ROWS * 100];
    static const char *const name = "same.csv";
    struct outcome whole, bounded;
    size_t used = (size_t)sprintf(text, "start,duration_s,caller,callee,record_id\n");

    (void)state;
    for (int i = 0; i < ROWS; i++)
        used += (size_t)sprintf(text + used, "2026-03-01T00:00:%02dZ,%d,+12125550100,+14155550100,same\n",
                                i % 3 == 0 ? 0 : i % 60, i % 2);
    write_bytes(name, text, used);
    whole = import_bounded(toll_io_system(), new_dataset(), &name, 1, 0, 1);
    must(&whole);
    bounded = import_bounded(toll_io_system(), new_dataset(), &name, 1, 1, 2);
    must(&bounded);
    assert_same_result(&whole.result, &bounded.result);
    assert_int_equal(whole.result.dataset_rows, whole.result.conflicts);
    assert_int_equal(whole.result.duplicates + whole.result.dataset_rows, ROWS);
    toll_import_result_free(&whole.result);
    toll_import_result_free(&bounded.result);
}

static void test_dry_run_leaves_nothing(void **state)
{
    static const char *const name = "a.csv";
    const char *file, *dataset = new_dataset();
    struct toll_import_result result;
    struct toll_error error;

    (void)state;
    make_files();
    file = at(name);
    const struct toll_import_options options = {.spec_path = SPEC,
                                                .dataset_path = dataset,
                                                .files = &file,
                                                .file_count = 1,
                                                .dry_run = true,
                                                .memory_bytes = 1};
    assert_int_equal(toll_import(&options, &result, &error), 0);
    assert_true(result.spilled_bytes > 0);
    assert_int_equal(access(dataset, F_OK), -1);
    toll_import_result_free(&result);
}

/* Any call fails for good while rows go to disk: an error, and the dataset is as it was before. */
static void test_faults(void **state)
{
    static const char *const first = "a.csv", *const second = "b.csv";
    static const int errors[] = {-ENOSPC, -EIO};
    char path[400], before[33], after[33];
    struct faulty_io faulty;
    struct outcome outcome;
    int calls, failed = 0;

    (void)state;
    make_files();
    snprintf(path, sizeof path, "%s", new_dataset());
    outcome = import_bounded(toll_io_system(), path, &first, 1, 1, 1);
    must(&outcome);
    memcpy(before, outcome.result.cdr_hash, 33);
    toll_import_result_free(&outcome.result);
    faulty_io_init(&faulty, -1, 0, false);
    outcome = import_bounded(&faulty.io, new_dataset(), &second, 1, 1, 1);
    must(&outcome);
    toll_import_result_free(&outcome.result);
    calls = faulty.calls;
    for (int i = 0; i < calls; i += 1 + calls / 60) {
        faulty_io_init(&faulty, i, errors[i % 2], true);
        faulty.no_sync = true;
        outcome = import_bounded(&faulty.io, path, &second, 1, 1, 1);
        assert_int_equal(faulty.open, 0);
        if (outcome.code == 0 || outcome.code == TOLL_EFINDINGS)
            fail_msg("call %d of %d failed, and the import went well", i, calls);
        failed++;
        struct toll_dataset dataset;
        struct toll_error error;
        if (toll_dataset_open(&dataset, toll_io_system(), path, &error) != 0)
            fail_msg("%s", error.text);
        toll_hash_text(dataset.cdr_hash, after);
        toll_dataset_close(&dataset);
        assert_string_equal(before, after);
    }
    assert_true(failed > 20);
    outcome = import_bounded(toll_io_system(), path, &second, 1, 1, 1);
    must(&outcome);
    verify(path);
    toll_import_result_free(&outcome.result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_step_by_step),
                                       cmocka_unit_test(test_one_key),
                                       cmocka_unit_test(test_dry_run_leaves_nothing),
                                       cmocka_unit_test(test_faults)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
