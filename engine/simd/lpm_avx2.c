/*
 * The prefix lookup with AVX2: area code and exchange of 8 rows at once by gathers; the rows that have to go
 * on are listed and walked level by level, one after the other, as in the scalar kernel.
 *
 * Places are unsigned 32-bit numbers and a gather's are signed, so `words` is taken from its middle, 2^31
 * words on, and the places are counted from there. Only rows that the scalar kernel would read are gathered.
 */
#include "simd/kernels.h"
#include "simd/list_avx2.h"
#include "simd/lpm_levels.h"

#include <immintrin.h>

#define LANES 8
#define CHUNK_ROWS 32
#define AHEAD 128 /* rows whose second place is on its way: a multiple of CHUNK_ROWS */
_Static_assert(LIST_SLACK >= LANES, "a whole vector fits behind the list");
#define LEVELS_MAX 15 /* after two steps: as many as the scalar kernel takes */

static inline __m256i read_words(const uint32_t *words, __m256i wanted, __m256i places)
{
    const void *middle = (const void *)((uintptr_t)words + (UINT64_C(1) << 31) * sizeof *words);
    return _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), middle,
                                       _mm256_xor_si256(places, _mm256_set1_epi32(INT32_MIN)), wanted, 4);
}

/* What 8 rows need of their decks. */
struct fields {
    __m256i first3, npa, pages, nodes;
};

static inline struct fields fields_of(const struct toll_lpm *tables, uint32_t one, const uint32_t *decks)
{
    if (one != 0)
        return (struct fields){
            _mm256_set1_epi32((int)tables[one].first3), _mm256_set1_epi32((int)tables[one].npa),
            _mm256_set1_epi32((int)tables[one].pages), _mm256_set1_epi32((int)tables[one].nodes)};
    uint32_t first3[LANES], npa[LANES], pages[LANES], nodes[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        const struct toll_lpm *table = &tables[decks[i]];
        first3[i] = table->first3;
        npa[i] = table->npa;
        pages[i] = table->pages;
        nodes[i] = table->nodes;
    }
    return (struct fields){_mm256_loadu_si256((const void *)first3), _mm256_loadu_si256((const void *)npa),
                           _mm256_loadu_si256((const void *)pages), _mm256_loadu_si256((const void *)nodes)};
}

/* Three BCD nibbles as 0..999; whatever the bytes are, never beyond the page. */
static inline __m256i exchange_of(__m256i upper)
{
    const __m256i nibbles = _mm256_and_si256(_mm256_srli_epi32(upper, 4), _mm256_set1_epi32(0xfff));
    const __m256i tens = _mm256_mullo_epi32(_mm256_srli_epi32(nibbles, 4), _mm256_set1_epi32(6));
    const __m256i hundreds = _mm256_mullo_epi32(_mm256_srli_epi32(nibbles, 8), _mm256_set1_epi32(60));
    return _mm256_min_epu32(_mm256_sub_epi32(_mm256_sub_epi32(nibbles, tens), hundreds),
                            _mm256_set1_epi32(999));
}

/* Digits 1-8 of 8 numbers. */
static inline __m256i upper_halves(const uint64_t *keys)
{
    const __m256 low = _mm256_castsi256_ps(_mm256_loadu_si256((const void *)keys));
    const __m256 high = _mm256_castsi256_ps(_mm256_loadu_si256((const void *)(keys + 4)));
    return _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(low, high, 0xdd)), 0xd8);
}

/* The first step of 8 rows: values, of which some are nodes, and where those read next; 0 of the others. */
static inline __m256i first_step(const struct fields *table, const uint32_t *words, __m256i wanted,
                                 __m256i upper, __m256i *places)
{
    const __m256i nanp = _mm256_cmpeq_epi32(_mm256_srli_epi32(upper, 28), _mm256_set1_epi32(1));
    const __m256i area = _mm256_and_si256(_mm256_srli_epi32(upper, 16), _mm256_set1_epi32(0xfff));
    const __m256i first = _mm256_blendv_epi8(_mm256_add_epi32(table->first3, _mm256_srli_epi32(upper, 20)),
                                             _mm256_add_epi32(table->npa, area), nanp);
    const __m256i value = read_words(words, wanted, first);

    const __m256i index = _mm256_and_si256(value, _mm256_set1_epi32(TOLL_LPM_INDEX));
    const __m256i page = _mm256_add_epi32(_mm256_mullo_epi32(index, _mm256_set1_epi32(1000)), table->pages);
    const __m256i node = _mm256_add_epi32(_mm256_slli_epi32(index, 4), table->nodes);
    const __m256i fourth = _mm256_and_si256(area, _mm256_set1_epi32(0xf));
    const __m256i second =
        _mm256_blendv_epi8(_mm256_add_epi32(node, fourth), _mm256_add_epi32(page, exchange_of(upper)), nanp);
    *places = _mm256_and_si256(second, _mm256_srai_epi32(value, 31));
    return value;
}

/* The first step of a chunk; the places are asked for. */
static inline void start_chunk(const struct toll_lpm *tables, const uint32_t *words, uint32_t one,
                               const uint32_t *decks, const uint64_t *keys, size_t rows,
                               uint32_t values[CHUNK_ROWS], uint32_t places[CHUNK_ROWS])
{
    for (size_t i = 0; i < rows; i += LANES) {
        uint64_t key[LANES] = {0};
        uint32_t deck[LANES] = {0};
        const size_t here = rows - i < LANES ? rows - i : LANES;
        const bool whole = here == LANES;
        for (size_t k = 0; k < here && !whole; k++) {
            key[k] = keys[i + k];
            deck[k] = decks[i + k];
        }
        const uint32_t *deck_at = whole ? decks + i : deck;
        const __m256i none =
            _mm256_cmpeq_epi32(_mm256_loadu_si256((const void *)deck_at), _mm256_setzero_si256());
        const struct fields table = fields_of(tables, one, deck_at);
        __m256i next;
        const __m256i value = first_step(&table, words, _mm256_xor_si256(none, _mm256_set1_epi32(-1)),
                                         upper_halves(whole ? keys + i : key), &next);
        _mm256_storeu_si256((void *)(values + i), value);
        _mm256_storeu_si256((void *)(places + i), next);
        for (unsigned k = 0; k < LANES; k++)
            __builtin_prefetch(words + places[i + k]);
    }
}

/* The second step, of rows [first, first + rows) of the group; those that are still at a node are listed. */
static inline size_t finish_chunk(const uint32_t *words, const uint32_t found[CHUNK_ROWS],
                                  const uint32_t places[CHUNK_ROWS], size_t first, size_t rows,
                                  uint32_t *values, uint32_t *waiting, size_t count)
{
    for (size_t i = 0; i < rows; i += LANES) {
        const __m256i before = _mm256_loadu_si256((const void *)(found + i));
        const __m256i go = _mm256_srai_epi32(before, 31);
        const __m256i value = _mm256_blendv_epi8(
            before, read_words(words, go, _mm256_loadu_si256((const void *)(places + i))), go);
        if (rows - i >= LANES) {
            _mm256_storeu_si256((void *)(values + first + i), value);
        } else {
            uint32_t last[LANES];
            _mm256_storeu_si256((void *)last, value);
            for (size_t k = 0; k < rows - i; k++)
                values[first + i + k] = last[k];
        }
        const uint32_t still = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(value));
        count = put_rows(waiting, count, first + i, still);
    }
    return count;
}

/* The first two steps, chunk by chunk: places are on their way while those of later rows are found. */
static size_t start_group(const struct toll_lpm *tables, const uint32_t *words, uint32_t one,
                          const uint32_t *decks, const uint64_t *keys, size_t rows, uint32_t *values,
                          uint32_t *waiting)
{
    uint32_t found[AHEAD], places[AHEAD]; /* of row i in place i % AHEAD */
    size_t count = 0;
    for (size_t i = 0; i < rows + AHEAD; i += CHUNK_ROWS) {
        const size_t at = i % AHEAD;
        if (i >= AHEAD) {
            const size_t before = i - AHEAD, left = rows - before;
            count = finish_chunk(words, found + at, places + at, before,
                                 left < CHUNK_ROWS ? left : CHUNK_ROWS, values, waiting, count);
        }
        if (i < rows)
            start_chunk(tables, words, one, decks + i, keys + i,
                        rows - i < CHUNK_ROWS ? rows - i : CHUNK_ROWS, found + at, places + at);
    }
    return count;
}

void toll_lpm_avx2(const struct toll_lpm *restrict tables, const uint32_t *restrict words, uint32_t one,
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
            start_group(tables, words, one, decks + base, keys + base, group, values + base, waiting.row);
        list_places(tables, words, one, decks + base, keys + base, values + base, &waiting, count);
        for (int level = 0; count > 0 && level < LEVELS_MAX; level++)
            count = take_step(words, values + base, &waiting, count);
        for (size_t k = 0; k < count; k++) /* a number longer than any: no import writes one */
            values[base + waiting.row[k]] = 0;
    }
}
