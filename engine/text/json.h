/* A JSON writer: ordered, two-space indented, UTF-8 kept, control characters escaped, bytes that are no UTF-8
 * replaced by U+FFFD. The output can be read by toll_yaml_parse. Money and 64-bit counts that may pass 2^53
 * are written as strings by the callers. */
#ifndef TOLL_TEXT_JSON_H
#define TOLL_TEXT_JSON_H

#include "base/money.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_json {
    char *text; /* owned; toll_json_free */
    size_t bytes, capacity;
    int depth;
    bool first, failed, compact; /* set compact before writing for one line without blanks */
};

void toll_json_init(struct toll_json *json);
void toll_json_free(struct toll_json *json);
/* key is NULL inside lists and for the outermost value. */
void toll_json_open_map(struct toll_json *json, const char *key);
void toll_json_close_map(struct toll_json *json);
void toll_json_open_list(struct toll_json *json, const char *key);
void toll_json_close_list(struct toll_json *json);
/* A NULL text is written as null. */
void toll_json_string(struct toll_json *json, const char *key, const char *text);
void toll_json_string_n(struct toll_json *json, const char *key, const char *text, size_t bytes);
void toll_json_int(struct toll_json *json, const char *key, int64_t value);
/* A number as it stands, a JSON number already: "12.50". */
void toll_json_number(struct toll_json *json, const char *key, const char *digits);
void toll_json_bool(struct toll_json *json, const char *key, bool value);
void toll_json_null(struct toll_json *json, const char *key);
/* A decimal string with 8 places, quoted. */
void toll_json_money(struct toll_json *json, const char *key, toll_total money);
/* Returns false when memory ran out on the way; ends the text with a newline and a terminator. */
bool toll_json_finish(struct toll_json *json);

#endif
