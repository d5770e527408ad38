/* The rest of a call is the rest of the same call: one fee, one minimum and maximum, one rounding. */
#include "rating/remainder.h"

#include "base/check.h"
#include "rating/billed.h"
#include "rating/charge.h"

bool toll_remainder_units(const struct toll_terms *terms, int64_t used_rest, int64_t *rest)
{
    TOLL_DCHECK(used_rest > 0);
    int32_t billed = 0;
    const enum toll_billed_outcome outcome = terms->action == TOLL_ACTION_DECK
                                                 ? toll_billed(terms, used_rest, &billed)
                                                 : toll_billed_as_used(used_rest, &billed);
    *rest = billed;
    return outcome == TOLL_BILLED;
}

bool toll_remainder_make(const struct toll_given *given, int64_t billed, int64_t rest,
                         struct toll_remainder *remainder)
{
    const bool by_used = given->by_used > 0;
    const bool gone = by_used && given->used_rest == 0;
    *remainder = (struct toll_remainder){.rest = gone ? 0 : by_used ? rest : billed};
    TOLL_DCHECK(given->by_billed <= remainder->rest);
    remainder->all = gone || (given->by_billed > 0 && given->by_billed == remainder->rest);
    return !__builtin_add_overflow(given->by_used, remainder->rest, &remainder->billed) &&
           remainder->billed <= INT32_MAX;
}

/* The connect fee alone: no minimum. */
static bool charge_connect(const struct toll_terms *terms, toll_money *charge)
{
    struct toll_terms fee = *terms;
    fee.minimum_charge = 0;
    return toll_charge_deck(&fee, 0, charge);
}

bool toll_remainder_charge(const struct toll_terms *terms, const struct toll_given *given,
                           const struct toll_remainder *remainder, toll_money *charge)
{
    const bool deck = terms->action == TOLL_ACTION_DECK;
    if (remainder->all && !(deck && given->connect)) {
        *charge = 0;
        return true;
    }
    if (!deck)
        return true; /* a flat amount or a mark-up is charged whole */
    if (remainder->all)
        return charge_connect(terms, charge);
    return toll_charge_deck(terms, (int32_t)(remainder->rest - given->by_billed), charge);
}
