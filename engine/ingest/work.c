/* A counter that threads draw job numbers from. */
#include "ingest/work.h"

#include "ingest/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

struct work {
    int (*job)(void *context, size_t index, struct toll_error *error);
    void (*done)(void *context);
    void *context;
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* of the fields below */
    size_t failed_index;
    int code;
    struct toll_error error;
};

static void keep_failure(struct work *work, size_t index, int code, const struct toll_error *error)
{
    pthread_mutex_lock(&work->lock);
    if (work->code == 0 || index < work->failed_index) {
        work->code = code;
        work->failed_index = index;
        work->error = *error;
    }
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->failed, true);
}

static void do_jobs(struct work *work, bool tell)
{
    struct toll_error error;

    while (!atomic_load(&work->failed)) {
        size_t index = atomic_fetch_add(&work->next, 1);
        int code;

        if (index >= work->count)
            return;
        error.text[0] = '\0';
        code = work->job(work->context, index, &error);
        if (code != 0)
            keep_failure(work, index, code, &error);
        if (tell && work->done != NULL)
            work->done(work->context);
    }
}

static void *worker(void *argument)
{
    do_jobs(argument, false);
    return NULL;
}

int toll_work_run(unsigned threads, size_t count,
                  int (*job)(void *context, size_t index, struct toll_error *error),
                  void (*done)(void *context), void *context, struct toll_error *error)
{
    struct work work = {.job = job, .done = done, .context = context, .count = count};
    pthread_t others[TOLL_INGEST_THREADS_MAX];
    unsigned started = 0;

    pthread_mutex_init(&work.lock, NULL);
    /* A thread that cannot be started only makes it slower. */
    while (started + 1 < threads && started + 1 < count &&
           pthread_create(&others[started], NULL, worker, &work) == 0)
        started++;
    do_jobs(&work, true);
    while (started > 0)
        pthread_join(others[--started], NULL);
    pthread_mutex_destroy(&work.lock);
    if (work.code != 0 && error != NULL)
        *error = work.error;
    return work.code;
}

unsigned toll_work_threads(unsigned asked)
{
    long cores = asked != 0 ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);

    if (cores < 1)
        return 1;
    return cores > TOLL_INGEST_THREADS_MAX ? TOLL_INGEST_THREADS_MAX : (unsigned)cores;
}
