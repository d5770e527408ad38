#include "ingest/spill.h"

#include "base/error.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define NAME ".tollmill-spill.tmp"
#define FILE_MODE 0600

static int open_again(const struct toll_io *io, int folder, const char *name, int flags)
{
    int fd;

    do
        fd = io->openat(io->context, folder, name, flags, FILE_MODE);
    while (fd == -EINTR);
    return fd;
}

static int make_file(const struct toll_io *io, int folder)
{
    int removed, fd = open_again(io, folder, ".", O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC);

    if (fd != -EOPNOTSUPP && fd != -EISDIR && fd != -EINVAL && fd != -ENOENT)
        return fd;
    (void)io->unlinkat(io->context, folder, NAME, 0); /* of a killed import */
    fd = open_again(io, folder, NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return fd;
    removed = io->unlinkat(io->context, folder, NAME, 0);
    if (removed == 0 || removed == -ENOENT) /* another import may have taken it away */
        return fd;
    io->close(io->context, fd);
    return removed;
}

/* The folder that path lies in. */
static char *parent_of(const char *path)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    return length == 0 ? strdup(".") : strndup(path, length);
}

int toll_spill_open(struct toll_spill *spill, const struct toll_io *io, const char *dataset_path,
                    struct toll_error *error)
{
    int folder = toll_open_folder(io, AT_FDCWD, dataset_path, 0), fd;

    *spill = (struct toll_spill){.fd = -1, .path = strdup(dataset_path)};
    if (folder == -ENOENT) {
        free(spill->path);
        spill->path = parent_of(dataset_path);
        folder = spill->path == NULL ? -ENOMEM : toll_open_folder(io, AT_FDCWD, spill->path, 0);
    }
    if (spill->path == NULL || folder == -ENOMEM) {
        if (folder >= 0)
            io->close(io->context, folder);
        toll_spill_close(spill);
        return toll_error_set(error, TOLL_ENOMEM, "import: out of memory");
    }
    fd = folder < 0 ? folder : make_file(io, folder);
    if (folder >= 0)
        io->close(io->context, folder);
    if (fd < 0) {
        toll_error_errno(error, TOLL_ECREATE, -fd,
                         "%s: cannot make a file for rows that do not fit into memory; "
                         "see to the folder, or allow more --memory",
                         spill->path);
        toll_spill_close(spill);
        return TOLL_ECREATE;
    }
    spill->io = io;
    spill->fd = fd;
    return 0;
}

void toll_spill_close(struct toll_spill *spill)
{
    if (spill->io != NULL)
        spill->io->close(spill->io->context, spill->fd);
    free(spill->path);
    memset(spill, 0, sizeof *spill);
}

int64_t toll_spill_reserve(struct toll_spill *spill, size_t bytes)
{
    return atomic_fetch_add(&spill->end, (int64_t)bytes);
}

int toll_spill_write(struct toll_spill *spill, const void *data, size_t bytes, int64_t offset,
                     struct toll_error *error)
{
    return toll_write_at(spill->io, spill->fd, spill->path, data, bytes, offset, error);
}

int toll_spill_read(const struct toll_spill *spill, void *data, size_t bytes, int64_t offset,
                    struct toll_error *error)
{
    struct toll_file file = {.io = spill->io, .path = spill->path, .fd = spill->fd, .direct = -1};

    return toll_file_read(&file, data, bytes, offset, error);
}

int toll_spill_damaged(const struct toll_spill *spill, struct toll_error *error)
{
    return toll_error_set(
        error, TOLL_EIO,
        "%s: the disk gave back other bytes than were written to it; check the device, then "
        "import again",
        spill->path);
}
