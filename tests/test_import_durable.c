/*
 * An import whose last step fails: the manifest has been replaced, but its folder cannot be made durable. The
 * call fails, and what the manifest names must be there all the same.
 */
#include "io/publish.h"
#include "tollmill.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* Instead of the C library's: from the renaming of `fail_after` on, nothing can be made durable. */
static const char *fail_after;
static bool failing;

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    failing = failing || (fail_after != NULL && strcmp(to, fail_after) == 0);
    return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

int fsync(int fd)
{
    if (failing) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int import(const char *folder, const char *file, struct toll_import_result *result,
                  struct toll_error *error)
{
    char spec[256], path[256], dataset[256];
    const char *files[1] = {path};
    snprintf(spec, sizeof spec, "%s/spec.yaml", folder);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    snprintf(dataset, sizeof dataset, "%s/cdrs", folder);
    const struct toll_import_options options = {
        .spec_path = spec, .dataset_path = dataset, .files = files, .file_count = 1, .max_rejects = -1};
    return toll_import(&options, result, error);
}

static void manifest_names_what_is_there(void **state)
{
    (void)state;
    static const char spec[] = "spec: tollmill-cdr-map/1\nprovider: test\nversion: \"1\"\n"
                               "file:\n  header: exact\n  names: [start, duration, caller, callee]\n"
                               "time:\n  zone: UTC\n"
                               "numbers:\n  all:\n    - international: [\"+\"]\n"
                               "fields:\n  - {to: start, from: start, type: time, format: iso}\n"
                               "  - {to: duration, from: duration, type: seconds}\n"
                               "  - {to: caller, from: caller, type: number, rules: all}\n"
                               "  - {to: callee, from: callee, type: number, rules: all}\n"
                               "key: row\n";
    char folder[] = "/tmp/tollmill-durable-XXXXXX", path[256];
    struct toll_import_result result;
    struct toll_verify_result verified;
    struct toll_error error;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/spec.yaml", folder);
    write_text(path, spec);
    snprintf(path, sizeof path, "%s/a.csv", folder);
    write_text(path, "start,duration,caller,callee\n2026-03-02T12:00:00Z,26,+12125550100,+12015550111\n");
    snprintf(path, sizeof path, "%s/b.csv", folder);
    write_text(path, "start,duration,caller,callee\n2026-03-02T13:00:00Z,26,+12125550100,+12015550111\n");
    snprintf(path, sizeof path, "%s/cdrs", folder);

    if (import(folder, "a.csv", &result, &error) != 0)
        fail_msg("%s", error.text);
    toll_import_result_free(&result);
    fail_after = "dataset.json";
    assert_int_equal(import(folder, "b.csv", &result, &error), TOLL_EIO);
    assert_true(failing);
    toll_import_result_free(&result);
    fail_after = NULL;
    failing = false;
    if (toll_verify(path, &verified, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(verified.rows, 2);
    /* And the dataset goes on from there. */
    if (import(folder, "b.csv", &result, &error) != 0)
        fail_msg("%s", error.text);
    assert_true(result.files[0].already_imported);
    toll_import_result_free(&result);
    assert_int_equal(toll_remove_tree(toll_io_system(), AT_FDCWD, folder, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_names_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
