/*
 * Opening a run together with its CDRs. See runs.h.
 */
#include "runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STATS_BYTES_MOST (1u << 20) /* stats.json is a page or two; more is not ours */
#define DEPTH_MOST 32

/* ---- one member of a small JSON file ---- */

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end && strchr(" \t\r\n", *scan->at))
        scan->at++;
}

static bool take(struct scan *scan, char c)
{
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static int hex_value(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef";
        char c = at[i] >= 'A' && at[i] <= 'F' ? (char)(at[i] + 32) : at[i];
        const char *found = c ? strchr(digits, c) : NULL;
        if (!found)
            return -1;
        value = value * 16 + (int)(found - digits);
    }
    return value;
}

/* A string into text, or past it when text is NULL. Escapes beyond ASCII are refused: our writer keeps UTF-8
 * as is. */
static bool scan_string(struct scan *scan, char *text, size_t room)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    size_t used = 0;
    if (!take(scan, '"'))
        return false;
    while (scan->at < scan->end && *scan->at != '"') {
        char c = *scan->at++;
        if (c == '\\') {
            if (scan->at >= scan->end)
                return false;
            const char *found = strchr(escapes, *scan->at);
            if (found) {
                c = meant[found - escapes];
                scan->at++;
            } else {
                int value = *scan->at == 'u' && scan->end - scan->at >= 5 ? hex_value(scan->at + 1) : -1;
                if (value <= 0 || value > 0x7F)
                    return false;
                c = (char)value;
                scan->at += 5;
            }
        }
        if (text && used + 1 >= room)
            return false;
        if (text)
            text[used] = c;
        used++;
    }
    if (text)
        text[used] = '\0';
    return take(scan, '"');
}

/* Past one value of any kind, counting brackets instead of recursing. */
static bool skip_value(struct scan *scan)
{
    int depth = 0;
    do {
        skip_blanks(scan);
        if (scan->at >= scan->end)
            return false;
        char c = *scan->at;
        if (c == '"') {
            if (!scan_string(scan, NULL, 0))
                return false;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MOST)
                return false;
            scan->at++;
        } else if (c == '}' || c == ']') {
            depth--;
            scan->at++;
        } else if (c == ',' || c == ':') {
            scan->at++;
        } else {
            while (scan->at < scan->end && !strchr(",:]} \t\r\n\"", *scan->at))
                scan->at++;
        }
    } while (depth > 0);
    return true;
}

static bool find_member(struct scan scan, const char *wanted, char *text, size_t room)
{
    char key[128];
    if (!take(&scan, '{'))
        return false;
    while (scan_string(&scan, key, sizeof key) && take(&scan, ':')) {
        if (strcmp(key, wanted) == 0)
            return scan_string(&scan, text, room);
        if (!skip_value(&scan) || !take(&scan, ','))
            return false;
    }
    return false;
}

bool cmd_stats_cdrs(const char *run_path, char path[CMD_PATH_BYTES])
{
    char name[CMD_PATH_BYTES];
    if (snprintf(name, sizeof name, "%s/stats.json", run_path) >= (int)sizeof name)
        return false;
    FILE *file = fopen(name, "re");
    if (!file)
        return false;
    bool found = false;
    char *text = malloc(STATS_BYTES_MOST);
    if (text) {
        size_t bytes = fread(text, 1, STATS_BYTES_MOST, file);
        found = find_member((struct scan){.at = text, .end = text + bytes}, "cdrs", path, CMD_PATH_BYTES);
    }
    free(text);
    fclose(file);
    return found && path[0] != '\0';
}

/* ---- opening ---- */

int cmd_cdrs_find(struct cmd *cmd, const char *run_path, const char *given, char path[CMD_PATH_BYTES])
{
    struct stat facts;
    if (stat(run_path, &facts) != 0)
        return cmd_fail_text(cmd, CMD_NOINPUT, "there is no run %s; tollmill rate makes one (-o RUN)",
                             run_path);
    if (given) {
        if (strlen(given) >= CMD_PATH_BYTES)
            return cmd_fail_text(cmd, CMD_USAGE, "the path after --cdrs is too long");
        strcpy(path, given);
        return CMD_GO;
    }
    char manifest[CMD_PATH_BYTES];
    snprintf(manifest, sizeof manifest, "%s/run.json", run_path);
    if (stat(manifest, &facts) != 0)
        return cmd_fail_text(cmd, CMD_NOINPUT,
                             "%s is no run: it has no run.json; give the folder that rate -o made", run_path);
    if (!cmd_stats_cdrs(run_path, path))
        return cmd_fail_text(cmd, CMD_NOINPUT,
                             "%s does not say where its CDRs are; give --cdrs DATASET, the folder that was "
                             "rated",
                             run_path);
    if (stat(path, &facts) != 0)
        return cmd_fail_text(
            cmd, CMD_NOINPUT,
            "the CDRs of %s were in %s, but nothing is there now; give --cdrs DATASET, where "
            "they are today",
            run_path, path);
    return CMD_GO;
}

int cmd_run_open(struct cmd *cmd, const char *run_path, const char *given, struct toll_run **run)
{
    char path[CMD_PATH_BYTES];
    int code = cmd_cdrs_find(cmd, run_path, given, path);
    if (code != CMD_GO)
        return code;
    struct toll_error error = {0};
    int outcome = toll_run_open(run_path, path, run, &error);
    if (outcome < 0)
        return cmd_fail(cmd, &error);
    return CMD_GO;
}
