/*
 * A ring without a kernel, for a table of system calls in tests: transfers are done by pread and pwrite, in
 * any order and only when somebody waits, and it can be told to answer wrongly. What it says about itself is
 * counted over all rings of a table.
 */
#ifndef TOLL_TESTS_FAKE_RING_H
#define TOLL_TESTS_FAKE_RING_H

#include "io/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAKE_RING_ENTRIES 64

struct fake_ring {
    struct toll_io io; /* give this to the engine */
    /* what goes wrong; negative errno, 0 never */
    int open_error;
    int register_error;
    int submit_error, submit_from, submit_to; /* for these calls, counted from 0; both 0: all */
    int wait_error, wait_from;                /* from this call on */
    int answer_error, answer_from, answer_to; /* instead of doing it */
    int direct_error;                         /* for whatever goes to a descriptor with O_DIRECT */
    bool tell_lies;                           /* answer_error comes after having done it */
    bool only_writes;                         /* answer_error is for writes, else for reads */
    bool is_short;                            /* a piece of what was asked for */
    unsigned takes;                           /* most operations that a submit takes; 0 all */
    /* what it saw */
    _Atomic int opened, closed, submits, waits, answers;
    _Atomic int64_t most_bytes; /* that one ring had at a time */
};

struct toll_ring {
    struct toll_ring_operation waiting[FAKE_RING_ENTRIES];
    unsigned count;
    uint32_t random;
    int64_t bytes;
};

static inline int fake_ring_open(void *context, unsigned entries, struct toll_ring **ring)
{
    struct fake_ring *fake = context;
    assert(entries <= FAKE_RING_ENTRIES);
    if (fake->open_error < 0)
        return fake->open_error;
    *ring = calloc(1, sizeof **ring);
    (*ring)->random = 12345;
    fake->opened++;
    return *ring == NULL ? -ENOMEM : 0;
}

static inline int fake_ring_register(void *context, struct toll_ring *ring, const struct iovec *buffers,
                                     unsigned count)
{
    (void)ring;
    (void)buffers;
    (void)count;
    return ((struct fake_ring *)context)->register_error;
}

static inline int fake_ring_submit(void *context, struct toll_ring *ring,
                                   const struct toll_ring_operation *operations, unsigned count)
{
    struct fake_ring *fake = context;
    const int call = fake->submits++;
    const bool always = fake->submit_from == 0 && fake->submit_to == 0;
    if (fake->submit_error < 0 && (always || (call >= fake->submit_from && call < fake->submit_to)))
        return fake->submit_error;
    if (fake->takes > 0 && count > fake->takes)
        count = fake->takes;
    assert(ring->count + count <= FAKE_RING_ENTRIES);
    for (unsigned i = 0; i < count; i++)
        ring->bytes += operations[i].bytes;
    memcpy(ring->waiting + ring->count, operations, count * sizeof *operations);
    ring->count += count;
    if (ring->bytes > fake->most_bytes)
        fake->most_bytes = ring->bytes;
    return (int)count;
}

static inline int32_t fake_ring_do(struct fake_ring *fake, const struct toll_ring_operation *operation,
                                   bool is_short)
{
    const int call = fake->answers++;
    const bool wrong = fake->answer_error < 0 && fake->only_writes == operation->write &&
                       call >= fake->answer_from && (fake->answer_to == 0 || call < fake->answer_to);
    size_t bytes = operation->bytes;
    const bool direct = (fcntl(operation->fd, F_GETFL) & O_DIRECT) != 0;
    if (fake->direct_error < 0 && direct)
        return fake->direct_error;
    if (wrong && !fake->tell_lies)
        return fake->answer_error;
    if (is_short && bytes > 1)
        bytes = direct ? (bytes / 3 + 4095) & ~(size_t)4095 : bytes / 3 + 1;
    const ssize_t result = operation->write
                               ? pwrite(operation->fd, operation->buffer, bytes, operation->offset)
                               : pread(operation->fd, operation->buffer, bytes, operation->offset);
    if (wrong)
        return fake->answer_error;
    return result < 0 ? -errno : (int32_t)result;
}

static inline int fake_ring_wait(void *context, struct toll_ring *ring, struct toll_ring_answer *answers,
                                 unsigned room, unsigned least)
{
    struct fake_ring *fake = context;
    const int call = fake->waits++;
    unsigned count;
    if (fake->wait_error < 0 && call >= fake->wait_from)
        return fake->wait_error;
    assert(least <= ring->count && least <= room);
    for (count = 0; count < least; count++) {
        ring->random = ring->random * 1664525 + 1013904223;
        const unsigned at = (ring->random >> 16) % ring->count;
        const struct toll_ring_operation operation = ring->waiting[at];
        ring->waiting[at] = ring->waiting[--ring->count];
        ring->bytes -= operation.bytes;
        answers[count] = (struct toll_ring_answer){.tag = operation.tag,
                                                   .result = fake_ring_do(fake, &operation, fake->is_short)};
    }
    return (int)count;
}

/* The kernel does what it was given, whether somebody still wants it or not. */
static inline void fake_ring_close(void *context, struct toll_ring *ring)
{
    struct fake_ring *fake = context;
    for (unsigned i = 0; i < ring->count; i++)
        fake_ring_do(fake, &ring->waiting[i], false);
    fake->closed++;
    free(ring);
}

static inline void fake_ring_init(struct fake_ring *fake)
{
    *fake = (struct fake_ring){.io = *toll_io_system()};
    fake->io.context = fake; /* the system's own calls do not look at it */
    fake->io.ring_open = fake_ring_open;
    fake->io.ring_register = fake_ring_register;
    fake->io.ring_submit = fake_ring_submit;
    fake->io.ring_wait = fake_ring_wait;
    fake->io.ring_close = fake_ring_close;
}

#endif
