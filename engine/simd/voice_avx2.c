/* Four calls at once, as eight are in voice_avx512.c. AVX2 compares signed, which is the same below 2^63. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include "simd/products_avx2.h"

#include <immintrin.h>
#include <string.h>

#define LANES 4
#define AHEAD 16 /* rows whose rate is on its way */

/* The fields of struct toll_voice_profile, two or more to a word as they lie there. */
struct fields {
    __m256i rate, connect, minimum, maximum, magic, quantum_initial, increment_step_magic, rest;
};
_Static_assert(offsetof(struct toll_voice_profile, magic) == 24 &&
                   offsetof(struct toll_voice_profile, quantum) == 32 &&
                   offsetof(struct toll_voice_profile, increment) == 40 &&
                   offsetof(struct toll_voice_profile, round_ms) == 48,
               "words");

/* A quarter of a line of row a below that of row b. */
static inline __m256i two_rows(const struct toll_voice_profile *a, const struct toll_voice_profile *b,
                               size_t quarter)
{
    const __m128i *first = (const __m128i *)a + quarter, *second = (const __m128i *)b + quarter;
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(first)), _mm_loadu_si128(second),
                                   1);
}

static inline void two_fields(const struct toll_voice_profile *const f[LANES], size_t quarter, __m256i *first,
                              __m256i *second)
{
    const __m256i even = two_rows(f[0], f[2], quarter), odd = two_rows(f[1], f[3], quarter);
    *first = _mm256_unpacklo_epi64(even, odd);
    *second = _mm256_unpackhi_epi64(even, odd);
}

static inline struct fields fields_of(const struct toll_voice_terms *terms, const uint32_t *at)
{
    const struct toll_voice_profile *const profiles[LANES] = {
        toll_voice_profile(terms, at[0]), toll_voice_profile(terms, at[1]), toll_voice_profile(terms, at[2]),
        toll_voice_profile(terms, at[3])};
    const uint64_t *rates = terms->rates;
    const __m256i words = _mm256_setr_epi64x((long long)rates[at[0]], (long long)rates[at[1]],
                                             (long long)rates[at[2]], (long long)rates[at[3]]);
    struct fields fields = {.rate = _mm256_srli_epi64(words, TOLL_VOICE_RATE_SHIFT)};
    __m256i none;
    two_fields(profiles, 0, &fields.connect, &fields.minimum);
    two_fields(profiles, 1, &fields.maximum, &fields.magic);
    two_fields(profiles, 2, &fields.quantum_initial, &fields.increment_step_magic);
    two_fields(profiles, 3, &fields.rest, &none);
    return fields;
}

static inline __m256i byte_at(__m256i value, int shift)
{
    return _mm256_and_si256(_mm256_srli_epi64(value, shift), _mm256_set1_epi64x(0xff));
}

/* a where the mask is clear, b where it is set. */
static inline __m256i choose(__m256i a, __m256i b, __m256i mask)
{
    return _mm256_blendv_epi8(a, b, mask);
}

/* The low halves of four words. */
static inline __m128i narrow(__m256i value)
{
    return _mm256_castsi256_si128(
        _mm256_permutevar8x32_epi32(value, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
}

struct answers {
    __m256i units, charge, state;
    unsigned exact; /* a bit for each row */
};

static inline struct answers rate(const struct fields *f, __m128i duration_ms)
{
    const __m256i zero = _mm256_setzero_si256(), low = _mm256_set1_epi64x(0xffffffff);
    const __m256i ms = _mm256_cvtepu32_epi64(_mm_max_epi32(duration_ms, _mm_setzero_si128()));
    const __m256i rounded = _mm256_add_epi64(ms, _mm256_and_si256(f->rest, _mm256_set1_epi64x(0xffff)));
    /* x / 1000 for x < 2^32 */
    const __m256i used = _mm256_srli_epi64(_mm256_mul_epu32(rounded, _mm256_set1_epi64x(0x10624dd3)), 38);
    const __m256i none = _mm256_cmpeq_epi64(used, zero);
    const __m256i initial = high_32(f->quantum_initial), increment = f->increment_step_magic;
    const __m256i over = _mm256_sub_epi64(used, initial);
    const __m256i beyond =
        _mm256_sub_epi64(_mm256_add_epi64(_mm256_andnot_si256(_mm256_cmpgt_epi64(zero, over), over),
                                          _mm256_and_si256(increment, low)),
                         _mm256_set1_epi64x(1));
    const __m256i steps =
        _mm256_srlv_epi64(_mm256_mul_epu32(beyond, high_32(increment)), byte_at(f->rest, 16));
    const __m256i units =
        _mm256_andnot_si256(none, _mm256_add_epi64(initial, _mm256_mul_epu32(steps, increment)));

    __m256i amount = _mm256_add_epi64(f->connect, times_32(f->rate, units));
    amount = choose(amount, f->minimum, _mm256_cmpgt_epi64(f->minimum, amount));
    amount = choose(amount, f->maximum, _mm256_cmpgt_epi64(amount, f->maximum));
    const __m256i whole = _mm256_srlv_epi64(times_high(amount, f->magic), byte_at(f->rest, 24));
    const __m256i state = choose(byte_at(f->rest, 32), byte_at(f->rest, 40), none);
    const __m256i has_charge = _mm256_cmpeq_epi64(state, zero);
    const __m256i exact = _mm256_cmpeq_epi64(byte_at(f->rest, 48), zero);
    return (struct answers){
        .units = units,
        .charge = _mm256_and_si256(times_32(whole, f->quantum_initial), has_charge),
        .state = state,
        .exact = ~(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(exact)) & 0xfu,
    };
}

static inline size_t step(const struct toll_voice_terms *terms, const uint32_t *at,
                          const int32_t *duration_ms, size_t i, int32_t *billed, int64_t *charge,
                          uint8_t *status, uint32_t *exact)
{
    const struct fields fields = fields_of(terms, at);
    const struct answers answers = rate(&fields, _mm_loadu_si128((const __m128i *)duration_ms));
    _mm_storeu_si128((__m128i *)billed, narrow(answers.units));
    _mm256_storeu_si256((__m256i *)charge, answers.charge);
    uint32_t before;
    memcpy(&before, status, sizeof before);
    const __m128i bytes = _mm_shuffle_epi8(narrow(answers.state), _mm_set1_epi32(0x0c080400));
    before |= (uint32_t)_mm_cvtsi128_si32(bytes);
    memcpy(status, &before, sizeof before);
    size_t count = 0;
    for (unsigned left = answers.exact; __builtin_expect(left != 0, 0); left &= left - 1)
        exact[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    return count;
}

size_t toll_voice_avx2(const struct toll_voice_terms *restrict terms, const uint32_t *restrict index,
                       const int32_t *restrict duration_ms, const struct toll_next_rows *next, size_t rows,
                       int32_t *restrict billed, int64_t *restrict charge, uint8_t *restrict status,
                       uint32_t *restrict exact)
{
    (void)next;
    _Static_assert(TOLL_RATED == 0, "what has a charge is told by zero");
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES) {
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++)
                __builtin_prefetch(&terms->rates[index[i + AHEAD + k]]);
        count +=
            step(terms, &index[i], &duration_ms[i], i, &billed[i], &charge[i], &status[i], &exact[count]);
    }
    const size_t more = toll_voice_scalar(terms, &index[i], &duration_ms[i], NULL, rows - i, &billed[i],
                                          &charge[i], &status[i], &exact[count]);
    for (size_t k = 0; k < more; k++)
        exact[count + k] += (uint32_t)i;
    return count + more;
}
