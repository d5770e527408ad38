/*
 * tax_areas.csv: what a site lies in. A row is one jurisdiction of an area; with it come its parents. Areas
 * are many (a nine-digit ZIP sheet has tens of thousands) and each is a short list.
 */
#include "ratetable/tax_build.h"

#include <stdlib.h>

enum { AREA, JURISDICTION, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [AREA] = {"area", true}, [JURISDICTION] = {"tax_jurisdiction", true}};

struct row {
    uint32_t area; /* temporary id, then the image's */
    int32_t jurisdiction;
    uint32_t line, column;
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const char *path;
    struct toll_buffer rows;
};

static int read_row(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const struct toll_cell *cell, *jurisdiction;
    struct row row = {0}, *place;
    uint32_t first;
    bool good = toll_cell_name(reader->table, AREA, &cell);

    good = toll_cell_name(reader->table, JURISDICTION, &jurisdiction) && good;
    if (!good)
        return 0;
    if (!toll_table_names_add(&build->tax.areas, cell->text, cell->bytes, cell->line, &row.area, &first))
        return toll_build_memory(build);
    if (row.area == 0)
        row.area = toll_table_names_find(&build->tax.areas, cell->text, cell->bytes);
    if (!toll_cell_tax_id(build, reader->table, JURISDICTION, "jurisdiction", "tax_jurisdictions.csv",
                          &build->tax.jurisdictions, &build->tax.jurisdiction_ids, &row.jurisdiction))
        return 0;
    row.line = (uint32_t)jurisdiction->line;
    row.column = (uint32_t)jurisdiction->column;
    place = TOLL_BUFFER_ADD(&reader->rows, struct row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct row *a = left, *b = right;

    if (a->area != b->area)
        return a->area < b->area ? -1 : 1;
    if (a->jurisdiction != b->jurisdiction)
        return a->jurisdiction < b->jurisdiction ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int compare_ids(const void *left, const void *right)
{
    const int32_t a = *(const int32_t *)left, b = *(const int32_t *)right;

    return a < b ? -1 : a > b;
}

/* One state for all that have one. */
static void check_state(struct reader *reader, const struct row *rows, size_t count)
{
    const struct toll_tax_jurisdiction *all = reader->build->sections[TOLL_SECTION_TAX_JURISDICTIONS].data;
    const char *strings = reader->build->sections[TOLL_SECTION_STRINGS].data;
    const struct row *first = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct toll_tax_jurisdiction *own = &all[rows[i].jurisdiction];
        if (own->state == 0)
            continue;
        if (first == NULL)
            first = &rows[i];
        const struct toll_tax_jurisdiction *other = &all[first->jurisdiction];
        if (own->state == other->state)
            continue;
        const bool swap = rows[i].line < first->line;
        const struct row *late = swap ? first : &rows[i];
        const struct toll_tax_jurisdiction *here = swap ? other : own, *there = swap ? own : other;
        toll_finding(reader->build->findings, TOLL_ERROR, reader->path, late->line, late->column,
                     "tax_jurisdiction: the area \"%.60s\" lies in two states: \"%.60s\" is of %s, and "
                     "\"%.60s\" of %s; an area is in one",
                     toll_strings_text(&reader->build->tax.areas.strings, late->area, NULL),
                     strings + here->id, strings + here->state, strings + there->id, strings + there->state);
        return;
    }
}

/* The jurisdictions of an area and what they lie in. False: out of memory. */
static bool add_jurisdictions(struct toll_build *build, const struct row *rows, size_t count,
                              struct toll_tax_area *area)
{
    const struct toll_tax_jurisdiction *all = build->sections[TOLL_SECTION_TAX_JURISDICTIONS].data;
    struct toll_buffer *stored = &build->sections[TOLL_SECTION_TAX_AREA_JURISDICTIONS];
    uint32_t kept = 0;
    int32_t *ids;

    area->first = (uint32_t)stored->count;
    for (size_t i = 0; i < count; i++) {
        for (int32_t id = rows[i].jurisdiction; id > 0; id = all[id].parent) {
            int32_t *place = TOLL_BUFFER_ADD(stored, int32_t);
            if (place == NULL)
                return false;
            *place = id;
        }
    }
    ids = TOLL_BUFFER_AT(stored, int32_t, area->first);
    const size_t found = stored->count - area->first;
    qsort(ids, found, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < found; i++) {
        if (i == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    }
    stored->count = area->first + kept;
    area->count = kept;
    return true;
}

static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const struct toll_table_names *names = &build->tax.areas;
    struct row *rows = reader->rows.data;
    struct toll_tax_area *areas =
        toll_buffer_add(&build->sections[TOLL_SECTION_TAX_AREAS], sizeof(*areas), names->strings.count + 1);

    if (areas == NULL || !toll_tax_sort_names(build, names, &build->tax.area_ids, -1))
        return toll_build_memory(build);
    const uint32_t *ids = build->tax.area_ids.data;
    for (uint32_t i = 1; i <= names->strings.count; i++) {
        size_t bytes;
        const char *text = toll_strings_text(&names->strings, i, &bytes);
        areas[ids[i]].line = *TOLL_BUFFER_AT(&names->lines, uint32_t, i - 1);
        if (!toll_build_text(build, text, bytes, &areas[ids[i]].area))
            return toll_build_memory(build);
    }
    if (reader->rows.count > 0)
        qsort(rows, reader->rows.count, sizeof(*rows), compare_rows);
    for (size_t first = 0, last; first < reader->rows.count; first = last) {
        for (last = first; last < reader->rows.count && rows[last].area == rows[first].area; last++) {
            if (last > first && rows[last].jurisdiction == rows[last - 1].jurisdiction)
                toll_finding(build->findings, TOLL_ERROR, reader->path, rows[last].line, rows[last].column,
                             "tax_jurisdiction: line %u has the same jurisdiction of this area; take one out",
                             rows[last - 1].line);
        }
        check_state(reader, &rows[first], last - first);
        if (!add_jurisdictions(build, &rows[first], last - first, &areas[ids[rows[first].area]]))
            return toll_build_memory(build);
    }
    return 0;
}

int toll_build_tax_areas(struct toll_build *build)
{
    struct reader reader = {.build = build};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "tax_areas.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "tax_areas.csv", &source);
        build->tax.has_areas = true;
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
