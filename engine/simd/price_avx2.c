/* Eight values at once; the terms' indices are gathered, two bytes each. */
#include "simd/kernels.h"
#include "simd/list_avx2.h"

#include <immintrin.h>

#define LANES 8
#define AHEAD 64 /* rows whose terms are on their way */

/* Decks as the sheets of eight rows; none where the deck is beyond them. */
static inline void sheets_of(const struct toll_price_in *in, __m256i decks, __m256i *price, __m256i *terms)
{
    const int *sheets = (const int *)(const void *)in->sheets;
    const __m256i none = _mm256_set1_epi32((int)TOLL_SHEET_NONE);
    const __m256i known =
        _mm256_cmpeq_epi32(_mm256_min_epu32(decks, _mm256_set1_epi32((int)in->sheet_count - 1)), decks);
    *price = _mm256_mask_i32gather_epi32(none, sheets, decks, known, 8);
    *terms = _mm256_mask_i32gather_epi32(none, sheets + 1, decks, known, 8);
}

/* The columns of eight rows, and their terms are asked for. */
static inline void add_columns(const struct toll_price_in *in, size_t i, uint32_t *value)
{
    const __m256i values = _mm256_loadu_si256((const __m256i *)value);
    const __m256i columns = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&in->column[i]));
    const __m256i none = _mm256_cmpeq_epi32(values, _mm256_setzero_si256());
    const __m256i entry = _mm256_srai_epi32(_mm256_slli_epi32(values, 1), 31);
    __m256i other = _mm256_or_si256(none, entry);
    if (in->sheets != NULL) {
        __m256i price, terms;
        sheets_of(in, _mm256_loadu_si256((const __m256i *)&in->deck[i]), &price, &terms);
        other = _mm256_or_si256(
            other, _mm256_xor_si256(_mm256_cmpeq_epi32(terms, _mm256_set1_epi32((int)TOLL_SHEET_NONE)),
                                    _mm256_set1_epi32(-1)));
    }
    const __m256i sums = _mm256_add_epi32(values, _mm256_andnot_si256(other, columns));
    uint32_t places[LANES];
    _mm256_storeu_si256((__m256i *)value, sums);
    _mm256_storeu_si256((__m256i *)places, _mm256_andnot_si256(other, sums));
    for (unsigned k = 0; k < LANES; k++)
        __builtin_prefetch(&in->price_terms[places[k]]);
}

/* Four rows whose calls begin while the sheets hold. */
static inline __m256i four_in_time(const struct toll_price_in *in, size_t i)
{
    const __m256i start = _mm256_loadu_si256((const __m256i *)&in->start[i]);
    return _mm256_andnot_si256(_mm256_cmpgt_epi64(_mm256_set1_epi64x(in->from), start),
                               _mm256_cmpgt_epi64(_mm256_set1_epi64x(in->until), start));
}

static inline __m256i in_time(const struct toll_price_in *in, size_t i)
{
    if (in->start == NULL)
        return _mm256_set1_epi32(-1);
    const __m256 low = _mm256_castsi256_ps(four_in_time(in, i));
    const __m256 high = _mm256_castsi256_ps(four_in_time(in, i + 4));
    return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88)), 0xd8);
}

struct found {
    __m256i price, terms, rest;
};

static inline struct found with_sheets(const struct toll_price_in *in, size_t i, __m256i values,
                                       __m256i prices, __m256i decks)
{
    const __m256i zero = _mm256_setzero_si256(), entry_bit = _mm256_set1_epi32(TOLL_LPM_ENTRY);
    __m256i first_price, first_terms;
    sheets_of(in, decks, &first_price, &first_terms);
    const __m256i plain = _mm256_cmpeq_epi32(first_terms, _mm256_set1_epi32((int)TOLL_SHEET_NONE));
    const __m256i entry = _mm256_cmpeq_epi32(_mm256_and_si256(values, entry_bit), entry_bit);
    const __m256i missed =
        _mm256_andnot_si256(_mm256_cmpeq_epi32(decks, zero), _mm256_cmpeq_epi32(values, zero));
    const __m256i ask = _mm256_cmpeq_epi32(first_terms, _mm256_set1_epi32((int)TOLL_SHEET_ASK));
    const __m256i odd = _mm256_or_si256(entry, missed);
    const __m256i known =
        _mm256_andnot_si256(_mm256_or_si256(_mm256_or_si256(odd, ask), plain), in_time(in, i));

    const __m256i ordinals = _mm256_and_si256(values, _mm256_set1_epi32((int)in->shape.ordinal_mask));
    const __m256i rows =
        _mm256_add_epi32(first_price, _mm256_sll_epi32(ordinals, _mm_cvtsi32_si128(in->shape.price_shift)));
    const __m256i classes = _mm256_srl_epi32(values, _mm_cvtsi32_si128(in->shape.class_shift));
    const __m256i by_class = _mm256_mask_i32gather_epi32(zero, (const int *)(const void *)in->shape.terms,
                                                         _mm256_add_epi32(first_terms, classes), known, 4);
    const __m256i found = _mm256_or_si256(
        prices, _mm256_or_si256(_mm256_and_si256(plain, values), _mm256_and_si256(known, rows)));
    const __m256i near = _mm256_andnot_si256(entry, plain);
    const __m256i by_price = _mm256_and_si256(
        _mm256_mask_i32gather_epi32(zero, (const int *)(const void *)in->price_terms, found, near, 2),
        _mm256_set1_epi32(0xffff));
    const __m256i far = _mm256_cmpeq_epi32(by_price, _mm256_set1_epi32(TOLL_TERMS_FAR));
    const __m256i asked = _mm256_andnot_si256(_mm256_or_si256(plain, known), _mm256_set1_epi32(-1));
    return (struct found){found, _mm256_or_si256(by_class, by_price),
                          _mm256_or_si256(_mm256_or_si256(asked, far), _mm256_and_si256(plain, odd))};
}

static inline struct found without_sheets(const struct toll_price_in *in, __m256i values, __m256i prices,
                                          __m256i decks)
{
    const __m256i zero = _mm256_setzero_si256(), entry_bit = _mm256_set1_epi32(TOLL_LPM_ENTRY);
    const __m256i found = _mm256_or_si256(prices, values);
    const __m256i entry = _mm256_cmpeq_epi32(_mm256_and_si256(values, entry_bit), entry_bit);
    const __m256i index = _mm256_and_si256(_mm256_i32gather_epi32((const int *)(const void *)in->price_terms,
                                                                  _mm256_andnot_si256(entry, found), 2),
                                           _mm256_set1_epi32(0xffff));
    const __m256i far = _mm256_cmpeq_epi32(index, _mm256_set1_epi32(TOLL_TERMS_FAR));
    const __m256i missed =
        _mm256_andnot_si256(_mm256_cmpeq_epi32(decks, zero), _mm256_cmpeq_epi32(values, zero));
    return (struct found){found, index, _mm256_or_si256(_mm256_or_si256(entry, far), missed)};
}

size_t toll_price_avx2(const struct toll_price_in *in, size_t rows, uint32_t *restrict value,
                       int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    _Static_assert(TOLL_LPM_ENTRY == 1u << 30, "the second bit");
    size_t count = 0, i = 0, added = 0;
    for (; i + LANES <= rows; i += LANES) {
        for (; in->column != NULL && added < i + AHEAD && added + LANES <= rows; added += LANES)
            add_columns(in, added, &value[added]);
        const __m256i values = _mm256_loadu_si256((const __m256i *)&value[i]);
        const __m256i prices = _mm256_loadu_si256((const __m256i *)&price[i]);
        const __m256i decks = _mm256_loadu_si256((const __m256i *)&in->deck[i]);
        const struct found found = in->sheets == NULL ? without_sheets(in, values, prices, decks)
                                                      : with_sheets(in, i, values, prices, decks);
        _mm256_storeu_si256((__m256i *)&price[i], found.price);
        _mm256_storeu_si256((__m256i *)&terms[i], found.terms);
        count = put_rows(rest, count, i, (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(found.rest)));
    }
    struct toll_price_in last = *in;
    last.column = in->column == NULL ? NULL : &in->column[i];
    last.start = in->start == NULL ? NULL : &in->start[i];
    last.deck = &in->deck[i];
    const size_t more = toll_price_scalar(&last, rows - i, &value[i], &price[i], &terms[i], &rest[count]);
    for (size_t k = 0; k < more; k++)
        rest[count + k] += (uint32_t)i;
    return count + more;
}
