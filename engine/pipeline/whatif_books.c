/* The books of a what-if: folders, images, and changes of them; and what they are called. */
#include "pipeline/whatif.h"

#include "base/error.h"
#include "ingest/work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names ---- */

/* The last part of a path. */
static char *name_of_path(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    return strndup(path + begin, end - begin);
}

static bool is_taken(const struct toll_whatif *whatif, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(whatif->books[i].name, name) == 0)
            return true;
    return false;
}

/* "march", then "march (2)"; NULL: out of memory. */
static char *make_name(const struct toll_whatif *whatif, unsigned index)
{
    const struct toll_whatif_book *book = &whatif->options->books[index];
    char *name = book->name != NULL     ? strdup(book->name)
                 : book->change != NULL ? strdup(book->change)
                                        : name_of_path(book->path);
    if (name == NULL || !is_taken(whatif, index, name))
        return name;
    const size_t room = strlen(name) + sizeof " (65)";
    char *other = malloc(room);
    for (unsigned k = 2; other != NULL; k++) {
        snprintf(other, room, "%s (%u)", name, k);
        if (!is_taken(whatif, index, other))
            break;
    }
    free(name);
    return other;
}

/* ---- books ---- */

/* The book that entry `index` stands for, without its change. */
static int open_plain(struct toll_whatif *whatif, unsigned index, const struct toll_book **out,
                      struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    struct toll_whatif_side *side = &whatif->books[index];
    if (options->books[index].path == NULL) {
        *out = whatif->books[0].book;
        return 0;
    }
    int rc = 0;
    if (side->opened == NULL)
        rc = toll_book_open(whatif->io, options->books[index].path, &options->reporter, &side->opened, error);
    *out = side->opened;
    return rc;
}

/* Images need nobody's attention. What goes wrong is told when its turn comes. */
static int open_ahead(void *context, size_t index, struct toll_error *error)
{
    struct toll_whatif *whatif = context;
    const char *path = whatif->options->books[index].path;
    struct stat status;
    if (path != NULL && whatif->io->fstatat(whatif->io->context, AT_FDCWD, path, &status, 0) == 0 &&
        S_ISREG(status.st_mode) &&
        toll_book_open(whatif->io, path, NULL, &whatif->books[index].opened, error) != 0)
        whatif->books[index].opened = NULL;
    return 0;
}

static int open_book(struct toll_whatif *whatif, unsigned index, struct toll_error *error)
{
    const struct toll_whatif_options *options = whatif->options;
    const struct toll_whatif_book *book = &options->books[index];
    struct toll_whatif_side *side = &whatif->books[index];
    if (book->path == NULL && index == 0)
        return toll_error_set(error, TOLL_EUSAGE, "the first book is the base and needs a path");
    if (book->change != NULL && index == 0)
        return toll_error_set(error, TOLL_EUSAGE,
                              "the first book is the base, which has no change; name it as it is, and the "
                              "change as another book");
    if (book->path == NULL && book->change == NULL)
        return toll_error_set(error, TOLL_EUSAGE, "book %u is neither a path nor a change", index + 1);
    side->name = make_name(whatif, index);
    if (side->name == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the books");
    int rc = open_plain(whatif, index, &side->book, error);
    if (rc == 0 && book->change != NULL) {
        const char *from = book->path != NULL ? book->path : options->books[0].path;
        rc = toll_variation_make(&side->variation, whatif->io, side->book, from, book->change,
                                 options->compile_changes, &options->reporter, error);
        side->book = side->variation.book;
    }
    return rc;
}

int toll_whatif_open_books(struct toll_whatif *whatif, struct toll_error *error)
{
    int rc = whatif->count == 1 ? 0
                                : toll_work_run(toll_work_threads(whatif->options->threads), whatif->count,
                                                open_ahead, NULL, whatif, error);
    for (unsigned i = 0; rc == 0 && i < whatif->count; i++)
        rc = open_book(whatif, i, error);
    return rc;
}

void toll_whatif_close_books(struct toll_whatif *whatif)
{
    for (unsigned i = whatif->count; whatif->books != NULL && i-- > 0;) {
        struct toll_whatif_side *side = &whatif->books[i];
        toll_variation_free(&side->variation);
        free(side->name);
    }
    for (unsigned i = 0; whatif->books != NULL && i < whatif->count; i++)
        toll_book_close(whatif->books[i].opened); /* a variation borrows from one before it */
}
