/*
 * How much memory an import has taken for rows and the work on them, and the most it ever had. Counted by
 * whoever takes and gives back large pieces; docs/IMPORT.md, section 10, says what is counted.
 */
#ifndef TOLL_INGEST_MEMORY_H
#define TOLL_INGEST_MEMORY_H

#include <stdatomic.h>
#include <stddef.h>

struct toll_memory {
    _Atomic size_t now, peak;
    size_t limit; /* what the import may take */
};

static inline void toll_memory_take(struct toll_memory *memory, size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&memory->now, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&memory->peak, memory_order_relaxed);

    while (now > peak && !atomic_compare_exchange_weak_explicit(&memory->peak, &peak, now,
                                                                memory_order_relaxed, memory_order_relaxed)) {
    }
}

static inline void toll_memory_give_back(struct toll_memory *memory, size_t bytes)
{
    atomic_fetch_sub_explicit(&memory->now, bytes, memory_order_relaxed);
}

#endif
