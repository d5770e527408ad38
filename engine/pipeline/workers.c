/*
 * Threads over batches. The batch counter is the only thing they share while they work; where the book has
 * bundles or tiers the baton, too: then a batch that is rated waits for its turn in one of the worker's
 * outputs, while its worker goes on with the next.
 */
#include "pipeline/workers.h"

#include "arrow/arrow.h"
#include "base/check.h"
#include "base/large.h"
#include "pipeline/after.h"
#include "pipeline/baton.h"
#include "pipeline/draws.h"
#include "pipeline/hot.h"
#include "pipeline/tuple_ends.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Two cache lines, which the processor likes to fetch together: workers share none. */
#define WORKER_ALIGNMENT 128

#define OUTPUTS 4
#define OUTPUTS_MOST 4 /* of which all but one may wait for their turn */
#define BLOCKS_BETWEEN_PUSHES 8
#define DRAW_BYTES 160 /* of a row that draws, and of one whose cost does: more than it is */

/* A batch that is read, and one that is written. */
struct input {
    const struct toll_job_part *part;
    int64_t batch;   /* of all parts */
    uint8_t *buffer; /* NULL: the parts are mapped */
    struct toll_cdr_reading reading;
    struct toll_lines_reading kept; /* behind the CDRs in the buffer */
};
struct output {
    const struct toll_job_part *part;
    int64_t batch;
    uint8_t *block;
    int ticket; /* -1: not being written */
    bool waits; /* for its turn to draw */
    int64_t rows, first_row;
    struct toll_line_columns lines;
    struct toll_draws draws, cost_draws;
};

struct toll_worker {
    _Alignas(WORKER_ALIGNMENT) struct toll_block block;
    struct toll_tally tally;
    struct toll_cdr_checking checking;
    struct toll_band_cursor *cursors;
    struct toll_merge_scratch *merge; /* NULL without an earlier run or closed rows */
    struct toll_bulk *bulk;
    uint8_t *memory; /* of inputs and outputs */
    struct input inputs[TOLL_WORKERS_AHEAD_MAX];
    struct output outputs[OUTPUTS_MOST];
    struct toll_spent spent;
    unsigned input_count, output_count;
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
    struct toll_baton baton;
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

static size_t block_bytes(unsigned optional)
{
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    return toll_lines_batch_layout(TOLL_BATCH_ROWS, optional, offsets);
}

static size_t output_bytes(const struct toll_worker *worker)
{
    return block_bytes(worker->workers->optional);
}

static size_t input_bytes_of(const struct toll_rater *rater, const struct toll_workers_io *io)
{
    return io->mapped
               ? 0
               : toll_cdr_columns_bytes(rater->columns) + (io->merge == NULL ? 0 : block_bytes(io->optional));
}

static unsigned inputs_of(const struct toll_workers_io *io)
{
    return !io->ring || io->mapped ? 1 : io->ahead == 0 ? TOLL_WORKERS_AHEAD : io->ahead;
}

static unsigned outputs_of(const struct toll_rater *rater, const struct toll_workers_io *io)
{
    return rater->draws != NULL ? OUTPUTS_MOST : io->ring ? OUTPUTS : 1;
}

size_t toll_worker_bytes(const struct toll_rater *rater, const struct toll_workers_io *io)
{
    const unsigned outputs = outputs_of(rater, io);
    size_t bytes = sizeof(struct toll_worker) + inputs_of(io) * input_bytes_of(rater, io) +
                   outputs * block_bytes(io->optional) +
                   ((size_t)rater->book->deck_count + 1) * sizeof(struct toll_band_cursor) +
                   toll_tally_bytes(rater->book, rater->tuples);
    if (io->merge != NULL || io->closed)
        bytes += toll_large_bytes(sizeof(struct toll_merge_scratch));
    if (rater->draws != NULL)
        bytes += outputs * toll_large_bytes(TOLL_BATCH_ROWS * DRAW_BYTES);
    return bytes;
}

/* With a ring in large pages: registering and pinning small ones takes longer. */
static int reserve_buffers(struct toll_worker *worker, size_t input_bytes, bool ring,
                           struct toll_error *error)
{
    const size_t output = output_bytes(worker);
    const size_t bytes = worker->input_count * input_bytes + worker->output_count * output;
    uint8_t *at = worker->memory =
        ring ? toll_hot_alloc(bytes) : aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_arrow_pad(bytes));
    if (at == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    for (unsigned i = 0; i < worker->input_count; i++, at += input_bytes)
        worker->inputs[i].buffer = input_bytes == 0 ? NULL : at;
    for (unsigned i = 0; i < worker->output_count; i++, at += output)
        worker->outputs[i] = (struct output){.block = at, .ticket = -1};
    return 0;
}

static int make_draws(struct output *output, const struct toll_rater *rater, struct toll_error *error)
{
    const int rc = toll_draws_make(&output->draws, error);
    return rc != 0 ? rc : toll_cost_draws_make(&output->cost_draws, rater, error);
}

static void free_draws(struct output *output)
{
    toll_draws_free(&output->draws);
    toll_draws_free(&output->cost_draws);
}

static int worker_init(struct toll_worker *worker, const struct toll_rater *rater,
                       const struct toll_workers_io *io, struct toll_error *error)
{
    const bool merged = io->merge != NULL;
    const size_t input_bytes = input_bytes_of(rater, io);
    const size_t in_flight = io->in_flight_bytes == 0 ? TOLL_BULK_IN_FLIGHT_BYTES : io->in_flight_bytes;
    worker->input_count = inputs_of(io);
    worker->output_count = outputs_of(rater, io);
    TOLL_ASSERT(worker->input_count <= TOLL_WORKERS_AHEAD_MAX);
    worker->cursors = calloc((size_t)rater->book->deck_count + 1, sizeof *worker->cursors);
    if (merged || io->closed)
        worker->merge = toll_hot_alloc(sizeof *worker->merge);
    if (worker->cursors == NULL || ((merged || io->closed) && worker->merge == NULL))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    int rc = reserve_buffers(worker, input_bytes, io->ring, error);
    if (rc != 0)
        return rc;
    const struct iovec all = {worker->memory, worker->input_count * input_bytes +
                                                  worker->output_count * output_bytes(worker)};
    const struct toll_bulk_options options = {
        .ring = io->ring,
        .in_flight_bytes = in_flight / worker->workers->count,
        .piece_bytes = io->piece_bytes,
        .transfers = worker->input_count * (TOLL_CDR_COLUMNS + merged) + worker->output_count,
        .buffers = &all,
        .buffer_count = 1,
    };
    rc = toll_bulk_open(&worker->bulk, io->io, &options, error);
    if (rc != 0)
        return rc;
    if (!toll_bulk_has_ring(worker->bulk)) /* what is done at once need not be done early */
        worker->input_count = 1;
    if (!toll_bulk_has_ring(worker->bulk) && rater->draws == NULL)
        worker->output_count = 1;
    for (unsigned i = 0; rc == 0 && rater->draws != NULL && i < worker->output_count; i++)
        rc = make_draws(&worker->outputs[i], rater, error);
    if (rc == 0 && rater->draws != NULL)
        rc = toll_spent_make(&worker->spent, rater->draws, error);
    if (rc != 0)
        return rc;
    rc = toll_tally_init(&worker->tally, rater->book, rater->tuples, error);
    worker->tally.suspense.shared = worker->workers->suspense_limit;
    return rc;
}

int toll_workers_init(struct toll_workers *workers, const struct toll_rater *rater, unsigned count, bool pin,
                      const struct toll_workers_io *io, size_t block_rows, struct toll_error *error)
{
    memset(workers, 0, sizeof *workers);
    TOLL_ASSERT(count >= 1 && count <= TOLL_WORKERS_MAX);
    workers->rater = rater;
    workers->merge = io->merge;
    workers->optional = io->optional;
    TOLL_ASSERT((io->merge != NULL) == ((io->optional & TOLL_LINES_BOOK) != 0));
    workers->pin = pin;
    workers->block_rows = block_rows == 0 ? TOLL_BLOCK_ROWS : block_rows;
    TOLL_ASSERT(workers->block_rows <= TOLL_BLOCK_ROWS_MAX);
    const size_t bytes = count * sizeof *workers->worker;
    workers->worker = aligned_alloc(WORKER_ALIGNMENT, bytes);
    workers->suspense_limit = aligned_alloc(WORKER_ALIGNMENT, sizeof *workers->suspense_limit);
    if (workers->suspense_limit != NULL)
        toll_suspense_limit_init(workers->suspense_limit);
    if (workers->worker == NULL || workers->suspense_limit == NULL) {
        toll_workers_free(workers);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for %u workers", count);
    }
    memset(workers->worker, 0, bytes);
    workers->count = count;
    for (unsigned i = 0; i < count; i++) {
        workers->worker[i].workers = workers;
        workers->worker[i].index = i;
        const int rc = worker_init(&workers->worker[i], rater, io, error);
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
        toll_bulk_close(workers->worker[i].bulk);
        for (unsigned k = 0; k < OUTPUTS_MOST; k++)
            free_draws(&workers->worker[i].outputs[k]);
        toll_spent_free(&workers->worker[i].spent);
        free(workers->worker[i].cursors);
        free(workers->worker[i].merge);
        free(workers->worker[i].memory);
    }
    if (workers->suspense_limit != NULL)
        toll_suspense_limit_free(workers->suspense_limit);
    free(workers->suspense_limit);
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

static struct toll_hash128 hash_lines(const struct toll_line_columns *lines, size_t rows, bool taxed)
{
    const size_t pooled = lines->pool == NULL ? 0 : rows;
    struct toll_hash128 each[12] = {
        toll_hash(lines->account, rows * sizeof *lines->account),
        toll_hash(lines->price, rows * sizeof *lines->price),
        toll_hash(lines->billed, rows * sizeof *lines->billed),
        toll_hash(lines->charge, rows * sizeof *lines->charge),
        toll_hash(lines->status, rows),
        toll_hash(lines->class_jurisdiction, rows),
        toll_hash(lines->included, pooled * sizeof *lines->included),
        toll_hash(lines->pool, pooled * sizeof *lines->pool),
    };
    size_t count = pooled == 0 ? 6 : 8;
    if (lines->cost != NULL) {
        each[count++] = toll_hash(lines->cost, rows * sizeof *lines->cost);
        each[count++] = toll_hash(lines->cost_price, rows * sizeof *lines->cost_price);
        each[count++] = toll_hash(lines->cost_status, rows);
    }
    if (taxed)
        each[count++] = toll_hash(lines->tuple, rows * sizeof *lines->tuple);
    return toll_hash(each, count * sizeof *each);
}

static const struct toll_job_part *part_of(const struct toll_workers_request *request, int64_t batch)
{
    size_t low = 0, high = request->part_count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (request->parts[middle].first_batch <= batch)
            low = middle;
        else
            high = middle;
    }
    return &request->parts[low];
}

/* Takes the next batch, if there is one, and begins to read it. */
static bool begin_batch(struct toll_worker *worker, struct input *input)
{
    struct job *job = worker->job;
    const int64_t batch = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (batch >= job->batches)
        return false;
    const int64_t begun = worker->measure ? thread_ns() : 0;
    input->part = part_of(job->request, batch);
    input->batch = batch;
    const uint32_t columns = worker->workers->rater->columns;
    uint8_t *behind = input->buffer == NULL ? NULL : input->buffer + toll_cdr_columns_bytes(columns);
    toll_cdr_part_batch_begin(input->part->part, batch - input->part->first_batch, columns, input->buffer,
                              worker->bulk, &input->reading);
    if (input->part->kept != NULL)
        toll_lines_batch_begin(input->part->kept, batch - input->part->first_batch, behind, worker->bulk,
                               &input->kept);
    if (worker->measure)
        worker->stage_ns[TOLL_STAGE_READ] += thread_ns() - begun;
    return true;
}

/* A worker's batches come in ascending order, and their outputs are waited for in that order, too: so the
 * first failure here is that of its earliest batch, but for writes that are still under way. */
static void fail(struct toll_worker *worker, int64_t batch, int rc)
{
    worker->rc = rc;
    worker->failed_batch = batch;
    atomic_store_explicit(&worker->job->stop, true, memory_order_relaxed);
    toll_baton_stop(&worker->job->baton);
}

static bool finish_output(struct toll_worker *worker, struct output *output)
{
    if (output->ticket < 0)
        return true;
    const bool earlier = worker->rc == 0 || output->batch < worker->failed_batch;
    const int ticket = output->ticket;
    output->ticket = -1;
    const int rc = toll_lines_write_end(output->part->lines, output->batch - output->part->first_batch,
                                        worker->bulk, ticket, earlier ? &worker->error : NULL);
    if (rc != 0 && earlier)
        fail(worker, output->batch, rc);
    return rc == 0;
}

/* ---- outputs: rated, then their turn to draw, then written ---- */

static struct output *oldest(struct toll_worker *worker, bool waiting)
{
    struct output *found = NULL;
    for (unsigned i = 0; i < worker->output_count; i++) {
        struct output *output = &worker->outputs[i];
        if ((waiting ? output->waits : output->ticket >= 0) &&
            (found == NULL || output->batch < found->batch))
            found = output;
    }
    return found;
}

/* Nothing where nobody measures. */
static int64_t since(const struct toll_worker *worker, int64_t begun)
{
    return worker->measure ? thread_ns() - begun : 0;
}

/* The lines are as they will be. */
static bool finish_lines(struct toll_worker *worker, struct output *output)
{
    const struct toll_workers_request *request = worker->job->request;
    const struct toll_job_part *part = output->part;
    if (request->hash_lines)
        request->hashes[output->batch] =
            hash_lines(&output->lines, (size_t)output->rows, worker->workers->rater->tuples != NULL);
    atomic_fetch_add_explicit(&worker->job->rows_done, output->rows, memory_order_relaxed);
    if (part->lines == NULL)
        return true;
    output->ticket =
        toll_lines_write_begin(part->lines, output->batch - part->first_batch, output->block, worker->bulk);
    return toll_bulk_has_ring(worker->bulk) || finish_output(worker, output);
}

/* What an output whose turn it is has asked for so far; pass: it is all, and the turn goes on. */
static void draw_asked(struct toll_worker *worker, struct output *output, bool pass)
{
    const struct toll_workers_request *request = worker->job->request;
    const struct toll_rater *rater = worker->workers->rater;
    const struct toll_draws_context context = {
        .rater = rater,
        .cursors = worker->cursors,
        .tally = &worker->tally,
        .spent = &worker->spent,
        .part = output->part->ordinal,
        .first_row = output->first_row,
    };
    const int64_t begun = since(worker, 0);
    toll_spent_tell(&worker->spent, request->pools);
    toll_draws_in_order(&output->draws, rater, worker->cursors, request->pools);
    toll_draws_in_order(&output->cost_draws, rater, worker->cursors, request->pools);
    if (pass)
        toll_baton_pass(&worker->job->baton);
    const int64_t drawn = since(worker, begun);
    worker->stage_ns[TOLL_STAGE_DRAW] += drawn;
    if (!request->count_only) {
        toll_draws_charge(&output->draws, &context, &output->lines);
        toll_cost_draws_charge(&output->cost_draws, &context, &output->lines);
    }
    toll_draws_clear(&output->draws);
    toll_draws_clear(&output->cost_draws);
    worker->stage_ns[TOLL_STAGE_REST] += since(worker, begun + drawn);
}

/* An output that is rated and whose turn it is. */
static bool draw_output(struct toll_worker *worker, struct output *output)
{
    draw_asked(worker, output, true);
    output->waits = false;
    return finish_lines(worker, output);
}

/* Of the outputs that wait all whose turn has come. */
static bool draw_ready(struct toll_worker *worker)
{
    bool good = true;
    for (struct output *output = oldest(worker, true);
         good && output != NULL && toll_baton_has(&worker->job->baton, output->batch);
         output = oldest(worker, true))
        good = draw_output(worker, output);
    return good;
}

/* The oldest one that waits, when its turn comes; false: it will not. */
static bool draw_oldest(struct toll_worker *worker)
{
    struct output *output = oldest(worker, true);
    return toll_baton_wait(&worker->job->baton, output->batch) && draw_output(worker, output);
}

/* A free output, the first there is: its memory is likely to be near. NULL: after an error. */
static struct output *free_output(struct toll_worker *worker)
{
    for (;;) {
        for (unsigned i = 0; i < worker->output_count; i++)
            if (!worker->outputs[i].waits && worker->outputs[i].ticket < 0)
                return &worker->outputs[i];
        struct output *written = oldest(worker, false);
        if (written != NULL ? !finish_output(worker, written) : !draw_oldest(worker))
            return NULL;
    }
}

/* ---- one batch ---- */

/* Does what the lines draw matter in this pass? */
static bool draws_now(const struct toll_worker *worker)
{
    return worker->workers->rater->draws != NULL && !worker->job->request->collect_ends;
}

static struct toll_block_context context_of(struct toll_worker *worker, const struct toll_job_part *part,
                                            struct output *output)
{
    return (struct toll_block_context){
        .rater = worker->workers->rater,
        .map = &part->map,
        .part = part->ordinal,
        .block = &worker->block,
        .cursors = worker->cursors,
        .tally = &worker->tally,
        .draws = !draws_now(worker) ? NULL : &output->draws,
        .cost_draws = !draws_now(worker) || output->cost_draws.memory == NULL ? NULL : &output->cost_draws,
        .stage_ns = worker->measure ? worker->stage_ns : NULL,
    };
}

/* The next rows of the batch, just before they are rated. */
static bool check_rows(struct toll_worker *worker, const struct input *input,
                       const struct toll_cdr_batch *batch, size_t rows)
{
    const int64_t begun = since(worker, 0);
    const int rc = toll_cdr_checking_rows(&worker->checking, batch, (int64_t)rows, &worker->error);
    worker->stage_ns[TOLL_STAGE_READ] += since(worker, begun);
    if (rc != 0)
        fail(worker, input->batch, rc);
    return rc == 0;
}

static bool rate_rows(struct toll_worker *worker, const struct input *input,
                      const struct toll_cdr_batch *batch, struct output *output)
{
    const struct toll_block_context context = context_of(worker, input->part, output);
    const size_t rows = (size_t)batch->rows, step = worker->workers->block_rows;
    unsigned blocks = 0;
    toll_cdr_checking_begin(&worker->checking, &input->reading, worker->workers->rater->kernels->hash_add);
    for (size_t first = 0; first < rows; first += step) {
        const size_t some = rows - first < step ? rows - first : step;
        if (!check_rows(worker, input, batch, some))
            return false;
        toll_block_rate(&context, batch, first, some, &output->lines);
        if (++blocks % BLOCKS_BETWEEN_PUSHES == 0)
            toll_bulk_push(worker->bulk);
        if (context.draws == NULL)
            continue;
        if (!draw_ready(worker))
            return false;
        if (toll_baton_has(&worker->job->baton, output->batch)) /* as long as the block is near */
            draw_asked(worker, output, false);
    }
    return true;
}

/* The same where an earlier run's lines are kept. */
static int merge_rows(struct toll_worker *worker, const struct input *input,
                      const struct toll_cdr_batch *batch, struct output *output)
{
    const struct toll_merge *merge = worker->workers->merge;
    const struct toll_block_context context = context_of(worker, input->part, output);
    struct toll_line_batch kept;
    const int rc = toll_lines_batch_end(&input->kept, &kept, &worker->error);
    if (rc != 0)
        return rc;
    return toll_merge_batch(merge, &context, worker->merge, batch, &kept, worker->workers->block_rows,
                            &output->lines, &worker->error);
}

/* The same where some rows are closed. */
static void closed_rows(struct toll_worker *worker, const struct input *input,
                        const struct toll_cdr_batch *batch, struct output *output)
{
    const struct toll_block_context context = context_of(worker, input->part, output);
    const int64_t first = (input->batch - input->part->first_batch) * TOLL_BATCH_ROWS;
    toll_closed_batch(&context, worker->merge, batch, input->part->closed + first / 64,
                      worker->workers->block_rows, &output->lines);
}

static bool rate_batch(struct toll_worker *worker, const struct input *input)
{
    const bool draws = draws_now(worker);
    struct output *output = free_output(worker);
    struct toll_cdr_batch batch;
    bool good = true;
    if (output == NULL)
        return false;
    const int64_t begun = worker->measure ? thread_ns() : 0;
    const bool by_block = input->part->closed == NULL && input->part->kept == NULL;
    int rc = by_block ? toll_cdr_part_batch_wait(&input->reading, &batch, &worker->error)
                      : toll_cdr_part_batch_end(&input->reading, &batch, &worker->error);
    if (rc == 0) {
        if (worker->measure)
            worker->stage_ns[TOLL_STAGE_READ] += thread_ns() - begun;
        output->part = input->part;
        output->batch = input->batch;
        output->rows = batch.rows;
        output->first_row = batch.first_row;
        toll_draws_clear(&output->draws);
        toll_draws_clear(&output->cost_draws);
        toll_line_columns_place(&output->lines, output->block, batch.rows, worker->workers->optional);
        if (input->part->closed != NULL)
            closed_rows(worker, input, &batch, output);
        else if (input->part->kept == NULL)
            good = rate_rows(worker, input, &batch, output);
        else
            rc = merge_rows(worker, input, &batch, output);
    }
    if (rc != 0)
        fail(worker, input->batch, rc);
    if (rc != 0 || !good)
        return false;
    if (!draws)
        return finish_lines(worker, output);
    output->waits = true;
    return draw_ready(worker);
}

static void work(struct toll_worker *worker)
{
    struct job *job = worker->job;
    const struct toll_progress *progress = worker->index == 0 ? job->request->progress : NULL;
    unsigned first = 0, count = 0;
    while (!atomic_load_explicit(&job->stop, memory_order_relaxed)) {
        while (count < worker->input_count &&
               begin_batch(worker, &worker->inputs[(first + count) % worker->input_count]))
            count++;
        if (count == 0 || !rate_batch(worker, &worker->inputs[first]))
            break;
        first = (first + 1) % worker->input_count;
        count--;
        if (progress != NULL && progress->tick != NULL)
            progress->tick(progress->context, "rate",
                           job->request->rows_before +
                               atomic_load_explicit(&job->rows_done, memory_order_relaxed),
                           job->request->rows_total, "CDR");
    }
    while (oldest(worker, true) != NULL && draw_oldest(worker))
        ;
    for (struct output *output = oldest(worker, false); output != NULL; output = oldest(worker, false))
        finish_output(worker, output);
    for (unsigned i = 0; i < worker->output_count; i++)
        worker->outputs[i].waits = false; /* after an error */
    toll_bulk_drain(worker->bulk);        /* reads that nobody wants any more */
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
    TOLL_ASSERT(workers->rater->draws == NULL || request->pools != NULL);
    toll_baton_init(&job.baton);
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

    for (unsigned i = 1; i < started; i++) /* before the first is told: until then they hold the baton */
        pthread_join(workers->worker[i].thread, NULL);
    const struct toll_worker *failed = NULL;
    for (unsigned i = 0; i < started; i++) {
        struct toll_worker *worker = &workers->worker[i];
        worker->job = NULL;
        toll_spent_tell(&worker->spent, request->pools);
        if (worker->rc != 0 && (failed == NULL || worker->failed_batch < failed->failed_batch))
            failed = worker;
    }
    toll_baton_free(&job.baton);
    if (failed == NULL)
        return 0;
    if (error != NULL)
        *error = failed->error;
    return failed->rc;
}

struct toll_bulk_counts toll_workers_io_counts(const struct toll_workers *workers)
{
    struct toll_bulk_counts sum = {0};
    for (unsigned i = 0; i < workers->count; i++) {
        const struct toll_bulk_counts *one = toll_bulk_counts(workers->worker[i].bulk);
        sum.read_mmap += one->read_mmap;
        sum.read_pread += one->read_pread;
        sum.read_ring += one->read_ring;
        sum.written_pwrite += one->written_pwrite;
        sum.written_ring += one->written_ring;
        sum.waited_ns += one->waited_ns;
    }
    return sum;
}

const char *toll_workers_io_refusal(const struct toll_workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++)
        if (toll_bulk_refusal(workers->worker[i].bulk)[0] != '\0')
            return toll_bulk_refusal(workers->worker[i].bulk);
    return "";
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

int toll_workers_number_ends(struct toll_workers *workers, struct toll_tuples *tuples,
                             struct toll_error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < workers->count; i++) {
        rc = toll_tally_check(&workers->worker[i].tally, error);
        if (rc == 0)
            rc = toll_tuple_ends_collect(tuples->ends, &workers->worker[i].tally.tuples.seen, error);
    }
    toll_workers_clear(workers);
    if (rc == 0)
        rc = toll_tuple_ends_number(tuples, error);
    for (unsigned i = 0; rc == 0 && i < workers->count; i++)
        if (!toll_tally_reserve(&workers->worker[i].tally, workers->rater->book))
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of taxed calls");
    return rc;
}

void toll_workers_clear(struct toll_workers *workers)
{
    const struct toll_book *book = workers->rater->book;
    toll_suspense_limit_clear(workers->suspense_limit);
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
