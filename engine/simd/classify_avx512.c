/* Sixteen calls at once; the areas' words, and of neighbours their bits, are gathered. */
#include "base/ask.h"
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 16
#define COLUMN_AHEAD 256 /* rows whose numbers are on their way: checksums left them in far caches */
#define UNANSWERED_BITS (TOLL_CALL_SERVICE | TOLL_CALL_CONFLICT | TOLL_CALL_CALLEE_TYPE | TOLL_CALL_ANSWERED)
#define PLAIN_BITS (UNANSWERED_BITS | TOLL_CALL_CREDIT)
#define UNANSWERED_KIND (TOLL_CALL_VOICE | TOLL_CALL_CALLEE_E164)
#define PLAIN_KIND (UNANSWERED_KIND | TOLL_CALL_ANSWERED)

struct numbers {
    __m512i low, high; /* rows 0-7, 8-15 */
};

static inline struct numbers load_numbers(const uint64_t *from, __mmask16 here)
{
    return (struct numbers){
        _mm512_maskz_loadu_epi64((__mmask8)here, from),
        _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), from + 8),
    };
}

static TOLL_ASK void expect_column(const uint64_t *column)
{
    const uintptr_t at = (uintptr_t)column + COLUMN_AHEAD * sizeof *column;
    __builtin_prefetch((const void *)at);
    __builtin_prefetch((const void *)(at + 64));
}

static inline __mmask16 kind_is(__m512i kind, unsigned bits, unsigned value)
{
    return _mm512_cmpeq_epi32_mask(_mm512_and_si512(kind, _mm512_set1_epi32((int)bits)),
                                   _mm512_set1_epi32((int)value));
}

static inline __m512i areas_of(const uint32_t *words, struct numbers numbers, __mmask16 e164)
{
    const __m512i tops = _mm512_setr_epi32(0x00070003, 0x000f000b, 0x00170013, 0x001f001b, 0x00270023,
                                           0x002f002b, 0x00370033, 0x003f003b, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i top = _mm512_cvtepu16_epi32(
        _mm512_castsi512_si256(_mm512_permutex2var_epi16(numbers.low, tops, numbers.high)));
    const __mmask16 nanp = kind_is(top, 0xf000, 0x1000);
    const __m512i place =
        _mm512_mask_and_epi32(_mm512_set1_epi32(TOLL_AREAS_ABROAD), nanp, top, _mm512_set1_epi32(0xfff));
    const __m512i known = _mm512_mask_mov_epi32(_mm512_set1_epi32(TOLL_AREAS_NO_NUMBER), e164, place);
    return _mm512_i32gather_epi32(known, words, 4);
}

/* What two areas say of a call between them. */
static inline __m512i jurisdiction_of(__m512i from, __m512i to, __mmask16 abroad)
{
    const __m512i state_bits = _mm512_set1_epi32(TOLL_AREA_STATE);
    const __m512i from_state = _mm512_and_si512(from, state_bits),
                  to_state = _mm512_and_si512(to, state_bits);
    const __mmask16 states =
        _mm512_test_epi32_mask(from_state, from_state) & _mm512_test_epi32_mask(to_state, to_state);
    const __mmask16 same = _mm512_cmpeq_epi32_mask(from_state, to_state);
    const __m512i domestic = _mm512_mask_mov_epi32(_mm512_set1_epi32(TOLL_CALL_INTERSTATE), same,
                                                   _mm512_set1_epi32(TOLL_CALL_INTRASTATE));
    return _mm512_mask_mov_epi32(_mm512_maskz_mov_epi32(states, domestic), abroad,
                                 _mm512_set1_epi32(TOLL_CALL_INTERNATIONAL));
}

static inline __mmask16 may_be_local(const struct toll_areas *areas, __m512i from, __m512i to,
                                     __mmask16 domestic)
{
    if (areas->local_stride == 0)
        return 0;
    const __m512i low = _mm512_set1_epi32(TOLL_AREA_LOCAL), one = _mm512_set1_epi32(1);
    const __m512i a = _mm512_and_si512(_mm512_srli_epi32(from, TOLL_AREA_LOCAL_SHIFT), low),
                  b = _mm512_and_si512(_mm512_srli_epi32(to, TOLL_AREA_LOCAL_SHIFT), low);
    const __mmask16 both = domestic & _mm512_test_epi32_mask(a, a) & _mm512_test_epi32_mask(b, b);
    const __m512i bit =
        _mm512_add_epi32(_mm512_mullo_epi32(a, _mm512_set1_epi32((int)areas->local_stride)), b);
    const __m512i bits =
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), both, _mm512_srli_epi32(bit, 5), areas->local, 4);
    return _mm512_test_epi32_mask(bits, _mm512_sllv_epi32(one, _mm512_and_si512(bit, _mm512_set1_epi32(31))));
}

/* toll_number_line_of eight numbers, in bytes. */
static inline __m512i line_offsets(__m512i numbers, __m512i line_count)
{
    const __m512i factor = _mm512_set1_epi64((int64_t)TOLL_NUMBER_HASH);
    const __m512i high =
        _mm512_add_epi64(_mm512_srli_epi64(_mm512_mul_epu32(numbers, factor), 32),
                         _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(numbers, 32), factor),
                                          _mm512_mul_epu32(numbers, _mm512_srli_epi64(factor, 32))));
    _Static_assert(sizeof(struct toll_number_line) == 1 << 6, "the shift");
    return _mm512_slli_epi64(_mm512_srli_epi64(_mm512_mul_epu32(high, line_count), 32), 6);
}

static TOLL_ASK void expect(const struct toll_number_line *lines, __m512i numbers, __m512i line_count)
{
    _Alignas(64) uint64_t offsets[8];
    _mm512_store_si512(offsets, line_offsets(numbers, line_count));
    for (size_t k = 0; k < 8; k++)
        __builtin_prefetch((const uint8_t *)lines + offsets[k], 0, 2);
}

static inline __m512i choose(__mmask8 callees, __m512i callee, __mmask8 callers, __m512i caller)
{
    return _mm512_mask_mov_epi64(_mm512_maskz_mov_epi64(callees, callee), callers, caller);
}

static inline size_t step(const struct toll_areas *areas, const struct toll_number_line *lines,
                          __m512i line_count, const struct toll_classify_in *in, bool dialled, __mmask16 here,
                          size_t i, const struct toll_classify_out *out, size_t again)
{
    const __m512i k = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, &in->kind[i]));
    const struct numbers callers = load_numbers(&in->caller[i], here),
                         callees = load_numbers(&in->callee[i], here);
    const __mmask16 incoming = _mm512_test_epi32_mask(k, _mm512_set1_epi32(TOLL_CALL_IN));
    const __mmask16 caller_e164 = kind_is(k, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164);
    const __mmask16 callee_e164 = kind_is(k, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164);
    const __mmask16 by_callee = incoming & callee_e164, by_caller = (__mmask16)~incoming & caller_e164;
    const __m512i low = choose((__mmask8)by_callee, callees.low, (__mmask8)by_caller, callers.low);
    const __m512i high =
        choose((__mmask8)(by_callee >> 8), callees.high, (__mmask8)(by_caller >> 8), callers.high);
    _mm512_mask_storeu_epi64(&out->near[i], (__mmask8)here, low);
    _mm512_mask_storeu_epi64(&out->near[i] + 8, (__mmask8)(here >> 8), high);
    expect(lines, low, line_count);
    expect(lines, high, line_count);

    const __m512i callee_area = areas_of(areas->words, callees, callee_e164);
    const __m512i class_ = _mm512_srli_epi32(callee_area, TOLL_AREA_CLASS_SHIFT);
    const __mmask16 toll_free = _mm512_cmpeq_epi32_mask(class_, _mm512_set1_epi32(TOLL_CALL_TOLL_FREE));
    __m512i from, to;
    if (dialled) {
        from = areas_of(areas->words, callers, caller_e164);
        to = callee_area;
    } else {
        from = areas_of(areas->words, load_numbers(&in->from[i], here), caller_e164);
        to = areas_of(areas->words, load_numbers(&in->to[i], here), callee_e164);
    }
    to = _mm512_maskz_mov_epi32((__mmask16)~toll_free, to);
    const __m512i either = _mm512_or_si512(from, to);
    const __mmask16 abroad = _mm512_test_epi32_mask(either, _mm512_set1_epi32(TOLL_AREA_ABROAD));
    const __m512i jurisdiction = jurisdiction_of(from, to, abroad);
    const __m512i bits = _mm512_or_si512(_mm512_slli_epi32(class_, 3), jurisdiction);
    _mm512_mask_cvtepi32_storeu_epi8(&out->class_jurisdiction[i], here,
                                     _mm512_or_si512(_mm512_slli_epi32(class_, 4), jurisdiction));
    __m512i shape = _mm512_mask_or_epi32(bits, incoming, bits, _mm512_set1_epi32(TOLL_SHAPE_IN));
    shape = _mm512_mask_or_epi32(shape, kind_is(k, PLAIN_BITS, PLAIN_KIND), shape,
                                 _mm512_set1_epi32(TOLL_SHAPE_PLAIN));
    shape = _mm512_mask_or_epi32(shape, kind_is(k, UNANSWERED_BITS, UNANSWERED_KIND), shape,
                                 _mm512_set1_epi32(TOLL_SHAPE_UNANSWERED));
    _mm512_mask_cvtepi32_storeu_epi16(&out->shape[i], here, shape);

    const __mmask16 more = _mm512_test_epi32_mask(either, _mm512_set1_epi32(TOLL_AREA_MORE));
    const __mmask16 rings = in->ring_to ? toll_free : (__mmask16)(toll_free & incoming);
    const __mmask16 elsewhere = more | rings;
    const __mmask16 list = here & (elsewhere | may_be_local(areas, from, to, (__mmask16)~abroad));
    __m512i numbers = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    numbers = _mm512_mask_or_epi32(numbers, (__mmask16)~elsewhere, numbers,
                                   _mm512_set1_epi32((int)TOLL_AGAIN_LOCAL));
    _mm512_mask_storeu_epi32(&out->again[again], here, _mm512_maskz_compress_epi32(list, numbers));
    return again + (size_t)__builtin_popcount(list);
}

static inline size_t classify(const struct toll_areas *areas, const struct toll_number_line *lines,
                              uint64_t line_count, const struct toll_classify_in *in, bool dialled,
                              size_t rows, const struct toll_classify_out *out)
{
    const __m512i count = _mm512_set1_epi64((int64_t)line_count);
    size_t again = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = (__mmask16)(rows - i < LANES ? (1u << (rows - i)) - 1 : 0xffff);
        expect_column(&in->caller[i]);
        expect_column(&in->callee[i]);
        again = step(areas, lines, count, in, dialled, here, i, out, again);
    }
    return again;
}

size_t toll_classify_avx512(const struct toll_areas *areas, const struct toll_number_line *restrict lines,
                            uint64_t line_count, const struct toll_classify_in *in, size_t rows,
                            const struct toll_classify_out *out)
{
    if (in->from == in->caller && in->to == in->callee)
        return classify(areas, lines, line_count, in, true, rows, out);
    return classify(areas, lines, line_count, in, false, rows, out);
}
