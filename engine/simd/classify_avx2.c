/* Eight calls at once; the areas' words, and of neighbours their bits, are gathered. */
#include "base/ask.h"
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

static inline __m256i areas_of(const uint32_t *words, struct numbers numbers, __m256i e164)
{
    const __m256 low = _mm256_castsi256_ps(_mm256_srli_epi64(numbers.low, 48));
    const __m256 high = _mm256_castsi256_ps(_mm256_srli_epi64(numbers.high, 48));
    const __m256i top =
        _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88)), 0xd8);
    const __m256i digits = _mm256_and_si256(top, _mm256_set1_epi32(0xfff));
    const __m256i place =
        _mm256_blendv_epi8(_mm256_set1_epi32(TOLL_AREAS_ABROAD), digits, kind_is(top, 0xf000, 0x1000));
    const __m256i known = _mm256_blendv_epi8(_mm256_set1_epi32(TOLL_AREAS_NO_NUMBER), place, e164);
    return _mm256_i32gather_epi32((const int *)words, known, 4);
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

static TOLL_ASK void expect(const struct toll_number_line *lines, __m256i numbers, __m256i line_count)
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

static inline __m256i is_zero(__m256i value)
{
    return _mm256_cmpeq_epi32(value, _mm256_setzero_si256());
}

/* All bits set where one of `bits` is. */
static inline __m256i has(__m256i value, uint32_t bits)
{
    const __m256i none = is_zero(_mm256_and_si256(value, _mm256_set1_epi32((int)bits)));
    return _mm256_xor_si256(none, _mm256_set1_epi32(-1));
}

/* What two areas say of a call between them. */
static inline __m256i jurisdiction_of(__m256i from, __m256i to, __m256i abroad)
{
    const __m256i state_bits = _mm256_set1_epi32(TOLL_AREA_STATE);
    const __m256i from_state = _mm256_and_si256(from, state_bits),
                  to_state = _mm256_and_si256(to, state_bits);
    const __m256i unknown = _mm256_or_si256(is_zero(from_state), is_zero(to_state));
    const __m256i domestic =
        _mm256_andnot_si256(unknown, _mm256_blendv_epi8(_mm256_set1_epi32(TOLL_CALL_INTERSTATE),
                                                        _mm256_set1_epi32(TOLL_CALL_INTRASTATE),
                                                        _mm256_cmpeq_epi32(from_state, to_state)));
    return _mm256_blendv_epi8(domestic, _mm256_set1_epi32(TOLL_CALL_INTERNATIONAL), abroad);
}

static inline __m256i may_be_local(const struct toll_areas *areas, __m256i from, __m256i to, __m256i abroad)
{
    if (areas->local_stride == 0)
        return _mm256_setzero_si256();
    const __m256i low = _mm256_set1_epi32(TOLL_AREA_LOCAL);
    const __m256i a = _mm256_and_si256(_mm256_srli_epi32(from, TOLL_AREA_LOCAL_SHIFT), low),
                  b = _mm256_and_si256(_mm256_srli_epi32(to, TOLL_AREA_LOCAL_SHIFT), low);
    const __m256i never = _mm256_or_si256(abroad, _mm256_or_si256(is_zero(a), is_zero(b)));
    const __m256i bit =
        _mm256_add_epi32(_mm256_mullo_epi32(a, _mm256_set1_epi32((int)areas->local_stride)), b);
    const __m256i bits = _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), (const int *)areas->local,
                                                     _mm256_srli_epi32(bit, 5),
                                                     _mm256_xor_si256(never, _mm256_set1_epi32(-1)), 4);
    const __m256i one = _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_and_si256(bit, _mm256_set1_epi32(31)));
    return _mm256_xor_si256(is_zero(_mm256_and_si256(bits, one)), _mm256_set1_epi32(-1));
}

static inline size_t step(const struct toll_areas *areas, const struct toll_number_line *lines,
                          __m256i line_count, const struct toll_classify_in *in, bool dialled, size_t i,
                          const struct toll_classify_out *out, size_t again)
{
    const __m256i k = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&in->kind[i]));
    const struct numbers callers = load_numbers(&in->caller[i]), callees = load_numbers(&in->callee[i]);
    const __m256i incoming = kind_is(k, TOLL_CALL_IN, TOLL_CALL_IN);
    const __m256i caller_e164 = kind_is(k, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164);
    const __m256i callee_e164 = kind_is(k, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164);
    const __m256i by_callee = _mm256_and_si256(incoming, callee_e164);
    const __m256i by_caller = _mm256_andnot_si256(incoming, caller_e164);
    const __m256i low = choose(callees.low, _mm256_castsi256_si128(by_callee), callers.low,
                               _mm256_castsi256_si128(by_caller));
    const __m256i high = choose(callees.high, _mm256_extracti128_si256(by_callee, 1), callers.high,
                                _mm256_extracti128_si256(by_caller, 1));
    _mm256_storeu_si256((__m256i *)&out->near[i], low);
    _mm256_storeu_si256((__m256i *)&out->near[i] + 1, high);
    expect(lines, low, line_count);
    expect(lines, high, line_count);

    const __m256i callee_area = areas_of(areas->words, callees, callee_e164);
    const __m256i class_ = _mm256_srli_epi32(callee_area, TOLL_AREA_CLASS_SHIFT);
    const __m256i toll_free = _mm256_cmpeq_epi32(class_, _mm256_set1_epi32(TOLL_CALL_TOLL_FREE));
    __m256i from, to;
    if (dialled) {
        from = areas_of(areas->words, callers, caller_e164);
        to = callee_area;
    } else {
        from = areas_of(areas->words, load_numbers(&in->from[i]), caller_e164);
        to = areas_of(areas->words, load_numbers(&in->to[i]), callee_e164);
    }
    to = _mm256_andnot_si256(toll_free, to);
    const __m256i either = _mm256_or_si256(from, to), abroad = has(either, TOLL_AREA_ABROAD);
    const __m256i jurisdiction = jurisdiction_of(from, to, abroad);
    const __m256i class_byte = _mm256_or_si256(_mm256_slli_epi32(class_, 4), jurisdiction);
    __m256i shape = _mm256_or_si256(_mm256_slli_epi32(class_, 3), jurisdiction);
    shape = _mm256_or_si256(shape, _mm256_and_si256(incoming, _mm256_set1_epi32(TOLL_SHAPE_IN)));
    shape = _mm256_or_si256(
        shape, _mm256_and_si256(kind_is(k, PLAIN_BITS, PLAIN_KIND), _mm256_set1_epi32(TOLL_SHAPE_PLAIN)));
    shape = _mm256_or_si256(shape, _mm256_and_si256(kind_is(k, UNANSWERED_BITS, UNANSWERED_KIND),
                                                    _mm256_set1_epi32(TOLL_SHAPE_UNANSWERED)));
    /* Two vectors of eight to one of sixteen; the halves of each lie crosswise then. */
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(shape, class_byte), 0xd8);
    _mm_storeu_si128((__m128i *)&out->shape[i], _mm256_castsi256_si128(words));
    const __m128i bytes = _mm256_extracti128_si256(words, 1);
    _mm_storel_epi64((__m128i *)&out->class_jurisdiction[i], _mm_packus_epi16(bytes, bytes));

    const __m256i rings = in->ring_to ? toll_free : _mm256_and_si256(toll_free, incoming);
    const __m256i elsewhere = _mm256_or_si256(has(either, TOLL_AREA_MORE), rings);
    const __m256i list = _mm256_or_si256(elsewhere, may_be_local(areas, from, to, abroad));
    const unsigned others = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(elsewhere));
    for (unsigned left = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(list)); left != 0;
         left &= left - 1) {
        const unsigned lane = (unsigned)__builtin_ctz(left);
        out->again[again++] = ((uint32_t)i + lane) | (~others >> lane & 1) << 31;
    }
    return again;
}

/* The rows from i on, less than a vector, by the scalar kernel. */
static size_t rest(const struct toll_areas *areas, const struct toll_number_line *lines, uint64_t line_count,
                   const struct toll_classify_in *in, size_t i, size_t rows,
                   const struct toll_classify_out *out, size_t again)
{
    const struct toll_classify_in last = {&in->caller[i], &in->callee[i], &in->from[i],
                                          &in->to[i],     &in->kind[i],   in->ring_to};
    const struct toll_classify_out to = {&out->near[i], &out->shape[i], &out->class_jurisdiction[i],
                                         &out->again[again]};
    const size_t more = toll_classify_scalar(areas, lines, line_count, &last, rows - i, &to);
    for (size_t n = 0; n < more; n++)
        to.again[n] += (uint32_t)i;
    return again + more;
}

static inline size_t classify(const struct toll_areas *areas, const struct toll_number_line *lines,
                              uint64_t line_count, const struct toll_classify_in *in, bool dialled,
                              size_t rows, const struct toll_classify_out *out)
{
    const __m256i count = _mm256_set1_epi64x((int64_t)line_count);
    size_t i = 0, again = 0;
    for (; i + LANES <= rows; i += LANES)
        again = step(areas, lines, count, in, dialled, i, out, again);
    return rest(areas, lines, line_count, in, i, rows, out, again);
}

size_t toll_classify_avx2(const struct toll_areas *areas, const struct toll_number_line *restrict lines,
                          uint64_t line_count, const struct toll_classify_in *in, size_t rows,
                          const struct toll_classify_out *out)
{
    if (in->from == in->caller && in->to == in->callee)
        return classify(areas, lines, line_count, in, true, rows, out);
    return classify(areas, lines, line_count, in, false, rows, out);
}
