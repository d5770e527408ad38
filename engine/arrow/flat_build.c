/*
 * The FlatBuffers builder. Tables lie at 4 (mod 8) so that eight-byte fields, put first, are aligned; every
 * vtable lies just before its table and is never shared, which costs a few bytes and keeps the layout
 * independent of values.
 */
#include "arrow/flat.h"

#include "base/check.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Arrow files here are little endian");

static void store(struct toll_flat *flat, size_t position, const void *value, size_t bytes)
{
    if (!flat->bytes || bytes == 0)
        return;
    TOLL_ASSERT(position <= flat->room && bytes <= flat->room - position);
    memcpy(flat->bytes + position, value, bytes);
}

static void store_u16(struct toll_flat *flat, size_t position, size_t value)
{
    TOLL_ASSERT(value <= UINT16_MAX);
    uint16_t narrow = (uint16_t)value;
    store(flat, position, &narrow, sizeof narrow);
}

static void store_u32(struct toll_flat *flat, size_t position, size_t value)
{
    TOLL_ASSERT(value <= INT32_MAX);
    uint32_t narrow = (uint32_t)value;
    store(flat, position, &narrow, sizeof narrow);
}

static size_t align_up(size_t position, size_t alignment)
{
    return (position + alignment - 1) & ~(alignment - 1);
}

void toll_flat_begin(struct toll_flat *flat, uint8_t *bytes, size_t room)
{
    *flat = (struct toll_flat){.bytes = bytes, .room = room, .size = sizeof(uint32_t)};
}

struct toll_flat_table toll_flat_table(struct toll_flat *flat, const uint8_t *sizes, unsigned count)
{
    TOLL_ASSERT(count <= TOLL_FLAT_FIELDS);
    struct toll_flat_table table = {0};
    bool root = flat->size == sizeof(uint32_t);
    size_t vtable = align_up(flat->size, 4), vtable_bytes = 4 + 2 * (size_t)count;
    table.position = (vtable + vtable_bytes + 3) / 8 * 8 + 4;

    size_t next = 4;
    for (unsigned size = 8; size >= 1; size /= 2) {
        for (unsigned i = 0; i < count; i++) {
            if (sizes[i] != size)
                continue;
            table.offset[i] = (uint16_t)next;
            next += size;
        }
    }
    flat->size = table.position + next;
    store_u16(flat, vtable, vtable_bytes);
    store_u16(flat, vtable + 2, next);
    for (unsigned i = 0; i < count; i++)
        store_u16(flat, vtable + 4 + 2 * (size_t)i, table.offset[i]);
    store_u32(flat, table.position, table.position - vtable);
    if (root)
        store_u32(flat, 0, table.position);
    return table;
}

void toll_flat_set(struct toll_flat *flat, const struct toll_flat_table *table, unsigned field,
                   uint64_t value, unsigned size)
{
    TOLL_ASSERT(table->offset[field] != 0);
    store(flat, table->position + table->offset[field], &value, size);
}

void toll_flat_link(struct toll_flat *flat, const struct toll_flat_table *table, unsigned field,
                    size_t target)
{
    TOLL_ASSERT(table->offset[field] != 0);
    size_t position = table->position + table->offset[field];
    TOLL_ASSERT(target > position);
    store_u32(flat, position, target - position);
}

void toll_flat_link_at(struct toll_flat *flat, size_t vector, size_t index, size_t target)
{
    size_t position = vector + 4 + 4 * index;
    TOLL_ASSERT(target > position);
    store_u32(flat, position, target - position);
}

size_t toll_flat_vector(struct toll_flat *flat, size_t count, size_t element_bytes)
{
    size_t alignment = element_bytes % 8 == 0 ? 8 : 4;
    size_t vector = align_up(flat->size + 4, alignment) - 4;
    flat->size = vector + 4 + count * element_bytes;
    store_u32(flat, vector, count);
    return vector;
}

void toll_flat_vector_set(struct toll_flat *flat, size_t vector, size_t at, uint64_t value)
{
    store(flat, vector + 4 + at, &value, sizeof value);
}

size_t toll_flat_string(struct toll_flat *flat, const char *text, size_t bytes)
{
    size_t string = toll_flat_vector(flat, bytes, 1);
    store(flat, string + 4, text, bytes);
    flat->size++; /* the terminator: the buffer is zeroed */
    return string;
}
