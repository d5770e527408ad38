/*
 * A sheet's rows into a deck: what many rows say besides key, destination and rate is read once, by the first
 * of them, and holds for the others if nothing was to be said of it. Rows that are not plain, and such first
 * ones, take the long way (deck_rows.c), each in its turn, so that findings come in the order of lines.
 */
#include "ratetable/deck_reader.h"
#include "ratetable/plain_rows.h"

#include <stdlib.h>

#define AHEAD 16 /* rows; what is far is asked for so long before */

/* What rows with the same other cells have. */
struct rest {
    bool known;
    struct toll_deck_row row;
    struct toll_price_mould mould;
};

struct plain {
    struct toll_deck_reader *reader;
    struct toll_table *table;
    struct toll_plain_layout layout;
    struct toll_plain rows;
    struct rest rests[TOLL_PLAIN_RESTS];
    const char *text; /* of the rows at hand */
    long line;
};

static int compare_columns(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

/* The sheet's columns; false where its rows are not read at once. */
static bool find_layout(const struct toll_deck_reader *reader, struct toll_plain_layout *layout)
{
    const struct toll_table *table = reader->table;
    int others[TOLL_DECK_COLUMNS], count = 0;

    if (reader->deck->key == TOLL_KEY_CALLTYPE || reader->deck->key == TOLL_KEY_NPANXX_PAIR ||
        reader->price_count > 1)
        return false;
    *layout = (struct toll_plain_layout){
        .columns = toll_table_width(table),
        .key = toll_table_column_of(table, reader->key_column),
        .rate = toll_table_column_of(table, TOLL_COLUMN_RATE),
        .destination = toll_table_column_of(table, TOLL_COLUMN_DESTINATION),
    };
    for (int column = TOLL_COLUMN_PER_S; column < TOLL_COLUMN_RATE; column++) {
        if (toll_table_has(table, column))
            others[count++] = toll_table_column_of(table, column);
    }
    qsort(others, (size_t)count, sizeof(others[0]), compare_columns);
    for (int i = 0; i < count; i++) {
        struct toll_plain_piece *piece = &layout->pieces[layout->piece_count];
        if (i > 0 && others[i] == others[i - 1] + 1) {
            piece[-1].last++;
            continue;
        }
        if (layout->piece_count == TOLL_PLAIN_PIECES)
            return false;
        *piece = (struct toll_plain_piece){(uint32_t)others[i], (uint32_t)others[i]};
        layout->piece_count++;
    }
    return true;
}

/* Rows of the sheet the long way: from the beginning of one to the beginning of another. */
static int read_lines(struct plain *plain, const char *text, size_t bytes, long line)
{
    int code = 0;

    toll_table_take(plain->table, text, bytes, line);
    while (code == 0 && toll_table_next(plain->table) == 1)
        code = toll_deck_row_read(plain->reader);
    return code;
}

/* The first row with these other cells: if it made one row and no finding, the next ones are made like it. */
static int read_first(struct plain *plain, const struct toll_plain_row *row, size_t bytes, long line)
{
    struct toll_deck_reader *reader = plain->reader;
    struct rest *rest = &plain->rests[row->rest];
    const struct toll_findings *findings = reader->build->findings;
    const size_t said = findings->errors + findings->warnings, rows = reader->rows->rows.count;
    const int code = read_lines(plain, plain->text + row->at, bytes, line);

    if (code == 0 && findings->errors + findings->warnings == said && reader->rows->rows.count == rows + 1 &&
        reader->row.step == 0) {
        rest->known = true;
        rest->row = reader->row;
        toll_price_mould_take(reader->build, &rest->mould, &reader->terms[0]);
    }
    return code;
}

static int add_row(struct plain *plain, const struct toll_plain_row *row, long line)
{
    struct toll_deck_reader *reader = plain->reader;
    struct toll_build *build = reader->build;
    const struct rest *rest = &plain->rests[row->rest];
    struct toll_origin origin = {.line = (uint32_t)line};
    struct toll_deck_row *place = TOLL_BUFFER_ADD(&reader->rows->rows, struct toll_deck_row);
    int32_t price = 0;
    int code = reader->pending.count > 0 ? toll_price_settle_pending(build, &reader->pending) : 0;

    if (code == 0 && (place == NULL ||
                      !toll_build_recent_text(build, plain->text + row->destination, row->destination_bytes,
                                              &origin.destination) ||
                      !toll_build_key_text(build, row->key, &origin.key)))
        code = toll_build_memory(build);
    if (code == 0)
        code = toll_price_mould_add(build, &rest->mould, row->rate, &origin, &price);
    if (code != 0)
        return code;
    *place = rest->row;
    place->key = row->key;
    place->line = (uint32_t)line;
    place->column = row->column;
    place->price = price;
    build->deck_keys++;
    build->deck_price_rows++;
    return 0;
}

/* Asks for what a row will need. */
static inline void row_soon(const struct plain *plain, const struct toll_plain_row *row)
{
    if (row->key == 0 || !plain->rests[row->rest].known)
        return;
    toll_build_key_text_soon(plain->reader->build, row->key);
    toll_price_mould_soon(plain->reader->build, &plain->rests[row->rest].mould, row->rate);
}

/* A stretch of text, whole lines. */
static int read_text(struct plain *plain, const char *text, size_t bytes)
{
    const struct toll_plain *read = &plain->rows;
    const struct toll_plain_row *rows = read->rows;
    const long line = plain->line;
    int code = 0;

    toll_plain_read(&plain->rows, &plain->layout, text, bytes);
    memset(plain->rests, 0, read->rest_count * sizeof(plain->rests[0]));
    plain->text = text;
    for (size_t i = 0, next; i < read->row_count && code == 0; i = next) {
        next = i + 1;
        if (i + AHEAD < read->row_count)
            row_soon(plain, &rows[i + AHEAD]);
        if (rows[i].key != 0 && plain->rests[rows[i].rest].known &&
            plain->reader->build->deck_keys < TOLL_DECK_KEYS_MAX) {
            code = add_row(plain, &rows[i], line + (long)i);
            continue;
        }
        while (rows[i].key == 0 && next < read->row_count && rows[next].key == 0)
            next++;
        const size_t end = next < read->row_count ? rows[next].at : bytes;
        code = rows[i].key != 0 ? read_first(plain, &rows[i], end - rows[i].at, line + (long)i)
                                : read_lines(plain, text + rows[i].at, end - rows[i].at, line + (long)i);
    }
    plain->line += (long)read->row_count;
    return code;
}

/* As many bytes as are read at once, whole lines if there is one; else 0. */
static size_t whole_lines(const char *text, size_t bytes)
{
    size_t end = bytes < TOLL_PLAIN_BYTES ? bytes : TOLL_PLAIN_BYTES;

    while (end > 0 && text[end - 1] != '\n')
        end--;
    return end;
}

static int read_all(struct plain *plain, struct toll_table_text left)
{
    int code = 0;

    plain->line = left.line;
    while (code == 0 && left.bytes > 0) {
        size_t bytes = whole_lines(left.text, left.bytes);
        if (bytes > 0) {
            code = read_text(plain, left.text, bytes);
        } else { /* a line that is very long, or has no end */
            const char *end = memchr(left.text, '\n', left.bytes);
            bytes = end != NULL ? (size_t)(end - left.text) + 1 : left.bytes;
            code = read_lines(plain, left.text, bytes, plain->line++);
        }
        left.text += bytes;
        left.bytes -= bytes;
    }
    return code;
}

int toll_deck_plain_read(struct toll_deck_reader *reader, struct toll_table *table)
{
    const struct toll_table_text left = toll_table_rest(table);
    struct plain *plain = calloc(1, sizeof(*plain));
    int code;

    if (plain == NULL)
        return toll_build_memory(reader->build);
    plain->reader = reader;
    plain->table = table;
    if (!find_layout(reader, &plain->layout) || left.line_end != '\n')
        code = read_lines(plain, left.text, left.bytes, left.line);
    else if (!toll_plain_begin(&plain->rows, reader->build->csv_index))
        code = toll_build_memory(reader->build);
    else
        code = read_all(plain, left);
    toll_plain_end(&plain->rows);
    free(plain);
    return code;
}
