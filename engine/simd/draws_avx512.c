/* Sixteen listed rows at once: their columns are gathered, and those that are wanted packed together. */
#include "simd/draws.h"

#include <immintrin.h>

#define LANES 16
#define AHEAD 48 /* rows whose owner is on its way */

struct sixteen {
    __m512i low, high;
};

/* Elements of 8 bytes, also of lanes that are not here, where the index is 0. */
static inline struct sixteen words_of(__m512i index, const void *from)
{
    return (struct sixteen){_mm512_i32gather_epi64(_mm512_castsi512_si256(index), from, 8),
                            _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(index, 1), from, 8)};
}

static inline __m512i of(__mmask16 here, __m512i index, const void *from)
{
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), here, index, from, 4);
}

static inline void put_32(void *to, __mmask16 here, __mmask16 wanted, __m512i value)
{
    _mm512_mask_storeu_epi32(to, here, _mm512_maskz_compress_epi32(wanted, value));
}

static inline void put_8(uint8_t *to, __mmask16 here, __mmask16 wanted, __m512i value)
{
    _mm_mask_storeu_epi8(to, here, _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(wanted, value)));
}

static inline void put_start(int64_t *to, __mmask16 here, __mmask16 wanted, struct sixteen start)
{
    const __mmask8 first = (__mmask8)wanted, second = (__mmask8)(wanted >> 8);
    _mm512_mask_storeu_epi64(to, (__mmask8)here, _mm512_maskz_compress_epi64(first, start.low));
    _mm512_mask_storeu_epi64(to + __builtin_popcount(first), (__mmask8)(here >> 8),
                             _mm512_maskz_compress_epi64(second, start.high));
}

size_t toll_ask_pools_avx512(const struct toll_ask_pools_in *in, size_t count,
                             const struct toll_draw_requests *requests, size_t at, size_t *full)
{
    const struct toll_draw_requests to = *requests;
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i each = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t full_count = 0;
    for (size_t k = 0; k < count; k += LANES) {
        const __mmask16 here = (__mmask16)(count - k < LANES ? (1u << (count - k)) - 1 : 0xffff);
        if (k + AHEAD + LANES <= count)
            for (size_t j = 0; j < LANES; j++)
                __builtin_prefetch(&in->owners[in->owner[in->list[k + AHEAD + j]]]);
        const __m512i row = _mm512_maskz_loadu_epi32(here, &in->list[k]);
        const __m512i key = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, &in->call_keys[k]));
        const struct sixteen owner = words_of(of(here, row, in->owner), in->owners);
        const __m512i bundle = _mm512_permutex2var_epi32(owner.low, even, owner.high);
        const __m512i pool =
            _mm512_permutex2var_epi32(owner.low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), owner.high);
        const __m512i terms = of(here, row, in->terms), billed = of(here, row, in->billed);
        const __mmask16 simple = here & _mm512_test_epi32_mask(bundle, bundle) &
                                 _mm512_test_epi32_mask(terms, terms) &
                                 _mm512_cmpgt_epi32_mask(billed, _mm512_setzero_si512());
        const __m512i word =
            of(simple, _mm512_add_epi32(_mm512_slli_epi32(bundle, 3), _mm512_srli_epi32(key, 5)),
               in->bundle_keys);
        const __m512i bit =
            _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(key, _mm512_set1_epi32(31)));
        const __mmask16 alone = here & (__mmask16)~simple;
        const __mmask16 wanted = alone | _mm512_test_epi32_mask(word, bit);
        const __m512i place = _mm512_add_epi32(_mm512_set1_epi32((int)k), each);
        const __m512i at_row = in->places == NULL ? _mm512_add_epi32(row, _mm512_set1_epi32((int)in->first))
                                                  : of(here, row, in->places);
        put_start(&to.start[at], here, wanted, words_of(row, in->start));
        put_32(&to.bundle[at], here, wanted, _mm512_maskz_mov_epi32(simple, bundle));
        put_32(&to.pool[at], here, wanted, _mm512_mask_mov_epi32(place, simple, pool));
        put_32(&to.billed[at], here, wanted, billed);
        put_32(&to.terms[at], here, wanted, terms);
        put_32(&to.bucket[at], here, wanted, of(here, row, in->bucket));
        _mm256_mask_storeu_epi16(&to.row[at], here,
                                 _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(wanted, at_row)));
        put_8(&to.key[at], here, wanted, key);
        put_8(&to.flags[at], here, wanted, _mm512_maskz_set1_epi32(alone, TOLL_DRAW_FULL));
        full_count += (size_t)__builtin_popcount(alone);
        at += (size_t)__builtin_popcount(wanted);
    }
    *full = full_count;
    return at;
}
