/* Every row is written, and counted if its bundle is for such calls. */
#include "simd/draws.h"

#include <stdbool.h>

#define AHEAD 32 /* rows whose owner is on its way */

size_t toll_ask_pools_scalar(const struct toll_ask_pools_in *in, size_t count,
                             const struct toll_draw_requests *requests, size_t at, size_t *full)
{
    const struct toll_draw_requests to = *requests;
    size_t full_count = 0;
    for (size_t k = 0; k < count; k++) {
        const uint32_t i = in->list[k], key = in->call_keys[k];
        const struct toll_draw_owner owner = in->owners[in->owner[i]];
        const bool simple = (owner.bundle != 0) & (in->terms[i] != 0) & (in->billed[i] > 0);
        __builtin_prefetch(&in->owners[in->owner[in->list[k + AHEAD < count ? k + AHEAD : k]]]);
        to.start[at] = in->start[i];
        to.bundle[at] = simple ? owner.bundle : 0;
        to.pool[at] = simple ? owner.pool : (uint32_t)k;
        to.billed[at] = in->billed[i];
        to.terms[at] = in->terms[i];
        to.bucket[at] = in->bucket[i];
        to.row[at] = (uint16_t)(in->places == NULL ? in->first + i : in->places[i]);
        to.key[at] = (uint8_t)key;
        to.flags[at] = simple ? 0 : TOLL_DRAW_FULL;
        full_count += !simple;
        at += (!simple) | (in->bundle_keys[owner.bundle * 8 + (key >> 5)] >> (key & 31) & 1);
    }
    *full = full_count;
    return at;
}
