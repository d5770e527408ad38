/* The differences of four books at once, as eight are in moved_avx512.c. */
#include "simd/moved.h"

#include <immintrin.h>

#define LANES 4

static inline __m256i size_of(__m256i moved)
{
    const __m256i below = _mm256_cmpgt_epi64(_mm256_setzero_si256(), moved);
    return _mm256_sub_epi64(_mm256_xor_si256(moved, below), below);
}

bool toll_moved_avx2(const struct toll_moved_in *in, const struct toll_moved_out *out)
{
    const size_t stride = in->stride;
    __m256i all = _mm256_setzero_si256();
    for (size_t k = 0; k < stride; k += LANES) {
        __m256i sizes = _mm256_load_si256((const __m256i *)(out->sizes + k));
        for (size_t n = 0; n < in->count; n++) {
            const size_t i = in->list[n];
            __m256i *to = (__m256i *)(out->sums + in->slot[i] * stride + k);
            toll_moved_expect(in, out, n);
            const __m256i moved =
                _mm256_sub_epi64(_mm256_load_si256((const __m256i *)(in->charges + i * stride + k)),
                                 _mm256_set1_epi64x(in->charge[i]));
            const __m256i size = size_of(moved);
            _mm256_store_si256(to, _mm256_add_epi64(_mm256_load_si256(to), moved));
            sizes = _mm256_add_epi64(sizes, size);
            all = _mm256_or_si256(all, size);
        }
        _mm256_store_si256((__m256i *)(out->sizes + k), sizes);
    }
    return _mm256_testz_si256(all, _mm256_set1_epi64x(-TOLL_MOVED_MOST)) != 0;
}
