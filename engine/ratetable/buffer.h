/* A growing array of records of one size: what compiling collects before it knows how much there is.
 * Zero-initialise to start. Records move when the array grows: keep indices, not pointers. Not thread safe.
 */
#ifndef TOLL_RATETABLE_BUFFER_H
#define TOLL_RATETABLE_BUFFER_H

#include "base/large.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct toll_buffer {
    void *data; /* owned; toll_buffer_free */
    size_t count, capacity;
};

/* From here on in large pages, which the system hands out in one go. */
#define TOLL_BUFFER_LARGE_BYTES ((size_t)4 << 20)

/* Room for `capacity` records. False: out of memory. */
static inline bool toll_buffer_reserve(struct toll_buffer *buffer, size_t record_bytes, size_t capacity)
{
    void *data;

    if (capacity <= buffer->capacity && buffer->data != NULL)
        return true;
    if (capacity > SIZE_MAX / 2 / record_bytes)
        return false;
    if (capacity * record_bytes < TOLL_BUFFER_LARGE_BYTES) {
        data = realloc(buffer->data, capacity * record_bytes);
        if (data == NULL)
            return false;
    } else {
        data = toll_large_alloc(capacity * record_bytes);
        if (data == NULL)
            return false;
        if (buffer->count > 0)
            memcpy(data, buffer->data, buffer->count * record_bytes);
        free(buffer->data);
        capacity = toll_large_bytes(capacity * record_bytes) / record_bytes;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Room for `more` records, as far as that is sensible and there is memory: nothing depends on it. Where it
 * has to move, the buffer doubles, so that many small wishes cost no more than one. */
#define TOLL_BUFFER_WISH_MAX ((size_t)16 << 20)
static inline void toll_buffer_wish(struct toll_buffer *buffer, size_t record_bytes, size_t more)
{
    size_t capacity = buffer->count + (more < TOLL_BUFFER_WISH_MAX ? more : TOLL_BUFFER_WISH_MAX);

    if (capacity <= buffer->capacity)
        return;
    if (capacity < buffer->capacity * 2)
        capacity = buffer->capacity * 2;
    (void)toll_buffer_reserve(buffer, record_bytes, capacity);
}

/* Appends `count` (also 0) zeroed records; NULL when out of memory. */
static inline void *toll_buffer_add(struct toll_buffer *buffer, size_t record_bytes, size_t count)
{
    char *at;

    if (buffer->data == NULL || count > buffer->capacity - buffer->count) {
        size_t capacity = buffer->capacity < 16 ? 32 : buffer->capacity * 2;

        if (capacity < buffer->count + count)
            capacity = buffer->count + count;
        if (capacity < count || !toll_buffer_reserve(buffer, record_bytes, capacity))
            return NULL;
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
