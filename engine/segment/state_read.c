/* Reading a state, from its directory or from the run that holds a copy. */
#include "base/check.h"
#include "base/error.h"
#include "segment/run_files.h"
#include "segment/state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEDY "close the run that it was made of again"

struct owned {
    struct toll_arena arena;
    struct toll_blob manifest;
    struct toll_blob files[TOLL_STATE_FILES];
};

/* Where the files are. */
struct source {
    const struct toll_io *io;
    int directory;
    const char *path;
};

static int damaged(const struct source *source, const char *name, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s/%s: is missing or not what " TOLL_STATE_MANIFEST
                          " says; restore it from a backup "
                          "or " REMEDY,
                          source->path, name);
}

static int read_manifest(const struct source *source, struct toll_state *state,
                         struct toll_run_file files[TOLL_STATE_FILES], struct toll_error *error)
{
    struct owned *owned = state->owned;
    struct toll_manifest text;
    char *path = NULL;
    struct toll_error reason;
    int rc = toll_blob_read(&owned->manifest, source->io, source->directory, TOLL_STATE_MANIFEST,
                            TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(error, rc,
                              "%s: is no state, it has no " TOLL_STATE_MANIFEST "; tollmill close "
                              "makes one",
                              source->path);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", source->path, reason.text);
    if (asprintf(&path, "%s/" TOLL_STATE_MANIFEST, source->path) < 0)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", source->path);
    rc = toll_manifest_begin(&text, path, owned->manifest.data, owned->manifest.size, TOLL_STATE_SCHEMA,
                             &reason);
    if (rc) {
        free(path);
        return toll_error_set(error, rc, "%s; restore it from a backup or " REMEDY, reason.text);
    }
    state->until = toll_manifest_day(&text, text.root, "until");
    state->begun = toll_manifest_day(&text, text.root, "begun");
    state->begun_first = toll_manifest_int(&text, text.root, "begun_first_ms", INT64_MIN);
    state->closed_rows = toll_manifest_int(&text, text.root, "closed_rows", 0);
    state->cdr_hash = toll_manifest_hash(&text, text.root, "cdr_hash");
    state->book_hash = toll_manifest_hash(&text, text.root, "book_hash");
    state->run_digest = toll_manifest_hash(&text, text.root, "run_digest");
    state->digest = text.digest;
    struct toll_yaml *list = toll_manifest_list(&text, text.root, "files");
    size_t count = 0;
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next, count++) {
        const char *name = toll_manifest_text(&text, map, "name");
        const int64_t bytes = toll_manifest_int(&text, map, "bytes", 1);
        const struct toll_hash128 hash = toll_manifest_hash(&text, map, "xxh3");
        if (count >= TOLL_STATE_FILES || strcmp(name, toll_state_tables[count].file) != 0) {
            toll_manifest_fault(&text, "it has other files than a state");
            break;
        }
        files[count] = (struct toll_run_file){.bytes = bytes, .hash = hash};
    }
    if (list && count < TOLL_STATE_FILES)
        toll_manifest_fault(&text, "it has fewer files than a state");
    rc = toll_manifest_end(&text, error);
    toll_manifest_free(&text);
    free(path);
    return rc;
}

static int read_table(const struct source *source, struct toll_state *state, enum toll_state_file index,
                      const struct toll_run_file *wanted, struct toll_error *error)
{
    const struct toll_state_table *table = &toll_state_tables[index];
    struct owned *owned = state->owned;
    struct toll_blob *blob = &owned->files[index];
    struct toll_error reason;
    void *rows = NULL;
    int64_t count = 0;
    int rc = toll_blob_read(blob, source->io, source->directory, table->file, TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return damaged(source, table->file, error);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", source->path, reason.text);
    if ((int64_t)blob->size != wanted->bytes ||
        !toll_hash_equal(toll_hash(blob->data, blob->size), wanted->hash))
        return damaged(source, table->file, error);
    rc = toll_run_table_decode(table->table, table->file, blob->data, blob->size, &owned->arena, &rows,
                               &count, error);
    if (rc)
        return toll_error_within(error, rc, source->path);
    memcpy((char *)state + table->rows, &rows, sizeof rows);
    memcpy((char *)state + table->count, &count, sizeof count);
    return 0;
}

static int load(struct toll_state *state, const struct source *source, struct toll_error *error)
{
    struct toll_run_file files[TOLL_STATE_FILES] = {0};
    *state = (struct toll_state){.owned = calloc(1, sizeof(struct owned))};
    if (state->owned == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", source->path);
    int rc = read_manifest(source, state, files, error);
    for (unsigned i = 0; rc == 0 && i < TOLL_STATE_FILES; i++) {
        rc = read_table(source, state, i, &files[i], error);
        state->bytes += files[i].bytes;
    }
    state->file_count = TOLL_STATE_FILES + 1;
    bool no_memory = false;
    if (rc == 0 && !toll_state_good(state, &no_memory))
        rc = no_memory ? toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", source->path)
                       : toll_error_set(error, TOLL_EDATA, "%s: its tables do not fit together; " REMEDY,
                                        source->path);
    if (rc)
        toll_state_close(state);
    return rc;
}

int toll_state_open(struct toll_state *state, const struct toll_io *io, const char *path,
                    struct toll_error *error)
{
    *state = (struct toll_state){0};
    const int fd = toll_open_folder(io, AT_FDCWD, path, 0);
    if (fd < 0)
        return toll_error_errno(error, fd == -ENOENT || fd == -ENOTDIR ? TOLL_ENOINPUT : TOLL_EIO, -fd,
                                "%s: cannot be opened as a state; tollmill close makes one of the run before",
                                path);
    const struct source source = {io, fd, path};
    const int rc = load(state, &source, error);
    io->close(io->context, fd);
    return rc;
}

bool toll_run_has_state(const struct toll_run_files *run)
{
    const struct toll_run_owned *owned = toll_run_owned(run);
    for (size_t i = 0; i < owned->file_count; i++)
        if (strcmp(owned->files[i].name, TOLL_STATE_MANIFEST) == 0)
            return true;
    return false;
}

int toll_state_of_run(struct toll_state *state, const struct toll_run_files *run, struct toll_error *error)
{
    const struct source source = {run->io, run->directory, run->path};
    *state = (struct toll_state){0};
    if (!toll_run_has_state(run))
        return toll_error_set(error, TOLL_ENOINPUT, "%s: does not go on from a closed run", run->path);
    return load(state, &source, error);
}

int toll_state_keep(const struct toll_state *state, struct toll_run_writer *writer, struct toll_error *error)
{
    const struct owned *owned = state->owned;
    int rc =
        toll_run_add_file(writer, TOLL_STATE_MANIFEST, owned->manifest.data, owned->manifest.size, error);
    for (unsigned i = 0; rc == 0 && i < TOLL_STATE_FILES; i++)
        rc = toll_run_add_file(writer, toll_state_tables[i].file, owned->files[i].data, owned->files[i].size,
                               error);
    return rc;
}

void toll_state_close(struct toll_state *state)
{
    struct owned *owned = state->owned;
    if (owned == NULL)
        return;
    for (unsigned i = 0; i < TOLL_STATE_FILES; i++) {
        void *rows;
        memcpy(&rows, (char *)state + toll_state_tables[i].rows, sizeof rows);
        free(rows);
        toll_blob_free(&owned->files[i]);
    }
    toll_blob_free(&owned->manifest);
    toll_arena_free(&owned->arena);
    free(owned);
    *state = (struct toll_state){0};
}
