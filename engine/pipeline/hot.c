/* One aligned block, the wish for large pages, and a pointer that moves on. */
#include "pipeline/hot.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

bool toll_hot_init(struct toll_hot *hot, size_t bytes)
{
    const size_t size = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    memset(hot, 0, sizeof *hot);
    hot->bytes = aligned_alloc(LARGE_PAGE, size == 0 ? LARGE_PAGE : size);
    if (hot->bytes == NULL)
        return false;
    hot->size = size;
    madvise(hot->bytes, size, MADV_HUGEPAGE); /* a wish: slower without, never wrong */
    memset(hot->bytes, 0, size);
    return true;
}

void *toll_hot_take(struct toll_hot *hot, size_t bytes)
{
    void *place = hot->bytes + hot->used;
    hot->used += toll_hot_round(bytes);
    TOLL_ASSERT(hot->used <= hot->size);
    return place;
}

void toll_hot_free(struct toll_hot *hot)
{
    free(hot->bytes);
    memset(hot, 0, sizeof *hot);
}
