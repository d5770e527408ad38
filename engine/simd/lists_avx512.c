/* Sixteen rows at once; the wanted ones are packed together in registers. */
#include "simd/lists.h"

#include <immintrin.h>

#define LANES 16

static inline __mmask16 lanes_of(size_t i, size_t rows)
{
    return (__mmask16)(rows - i < LANES ? (1u << (rows - i)) - 1 : 0xffff);
}

static inline size_t put(uint32_t *list, size_t count, size_t i, __mmask16 wanted, __mmask16 here)
{
    const __m512i row = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(&list[count], here, _mm512_maskz_compress_epi32(wanted, row));
    return count + (size_t)__builtin_popcount(wanted);
}

static inline __mmask16 kind_is(__m256i kind, unsigned bits, unsigned value)
{
    return _mm256_cmpeq_epi16_mask(_mm256_and_si256(kind, _mm256_set1_epi16((short)bits)),
                                   _mm256_set1_epi16((short)value));
}

static inline __mmask16 named(const int32_t *column, const uint32_t *map, size_t i, __mmask16 here)
{
    if (column == NULL)
        return 0;
    const __m512i id = _mm512_maskz_loadu_epi32(here, &column[i]);
    const __m512i place = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), here, id, map, 4);
    return _mm512_test_epi32_mask(place, place);
}

static size_t other_payers(const struct toll_other_payers_in *in, size_t rows, uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = lanes_of(i, rows);
        const __m256i kind = _mm256_maskz_loadu_epi16(here, &in->kind[i]);
        __mmask16 some = named(in->trunk, in->trunks, i, here) | named(in->hint, in->hints, i, here);
        if (in->charged != NULL) {
            const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)here, &in->charged[i]);
            const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), &in->charged[i] + 8);
            some |= _mm512_kunpackb(_mm512_test_epi64_mask(high, high), _mm512_test_epi64_mask(low, low));
        }
        const __mmask16 leg = kind_is(kind, TOLL_CALL_LEG | TOLL_CALL_IN, TOLL_CALL_LEG | TOLL_CALL_IN);
        count = put(list, count, i, some & (__mmask16)~leg, here);
    }
    return count;
}

static inline __m512i eight_numbers(const struct toll_far_ends_in *in, size_t i, __mmask8 incoming,
                                    __mmask8 here)
{
    return _mm512_mask_loadu_epi64(_mm512_maskz_loadu_epi64(here & (__mmask8)~incoming, &in->callee[i]),
                                   here & incoming, &in->caller[i]);
}

static inline __m256i eight_exchanges(__m512i numbers)
{
    return _mm512_cvtepi64_epi32(_mm512_srli_epi64(numbers, TOLL_EXCHANGE_SHIFT));
}

static size_t far_ends(const struct toll_far_ends_in *in, size_t rows, uint32_t *restrict list,
                       uint64_t *restrict numbers)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = lanes_of(i, rows);
        const __m256i kind = _mm256_maskz_loadu_epi16(here, &in->kind[i]);
        const __mmask16 ends = kind_is(kind, TOLL_CALL_CALLER_TYPE | TOLL_CALL_CALLEE_TYPE,
                                       TOLL_CALL_CALLER_E164 | TOLL_CALL_CALLEE_E164);
        const __mmask16 incoming = kind_is(kind, TOLL_CALL_IN, TOLL_CALL_IN);
        const __mmask16 ordinary = _mm_cmplt_epu8_mask(_mm_maskz_loadu_epi8(here, &in->class_jurisdiction[i]),
                                                       _mm_set1_epi8((char)(TOLL_CALL_TOLL_FREE << 4)));
        const __m512i near = _mm512_maskz_loadu_epi32(here, &in->near_owner[i]);
        const __mmask16 asked = here & ends & ordinary & _mm512_test_epi32_mask(near, near);
        const __m512i low = eight_numbers(in, i, (__mmask8)incoming, (__mmask8)here);
        const __m512i high = eight_numbers(in, i + 8, (__mmask8)(incoming >> 8), (__mmask8)(here >> 8));
        const __m512i exchange =
            _mm512_inserti64x4(_mm512_castsi256_si512(eight_exchanges(low)), eight_exchanges(high), 1);
        const __m512i bit =
            _mm512_srli_epi32(_mm512_mullo_epi32(exchange, _mm512_set1_epi32((int)TOLL_EXCHANGE_HASH)),
                              TOLL_EXCHANGE_HASH_SHIFT);
        const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), asked,
                                                          _mm512_srli_epi32(bit, 5), in->exchanges, 4);
        const __m512i one =
            _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(bit, _mm512_set1_epi32(31)));
        const __mmask16 wanted = _mm512_test_epi32_mask(words, one);
        const __mmask8 first = (__mmask8)wanted, second = (__mmask8)(wanted >> 8);
        uint64_t *to = &numbers[count];
        _mm512_mask_storeu_epi64(to, (__mmask8)here, _mm512_maskz_compress_epi64(first, low));
        to += __builtin_popcount(first);
        _mm512_mask_storeu_epi64(to, (__mmask8)(here >> 8), _mm512_maskz_compress_epi64(second, high));
        count = put(list, count, i, wanted, here);
    }
    return count;
}

static size_t counted(const uint16_t *kind, const uint8_t *status, const uint32_t *bucket, uint32_t statuses,
                      size_t rows, uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = lanes_of(i, rows);
        const __mmask16 outgoing = kind_is(_mm256_maskz_loadu_epi16(here, &kind[i]),
                                           TOLL_CALL_SERVICE | TOLL_CALL_IN, TOLL_CALL_VOICE);
        const __m512i is = _mm512_sllv_epi32(_mm512_set1_epi32(1),
                                             _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, &status[i])));
        const __m512i in = _mm512_maskz_loadu_epi32(here, &bucket[i]);
        const __mmask16 wanted = here & outgoing & _mm512_test_epi32_mask(in, in) &
                                 _mm512_test_epi32_mask(is, _mm512_set1_epi32((int)statuses));
        count = put(list, count, i, wanted, here);
    }
    return count;
}

static size_t other_kinds(const uint16_t *kind, uint16_t bits, uint16_t value, size_t rows,
                          uint32_t *restrict list)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = lanes_of(i, rows);
        const __mmask16 same = kind_is(_mm256_maskz_loadu_epi16(here, &kind[i]), bits, value);
        count = put(list, count, i, here & (__mmask16)~same, here);
    }
    return count;
}

static inline __m512i bit_of(__m512i index)
{
    return _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(index, _mm512_set1_epi32(31)));
}

static inline __m512i sixteen_keys(__m256i kinds, __m128i class_jurisdiction)
{
    const __m512i kind = _mm512_cvtepu16_epi32(kinds), call = _mm512_cvtepu8_epi32(class_jurisdiction);
    const __m512i service = _mm512_and_si512(kind, _mm512_set1_epi32(TOLL_CALL_SERVICE));
    const __m512i direction = _mm512_and_si512(_mm512_srli_epi32(kind, 3), _mm512_set1_epi32(1));
    const __m512i way = _mm512_or_si512(_mm512_slli_epi32(service, 1), direction);
    const __m512i class_ = _mm512_srli_epi32(call, 4),
                  jurisdiction = _mm512_and_si512(call, _mm512_set1_epi32(15));
    const __m512i high = _mm512_add_epi32(_mm512_mullo_epi32(way, _mm512_set1_epi32(25)), jurisdiction);
    return _mm512_add_epi32(high, _mm512_add_epi32(class_, _mm512_slli_epi32(class_, 2)));
}

static size_t may_draw(const struct toll_may_draw_in *in, size_t rows, uint32_t *restrict list,
                       uint8_t *restrict call_keys)
{
    _Static_assert(TOLL_CALL_IN == 1 << 3 && TOLL_CALL_KEYS == LANES * 32, "keys have one word a lane");
    const __m512i keys = _mm512_loadu_si512(in->keys);
    size_t count = 0;
    for (size_t i = 0; i < rows; i += LANES) {
        const __mmask16 here = lanes_of(i, rows);
        const __m256i kind = _mm256_maskz_loadu_epi16(here, &in->kind[i]);
        const __m128i status = _mm_maskz_loadu_epi8(here, &in->status[i]);
        const __m512i key = sixteen_keys(kind, _mm_maskz_loadu_epi8(here, &in->class_jurisdiction[i]));
        const __mmask16 fits =
            _mm512_test_epi32_mask(_mm512_permutexvar_epi32(_mm512_srli_epi32(key, 5), keys), bit_of(key));
        const __mmask16 sold =
            here & _mm_testn_epi8_mask(status, status) & kind_is(kind, TOLL_CALL_CREDIT, 0) & fits;
        const __m512i owner = _mm512_maskz_loadu_epi32(sold, &in->owner[i]);
        const __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), sold,
                                                          _mm512_srli_epi32(owner, 5), in->owners, 4);
        const __mmask16 wanted = _mm512_test_epi32_mask(words, bit_of(owner));
        _mm_mask_storeu_epi8(&call_keys[count], here,
                             _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(wanted, key)));
        count = put(list, count, i, wanted, here);
    }
    return count;
}

const struct toll_list_kernels toll_lists_avx512 = {other_payers, far_ends, counted, other_kinds, may_draw};
