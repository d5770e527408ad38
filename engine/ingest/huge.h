/*
 * Memory that is touched at random or over and over, on huge pages where the system gives them on request
 * (Linux: transparent_hugepage is `madvise` or `always`): a table of keys would otherwise miss the TLB at
 * every row. Not for rows, which are written once from front to back: in a virtual machine whose host takes
 * free memory back, new huge pages cost more than the faults that they save.
 */
#ifndef TOLL_INGEST_HUGE_H
#define TOLL_INGEST_HUGE_H

#include <stdatomic.h>
#include <stddef.h>

#include "ingest/limits.h"

#define TOLL_HUGE_PAGE_BYTES ((size_t)2 << 20)

/* Not zeroed; released with free(). Below one huge page it is plain malloc. NULL when out of memory. */
void *toll_huge_alloc(size_t bytes);

/* Memory that one job after the other works in, one piece by each thread. Zero-initialise. */
struct toll_huge_pool {
    struct toll_huge_piece {
        atomic_flag busy;
        void *memory;
        size_t bytes;
    } pieces[TOLL_INGEST_THREADS_MAX];
};
/* A piece of at least so many bytes, its contents undefined; NULL when out of memory. At most
 * TOLL_INGEST_THREADS_MAX at a time. Any thread. */
struct toll_huge_piece *toll_huge_pool_take(struct toll_huge_pool *pool, size_t bytes);
void toll_huge_pool_return(struct toll_huge_piece *piece);
void toll_huge_pool_free(struct toll_huge_pool *pool);

#endif
