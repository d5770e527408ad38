/* Billed units, one row and a block of rows. The one-row form is the rule; the block gives the same, faster.
 */
#include "rating/billed.h"

#include "base/check.h"

int64_t toll_units_of_ms(int32_t duration_ms, enum toll_duration_rounding rounding)
{
    static const int add_ms[] = {
        [TOLL_DURATION_UP] = 999,
        [TOLL_DURATION_DOWN] = 0,
        [TOLL_DURATION_HALF_UP] = 500,
        [TOLL_DURATION_MS] = 999, /* every later step is in whole seconds and rounds up */
    };
    return duration_ms <= 0 ? 0 : ((int64_t)duration_ms + add_ms[rounding]) / 1000;
}

static int64_t round_up(int64_t value, int64_t step)
{
    return (value + step - 1) / step * step;
}

enum toll_billed_outcome toll_billed_as_used(int64_t used, int32_t *billed)
{
    const bool fits = used <= INT32_MAX;
    *billed = fits ? (int32_t)used : 0;
    return fits ? TOLL_BILLED : TOLL_BILLED_OVERFLOW;
}

enum toll_billed_outcome toll_billed(const struct toll_terms *terms, int64_t used, int32_t *billed)
{
    TOLL_DCHECK(used >= 0 && terms->increment >= 1);
    *billed = 0;
    if (used == 0) {
        if (terms->zero_s == TOLL_ZERO_S_FREE)
            return TOLL_BILLED_ZERO;
        if (terms->zero_s == TOLL_ZERO_S_CONNECT)
            return TOLL_BILLED;
        used = 1;
    }
    if (used < terms->minimum_units)
        used = terms->minimum_units;
    /* What free units, below 2^31, cannot bring back below 2^31; from here on nothing overflows. */
    if (used > INT64_C(1) << 33)
        return TOLL_BILLED_OVERFLOW;
    used -= terms->free_units;
    if (used <= 0)
        return TOLL_BILLED;

    const int64_t initial = terms->initial;
    const int64_t increment = terms->increment;
    int64_t units;
    if (terms->init_mode == TOLL_INIT_APPEND)
        units = initial + (used > initial ? round_up(used - initial, increment) : 0);
    else
        units = round_up(used > initial ? used : initial, increment);
    if (units > INT32_MAX)
        return TOLL_BILLED_OVERFLOW;
    *billed = (int32_t)units;
    return TOLL_BILLED;
}

static unsigned ceil_log2(uint64_t value)
{
    return value <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(value - 1);
}

struct toll_billed_fast toll_billed_fast_make(const struct toll_terms *terms)
{
    struct toll_billed_fast fast = {.exact = 1};
    if (terms->action != TOLL_ACTION_DECK || terms->state != TOLL_PRICE_OK || terms->increment < 1 ||
        terms->initial < 1 || terms->init_mode != TOLL_INIT_APPEND || terms->minimum_units != 0 ||
        terms->free_units != 0 || terms->zero_s != TOLL_ZERO_S_FREE)
        return fast;
    /* The longest call is 2^31 ms, about 2^21 s: with these bounds no sum passes 2^30. */
    if (terms->initial >= 1 << 28 || terms->increment >= 1 << 28)
        return fast;
    const unsigned log2 = ceil_log2((uint64_t)terms->increment);
    fast.initial = (uint32_t)terms->initial;
    fast.increment = (uint32_t)terms->increment;
    fast.shift = (uint8_t)(31 + log2);
    fast.magic = (uint32_t)((UINT64_C(1) << fast.shift) / fast.increment + 1);
    fast.round_ms = (uint16_t)(terms->duration_rounding == TOLL_DURATION_DOWN      ? 0
                               : terms->duration_rounding == TOLL_DURATION_HALF_UP ? 500
                                                                                   : 999);
    fast.exact = 0;
    return fast;
}

static inline int32_t positive(int32_t value)
{
    return value & ~(value >> 31);
}

void toll_billed_block(const struct toll_terms *restrict terms, const struct toll_billed_fast *restrict fast,
                       const uint32_t *restrict index, const int32_t *restrict duration_ms, size_t rows,
                       int32_t *restrict billed, uint8_t *restrict outcome)
{
    for (size_t i = 0; i < rows; i++) {
        const struct toll_billed_fast *f = &fast[index[i]];
        if (__builtin_expect(f->exact, 0)) {
            const int64_t used = toll_units_of_ms(
                duration_ms[i], (enum toll_duration_rounding)terms[index[i]].duration_rounding);
            outcome[i] = (uint8_t)toll_billed(&terms[index[i]], used, &billed[i]);
            continue;
        }
        /* Without branches: whether a call is longer than its first increment is a coin's toss. */
        const uint32_t ms = (uint32_t)positive(duration_ms[i]);
        const int32_t used = (int32_t)((ms + f->round_ms) / 1000);
        const uint32_t beyond = (uint32_t)positive(used - (int32_t)f->initial) + f->increment - 1;
        const uint32_t steps = (uint32_t)((uint64_t)beyond * f->magic >> f->shift);
        const uint32_t units = f->initial + steps * f->increment;
        const uint32_t some = 0u - (uint32_t)(used != 0);
        billed[i] = (int32_t)(units & some);
        outcome[i] = (uint8_t)((uint32_t)(index[i] != 0) & ~some & TOLL_BILLED_ZERO);
    }
}
