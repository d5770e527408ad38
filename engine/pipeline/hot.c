/* One aligned block, the wish for large pages, and a pointer that moves on. */
#include "pipeline/hot.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

static size_t whole_pages(size_t bytes)
{
    return bytes == 0 ? LARGE_PAGE : (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
}

void *toll_hot_alloc(size_t bytes)
{
    void *block = aligned_alloc(LARGE_PAGE, whole_pages(bytes));
    if (block != NULL) {                                   /* wishes: slower without, never wrong */
        madvise(block, whole_pages(bytes), MADV_DONTNEED); /* small pages of its former use would stay */
        madvise(block, whole_pages(bytes), MADV_HUGEPAGE);
    }
    return block;
}

bool toll_hot_init(struct toll_hot *hot, size_t bytes)
{
    memset(hot, 0, sizeof *hot);
    hot->bytes = toll_hot_alloc(bytes);
    if (hot->bytes == NULL)
        return false;
    hot->size = whole_pages(bytes);
    memset(hot->bytes, 0, hot->size);
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
