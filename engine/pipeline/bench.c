/* Rating in memory, for benchmarks: the passes of a run over an opened dataset, lines into the workers' own
 * memory. */
#include "pipeline/rate.h"

#include "base/cpu.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct toll_bench_world {
    struct toll_book *book;
    struct toll_dataset dataset;
    bool dataset_open;
    struct toll_rater rater;
    struct toll_tuples *tuples;
    struct toll_part_set *sets;
    size_t set_count;
    int64_t rows, batches;
    struct toll_pools *pools;    /* NULL: the book has neither bundles nor tiers */
    struct toll_workers workers; /* of the last call; count 0: none yet */
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
        const int rc = toll_part_set_open(set, &world->rater, &world->dataset, first, last, TOLL_READ_MMAP,
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

int toll_bench_open(const char *book_path, const char *dataset_path, enum toll_simd_choice simd,
                    struct toll_bench_world **out, struct toll_error *error)
{
    const struct toll_io *io = toll_io_system();
    struct toll_bench_world *world = calloc(1, sizeof *world);
    if (world == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    unsigned features = 0;
    int rc = toll_simd_features(simd, toll_cpu_features(), &features, error);
    if (rc == 0)
        rc = toll_book_open(io, book_path, NULL, &world->book, error);
    if (rc == 0) {
        rc = toll_dataset_open(&world->dataset, io, dataset_path, error);
        world->dataset_open = rc == 0;
    }
    if (rc == 0)
        rc = toll_rater_init(&world->rater, world->book, features, error);
    if (rc == 0)
        rc = toll_tuples_of_parts(world->book, &world->dataset, 0, world->dataset.part_count, &world->tuples,
                                  error);
    if (rc == 0) {
        world->rater.tuples = world->tuples;
        rc = open_parts(world, error);
    }
    if (rc != 0)
        toll_bench_close(world);
    else
        *out = world;
    return rc;
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
    toll_book_close(world->book);
    free(world);
}

/* Pools as they are before the first call. Tiers that need a pass before are not for benches. */
static int make_pools(struct toll_bench_world *world, struct toll_error *error)
{
    const size_t parts = world->dataset.part_count;
    toll_pools_free(world->pools);
    world->pools = NULL;
    if (world->book->bundle_count <= 1 || parts == 0)
        return 0;
    const struct toll_run_span span = {.first = world->dataset.parts[0].first_start,
                                       .last = world->dataset.parts[parts - 1].last_start,
                                       .rows = world->rows};
    return toll_pools_make(world->book, &span, NULL, &world->pools, error);
}

/* All parts once, with sums from nothing. */
static int rate_all(struct toll_bench_world *world, unsigned threads, struct toll_hash128 *hashes,
                    struct toll_error *error)
{
    if (threads == 0)
        threads = toll_workers_cores();
    if (threads != world->workers.count) {
        toll_workers_free(&world->workers);
        const struct toll_workers_io io = {
            .io = toll_io_system(),
            .mapped = true,
            .optional = (world->book->has_cost ? TOLL_LINES_COST : 0u) |
                        (world->book->bundle_count > 1 ? TOLL_LINES_POOL : 0u),
        };
        const int rc =
            toll_workers_init(&world->workers, &world->rater,
                              threads < TOLL_WORKERS_MAX ? threads : TOLL_WORKERS_MAX, true, &io, 0, error);
        if (rc != 0)
            return rc;
    }
    toll_workers_clear(&world->workers);
    toll_workers_measure(&world->workers, world->want_stages);
    int rc = make_pools(world, error);
    for (size_t i = 0; i < world->set_count && rc == 0; i++) {
        const struct toll_workers_request request = {
            .parts = world->sets[i].parts,
            .part_count = world->sets[i].count,
            .pools = world->pools,
            .hash_lines = hashes != NULL,
            .hashes = hashes,
        };
        rc = toll_workers_run(&world->workers, &request, error);
        for (size_t k = 0; hashes != NULL && k < world->sets[i].count; k++)
            hashes += toll_cdr_part_batches(world->sets[i].opened[k]);
    }
    return rc;
}

int toll_bench_rate(struct toll_bench_world *world, unsigned threads, struct toll_rate_result *result,
                    struct toll_error *error)
{
    const int64_t begun = now_ns();
    memset(result, 0, sizeof *result);
    int rc = rate_all(world, threads, NULL, error);
    result->rate_ns = now_ns() - begun;
    struct toll_tally *tally = rc == 0 ? toll_workers_sum(&world->workers) : NULL;
    if (rc == 0)
        rc = toll_tally_check(tally, error);
    if (rc == 0)
        rc = toll_tally_charge_periods(tally, world->book, error);
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
    const int rc = rate_all(world, 1, hashes, error);
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
