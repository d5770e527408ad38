#include "ingest/huge.h"

#include "base/check.h"

#include <stdlib.h>
#include <sys/mman.h>

void *toll_huge_alloc(size_t bytes)
{
    size_t whole = (bytes + TOLL_HUGE_PAGE_BYTES - 1) & ~(TOLL_HUGE_PAGE_BYTES - 1);
    void *memory;

    if (bytes < TOLL_HUGE_PAGE_BYTES || whole < bytes)
        return malloc(bytes);
    memory = aligned_alloc(TOLL_HUGE_PAGE_BYTES, whole);
    if (memory != NULL)
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* without them it is only slower */
    return memory;
}

struct toll_huge_piece *toll_huge_pool_take(struct toll_huge_pool *pool, size_t bytes)
{
    size_t at = 0;
    struct toll_huge_piece *piece;

    while (at < TOLL_INGEST_THREADS_MAX && atomic_flag_test_and_set(&pool->pieces[at].busy))
        at++;
    TOLL_ASSERT(at < TOLL_INGEST_THREADS_MAX);
    piece = &pool->pieces[at];
    if (piece->bytes >= bytes && piece->memory != NULL)
        return piece;
    free(piece->memory);
    piece->bytes = bytes + bytes / 4; /* the next day is rarely much larger */
    piece->memory = toll_huge_alloc(piece->bytes);
    if (piece->memory != NULL)
        return piece;
    piece->bytes = 0;
    atomic_flag_clear(&piece->busy);
    return NULL;
}

void toll_huge_pool_return(struct toll_huge_piece *piece)
{
    if (piece != NULL)
        atomic_flag_clear(&piece->busy);
}

void toll_huge_pool_free(struct toll_huge_pool *pool)
{
    for (size_t i = 0; i < TOLL_INGEST_THREADS_MAX; i++)
        free(pool->pieces[i].memory);
}
