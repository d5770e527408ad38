/*
 * tax_jurisdictions.csv: who taxes, and what lies in what. Parents may come after their children, so they are
 * looked up when all rows are there; levels fall from parent to child, so there is no circle.
 */
#include "ratetable/tax_build.h"

#include <stdlib.h>

enum { ID, LEVEL, NAME, STATE, FIPS, PARENT, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [ID] = {"id", true},        [LEVEL] = {"level", true}, [NAME] = {"name", false},
    [STATE] = {"state", false}, [FIPS] = {"fips", false},  [PARENT] = {"parent", false}};

/* A row, by temporary id - 1. */
struct row {
    struct toll_tax_jurisdiction record;
    const char *text, *state, *fips, *parent; /* texts of the compilation, "" none */
    uint32_t parent_id;                       /* temporary */
    uint32_t state_column, fips_column, parent_column;
    bool good;
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const char *path;
    struct toll_buffer rows;
};

static bool read_state(const struct toll_table *table)
{
    const struct toll_cell *cell = toll_table_cell(table, STATE);

    if (cell->bytes == 0 || (cell->bytes == 2 && cell->text[0] >= 'A' && cell->text[0] <= 'Z' &&
                             cell->text[1] >= 'A' && cell->text[1] <= 'Z'))
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.20s\" is not two capital letters, like TX", cell->text);
    return false;
}

static bool read_fips(const struct toll_table *table)
{
    const struct toll_cell *cell = toll_table_cell(table, FIPS);

    if (cell->bytes == 0 ||
        (cell->bytes >= 2 && cell->bytes <= 10 && strspn(cell->text, "0123456789") == cell->bytes))
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is not a FIPS code of 2 to 10 digits", cell->text);
    return false;
}

static const char *kept(struct toll_build *build, const struct toll_cell *cell)
{
    return cell->bytes == 0 ? "" : toll_arena_copy(&build->arena, cell->text, cell->bytes);
}

static int read_row(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell, *level_cell, *state = toll_table_cell(table, STATE);
    const struct toll_cell *fips = toll_table_cell(table, FIPS), *parent = toll_table_cell(table, PARENT);
    struct row row = {.record = {.line = (uint32_t)toll_table_line(table), .level = -1}}, *place;
    uint32_t id, first;
    int level = -1;

    if (!toll_cell_name(table, ID, &cell))
        return 0;
    if (!toll_table_names_add(&build->tax.jurisdictions, cell->text, cell->bytes, cell->line, &id, &first))
        return toll_build_memory(build);
    if (id == 0) {
        toll_duplicate_finding(table, cell, "jurisdiction", first);
        return 0;
    }
    row.good = toll_cell_name(table, LEVEL, &level_cell) &&
               toll_cell_choice(table, LEVEL, toll_tax_level_names, TOLL_TAX_LEVELS, -1, &level);
    row.good = read_state(table) && row.good;
    row.good = read_fips(table) && row.good;
    row.record.level = level;
    row.text = kept(build, cell);
    row.state = kept(build, state);
    row.fips = kept(build, fips);
    row.parent = kept(build, parent);
    row.state_column = (uint32_t)(state->bytes > 0 ? state->column : cell->column);
    row.fips_column = (uint32_t)fips->column;
    row.parent_column = (uint32_t)parent->column;
    place = TOLL_BUFFER_ADD(&reader->rows, struct row);
    if (place == NULL || row.text == NULL || row.state == NULL || row.fips == NULL || row.parent == NULL ||
        !toll_build_cell(build, cell, &row.record.id) ||
        !toll_build_cell(build, toll_table_cell(table, NAME), &row.record.name) ||
        !toll_build_cell(build, fips, &row.record.fips))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

/* -- what lies in what -- */

static void find_parent(struct reader *reader, struct row *row)
{
    struct toll_findings *findings = reader->build->findings;
    const struct row *parent;

    if (row->parent[0] == 0)
        return;
    row->parent_id =
        toll_table_names_find(&reader->build->tax.jurisdictions, row->parent, strlen(row->parent));
    if (row->parent_id == 0) {
        toll_finding(findings, TOLL_ERROR, reader->path, row->record.line, row->parent_column,
                     "parent: the jurisdiction \"%.60s\" is unknown: it has no row in tax_jurisdictions.csv",
                     row->parent);
        row->good = false;
        return;
    }
    parent = TOLL_BUFFER_AT(&reader->rows, struct row, row->parent_id - 1);
    if (row->record.level < 0 || parent->record.level < 0) {
        row->good = false;
    } else if (parent->record.level >= row->record.level) {
        toll_finding(findings, TOLL_ERROR, reader->path, row->record.line, row->parent_column,
                     "parent: \"%.60s\" is of the level %s, and so no parent of the %s \"%.60s\"; a %s lies "
                     "in one of a higher level",
                     row->parent, toll_tax_level_names[parent->record.level],
                     toll_tax_level_names[row->record.level], row->text,
                     toll_tax_level_names[row->record.level]);
        row->good = false;
    }
}

/* Whether a row or one that it lies in is a state. */
static bool in_state(const struct reader *reader, const struct row *row)
{
    while (row->record.level != TOLL_TAX_STATE && row->parent_id > 0)
        row = TOLL_BUFFER_AT(&reader->rows, struct row, row->parent_id - 1);
    return row->record.level == TOLL_TAX_STATE;
}

/* The parent's checks are done. */
static void check_inside(struct reader *reader, struct row *row)
{
    struct toll_findings *findings = reader->build->findings;
    const struct row *parent;

    if (row->record.level == TOLL_TAX_STATE && row->state[0] == 0) {
        toll_finding(findings, TOLL_ERROR, reader->path, row->record.line, row->state_column,
                     "state: the state \"%.60s\" must have its two letters here, like TX", row->text);
        row->good = false;
    }
    if (row->parent_id == 0 || !row->good)
        return;
    parent = TOLL_BUFFER_AT(&reader->rows, struct row, row->parent_id - 1);
    if (!parent->good) {
        row->good = false;
        return;
    }
    if (in_state(reader, parent)) {
        if (row->state[0] == 0)
            row->state = parent->state;
        if (strcmp(row->state, parent->state) != 0) {
            toll_finding(findings, TOLL_ERROR, reader->path, row->record.line, row->state_column,
                         "state: a jurisdiction outside its state: \"%.60s\" is of %s, and its parent "
                         "\"%.60s\" (line %u) of %s; correct the one or the other",
                         row->text, row->state, parent->text, parent->record.line, parent->state);
            row->good = false;
        }
    }
    if (parent->record.level != TOLL_TAX_FEDERAL && row->fips[0] != 0 && parent->fips[0] != 0 &&
        strncmp(row->fips, parent->fips, strlen(parent->fips)) != 0) {
        toll_finding(findings, TOLL_ERROR, reader->path, row->record.line, row->fips_column,
                     "fips: a jurisdiction outside its state: %s does not begin with %s, that of its parent "
                     "\"%.60s\" (line %u); correct the one or the other",
                     row->fips, parent->fips, parent->text, parent->record.line);
        row->good = false;
    }
}

/* The end of a call has the state of its letters. */
static bool check_states(struct reader *reader)
{
    struct toll_table_names states = {0};
    bool good = true;

    for (size_t i = 0; i < reader->rows.count && good; i++) {
        const struct row *row = TOLL_BUFFER_AT(&reader->rows, struct row, i);
        uint32_t id, first;
        if (row->record.level != TOLL_TAX_STATE || row->state[0] == 0)
            continue;
        good = toll_table_names_add(&states, row->state, strlen(row->state), (long)row->record.line, &id,
                                    &first);
        if (good && id == 0)
            toll_finding(
                reader->build->findings, TOLL_ERROR, reader->path, row->record.line, row->state_column,
                "state: line %u is the state %s, too; make the one a county, city or district of the "
                "other, or correct its letters",
                first, row->state);
    }
    toll_table_names_free(&states);
    return good;
}

static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;
    struct toll_tax_jurisdiction *records;
    const uint32_t *ids;

    for (size_t i = 0; i < reader->rows.count; i++)
        find_parent(reader, TOLL_BUFFER_AT(&reader->rows, struct row, i));
    for (int level = 0; level < TOLL_TAX_LEVELS; level++) {
        for (size_t i = 0; i < reader->rows.count; i++) {
            struct row *row = TOLL_BUFFER_AT(&reader->rows, struct row, i);
            if (row->record.level == level)
                check_inside(reader, row);
        }
    }
    if (!check_states(reader))
        return toll_build_memory(build);
    records = toll_buffer_add(&build->sections[TOLL_SECTION_TAX_JURISDICTIONS], sizeof(*records),
                              reader->rows.count + 1);
    if (records == NULL ||
        !toll_tax_sort_names(build, &build->tax.jurisdictions, &build->tax.jurisdiction_ids, -1))
        return toll_build_memory(build);
    ids = build->tax.jurisdiction_ids.data;
    for (size_t i = 0; i < reader->rows.count; i++) {
        struct row *row = TOLL_BUFFER_AT(&reader->rows, struct row, i);
        row->record.parent = row->good ? (int32_t)ids[row->parent_id] : 0;
        if (row->record.level < 0)
            row->record.level = TOLL_TAX_FEDERAL; /* there will be no image */
        if (!toll_build_text(build, row->state, strlen(row->state), &row->record.state))
            return toll_build_memory(build);
        records[ids[i + 1]] = row->record;
    }
    return 0;
}

int toll_build_tax_places(struct toll_build *build)
{
    struct reader reader = {.build = build};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_source(build, "taxes.csv", &source);

    build->tax.taxed = source != NULL;
    if (code == 0)
        code = toll_build_table(build, "tax_jurisdictions.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "tax_jurisdictions.csv", &source);
        reader.table = table;
        reader.path = source->path;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(&reader);
        toll_table_close(table);
    }
    if (code == 0)
        code = store(&reader);
    toll_buffer_free(&reader.rows);
    return code == 0 ? toll_build_tax_areas(build) : code;
}
