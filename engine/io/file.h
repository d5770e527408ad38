/* Whole files in and out, exact-length reads and writes, directory listings. Short reads and writes and EINTR
 * are handled here, once. Errors name the path as the user gave it. */
#ifndef TOLL_IO_FILE_H
#define TOLL_IO_FILE_H

#include "io/io.h"
#include "tollmill_error.h"

#include <stdbool.h>

/* RING: as PREAD, and open a second time with O_DIRECT for the transfers of io/bulk.h. */
enum toll_read_path { TOLL_READ_MMAP, TOLL_READ_PREAD, TOLL_READ_RING };

/* A file open for reading. bytes is the mapping (MMAP; of an empty file some valid address) or NULL (PREAD).
 * Symlinks are followed: inputs belong to the user. Only regular files. */
struct toll_file {
    const struct toll_io *io;
    char *path; /* owned, for messages */
    int fd;
    enum toll_read_path how;
    int direct; /* the same with O_DIRECT (RING), or -1 where the file system has no such thing */
    int64_t size;
    const uint8_t *bytes;
};

int toll_file_open(struct toll_file *file, const struct toll_io *io, int directory /* AT_FDCWD */,
                   const char *path, enum toll_read_path how,
                   struct toll_error *error); /* ENOENT: TOLL_ENOINPUT, else TOLL_EIO */
/* Exactly `bytes` bytes at offset, or TOLL_EDATA when the file ends before (it shrank), TOLL_EIO on failure.
 */
int toll_file_read(const struct toll_file *file, void *buffer, size_t bytes, int64_t offset,
                   struct toll_error *error);
/* Brings a range of a mapped file into memory, so that what would be a SIGBUS later is an error here, as
 * toll_file_read's. Where the kernel does not know how, nothing happens. */
int toll_file_populate(const struct toll_file *file, size_t bytes, int64_t offset, struct toll_error *error);
/* The errors of a read and of a write that came no further than `byte`: result is 0 (the file ended; a write
 * of nothing) or -errno. */
int toll_file_read_failed(struct toll_error *error, const char *path, ssize_t result, int64_t byte);
int toll_file_write_failed(struct toll_error *error, const char *path, ssize_t result, int64_t byte);
void toll_file_close(struct toll_file *file); /* safe on a zeroed struct and after a failed open */

/* The whole file as memory: mapped, or read into a buffer; one zero byte follows in the buffer case only. */
struct toll_blob {
    const char *data;
    size_t size;
    void *owned; /* malloc'ed, or NULL when mapped */
    struct toll_file file;
};
int toll_blob_read(struct toll_blob *blob, const struct toll_io *io, int directory, const char *path,
                   enum toll_read_path how, struct toll_error *error);
void toll_blob_free(struct toll_blob *blob);

/* Writes all bytes at offset. TOLL_EIO (text has the path, errno's meaning, and for ENOSPC the remedy). */
int toll_write_at(const struct toll_io *io, int fd, const char *path, const void *data, size_t bytes,
                  int64_t offset, struct toll_error *error);
/* Creates `name` (must not exist, never through a symlink) in a directory with mode 0640, writes, fsyncs,
 * closes. */
int toll_write_file(const struct toll_io *io, int directory, const char *name, const void *data, size_t bytes,
                    struct toll_error *error);

/* A folder's fd, or -errno. flags: O_NOFOLLOW or 0. */
int toll_open_folder(const struct toll_io *io, int directory, const char *path, int flags);

/* Names in a directory without "." and "..", sorted bytewise. Free with toll_names_free. */
int toll_list_directory(const struct toll_io *io, int directory, const char *path, char ***names,
                        size_t *count, struct toll_error *error);
void toll_names_free(char **names, size_t count);

#endif
