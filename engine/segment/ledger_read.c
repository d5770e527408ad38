/* Reading a ledger: every entry, and whether they follow from each other. */
#include "segment/ledger.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY "restore the ledger from a backup"

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "out of memory for the ledger");
}

static int wrong(const struct toll_ledger *ledger, const char *name, const char *what,
                 struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s/%s: %s; " REMEDY, ledger->path, name, what);
}

/* ---- an entry ---- */

static int read_file(struct toll_ledger *ledger, int directory, const char *entry, const char *file,
                     struct toll_blob *blob, struct toll_error *error)
{
    struct toll_error reason;
    const int rc = toll_blob_read(blob, ledger->io, directory, file, TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(error, TOLL_EDATA, "%s/%s/%s: is not there; " REMEDY, ledger->path, entry,
                              file);
    if (rc != 0)
        return toll_error_set(error, rc, "%s/%s/%s", ledger->path, entry, reason.text);
    ledger->files++;
    ledger->bytes += (int64_t)blob->size;
    return 0;
}

static int read_manifest(struct toll_ledger *ledger, const char *name, const struct toll_blob *blob,
                         struct toll_ledger_record *record, struct toll_error *error)
{
    struct toll_manifest text;
    char *path = NULL;
    if (asprintf(&path, "%s/%s/" TOLL_LEDGER_MANIFEST, ledger->path, name) < 0)
        return no_memory(error);
    int rc = toll_manifest_begin(&text, path, blob->data, blob->size, TOLL_LEDGER_SCHEMA, error);
    if (rc != 0) {
        free(path);
        return rc;
    }
    const char *kind = toll_manifest_text(&text, text.root, "kind");
    record->seq = toll_manifest_int(&text, text.root, "seq", 1);
    record->original = strcmp(kind, "run") == 0;
    if (!record->original && strcmp(kind, "delta") != 0)
        toll_manifest_fault(&text, "its kind is not known");
    record->posted = toll_manifest_hash(&text, text.root, "posted");
    record->run = toll_manifest_hash(&text, text.root, "run");
    if (record->seq > 1)
        record->before = toll_manifest_hash(&text, text.root, "before");
    record->changed = toll_manifest_int(&text, text.root, "changed", 0);
    record->amounts_bytes = toll_manifest_int(&text, text.root, "amounts_bytes", 1);
    record->amounts_hash = toll_manifest_hash(&text, text.root, "amounts_xxh3");
    record->digest = text.digest;
    rc = toll_manifest_end(&text, error);
    toll_manifest_free(&text);
    free(path);
    return rc;
}

static int read_amounts(struct toll_ledger *ledger, const char *name, const struct toll_blob *blob,
                        struct toll_ledger_record *record, struct toll_error *error)
{
    void *rows = NULL;
    if ((int64_t)blob->size != record->amounts_bytes ||
        !toll_hash_equal(toll_hash(blob->data, blob->size), record->amounts_hash))
        return wrong(ledger, name, TOLL_LEDGER_AMOUNTS " is not what its manifest says", error);
    const int rc = toll_run_table_decode(&toll_ledger_amounts, TOLL_LEDGER_AMOUNTS, blob->data, blob->size,
                                         &ledger->arena, &rows, &record->row_count, error);
    record->rows = rows;
    for (int64_t i = 1; rc == 0 && i < record->row_count; i++) {
        const struct toll_ledger_row *row = &record->rows[i];
        const int order = strcmp(row[-1].account, row->account);
        if (order > 0 || (order == 0 && strcmp(row[-1].currency, row->currency) >= 0))
            return wrong(ledger, name, "its amounts are not in order", error);
    }
    return toll_error_within(error, rc, ledger->path);
}

static int read_entry(struct toll_ledger *ledger, int directory, const char *name, struct toll_error *error)
{
    struct toll_ledger_record *record = &ledger->entries[ledger->entry_count];
    struct toll_blob manifest = {0}, amounts = {0};
    const int fd = toll_open_folder(ledger->io, directory, name, O_NOFOLLOW);
    if (fd < 0)
        return toll_error_errno(error, fd == -ENOTDIR || fd == -ELOOP ? TOLL_EDATA : TOLL_EIO, -fd,
                                "%s/%s: cannot be opened as an entry of a ledger", ledger->path, name);
    int rc = read_file(ledger, fd, name, TOLL_LEDGER_MANIFEST, &manifest, error);
    if (rc == 0)
        rc = read_manifest(ledger, name, &manifest, record, error);
    if (rc == 0)
        rc = read_file(ledger, fd, name, TOLL_LEDGER_AMOUNTS, &amounts, error);
    if (rc == 0)
        rc = read_amounts(ledger, name, &amounts, record, error);
    ledger->entry_count++; /* also of a bad one: what it holds is freed */
    toll_blob_free(&manifest);
    toll_blob_free(&amounts);
    ledger->io->close(ledger->io->context, fd);
    return rc;
}

/* ---- the chain ---- */

static int check_entry(const struct toll_ledger *ledger, int64_t index, struct toll_error *error)
{
    const struct toll_ledger_record *record = &ledger->entries[index];
    char name[TOLL_LEDGER_NAME_BYTES];
    toll_ledger_entry_name(index + 1, name);
    if (record->seq != index + 1)
        return wrong(ledger, name, "its number is not that of its name", error);
    if (record->original != (index == 0) ||
        (record->original && !toll_hash_equal(record->posted, record->run)))
        return wrong(ledger, name, "a ledger begins with a run and goes on with deltas", error);
    if (index > 0 && !toll_hash_equal(record->before, record[-1].digest))
        return wrong(ledger, name, "the entry before is another one than when it was posted", error);
    return 0;
}

static const struct toll_ledger_row *row_at(const struct toll_ledger *ledger,
                                            const struct toll_ledger_place *place)
{
    return &ledger->entries[place->entry].rows[place->row];
}

const struct toll_ledger_row *toll_ledger_place_row(const struct toll_ledger *ledger, int64_t place)
{
    return row_at(ledger, &ledger->places[place]);
}

static int compare_places(const void *a, const void *b, void *context)
{
    const struct toll_ledger_place *x = a, *y = b;
    const struct toll_ledger_row *left = row_at(context, x), *right = row_at(context, y);
    int order = strcmp(left->account, right->account);
    if (order == 0)
        order = strcmp(left->currency, right->currency);
    return order != 0 ? order : (x->entry > y->entry) - (x->entry < y->entry);
}

static bool same_account(const struct toll_ledger_row *a, const struct toll_ledger_row *b)
{
    return strcmp(a->account, b->account) == 0 && strcmp(a->currency, b->currency) == 0;
}

/* Each amount goes on from the one before of its account and currency. */
static int check_amounts(const struct toll_ledger *ledger, struct toll_error *error)
{
    const struct toll_ledger_row *last = NULL;
    for (int64_t i = 0; i < ledger->place_count; i++) {
        const struct toll_ledger_place *place = &ledger->places[i];
        const struct toll_ledger_row *row = row_at(ledger, place);
        const int64_t before = last != NULL && same_account(last, row) ? last->after : 0;
        if (row->before != before) {
            char name[TOLL_LEDGER_NAME_BYTES];
            toll_ledger_entry_name(place->entry + 1, name);
            return toll_error_set(
                error, TOLL_EDATA,
                "%s/%s: account %s does not go on from what the entries before add up to; " REMEDY,
                ledger->path, name, row->account);
        }
        last = row;
    }
    return 0;
}

static int list_places(struct toll_ledger *ledger, struct toll_error *error)
{
    int64_t count = 0;
    for (int64_t i = 0; i < ledger->entry_count; i++)
        count += ledger->entries[i].row_count;
    ledger->places = calloc((size_t)count + 1, sizeof *ledger->places);
    if (ledger->places == NULL)
        return no_memory(error);
    for (int64_t i = 0; i < ledger->entry_count; i++)
        for (int64_t k = 0; k < ledger->entries[i].row_count; k++)
            ledger->places[ledger->place_count++] = (struct toll_ledger_place){i, k};
    qsort_r(ledger->places, (size_t)count, sizeof *ledger->places, compare_places, ledger);
    return 0;
}

/* ---- all of it ---- */

#define TEMP_SUFFIX ".tollmill.tmp" /* io/publish.h: an entry that is being posted, or was not */

static bool is_temporary(const char *name)
{
    const size_t bytes = strlen(name), suffix = strlen(TEMP_SUFFIX);
    return bytes > suffix && strcmp(name + bytes - suffix, TEMP_SUFFIX) == 0;
}

static int read_entries(struct toll_ledger *ledger, int directory, struct toll_error *error)
{
    char **names;
    size_t count;
    int rc = toll_list_directory(ledger->io, directory, ".", &names, &count, error);
    if (rc != 0)
        return toll_error_within(error, rc, ledger->path);
    ledger->entries = calloc(count + 1, sizeof *ledger->entries);
    if (ledger->entries == NULL)
        rc = no_memory(error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char name[TOLL_LEDGER_NAME_BYTES];
        if (is_temporary(names[i]))
            continue;
        toll_ledger_entry_name(ledger->entry_count + 1, name);
        if (strcmp(names[i], name) != 0)
            rc = toll_error_set(error, TOLL_EDATA,
                                "%s: holds %s where entry %s of a ledger would be: it is no ledger, or was "
                                "changed by hand",
                                ledger->path, names[i], name);
        if (rc == 0)
            rc = read_entry(ledger, directory, name, error);
        if (rc == 0)
            rc = check_entry(ledger, ledger->entry_count - 1, error);
    }
    toll_names_free(names, count);
    return rc;
}

int toll_ledger_open_with(const struct toll_io *io, const char *path, struct toll_ledger **out,
                          struct toll_error *error)
{
    struct toll_ledger *ledger = calloc(1, sizeof *ledger);
    *out = NULL;
    if (ledger == NULL)
        return no_memory(error);
    ledger->io = io;
    ledger->path = strdup(path);
    int rc = ledger->path == NULL ? no_memory(error) : 0;
    const int fd = rc != 0 ? -1 : toll_open_folder(io, AT_FDCWD, path, 0);
    if (rc == 0 && fd < 0)
        rc = toll_error_errno(
            error, fd == -ENOENT || fd == -ENOTDIR ? TOLL_ENOINPUT : TOLL_EIO, -fd,
            "%s: cannot be opened as a ledger; tollmill ledger LEDGER --post RUN begins one", path);
    if (rc == 0)
        rc = read_entries(ledger, fd, error);
    if (rc == 0)
        rc = list_places(ledger, error);
    if (rc == 0)
        rc = check_amounts(ledger, error);
    if (fd >= 0)
        io->close(io->context, fd);
    if (rc != 0)
        toll_ledger_close(ledger);
    else
        *out = ledger;
    return rc;
}

int toll_ledger_open(const char *ledger_path, struct toll_ledger **out, struct toll_error *error)
{
    return toll_ledger_open_with(toll_io_system(), ledger_path, out, error);
}

void toll_ledger_close(struct toll_ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (int64_t i = 0; i < ledger->entry_count; i++)
        free(ledger->entries[i].rows);
    free(ledger->entries);
    free(ledger->places);
    toll_arena_free(&ledger->arena);
    free(ledger->path);
    free(ledger);
}

bool toll_ledger_entry(const struct toll_ledger *ledger, int64_t index, struct toll_ledger_entry *out)
{
    if (index < 0 || index >= ledger->entry_count)
        return false;
    const struct toll_ledger_record *record = &ledger->entries[index];
    *out = (struct toll_ledger_entry){
        .seq = record->seq, .original = record->original, .changed = record->changed};
    toll_hash_text(record->posted, out->posted);
    toll_hash_text(record->run, out->run);
    return true;
}

static struct toll_sum sum_of(toll_total total)
{
    return (struct toll_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

bool toll_ledger_amount(const struct toll_ledger *ledger, int64_t index, struct toll_ledger_amount *out)
{
    if (index < 0 || index >= ledger->place_count)
        return false;
    const struct toll_ledger_place *place = &ledger->places[index];
    const struct toll_ledger_row *row = row_at(ledger, place);
    *out = (struct toll_ledger_amount){
        .seq = ledger->entries[place->entry].seq,
        .account = row->account,
        .currency = row->currency,
        .charge = sum_of((toll_total)row->after - row->before),
        .due = sum_of(row->due),
        .due_tax_cents = row->due_tax_cents,
    };
    return true;
}
