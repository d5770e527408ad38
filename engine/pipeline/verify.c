/* toll_verify: finds out what a path is and has its own room read every byte of it again. */
#include "pipeline/rate.h"

#include "base/error.h"

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
    const int dataset = has_file(io, directory, path, "dataset.json", error);
    const int run = dataset == 0 ? has_file(io, directory, path, "run.json", error) : 0;
    io->close(io->context, directory);
    if (dataset < 0 || run < 0)
        return dataset < 0 ? dataset : run;
    if (dataset == 0 && run == 0)
        return toll_error_set(error, TOLL_ENOINPUT,
                              "%s is neither a dataset nor a run: it has no dataset.json and no run.json",
                              path);
    return dataset ? TOLL_DIRECTORY_DATASET : TOLL_DIRECTORY_RUN;
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

/* An embedded book is opened too: the run's tables are worth no more than it. */
static int verify_run_book(const struct toll_io *io, const struct toll_run_files *run, const char *name,
                           struct toll_hash128 hash, struct toll_error *error)
{
    struct toll_blob image = {0};
    struct toll_book *book = NULL;
    int rc = toll_blob_read(&image, io, run->directory, name, TOLL_READ_PREAD, error);
    toll_error_within(error, rc, run->path);
    if (rc == 0)
        rc = toll_book_open_bytes((const uint8_t *)image.data, image.size, name, &book, error);
    if (rc == 0 && !toll_hash_equal(book->book_hash, hash))
        rc = toll_error_set(error, TOLL_EDATA, "%s: %s is not the book that run.json names", run->path, name);
    toll_book_close(book);
    toll_blob_free(&image);
    return rc;
}

/* The older books of a merged run, then its own. */
static int verify_run_books(const struct toll_io *io, const struct toll_run_files *run,
                            struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i + 1 < manifest->book_count; i++) {
        char name[TOLL_RUN_BOOK_NAME_BYTES];
        toll_run_book_name(i, manifest->book_count, name);
        rc = verify_run_book(io, run, name, manifest->books[i].book_hash, error);
    }
    return rc != 0 ? rc : verify_run_book(io, run, "book.image", manifest->book_hash, error);
}

static int verify_run(const struct toll_io *io, const char *path, struct toll_verify_result *result,
                      struct toll_error *error)
{
    struct toll_run_files run;
    int rc = toll_run_files_open(&run, io, path, error);
    if (rc != 0)
        return rc;
    rc = toll_run_verify(&run, error);
    if (rc == 0)
        rc = verify_run_books(io, &run, error);
    if (rc == 0)
        rc = hash_manifest(io, &run, result->hash, error);
    result->kind = TOLL_DIRECTORY_RUN;
    result->files = 6; /* run.json, book.image, accounts, prices, buckets, suspense.csv; then the lines */
    if (run.manifest.book_count > 0)
        result->files += (int64_t)run.manifest.book_count - 1;
    result->rows = run.manifest.rows;
    for (size_t i = 0; i < run.manifest.part_count; i++) {
        result->files++;
        result->bytes += run.manifest.parts[i].seal.bytes;
    }
    toll_run_files_close(&run);
    return rc;
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
    return kind == TOLL_DIRECTORY_RUN ? verify_run(io, path, result, error)
                                      : verify_image(io, path, result, error);
}
