/* Threads over batches. The batch counter is the only thing they share while they work. */
#include "pipeline/workers.h"

#include "arrow/arrow.h"
#include "base/check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Two cache lines, which the processor likes to fetch together: workers share none. */
#define WORKER_ALIGNMENT 128

struct toll_worker {
    _Alignas(WORKER_ALIGNMENT) struct toll_block block;
    struct toll_tally tally;
    struct toll_band_cursor *cursors;
    uint8_t *input, *output;
    int64_t stage_ns[TOLL_STAGES];
    bool measure;

    /* of the current run */
    struct toll_workers *workers;
    struct job *job;
    unsigned index;
    int64_t failed_batch;
    struct toll_error error;
    int rc;
    pthread_t thread;
};

struct job {
    const struct toll_workers_request *request;
    int64_t batches;
    _Alignas(WORKER_ALIGNMENT) _Atomic int64_t next;
    _Atomic int64_t rows_done;
    atomic_bool stop;
};

static unsigned usable_cores(cpu_set_t *set)
{
    CPU_ZERO(set);
    if (sched_getaffinity(0, sizeof *set, set) != 0 || CPU_COUNT(set) == 0) {
        CPU_ZERO(set);
        CPU_SET(0, set);
    }
    return (unsigned)CPU_COUNT(set);
}

unsigned toll_workers_cores(void)
{
    cpu_set_t set;
    const unsigned cores = usable_cores(&set);
    return cores < TOLL_WORKERS_MAX ? cores : TOLL_WORKERS_MAX;
}

static void pin_to(unsigned index)
{
    cpu_set_t all, one;
    const unsigned cores = usable_cores(&all);
    unsigned wanted = index % cores;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all) || wanted-- != 0)
            continue;
        CPU_SET(cpu, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one); /* a hint: slower without, never wrong */
        return;
    }
}

/* ---- memory ---- */

static size_t output_bytes(void)
{
    size_t offsets[TOLL_LINE_COLUMNS];
    return toll_lines_batch_layout(TOLL_BATCH_ROWS, offsets);
}

static int worker_init(struct toll_worker *worker, const struct toll_rater *rater, size_t buffer_bytes,
                       struct toll_error *error)
{
    const size_t input =
        (buffer_bytes + TOLL_ARROW_ALIGNMENT - 1) / TOLL_ARROW_ALIGNMENT * TOLL_ARROW_ALIGNMENT;
    worker->cursors = calloc((size_t)rater->book->deck_count + 1, sizeof *worker->cursors);
    worker->input = input == 0 ? NULL : aligned_alloc(TOLL_ARROW_ALIGNMENT, input);
    worker->output = aligned_alloc(TOLL_ARROW_ALIGNMENT, output_bytes());
    if (worker->cursors == NULL || (input != 0 && worker->input == NULL) || worker->output == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    return toll_tally_init(&worker->tally, rater->book, error);
}

int toll_workers_init(struct toll_workers *workers, const struct toll_rater *rater, unsigned count, bool pin,
                      size_t buffer_bytes, size_t block_rows, struct toll_error *error)
{
    memset(workers, 0, sizeof *workers);
    TOLL_ASSERT(count >= 1 && count <= TOLL_WORKERS_MAX);
    workers->rater = rater;
    workers->pin = pin;
    workers->block_rows = block_rows == 0 ? TOLL_BLOCK_ROWS : block_rows;
    TOLL_ASSERT(workers->block_rows <= TOLL_BLOCK_ROWS_MAX);
    const size_t bytes = count * sizeof *workers->worker;
    workers->worker = aligned_alloc(WORKER_ALIGNMENT, bytes);
    if (workers->worker == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for %u workers", count);
    memset(workers->worker, 0, bytes);
    workers->count = count;
    for (unsigned i = 0; i < count; i++) {
        workers->worker[i].workers = workers;
        workers->worker[i].index = i;
        const int rc = worker_init(&workers->worker[i], rater, buffer_bytes, error);
        if (rc != 0) {
            toll_workers_free(workers);
            return rc;
        }
    }
    return 0;
}

void toll_workers_free(struct toll_workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        toll_tally_free(&workers->worker[i].tally);
        free(workers->worker[i].cursors);
        free(workers->worker[i].input);
        free(workers->worker[i].output);
    }
    free(workers->worker);
    memset(workers, 0, sizeof *workers);
}

/* ---- one batch ---- */

static int64_t thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct toll_hash128 hash_lines(const struct toll_line_columns *lines, size_t rows)
{
    const struct toll_hash128 each[] = {
        toll_hash(lines->account, rows * sizeof *lines->account),
        toll_hash(lines->price, rows * sizeof *lines->price),
        toll_hash(lines->billed, rows * sizeof *lines->billed),
        toll_hash(lines->charge, rows * sizeof *lines->charge),
        toll_hash(lines->status, rows),
        toll_hash(lines->class_jurisdiction, rows),
    };
    return toll_hash(each, sizeof each);
}

static int rate_batch(struct toll_worker *worker, int64_t batch_index)
{
    const struct toll_workers_request *request = worker->job->request;
    const struct toll_rater *rater = worker->workers->rater;
    size_t low = 0, high = request->part_count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (request->parts[middle].first_batch <= batch_index)
            low = middle;
        else
            high = middle;
    }
    const struct toll_job_part *part = &request->parts[low];
    const int64_t index = batch_index - part->first_batch;
    const int64_t begun = worker->measure ? thread_ns() : 0;
    struct toll_cdr_batch batch;
    int rc = toll_cdr_part_batch(part->part, index, rater->columns, worker->input, &batch, &worker->error);
    if (rc != 0)
        return rc;
    if (worker->measure)
        worker->stage_ns[TOLL_STAGE_READ] += thread_ns() - begun;

    const struct toll_block_context context = {
        .rater = rater,
        .map = &part->map,
        .part = part->ordinal,
        .block = &worker->block,
        .cursors = worker->cursors,
        .tally = &worker->tally,
        .stage_ns = worker->measure ? worker->stage_ns : NULL,
    };
    struct toll_line_columns lines;
    toll_line_columns_place(&lines, worker->output, batch.rows);
    const size_t rows = (size_t)batch.rows, step = worker->workers->block_rows;
    for (size_t first = 0; first < rows; first += step)
        toll_block_rate(&context, &batch, first, rows - first < step ? rows - first : step, &lines);
    if (request->hash_lines)
        request->hashes[batch_index] = hash_lines(&lines, rows);
    if (part->lines != NULL)
        rc = toll_lines_write(part->lines, index, worker->output, &worker->error);
    atomic_fetch_add_explicit(&worker->job->rows_done, batch.rows, memory_order_relaxed);
    return rc;
}

static void work(struct toll_worker *worker)
{
    struct job *job = worker->job;
    const struct toll_progress *progress = worker->index == 0 ? job->request->progress : NULL;
    while (!atomic_load_explicit(&job->stop, memory_order_relaxed)) {
        const int64_t batch = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (batch >= job->batches)
            break;
        worker->rc = rate_batch(worker, batch);
        if (worker->rc != 0) {
            worker->failed_batch = batch;
            atomic_store_explicit(&job->stop, true, memory_order_relaxed);
            break;
        }
        if (progress != NULL && progress->tick != NULL)
            progress->tick(progress->context, "rate",
                           job->request->rows_before +
                               atomic_load_explicit(&job->rows_done, memory_order_relaxed),
                           job->request->rows_total, "CDR");
    }
}

static void *work_in_thread(void *argument)
{
    struct toll_worker *worker = argument;
    if (worker->workers->pin)
        pin_to(worker->index);
    work(worker);
    return NULL;
}

/* ---- all of them ---- */

int toll_workers_run(struct toll_workers *workers, const struct toll_workers_request *request,
                     struct toll_error *error)
{
    struct job job = {.request = request};
    for (size_t i = 0; i < request->part_count; i++) {
        request->parts[i].first_batch = job.batches;
        job.batches += toll_cdr_part_batches(request->parts[i].part);
    }
    unsigned started = 1;
    for (unsigned i = 0; i < workers->count; i++) {
        workers->worker[i].job = &job;
        workers->worker[i].rc = 0;
    }
    /* Fewer threads than asked for is slower, not wrong. */
    while (started < workers->count && started < job.batches &&
           pthread_create(&workers->worker[started].thread, NULL, work_in_thread,
                          &workers->worker[started]) == 0)
        started++;

    cpu_set_t before;
    usable_cores(&before);
    if (workers->pin)
        pin_to(0);
    work(&workers->worker[0]);
    if (workers->pin)
        pthread_setaffinity_np(pthread_self(), sizeof before, &before);

    const struct toll_worker *failed = NULL;
    for (unsigned i = 0; i < started; i++) {
        struct toll_worker *worker = &workers->worker[i];
        if (i > 0)
            pthread_join(worker->thread, NULL);
        worker->job = NULL;
        if (worker->rc != 0 && (failed == NULL || worker->failed_batch < failed->failed_batch))
            failed = worker;
    }
    if (failed == NULL)
        return 0;
    if (error != NULL)
        *error = failed->error;
    return failed->rc;
}

struct toll_tally *toll_workers_sum(struct toll_workers *workers)
{
    struct toll_tally *sum = &workers->worker[0].tally;
    for (unsigned i = 1; i < workers->count; i++) {
        toll_tally_merge(sum, &workers->worker[i].tally, workers->rater->book);
        toll_tally_clear(&workers->worker[i].tally, workers->rater->book);
    }
    toll_suspense_finish(&sum->suspense);
    return sum;
}

void toll_workers_clear(struct toll_workers *workers)
{
    const struct toll_book *book = workers->rater->book;
    for (unsigned i = 0; i < workers->count; i++) {
        toll_tally_clear(&workers->worker[i].tally, book);
        memset(workers->worker[i].cursors, 0,
               ((size_t)book->deck_count + 1) * sizeof *workers->worker[i].cursors);
        memset(workers->worker[i].stage_ns, 0, sizeof workers->worker[i].stage_ns);
    }
}

void toll_workers_measure(struct toll_workers *workers, bool on)
{
    for (unsigned i = 0; i < workers->count; i++)
        workers->worker[i].measure = on;
}

void toll_workers_stages(const struct toll_workers *workers, int64_t stage_ns[TOLL_STAGES])
{
    memset(stage_ns, 0, TOLL_STAGES * sizeof *stage_ns);
    for (unsigned i = 0; i < workers->count; i++)
        for (unsigned stage = 0; stage < TOLL_STAGES; stage++)
            stage_ns[stage] += workers->worker[i].stage_ns[stage];
}
