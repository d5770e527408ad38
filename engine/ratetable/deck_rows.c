/* The rows of a deck's file: cells to terms and price rows, one for each key of a list or range. */
#include "base/digits.h"
#include "ratetable/deck_reader.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/prices.h"

static const struct toll_table_column columns[TOLL_DECK_COLUMNS] = {
    [TOLL_COLUMN_PREFIX] = {"prefix", false},
    [TOLL_COLUMN_KEY] = {"key", false},
    [TOLL_COLUMN_CALLER_PREFIX] = {"caller_prefix", false},
    [TOLL_COLUMN_DESTINATION] = {"destination", false},
    [TOLL_COLUMN_PER_S] = {"per_s", false},
    [TOLL_COLUMN_CONNECT_FEE] = {"connect_fee", false},
    [TOLL_COLUMN_INITIAL_S] = {"initial_s", false},
    [TOLL_COLUMN_INCREMENT_S] = {"increment_s", false},
    [TOLL_COLUMN_MINIMUM_S] = {"minimum_s", false},
    [TOLL_COLUMN_FREE_S] = {"free_s", false},
    [TOLL_COLUMN_MINIMUM_CHARGE] = {"minimum_charge", false},
    [TOLL_COLUMN_MAXIMUM_CHARGE] = {"maximum_charge", false},
    [TOLL_COLUMN_BAND] = {"band", false},
    [TOLL_COLUMN_FROM] = {"from", false},
    [TOLL_COLUMN_TO] = {"to", false},
    [TOLL_COLUMN_STATUS] = {"status", false},
    [TOLL_COLUMN_STEP_FROM_S] = {"step_from_s", false},
    [TOLL_COLUMN_RATE] = {"rate", true},
    [TOLL_COLUMN_RATE_INTER] = {"rate_inter", false},
    [TOLL_COLUMN_RATE_INTRA] = {"rate_intra", false},
    [TOLL_COLUMN_RATE_INDETERMINATE] = {"rate_indeterminate", false},
};

const struct toll_table_column *toll_deck_sheet_columns(int *count)
{
    *count = TOLL_DECK_COLUMNS;
    return columns;
}

static bool read_band(struct toll_deck_reader *reader)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, TOLL_COLUMN_BAND);

    reader->row.band = 0;
    if (cell->bytes == 0)
        return true;
    if (cell->bytes < sizeof(reader->band) && strcmp(cell->text, reader->band) == 0) {
        reader->row.band = reader->band_id;
        return true;
    }
    if (reader->deck->calendar == 0) {
        toll_cell_finding(reader->table, cell, TOLL_ERROR,
                          "\"%.60s\": the deck has no calendar in decks.csv, so no band is ever in force",
                          cell->text);
        return false;
    }
    reader->row.band = (int32_t)toll_table_names_find(&reader->build->bands, cell->text, cell->bytes);
    if (reader->row.band > 0 &&
        toll_calendar_has_band(reader->build, reader->deck->calendar, reader->row.band)) {
        if (cell->bytes < sizeof(reader->band)) {
            memcpy(reader->band, cell->text, cell->bytes + 1);
            reader->band_id = reader->row.band;
        }
        return true;
    }
    toll_unknown_finding(reader->build, reader->table, cell, "band", cell->text, cell->bytes,
                         "the deck's calendar (calendars.csv, holidays.csv)", &reader->build->bands);
    return false;
}

static toll_ms to_utc(struct toll_deck_reader *reader, toll_ms local)
{
    if (local != reader->last_local) {
        reader->last_local = local;
        reader->last_utc = toll_local_to_utc(reader->deck->zone, local);
    }
    return reader->last_utc;
}

static bool read_period(struct toll_deck_reader *reader)
{
    if (!toll_cell_period(reader->table, TOLL_COLUMN_FROM, TOLL_COLUMN_TO, true, &reader->row.from,
                          &reader->row.until))
        return false;
    if (reader->row.from != TOLL_MS_MIN)
        reader->row.from = to_utc(reader, reader->row.from);
    if (reader->row.until != TOLL_MS_MAX)
        reader->row.until = to_utc(reader, reader->row.until);
    return true;
}

/* The row's price rows, one or one for each rate column, with consecutive ids; *first is the first. */
static int add_prices(struct toll_deck_reader *reader, int32_t *first)
{
    struct toll_build *build = reader->build;
    const bool step = reader->row.step > 0;
    int code = 0;

    for (unsigned c = 0; c < reader->price_count && code == 0; c++) {
        struct toll_price_origin origin = reader->origin;
        int32_t price = 0;
        origin.column = reader->source[c];
        if (step) {
            struct toll_terms *terms = TOLL_BUFFER_ADD(&reader->rows->steps, struct toll_terms);
            if (terms == NULL)
                return toll_build_memory(build);
            *terms = reader->terms[c];
            code = toll_price_reserve(build, &origin, (uint32_t)reader->rows->steps.count - 1, &price);
        } else {
            code = toll_price_reserve(build, &origin, 0, &price);
            if (code == 0)
                code = toll_price_settle_later(build, &reader->pending, &reader->terms[c], price);
        }
        if (c == 0)
            *first = price;
    }
    return code;
}

int toll_deck_key_add(struct toll_deck_reader *reader, uint64_t key)
{
    struct toll_deck_row *row;
    const int code = add_prices(reader, &reader->row.price);
    if (code != 0)
        return code;
    row = TOLL_BUFFER_ADD(&reader->rows->rows, struct toll_deck_row);
    if (row == NULL)
        return toll_build_memory(reader->build);
    *row = reader->row;
    row->key = key;
    reader->build->deck_price_rows++;
    return 0;
}

/* The same with a text that no other key has. */
static int add_new_key(struct toll_deck_reader *reader, uint64_t key, const char *text, size_t bytes)
{
    return toll_build_new_text(reader->build, text, bytes, &reader->origin.key)
               ? toll_deck_key_add(reader, key)
               : toll_build_memory(reader->build);
}

/* Counts keys against the limit, rates by jurisdiction each; false after the finding, which comes once. */
static bool room_for(struct toll_deck_reader *reader, const struct toll_cell *cell, uint64_t count)
{
    struct toll_build *build = reader->build;
    const bool open = build->deck_keys <= TOLL_DECK_KEYS_MAX;

    count = count > TOLL_DECK_KEYS_MAX ? count : count * reader->price_count;
    if (open && count <= TOLL_DECK_KEYS_MAX - build->deck_keys) {
        build->deck_keys += count;
        return true;
    }
    if (open)
        toll_cell_finding(
            reader->table, cell, TOLL_ERROR,
            "\"%.40s\": the book's decks have more than %u keys, ranges written out%s; use shorter "
            "prefixes instead of wide ranges",
            cell->text, TOLL_DECK_KEYS_MAX,
            reader->price_count > 1 ? " and each rate by jurisdiction counted" : "");
    build->deck_keys = UINT64_C(1) + TOLL_DECK_KEYS_MAX;
    return false;
}

/* The keys of a cell's ranges one after another. */
struct walk {
    const struct toll_buffer *ranges;
    size_t range;
    uint64_t left, key;
};

static bool next_key(struct walk *walk, uint64_t *key)
{
    if (walk->left == 0) {
        if (walk->range == walk->ranges->count)
            return false;
        const struct toll_prefix_range *range =
            TOLL_BUFFER_AT(walk->ranges, struct toll_prefix_range, walk->range++);
        walk->left = range->count;
        walk->key = range->first;
    }
    *key = walk->key;
    walk->left--;
    if (walk->key != TOLL_PREFIX_EVERYTHING)
        walk->key = toll_digits_next(walk->key);
    return true;
}

static size_t key_text(uint64_t key, char text[TOLL_DIGITS_TEXT_BYTES])
{
    return key == TOLL_PREFIX_EVERYTHING ? 0 : toll_digits_text(key, text);
}

/* How many keys a cell has; TOLL_DECK_KEYS_MAX + 1 if more than that. */
static uint64_t key_count(const struct toll_buffer *ranges)
{
    uint64_t count = 0;

    for (size_t i = 0; i < ranges->count && count <= TOLL_DECK_KEYS_MAX; i++) {
        const uint64_t here = TOLL_BUFFER_AT(ranges, struct toll_prefix_range, i)->count;
        count = here > TOLL_DECK_KEYS_MAX ? here : count + here;
    }
    return count <= TOLL_DECK_KEYS_MAX ? count : TOLL_DECK_KEYS_MAX + UINT64_C(1);
}

static int add_prefixes(struct toll_deck_reader *reader, const struct toll_cell *cell)
{
    struct walk walk = {.ranges = &reader->ranges};
    uint64_t key;
    int code = 0;

    if (!room_for(reader, cell, key_count(&reader->ranges)))
        return 0;
    while (code == 0 && next_key(&walk, &key)) {
        reader->origin.key = 0;
        if (key != TOLL_PREFIX_EVERYTHING && !toll_build_key_text(reader->build, key, &reader->origin.key))
            code = toll_build_memory(reader->build);
        else
            code = toll_deck_key_add(reader, key);
    }
    return code;
}

/* Every combination of a callee's and a caller's prefix. */
static int add_pairs(struct toll_deck_reader *reader, const struct toll_cell *cell)
{
    struct walk callees = {.ranges = &reader->ranges};
    char text[2 * TOLL_DIGITS_TEXT_BYTES + 1], end[TOLL_DIGITS_TEXT_BYTES];
    uint64_t callee, caller;
    int code = 0;

    if (!room_for(reader, cell, key_count(&reader->ranges) * key_count(&reader->caller_ranges)))
        return 0;
    while (code == 0 && next_key(&callees, &callee)) {
        struct walk callers = {.ranges = &reader->caller_ranges};
        const uint32_t to = toll_strings_add(&reader->rows->callees, (const char *)&callee, sizeof(callee));
        const size_t end_bytes = key_text(callee, end);
        while (code == 0 && to != 0 && next_key(&callers, &caller)) {
            const uint32_t from =
                toll_strings_add(&reader->rows->callers, (const char *)&caller, sizeof(caller));
            size_t bytes = key_text(caller, text);
            text[bytes++] = '>';
            memcpy(text + bytes, end, end_bytes);
            code = from == 0 ? toll_build_memory(reader->build)
                             : add_new_key(reader, (uint64_t)to << 32 | from, text, bytes + end_bytes);
        }
        if (to == 0)
            code = toll_build_memory(reader->build);
    }
    return code;
}

/* A call-type key, or a list of such. */
static int add_calltypes(struct toll_deck_reader *reader, const struct toll_cell *cell)
{
    const char *text = cell->text, *const end = cell->text + cell->bytes;
    int code = 0;

    if (cell->bytes == 0)
        return room_for(reader, cell, 1) ? add_new_key(reader, TOLL_PREFIX_EVERYTHING, "", 0) : 0;
    while (code == 0 && text != NULL) {
        const char *semicolon = memchr(text, ';', (size_t)(end - text));
        const char *stop = semicolon != NULL ? semicolon : end;
        uint32_t id;
        while (text < stop && *text == ' ')
            text++;
        while (stop > text && stop[-1] == ' ')
            stop--;
        if (stop == text) {
            toll_cell_finding(reader->table, cell, TOLL_ERROR, "\"%.60s\" has an empty place in its list",
                              cell->text);
            return 0;
        }
        if (!room_for(reader, cell, 1))
            return 0;
        id = toll_strings_add(&reader->rows->calltypes, text, (size_t)(stop - text));
        if (id == 0)
            return toll_build_memory(reader->build);
        code = add_new_key(reader, id, text, (size_t)(stop - text));
        text = semicolon != NULL ? semicolon + 1 : NULL;
    }
    return code;
}

int toll_deck_row_read(struct toll_deck_reader *reader)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, reader->key_column);
    const struct toll_cell *destination = toll_table_cell(reader->table, TOLL_COLUMN_DESTINATION);
    bool good = toll_deck_terms_read(reader);
    int result = 1;

    reader->row.line = (uint32_t)cell->line;
    reader->row.column = (uint32_t)cell->column;
    good = read_band(reader) && good;
    good = read_period(reader) && good;
    if (reader->deck->key != TOLL_KEY_CALLTYPE)
        result = toll_prefix_cell(reader->table, cell, &reader->ranges);
    good = result == 1 && good;
    if (result >= 0 && reader->deck->key == TOLL_KEY_NPANXX_PAIR)
        result = toll_prefix_cell(reader->table, toll_table_cell(reader->table, TOLL_COLUMN_CALLER_PREFIX),
                                  &reader->caller_ranges);
    good = result == 1 && good;
    if (result < 0)
        return toll_build_memory(reader->build);
    if (!good)
        return 0;
    if (!toll_build_recent_text(reader->build, destination->text, destination->bytes,
                                &reader->origin.destination))
        return toll_build_memory(reader->build);
    reader->origin.band = reader->row.band;
    reader->origin.line = reader->row.line;
    reader->origin.step = reader->row.step;
    switch (reader->deck->key) {
    case TOLL_KEY_CALLTYPE:
        return add_calltypes(reader, cell);
    case TOLL_KEY_NPANXX_PAIR:
        return add_pairs(reader, cell);
    default:
        return add_prefixes(reader, cell);
    }
}

/* Room for one key a row, as most sheets have it, and the decks that follow may be as large: what is not used
 * costs nothing. */
static void make_room(struct toll_deck_reader *reader)
{
    struct toll_buffer *sections = reader->build->sections;
    const size_t rows = toll_table_rows_left(reader->table);
    const size_t decks = reader->build->deck_builds.count + 1 - (size_t)reader->origin.deck;
    const size_t prices = rows * reader->price_count * decks;

    toll_buffer_wish(&reader->rows->rows, sizeof(struct toll_deck_row), rows);
    toll_buffer_wish(&sections[TOLL_SECTION_ORIGINS], sizeof(struct toll_origin), rows * reader->price_count);
    toll_buffer_wish(&sections[TOLL_SECTION_PRICE_TERMS], sizeof(uint32_t), prices);
    toll_prices_wish(reader->build, rows);
    if (reader->deck->key != TOLL_KEY_CALLTYPE && reader->deck->key != TOLL_KEY_NPANXX_PAIR)
        toll_build_key_texts_wish(reader->build, rows < TOLL_BUFFER_WISH_MAX ? rows : TOLL_BUFFER_WISH_MAX);
}

/* The columns that name keys: prefix or key, and caller_prefix for pairs only; false after a finding. */
static bool find_key_columns(struct toll_deck_reader *reader)
{
    const bool prefix = toll_table_has(reader->table, TOLL_COLUMN_PREFIX);
    const bool key = toll_table_has(reader->table, TOLL_COLUMN_KEY);
    const bool caller = toll_table_has(reader->table, TOLL_COLUMN_CALLER_PREFIX);
    const bool pair = reader->deck->key == TOLL_KEY_NPANXX_PAIR;
    const char *problem = NULL;

    reader->key_column = prefix ? TOLL_COLUMN_PREFIX : TOLL_COLUMN_KEY;
    /* A mapped sheet may have a column "key" of its own. */
    if (prefix && key && reader->deck->columns[0] == 0)
        problem = "the table has both a column \"prefix\" and a column \"key\"; keep one of them";
    else if (!prefix && !key)
        problem = "the column \"prefix\" (or \"key\") is missing in the header";
    else if (pair && !caller)
        problem = "the column \"caller_prefix\" is missing in the header; the deck's key is npanxx_pair";
    else if (!pair && caller)
        problem = "the column \"caller_prefix\" is for decks with key npanxx_pair; set that in decks.csv, or "
                  "take the column out";
    if (problem != NULL)
        toll_finding(reader->build->findings, TOLL_ERROR, reader->version->source->path, 1, 0, "%s", problem);
    return problem == NULL;
}

bool toll_deck_has_jurisdictions(const struct toll_deck_build *deck, const struct toll_source *source)
{
    struct toll_findings silent;
    struct toll_table *table;
    bool found = false;

    toll_findings_init(&silent, NULL);
    if (toll_table_open(source->path, source->blob.data, source->blob.size, columns, TOLL_DECK_COLUMNS,
                        deck->columns, &silent, &table, NULL) != 0)
        return false;
    for (int column = TOLL_COLUMN_RATE_INTER; column <= TOLL_COLUMN_RATE_INDETERMINATE; column++)
        found = found || toll_table_has(table, column);
    toll_table_close(table);
    return found;
}

int toll_deck_rows_read(struct toll_build *build, int32_t deck_id, struct toll_deck_rows *rows,
                        uint32_t version)
{
    struct toll_table *table;
    struct toll_deck_reader reader = {
        .build = build,
        .deck = TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1),
        .rows = rows,
        .version = &rows->versions[version],
        .row = {.version = version},
        .origin = {.kind = TOLL_PRICE_DECK, .deck = deck_id, .file = rows->versions[version].source->text},
        .last_local = TOLL_MS_MIN,
        .last_utc = TOLL_MS_MIN};
    const struct toll_source *source = reader.version->source;
    int code = toll_table_open(source->path, source->blob.data, source->blob.size, columns, TOLL_DECK_COLUMNS,
                               reader.deck->columns, build->findings, &table, build->error);

    if (code != 0)
        return code == TOLL_EBOOK ? 0 : code;
    reader.price_count = reader.deck->by_jurisdiction ? TOLL_RATE_COLUMNS : 1;
    reader.table = table;
    if (find_key_columns(&reader)) {
        make_room(&reader);
        code = toll_deck_plain_read(&reader, table);
    }
    if (code == 0)
        code = toll_price_settle_pending(build, &reader.pending);
    if (reader.no_rate > TOLL_NO_RATE_SHOWN && build->doubts == NULL) {
        build->findings->name = "no_rate";
        toll_finding(build->findings, TOLL_WARNING, source->path, 0, 0, "and %zu more rows without a rate",
                     reader.no_rate - TOLL_NO_RATE_SHOWN);
        build->findings->name = NULL;
        build->findings->warnings += reader.no_rate - TOLL_NO_RATE_SHOWN - 1;
    }
    toll_table_close(table);
    toll_buffer_free(&reader.ranges);
    toll_buffer_free(&reader.caller_ranges);
    return code;
}
