/*
 * The section `fields:` of a mapping spec: what each canonical value is made of, and which kinds of value fit
 * it.
 */
#include "ingest/limits.h"
#include "ingest/spec_read.h"

#include <string.h>

static const char *const type_names[TOLL_VALUES] = {
    "time", "seconds",         "milliseconds",   "microseconds", "minutes",
    "hms",  "end-minus-start", "money",          "integer",      "number",
    "text", "choice",          "answer-present", "value"};

#define BIT(type) (1u << (type))
#define DURATIONS                                                                            \
    (BIT(TOLL_VALUE_SECONDS) | BIT(TOLL_VALUE_MILLISECONDS) | BIT(TOLL_VALUE_MICROSECONDS) | \
     BIT(TOLL_VALUE_MINUTES) | BIT(TOLL_VALUE_HMS))
#define TEXT (BIT(TOLL_VALUE_TEXT) | BIT(TOLL_VALUE_CONSTANT))
#define CHOICE (BIT(TOLL_VALUE_CHOICE) | BIT(TOLL_VALUE_CONSTANT))

static const struct {
    const char *name;
    unsigned types;
} targets[TOLL_TARGETS] = {
    [TOLL_TO_START] = {"start", BIT(TOLL_VALUE_TIME)},
    [TOLL_TO_ANSWER] = {"answer", BIT(TOLL_VALUE_TIME)},
    [TOLL_TO_END] = {"end", BIT(TOLL_VALUE_TIME)},
    [TOLL_TO_DURATION] = {"duration", DURATIONS | BIT(TOLL_VALUE_END_MINUS_START)},
    [TOLL_TO_TOTAL] = {"total", DURATIONS},
    [TOLL_TO_CARRIER_BILLED] = {"carrier_billed", DURATIONS},
    [TOLL_TO_CALLER] = {"caller", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_CALLEE] = {"callee", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_CHARGED] = {"charged", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_LRN_CALLER] = {"lrn_caller", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_LRN_CALLEE] = {"lrn_callee", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_RING_TO] = {"ring_to", BIT(TOLL_VALUE_NUMBER)},
    [TOLL_TO_TRUNK] = {"trunk", TEXT},
    [TOLL_TO_HINT] = {"account_hint", TEXT},
    [TOLL_TO_CALLTYPE] = {"calltype", TEXT},
    [TOLL_TO_CARRIER] = {"carrier", BIT(TOLL_VALUE_TEXT)},
    [TOLL_TO_RECORD_ID] = {"record_id", BIT(TOLL_VALUE_TEXT)},
    [TOLL_TO_QUANTITY] = {"quantity", BIT(TOLL_VALUE_INTEGER)},
    [TOLL_TO_PROVIDER_CHARGE] = {"provider_charge", BIT(TOLL_VALUE_MONEY)},
    [TOLL_TO_PROVIDER_TAX] = {"provider_tax", BIT(TOLL_VALUE_MONEY)},
    [TOLL_TO_SERVICE] = {"service", CHOICE},
    [TOLL_TO_DIRECTION] = {"direction", CHOICE},
    [TOLL_TO_ANSWERED] = {"answered", CHOICE | BIT(TOLL_VALUE_ANSWER_PRESENT)},
    [TOLL_TO_LEGS] = {"legs", CHOICE},
};

static const char *const service_names[] = {"voice", "sms", "mms", "data", "event"};
static const char *const direction_names[] = {"out", "in"};
static const char *const answered_names[] = {"no", "yes"};
static const char *const legs_names[] = {"one", "both"};

const char *toll_target_name(enum toll_target target)
{
    return targets[target].name;
}

/* The canonical words of a choice target. */
static int choices_of(enum toll_target target, const char *const **names)
{
    if (target == TOLL_TO_SERVICE) {
        *names = service_names;
        return 5;
    }
    *names = target == TOLL_TO_DIRECTION  ? direction_names
             : target == TOLL_TO_ANSWERED ? answered_names
                                          : legs_names;
    return 2;
}

/* voice, out, yes, one: what an absent value means. */
static int default_of(enum toll_target target)
{
    return target == TOLL_TO_ANSWERED ? 1 : 0;
}

static int choice_index(struct spec_reader *reader, enum toll_target target, const struct toll_yaml *node,
                        bool reject_allowed)
{
    const char *const *names;
    const char *text = spec_scalar(reader, node, node->key);
    int count = choices_of(target, &names);

    if (text == NULL)
        return TOLL_CHOICE_REJECT;
    if (reject_allowed && strcmp(text, "reject") == 0)
        return TOLL_CHOICE_REJECT;
    for (int i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0)
            return i;
    }
    spec_fault(reader, node, "%s: \"%.40s\" is no %s; known are %s, %s%s%s", node->key, text,
               targets[target].name, names[0], names[1], count > 2 ? ", mms, data, event" : "",
               reject_allowed ? " and reject" : "");
    return TOLL_CHOICE_REJECT;
}

static void read_choice(struct spec_reader *reader, enum toll_target target, struct toll_yaml *map,
                        struct toll_spec_field *field)
{
    struct toll_yaml *words = toll_yaml_get(map, "map"), *node;
    const char *const *names;
    int count = choices_of(target, &names);

    field->otherwise = TOLL_CHOICE_REJECT;
    field->empty = default_of(target);
    if ((node = toll_yaml_get(map, "otherwise")) != NULL)
        field->otherwise = choice_index(reader, target, node, true);
    if ((node = toll_yaml_get(map, "empty")) != NULL)
        field->empty = choice_index(reader, target, node, true);
    if (words == NULL || words->kind != TOLL_YAML_MAP) {
        spec_fault(reader, words == NULL ? map : words,
                   "a choice needs `map:` with our words and the provider's, such "
                   "as {out: [ORIG], in: [TERM]}");
        return;
    }
    for (int i = 0; i < count; i++) {
        if ((node = toll_yaml_get(words, names[i])) != NULL)
            field->choice_words[i] = spec_words(reader, node, names[i]);
    }
}

static void read_constant(struct spec_reader *reader, enum toll_target target, const struct toll_yaml *node,
                          struct toll_spec_field *field)
{
    field->type = TOLL_VALUE_CONSTANT;
    if ((targets[target].types & BIT(TOLL_VALUE_CONSTANT)) == 0) {
        spec_fault(reader, node, "%s cannot have a constant value; give its column with `from:`",
                   targets[target].name);
        return;
    }
    if ((targets[target].types & BIT(TOLL_VALUE_TEXT)) == 0) {
        field->constant = choice_index(reader, target, node, false);
        return;
    }
    field->constant_text = spec_scalar(reader, node, "value");
    if (field->constant_text != NULL && (node->bytes == 0 || node->bytes > TOLL_INGEST_TEXT_MAX))
        spec_fault(reader, node, "value: 1 to %u bytes", TOLL_INGEST_TEXT_MAX);
}

/* How many columns a field is made of, for its type. */
static void read_from(struct spec_reader *reader, struct toll_yaml *map, struct toll_spec_field *field)
{
    struct toll_yaml *from = toll_yaml_get(map, "from");
    bool none = field->type == TOLL_VALUE_END_MINUS_START || field->type == TOLL_VALUE_ANSWER_PRESENT;

    if (none || from == NULL) {
        if (none != (from == NULL))
            spec_fault(reader, from == NULL ? map : from,
                       none ? "this type is worked out and has no `from:`"
                            : "`from:` is missing: the column's name or number");
        return;
    }
    if (from->kind == TOLL_YAML_SCALAR) {
        field->columns[0] = spec_column(reader, from);
        field->column_count = 1;
        return;
    }
    if (from->kind != TOLL_YAML_LIST || from->child_count != 2 || field->type != TOLL_VALUE_TIME) {
        spec_fault(reader, from, "`from:` is one column; only a time may come from two, [date, time]");
        return;
    }
    field->columns[0] = spec_column(reader, from->child);
    field->columns[1] = spec_column(reader, from->child->next);
    field->column_count = 2;
}

static void read_money_unit(struct spec_reader *reader, struct toll_yaml *map, struct toll_spec_field *field)
{
    struct toll_yaml *node = toll_yaml_get(map, "unit");

    field->unit = TOLL_MONEY_UNIT;
    if (node == NULL)
        return;
    if (node->kind != TOLL_YAML_SCALAR || toll_money_parse(node->text, node->bytes, &field->unit) != 0 ||
        field->unit <= 0)
        spec_fault(reader, node, "unit: write how much one of the file is worth, such as \"0.01\" for pence");
}

static void read_rules(struct spec_reader *reader, struct toll_yaml *map, struct toll_spec_field *field)
{
    struct toll_yaml *node = toll_yaml_get(map, "rules");
    const char *name = node == NULL ? NULL : spec_scalar(reader, node, "rules");

    if (node == NULL)
        spec_fault(reader, map, "a number needs `rules:`, the name of a list under `numbers:`");
    if (name == NULL)
        return;
    for (size_t i = 0; i < reader->rule_set_count; i++) {
        if (strcmp(reader->rule_sets[i].name, name) == 0)
            field->rules = &reader->rule_sets[i];
    }
    if (field->rules == NULL)
        spec_fault(reader, node, "rules: there is no list \"%.40s\" under `numbers:`", name);
}

static void read_typed(struct spec_reader *reader, enum toll_target target, struct toll_yaml *map,
                       struct toll_spec_field *field)
{
    switch (field->type) {
    case TOLL_VALUE_TIME:
        field->format_count = spec_formats(reader, map, field->formats);
        break;
    case TOLL_VALUE_MONEY:
        read_money_unit(reader, map, field);
        break;
    case TOLL_VALUE_INTEGER:
        field->unit = 1;
        toll_yaml_int(reader->file, map, "unit", 1, 1000000000, 1, &field->unit, reader->findings);
        break;
    case TOLL_VALUE_NUMBER:
        read_rules(reader, map, field);
        break;
    case TOLL_VALUE_CHOICE:
        read_choice(reader, target, map, field);
        break;
    default:
        break;
    }
}

/* After a fault that hides what the other keys mean: they are not faults of their own. */
static void pass_over(struct toll_yaml *map)
{
    for (struct toll_yaml *node = map->child; node != NULL; node = node->next) {
        node->used = true;
        pass_over(node);
    }
}

static void read_field(struct spec_reader *reader, struct toll_yaml *map)
{
    struct toll_yaml *to = toll_yaml_get(map, "to"), *value, *type;
    const char *name = to == NULL ? NULL : spec_scalar(reader, to, "to");
    struct toll_spec_field *field = NULL;
    int target = -1, kind = -1;

    if (to == NULL)
        spec_fault(reader, map, "a field needs `to:`, the canonical value that it gives");
    if (name == NULL) {
        pass_over(map);
        return;
    }
    for (int i = 0; i < TOLL_TARGETS; i++) {
        if (strcmp(name, targets[i].name) == 0)
            target = i;
    }
    if (target < 0) {
        spec_fault(reader, to, "to: \"%.40s\" is no canonical value; docs/IMPORT.md lists them", name);
        pass_over(map);
        return;
    }
    field = &reader->spec->fields[target];
    if (field->mapped) {
        spec_fault(reader, to, "to: %s is mapped twice", name);
        pass_over(map);
        return;
    }
    field->mapped = true;
    if ((value = toll_yaml_get(map, "value")) != NULL) {
        read_constant(reader, (enum toll_target)target, value, field);
        return;
    }
    if ((type = toll_yaml_get(map, "type")) == NULL || spec_scalar(reader, type, "type") == NULL) {
        if (type == NULL)
            spec_fault(reader, map, "%s needs `type:` (or `value:`)", name);
        pass_over(map);
        return;
    }
    for (int i = 0; i < TOLL_VALUE_CONSTANT; i++) {
        if (strcmp(type->text, type_names[i]) == 0)
            kind = i;
    }
    if (kind < 0 || (targets[target].types & BIT((unsigned)kind)) == 0) {
        spec_fault(reader, type, "type: \"%.40s\" does not fit %s", type->text, name);
        pass_over(map);
        return;
    }
    field->type = (enum toll_value_type)kind;
    read_from(reader, map, field);
    read_typed(reader, (enum toll_target)target, map, field);
}

/* Values that mean nothing without others. */
static void check_together(struct spec_reader *reader, const struct toll_yaml *node)
{
    const struct toll_spec_field *fields = reader->spec->fields;

    if (!fields[TOLL_TO_START].mapped)
        spec_fault(reader, node, "fields: `start` is missing");
    if (!fields[TOLL_TO_DURATION].mapped)
        spec_fault(reader, node, "fields: `duration` is missing");
    if (fields[TOLL_TO_DURATION].type == TOLL_VALUE_END_MINUS_START && !fields[TOLL_TO_END].mapped)
        spec_fault(reader, node, "fields: duration is end-minus-start, but `end` is missing");
    if (fields[TOLL_TO_ANSWERED].mapped && fields[TOLL_TO_ANSWERED].type == TOLL_VALUE_ANSWER_PRESENT &&
        !fields[TOLL_TO_ANSWER].mapped)
        spec_fault(reader, node, "fields: answered is answer-present, but `answer` is missing");
    if (reader->spec->warn_over_total && !fields[TOLL_TO_TOTAL].mapped)
        spec_fault(reader, node, "warnings: duration_over_total needs the field `total`");
}

static void set_defaults(struct toll_spec *spec)
{
    static const enum toll_target choices[] = {TOLL_TO_SERVICE, TOLL_TO_DIRECTION, TOLL_TO_ANSWERED,
                                               TOLL_TO_LEGS};

    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        struct toll_spec_field *field = &spec->fields[choices[i]];

        if (field->mapped)
            continue;
        field->type = TOLL_VALUE_CONSTANT;
        field->constant = default_of(choices[i]);
    }
}

void spec_read_fields(struct spec_reader *reader, struct toll_yaml *node)
{
    if (node == NULL || node->kind != TOLL_YAML_LIST) {
        toll_finding(reader->findings, TOLL_ERROR, reader->file, node == NULL ? 1 : node->line,
                     node == NULL ? 0 : node->column, "`fields:` is missing or no list");
        return;
    }
    for (struct toll_yaml *item = node->child; item != NULL; item = item->next) {
        if (item->kind == TOLL_YAML_MAP)
            read_field(reader, item);
        else
            spec_fault(reader, item, "a field is a map such as {to: trunk, from: TrunkGroup, type: text}");
    }
    check_together(reader, node);
    set_defaults(reader->spec);
}
