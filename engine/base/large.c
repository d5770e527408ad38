#include "base/large.h"

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
