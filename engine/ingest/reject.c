/* Writing rejects files, and reading them back as the delivered file that they stand for. */
#include "ingest/reject.h"

#include "base/error.h"
#include "text/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "reason,file,line,offset,raw"
#define COLUMNS 5

static const char *const reason_names[TOLL_REJECT_REASONS] = {"",
                                                              "bad_columns",
                                                              "unbalanced_quotes",
                                                              "too_long",
                                                              "nul_byte",
                                                              "bad_time",
                                                              "ambiguous_time",
                                                              "bad_duration",
                                                              "negative_duration",
                                                              "bad_money",
                                                              "bad_quantity",
                                                              "bad_service",
                                                              "bad_direction",
                                                              "bad_answered",
                                                              "bad_legs"};

const char *toll_reject_name(enum toll_reject_reason reason)
{
    return reason_names[reason];
}

static char *text_room(struct toll_rejects_text *text, size_t bytes)
{
    if (text->failed)
        return NULL;
    if (text->capacity - text->bytes < bytes) {
        size_t capacity = 2 * text->capacity + bytes + 256;
        char *data = realloc(text->data, capacity);

        if (data == NULL) {
            text->failed = true;
            return NULL;
        }
        text->data = data;
        text->capacity = capacity;
    }
    return text->data + text->bytes;
}

static void text_add(struct toll_rejects_text *text, const char *data, size_t bytes)
{
    char *at = text_room(text, bytes);

    if (at == NULL || bytes == 0)
        return;
    memcpy(at, data, bytes);
    text->bytes += bytes;
}

static void text_add_quoted(struct toll_rejects_text *text, const char *data, size_t bytes)
{
    char *at = text_room(text, 2 * bytes + 2), *start = at;

    if (at == NULL)
        return;
    *at++ = '"';
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '"')
            *at++ = '"';
        *at++ = data[i];
    }
    *at++ = '"';
    text->bytes += (size_t)(at - start);
}

static void add_row(struct toll_rejects_text *text, const char *reason, const char *file, long line,
                    size_t offset, const char *raw, size_t bytes)
{
    char place[64];
    int length = snprintf(place, sizeof place, ",%ld,%zu,", line, offset);

    text_add(text, reason, strlen(reason));
    text_add(text, ",", 1);
    text_add_quoted(text, file, strlen(file));
    text_add(text, place, (size_t)length);
    text_add_quoted(text, raw, bytes);
    text_add(text, "\n", 1);
}

int toll_rejects_add(struct toll_rejects_text *text, const char *file,
                     const struct toll_reject_header *header, const struct toll_reject *rejects, size_t count,
                     struct toll_error *error)
{
    if (text->bytes == 0 && count > 0) {
        text_add(text, HEAD "\n", strlen(HEAD) + 1);
        add_row(text, "header", file, header->line, header->offset, header->raw, header->bytes);
    }
    for (size_t i = 0; i < count; i++)
        add_row(text, reason_names[rejects[i].reason], file, rejects[i].line, rejects[i].offset,
                rejects[i].raw, rejects[i].raw_bytes);
    if (text->failed)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory while listing rejects", file);
    return 0;
}

static bool is_head(const struct toll_csv *csv)
{
    return csv->row_bytes == strlen(HEAD) && memcmp(csv->data + csv->row_offset, HEAD, csv->row_bytes) == 0;
}

int toll_rejects_unwrap(const char *file, const char *data, size_t size, char **out, size_t *bytes,
                        struct toll_error *error)
{
    struct toll_csv_field fields[COLUMNS];
    struct toll_csv csv;
    uint32_t count;
    char *text;
    size_t used = 0;

    toll_csv_open(&csv, data, size, ',', true, false);
    if (!toll_csv_next(&csv, fields, COLUMNS, &count) || csv.too_long || !is_head(&csv))
        return 0;
    text = malloc(size + 1); /* a raw cell is never longer than its quoted form and gains one line end */
    if (text == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file);
    while (toll_csv_next(&csv, fields, COLUMNS, &count)) {
        if (csv.too_long || csv.unbalanced || count != COLUMNS) {
            free(text);
            return toll_error_set(
                error, TOLL_EDATA,
                "%s:%ld: this is a rejects file, but this row has not its five columns; keep all "
                "columns and change `raw` only",
                file, csv.row_line);
        }
        if (fields[COLUMNS - 1].bytes == 0)
            continue; /* no header, or a row that was taken out */
        used += toll_csv_unquote(&fields[COLUMNS - 1], text + used);
        text[used++] = '\n';
    }
    *out = text;
    *bytes = used;
    return 1;
}
