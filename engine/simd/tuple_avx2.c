/* As tuple_avx512.c, eight lines at once. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 8

static inline __m256i look(const uint32_t *table, __m256i at)
{
    return _mm256_i32gather_epi32((const int *)(const void *)table, at, 4);
}

size_t toll_tuple_avx2(const struct toll_tuple_in *in, const uint16_t *restrict kind,
                       const uint8_t *restrict class_jurisdiction, const uint8_t *restrict status,
                       const uint32_t *restrict bucket, size_t rows, int32_t *restrict tuple,
                       uint32_t *restrict slot, uint32_t *restrict rest)
{
    const uint32_t *firsts = &in->buckets[0].first;
    const __m256i one_span = _mm256_set1_epi32((int)in->spans[0]), zero = _mm256_setzero_si256();
    size_t i = 0, count = 0;
    for (; i + LANES <= rows; i += LANES) {
        const __m256i statuses = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&status[i]));
        const __m256i rated = _mm256_cmpeq_epi32(statuses, _mm256_set1_epi32(TOLL_RATED));
        const __m256i service =
            _mm256_and_si256(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&kind[i])),
                             _mm256_set1_epi32(TOLL_CALL_SERVICE));
        const __m256i class_ = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&class_jurisdiction[i]));
        __m256i call =
            _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(class_, 1), _mm256_set1_epi32(0x38)),
                            _mm256_and_si256(class_, _mm256_set1_epi32(7)));
        call =
            _mm256_add_epi32(call, _mm256_mullo_epi32(service, _mm256_set1_epi32(TOLL_TUPLE_SERVICE_KEYS)));
        if (in->product != NULL)
            call = _mm256_add_epi32(call, _mm256_loadu_si256((const __m256i *)&in->product[i]));
        const __m256i buckets = _mm256_loadu_si256((const __m256i *)&bucket[i]);
        const __m256i pairs = _mm256_slli_epi32(buckets, 1);
        const __m256i span =
            in->calendars <= 1 ? one_span
                               : look(in->spans, look(firsts, _mm256_or_si256(pairs, _mm256_set1_epi32(1))));
        const __m256i key = _mm256_and_si256(rated, _mm256_add_epi32(look(in->offsets, call), span));
        const __m256i plane = look(in->planes, key);
        _mm256_storeu_si256((__m256i *)&tuple[i],
                            _mm256_add_epi32(_mm256_and_si256(rated, look(firsts, pairs)), key));
        _mm256_storeu_si256((__m256i *)&slot[i], _mm256_add_epi32(plane, buckets));
        unsigned left = (unsigned)_mm256_movemask_ps(
            _mm256_castsi256_ps(_mm256_and_si256(rated, _mm256_cmpeq_epi32(plane, zero))));
        for (; __builtin_expect(left != 0, 0); left &= left - 1)
            rest[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    }
    struct toll_tuple_in last = *in;
    last.product = in->product == NULL ? NULL : in->product + i;
    const size_t more = toll_tuple_scalar(&last, &kind[i], &class_jurisdiction[i], &status[i], &bucket[i],
                                          rows - i, &tuple[i], &slot[i], &rest[count]);
    for (size_t k = 0; k < more; k++)
        rest[count + k] += (uint32_t)i;
    return count + more;
}
