/*
 * Manifests are written by the JSON writer and read by the YAML reader: every tree that can be read is
 * written, in both layouts, and must come back the same.
 */
#include "fuzz.h"
#include "text/json.h"
#include "text/yaml.h"

/* libyaml, which reads JSON back, takes keys of up to 1,024 bytes, and an escape may have six for one.
 * Manifests have keys of a few letters. */
#define KEY_MOST 160

static bool keys_fit(const struct toll_yaml *node)
{
    if (node->key != NULL && strlen(node->key) > KEY_MOST)
        return false;
    for (const struct toll_yaml *child = node->child; child != NULL; child = child->next)
        if (!keys_fit(child))
            return false;
    return true;
}

static void write_node(struct toll_json *json, const struct toll_yaml *node)
{
    if (node->kind == TOLL_YAML_SCALAR) {
        toll_json_string_n(json, node->key, node->text, node->bytes);
        return;
    }
    if (node->kind == TOLL_YAML_MAP)
        toll_json_open_map(json, node->key);
    else
        toll_json_open_list(json, node->key);
    for (const struct toll_yaml *child = node->child; child != NULL; child = child->next)
        write_node(json, child);
    if (node->kind == TOLL_YAML_MAP)
        toll_json_close_map(json);
    else
        toll_json_close_list(json);
}

static void check_same(const struct toll_yaml *a, const struct toll_yaml *b)
{
    TOLL_ASSERT(a->kind == b->kind && a->child_count == b->child_count);
    TOLL_ASSERT((a->key == NULL) == (b->key == NULL) && (a->key == NULL || strcmp(a->key, b->key) == 0));
    if (a->kind == TOLL_YAML_SCALAR)
        TOLL_ASSERT(a->bytes == b->bytes && memcmp(a->text, b->text, a->bytes) == 0);
    for (a = a->child, b = b->child; a != NULL; a = a->next, b = b->next)
        check_same(a, b);
}

static void check_tree(const struct toll_yaml *tree, bool compact)
{
    struct toll_arena arena = {0};
    struct toll_findings findings;
    struct toll_error error = {0};
    struct toll_yaml *again;
    struct toll_json json;
    toll_json_init(&json);
    json.compact = compact;
    write_node(&json, tree);
    TOLL_ASSERT(toll_json_finish(&json));
    toll_findings_init(&findings, NULL);
    if (toll_yaml_parse("j.json", json.text, json.bytes, &arena, &findings, &again, &error) != 0)
        toll_check_failed(__FILE__, __LINE__, error.text);
    check_same(tree, again);
    toll_arena_free(&arena);
    toll_json_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_arena arena = {0};
    struct toll_findings findings;
    struct toll_yaml *tree;
    toll_findings_init(&findings, NULL);
    if (toll_yaml_parse("j.json", (const char *)data, size, &arena, &findings, &tree, NULL) == 0 &&
        tree->kind != TOLL_YAML_SCALAR && keys_fit(tree)) {
        check_tree(tree, false);
        check_tree(tree, true);
    }
    toll_arena_free(&arena);
    return 0;
}
