/*
 * Publishing and locking. The lock lives on the directory itself, so that the kernel frees it when its holder
 * dies and nothing has to be cleaned up by hand. After getting a lock one must look whether the name still
 * leads to what was locked: the former holder may have published or removed it in between.
 */
#include "io/publish.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define DIRECTORY_MODE 0750
#define TEMP_SUFFIX ".tmp"                 /* of a file */
#define TEMP_FOLDER_SUFFIX ".tollmill.tmp" /* it is wiped when found: a name that nobody else uses */
#define LOCK_TRIES 16                      /* each failure means that another run finished just now */
#define TREE_DEPTH_MAX 100                 /* our outputs are three deep; a descriptor is open per level */

static int fsync_directory(const struct toll_io *io, int directory, const char *path,
                           struct toll_error *error)
{
    int result;

    do
        result = io->fsync(io->context, directory);
    while (result == -EINTR);
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot make the folder durable", path);
    return 0;
}

static int remove_contents(const struct toll_io *io, int directory, int depth, struct toll_error *error);

static int remove_entry(const struct toll_io *io, int directory, const char *name, int depth,
                        struct toll_error *error)
{
    struct stat status;
    int fd, code, result = io->fstatat(io->context, directory, name, &status, AT_SYMLINK_NOFOLLOW);

    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot remove", name);
    if (S_ISDIR(status.st_mode)) {
        fd = toll_open_folder(io, directory, name, O_NOFOLLOW);
        if (fd < 0)
            return toll_error_errno(error, TOLL_EIO, -fd, "%s: cannot remove", name);
        code = remove_contents(io, fd, depth + 1, error);
        io->close(io->context, fd);
        if (code != 0)
            return code;
    }
    result = io->unlinkat(io->context, directory, name, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
    if (result < 0 && result != -ENOENT)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot remove", name);
    return 0;
}

static int remove_contents(const struct toll_io *io, int directory, int depth, struct toll_error *error)
{
    char **names;
    size_t count;
    int code;

    if (depth > TREE_DEPTH_MAX)
        return toll_error_set(error, TOLL_EIO, "folders nested deeper than %d: not ours, remove them by hand",
                              TREE_DEPTH_MAX);
    code = toll_list_directory(io, directory, ".", &names, &count, error);
    for (size_t i = 0; i < count && code == 0; i++)
        code = remove_entry(io, directory, names[i], depth, error);
    toll_names_free(names, count);
    return code;
}

int toll_remove_tree(const struct toll_io *io, int directory, const char *name, struct toll_error *error)
{
    return remove_entry(io, directory, name, 0, error);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* The path without slashes at its end, and the same with the suffix. */
static int make_paths(struct toll_publish *publish, const char *path, struct toll_error *error)
{
    size_t length = strlen(path);
    const char *name;

    while (length > 1 && path[length - 1] == '/')
        length--;
    publish->final_path = strndup(path, length);
    if (publish->final_path == NULL ||
        asprintf(&publish->temp_path, "%s" TEMP_FOLDER_SUFFIX, publish->final_path) < 0) {
        publish->temp_path = NULL;
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", path);
    }
    name = last_name(publish->final_path);
    if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return toll_error_set(error, TOLL_ECREATE, "'%s' does not name a new folder; give the output a name",
                              path);
    return 0;
}

static int open_parent(struct toll_publish *publish, struct toll_error *error)
{
    const char *name = last_name(publish->final_path);
    size_t length = (size_t)(name - publish->final_path);
    char *parent = length == 0 ? strdup(".") : strndup(publish->final_path, length);

    if (parent == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", publish->final_path);
    publish->parent = toll_open_folder(publish->io, AT_FDCWD, parent, 0);
    free(parent);
    if (publish->parent >= 0)
        return 0;
    return toll_error_errno(error, TOLL_ECREATE, -publish->parent,
                            "%s: the folder it would lie in cannot be opened%s", publish->final_path,
                            publish->parent == -ENOENT ? "; make it first" : "");
}

static int refuse_existing(const struct toll_publish *publish, struct toll_error *error)
{
    struct stat status;
    int result = publish->io->fstatat(publish->io->context, publish->parent, last_name(publish->final_path),
                                      &status, AT_SYMLINK_NOFOLLOW);

    if (result == -ENOENT)
        return 0;
    if (result < 0)
        return toll_error_errno(error, TOLL_ECREATE, -result, "%s: cannot look at it", publish->final_path);
    return toll_error_set(error, TOLL_ECREATE,
                          "%s: exists already and is never overwritten; choose another output or remove it",
                          publish->final_path);
}

/* 1 locked, 0 the name leads elsewhere by now: try again, or an error. The fd is closed unless locked. */
static int lock_opened(const struct toll_io *io, int fd, int parent, const char *name, const char *path,
                       struct toll_error *error)
{
    struct stat locked, named;
    int result, code = 1;

    do
        result = io->flock(io->context, fd, LOCK_EX | LOCK_NB);
    while (result == -EINTR);
    if (result == -EWOULDBLOCK)
        code =
            toll_error_set(error, TOLL_ELOCKED, "%s: another run is working on it; wait for its end", path);
    else if (result < 0)
        code = toll_error_errno(error, TOLL_EIO, -result, "%s: cannot lock", path);
    if (code == 1) {
        result = io->fstat(io->context, fd, &locked);
        if (result == 0)
            result = io->fstatat(io->context, parent, name, &named, 0);
        if (result < 0 && result != -ENOENT)
            code = toll_error_errno(error, TOLL_EIO, -result, "%s: cannot look at it", path);
        else if (result < 0 || locked.st_dev != named.st_dev || locked.st_ino != named.st_ino)
            code = 0;
    }
    if (code != 1)
        io->close(io->context, fd);
    return code;
}

/* Makes or takes over OUT.tollmill.tmp and locks it. */
static int lock_temp(struct toll_publish *publish, struct toll_error *error)
{
    const struct toll_io *io = publish->io;
    const char *name = last_name(publish->temp_path);

    for (int attempt = 0; attempt < LOCK_TRIES; attempt++) {
        int code, fd, result = io->mkdirat(io->context, publish->parent, name, DIRECTORY_MODE);

        if (result < 0 && result != -EEXIST)
            return toll_error_errno(error, TOLL_ECREATE, -result, "%s: cannot create", publish->temp_path);
        fd = toll_open_folder(io, publish->parent, name, O_NOFOLLOW);
        if (fd == -ENOENT)
            continue;
        if (fd == -ENOTDIR || fd == -ELOOP)
            return toll_error_errno(error, TOLL_ECREATE, -fd,
                                    "%s: is in the way of the output and no folder of ours; remove it",
                                    publish->temp_path);
        code = fd < 0 ? toll_error_errno(error, TOLL_ECREATE, -fd, "%s: cannot open", publish->temp_path)
                      : lock_opened(io, fd, publish->parent, name, publish->temp_path, error);
        if (code == 1) {
            publish->directory = fd;
            return 0;
        }
        if (code != 0 && code != TOLL_ELOCKED && result == 0) /* made here, and empty */
            io->unlinkat(io->context, publish->parent, name, AT_REMOVEDIR);
        if (code != 0)
            return code;
    }
    return toll_error_set(error, TOLL_ELOCKED, "%s: other runs keep working on it; wait for their end",
                          publish->temp_path);
}

int toll_publish_begin(struct toll_publish *publish, const struct toll_io *io, const char *path,
                       struct toll_error *error)
{
    struct toll_error reason;
    int code;

    *publish = (struct toll_publish){.io = io, .parent = -1, .directory = -1};
    code = make_paths(publish, path, error);
    if (code == 0)
        code = open_parent(publish, error);
    if (code == 0)
        code = refuse_existing(publish, error);
    if (code == 0)
        code = lock_temp(publish, error);
    /* Again under the lock: whoever held it before may have published. */
    if (code == 0)
        code = refuse_existing(publish, error);
    if (code == 0) {
        code = remove_contents(io, publish->directory, 0, &reason);
        if (code != 0)
            toll_error_set(error, code, "%s/%s", publish->temp_path, reason.text);
    }
    if (code != 0)
        toll_publish_end(publish);
    return code;
}

static int rename_new(const struct toll_publish *publish)
{
    const struct toll_io *io = publish->io;
    const char *from = last_name(publish->temp_path), *to = last_name(publish->final_path);
    struct stat status;
    int result;

    result = io->renameat2(io->context, publish->parent, from, publish->parent, to, RENAME_NOREPLACE);
    if (result != -ENOSYS && result != -EINVAL)
        return result;
    /* Without the flag a plain rename still never replaces a folder that has anything in it. */
    result = io->fstatat(io->context, publish->parent, to, &status, AT_SYMLINK_NOFOLLOW);
    if (result != -ENOENT)
        return result < 0 ? result : -EEXIST;
    return io->renameat(io->context, publish->parent, from, publish->parent, to);
}

int toll_publish_commit(struct toll_publish *publish, struct toll_error *error)
{
    int result, code = fsync_directory(publish->io, publish->directory, publish->temp_path, error);

    if (code != 0)
        return code;
    result = rename_new(publish);
    if (result == -EEXIST || result == -ENOTEMPTY)
        return toll_error_set(error, TOLL_ECREATE,
                              "%s: came into being while the run worked; remove it or choose another output",
                              publish->final_path);
    if (result < 0)
        return toll_error_errno(error, TOLL_EIO, -result, "%s: cannot publish", publish->final_path);
    publish->published = true;
    do
        result = publish->io->fsync(publish->io->context, publish->parent);
    while (result == -EINTR);
    if (result == 0)
        return 0;
    return toll_error_errno(
        error, TOLL_EIO, -result,
        "%s: is there and complete, but its name may not last: the folder it lies in cannot be "
        "brought to disk; check the device",
        publish->final_path);
}

void toll_publish_end(struct toll_publish *publish)
{
    const struct toll_io *io = publish->io;

    if (io == NULL)
        return;
    if (publish->directory >= 0) {
        /* Best effort: what stays is wiped by the next run, as after a kill. */
        if (!publish->published && remove_contents(io, publish->directory, 0, NULL) == 0)
            io->unlinkat(io->context, publish->parent, last_name(publish->temp_path), AT_REMOVEDIR);
        io->close(io->context, publish->directory);
    }
    if (publish->parent >= 0)
        io->close(io->context, publish->parent);
    free(publish->final_path);
    free(publish->temp_path);
    memset(publish, 0, sizeof *publish);
}

/* Makes the entry of a new directory durable; the parent is what ".." of the open directory is. */
static int fsync_parent_of(const struct toll_io *io, int directory, const char *path,
                           struct toll_error *error)
{
    int code, parent = toll_open_folder(io, directory, "..", 0);

    if (parent < 0)
        return toll_error_errno(error, TOLL_EIO, -parent, "%s: cannot open its parent", path);
    code = fsync_directory(io, parent, path, error);
    io->close(io->context, parent);
    return code;
}

int toll_lock_directory(const struct toll_io *io, const char *path, bool create, int *directory,
                        struct toll_error *error)
{
    *directory = -1;
    for (int attempt = 0; attempt < LOCK_TRIES; attempt++) {
        int code, fd, made = -EEXIST;

        if (create)
            made = io->mkdirat(io->context, AT_FDCWD, path, DIRECTORY_MODE);
        if (made < 0 && made != -EEXIST)
            return toll_error_errno(error, TOLL_ECREATE, -made, "%s: cannot create%s", path,
                                    made == -ENOENT ? "; make the folder it would lie in first" : "");
        fd = toll_open_folder(io, AT_FDCWD, path, 0);
        if (fd == -ENOENT && create)
            continue;
        if (fd == -ENOTDIR && create)
            return toll_error_set(error, TOLL_ECREATE,
                                  "%s: is a file where a folder is to be; give the output another name",
                                  path);
        if (fd < 0)
            return toll_error_errno(error, fd == -ENOENT ? TOLL_ENOINPUT : TOLL_EIO, -fd, "%s: cannot open",
                                    path);
        code = lock_opened(io, fd, AT_FDCWD, path, path, error);
        if (code < 0)
            return code;
        if (code == 0)
            continue;
        code = made == 0 ? fsync_parent_of(io, fd, path, error) : 0;
        if (code != 0) {
            io->close(io->context, fd);
            return code;
        }
        *directory = fd;
        return 0;
    }
    return toll_error_set(error, TOLL_ELOCKED, "%s: keeps being replaced by other runs; wait for their end",
                          path);
}

void toll_unlock_directory(const struct toll_io *io, int directory)
{
    /* The last descriptor of the open file drops the lock. */
    if (directory >= 0)
        io->close(io->context, directory);
}

int toll_replace_file(const struct toll_io *io, int directory, const char *name, const void *data,
                      size_t bytes, struct toll_error *error)
{
    char *temp = NULL;
    int code, result;

    if (asprintf(&temp, "%s" TEMP_SUFFIX, name) < 0)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", name);
    result = io->unlinkat(io->context, directory, temp, 0); /* what a killed run left; never a folder */
    code = result < 0 && result != -ENOENT
               ? toll_error_errno(error, TOLL_ECREATE, -result, "%s: is in the way; remove it", temp)
               : 0;
    if (code == 0)
        code = toll_write_file(io, directory, temp, data, bytes, error);
    if (code == 0) {
        result = io->renameat(io->context, directory, temp, directory, name);
        if (result < 0) {
            code = result == -EISDIR ? toll_error_set(error, TOLL_ECREATE,
                                                      "%s: is a folder; give the output another name", name)
                                     : toll_error_errno(error, TOLL_EIO, -result, "%s: cannot replace", name);
            io->unlinkat(io->context, directory, temp, 0);
        }
    }
    if (code == 0)
        code = fsync_directory(io, directory, name, error);
    free(temp);
    return code;
}
