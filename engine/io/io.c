/* The real system calls behind struct toll_io, one line each: no retry and no policy, those are file.c's and
 * bulk.c's. The ring is in ring.c. */
#include "io/io.h"

#include "io/ring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

static int answer(int result)
{
    return result < 0 ? -errno : result;
}

static int system_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    (void)context;
    return answer(openat(directory, path, flags, mode));
}

static int system_close(void *context, int fd)
{
    (void)context;
    return answer(close(fd));
}

static ssize_t system_pread(void *context, int fd, void *buffer, size_t bytes, int64_t offset)
{
    ssize_t result = pread(fd, buffer, bytes, offset);

    (void)context;
    return result < 0 ? -errno : result;
}

static ssize_t system_pwrite(void *context, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    ssize_t result = pwrite(fd, buffer, bytes, offset);

    (void)context;
    return result < 0 ? -errno : result;
}

static int system_fstat(void *context, int fd, struct stat *out)
{
    (void)context;
    return answer(fstat(fd, out));
}

static int system_fstatat(void *context, int directory, const char *path, struct stat *out, int flags)
{
    (void)context;
    return answer(fstatat(directory, path, out, flags));
}

static int system_ftruncate(void *context, int fd, int64_t bytes)
{
    (void)context;
    return answer(ftruncate(fd, bytes));
}

static int system_fsync(void *context, int fd)
{
    (void)context;
    return answer(fsync(fd));
}

static int system_mkdirat(void *context, int directory, const char *path, mode_t mode)
{
    (void)context;
    return answer(mkdirat(directory, path, mode));
}

static int system_unlinkat(void *context, int directory, const char *path, int flags)
{
    (void)context;
    return answer(unlinkat(directory, path, flags));
}

static int system_renameat(void *context, int from_directory, const char *from, int to_directory,
                           const char *to)
{
    (void)context;
    return answer(renameat(from_directory, from, to_directory, to));
}

static int system_renameat2(void *context, int from_directory, const char *from, int to_directory,
                            const char *to, unsigned flags)
{
    (void)context;
    return answer(renameat2(from_directory, from, to_directory, to, flags));
}

static int system_flock(void *context, int fd, int operation)
{
    (void)context;
    return answer(flock(fd, operation));
}

static int system_getdents(void *context, int fd, void *buffer, size_t bytes)
{
    (void)context;
    return answer((int)getdents64(fd, buffer, bytes));
}

static int system_map(void *context, int fd, size_t bytes, void **out)
{
    void *address = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);

    (void)context;
    if (address == MAP_FAILED)
        return -errno;
    *out = address;
    return 0;
}

static int system_unmap(void *context, void *address, size_t bytes)
{
    (void)context;
    return answer(munmap(address, bytes));
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static int system_populate(void *context, const void *address, size_t bytes)
{
    (void)context;
    return answer(madvise((void *)(uintptr_t)address, bytes, MADV_POPULATE_READ));
}

static int system_fallocate(void *context, int fd, int64_t offset, int64_t bytes)
{
    (void)context;
    return answer(fallocate(fd, 0, offset, bytes));
}

/*
 * Asks about some windows of the file only, so that it costs the same for a file of any size. To somebody who
 * could not write the file the kernel says that all of it is there: then it is read as if it were.
 */
#define WINDOWS 32
#define WINDOW_PAGES 64

static int system_resident(void *context, int fd, int64_t bytes)
{
    const int64_t page_bytes = sysconf(_SC_PAGESIZE), pages = (bytes + page_bytes - 1) / page_bytes;
    int64_t asked = 0, found = 0, step;
    unsigned char *address;
    int result = 0;

    (void)context;
    if (bytes <= 0)
        return 100;
    address = mmap(NULL, (size_t)bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED)
        return -errno;
    step = pages / WINDOWS > WINDOW_PAGES ? pages / WINDOWS : WINDOW_PAGES;
    for (int64_t first = 0; first < pages && result == 0; first += step) {
        unsigned char state[WINDOW_PAGES];
        const int64_t count = pages - first < WINDOW_PAGES ? pages - first : WINDOW_PAGES;

        result = answer(mincore(address + first * page_bytes, (size_t)(count * page_bytes), state));
        for (int64_t i = 0; i < count && result == 0; i++)
            found += state[i] & 1;
        asked += count;
    }
    munmap(address, (size_t)bytes);
    return result < 0 ? result : (int)(found * 100 / asked);
}

const struct toll_io *toll_io_system(void)
{
    static const struct toll_io system = {
        .openat = system_openat,
        .close = system_close,
        .pread = system_pread,
        .pwrite = system_pwrite,
        .fstat = system_fstat,
        .fstatat = system_fstatat,
        .ftruncate = system_ftruncate,
        .fsync = system_fsync,
        .mkdirat = system_mkdirat,
        .unlinkat = system_unlinkat,
        .renameat = system_renameat,
        .renameat2 = system_renameat2,
        .flock = system_flock,
        .getdents = system_getdents,
        .map = system_map,
        .unmap = system_unmap,
        .populate = system_populate,
        .fallocate = system_fallocate,
        .resident = system_resident,
        .ring_open = toll_ring_open,
        .ring_register = toll_ring_register,
        .ring_submit = toll_ring_submit,
        .ring_wait = toll_ring_wait,
        .ring_close = toll_ring_close,
    };

    return &system;
}
