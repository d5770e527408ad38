/* toll_delta_make (tollmill_delta.h): what moved between two runs, as a directory. */
#include "pipeline/delta.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static struct toll_sum sum_from(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

static void fill_result(struct toll_delta_result *result, const struct toll_delta_manifest *manifest)
{
    result->old_rows = manifest->old_rows;
    result->new_rows = manifest->new_rows;
    result->total_count = manifest->total_count;
    for (int i = 0; i < manifest->total_count; i++) {
        const struct toll_delta_total *total = &manifest->totals[i];
        strncpy(result->totals[i].currency, total->currency, sizeof result->totals[i].currency - 1);
        result->totals[i].before =
            (struct toll_delta_side){total->old_rows, sum_from(total->old_charge),
                                     sum_from(total->old_periods), sum_from(total->old_cost)};
        result->totals[i].after =
            (struct toll_delta_side){total->new_rows, sum_from(total->new_charge),
                                     sum_from(total->new_periods), sum_from(total->new_cost)};
    }
}

static void begin_manifest(const struct toll_delta_maker *maker, struct toll_delta_total *totals,
                           struct toll_delta_manifest *manifest)
{
    const struct toll_run_files *before = &maker->sides[TOLL_DELTA_OLD].run,
                                *after = &maker->sides[TOLL_DELTA_NEW].run;
    *manifest = (struct toll_delta_manifest){
        .old_run = before->digest,
        .new_run = after->digest,
        .old_book = before->manifest.book_hash,
        .new_book = after->manifest.book_hash,
        .old_cdrs = before->manifest.cdr_hash,
        .new_cdrs = after->manifest.cdr_hash,
        .old_rows = before->manifest.rows,
        .new_rows = after->manifest.rows,
        .old_has_cost = before->manifest.has_cost,
        .new_has_cost = after->manifest.has_cost,
        .old_taxed = toll_run_files_have(before, "tuples.arrow"),
        .new_taxed = toll_run_files_have(after, "tuples.arrow"),
        .totals = totals,
    };
}

/* All but the folder's name. */
static int fill(struct toll_delta_maker *maker, struct toll_error *error)
{
    struct toll_delta_total totals[TOLL_RUN_TOTALS];
    struct toll_delta_manifest manifest;
    int rc = toll_delta_days(maker, error);
    if (rc != 0)
        return rc;
    begin_manifest(maker, totals, &manifest);
    rc = toll_delta_sums(maker, &manifest, error);
    if (rc == 0)
        rc = toll_delta_days_tables(maker, error);
    if (rc == 0)
        rc = toll_delta_taxes_add(maker, error);
    manifest.changed = maker->result->changed;
    memcpy(manifest.reason_rows, maker->result->reason_rows, sizeof manifest.reason_rows);
    if (rc == 0 && maker->adjust != NULL)
        rc = toll_adjust_end(maker->adjust, maker->writer, &manifest, &maker->result->adjusting, error);
    if (rc == 0)
        rc = toll_delta_publish(maker->writer, &manifest, error);
    if (rc == 0)
        fill_result(maker->result, &manifest);
    return rc;
}

static unsigned threads_of(unsigned wanted)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return wanted > 0 ? wanted : cores > 0 ? (unsigned)cores : 1;
}

static int make(const struct toll_delta_options *options, struct toll_run_files *old_run,
                struct toll_delta_result *result, struct toll_error *error)
{
    const int64_t begin = now_ns();
    struct toll_delta_maker *maker = calloc(1, sizeof *maker);
    memset(result, 0, sizeof *result);
    if (maker == NULL) {
        if (old_run != NULL)
            toll_run_files_close(old_run);
        return toll_delta_no_memory(error);
    }
    maker->io = toll_io_system();
    maker->options = options;
    maker->threads = threads_of(options->threads);
    maker->result = result;
    pthread_mutex_init(&maker->lock, NULL);
    if (old_run != NULL) {
        maker->sides[TOLL_DELTA_OLD].run = *old_run;
        maker->sides[TOLL_DELTA_OLD].run_open = true;
        *old_run = (struct toll_run_files){.directory = -1};
    }
    int rc = toll_delta_create(maker->io, options->delta_path, &maker->writer, error);
    if (rc == 0)
        rc = toll_delta_sides_open(maker, error);
    if (rc == 0)
        rc = fill(maker, error);
    toll_adjust_close(maker->adjust);
    toll_delta_abandon(maker->writer);
    toll_delta_days_free(maker);
    free(maker->sums);
    free(maker->reasons);
    toll_delta_sides_close(maker);
    pthread_mutex_destroy(&maker->lock);
    free(maker);
    result->wall_ns = now_ns() - begin;
    return rc;
}

int toll_delta_make(const struct toll_delta_options *options, struct toll_delta_result *result,
                    struct toll_error *error)
{
    return make(options, NULL, result, error);
}

int toll_delta_make_of(const struct toll_delta_options *options, struct toll_run_files *old_run,
                       struct toll_delta_result *result, struct toll_error *error)
{
    return make(options, old_run, result, error);
}
