/* deck: rows of a deck's files, of all its versions; and a new file as a version. A file that another deck
 * has, too, is copied first, so that only the deck that is named changes. */
#include "book/change_keys.h"
#include "book/sources.h"
#include "ratetable/deck_reader.h"
#include "text/trim.h"

#include <fcntl.h>
#include <stdio.h>

#define FILE_BYTES 256 /* "decks/", a name of at most 200, ".csv" */

struct deck_edit {
    struct toll_sources *sources;
    const struct toll_change *change;
    struct toll_error *error;
    char *mapping; /* the deck's `columns`, in the sources' arena */
    bool calltype, pairs;
    struct toll_strings files, others; /* names of its own versions' files; those of other decks */
    bool has_versions;
    struct toll_key_choice callee, caller;
    struct toll_buffer chosen, rest;
    int64_t rows, changed;
};

static int no_memory(struct deck_edit *deck)
{
    return toll_error_set(deck->error, TOLL_ENOMEM, "out of memory while a book is changed");
}

/* -- the deck -- */

static int check_name(struct deck_edit *deck)
{
    static const char *const tables[] = {"decks.csv", "deck_versions.csv", "plan_rules.csv"};
    struct toll_strings names = {0};
    int code = 0;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && code == 0; i++) {
        if (!toll_sources_names(deck->sources, tables[i], "deck", &names))
            code = no_memory(deck);
    }
    if (code == 0 && toll_strings_find(&names, deck->change->name, strlen(deck->change->name)) == 0)
        code = toll_sources_unknown(deck->change, "deck", deck->change->name, &names, deck->error);
    toll_strings_free(&names);
    return code;
}

/* What decks.csv says of the deck, and which decks it names. */
static int read_decks(struct deck_edit *deck, struct toll_strings *all)
{
    struct toll_table_edit *edit;
    int code = toll_sources_edit(deck->sources, "decks.csv", &edit, deck->error);

    if (code != 0)
        return code;
    const int name = toll_table_edit_column(edit, "deck"), key = toll_table_edit_column(edit, "key");
    const int columns = toll_table_edit_column(edit, "columns");
    while (code == 0 && toll_table_edit_next(edit) == 1) {
        const char *cell = toll_table_edit_cell(edit, name);
        if (toll_strings_add(all, cell, strlen(cell)) == 0)
            code = no_memory(deck);
        if (strcmp(cell, deck->change->name) != 0)
            continue;
        const char *mapping = toll_table_edit_cell(edit, columns);
        const char *kind = toll_table_edit_cell(edit, key);
        deck->calltype = toll_same_name(kind, strlen(kind), "calltype");
        deck->pairs = toll_same_name(kind, strlen(kind), "npanxx_pair");
        deck->mapping = toll_arena_copy(&deck->sources->arena, mapping, strlen(mapping));
        if (deck->mapping == NULL)
            code = no_memory(deck);
    }
    toll_table_edit_free(edit);
    return code;
}

/* Which files are the deck's, and which are other decks'. */
static int read_versions(struct deck_edit *deck)
{
    struct toll_strings all = {0}, versioned = {0};
    struct toll_table_edit *edit = NULL;
    int code = read_decks(deck, &all);

    if (code == 0 && !toll_sources_names(deck->sources, "plan_rules.csv", "deck", &all))
        code = no_memory(deck);
    if (code == 0)
        code = toll_sources_edit(deck->sources, "deck_versions.csv", &edit, deck->error);
    const int name = code == 0 ? toll_table_edit_column(edit, "deck") : -1;
    const int file = code == 0 ? toll_table_edit_column(edit, "file") : -1;
    while (code == 0 && toll_table_edit_next(edit) == 1) {
        const char *cell = toll_table_edit_cell(edit, name), *of = toll_table_edit_cell(edit, file);
        const bool own = strcmp(cell, deck->change->name) == 0;
        deck->has_versions = deck->has_versions || own;
        if (toll_strings_add(own ? &deck->files : &deck->others, of, strlen(of)) == 0 ||
            toll_strings_add(&versioned, cell, strlen(cell)) == 0)
            code = no_memory(deck);
    }
    toll_table_edit_free(edit);
    for (uint32_t id = 1; id <= all.count && code == 0; id++) {
        size_t bytes;
        const char *text = toll_strings_text(&all, id, &bytes);
        const bool own = strcmp(text, deck->change->name) == 0;
        if (toll_strings_find(&versioned, text, bytes) == 0 &&
            toll_strings_add(own ? &deck->files : &deck->others, text, bytes) == 0)
            code = no_memory(deck);
    }
    toll_strings_free(&all);
    toll_strings_free(&versioned);
    return code;
}

static int deck_begin(struct deck_edit *deck)
{
    const int code = check_name(deck);

    deck->mapping = "";
    return code == 0 ? read_versions(deck) : code;
}

static int deck_end(struct deck_edit *deck, int code)
{
    toll_strings_free(&deck->files);
    toll_strings_free(&deck->others);
    toll_buffer_free(&deck->chosen);
    toll_buffer_free(&deck->rest);
    return code;
}

/* What a column of ours is called in the deck's sheets. */
static const char *sheet_name(const struct deck_edit *deck, const char *column, char room[128])
{
    for (const char *at = deck->mapping; *at != 0;) {
        const size_t bytes = strcspn(at, ";");
        const char *ours = at, *equals = memchr(at, '=', bytes);
        at += bytes + (at[bytes] == ';');
        if (equals == NULL)
            continue;
        const char *theirs = equals + 1;
        size_t ours_bytes = (size_t)(equals - ours), theirs_bytes = (size_t)(ours + bytes - theirs);
        toll_trim(&ours, &ours_bytes);
        toll_trim(&theirs, &theirs_bytes);
        if (toll_same_name(ours, ours_bytes, column)) {
            snprintf(room, 128, "%.*s", (int)theirs_bytes, theirs);
            return room;
        }
    }
    return column;
}

/* -- names of files -- */

/* A file's name below decks/ that is free: `wish`, or with a number. */
static void free_name(const struct deck_edit *deck, const char *wish, char file[FILE_BYTES])
{
    snprintf(file, FILE_BYTES, "decks/%.180s.csv", wish);
    for (int i = 2; toll_sources_find(deck->sources, file) != NULL; i++)
        snprintf(file, FILE_BYTES, "decks/%.180s %d.csv", wish, i);
}

/* "decks/x.csv" -> "x" */
static void short_name(const char *file, char name[FILE_BYTES])
{
    snprintf(name, FILE_BYTES, "%.*s", (int)(strlen(file) - strlen("decks/.csv")), file + strlen("decks/"));
}

/* Columns of deck_versions.csv, added where they are missing. */
struct version_columns {
    int deck, file, effective, mode;
};

static bool version_columns(struct toll_table_edit *edit, struct version_columns *out)
{
    static const char *const names[] = {"deck", "file", "effective", "mode"};
    int *const places[] = {&out->deck, &out->file, &out->effective, &out->mode};

    for (int i = 0; i < 4; i++) {
        *places[i] = toll_table_edit_column(edit, names[i]);
        if (*places[i] < 0)
            *places[i] = toll_table_edit_add_column(edit, names[i]);
        if (*places[i] < 0)
            return false;
    }
    return true;
}

static bool append_version(struct deck_edit *deck, struct toll_table_edit *edit,
                           const struct version_columns *columns, const char *file, const char *effective)
{
    const int count = toll_table_edit_columns(edit);
    const char **cells = toll_arena_alloc(&deck->sources->arena, (size_t)count * sizeof(*cells));

    if (cells == NULL)
        return false;
    cells[columns->deck] = deck->change->name;
    cells[columns->file] = file;
    cells[columns->effective] = effective;
    return toll_table_edit_append(edit, cells, count);
}

/* The deck's versions that have the file `old` have `file` from now on. */
static int rename_file(struct deck_edit *deck, const char *old, const char *file)
{
    struct version_columns columns;
    struct toll_table_edit *edit;
    int code = toll_sources_edit(deck->sources, "deck_versions.csv", &edit, deck->error);

    if (code != 0)
        return code;
    if (!version_columns(edit, &columns))
        code = no_memory(deck);
    while (code == 0 && toll_table_edit_next(edit) == 1) {
        if (strcmp(toll_table_edit_cell(edit, columns.deck), deck->change->name) == 0 &&
            strcmp(toll_table_edit_cell(edit, columns.file), old) == 0 &&
            !toll_table_edit_set(edit, columns.file, file))
            code = no_memory(deck);
    }
    if (code == 0 && !deck->has_versions && !append_version(deck, edit, &columns, file, NULL))
        code = no_memory(deck);
    return toll_sources_store(deck->sources, "deck_versions.csv", edit, code, deck->error);
}

/* The file of the deck that is to be edited: its own, or a copy of one that other decks have, too. */
static int own_file(struct deck_edit *deck, const char *name, char file[FILE_BYTES])
{
    const struct toll_given_file *old;
    char copy[FILE_BYTES], copy_name[FILE_BYTES], *data;
    int code;

    snprintf(file, FILE_BYTES, "decks/%.200s.csv", name);
    old = toll_sources_find(deck->sources, file);
    if (old == NULL || toll_strings_find(&deck->others, name, strlen(name)) == 0)
        return 0;
    free_name(deck, name, copy);
    short_name(copy, copy_name);
    data = malloc(old->bytes + 1);
    if (data == NULL)
        return no_memory(deck);
    memcpy(data, old->data, old->bytes);
    code = toll_sources_put(deck->sources, copy, NULL, data, old->bytes, deck->error);
    snprintf(file, FILE_BYTES, "%s", copy);
    return code == 0 ? rename_file(deck, name, copy_name) : code;
}

/* -- rows -- */

/* All of a sheet's columns that a change of rows looks at. */
struct sheet {
    int key, caller, destination;
    struct toll_cell_changes cells;
};

static int find_sheet(struct deck_edit *deck, struct toll_table_edit *edit, const char *file,
                      struct sheet *sheet)
{
    static const char *const rates[] = {"rate", "rate_inter", "rate_intra", "rate_indeterminate"};
    char room[128];

    *sheet = (struct sheet){.cells = {.change = deck->change, .file = file}};
    sheet->key = toll_table_edit_column(edit, sheet_name(deck, "prefix", room));
    if (sheet->key < 0)
        sheet->key = toll_table_edit_column(edit, sheet_name(deck, "key", room));
    sheet->caller = toll_table_edit_column(edit, sheet_name(deck, "caller_prefix", room));
    sheet->destination = toll_table_edit_column(edit, sheet_name(deck, "destination", room));
    for (int i = 0; i < deck->change->cell_count; i++) {
        const struct toll_change_cell *cell = &deck->change->cells[i];
        for (int k = 0; k < TOLL_RATE_COLUMNS; k++)
            sheet->cells.columns[i][k] =
                cell->column == NULL ? toll_table_edit_column(edit, sheet_name(deck, rates[k], room)) : -1;
        if (cell->column == NULL)
            continue;
        sheet->cells.whole[i] =
            strstr(cell->column, "rate") == NULL && strcmp(cell->column, "connect_fee") != 0 &&
            strcmp(cell->column, "minimum_charge") != 0 && strcmp(cell->column, "maximum_charge") != 0;
        const char *name = sheet_name(deck, cell->column, room);
        sheet->cells.columns[i][0] = toll_table_edit_column(edit, name);
        if (sheet->cells.columns[i][0] < 0 && cell->how == TOLL_CHANGE_SET)
            sheet->cells.columns[i][0] = toll_table_edit_add_column(edit, name);
        if (sheet->cells.columns[i][0] < 0 && cell->how == TOLL_CHANGE_SET)
            return no_memory(deck);
    }
    return 0;
}

/* The current row once more at the table's end, as it stands, but for one cell. */
static int append_copy(struct deck_edit *deck, struct toll_table_edit *edit, int column, const char *text)
{
    const int count = toll_table_edit_columns(edit);
    const char **cells = calloc((size_t)count, sizeof(*cells));
    bool good = cells != NULL;

    for (int i = 0; i < count && good; i++)
        cells[i] = i == column ? text : toll_table_edit_cell(edit, i);
    good = good && toll_table_edit_append(edit, cells, count);
    free(cells);
    return good ? 0 : no_memory(deck);
}

/* Leaves in the current row the keys that are chosen, and puts the others behind. 1: there are such keys. */
static int narrow(struct deck_edit *deck, struct toll_table_edit *edit, const struct toll_key_choice *choice,
                  int column)
{
    const int found = toll_keys_split(choice, toll_table_edit_cell(edit, column), &deck->chosen, &deck->rest);
    int code = 0;

    if (found < 0)
        return no_memory(deck);
    if (found == TOLL_KEYS_SOME) {
        code = append_copy(deck, edit, column, deck->rest.data);
        if (code == 0 && !toll_table_edit_set(edit, column, deck->chosen.data))
            code = no_memory(deck);
    }
    return code != 0 ? code : found != TOLL_KEYS_NONE;
}

static int edit_row(struct deck_edit *deck, struct toll_table_edit *edit, struct sheet *sheet)
{
    const struct toll_change *change = deck->change;
    const char *destination = toll_table_edit_cell(edit, sheet->destination);
    int chosen = 1;

    if (change->destination != NULL && strcmp(destination, change->destination) != 0)
        return 0;
    if (change->prefix != NULL)
        chosen = narrow(deck, edit, &deck->callee, sheet->key);
    if (chosen == 1 && change->caller_prefix != NULL)
        chosen = narrow(deck, edit, &deck->caller, sheet->caller);
    if (chosen != 1)
        return chosen;
    deck->rows++;
    return toll_change_row(&sheet->cells, edit, deck->error);
}

static int edit_file(struct deck_edit *deck, const char *name)
{
    char file[FILE_BYTES];
    struct toll_table_edit *edit;
    struct sheet sheet;
    int code = own_file(deck, name, file), result;

    if (code == 0)
        code = toll_sources_edit(deck->sources, file, &edit, deck->error);
    if (code != 0)
        return code;
    code = find_sheet(deck, edit, file, &sheet);
    while (code == 0 && (result = toll_table_edit_next(edit)) != 0)
        code = result < 0 ? no_memory(deck) : edit_row(deck, edit, &sheet);
    deck->changed += sheet.cells.changed;
    return toll_sources_store(deck->sources, file, edit, code, deck->error);
}

static int choose_keys(struct deck_edit *deck)
{
    const struct toll_change *change = deck->change;

    if (!toll_key_choice_make(&deck->callee, change->prefix, deck->calltype))
        return toll_change_error(change, deck->error,
                                 "\"%.40s\" is no prefix; write digits, and a * behind "
                                 "them for all that begin so",
                                 change->prefix);
    if (change->caller_prefix != NULL && !deck->pairs)
        return toll_change_error(change, deck->error,
                                 "the deck's key is not npanxx_pair, so it has no caller_prefix");
    if (!toll_key_choice_make(&deck->caller, change->caller_prefix, false))
        return toll_change_error(change, deck->error,
                                 "\"%.40s\" is no prefix; write digits, and a * behind "
                                 "them for all that begin so",
                                 change->caller_prefix);
    return 0;
}

int toll_change_deck(struct toll_sources *sources, const struct toll_change *change, struct toll_error *error)
{
    struct deck_edit deck = {.sources = sources, .change = change, .error = error};
    const struct toll_table_column *known;
    int count, code = deck_begin(&deck);

    known = toll_deck_sheet_columns(&count);
    if (code == 0)
        code = toll_change_columns_known(change, known, count, error);
    if (code == 0)
        code = choose_keys(&deck);
    for (uint32_t id = 1; id <= deck.files.count && code == 0; id++)
        code = edit_file(&deck, toll_strings_text(&deck.files, id, NULL));
    if (code == 0 && deck.rows == 0)
        code = toll_change_error(change, error, "it meets no row: the deck has none with this %s",
                                 change->destination == NULL ? "prefix"
                                 : change->prefix == NULL    ? "destination"
                                                             : "prefix and destination");
    else if (code == 0 && deck.changed == 0)
        code = toll_change_error(change, error, "it meets no cell: all of them are empty");
    return deck_end(&deck, code);
}

/* -- a new file -- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The sheet becomes a file of the book; its name goes to `name`. */
static int put_sheet(struct deck_edit *deck, const struct toll_io *io, char name[FILE_BYTES])
{
    const char *path = deck->change->file, *end = last_part(path);
    const size_t bytes = strlen(end), tail = bytes > 4 && strcmp(end + bytes - 4, ".csv") == 0 ? 4 : 0;
    char wish[FILE_BYTES], file[FILE_BYTES], *copy;
    struct toll_blob blob;
    int code = toll_blob_read(&blob, io, AT_FDCWD, path, TOLL_READ_PREAD, deck->error);

    if (code != 0)
        return code;
    snprintf(wish, sizeof(wish), "%.*s", (int)(bytes - tail < 180 ? bytes - tail : 180), end);
    if (toll_file_name_problem(wish, strlen(wish)) != NULL)
        snprintf(wish, sizeof(wish), "sheet");
    free_name(deck, wish, file);
    short_name(file, name);
    copy = malloc(blob.size + 1);
    if (copy != NULL) {
        memcpy(copy, blob.data, blob.size);
        code = toll_sources_put(deck->sources, file, path, copy, blob.size, deck->error);
    } else {
        code = no_memory(deck);
    }
    toll_blob_free(&blob);
    return code;
}

static int set_version(struct deck_edit *deck, const char *name)
{
    const struct toll_change *change = deck->change;
    struct version_columns columns;
    struct toll_table_edit *edit;
    int code = toll_sources_edit(deck->sources, "deck_versions.csv", &edit, deck->error);

    if (code != 0)
        return code;
    if (!version_columns(edit, &columns))
        code = no_memory(deck);
    while (code == 0 && toll_table_edit_next(edit) == 1) {
        if (change->from == NULL && strcmp(toll_table_edit_cell(edit, columns.deck), change->name) == 0)
            toll_table_edit_drop(edit);
    }
    if (code == 0 && change->from != NULL && !deck->has_versions &&
        !append_version(deck, edit, &columns, change->name, NULL))
        code = no_memory(deck);
    if (code == 0 && !append_version(deck, edit, &columns, name, change->from))
        code = no_memory(deck);
    return toll_sources_store(deck->sources, "deck_versions.csv", edit, code, deck->error);
}

int toll_change_deck_file(struct toll_sources *sources, const struct toll_io *io,
                          const struct toll_change *change, struct toll_error *error)
{
    struct deck_edit deck = {.sources = sources, .change = change, .error = error};
    char name[FILE_BYTES];
    int code = deck_begin(&deck);

    if (code == 0)
        code = put_sheet(&deck, io, name);
    if (code == 0)
        code = set_version(&deck, name);
    return deck_end(&deck, code);
}
