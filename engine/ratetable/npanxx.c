/*
 * npanxx.csv and the built-in area codes: one trie over both, whose values are places. A sheet of the whole
 * plan has 200,000 rows but a few thousand different places, so a row's cells are looked up as one text.
 */
#include "base/digits.h"
#include "ratetable/doubts.h"
#include "ratetable/lpm.h"
#include "ratetable/nanp.h"
#include "ratetable/places.h"
#include "ratetable/prefix_cell.h"
#include "ratetable/sort.h"

enum { PREFIX, COUNTRY, STATE, COUNTY, CITY, RATECENTER, LATA, AREA, COLUMNS };
static const struct toll_table_column columns[COLUMNS] = {
    [PREFIX] = {"prefix", true},  [COUNTRY] = {"country", false}, [STATE] = {"state", false},
    [COUNTY] = {"county", false}, [CITY] = {"city", false},       [RATECENTER] = {"ratecenter", false},
    [LATA] = {"lata", false},     [AREA] = {"area", false}};

#define DIGITS_MIN 4 /* 1 and the NPA */
#define DIGITS_MAX 11
#define AREA_SHIFT 48 /* leaves DIGITS_MIN digits */
/* A prefix of at most 11 digits leaves the low 20 bits of its packed form to 1s: in their place its length,
 * put in front, orders prefixes as the trie wants them. */
#define KEY_SHIFT 20

struct prefix_row {
    uint64_t prefix;
    uint32_t place, line, column, spare; /* line 0: built in */
};

struct reader {
    struct toll_places *places;
    struct toll_build *build;
    const struct toll_table *table;
    struct toll_strings cells;    /* the rows' cells but the prefix, as one text */
    struct toll_buffer cells_ids; /* uint32_t by cells' id - 1: the place */
    struct toll_strings distinct; /* the places' bytes; [0] has no id there */
    struct toll_buffer rows;      /* struct prefix_row */
    struct toll_buffer ranges;
};

/* The id of a place, the same for equal ones. */
static bool place_id(struct reader *reader, const struct toll_place *place, uint32_t *id)
{
    struct toll_place *stored;

    *id = toll_strings_add(&reader->distinct, (const char *)place, sizeof(*place));
    if (*id < reader->build->sections[TOLL_SECTION_PLACES].count)
        return *id > 0;
    stored = TOLL_BUILD_ADD(reader->build, PLACES, struct toll_place);
    if (stored != NULL)
        *stored = *place;
    return stored != NULL;
}

/* The name of a ratecenter of the book's country, for local_areas.csv. */
static bool add_name(struct toll_places *places, const char *name, long line, uint32_t ratecenter)
{
    const char *const texts[] = {name};
    uint32_t id, first, *place;
    size_t bytes;
    const char *key = toll_places_key(places, texts, 1, &bytes);

    if (key == NULL || !toll_table_names_add(&places->names, key, bytes, line, &id, &first))
        return false;
    if (id == 0) {
        id = toll_table_names_find(&places->names, key, bytes);
        *TOLL_BUFFER_AT(&places->name_ids, uint32_t, id - 1) = 0;
        return true;
    }
    place = TOLL_BUFFER_ADD(&places->name_ids, uint32_t);
    if (place != NULL)
        *place = ratecenter;
    return place != NULL;
}

static bool ratecenter_id(struct reader *reader, const char *country, uint32_t *id)
{
    struct toll_places *places = reader->places;
    struct toll_buffer *names = &reader->build->sections[TOLL_SECTION_RATECENTER_NAMES];
    const struct toll_cell *name = toll_table_cell(reader->table, RATECENTER);
    const char *const texts[] = {country, toll_table_cell(reader->table, STATE)->text, name->text};
    uint32_t *text;
    size_t bytes;
    const char *key;

    *id = 0;
    if (name->bytes == 0)
        return true;
    key = toll_places_key(places, texts, 3, &bytes);
    if (key == NULL)
        return false;
    *id = toll_strings_add(&places->ratecenters, key, bytes);
    if (*id == 0 || *id < names->count)
        return *id > 0;
    text = TOLL_BUFFER_ADD(names, uint32_t);
    if (text == NULL || !toll_build_text(reader->build, key + bytes - name->bytes, name->bytes, text))
        return false;
    return strcmp(country, reader->build->country) != 0 || add_name(places, name->text, name->line, *id);
}

/* The country's two letters in capitals; false after a finding. */
static bool read_country(struct reader *reader, char country[3])
{
    const struct toll_cell *cell = toll_table_cell(reader->table, COUNTRY);

    memcpy(country, reader->build->country, 3);
    if (cell->bytes == 0)
        return true;
    for (size_t i = 0; i < 2; i++)
        country[i] = (char)(cell->text[i] & ~0x20);
    if (cell->bytes == 2 && country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z')
        return true;
    toll_cell_finding(reader->table, cell, TOLL_ERROR,
                      "\"%.20s\" is not the two letters of a country, like US", cell->text);
    return false;
}

/* The place that a row's cells tell. */
static int new_place(struct reader *reader, uint32_t *id)
{
    struct toll_build *build = reader->build;
    const struct toll_table *table = reader->table;
    const struct toll_cell *state = toll_table_cell(table, STATE);
    struct toll_place place = {0};
    int32_t known;
    char country[3];
    const struct {
        int column;
        uint32_t *offset;
    } texts[] = {{COUNTY, &place.county}, {CITY, &place.city}, {LATA, &place.lata}, {AREA, &place.area}};
    bool good;

    *id = 0;
    if (!read_country(reader, country))
        return 0;
    place.abroad = strcmp(country, build->country) != 0;
    if (build->tax.taxed)
        (void)toll_cell_reference(build, table, AREA, "area", "tax_areas.csv", &build->tax.areas, &known);
    good = toll_build_text(build, country, 2, &place.country) &&
           toll_build_state(build, country, state->text, state->bytes, &place.state) &&
           ratecenter_id(reader, country, &place.ratecenter);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && good; i++) {
        const struct toll_cell *cell = toll_table_cell(table, texts[i].column);
        good = toll_build_text(build, cell->text, cell->bytes, texts[i].offset);
    }
    return good && place_id(reader, &place, id) ? 0 : toll_build_memory(build);
}

static int row_place(struct reader *reader, uint32_t *id)
{
    struct toll_buffer *scratch = &reader->places->scratch;
    uint32_t known, *place;
    int code;

    scratch->count = 0;
    for (int column = COUNTRY; column < COLUMNS; column++) {
        const struct toll_cell *cell = toll_table_cell(reader->table, column);
        char *at = toll_buffer_add(scratch, 1, cell->bytes + 1);
        if (at == NULL)
            return toll_build_memory(reader->build);
        memcpy(at, cell->text, cell->bytes + 1);
    }
    known = toll_strings_add(&reader->cells, scratch->data, scratch->count);
    if (known == 0)
        return toll_build_memory(reader->build);
    if (known <= reader->cells_ids.count) {
        *id = *TOLL_BUFFER_AT(&reader->cells_ids, uint32_t, known - 1);
        return 0;
    }
    code = new_place(reader, id);
    place = TOLL_BUFFER_ADD(&reader->cells_ids, uint32_t);
    if (code == 0 && place == NULL)
        return toll_build_memory(reader->build);
    if (code == 0)
        *place = *id;
    return code;
}

/* Of 1 and 3 to 10 more digits, from the first to the last. */
static bool range_good(const struct toll_prefix_range *range)
{
    const unsigned digits = toll_digits_count(range->first);
    uint64_t two = 2;

    if (digits < DIGITS_MIN || digits > DIGITS_MAX || range->first >> 60 != 1)
        return false;
    for (unsigned i = 1; i < digits; i++)
        two *= 10;
    return range->count <= two - toll_number_value(range->first);
}

static bool add_prefix(struct reader *reader, uint64_t prefix, uint32_t place, const struct toll_cell *cell)
{
    struct prefix_row *row = TOLL_BUFFER_ADD(&reader->rows, struct prefix_row);

    if (row != NULL)
        *row = (struct prefix_row){.prefix = prefix,
                                   .place = place,
                                   .line = cell == NULL ? 0 : (uint32_t)cell->line,
                                   .column = cell == NULL ? 0 : (uint32_t)cell->column};
    return row != NULL;
}

/* What a row says of its numbers against what their area code says. */
static void check_area(struct reader *reader, const struct toll_cell *cell, const struct prefix_row *row)
{
    const struct toll_buffer *sections = reader->build->sections;
    const struct toll_place *places = sections[TOLL_SECTION_PLACES].data, *own = &places[row->place], *area;
    const char *strings = sections[TOLL_SECTION_STRINGS].data;
    const uint32_t *states = sections[TOLL_SECTION_STATE_NAMES].data;
    const struct prefix_row *areas = reader->rows.data;
    size_t low = 0, high = toll_nanp_area_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (areas[middle].prefix >> AREA_SHIFT < row->prefix >> AREA_SHIFT)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == toll_nanp_area_count || areas[low].prefix >> AREA_SHIFT != row->prefix >> AREA_SHIFT)
        return;
    area = &places[areas[low].place];
    if (own->country != area->country)
        toll_doubt(reader->build, "npa_state", toll_doubt_path(reader->build, "npanxx.csv"), cell->line,
                   cell->column, "the area code %s lies in the country %s, but this row says %s",
                   toll_nanp_areas[low].npa, strings + area->country, strings + own->country);
    else if (own->state != area->state && own->state != 0 && area->state != 0)
        toll_doubt(reader->build, "npa_state", toll_doubt_path(reader->build, "npanxx.csv"), cell->line,
                   cell->column, "the area code %s lies in %s, but this row says %s",
                   toll_nanp_areas[low].npa, strings + states[area->state], strings + states[own->state]);
}

static int read_row(struct reader *reader)
{
    const struct toll_cell *cell;
    uint32_t place = 0;
    int code = row_place(reader, &place), result;

    if (code != 0 || !toll_cell_name(reader->table, PREFIX, &cell))
        return code;
    result = toll_prefix_cell(reader->table, cell, &reader->ranges);
    if (result < 0)
        return toll_build_memory(reader->build);
    for (size_t i = 0; i < reader->ranges.count && result == 1; i++) {
        const struct toll_prefix_range range = *TOLL_BUFFER_AT(&reader->ranges, struct toll_prefix_range, i);
        uint64_t prefix = range.first;
        if (!range_good(&range)) {
            toll_cell_finding(reader->table, cell, TOLL_ERROR,
                              "\"%.40s\": a place's prefix is 1 and 3 to 10 more digits, like 1212555",
                              cell->text);
            return 0;
        }
        if (range.count > TOLL_PLACE_KEYS_MAX - reader->rows.count) {
            toll_cell_finding(reader->table, cell, TOLL_ERROR,
                              "\"%.40s\": with this row the table has more than %u prefixes, ranges written "
                              "out; use shorter ones",
                              cell->text, TOLL_PLACE_KEYS_MAX);
            return 0;
        }
        for (uint64_t k = 0; k < range.count; k++) {
            if (!add_prefix(reader, prefix, place, cell))
                return toll_build_memory(reader->build);
            prefix = toll_digits_next(prefix);
        }
        if (reader->build->doubts != NULL && place > 0)
            check_area(reader, cell,
                       TOLL_BUFFER_AT(&reader->rows, struct prefix_row, reader->rows.count - 1));
    }
    return 0;
}

/* The area codes come first, so that among equal prefixes a row of the table stands behind them. */
static bool add_areas(struct reader *reader)
{
    struct toll_build *build = reader->build;
    bool good = true;

    for (size_t i = 0; i < toll_nanp_area_count && good; i++) {
        const struct toll_nanp_area *area = &toll_nanp_areas[i];
        struct toll_place place = {.abroad = strcmp(area->country, build->country) != 0};
        const char prefix[] = {'1', area->npa[0], area->npa[1], area->npa[2]};
        uint64_t packed = 0;
        uint32_t id;
        good = toll_digits_pack(prefix, sizeof(prefix), &packed) &&
               toll_build_text(build, area->country, strlen(area->country), &place.country) &&
               toll_build_state(build, area->country, area->state, strlen(area->state), &place.state) &&
               place_id(reader, &place, &id) && add_prefix(reader, packed, id, NULL);
    }
    return good;
}

/* Reports prefixes that are there twice and puts the others into the trie, shortest first. */
static bool make_trie(struct reader *reader, const char *path, struct toll_sort_pair *pairs,
                      struct toll_lpm_builder *builder)
{
    const struct prefix_row *rows = reader->rows.data;
    const size_t count = reader->rows.count;

    for (size_t i = 0; i < count; i++)
        pairs[i].key =
            (uint64_t)toll_digits_count(rows[i].prefix) << (64 - KEY_SHIFT) | rows[i].prefix >> KEY_SHIFT,
        pairs[i].index = (uint32_t)i;
    if (!toll_sort_pairs(pairs, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct prefix_row *row = &rows[pairs[i].index];
        const struct prefix_row *next = i + 1 < count ? &rows[pairs[i + 1].index] : NULL;
        const struct prefix_row *before = i > 0 ? &rows[pairs[i - 1].index] : NULL;
        uint32_t shorter;
        if (before != NULL && before->prefix == row->prefix && before->line > 0) {
            char text[TOLL_DIGITS_TEXT_BYTES];
            toll_digits_text(row->prefix, text);
            toll_finding(reader->build->findings, TOLL_ERROR, path, row->line, row->column,
                         "prefix: the prefix \"%s\" is here for the second time; the first is in line %u",
                         text, before->line);
        } else if (row->line > 0 || next == NULL || next->prefix != row->prefix) {
            if (!toll_lpm_insert(builder, row->prefix, toll_digits_count(row->prefix), row->place, &shorter))
                return false;
        }
    }
    return true;
}

static int store(struct reader *reader, const char *path)
{
    struct toll_build *build = reader->build;
    struct toll_sort_pair *pairs = calloc(reader->rows.count + 1, sizeof(*pairs));
    struct toll_lpm_builder builder;
    struct toll_lpm *place = TOLL_BUILD_ADD(build, PLACE_LPM, struct toll_lpm);
    const bool good = toll_lpm_begin(&builder) && pairs != NULL && place != NULL &&
                      make_trie(reader, path, pairs, &builder) &&
                      toll_lpm_finish(&builder, &build->sections[TOLL_SECTION_LPM_WORDS], place);

    toll_lpm_end(&builder);
    free(pairs);
    return good ? 0 : toll_build_memory(build);
}

int toll_npanxx_read(struct toll_places *places)
{
    struct toll_build *build = places->build;
    struct reader reader = {.places = places, .build = build};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "npanxx.csv", columns, COLUMNS, &table);

    if (code == 0 && !add_areas(&reader))
        code = toll_build_memory(build);
    reader.table = table;
    while (code == 0 && table != NULL && toll_table_next(table) == 1)
        code = read_row(&reader);
    toll_table_close(table);
    if (code == 0)
        code = toll_build_source(build, "npanxx.csv", &source);
    if (code == 0)
        code = store(&reader, source != NULL ? source->path : "");
    toll_strings_free(&reader.cells);
    toll_buffer_free(&reader.cells_ids);
    toll_strings_free(&reader.distinct);
    toll_buffer_free(&reader.rows);
    toll_buffer_free(&reader.ranges);
    return code;
}
