/* A list of blocks; a block that is full, or too small for what is wanted, is left behind. */
#include "ingest/pool.h"

#include "base/large.h"

#include <stdbool.h>
#include <stdlib.h>

#define BLOCK_BYTES_LEAST ((size_t)2 << 20)
#define BLOCK_BYTES_MOST ((size_t)32 << 20)
#define BLOCKS_OF_LIMIT 64

struct toll_pool_block {
    struct toll_pool_block *next;
    char *memory;
    size_t bytes, used;
};

void toll_pool_init(struct toll_pool *pool, size_t limit)
{
    size_t bytes = limit / BLOCKS_OF_LIMIT;

    bytes = bytes < BLOCK_BYTES_LEAST ? BLOCK_BYTES_LEAST : bytes;
    *pool = (struct toll_pool){.block_bytes = bytes > BLOCK_BYTES_MOST ? BLOCK_BYTES_MOST : bytes};
    pthread_mutex_init(&pool->lock, NULL);
}

static struct toll_pool_block *make_block(size_t bytes)
{
    struct toll_pool_block *block = calloc(1, sizeof *block);

    if (block == NULL)
        return NULL;
    block->bytes = toll_large_bytes(bytes);
    block->memory = toll_large_alloc(block->bytes);
    if (block->memory != NULL)
        return block;
    free(block);
    return NULL;
}

/* Puts a block with so much room behind the current one, and goes there. */
static bool next_block(struct toll_pool *pool, size_t bytes)
{
    struct toll_pool_block **place = pool->current == NULL ? &pool->first : &pool->current->next;

    if (*place == NULL || (*place)->bytes < bytes) {
        struct toll_pool_block *block = make_block(bytes > pool->block_bytes ? bytes : pool->block_bytes);

        if (block == NULL)
            return false;
        block->next = *place;
        *place = block;
    }
    pool->current = *place;
    return true;
}

void *toll_pool_alloc(struct toll_pool *pool, size_t bytes)
{
    struct toll_pool_block *block;
    void *memory = NULL;

    bytes = (bytes + 63) & ~(size_t)63;
    pthread_mutex_lock(&pool->lock);
    block = pool->current;
    if ((block != NULL && block->bytes - block->used >= bytes) || next_block(pool, bytes)) {
        block = pool->current;
        memory = block->memory + block->used;
        block->used += bytes;
    }
    pthread_mutex_unlock(&pool->lock);
    return memory;
}

void toll_pool_reset(struct toll_pool *pool)
{
    for (struct toll_pool_block *block = pool->first; block != NULL; block = block->next)
        block->used = 0;
    pool->current = NULL;
}

void toll_pool_free(struct toll_pool *pool)
{
    while (pool->first != NULL) {
        struct toll_pool_block *next = pool->first->next;

        free(pool->first->memory);
        free(pool->first);
        pool->first = next;
    }
    pool->current = NULL;
    pthread_mutex_destroy(&pool->lock);
}
