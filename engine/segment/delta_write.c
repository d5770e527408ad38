/* Writing a delta: into a directory that appears whole, or not at all. */
#include "base/check.h"
#include "base/error.h"
#include "segment/delta_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_MODE 0750

struct toll_delta_writer {
    struct toll_publish publish;
    struct toll_syncs *syncs; /* brings files to disk together */
    struct toll_run_file files[TOLL_DELTA_FILES];
    bool added[TOLL_DELTA_FILES];
    struct toll_delta_day *days;
    size_t day_count, day_room;
};

int toll_delta_create(const struct toll_io *io, const char *path, struct toll_delta_writer **out,
                      struct toll_error *error)
{
    struct toll_delta_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    if (!writer)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    int rc = toll_publish_begin(&writer->publish, io, path, error);
    if (rc) {
        free(writer);
        return rc;
    }
    rc = toll_syncs_open(&writer->syncs, io, error);
    if (rc) {
        toll_delta_abandon(writer);
        return rc;
    }
    const int made = io->mkdirat(io->context, writer->publish.directory, TOLL_DELTA_LINES, FOLDER_MODE);
    if (made < 0)
        rc = toll_error_errno(error, TOLL_ECREATE, -made, "%s/" TOLL_DELTA_LINES ": cannot be made", path);
    if (rc)
        toll_delta_abandon(writer);
    else
        *out = writer;
    return rc;
}

/* ---- lines ---- */

static int no_memory(const struct toll_delta_writer *writer, struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", writer->publish.final_path);
}

struct file {
    const struct toll_io *io;
    int fd;
    const char *name;
};

static int write_piece(void *context, const void *data, size_t bytes, int64_t offset,
                       struct toll_error *error)
{
    const struct file *file = context;
    return toll_write_at(file->io, file->fd, file->name, data, bytes, offset, error);
}

static int write_columns(struct toll_delta_writer *writer, int64_t day,
                         const struct toll_arrow_column columns[TOLL_DELTA_LINE_COLUMNS], int64_t count,
                         struct toll_error *error)
{
    char name[sizeof TOLL_DELTA_LINES "/.arrow" + TOLL_TIME_TEXT_BYTES], text[TOLL_TIME_TEXT_BYTES];
    struct toll_delta_day *to = &writer->days[writer->day_count];
    toll_day_format(day, text);
    snprintf(name, sizeof name, TOLL_DELTA_LINES "/%s.arrow", text);
    *to = (struct toll_delta_day){.day = day, .rows = count};
    const struct toll_io *io = writer->publish.io;
    const int fd = toll_arrow_file_create(io, writer->publish.directory, name, error);
    if (fd < 0)
        return toll_error_within(error, fd, writer->publish.temp_path);
    struct file file = {io, fd, name};
    const struct toll_arrow_sink sink = {write_piece, &file};
    int rc = toll_arrow_write(&toll_delta_line_schema, count, columns, NULL, &sink, &to->seal.bytes,
                              &to->seal.digest, error);
    if (rc == 0)
        rc = toll_syncs_add(writer->syncs, &(struct toll_sync_file){.fd = fd, .name = name}, error);
    else
        io->close(io->context, fd);
    writer->day_count += rc == 0;
    return toll_error_within(error, rc, writer->publish.temp_path);
}

int toll_delta_add_lines(struct toll_delta_writer *writer, int64_t day,
                         const struct toll_delta_line_row *rows, size_t stride, int64_t count,
                         struct toll_error *error)
{
    struct toll_arrow_column columns[TOLL_DELTA_LINE_COLUMNS] = {0};
    void *values[TOLL_DELTA_LINE_COLUMNS];
    bool room = true;
    int rc = 0;
    TOLL_ASSERT(count > 0 && (writer->day_count == 0 || writer->days[writer->day_count - 1].day < day));
    if (writer->day_count == writer->day_room) {
        const size_t wanted = 2 * writer->day_room + 32;
        struct toll_delta_day *grown = realloc(writer->days, wanted * sizeof *grown);
        if (!grown)
            return no_memory(writer, error);
        writer->days = grown;
        writer->day_room = wanted;
    }
    for (unsigned c = 0; c < TOLL_DELTA_LINE_COLUMNS; c++) {
        values[c] = malloc((size_t)count * toll_arrow_width(toll_delta_line_schema.fields[c].type));
        columns[c].values = values[c];
        room &= values[c] != NULL;
    }
    if (room) {
        toll_delta_lines_to_columns(rows, stride, count, values);
        rc = write_columns(writer, day, columns, count, error);
    } else {
        rc = no_memory(writer, error);
    }
    for (unsigned c = 0; c < TOLL_DELTA_LINE_COLUMNS; c++)
        free(values[c]);
    return rc;
}

/* ---- tables ---- */

static int add_table(struct toll_delta_writer *writer, enum toll_delta_file index, const void *rows,
                     int64_t count, struct toll_error *error)
{
    const struct toll_run_table *table = toll_delta_tables[index].table;
    struct toll_arrow_memory memory = {0};
    TOLL_ASSERT(!writer->added[index]);
    if (count == 0)
        return 0;
    int rc = toll_run_table_encode(table, rows, count, &memory, error);
    if (rc)
        return rc;
    struct toll_run_file *file = &writer->files[index];
    *file =
        (struct toll_run_file){.bytes = (int64_t)memory.size, .hash = toll_hash(memory.bytes, memory.size)};
    memcpy(file->name, table->file, strlen(table->file) + 1);
    writer->added[index] = true;
    const int fd = toll_arrow_file_create(writer->publish.io, writer->publish.directory, table->file, error);
    if (fd >= 0)
        rc = toll_syncs_add(writer->syncs,
                            &(struct toll_sync_file){.fd = fd,
                                                     .name = table->file,
                                                     .data = memory.bytes,
                                                     .bytes = memory.size,
                                                     .owned = memory.bytes},
                            error);
    else
        free(memory.bytes), rc = fd;
    return toll_error_within(error, rc, writer->publish.temp_path);
}

int toll_delta_add_payers(struct toll_delta_writer *writer, const struct toll_delta_payer_row *rows,
                          int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_PAYERS, rows, count, error);
}

int toll_delta_add_prices(struct toll_delta_writer *writer, const struct toll_price_row *rows, int64_t count,
                          struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_PRICES, rows, count, error);
}

int toll_delta_add_pools(struct toll_delta_writer *writer, const struct toll_delta_pool_row *rows,
                         int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_POOLS, rows, count, error);
}

int toll_delta_add_tuples(struct toll_delta_writer *writer, const struct toll_tuple_row *rows, int64_t count,
                          struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_TUPLES, rows, count, error);
}

int toll_delta_add_sums(struct toll_delta_writer *writer, const struct toll_delta_sum_row *rows,
                        int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_SUMS, rows, count, error);
}

int toll_delta_add_reasons(struct toll_delta_writer *writer, const struct toll_delta_reason_row *rows,
                           int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_REASON_SUMS, rows, count, error);
}

int toll_delta_add_taxes(struct toll_delta_writer *writer, const struct toll_delta_tax_row *rows,
                         int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_TAXES, rows, count, error);
}

int toll_delta_add_adjusting(struct toll_delta_writer *writer, const struct toll_adjusting_row *rows,
                             int64_t count, struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_ADJUSTING, rows, count, error);
}

int toll_delta_add_adjusting_taxes(struct toll_delta_writer *writer,
                                   const struct toll_adjusting_tax_row *rows, int64_t count,
                                   struct toll_error *error)
{
    return add_table(writer, TOLL_DELTA_ADJUSTING_TAXES, rows, count, error);
}

/* ---- the end ---- */

/* The lines' files are synced by themselves; this makes their names last. */
static int sync_lines(const struct toll_delta_writer *writer, struct toll_error *error)
{
    const struct toll_publish *publish = &writer->publish;
    const struct toll_io *io = publish->io;
    const int fd = toll_open_folder(io, publish->directory, TOLL_DELTA_LINES, 0);
    if (fd < 0)
        return toll_error_errno(error, TOLL_EIO, -fd, "%s/" TOLL_DELTA_LINES ": cannot be opened",
                                publish->temp_path);
    const int rc =
        toll_syncs_add(writer->syncs, &(struct toll_sync_file){.fd = fd, .name = TOLL_DELTA_LINES}, error);
    return toll_error_within(error, rc, publish->temp_path);
}

int toll_delta_publish(struct toll_delta_writer *writer, const struct toll_delta_manifest *manifest,
                       struct toll_error *error)
{
    struct toll_publish *publish = &writer->publish;
    struct toll_delta_manifest whole = *manifest;
    struct toll_json json = {0};
    whole.days = writer->days;
    whole.day_count = writer->day_count;
    int rc = toll_delta_manifest_encode(&json, &whole, writer->files, error);
    if (rc == 0)
        rc = sync_lines(writer, error);
    if (rc == 0)
        rc = toll_error_within(error,
                               toll_write_file(publish->io, publish->directory, TOLL_DELTA_MANIFEST,
                                               json.text, json.bytes, error),
                               publish->temp_path);
    if (rc == 0)
        rc = toll_error_within(error, toll_syncs_wait(writer->syncs, error), publish->temp_path);
    if (rc == 0)
        rc = toll_publish_commit(publish, error);
    toll_json_free(&json);
    return rc;
}

void toll_delta_abandon(struct toll_delta_writer *writer)
{
    if (!writer)
        return;
    toll_syncs_close(writer->syncs);
    toll_publish_end(&writer->publish);
    free(writer->days);
    free(writer);
}
