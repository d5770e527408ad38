/*
 * tiers.csv: prices by the units of a period. One row is a tier; what is for all tiers of a name may stand in
 * any of its rows, and says the same wherever it stands.
 */
#include "ratetable/tiers.h"

#include "ratetable/prices.h"
#include "ratetable/tax_build.h"

enum {
    TIERS,
    FROM_QTY,
    RATE,
    PER,
    FLAT,
    PRODUCT, /* from here on: for all rows of a name */
    MODE,
    UNIT,
    SCOPE,
    PERIOD,
    DECIMALS,
    ROUNDING,
    MINIMUM_SPEND,
    MAXIMUM_SPEND,
    COLUMNS
};
static const struct toll_table_column columns[COLUMNS] = {[TIERS] = {"tiers", true},
                                                          [FROM_QTY] = {"from_qty", false},
                                                          [RATE] = {"rate", true},
                                                          [PER] = {"per", false},
                                                          [FLAT] = {"flat", false},
                                                          [PRODUCT] = {"product", false},
                                                          [MODE] = {"mode", false},
                                                          [UNIT] = {"unit", true},
                                                          [SCOPE] = {"scope", false},
                                                          [PERIOD] = {"period", false},
                                                          [DECIMALS] = {"decimals", false},
                                                          [ROUNDING] = {"rounding", false},
                                                          [MINIMUM_SPEND] = {"minimum_spend", false},
                                                          [MAXIMUM_SPEND] = {"maximum_spend", false}};

const struct toll_table_column *toll_tiers_columns(int *count)
{
    *count = COLUMNS;
    return columns;
}
#define COMMON_FIRST PRODUCT
#define COMMON (COLUMNS - COMMON_FIRST)

/* All tiers of one name while they are read. */
struct tiers_group {
    struct toll_tiers record;
    int64_t values[COMMON];
    uint32_t lines[COMMON]; /* where it was said first; 0: nowhere */
    uint32_t columns[COMMON];
    bool good;
};

/* A row, and the id of its tiers' name. */
struct tier_row {
    struct toll_tier tier;
    uint32_t tiers, column;
    bool has_per;
};

struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const char *path;
    uint32_t file;
    struct toll_buffer groups, rows; /* groups by id of build->tiers - 1 */
};

static const char *const modes[] = {"graduated", "volume", "package"};
static const char *const units[] = {"s", "message", "byte", "event"};
static const char *const scopes[] = {"number", "site", "account", "pool"};
static const char *const periods[] = {"month", "anchor", "call"};
static const char *const roundings[] = {"half_up", "half_even", "up", "down"};

/* -- what is for all of them -- */

static bool not_negative(const struct toll_table *table, int column, int64_t *value)
{
    if (!toll_cell_money(table, column, 0, value))
        return false;
    if (*value < 0)
        toll_cell_finding(table, toll_table_cell(table, column), TOLL_ERROR, "\"%.40s\" is negative",
                          toll_table_cell(table, column)->text);
    return *value >= 0;
}

static bool read_choice(const struct toll_table *table, int column, const char *const *names, int count,
                        int64_t *value)
{
    int choice = 0;
    const bool good = toll_cell_choice(table, column, names, count, 0, &choice);

    *value = choice;
    return good;
}

static bool common_value(struct reader *reader, int column, int64_t *value)
{
    const struct toll_table *table = reader->table;

    switch (column) {
    case PRODUCT: {
        int32_t product = 0;
        const int result = toll_cell_product(reader->build, table, PRODUCT, &product);
        *value = product;
        return result == 1;
    }
    case MODE:
        return read_choice(table, column, modes, 3, value);
    case UNIT:
        return read_choice(table, column, units, TOLL_UNITS, value);
    case SCOPE:
        return read_choice(table, column, scopes, TOLL_SCOPES, value);
    case PERIOD:
        return read_choice(table, column, periods, 3, value);
    case DECIMALS:
        return toll_cell_int(table, column, 0, TOLL_MONEY_DECIMALS, 0, value);
    case ROUNDING:
        return read_choice(table, column, roundings, 4, value);
    default:
        return not_negative(table, column, value);
    }
}

static bool read_common(struct reader *reader, struct tiers_group *group)
{
    bool good = true;

    for (int i = 0; i < COMMON; i++) {
        const struct toll_cell *cell = toll_table_cell(reader->table, COMMON_FIRST + i);
        int64_t value = 0;
        if (cell->bytes == 0)
            continue;
        good = common_value(reader, COMMON_FIRST + i, &value) &&
               toll_cell_said_once(reader->table, cell, "tiers", value, &group->values[i], &group->lines[i],
                                   &group->columns[i]) &&
               good;
    }
    return good;
}

/* -- rows -- */

static bool read_tier(struct reader *reader, struct tier_row *row)
{
    const struct toll_table *table = reader->table;
    const struct toll_cell *cell;
    int64_t per = 1;
    bool good = toll_cell_name(table, RATE, &cell) && not_negative(table, RATE, &row->tier.rate);

    good = toll_cell_int(table, FROM_QTY, 0, TOLL_UNITS_MAX, 0, &row->tier.from_qty) && good;
    good = toll_cell_int(table, PER, 1, INT32_MAX, 1, &per) && good;
    good = not_negative(table, FLAT, &row->tier.flat) && good;
    row->tier.per = (int32_t)per;
    row->tier.line = (uint32_t)toll_table_line(table);
    row->has_per = toll_table_cell(table, PER)->bytes > 0;
    return good;
}

static int read_row(struct reader *reader)
{
    struct toll_build *build = reader->build;
    const struct toll_cell *cell;
    struct tier_row row = {.tiers = 0}, *place;
    struct tiers_group *group;
    uint32_t first;
    bool good;

    if (!toll_cell_name(reader->table, TIERS, &cell))
        return 0;
    if (!toll_table_names_add(&build->tiers, cell->text, cell->bytes, cell->line, &row.tiers, &first))
        return toll_build_memory(build);
    if (row.tiers == 0) {
        row.tiers = toll_table_names_find(&build->tiers, cell->text, cell->bytes);
        group = TOLL_BUFFER_AT(&reader->groups, struct tiers_group, row.tiers - 1);
    } else {
        group = TOLL_BUFFER_ADD(&reader->groups, struct tiers_group);
        if (group == NULL || !toll_build_text(build, cell->text, cell->bytes, &group->record.name))
            return toll_build_memory(build);
        group->record.file = reader->file;
        group->record.line = (uint32_t)cell->line;
        group->good = true;
    }
    good = read_common(reader, group);
    good = read_tier(reader, &row) && good;
    group->good = group->good && good;
    row.column = (uint32_t)cell->column;
    place = TOLL_BUFFER_ADD(&reader->rows, struct tier_row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

/* -- the whole -- */

static int compare_rows(const void *left, const void *right)
{
    const struct tier_row *a = left, *b = right;

    if (a->tiers != b->tiers)
        return a->tiers < b->tiers ? -1 : 1;
    if (a->tier.from_qty != b->tier.from_qty)
        return a->tier.from_qty < b->tier.from_qty ? -1 : 1;
    return a->tier.line < b->tier.line ? -1 : 1;
}

static void set_common(const struct reader *reader, struct tiers_group *group)
{
    struct toll_tiers *record = &group->record;
    const int64_t *values = group->values;
    const uint32_t *lines = group->lines;
    const int decimals =
        lines[DECIMALS - COMMON_FIRST] > 0 ? (int)values[DECIMALS - COMMON_FIRST] : reader->build->decimals;

    record->product = (int32_t)values[PRODUCT - COMMON_FIRST];
    record->mode = (uint8_t)values[MODE - COMMON_FIRST];
    record->unit = (uint8_t)values[UNIT - COMMON_FIRST];
    record->scope =
        lines[SCOPE - COMMON_FIRST] > 0 ? (uint8_t)values[SCOPE - COMMON_FIRST] : TOLL_SCOPE_ACCOUNT;
    record->period = (uint8_t)values[PERIOD - COMMON_FIRST];
    record->decimals = (uint8_t)decimals;
    record->quantum = toll_quantum(decimals);
    record->rounding = (uint8_t)(lines[ROUNDING - COMMON_FIRST] > 0 ? values[ROUNDING - COMMON_FIRST]
                                                                    : reader->build->rounding);
    record->minimum_spend = values[MINIMUM_SPEND - COMMON_FIRST];
    record->maximum_spend =
        lines[MAXIMUM_SPEND - COMMON_FIRST] > 0 ? values[MAXIMUM_SPEND - COMMON_FIRST] : INT64_MAX;
}

static bool tiers_finding(struct reader *reader, uint32_t line, uint32_t column, const char *format,
                          uint32_t other)
{
    toll_finding(reader->build->findings, TOLL_ERROR, reader->path, line, column, format, other);
    return false;
}

/* The rows of one name, in order. */
static bool check_group(struct reader *reader, struct tiers_group *group, struct tier_row *rows, size_t count)
{
    struct toll_tiers *record = &group->record;

    if (!group->good)
        return false;
    if (group->lines[UNIT - COMMON_FIRST] == 0)
        return tiers_finding(reader, record->line, rows->column,
                             "unit: none of the rows of these tiers says what they count; write s, message, "
                             "byte or event",
                             0);
    set_common(reader, group);
    if (record->minimum_spend > record->maximum_spend)
        return tiers_finding(reader, group->lines[MINIMUM_SPEND - COMMON_FIRST],
                             group->columns[MINIMUM_SPEND - COMMON_FIRST],
                             "minimum_spend: it is above the maximum_spend of line %u",
                             group->lines[MAXIMUM_SPEND - COMMON_FIRST]);
    if (rows->tier.from_qty != 0)
        return tiers_finding(reader, record->line, rows->column,
                             "from_qty: these tiers have no row from 0 on; what do the first units cost?", 0);
    record->per = 1;
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].has_per)
            rows[i].tier.per = record->unit == TOLL_UNIT_S ? 60 : 1;
        if (i > 0 && rows[i].tier.from_qty == rows[i - 1].tier.from_qty)
            return tiers_finding(reader, rows[i].tier.line, rows[i].column,
                                 "from_qty: line %u begins at the same quantity", rows[i - 1].tier.line);
        record->per = toll_common_per(record->per, (uint32_t)rows[i].tier.per);
        if (record->per == 0)
            return tiers_finding(reader, rows[i].tier.line, rows[i].column,
                                 "per: the least common multiple of these tiers' per is 2^31 or more; it is "
                                 "with that of line %u",
                                 rows[i > 0 ? i - 1 : 0].tier.line);
    }
    return true;
}

static int store(struct reader *reader)
{
    struct toll_build *build = reader->build;
    uint32_t *ids = toll_buffer_add(&build->tiers_ids, sizeof(*ids), reader->groups.count + 1);
    struct tier_row *rows = reader->rows.data;

    if (ids == NULL)
        return toll_build_memory(build);
    if (reader->rows.count > 0) {
        qsort(rows, reader->rows.count, sizeof(*rows), compare_rows);
        if (TOLL_BUILD_ADD(build, TIERS, struct toll_tiers) == NULL)
            return toll_build_memory(build);
    }
    for (size_t first = 0, last; first < reader->rows.count; first = last) {
        struct tiers_group *group =
            TOLL_BUFFER_AT(&reader->groups, struct tiers_group, rows[first].tiers - 1);
        struct toll_tiers *place;
        for (last = first; last < reader->rows.count && rows[last].tiers == rows[first].tiers;)
            last++;
        if (!check_group(reader, group, &rows[first], last - first))
            continue;
        group->record.first = (uint32_t)build->sections[TOLL_SECTION_TIER_ROWS].count;
        group->record.count = (uint32_t)(last - first);
        ids[rows[first].tiers] = (uint32_t)build->sections[TOLL_SECTION_TIERS].count;
        place = TOLL_BUILD_ADD(build, TIERS, struct toll_tiers);
        if (place == NULL)
            return toll_build_memory(build);
        *place = group->record;
        for (size_t i = first; i < last; i++) {
            struct toll_tier *tier = TOLL_BUILD_ADD(build, TIER_ROWS, struct toll_tier);
            if (tier == NULL)
                return toll_build_memory(build);
            *tier = rows[i].tier;
        }
    }
    return 0;
}

static bool count_parents(const struct reader *reader)
{
    for (size_t i = 0; i < reader->groups.count; i++) {
        if (TOLL_BUFFER_AT(&reader->groups, struct tiers_group, i)->record.scope == TOLL_SCOPE_POOL)
            return true;
    }
    return false;
}

void toll_tiers_terms(const struct toll_build *build, uint32_t tiers, struct toll_terms *terms)
{
    const struct toll_tiers *record =
        TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_TIERS], struct toll_tiers, tiers);

    *terms = TOLL_TERMS_NEUTRAL;
    terms->action = TOLL_ACTION_TIERS;
    terms->decimals = record->decimals;
    terms->quantum = record->quantum;
    terms->rounding = record->rounding;
}

int toll_build_tiers(struct toll_build *build)
{
    struct reader reader = {.build = build};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "tiers.csv", columns, COLUMNS, &table);

    if (code != 0 || table == NULL)
        return code;
    code = toll_build_source(build, "tiers.csv", &source);
    reader.table = table;
    reader.path = source->path;
    reader.file = source->text;
    while (code == 0 && toll_table_next(table) == 1)
        code = read_row(&reader);
    toll_table_close(table);
    if (code == 0)
        code = store(&reader);
    if (code == 0 && count_parents(&reader))
        code = toll_parents_check(build);
    toll_buffer_free(&reader.groups);
    toll_buffer_free(&reader.rows);
    return code;
}
