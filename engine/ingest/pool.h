/*
 * Memory for packed rows, in large pages, handed out from front to back by any thread, and taken back all at
 * once: new pages cost as much as all that is done with a row's bytes, so that what a run leaves is used
 * again.
 */
#ifndef TOLL_INGEST_POOL_H
#define TOLL_INGEST_POOL_H

#include <pthread.h>
#include <stddef.h>

struct toll_pool {
    pthread_mutex_t lock;
    struct toll_pool_block *first, *current; /* blocks behind the current one are empty */
    size_t block_bytes;                      /* of a block, at least */
};

/* limit: what there may be in all; blocks are a small part of it. */
void toll_pool_init(struct toll_pool *pool, size_t limit);
/* 64-byte aligned, not zeroed. NULL: out of memory. */
void *toll_pool_alloc(struct toll_pool *pool, size_t bytes);
/* Nothing that was handed out is used any more. One thread. */
void toll_pool_reset(struct toll_pool *pool);
void toll_pool_free(struct toll_pool *pool);

#endif
