/* fx.csv: what one currency is worth in another, from a day on. */
#include "ratetable/build.h"

enum { FROM, TO, DATE, RATE, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [FROM] = {"from", true}, [TO] = {"to", true}, [DATE] = {"date", true}, [RATE] = {"rate", true}};

/* A row with the texts that it is sorted by. */
struct fx_row {
    struct toll_fx record;
    char from[4], to[4];
    uint32_t column;
};

static bool read_currency(const struct toll_table *table, int column, char out[4])
{
    const struct toll_cell *cell;

    if (!toll_cell_name(table, column, &cell))
        return false;
    if (!toll_currency_valid(cell->text, cell->bytes)) {
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.20s\" is not three capital letters", cell->text);
        return false;
    }
    memcpy(out, cell->text, 4);
    return true;
}

static bool read_rate(const struct toll_table *table, int64_t *rate)
{
    const struct toll_cell *cell;

    if (!toll_cell_name(table, RATE, &cell) || !toll_cell_money(table, RATE, 0, rate))
        return false;
    if (*rate <= 0)
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is not above 0", cell->text);
    return *rate > 0;
}

static int read_row(struct toll_build *build, const struct toll_table *table, struct toll_buffer *rows)
{
    const struct toll_cell *date;
    struct fx_row row = {.record = {.line = (uint32_t)toll_table_line(table)}}, *place;
    int64_t day = 0;
    bool good = read_currency(table, FROM, row.from);

    good = read_currency(table, TO, row.to) && good;
    if (good && strcmp(row.from, row.to) == 0) {
        toll_cell_finding(table, toll_table_cell(table, TO), TOLL_ERROR,
                          "\"%s\" is also the currency that it is from; take the row out", row.to);
        good = false;
    }
    if (!toll_cell_name(table, DATE, &date)) {
        good = false;
    } else if (!toll_day_parse(date->text, date->bytes, &day)) {
        toll_cell_finding(table, date, TOLL_ERROR, "\"%.40s\" is not a date; write 2026-12-25", date->text);
        good = false;
    }
    good = read_rate(table, &row.record.rate) && good;
    if (!good)
        return 0;
    row.record.day = (int32_t)day;
    row.column = (uint32_t)date->column;
    place = TOLL_BUFFER_ADD(rows, struct fx_row);
    if (place == NULL || !toll_build_text(build, row.from, 3, &row.record.from) ||
        !toll_build_text(build, row.to, 3, &row.record.to))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct fx_row *a = left, *b = right;
    const int from = strcmp(a->from, b->from), to = strcmp(a->to, b->to);

    if (from != 0 || to != 0)
        return from != 0 ? from : to;
    if (a->record.day != b->record.day)
        return a->record.day < b->record.day ? -1 : 1;
    return a->record.line < b->record.line ? -1 : a->record.line > b->record.line;
}

static int store(struct toll_build *build, const char *path, struct toll_buffer *rows)
{
    const struct fx_row *row = rows->data;

    if (rows->count > 0)
        qsort(rows->data, rows->count, sizeof(*row), compare_rows);
    for (size_t i = 0; i < rows->count; i++, row++) {
        struct toll_fx *place;
        if (i > 0 && row[-1].record.day == row->record.day && strcmp(row[-1].from, row->from) == 0 &&
            strcmp(row[-1].to, row->to) == 0) {
            toll_finding(build->findings, TOLL_ERROR, path, row->record.line, row->column,
                         "date: from %s to %s has a rate of this day already; the first is in line %u",
                         row->from, row->to, row[-1].record.line);
            continue;
        }
        place = TOLL_BUILD_ADD(build, FX, struct toll_fx);
        if (place == NULL)
            return toll_build_memory(build);
        *place = row->record;
    }
    return 0;
}

int toll_build_fx(struct toll_build *build)
{
    struct toll_buffer rows = {0};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "fx.csv", columns, COLUMNS, &table);

    if (code != 0 || table == NULL)
        return code;
    code = toll_build_source(build, "fx.csv", &source);
    while (code == 0 && toll_table_next(table) == 1)
        code = read_row(build, table, &rows);
    toll_table_close(table);
    if (code == 0)
        code = store(build, source->path, &rows);
    toll_buffer_free(&rows);
    return code;
}
