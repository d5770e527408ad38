/* Writing a run: into a directory that appears whole, or not at all. */
#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "segment/run_tables.h"
#include "segment/run_text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_MODE 0750
#define DIRECT_BYTES ((size_t)4 << 20) /* below that the page cache's copy costs next to nothing */

struct toll_run_writer {
    struct toll_publish publish;
    struct toll_syncs *syncs; /* NULL: each file is brought to disk at once */
    unsigned threads;         /* that make tables; 0 as 1 */
    toll_hash_kernel *hash;
    toll_hash_add_kernel *hash_add;
    bool direct;          /* large files go past the page cache */
    pthread_mutex_t lock; /* of the files */
    struct toll_run_file files[TOLL_RUN_FILES];
    size_t file_count;
};

int toll_run_create(const struct toll_io *io, const char *path, struct toll_run_writer **out,
                    struct toll_error *error)
{
    struct toll_run_writer *writer = calloc(1, sizeof *writer);
    *out = NULL;
    if (!writer)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    pthread_mutex_init(&writer->lock, NULL);
    writer->hash = toll_hash;
    writer->hash_add = toll_hash_add;
    int rc = toll_publish_begin(&writer->publish, io, path, error);
    if (rc) {
        pthread_mutex_destroy(&writer->lock);
        free(writer);
        return rc;
    }
    int made = io->mkdirat(io->context, writer->publish.directory, TOLL_RUN_LINES, FOLDER_MODE);
    if (made < 0)
        rc = toll_error_errno(error, TOLL_ECREATE, -made, "%s/" TOLL_RUN_LINES ": cannot be made", path);
    if (rc)
        toll_run_abandon(writer);
    else
        *out = writer;
    return rc;
}

int toll_run_directory(const struct toll_run_writer *writer)
{
    return writer->publish.directory;
}

int toll_run_sync_together(struct toll_run_writer *writer, bool direct, struct toll_error *error)
{
    writer->direct = direct;
    return toll_syncs_open(&writer->syncs, writer->publish.io, error);
}

void toll_run_make_by(struct toll_run_writer *writer, unsigned threads)
{
    if (writer->syncs != NULL)
        writer->threads = threads;
}

struct toll_syncs *toll_run_syncs(const struct toll_run_writer *writer)
{
    return writer->syncs;
}

void toll_run_hash_with(struct toll_run_writer *writer, toll_hash_kernel *hash,
                        toll_hash_add_kernel *hash_add)
{
    writer->hash = hash;
    writer->hash_add = hash_add;
}

unsigned toll_run_threads(const struct toll_run_writer *writer)
{
    return writer->threads;
}

int toll_run_wait(struct toll_run_writer *writer, struct toll_error *error)
{
    const int rc = writer->syncs == NULL ? 0 : toll_syncs_wait(writer->syncs, error);
    return toll_error_within(error, rc, writer->publish.temp_path);
}

/* Reserves the file's space, too, so that writes past the page cache need not make it longer one by one. */
static int open_direct(const struct toll_run_writer *writer, int fd, const char *name, size_t bytes)
{
    const struct toll_io *io = writer->publish.io;
    const int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_DIRECT;
    if (!writer->direct || bytes < DIRECT_BYTES || io->fallocate(io->context, fd, 0, (int64_t)bytes) < 0)
        return -1;
    return io->openat(io->context, writer->publish.directory, name, flags, 0);
}

/* Notes a file of the manifest; its hash is to follow. */
static struct toll_hash128 *note_file(struct toll_run_writer *writer, const char *name, size_t bytes)
{
    TOLL_ASSERT(toll_run_file_name_valid(name));
    pthread_mutex_lock(&writer->lock);
    TOLL_ASSERT(writer->file_count < TOLL_RUN_FILES);
    struct toll_run_file *file = &writer->files[writer->file_count++];
    pthread_mutex_unlock(&writer->lock);
    file->bytes = (int64_t)bytes;
    memcpy(file->name, name, strlen(name) + 1);
    return &file->hash;
}

/* A file that the list writes, from data that stay, or are its own; hash may be NULL. */
static int hand_over(const struct toll_run_writer *writer, const char *name, const void *data, size_t bytes,
                     void *owned, struct toll_hash128 *hash, struct toll_error *error)
{
    const struct toll_publish *publish = &writer->publish;
    const int fd = toll_arrow_file_create(publish->io, publish->directory, name, error);
    if (fd >= 0)
        return toll_syncs_add(writer->syncs,
                              &(struct toll_sync_file){.fd = fd,
                                                       .direct = open_direct(writer, fd, name, bytes),
                                                       .name = name,
                                                       .data = data,
                                                       .bytes = bytes,
                                                       .owned = owned,
                                                       .kernel = writer->hash,
                                                       .hash = hash},
                              error);
    free(owned);
    return fd;
}

static int hand_over_copy(const struct toll_run_writer *writer, const char *name, const void *data,
                          size_t bytes, struct toll_error *error)
{
    void *copy = malloc(bytes + 1);
    if (!copy)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    memcpy(copy, data, bytes);
    return hand_over(writer, name, copy, bytes, copy, NULL, error);
}

static int write_file(const struct toll_run_writer *writer, const char *name, const void *data, size_t bytes,
                      struct toll_error *error)
{
    const struct toll_publish *publish = &writer->publish;
    const int rc = writer->syncs ? hand_over_copy(writer, name, data, bytes, error)
                                 : toll_write_file(publish->io, publish->directory, name, data, bytes, error);
    return toll_error_within(error, rc, publish->temp_path);
}

int toll_run_add_file(struct toll_run_writer *writer, const char *name, const void *data, size_t bytes,
                      struct toll_error *error)
{
    *note_file(writer, name, bytes) = writer->hash(data, bytes);
    return write_file(writer, name, data, bytes, error);
}

int toll_run_add_lasting_file(struct toll_run_writer *writer, const char *name, const void *data,
                              size_t bytes, struct toll_error *error)
{
    if (!writer->syncs)
        return toll_run_add_file(writer, name, data, bytes, error);
    const int rc = hand_over(writer, name, data, bytes, NULL, note_file(writer, name, bytes), error);
    return toll_error_within(error, rc, writer->publish.temp_path);
}

/* Frees what was made. */
static int add_encoded(struct toll_run_writer *writer, const char *name, struct toll_arrow_memory *memory,
                       struct toll_error *error)
{
    int rc;
    if (!writer->syncs) {
        rc = toll_run_add_file(writer, name, memory->bytes, memory->size, error);
        free(memory->bytes);
        return rc;
    }
    rc = hand_over(writer, name, memory->bytes, memory->size, memory->bytes,
                   note_file(writer, name, memory->size), error);
    return toll_error_within(error, rc, writer->publish.temp_path);
}

static int add_made_table(struct toll_run_writer *writer, const struct toll_run_table *table,
                          const struct toll_run_rows *rows, int64_t count, struct toll_error *error)
{
    struct toll_arrow_memory memory = {0};
    const int rc = toll_run_table_encode_by(table, rows, count, writer->threads, &memory, error);
    return rc ? rc : add_encoded(writer, table->file, &memory, error);
}

static int add_packed(struct toll_run_writer *writer, const struct toll_run_packed *packed,
                      const struct toll_run_rows *rows, int64_t count, struct toll_error *error)
{
    struct toll_arrow_memory memory = {0};
    const int rc = toll_run_packed_encode(packed, rows, count, writer->threads, &memory, NULL, error);
    return rc ? rc : add_encoded(writer, packed->table->file, &memory, error);
}

struct streamed {
    struct toll_run_writer *writer;
    const char *name;
    struct toll_hash128 **hash; /* of the manifest */
};

static int open_stream(const void *context, size_t bytes, size_t piece_bytes,
                       struct toll_sync_stream **stream, struct toll_error *error)
{
    const struct streamed *streamed = context;
    struct toll_run_writer *writer = streamed->writer;
    const struct toll_publish *publish = &writer->publish;
    const int fd = toll_arrow_file_create(publish->io, publish->directory, streamed->name, error);
    if (fd < 0)
        return fd;
    *streamed->hash = note_file(writer, streamed->name, bytes);
    const struct toll_sync_file file = {
        .fd = fd, .direct = open_direct(writer, fd, streamed->name, bytes), .name = streamed->name};
    return toll_syncs_stream(writer->syncs, &file, piece_bytes, stream, error);
}

static int add_columns(struct toll_run_writer *writer, struct toll_run_columns *columns,
                       struct toll_error *error)
{
    struct toll_hash128 *place = NULL, hash;
    const char *name = columns->packed->table->file;
    const struct streamed streamed = {writer, name, &place};
    columns->hash = writer->hash;
    columns->hash_add = writer->hash_add;
    if (!writer->syncs) {
        struct toll_arrow_memory memory;
        const int made = toll_run_columns_encode(columns, writer->threads, &memory, error);
        return made ? made : add_encoded(writer, name, &memory, error);
    }
    const struct toll_run_sink sink = {open_stream, &streamed};
    const int rc = toll_run_columns_write(columns, writer->threads, &sink, &hash, error);
    if (rc == 0)
        *place = hash;
    return toll_error_within(error, rc, writer->publish.temp_path);
}

static int add_table(struct toll_run_writer *writer, const struct toll_run_table *table, const void *rows,
                     int64_t count, struct toll_error *error)
{
    return add_made_table(writer, table, &(struct toll_run_rows){.rows = rows}, count, error);
}

int toll_run_add_accounts(struct toll_run_writer *writer, const struct toll_account_row *rows, int64_t count,
                          struct toll_error *error)
{
    return add_table(writer, &toll_run_accounts, rows, count, error);
}

int toll_run_add_prices(struct toll_run_writer *writer, const struct toll_price_row *rows, int64_t count,
                        struct toll_error *error)
{
    return toll_run_add_made_prices(writer, &(struct toll_run_rows){.rows = rows}, count, error);
}

int toll_run_add_made_prices(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                             struct toll_error *error)
{
    const struct toll_run_packed *packed = &toll_run_packed_prices;
    struct toll_arrow_memory memory, terms;
    int rc = toll_run_packed_encode(packed, rows, count, writer->threads, &memory, &terms, error);
    if (rc)
        return rc;
    rc = add_encoded(writer, packed->table->file, &memory, error);
    if (rc == 0)
        rc = add_encoded(writer, packed->terms->file, &terms, error);
    else
        free(terms.bytes);
    return rc;
}

/* In the order of the table. */
static void make_prices(const void *context, int64_t first, int64_t count, void *const *values)
{
    const struct toll_price_columns *columns = context;
    columns->make(columns->context, first, count,
                  &(struct toll_price_values){.id = values[0],
                                              .terms = values[1],
                                              .prefix = values[2],
                                              .destination = values[3],
                                              .rate = values[4],
                                              .line = values[5]});
}

int toll_run_add_price_columns(struct toll_run_writer *writer, const struct toll_price_columns *columns,
                               struct toll_error *error)
{
    struct toll_run_columns table = {
        .packed = &toll_run_packed_prices,
        .count = columns->count,
        .wide = (uint64_t)(columns->term_count > UINT16_MAX) << 1 | (uint64_t)columns->wide_rates << 4,
        .words = {[2] = columns->prefixes, [3] = columns->destinations},
        .make = make_prices,
        .context = columns,
    };
    const int rc = add_columns(writer, &table, error);
    return rc ? rc
              : add_table(writer, table.packed->terms, columns->terms, (int64_t)columns->term_count, error);
}

int toll_run_add_buckets(struct toll_run_writer *writer, const struct toll_bucket_row *rows, int64_t count,
                         struct toll_error *error)
{
    return add_table(writer, &toll_run_buckets, rows, count, error);
}

int toll_run_add_periods(struct toll_run_writer *writer, const struct toll_period_row *rows, int64_t count,
                         struct toll_error *error)
{
    TOLL_ASSERT(count > 0);
    return add_table(writer, &toll_run_periods, rows, count, error);
}

int toll_run_add_tuples(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                        struct toll_error *error)
{
    return add_packed(writer, &toll_run_packed_tuples, rows, count, error);
}

int toll_run_add_components(struct toll_run_writer *writer, const struct toll_run_rows *rows, int64_t count,
                            struct toll_error *error)
{
    return add_packed(writer, &toll_run_packed_components, rows, count, error);
}

int toll_run_add_pools(struct toll_run_writer *writer, const struct toll_pool_period_row *rows, int64_t count,
                       struct toll_error *error)
{
    TOLL_ASSERT(count > 0);
    return add_table(writer, &toll_run_pools, rows, count, error);
}

int toll_run_add_pool_draws(struct toll_run_writer *writer, const struct toll_pool_draw_row *rows,
                            int64_t count, struct toll_error *error)
{
    TOLL_ASSERT(count > 0);
    return add_table(writer, &toll_run_pool_draws, rows, count, error);
}

int toll_run_add_tier_counts(struct toll_run_writer *writer, const struct toll_tier_count_row *rows,
                             int64_t count, struct toll_error *error)
{
    TOLL_ASSERT(count > 0);
    return add_table(writer, &toll_run_tier_counts, rows, count, error);
}

/* The lines' files are synced by themselves; this makes their names last. */
static int sync_lines(const struct toll_run_writer *writer, struct toll_error *error)
{
    const struct toll_io *io = writer->publish.io;
    int fd = toll_open_folder(io, writer->publish.directory, TOLL_RUN_LINES, 0);
    if (fd < 0)
        return toll_error_errno(error, TOLL_EIO, -fd, "%s/" TOLL_RUN_LINES ": cannot be opened",
                                writer->publish.temp_path);
    int rc;
    if (writer->syncs) {
        rc = toll_syncs_add(writer->syncs, &(struct toll_sync_file){.fd = fd, .name = TOLL_RUN_LINES}, error);
        return toll_error_within(error, rc, writer->publish.temp_path);
    }
    rc = toll_arrow_file_sync(io, fd, TOLL_RUN_LINES, error);
    toll_error_within(error, rc, writer->publish.temp_path);
    io->close(io->context, fd);
    return rc;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct toll_run_file *)a)->name, ((const struct toll_run_file *)b)->name);
}

int toll_run_publish(struct toll_run_writer *writer, const struct toll_run_manifest *manifest,
                     const char *stats_json, struct toll_error *error)
{
    struct toll_publish *publish = &writer->publish;
    struct toll_json json;
    const char *fault = toll_run_manifest_fault(manifest);
    TOLL_ASSERT(!fault);
    int rc = toll_run_wait(writer, error); /* for the hashes */
    if (rc)
        return rc;
    qsort(writer->files, writer->file_count, sizeof *writer->files, compare_files);
    rc = toll_run_manifest_encode(&json, manifest, writer->files, writer->file_count, error);
    if (rc == 0)
        rc = sync_lines(writer, error);
    if (rc == 0 && stats_json)
        rc = write_file(writer, TOLL_RUN_STATS, stats_json, strlen(stats_json), error);
    if (rc == 0)
        rc = write_file(writer, TOLL_RUN_MANIFEST, json.text, json.bytes, error);
    if (rc == 0)
        rc = toll_run_wait(writer, error);
    if (rc == 0)
        rc = toll_publish_commit(publish, error);
    toll_json_free(&json);
    return rc;
}

void toll_run_abandon(struct toll_run_writer *writer)
{
    if (!writer)
        return;
    toll_syncs_close(writer->syncs);
    toll_publish_end(&writer->publish);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}
