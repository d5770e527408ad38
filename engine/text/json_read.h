/*
 * JSON of others, strictly as RFC 8259 has it, as the same small tree as YAML's (text/yaml.h), so that one
 * set of helpers reads both. Several documents may stand one behind the other; each call reads one.
 *
 * Numbers stay text: whoever wants a value reads it exactly. Refused with line and column: anything that is
 * no JSON, bytes that are no UTF-8, U+0000 in a text, a key twice in a map, nesting over TOLL_YAML_DEPTH,
 * more members or nodes than below. `quoted` tells a string from a number, true, false or null.
 */
#ifndef TOLL_TEXT_JSON_READ_H
#define TOLL_TEXT_JSON_READ_H

#include "base/arena.h"
#include "base/error.h"
#include "text/yaml.h"

/* A response to 10,000 lines with 16 taxes of 17 members each has 3 million nodes; a tree of 8 million takes
 * less than a gigabyte. */
#define TOLL_JSON_NODES 8000000
#define TOLL_JSON_MEMBERS 256 /* of one map: keys are compared with each other */
#define TOLL_JSON_NUMBER_BYTES 64

struct toll_json_reader {
    const char *file; /* for messages */
    const char *data;
    size_t size;
    size_t at; /* where the next document is looked for; 0 to start */
    long line;
    size_t line_start;
};

void toll_json_open(struct toll_json_reader *reader, const char *file, const char *data, size_t size);
/* The next document: 1 and *out, whose tree lives in the arena; 0 at the end; TOLL_EDATA or TOLL_ENOMEM. */
int toll_json_next(struct toll_json_reader *reader, struct toll_arena *arena, struct toll_yaml **out,
                   struct toll_error *error);

/* Is the node a map, a list, a string? Of NULL: no. Is it null, or not there? */
static inline bool toll_json_is_map(const struct toll_yaml *node)
{
    return node != NULL && node->kind == TOLL_YAML_MAP;
}
static inline bool toll_json_is_list(const struct toll_yaml *node)
{
    return node != NULL && node->kind == TOLL_YAML_LIST;
}
bool toll_json_is_null(const struct toll_yaml *node);

#endif
