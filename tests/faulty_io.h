/*
 * The system's calls, of which some fail on purpose. Three modes: the call with number fail_at fails once, or
 * it and all after it, with an errno given or with the choice-th that suits the call (faulty_kinds); or a
 * seed decides at each call, and reads, writes and listings also come back short. Counts descriptors and
 * maps, so that a test sees that none is left. Any number of threads; with one, the numbers are always the
 * same.
 */
#ifndef TOLL_TESTS_FAULTY_IO_H
#define TOLL_TESTS_FAULTY_IO_H

#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>

enum faulty_call {
    FAULTY_OPENAT,
    FAULTY_CREATE, /* openat with O_CREAT */
    FAULTY_CLOSE,
    FAULTY_CLOSE_CREATED, /* of a file that was created: some systems tell only now that a write failed */
    FAULTY_PREAD,
    FAULTY_PWRITE,
    FAULTY_FSTAT,
    FAULTY_FSTATAT,
    FAULTY_FTRUNCATE,
    FAULTY_FSYNC,
    FAULTY_MKDIRAT,
    FAULTY_UNLINKAT,
    FAULTY_RENAMEAT,
    FAULTY_RENAMEAT2,
    FAULTY_FLOCK,
    FAULTY_GETDENTS,
    FAULTY_MAP,
    FAULTY_UNMAP,
    FAULTY_POPULATE,
    FAULTY_FALLOCATE,
    FAULTY_RESIDENT,
    FAULTY_RING_OPEN,
    FAULTY_RING_REGISTER,
    FAULTY_RING_SUBMIT,
    FAULTY_RING_WAIT,
    FAULTY_RING_ANSWER, /* each answer of the kernel */
    FAULTY_CALLS
};

#define FAULTY_CHOICES 5
#define FAULTY_DESCRIPTORS 1024 /* beyond these a new file's close is any close */
struct faulty_kind {
    const char *name;
    int errors[FAULTY_CHOICES];   /* what this call really answers; errors[0] is the worst */
    int harmless[FAULTY_CHOICES]; /* answers that must not change the outcome: try again, or do without */
    bool needed; /* without it there is no result, or none that lasts; the others may have a substitute */
};

static inline const struct faulty_kind *faulty_kind(enum faulty_call call)
{
    static const struct faulty_kind kinds[FAULTY_CALLS] = {
        [FAULTY_OPENAT] = {"openat", {EIO, EACCES, EMFILE, ENOMEM}, {EINTR}},
        [FAULTY_CREATE] = {"create", {ENOSPC, EACCES, EMFILE, EROFS, EIO}, {EINTR}, true},
        [FAULTY_CLOSE] = {"close", {EIO}, {EINTR}},
        [FAULTY_CLOSE_CREATED] = {"close of a new file", {EIO, ENOSPC, EDQUOT}, {EINTR}, true},
        [FAULTY_PREAD] = {"pread", {EIO, EAGAIN}, {EINTR}, true},
        [FAULTY_PWRITE] = {"pwrite", {EIO, ENOSPC, EDQUOT, EFBIG}, {EINTR}, true},
        [FAULTY_FSTAT] = {"fstat", {EIO, ENOMEM}, {0}},
        [FAULTY_FSTATAT] = {"fstatat", {EIO, EACCES, ENOMEM}, {0}},
        [FAULTY_FTRUNCATE] = {"ftruncate", {EIO, ENOSPC}, {EINTR}, true},
        [FAULTY_FSYNC] = {"fsync", {EIO, ENOSPC}, {EINTR}, true},
        [FAULTY_MKDIRAT] = {"mkdirat", {ENOSPC, EACCES, EROFS, EIO}, {0}, true},
        [FAULTY_UNLINKAT] = {"unlinkat", {EIO, EACCES, EBUSY}, {0}},
        [FAULTY_RENAMEAT] = {"renameat", {EIO, ENOSPC, EACCES}, {0}, true},
        [FAULTY_RENAMEAT2] = {"renameat2", {EIO, ENOSPC, EACCES}, {ENOSYS, EINVAL}, true},
        [FAULTY_FLOCK] = {"flock", {ENOLCK, EWOULDBLOCK}, {EINTR}, true},
        [FAULTY_GETDENTS] = {"getdents", {EIO}, {EINTR}, true},
        [FAULTY_MAP] = {"map", {ENOMEM, EAGAIN, EACCES}, {0}},
        [FAULTY_UNMAP] = {"unmap", {ENOMEM}, {0}},
        [FAULTY_POPULATE] = {"populate", {EFAULT}, {EINVAL}},
        [FAULTY_FALLOCATE] = {"fallocate", {ENOSPC, EIO}, {EINTR, EOPNOTSUPP, ENOSYS}},
        [FAULTY_RESIDENT] = {"resident", {EIO}, {ENOSYS}},
        [FAULTY_RING_OPEN] = {"ring_open", {ENOMEM}, {EPERM, ENOSYS}},
        [FAULTY_RING_REGISTER] = {"ring_register", {ENOMEM}, {ENOMEM}},
        [FAULTY_RING_SUBMIT] = {"ring_submit", {EIO}, {EINTR, EAGAIN}},
        [FAULTY_RING_WAIT] = {"ring_wait", {EIO}, {EINTR}},
        [FAULTY_RING_ANSWER] = {"ring answer", {EIO, ENOSPC}, {EINTR, EAGAIN}, true},
    };
    return &kinds[call];
}

struct faulty_io {
    struct toll_io io; /* give this to the engine */
    _Atomic int calls;
    int fail_at, error; /* error: -EIO and such; 0: by `choice` */
    bool for_ever;      /* every call from fail_at on */
    bool chooses, harmless;
    int choice;
    uint64_t seed;                                 /* 0: none */
    unsigned fail_ppm, interrupted_ppm, short_ppm; /* with a seed: of each call */
    bool no_sync;                                  /* fsync answers without doing: tests lose no power */
    int until;                                     /* with a seed: no faults from this call on; 0: no limit */

    _Atomic bool created[FAULTY_DESCRIPTORS];
    _Atomic int open, maps;
    _Atomic int needed;      /* calls that failed for good and are needed */
    _Atomic int faults;      /* calls that failed for good, interruptions not counted */
    _Atomic int first_call;  /* enum faulty_call of the first fault, or -1 */
    _Atomic int first_error; /* its errno, negative */
    _Atomic uint64_t by_call[FAULTY_CALLS];
};

static inline uint64_t faulty_random(uint64_t seed, uint64_t call)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + call * UINT64_C(0xD1B54A32D192ED03);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline int faulty_count_errors(const int *errors)
{
    int count = 0;
    while (count < FAULTY_CHOICES && errors[count] != 0)
        count++;
    return count;
}

static inline int faulty_note(struct faulty_io *faulty, enum faulty_call call, int error, bool harmless)
{
    int none = -1;
    if (!harmless) {
        atomic_fetch_add(&faulty->faults, 1);
        atomic_fetch_add(&faulty->needed, faulty_kind(call)->needed);
    }
    if (atomic_compare_exchange_strong(&faulty->first_call, &none, (int)call))
        atomic_store(&faulty->first_error, error);
    return error;
}

/* What this call is to answer instead of being made: 0 nothing. *draw: of the seed, for what may be short. */
static inline int faulty_draw(struct faulty_io *faulty, enum faulty_call call, uint64_t *draw)
{
    const int number = atomic_fetch_add(&faulty->calls, 1);
    const struct faulty_kind *kind = faulty_kind(call);
    const int errors = faulty_count_errors(kind->errors), harmless = faulty_count_errors(kind->harmless);
    atomic_fetch_add(&faulty->by_call[call], 1);
    *draw = 0;
    if (faulty->seed != 0) {
        if (faulty->until != 0 && number >= faulty->until)
            return 0;
        *draw = faulty_random(faulty->seed, (uint64_t)number);
        const unsigned chance = (unsigned)(*draw % 1000000);
        const uint64_t which = *draw >> 40;
        if (chance < faulty->fail_ppm)
            return faulty_note(faulty, call, -kind->errors[which % (unsigned)errors], false);
        if (harmless > 0 && chance < faulty->fail_ppm + faulty->interrupted_ppm)
            return faulty_note(faulty, call, -kind->harmless[which % (unsigned)harmless], true);
        return 0;
    }
    if (number != faulty->fail_at && !(faulty->for_ever && number > faulty->fail_at))
        return 0;
    if (faulty->error < 0)
        return faulty_note(faulty, call, faulty->error, false);
    if (!faulty->chooses)
        return 0;
    const int *list = faulty->harmless ? kind->harmless : kind->errors;
    const int count = faulty->harmless ? harmless : errors;
    int choice = faulty->choice;
    if (faulty->for_ever && choice >= count)
        choice = count - 1;
    return choice < count ? faulty_note(faulty, call, -list[choice], faulty->harmless) : 0;
}

static inline int faulty_now(struct faulty_io *faulty, enum faulty_call call)
{
    uint64_t draw;
    return faulty_draw(faulty, call, &draw);
}

/* From 1 byte to all of them. */
static inline size_t faulty_short(const struct faulty_io *faulty, uint64_t draw, size_t bytes)
{
    if (draw == 0 || bytes < 2 || (draw >> 20) % 1000000 >= faulty->short_ppm)
        return bytes;
    return 1 + (size_t)((draw >> 8) % bytes);
}

static inline int faulty_openat(void *context, int directory, const char *path, int flags, mode_t mode)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const int fault = faulty_now(faulty, (flags & O_CREAT) != 0 ? FAULTY_CREATE : FAULTY_OPENAT);
    if (fault != 0)
        return fault;
    const int fd = io->openat(io->context, directory, path, flags, mode);
    atomic_fetch_add(&faulty->open, fd >= 0);
    if (fd >= 0 && fd < FAULTY_DESCRIPTORS)
        faulty->created[fd] = (flags & O_CREAT) != 0;
    return fd;
}

/* Closes in any case, as the kernel does. */
static inline int faulty_close(void *context, int fd)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const bool created = fd >= 0 && fd < FAULTY_DESCRIPTORS && faulty->created[fd];
    const int fault = faulty_now(faulty, created ? FAULTY_CLOSE_CREATED : FAULTY_CLOSE);
    atomic_fetch_sub(&faulty->open, 1);
    const int rc = io->close(io->context, fd);
    return fault != 0 ? fault : rc;
}

static inline ssize_t faulty_pread(void *context, int fd, void *buffer, size_t bytes, int64_t offset)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    uint64_t draw;
    const int fault = faulty_draw(faulty, FAULTY_PREAD, &draw);
    return fault != 0 ? fault : io->pread(io->context, fd, buffer, faulty_short(faulty, draw, bytes), offset);
}

static inline ssize_t faulty_pwrite(void *context, int fd, const void *buffer, size_t bytes, int64_t offset)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    uint64_t draw;
    const int fault = faulty_draw(faulty, FAULTY_PWRITE, &draw);
    return fault != 0 ? fault
                      : io->pwrite(io->context, fd, buffer, faulty_short(faulty, draw, bytes), offset);
}

static inline int faulty_getdents(void *context, int fd, void *buffer, size_t bytes)
{
    enum { LEAST = 512 }; /* one record always fits */
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    uint64_t draw;
    const int fault = faulty_draw(faulty, FAULTY_GETDENTS, &draw);
    const size_t room = faulty_short(faulty, draw, bytes);
    if (fault != 0)
        return fault;
    return io->getdents(io->context, fd, buffer, room < LEAST ? LEAST : room);
}

static inline int faulty_fsync(void *context, int fd)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const int fault = faulty_now(faulty, FAULTY_FSYNC);
    return fault != 0 ? fault : faulty->no_sync ? 0 : io->fsync(io->context, fd);
}

static inline int faulty_map(void *context, int fd, size_t bytes, void **out)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const int fault = faulty_now(faulty, FAULTY_MAP);
    const int rc = fault != 0 ? fault : io->map(io->context, fd, bytes, out);
    atomic_fetch_add(&faulty->maps, rc == 0);
    return rc;
}

/* Unmaps in any case: a map that stays is the test's, not the engine's, fault. */
static inline int faulty_unmap(void *context, void *address, size_t bytes)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    const int fault = faulty_now(faulty, FAULTY_UNMAP);
    atomic_fetch_sub(&faulty->maps, 1);
    const int rc = io->unmap(io->context, address, bytes);
    return fault != 0 ? fault : rc;
}

#define FAULTY_CALL(kind, name, parameters, ...)                        \
    static inline int faulty_##name parameters                          \
    {                                                                   \
        const struct toll_io *io = toll_io_system();                    \
        const int fault = faulty_now(context, kind);                    \
        return fault != 0 ? fault : io->name(io->context, __VA_ARGS__); \
    }
FAULTY_CALL(FAULTY_FSTAT, fstat, (void *context, int fd, struct stat *out), fd, out)
FAULTY_CALL(FAULTY_FSTATAT, fstatat,
            (void *context, int directory, const char *path, struct stat *out, int flags), directory, path,
            out, flags)
FAULTY_CALL(FAULTY_FTRUNCATE, ftruncate, (void *context, int fd, int64_t bytes), fd, bytes)
FAULTY_CALL(FAULTY_MKDIRAT, mkdirat, (void *context, int directory, const char *path, mode_t mode), directory,
            path, mode)
FAULTY_CALL(FAULTY_UNLINKAT, unlinkat, (void *context, int directory, const char *path, int flags), directory,
            path, flags)
FAULTY_CALL(FAULTY_RENAMEAT, renameat,
            (void *context, int from_directory, const char *from, int to_directory, const char *to),
            from_directory, from, to_directory, to)
FAULTY_CALL(FAULTY_RENAMEAT2, renameat2,
            (void *context, int from_directory, const char *from, int to_directory, const char *to,
             unsigned flags),
            from_directory, from, to_directory, to, flags)
FAULTY_CALL(FAULTY_FLOCK, flock, (void *context, int fd, int operation), fd, operation)
FAULTY_CALL(FAULTY_POPULATE, populate, (void *context, const void *address, size_t bytes), address, bytes)
FAULTY_CALL(FAULTY_FALLOCATE, fallocate, (void *context, int fd, int64_t offset, int64_t bytes), fd, offset,
            bytes)
FAULTY_CALL(FAULTY_RESIDENT, resident, (void *context, int fd, int64_t bytes), fd, bytes)
FAULTY_CALL(FAULTY_RING_OPEN, ring_open, (void *context, unsigned entries, struct toll_ring **ring), entries,
            ring)
FAULTY_CALL(FAULTY_RING_REGISTER, ring_register,
            (void *context, struct toll_ring *ring, const struct iovec *buffers, unsigned count), ring,
            buffers, count)
#undef FAULTY_CALL

static inline int faulty_ring_submit(void *context, struct toll_ring *ring,
                                     const struct toll_ring_operation *operations, unsigned count)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    uint64_t draw;
    const int fault = faulty_draw(faulty, FAULTY_RING_SUBMIT, &draw);
    if (fault != 0)
        return fault;
    return io->ring_submit(io->context, ring, operations, (unsigned)faulty_short(faulty, draw, count));
}

/* An answer that is made short stands for a transfer that was: the rest is to be asked for again. */
static inline int faulty_ring_wait(void *context, struct toll_ring *ring, struct toll_ring_answer *answers,
                                   unsigned room, unsigned least)
{
    struct faulty_io *faulty = context;
    const struct toll_io *io = toll_io_system();
    uint64_t draw;
    const int fault = faulty_now(faulty, FAULTY_RING_WAIT);
    if (fault != 0)
        return fault;
    const int count = io->ring_wait(io->context, ring, answers, room, least);
    for (int i = 0; i < count; i++) {
        const int bad = faulty_draw(faulty, FAULTY_RING_ANSWER, &draw);
        if (bad != 0)
            answers[i].result = bad;
        else if (answers[i].result > 1)
            answers[i].result = (int32_t)faulty_short(faulty, draw, (size_t)answers[i].result);
    }
    return count;
}

static inline void faulty_ring_close(void *context, struct toll_ring *ring)
{
    const struct toll_io *io = toll_io_system();
    (void)context;
    io->ring_close(io->context, ring);
}

/* error 0: nothing fails, calls are only counted. What the system's table lacks stays NULL. */
static inline void faulty_io_init(struct faulty_io *faulty, int fail_at, int error, bool for_ever)
{
    const struct toll_io *io = toll_io_system();
    *faulty = (struct faulty_io){.fail_at = fail_at, .error = error, .for_ever = for_ever, .first_call = -1};
    faulty->io.context = faulty;
#define FAULTY_WRAP(name) faulty->io.name = io->name == NULL ? NULL : faulty_##name
    FAULTY_WRAP(openat);
    FAULTY_WRAP(close);
    FAULTY_WRAP(pread);
    FAULTY_WRAP(pwrite);
    FAULTY_WRAP(fstat);
    FAULTY_WRAP(fstatat);
    FAULTY_WRAP(ftruncate);
    FAULTY_WRAP(fsync);
    FAULTY_WRAP(mkdirat);
    FAULTY_WRAP(unlinkat);
    FAULTY_WRAP(renameat);
    FAULTY_WRAP(renameat2);
    FAULTY_WRAP(flock);
    FAULTY_WRAP(getdents);
    FAULTY_WRAP(map);
    FAULTY_WRAP(unmap);
    FAULTY_WRAP(populate);
    FAULTY_WRAP(fallocate);
    FAULTY_WRAP(resident);
    FAULTY_WRAP(ring_open);
    FAULTY_WRAP(ring_register);
    FAULTY_WRAP(ring_submit);
    FAULTY_WRAP(ring_wait);
    FAULTY_WRAP(ring_close);
#undef FAULTY_WRAP
}

#endif
