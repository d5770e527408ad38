/* Windows, the rows in them, and rows of the chunk from their columns. */
#include "ingest/tray.h"

#include "base/check.h"
#include "ingest/tray_rows.h"

#include <stdlib.h>
#include <string.h>

/* What is indexed at a time: text and index stay in the second cache until they are typed. */
#define WINDOW_BYTES ((size_t)64 << 10)
_Static_assert(WINDOW_BYTES < TOLL_CSV_ROW_MAX, "no row of a window is too long");

/* -- rows of a window -- */

/* Are all quotes of a row around fields? Then no field has one inside. */
static bool only_outer_quotes(const struct toll_tray *tray, uint32_t r, uint32_t quotes)
{
    const uint32_t *stops = tray->index.stops + tray->first[r];
    uint32_t begin = tray->begin[r], outer = 0;

    for (unsigned i = 0; i < tray->columns[r]; i++) {
        outer += stops[i] - begin >= 2 && tray->text[begin] == '"' && tray->text[stops[i] - 1] == '"';
        begin = stops[i] + 1;
    }
    return 2 * outer == quotes;
}

bool toll_tray_value_of_odd(const struct toll_tray *tray, uint32_t r, int slot, struct toll_value *value)
{
    const uint32_t *stops = tray->index.stops + tray->first[r];
    const unsigned shape = tray->shape[r];
    uint32_t begin, end;

    if ((shape & TOLL_TRAY_ODD) != 0)
        return false;
    if (slot < 0 || ((shape & TOLL_TRAY_FEW) != 0 && slot >= tray->columns[r])) {
        *value = (struct toll_value){tray->text + tray->begin[r], 0};
        return true;
    }
    begin = slot == 0 ? tray->begin[r] : stops[slot - 1] + 1;
    end = stops[slot];
    if ((shape & TOLL_TRAY_QUOTED) != 0 && end - begin >= 2 && tray->text[begin] == '"' &&
        tray->text[end - 1] == '"') {
        begin++;
        end--;
    }
    *value = (struct toll_value){tray->text + begin, end - begin};
    return true;
}

void toll_tray_spans(const struct toll_tray *tray, int slot, struct toll_tray_spans *spans)
{
    if (slot < 0) {
        memcpy(spans->begin, tray->begin, tray->rows * sizeof *spans->begin);
        memset(spans->bytes, 0, tray->rows * sizeof *spans->bytes);
        return;
    }
    tray->kernels->spans(tray->index.stops, tray->first, tray->begin, (unsigned)slot, tray->rows,
                         spans->begin, spans->bytes);
    for (uint32_t i = 0; i < tray->unusual_count; i++) {
        const uint32_t r = tray->unusual[i];
        struct toll_value value = {tray->text + tray->begin[r], 0};

        (void)toll_tray_value(tray, r, slot, &value);
        spans->begin[r] = (uint32_t)(value.text - tray->text);
        spans->bytes[r] = (uint32_t)value.bytes;
    }
}

struct cursor {
    size_t row, quoted;   /* of the window's */
    uint32_t stop, begin; /* the next row's first */
};

static unsigned shape_of(const struct toll_tray *tray, struct cursor *cursor, uint32_t r)
{
    const struct toll_csv_index *index = &tray->index;
    const unsigned columns = tray->columns[r];
    const struct toll_csv_quoted *quoted;
    unsigned shape = 0;

    if (tray->begin[r] == tray->end[r] || columns > TOLL_INGEST_COLUMNS_MAX || !tray->legal[columns])
        return TOLL_TRAY_ODD;
    if ((int)columns < tray->slots_needed)
        shape = TOLL_TRAY_FEW;
    while (cursor->quoted < index->quoted_count && index->quoted[cursor->quoted].row < cursor->row)
        cursor->quoted++;
    if (cursor->quoted == index->quoted_count || index->quoted[cursor->quoted].row != cursor->row)
        return shape;
    quoted = &index->quoted[cursor->quoted];
    if (tray->spec->multiline || !only_outer_quotes(tray, r, quoted->quotes))
        return TOLL_TRAY_ODD;
    return shape | TOLL_TRAY_QUOTED;
}

/* The next rows of the window; 0 when there are none. */
static uint32_t take_rows(struct toll_tray *tray, struct cursor *cursor)
{
    const struct toll_csv_index *index = &tray->index;
    const bool may_have_cr = tray->reader->csv.line_end == '\n';
    uint32_t r = 0;

    tray->unusual_count = 0;
    for (; r < TOLL_TRAY_ROWS && cursor->row < index->row_count; r++, cursor->row++) {
        const uint32_t last = index->row_stops[cursor->row], end = index->stops[last];
        const uint32_t columns = last - cursor->stop + 1;

        tray->first[r] = cursor->stop;
        tray->begin[r] = cursor->begin;
        tray->end[r] = end;
        tray->columns[r] = (uint16_t)(columns <= UINT16_MAX ? columns : UINT16_MAX);
        if (may_have_cr && end > cursor->begin && tray->text[end - 1] == '\r')
            index->stops[last] = tray->end[r] = end - 1;
        tray->shape[r] = (uint8_t)shape_of(tray, cursor, r);
        tray->unusual[tray->unusual_count] = r;
        tray->unusual_count += tray->shape[r] != 0;
        cursor->stop = last + 1;
        cursor->begin = end + 1;
    }
    tray->rows = r;
    return r;
}

/* -- rows of the chunk -- */

static void count_rows(const struct toll_tray *tray, uint32_t from, uint32_t until)
{
    struct toll_chunk *chunk = tray->reader->chunk;
    int64_t first = chunk->first_start, last = chunk->last_start, duration_ms = 0, warnings = 0;

    for (uint32_t r = from; r < until; r++) {
        const toll_ms start = tray->utc[0][r];

        first = start < first ? start : first;
        last = start > last ? start : last;
        duration_ms += tray->duration_ms[r];
        warnings += tray->warned[r];
    }
    chunk->first_start = first;
    chunk->last_start = last;
    chunk->duration_ms += duration_ms;
    chunk->warnings += warnings;
    chunk->row_count += until - from;
    chunk->data_rows += until - from;
    tray->reader->csv.line += until - from;
}

/* Optional values of rows [from, until); a target that no field is mapped to has none. */
static bool write_optional(const struct toll_tray *tray, uint32_t from, uint32_t until)
{
    struct toll_columns *columns = tray->reader->chunk->columns;
    const uint32_t rows = until - from;
    const void *const wide[TOLL_EXTRA_WIDE] = {
        [TOLL_WIDE_CHARGED] = tray->numbers[2] + from,    [TOLL_WIDE_LRN_CALLER] = tray->numbers[3] + from,
        [TOLL_WIDE_LRN_CALLEE] = tray->numbers[4] + from, [TOLL_WIDE_RING_TO] = tray->numbers[5] + from,
        [TOLL_WIDE_QUANTITY] = tray->quantity + from,     [TOLL_WIDE_PROVIDER_CHARGE] = tray->money[0] + from,
        [TOLL_WIDE_PROVIDER_TAX] = tray->money[1] + from,
    };
    const void *const narrow[TOLL_EXTRA_NARROW] = {
        [TOLL_NARROW_TRUNK] = tray->names[TOLL_NAME_TRUNK] + from,
        [TOLL_NARROW_HINT] = tray->names[TOLL_NAME_HINT] + from,
        [TOLL_NARROW_CALLTYPE] = tray->names[TOLL_NAME_CALLTYPE] + from,
        [TOLL_NARROW_SETUP_MS] = tray->setup_ms + from,
        [TOLL_NARROW_CARRIER_BILLED_MS] = tray->billed_ms + from,
    };
    bool fits = true;

    for (int w = 0; w < TOLL_EXTRA_WIDE; w++)
        fits &= toll_columns_put_wide(columns, (enum toll_extra_wide)w, wide[w], rows);
    for (int w = 0; w < TOLL_EXTRA_NARROW; w++)
        fits &= toll_columns_put_narrow(columns, (enum toll_extra_narrow)w, narrow[w], rows);
    for (int t = 0; t < TOLL_ROW_TEXTS; t++)
        fits &= toll_columns_put_texts(columns, t, tray->text, tray->texts[t].begin + from,
                                       tray->texts[t].bytes + from, rows);
    return fits;
}

/* Rows [from, until), none of which is odd. */
static bool write_even(const struct toll_tray *tray, uint32_t from, uint32_t until)
{
    struct toll_chunk *chunk = tray->reader->chunk;
    struct toll_columns *columns = chunk->columns;
    const int32_t source_row = (int32_t)chunk->data_rows + 1;
    const uint32_t rows = until - from;
    const size_t at = columns->count;

    if (!write_optional(tray, from, until))
        return false;
    memcpy(columns->start + at, tray->utc[0] + from, rows * sizeof *columns->start);
    memcpy(columns->key_high + at, tray->key_high + from, rows * sizeof *columns->key_high);
    memcpy(columns->key_low + at, tray->key_low + from, rows * sizeof *columns->key_low);
    memcpy(columns->caller + at, tray->numbers[0] + from, rows * sizeof *columns->caller);
    memcpy(columns->callee + at, tray->numbers[1] + from, rows * sizeof *columns->callee);
    memcpy(columns->duration_ms + at, tray->duration_ms + from, rows * sizeof *columns->duration_ms);
    memcpy(columns->kind + at, tray->kind + from, rows * sizeof *columns->kind);
    memcpy(columns->carrier + at, tray->names[TOLL_NAME_CARRIER] + from, rows * sizeof *columns->carrier);
    for (uint32_t r = 0; r < rows; r++)
        columns->source_row[at + r] = source_row + (int32_t)r;
    columns->count += rows;
    count_rows(tray, from, until);
    return true;
}

/* An odd row, by rows.c; a blank line is none. */
static void read_odd(struct toll_tray *tray, uint32_t r, size_t base)
{
    struct toll_csv *csv = &tray->reader->csv;

    csv->offset = base + tray->begin[r];
    if (tray->begin[r] == tray->end[r]) {
        csv->line++;
        return;
    }
    (void)toll_reader_next(tray->reader);
}

/* In the order of the file; base: where the window begins. */
static bool write_rows(struct toll_tray *tray, size_t base)
{
    struct toll_reader *reader = tray->reader;

    reader->csv.offset = base + tray->begin[0];
    for (uint32_t r = 0, odd; r < tray->rows; r = odd + 1) {
        odd = r;
        while (odd < tray->rows && (tray->shape[odd] & TOLL_TRAY_ODD) == 0)
            odd++;
        if (odd > r &&
            (!toll_columns_make_room(reader->chunk->columns, odd - r) || !write_even(tray, r, odd)))
            return false;
        if (odd == tray->rows)
            break;
        read_odd(tray, odd, base);
        if (reader->no_memory)
            return false;
    }
    return true;
}

/* -- windows -- */

/* The text of the next window comes from memory while this one is typed, some before each kind of column: all
 * at once would wait for each other. */
static void ask_ahead(const struct toll_tray *tray, unsigned part, unsigned parts)
{
    const uint32_t begin = tray->begin[0] & ~63u, bytes = tray->end[tray->rows - 1] - begin;
    const char *from = tray->text + WINDOW_BYTES + begin;

    for (uint32_t at = bytes / 64 * part / parts; at <= bytes / 64 * (part + 1) / parts; at++)
        __builtin_prefetch(from + 64 * (size_t)at, 0, 2);
}

static void type_columns(struct toll_tray *tray)
{
    static void (*const kinds[])(struct toll_tray *) = {toll_tray_times,   toll_tray_durations,
                                                        toll_tray_amounts, toll_tray_numbers,
                                                        toll_tray_names,   toll_tray_keys};
    const unsigned count = sizeof kinds / sizeof *kinds;

    for (unsigned k = 0; k < count; k++) {
        ask_ahead(tray, k, count);
        kinds[k](tray);
    }
}

static void need_slot(struct toll_tray *tray, int slot)
{
    if (slot + 1 > tray->slots_needed)
        tray->slots_needed = slot + 1;
}

static void plan(struct toll_tray *tray)
{
    const struct toll_reader *reader = tray->reader;
    const struct toll_spec *spec = tray->spec;

    for (int t = 0; t < TOLL_TARGETS; t++) {
        need_slot(tray, reader->slots[t]);
        if (spec->fields[t].mapped && spec->fields[t].column_count == 2)
            need_slot(tray, reader->layout->slots[spec->fields[t].columns[1]]);
    }
    for (int i = 0; i < spec->key_count; i++) {
        tray->key_slots[i] = reader->layout->slots[spec->key_columns[i]];
        need_slot(tray, tray->key_slots[i]);
    }
    if (spec->header != TOLL_HEADER_NONE) /* the whole row as a key asks for all of them */
        for (int i = 0; i < spec->column_count; i++)
            need_slot(tray, reader->layout->slots[i]);
    for (uint32_t count = 0; count <= TOLL_INGEST_COLUMNS_MAX; count++)
        tray->legal[count] = toll_layout_legal_count(spec, reader->layout, count);
    toll_tray_times_init(tray);
    toll_tray_numbers_init(tray);
}

static bool make_index(struct toll_csv_index *index, void **memory)
{
    /* Rows are asked for columns that they do not have. */
    const size_t room = WINDOW_BYTES + TOLL_CSV_INDEX_SPARE + TOLL_INGEST_COLUMNS_MAX;

    *memory = malloc(room * 2 * sizeof(uint32_t) + room * sizeof(struct toll_csv_quoted));
    index->stops = *memory;
    index->row_stops = index->stops + room;
    index->quoted = (struct toll_csv_quoted *)(void *)(index->row_stops + room);
    return *memory != NULL;
}

/* The window at the reader's place. False: trays go no further. */
static bool read_window(struct toll_tray *tray)
{
    struct toll_reader *reader = tray->reader;
    struct toll_csv *csv = &reader->csv;
    const size_t base = csv->offset, data_size = reader->layout->start.size;
    const size_t end = csv->size + TOLL_TRAY_PADDING <= data_size ? csv->size
                       : data_size < TOLL_TRAY_PADDING            ? 0
                                                                  : data_size - TOLL_TRAY_PADDING;
    size_t bytes = base >= end ? 0 : end - base;
    struct cursor cursor = {0};
    toll_csv_index_kernel *index =
        reader->layout->kernels != NULL ? reader->layout->kernels->csv_index : toll_csv_index_scalar;

    if (bytes == 0)
        return false;
    bytes = bytes < WINDOW_BYTES ? bytes : WINDOW_BYTES;
    tray->text = csv->data + base;
    index(tray->text, bytes, csv->separator, csv->line_end, csv->multiline, &tray->index);
    if (tray->index.has_nul || tray->index.row_count == 0) {
        while (csv->offset < base + bytes && toll_reader_next(reader))
            ;
        return !reader->no_memory;
    }
    while (take_rows(tray, &cursor) > 0) {
        type_columns(tray);
        if (reader->no_memory || !write_rows(tray, base)) {
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

void toll_trays_read(struct toll_reader *reader)
{
    const struct toll_spec *spec = reader->spec;
    struct toll_tray *tray;
    void *memory;

    if (!knows(spec))
        return;
    tray = calloc(1, sizeof *tray);
    if (tray == NULL || !make_index(&tray->index, &memory)) {
        free(tray);
        reader->no_memory = true;
        return;
    }
    tray->reader = reader;
    tray->spec = spec;
    tray->kernels = reader->layout->kernels != NULL ? reader->layout->kernels->fields : &toll_fields_scalar;
    plan(tray);
    while (read_window(tray))
        ;
    free(memory);
    free(tray);
}
