/*
 * Reading a dataset again, all of it. Bytes first (digests and checksums), then sense: what the importer
 * promises of rows, order, dictionaries and columns is checked with code that shares nothing with the
 * importer.
 */
#include "base/check.h"
#include "base/error.h"
#include "mmap_cdr/arrow_file.h"
#include "mmap_cdr/columns.h"
#include "mmap_cdr/dataset_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_ROOM 128
#define NUMBER_TYPES_WITH_DIGITS \
    ((1u << TOLL_NUMBER_E164) | (1u << TOLL_NUMBER_SHORT) | (1u << TOLL_NUMBER_EXTENSION))

static int wrong(const struct toll_dataset *dataset, const struct toll_dataset_part *part, int64_t row,
                 const char *what, struct toll_error *error)
{
    char name[TOLL_PART_NAME_BYTES];
    toll_dataset_part_name(part, name);
    return toll_error_set(error, TOLL_EDATA,
                          "%s/parts/%s.arrow: row %lld: %s; import its files again into a new dataset",
                          dataset->path, name, (long long)row, what);
}

/* ---- rows ---- */

/* The order of rows within a part; the columns of the source are no part of it. */
static const uint8_t row_order[] = {
    TOLL_CDR_START,          TOLL_CDR_RECORD_KEY_HIGH,
    TOLL_CDR_RECORD_KEY_LOW, TOLL_CDR_CALLER,
    TOLL_CDR_CALLEE,         TOLL_CDR_DURATION_MS,
    TOLL_CDR_KIND,           TOLL_CDR_CARRIER,
    TOLL_CDR_CHARGED,        TOLL_CDR_LRN_CALLER,
    TOLL_CDR_LRN_CALLEE,     TOLL_CDR_RING_TO,
    TOLL_CDR_TRUNK,          TOLL_CDR_HINT,
    TOLL_CDR_CALLTYPE,       TOLL_CDR_QUANTITY,
    TOLL_CDR_SETUP_MS,       TOLL_CDR_PROVIDER_CHARGE,
    TOLL_CDR_PROVIDER_TAX,   TOLL_CDR_CARRIER_BILLED_MS,
};
_Static_assert(sizeof row_order == TOLL_CDR_COLUMNS - 2, "all columns but the two of the source");

/* A value such that unsigned comparison orders values as the column's type does. */
static uint64_t ordered_value(const struct toll_cdr_batch *batch, unsigned column, int64_t row)
{
    const void *values = toll_cdr_batch_column(batch, column);
    if (!values)
        return 0;
    switch (toll_cdr_columns[column].field.type) {
    case TOLL_ARROW_UINT64:
        return ((const uint64_t *)values)[row];
    case TOLL_ARROW_UINT16:
    case TOLL_ARROW_DICTIONARY_UINT16:
        return ((const uint16_t *)values)[row];
    case TOLL_ARROW_INT32:
    case TOLL_ARROW_DICTIONARY_INT32:
        return (uint64_t)(int64_t)((const int32_t *)values)[row] ^ (UINT64_C(1) << 63);
    default:
        return (uint64_t)((const int64_t *)values)[row] ^ (UINT64_C(1) << 63);
    }
}

struct part_check {
    const struct toll_dataset *dataset;
    const struct toll_dataset_part *part;
    const struct toll_cdr_part *opened;
    uint64_t last[sizeof row_order]; /* of the row before */
    bool has_last;
    bool used_column[TOLL_CDR_COLUMNS];
    uint8_t *used_word[TOLL_CDR_COLUMNS]; /* of each dictionary */
    int64_t conflicts;
    struct toll_cdr_most most;
};

static bool ordered_after(const struct toll_cdr_batch *batch, int64_t row, const uint64_t *last)
{
    for (unsigned i = 0; i < sizeof row_order; i++) {
        uint64_t value = ordered_value(batch, row_order[i], row);
        if (value != last[i])
            return value > last[i];
    }
    return true;
}

static void remember_row(struct part_check *check, const struct toll_cdr_batch *batch, int64_t row)
{
    for (unsigned i = 0; i < sizeof row_order; i++)
        check->last[i] = ordered_value(batch, row_order[i], row);
    check->has_last = true;
}

static int64_t first_unordered(struct part_check *check, const struct toll_cdr_batch *batch)
{
    for (int64_t i = 0; i < batch->rows; i++) {
        /* Most rows differ in start already. */
        if (i > 0 && batch->start[i] > batch->start[i - 1])
            continue;
        if (i > 0)
            remember_row(check, batch, i - 1);
        if (check->has_last && !ordered_after(batch, i, check->last))
            return i;
    }
    remember_row(check, batch, batch->rows - 1);
    return -1;
}

/* 0, or 1 to 15 nibbles of 0-9, A, B followed by F only. */
static bool number_valid(uint64_t digits)
{
    unsigned count = toll_digits_count(digits);
    if (digits == 0)
        return true;
    if (count == 0 || count > TOLL_DIGITS_MAX)
        return false;
    uint64_t within = ~UINT64_C(0) << (64 - 4 * count);
    return (digits & digits << 1 & UINT64_C(0x8888888888888888) & within) == 0;
}

static bool end_valid(uint64_t digits, unsigned type)
{
    bool wants = type < 8 && (NUMBER_TYPES_WITH_DIGITS >> type & 1u);
    return type <= TOLL_NUMBER_INVALID && wants == (digits != 0) && number_valid(digits);
}

static const char *row_fault(const struct part_check *check, const struct toll_cdr_batch *batch, int64_t i)
{
    unsigned kind = batch->kind[i];
    if (toll_day_of_ms(batch->start[i]) != check->part->day)
        return "its start is of another day";
    if ((kind & TOLL_KIND_SERVICE) >= TOLL_SERVICES)
        return "its service does not exist";
    if (!end_valid(batch->caller[i], kind >> TOLL_KIND_CALLER_TYPE_SHIFT & TOLL_KIND_TYPE_MASK))
        return "its caller is not of the type that it says";
    if (!end_valid(batch->callee[i], kind >> TOLL_KIND_CALLEE_TYPE_SHIFT & TOLL_KIND_TYPE_MASK))
        return "its callee is not of the type that it says";
    if ((batch->charged && !number_valid(batch->charged[i])) ||
        (batch->lrn_caller && !number_valid(batch->lrn_caller[i])) ||
        (batch->lrn_callee && !number_valid(batch->lrn_callee[i])) ||
        (batch->ring_to && !number_valid(batch->ring_to[i])))
        return "a number has impossible digits";
    if (batch->quantity && batch->quantity[i] < 0)
        return "its quantity is negative";
    if (batch->source_file[i] == 0 || batch->source_row[i] < 1)
        return "it has no source";
    return NULL;
}

static bool any_value(const void *values, size_t bytes)
{
    const uint8_t *p = values;
    return bytes > 0 && (p[0] != 0 || memcmp(p, p + 1, bytes - 1) != 0);
}

static void note_use(struct part_check *check, const struct toll_cdr_batch *batch)
{
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        const void *values = toll_cdr_batch_column(batch, c);
        enum toll_arrow_type type = toll_cdr_columns[c].field.type;
        if (values && !check->used_column[c])
            check->used_column[c] = any_value(values, (size_t)batch->rows * toll_arrow_width(type));
        for (int64_t i = 0; values && type == TOLL_ARROW_DICTIONARY_INT32 && i < batch->rows; i++)
            check->used_word[c][((const int32_t *)values)[i]] = 1;
        for (int64_t i = 0; values && type == TOLL_ARROW_DICTIONARY_UINT16 && i < batch->rows; i++)
            check->used_word[c][((const uint16_t *)values)[i]] = 1;
    }
}

static int check_batch(struct part_check *check, const struct toll_cdr_batch *batch, struct toll_error *error)
{
    for (int64_t i = 0; i < batch->rows; i++) {
        const char *what = row_fault(check, batch, i);
        if (what)
            return wrong(check->dataset, check->part, batch->first_row + i, what, error);
        check->conflicts += (batch->kind[i] & TOLL_KIND_CONFLICT) != 0;
    }
    int64_t unordered = first_unordered(check, batch);
    if (unordered >= 0)
        return wrong(check->dataset, check->part, batch->first_row + unordered, "it is not in order", error);
    if (batch->first_row == 0 && batch->start[0] != check->part->first_start)
        return wrong(check->dataset, check->part, 0, "its start is not the part's first", error);
    if (batch->first_row + batch->rows == check->part->rows &&
        batch->start[batch->rows - 1] != check->part->last_start)
        return wrong(check->dataset, check->part, check->part->rows - 1, "its start is not the part's last",
                     error);
    toll_cdr_most_add(&check->most, batch->duration_ms, batch->quantity, batch->rows);
    note_use(check, batch);
    return 0;
}

/* What can be said only when all rows have been seen. */
static int check_end(const struct part_check *check, struct toll_error *error)
{
    int64_t rows = check->part->rows;
    if (check->conflicts != check->part->conflicts)
        return wrong(check->dataset, check->part, rows, "the manifest has another number of conflicts",
                     error);
    if (check->part->most.known && !toll_cdr_most_equal(check->part->most, check->most))
        return wrong(check->dataset, check->part, rows, "the manifest has another longest call or quantity",
                     error);
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (!toll_cdr_part_has(check->opened, c))
            continue;
        if (!toll_cdr_columns[c].always && !check->used_column[c])
            return wrong(check->dataset, check->part, rows, "a column has no value in any row", error);
        struct toll_cdr_dictionary words = toll_cdr_part_dictionary(check->opened, c);
        for (uint32_t i = 1; check->used_word[c] && i < words.count; i++) {
            if (!check->used_word[c][i])
                return wrong(check->dataset, check->part, rows, "a word of a dictionary is in no row", error);
        }
    }
    return 0;
}

static int compare_sha256(const void *key, const void *receipt)
{
    return strcmp(key, ((const struct toll_receipt *)receipt)->sha256);
}

static int check_sources(const struct part_check *check, struct toll_error *error)
{
    const struct toll_dataset *dataset = check->dataset;
    struct toll_cdr_dictionary files = toll_cdr_part_dictionary(check->opened, TOLL_CDR_SOURCE_FILE);
    for (uint32_t i = 1; i < files.count; i++) {
        if (dataset->receipt_count == 0 ||
            !bsearch(files.entries[i], dataset->receipts, dataset->receipt_count, sizeof *dataset->receipts,
                     compare_sha256))
            return wrong(dataset, check->part, 0, "a source file of the part has no receipt", error);
    }
    return 0;
}

static int verify_part(const struct toll_dataset *dataset, size_t index, struct toll_error *error)
{
    struct part_check check = {.dataset = dataset, .part = &dataset->parts[index]};
    struct toll_cdr_part *part = NULL;
    struct toll_cdr_text *text = NULL;
    void *buffer = NULL;
    int rc = toll_dataset_part_open(dataset, index, TOLL_READ_PREAD, &part, error);
    if (rc)
        goto out;
    check.opened = part;
    buffer = aligned_alloc(TOLL_ARROW_ALIGNMENT, toll_cdr_batch_buffer_bytes(part, TOLL_CDR_ALL_COLUMNS));
    bool memory = buffer != NULL;
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++) {
        if (!toll_arrow_is_dictionary(toll_cdr_columns[c].field.type))
            continue;
        check.used_word[c] = calloc(1, toll_cdr_part_dictionary(part, c).count);
        memory = memory && check.used_word[c];
    }
    if (!memory) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", dataset->path);
        goto out;
    }
    rc = check_sources(&check, error);
    for (int64_t i = 0; rc == 0 && i < toll_cdr_part_batches(part); i++) {
        struct toll_cdr_batch batch;
        rc = toll_cdr_part_batch(part, i, TOLL_CDR_ALL_COLUMNS, buffer, &batch, error);
        if (rc == 0)
            rc = check_batch(&check, &batch, error);
    }
    if (rc == 0)
        rc = check_end(&check, error);
    if (rc == 0)
        rc = toll_dataset_text_open(dataset, index, TOLL_READ_PREAD, &text, error);
    if (rc == 0)
        rc = toll_cdr_text_verify(text, error);
out:
    toll_cdr_text_close(text);
    toll_cdr_part_close(part);
    for (unsigned c = 0; c < TOLL_CDR_COLUMNS; c++)
        free(check.used_word[c]);
    free(buffer);
    return rc;
}

/* ---- receipts and the manifest ---- */

static int differs(const struct toll_dataset *dataset, const char *path, struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA,
                          "%s/%s: is not what the manifest says: damaged or edited; restore it from a backup",
                          dataset->path, path);
}

/*
 * A receipt's file is a copy of what the manifest has. An import that was killed just before its manifest may
 * have left a newer one of a known file (with other counts of duplicates): whole, of the same file, and of no
 * consequence.
 */
static int verify_receipt_text(const struct toll_dataset *dataset, const struct toll_receipt *receipt,
                               const char *path, const struct toll_blob *blob, struct toll_error *error)
{
    struct toll_manifest manifest;
    struct toll_json json;
    int rc = toll_receipt_encode(&json, receipt, error);
    bool same = rc == 0 && json.bytes == blob->size && memcmp(json.text, blob->data, blob->size) == 0;
    toll_json_free(&json);
    if (rc || same)
        return rc;
    rc = toll_manifest_begin(&manifest, path, blob->data, blob->size, TOLL_RECEIPT_SCHEMA, error);
    if (rc)
        return rc;
    if (strcmp(toll_manifest_text(&manifest, manifest.root, "sha256"), receipt->sha256) != 0)
        rc = differs(dataset, path, error);
    toll_manifest_free(&manifest);
    return rc;
}

static int verify_receipt(const struct toll_dataset *dataset, const struct toll_receipt *receipt,
                          struct toll_error *error)
{
    struct toll_blob blob;
    char path[PATH_ROOM], hash[TOLL_HASH_TEXT_BYTES];
    snprintf(path, sizeof path, "receipts/%s.json", receipt->sha256);
    int rc = toll_blob_read(&blob, dataset->io, dataset->directory, path, TOLL_READ_PREAD, error);
    if (rc)
        return rc == TOLL_ENOINPUT ? differs(dataset, path, error)
                                   : toll_error_within(error, rc, dataset->path);
    rc = verify_receipt_text(dataset, receipt, path, &blob, error);
    toll_blob_free(&blob);
    if (rc || receipt->rejects_hash[0] == 0)
        return rc;
    snprintf(path, sizeof path, "rejects/%s.csv", receipt->sha256);
    rc = toll_blob_read(&blob, dataset->io, dataset->directory, path, TOLL_READ_PREAD, error);
    if (rc)
        return rc == TOLL_ENOINPUT ? differs(dataset, path, error)
                                   : toll_error_within(error, rc, dataset->path);
    toll_hash_text(toll_hash(blob.data, blob.size), hash);
    if ((int64_t)blob.size != receipt->rejects_bytes || strcmp(hash, receipt->rejects_hash) != 0)
        rc = differs(dataset, path, error);
    toll_blob_free(&blob);
    return rc;
}

/* The file as it is now; another generation may have come in the meantime, which is no fault. */
static int verify_manifest(const struct toll_dataset *dataset, struct toll_error *error)
{
    struct toll_blob blob;
    struct toll_dataset again = {.path = dataset->path};
    int rc =
        toll_blob_read(&blob, dataset->io, dataset->directory, TOLL_DATASET_MANIFEST, TOLL_READ_PREAD, error);
    if (rc)
        return toll_error_within(error, rc, dataset->path);
    rc = toll_dataset_decode(&again, blob.data, blob.size, error);
    toll_blob_free(&blob);
    if (rc)
        return rc;
    if (again.generation == dataset->generation && !toll_hash_equal(again.cdr_hash, dataset->cdr_hash))
        rc = differs(dataset, TOLL_DATASET_MANIFEST, error);
    free(again.parts);
    toll_receipts_free(again.receipts, again.receipt_count);
    return rc;
}

int toll_dataset_verify(const struct toll_dataset *dataset, struct toll_error *error)
{
    struct toll_hash128 hash;
    int rc = dataset->generation > 0 ? verify_manifest(dataset, error) : 0;
    if (rc == 0 && !toll_dataset_hash(dataset->parts, dataset->part_count, &hash))
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", dataset->path);
    if (rc == 0 && !toll_hash_equal(hash, dataset->cdr_hash))
        rc = differs(dataset, TOLL_DATASET_MANIFEST, error);
    for (size_t i = 0; rc == 0 && i < dataset->receipt_count; i++)
        rc = verify_receipt(dataset, &dataset->receipts[i], error);
    for (size_t i = 0; rc == 0 && i < dataset->part_count; i++)
        rc = verify_part(dataset, i, error);
    return rc;
}
