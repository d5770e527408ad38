/*
 * Reading one file. It is mapped; a file that was written to while it was read is refused, so that what is
 * hashed is what is parsed. It is read in waves: chunks that together fit into the memory that is left are
 * lexed by all threads while one of them works out the SHA-256 of the stretch, then gathered in their order.
 * Only where a receipt of the same size exists the hash comes first, because then the file probably was
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
    uint32_t index;                    /* of the file */
    struct toll_sha256_hasher *hasher; /* NULL: the hash is known */
    bool alone;                        /* one thread: it hashes a chunk while it orders its rows */
    /* the wave */
    size_t begin, end; /* of data */
    size_t *bounds;    /* chunk i is data[bounds[i], bounds[i + 1]) */
    struct toll_ordered **chunks;
    size_t chunk_count, chunk_room;
    /* so far */
    size_t gathered_from, gathered_bytes; /* of the text; of the memory of its rows */
    long line;
    _Atomic int64_t bytes_read;
};

#define CHUNK_BYTES_LEAST ((size_t)64 << 10)
#define ROW_GROWTH_GUESS 8 /* how much more a row may take in memory than in its file: short rows */

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

/* -- waves -- */

/* Small enough that all threads have something of a wave. */
static size_t chunk_bytes(const struct reading *reading)
{
    const struct toll_gather *gather = reading->run->gather;
    size_t bytes = toll_gather_rows_limit(gather) / (4 * ROW_GROWTH_GUESS) / gather->threads;

    bytes = bytes < CHUNK_BYTES_LEAST ? CHUNK_BYTES_LEAST : bytes;
    return bytes > TOLL_INGEST_CHUNK_BYTES ? TOLL_INGEST_CHUNK_BYTES : bytes;
}

/* How much text the memory that is left will hold, by what the file's rows took so far. */
static size_t wave_bytes(const struct reading *reading)
{
    const struct toll_gather *gather = reading->run->gather;
    size_t limit = toll_gather_rows_limit(gather);
    size_t room = limit > gather->held_bytes ? limit - gather->held_bytes : 0;
    size_t rest = reading->size - reading->end, done = reading->end - reading->gathered_from;

    if (rest <= room / ROW_GROWTH_GUESS)
        return rest;
    if (done == 0 || reading->gathered_bytes == 0)
        return gather->threads * chunk_bytes(reading);
    return (size_t)((toll_total)room * done / reading->gathered_bytes);
}

/* Chunks end behind a line end. Where quotes may span lines there is one chunk: only reading from the start
 * tells. */
static int find_wave(struct reading *reading, struct toll_error *error)
{
    const size_t each = chunk_bytes(reading), wanted = wave_bytes(reading);
    const size_t most = wanted / each + 2;
    size_t at = reading->end;

    reading->begin = at;
    reading->chunk_count = 0;
    if (most > reading->chunk_room) {
        free(reading->bounds);
        free(reading->chunks);
        reading->bounds = calloc(most + 1, sizeof *reading->bounds);
        reading->chunks = calloc(most, sizeof(*reading->chunks));
        reading->chunk_room = most;
        if (reading->bounds == NULL || reading->chunks == NULL)
            return no_memory(error, reading->out->path);
    }
    reading->bounds[0] = at;
    while (at < reading->size && (reading->chunk_count == 0 || at - reading->begin < wanted)) {
        size_t next = reading->size;

        if (!reading->run->spec->multiline && reading->size - at > each) {
            const char *from = reading->data + at + each;
            const char *end =
                memchr(from, reading->layout.start.line_end, (size_t)(reading->data + reading->size - from));

            next = end == NULL ? reading->size : (size_t)(end - reading->data) + 1;
        }
        reading->bounds[++reading->chunk_count] = next;
        at = next;
    }
    reading->end = at;
    return 0;
}

/* Is the wave's hash a job of its own? */
static bool hashes_apart(const struct reading *reading)
{
    return reading->hasher != NULL && !reading->alone;
}

static int read_job(void *context, size_t index, struct toll_error *error)
{
    struct reading *reading = context;
    struct toll_gather *gather = reading->run->gather;
    const bool hashes = hashes_apart(reading);
    struct toll_sha256_walk walk = {.at = NULL};
    const size_t chunk = index - hashes;
    struct toll_ordered *ordered;
    struct toll_lexicon *lexicon;
    size_t begin, end, rows_bytes;
    int code;

    if (hashes && index == 0) {
        toll_sha256_update(reading->hasher, reading->data + reading->begin, reading->end - reading->begin);
        return 0;
    }
    begin = reading->bounds[chunk];
    end = reading->bounds[chunk + 1];
    ordered = calloc(1, sizeof *ordered);
    if (ordered == NULL)
        return no_memory(error, reading->out->path);
    reading->chunks[chunk] = ordered;
    atomic_fetch_add(&reading->bytes_read, (int64_t)(end - begin));
    lexicon = toll_lexicons_take(gather->lexicons);
    if (lexicon == NULL)
        return no_memory(error, reading->out->path);
    if (reading->alone && reading->hasher != NULL)
        toll_sha256_walk_begin(&walk, reading->hasher, reading->data + begin, end - begin,
                               reading->run->fast_sha256);
    code = toll_chunk_read_walking(reading->run->spec, &reading->layout, reading->run->carrier, lexicon,
                                   begin, end, &walk, &ordered->chunk, error);
    rows_bytes = ordered->chunk.columns == NULL ? 0 : toll_columns_bytes(ordered->chunk.columns);
    toll_memory_take(&gather->memory, rows_bytes);
    if (code == 0)
        code = toll_ordered_make(ordered, &gather->pool, &walk, error);
    if (walk.hasher != NULL)
        toll_sha256_walk_end(&walk);
    toll_memory_give_back(&gather->memory, rows_bytes);
    toll_lexicons_give_back(gather->lexicons, lexicon);
    return code;
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

static void tell_rejects(struct reading *reading, const struct toll_chunk *chunk)
{
    const struct toll_delivery *out = reading->out;
    int64_t told = out->rejected;

    for (size_t i = 0; i < chunk->reject_count && told < TOLL_INGEST_REJECTS_TOLD; i++, told++) {
        const struct toll_reject *reject = &chunk->rejects[i];

        if (reject->column > 0)
            toll_finding(reading->run->findings, TOLL_WARNING, out->path, reject->line, 0,
                         "row rejected: %s in column %d", toll_reject_name(reject->reason), reject->column);
        else
            toll_finding(reading->run->findings, TOLL_WARNING, out->path, reject->line, 0, "row rejected: %s",
                         toll_reject_name(reject->reason));
    }
}

static int keep_rejects(struct reading *reading, struct toll_chunk *chunk, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;

    if (chunk->reject_count == 0)
        return 0;
    tell_rejects(reading, chunk);
    if (out->rejected == 0) {
        out->first_reject = chunk->rejects[0].reason;
        out->first_reject_line = chunk->rejects[0].line;
    }
    out->rejected += (int64_t)chunk->reject_count;
    return toll_rejects_add(&out->rejects, toll_delivery_name(out->path), &reading->layout.header,
                            chunk->rejects, chunk->reject_count, error);
}

/* The chunk's place in the file, and what it adds to the file's counts. */
static int settle(struct reading *reading, struct toll_chunk *chunk, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    bool first = out->accepted == 0;
    int code;

    if (out->rows + chunk->data_rows > TOLL_INGEST_ROWS_MAX)
        return toll_error_set(error, TOLL_EDATA, "%s: more than %d rows; split the file", out->path,
                              TOLL_INGEST_ROWS_MAX);
    code = toll_chunk_settle(chunk, reading->run->gather->names, reading->index, out->rows, reading->line,
                             error);
    if (code == 0 &&
        reading->run->gather->names->strings[TOLL_NAME_CARRIER].count >> TOLL_KEY_CARRIER_BITS != 0)
        code = toll_error_set(error, TOLL_EDATA,
                              "%s: more than a million carriers; does the spec take a wrong column for them?",
                              out->path);
    if (code == 0)
        code = keep_rejects(reading, chunk, error);
    if (chunk->row_count > 0) {
        out->first_start =
            first || chunk->first_start < out->first_start ? chunk->first_start : out->first_start;
        out->last_start = first || chunk->last_start > out->last_start ? chunk->last_start : out->last_start;
    }
    out->rows += chunk->data_rows;
    out->accepted += (int64_t)chunk->row_count - chunk->legs;
    out->legs += chunk->legs;
    out->warnings += chunk->warnings;
    out->duration_ms += chunk->duration_ms;
    reading->line += chunk->lines;
    return code;
}

static void drop_wave(struct reading *reading)
{
    for (size_t i = 0; i < reading->chunk_count; i++) {
        if (reading->chunks != NULL && reading->chunks[i] != NULL) {
            toll_ordered_free(reading->chunks[i]);
            reading->chunks[i] = NULL;
        }
    }
}

static int gather_wave(struct reading *reading, struct toll_error *error)
{
    struct toll_gather *gather = reading->run->gather;
    int code = 0;

    for (size_t i = 0; code == 0 && i < reading->chunk_count; i++) {
        struct toll_ordered *ordered = reading->chunks[i];

        code = settle(reading, &ordered->chunk, error);
        if (code != 0)
            break;
        reading->chunks[i] = NULL;
        reading->gathered_bytes += ordered->bytes;
        code = toll_gather_hold(gather, ordered, error);
    }
    drop_wave(reading);
    return code == 0 ? toll_gather_make_room(gather, error) : code;
}

static int read_waves(struct reading *reading, struct toll_error *error)
{
    const struct toll_gather *gather = reading->run->gather;
    unsigned threads = reading->size < 2 * TOLL_INGEST_CHUNK_BYTES ? 1 : gather->threads;
    int code = 0;

    reading->end = reading->gathered_from = reading->layout.start.offset;
    reading->line = reading->layout.start.line;
    reading->alone = threads == 1;
    if (reading->hasher != NULL)
        toll_sha256_update(reading->hasher, reading->data, reading->end);
    while (code == 0 && reading->end < reading->size) {
        code = find_wave(reading, error);
        if (code == 0)
            code = toll_work_run(threads, reading->chunk_count + hashes_apart(reading), read_job,
                                 tell_progress, reading, error);
        if (code != 0) {
            drop_wave(reading);
            return code;
        }
        code = gather_wave(reading, error);
    }
    return code;
}

static int finish(struct reading *reading, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    struct toll_error text;

    (void)error;
    if (out->rejected > TOLL_INGEST_REJECTS_TOLD)
        toll_finding(reading->run->findings, TOLL_WARNING, out->path, 0, 0, "%lld more rows rejected",
                     (long long)(out->rejected - TOLL_INGEST_REJECTS_TOLD));
    if (out->rejected == 0 || out->accepted > 0)
        return 0;
    toll_error_set(
        &text, TOLL_EDATA,
        "%s: none of its %lld rows could be read as %s; the first, at line %ld: %s; the file is refused",
        out->path, (long long)out->rows, reading->run->spec->provider, out->first_reject_line,
        toll_reject_name(out->first_reject));
    refuse(reading, text.text);
    return 0;
}

static int parse(struct reading *reading, struct toll_error *error)
{
    struct toll_delivery *out = reading->out;
    uint8_t hash[TOLL_SHA256_BYTES];
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
    if (reading->unwrapped != NULL && out->sha256[0] == '\0')
        hash_file(reading); /* of the rejects file itself, not of what it says */
    if (out->sha256[0] == '\0') {
        reading->hasher = toll_sha256_create();
        if (reading->hasher == NULL)
            return no_memory(error, out->path);
    }
    code = read_waves(reading, error);
    if (code != 0)
        return code;
    if (reading->hasher != NULL) {
        toll_sha256_digest(reading->hasher, hash);
        toll_sha256_text(hash, out->sha256);
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

int toll_delivery_read(const struct toll_delivery_run *run, const char *path,
                       const struct toll_delivery *earlier, size_t earlier_count, struct toll_delivery *out,
                       struct toll_error *error)
{
    struct reading reading = {.run = run, .out = out, .index = (uint32_t)earlier_count};
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
        code = parse(&reading, error);
    if (code == 0 && out->sha256[0] == '\0')
        hash_file(&reading); /* refused before it was hashed */
    if (code == 0)
        code = check_unchanged(&reading, error);
    if (run->tick != NULL)
        run->tick(run->tick_context, out->bytes, true);
    free(reading.bounds);
    free(reading.chunks);
    toll_sha256_destroy(reading.hasher);
    free(reading.unwrapped);
    toll_blob_free(&reading.blob);
    return code;
}

void toll_delivery_free(struct toll_delivery *delivery)
{
    free(delivery->rejects.data);
    memset(delivery, 0, sizeof *delivery);
}
