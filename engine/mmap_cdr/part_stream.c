/*
 * Two files grow side by side. Each has two blocks of memory that take turns: one is filled while the other
 * is on its way to the disk. A block is what the file holds of a batch: its message, then its columns, each
 * padded. Of a last, shorter batch the columns move together.
 */
#include "mmap_cdr/part_stream.h"

#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "mmap_cdr/columns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 2
#define TRANSFERS 8
#define RING_ROWS (2 * TOLL_BATCH_ROWS) /* a part of fewer is written before a ring would be set up */
#define NONE (-1)

struct block {
    uint8_t *bytes;
    size_t room;
    int ticket; /* of its transfer, or NONE */
};

struct half { /* one of the two files */
    char *name;
    int fd, direct;
    struct toll_arrow_schema schema;
    struct toll_arrow_field fields[TOLL_CDR_COLUMNS];
    struct toll_arrow_plan plan; /* grows */
    size_t offsets_room;         /* of plan.batch_offset */
    struct toll_hasher *hasher;
    struct block blocks[TURNS];
};

struct toll_cdr_stream {
    const struct toll_io *io;
    toll_hash_kernel *hash;
    struct toll_bulk *bulk; /* made when it is first worth it */
    bool use_bulk;
    int directory;
    int64_t rows;
    struct toll_cdr_most most;
    unsigned turn;
    struct half part, text;
    size_t place[TOLL_CDR_COLUMNS]; /* in a full block; 0: not present */
};

static int no_memory(struct toll_error *error, const char *name)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
}

struct toll_cdr_stream *toll_cdr_stream_create(const struct toll_io *io, toll_hash_kernel *hash)
{
    struct toll_cdr_stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        return NULL;
    stream->io = io;
    stream->hash = hash;
    for (int h = 0; h < 2; h++) {
        struct half *half = h == 0 ? &stream->part : &stream->text;

        half->fd = half->direct = NONE;
        for (int t = 0; t < TURNS; t++)
            half->blocks[t].ticket = NONE;
    }
    return stream;
}

static void free_half(struct half *half)
{
    for (int t = 0; t < TURNS; t++)
        free(half->blocks[t].bytes);
}

void toll_cdr_stream_free(struct toll_cdr_stream *stream)
{
    if (stream == NULL)
        return;
    toll_cdr_stream_abandon(stream);
    toll_bulk_close(stream->bulk);
    free_half(&stream->part);
    free_half(&stream->text);
    free(stream);
}

size_t toll_cdr_stream_bytes(const struct toll_cdr_stream *stream)
{
    size_t bytes = sizeof *stream;

    for (int t = 0; t < TURNS; t++)
        bytes += stream->part.blocks[t].room + stream->text.blocks[t].room;
    return bytes;
}

/* ---- transfers ---- */

static int wait_for(struct toll_cdr_stream *stream, struct block *block, struct toll_error *error)
{
    int ticket = block->ticket;

    block->ticket = NONE;
    return ticket == NONE ? 0 : toll_bulk_wait(stream->bulk, ticket, error);
}

static int put(struct toll_cdr_stream *stream, const struct half *half, struct block *block, size_t bytes,
               int64_t offset, struct toll_error *error)
{
    if (!stream->use_bulk)
        return toll_write_at(stream->io, half->fd, half->name, block->bytes, bytes, offset, error);
    block->ticket = toll_bulk_queue(stream->bulk, &(struct toll_bulk_transfer){.path = half->name,
                                                                               .fd = half->fd,
                                                                               .direct = half->direct,
                                                                               .write = true,
                                                                               .at_once = half->direct < 0,
                                                                               .buffer = block->bytes,
                                                                               .bytes = bytes,
                                                                               .offset = offset});
    return 0;
}

/* A block that nobody reads any more, of at least so many bytes. */
static int reserve(struct block *block, size_t bytes, const char *name, struct toll_error *error)
{
    if (block->room >= bytes)
        return 0;
    free(block->bytes);
    block->room = toll_large_bytes(bytes + bytes / 8);
    block->bytes = toll_large_alloc(block->room);
    if (block->bytes != NULL)
        return 0;
    block->room = 0;
    return no_memory(error, name);
}

/* ---- begin ---- */

static int open_half(struct toll_cdr_stream *stream, struct half *half, const char *name, const char *ending,
                     int64_t rows_max, struct toll_error *error)
{
    const int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_DIRECT;
    int fd;

    if (asprintf(&half->name, "%s%s", name, ending) < 0) {
        half->name = NULL;
        return no_memory(error, name);
    }
    half->hasher = toll_hasher_create();
    half->offsets_room = (size_t)(rows_max / TOLL_BATCH_ROWS) + 2;
    half->plan = (struct toll_arrow_plan){.schema = &half->schema};
    half->plan.head_bytes = toll_arrow_head_measure(&half->schema);
    half->plan.message_bytes = toll_arrow_message_measure(&half->schema);
    half->plan.batch_offset = malloc(half->offsets_room * sizeof(int64_t));
    if (half->hasher == NULL || half->plan.batch_offset == NULL)
        return no_memory(error, half->name);
    half->plan.batch_offset[0] = (int64_t)half->plan.head_bytes;
    fd = toll_arrow_file_create(stream->io, stream->directory, half->name, error);
    if (fd < 0)
        return fd;
    half->fd = fd;
    if (stream->use_bulk)
        half->direct = stream->io->openat(stream->io->context, stream->directory, half->name, flags, 0);
    if (half->direct < 0)
        half->direct = NONE;
    return 0;
}

static int write_head(struct toll_cdr_stream *stream, struct half *half, struct toll_error *error)
{
    struct block *block = &half->blocks[0];
    int code = reserve(block, half->plan.head_bytes, half->name, error);

    if (code != 0)
        return code;
    toll_arrow_head(&half->plan, block->bytes);
    toll_hasher_update(half->hasher, block->bytes, half->plan.head_bytes);
    return toll_write_at(stream->io, half->fd, half->name, block->bytes, half->plan.head_bytes, 0, error);
}

/* The part's schema, and where its columns lie in a full block. */
static void lay_out(struct toll_cdr_stream *stream, uint32_t present)
{
    struct half *part = &stream->part;
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    unsigned count = 0;

    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        stream->place[c] = 0;
        if (!toll_cdr_columns[c].always && (present & TOLL_CDR_COLUMN_BIT(c)) == 0)
            continue;
        stream->place[c] = 1;
        part->fields[count++] = toll_cdr_columns[c].field;
    }
    part->schema = (struct toll_arrow_schema){TOLL_CDR_SCHEMA, part->fields, count};
    toll_arrow_batch_layout(&part->schema, TOLL_BATCH_ROWS, NULL, buffers, NULL);
    for (unsigned c = 0, at = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (stream->place[c] != 0)
            stream->place[c] = toll_arrow_message_measure(&part->schema) + buffers[at++].offset;
    }
    stream->text.schema = toll_cdr_text_schema;
}

/* A ring that cannot be had is no error: plain writes do. */
static int choose_path(struct toll_cdr_stream *stream, int64_t rows_max, struct toll_error *error)
{
    const struct toll_bulk_options options = {.ring = true, .transfers = TRANSFERS};
    int code = 0;

    stream->use_bulk = rows_max >= RING_ROWS;
    if (stream->use_bulk && stream->bulk == NULL)
        code = toll_bulk_open(&stream->bulk, stream->io, &options, error);
    return code;
}

int toll_cdr_stream_begin(struct toll_cdr_stream *stream, int directory, const char *name, uint32_t present,
                          int64_t rows_max, struct toll_error *error)
{
    int code;

    TOLL_ASSERT(stream->part.name == NULL);
    stream->directory = directory;
    stream->rows = 0;
    stream->most = (struct toll_cdr_most){0};
    stream->turn = 0;
    lay_out(stream, present);
    code = choose_path(stream, rows_max, error);
    if (code == 0)
        code = open_half(stream, &stream->part, name, ".arrow", rows_max, error);
    if (code == 0)
        code = open_half(stream, &stream->text, name, ".text.arrow", rows_max, error);
    if (code == 0)
        code = write_head(stream, &stream->part, error);
    if (code == 0)
        code = write_head(stream, &stream->text, error);
    for (int t = 0; code == 0 && t < TURNS; t++) {
        struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
        size_t body = toll_arrow_batch_layout(&stream->part.schema, TOLL_BATCH_ROWS, NULL, buffers, NULL);

        code = reserve(&stream->part.blocks[t], stream->part.plan.message_bytes + body, name, error);
    }
    if (code != 0)
        toll_cdr_stream_abandon(stream);
    return code;
}

void *toll_cdr_stream_column(const struct toll_cdr_stream *stream, enum toll_cdr_column column)
{
    size_t place = stream->place[column];

    return place == 0 ? NULL : stream->part.blocks[stream->turn].bytes + place;
}

struct toll_cdr_most toll_cdr_stream_most(const struct toll_cdr_stream *stream)
{
    return stream->most;
}

/* ---- batches ---- */

/* Padding, checksums and message of a block whose buffers lie as the file has them; the block's size. */
static size_t seal(struct toll_cdr_stream *stream, struct half *half, uint8_t *block, int64_t rows,
                   const struct toll_arrow_buffer *buffers, unsigned count)
{
    struct toll_arrow_plan *plan = &half->plan;
    struct toll_hash128 hashes[TOLL_ARROW_BUFFERS];
    size_t bytes = plan->message_bytes;

    for (unsigned b = 0; b < count; b++) {
        uint8_t *buffer = block + plan->message_bytes + buffers[b].offset;
        size_t padded = toll_arrow_pad(buffers[b].bytes);

        memset(buffer + buffers[b].bytes, 0, padded - buffers[b].bytes);
        hashes[b] = stream->hash(buffer, padded);
        bytes += padded;
    }
    toll_arrow_batch_message(plan, rows, buffers, hashes, block);
    toll_hasher_update(half->hasher, block, plan->message_bytes);
    TOLL_ASSERT((size_t)plan->batches + 1 < half->offsets_room);
    plan->batch_offset[plan->batches + 1] = plan->batch_offset[plan->batches] + (int64_t)bytes;
    plan->batches++;
    plan->rows += rows;
    return bytes;
}

static int write_columns(struct toll_cdr_stream *stream, int64_t rows, struct toll_error *error)
{
    struct half *part = &stream->part;
    struct block *block = &part->blocks[stream->turn];
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    int64_t offset = part->plan.batch_offset[part->plan.batches];
    unsigned count;

    toll_cdr_most_add(&stream->most, toll_cdr_stream_column(stream, TOLL_CDR_DURATION_MS),
                      toll_cdr_stream_column(stream, TOLL_CDR_QUANTITY), rows);
    toll_arrow_batch_layout(&part->schema, rows, NULL, buffers, &count);
    for (unsigned c = 0, at = 0; rows < TOLL_BATCH_ROWS && c < TOLL_CDR_COLUMNS; c++) {
        if (stream->place[c] == 0)
            continue;
        memmove(block->bytes + part->plan.message_bytes + buffers[at].offset, block->bytes + stream->place[c],
                buffers[at].bytes);
        at++;
    }
    return put(stream, part, block, seal(stream, part, block->bytes, rows, buffers, count), offset, error);
}

static int write_texts(struct toll_cdr_stream *stream, int64_t rows,
                       const struct toll_cdr_stream_texts *texts, struct toll_error *error)
{
    struct half *text = &stream->text;
    struct block *block = &text->blocks[stream->turn];
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    int64_t bytes[3], offset = text->plan.batch_offset[text->plan.batches];
    size_t body;
    unsigned count;
    int code;

    for (int t = 0; t < 3; t++)
        bytes[t] = texts->offset[t][rows];
    body = toll_arrow_batch_layout(&text->schema, rows, bytes, buffers, &count);
    code = wait_for(stream, block, error);
    if (code == 0)
        code = reserve(block, text->plan.message_bytes + body, text->name, error);
    if (code != 0)
        return code;
    for (int t = 0; t < 3; t++) {
        uint8_t *to = block->bytes + text->plan.message_bytes;

        memcpy(to + buffers[2 * t].offset, texts->offset[t], buffers[2 * t].bytes);
        if (bytes[t] > 0)
            memcpy(to + buffers[2 * t + 1].offset, texts->bytes[t], (size_t)bytes[t]);
    }
    return put(stream, text, block, seal(stream, text, block->bytes, rows, buffers, count), offset, error);
}

int toll_cdr_stream_batch(struct toll_cdr_stream *stream, int64_t rows,
                          const struct toll_cdr_stream_texts *texts, struct toll_error *error)
{
    int code;

    TOLL_ASSERT(rows >= 1 && rows <= TOLL_BATCH_ROWS && stream->rows % TOLL_BATCH_ROWS == 0);
    stream->rows += rows;
    code = write_columns(stream, rows, error);
    if (code == 0)
        code = write_texts(stream, rows, texts, error);
    stream->turn = (stream->turn + 1) % TURNS;
    if (code == 0)
        code = wait_for(stream, &stream->part.blocks[stream->turn], error);
    return code;
}

/* ---- end ---- */

static int close_half(struct toll_cdr_stream *stream, struct half *half, struct toll_error *error)
{
    const struct toll_io *io = stream->io;
    int code = toll_arrow_file_sync(io, half->fd, half->name, error);
    int closed = io->close(io->context, half->fd);

    half->fd = NONE;
    if (code == 0 && closed < 0 && closed != -EINTR)
        code = toll_error_errno(error, TOLL_EIO, -closed, "%s: cannot be closed", half->name);
    return code;
}

static int end_half(struct toll_cdr_stream *stream, struct half *half,
                    const struct toll_arrow_dictionary *dictionaries, struct toll_file_seal *seal_of,
                    struct toll_error *error)
{
    int64_t at = half->plan.batch_offset[half->plan.batches];
    uint8_t *tail = NULL;
    size_t bytes = 0;
    int code = 0;

    for (int t = 0; t < TURNS; t++) {
        int waited = wait_for(stream, &half->blocks[t], code == 0 ? error : NULL);

        code = code == 0 ? waited : code;
    }
    if (code == 0)
        code = toll_arrow_tail(&half->plan, dictionaries, &tail, &bytes, error);
    if (code == 0)
        code = toll_write_at(stream->io, half->fd, half->name, tail, bytes, at, error);
    if (code == 0) {
        toll_hasher_update(half->hasher, tail, bytes);
        seal_of->bytes = at + (int64_t)bytes;
        seal_of->digest = toll_hasher_digest(half->hasher);
    }
    free(tail);
    return code == 0 ? close_half(stream, half, error) : code;
}

static void let_go(struct toll_cdr_stream *stream, struct half *half)
{
    if (half->direct >= 0)
        stream->io->close(stream->io->context, half->direct);
    if (half->fd >= 0)
        stream->io->close(stream->io->context, half->fd);
    toll_hasher_destroy(half->hasher);
    toll_arrow_plan_free(&half->plan);
    free(half->name);
    half->name = NULL;
    half->hasher = NULL;
    half->fd = half->direct = NONE;
}

int toll_cdr_stream_end(struct toll_cdr_stream *stream, const struct toll_arrow_dictionary *dictionaries,
                        struct toll_file_seal *part_seal, struct toll_file_seal *text_seal,
                        struct toll_error *error)
{
    int code = end_half(stream, &stream->part, dictionaries, part_seal, error);

    if (code == 0)
        code = end_half(stream, &stream->text, NULL, text_seal, error);
    if (code != 0) {
        toll_cdr_stream_abandon(stream);
        return code;
    }
    let_go(stream, &stream->part);
    let_go(stream, &stream->text);
    return 0;
}

static void remove_half(struct toll_cdr_stream *stream, struct half *half)
{
    bool made = half->fd >= 0 || half->direct >= 0 || half->plan.batches > 0;

    for (int t = 0; t < TURNS; t++)
        half->blocks[t].ticket = NONE;
    if (half->name != NULL && made)
        (void)stream->io->unlinkat(stream->io->context, stream->directory, half->name, 0);
    let_go(stream, half);
}

void toll_cdr_stream_abandon(struct toll_cdr_stream *stream)
{
    if (stream->bulk != NULL)
        toll_bulk_drain(stream->bulk);
    remove_half(stream, &stream->part);
    remove_half(stream, &stream->text);
}
