/* As rules_avx512.c, eight owners at once: their records of 16 bytes are turned round in registers, the
 * verdicts, a small table, are gathered. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 8
#define AHEAD 48 /* rows whose owner is on its way */

struct eight_owners {
    __m256i plan, account, bucket;
};

/* Rows first and first + 4. */
static inline __m256i two_rows(const struct toll_hot_owner *owners, const uint32_t *at)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)&owners[at[0]])),
                                   _mm_loadu_si128((const __m128i *)&owners[at[4]]), 1);
}

static inline struct eight_owners owners_of(const struct toll_hot_owner *owners, const uint32_t *at)
{
    const __m256i r0 = two_rows(owners, at), r1 = two_rows(owners, at + 1);
    const __m256i r2 = two_rows(owners, at + 2), r3 = two_rows(owners, at + 3);
    const __m256i low01 = _mm256_unpacklo_epi32(r0, r1), low23 = _mm256_unpacklo_epi32(r2, r3);
    const __m256i high01 = _mm256_unpackhi_epi32(r0, r1), high23 = _mm256_unpackhi_epi32(r2, r3);
    return (struct eight_owners){
        .plan = _mm256_unpacklo_epi64(low01, low23),
        .account = _mm256_unpackhi_epi64(low01, low23),
        .bucket = _mm256_unpacklo_epi64(high01, high23),
    };
}

/* All bits set where a bit of the value is set. */
static inline __m256i has(__m256i value, unsigned bit)
{
    const __m256i wanted = _mm256_set1_epi32((int)bit);
    return _mm256_cmpeq_epi32(_mm256_and_si256(value, wanted), wanted);
}

static inline size_t list(uint32_t *rows, size_t count, size_t first, __m256i mask)
{
    unsigned left = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask));
    for (; left != 0; left &= left - 1)
        rows[count++] = (uint32_t)first + (unsigned)__builtin_ctz(left);
    return count;
}

static inline void store(void *to, __m256i value)
{
    _mm256_storeu_si256((__m256i *)to, value);
}

static inline void step(const struct toll_hot_owner *owners, const uint32_t *verdicts, const uint32_t *at,
                        const uint16_t *shapes, __m256i by_record, size_t i, struct toll_verdicts_out *out)
{
    const __m256i zero = _mm256_setzero_si256();
    const struct eight_owners owner = owners_of(owners, at);
    const __m256i shape = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&shapes[i]));
    const __m256i unknown = _mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *)at), zero);
    const __m256i plain = has(shape, TOLL_SHAPE_PLAIN), unanswered = has(shape, TOLL_SHAPE_UNANSWERED);
    const __m256i bulk = _mm256_andnot_si256(unknown, plain);
    const __m256i planned = _mm256_andnot_si256(by_record, _mm256_cmpgt_epi32(owner.plan, zero));
    const __m256i wanted = _mm256_and_si256(bulk, planned), waits = _mm256_andnot_si256(planned, bulk);
    _Static_assert(TOLL_VERDICT_KEYS == 1 << 7, "the plan's shift");
    const __m256i place = _mm256_or_si256(_mm256_slli_epi32(owner.plan, 7),
                                          _mm256_and_si256(shape, _mm256_set1_epi32(TOLL_VERDICT_KEYS - 1)));
    const __m256i verdict =
        _mm256_mask_i32gather_epi32(zero, (const int *)(const void *)verdicts, place, wanted, 4);
    const __m256i priced = _mm256_srai_epi32(verdict, 31);
    store(&out->account[i], owner.account);
    store(&out->bucket[i], owner.bucket);
    store(&out->deck[i], _mm256_andnot_si256(priced, verdict));
    store(&out->price[i], _mm256_and_si256(_mm256_and_si256(priced, verdict), _mm256_set1_epi32(INT32_MAX)));
    const __m256i status =
        _mm256_blendv_epi8(_mm256_and_si256(unknown, _mm256_set1_epi32(TOLL_SUSPENSE_NO_ACCOUNT)),
                           _mm256_set1_epi32(TOLL_ZERO_UNANSWERED), unanswered);
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(status), _mm256_extracti128_si256(status, 1));
    _mm_storel_epi64((__m128i *)&out->status[i], _mm_packus_epi16(words, words));

    const __m256i unsettled = _mm256_andnot_si256(waits, _mm256_cmpeq_epi32(verdict, zero));
    const __m256i done = _mm256_or_si256(unanswered, _mm256_and_si256(plain, unknown));
    out->odd_count = list(out->odd, out->odd_count, i, _mm256_andnot_si256(done, unsettled));
    out->planless_count = list(out->planless, out->planless_count, i, waits);
}

void toll_rules_avx2(const struct toll_hot_owner *restrict owners, const uint32_t *restrict verdicts,
                     const uint32_t *restrict owner, const uint16_t *restrict shape, bool by_record,
                     size_t rows, struct toll_verdicts_out *out)
{
    struct toll_verdicts_out to = *out;
    const __m256i all = _mm256_set1_epi32(-(int)by_record);
    size_t i = 0;
    to.odd_count = to.planless_count = 0;
    for (; i + LANES <= rows; i += LANES) {
        if (i + AHEAD + LANES <= rows)
            for (size_t k = 0; k < LANES; k++)
                __builtin_prefetch(&owners[owner[i + AHEAD + k]]);
        step(owners, verdicts, &owner[i], shape, all, i, &to);
    }
    struct toll_verdicts_out last = {
        .account = &to.account[i],
        .price = &to.price[i],
        .bucket = &to.bucket[i],
        .deck = &to.deck[i],
        .status = &to.status[i],
        .odd = &to.odd[to.odd_count],
        .planless = &to.planless[to.planless_count],
    };
    toll_rules_scalar(owners, verdicts, &owner[i], &shape[i], by_record, rows - i, &last);
    for (size_t k = 0; k < last.odd_count; k++)
        last.odd[k] += (uint32_t)i;
    for (size_t k = 0; k < last.planless_count; k++)
        last.planless[k] += (uint32_t)i;
    out->odd_count = to.odd_count + last.odd_count;
    out->planless_count = to.planless_count + last.planless_count;
}
