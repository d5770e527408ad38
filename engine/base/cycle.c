/* The date on the wall says which month it is, but for clocks that are changed around midnight: there the
 * period's own instants decide. */
#include "base/cycle.h"

#include "base/check.h"

#define EARLIEST (INT64_C(-62135596800000) + TOLL_DAY_MS) /* 0001-01-02 */
#define LATEST (INT64_C(253402300800000) - TOLL_DAY_MS)   /* 9999-12-31 */

/* First day of the period of a month counted from year 0 on. */
static int64_t first_day(int64_t month, int cycle_day)
{
    return toll_days_from_civil((int)(month / 12), (int)(month % 12) + 1, cycle_day);
}

static toll_ms begin_of(const struct toll_zone *zone, int64_t day)
{
    toll_ms utc = 0;
    (void)toll_zone_to_utc(zone, day * TOLL_DAY_MS, TOLL_FOLD_FIRST, &utc); /* FOLD_FIRST always answers */
    return utc;
}

struct toll_cycle toll_cycle_at(const struct toll_zone *zone, int cycle_day, toll_ms utc)
{
    int year, month, day;
    TOLL_ASSERT(cycle_day >= 1 && cycle_day <= TOLL_CYCLE_DAY_MAX);
    utc = utc < EARLIEST ? EARLIEST : utc > LATEST ? LATEST : utc;
    const toll_ms local = utc + toll_zone_offset(zone, utc, NULL, NULL) * INT64_C(1000);
    toll_civil_from_days(toll_day_of_ms(local), &year, &month, &day);
    int64_t at = (int64_t)year * 12 + month - 1 - (day < cycle_day);
    while (begin_of(zone, first_day(at, cycle_day)) > utc)
        at--;
    while (begin_of(zone, first_day(at + 1, cycle_day)) <= utc)
        at++;
    return (struct toll_cycle){
        .from = begin_of(zone, first_day(at, cycle_day)),
        .until = begin_of(zone, first_day(at + 1, cycle_day)),
        .day = first_day(at, cycle_day),
    };
}
