/*
 * The charge of one row: the rule. Everything is multiplied by the divisor first, so that there is one exact
 * fraction and one rounding. A block of rows is rating/voice.h's.
 */
#include "rating/charge.h"

#include "base/check.h"

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

bool toll_charge_exact(const struct toll_terms *terms, toll_total exact, int64_t divisor, toll_money *charge)
{
    const toll_total minimum = (toll_total)terms->minimum_charge * divisor;
    if (exact < minimum)
        exact = minimum;
    if (terms->maximum_charge != INT64_MAX && exact > (toll_total)terms->maximum_charge * divisor)
        exact = (toll_total)terms->maximum_charge * divisor;
    return round_once(terms, exact, divisor, charge);
}

bool toll_charge_deck(const struct toll_terms *terms, int32_t billed, toll_money *charge)
{
    TOLL_DCHECK(billed >= 0 && terms->per >= 1 && terms->quantum >= 1);
    const toll_total exact = (toll_total)terms->connect_fee * terms->per + (toll_total)terms->rate * billed;
    return toll_charge_exact(terms, exact, terms->per, charge);
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
