/*
 * The JSON writer. Its output is also YAML 1.1 as libyaml accepts it, because manifests are read back that
 * way: so besides the control characters of RFC 8259, those that YAML calls unprintable or folds as line
 * breaks are escaped.
 */
#include "text/json.h"

#include "base/check.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4096u

static void put(struct toll_json *json, const char *text, size_t bytes)
{
    if (json->failed)
        return;
    /* One byte is kept for the terminator. */
    if (bytes >= json->capacity - json->bytes) {
        size_t capacity = json->capacity == 0 ? FIRST_CAPACITY : json->capacity;
        char *grown;
        while (capacity - json->bytes <= bytes)
            capacity *= 2;
        grown = realloc(json->text, capacity);
        if (grown == NULL) {
            json->failed = true;
            return;
        }
        json->text = grown;
        json->capacity = capacity;
    }
    memcpy(json->text + json->bytes, text, bytes);
    json->bytes += bytes;
    json->text[json->bytes] = 0;
}

static void put_line(struct toll_json *json)
{
    if (json->compact)
        return;
    put(json, "\n", 1);
    for (int i = 0; i < json->depth; i++)
        put(json, "  ", 2);
}

static bool must_escape(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

static void put_quoted(struct toll_json *json, const char *text, size_t bytes)
{
    size_t done = 0, at = 0; /* [done, at) is plain and not yet written */

    if (bytes == 0)
        text = "";
    put(json, "\"", 1);
    while (at < bytes) {
        uint32_t code = 0;
        const unsigned count = toll_utf8_next(text + at, bytes - at, &code);
        char escape[16] = "\xEF\xBF\xBD"; /* U+FFFD */
        if (count > 0 && code != '"' && code != '\\' && !must_escape(code)) {
            at += count;
            continue;
        }
        put(json, text + done, at - done);
        if (count > 0) {
            const char *found = strchr("\"\\\n\r\t\b\f", (int)code);
            if (code != 0 && code < 0x80 && found != NULL)
                snprintf(escape, sizeof(escape), "\\%c", "\"\\nrtbf"[found - "\"\\\n\r\t\b\f"]);
            else
                snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)code);
        }
        put(json, escape, strlen(escape));
        at += count > 0 ? count : 1;
        done = at;
    }
    put(json, text + done, at - done);
    put(json, "\"", 1);
}

/* What stands before a value: the comma, the line and the key. */
static void put_start(struct toll_json *json, const char *key)
{
    if (!json->first)
        put(json, ",", 1);
    if (json->depth > 0)
        put_line(json);
    json->first = false;
    if (key != NULL) {
        put_quoted(json, key, strlen(key));
        put(json, ": ", json->compact ? 1 : 2);
    }
}

static void put_open(struct toll_json *json, const char *key, const char *bracket)
{
    put_start(json, key);
    put(json, bracket, 1);
    json->depth++;
    json->first = true;
}

static void put_close(struct toll_json *json, const char *bracket)
{
    const bool empty = json->first;

    TOLL_ASSERT(json->depth > 0);
    json->depth--;
    json->first = false;
    if (!empty)
        put_line(json);
    put(json, bracket, 1);
}

void toll_json_init(struct toll_json *json)
{
    *json = (struct toll_json){.first = true};
}

void toll_json_free(struct toll_json *json)
{
    free(json->text);
    *json = (struct toll_json){.first = true};
}

void toll_json_open_map(struct toll_json *json, const char *key)
{
    put_open(json, key, "{");
}

void toll_json_close_map(struct toll_json *json)
{
    put_close(json, "}");
}

void toll_json_open_list(struct toll_json *json, const char *key)
{
    put_open(json, key, "[");
}

void toll_json_close_list(struct toll_json *json)
{
    put_close(json, "]");
}

void toll_json_string(struct toll_json *json, const char *key, const char *text)
{
    if (text == NULL)
        toll_json_null(json, key);
    else
        toll_json_string_n(json, key, text, strlen(text));
}

void toll_json_string_n(struct toll_json *json, const char *key, const char *text, size_t bytes)
{
    put_start(json, key);
    put_quoted(json, text, bytes);
}

void toll_json_int(struct toll_json *json, const char *key, int64_t value)
{
    char buffer[24];
    const int bytes = snprintf(buffer, sizeof(buffer), "%" PRId64, value);

    put_start(json, key);
    put(json, buffer, (size_t)bytes);
}

void toll_json_number(struct toll_json *json, const char *key, const char *digits)
{
    put_start(json, key);
    put(json, digits, strlen(digits));
}

void toll_json_bool(struct toll_json *json, const char *key, bool value)
{
    put_start(json, key);
    put(json, value ? "true" : "false", value ? 4 : 5);
}

void toll_json_null(struct toll_json *json, const char *key)
{
    put_start(json, key);
    put(json, "null", 4);
}

void toll_json_money(struct toll_json *json, const char *key, toll_total money)
{
    char buffer[TOLL_TOTAL_TEXT_BYTES];

    toll_total_format(money, TOLL_MONEY_DECIMALS, buffer);
    toll_json_string(json, key, buffer);
}

bool toll_json_finish(struct toll_json *json)
{
    TOLL_ASSERT(json->depth == 0);
    put(json, "\n", 1);
    return !json->failed;
}
