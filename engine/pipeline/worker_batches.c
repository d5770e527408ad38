/*
 * What a worker does with its batches. The batch counter is the only thing that workers share while they
 * work; where a book has bundles or tiers the baton, too: then a batch that is rated waits for its turn in
 * one of the worker's outputs, while its worker goes on with the next. One baton is enough for all lanes.
 */
#include "base/check.h"
#include "pipeline/after.h"
#include "pipeline/worker.h"

#include <string.h>
#include <time.h>

#define TURNS_BETWEEN_PUSHES 8

static int64_t thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of a column's values, whatever their width. */
static struct toll_hash128 hash_ids(const int32_t *wide, const uint16_t *narrow, size_t rows)
{
    if (wide != NULL || rows == 0)
        return toll_hash(wide, rows * sizeof *wide);
    struct toll_hash_state state;
    int32_t some[TOLL_BLOCK_ROWS];
    toll_hash_begin(&state);
    for (size_t at = 0; at < rows; at += TOLL_BLOCK_ROWS) {
        const size_t count = rows - at < TOLL_BLOCK_ROWS ? rows - at : TOLL_BLOCK_ROWS;
        for (size_t i = 0; i < count; i++)
            some[i] = narrow[at + i];
        toll_hash_add(&state, some, count * sizeof *some);
    }
    return toll_hash_end(&state);
}

static struct toll_hash128 hash_lines(const struct toll_line_columns *lines, size_t rows, bool taxed)
{
    const struct toll_line_narrow *narrow = &lines->narrow;
    const size_t pooled = toll_line_columns_pooled(lines) ? rows : 0;
    struct toll_hash128 each[12] = {
        hash_ids(lines->account, narrow->account, rows),
        hash_ids(lines->price, narrow->price, rows),
        hash_ids(lines->billed, narrow->billed, rows),
        toll_hash(lines->charge, rows * sizeof *lines->charge),
        toll_hash(lines->status, rows),
        toll_hash(lines->class_jurisdiction, rows),
        hash_ids(lines->included, narrow->included, pooled),
        hash_ids(lines->pool, narrow->pool, pooled),
    };
    size_t count = pooled == 0 ? 6 : 8;
    if (lines->cost != NULL) {
        each[count++] = toll_hash(lines->cost, rows * sizeof *lines->cost);
        each[count++] = hash_ids(lines->cost_price, narrow->cost_price, rows);
        each[count++] = toll_hash(lines->cost_status, rows);
    }
    if (taxed)
        each[count++] = hash_ids(lines->tuple, narrow->tuple, rows);
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
static bool begin_batch(struct toll_worker *worker, struct toll_worker_input *input)
{
    struct toll_worker_job *job = worker->job;
    const int64_t batch = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (batch >= job->batches)
        return false;
    const int64_t begun = worker->measure ? thread_ns() : 0;
    input->part = part_of(job->request, batch);
    input->batch = batch;
    const uint32_t columns = worker->workers->columns;
    uint8_t *behind = input->buffer == NULL ? NULL : input->buffer + worker->workers->kept_at;
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

static bool finish_output(struct toll_worker *worker, struct toll_worker_output *output)
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

static struct toll_worker_output *oldest(struct toll_worker *worker, bool waiting)
{
    struct toll_worker_output *found = NULL;
    for (unsigned i = 0; i < worker->output_count; i++) {
        struct toll_worker_output *output = &worker->outputs[i];
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

static bool takes_part(const struct toll_worker *worker, unsigned lane)
{
    return (worker->job->lanes >> lane & 1) != 0;
}

/* ---- lines that are taken ---- */

#define FROM(column, first) ((column) == NULL ? NULL : (column) + (first))

/* Rows of the lanes' lines from `first` on, of which cdrs are the CDRs. */
static void hand_over(struct toll_worker *worker, const struct toll_worker_output *output,
                      const struct toll_cdr_batch *cdrs, size_t first)
{
    const struct toll_taker *taker = worker->job->request->taker;
    const struct toll_workers *workers = worker->workers;
    for (unsigned lane = 0; lane < workers->lane_count; lane++) {
        const struct toll_lane_output *from = &output->lanes[lane];
        worker->taken[lane] = (struct toll_lane_lines){
            .lines = toll_line_columns_from(&from->lines, first),
            .plans = from->plans + first,
            .slots = FROM(from->slots, first),
            .tally = &worker->lanes[lane].tally,
        };
    }
    taker->take(taker->context, worker->index, cdrs, worker->taken);
}

static void take_batch(struct toll_worker *worker, const struct toll_worker_output *output)
{
    const size_t rows = (size_t)output->rows, step = worker->workers->block_rows;
    for (size_t first = 0; first < rows; first += step) {
        const size_t some = rows - first < step ? rows - first : step;
        const struct toll_cdr_batch cdrs = {
            .rows = (int64_t)some,
            .first_row = output->first_row + (int64_t)first,
            .start = output->taken.start + first,
            .kind = output->taken.kind + first,
        };
        hand_over(worker, output, &cdrs, first);
    }
}

/* What the taker reads of the CDRs must last as long as the lines wait. */
static void keep_cdrs(struct toll_worker_output *output, const struct toll_cdr_batch *batch)
{
    output->taken = (struct toll_cdr_batch){.start = batch->start, .kind = batch->kind};
    if (output->start == NULL)
        return;
    memcpy(output->start, batch->start, (size_t)batch->rows * sizeof *batch->start);
    memcpy(output->kind, batch->kind, (size_t)batch->rows * sizeof *batch->kind);
    output->taken.start = output->start;
    output->taken.kind = output->kind;
}

/* ---- outputs that are done ---- */

/* What was known beforehand did not hold: a part's manifest says less than its calls have. */
static bool refuse_beyond(struct toll_worker *worker, const struct toll_worker_output *output)
{
    if (worker->rc == 0)
        fail(worker, output->batch,
             toll_error_set(&worker->error, TOLL_EDATA,
                            "a line bills more than the dataset's manifest lets expect (most_duration_ms, "
                            "most_quantity): it was not written by an import; tollmill verify tells more"));
    return false;
}

/* The lines are as they will be. */
static bool finish_lines(struct toll_worker *worker, struct toll_worker_output *output)
{
    const struct toll_workers_request *request = worker->job->request;
    const struct toll_job_part *part = output->part;
    const struct toll_workers *workers = worker->workers;
    if (worker->block.beyond >= TOLL_LINE_NARROW_END)
        return refuse_beyond(worker, output);
    if (request->hash_lines)
        request->hashes[output->batch] = hash_lines(&output->lanes[0].lines, (size_t)output->rows,
                                                    workers->lanes[0].rater->tuples != NULL);
    atomic_fetch_add_explicit(&worker->job->rows_done, output->rows, memory_order_relaxed);
    if (request->taker != NULL && !workers->by_turn)
        take_batch(worker, output);
    if (part->lines == NULL)
        return true;
    output->ticket = toll_lines_write_begin(part->lines, output->batch - part->first_batch,
                                            output->lanes[0].block, worker->bulk);
    return toll_bulk_has_ring(worker->bulk) || finish_output(worker, output);
}

static bool lane_draws(const struct toll_worker *worker, unsigned lane)
{
    return worker->workers->lanes[lane].rater->draws != NULL && takes_part(worker, lane);
}

/* In the order of the calls. */
static void draw_lane(struct toll_worker *worker, struct toll_worker_output *output, unsigned lane)
{
    struct toll_worker_lane *own = &worker->lanes[lane];
    struct toll_lane_output *of = &output->lanes[lane];
    const struct toll_rater *rater = worker->workers->lanes[lane].rater;
    struct toll_pools *pools = worker->job->request->pools[lane];
    toll_spent_tell(&own->spent, pools);
    toll_draws_in_order(&of->draws, rater, own->cursors, pools);
    toll_draws_in_order(&of->cost_draws, rater, own->cursors, pools);
}

static void charge_lane(struct toll_worker *worker, struct toll_worker_output *output, unsigned lane)
{
    struct toll_worker_lane *own = &worker->lanes[lane];
    struct toll_lane_output *of = &output->lanes[lane];
    const struct toll_draws_context context = {
        .rater = worker->workers->lanes[lane].rater,
        .cursors = own->cursors,
        .tally = &own->tally,
        .spent = &own->spent,
        .beyond = &worker->block.beyond,
        .part = output->part->ordinal,
        .first_row = output->first_row,
    };
    if (!worker->job->request->count_only) {
        toll_draws_charge(&of->draws, &context, &of->lines);
        toll_cost_draws_charge(&of->cost_draws, &context, &of->lines);
    }
    toll_draws_clear(&of->draws);
    toll_draws_clear(&of->cost_draws);
}

/* What an output whose turn it is has asked for so far; pass: it is all, and the turn goes on. */
static void draw_asked(struct toll_worker *worker, struct toll_worker_output *output, bool pass)
{
    const unsigned lanes = worker->workers->lane_count;
    const int64_t begun = since(worker, 0);
    for (unsigned lane = 0; lane < lanes; lane++)
        if (lane_draws(worker, lane))
            draw_lane(worker, output, lane);
    if (pass)
        toll_baton_pass(&worker->job->baton);
    const int64_t drawn = since(worker, begun);
    worker->stage_ns[TOLL_STAGE_DRAW] += drawn;
    for (unsigned lane = 0; lane < lanes; lane++)
        if (lane_draws(worker, lane))
            charge_lane(worker, output, lane);
    worker->stage_ns[TOLL_STAGE_REST] += since(worker, begun + drawn);
}

/* An output that is rated and whose turn it is. */
static bool draw_output(struct toll_worker *worker, struct toll_worker_output *output)
{
    draw_asked(worker, output, true);
    output->waits = false;
    return finish_lines(worker, output);
}

/* Of the outputs that wait all whose turn has come. */
static bool draw_ready(struct toll_worker *worker)
{
    bool good = true;
    for (struct toll_worker_output *output = oldest(worker, true);
         good && output != NULL && toll_baton_has(&worker->job->baton, output->batch);
         output = oldest(worker, true))
        good = draw_output(worker, output);
    return good;
}

/* The oldest one that waits, when its turn comes; false: it will not. */
static bool draw_oldest(struct toll_worker *worker)
{
    struct toll_worker_output *output = oldest(worker, true);
    return toll_baton_wait(&worker->job->baton, output->batch) && draw_output(worker, output);
}

/* A free output, the first there is: its memory is likely to be near. NULL: after an error. */
static struct toll_worker_output *free_output(struct toll_worker *worker)
{
    for (;;) {
        for (unsigned i = 0; i < worker->output_count; i++)
            if (!worker->outputs[i].waits && worker->outputs[i].ticket < 0)
                return &worker->outputs[i];
        struct toll_worker_output *written = oldest(worker, false);
        if (written != NULL ? !finish_output(worker, written) : !draw_oldest(worker))
            return NULL;
    }
}

/* ---- one batch ---- */

/* Does what the lines draw matter in this pass? */
static bool draws_now(const struct toll_worker *worker)
{
    return worker->workers->draws && !worker->job->request->collect_ends;
}

static struct toll_block_context context_of(struct toll_worker *worker, const struct toll_job_part *part,
                                            struct toll_worker_output *output, unsigned lane)
{
    struct toll_lane_output *of = &output->lanes[lane];
    const bool draws = draws_now(worker) && lane_draws(worker, lane);
    return (struct toll_block_context){
        .rater = worker->workers->lanes[lane].rater,
        .map = &part->lanes[lane].map,
        .part = part->ordinal,
        .block = &worker->block,
        .cursors = worker->lanes[lane].cursors,
        .tally = &worker->lanes[lane].tally,
        .draws = draws ? &of->draws : NULL,
        .cost_draws = draws && of->cost_draws.memory != NULL ? &of->cost_draws : NULL,
        .plans = of->plans,
        .slots = of->slots,
        .no_suspense = worker->workers->taken,
        .no_sums = worker->workers->taken && worker->workers->lanes[lane].rater->tuples == NULL,
        .stage_ns = worker->measure ? worker->stage_ns : NULL,
    };
}

/* The next rows of the batch, just before they are rated. */
static bool check_rows(struct toll_worker *worker, const struct toll_worker_input *input,
                       const struct toll_cdr_batch *batch, size_t rows)
{
    const int64_t begun = since(worker, 0);
    const int rc = toll_cdr_checking_rows(&worker->checking, batch, (int64_t)rows, &worker->error);
    worker->stage_ns[TOLL_STAGE_READ] += since(worker, begun);
    if (rc != 0)
        fail(worker, input->batch, rc);
    return rc == 0;
}

static struct toll_block_found found_from(const struct toll_block_found *found, size_t at)
{
    return (struct toll_block_found){
        .near = found->near + at,
        .owner = found->owner + at,
        .legs = found->legs + at,
        .leg_count = found->leg_count + at,
        .shape = found->shape + at,
        .class_jurisdiction = found->class_jurisdiction + at,
    };
}

/* Rows [first, first + rows) of a batch, or of a turn, block by block. */
static void rate_lane(struct toll_worker *worker, const struct toll_worker_input *input,
                      const struct toll_cdr_batch *batch, size_t first, size_t rows,
                      struct toll_worker_output *output, unsigned lane)
{
    struct toll_block_context context = context_of(worker, input->part, output, lane);
    const struct toll_workers *workers = worker->workers;
    const size_t step = workers->block_rows;
    const bool keeps = lane == 0 && workers->same_ends,
               takes = workers->lanes[lane].same_ends && lane > 0 && takes_part(worker, 0);
    struct toll_block_found found = {0};
    context.found = keeps || takes ? &found : NULL;
    context.was_found = takes;
    for (size_t at = 0; at < rows; at += step) {
        if (context.found != NULL)
            found = found_from(&worker->found, at);
        toll_block_rate(&context, batch, first + at, rows - at < step ? rows - at : step,
                        &output->lanes[lane].lines);
    }
}

/* The next rows of all lanes. */
static void rate_turn(struct toll_worker *worker, const struct toll_worker_input *input,
                      const struct toll_cdr_batch *batch, size_t first, size_t rows,
                      struct toll_worker_output *output)
{
    const struct toll_workers *workers = worker->workers;
    const size_t step = workers->block_rows;
    struct toll_cdr_batch turn;
    if (workers->by_turn) /* the lines have room for no more */
        turn = toll_cdr_batch_from(batch, first, rows, TOLL_CDR_ALL_COLUMNS);
    for (unsigned lane = 0; lane < workers->lane_count; lane++)
        if (takes_part(worker, lane))
            rate_lane(worker, input, workers->by_turn ? &turn : batch, workers->by_turn ? 0 : first, rows,
                      output, lane);
    for (size_t at = 0; workers->by_turn && worker->job->request->taker != NULL && at < rows; at += step) {
        const size_t some = rows - at < step ? rows - at : step;
        const struct toll_cdr_batch block = toll_cdr_batch_from(&turn, at, some, TOLL_CDR_ALL_COLUMNS);
        hand_over(worker, output, &block, at);
    }
}

static bool rate_rows(struct toll_worker *worker, const struct toll_worker_input *input,
                      const struct toll_cdr_batch *batch, struct toll_worker_output *output)
{
    const size_t rows = (size_t)batch->rows, step = worker->workers->turn_rows;
    unsigned turns = 0;
    toll_cdr_checking_begin(&worker->checking, &input->reading,
                            worker->workers->lanes[0].rater->kernels->hash_add);
    for (size_t first = 0; first < rows; first += step) {
        const size_t some = rows - first < step ? rows - first : step;
        if (!check_rows(worker, input, batch, some))
            return false;
        rate_turn(worker, input, batch, first, some, output);
        if (++turns % TURNS_BETWEEN_PUSHES == 0 || worker->workers->lane_count > 1)
            toll_bulk_push(worker->bulk);
        if (!draws_now(worker))
            continue;
        if (!draw_ready(worker))
            return false;
        if (toll_baton_has(&worker->job->baton, output->batch)) /* as long as the block is near */
            draw_asked(worker, output, false);
    }
    return true;
}

/* The same where an earlier run's lines are kept. */
static int merge_rows(struct toll_worker *worker, const struct toll_worker_input *input,
                      const struct toll_cdr_batch *batch, struct toll_worker_output *output)
{
    const struct toll_merge *merge = worker->workers->merge;
    const struct toll_block_context context = context_of(worker, input->part, output, 0);
    struct toll_line_batch kept;
    const int rc = toll_lines_batch_end(&input->kept, &kept, &worker->error);
    if (rc != 0)
        return rc;
    return toll_merge_batch(merge, &context, worker->merge, batch, &kept, worker->workers->block_rows,
                            &output->lanes[0].lines, &worker->error);
}

/* The same where some rows are closed. */
static void closed_rows(struct toll_worker *worker, const struct toll_worker_input *input,
                        const struct toll_cdr_batch *batch, struct toll_worker_output *output)
{
    const struct toll_workers *workers = worker->workers;
    const int64_t first = (input->batch - input->part->first_batch) * TOLL_BATCH_ROWS;
    for (unsigned lane = 0; lane < workers->lane_count; lane++) {
        if (!takes_part(worker, lane))
            continue;
        const struct toll_block_context context = context_of(worker, input->part, output, lane);
        const uint64_t *closed = input->part->lanes[lane].closed;
        toll_closed_batch(&context, worker->merge, batch, closed == NULL ? NULL : closed + first / 64,
                          workers->block_rows, &output->lanes[lane].lines);
    }
}

static bool has_closed(const struct toll_worker *worker, const struct toll_job_part *part)
{
    for (unsigned lane = 0; lane < worker->workers->lane_count; lane++)
        if (part->lanes[lane].closed != NULL)
            return true;
    return false;
}

/* The lines' places in the output's memory, for a batch or a block. */
static void place_lines(const struct toll_worker *worker, struct toll_worker_output *output)
{
    const struct toll_workers *workers = worker->workers;
    const int64_t rows = workers->by_turn ? (int64_t)workers->turn_rows : output->rows;
    for (unsigned lane = 0; lane < workers->lane_count; lane++) {
        struct toll_lane_output *of = &output->lanes[lane];
        toll_draws_clear(&of->draws);
        toll_draws_clear(&of->cost_draws);
        toll_line_columns_place(&of->lines, of->block, rows, workers->lanes[lane].optional);
    }
}

static bool rate_batch(struct toll_worker *worker, const struct toll_worker_input *input)
{
    const bool draws = draws_now(worker);
    struct toll_worker_output *output = free_output(worker);
    struct toll_cdr_batch batch;
    bool good = true;
    if (output == NULL)
        return false;
    const int64_t begun = worker->measure ? thread_ns() : 0;
    const bool closed = has_closed(worker, input->part);
    const bool by_block = !closed && input->part->kept == NULL;
    int rc = by_block ? toll_cdr_part_batch_wait(&input->reading, &batch, &worker->error)
                      : toll_cdr_part_batch_end(&input->reading, &batch, &worker->error);
    if (rc == 0) {
        if (worker->measure)
            worker->stage_ns[TOLL_STAGE_READ] += thread_ns() - begun;
        output->part = input->part;
        output->batch = input->batch;
        output->rows = batch.rows;
        output->first_row = batch.first_row;
        place_lines(worker, output);
        if (worker->job->request->taker != NULL && !worker->workers->by_turn)
            keep_cdrs(output, &batch);
        if (closed)
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

void toll_worker_work(struct toll_worker *worker)
{
    struct toll_worker_job *job = worker->job;
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
    for (struct toll_worker_output *output = oldest(worker, false); output != NULL;
         output = oldest(worker, false))
        finish_output(worker, output);
    for (unsigned i = 0; i < worker->output_count; i++)
        worker->outputs[i].waits = false; /* after an error */
    toll_bulk_drain(worker->bulk);        /* reads that nobody wants any more */
}
