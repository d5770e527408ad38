/*
 * Sixteen lines at once, but each into its bucket by itself, since two of them may have the same one: what
 * is added is put together for all, then a bucket takes one addition of 32 bytes.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 16
#define AHEAD 96 /* rows whose bucket is on its way */

static inline void add(struct toll_tally_bucket *bucket, __m256i line)
{
    __m256i *sums = (__m256i *)bucket;
    _mm256_storeu_si256(sums, _mm256_add_epi64(_mm256_loadu_si256(sums), line));
}

/* Lines a, b are the rows of the even places, or those of the odd ones; at: of the first. */
static inline void add_four(struct toll_tally_bucket *buckets, const uint32_t *at, __m512i charges,
                            __m512i counts)
{
    const __m512i first =
        _mm512_permutex2var_epi64(charges, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), counts);
    const __m512i second =
        _mm512_permutex2var_epi64(charges, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), counts);
    add(&buckets[at[0]], _mm512_castsi512_si256(first));
    add(&buckets[at[2]], _mm512_extracti64x4_epi64(first, 1));
    add(&buckets[at[4]], _mm512_castsi512_si256(second));
    add(&buckets[at[6]], _mm512_extracti64x4_epi64(second, 1));
}

static inline void add_eight(struct toll_tally_bucket *buckets, const uint32_t *at, __m512i charge,
                             __m512i units)
{
    const __m512i low = _mm512_and_si512(charge, _mm512_set1_epi64(0xffffffff));
    const __m512i high = _mm512_srai_epi64(charge, 32), one = _mm512_set1_epi64(1);
    add_four(buckets, at, _mm512_unpacklo_epi64(low, high), _mm512_unpacklo_epi64(one, units));
    add_four(buckets, at + 1, _mm512_unpackhi_epi64(low, high), _mm512_unpackhi_epi64(one, units));
}

/* Whether they are marked or not: which ones are is nothing a branch can guess. */
static inline void mark(uint64_t *voice_prices, __m512i price, size_t count)
{
    _Alignas(64) uint32_t named[LANES];
    _mm512_store_si512(named, price);
    for (size_t k = 0; k < count; k++)
        voice_prices[named[k] >> 6] |= UINT64_C(1) << (named[k] & 63);
}

struct lines {
    const uint16_t *kind;
    const int32_t *price, *billed;
    const int64_t *charge;
    const uint8_t *status;
    const uint32_t *bucket;
};

/* Rows from the count-th on are not here: they are added to bucket 0 as nothing but a count, which the caller
 * takes back. */
static inline __m512i step(const struct lines *lines, size_t i, size_t count, struct toll_tally_out *out)
{
    const __mmask16 here = (__mmask16)((1u << count) - 1);
    const __m128i status = _mm_maskz_loadu_epi8(here, &lines->status[i]);
    const __m256i service = _mm256_and_si256(_mm256_maskz_loadu_epi16(here, &lines->kind[i]),
                                             _mm256_set1_epi16(TOLL_CALL_SERVICE));
    const __mmask16 voice = _mm256_cmpeq_epi16_mask(service, _mm256_set1_epi16(TOLL_CALL_VOICE)) & here;
    const __mmask16 settled = _mm_cmplt_epu8_mask(status, _mm_set1_epi8(TOLL_SUSPENSE_FIRST)) & here;
    const __mmask16 rated = _mm_testn_epi8_mask(status, status) & here;
    const __mmask16 unanswered = _mm_cmpeq_epi8_mask(status, _mm_set1_epi8(TOLL_ZERO_UNANSWERED));
    const __m512i units = _mm512_maskz_loadu_epi32(here, &lines->billed[i]);
    _Alignas(64) uint32_t at[LANES];
    _mm512_store_si512(at, _mm512_maskz_loadu_epi32(settled, &lines->bucket[i]));
    add_eight(out->buckets, at, _mm512_maskz_loadu_epi64((__mmask8)here, &lines->charge[i]),
              _mm512_cvtepi32_epi64(_mm512_castsi512_si256(units)));
    add_eight(out->buckets, at + 8, _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), &lines->charge[i] + 8),
              _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(units, 1)));
    mark(out->voice_prices, _mm512_maskz_loadu_epi32(voice, &lines->price[i]), count);

    out->rated += __builtin_popcount(rated);
    out->unanswered += __builtin_popcount(unanswered);
    const __mmask16 other = here & (__mmask16) ~(rated | unanswered);
    const __m512i each = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(&out->rest[out->rest_count], here, _mm512_maskz_compress_epi32(other, each));
    out->rest_count += (size_t)__builtin_popcount(other);
    const __m512i voice_units = _mm512_maskz_mov_epi32(voice, units);
    return _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(voice_units)),
                            _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(voice_units, 1)));
}

void toll_tally_avx512(const uint16_t *restrict kind, const int32_t *restrict price,
                       const int32_t *restrict billed, const int64_t *restrict charge,
                       const uint8_t *restrict status, const uint32_t *restrict bucket, size_t rows,
                       struct toll_tally_out *out)
{
    const struct lines lines = {kind, price, billed, charge, status, bucket};
    struct toll_tally_out to = *out;
    __m512i units = _mm512_setzero_si512();
    size_t i = 0;
    to.rest_count = 0;
    for (; i + LANES <= rows; i += LANES) {
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++) {
                __builtin_prefetch(&to.buckets[bucket[i + AHEAD + k]], 1);
                __builtin_prefetch(&to.voice_prices[(uint32_t)price[i + AHEAD + k] >> 6]);
            }
        units = _mm512_add_epi64(units, step(&lines, i, LANES, &to));
    }
    if (i < rows) {
        units = _mm512_add_epi64(units, step(&lines, i, rows - i, &to));
        to.buckets[0].rows -= (int64_t)(LANES - (rows - i));
    }
    to.voice_units += _mm512_reduce_add_epi64(units);
    *out = to;
}
