/*
 * Recognition. A shift by one column, another vendor's file with as many columns, or an event log beside the
 * call log all look like CDR files to a program that only counts commas; billing them would be worse than
 * stopping.
 */
#include "ingest/recognise.h"

#include <stdio.h>
#include <string.h>

#define MILLION 1000000

struct view {
    const char *text;
    size_t bytes;
};

static struct view trimmed(const struct toll_csv_field *field)
{
    struct view view = {field->text, field->bytes};

    while (view.bytes > 0 && (view.text[0] == ' ' || view.text[0] == '\t')) {
        view.text++;
        view.bytes--;
    }
    while (view.bytes > 0 && (view.text[view.bytes - 1] == ' ' || view.text[view.bytes - 1] == '\t'))
        view.bytes--;
    return view;
}

static bool equal(struct view view, const char *text)
{
    return strlen(text) == view.bytes && memcmp(view.text, text, view.bytes) == 0;
}

bool toll_spec_is_null(const struct toll_spec *spec, const char *text, size_t bytes)
{
    for (size_t i = 0; i < spec->null_tokens.count; i++) {
        if (equal((struct view){text, bytes}, spec->null_tokens.words[i]))
            return true;
    }
    return bytes == 0;
}

bool toll_layout_legal_count(const struct toll_spec *spec, const struct toll_layout *layout, uint32_t count)
{
    for (int i = 0; i < spec->legal_count; i++) {
        if ((uint32_t)spec->legal_counts[i] == count)
            return true;
    }
    return spec->legal_count == 0 && count == (uint32_t)layout->file_columns;
}

/* -- header -- */

static int find_name(const struct toll_spec *spec, struct view name)
{
    for (int i = 0; i < spec->column_count; i++) {
        if (equal(name, spec->names[i]))
            return i;
    }
    return -1;
}

/* A name for a message. A file without header shows a telephone number there: with five digits or more they
 * are hidden. */
static const char *shown(struct view name, char buffer[64])
{
    size_t bytes = name.bytes > 60 ? 60 : name.bytes;
    int digits = 0;

    for (size_t i = 0; i < bytes; i++)
        digits += name.text[i] >= '0' && name.text[i] <= '9';
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = digits >= 5 && name.text[i] >= '0' && name.text[i] <= '9' ? 'x' : name.text[i];
    buffer[bytes] = '\0';
    return buffer;
}

static int place_names(const struct toll_spec *spec, const char *file, const struct toll_csv_field *fields,
                       uint32_t count, struct toll_layout *layout, struct toll_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        struct view name = spec->header == TOLL_HEADER_TRIMMED
                               ? trimmed(&fields[i])
                               : (struct view){fields[i].text, fields[i].bytes};
        int column = find_name(spec, name);

        char buffer[64];

        if (column < 0)
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: unknown header: column %u is \"%s\", which %s (version %s) does not "
                                  "have; the file is refused. "
                                  "If the provider changed the format, write a new version of the spec",
                                  file, i + 1, shown(name, buffer), spec->provider, spec->version);
        if (layout->slots[column] >= 0)
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: bad header: column \"%s\" is there twice; the file is refused", file,
                                  spec->names[column]);
        if (!spec->any_order && column != (int)i)
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: unknown header: column %u is \"%s\" where %s (version %s) has \"%s\"; "
                                  "the file is refused",
                                  file, i + 1, spec->names[column], spec->provider, spec->version,
                                  spec->names[i]);
        layout->slots[column] = (int)i;
    }
    return 0;
}

static bool hash_known(const struct toll_spec *spec, struct toll_hash128 hash)
{
    for (size_t i = 0; i < spec->header_hash_count; i++) {
        if (toll_hash_equal(spec->header_hashes[i], hash))
            return true;
    }
    return spec->header_hash_count == 0;
}

static int read_header(const struct toll_spec *spec, const char *file, struct toll_layout *layout,
                       struct toll_error *error)
{
    struct toll_csv_field fields[TOLL_INGEST_COLUMNS_MAX];
    struct toll_csv *csv = &layout->start;
    struct toll_hash128 hash;
    uint32_t count;
    int code;

    if (!toll_csv_next(csv, fields, TOLL_INGEST_COLUMNS_MAX, &count))
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: the file is empty, its header is missing; the file is refused. Ask for it again", file);
    if (csv->too_long || csv->has_nul || csv->unbalanced || count > TOLL_INGEST_COLUMNS_MAX)
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: the first line is no CSV header (too long, a NUL byte, or a quote without its pair); the "
            "file is refused",
            file);
    layout->header = (struct toll_reject_header){csv->data + csv->row_offset, csv->row_bytes, csv->row_line,
                                                 csv->row_offset};
    layout->file_columns = (int)count;
    hash = toll_hash(layout->header.raw, layout->header.bytes);
    toll_hash_text(hash, layout->header_hash);
    code = place_names(spec, file, fields, count, layout, error);
    if (code != 0)
        return code;
    for (int i = 0; i < spec->column_count; i++) {
        if (layout->slots[i] < 0 && !spec->optional[i])
            return toll_error_set(error, TOLL_EDATA,
                                  "%s: unknown header: column \"%s\" is missing, which %s (version %s) "
                                  "needs; the file is refused",
                                  file, spec->names[i], spec->provider, spec->version);
    }
    if (!hash_known(spec, hash))
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: unknown header: its names are right, but its hash %s is not in `header_hash:` of %s; the "
            "file is refused",
            file, layout->header_hash, spec->path);
    return 0;
}

/* -- content -- */

static bool is_decimal(struct view view)
{
    int64_t value;

    return toll_decimal_parse(view.text, view.bytes, 9, &value) != -1;
}

static bool is_digits(struct view view)
{
    for (size_t i = 0; i < view.bytes; i++) {
        if (view.text[i] < '0' || view.text[i] > '9')
            return false;
    }
    return view.bytes > 0;
}

static bool passes(const struct toll_spec_probe *probe, struct view view)
{
    switch (probe->kind) {
    case TOLL_PROBE_TIME:
        for (unsigned i = 0; i < probe->format_count; i++) {
            toll_ms local;
            bool has_offset;
            int32_t offset_s;

            if (toll_time_format_read(&probe->formats[i], view.text, view.bytes, &local, &has_offset,
                                      &offset_s))
                return true;
        }
        return false;
    case TOLL_PROBE_DECIMAL:
        return is_decimal(view);
    case TOLL_PROBE_DIGITS:
        return is_digits(view);
    case TOLL_PROBE_WORDS:
        break;
    }
    for (size_t i = 0; i < probe->words.count; i++) {
        if (equal(view, probe->words.words[i]))
            return true;
    }
    return false;
}

struct tally {
    int64_t rows, looked_at, passed;
};

static void probe_rows(const struct toll_spec *spec, const struct toll_layout *layout,
                       const struct toll_spec_probe *probe, struct tally *tally)
{
    struct toll_csv_field fields[TOLL_INGEST_COLUMNS_MAX];
    struct toll_csv csv = layout->start;
    int slot = layout->slots[probe->column];
    uint32_t count;

    while (tally->rows < TOLL_INGEST_PROBE_ROWS &&
           toll_csv_next(&csv, fields, TOLL_INGEST_COLUMNS_MAX, &count)) {
        struct view view;

        if (csv.too_long || csv.unbalanced || csv.has_nul || !toll_layout_legal_count(spec, layout, count))
            continue; /* a reject, whatever it says */
        tally->rows++;
        if (slot < 0 || slot >= (int)count)
            continue;
        view = trimmed(&fields[slot]);
        if (toll_spec_is_null(spec, view.text, view.bytes)) {
            tally->looked_at += probe->required;
            continue;
        }
        tally->looked_at++;
        tally->passed += passes(probe, view);
    }
}

static const char *probe_wants(const struct toll_spec_probe *probe)
{
    static const char *const wants[] = {"a time of the spec's format", "a decimal number", "digits",
                                        "one of the words that the spec lists"};

    return wants[probe->kind];
}

static int check_content(const struct toll_spec *spec, const char *file, const struct toll_layout *layout,
                         struct toll_error *error)
{
    for (size_t i = 0; i < spec->probe_count; i++) {
        const struct toll_spec_probe *probe = &spec->probes[i];
        struct tally tally = {0};

        probe_rows(spec, layout, probe, &tally);
        if (tally.passed * MILLION >= tally.looked_at * probe->least_ppm)
            continue;
        return toll_error_set(
            error, TOLL_EDATA,
            "%s: looks like %s but is not: column %d is %s in only %lld of the first %lld rows; the file is "
            "refused",
            file, spec->provider, layout->slots[probe->column] + 1, probe_wants(probe),
            (long long)tally.passed, (long long)tally.looked_at);
    }
    return 0;
}

int toll_recognise(const struct toll_spec *spec, const char *file, const char *data, size_t size,
                   struct toll_layout *out, struct toll_error *error)
{
    int code = 0;

    memset(out, 0, sizeof *out);
    out->header.raw = "";
    toll_csv_open(&out->start, data, size, spec->separator, spec->multiline, spec->skip_blank);
    for (int i = 0; i < TOLL_INGEST_COLUMNS_MAX; i++)
        out->slots[i] = spec->header == TOLL_HEADER_NONE && i < spec->column_count ? i : -1;
    if (spec->header != TOLL_HEADER_NONE)
        code = read_header(spec, file, out, error);
    if (code == 0)
        code = check_content(spec, file, out, error);
    out->same_order = true;
    for (int i = 0; i < spec->column_count; i++)
        out->same_order &= out->slots[i] == i;
    return code;
}
