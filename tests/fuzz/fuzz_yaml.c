/*
 * The YAML reader: a tree keeps what the header promises (depth, positions, one entry for a key), and the
 * typed readers work on every map of it.
 */
#include "fuzz.h"
#include "text/yaml.h"

static void check_map(struct toll_yaml *map, struct toll_findings *findings)
{
    static const char *const names[] = {"half_up", "up"};
    int64_t integer;
    int choice;
    bool yes;
    for (struct toll_yaml *child = map->child; child != NULL; child = child->next) {
        TOLL_ASSERT(child->key != NULL && toll_yaml_get(map, child->key) == child);
        if (toll_yaml_int("f.yaml", map, child->key, -9, 99, 0, &integer, findings))
            TOLL_ASSERT(integer >= -9 && integer <= 99);
        toll_yaml_bool("f.yaml", map, child->key, true, &yes, findings);
        if (toll_yaml_choice("f.yaml", map, child->key, names, 2, 1, &choice, findings))
            TOLL_ASSERT(choice == 0 || choice == 1);
        toll_yaml_text("f.yaml", map, child->key, NULL, findings);
    }
}

static void check_node(struct toll_yaml *node, int depth, struct toll_findings *findings)
{
    size_t count = 0;
    TOLL_ASSERT(depth <= TOLL_YAML_DEPTH && node->line > 0 && node->column > 0);
    if (node->kind == TOLL_YAML_SCALAR) {
        TOLL_ASSERT(node->text[node->bytes] == 0 && node->child == NULL);
        return;
    }
    for (struct toll_yaml *child = node->child; child != NULL; child = child->next, count++) {
        TOLL_ASSERT(node->kind == TOLL_YAML_MAP || child->key == NULL);
        check_node(child, depth + 1, findings);
    }
    TOLL_ASSERT(count == node->child_count);
    if (node->kind == TOLL_YAML_MAP)
        check_map(node, findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_findings told = {0, 0};
    const struct toll_reporter reporter = {fuzz_report, &told};
    struct toll_arena arena = {0};
    struct toll_findings findings;
    struct toll_error error;
    struct toll_yaml *root;
    toll_findings_init(&findings, &reporter);
    const int code = toll_yaml_parse("f.yaml", (const char *)data, size, &arena, &findings, &root, &error);
    if (code == 0) {
        TOLL_ASSERT(told.errors == 0);
        toll_yaml_report_unused("f.yaml", root, &findings);
        check_node(root, 0, &findings);
        const size_t before = told.errors;
        toll_yaml_report_unused("f.yaml", root, &findings);
        TOLL_ASSERT(told.errors == before || root->kind == TOLL_YAML_LIST || root->child_count == 0);
    } else {
        TOLL_ASSERT(code == TOLL_EBOOK && told.errors > 0);
        fuzz_check_error(code, &error);
    }
    toll_arena_free(&arena);
    return 0;
}
