/* The system's calls, of which one, or all from one on, fail with a given errno. Counts open descriptors, so
 * that a test can see that none is left. */
#ifndef TOLL_TESTS_FAULTY_IO_H
#define TOLL_TESTS_FAULTY_IO_H

#include "io/io.h"

#include <stdbool.h>

struct faulty_io {
    struct toll_io io;         /* give this to the engine */
    int calls, fail_at, error; /* error: -EIO and such */
    bool for_ever;             /* every call from fail_at on */
    int open;
};

static inline bool faulty_now(struct faulty_io *faulty)
{
    const int call = faulty->calls++;
    return faulty->error < 0 && (call == faulty->fail_at || (faulty->for_ever && call > faulty->fail_at));
}

static inline int faulty_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    if (faulty_now(faulty))
        return faulty->error;
    const int fd = io->openat(io->context, directory, path, flags, mode);
    faulty->open += fd >= 0;
    return fd;
}

/* Closes in any case, as the kernel does. */
static inline int faulty_close(void *context, int fd)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const bool fails = faulty_now(faulty);
    faulty->open--;
    const int rc = io->close(io->context, fd);
    return fails ? faulty->error : rc;
}

#define FAULTY_CALL(type, name, parameters, ...)                                        \
    static inline type faulty_##name parameters                                         \
    {                                                                                   \
        struct faulty_io *faulty = context;                                             \
        const struct toll_io *io = toll_io_system();                                    \
        return faulty_now(faulty) ? faulty->error : io->name(io->context, __VA_ARGS__); \
    }
FAULTY_CALL(ssize_t, pread, (void *context, int fd, void *buffer, size_t bytes, int64_t offset), fd, buffer,
            bytes, offset)
FAULTY_CALL(ssize_t, pwrite, (void *context, int fd, const void *buffer, size_t bytes, int64_t offset), fd,
            buffer, bytes, offset)
FAULTY_CALL(int, fstat, (void *context, int fd, struct stat *out), fd, out)
FAULTY_CALL(int, fstatat, (void *context, int directory, const char *path, struct stat *out, int flags),
            directory, path, out, flags)
FAULTY_CALL(int, ftruncate, (void *context, int fd, int64_t bytes), fd, bytes)
FAULTY_CALL(int, fsync, (void *context, int fd), fd)
FAULTY_CALL(int, mkdirat, (void *context, int directory, const char *path, mode_t mode), directory, path,
            mode)
FAULTY_CALL(int, unlinkat, (void *context, int directory, const char *path, int flags), directory, path,
            flags)
FAULTY_CALL(int, renameat,
            (void *context, int from_directory, const char *from, int to_directory, const char *to),
            from_directory, from, to_directory, to)
FAULTY_CALL(int, flock, (void *context, int fd, int operation), fd, operation)
FAULTY_CALL(int, getdents, (void *context, int fd, void *buffer, size_t bytes), fd, buffer, bytes)
FAULTY_CALL(int, map, (void *context, int fd, size_t bytes, void **out), fd, bytes, out)
#undef FAULTY_CALL

static inline void faulty_io_init(struct faulty_io *faulty, int fail_at, int error, bool for_ever)
{
    *faulty =
        (struct faulty_io){.io = *toll_io_system(), .fail_at = fail_at, .error = error, .for_ever = for_ever};
    faulty->io.context = faulty;
    faulty->io.openat = faulty_openat;
    faulty->io.close = faulty_close;
    faulty->io.pread = faulty_pread;
    faulty->io.pwrite = faulty_pwrite;
    faulty->io.fstat = faulty_fstat;
    faulty->io.fstatat = faulty_fstatat;
    faulty->io.ftruncate = faulty_ftruncate;
    faulty->io.fsync = faulty_fsync;
    faulty->io.mkdirat = faulty_mkdirat;
    faulty->io.unlinkat = faulty_unlinkat;
    faulty->io.renameat = faulty_renameat;
    faulty->io.flock = faulty_flock;
    faulty->io.getdents = faulty_getdents;
    faulty->io.map = faulty_map;
}

#endif
