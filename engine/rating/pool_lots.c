/* Days are counted by local dates, so a day on which the clocks change is one like any other. */
#include "rating/pool_lots.h"

static int64_t local_day(const struct toll_zone *zone, toll_ms at)
{
    return toll_day_of_ms(at + toll_zone_offset(zone, at, NULL, NULL) * INT64_C(1000));
}

static int64_t by_days(const struct toll_grant *grant, const struct toll_zone *zone,
                       const struct toll_cycle *cycle)
{
    const int64_t days = cycle->next_day - cycle->day;
    const int64_t left = cycle->next_day - local_day(zone, grant->from);
    return left >= days ? grant->units : (int64_t)((toll_total)grant->units * (left < 0 ? 0 : left) / days);
}

bool toll_lot_size(const struct toll_grant *grants, uint32_t count, bool prorate,
                   const struct toll_zone *zone, const struct toll_cycle *cycle, int64_t *units)
{
    toll_total sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct toll_grant *grant = &grants[i];
        if (grant->from >= cycle->until || grant->until <= cycle->from)
            continue;
        sum += prorate && grant->from > cycle->from ? by_days(grant, zone, cycle) : grant->units;
    }
    const bool fits = sum <= TOLL_LOT_UNITS_MOST;
    *units = fits ? (int64_t)sum : TOLL_LOT_UNITS_MOST;
    return fits;
}
