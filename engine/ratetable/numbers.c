/* numbers.csv: rows checked cell by cell. What overlaps is found later, when all rows lie in order
 * (number_map.c). */
#include "base/digits.h"
#include "ratetable/owners.h"
#include "ratetable/prefix_cell.h"

enum { NUMBER, ACCOUNT, SITE, FROM, TO, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {[NUMBER] = {"number", true},
                                                          [ACCOUNT] = {"account", true},
                                                          [SITE] = {"site", false},
                                                          [FROM] = {"from", false},
                                                          [TO] = {"to", false}};

#define NUMBER_DIGITS_MIN 7 /* an E.164 number, RATING.md section 6 */

/* The account of the row before: mostly it is this one's, too. */
struct last_account {
    char text[40];
    int32_t id;
};

static bool read_account(struct toll_build *build, const struct toll_table *table, struct last_account *last,
                         int32_t *account)
{
    const struct toll_cell *cell = toll_table_cell(table, ACCOUNT);

    *account = last->id;
    if (last->id > 0 && strcmp(cell->text, last->text) == 0)
        return true;
    if (!toll_cell_name(table, ACCOUNT, &cell) ||
        !toll_cell_reference(build, table, ACCOUNT, "account", "accounts.csv", &build->accounts, account))
        return false;
    last->id = 0;
    if (cell->bytes < sizeof(last->text)) {
        memcpy(last->text, cell->text, cell->bytes + 1);
        last->id = *account;
    }
    return true;
}

/* The account, and a site that must be this account's. */
static bool read_owner(struct toll_build *build, const struct toll_table *table, struct last_account *last,
                       int32_t *account, int32_t *site)
{
    const struct toll_cell *cell;
    bool good = read_account(build, table, last, account);

    good = toll_cell_reference(build, table, SITE, "site", "sites.csv", &build->sites, site) && good;
    if (!good || *site == 0 || *TOLL_BUFFER_AT(&build->site_accounts, int32_t, *site) == *account)
        return good;
    cell = toll_table_cell(table, SITE);
    toll_cell_finding(table, cell, TOLL_ERROR, "the site \"%.60s\" does not belong to the account \"%.60s\"",
                      cell->text, toll_table_cell(table, ACCOUNT)->text);
    return false;
}

static int add_named(struct toll_build *build, const struct toll_cell *cell, int32_t kind,
                     struct toll_named_row row)
{
    struct toll_table_names *names = kind == TOLL_NAMED_TRUNK ? &build->trunks : &build->hints;
    const size_t skip = strlen(kind == TOLL_NAMED_TRUNK ? "trunk:" : "hint:");
    struct toll_named_row *place;
    uint32_t first;

    if (!toll_table_names_add(names, cell->text + skip, cell->bytes - skip, cell->line, &row.name, &first))
        return toll_build_memory(build);
    if (row.name == 0)
        row.name = toll_table_names_find(names, cell->text + skip, cell->bytes - skip);
    row.kind = kind;
    place = TOLL_BUFFER_ADD(&build->named_rows, struct toll_named_row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int add_numbers(struct toll_build *build, const struct toll_table *table, const struct toll_cell *cell,
                       const struct toll_named_row *row)
{
    struct toll_prefix_range range;
    struct toll_number_row *place;
    struct toll_row_date *dates;
    const char *problem = toll_range_parse(cell->text, cell->bytes, NUMBER_DIGITS_MIN, &range);

    if (problem != NULL) {
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.60s\" %s; a hint is written hint:NAME, a trunk trunk:NAME", cell->text,
                          problem);
        return 0;
    }
    if (range.count > TOLL_NUMBERS_MAX || build->number_total + range.count > TOLL_NUMBERS_MAX) {
        if (build->number_total <= TOLL_NUMBERS_MAX)
            toll_cell_finding(table, cell, TOLL_ERROR,
                              "\"%.60s\": with this row the book has more than %d numbers; split the book",
                              cell->text, TOLL_NUMBERS_MAX);
        build->number_total = TOLL_NUMBERS_MAX + 1;
        return 0;
    }
    build->number_total += range.count;
    place = TOLL_BUFFER_ADD(&build->number_rows, struct toll_number_row);
    if (place == NULL)
        return toll_build_memory(build);
    *place = (struct toll_number_row){.first = toll_digits_count(range.first) * TOLL_NUMBER_LENGTH +
                                               toll_number_value(range.first),
                                      .count = (uint32_t)range.count,
                                      .account = row->account,
                                      .site = row->site,
                                      .line = row->line,
                                      .column = row->column};
    if (row->dates.from == TOLL_MS_MIN && row->dates.until == TOLL_MS_MAX)
        return 0;
    place->dates = (uint32_t)build->row_dates.count;
    dates = TOLL_BUFFER_ADD(&build->row_dates, struct toll_row_date);
    if (dates == NULL)
        return toll_build_memory(build);
    *dates = row->dates;
    return 0;
}

static int read_row(struct toll_build *build, const struct toll_table *table, struct last_account *last)
{
    const struct toll_cell *cell;
    struct toll_named_row row = {.dates = {TOLL_MS_MIN, TOLL_MS_MAX}};
    const struct toll_zone *zone;
    bool good = toll_cell_name(table, NUMBER, &cell);

    row.line = (uint32_t)cell->line;
    row.column = (uint32_t)cell->column;
    good = read_owner(build, table, last, &row.account, &row.site) && good;
    good = toll_cell_period(table, FROM, TO, false, &row.dates.from, &row.dates.until) && good;
    if (!good)
        return 0;
    zone = *TOLL_BUFFER_AT(&build->account_zones, const struct toll_zone *, row.account);
    row.dates.from = toll_local_to_utc(zone, row.dates.from);
    row.dates.until = toll_local_to_utc(zone, row.dates.until);
    if (strncmp(cell->text, "hint:", 5) == 0 && cell->bytes > 5)
        return add_named(build, cell, TOLL_NAMED_HINT, row);
    if (strncmp(cell->text, "trunk:", 6) == 0 && cell->bytes > 6)
        return add_named(build, cell, TOLL_NAMED_TRUNK, row);
    return add_numbers(build, table, cell, &row);
}

int toll_build_numbers(struct toll_build *build)
{
    struct toll_row_date *always = TOLL_BUFFER_ADD(&build->row_dates, struct toll_row_date);
    struct last_account last = {.id = 0};
    struct toll_table *table;
    int code;

    if (always == NULL)
        return toll_build_memory(build);
    *always = (struct toll_row_date){TOLL_MS_MIN, TOLL_MS_MAX};
    build->findings->masks_numbers = true;
    code = toll_build_table(build, "numbers.csv", columns, COLUMNS, &table);
    if (code == 0 && table != NULL) {
        toll_buffer_wish(&build->number_rows, sizeof(struct toll_number_row), toll_table_rows_left(table));
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table, &last);
        toll_table_close(table);
    }
    build->findings->masks_numbers = false;
    return code;
}
