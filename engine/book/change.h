/* What a change of a book says (docs/WHATIF.md section 1), as data: nothing is looked up here. */
#ifndef TOLL_BOOK_CHANGE_H
#define TOLL_BOOK_CHANGE_H

#include "base/arena.h"
#include "base/money.h"
#include "tollmill_error.h"

#include <stdbool.h>

enum toll_change_kind {
    TOLL_CHANGE_DECK,
    TOLL_CHANGE_PLAN,
    TOLL_CHANGE_BUNDLE,
    TOLL_CHANGE_TIERS,
    TOLL_CHANGE_BOOK
};

enum toll_change_how { TOLL_CHANGE_SET, TOLL_CHANGE_TIMES, TOLL_CHANGE_PLUS };
struct toll_change_cell {
    enum toll_change_how how;
    const char *column; /* NULL: all rates of a deck */
    const char *text;   /* SET */
    int64_t amount;     /* TIMES: the factor in 1e-8; PLUS: money */
};

#define TOLL_CHANGE_CELLS_MAX 16
struct toll_change {
    const char *text; /* this part of the change, as written */
    enum toll_change_kind kind;
    const char *name;
    /* Which rows; NULL: all. prefixes end with '*' where they only begin so. */
    const char *prefix, *caller_prefix, *destination, *from_qty;
    const char *accounts; /* of a plan: "A,B", or "*" */
    const char *file;     /* of a deck or of a table of the book; then no cells */
    const char *from;     /* of a deck's file; NULL: always */
    int cell_count;
    struct toll_change_cell cells[TOLL_CHANGE_CELLS_MAX];
};

/* Parts between ";;" in their order; they live in the arena. TOLL_EBOOK with what is wrong and how it is
 * written. */
int toll_change_parse(struct toll_arena *arena, const char *text, struct toll_change **out, int *count,
                      struct toll_error *error);
/* TOLL_EBOOK: `the change "deck:x *2": ...` */
int toll_change_error(const struct toll_change *change, struct toll_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The next name of a list `A, "B, C"` without the blanks and quotes around it, and where to go on; NULL:
 * there is none. */
#define TOLL_CHANGE_NAME_BYTES 256
const char *toll_change_next_name(const char *list, char name[TOLL_CHANGE_NAME_BYTES]);

/* The value, not negative, that a cell's comes to: 0, or what is wrong with it ("is below 0"). */
const char *toll_change_amount(const struct toll_change_cell *cell, int64_t old, int64_t *out);

#endif
