/*
 * Imports for tests: a folder of their own, small files, datasets, and what the import says of them. To be
 * included once, by the test itself.
 */
#ifndef TOLL_IMPORT_FIXTURE_H
#define TOLL_IMPORT_FIXTURE_H

#include "mmap_cdr/dataset.h"
#include "tollmill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef TOLL_SOURCE_DIR
#define TOLL_SOURCE_DIR "."
#endif
#define SPEC TOLL_SOURCE_DIR "/data/providers/tollmill.yaml"

static char folder[256];
static int dataset_number;

static inline int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/test_import.XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(folder) == NULL;
}

static inline int tear_down(void **state)
{
    char command[400];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* A path in the folder; valid until the eighth call after it. */
static inline const char *at(const char *name)
{
    static char paths[8][400];
    static int next;

    next = (next + 1) % 8;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static inline const char *write_bytes(const char *name, const char *text, size_t bytes)
{
    const char *path = at(name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

static inline const char *new_dataset(void)
{
    char name[32];

    snprintf(name, sizeof name, "dataset%d", dataset_number++);
    return at(name);
}

struct outcome {
    int code;
    struct toll_error error;
    struct toll_import_result result;
};

static inline struct outcome import_with(const char *spec, const char *dataset, const char *const *files,
                                         size_t count, int64_t max_rejects)
{
    struct outcome outcome = {0};
    struct toll_import_options options = {.spec_path = spec,
                                          .dataset_path = dataset,
                                          .files = files,
                                          .file_count = count,
                                          .threads = 2,
                                          .max_rejects = max_rejects};

    outcome.code = toll_import(&options, &outcome.result, &outcome.error);
    return outcome;
}

static inline struct outcome import_files(const char *dataset, const char *const *files, size_t count)
{
    struct outcome outcome = import_with(SPEC, dataset, files, count, 1000000);

    if (outcome.code != 0)
        fail_msg("import: %s", outcome.error.text);
    return outcome;
}

static inline struct outcome import_one(const char *dataset, const char *file)
{
    return import_files(dataset, &file, 1);
}

static inline void import_quietly(const char *dataset, const char *file, char hash[33])
{
    struct outcome outcome = import_one(dataset, file);

    if (hash != NULL)
        memcpy(hash, outcome.result.cdr_hash, 33);
    toll_import_result_free(&outcome.result);
}

static inline void verify(const char *dataset_path)
{
    struct toll_dataset dataset;
    struct toll_error error;

    if (toll_dataset_open(&dataset, toll_io_system(), dataset_path, &error) != 0 ||
        toll_dataset_verify(&dataset, &error) != 0)
        fail_msg("%s", error.text);
    toll_dataset_close(&dataset);
}

#endif
