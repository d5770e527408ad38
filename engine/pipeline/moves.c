/* Memory and merging of what repriced books move. */
#include "pipeline/moves.h"

#include "base/error.h"
#include "base/large.h"

#include <stdlib.h>
#include <string.h>

#define PLANES_AT_FIRST 8 /* as a tally's */
#define SIZES_MOST (INT64_C(1) << 61)
#define LARGE_BYTES ((size_t)64 << 20) /* beyond that large pages would be there for hardly any sum */
#define PAGE_WORDS ((size_t)512)

size_t toll_moves_bytes(const struct toll_book *book, size_t stride)
{
    return toll_large_bytes(PLANES_AT_FIRST * (book->bucket_count + (size_t)1) * stride * sizeof(int64_t));
}

static int64_t *map(size_t bytes)
{
    return toll_large_map(bytes, bytes <= LARGE_BYTES);
}

int toll_moves_make(struct toll_moves *moves, const struct toll_book *book, size_t stride,
                    struct toll_error *error)
{
    moves->stride = stride;
    moves->bytes = toll_moves_bytes(book, stride);
    moves->sums = map(moves->bytes);
    moves->sizes = aligned_alloc(64, stride * sizeof *moves->sizes);
    if (moves->sums == NULL || moves->sizes == NULL) {
        toll_moves_free(moves);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the sums of changed books");
    }
    memset(moves->sizes, 0, stride * sizeof *moves->sizes);
    return 0;
}

void toll_moves_free(struct toll_moves *moves)
{
    if (moves->sums != NULL)
        toll_large_unmap(moves->sums, moves->bytes);
    free(moves->sizes);
    *moves = (struct toll_moves){0};
}

/* to += from; pages of nothing stay untouched. words: of whole pages. */
static void add_touched(int64_t *to, const int64_t *from, size_t words)
{
    static const int64_t nothing[PAGE_WORDS];
    for (size_t at = 0; at < words; at += PAGE_WORDS) {
        const size_t some = words - at < PAGE_WORDS ? words - at : PAGE_WORDS;
        if (memcmp(from + at, nothing, some * sizeof *from) == 0)
            continue;
        for (size_t i = at; i < at + some; i++)
            to[i] += from[i];
    }
}

static bool make_room(struct toll_moves *moves, size_t slots)
{
    const size_t bytes = slots * moves->stride * sizeof *moves->sums;
    if (bytes <= moves->bytes)
        return true;
    const size_t more = toll_large_bytes(2 * bytes);
    int64_t *sums = map(more);
    if (sums == NULL)
        return false;
    add_touched(sums, moves->sums, moves->bytes / sizeof *sums);
    toll_large_unmap(moves->sums, moves->bytes);
    moves->sums = sums;
    moves->bytes = more;
    return true;
}

static bool sizes_fit(const struct toll_moves *moves)
{
    bool fit = true;
    for (size_t k = 0; k < moves->stride; k++)
        fit = fit && moves->sizes[k] <= SIZES_MOST;
    return fit;
}

bool toll_moves_add(struct toll_moves *moves, toll_moved_kernel *kernel, const struct toll_moved_in *in,
                    const struct toll_tally *tally, const struct toll_book *book)
{
    if (in->count == 0)
        return true;
    if (!make_room(moves, toll_tally_slots(tally, book)))
        return false;
    const struct toll_moved_out out = {moves->sums, moves->sizes};
    return kernel(in, &out) && sizes_fit(moves);
}

static void merge_numbered(struct toll_moves *moves, const struct toll_moves *from, size_t slots)
{
    const size_t held = from->bytes / sizeof *from->sums, all = slots * moves->stride;
    add_touched(moves->sums, from->sums, all < held ? all : held);
}

static bool merge_planes(struct toll_moves *moves, struct toll_tally *tally, const struct toll_moves *from,
                         const struct toll_tally *other, const struct toll_book *book)
{
    const size_t words = (size_t)book->bucket_count * moves->stride;
    for (uint32_t plane = 1; plane <= other->tuples.plane_count; plane++) {
        const uint32_t first = toll_tally_plane(tally, book, other->tuples.keys[plane]);
        const size_t at = plane * words;
        if (first == 0 || !make_room(moves, toll_tally_slots(tally, book)))
            return false;
        if ((at + words) * sizeof *from->sums <= from->bytes) /* else nothing moved there */
            add_touched(moves->sums + first * moves->stride, from->sums + at, words);
    }
    return true;
}

bool toll_moves_merge(struct toll_moves *moves, struct toll_tally *tally, const struct toll_moves *from,
                      const struct toll_tally *other, const struct toll_book *book)
{
    for (size_t k = 0; k < moves->stride; k++)
        moves->sizes[k] += from->sizes[k];
    if (!sizes_fit(moves) || !make_room(moves, toll_tally_slots(tally, book)))
        return false;
    if (other->tuples.tuples->ends == NULL)
        return merge_planes(moves, tally, from, other, book);
    merge_numbered(moves, from, toll_tally_slots(other, book));
    return true;
}

const int64_t *toll_moves_of(const struct toll_moves *moves, size_t slot)
{
    const int64_t *sums = moves->sums + slot * moves->stride;
    int64_t any = 0;
    if ((slot + 1) * moves->stride * sizeof *moves->sums > moves->bytes)
        return NULL;
    for (size_t k = 0; k < moves->stride; k++)
        any |= sums[k];
    return any == 0 ? NULL : sums;
}
