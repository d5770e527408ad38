/* Least significant byte first; a byte that is equal in all keys costs no pass, and what is in order none at
 * all. */
#include "ratetable/sort.h"

#include <stdlib.h>
#include <string.h>

static bool in_order(const struct toll_sort_pair *pairs, size_t count)
{
    size_t i = 1;

    while (i < count && pairs[i - 1].key <= pairs[i].key)
        i++;
    return i >= count;
}

bool toll_sort_pairs(struct toll_sort_pair *pairs, size_t count)
{
    struct toll_sort_pair *from = pairs, *to, *scratch;
    size_t counts[256];

    if (in_order(pairs, count))
        return true;
    scratch = malloc(count * sizeof(*scratch));
    if (scratch == NULL)
        return false;
    to = scratch;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t sum = 0;
        memset(counts, 0, sizeof(counts));
        for (size_t i = 0; i < count; i++)
            counts[from[i].key >> shift & 0xFF]++;
        if (counts[from[0].key >> shift & 0xFF] == count)
            continue;
        for (unsigned i = 0; i < 256; i++) {
            const size_t here = counts[i];
            counts[i] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[counts[from[i].key >> shift & 0xFF]++] = from[i];
        struct toll_sort_pair *const swap = from;
        from = to;
        to = swap;
    }
    if (from != pairs)
        memcpy(pairs, from, count * sizeof(*pairs));
    free(scratch);
    return true;
}
