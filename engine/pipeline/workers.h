/*
 * Workers: each takes the next batch of 65,536 rows, reads and checks its columns, rates it block by block
 * and writes the lines. Several books can rate the same rows side by side, each in a lane of its own: then
 * the lines are not written, but handed to whoever sums them. With a ring the next batches are read and the
 * last lines written meanwhile. All memory is reserved here, before the first row. Answers, files and sums
 * are the same for any number of workers, block size and way of reading.
 */
#ifndef TOLL_PIPELINE_WORKERS_H
#define TOLL_PIPELINE_WORKERS_H

#include "pipeline/merge.h"
#include "tollmill.h"

#define TOLL_WORKERS_MAX 256

/* What belongs to one book. A run has one lane. */
struct toll_lane {
    const struct toll_rater *rater;
    unsigned optional; /* columns of its lines: bits TOLL_LINES_...; BOOK if some are kept */
    bool same_ends;    /* toll_rater_same_ends with the first lane: what that finds is taken */
    bool slots;        /* a taker wants to know where its rows count */
};
#define TOLL_LANES_MAX 64
/* What a part's dictionaries mean to one lane. */
struct toll_part_lane {
    struct toll_part_map map;
    const uint64_t *closed; /* a bit for each row that is closed; NULL: none is (pipeline/after.h) */
};

/* One CDR part to rate. */
struct toll_job_part {
    const struct toll_cdr_part *part;
    struct toll_part_lane *lanes;
    const struct toll_lines *kept;   /* lines of an earlier run; NULL: every row is rated */
    struct toll_lines_writer *lines; /* NULL: the lines stay in the worker's memory and are overwritten */
    uint32_t ordinal;                /* in the run */
    int64_t first_batch;             /* set by toll_workers_run */
};

/* The finished lines of one lane, of the rows that a taker is told of. */
struct toll_lane_lines {
    struct toll_line_columns lines;
    const uint32_t *plans;          /* of the payer, 0 none */
    const uint32_t *slots;          /* of the tally, 0 none; NULL: the lane does not want them */
    const struct toll_tally *tally; /* of the worker */
};
/* Told of the same rows of all lanes, in no order, by the worker that has rated them; at most
 * TOLL_BLOCK_ROWS_MAX rows. */
struct toll_taker {
    void (*take)(void *context, unsigned worker, const struct toll_cdr_batch *cdrs,
                 const struct toll_lane_lines *lanes);
    void *context;
};

struct toll_worker;
struct toll_workers {
    struct toll_lane lanes[TOLL_LANES_MAX];
    unsigned lane_count;
    const struct toll_merge *merge;
    struct toll_worker *worker;
    struct toll_suspense_limit *suspense_limits; /* by lane, of all workers' summaries */
    uint32_t columns;                            /* that some lane reads */
    unsigned count;
    size_t kept_at; /* of an input: where what is kept of an earlier run is read to */
    size_t block_rows;
    size_t turn_rows; /* that one lane rates before the next has its turn: whole blocks */
    bool pin, draws, taken;
    bool same_ends; /* some lane has */
    bool by_turn;   /* taken lines live no longer than their turn: no lane needs more */
};

/* How many cores the process may use, at most TOLL_WORKERS_MAX. */
unsigned toll_workers_cores(void);

/* How the workers read and write; only speed depends on it. */
struct toll_workers_io {
    const struct toll_io *io;
    bool mapped;                    /* the parts are: batches need no memory to be read into */
    bool ring;                      /* some transfers go by a ring, if the system allows one */
    size_t in_flight_bytes;         /* of all workers; 0: TOLL_BULK_IN_FLIGHT_BYTES */
    size_t piece_bytes;             /* 0: TOLL_BULK_PIECE_BYTES */
    unsigned ahead;                 /* batches that are read at once by a ring; 0: TOLL_WORKERS_AHEAD */
    const struct toll_merge *merge; /* an earlier run's lines are kept; NULL: there is none */
    unsigned optional;              /* of the only lane: see struct toll_lane */
    bool closed;                    /* some parts have closed rows */
    bool taken;                     /* lines go to a taker; nothing is written */
    size_t taker_bytes;             /* what a taker has for each worker: it only counts */
};
#define TOLL_WORKERS_AHEAD 3
#define TOLL_WORKERS_AHEAD_MAX 6

/* block_rows: 0 for TOLL_BLOCK_ROWS; only speed depends on it. */
int toll_workers_init(struct toll_workers *workers, const struct toll_rater *rater, unsigned count, bool pin,
                      const struct toll_workers_io *io, size_t block_rows, struct toll_error *error);
/* The same of several lanes, which io->taken needs. */
int toll_workers_init_lanes(struct toll_workers *workers, const struct toll_lane *lanes, unsigned lane_count,
                            unsigned count, bool pin, const struct toll_workers_io *io, size_t block_rows,
                            struct toll_error *error);
/* What one worker would reserve. */
size_t toll_worker_bytes(const struct toll_lane *lanes, unsigned lane_count,
                         const struct toll_workers_io *io);
void toll_workers_free(struct toll_workers *workers); /* safe on a zeroed struct */

struct toll_workers_request {
    struct toll_job_part *parts;
    size_t part_count;
    const struct toll_progress *progress; /* told by the calling thread; NULL nobody */
    int64_t rows_before, rows_total;      /* of the run, for progress */
    struct toll_pools *const *pools;      /* by lane; NULL only if a book has neither bundles nor tiers */
    uint64_t lanes;                       /* bits of the lanes that take part; 0: all */
    const struct toll_taker *taker;       /* of the lines; NULL unless io->taken, and in first passes */
    bool count_only;                      /* draw and count, but neither charge nor write: a first pass */
    bool collect_ends;                    /* neither draw nor write: what tuples there are (tuple_ends.h) */
    bool hash_lines;                      /* also keep the XXH3-128 of each batch's lines: for benches */
    struct toll_hash128 *hashes;          /* of all batches, in order */
};
/* Rates all batches of the parts; the calling thread is one of the workers. Sums stay in the workers. The
 * error is that of the earliest batch that failed among those that were tried. */
int toll_workers_run(struct toll_workers *workers, const struct toll_workers_request *request,
                     struct toll_error *error);
/* Adds up all workers' sums into the first one's, which is returned and valid until the next run; what it has
 * of suspense is not finished. */
struct toll_tally *toll_workers_sum(struct toll_workers *workers, unsigned lane);
/* One worker's sums; after toll_workers_sum the first one's are those of all, and the others' are empty. */
struct toll_tally *toll_workers_tally(const struct toll_workers *workers, unsigned worker, unsigned lane);
/* Bytes of columns and lines by the path they took, of all workers so far. */
struct toll_bulk_counts toll_workers_io_counts(const struct toll_workers *workers);
/* Why a ring that was wanted was not used, or not to the end; "" otherwise. */
const char *toll_workers_io_refusal(const struct toll_workers *workers);
/* After a pass that collected them: gives a lane's tuples by ends of calls their ids, and forgets its
 * sums. */
int toll_workers_number_ends(struct toll_workers *workers, unsigned lane, struct toll_tuples *tuples,
                             struct toll_error *error);
/* Forgets all sums and the cursors. */
void toll_workers_clear(struct toll_workers *workers);
/* From here on sums nanoseconds by stage; toll_workers_stages adds them up. */
void toll_workers_measure(struct toll_workers *workers, bool on);
void toll_workers_stages(const struct toll_workers *workers, int64_t stage_ns[TOLL_STAGES]);

#endif
