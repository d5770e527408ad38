/*
 * Inside of the workers (pipeline/workers.h): what one of them has. workers.c makes and runs them,
 * worker_batches.c is what each does with its batches.
 */
#ifndef TOLL_PIPELINE_WORKER_H
#define TOLL_PIPELINE_WORKER_H

#include "pipeline/baton.h"
#include "pipeline/draws.h"
#include "pipeline/workers.h"

#include <pthread.h>
#include <stdatomic.h>

/* Two cache lines, which the processor likes to fetch together: workers share none. */
#define TOLL_WORKER_ALIGNMENT 128

#define TOLL_OUTPUTS_MOST 4 /* of which all but one may wait for their turn */

/* A batch that is read, and one that is written. */
struct toll_worker_input {
    const struct toll_job_part *part;
    int64_t batch;   /* of all parts */
    uint8_t *buffer; /* NULL: the parts are mapped */
    struct toll_cdr_reading reading;
    struct toll_lines_reading kept; /* behind the CDRs in the buffer */
};
/* What one lane makes of a batch; of a turn, if taken lines live no longer. */
struct toll_lane_output {
    uint8_t *block;
    uint32_t *plans; /* NULL unless the lines are taken */
    uint32_t *slots; /* NULL unless the lane wants them */
    struct toll_line_columns lines;
    struct toll_draws draws, cost_draws;
};
struct toll_worker_output {
    const struct toll_job_part *part;
    int64_t batch;
    int ticket; /* -1: not being written */
    bool waits; /* for its turn to draw */
    int64_t rows, first_row;
    struct toll_lane_output *lanes;
    /* what a taker reads of the CDRs, kept as long as the lines wait; NULL: the parts are mapped */
    int64_t *start;
    uint16_t *kind;
    struct toll_cdr_batch taken;
};
struct toll_worker_lane {
    struct toll_tally tally;
    struct toll_band_cursor *cursors;
    struct toll_spent spent;
};

struct toll_worker_job {
    const struct toll_workers_request *request;
    int64_t batches;
    uint64_t lanes; /* bits of those that take part */
    _Alignas(TOLL_WORKER_ALIGNMENT) _Atomic int64_t next;
    _Atomic int64_t rows_done;
    atomic_bool stop;
    struct toll_baton baton;
};

struct toll_worker {
    _Alignas(TOLL_WORKER_ALIGNMENT) struct toll_block block;
    struct toll_cdr_checking checking;
    struct toll_worker_lane *lanes;
    struct toll_lane_lines *taken; /* by lane */
    struct toll_block_found found; /* of a turn; NULLs: no lane asks */
    uint8_t *found_memory;
    struct toll_merge_scratch *merge; /* NULL without an earlier run or closed rows */
    struct toll_bulk *bulk;
    uint8_t *memory;                      /* of inputs and outputs */
    struct toll_lane_output *lane_memory; /* outputs' lanes */
    struct toll_worker_input inputs[TOLL_WORKERS_AHEAD_MAX];
    struct toll_worker_output outputs[TOLL_OUTPUTS_MOST];
    unsigned input_count, output_count;
    int64_t stage_ns[TOLL_STAGES];
    bool measure;

    /* of the current run */
    struct toll_workers *workers;
    struct toll_worker_job *job;
    unsigned index;
    int64_t failed_batch;
    struct toll_error error;
    int rc;
    pthread_t thread;
};

/* Batches until there are none left, or an error. */
void toll_worker_work(struct toll_worker *worker);

#endif
