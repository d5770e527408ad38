/* as_of plus a month, a quarter or a year; the day is cut to the last of its month. */
#include "ratetable/tax_stale.h"

#include "base/time.h"

int32_t toll_tax_due(const struct toll_tax_bracket *row)
{
    static const int months[] = {0, 1, 3, 12};
    int year, month, day, last;

    if (row->as_of == TOLL_TAX_DAY_MIN || row->as_of == TOLL_TAX_DAY_MAX ||
        row->cadence == TOLL_TAX_NO_CADENCE)
        return TOLL_TAX_DAY_MAX;
    toll_civil_from_days(row->as_of, &year, &month, &day);
    month += months[row->cadence];
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    last = (int)(toll_days_from_civil(month == 12 ? year + 1 : year, month % 12 + 1, 1) -
                 toll_days_from_civil(year, month, 1));
    return (int32_t)toll_days_from_civil(year, month, day < last ? day : last);
}

bool toll_tax_stale_next(const struct toll_tax_tables *tables, int32_t day, struct toll_tax_stale *walk)
{
    for (; walk->next_series < tables->series_count; walk->next_series++, walk->next_bracket = 0) {
        const struct toll_tax_series *series = &tables->series[walk->next_series];
        if (series->from > day || (series->until <= day && series->followed))
            continue;
        while (walk->next_bracket < series->bracket_count) {
            walk->series = walk->next_series;
            walk->bracket = series->bracket_first + walk->next_bracket++;
            if (toll_tax_due(&tables->brackets[walk->bracket]) < day)
                return true;
        }
    }
    return false;
}
