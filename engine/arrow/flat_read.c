/* The FlatBuffers reader: every position is checked before it is read, and nothing read is believed. */
#include "arrow/flat.h"

#include <string.h>

static bool inside(struct toll_flat_reader *reader, size_t position, size_t bytes)
{
    if (reader->bad || position > reader->size || bytes > reader->size - position)
        reader->bad = true;
    return !reader->bad;
}

static uint64_t load(struct toll_flat_reader *reader, size_t position, unsigned bytes)
{
    uint64_t value = 0;
    if (inside(reader, position, bytes))
        memcpy(&value, reader->bytes + position, bytes);
    return reader->bad ? 0 : value;
}

static struct toll_flat_ref absent(struct toll_flat_reader *reader)
{
    reader->bad = true;
    return (struct toll_flat_ref){0};
}

static struct toll_flat_ref table_at(struct toll_flat_reader *reader, size_t position)
{
    struct toll_flat_ref table = {.position = position};
    int64_t back = (int32_t)(uint32_t)load(reader, position, 4);
    if (reader->bad)
        return absent(reader);
    int64_t vtable = (int64_t)position - back;
    if (vtable < 0 || !inside(reader, (size_t)vtable, 4))
        return absent(reader);
    table.vtable = (size_t)vtable;
    table.vtable_bytes = (unsigned)load(reader, table.vtable, 2);
    table.table_bytes = (unsigned)load(reader, table.vtable + 2, 2);
    if (table.vtable_bytes < 4 || table.vtable_bytes % 2 != 0 || table.table_bytes < 4 ||
        !inside(reader, table.vtable, table.vtable_bytes) || !inside(reader, position, table.table_bytes))
        return absent(reader);
    return table;
}

/* The position of a field, 0 when absent. */
static size_t field_at(struct toll_flat_reader *reader, const struct toll_flat_ref *table, unsigned field,
                       unsigned size)
{
    if (reader->bad || table->position == 0 || 4 + 2 * field + 2 > table->vtable_bytes)
        return 0;
    unsigned offset = (unsigned)load(reader, table->vtable + 4 + 2 * (size_t)field, 2);
    if (offset == 0)
        return 0;
    if (offset < 4 || offset + size > table->table_bytes) {
        reader->bad = true;
        return 0;
    }
    return table->position + offset;
}

/* Where the reference at a position leads; 0 when bad. References lead forwards only. */
static size_t follow(struct toll_flat_reader *reader, size_t position)
{
    uint64_t distance = load(reader, position, 4);
    if (reader->bad || distance == 0 || distance >= reader->size - position) {
        reader->bad = true;
        return 0;
    }
    return position + (size_t)distance;
}

struct toll_flat_ref toll_flat_read_root(struct toll_flat_reader *reader)
{
    size_t position = follow(reader, 0);
    return position ? table_at(reader, position) : absent(reader);
}

uint64_t toll_flat_read(struct toll_flat_reader *reader, const struct toll_flat_ref *table, unsigned field,
                        unsigned size, uint64_t otherwise)
{
    size_t position = field_at(reader, table, field, size);
    return position ? load(reader, position, size) : otherwise;
}

struct toll_flat_ref toll_flat_read_table(struct toll_flat_reader *reader, const struct toll_flat_ref *table,
                                          unsigned field)
{
    size_t position = field_at(reader, table, field, 4);
    if (position == 0)
        return (struct toll_flat_ref){0};
    position = follow(reader, position);
    return position ? table_at(reader, position) : absent(reader);
}

struct toll_flat_span toll_flat_read_vector(struct toll_flat_reader *reader,
                                            const struct toll_flat_ref *table, unsigned field,
                                            size_t element_bytes)
{
    struct toll_flat_span none = {0}, vector = {0};
    size_t position = field_at(reader, table, field, 4);
    if (position == 0 || (position = follow(reader, position)) == 0)
        return none;
    vector.count = (size_t)load(reader, position, 4);
    vector.position = position + 4;
    if (!inside(reader, vector.position, vector.count * element_bytes))
        return none;
    return vector;
}

struct toll_flat_span toll_flat_read_string(struct toll_flat_reader *reader,
                                            const struct toll_flat_ref *table, unsigned field)
{
    struct toll_flat_span string = toll_flat_read_vector(reader, table, field, 1);
    if (string.position && load(reader, string.position + string.count, 1) != 0)
        reader->bad = true;
    if (reader->bad)
        string = (struct toll_flat_span){0};
    return string;
}

struct toll_flat_ref toll_flat_read_element(struct toll_flat_reader *reader,
                                            const struct toll_flat_span *vector, size_t index)
{
    if (reader->bad || index >= vector->count)
        return absent(reader);
    size_t position = follow(reader, vector->position + 4 * index);
    return position ? table_at(reader, position) : absent(reader);
}

uint64_t toll_flat_read_at(struct toll_flat_reader *reader, const struct toll_flat_span *vector, size_t at)
{
    return load(reader, vector->position + at, 8);
}
