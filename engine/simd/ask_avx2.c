/* Eight rows at once, their numbers four at once. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 8

/* All bits set where some of the bits are. */
static inline __m256i has(__m256i value, unsigned bits)
{
    const __m256i some = _mm256_and_si256(value, _mm256_set1_epi32((int)bits));
    return _mm256_xor_si256(_mm256_cmpeq_epi32(some, _mm256_setzero_si256()), _mm256_set1_epi32(-1));
}

static inline __m256i is_type(__m256i kind, unsigned type, unsigned wanted)
{
    return _mm256_cmpeq_epi32(_mm256_and_si256(kind, _mm256_set1_epi32((int)type)),
                              _mm256_set1_epi32((int)wanted));
}

static inline __m256i load(const uint64_t *column)
{
    return _mm256_loadu_si256((const __m256i *)column);
}

/* Half of a mask by rows as one by numbers. */
static inline __m256i wide(__m256i mask, int half)
{
    return _mm256_cvtepi32_epi64(half == 0 ? _mm256_castsi256_si128(mask)
                                           : _mm256_extracti128_si256(mask, 1));
}

/* Rows i to i + 3. */
static inline __m256i keys_of(const struct toll_ask_in *in, size_t i, __m256i caller, __m256i lrn,
                              __m256i e164)
{
    const __m256i number = _mm256_blendv_epi8(load(in->callee + i), load(in->caller + i), caller);
    const __m256i ported =
        _mm256_and_si256(_mm256_blendv_epi8(load(in->lrn_callee + i), load(in->lrn_caller + i), caller), lrn);
    const __m256i none = _mm256_cmpeq_epi64(ported, _mm256_setzero_si256());
    const __m256i key = _mm256_blendv_epi8(ported, number, none);
    return _mm256_or_si256(key, _mm256_xor_si256(e164, _mm256_set1_epi32(-1)));
}

static inline size_t step(const uint32_t *ways, const struct toll_ask_in *in, size_t i,
                          const struct toll_ask_out *out, size_t count)
{
    const __m256i deck = _mm256_loadu_si256((const __m256i *)(in->deck + i));
    const __m256i way = _mm256_i32gather_epi32((const int *)(const void *)ways, deck, 4);
    const __m256i kind = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(in->kind + i)));
    const __m256i caller = has(way, TOLL_WAY_CALLER), lrn = has(way, TOLL_WAY_LRN);
    const __m256i e164 =
        _mm256_blendv_epi8(is_type(kind, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164),
                           is_type(kind, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164), caller);
    for (int half = 0; half < 2; half++)
        _mm256_storeu_si256(
            (__m256i *)(out->key + i + 4 * half),
            keys_of(in, i + 4 * (size_t)half, wide(caller, half), wide(lrn, half), wide(e164, half)));
    _mm256_storeu_si256((__m256i *)(out->deck + i), _mm256_andnot_si256(has(way, TOLL_WAY_CALLTYPE), deck));
    const __m256i call =
        _mm256_and_si256(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(in->class_jurisdiction + i))),
                         _mm256_set1_epi32(7));
    const __m256i shift =
        _mm256_add_epi32(_mm256_slli_epi32(call, 1), _mm256_set1_epi32(TOLL_WAY_COLUMN_SHIFT));
    const __m256i column = _mm256_and_si256(_mm256_srlv_epi32(way, shift), _mm256_set1_epi32(3));
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(column), _mm256_extracti128_si256(column, 1));
    _mm_storel_epi64((__m128i *)(out->column + i), _mm_packus_epi16(words, words));

    unsigned left =
        (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(has(way, TOLL_WAY_PAIR | TOLL_WAY_CALLTYPE)));
    for (; left != 0; left &= left - 1)
        out->second[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    return count;
}

size_t toll_ask_avx2(const uint32_t *restrict ways, const struct toll_ask_in *in, size_t rows,
                     const struct toll_ask_out *out)
{
    const struct toll_ask_in from = *in;
    const struct toll_ask_out to = *out;
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES)
        count = step(ways, &from, i, &to, count);
    const struct toll_ask_in rest = {
        .callee = in->callee + i,
        .caller = in->caller + i,
        .lrn_callee = in->lrn_callee + i,
        .lrn_caller = in->lrn_caller + i,
        .kind = in->kind + i,
        .class_jurisdiction = in->class_jurisdiction + i,
        .deck = in->deck + i,
    };
    const struct toll_ask_out last = {
        .key = out->key + i,
        .deck = out->deck + i,
        .second = out->second + count,
        .column = out->column + i,
    };
    const size_t more = toll_ask_scalar(ways, &rest, rows - i, &last);
    for (size_t k = 0; k < more; k++)
        last.second[k] += (uint32_t)i;
    return count + more;
}
