/* decks.csv and deck_versions.csv: how a deck is read and counted, and which file is in force when. A deck
 * that only a rule or a version names is implied, with all defaults. */
#include "ratetable/doubts.h"

#include "ratetable/prices.h"

#include <stdio.h>
#include <stdlib.h>

const char *toll_file_name_problem(const char *text, size_t bytes)
{
    if (bytes == 0)
        return "is empty";
    if (text[0] == '.')
        return "begins with a point; a file of a deck must not";
    if (bytes > 200)
        return "is too long for a file's name";
    if (strstr(text, "..") != NULL)
        return "holds \"..\"; a file of a deck must not leave the folder decks";
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '/' || text[i] == '\\')
            return "holds a slash; a file of a deck lies in the folder decks itself";
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return "holds a control character";
    }
    return NULL;
}

/* -- decks.csv -- */

enum {
    DECK,
    CURRENCY,
    KEY,
    DECIMALS,
    ROUNDING,
    INIT_MODE,
    BOUNDARY,
    DURATION_ROUNDING,
    ZERO_S,
    TIMEZONE,
    CALENDAR,
    COLUMNS,
    NUMBER_BASIS,
    JURISDICTION_BASIS,
    INDETERMINATE,
    DECK_COLUMNS
};
static const struct toll_table_column deck_columns[DECK_COLUMNS] = {
    [DECK] = {"deck", true},
    [CURRENCY] = {"currency", false},
    [KEY] = {"key", false},
    [DECIMALS] = {"decimals", false},
    [ROUNDING] = {"rounding", false},
    [INIT_MODE] = {"init_mode", false},
    [BOUNDARY] = {"boundary", false},
    [DURATION_ROUNDING] = {"duration_rounding", false},
    [ZERO_S] = {"zero_s", false},
    [TIMEZONE] = {"timezone", false},
    [CALENDAR] = {"calendar", false},
    [COLUMNS] = {"columns", false},
    [NUMBER_BASIS] = {"number_basis", false},
    [JURISDICTION_BASIS] = {"jurisdiction_basis", false},
    [INDETERMINATE] = {"indeterminate", false},
};

/* A deck with all defaults. */
static int deck_add(struct toll_build *build, const char *text, size_t bytes, long line, uint32_t *id,
                    uint32_t *first)
{
    struct toll_deck_build *deck;

    if (!toll_table_names_add(&build->decks, text, bytes, line, id, first))
        return toll_build_memory(build);
    if (*id == 0)
        return 0;
    deck = TOLL_BUFFER_ADD(&build->deck_builds, struct toll_deck_build);
    if (deck == NULL || !toll_build_text(build, text, bytes, &deck->text))
        return toll_build_memory(build);
    deck->name = toll_arena_copy(&build->arena, text, bytes);
    if (deck->name == NULL)
        return toll_build_memory(build);
    deck->currency = build->currency;
    deck->columns = "";
    deck->zone = TOLL_BUFFER_AT(&build->zones, struct toll_build_zone, 0)->zone;
    deck->key = TOLL_KEY_CALLEE;
    deck->decimals = build->decimals;
    deck->rounding = build->rounding;
    deck->basis = TOLL_BUFFER_AT(&build->sections[TOLL_SECTION_META], struct toll_book_meta, 0)->basis;
    return 0;
}

/* One of `count` names; what it was stays for an empty or a bad cell. */
static void choice(const struct toll_table *table, int column, const char *const *names, int count, int *out)
{
    int value;

    if (toll_cell_choice(table, column, names, count, *out, &value))
        *out = value;
}

static int read_deck(struct toll_build *build, const struct toll_table *table, const char *path)
{
    static const char *const keys[] = {"callee", "calltype", "caller", "npanxx_pair"};
    static const char *const roundings[] = {"half_up", "half_even", "up", "down"};
    static const char *const init_modes[] = {"append", "round_total"};
    static const char *const boundaries[] = {"start", "split"};
    static const char *const duration_roundings[] = {"up", "down", "half_up", "ms"};
    static const char *const zeros[] = {"free", "connect", "minimum"};
    static const char *const number_bases[] = {"dialled", "lrn"};
    static const char *const bases[] = {"ani", "ani_lrn", "site", "carrier"};
    static const char *const policies[] = {"own", "intra", "inter", "higher"};
    const struct toll_cell *cell, *currency = toll_table_cell(table, CURRENCY);
    const struct toll_cell *zone = toll_table_cell(table, TIMEZONE),
                           *columns = toll_table_cell(table, COLUMNS);
    struct toll_deck_build *deck;
    uint32_t id, first;
    int64_t decimals;
    int code;

    if (!toll_cell_name(table, DECK, &cell))
        return 0;
    code = deck_add(build, cell->text, cell->bytes, cell->line, &id, &first);
    if (code != 0)
        return code;
    if (id == 0) {
        toll_duplicate_finding(table, cell, "deck", first);
        return 0;
    }
    deck = TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, id - 1);
    deck->line = (uint32_t)cell->line;
    deck->column = (uint32_t)cell->column;
    choice(table, KEY, keys, 4, &deck->key);
    choice(table, ROUNDING, roundings, 4, &deck->rounding);
    choice(table, INIT_MODE, init_modes, 2, &deck->init_mode);
    choice(table, BOUNDARY, boundaries, 2, &deck->split);
    choice(table, DURATION_ROUNDING, duration_roundings, 4, &deck->duration_rounding);
    choice(table, ZERO_S, zeros, 3, &deck->zero_s);
    choice(table, NUMBER_BASIS, number_bases, 2, &deck->lrn);
    choice(table, JURISDICTION_BASIS, bases, 4, &deck->basis);
    choice(table, INDETERMINATE, policies, 4, &deck->indeterminate);
    if (toll_cell_int(table, DECIMALS, 0, 8, deck->decimals, &decimals))
        deck->decimals = (int)decimals;
    toll_cell_reference(build, table, CALENDAR, "calendar", "calendars.csv", &build->calendars,
                        &deck->calendar);
    if (currency->bytes > 0 && !toll_currency_valid(currency->text, currency->bytes))
        toll_cell_finding(table, currency, TOLL_ERROR, "\"%.20s\" is not three capital letters",
                          currency->text);
    else if (currency->bytes > 0)
        deck->currency = toll_arena_copy(&build->arena, currency->text, currency->bytes);
    if (columns->bytes > 0)
        deck->columns = toll_arena_copy(&build->arena, columns->text, columns->bytes);
    if (deck->currency == NULL || deck->columns == NULL)
        return toll_build_memory(build);
    if (zone->bytes > 0) {
        const struct toll_zone *own =
            toll_build_zone(build, zone->text, path, zone->line, zone->column, &deck->zone_index, &code);
        deck->zone = own != NULL ? own : deck->zone;
    }
    return code;
}

/* -- deck_versions.csv -- */

enum { VERSION_DECK, FILE_NAME, EFFECTIVE, MODE, VERSION_COLUMNS };
static const struct toll_table_column version_columns[VERSION_COLUMNS] = {[VERSION_DECK] = {"deck", true},
                                                                          [FILE_NAME] = {"file", true},
                                                                          [EFFECTIVE] = {"effective", false},
                                                                          [MODE] = {"mode", false}};

static const char *deck_file(struct toll_build *build, const char *name)
{
    const size_t room = strlen(name) + sizeof("decks/.csv");
    char *file = toll_arena_alloc(&build->arena, room);

    if (file != NULL)
        snprintf(file, room, "decks/%s.csv", name);
    return file;
}

static int read_version(struct toll_build *build, const struct toll_table *table)
{
    static const char *const modes[] = {"full", "amend"};
    const struct toll_cell *deck_cell, *file_cell;
    struct toll_deck_version version = {.asked_in = "deck_versions.csv"}, *place;
    const char *problem;
    toll_ms effective;
    uint32_t id, first;
    int mode = 0, code;
    bool good = toll_cell_name(table, VERSION_DECK, &deck_cell);

    good = toll_cell_name(table, FILE_NAME, &file_cell) && good;
    good = toll_cell_local_time(table, EFFECTIVE, TOLL_MS_MIN, &effective) && good;
    good = toll_cell_choice(table, MODE, modes, 2, 0, &mode) && good;
    if (!good)
        return 0;
    problem = toll_file_name_problem(file_cell->text, file_cell->bytes);
    if (problem != NULL) {
        toll_cell_finding(table, file_cell, TOLL_ERROR, "\"%.60s\" %s", file_cell->text, problem);
        return 0;
    }
    code = deck_add(build, deck_cell->text, deck_cell->bytes, 0, &id, &first);
    if (code != 0)
        return code;
    if (id == 0)
        id = toll_table_names_find(&build->decks, deck_cell->text, deck_cell->bytes);
    version.deck = (int32_t)id;
    version.amend = mode == 1;
    version.effective = toll_local_to_utc(
        TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, id - 1)->zone, effective);
    version.file = deck_file(build, file_cell->text);
    version.line = (uint32_t)file_cell->line;
    version.column = (uint32_t)file_cell->column;
    for (size_t i = 0; i < build->deck_versions.count; i++) {
        const struct toll_deck_version *other =
            TOLL_BUFFER_AT(&build->deck_versions, struct toll_deck_version, i);
        if (other->deck == version.deck && other->effective == version.effective && !version.amend) {
            const struct toll_cell *cell = toll_table_cell(table, EFFECTIVE);
            toll_cell_finding(
                table, cell, TOLL_ERROR,
                "\"%.40s\": line %u begins at the same time; a full version would end it at once", cell->text,
                other->line);
            return 0;
        }
    }
    place = TOLL_BUFFER_ADD(&build->deck_versions, struct toll_deck_version);
    if (version.file == NULL || place == NULL)
        return toll_build_memory(build);
    *place = version;
    return 0;
}

int toll_build_decks(struct toll_build *build)
{
    struct toll_table *table;
    struct toll_source *source;
    int code = toll_build_table(build, "decks.csv", deck_columns, DECK_COLUMNS, &table);

    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "decks.csv", &source);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_deck(build, table, source->path);
        toll_table_close(table);
    }
    if (code == 0)
        code = toll_build_table(build, "deck_versions.csv", version_columns, VERSION_COLUMNS, &table);
    if (code == 0 && table != NULL) {
        while (code == 0 && toll_table_next(table) == 1)
            code = read_version(build, table);
        toll_table_close(table);
    }
    return code;
}

int toll_deck_find(struct toll_build *build, const char *text, size_t bytes, int32_t *id)
{
    struct toll_source *source;
    const char *file;
    uint32_t added, first;
    int code;

    *id = (int32_t)toll_table_names_find(&build->decks, text, bytes);
    if (*id > 0 || toll_file_name_problem(text, bytes) != NULL)
        return 0;
    file = deck_file(build, text);
    if (file == NULL)
        return toll_build_memory(build);
    code = toll_build_source(build, file, &source);
    if (code == 0 && source != NULL) {
        code = deck_add(build, text, bytes, 0, &added, &first);
        *id = (int32_t)added;
    }
    return code;
}

/* -- prices -- */

static int compare_versions(const void *left, const void *right)
{
    const struct toll_deck_version *a = left, *b = right;

    if (a->effective != b->effective)
        return a->effective < b->effective ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

/* The deck's versions in order of time, each with its file and the end that the next full one sets. */
static int versions_of(struct toll_build *build, int32_t deck_id, struct toll_buffer *versions)
{
    const struct toll_deck_build *deck =
        TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1);
    struct toll_deck_version *version;
    toll_ms full_until = TOLL_MS_MAX;

    versions->count = 0;
    for (size_t i = 0; i < build->deck_versions.count; i++) {
        const struct toll_deck_version *row =
            TOLL_BUFFER_AT(&build->deck_versions, struct toll_deck_version, i);
        if (row->deck != deck_id)
            continue;
        version = TOLL_BUFFER_ADD(versions, struct toll_deck_version);
        if (version == NULL)
            return toll_build_memory(build);
        *version = *row;
    }
    if (versions->count == 0) {
        const char *problem = toll_file_name_problem(deck->name, strlen(deck->name));
        if (problem != NULL) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/decks.csv", build->folder);
            toll_finding(build->findings, TOLL_ERROR, path, deck->line, deck->column, "deck: \"%.60s\" %s",
                         deck->name, problem);
            return 0;
        }
        version = TOLL_BUFFER_ADD(versions, struct toll_deck_version);
        if (version == NULL)
            return toll_build_memory(build);
        *version = (struct toll_deck_version){.deck = deck_id,
                                              .effective = TOLL_MS_MIN,
                                              .file = deck_file(build, deck->name),
                                              .line = deck->line,
                                              .column = deck->column,
                                              .asked_in = "decks.csv"};
        if (version->file == NULL)
            return toll_build_memory(build);
    }
    qsort(versions->data, versions->count, sizeof(struct toll_deck_version), compare_versions);
    for (size_t i = versions->count; i-- > 0;) {
        version = TOLL_BUFFER_AT(versions, struct toll_deck_version, i);
        version->full_until = full_until;
        if (!version->amend)
            full_until = version->effective;
    }
    return 0;
}

/* The sources of the versions (NULL after a finding), and whether any of them has rates by jurisdiction. */
static int find_files(struct toll_build *build, struct toll_deck_build *deck, struct toll_buffer *versions)
{
    int code = 0;

    for (uint32_t i = 0; i < versions->count && code == 0; i++) {
        struct toll_deck_version *version = TOLL_BUFFER_AT(versions, struct toll_deck_version, i);
        code = toll_build_source(build, version->file, &version->source);
        if (code == 0 && version->source == NULL) {
            char path[4096];
            snprintf(path, sizeof(path), "%s/%s", build->folder, version->asked_in);
            toll_finding(build->findings, TOLL_ERROR, path, version->line, version->column,
                         "the file %s does not exist", version->file);
        } else if (code == 0 && toll_deck_has_jurisdictions(deck, version->source)) {
            deck->by_jurisdiction = true;
        }
    }
    return code;
}

static int read_files(struct toll_build *build, int32_t deck_id, struct toll_buffer *versions,
                      struct toll_deck_rows *rows)
{
    int code =
        find_files(build, TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, deck_id - 1), versions);

    rows->versions = versions->data;
    rows->version_count = versions->count;
    for (uint32_t i = 0; i < versions->count && code == 0; i++) {
        if (rows->versions[i].source != NULL)
            code = toll_deck_rows_read(build, deck_id, rows, i);
    }
    return code;
}

/* Ready for the next deck: what has grown stays. */
static void rows_clear(struct toll_deck_rows *rows)
{
    rows->rows.count = rows->steps.count = rows->in_force.count = 0;
    toll_strings_free(&rows->calltypes);
    toll_strings_free(&rows->callees);
    toll_strings_free(&rows->callers);
}

static void rows_free(struct toll_deck_rows *rows)
{
    rows_clear(rows);
    toll_buffer_free(&rows->rows);
    toll_buffer_free(&rows->steps);
    toll_buffer_free(&rows->in_force);
}

int toll_build_deck_prices(struct toll_build *build)
{
    struct toll_source *decks_source;
    struct toll_buffer versions = {0};
    struct toll_deck_rows rows = {.keep_in_force = build->doubts != NULL};
    int code = toll_build_source(build, "decks.csv", &decks_source);

    if (code == 0 && (TOLL_BUILD_ADD(build, DECKS, struct toll_deck) == NULL ||
                      TOLL_BUILD_ADD(build, DECK_ZONES, uint32_t) == NULL ||
                      TOLL_BUILD_ADD(build, ZONE_SHORTER, uint32_t) == NULL ||
                      TOLL_BUILD_ADD(build, ENTRIES, struct toll_entry) == NULL))
        code = toll_build_memory(build);
    if (code == 0) {
        struct toll_deck *rules = build->sections[TOLL_SECTION_DECKS].data;
        rules->price_count = (uint32_t)build->sections[TOLL_SECTION_PRICE_TERMS].count;
        rules->group_count = (uint32_t)build->sections[TOLL_SECTION_ORIGIN_GROUPS].count;
    }
    for (int32_t id = 1; code == 0 && id <= (int32_t)build->deck_builds.count; id++) {
        const struct toll_deck_build *deck =
            TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, id - 1);
        struct toll_deck record = {.key = deck->key, .calendar = deck->calendar, .name = deck->text};
        struct toll_deck *place = TOLL_BUILD_ADD(build, DECKS, struct toll_deck);
        uint32_t *zone = TOLL_BUILD_ADD(build, DECK_ZONES, uint32_t);

        record.line = deck->line;
        record.file = deck->line > 0 && decks_source != NULL ? decks_source->text : 0;
        if (place == NULL || zone == NULL ||
            !toll_build_text(build, deck->currency, strlen(deck->currency), &record.currency))
            code = toll_build_memory(build);
        toll_deck_parts_begin(build, &record);
        if (code == 0)
            code = versions_of(build, id, &versions);
        if (code == 0)
            code = read_files(build, id, &versions, &rows);
        toll_watch_passed(build->watch, "rows of decks");
        record.lrn = deck->lrn != 0;
        record.split = deck->split != 0;
        record.by_jurisdiction = deck->by_jurisdiction;
        record.basis = (uint8_t)deck->basis;
        if (code == 0)
            code = toll_deck_entries_make(build, &record, &rows);
        toll_watch_passed(build->watch, "entries of decks");
        if (code == 0 && build->doubts != NULL && build->findings->errors == 0)
            code = toll_doubts_deck(build, id, &rows);
        if (code == 0) {
            toll_deck_parts_end(build, &record);
            *place = record;
            *zone = deck->zone_index;
        }
        rows_clear(&rows);
    }
    rows_free(&rows);
    toll_buffer_free(&versions);
    return code;
}
