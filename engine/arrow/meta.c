/* Schemas and messages out of FlatBuffers: only types that our writer knows, anything else is refused. */
#include "arrow/read.h"

#include "base/error.h"

#include <string.h>

static bool text_is(const struct toll_flat_reader *reader, const struct toll_flat_span *text,
                    const char *wanted)
{
    return !reader->bad && text->position && text->count == strlen(wanted) &&
           memcmp(reader->bytes + text->position, wanted, text->count) == 0;
}

/* The value of the only pair of a key-value vector, when it has this key. */
static struct toll_flat_span read_pair(struct toll_flat_reader *reader, const struct toll_flat_ref *table,
                                       unsigned field, const char *wanted)
{
    struct toll_flat_span vector = toll_flat_read_vector(reader, table, field, 4);
    if (reader->bad || vector.count != 1)
        return (struct toll_flat_span){0};
    struct toll_flat_ref pair = toll_flat_read_element(reader, &vector, 0);
    struct toll_flat_span key = toll_flat_read_string(reader, &pair, PAIR_KEY);
    struct toll_flat_span value = toll_flat_read_string(reader, &pair, PAIR_VALUE);
    return text_is(reader, &key, wanted) ? value : (struct toll_flat_span){0};
}

static const char *copy_text(struct toll_arrow_file *file, const struct toll_flat_reader *reader,
                             const struct toll_flat_span *text)
{
    if (reader->bad || text->count == 0 || text->count >= TOLL_ARROW_NAME_BYTES ||
        memchr(reader->bytes + text->position, 0, text->count))
        return NULL;
    const char *copy =
        toll_arena_copy(&file->owned->arena, (const char *)reader->bytes + text->position, text->count);
    file->owned->no_memory |= !copy;
    return copy;
}

static bool int_type(unsigned bits, bool is_signed, enum toll_arrow_type *out)
{
    static const struct {
        uint8_t bits, is_signed, type;
    } known[] = {{32, 1, TOLL_ARROW_INT32},
                 {64, 1, TOLL_ARROW_INT64},
                 {8, 0, TOLL_ARROW_UINT8},
                 {16, 0, TOLL_ARROW_UINT16},
                 {64, 0, TOLL_ARROW_UINT64}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].bits == bits && known[i].is_signed == is_signed) {
            *out = (enum toll_arrow_type)known[i].type;
            return true;
        }
    }
    return false;
}

static bool read_int(struct toll_flat_reader *reader, const struct toll_flat_ref *table,
                     enum toll_arrow_type *out)
{
    return int_type((unsigned)toll_flat_read(reader, table, INT_BITS, 4, 0),
                    toll_flat_read(reader, table, INT_SIGNED, 1, 0) != 0, out);
}

static bool read_dictionary_type(struct toll_flat_reader *reader, const struct toll_flat_ref *encoding,
                                 uint64_t expected_id, enum toll_arrow_type *out)
{
    struct toll_flat_ref index = toll_flat_read_table(reader, encoding, ENCODING_INDEX);
    enum toll_arrow_type type;
    if (toll_flat_read(reader, encoding, ENCODING_ID, 8, 0) != expected_id ||
        toll_flat_read(reader, encoding, ENCODING_KIND, 2, 0) != 0 || !read_int(reader, &index, &type))
        return false;
    *out = type == TOLL_ARROW_INT32 ? TOLL_ARROW_DICTIONARY_INT32 : TOLL_ARROW_DICTIONARY_UINT16;
    return type == TOLL_ARROW_INT32 || type == TOLL_ARROW_UINT16;
}

static bool read_field(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                       const struct toll_flat_ref *table, unsigned *dictionaries,
                       struct toll_arrow_field *out)
{
    struct toll_flat_span name = toll_flat_read_string(reader, table, FIELD_NAME);
    struct toll_flat_ref type = toll_flat_read_table(reader, table, FIELD_TYPE);
    struct toll_flat_ref encoding = toll_flat_read_table(reader, table, FIELD_DICTIONARY);
    struct toll_flat_span children = toll_flat_read_vector(reader, table, FIELD_CHILDREN, 4);
    struct toll_flat_span scale = read_pair(reader, table, FIELD_METADATA, TOLL_ARROW_KEY_SCALE);
    uint64_t kind = toll_flat_read(reader, table, FIELD_TYPE_TYPE, 1, 0);
    out->name = copy_text(file, reader, &name);
    out->scale = text_is(reader, &scale, "8") ? 8 : 0;
    if (!out->name || reader->bad || children.count != 0 || (scale.position && !out->scale) ||
        toll_flat_read(reader, table, FIELD_NULLABLE, 1, 0) != 0)
        return false;
    if (encoding.position)
        return kind == ARROW_TYPE_UTF8 &&
               read_dictionary_type(reader, &encoding, (*dictionaries)++, &out->type);
    switch (kind) {
    case ARROW_TYPE_INT:
        return read_int(reader, &type, &out->type);
    case ARROW_TYPE_UTF8:
        out->type = TOLL_ARROW_UTF8;
        return true;
    case ARROW_TYPE_TIMESTAMP: {
        struct toll_flat_span zone = toll_flat_read_string(reader, &type, TIMESTAMP_ZONE);
        out->type = TOLL_ARROW_TIMESTAMP_MS;
        return toll_flat_read(reader, &type, TIMESTAMP_UNIT, 2, 0) == ARROW_UNIT_MILLISECOND &&
               text_is(reader, &zone, "UTC");
    }
    default:
        return false;
    }
}

static int read_schema(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                       const struct toll_flat_ref *table, struct toll_error *error)
{
    struct toll_flat_span fields = toll_flat_read_vector(reader, table, SCHEMA_FIELDS, 4);
    struct toll_flat_span name = read_pair(reader, table, SCHEMA_METADATA, TOLL_ARROW_KEY_SCHEMA);
    if (reader->bad || fields.count == 0 || fields.count > TOLL_ARROW_COLUMNS ||
        toll_flat_read(reader, table, SCHEMA_ENDIANNESS, 2, 0) != 0)
        return toll_arrow_damaged(file->name, "its schema cannot be read", error);
    struct toll_arrow_field *out = toll_arena_alloc(&file->owned->arena, fields.count * sizeof *out);
    if (!out)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for its schema", file->name);
    unsigned dictionaries = 0;
    for (size_t i = 0; i < fields.count; i++) {
        struct toll_flat_ref field = toll_flat_read_element(reader, &fields, i);
        if (!read_field(file, reader, &field, &dictionaries, &out[i]) || reader->bad)
            return toll_arrow_damaged(file->name, "a column of its schema is of no known type", error);
    }
    file->schema = (struct toll_arrow_schema){copy_text(file, reader, &name), out, (unsigned)fields.count};
    if (!file->schema.name)
        return toll_arrow_damaged(file->name, "its schema has no name", error);
    return 0;
}

int toll_arrow_read_schema(struct toll_arrow_file *file, struct toll_flat_reader *reader,
                           const struct toll_flat_ref *table, struct toll_error *error)
{
    int rc = read_schema(file, reader, table, error);
    if (rc && file->owned->no_memory)
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory for its schema", file->name);
    return rc;
}

int toll_arrow_read_message(const struct toll_arrow_file *file, const struct toll_arrow_block *block,
                            unsigned kind, struct toll_flat_reader *reader, struct toll_flat_ref *message,
                            struct toll_flat_ref *header, struct toll_error *error)
{
    uint32_t prefix[2];
    memcpy(prefix, block->message, sizeof prefix);
    if (prefix[0] != TOLL_ARROW_CONTINUATION || prefix[1] != block->message_bytes - TOLL_ARROW_PREFIX_BYTES)
        return toll_arrow_damaged(file->name, "the size of a message is wrong", error);
    *reader = (struct toll_flat_reader){.bytes = block->message + TOLL_ARROW_PREFIX_BYTES, .size = prefix[1]};
    *message = toll_flat_read_root(reader);
    *header = toll_flat_read_table(reader, message, MESSAGE_HEADER);
    if (toll_flat_read(reader, message, MESSAGE_VERSION, 2, 0) != ARROW_VERSION_V5 ||
        toll_flat_read(reader, message, MESSAGE_HEADER_TYPE, 1, 0) != kind ||
        toll_flat_read(reader, message, MESSAGE_BODY_BYTES, 8, 0) != (uint64_t)block->body_bytes ||
        reader->bad || header->position == 0)
        return toll_arrow_damaged(file->name, "a message is not of the kind that the footer says", error);
    return 0;
}
