/*
 * How results look: aligned tables for people, JSON for programs, and the little texts both are made of.
 *
 * Thousands separators stand in human output only. Percentages are worked out in integers.
 */
#ifndef CMD_PRINT_H
#define CMD_PRINT_H

#include "output.h"
#include "tollmill.h"

#include <stdbool.h>

/* ---- texts for people ---- */

size_t cmd_thousands(int64_t value, char *text, size_t room);            /* "1,234,567" */
void cmd_count_text(int64_t value, bool bytes, char *text, size_t room); /* bytes: "1.2 GB", else thousands */
void cmd_rate_text(int64_t per_s, char *text, size_t room);              /* "1.2 M", "850" */
void cmd_span_text(int64_t ms, char *text, size_t room);         /* "3 s", "2 min 5 s", "1 h 10 min" */
void cmd_seconds_text(int64_t ns, char *text, size_t room);      /* "0.412 s" */
void cmd_minutes_text(int64_t seconds, char *text, size_t room); /* "1,234.5" minutes */
/* "45151.13000000" -> "45,151.13": zeros beyond the second place are left out, nothing is rounded. */
void cmd_money_text(const char *decimal, char *text, size_t room);
/* part of whole in percent with two places, rounded half away from zero: "-1.25"; "" when whole is 0 */
void cmd_percent_text(struct toll_sum part, struct toll_sum whole, char *text, size_t room);

/* The length of the valid UTF-8 sequence at text, 0 if it is none. */
size_t cmd_utf8_length(const unsigned char *text);
/* Text from a book or a record, fit for a terminal: what would move the cursor or is no UTF-8 becomes '?'. */
void cmd_put_plain(struct cmd_output *out, const char *text);

/* ---- sums beyond 64 bits ---- */

void cmd_sum_join(struct toll_sum *sum, struct toll_sum other);
struct toll_sum cmd_sum_minus(struct toll_sum a, struct toll_sum b);
int cmd_sum_compare(struct toll_sum a, struct toll_sum b); /* -1, 0, 1 */

/* ---- tables ---- */

enum cmd_align { CMD_LEFT, CMD_RIGHT };

struct cmd_table {
    int columns;
    const enum cmd_align *align;
    char **cells; /* row after row; the first row is the header */
    size_t count, room;
    bool failed; /* out of memory: the table stays short */
};

/* One string per column; NULL ends an alignment list early (left). The strings are copied. */
void cmd_table_begin(struct cmd_table *table, int columns, const enum cmd_align *align);
void cmd_table_row(struct cmd_table *table, const char *const *cells);
void cmd_table_print(struct cmd_table *table, struct cmd_output *out, const char *indent);
void cmd_table_end(struct cmd_table *table);

/* ---- JSON ---- */

#define CMD_JSON_DEPTH 8

struct cmd_json {
    struct cmd_output *out;
    int depth;
    bool filled[CMD_JSON_DEPTH];
};

/* Opens the document and writes its schema, "tollmill.<verb>/1". */
void cmd_json_begin(struct cmd_json *json, struct cmd_output *out, const char *verb);
void cmd_json_end(struct cmd_json *json);
/* key NULL: an element of an array. bracket: '{' or '['. */
void cmd_json_open(struct cmd_json *json, const char *key, char bracket);
void cmd_json_close(struct cmd_json *json, char bracket);                     /* '}' or ']' */
void cmd_json_text(struct cmd_json *json, const char *key, const char *text); /* NULL: null */
void cmd_json_integer(struct cmd_json *json, const char *key, int64_t value);
void cmd_json_bool(struct cmd_json *json, const char *key, bool value);
/* Nanoseconds as seconds with three places, a JSON number. */
void cmd_json_seconds(struct cmd_json *json, const char *key, int64_t ns);

/* A quoted JSON string; bytes that are no UTF-8 become U+FFFD. */
void cmd_json_string(struct cmd_output *out, const char *text);
/* A CSV cell, quoted where it must be. */
void cmd_csv_cell(struct cmd_output *out, const char *text);
/* The same for a free text, a name from the book or the record (NULL: empty). safe: with a ' before one that
 * begins with = + - @ TAB or CR, which a spreadsheet would run as a formula. */
void cmd_csv_text(struct cmd_output *out, const char *text, bool safe);
/* The same for a party. A telephone number is no formula; what was dialled and is none may be anything. */
void cmd_csv_party(struct cmd_output *out, const char *text, bool safe);

/* ---- masked numbers ---- */

/* "+12125551234" -> "+1212xxxxx34"; "" stays "". */
void cmd_mask(const char *number, char *text, size_t room);
/* Masks in place what looks like a telephone number within other text: a run of 10 to 15 digits that is no
 * part of a word of hexadecimal digits. quoted_only: only between double quotes, where findings repeat a
 * cell; file names stay. */
void cmd_mask_within(char *text, bool quoted_only);

#endif
