/* For tests of kernels: memory that ends, and begins, at a page nobody may touch, and the feature sets. */
#ifndef TOLL_TESTS_KERNEL_GUARD_H
#define TOLL_TESTS_KERNEL_GUARD_H

#include "base/cpu.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define GUARD_PAGE ((size_t)4096)

struct guarded {
    uint8_t *map, *begin, *end; /* usable: begin..end, whole pages */
    size_t mapped;
};

static inline struct guarded guarded_make(size_t bytes)
{
    const size_t usable = (bytes / GUARD_PAGE + 1) * GUARD_PAGE;
    struct guarded memory = {.mapped = usable + 2 * GUARD_PAGE};
    memory.map = mmap(NULL, memory.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory.map == MAP_FAILED || mprotect(memory.map + GUARD_PAGE, usable, PROT_READ | PROT_WRITE) != 0)
        abort();
    memory.begin = memory.map + GUARD_PAGE;
    memory.end = memory.begin + usable;
    return memory;
}

static inline void guarded_free(struct guarded *memory)
{
    munmap(memory->map, memory->mapped);
}

/* The feature sets with twins that this processor has; says which are left out. */
static inline size_t twin_masks(unsigned masks[2])
{
    static const unsigned levels[] = {TOLL_CPU_AVX2, TOLL_CPU_AVX2 | TOLL_CPU_AVX512};
    const unsigned features = toll_cpu_features();
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if ((features & levels[i]) == levels[i])
            masks[count++] = levels[i];
        else
            fprintf(stderr, "skipped: this processor has no %s\n", toll_cpu_name(levels[i]));
    }
    return count;
}

#endif
