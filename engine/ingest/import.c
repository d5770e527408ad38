/*
 * toll_import: delivered files into a dataset.
 *
 * All files of a call become one generation or none: every file is read and recognised before anything is
 * written, and the manifest is replaced last. The bytes that come out depend only on the set of files that
 * were ever imported: rows are ordered by content, duplicates and conflicts are functions of the rows, and
 * days are merged whole.
 */
#include "ingest/import.h"
#include "base/check.h"
#include "base/checksum.h"
#include "base/cpu.h"
#include "base/error.h"
#include "ingest/delivery.h"
#include "ingest/limits.h"
#include "ingest/merge.h"
#include "ingest/work.h"
#include "io/publish.h"
#include "simd/kernels.h"
#include "tollmill.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_OTHERWISE ((size_t)1 << 30) /* where the system does not say how much it has */

struct import {
    const struct toll_import_options *options;
    struct toll_import_result *result;
    const struct toll_io *io;
    struct toll_findings findings;
    struct toll_spec spec;
    struct toll_dataset dataset;
    struct toll_row_names names;
    struct toll_delivery *deliveries;
    size_t delivery_count;
    struct toll_gather gather;
    struct toll_marks marks;
    struct toll_merge merge;
    struct toll_merge_day *merges;
    size_t merge_count;
    unsigned threads;
    int64_t bytes_done, bytes_total;
    size_t days_done;
};

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void tell(const struct import *import, const char *stage, int64_t done, int64_t total,
                 const char *unit)
{
    const struct toll_progress *progress = &import->options->progress;

    if (progress->tick != NULL)
        progress->tick(progress->context, stage, done, total, unit);
}

static void tell_bytes(void *context, int64_t bytes, bool complete)
{
    struct import *import = context;

    tell(import, "read", import->bytes_done + bytes, import->bytes_total, "bytes");
    if (complete)
        import->bytes_done += bytes;
}

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "import: out of memory");
}

/* -- open -- */

static int check_options(const struct toll_import_options *options, struct toll_error *error)
{
    if (options->spec_path == NULL || options->dataset_path == NULL || options->file_count == 0)
        return toll_error_set(error, TOLL_EUSAGE,
                              "import needs a mapping spec, a dataset and at least one file");
    if (options->carrier != NULL && strlen(options->carrier) > TOLL_INGEST_TEXT_MAX)
        return toll_error_set(error, TOLL_EUSAGE, "the carrier's name is longer than %u bytes",
                              TOLL_INGEST_TEXT_MAX);
    return 0;
}

/* A dataset that is there is locked at once. One that is not is only made when all files were recognised, so
 * that a refused delivery leaves nothing behind. */
static int open_dataset(struct import *import, struct toll_error *error)
{
    const char *path = import->options->dataset_path;
    struct toll_error reason;
    int code = toll_dataset_open(&import->dataset, import->io, path, &reason);

    if (code == TOLL_ENOINPUT) {
        memset(&import->dataset, 0, sizeof import->dataset);
        return 0;
    }
    if (code != 0) {
        if (error != NULL)
            *error = reason;
        return code;
    }
    if (import->options->dry_run)
        return 0;
    toll_dataset_close(&import->dataset);
    return toll_dataset_open_for_import(&import->dataset, import->io, path, error);
}

static int make_dataset(struct import *import, struct toll_error *error)
{
    int code;

    if (import->options->dry_run || import->dataset.locked)
        return 0;
    code = toll_dataset_open_for_import(&import->dataset, import->io, import->options->dataset_path, error);
    if (code == 0 && import->dataset.generation != 0)
        return toll_error_set(error, TOLL_ELOCKED, "%s: somebody else imported into it meanwhile; try again",
                              import->options->dataset_path);
    return code;
}

static int64_t sum_of_sizes(const struct import *import)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < import->options->file_count; i++) {
        struct stat status;

        if (import->io->fstatat(import->io->context, AT_FDCWD, import->options->files[i], &status, 0) == 0)
            bytes += status.st_size;
    }
    return bytes;
}

/* -- read -- */

static int read_files(struct import *import, struct toll_error *error)
{
    const struct toll_import_options *options = import->options;
    struct toll_delivery_run run = {.io = import->io,
                                    .spec = &import->spec,
                                    .dataset = &import->dataset,
                                    .carrier =
                                        options->carrier != NULL ? options->carrier : import->spec.carrier,
                                    .gather = &import->gather,
                                    .kernels = toll_kernels_select(toll_cpu_features()),
                                    .fast_sha256 = toll_sha256_is_fast(),
                                    .findings = &import->findings,
                                    .tick = tell_bytes,
                                    .tick_context = import};
    size_t refused = 0;

    import->bytes_total = sum_of_sizes(import);
    import->deliveries = calloc(options->file_count, sizeof *import->deliveries);
    if (import->deliveries == NULL)
        return no_memory(error);
    for (size_t i = 0; i < options->file_count; i++) {
        struct toll_delivery *delivery = &import->deliveries[i];
        int code = toll_delivery_read(&run, options->files[i], import->deliveries, import->delivery_count,
                                      delivery, error);

        import->delivery_count++;
        if (code != 0)
            return code;
        refused += delivery->refused;
    }
    if (refused > 0)
        return toll_error_set(error, TOLL_EDATA, "%s%s", import->findings.first_error.text,
                              refused == 1 ? "" : " (and other files, too)");
    return 0;
}

/* Rows know their file by its index; from here on by its name's id. */
static int name_sources(struct import *import, struct toll_error *error)
{
    struct toll_strings *strings = &import->names.strings[TOLL_NAME_SOURCE];

    import->gather.sources = calloc(import->delivery_count + 1, sizeof *import->gather.sources);
    if (import->gather.sources == NULL)
        return no_memory(error);
    for (size_t i = 0; i < import->delivery_count; i++) {
        const struct toll_delivery *delivery = &import->deliveries[i];

        if (delivery->already_imported)
            continue;
        import->gather.sources[i] = toll_strings_add(strings, delivery->sha256, 64);
        if (import->gather.sources[i] == 0)
            return no_memory(error);
    }
    return 0;
}

/* -- merge -- */

/* The marks of a day; *mark goes on behind them. */
static bool take_marks(const struct toll_marks *marks, size_t *mark, struct toll_merge_day *merge)
{
    const toll_ms from = merge->day * TOLL_DAY_MS, until = from + TOLL_DAY_MS;
    bool old = false;

    while (*mark < marks->count && marks->marks[*mark].start < from)
        (*mark)++;
    merge->marks = marks->marks + *mark;
    for (; *mark < marks->count && marks->marks[*mark].start < until; (*mark)++) {
        merge->mark_count++;
        old |= marks->marks[*mark].old;
    }
    return old;
}

/* The days that change: those of new rows, and those with a row that has become a conflict. */
static int plan_merges(struct import *import, struct toll_error *error)
{
    const struct toll_dataset *dataset = &import->dataset;
    int64_t *days;
    size_t count, mark = 0;
    int code = toll_gather_days(&import->gather, true, &days, &count, error);

    if (code != 0)
        return code;
    import->merges = calloc(count + dataset->part_count + 1, sizeof *import->merges);
    if (import->merges == NULL)
        code = no_memory(error);
    for (size_t d = 0, p = 0; code == 0 && (d < count || p < dataset->part_count);) {
        const struct toll_dataset_part *part = p < dataset->part_count ? &dataset->parts[p] : NULL;
        struct toll_merge_day *merge = &import->merges[import->merge_count];
        bool new_rows = d < count && (part == NULL || days[d] <= part->day), old_rows;

        if (part != NULL && part->part != 0) {
            code = toll_error_set(error, TOLL_EDATA,
                                  "%s: a day has several parts; this version cannot import into it",
                                  dataset->path);
            break;
        }
        old_rows = part != NULL && (!new_rows || days[d] == part->day);
        *merge = (struct toll_merge_day){
            .day = new_rows ? days[d] : part->day, .part = old_rows ? part : NULL, .part_index = p};
        d += new_rows;
        p += old_rows;
        if (!take_marks(&import->marks, &mark, merge) && !new_rows)
            continue;
        import->merge_count++;
        if (old_rows)
            code = toll_merge_add_names(dataset, p - 1, &import->names, error);
    }
    free(days);
    return code;
}

static int merge_job(void *context, size_t index, struct toll_error *error)
{
    struct import *import = context;

    return toll_merge_run(&import->merge, &import->merges[index], error);
}

static void merge_done(void *context)
{
    struct import *import = context;

    import->days_done++;
    tell(import, "merge", (int64_t)import->days_done, (int64_t)import->merge_count, "days");
}

static int merge_days(struct import *import, struct toll_error *error)
{
    struct toll_merge *merge = &import->merge;
    int code = name_sources(import, error);

    if (code == 0)
        code = toll_keys_find_conflicts(&import->gather, &import->dataset, &import->marks, error);
    if (code == 0)
        code = plan_merges(import, error);
    if (code != 0)
        return code;
    merge->dataset = &import->dataset;
    merge->gather = &import->gather;
    merge->write = !import->options->dry_run;
    merge->generation = import->dataset.generation + 1;
    merge->hash = toll_kernels_select(toll_cpu_features())->hash;
    merge->duplicates =
        calloc((size_t)import->names.strings[TOLL_NAME_SOURCE].count + 1, sizeof *merge->duplicates);
    if (merge->duplicates == NULL || !toll_row_names_rank(&import->names))
        return no_memory(error);
    return toll_work_run(import->threads, import->merge_count, merge_job, merge_done, import, error);
}

/* -- publish -- */

static int write_rejects(struct import *import, struct toll_error *error)
{
    const struct toll_io *io = import->io;
    int folder = -1, code = 0;

    for (size_t i = 0; code == 0 && i < import->delivery_count; i++) {
        const struct toll_delivery *delivery = &import->deliveries[i];
        char name[80];

        if (delivery->rejects.bytes == 0 || delivery->already_imported)
            continue;
        if (folder < 0)
            folder = toll_open_folder(io, import->dataset.directory, "rejects", 0);
        if (folder < 0)
            return toll_error_errno(error, TOLL_ECREATE, -folder, "%s/rejects: cannot open",
                                    import->dataset.path);
        snprintf(name, sizeof name, "%s.csv", delivery->sha256);
        code = toll_replace_file(io, folder, name, delivery->rejects.data, delivery->rejects.bytes, error);
        toll_error_within(error, code, "rejects");
        toll_error_within(error, code, import->dataset.path);
    }
    if (folder >= 0)
        io->close(io->context, folder);
    return code;
}

static int64_t duplicates_of(const struct import *import, const struct toll_delivery *delivery)
{
    const uint32_t *sources = import->gather.sources;

    if (sources == NULL || import->merge.duplicates == NULL)
        return 0;
    return atomic_load(&import->merge.duplicates[sources[delivery - import->deliveries]]);
}

/* Borrows its strings. */
static struct toll_receipt receipt_of(const struct import *import, const struct toll_delivery *delivery)
{
    const char *carrier = import->options->carrier != NULL ? import->options->carrier : import->spec.carrier;
    struct toll_receipt receipt = {.file = (char *)(uintptr_t)toll_delivery_name(delivery->path),
                                   .spec = (char *)(uintptr_t)import->spec.provider,
                                   .spec_version = (char *)(uintptr_t)import->spec.version,
                                   .carrier = (char *)(uintptr_t)carrier,
                                   .bytes = delivery->bytes,
                                   .rows = delivery->rows,
                                   .accepted = delivery->accepted,
                                   .rejected = delivery->rejected,
                                   .legs = delivery->legs,
                                   .duplicates = duplicates_of(import, delivery),
                                   .warnings = delivery->warnings,
                                   .first_start = delivery->first_start,
                                   .last_start = delivery->last_start,
                                   .duration_ms = delivery->duration_ms};

    memcpy(receipt.sha256, delivery->sha256, sizeof receipt.sha256);
    memcpy(receipt.header_hash, delivery->header_hash, sizeof receipt.header_hash);
    return receipt;
}

static int publish(struct import *import, struct toll_error *error)
{
    struct toll_dataset *dataset = &import->dataset;
    size_t part_count = 0, receipt_count = 0;
    struct toll_dataset_part *parts = calloc(dataset->part_count + import->merge_count + 1, sizeof *parts);
    struct toll_receipt *receipts =
        calloc(dataset->receipt_count + import->delivery_count + 1, sizeof *receipts);
    int code = parts == NULL || receipts == NULL ? no_memory(error) : write_rejects(import, error);

    if (code != 0)
        goto out;
    for (size_t i = 0; i < import->merge_count; i++)
        parts[part_count++] = import->merges[i].result;
    for (size_t p = 0; p < dataset->part_count; p++) {
        bool merged = false;

        for (size_t i = 0; i < import->merge_count && !merged; i++)
            merged = import->merges[i].part == &dataset->parts[p];
        if (!merged)
            parts[part_count++] = dataset->parts[p];
    }
    for (size_t i = 0; i < dataset->receipt_count; i++)
        receipts[receipt_count++] = dataset->receipts[i];
    for (size_t i = 0; i < import->delivery_count; i++) {
        const struct toll_delivery *delivery = &import->deliveries[i];
        struct toll_receipt receipt;

        if (delivery->already_imported)
            continue;
        receipt = receipt_of(import, delivery);
        if (delivery->rejects.bytes > 0) {
            toll_hash_text(toll_hash(delivery->rejects.data, delivery->rejects.bytes), receipt.rejects_hash);
            receipt.rejects_bytes = (int64_t)delivery->rejects.bytes;
        }
        receipts[receipt_count++] = receipt;
    }
    tell(import, "publish", 0, 1, "generation");
    code = toll_dataset_publish(dataset, parts, part_count, receipts, receipt_count, error);
out:
    free(parts);
    free(receipts);
    return code;
}

static const struct toll_receipt *find_receipt(const struct toll_dataset *dataset, const char *sha256)
{
    for (size_t i = 0; i < dataset->receipt_count; i++) {
        if (strcmp(dataset->receipts[i].sha256, sha256) == 0)
            return &dataset->receipts[i];
    }
    return NULL;
}

/* Does the manifest name nothing of what was written? Read again, as publishing may fail before or after its
 * last step; in doubt: no. */
static bool manifest_is_old(const struct import *import)
{
    struct toll_dataset now;
    int64_t generation = 0;
    int code = toll_dataset_open(&now, import->io, import->dataset.path, NULL);

    if (code == 0) {
        generation = now.generation;
        toll_dataset_close(&now);
    }
    return (code == 0 || code == TOLL_ENOINPUT) && generation == import->dataset.generation;
}

static void remove_file(const struct import *import, const char *folder, const char *name, const char *ending)
{
    char path[TOLL_PART_NAME_BYTES + 128];

    snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    (void)import->io->unlinkat(import->io->context, import->dataset.directory, path, 0);
}

/* What a failed call wrote, so that a full disk is no fuller. The next import would take the parts away, too.
 */
static void remove_written(const struct import *import, bool published)
{
    for (size_t i = 0; i < import->merge_count; i++) {
        const struct toll_dataset_part *part = &import->merges[i].result;
        char name[TOLL_PART_NAME_BYTES];

        if (part->generation != import->merge.generation || !import->merge.write)
            continue;
        toll_dataset_part_name(part, name);
        remove_file(import, "parts", name, ".arrow");
        remove_file(import, "parts", name, ".text.arrow");
    }
    for (size_t i = 0; published && i < import->delivery_count; i++) {
        const char *sha256 = import->deliveries[i].sha256;

        if (find_receipt(&import->dataset, sha256) != NULL)
            continue;
        remove_file(import, "receipts", sha256, ".json");
        remove_file(import, "rejects", sha256, ".csv");
    }
}

/* -- result -- */

static void file_result(const struct import *import, const struct toll_delivery *delivery,
                        struct toll_import_file *out)
{
    const struct toll_receipt *known =
        delivery->already_imported ? find_receipt(&import->dataset, delivery->sha256) : NULL;
    struct toll_receipt receipt = known != NULL ? *known : receipt_of(import, delivery);

    memcpy(out->sha256, delivery->sha256, sizeof out->sha256);
    snprintf(out->file, sizeof out->file, "%s", toll_delivery_name(delivery->path));
    out->bytes = receipt.bytes;
    out->rows = receipt.rows;
    out->accepted = receipt.accepted;
    out->rejected = receipt.rejected;
    out->legs = receipt.legs;
    out->duplicates = receipt.duplicates;
    out->warnings = receipt.warnings;
    out->already_imported = delivery->already_imported;
    out->first_start_ms = receipt.first_start;
    out->last_start_ms = receipt.last_start;
    out->duration_ms = receipt.duration_ms;
}

static void fill_files(struct import *import)
{
    struct toll_import_result *result = import->result;

    result->file_count = import->delivery_count;
    for (size_t i = 0; i < import->delivery_count; i++) {
        struct toll_import_file *file = &result->files[i];

        file_result(import, &import->deliveries[i], file);
        if (file->already_imported) {
            toll_finding(&import->findings, TOLL_NOTE, import->deliveries[i].path, 0, 0,
                         "already imported: nothing to do");
            continue;
        }
        result->rows += file->rows;
        result->accepted += file->accepted;
        result->rejected += file->rejected;
        result->legs += file->legs;
        result->duplicates += file->duplicates;
        result->warnings += file->warnings;
    }
}

/* Rows that this import marked: of a day, what it has now less what it had. */
static int64_t new_conflicts(const struct import *import)
{
    int64_t conflicts = 0;

    for (size_t i = 0; i < import->merge_count; i++) {
        const struct toll_merge_day *merge = &import->merges[i];
        int64_t more = merge->result.conflicts - (merge->part == NULL ? 0 : merge->part->conflicts);

        conflicts += more;
    }
    return conflicts;
}

static void tell_conflicts(struct import *import)
{
    for (size_t i = 0; i < import->merge_count; i++) {
        const struct toll_merge_day *merge = &import->merges[i];
        int64_t more = merge->result.conflicts - (merge->part == NULL ? 0 : merge->part->conflicts);
        char day[TOLL_TIME_TEXT_BYTES];

        if (more == 0)
            continue;
        toll_day_format(merge->day, day);
        toll_finding(&import->findings, TOLL_WARNING, import->options->dataset_path, 0, 0,
                     "%s: %lld rows newly marked as conflicts: same record key as another row, other content",
                     day, (long long)more);
    }
}

static void fill_dataset(struct import *import, int64_t conflicts)
{
    struct toll_import_result *result = import->result;
    const struct toll_dataset *dataset = &import->dataset;

    result->conflicts = conflicts;
    result->dataset_days = (int64_t)dataset->part_count;
    result->generation = dataset->generation;
    for (size_t i = 0; i < dataset->part_count; i++)
        result->dataset_rows += dataset->parts[i].rows;
    if (!import->options->dry_run)
        toll_hash_text(dataset->cdr_hash, result->cdr_hash);
}

/* Are there more rejects than allowed? */
static bool over_limit(const struct import *import)
{
    if (import->options->max_rejects >= 0)
        return import->result->rejected > import->options->max_rejects;
    for (size_t i = 0; i < import->delivery_count; i++) {
        const struct toll_delivery *delivery = &import->deliveries[i];

        if (!delivery->already_imported && delivery->rejected > 0 &&
            (toll_total)delivery->rejected * 1000000 >
                (toll_total)import->spec.max_reject_ppm * delivery->rows)
            return true;
    }
    return false;
}

static int run(struct import *import, struct toll_error *error)
{
    bool anything = false, published = false;
    int64_t conflicts;
    int code =
        toll_spec_load(&import->spec, import->io, import->options->spec_path, &import->findings, error);

    if (code == 0)
        code = open_dataset(import, error);
    if (code == 0)
        code = read_files(import, error);
    if (code == 0)
        code = make_dataset(import, error);
    for (size_t i = 0; i < import->delivery_count; i++)
        anything |= !import->deliveries[i].already_imported;
    if (code == 0 && anything)
        code = merge_days(import, error);
    if (code == 0) { /* after publishing nothing may fail any more */
        import->result->files = calloc(import->delivery_count + 1, sizeof *import->result->files);
        code = import->result->files == NULL ? no_memory(error) : 0;
    }
    if (code != 0)
        goto out;
    conflicts = new_conflicts(import);
    tell_conflicts(import);
    if (anything && !import->options->dry_run) {
        published = true;
        code = publish(import, error);
        if (code != 0)
            goto out;
    }
    fill_files(import);
    fill_dataset(import, conflicts);
    if (over_limit(import))
        code = toll_error_set(error, TOLL_EFINDINGS,
                              "%s: %lld of %lld rows were rejected, more than allowed; see %s/rejects",
                              import->dataset.path == NULL ? "import" : import->dataset.path,
                              (long long)import->result->rejected, (long long)import->result->rows,
                              import->options->dataset_path);
    return code;
out:
    if (!published || manifest_is_old(import))
        remove_written(import, published);
    return code;
}

/* Half of the machine's. */
static size_t memory_limit(const struct toll_import_options *options)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    if (options->memory_bytes > 0)
        return (size_t)options->memory_bytes;
    return pages <= 0 || page_bytes <= 0 ? MEMORY_OTHERWISE : (size_t)pages * (size_t)page_bytes / 2;
}

int toll_import(const struct toll_import_options *options, struct toll_import_result *result,
                struct toll_error *error)
{
    return toll_import_with(toll_io_system(), options, result, error);
}

int toll_import_with(const struct toll_io *io, const struct toll_import_options *options,
                     struct toll_import_result *result, struct toll_error *error)
{
    struct import *import = calloc(1, sizeof *import);
    int64_t begin = now_ns();
    size_t peak;
    int64_t spilled;
    int code;

    memset(result, 0, sizeof *result);
    if (import == NULL)
        return no_memory(error);
    import->options = options;
    import->result = result;
    import->io = io;
    import->threads = toll_work_threads(options->threads);
    import->gather = (struct toll_gather){.io = io,
                                          .dataset_path = options->dataset_path,
                                          .threads = import->threads,
                                          .memory = {.limit = memory_limit(options)},
                                          .names = &import->names};
    toll_gather_init(&import->gather);
    toll_findings_init(&import->findings, &options->reporter);
    code = check_options(options, error);
    if (code == 0)
        code = run(import, error);
    for (size_t i = 0; i < import->delivery_count; i++)
        toll_delivery_free(&import->deliveries[i]);
    free(import->deliveries);
    toll_merge_free(&import->merge);
    free(import->merges);
    free(import->marks.marks);
    peak = atomic_load(&import->gather.memory.peak);
    spilled = atomic_load(&import->gather.spill.end);
    toll_gather_free(&import->gather);
    toll_row_names_free(&import->names);
    toll_dataset_close(&import->dataset);
    toll_spec_free(&import->spec);
    free(import);
    if (code != 0 && code != TOLL_EFINDINGS)
        toll_import_result_free(result);
    result->memory_peak_bytes = (int64_t)peak;
    result->spilled_bytes = spilled;
    result->wall_ns = now_ns() - begin;
    return code;
}

void toll_import_result_free(struct toll_import_result *result)
{
    free(result->files);
    memset(result, 0, sizeof *result);
}
