/* Everything is multiplied by the least common multiple of `per` first, so that there is one exact fraction
 * and one rounding. */
#include "rating/tiers.h"

#include "base/check.h"

uint32_t toll_tiers_reached(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t units)
{
    uint32_t low = tiers->first, high = tiers->first + tiers->count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (rows[middle].from_qty < units)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t blocks(int64_t units, int32_t per)
{
    return units / per + (units % per != 0);
}

/* C(before + units) - C(before), times tiers->per where the tiers are not packages. */
static toll_total between(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t before,
                          int64_t units)
{
    const uint32_t end = tiers->first + tiers->count;
    const int64_t after = before + units;
    toll_total sum = 0;
    for (uint32_t i = toll_tiers_reached(tiers, rows, before); i < end; i++) {
        const struct toll_tier *tier = &rows[i];
        const int64_t until = i + 1 < end && rows[i + 1].from_qty < after ? rows[i + 1].from_qty : after;
        const int64_t had = before > tier->from_qty ? before - tier->from_qty : 0;
        const int64_t has = until > tier->from_qty ? until - tier->from_qty : 0;
        if (has <= had && tier->from_qty >= after)
            break;
        if (has <= had)
            continue; /* all of this tier was used before */
        if (tiers->mode == TOLL_TIER_PACKAGE)
            sum += (toll_total)tier->rate * (blocks(has, tier->per) - blocks(had, tier->per));
        else
            sum += (toll_total)tier->rate * (has - had) * (tiers->per / (uint32_t)tier->per);
    }
    return sum;
}

/* The fees of the tiers that so many units have entered; volume: of the one reached. */
static toll_total fees(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t units)
{
    const uint32_t reached = toll_tiers_reached(tiers, rows, units);
    toll_total sum = rows[reached].flat;
    if (tiers->mode != TOLL_TIER_VOLUME)
        for (uint32_t i = tiers->first; i < reached; i++)
            sum += rows[i].flat;
    return sum;
}

bool toll_tiers_charge(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t before,
                       int64_t reached, int64_t units, toll_money *charge)
{
    const bool call = tiers->period == TOLL_TIER_CALL;
    toll_total exact;
    uint32_t divisor = tiers->per;
    TOLL_DCHECK(units >= 0 && units < INT64_C(1) << 31 && before >= 0 && reached >= 0);
    before = call ? 0 : before;
    reached = call ? units : reached;
    if (tiers->mode == TOLL_TIER_VOLUME) {
        const struct toll_tier *tier = &rows[toll_tiers_reached(tiers, rows, reached)];
        divisor = (uint32_t)tier->per;
        exact = (toll_total)tier->rate * units;
    } else {
        divisor = tiers->mode == TOLL_TIER_PACKAGE ? 1 : divisor;
        exact = between(tiers, rows, before, units);
    }
    if (call) {
        exact += fees(tiers, rows, units) * divisor;
        if (exact < (toll_total)tiers->minimum_spend * divisor)
            exact = (toll_total)tiers->minimum_spend * divisor;
        if (tiers->maximum_spend != INT64_MAX && exact > (toll_total)tiers->maximum_spend * divisor)
            exact = (toll_total)tiers->maximum_spend * divisor;
    }
    const toll_total steps =
        toll_round_ratio(exact, (toll_total)divisor * tiers->quantum, (enum toll_rounding)tiers->rounding);
    *charge = 0;
    return toll_money_narrow(steps * tiers->quantum, charge);
}

bool toll_tiers_period(const struct toll_tiers *tiers, const struct toll_tier *rows, int64_t units,
                       toll_total lines, struct toll_tiers_due *due)
{
    *due = (struct toll_tiers_due){0};
    if (tiers->period == TOLL_TIER_CALL)
        return true;
    const toll_total fee = fees(tiers, rows, units), spend = lines + fee;
    bool fits = toll_money_narrow(fee, &due->fee);
    if (tiers->minimum_spend > 0 && spend < tiers->minimum_spend) /* credits alone: no minimum, no top-up */
        fits = toll_money_narrow(tiers->minimum_spend - spend, &due->minimum) && fits;
    if (tiers->maximum_spend != INT64_MAX && spend > tiers->maximum_spend)
        fits = toll_money_narrow(tiers->maximum_spend - spend, &due->maximum) && fits;
    return fits;
}
