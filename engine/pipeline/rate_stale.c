/* Rates of taxes that nobody has looked at for longer than their cadence: told when a run uses them. */
#include "pipeline/rate.h"

#include "ratetable/tax_stale.h"

#define SHOWN 20 /* of a sheet that is stale as a whole the rest is counted */

/* The earlier of the day in UTC and in the book's zone: docs/RATING.md section 12.1. */
static int32_t last_day(const struct toll_book *book, toll_ms last)
{
    const int64_t utc = toll_day_of_ms(last);
    const int64_t local =
        toll_day_of_ms(last + 1000 * (int64_t)toll_zone_offset(book->zones[0], last, NULL, NULL));

    return (int32_t)(local < utc ? local : utc);
}

void toll_rate_tell_stale(const struct toll_book *book, toll_ms last, const struct toll_reporter *reporter)
{
    const struct toll_tax_tables *tax = &book->tax;
    struct toll_tax_stale walk = {0};
    struct toll_findings findings;
    char due[TOLL_TIME_TEXT_BYTES], day[TOLL_TIME_TEXT_BYTES];
    const int32_t today = last_day(book, last);
    long count = 0;

    toll_findings_init(&findings, reporter);
    findings.name = "stale_tax";
    toll_day_format(today, day);
    for (; toll_tax_stale_next(tax, today, &walk); count++) {
        const struct toll_tax_bracket *row = &tax->brackets[walk.bracket];
        const struct toll_tax_series *series = &tax->series[walk.series];
        if (count >= SHOWN)
            continue;
        toll_day_format(toll_tax_due(row), due);
        toll_finding(
            &findings, TOLL_WARNING, "taxes.csv", row->line, 0,
            "the rate of \"%.60s\"%s%.60s was to be looked at again by %s, and the run goes on until "
            "%s; look it up and write the day into as_of",
            toll_tax_string(tax, tax->taxes[series->tax].tax), series->jurisdiction > 0 ? " of " : "",
            series->jurisdiction > 0 ? toll_tax_string(tax, tax->jurisdictions[series->jurisdiction].id) : "",
            due, day);
    }
    if (count > SHOWN)
        toll_finding(
            &findings, TOLL_WARNING, "taxes.csv", 0, 0,
            "%ld more rates were to be looked at again before %s; `tollmill check` of the book's folder "
            "tells all",
            count - SHOWN, day);
}
