/* Sixteen values at once; the terms' indices are gathered, of prices two bytes each. Sheets of up to 32 decks
 * are kept in registers, and only those of more are gathered, too. */
#include "simd/kernels.h"

#include <immintrin.h>

#define LANES 16
#define AHEAD 128 /* rows whose terms are on their way */
#define IN_REGISTERS 32

static inline __mmask16 first_rows(size_t count)
{
    return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffff);
}

/* ---- sheets ---- */

struct sheets {
    __m512i price[2], terms[2]; /* of decks below IN_REGISTERS */
    bool in_registers;
};

static inline struct sheets load_sheets(const struct toll_price_in *in)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    struct sheets sheets = {.in_registers = in->sheet_count <= IN_REGISTERS};
    for (unsigned k = 0; k < 2; k++) {
        const __m512i low = _mm512_loadu_si512(in->sheets + k * LANES);
        const __m512i high = _mm512_loadu_si512(in->sheets + k * LANES + LANES / 2);
        sheets.price[k] = _mm512_permutex2var_epi32(low, even, high);
        sheets.terms[k] = _mm512_permutex2var_epi32(low, odd, high);
    }
    return sheets;
}

/* Decks as the sheets of 16 rows; none where the deck is beyond them. */
static inline void sheets_of(const struct toll_price_in *in, const struct sheets *sheets, __m512i decks,
                             __m512i *price, __m512i *terms)
{
    const __mmask16 known = _mm512_cmplt_epu32_mask(decks, _mm512_set1_epi32((int)in->sheet_count));
    const __m512i none = _mm512_set1_epi32((int)TOLL_SHEET_NONE);
    if (sheets->in_registers) {
        *price = _mm512_permutex2var_epi32(sheets->price[0], decks, sheets->price[1]);
        *terms = _mm512_mask_permutex2var_epi32(sheets->terms[0], 0xffff, decks, sheets->terms[1]);
        *terms = _mm512_mask_mov_epi32(none, known, *terms);
        return;
    }
    *price = _mm512_mask_i32gather_epi32(none, known, decks, &in->sheets->price, 8);
    *terms = _mm512_mask_i32gather_epi32(none, known, decks, &in->sheets->terms, 8);
}

/* Rows whose calls begin while the sheets hold. */
static inline __mmask16 in_time(const struct toll_price_in *in, __mmask16 here, size_t i)
{
    if (in->start == NULL)
        return 0xffff;
    const __m512i from = _mm512_set1_epi64(in->from), until = _mm512_set1_epi64(in->until);
    const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)here, &in->start[i]);
    const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), &in->start[i + 8]);
    const unsigned first = _mm512_mask_cmplt_epi64_mask(_mm512_cmpge_epi64_mask(low, from), low, until);
    const unsigned second = _mm512_mask_cmplt_epi64_mask(_mm512_cmpge_epi64_mask(high, from), high, until);
    return (__mmask16)(first | second << 8);
}

/* ---- 16 rows ---- */

/* The columns of 16 rows, and their terms are asked for. */
static inline void add_columns(const struct toll_price_in *in, const struct sheets *sheets, __mmask16 here,
                               size_t i, uint32_t *value)
{
    const __m512i values = _mm512_maskz_loadu_epi32(here, value);
    const __m512i columns = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, &in->column[i]));
    __mmask16 plain = _mm512_mask_testn_epi32_mask(_mm512_test_epi32_mask(values, values), values,
                                                   _mm512_set1_epi32(TOLL_LPM_ENTRY));
    if (in->sheets != NULL) {
        __m512i price, terms;
        sheets_of(in, sheets, _mm512_maskz_loadu_epi32(here, &in->deck[i]), &price, &terms);
        plain = _mm512_mask_cmpeq_epi32_mask(plain, terms, _mm512_set1_epi32((int)TOLL_SHEET_NONE));
    }
    const __m512i sums = _mm512_mask_add_epi32(values, plain, values, columns);
    _Alignas(64) uint32_t places[LANES];
    _mm512_mask_storeu_epi32(value, here, sums);
    _mm512_store_si512(places, _mm512_maskz_mov_epi32(plain, sums));
    for (unsigned k = 0; k < LANES; k++)
        __builtin_prefetch(&in->price_terms[places[k]]);
}

/* What 16 rows come to. */
struct found {
    __m512i price, terms;
    __mmask16 rest;
};

static inline struct found without_sheets(const struct toll_price_in *in, __m512i values, __m512i prices,
                                          __m512i decks)
{
    const __m512i found = _mm512_or_si512(prices, values);
    const __mmask16 entry = _mm512_test_epi32_mask(values, _mm512_set1_epi32(TOLL_LPM_ENTRY));
    const __m512i place = _mm512_maskz_mov_epi32((__mmask16)~entry, found);
    const __m512i index =
        _mm512_and_si512(_mm512_i32gather_epi32(place, in->price_terms, 2), _mm512_set1_epi32(0xffff));
    const __mmask16 far = _mm512_cmpeq_epi32_mask(index, _mm512_set1_epi32(TOLL_TERMS_FAR));
    const __mmask16 missed =
        _mm512_mask_testn_epi32_mask(_mm512_test_epi32_mask(decks, decks), values, values);
    return (struct found){found, index, entry | far | missed};
}

static inline struct found with_sheets(const struct toll_price_in *in, const struct sheets *sheets,
                                       __m512i values, __m512i prices, __m512i decks, __mmask16 holds)
{
    const __m512i zero = _mm512_setzero_si512();
    __m512i first_price, first_terms;
    sheets_of(in, sheets, decks, &first_price, &first_terms);
    const __mmask16 plain = _mm512_cmpeq_epi32_mask(first_terms, _mm512_set1_epi32((int)TOLL_SHEET_NONE));
    const __mmask16 entry = _mm512_test_epi32_mask(values, _mm512_set1_epi32(TOLL_LPM_ENTRY));
    const __mmask16 missed =
        _mm512_mask_testn_epi32_mask(_mm512_test_epi32_mask(decks, decks), values, values);
    const __mmask16 ask = _mm512_cmpeq_epi32_mask(first_terms, _mm512_set1_epi32((int)TOLL_SHEET_ASK));
    const __mmask16 known = (__mmask16) ~(plain | entry | missed | ask) & holds;

    const __m512i ordinals = _mm512_and_si512(values, _mm512_set1_epi32((int)in->shape.ordinal_mask));
    const __m512i rows =
        _mm512_add_epi32(first_price, _mm512_sll_epi32(ordinals, _mm_cvtsi32_si128(in->shape.price_shift)));
    const __m512i classes = _mm512_srl_epi32(values, _mm_cvtsi32_si128(in->shape.class_shift));
    __m512i terms =
        _mm512_mask_i32gather_epi32(zero, known, _mm512_add_epi32(first_terms, classes), in->shape.terms, 4);
    const __m512i found =
        _mm512_or_si512(prices, _mm512_mask_mov_epi32(_mm512_maskz_mov_epi32(plain, values), known, rows));
    const __mmask16 by_price = _mm512_mask_test_epi32_mask(plain & (__mmask16)~entry, found, found);
    if (by_price != 0)
        terms = _mm512_mask_and_epi32(terms, by_price,
                                      _mm512_mask_i32gather_epi32(zero, by_price, found, in->price_terms, 2),
                                      _mm512_set1_epi32(0xffff));
    const __mmask16 far = _mm512_mask_cmpeq_epi32_mask(by_price, terms, _mm512_set1_epi32(TOLL_TERMS_FAR));
    return (struct found){found, terms, (__mmask16)((~plain & ~known) | (plain & (entry | missed)) | far)};
}

static inline size_t step(const struct toll_price_in *in, const struct sheets *sheets, __mmask16 here,
                          size_t i, const uint32_t *value, int32_t *price, uint32_t *terms, uint32_t *rest)
{
    const __m512i values = _mm512_maskz_loadu_epi32(here, &value[i]);
    const __m512i prices = _mm512_maskz_loadu_epi32(here, &price[i]);
    const __m512i decks = _mm512_maskz_loadu_epi32(here, &in->deck[i]);
    const struct found found = in->sheets == NULL
                                   ? without_sheets(in, values, prices, decks)
                                   : with_sheets(in, sheets, values, prices, decks, in_time(in, here, i));
    const __mmask16 list = found.rest & here;
    _mm512_mask_storeu_epi32(&price[i], here, found.price);
    _mm512_mask_storeu_epi32(&terms[i], here, found.terms);
    const __m512i rows = _mm512_add_epi32(
        _mm512_set1_epi32((int)i), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm512_mask_storeu_epi32(rest, here, _mm512_maskz_compress_epi32(list, rows));
    return (size_t)__builtin_popcount(list);
}

size_t toll_price_avx512(const struct toll_price_in *in, size_t rows, uint32_t *restrict value,
                         int32_t *restrict price, uint32_t *restrict terms, uint32_t *restrict rest)
{
    size_t count = 0, added = 0;
    struct sheets sheets;
    if (in->sheets != NULL)
        sheets = load_sheets(in);
    else
        sheets.in_registers = false;
    for (size_t i = 0; i < rows; i += LANES) {
        for (; in->column != NULL && added <= i + AHEAD && added < rows; added += LANES)
            add_columns(in, &sheets, first_rows(rows - added), added, &value[added]);
        count += step(in, &sheets, first_rows(rows - i), i, value, price, terms, &rest[count]);
    }
    return count;
}
