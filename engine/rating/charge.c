/*
 * The charge, one row and a block of rows. The one-row form is the rule: everything is multiplied by the
 * divisor first, so that there is one exact fraction and one rounding. The block gives the same, faster.
 */
#include "rating/charge.h"

#include "base/check.h"
#include "rating/billed.h"

static toll_money narrow(toll_total value, bool *fits)
{
    toll_money money = 0;
    *fits = toll_money_narrow(value, &money);
    return *fits ? money : 0;
}

/* numerator / (divisor * quantum), rounded, times quantum. */
static bool round_once(const struct toll_terms *terms, toll_total numerator, toll_total divisor,
                       toll_money *charge)
{
    bool fits;
    const toll_total steps =
        toll_round_ratio(numerator, divisor * terms->quantum, (enum toll_rounding)terms->rounding);
    *charge = narrow(steps * terms->quantum, &fits);
    return fits;
}

bool toll_charge_deck(const struct toll_terms *terms, int32_t billed, toll_money *charge)
{
    TOLL_DCHECK(billed >= 0 && terms->per >= 1 && terms->quantum >= 1);
    const toll_total per = terms->per;
    toll_total exact = (toll_total)terms->connect_fee * per + (toll_total)terms->rate * billed;
    const toll_total minimum = (toll_total)terms->minimum_charge * per;
    if (exact < minimum)
        exact = minimum;
    if (terms->maximum_charge != INT64_MAX && exact > (toll_total)terms->maximum_charge * per)
        exact = (toll_total)terms->maximum_charge * per;
    return round_once(terms, exact, per, charge);
}

bool toll_charge_flat(const struct toll_terms *terms, toll_money *charge)
{
    return round_once(terms, terms->connect_fee, 1, charge);
}

bool toll_charge_markup(const struct toll_terms *terms, toll_money provider_charge, toll_money *charge)
{
    /* rate is the percentage in 1e-6 %, so 100 % is 1e8; below 2^127 for any 64-bit input. */
    const toll_total hundred = 100000000;
    const toll_total exact =
        (toll_total)provider_charge * (hundred + terms->rate) + (toll_total)terms->connect_fee * hundred;
    return round_once(terms, exact, hundred, charge);
}

bool toll_charge_negate(toll_money *charge)
{
    return !__builtin_sub_overflow((toll_money)0, *charge, charge);
}

struct toll_charge_fast toll_charge_fast_make(const struct toll_terms *terms)
{
    struct toll_charge_fast fast = {.exact = 1};
    if (terms->action != TOLL_ACTION_DECK || terms->per < 1 || terms->quantum < 1 || terms->rate < 0 ||
        terms->connect_fee < 0 || terms->minimum_charge < 0 || terms->rounding == TOLL_HALF_EVEN)
        return fast;
    const toll_total limit = INT64_MAX;
    const toll_total per = terms->per;
    const toll_total divisor = per * terms->quantum;
    const toll_total bias = terms->rounding == TOLL_HALF_UP ? divisor / 2
                            : terms->rounding == TOLL_UP    ? divisor - 1
                                                            : 0;
    const bool capped = terms->maximum_charge != INT64_MAX;
    const toll_total most =
        (toll_total)terms->connect_fee * per + (toll_total)terms->rate * TOLL_CHARGE_FAST_UNITS + bias;
    if (divisor < 2 || most > limit || (toll_total)terms->minimum_charge * per + bias > limit ||
        (capped && (toll_total)terms->maximum_charge * per > limit))
        return fast;
    /* Granlund and Montgomery, "Division by invariant integers using multiplication": with the next power of
     * two 2^log2 >= divisor, this magic is exact for every numerator below 2^63. divisor < 2^58. */
    const unsigned log2 = 64u - (unsigned)__builtin_clzll((uint64_t)divisor - 1);
    fast.rate = (uint64_t)terms->rate;
    fast.connect = (uint64_t)terms->connect_fee * (uint64_t)per;
    fast.minimum = (uint64_t)terms->minimum_charge * (uint64_t)per;
    fast.maximum = capped ? (uint64_t)terms->maximum_charge * (uint64_t)per : INT64_MAX;
    fast.magic = (uint64_t)(((unsigned __int128)1 << (63 + log2)) / (uint64_t)divisor) + 1;
    fast.bias = (uint64_t)bias;
    fast.quantum = terms->quantum;
    fast.shift = (uint8_t)(log2 - 1);
    fast.exact = 0;
    return fast;
}

void toll_charge_block(const struct toll_terms *restrict terms, const struct toll_charge_fast *restrict fast,
                       const uint32_t *restrict index, const int32_t *restrict billed, size_t rows,
                       int64_t *restrict charge, uint8_t *restrict outcome)
{
    for (size_t i = 0; i < rows; i++) {
        const struct toll_charge_fast *f = &fast[index[i]];
        if (__builtin_expect(f->exact | (billed[i] >= TOLL_CHARGE_FAST_UNITS), 0)) {
            charge[i] = 0;
            if (index[i] != 0 && outcome[i] == TOLL_BILLED &&
                !toll_charge_deck(&terms[index[i]], billed[i], &charge[i]))
                outcome[i] = TOLL_BILLED_OVERFLOW;
            continue;
        }
        uint64_t exact = f->connect + f->rate * (uint32_t)billed[i];
        exact = exact < f->minimum ? f->minimum : exact;
        exact = exact > f->maximum ? f->maximum : exact;
        const uint64_t steps = (uint64_t)((unsigned __int128)(exact + f->bias) * f->magic >> 64) >> f->shift;
        const uint64_t money = steps * f->quantum;
        charge[i] = (int64_t)(money & (0u - (uint64_t)(outcome[i] == TOLL_BILLED)));
    }
}
