/* The date on the wall says which month it is, but for clocks that are changed around midnight: there the
 * period's own instants decide. */
#include "base/cycle.h"

#include "base/check.h"

#define EARLIEST (INT64_C(-62135596800000) + TOLL_DAY_MS) /* 0001-01-02 */
#define LATEST (INT64_C(253402300800000) - TOLL_DAY_MS)   /* 9999-12-31 */

int64_t toll_cycle_first_day(int cycle_day, int64_t month)
{
    const int year = (int)(month / 12), of_year = (int)(month % 12);
    const int64_t first = toll_days_from_civil(year, of_year + 1, 1);
    const int64_t next =
        of_year == 11 ? toll_days_from_civil(year + 1, 1, 1) : toll_days_from_civil(year, of_year + 2, 1);
    return first + (cycle_day > next - first ? next - first : cycle_day) - 1;
}

int64_t toll_cycle_month_of_day(int cycle_day, int64_t day)
{
    int year, month, of_month;
    toll_civil_from_days(day, &year, &month, &of_month);
    const int64_t at = (int64_t)year * 12 + month - 1;
    return at - (day < toll_cycle_first_day(cycle_day, at));
}

static toll_ms begin_of(const struct toll_zone *zone, int64_t day)
{
    toll_ms utc = 0;
    (void)toll_zone_to_utc(zone, day * TOLL_DAY_MS, TOLL_FOLD_FIRST, &utc); /* FOLD_FIRST always answers */
    return utc;
}

struct toll_cycle toll_cycle_of_month(const struct toll_zone *zone, int cycle_day, int64_t month)
{
    const int64_t day = toll_cycle_first_day(cycle_day, month);
    const int64_t next_day = toll_cycle_first_day(cycle_day, month + 1);
    return (struct toll_cycle){
        .from = begin_of(zone, day),
        .until = begin_of(zone, next_day),
        .day = day,
        .next_day = next_day,
        .month = month,
    };
}

struct toll_cycle toll_cycle_at(const struct toll_zone *zone, int cycle_day, toll_ms utc)
{
    TOLL_ASSERT(cycle_day >= 1 && cycle_day <= TOLL_CYCLE_LAST_DAY);
    utc = utc < EARLIEST ? EARLIEST : utc > LATEST ? LATEST : utc;
    const toll_ms local = utc + toll_zone_offset(zone, utc, NULL, NULL) * INT64_C(1000);
    int64_t month = toll_cycle_month_of_day(cycle_day, toll_day_of_ms(local));
    while (begin_of(zone, toll_cycle_first_day(cycle_day, month)) > utc)
        month--;
    while (begin_of(zone, toll_cycle_first_day(cycle_day, month + 1)) <= utc)
        month++;
    return toll_cycle_of_month(zone, cycle_day, month);
}
