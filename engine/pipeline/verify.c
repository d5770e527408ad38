/* toll_verify: finds out what a path is and has its own room read every byte of it again. */
#include "pipeline/rate.h"
#include "segment/delta.h"

#include "base/error.h"
#include "pipeline/after.h"
#include "rating/surcharge.h"
#include "segment/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* 1 there, 0 not, or why that cannot be said. A path that is no directory has no file. */
static int has_file(const struct toll_io *io, int directory, const char *path, const char *name,
                    struct toll_error *error)
{
    struct stat at;
    const int result = io->fstatat(io->context, directory, name, &at, 0);
    if (result == 0 || result == -ENOENT)
        return result == 0;
    return toll_error_errno(error, TOLL_EIO, -result, "%s/%s: cannot look at it", path, name);
}

/* enum toll_directory_kind, or a code. */
static int find_kind(const struct toll_io *io, const char *path, struct toll_error *error)
{
    const int directory = toll_open_folder(io, AT_FDCWD, path, 0);
    if (directory == -ENOTDIR)
        return TOLL_FILE_BOOK;
    if (directory < 0)
        return toll_error_errno(error, directory == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO, -directory,
                                "%s: cannot open", path);
    static const struct {
        const char *manifest;
        enum toll_directory_kind kind;
    } kinds[] = {
        {"dataset.json", TOLL_DIRECTORY_DATASET}, {"run.json", TOLL_DIRECTORY_RUN},
        {"state.json", TOLL_DIRECTORY_STATE},     {"delta.json", TOLL_DIRECTORY_DELTA},
        {"0000001", TOLL_DIRECTORY_LEDGER}, /* its first entry */
    };
    int found = 0, kind = -1;
    for (size_t i = 0; found == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        found = has_file(io, directory, path, kinds[i].manifest, error);
        kind = (int)kinds[i].kind;
    }
    io->close(io->context, directory);
    if (found < 0)
        return found;
    if (found == 0)
        return toll_error_set(
            error, TOLL_ENOINPUT,
            "%s is no dataset, run, state, delta or ledger: it has no dataset.json, run.json, "
            "state.json, delta.json or entry; of a book verify reads the compiled image, check the folder",
            path);
    return kind;
}

static int verify_dataset(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                          struct toll_error *error)
{
    struct toll_dataset dataset;
    int rc = toll_dataset_open(&dataset, io, path, error);
    if (rc != 0)
        return rc;
    rc = toll_dataset_verify(&dataset, error);
    result->kind = TOLL_DIRECTORY_DATASET;
    result->files = 1; /* the manifest; then a part and its sidecar each */
    for (size_t i = 0; i < dataset.part_count; i++) {
        result->files += 2;
        result->bytes += dataset.parts[i].seal.bytes + dataset.parts[i].text_seal.bytes;
        result->rows += dataset.parts[i].rows;
    }
    toll_hash_text(dataset.cdr_hash, result->hash);
    toll_dataset_close(&dataset);
    return rc;
}

static int verify_closed(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                         struct toll_error *error)
{
    struct toll_state state;
    const int rc = toll_state_open(&state, io, path, error); /* which reads and checks all of it */
    if (rc != 0)
        return rc;
    *result = (struct toll_verify_result){.kind = TOLL_DIRECTORY_STATE,
                                          .files = state.file_count,
                                          .bytes = state.bytes,
                                          .rows = state.closed_rows};
    toll_hash_text(state.digest, result->hash);
    toll_state_close(&state);
    return 0;
}

static int hash_manifest(const struct toll_io *io, const struct toll_run_files *run, char hash[33],
                         struct toll_error *error)
{
    struct toll_blob manifest = {0};
    const int rc = toll_blob_read(&manifest, io, run->directory, "run.json", TOLL_READ_PREAD, error);
    toll_error_within(error, rc, run->path);
    if (rc == 0)
        toll_hash_text(toll_hash(manifest.data, manifest.size), hash);
    toll_blob_free(&manifest);
    return rc;
}

/* An account of the run in the run's own book: ids differ where lines of older books are kept. 0 none. */
static uint32_t account_in(const struct toll_book *book, const struct toll_run_files *run, int32_t id)
{
    const char *wanted = run->tables.accounts[id].account;
    if (id < (int64_t)book->account_count &&
        strcmp(toll_book_string(book, book->accounts[id].account), wanted) == 0)
        return (uint32_t)id;
    for (uint32_t i = 1; i < book->account_count; i++)
        if (strcmp(toll_book_string(book, book->accounts[i].account), wanted) == 0)
            return i;
    return 0;
}

/* Does a period of this account begin on that day of the month? */
static bool begins_on(const struct toll_book *book, const struct toll_run_files *run, int32_t id, int day)
{
    const uint32_t account = account_in(book, run, id);
    return account != 0 && day == book->accounts[account].cycle_day;
}

/* A period charge is what its row of the book makes of the calls that were counted. */
static bool period_follows(const struct toll_book *book, const struct toll_run_files *run,
                           const struct toll_period_row *row)
{
    int64_t charged, day;
    int year, month, first;
    toll_money charge;
    if (!toll_day_parse(row->period, strlen(row->period), &day))
        return false;
    toll_civil_from_days(day, &year, &month, &first);
    for (uint32_t i = 1; i < book->surcharge_count; i++) {
        const struct toll_surcharge *surcharge = &book->surcharges[i];
        const bool of_site = surcharge->level == TOLL_LEVEL_SITE;
        if ((int64_t)surcharge->line != row->line ||
            strcmp(toll_book_string(book, surcharge->file), row->file) != 0)
            continue;
        return strcmp(toll_surcharge_measure_name((unsigned)surcharge->measure), row->kind) == 0 &&
               strcmp(of_site ? toll_book_string(book, book->sites[surcharge->subject].site) : "",
                      row->site) == 0 &&
               surcharge->amount == row->amount &&
               toll_surcharge_charge(surcharge, book->decimals, book->rounding, row->calls, row->counted,
                                     &charged, &charge) &&
               charged == row->charged && charge == row->charge && begins_on(book, run, row->account, first);
    }
    return false;
}

/* An embedded book is opened too: the run's tables are worth no more than it. */
static int verify_run_book(const struct toll_io *io, const struct toll_run_files *run, const char *name,
                           struct toll_hash128 hash, const struct toll_state *state, bool own,
                           struct toll_error *error)
{
    struct toll_blob image = {0};
    struct toll_book *book = NULL;
    int rc = toll_blob_read(&image, io, run->directory, name, TOLL_READ_PREAD, error);
    toll_error_within(error, rc, run->path);
    if (rc == 0)
        rc = toll_book_open_bytes((const uint8_t *)image.data, image.size, name, &book, error);
    if (rc == 0 && !toll_hash_equal(book->book_hash, hash))
        rc = toll_error_set(error, TOLL_EDATA, "%s: %s is not the book that run.json names", run->path, name);
    for (int64_t i = 0; own && rc == 0 && i < run->tables.period_count; i++)
        if (!period_follows(book, run, &run->tables.periods[i]) &&
            !toll_tiers_follow(book, run, state, &run->tables.periods[i]))
            rc = toll_error_set(
                error, TOLL_EDATA,
                "%s/period_charges.arrow: row %lld is not what %s, line %d of its book, gives; "
                "rate again",
                run->path, (long long)i, run->tables.periods[i].file, run->tables.periods[i].line);
    toll_book_close(book);
    toll_blob_free(&image);
    return rc;
}

/* The older books of a merged run, then its own. */
static int verify_run_books(const struct toll_io *io, const struct toll_run_files *run,
                            const struct toll_state *state, struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i + 1 < manifest->book_count; i++) {
        char name[TOLL_RUN_BOOK_NAME_BYTES];
        toll_run_book_name(i, manifest->book_count, name);
        rc = verify_run_book(io, run, name, manifest->books[i].book_hash, state, false, error);
    }
    return rc != 0 ? rc : verify_run_book(io, run, "book.image", manifest->book_hash, state, true, error);
}

static int verify_state(const struct toll_run_files *run, struct toll_state *state, struct toll_error *error)
{
    const int rc = toll_state_of_run(state, run, error);
    if (rc == 0 && !toll_hash_equal(state->digest, run->manifest.after))
        return toll_error_set(error, TOLL_EDATA,
                              "%s: its copy of a state is not the one that run.json names; rate again",
                              run->path);
    return rc;
}

static int verify_run(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                      struct toll_error *error)
{
    struct toll_run_files run;
    struct toll_state state = {0};
    int rc = toll_run_files_open(&run, io, path, error);
    if (rc != 0)
        return rc;
    rc = toll_run_verify(&run, error);
    if (rc == 0 && toll_run_has_state(&run) != run.manifest.has_after)
        rc = toll_error_set(
            error, TOLL_EDATA,
            "%s: it has a copy of a state, but run.json names none, or the other way round; rate again",
            path);
    if (rc == 0 && run.manifest.has_after)
        rc = verify_state(&run, &state, error);
    if (rc == 0)
        rc = verify_run_books(io, &run, &state, error);
    toll_state_close(&state);
    if (rc == 0)
        rc = hash_manifest(io, &run, result->hash, error);
    result->kind = TOLL_DIRECTORY_RUN;
    result->files = 1 + (int64_t)toll_run_file_count(&run); /* run.json and these; then the lines */
    result->rows = run.manifest.rows;
    for (size_t i = 0; i < run.manifest.part_count; i++) {
        result->files++;
        result->bytes += run.manifest.parts[i].seal.bytes;
    }
    toll_run_files_close(&run);
    return rc;
}

static int verify_delta(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                        struct toll_error *error)
{
    struct toll_delta_files delta;
    int rc = toll_delta_files_open(&delta, io, path, error);
    if (rc != 0)
        return rc;
    rc = toll_delta_files_verify(&delta, error);
    *result = (struct toll_verify_result){.kind = TOLL_DIRECTORY_DELTA,
                                          .files = delta.files + (int64_t)delta.manifest.day_count,
                                          .bytes = delta.bytes,
                                          .rows = delta.manifest.changed};
    toll_hash_text(delta.digest, result->hash);
    toll_delta_files_close(&delta);
    return rc;
}

static int verify_ledger(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                         struct toll_error *error)
{
    struct toll_ledger *ledger;
    const int rc = toll_ledger_open_with(io, path, &ledger, error); /* which reads and checks all of it */
    if (rc != 0)
        return rc;
    *result = (struct toll_verify_result){.kind = TOLL_DIRECTORY_LEDGER,
                                          .files = ledger->files,
                                          .bytes = ledger->bytes,
                                          .rows = ledger->place_count};
    toll_hash_text(ledger->entries[ledger->entry_count - 1].digest, result->hash);
    toll_ledger_close(ledger);
    return 0;
}

static int verify_image(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                        struct toll_error *error)
{
    struct toll_blob image = {0};
    struct toll_book *book = NULL;
    int rc = toll_blob_read(&image, io, AT_FDCWD, path, TOLL_READ_PREAD, error);
    if (rc == 0)
        rc = toll_book_open_bytes((const uint8_t *)image.data, image.size, path, &book, error);
    if (rc == 0) {
        result->kind = TOLL_FILE_BOOK;
        result->files = 1;
        result->bytes = (int64_t)image.size;
        toll_hash_text(book->book_hash, result->hash);
    }
    toll_book_close(book);
    toll_blob_free(&image);
    return rc;
}

int toll_verify(const char *path, struct toll_verify_result *result, struct toll_error *error)
{
    return toll_verify_with(toll_io_system(), path, result, error);
}

int toll_verify_with(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                     struct toll_error *error)
{
    memset(result, 0, sizeof *result);
    const int kind = find_kind(io, path, error);
    if (kind < 0)
        return kind;
    if (kind == TOLL_DIRECTORY_DATASET)
        return verify_dataset(io, path, result, error);
    if (kind == TOLL_DIRECTORY_STATE)
        return verify_closed(io, path, result, error);
    if (kind == TOLL_DIRECTORY_DELTA)
        return verify_delta(io, path, result, error);
    if (kind == TOLL_DIRECTORY_LEDGER)
        return verify_ledger(io, path, result, error);
    return kind == TOLL_DIRECTORY_RUN ? verify_run(io, path, result, error)
                                      : verify_image(io, path, result, error);
}
