/* Which books a command line of whatif asks for. */
#ifndef CMD_WHATIF_H
#define CMD_WHATIF_H

#include "options.h"
#include "tollmill_impact.h"

/* What was asked for, in words of the command line. Zeroed to begin. */
struct cmd_whatif_asked {
    struct cmd_list books, sets, sweeps, names, best; /* books: --books and operands */
    const char **texts;                               /* of all lists */
    int *places;
};

/* The books that come of it, and what they own. Zeroed to begin. */
struct cmd_whatif_books {
    struct toll_whatif_book books[TOLL_IMPACT_BOOKS_MAX + 1];
    int count;
    char *owned[2 * TOLL_IMPACT_BOOKS_MAX];
    int owned_count;
    const char *plans[TOLL_IMPACT_BOOKS_MAX]; /* --best-plan */
    int plan_count, plan_first;
};

/* Room for argc words in each list. False: out of memory. */
bool cmd_whatif_asked_make(struct cmd_whatif_asked *asked, int argc);
/* Operands are books like those of --books, in their places. */
void cmd_whatif_asked_operands(struct cmd_whatif_asked *asked, char **argv, const int *places, int count);
void cmd_whatif_asked_free(struct cmd_whatif_asked *asked);

/* Books in the order of the command line; the base is the first that is a path. CMD_GO, or the exit code
 * after having told the error; to be freed in any case. */
int cmd_whatif_books_make(struct cmd *cmd, const struct cmd_whatif_asked *asked, int argc,
                          struct cmd_whatif_books *plan);
void cmd_whatif_books_free(struct cmd_whatif_books *plan);

#endif
