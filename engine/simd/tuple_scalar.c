/* Tax tuples of lines: three reads of small tables each, and one of the line's bucket. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 16 /* rows whose bucket is on its way */

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
}

size_t toll_tuple_scalar(const struct toll_tuple_in *in, const uint16_t *restrict kind,
                         const uint8_t *restrict class_jurisdiction, const uint8_t *restrict status,
                         const uint32_t *restrict bucket, size_t rows, int32_t *restrict tuple,
                         uint32_t *restrict slot, uint32_t *restrict rest)
{
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        const uint32_t rated = mask(status[i] == TOLL_RATED);
        const struct toll_tuple_bucket *of = &in->buckets[bucket[i]];
        __builtin_prefetch(&in->buckets[bucket[i + AHEAD < rows ? i + AHEAD : i]]);
        const uint32_t product = in->product == NULL ? 0 : in->product[i];
        const uint32_t offset = in->offsets[product + toll_tuple_key(kind[i], class_jurisdiction[i])];
        const uint32_t key = (offset + in->spans[in->calendars <= 1 ? 0 : of->calendar]) & rated;
        const uint32_t plane = in->planes[key];
        tuple[i] = (int32_t)((of->first & rated) + key);
        slot[i] = plane + bucket[i];
        rest[count] = (uint32_t)i;
        count += (plane == 0) & (rated != 0);
    }
    return count;
}
