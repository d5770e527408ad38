/* Opening a run: manifest and small tables, believed only with their checksums. Lines are opened part by
 * part. */
#include "base/check.h"
#include "base/error.h"
#include "segment/run_checks.h"
#include "segment/run_files.h"
#include "segment/run_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT_ID_MAX (1 << 26) /* 67 million accounts: the table is an array over ids */
/* Rating writes every id from 1 on. With gaps, memory stays within what the file's rows are worth. */
#define ACCOUNT_IDS_PER_ROW 16
#define ACCOUNT_IDS_MORE 4096

int toll_run_differs(const struct toll_run_files *run, const char *name, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EDATA,
        "%s/%s: is not what the manifest says: damaged or edited; restore it from a backup or rate "
        "again",
        run->path, name);
}

static int read_manifest(struct toll_run_files *run, struct toll_error *error)
{
    struct toll_run_owned *owned = run->owned;
    struct toll_blob blob;
    struct toll_error reason;
    char *path = NULL;
    int rc = toll_blob_read(&blob, run->io, run->directory, TOLL_RUN_MANIFEST, TOLL_READ_PREAD, &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(error, rc, "%s: is no run, it has no " TOLL_RUN_MANIFEST, run->path);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", run->path, reason.text);
    if (asprintf(&path, "%s/" TOLL_RUN_MANIFEST, run->path) < 0) {
        toll_blob_free(&blob);
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    }
    rc = toll_run_manifest_decode(path, blob.data, blob.size, &owned->arena, &run->manifest, owned->files,
                                  &owned->file_count, &run->digest, error);
    free(path);
    toll_blob_free(&blob);
    return rc;
}

static const struct toll_run_file *find_file(const struct toll_run_files *run, const char *name)
{
    const struct toll_run_owned *owned = run->owned;
    const struct toll_run_file *file = NULL;
    for (size_t i = 0; i < owned->file_count; i++) {
        if (strcmp(owned->files[i].name, name) == 0)
            file = &owned->files[i];
    }
    return file;
}

static int read_file(const struct toll_run_files *run, const char *name, enum toll_read_path how,
                     toll_hash_kernel *hash, struct toll_blob *blob, struct toll_error *error)
{
    const struct toll_run_file *file = find_file(run, name);
    struct toll_error reason;
    *blob = (struct toll_blob){0};
    if (!file)
        return toll_run_differs(run, name, error);
    int rc = toll_blob_read(blob, run->io, run->directory, name, how, &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_run_differs(run, name, error);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", run->path, reason.text);
    if ((int64_t)blob->size == file->bytes && toll_hash_equal(hash(blob->data, blob->size), file->hash))
        return 0;
    toll_blob_free(blob);
    return toll_run_differs(run, name, error);
}

int toll_run_files_read(const struct toll_run_files *run, const char *name, struct toll_blob *blob,
                        struct toll_error *error)
{
    return read_file(run, name, TOLL_READ_PREAD, toll_hash, blob, error);
}

int toll_run_files_check(const struct toll_run_files *run, const char *name, toll_hash_kernel *hash,
                         struct toll_error *error)
{
    struct toll_blob blob;
    const int rc = read_file(run, name, TOLL_READ_MMAP, hash, &blob, error);
    toll_blob_free(&blob);
    return rc;
}

/* ---- tables of another run ---- */

/* Where a file's rows are in struct toll_run_tables. */
struct place {
    const char *file;
    size_t rows, count;
};
#define PLACE(file, rows, count)                                                              \
    {                                                                                         \
        file, offsetof(struct toll_run_tables, rows), offsetof(struct toll_run_tables, count) \
    }
static const struct place places[] = {
    PLACE("accounts.arrow", accounts, account_count),
    PLACE("prices.arrow", prices, price_count),
    PLACE("buckets.arrow", buckets, bucket_count),
    PLACE("period_charges.arrow", periods, period_count),
    PLACE("pools.arrow", pools, pool_count),
    PLACE("pool_draws.arrow", draws, draw_count),
    PLACE("tier_counts.arrow", counts, count_count),
    PLACE("tuples.arrow", tuples, tuple_count),
    PLACE("components.arrow", components, component_count),
};
#define PLACES (sizeof places / sizeof *places)

static void **rows_of(const struct toll_run_tables *tables, const struct place *place)
{
    return (void **)((char *)(uintptr_t)tables + place->rows);
}

static int64_t *count_of(const struct toll_run_tables *tables, const struct place *place)
{
    return (int64_t *)(void *)((char *)(uintptr_t)tables + place->count);
}

/* Takes the rows of a file that are there already, in the other run. */
static bool take(struct toll_run_files *run, const char *file)
{
    const struct toll_run_files *like = toll_run_owned(run)->like;
    for (size_t i = 0; like != NULL && i < PLACES; i++) {
        const struct place *place = &places[i];
        if (strcmp(place->file, file) != 0 || !find_file(run, file) ||
            !toll_run_files_same(run, like, file) || *rows_of(&like->tables, place) == NULL)
            continue;
        *rows_of(&run->tables, place) = *rows_of(&like->tables, place);
        *count_of(&run->tables, place) = *count_of(&like->tables, place);
        return true;
    }
    return false;
}

static void free_tables(struct toll_run_files *run)
{
    const struct toll_run_owned *owned = run->owned;
    const struct toll_run_files *like = owned == NULL ? NULL : owned->like;
    for (size_t i = 0; i < PLACES; i++) {
        void *rows = *rows_of(&run->tables, &places[i]);
        if (like == NULL || rows != *rows_of(&like->tables, &places[i]))
            free(rows);
    }
}

/* ---- tables ---- */

/* packed: NULL, or how the table is packed. */
static int read_rows(const struct toll_run_files *run, const struct toll_run_table *table,
                     const struct toll_run_packed *packed, void **rows, int64_t *count,
                     struct toll_error *error)
{
    struct toll_run_owned *owned = run->owned;
    struct toll_blob blob;
    char *path = NULL;
    int rc = toll_run_files_read(run, table->file, &blob, error);
    if (rc)
        return rc;
    if (asprintf(&path, "%s/%s", run->path, table->file) < 0)
        path = NULL, rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    else if (packed != NULL)
        rc = toll_run_packed_decode(packed, path, blob.data, blob.size, &owned->arena, rows, count, error);
    else
        rc = toll_run_table_decode(table, path, blob.data, blob.size, &owned->arena, rows, count, error);
    free(path);
    toll_blob_free(&blob);
    return rc;
}

static int read_table(const struct toll_run_files *run, const struct toll_run_table *table, void **rows,
                      int64_t *count, struct toll_error *error)
{
    return read_rows(run, table, NULL, rows, count, error);
}

static int read_packed(const struct toll_run_files *run, const struct toll_run_packed *packed, void **rows,
                       int64_t *count, struct toll_error *error)
{
    return read_rows(run, packed->table, packed, rows, count, error);
}

/* From rows with ascending ids to an array over ids. */
static int spread_accounts(struct toll_run_files *run, const struct toll_account_row *rows, int64_t count,
                           struct toll_error *error)
{
    int64_t highest = count ? rows[count - 1].id : 0;
    if (highest > ACCOUNT_IDS_MORE + ACCOUNT_IDS_PER_ROW * count)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s/accounts.arrow: has %lld rows and an id of %lld, too few for such ids: it was "
            "written by something else; rate again",
            run->path, (long long)count, (long long)highest);
    for (int64_t i = 0; i < count; i++) {
        if (rows[i].id < 1 || rows[i].id > ACCOUNT_ID_MAX || (i > 0 && rows[i].id <= rows[i - 1].id))
            return toll_error_set(error, TOLL_EDATA, "%s/accounts.arrow: its ids are wrong; rate again",
                                  run->path);
    }
    run->tables.accounts = malloc(((size_t)highest + 1) * sizeof *rows);
    if (!run->tables.accounts)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    run->tables.account_count = highest + 1;
    for (int64_t id = 0; id <= highest; id++)
        run->tables.accounts[id] = (struct toll_account_row){(int32_t)id, "", "", ""};
    for (int64_t i = 0; i < count; i++)
        run->tables.accounts[rows[i].id] = rows[i];
    return 0;
}

static int check_prices(const struct toll_run_files *run, struct toll_error *error)
{
    for (int64_t i = 0; i < run->tables.price_count; i++) {
        const struct toll_price_row *row = &run->tables.prices[i];
        if (row->id < 1 || (i > 0 && row->id <= row[-1].id))
            return toll_error_set(error, TOLL_EDATA, "%s/prices.arrow: its ids are wrong; rate again",
                                  run->path);
    }
    return 0;
}

static bool bucket_after(const struct toll_bucket_row *row, const struct toll_bucket_row *before)
{
    if (row->account != before->account)
        return row->account > before->account;
    int sites = strcmp(row->site, before->site);
    return sites > 0 || (sites == 0 && row->tuple > before->tuple);
}

static int check_buckets(const struct toll_run_files *run, struct toll_error *error)
{
    for (int64_t i = 0; i < run->tables.bucket_count; i++) {
        const struct toll_bucket_row *row = &run->tables.buckets[i];
        if (row->account < 1 || row->account >= run->tables.account_count || row->tuple < 0 ||
            row->count < 1 || (i > 0 && !bucket_after(row, row - 1)))
            return toll_error_set(error, TOLL_EDATA, "%s/buckets.arrow: its rows are wrong; rate again",
                                  run->path);
    }
    return 0;
}

/* A table that is there only if it has rows. */
static int read_some(struct toll_run_files *run, const struct toll_run_table *table,
                     bool (*good)(const struct toll_run_tables *), void **rows, int64_t *count,
                     struct toll_error *error)
{
    if (!find_file(run, table->file))
        return 0;
    const int rc = take(run, table->file) ? 0 : read_table(run, table, rows, count, error);
    if (rc)
        return rc;
    return *count > 0 && good(&run->tables)
               ? 0
               : toll_error_set(error, TOLL_EDATA, "%s/%s: its rows are wrong; rate again", run->path,
                                table->file);
}

static int read_all_some(struct toll_run_files *run, struct toll_error *error)
{
    struct toll_run_tables *tables = &run->tables;
    int rc = read_some(run, &toll_run_periods, toll_run_periods_good, (void **)&tables->periods,
                       &tables->period_count, error);
    if (rc == 0)
        rc = read_some(run, &toll_run_pools, toll_run_pools_good, (void **)&tables->pools,
                       &tables->pool_count, error);
    if (rc == 0)
        rc = read_some(run, &toll_run_pool_draws, toll_run_draws_good, (void **)&tables->draws,
                       &tables->draw_count, error);
    if (rc == 0)
        rc = read_some(run, &toll_run_tier_counts, toll_run_counts_good, (void **)&tables->counts,
                       &tables->count_count, error);
    bool no_memory = false;
    if (rc != 0 || toll_run_draws_add_up(tables, &no_memory))
        return rc;
    if (no_memory)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    return toll_error_set(error, TOLL_EDATA,
                          "%s/pool_draws.arrow: is not what the pools say was used; rate again", run->path);
}

toll_total toll_run_period_total(const struct toll_run_tables *tables, const char *currency)
{
    toll_total total = 0;
    for (int64_t i = 0; i < tables->period_count; i++)
        if (strcmp(tables->accounts[tables->periods[i].account].currency, currency) == 0)
            total += tables->periods[i].charge;
    return total;
}

static int wrong_rows(const struct toll_run_files *run, const struct toll_run_table *table,
                      struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s/%s: its rows are wrong; rate again", run->path, table->file);
}

/* Of a taxed book both are there, even without rows. */
static int read_taxes(struct toll_run_files *run, struct toll_error *error)
{
    struct toll_run_tables *tables = &run->tables;
    int rc = take(run, toll_run_tuples.file)
                 ? 0
                 : read_packed(run, &toll_run_packed_tuples, (void **)&tables->tuples, &tables->tuple_count,
                               error);
    if (rc == 0 && !toll_run_tuples_good(run))
        rc = wrong_rows(run, &toll_run_tuples, error);
    if (rc == 0 && !take(run, toll_run_components.file))
        rc = read_packed(run, &toll_run_packed_components, (void **)&tables->components,
                         &tables->component_count, error);
    if (rc == 0 && !toll_run_components_good(tables))
        rc = wrong_rows(run, &toll_run_components, error);
    for (int64_t i = 0; rc == 0 && i < tables->bucket_count; i++)
        if (tables->buckets[i].tuple != 0 && toll_run_tuple_find(tables, tables->buckets[i].tuple) == NULL)
            rc = wrong_rows(run, &toll_run_buckets, error);
    return rc;
}

int toll_run_files_read_taxes(struct toll_run_files *run, struct toll_error *error)
{
    const bool taxed = find_file(run, toll_run_tuples.file) || find_file(run, toll_run_components.file);
    return taxed && run->tables.tuples == NULL ? read_taxes(run, error) : 0;
}

/* What they say is in both of their files. */
static bool take_prices(struct toll_run_files *run)
{
    const struct toll_run_files *like = toll_run_owned(run)->like;
    return like != NULL && toll_run_files_same_prices(run, like) &&
           take(run, toll_run_packed_prices.table->file);
}

/* Runs of earlier versions have no terms: their prices are whole. */
static int join_prices(struct toll_run_files *run, struct toll_error *error)
{
    const struct toll_run_table *table = toll_run_packed_prices.terms;
    void *terms = NULL;
    int64_t count;
    if (!find_file(run, table->file))
        return run->tables.price_count > 0 && run->tables.prices[0].kind == NULL
                   ? toll_run_differs(run, table->file, error)
                   : 0;
    int rc = read_table(run, table, &terms, &count, error);
    if (rc == 0) {
        struct toll_error reason;
        rc = toll_run_prices_join(toll_run_packed_prices.table->file, run->tables.prices,
                                  run->tables.price_count, terms, count, &reason);
        if (rc != 0)
            toll_error_set(error, rc, "%s/%s", run->path, reason.text);
    }
    free(terms);
    return rc;
}

int toll_run_files_read_prices(struct toll_run_files *run, struct toll_error *error)
{
    void *rows = NULL;
    int64_t count;
    if (run->tables.prices != NULL || take_prices(run))
        return 0;
    int rc = read_packed(run, &toll_run_packed_prices, &rows, &count, error);
    run->tables.prices = rc ? NULL : rows;
    run->tables.price_count = rc ? 0 : count;
    if (rc == 0)
        rc = join_prices(run, error);
    return rc ? rc : check_prices(run, error);
}

bool toll_run_files_same_prices(const struct toll_run_files *a, const struct toll_run_files *b)
{
    return toll_run_files_same(a, b, toll_run_packed_prices.table->file) &&
           toll_run_files_same(a, b, toll_run_packed_prices.terms->file);
}

static int read_accounts(struct toll_run_files *run, struct toll_error *error)
{
    void *rows = NULL;
    int64_t count;
    if (take(run, toll_run_accounts.file))
        return 0;
    int rc = read_table(run, &toll_run_accounts, &rows, &count, error);
    if (rc == 0)
        rc = spread_accounts(run, rows, count, error);
    free(rows);
    return rc;
}

static int read_buckets(struct toll_run_files *run, struct toll_error *error)
{
    void *rows = NULL;
    int64_t count;
    if (take(run, toll_run_buckets.file))
        return 0;
    const int rc = read_table(run, &toll_run_buckets, &rows, &count, error);
    run->tables.buckets = rc ? NULL : rows;
    run->tables.bucket_count = rc ? 0 : count;
    return rc;
}

int toll_run_files_read_tables(struct toll_run_files *run, struct toll_error *error)
{
    int rc = read_accounts(run, error);
    if (rc == 0)
        rc = read_buckets(run, error);
    if (rc == 0)
        rc = check_buckets(run, error);
    if (rc == 0)
        rc = read_all_some(run, error);
    return rc;
}

bool toll_run_files_have(const struct toll_run_files *run, const char *name)
{
    return find_file(run, name) != NULL;
}

bool toll_run_files_same(const struct toll_run_files *a, const struct toll_run_files *b, const char *name)
{
    const struct toll_run_file *x = find_file(a, name), *y = find_file(b, name);
    return x == NULL || y == NULL ? x == y : x->bytes == y->bytes && toll_hash_equal(x->hash, y->hash);
}

bool toll_run_files_all_same(const struct toll_run_files *a, const struct toll_run_files *b)
{
    const struct toll_run_owned *owned = a->owned;
    bool same = owned->file_count == toll_run_owned(b)->file_count;
    for (size_t i = 0; same && i < owned->file_count; i++)
        same = toll_run_files_same(a, b, owned->files[i].name);
    return same;
}

int toll_run_files_open_bare(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             struct toll_error *error)
{
    *run = (struct toll_run_files){.io = io, .path = strdup(path), .directory = -1};
    run->owned = calloc(1, sizeof(struct toll_run_owned));
    int rc = 0, fd = -1;
    if (!run->path || !run->owned)
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    if (rc == 0) {
        fd = toll_open_folder(io, AT_FDCWD, path, 0);
        if (fd < 0)
            rc = toll_error_errno(error, fd == -ENOENT || fd == -ENOTDIR ? TOLL_ENOINPUT : TOLL_EIO, -fd,
                                  "%s: cannot be opened as a run", path);
    }
    run->directory = fd;
    if (rc == 0)
        rc = read_manifest(run, error);
    if (rc)
        toll_run_files_close(run);
    return rc;
}

int toll_run_files_open_like(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             const struct toll_run_files *like, struct toll_error *error)
{
    int rc = toll_run_files_open_bare(run, io, path, error);
    if (rc)
        return rc;
    ((struct toll_run_owned *)run->owned)->like = like;
    rc = toll_run_files_read_tables(run, error);
    if (rc)
        toll_run_files_close(run);
    return rc;
}

int toll_run_files_open_lean(struct toll_run_files *run, const struct toll_io *io, const char *path,
                             struct toll_error *error)
{
    return toll_run_files_open_like(run, io, path, NULL, error);
}

int toll_run_files_open(struct toll_run_files *run, const struct toll_io *io, const char *path,
                        struct toll_error *error)
{
    int rc = toll_run_files_open_lean(run, io, path, error);
    if (rc)
        return rc;
    rc = toll_run_files_read_prices(run, error);
    if (rc == 0)
        rc = toll_run_files_read_taxes(run, error);
    if (rc)
        toll_run_files_close(run);
    return rc;
}

void toll_run_files_close(struct toll_run_files *run)
{
    struct toll_run_owned *owned = run->owned;
    if (!run->io)
        return;
    if (run->directory >= 0)
        run->io->close(run->io->context, run->directory);
    free_tables(run);
    if (owned)
        toll_arena_free(&owned->arena);
    free(owned);
    free(run->path);
    *run = (struct toll_run_files){.directory = -1};
}

size_t toll_run_file_count(const struct toll_run_files *run)
{
    return toll_run_owned(run)->file_count;
}

int toll_run_lines_open(const struct toll_run_files *run, size_t part_index, enum toll_read_path how,
                        struct toll_lines **out, struct toll_error *error)
{
    TOLL_ASSERT(part_index < run->manifest.part_count);
    const struct toll_run_part *part = &run->manifest.parts[part_index];
    char name[TOLL_RUN_PART_NAME_BYTES];
    toll_run_part_name(part, name);
    int rc = toll_lines_open(run->io, run->directory, run->path, name, &part->seal, how, out, error);
    if (rc == 0 && (toll_lines_rows(*out) != part->rows ||
                    ((toll_lines_optional(*out) & TOLL_LINES_BOOK) != 0) != (run->manifest.book_count > 0))) {
        toll_lines_close(*out);
        *out = NULL;
        rc = toll_run_differs(run, name, error);
    }
    return rc;
}
