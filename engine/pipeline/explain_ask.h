/* The call of `explain --call`: docs/EXPLAIN.md. */
#ifndef TOLL_PIPELINE_EXPLAIN_ASK_H
#define TOLL_PIPELINE_EXPLAIN_ASK_H

#include "pipeline/row.h"

#define TOLL_ASK_TEXT_BYTES 1025 /* of what import takes, and a terminator */
struct toll_ask {
    struct toll_row row; /* but for what only a book can say: trunk, hint, carrier, call type */
    char trunk[TOLL_ASK_TEXT_BYTES], hint[TOLL_ASK_TEXT_BYTES];
    char calltype[TOLL_ASK_TEXT_BYTES], carrier[TOLL_ASK_TEXT_BYTES];
};
/* TOLL_EUSAGE: what is wrong, and how to write it. */
int toll_ask_read(const char *text, struct toll_ask *ask, struct toll_error *error);

#endif
