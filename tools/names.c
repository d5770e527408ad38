/* Lists of names. See names.h. */
#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_BYTES_MOST (64u << 20) /* of a file: a million accounts and more */

static int say(struct toll_error *error, int code, const char *before, const char *what, const char *after)
{
    error->code = code;
    snprintf(error->text, sizeof error->text, "%s%s%s", before, what, after);
    return code;
}

/* Lists the lines of list->text. */
static int cut_lines(struct cmd_names *list, struct toll_error *error)
{
    size_t room = 1;
    for (const char *p = list->text; *p; p++)
        room += *p == '\n';
    list->names = calloc(room, sizeof *list->names);
    if (!list->names)
        return say(error, TOLL_ENOMEM, "out of memory", "", "");
    for (char *at = list->text; at;) {
        char *next = strchr(at, '\n');
        if (next)
            *next++ = 0;
        size_t bytes = strlen(at);
        if (bytes > 0 && at[bytes - 1] == '\r')
            at[--bytes] = 0;
        if (bytes > 0)
            list->names[list->count++] = at;
        at = next;
    }
    return 0;
}

/* The name at `at`, taken out of its quotes and blanks where it lies; *next: behind its comma, NULL at the
 * end. NULL: its quote is not closed. */
static char *take_name(char *at, char **next)
{
    at += strspn(at, " \t");
    char *name = at, *end = at;
    if (*at == '"') {
        for (at++; *at && !(at[0] == '"' && at[1] != '"'); at++) {
            at += *at == '"';
            *end++ = *at;
        }
        if (!*at++)
            return NULL;
        at += strspn(at, " \t");
        if (*at && *at != ',')
            return NULL;
    } else {
        at = end = at + strcspn(at, ",");
        while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
    }
    *next = *at ? at + 1 : NULL;
    *end = 0;
    return name;
}

int cmd_names_split(struct cmd_names *list, const char *text, const char *option, struct toll_error *error)
{
    size_t room = 1;
    for (const char *p = text; *p; p++)
        room += *p == ',';
    *list = (struct cmd_names){.text = strdup(text), .names = calloc(room, sizeof *list->names)};
    if (!list->text || !list->names)
        return say(error, TOLL_ENOMEM, "out of memory", "", "");
    for (char *at = list->text; at;) {
        const char *name = take_name(at, &at);
        if (!name)
            return say(error, TOLL_EUSAGE, "--", option, ": a name's quote does not end where the name does");
        if (!*name)
            return say(error, TOLL_EUSAGE, "--", option, " has an empty name between its commas");
        list->names[list->count++] = name;
    }
    return 0;
}

int cmd_names_read(struct cmd_names *list, const char *path, struct toll_error *error)
{
    *list = (struct cmd_names){0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return say(error, TOLL_ENOINPUT, path, ": ", strerror(errno));
    size_t room = 4096, bytes = 0;
    int rc = 0;
    list->text = malloc(room);
    while (list->text && rc == 0) {
        size_t got = fread(list->text + bytes, 1, room - bytes - 1, file);
        bytes += got;
        if (got == 0)
            break;
        if (bytes + 1 == room) {
            char *grown = room > LIST_BYTES_MOST ? NULL : realloc(list->text, room * 2);
            if (!grown)
                rc = say(error, TOLL_EDATA, path, ": is no list of accounts", ", it is too large");
            else
                list->text = grown, room *= 2;
        }
    }
    if (!list->text)
        rc = say(error, TOLL_ENOMEM, "out of memory", "", "");
    if (rc == 0 && ferror(file))
        rc = say(error, TOLL_EIO, path, ": ", "cannot be read");
    fclose(file);
    if (rc != 0)
        return rc;
    list->text[bytes] = 0;
    if (memchr(list->text, 0, bytes))
        return say(error, TOLL_EDATA, path, ": is no text: ", "it holds a zero byte");
    return cut_lines(list, error);
}

void cmd_names_free(struct cmd_names *list)
{
    free(list->names);
    free(list->text);
    *list = (struct cmd_names){0};
}
