/* Differences added word by word. */
#include "simd/moved.h"

bool toll_moved_scalar(const struct toll_moved_in *in, const struct toll_moved_out *out)
{
    uint64_t all = 0;
    for (size_t n = 0; n < in->count; n++) {
        const size_t i = in->list[n];
        const int64_t *from = in->charges + i * in->stride;
        int64_t *to = out->sums + in->slot[i] * in->stride;
        toll_moved_expect(in, out, n);
        for (size_t k = 0; k < in->stride; k++) {
            const uint64_t moved = (uint64_t)from[k] - (uint64_t)in->charge[i];
            const uint64_t size = (int64_t)moved < 0 ? 0 - moved : moved;
            to[k] = (int64_t)((uint64_t)to[k] + moved);
            out->sizes[k] = (int64_t)((uint64_t)out->sizes[k] + size);
            all |= size;
        }
    }
    return all < (uint64_t)TOLL_MOVED_MOST;
}
