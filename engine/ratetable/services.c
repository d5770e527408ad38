/* services.csv: what an account has, as far as bundles count it. */
#include "base/digits.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/subscriptions.h"

enum {
    SERVICE,
    ACCOUNT,
    SITE,
    NUMBER,
    PRODUCT,
    TYPE,
    CARRIER,
    CIRCUIT,
    QUANTITY,
    RING_TO,
    FROM,
    TO,
    COLUMNS
};
static const struct toll_table_column columns[COLUMNS] = {
    [SERVICE] = {"service", true},  [ACCOUNT] = {"account", true},  [SITE] = {"site", false},
    [NUMBER] = {"number", false},   [PRODUCT] = {"product", false}, [TYPE] = {"type", true},
    [CARRIER] = {"carrier", false}, [CIRCUIT] = {"circuit", false}, [QUANTITY] = {"quantity", false},
    [RING_TO] = {"ring_to", false}, [FROM] = {"from", false},       [TO] = {"to", false}};

/* The account, and a site that must be this account's. */
static bool read_account(struct toll_build *build, const struct toll_table *table, struct toll_service *row)
{
    const struct toll_cell *cell;
    bool good = toll_cell_name(table, ACCOUNT, &cell) &&
                toll_cell_reference(build, table, ACCOUNT, "account", "accounts.csv", &build->accounts,
                                    &row->account);

    good = toll_cell_reference(build, table, SITE, "site", "sites.csv", &build->sites, &row->site) && good;
    if (!good || row->site == 0 || *TOLL_BUFFER_AT(&build->site_accounts, int32_t, row->site) == row->account)
        return good;
    cell = toll_table_cell(table, SITE);
    toll_cell_finding(table, cell, TOLL_ERROR, "the site \"%.60s\" does not belong to the account \"%.60s\"",
                      cell->text, toll_table_cell(table, ACCOUNT)->text);
    return false;
}

static bool read_number(const struct toll_table *table, uint64_t *number)
{
    const struct toll_cell *cell = toll_table_cell(table, NUMBER);
    uint64_t packed;

    if (cell->bytes == 0)
        return true;
    if (!toll_prefix_parse(cell->text, cell->bytes, 1, &packed)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.60s\" is no number; write 12125551234", cell->text);
        return false;
    }
    *number = toll_digits_count(packed) * TOLL_NUMBER_LENGTH + toll_number_value(packed);
    return true;
}

static int read_row(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *cell, *type;
    struct toll_service row = {.line = (uint32_t)toll_table_line(table), .quantity = 1}, *place;
    const struct toll_zone *zone;
    bool good = toll_cell_name(table, SERVICE, &cell);

    good = read_account(build, table, &row) && good;
    good = read_number(table, &row.number) && good;
    good = toll_cell_name(table, TYPE, &type) && good;
    good = toll_cell_int(table, QUANTITY, 1, 1000000, 1, &row.quantity) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good;
    if (!good)
        return 0;
    zone = *TOLL_BUFFER_AT(&build->account_zones, const struct toll_zone *, row.account);
    row.from = toll_local_to_utc(zone, row.from);
    row.until = toll_local_to_utc(zone, row.until);
    if (!toll_cell_instants(table, TO, row.from, row.until))
        return 0;
    row.type = toll_strings_add(&build->service_types.strings, type->text, type->bytes);
    place = TOLL_BUFFER_ADD(&build->services, struct toll_service);
    if (row.type == 0 || place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

int toll_build_services(struct toll_build *build)
{
    struct toll_table *table;
    int code;

    build->findings->masks_numbers = true;
    code = toll_build_table(build, "services.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table);
        toll_table_close(table);
    }
    build->findings->masks_numbers = false;
    return code;
}
