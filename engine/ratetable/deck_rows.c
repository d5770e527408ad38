/* The rows of a deck's file: cells to terms and price rows, one for each key of a list or range. */
#include "base/digits.h"
#include "ratetable/decks.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/prices.h"

#include <inttypes.h>

#define WARNINGS_SHOWN 20 /* of one deck; the rest are counted */

enum {
    PREFIX,
    KEY,
    DESTINATION,
    RATE,
    PER_S,
    CONNECT_FEE,
    INITIAL_S,
    INCREMENT_S,
    MINIMUM_S,
    FREE_S,
    MINIMUM_CHARGE,
    MAXIMUM_CHARGE,
    BAND,
    FROM,
    TO,
    STATUS,
    RATE_INTER,
    RATE_INTRA,
    RATE_INDETERMINATE,
    STEP_FROM_S,
    COLUMNS
};
static const struct toll_table_column columns[COLUMNS] = {
    [PREFIX] = {"prefix", false},
    [KEY] = {"key", false},
    [DESTINATION] = {"destination", false},
    [RATE] = {"rate", true},
    [PER_S] = {"per_s", false},
    [CONNECT_FEE] = {"connect_fee", false},
    [INITIAL_S] = {"initial_s", false},
    [INCREMENT_S] = {"increment_s", false},
    [MINIMUM_S] = {"minimum_s", false},
    [FREE_S] = {"free_s", false},
    [MINIMUM_CHARGE] = {"minimum_charge", false},
    [MAXIMUM_CHARGE] = {"maximum_charge", false},
    [BAND] = {"band", false},
    [FROM] = {"from", false},
    [TO] = {"to", false},
    [STATUS] = {"status", false},
    [RATE_INTER] = {"rate_inter", false},
    [RATE_INTRA] = {"rate_intra", false},
    [RATE_INDETERMINATE] = {"rate_indeterminate", false},
    [STEP_FROM_S] = {"step_from_s", false},
};

/* One file on its way into a deck's rows. */
struct reader {
    struct toll_build *build;
    const struct toll_table *table;
    const struct toll_deck_build *deck;
    struct toll_deck_rows *rows;
    const struct toll_deck_version *version;
    struct toll_buffer ranges;    /* of the row's prefix cell */
    toll_ms last_local, last_utc; /* most rows of a vendor's sheet bear the same date */
    size_t no_rate;               /* warnings */
    struct toll_deck_row row;
    struct toll_terms terms;
    struct toll_price_origin origin;
    char destination[64]; /* the last row's, and its text */
    uint32_t destination_text;
    int key_column;
};

/* An amount that must not be negative. */
static bool cell_amount(const struct toll_table *table, int column, toll_money otherwise, toll_money *out)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (!toll_cell_money(table, column, otherwise, out))
        return false;
    if (*out >= 0)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is negative", cell->text);
    return false;
}

static bool cell_units(const struct toll_table *table, int column, int32_t low, int32_t otherwise,
                       int32_t *out)
{
    int64_t value;

    if (!toll_cell_int(table, column, low, INT32_MAX, otherwise, &value))
        return false;
    *out = (int32_t)value;
    return true;
}

static bool read_terms(struct reader *reader)
{
    static const char *const states[] = {"active", "current", "blocked"};
    const struct toll_table *table = reader->table;
    const struct toll_cell *rate = toll_table_cell(table, RATE);
    struct toll_terms *terms = &reader->terms;
    int state = 0;
    bool good = true;

    *terms = TOLL_TERMS_NEUTRAL;
    terms->action = TOLL_ACTION_DECK;
    terms->decimals = (uint8_t)reader->deck->decimals;
    terms->quantum = toll_quantum(reader->deck->decimals);
    terms->rounding = (uint8_t)reader->deck->rounding;
    terms->init_mode = (uint8_t)reader->deck->init_mode;
    terms->duration_rounding = (uint8_t)reader->deck->duration_rounding;
    terms->zero_s = (uint8_t)reader->deck->zero_s;
    good = cell_amount(table, RATE, 0, &terms->rate) && good;
    good = cell_units(table, PER_S, 1, 60, &terms->per) && good;
    good = cell_amount(table, CONNECT_FEE, 0, &terms->connect_fee) && good;
    good = cell_units(table, INCREMENT_S, 1, 1, &terms->increment) && good;
    good = cell_units(table, INITIAL_S, 0, 0, &terms->initial) && good;
    good = cell_units(table, MINIMUM_S, 0, 0, &terms->minimum_units) && good;
    good = cell_units(table, FREE_S, 0, 0, &terms->free_units) && good;
    good = cell_amount(table, MINIMUM_CHARGE, 0, &terms->minimum_charge) && good;
    good = cell_amount(table, MAXIMUM_CHARGE, INT64_MAX, &terms->maximum_charge) && good;
    good = toll_cell_choice(table, STATUS, states, 3, 0, &state) && good;
    for (int column = RATE_INTER; column <= STEP_FROM_S; column++)
        toll_cell_unsupported(table, column);
    /* An initial step of 0 and one as long as the increment bill the same for every duration above 0. */
    if (terms->initial == 0)
        terms->initial = terms->increment;
    if (good && terms->minimum_charge > terms->maximum_charge) {
        const struct toll_cell *cell = toll_table_cell(table, MINIMUM_CHARGE);
        toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\" is above the maximum_charge \"%.40s\"",
                          cell->text, toll_table_cell(table, MAXIMUM_CHARGE)->text);
        good = false;
    }
    if (rate->bytes == 0) {
        terms->state = TOLL_PRICE_NO_RATE;
        if (reader->no_rate++ < WARNINGS_SHOWN)
            toll_cell_finding(
                table, rate, TOLL_WARNING,
                "the rate is empty: calls to it go to suspense as no_rate; write 0 if it is free");
    }
    if (state == 2)
        terms->state = TOLL_PRICE_BLOCKED;
    return good;
}

static bool read_band(struct reader *reader)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, BAND);

    reader->row.band = 0;
    if (cell->bytes == 0)
        return true;
    if (reader->deck->calendar == 0) {
        toll_cell_finding(reader->table, cell, TOLL_ERROR,
                          "\"%.60s\": the deck has no calendar in decks.csv, so no band is ever in force",
                          cell->text);
        return false;
    }
    reader->row.band = (int32_t)toll_table_names_find(&reader->build->bands, cell->text, cell->bytes);
    if (reader->row.band > 0 &&
        toll_calendar_has_band(reader->build, reader->deck->calendar, reader->row.band))
        return true;
    toll_unknown_finding(reader->build, reader->table, cell, "band", cell->text, cell->bytes,
                         "the deck's calendar (calendars.csv, holidays.csv)", &reader->build->bands);
    return false;
}

static toll_ms to_utc(struct reader *reader, toll_ms local)
{
    if (local != reader->last_local) {
        reader->last_local = local;
        reader->last_utc = toll_local_to_utc(reader->deck->zone, local);
    }
    return reader->last_utc;
}

static bool read_period(struct reader *reader)
{
    if (!toll_cell_period(reader->table, FROM, TO, true, &reader->row.from, &reader->row.until))
        return false;
    if (reader->row.from != TOLL_MS_MIN)
        reader->row.from = to_utc(reader, reader->row.from);
    if (reader->row.until != TOLL_MS_MAX)
        reader->row.until = to_utc(reader, reader->row.until);
    return true;
}

/* One price row and one deck row for one key. */
static int add_key(struct reader *reader, uint64_t key, const char *text, size_t bytes)
{
    struct toll_deck_row *row;
    int code;

    if (!toll_build_new_text(reader->build, text, bytes, &reader->origin.key))
        return toll_build_memory(reader->build);
    code = toll_price_add(reader->build, &reader->terms, &reader->origin, &reader->row.price);
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

/* Counts keys against the limit; false after the finding, which comes once. */
static bool room_for(struct reader *reader, const struct toll_cell *cell, uint64_t count)
{
    struct toll_build *build = reader->build;
    const bool fits =
        build->deck_keys <= TOLL_DECK_KEYS_MAX && count <= TOLL_DECK_KEYS_MAX - build->deck_keys;

    if (fits) {
        build->deck_keys += count;
        return true;
    }
    if (build->deck_keys <= TOLL_DECK_KEYS_MAX)
        toll_cell_finding(
            reader->table, cell, TOLL_ERROR,
            "\"%.40s\": the book's decks have more than %u keys, ranges written out; use shorter "
            "prefixes instead of wide ranges",
            cell->text, TOLL_DECK_KEYS_MAX);
    build->deck_keys = UINT64_C(1) + TOLL_DECK_KEYS_MAX;
    return false;
}

static int add_prefixes(struct reader *reader, const struct toll_cell *cell)
{
    int code = 0;

    for (size_t i = 0; i < reader->ranges.count && code == 0; i++) {
        const struct toll_prefix_range range = *TOLL_BUFFER_AT(&reader->ranges, struct toll_prefix_range, i);
        uint64_t key = range.first;
        if (!room_for(reader, cell, range.count))
            return 0;
        if (key == TOLL_PREFIX_EVERYTHING) {
            code = add_key(reader, key, "", 0);
            continue;
        }
        for (uint64_t k = 0; k < range.count && code == 0; k++) {
            char text[TOLL_DIGITS_TEXT_BYTES];
            const size_t bytes = toll_digits_text(key, text);
            code = add_key(reader, key, text, bytes);
            key = toll_digits_next(key);
        }
    }
    return code;
}

/* A call-type key, or a list of such. */
static int add_calltypes(struct reader *reader, const struct toll_cell *cell)
{
    const char *text = cell->text, *const end = cell->text + cell->bytes;
    int code = 0;

    if (cell->bytes == 0)
        return room_for(reader, cell, 1) ? add_key(reader, TOLL_PREFIX_EVERYTHING, "", 0) : 0;
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
        code = add_key(reader, id, text, (size_t)(stop - text));
        text = semicolon != NULL ? semicolon + 1 : NULL;
    }
    return code;
}

/* Rows of one destination stand together: mostly it is the last row's. */
static bool destination_text(struct reader *reader, uint32_t *text)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, DESTINATION);

    if (cell->bytes >= sizeof(reader->destination))
        return toll_build_text(reader->build, cell->text, cell->bytes, text);
    if (strcmp(reader->destination, cell->text) != 0) {
        memcpy(reader->destination, cell->text, cell->bytes + 1);
        if (!toll_build_text(reader->build, cell->text, cell->bytes, &reader->destination_text))
            return false;
    }
    *text = reader->destination_text;
    return true;
}

static int read_row(struct reader *reader)
{
    const struct toll_cell *cell = toll_table_cell(reader->table, reader->key_column);
    bool good = read_terms(reader);

    reader->row.line = (uint32_t)cell->line;
    reader->row.column = (uint32_t)cell->column;
    good = read_band(reader) && good;
    good = read_period(reader) && good;
    if (reader->deck->key == TOLL_KEY_CALLEE) {
        const int result = toll_prefix_cell(reader->table, cell, &reader->ranges);
        if (result < 0)
            return toll_build_memory(reader->build);
        good = result == 1 && good;
    }
    if (!good)
        return 0;
    if (!destination_text(reader, &reader->origin.destination))
        return toll_build_memory(reader->build);
    reader->origin.band = reader->row.band;
    reader->origin.line = reader->row.line;
    return reader->deck->key == TOLL_KEY_CALLEE ? add_prefixes(reader, cell) : add_calltypes(reader, cell);
}

/* Which of the columns prefix and key it is; false after a finding. */
static bool find_key_column(struct reader *reader)
{
    const bool prefix = toll_table_has(reader->table, PREFIX), key = toll_table_has(reader->table, KEY);

    reader->key_column = prefix ? PREFIX : KEY;
    /* A mapped sheet may have a column "key" of its own. */
    if ((prefix || key) && (!prefix || !key || reader->deck->columns[0] != 0))
        return true;
    toll_finding(reader->build->findings, TOLL_ERROR, reader->version->source->path, 1, 0,
                 prefix ? "the table has both a column \"prefix\" and a column \"key\"; keep one of them"
                        : "the column \"prefix\" (or \"key\") is missing in the header");
    return false;
}

int toll_deck_rows_read(struct toll_build *build, int32_t deck_id, struct toll_deck_rows *rows,
                        uint32_t version)
{
    struct toll_table *table;
    struct reader reader = {
        .build = build,
        .deck = TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1),
        .rows = rows,
        .version = &rows->versions[version],
        .row = {.version = version},
        .origin = {.kind = TOLL_PRICE_DECK, .deck = deck_id, .file = rows->versions[version].source->text},
        .last_local = TOLL_MS_MIN,
        .last_utc = TOLL_MS_MIN};
    const struct toll_source *source = reader.version->source;
    int code = toll_table_open(source->path, source->blob.data, source->blob.size, columns, COLUMNS,
                               reader.deck->columns, build->findings, &table, build->error);

    if (code != 0)
        return code == TOLL_EBOOK ? 0 : code;
    reader.table = table;
    if (find_key_column(&reader)) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(&reader);
    }
    if (reader.no_rate > WARNINGS_SHOWN) {
        toll_finding(build->findings, TOLL_WARNING, source->path, 0, 0, "and %zu more rows without a rate",
                     reader.no_rate - WARNINGS_SHOWN);
        build->findings->warnings += reader.no_rate - WARNINGS_SHOWN - 1;
    }
    toll_table_close(table);
    toll_buffer_free(&reader.ranges);
    return code;
}
