/* toll_hash with AVX-512: the same value, in the pace of memory. */
#include "base/checksum.h"

#define XXH_PREFETCH_DIST 2048 /* bytes ahead: columns come from far memory */
#define XXH_INLINE_ALL
#define XXH_VECTOR XXH_AVX512
#include <xxhash.h>

struct toll_hash128 toll_hash_avx512(const void *data, size_t bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(data, bytes);
    return (struct toll_hash128){hash.low64, hash.high64};
}

void toll_hash_add_avx512(struct toll_hash_state *state, const void *data, size_t bytes)
{
    XXH3_128bits_update((XXH3_state_t *)state->bytes, data, bytes);
}
