/* The differences of eight books at once: they share their base, which is spread over the lanes. */
#include "simd/moved.h"

#include <immintrin.h>

#define LANES 8

bool toll_moved_avx512(const struct toll_moved_in *in, const struct toll_moved_out *out)
{
    const size_t stride = in->stride;
    __m512i all = _mm512_setzero_si512();
    for (size_t k = 0; k < stride; k += LANES) {
        __m512i sizes = _mm512_load_si512(out->sizes + k);
        for (size_t n = 0; n < in->count; n++) {
            const size_t i = in->list[n];
            int64_t *to = out->sums + in->slot[i] * stride + k;
            toll_moved_expect(in, out, n);
            const __m512i moved = _mm512_sub_epi64(_mm512_load_si512(in->charges + i * stride + k),
                                                   _mm512_set1_epi64(in->charge[i]));
            const __m512i size = _mm512_abs_epi64(moved);
            _mm512_store_si512(to, _mm512_add_epi64(_mm512_load_si512(to), moved));
            sizes = _mm512_add_epi64(sizes, size);
            all = _mm512_or_si512(all, size);
        }
        _mm512_store_si512(out->sizes + k, sizes);
    }
    return _mm512_cmpge_epu64_mask(all, _mm512_set1_epi64(TOLL_MOVED_MOST)) == 0;
}
