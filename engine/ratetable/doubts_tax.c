/* What is doubtful in the tables of taxes, of a book that is taxed: rates that nobody has looked at again,
 * places without an area, tax services that nothing taxes, exemptions from nothing. */
#include "ratetable/doubts.h"
#include "ratetable/tax_stale.h"

#include <stdlib.h>

static const char *text_of(const struct toll_build *build, uint32_t offset)
{
    return (const char *)build->sections[TOLL_SECTION_STRINGS].data + offset;
}

static struct toll_tax_tables tables_of(const struct toll_build *build)
{
    const struct toll_buffer *sections = build->sections;

    return (struct toll_tax_tables){.jurisdictions = sections[TOLL_SECTION_TAX_JURISDICTIONS].data,
                                    .taxes = sections[TOLL_SECTION_TAXES].data,
                                    .series = sections[TOLL_SECTION_TAX_SERIES].data,
                                    .brackets = sections[TOLL_SECTION_TAX_BRACKETS].data,
                                    .ids = sections[TOLL_SECTION_TAX_IDS].data,
                                    .services = sections[TOLL_SECTION_TAX_SERVICES].data,
                                    .exemptions = sections[TOLL_SECTION_TAX_EXEMPTIONS].data,
                                    .tax_count = (uint32_t)sections[TOLL_SECTION_TAXES].count,
                                    .series_count = (uint32_t)sections[TOLL_SECTION_TAX_SERIES].count,
                                    .bracket_count = (uint32_t)sections[TOLL_SECTION_TAX_BRACKETS].count,
                                    .service_count = (uint32_t)sections[TOLL_SECTION_TAX_SERVICES].count,
                                    .exemption_count = (uint32_t)sections[TOLL_SECTION_TAX_EXEMPTIONS].count,
                                    .jurisdiction_count =
                                        (uint32_t)sections[TOLL_SECTION_TAX_JURISDICTIONS].count};
}

/* Nobody told us which day it is. When somebody looked at some rows, what was due by then was left out; and
 * what is due before the open month will be used in it. */
static void check_stale(struct toll_build *build, const struct toll_tax_tables *tables)
{
    struct toll_tax_stale walk = {0};
    int32_t day = TOLL_TAX_DAY_MIN;
    char due[TOLL_TIME_TEXT_BYTES], when[TOLL_TIME_TEXT_BYTES];

    for (uint32_t i = 0; i < tables->bracket_count; i++)
        day = tables->brackets[i].as_of > day ? tables->brackets[i].as_of : day;
    if (build->doubts->has_closed && toll_day_of_ms(build->doubts->closed_until) > day)
        day = (int32_t)toll_day_of_ms(build->doubts->closed_until);
    toll_day_format(day, when);
    while (toll_tax_stale_next(tables, day, &walk)) {
        const struct toll_tax_bracket *row = &tables->brackets[walk.bracket];
        toll_day_format(toll_tax_due(row), due);
        toll_doubt(
            build, "stale_tax", toll_doubt_path(build, "taxes.csv"), row->line, 0,
            "the rate of \"%.60s\" was to be looked at again by %s (as_of and cadence), and it is %s at "
            "least; see whether it has changed, and write the day into as_of",
            text_of(build, tables->taxes[tables->series[walk.series].tax].tax), due, when);
    }
}

/* -- places -- */

/* What has lines: by site, and whether an account has some without site. */
struct places {
    bool *sites, *accounts;
};

static void mark(const struct places *places, int32_t account, int32_t site)
{
    if (site > 0)
        places->sites[site] = true;
    else
        places->accounts[account] = true;
}

static int check_places(struct toll_build *build)
{
    const struct toll_buffer *sections = build->sections;
    const struct toll_account *accounts = sections[TOLL_SECTION_ACCOUNTS].data;
    const struct toll_site *sites = sections[TOLL_SECTION_SITES].data;
    const size_t account_count = sections[TOLL_SECTION_ACCOUNTS].count;
    const size_t site_count = sections[TOLL_SECTION_SITES].count;
    struct places places = {calloc(site_count, sizeof(bool)), calloc(account_count, sizeof(bool))};
    const bool good = places.sites != NULL && places.accounts != NULL;

#define MARK(id, type, first)                                                                  \
    for (size_t i = first; i < sections[TOLL_SECTION_##id].count && good; i++) {               \
        const struct type *row = TOLL_BUFFER_AT(&sections[TOLL_SECTION_##id], struct type, i); \
        mark(&places, row->account, row->site);                                                \
    }
    MARK(OWNERS, toll_owner, 1)
    MARK(CHARGES, toll_charge, 0)
    MARK(INVENTORY, toll_inventory_row, 0)
#undef MARK
    for (size_t i = 1; i < account_count && good; i++) {
        if (!places.accounts[i])
            continue;
        if (accounts[i].tax_site > 0)
            places.sites[accounts[i].tax_site] = true;
        else
            toll_doubt(
                build, "no_tax_site", toll_doubt_path(build, "accounts.csv"), accounts[i].line, 0,
                "the account \"%.60s\" has numbers, charges or services without a site, and no tax_site "
                "nor just one site: what they cost goes to tax suspense as no_site; name its tax_site",
                text_of(build, accounts[i].account));
    }
    for (size_t i = 1; i < site_count && good; i++) {
        if (places.sites[i] && sites[i].area == 0)
            toll_doubt(build, "no_area", toll_doubt_path(build, "sites.csv"), sites[i].line, 0,
                       "the site \"%.60s\" has no area: what it costs goes to tax suspense as no_area; write "
                       "where it is, an area of tax_areas.csv",
                       text_of(build, sites[i].site));
    }
    free(places.sites);
    free(places.accounts);
    return good ? 0 : toll_build_memory(build);
}

/* A sheet of a whole country has many areas, so they are counted in one warning. */
static int check_areas(struct toll_build *build)
{
    const struct toll_buffer *sections = build->sections;
    const struct toll_tax_area *areas = sections[TOLL_SECTION_TAX_AREAS].data, *first = NULL;
    const struct toll_buffer *sites = &sections[TOLL_SECTION_SITES], *ends = &sections[TOLL_SECTION_PLACES];
    const size_t count = sections[TOLL_SECTION_TAX_AREAS].count;
    bool *named = calloc(count, sizeof(bool));
    struct toll_strings of_ends = {0};
    size_t idle = 0;
    bool good = named != NULL;

    for (size_t i = 1; i < sites->count && good; i++)
        named[TOLL_BUFFER_AT(sites, struct toll_site, i)->area] = true;
    for (size_t i = 1; i < ends->count && good; i++) {
        const char *area = text_of(build, TOLL_BUFFER_AT(ends, struct toll_place, i)->area);
        good = toll_strings_add(&of_ends, area, strlen(area)) > 0;
    }
    for (size_t i = 1; i < count && good; i++) {
        const char *area = text_of(build, areas[i].area);
        if (named[i] || toll_strings_find(&of_ends, area, strlen(area)) > 0)
            continue;
        idle++;
        first = first == NULL || areas[i].line < first->line ? &areas[i] : first;
    }
    if (good && idle > 0)
        toll_doubt(build, "idle_area", toll_doubt_path(build, "tax_areas.csv"), first->line, 0,
                   "no site and no row of npanxx.csv names the area \"%.60s\"; there are %zu such areas",
                   text_of(build, first->area), idle);
    toll_strings_free(&of_ends);
    free(named);
    return good ? 0 : toll_build_memory(build);
}

/* -- taxes -- */

static int check_services(struct toll_build *build, const struct toll_tax_tables *tables)
{
    bool *taxed = calloc(tables->service_count, sizeof(bool));
    bool all = false;

    if (taxed == NULL)
        return toll_build_memory(build);
    for (uint32_t i = 0; i < tables->series_count; i++) {
        const struct toll_tax_series *series = &tables->series[i];
        all = all || series->service_count == 0;
        for (uint32_t k = 0; k < series->service_count; k++)
            taxed[tables->ids[series->service_first + k]] = true;
    }
    for (uint32_t i = 1; i < tables->service_count && !all; i++) {
        const char *name = text_of(build, tables->services[i]);
        const uint32_t id = toll_table_names_find(&build->tax.services, name, strlen(name));
        if (!taxed[i])
            toll_doubt(
                build, "untaxed_service", toll_doubt_path(build, "tax_map.csv"),
                *TOLL_BUFFER_AT(&build->tax.services.lines, uint32_t, id - 1), 0,
                "no tax is for the tax service \"%.60s\"; if that is right, write a row with rate 0 that "
                "names it",
                name);
    }
    free(taxed);
    return 0;
}

/* Could a component of the series lie in the exemption's jurisdiction? */
static bool lies_in(const struct toll_tax_tables *tables, const struct toll_tax_series *series,
                    int32_t jurisdiction)
{
    int32_t at = series->jurisdiction;

    if (jurisdiction == 0)
        return true;
    if (at == 0)
        return series->level >= tables->jurisdictions[jurisdiction].level;
    while (at > 0 && at != jurisdiction)
        at = tables->jurisdictions[at].parent;
    return at > 0;
}

static bool spares(const struct toll_tax_tables *tables, const struct toll_tax_exemption *row,
                   const struct toll_tax *tax)
{
    if ((row->category != 0 && tax->category != row->category) || (row->tax == 0 && tax->exempt_named))
        return false;
    for (uint32_t i = tax->series_first; i < tax->series_first + tax->series_count; i++) {
        const struct toll_tax_series *series = &tables->series[i];
        if ((row->level < 0 || series->level == row->level) && series->from < row->until &&
            row->from < series->until && lies_in(tables, series, row->jurisdiction))
            return true;
    }
    return false;
}

/* What an exemption names, and the first one that named it: many customers have the same. */
#define EXEMPTION_KEYS_MAX 1000u /* different ones are looked at; more are no list of people's */

static int check_exemptions(struct toll_build *build, const struct toll_tax_tables *tables)
{
    struct toll_strings keys = {0};
    struct toll_buffer known = {0}; /* bool by id of keys - 1 */
    bool good = true;

    for (uint32_t i = 1; i < tables->exemption_count && good; i++) {
        const struct toll_tax_exemption *row = &tables->exemptions[i];
        const int32_t key[] = {row->jurisdiction, row->level, (int32_t)row->category,
                               row->tax,          row->from,  row->until};
        const uint32_t id = toll_strings_add(&keys, (const char *)key, sizeof(key));
        good = id > 0;
        if (!good || id > EXEMPTION_KEYS_MAX)
            continue;
        if (id > known.count) {
            bool *place = TOLL_BUFFER_ADD(&known, bool);
            good = place != NULL;
            for (uint32_t t = row->tax > 0 ? (uint32_t)row->tax : 1; good && t < tables->tax_count && !*place;
                 t = row->tax > 0 ? tables->tax_count : t + 1)
                *place = spares(tables, row, &tables->taxes[t]);
        }
        if (good && !*TOLL_BUFFER_AT(&known, bool, id - 1))
            toll_doubt(
                build, "idle_exemption", toll_doubt_path(build, "exemptions.csv"), row->line, 0,
                "no tax is of this tax, category, level and jurisdiction in that time, so this row spares "
                "nobody%s",
                row->tax == 0 ? " (a tax with exempt_by named must be named)" : "");
    }
    toll_strings_free(&keys);
    toll_buffer_free(&known);
    return good ? 0 : toll_build_memory(build);
}

int toll_doubts_tax(struct toll_build *build)
{
    const struct toll_tax_tables tables = tables_of(build);
    int code;

    if (!build->tax.taxed)
        return 0;
    check_stale(build, &tables);
    code = check_places(build);
    code = code != 0 ? code : check_areas(build);
    code = code != 0 ? code : check_services(build, &tables);
    return code != 0 ? code : check_exemptions(build, &tables);
}
