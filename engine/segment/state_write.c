/* Writing a state: its tables, then state.json, into a directory that appears whole. */
#include "base/check.h"
#include "base/error.h"
#include "io/publish.h"
#include "segment/state_files.h"

#include <stdlib.h>
#include <string.h>

struct written {
    struct toll_run_file files[TOLL_STATE_FILES];
};

static int write_table(const struct toll_publish *publish, const struct toll_state *state,
                       const struct toll_state_table *table, struct toll_run_file *file,
                       struct toll_error *error)
{
    const char *base = (const char *)state;
    struct toll_arrow_memory memory = {0};
    const void *rows;
    int64_t count;
    memcpy(&rows, base + table->rows, sizeof rows);
    memcpy(&count, base + table->count, sizeof count);
    int rc = toll_run_table_encode(table->table, rows, count, &memory, error);
    if (rc)
        return rc;
    *file =
        (struct toll_run_file){.bytes = (int64_t)memory.size, .hash = toll_hash(memory.bytes, memory.size)};
    memcpy(file->name, table->file, strlen(table->file) + 1);
    rc = toll_write_file(publish->io, publish->directory, table->file, memory.bytes, memory.size, error);
    free(memory.bytes);
    return toll_error_within(error, rc, publish->temp_path);
}

static int encode(struct toll_json *json, const struct toll_state *state, const struct written *written,
                  struct toll_error *error)
{
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_STATE_SCHEMA);
    toll_manifest_put_day(json, "until", state->until);
    toll_manifest_put_day(json, "begun", state->begun);
    toll_json_int(json, "begun_first_ms", state->begun_first);
    toll_json_int(json, "closed_rows", state->closed_rows);
    toll_manifest_put_hash(json, "cdr_hash", state->cdr_hash);
    toll_manifest_put_hash(json, "book_hash", state->book_hash);
    toll_manifest_put_hash(json, "run_digest", state->run_digest);
    toll_json_open_list(json, "files");
    for (size_t i = 0; i < TOLL_STATE_FILES; i++)
        toll_manifest_put_file(json, written->files[i].name, written->files[i].bytes, written->files[i].hash);
    toll_json_close_list(json);
    return toll_manifest_finish(json, TOLL_STATE_MANIFEST, error);
}

int toll_state_write(const struct toll_io *io, const char *path, const struct toll_state *state,
                     struct toll_error *error)
{
    struct toll_publish publish = {0};
    struct written written;
    struct toll_json json = {0};
    bool no_memory = false;
    TOLL_ASSERT(toll_state_good(state, &no_memory) || no_memory);
    int rc = toll_publish_begin(&publish, io, path, error);
    if (rc)
        return rc;
    for (size_t i = 0; rc == 0 && i < TOLL_STATE_FILES; i++)
        rc = write_table(&publish, state, &toll_state_tables[i], &written.files[i], error);
    if (rc == 0)
        rc = encode(&json, state, &written, error);
    if (rc == 0)
        rc = toll_error_within(
            error, toll_write_file(io, publish.directory, TOLL_STATE_MANIFEST, json.text, json.bytes, error),
            publish.temp_path);
    if (rc == 0)
        rc = toll_publish_commit(&publish, error);
    toll_json_free(&json);
    toll_publish_end(&publish);
    return rc;
}
