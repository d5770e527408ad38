/*
 * taxes.csv: each row's cells, and what is for the whole of a tax, which may stand in any of its rows and
 * says the same wherever it stands.
 */
#include "ratetable/tax_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TAX,
    JURISDICTION,
    LEVEL,
    SERVICES,
    CLASSES,
    SALE,
    BASE,
    ON_TAXES,
    RATE,
    AMOUNT,
    BRACKET_FROM,
    BRACKET_TO,
    CAP,
    THRESHOLD,
    FROM,
    TO,
    SOURCE,
    AS_OF,
    CADENCE,
    CATEGORY, /* from here on: for all rows of a tax */
    NAME,
    KIND,
    SOURCING,
    SCOPE,
    ROUND_SCOPE,
    ROUNDING,
    DATE_BASIS,
    SURCHARGE,
    BILLABLE,
    EXEMPT_BY,
    LINE_BASIS,
    PART_MONTH,
    COLUMNS
};
#define COMMON_FIRST CATEGORY
#define COMMON (COLUMNS - COMMON_FIRST)
static const struct toll_table_column columns[COLUMNS] = {[TAX] = {"tax", true},
                                                          [JURISDICTION] = {"tax_jurisdiction", false},
                                                          [LEVEL] = {"level", false},
                                                          [SERVICES] = {"tax_services", false},
                                                          [CLASSES] = {"customer_classes", false},
                                                          [SALE] = {"sale", false},
                                                          [BASE] = {"base", false},
                                                          [ON_TAXES] = {"on_taxes", false},
                                                          [RATE] = {"rate", false},
                                                          [AMOUNT] = {"amount", false},
                                                          [BRACKET_FROM] = {"bracket_from", false},
                                                          [BRACKET_TO] = {"bracket_to", false},
                                                          [CAP] = {"cap", false},
                                                          [THRESHOLD] = {"threshold", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false},
                                                          [SOURCE] = {"source", false},
                                                          [AS_OF] = {"as_of", false},
                                                          [CADENCE] = {"cadence", false},
                                                          [CATEGORY] = {"category", false},
                                                          [NAME] = {"name", false},
                                                          [KIND] = {"kind", false},
                                                          [SOURCING] = {"sourcing", false},
                                                          [SCOPE] = {"scope", false},
                                                          [ROUND_SCOPE] = {"round_scope", false},
                                                          [ROUNDING] = {"rounding", false},
                                                          [DATE_BASIS] = {"date_basis", false},
                                                          [SURCHARGE] = {"surcharge", false},
                                                          [BILLABLE] = {"billable", false},
                                                          [EXEMPT_BY] = {"exempt_by", false},
                                                          [LINE_BASIS] = {"line_basis", false},
                                                          [PART_MONTH] = {"part_month", false}};
static const int cell_columns[TOLL_TAX_CELLS] = {[TOLL_TAX_CELL_RATE] = RATE,
                                                 [TOLL_TAX_CELL_AMOUNT] = AMOUNT,
                                                 [TOLL_TAX_CELL_BASE] = BASE,
                                                 [TOLL_TAX_CELL_ON] = ON_TAXES,
                                                 [TOLL_TAX_CELL_BRACKET_FROM] = BRACKET_FROM,
                                                 [TOLL_TAX_CELL_BRACKET_TO] = BRACKET_TO,
                                                 [TOLL_TAX_CELL_CAP] = CAP,
                                                 [TOLL_TAX_CELL_THRESHOLD] = THRESHOLD};

#define RATE_MOST 100 /* 10,000 % */
#define WEIGHT_MOST (1000000 * TOLL_TAX_QUANTITY_ONE)

static const char *const kinds[] = {"rate", "per_minute", "per_line", "per_account", "fixed"};

/* All rows of one tax while they are read. */
struct group {
    int64_t values[COMMON];
    uint32_t lines[COMMON], columns[COMMON]; /* where it was said first; 0: nowhere */
    uint32_t basis_first, basis_count;       /* of reader->bases */
    uint32_t line, column;
    bool good;
};

/* A name in on_taxes, where it was first. */
struct reference {
    uint32_t line, column;
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    struct toll_tax_rows rows;
    struct toll_buffer groups;     /* struct group by temporary id - 1 */
    struct toll_buffer bases;      /* struct toll_tax_line_basis */
    struct toll_strings on_names;  /* of on_taxes */
    struct toll_buffer references; /* struct reference by id of on_names - 1 */
    struct toll_strings on_lists;  /* ids of on_names, ascending */
    uint32_t file;
};

void toll_tax_row_finding(const struct toll_tax_rows *rows, const struct toll_tax_row *row, int cell,
                          const char *format, ...)
{
    const bool there = cell >= 0 && toll_tax_row_has(row, cell);
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    toll_finding(rows->build->findings, TOLL_ERROR, rows->path, row->line,
                 there ? row->columns[cell] : row->column, "%s: %s",
                 cell >= 0 ? columns[cell_columns[cell]].name : columns[TAX].name, text);
}

/* -- what is for the whole of a tax -- */

/* An element "pri:24" of line_basis. 1 good, 0 after a finding, -1 out of memory. */
static int read_basis(struct reader *reader, const struct toll_cell *cell, const char *text, size_t bytes,
                      uint32_t first)
{
    const char *colon = memchr(text, ':', bytes);
    const size_t type_bytes = colon != NULL ? (size_t)(colon - text) : bytes;
    struct toll_tax_line_basis basis = {.weight = TOLL_TAX_QUANTITY_ONE}, *place;

    if (type_bytes == 0 ||
        (colon != NULL && (toll_decimal_parse(colon + 1, bytes - type_bytes - 1, 6, &basis.weight) != 0 ||
                           basis.weight < 0 || basis.weight > WEIGHT_MOST))) {
        toll_cell_finding(reader->table, cell, TOLL_ERROR,
                          "\"%.*s\" is not a type of services.csv with a weight from 0 to 1000000, at most 6 "
                          "decimals; write number or pri:24",
                          (int)(bytes < 60 ? bytes : 60), text);
        return 0;
    }
    if (!toll_build_text(reader->build, text, type_bytes, &basis.type))
        return -1;
    for (size_t i = first; i < reader->bases.count; i++) {
        if (TOLL_BUFFER_AT(&reader->bases, struct toll_tax_line_basis, i)->type == basis.type) {
            toll_cell_finding(reader->table, cell, TOLL_ERROR, "\"%.*s\" is here twice; which weight has it?",
                              (int)(type_bytes < 60 ? type_bytes : 60), text);
            return 0;
        }
    }
    place = TOLL_BUFFER_ADD(&reader->bases, struct toll_tax_line_basis);
    if (place != NULL)
        *place = basis;
    return place != NULL ? 1 : -1;
}

static int read_bases(struct reader *reader, struct group *group)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, LINE_BASIS);
    const char *at = cell->text, *text;
    size_t bytes;
    int result = 1;

    if (cell->bytes == 0 || group->lines[LINE_BASIS - COMMON_FIRST] > 0)
        return 1;
    group->basis_first = (uint32_t)reader->bases.count;
    while (result == 1 && toll_list_next(&at, &text, &bytes))
        result = read_basis(reader, cell, text, bytes, group->basis_first);
    group->basis_count = (uint32_t)reader->bases.count - group->basis_first;
    return result;
}

static int read_common_cell(struct reader *reader, int column, int64_t *value)
{
    static const char *const sourcings[] = {"site", "origin", "two_of_three"};
    static const char *const scopes[] = {"account", "location", "line", "invoice", "month"};
    static const char *const round_scopes[] = {"account", "invoice_line", "line"};
    static const char *const roundings[] = {"half_up", "half_even", "up", "down"};
    static const char *const dates[] = {"call", "bill", "period"};
    static const char *const answers[] = {"no", "yes"};
    static const char *const exempt_by[] = {"any", "named"};
    static const char *const part_months[] = {"full", "prorated", "none"};
    static const struct {
        const char *const *names;
        int count;
    } choices[COMMON] = {
        [KIND - COMMON_FIRST] = {kinds, 5},          [SOURCING - COMMON_FIRST] = {sourcings, 3},
        [SCOPE - COMMON_FIRST] = {scopes, 5},        [ROUND_SCOPE - COMMON_FIRST] = {round_scopes, 3},
        [ROUNDING - COMMON_FIRST] = {roundings, 4},  [DATE_BASIS - COMMON_FIRST] = {dates, 3},
        [SURCHARGE - COMMON_FIRST] = {answers, 2},   [BILLABLE - COMMON_FIRST] = {answers, 2},
        [EXEMPT_BY - COMMON_FIRST] = {exempt_by, 2}, [PART_MONTH - COMMON_FIRST] = {part_months, 3}};
    const int index = column - COMMON_FIRST;
    int choice = 0;
    uint32_t offset = 0;

    if (choices[index].count == 0) { /* a text */
        if (!toll_build_cell(reader->build, toll_table_cell(reader->table, column), &offset))
            return -1;
        *value = offset;
        return 1;
    }
    if (!toll_cell_choice(reader->table, column, choices[index].names, choices[index].count, 0, &choice))
        return 0;
    *value = column == SCOPE && choice > TOLL_TAX_SCOPE_LINE ? TOLL_TAX_SCOPE_ACCOUNT : choice;
    return 1;
}

static int read_common(struct reader *reader, struct group *group)
{
    int code = read_bases(reader, group);
    bool good = code == 1;

    for (int i = 0; i < COMMON && code >= 0; i++) {
        const struct toll_cell *cell = toll_table_cell(reader->table, COMMON_FIRST + i);
        int64_t value = 0;
        if (cell->bytes == 0)
            continue;
        code = read_common_cell(reader, COMMON_FIRST + i, &value);
        good = good && code == 1;
        if (code == 1)
            good = toll_cell_said_once(reader->table, cell, "tax", value, &group->values[i], &group->lines[i],
                                       &group->columns[i]) &&
                   good;
    }
    group->good = group->good && good;
    if (code < 0)
        return toll_build_memory(reader->build);
    const struct toll_cell *category = toll_table_cell(reader->table, CATEGORY);
    if (category->bytes > 0 &&
        toll_strings_add(&reader->build->tax.categories, category->text, category->bytes) == 0)
        return toll_build_memory(reader->build);
    return 0;
}

/* -- rows -- */

static int compare_ids(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static size_t sort_unique(uint32_t *ids, size_t count)
{
    size_t kept = 0;

    if (count > 0)
        qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    }
    return kept;
}

/* The names in on_taxes; the taxes may come later. */
static bool read_on_taxes(struct reader *reader, struct toll_tax_row *row)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, ON_TAXES);
    const char *at = cell->bytes > 0 ? cell->text : NULL, *text;
    struct toll_buffer ids = {0};
    size_t bytes;
    bool good = true;

    while (good && toll_list_next(&at, &text, &bytes)) {
        uint32_t *id = TOLL_BUFFER_ADD(&ids, uint32_t);
        struct reference *place;
        good = id != NULL && (*id = toll_strings_add(&reader->on_names, text, bytes)) > 0;
        if (!good || *id <= reader->references.count)
            continue;
        place = TOLL_BUFFER_ADD(&reader->references, struct reference);
        good = place != NULL;
        if (good)
            *place = (struct reference){(uint32_t)cell->line, (uint32_t)cell->column};
    }
    if (good && ids.count > 0) {
        ids.count = sort_unique(ids.data, ids.count);
        row->on = toll_strings_add(&reader->on_lists, ids.data, ids.count * sizeof(uint32_t));
        good = row->on > 0;
    }
    toll_buffer_free(&ids);
    return good;
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* customer_classes: offsets of texts, bytewise. */
static bool read_classes(struct reader *reader, uint32_t *list)
{
    struct toll_build *build = reader->build;
    const struct toll_cell *cell = toll_table_cell(reader->table, CLASSES);
    const char *at = cell->bytes > 0 ? cell->text : NULL, *text;
    struct toll_buffer texts = {0}, offsets = {0};
    const char **sorted;
    size_t bytes;
    bool good = true;

    while (good && toll_list_next(&at, &text, &bytes)) {
        const char **place = TOLL_BUFFER_ADD(&texts, const char *);
        good = place != NULL && (*place = toll_arena_copy(&build->arena, text, bytes)) != NULL;
    }
    sorted = texts.data;
    if (good && texts.count > 0)
        qsort(sorted, texts.count, sizeof(*sorted), compare_texts);
    for (size_t i = 0; i < texts.count && good; i++) {
        uint32_t *place;
        if (i > 0 && strcmp(sorted[i], sorted[i - 1]) == 0)
            continue;
        place = TOLL_BUFFER_ADD(&offsets, uint32_t);
        good = place != NULL && toll_build_text(build, sorted[i], strlen(sorted[i]), place);
    }
    *list = good ? toll_tax_list(build, offsets.data, offsets.count, true) : 0;
    toll_buffer_free(&texts);
    toll_buffer_free(&offsets);
    return *list > 0;
}

static bool read_where(struct reader *reader, struct toll_tax_row *row)
{
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell = toll_table_cell(table, JURISDICTION);
    bool good = toll_cell_tax_id(build, table, JURISDICTION, "jurisdiction", "tax_jurisdictions.csv",
                                 &build->tax.jurisdictions, &build->tax.jurisdiction_ids, &row->jurisdiction);

    good = toll_cell_choice(table, LEVEL, toll_tax_level_names, TOLL_TAX_LEVELS, -1, &row->level) && good;
    if (!good)
        return false;
    if (row->jurisdiction > 0) {
        const int32_t level = TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TAX_JURISDICTIONS],
                                             struct toll_tax_jurisdiction, row->jurisdiction)
                                  ->level;
        if (row->level >= 0 && row->level != level) {
            toll_cell_finding(
                table, toll_table_cell(table, LEVEL), TOLL_ERROR,
                "\"%s\" is not the level of \"%.60s\", which is a %s; leave the one or the other "
                "empty",
                toll_tax_level_names[row->level], cell->text, toll_tax_level_names[level]);
            return false;
        }
        row->level = level;
    } else if (row->level < 0) {
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "this row says neither tax_jurisdiction nor level; one of the two is needed");
        return false;
    }
    return true;
}

/* Cells that go with some kinds only; which kind it is may stand in a later row. */
static bool read_values(const struct toll_table *table, struct toll_tax_row *row)
{
    static const char *const bases[] = {"charge", "interstate", "intrastate", "none"};
    bool good = true;

    for (int i = 0; i < TOLL_TAX_CELLS; i++) {
        const struct toll_cell *cell = toll_table_cell(table, cell_columns[i]);
        int base = 0;
        row->columns[i] = (uint32_t)cell->column;
        if (cell->bytes == 0)
            continue;
        row->has |= (uint8_t)(1u << i);
        if (i == TOLL_TAX_CELL_RATE) {
            good = toll_cell_fraction(table, RATE, RATE_MOST, &row->values[i]) && good;
        } else if (i == TOLL_TAX_CELL_BASE) {
            good = toll_cell_choice(table, BASE, bases, 4, 0, &base) && good;
            row->values[i] = base;
        } else if (i != TOLL_TAX_CELL_ON) {
            good = toll_cell_amount(table, cell_columns[i], 0, &row->values[i]) && good;
        }
    }
    return good;
}

static int read_row(struct reader *reader)
{
    static const char *const sales[] = {"retail", "resale", "any"};
    static const char *const cadences[] = {"month", "quarter", "year"};
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell;
    struct toll_tax_row row = {.line = (uint32_t)toll_table_line(table)}, *place;
    struct group *group;
    uint32_t first;
    int cadence = -1, services, code;
    bool good;

    if (!toll_cell_name(table, TAX, &cell))
        return 0;
    if (!toll_table_names_add(&build->tax.taxes, cell->text, cell->bytes, cell->line, &row.tax, &first))
        return toll_build_memory(build);
    row.column = (uint32_t)cell->column;
    if (row.tax == 0) {
        row.tax = toll_table_names_find(&build->tax.taxes, cell->text, cell->bytes);
        group = TOLL_BUFFER_AT(&reader->groups, struct group, row.tax - 1);
    } else {
        group = TOLL_BUFFER_ADD(&reader->groups, struct group);
        if (group == NULL)
            return toll_build_memory(build);
        *group = (struct group){.line = row.line, .column = row.column, .good = true};
    }
    code = read_common(reader, group);
    if (code != 0)
        return code;
    good = read_where(reader, &row);
    good = toll_cell_option(table, SALE, sales, 3, TOLL_TAX_RETAIL, &row.sale) && good;
    good = read_values(table, &row) && good;
    good = toll_cell_days(table, FROM, TO, &row.from, &row.until) && good;
    good = toll_cell_day(table, AS_OF, TOLL_TAX_DAY_MIN, &row.as_of) && good;
    good = toll_cell_choice(table, CADENCE, cadences, 3, -1, &cadence) && good;
    row.cadence = (uint8_t)(cadence + 1);
    services = toll_cell_tax_services(build, table, SERVICES, &row.services);
    if (services < 0)
        return services;
    group->good = group->good && good && services == 1;
    place = TOLL_BUFFER_ADD(&reader->rows.rows, struct toll_tax_row);
    if (place == NULL || !read_classes(reader, &row.classes) || !read_on_taxes(reader, &row) ||
        !toll_build_cell(build, toll_table_cell(table, SOURCE), &row.source))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

/* -- the whole -- */

/* on_taxes as lists of the image. */
static int resolve_on_taxes(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const uint32_t count = reader->on_lists.count;
    uint32_t *ids = calloc(reader->on_names.count + 1, sizeof(*ids));
    uint32_t *lists = calloc(count + 1, sizeof(*lists));
    uint32_t *list = calloc(reader->on_names.count + 1, sizeof(*list));
    bool good = ids != NULL && lists != NULL && list != NULL;

    for (uint32_t i = 1; i <= reader->on_names.count && good; i++) {
        const struct reference *at = TOLL_BUFFER_AT(&reader->references, struct reference, i - 1);
        size_t bytes;
        const char *text = toll_strings_text(&reader->on_names, i, &bytes);
        const uint32_t name = toll_table_names_find(&build->tax.taxes, text, bytes);
        ids[i] = *TOLL_BUFFER_AT(&build->tax.tax_ids, uint32_t, name);
        if (name == 0)
            toll_finding(build->findings, TOLL_ERROR, reader->rows.path, at->line, at->column,
                         "on_taxes: the tax \"%.60s\" is unknown: it has no row in taxes.csv", text);
    }
    for (uint32_t i = 1; i <= count && good; i++) {
        size_t bytes, kept = 0;
        const uint32_t *names = (const void *)toll_strings_text(&reader->on_lists, i, &bytes);
        for (size_t k = 0; k < bytes / sizeof(*names); k++) {
            uint32_t name;
            memcpy(&name, &names[k], sizeof(name));
            if (ids[name] > 0)
                list[kept++] = ids[name];
        }
        lists[i] = toll_tax_list(build, list, sort_unique(list, kept), false);
        good = lists[i] > 0;
    }
    for (size_t i = 0; i < reader->rows.rows.count && good; i++) {
        struct toll_tax_row *row = TOLL_BUFFER_AT(&reader->rows.rows, struct toll_tax_row, i);
        row->on = lists[row->on];
    }
    free(ids);
    free(lists);
    free(list);
    return good ? 0 : toll_build_memory(build);
}

static void group_finding(const struct reader *reader, const struct group *group, int column,
                          const char *problem)
{
    const uint32_t line = group->lines[column - COMMON_FIRST];

    toll_finding(reader->build->findings, TOLL_ERROR, reader->rows.path, line > 0 ? line : group->line,
                 line > 0 ? group->columns[column - COMMON_FIRST] : group->column, "%s: %s",
                 columns[column].name, problem);
}

static void check_group(const struct reader *reader, const struct group *group)
{
    const bool lines = group->values[KIND - COMMON_FIRST] == TOLL_TAX_PER_LINE;
    const int64_t sourcing = group->values[SOURCING - COMMON_FIRST];

    if (lines && group->basis_count == 0)
        group_finding(reader, group, LINE_BASIS,
                      "a tax of kind per_line must say here what counts as a line, like number;seat;pri:24");
    if (!lines && group->lines[LINE_BASIS - COMMON_FIRST] > 0)
        group_finding(reader, group, LINE_BASIS, "this is for kind per_line only; leave the cell empty");
    if (!lines && group->lines[PART_MONTH - COMMON_FIRST] > 0)
        group_finding(reader, group, PART_MONTH, "this is for kind per_line only; leave the cell empty");
    if (sourcing != TOLL_TAX_BY_SITE && !reader->build->nanp)
        group_finding(reader, group, SOURCING,
                      "a book with number_plan e164 has no places of numbers; write site");
}

static struct toll_tax tax_of(const struct reader *reader, const struct group *group)
{
    const int64_t *values = group->values;
#define VALUE(column) (uint8_t) values[column - COMMON_FIRST]
    struct toll_tax tax = {
        .category = (uint32_t)values[CATEGORY - COMMON_FIRST],
        .name = (uint32_t)values[NAME - COMMON_FIRST],
        .file = reader->file,
        .line = group->line,
        .kind = VALUE(KIND),
        .sourcing = VALUE(SOURCING),
        .scope = VALUE(SCOPE),
        .round_scope = VALUE(ROUND_SCOPE),
        .rounding = VALUE(ROUNDING),
        .date_basis = VALUE(DATE_BASIS),
        .part_month = VALUE(PART_MONTH),
        .surcharge = VALUE(SURCHARGE),
        .billable = group->lines[BILLABLE - COMMON_FIRST] > 0 ? VALUE(BILLABLE) : 1,
        .exempt_named = VALUE(EXEMPT_BY),
    };
#undef VALUE
    return tax;
}

static int compare_rows(const void *left, const void *right)
{
    const struct toll_tax_row *a = left, *b = right;

    if (a->tax != b->tax)
        return a->tax < b->tax ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* The taxes by name, with their line bases; the rows by tax. */
static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const struct toll_table_names *names = &build->tax.taxes;
    struct toll_buffer *bases = &build->sections[TOLL_SECTION_TAX_LINE_BASES];
    struct toll_tax *taxes =
        toll_buffer_add(&build->sections[TOLL_SECTION_TAXES], sizeof(*taxes), reader->groups.count + 1);
    bool good = true;

    if (taxes == NULL || !toll_tax_sort_names(build, names, &build->tax.tax_ids, -1))
        return toll_build_memory(build);
    for (uint32_t i = 1; i <= names->strings.count; i++) {
        const struct group *group = TOLL_BUFFER_AT(&reader->groups, struct group, i - 1);
        struct toll_tax *tax = &taxes[*TOLL_BUFFER_AT(&build->tax.tax_ids, uint32_t, i)];
        struct toll_tax_line_basis *own;
        size_t bytes;
        const char *text = toll_strings_text(&names->strings, i, &bytes);
        good = good && group->good;
        if (group->good)
            check_group(reader, group);
        *tax = tax_of(reader, group);
        tax->basis_first = (uint32_t)bases->count;
        tax->basis_count = group->basis_count;
        own = toll_buffer_add(bases, sizeof(*own), group->basis_count);
        if (own == NULL || !toll_build_text(build, text, bytes, &tax->tax))
            return toll_build_memory(build);
        if (group->basis_count > 0)
            memcpy(own, TOLL_BUFFER_AT(&reader->bases, struct toll_tax_line_basis, group->basis_first),
                   group->basis_count * sizeof(*own));
    }
    for (size_t i = 0; i < reader->rows.rows.count; i++) {
        struct toll_tax_row *row = TOLL_BUFFER_AT(&reader->rows.rows, struct toll_tax_row, i);
        row->tax = *TOLL_BUFFER_AT(&build->tax.tax_ids, uint32_t, row->tax);
    }
    if (reader->rows.rows.count > 0)
        qsort(reader->rows.rows.data, reader->rows.rows.count, sizeof(struct toll_tax_row), compare_rows);
    const int code = resolve_on_taxes(reader);
    /* Of rows with an error nobody knows what they belong to. */
    return code != 0 || !good ? code : toll_tax_make_series(&reader->rows);
}

int toll_build_taxes(struct toll_build *build)
{
    struct reader reader = {.build = build, .rows = {.build = build}};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "taxes.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "taxes.csv", &source);
        reader.table = table;
        reader.rows.path = source->path;
        reader.file = source->text;
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(&reader);
        toll_table_close(table);
    }
    if (code == 0)
        code = store(&reader);
    TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_META], struct toll_book_meta, 0)->taxed = build->tax.taxed;
    toll_buffer_free(&reader.rows.rows);
    toll_buffer_free(&reader.rows.series);
    toll_buffer_free(&reader.rows.members);
    toll_buffer_free(&reader.groups);
    toll_buffer_free(&reader.bases);
    toll_buffer_free(&reader.references);
    toll_strings_free(&reader.on_names);
    toll_strings_free(&reader.on_lists);
    return code;
}
