/*
 * Blocks from calloc, newest first. What would take a large part of a block gets a block of its own, chained
 * behind the newest, so that the space left in the newest is not lost.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define BLOCK_BYTES ((size_t)64 * 1024)
#define OWN_BLOCK_BYTES (BLOCK_BYTES / 4)

struct toll_arena_block {
    _Alignas(ALIGNMENT) struct toll_arena_block *previous;
    size_t used, capacity;
};

static struct toll_arena_block *block_create(struct toll_arena *arena, size_t capacity)
{
    struct toll_arena_block *block = calloc(1, sizeof *block + capacity);

    if (block != NULL) {
        block->capacity = capacity;
        arena->total_bytes += sizeof *block + capacity;
    }
    return block;
}

static void *take(struct toll_arena_block *block, size_t bytes)
{
    void *memory = (char *)(block + 1) + block->used;

    block->used += bytes;
    return memory;
}

void *toll_arena_alloc(struct toll_arena *arena, size_t bytes)
{
    struct toll_arena_block *last = arena->last, *block;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
    if (last != NULL && last->capacity - last->used >= bytes)
        return take(last, bytes);
    block = block_create(arena, bytes > OWN_BLOCK_BYTES ? bytes : BLOCK_BYTES);
    if (block == NULL)
        return NULL;
    if (last != NULL && bytes > OWN_BLOCK_BYTES) {
        block->previous = last->previous;
        last->previous = block;
    } else {
        block->previous = last;
        arena->last = block;
    }
    return take(block, bytes);
}

char *toll_arena_copy(struct toll_arena *arena, const char *text, size_t bytes)
{
    char *copy = bytes < SIZE_MAX ? toll_arena_alloc(arena, bytes + 1) : NULL;

    if (copy != NULL && bytes > 0)
        memcpy(copy, text, bytes); /* the terminator is the zero that was there */
    return copy;
}

static void free_blocks(struct toll_arena_block *block)
{
    while (block != NULL) {
        struct toll_arena_block *previous = block->previous;

        free(block);
        block = previous;
    }
}

void toll_arena_clear(struct toll_arena *arena)
{
    struct toll_arena_block *block = arena->last;

    if (block == NULL)
        return;
    free_blocks(block->previous);
    memset(block + 1, 0, block->used);
    block->used = 0;
    block->previous = NULL;
    arena->total_bytes = sizeof *block + block->capacity;
}

void toll_arena_free(struct toll_arena *arena)
{
    free_blocks(arena->last);
    memset(arena, 0, sizeof *arena);
}
