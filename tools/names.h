/* Lists of names on the command line and in files: "A,B,C", and one a line. */
#ifndef CMD_NAMES_H
#define CMD_NAMES_H

#include "command.h"

struct cmd_names {
    const char **names;
    size_t count;
    char *text; /* what they lie in */
};

/* Splits at commas, without the blanks around names; a name with a comma stands in double quotes, one inside
 * twice. TOLL_EUSAGE: an empty name, or a quote that is not closed. */
int cmd_names_split(struct cmd_names *list, const char *text, const char *option, struct toll_error *error);
/* Lines of a file, blank ones left out. */
int cmd_names_read(struct cmd_names *list, const char *path, struct toll_error *error);
void cmd_names_free(struct cmd_names *list); /* safe on a zeroed struct */

#endif
