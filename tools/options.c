/*
 * The option parser and the help printer. See options.h.
 */
#include "options.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const cmd_io_choices[] = {"auto", "mmap", "pread", "io_uring", NULL};
const char *const cmd_simd_choices[] = {"auto", "scalar", "avx2", "avx512", NULL};

#define OPTIONS_MOST 40 /* of one verb, the common ones included */

static const char *const progress_choices[] = {"auto", "tty", "plain", "off", NULL};

/* The verb's table with the common options behind it. */
struct table {
    struct cmd_option options[OPTIONS_MOST];
    bool seen[OPTIONS_MOST];
    size_t count;
    bool help;
};

static void table_make(struct table *table, struct cmd *cmd, const struct cmd_usage *usage)
{
    memset(table, 0, sizeof *table);
    const struct cmd_option common[] = {
        {.kind = CMD_FLAG, .name = "json", .help = "one JSON document on stdout", .target = &cmd->json},
        {.kind = CMD_FLAG, .name = "quiet", .letter = 'q', .help = "errors only", .target = &cmd->quiet},
        {.kind = CMD_CHOICE,
         .name = "progress",
         .value = "auto|tty|plain|off",
         .help = "progress on stderr; auto: on a terminal, after 2 s",
         .target = &cmd->progress_as,
         .choices = progress_choices},
        {.kind = CMD_FLAG, .name = "help", .letter = 'h', .help = "this text", .target = &table->help},
    };
    for (size_t i = 0; i < usage->option_count; i++)
        table->options[table->count++] = usage->options[i];
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        table->options[table->count++] = common[i];
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two words: letters added, left out, changed, or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 32 };
    size_t rows[3][MOST + 1];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > MOST || b_length > MOST)
        return MOST;
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = smaller(changed, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smaller(row[j], higher[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *cmd_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 3;
    size_t length = strlen(word);
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, candidates[i]);
        if (length >= 3 && strncmp(word, candidates[i], length) == 0)
            d = 1;
        if (d < best_distance && d < strlen(candidates[i])) {
            best_distance = d;
            best = candidates[i];
        }
    }
    return best;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Reads "YYYY-MM" or "YYYY-MM-DD"; false when it is not exactly that. */
static bool is_date(const char *text, bool with_day)
{
    size_t length = with_day ? 10 : 7;
    if (strlen(text) != length)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : (text[i] < '0' || text[i] > '9'))
            return false;
    }
    int year = atoi(text), month = atoi(text + 5);
    if (year < 1970 || month < 1 || month > 12)
        return false;
    int day = with_day ? atoi(text + 8) : 1;
    return day >= 1 && day <= days_in_month(year, month);
}

bool cmd_is_day(const char *text)
{
    return is_date(text, true);
}

static bool read_number(const char *text, const struct cmd_option *option, int64_t *value)
{
    char *end;
    if (!((text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9')))
        return false;
    long long number = strtoll(text, &end, 10);
    int64_t factor = 1;
    int steps = *end == 'k' || *end == 'K'   ? 1
                : *end == 'M' || *end == 'm' ? 2
                : *end == 'G' || *end == 'g' ? 3
                                             : 0;
    bool binary = steps > 0 && end[1] == 'i' && end[2] == 'B';
    for (int i = 0; i < steps; i++)
        factor *= binary ? 1024 : 1000;
    end += steps == 0 ? 0 : binary ? 3 : 1;
    int64_t product;
    if (*end != '\0' || __builtin_mul_overflow((int64_t)number, factor, &product))
        return false;
    *value = product;
    return product >= option->minimum && product <= option->maximum;
}

static int see_help(struct cmd *cmd)
{
    fprintf(stderr, "See: tollmill %s --help\n", cmd->verb);
    return CMD_USAGE;
}

static int set_value(struct cmd *cmd, const struct cmd_option *option, const char *text, int place)
{
    switch (option->kind) {
    case CMD_FLAG:
        *(bool *)option->target = true;
        return CMD_GO;
    case CMD_TEXT:
        if (text[0] == '\0') {
            cmd_error(cmd, "--%s needs a value; it is empty", option->name);
            return see_help(cmd);
        }
        *(const char **)option->target = text;
        return CMD_GO;
    case CMD_LIST: {
        struct cmd_list *list = option->target;
        if (text[0] == '\0') {
            cmd_error(cmd, "--%s needs a value; it is empty", option->name);
            return see_help(cmd);
        }
        list->texts[list->count] = text;
        list->places[list->count++] = place;
        return CMD_GO;
    }
    case CMD_NUMBER:
        if (!read_number(text, option, option->target)) {
            cmd_error(cmd, "--%s is a whole number from %lld to %lld, not \"%s\"", option->name,
                      (long long)option->minimum, (long long)option->maximum, text);
            return see_help(cmd);
        }
        return CMD_GO;
    case CMD_DAY:
    case CMD_MONTH:
        if (!is_date(text, option->kind == CMD_DAY)) {
            cmd_error(cmd, "--%s is a %s, not \"%s\"", option->name,
                      option->kind == CMD_DAY ? "day like 2026-03-01" : "month like 2026-03", text);
            return see_help(cmd);
        }
        *(const char **)option->target = text;
        return CMD_GO;
    case CMD_CHOICE:
        for (int i = 0; option->choices[i]; i++) {
            if (strcmp(text, option->choices[i]) == 0) {
                *(int *)option->target = i;
                return CMD_GO;
            }
        }
        cmd_error(cmd, "--%s is one of %s, not \"%s\"", option->name, option->value, text);
        return see_help(cmd);
    }
    return CMD_BUG;
}

static int unknown_option(struct cmd *cmd, const struct table *table, const char *name, size_t length)
{
    char word[64];
    const char *names[OPTIONS_MOST];
    snprintf(word, sizeof word, "%.*s", (int)smaller(length, sizeof word - 1), name);
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->options[i].name;
    const char *near = cmd_nearest(word, names, table->count);
    if (near)
        cmd_error(cmd, "there is no option --%s; did you mean --%s?", word, near);
    else
        cmd_error(cmd, "there is no option --%s", word);
    return see_help(cmd);
}

/* Takes the option at argv[*index], with its value from there or from the next word. */
static int take_option(struct cmd *cmd, struct table *table, int argc, char **argv, int *index)
{
    const char *word = argv[*index];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t length = is_long ? strcspn(name, "=") : 1;
    size_t at = 0;
    while (at < table->count) {
        const struct cmd_option *option = &table->options[at];
        if (is_long ? strncmp(option->name, name, length) == 0 && option->name[length] == '\0'
                    : option->letter == name[0])
            break;
        at++;
    }
    if (at == table->count) {
        if (is_long)
            return unknown_option(cmd, table, name, length);
        cmd_error(cmd, "there is no option -%c", name[0]);
        return see_help(cmd);
    }
    const struct cmd_option *option = &table->options[at];
    const int place = *index;
    if (table->seen[at] && option->kind != CMD_LIST) {
        cmd_error(cmd, "--%s is given twice", option->name);
        return see_help(cmd);
    }
    table->seen[at] = true;
    const char *attached = NULL;
    if (name[length] != '\0')
        attached = is_long ? name + length + 1 : name + 1;
    if (option->kind == CMD_FLAG) {
        if (attached) {
            cmd_error(cmd, "--%s takes no value", option->name);
            return see_help(cmd);
        }
        return set_value(cmd, option, NULL, place);
    }
    if (!attached && *index + 1 < argc && strncmp(argv[*index + 1], "--", 2) != 0)
        attached = argv[++*index];
    if (!attached) {
        cmd_error(cmd, "--%s needs a value: %s", option->name, option->value);
        return see_help(cmd);
    }
    return set_value(cmd, option, attached, place);
}

/* "-o, --output FILE"; false when there is no room. */
static void option_title(const struct cmd_option *option, char *text, size_t room)
{
    char letter[8] = "    ";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(text, room, "  %s--%s%s%s", letter, option->name, option->value ? " " : "",
             option->value ? option->value : "");
}

static void print_help(struct cmd *cmd, const struct cmd_usage *usage, const struct table *table)
{
    struct cmd_output *out = &cmd->out;
    char title[96];
    size_t width = 0;
    for (size_t i = 0; i < table->count; i++) {
        option_title(&table->options[i], title, sizeof title);
        if (strlen(title) > width && strlen(title) <= 32)
            width = strlen(title);
    }
    cmd_put_format(out, "Examples:\n%s\nUsage: tollmill %s", usage->examples, cmd->verb);
    for (size_t i = 0; i < table->count; i++)
        if (table->options[i].required && table->options[i].letter)
            cmd_put_format(out, " -%c %s", table->options[i].letter, table->options[i].value);
        else if (table->options[i].required)
            cmd_put_format(out, " --%s%s%s", table->options[i].name, table->options[i].value ? " " : "",
                           table->options[i].value ? table->options[i].value : "");
    cmd_put_format(out, " [OPTION]...%s%s\n\n%s\n\nOptions:\n", usage->operands[0] ? " " : "",
                   usage->operands, usage->about);
    for (size_t i = 0; i < table->count; i++) {
        option_title(&table->options[i], title, sizeof title);
        if (strlen(title) > width)
            cmd_put_format(out, "%s\n%*s  %s\n", title, (int)width, "", table->options[i].help);
        else
            cmd_put_format(out, "%-*s  %s\n", (int)width, title, table->options[i].help);
    }
    if (usage->notes)
        cmd_put_format(out, "\n%s\n", usage->notes);
    cmd_put_text(
        out, "\nExit: 0 ok, 1 done but with findings, 2 usage, 65 bad data, 66 missing input, 70 our fault,\n"
             "      71 no memory, 73 cannot create, 74 input/output, 75 locked, 78 bad book or spec.\n");
}

static int check_complete(struct cmd *cmd, const struct cmd_usage *usage, const struct table *table,
                          int operands)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cmd_option *option = &table->options[i];
        if (option->required && !table->seen[i]) {
            char title[96];
            option_title(option, title, sizeof title);
            cmd_error(cmd, "%s is missing: %s", title + strspn(title, " "), option->help);
            return see_help(cmd);
        }
    }
    if (operands < usage->operands_min) {
        cmd_error(cmd, "%s is missing", usage->operands);
        return see_help(cmd);
    }
    return CMD_GO;
}

int cmd_parse(struct cmd *cmd, const struct cmd_usage *usage, int argc, char **argv, int *operand_count)
{
    struct table table;
    table_make(&table, cmd, usage);
    int operands = 0;
    bool options_over = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
        } else if (!options_over && word[0] == '-' && word[1] != '\0') {
            int code = take_option(cmd, &table, argc, argv, &i);
            if (code != CMD_GO)
                return code;
        } else if (word[0] == '\0') {
            cmd_error(cmd, "a word is empty where %s is meant", usage->operands);
            return see_help(cmd);
        } else if (operands == usage->operands_max) {
            cmd_error(cmd, "\"%s\" is one word too many", word);
            return see_help(cmd);
        } else {
            if (usage->operand_places)
                usage->operand_places[operands] = i;
            argv[++operands] = word;
        }
    }
    if (table.help) {
        print_help(cmd, usage, &table);
        return CMD_OK;
    }
    *operand_count = operands;
    return check_complete(cmd, usage, &table, operands);
}
