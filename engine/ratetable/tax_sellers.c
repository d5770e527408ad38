/*
 * sellers.csv: the companies that bill, and which share of what they sell is interstate. Of a seller the rows
 * for some tax services stand before those for all; each kind is in force once at a time.
 */
#include "ratetable/tax_build.h"

#include <stdlib.h>

enum { SELLER, METHOD, SHARE, SERVICES, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[SELLER] = {"seller", true},
                                                          [METHOD] = {"fusf_method", true},
                                                          [SHARE] = {"interstate_share", false},
                                                          [SERVICES] = {"tax_services", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

#define SAFE_HARBOUR_SHARE (TOLL_TAX_ONE / 1000 * 649) /* 47 CFR 54.706, VoIP: 64.9 % */

struct row {
    struct toll_tax_seller record;
    const char *text; /* of the seller's name */
    uint32_t column;
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const char *path;
    struct toll_buffer rows;
};

/* A row's time for one tax service, 0 for all. */
struct stretch {
    uint32_t seller, service;
    int32_t from, until;
    uint32_t line, column;
};

static int read_row(struct reader *reader)
{
    static const char *const methods[] = {"safe_harbour", "traffic_study", "actual"};
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell, *method;
    struct row row = {.record = {.line = (uint32_t)toll_table_line(table), .share = -1}}, *place;
    uint32_t list = 0, id, first;
    bool good = toll_cell_name(table, SELLER, &cell);
    int services;

    if (good && !toll_table_names_add(&build->tax.sellers, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    good = toll_cell_name(table, METHOD, &method) &&
           toll_cell_choice(table, METHOD, methods, 3, 0, &row.record.method) && good;
    good = toll_cell_fraction(table, SHARE, 1, &row.record.share) && good;
    if (good && row.record.share < 0 && row.record.method == TOLL_FUSF_TRAFFIC_STUDY) {
        toll_cell_finding(table, toll_table_cell(table, SHARE), TOLL_ERROR,
                          "a traffic_study is a share; write it here, like 0.35");
        good = false;
    }
    if (row.record.share < 0 && row.record.method == TOLL_FUSF_SAFE_HARBOUR)
        row.record.share = SAFE_HARBOUR_SHARE;
    good = toll_cell_days(table, FROM, TO, &row.record.from, &row.record.until) && good;
    services = toll_cell_tax_services(build, table, SERVICES, &list);
    if (services < 0)
        return services;
    if (!good || services == 0)
        return 0;
    row.record.service_first = toll_tax_list_place(build, list).first;
    row.record.service_count = toll_tax_list_place(build, list).count;
    row.text = toll_arena_copy(&build->arena, cell->text, cell->bytes);
    row.column = (uint32_t)cell->column;
    place = TOLL_BUFFER_ADD(&reader->rows, struct row);
    if (place == NULL || row.text == NULL || !toll_build_cell(build, cell, &row.record.seller))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    const int order = strcmp(a->text, b->text);

    if (order != 0)
        return order;
    if ((a->record.service_count == 0) != (b->record.service_count == 0))
        return a->record.service_count > 0 ? -1 : 1;
    return a->record.line < b->record.line ? -1 : a->record.line > b->record.line;
}

static int compare_stretches(const void *left, const void *right)
{
    const struct stretch *a = left, *b = right;

    if (a->seller != b->seller)
        return a->seller < b->seller ? -1 : 1;
    if (a->service != b->service)
        return a->service < b->service ? -1 : 1;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static bool add_stretches(struct reader *reader, const struct row *row, struct toll_buffer *stretches)
{
    const int32_t *ids = reader->build->sections[TOLL_SECTION_TAX_IDS].data;
    const struct toll_tax_seller *record = &row->record;
    const uint32_t count = record->service_count > 0 ? record->service_count : 1;
    struct stretch *at = toll_buffer_add(stretches, sizeof(*at), count);

    for (uint32_t i = 0; i < count && at != NULL; i++)
        at[i] = (struct stretch){.seller = record->seller,
                                 .service =
                                     record->service_count > 0 ? (uint32_t)ids[record->service_first + i] : 0,
                                 .from = record->from,
                                 .until = record->until,
                                 .line = record->line,
                                 .column = row->column};
    return at != NULL;
}

static int check_overlaps(struct reader *reader)
{
    struct toll_build *build = reader->build;
    struct toll_buffer stretches = {0};
    const struct stretch *at;
    bool good = true;

    for (size_t i = 0; i < reader->rows.count && good; i++)
        good = add_stretches(reader, TOLL_BUFFER_AT(&reader->rows, struct row, i), &stretches);
    if (good && stretches.count > 0)
        qsort(stretches.data, stretches.count, sizeof(*at), compare_stretches);
    at = stretches.data;
    for (size_t i = 1; i < stretches.count && good; i++) {
        const struct stretch *before = &at[i - 1], *own = &at[i];
        const bool swap = own->line < before->line;
        if (before->seller == own->seller && before->service == own->service && before->until > own->from)
            toll_finding(build->findings, TOLL_ERROR, reader->path, swap ? before->line : own->line,
                         swap ? before->column : own->column,
                         "seller: overlap: line %u is in force on the same days for %s%.60s; give the one an "
                         "end before the other's beginning",
                         swap ? own->line : before->line, own->service == 0 ? "all tax services" : "",
                         own->service == 0 ? ""
                                           : (const char *)build->sections[TOLL_SECTION_STRINGS].data +
                                                 *TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TAX_SERVICES],
                                                                 uint32_t, own->service));
    }
    toll_buffer_free(&stretches);
    return good ? 0 : toll_build_memory(build);
}

static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;

    if (reader->rows.count > 0)
        qsort(reader->rows.data, reader->rows.count, sizeof(struct row), compare_rows);
    for (size_t i = 0; i < reader->rows.count; i++) {
        struct toll_tax_seller *place = TOLL_BUILD_ADD(build, TAX_SELLERS, struct toll_tax_seller);
        if (place == NULL)
            return toll_build_memory(build);
        *place = TOLL_BUFFER_AT(&reader->rows, struct row, i)->record;
    }
    return check_overlaps(reader);
}

int toll_build_sellers(struct toll_build *build)
{
    struct reader reader = {.build = build};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "sellers.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "sellers.csv", &source);
        build->tax.has_sellers = true;
        reader.table = table;
        reader.path = source->path;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(&reader);
        toll_table_close(table);
    }
    if (code == 0)
        code = store(&reader);
    toll_buffer_free(&reader.rows);
    return code;
}
