/*
 * Rated lines. A batch is written as one contiguous block, metadata page first, by whatever worker made it:
 * its place follows from its index, its checksums go into its own metadata, and only the digest over all
 * metadata waits for the last of them.
 */
#include "segment/lines.h"

#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "tollmill_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_SCHEMA "lines/2"
#define OLDER_SCHEMA "lines/1"             /* no column is narrow */
#define MESSAGE_BYTES TOLL_ARROW_ALIGNMENT /* of a batch's metadata; asserted when a file is created */
#define FOLDER "lines/"

static const struct toll_arrow_field fields[TOLL_LINE_COLUMNS_MOST] = {
    [TOLL_LINE_ACCOUNT] = {"account", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_PRICE] = {"price", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_BILLED] = {"billed", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_CHARGE] = {"charge", TOLL_ARROW_INT64, 8},
    [TOLL_LINE_TUPLE] = {"tuple", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_STATUS] = {"status", TOLL_ARROW_UINT8, 0},
    [TOLL_LINE_CLASS_JURISDICTION] = {"class", TOLL_ARROW_UINT8, 0},
    [TOLL_LINE_INCLUDED] = {"included", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_POOL] = {"pool", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_COST] = {"cost", TOLL_ARROW_INT64, 8},
    [TOLL_LINE_COST_PRICE] = {"cost_price", TOLL_ARROW_INT32, 0},
    [TOLL_LINE_COST_STATUS] = {"cost_status", TOLL_ARROW_UINT8, 0},
    [TOLL_LINE_BOOK] = {"book", TOLL_ARROW_UINT8, 0},
};

/* The columns of a file: place[c] is that of column c, -1 if it is not there. */
struct shape {
    struct toll_arrow_field field[TOLL_LINE_COLUMNS_MOST];
    struct toll_arrow_schema schema; /* of `field`: a shape stays where it was made */
    int place[TOLL_LINE_COLUMNS_MOST];
};

static unsigned bit_of(unsigned column)
{
    return column < TOLL_LINE_COLUMNS        ? 0
           : column <= TOLL_LINE_POOL        ? TOLL_LINES_POOL
           : column <= TOLL_LINE_COST_STATUS ? TOLL_LINES_COST
                                             : TOLL_LINES_BOOK;
}

static void shape_make(struct shape *shape, const char *schema, unsigned optional)
{
    unsigned count = 0;
    TOLL_ASSERT((optional & ~(TOLL_LINES_OPTIONAL | TOLL_LINES_NARROW_MOST)) == 0);
    for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++) {
        const unsigned bit = bit_of(c);
        const bool there = bit == 0 || (optional & bit) != 0;
        shape->place[c] = there ? (int)count : -1;
        if (!there)
            continue;
        shape->field[count] = fields[c];
        if ((optional & TOLL_LINES_NARROW(c)) != 0)
            shape->field[count].type = TOLL_ARROW_UINT16;
        count++;
    }
    shape->schema = (struct toll_arrow_schema){schema, shape->field, count};
}

/* ---- writing ---- */

struct toll_lines_writer {
    const struct toll_io *io;
    int directory, fd; /* the directory is borrowed */
    int direct;        /* the same file with O_DIRECT, or -1 */
    bool ring;
    toll_hash_kernel *hash;
    char *name;
    struct shape shape;
    struct toll_arrow_plan plan;
    uint8_t *tail;
    size_t tail_bytes;
    struct toll_hash128 *hashes; /* batch x column */
    uint8_t *written;            /* a byte for each batch: workers never share one */
};

static int reserve(struct toll_lines_writer *writer, struct toll_error *error)
{
    size_t batches = (size_t)writer->plan.batches;
    TOLL_ASSERT(writer->plan.message_bytes == MESSAGE_BYTES);
    writer->hashes = calloc(batches * writer->plan.schema->count + 1, sizeof *writer->hashes);
    writer->written = calloc(batches + 1, 1);
    if (!writer->hashes || !writer->written)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", writer->name);
    return toll_arrow_tail(&writer->plan, NULL, &writer->tail, &writer->tail_bytes, error);
}

static int create_file(struct toll_lines_writer *writer, int directory, struct toll_error *error)
{
    int64_t bytes = writer->plan.batch_offset[writer->plan.batches] + (int64_t)writer->tail_bytes;
    int fd = toll_arrow_file_create(writer->io, directory, writer->name, error), rc;
    if (fd < 0)
        return fd;
    writer->fd = fd;
    do
        rc = writer->io->ftruncate(writer->io->context, fd, bytes);
    while (rc == -EINTR);
    if (rc < 0)
        return toll_error_errno(error, TOLL_EIO, -rc, "%s: cannot be given %lld bytes", writer->name,
                                (long long)bytes);
    do
        rc = writer->io->fallocate(writer->io->context, fd, 0, bytes);
    while (rc == -EINTR);
    if (rc < 0 && rc != -EOPNOTSUPP && rc != -ENOSYS && rc != -EINVAL)
        return toll_file_write_failed(error, writer->name, rc, 0);
    return 0;
}

int toll_lines_create(const struct toll_io *io, int directory, const char *name, int64_t rows,
                      unsigned optional, struct toll_lines_writer **out, struct toll_error *error)
{
    struct toll_lines_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    if (!writer || asprintf(&writer->name, FOLDER "%s.arrow", name) < 0) {
        free(writer);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    writer->io = io;
    writer->hash = toll_hash;
    writer->directory = directory;
    writer->fd = writer->direct = -1;
    shape_make(&writer->shape, LINES_SCHEMA, optional);
    int rc = toll_arrow_plan_make(&writer->plan, &writer->shape.schema, rows, NULL, error);
    if (rc == 0)
        rc = reserve(writer, error);
    if (rc == 0)
        rc = create_file(writer, directory, error);
    if (rc)
        toll_lines_abandon(writer);
    else
        *out = writer;
    return rc;
}

void toll_lines_abandon(struct toll_lines_writer *writer)
{
    if (!writer)
        return;
    if (writer->direct >= 0)
        writer->io->close(writer->io->context, writer->direct);
    if (writer->fd >= 0)
        writer->io->close(writer->io->context, writer->fd);
    toll_arrow_plan_free(&writer->plan);
    free(writer->tail);
    free(writer->hashes);
    free(writer->written);
    free(writer->name);
    free(writer);
}

void toll_lines_use_ring(struct toll_lines_writer *writer)
{
    const int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_DIRECT;
    writer->ring = true;
    if (writer->direct < 0)
        writer->direct = writer->io->openat(writer->io->context, writer->directory, writer->name, flags, 0);
}

void toll_lines_hash_with(struct toll_lines_writer *writer, toll_hash_kernel *hash)
{
    writer->hash = hash;
}

size_t toll_lines_batch_layout(int64_t rows, unsigned optional, size_t offsets[TOLL_LINE_COLUMNS_MOST])
{
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct shape shape;
    TOLL_ASSERT(rows >= 1 && rows <= TOLL_BATCH_ROWS);
    shape_make(&shape, LINES_SCHEMA, optional);
    const size_t body = toll_arrow_batch_layout(&shape.schema, rows, NULL, buffers, NULL);
    for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++)
        offsets[c] = shape.place[c] < 0 ? 0 : MESSAGE_BYTES + buffers[shape.place[c]].offset;
    return MESSAGE_BYTES + body;
}

/* Fills in the batch's metadata and padding; the block's size. */
static size_t seal_block(struct toll_lines_writer *writer, int64_t index, uint8_t *block)
{
    const struct toll_arrow_plan *plan = &writer->plan;
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    TOLL_ASSERT(index >= 0 && index < plan->batches && !writer->written[index]);
    int64_t rows = toll_arrow_batch_rows(plan->rows, index);
    size_t body = toll_arrow_batch_layout(plan->schema, rows, NULL, buffers, NULL);
    struct toll_hash128 *hashes = writer->hashes + index * plan->schema->count;
    for (unsigned c = 0; c < plan->schema->count; c++) {
        uint8_t *column = block + MESSAGE_BYTES + buffers[c].offset;
        size_t padded = toll_arrow_pad(buffers[c].bytes);
        memset(column + buffers[c].bytes, 0, padded - buffers[c].bytes);
        hashes[c] = writer->hash(column, padded);
    }
    toll_arrow_batch_message(plan, rows, buffers, hashes, block);
    return MESSAGE_BYTES + body;
}

int toll_lines_write(struct toll_lines_writer *writer, int64_t index, uint8_t *block,
                     struct toll_error *error)
{
    const size_t bytes = seal_block(writer, index, block);
    int rc = toll_write_at(writer->io, writer->fd, writer->name, block, bytes,
                           writer->plan.batch_offset[index], error);
    writer->written[index] = rc == 0;
    return rc;
}

int toll_lines_write_begin(struct toll_lines_writer *writer, int64_t index, uint8_t *block,
                           struct toll_bulk *bulk)
{
    const size_t bytes = seal_block(writer, index, block);
    return toll_bulk_queue(bulk, &(struct toll_bulk_transfer){.path = writer->name,
                                                              .fd = writer->fd,
                                                              .direct = writer->direct,
                                                              .write = true,
                                                              .at_once = !writer->ring,
                                                              .buffer = block,
                                                              .bytes = bytes,
                                                              .offset = writer->plan.batch_offset[index]});
}

int toll_lines_write_end(struct toll_lines_writer *writer, int64_t index, struct toll_bulk *bulk, int ticket,
                         struct toll_error *error)
{
    int rc = toll_bulk_wait(bulk, ticket, error);
    writer->written[index] = rc == 0;
    return rc;
}

/* The digest of head, messages (made again from their checksums) and tail; the head is written on the way. */
static int write_frame(struct toll_lines_writer *writer, struct toll_file_seal *seal,
                       struct toll_error *error)
{
    const struct toll_arrow_plan *plan = &writer->plan;
    struct toll_hasher *hasher = toll_hasher_create();
    uint8_t *page = malloc(plan->head_bytes > MESSAGE_BYTES ? plan->head_bytes : MESSAGE_BYTES);
    int64_t tail = plan->batch_offset[plan->batches];
    int rc = 0;
    if (!hasher || !page) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", writer->name);
        goto out;
    }
    toll_arrow_head(plan, page);
    toll_hasher_update(hasher, page, plan->head_bytes);
    rc = toll_write_at(writer->io, writer->fd, writer->name, page, plan->head_bytes, 0, error);
    if (rc)
        goto out;
    for (int64_t i = 0; i < plan->batches; i++) {
        struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
        int64_t rows = toll_arrow_batch_rows(plan->rows, i);
        TOLL_ASSERT(writer->written[i]);
        toll_arrow_batch_layout(plan->schema, rows, NULL, buffers, NULL);
        toll_arrow_batch_message(plan, rows, buffers, writer->hashes + i * plan->schema->count, page);
        toll_hasher_update(hasher, page, MESSAGE_BYTES);
    }
    toll_hasher_update(hasher, writer->tail, writer->tail_bytes);
    rc = toll_write_at(writer->io, writer->fd, writer->name, writer->tail, writer->tail_bytes, tail, error);
    seal->bytes = tail + (int64_t)writer->tail_bytes;
    seal->digest = toll_hasher_digest(hasher);
out:
    toll_hasher_destroy(hasher);
    free(page);
    return rc;
}

int toll_lines_finish_by(struct toll_lines_writer *writer, struct toll_syncs *syncs,
                         struct toll_file_seal *seal, struct toll_error *error)
{
    int rc = write_frame(writer, seal, error);
    if (rc == 0 && syncs != NULL) {
        const struct toll_sync_file file = {.fd = writer->fd, .name = writer->name};
        writer->fd = -1;
        rc = toll_syncs_add(syncs, &file, error);
        toll_lines_abandon(writer);
        return rc;
    }
    if (rc == 0)
        rc = toll_arrow_file_sync(writer->io, writer->fd, writer->name, error);
    int closed = writer->io->close(writer->io->context, writer->fd);
    writer->fd = -1;
    if (rc == 0 && closed < 0 && closed != -EINTR)
        rc = toll_error_errno(error, TOLL_EIO, -closed, "%s: cannot be closed", writer->name);
    toll_lines_abandon(writer);
    return rc;
}

int toll_lines_finish(struct toll_lines_writer *writer, struct toll_file_seal *seal, struct toll_error *error)
{
    return toll_lines_finish_by(writer, NULL, seal, error);
}

/* ---- reading ---- */

struct toll_lines {
    struct toll_arrow_input input;
    struct shape shape;
    unsigned optional;
};

/* What the file's columns say that it has; whether it is all of that is compared afterwards. */
static unsigned optional_of(const struct toll_arrow_schema *schema)
{
    unsigned optional = 0;
    for (unsigned i = 0; i < schema->count; i++)
        for (unsigned c = 0; c < TOLL_LINE_COLUMNS_MOST; c++)
            if (strcmp(schema->fields[i].name, fields[c].name) == 0)
                optional |= bit_of(c) | (schema->fields[i].type == TOLL_ARROW_UINT16
                                             ? TOLL_LINES_NARROW(c) & TOLL_LINES_NARROW_MOST
                                             : 0);
    return optional;
}

static int finish_open(struct toll_lines *lines, int rc, struct toll_lines **out, struct toll_error *error)
{
    if (rc == 0) {
        const struct toll_arrow_schema *schema = &lines->input.arrow->schema;
        const bool older = strcmp(schema->name, OLDER_SCHEMA) == 0;
        lines->optional = optional_of(schema) & (older ? TOLL_LINES_OPTIONAL : ~0u);
        shape_make(&lines->shape, older ? OLDER_SCHEMA : LINES_SCHEMA, lines->optional);
        rc = toll_arrow_expect(lines->input.arrow, &lines->shape.schema, error);
    }
    if (rc)
        toll_lines_close(lines);
    else
        *out = lines;
    return rc;
}

int toll_lines_open(const struct toll_io *io, int directory, const char *path_for_messages, const char *name,
                    const struct toll_file_seal *seal, enum toll_read_path how, struct toll_lines **out,
                    struct toll_error *error)
{
    char *file_name = NULL;
    struct toll_lines *lines = calloc(1, sizeof *lines);
    *out = NULL;
    if (!lines || asprintf(&file_name, FOLDER "%s.arrow", name) < 0) {
        free(lines);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    int rc =
        toll_arrow_input_open(&lines->input, io, directory, path_for_messages, file_name, seal, how, error);
    free(file_name);
    return finish_open(lines, rc, out, error);
}

int toll_lines_open_bytes(const uint8_t *bytes, size_t size, const char *name,
                          const struct toll_file_seal *seal, struct toll_lines **out,
                          struct toll_error *error)
{
    struct toll_lines *lines = calloc(1, sizeof *lines);
    *out = NULL;
    if (!lines)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    return finish_open(lines, toll_arrow_input_bytes(&lines->input, bytes, size, name, seal, error), out,
                       error);
}

void toll_lines_close(struct toll_lines *lines)
{
    if (!lines)
        return;
    toll_arrow_input_close(&lines->input);
    free(lines);
}

int64_t toll_lines_rows(const struct toll_lines *lines)
{
    return lines->input.arrow->rows;
}

int64_t toll_lines_batches(const struct toll_lines *lines)
{
    return lines->input.arrow->batches;
}

unsigned toll_lines_optional(const struct toll_lines *lines)
{
    return lines->optional;
}

static uint32_t all_columns(const struct toll_lines *lines)
{
    return (1u << lines->input.arrow->schema.count) - 1;
}

#define WIDENED_BYTES (TOLL_BATCH_ROWS * sizeof(int32_t)) /* a column of a full batch */

static unsigned narrow_count(unsigned optional)
{
    return (unsigned)__builtin_popcount(optional & TOLL_LINES_NARROW_MOST);
}

size_t toll_lines_buffer_bytes(const struct toll_lines *lines)
{
    return toll_arrow_input_room(&lines->input, all_columns(lines)) +
           narrow_count(lines->optional) * WIDENED_BYTES;
}

size_t toll_lines_buffer_most(unsigned optional, bool mapped)
{
    size_t offsets[TOLL_LINE_COLUMNS_MOST];
    const size_t widened = narrow_count(TOLL_LINES_NARROW_MOST) * WIDENED_BYTES;
    return widened +
           (mapped ? 0 : toll_lines_batch_layout(TOLL_BATCH_ROWS, optional & TOLL_LINES_OPTIONAL, offsets));
}

void *toll_lines_buffer_make(const struct toll_lines *lines)
{
    return aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_arrow_pad(toll_lines_buffer_bytes(lines) + 1));
}

bool toll_lines_same(const struct toll_lines *a, const struct toll_lines *b, int64_t batch,
                     enum toll_line_column column)
{
    const int x = a->shape.place[column], y = b->shape.place[column];
    if (x < 0 || y < 0)
        return x < 0 && y < 0;
    const struct toll_arrow_file *old = a->input.arrow, *new = b->input.arrow;
    const struct toll_arrow_place *p = toll_arrow_place(old, batch, old->first_buffer[x]),
                                  *q = toll_arrow_place(new, batch, new->first_buffer[y]);
    return p->bytes == q->bytes && toll_hash_equal(p->hash, q->hash);
}

static bool none_negative(const int32_t *values, int64_t rows)
{
    int32_t all = 0;
    for (int64_t i = 0; i < rows; i++)
        all |= values[i];
    return all >= 0;
}

/* Numbers that exist: rated 0 and 6, zero-rated to 9, suspense 16 to 31. */
static bool statuses_valid(const uint8_t *status, int64_t rows)
{
    uint8_t bad = 0;
    for (int64_t i = 0; i < rows; i++)
        bad |= (uint8_t)((status[i] >= TOLL_STATUS_COUNT) |
                         ((status[i] > TOLL_ZERO_COMPARE_FEED) & (status[i] < TOLL_SUSPENSE_FIRST)));
    return bad == 0;
}

static bool classes_valid(const uint8_t *value, int64_t rows)
{
    uint8_t bad = 0;
    for (int64_t i = 0; i < rows; i++)
        bad |= (uint8_t)((value[i] >> 4 >= TOLL_CLASSES) | ((value[i] & 15) >= TOLL_CALL_JURISDICTIONS));
    return bad == 0;
}

static bool values_valid(const struct toll_line_batch *lines)
{
    const int64_t rows = lines->rows;
    return none_negative(lines->account, rows) && none_negative(lines->price, rows) &&
           none_negative(lines->billed, rows) && none_negative(lines->tuple, rows) &&
           statuses_valid(lines->status, rows) && classes_valid(lines->class_jurisdiction, rows) &&
           (lines->pool == NULL ||
            (none_negative(lines->included, rows) && none_negative(lines->pool, rows))) &&
           (lines->cost == NULL ||
            (none_negative(lines->cost_price, rows) && statuses_valid(lines->cost_status, rows)));
}

void toll_lines_batch_begin(const struct toll_lines *lines, int64_t index, void *buffer,
                            struct toll_bulk *bulk, struct toll_lines_reading *reading)
{
    reading->lines = lines;
    reading->index = index;
    reading->widened =
        buffer == NULL ? NULL : (uint8_t *)buffer + toll_arrow_input_room(&lines->input, all_columns(lines));
    toll_arrow_input_begin(&lines->input, index, all_columns(lines), buffer, bulk, &reading->columns);
}

static const void *value_of(const void *const *values, int place)
{
    return place < 0 ? NULL : values[place];
}

static void widen(const uint16_t *restrict from, int64_t rows, int32_t *restrict to)
{
    for (int64_t i = 0; i < rows; i++)
        to[i] = from[i];
}

/* A column of ids or units; *room: where one that is narrow is put. */
static const int32_t *ids_of(const struct toll_lines *lines, const void *const *values, int64_t rows,
                             enum toll_line_column column, uint8_t **room)
{
    const void *found = value_of(values, lines->shape.place[column]);
    if (found == NULL || (lines->optional & TOLL_LINES_NARROW(column)) == 0)
        return found;
    int32_t *wide = (int32_t *)(void *)*room;
    TOLL_ASSERT(wide != NULL);
    widen(found, rows, wide);
    *room += WIDENED_BYTES;
    return wide;
}

int toll_lines_batch_end(const struct toll_lines_reading *reading, struct toll_line_batch *out,
                         struct toll_error *error)
{
    const struct toll_arrow_file *arrow = reading->lines->input.arrow;
    const void *values[TOLL_ARROW_COLUMNS];
    int rc = toll_arrow_input_end(&reading->columns, values, error);
    if (rc)
        return rc;
    const struct toll_lines *lines = reading->lines;
    const int *place = lines->shape.place;
    const int64_t rows = toll_arrow_batch_rows(arrow->rows, reading->index);
    uint8_t *room = reading->widened;
    *out = (struct toll_line_batch){
        .rows = rows,
        .charge = values[place[TOLL_LINE_CHARGE]],
        .status = values[place[TOLL_LINE_STATUS]],
        .class_jurisdiction = values[place[TOLL_LINE_CLASS_JURISDICTION]],
        .cost = value_of(values, place[TOLL_LINE_COST]),
        .cost_status = value_of(values, place[TOLL_LINE_COST_STATUS]),
        .book = value_of(values, place[TOLL_LINE_BOOK]),
    };
    out->account = ids_of(lines, values, rows, TOLL_LINE_ACCOUNT, &room);
    out->price = ids_of(lines, values, rows, TOLL_LINE_PRICE, &room);
    out->billed = ids_of(lines, values, rows, TOLL_LINE_BILLED, &room);
    out->tuple = ids_of(lines, values, rows, TOLL_LINE_TUPLE, &room);
    out->included = ids_of(lines, values, rows, TOLL_LINE_INCLUDED, &room);
    out->pool = ids_of(lines, values, rows, TOLL_LINE_POOL, &room);
    out->cost_price = ids_of(lines, values, rows, TOLL_LINE_COST_PRICE, &room);
    if (values_valid(out))
        return 0;
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: batch %lld: a value is out of its range although its checksum is right, so it was "
        "written by something else; rate again",
        arrow->name, (long long)reading->index);
}

int toll_lines_batch(const struct toll_lines *lines, int64_t index, void *buffer, struct toll_line_batch *out,
                     struct toll_error *error)
{
    struct toll_lines_reading reading;
    toll_lines_batch_begin(lines, index, buffer, NULL, &reading);
    return toll_lines_batch_end(&reading, out, error);
}

int toll_lines_check(struct toll_lines *lines, int64_t index, void *buffer, toll_hash_kernel *hash,
                     struct toll_error *error)
{
    const void *values[TOLL_ARROW_COLUMNS];
    lines->input.arrow->hash = hash;
    return toll_arrow_input_batch(&lines->input, index, all_columns(lines), buffer, values, error);
}
