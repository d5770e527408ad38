/* Eight calls at once. The areas, four thousand bytes, are gathered four bytes at each place. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 8
#define UNANSWERED_BITS (TOLL_CALL_SERVICE | TOLL_CALL_CONFLICT | TOLL_CALL_CALLEE_TYPE | TOLL_CALL_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_CALL_CREDIT)
#define UNANSWERED_KIND (TOLL_CALL_VOICE | TOLL_CALL_CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_CALL_ANSWERED)

struct numbers {
    __m256i low, high; /* rows 0-3, 4-7 */
};

static inline struct numbers load_numbers(const uint64_t *from)
{
    return (struct numbers){_mm256_loadu_si256((const __m256i *)from),
                            _mm256_loadu_si256((const __m256i *)from + 1)};
}

/* All bits set where it is so. */
static inline __m256i kind_is(__m256i kind, unsigned bits, unsigned value)
{
    return _mm256_cmpeq_epi32(_mm256_and_si256(kind, _mm256_set1_epi32((int)bits)),
                              _mm256_set1_epi32((int)value));
}

static inline __m256i areas_of(const uint8_t *areas, struct numbers numbers, __m256i e164)
{
    const __m256 low = _mm256_castsi256_ps(_mm256_srli_epi64(numbers.low, 48));
    const __m256 high = _mm256_castsi256_ps(_mm256_srli_epi64(numbers.high, 48));
    const __m256i top =
        _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88)), 0xd8);
    const __m256i digits = _mm256_and_si256(top, _mm256_set1_epi32(0xfff));
    const __m256i place =
        _mm256_blendv_epi8(_mm256_set1_epi32(TOLL_AREAS_ABROAD), digits, kind_is(top, 0xf000, 0x1000));
    const __m256i known = _mm256_blendv_epi8(_mm256_set1_epi32(TOLL_AREAS_NO_NUMBER), place, e164);
    return _mm256_i32gather_epi32((const int *)(const void *)areas, known, 1);
}

/* toll_number_line_of four numbers, in bytes. */
static inline __m256i line_offsets(__m256i numbers, __m256i line_count)
{
    const __m256i factor = _mm256_set1_epi64x((int64_t)TOLL_NUMBER_HASH);
    const __m256i high =
        _mm256_add_epi64(_mm256_srli_epi64(_mm256_mul_epu32(numbers, factor), 32),
                         _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(numbers, 32), factor),
                                          _mm256_mul_epu32(numbers, _mm256_srli_epi64(factor, 32))));
    _Static_assert(sizeof(struct toll_number_line) == 1 << 6, "the shift");
    return _mm256_slli_epi64(_mm256_srli_epi64(_mm256_mul_epu32(high, line_count), 32), 6);
}

static inline void expect(const struct toll_number_line *lines, __m256i numbers, __m256i line_count)
{
    _Alignas(32) uint64_t offsets[4];
    _mm256_store_si256((__m256i *)offsets, line_offsets(numbers, line_count));
    for (size_t k = 0; k < 4; k++)
        __builtin_prefetch((const uint8_t *)lines + offsets[k], 0, 2);
}

/* The callee where it might pay, the caller where that might, else 0. */
static inline __m256i choose(__m256i callee, __m128i by_callee, __m256i caller, __m128i by_caller)
{
    return _mm256_or_si256(_mm256_and_si256(callee, _mm256_cvtepi32_epi64(by_callee)),
                           _mm256_and_si256(caller, _mm256_cvtepi32_epi64(by_caller)));
}

void toll_classify_avx2(const uint8_t *restrict areas, const struct toll_number_line *restrict lines,
                        uint64_t line_count, const uint64_t *restrict caller, const uint64_t *restrict callee,
                        const uint16_t *restrict kind, size_t rows, uint64_t *restrict near,
                        uint16_t *restrict shape, uint8_t *restrict class_jurisdiction)
{
    const __m256i count = _mm256_set1_epi64x((int64_t)line_count), seven = _mm256_set1_epi32(7);
    size_t i = 0;
    for (; i + LANES <= rows; i += LANES) {
        const __m256i k = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&kind[i]));
        const struct numbers callers = load_numbers(&caller[i]), callees = load_numbers(&callee[i]);
        const __m256i in = kind_is(k, TOLL_CALL_IN, TOLL_CALL_IN);
        const __m256i caller_e164 = kind_is(k, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164);
        const __m256i callee_e164 = kind_is(k, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164);
        const __m256i by_callee = _mm256_and_si256(in, callee_e164);
        const __m256i by_caller = _mm256_andnot_si256(in, caller_e164);
        const __m256i low = choose(callees.low, _mm256_castsi256_si128(by_callee), callers.low,
                                   _mm256_castsi256_si128(by_caller));
        const __m256i high = choose(callees.high, _mm256_extracti128_si256(by_callee, 1), callers.high,
                                    _mm256_extracti128_si256(by_caller, 1));
        _mm256_storeu_si256((__m256i *)&near[i], low);
        _mm256_storeu_si256((__m256i *)&near[i] + 1, high);
        expect(lines, low, count);
        expect(lines, high, count);

        const __m256i callee_area = areas_of(areas, callees, callee_e164);
        const __m256i caller_area = areas_of(areas, callers, caller_e164);
        const __m256i class_ = _mm256_and_si256(callee_area, _mm256_set1_epi32(0x38));
        const __m256i jurisdiction = _mm256_and_si256(_mm256_or_si256(callee_area, caller_area), seven);
        const __m256i class_byte = _mm256_or_si256(_mm256_slli_epi32(class_, 1), jurisdiction);
        __m256i bits = _mm256_or_si256(class_, jurisdiction);
        bits = _mm256_or_si256(bits, _mm256_and_si256(in, _mm256_set1_epi32(TOLL_SHAPE_IN)));
        bits = _mm256_or_si256(
            bits, _mm256_and_si256(kind_is(k, PLAIN_BITS, PLAIN_KIND), _mm256_set1_epi32(TOLL_SHAPE_PLAIN)));
        bits = _mm256_or_si256(bits, _mm256_and_si256(kind_is(k, UNANSWERED_BITS, UNANSWERED_KIND),
                                                      _mm256_set1_epi32(TOLL_SHAPE_UNANSWERED)));
        /* Two vectors of eight to one of sixteen; the halves of each lie crosswise then. */
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(bits, class_byte), 0xd8);
        _mm_storeu_si128((__m128i *)&shape[i], _mm256_castsi256_si128(words));
        const __m128i bytes = _mm256_extracti128_si256(words, 1);
        _mm_storel_epi64((__m128i *)&class_jurisdiction[i], _mm_packus_epi16(bytes, bytes));
    }
    toll_classify_scalar(areas, lines, line_count, &caller[i], &callee[i], &kind[i], rows - i, &near[i],
                         &shape[i], &class_jurisdiction[i]);
}
