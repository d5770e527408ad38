/*
 * Every file system call of the engine goes through one small table, so that tests can inject faults. Calls
 * return what the system call returns, or -errno; they never set errno as their only answer.
 */
#ifndef TOLL_IO_IO_H
#define TOLL_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct toll_ring;
struct toll_ring_operation {
    bool write;
    int fd;
    int buffer_index; /* of the registered buffer that holds all of `buffer`, or -1 */
    void *buffer;
    uint32_t bytes;
    int64_t offset;
    uint64_t tag; /* comes back with the answer */
};
struct toll_ring_answer {
    uint64_t tag;
    int32_t result; /* bytes done, fewer than asked for are no error; or -errno */
};

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
    /* Brings pages of a map into memory; -EFAULT where that would be a SIGBUS (the file shrank, the device
     * failed), -EINVAL on kernels that do not know how. */
    int (*populate)(void *context, const void *address, size_t bytes);
    /* Reserves the space of a new file, so that a full disk shows before the work; -EOPNOTSUPP, -ENOSYS where
     * the file system cannot. */
    int (*fallocate)(void *context, int fd, int64_t offset, int64_t bytes);
    /* How much of a file is in the page cache, in percent, from a sample. */
    int (*resident)(void *context, int fd, int64_t bytes);

    /*
     * A ring: transfers that the kernel does while we compute. One ring belongs to one thread. ring_open is
     * -ENOSYS, -EPERM, -ENOMEM, ... where the system has or allows none. ring_submit gives as many operations
     * to the kernel as it returns (in order, at least 1) or fails with none given. ring_wait waits for at
     * least `least` of them (0: only looks) and fills up to `room` answers, in any order. ring_close waits
     * until the kernel has let go of every buffer, whatever failed before.
     */
    int (*ring_open)(void *context, unsigned entries, struct toll_ring **ring);
    /* Buffers that operations will name; a refusal (locked memory limit) only makes them slower. */
    int (*ring_register)(void *context, struct toll_ring *ring, const struct iovec *buffers, unsigned count);
    int (*ring_submit)(void *context, struct toll_ring *ring, const struct toll_ring_operation *operations,
                       unsigned count);
    int (*ring_wait)(void *context, struct toll_ring *ring, struct toll_ring_answer *answers, unsigned room,
                     unsigned least);
    void (*ring_close)(void *context, struct toll_ring *ring);
};

/* The real calls; const and shared by all threads. */
const struct toll_io *toll_io_system(void);

#endif
