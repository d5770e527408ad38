/* Blanks and quotes around a table's cells, and its column names: what reading and editing a table share. */
#ifndef TOLL_TEXT_TRIM_H
#define TOLL_TEXT_TRIM_H

#include "text/csv.h"

#include <string.h>

static inline char toll_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool toll_same_name(const char *a, size_t bytes, const char *b)
{
    size_t i = 0;

    while (i < bytes && b[i] != 0 && toll_lower(a[i]) == toll_lower(b[i]))
        i++;
    return i == bytes && b[i] == 0;
}

/* Length of the blank that text begins with: blank, tab, CR, no-break space; 0 for anything else. */
static inline size_t toll_blank_first(const char *text, size_t bytes)
{
    if (bytes > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r'))
        return 1;
    return bytes > 1 && text[0] == '\xC2' && text[1] == '\xA0' ? 2 : 0;
}

static inline size_t toll_blank_last(const char *text, size_t bytes)
{
    if (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t' || text[bytes - 1] == '\r'))
        return 1;
    return bytes > 1 && text[bytes - 2] == '\xC2' && text[bytes - 1] == '\xA0' ? 2 : 0;
}

static inline void toll_trim(const char **text, size_t *bytes)
{
    size_t blank;

    while ((blank = toll_blank_first(*text, *bytes)) > 0) {
        *text += blank;
        *bytes -= blank;
    }
    while ((blank = toll_blank_last(*text, *bytes)) > 0)
        *bytes -= blank;
}

/* Blanks may stand outside and inside the quotes. */
static inline void toll_field_trim(struct toll_csv_field *field)
{
    const char *text = field->text;
    size_t bytes = field->bytes;

    toll_trim(&text, &bytes);
    if (!field->quoted && bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"') {
        field->quoted = true;
        text++;
        bytes -= 2;
        toll_trim(&text, &bytes);
        field->doubled = bytes > 0 && memchr(text, '"', bytes) != NULL;
    }
    field->text = text;
    field->bytes = (uint32_t)bytes;
}

#endif
