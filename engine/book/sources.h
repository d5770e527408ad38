/* The tables of a book while they are changed: the base's own, as its image embeds them, and those that took
 * their place. */
#ifndef TOLL_BOOK_SOURCES_H
#define TOLL_BOOK_SOURCES_H

#include "book/book.h"
#include "book/change.h"
#include "ratetable/build.h"
#include "text/table_edit.h"

struct toll_sources {
    struct toll_arena arena;
    const char *base_name;
    struct toll_given_file *files; /* own arrays; data of those in `owned` is theirs */
    void **owned;                  /* by file, NULL: the base's */
    struct toll_given_file *zones;
    size_t count, room, zone_count;
    const char *currency;          /* the book's */
    struct toll_strings not_moved; /* accounts that a plan was not for (change_plan.c) */
};

int toll_sources_of(struct toll_sources *out, const struct toll_book *base, const char *base_name,
                    struct toll_error *error);
void toll_sources_free(struct toll_sources *sources);
/* NULL: there is none. */
const struct toll_given_file *toll_sources_find(const struct toll_sources *sources, const char *name);
/* Takes `data` (malloc'ed) over, also where it fails. path NULL: below the base's name. */
int toll_sources_put(struct toll_sources *sources, const char *name, const char *path, char *data,
                     size_t bytes, struct toll_error *error);

/* Opens a table for editing; one that is not there is empty. */
int toll_sources_edit(const struct toll_sources *sources, const char *name, struct toll_table_edit **out,
                      struct toll_error *error);
/* Ends the edit and puts its table in place; code: of what came before, then nothing is put. Frees it. */
int toll_sources_store(struct toll_sources *sources, const char *name, struct toll_table_edit *edit, int code,
                       struct toll_error *error);

/* Distinct cells of a column of a table are added to `names`. False: out of memory. */
bool toll_sources_names(const struct toll_sources *sources, const char *table, const char *column,
                        struct toll_strings *names);
/* `there is no deck "x"; did you mean "y"?`, or the first few there are. */
int toll_sources_unknown(const struct toll_change *change, const char *what, const char *name,
                         const struct toll_strings *names, struct toll_error *error);

/* One part of a change. Errors as toll_variation_make's. */
int toll_change_sources(struct toll_sources *sources, const struct toll_io *io,
                        const struct toll_change *change, struct toll_error *error);
/* Its kinds. */
int toll_change_deck(struct toll_sources *sources, const struct toll_change *change,
                     struct toll_error *error);
int toll_change_deck_file(struct toll_sources *sources, const struct toll_io *io,
                          const struct toll_change *change, struct toll_error *error);
int toll_change_plan(struct toll_sources *sources, const struct toll_change *change,
                     struct toll_error *error);

/* What changing cells of a row of any table shares. */
struct toll_cell_changes {
    const struct toll_change *change;
    const char *file;
    int columns[TOLL_CHANGE_CELLS_MAX][TOLL_RATE_COLUMNS]; /* of the table, -1 none; by the change's cell */
    bool whole[TOLL_CHANGE_CELLS_MAX];                     /* a column of whole numbers */
    int64_t changed;                                       /* cells */
};
/* The change's columns must be among `known`. */
int toll_change_columns_known(const struct toll_change *change, const struct toll_table_column *known,
                              int known_count, struct toll_error *error);
int toll_change_row(struct toll_cell_changes *cells, struct toll_table_edit *edit, struct toll_error *error);

#endif
