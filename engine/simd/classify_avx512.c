/* Sixteen calls at once. The areas, four thousand bytes, are gathered four bytes at each place. */
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

static inline void expect_column(const uint64_t *column)
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

static inline __m512i areas_of(const uint8_t *areas, struct numbers numbers, __mmask16 e164)
{
    const __m512i tops = _mm512_setr_epi32(0x00070003, 0x000f000b, 0x00170013, 0x001f001b, 0x00270023,
                                           0x002f002b, 0x00370033, 0x003f003b, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i top = _mm512_cvtepu16_epi32(
        _mm512_castsi512_si256(_mm512_permutex2var_epi16(numbers.low, tops, numbers.high)));
    const __mmask16 nanp = kind_is(top, 0xf000, 0x1000);
    const __m512i place =
        _mm512_mask_and_epi32(_mm512_set1_epi32(TOLL_AREAS_ABROAD), nanp, top, _mm512_set1_epi32(0xfff));
    const __m512i known = _mm512_mask_mov_epi32(_mm512_set1_epi32(TOLL_AREAS_NO_NUMBER), e164, place);
    return _mm512_i32gather_epi32(known, areas, 1);
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

static inline void expect(const struct toll_number_line *lines, __m512i numbers, __m512i line_count)
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

void toll_classify_avx512(const uint8_t *restrict areas, const struct toll_number_line *restrict lines,
                          uint64_t line_count, const uint64_t *restrict caller,
                          const uint64_t *restrict callee, const uint16_t *restrict kind, size_t rows,
                          uint64_t *restrict near, uint16_t *restrict shape,
                          uint8_t *restrict class_jurisdiction)
{
    const __m512i count = _mm512_set1_epi64((int64_t)line_count);
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = (__mmask16)(rows - i < LANES ? (1u << (rows - i)) - 1 : 0xffff);
        expect_column(&caller[i]);
        expect_column(&callee[i]);
        const __m512i k = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, &kind[i]));
        const struct numbers callers = load_numbers(&caller[i], here),
                             callees = load_numbers(&callee[i], here);
        const __mmask16 in = _mm512_test_epi32_mask(k, _mm512_set1_epi32(TOLL_CALL_IN));
        const __mmask16 caller_e164 = kind_is(k, TOLL_CALL_CALLER_TYPE, TOLL_CALL_CALLER_E164);
        const __mmask16 callee_e164 = kind_is(k, TOLL_CALL_CALLEE_TYPE, TOLL_CALL_CALLEE_E164);
        const __mmask16 by_callee = in & callee_e164, by_caller = (__mmask16)~in & caller_e164;
        const __m512i low = choose((__mmask8)by_callee, callees.low, (__mmask8)by_caller, callers.low);
        const __m512i high =
            choose((__mmask8)(by_callee >> 8), callees.high, (__mmask8)(by_caller >> 8), callers.high);
        _mm512_mask_storeu_epi64(&near[i], (__mmask8)here, low);
        _mm512_mask_storeu_epi64(&near[i] + 8, (__mmask8)(here >> 8), high);
        expect(lines, low, count);
        expect(lines, high, count);

        const __m512i seven = _mm512_set1_epi32(7), class_bits = _mm512_set1_epi32(0x38);
        const __m512i callee_area = areas_of(areas, callees, callee_e164);
        const __m512i caller_area = areas_of(areas, callers, caller_e164);
        const __m512i class_ = _mm512_and_si512(callee_area, class_bits);
        const __m512i jurisdiction = _mm512_and_si512(_mm512_or_si512(callee_area, caller_area), seven);
        _mm512_mask_cvtepi32_storeu_epi8(&class_jurisdiction[i], here,
                                         _mm512_or_si512(_mm512_slli_epi32(class_, 1), jurisdiction));
        __m512i bits = _mm512_or_si512(class_, jurisdiction);
        bits = _mm512_mask_or_epi32(bits, in, bits, _mm512_set1_epi32(TOLL_SHAPE_IN));
        bits = _mm512_mask_or_epi32(bits, kind_is(k, PLAIN_BITS, PLAIN_KIND), bits,
                                    _mm512_set1_epi32(TOLL_SHAPE_PLAIN));
        bits = _mm512_mask_or_epi32(bits, kind_is(k, UNANSWERED_BITS, UNANSWERED_KIND), bits,
                                    _mm512_set1_epi32(TOLL_SHAPE_UNANSWERED));
        _mm512_mask_cvtepi32_storeu_epi16(&shape[i], here, bits);
    }
}
