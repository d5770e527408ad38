/*
 * The books of a run that is read: its own, and of a merged run the older ones that priced kept lines. Those
 * are opened when a line of theirs is read with its CDR; most readers never need them.
 */
#ifndef TOLL_PIPELINE_READER_BOOKS_H
#define TOLL_PIPELINE_READER_BOOKS_H

#include "pipeline/rater.h"
#include "segment/run.h"

struct toll_reader_book {
    struct toll_blob image;
    struct toll_book *book; /* NULL: not opened yet */
    struct toll_rater rater;
    int32_t price_shift;
    bool older;               /* not the run's own */
    struct toll_part_map map; /* of the open part, if `mapped` */
    struct toll_arena arena;  /* of the map */
    bool mapped;
};
struct toll_reader_books {
    const struct toll_run_files *run; /* borrowed */
    struct toll_reader_book *list;    /* as in the manifest; the last is the run's own */
    size_t count;
};

/* Opens the run's own book. After an error closed, too. */
int toll_reader_books_open(struct toll_reader_books *books, const struct toll_run_files *run,
                           struct toll_error *error);
/* The older ones, too; for whoever reads them from several threads. */
int toll_reader_books_open_all(struct toll_reader_books *books, struct toll_error *error);
void toll_reader_books_close(struct toll_reader_books *books); /* safe on a zeroed struct */

/* The run's own. */
static inline const struct toll_reader_book *toll_reader_book_own(const struct toll_reader_books *books)
{
    return &books->list[books->count - 1];
}
/* The book of a line in a part that is open, with what the part's dictionaries mean there. lines: the batch,
 * index: the line in it. */
int toll_reader_book_of(struct toll_reader_books *books, const struct toll_line_batch *lines, int64_t index,
                        const struct toll_cdr_part *part, const struct toll_reader_book **out,
                        struct toll_error *error);
/* Another part is opened next. */
void toll_reader_books_leave_part(struct toll_reader_books *books);

#endif
