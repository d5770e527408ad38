/* A growing arena for tables that live and die together. Nothing is freed one by one. Not thread safe. */
#ifndef TOLL_BASE_ARENA_H
#define TOLL_BASE_ARENA_H

#include <stddef.h>

struct toll_arena {
    struct toll_arena_block *last; /* zero-initialise to start */
    size_t total_bytes;
};

/* 16-byte aligned, zeroed; NULL when out of memory. */
void *toll_arena_alloc(struct toll_arena *arena, size_t bytes);
/* A terminated copy. NULL when out of memory. */
char *toll_arena_copy(struct toll_arena *arena, const char *text, size_t bytes);
/* All of it is free again; the memory of a block is kept, for what is filled over and over. */
void toll_arena_clear(struct toll_arena *arena);
void toll_arena_free(struct toll_arena *arena);

#endif
