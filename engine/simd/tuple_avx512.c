/* Sixteen lines at once: each read of a table is a gather, of which only lines that are rated take part. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 16

static inline __m512i look(const uint32_t *table, __mmask16 wanted, __m512i at)
{
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), wanted, at, table, 4);
}

struct lines {
    const uint16_t *kind;
    const uint8_t *class_jurisdiction, *status;
    const uint32_t *bucket, *product;
};

static inline size_t step(const struct toll_tuple_in *in, const struct lines *lines, size_t i, __mmask16 here,
                          int32_t *tuple, uint32_t *slot, uint32_t *rest)
{
    const __m128i status = _mm_maskz_loadu_epi8(here, &lines->status[i]);
    const __mmask16 rated = _mm_mask_cmpeq_epi8_mask(here, status, _mm_set1_epi8(TOLL_RATED));
    const __m512i service =
        _mm512_and_si512(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, &lines->kind[i])),
                         _mm512_set1_epi32(TOLL_CALL_SERVICE));
    const __m512i class_ =
        _mm512_and_si512(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, &lines->class_jurisdiction[i])),
                         _mm512_set1_epi32(TOLL_TUPLE_CLASS));
    __m512i call = _mm512_or_si512(_mm512_slli_epi32(service, TOLL_TUPLE_SERVICE_SHIFT), class_);
    if (lines->product != NULL)
        call = _mm512_add_epi32(call, _mm512_maskz_loadu_epi32(here, &lines->product[i]));
    const __m512i buckets = _mm512_maskz_loadu_epi32(here, &lines->bucket[i]);
    const __m512i pairs = _mm512_slli_epi32(buckets, 1);
    const uint32_t *firsts = &in->buckets[0].first;
    __m512i span = _mm512_set1_epi32((int)in->spans[0]);
    if (!in->one_calendar)
        span = look(in->spans, rated, look(firsts, rated, _mm512_or_si512(pairs, _mm512_set1_epi32(1))));
    const __m512i key = _mm512_maskz_add_epi32(rated, look(in->offsets, rated, call), span);
    const __m512i plane = look(in->planes, rated, key);
    _mm512_mask_storeu_epi32(&tuple[i], here, _mm512_add_epi32(look(firsts, rated, pairs), key));
    _mm512_mask_storeu_epi32(&slot[i], here, _mm512_add_epi32(plane, buckets));
    const __mmask16 unknown = _mm512_mask_testn_epi32_mask(rated, plane, plane);
    size_t count = 0;
    for (unsigned left = unknown; __builtin_expect(left != 0, 0); left &= left - 1)
        rest[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    return count;
}

size_t toll_tuple_avx512(const struct toll_tuple_in *in, const uint16_t *restrict kind,
                         const uint8_t *restrict class_jurisdiction, const uint8_t *restrict status,
                         const uint32_t *restrict bucket, size_t rows, int32_t *restrict tuple,
                         uint32_t *restrict slot, uint32_t *restrict rest)
{
    const struct toll_tuple_in tables = *in;
    const struct lines lines = {kind, class_jurisdiction, status, bucket, in->product};
    size_t i = 0, count = 0;
    for (; i + LANES <= rows; i += LANES)
        count += step(&tables, &lines, i, 0xffff, tuple, slot, &rest[count]);
    if (i < rows)
        count += step(&tables, &lines, i, (__mmask16)((1u << (rows - i)) - 1), tuple, slot, &rest[count]);
    return count;
}
