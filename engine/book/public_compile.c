/* toll_compile of the public API: a folder into an image file, or only checked. */
#include "base/check.h"
#include "book/compile.h"
#include "io/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

/* Writes the image beside its place and renames it there, so that a reader sees the old one or the new one.
 */
static int write_image(const struct toll_io *io, const char *path, const uint8_t *image, size_t bytes,
                       struct toll_error *error)
{
    struct toll_error reason;
    char *copy = strdup(path), *folder;
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    int directory, code;

    if (copy == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    if (*name == 0) {
        free(copy);
        return toll_error_set(error, TOLL_EUSAGE, "%s: this is no name for a file", path);
    }
    folder = dirname(copy);
    directory = toll_open_folder(io, AT_FDCWD, folder, 0);
    if (directory < 0) {
        code = toll_error_errno(error, TOLL_ECREATE, -directory, "%s: cannot open its folder", path);
    } else {
        /* One writer at a time: two that compile to one name share the name of the unfinished file. */
        do
            code = io->flock(io->context, directory, LOCK_EX);
        while (code == -EINTR);
        if (code < 0)
            code = toll_error_errno(error, TOLL_EIO, -code, "%s: cannot lock its folder", path);
        else if ((code = toll_replace_file(io, directory, name, image, bytes, &reason)) != 0)
            toll_error_set(error, code, "%s/%s", folder, reason.text);
        io->close(io->context, directory);
    }
    free(copy);
    return code;
}

int toll_compile(const struct toll_compile_options *options, struct toll_compile_result *result,
                 struct toll_error *error)
{
    return toll_compile_with(toll_io_system(), options, result, error);
}

int toll_compile_with(const struct toll_io *io, const struct toll_compile_options *options,
                      struct toll_compile_result *result, struct toll_error *error)
{
    return toll_compile_watched(io, options, NULL, result, error);
}

int toll_compile_watched(const struct toll_io *io, const struct toll_compile_options *options,
                         const struct toll_watch *watch, struct toll_compile_result *result,
                         struct toll_error *error)
{
    struct toll_book *book;
    uint8_t *image;
    size_t bytes;
    int code = toll_book_compile_watched(io, options->book_path, &options->reporter, watch, &image, &bytes,
                                         result, error);

    if (code != 0)
        return code;
    /* What is published is what a reader accepts. */
    code = toll_book_open_made(image, bytes, options->book_path, &book, error);
    TOLL_ASSERT(code != TOLL_EDATA);
    toll_watch_passed(watch, "check of the image");
    if (code == 0) {
        toll_book_close(book);
        if (options->image_path != NULL)
            code = write_image(io, options->image_path, image, bytes, error);
    }
    toll_watch_passed(watch, "writing");
    free(image);
    return code;
}
