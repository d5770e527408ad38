/*
 * io_uring behind struct toll_io. No flags: completions are posted without our calling for them, so that
 * closing can wait for the kernel by looking, even when it takes no calls any more.
 */
#include "io/ring.h"

#include "base/check.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_AGAIN_NS 100000

struct toll_ring {
    struct io_uring uring;
    unsigned in_flight;
};

int toll_ring_open(void *context, unsigned entries, struct toll_ring **out)
{
    struct toll_ring *ring = calloc(1, sizeof *ring);
    int result;

    (void)context;
    if (ring == NULL)
        return -ENOMEM;
    result = io_uring_queue_init(entries, &ring->uring, 0);
    if (result < 0) {
        free(ring);
        return result;
    }
    *out = ring;
    return 0;
}

int toll_ring_register(void *context, struct toll_ring *ring, const struct iovec *buffers, unsigned count)
{
    (void)context;
    return io_uring_register_buffers(&ring->uring, buffers, count);
}

static void prepare(struct io_uring_sqe *sqe, const struct toll_ring_operation *operation)
{
    const int fd = operation->fd, index = operation->buffer_index;
    const uint64_t offset = (uint64_t)operation->offset;

    if (operation->write && index >= 0)
        io_uring_prep_write_fixed(sqe, fd, operation->buffer, operation->bytes, offset, index);
    else if (operation->write)
        io_uring_prep_write(sqe, fd, operation->buffer, operation->bytes, offset);
    else if (index >= 0)
        io_uring_prep_read_fixed(sqe, fd, operation->buffer, operation->bytes, offset, index);
    else
        io_uring_prep_read(sqe, fd, operation->buffer, operation->bytes, offset);
    /* A write into space that is only reserved waits within the file system for the one before it, even where
     * it was asked not to: a worker of the kernel's has the time. */
    if (operation->write)
        io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
    io_uring_sqe_set_data64(sqe, operation->tag);
}

/* Takes back what the kernel did not: it reads the tail only while it is called. */
static void take_back(struct io_uring *uring)
{
    const unsigned head = *uring->sq.khead;

    *uring->sq.ktail = head;
    uring->sq.sqe_head = uring->sq.sqe_tail = head;
}

int toll_ring_submit(void *context, struct toll_ring *ring, const struct toll_ring_operation *operations,
                     unsigned count)
{
    struct io_uring_sqe *sqe;
    unsigned filled = 0;
    int given;

    (void)context;
    while (filled < count && (sqe = io_uring_get_sqe(&ring->uring)) != NULL)
        prepare(sqe, &operations[filled++]);
    given = io_uring_submit(&ring->uring);
    take_back(&ring->uring);
    if (given == 0)
        return -EAGAIN;
    if (given > 0)
        ring->in_flight += (unsigned)given;
    return given;
}

static unsigned take_answers(struct toll_ring *ring, struct toll_ring_answer *answers, unsigned room)
{
    struct io_uring_cqe *cqe;
    unsigned head, count = 0;

    io_uring_for_each_cqe(&ring->uring, head, cqe)
    {
        if (count == room)
            break;
        answers[count++] = (struct toll_ring_answer){.tag = cqe->user_data, .result = cqe->res};
    }
    io_uring_cq_advance(&ring->uring, count);
    TOLL_ASSERT(count <= ring->in_flight);
    ring->in_flight -= count;
    return count;
}

int toll_ring_wait(void *context, struct toll_ring *ring, struct toll_ring_answer *answers, unsigned room,
                   unsigned least)
{
    (void)context;
    TOLL_ASSERT(least <= room && least <= ring->in_flight);
    if (io_uring_cq_ready(&ring->uring) < least) {
        struct io_uring_cqe *first;
        const int result = io_uring_wait_cqe_nr(&ring->uring, &first, least);

        if (result < 0)
            return result;
    }
    return (int)take_answers(ring, answers, room);
}

void toll_ring_close(void *context, struct toll_ring *ring)
{
    struct toll_ring_answer answers[16];
    const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    struct io_uring_cqe *first;

    (void)context;
    while (ring->in_flight > 0) {
        if (take_answers(ring, answers, 16) > 0)
            continue;
        if (io_uring_wait_cqe(&ring->uring, &first) < 0)
            nanosleep(&pause, NULL);
    }
    io_uring_queue_exit(&ring->uring);
    free(ring);
}
