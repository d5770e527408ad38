/* carriers.csv and trunks.csv, which name carriers. */
#include "ratetable/build.h"

enum { TRUNK, SIDE, ACCOUNT, CARRIER, CHANNELS, TRUNK_COLUMNS };
static const struct toll_table_column trunk_columns[TRUNK_COLUMNS] = {[TRUNK] = {"trunk", true},
                                                                      [SIDE] = {"side", false},
                                                                      [ACCOUNT] = {"account", false},
                                                                      [CARRIER] = {"carrier", false},
                                                                      [CHANNELS] = {"channels", false}};

enum { CARRIER_NAME, FEED_ROLE, CARRIER_COLUMNS };
static const struct toll_table_column carrier_columns[CARRIER_COLUMNS] = {
    [CARRIER_NAME] = {"carrier", true}, [FEED_ROLE] = {"feed_role", false}};

/* The temporary id of a trunk's carrier; 0 where it has none, or after a finding. */
static int trunk_carrier(struct toll_build *build, const struct toll_table *table, uint32_t *id)
{
    const struct toll_cell *cell = toll_table_cell(table, CARRIER);
    uint32_t first;

    *id = cell->bytes == 0 ? 0 : toll_table_names_find(&build->carriers, cell->text, cell->bytes);
    if (cell->bytes == 0 || *id > 0)
        return 0;
    if (build->has_carriers) {
        toll_unknown_finding(build, table, cell, "carrier", cell->text, cell->bytes, "carriers.csv",
                             &build->carriers);
        return 0;
    }
    /* Without carriers.csv a carrier is what the records call it. */
    return toll_table_names_add(&build->carriers, cell->text, cell->bytes, cell->line, id, &first)
               ? 0
               : toll_build_memory(build);
}

static int read_trunk(struct toll_build *build, const struct toll_table *table)
{
    static const char *const sides[] = {"sell", "buy"};
    const struct toll_cell *cell;
    int32_t account = 0, *account_place;
    uint32_t id, first, carrier, *line_place, *carrier_place;
    int side = 0, code;

    if (!toll_cell_name(table, TRUNK, &cell))
        return 0;
    if (!toll_table_names_add(&build->trunks, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "trunk", first);
        return 0;
    }
    toll_cell_choice(table, SIDE, sides, 2, 0, &side);
    toll_cell_reference(build, table, ACCOUNT, "account", "accounts.csv", &build->accounts, &account);
    account_place = TOLL_BUFFER_ADD(&build->trunk_accounts, int32_t);
    line_place = TOLL_BUFFER_ADD(&build->trunk_lines, uint32_t);
    carrier_place = TOLL_BUFFER_ADD(&build->trunk_carriers, uint32_t);
    if (account_place == NULL || line_place == NULL || carrier_place == NULL)
        return toll_build_memory(build);
    code = trunk_carrier(build, table, &carrier);
    if (code != 0)
        return code;
    *carrier_place = carrier;
    *account_place = side == 0 ? account : 0;
    *line_place = (uint32_t)cell->line;
    return 0;
}

static int read_carrier(struct toll_build *build, const struct toll_table *table)
{
    static const char *const roles[] = {"bill", "cost", "compare"};
    const struct toll_cell *cell;
    uint32_t id, first, *place;
    int role = TOLL_FEED_BILL;

    if (!toll_cell_name(table, CARRIER_NAME, &cell))
        return 0;
    if (!toll_table_names_add(&build->carriers, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    toll_cell_choice(table, FEED_ROLE, roles, TOLL_FEED_ROLES, TOLL_FEED_BILL, &role);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "carrier", first);
        return 0;
    }
    place = TOLL_BUFFER_ADD(&build->feed_roles, uint32_t);
    if (place == NULL)
        return toll_build_memory(build);
    *place = (uint32_t)role;
    return 0;
}

int toll_build_trunks(struct toll_build *build)
{
    struct toll_table *table;
    int code = toll_build_table(build, "carriers.csv", carrier_columns, CARRIER_COLUMNS, &table);

    if (code == 0 && table != NULL) {
        build->has_carriers = true;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_carrier(build, table);
        toll_table_close(table);
    }
    if (code == 0)
        code = toll_build_table(build, "trunks.csv", trunk_columns, TRUNK_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_trunk(build, table);
        toll_table_close(table);
    }
    return code;
}
