/*
 * The frame of an Arrow file: magic, footer, blocks. Every byte must belong to exactly one of head, batch
 * message, batch body, dictionary, end mark, footer: so that the digest of what lies outside the bodies and
 * the checksums of the buffers inside cover the whole file.
 */
#include "arrow/read.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define FOOTER_END_BYTES 10 /* the footer's size and the magic */

int toll_arrow_damaged(const char *name, const char *what, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: damaged, or not written by tollmill: %s; restore the file from a backup or make it "
        "again from its inputs",
        name, what);
}

static int read_piece(const struct toll_arrow_source *source, uint8_t *room, int64_t offset, size_t bytes,
                      const uint8_t **out, struct toll_error *error)
{
    TOLL_ASSERT(offset >= 0 && (int64_t)bytes <= source->size - offset);
    if (source->bytes) {
        *out = source->bytes + offset;
        return 0;
    }
    *out = room;
    return source->read_at(source->context, room, bytes, offset, error);
}

static int read_footer(const struct toll_arrow_source *source, struct toll_arrow_file *file,
                       struct toll_error *error)
{
    struct toll_arrow_parts *parts = file->owned;
    uint8_t room[FOOTER_END_BYTES];
    const uint8_t *end;
    uint32_t bytes;
    if (source->size < TOLL_ARROW_ALIGNMENT + TOLL_ARROW_PREFIX_BYTES + FOOTER_END_BYTES)
        return toll_arrow_damaged(file->name, "too short", error);
    int rc = read_piece(source, room, source->size - FOOTER_END_BYTES, FOOTER_END_BYTES, &end, error);
    if (rc)
        return rc;
    memcpy(&bytes, end, sizeof bytes);
    if (memcmp(end + sizeof bytes, TOLL_ARROW_MAGIC, 6) != 0)
        return toll_arrow_damaged(file->name, "no Arrow mark at its end (cut off?)", error);
    if (bytes % 8 != 0 || bytes > INT32_MAX ||
        (int64_t)bytes > source->size - TOLL_ARROW_ALIGNMENT - TOLL_ARROW_PREFIX_BYTES - FOOTER_END_BYTES)
        return toll_arrow_damaged(file->name, "the footer's size is impossible", error);
    parts->footer_bytes = bytes;
    if (!source->bytes && !(parts->footer_copy = malloc((size_t)bytes + 1)))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for its footer of %u bytes", file->name,
                              bytes);
    return read_piece(source, parts->footer_copy, source->size - FOOTER_END_BYTES - bytes, bytes,
                      &parts->footer, error);
}

/* Reads the blocks of a footer's vector: each starts where the one before ends, at a multiple of `alignment`.
 */
static int read_blocks(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                       const struct toll_flat_span *vector, size_t alignment, int64_t *next, int64_t end,
                       struct toll_arrow_block **out, struct toll_error *error)
{
    *out = calloc(vector->count + 1, sizeof **out);
    if (!*out)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for %zu blocks", file->name,
                              vector->count);
    for (size_t i = 0; i < vector->count; i++) {
        struct toll_arrow_block *block = &(*out)[i];
        uint64_t offset = toll_flat_read_at(reader, vector, i * ARROW_BLOCK_BYTES);
        uint64_t message = toll_flat_read_at(reader, vector, i * ARROW_BLOCK_BYTES + 8);
        uint64_t body = toll_flat_read_at(reader, vector, i * ARROW_BLOCK_BYTES + 16);
        if (reader->bad || offset != (uint64_t)*next || message == 0 || message > INT32_MAX ||
            message % alignment != 0 || body % alignment != 0 || body > (uint64_t)end ||
            message + body > (uint64_t)(end - *next))
            return toll_arrow_damaged(file->name, "a block of its footer lies where none can be", error);
        *block = (struct toll_arrow_block){(int64_t)offset, (int64_t)body, (size_t)message, NULL};
        *next += (int64_t)(message + body);
    }
    return 0;
}

/* Maps the pieces, or reads them one behind the other into one buffer. */
static int read_pieces(const struct toll_arrow_source *source, struct toll_arrow_file *file,
                       struct toll_error *error)
{
    struct toll_arrow_parts *parts = file->owned;
    size_t total = parts->head_bytes + parts->tail_bytes, at = 0;
    for (int64_t i = 0; i < file->batches; i++)
        total += parts->batches[i].message_bytes;
    if (!source->bytes && !(parts->outside = malloc(total)))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for its metadata of %zu bytes",
                              file->name, total);
    uint8_t *room = parts->outside;
    int rc = read_piece(source, room, 0, parts->head_bytes, &parts->head, error);
    at = parts->head_bytes;
    for (int64_t i = 0; rc == 0 && i < file->batches; i++) {
        struct toll_arrow_block *block = &parts->batches[i];
        rc = read_piece(source, room ? room + at : NULL, block->offset, block->message_bytes, &block->message,
                        error);
        at += block->message_bytes;
    }
    if (rc == 0)
        rc = read_piece(source, room ? room + at : NULL, parts->tail_offset, parts->tail_bytes, &parts->tail,
                        error);
    if (rc)
        return rc;
    const size_t footer_at = parts->tail_bytes - FOOTER_END_BYTES - parts->footer_bytes;
    if (memcmp(parts->tail + footer_at, parts->footer, parts->footer_bytes) != 0)
        return toll_arrow_damaged(file->name, "it changed while it was read", error);
    return 0;
}

static int hash_pieces(struct toll_arrow_file *file, struct toll_error *error)
{
    const struct toll_arrow_parts *parts = file->owned;
    struct toll_hasher *hasher = toll_hasher_create();
    if (!hasher)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for its digest", file->name);
    toll_hasher_update(hasher, parts->head, parts->head_bytes);
    for (int64_t i = 0; i < file->batches; i++)
        toll_hasher_update(hasher, parts->batches[i].message, parts->batches[i].message_bytes);
    toll_hasher_update(hasher, parts->tail, parts->tail_bytes);
    file->digest = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return 0;
}

/* The head's message, which fills the rest of the head, and what stands between dictionaries and footer. */
static bool frame_marks_valid(const struct toll_arrow_parts *parts, size_t dictionary_bytes)
{
    const uint32_t prefix[2] = {TOLL_ARROW_CONTINUATION, (uint32_t)(parts->head_bytes - 16)};
    const uint32_t end_mark[2] = {TOLL_ARROW_CONTINUATION, 0};
    return memcmp(parts->head, TOLL_ARROW_MAGIC, 8) == 0 &&
           memcmp(parts->head + 8, prefix, sizeof prefix) == 0 &&
           memcmp(parts->tail + dictionary_bytes, end_mark, sizeof end_mark) == 0;
}

int toll_arrow_read_frame(const struct toll_arrow_source *source, struct toll_arrow_file *file,
                          struct toll_error *error)
{
    struct toll_arrow_parts *parts = file->owned;
    int rc = read_footer(source, file, error);
    if (rc)
        return rc;
    struct toll_flat_reader reader = {.bytes = parts->footer, .size = parts->footer_bytes};
    struct toll_flat_ref root = toll_flat_read_root(&reader);
    struct toll_flat_span batches = toll_flat_read_vector(&reader, &root, FOOTER_BATCHES, ARROW_BLOCK_BYTES);
    struct toll_flat_span dictionaries =
        toll_flat_read_vector(&reader, &root, FOOTER_DICTIONARIES, ARROW_BLOCK_BYTES);
    uint64_t version = toll_flat_read(&reader, &root, FOOTER_VERSION, 2, 0);
    int64_t end = source->size - FOOTER_END_BYTES - (int64_t)parts->footer_bytes - TOLL_ARROW_PREFIX_BYTES;
    if (reader.bad || version != ARROW_VERSION_V5 || dictionaries.count > TOLL_ARROW_COLUMNS)
        return toll_arrow_damaged(file->name, "its footer cannot be read", error);

    /* The head ends where the first block starts, or the end mark when there is none. */
    int64_t first = end;
    if (dictionaries.count)
        first = (int64_t)toll_flat_read_at(&reader, &dictionaries, 0);
    if (batches.count)
        first = (int64_t)toll_flat_read_at(&reader, &batches, 0);
    if (reader.bad || first < TOLL_ARROW_ALIGNMENT || first > end || first % TOLL_ARROW_ALIGNMENT != 0 ||
        first > INT32_MAX)
        return toll_arrow_damaged(file->name, "its first block lies where none can be", error);
    int64_t next = first;
    parts->head_bytes = (size_t)first;
    rc = read_blocks(file, &reader, &batches, TOLL_ARROW_ALIGNMENT, &next, end, &parts->batches, error);
    if (rc)
        return rc;
    file->batches = (int64_t)batches.count;
    parts->tail_offset = next;
    parts->tail_bytes = (size_t)(source->size - next);
    rc = read_blocks(file, &reader, &dictionaries, TOLL_ARROW_TAIL_ALIGNMENT, &next, end,
                     &parts->dictionaries, error);
    if (rc)
        return rc;
    file->dictionaries = (unsigned)dictionaries.count;
    if (next != end)
        return toll_arrow_damaged(file->name, "bytes that belong to no block", error);
    rc = read_pieces(source, file, error);
    if (rc)
        return rc;
    for (unsigned i = 0; i < file->dictionaries; i++)
        parts->dictionaries[i].message = parts->tail + (parts->dictionaries[i].offset - parts->tail_offset);
    if (!frame_marks_valid(parts, (size_t)(end - parts->tail_offset)))
        return toll_arrow_damaged(file->name, "its marks are wrong", error);
    return hash_pieces(file, error);
}
