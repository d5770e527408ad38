/*
 * The number map, many rows at once. What costs is waiting: for lines that lie in far caches, and for
 * branches that nobody can predict. So lines are requested AHEAD rows before they are looked at, all five
 * numbers of a line are compared without a branch, and the few rows whose number may stand in the next line
 * are listed and done at the end.
 */
#include "simd/kernels.h"

#define AHEAD 16
#define GROUP_ROWS 512

/* The owner of key in this line, 0 when it is not there; an empty place has owner 0 and matches key 0. */
static inline uint32_t look(const struct toll_number_line *line, uint64_t key)
{
    uint32_t owner = 0;
    for (unsigned i = 0; i < TOLL_NUMBER_LINE_KEYS; i++)
        owner |= line->owner[i] & (0u - (uint32_t)(line->key[i] == key));
    return owner;
}

/* Each line at most once: ends even on a map in which no line has an end. */
static uint32_t go_on(const struct toll_number_line *lines, uint64_t line_count, uint64_t key, uint64_t at)
{
    uint32_t owner = 0;
    for (uint64_t step = 1; step < line_count && owner == 0 && lines[at].more != 0; step++) {
        at = at + 1 == line_count ? 0 : at + 1;
        owner = look(&lines[at], key);
    }
    return owner;
}

uint32_t toll_probe_one(const struct toll_number_line *lines, uint64_t line_count, uint64_t key)
{
    if (line_count == 0 || key == 0)
        return 0;
    const uint64_t at = toll_number_line_of(key, line_count);
    const uint32_t owner = look(&lines[at], key);
    return owner != 0 ? owner : go_on(lines, line_count, key, at);
}

void toll_probe_scalar(const struct toll_number_line *restrict lines, uint64_t line_count,
                       const uint64_t *restrict keys, size_t rows, uint32_t *restrict owners)
{
    if (line_count == 0) {
        for (size_t i = 0; i < rows; i++)
            owners[i] = 0;
        return;
    }
    const size_t first = rows < AHEAD ? rows : AHEAD;
    for (size_t i = 0; i < first; i++)
        __builtin_prefetch(&lines[toll_number_line_of(keys[i], line_count)]);
    for (size_t base = 0; base < rows; base += GROUP_ROWS) {
        const size_t end = rows - base < GROUP_ROWS ? rows : base + GROUP_ROWS;
        uint32_t waiting[GROUP_ROWS];
        size_t count = 0;
        for (size_t i = base; i < end; i++) {
            const size_t later = i + AHEAD < rows ? i + AHEAD : i;
            __builtin_prefetch(&lines[toll_number_line_of(keys[later], line_count)]);
            const struct toll_number_line *line = &lines[toll_number_line_of(keys[i], line_count)];
            const uint32_t owner = look(line, keys[i]);
            owners[i] = owner;
            waiting[count] = (uint32_t)i;
            count += (owner == 0) & (keys[i] != 0) & (line->more != 0);
        }
        for (size_t k = 0; k < count; k++)
            owners[waiting[k]] = toll_probe_one(lines, line_count, keys[waiting[k]]);
    }
}
