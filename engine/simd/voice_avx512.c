/*
 * Eight calls at once. A book has few profiles: up to 16 of them stand in vectors, one for each field, and a
 * row's are picked by its number; then everything is 64 bits wide, and amounts below 2^51 take one product
 * each. Where some amount of eight is larger, the products are put together from 32-bit halves. Of more
 * profiles those of eight rows are eight cache lines, turned round in registers so that each field is one
 * vector: gathers would ask for every field of every row by itself.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include "base/ask.h"
#include "simd/products_avx512.h"

#include <immintrin.h>
#include <string.h>

#define LANES 8
#define AHEAD 64 /* rows whose rate is on its way */

/* The fields of struct toll_voice_profile, two or more to a word as they lie there. */
struct fields {
    __m512i rate, connect, minimum, maximum, magic, quantum_initial, increment_step_magic, rest;
};
_Static_assert(offsetof(struct toll_voice_profile, magic) == 24 &&
                   offsetof(struct toll_voice_profile, quantum) == 32 &&
                   offsetof(struct toll_voice_profile, increment) == 40 &&
                   offsetof(struct toll_voice_profile, round_ms) == 48,
               "words");

/* Half a line of row a below that of row b. */
static inline __m512i two_rows(const struct toll_voice_profile *a, const struct toll_voice_profile *b,
                               size_t half)
{
    const __m256i *first = (const __m256i *)a + half, *second = (const __m256i *)b + half;
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(first)), _mm256_loadu_si256(second),
                              1);
}

static inline void four_fields(const struct toll_voice_profile *const of[LANES], size_t half,
                               __m512i field[4])
{
    const __m512i r02 = two_rows(of[0], of[2], half), r13 = two_rows(of[1], of[3], half);
    const __m512i r46 = two_rows(of[4], of[6], half), r57 = two_rows(of[5], of[7], half);
    const __m512i even_low = _mm512_unpacklo_epi64(r02, r13), odd_low = _mm512_unpackhi_epi64(r02, r13);
    const __m512i even_high = _mm512_unpacklo_epi64(r46, r57), odd_high = _mm512_unpackhi_epi64(r46, r57);
    field[0] = _mm512_shuffle_i64x2(even_low, even_high, 0x88);
    field[1] = _mm512_shuffle_i64x2(odd_low, odd_high, 0x88);
    field[2] = _mm512_shuffle_i64x2(even_low, even_high, 0xdd);
    field[3] = _mm512_shuffle_i64x2(odd_low, odd_high, 0xdd);
}

/* Two words, one above the other. */
static inline __m128i two_words(const uint64_t *words, const uint32_t *at)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)&words[at[0]]),
                              _mm_loadl_epi64((const __m128i *)&words[at[1]]));
}

static inline __m512i eight_words(const uint64_t *words, const uint32_t *at)
{
    const __m256i low = _mm256_setr_m128i(two_words(words, at), two_words(words, at + 2));
    const __m256i high = _mm256_setr_m128i(two_words(words, at + 4), two_words(words, at + 6));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

static inline struct fields fields_of(const struct toll_voice_terms *terms, const uint32_t *at)
{
    const __m512i rates = eight_words(terms->rates, at);
    const struct toll_voice_profile *of[LANES];
    __m512i low[4], high[4];
    for (size_t k = 0; k < LANES; k++)
        of[k] = toll_voice_profile(terms, at[k]);
    four_fields(of, 0, low);
    four_fields(of, 1, high);
    return (struct fields){.rate = _mm512_srli_epi64(rates, TOLL_VOICE_RATE_SHIFT),
                           .connect = low[0],
                           .minimum = low[1],
                           .maximum = low[2],
                           .magic = low[3],
                           .quantum_initial = high[0],
                           .increment_step_magic = high[1],
                           .rest = high[2]};
}

/* ---- few profiles ---- */

#define NEAR_PROFILES 16
#define NEAR_BITS 51 /* of an amount */
#define NEAR_UNITS_BITS 14
#define RATE_BITS 37 /* below which every rate is */
_Static_assert(NEAR_UNITS_BITS + RATE_BITS == NEAR_BITS, "a product is an amount");

enum { CONNECT, MINIMUM, MAXIMUM, MAGIC, QUANTUM_INITIAL, INCREMENT_STEP_MAGIC, REST, WORDS };

/* The fields of all profiles, those from the ninth on in the second vector. */
struct near_profiles {
    _Alignas(64) uint64_t word[WORDS][NEAR_PROFILES];
};

/* floor(2^(51 + log2) / divisor) + 1: as the profile's own, of 12 bits less; exact below 2^51. 0: none that
 * fits into 52 bits, and no amount is near then. */
static uint64_t near_magic(uint64_t magic)
{
    const uint64_t near = magic == 0 ? 0 : ((magic - 1) >> 12) + 1;
    return near >> 52 == 0 ? near : 0;
}

static bool set_near(struct near_profiles *near, const struct toll_voice_terms *terms)
{
    if (terms->profile_count > NEAR_PROFILES)
        return false;
    for (size_t i = 0; i < NEAR_PROFILES; i++) {
        const bool there = i < terms->profile_count;
        uint64_t words[sizeof *terms->profiles / sizeof(uint64_t)];
        memcpy(words, &terms->profiles[there ? i : 0], sizeof words);
        if (words[3] != 0 && near_magic(words[3]) == 0)
            return false;
        words[3] = near_magic(words[3]);
        for (size_t w = 0; w < WORDS; w++)
            near->word[w][i] = words[w];
    }
    return true;
}

static inline __m512i pick(const struct near_profiles *near, unsigned word, __m512i profile)
{
    return _mm512_permutex2var_epi64(_mm512_load_si512(near->word[word]), profile,
                                     _mm512_load_si512(near->word[word] + LANES));
}

static inline struct fields near_fields(const struct near_profiles *near, __m512i rates)
{
    return (struct fields){
        .rate = _mm512_srli_epi64(rates, TOLL_VOICE_RATE_SHIFT),
        .connect = pick(near, CONNECT, rates),
        .minimum = pick(near, MINIMUM, rates),
        .maximum = pick(near, MAXIMUM, rates),
        .magic = pick(near, MAGIC, rates),
        .quantum_initial = pick(near, QUANTUM_INITIAL, rates),
        .increment_step_magic = pick(near, INCREMENT_STEP_MAGIC, rates),
        .rest = pick(near, REST, rates),
    };
}

/* ---- units and charge ---- */

struct answers {
    __m512i units, charge, state;
    __mmask8 exact;
};

static inline __m512i byte_at(__m512i value, unsigned shift)
{
    return _mm512_and_si512(_mm512_srli_epi64(value, shift), _mm512_set1_epi64(0xff));
}

static inline __m512i low_32(__m512i value)
{
    return _mm512_and_si512(value, _mm512_set1_epi64(0xffffffff));
}

static inline __m512i clamp(const struct fields *f, __m512i amount)
{
    return _mm512_min_epu64(_mm512_max_epu64(amount, f->minimum), f->maximum);
}

/* All but the charge. */
static inline struct answers bill(const struct fields *f, __m256i duration_ms)
{
    const __m512i one = _mm512_set1_epi64(1), zero = _mm512_setzero_si512();
    const __m512i ms = _mm512_cvtepu32_epi64(_mm256_max_epi32(duration_ms, _mm256_setzero_si256()));
    const __m512i rounded = _mm512_add_epi64(ms, _mm512_and_si512(f->rest, _mm512_set1_epi64(0xffff)));
    /* x / 1000 for x < 2^32 */
    const __m512i used = _mm512_srli_epi64(_mm512_mul_epu32(rounded, _mm512_set1_epi64(0x10624dd3)), 38);
    const __mmask8 some = _mm512_test_epi64_mask(used, used);
    const __m512i initial = high_32(f->quantum_initial), increment = f->increment_step_magic;
    const __m512i beyond = _mm512_sub_epi64(
        _mm512_add_epi64(_mm512_max_epi64(_mm512_sub_epi64(used, initial), zero), low_32(increment)), one);
    const __m512i steps =
        _mm512_srlv_epi64(_mm512_mul_epu32(beyond, high_32(increment)), byte_at(f->rest, 16));
    return (struct answers){
        .units = _mm512_maskz_add_epi64(some, initial, _mm512_mul_epu32(steps, increment)),
        .state = _mm512_mask_mov_epi64(byte_at(f->rest, 40), some, byte_at(f->rest, 32)),
        .exact = _mm512_test_epi64_mask(f->rest, _mm512_set1_epi64(UINT64_C(0xff) << 48)),
    };
}

static inline __m512i charge_of(const struct fields *f, __m512i units)
{
    const __m512i amount = clamp(f, _mm512_add_epi64(f->connect, times_32(f->rate, units)));
    const __m512i whole = _mm512_srlv_epi64(times_high(amount, f->magic), byte_at(f->rest, 24));
    return times_32(whole, f->quantum_initial);
}

/* The same; false: some amount is not near. */
static inline bool near_charge(const struct fields *f, __m512i units, __m512i *charge)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i amount = clamp(f, _mm512_madd52lo_epu64(f->connect, f->rate, units));
    const __m512i high = _mm512_or_si512(_mm512_slli_epi64(units, NEAR_BITS - NEAR_UNITS_BITS), amount);
    const __m512i whole =
        _mm512_srlv_epi64(_mm512_madd52hi_epu64(zero, amount, f->magic), byte_at(f->rest, 24));
    *charge = _mm512_madd52lo_epu64(zero, whole, low_32(f->quantum_initial));
    return _mm512_test_epi64_mask(high, _mm512_set1_epi64(-(INT64_C(1) << NEAR_BITS))) == 0;
}

static inline struct answers rate(const struct fields *f, __m256i duration_ms)
{
    struct answers answers = bill(f, duration_ms);
    answers.charge = charge_of(f, answers.units);
    return answers;
}

/* at: of eight rows; what is not there has no terms. */
static inline struct answers rate_near(const struct toll_voice_terms *terms, const struct near_profiles *near,
                                       const uint32_t *at, __m256i duration_ms)
{
    const __m512i rates = eight_words(terms->rates, at);
    const struct fields fields = near_fields(near, rates);
    struct answers answers = bill(&fields, duration_ms);
    if (__builtin_expect(near_charge(&fields, answers.units, &answers.charge), 1))
        return answers;
    const struct fields own = fields_of(terms, at);
    return rate(&own, duration_ms);
}

/* Lines of the next rows' columns, of eight rows: hardly a stage but this one computes more than it waits. */
static TOLL_ASK void expect(const struct toll_next_rows *next, size_t i)
{
    __builtin_prefetch(&next->caller[i], 0, 2);
    __builtin_prefetch(&next->callee[i], 0, 2);
    __builtin_prefetch(&next->start[i], 0, 2);
    if (i % 16 == 0)
        __builtin_prefetch(&next->duration_ms[i], 0, 2);
    if (i % 32 == 8)
        __builtin_prefetch(&next->kind[i], 0, 2);
}

size_t toll_voice_avx512(const struct toll_voice_terms *restrict terms, const uint32_t *restrict index,
                         const int32_t *restrict duration_ms, const struct toll_next_rows *next, size_t rows,
                         int32_t *restrict billed, int64_t *restrict charge, uint8_t *restrict status,
                         uint32_t *restrict exact)
{
    _Static_assert(TOLL_RATED == 0, "what has a charge is told by zero");
    struct near_profiles near;
    const bool is_near = set_near(&near, terms);
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const size_t some = rows - i < LANES ? rows - i : LANES;
        const __mmask8 here = (__mmask8)((1u << some) - 1);
        uint32_t last[LANES];
        const uint32_t *at = &index[i];
        if (some < LANES) {
            _mm256_storeu_si256((__m256i *)last, _mm256_maskz_loadu_epi32(here, at));
            at = last;
        }
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++)
                __builtin_prefetch(&terms->rates[index[i + AHEAD + k]]);
        if (next != NULL)
            expect(next, i);
        const __m256i duration = _mm256_maskz_loadu_epi32(here, &duration_ms[i]);
        struct answers answers;
        if (is_near) {
            answers = rate_near(terms, &near, at, duration);
        } else {
            const struct fields fields = fields_of(terms, at);
            answers = rate(&fields, duration);
        }
        const __mmask8 has_charge = _mm512_testn_epi64_mask(answers.state, answers.state);
        _mm512_mask_cvtepi64_storeu_epi32(&billed[i], here, answers.units);
        _mm512_mask_storeu_epi64(&charge[i], here, _mm512_maskz_mov_epi64(has_charge, answers.charge));
        const __m128i before = _mm_maskz_loadu_epi8(here, &status[i]);
        _mm_mask_storeu_epi8(&status[i], here, _mm_or_si128(before, _mm512_cvtepi64_epi8(answers.state)));
        for (unsigned left = answers.exact & here; __builtin_expect(left != 0, 0); left &= left - 1)
            exact[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    }
    return count;
}
