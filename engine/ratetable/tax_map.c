/*
 * tax_map.csv: which tax services a product or call is. Rows with the same conditions are one split of the
 * charge; the splits are stored in the order in which they are tried.
 */
#include "ratetable/tax_build.h"

#include <stdlib.h>

enum { SERVICE_NAME, PRODUCT, SERVICE, CLASS, JURISDICTION, SHARE, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [SERVICE_NAME] = {"tax_service", true},   [PRODUCT] = {"product", false},
    [SERVICE] = {"service", false},           [CLASS] = {"class", false},
    [JURISDICTION] = {"jurisdiction", false}, [SHARE] = {"share", false}};

struct row {
    int64_t share;
    int32_t product, service, class_, jurisdiction; /* temporary product; -1 any */
    uint32_t tax_service;                           /* temporary id */
    uint32_t line, column;
    uint32_t group; /* the line of its split's first row */
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const char *path;
    struct toll_buffer rows;
    struct toll_table_names groups; /* by conditions, with the line of the first row */
};

static int read_row(struct reader *reader)
{
    static const char *const services[] = {"voice", "sms", "mms", "data", "event"};
    static const char *const classes[] = {"ordinary", "toll_free", "premium", "n11", "on_net"};
    static const char *const jurisdictions[] = {"indeterminate", "local", "intrastate", "interstate",
                                                "international"};
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell;
    struct row row = {.share = TOLL_TAX_ONE}, *place;
    uint32_t id, first;
    int product;
    bool good = toll_cell_name(table, SERVICE_NAME, &cell);

    product = toll_cell_product(build, table, PRODUCT, &row.product);
    if (product < 0)
        return product;
    good = toll_cell_choice(table, SERVICE, services, 5, -1, &row.service) && good && product == 1;
    good = toll_cell_choice(table, CLASS, classes, 5, -1, &row.class_) && good;
    good = toll_cell_choice(table, JURISDICTION, jurisdictions, 5, -1, &row.jurisdiction) && good;
    good = toll_cell_fraction(table, SHARE, 1, &row.share) && good;
    if (toll_table_cell(table, SERVICE_NAME)->bytes > 0) {
        cell = toll_table_cell(table, SERVICE_NAME);
        if (!toll_table_names_add(&build->tax.services, cell->text, cell->bytes, cell->line, &id, &first))
            return toll_build_memory(build);
        row.tax_service = id > 0 ? id : toll_table_names_find(&build->tax.services, cell->text, cell->bytes);
    }
    if (!good)
        return 0;
    const int32_t conditions[] = {row.product, row.service, row.class_, row.jurisdiction};
    if (!toll_table_names_add(&reader->groups, (const char *)conditions, sizeof(conditions),
                              toll_table_line(table), &id, &row.group))
        return toll_build_memory(build);
    row.line = (uint32_t)cell->line;
    row.column = (uint32_t)cell->column;
    place = TOLL_BUFFER_ADD(&reader->rows, struct row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int conditions_of(const struct row *row)
{
    return (row->product > 0) + (row->service >= 0) + (row->class_ >= 0) + (row->jurisdiction >= 0);
}

/* By precedence of the split, then by name of the tax service (the image's id by now). */
static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    const int more = conditions_of(b) - conditions_of(a);

    if (more != 0)
        return more;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->tax_service != b->tax_service)
        return a->tax_service < b->tax_service ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* The rows of one split. */
static void check_split(struct reader *reader, const struct row *rows, size_t count)
{
    struct toll_findings *findings = reader->build->findings;
    const char *strings = reader->build->sections[TOLL_SECTION_STRINGS].data;
    const uint32_t *services = reader->build->sections[TOLL_SECTION_TAX_SERVICES].data;
    const struct row *last = rows;
    char text[TOLL_TOTAL_TEXT_BYTES];
    toll_total sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += rows[i].share;
        last = rows[i].line > last->line ? &rows[i] : last;
        if (i > 0 && rows[i].tax_service == rows[i - 1].tax_service)
            toll_finding(findings, TOLL_ERROR, reader->path, rows[i].line, rows[i].column,
                         "tax_service: \"%.60s\" is here for the second time under the same conditions; the "
                         "first is in line %u",
                         strings + services[rows[i].tax_service], rows[i - 1].line);
    }
    if (sum == TOLL_TAX_ONE)
        return;
    toll_total_format(sum, 12, text);
    toll_finding(findings, TOLL_ERROR, reader->path, last->line, last->column,
                 "share: the rows with these conditions, from line %u on, add up to %s; they must to 1",
                 rows->group, text);
}

static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;
    struct row *rows = reader->rows.data;
    const uint32_t *ids = build->tax.service_ids.data;

    if (TOLL_BUILD_ADD(build, TAX_SPLITS, struct toll_tax_split) == NULL)
        return toll_build_memory(build);
    for (size_t i = 0; i < reader->rows.count; i++)
        rows[i].tax_service = ids[rows[i].tax_service];
    if (reader->rows.count > 0)
        qsort(rows, reader->rows.count, sizeof(*rows), compare_rows);
    for (size_t first = 0, last; first < reader->rows.count; first = last) {
        struct toll_tax_split *split = TOLL_BUILD_ADD(build, TAX_SPLITS, struct toll_tax_split);
        struct toll_tax_split_part *parts;
        for (last = first; last < reader->rows.count && rows[last].group == rows[first].group;)
            last++;
        parts = toll_buffer_add(&build->sections[TOLL_SECTION_TAX_SPLIT_PARTS], sizeof(*parts), last - first);
        if (split == NULL || parts == NULL)
            return toll_build_memory(build);
        *split = (struct toll_tax_split){
            .product = rows[first].product,
            .service = (int8_t)rows[first].service,
            .class_ = (int8_t)rows[first].class_,
            .jurisdiction = (int8_t)rows[first].jurisdiction,
            .first = (uint32_t)(build->sections[TOLL_SECTION_TAX_SPLIT_PARTS].count - (last - first)),
            .count = (uint32_t)(last - first),
            .line = rows[first].group};
        for (size_t i = first; i < last; i++)
            parts[i - first] = (struct toll_tax_split_part){
                .service = (int32_t)rows[i].tax_service, .line = rows[i].line, .share = rows[i].share};
        check_split(reader, &rows[first], last - first);
    }
    return 0;
}

int toll_build_tax_map(struct toll_build *build)
{
    struct reader reader = {.build = build};
    struct toll_source *source;
    struct toll_table *table = NULL;
    int code = toll_build_product_rows(build);

    if (code == 0)
        code = toll_build_table(build, "tax_map.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "tax_map.csv", &source);
        reader.table = table;
        reader.path = source->path;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(&reader);
        toll_table_close(table);
    }
    if (code == 0 &&
        !toll_tax_sort_names(build, &build->tax.services, &build->tax.service_ids, TOLL_SECTION_TAX_SERVICES))
        code = toll_build_memory(build);
    if (code == 0)
        code = store(&reader);
    toll_buffer_free(&reader.rows);
    toll_table_names_free(&reader.groups);
    return code == 0 ? toll_build_sellers(build) : code;
}
