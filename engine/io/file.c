/*
 * Files whole and in exact lengths. A signal or a short answer of the system is not an error and is retried
 * here, so that no caller has a loop of its own.
 */
#include "io/file.h"

#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MODE 0640
#define DIRENT_BUFFER_BYTES 32768
#define NAMES_MAX (SIZE_MAX / 2 / sizeof(char *))

static int open_again(const struct toll_io *io, int directory, const char *path, int flags, mode_t mode)
{
    int fd;

    do
        fd = io->openat(io->context, directory, path, flags, mode);
    while (fd == -EINTR);
    return fd;
}

int toll_open_folder(const struct toll_io *io, int directory, const char *path, int flags)
{
    return open_again(io, directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags, 0);
}

static int fsync_again(const struct toll_io *io, int fd)
{
    int result;

    do
        result = io->fsync(io->context, fd);
    while (result == -EINTR);
    return result;
}

static int out_of_memory(struct toll_error *error, const char *path)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
}

/* A second descriptor of the same file. Without one everything goes by the first. */
static int open_direct(const struct toll_file *file, int directory, const char *path,
                       const struct stat *status)
{
    const struct toll_io *io = file->io;
    struct stat again;
    int fd = open_again(io, directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_DIRECT, 0);

    if (fd < 0)
        return -1;
    if (io->fstat(io->context, fd, &again) == 0 && again.st_dev == status->st_dev &&
        again.st_ino == status->st_ino)
        return fd;
    io->close(io->context, fd);
    return -1;
}

/* Checks what was opened and maps it if asked. */
static int open_checked(struct toll_file *file, int directory, const char *path, enum toll_read_path how,
                        struct toll_error *error)
{
    static const max_align_t nothing; /* as well aligned as a map */
    struct stat status;
    void *address;
    int result;

    file->path = strdup(path);
    if (file->path == NULL)
        return out_of_memory(error, path);
    result = file->io->fstat(file->io->context, file->fd, &status);
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot read its size", file->path);
    if (!S_ISREG(status.st_mode))
        return toll_error_set(error, TOLL_EIO, "%s: not a regular file; name a file", file->path);
    file->size = status.st_size;
    if (how == TOLL_READ_RING)
        file->direct = open_direct(file, directory, path, &status);
    if (how != TOLL_READ_MMAP)
        return 0;
    if (file->size == 0) {
        file->bytes = (const uint8_t *)&nothing; /* nothing to map, and never unmapped */
        return 0;
    }
    if ((uint64_t)file->size > SIZE_MAX)
        return toll_error_set(error, TOLL_EIO, "%s: too large to map", file->path);
    result = file->io->map(file->io->context, file->fd, (size_t)file->size, &address);
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot map it", file->path);
    file->bytes = address;
    return 0;
}

int toll_file_open(struct toll_file *file, const struct toll_io *io, int directory, const char *path,
                   enum toll_read_path how, struct toll_error *error)
{
    int fd, code;

    memset(file, 0, sizeof *file);
    /* O_NONBLOCK: a named pipe given by mistake is refused below and must not hang here. */
    fd = open_again(io, directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
    if (fd < 0)
        return toll_error_errno(error, fd == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO, -fd, "%s: cannot open",
                                path);
    file->io = io;
    file->fd = fd;
    file->how = how;
    file->direct = -1;
    code = open_checked(file, directory, path, how, error);
    if (code != 0)
        toll_file_close(file);
    return code;
}

void toll_file_close(struct toll_file *file)
{
    if (file->io == NULL)
        return;
    if (file->bytes != NULL && file->size > 0)
        file->io->unmap(file->io->context, (void *)(uintptr_t)file->bytes, (size_t)file->size);
    if (file->direct >= 0)
        file->io->close(file->io->context, file->direct);
    file->io->close(file->io->context, file->fd);
    free(file->path);
    memset(file, 0, sizeof *file);
}

int toll_file_read_failed(struct toll_error *error, const char *path, ssize_t result, int64_t byte)
{
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, (int)-result, "%s: cannot read at byte %lld", path,
                                (long long)byte);
    return toll_error_set(error, TOLL_EDATA,
                          "%s: ends at byte %lld where more was expected: it was cut short, or changed "
                          "while it was read",
                          path, (long long)byte);
}

int toll_file_read(const struct toll_file *file, void *buffer, size_t bytes, int64_t offset,
                   struct toll_error *error)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t result = file->io->pread(file->io->context, file->fd, (char *)buffer + done, bytes - done,
                                         offset + (int64_t)done);

        if (result == -EINTR)
            continue;
        if (result <= 0)
            return toll_file_read_failed(error, file->path, result, offset + (int64_t)done);
        done += (size_t)result;
    }
    return 0;
}

int toll_file_populate(const struct toll_file *file, size_t bytes, int64_t offset, struct toll_error *error)
{
    const struct toll_io *io = file->io;
    struct stat status;
    int result;

    if (bytes == 0)
        return 0;
    do
        result = io->populate(io->context, file->bytes + offset, bytes);
    while (result == -EINTR);
    if (result == 0 || result == -EINVAL || result == -ENOSYS)
        return 0;
    if (io->fstat(io->context, file->fd, &status) == 0 && status.st_size < offset + (int64_t)bytes)
        return toll_file_read_failed(error, file->path, 0, status.st_size);
    return toll_file_read_failed(error, file->path, result == -EFAULT ? -EIO : result, offset);
}

int toll_blob_read(struct toll_blob *blob, const struct toll_io *io, int directory, const char *path,
                   enum toll_read_path how, struct toll_error *error)
{
    char *buffer;
    int code;

    memset(blob, 0, sizeof *blob);
    code = toll_file_open(&blob->file, io, directory, path, how, error);
    if (code != 0)
        return code;
    blob->size = (size_t)blob->file.size;
    if (how == TOLL_READ_MMAP) {
        blob->data = (const char *)blob->file.bytes;
        return 0;
    }
    buffer = malloc(blob->size + 1);
    if (buffer == NULL) {
        toll_blob_free(blob);
        return out_of_memory(error, path);
    }
    blob->owned = buffer;
    blob->data = buffer;
    buffer[blob->size] = '\0';
    code = toll_file_read(&blob->file, buffer, blob->size, 0, error);
    if (code != 0)
        toll_blob_free(blob);
    else
        toll_file_close(&blob->file);
    return code;
}

void toll_blob_free(struct toll_blob *blob)
{
    toll_file_close(&blob->file);
    free(blob->owned);
    memset(blob, 0, sizeof *blob);
}

static int write_failed(struct toll_error *error, const char *path, int errno_value)
{
    if (errno_value == ENOSPC || errno_value == EDQUOT)
        return toll_error_errno(
            error, TOLL_EIO, errno_value,
            "%s: cannot write: free some space there or choose another place, then run again", path);
    return toll_error_errno(error, TOLL_EIO, errno_value, "%s: cannot write", path);
}

int toll_file_write_failed(struct toll_error *error, const char *path, ssize_t result, int64_t byte)
{
    const int errno_value = result == 0 ? EIO : (int)-result;

    if (errno_value == ENOSPC || errno_value == EDQUOT)
        return write_failed(error, path, errno_value);
    return toll_error_errno(error, TOLL_EIO, errno_value, "%s: cannot write at byte %lld", path,
                            (long long)byte);
}

int toll_write_at(const struct toll_io *io, int fd, const char *path, const void *data, size_t bytes,
                  int64_t offset, struct toll_error *error)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t result =
            io->pwrite(io->context, fd, (const char *)data + done, bytes - done, offset + (int64_t)done);

        if (result == -EINTR)
            continue;
        if (result <= 0) /* a write of nothing would loop for ever */
            return toll_file_write_failed(error, path, result, offset + (int64_t)done);
        done += (size_t)result;
    }
    return 0;
}

int toll_write_file(const struct toll_io *io, int directory, const char *name, const void *data, size_t bytes,
                    struct toll_error *error)
{
    int fd, result, code;

    fd = open_again(io, directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return toll_error_errno(error, TOLL_ECREATE, -fd, "%s: cannot create", name);
    code = toll_write_at(io, fd, name, data, bytes, 0, error);
    if (code == 0) {
        result = fsync_again(io, fd);
        if (result < 0)
            code = write_failed(error, name, -result);
    }
    /* Network file systems may tell only now. After EINTR the descriptor is closed all the same. */
    result = io->close(io->context, fd);
    if (code == 0 && result < 0 && result != -EINTR)
        code = write_failed(error, name, -result);
    if (code != 0)
        io->unlinkat(io->context, directory, name, 0);
    return code;
}

/* Growing list of owned names. */
struct names {
    char **list;
    size_t count, capacity;
};

static bool names_add(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        char **list = capacity < NAMES_MAX ? realloc(names->list, capacity * sizeof *list) : NULL;

        if (list == NULL)
            return false;
        names->list = list;
        names->capacity = capacity;
    }
    names->list[names->count] = strdup(name);
    if (names->list[names->count] == NULL)
        return false;
    names->count++;
    return true;
}

static bool names_add_records(struct names *names, const char *buffer, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const struct dirent64 *record = (const void *)(buffer + at);

        if (strcmp(record->d_name, ".") != 0 && strcmp(record->d_name, "..") != 0 &&
            !names_add(names, record->d_name))
            return false;
        at += record->d_reclen;
    }
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int toll_list_directory(const struct toll_io *io, int directory, const char *path, char ***names,
                        size_t *count, struct toll_error *error)
{
    struct names found = {NULL, 0, 0};
    char *buffer = NULL;
    int fd, result, code = 0;

    *names = NULL;
    *count = 0;
    fd = toll_open_folder(io, directory, path, 0);
    if (fd < 0)
        return toll_error_errno(error, fd == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO, -fd, "%s: cannot open",
                                path);
    buffer = malloc(DIRENT_BUFFER_BYTES);
    if (buffer == NULL)
        code = out_of_memory(error, path);
    while (code == 0) {
        result = io->getdents(io->context, fd, buffer, DIRENT_BUFFER_BYTES);
        if (result == -EINTR)
            continue;
        if (result < 0)
            code = toll_error_errno(error, TOLL_EIO, -result, "%s: cannot list", path);
        if (result <= 0)
            break;
        if (!names_add_records(&found, buffer, (size_t)result))
            code = out_of_memory(error, path);
    }
    io->close(io->context, fd);
    free(buffer);
    if (code != 0) {
        toll_names_free(found.list, found.count);
        return code;
    }
    if (found.count > 1)
        qsort(found.list, found.count, sizeof *found.list, compare_names);
    *names = found.list;
    *count = found.count;
    return 0;
}

void toll_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}
