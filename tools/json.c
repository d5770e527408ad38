/*
 * The JSON and CSV writers. What they write is valid whatever bytes a record holds.
 */
#include "print.h"

#include <stdio.h>
#include <string.h>

/* Unicode 15, table 3-7. */
size_t cmd_utf8_length(const unsigned char *text)
{
    unsigned char a = text[0];
    if (a < 0x80)
        return 1;
    if (a < 0xC2 || a > 0xF4)
        return 0;
    size_t length = a < 0xE0 ? 2 : a < 0xF0 ? 3 : 4;
    unsigned char low = a == 0xE0 ? 0xA0 : a == 0xF0 ? 0x90 : 0x80;
    unsigned char high = a == 0xED ? 0x9F : a == 0xF4 ? 0x8F : 0xBF;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

void cmd_json_string(struct cmd_output *out, const char *text)
{
    cmd_put_char(out, '"');
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        size_t plain = 0;
        while (at[plain] >= 0x20 && at[plain] < 0x7F && at[plain] != '"' && at[plain] != '\\')
            plain++;
        if (plain > 0) {
            cmd_put(out, (const char *)at, plain);
            at += plain;
            continue;
        }
        size_t length = cmd_utf8_length(at);
        if (*at == '"' || *at == '\\') {
            char escaped[2] = {'\\', (char)*at};
            cmd_put(out, escaped, 2);
        } else if (*at < 0x20 || *at == 0x7F) {
            cmd_put_format(out, "\\u%04x", *at);
        } else if (length == 0) {
            cmd_put_text(out, "\\ufffd");
        } else {
            cmd_put(out, (const char *)at, length);
        }
        at += length > 0 ? length : 1;
    }
    cmd_put_char(out, '"');
}

void cmd_csv_cell(struct cmd_output *out, const char *text)
{
    size_t length = strlen(text);
    /* A blank at either end is quoted too: some readers trim it otherwise. */
    bool quoted =
        text[strcspn(text, ",\"\r\n")] != '\0' || (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
    if (!quoted) {
        cmd_put(out, text, length);
        return;
    }
    cmd_put_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            cmd_put_char(out, '"');
        cmd_put_char(out, *text);
    }
    cmd_put_char(out, '"');
}

void cmd_csv_text(struct cmd_output *out, const char *text, bool safe)
{
    text = text ? text : "";
    if (!safe || !text[0] || !strchr("=+-@\t\r", text[0])) {
        cmd_csv_cell(out, text);
        return;
    }
    cmd_put_text(out, "\"'");
    for (; *text; text++) {
        if (*text == '"')
            cmd_put_char(out, '"');
        cmd_put_char(out, *text);
    }
    cmd_put_char(out, '"');
}

void cmd_csv_party(struct cmd_output *out, const char *text, bool safe)
{
    text = text ? text : "";
    const char *digits = text + (text[0] == '+');
    bool number = digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
    cmd_csv_text(out, text, safe && !number);
}

static void key_out(struct cmd_json *json, const char *key)
{
    if (json->depth > 0) {
        cmd_put_text(json->out, json->filled[json->depth - 1] ? ",\n" : "\n");
        json->filled[json->depth - 1] = true;
        for (int i = 0; i < json->depth; i++)
            cmd_put_text(json->out, "  ");
    }
    if (key) {
        cmd_json_string(json->out, key);
        cmd_put_text(json->out, ": ");
    }
}

void cmd_json_open(struct cmd_json *json, const char *key, char bracket)
{
    key_out(json, key);
    cmd_put_char(json->out, bracket);
    json->filled[json->depth++] = false;
}

void cmd_json_close(struct cmd_json *json, char bracket)
{
    json->depth--;
    if (json->filled[json->depth]) {
        cmd_put_char(json->out, '\n');
        for (int i = 0; i < json->depth; i++)
            cmd_put_text(json->out, "  ");
    }
    cmd_put_char(json->out, bracket);
}

void cmd_json_begin(struct cmd_json *json, struct cmd_output *out, const char *verb)
{
    char schema[64];
    memset(json, 0, sizeof *json);
    json->out = out;
    cmd_json_open(json, NULL, '{');
    snprintf(schema, sizeof schema, "tollmill.%s/1", verb);
    cmd_json_text(json, "schema", schema);
}

void cmd_json_end(struct cmd_json *json)
{
    cmd_json_close(json, '}');
    cmd_put_char(json->out, '\n');
}

void cmd_json_text(struct cmd_json *json, const char *key, const char *text)
{
    key_out(json, key);
    if (text)
        cmd_json_string(json->out, text);
    else
        cmd_put_text(json->out, "null");
}

void cmd_json_integer(struct cmd_json *json, const char *key, int64_t value)
{
    key_out(json, key);
    cmd_put_integer(json->out, value);
}

void cmd_json_bool(struct cmd_json *json, const char *key, bool value)
{
    key_out(json, key);
    cmd_put_text(json->out, value ? "true" : "false");
}

void cmd_json_seconds(struct cmd_json *json, const char *key, int64_t ns)
{
    int64_t ms = (ns + 500000) / 1000000;
    key_out(json, key);
    cmd_put_format(json->out, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}
