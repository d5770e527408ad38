/* Billed units of one row: the rule. A block of rows is rating/voice.h's. */
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

enum toll_billed_outcome toll_units_wanted(const struct toll_terms *terms, int64_t used, int64_t *wanted)
{
    *wanted = 0;
    if (used == 0) {
        if (terms->zero_s == TOLL_ZERO_S_FREE)
            return TOLL_BILLED_ZERO;
        if (terms->zero_s == TOLL_ZERO_S_CONNECT)
            return TOLL_BILLED;
        used = 1;
    }
    used = used < terms->minimum_units ? terms->minimum_units : used;
    *wanted = used > terms->free_units ? used - terms->free_units : 0;
    return TOLL_BILLED;
}

enum toll_billed_outcome toll_billed(const struct toll_terms *terms, int64_t used, int32_t *billed)
{
    TOLL_DCHECK(used >= 0 && terms->increment >= 1);
    int64_t wanted;
    *billed = 0;
    const enum toll_billed_outcome outcome = toll_units_wanted(terms, used, &wanted);
    if (outcome != TOLL_BILLED || wanted == 0)
        return outcome;
    if (wanted > INT32_MAX) /* from here on nothing overflows */
        return TOLL_BILLED_OVERFLOW;

    const int64_t initial = terms->initial;
    const int64_t increment = terms->increment;
    int64_t units;
    if (terms->init_mode == TOLL_INIT_APPEND)
        units = initial + (wanted > initial ? round_up(wanted - initial, increment) : 0);
    else
        units = round_up(wanted > initial ? wanted : initial, increment);
    if (units > INT32_MAX)
        return TOLL_BILLED_OVERFLOW;
    *billed = (int32_t)units;
    return TOLL_BILLED;
}
