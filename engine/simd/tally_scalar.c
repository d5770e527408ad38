/*
 * Sums over finished lines. Buckets and prices are far memory, asked for some rows before; what counts of a
 * chunk's rows is found first, several rows at once as the compiler does it.
 */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define CHUNK_ROWS 64 /* the buckets and prices of the next ones are on their way */

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
}

/* Of a chunk's rows: where they count, which price they name, and 1 if their status is no common one. */
struct chunk {
    uint32_t bucket[CHUNK_ROWS], named[CHUNK_ROWS], other[CHUNK_ROWS];
};
struct counts {
    int64_t units;
    uint32_t rated, unanswered;
};

static inline struct counts look(const uint16_t *restrict kind, const int32_t *restrict price,
                                 const int32_t *restrict billed, const uint8_t *restrict status,
                                 const uint32_t *restrict bucket, size_t rows, struct chunk *restrict chunk)
{
    struct counts counts = {0, 0, 0};
    for (size_t i = 0; i < rows; i++) {
        const uint32_t voice = mask((kind[i] & TOLL_CALL_SERVICE) == TOLL_CALL_VOICE), state = status[i];
        const uint32_t rated = state == TOLL_RATED, unanswered = state == TOLL_ZERO_UNANSWERED;
        chunk->bucket[i] = bucket[i] & mask(state < TOLL_SUSPENSE_FIRST);
        chunk->named[i] = (uint32_t)price[i] & voice;
        chunk->other[i] = (rated | unanswered) ^ 1;
        counts.units += (int32_t)((uint32_t)billed[i] & voice);
        counts.rated += rated;
        counts.unanswered += unanswered;
    }
    return counts;
}

void toll_tally_scalar(const uint16_t *restrict kind, const int32_t *restrict price,
                       const int32_t *restrict billed, const int64_t *restrict charge,
                       const uint8_t *restrict status, const uint32_t *restrict bucket, size_t rows,
                       struct toll_tally_out *out)
{
    struct toll_tally_bucket *restrict buckets = out->buckets;
    uint64_t *restrict voice_prices = out->voice_prices;
    uint32_t *restrict rest = out->rest;
    size_t rest_count = 0;
    struct chunk chunk;
    for (size_t first = 0; first < rows; first += CHUNK_ROWS) {
        const size_t left = rows - first, here = left < CHUNK_ROWS ? left : CHUNK_ROWS;
        const size_t later = first + (left - here < CHUNK_ROWS ? left - here : CHUNK_ROWS);
        const struct counts counts =
            look(kind + first, price + first, billed + first, status + first, bucket + first, here, &chunk);
        for (size_t i = 0; i < here; i++) {
            __builtin_prefetch(&buckets[bucket[later + i]], 1);
            __builtin_prefetch(&voice_prices[(uint32_t)price[later + i] >> 6], 1);
            struct toll_tally_bucket *to = &buckets[chunk.bucket[i]];
            to->rows++;
            to->units += billed[first + i];
            to->charge_low += (uint32_t)charge[first + i];
            to->charge_high += charge[first + i] >> 32;
            voice_prices[chunk.named[i] >> 6] |= UINT64_C(1) << (chunk.named[i] & 63);
            rest[rest_count] = (uint32_t)(first + i);
            rest_count += chunk.other[i];
        }
        out->voice_units += counts.units;
        out->rated += counts.rated;
        out->unanswered += counts.unanswered;
    }
    out->rest_count = rest_count;
}
