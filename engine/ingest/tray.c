/* Windows, the rows in them, and rows of the chunk from their columns. */
#include "ingest/tray.h"

#include "base/check.h"
#include "ingest/tray_rows.h"

#include <stddef.h>
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

/* -- rows and extras as ten words each -- */

_Static_assert(sizeof(struct toll_row) == TOLL_FIELD_ROW_WORDS * 8 && sizeof(void *) == 8 &&
                   offsetof(struct toll_row, key_high) == 8 && offsetof(struct toll_row, key_low) == 16 &&
                   offsetof(struct toll_row, caller) == 24 && offsetof(struct toll_row, callee) == 32 &&
                   offsetof(struct toll_row, text) == 40 && offsetof(struct toll_row, extra) == 48 &&
                   offsetof(struct toll_row, duration_ms) == 56 && offsetof(struct toll_row, source) == 64 &&
                   offsetof(struct toll_row, kind) == 72,
               "as write_even fills it");
_Static_assert(sizeof(struct toll_row_extra) == TOLL_FIELD_ROW_WORDS * 8 &&
                   offsetof(struct toll_row_extra, quantity) == 32 &&
                   offsetof(struct toll_row_extra, provider_charge) == 40 &&
                   offsetof(struct toll_row_extra, trunk) == 56 &&
                   offsetof(struct toll_row_extra, calltype) == 64 &&
                   offsetof(struct toll_row_extra, setup_ms) == 68 &&
                   offsetof(struct toll_row_extra, carrier_billed_ms) == 72,
               "as write_extras fills it");

static inline uint64_t two(uint32_t first, uint32_t second)
{
    const uint32_t words[2] = {first, second};
    uint64_t both;

    memcpy(&both, words, sizeof both);
    return both;
}

static inline uint64_t four(uint16_t first, uint32_t second, uint32_t third, uint32_t fourth)
{
    const uint16_t words[4] = {first, (uint16_t)second, (uint16_t)third, (uint16_t)fourth};
    uint64_t all;

    memcpy(&all, words, sizeof all);
    return all;
}

struct words {
    uint64_t text[TOLL_TRAY_ROWS], extra[TOLL_TRAY_ROWS];
    uint64_t narrow[3][TOLL_TRAY_ROWS];
};

/* The texts of rows [from, until), and where each row's lie. */
static void write_texts(const struct toll_tray *tray, uint32_t from, uint32_t until, struct output *output,
                        struct words *words)
{
    char *to = output->texts;

    for (uint32_t r = from; r < until; r++) {
        words->text[r] = (uintptr_t)(text_bytes(tray, r) > 0 ? to : "");
        for (int i = 0; i < 3; i++)
            if (tray->texts[i].bytes[r] > 0)
                to = copy_text(tray, tray->texts[i].begin[r], tray->texts[i].bytes[r], to);
        toll_sha256_walk_step(tray->reader->walk);
    }
    output->texts = to;
}

/* The extras of rows [from, until): of all, and then only of those that have one. */
static void write_extras(const struct toll_tray *tray, uint32_t from, uint32_t until, struct output *output,
                         struct words *words)
{
    const uint64_t *const columns[TOLL_FIELD_ROW_WORDS] = {
        tray->numbers[2] + from,
        tray->numbers[3] + from,
        tray->numbers[4] + from,
        tray->numbers[5] + from,
        (const uint64_t *)tray->quantity + from,
        (const uint64_t *)tray->money[0] + from,
        (const uint64_t *)tray->money[1] + from,
        words->narrow[0] + from,
        words->narrow[1] + from,
        words->narrow[2] + from,
    };
    struct toll_row_extra *to = output->extras;
    uint32_t count = 0;

    for (uint32_t r = from; r < until; r++) {
        words->extra[r] = tray->has_extra[r] ? (uintptr_t)(to + count) : 0;
        words->narrow[0][r] = two(tray->names[TOLL_NAME_TRUNK][r], tray->names[TOLL_NAME_HINT][r]);
        words->narrow[1][r] = two(tray->names[TOLL_NAME_CALLTYPE][r], (uint32_t)tray->setup_ms[r]);
        words->narrow[2][r] = two((uint32_t)tray->billed_ms[r], 0);
        count += tray->has_extra[r];
    }
    output->extras += count;
    if (count == until - from) {
        tray->kernels->rows(columns, count, to);
        return;
    }
    for (uint32_t r = from; r < until; r++) {
        if (!tray->has_extra[r])
            continue;
        for (unsigned c = 0; c < TOLL_FIELD_ROW_WORDS; c++)
            memcpy((char *)to + 8 * c, &columns[c][r - from], 8);
        to++;
    }
}

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

/* Rows [from, until), none of which is odd. */
static void write_even(const struct toll_tray *tray, uint32_t from, uint32_t until, struct output *output)
{
    struct toll_chunk *chunk = tray->reader->chunk;
    const uint32_t source_row = (uint32_t)chunk->data_rows + 1 - from;
    struct words words;
    const uint64_t *const columns[TOLL_FIELD_ROW_WORDS] = {
        (const uint64_t *)tray->utc[0] + from,
        tray->key_high + from,
        tray->key_low + from,
        tray->numbers[0] + from,
        tray->numbers[1] + from,
        words.text + from,
        words.extra + from,
        words.narrow[0] + from,
        words.narrow[1] + from,
        words.narrow[2] + from,
    };

    write_texts(tray, from, until, output, &words);
    write_extras(tray, from, until, output, &words);
    for (uint32_t r = from; r < until; r++) {
        words.narrow[0][r] = two((uint32_t)tray->duration_ms[r], source_row + r);
        words.narrow[1][r] = two(0, tray->names[TOLL_NAME_CARRIER][r]);
        words.narrow[2][r] =
            four(tray->kind[r], tray->texts[0].bytes[r], tray->texts[1].bytes[r], tray->texts[2].bytes[r]);
    }
    tray->kernels->rows(columns, until - from, &chunk->rows[chunk->row_count]);
    count_rows(tray, from, until);
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
