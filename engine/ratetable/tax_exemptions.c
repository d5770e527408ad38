/* exemptions.csv: who need not pay what; and the days on which some tax, exemption or seller changes. */
#include "ratetable/tax_build.h"

#include <stdlib.h>

enum { ACCOUNT, SITE, JURISDICTION, LEVEL, CATEGORY, TAX, PERCENT, CERTIFICATE, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[ACCOUNT] = {"account", false},
                                                          [SITE] = {"site", false},
                                                          [JURISDICTION] = {"tax_jurisdiction", false},
                                                          [LEVEL] = {"level", false},
                                                          [CATEGORY] = {"category", false},
                                                          [TAX] = {"tax", false},
                                                          [PERCENT] = {"percent", false},
                                                          [CERTIFICATE] = {"certificate", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

#define PERCENT_DECIMALS 6 /* of struct toll_tax_exemption */

static bool read_percent(const struct toll_table *table, int32_t *percent)
{
    const struct toll_cell *cell = toll_table_cell(table, PERCENT);
    int64_t value = TOLL_TAX_PERCENT_ONE;

    if (cell->bytes > 0 && (toll_decimal_parse(cell->text, cell->bytes, PERCENT_DECIMALS, &value) != 0 ||
                            value < 0 || value > TOLL_TAX_PERCENT_ONE)) {
        toll_cell_finding(
            table, cell, TOLL_ERROR,
            "\"%.40s\" is not a percentage from 0 to 100 with at most %d decimals; write 50 for "
            "the half",
            cell->text, PERCENT_DECIMALS);
        return false;
    }
    *percent = (int32_t)value;
    return true;
}

static int read_row(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *category = toll_table_cell(table, CATEGORY);
    struct toll_tax_exemption row = {.line = (uint32_t)toll_table_line(table)}, *place;
    bool good = toll_cell_account_site(build, table, ACCOUNT, SITE, &row.account, &row.site);

    good = toll_cell_tax_id(build, table, JURISDICTION, "jurisdiction", "tax_jurisdictions.csv",
                            &build->tax.jurisdictions, &build->tax.jurisdiction_ids, &row.jurisdiction) &&
           good;
    good = toll_cell_choice(table, LEVEL, toll_tax_level_names, TOLL_TAX_LEVELS, -1, &row.level) && good;
    good = toll_cell_tax_id(build, table, TAX, "tax", "taxes.csv", &build->tax.taxes, &build->tax.tax_ids,
                            &row.tax) &&
           good;
    good = read_percent(table, &row.percent) && good;
    good = toll_cell_days(table, FROM, TO, &row.from, &row.until) && good;
    if (category->bytes > 0 &&
        toll_strings_find(&build->tax.categories, category->text, category->bytes) == 0) {
        toll_cell_finding(table, category, TOLL_ERROR,
                          "the category \"%.60s\" is unknown: no tax of taxes.csv has it", category->text);
        good = false;
    }
    if (!good)
        return 0;
    place = TOLL_BUILD_ADD(build, TAX_EXEMPTIONS, struct toll_tax_exemption);
    if (place == NULL || !toll_build_cell(build, category, &row.category) ||
        !toll_build_cell(build, toll_table_cell(table, CERTIFICATE), &row.certificate))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

/* -- days of change -- */

static int compare_days(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return a < b ? -1 : a > b;
}

static bool add_days(struct toll_buffer *days, int32_t from, int32_t until)
{
    int32_t *at = toll_buffer_add(days, sizeof(*at), 2);

    if (at == NULL)
        return false;
    at[0] = from;
    at[1] = until;
    return true;
}

static int add_changes(struct toll_build *build)
{
    struct toll_buffer *const sections = build->sections, *days = &sections[TOLL_SECTION_TAX_CHANGES];
    bool good = true;
    size_t kept = 0;
    int32_t *at;

#define ADD(id, type)                                                                          \
    for (size_t i = 0; i < sections[TOLL_SECTION_##id].count && good; i++) {                   \
        const struct type *row = TOLL_BUFFER_AT(&sections[TOLL_SECTION_##id], struct type, i); \
        good = add_days(days, row->from, row->until);                                          \
    }
    ADD(TAX_SERIES, toll_tax_series)
    ADD(TAX_EXEMPTIONS, toll_tax_exemption)
    ADD(TAX_SELLERS, toll_tax_seller)
#undef ADD
    if (!good)
        return toll_build_memory(build);
    at = days->data;
    if (days->count > 0)
        qsort(at, days->count, sizeof(*at), compare_days);
    for (size_t i = 0; i < days->count; i++) {
        if (at[i] != TOLL_TAX_DAY_MIN && at[i] != TOLL_TAX_DAY_MAX && (kept == 0 || at[i] != at[kept - 1]))
            at[kept++] = at[i];
    }
    days->count = kept;
    return 0;
}

int toll_build_exemptions(struct toll_build *build)
{
    struct toll_tax_exemption *none = TOLL_BUILD_ADD(build, TAX_EXEMPTIONS, struct toll_tax_exemption);
    struct toll_table *table;
    int code;

    if (none == NULL)
        return toll_build_memory(build);
    none->from = TOLL_TAX_DAY_MIN; /* no change */
    none->until = TOLL_TAX_DAY_MAX;
    code = toll_build_table(build, "exemptions.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table);
        toll_table_close(table);
    }
    if (code == 0)
        code = add_changes(build);
    memset(build->sections[TOLL_SECTION_TAX_EXEMPTIONS].data, 0, sizeof(*none));
    return code;
}
