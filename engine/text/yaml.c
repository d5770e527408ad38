/*
 * libyaml's events to a small tree. YAML's wider features (aliases, anchors, tags, several documents) are
 * refused with their place, because a biller who meets them by accident should learn so at once. libyaml
 * cannot go on after a syntax error, so that one is always the last finding.
 */
#include "text/yaml.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct level {
    struct toll_yaml *node, *last; /* the open list or map and its last child so far */
    const char *key;               /* a map's key that waits for its value */
    long line, column;             /* of that key */
};

struct reader {
    const char *file;
    struct toll_arena *arena;
    struct toll_findings *findings;
    struct toll_yaml *root;
    size_t nodes;
    int depth; /* open levels */
    struct level levels[TOLL_YAML_DEPTH];
    bool no_memory, stop;
};

/* -- building
 * ---------------------------------------------------------------------------------------------------- */

static void report(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
    toll_finding(reader->findings, TOLL_ERROR, reader->file, (long)mark->line + 1, (long)mark->column + 1,
                 "%s", text);
}

/* Anchors and tags, which scalars, lists and maps may bear alike. */
static void refuse_properties(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor != NULL)
        report(reader, &event->start_mark,
               "anchors (&name) are not accepted; write the value where it is needed");
    if (tag != NULL)
        report(reader, &event->start_mark, "tags (!name) are not accepted; write the plain value");
}

/* True when a key is due: the open level is a map without a pending one. */
static bool wants_key(const struct reader *reader)
{
    const struct level *level = reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;

    return level != NULL && level->node->kind == TOLL_YAML_MAP && level->key == NULL;
}

/* A new node at its place in the tree; NULL without memory or over the limit (reader->stop). */
static struct toll_yaml *node_add(struct reader *reader, enum toll_yaml_kind kind, const yaml_event_t *event)
{
    struct level *level = reader->depth > 0 ? &reader->levels[reader->depth - 1] : NULL;
    struct toll_yaml *node;

    if (++reader->nodes > TOLL_YAML_NODES) {
        report(reader, &event->start_mark, "this document is too large to be a book or a manifest");
        reader->stop = true;
        return NULL;
    }
    node = toll_arena_alloc(reader->arena, sizeof(*node));
    if (node == NULL) {
        reader->no_memory = reader->stop = true;
        return NULL;
    }
    node->kind = kind;
    node->text = "";
    node->line = (long)event->start_mark.line + 1;
    node->column = (long)event->start_mark.column + 1;
    if (level == NULL) {
        reader->root = node;
        return node;
    }
    if (level->node->kind == TOLL_YAML_MAP) {
        node->key = level->key;
        node->line = level->line;
        node->column = level->column;
        level->key = NULL;
    }
    if (level->last == NULL)
        level->node->child = node;
    else
        level->last->next = node;
    level->last = node;
    level->node->child_count++;
    return node;
}

static void read_scalar(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    const size_t bytes = event->data.scalar.length;
    const bool is_key = wants_key(reader);
    struct toll_yaml *node = NULL;
    char *copy;

    refuse_properties(reader, event, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(text, 0, bytes) != NULL)
        report(reader, &event->start_mark, "a NUL character is not accepted in text");
    if (!is_key) {
        node = node_add(reader, TOLL_YAML_SCALAR, event);
        if (node == NULL)
            return;
    }
    copy = toll_arena_copy(reader->arena, text, bytes);
    if (copy == NULL) {
        reader->no_memory = reader->stop = true;
    } else if (is_key) {
        struct level *level = &reader->levels[reader->depth - 1];
        level->key = copy;
        level->line = (long)event->start_mark.line + 1;
        level->column = (long)event->start_mark.column + 1;
    } else {
        node->text = copy;
        node->bytes = bytes;
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
}

static void read_open(struct reader *reader, const yaml_event_t *event, enum toll_yaml_kind kind)
{
    struct toll_yaml *node;

    if (kind == TOLL_YAML_MAP)
        refuse_properties(reader, event, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    else
        refuse_properties(reader, event, event->data.sequence_start.anchor, event->data.sequence_start.tag);
    if (wants_key(reader)) {
        report(reader, &event->start_mark, "a list or map cannot be a key; write a plain name");
        reader->stop = true;
        return;
    }
    if (reader->depth == TOLL_YAML_DEPTH) {
        report(reader, &event->start_mark, "lists and maps are nested too deeply here");
        reader->stop = true;
        return;
    }
    node = node_add(reader, kind, event);
    if (node != NULL)
        reader->levels[reader->depth++] = (struct level){.node = node};
}

static int compare_keys(const void *a, const void *b)
{
    const struct toll_yaml *x = *(struct toll_yaml *const *)a, *y = *(struct toll_yaml *const *)b;
    const int by_key = strcmp(x->key, y->key);

    if (by_key != 0)
        return by_key;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

/* A finished map's keys, sorted, so that also a huge one is checked in reasonable time. */
static void refuse_duplicates(struct reader *reader, const struct toll_yaml *map)
{
    struct toll_yaml **nodes;
    size_t count = 0;

    if (map->child_count < 2)
        return;
    nodes = malloc(map->child_count * sizeof(struct toll_yaml *));
    if (nodes == NULL) {
        reader->no_memory = reader->stop = true;
        return;
    }
    for (struct toll_yaml *node = map->child; node != NULL; node = node->next)
        nodes[count++] = node;
    qsort(nodes, count, sizeof(struct toll_yaml *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(nodes[i]->key, nodes[i - 1]->key) == 0)
            toll_finding(reader->findings, TOLL_ERROR, reader->file, nodes[i]->line, nodes[i]->column,
                         "the key \"%.100s\" is here twice; the first is on line %ld", nodes[i]->key,
                         nodes[i - 1]->line);
    }
    free(nodes);
}

static void read_alias(struct reader *reader, const yaml_event_t *event)
{
    report(reader, &event->start_mark,
           "aliases (*name) are not accepted; write the value where it is needed");
    if (wants_key(reader)) {
        struct level *level = &reader->levels[reader->depth - 1];
        level->key = "";
        level->line = (long)event->start_mark.line + 1;
        level->column = (long)event->start_mark.column + 1;
    } else {
        node_add(reader, TOLL_YAML_SCALAR, event);
    }
}

static void read_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reader->root != NULL) {
            report(reader, &event->start_mark, "a second document begins here; a file holds one");
            reader->stop = true;
        }
        break;
    case YAML_ALIAS_EVENT:
        read_alias(reader, event);
        break;
    case YAML_SCALAR_EVENT:
        read_scalar(reader, event);
        break;
    case YAML_SEQUENCE_START_EVENT:
        read_open(reader, event, TOLL_YAML_LIST);
        break;
    case YAML_MAPPING_START_EVENT:
        read_open(reader, event, TOLL_YAML_MAP);
        break;
    case YAML_MAPPING_END_EVENT:
        refuse_duplicates(reader, reader->levels[reader->depth - 1].node);
        reader->depth--;
        break;
    case YAML_SEQUENCE_END_EVENT:
        reader->depth--;
        break;
    case YAML_STREAM_END_EVENT:
        reader->stop = true;
        break;
    default:
        break;
    }
}

/* libyaml's own words, at the best place it knows. */
static void report_syntax(struct reader *reader, const yaml_parser_t *parser, const char *data, size_t size)
{
    const char *problem = parser->problem != NULL ? parser->problem : "this is no YAML";

    if (parser->error == YAML_MEMORY_ERROR) {
        reader->no_memory = true;
    } else if (parser->error == YAML_READER_ERROR) {
        /* The reader runs ahead of the parser's mark and knows a byte offset only. */
        long line = 1, column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < size; i++) {
            column += (data[i] & 0xC0) != 0x80;
            if (data[i] == '\n') {
                line++;
                column = 1;
            }
        }
        toll_finding(reader->findings, TOLL_ERROR, reader->file, line, column, "%s; write plain UTF-8 text",
                     problem);
    } else if (parser->context != NULL) {
        toll_finding(reader->findings, TOLL_ERROR, reader->file, (long)parser->problem_mark.line + 1,
                     (long)parser->problem_mark.column + 1, "%s %s that began on line %ld", problem,
                     parser->context, (long)parser->context_mark.line + 1);
    } else {
        report(reader, &parser->problem_mark, problem);
    }
}

int toll_yaml_parse(const char *file, const char *data, size_t size, struct toll_arena *arena,
                    struct toll_findings *findings, struct toll_yaml **out, struct toll_error *error)
{
    struct reader reader = {.file = file, .arena = arena, .findings = findings};
    const size_t errors = findings->errors;
    yaml_parser_t parser;
    yaml_event_t event;

    *out = NULL;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    if (!yaml_parser_initialize(&parser))
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
    while (!reader.stop) {
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(&reader, &parser, data, size);
            break;
        }
        read_event(&reader, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (reader.no_memory)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", file);
    if (reader.root == NULL && findings->errors == errors)
        toll_finding(findings, TOLL_ERROR, file, 1, 0, "the file is empty");
    if (findings->errors != errors)
        return toll_error_set(error, TOLL_EBOOK, "%s: %zu error(s); see the findings", file,
                              findings->errors - errors);
    *out = reader.root;
    return 0;
}

/* -- reading
 * ----------------------------------------------------------------------------------------------------- */

struct toll_yaml *toll_yaml_get(struct toll_yaml *map, const char *key)
{
    if (map == NULL || map->kind != TOLL_YAML_MAP)
        return NULL;
    for (struct toll_yaml *node = map->child; node != NULL; node = node->next) {
        if (strcmp(node->key, key) == 0) {
            node->used = true;
            return node;
        }
    }
    return NULL;
}

/* The scalar under a key; NULL when absent, or after a finding (then *bad). */
static const struct toll_yaml *get_scalar(const char *file, struct toll_yaml *map, const char *key, bool *bad,
                                          struct toll_findings *findings)
{
    const struct toll_yaml *node = toll_yaml_get(map, key);

    *bad = node != NULL && node->kind != TOLL_YAML_SCALAR;
    if (!*bad)
        return node;
    toll_finding(findings, TOLL_ERROR, file, node->line, node->column, "%s: this is a %s; write one value",
                 key, node->kind == TOLL_YAML_LIST ? "list" : "map");
    return NULL;
}

const char *toll_yaml_text(const char *file, struct toll_yaml *map, const char *key, const char *otherwise,
                           struct toll_findings *findings)
{
    bool bad;
    const struct toll_yaml *node = get_scalar(file, map, key, &bad, findings);

    return node == NULL ? otherwise : node->text;
}

/* -?(0|[1-9][0-9]*) and not -0. False also beyond int64. */
static bool parse_int(const char *text, size_t bytes, int64_t *out)
{
    const bool negative = bytes > 0 && text[0] == '-';
    const size_t first = negative;
    int64_t value = 0; /* kept negative: INT64_MIN has no positive twin */

    if (bytes == first || (text[first] == '0' && bytes > 1))
        return false;
    for (size_t i = first; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (negative)
        *out = value;
    else if (value == INT64_MIN)
        return false;
    else
        *out = -value;
    return true;
}

bool toll_yaml_int(const char *file, struct toll_yaml *map, const char *key, int64_t low, int64_t high,
                   int64_t otherwise, int64_t *out, struct toll_findings *findings)
{
    bool bad;
    const struct toll_yaml *node = get_scalar(file, map, key, &bad, findings);
    int64_t value;

    if (bad)
        return false;
    if (node == NULL) {
        *out = otherwise;
        return true;
    }
    if (!parse_int(node->text, node->bytes, &value) || value < low || value > high) {
        toll_finding(findings, TOLL_ERROR, file, node->line, node->column,
                     "%s: \"%.60s\" is not a whole number from %" PRId64 " to %" PRId64, key, node->text, low,
                     high);
        return false;
    }
    *out = value;
    return true;
}

bool toll_yaml_bool(const char *file, struct toll_yaml *map, const char *key, bool otherwise, bool *out,
                    struct toll_findings *findings)
{
    static const char *const names[] = {"no", "yes", "false", "true"};
    int choice;

    if (!toll_yaml_choice(file, map, key, names, 4, otherwise, &choice, findings))
        return false;
    *out = (choice & 1) != 0;
    return true;
}

bool toll_yaml_choice(const char *file, struct toll_yaml *map, const char *key, const char *const *names,
                      int count, int otherwise, int *out, struct toll_findings *findings)
{
    bool bad;
    const struct toll_yaml *node = get_scalar(file, map, key, &bad, findings);
    char list[400] = "";
    size_t bytes = 0;

    if (bad)
        return false;
    if (node == NULL) {
        *out = otherwise;
        return true;
    }
    for (int i = 0; i < count; i++) {
        if (strcmp(node->text, names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    for (int i = 0; i < count && bytes < sizeof(list); i++)
        bytes += (size_t)snprintf(list + bytes, sizeof(list) - bytes, "%s%s", i > 0 ? ", " : "", names[i]);
    toll_finding(findings, TOLL_ERROR, file, node->line, node->column, "%s: \"%.60s\" is none of %s", key,
                 node->text, list);
    return false;
}

/* Recursion is bounded by TOLL_YAML_DEPTH. */
void toll_yaml_report_unused(const char *file, const struct toll_yaml *root, struct toll_findings *findings)
{
    if (root == NULL)
        return;
    for (const struct toll_yaml *node = root->child; node != NULL; node = node->next) {
        if (root->kind == TOLL_YAML_MAP && !node->used)
            toll_finding(findings, TOLL_ERROR, file, node->line, node->column,
                         "the key \"%.100s\" is unknown here; check its spelling or remove it", node->key);
        else
            toll_yaml_report_unused(file, node, findings);
    }
}
