#include "pipeline/reader_books.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_book(struct toll_reader_book *book)
{
    toll_rater_free(&book->rater);
    toll_arena_free(&book->arena);
    if (book->book != NULL)
        toll_blob_free(&book->image);
    toll_book_close(book->book);
    book->book = NULL;
    book->mapped = false;
}

static int open_book(struct toll_reader_books *books, size_t index, struct toll_error *error)
{
    const struct toll_run_files *run = books->run;
    const struct toll_run_manifest *manifest = &run->manifest;
    const struct toll_hash128 wanted =
        manifest->book_count == 0 ? manifest->book_hash : manifest->books[index].book_hash;
    struct toll_reader_book *book = &books->list[index];
    char file[TOLL_RUN_BOOK_NAME_BYTES], name[4096];
    toll_run_book_name(index, books->count, file);
    snprintf(name, sizeof name, "%s/%s", run->path, file);
    int rc = toll_blob_read(&book->image, run->io, run->directory, file, TOLL_READ_MMAP, error);
    toll_error_within(error, rc, run->path);
    if (rc != 0)
        return rc;
    rc = toll_book_open_bytes((const uint8_t *)book->image.data, book->image.size, name, &book->book, error);
    if (rc != 0) {
        toll_blob_free(&book->image);
        return rc;
    }
    if (!toll_hash_equal(book->book->book_hash, wanted))
        rc = toll_error_set(error, TOLL_EDATA, "%s is not the book that run.json names", name);
    if (rc == 0)
        rc = toll_rater_init(&book->rater, book->book, 0, error);
    if (rc != 0)
        close_book(book);
    return rc;
}

int toll_reader_books_open(struct toll_reader_books *books, const struct toll_run_files *run,
                           struct toll_error *error)
{
    const struct toll_run_manifest *manifest = &run->manifest;
    const size_t count = manifest->book_count == 0 ? 1 : manifest->book_count;
    *books = (struct toll_reader_books){.run = run, .list = calloc(count, sizeof *books->list)};
    if (books->list == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", run->path);
    books->count = count;
    for (size_t i = 0; i < count; i++) {
        books->list[i].older = i + 1 < count;
        books->list[i].price_shift = manifest->book_count == 0 ? 0 : manifest->books[i].price_shift;
    }
    const int rc = open_book(books, count - 1, error);
    if (rc != 0)
        toll_reader_books_close(books);
    return rc;
}

int toll_reader_books_open_all(struct toll_reader_books *books, struct toll_error *error)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < books->count; i++)
        if (books->list[i].book == NULL)
            rc = open_book(books, i, error);
    return rc;
}

void toll_reader_books_close(struct toll_reader_books *books)
{
    for (size_t i = 0; i < books->count; i++)
        close_book(&books->list[i]);
    free(books->list);
    *books = (struct toll_reader_books){0};
}

int toll_reader_book_of(struct toll_reader_books *books, const struct toll_line_batch *lines, int64_t index,
                        const struct toll_cdr_part *part, const struct toll_reader_book **out,
                        struct toll_error *error)
{
    const size_t wanted = lines->book == NULL ? books->count - 1 : lines->book[index];
    if (wanted >= books->count)
        return toll_error_set(error, TOLL_EDATA, "%s: a line names a book that run.json does not have",
                              books->run->path);
    struct toll_reader_book *book = &books->list[wanted];
    int rc = book->book != NULL ? 0 : open_book(books, wanted, error);
    if (rc == 0 && !book->mapped) {
        rc = toll_part_map_make(&book->map, &book->rater, part, &book->arena, NULL, error);
        book->mapped = rc == 0;
    }
    *out = book;
    return rc;
}

void toll_reader_books_leave_part(struct toll_reader_books *books)
{
    for (size_t i = 0; i < books->count; i++) {
        toll_arena_free(&books->list[i].arena);
        books->list[i].mapped = false;
    }
}
