/* Which keys of a deck's row a change means: a cell of prefixes is split in what it means and the rest. */
#ifndef TOLL_BOOK_CHANGE_KEYS_H
#define TOLL_BOOK_CHANGE_KEYS_H

#include "ratetable/buffer.h"

/* What "prefix:44*" means, taken apart once. */
struct toll_key_choice {
    const char *text; /* NULL: every key */
    size_t bytes;     /* without the '*' */
    bool begins;
    bool calltype;   /* keys are any text, compared as they are */
    unsigned digits; /* else: of the prefix, and its digits as an integer */
    uint64_t value;
};

/* False: it is no prefix. */
bool toll_key_choice_make(struct toll_key_choice *out, const char *text, bool calltype);
/* One key as a price row bears it. */
bool toll_key_chosen(const struct toll_key_choice *choice, const char *key, size_t bytes);

enum toll_keys_chosen { TOLL_KEYS_NONE, TOLL_KEYS_SOME, TOLL_KEYS_ALL };
/* The keys of a cell ("44", "44;4420", "1201-1205"). Of SOME: two lists, terminated, in buffers of char that
 * are emptied before. Negative: out of memory. */
int toll_keys_split(const struct toll_key_choice *choice, const char *cell, struct toll_buffer *chosen,
                    struct toll_buffer *rest);

#endif
