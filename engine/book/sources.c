/* Tables by name: found, replaced, edited; and what bundle:, tiers: and book: change of them. */
#include "book/sources.h"

#include "base/check.h"
#include "book/image.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_NAMES 8 /* of what there is, where a name is unknown */

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory while a book is changed");
}

/* -- the tables -- */

static char *joined(struct toll_arena *arena, const char *folder, const char *name)
{
    const size_t room = strlen(folder) + strlen(name) + 2;
    char *path = toll_arena_alloc(arena, room);

    if (path != NULL)
        snprintf(path, room, "%s/%s", folder, name);
    return path;
}

static int set_zones(struct toll_sources *out, const struct toll_book *base, struct toll_error *error)
{
    const struct toll_image_section *sections = (const void *)(base->image + TOLL_IMAGE_PAGE);
    const struct toll_embedded *zones = (const void *)(base->image + sections[TOLL_SECTION_ZONES].offset);

    out->zone_count = sections[TOLL_SECTION_ZONES].bytes / sizeof(*zones);
    out->zones = calloc(out->zone_count + 1, sizeof(*out->zones));
    if (out->zones == NULL)
        return no_memory(error);
    for (size_t i = 0; i < out->zone_count; i++) {
        const uint8_t *bytes = base->image + sections[TOLL_SECTION_ZONE_BYTES].offset + zones[i].offset;
        out->zones[i] = (struct toll_given_file){.name = toll_book_string(base, zones[i].name),
                                                 .data = (const char *)bytes,
                                                 .bytes = zones[i].bytes};
    }
    return 0;
}

static int add(struct toll_sources *sources, const struct toll_given_file *file, void *owned,
               struct toll_error *error)
{
    if (sources->count == sources->room) {
        const size_t room = 2 * sources->room + 64;
        struct toll_given_file *files = realloc(sources->files, room * sizeof(*files));
        void **own = NULL;
        if (files != NULL) {
            sources->files = files;
            own = realloc(sources->owned, room * sizeof(*own));
        }
        if (own == NULL) {
            free(owned);
            return no_memory(error);
        }
        sources->owned = own;
        sources->room = room;
    }
    sources->files[sources->count] = *file;
    sources->owned[sources->count++] = owned;
    return 0;
}

int toll_sources_of(struct toll_sources *out, const struct toll_book *base, const char *base_name,
                    struct toll_error *error)
{
    const uint32_t count = toll_book_source_count(base);
    int code;

    *out = (struct toll_sources){.base_name = base_name, .currency = base->currency};
    code = set_zones(out, base, error);
    for (uint32_t i = 0; i < count && code == 0; i++) {
        struct toll_given_file file = {0};
        file.name = toll_book_source(base, i, &file.data, &file.bytes);
        file.path = joined(&out->arena, base_name, file.name);
        code = file.path == NULL ? no_memory(error) : add(out, &file, NULL, error);
    }
    return code;
}

void toll_sources_free(struct toll_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        free(sources->owned[i]);
    free(sources->files);
    free(sources->owned);
    free(sources->zones);
    toll_strings_free(&sources->not_moved);
    toll_arena_free(&sources->arena);
    memset(sources, 0, sizeof(*sources));
}

static size_t index_of(const struct toll_sources *sources, const char *name)
{
    size_t i = 0;

    while (i < sources->count && strcmp(sources->files[i].name, name) != 0)
        i++;
    return i;
}

const struct toll_given_file *toll_sources_find(const struct toll_sources *sources, const char *name)
{
    const size_t at = index_of(sources, name);

    return at < sources->count ? &sources->files[at] : NULL;
}

int toll_sources_put(struct toll_sources *sources, const char *name, const char *path, char *data,
                     size_t bytes, struct toll_error *error)
{
    const size_t at = index_of(sources, name);
    struct toll_given_file file = {.data = data, .bytes = bytes};

    file.name = toll_arena_copy(&sources->arena, name, strlen(name));
    file.path = path != NULL ? toll_arena_copy(&sources->arena, path, strlen(path))
                             : joined(&sources->arena, sources->base_name, name);
    if (file.name == NULL || file.path == NULL) {
        free(data);
        return no_memory(error);
    }
    if (at == sources->count)
        return add(sources, &file, data, error);
    free(sources->owned[at]);
    sources->files[at] = file;
    sources->owned[at] = data;
    return 0;
}

int toll_sources_edit(const struct toll_sources *sources, const char *name, struct toll_table_edit **out,
                      struct toll_error *error)
{
    const struct toll_given_file *file = toll_sources_find(sources, name);

    return toll_table_edit_open(out, name, file != NULL ? file->data : "", file != NULL ? file->bytes : 0,
                                error);
}

int toll_sources_store(struct toll_sources *sources, const char *name, struct toll_table_edit *edit, int code,
                       struct toll_error *error)
{
    const struct toll_given_file *old = toll_sources_find(sources, name);
    char *data = NULL;
    size_t bytes = 0;

    if (code == 0)
        code = toll_table_edit_finish(edit, &data, &bytes, error);
    toll_table_edit_free(edit);
    return code == 0 ? toll_sources_put(sources, name, old != NULL ? old->path : NULL, data, bytes, error)
                     : code;
}

bool toll_sources_names(const struct toll_sources *sources, const char *table, const char *column,
                        struct toll_strings *names)
{
    struct toll_table_edit *edit;
    bool good = toll_sources_edit(sources, table, &edit, NULL) == 0;
    const int at = good ? toll_table_edit_column(edit, column) : -1;

    while (good && at >= 0 && toll_table_edit_next(edit) == 1) {
        const char *cell = toll_table_edit_cell(edit, at);
        good = cell[0] == 0 || toll_strings_add(names, cell, strlen(cell)) != 0;
    }
    toll_table_edit_free(edit);
    return good;
}

int toll_sources_unknown(const struct toll_change *change, const char *what, const char *name,
                         const struct toll_strings *names, struct toll_error *error)
{
    char list[400] = "";
    size_t bytes = 0;

    for (uint32_t id = 1; id <= names->count; id++) {
        size_t near_bytes;
        const char *near = toll_strings_text(names, id, &near_bytes);
        if (strlen(name) > 1 && near_bytes <= 40 && toll_nearly_equal(name, strlen(name), near, near_bytes))
            return toll_change_error(change, error, "there is no %s \"%.60s\"; did you mean \"%s\"?", what,
                                     name, near);
    }
    for (uint32_t id = 1; id <= names->count && id <= SHOWN_NAMES && bytes < sizeof(list); id++)
        bytes += (size_t)snprintf(list + bytes, sizeof(list) - bytes, "%s%.40s", id > 1 ? ", " : "",
                                  toll_strings_text(names, id, NULL));
    return toll_change_error(change, error, "there is no %s \"%.60s\"; there %s %s%s", what, name,
                             names->count == 1 ? "is" : "are", names->count > 0 ? list : "none",
                             names->count > SHOWN_NAMES ? ", ..." : "");
}

/* -- cells of rows -- */

int toll_change_columns_known(const struct toll_change *change, const struct toll_table_column *known,
                              int known_count, struct toll_error *error)
{
    struct toll_strings names = {0};
    int code = 0;

    for (int i = 0; i < known_count && code == 0; i++) {
        if (toll_strings_add(&names, known[i].name, strlen(known[i].name)) == 0)
            code = no_memory(error);
    }
    for (int i = 0; i < change->cell_count && code == 0; i++) {
        const char *column = change->cells[i].column;
        if (column != NULL && toll_strings_find(&names, column, strlen(column)) == 0)
            code = toll_sources_unknown(change, "column", column, &names, error);
    }
    toll_strings_free(&names);
    return code;
}

/* A decimal without what it does not need. */
static void amount_text(int64_t amount, char text[TOLL_TOTAL_TEXT_BYTES])
{
    size_t bytes = toll_money_format(amount, text);

    while (text[bytes - 1] == '0')
        bytes--;
    bytes -= text[bytes - 1] == '.';
    text[bytes] = 0;
}

static int change_cell(struct toll_cell_changes *cells, int index, struct toll_table_edit *edit, int column,
                       struct toll_error *error)
{
    const struct toll_change_cell *cell = &cells->change->cells[index];
    const char *old = toll_table_edit_cell(edit, column), *text = cell->text, *problem;
    char amount[TOLL_TOTAL_TEXT_BYTES];
    int64_t value = 0;

    if (cell->how != TOLL_CHANGE_SET) {
        if (old[0] == 0)
            return 0;
        problem = toll_money_parse(old, strlen(old), &value) != 0 ? "is no number that could be changed so"
                                                                  : toll_change_amount(cell, value, &value);
        if (problem != NULL)
            return toll_change_error(cells->change, error, "%s: \"%.40s\", changed so, %s", cells->file, old,
                                     problem);
        if (cells->whole[index])
            toll_total_format(toll_round_ratio(value, TOLL_MONEY_UNIT, TOLL_HALF_UP), 0, amount);
        else
            amount_text(value, amount);
        text = amount;
    }
    cells->changed++;
    return toll_table_edit_set(edit, column, text) ? 0 : no_memory(error);
}

int toll_change_row(struct toll_cell_changes *cells, struct toll_table_edit *edit, struct toll_error *error)
{
    int code = 0;

    for (int i = 0; i < cells->change->cell_count && code == 0; i++) {
        for (int k = 0; k < TOLL_RATE_COLUMNS && code == 0; k++) {
            if (cells->columns[i][k] >= 0)
                code = change_cell(cells, i, edit, cells->columns[i][k], error);
        }
    }
    return code;
}

/* -- bundle: and tiers: -- */

static bool is_money(const char *column)
{
    static const char *const money[] = {"rate", "flat", "minimum_spend", "maximum_spend"};

    for (size_t i = 0; i < sizeof(money) / sizeof(money[0]); i++) {
        if (strcmp(column, money[i]) == 0)
            return true;
    }
    return false;
}

/* The columns that a change names, added where the table does not have them. */
static int find_columns(struct toll_cell_changes *cells, struct toll_table_edit *edit,
                        struct toll_error *error)
{
    for (int i = 0; i < cells->change->cell_count; i++) {
        const char *column = cells->change->cells[i].column;
        for (int k = 0; k < TOLL_RATE_COLUMNS; k++)
            cells->columns[i][k] = -1;
        cells->columns[i][0] = toll_table_edit_column(edit, column);
        cells->whole[i] = !is_money(column);
        if (cells->columns[i][0] < 0)
            cells->columns[i][0] = toll_table_edit_add_column(edit, column);
        if (cells->columns[i][0] < 0)
            return no_memory(error);
    }
    return 0;
}

/* Rows of a table whose first column is the name; from_qty: only the row that begins there. */
static int change_named_rows(struct toll_sources *sources, const struct toll_change *change,
                             const char *table, const char *name_column, struct toll_error *error)
{
    struct toll_cell_changes cells = {.change = change, .file = table};
    struct toll_strings names = {0};
    struct toll_table_edit *edit = NULL;
    int64_t wanted = 0, quantity, rows = 0;
    int code = 0, result, name, from;

    if (!toll_sources_names(sources, table, name_column, &names))
        code = no_memory(error);
    else if (toll_strings_find(&names, change->name, strlen(change->name)) == 0)
        code = toll_sources_unknown(change, name_column, change->name, &names, error);
    toll_strings_free(&names);
    if (code == 0 && change->from_qty != NULL &&
        toll_decimal_parse(change->from_qty, strlen(change->from_qty), 0, &wanted) != 0)
        code = toll_change_error(change, error, "from_qty \"%.40s\" is no whole number", change->from_qty);
    if (code == 0)
        code = toll_sources_edit(sources, table, &edit, error);
    if (code != 0)
        return code;
    name = toll_table_edit_column(edit, name_column);
    from = toll_table_edit_column(edit, "from_qty");
    code = find_columns(&cells, edit, error);
    while (code == 0 && (result = toll_table_edit_next(edit)) != 0) {
        const char *cell;
        if (result < 0) {
            code = no_memory(error);
            break;
        }
        if (strcmp(toll_table_edit_cell(edit, name), change->name) != 0)
            continue;
        cell = toll_table_edit_cell(edit, from);
        quantity = 0;
        if (change->from_qty != NULL &&
            (toll_decimal_parse(cell[0] != 0 ? cell : "0", cell[0] != 0 ? strlen(cell) : 1, 0, &quantity) !=
                 0 ||
             quantity != wanted))
            continue;
        rows++;
        code = toll_change_row(&cells, edit, error);
    }
    if (code == 0 && rows == 0)
        code = toll_change_error(change, error,
                                 "it meets no row: %s has no row of \"%.60s\" with from_qty %" PRId64, table,
                                 change->name, wanted);
    else if (code == 0 && cells.changed == 0)
        code = toll_change_error(change, error, "it meets no cell: all are empty");
    return toll_sources_store(sources, table, edit, code, error);
}

/* -- book: -- */

static int change_table(struct toll_sources *sources, const struct toll_io *io,
                        const struct toll_change *change, struct toll_error *error)
{
    char name[80];
    struct toll_blob blob;
    char *copy;
    int code;

    snprintf(name, sizeof(name), "%.60s.csv", change->name);
    if (!toll_is_book_table(name))
        return toll_change_error(change, error,
                                 "%s is no table of a book; write book:TABLE, like book:plan_rules", name);
    code = toll_blob_read(&blob, io, AT_FDCWD, change->file, TOLL_READ_PREAD, error);
    if (code != 0)
        return code;
    copy = malloc(blob.size + 1);
    if (copy != NULL)
        memcpy(copy, blob.data, blob.size);
    code = copy == NULL ? no_memory(error)
                        : toll_sources_put(sources, name, change->file, copy, blob.size, error);
    toll_blob_free(&blob);
    return code;
}

int toll_change_sources(struct toll_sources *sources, const struct toll_io *io,
                        const struct toll_change *change, struct toll_error *error)
{
    const struct toll_table_column *known;
    int count, code;

    switch (change->kind) {
    case TOLL_CHANGE_DECK:
        return change->file != NULL ? toll_change_deck_file(sources, io, change, error)
                                    : toll_change_deck(sources, change, error);
    case TOLL_CHANGE_PLAN:
        return toll_change_plan(sources, change, error);
    case TOLL_CHANGE_BUNDLE:
        known = toll_bundle_columns(&count);
        code = toll_change_columns_known(change, known, count, error);
        return code == 0 ? change_named_rows(sources, change, "bundles.csv", "bundle", error) : code;
    case TOLL_CHANGE_TIERS:
        known = toll_tiers_columns(&count);
        code = toll_change_columns_known(change, known, count, error);
        return code == 0 ? change_named_rows(sources, change, "tiers.csv", "tiers", error) : code;
    default:
        return change_table(sources, io, change, error);
    }
}
