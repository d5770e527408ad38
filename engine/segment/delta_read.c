/* Reading a delta. Everything but the lines is read whole and believed only with its checksums. */
#include "base/check.h"
#include "base/error.h"
#include "segment/delta_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY "restore it from a backup, or make the delta of its two runs again"

struct owned {
    struct toll_arena arena;
};

static int differs(const struct toll_delta_files *delta, const char *name, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s/%s: is missing or not what " TOLL_DELTA_MANIFEST " says; " REMEDY, delta->path,
                          name);
}

static int no_memory(const struct toll_delta_files *delta, struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", delta->path);
}

static int read_manifest(struct toll_delta_files *delta, struct toll_run_file files[TOLL_DELTA_FILES],
                         struct toll_error *error)
{
    struct owned *owned = delta->owned;
    struct toll_blob blob;
    struct toll_error reason;
    char *path = NULL;
    int rc =
        toll_blob_read(&blob, delta->io, delta->directory, TOLL_DELTA_MANIFEST, TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(error, rc,
                              "%s: is no delta, it has no " TOLL_DELTA_MANIFEST
                              "; give the folder that rerate made beside its run, or delta -o",
                              delta->path);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", delta->path, reason.text);
    if (asprintf(&path, "%s/" TOLL_DELTA_MANIFEST, delta->path) < 0) {
        toll_blob_free(&blob);
        return no_memory(delta, error);
    }
    rc = toll_delta_manifest_decode(path, blob.data, blob.size, &owned->arena, &delta->manifest, files,
                                    &delta->digest, error);
    delta->files = 1;
    delta->bytes = (int64_t)blob.size;
    free(path);
    toll_blob_free(&blob);
    return rc;
}

static int read_table(struct toll_delta_files *delta, const struct toll_delta_table *table,
                      const struct toll_run_file *wanted, struct toll_error *error)
{
    struct owned *owned = delta->owned;
    struct toll_blob blob;
    struct toll_error reason;
    void *rows = NULL;
    int64_t count = 0;
    int rc = toll_blob_read(&blob, delta->io, delta->directory, wanted->name, TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return differs(delta, wanted->name, error);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", delta->path, reason.text);
    if ((int64_t)blob.size != wanted->bytes ||
        !toll_hash_equal(toll_hash(blob.data, blob.size), wanted->hash))
        rc = differs(delta, wanted->name, error);
    else
        rc = toll_error_within(error,
                               toll_run_table_decode(table->table, wanted->name, blob.data, blob.size,
                                                     &owned->arena, &rows, &count, error),
                               delta->path);
    toll_blob_free(&blob);
    memcpy((char *)&delta->tables + table->rows, &rows, sizeof rows);
    memcpy((char *)&delta->tables + table->count, &count, sizeof count);
    delta->files++;
    delta->bytes += wanted->bytes;
    if (rc == 0 && count == 0)
        rc = differs(delta, wanted->name, error);
    return rc;
}

int toll_delta_files_open(struct toll_delta_files *delta, const struct toll_io *io, const char *path,
                          struct toll_error *error)
{
    struct toll_run_file files[TOLL_DELTA_FILES];
    *delta = (struct toll_delta_files){.io = io, .path = strdup(path), .directory = -1};
    delta->owned = calloc(1, sizeof(struct owned));
    int rc = 0;
    if (!delta->path || !delta->owned)
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    if (rc == 0) {
        const int fd = toll_open_folder(io, AT_FDCWD, path, 0);
        if (fd < 0)
            rc = toll_error_errno(error, fd == -ENOENT || fd == -ENOTDIR ? TOLL_ENOINPUT : TOLL_EIO, -fd,
                                  "%s: cannot be opened as a delta", path);
        delta->directory = fd;
    }
    if (rc == 0)
        rc = read_manifest(delta, files, error);
    for (unsigned i = 0; rc == 0 && i < TOLL_DELTA_FILES; i++)
        if (files[i].bytes > 0)
            rc = read_table(delta, &toll_delta_tables[i], &files[i], error);
    const char *fault = rc == 0 ? toll_delta_fault(&delta->manifest, &delta->tables) : NULL;
    if (fault)
        rc = toll_error_set(error, TOLL_EDATA, "%s: %s; " REMEDY, path, fault);
    for (size_t i = 0; rc == 0 && i < delta->manifest.day_count; i++)
        delta->bytes += delta->manifest.days[i].seal.bytes;
    if (rc)
        toll_delta_files_close(delta);
    return rc;
}

void toll_delta_files_close(struct toll_delta_files *delta)
{
    struct owned *owned = delta->owned;
    if (!delta->io)
        return;
    if (delta->directory >= 0)
        delta->io->close(delta->io->context, delta->directory);
    for (unsigned i = 0; i < TOLL_DELTA_FILES; i++) {
        void *rows;
        memcpy(&rows, (char *)&delta->tables + toll_delta_tables[i].rows, sizeof rows);
        free(rows);
    }
    if (owned)
        toll_arena_free(&owned->arena);
    free(owned);
    free(delta->path);
    *delta = (struct toll_delta_files){.directory = -1};
}

/* ---- lines ---- */

static int read_batches(const struct toll_delta_files *delta, const struct toll_arrow_input *input,
                        const struct toll_delta_day *day, struct toll_delta_line_row *rows,
                        struct toll_error *error)
{
    const uint32_t all = (uint32_t)((UINT64_C(1) << TOLL_DELTA_LINE_COLUMNS) - 1);
    const void *columns[TOLL_ARROW_COLUMNS];
    void *buffer =
        aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_arrow_input_room(input, all) + TOLL_ARROW_ALIGNMENT);
    int rc = buffer ? 0 : no_memory(delta, error);
    for (int64_t b = 0; rc == 0 && b < input->arrow->batches; b++) {
        const int64_t first = b * TOLL_ARROW_BATCH_ROWS, count = toll_arrow_batch_rows(day->rows, b);
        rc = toll_arrow_input_batch(input, b, all, buffer, columns, error);
        if (rc == 0)
            toll_delta_lines_from_columns(columns, count, day->day, rows + first);
        for (int64_t i = first; rc == 0 && i < first + count; i++) {
            const char *fault = toll_delta_line_fault(&delta->manifest, &delta->tables, &rows[i], day->day);
            if (fault)
                rc = toll_error_set(error, TOLL_EDATA, "%s: row %lld: %s; " REMEDY, input->file.path,
                                    (long long)i, fault);
        }
    }
    free(buffer);
    return rc;
}

int toll_delta_files_lines(const struct toll_delta_files *delta, size_t day_index,
                           struct toll_delta_line_row **rows, struct toll_error *error)
{
    TOLL_ASSERT(day_index < delta->manifest.day_count);
    const struct toll_delta_day *day = &delta->manifest.days[day_index];
    struct toll_arrow_input input;
    char name[sizeof TOLL_DELTA_LINES "/.arrow" + TOLL_TIME_TEXT_BYTES], text[TOLL_TIME_TEXT_BYTES];
    *rows = NULL;
    toll_day_format(day->day, text);
    snprintf(name, sizeof name, TOLL_DELTA_LINES "/%s.arrow", text);
    int rc = toll_arrow_input_open(&input, delta->io, delta->directory, delta->path, name, &day->seal,
                                   TOLL_READ_PREAD, error);
    if (rc)
        return rc == TOLL_ENOINPUT ? differs(delta, name, error) : rc;
    rc = toll_arrow_expect(input.arrow, &toll_delta_line_schema, error);
    if (rc == 0 && input.arrow->rows != day->rows)
        rc = differs(delta, name, error);
    struct toll_delta_line_row *out = NULL;
    if (rc == 0 && !(out = malloc((size_t)day->rows * sizeof *out)))
        rc = no_memory(delta, error);
    if (rc == 0)
        rc = read_batches(delta, &input, day, out, error);
    toll_arrow_input_close(&input);
    if (rc)
        free(out);
    else
        *rows = out;
    return rc;
}

/* ---- all of it again ---- */

struct recount { /* of each row of reasons.arrow by sum and reason */
    int64_t lines;
    toll_total charge, cost;
};

/* The row of sums.arrow of a payer, -1 none. */
static int64_t sum_of(const struct toll_delta_tables *tables, const struct toll_delta_payer_row *payer)
{
    int64_t low = 0, high = tables->sum_count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const struct toll_delta_sum_row *sum = &tables->sums[middle];
        int order = strcmp(sum->account, payer->account);
        if (order == 0)
            order = strcmp(sum->site, payer->site);
        if (order == 0)
            order = strcmp(sum->currency, payer->currency);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static void count_line(struct recount *recount, const int64_t *sums, const struct toll_delta_line_row *row)
{
    const unsigned reason = (unsigned)__builtin_ctz(row->reasons);
    const int64_t before = row->before.row < 0 ? -1 : sums[row->before.payer],
                  after = row->after.row < 0 ? -1 : sums[row->after.payer];
    if (before >= 0) {
        struct recount *to = &recount[before * TOLL_DELTA_REASONS + reason];
        to->lines++;
        to->charge -= row->before.charge;
        to->cost -= row->before.cost;
    }
    if (after >= 0) {
        struct recount *to = &recount[after * TOLL_DELTA_REASONS + reason];
        to->lines += after != before;
        to->charge += row->after.charge;
        to->cost += row->after.cost;
    }
}

static const char *recount_fault(const struct toll_delta_files *delta, const struct recount *recount,
                                 const int64_t reason_rows[TOLL_DELTA_REASONS])
{
    const struct toll_delta_tables *tables = &delta->tables;
    int64_t at = 0;
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++)
        if (reason_rows[i] != delta->manifest.reason_rows[i])
            return "its lines have other reasons than " TOLL_DELTA_MANIFEST " says";
    for (int64_t i = 0; i < tables->sum_count * TOLL_DELTA_REASONS; i++) {
        const struct recount *have = &recount[i];
        if (have->lines == 0)
            continue;
        const struct toll_delta_reason_row *want = &tables->reasons[at++];
        if (at > tables->reason_count || want->sum != i / TOLL_DELTA_REASONS ||
            toll_delta_reason_of(want->reason) != i % TOLL_DELTA_REASONS || want->lines != have->lines ||
            want->charge != have->charge || want->cost != have->cost)
            return "its lines do not add up to reasons.arrow";
    }
    return at == tables->reason_count ? NULL : "its lines do not add up to reasons.arrow";
}

int toll_delta_files_verify(const struct toll_delta_files *delta, struct toll_error *error)
{
    const struct toll_delta_tables *tables = &delta->tables;
    int64_t reason_rows[TOLL_DELTA_REASONS] = {0};
    int64_t *sums = calloc((size_t)tables->payer_count + 1, sizeof *sums);
    struct recount *recount = calloc((size_t)tables->sum_count * TOLL_DELTA_REASONS + 1, sizeof *recount);
    int rc = sums && recount ? 0 : no_memory(delta, error);
    for (int64_t i = 0; rc == 0 && i < tables->payer_count; i++) {
        sums[i + 1] = sum_of(tables, &tables->payers[i]);
        if (sums[i + 1] < 0)
            rc = toll_error_set(error, TOLL_EDATA, "%s/sums.arrow: lacks a payer of its lines; " REMEDY,
                                delta->path);
    }
    for (size_t d = 0; rc == 0 && d < delta->manifest.day_count; d++) {
        struct toll_delta_line_row *rows;
        rc = toll_delta_files_lines(delta, d, &rows, error);
        for (int64_t i = 0; rc == 0 && i < delta->manifest.days[d].rows; i++) {
            reason_rows[__builtin_ctz(rows[i].reasons)]++;
            count_line(recount, sums, &rows[i]);
        }
        if (rc == 0)
            free(rows);
    }
    const char *fault = rc == 0 ? recount_fault(delta, recount, reason_rows) : NULL;
    if (fault)
        rc = toll_error_set(error, TOLL_EDATA, "%s: %s; " REMEDY, delta->path, fault);
    free(recount);
    free(sums);
    return rc;
}
