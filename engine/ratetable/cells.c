/* What all tables' cells have in common: names, references, periods, and the wording of what is wrong with
 * them. */
#include "ratetable/build.h"

#include <strings.h>

void toll_cell_unsupported(const struct toll_table *table, int column)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (cell->bytes > 0)
        toll_cell_finding(table, cell, TOLL_ERROR,
                          "\"%.60s\": this column is not supported by this version; leave the cell empty",
                          cell->text);
}

bool toll_cell_name(const struct toll_table *table, int column, const struct toll_cell **out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    *out = cell;
    if (cell->bytes > 0)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "this cell must not be empty");
    return false;
}

bool toll_cell_said_once(const struct toll_table *table, const struct toll_cell *cell, const char *whole,
                         int64_t value, int64_t *said, uint32_t *line, uint32_t *column)
{
    if (*line == 0) {
        *said = value;
        *line = (uint32_t)cell->line;
        *column = (uint32_t)cell->column;
        return true;
    }
    if (*said == value)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "\"%.40s\": line %u says otherwise of the same %s; say it once, or the same each time",
                      cell->text, *line, whole);
    return false;
}

#define SUGGEST_BYTES 40
#define SUGGEST_NAMES 20000

bool toll_nearly_equal(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t head = 0, tail = 0;

    while (head < a_bytes && head < b_bytes && strncasecmp(a + head, b + head, 1) == 0)
        head++;
    while (tail < a_bytes - head && tail < b_bytes - head &&
           strncasecmp(a + a_bytes - tail - 1, b + b_bytes - tail - 1, 1) == 0)
        tail++;
    const size_t a_rest = a_bytes - head - tail, b_rest = b_bytes - head - tail;
    if (a_rest <= 1 && b_rest <= 1)
        return true;
    return a_rest == 2 && b_rest == 2 && a[head] == b[head + 1] && a[head + 1] == b[head];
}

static const char *suggest(struct toll_build *build, const struct toll_table_names *names, const char *text,
                           size_t bytes)
{
    if (build->suggestions <= 0 || bytes < 2 || bytes > SUGGEST_BYTES || names->strings.count > SUGGEST_NAMES)
        return NULL;
    build->suggestions--;
    for (uint32_t id = 1; id <= names->strings.count; id++) {
        size_t name_bytes;
        const char *name = toll_strings_text(&names->strings, id, &name_bytes);
        bool same = name_bytes == bytes && memcmp(name, text, bytes) == 0; /* known, but not here */
        if (!same && name_bytes <= SUGGEST_BYTES && toll_nearly_equal(text, bytes, name, name_bytes))
            return name;
    }
    return NULL;
}

void toll_unknown_finding(struct toll_build *build, const struct toll_table *table,
                          const struct toll_cell *cell, const char *what, const char *text, size_t bytes,
                          const char *where, const struct toll_table_names *names)
{
    const char *similar = suggest(build, names, text, bytes);

    toll_cell_finding(table, cell, TOLL_ERROR, "the %s \"%.60s\" is unknown: it has no row in %s%s%s%s", what,
                      text, where, similar != NULL ? "; did you mean \"" : "", similar != NULL ? similar : "",
                      similar != NULL ? "\"?" : "");
}

bool toll_cell_reference(struct toll_build *build, const struct toll_table *table, int column,
                         const char *what, const char *where, const struct toll_table_names *names,
                         int32_t *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    *out = 0;
    if (cell->bytes == 0)
        return true;
    *out = (int32_t)toll_table_names_find(names, cell->text, cell->bytes);
    if (*out == 0)
        toll_unknown_finding(build, table, cell, what, cell->text, cell->bytes, where, names);
    return *out != 0;
}

void toll_duplicate_finding(const struct toll_table *table, const struct toll_cell *cell, const char *what,
                            uint32_t first_line)
{
    toll_cell_finding(table, cell, TOLL_ERROR,
                      "the %s \"%.60s\" is here for the second time; the first is in line %u", what,
                      cell->text, first_line);
}

bool toll_cell_period(const struct toll_table *table, int from_column, int to_column, bool sheet,
                      toll_ms *from, toll_ms *until)
{
    const struct toll_cell *to = toll_table_cell(table, to_column);
    bool good = toll_cell_local_time(table, from_column, TOLL_MS_MIN, from);

    good = toll_cell_local_time(table, to_column, TOLL_MS_MAX, until) && good;
    if (!good)
        return false;
    if (*from > *until) {
        toll_cell_finding(table, to, TOLL_ERROR, "\"%.40s\" is before the from date \"%.40s\"", to->text,
                          toll_table_cell(table, from_column)->text);
        return false;
    }
    if (*from < *until)
        return true;
    static const char never[] =
        "\"%.40s\" is also the from date: this row is never in force, because \"to\" is exclusive";
    if (sheet)
        toll_cell_warning(table, to, "never_in_force", never, to->text);
    else
        toll_cell_finding(table, to, TOLL_ERROR, never, to->text);
    return sheet;
}

bool toll_cell_instants(const struct toll_table *table, int to_column, toll_ms from, toll_ms until)
{
    const struct toll_cell *to = toll_table_cell(table, to_column);

    if (from < until)
        return true;
    toll_cell_finding(
        table, to, TOLL_ERROR,
        "\"%.40s\" is the instant of the from date too, for the clocks change between them: this "
        "row is never in force",
        to->text);
    return false;
}

toll_ms toll_local_to_utc(const struct toll_zone *zone, toll_ms local)
{
    toll_ms utc = local;

    if (local != TOLL_MS_MIN && local != TOLL_MS_MAX)
        (void)toll_zone_to_utc(zone, local, TOLL_FOLD_FIRST, &utc); /* FOLD_FIRST always answers */
    return utc;
}
