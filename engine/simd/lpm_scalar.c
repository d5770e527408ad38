/*
 * Longest prefix match, many rows at once, level by level: every row of a group takes one step, those that
 * have to go on are listed and take the next one. So the reads of a level wait together, not one after the
 * other, and no branch depends on a value that is still on its way. Most numbers end after two steps: area
 * code, exchange.
 */
#include "simd/kernels.h"
#include "simd/lpm_levels.h"

#define FIRST_3 52 /* shifts that leave digits 1-3, 2-4, 5-7 in the low 12 bits */
#define AREA 48
#define EXCHANGE 36
#define LEVELS_MAX 16 /* a number's nibbles: more steps there cannot be */

/* Three BCD nibbles as 0..999; whatever the bytes are, never beyond the page. */
static inline uint32_t exchange_of(uint64_t key)
{
    const uint32_t nibbles = (uint32_t)(key >> EXCHANGE) & 0xfff;
    const uint32_t value = nibbles - 6u * (nibbles >> 4) - 60u * (nibbles >> 8);
    return value < 1000 ? value : 999;
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
    const uint32_t page = table->pages + index * 1000 + exchange_of(key);
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

static size_t start_group(const struct toll_lpm *restrict tables, const uint32_t *restrict words,
                          uint32_t one, const uint32_t *restrict decks, const uint64_t *restrict keys,
                          size_t base, size_t rows, uint32_t *restrict values,
                          struct waiting *restrict waiting)
{
    size_t count = 0;
    for (size_t i = base; i < base + rows; i++) {
        const struct toll_lpm *table = &tables[one != 0 ? one : decks[i]];
        const uint32_t wanted = decks[i] != 0 ? ~0u : 0;
        const uint32_t value = words[first_place(table, keys[i]) & wanted] & wanted;
        const uint32_t place = second_place(table, keys[i], value, &waiting->digits[count]);
        values[i] = value;
        waiting->row[count] = (uint32_t)i;
        waiting->nodes[count] = table->nodes;
        waiting->place[count] = place;
        count += value >> 31;
        __builtin_prefetch(words + place); /* of a value that is no node: some place, harmless */
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
        size_t count = start_group(tables, words, one, decks, keys, base, group, values, &waiting);
        for (int level = 0; count > 0 && level < LEVELS_MAX; level++)
            count = take_step(words, values, &waiting, count);
        for (size_t k = 0; k < count; k++) /* a number longer than any: no import writes one */
            values[waiting.row[k]] = 0;
    }
}
