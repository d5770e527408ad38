/* Sixteen rows at once; of a number only the column is read that its deck goes by. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 16

static inline __mmask16 has(__m512i value, unsigned bits)
{
    return _mm512_test_epi32_mask(value, _mm512_set1_epi32((int)bits));
}

static inline __mmask16 is_type(__m512i kind, unsigned type, unsigned wanted)
{
    return _mm512_cmpeq_epi32_mask(_mm512_and_si512(kind, _mm512_set1_epi32((int)type)),
                                   _mm512_set1_epi32((int)wanted));
}

/* Rows i to i + 7. */
static inline __m512i keys_of(const struct toll_ask_in *in, size_t i, __mmask8 here, __mmask8 caller,
                              __mmask8 lrn, __mmask8 e164)
{
    const __m512i callees = _mm512_maskz_loadu_epi64(here & (__mmask8)~caller, in->callee + i);
    const __m512i numbers = _mm512_mask_loadu_epi64(callees, here & caller, in->caller + i);
    const __m512i lrns = _mm512_maskz_loadu_epi64(here & lrn & (__mmask8)~caller, in->lrn_callee + i);
    const __m512i ported = _mm512_mask_loadu_epi64(lrns, here & lrn & caller, in->lrn_caller + i);
    const __m512i key = _mm512_mask_mov_epi64(numbers, _mm512_test_epi64_mask(ported, ported), ported);
    return _mm512_mask_mov_epi64(_mm512_set1_epi64(-1), e164, key);
}

static inline size_t step(const uint32_t *ways, const struct toll_ask_in *in, size_t i, __mmask16 here,
                          const struct toll_ask_out *out, size_t count)
{
    const __m512i deck = _mm512_maskz_loadu_epi32(here, in->deck + i);
    const __m512i way = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), here, deck, ways, 4);
    const __m512i kind = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, in->kind + i));
    const __mmask16 caller = has(way, TOLL_WAY_CALLER), lrn = has(way, TOLL_WAY_LRN);
    const __mmask16 e164 = (caller & is_type(kind, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164)) |
                           ((__mmask16)~caller & is_type(kind, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164));
    const __mmask8 low = (__mmask8)here, high = (__mmask8)(here >> 8);
    _mm512_mask_storeu_epi64(out->key + i, low,
                             keys_of(in, i, low, (__mmask8)caller, (__mmask8)lrn, (__mmask8)e164));
    if (high != 0)
        _mm512_mask_storeu_epi64(
            out->key + i + 8, high,
            keys_of(in, i + 8, high, (__mmask8)(caller >> 8), (__mmask8)(lrn >> 8), (__mmask8)(e164 >> 8)));
    _mm512_mask_storeu_epi32(out->deck + i, here,
                             _mm512_maskz_mov_epi32((__mmask16)~has(way, TOLL_WAY_CALLTYPE), deck));
    const __m512i call = _mm512_and_si512(
        _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, in->class_jurisdiction + i)), _mm512_set1_epi32(7));
    const __m512i shift =
        _mm512_add_epi32(_mm512_slli_epi32(call, 1), _mm512_set1_epi32(TOLL_WAY_COLUMN_SHIFT));
    const __m512i column = _mm512_and_si512(_mm512_srlv_epi32(way, shift), _mm512_set1_epi32(3));
    _mm_mask_storeu_epi8(out->column + i, here, _mm512_cvtepi32_epi8(column));

    const __mmask16 listed = here & has(way, TOLL_WAY_PAIR | TOLL_WAY_CALLTYPE);
    const __m512i row = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(out->second + count, here, _mm512_maskz_compress_epi32(listed, row));
    return count + (size_t)__builtin_popcount(listed);
}

size_t toll_ask_avx512(const uint32_t *restrict ways, const struct toll_ask_in *in, size_t rows,
                       const struct toll_ask_out *out)
{
    const struct toll_ask_in from = *in;
    const struct toll_ask_out to = *out;
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES)
        count = step(ways, &from, i, 0xffff, &to, count);
    if (i < rows)
        count = step(ways, &from, i, (__mmask16)((1u << (rows - i)) - 1), &to, count);
    return count;
}
