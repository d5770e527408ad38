/*
 * Longest prefix match, many rows at once, level by level: every row of a group takes one step, those that
 * have to go on are listed and take the next one. So the reads of a level wait together, not one after the
 * other, and no branch depends on a value that is still on its way. Most numbers end after two steps: area
 * code, exchange.
 */
#include "simd/kernels.h"
#include "simd/lpm_levels.h"

#define FIRST_3 52 /* shifts that leave digits 1-3, 2-4 in the low 12 bits */
#define AREA 48
#define LEVELS_MAX 16 /* a number's nibbles: more steps there cannot be */
#define CHUNK_ROWS 32
#define AHEAD 128 /* rows whose second place is on its way: a multiple of CHUNK_ROWS */

/* Three BCD nibbles, digits 5-7 of a number's upper half, as 0..999; whatever the bytes are, never beyond the
 * page. */
static inline uint32_t exchange_of(uint32_t upper)
{
    const int32_t nibbles = (int32_t)(upper >> 4 & 0xfff);
    const int32_t value = nibbles - 6 * (nibbles >> 4) - 60 * (nibbles >> 8);
    return (uint32_t)(value < 1000 ? value : 999);
}

/* a if `first`, else b, without a branch. */
static inline uint32_t choose(bool first, uint32_t a, uint32_t b)
{
    return b ^ ((a ^ b) & (0u - first));
}

/* The place of the first value. */
static inline uint32_t first_place(const struct toll_lpm *table, uint64_t key)
{
    return choose(key >> 60 == 1, table->npa + (uint32_t)(key >> AREA & 0xfff),
                  table->first3 + (uint32_t)(key >> FIRST_3));
}

/* The place of the second one, when the first is a node, and the digits that are left then, at the top. */
static inline uint32_t second_place(const struct toll_lpm *table, uint64_t key, uint32_t value,
                                    uint64_t *digits)
{
    const uint32_t index = value & TOLL_LPM_INDEX;
    const uint32_t page = table->pages + index * 1000 + exchange_of((uint32_t)(key >> 32));
    const uint32_t node = table->nodes + index * 16 + (uint32_t)(key >> 48 & 0xf);
    *digits = key << choose(key >> 60 == 1, 28, 16);
    return choose(key >> 60 == 1, page, node);
}

uint32_t toll_lpm_one(const struct toll_lpm *table, const uint32_t *words, uint64_t key)
{
    uint32_t value = words[first_place(table, key)];
    if ((value & TOLL_LPM_NODE) == 0)
        return value;
    uint64_t digits;
    value = words[second_place(table, key, value, &digits)];
    for (int level = 0; (value & TOLL_LPM_NODE) != 0 && level < LEVELS_MAX; level++, digits <<= 4)
        value = words[next_place(table->nodes, value, digits)];
    return (value & TOLL_LPM_NODE) != 0 ? 0 : value;
}

/* What the rows of a chunk need of their decks. */
struct fields {
    uint32_t first3[CHUNK_ROWS], npa[CHUNK_ROWS], pages[CHUNK_ROWS], nodes[CHUNK_ROWS];
};

static inline void put_fields(struct fields *fields, size_t i, const struct toll_lpm *table)
{
    fields->first3[i] = table->first3;
    fields->npa[i] = table->npa;
    fields->pages[i] = table->pages;
    fields->nodes[i] = table->nodes;
}

/* Where rows read first, and what their second place is as far as that does not depend on what they read
 * there: `from`, and so many words on for each page or node. */
struct places {
    uint32_t first[CHUNK_ROWS], from[CHUNK_ROWS], each[CHUNK_ROWS];
};

/* Plain sums of the numbers' upper halves, so that the compiler does several rows at once. */
static inline void find_places(const struct fields *restrict fields, const uint64_t *restrict keys,
                               size_t rows, struct places *restrict places)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t upper = (uint32_t)(keys[i] >> 32), area = upper >> 16 & 0xfff;
        const bool nanp = upper >> 28 == 1;
        const uint32_t page = fields->pages[i] + exchange_of(upper), node = fields->nodes[i] + (area & 0xf);
        places->first[i] = choose(nanp, fields->npa[i] + area, fields->first3[i] + (upper >> 20));
        places->from[i] = choose(nanp, page, node);
        places->each[i] = choose(nanp, 1000, 16);
    }
}

/* The first step of a chunk: values, of which some are nodes, and where those read next; 0 of the others. */
static inline void start_chunk(const uint32_t *restrict words, const struct places *restrict places,
                               const uint32_t *restrict decks, size_t rows, uint32_t *restrict values,
                               uint32_t *restrict next)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t wanted = decks[i] != 0 ? ~0u : 0;
        const uint32_t value = words[places->first[i] & wanted] & wanted;
        const uint32_t place = places->from[i] + (value & TOLL_LPM_INDEX) * places->each[i];
        values[i] = value;
        next[i] = place & (0 - (value >> 31));
        __builtin_prefetch(words + next[i]);
    }
}

/* The second step, of rows [first, first + rows); those that are still at a node are listed. */
static inline size_t finish_chunk(const uint32_t *restrict words, const uint32_t *restrict next, size_t first,
                                  size_t rows, uint32_t *restrict values, uint32_t *restrict list,
                                  size_t count)
{
    for (size_t i = 0; i < rows; i++) {
        const uint32_t before = values[first + i], read = words[next[i]];
        const uint32_t value = before >> 31 != 0 ? read : before;
        values[first + i] = value;
        list[count] = (uint32_t)(first + i);
        count += value >> 31;
    }
    return count;
}

/* The first two steps, chunk by chunk: places are on their way while those of later rows are found. */
static size_t start_group(const struct toll_lpm *restrict tables, const uint32_t *restrict words,
                          uint32_t one, const uint32_t *restrict decks, const uint64_t *restrict keys,
                          size_t rows, uint32_t *restrict values, uint32_t *restrict list)
{
    struct fields fields;
    struct places places;
    uint32_t next[AHEAD]; /* of row i in place i % AHEAD */
    size_t count = 0;
    for (size_t i = 0; one != 0 && i < CHUNK_ROWS; i++)
        put_fields(&fields, i, &tables[one]);
    for (size_t i = 0; i < rows + AHEAD; i += CHUNK_ROWS) {
        if (i >= AHEAD) {
            const size_t before = i - AHEAD, left = rows - before;
            count = finish_chunk(words, next + i % AHEAD, before, left < CHUNK_ROWS ? left : CHUNK_ROWS,
                                 values, list, count);
        }
        if (i < rows) {
            const size_t here = rows - i < CHUNK_ROWS ? rows - i : CHUNK_ROWS;
            for (size_t k = 0; one == 0 && k < here; k++)
                put_fields(&fields, k, &tables[decks[i + k]]);
            find_places(&fields, keys + i, here, &places);
            start_chunk(words, &places, decks + i, here, values + i, next + i % AHEAD);
        }
    }
    return count;
}

void toll_lpm_scalar(const struct toll_lpm *restrict tables, const uint32_t *restrict words, uint32_t one,
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
        const size_t group = rows - base < GROUP_ROWS ? rows - base : GROUP_ROWS;
        size_t count =
            start_group(tables, words, one, decks + base, keys + base, group, values + base, waiting.row);
        list_places(tables, words, one, decks + base, keys + base, values + base, &waiting, count);
        for (int level = 0; count > 0 && level < LEVELS_MAX - 1; level++)
            count = take_step(words, values + base, &waiting, count);
        for (size_t k = 0; k < count; k++) /* a number longer than any: no import writes one */
            values[base + waiting.row[k]] = 0;
    }
}
