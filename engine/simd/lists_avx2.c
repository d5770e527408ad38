/* Eight rows at once where many are listed, those that may draw; what lists few is the portable kernels'. */
#include "simd/list_avx2.h"
#include "simd/lists.h"

#include <string.h>

#define LANES 8

static size_t other_payers(const struct toll_other_payers_in *in, size_t rows, uint32_t *list)
{
    return toll_lists_scalar.other_payers(in, rows, list);
}

static size_t far_ends(const struct toll_far_ends_in *in, size_t rows, uint32_t *list, uint64_t *numbers)
{
    return toll_lists_scalar.far_ends(in, rows, list, numbers);
}

static size_t counted(const uint16_t *kind, const uint8_t *status, const uint32_t *bucket, uint32_t statuses,
                      size_t rows, uint32_t *list)
{
    return toll_lists_scalar.counted(kind, status, bucket, statuses, rows, list);
}

static size_t other_kinds(const uint16_t *kind, uint16_t bits, uint16_t value, size_t rows, uint32_t *list)
{
    return toll_lists_scalar.other_kinds(kind, bits, value, rows, list);
}

/* toll_call_key of eight rows. */
static inline __m256i eight_keys(__m256i kind, __m256i call)
{
    const __m256i service = _mm256_and_si256(kind, _mm256_set1_epi32(TOLL_CALL_SERVICE));
    const __m256i direction = _mm256_and_si256(_mm256_srli_epi32(kind, 3), _mm256_set1_epi32(1));
    const __m256i way = _mm256_or_si256(_mm256_slli_epi32(service, 1), direction);
    const __m256i class_ = _mm256_srli_epi32(call, 4),
                  jurisdiction = _mm256_and_si256(call, _mm256_set1_epi32(15));
    const __m256i high = _mm256_add_epi32(_mm256_mullo_epi32(way, _mm256_set1_epi32(25)), jurisdiction);
    return _mm256_add_epi32(high, _mm256_add_epi32(class_, _mm256_slli_epi32(class_, 2)));
}

/* The bit of each index, moved to the top. */
static inline __m256i top_bits(const uint32_t *bits, __m256i index)
{
    const __m256i words =
        _mm256_i32gather_epi32((const int *)(const void *)bits, _mm256_srli_epi32(index, 5), 4);
    return _mm256_sllv_epi32(words, _mm256_andnot_si256(index, _mm256_set1_epi32(31)));
}

static inline size_t step(const struct toll_may_draw_in *in, size_t i, uint32_t *list, uint8_t *call_keys,
                          size_t count)
{
    const __m256i kind = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)&in->kind[i]));
    const __m256i call = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&in->class_jurisdiction[i]));
    const __m256i status = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&in->status[i]));
    const __m256i credit = _mm256_and_si256(kind, _mm256_set1_epi32(TOLL_CALL_CREDIT));
    const __m256i sold = _mm256_cmpeq_epi32(_mm256_or_si256(status, credit), _mm256_setzero_si256());
    const __m256i key = eight_keys(kind, call), owner = _mm256_loadu_si256((const __m256i *)&in->owner[i]);
    const __m256i wanted =
        _mm256_and_si256(sold, _mm256_and_si256(top_bits(in->keys, key), top_bits(in->owners, owner)));
    const unsigned lanes = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(wanted));
    const __m256i low = _mm256_shuffle_epi8(key, _mm256_set1_epi32(0x0c080400));
    const uint64_t keys =
        (uint32_t)_mm256_extract_epi32(low, 0) | (uint64_t)(uint32_t)_mm256_extract_epi32(low, 4) << 32;
    const uint64_t packed = _pext_u64(keys, _pdep_u64(lanes, UINT64_C(0x0101010101010101)) * 0xff);
    memcpy(call_keys + count, &packed, sizeof packed);
    return put_rows(list, count, i, lanes);
}

static size_t may_draw(const struct toll_may_draw_in *in, size_t rows, uint32_t *restrict list,
                       uint8_t *restrict call_keys)
{
    _Static_assert(TOLL_CALL_IN == 1 << 3, "the direction's shift");
    const struct toll_may_draw_in from = *in;
    size_t count = 0, i = 0;
    for (; i + LANES <= rows; i += LANES)
        count = step(&from, i, list, call_keys, count);
    struct toll_may_draw_in last = from;
    last.kind += i;
    last.status += i;
    last.class_jurisdiction += i;
    last.owner += i;
    const size_t more = toll_lists_scalar.may_draw(&last, rows - i, list + count, call_keys + count);
    for (size_t k = 0; k < more; k++)
        list[count + k] += (uint32_t)i;
    return count + more;
}

const struct toll_list_kernels toll_lists_avx2 = {other_payers, far_ends, counted, other_kinds, may_draw};
