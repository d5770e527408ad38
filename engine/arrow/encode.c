/*
 * The metadata of an Arrow file as bytes: schema message, record batch messages, dictionary batches, footer.
 * Each is built twice by the same calls, first to measure, then into zeroed memory of exactly that size, so
 * that padding lies inside the metadata length (readers of streams would stop at padding outside) and is
 * zero.
 */
#include "arrow/encode.h"
#include "arrow/flat.h"

#include "base/check.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* A vector of one key and value. */
static size_t put_pair(struct toll_flat *flat, const char *key, const char *value, size_t value_bytes)
{
    size_t vector = toll_flat_vector(flat, 1, 4);
    struct toll_flat_table pair = toll_flat_table(flat, (const uint8_t[PAIR_WIDTH]){4, 4}, PAIR_WIDTH);
    toll_flat_link_at(flat, vector, 0, pair.position);
    toll_flat_link(flat, &pair, PAIR_KEY, toll_flat_string(flat, key, strlen(key)));
    toll_flat_link(flat, &pair, PAIR_VALUE, toll_flat_string(flat, value, value_bytes));
    return vector;
}

static size_t put_int(struct toll_flat *flat, unsigned bits, bool is_signed)
{
    struct toll_flat_table type = toll_flat_table(flat, (const uint8_t[INT_WIDTH]){4, 1}, INT_WIDTH);
    toll_flat_set(flat, &type, INT_BITS, bits, 4);
    toll_flat_set(flat, &type, INT_SIGNED, is_signed, 1);
    return type.position;
}

static void put_type(struct toll_flat *flat, const struct toll_flat_table *field, enum toll_arrow_type type)
{
    unsigned kind = ARROW_TYPE_INT;
    bool is_unsigned = type == TOLL_ARROW_UINT8 || type == TOLL_ARROW_UINT16 || type == TOLL_ARROW_UINT64;
    if (type == TOLL_ARROW_UTF8 || toll_arrow_is_dictionary(type)) {
        kind = ARROW_TYPE_UTF8;
        toll_flat_link(flat, field, FIELD_TYPE, toll_flat_table(flat, NULL, 0).position);
    } else if (type == TOLL_ARROW_TIMESTAMP_MS) {
        kind = ARROW_TYPE_TIMESTAMP;
        struct toll_flat_table table =
            toll_flat_table(flat, (const uint8_t[TIMESTAMP_WIDTH]){2, 4}, TIMESTAMP_WIDTH);
        toll_flat_link(flat, field, FIELD_TYPE, table.position);
        toll_flat_set(flat, &table, TIMESTAMP_UNIT, ARROW_UNIT_MILLISECOND, 2);
        toll_flat_link(flat, &table, TIMESTAMP_ZONE, toll_flat_string(flat, "UTC", 3));
    } else {
        toll_flat_link(flat, field, FIELD_TYPE, put_int(flat, 8 * toll_arrow_width(type), !is_unsigned));
    }
    toll_flat_set(flat, field, FIELD_TYPE_TYPE, kind, 1);
}

static size_t put_field(struct toll_flat *flat, const struct toll_arrow_field *field, unsigned *dictionaries)
{
    bool dictionary = toll_arrow_is_dictionary(field->type);
    const uint8_t sizes[FIELD_WIDTH] = {4, 1, 1, 4, dictionary ? 4 : 0, 4, field->scale ? 4 : 0};
    struct toll_flat_table table = toll_flat_table(flat, sizes, FIELD_WIDTH);
    toll_flat_link(flat, &table, FIELD_NAME, toll_flat_string(flat, field->name, strlen(field->name)));
    put_type(flat, &table, field->type);
    if (dictionary) {
        struct toll_flat_table encoding = toll_flat_table(flat, (const uint8_t[2]){8, 4}, 2);
        toll_flat_link(flat, &table, FIELD_DICTIONARY, encoding.position);
        toll_flat_set(flat, &encoding, ENCODING_ID, (*dictionaries)++, 8);
        bool is_signed = field->type == TOLL_ARROW_DICTIONARY_INT32;
        toll_flat_link(flat, &encoding, ENCODING_INDEX,
                       put_int(flat, 8 * toll_arrow_width(field->type), is_signed));
    }
    /* Empty, but there: Arrow C++ refuses a field without the vector. */
    toll_flat_link(flat, &table, FIELD_CHILDREN, toll_flat_vector(flat, 0, 4));
    if (field->scale) {
        TOLL_ASSERT(field->scale == 8);
        toll_flat_link(flat, &table, FIELD_METADATA, put_pair(flat, TOLL_ARROW_KEY_SCALE, "8", 1));
    }
    return table.position;
}

static size_t put_schema(struct toll_flat *flat, const struct toll_arrow_schema *schema)
{
    struct toll_flat_table table = toll_flat_table(flat, (const uint8_t[3]){2, 4, 4}, 3);
    size_t fields = toll_flat_vector(flat, schema->count, 4);
    toll_flat_link(flat, &table, SCHEMA_FIELDS, fields);
    unsigned dictionaries = 0;
    for (unsigned i = 0; i < schema->count; i++)
        toll_flat_link_at(flat, fields, i, put_field(flat, &schema->fields[i], &dictionaries));
    toll_flat_link(flat, &table, SCHEMA_METADATA,
                   put_pair(flat, TOLL_ARROW_KEY_SCHEMA, schema->name, strlen(schema->name)));
    return table.position;
}

static struct toll_flat_table put_message(struct toll_flat *flat, unsigned header, uint64_t body_bytes,
                                          bool metadata)
{
    const uint8_t sizes[MESSAGE_FIELDS] = {2, 1, 4, 8, metadata ? 4 : 0};
    struct toll_flat_table message = toll_flat_table(flat, sizes, MESSAGE_FIELDS);
    toll_flat_set(flat, &message, MESSAGE_VERSION, ARROW_VERSION_V5, 2);
    toll_flat_set(flat, &message, MESSAGE_HEADER_TYPE, header, 1);
    toll_flat_set(flat, &message, MESSAGE_BODY_BYTES, body_bytes, 8);
    return message;
}

/* A message's prefix: `bytes` is all of it, prefix and padding included. */
static void put_prefix(uint8_t *bytes, size_t size)
{
    uint32_t prefix[2] = {TOLL_ARROW_CONTINUATION, (uint32_t)(size - TOLL_ARROW_PREFIX_BYTES)};
    memcpy(bytes, prefix, sizeof prefix);
}

/* ---- head ---- */

static size_t build_head(const struct toll_arrow_schema *schema, uint8_t *bytes, size_t room)
{
    struct toll_flat flat;
    toll_flat_begin(&flat, bytes, room);
    struct toll_flat_table message = put_message(&flat, ARROW_HEADER_SCHEMA, 0, false);
    toll_flat_link(&flat, &message, MESSAGE_HEADER, put_schema(&flat, schema));
    return flat.size;
}

size_t toll_arrow_head_measure(const struct toll_arrow_schema *schema)
{
    return toll_arrow_pad(8 + TOLL_ARROW_PREFIX_BYTES + build_head(schema, NULL, 0));
}

void toll_arrow_head(const struct toll_arrow_plan *plan, uint8_t *head)
{
    size_t before = 8 + TOLL_ARROW_PREFIX_BYTES;
    memset(head, 0, plan->head_bytes);
    memcpy(head, TOLL_ARROW_MAGIC, 8);
    put_prefix(head + 8, plan->head_bytes - 8);
    build_head(plan->schema, head + before, plan->head_bytes - before);
}

/* ---- record batches ---- */

static size_t build_message(const struct toll_arrow_schema *schema, int64_t rows,
                            const struct toll_arrow_buffer *buffers, const struct toll_hash128 *hashes,
                            unsigned count, uint8_t *bytes, size_t room)
{
    struct toll_flat flat;
    char text[TOLL_ARROW_BUFFERS * TOLL_ARROW_HASH_DIGITS + 1] = {0};
    for (unsigned i = 0; hashes && i < count; i++)
        toll_hash_text(hashes[i], text + (size_t)i * TOLL_ARROW_HASH_DIGITS);

    size_t body = buffers[count - 1].offset + toll_arrow_pad(buffers[count - 1].bytes);
    toll_flat_begin(&flat, bytes, room);
    struct toll_flat_table message = put_message(&flat, ARROW_HEADER_BATCH, body, true);
    struct toll_flat_table batch = toll_flat_table(&flat, (const uint8_t[3]){8, 4, 4}, 3);
    toll_flat_link(&flat, &message, MESSAGE_HEADER, batch.position);
    toll_flat_set(&flat, &batch, BATCH_LENGTH, (uint64_t)rows, 8);

    size_t nodes = toll_flat_vector(&flat, schema->count, ARROW_NODE_BYTES);
    toll_flat_link(&flat, &batch, BATCH_NODES, nodes);
    for (unsigned i = 0; i < schema->count; i++)
        toll_flat_vector_set(&flat, nodes, (size_t)i * ARROW_NODE_BYTES, (uint64_t)rows);

    /* Every column begins with its validity buffer, which is empty. */
    size_t vector = toll_flat_vector(&flat, (size_t)count + schema->count, ARROW_BUFFER_BYTES), at = 0;
    toll_flat_link(&flat, &batch, BATCH_BUFFERS, vector);
    for (unsigned i = 0, buffer = 0; i < schema->count; i++) {
        toll_flat_vector_set(&flat, vector, at, buffers[buffer].offset);
        at += ARROW_BUFFER_BYTES;
        for (unsigned k = 0; k < (schema->fields[i].type == TOLL_ARROW_UTF8 ? 2u : 1u); k++, buffer++) {
            toll_flat_vector_set(&flat, vector, at, buffers[buffer].offset);
            toll_flat_vector_set(&flat, vector, at + 8, buffers[buffer].bytes);
            at += ARROW_BUFFER_BYTES;
        }
    }
    toll_flat_link(&flat, &message, MESSAGE_METADATA,
                   put_pair(&flat, TOLL_ARROW_KEY_HASHES, text, (size_t)count * TOLL_ARROW_HASH_DIGITS));
    return flat.size;
}

size_t toll_arrow_message_measure(const struct toll_arrow_schema *schema)
{
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS] = {0};
    unsigned count = schema->count + toll_arrow_text_count(schema);
    return toll_arrow_pad(TOLL_ARROW_PREFIX_BYTES + build_message(schema, 0, buffers, NULL, count, NULL, 0));
}

void toll_arrow_batch_message(const struct toll_arrow_plan *plan, int64_t rows,
                              const struct toll_arrow_buffer *buffers, const struct toll_hash128 *hashes,
                              uint8_t *message)
{
    unsigned count = plan->schema->count + toll_arrow_text_count(plan->schema);
    memset(message, 0, plan->message_bytes);
    put_prefix(message, plan->message_bytes);
    build_message(plan->schema, rows, buffers, hashes, count, message + TOLL_ARROW_PREFIX_BYTES,
                  plan->message_bytes - TOLL_ARROW_PREFIX_BYTES);
}

/* ---- tail ---- */

static size_t pad_tail(size_t bytes)
{
    return (bytes + TOLL_ARROW_TAIL_ALIGNMENT - 1) & ~(size_t)(TOLL_ARROW_TAIL_ALIGNMENT - 1);
}

struct dictionary_place {
    size_t offset, message_bytes, body_bytes; /* from the start of the tail */
    size_t entries, text_bytes;
};

static size_t build_dictionary(const struct dictionary_place *place, unsigned id, uint8_t *bytes, size_t room)
{
    struct toll_flat flat;
    size_t offsets = (place->entries + 1) * sizeof(int32_t);
    toll_flat_begin(&flat, bytes, room);
    struct toll_flat_table message = put_message(&flat, ARROW_HEADER_DICTIONARY, place->body_bytes, false);
    struct toll_flat_table dictionary = toll_flat_table(&flat, (const uint8_t[2]){8, 4}, 2);
    toll_flat_link(&flat, &message, MESSAGE_HEADER, dictionary.position);
    toll_flat_set(&flat, &dictionary, DICTIONARY_ID, id, 8);
    struct toll_flat_table batch = toll_flat_table(&flat, (const uint8_t[3]){8, 4, 4}, 3);
    toll_flat_link(&flat, &dictionary, DICTIONARY_DATA, batch.position);
    toll_flat_set(&flat, &batch, BATCH_LENGTH, place->entries, 8);
    size_t nodes = toll_flat_vector(&flat, 1, ARROW_NODE_BYTES);
    toll_flat_link(&flat, &batch, BATCH_NODES, nodes);
    toll_flat_vector_set(&flat, nodes, 0, place->entries);
    size_t buffers = toll_flat_vector(&flat, 3, ARROW_BUFFER_BYTES);
    toll_flat_link(&flat, &batch, BATCH_BUFFERS, buffers);
    toll_flat_vector_set(&flat, buffers, ARROW_BUFFER_BYTES + 8, offsets);
    toll_flat_vector_set(&flat, buffers, 2 * ARROW_BUFFER_BYTES, pad_tail(offsets));
    toll_flat_vector_set(&flat, buffers, 2 * ARROW_BUFFER_BYTES + 8, place->text_bytes);
    return flat.size;
}

static void fill_dictionary(const struct toll_arrow_dictionary *dictionary,
                            const struct dictionary_place *place, unsigned id, uint8_t *bytes)
{
    put_prefix(bytes, place->message_bytes);
    build_dictionary(place, id, bytes + TOLL_ARROW_PREFIX_BYTES,
                     place->message_bytes - TOLL_ARROW_PREFIX_BYTES);
    uint8_t *offsets = bytes + place->message_bytes;
    uint8_t *text = offsets + pad_tail((place->entries + 1) * sizeof(int32_t));
    int32_t end = 0;
    for (uint32_t i = 0; i < dictionary->count; i++) {
        size_t length = strlen(dictionary->entries[i]);
        memcpy(text + end, dictionary->entries[i], length);
        end += (int32_t)length;
        memcpy(offsets + ((size_t)i + 1) * sizeof end, &end, sizeof end);
    }
}

static void put_block(struct toll_flat *flat, size_t vector, size_t index, int64_t offset,
                      size_t message_bytes, int64_t body_bytes)
{
    size_t at = index * ARROW_BLOCK_BYTES;
    toll_flat_vector_set(flat, vector, at, (uint64_t)offset);
    toll_flat_vector_set(flat, vector, at + 8, message_bytes);
    toll_flat_vector_set(flat, vector, at + 16, (uint64_t)body_bytes);
}

static size_t build_footer(const struct toll_arrow_plan *plan, const struct dictionary_place *places,
                           unsigned dictionaries, uint8_t *bytes, size_t room)
{
    struct toll_flat flat;
    int64_t tail = plan->batch_offset[plan->batches];
    toll_flat_begin(&flat, bytes, room);
    struct toll_flat_table footer = toll_flat_table(&flat, (const uint8_t[4]){2, 4, 4, 4}, 4);
    toll_flat_set(&flat, &footer, FOOTER_VERSION, ARROW_VERSION_V5, 2);
    size_t vector = toll_flat_vector(&flat, dictionaries, ARROW_BLOCK_BYTES);
    toll_flat_link(&flat, &footer, FOOTER_DICTIONARIES, vector);
    for (unsigned i = 0; i < dictionaries; i++)
        put_block(&flat, vector, i, tail + (int64_t)places[i].offset, places[i].message_bytes,
                  (int64_t)places[i].body_bytes);
    vector = toll_flat_vector(&flat, (size_t)plan->batches, ARROW_BLOCK_BYTES);
    toll_flat_link(&flat, &footer, FOOTER_BATCHES, vector);
    for (int64_t i = 0; i < plan->batches; i++)
        put_block(&flat, vector, (size_t)i, plan->batch_offset[i], plan->message_bytes,
                  plan->batch_offset[i + 1] - plan->batch_offset[i] - (int64_t)plan->message_bytes);
    toll_flat_link(&flat, &footer, FOOTER_SCHEMA, put_schema(&flat, plan->schema));
    return flat.size;
}

int toll_arrow_tail(const struct toll_arrow_plan *plan, const struct toll_arrow_dictionary *dictionaries,
                    uint8_t **tail, size_t *bytes, struct toll_error *error)
{
    struct dictionary_place places[TOLL_ARROW_COLUMNS];
    unsigned count = toll_arrow_dictionary_count(plan->schema);
    size_t next = 0;
    for (unsigned i = 0; i < count; i++) {
        struct dictionary_place *place = &places[i];
        *place = (struct dictionary_place){.offset = next, .entries = dictionaries[i].count};
        for (uint32_t k = 0; k < dictionaries[i].count; k++)
            place->text_bytes += strlen(dictionaries[i].entries[k]);
        if (place->text_bytes > INT32_MAX || place->entries >= INT32_MAX)
            return toll_error_set(error, TOLL_EDATA, "a dictionary passes 2 GiB of text");
        place->body_bytes = pad_tail((place->entries + 1) * sizeof(int32_t)) + pad_tail(place->text_bytes);
        place->message_bytes = pad_tail(TOLL_ARROW_PREFIX_BYTES + build_dictionary(place, i, NULL, 0));
        next += place->message_bytes + place->body_bytes;
    }
    size_t footer = (build_footer(plan, places, count, NULL, 0) + 7) & ~(size_t)7;
    size_t total = next + TOLL_ARROW_PREFIX_BYTES + footer + sizeof(uint32_t) + 6;
    if (footer > INT32_MAX)
        return toll_error_set(error, TOLL_EDATA, "an Arrow file of %lld rows has too many batches",
                              (long long)plan->rows);
    uint8_t *out = calloc(1, total);
    if (!out)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the %zu bytes of an Arrow footer",
                              total);
    for (unsigned i = 0; i < count; i++)
        fill_dictionary(&dictionaries[i], &places[i], i, out + places[i].offset);
    const uint32_t end_mark[2] = {TOLL_ARROW_CONTINUATION, 0}, footer_bytes = (uint32_t)footer;
    memcpy(out + next, end_mark, sizeof end_mark);
    next += sizeof end_mark;
    build_footer(plan, places, count, out + next, footer);
    memcpy(out + next + footer, &footer_bytes, sizeof footer_bytes);
    memcpy(out + next + footer + sizeof footer_bytes, TOLL_ARROW_MAGIC, 6);
    *tail = out;
    *bytes = total;
    return 0;
}
