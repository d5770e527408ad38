/* services.csv: what an account has, as far as bundles count it, and as taxes by the line do. */
#include "base/digits.h"
#include "ratetable/nanp.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/subscriptions.h"
#include "ratetable/tax_build.h"

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

#define NUMBER_DIGITS_MIN 7 /* of E.164 */

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

static bool is_toll_free(uint64_t packed)
{
    return packed >> 60 == 1 && toll_nanp_class(packed >> 48 & 0xfff) == TOLL_TOLL_FREE &&
           toll_digits_count(packed) >= NUMBER_DIGITS_MIN;
}

static bool read_number(const struct toll_table *table, uint64_t *number, bool *toll_free)
{
    const struct toll_cell *cell = toll_table_cell(table, NUMBER);
    uint64_t packed;

    *toll_free = false;
    if (cell->bytes == 0)
        return true;
    if (!toll_prefix_parse(cell->text, cell->bytes, 1, &packed)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.60s\" is no number; write 12125551234", cell->text);
        return false;
    }
    *number = toll_digits_count(packed) * TOLL_NUMBER_LENGTH + toll_number_value(packed);
    *toll_free = is_toll_free(packed);
    return true;
}

/* -- as taxes count it -- */

/* The local days of which it holds an instant. */
static void set_days(struct toll_inventory_row *row, toll_ms from, toll_ms until)
{
    row->from = from == TOLL_MS_MIN ? TOLL_TAX_DAY_MIN : (int32_t)toll_day_of_ms(from);
    row->until = until == TOLL_MS_MAX ? TOLL_TAX_DAY_MAX : (int32_t)toll_day_of_ms(until - 1) + 1;
}

/* False: out of memory. */
static bool add_inventory(struct toll_build *build, const struct toll_service *service,
                          const struct toll_cell *type, bool toll_free, struct toll_inventory_row *row)
{
    static const char number[] = "number", free_number[] = "toll_free";
    const bool other = toll_free && build->nanp && strcmp(type->text, number) == 0;
    struct toll_inventory_row *place = TOLL_BUILD_ADD(build, INVENTORY, struct toll_inventory_row);

    row->account = service->account;
    row->site = service->site;
    row->quantity = service->quantity;
    row->line = service->line;
    if (place == NULL || !toll_build_text(build, other ? free_number : type->text,
                                          other ? strlen(free_number) : type->bytes, &row->type))
        return false;
    *place = *row;
    return true;
}

static int read_row(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *cell, *type;
    struct toll_service row = {.line = (uint32_t)toll_table_line(table), .quantity = 1}, *place;
    struct toll_inventory_row inventory = {0};
    const struct toll_zone *zone;
    bool toll_free, good = toll_cell_name(table, SERVICE, &cell);
    const int product = toll_cell_product(build, table, PRODUCT, &inventory.product);

    if (product < 0)
        return product;

    good = read_account(build, table, &row) && good;
    good = read_number(table, &row.number, &toll_free) && good;
    good = toll_cell_name(table, TYPE, &type) && good;
    good = toll_cell_int(table, QUANTITY, 1, 1000000, 1, &row.quantity) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.from, &row.until) && good;
    if (!good || product == 0)
        return 0;
    set_days(&inventory, row.from, row.until);
    zone = *TOLL_BUFFER_AT(&build->account_zones, const struct toll_zone *, row.account);
    row.from = toll_local_to_utc(zone, row.from);
    row.until = toll_local_to_utc(zone, row.until);
    if (!toll_cell_instants(table, TO, row.from, row.until))
        return 0;
    row.type = toll_strings_add(&build->service_types.strings, type->text, type->bytes);
    place = TOLL_BUFFER_ADD(&build->services, struct toll_service);
    if (row.type == 0 || place == NULL || !add_inventory(build, &row, type, toll_free, &inventory))
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
