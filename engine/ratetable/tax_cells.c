/* Cells, lists and names that the tax tables have in common. */
#include "ratetable/tax_build.h"

#include <stdio.h>
#include <stdlib.h>

const char *const toll_tax_level_names[TOLL_TAX_LEVELS] = {"federal", "state", "county", "city", "district"};

/* -- cells -- */

bool toll_cell_day(const struct toll_table *table, int column, int32_t otherwise, int32_t *day)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    int64_t days;

    *day = otherwise;
    if (cell->bytes == 0)
        return true;
    if (!toll_day_parse(cell->text, cell->bytes, &days)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is not a whole day; write 2026-03-01",
                          cell->text);
        return false;
    }
    *day = (int32_t)days;
    return true;
}

bool toll_cell_days(const struct toll_table *table, int from_column, int to_column, int32_t *from,
                    int32_t *until)
{
    const struct toll_cell *to = toll_table_cell(table, to_column);
    bool good = toll_cell_day(table, from_column, TOLL_TAX_DAY_MIN, from);

    good = toll_cell_day(table, to_column, TOLL_TAX_DAY_MAX, until) && good;
    if (!good || *from < *until)
        return good;
    toll_cell_finding(table, to, TOLL_ERROR,
                      *from == *until ? "\"%.40s\" is also the from date \"%.40s\": this row is never in "
                                        "force, because \"to\" is exclusive"
                                      : "\"%.40s\" is before the from date \"%.40s\"",
                      to->text, toll_table_cell(table, from_column)->text);
    return false;
}

#define FRACTION_DECIMALS 12
#define PERCENT_DECIMALS 10

bool toll_cell_fraction(const struct toll_table *table, int column, int64_t most, int64_t *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    const bool percent = cell->bytes > 0 && cell->text[cell->bytes - 1] == '%';
    int64_t value;

    if (cell->bytes == 0)
        return true;
    if (toll_decimal_parse(cell->text, cell->bytes - percent, percent ? PERCENT_DECIMALS : FRACTION_DECIMALS,
                           &value) == 0 &&
        value >= 0 && value <= most * TOLL_TAX_ONE) {
        *out = value;
        return true;
    }
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.40s\" is not a fraction from 0 to %d with at most %d decimals; write 0.0625 or "
                      "6.25%%",
                      cell->text, (int)most, percent ? PERCENT_DECIMALS : FRACTION_DECIMALS);
    return false;
}

bool toll_cell_quantity(const struct toll_table *table, int column, int64_t most, int64_t *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    int64_t value;

    if (cell->bytes == 0)
        return true;
    if (toll_decimal_parse(cell->text, cell->bytes, 6, &value) == 0 && value >= 0 && value <= most) {
        *out = value;
        return true;
    }
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.40s\" is not a number from 0 to %lld with at most 6 decimals", cell->text,
                      (long long)(most / TOLL_TAX_QUANTITY_ONE));
    return false;
}

bool toll_cell_amount(const struct toll_table *table, int column, toll_money otherwise, toll_money *out)
{
    if (!toll_cell_money(table, column, otherwise, out))
        return false;
    if (*out >= 0)
        return true;
    toll_cell_finding(table, toll_table_cell(table, column), TOLL_ERROR, "\"%.40s\" is negative",
                      toll_table_cell(table, column)->text);
    return false;
}

bool toll_cell_option(const struct toll_table *table, int column, const char *const *names, int count,
                      int otherwise, uint8_t *out)
{
    int value = otherwise;
    const bool good = toll_cell_choice(table, column, names, count, otherwise, &value);

    *out = (uint8_t)value;
    return good;
}

/* -- lists -- */

bool toll_list_next(const char **at, const char **text, size_t *bytes)
{
    const char *end;

    if (*at == NULL)
        return false;
    end = strchr(*at, ';');
    *text = *at;
    *bytes = end != NULL ? (size_t)(end - *at) : strlen(*at);
    *at = end != NULL ? end + 1 : NULL;
    for (; *bytes > 0 && **text == ' '; (*bytes)--)
        (*text)++;
    for (; *bytes > 0 && (*text)[*bytes - 1] == ' '; (*bytes)--)
        ;
    return true;
}

uint32_t toll_tax_list(struct toll_build *build, const uint32_t *values, size_t count, bool texts)
{
    struct toll_buffer *stored = &build->sections[texts ? TOLL_SECTION_TAX_TEXTS : TOLL_SECTION_TAX_IDS];
    struct toll_buffer *places = &build->tax.list_places;
    const size_t bytes = count * sizeof(*values);
    char *key = malloc(bytes + 1);
    struct toll_list_place *place;
    uint32_t id, *at;

    if (key == NULL)
        return 0;
    key[0] = texts;
    if (bytes > 0)
        memcpy(key + 1, values, bytes);
    id = toll_strings_add(&build->tax.lists, key, bytes + 1);
    free(key);
    if (id <= places->count)
        return id;
    at = toll_buffer_add(stored, sizeof(*at), count);
    place = TOLL_BUFFER_ADD(places, struct toll_list_place);
    if (at == NULL || place == NULL)
        return 0;
    if (bytes > 0)
        memcpy(at, values, bytes);
    *place = (struct toll_list_place){(uint32_t)(stored->count - count), (uint32_t)count};
    return id;
}

static int compare_ids(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

int toll_cell_tax_services(struct toll_build *build, const struct toll_table *table, int column,
                           uint32_t *list)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    const char *at = cell->bytes > 0 ? cell->text : NULL, *text;
    struct toll_buffer ids = {0};
    uint32_t *values;
    size_t bytes, kept = 0;
    int good = 1;

    while (good == 1 && toll_list_next(&at, &text, &bytes)) {
        const uint32_t name = toll_table_names_find(&build->tax.services, text, bytes);
        uint32_t *place = TOLL_BUFFER_ADD(&ids, uint32_t);
        if (place == NULL) {
            good = -1;
        } else if (name == 0) {
            char shown[64];
            snprintf(shown, sizeof(shown), "%.*s", (int)(bytes < 60 ? bytes : 60), text);
            toll_unknown_finding(build, table, cell, "tax service", shown, strlen(shown), "tax_map.csv",
                                 &build->tax.services);
            good = 0;
        } else {
            *place = *TOLL_BUFFER_AT(&build->tax.service_ids, uint32_t, name);
        }
    }
    values = ids.data;
    if (good == 1 && ids.count > 0) {
        qsort(values, ids.count, sizeof(*values), compare_ids);
        for (size_t i = 0; i < ids.count; i++) {
            if (i == 0 || values[i] != values[kept - 1])
                values[kept++] = values[i];
        }
    }
    if (good == 1) {
        *list = toll_tax_list(build, values, kept, false);
        good = *list > 0 ? 1 : -1;
    }
    toll_buffer_free(&ids);
    return good >= 0 ? good : toll_build_memory(build);
}

/* -- names -- */

struct named {
    const char *text;
    uint32_t id;
};

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const struct named *)left)->text, ((const struct named *)right)->text);
}

bool toll_tax_sort_names(struct toll_build *build, const struct toll_table_names *names,
                         struct toll_buffer *ids, int section)
{
    const uint32_t count = names->strings.count;
    struct named *sorted = calloc(count + 1, sizeof(*sorted));
    uint32_t *id = toll_buffer_add(ids, sizeof(*id), count + 1), *offset = NULL;
    bool good = sorted != NULL && id != NULL;

    if (good && section >= 0) {
        offset = toll_buffer_add(&build->sections[section], sizeof(*offset), count + 1);
        good = offset != NULL;
    }
    for (uint32_t i = 0; i < count && good; i++)
        sorted[i] = (struct named){toll_strings_text(&names->strings, i + 1, NULL), i + 1};
    if (good)
        qsort(sorted, count, sizeof(*sorted), compare_names);
    for (uint32_t i = 0; i < count && good; i++) {
        id[sorted[i].id] = i + 1;
        good =
            offset == NULL || toll_build_text(build, sorted[i].text, strlen(sorted[i].text), &offset[i + 1]);
    }
    free(sorted);
    return good;
}

bool toll_cell_tax_id(struct toll_build *build, const struct toll_table *table, int column, const char *what,
                      const char *where, const struct toll_table_names *names, const struct toll_buffer *ids,
                      int32_t *out)
{
    const bool good = toll_cell_reference(build, table, column, what, where, names, out);

    if (good && *out > 0)
        *out = (int32_t)*TOLL_BUFFER_AT(ids, uint32_t, *out);
    return good;
}

#define PERIOD_PRODUCT "period:"

int toll_cell_product(struct toll_build *build, const struct toll_table *table, int column, int32_t *product)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    struct toll_table_names *names = &build->tax.products;
    uint32_t id, first;

    *product = 0;
    if (cell->bytes == 0)
        return 1;
    if (build->tax.has_products && toll_table_names_find(names, cell->text, cell->bytes) == 0 &&
        strncmp(cell->text, PERIOD_PRODUCT, strlen(PERIOD_PRODUCT)) != 0) {
        toll_unknown_finding(build, table, cell, "product", cell->text, cell->bytes, "products.csv", names);
        return 0;
    }
    if (!toll_table_names_add(names, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    *product = (int32_t)(id > 0 ? id : toll_table_names_find(names, cell->text, cell->bytes));
    return 1;
}

bool toll_cell_account_site(struct toll_build *build, const struct toll_table *table, int account_column,
                            int site_column, int32_t *account, int32_t *site)
{
    const struct toll_cell *cell = toll_table_cell(table, site_column);
    bool good = toll_cell_reference(build, table, account_column, "account", "accounts.csv", &build->accounts,
                                    account);

    good = toll_cell_reference(build, table, site_column, "site", "sites.csv", &build->sites, site) && good;
    if (!good || *site == 0 || *account == 0 ||
        *TOLL_BUFFER_AT(&build->site_accounts, int32_t, *site) == *account)
        return good;
    toll_cell_finding(table, cell, TOLL_ERROR, "the site \"%.60s\" does not belong to the account \"%.60s\"",
                      cell->text, toll_table_cell(table, account_column)->text);
    return false;
}

bool toll_build_cell(struct toll_build *build, const struct toll_cell *cell, uint32_t *offset)
{
    return toll_build_text(build, cell->text, cell->bytes, offset);
}
