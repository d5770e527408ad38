/*
 * The old table is copied as it is read, with what was set in place of cells. What a row's fields were,
 * quotes included, is known from the lexer; so an edit of one cell is an edit of its characters.
 */
#include "text/table_edit.h"

#include "base/check.h"
#include "text/trim.h"

#include <stdlib.h>

#define COLUMNS_MAX (TOLL_CSV_FIELDS_MAX + 64) /* of the header, and added ones */

struct text {
    char *data;
    size_t bytes, room;
};

struct toll_table_edit {
    const char *name;
    struct toll_csv csv;
    const char *data;
    size_t size, copied; /* of data: what is in `out`, or was left out */
    const char *line_end;
    struct toll_csv_field *fields; /* of the current row, as they stand */
    uint32_t field_count;
    int header_count, column_count;
    char **names;   /* column_count */
    char **changed; /* by column: the current row's new cell, or NULL */
    bool in_row, any_changed, dropped, begun;
    char *cell; /* the row's cells as plain text, each where it stands in the row */
    size_t cell_room;
    struct text out, appended;
};

static bool put(struct text *text, const char *data, size_t bytes)
{
    if (bytes > text->room - text->bytes) {
        const size_t room = 2 * text->room + bytes + 256;
        char *grown = realloc(text->data, room);
        if (grown == NULL)
            return false;
        text->data = grown;
        text->room = room;
    }
    if (bytes > 0)
        memcpy(text->data + text->bytes, data, bytes);
    text->bytes += bytes;
    return true;
}

/* A cell as it must be written. */
static bool put_cell(struct text *out, const char *cell)
{
    const size_t bytes = strlen(cell);
    const bool quote = strpbrk(cell, ",\"\r\n") != NULL ||
                       (bytes > 0 && (toll_blank_first(cell, bytes) > 0 || toll_blank_last(cell, bytes) > 0));
    bool good = true;

    if (!quote)
        return put(out, cell, bytes);
    good = put(out, "\"", 1);
    for (size_t i = 0; i < bytes && good; i++)
        good = put(out, cell[i] == '"' ? "\"\"" : &cell[i], cell[i] == '"' ? 2 : 1);
    return good && put(out, "\"", 1);
}

static char *plain_text(const struct toll_csv_field *raw)
{
    struct toll_csv_field field = *raw;
    char *text;

    toll_field_trim(&field);
    text = malloc(field.bytes + (size_t)1);
    if (text != NULL)
        text[toll_csv_unquote(&field, text)] = 0;
    return text;
}

static bool has_text(const struct toll_csv_field *raw, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct toll_csv_field field = raw[i];
        toll_field_trim(&field);
        if (field.bytes > 0)
            return true;
    }
    return false;
}

/* The next row with anything in it. */
static bool next_row(struct toll_table_edit *edit)
{
    while (toll_csv_next(&edit->csv, edit->fields, TOLL_CSV_FIELDS_MAX, &edit->field_count) == 1) {
        if (edit->field_count > TOLL_CSV_FIELDS_MAX)
            edit->field_count = TOLL_CSV_FIELDS_MAX;
        if (has_text(edit->fields, edit->field_count))
            return true;
    }
    return false;
}

static bool read_header(struct toll_table_edit *edit)
{
    size_t end;

    if (!next_row(edit))
        return true;
    end = edit->csv.row_offset + edit->csv.row_bytes;
    if (edit->csv.line_end == '\r')
        edit->line_end = "\r";
    else if (end < edit->size && edit->data[end] == '\r')
        edit->line_end = "\r\n";
    edit->header_count = (int)edit->field_count;
    while (edit->header_count > 0 && !has_text(&edit->fields[edit->header_count - 1], 1))
        edit->header_count--;
    for (int i = 0; i < edit->header_count; i++) {
        edit->names[i] = plain_text(&edit->fields[i]);
        if (edit->names[i] == NULL)
            return false;
        edit->column_count++;
    }
    return true;
}

int toll_table_edit_open(struct toll_table_edit **out, const char *name, const char *data, size_t size,
                         struct toll_error *error)
{
    struct toll_table_edit *edit = calloc(1, sizeof(*edit));

    *out = edit;
    if (edit != NULL) {
        *edit = (struct toll_table_edit){.name = name, .data = data, .size = size, .line_end = "\n"};
        edit->fields = malloc(TOLL_CSV_FIELDS_MAX * sizeof(*edit->fields));
        edit->names = calloc(COLUMNS_MAX, sizeof(*edit->names));
        edit->changed = calloc(COLUMNS_MAX, sizeof(*edit->changed));
        toll_csv_open(&edit->csv, data, size, ',', false, false);
    }
    if (edit == NULL || edit->fields == NULL || edit->names == NULL || edit->changed == NULL ||
        !read_header(edit)) {
        toll_table_edit_free(edit);
        *out = NULL;
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    }
    return 0;
}

int toll_table_edit_column(const struct toll_table_edit *edit, const char *name)
{
    for (int i = 0; i < edit->column_count; i++) {
        if (toll_same_name(edit->names[i], strlen(edit->names[i]), name))
            return i;
    }
    return -1;
}

int toll_table_edit_columns(const struct toll_table_edit *edit)
{
    return edit->column_count;
}

int toll_table_edit_add_column(struct toll_table_edit *edit, const char *name)
{
    TOLL_ASSERT(!edit->begun && (unsigned)edit->column_count < COLUMNS_MAX);
    edit->names[edit->column_count] = strdup(name);
    return edit->names[edit->column_count] == NULL ? -1 : edit->column_count++;
}

/* All before the current row, as it stands. */
static bool copy_to_row(struct toll_table_edit *edit)
{
    const size_t from = edit->copied;

    edit->copied = edit->csv.row_offset;
    return put(&edit->out, edit->data + from, edit->csv.row_offset - from);
}

/* The row that was read, with its changed cells and those of added columns (NULL: empty). */
static bool put_row(struct toll_table_edit *edit, const char *const *added)
{
    bool good = true;

    for (int i = 0; i < edit->column_count && good; i++) {
        good = i == 0 || put(&edit->out, ",", 1);
        if (edit->changed[i] != NULL) {
            good = good && put_cell(&edit->out, edit->changed[i]);
        } else if (i < edit->header_count && (uint32_t)i < edit->field_count) {
            const struct toll_csv_field *field = &edit->fields[i];
            const size_t quote = field->quoted ? 1 : 0;
            good = good && put(&edit->out, field->text - quote, field->bytes + 2 * quote);
        } else if (added != NULL) {
            good = good && put_cell(&edit->out, added[i]);
        }
    }
    edit->copied = edit->csv.row_offset + edit->csv.row_bytes;
    if (good && edit->column_count == edit->header_count &&
        edit->field_count > (uint32_t)edit->header_count) {
        /* nameless cells behind, which are empty */
        const struct toll_csv_field *last = &edit->fields[edit->header_count - 1];
        const char *rest = last->text + last->bytes + (last->quoted ? 1 : 0);
        good = put(&edit->out, rest, (size_t)(edit->data + edit->copied - rest));
    }
    return good;
}

/* The header, once: no column is added any more. */
static bool begin(struct toll_table_edit *edit)
{
    if (edit->begun)
        return true;
    edit->begun = true;
    if (edit->header_count == 0)
        return put_row(edit, (const char *const *)edit->names) &&
               put(&edit->out, edit->line_end, strlen(edit->line_end));
    if (edit->column_count == edit->header_count)
        return true;
    return copy_to_row(edit) && put_row(edit, (const char *const *)edit->names);
}

/* The current row is done. */
static bool end_row(struct toll_table_edit *edit)
{
    bool good = true;

    if (edit->in_row && (edit->any_changed || edit->dropped || edit->column_count > edit->header_count)) {
        good = copy_to_row(edit);
        if (edit->dropped)
            edit->copied += edit->csv.row_bytes;
        else
            good = good && put_row(edit, NULL);
    }
    for (int i = 0; i < edit->column_count && edit->any_changed; i++) {
        free(edit->changed[i]);
        edit->changed[i] = NULL;
    }
    edit->in_row = edit->any_changed = edit->dropped = false;
    return good;
}

int toll_table_edit_next(struct toll_table_edit *edit)
{
    if (!begin(edit) || !end_row(edit))
        return TOLL_ENOMEM;
    if (edit->header_count == 0)
        return 0;
    edit->in_row = next_row(edit);
    if (edit->in_row && edit->cell_room < edit->csv.row_bytes + (size_t)edit->column_count) {
        free(edit->cell);
        edit->cell_room = 2 * edit->csv.row_bytes + (size_t)edit->column_count;
        edit->cell = malloc(edit->cell_room);
        if (edit->cell == NULL) {
            edit->cell_room = 0;
            return TOLL_ENOMEM;
        }
    }
    return edit->in_row ? 1 : 0;
}

const char *toll_table_edit_cell(struct toll_table_edit *edit, int column)
{
    struct toll_csv_field field;
    char *at;

    TOLL_ASSERT(edit->in_row && column < edit->column_count);
    if (column >= 0 && edit->changed[column] != NULL)
        return edit->changed[column];
    if (column < 0 || column >= edit->header_count || (uint32_t)column >= edit->field_count)
        return "";
    field = edit->fields[column];
    /* What follows a cell, a separator or a quote, leaves room for the terminator. */
    at = edit->cell + (field.text - (edit->data + edit->csv.row_offset));
    toll_field_trim(&field);
    at[toll_csv_unquote(&field, at)] = 0;
    return at;
}

bool toll_table_edit_set(struct toll_table_edit *edit, int column, const char *text)
{
    char *copy = strdup(text);

    TOLL_ASSERT(edit->in_row && column >= 0 && column < edit->column_count);
    free(edit->changed[column]);
    edit->changed[column] = copy;
    edit->any_changed = true;
    return copy != NULL;
}

void toll_table_edit_drop(struct toll_table_edit *edit)
{
    TOLL_ASSERT(edit->in_row);
    edit->dropped = true;
}

bool toll_table_edit_append(struct toll_table_edit *edit, const char *const *cells, int count)
{
    bool good = true;

    for (int i = 0; i < edit->column_count && good; i++) {
        good = i == 0 || put(&edit->appended, ",", 1);
        if (i < count && cells[i] != NULL)
            good = good && put_cell(&edit->appended, cells[i]);
    }
    return good && put(&edit->appended, edit->line_end, strlen(edit->line_end));
}

int toll_table_edit_finish(struct toll_table_edit *edit, char **data, size_t *bytes, struct toll_error *error)
{
    struct text *const out = &edit->out;
    bool good = begin(edit) && end_row(edit);

    while (good && edit->column_count > edit->header_count && toll_table_edit_next(edit) == 1) {
    }
    good = good && end_row(edit) && put(out, edit->data + edit->copied, edit->size - edit->copied);
    if (good && edit->appended.bytes > 0) {
        const char last = out->bytes > 0 ? out->data[out->bytes - 1] : '\n';
        if (last != '\n' && last != '\r')
            good = put(out, edit->line_end, strlen(edit->line_end));
        good = good && put(out, edit->appended.data, edit->appended.bytes);
    }
    if (!good || !put(out, "", 1))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", edit->name);
    *data = out->data;
    *bytes = out->bytes - 1;
    memset(out, 0, sizeof(*out));
    return 0;
}

void toll_table_edit_free(struct toll_table_edit *edit)
{
    if (edit == NULL)
        return;
    for (int i = 0; i < edit->column_count; i++) {
        free(edit->names[i]);
        free(edit->changed[i]);
    }
    free(edit->fields);
    free(edit->names);
    free(edit->changed);
    free(edit->cell);
    free(edit->out.data);
    free(edit->appended.data);
    free(edit);
}
