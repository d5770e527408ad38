/*
 * Finished runs side by side: their lines are read batch by batch, by some threads, each into sums of its
 * own, and the tables of the runs say what their ids mean. Runs over the same CDRs are read together, row by
 * row; others one after the other.
 */
#include "pipeline/impact.h"
#include "pipeline/rate.h"
#include "pipeline/run_cdrs.h"
#include "pipeline/taxes.h"

#include "base/check.h"
#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS (TOLL_CDR_COLUMN_BIT(TOLL_CDR_START) | TOLL_CDR_COLUMN_BIT(TOLL_CDR_KIND))
#define NAME_BYTES 4096
/* Sums of all threads: there are fewer of them where runs have millions of price rows and accounts. */
#define SUMS_BYTES ((size_t)4 << 30)

struct compared_run {
    struct toll_run_files files;
    struct toll_dataset dataset;
    struct toll_blob image;
    struct toll_book *book;
    bool files_open, dataset_open;
    char name[NAME_BYTES], first_day[TOLL_TIME_TEXT_BYTES], last_day[TOLL_TIME_TEXT_BYTES];
    struct toll_impact_tax *taxes;
    size_t tax_count;
    struct toll_strings tax_texts;
};

struct compare {
    const struct toll_compare_options *options;
    const struct toll_io *io;
    int count;
    struct compared_run *runs;
    struct toll_impact_side sides[TOLL_IMPACT_BOOKS_MAX];
    bool same_calls;
    struct toll_impact_shape *shape;
    struct toll_impact_sums **sums; /* by thread */
    unsigned threads;
    int64_t rows, rows_total;

    /* the parts that are open: of runs [from, until) */
    int from, until;
    size_t part_count;
    struct toll_lines *lines[TOLL_PARTS_AT_ONCE];   /* part by part, run by run */
    struct toll_cdr_part *cdrs[TOLL_PARTS_AT_ONCE]; /* by part; NULL: no dataset */
    int64_t first_batch[TOLL_PARTS_AT_ONCE + 1];    /* by part */
    atomic_llong next, done;
    pthread_mutex_t mutex;
    int rc; /* of the earliest batch that failed */
    int64_t failed;
    struct toll_error error;
};

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the runs that are compared");
}

/* ---- opening ---- */

/* The run's own book: its currency, and the zone of its clock. */
static int open_book(struct compared_run *run, struct toll_error *error)
{
    char name[NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s/book.image", run->files.path);
    int rc =
        toll_blob_read(&run->image, run->files.io, run->files.directory, "book.image", TOLL_READ_MMAP, error);
    toll_error_within(error, rc, run->files.path);
    if (rc != 0)
        return rc;
    rc = toll_book_open_bytes((const uint8_t *)run->image.data, run->image.size, name, &run->book, error);
    if (rc == 0 && !toll_hash_equal(run->book->book_hash, run->files.manifest.book_hash))
        rc = toll_error_set(error, TOLL_EDATA, "%s is not the book that run.json names", name);
    return rc;
}

/* The last part of the path; " (2)" behind the second of that name. */
static void name_run(struct compare *compare, int index, const char *path)
{
    struct compared_run *run = &compare->runs[index];
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    int same = 1;
    snprintf(run->name, sizeof run->name, "%.*s", (int)(end - start), path + start);
    for (int i = 0; i < index; i++)
        if (strcmp(compare->runs[i].name, run->name) == 0) {
            snprintf(run->name, sizeof run->name, "%.*s (%d)", (int)(end - start < 4000 ? end - start : 4000),
                     path + start, ++same);
            i = -1; /* that one may be taken, too */
        }
}

static void note_days(struct compared_run *run)
{
    const struct toll_run_manifest *manifest = &run->files.manifest;
    for (size_t i = 0; i < manifest->part_count; i++) {
        if (manifest->parts[i].rows == 0)
            continue;
        if (run->first_day[0] == 0)
            toll_day_format(manifest->parts[i].day, run->first_day);
        toll_day_format(manifest->parts[i].day, run->last_day);
    }
}

static int open_run(struct compare *compare, int index, struct toll_error *error)
{
    struct compared_run *run = &compare->runs[index];
    const char *path = compare->options->run_paths[index];
    const char *dataset =
        compare->options->dataset_paths == NULL ? NULL : compare->options->dataset_paths[index];
    int rc = toll_run_files_open(&run->files, compare->io, path, error);
    run->files_open = rc == 0;
    if (rc == 0)
        rc = open_book(run, error);
    if (rc == 0 && dataset != NULL) {
        rc = toll_run_cdrs_open(&run->dataset, &run->files, dataset, TOLL_EDATA, error);
        run->dataset_open = rc == 0;
    }
    if (rc != 0)
        return rc;
    name_run(compare, index, path);
    note_days(run);
    struct toll_impact_side *side = &compare->sides[index];
    side->run = &run->files;
    side->about = (struct toll_impact_book){
        .name = run->name,
        .change = "",
        .first_day = run->first_day,
        .last_day = run->last_day,
        .has_cost = run->files.manifest.has_cost,
        .taxed = run->book->tax.taxed,
    };
    toll_hash_text(run->files.manifest.book_hash, side->about.book_hash);
    toll_hash_text(run->files.manifest.cdr_hash, side->about.cdr_hash);
    toll_hash_text(run->files.digest, side->about.run_digest);
    side->own_currency = run->book->currency;
    compare->rows_total += run->files.manifest.rows;
    return 0;
}

/* Whether two runs have the same parts of the same CDRs. */
static bool same_parts(const struct toll_run_manifest *a, const struct toll_run_manifest *b)
{
    if (!toll_hash_equal(a->cdr_hash, b->cdr_hash) || a->part_count != b->part_count)
        return false;
    for (size_t i = 0; i < a->part_count; i++)
        if (a->parts[i].day != b->parts[i].day || a->parts[i].part != b->parts[i].part ||
            a->parts[i].rows != b->parts[i].rows ||
            !toll_hash_equal(a->parts[i].cdr_seal.digest, b->parts[i].cdr_seal.digest))
            return false;
    return true;
}

static int open_runs(struct compare *compare, struct toll_error *error)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < compare->count; i++)
        rc = open_run(compare, i, error);
    compare->same_calls = rc == 0;
    for (int i = 1; rc == 0 && i < compare->count; i++)
        compare->same_calls &= same_parts(&compare->runs[0].files.manifest, &compare->runs[i].files.manifest);
    return rc;
}

/* ---- reading ---- */

/* The run whose dataset is read for parts of the open runs; -1: none has one. */
static int run_with_dataset(const struct compare *compare)
{
    for (int i = compare->from; i < compare->until; i++)
        if (compare->runs[i].dataset_open)
            return i;
    return -1;
}

static void close_parts(struct compare *compare)
{
    const size_t runs = (size_t)(compare->until - compare->from);
    for (size_t p = 0; p < compare->part_count; p++) {
        for (size_t r = 0; r < runs; r++)
            if (compare->lines[p * runs + r] != NULL)
                toll_lines_close(compare->lines[p * runs + r]);
        if (compare->cdrs[p] != NULL)
            toll_cdr_part_close(compare->cdrs[p]);
    }
    compare->part_count = 0;
    memset(compare->lines, 0, sizeof compare->lines);
    memset(compare->cdrs, 0, sizeof compare->cdrs);
}

static int open_part(struct compare *compare, size_t at, size_t part, struct toll_error *error)
{
    const size_t runs = (size_t)(compare->until - compare->from);
    const int with = run_with_dataset(compare);
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < runs; r++)
        rc = toll_run_lines_open(&compare->runs[compare->from + (int)r].files, part, TOLL_READ_MMAP,
                                 &compare->lines[at * runs + r], error);
    if (rc == 0 && with >= 0)
        rc = toll_dataset_part_open(&compare->runs[with].dataset, part, TOLL_READ_MMAP, &compare->cdrs[at],
                                    error);
    if (rc != 0)
        return rc;
    const struct toll_run_files *files = &compare->runs[compare->from].files;
    const int64_t rows = toll_lines_rows(compare->lines[at * runs]);
    bool same = compare->cdrs[at] == NULL || toll_cdr_part_rows(compare->cdrs[at]) == rows;
    for (size_t r = 1; r < runs; r++)
        same &= toll_lines_rows(compare->lines[at * runs + r]) == rows;
    if (!same)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: the lines of a part are not as many as its CDRs; tollmill verify tells more", files->path);
    compare->first_batch[at + 1] = compare->first_batch[at] + toll_lines_batches(compare->lines[at * runs]);
    return 0;
}

/* What widening a batch of one run takes. */
static size_t room_bytes(void)
{
    return toll_lines_buffer_most(TOLL_LINES_OPTIONAL, true);
}

static int read_batch(struct compare *compare, struct toll_impact_sums *sums, uint8_t *room, int64_t task,
                      struct toll_error *error)
{
    const size_t runs = (size_t)(compare->until - compare->from);
    size_t part = 0;
    while (task >= compare->first_batch[part + 1])
        part++;
    const int64_t index = task - compare->first_batch[part];
    struct toll_impact_lines lines[TOLL_IMPACT_BOOKS_MAX];
    struct toll_cdr_batch cdrs = {0};
    int rc = 0;
    for (size_t r = 0; rc == 0 && r < runs; r++) {
        lines[r].plans = NULL;
        rc = toll_lines_batch(compare->lines[part * runs + r], index, room + r * room_bytes(),
                              &lines[r].lines, error);
        toll_error_within(error, rc, compare->runs[compare->from + (int)r].files.path);
    }
    if (rc == 0 && compare->cdrs[part] != NULL)
        rc = toll_cdr_part_batch(compare->cdrs[part], index, COLUMNS, NULL, &cdrs, error);
    if (rc != 0)
        return rc;
    TOLL_ASSERT(compare->cdrs[part] == NULL || cdrs.rows == lines[0].lines.rows);
    cdrs.rows = lines[0].lines.rows;
    if (compare->same_calls)
        toll_impact_add(sums, &cdrs, lines);
    else
        toll_impact_add_alone(sums, compare->from, &cdrs, lines);
    atomic_fetch_add(&compare->done, cdrs.rows * (int64_t)runs);
    return 0;
}

static void fail(struct compare *compare, int64_t task, int rc, const struct toll_error *error)
{
    pthread_mutex_lock(&compare->mutex);
    if (compare->rc == 0 || task < compare->failed) {
        compare->rc = rc;
        compare->failed = task;
        compare->error = *error;
    }
    pthread_mutex_unlock(&compare->mutex);
}

/* index 0 is the calling thread, which tells how far all are. */
static void work(struct compare *compare, unsigned index)
{
    const struct toll_progress *progress = &compare->options->progress;
    const int64_t tasks = compare->first_batch[compare->part_count];
    uint8_t *room =
        aligned_alloc(TOLL_ARROW_ALIGNMENT, (size_t)(compare->until - compare->from) * room_bytes());
    for (;;) {
        struct toll_error error = {0};
        const int64_t task = atomic_fetch_add(&compare->next, 1);
        if (task >= tasks)
            break;
        const int rc =
            room == NULL ? no_memory(&error) : read_batch(compare, compare->sums[index], room, task, &error);
        if (rc != 0) {
            fail(compare, task, rc, &error);
            atomic_store(&compare->next, tasks);
            break;
        }
        if (index == 0 && progress->tick != NULL)
            progress->tick(progress->context, "comparing", atomic_load(&compare->done), compare->rows_total,
                           "rows");
    }
    free(room);
}

struct worker {
    struct compare *compare;
    unsigned index;
    pthread_t thread;
    bool started;
};

static void *work_beside(void *argument)
{
    const struct worker *worker = argument;
    work(worker->compare, worker->index);
    return NULL;
}

/* All batches of the open parts. */
static int read_open_parts(struct compare *compare, struct toll_error *error)
{
    struct worker *workers = calloc(compare->threads, sizeof *workers);
    if (workers == NULL)
        return no_memory(error);
    atomic_store(&compare->next, 0);
    for (unsigned i = 1; i < compare->threads; i++) {
        workers[i] = (struct worker){.compare = compare, .index = i};
        workers[i].started = pthread_create(&workers[i].thread, NULL, work_beside, &workers[i]) == 0;
    }
    work(compare, 0);
    for (unsigned i = 1; i < compare->threads; i++)
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
    free(workers);
    if (compare->rc != 0 && error != NULL)
        *error = compare->error;
    return compare->rc;
}

/* Runs [from, until), which have the same parts. */
static int read_runs(struct compare *compare, int from, int until, struct toll_error *error)
{
    const size_t parts = compare->runs[from].files.manifest.part_count;
    const size_t at_once = TOLL_PARTS_AT_ONCE / (size_t)(until - from);
    int rc = 0;
    compare->from = from;
    compare->until = until;
    for (size_t first = 0; rc == 0 && first < parts; first += at_once) {
        const size_t count = parts - first < at_once ? parts - first : at_once;
        compare->part_count = count;
        for (size_t p = 0; rc == 0 && p < count; p++)
            rc = open_part(compare, p, first + p, error);
        if (rc == 0)
            rc = read_open_parts(compare, error);
        close_parts(compare);
    }
    return rc;
}

static int read_all(struct compare *compare, struct toll_error *error)
{
    if (compare->same_calls)
        return read_runs(compare, 0, compare->count, error);
    int rc = 0;
    for (int i = 0; rc == 0 && i < compare->count; i++)
        rc = read_runs(compare, i, i + 1, error);
    return rc;
}

/* ---- taxes ---- */

/* The run's register, as `tax` has it: billable cents by account. */
static int read_taxes(struct compare *compare, int index, struct toll_error *error)
{
    struct compared_run *run = &compare->runs[index];
    if (!run->book->tax.taxed)
        return 0;
    struct toll_taxes *taxes = NULL;
    int rc = toll_taxes_open_with(compare->io, compare->options->run_paths[index],
                                  &(struct toll_tax_options){.report_period = NULL}, &taxes, error);
    if (rc == 0)
        rc = toll_impact_taxes_of(taxes, &run->tax_texts, &run->taxes, &run->tax_count, error);
    toll_taxes_close(taxes);
    if (rc != 0)
        return rc;
    compare->sides[index].taxes = run->taxes;
    compare->sides[index].tax_count = run->tax_count;
    return 0;
}

/* ---- all of it ---- */

static int make_sums(struct compare *compare, struct toll_error *error)
{
    const unsigned cores = toll_workers_cores();
    compare->threads = compare->options->threads == 0 ? cores : compare->options->threads;
    if (compare->threads > TOLL_WORKERS_MAX)
        compare->threads = TOLL_WORKERS_MAX;
    const int64_t batches = compare->rows_total / TOLL_BATCH_ROWS + 1;
    if (compare->threads > batches)
        compare->threads = (unsigned)batches;
    /* Single price rows are read of the base alone, and only to tell what drives a difference. */
    for (int i = 0; i < compare->count && !compare->options->prices; i++)
        if (i > 0 || !compare->same_calls || compare->count == 1)
            compare->sides[i].detail = TOLL_DETAIL_NONE;
    int rc = toll_impact_shape_make(&compare->shape, compare->sides, compare->count,
                                    compare->runs[0].book->zones[0], error);
    const size_t fit = rc != 0 ? 1 : SUMS_BYTES / toll_impact_sums_bytes(compare->shape);
    if (compare->threads > fit)
        compare->threads = fit > 0 ? (unsigned)fit : 1;
    compare->sums = calloc(compare->threads, sizeof(struct toll_impact_sums *));
    if (rc == 0 && compare->sums == NULL)
        rc = no_memory(error);
    for (unsigned i = 0; rc == 0 && i < compare->threads; i++)
        rc = toll_impact_sums_make(&compare->sums[i], compare->shape, error);
    return rc;
}

static void close_all(struct compare *compare)
{
    for (unsigned i = 0; compare->sums != NULL && i < compare->threads; i++)
        toll_impact_sums_free(compare->sums[i]);
    free(compare->sums);
    toll_impact_shape_free(compare->shape);
    for (int i = 0; compare->runs != NULL && i < compare->count; i++) {
        struct compared_run *run = &compare->runs[i];
        toll_book_close(run->book);
        if (run->image.data != NULL)
            toll_blob_free(&run->image);
        if (run->dataset_open)
            toll_dataset_close(&run->dataset);
        if (run->files_open)
            toll_run_files_close(&run->files);
        toll_strings_free(&run->tax_texts);
        free(run->taxes);
    }
    free(compare->runs);
    pthread_mutex_destroy(&compare->mutex);
}

static int compare_all(struct compare *compare, struct toll_impact *impact, struct toll_error *error)
{
    const struct toll_compare_options *options = compare->options;
    const struct toll_impact_wishes wishes = {.same_calls = compare->same_calls,
                                              .moved_by_bp = options->moved_by_bp,
                                              .moved_most = options->moved_most,
                                              .prices = options->prices};
    int rc = make_sums(compare, error);
    if (rc == 0)
        rc = read_all(compare, error);
    for (unsigned i = 1; rc == 0 && i < compare->threads; i++)
        rc = toll_impact_sums_merge(compare->sums[0], compare->sums[i], error);
    for (int i = 0; rc == 0 && i < compare->count; i++)
        rc = read_taxes(compare, i, error);
    return rc != 0 ? rc : toll_impact_make(impact, compare->sums[0], compare->sides, &wishes, error);
}

int toll_compare(const struct toll_compare_options *options, struct toll_impact *impact,
                 struct toll_error *error)
{
    memset(impact, 0, sizeof *impact);
    if (options->run_count < 1 || options->run_count > TOLL_IMPACT_BOOKS_MAX)
        return toll_error_set(error, TOLL_EUSAGE, "%d runs; from 1 to %d can be side by side",
                              options->run_count, TOLL_IMPACT_BOOKS_MAX);
    struct compare compare = {.options = options, .io = toll_io_system(), .count = options->run_count};
    TOLL_ASSERT(pthread_mutex_init(&compare.mutex, NULL) == 0);
    compare.runs = calloc((size_t)compare.count, sizeof *compare.runs);
    int rc = compare.runs == NULL ? no_memory(error) : open_runs(&compare, error);
    if (rc == 0)
        rc = compare_all(&compare, impact, error);
    close_all(&compare);
    return rc;
}
