/* A growing array of records of one size: what compiling collects before it knows how much there is.
 * Zero-initialise to start. Records move when the array grows: keep indices, not pointers. Not thread safe.
 */
#ifndef TOLL_RATETABLE_BUFFER_H
#define TOLL_RATETABLE_BUFFER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct toll_buffer {
    void *data; /* owned; toll_buffer_free */
    size_t count, capacity;
};

/* Appends `count` (also 0) zeroed records; NULL when out of memory. */
static inline void *toll_buffer_add(struct toll_buffer *buffer, size_t record_bytes, size_t count)
{
    char *at;

    if (buffer->data == NULL || count > buffer->capacity - buffer->count) {
        size_t capacity = buffer->capacity < 16 ? 32 : buffer->capacity * 2;
        void *data;

        if (capacity < buffer->count + count)
            capacity = buffer->count + count;
        if (capacity < count || capacity > SIZE_MAX / 2 / record_bytes)
            return NULL;
        data = realloc(buffer->data, capacity * record_bytes);
        if (data == NULL)
            return NULL;
        buffer->data = data;
        buffer->capacity = capacity;
    }
    at = (char *)buffer->data + buffer->count * record_bytes;
    memset(at, 0, count * record_bytes);
    buffer->count += count;
    return at;
}

static inline void toll_buffer_free(struct toll_buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof(*buffer));
}

#define TOLL_BUFFER_ADD(buffer, type) ((type *)toll_buffer_add((buffer), sizeof(type), 1))
#define TOLL_BUFFER_AT(buffer, type, index) (&((type *)(buffer)->data)[index])

#endif
