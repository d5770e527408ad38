/*
 * bundles.csv: units that cost nothing, and which calls may draw on them. Bundles get their ids in the order
 * of drawing, so that a list of them by id is in that order too.
 */
#include "ratetable/build.h"
#include "tollmill_segment.h"

#include <stdio.h>
#include <strings.h>

enum {
    BUNDLE,
    NAME,
    UNIT,
    QUANTITY,
    SCOPE,
    SERVICES,
    CLASSES,
    JURISDICTIONS,
    DESTINATIONS,
    DIRECTION,
    PERIOD,
    ANCHOR_DAY,
    ROLLOVER,
    PRORATE,
    AT_LIMIT,
    DEBIT,
    INCREMENT,
    CONNECT_FEE,
    PRIORITY,
    COLUMNS
};
static const struct toll_table_column columns[COLUMNS] = {[BUNDLE] = {"bundle", true},
                                                          [NAME] = {"name", false},
                                                          [UNIT] = {"unit", true},
                                                          [QUANTITY] = {"quantity", true},
                                                          [SCOPE] = {"scope", false},
                                                          [SERVICES] = {"services", false},
                                                          [CLASSES] = {"classes", false},
                                                          [JURISDICTIONS] = {"jurisdictions", false},
                                                          [DESTINATIONS] = {"destinations", false},
                                                          [DIRECTION] = {"direction", false},
                                                          [PERIOD] = {"period", false},
                                                          [ANCHOR_DAY] = {"anchor_day", false},
                                                          [ROLLOVER] = {"rollover_periods", false},
                                                          [PRORATE] = {"prorate", false},
                                                          [AT_LIMIT] = {"at_limit", false},
                                                          [DEBIT] = {"debit", false},
                                                          [INCREMENT] = {"increment", false},
                                                          [CONNECT_FEE] = {"connect_fee", false},
                                                          [PRIORITY] = {"priority", false}};

const struct toll_table_column *toll_bundle_columns(int *count)
{
    *count = COLUMNS;
    return columns;
}

/* A row, and the id of its name. */
struct bundle_row {
    struct toll_bundle bundle;
    uint32_t id;
};

/* -- lists: "a;b" -- */

static size_t trimmed(const char **text, size_t bytes)
{
    for (; bytes > 0 && **text == ' '; bytes--)
        (*text)++;
    for (; bytes > 0 && (*text)[bytes - 1] == ' '; bytes--)
        ;
    return bytes;
}

/* The next element from *at on; false at the end. */
static bool next_element(const char **at, const char **text, size_t *bytes)
{
    const char *end;

    if (*at == NULL)
        return false;
    end = strchr(*at, ';');
    *text = *at;
    *bytes = trimmed(text, end != NULL ? (size_t)(end - *at) : strlen(*at));
    *at = end != NULL ? end + 1 : NULL;
    return true;
}

static bool same_word(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && strncasecmp(text, word, bytes) == 0;
}

/* A set of words; an empty cell gives all those of `allowed`. False after a finding. */
static bool read_set(const struct toll_table *table, int column, const char *const *words, int count,
                     unsigned allowed, const char *of, unsigned *set)
{
    const struct toll_cell *cell = toll_table_cell(table, column);
    const char *at = cell->text, *text;
    size_t bytes;

    *set = cell->bytes == 0 ? allowed : 0;
    while (cell->bytes > 0 && next_element(&at, &text, &bytes)) {
        int found = 0;
        while (found < count && !same_word(text, bytes, words[found]))
            found++;
        if (found == count || (allowed & 1u << found) == 0) {
            toll_cell_finding(table, cell, TOLL_ERROR, "\"%.*s\" is none of the %s%s", (int)bytes, text,
                              column == SERVICES        ? "services"
                              : column == JURISDICTIONS ? "jurisdictions"
                                                        : "classes",
                              of);
            return false;
        }
        *set |= 1u << found;
    }
    return true;
}

static int compare_ids(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

/* 1 good, 0 after a finding, negative without memory. */
static int read_destinations(struct toll_build *build, const struct toll_table *table,
                             struct toll_bundle *bundle)
{
    const struct toll_cell *cell = toll_table_cell(table, DESTINATIONS);
    struct toll_buffer *stored = &build->sections[TOLL_SECTION_BUNDLE_DESTINATIONS];
    const char *at = cell->text, *text;
    uint32_t *ids, kept = 0;
    size_t bytes;

    bundle->destination_first = (uint32_t)stored->count;
    while (cell->bytes > 0 && next_element(&at, &text, &bytes)) {
        const uint32_t id = toll_table_names_find(&build->destinations, text, bytes);
        uint32_t *place;
        if (id == 0) {
            char shown[64];
            snprintf(shown, sizeof(shown), "%.*s", (int)(bytes < 60 ? bytes : 60), text);
            toll_unknown_finding(build, table, cell, "destination", shown, strlen(shown), "destinations.csv",
                                 &build->destinations);
            return 0;
        }
        place = TOLL_BUFFER_ADD(stored, uint32_t);
        if (place == NULL)
            return toll_build_memory(build);
        *place = id;
    }
    if (stored->count == bundle->destination_first)
        return 1;
    ids = TOLL_BUFFER_AT(stored, uint32_t, bundle->destination_first);
    const uint32_t count = (uint32_t)stored->count - bundle->destination_first;
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    }
    stored->count = bundle->destination_first + kept;
    bundle->destination_count = kept;
    return 1;
}

/* -- which calls -- */

static void set_keys(struct toll_bundle *bundle, unsigned services, unsigned directions, unsigned classes,
                     unsigned jurisdictions)
{
    for (unsigned key = 0; key < TOLL_CHAIN_KEYS; key++) {
        if ((services >> key / 50 & 1) != 0 && (directions >> key / 25 % 2 & 1) != 0 &&
            (classes >> key / 5 % 5 & 1) != 0 && (jurisdictions >> key % 5 & 1) != 0)
            bundle->keys[key / 64] |= UINT64_C(1) << key % 64;
    }
}

static bool read_calls(const struct toll_build *build, const struct toll_table *table,
                       struct toll_bundle *bundle)
{
    static const char *const services[] = {"voice", "sms", "mms", "data", "event"};
    static const char *const directions[] = {"out", "in"};
    static const char *const classes[] = {"ordinary", "toll_free", "premium", "n11", "on_net"};
    static const char *const jurisdictions[] = {"indeterminate", "local", "intrastate", "interstate",
                                                "international"};
    unsigned service_set, class_set, jurisdiction_set;
    int direction = -1;
    bool good = read_set(table, SERVICES, services, 5, toll_unit_services(bundle->unit),
                         " of the bundle's unit", &service_set);

    good = toll_cell_choice(table, DIRECTION, directions, 2, -1, &direction) && good;
    good = read_set(table, CLASSES, classes, 5, 0x1F, "", &class_set) && good;
    good = read_set(table, JURISDICTIONS, jurisdictions, 5, 0x1F, "", &jurisdiction_set) && good;
    if (!good)
        return false;
    if (toll_table_cell(table, CLASSES)->bytes > 0 && (class_set >> TOLL_ON_NET & 1) != 0 &&
        build->on_net == TOLL_ON_NET_NONE) {
        toll_cell_finding(table, toll_table_cell(table, CLASSES), TOLL_ERROR,
                          "\"on_net\": no call of this book is; set on_net in book.yaml to account or any");
        return false;
    }
    set_keys(bundle, service_set, direction < 0 ? 3u : 1u << direction, class_set, jurisdiction_set);
    return true;
}

/* -- the rest -- */

/* A cell that only goes with another one's value. */
static bool only_with(const struct toll_table *table, int column, bool goes, const char *with)
{
    const struct toll_cell *cell = toll_table_cell(table, column);

    if (goes || cell->bytes == 0)
        return true;
    toll_cell_finding(table, cell, TOLL_ERROR, "\"%.40s\": this is for %s only; leave the cell empty",
                      cell->text, with);
    return false;
}

static bool choose(const struct toll_table *table, int column, const char *const *names, int count,
                   uint8_t *out)
{
    int value = 0;
    const bool good = toll_cell_choice(table, column, names, count, 0, &value);

    *out = (uint8_t)value;
    return good;
}

static bool read_period(const struct toll_table *table, struct toll_bundle *bundle)
{
    static const char *const periods[] = {"month", "anchor"};
    int64_t day = 0, rollover = 0;
    uint8_t anchor;
    bool good = choose(table, PERIOD, periods, 2, &anchor);

    good = only_with(table, ANCHOR_DAY, !good || anchor == 1, "period anchor") && good;
    good = toll_cell_int(table, ANCHOR_DAY, 1, 31, TOLL_ANCHOR_CYCLE, &day) && good;
    good = toll_cell_int(table, ROLLOVER, 0, TOLL_ROLLOVER_MAX, 0, &rollover) && good;
    bundle->anchor_day = anchor == 1 ? (uint8_t)day : 0;
    bundle->rollover_periods = (uint8_t)rollover;
    return good;
}

static bool read_drawing(const struct toll_table *table, struct toll_bundle *bundle)
{
    static const char *const answers[] = {"no", "yes"};
    static const char *const limits[] = {"overage", "flag", "reject"};
    static const char *const debits[] = {"billed", "used"};
    static const char *const fees[] = {"waived", "charged"};
    int64_t increment = 1, priority = 0;
    bool good = choose(table, PRORATE, answers, 2, &bundle->prorate);

    good = choose(table, AT_LIMIT, limits, 3, &bundle->at_limit) && good;
    good = choose(table, DEBIT, debits, 2, &bundle->debit_used) && good;
    good = choose(table, CONNECT_FEE, fees, 2, &bundle->connect_charged) && good;
    good = only_with(table, INCREMENT, !good || bundle->debit_used == 1, "debit used") && good;
    good = toll_cell_int(table, INCREMENT, 1, INT32_MAX, 1, &increment) && good;
    good = toll_cell_int(table, PRIORITY, INT32_MIN, INT32_MAX, 0, &priority) && good;
    bundle->increment = (int32_t)increment;
    bundle->priority = (int32_t)priority;
    return good;
}

static bool read_size(const struct toll_table *table, struct toll_bundle *bundle)
{
    static const char *const units[] = {"s", "message", "byte", "event"};
    static const char *const scopes[] = {"account", "number", "site", "pool"};
    static const uint8_t scope_values[] = {TOLL_SCOPE_ACCOUNT, TOLL_SCOPE_NUMBER, TOLL_SCOPE_SITE,
                                           TOLL_SCOPE_POOL};
    const struct toll_cell *cell;
    uint8_t scope;
    bool good = toll_cell_name(table, UNIT, &cell) && choose(table, UNIT, units, TOLL_UNITS, &bundle->unit);

    good = toll_cell_name(table, QUANTITY, &cell) &&
           toll_cell_int(table, QUANTITY, 0, TOLL_UNITS_MAX, 0, &bundle->quantity) && good;
    good = choose(table, SCOPE, scopes, TOLL_SCOPES, &scope) && good;
    bundle->scope = scope_values[scope];
    return good;
}

static int read_row(struct toll_build *build, const struct toll_table *table, uint32_t file,
                    struct toll_buffer *rows)
{
    const struct toll_cell *cell, *name = toll_table_cell(table, NAME);
    struct bundle_row row = {.bundle = {.file = file, .line = (uint32_t)toll_table_line(table)}}, *place;
    uint32_t first;
    bool good;
    int found;

    if (!toll_cell_name(table, BUNDLE, &cell))
        return 0;
    if (!toll_table_names_add(&build->bundles, cell->text, cell->bytes, cell->line, &row.id, &first))
        return toll_build_memory(build);
    if (row.id == 0) {
        toll_duplicate_finding(table, cell, "bundle", first);
        return 0;
    }
    good = read_size(table, &row.bundle);
    good = good && read_calls(build, table, &row.bundle);
    found = read_destinations(build, table, &row.bundle);
    if (found < 0)
        return found;
    good = read_period(table, &row.bundle) && good;
    good = read_drawing(table, &row.bundle) && good && found == 1;
    if (!good)
        return 0;
    place = TOLL_BUFFER_ADD(rows, struct bundle_row);
    if (place == NULL || !toll_build_text(build, cell->text, cell->bytes, &row.bundle.bundle) ||
        !toll_build_text(build, name->text, name->bytes, &row.bundle.name))
        return toll_build_memory(build);
    *place = row;
    return 0;
}

static int compare_rows(const void *left, const void *right)
{
    const struct toll_bundle *a = &((const struct bundle_row *)left)->bundle;
    const struct toll_bundle *b = &((const struct bundle_row *)right)->bundle;

    if (a->debit_used != b->debit_used)
        return a->debit_used ? -1 : 1;
    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return a->line < b->line ? -1 : a->line > b->line;
}

static int store(struct toll_build *build, struct toll_buffer *rows)
{
    uint32_t *ids = toll_buffer_add(&build->bundle_ids, sizeof(*ids), build->bundles.strings.count + 1);
    struct toll_bundle *bundles;

    if (ids == NULL)
        return toll_build_memory(build);
    if (rows->count == 0)
        return 0;
    qsort(rows->data, rows->count, sizeof(struct bundle_row), compare_rows);
    bundles = toll_buffer_add(&build->sections[TOLL_SECTION_BUNDLES], sizeof(*bundles), rows->count + 1);
    if (bundles == NULL)
        return toll_build_memory(build);
    for (size_t i = 0; i < rows->count; i++) {
        const struct bundle_row *row = TOLL_BUFFER_AT(rows, struct bundle_row, i);
        bundles[1 + i] = row->bundle;
        ids[row->id] = (uint32_t)i + 1;
    }
    return 0;
}

int toll_build_bundles(struct toll_build *build)
{
    struct toll_buffer rows = {0};
    struct toll_source *source;
    struct toll_table *table;
    int code = toll_build_table(build, "bundles.csv", columns, COLUMNS, &table);

    if (code == 0 && table != NULL) {
        code = toll_build_source(build, "bundles.csv", &source);
        while (code == 0 && toll_table_next(table) == 1)
            code = read_row(build, table, source->text, &rows);
        toll_table_close(table);
    }
    if (code == 0)
        code = store(build, &rows);
    toll_buffer_free(&rows);
    return code;
}
