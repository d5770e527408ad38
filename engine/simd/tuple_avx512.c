/*
 * Sixteen lines at once. Each read of a table is a gather of sixteen, so there are few: what a bucket has
 * comes in one; where all calls are voice the 40 kinds stand in three registers, and so do the spans of up to
 * 32 calendars in two.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#include <immintrin.h>

#define LANES 16
#define NEAR_CALENDARS 32u

struct tables {
    struct toll_tuple_in in;
    __m512i kinds[3], spans[2];
    bool near_spans;
};

static inline __m512i look(const uint32_t *table, __mmask16 wanted, __m512i at)
{
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), wanted, at, table, 4);
}

struct lines {
    const uint16_t *kind;
    const uint8_t *class_jurisdiction, *status;
    const uint32_t *bucket;
};

/* `first` of sixteen buckets, and their calendars. */
static inline __m512i look_at_buckets(const struct toll_tuple_bucket *buckets, __mmask16 wanted, __m512i at,
                                      __m512i *calendars)
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i low = _mm512_mask_i32gather_epi64(zero, (__mmask8)wanted, _mm512_castsi512_si256(at),
                                                    (const void *)buckets, 8);
    const __m512i high = _mm512_mask_i32gather_epi64(
        zero, (__mmask8)(wanted >> 8), _mm512_extracti64x4_epi64(at, 1), (const void *)buckets, 8);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *calendars = _mm512_permutex2var_epi32(low, _mm512_or_si512(even, _mm512_set1_epi32(1)), high);
    return _mm512_permutex2var_epi32(low, even, high);
}

static inline __m512i offsets_of(const struct tables *tables, const struct lines *lines, size_t i,
                                 __mmask16 here, __mmask16 rated)
{
    const __m512i class_ = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, &lines->class_jurisdiction[i]));
    const __m512i call =
        _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(class_, 1), _mm512_set1_epi32(0x38)),
                        _mm512_and_si512(class_, _mm512_set1_epi32(7)));
    if (tables->in.voice)
        return _mm512_mask_permutexvar_epi32(
            _mm512_permutex2var_epi32(tables->kinds[0], call, tables->kinds[1]),
            _mm512_cmpge_epu32_mask(call, _mm512_set1_epi32(32)), call, tables->kinds[2]);
    const __m512i service =
        _mm512_and_si512(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(here, &lines->kind[i])),
                         _mm512_set1_epi32(TOLL_CALL_SERVICE));
    __m512i key =
        _mm512_add_epi32(call, _mm512_mullo_epi32(service, _mm512_set1_epi32((int)TOLL_TUPLE_SERVICE_KEYS)));
    if (tables->in.product != NULL)
        key = _mm512_add_epi32(key, _mm512_maskz_loadu_epi32(here, &tables->in.product[i]));
    return look(tables->in.offsets, rated, key);
}

static inline size_t step(const struct tables *tables, const struct lines *lines, size_t i, __mmask16 here,
                          int32_t *tuple, uint32_t *slot, uint32_t *rest)
{
    const struct toll_tuple_in *in = &tables->in;
    const __m128i status = _mm_maskz_loadu_epi8(here, &lines->status[i]);
    const __mmask16 rated = _mm_mask_cmpeq_epi8_mask(here, status, _mm_set1_epi8(TOLL_RATED));
    const __m512i buckets = _mm512_maskz_loadu_epi32(here, &lines->bucket[i]);
    __m512i calendars, span = tables->spans[0];
    const __m512i first = look_at_buckets(in->buckets, rated, buckets, &calendars);
    if (tables->near_spans)
        span = _mm512_permutex2var_epi32(tables->spans[0], calendars, tables->spans[1]);
    else if (in->calendars > 1)
        span = look(in->spans, rated, calendars);
    const __m512i key = _mm512_maskz_add_epi32(rated, offsets_of(tables, lines, i, here, rated), span);
    const __m512i plane = look(in->planes, rated, key);
    _mm512_mask_storeu_epi32(&tuple[i], here, _mm512_add_epi32(first, key));
    _mm512_mask_storeu_epi32(&slot[i], here, _mm512_add_epi32(plane, buckets));
    const __mmask16 unknown = _mm512_mask_testn_epi32_mask(rated, plane, plane);
    size_t count = 0;
    for (unsigned left = unknown; __builtin_expect(left != 0, 0); left &= left - 1)
        rest[count++] = (uint32_t)i + (unsigned)__builtin_ctz(left);
    return count;
}

static void load_spans(struct tables *tables)
{
    const uint32_t calendars = tables->in.calendars;
    const uint32_t *spans = tables->in.spans;
    tables->near_spans = calendars > 1 && calendars <= NEAR_CALENDARS;
    if (!tables->near_spans) {
        tables->spans[0] = _mm512_set1_epi32((int)spans[0]);
        return;
    }
    const uint32_t here = UINT32_MAX >> (NEAR_CALENDARS - calendars);
    tables->spans[0] = _mm512_maskz_loadu_epi32((__mmask16)here, spans);
    tables->spans[1] = _mm512_maskz_loadu_epi32((__mmask16)(here >> 16), spans + 16);
}

size_t toll_tuple_avx512(const struct toll_tuple_in *in, const uint16_t *restrict kind,
                         const uint8_t *restrict class_jurisdiction, const uint8_t *restrict status,
                         const uint32_t *restrict bucket, size_t rows, int32_t *restrict tuple,
                         uint32_t *restrict slot, uint32_t *restrict rest)
{
    struct tables tables = {.in = *in};
    const struct lines lines = {kind, class_jurisdiction, status, bucket};
    size_t i = 0, count = 0;
    for (unsigned k = 0; k < 3; k++)
        tables.kinds[k] = _mm512_loadu_si512(in->offsets + 16 * k); /* of voice */
    load_spans(&tables);
    for (; i + LANES <= rows; i += LANES)
        count += step(&tables, &lines, i, 0xffff, tuple, slot, &rest[count]);
    if (i < rows)
        count += step(&tables, &lines, i, (__mmask16)((1u << (rows - i)) - 1), tuple, slot, &rest[count]);
    return count;
}
