/*
 * Reading a mapping spec: YAML tree in, checked struct toll_spec out. All that is wrong is told in one go,
 * each with its line and column; a key that nobody asked for is an error, so that a typing mistake cannot
 * silently change a mapping.
 */
#include "ingest/spec.h"

#include "ingest/limits.h"
#include "ingest/spec_read.h"
#include "io/file.h"
#include "io/zonefile.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPEC_VERSION "tollmill-cdr-map/1"
#define MILLION 1000000

void spec_fault(struct spec_reader *reader, const struct toll_yaml *node, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    toll_finding(reader->findings, TOLL_ERROR, reader->file, node->line, node->column, "%s", text);
}

void *spec_alloc(struct spec_reader *reader, size_t bytes)
{
    void *memory = toll_arena_alloc(&reader->spec->arena, bytes);

    if (memory == NULL)
        reader->no_memory = true;
    return memory;
}

const char *spec_scalar(struct spec_reader *reader, const struct toll_yaml *node, const char *what)
{
    if (node->kind == TOLL_YAML_SCALAR)
        return node->text;
    spec_fault(reader, node, "%s: write one value", what);
    return NULL;
}

struct toll_words spec_words(struct spec_reader *reader, const struct toll_yaml *node, const char *what)
{
    const struct toll_yaml *item = node != NULL && node->kind == TOLL_YAML_LIST ? node->child : node;
    struct toll_words words = {NULL, 0};
    const char **out;

    if (node == NULL)
        return words;
    if (node->kind == TOLL_YAML_MAP) {
        spec_fault(reader, node, "%s: write a list of values", what);
        return words;
    }
    out = spec_alloc(reader, (node->child_count + 1) * sizeof *out);
    if (out == NULL)
        return words;
    for (; item != NULL; item = node->kind == TOLL_YAML_LIST ? item->next : NULL) {
        const char *text = spec_scalar(reader, item, what);

        if (text != NULL)
            out[words.count++] = text;
    }
    words.words = out;
    return words;
}

/* A number from 1 to `most` written without sign or leading zero, or 0. */
static int position(const char *text, int most)
{
    char *end;
    long value;

    if (text[0] < '1' || text[0] > '9' || strlen(text) > 5)
        return 0;
    value = strtol(text, &end, 10);
    return *end == '\0' && value <= most ? (int)value : 0;
}

int spec_column(struct spec_reader *reader, const struct toll_yaml *node)
{
    const struct toll_spec *spec = reader->spec;
    const char *text = spec_scalar(reader, node, "column");
    int number;

    if (text == NULL)
        return -1;
    for (int i = 0; spec->names != NULL && i < spec->column_count; i++) {
        if (strcmp(spec->names[i], text) == 0)
            return i;
    }
    number = position(text, spec->column_count);
    if (number > 0)
        return number - 1;
    if (spec->column_count == 0)
        return -1; /* the file section is wrong and has its own finding */
    if (spec->header == TOLL_HEADER_NONE)
        spec_fault(reader, node, "\"%.60s\" is no column number from 1 to %d", text, spec->column_count);
    else
        spec_fault(reader, node, "there is no column \"%.60s\" in `names:`", text);
    return -1;
}

unsigned spec_formats(struct spec_reader *reader, struct toll_yaml *map,
                      struct toll_time_format formats[TOLL_TIME_FORMATS_MAX])
{
    struct toll_yaml *node = toll_yaml_get(map, "format");
    struct toll_words patterns = spec_words(reader, node, "format");
    const char *why;

    if (node == NULL)
        spec_fault(reader, map, "a time needs `format:`, such as \"%%Y-%%m-%%d %%H:%%M:%%S\" or iso");
    if (patterns.count > TOLL_TIME_FORMATS_MAX) {
        spec_fault(reader, node, "format: at most %d patterns", TOLL_TIME_FORMATS_MAX);
        return 0;
    }
    for (size_t i = 0; i < patterns.count; i++) {
        if (!toll_time_format_compile(patterns.words[i], &formats[i], &why))
            spec_fault(reader, node, "format \"%.60s\": %s", patterns.words[i], why);
    }
    return (unsigned)patterns.count;
}

/* -- the sections -- */

static void read_head(struct spec_reader *reader, struct toll_yaml *root)
{
    struct toll_spec *spec = reader->spec;
    const char *kind = toll_yaml_text(reader->file, root, "spec", NULL, reader->findings);
    struct toll_yaml *currency = toll_yaml_get(root, "currency");

    if (kind == NULL || strcmp(kind, SPEC_VERSION) != 0)
        toll_finding(reader->findings, TOLL_ERROR, reader->file, 1, 1,
                     "this is no mapping spec that this program knows: it must say `spec: %s`", SPEC_VERSION);
    spec->provider = toll_yaml_text(reader->file, root, "provider", "", reader->findings);
    spec->version = toll_yaml_text(reader->file, root, "version", "", reader->findings);
    spec->currency = toll_yaml_text(reader->file, root, "currency", "", reader->findings);
    spec->carrier = toll_yaml_text(reader->file, root, "carrier", "", reader->findings);
    if (spec->provider[0] == '\0')
        toll_finding(reader->findings, TOLL_ERROR, reader->file, 1, 1,
                     "`provider:` is missing: a name for the format");
    if (spec->version[0] == '\0')
        toll_finding(reader->findings, TOLL_ERROR, reader->file, 1, 1,
                     "`version:` is missing: it goes into every receipt");
    if (spec->currency[0] != '\0' &&
        (strlen(spec->currency) != 3 || strspn(spec->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
        spec_fault(reader, currency, "currency: three capital letters, such as USD");
    if (strlen(spec->carrier) > TOLL_INGEST_TEXT_MAX)
        spec_fault(reader, toll_yaml_get(root, "carrier"), "carrier: the name is too long");
}

static void read_separator(struct spec_reader *reader, struct toll_yaml *file)
{
    struct toll_yaml *node = toll_yaml_get(file, "separator");

    reader->spec->separator = ',';
    if (node == NULL)
        return;
    if (node->kind == TOLL_YAML_SCALAR && strcmp(node->text, "tab") == 0)
        reader->spec->separator = '\t';
    else if (node->kind == TOLL_YAML_SCALAR && node->bytes == 1 && strchr("\"\r\n", node->text[0]) == NULL &&
             node->text[0] != '\0')
        reader->spec->separator = node->text[0];
    else
        spec_fault(reader, node, "separator: one character such as \",\" or \";\", or the word tab");
}

static void read_names(struct spec_reader *reader, struct toll_yaml *file)
{
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *node = toll_yaml_get(file, "names"), *optional = toll_yaml_get(file, "optional");
    struct toll_words names = spec_words(reader, node, "names"),
                      may_lack = spec_words(reader, optional, "optional");
    static const char *const orders[] = {"fixed", "any"};
    int order;

    if (node == NULL || names.count == 0 || names.count > TOLL_INGEST_COLUMNS_MAX) {
        spec_fault(reader, node == NULL ? file : node, "names: list the header's columns, 1 to %d",
                   TOLL_INGEST_COLUMNS_MAX);
        return;
    }
    toll_yaml_choice(reader->file, file, "order", orders, 2, 0, &order, reader->findings);
    spec->any_order = order == 1;
    spec->names = (const char **)(uintptr_t)names.words;
    spec->optional = spec_alloc(reader, names.count * sizeof *spec->optional);
    if (spec->optional == NULL)
        return;
    spec->column_count = (int)names.count;
    for (size_t i = 0; i < names.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(names.words[i], names.words[k]) == 0)
                spec_fault(reader, node, "names: \"%.60s\" is there twice", names.words[i]);
        }
    }
    if (may_lack.count > 0 && !spec->any_order)
        spec_fault(reader, optional, "optional: columns may only be missing with `order: any`");
    for (size_t k = 0; k < may_lack.count; k++) {
        bool found = false;

        for (size_t i = 0; i < names.count; i++) {
            if (strcmp(names.words[i], may_lack.words[k]) == 0)
                found = spec->optional[i] = true;
        }
        if (!found)
            spec_fault(reader, optional, "optional: \"%.60s\" is not in `names:`", may_lack.words[k]);
    }
}

static void read_counts(struct spec_reader *reader, struct toll_yaml *file)
{
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *node = toll_yaml_get(file, "columns");
    struct toll_words counts = spec_words(reader, node, "columns");

    if (node == NULL) {
        if (spec->header == TOLL_HEADER_NONE)
            spec_fault(reader, file,
                       "columns: a file without header needs the legal numbers of columns, such as [15]");
        return;
    }
    spec->legal_counts = spec_alloc(reader, (counts.count + 1) * sizeof *spec->legal_counts);
    if (spec->legal_counts == NULL)
        return;
    for (size_t i = 0; i < counts.count; i++) {
        int value = position(counts.words[i], TOLL_INGEST_COLUMNS_MAX);

        if (value == 0)
            spec_fault(reader, node, "columns: \"%.20s\" is no number from 1 to %d", counts.words[i],
                       TOLL_INGEST_COLUMNS_MAX);
        spec->legal_counts[spec->legal_count++] = value;
        if (spec->header == TOLL_HEADER_NONE && value > spec->column_count)
            spec->column_count = value;
    }
    if (spec->legal_count == 0)
        spec_fault(reader, node, "columns: the list is empty");
}

static void read_header_hashes(struct spec_reader *reader, struct toll_yaml *file)
{
    struct toll_yaml *node = toll_yaml_get(file, "header_hash");
    struct toll_words texts = spec_words(reader, node, "header_hash");
    struct toll_hash128 *hashes;

    if (node == NULL)
        return;
    hashes = spec_alloc(reader, (texts.count + 1) * sizeof *hashes);
    if (hashes == NULL)
        return;
    for (size_t i = 0; i < texts.count; i++) {
        if (!toll_hash_parse(texts.words[i], strlen(texts.words[i]), &hashes[i]))
            spec_fault(reader, node, "header_hash: write 32 hex digits, as a receipt shows them");
    }
    reader->spec->header_hashes = hashes;
    reader->spec->header_hash_count = texts.count;
}

static void read_file(struct spec_reader *reader, struct toll_yaml *root)
{
    static const char *const headers[] = {"exact", "trimmed", "none"};
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *file = toll_yaml_get(root, "file");
    int header;

    if (file == NULL || file->kind != TOLL_YAML_MAP) {
        toll_finding(reader->findings, TOLL_ERROR, reader->file, file == NULL ? 1 : file->line,
                     file == NULL ? 1 : file->column, "`file:` is missing or no map");
        return;
    }
    read_separator(reader, file);
    toll_yaml_bool(reader->file, file, "multiline", false, &spec->multiline, reader->findings);
    toll_yaml_bool(reader->file, file, "skip_blank", false, &spec->skip_blank, reader->findings);
    if (!toll_yaml_choice(reader->file, file, "header", headers, 3, -1, &header, reader->findings))
        header = TOLL_HEADER_EXACT;
    else if (header < 0) {
        spec_fault(reader, file, "header: is missing: exact, trimmed or none");
        header = TOLL_HEADER_EXACT;
    }
    spec->header = (enum toll_header)header;
    if (spec->header != TOLL_HEADER_NONE) {
        read_names(reader, file);
        read_header_hashes(reader, file);
    }
    read_counts(reader, file);
    spec->null_tokens = spec_words(reader, toll_yaml_get(file, "null"), "null");
}

static void read_time(struct spec_reader *reader, struct toll_yaml *root)
{
    static const char *const folds[] = {"first", "second", "reject"};
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *time = toll_yaml_get(root, "time");
    const char *zone = toll_yaml_text(reader->file, time, "zone", NULL, reader->findings);
    struct toll_hash128 hash;
    struct toll_error error;
    int fold, code;

    if (zone == NULL) {
        toll_finding(reader->findings, TOLL_ERROR, reader->file, time == NULL ? 1 : time->line,
                     time == NULL ? 1 : time->column,
                     "time: `zone:` is missing: UTC or a name such as Europe/London; it is never guessed");
        return;
    }
    toll_yaml_choice(reader->file, time, "fold", folds, 3, TOLL_FOLD_FIRST, &fold, reader->findings);
    spec->fold = (enum toll_fold)fold;
    code = toll_zone_load(reader->io, zone, &spec->zone, &hash, &error);
    if (code == TOLL_EDATA || code == TOLL_ENOINPUT)
        spec_fault(reader, time, "zone: %s", error.text);
    else if (code != 0) /* the spec may be good, the system failed */
        reader->failed = toll_error_set(reader->error, code, "%s: zone: %s", reader->file, error.text);
}

static void read_key(struct spec_reader *reader, struct toll_yaml *root)
{
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *node = toll_yaml_get(root, "key");
    const struct toll_yaml *item;

    if (node == NULL || (node->kind == TOLL_YAML_SCALAR && strcmp(node->text, "row") == 0))
        return;
    if (node->kind == TOLL_YAML_MAP || (node->kind == TOLL_YAML_LIST && node->child_count == 0)) {
        spec_fault(reader, node, "key: write row, or the list of columns that together are unique");
        return;
    }
    spec->key_columns = spec_alloc(reader, (node->child_count + 1) * sizeof *spec->key_columns);
    if (spec->key_columns == NULL)
        return;
    item = node->kind == TOLL_YAML_LIST ? node->child : node;
    for (; item != NULL; item = node->kind == TOLL_YAML_LIST ? item->next : NULL) {
        int column = spec_column(reader, item);

        for (int i = 0; i < spec->key_count; i++) {
            if (spec->key_columns[i] == column && column >= 0)
                spec_fault(reader, item, "key: this column is there twice");
        }
        spec->key_columns[spec->key_count++] = column;
    }
}

static void read_probe(struct spec_reader *reader, struct toll_yaml *map, struct toll_spec_probe *probe)
{
    static const char *const kinds[] = {"time", "decimal", "digits"};
    struct toll_yaml *column = toll_yaml_get(map, "column"), *words = toll_yaml_get(map, "in");
    int kind = TOLL_PROBE_WORDS;

    if (column == NULL)
        spec_fault(reader, map, "a probe needs `column:`");
    probe->column = column == NULL ? -1 : spec_column(reader, column);
    toll_yaml_bool(reader->file, map, "required", false, &probe->required, reader->findings);
    toll_yaml_int(reader->file, map, "min_ppm", 1, MILLION, MILLION / 2, &probe->least_ppm, reader->findings);
    if (words != NULL)
        probe->words = spec_words(reader, words, "in");
    else if (toll_yaml_get(map, "type") == NULL)
        spec_fault(reader, map, "a probe needs `in:` with the known words, or `type:`");
    else
        toll_yaml_choice(reader->file, map, "type", kinds, 3, 0, &kind, reader->findings);
    probe->kind = (unsigned)kind;
    if (kind == TOLL_PROBE_TIME)
        probe->format_count = spec_formats(reader, map, probe->formats);
}

static void read_probes(struct spec_reader *reader, struct toll_yaml *root)
{
    struct toll_yaml *list = toll_yaml_get(root, "probes");
    struct toll_spec_probe *probes;
    size_t count = 0;

    if (list == NULL)
        return;
    if (list->kind != TOLL_YAML_LIST) {
        spec_fault(reader, list, "probes: must be a list");
        return;
    }
    probes = spec_alloc(reader, (list->child_count + 1) * sizeof *probes);
    if (probes == NULL)
        return;
    for (struct toll_yaml *item = list->child; item != NULL; item = item->next)
        read_probe(reader, item, &probes[count++]);
    reader->spec->probes = probes;
    reader->spec->probe_count = count;
}

static void read_limits(struct spec_reader *reader, struct toll_yaml *root)
{
    struct toll_spec *spec = reader->spec;
    struct toll_yaml *limits = toll_yaml_get(root, "limits"), *warnings = toll_yaml_get(root, "warnings");
    int64_t over_s = 0;

    toll_yaml_int(reader->file, limits, "max_reject_ppm", 0, MILLION, 0, &spec->max_reject_ppm,
                  reader->findings);
    toll_yaml_bool(reader->file, warnings, "duration_over_total", false, &spec->warn_over_total,
                   reader->findings);
    toll_yaml_int(reader->file, warnings, "duration_over_s", 0, INT32_MAX / 1000, 0, &over_s,
                  reader->findings);
    spec->warn_over_ms = over_s * 1000;
}

int toll_spec_parse(struct toll_spec *spec, const struct toll_io *io, const char *path, const char *data,
                    size_t size, struct toll_findings *findings, struct toll_error *error)
{
    struct spec_reader reader = {.file = path, .spec = spec, .findings = findings, .io = io, .error = error};
    size_t errors = findings->errors;
    struct toll_yaml *root;
    int code;

    memset(spec, 0, sizeof *spec);
    spec->path = toll_arena_copy(&spec->arena, path, strlen(path));
    code = toll_yaml_parse(path, data, size, &spec->arena, findings, &root, error);
    if (code != 0) {
        toll_spec_free(spec);
        return code;
    }
    read_head(&reader, root);
    read_file(&reader, root);
    read_time(&reader, root);
    read_limits(&reader, root);
    spec_read_numbers(&reader, toll_yaml_get(root, "numbers"));
    spec_read_fields(&reader, toll_yaml_get(root, "fields"));
    read_key(&reader, root);
    read_probes(&reader, root);
    toll_yaml_report_unused(path, root, findings);
    if (reader.no_memory || spec->path == NULL)
        code = toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    else if (reader.failed != 0)
        code = reader.failed;
    else if (findings->errors != errors)
        code = toll_error_set(error, TOLL_EBOOK, "%s: %zu error(s) in the mapping spec; first: line %ld: %s",
                              path, findings->errors - errors, findings->first_error.line,
                              findings->first_error.text == NULL ? "" : findings->first_error.text);
    if (code != 0)
        toll_spec_free(spec);
    return code;
}

int toll_spec_load(struct toll_spec *spec, const struct toll_io *io, const char *path,
                   struct toll_findings *findings, struct toll_error *error)
{
    struct toll_blob blob = {0};
    int code;

    memset(spec, 0, sizeof *spec);
    code = toll_blob_read(&blob, io, AT_FDCWD, path, TOLL_READ_PREAD, error);
    if (code == 0)
        code = toll_spec_parse(spec, io, path, blob.data, blob.size, findings, error);
    toll_blob_free(&blob);
    return code;
}

void toll_spec_free(struct toll_spec *spec)
{
    toll_zone_free(spec->zone);
    toll_arena_free(&spec->arena);
    memset(spec, 0, sizeof *spec);
}
