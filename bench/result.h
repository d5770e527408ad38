/*
 * What a bench measured, for programs: `--json FILE` of every bench. One document with a flat list of
 * records, a record for each figure; bench/run.sh collects them, bench/table.py and bench/chart.py look them
 * up by their words.
 *
 *   {"bench": "tax", "records": [{"what": "register", "world": "plain", "ns": {"median": ...}, ...}, ...]}
 */
#ifndef TOLL_BENCH_RESULT_H
#define TOLL_BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct toll_result {
    FILE *file; /* NULL: nobody asked for JSON */
    bool records, values;
};

static inline void toll_result_string(FILE *file, const char *text)
{
    putc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', file);
        putc((unsigned char)*text < 0x20 ? ' ' : *text, file);
    }
    putc('"', file);
}

/* Takes --json FILE out of the arguments; 0, or -1 after a message. */
static inline int toll_result_begin(struct toll_result *result, const char *bench, int *argc, char **argv)
{
    const char *path = NULL;
    int kept = 1;
    memset(result, 0, sizeof *result);
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && i + 1 < *argc)
            path = argv[++i];
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    if (path == NULL)
        return 0;
    result->file = fopen(path, "w");
    if (result->file == NULL) {
        fprintf(stderr, "%s: cannot be written\n", path);
        return -1;
    }
    fputs("{\"bench\": ", result->file);
    toll_result_string(result->file, bench);
    fputs(", \"records\": [", result->file);
    return 0;
}

static inline void toll_result_key(struct toll_result *result, const char *key)
{
    if (result->values)
        fputs(", ", result->file);
    result->values = true;
    toll_result_string(result->file, key);
    fputs(": ", result->file);
}

static inline void toll_result_text(struct toll_result *result, const char *key, const char *text)
{
    if (result->file == NULL)
        return;
    toll_result_key(result, key);
    toll_result_string(result->file, text);
}

static inline void toll_result_int(struct toll_result *result, const char *key, int64_t value)
{
    if (result->file == NULL)
        return;
    toll_result_key(result, key);
    fprintf(result->file, "%lld", (long long)value);
}

static inline void toll_result_number(struct toll_result *result, const char *key, double value)
{
    if (result->file == NULL)
        return;
    toll_result_key(result, key);
    fprintf(result->file, "%.6g", value);
}

/* Begins the next record; what follows belongs to it. */
static inline void toll_result_record(struct toll_result *result, const char *what)
{
    if (result->file == NULL)
        return;
    fputs(result->records ? "},\n  {" : "\n  {", result->file);
    result->records = true;
    result->values = false;
    toll_result_text(result, "what", what);
}

static inline int toll_result_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All repetitions of one figure, each times `scale`: median, least, most and how many. */
static inline void toll_result_samples(struct toll_result *result, const char *key, const double *values,
                                       size_t count, double scale)
{
    double *sorted = result->file == NULL || count == 0 ? NULL : (double *)malloc(count * sizeof *sorted);
    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        sorted[i] = values[i] * scale;
    qsort(sorted, count, sizeof *sorted, toll_result_compare);
    toll_result_key(result, key);
    fprintf(result->file, "{\"median\": %.6g, \"least\": %.6g, \"most\": %.6g, \"count\": %zu}",
            sorted[count / 2], sorted[0], sorted[count - 1], count);
    free(sorted);
}

/* 0, or -1 after a message. */
static inline int toll_result_end(struct toll_result *result)
{
    if (result->file == NULL)
        return 0;
    fputs(result->records ? "}\n]}\n" : "]}\n", result->file);
    const bool failed = ferror(result->file) != 0;
    if (fclose(result->file) == 0 && !failed)
        return 0;
    fputs("the JSON could not be written\n", stderr);
    return -1;
}

#endif
