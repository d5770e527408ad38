/* Which parts of a dataset are rated, and opening some of them with what their dictionaries mean in the book.
 */
#include "pipeline/rate.h"

#include "arrow/arrow.h"
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_day(const char *text, const char *option, int64_t *day, struct toll_error *error)
{
    if (text == NULL || toll_day_parse(text, strlen(text), day))
        return 0;
    return toll_error_set(error, TOLL_EUSAGE, "%s %s is no day; write it as 2026-03-01", option, text);
}

int toll_days_read(const char *from_day, const char *to_day, int64_t *from, int64_t *to,
                   struct toll_error *error)
{
    *from = INT64_MIN;
    *to = INT64_MAX;
    int rc = read_day(from_day, "from day", from, error);
    if (rc == 0)
        rc = read_day(to_day, "to day", to, error);
    if (rc == 0 && *from >= *to)
        rc = toll_error_set(error, TOLL_EUSAGE, "from day %s is not before to day %s (to is exclusive)",
                            from_day, to_day);
    return rc;
}

int toll_parts_select(const struct toll_dataset *dataset, const char *from_day, const char *to_day,
                      size_t *first, size_t *last, struct toll_error *error)
{
    int64_t from, to;
    const int rc = toll_days_read(from_day, to_day, &from, &to, error);
    if (rc != 0)
        return rc;
    *first = *last = 0;
    while (*first < dataset->part_count && dataset->parts[*first].day < from)
        ++*first;
    *last = *first;
    while (*last < dataset->part_count && dataset->parts[*last].day < to)
        ++*last;
    return 0;
}

int toll_part_set_open_begun(struct toll_part_set *set, const struct toll_rater *raters, unsigned lane_count,
                             const struct toll_dataset *dataset, size_t first, size_t last,
                             enum toll_read_path how, uint32_t ordinal, struct toll_strings *texts,
                             struct toll_parts_ahead *ahead, struct toll_error *error)
{
    TOLL_ASSERT(last - first <= TOLL_PARTS_AT_ONCE);
    memset(set, 0, sizeof *set);
    int rc = toll_parts_ahead_take(ahead, dataset, first, last, how, set->opened, error);
    if (rc == 0)
        set->count = last - first;
    for (size_t i = 0; rc == 0 && i < set->count; i++) {
        struct toll_cdr_part *part = set->opened[i];
        struct toll_job_part *job = &set->parts[i];
        toll_cdr_part_hash_with(part, raters->kernels->hash);
        job->part = part;
        job->ordinal = ordinal++;
        set->rows += toll_cdr_part_rows(part);
        job->lanes = toll_arena_alloc(&set->arena, lane_count * sizeof *job->lanes);
        if (job->lanes == NULL)
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the parts");
        for (unsigned lane = 0; rc == 0 && lane < lane_count; lane++) {
            job->lanes[lane].closed = NULL;
            rc = toll_part_map_make(&job->lanes[lane].map, &raters[lane], part, &set->arena,
                                    lane == 0 ? texts : NULL, error);
        }
    }
    if (rc != 0)
        toll_part_set_close(set);
    return rc;
}

int toll_part_set_open(struct toll_part_set *set, const struct toll_rater *raters, unsigned lane_count,
                       const struct toll_dataset *dataset, size_t first, size_t last, enum toll_read_path how,
                       uint32_t ordinal, struct toll_strings *texts, struct toll_error *error)
{
    return toll_part_set_open_begun(set, raters, lane_count, dataset, first, last, how, ordinal, texts, NULL,
                                    error);
}

int toll_tuples_of_parts(const struct toll_book *book, const struct toll_dataset *dataset, size_t first,
                         size_t last, struct toll_tuples **out, struct toll_error *error)
{
    struct toll_tuple_time *times = calloc(last - first + 1, sizeof *times);
    size_t count = 0;
    *out = NULL;
    if (times == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    for (size_t i = first; i < last; i++)
        if (dataset->parts[i].rows > 0)
            times[count++] =
                (struct toll_tuple_time){dataset->parts[i].first_start, dataset->parts[i].last_start};
    const int rc = toll_tuples_make(book, times, count, out, error);
    free(times);
    return rc;
}

void toll_part_set_close(struct toll_part_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        toll_cdr_part_close(set->opened[i]);
    toll_arena_free(&set->arena);
    memset(set, 0, sizeof *set);
}

#define PARTS_ASKED 64 /* looking at more would tell no more */
#define MOSTLY_PERCENT 50

bool toll_parts_resident(const struct toll_dataset *dataset, size_t first, size_t last)
{
    const struct toll_io *io = dataset->io;
    const size_t step = (last - first) / PARTS_ASKED + 1;
    int64_t bytes = 0, resident = 0;
    for (size_t i = first; i < last; i += step) {
        char name[TOLL_PART_NAME_BYTES], path[TOLL_PART_NAME_BYTES + 16];
        struct toll_file file;
        toll_dataset_part_name(&dataset->parts[i], name);
        snprintf(path, sizeof path, "parts/%s.arrow", name);
        bytes += dataset->parts[i].seal.bytes;
        if (toll_file_open(&file, io, dataset->directory, path, TOLL_READ_PREAD, NULL) != 0)
            continue;
        const int percent = io->resident(io->context, file.fd, file.size);
        if (percent > 0)
            resident += dataset->parts[i].seal.bytes / 100 * percent;
        toll_file_close(&file);
    }
    return resident >= bytes / 100 * MOSTLY_PERCENT;
}

enum toll_read_path toll_parts_read_path(const struct toll_dataset *dataset, size_t first, size_t last,
                                         enum toll_io_choice io, bool bounded)
{
    switch (io) {
    case TOLL_IO_MMAP:
        return TOLL_READ_MMAP;
    case TOLL_IO_PREAD:
        return TOLL_READ_PREAD;
    case TOLL_IO_URING:
        return TOLL_READ_RING;
    default:
        return !toll_parts_resident(dataset, first, last) ? TOLL_READ_RING
               : bounded                                  ? TOLL_READ_PREAD
                                                          : TOLL_READ_MMAP;
    }
}

unsigned toll_parts_workers(const struct toll_dataset *dataset, size_t first, size_t last, unsigned threads)
{
    int64_t batches = 0;
    for (size_t i = first; i < last; i++)
        batches += (dataset->parts[i].rows + TOLL_BATCH_ROWS - 1) / TOLL_BATCH_ROWS;
    threads = threads == 0 ? toll_workers_cores() : threads;
    const unsigned most = batches < 1 ? 1 : batches < TOLL_WORKERS_MAX ? (unsigned)batches : TOLL_WORKERS_MAX;
    return threads < most ? threads : most;
}

struct toll_run_span toll_parts_span(const struct toll_dataset *dataset, size_t first, size_t last)
{
    struct toll_run_span span = {.earlier_until = TOLL_MS_MIN};
    for (size_t i = last; i > first; i--)
        if (dataset->parts[i - 1].rows > 0)
            span.first = dataset->parts[i - 1].first_start;
    for (size_t i = first; i < last; i++) {
        span.rows += dataset->parts[i].rows;
        if (dataset->parts[i].rows > 0)
            span.last = dataset->parts[i].last_start;
    }
    return span;
}

toll_ms toll_parts_earlier_until(const struct toll_dataset *dataset, size_t first)
{
    return first == 0 ? TOLL_MS_MIN : (dataset->parts[first - 1].day + 1) * TOLL_DAY_MS;
}

bool toll_parts_of_run(const struct toll_dataset *dataset, const struct toll_run_manifest *manifest,
                       size_t *first, size_t *last)
{
    size_t at = 0;
    while (at < dataset->part_count && manifest->part_count > 0 &&
           (dataset->parts[at].day != manifest->parts[0].day ||
            dataset->parts[at].part != manifest->parts[0].part))
        at++;
    bool same = manifest->part_count <= dataset->part_count - at;
    for (size_t i = 0; same && i < manifest->part_count; i++) {
        const struct toll_run_part *part = &manifest->parts[i];
        const struct toll_dataset_part *cdrs = &dataset->parts[at + i];
        same = cdrs->day == part->day && cdrs->part == part->part && cdrs->rows == part->rows &&
               toll_hash_equal(cdrs->seal.digest, part->cdr_seal.digest);
    }
    *first = at;
    *last = at + manifest->part_count;
    return same;
}
