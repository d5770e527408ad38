/*
 * Tax tuples of lines: three reads of small tables each, and one of the line's bucket. The keys of a chunk's
 * rows are found first, several rows at once as the compiler does it.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 48 /* rows whose bucket is on its way */
#define CHUNK_ROWS 128

/* Of each row the key of its kind, and all bits if it is rated. */
struct chunk {
    uint32_t key[CHUNK_ROWS], rated[CHUNK_ROWS];
};

static inline void find_keys(const uint16_t *restrict kind, const uint8_t *restrict class_jurisdiction,
                             const uint8_t *restrict status, size_t rows, struct chunk *restrict chunk)
{
    for (size_t i = 0; i < rows; i++) {
        chunk->rated[i] = 0u - (uint32_t)(status[i] == TOLL_RATED);
        chunk->key[i] = toll_tuple_key(kind[i], class_jurisdiction[i]);
    }
}

/* calendars: one, and its bucket is not asked, or several. */
static inline __attribute__((always_inline)) size_t
find_tuples(const struct toll_tuple_in *in, const struct chunk *restrict chunk,
            const uint32_t *restrict bucket, size_t rows, size_t until, bool calendars,
            int32_t *restrict tuple, uint32_t *restrict slot, uint32_t first, uint32_t *restrict rest)
{
    const struct toll_tuple_bucket *restrict buckets = in->buckets;
    const uint32_t *restrict offsets = in->offsets, *restrict spans = in->spans,
                             *restrict planes = in->planes;
    const uint32_t span = spans[0];
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const struct toll_tuple_bucket *of = &buckets[bucket[i]];
        __builtin_prefetch(&buckets[bucket[i + AHEAD < until ? i + AHEAD : i]]);
        const uint32_t rated = chunk->rated[i];
        const uint32_t key = (offsets[chunk->key[i]] + (calendars ? spans[of->calendar] : span)) & rated;
        const uint32_t plane = planes[key];
        tuple[i] = (int32_t)((of->first & rated) + key);
        slot[i] = plane + bucket[i];
        rest[count] = first + (uint32_t)i;
        count += (plane == 0) & rated;
    }
    return count;
}

size_t toll_tuple_scalar(const struct toll_tuple_in *in, const uint16_t *restrict kind,
                         const uint8_t *restrict class_jurisdiction, const uint8_t *restrict status,
                         const uint32_t *restrict bucket, size_t rows, int32_t *restrict tuple,
                         uint32_t *restrict slot, uint32_t *restrict rest)
{
    struct chunk chunk;
    size_t count = 0;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t left = rows - first, here = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        find_keys(kind + first, class_jurisdiction + first, status + first, here, &chunk);
        for (size_t i = 0; in->product != NULL && i < here; i++)
            chunk.key[i] += in->product[first + i];
        if (in->calendars <= 1)
            count += find_tuples(in, &chunk, bucket + first, here, left, false, tuple + first, slot + first,
                                 (uint32_t)first, rest + count);
        else
            count += find_tuples(in, &chunk, bucket + first, here, left, true, tuple + first, slot + first,
                                 (uint32_t)first, rest + count);
    }
    return count;
}
