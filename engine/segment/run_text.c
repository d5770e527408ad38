#include "segment/run_text.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

void toll_run_part_name(const struct toll_run_part *part, char name[TOLL_RUN_PART_NAME_BYTES])
{
    char day[TOLL_TIME_TEXT_BYTES];
    toll_day_format(part->day, day);
    snprintf(name, TOLL_RUN_PART_NAME_BYTES, "%s.%d", day, part->part);
}

void toll_run_book_name(size_t index, size_t count, char name[TOLL_RUN_BOOK_NAME_BYTES])
{
    if (index + 1 >= count)
        snprintf(name, TOLL_RUN_BOOK_NAME_BYTES, "book.image");
    else
        snprintf(name, TOLL_RUN_BOOK_NAME_BYTES, "book.%zu.image", index);
}

bool toll_run_file_name_valid(const char *name)
{
    size_t bytes = strlen(name);
    return bytes > 0 && bytes < TOLL_RUN_FILE_NAME_BYTES && name[0] != '.' && !strstr(name, "..") &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == bytes &&
           strcmp(name, TOLL_RUN_MANIFEST) != 0 && strcmp(name, TOLL_RUN_STATS) != 0 &&
           strcmp(name, TOLL_RUN_LINES) != 0;
}

/* ---- sense ---- */

static toll_total sum_statuses(const struct toll_run_manifest *manifest, unsigned from, unsigned until)
{
    toll_total sum = 0;
    for (unsigned i = from; i < until; i++)
        sum += manifest->status_rows[i];
    return sum;
}

static const char *parts_fault(const struct toll_run_manifest *manifest)
{
    int64_t rows = 0;
    for (size_t i = 0; i < manifest->part_count; i++) {
        const struct toll_run_part *part = &manifest->parts[i];
        if (part->rows < 1 || part->part < 0 || __builtin_add_overflow(rows, part->rows, &rows))
            return "a part has no rows";
        if (i > 0 && (part->day < part[-1].day || (part->day == part[-1].day && part->part <= part[-1].part)))
            return "the parts are not in order";
    }
    return rows == manifest->rows ? NULL : "its rows are not the sum of its parts' rows";
}

static const char *books_fault(const struct toll_run_manifest *manifest)
{
    const struct toll_run_book *books = manifest->books;
    const size_t count = manifest->book_count;
    if (count == 0)
        return NULL;
    if (count < 2 || count > TOLL_RUN_BOOKS || books[0].price_shift != 0 || books[0].tuple_shift != 0)
        return "its books are impossible";
    for (size_t i = 1; i < count; i++) {
        if (books[i].price_shift < books[i - 1].price_shift ||
            books[i].tuple_shift < books[i - 1].tuple_shift)
            return "its books are not in order";
    }
    if (!toll_hash_equal(books[count - 1].book_hash, manifest->book_hash) ||
        !toll_hash_equal(books[count - 1].tzdata_hash, manifest->tzdata_hash))
        return "its own book is not the last of its books";
    return manifest->kept < 0 || manifest->kept > manifest->rows ? "it keeps more rows than it has" : NULL;
}

static const char *costs_fault(const struct toll_run_manifest *manifest)
{
    toll_total rows = 0;
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++) {
        if (manifest->cost_rows[i] < 0 || (manifest->cost_rows[i] > 0 && !*toll_status_name(i)))
            return "rows of an impossible cost status";
        rows += manifest->cost_rows[i];
    }
    if (rows != (manifest->has_cost ? manifest->rows : 0))
        return "the rows of the cost statuses do not sum up";
    for (int i = 0; i < manifest->cost_count; i++) {
        for (int k = 0; k < i; k++) {
            if (strcmp(manifest->costs[i].currency, manifest->costs[k].currency) == 0)
                return "a currency has two costs";
        }
    }
    return NULL;
}

const char *toll_run_manifest_fault(const struct toll_run_manifest *manifest)
{
    const int64_t *status = manifest->status_rows;
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++) {
        if (status[i] < 0 || status[i] > manifest->rows || (status[i] > 0 && !*toll_status_name(i)))
            return "rows of an impossible status";
    }
    if ((toll_total)manifest->rated + manifest->zero_rated + manifest->suspense != manifest->rows)
        return "rated, zero-rated and suspense rows are not all rows";
    const int64_t rated = status[TOLL_RATED] + status[TOLL_RATED_FAIR_USE];
    if (rated != manifest->rated ||
        sum_statuses(manifest, TOLL_RATED, TOLL_SUSPENSE_FIRST) - rated != manifest->zero_rated ||
        sum_statuses(manifest, TOLL_SUSPENSE_FIRST, TOLL_STATUS_COUNT) != manifest->suspense)
        return "the rows of the statuses do not sum up";
    if (status[TOLL_SUSPENSE_CONFLICT] != manifest->conflict ||
        status[TOLL_ZERO_OTHER_PARTY] != manifest->other_party)
        return "the rows in conflict or of another party are not those of their status";
    for (int i = 0; i < manifest->total_count; i++) {
        for (int k = 0; k < i; k++) {
            if (strcmp(manifest->totals[i].currency, manifest->totals[k].currency) == 0)
                return "a currency has two totals";
        }
    }
    const char *fault = costs_fault(manifest);
    if (fault)
        return fault;
    fault = books_fault(manifest);
    return fault ? fault : parts_fault(manifest);
}

/* ---- to text ---- */

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static void put_parts(struct toll_json *json, const struct toll_run_manifest *manifest)
{
    toll_json_open_list(json, "parts");
    for (size_t i = 0; i < manifest->part_count; i++) {
        const struct toll_run_part *part = &manifest->parts[i];
        toll_json_open_map(json, NULL);
        toll_manifest_put_day(json, "day", part->day);
        toll_json_int(json, "part", part->part);
        toll_json_int(json, "rows", part->rows);
        toll_json_int(json, "bytes", part->seal.bytes);
        toll_manifest_put_hash(json, "digest", part->seal.digest);
        toll_json_int(json, "cdr_bytes", part->cdr_seal.bytes);
        toll_manifest_put_hash(json, "cdr_digest", part->cdr_seal.digest);
        if (part->cdr_text_seal.bytes > 0) {
            toll_json_int(json, "cdr_text_bytes", part->cdr_text_seal.bytes);
            toll_manifest_put_hash(json, "cdr_text_digest", part->cdr_text_seal.digest);
        }
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
}

static void put_statuses(struct toll_json *json, const char *key, const int64_t rows[TOLL_STATUS_COUNT])
{
    toll_json_open_list(json, key);
    for (unsigned i = 0; i < TOLL_STATUS_COUNT; i++) {
        if (rows[i] == 0)
            continue;
        toll_json_open_map(json, NULL);
        toll_json_int(json, "status", i);
        toll_json_string(json, "name", toll_status_name(i));
        toll_json_string(json, "reason", toll_status_reason(i));
        toll_json_int(json, "rows", rows[i]);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
}

static void put_costs(struct toll_json *json, const struct toll_run_manifest *manifest)
{
    if (!manifest->has_cost)
        return;
    toll_json_open_list(json, "costs");
    for (int i = 0; i < manifest->cost_count; i++) {
        toll_json_open_map(json, NULL);
        toll_json_string(json, "currency", text_or_none(manifest->costs[i].currency));
        toll_json_money(json, "cost", manifest->costs[i].cost);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    put_statuses(json, "cost_statuses", manifest->cost_rows);
}

static void put_books(struct toll_json *json, const struct toll_run_manifest *manifest)
{
    if (manifest->book_count == 0)
        return;
    toll_json_open_list(json, "books");
    for (size_t i = 0; i < manifest->book_count; i++) {
        char name[TOLL_RUN_BOOK_NAME_BYTES];
        toll_run_book_name(i, manifest->book_count, name);
        toll_json_open_map(json, NULL);
        toll_json_string(json, "file", name);
        toll_manifest_put_hash(json, "book_hash", manifest->books[i].book_hash);
        toll_manifest_put_hash(json, "tzdata_hash", manifest->books[i].tzdata_hash);
        toll_json_int(json, "price_shift", manifest->books[i].price_shift);
        if (manifest->books[i].tuple_shift != 0)
            toll_json_int(json, "tuple_shift", manifest->books[i].tuple_shift);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    toll_manifest_put_hash(json, "kept_from", manifest->kept_from);
    toll_json_int(json, "kept", manifest->kept);
}

int toll_run_manifest_encode(struct toll_json *json, const struct toll_run_manifest *manifest,
                             const struct toll_run_file *files, size_t file_count, struct toll_error *error)
{
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_RUN_SCHEMA);
    toll_manifest_put_hash(json, "cdr_hash", manifest->cdr_hash);
    toll_manifest_put_hash(json, "book_hash", manifest->book_hash);
    toll_manifest_put_hash(json, "tzdata_hash", manifest->tzdata_hash);
    toll_json_string(json, "from_day", text_or_none(manifest->from_day));
    toll_json_string(json, "to_day", text_or_none(manifest->to_day));
    if (manifest->has_starts) {
        toll_json_int(json, "first_start_ms", manifest->first_start);
        toll_json_int(json, "last_start_ms", manifest->last_start);
    }
    toll_json_int(json, "rows", manifest->rows);
    toll_json_int(json, "rated", manifest->rated);
    toll_json_int(json, "zero_rated", manifest->zero_rated);
    toll_json_int(json, "suspense", manifest->suspense);
    toll_json_int(json, "conflict", manifest->conflict);
    toll_json_int(json, "other_party", manifest->other_party);
    put_books(json, manifest);
    if (manifest->has_after) {
        toll_manifest_put_hash(json, "after", manifest->after);
        toll_json_string(json, "late", manifest->reorder ? "reorder" : "append");
    }
    if (manifest->cut_periods)
        toll_json_bool(json, "cut_periods", true);
    if (manifest->has_predecessor)
        toll_manifest_put_hash(json, "predecessor", manifest->predecessor);
    put_statuses(json, "statuses", manifest->status_rows);
    toll_json_int(json, "billed_s", manifest->billed_s);
    toll_json_string(json, "currency", text_or_none(manifest->currency));
    toll_json_open_list(json, "totals");
    for (int i = 0; i < manifest->total_count; i++) {
        toll_json_open_map(json, NULL);
        toll_json_string(json, "currency", text_or_none(manifest->totals[i].currency));
        toll_json_money(json, "charge", manifest->totals[i].charge);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    put_costs(json, manifest);
    put_parts(json, manifest);
    toll_json_open_list(json, "files");
    for (size_t i = 0; i < file_count; i++)
        toll_manifest_put_file(json, files[i].name, files[i].bytes, files[i].hash);
    toll_json_close_list(json);
    return toll_manifest_finish(json, TOLL_RUN_MANIFEST, error);
}

/* ---- from text ---- */

static void get_statuses(struct toll_manifest *text, const char *key, int64_t status_rows[TOLL_STATUS_COUNT])
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, key);
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next) {
        int64_t status = toll_manifest_int(text, map, "status", 0);
        int64_t rows = toll_manifest_int(text, map, "rows", 1);
        unsigned known = status < TOLL_STATUS_COUNT ? (unsigned)status : TOLL_STATUS_COUNT;
        const char *name = toll_manifest_text(text, map, "name"),
                   *reason = toll_manifest_text(text, map, "reason");
        if (known == TOLL_STATUS_COUNT || status_rows[known] != 0 ||
            strcmp(name, toll_status_name(known)) != 0 || strcmp(reason, toll_status_reason(known)) != 0)
            toll_manifest_fault(text, "a status is unknown or is there twice");
        else
            status_rows[known] = rows;
    }
}

static void get_totals(struct toll_manifest *text, struct toll_arena *arena, struct toll_run_manifest *out)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "totals");
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next) {
        if (out->total_count == TOLL_RUN_TOTALS) {
            toll_manifest_fault(text, "it has too many totals");
            return;
        }
        out->totals[out->total_count].currency = toll_manifest_keep(text, map, "currency", arena);
        out->totals[out->total_count++].charge = toll_manifest_money(text, map, "charge");
    }
}

/* What only a run with costs has. */
static void get_costs(struct toll_manifest *text, struct toll_arena *arena, struct toll_run_manifest *out)
{
    out->has_cost = toll_yaml_get(text->root, "costs") != NULL;
    if (!out->has_cost)
        return;
    struct toll_yaml *list = toll_manifest_list(text, text->root, "costs");
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next) {
        if (out->cost_count == TOLL_RUN_TOTALS) {
            toll_manifest_fault(text, "it has too many costs");
            return;
        }
        out->costs[out->cost_count].currency = toll_manifest_keep(text, map, "currency", arena);
        out->costs[out->cost_count++].cost = toll_manifest_money(text, map, "cost");
    }
    get_statuses(text, "cost_statuses", out->cost_rows);
}

/* Runs of earlier versions do not have it. */
static struct toll_file_seal get_text_seal(struct toll_manifest *text, struct toll_yaml *map)
{
    if (!toll_yaml_get(map, "cdr_text_bytes"))
        return (struct toll_file_seal){0};
    return (struct toll_file_seal){toll_manifest_int(text, map, "cdr_text_bytes", 1),
                                   toll_manifest_hash(text, map, "cdr_text_digest")};
}

static void get_parts(struct toll_manifest *text, struct toll_arena *arena, struct toll_run_manifest *out)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "parts");
    out->parts = toll_arena_alloc(arena, (list ? list->child_count + 1 : 1) * sizeof *out->parts);
    text->no_memory |= !out->parts;
    for (struct toll_yaml *map = list && out->parts ? list->child : NULL; map; map = map->next) {
        int64_t part = toll_manifest_int(text, map, "part", 0);
        if (part > INT32_MAX)
            toll_manifest_fault(text, "a part's number is impossible");
        out->parts[out->part_count++] = (struct toll_run_part){
            .day = toll_manifest_day(text, map, "day"),
            .part = (int)(part & INT32_MAX),
            .rows = toll_manifest_int(text, map, "rows", 1),
            .seal = {toll_manifest_int(text, map, "bytes", 1), toll_manifest_hash(text, map, "digest")},
            .cdr_seal = {toll_manifest_int(text, map, "cdr_bytes", 1),
                         toll_manifest_hash(text, map, "cdr_digest")},
            .cdr_text_seal = get_text_seal(text, map),
        };
    }
}

/* What only a merged run has. */
static void get_books(struct toll_manifest *text, struct toll_arena *arena, struct toll_run_manifest *out)
{
    if (!toll_yaml_get(text->root, "books"))
        return;
    struct toll_yaml *list = toll_manifest_list(text, text->root, "books");
    const size_t count = list ? (size_t)list->child_count : 0;
    if (count < 2 || count > TOLL_RUN_BOOKS) {
        toll_manifest_fault(text, "its books are too many or too few");
        return;
    }
    out->books = toll_arena_alloc(arena, count * sizeof *out->books);
    text->no_memory |= !out->books;
    for (struct toll_yaml *map = out->books ? list->child : NULL; map; map = map->next) {
        char name[TOLL_RUN_BOOK_NAME_BYTES];
        int64_t shift = toll_manifest_int(text, map, "price_shift", 0);
        int64_t tuples =
            toll_yaml_get(map, "tuple_shift") == NULL ? 0 : toll_manifest_int(text, map, "tuple_shift", 1);
        toll_run_book_name(out->book_count, count, name);
        if (strcmp(toll_manifest_text(text, map, "file"), name) != 0 || shift > INT32_MAX ||
            tuples > INT32_MAX)
            toll_manifest_fault(text, "a book is not where it should be");
        out->books[out->book_count++] = (struct toll_run_book){
            .book_hash = toll_manifest_hash(text, map, "book_hash"),
            .tzdata_hash = toll_manifest_hash(text, map, "tzdata_hash"),
            .price_shift = (int32_t)(shift & INT32_MAX),
            .tuple_shift = (int32_t)(tuples & INT32_MAX),
        };
    }
    out->kept_from = toll_manifest_hash(text, text->root, "kept_from");
    out->kept = toll_manifest_int(text, text->root, "kept", 0);
}

/* What only a run behind closed ones has. */
static void get_after(struct toll_manifest *text, struct toll_run_manifest *out)
{
    if (!toll_yaml_get(text->root, "after"))
        return;
    const char *late = toll_manifest_text(text, text->root, "late");
    out->has_after = true;
    out->after = toll_manifest_hash(text, text->root, "after");
    out->reorder = strcmp(late, "reorder") == 0;
    if (!out->reorder && strcmp(late, "append") != 0)
        toll_manifest_fault(text, "what it does with late calls is not known");
}

/* What few runs have. */
static void get_more(struct toll_manifest *text, struct toll_run_manifest *out)
{
    if (toll_yaml_get(text->root, "cut_periods")) {
        out->cut_periods = strcmp(toll_manifest_text(text, text->root, "cut_periods"), "true") == 0;
        if (!out->cut_periods)
            toll_manifest_fault(text, "whether it cuts periods is not known");
    }
    out->has_predecessor = toll_yaml_get(text->root, "predecessor") != NULL;
    if (out->has_predecessor)
        out->predecessor = toll_manifest_hash(text, text->root, "predecessor");
}

/* What only a run of a taxed book has. */
static void get_starts(struct toll_manifest *text, struct toll_run_manifest *out)
{
    if (!toll_yaml_get(text->root, "first_start_ms"))
        return;
    out->has_starts = true;
    out->first_start = toll_manifest_int(text, text->root, "first_start_ms", INT64_MIN);
    out->last_start = toll_manifest_int(text, text->root, "last_start_ms", INT64_MIN);
    if (out->last_start < out->first_start)
        toll_manifest_fault(text, "its last call starts before its first");
}

static void get_files(struct toll_manifest *text, struct toll_run_file *files, size_t *count)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "files");
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next) {
        const char *name = toll_manifest_text(text, map, "name");
        bool valid = toll_run_file_name_valid(name) && *count < TOLL_RUN_FILES;
        for (size_t i = 0; valid && i < *count; i++)
            valid = strcmp(files[i].name, name) != 0;
        if (!valid) {
            toll_manifest_fault(text, "a file's name is impossible or is there twice");
            return;
        }
        struct toll_run_file *file = &files[(*count)++];
        *file = (struct toll_run_file){.bytes = toll_manifest_int(text, map, "bytes", 0),
                                       .hash = toll_manifest_hash(text, map, "xxh3")};
        memcpy(file->name, name, strlen(name) + 1);
    }
}

int toll_run_manifest_decode(const char *path, const char *data, size_t size, struct toll_arena *arena,
                             struct toll_run_manifest *manifest, struct toll_run_file *files,
                             size_t *file_count, struct toll_hash128 *digest, struct toll_error *error)
{
    struct toll_manifest text;
    int rc = toll_manifest_begin(&text, path, data, size, TOLL_RUN_SCHEMA, error);
    if (rc)
        return rc;
    struct toll_yaml *root = text.root;
    *file_count = 0;
    *manifest = (struct toll_run_manifest){
        .cdr_hash = toll_manifest_hash(&text, root, "cdr_hash"),
        .book_hash = toll_manifest_hash(&text, root, "book_hash"),
        .tzdata_hash = toll_manifest_hash(&text, root, "tzdata_hash"),
        .from_day = toll_manifest_keep(&text, root, "from_day", arena),
        .to_day = toll_manifest_keep(&text, root, "to_day", arena),
        .rows = toll_manifest_int(&text, root, "rows", 0),
        .rated = toll_manifest_int(&text, root, "rated", 0),
        .zero_rated = toll_manifest_int(&text, root, "zero_rated", 0),
        .suspense = toll_manifest_int(&text, root, "suspense", 0),
        .conflict = toll_manifest_int(&text, root, "conflict", 0),
        .other_party = toll_manifest_int(&text, root, "other_party", 0),
        .billed_s = toll_manifest_int(&text, root, "billed_s", INT64_MIN),
        .currency = toll_manifest_keep(&text, root, "currency", arena),
    };
    get_books(&text, arena, manifest);
    get_after(&text, manifest);
    get_more(&text, manifest);
    get_starts(&text, manifest);
    get_statuses(&text, "statuses", manifest->status_rows);
    get_totals(&text, arena, manifest);
    get_costs(&text, arena, manifest);
    get_parts(&text, arena, manifest);
    get_files(&text, files, file_count);
    if (digest)
        *digest = text.digest;
    rc = toll_manifest_end(&text, error);
    toll_manifest_free(&text);
    if (rc)
        return rc;
    const char *what = toll_run_manifest_fault(manifest);
    if (what)
        rc = toll_error_set(error, TOLL_EDATA, "%s: %s; the run was not written by this version: rate again",
                            path, what);
    return rc;
}
