/* delta.json: the manifest of a delta as text and back, and the names of its reasons. */
#include "segment/delta_files.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const char *const reason_names[TOLL_DELTA_REASONS] = {
    [TOLL_DELTA_APPEARED] = "appeared",
    [TOLL_DELTA_VANISHED] = "vanished",
    [TOLL_DELTA_CDR] = "cdr",
    [TOLL_DELTA_WAS_SUSPENSE] = "was_suspense",
    [TOLL_DELTA_NOW_SUSPENSE] = "now_suspense",
    [TOLL_DELTA_PAYER] = "payer",
    [TOLL_DELTA_JURISDICTION] = "jurisdiction",
    [TOLL_DELTA_PLAN] = "plan",
    [TOLL_DELTA_PREFIX] = "prefix",
    [TOLL_DELTA_BAND] = "band",
    [TOLL_DELTA_RATE] = "rate",
    [TOLL_DELTA_BUNDLE] = "bundle",
    [TOLL_DELTA_STATUS] = "status",
    [TOLL_DELTA_COST] = "cost",
    [TOLL_DELTA_TAX] = "tax",
};

const char *toll_delta_reason_name(enum toll_delta_reason reason)
{
    return (unsigned)reason < TOLL_DELTA_REASONS ? reason_names[reason] : "";
}

enum toll_delta_reason toll_delta_reason_of(const char *name)
{
    unsigned reason = 0;
    while (reason < TOLL_DELTA_REASONS && strcmp(reason_names[reason], name) != 0)
        reason++;
    return (enum toll_delta_reason)reason;
}

/* ---- to text ---- */

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static void put_totals(struct toll_json *json, const struct toll_delta_manifest *manifest)
{
    toll_json_open_list(json, "totals");
    for (int i = 0; i < manifest->total_count; i++) {
        const struct toll_delta_total *total = &manifest->totals[i];
        toll_json_open_map(json, NULL);
        toll_json_string(json, "currency", text_or_none(total->currency));
        toll_json_int(json, "old_rows", total->old_rows);
        toll_json_int(json, "new_rows", total->new_rows);
        toll_json_money(json, "old_charge", total->old_charge);
        toll_json_money(json, "new_charge", total->new_charge);
        toll_json_money(json, "old_periods", total->old_periods);
        toll_json_money(json, "new_periods", total->new_periods);
        toll_json_money(json, "old_cost", total->old_cost);
        toll_json_money(json, "new_cost", total->new_cost);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
}

static void put_closed(struct toll_json *json, const struct toll_delta_manifest *manifest)
{
    if (!manifest->has_closed)
        return;
    toll_json_open_map(json, "closed");
    toll_manifest_put_hash(json, "state", manifest->state);
    toll_manifest_put_day(json, "until", manifest->closed_until);
    toll_json_bool(json, "credits_only", manifest->credits_only);
    toll_json_int(json, "minimum", manifest->minimum);
    toll_json_int(json, "approve_above", manifest->approve_above);
    toll_json_int(json, "back_bill_days", manifest->back_bill_days);
    toll_json_string(json, "today", text_or_none(manifest->today));
    toll_json_string(json, "report_period", text_or_none(manifest->report_period));
    toll_manifest_put_hash(json, "approved", manifest->approved);
    toll_json_close_map(json);
}

int toll_delta_manifest_encode(struct toll_json *json, const struct toll_delta_manifest *manifest,
                               const struct toll_run_file *files, struct toll_error *error)
{
    toll_json_init(json);
    toll_json_open_map(json, NULL);
    toll_json_string(json, "schema", TOLL_DELTA_SCHEMA);
    toll_manifest_put_hash(json, "old_run", manifest->old_run);
    toll_manifest_put_hash(json, "new_run", manifest->new_run);
    toll_manifest_put_hash(json, "old_book", manifest->old_book);
    toll_manifest_put_hash(json, "new_book", manifest->new_book);
    toll_manifest_put_hash(json, "old_cdrs", manifest->old_cdrs);
    toll_manifest_put_hash(json, "new_cdrs", manifest->new_cdrs);
    toll_json_int(json, "old_rows", manifest->old_rows);
    toll_json_int(json, "new_rows", manifest->new_rows);
    toll_json_int(json, "changed", manifest->changed);
    toll_json_open_list(json, "reasons");
    for (unsigned i = 0; i < TOLL_DELTA_REASONS; i++) {
        if (manifest->reason_rows[i] == 0)
            continue;
        toll_json_open_map(json, NULL);
        toll_json_string(json, "reason", reason_names[i]);
        toll_json_int(json, "rows", manifest->reason_rows[i]);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    toll_json_bool(json, "old_has_cost", manifest->old_has_cost);
    toll_json_bool(json, "new_has_cost", manifest->new_has_cost);
    toll_json_bool(json, "old_taxed", manifest->old_taxed);
    toll_json_bool(json, "new_taxed", manifest->new_taxed);
    put_totals(json, manifest);
    put_closed(json, manifest);
    toll_json_open_list(json, "days");
    for (size_t i = 0; i < manifest->day_count; i++) {
        const struct toll_delta_day *day = &manifest->days[i];
        toll_json_open_map(json, NULL);
        toll_manifest_put_day(json, "day", day->day);
        toll_json_int(json, "rows", day->rows);
        toll_json_int(json, "bytes", day->seal.bytes);
        toll_manifest_put_hash(json, "digest", day->seal.digest);
        toll_json_close_map(json);
    }
    toll_json_close_list(json);
    toll_json_open_list(json, "files");
    for (size_t i = 0; i < TOLL_DELTA_FILES; i++) {
        if (files[i].bytes == 0)
            continue;
        toll_manifest_put_file(json, files[i].name, files[i].bytes, files[i].hash);
    }
    toll_json_close_list(json);
    return toll_manifest_finish(json, TOLL_DELTA_MANIFEST, error);
}

/* ---- from text ---- */

static bool get_bool(struct toll_manifest *text, struct toll_yaml *map, const char *key)
{
    const char *word = toll_manifest_text(text, map, key);
    if (strcmp(word, "true") != 0 && strcmp(word, "false") != 0)
        toll_manifest_fault(text, "a yes or no is neither");
    return strcmp(word, "true") == 0;
}

static void get_reasons(struct toll_manifest *text, struct toll_delta_manifest *out)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "reasons");
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next) {
        const enum toll_delta_reason reason = toll_delta_reason_of(toll_manifest_text(text, map, "reason"));
        const int64_t rows = toll_manifest_int(text, map, "rows", 1);
        if (reason == TOLL_DELTA_REASONS || out->reason_rows[reason] != 0)
            toll_manifest_fault(text, "a reason is unknown or is there twice");
        else
            out->reason_rows[reason] = rows;
    }
}

static void get_totals(struct toll_manifest *text, struct toll_arena *arena, struct toll_delta_manifest *out)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "totals");
    out->totals = toll_arena_alloc(arena, (list ? list->child_count + 1 : 1) * sizeof *out->totals);
    text->no_memory |= !out->totals;
    for (struct toll_yaml *map = list && out->totals ? list->child : NULL; map; map = map->next) {
        struct toll_delta_total *total = &out->totals[out->total_count++];
        total->currency = toll_manifest_keep(text, map, "currency", arena);
        total->old_rows = toll_manifest_int(text, map, "old_rows", 0);
        total->new_rows = toll_manifest_int(text, map, "new_rows", 0);
        total->old_charge = toll_manifest_money(text, map, "old_charge");
        total->new_charge = toll_manifest_money(text, map, "new_charge");
        total->old_periods = toll_manifest_money(text, map, "old_periods");
        total->new_periods = toll_manifest_money(text, map, "new_periods");
        total->old_cost = toll_manifest_money(text, map, "old_cost");
        total->new_cost = toll_manifest_money(text, map, "new_cost");
        if (out->total_count > TOLL_RUN_TOTALS) {
            toll_manifest_fault(text, "it has too many totals");
            return;
        }
        if (out->total_count > 1 && strcmp(total[-1].currency, total->currency) >= 0)
            toll_manifest_fault(text, "its totals are not in order");
    }
}

static void get_closed(struct toll_manifest *text, struct toll_arena *arena, struct toll_delta_manifest *out)
{
    struct toll_yaml *map = toll_yaml_get(text->root, "closed");
    out->today = out->report_period = "";
    if (!map)
        return;
    if (map->kind != TOLL_YAML_MAP) {
        toll_manifest_fault(text, "what is closed is no map");
        return;
    }
    out->has_closed = true;
    out->state = toll_manifest_hash(text, map, "state");
    out->closed_until = toll_manifest_day(text, map, "until");
    out->credits_only = get_bool(text, map, "credits_only");
    out->minimum = toll_manifest_int(text, map, "minimum", 0);
    out->approve_above = toll_manifest_int(text, map, "approve_above", 0);
    out->back_bill_days = toll_manifest_int(text, map, "back_bill_days", -1);
    out->today = toll_manifest_keep(text, map, "today", arena);
    out->report_period = toll_manifest_keep(text, map, "report_period", arena);
    out->approved = toll_manifest_hash(text, map, "approved");
}

static void get_days(struct toll_manifest *text, struct toll_arena *arena, struct toll_delta_manifest *out)
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "days");
    out->days = toll_arena_alloc(arena, (list ? list->child_count + 1 : 1) * sizeof *out->days);
    text->no_memory |= !out->days;
    for (struct toll_yaml *map = list && out->days ? list->child : NULL; map; map = map->next) {
        struct toll_delta_day *day = &out->days[out->day_count++];
        *day = (struct toll_delta_day){
            .day = toll_manifest_day(text, map, "day"),
            .rows = toll_manifest_int(text, map, "rows", 1),
            .seal = {toll_manifest_int(text, map, "bytes", 1), toll_manifest_hash(text, map, "digest")},
        };
        if (out->day_count > 1 && day->day <= day[-1].day)
            toll_manifest_fault(text, "its days are not in order");
    }
}

/* Those that have rows, in order. */
static void get_files(struct toll_manifest *text, struct toll_run_file files[TOLL_DELTA_FILES])
{
    struct toll_yaml *list = toll_manifest_list(text, text->root, "files");
    size_t at = 0;
    memset(files, 0, TOLL_DELTA_FILES * sizeof *files);
    for (struct toll_yaml *map = list ? list->child : NULL; map; map = map->next, at++) {
        const char *name = toll_manifest_text(text, map, "name");
        const int64_t bytes = toll_manifest_int(text, map, "bytes", 1);
        const struct toll_hash128 hash = toll_manifest_hash(text, map, "xxh3");
        while (at < TOLL_DELTA_FILES && strcmp(name, toll_delta_tables[at].table->file) != 0)
            at++;
        if (at >= TOLL_DELTA_FILES) {
            toll_manifest_fault(text, "it has other files than a delta");
            return;
        }
        files[at] = (struct toll_run_file){.bytes = bytes, .hash = hash};
        memcpy(files[at].name, name, strlen(name) + 1);
    }
}

int toll_delta_manifest_decode(const char *path, const char *data, size_t size, struct toll_arena *arena,
                               struct toll_delta_manifest *manifest,
                               struct toll_run_file files[TOLL_DELTA_FILES], struct toll_hash128 *digest,
                               struct toll_error *error)
{
    struct toll_manifest text;
    int rc = toll_manifest_begin(&text, path, data, size, TOLL_DELTA_SCHEMA, error);
    if (rc)
        return rc;
    struct toll_yaml *root = text.root;
    *manifest = (struct toll_delta_manifest){
        .old_run = toll_manifest_hash(&text, root, "old_run"),
        .new_run = toll_manifest_hash(&text, root, "new_run"),
        .old_book = toll_manifest_hash(&text, root, "old_book"),
        .new_book = toll_manifest_hash(&text, root, "new_book"),
        .old_cdrs = toll_manifest_hash(&text, root, "old_cdrs"),
        .new_cdrs = toll_manifest_hash(&text, root, "new_cdrs"),
        .old_rows = toll_manifest_int(&text, root, "old_rows", 0),
        .new_rows = toll_manifest_int(&text, root, "new_rows", 0),
        .changed = toll_manifest_int(&text, root, "changed", 0),
        .old_has_cost = get_bool(&text, root, "old_has_cost"),
        .new_has_cost = get_bool(&text, root, "new_has_cost"),
        .old_taxed = get_bool(&text, root, "old_taxed"),
        .new_taxed = get_bool(&text, root, "new_taxed"),
    };
    get_reasons(&text, manifest);
    get_totals(&text, arena, manifest);
    get_closed(&text, arena, manifest);
    get_days(&text, arena, manifest);
    get_files(&text, files);
    *digest = text.digest;
    rc = toll_manifest_end(&text, error);
    toll_manifest_free(&text);
    return rc;
}
