#include "base/large.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

size_t toll_large_bytes(size_t bytes)
{
    return bytes == 0 ? LARGE_PAGE : (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
}

void *toll_large_alloc(size_t bytes)
{
    void *block = aligned_alloc(LARGE_PAGE, toll_large_bytes(bytes));
    if (block != NULL) {                                        /* wishes: slower without, never wrong */
        madvise(block, toll_large_bytes(bytes), MADV_DONTNEED); /* small pages of its former use would stay */
        madvise(block, toll_large_bytes(bytes), MADV_HUGEPAGE);
    }
    return block;
}

void *toll_large_array(size_t bytes)
{
    return bytes < LARGE_PAGE ? malloc(bytes > 0 ? bytes : 1) : toll_large_alloc(bytes);
}

void *toll_large_map(size_t bytes, bool large)
{
    const size_t wider = bytes + LARGE_PAGE;
    uint8_t *map =
        mmap(NULL, wider, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    const size_t before = (LARGE_PAGE - (uintptr_t)map % LARGE_PAGE) % LARGE_PAGE;
    if (before > 0)
        munmap(map, before);
    if (before < LARGE_PAGE)
        munmap(map + before + bytes, LARGE_PAGE - before);
    if (large)
        madvise(map + before, bytes, MADV_HUGEPAGE);
    return map + before;
}

void toll_large_unmap(void *map, size_t bytes)
{
    munmap(map, bytes);
}
