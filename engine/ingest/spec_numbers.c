/*
 * The section `numbers:` of a mapping spec: named lists of rules.
 *
 *     numbers:
 *       dialled:
 *         - none: [anonymous, withheld]
 *         - international: ["+", "011"]
 *         - national: {trunk: "0", country: "44", min: 9, max: 10}
 */
#include "ingest/spec_read.h"

#include <stdlib.h>
#include <string.h>

static const char *const rule_names[] = {"none",     "sip",  "strip", "international", "nanp",
                                         "national", "bare", "short", "extension"};

static int longer_first(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t xn = strlen(x), yn = strlen(y);

    return xn != yn ? (xn < yn) - (xn > yn) : strcmp(x, y);
}

static bool only(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

static void read_range(struct spec_reader *reader, struct toll_yaml *map, int64_t least, int64_t most,
                       struct toll_number_rule *rule)
{
    int64_t low = least, high = most;

    if (map->kind != TOLL_YAML_MAP) {
        spec_fault(reader, map, "%s: write {min: %d, max: %d}", map->key, (int)least, (int)most);
        return;
    }
    toll_yaml_int(reader->file, map, "min", least, most, least, &low, reader->findings);
    toll_yaml_int(reader->file, map, "max", least, most, most, &high, reader->findings);
    if (low > high)
        spec_fault(reader, map, "%s: min is greater than max", map->key);
    rule->low = (unsigned)low;
    rule->high = (unsigned)high;
}

static void read_international(struct spec_reader *reader, struct toll_yaml *node,
                               struct toll_number_rule *rule)
{
    struct toll_words words = spec_words(reader, node, "international");
    const char **sorted = spec_alloc(reader, (words.count + 1) * sizeof *sorted);

    if (sorted == NULL)
        return;
    for (size_t i = 0; i < words.count; i++) {
        sorted[i] = words.words[i];
        if (words.words[i][0] == '\0' || strlen(words.words[i]) > 8 || !only(words.words[i], "+0123456789*#"))
            spec_fault(reader, node,
                       "international: \"%.20s\" is no dialling prefix such as \"+\" or \"011\"",
                       words.words[i]);
    }
    qsort(sorted, words.count, sizeof *sorted, longer_first);
    rule->words = sorted;
    rule->word_count = words.count;
}

static void read_codes(struct spec_reader *reader, struct toll_yaml *node, struct toll_number_rule *rule)
{
    struct toll_words words = spec_words(reader, node, "short");

    for (size_t i = 0; i < words.count; i++) {
        if (words.words[i][0] == '\0' || strlen(words.words[i]) > TOLL_DIGITS_MAX ||
            !only(words.words[i], "0123456789*#"))
            spec_fault(reader, node, "short: \"%.20s\" is no short code such as \"911\"", words.words[i]);
    }
    if (words.count == 0)
        spec_fault(reader, node, "short: the list is empty");
    rule->words = words.words;
    rule->word_count = words.count;
}

static void read_national(struct spec_reader *reader, struct toll_yaml *node, struct toll_number_rule *rule)
{
    read_range(reader, node, 1, TOLL_E164_DIGITS_MAX, rule);
    rule->trunk = toll_yaml_text(reader->file, node, "trunk", "", reader->findings);
    rule->country = toll_yaml_text(reader->file, node, "country", "", reader->findings);
    if (node->kind != TOLL_YAML_MAP)
        return;
    if (rule->country[0] == '\0' || strlen(rule->country) > 4 || !only(rule->country, "0123456789"))
        spec_fault(reader, node, "national: country must be the digits of a country code such as \"44\"");
    if (strlen(rule->trunk) > 8 || !only(rule->trunk, "+0123456789*#"))
        spec_fault(reader, node,
                   "national: trunk must be the digits that are dialled before a national number");
}

static void read_flag(struct spec_reader *reader, struct toll_yaml *node)
{
    if (node->kind != TOLL_YAML_SCALAR || strcmp(node->text, "yes") != 0)
        spec_fault(reader, node, "%s: write yes, or leave the rule out", node->key);
}

static void read_rule(struct spec_reader *reader, struct toll_yaml *item, struct toll_number_rule *rule)
{
    struct toll_yaml *node = item->kind == TOLL_YAML_MAP ? item->child : NULL;
    int kind = -1;

    rule->trunk = rule->country = "";
    if (node == NULL || item->child_count != 1) {
        spec_fault(reader, item, "a rule is one entry such as `international: [\"+\"]`");
        if (node == NULL)
            return;
    }
    for (int i = 0; i < (int)(sizeof rule_names / sizeof rule_names[0]); i++) {
        if (strcmp(node->key, rule_names[i]) == 0)
            kind = i;
    }
    if (kind < 0)
        return; /* reported as an unknown key */
    node->used = true;
    rule->kind = (enum toll_number_rule_kind)kind;
    switch (rule->kind) {
    case TOLL_RULE_NONE_WORDS: {
        struct toll_words words = spec_words(reader, node, "none");
        rule->words = words.words;
        rule->word_count = words.count;
        break;
    }
    case TOLL_RULE_SIP:
    case TOLL_RULE_NANP:
        read_flag(reader, node);
        break;
    case TOLL_RULE_STRIP: {
        const char *text = spec_scalar(reader, node, "strip");
        rule->trunk = text == NULL ? "" : text;
        break;
    }
    case TOLL_RULE_INTERNATIONAL:
        read_international(reader, node, rule);
        break;
    case TOLL_RULE_NATIONAL:
        read_national(reader, node, rule);
        break;
    case TOLL_RULE_BARE:
        read_range(reader, node, TOLL_E164_DIGITS_MIN, TOLL_E164_DIGITS_MAX, rule);
        break;
    case TOLL_RULE_SHORT:
        if (node->kind == TOLL_YAML_LIST) {
            read_codes(reader, node, rule);
            break;
        }
        read_range(reader, node, 1, TOLL_DIGITS_MAX, rule);
        break;
    case TOLL_RULE_EXTENSION:
        read_range(reader, node, 1, TOLL_DIGITS_MAX, rule);
        break;
    }
}

static void read_rules(struct spec_reader *reader, struct toll_yaml *list, struct toll_number_rules *set)
{
    struct toll_number_rule *rules;
    size_t count = 0;

    list->used = true;
    set->name = list->key;
    if (list->kind != TOLL_YAML_LIST) {
        spec_fault(reader, list, "numbers: \"%.40s\" must be a list of rules", list->key);
        return;
    }
    rules = spec_alloc(reader, (list->child_count + 1) * sizeof *rules);
    if (rules == NULL)
        return;
    for (struct toll_yaml *item = list->child; item != NULL; item = item->next)
        read_rule(reader, item, &rules[count++]);
    set->rules = rules;
    set->count = count;
    toll_number_rules_finish(set);
}

void spec_read_numbers(struct spec_reader *reader, struct toll_yaml *node)
{
    if (node == NULL)
        return;
    if (node->kind != TOLL_YAML_MAP) {
        spec_fault(reader, node, "numbers: must be a map of names to lists of rules");
        return;
    }
    reader->rule_sets = spec_alloc(reader, (node->child_count + 1) * sizeof *reader->rule_sets);
    if (reader->rule_sets == NULL)
        return;
    for (struct toll_yaml *list = node->child; list != NULL; list = list->next)
        read_rules(reader, list, &reader->rule_sets[reader->rule_set_count++]);
}
