/* All lines of a run against their checksums, by several threads: before anything is made of a run that may
 * be damaged. */
#include "pipeline/rerate.h"

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct check {
    const struct toll_run_files *run;
    const struct toll_progress *progress;
    atomic_size_t next;       /* part */
    atomic_int_fast64_t rows; /* done */
};

struct checker {
    struct check *check;
    pthread_t thread;
    bool threaded, tells;
    size_t failed_part;
    int rc;
    struct toll_error error;
};

static int check_part(struct checker *checker, size_t part)
{
    struct check *check = checker->check;
    const struct toll_run_files *run = check->run;
    struct toll_lines *lines;
    int rc = toll_run_lines_open(run, part, TOLL_READ_MMAP, &lines, &checker->error);
    if (rc != 0)
        return rc;
    void *buffer = aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_lines_buffer_bytes(lines) + TOLL_ARROW_ALIGNMENT);
    if (buffer == NULL)
        rc = toll_error_set(&checker->error, TOLL_ENOMEM, "%s: out of memory", run->path);
    for (int64_t b = 0; rc == 0 && b < toll_lines_batches(lines); b++) {
        struct toll_line_batch batch;
        rc = toll_lines_batch(lines, b, buffer, &batch, &checker->error);
        if (rc != 0)
            break;
        const int64_t rows = atomic_fetch_add(&check->rows, batch.rows) + batch.rows;
        if (checker->tells && check->progress->tick != NULL)
            check->progress->tick(check->progress->context, "checking the run", rows, run->manifest.rows,
                                  "lines");
    }
    free(buffer);
    toll_lines_close(lines);
    return rc;
}

static void *check_parts(void *argument)
{
    struct checker *checker = argument;
    struct check *check = checker->check;
    const size_t parts = check->run->manifest.part_count;
    for (size_t part; checker->rc == 0 && (part = atomic_fetch_add(&check->next, 1)) < parts;) {
        checker->failed_part = part;
        checker->rc = check_part(checker, part);
    }
    return NULL;
}

int toll_run_check_lines(const struct toll_run_files *run, unsigned threads,
                         const struct toll_progress *progress, struct toll_error *error)
{
    const size_t parts = run->manifest.part_count;
    struct check check = {.run = run, .progress = progress};
    size_t count = threads == 0 ? toll_workers_cores() : threads;
    count = count > parts ? parts : count;
    count = count == 0 ? 1 : count > TOLL_WORKERS_MAX ? TOLL_WORKERS_MAX : count;
    struct checker *checkers = calloc(count, sizeof *checkers);
    if (checkers == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    for (size_t i = 0; i < count; i++)
        checkers[i] = (struct checker){.check = &check, .tells = i == 0};
    for (size_t i = 1; i < count; i++)
        checkers[i].threaded = pthread_create(&checkers[i].thread, NULL, check_parts, &checkers[i]) == 0;
    check_parts(&checkers[0]);
    const struct checker *failed = NULL; /* of the earliest part */
    for (size_t i = 0; i < count; i++) {
        if (checkers[i].threaded)
            pthread_join(checkers[i].thread, NULL);
        if (checkers[i].rc != 0 && (failed == NULL || checkers[i].failed_part < failed->failed_part))
            failed = &checkers[i];
    }
    const int rc = failed == NULL ? 0 : failed->rc;
    if (failed != NULL && error != NULL)
        *error = failed->error;
    free(checkers);
    return rc;
}
