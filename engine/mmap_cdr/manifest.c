#include "mmap_cdr/manifest.h"

#include "base/check.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define KEY "\"digest\": \""
#define END "\"\n}\n"
#define HEX (TOLL_HASH_TEXT_BYTES - 1)
#define TAIL_BYTES (sizeof KEY - 1 + HEX + sizeof END - 1)
#define UNIX_DAYS_LOW INT64_C(-719162) /* 0001-01-01 */

/* The bytes from the key to the end. */
static void make_tail(const char *data, size_t bytes, char tail[TAIL_BYTES + 1])
{
    char hex[TOLL_HASH_TEXT_BYTES];
    toll_hash_text(toll_hash(data, bytes), hex);
    snprintf(tail, TAIL_BYTES + 1, KEY "%s" END, hex);
}

int toll_manifest_finish(struct toll_json *json, const char *name, struct toll_error *error)
{
    char tail[TAIL_BYTES + 1];
    toll_json_string(json, "digest", "00000000000000000000000000000000");
    toll_json_close_map(json);
    if (!toll_json_finish(json))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    TOLL_ASSERT(!json->compact && json->bytes > TAIL_BYTES);
    size_t before = json->bytes - TAIL_BYTES;
    TOLL_ASSERT(memcmp(json->text + before, KEY, sizeof KEY - 1) == 0);
    make_tail(json->text, before, tail);
    memcpy(json->text + before, tail, TAIL_BYTES);
    return 0;
}

void toll_manifest_put_hash(struct toll_json *json, const char *key, struct toll_hash128 hash)
{
    char text[TOLL_HASH_TEXT_BYTES];
    toll_hash_text(hash, text);
    toll_json_string(json, key, text);
}

void toll_manifest_put_file(struct toll_json *json, const char *name, int64_t bytes, struct toll_hash128 hash)
{
    toll_json_open_map(json, NULL);
    toll_json_string(json, "name", name);
    toll_json_int(json, "bytes", bytes);
    toll_manifest_put_hash(json, "xxh3", hash);
    toll_json_close_map(json);
}

void toll_manifest_put_day(struct toll_json *json, const char *key, int64_t day)
{
    char text[TOLL_TIME_TEXT_BYTES];
    toll_day_format(day, text);
    toll_json_string(json, key, text);
}

int toll_manifest_begin(struct toll_manifest *manifest, const char *path, const char *data, size_t size,
                        const char *schema, struct toll_error *error)
{
    char tail[TAIL_BYTES + 1];
    *manifest = (struct toll_manifest){.path = path};
    toll_findings_init(&manifest->findings, NULL);
    if (size > TAIL_BYTES)
        make_tail(data, size - TAIL_BYTES, tail);
    if (size <= TAIL_BYTES || memcmp(data + size - TAIL_BYTES, tail, TAIL_BYTES) != 0)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: damaged or edited: its digest does not fit its text; restore it from a backup", path);
    manifest->digest = toll_hash(data, size - TAIL_BYTES);
    int rc = toll_yaml_parse(path, data, size, &manifest->arena, &manifest->findings, &manifest->root, error);
    if (rc == 0) {
        const char *own = toll_manifest_text(manifest, manifest->root, "schema");
        toll_manifest_text(manifest, manifest->root, "digest");
        if (strcmp(own, schema) != 0)
            rc = toll_error_set(
                error, TOLL_EDATA,
                "%s: is of schema '%.60s', this version reads '%s': use the version that wrote it", path, own,
                schema);
    } else if (rc == TOLL_EBOOK) {
        rc = toll_error_set(error, TOLL_EDATA, "%s:%ld: %s", path, manifest->findings.first_error.line,
                            manifest->findings.first_text);
    }
    if (rc)
        toll_manifest_free(manifest);
    return rc;
}

static void fault(struct toll_manifest *manifest, const struct toll_yaml *map, const char *key,
                  const char *what)
{
    toll_finding(&manifest->findings, TOLL_ERROR, manifest->path, map ? map->line : 0, 0, "\"%s\" %s", key,
                 what);
}

void toll_manifest_fault(struct toll_manifest *manifest, const char *what)
{
    toll_finding(&manifest->findings, TOLL_ERROR, manifest->path, 0, 0, "%s", what);
}

int64_t toll_manifest_int(struct toll_manifest *manifest, struct toll_yaml *map, const char *key, int64_t low)
{
    int64_t value = 0;
    if (!toll_yaml_get(map, key))
        fault(manifest, map, key, "is missing");
    else
        toll_yaml_int(manifest->path, map, key, low, INT64_MAX, 0, &value, &manifest->findings);
    return value;
}

const char *toll_manifest_text(struct toll_manifest *manifest, struct toll_yaml *map, const char *key)
{
    if (!toll_yaml_get(map, key))
        fault(manifest, map, key, "is missing");
    const char *text = toll_yaml_text(manifest->path, map, key, "", &manifest->findings);
    return text ? text : "";
}

const char *toll_manifest_keep(struct toll_manifest *manifest, struct toll_yaml *map, const char *key,
                               struct toll_arena *arena)
{
    const char *found = toll_manifest_text(manifest, map, key);
    const char *copy = toll_arena_copy(arena, found, strlen(found));
    manifest->no_memory |= !copy;
    return copy ? copy : "";
}

struct toll_hash128 toll_manifest_hash(struct toll_manifest *manifest, struct toll_yaml *map, const char *key)
{
    struct toll_hash128 hash = {0};
    const char *text = toll_manifest_text(manifest, map, key);
    if (!toll_hash_parse(text, strlen(text), &hash))
        fault(manifest, map, key, "is no checksum");
    return hash;
}

int64_t toll_manifest_day(struct toll_manifest *manifest, struct toll_yaml *map, const char *key)
{
    int64_t day = 0;
    const char *text = toll_manifest_text(manifest, map, key);
    if (!toll_day_parse(text, strlen(text), &day) || day < UNIX_DAYS_LOW)
        fault(manifest, map, key, "is no day");
    return day;
}

toll_total toll_manifest_money(struct toll_manifest *manifest, struct toll_yaml *map, const char *key)
{
    /* Totals may pass what toll_money_parse can hold, so the digits are read here: "-12.50000000". */
    const char *text = toll_manifest_text(manifest, map, key), *p = text;
    bool negative = *p == '-', valid = true;
    toll_total total = 0;
    int whole = 0, places = 0;
    for (p += negative; *p >= '0' && *p <= '9' && whole < 28; p++, whole++)
        total = total * 10 + (*p - '0');
    valid = whole > 0 && *p++ == '.';
    for (; valid && *p >= '0' && *p <= '9' && places < TOLL_MONEY_DECIMALS; p++, places++)
        total = total * 10 + (*p - '0');
    if (!valid || places != TOLL_MONEY_DECIMALS || *p != 0) {
        fault(manifest, map, key, "is no amount with 8 places");
        return 0;
    }
    return negative ? -total : total;
}

struct toll_yaml *toll_manifest_list(struct toll_manifest *manifest, struct toll_yaml *map, const char *key)
{
    struct toll_yaml *list = toll_yaml_get(map, key);
    bool valid = list && list->kind == TOLL_YAML_LIST;
    for (struct toll_yaml *item = valid ? list->child : NULL; valid && item; item = item->next)
        valid = item->kind == TOLL_YAML_MAP;
    if (valid)
        return list;
    fault(manifest, map, key, "is no list of maps");
    return NULL;
}

int toll_manifest_end(struct toll_manifest *manifest, struct toll_error *error)
{
    if (manifest->no_memory)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", manifest->path);
    toll_yaml_report_unused(manifest->path, manifest->root, &manifest->findings);
    if (manifest->findings.errors == 0)
        return 0;
    return toll_error_set(error, TOLL_EDATA,
                          "%s: line %ld: %s; the file was not written by this version, or by something else",
                          manifest->path, manifest->findings.first_error.line, manifest->findings.first_text);
}

void toll_manifest_free(struct toll_manifest *manifest)
{
    toll_arena_free(&manifest->arena);
    *manifest = (struct toll_manifest){0};
}
