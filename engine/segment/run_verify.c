/*
 * Reading a run again, all of it. After the bytes (digests, checksums) the sums: rows by status, money by
 * currency, rows and money by account against the buckets. What depends on the CDRs (billed seconds, which a
 * line does not know to be voice) is left to whoever has both.
 */
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "segment/run_files.h"
#include "segment/run_tuples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (1 << 20)

/* ---- files ---- */

static int verify_file(const struct toll_run_files *run, const struct toll_run_file *wanted, uint8_t *chunk,
                       struct toll_error *error)
{
    struct toll_file file;
    struct toll_hasher *hasher = NULL;
    int rc = toll_file_open(&file, run->io, run->directory, wanted->name, TOLL_READ_PREAD, error);
    if (rc)
        return rc == TOLL_ENOINPUT ? toll_run_differs(run, wanted->name, error)
                                   : toll_error_within(error, rc, run->path);
    if (file.size != wanted->bytes) {
        rc = toll_run_differs(run, wanted->name, error);
        goto out;
    }
    hasher = toll_hasher_create();
    if (!hasher) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
        goto out;
    }
    for (int64_t at = 0; rc == 0 && at < file.size; at += CHUNK_BYTES) {
        size_t bytes = file.size - at < CHUNK_BYTES ? (size_t)(file.size - at) : CHUNK_BYTES;
        rc = toll_error_within(error, toll_file_read(&file, chunk, bytes, at, error), run->path);
        if (rc == 0)
            toll_hasher_update(hasher, chunk, bytes);
    }
    if (rc == 0 && !toll_hash_equal(toll_hasher_digest(hasher), wanted->hash))
        rc = toll_run_differs(run, wanted->name, error);
out:
    toll_hasher_destroy(hasher);
    toll_file_close(&file);
    return rc;
}

static int verify_files(const struct toll_run_files *run, struct toll_error *error)
{
    const struct toll_run_owned *owned = toll_run_owned(run);
    uint8_t *chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < owned->file_count; i++)
        rc = verify_file(run, &owned->files[i], chunk, error);
    free(chunk);
    return rc;
}

/* The manifest as it is on disk now must be the one that was opened. */
static int verify_manifest(const struct toll_run_files *run, struct toll_error *error)
{
    const struct toll_run_owned *owned = toll_run_owned(run);
    struct toll_json json = {0};
    struct toll_blob blob;
    int rc = toll_blob_read(&blob, run->io, run->directory, TOLL_RUN_MANIFEST, TOLL_READ_PREAD, error);
    if (rc)
        return toll_error_within(error, rc, run->path);
    rc = toll_run_manifest_encode(&json, &run->manifest, owned->files, owned->file_count, error);
    if (rc == 0 && (json.bytes != blob.size || memcmp(json.text, blob.data, blob.size) != 0))
        rc = toll_run_differs(run, TOLL_RUN_MANIFEST, error);
    toll_json_free(&json);
    toll_blob_free(&blob);
    return rc;
}

/* ---- lines ---- */

struct sums {
    int64_t status_rows[TOLL_STATUS_COUNT], cost_rows[TOLL_STATUS_COUNT];
    toll_total *cost; /* of each account; [0]: without account */
    toll_total *rows; /* of each account: rated and zero-rated */
    toll_total *charge;
    uint8_t *prices; /* bit set of ids */
    int64_t kept;    /* lines of books that are not the run's own */
    uint8_t *pools;  /* bit set of ids */
    int32_t highest_pool;
    toll_total included;               /* units that bundles gave */
    struct toll_tuple_recount *tuples; /* NULL: no taxed book */
};

static int wrong_line(const struct toll_run_files *run, size_t part, int64_t row, const char *what,
                      struct toll_error *error)
{
    char name[TOLL_RUN_PART_NAME_BYTES];
    toll_run_part_name(&run->manifest.parts[part], name);
    return toll_error_set(error, TOLL_EDATA, "%s/lines/%s.arrow: row %lld: %s; rate again", run->path, name,
                          (long long)row, what);
}

static const char *bundle_fault(const struct sums *sums, const struct toll_line_batch *batch, int64_t i)
{
    const int32_t included = batch->included[i], pool = batch->pool[i];
    if (pool > sums->highest_pool || (pool != 0 && !(sums->pools[pool / 8] >> pool % 8 & 1)))
        return "its pool is not in pools.arrow";
    if ((pool != 0) != (included != 0))
        return "it has a pool without included units, or units without a pool";
    if (included > batch->billed[i] || (included != 0 && !toll_status_is_rated(batch->status[i])))
        return "more is included than is billed";
    return NULL;
}

static const char *cost_fault(const struct sums *sums, const struct toll_line_batch *batch, int64_t i,
                              int32_t highest)
{
    const int32_t price = batch->cost_price[i];
    const bool rated = toll_status_is_rated(batch->cost_status[i]);
    if (price < 0 || price > highest || (price != 0 && !(sums->prices[price / 8] >> price % 8 & 1)))
        return "the price of its cost is not in prices.arrow";
    if (rated && price == 0)
        return "its cost is rated, but has no price";
    if (!rated && batch->cost[i] != 0)
        return "its cost is not rated, but there is one";
    return NULL;
}

static const char *line_fault(const struct toll_run_files *run, const struct sums *sums,
                              const struct toll_line_batch *batch, int64_t i)
{
    int32_t account = batch->account[i], price = batch->price[i], highest = 0;
    unsigned status = batch->status[i];
    if (run->tables.price_count)
        highest = run->tables.prices[run->tables.price_count - 1].id;
    if (account >= run->tables.account_count || (account != 0 && !*run->tables.accounts[account].account))
        return "its account is not in accounts.arrow";
    if (price > highest || (price != 0 && !(sums->prices[price / 8] >> price % 8 & 1)))
        return "its price is not in prices.arrow";
    if (batch->book != NULL) {
        const struct toll_run_manifest *manifest = &run->manifest;
        const size_t book = batch->book[i], last = manifest->book_count - 1;
        if (book > last)
            return "its book is not in run.json";
        if (price != 0 && (price <= manifest->books[book].price_shift ||
                           (book < last && price > manifest->books[book + 1].price_shift)))
            return "its price is not one of its book";
    }
    if (toll_status_is_rated(status) && (account == 0 || price == 0))
        return "it is rated, but has no account or price";
    if (!toll_status_is_rated(status) && batch->charge[i] != 0)
        return "it is not rated, but has a charge";
    const char *fault = batch->pool == NULL ? NULL : bundle_fault(sums, batch, i);
    return fault != NULL || batch->cost == NULL ? fault : cost_fault(sums, batch, i, highest);
}

static int sum_part(const struct toll_run_files *run, size_t part, void *buffer, struct sums *sums,
                    struct toll_error *error)
{
    struct toll_lines *lines;
    struct toll_line_batch batch;
    int rc = toll_run_lines_open(run, part, TOLL_READ_PREAD, &lines, error);
    for (int64_t b = 0; rc == 0 && b < toll_lines_batches(lines); b++) {
        rc = toll_lines_batch(lines, b, buffer, &batch, error);
        for (int64_t i = 0; rc == 0 && i < batch.rows; i++) {
            const char *what = line_fault(run, sums, &batch, i);
            if (what == NULL && sums->tuples != NULL)
                what = toll_tuple_recount_line(sums->tuples, &batch, i, run->manifest.parts[part].day);
            if (what == NULL && sums->tuples == NULL && batch.tuple[i] != 0)
                what = "it has a tuple, but the run has no tuples.arrow";
            if (what)
                rc = wrong_line(run, part, b * TOLL_BATCH_ROWS + i, what, error);
            else if (batch.status[i] < TOLL_SUSPENSE_FIRST)
                sums->rows[batch.account[i]]++;
            if (!what) {
                sums->kept += batch.book != NULL && batch.book[i] + 1u < run->manifest.book_count;
                sums->status_rows[batch.status[i]]++;
                sums->charge[batch.account[i]] += batch.charge[i];
                sums->included += batch.included != NULL ? batch.included[i] : 0;
                if (batch.cost != NULL) {
                    sums->cost_rows[batch.cost_status[i]]++;
                    sums->cost[batch.account[i]] += batch.cost[i];
                }
            }
        }
    }
    toll_lines_close(lines);
    return rc;
}

/* ---- sums ---- */

static int wrong_sum(const struct toll_run_files *run, const char *what, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s: %s; rate again", run->path, what);
}

static int compare_totals(const struct toll_run_files *run, const struct sums *sums, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    toll_total totals[TOLL_RUN_TOTALS] = {0};
    for (int64_t id = 1; id < run->tables.account_count; id++) {
        const char *currency = run->tables.accounts[id].currency;
        int k = 0;
        while (k < manifest->total_count && strcmp(manifest->totals[k].currency, currency) != 0)
            k++;
        if (k < manifest->total_count)
            totals[k] += sums->charge[id];
        else if (sums->rows[id] != 0)
            return wrong_sum(run, "a currency that its lines use has no total in the manifest", error);
    }
    for (int64_t i = 0; i < run->tables.period_count; i++) {
        const struct toll_period_row *row = &run->tables.periods[i];
        const char *currency = run->tables.accounts[row->account].currency;
        int k = 0;
        while (k < manifest->total_count && strcmp(manifest->totals[k].currency, currency) != 0)
            k++;
        if (k == manifest->total_count)
            return wrong_sum(run, "a currency that its period charges use has no total in the manifest",
                             error);
        if (row->calls > 0 && sums->rows[row->account] == 0)
            return wrong_sum(run, "an account without lines has a surcharge", error);
    }
    for (int k = 0; k < manifest->total_count; k++)
        totals[k] += toll_run_period_total(&run->tables, manifest->totals[k].currency);
    for (int k = 0; k < manifest->total_count; k++) {
        char have[TOLL_TOTAL_TEXT_BYTES], want[TOLL_TOTAL_TEXT_BYTES];
        if (totals[k] == manifest->totals[k].charge)
            continue;
        toll_total_format(totals[k], TOLL_MONEY_DECIMALS, have);
        toll_total_format(manifest->totals[k].charge, TOLL_MONEY_DECIMALS, want);
        return toll_error_set(error, TOLL_EDATA,
                              "%s: its lines%s sum to %s %s, the manifest says %s; rate again", run->path,
                              run->tables.period_count > 0 ? " and period charges" : "", have,
                              manifest->totals[k].currency, want);
    }
    return 0;
}

/* The costs that have no account are in the book's currency, which the manifest does not name: what remains
 * of one currency when those of the accounts are taken off. */
static int compare_costs(const struct toll_run_files *run, const struct sums *sums, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    toll_total rest[TOLL_RUN_TOTALS];
    toll_total nowhere = 0, all = 0;
    if (memcmp(sums->cost_rows, manifest->cost_rows, sizeof sums->cost_rows) != 0)
        return wrong_sum(run, "the manifest has other numbers of rows by cost status than the lines", error);
    for (int k = 0; k < manifest->cost_count; k++)
        rest[k] = manifest->costs[k].cost;
    for (int64_t id = 1; id < run->tables.account_count; id++) {
        int k = 0;
        while (k < manifest->cost_count &&
               strcmp(manifest->costs[k].currency, run->tables.accounts[id].currency) != 0)
            k++;
        if (k < manifest->cost_count)
            rest[k] -= sums->cost[id];
        else
            nowhere += sums->cost[id];
    }
    int left = 0;
    for (int k = 0; k < manifest->cost_count; k++) {
        left += rest[k] != 0;
        all += rest[k];
    }
    if ((left > 1 && manifest->book_count == 0) || all != sums->cost[0] || nowhere != 0)
        return wrong_sum(run, "its lines' costs do not sum to those of the manifest", error);
    return 0;
}

/* Buckets are subtracted from the lines' sums: nothing may remain. */
static int compare_buckets(const struct toll_run_files *run, struct sums *sums, struct toll_error *error)
{
    for (int64_t i = 0; i < run->tables.bucket_count; i++) {
        const struct toll_bucket_row *row = &run->tables.buckets[i];
        sums->rows[row->account] -= row->count;
        sums->charge[row->account] -= row->charge;
    }
    for (int64_t id = 1; id < run->tables.account_count; id++) {
        if (sums->rows[id] != 0 || sums->charge[id] != 0)
            return toll_error_set(
                error, TOLL_EDATA,
                "%s: account %s: its lines and its buckets have other rows or charges; rate again", run->path,
                run->tables.accounts[id].account);
    }
    return 0;
}

static int compare_tuples(const struct toll_run_files *run, const struct sums *sums, struct toll_error *error)
{
    int32_t account;
    if (sums->tuples == NULL || toll_tuple_recount_all(sums->tuples, &account))
        return 0;
    return toll_error_set(
        error, TOLL_EDATA,
        "%s: account %s: the lines of some tuple and its buckets have other rows or charges; rate again",
        run->path, run->tables.accounts[account].account);
}

/* Lines include no more than the pools say was used; lines of other runs, and costs, draw on them, too. */
/* Costs and earlier runs draw on pools, too, and a charge out of range leaves what was drawn. Where there is
 * none of that, lines include exactly what was used. */
static int compare_pools(const struct toll_run_files *run, const struct sums *sums, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    const bool alone = !manifest->has_cost && !manifest->has_after && manifest->book_count == 0 &&
                       manifest->status_rows[TOLL_SUSPENSE_OVERFLOW] == 0;
    toll_total used = 0;
    for (int64_t i = 0; i < run->tables.pool_count; i++)
        used += (toll_total)run->tables.pools[i].used + run->tables.pools[i].over;
    if (sums->included > used)
        return wrong_sum(run, "its lines include more than its pools say was used", error);
    return alone && sums->included < used
               ? wrong_sum(run, "its lines include less than its pools say was used", error)
               : 0;
}

static int verify_lines(const struct toll_run_files *run, struct toll_error *error)
{
    const struct toll_run_tables *tables = &run->tables;
    size_t accounts = (size_t)tables->account_count + 1;
    int32_t highest = tables->price_count ? tables->prices[tables->price_count - 1].id : 0;
    struct sums sums = {
        .rows = calloc(accounts, sizeof(toll_total)),
        .charge = calloc(accounts, sizeof(toll_total)),
        .cost = calloc(accounts, sizeof(toll_total)),
        .prices = calloc((size_t)highest / 8 + 1, 1),
        .highest_pool = tables->pool_count ? tables->pools[tables->pool_count - 1].id : 0,
    };
    sums.pools = calloc((size_t)sums.highest_pool / 8 + 1, 1);
    void *buffer = aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_lines_buffer_most(TOLL_LINES_OPTIONAL, false));
    int rc = 0;
    if (!sums.rows || !sums.charge || !sums.cost || !sums.prices || !sums.pools || !buffer)
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    if (rc == 0)
        rc = toll_tuple_recount_make(run, &sums.tuples, error);
    for (int64_t i = 0; rc == 0 && i < tables->price_count; i++)
        sums.prices[tables->prices[i].id / 8] |= (uint8_t)(1 << tables->prices[i].id % 8);
    for (int64_t i = 0; rc == 0 && i < tables->pool_count; i++)
        sums.pools[tables->pools[i].id / 8] |= (uint8_t)(1 << tables->pools[i].id % 8);
    for (size_t i = 0; rc == 0 && i < run->manifest.part_count; i++)
        rc = sum_part(run, i, buffer, &sums, error);
    if (rc == 0 && memcmp(sums.status_rows, run->manifest.status_rows, sizeof sums.status_rows) != 0)
        rc = wrong_sum(run, "the manifest has other numbers of rows by status than the lines", error);
    if (rc == 0 && sums.kept != run->manifest.kept)
        rc = wrong_sum(run, "the manifest says that other numbers of lines were kept", error);
    if (rc == 0)
        rc = compare_totals(run, &sums, error);
    if (rc == 0)
        rc = compare_costs(run, &sums, error);
    if (rc == 0)
        rc = compare_buckets(run, &sums, error);
    if (rc == 0)
        rc = compare_tuples(run, &sums, error);
    if (rc == 0)
        rc = compare_pools(run, &sums, error);
    toll_tuple_recount_free(sums.tuples);
    free(buffer);
    free(sums.pools);
    free(sums.cost);
    free(sums.prices);
    free(sums.charge);
    free(sums.rows);
    return rc;
}

int toll_run_verify(const struct toll_run_files *run, struct toll_error *error)
{
    int rc = verify_manifest(run, error);
    if (rc == 0)
        rc = verify_files(run, error);
    if (rc == 0)
        rc = verify_lines(run, error);
    return rc;
}
