/*
 * Every file system call of the engine goes through one small table, so that tests can inject faults. Calls
 * return what the system call returns, or -errno; they never set errno as their only answer.
 */
#ifndef TOLL_IO_IO_H
#define TOLL_IO_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct toll_io {
    void *context;
    int (*openat)(void *context, int directory, const char *path, int flags, mode_t mode);
    int (*close)(void *context, int fd);
    ssize_t (*pread)(void *context, int fd, void *buffer, size_t bytes, int64_t offset);
    ssize_t (*pwrite)(void *context, int fd, const void *buffer, size_t bytes, int64_t offset);
    int (*fstat)(void *context, int fd, struct stat *out);
    int (*fstatat)(void *context, int directory, const char *path, struct stat *out, int flags);
    int (*ftruncate)(void *context, int fd, int64_t bytes);
    int (*fsync)(void *context, int fd);
    int (*mkdirat)(void *context, int directory, const char *path, mode_t mode);
    int (*unlinkat)(void *context, int directory, const char *path, int flags);
    int (*renameat)(void *context, int from_directory, const char *from, int to_directory, const char *to);
    /* flags as renameat2, for RENAME_NOREPLACE; -ENOSYS or -EINVAL where kernel or file system lack it. */
    int (*renameat2)(void *context, int from_directory, const char *from, int to_directory, const char *to,
                     unsigned flags);
    int (*flock)(void *context, int fd, int operation);
    int (*getdents)(void *context, int fd, void *buffer, size_t bytes); /* getdents64 */
    /* MAP_PRIVATE read-only; *out is the address. */
    int (*map)(void *context, int fd, size_t bytes, void **out);
    int (*unmap)(void *context, void *address, size_t bytes);
};

/* The real calls; const and shared by all threads. */
const struct toll_io *toll_io_system(void);

#endif
