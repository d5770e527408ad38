/*
 * Opening an Arrow file: frame, digest, schema, batches, dictionaries. After that every offset a caller can
 * reach lies inside the file, every batch has the layout our writer gives it, and every buffer has a checksum
 * to be held against.
 */
#include "arrow/read.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* The schema stands twice: in the head for streams, in the footer for files. Both must say the same. */
static int read_schemas(struct toll_arrow_file *file, struct toll_error *error)
{
    const struct toll_arrow_parts *parts = file->owned;
    struct toll_flat_reader reader;
    struct toll_flat_ref message, table;
    const struct toll_arrow_block head = {
        .offset = 8, .message_bytes = parts->head_bytes - 8, .message = parts->head + 8};
    int rc = toll_arrow_read_message(file, &head, ARROW_HEADER_SCHEMA, &reader, &message, &table, error);
    if (rc == 0)
        rc = toll_arrow_read_schema(file, &reader, &table, error);
    if (rc)
        return rc;
    const struct toll_arrow_schema first = file->schema;
    reader = (struct toll_flat_reader){.bytes = parts->footer, .size = parts->footer_bytes};
    struct toll_flat_ref root = toll_flat_read_root(&reader);
    table = toll_flat_read_table(&reader, &root, FOOTER_SCHEMA);
    rc = toll_arrow_read_schema(file, &reader, &table, error);
    return rc ? rc : toll_arrow_expect(file, &first, error);
}

int toll_arrow_expect(const struct toll_arrow_file *file, const struct toll_arrow_schema *schema,
                      struct toll_error *error)
{
    const struct toll_arrow_schema *own = &file->schema;
    bool same = own->count == schema->count && strcmp(own->name, schema->name) == 0;
    for (unsigned i = 0; same && i < own->count; i++)
        same = own->fields[i].type == schema->fields[i].type &&
               own->fields[i].scale == schema->fields[i].scale &&
               strcmp(own->fields[i].name, schema->fields[i].name) == 0;
    if (same)
        return 0;
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: its columns are of layout '%s' with %u columns, not of '%s' as this version writes "
        "it: read it with the version that wrote it",
        file->name, own->name, own->count, schema->name);
}

/* The nodes say: `rows` values, no nulls. */
static bool nodes_valid(struct toll_flat_reader *reader, const struct toll_flat_span *nodes, unsigned columns,
                        uint64_t rows)
{
    if (nodes->count != columns)
        return false;
    for (size_t i = 0; i < columns; i++) {
        if (toll_flat_read_at(reader, nodes, i * ARROW_NODE_BYTES) != rows ||
            toll_flat_read_at(reader, nodes, i * ARROW_NODE_BYTES + 8) != 0)
            return false;
    }
    return !reader->bad;
}

static bool same_buffer(struct toll_flat_reader *reader, const struct toll_flat_span *buffers, size_t index,
                        uint64_t offset, uint64_t bytes)
{
    return toll_flat_read_at(reader, buffers, index * ARROW_BUFFER_BYTES) == offset &&
           toll_flat_read_at(reader, buffers, index * ARROW_BUFFER_BYTES + 8) == bytes && !reader->bad;
}

/* Lays the batch out anew from its rows and text sizes and compares. */
static bool read_buffers(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                         const struct toll_flat_span *buffers, int64_t index, int64_t rows)
{
    const struct toll_arrow_schema *schema = &file->schema;
    const struct toll_arrow_block *block = &file->owned->batches[index];
    struct toll_arrow_buffer layout[TOLL_ARROW_BUFFERS];
    int64_t text_bytes[TOLL_ARROW_COLUMNS];
    size_t at = 0;
    unsigned texts = 0;
    if (buffers->count != (size_t)file->buffers + schema->count)
        return false;
    for (unsigned c = 0; c < schema->count; c++) {
        bool utf8 = schema->fields[c].type == TOLL_ARROW_UTF8;
        if (utf8) {
            uint64_t bytes = toll_flat_read_at(reader, buffers, (at + 2) * ARROW_BUFFER_BYTES + 8);
            if (reader->bad || bytes > INT32_MAX)
                return false;
            text_bytes[texts++] = (int64_t)bytes;
        }
        at += utf8 ? 3 : 2;
    }
    if ((int64_t)toll_arrow_batch_layout(schema, rows, text_bytes, layout, NULL) != block->body_bytes)
        return false;
    at = 0;
    for (unsigned c = 0, b = 0; c < schema->count; c++) {
        if (!same_buffer(reader, buffers, at++, layout[b].offset, 0))
            return false;
        for (unsigned k = 0; k < (schema->fields[c].type == TOLL_ARROW_UTF8 ? 2u : 1u); k++, b++) {
            if (!same_buffer(reader, buffers, at++, layout[b].offset, layout[b].bytes))
                return false;
            struct toll_arrow_place *place = &file->places[index * file->buffers + b];
            place->offset = block->offset + (int64_t)(block->message_bytes + layout[b].offset);
            place->bytes = layout[b].bytes;
        }
    }
    return true;
}

static bool read_hashes(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                        const struct toll_flat_ref *message, int64_t index)
{
    struct toll_flat_span vector = toll_flat_read_vector(reader, message, MESSAGE_METADATA, 4);
    if (reader->bad || vector.count != 1)
        return false;
    struct toll_flat_ref pair = toll_flat_read_element(reader, &vector, 0);
    struct toll_flat_span key = toll_flat_read_string(reader, &pair, PAIR_KEY);
    struct toll_flat_span value = toll_flat_read_string(reader, &pair, PAIR_VALUE);
    if (reader->bad || key.count != strlen(TOLL_ARROW_KEY_HASHES) ||
        memcmp(reader->bytes + key.position, TOLL_ARROW_KEY_HASHES, key.count) != 0 ||
        value.count != (size_t)file->buffers * TOLL_ARROW_HASH_DIGITS)
        return false;
    for (unsigned b = 0; b < file->buffers; b++) {
        const char *digits =
            (const char *)reader->bytes + value.position + (size_t)b * TOLL_ARROW_HASH_DIGITS;
        if (!toll_hash_parse(digits, TOLL_ARROW_HASH_DIGITS, &file->places[index * file->buffers + b].hash))
            return false;
    }
    return true;
}

static int read_batches(struct toll_arrow_file *file, struct toll_error *error)
{
    size_t count = (size_t)file->batches * file->buffers;
    file->places = calloc(count + 1, sizeof *file->places);
    if (!file->places)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for %zu buffers", file->name, count);
    for (int64_t i = 0; i < file->batches; i++) {
        const struct toll_arrow_block *block = &file->owned->batches[i];
        struct toll_flat_reader reader;
        struct toll_flat_ref message, batch;
        int rc = toll_arrow_read_message(file, block, ARROW_HEADER_BATCH, &reader, &message, &batch, error);
        if (rc)
            return rc;
        uint64_t rows = toll_flat_read(&reader, &batch, BATCH_LENGTH, 8, 0);
        struct toll_flat_span nodes = toll_flat_read_vector(&reader, &batch, BATCH_NODES, ARROW_NODE_BYTES);
        struct toll_flat_span buffers =
            toll_flat_read_vector(&reader, &batch, BATCH_BUFFERS, ARROW_BUFFER_BYTES);
        struct toll_flat_ref compression = toll_flat_read_table(&reader, &batch, BATCH_COMPRESSION);
        bool last = i == file->batches - 1;
        if (reader.bad || rows == 0 || rows > TOLL_ARROW_BATCH_ROWS ||
            (!last && rows != TOLL_ARROW_BATCH_ROWS) || compression.position ||
            !nodes_valid(&reader, &nodes, file->schema.count, rows) ||
            !read_buffers(file, &reader, &buffers, i, (int64_t)rows) ||
            !read_hashes(file, &reader, &message, i))
            return toll_arrow_damaged(file->name, "the metadata of a record batch is wrong", error);
        file->rows += (int64_t)rows;
    }
    return 0;
}

static size_t pad_tail(size_t bytes)
{
    return (bytes + TOLL_ARROW_TAIL_ALIGNMENT - 1) & ~(size_t)(TOLL_ARROW_TAIL_ALIGNMENT - 1);
}

/* Copies the entries, terminated, into the arena. */
static int read_entries(struct toll_arrow_file *file, const struct toll_arrow_block *block, size_t entries,
                        size_t text_bytes, struct toll_arrow_dictionary *out, struct toll_error *error)
{
    struct toll_arena *arena = &file->owned->arena;
    const uint8_t *offsets = block->message + block->message_bytes;
    const char *text = (const char *)offsets + pad_tail((entries + 1) * sizeof(int32_t));
    const char **table = toll_arena_alloc(arena, (entries + 1) * sizeof *table);
    int32_t from = 0, to = 0;
    if (!table)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for %zu words", file->name, entries);
    memcpy(&from, offsets, sizeof from);
    bool valid = from == 0;
    for (size_t i = 0; valid && i < entries; i++, from = to) {
        memcpy(&to, offsets + (i + 1) * sizeof to, sizeof to);
        size_t length = (size_t)to - (size_t)from;
        valid = to >= from && (size_t)to <= text_bytes && !memchr(text + from, 0, length);
        if (valid && !(table[i] = toll_arena_copy(arena, text + from, length)))
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for %zu words", file->name, entries);
    }
    if (!valid || (size_t)from != text_bytes)
        return toll_arrow_damaged(file->name, "the words of a dictionary are wrong", error);
    *out = (struct toll_arrow_dictionary){table, (uint32_t)entries};
    return 0;
}

static int read_dictionary(struct toll_arrow_file *file, unsigned id, struct toll_error *error)
{
    const struct toll_arrow_block *block = &file->owned->dictionaries[id];
    struct toll_flat_reader reader;
    struct toll_flat_ref message, dictionary;
    int rc =
        toll_arrow_read_message(file, block, ARROW_HEADER_DICTIONARY, &reader, &message, &dictionary, error);
    if (rc)
        return rc;
    struct toll_flat_ref batch = toll_flat_read_table(&reader, &dictionary, DICTIONARY_DATA);
    struct toll_flat_ref compression = toll_flat_read_table(&reader, &batch, BATCH_COMPRESSION);
    struct toll_flat_span nodes = toll_flat_read_vector(&reader, &batch, BATCH_NODES, ARROW_NODE_BYTES);
    struct toll_flat_span buffers = toll_flat_read_vector(&reader, &batch, BATCH_BUFFERS, ARROW_BUFFER_BYTES);
    uint64_t entries = toll_flat_read(&reader, &batch, BATCH_LENGTH, 8, 0);
    if (reader.bad || toll_flat_read(&reader, &dictionary, DICTIONARY_ID, 8, 0) != id ||
        toll_flat_read(&reader, &dictionary, DICTIONARY_DELTA, 1, 0) != 0 || compression.position ||
        entries >= INT32_MAX || !nodes_valid(&reader, &nodes, 1, entries) || buffers.count != 3)
        return toll_arrow_damaged(file->name, "a dictionary's metadata is wrong", error);
    size_t offsets = ((size_t)entries + 1) * sizeof(int32_t);
    uint64_t text_bytes = toll_flat_read_at(&reader, &buffers, 2 * ARROW_BUFFER_BYTES + 8);
    if (text_bytes > INT32_MAX || !same_buffer(&reader, &buffers, 0, 0, 0) ||
        !same_buffer(&reader, &buffers, 1, 0, offsets) ||
        !same_buffer(&reader, &buffers, 2, pad_tail(offsets), text_bytes) ||
        (uint64_t)block->body_bytes != pad_tail(offsets) + pad_tail((size_t)text_bytes))
        return toll_arrow_damaged(file->name, "a dictionary's layout is wrong", error);
    return read_entries(file, block, (size_t)entries, (size_t)text_bytes, &file->dictionary[id], error);
}

static int open_file(const struct toll_arrow_source *source, const struct toll_hash128 *expected,
                     struct toll_arrow_file *file, struct toll_error *error)
{
    if (source->bytes && source->size > 0 && ((uintptr_t)source->bytes & 7) != 0)
        return toll_error_set(error, TOLL_EUSAGE, "%s: the bytes must be aligned to 8", source->name);
    int rc = toll_arrow_read_frame(source, file, error);
    if (rc)
        return rc;
    if (expected && !toll_hash_equal(*expected, file->digest))
        return toll_arrow_damaged(file->name, "its metadata does not have the digest that the manifest says",
                                  error);
    rc = read_schemas(file, error);
    if (rc)
        return rc;
    if (file->dictionaries != toll_arrow_dictionary_count(&file->schema))
        return toll_arrow_damaged(file->name, "it has not one dictionary for each dictionary column", error);
    for (unsigned c = 0; c < file->schema.count; c++) {
        file->first_buffer[c] = file->buffers;
        file->buffers += file->schema.fields[c].type == TOLL_ARROW_UTF8 ? 2 : 1;
    }
    rc = read_batches(file, error);
    for (unsigned i = 0; rc == 0 && i < file->dictionaries; i++)
        rc = read_dictionary(file, i, error);
    return rc;
}

static void free_parts(struct toll_arrow_parts *parts)
{
    free(parts->outside);
    free(parts->footer_copy);
    free(parts->batches);
    free(parts->dictionaries);
    *parts = (struct toll_arrow_parts){.arena = parts->arena};
}

int toll_arrow_open(const struct toll_arrow_source *source, const struct toll_hash128 *expected,
                    struct toll_arrow_file **out, struct toll_error *error)
{
    struct toll_arrow_file *file = calloc(1, sizeof *file);
    int rc = 0;
    *out = NULL;
    if (file)
        file->owned = calloc(1, sizeof *file->owned);
    if (file && file->owned)
        file->name = strdup(source->name);
    if (!file || !file->owned || !file->name)
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", source->name);
    if (rc == 0) {
        file->hash = toll_hash;
        rc = open_file(source, expected, file, error);
    }
    if (rc) {
        toll_arrow_close(file);
        return rc;
    }
    free_parts(file->owned); /* all that is needed has been copied */
    *out = file;
    return 0;
}

void toll_arrow_close(struct toll_arrow_file *file)
{
    if (!file)
        return;
    if (file->owned) {
        free_parts(file->owned);
        toll_arena_free(&file->owned->arena);
    }
    free(file->owned);
    free(file->places);
    free(file->name);
    free(file);
}

int toll_arrow_check(const struct toll_arrow_file *file, int64_t batch, unsigned column, unsigned buffer,
                     const void *data, struct toll_error *error)
{
    const struct toll_arrow_place *place = toll_arrow_place(file, batch, buffer);
    return toll_arrow_check_hash(file, batch, column, buffer, file->hash(data, toll_arrow_pad(place->bytes)),
                                 error);
}

int toll_arrow_check_hash(const struct toll_arrow_file *file, int64_t batch, unsigned column, unsigned buffer,
                          struct toll_hash128 hash, struct toll_error *error)
{
    if (toll_hash_equal(hash, toll_arrow_place(file, batch, buffer)->hash))
        return 0;
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: batch %lld, column %s: the checksum of its bytes is wrong, the file is damaged; "
        "restore it from a backup or make it again from its inputs",
        file->name, (long long)batch, file->schema.fields[column].name);
}

bool toll_arrow_text_valid(const int32_t *offsets, int64_t rows, size_t bytes)
{
    bool valid = offsets[0] == 0 && (size_t)offsets[rows] == bytes;
    for (int64_t i = 0; i < rows; i++)
        valid &= offsets[i + 1] >= offsets[i];
    return valid;
}
