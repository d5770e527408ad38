/* Rating some rows of a dataset for what pools and tiers have afterwards; the lines are not written. */
#include "pipeline/close.h"

#include "base/cpu.h"
#include "base/error.h"

#include <stdlib.h>

struct rating {
    const struct toll_rated_again *again;
    struct toll_rater rater;
    struct toll_workers workers;
    struct toll_part_set set;
    struct toll_strings texts;
    struct toll_pools *pools;
};

static int rate_parts(struct rating *rating, bool count_only, struct toll_error *error)
{
    const struct toll_rated_again *again = rating->again;
    int rc = 0;
    for (size_t first = again->first; rc == 0 && first < again->last; first += TOLL_PARTS_AT_ONCE) {
        const size_t last =
            again->last - first < TOLL_PARTS_AT_ONCE ? again->last : first + TOLL_PARTS_AT_ONCE;
        rc = toll_part_set_open(&rating->set, &rating->rater, 1, again->dataset, first, last, TOLL_READ_MMAP,
                                (uint32_t)(first - again->first), &rating->texts, error);
        for (size_t i = 0; rc == 0 && i < rating->set.count; i++)
            rating->set.parts[i].lanes[0].closed = again->others[first - again->first + i];
        const struct toll_workers_request request = {
            .parts = rating->set.parts,
            .part_count = rating->set.count,
            .progress = again->progress,
            .rows_total = again->span->rows,
            .pools = &rating->pools,
            .count_only = count_only,
        };
        if (rc == 0)
            rc = toll_workers_run(&rating->workers, &request, error);
        toll_part_set_close(&rating->set);
    }
    return rc == 0 ? toll_pools_state(rating->pools, error) : rc;
}

static int rate(struct rating *rating, struct toll_error *error)
{
    int rc = 0;
    if (rating->rater.draws != NULL && rating->rater.draws->volume) {
        rc = rate_parts(rating, true, error);
        if (rc == 0)
            toll_pools_second_pass(rating->pools);
        toll_workers_clear(&rating->workers);
    }
    return rc == 0 ? rate_parts(rating, false, error) : rc;
}

int toll_rate_again(const struct toll_rated_again *again, struct toll_pools **pools,
                    struct toll_pool_tables *tables, struct toll_error *error)
{
    struct rating *rating = calloc(1, sizeof *rating);
    struct toll_period_charges charges = {0};
    unsigned features = 0;
    if (rating == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    rating->again = again;
    int rc = toll_simd_features(TOLL_SIMD_AUTO, toll_cpu_features(), &features, error);
    if (rc == 0)
        rc = toll_rater_init(&rating->rater, again->book, features, error);
    if (rc == 0)
        rc = toll_pools_make(again->book, again->span, again->before, &rating->pools, error);
    if (rc == 0) {
        const struct toll_workers_io io = {
            .io = again->io,
            .mapped = true,
            .optional = (again->book->bundle_count > 1 ? TOLL_LINES_POOL : 0) |
                        (toll_run_has_cost(again->book, NULL) ? TOLL_LINES_COST : 0),
            .closed = true,
        };
        const unsigned threads = again->threads == 0 ? toll_workers_cores() : again->threads;
        rc = toll_workers_init(&rating->workers, &rating->rater,
                               threads < TOLL_WORKERS_MAX ? threads : TOLL_WORKERS_MAX, false, &io, 0, error);
    }
    if (rc == 0)
        rc = rate(rating, error);
    if (rc == 0) {
        toll_workers_sum(&rating->workers, 0);
        rc = toll_pools_finish(rating->pools, tables, &charges, error);
    }
    toll_period_charges_free(&charges);
    toll_strings_free(&rating->texts);
    toll_workers_free(&rating->workers);
    toll_rater_free(&rating->rater);
    if (rc == 0)
        *pools = rating->pools; /* whose rows the tables are */
    else
        toll_pools_free(rating->pools);
    free(rating);
    return rc;
}
