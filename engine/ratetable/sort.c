/* Least significant byte first; a byte that is equal in all keys costs no pass, and what is in order none at
 * all. */
#include "ratetable/sort.h"

#include "base/large.h"

#include <stdlib.h>
#include <string.h>

static bool in_order(const struct toll_sort_pair *pairs, size_t count)
{
    size_t i = 1;

    while (i < count && pairs[i - 1].key <= pairs[i].key)
        i++;
    return i >= count;
}

/* How often each byte has each value, by shift. */
static void count_bytes(const struct toll_sort_pair *pairs, size_t count, size_t counts[8][256])
{
    for (size_t i = 0; i < count; i++) {
        uint64_t key = pairs[i].key;
        for (unsigned byte = 0; byte < 8; byte++, key >>= 8)
            counts[byte][key & 0xFF]++;
    }
}

bool toll_sort_pairs(struct toll_sort_pair *pairs, size_t count)
{
    struct toll_sort_pair *from = pairs, *to, *scratch;
    size_t counts[8][256] = {{0}};

    if (in_order(pairs, count))
        return true;
    scratch = toll_large_alloc(count * sizeof(*scratch));
    if (scratch == NULL)
        return false;
    to = scratch;
    count_bytes(pairs, count, counts);
    for (unsigned byte = 0; byte < 8; byte++) {
        size_t *const places = counts[byte];
        size_t sum = 0;
        const unsigned shift = 8 * byte;
        if (places[from[0].key >> shift & 0xFF] == count)
            continue;
        for (unsigned i = 0; i < 256; i++) {
            const size_t here = places[i];
            places[i] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[places[from[i].key >> shift & 0xFF]++] = from[i];
        struct toll_sort_pair *const swap = from;
        from = to;
        to = swap;
    }
    if (from != pairs)
        memcpy(pairs, from, count * sizeof(*pairs));
    free(scratch);
    return true;
}
