/* charges.csv: what is billed besides usage, so that it is taxed with it. A million rows are a large
 * reseller's. */
#include "ratetable/tax_build.h"

enum { ACCOUNT, PRODUCT, KIND, AMOUNT, SITE, QUANTITY, INCLUDED, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [ACCOUNT] = {"account", true},        [PRODUCT] = {"product", true}, [KIND] = {"kind", true},
    [AMOUNT] = {"amount", true},          [SITE] = {"site", false},      [QUANTITY] = {"quantity", false},
    [INCLUDED] = {"tax_included", false}, [FROM] = {"from", false},      [TO] = {"to", false}};

static const char *const kinds[] = {"recurring", "one_time", "credit", "fee"};

/* One that is billed once has a day, and no end. */
static bool check_dates(const struct toll_table *table, int kind)
{
    const struct toll_cell *from = toll_table_cell(table, FROM), *to = toll_table_cell(table, TO);

    if (kind == TOLL_CHARGE_RECURRING)
        return true;
    if (from->bytes == 0)
        toll_cell_finding(table, from, TOLL_ERROR, "a charge of kind %s needs its day here", kinds[kind]);
    if (to->bytes > 0)
        toll_cell_finding(
            table, to, TOLL_ERROR,
            "\"%.40s\": a charge of kind %s is billed once and has no end; leave the cell empty", to->text,
            kinds[kind]);
    return from->bytes > 0 && to->bytes == 0;
}

static int read_row(struct toll_build *build, const struct toll_table *table)
{
    static const char *const answers[] = {"no", "yes"};
    const struct toll_cell *cell;
    struct toll_charge row = {.line = (uint32_t)toll_table_line(table), .quantity = TOLL_TAX_QUANTITY_ONE},
                       *place;
    int included = 0, product;
    bool good = toll_cell_name(table, ACCOUNT, &cell);

    good = toll_cell_account_site(build, table, ACCOUNT, SITE, &row.account, &row.site) && good;
    good = toll_cell_name(table, PRODUCT, &cell) && good;
    product = toll_cell_product(build, table, PRODUCT, &row.product);
    if (product < 0)
        return product;
    good = toll_cell_name(table, AMOUNT, &cell) && toll_cell_amount(table, AMOUNT, 0, &row.amount) && good;
    good = toll_cell_quantity(table, QUANTITY, INT64_MAX, &row.quantity) && good;
    good = toll_cell_choice(table, INCLUDED, answers, 2, 0, &included) && good;
    good = toll_cell_days(table, FROM, TO, &row.from, &row.until) && good;
    good = toll_cell_name(table, KIND, &cell) && toll_cell_choice(table, KIND, kinds, 4, 0, &row.kind) &&
           check_dates(table, row.kind) && good;
    if (!good || product == 0)
        return 0;
    row.included = (uint32_t)included;
    place = TOLL_BUILD_ADD(build, CHARGES, struct toll_charge);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

int toll_build_charges(struct toll_build *build)
{
    struct toll_table *table;
    int code = toll_build_table(build, "charges.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table);
        toll_table_close(table);
    }
    return code;
}
