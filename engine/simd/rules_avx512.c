/* Sixteen owners at once: their records of 16 bytes are turned round in registers, the verdicts, a small
 * table, are gathered. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 16
#define AHEAD 96 /* rows whose owner is on its way */

struct sixteen_owners {
    __m512i plan, account, bucket;
};

/* Rows first, first + 4, first + 8, first + 12. */
static inline __m512i four_rows(const struct toll_hot_owner *owners, const uint32_t *at)
{
    const __m512i a = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)&owners[at[0]]));
    const __m512i b = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)&owners[at[4]]), 1);
    const __m512i c = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)&owners[at[8]]), 2);
    return _mm512_inserti32x4(c, _mm_loadu_si128((const __m128i *)&owners[at[12]]), 3);
}

static inline struct sixteen_owners owners_of(const struct toll_hot_owner *owners, const uint32_t *at)
{
    const __m512i r0 = four_rows(owners, at), r1 = four_rows(owners, at + 1);
    const __m512i r2 = four_rows(owners, at + 2), r3 = four_rows(owners, at + 3);
    const __m512i low01 = _mm512_unpacklo_epi32(r0, r1), low23 = _mm512_unpacklo_epi32(r2, r3);
    const __m512i high01 = _mm512_unpackhi_epi32(r0, r1), high23 = _mm512_unpackhi_epi32(r2, r3);
    return (struct sixteen_owners){
        .plan = _mm512_unpacklo_epi64(low01, low23),
        .account = _mm512_unpackhi_epi64(low01, low23),
        .bucket = _mm512_unpacklo_epi64(high01, high23),
    };
}

/* As many places as rows are `here` may be written. */
static inline size_t list(uint32_t *rows, __mmask16 wanted, __mmask16 here, size_t first)
{
    const __m512i each =
        _mm512_add_epi32(_mm512_set1_epi32((int)first),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(rows, here, _mm512_maskz_compress_epi32(wanted, each));
    return (size_t)__builtin_popcount(wanted);
}

static inline void step(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *at,
                        const uint16_t *shapes, __mmask16 by_record, __mmask16 here, size_t i,
                        struct toll_verdicts_out *out)
{
    const __m512i who = _mm512_loadu_si512(at);
    const struct sixteen_owners owner = owners_of(owners, at);
    const __m512i shape = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, &shapes[i]));
    const __mmask16 known = _mm512_test_epi32_mask(who, who);
    const __mmask16 plain = _mm512_test_epi32_mask(shape, _mm512_set1_epi32(TOLL_SHAPE_PLAIN));
    const __mmask16 unanswered = _mm512_test_epi32_mask(shape, _mm512_set1_epi32(TOLL_SHAPE_UNANSWERED));
    const __mmask16 no_plan = _mm512_cmple_epi32_mask(owner.plan, _mm512_setzero_si512());
    const __mmask16 waits = known & plain & (by_record | no_plan);
    const __mmask16 wanted = known & plain & (__mmask16)~waits;
    _Static_assert(TOLL_VERDICT_KEYS == 1 << 7, "the plan's shift");
    const __m512i place = _mm512_or_si512(_mm512_slli_epi32(owner.plan, 7),
                                          _mm512_and_si512(shape, _mm512_set1_epi32(TOLL_VERDICT_KEYS - 1)));
    const __m512i verdict = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), wanted, place, verdicts, 4);
    const __mmask16 priced = _mm512_movepi32_mask(verdict),
                    settled = _mm512_test_epi32_mask(verdict, verdict);
    _mm512_mask_storeu_epi32(&out->account[i], here, owner.account);
    _mm512_mask_storeu_epi32(&out->bucket[i], here, owner.bucket);
    _mm512_mask_storeu_epi32(&out->deck[i], here, _mm512_maskz_mov_epi32((__mmask16)~priced, verdict));
    _mm512_mask_storeu_epi32(
        &out->price[i], here,
        _mm512_maskz_and_epi32(priced, verdict, _mm512_set1_epi32((int)~TOLL_VERDICT_PRICE)));
    const __m128i status = _mm_mask_mov_epi8(_mm_maskz_set1_epi8((__mmask16)~known, TOLL_SUSPENSE_NO_ACCOUNT),
                                             unanswered, _mm_set1_epi8(TOLL_ZERO_UNANSWERED));
    _mm_mask_storeu_epi8(&out->status[i], here, status);

    const __mmask16 odd = here & (__mmask16) ~(settled | unanswered | (plain & (__mmask16)~known) | waits);
    out->odd_count += list(&out->odd[out->odd_count], odd, here, i);
    out->planless_count += list(&out->planless[out->planless_count], waits & here, here, i);
}

void toll_rules_avx512(const struct toll_hot_owner *restrict owners, const uint32_t *restrict verdicts,
                       const uint32_t *restrict owner, const uint16_t *restrict shape, bool by_record,
                       size_t rows, struct toll_verdicts_out *out)
{
    struct toll_verdicts_out to = *out;
    const __mmask16 all = by_record ? 0xffff : 0;
    size_t i = 0;
    to.odd_count = to.planless_count = 0;
    for (; i + LANES <= rows; i += LANES) {
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++)
                __builtin_prefetch(&owners[owner[i + AHEAD + k]]);
        step(owners, verdicts, &owner[i], shape, all, 0xffff, i, &to);
    }
    if (i < rows) {
        const __mmask16 here = (__mmask16)((1u << (rows - i)) - 1);
        uint32_t last[LANES];
        _mm512_storeu_si512(last, _mm512_maskz_loadu_epi32(here, &owner[i]));
        step(owners, verdicts, last, shape, all, here, i, &to);
    }
    *out = to;
}
