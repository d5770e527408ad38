/*
 * products.csv, and what all tables name as a product. Where the table is there a product must be in it;
 * where it is not, a product is whatever is named. Rules, tiers, splits, charges and services keep temporary
 * ids until all names are known.
 */
#include "ratetable/tax_build.h"

enum { PRODUCT, NAME, SKU, GL, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [PRODUCT] = {"product", true}, [NAME] = {"name", false}, [SKU] = {"sku", false}, [GL] = {"gl", false}};

static int read_row(struct toll_build *build, const struct toll_table *table)
{
    const struct toll_cell *cell;
    uint32_t id, first;

    if (!toll_cell_name(table, PRODUCT, &cell))
        return 0;
    if (!toll_table_names_add(&build->tax.products, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0)
        toll_duplicate_finding(table, cell, "product", first);
    return 0;
}

int toll_build_product_rows(struct toll_build *build)
{
    struct toll_table *table;
    int code = toll_build_table(build, "products.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table);
        toll_table_close(table);
        build->tax.has_products = true;
    }
    return code;
}

static void renumber(const struct toll_buffer *ids, int32_t *product)
{
    *product = (int32_t)*TOLL_BUFFER_AT(ids, uint32_t, *product);
}

int toll_build_products(struct toll_build *build)
{
    struct toll_buffer *const sections = build->sections;
    struct toll_buffer ids = {0};
    const bool good = toll_tax_sort_names(build, &build->tax.products, &ids, TOLL_SECTION_PRODUCTS);

#define RENUMBER(id, type)                                                 \
    for (size_t i = 0; i < sections[TOLL_SECTION_##id].count && good; i++) \
    renumber(&ids, &TOLL_BUFFER_AT(&sections[TOLL_SECTION_##id], struct type, i)->product)
    RENUMBER(RULES, toll_rule);
    RENUMBER(TIERS, toll_tiers);
    RENUMBER(TAX_SPLITS, toll_tax_split);
    RENUMBER(CHARGES, toll_charge);
    RENUMBER(INVENTORY, toll_inventory_row);
#undef RENUMBER
    toll_buffer_free(&ids);
    return good ? 0 : toll_build_memory(build);
}
