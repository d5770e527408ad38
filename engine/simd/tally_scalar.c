/* Sums over finished lines. The buckets are far memory, asked for some rows before. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 64 /* rows whose bucket and price are on their way */

static inline uint32_t mask(bool condition)
{
    return 0u - (uint32_t)condition;
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
    int64_t voice_units = 0, rated = 0, unanswered = 0;
    for (size_t i = 0; i < rows; i++) {
        const bool voice = (kind[i] & TOLL_CALL_SERVICE) == TOLL_CALL_VOICE;
        const uint32_t named = (uint32_t)price[i] & mask(voice);
        const size_t later = i + AHEAD < rows ? i + AHEAD : i;
        __builtin_prefetch(&buckets[bucket[later]], 1);
        __builtin_prefetch(&voice_prices[(uint32_t)price[later] >> 6], 1);
        struct toll_tally_bucket *to = &buckets[bucket[i] & mask(status[i] < TOLL_SUSPENSE_FIRST)];
        to->rows++;
        to->units += billed[i];
        to->charge_low += (uint32_t)charge[i];
        to->charge_high += charge[i] >> 32;
        voice_prices[named >> 6] |= UINT64_C(1) << (named & 63);
        voice_units += billed[i] & (int32_t)mask(voice);
        rated += status[i] == TOLL_RATED;
        unanswered += status[i] == TOLL_ZERO_UNANSWERED;
        rest[rest_count] = (uint32_t)i;
        rest_count += (status[i] != TOLL_RATED) & (status[i] != TOLL_ZERO_UNANSWERED);
    }
    out->voice_units += voice_units;
    out->rated += rated;
    out->unanswered += unanswered;
    out->rest_count = rest_count;
}
