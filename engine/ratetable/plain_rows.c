/* Rows from the index of their text: a few cells typed at once, the others looked up as they stand. */
#include "ratetable/plain_rows.h"

#include "base/check.h"
#include "base/text_hash.h"
#include "ratetable/prefix_cell.h"

#include <stdlib.h>
#include <string.h>

#define ROW_BYTES_MAX 4096u
#define EXTRA_CELLS_MAX 64u /* empty ones, as spreadsheets leave them behind */

bool toll_plain_begin(struct toll_plain *plain, toll_csv_index_kernel *csv_index)
{
    const size_t stops = (TOLL_PLAIN_BYTES + TOLL_CSV_INDEX_SPARE) * sizeof(uint32_t);
    const size_t quoted = TOLL_PLAIN_BYTES * sizeof(struct toll_csv_quoted);
    uint8_t *memory = malloc(2 * stops + quoted + TOLL_PLAIN_BYTES * sizeof(*plain->rows));

    memset(plain, 0, sizeof(*plain));
    if (memory == NULL)
        return false;
    plain->memory = memory;
    plain->csv_index = csv_index;
    plain->rows = (void *)memory;
    memory += TOLL_PLAIN_BYTES * sizeof(*plain->rows);
    plain->index.quoted = (void *)memory;
    plain->index.stops = (void *)(memory + quoted);
    plain->index.row_stops = (void *)(memory + quoted + stops);
    return true;
}

void toll_plain_end(struct toll_plain *plain)
{
    free(plain->memory);
}

/* Is it all ASCII that can be seen, blanks included? */
static bool is_visible(const char *text, size_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t found = 0, word;

    if (bytes < sizeof(word))
        return false;
    for (size_t at = 0; at + sizeof(word) <= bytes; at += sizeof(word)) {
        memcpy(&word, text + at, sizeof(word));
        found |= word | ((word - ones * ' ') & ~word);
    }
    memcpy(&word, text + bytes - sizeof(word), sizeof(word));
    found |= word | ((word - ones * ' ') & ~word);
    return (found & highs) == 0;
}

/* A row's cells: cell i is text[cells[i] + 1 .. cells[i + 1]), but that the first begins the row. */
struct cells {
    const char *text;
    const uint32_t *stops;
    uint32_t begin, end;
    uint32_t count;
};

static inline uint32_t cell_begin(const struct cells *cells, uint32_t column)
{
    return column == 0 ? cells->begin : cells->stops[column - 1] + 1;
}

static inline uint32_t cell_end(const struct cells *cells, uint32_t column)
{
    return column + 1 == cells->count ? cells->end : cells->stops[column];
}

/* The cells that are kept, where they stand. */
struct pieces {
    const char *text[TOLL_PLAIN_PIECES];
    uint8_t bytes[TOLL_PLAIN_PIECES];
    uint32_t count;
};

static inline bool read_pieces(const struct toll_plain_layout *layout, const struct cells *cells,
                               struct pieces *pieces)
{
    uint32_t all = 0;

    pieces->count = layout->piece_count;
    for (uint32_t i = 0; i < layout->piece_count; i++) {
        const uint32_t begin = cell_begin(cells, layout->pieces[i].first);
        const uint32_t bytes = cell_end(cells, layout->pieces[i].last) - begin;
        all += bytes;
        if (all > TOLL_PLAIN_REST_BYTES)
            return false;
        pieces->text[i] = cells->text + begin;
        pieces->bytes[i] = (uint8_t)bytes;
    }
    return true;
}

static inline bool is_rest(const struct pieces *pieces, const struct toll_plain_rest *rest)
{
    const char *at = rest->text;

    for (uint32_t i = 0; i < pieces->count; i++) {
        if (pieces->bytes[i] != rest->bytes[i] || memcmp(pieces->text[i], at, pieces->bytes[i]) != 0)
            return false;
        at += rest->bytes[i];
    }
    return true;
}

/* Which of the rests it is, added if there is room; else TOLL_PLAIN_RESTS. */
static uint32_t find_rest(struct toll_plain *plain, const struct pieces *pieces)
{
    const uint32_t mask = 2 * TOLL_PLAIN_RESTS - 1;
    uint32_t hash = 0;

    for (uint32_t i = 0; i < pieces->count; i++)
        hash = (hash << 5 | hash >> 27) ^ toll_text_hash(pieces->text[i], pieces->bytes[i]);
    uint32_t slot = hash & mask;
    for (; plain->slots[slot] != 0; slot = (slot + 1) & mask) {
        if (is_rest(pieces, &plain->rests[plain->slots[slot] - 1]))
            return plain->slots[slot] - 1u;
    }
    if (plain->rest_count == TOLL_PLAIN_RESTS)
        return TOLL_PLAIN_RESTS;
    struct toll_plain_rest *rest = &plain->rests[plain->rest_count];
    char *at = rest->text;
    for (uint32_t i = 0; i < pieces->count; i++) {
        memcpy(at, pieces->text[i], pieces->bytes[i]);
        at += rest->bytes[i] = pieces->bytes[i];
    }
    plain->slots[slot] = (uint16_t)++plain->rest_count;
    return plain->rest_count - 1;
}

static bool read_row(struct toll_plain *plain, const struct toll_plain_layout *layout,
                     const struct cells *cells, struct toll_plain_row *row)
{
    const char *const text = cells->text;
    const uint32_t key = cell_begin(cells, (uint32_t)layout->key);
    const uint32_t rate = cell_begin(cells, (uint32_t)layout->rate);
    struct pieces pieces;
    uint64_t packed;

    for (uint32_t i = layout->columns; i < cells->count; i++) {
        if (cell_end(cells, i) != cell_begin(cells, i))
            return false;
    }
    packed = toll_prefix_plain(text + key, cell_end(cells, (uint32_t)layout->key) - key, 1);
    if (packed == 0 ||
        toll_money_parse(text + rate, cell_end(cells, (uint32_t)layout->rate) - rate, &row->rate) != 0 ||
        row->rate < 0)
        return false;
    row->destination = cells->begin;
    row->destination_bytes = 0;
    if (layout->destination >= 0) {
        row->destination = cell_begin(cells, (uint32_t)layout->destination);
        row->destination_bytes =
            (uint16_t)(cell_end(cells, (uint32_t)layout->destination) - row->destination);
        if (row->destination_bytes > 0 &&
            (text[row->destination] == ' ' || text[row->destination + row->destination_bytes - 1] == ' '))
            return false;
    }
    if (!read_pieces(layout, cells, &pieces))
        return false;
    if (plain->rest_count == 0 || !is_rest(&pieces, &plain->rests[row->rest])) {
        const uint32_t found = find_rest(plain, &pieces);
        if (found == TOLL_PLAIN_RESTS)
            return false;
        row->rest = (uint16_t)found;
    }
    row->column = (uint16_t)(key - cells->begin + 1);
    row->key = packed;
    return true;
}

void toll_plain_read(struct toll_plain *plain, const struct toll_plain_layout *layout, const char *text,
                     size_t bytes)
{
    const struct toll_csv_index *index = &plain->index;
    struct cells cells = {.text = text};
    size_t stop = 0, quoted = 0;
    uint16_t rest = 0;

    TOLL_ASSERT(bytes <= TOLL_PLAIN_BYTES);
    memset(plain->slots, 0, sizeof(plain->slots));
    plain->rest_count = 0;
    plain->csv_index(text, bytes, ',', '\n', false, &plain->index);
    plain->row_count = index->row_count;
    for (size_t i = 0; i < index->row_count; i++) {
        struct toll_plain_row *row = &plain->rows[i];
        const size_t last = index->row_stops[i];
        const uint32_t begin = cells.begin;
        const bool has_quotes = quoted < index->quoted_count && index->quoted[quoted].row == i;
        quoted += has_quotes;
        cells.stops = index->stops + stop;
        cells.count = (uint32_t)(last - stop) + 1;
        cells.end = index->stops[last];
        if (cells.end > begin && text[cells.end - 1] == '\r')
            cells.end--;
        row->key = 0;
        row->at = begin;
        row->rest = rest;
        if (!has_quotes && cells.count >= layout->columns &&
            cells.count <= layout->columns + EXTRA_CELLS_MAX && cells.end - begin <= ROW_BYTES_MAX &&
            is_visible(text + begin, cells.end - begin) && read_row(plain, layout, &cells, row))
            rest = row->rest;
        else
            row->key = 0;
        cells.begin = index->stops[last] + 1;
        stop = last + 1;
    }
}
