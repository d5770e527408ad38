/*
 * A biller's table: the header is matched once, then each row's used cells are trimmed, unquoted and
 * terminated in one buffer. People read what this file reports, so every finding bears the line and the
 * character of the cell.
 */
#include "text/table.h"

#include "base/arena.h"
#include "base/check.h"
#include "text/trim.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES 60 /* of a cell quoted in a finding */

struct toll_table {
    struct toll_table_cells seen; /* first: table.h */
    struct toll_arena arena;
    const char *file;
    struct toll_findings *findings;
    struct toll_csv csv;
    struct toll_csv_field *fields; /* field_room */
    uint32_t field_room;           /* TOLL_CSV_FIELDS_MAX, or as many as the data can have */
    uint32_t field_count;          /* of the current row */
    uint32_t header_count;         /* columns of the sheet, without nameless ones at its end */
    struct toll_cell *cells;       /* of the sheet's columns */
    bool *used;                    /* sheet columns that some column of ours reads */
    uint32_t *wanted_fields;       /* these columns, ascending */
    uint32_t wanted_count;
    bool plain; /* the current row is ASCII without quotes and CR: its cells stand in the row as they are */
    int column_count;
    int *field_of;            /* our column -> sheet column, or -1 */
    struct toll_cell *absent; /* our columns that the sheet does not have */
    const char **wanted;      /* our columns' header names */
    char *text;               /* the current row's cells */
    long line;
};

/* -- small text helpers
 * ------------------------------------------------------------------------------------------ */

/* Text for a finding: cut at a character, control characters as '?', so that a cell cannot steer a terminal.
 */
static const char *shown(const char *text, size_t bytes, char buffer[SHOWN_BYTES + 4])
{
    size_t at = 0, count;

    while (at < bytes && (count = toll_utf8_next(text + at, bytes - at, NULL)) > 0) {
        if (at + count > SHOWN_BYTES)
            break;
        memcpy(buffer + at, text + at, count);
        if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f)
            buffer[at] = '?';
        at += count;
    }
    memcpy(buffer + at, at < bytes ? "..." : "", at < bytes ? 4 : 1);
    return buffer;
}

static long column_of(const struct toll_table *table, const char *place)
{
    const char *at = table->csv.data + table->csv.row_offset;
    long column = 1;

    for (; at < place; at++)
        column += (*at & 0xC0) != 0x80;
    return column;
}

/* -- rows
 * -------------------------------------------------------------------------------------------------------- */

/* No quote is in it; is it all ASCII, too, and without CR? */
static bool is_plain(const char *text, size_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t found = 0, word;
    size_t at = 0;

    for (; at + sizeof(word) <= bytes; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        const uint64_t cr = word ^ ones * '\r';
        found |= word | ((cr - ones) & ~cr);
    }
    for (; at < bytes; at++)
        found |= (unsigned char)text[at] >= 0x80 || text[at] == '\r' ? highs : 0;
    return (found & highs) == 0;
}

/* Takes blanks and quotes off the row's fields. False: no field has any text. */
static bool fields_trim(struct toll_table *table)
{
    bool any = false;

    for (uint32_t i = 0; i < table->field_count; i++) {
        struct toll_csv_field *field = &table->fields[i];
        if (field->bytes == 0)
            continue;
        if (!table->plain || field->text[0] <= ' ' || field->text[field->bytes - 1] <= ' ')
            toll_field_trim(field);
        any = any || field->bytes > 0;
    }
    return any;
}

/* The next row with anything in it, fields trimmed: 1, 0 at the end, -1 a row that was reported. */
static int row_read(struct toll_table *table)
{
    struct toll_csv *csv = &table->csv;

    while (toll_csv_next(csv, table->fields, table->field_room, &table->field_count) == 1) {
        const char *problem = NULL;

        table->line = csv->row_line;
        if (csv->too_long)
            problem = "this line is too long for a table row";
        else if (csv->has_nul)
            problem = "this line holds NUL bytes: no text; save the table as CSV in UTF-8";
        else if (csv->unbalanced)
            problem = "a quote is not closed on this line; a cell may not hold a line break";
        else if (table->field_count > TOLL_CSV_FIELDS_MAX)
            problem = "this line has too many cells";
        if (problem != NULL) {
            toll_finding(table->findings, TOLL_ERROR, table->file, table->line, 0, "%s", problem);
            return -1;
        }
        table->plain = !csv->has_quotes && is_plain(csv->data + csv->row_offset, csv->row_bytes);
        if (fields_trim(table))
            return 1;
    }
    return 0;
}

/* Unquotes a trimmed field into the row's buffer. False when it is no UTF-8 or holds a line break. */
static bool cell_fill(struct toll_table *table, const struct toll_csv_field *field, struct toll_cell *cell,
                      char **free_text)
{
    const size_t good = toll_utf8_check(field->text, field->bytes);
    const char *cr = field->bytes > 0 ? memchr(field->text, '\r', field->bytes) : NULL;

    cell->line = table->line;
    if (good < field->bytes) {
        toll_finding(table->findings, TOLL_ERROR, table->file, table->line,
                     column_of(table, field->text + good),
                     "this is no UTF-8 text; save the table as CSV in UTF-8");
        return false;
    }
    if (cr != NULL) {
        toll_finding(table->findings, TOLL_ERROR, table->file, table->line, column_of(table, cr),
                     "a cell may not hold a line break (here a CR without LF); end all lines in one way");
        return false;
    }
    cell->text = *free_text;
    cell->bytes = toll_csv_unquote(field, *free_text);
    *free_text += cell->bytes;
    *(*free_text)++ = 0;
    return true;
}

/* A plain row is copied as it is; a terminator takes the place of what followed each cell. */
static void cells_fill_plain(struct toll_table *table)
{
    const char *const row = table->csv.data + table->csv.row_offset;

    memcpy(table->text, row, table->csv.row_bytes);
    for (uint32_t i = 0; i < table->wanted_count; i++) {
        const struct toll_csv_field *field = &table->fields[table->wanted_fields[i]];
        struct toll_cell *cell = &table->cells[table->wanted_fields[i]];
        const size_t at = (size_t)(field->text - row);
        cell->text = table->text + at;
        cell->bytes = field->bytes;
        cell->line = table->line;
        cell->column = (long)at + 1;
        table->text[at + field->bytes] = 0;
    }
}

/* False after a finding. */
static bool cells_fill(struct toll_table *table)
{
    char *free_text = table->text;
    const char *place = table->csv.data + table->csv.row_offset;
    long column = 1;
    bool good = true;

    for (uint32_t i = 0; i < table->wanted_count; i++) {
        const struct toll_csv_field *field = &table->fields[table->wanted_fields[i]];
        struct toll_cell *cell = &table->cells[table->wanted_fields[i]];
        for (; place < field->text; place++)
            column += (*place & 0xC0) != 0x80;
        cell->column = column;
        good = cell_fill(table, field, cell, &free_text) && good;
    }
    return good;
}

/* True when the row has the header's shape and its cells are text. */
static bool row_fill(struct toll_table *table)
{
    bool good = true;

    if (table->field_count < table->header_count) {
        toll_finding(table->findings, TOLL_ERROR, table->file, table->line, 0,
                     "this row has %" PRIu32 " cells, the header has %" PRIu32, table->field_count,
                     table->header_count);
        return false;
    }
    for (uint32_t i = table->header_count; i < table->field_count; i++) {
        if (table->fields[i].bytes > 0) {
            toll_finding(table->findings, TOLL_ERROR, table->file, table->line,
                         column_of(table, table->fields[i].text),
                         "this row has %" PRIu32 " cells, the header has %" PRIu32
                         "; put quotes around a cell with a comma",
                         table->field_count, table->header_count);
            return false;
        }
    }
    if (table->plain)
        cells_fill_plain(table);
    else
        good = cells_fill(table);
    for (int i = 0; i < table->column_count; i++)
        table->absent[i].line = table->line;
    return good;
}

int toll_table_next(struct toll_table *table)
{
    int result;

    while ((result = row_read(table)) != 0) {
        if (result == 1 && row_fill(table))
            return 1;
    }
    return 0;
}

/* -- header
 * ------------------------------------------------------------------------------------------------------ */

/* "ours=theirs;..." into table->wanted. False after a finding or without memory. */
static bool mapping_read(struct toll_table *table, const struct toll_table_column *columns,
                         const char *mapping)
{
    char buffer[SHOWN_BYTES + 4];
    bool good = true;

    while (*mapping != 0) {
        const size_t bytes = strcspn(mapping, ";");
        const char *entry = mapping, *equals = memchr(mapping, '=', bytes);
        const char *ours = entry, *theirs = equals == NULL ? "" : equals + 1;
        size_t entry_bytes = bytes, ours_bytes = equals == NULL ? 0 : (size_t)(equals - entry);
        size_t theirs_bytes = equals == NULL ? 0 : (size_t)(entry + bytes - theirs);
        const char *problem = NULL;
        int column = 0;

        mapping += bytes + (mapping[bytes] == ';');
        toll_trim(&entry, &entry_bytes);
        if (entry_bytes == 0)
            continue;
        toll_trim(&ours, &ours_bytes);
        toll_trim(&theirs, &theirs_bytes);
        while (column < table->column_count && !toll_same_name(ours, ours_bytes, columns[column].name))
            column++;
        if (ours_bytes == 0 || theirs_bytes == 0)
            problem = "is not \"our column=column of the sheet\"";
        else if (column == table->column_count)
            problem = "names no column of this table before the '='";
        else if (table->wanted[column] != NULL)
            problem = "maps a column for the second time";
        if (problem != NULL) {
            toll_finding(table->findings, TOLL_ERROR, table->file, 0, 0, "the column mapping \"%s\" %s",
                         shown(entry, entry_bytes, buffer), problem);
            good = false;
            continue;
        }
        table->wanted[column] = toll_arena_copy(&table->arena, theirs, theirs_bytes);
        if (table->wanted[column] == NULL)
            return false;
    }
    return good;
}

/* The names of the first row's cells; trailing nameless ones are what spreadsheets leave behind. */
static bool header_read(struct toll_table *table, bool mapped)
{
    const int result = row_read(table);

    if (result == 0)
        toll_finding(table->findings, TOLL_ERROR, table->file, 0, 0,
                     "the table is empty; its first row must name the columns");
    if (result != 1)
        return false;
    table->header_count = table->field_count;
    while (table->fields[table->header_count - 1].bytes == 0)
        table->header_count--;
    table->cells = toll_arena_alloc(&table->arena, table->header_count * sizeof(*table->cells));
    table->used = toll_arena_alloc(&table->arena, table->header_count * sizeof(*table->used));
    table->wanted_fields =
        toll_arena_alloc(&table->arena, table->header_count * sizeof(*table->wanted_fields));
    if (table->cells == NULL || table->used == NULL || table->wanted_fields == NULL)
        return false;
    for (uint32_t i = 0; i < table->header_count; i++) {
        struct toll_cell *cell = &table->cells[i];
        char *free_text = table->text;
        cell->column = column_of(table, table->fields[i].text);
        if (mapped &&
            toll_utf8_check(table->fields[i].text, table->fields[i].bytes) < table->fields[i].bytes) {
            cell->name = ""; /* a vendor's own column, which nobody can have mapped */
            continue;
        }
        if (!cell_fill(table, &table->fields[i], cell, &free_text))
            return false;
        cell->name = toll_arena_copy(&table->arena, cell->text, cell->bytes);
        if (cell->name == NULL)
            return false;
        cell->text = "";
        cell->bytes = 0;
    }
    return true;
}

/* Finds our columns in the header. False when a column that must be there is not. */
static bool columns_match(struct toll_table *table, const struct toll_table_column *columns,
                          const char *mapping)
{
    bool good = true;

    for (int c = 0; c < table->column_count; c++) {
        const char *wanted = table->wanted[c] != NULL ? table->wanted[c] : columns[c].name;
        table->field_of[c] = -1;
        table->absent[c] = (struct toll_cell){.text = "", .line = table->line, .name = columns[c].name};
        for (uint32_t i = 0; i < table->header_count; i++) {
            const struct toll_cell *cell = &table->cells[i];
            if (!toll_same_name(cell->name, strlen(cell->name), wanted))
                continue;
            if (table->field_of[c] >= 0) {
                toll_finding(table->findings, TOLL_ERROR, table->file, table->line, cell->column,
                             "the column \"%s\" is here for the second time", cell->name);
            } else {
                table->field_of[c] = (int)i;
                table->used[i] = true;
            }
        }
        table->seen.at[c] = table->field_of[c] < 0 ? &table->absent[c] : &table->cells[table->field_of[c]];
        if (table->field_of[c] < 0 && (columns[c].required || table->wanted[c] != NULL)) {
            toll_finding(table->findings, TOLL_ERROR, table->file, table->line, 0,
                         "the column \"%s\" is missing in the header%s%s", wanted,
                         table->wanted[c] != NULL ? "; the column mapping wants it for " : "",
                         table->wanted[c] != NULL ? columns[c].name : "");
            good = false;
        }
    }
    for (uint32_t i = 0; i < table->header_count; i++) {
        if (table->used[i])
            table->wanted_fields[table->wanted_count++] = i;
    }
    for (uint32_t i = 0; i < table->header_count && mapping == NULL; i++) {
        const struct toll_cell *cell = &table->cells[i];
        char buffer[SHOWN_BYTES + 4];
        bool known = false;
        for (int c = 0; c < table->column_count && !known; c++)
            known = toll_same_name(cell->name, strlen(cell->name), columns[c].name);
        if (known)
            continue;
        if (cell->name[0] == 0)
            toll_finding(table->findings, TOLL_ERROR, table->file, table->line, cell->column,
                         "this column has no name; name it or remove it");
        else
            toll_finding(table->findings, TOLL_ERROR, table->file, table->line, cell->column,
                         "the column \"%s\" is unknown%s", shown(cell->name, strlen(cell->name), buffer),
                         strpbrk(cell->name, ";\t") != NULL ? "; cells must be separated by commas" : "");
    }
    return good;
}

int toll_table_open(const char *file, const char *data, size_t size, const struct toll_table_column *columns,
                    int column_count, const char *mapping, struct toll_findings *findings,
                    struct toll_table **out, struct toll_error *error)
{
    struct toll_table *table = calloc(1, sizeof(*table));
    const size_t errors = findings->errors;
    const size_t row_bytes = size < TOLL_CSV_ROW_MAX ? size : TOLL_CSV_ROW_MAX;
    const size_t count = (size_t)column_count;

    *out = NULL;
    if (table == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file);
    if (mapping != NULL && mapping[0] == 0)
        mapping = NULL;
    table->findings = findings;
    table->column_count = table->seen.count = column_count;
    table->seen.at = toll_arena_alloc(&table->arena, (count + 1) * sizeof(const struct toll_cell *));
    table->file = toll_arena_copy(&table->arena, file, strlen(file));
    table->field_room = row_bytes < TOLL_CSV_FIELDS_MAX ? (uint32_t)row_bytes + 1 : TOLL_CSV_FIELDS_MAX;
    table->fields = toll_arena_alloc(&table->arena, table->field_room * sizeof(*table->fields));
    table->field_of = toll_arena_alloc(&table->arena, (count + 1) * sizeof(*table->field_of));
    table->absent = toll_arena_alloc(&table->arena, (count + 1) * sizeof(*table->absent));
    table->wanted = toll_arena_alloc(&table->arena, (count + 1) * sizeof(*table->wanted));
    /* Every cell is part of the row and gets one terminator. */
    table->text = toll_arena_alloc(&table->arena, row_bytes + table->field_room);
    if (table->file == NULL || table->fields == NULL || table->field_of == NULL || table->absent == NULL ||
        table->wanted == NULL || table->text == NULL || table->seen.at == NULL)
        goto failed;
    toll_csv_open(&table->csv, data, size, ',', false, false);
    if ((mapping == NULL || mapping_read(table, columns, mapping)) && header_read(table, mapping != NULL) &&
        columns_match(table, columns, mapping)) {
        *out = table;
        return 0;
    }
failed:
    toll_table_close(table);
    if (findings->errors == errors)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file);
    return toll_error_set(error, TOLL_EBOOK, "%s: the table's header cannot be used; see the findings", file);
}

struct toll_table_text toll_table_rest(const struct toll_table *table)
{
    const struct toll_csv *csv = &table->csv;

    return (struct toll_table_text){.text = csv->data + csv->offset,
                                    .bytes = csv->size - csv->offset,
                                    .line = csv->line,
                                    .line_end = csv->line_end};
}

void toll_table_take(struct toll_table *table, const char *text, size_t bytes, long line)
{
    TOLL_ASSERT(text >= table->csv.data);
    table->csv.offset = (size_t)(text - table->csv.data);
    table->csv.size = table->csv.offset + bytes;
    table->csv.line = line;
}

size_t toll_table_rows_left(const struct toll_table *table)
{
    const char line_end = table->csv.line_end;
    size_t rows = 1;

    for (size_t at = table->csv.offset; at < table->csv.size; at++)
        rows += table->csv.data[at] == line_end;
    return rows;
}

void toll_table_close(struct toll_table *table)
{
    if (table == NULL)
        return;
    toll_arena_free(&table->arena);
    free(table);
}

/* -- cells
 * ------------------------------------------------------------------------------------------------------- */

long toll_table_line(const struct toll_table *table)
{
    return table->line;
}

bool toll_table_has(const struct toll_table *table, int column)
{
    TOLL_ASSERT(column >= 0 && column < table->column_count);
    return table->field_of[column] >= 0;
}

int toll_table_column_of(const struct toll_table *table, int column)
{
    TOLL_ASSERT(column >= 0 && column < table->column_count);
    return table->field_of[column];
}

uint32_t toll_table_width(const struct toll_table *table)
{
    return table->header_count;
}

void toll_cell_finding(const struct toll_table *table, const struct toll_cell *cell,
                       enum toll_severity severity, const char *format, ...)
{
    char text[512], name[SHOWN_BYTES + 4];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    toll_finding(table->findings, severity, table->file, cell->line, cell->column, "%s: %s",
                 shown(cell->name, strlen(cell->name), name), text);
}

void toll_cell_warning(const struct toll_table *table, const struct toll_cell *cell, const char *name,
                       const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    table->findings->name = name;
    toll_cell_finding(table, cell, TOLL_WARNING, "%s", text);
    table->findings->name = NULL;
}

/* Reports `"<cell>" <problem>`; always false. */
static bool cell_bad(const struct toll_table *table, const struct toll_cell *cell, const char *problem)
{
    char buffer[SHOWN_BYTES + 4];

    toll_cell_finding(table, cell, TOLL_ERROR, "\"%s\" %s", shown(cell->text, cell->bytes, buffer), problem);
    return false;
}

bool toll_cell_int_given(const struct toll_table *table, const struct toll_cell *cell, int64_t low,
                         int64_t high, int64_t *out)
{
    char problem[96];
    int64_t value = 0;
    const int result = toll_decimal_parse(cell->text, cell->bytes, 0, &value);

    if (result == -1 || result == -2)
        return cell_bad(table, cell, "is not a whole number; write digits only");
    if (result != 0 || value < low || value > high) {
        snprintf(problem, sizeof(problem), "is not from %" PRId64 " to %" PRId64, low, high);
        return cell_bad(table, cell, problem);
    }
    *out = value;
    return true;
}

bool toll_cell_money_given(const struct toll_table *table, const struct toll_cell *cell, toll_money *out)
{
    toll_money value;

    switch (toll_money_parse(cell->text, cell->bytes, &value)) {
    case 0:
        *out = value;
        return true;
    case -2:
        return cell_bad(table, cell, "has more than 8 decimals");
    case -3:
        return cell_bad(table, cell, "is too large an amount");
    default:
        return cell_bad(table, cell, "is not a decimal number; write digits and a point only, like 1234.50");
    }
}

bool toll_cell_choice_given(const struct toll_table *table, const struct toll_cell *cell,
                            const char *const *names, int count, int *out)
{
    char list[400] = "";
    size_t bytes = 0;

    for (int i = 0; i < count; i++) {
        if (toll_same_name(cell->text, cell->bytes, names[i])) {
            *out = i;
            return true;
        }
    }
    for (int i = 0; i < count && bytes < sizeof(list); i++)
        bytes += (size_t)snprintf(list + bytes, sizeof(list) - bytes, "%s%s", i > 0 ? ", " : "is none of ",
                                  names[i]);
    return cell_bad(table, cell, list);
}

bool toll_cell_local_time_given(const struct toll_table *table, const struct toll_cell *cell, toll_ms *out)
{
    toll_ms local_ms;
    int32_t offset_s;
    bool has_offset;

    if (!toll_iso_parse(cell->text, cell->bytes, &local_ms, &has_offset, &offset_s))
        return cell_bad(table, cell, "is not a date or time; write 2026-11-21 or 2026-11-21 09:48:27");
    if (has_offset)
        return cell_bad(table, cell, "has a zone offset; write local time without it");
    *out = local_ms;
    return true;
}

bool toll_cell_minute(const struct toll_table *table, int column, int otherwise, int *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    const char *t = cell->text;
    int value = -1;

    if (cell->bytes == 0) {
        *out = otherwise;
        return true;
    }
    if (cell->bytes == 5 && t[2] == ':' && t[0] >= '0' && t[0] <= '9' && t[1] >= '0' && t[1] <= '9' &&
        t[3] >= '0' && t[3] <= '5' && t[4] >= '0' && t[4] <= '9')
        value = (10 * (t[0] - '0') + (t[1] - '0')) * 60 + 10 * (t[3] - '0') + (t[4] - '0');
    if (value < 0 || value > 24 * 60)
        return cell_bad(table, cell, "is not a time of day; write HH:MM, 00:00 to 24:00");
    *out = value;
    return true;
}
