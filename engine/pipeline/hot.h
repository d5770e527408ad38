/*
 * Memory for tables that every row touches somewhere: one block in 2 MiB pages where the system gives them.
 * With 4 KiB pages a random read of a 5 MB table costs much more, because the place of the page has to be
 * found first.
 */
#ifndef TOLL_PIPELINE_HOT_H
#define TOLL_PIPELINE_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_hot {
    uint8_t *bytes; /* owned; zeroed at first */
    size_t used, size;
};

/* One such block by itself, for sums and lists of a worker: not zeroed, nothing touched; free() ends it.
 * NULL: out of memory. */
void *toll_hot_alloc(size_t bytes);

/* False: out of memory. */
bool toll_hot_init(struct toll_hot *hot, size_t bytes);
/* 64-byte aligned. The sum of all sizes, each rounded up to 64, must be within what init was told. */
void *toll_hot_take(struct toll_hot *hot, size_t bytes);
void toll_hot_free(struct toll_hot *hot); /* safe on a zeroed struct */

static inline size_t toll_hot_round(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

#endif
