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

static inline char *copy_text(const struct toll_tray *tray, uint32_t begin, size_t bytes, char *to)
{
    const char *from = tray->text + begin;

    memcpy(to, from, 32); /* more than it is, for which there is room */
    for (size_t i = 32; __builtin_expect(i < bytes, 0); i += 32)
        memcpy(to + i, from + i, 32);
    return to + bytes;
}

struct output {
    char *texts;
    struct toll_row_extra *extras;
};

static inline size_t text_bytes(const struct toll_tray *tray, uint32_t r)
{
    return (size_t)tray->texts[0].bytes[r] + tray->texts[1].bytes[r] + tray->texts[2].bytes[r];
}

static bool make_output(struct toll_tray *tray, struct output *output)
{
    struct toll_row_store *store = &tray->reader->chunk->store;
    size_t bytes = 0, extras = 0;
    for (uint32_t r = 0; r < tray->rows; r++) {
        const bool even = (tray->shape[r] & TOLL_TRAY_ODD) == 0;

        bytes += even ? text_bytes(tray, r) : 0;
        extras += even & tray->has_extra[r];
    }
    output->extras = extras == 0 ? NULL : toll_row_store_alloc(store, extras * sizeof(struct toll_row_extra));
    output->texts = bytes == 0 ? NULL : toll_row_store_text(store, bytes + 31);
    return (extras == 0 || output->extras != NULL) && (bytes == 0 || output->texts != NULL);
}

static inline void write_extra(const struct toll_tray *tray, uint32_t r, struct toll_row_extra *extra)
{
    *extra = (struct toll_row_extra){.charged = tray->numbers[2][r],
                                     .lrn_caller = tray->numbers[3][r],
                                     .lrn_callee = tray->numbers[4][r],
                                     .ring_to = tray->numbers[5][r],
                                     .quantity = tray->quantity[r],
                                     .provider_charge = tray->money[0][r],
                                     .provider_tax = tray->money[1][r],
                                     .trunk = tray->names[TOLL_NAME_TRUNK][r],
                                     .hint = tray->names[TOLL_NAME_HINT][r],
                                     .calltype = tray->names[TOLL_NAME_CALLTYPE][r],
                                     .setup_ms = tray->setup_ms[r],
                                     .carrier_billed_ms = tray->billed_ms[r]};
}

static inline char *write_texts(const struct toll_tray *tray, uint32_t r, char *to)
{
    for (int i = 0; i < 3; i++)
        if (tray->texts[i].bytes[r] > 0)
            to = copy_text(tray, tray->texts[i].begin[r], tray->texts[i].bytes[r], to);
    return to;
}

/* Rows [from, until), none of which is odd. */
static void write_even(const struct toll_tray *tray, uint32_t from, uint32_t until, struct output *output)
{
    struct toll_chunk *chunk = tray->reader->chunk;
    struct toll_row *restrict row = &chunk->rows[chunk->row_count];
    struct toll_row_extra *extra = output->extras;
    int64_t first = chunk->first_start, last = chunk->last_start, duration_ms = 0, warnings = 0;
    const int32_t source_row = (int32_t)chunk->data_rows + 1 - (int32_t)from;
    char *text = output->texts;

    for (uint32_t r = from; r < until; r++) {
        const toll_ms start = tray->utc[0][r];

        first = start < first ? start : first;
        last = start > last ? start : last;
        duration_ms += tray->duration_ms[r];
        warnings += tray->warned[r];
        row[r - from] = (struct toll_row){.start = start,
                                          .key_high = tray->key[r].high,
                                          .key_low = tray->key[r].low,
                                          .caller = tray->numbers[0][r],
                                          .callee = tray->numbers[1][r],
                                          .text = text_bytes(tray, r) > 0 ? text : "",
                                          .extra = tray->has_extra[r] ? extra : NULL,
                                          .duration_ms = tray->duration_ms[r],
                                          .source_row = source_row + (int32_t)r,
                                          .carrier = tray->names[TOLL_NAME_CARRIER][r],
                                          .kind = tray->kind[r],
                                          .record_id_bytes = (uint16_t)tray->texts[0].bytes[r],
                                          .caller_bytes = (uint16_t)tray->texts[1].bytes[r],
                                          .callee_bytes = (uint16_t)tray->texts[2].bytes[r]};
        text = write_texts(tray, r, text);
        if (tray->has_extra[r])
            write_extra(tray, r, extra++);
        toll_sha256_walk_step(tray->reader->walk);
    }
    output->texts = text;
    output->extras = extra;
    chunk->first_start = first;
    chunk->last_start = last;
    chunk->duration_ms += duration_ms;
    chunk->warnings += warnings;
    chunk->row_count += until - from;
    chunk->data_rows += until - from;
    tray->reader->csv.line += until - from;
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

/* The text of the next window comes from memory while this one is typed. */
static void ask_ahead(const struct toll_tray *tray)
{
    const char *from = tray->text + WINDOW_BYTES + tray->begin[0];
    const char *end = tray->text + WINDOW_BYTES + tray->end[tray->rows - 1];

    for (; from < end; from += 64)
        __builtin_prefetch(from, 0, 2);
}

/* In the order of the file; base: where the window begins. */
static bool write_rows(struct toll_tray *tray, size_t base)
{
    struct toll_reader *reader = tray->reader;
    struct output output;

    reader->csv.offset = base + tray->begin[0];
    if (!toll_reader_make_rows(reader, tray->rows) || !make_output(tray, &output))
        return false;
    for (uint32_t r = 0, odd; r < tray->rows; r = odd + 1) {
        odd = r;
        while (odd < tray->rows && (tray->shape[odd] & TOLL_TRAY_ODD) == 0)
            odd++;
        write_even(tray, r, odd, &output);
        if (odd == tray->rows)
            break;
        read_odd(tray, odd, base);
        if (reader->no_memory || !toll_reader_make_rows(reader, tray->rows - odd))
            return false;
    }
    return true;
}

/* -- windows -- */

static void type_columns(struct toll_tray *tray)
{
    toll_tray_times(tray);
    toll_tray_durations(tray);
    toll_tray_amounts(tray);
    toll_tray_numbers(tray);
    toll_tray_names(tray);
    toll_tray_keys(tray);
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
        ask_ahead(tray);
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
