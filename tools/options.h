/*
 * The option parser: one table per verb, from which the parser works and the help is printed.
 *
 * Options and operands come in any order: --name VALUE, --name=VALUE, -o VALUE, -oVALUE; -- ends the options.
 * Anything unknown is a usage error (exit 2) with a suggestion.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "command.h"

enum cmd_option_kind {
    CMD_FLAG,   /* target: bool */
    CMD_TEXT,   /* target: const char *, not empty */
    CMD_NUMBER, /* target: int64_t, within minimum..maximum; k, M, G times 1000; KiB, MiB, GiB times 1024 */
    CMD_DAY,    /* target: const char *, a date that exists, YYYY-MM-DD */
    CMD_MONTH,  /* target: const char *, YYYY-MM */
    CMD_CHOICE, /* target: int, the index into choices */
    CMD_LIST,   /* target: struct cmd_list; may be given several times */
};

/* What an option that may be given several times was given, and where: words of the command line, so that
 * one option can be for what follows it. The arrays are the caller's, with room for argc of each. */
struct cmd_list {
    const char **texts;
    int *places; /* ascending */
    int count;
};

struct cmd_option {
    enum cmd_option_kind kind;
    const char *name; /* without the dashes */
    char letter;      /* one-letter form, or 0 */
    const char *value;
    const char *help;
    void *target;
    int64_t minimum, maximum;
    const char *const *choices; /* NULL at the end */
    bool required;
};

struct cmd_usage {
    const char *about;    /* one or two sentences */
    const char *examples; /* lines, indented by two */
    const char *operands; /* "RUN DAY:ROW" */
    int operands_min, operands_max;
    const struct cmd_option *options;
    size_t option_count;
    const char *notes;   /* after the options, or NULL */
    int *operand_places; /* NULL, or room for argc: where each operand stood, as in struct cmd_list */
};

#define CMD_GO (-1)

/* Returns CMD_GO, or the exit code to end with (help was printed, or the error was told). The operands are
 * moved to the front of argv, after argv[0]; their number goes to *operand_count. */
int cmd_parse(struct cmd *cmd, const struct cmd_usage *usage, int argc, char **argv, int *operand_count);

/* The candidate nearest to a mistyped word, or NULL when none is near. */
const char *cmd_nearest(const char *word, const char *const *candidates, size_t count);

/* "2026-03-01" is a day that exists. */
bool cmd_is_day(const char *text);

#endif
