/* Units and charge of answered voice calls. Whether a call is longer than its first increment is a coin's
 * toss, so nothing here branches. */
#include "simd/kernels.h"
#include "tollmill_segment.h"

#define AHEAD 32 /* rows whose terms are on their way */

static inline int32_t positive(int32_t value)
{
    return value > 0 ? value : 0;
}

size_t toll_voice_scalar(const struct toll_voice_terms *restrict terms, const uint32_t *restrict index,
                         const int32_t *restrict duration_ms, const struct toll_next_rows *next, size_t rows,
                         int32_t *restrict billed, int64_t *restrict charge, uint8_t *restrict status,
                         uint32_t *restrict exact)
{
    (void)next;
    size_t count = 0;
    for (size_t i = 0; i < rows; i++) {
        __builtin_prefetch(&terms->rates[index[i + AHEAD < rows ? i + AHEAD : i]]);
        const struct toll_voice_profile *f = toll_voice_profile(terms, index[i]);
        const uint64_t rate = terms->rates[index[i]] >> TOLL_VOICE_RATE_SHIFT;
        const uint32_t ms = (uint32_t)positive(duration_ms[i]);
        const int32_t used = (int32_t)((ms + f->round_ms) / 1000);
        const uint32_t beyond = (uint32_t)positive(used - (int32_t)f->initial) + f->increment - 1;
        const uint32_t steps = (uint32_t)((uint64_t)beyond * f->step_magic >> f->step_shift);
        const uint32_t some = 0u - (uint32_t)(used != 0);
        const uint32_t units = (f->initial + steps * f->increment) & some;
        const unsigned state = (f->status & some) | (f->zero_status & ~some);

        uint64_t amount = f->connect + rate * units;
        amount = amount < f->minimum ? f->minimum : amount;
        amount = amount > f->maximum ? f->maximum : amount;
        const uint64_t whole = (uint64_t)((unsigned __int128)amount * f->magic >> 64) >> f->shift;
        const uint64_t has_charge = 0 - (uint64_t)(state == TOLL_RATED);
        billed[i] = (int32_t)units;
        charge[i] = (int64_t)(whole * f->quantum & has_charge);
        status[i] |= (uint8_t)state;
        exact[count] = (uint32_t)i;
        count += f->exact;
    }
    return count;
}
