/* Rating in memory, for benchmarks: the passes of a run over an opened dataset, lines into the workers' own
 * memory. Whatever a run does before its lines (ends of calls, volume tiers) is done each time. */
#include "pipeline/line_widths.h"
#include "pipeline/rate.h"

#include "base/cpu.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct toll_bench_world {
    struct toll_book *book;
    bool borrowed; /* the book is another world's */
    char *dataset_path;
    struct toll_dataset dataset;
    bool dataset_open;
    struct toll_rater rater;
    struct toll_tuples *tuples;
    struct toll_part_set *sets;
    size_t set_count;
    int64_t rows, batches;
    struct toll_pools *pools;    /* NULL: the book has neither bundles nor tiers */
    struct toll_workers workers; /* of the last call; count 0: none yet */
    bool numbered;               /* the tuples by ends of calls have their ids */
    bool want_stages;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int open_parts(struct toll_bench_world *world, struct toll_error *error)
{
    const size_t count = world->dataset.part_count;
    world->sets = calloc(count / TOLL_PARTS_AT_ONCE + 1, sizeof *world->sets);
    if (world->sets == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (size_t first = 0; first < count; first += TOLL_PARTS_AT_ONCE) {
        const size_t last = count - first < TOLL_PARTS_AT_ONCE ? count : first + TOLL_PARTS_AT_ONCE;
        struct toll_part_set *set = &world->sets[world->set_count];
        const int rc = toll_part_set_open(set, &world->rater, 1, &world->dataset, first, last, TOLL_READ_MMAP,
                                          (uint32_t)first, NULL, error);
        if (rc != 0)
            return rc;
        world->set_count++;
        world->rows += set->rows;
        for (size_t i = 0; i < set->count; i++)
            world->batches += toll_cdr_part_batches(set->opened[i]);
    }
    return 0;
}

static int make_tuples(struct toll_bench_world *world, struct toll_error *error)
{
    toll_tuples_free(world->tuples);
    world->tuples = NULL;
    world->numbered = false;
    const int rc = toll_tuples_of_parts(world->book, &world->dataset, 0, world->dataset.part_count,
                                        &world->tuples, error);
    world->rater.tuples = world->tuples;
    return rc;
}

/* book: already opened, or NULL. */
static int open_world(const char *book_path, struct toll_book *book, const char *dataset_path,
                      enum toll_simd_choice simd, struct toll_bench_world **out, struct toll_error *error)
{
    const struct toll_io *io = toll_io_system();
    struct toll_bench_world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    unsigned features = 0;
    world->book = book;
    world->borrowed = book != NULL;
    world->dataset_path = strdup(dataset_path);
    int rc = world->dataset_path == NULL ? toll_error_set(error, TOLL_ENOMEM, "out of memory") : 0;
    if (rc == 0)
        rc = toll_simd_features(simd, toll_cpu_features(), &features, error);
    if (rc == 0) {
        rc = toll_dataset_open(&world->dataset, io, dataset_path, error);
        world->dataset_open = rc == 0;
    }
    if (rc == 0 && !world->borrowed)
        rc = toll_book_open(io, book_path, NULL, &world->book, error);
    if (rc == 0)
        rc = toll_rater_init(&world->rater, world->book, features, error);
    if (rc == 0)
        rc = make_tuples(world, error);
    if (rc == 0)
        rc = open_parts(world, error);
    if (rc != 0)
        toll_bench_close(world);
    else
        *out = world;
    return rc;
}

int toll_bench_open(const char *book_path, const char *dataset_path, enum toll_simd_choice simd,
                    struct toll_bench_world **out, struct toll_error *error)
{
    return open_world(book_path, NULL, dataset_path, simd, out, error);
}

int toll_bench_open_beside(const struct toll_bench_world *world, enum toll_simd_choice simd,
                           struct toll_bench_world **out, struct toll_error *error)
{
    return open_world(NULL, world->book, world->dataset_path, simd, out, error);
}

void toll_bench_close(struct toll_bench_world *world)
{
    if (world == NULL)
        return;
    toll_workers_free(&world->workers);
    toll_pools_free(world->pools);
    for (size_t i = 0; i < world->set_count; i++)
        toll_part_set_close(&world->sets[i]);
    free(world->sets);
    toll_rater_free(&world->rater);
    toll_tuples_free(world->tuples);
    if (world->dataset_open)
        toll_dataset_close(&world->dataset);
    if (!world->borrowed)
        toll_book_close(world->book);
    free(world->dataset_path);
    free(world);
}

/* ---- the passes, as pipeline/rate.c makes them ---- */

/* Pools as they are before the first call. */
static int make_pools(struct toll_bench_world *world, struct toll_error *error)
{
    const struct toll_dataset *dataset = &world->dataset;
    struct toll_run_span span = {.rows = world->rows, .earlier_until = TOLL_MS_MIN};
    toll_pools_free(world->pools);
    world->pools = NULL;
    if (world->book->bundle_count <= 1 && world->book->tiers_count <= 1)
        return 0;
    for (size_t i = dataset->part_count; i-- > 0;)
        if (dataset->parts[i].rows > 0)
            span.first = dataset->parts[i].first_start;
    for (size_t i = 0; i < dataset->part_count; i++)
        if (dataset->parts[i].rows > 0)
            span.last = dataset->parts[i].last_start;
    return toll_pools_make(world->book, &span, NULL, &world->pools, error);
}

static int make_workers(struct toll_bench_world *world, unsigned threads, struct toll_error *error)
{
    const struct toll_workers_io io = {
        .io = toll_io_system(),
        .mapped = true,
        .optional = (world->book->has_cost ? TOLL_LINES_COST : 0u) |
                    (world->book->bundle_count > 1 ? TOLL_LINES_POOL : 0u) |
                    toll_line_widths(&world->rater, &world->dataset, 0, world->dataset.part_count, NULL),
    };
    toll_workers_free(&world->workers);
    return toll_workers_init(&world->workers, &world->rater,
                             threads < TOLL_WORKERS_MAX ? threads : TOLL_WORKERS_MAX, true, &io, 0, error);
}

/* Workers with sums from nothing, and tuples that nobody has numbered. */
static int prepare(struct toll_bench_world *world, unsigned threads, struct toll_error *error)
{
    int rc = 0;
    if (threads == 0)
        threads = toll_workers_cores();
    if (world->numbered) {
        toll_workers_free(&world->workers); /* their sums are made for the tuples */
        rc = make_tuples(world, error);
    }
    if (rc == 0 && threads != world->workers.count)
        rc = make_workers(world, threads, error);
    if (rc == 0)
        toll_workers_clear(&world->workers);
    if (rc == 0)
        toll_workers_measure(&world->workers, world->want_stages);
    return rc;
}

enum pass { PASS_ENDS, PASS_COUNT, PASS_LINES };
static int rate_parts(struct toll_bench_world *world, enum pass pass, struct toll_hash128 *hashes,
                      struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < world->set_count && rc == 0; i++) {
        const struct toll_workers_request request = {
            .parts = world->sets[i].parts,
            .part_count = world->sets[i].count,
            .pools = &world->pools,
            .count_only = pass == PASS_COUNT,
            .collect_ends = pass == PASS_ENDS,
            .hash_lines = hashes != NULL,
            .hashes = hashes,
        };
        rc = toll_workers_run(&world->workers, &request, error);
        for (size_t k = 0; hashes != NULL && k < world->sets[i].count; k++)
            hashes += toll_cdr_part_batches(world->sets[i].opened[k]);
    }
    if (rc == 0 && world->pools != NULL && pass != PASS_ENDS)
        rc = toll_pools_state(world->pools, error);
    return rc;
}

/* All parts once. */
static int rate_all(struct toll_bench_world *world, struct toll_hash128 *hashes, struct toll_error *error)
{
    int rc = make_pools(world, error);
    if (rc == 0 && world->tuples != NULL && world->tuples->ends != NULL) {
        rc = rate_parts(world, PASS_ENDS, NULL, error);
        world->numbered = true;
        if (rc == 0)
            rc = toll_workers_number_ends(&world->workers, 0, world->tuples, error);
    }
    if (rc == 0 && world->rater.draws != NULL && world->rater.draws->volume) {
        rc = rate_parts(world, PASS_COUNT, NULL, error);
        if (rc == 0)
            toll_pools_second_pass(world->pools);
        toll_workers_clear(&world->workers);
    }
    return rc == 0 ? rate_parts(world, PASS_LINES, hashes, error) : rc;
}

/* What is charged by period. */
static int finish_periods(struct toll_bench_world *world, struct toll_tally *tally, struct toll_error *error)
{
    struct toll_pool_tables tables;
    const int rc = toll_tally_charge_periods(tally, world->book, error);
    return rc == 0 && world->pools != NULL ? toll_pools_finish(world->pools, &tables, &tally->periods, error)
                                           : rc;
}

int toll_bench_rate(struct toll_bench_world *world, unsigned threads, struct toll_rate_result *result,
                    struct toll_error *error)
{
    const int64_t begun = now_ns();
    memset(result, 0, sizeof *result);
    int rc = prepare(world, threads, error);
    const int64_t prepared = now_ns();
    if (rc == 0)
        rc = rate_all(world, NULL, error);
    result->rate_ns = now_ns() - prepared;
    struct toll_tally *tally = rc == 0 ? toll_workers_sum(&world->workers, 0) : NULL;
    if (rc == 0)
        rc = toll_tally_check(tally, error);
    if (rc == 0)
        rc = finish_periods(world, tally, error);
    if (rc == 0)
        rc = toll_result_fill(result, tally, world->book, NULL, &world->dataset, error);
    result->threads = world->workers.count;
    result->wall_ns = now_ns() - begun;
    return rc;
}

int toll_bench_hash(struct toll_bench_world *world, char hash[33], struct toll_error *error)
{
    struct toll_hash128 *hashes = calloc((size_t)world->batches + 1, sizeof *hashes);
    if (hashes == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    int rc = prepare(world, 1, error);
    if (rc == 0)
        rc = rate_all(world, hashes, error);
    if (rc == 0)
        toll_hash_text(toll_hash(hashes, (size_t)world->batches * sizeof *hashes), hash);
    free(hashes);
    return rc;
}

void toll_bench_want_stages(struct toll_bench_world *world, bool wanted)
{
    world->want_stages = wanted;
}

int toll_bench_stages(const struct toll_bench_world *world, const char *names[16], int64_t stage_ns[16])
{
    _Static_assert(TOLL_STAGES <= 16, "room in the public arrays");
    toll_workers_stages(&world->workers, stage_ns);
    for (unsigned stage = 0; stage < TOLL_STAGES; stage++)
        names[stage] = toll_stage_name((enum toll_stage)stage);
    return TOLL_STAGES;
}
