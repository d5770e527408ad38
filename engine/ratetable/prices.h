/* Price rows: an id for each, its arithmetic (stored once for equal ones) and where it came from. */
#ifndef TOLL_RATETABLE_PRICES_H
#define TOLL_RATETABLE_PRICES_H

#include "ratetable/build.h"

/* True when 64-bit arithmetic cannot overflow for billed < 2^26: the definition of toll_terms.small. Mark-up
 * multiplies two amounts of money and always takes the wide path. */
static inline bool toll_terms_are_small(const struct toll_terms *terms)
{
    const int64_t fee = INT64_C(1) << 50;

    return terms->action != TOLL_ACTION_MARKUP && terms->rate >= 0 && terms->rate < INT64_C(1) << 36 &&
           terms->connect_fee >= 0 && terms->connect_fee < fee && terms->minimum_charge < fee &&
           (terms->maximum_charge == INT64_MAX || terms->maximum_charge < fee) &&
           (uint64_t)(uint32_t)terms->per * terms->quantum < UINT64_C(1) << 40;
}

static inline uint32_t toll_quantum(int decimals)
{
    uint32_t quantum = 1;

    for (; decimals < TOLL_MONEY_DECIMALS; decimals++)
        quantum *= 10;
    return quantum;
}

/* Price ids 0 (none) and 1 (emergency). */
int toll_prices_begin(struct toll_build *build);
/* Appends a price row; terms->small is set here. Ids are given in call order. */
int toll_price_add(struct toll_build *build, struct toll_terms *terms, const struct toll_price_origin *origin,
                   int32_t *price);

#endif
