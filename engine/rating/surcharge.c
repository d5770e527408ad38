/* The share in whole numbers: percentages are in 1e-6, calls below 2^63, so 128 bits hold every product. */
#include "rating/surcharge.h"

#include "base/check.h"

const char *toll_surcharge_measure_name(unsigned measure)
{
    static const char *const names[TOLL_SURCHARGE_MEASURES] = {
        [TOLL_SHORT_CALLS] = "short_calls", [TOLL_ATTEMPTS] = "attempts", [TOLL_NO_ANI] = "no_ani"};
    return measure < TOLL_SURCHARGE_MEASURES ? names[measure] : "";
}

bool toll_surcharge_charge(const struct toll_surcharge *surcharge, int decimals, enum toll_rounding rounding,
                           int64_t calls, int64_t counted, int64_t *charged, toll_money *charge)
{
    TOLL_ASSERT(counted >= 0 && counted <= calls && decimals >= 0 && decimals <= TOLL_MONEY_DECIMALS);
    const toll_total share = (toll_total)calls * surcharge->threshold;
    const int64_t within = (int64_t)(share / TOLL_THRESHOLD_ALL);
    toll_total quantum = 1;
    if (surcharge->all)
        *charged = (toll_total)counted * TOLL_THRESHOLD_ALL > share ? counted : 0;
    else
        *charged = counted > within ? counted - within : 0;
    for (int i = decimals; i < TOLL_MONEY_DECIMALS; i++)
        quantum *= 10;
    return toll_money_narrow(
        toll_round_ratio((toll_total)surcharge->amount * *charged, quantum, rounding) * quantum, charge);
}
