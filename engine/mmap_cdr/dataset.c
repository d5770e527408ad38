/* A dataset's directory: opened for reading or import, and changed by publishing a new generation. */
#include "mmap_cdr/dataset.h"

#include "base/check.h"
#include "base/error.h"
#include "io/publish.h"
#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/dataset_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER_MODE 0750
#define PATH_ROOM 128 /* of any path below the dataset: numbers, a SHA-256, fixed words */

/* ---- opening ---- */

static int begin(struct toll_dataset *dataset, const struct toll_io *io, const char *path,
                 struct toll_error *error)
{
    *dataset = (struct toll_dataset){.io = io, .path = strdup(path), .directory = -1};
    return dataset->path ? 0 : toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
}

static int read_manifest(struct toll_dataset *dataset, struct toll_error *error)
{
    struct toll_blob blob;
    struct toll_error reason;
    int rc = toll_blob_read(&blob, dataset->io, dataset->directory, TOLL_DATASET_MANIFEST, TOLL_READ_PREAD,
                            &reason);
    if (rc == TOLL_ENOINPUT)
        return toll_error_set(error, rc, "%s: is no dataset, it has no dataset.json: import into it first",
                              dataset->path);
    if (rc)
        return toll_error_set(error, rc, "%s/%s", dataset->path, reason.text);
    rc = toll_dataset_decode(dataset, blob.data, blob.size, error);
    toll_blob_free(&blob);
    return rc;
}

int toll_dataset_open(struct toll_dataset *dataset, const struct toll_io *io, const char *path,
                      struct toll_error *error)
{
    int rc = begin(dataset, io, path, error);
    if (rc)
        return rc;
    dataset->directory = toll_open_folder(io, AT_FDCWD, path, 0);
    if (dataset->directory < 0)
        rc = toll_error_errno(
            error, dataset->directory == -ENOENT || dataset->directory == -ENOTDIR ? TOLL_ENOINPUT : TOLL_EIO,
            -dataset->directory, "%s: cannot be opened as a dataset", path);
    else
        rc = read_manifest(dataset, error);
    if (rc)
        toll_dataset_close(dataset);
    return rc;
}

static int make_folder(const struct toll_dataset *dataset, const char *name, struct toll_error *error)
{
    struct stat status;
    int rc = dataset->io->mkdirat(dataset->io->context, dataset->directory, name, FOLDER_MODE);
    if (rc == 0)
        return 0;
    if (rc == -EEXIST)
        rc = dataset->io->fstatat(dataset->io->context, dataset->directory, name, &status,
                                  AT_SYMLINK_NOFOLLOW);
    if (rc == 0 && S_ISDIR(status.st_mode))
        return 0;
    if (rc == 0)
        return toll_error_set(
            error, TOLL_ECREATE,
            "%s/%s: is no folder but a link or a file: nothing is written through it; put a "
            "folder there",
            dataset->path, name);
    return toll_error_errno(error, TOLL_ECREATE, -rc, "%s/%s: cannot be made", dataset->path, name);
}

int64_t toll_part_file_generation(const char *name)
{
    char expected[PATH_ROOM];
    long long generation;
    int day[3], part;
    if (strlen(name) >= TOLL_PART_NAME_BYTES ||
        sscanf(name, "%4d-%2d-%2d.%9d.g%18lld", &day[0], &day[1], &day[2], &part, &generation) != 5 ||
        generation < 1)
        return 0;
    for (int text = 0; text < 2; text++) {
        snprintf(expected, sizeof expected, "%04d-%02d-%02d.%d.g%lld%s.arrow", day[0], day[1], day[2], part,
                 generation, text ? ".text" : "");
        if (strcmp(name, expected) == 0)
            return generation;
    }
    return 0;
}

/* What a killed import left has the number of a generation that was not published. */
static int remove_leftovers(const struct toll_dataset *dataset, struct toll_error *error)
{
    const struct toll_io *io = dataset->io;
    char **names;
    size_t count;
    int rc = toll_list_directory(io, dataset->directory, "parts", &names, &count, error);
    if (rc)
        return toll_error_within(error, rc, dataset->path);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (toll_part_file_generation(names[i]) <= dataset->generation)
            continue;
        char path[PATH_ROOM + sizeof "parts/"];
        snprintf(path, sizeof path, "parts/%s", names[i]);
        int removed = io->unlinkat(io->context, dataset->directory, path, 0);
        if (removed < 0)
            rc = toll_error_errno(error, TOLL_EIO, -removed, "%s/%s: cannot be removed", dataset->path, path);
    }
    toll_names_free(names, count);
    return rc;
}

int toll_dataset_open_for_import(struct toll_dataset *dataset, const struct toll_io *io, const char *path,
                                 struct toll_error *error)
{
    int rc = begin(dataset, io, path, error);
    if (rc)
        return rc;
    rc = toll_lock_directory(io, path, true, &dataset->directory, error);
    if (rc)
        goto out;
    dataset->locked = true;
    rc = read_manifest(dataset, error);
    if (rc == TOLL_ENOINPUT)
        rc = 0;
    if (rc == 0)
        rc = make_folder(dataset, "parts", error);
    if (rc == 0)
        rc = make_folder(dataset, "receipts", error);
    if (rc == 0)
        rc = make_folder(dataset, "rejects", error);
    if (rc == 0)
        rc = remove_leftovers(dataset, error);
    if (rc == 0 && dataset->generation == 0 && !toll_dataset_hash(NULL, 0, &dataset->cdr_hash))
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
out:
    if (rc)
        toll_dataset_close(dataset);
    return rc;
}

void toll_dataset_close(struct toll_dataset *dataset)
{
    if (!dataset->io)
        return;
    if (dataset->locked)
        toll_unlock_directory(dataset->io, dataset->directory);
    else if (dataset->directory >= 0)
        dataset->io->close(dataset->io->context, dataset->directory);
    free(dataset->path);
    free(dataset->parts);
    toll_receipts_free(dataset->receipts, dataset->receipt_count);
    *dataset = (struct toll_dataset){.directory = -1};
}

/* ---- parts ---- */

void toll_dataset_part_name(const struct toll_dataset_part *part, char name[TOLL_PART_NAME_BYTES])
{
    char day[TOLL_TIME_TEXT_BYTES];
    toll_day_format(part->day, day);
    snprintf(name, TOLL_PART_NAME_BYTES, "%s.%d.g%lld", day, part->part, (long long)part->generation);
}

static void part_path(const struct toll_dataset_part *part, char path[PATH_ROOM])
{
    char name[TOLL_PART_NAME_BYTES];
    toll_dataset_part_name(part, name);
    snprintf(path, PATH_ROOM, "parts/%s", name);
}

static int wrong_rows(const struct toll_dataset *dataset, const char *path, int64_t have, int64_t want,
                      struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s/%s: has %lld rows, the manifest says %lld: import again",
                          dataset->path, path, (long long)have, (long long)want);
}

int toll_dataset_part_open(const struct toll_dataset *dataset, size_t index, enum toll_read_path how,
                           struct toll_cdr_part **out, struct toll_error *error)
{
    TOLL_ASSERT(index < dataset->part_count);
    const struct toll_dataset_part *part = &dataset->parts[index];
    char path[PATH_ROOM];
    part_path(part, path);
    int rc = toll_cdr_part_open(dataset->io, dataset->directory, dataset->path, path, &part->seal, how, out,
                                error);
    if (rc == 0 && toll_cdr_part_rows(*out) != part->rows) {
        rc = wrong_rows(dataset, path, toll_cdr_part_rows(*out), part->rows, error);
        toll_cdr_part_close(*out);
        *out = NULL;
    }
    return rc;
}

int toll_dataset_text_open(const struct toll_dataset *dataset, size_t index, enum toll_read_path how,
                           struct toll_cdr_text **out, struct toll_error *error)
{
    TOLL_ASSERT(index < dataset->part_count);
    const struct toll_dataset_part *part = &dataset->parts[index];
    char path[PATH_ROOM];
    part_path(part, path);
    int rc = toll_cdr_text_open(dataset->io, dataset->directory, dataset->path, path, &part->text_seal, how,
                                out, error);
    if (rc == 0 && toll_cdr_text_rows(*out) != part->rows) {
        rc = wrong_rows(dataset, path, toll_cdr_text_rows(*out), part->rows, error);
        toll_cdr_text_close(*out);
        *out = NULL;
    }
    return rc;
}

/* ---- publishing ---- */

int toll_dataset_compare_parts(const void *a, const void *b)
{
    const struct toll_dataset_part *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->part < y->part ? -1 : x->part > y->part;
}

static int compare_receipts(const void *a, const void *b)
{
    return strcmp(((const struct toll_receipt *)a)->sha256, ((const struct toll_receipt *)b)->sha256);
}

static int copy_lists(struct toll_dataset *next, const struct toll_dataset_part *parts, size_t part_count,
                      const struct toll_receipt *receipts, size_t receipt_count, struct toll_error *error)
{
    next->parts = calloc(part_count + 1, sizeof *next->parts);
    next->receipts = calloc(receipt_count + 1, sizeof *next->receipts);
    if (!next->parts || !next->receipts)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", next->path);
    if (part_count)
        memcpy(next->parts, parts, part_count * sizeof *parts);
    next->part_count = part_count;
    for (size_t i = 0; i < receipt_count; i++) {
        if (!toll_receipt_copy(&next->receipts[next->receipt_count++], &receipts[i]))
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", next->path);
    }
    qsort(next->parts, part_count, sizeof *next->parts, toll_dataset_compare_parts);
    qsort(next->receipts, receipt_count, sizeof *next->receipts, compare_receipts);
    return 0;
}

static int hash_rejects(const struct toll_dataset *dataset, struct toll_receipt *receipt,
                        struct toll_error *error)
{
    char path[PATH_ROOM];
    struct toll_blob blob;
    if (receipt->rejected > 0 &&
        receipt->rejects_hash[0]) /* a lost write is found only if it is the writer's */
        return 0;
    receipt->rejects_hash[0] = 0;
    receipt->rejects_bytes = 0;
    if (receipt->rejected == 0) /* a file that is there all the same was left by a killed import */
        return 0;
    snprintf(path, sizeof path, "rejects/%s.csv", receipt->sha256);
    int rc = toll_blob_read(&blob, dataset->io, dataset->directory, path, TOLL_READ_PREAD, error);
    if (rc == TOLL_ENOINPUT)
        return 0;
    if (rc)
        return toll_error_within(error, rc, dataset->path);
    toll_hash_text(toll_hash(blob.data, blob.size), receipt->rejects_hash);
    receipt->rejects_bytes = (int64_t)blob.size;
    toll_blob_free(&blob);
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* All but what publishing itself sets. */
static bool same_receipt(const struct toll_receipt *a, const struct toll_receipt *b)
{
    return same_text(a->file, b->file) && same_text(a->spec, b->spec) &&
           same_text(a->spec_version, b->spec_version) && same_text(a->carrier, b->carrier) &&
           same_text(a->header_hash, b->header_hash) && a->bytes == b->bytes && a->rows == b->rows &&
           a->accepted == b->accepted && a->rejected == b->rejected && a->legs == b->legs &&
           a->duplicates == b->duplicates && a->warnings == b->warnings && a->first_start == b->first_start &&
           a->last_start == b->last_start && a->duration_ms == b->duration_ms;
}

/* Later imports may change a receipt's counts (a duplicate of a new file's row), but not what was rejected
 * then. */
static bool same_rejects(const struct toll_receipt *a, const struct toll_receipt *b)
{
    return same_text(a->spec, b->spec) && same_text(a->spec_version, b->spec_version) && a->rows == b->rows &&
           a->rejected == b->rejected;
}

static int write_receipt(const struct toll_dataset *dataset, int folder, const struct toll_receipt *receipt,
                         bool replace, struct toll_error *error)
{
    const struct toll_io *io = dataset->io;
    struct toll_json json;
    char name[PATH_ROOM];
    snprintf(name, sizeof name, "%s.json", receipt->sha256);
    int rc = toll_receipt_encode(&json, receipt, error);
    if (rc == 0 && replace) {
        rc = toll_replace_file(io, folder, name, json.text, json.bytes, error);
    } else if (rc == 0) {
        int removed = io->unlinkat(io->context, folder, name, 0); /* of a killed import */
        if (removed < 0 && removed != -ENOENT)
            rc = toll_error_errno(error, TOLL_EIO, -removed, "%s: cannot be removed", name);
        else
            rc = toll_write_file(io, folder, name, json.text, json.bytes, error);
    }
    toll_json_free(&json);
    toll_error_within(error, rc, "receipts");
    return toll_error_within(error, rc, dataset->path);
}

static int sync_fd(const struct toll_dataset *dataset, int fd, const char *name, struct toll_error *error)
{
    struct toll_error reason;
    int rc = toll_arrow_file_sync(dataset->io, fd, name, &reason);
    return rc ? toll_error_set(error, rc, "%s/%s", dataset->path, reason.text) : 0;
}

/* Writes the receipts that are new or changed; the others keep what was known of their rejects. */
static int write_receipts(const struct toll_dataset *old, struct toll_dataset *next, struct toll_error *error)
{
    int rc = 0;
    int folder = toll_open_folder(next->io, next->directory, "receipts", 0);
    if (folder < 0)
        return toll_error_errno(error, TOLL_EIO, -folder, "%s/receipts: cannot be opened", next->path);
    for (size_t i = 0; rc == 0 && i < next->receipt_count; i++) {
        struct toll_receipt *receipt = &next->receipts[i];
        const struct toll_receipt *known =
            old->receipt_count
                ? bsearch(receipt, old->receipts, old->receipt_count, sizeof *receipt, compare_receipts)
                : NULL;
        if (known && same_rejects(known, receipt)) {
            memcpy(receipt->rejects_hash, known->rejects_hash, sizeof receipt->rejects_hash);
            receipt->rejects_bytes = known->rejects_bytes;
            if (same_receipt(known, receipt))
                continue;
        } else {
            rc = hash_rejects(next, receipt, error);
        }
        if (rc == 0)
            rc = write_receipt(next, folder, receipt, known != NULL, error);
    }
    if (rc == 0)
        rc = sync_fd(next, folder, "receipts", error);
    next->io->close(next->io->context, folder);
    return rc;
}

static int sync_folder(const struct toll_dataset *dataset, const char *name, struct toll_error *error)
{
    int fd = toll_open_folder(dataset->io, dataset->directory, name, 0);
    if (fd < 0)
        return toll_error_errno(error, TOLL_EIO, -fd, "%s/%s: cannot be opened", dataset->path, name);
    int rc = sync_fd(dataset, fd, name, error);
    dataset->io->close(dataset->io->context, fd);
    return rc;
}

int toll_dataset_publish(struct toll_dataset *dataset, const struct toll_dataset_part *parts,
                         size_t part_count, const struct toll_receipt *receipts, size_t receipt_count,
                         struct toll_error *error)
{
    struct toll_dataset next = {.io = dataset->io,
                                .path = dataset->path,
                                .directory = dataset->directory,
                                .generation = dataset->generation + 1};
    struct toll_json json = {0};
    TOLL_ASSERT(dataset->locked);
    int rc = copy_lists(&next, parts, part_count, receipts, receipt_count, error);
    if (rc)
        goto out;
    const char *what = toll_dataset_fault(&next);
    if (what) {
        rc = toll_error_set(error, TOLL_EBUG, "%s: cannot be published: %s", dataset->path, what);
        goto out;
    }
    if (!toll_dataset_hash(next.parts, part_count, &next.cdr_hash)) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", dataset->path);
        goto out;
    }
    rc = sync_folder(dataset, "parts", error);
    if (rc == 0)
        rc = sync_folder(dataset, "rejects", error);
    if (rc == 0)
        rc = write_receipts(dataset, &next, error);
    if (rc == 0)
        rc = sync_folder(dataset, ".", error);
    if (rc == 0)
        rc = toll_dataset_encode(&json, &next, error);
    if (rc == 0)
        rc = toll_error_within(error,
                               toll_replace_file(dataset->io, dataset->directory, TOLL_DATASET_MANIFEST,
                                                 json.text, json.bytes, error),
                               dataset->path);
out:
    toll_json_free(&json);
    if (rc) {
        free(next.parts);
        toll_receipts_free(next.receipts, next.receipt_count);
        return rc;
    }
    free(dataset->parts);
    toll_receipts_free(dataset->receipts, dataset->receipt_count);
    next.locked = true;
    *dataset = next;
    return 0;
}
