/*
 * The CSV lexer: quote-parity splitting.
 *
 * Every quote toggles "inside"; a separator outside splits a field, a line end outside ends the row. Where
 * quotes may not span lines (the default) a line end always ends the row, and a row whose quotes do not
 * balance says so. Real files break RFC 4180 (a field like ""Name" <1115>") yet keep quote parity; strict
 * parsing would lose those rows. LF, CRLF and lone CR end lines (CR only where the file has no LF at all). A
 * UTF-8 BOM at the start is skipped. Empty lines are skipped. Nothing is copied: fields point into the
 * caller's bytes, which are never read past their end. One CR before a LF, or before the end of the data of a
 * LF file, belongs to the line end.
 *
 * Where quotes may span lines, a quote that stays open to the end of the data or for TOLL_CSV_ROW_MAX bytes
 * ends its row at the first line end, unbalanced: a missing quote costs its own line, not the lines after it.
 *
 * A struct toll_csv is one reader's own; any number of readers may share the bytes.
 */
#ifndef TOLL_TEXT_CSV_H
#define TOLL_TEXT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_csv_field {
    const char *text; /* without the outer quotes, with doubled quotes still doubled */
    uint32_t bytes;
    bool quoted;  /* began and ended with a quote */
    bool doubled; /* has quotes inside: use toll_csv_unquote for the plain text */
};

struct toll_csv {
    /* set by toll_csv_open */
    const char *data;
    size_t size;
    char separator;
    bool multiline, skip_blank_after_separator;
    char line_end;
    /* where the next row starts */
    size_t offset;
    long line; /* 1-based */
    /* the current row, after toll_csv_next returned 1 */
    size_t row_offset, row_bytes; /* bytes without the line end; of a too long row TOLL_CSV_ROW_MAX, the rest
                                     of its line is skipped */
    long row_line;
    bool unbalanced;   /* odd number of quotes */
    bool unterminated; /* the last row of the file, without a line end */
    bool too_long;     /* longer than TOLL_CSV_ROW_MAX: fields are not filled, count is 0 */
    bool has_nul;      /* a NUL byte in the row */
    bool has_quotes;   /* anywhere in the row */
};

/* No CDR or price row is near it; a missing quote must not eat a file. */
#define TOLL_CSV_ROW_MAX (1u << 20)
/* What a reader of any file needs to make room for; the lexer itself counts on. */
#define TOLL_CSV_FIELDS_MAX 4096u

/* skip_blank: "a, b" gives "b" (blanks and tabs after a separator). multiline: a quoted field may hold line
 * ends. separator: any byte but a quote, CR, LF and NUL. */
void toll_csv_open(struct toll_csv *csv, const char *data, size_t size, char separator, bool multiline,
                   bool skip_blank);

/* The next row: 1 and *count fields (of which at most `room` are stored), or 0 at the end. */
int toll_csv_next(struct toll_csv *csv, struct toll_csv_field *fields, uint32_t room, uint32_t *count);

/* Plain text of a field into out (room >= field->bytes); returns its length. Only in a quoted field does a
 * doubled quote mean one. */
size_t toll_csv_unquote(const struct toll_csv_field *field, char *out);

#endif
