/*
 * A run from end to end: book, dataset, lines of all parts, tables, manifest. Nothing is published before
 * everything is written, and nothing at all after an error.
 */
#include "pipeline/rate.h"

#include "base/check.h"
#include "base/cpu.h"
#include "base/error.h"
#include "pipeline/after.h"
#include "pipeline/line_widths.h"
#include "text/json.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct run {
    const struct toll_rate_options *options;
    const struct toll_hash128 *predecessor; /* NULL: none */
    const struct toll_merge_choice *choice; /* NULL: what the earlier run has in suspense */
    const struct toll_io *io;
    enum toll_read_path how;
    bool ring_writes;
    enum toll_sync_choice sync;
    int image_rc; /* of its writing, as far as it was begun */
    struct toll_error image_error;
    struct toll_book *book;
    struct toll_dataset dataset;
    bool dataset_open;
    struct toll_merge merged;       /* open: what an earlier run settled is kept */
    const struct toll_merge *merge; /* NULL: every row is rated */
    struct toll_after after;        /* open: it goes on behind closed ones */
    unsigned optional;              /* columns of the lines, and their widths: bits TOLL_LINES_... */
    size_t first, last;             /* of dataset.parts */
    struct toll_parts_ahead ahead;  /* the first of them */
    int64_t rows;
    struct toll_rater rater;
    struct toll_tuples *tuples; /* NULL: the book is not taxed */
    struct toll_workers workers;
    struct toll_pools *pools; /* NULL: the book has neither bundles nor tiers */
    struct toll_pool_tables pool_tables;
    struct toll_pools_before before; /* what they began with */
    struct toll_run_writer *writer;
    struct toll_run_part *parts; /* last - first */
    struct toll_strings texts;
    unsigned features; /* of the processor that the kernels may use */
    struct toll_part_set set;
    struct toll_lines_writer *lines[TOLL_PARTS_AT_ONCE];
    struct toll_lines *kept[TOLL_PARTS_AT_ONCE];
    struct toll_rate_memory memory;
    struct toll_rate_times times;
    int64_t phase_begun;
};

const char *const toll_rate_phase_names[TOLL_PHASES] = {"book", "plan",   "parts",   "rate", "lines",
                                                        "sums", "tables", "publish", "close"};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* All time since the phase before belongs to this one. */
static void phase_ends(struct run *run, enum toll_rate_phase phase)
{
    const int64_t now = now_ns();
    run->times.phase_ns[phase] += now - run->phase_begun;
    run->phase_begun = now;
}

/* ---- planning ---- */

/* What lines have beyond the columns of every run: those of the book, and of an earlier run whose lines are
 * kept. All parts of a run have the same ones. */
static int find_optional(struct run *run, struct toll_error *error)
{
    int rc = 0;
    if (run->book->bundle_count > 1)
        run->optional |= TOLL_LINES_POOL;
    if (toll_run_has_cost(run->book, run->merge))
        run->optional |= TOLL_LINES_COST;
    if (run->merge == NULL)
        return 0;
    run->optional |= TOLL_LINES_BOOK;
    if (run->merge->old.manifest.part_count > 0) {
        struct toll_lines *lines;
        rc = toll_run_lines_open(&run->merge->old, 0, TOLL_READ_PREAD, &lines, error);
        if (rc == 0)
            run->optional |= toll_lines_optional(lines) & TOLL_LINES_OPTIONAL;
        if (rc == 0)
            toll_lines_close(lines);
    }
    return rc;
}

static int open_after(struct run *run, struct toll_error *error)
{
    if (run->options->only_suspense != NULL)
        return toll_error_set(
            error, TOLL_EUSAGE,
            "a run keeps the lines of an earlier one or goes on behind a closed one, not both: "
            "what was in suspense is rated after a closed run anyway");
    const int rc = toll_days_read(run->options->from_day, run->options->to_day, &run->after.from_day,
                                  &run->after.to_day, error);
    return rc != 0 ? rc : toll_after_open(&run->after, run->io, run->options->after, error);
}

/* Threads that bring files to disk are worth their while from some size on. */
#define SYNC_TOGETHER_ROWS 1000000
static bool syncs_together(const struct run *run)
{
    return run->sync == TOLL_SYNC_BY_SIZE ? run->rows >= SYNC_TOGETHER_ROWS : run->sync == TOLL_SYNC_TOGETHER;
}

static void image_begins(void *context, const uint8_t *image, size_t bytes)
{
    struct run *run = context;
    run->image_rc = toll_run_write_image(run->writer, image, bytes, &run->image_error);
}

/* No run comes of it: what is still to be written only has to end. */
static void image_ends(void *context)
{
    struct run *run = context;
    (void)toll_run_wait(run->writer, NULL);
}

/* In a large run the book's image is written while it is checked, for the device has nothing else to do. */
static int open_book(struct run *run, struct toll_error *error)
{
    const struct toll_rate_options *options = run->options;
    const struct toll_book_watch watch = {.begin = image_begins, .end = image_ends, .context = run};
    int rc = toll_book_open_watched(run->io, options->book_path, &options->reporter,
                                    toll_run_syncs(run->writer) == NULL ? NULL : &watch, &run->book, error);
    if (rc == 0 && run->image_rc != 0) {
        rc = run->image_rc;
        if (error != NULL)
            *error = run->image_error;
    }
    return rc;
}

/* Lines by a ring, too: warm it is as fast as pwrite within the noise, and a whole cold run by the ring took
 * 0.09 to 0.14 s of system time where pread and pwrite took 0.36 to 0.48 s (20 M CDRs). */
static void choose_io(struct run *run)
{
    const enum toll_io_choice io = run->options->io;
    run->how = toll_parts_read_path(&run->dataset, run->first, run->last, io, run->options->memory_bytes > 0);
    run->ring_writes = io == TOLL_IO_URING || io == TOLL_IO_AUTO;
    if (run->how == TOLL_READ_RING) /* their heads come from the device while the book is opened */
        toll_parts_ahead_begin(&run->ahead, &run->dataset, run->first, run->last, run->how);
}

static int open_all(struct run *run, struct toll_error *error)
{
    const struct toll_rate_options *options = run->options;
    int rc = toll_dataset_open(&run->dataset, run->io, options->dataset_path, error);
    run->dataset_open = rc == 0;
    if (rc == 0 && options->only_suspense == NULL)
        rc = toll_parts_select(&run->dataset, options->from_day, options->to_day, &run->first, &run->last,
                               error);
    else if (rc == 0)
        rc = toll_merge_open(&run->merged, run->io, options->only_suspense, run->choice, &run->dataset,
                             options->from_day, options->to_day, &run->first, &run->last, error);
    if (rc == 0 && options->after != NULL)
        rc = open_after(run, error);
    for (size_t i = run->first; rc == 0 && i < run->last; i++)
        run->rows += run->dataset.parts[i].rows;
    if (rc == 0) /* before the book: what is slow comes after what is likely to be wrong */
        rc = toll_run_create(run->io, options->run_path, &run->writer, error);
    if (rc == 0)
        choose_io(run);
    if (rc == 0 && syncs_together(run))
        rc = toll_run_sync_together(run->writer, run->ring_writes, error);
    if (rc == 0)
        rc = open_book(run, error);
    if (rc == 0 && run->merged.open) {
        rc = toll_merge_join(&run->merged, run->book, error);
        run->merge = &run->merged;
    }
    if (rc == 0)
        rc = find_optional(run, error);
    if (rc == 0 && run->after.open)
        rc = toll_after_join(&run->after, run->book, &run->dataset, run->first, run->last, error);
    if (rc == 0)
        rc = toll_rater_init(&run->rater, run->book, run->features, error);
    if (rc == 0)
        toll_run_hash_with(run->writer, run->rater.kernels->hash, run->rater.kernels->hash_add);
    if (rc == 0 && run->merge != NULL && run->rater.cost != NULL && run->rater.cost->entitlements != NULL)
        rc = toll_error_set(error, TOLL_EBOOK,
                            "%s: carriers or trunks have bundles, on which the cost of what waited has drawn "
                            "already; rate all again, without --only-suspense",
                            options->book_path);
    return rc;
}

/* A book without bundles and tiers hands on what it finds. */
static int carry_pools(struct run *run)
{
    const struct toll_pools_before *before = &run->after.before;
    if (run->after.open)
        run->pool_tables =
            (struct toll_pool_tables){before->periods,    before->period_count, before->draws,
                                      before->draw_count, before->counts,       before->count_count};
    else if (run->merge != NULL)
        run->pool_tables = (struct toll_pool_tables){run->merge->kept.pools,  run->merge->kept.pool_count,
                                                     run->merge->kept.draws,  run->merge->kept.draw_count,
                                                     run->merge->kept.counts, run->merge->kept.count_count};
    return 0;
}

/* What an earlier run drew and counted whose lines are kept: all calls are late, nothing is closed. */
static struct toll_pools_before before_of_merge(const struct run *run)
{
    const struct toll_run_tables *old = &run->merge->kept;
    toll_ms first = 0;
    for (size_t i = run->last; i > run->first; i--)
        if (run->dataset.parts[i - 1].rows > 0)
            first = run->dataset.parts[i - 1].first_start;
    return (struct toll_pools_before){
        .periods = old->pools,
        .period_count = old->pool_count,
        .draws = old->draws,
        .draw_count = old->draw_count,
        .counts = old->counts,
        .count_count = old->count_count,
        .begun = toll_day_of_ms(first),
        .begun_first = first,
    };
}

static struct toll_run_span span_of(const struct run *run)
{
    return toll_parts_span(&run->dataset, run->first, run->last);
}

/* Ids of a merged run are older books', too: its columns are wide. */
static void find_widths(struct run *run)
{
    if (run->merge == NULL)
        run->optional |= toll_line_widths(&run->rater, &run->dataset, run->first, run->last,
                                          run->after.open ? &run->after.before : NULL);
}

static int make_pools(struct run *run, struct toll_error *error)
{
    struct toll_run_span span = span_of(run);
    const struct toll_pools_before *before = NULL;
    struct toll_pools_before merged;
    if (run->book->bundle_count <= 1 && run->book->tiers_count <= 1)
        return carry_pools(run);
    if (!run->options->cut_periods)
        span.earlier_until = toll_parts_earlier_until(&run->dataset, run->first);
    if (run->after.open)
        before = &run->after.before;
    if (run->merge != NULL) {
        merged = before_of_merge(run);
        before = &merged;
    }
    run->before = before == NULL ? (struct toll_pools_before){0} : *before;
    return toll_pools_make(run->book, &span, before == NULL ? NULL : &run->before, &run->pools, error);
}

/* ---- the lines ---- */

static int create_lines(struct run *run, size_t first, struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < run->set.count && rc == 0; i++) {
        const struct toll_dataset_part *part = &run->dataset.parts[first + i];
        char day[TOLL_TIME_TEXT_BYTES], name[TOLL_PART_NAME_BYTES];
        toll_day_format(part->day, day);
        snprintf(name, sizeof name, "%s.%d", day, part->part);
        rc = toll_lines_create(run->io, toll_run_directory(run->writer), name, part->rows, run->optional,
                               &run->lines[i], error);
        if (rc == 0)
            toll_lines_hash_with(run->lines[i], run->rater.kernels->hash);
        if (rc == 0 && run->ring_writes)
            toll_lines_use_ring(run->lines[i]);
        run->set.parts[i].lines = run->lines[i];
    }
    return rc;
}

/* The earlier run's lines of the open parts, which answer the same rows. */
static int open_kept(struct run *run, size_t first, struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; run->merge != NULL && i < run->set.count && rc == 0; i++) {
        rc = toll_merge_lines_open(run->merge, first + i - run->first, run->optional, run->how, &run->kept[i],
                                   error);
        run->set.parts[i].kept = run->kept[i];
    }
    for (size_t i = 0; run->after.open && i < run->set.count; i++)
        run->set.parts[i].lanes[0].closed = run->after.rows.bits[first + i - run->first];
    return rc;
}

static int finish_lines(struct run *run, size_t first, struct toll_error *error)
{
    /* Of the set before: beside the files of this set no others are open. */
    int rc = toll_run_wait(run->writer, error);
    for (size_t i = 0; i < run->set.count && rc == 0; i++) {
        const struct toll_dataset_part *part = &run->dataset.parts[first + i];
        struct toll_run_part *out = &run->parts[first + i - run->first];
        struct toll_lines_writer *lines = run->lines[i];
        *out = (struct toll_run_part){.day = part->day,
                                      .part = part->part,
                                      .rows = part->rows,
                                      .cdr_seal = part->seal,
                                      .cdr_text_seal = part->text_seal};
        run->lines[i] = NULL;
        rc = toll_lines_finish_by(lines, toll_run_syncs(run->writer), &out->seal, error);
    }
    return rc;
}

static void close_set(struct run *run)
{
    for (size_t i = 0; i < TOLL_PARTS_AT_ONCE; i++) {
        if (run->lines[i] != NULL)
            toll_lines_abandon(run->lines[i]);
        toll_lines_close(run->kept[i]);
        run->lines[i] = NULL;
        run->kept[i] = NULL;
    }
    toll_part_set_close(&run->set);
}

/* Parts go through in sets, so that a dataset of years needs no more open files than one of a month. */
enum pass { PASS_ENDS, PASS_COUNT, PASS_LINES };
static int rate_parts(struct run *run, enum pass pass, struct toll_error *error)
{
    int64_t rows_before = 0;
    int rc = 0;
    for (size_t first = run->first; first < run->last && rc == 0; first += TOLL_PARTS_AT_ONCE) {
        const size_t last = run->last - first < TOLL_PARTS_AT_ONCE ? run->last : first + TOLL_PARTS_AT_ONCE;
        rc = toll_part_set_open_begun(&run->set, &run->rater, 1, &run->dataset, first, last, run->how,
                                      (uint32_t)(first - run->first), &run->texts, &run->ahead, error);
        if (rc == 0)
            rc = open_kept(run, first, error);
        if (rc == 0)
            rc = pass != PASS_LINES ? 0 : create_lines(run, first, error);
        if (rc == 0) {
            const struct toll_workers_request request = {
                .parts = run->set.parts,
                .part_count = run->set.count,
                .progress = &run->options->progress,
                .rows_before = rows_before,
                .rows_total = run->rows,
                .pools = &run->pools,
                .count_only = pass == PASS_COUNT,
                .collect_ends = pass == PASS_ENDS,
            };
            phase_ends(run, TOLL_PHASE_PARTS);
            rc = toll_workers_run(&run->workers, &request, error);
            phase_ends(run, TOLL_PHASE_RATE);
        }
        if (rc == 0 && pass == PASS_LINES)
            rc = finish_lines(run, first, error);
        phase_ends(run, TOLL_PHASE_LINES);
        rows_before += run->set.rows;
        close_set(run);
        phase_ends(run, TOLL_PHASE_CLOSE);
    }
    if (rc == 0 && run->pools != NULL && pass != PASS_ENDS)
        rc = toll_pools_state(run->pools, error);
    return rc;
}

/* Tuples that go by the ends of calls are numbered when it is known which there are. */
static int collect_ends(struct run *run, struct toll_error *error)
{
    if (run->tuples == NULL || run->tuples->ends == NULL)
        return 0;
    const int rc = rate_parts(run, PASS_ENDS, error);
    return rc != 0 ? rc : toll_workers_number_ends(&run->workers, 0, run->tuples, error);
}

/* Tiers whose price depends on the units of a whole period need these first. */
static int count_parts(struct run *run, struct toll_error *error)
{
    if (run->rater.draws == NULL || !run->rater.draws->volume)
        return 0;
    const int rc = rate_parts(run, PASS_COUNT, error);
    if (rc == 0)
        toll_pools_second_pass(run->pools);
    toll_workers_clear(&run->workers);
    return rc;
}

/* After the parts are chosen, before the workers' sums are made. */
static int make_tuples(struct run *run, struct toll_error *error)
{
    const int rc = toll_tuples_of_parts(run->book, &run->dataset, run->first, run->last, &run->tuples, error);
    run->rater.tuples = run->tuples;
    return rc;
}

/* Ids behind those of an earlier run. */
static int check_tuple_room(const struct run *run, struct toll_error *error)
{
    if (run->merge == NULL || run->tuples == NULL)
        return 0;
    const int64_t shift = run->merge->books[run->merge->book_count - 1].tuple_shift;
    return shift + toll_tuples_most(run->tuples) <= INT32_MAX
               ? 0
               : toll_error_set(
                     error, TOLL_EDATA,
                     "%s holds tuples up to %lld, and there is no room for those of one more book; "
                     "rate all of the dataset, without an earlier run",
                     run->options->only_suspense, (long long)shift);
}

/* What is charged by period, and the balances of the pools. */
static int finish_periods(struct run *run, struct toll_tally *tally, struct toll_error *error)
{
    int rc = toll_tally_charge_periods(tally, run->book, error);
    if (rc == 0 && run->after.open) {
        rc = toll_after_charges(&run->after, run->book, &tally->periods, error);
        toll_period_charges_sort(&tally->periods);
    }
    if (rc == 0 && run->pools != NULL) {
        rc = toll_pools_finish(run->pools, &run->pool_tables, &tally->periods, error);
        toll_period_charges_sort(&tally->periods);
    }
    if (rc == 0 && run->merge != NULL)
        rc = toll_merge_check_periods(run->merge, &tally->periods, error);
    return rc;
}

/* ---- the rest of the run ---- */

static int find_totals(struct toll_currency_total totals[64], const struct toll_tally *tally,
                       const struct toll_book *book, const struct toll_merge *merge)
{
    int count = merge == NULL ? toll_tally_totals(tally, book, totals, 64)
                              : toll_merge_totals(merge, tally, book, totals, 64);
    if (count == 0)
        totals[count++] = (struct toll_currency_total){.currency = book->currency};
    return count;
}

static bool fill_costs(struct toll_rate_result *result, const struct toll_tally *tally,
                       const struct toll_book *book, const struct toll_merge *merge,
                       const struct toll_currency_total *charges, int charge_count)
{
    struct toll_currency_total totals[TOLL_COST_TOTALS];
    result->has_cost = true;
    memcpy(result->cost_rows, tally->cost.status_rows, sizeof result->cost_rows);
    result->cost_count = toll_cost_totals(merge, tally, book, totals, TOLL_COST_TOTALS);
    for (int i = 0; i < result->cost_count; i++) {
        toll_cost_total_fill(&result->costs[i], totals[i].currency, totals[i].charge, charges, charge_count);
    }
    return result->cost_count >= 0;
}

int toll_result_fill(struct toll_rate_result *result, const struct toll_tally *tally,
                     const struct toll_book *book, const struct toll_merge *merge,
                     const struct toll_dataset *dataset, struct toll_error *error)
{
    struct toll_currency_total totals[64];
    result->rows = tally->rows;
    result->kept = tally->kept_rows;
    for (unsigned status = 0; status < TOLL_STATUS_COUNT; status++) {
        const int64_t rows = tally->status_rows[status];
        result->status_rows[status] = rows;
        if (toll_status_is_rated(status))
            result->rated += rows;
        else if (status < TOLL_SUSPENSE_FIRST)
            result->zero_rated += rows;
        else
            result->suspense += rows;
    }
    TOLL_ASSERT(result->rated + result->zero_rated + result->suspense == result->rows);
    result->billed_s = tally->billed_s;
    const int count = find_totals(totals, tally, book, merge);
    if (count < 0)
        return toll_error_set(error, TOLL_EBOOK, "the accounts have more than 64 currencies; split the book");
    result->total_count = count;
    for (int i = 0; i < count; i++) {
        snprintf(result->totals[i].currency, sizeof result->totals[i].currency, "%s", totals[i].currency);
        toll_total_format(totals[i].charge, TOLL_MONEY_DECIMALS, result->totals[i].charge);
        toll_total_format(totals[i].periods, TOLL_MONEY_DECIMALS, result->totals[i].period_charge);
    }
    result->period_charges = (int64_t)tally->periods.count;
    if (toll_run_has_cost(book, merge) && !fill_costs(result, tally, book, merge, totals, count))
        return toll_error_set(error, TOLL_EBOOK, "the costs are in more than 64 currencies; split the book");
    toll_hash_text(dataset->cdr_hash, result->cdr_hash);
    toll_hash_text(book->book_hash, result->book_hash);
    return 0;
}

/* The text of suspense.csv, which takes as long as the tables: in large runs beside them. */
struct suspense_text {
    struct run *run;
    struct toll_tally *tally;
    pthread_t thread;
    bool threaded;
    char *csv;
    size_t bytes;
    struct toll_error error;
    int rc;
};

static void *make_suspense(void *argument)
{
    struct suspense_text *text = argument;
    struct run *run = text->run;
    const size_t parts = run->last - run->first;
    int64_t *days = calloc(parts + 1, sizeof *days);
    if (days == NULL) {
        text->rc = toll_error_set(&text->error, TOLL_ENOMEM, "out of memory for suspense.csv");
        return NULL;
    }
    for (size_t i = 0; i < parts; i++)
        days[i] = run->parts[i].day;
    toll_suspense_finish(&text->tally->suspense);
    text->rc = toll_suspense_to_csv(&text->tally->suspense, run->book, run->merge, days, &run->texts,
                                    &text->csv, &text->bytes, &text->error);
    free(days);
    return NULL;
}

static void begin_suspense(struct suspense_text *text, bool beside)
{
    text->threaded = beside && pthread_create(&text->thread, NULL, make_suspense, text) == 0;
}

/* rc: of what was done meanwhile. */
static int write_suspense(struct suspense_text *text, int rc, struct toll_error *error)
{
    if (text->threaded)
        pthread_join(text->thread, NULL);
    else if (rc == 0)
        make_suspense(text);
    if (rc == 0 && text->rc != 0) {
        rc = text->rc;
        if (error != NULL)
            *error = text->error;
    }
    if (rc == 0)
        rc = toll_run_add_file(text->run->writer, "suspense.csv", text->csv, text->bytes, error);
    free(text->csv);
    return rc;
}

static void write_io_stats(const struct run *run, struct toll_json *json)
{
    const struct toll_bulk_counts counts = toll_workers_io_counts(&run->workers);
    const char *refusal = toll_workers_io_refusal(&run->workers);
    toll_json_open_map(json, "io");
    toll_json_open_map(json, "read");
    toll_json_int(json, "mmap", counts.read_mmap);
    toll_json_int(json, "pread", counts.read_pread);
    toll_json_int(json, "io_uring", counts.read_ring);
    toll_json_close_map(json);
    toll_json_open_map(json, "written");
    toll_json_int(json, "pwrite", counts.written_pwrite);
    toll_json_int(json, "io_uring", counts.written_ring);
    toll_json_close_map(json);
    toll_json_string(json, "refused", refusal[0] == '\0' ? NULL : refusal);
    toll_json_close_map(json);
}

/* Up to here: the rest comes behind this file. */
static void write_phases(const struct run *run, struct toll_json *json)
{
    toll_json_open_map(json, "phases_ns");
    for (unsigned phase = 0; phase < TOLL_PHASE_PUBLISH; phase++)
        toll_json_int(json, toll_rate_phase_names[phase], run->times.phase_ns[phase]);
    toll_json_close_map(json);
    toll_json_int(json, "waited_ns", run->times.waited_ns);
}

/* Wall times and how it was done: outside every hash. */
static bool write_stats(const struct run *run, const struct toll_rate_result *result, struct toll_json *json)
{
    int64_t in_bytes = 0, out_bytes = 0;
    for (size_t i = run->first; i < run->last; i++) {
        in_bytes += run->dataset.parts[i].seal.bytes;
        out_bytes += run->parts[i - run->first].seal.bytes;
    }
    /* Where the CDRs were: a hint for tools, outside every hash; NULL (null) when it cannot be told. */
    char *cdrs = realpath(run->options->dataset_path, NULL);
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", "tollmill.stats/1");
    toll_json_string(json, "cdrs", cdrs);
    free(cdrs);
    toll_json_string(json, "version", TOLLMILL_VERSION);
    toll_json_int(json, "rows", result->rows);
    toll_json_int(json, "kept", result->kept);
    toll_json_int(json, "threads", run->workers.count);
    toll_json_string(json, "kernels", run->rater.kernels->name);
    write_io_stats(run, json);
    toll_json_int(json, "memory_reserved_bytes", result->memory_reserved_bytes);
    toll_json_int(json, "memory_peak_bytes", result->memory_peak_bytes);
    toll_json_int(json, "wall_ns", result->wall_ns);
    toll_json_int(json, "rate_ns", result->rate_ns);
    write_phases(run, json);
    toll_json_int(json, "cdr_per_s",
                  result->rate_ns <= 0 ? 0
                                       : (int64_t)((toll_total)result->rows * 1000000000 / result->rate_ns));
    toll_json_int(json, "cdr_file_bytes", in_bytes);
    toll_json_int(json, "line_file_bytes", out_bytes);
    toll_json_close_map(json);
    return toll_json_finish(json);
}

static int publish(struct run *run, const struct toll_tally *tally, struct toll_rate_result *result,
                   struct toll_error *error)
{
    struct toll_currency_total totals[64];
    const int64_t *rows = result->status_rows;
    struct toll_run_manifest manifest = {
        .cdr_hash = run->dataset.cdr_hash,
        .book_hash = run->book->book_hash,
        .tzdata_hash = run->book->tzdata_hash,
        .rows = result->rows,
        .rated = result->rated,
        .zero_rated = result->zero_rated,
        .suspense = result->suspense,
        .conflict = rows[TOLL_SUSPENSE_CONFLICT],
        .other_party = rows[TOLL_ZERO_OTHER_PARTY],
        .billed_s = result->billed_s,
        .currency = result->totals[0].currency,
        .total_count = result->total_count,
        .parts = run->parts,
        .part_count = run->last - run->first,
        .from_day = run->options->from_day == NULL ? "" : run->options->from_day,
        .to_day = run->options->to_day == NULL ? "" : run->options->to_day,
    };
    if (run->merge != NULL) {
        manifest.from_day = run->merge->old.manifest.from_day;
        manifest.to_day = run->merge->old.manifest.to_day;
        manifest.books = run->merge->books;
        manifest.book_count = run->merge->book_count;
        manifest.kept_from = run->merge->old.digest;
        manifest.kept = result->kept;
    }
    manifest.cut_periods = run->options->cut_periods;
    manifest.has_predecessor = run->predecessor != NULL;
    if (manifest.has_predecessor)
        manifest.predecessor = *run->predecessor;
    manifest.has_after = run->after.open;
    manifest.reorder = run->options->reorder;
    if (run->after.open)
        manifest.after = run->after.state.digest;
    manifest.has_starts = run->book->tax.taxed && run->rows > 0;
    if (manifest.has_starts) {
        const struct toll_run_span span = span_of(run);
        manifest.first_start = span.first;
        manifest.last_start = span.last;
    }
    memcpy(manifest.status_rows, rows, sizeof manifest.status_rows);
    find_totals(totals, tally, run->book, run->merge);
    for (int i = 0; i < result->total_count; i++) {
        manifest.totals[i].currency = result->totals[i].currency;
        manifest.totals[i].charge = totals[i].charge;
    }
    manifest.has_cost = result->has_cost;
    memcpy(manifest.cost_rows, result->cost_rows, sizeof manifest.cost_rows);
    manifest.cost_count = result->cost_count;
    if (result->has_cost)
        toll_cost_totals(run->merge, tally, run->book, totals, TOLL_COST_TOTALS);
    for (int i = 0; i < result->cost_count; i++) {
        manifest.costs[i].currency = result->costs[i].currency;
        manifest.costs[i].cost = totals[i].charge;
    }
    struct toll_json stats = {0};
    int rc = write_stats(run, result, &stats)
                 ? toll_run_publish(run->writer, &manifest, stats.text, error)
                 : toll_error_set(error, TOLL_ENOMEM, "out of memory for stats.json");
    toll_json_free(&stats);
    return rc;
}

int toll_rate_tuned(const struct toll_rate_options *options, const struct toll_rate_tuning *tuning,
                    struct toll_rate_result *result, struct toll_error *error)
{
    const int64_t begun = now_ns();
    struct run *run = calloc(1, sizeof *run);
    memset(result, 0, sizeof *result);
    if (run == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    run->options = options;
    run->io = tuning->io;
    run->predecessor = tuning->predecessor;
    run->choice = tuning->choice;
    run->sync = tuning->sync;
    run->phase_begun = begun;

    int rc = toll_simd_features(options->simd, tuning->features, &run->features, error);
    if (rc == 0)
        rc = open_all(run, error);
    phase_ends(run, TOLL_PHASE_BOOK);
    if (rc == 0 && run->after.open && options->reorder)
        rc = toll_after_reorder(&run->after, &run->rater, &run->dataset, run->first, run->last, error);
    if (rc == 0 && run->rows > 0)
        toll_rate_tell_stale(run->book, span_of(run).last, &options->reporter);
    if (rc == 0)
        rc = make_tuples(run, error);
    if (rc == 0) {
        find_widths(run);
        struct toll_workers_io io = {
            .io = run->io,
            .mapped = run->how == TOLL_READ_MMAP,
            .ring = run->how == TOLL_READ_RING || run->ring_writes,
            .in_flight_bytes = tuning->in_flight_bytes,
            .piece_bytes = tuning->piece_bytes,
            .ahead = tuning->ahead,
            .merge = run->merge,
            .optional = run->optional,
            .closed = run->after.open,
        };
        run->memory.threads = toll_parts_workers(&run->dataset, run->first, run->last, options->threads);
        const struct toll_lane lane = {.rater = &run->rater, .optional = run->optional};
        rc = toll_rate_memory_plan(&run->memory, &lane, 1, run->rows, &io, options->memory_bytes, error);
        if (rc == 0)
            rc = toll_workers_init(&run->workers, &run->rater, run->memory.threads, options->pin, &io,
                                   tuning->block_rows, error);
    }
    if (rc == 0) {
        run->parts = calloc(run->last - run->first + 1, sizeof *run->parts);
        if (run->parts == NULL)
            rc = toll_error_set(error, TOLL_ENOMEM, "out of memory for the run's parts");
    }
    if (rc == 0)
        rc = make_pools(run, error);
    if (rc == 0)
        toll_run_make_by(run->writer, run->memory.threads);
    if (rc == 0 && toll_run_syncs(run->writer) == NULL)
        rc = toll_run_write_image(run->writer, run->book->image, run->book->image_bytes, error);
    if (rc == 0)
        rc = toll_run_write_older_books(run->writer, run->merge, error);
    phase_ends(run, TOLL_PHASE_PLAN);
    if (rc == 0)
        rc = collect_ends(run, error);
    if (rc == 0)
        rc = check_tuple_room(run, error);
    if (rc == 0)
        rc = count_parts(run, error);
    if (rc == 0)
        rc = rate_parts(run, PASS_LINES, error);
    if (rc == 0) {
        struct toll_tally *tally = toll_workers_sum(&run->workers, 0);
        TOLL_ASSERT(tally->rows == run->rows);
        rc = toll_tally_check(tally, error);
        if (rc == 0 && run->merge != NULL)
            rc = toll_merge_check(run->merge, tally, error);
        if (rc == 0)
            rc = finish_periods(run, tally, error);
        if (rc == 0)
            rc = toll_result_fill(result, tally, run->book, run->merge, &run->dataset, error);
        phase_ends(run, TOLL_PHASE_SUMS);
        struct suspense_text suspense = {.run = run, .tally = tally};
        if (rc == 0)
            begin_suspense(&suspense, toll_run_syncs(run->writer) != NULL);
        if (rc == 0)
            rc = toll_run_write_tables(run->writer, run->book, tally, run->merge, &run->pool_tables, error);
        if (rc == 0 && run->after.open)
            rc = toll_state_keep(&run->after.state, run->writer, error);
        rc = write_suspense(&suspense, rc, error);
        phase_ends(run, TOLL_PHASE_TABLES);
        run->times.waited_ns = toll_workers_io_counts(&run->workers).waited_ns;
        result->rate_ns = run->times.phase_ns[TOLL_PHASE_RATE];
        result->wall_ns = now_ns() - begun;
        result->threads = run->workers.count;
        result->memory_reserved_bytes = run->memory.reserved_bytes;
        result->memory_peak_bytes = toll_memory_peak();
        if (rc == 0 && tuning->before_publishing != NULL)
            rc = tuning->before_publishing(tuning->context, error);
        if (rc == 0)
            rc = publish(run, tally, result, error);
        phase_ends(run, TOLL_PHASE_PUBLISH);
    }
    if (run->writer != NULL)
        toll_run_abandon(run->writer); /* after publishing: only frees */
    free(run->parts);
    toll_strings_free(&run->texts);
    toll_workers_free(&run->workers);
    toll_pools_free(run->pools);
    toll_rater_free(&run->rater);
    toll_tuples_free(run->tuples);
    toll_merge_close(&run->merged);
    toll_after_close(&run->after);
    toll_parts_ahead_close(&run->ahead);
    if (run->dataset_open)
        toll_dataset_close(&run->dataset);
    toll_book_close(run->book);
    phase_ends(run, TOLL_PHASE_CLOSE);
    if (tuning->times != NULL)
        *tuning->times = run->times;
    free(run);
    result->wall_ns = now_ns() - begun;
    return rc;
}

int toll_rate(const struct toll_rate_options *options, struct toll_rate_result *result,
              struct toll_error *error)
{
    const struct toll_rate_tuning tuning = {.io = toll_io_system(), .features = toll_cpu_features()};
    return toll_rate_tuned(options, &tuning, result, error);
}
