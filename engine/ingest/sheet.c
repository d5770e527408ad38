/* Windows, the rows in them, and rows of the chunk from their columns. */
#include "ingest/sheet.h"

#include "base/check.h"
#include "ingest/sheet_rows.h"

#include <stdlib.h>
#include <string.h>

/* What is indexed at a time: text and index stay in the second cache until they are typed. */
#define WINDOW_BYTES ((size_t)64 << 10)
_Static_assert(WINDOW_BYTES < TOLL_CSV_ROW_MAX, "no row of a window is too long");

/* -- rows of a window -- */

/* Are all quotes of a row around fields? Then no field has one inside. */
static bool only_outer_quotes(const struct toll_sheet *sheet, uint32_t r, uint32_t quotes)
{
    const uint32_t *stops = sheet->index.stops + sheet->first[r];
    uint32_t begin = sheet->begin[r], outer = 0;

    for (unsigned i = 0; i < sheet->columns[r]; i++) {
        outer += stops[i] - begin >= 2 && sheet->text[begin] == '"' && sheet->text[stops[i] - 1] == '"';
        begin = stops[i] + 1;
    }
    return 2 * outer == quotes;
}

bool toll_sheet_value_of_odd(const struct toll_sheet *sheet, uint32_t r, int slot, struct toll_value *value)
{
    const uint32_t *stops = sheet->index.stops + sheet->first[r];
    const unsigned shape = sheet->shape[r];
    uint32_t begin, end;

    if ((shape & TOLL_SHEET_ODD) != 0)
        return false;
    if (slot < 0 || ((shape & TOLL_SHEET_FEW) != 0 && slot >= sheet->columns[r])) {
        *value = (struct toll_value){sheet->text + sheet->begin[r], 0};
        return true;
    }
    begin = slot == 0 ? sheet->begin[r] : stops[slot - 1] + 1;
    end = stops[slot];
    if ((shape & TOLL_SHEET_QUOTED) != 0 && end - begin >= 2 && sheet->text[begin] == '"' &&
        sheet->text[end - 1] == '"') {
        begin++;
        end--;
    }
    *value = (struct toll_value){sheet->text + begin, end - begin};
    return true;
}

struct cursor {
    size_t row, quoted;   /* of the window's */
    uint32_t stop, begin; /* the next row's first */
};

static unsigned shape_of(const struct toll_sheet *sheet, struct cursor *cursor, uint32_t r)
{
    const struct toll_csv_index *index = &sheet->index;
    const unsigned columns = sheet->columns[r];
    const struct toll_csv_quoted *quoted;
    unsigned shape = 0;

    if (sheet->begin[r] == sheet->end[r] || columns > TOLL_INGEST_COLUMNS_MAX || !sheet->legal[columns])
        return TOLL_SHEET_ODD;
    if ((int)columns < sheet->slots_needed)
        shape = TOLL_SHEET_FEW;
    while (cursor->quoted < index->quoted_count && index->quoted[cursor->quoted].row < cursor->row)
        cursor->quoted++;
    if (cursor->quoted == index->quoted_count || index->quoted[cursor->quoted].row != cursor->row)
        return shape;
    quoted = &index->quoted[cursor->quoted];
    if (sheet->spec->multiline || !only_outer_quotes(sheet, r, quoted->quotes))
        return TOLL_SHEET_ODD;
    return shape | TOLL_SHEET_QUOTED;
}

/* The next rows of the window; 0 when there are none. */
static uint32_t take_rows(struct toll_sheet *sheet, struct cursor *cursor)
{
    const struct toll_csv_index *index = &sheet->index;
    const bool may_have_cr = sheet->reader->csv.line_end == '\n';
    uint32_t r = 0;

    for (; r < TOLL_SHEET_ROWS && cursor->row < index->row_count; r++, cursor->row++) {
        const uint32_t last = index->row_stops[cursor->row], end = index->stops[last];
        const uint32_t columns = last - cursor->stop + 1;

        sheet->first[r] = cursor->stop;
        sheet->begin[r] = cursor->begin;
        sheet->end[r] = end;
        sheet->columns[r] = (uint16_t)(columns <= UINT16_MAX ? columns : UINT16_MAX);
        if (may_have_cr && end > cursor->begin && sheet->text[end - 1] == '\r')
            index->stops[last] = sheet->end[r] = end - 1;
        sheet->shape[r] = (uint8_t)shape_of(sheet, cursor, r);
        cursor->stop = last + 1;
        cursor->begin = end + 1;
    }
    sheet->rows = r;
    return r;
}

/* -- rows of the chunk -- */

static inline char *copy_text(const struct toll_sheet *sheet, uint32_t begin, size_t bytes, char *to)
{
    const char *from = sheet->text + begin;

    for (size_t i = 0; i < bytes; i += 16) /* up to 15 more, for which there is room */
        memcpy(to + i, from + i, 16);
    return to + bytes;
}

struct output {
    char *texts;
    struct toll_row_extra *extras;
};

static inline size_t text_bytes(const struct toll_row *row)
{
    return (size_t)row->record_id_bytes + row->caller_bytes + row->callee_bytes;
}

static bool make_output(struct toll_sheet *sheet, struct output *output)
{
    struct toll_row_store *store = &sheet->reader->chunk->store;
    size_t bytes = 0, extras = 0;

    for (uint32_t r = 0; r < sheet->rows; r++) {
        if (sheet->shape[r] & TOLL_SHEET_ODD)
            continue;
        bytes += text_bytes(&sheet->out[r]);
        extras += sheet->has_extra[r];
    }
    output->extras = extras == 0 ? NULL : toll_row_store_alloc(store, extras * sizeof(struct toll_row_extra));
    output->texts = bytes == 0 ? NULL : toll_row_store_text(store, bytes + 15);
    return (extras == 0 || output->extras != NULL) && (bytes == 0 || output->texts != NULL);
}

static inline void write_row(struct toll_sheet *sheet, uint32_t r, struct output *output)
{
    struct toll_chunk *chunk = sheet->reader->chunk;
    struct toll_row *row = &sheet->out[r];

    chunk->first_start = row->start < chunk->first_start ? row->start : chunk->first_start;
    chunk->last_start = row->start > chunk->last_start ? row->start : chunk->last_start;
    chunk->duration_ms += row->duration_ms;
    chunk->warnings += sheet->warned[r];
    row->source_row = (int32_t)++chunk->data_rows;
    row->text = "";
    if (text_bytes(row) > 0) {
        row->text = output->texts;
        output->texts = copy_text(sheet, sheet->texts[0][r], row->record_id_bytes, output->texts);
        output->texts = copy_text(sheet, sheet->texts[1][r], row->caller_bytes, output->texts);
        output->texts = copy_text(sheet, sheet->texts[2][r], row->callee_bytes, output->texts);
    }
    row->extra = NULL;
    if (sheet->has_extra[r]) {
        row->extra = output->extras++;
        *row->extra = sheet->extras[r];
    }
    chunk->rows[chunk->row_count++] = *row;
}

/* An odd row, by rows.c; a blank line is none. */
static void read_odd(struct toll_sheet *sheet, uint32_t r, size_t base)
{
    struct toll_csv *csv = &sheet->reader->csv;

    csv->offset = base + sheet->begin[r];
    if (sheet->begin[r] == sheet->end[r]) {
        csv->line++;
        return;
    }
    (void)toll_reader_next(sheet->reader);
}

/* The text of the next window comes from memory while this one is typed. */
static void ask_ahead(const struct toll_sheet *sheet)
{
    const char *from = sheet->text + WINDOW_BYTES + sheet->begin[0];
    const char *end = sheet->text + WINDOW_BYTES + sheet->end[sheet->rows - 1];

    for (; from < end; from += 64)
        __builtin_prefetch(from, 0, 2);
}

/* In the order of the file; base: where the window begins. */
static bool write_rows(struct toll_sheet *sheet, size_t base)
{
    struct toll_reader *reader = sheet->reader;
    struct output output;

    reader->csv.offset = base + sheet->begin[0];
    if (!toll_reader_make_rows(reader, sheet->rows) || !make_output(sheet, &output))
        return false;
    for (uint32_t r = 0; r < sheet->rows; r++) {
        if (__builtin_expect((sheet->shape[r] & TOLL_SHEET_ODD) != 0, 0)) {
            read_odd(sheet, r, base);
            if (reader->no_memory || !toll_reader_make_rows(reader, sheet->rows - r))
                return false;
            continue;
        }
        write_row(sheet, r, &output);
        reader->csv.line++;
    }
    return true;
}

/* -- windows -- */

static void type_columns(struct toll_sheet *sheet)
{
    toll_sheet_times(sheet);
    toll_sheet_durations(sheet);
    toll_sheet_amounts(sheet);
    toll_sheet_numbers(sheet);
    toll_sheet_names(sheet);
    toll_sheet_keys(sheet);
}

static void need_slot(struct toll_sheet *sheet, int slot)
{
    if (slot + 1 > sheet->slots_needed)
        sheet->slots_needed = slot + 1;
}

static void plan(struct toll_sheet *sheet)
{
    const struct toll_reader *reader = sheet->reader;
    const struct toll_spec *spec = sheet->spec;

    for (int t = 0; t < TOLL_TARGETS; t++) {
        need_slot(sheet, reader->slots[t]);
        if (spec->fields[t].mapped && spec->fields[t].column_count == 2)
            need_slot(sheet, reader->layout->slots[spec->fields[t].columns[1]]);
    }
    for (int i = 0; i < spec->key_count; i++) {
        sheet->key_slots[i] = reader->layout->slots[spec->key_columns[i]];
        need_slot(sheet, sheet->key_slots[i]);
    }
    for (uint32_t count = 0; count <= TOLL_INGEST_COLUMNS_MAX; count++)
        sheet->legal[count] = toll_layout_legal_count(spec, reader->layout, count);
    toll_sheet_times_init(sheet);
    toll_sheet_numbers_init(sheet);
}

static bool make_index(struct toll_csv_index *index, void **memory)
{
    const size_t room = WINDOW_BYTES + TOLL_CSV_INDEX_SPARE;

    *memory = malloc(room * 2 * sizeof(uint32_t) + room * sizeof(struct toll_csv_quoted));
    index->stops = *memory;
    index->row_stops = index->stops + room;
    index->quoted = (struct toll_csv_quoted *)(void *)(index->row_stops + room);
    return *memory != NULL;
}

/* The window at the reader's place. False: sheets go no further. */
static bool read_window(struct toll_sheet *sheet)
{
    struct toll_reader *reader = sheet->reader;
    struct toll_csv *csv = &reader->csv;
    const size_t base = csv->offset, data_size = reader->layout->start.size;
    const size_t end = csv->size + TOLL_SHEET_PADDING <= data_size ? csv->size
                       : data_size < TOLL_SHEET_PADDING            ? 0
                                                                   : data_size - TOLL_SHEET_PADDING;
    size_t bytes = base >= end ? 0 : end - base;
    struct cursor cursor = {0};
    toll_csv_index_kernel *index =
        reader->layout->kernels != NULL ? reader->layout->kernels->csv_index : toll_csv_index_scalar;

    if (bytes == 0)
        return false;
    bytes = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES;
    sheet->text = csv->data + base;
    index(sheet->text, bytes, csv->separator, csv->line_end, csv->multiline, &sheet->index);
    if (sheet->index.has_nul || sheet->index.row_count == 0) {
        while (csv->offset < base + bytes && toll_reader_next(reader))
            ;
        return !reader->no_memory;
    }
    while (take_rows(sheet, &cursor) > 0) {
        ask_ahead(sheet);
        type_columns(sheet);
        if (reader->no_memory || !write_rows(sheet, base)) {
            reader->no_memory = true;
            return false;
        }
    }
    csv->offset = base + cursor.begin;
    return true;
}

/* What the columns do not look at. */
static bool knows(const struct toll_spec *spec)
{
    static const enum toll_target names[] = {TOLL_TO_CARRIER, TOLL_TO_TRUNK, TOLL_TO_HINT, TOLL_TO_CALLTYPE};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = spec->fields[names[i]].constant_text;
        if (text != NULL && strlen(text) > TOLL_INGEST_TEXT_MAX)
            return false; /* each row is a reject */
    }
    return !spec->skip_blank && spec->null_tokens.count == 0;
}

void toll_sheets_read(struct toll_reader *reader)
{
    const struct toll_spec *spec = reader->spec;
    struct toll_sheet *sheet;
    void *memory;

    if (!knows(spec))
        return;
    sheet = calloc(1, sizeof *sheet);
    if (sheet == NULL || !make_index(&sheet->index, &memory)) {
        free(sheet);
        reader->no_memory = true;
        return;
    }
    sheet->reader = reader;
    sheet->spec = spec;
    plan(sheet);
    while (read_window(sheet))
        ;
    free(memory);
    free(sheet);
}
