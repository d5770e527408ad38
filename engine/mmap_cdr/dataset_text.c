/* dataset.json and receipts/<sha256>.json: from the structs to text and back. */
#include "mmap_cdr/dataset_text.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATASET_PARTS_MAX 10000000 /* as many days as 27 thousand years: a number beyond is damage */

bool toll_dataset_hash(const struct toll_dataset_part *parts, size_t count, struct toll_hash128 *out)
{
    struct toll_hasher *hasher = toll_hasher_create();
    for (size_t i = 0; hasher && i < count; i++) {
        char day[TOLL_TIME_TEXT_BYTES], part[TOLL_HASH_TEXT_BYTES], text[TOLL_HASH_TEXT_BYTES], line[200];
        toll_day_format(parts[i].day, day);
        toll_hash_text(parts[i].seal.digest, part);
        toll_hash_text(parts[i].text_seal.digest, text);
        int bytes = snprintf(line, sizeof line, "%s %d %lld %s %s\n", day, parts[i].part,
                             (long long)parts[i].rows, part, text);
        toll_hasher_update(hasher, line, (size_t)bytes);
    }
    if (!hasher)
        return false;
    *out = toll_hasher_digest(hasher);
    toll_hasher_destroy(hasher);
    return true;
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

const char *toll_dataset_fault(const struct toll_dataset *dataset)
{
    for (size_t i = 0; i < dataset->part_count; i++) {
        const struct toll_dataset_part *part = &dataset->parts[i],
                                       *before = &dataset->parts[i > 0 ? i - 1 : 0];
        if (part->generation > dataset->generation || part->generation < 1)
            return "a part is of a generation that is still to come";
        if (part->rows < 1 || part->conflicts > part->rows || part->last_start < part->first_start ||
            toll_day_of_ms(part->first_start) != part->day || toll_day_of_ms(part->last_start) != part->day)
            return "the facts of a part contradict each other";
        if (i == 0 || part->day > before->day)
            continue;
        if (part->day < before->day || part->part <= before->part || part->first_start < before->last_start)
            return "the parts are not in order, or overlap";
    }
    for (size_t i = 0; i < dataset->receipt_count; i++) {
        if (!is_sha256(dataset->receipts[i].sha256))
            return "a receipt has no SHA-256";
        if (i > 0 && strcmp(dataset->receipts[i - 1].sha256, dataset->receipts[i].sha256) >= 0)
            return "the receipts are not in order, or one is there twice";
    }
    return NULL;
}

/* ---- to text ---- */

static void put_part(struct toll_json *json, const struct toll_dataset_part *part)
{
    toll_json_open_map(json, NULL);
    toll_manifest_put_day(json, "day", part->day);
    toll_json_int(json, "part", part->part);
    toll_json_int(json, "generation", part->generation);
    toll_json_int(json, "rows", part->rows);
    toll_json_int(json, "conflicts", part->conflicts);
    toll_json_int(json, "first_start_ms", part->first_start);
    toll_json_int(json, "last_start_ms", part->last_start);
    if (part->most.known) {
        toll_json_int(json, "most_duration_ms", part->most.duration_ms);
        toll_json_int(json, "most_quantity", part->most.quantity);
    }
    toll_json_int(json, "bytes", part->seal.bytes);
    toll_manifest_put_hash(json, "digest", part->seal.digest);
    toll_json_int(json, "text_bytes", part->text_seal.bytes);
    toll_manifest_put_hash(json, "text_digest", part->text_seal.digest);
    toll_json_close_map(json);
}

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static void put_receipt(struct toll_json *json, const struct toll_receipt *receipt)
{
    toll_json_string(json, "sha256", receipt->sha256);
    toll_json_string(json, "file", text_or_none(receipt->file));
    toll_json_string(json, "spec", text_or_none(receipt->spec));
    toll_json_string(json, "spec_version", text_or_none(receipt->spec_version));
    toll_json_string(json, "carrier", text_or_none(receipt->carrier));
    toll_json_int(json, "bytes", receipt->bytes);
    toll_json_int(json, "rows", receipt->rows);
    toll_json_int(json, "accepted", receipt->accepted);
    toll_json_int(json, "rejected", receipt->rejected);
    if (receipt->legs > 0)
        toll_json_int(json, "legs", receipt->legs);
    toll_json_int(json, "duplicates", receipt->duplicates);
    toll_json_int(json, "warnings", receipt->warnings);
    toll_json_int(json, "first_start_ms", receipt->first_start);
    toll_json_int(json, "last_start_ms", receipt->last_start);
    toll_json_int(json, "duration_ms", receipt->duration_ms);
    toll_json_string(json, "header_hash", receipt->header_hash);
    toll_json_string(json, "rejects_hash", receipt->rejects_hash);
    toll_json_int(json, "rejects_bytes", receipt->rejects_bytes);
}

int toll_receipt_encode(struct toll_json *json, const struct toll_receipt *receipt, struct toll_error *error)
{
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_RECEIPT_SCHEMA);
    put_receipt(json, receipt);
    return toll_manifest_finish(json, "a receipt", error);
}

int toll_dataset_encode(struct toll_json *json, const struct toll_dataset *dataset, struct toll_error *error)
{
    int64_t rows = 0;
    for (size_t i = 0; i < dataset->part_count; i++)
        rows += dataset->parts[i].rows;
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_DATASET_SCHEMA);
    toll_json_int(json, "generation", dataset->generation);
    toll_json_int(json, "rows", rows);
    toll_manifest_put_hash(json, "cdr_hash", dataset->cdr_hash);
    toll_json_open_list(json, "parts");
    for (size_t i = 0; i < dataset->part_count; i++)
        put_part(json, &dataset->parts[i]);
    toll_json_close_list(json);
    toll_json_open_list(json, "receipts");
    for (size_t i = 0; i < dataset->receipt_count; i++) {
        toll_json_open_map(json, NULL);
        put_receipt(json, &dataset->receipts[i]);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    return toll_manifest_finish(json, TOLL_DATASET_MANIFEST, error);
}

/* ---- from text ---- */

/* Of a part that an earlier version wrote nothing is known. */
static struct toll_cdr_most get_most(struct toll_manifest *manifest, struct toll_yaml *map)
{
    if (toll_yaml_get(map, "most_duration_ms") == NULL && toll_yaml_get(map, "most_quantity") == NULL)
        return (struct toll_cdr_most){0};
    const int64_t duration = toll_manifest_int(manifest, map, "most_duration_ms", 0);
    const int64_t quantity = toll_manifest_int(manifest, map, "most_quantity", 0);
    if (duration > INT32_MAX)
        toll_manifest_fault(manifest, "a part's longest call is impossible");
    return (struct toll_cdr_most){true, (int32_t)(duration & INT32_MAX), quantity};
}

static void get_part(struct toll_manifest *manifest, struct toll_yaml *map, struct toll_dataset_part *out)
{
    *out = (struct toll_dataset_part){
        .day = toll_manifest_day(manifest, map, "day"),
        .generation = toll_manifest_int(manifest, map, "generation", 1),
        .rows = toll_manifest_int(manifest, map, "rows", 1),
        .conflicts = toll_manifest_int(manifest, map, "conflicts", 0),
        .first_start = toll_manifest_int(manifest, map, "first_start_ms", INT64_MIN),
        .last_start = toll_manifest_int(manifest, map, "last_start_ms", INT64_MIN),
        .most = get_most(manifest, map),
        .seal = {toll_manifest_int(manifest, map, "bytes", 1), toll_manifest_hash(manifest, map, "digest")},
        .text_seal = {toll_manifest_int(manifest, map, "text_bytes", 1),
                      toll_manifest_hash(manifest, map, "text_digest")},
    };
    int64_t part = toll_manifest_int(manifest, map, "part", 0);
    if (part > INT32_MAX || out->rows > INT64_MAX / DATASET_PARTS_MAX)
        toll_manifest_fault(manifest, "a part's number or rows are impossible");
    out->part = (int)(part & INT32_MAX);
}

static void get_hex(struct toll_manifest *manifest, struct toll_yaml *map, const char *key, char *out,
                    size_t room)
{
    const char *text = toll_manifest_text(manifest, map, key);
    size_t bytes = strlen(text);
    if (bytes >= room || strspn(text, "0123456789abcdef") != bytes || (bytes != 0 && bytes != room - 1))
        toll_manifest_fault(manifest, "a receipt's checksum is none");
    else
        memcpy(out, text, bytes + 1);
}

/* The texts stay in the manifest's arena: copy before it is freed. */
static void get_receipt(struct toll_manifest *manifest, struct toll_yaml *map, struct toll_receipt *out)
{
    *out = (struct toll_receipt){
        .file = (char *)(uintptr_t)toll_manifest_text(manifest, map, "file"),
        .spec = (char *)(uintptr_t)toll_manifest_text(manifest, map, "spec"),
        .spec_version = (char *)(uintptr_t)toll_manifest_text(manifest, map, "spec_version"),
        .carrier = (char *)(uintptr_t)toll_manifest_text(manifest, map, "carrier"),
        .bytes = toll_manifest_int(manifest, map, "bytes", 0),
        .rows = toll_manifest_int(manifest, map, "rows", 0),
        .accepted = toll_manifest_int(manifest, map, "accepted", 0),
        .rejected = toll_manifest_int(manifest, map, "rejected", 0),
        .legs = toll_yaml_get(map, "legs") == NULL ? 0 : toll_manifest_int(manifest, map, "legs", 1),
        .duplicates = toll_manifest_int(manifest, map, "duplicates", 0),
        .warnings = toll_manifest_int(manifest, map, "warnings", 0),
        .first_start = toll_manifest_int(manifest, map, "first_start_ms", INT64_MIN),
        .last_start = toll_manifest_int(manifest, map, "last_start_ms", INT64_MIN),
        .duration_ms = toll_manifest_int(manifest, map, "duration_ms", INT64_MIN),
        .rejects_bytes = toll_manifest_int(manifest, map, "rejects_bytes", 0),
    };
    get_hex(manifest, map, "sha256", out->sha256, sizeof out->sha256);
    get_hex(manifest, map, "header_hash", out->header_hash, sizeof out->header_hash);
    get_hex(manifest, map, "rejects_hash", out->rejects_hash, sizeof out->rejects_hash);
}

bool toll_receipt_copy(struct toll_receipt *to, const struct toll_receipt *from)
{
    *to = *from;
    to->file = strdup(text_or_none(from->file));
    to->spec = strdup(text_or_none(from->spec));
    to->spec_version = strdup(text_or_none(from->spec_version));
    to->carrier = strdup(text_or_none(from->carrier));
    return to->file && to->spec && to->spec_version && to->carrier;
}

void toll_receipts_free(struct toll_receipt *receipts, size_t count)
{
    for (size_t i = 0; receipts && i < count; i++) {
        free(receipts[i].file);
        free(receipts[i].spec);
        free(receipts[i].spec_version);
        free(receipts[i].carrier);
    }
    free(receipts);
}

static int get_lists(struct toll_manifest *manifest, struct toll_dataset *out, struct toll_error *error)
{
    struct toll_yaml *parts = toll_manifest_list(manifest, manifest->root, "parts");
    struct toll_yaml *receipts = toll_manifest_list(manifest, manifest->root, "receipts");
    size_t part_count = parts ? parts->child_count : 0, receipt_count = receipts ? receipts->child_count : 0;
    out->parts = calloc(part_count + 1, sizeof *out->parts);
    out->receipts = calloc(receipt_count + 1, sizeof *out->receipts);
    if (!out->parts || !out->receipts)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", manifest->path);
    for (struct toll_yaml *map = parts ? parts->child : NULL; map; map = map->next)
        get_part(manifest, map, &out->parts[out->part_count++]);
    for (struct toll_yaml *map = receipts ? receipts->child : NULL; map; map = map->next) {
        struct toll_receipt receipt;
        get_receipt(manifest, map, &receipt);
        if (!toll_receipt_copy(&out->receipts[out->receipt_count++], &receipt))
            return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", manifest->path);
    }
    return 0;
}

int toll_dataset_decode(struct toll_dataset *dataset, const char *data, size_t size, struct toll_error *error)
{
    struct toll_manifest manifest;
    struct toll_dataset out = {0};
    char *path = NULL;
    if (asprintf(&path, "%s/" TOLL_DATASET_MANIFEST, dataset->path) < 0)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", dataset->path);
    int rc = toll_manifest_begin(&manifest, path, data, size, TOLL_DATASET_SCHEMA, error);
    if (rc)
        goto out;
    out.generation = toll_manifest_int(&manifest, manifest.root, "generation", 1);
    out.cdr_hash = toll_manifest_hash(&manifest, manifest.root, "cdr_hash");
    int64_t rows = toll_manifest_int(&manifest, manifest.root, "rows", 0);
    rc = get_lists(&manifest, &out, error);
    if (rc == 0)
        rc = toll_manifest_end(&manifest, error);
    toll_manifest_free(&manifest);
    if (rc)
        goto out;
    struct toll_hash128 hash;
    const char *what = toll_dataset_fault(&out);
    for (size_t i = 0; i < out.part_count; i++)
        rows -= out.parts[i].rows;
    if (!what && rows != 0)
        what = "its rows are not the sum of its parts' rows";
    if (!toll_dataset_hash(out.parts, out.part_count, &hash)) {
        rc = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
        goto out;
    }
    if (!what && !toll_hash_equal(out.cdr_hash, hash))
        what = "its cdr_hash is not that of its parts";
    if (what)
        rc =
            toll_error_set(error, TOLL_EDATA, "%s: %s; the file was not written by this version", path, what);
out:
    free(path);
    if (rc) {
        free(out.parts);
        toll_receipts_free(out.receipts, out.receipt_count);
        return rc;
    }
    dataset->generation = out.generation;
    dataset->cdr_hash = out.cdr_hash;
    dataset->parts = out.parts;
    dataset->part_count = out.part_count;
    dataset->receipts = out.receipts;
    dataset->receipt_count = out.receipt_count;
    return 0;
}
