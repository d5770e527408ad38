/*
 * What a run takes of memory, worked out before any of it is taken: the book, what each worker has, and what
 * the tables take while they are written. Under a bound there are fewer workers, then no ring and no batches
 * ahead; where one plain worker does not fit, nothing is begun. What is found only on the way is not in it:
 * pools and tiers with their balances, sums by tax tuple beyond the first ones.
 */
#include "pipeline/rate.h"

#include "base/error.h"

#include <sys/resource.h>

#define PRICE_ROW_BYTES 384  /* a row of prices.arrow: its id, as columns, words of its own */
#define BUCKET_ROW_BYTES 256 /* of buckets.arrow or accounts.arrow, the same */
#define BATCH_BYTES 2048     /* what is known of a batch of an open part: places, checksums */
/* Everything that is small: manifests, threads' stacks, the program. */
#define REST_BYTES ((int64_t)8 << 20)
#define MIB ((int64_t)1 << 20)

static int64_t fixed_bytes(const struct toll_book *book, int64_t rows)
{
    return REST_BYTES + (int64_t)book->image_bytes + (rows / TOLL_BATCH_ROWS + 1) * BATCH_BYTES +
           (int64_t)book->price_count * PRICE_ROW_BYTES +
           ((int64_t)book->bucket_count + book->account_count) * BUCKET_ROW_BYTES;
}

/* Tables that every row touches, in memory of their own: rater.h. */
static int64_t table_bytes(const struct toll_rater *rater)
{
    return (int64_t)(rater->hot.size + rater->sheets.term_count * sizeof *rater->sheets.terms);
}

static int64_t needed(const struct toll_rate_memory *memory, unsigned threads)
{
    return memory->fixed_bytes + threads * memory->worker_bytes;
}

/* A book that was changed in memory lies in the image of the one it was. */
static bool is_shared(const struct toll_lane *lanes, unsigned lane)
{
    for (unsigned i = 0; i < lane; i++)
        if (lanes[i].rater->book->image == lanes[lane].rater->book->image)
            return true;
    return false;
}

static int64_t mib_up(int64_t bytes)
{
    return (bytes + MIB - 1) / MIB;
}

int toll_rate_memory_plan(struct toll_rate_memory *memory, const struct toll_lane *lanes, unsigned lane_count,
                          int64_t rows, struct toll_workers_io *io, int64_t bound_bytes,
                          struct toll_error *error)
{
    const struct toll_book *book = lanes->rater->book;
    const struct toll_workers_io wanted = *io;
    memory->fixed_bytes = 0;
    for (unsigned i = 0; i < lane_count; i++) {
        const struct toll_book *one = lanes[i].rater->book;
        memory->fixed_bytes += fixed_bytes(one, rows) + table_bytes(lanes[i].rater);
        if (is_shared(lanes, i))
            memory->fixed_bytes -= (int64_t)one->image_bytes;
    }
    memory->worker_bytes = (int64_t)toll_worker_bytes(lanes, lane_count, io);
    while (bound_bytes > 0 && needed(memory, memory->threads) > bound_bytes) {
        struct toll_workers_io plain = wanted;
        plain.ring = false;
        io->ring = false;
        memory->worker_bytes = (int64_t)toll_worker_bytes(lanes, lane_count, &plain);
        if (needed(memory, memory->threads) <= bound_bytes)
            break;
        if (memory->threads == 1)
            return toll_error_set(error, TOLL_EUSAGE,
                                  "rating needs at least %lld MiB of memory for %llu numbers, %u accounts "
                                  "and %u price rows, and "
                                  "--memory is %lld MiB; give it as much, or leave it out",
                                  (long long)mib_up(needed(memory, 1)),
                                  (unsigned long long)book->number_count, book->account_count - 1,
                                  book->price_count - 1, (long long)(bound_bytes / MIB));
        memory->threads--;
        *io = wanted;
        memory->worker_bytes = (int64_t)toll_worker_bytes(lanes, lane_count, io);
    }
    memory->reserved_bytes = needed(memory, memory->threads);
    return 0;
}

int64_t toll_memory_peak(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}
