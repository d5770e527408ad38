/*
 * YAML as one small tree with positions, through libyaml's events (the only file that knows libyaml).
 *
 * Accepted: one document of maps, lists and scalars. Errors, all listed: aliases and anchors, tags, duplicate
 * keys, a second document, nesting over TOLL_YAML_DEPTH, over TOLL_YAML_NODES nodes. Scalars are strings:
 * nothing is guessed to be a number or a yes. JSON as our own writer writes it is read too (manifests).
 */
#ifndef TOLL_TEXT_YAML_H
#define TOLL_TEXT_YAML_H

#include "base/arena.h"
#include "base/error.h"
#include "base/money.h"

#define TOLL_YAML_DEPTH 32
#define TOLL_YAML_NODES 4000000

enum toll_yaml_kind { TOLL_YAML_SCALAR, TOLL_YAML_LIST, TOLL_YAML_MAP };

struct toll_yaml {
    enum toll_yaml_kind kind;
    const char *key;  /* its key in the parent map, or NULL */
    const char *text; /* scalar: terminated; "" for an empty one */
    size_t bytes;
    bool quoted;
    long line, column; /* 1-based; of the key if it has one */
    struct toll_yaml *child, *next;
    size_t child_count;
    bool used; /* for toll_yaml_report_unused */
};

/* The tree lives in the arena. TOLL_EBOOK (findings hold every place) when anything is wrong. */
int toll_yaml_parse(const char *file, const char *data, size_t size, struct toll_arena *arena,
                    struct toll_findings *findings, struct toll_yaml **out, struct toll_error *error);

/* The value under a key, marked as used; NULL when absent (or node is NULL or no map). */
struct toll_yaml *toll_yaml_get(struct toll_yaml *map, const char *key);
/* A scalar's text, or `otherwise`. A list or map there is a finding. */
const char *toll_yaml_text(const char *file, struct toll_yaml *map, const char *key, const char *otherwise,
                           struct toll_findings *findings);
/* A decimal integer without leading zeros or sign tricks. */
bool toll_yaml_int(const char *file, struct toll_yaml *map, const char *key, int64_t low, int64_t high,
                   int64_t otherwise, int64_t *out, struct toll_findings *findings);
/* "yes"/"no"/"true"/"false". */
bool toll_yaml_bool(const char *file, struct toll_yaml *map, const char *key, bool otherwise, bool *out,
                    struct toll_findings *findings);
/* One of names[0..count). */
bool toll_yaml_choice(const char *file, struct toll_yaml *map, const char *key, const char *const *names,
                      int count, int otherwise, int *out, struct toll_findings *findings);
/* An error finding for every map entry nobody asked for, in the whole tree (what lies below such an entry is
 * not told again). */
void toll_yaml_report_unused(const char *file, const struct toll_yaml *root, struct toll_findings *findings);

#endif
