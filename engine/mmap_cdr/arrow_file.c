#include "mmap_cdr/arrow_file.h"

#include "base/check.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

struct sink {
    const struct toll_io *io;
    int fd;
    const char *name;
};

static int write_piece(void *context, const void *data, size_t bytes, int64_t offset,
                       struct toll_error *error)
{
    const struct sink *sink = context;
    return toll_write_at(sink->io, sink->fd, sink->name, data, bytes, offset, error);
}

int toll_arrow_file_create(const struct toll_io *io, int directory, const char *name,
                           struct toll_error *error)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd;
    do
        fd = io->openat(io->context, directory, name, flags, 0640);
    while (fd == -EINTR);
    if (fd >= 0)
        return fd;
    return toll_error_errno(error, fd == -EEXIST ? TOLL_ECREATE : TOLL_EIO, -fd, "%s: cannot be created",
                            name);
}

int toll_arrow_file_sync(const struct toll_io *io, int fd, const char *name, struct toll_error *error)
{
    int rc;
    do
        rc = io->fsync(io->context, fd);
    while (rc == -EINTR);
    return rc < 0 ? toll_error_errno(error, TOLL_EIO, -rc, "%s: cannot be brought to disk (fsync)", name) : 0;
}

int toll_arrow_file_write(const struct toll_io *io, int directory, const char *name,
                          const struct toll_arrow_schema *schema, int64_t rows,
                          const struct toll_arrow_column *columns,
                          const struct toll_arrow_dictionary *dictionaries, struct toll_file_seal *seal,
                          struct toll_error *error)
{
    struct sink sink = {io, toll_arrow_file_create(io, directory, name, error), name};
    const struct toll_arrow_sink out = {write_piece, &sink};
    if (sink.fd < 0)
        return sink.fd;
    int rc = toll_arrow_write(schema, rows, columns, dictionaries, &out, &seal->bytes, &seal->digest, error);
    if (rc == 0)
        rc = toll_arrow_file_sync(io, sink.fd, name, error);
    int closed = io->close(io->context, sink.fd);
    if (rc == 0 && closed < 0 && closed != -EINTR)
        rc = toll_error_errno(error, TOLL_EIO, -closed, "%s: cannot be closed", name);
    if (rc)
        io->unlinkat(io->context, directory, name, 0);
    return rc;
}

/* ---- reading ---- */

static int read_piece(void *context, void *buffer, size_t bytes, int64_t offset, struct toll_error *error)
{
    return toll_file_read(context, buffer, bytes, offset, error);
}

static int open_arrow(struct toll_arrow_input *input, const char *name, int64_t size,
                      const struct toll_file_seal *seal, struct toll_error *error)
{
    if (seal && seal->bytes != size)
        return toll_error_set(error, TOLL_EDATA,
                              "%s: has %lld bytes, the manifest says %lld: the file is damaged or of another "
                              "generation; restore it from a backup or make it again from its inputs",
                              name, (long long)size, (long long)seal->bytes);
    const struct toll_arrow_source source = {
        .name = name, .bytes = input->bytes, .size = size, .read_at = read_piece, .context = &input->file};
    return toll_arrow_open(&source, seal ? &seal->digest : NULL, &input->arrow, error);
}

int toll_arrow_input_open(struct toll_arrow_input *input, const struct toll_io *io, int directory,
                          const char *path_for_messages, const char *name, const struct toll_file_seal *seal,
                          enum toll_read_path how, struct toll_error *error)
{
    char *full = NULL;
    struct toll_error reason;
    *input = (struct toll_arrow_input){0};
    if (asprintf(&full, "%s/%s", path_for_messages, name) < 0)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    int rc = toll_file_open(&input->file, io, directory, name, how, &reason);
    if (rc) {
        toll_error_set(error, rc, "%s/%s", path_for_messages, reason.text);
        free(full);
        return rc;
    }
    free(input->file.path);
    input->file.path = full; /* so that later messages say where the file is, too */
    input->bytes = input->file.bytes;
    rc = open_arrow(input, full, input->file.size, seal, error);
    if (rc == 0 && input->bytes) {
        input->populated = calloc((size_t)input->arrow->batches + 1, sizeof *input->populated);
        if (!input->populated)
            rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", full);
    }
    if (rc)
        toll_arrow_input_close(input);
    return rc;
}

int toll_arrow_input_bytes(struct toll_arrow_input *input, const uint8_t *bytes, size_t size,
                           const char *name, const struct toll_file_seal *seal, struct toll_error *error)
{
    static const uint64_t nothing;
    *input = (struct toll_arrow_input){.bytes = bytes ? bytes : (const uint8_t *)&nothing};
    return open_arrow(input, name, (int64_t)size, seal, error);
}

void toll_arrow_input_close(struct toll_arrow_input *input)
{
    toll_arrow_close(input->arrow);
    free(input->populated);
    if (input->file.io)
        toll_file_close(&input->file);
    *input = (struct toll_arrow_input){0};
}

size_t toll_arrow_input_room(const struct toll_arrow_input *input, uint32_t columns)
{
    size_t room = 0;
    if (input->bytes)
        return 0;
    for (unsigned c = 0; c < input->arrow->schema.count; c++) {
        if (columns & (UINT32_C(1) << c))
            room +=
                toll_arrow_pad(TOLL_ARROW_BATCH_ROWS * toll_arrow_width(input->arrow->schema.fields[c].type));
    }
    return room;
}

/* Where the wanted columns lie: neighbours in one run, one run after the other in the buffer. */
static void find_runs(struct toll_arrow_reading *reading, uint8_t *buffer)
{
    const struct toll_arrow_file *arrow = reading->input->arrow;
    const uint8_t *mapped = reading->input->bytes;
    struct toll_arrow_run *run = NULL;
    reading->run_count = 0;
    for (unsigned c = 0; c < arrow->schema.count; c++) {
        if (!(reading->columns & (UINT32_C(1) << c))) {
            run = NULL;
            continue;
        }
        const struct toll_arrow_place *place =
            toll_arrow_place(arrow, reading->batch, arrow->first_buffer[c]);
        const size_t bytes = toll_arrow_pad(place->bytes);
        if (run == NULL) {
            run = &reading->runs[reading->run_count++];
            *run = (struct toll_arrow_run){.to = buffer, .offset = place->offset};
        }
        reading->values[c] = mapped ? mapped + place->offset : buffer;
        run->bytes += bytes;
        if (!mapped)
            buffer += bytes;
    }
}

void toll_arrow_input_begin(const struct toll_arrow_input *input, int64_t batch, uint32_t columns,
                            void *buffer, struct toll_bulk *bulk, struct toll_arrow_reading *reading)
{
    TOLL_ASSERT(batch >= 0 && batch < input->arrow->batches);
    reading->input = input;
    reading->bulk = bulk;
    reading->batch = batch;
    reading->columns = columns;
    find_runs(reading, buffer);
    for (unsigned i = 0; bulk && !input->bytes && i < reading->run_count; i++) {
        struct toll_arrow_run *run = &reading->runs[i];
        run->ticket =
            toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = input->file.path,
                                                               .fd = input->file.fd,
                                                               .direct = input->file.direct,
                                                               .at_once = input->file.how != TOLL_READ_RING,
                                                               .buffer = run->to,
                                                               .bytes = run->bytes,
                                                               .offset = run->offset});
    }
}

/* Once is enough for pages that stay mapped, and finding them all again is not for nothing. */
static int populate(const struct toll_arrow_reading *reading, struct toll_error *error)
{
    const struct toll_arrow_input *input = reading->input;
    _Atomic uint32_t *populated = input->populated ? &input->populated[reading->batch] : NULL;
    for (unsigned i = 0; reading->bulk && i < reading->run_count; i++)
        toll_bulk_count_mapped(reading->bulk, reading->runs[i].bytes);
    if (!populated || (reading->columns & ~atomic_load_explicit(populated, memory_order_relaxed)) == 0)
        return 0;
    for (unsigned i = 0; i < reading->run_count; i++) {
        int rc = toll_file_populate(&input->file, reading->runs[i].bytes, reading->runs[i].offset, error);
        if (rc)
            return rc;
    }
    atomic_fetch_or_explicit(populated, reading->columns, memory_order_relaxed);
    return 0;
}

static int finish_reads(const struct toll_arrow_reading *reading, struct toll_error *error)
{
    int rc = 0;
    for (unsigned i = 0; i < reading->run_count; i++) { /* all of them, even after an error */
        const struct toll_arrow_run *run = &reading->runs[i];
        int code = reading->bulk
                       ? toll_bulk_wait(reading->bulk, run->ticket, rc ? NULL : error)
                       : toll_file_read(&reading->input->file, run->to, run->bytes, run->offset, error);
        rc = rc ? rc : code;
        if (rc && !reading->bulk)
            break;
    }
    return rc;
}

int toll_arrow_input_wait(const struct toll_arrow_reading *reading, const void *values[TOLL_ARROW_COLUMNS],
                          struct toll_error *error)
{
    const int rc = reading->input->bytes ? populate(reading, error) : finish_reads(reading, error);
    for (unsigned c = 0; rc == 0 && c < reading->input->arrow->schema.count; c++) {
        if (reading->columns & (UINT32_C(1) << c))
            values[c] = reading->values[c];
    }
    return rc;
}

int toll_arrow_input_end(const struct toll_arrow_reading *reading, const void *values[TOLL_ARROW_COLUMNS],
                         struct toll_error *error)
{
    const struct toll_arrow_file *arrow = reading->input->arrow;
    int rc = toll_arrow_input_wait(reading, values, error);
    for (unsigned c = 0; rc == 0 && c < arrow->schema.count; c++) {
        if (reading->columns & (UINT32_C(1) << c))
            rc = toll_arrow_check(arrow, reading->batch, c, arrow->first_buffer[c], values[c], error);
    }
    return rc;
}

int toll_arrow_input_batch(const struct toll_arrow_input *input, int64_t batch, uint32_t columns,
                           void *buffer, const void *values[TOLL_ARROW_COLUMNS], struct toll_error *error)
{
    struct toll_arrow_reading reading;
    toll_arrow_input_begin(input, batch, columns, buffer, NULL, &reading);
    return toll_arrow_input_end(&reading, values, error);
}
