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

static inline char *copy_text(const struct toll_sheet *sheet, const struct toll_sheet_texts *texts,
                              uint32_t r, char *to)
{
    const char *from = sheet->text + texts->begin[r];
    const size_t bytes = texts->bytes[r];

    for (size_t i = 0; i < bytes; i += 16) /* up to 15 more, for which there is room */
        memcpy(to + i, from + i, 16);
    return to + bytes;
}

struct output {
    char *texts;
    struct toll_row_extra *extras;
};

static bool make_output(struct toll_sheet *sheet, struct output *output)
{
    struct toll_row_store *store = &sheet->reader->chunk->store;
    size_t bytes = 0, extras = 0;

    for (uint32_t r = 0; r < sheet->rows; r++) {
        if (sheet->shape[r] & TOLL_SHEET_ODD)
            continue;
        bytes += (size_t)sheet->texts[0].bytes[r] + sheet->texts[1].bytes[r] + sheet->texts[2].bytes[r];
        extras += sheet->has_extra[r];
    }
    output->extras = extras == 0 ? NULL : toll_row_store_alloc(store, extras * sizeof(struct toll_row_extra));
    output->texts = bytes == 0 ? NULL : toll_row_store_text(store, bytes + 15);
    return (extras == 0 || output->extras != NULL) && (bytes == 0 || output->texts != NULL);
}

static inline void write_extra(const struct toll_sheet *sheet, uint32_t r, struct toll_row_extra *extra)
{
    *extra = (struct toll_row_extra){.charged = sheet->numbers[2].digits[r],
                                     .lrn_caller = sheet->numbers[3].digits[r],
                                     .lrn_callee = sheet->numbers[4].digits[r],
                                     .ring_to = sheet->numbers[5].digits[r],
                                     .quantity = sheet->quantity[r],
                                     .provider_charge = sheet->money[0][r],
                                     .provider_tax = sheet->money[1][r],
                                     .trunk = sheet->names[TOLL_NAME_TRUNK][r],
                                     .hint = sheet->names[TOLL_NAME_HINT][r],
                                     .calltype = sheet->names[TOLL_NAME_CALLTYPE][r],
                                     .setup_ms = sheet->setup_ms[r],
                                     .carrier_billed_ms = sheet->billed_ms[r]};
}

static inline void write_row(const struct toll_sheet *sheet, uint32_t r, struct output *output,
                             int32_t source_row, struct toll_row *row)
{
    const struct toll_sheet_texts *texts = sheet->texts;
    const bool has_text = (texts[0].bytes[r] | texts[1].bytes[r] | texts[2].bytes[r]) != 0;

    *row = (struct toll_row){.start = sheet->utc[0][r],
                             .key_high = sheet->keys[r].high,
                             .key_low = sheet->keys[r].low,
                             .caller = sheet->numbers[0].digits[r],
                             .callee = sheet->numbers[1].digits[r],
                             .text = has_text ? output->texts : "",
                             .extra = sheet->has_extra[r] ? output->extras : NULL,
                             .duration_ms = sheet->duration_ms[r],
                             .source_row = source_row,
                             .carrier = sheet->names[TOLL_NAME_CARRIER][r],
                             .kind = sheet->kind[r],
                             .record_id_bytes = texts[0].bytes[r],
                             .caller_bytes = texts[1].bytes[r],
                             .callee_bytes = texts[2].bytes[r]};
    if (sheet->has_extra[r])
        write_extra(sheet, r, output->extras++);
    if (has_text)
        for (int i = 0; i < 3; i++)
            output->texts = copy_text(sheet, &texts[i], r, output->texts);
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

/* In the order of the file; base: where the window begins. */
static bool write_rows(struct toll_sheet *sheet, size_t base)
{
    struct toll_reader *reader = sheet->reader;
    struct toll_chunk *chunk = reader->chunk;
    struct output output;

    reader->csv.offset = base + sheet->begin[0];
    if (!toll_reader_make_rows(reader, sheet->rows) || !make_output(sheet, &output))
        return false;
    for (uint32_t r = 0; r < sheet->rows; r++) {
        const int64_t start = sheet->utc[0][r];

        if (__builtin_expect((sheet->shape[r] & TOLL_SHEET_ODD) != 0, 0)) {
            read_odd(sheet, r, base);
            if (reader->no_memory || !toll_reader_make_rows(reader, sheet->rows - r))
                return false;
            continue;
        }
        chunk->data_rows++;
        write_row(sheet, r, &output, (int32_t)chunk->data_rows, &chunk->rows[chunk->row_count]);
        if (chunk->row_count++ == 0)
            chunk->first_start = chunk->last_start = start;
        chunk->first_start = start < chunk->first_start ? start : chunk->first_start;
        chunk->last_start = start > chunk->last_start ? start : chunk->last_start;
        chunk->duration_ms += sheet->duration_ms[r];
        chunk->warnings += sheet->warned[r];
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
