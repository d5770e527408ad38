/* One aligned block, the wish for large pages, and a pointer that moves on. */
#include "pipeline/hot.h"

#include "base/check.h"
#include "base/large.h"

#include <stdlib.h>
#include <string.h>

void *toll_hot_alloc(size_t bytes)
{
    return toll_large_alloc(bytes);
}

bool toll_hot_init(struct toll_hot *hot, size_t bytes)
{
    memset(hot, 0, sizeof *hot);
    hot->bytes = toll_hot_alloc(bytes);
    if (hot->bytes == NULL)
        return false;
    hot->size = toll_large_bytes(bytes);
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
