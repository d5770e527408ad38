/*
 * Import when one call of the system fails, each in turn: the dataset is whole afterwards, the old or the new
 * generation, and the same import then goes through. In particular a folder that cannot be brought to disk
 * after the manifest was replaced must not cost the parts that the new manifest names.
 */
#include "faulty_io.h"
#include "ingest/import.h"
#include "mmap_cdr/dataset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef TOLL_SOURCE_DIR
#define TOLL_SOURCE_DIR "."
#endif
#define HEADER "record_id,start,duration_s,caller,callee\n"

static char folder[256];

static const char *write_text(char path[300], const char *name, const char *text)
{
    FILE *file;

    snprintf(path, 300, "%s/%s", folder, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int import_file(const struct toll_io *io, const char *dataset, const char *file,
                       struct toll_import_result *result, struct toll_error *error)
{
    const struct toll_import_options options = {.spec_path = TOLL_SOURCE_DIR "/data/providers/tollmill.yaml",
                                                .dataset_path = dataset,
                                                .files = &file,
                                                .file_count = 1,
                                                .threads = 1,
                                                .max_rejects = -1};

    return toll_import_with(io, &options, result, error);
}

/* The generation of a dataset all of whose files are as its manifest says; 0 when there is none. */
static int64_t generation_of(const char *path)
{
    struct toll_dataset dataset;
    struct toll_error error;
    int64_t generation;
    int code = toll_dataset_open(&dataset, toll_io_system(), path, &error);

    if (code == TOLL_ENOINPUT)
        return 0;
    if (code != 0 || toll_dataset_verify(&dataset, &error) != 0)
        fail_msg("%s", error.text);
    generation = dataset.generation;
    toll_dataset_close(&dataset);
    return generation;
}

static void test_every_call_fails_once(void **state)
{
    char paths[2][300], dataset[300], hash[33] = "";
    const char *first = write_text(
        paths[0], "first.csv",
        HEADER "a,2026-03-01T10:00:00Z,60,+12125550100,+12025550111\nb,2026-03-02T10:00:00Z,1,911,alice\n");
    const char *second =
        write_text(paths[1], "second.csv", HEADER "c,2026-03-02T09:00:00Z,60.5,+12125550100,+12025550111\n");
    int failures = 0, live_despite_failure = 0, fail_at = 0;

    (void)state;
    for (bool failed = true; failed; fail_at++) {
        struct toll_import_result result;
        struct toll_error error;
        struct faulty_io faulty;
        int64_t generation;
        int code;

        snprintf(dataset, sizeof dataset, "%s/dataset%d", folder, fail_at);
        assert_int_equal(import_file(toll_io_system(), dataset, first, &result, &error), 0);
        toll_import_result_free(&result);
        faulty_io_init(&faulty, fail_at, -EIO, false);
        code = import_file(&faulty.io, dataset, second, &result, &error);
        toll_import_result_free(&result);
        failed = faulty.calls > fail_at;
        assert_int_equal(faulty.open, 0);
        generation = generation_of(dataset);
        assert_true(generation == 1 || generation == 2);
        assert_true(code != 0 || generation == 2);
        failures += code != 0;
        live_despite_failure += code != 0 && generation == 2;
        assert_int_equal(import_file(toll_io_system(), dataset, second, &result, &error), 0);
        assert_int_equal(result.dataset_rows, 3);
        assert_true(hash[0] == '\0' || strcmp(hash, result.cdr_hash) == 0);
        memcpy(hash, result.cdr_hash, sizeof hash);
        toll_import_result_free(&result);
        assert_int_equal(generation_of(dataset), 2);
    }
    assert_true(failures > 20);
    assert_int_equal(live_despite_failure, 1); /* the folder's fsync behind the rename */
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/test_import_io.XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    char command[400];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_call_fails_once)};

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
