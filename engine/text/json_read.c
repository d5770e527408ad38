/* The JSON reader: a stack of open maps and lists, no recursion. See json_read.h. */
#include "text/json_read.h"

#include "base/check.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

struct level {
    struct toll_yaml *node, *last; /* last: its child so far */
};

struct reading {
    struct toll_json_reader *reader;
    struct toll_arena *arena;
    struct toll_error *error;
    struct level levels[TOLL_YAML_DEPTH];
    int depth;
    long nodes;
};

static int refuse(const struct reading *r, const char *what)
{
    const struct toll_json_reader *reader = r->reader;
    return toll_error_set(r->error, TOLL_EDATA, "%s:%ld:%zu: %s", reader->file, reader->line,
                          reader->at - reader->line_start + 1, what);
}

static void skip_blanks(struct toll_json_reader *reader)
{
    for (; reader->at < reader->size; reader->at++) {
        const char c = reader->data[reader->at];
        if (c == '\n') {
            reader->line++;
            reader->line_start = reader->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            break;
        }
    }
}

static char peek(const struct toll_json_reader *reader)
{
    return reader->at < reader->size ? reader->data[reader->at] : '\0';
}

/* ---- texts ---- */

static bool hex4(const struct toll_json_reader *reader, size_t at, uint32_t *out)
{
    *out = 0;
    if (at + 4 > reader->size)
        return false;
    for (size_t i = at; i < at + 4; i++) {
        const char c = reader->data[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        *out = *out << 4 | (uint32_t)digit;
    }
    return true;
}

static size_t put_utf8(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    const size_t count = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint32_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = count - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(lead[count] | code);
    return count;
}

/* One escape at the backslash; its bytes go to out (room for 4). 0: refused. */
static size_t escape(struct toll_json_reader *reader, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char c = reader->at + 1 < reader->size ? reader->data[reader->at + 1] : '\0';
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    uint32_t code, low;

    if (found != NULL) {
        out[0] = values[found - names];
        reader->at += 2;
        return 1;
    }
    if (c != 'u' || !hex4(reader, reader->at + 2, &code) || code == 0)
        return 0;
    if (code >= 0xD800 && code < 0xDC00) {
        if (reader->at + 7 >= reader->size || reader->data[reader->at + 6] != '\\' ||
            reader->data[reader->at + 7] != 'u' || !hex4(reader, reader->at + 8, &low) || low < 0xDC00 ||
            low > 0xDFFF)
            return 0;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        reader->at += 12;
    } else if (code >= 0xDC00 && code < 0xE000) {
        return 0;
    } else {
        reader->at += 6;
    }
    return put_utf8(code, out);
}

/* At the opening quote; *bytes of *text, which is terminated. */
static int read_string(struct reading *r, const char **text, size_t *bytes)
{
    struct toll_json_reader *reader = r->reader;
    size_t end = reader->at + 1;
    char *out;
    size_t used = 0;

    while (end < reader->size && reader->data[end] != '"')
        end += reader->data[end] == '\\' ? 2 : 1;
    if (end >= reader->size)
        return refuse(r, "a text without an end; was the file cut short?");
    out = toll_arena_alloc(r->arena, end - reader->at + 4); /* no escape is shorter than what it means */
    if (out == NULL)
        return toll_error_set(r->error, TOLL_ENOMEM, "%s: out of memory", reader->file);
    reader->at++;
    while (reader->data[reader->at] != '"') {
        const unsigned char c = (unsigned char)reader->data[reader->at];
        size_t count;
        if (c == '\\') {
            count = escape(reader, out + used);
            if (count == 0)
                return refuse(r, "no such escape in a text");
        } else {
            count = c < 0x20 ? 0 : toll_utf8_next(reader->data + reader->at, reader->size - reader->at, NULL);
            if (count == 0)
                return refuse(r, "a control character, or bytes that are no UTF-8, in a text");
            memcpy(out + used, reader->data + reader->at, count);
            reader->at += count;
        }
        used += count;
    }
    reader->at++;
    out[used] = '\0';
    *text = out;
    *bytes = used;
    return 0;
}

/* ---- numbers and words ---- */

static size_t digits(const struct toll_json_reader *reader, size_t at)
{
    while (at < reader->size && reader->data[at] >= '0' && reader->data[at] <= '9')
        at++;
    return at;
}

/* The end of the number at reader->at, 0 when there is none. */
static size_t number_end(const struct toll_json_reader *reader)
{
    const char *data = reader->data;
    size_t at = reader->at, from;

    at += at < reader->size && data[at] == '-';
    from = at;
    at = digits(reader, at);
    if (at == from || (data[from] == '0' && at > from + 1))
        return 0;
    if (at < reader->size && data[at] == '.') {
        from = ++at;
        at = digits(reader, at);
        if (at == from)
            return 0;
    }
    if (at < reader->size && (data[at] == 'e' || data[at] == 'E')) {
        at++;
        at += at < reader->size && (data[at] == '+' || data[at] == '-');
        from = at;
        at = digits(reader, at);
        if (at == from)
            return 0;
    }
    return at;
}

static int read_word(struct reading *r, struct toll_yaml *node)
{
    static const char *const words[] = {"true", "false", "null"};
    struct toll_json_reader *reader = r->reader;
    size_t end = 0;

    for (int i = 0; i < 3 && end == 0; i++) {
        const size_t bytes = strlen(words[i]);
        if (reader->size - reader->at >= bytes && memcmp(reader->data + reader->at, words[i], bytes) == 0)
            end = reader->at + bytes;
    }
    if (end == 0)
        end = number_end(reader);
    if (end == 0)
        return refuse(r, reader->at < reader->size ? "this is no JSON" : "the document ends too early");
    if (end - reader->at > TOLL_JSON_NUMBER_BYTES)
        return refuse(r, "a number of more than 64 characters");
    node->bytes = end - reader->at;
    node->text = toll_arena_copy(r->arena, reader->data + reader->at, node->bytes);
    reader->at = end;
    return node->text != NULL ? 0 : toll_error_set(r->error, TOLL_ENOMEM, "%s: out of memory", reader->file);
}

/* ---- the tree ---- */

static int add_node(struct reading *r, const char *key, struct toll_yaml **out)
{
    struct toll_yaml *node;

    if (r->nodes++ == TOLL_JSON_NODES)
        return refuse(r, "more than 8,000,000 values in one document; ask for fewer lines at a time");
    node = toll_arena_alloc(r->arena, sizeof(*node));
    if (node == NULL)
        return toll_error_set(r->error, TOLL_ENOMEM, "%s: out of memory", r->reader->file);
    node->key = key;
    node->text = "";
    node->line = r->reader->line;
    node->column = (long)(r->reader->at - r->reader->line_start) + 1;
    if (r->depth > 0) {
        struct level *level = &r->levels[r->depth - 1];
        if (level->last == NULL)
            level->node->child = node;
        else
            level->last->next = node;
        level->last = node;
        level->node->child_count++;
    }
    *out = node;
    return 0;
}

/* A key with its colon, within the map on top. */
static int read_key(struct reading *r, const char **key)
{
    const struct toll_yaml *map = r->levels[r->depth - 1].node;
    size_t bytes;
    int code;

    if (peek(r->reader) != '"')
        return refuse(r, "a key in quotes was expected here");
    if (map->child_count == TOLL_JSON_MEMBERS)
        return refuse(r, "more than 256 members in one map");
    code = read_string(r, key, &bytes);
    if (code != 0)
        return code;
    for (const struct toll_yaml *other = map->child; other != NULL; other = other->next)
        if (strcmp(other->key, *key) == 0)
            return refuse(r, "a key that the map has already");
    skip_blanks(r->reader);
    if (peek(r->reader) != ':')
        return refuse(r, "a colon was expected here");
    r->reader->at++;
    skip_blanks(r->reader);
    return 0;
}

/* One value; a map or list is only opened. */
static int read_value(struct reading *r, const char *key, struct toll_yaml **out)
{
    const char c = peek(r->reader);
    int code = add_node(r, key, out);

    if (code != 0)
        return code;
    if (c == '{' || c == '[') {
        if (r->depth == TOLL_YAML_DEPTH)
            return refuse(r, "nested too deep");
        (*out)->kind = c == '{' ? TOLL_YAML_MAP : TOLL_YAML_LIST;
        r->levels[r->depth++] = (struct level){.node = *out};
        r->reader->at++;
        return 0;
    }
    if (c == '"') {
        (*out)->quoted = true;
        return read_string(r, &(*out)->text, &(*out)->bytes);
    }
    return read_word(r, *out);
}

/* Within a map or list: its next value, or its end. */
static int read_within(struct reading *r)
{
    struct level *level = &r->levels[r->depth - 1];
    const bool map = level->node->kind == TOLL_YAML_MAP;
    struct toll_yaml *node;
    const char *key = NULL;
    int code = 0;

    skip_blanks(r->reader);
    if (peek(r->reader) == (map ? '}' : ']')) {
        r->reader->at++;
        r->depth--;
        return 0;
    }
    if (level->last != NULL) {
        if (peek(r->reader) != ',')
            return refuse(r, r->reader->at < r->reader->size
                                 ? "a comma or the end of the list was expected here"
                                 : "the document ends too early");
        r->reader->at++;
        skip_blanks(r->reader);
    }
    if (map)
        code = read_key(r, &key);
    return code == 0 ? read_value(r, key, &node) : code;
}

void toll_json_open(struct toll_json_reader *reader, const char *file, const char *data, size_t size)
{
    *reader = (struct toll_json_reader){.file = file, .data = data, .size = size, .line = 1};
    if (size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0) /* a mark that some programs put there */
        reader->at = reader->line_start = 3;
}

int toll_json_next(struct toll_json_reader *reader, struct toll_arena *arena, struct toll_yaml **out,
                   struct toll_error *error)
{
    struct reading r = {.reader = reader, .arena = arena, .error = error};
    int code;

    skip_blanks(reader);
    if (reader->at == reader->size)
        return 0;
    code = read_value(&r, NULL, out);
    while (code == 0 && r.depth > 0)
        code = read_within(&r);
    return code == 0 ? 1 : code;
}

bool toll_json_is_null(const struct toll_yaml *node)
{
    return node == NULL ||
           (node->kind == TOLL_YAML_SCALAR && !node->quoted && strcmp(node->text, "null") == 0);
}
