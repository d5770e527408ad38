/* As tally_avx512.c, eight lines at once: one addition of 32 bytes to each line's bucket. Prices are marked
 * whether they are marked or not: which ones are is nothing a branch can guess. */
#include "simd/kernels.h"
#include "simd/list_avx2.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 8
#define AHEAD 64 /* rows whose bucket and price are on their way */

static inline void add(struct toll_tally_bucket *bucket, __m256i line)
{
    __m256i *sums = (__m256i *)bucket;
    _mm256_storeu_si256(sums, _mm256_add_epi64(_mm256_loadu_si256(sums), line));
}

static inline void add_four(struct toll_tally_bucket *buckets, const uint32_t *at, const int64_t *charges,
                            __m128i billed)
{
    const __m256i charge = _mm256_loadu_si256((const __m256i *)charges);
    const __m256i units = _mm256_cvtepi32_epi64(billed), one = _mm256_set1_epi64x(1);
    const __m256i low = _mm256_and_si256(charge, _mm256_set1_epi64x(0xffffffff));
    const __m256i upper = _mm256_shuffle_epi32(charge, 0xf5);
    const __m256i high = _mm256_blend_epi32(upper, _mm256_srai_epi32(upper, 31), 0xaa);
    const __m256i charge_even = _mm256_unpacklo_epi64(low, high),
                  charge_odd = _mm256_unpackhi_epi64(low, high);
    const __m256i count_even = _mm256_unpacklo_epi64(one, units),
                  count_odd = _mm256_unpackhi_epi64(one, units);
    add(&buckets[at[0]], _mm256_permute2x128_si256(charge_even, count_even, 0x20));
    add(&buckets[at[1]], _mm256_permute2x128_si256(charge_odd, count_odd, 0x20));
    add(&buckets[at[2]], _mm256_permute2x128_si256(charge_even, count_even, 0x31));
    add(&buckets[at[3]], _mm256_permute2x128_si256(charge_odd, count_odd, 0x31));
}

static inline unsigned bits_of(__m256i mask)
{
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask));
}

static inline void mark(uint64_t *voice_prices, __m256i price)
{
    _Alignas(32) uint32_t named[LANES];
    _mm256_store_si256((__m256i *)named, price);
    for (unsigned k = 0; k < LANES; k++)
        voice_prices[named[k] >> 6] |= UINT64_C(1) << (named[k] & 63);
}

void toll_tally_avx2(const uint16_t *restrict kind, const int32_t *restrict price,
                     const int32_t *restrict billed, const int64_t *restrict charge,
                     const uint8_t *restrict status, const uint32_t *restrict bucket, size_t rows,
                     struct toll_tally_out *out)
{
    struct toll_tally_out to = *out;
    __m256i voice_units = _mm256_setzero_si256();
    size_t i = 0;
    to.rest_count = 0;
    for (; i + LANES <= rows; i += LANES) {
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++) {
                __builtin_prefetch(&to.buckets[bucket[i + AHEAD + k]], 1);
                __builtin_prefetch(&to.voice_prices[(uint32_t)price[i + AHEAD + k] >> 6]);
            }
        const __m256i statuses = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&status[i]));
        const __m256i kinds = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&kind[i]));
        const __m256i voice =
            _mm256_cmpeq_epi32(_mm256_and_si256(kinds, _mm256_set1_epi32(TOLL_CALL_SERVICE)),
                               _mm256_set1_epi32(TOLL_CALL_VOICE));
        const __m256i settled = _mm256_cmpgt_epi32(_mm256_set1_epi32(TOLL_SUSPENSE_FIRST), statuses);
        const __m256i units = _mm256_loadu_si256((const __m256i *)&billed[i]);
        _Alignas(32) uint32_t at[LANES];
        _mm256_store_si256((__m256i *)at,
                           _mm256_and_si256(settled, _mm256_loadu_si256((const __m256i *)&bucket[i])));
        add_four(to.buckets, at, &charge[i], _mm256_castsi256_si128(units));
        add_four(to.buckets, at + 4, &charge[i + 4], _mm256_extracti128_si256(units, 1));
        mark(to.voice_prices, _mm256_and_si256(voice, _mm256_loadu_si256((const __m256i *)&price[i])));

        const __m256i counted = _mm256_and_si256(voice, units);
        voice_units = _mm256_add_epi64(
            voice_units, _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(counted)),
                                          _mm256_cvtepi32_epi64(_mm256_extracti128_si256(counted, 1))));
        const unsigned rated = bits_of(_mm256_cmpeq_epi32(statuses, _mm256_set1_epi32(TOLL_RATED)));
        const unsigned unanswered =
            bits_of(_mm256_cmpeq_epi32(statuses, _mm256_set1_epi32(TOLL_ZERO_UNANSWERED)));
        to.rated += __builtin_popcount(rated);
        to.unanswered += __builtin_popcount(unanswered);
        to.rest_count = put_rows(to.rest, to.rest_count, i, 0xffu & ~(rated | unanswered));
    }
    _Alignas(32) int64_t sums[4];
    _mm256_store_si256((__m256i *)sums, voice_units);
    to.voice_units += sums[0] + sums[1] + sums[2] + sums[3];

    struct toll_tally_out last = to;
    uint32_t *tail = to.rest + to.rest_count;
    last.rest = tail;
    toll_tally_scalar(&kind[i], &price[i], &billed[i], &charge[i], &status[i], &bucket[i], rows - i, &last);
    for (size_t k = 0; k < last.rest_count; k++)
        tail[k] += (uint32_t)i;
    last.rest_count += to.rest_count;
    last.rest = to.rest;
    *out = last;
}
