/*
 * Threads over batches: how many, what each has, and what their sums are together. What one does with its
 * batches is in worker_batches.c.
 */
#include "pipeline/workers.h"

#include "arrow/arrow.h"
#include "base/check.h"
#include "base/large.h"
#include "pipeline/hot.h"
#include "pipeline/tuple_ends.h"
#include "pipeline/worker.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUTS 4
#define DRAW_BYTES 160         /* of a row that draws, and of one whose cost does: more than it is */
#define LANES_OF_ALL_OUTPUTS 4 /* with more of them two outputs must do */

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

static size_t block_bytes(int64_t rows, unsigned optional)
{
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    return toll_lines_batch_layout(rows, optional, offsets);
}

static bool any_draws(const struct toll_lane *lanes, unsigned lane_count)
{
    bool any = false;
    for (unsigned i = 0; i < lane_count; i++)
        any = any || lanes[i].rater->draws != NULL;
    return any;
}

static uint32_t columns_of(const struct toll_lane *lanes, unsigned lane_count)
{
    uint32_t columns = 0;
    for (unsigned i = 0; i < lane_count; i++)
        columns |= lanes[i].rater->columns;
    return columns;
}

/* Several lanes have tables of their own: what a lane finds near in its first block serves the others. */
#define BLOCKS_IN_TURN 8
static size_t turn_rows(unsigned lane_count, size_t block_rows)
{
    return lane_count == 1 ? block_rows : BLOCKS_IN_TURN * block_rows;
}

/* Taken lines need last no longer than their turn, unless they may draw or some rows are closed. */
static bool lines_by_turn(const struct toll_lane *lanes, unsigned lane_count,
                          const struct toll_workers_io *io)
{
    return io->taken && !io->closed && !any_draws(lanes, lane_count);
}

static bool any_same_ends(const struct toll_lane *lanes, unsigned lane_count)
{
    bool any = false;
    for (unsigned i = 1; i < lane_count; i++)
        any = any || lanes[i].same_ends;
    return any;
}

/* Of a row that struct toll_block_found tells of. */
#define FOUND_BYTES (sizeof(uint64_t) + 3 * sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t))
static size_t found_bytes(const struct toll_lane *lanes, unsigned lane_count, size_t block_rows)
{
    return any_same_ends(lanes, lane_count) ? toll_arrow_pad(turn_rows(lane_count, block_rows) * FOUND_BYTES)
                                            : 0;
}

static int reserve_found(struct toll_worker *worker, struct toll_error *error)
{
    const struct toll_workers *workers = worker->workers;
    const size_t rows = workers->turn_rows;
    const size_t bytes = found_bytes(workers->lanes, workers->lane_count, workers->block_rows);
    struct toll_block_found *found = &worker->found;
    if (bytes == 0)
        return 0;
    worker->found_memory = aligned_alloc(TOLL_ARROW_ALIGNMENT, bytes);
    if (worker->found_memory == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    found->near = (uint64_t *)worker->found_memory;
    found->owner = (uint32_t *)(found->near + rows);
    found->legs = found->owner + rows;
    found->leg_count = found->legs + rows;
    found->shape = (uint16_t *)(found->leg_count + rows);
    found->class_jurisdiction = (uint8_t *)(found->shape + rows);
    return 0;
}

static size_t cdr_bytes_of(const struct toll_lane *lanes, unsigned lane_count,
                           const struct toll_workers_io *io)
{
    return io->mapped ? 0 : toll_cdr_columns_bytes(columns_of(lanes, lane_count));
}

static size_t input_bytes_of(const struct toll_lane *lanes, unsigned lane_count,
                             const struct toll_workers_io *io)
{
    return cdr_bytes_of(lanes, lane_count, io) +
           (io->merge == NULL ? 0 : toll_lines_buffer_most(lanes[0].optional, io->mapped));
}

static unsigned inputs_of(const struct toll_workers_io *io)
{
    return !io->ring || io->mapped ? 1 : io->ahead == 0 ? TOLL_WORKERS_AHEAD : io->ahead;
}

static unsigned outputs_of(const struct toll_lane *lanes, unsigned lane_count,
                           const struct toll_workers_io *io)
{
    if (any_draws(lanes, lane_count))
        return lane_count > LANES_OF_ALL_OUTPUTS ? 2 : TOLL_OUTPUTS_MOST;
    return io->ring && !io->taken ? OUTPUTS : 1;
}

/* Of one output: the lanes' lines, plans and slots, and what a taker reads. */
struct output_sizes {
    size_t lines[TOLL_LANES_MAX], plans, slots[TOLL_LANES_MAX], start, kind, all;
};
static struct output_sizes output_sizes(const struct toll_lane *lanes, unsigned lane_count,
                                        const struct toll_workers_io *io, size_t block_rows)
{
    const bool by_turn = lines_by_turn(lanes, lane_count, io);
    const size_t rows = by_turn ? turn_rows(lane_count, block_rows) : TOLL_BATCH_ROWS;
    struct output_sizes sizes = {.plans = io->taken ? rows * sizeof(uint32_t) : 0};
    if (io->taken && !io->mapped && !by_turn) {
        sizes.start = rows * sizeof(int64_t);
        sizes.kind = toll_arrow_pad(rows * sizeof(uint16_t));
    }
    sizes.all = sizes.start + sizes.kind;
    for (unsigned i = 0; i < lane_count; i++) {
        sizes.lines[i] = block_bytes((int64_t)rows, lanes[i].optional);
        sizes.slots[i] = lanes[i].slots ? toll_arrow_pad(rows * sizeof(uint32_t)) : 0;
        sizes.all += sizes.lines[i] + toll_arrow_pad(sizes.plans) + sizes.slots[i];
    }
    return sizes;
}

size_t toll_worker_bytes(const struct toll_lane *lanes, unsigned lane_count, const struct toll_workers_io *io)
{
    const unsigned outputs = outputs_of(lanes, lane_count, io);
    size_t bytes = sizeof(struct toll_worker) + inputs_of(io) * input_bytes_of(lanes, lane_count, io) +
                   outputs * output_sizes(lanes, lane_count, io, TOLL_BLOCK_ROWS_MAX).all;
    if (io->merge != NULL || io->closed)
        bytes += toll_large_bytes(sizeof(struct toll_merge_scratch));
    bytes += io->taker_bytes + found_bytes(lanes, lane_count, TOLL_BLOCK_ROWS_MAX);
    for (unsigned i = 0; i < lane_count; i++) {
        const struct toll_rater *rater = lanes[i].rater;
        bytes += ((size_t)rater->book->deck_count + 1) * sizeof(struct toll_band_cursor) +
                 toll_tally_bytes(rater->book, rater->tuples);
        if (rater->draws != NULL)
            bytes += outputs * toll_large_bytes(TOLL_BATCH_ROWS * DRAW_BYTES);
    }
    return bytes;
}

/* With a ring in large pages: registering and pinning small ones takes longer. */
static int reserve_buffers(struct toll_worker *worker, size_t input_bytes, const struct output_sizes *sizes,
                           bool ring, struct toll_error *error)
{
    const unsigned lanes = worker->workers->lane_count;
    const size_t bytes = worker->input_count * input_bytes + worker->output_count * sizes->all;
    uint8_t *at = worker->memory =
        ring ? toll_hot_alloc(bytes) : aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_arrow_pad(bytes));
    worker->lane_memory = calloc((size_t)worker->output_count * lanes, sizeof *worker->lane_memory);
    if (at == NULL || worker->lane_memory == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    for (unsigned i = 0; i < worker->input_count; i++, at += input_bytes)
        worker->inputs[i].buffer = input_bytes == 0 ? NULL : at;
    for (unsigned i = 0; i < worker->output_count; i++) {
        struct toll_worker_output *output = &worker->outputs[i];
        *output = (struct toll_worker_output){.lanes = &worker->lane_memory[i * lanes], .ticket = -1};
        for (unsigned lane = 0; lane < lanes; at += sizes->lines[lane++])
            output->lanes[lane].block = at;
        for (unsigned lane = 0; lane < lanes && sizes->plans > 0; at += toll_arrow_pad(sizes->plans), lane++)
            output->lanes[lane].plans = (uint32_t *)at;
        for (unsigned lane = 0; lane < lanes; at += sizes->slots[lane++])
            output->lanes[lane].slots = sizes->slots[lane] == 0 ? NULL : (uint32_t *)at;
        output->start = sizes->start == 0 ? NULL : (int64_t *)at;
        output->kind = sizes->start == 0 ? NULL : (uint16_t *)(at + sizes->start);
        at += sizes->start + sizes->kind;
    }
    return 0;
}

static int make_draws(struct toll_lane_output *output, const struct toll_rater *rater,
                      struct toll_error *error)
{
    const int rc = toll_draws_make(&output->draws, error);
    return rc != 0 ? rc : toll_cost_draws_make(&output->cost_draws, rater, error);
}

static int lane_init(struct toll_worker *worker, unsigned lane, struct toll_error *error)
{
    const struct toll_rater *rater = worker->workers->lanes[lane].rater;
    struct toll_worker_lane *own = &worker->lanes[lane];
    int rc = 0;
    own->cursors = calloc((size_t)rater->book->deck_count + 1, sizeof *own->cursors);
    if (own->cursors == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    for (unsigned i = 0; rc == 0 && rater->draws != NULL && i < worker->output_count; i++)
        rc = make_draws(&worker->outputs[i].lanes[lane], rater, error);
    if (rc == 0 && rater->draws != NULL)
        rc = toll_spent_make(&own->spent, rater->draws, error);
    if (rc != 0)
        return rc;
    rc = toll_tally_init(&own->tally, rater->book, rater->tuples, error);
    own->tally.suspense.shared = &worker->workers->suspense_limits[lane];
    return rc;
}

static int open_bulk(struct toll_worker *worker, const struct toll_workers_io *io, size_t bytes,
                     struct toll_error *error)
{
    const size_t in_flight = io->in_flight_bytes == 0 ? TOLL_BULK_IN_FLIGHT_BYTES : io->in_flight_bytes;
    const struct iovec all = {worker->memory, bytes};
    const struct toll_bulk_options options = {
        .ring = io->ring,
        .in_flight_bytes = in_flight / worker->workers->count,
        .piece_bytes = io->piece_bytes,
        .transfers = worker->input_count * (TOLL_CDR_COLUMNS + (io->merge != NULL)) + worker->output_count,
        .buffers = &all,
        .buffer_count = 1,
    };
    return toll_bulk_open(&worker->bulk, io->io, &options, error);
}

static int worker_init(struct toll_worker *worker, const struct toll_workers_io *io, struct toll_error *error)
{
    const struct toll_workers *workers = worker->workers;
    const struct toll_lane *lanes = workers->lanes;
    const unsigned lane_count = workers->lane_count;
    const bool scratch = io->merge != NULL || io->closed;
    const size_t input_bytes = input_bytes_of(lanes, lane_count, io);
    const struct output_sizes sizes = output_sizes(lanes, lane_count, io, workers->block_rows);
    worker->input_count = inputs_of(io);
    worker->output_count = outputs_of(lanes, lane_count, io);
    TOLL_ASSERT(worker->input_count <= TOLL_WORKERS_AHEAD_MAX);
    worker->lanes = calloc(lane_count, sizeof *worker->lanes);
    worker->taken = calloc(lane_count, sizeof *worker->taken);
    if (scratch)
        worker->merge = toll_hot_alloc(sizeof *worker->merge);
    if (worker->lanes == NULL || worker->taken == NULL || (scratch && worker->merge == NULL))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the workers");
    int rc = reserve_buffers(worker, input_bytes, &sizes, io->ring, error);
    if (rc == 0)
        rc = reserve_found(worker, error);
    if (rc == 0)
        rc = open_bulk(worker, io, worker->input_count * input_bytes + worker->output_count * sizes.all,
                       error);
    if (rc != 0)
        return rc;
    if (!toll_bulk_has_ring(worker->bulk)) /* what is done at once need not be done early */
        worker->input_count = 1;
    if (!toll_bulk_has_ring(worker->bulk) && !workers->draws)
        worker->output_count = 1;
    for (unsigned lane = 0; rc == 0 && lane < lane_count; lane++)
        rc = lane_init(worker, lane, error);
    return rc;
}

static struct toll_suspense_limit *make_limits(unsigned lane_count)
{
    struct toll_suspense_limit *limits = aligned_alloc(TOLL_WORKER_ALIGNMENT, lane_count * sizeof *limits);
    for (unsigned i = 0; limits != NULL && i < lane_count; i++)
        toll_suspense_limit_init(&limits[i]);
    return limits;
}

int toll_workers_init_lanes(struct toll_workers *workers, const struct toll_lane *lanes, unsigned lane_count,
                            unsigned count, bool pin, const struct toll_workers_io *io, size_t block_rows,
                            struct toll_error *error)
{
    memset(workers, 0, sizeof *workers);
    TOLL_ASSERT(count >= 1 && count <= TOLL_WORKERS_MAX);
    TOLL_ASSERT(lane_count >= 1 && lane_count <= TOLL_LANES_MAX && (lane_count == 1 || io->taken));
    memcpy(workers->lanes, lanes, lane_count * sizeof *lanes);
    workers->lane_count = lane_count;
    workers->merge = io->merge;
    TOLL_ASSERT((io->merge != NULL) == ((lanes[0].optional & TOLL_LINES_BOOK) != 0));
    TOLL_ASSERT(io->merge == NULL || !io->taken);
    TOLL_ASSERT((lanes[0].optional & TOLL_LINES_NARROW_MOST) == 0 || (io->merge == NULL && !io->taken));
    workers->pin = pin;
    workers->kept_at = cdr_bytes_of(lanes, lane_count, io);
    workers->taken = io->taken;
    workers->columns = columns_of(lanes, lane_count);
    workers->draws = any_draws(lanes, lane_count);
    workers->same_ends = any_same_ends(lanes, lane_count);
    workers->by_turn = lines_by_turn(lanes, lane_count, io);
    workers->block_rows = block_rows == 0 ? TOLL_BLOCK_ROWS : block_rows;
    TOLL_ASSERT(workers->block_rows <= TOLL_BLOCK_ROWS_MAX);
    workers->turn_rows = turn_rows(lane_count, workers->block_rows);
    const size_t bytes = count * sizeof *workers->worker;
    workers->worker = aligned_alloc(TOLL_WORKER_ALIGNMENT, bytes);
    workers->suspense_limits = make_limits(lane_count);
    if (workers->worker == NULL || workers->suspense_limits == NULL) {
        toll_workers_free(workers);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for %u workers", count);
    }
    memset(workers->worker, 0, bytes);
    workers->count = count;
    for (unsigned i = 0; i < count; i++) {
        workers->worker[i].workers = workers;
        workers->worker[i].index = i;
        const int rc = worker_init(&workers->worker[i], io, error);
        if (rc != 0) {
            toll_workers_free(workers);
            return rc;
        }
    }
    return 0;
}

int toll_workers_init(struct toll_workers *workers, const struct toll_rater *rater, unsigned count, bool pin,
                      const struct toll_workers_io *io, size_t block_rows, struct toll_error *error)
{
    const struct toll_lane lane = {.rater = rater, .optional = io->optional};
    return toll_workers_init_lanes(workers, &lane, 1, count, pin, io, block_rows, error);
}

static void lane_free(struct toll_worker_lane *lane)
{
    toll_tally_free(&lane->tally);
    toll_spent_free(&lane->spent);
    free(lane->cursors);
}

void toll_workers_free(struct toll_workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        struct toll_worker *worker = &workers->worker[i];
        toll_bulk_close(worker->bulk);
        for (unsigned lane = 0; worker->lanes != NULL && lane < workers->lane_count; lane++)
            lane_free(&worker->lanes[lane]);
        for (unsigned k = 0; k < TOLL_OUTPUTS_MOST; k++)
            for (unsigned lane = 0; worker->outputs[k].lanes != NULL && lane < workers->lane_count; lane++) {
                toll_draws_free(&worker->outputs[k].lanes[lane].draws);
                toll_draws_free(&worker->outputs[k].lanes[lane].cost_draws);
            }
        free(worker->lanes);
        free(worker->taken);
        free(worker->lane_memory);
        free(worker->merge);
        free(worker->found_memory);
        free(worker->memory);
    }
    for (unsigned lane = 0; workers->suspense_limits != NULL && lane < workers->lane_count; lane++)
        toll_suspense_limit_free(&workers->suspense_limits[lane]);
    free(workers->suspense_limits);
    free(workers->worker);
    memset(workers, 0, sizeof *workers);
}

/* ---- all of them ---- */

static void *work_in_thread(void *argument)
{
    struct toll_worker *worker = argument;
    if (worker->workers->pin)
        pin_to(worker->index);
    toll_worker_work(worker);
    return NULL;
}

int toll_workers_run(struct toll_workers *workers, const struct toll_workers_request *request,
                     struct toll_error *error)
{
    struct toll_worker_job job = {.request = request,
                                  .lanes = request->lanes == 0 ? UINT64_MAX : request->lanes};
    TOLL_ASSERT(!workers->draws || request->pools != NULL);
    TOLL_ASSERT(request->taker == NULL || (workers->taken && request->lanes == 0));
    toll_baton_init(&job.baton);
    for (size_t i = 0; i < request->part_count; i++) {
        request->parts[i].first_batch = job.batches;
        job.batches += toll_cdr_part_batches(request->parts[i].part);
    }
    unsigned started = 1;
    for (unsigned i = 0; i < workers->count; i++) {
        workers->worker[i].job = &job;
        workers->worker[i].rc = 0;
        workers->worker[i].block.beyond = 0;
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
    toll_worker_work(&workers->worker[0]);
    if (workers->pin)
        pthread_setaffinity_np(pthread_self(), sizeof before, &before);

    for (unsigned i = 1; i < started; i++) /* before the first is told: until then they hold the baton */
        pthread_join(workers->worker[i].thread, NULL);
    const struct toll_worker *failed = NULL;
    for (unsigned i = 0; i < started; i++) {
        struct toll_worker *worker = &workers->worker[i];
        worker->job = NULL;
        for (unsigned lane = 0; workers->draws && lane < workers->lane_count; lane++)
            toll_spent_tell(&worker->lanes[lane].spent, request->pools[lane]);
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

struct toll_tally *toll_workers_tally(const struct toll_workers *workers, unsigned worker, unsigned lane)
{
    return &workers->worker[worker].lanes[lane].tally;
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

static void clear_lane(struct toll_workers *workers, unsigned lane)
{
    const struct toll_book *book = workers->lanes[lane].rater->book;
    toll_suspense_limit_clear(&workers->suspense_limits[lane]);
    for (unsigned i = 0; i < workers->count; i++) {
        struct toll_worker_lane *own = &workers->worker[i].lanes[lane];
        toll_tally_clear(&own->tally, book);
        memset(own->cursors, 0, ((size_t)book->deck_count + 1) * sizeof *own->cursors);
    }
}

struct toll_tally *toll_workers_sum(struct toll_workers *workers, unsigned lane)
{
    const struct toll_book *book = workers->lanes[lane].rater->book;
    struct toll_tally *sum = &workers->worker[0].lanes[lane].tally;
    for (unsigned i = 1; i < workers->count; i++) {
        struct toll_tally *tally = &workers->worker[i].lanes[lane].tally;
        toll_tally_merge(sum, tally, book);
        toll_tally_clear(tally, book);
    }
    return sum;
}

int toll_workers_number_ends(struct toll_workers *workers, unsigned lane, struct toll_tuples *tuples,
                             struct toll_error *error)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < workers->count; i++) {
        const struct toll_tally *tally = &workers->worker[i].lanes[lane].tally;
        rc = toll_tally_check(tally, error);
        if (rc == 0)
            rc = toll_tuple_ends_collect(tuples->ends, &tally->tuples.seen, error);
    }
    clear_lane(workers, lane);
    if (rc == 0)
        rc = toll_tuple_ends_number(tuples, error);
    for (unsigned i = 0; rc == 0 && i < workers->count; i++)
        if (!toll_tally_reserve(&workers->worker[i].lanes[lane].tally, workers->lanes[lane].rater->book))
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of taxed calls");
    return rc;
}

void toll_workers_clear(struct toll_workers *workers)
{
    for (unsigned lane = 0; lane < workers->lane_count; lane++)
        clear_lane(workers, lane);
    for (unsigned i = 0; i < workers->count; i++)
        memset(workers->worker[i].stage_ns, 0, sizeof workers->worker[i].stage_ns);
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
