/*
 * The reader of other programs' JSON: what it takes it keeps as the header says, and what the JSON writer
 * makes of the tree is read as the same tree.
 */
#include "fuzz.h"
#include "text/json.h"
#include "text/json_read.h"

static void write_node(struct toll_json *json, const struct toll_yaml *node)
{
    if (node->kind == TOLL_YAML_SCALAR) {
        TOLL_ASSERT(strlen(node->text) == node->bytes && node->child == NULL);
        TOLL_ASSERT(node->quoted || (node->bytes > 0 && node->bytes <= TOLL_JSON_NUMBER_BYTES));
        toll_json_string_n(json, node->key, node->text, node->bytes);
        return;
    }
    if (node->kind == TOLL_YAML_MAP)
        toll_json_open_map(json, node->key);
    else
        toll_json_open_list(json, node->key);
    size_t count = 0;
    for (const struct toll_yaml *child = node->child; child != NULL; child = child->next, count++) {
        TOLL_ASSERT((child->key != NULL) == (node->kind == TOLL_YAML_MAP));
        write_node(json, child);
    }
    TOLL_ASSERT(count == node->child_count);
    if (node->kind == TOLL_YAML_MAP)
        toll_json_close_map(json);
    else
        toll_json_close_list(json);
}

static bool same(const struct toll_yaml *a, const struct toll_yaml *b)
{
    if (a->kind != b->kind || a->child_count != b->child_count || (a->key != NULL) != (b->key != NULL))
        return false;
    if ((a->key != NULL && strcmp(a->key, b->key) != 0) || strcmp(a->text, b->text) != 0)
        return false;
    const struct toll_yaml *x = a->child, *y = b->child;
    for (; x != NULL; x = x->next, y = y->next)
        if (!same(x, y))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size);
    struct toll_json_reader reader, again;
    struct toll_arena arena = {0};
    struct toll_error error;
    struct toll_yaml *root, *other;
    int code;

    toll_json_open(&reader, "f.json", copy, size);
    while ((code = toll_json_next(&reader, &arena, &root, &error)) == 1) {
        struct toll_json json;
        toll_json_init(&json);
        json.compact = true;
        write_node(&json, root);
        TOLL_ASSERT(toll_json_finish(&json));
        toll_json_open(&again, "g.json", json.text, json.bytes);
        TOLL_ASSERT(toll_json_next(&again, &arena, &other, &error) == 1 && same(root, other));
        TOLL_ASSERT(toll_json_next(&again, &arena, &other, &error) == 0);
        toll_json_free(&json);
    }
    if (code < 0) {
        TOLL_ASSERT(code == TOLL_EDATA);
        fuzz_check_error(code, &error);
    }
    toll_arena_free(&arena);
    free(copy);
    return 0;
}
