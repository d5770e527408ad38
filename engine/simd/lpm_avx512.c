/*
 * The prefix lookup with AVX-512: the two steps that end most numbers (area code, exchange) for 16 rows at
 * once by gathers; the rows that have to go on are squeezed into a list that is walked level by level, each
 * step again 16 at once.
 *
 * Places are unsigned 32-bit numbers and a gather's are signed, so `words` is taken from its middle, 2^31
 * words on, and the places are counted from there. Only rows that the scalar kernel would read are gathered.
 */
#include "base/ask.h"
#include "simd/kernels.h"

#include <immintrin.h>

#define GROUP_ROWS 1024
#define LANES 16
#define AHEAD 128                      /* rows whose second place is on its way */
#define LIST_ROWS (GROUP_ROWS + LANES) /* whole vectors are stored */
#define LEVELS_MAX 15                  /* after two steps: as many as the scalar kernel takes */
#define FIELD(name) (offsetof(struct toll_lpm, name) / sizeof(uint32_t))

/* The rows of one group that have to go on: where, and the digits that are left then, at the top. */
struct waiting {
    uint64_t digits[LIST_ROWS];
    uint32_t row[LIST_ROWS], nodes[LIST_ROWS], place[LIST_ROWS];
};

/* 16 rows: what two vectors of eight 64-bit numbers have in their upper halves. */
static inline __m512i upper_halves(__m512i low, __m512i high)
{
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_epi32(low, odd, high);
}

static inline __mmask16 first_rows(size_t count)
{
    return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffff);
}

static inline __m512i read_words(const uint32_t *words, __mmask16 wanted, __m512i places)
{
    const char *middle = (const char *)((uintptr_t)words + (UINT64_C(1) << 31) * sizeof *words);
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), wanted,
                                       _mm512_xor_si512(places, _mm512_set1_epi32(INT32_MIN)), middle, 4);
}

/* What 16 rows need of their decks. */
struct fields {
    __m512i first3, npa, pages, nodes;
};

/* What the decks of rows first, first + 4, first + 8, first + 12 begin with. */
static inline __m512i four_decks(const struct toll_lpm *tables, const uint32_t *at)
{
    _Static_assert(FIELD(first3) == 0 && FIELD(npa) == 1 && FIELD(pages) == 2 && FIELD(nodes) == 3,
                   "16 bytes");
    const __m512i a = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)&tables[at[0]]));
    const __m512i b = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)&tables[at[4]]), 1);
    const __m512i c = _mm512_inserti32x4(b, _mm_loadu_si128((const __m128i *)&tables[at[8]]), 2);
    return _mm512_inserti32x4(c, _mm_loadu_si128((const __m128i *)&tables[at[12]]), 3);
}

/* Of rows with any decks: turned round in registers. */
static inline struct fields fields_of_each(const struct toll_lpm *tables, __m512i decks)
{
    _Alignas(64) uint32_t at[LANES];
    _mm512_store_si512(at, decks);
    const __m512i r0 = four_decks(tables, at), r1 = four_decks(tables, at + 1);
    const __m512i r2 = four_decks(tables, at + 2), r3 = four_decks(tables, at + 3);
    const __m512i low01 = _mm512_unpacklo_epi32(r0, r1), low23 = _mm512_unpacklo_epi32(r2, r3);
    const __m512i high01 = _mm512_unpackhi_epi32(r0, r1), high23 = _mm512_unpackhi_epi32(r2, r3);
    return (struct fields){
        .first3 = _mm512_unpacklo_epi64(low01, low23),
        .npa = _mm512_unpackhi_epi64(low01, low23),
        .pages = _mm512_unpacklo_epi64(high01, high23),
        .nodes = _mm512_unpackhi_epi64(high01, high23),
    };
}

/* Rows next to each other mostly have the same deck, or none. */
static inline struct fields fields_of(const struct toll_lpm *tables, uint32_t one, __mmask16 wanted,
                                      __m512i decks)
{
    const uint32_t any = one != 0 ? one : (uint32_t)_mm512_mask_reduce_max_epu32(wanted, decks);
    if (one != 0 || _mm512_mask_cmpneq_epi32_mask(wanted, decks, _mm512_set1_epi32((int)any)) == 0) {
        const struct toll_lpm *table = &tables[any];
        return (struct fields){_mm512_set1_epi32((int)table->first3), _mm512_set1_epi32((int)table->npa),
                               _mm512_set1_epi32((int)table->pages), _mm512_set1_epi32((int)table->nodes)};
    }
    return fields_of_each(tables, decks);
}

/* Three BCD nibbles as 0..999; whatever the bytes are, never beyond the page. */
static inline __m512i exchange_of(__m512i upper)
{
    const __m512i nibbles = _mm512_and_si512(_mm512_srli_epi32(upper, 4), _mm512_set1_epi32(0xfff));
    const __m512i tens = _mm512_mullo_epi32(_mm512_srli_epi32(nibbles, 4), _mm512_set1_epi32(6));
    const __m512i hundreds = _mm512_mullo_epi32(_mm512_srli_epi32(nibbles, 8), _mm512_set1_epi32(60));
    return _mm512_min_epu32(_mm512_sub_epi32(_mm512_sub_epi32(nibbles, tens), hundreds),
                            _mm512_set1_epi32(999));
}

static inline __m512i node_place(__m512i nodes, __m512i value, __m512i nibble)
{
    const __m512i index = _mm512_and_si512(value, _mm512_set1_epi32(TOLL_LPM_INDEX));
    return _mm512_add_epi32(_mm512_add_epi32(nodes, _mm512_slli_epi32(index, 4)), nibble);
}

static inline __m512i page_place(__m512i pages, __m512i value, __m512i upper)
{
    const __m512i index = _mm512_and_si512(value, _mm512_set1_epi32(TOLL_LPM_INDEX));
    const __m512i page = _mm512_mullo_epi32(index, _mm512_set1_epi32(1000));
    return _mm512_add_epi32(_mm512_add_epi32(pages, page), exchange_of(upper));
}

static inline __m512i shift_digits(__m512i digits, __mmask8 nanp)
{
    return _mm512_sllv_epi64(digits,
                             _mm512_mask_blend_epi64(nanp, _mm512_set1_epi64(16), _mm512_set1_epi64(28)));
}

static inline __mmask16 is_nanp(__m512i upper)
{
    return _mm512_cmpeq_epi32_mask(_mm512_srli_epi32(upper, 28), _mm512_set1_epi32(1));
}

static TOLL_ASK void expect(const uint32_t *words, const uint32_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(words + places[i]);
}

/* The rows `go` of these 16, which are at a node, join the list. */
static inline size_t wait(struct waiting *waiting, size_t count, __mmask16 go, __m512i rows, __m512i nodes,
                          __m512i values, __m512i low_digits, __m512i high_digits)
{
    const __mmask8 low = (__mmask8)go, high = (__mmask8)(go >> 8);
    const __m512i nibbles = _mm512_srli_epi32(upper_halves(low_digits, high_digits), 28);
    const __m512i places = node_place(nodes, values, nibbles);
    const size_t more = (size_t)__builtin_popcount(go);
    uint64_t *digits = waiting->digits + count;
    _mm512_storeu_si512(waiting->row + count, _mm512_maskz_compress_epi32(go, rows));
    _mm512_storeu_si512(waiting->nodes + count, _mm512_maskz_compress_epi32(go, nodes));
    _mm512_storeu_si512(waiting->place + count, _mm512_maskz_compress_epi32(go, places));
    _mm512_storeu_si512(digits, _mm512_maskz_compress_epi64(low, _mm512_slli_epi64(low_digits, 4)));
    _mm512_storeu_si512(digits + __builtin_popcount(low),
                        _mm512_maskz_compress_epi64(high, _mm512_slli_epi64(high_digits, 4)));
    return count + more;
}

/* Where rows read in their second step, and their decks' nodes; of row i in place i % AHEAD. */
struct ahead {
    uint32_t place[AHEAD], nodes[AHEAD];
};

/* The first step of 16 rows: values, and the places of those that are nodes are asked for. */
static inline void first_step(const struct toll_lpm *tables, const uint32_t *words, uint32_t one,
                              const uint32_t *decks, const uint64_t *keys, size_t i, size_t rows,
                              uint32_t *values, struct ahead *ahead)
{
    uint32_t *places = ahead->place + i % AHEAD;
    const __mmask16 here = first_rows(rows - i);
    const __m512i deck = _mm512_maskz_loadu_epi32(here, decks + i);
    const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)here, keys + i);
    const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), keys + i + 8);
    const __m512i upper = upper_halves(low, high);
    const __mmask16 wanted = _mm512_test_epi32_mask(deck, deck), nanp = is_nanp(upper);
    const struct fields table = fields_of(tables, one, wanted, deck);

    const __m512i area = _mm512_and_si512(_mm512_srli_epi32(upper, 16), _mm512_set1_epi32(0xfff));
    const __m512i first = _mm512_mask_add_epi32(_mm512_add_epi32(table.first3, _mm512_srli_epi32(upper, 20)),
                                                nanp, table.npa, area);
    const __m512i value = read_words(words, wanted, first);
    const __m512i fourth = _mm512_and_si512(area, _mm512_set1_epi32(0xf));
    const __m512i second = _mm512_mask_blend_epi32(nanp, node_place(table.nodes, value, fourth),
                                                   page_place(table.pages, value, upper));
    _mm512_mask_storeu_epi32(values + i, here, value);
    _mm512_storeu_si512(places, _mm512_maskz_mov_epi32(_mm512_movepi32_mask(value), second));
    _mm512_storeu_si512(ahead->nodes + i % AHEAD, table.nodes);
    expect(words, places, LANES);
}

/* The second one; those that are still at a node join the list. */
static inline size_t second_step(const uint32_t *words, const uint64_t *keys, size_t i, size_t rows,
                                 const struct ahead *ahead, uint32_t *values, struct waiting *waiting,
                                 size_t count)
{
    const __m512i counting = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 here = first_rows(rows - i);
    __m512i value = _mm512_maskz_loadu_epi32(here, values + i);
    __mmask16 go = _mm512_movepi32_mask(value);
    value =
        _mm512_mask_mov_epi32(value, go, read_words(words, go, _mm512_loadu_si512(ahead->place + i % AHEAD)));
    go = _mm512_movepi32_mask(value);
    _mm512_mask_storeu_epi32(values + i, here, value);
    if (go == 0)
        return count;
    const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)here, keys + i);
    const __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(here >> 8), keys + i + 8);
    const __mmask16 nanp = is_nanp(upper_halves(low, high));
    return wait(waiting, count, go, _mm512_add_epi32(_mm512_set1_epi32((int)i), counting),
                _mm512_loadu_si512(ahead->nodes + i % AHEAD), value, shift_digits(low, (__mmask8)nanp),
                shift_digits(high, (__mmask8)(nanp >> 8)));
}

/* The first two steps: while a place is on its way, those of the next rows are found. */
static size_t start_group(const struct toll_lpm *tables, const uint32_t *words, uint32_t one,
                          const uint32_t *decks, const uint64_t *keys, size_t rows, uint32_t *values,
                          struct waiting *waiting)
{
    struct ahead ahead;
    size_t count = 0;
    for (size_t i = 0; i < rows + AHEAD; i += LANES) {
        if (i >= AHEAD)
            count = second_step(words, keys, i - AHEAD, rows, &ahead, values, waiting, count);
        if (i < rows)
            first_step(tables, words, one, decks, keys, i, rows, values, &ahead);
    }
    return count;
}

/* One level: every row of the list reads its place; those at a node stay in the list. */
static size_t take_step(const uint32_t *words, uint32_t *values, struct waiting *waiting, size_t count)
{
    size_t still = 0;
    for (size_t k = 0; k < count; k += LANES) {
        const __mmask16 here = first_rows(count - k);
        const __m512i row = _mm512_loadu_si512(waiting->row + k);
        const __m512i nodes = _mm512_loadu_si512(waiting->nodes + k);
        const __m512i low = _mm512_loadu_si512(waiting->digits + k);
        const __m512i high = _mm512_loadu_si512(waiting->digits + k + 8);
        const __m512i value = read_words(words, here, _mm512_loadu_si512(waiting->place + k));
        const __mmask16 go = _mm512_movepi32_mask(value);
        _mm512_mask_i32scatter_epi32(values, here & ~go, row, value, 4);
        still = wait(waiting, still, go, row, nodes, value, low, high);
    }
    return still;
}

void toll_lpm_avx512(const struct toll_lpm *restrict tables, const uint32_t *restrict words, uint32_t one,
                     const uint32_t *restrict decks, const uint64_t *restrict keys, size_t rows,
                     uint32_t *restrict values)
{
    struct waiting waiting;
    if (words == NULL) { /* no deck has prefixes, so every row has deck 0 */
        for (size_t i = 0; i < rows; i++)
            values[i] = 0;
        return;
    }
    for (size_t base = 0; base < rows; base += GROUP_ROWS) {
        const size_t left = rows - base, group = left < GROUP_ROWS ? left : GROUP_ROWS;
        size_t count =
            start_group(tables, words, one, decks + base, keys + base, group, values + base, &waiting);
        expect(words, waiting.place, count);
        for (int level = 0; count > 0 && level < LEVELS_MAX; level++)
            count = take_step(words, values + base, &waiting, count);
        for (size_t k = 0; k < count; k++) /* a number longer than any: no import writes one */
            values[base + waiting.row[k]] = 0;
    }
}
