/*
 * Reading one file. It is mapped; a file that was written to while it was read is refused, so that what is
 * hashed is what is parsed. Stretches of it are lexed by all threads while one of them works out the SHA-256;
 * only where a receipt of the same size exists the hash comes first, because then the file probably was
 * imported before.
 */
#include "ingest/delivery.h"

#include "ingest/limits.h"
#include "ingest/work.h"
#include "io/file.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct toll_delivery_run *run;
    struct toll_delivery *out;
    struct toll_blob blob;
    struct stat opened; /* before the first byte was looked at */
    char *unwrapped;    /* of a rejects file: what its rows say */
    const char *data;   /* what is parsed: the blob or `unwrapped` */
    size_t size;
    struct toll_layout layout;
    size_t *bounds; /* chunk i is data[bounds[i], bounds[i + 1]) */
    bool hash_job;  /* job 0 is the SHA-256 */
    _Atomic int64_t bytes_read;
};

const char *toll_delivery_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static int no_memory(struct toll_error *error, const char *path)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
}

static void hash_file(struct reading *reading)
{
    uint8_t hash[TOLL_SHA256_BYTES];

    toll_sha256(reading->blob.data, reading->blob.size, hash);
    toll_sha256_text(hash, reading->out->sha256);
}

static bool same_size_known(const struct reading *reading, const struct toll_delivery *earlier,
                            size_t earlier_count)
{
    const struct toll_dataset *dataset = reading->run->dataset;

    for (size_t i = 0; i < dataset->receipt_count; i++) {
        if (dataset->receipts[i].bytes == reading->out->bytes)
            return true;
    }
    for (size_t i = 0; i < earlier_count; i++) {
        if (earlier[i].bytes == reading->out->bytes)
            return true;
    }
    return false;
}

static bool known(const struct reading *reading, const struct toll_delivery *earlier, size_t earlier_count)
{
    const struct toll_dataset *dataset = reading->run->dataset;

    for (size_t i = 0; i < dataset->receipt_count; i++) {
        if (strcmp(dataset->receipts[i].sha256, reading->out->sha256) == 0)
            return true;
    }
    for (size_t i = 0; i < earlier_count; i++) {
        if (!earlier[i].refused && strcmp(earlier[i].sha256, reading->out->sha256) == 0)
            return true;
    }
    return false;
}

/* Chunks end behind a line end. Where quotes may span lines there is one chunk: only reading from the start
 * tells. */
static int find_bounds(struct reading *reading, struct toll_error *error)
{
    const struct toll_csv *csv = &reading->layout.start;
    size_t rest = reading->size - csv->offset, most = rest / TOLL_INGEST_CHUNK_BYTES + 1, at = csv->offset;

    reading->bounds = calloc(most + 2, sizeof *reading->bounds);
    reading->out->chunks = calloc(most + 1, sizeof *reading->out->chunks);
    if (reading->bounds == NULL || reading->out->chunks == NULL)
        return no_memory(error, reading->out->path);
    reading->bounds[0] = at;
    while (at < reading->size) {
        size_t next = reading->size;

        if (!reading->run->spec->multiline && reading->size - at > TOLL_INGEST_CHUNK_BYTES) {
            const char *from = reading->data + at + TOLL_INGEST_CHUNK_BYTES;
            const char *end = memchr(from, csv->line_end, (size_t)(reading->data + reading->size - from));

            next = end == NULL ? reading->size : (size_t)(end - reading->data) + 1;
        }
        reading->bounds[++reading->out->chunk_count] = next;
        at = next;
    }
    return 0;
}

static int read_job(void *context, size_t index, struct toll_error *error)
{
    struct reading *reading = context;
    size_t chunk = index - reading->hash_job;
    size_t begin, end;

    if (reading->hash_job && index == 0) {
        hash_file(reading);
        return 0;
    }
    begin = reading->bounds[chunk];
    end = reading->bounds[chunk + 1];
    atomic_fetch_add(&reading->bytes_read, (int64_t)(end - begin));
    return toll_chunk_read(reading->run->spec, &reading->layout, reading->run->carrier, begin, end,
                           &reading->out->chunks[chunk], error);
}

static void tell_progress(void *context)
{
    struct reading *reading = context;

    if (reading->run->tick != NULL)
        reading->run->tick(reading->run->tick_context, atomic_load(&reading->bytes_read), false);
}

static void refuse(struct reading *reading, const char *text)
{
    reading->out->refused = true;
    toll_finding(reading->run->findings, TOLL_ERROR, NULL, 0, 0, "%s", text);
}

static int settle(struct reading *reading, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    long line = reading->layout.start.line;

    out->source = toll_strings_add(&reading->run->names->strings[TOLL_NAME_SOURCE], out->sha256, 64);
    if (out->source == 0)
        return no_memory(error, out->path);
    for (size_t i = 0; i < out->chunk_count; i++) {
        struct toll_chunk *chunk = &out->chunks[i];
        int code;

        if (out->rows + chunk->data_rows > TOLL_INGEST_ROWS_MAX)
            return toll_error_set(error, TOLL_EDATA, "%s: more than %d rows; split the file", out->path,
                                  TOLL_INGEST_ROWS_MAX);
        code = toll_chunk_settle(chunk, reading->run->names, out->source, out->rows, line, error);
        if (code != 0)
            return code;
        if (chunk->row_count > 0) {
            bool first = out->accepted == 0;

            out->first_start =
                first || chunk->first_start < out->first_start ? chunk->first_start : out->first_start;
            out->last_start =
                first || chunk->last_start > out->last_start ? chunk->last_start : out->last_start;
        }
        out->rows += chunk->data_rows;
        out->accepted += (int64_t)chunk->row_count - chunk->legs;
        out->legs += chunk->legs;
        out->rejected += (int64_t)chunk->reject_count;
        out->warnings += chunk->warnings;
        out->duration_ms += chunk->duration_ms;
        line += chunk->lines;
    }
    return 0;
}

static void tell_rejects(const struct reading *reading)
{
    const struct toll_delivery *out = reading->out;
    int told = 0;

    for (size_t c = 0; c < out->chunk_count; c++) {
        for (size_t i = 0; i < out->chunks[c].reject_count && told < TOLL_INGEST_REJECTS_TOLD; i++, told++) {
            const struct toll_reject *reject = &out->chunks[c].rejects[i];

            if (reject->column > 0)
                toll_finding(reading->run->findings, TOLL_WARNING, out->path, reject->line, 0,
                             "row rejected: %s in column %d", toll_reject_name(reject->reason),
                             reject->column);
            else
                toll_finding(reading->run->findings, TOLL_WARNING, out->path, reject->line, 0,
                             "row rejected: %s", toll_reject_name(reject->reason));
        }
    }
    if (out->rejected > told)
        toll_finding(reading->run->findings, TOLL_WARNING, out->path, 0, 0, "%lld more rows rejected",
                     (long long)(out->rejected - told));
}

static const struct toll_reject *first_reject(const struct toll_delivery *out)
{
    for (size_t c = 0; c < out->chunk_count; c++) {
        if (out->chunks[c].reject_count > 0)
            return &out->chunks[c].rejects[0];
    }
    return NULL;
}

static int list_rejects(struct reading *reading, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    struct toll_reject *all = malloc((size_t)out->rejected * sizeof *all);
    size_t count = 0;
    int code;

    if (all == NULL)
        return no_memory(error, out->path);
    for (size_t c = 0; c < out->chunk_count; c++) {
        if (out->chunks[c].reject_count > 0)
            memcpy(all + count, out->chunks[c].rejects, out->chunks[c].reject_count * sizeof *all);
        count += out->chunks[c].reject_count;
    }
    code = toll_rejects_format(toll_delivery_name(out->path), &reading->layout.header, all, count,
                               &out->rejects, &out->rejects_bytes, error);
    free(all);
    return code;
}

static int finish(struct reading *reading, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    const struct toll_reject *reject;
    struct toll_error text;
    int code = settle(reading, error);

    if (code != 0 || out->rejected == 0)
        return code;
    tell_rejects(reading);
    if (out->accepted > 0)
        return list_rejects(reading, error);
    reject = first_reject(out);
    toll_error_set(
        &text, TOLL_EDATA,
        "%s: none of its %lld rows could be read as %s; the first, at line %ld: %s; the file is refused",
        out->path, (long long)out->rows, reading->run->spec->provider, reject->line,
        toll_reject_name(reject->reason));
    refuse(reading, text.text);
    return 0;
}

static int parse(struct reading *reading, const struct toll_delivery *earlier, size_t earlier_count,
                 struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    struct toll_error reason;
    int code = toll_rejects_unwrap(out->path, reading->blob.data, reading->blob.size, &reading->unwrapped,
                                   &reading->size, &reason);

    if (code == TOLL_EDATA) {
        refuse(reading, reason.text);
        return 0;
    }
    if (code < 0) {
        if (error != NULL)
            *error = reason;
        return code;
    }
    reading->data = code == 1 ? reading->unwrapped : reading->blob.data;
    reading->size = code == 1 ? reading->size : reading->blob.size;
    if (toll_recognise(reading->run->spec, out->path, reading->data, reading->size, &reading->layout,
                       &reason) != 0) {
        refuse(reading, reason.text);
        return 0;
    }
    reading->layout.kernels = reading->run->kernels;
    memcpy(out->header_hash, reading->layout.header_hash, sizeof out->header_hash);
    code = find_bounds(reading, error);
    if (code != 0)
        return code;
    reading->hash_job = out->sha256[0] == '\0';
    code = toll_work_run(reading->size < TOLL_INGEST_CHUNK_BYTES / 4 ? 1 : reading->run->threads,
                         out->chunk_count + reading->hash_job, read_job, tell_progress, reading, error);
    if (code != 0)
        return code;
    if (reading->hash_job && known(reading, earlier, earlier_count)) {
        out->already_imported = true;
        return 0;
    }
    return finish(reading, error);
}

/* Still being delivered, or edited? Then its rows are not what its hash says. */
static int check_unchanged(struct reading *reading, struct toll_error *error)
{
    const struct toll_io *io = reading->run->io;
    const struct stat *then = &reading->opened;
    struct toll_error text;
    struct stat now;
    int result = io->fstat(io->context, reading->blob.file.fd, &now);

    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot read its size", reading->out->path);
    if (reading->out->refused ||
        (now.st_size == then->st_size && now.st_size == reading->out->bytes &&
         now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec))
        return 0;
    toll_error_set(&text, TOLL_EDATA,
                   "%s: was changed while it was read; the file is refused. Import it when it is complete",
                   reading->out->path);
    refuse(reading, text.text);
    return 0;
}

static void drop_rows(struct toll_delivery *out)
{
    for (size_t i = 0; i < out->chunk_count; i++)
        toll_chunk_free(&out->chunks[i]);
    free(out->chunks);
    out->chunks = NULL;
    out->chunk_count = 0;
}

int toll_delivery_read(const struct toll_delivery_run *run, const char *path,
                       const struct toll_delivery *earlier, size_t earlier_count, struct toll_delivery *out,
                       struct toll_error *error)
{
    struct reading reading = {.run = run, .out = out};
    int code;

    memset(out, 0, sizeof *out);
    out->path = path;
    code = toll_blob_read(&reading.blob, run->io, AT_FDCWD, path, TOLL_READ_MMAP, error);
    if (code != 0)
        return code;
    out->bytes = (int64_t)reading.blob.size;
    code = run->io->fstat(run->io->context, reading.blob.file.fd, &reading.opened);
    if (code < 0)
        code = toll_error_errno(error, TOLL_EIO, -code, "%s: cannot read its size", path);
    if (code == 0 && same_size_known(&reading, earlier, earlier_count))
        hash_file(&reading);
    out->already_imported = code == 0 && out->sha256[0] != '\0' && known(&reading, earlier, earlier_count);
    if (code == 0 && !out->already_imported)
        code = parse(&reading, earlier, earlier_count, error);
    if (code == 0 && out->sha256[0] == '\0')
        hash_file(&reading); /* refused before it was hashed */
    if (code == 0)
        code = check_unchanged(&reading, error);
    if (code != 0 || out->refused || out->already_imported)
        drop_rows(out);
    if (run->tick != NULL)
        run->tick(run->tick_context, out->bytes, true);
    free(reading.bounds);
    free(reading.unwrapped);
    toll_blob_free(&reading.blob);
    return code;
}

void toll_delivery_free(struct toll_delivery *delivery)
{
    drop_rows(delivery);
    free(delivery->rejects);
    memset(delivery, 0, sizeof *delivery);
}
