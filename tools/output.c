/*
 * The buffered writer behind stdout and every -o FILE.
 *
 * A file is written as FILE.tmp beside its place, under a lock, and renamed when every byte is on the disk: a
 * reader never sees half a file, and a second writer of the same file is refused.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS_MOST 4096 /* above a file: paths are no deeper */
#define FILE_MODE 0640    /* call detail is confidential: owner writes, group reads */

static int fail(struct toll_error *error, int code, const char *what, const char *path, int number)
{
    if (error) {
        const bool full = number == ENOSPC || number == EDQUOT;
        error->code = code;
        snprintf(error->text, sizeof error->text, "%s %s: %s%s", what, path, strerror(number),
                 full ? "; free some space there or choose another place, then run again" : "");
    }
    return code;
}

int cmd_output_to_fd(struct cmd_output *out, int fd, struct toll_error *error)
{
    memset(out, 0, sizeof *out);
    out->fd = fd;
    out->buffer = malloc(CMD_OUTPUT_BYTES);
    return out->buffer ? 0 : fail(error, TOLL_ENOMEM, "cannot buffer", "output", ENOMEM);
}

/* Locks the temp file: 0, EWOULDBLOCK for another writer's, or what failed. One that another writer has just
 * renamed or removed is not ours, although its lock was free. */
static int lock_temp(int fd, const char *path)
{
    struct stat mine, named;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &mine) != 0)
        return errno;
    if (lstat(path, &named) != 0)
        return errno == ENOENT ? EWOULDBLOCK : errno;
    return mine.st_ino == named.st_ino && mine.st_dev == named.st_dev ? 0 : EWOULDBLOCK;
}

/* Does this folder hold a manifest of ours? Other programs may have files of these names. */
static bool is_ours(int folder)
{
    static const char *const manifests[] = {"dataset.json", "run.json"};
    for (int i = 0; i < 2; i++) {
        char text[256] = "";
        int fd = openat(folder, manifests[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        ssize_t bytes = fd < 0 ? 0 : pread(fd, text, sizeof text - 1, 0);
        if (fd >= 0)
            close(fd);
        if (bytes > 0 && strstr(text, "\"schema\": \"tollmill."))
            return true;
    }
    return false;
}

/* The folder of the file and all above it, by what they are, not by how the path is written. */
int cmd_output_outside(const char *path, struct toll_error *error)
{
    char *copy = strdup(path);
    if (!copy)
        return fail(error, TOLL_ENOMEM, "cannot write", path, ENOMEM);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    bool ours = false;
    for (int depth = 0; folder >= 0 && !ours && depth < FOLDERS_MOST; depth++) {
        struct stat here, above;
        ours = is_ours(folder);
        int up = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool top = up < 0 || fstat(folder, &here) != 0 || fstat(up, &above) != 0 ||
                   (here.st_ino == above.st_ino && here.st_dev == above.st_dev);
        close(folder);
        folder = up;
        if (top)
            break;
    }
    if (folder >= 0)
        close(folder);
    if (!ours)
        return 0;
    if (error) {
        error->code = TOLL_ECREATE;
        snprintf(error->text, sizeof error->text,
                 "%s would lie within a dataset or a run, which nothing may change; choose another place",
                 path);
    }
    return TOLL_ECREATE;
}

int cmd_output_to_file(struct cmd_output *out, const char *path, struct toll_error *error)
{
    int code = cmd_output_to_fd(out, -1, error);
    if (code < 0)
        return code;
    size_t bytes = strlen(path) + sizeof ".tollmill.tmp";
    out->path = strdup(path);
    out->temp_path = malloc(bytes);
    if (!out->path || !out->temp_path)
        return fail(error, TOLL_ENOMEM, "cannot write", path, ENOMEM);
    snprintf(out->temp_path, bytes, "%s.tollmill.tmp", path);
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode))
        return fail(error, TOLL_ECREATE, "will not replace what is no regular file:", path, EEXIST);
    code = cmd_output_outside(path, error);
    if (code < 0)
        return code;
    /* O_NONBLOCK: a named pipe that stands there is refused and must not hang here. */
    int fd = open(out->temp_path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return fail(error, TOLL_ECREATE, "cannot create", out->temp_path, errno);
    if (fstat(fd, &old) != 0 || !S_ISREG(old.st_mode) || old.st_nlink > 1) {
        close(fd);
        return fail(error, TOLL_ECREATE, "is in the way, and no unfinished file of ours:", out->temp_path,
                    EEXIST);
    }
    const int refused = lock_temp(fd, out->temp_path);
    if (refused != 0) {
        close(fd);
        return refused == EWOULDBLOCK ? fail(error, TOLL_ELOCKED, "another process is writing", path, refused)
                                      : fail(error, TOLL_EIO, "cannot lock", out->temp_path, refused);
    }
    out->fd = fd;
    if (ftruncate(fd, 0) != 0 || fchmod(fd, FILE_MODE) != 0)
        return fail(error, TOLL_EIO, "cannot write", out->temp_path, errno);
    return 0;
}

static void write_all(struct cmd_output *out, const char *bytes, size_t count)
{
    while (count > 0 && out->failure == 0) {
        ssize_t done = write(out->fd, bytes, count);
        if (done > 0) {
            bytes += done;
            count -= (size_t)done;
            out->written_bytes += done;
        } else if (done == 0 || errno != EINTR) {
            out->failure = done == 0 ? EIO : errno;
        }
    }
}

void cmd_output_flush(struct cmd_output *out)
{
    write_all(out, out->buffer, out->used);
    out->used = 0;
}

void cmd_put_slow(struct cmd_output *out, const char *bytes, size_t count)
{
    cmd_output_flush(out);
    if (count > CMD_OUTPUT_BYTES)
        write_all(out, bytes, count);
    else
        cmd_put(out, bytes, count);
}

void cmd_put_format(struct cmd_output *out, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    cmd_put(out, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

void cmd_put_integer(struct cmd_output *out, int64_t value)
{
    char text[24];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    cmd_put(out, at, (size_t)(text + sizeof text - at));
}

static int sync_parent(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return ENOMEM;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failure = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    free(copy);
    return failure;
}

int cmd_output_commit(struct cmd_output *out, struct toll_error *error)
{
    cmd_output_flush(out);
    const char *name = out->path ? out->path : "the standard output";
    if (out->path && out->failure == 0 && fsync(out->fd) != 0)
        out->failure = errno;
    if (out->failure != 0)
        return fail(error, TOLL_EIO, "cannot write", name, out->failure);
    if (!out->path)
        return 0;
    if (rename(out->temp_path, out->path) != 0)
        return fail(error, TOLL_EIO, "cannot replace", out->path, errno);
    free(out->temp_path);
    out->temp_path = NULL;
    int failure = sync_parent(out->path);
    return failure ? fail(error, TOLL_EIO, "cannot sync the folder of", out->path, failure) : 0;
}

void cmd_output_close(struct cmd_output *out)
{
    if (out->path && out->fd >= 0) {
        if (out->temp_path)
            unlink(out->temp_path);
        close(out->fd);
    }
    free(out->buffer);
    free(out->path);
    free(out->temp_path);
    memset(out, 0, sizeof *out);
    out->fd = -1;
}

int cmd_output_check(const char *path, struct toll_error *error)
{
    struct cmd_output out;
    const int code = cmd_output_to_file(&out, path, error);
    cmd_output_close(&out);
    return code;
}
