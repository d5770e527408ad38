/* trunks.csv and carriers.csv. */
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

static int read_trunk(struct toll_build *build, const struct toll_table *table)
{
    static const char *const sides[] = {"sell", "buy"};
    const struct toll_cell *cell;
    int32_t account = 0, *account_place;
    uint32_t id, first, *line_place;
    int side = 0;

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
    if (account_place == NULL || line_place == NULL)
        return toll_build_memory(build);
    *account_place = side == 0 ? account : 0;
    *line_place = (uint32_t)cell->line;
    return 0;
}

static int read_carrier(struct toll_build *build, const struct toll_table *table)
{
    static const char *const roles[] = {"bill", "cost", "compare"};
    const struct toll_cell *cell;
    uint32_t id, first;
    int role = 0;

    if (!toll_cell_name(table, CARRIER_NAME, &cell))
        return 0;
    if (!toll_table_names_add(&build->carriers, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0)
        toll_duplicate_finding(table, cell, "carrier", first);
    if (toll_cell_choice(table, FEED_ROLE, roles, 3, 0, &role) && role > 0)
        toll_cell_finding(table, toll_table_cell(table, FEED_ROLE), TOLL_ERROR,
                          "\"%s\" is not supported by this version; only bill is", roles[role]);
    return 0;
}

int toll_build_trunks(struct toll_build *build)
{
    struct toll_table *table;
    int code = toll_build_table(build, "trunks.csv", trunk_columns, TRUNK_COLUMNS, &table);

    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_trunk(build, table);
        toll_table_close(table);
    }
    if (code == 0)
        code = toll_build_table(build, "carriers.csv", carrier_columns, CARRIER_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        build->has_carriers = true;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_carrier(build, table);
        toll_table_close(table);
    }
    return code;
}
