/*
 * All lines of a run, and its tables, against their checksums, by a thread beside the rating: a run that is
 * damaged is not rated again, and its lines, which seldom are in the page cache, are there for the delta. So
 * are the small tables; the large ones, of which the delta of equal runs needs nothing, are not decoded.
 */
#include "pipeline/rerate.h"

#include "arrow/arrow.h"
#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct toll_run_check {
    struct toll_run_files *run;
    bool tables; /* the small ones are to be read */
    toll_hash_kernel *hash;
    pthread_t thread;
    bool threaded;
    atomic_bool stop;
    int rc;
    struct toll_error error;
};

static int check_part(struct toll_run_check *check, size_t part)
{
    const struct toll_run_files *run = check->run;
    struct toll_lines *lines;
    int rc = toll_run_lines_open(run, part, TOLL_READ_PREAD, &lines, &check->error);
    if (rc != 0)
        return rc;
    void *buffer = toll_lines_buffer_make(lines);
    if (buffer == NULL)
        rc = toll_error_set(&check->error, TOLL_ENOMEM, "%s: out of memory", run->path);
    for (int64_t b = 0; rc == 0 && !atomic_load(&check->stop) && b < toll_lines_batches(lines); b++)
        rc = toll_lines_check(lines, b, buffer, check->hash, &check->error);
    free(buffer);
    toll_lines_close(lines);
    return rc;
}

static int check_file(struct toll_run_check *check, const char *name)
{
    return toll_run_files_have(check->run, name)
               ? toll_run_files_check(check->run, name, check->hash, &check->error)
               : 0;
}

static void *check_all(void *argument)
{
    static const char *const large[] = {"prices.arrow", "price_terms.arrow", "tuples.arrow",
                                        "components.arrow"};
    struct toll_run_check *check = argument;
    const size_t parts = check->run->manifest.part_count;
    if (check->tables)
        check->rc = toll_run_files_read_tables(check->run, &check->error);
    for (size_t i = 0; check->rc == 0 && i < sizeof large / sizeof *large; i++)
        check->rc = check_file(check, large[i]);
    for (size_t part = 0; check->rc == 0 && !atomic_load(&check->stop) && part < parts; part++)
        check->rc = check_part(check, part);
    return NULL;
}

/* Mostly takes what the workers leave idle, while books are opened and files brought to disk: nobody waits
 * for it before the end, by which it is done also where the machine is busy with other things. */
#define NICE 5
static void *check_beside(void *argument)
{
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux of the thread alone */
    return check_all(argument);
}

int toll_run_check_begin(struct toll_run_check **out, struct toll_run_files *run, bool tables,
                         toll_hash_kernel *hash, struct toll_error *error)
{
    struct toll_run_check *check = calloc(1, sizeof *check);
    *out = check;
    if (check == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    check->run = run;
    check->tables = tables;
    check->hash = hash;
    check->threaded = pthread_create(&check->thread, NULL, check_beside, check) == 0;
    return 0;
}

int toll_run_check_end(struct toll_run_check *check, struct toll_error *error)
{
    if (check->threaded)
        pthread_join(check->thread, NULL);
    else
        check_all(check);
    check->threaded = false;
    atomic_store(&check->stop, true); /* it is done: once more would be nothing */
    if (check->rc != 0 && error != NULL)
        *error = check->error;
    return check->rc;
}

void toll_run_check_free(struct toll_run_check *check)
{
    if (check == NULL)
        return;
    atomic_store(&check->stop, true);
    if (check->threaded)
        pthread_join(check->thread, NULL);
    free(check);
}
