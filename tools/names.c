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

/* Cuts list->text at `end` and lists what is between; empty: whether nothing between is a name. */
static int cut(struct cmd_names *list, char end, bool skip_empty, struct toll_error *error)
{
    size_t room = 1;
    for (const char *p = list->text; *p; p++)
        room += *p == end;
    list->names = calloc(room, sizeof *list->names);
    if (!list->names)
        return say(error, TOLL_ENOMEM, "out of memory", "", "");
    for (char *at = list->text; at;) {
        char *next = strchr(at, end);
        if (next)
            *next++ = 0;
        size_t bytes = strlen(at);
        if (end == '\n' && bytes > 0 && at[bytes - 1] == '\r')
            at[--bytes] = 0;
        if (bytes > 0 || !skip_empty)
            list->names[list->count++] = at;
        at = next;
    }
    return 0;
}

int cmd_names_split(struct cmd_names *list, const char *text, const char *option, struct toll_error *error)
{
    *list = (struct cmd_names){.text = strdup(text)};
    if (!list->text)
        return say(error, TOLL_ENOMEM, "out of memory", "", "");
    int rc = cut(list, ',', false, error);
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        if (!*list->names[i])
            rc = say(error, TOLL_EUSAGE, "--", option, " has an empty name between its commas");
    return rc;
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
    return cut(list, '\n', true, error);
}

void cmd_names_free(struct cmd_names *list)
{
    free(list->names);
    free(list->text);
    *list = (struct cmd_names){0};
}
