/*
 * Transfers in pieces. Every piece is in one of three places: free, ready (to be given to the kernel), or
 * with the kernel. A transfer is over when all its bytes were handed to pieces and none of those is under
 * way; after a failure the rest is not handed out any more.
 *
 * When the ring itself fails, it is closed, which waits for the kernel, and every piece that was under way is
 * done again by pread or pwrite: that gives the same bytes, whatever the kernel had done of it.
 */
#include "io/bulk.h"

#include "base/check.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECES 64 /* entries of the ring */
#define TRIES 16  /* of a piece that the ring keeps refusing, before it is done without the ring */
#define NOBODY ~0u

struct transfer {
    struct toll_bulk_transfer what;
    int buffer_index;
    size_t issued;   /* bytes handed to pieces, or given up */
    unsigned pieces; /* that are not free */
    bool taken;
    ssize_t failure; /* 1 none, 0 the file ended or took nothing, or -errno */
    int64_t failed_at;
};

struct piece {
    unsigned transfer;
    size_t at, bytes; /* of the transfer's */
    size_t done;
    unsigned tries;
    bool direct;
};

struct toll_bulk {
    const struct toll_io *io;
    struct toll_ring *ring; /* NULL: none, or none any more */
    struct toll_bulk_counts counts;
    size_t limit, piece_bytes, in_flight;
    struct iovec buffers[TOLL_BULK_BUFFERS];
    unsigned buffer_count; /* registered ones */
    struct piece pieces[PIECES];
    unsigned free_pieces[PIECES], free_count;
    unsigned ready[PIECES], ready_count;
    unsigned with_kernel;
    char refusal[160];
    unsigned transfer_count, first, queued; /* `queue` is a ring buffer of those not handed out in full */
    unsigned *queue;
    struct transfer transfers[];
};

static void refuse(struct toll_bulk *bulk, const char *what, int errno_value)
{
    char buffer[64];

    snprintf(bulk->refusal, sizeof bulk->refusal, "%s: %s", what,
             strerror_r(errno_value, buffer, sizeof buffer));
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- without the ring ---- */

static void fail(struct transfer *transfer, ssize_t result, size_t at)
{
    if (transfer->failure == 1 || transfer->what.offset + (int64_t)at < transfer->failed_at) {
        transfer->failure = result;
        transfer->failed_at = transfer->what.offset + (int64_t)at;
    }
    transfer->issued = transfer->what.bytes;
}

static void do_at_once(struct toll_bulk *bulk, struct transfer *transfer, size_t at, size_t end)
{
    const struct toll_bulk_transfer *what = &transfer->what;
    const struct toll_io *io = bulk->io;

    while (at < end && transfer->failure == 1) {
        char *buffer = (char *)what->buffer + at;
        const int64_t offset = what->offset + (int64_t)at;
        const ssize_t result = what->write ? io->pwrite(io->context, what->fd, buffer, end - at, offset)
                                           : io->pread(io->context, what->fd, buffer, end - at, offset);

        if (result == -EINTR)
            continue;
        if (result <= 0) {
            fail(transfer, result, at);
            break;
        }
        at += (size_t)result;
        *(what->write ? &bulk->counts.written_pwrite : &bulk->counts.read_pread) += result;
    }
}

static void free_piece(struct toll_bulk *bulk, unsigned index)
{
    struct piece *piece = &bulk->pieces[index];

    bulk->transfers[piece->transfer].pieces--;
    bulk->in_flight -= piece->bytes;
    piece->transfer = NOBODY;
    bulk->free_pieces[bulk->free_count++] = index;
}

static void finish_at_once(struct toll_bulk *bulk, unsigned index)
{
    const struct piece *piece = &bulk->pieces[index];

    do_at_once(bulk, &bulk->transfers[piece->transfer], piece->at + piece->done, piece->at + piece->bytes);
    free_piece(bulk, index);
}

/* Nothing is with the kernel when this returns, and everything that was queued has been done. */
static void give_up_ring(struct toll_bulk *bulk, const char *what, int errno_value)
{
    bulk->io->ring_close(bulk->io->context, bulk->ring);
    bulk->ring = NULL;
    bulk->with_kernel = bulk->ready_count = 0;
    refuse(bulk, what, errno_value);
    for (unsigned i = 0; i < PIECES; i++)
        if (bulk->pieces[i].transfer != NOBODY)
            finish_at_once(bulk, i);
    while (bulk->queued > 0) {
        struct transfer *transfer = &bulk->transfers[bulk->queue[bulk->first]];

        bulk->first = (bulk->first + 1) % bulk->transfer_count;
        bulk->queued--;
        do_at_once(bulk, transfer, transfer->issued, transfer->what.bytes);
        transfer->issued = transfer->what.bytes;
    }
}

/* ---- with it ---- */

static bool is_aligned(const struct toll_bulk_transfer *what)
{
    return (((uintptr_t)what->buffer | what->bytes | (uint64_t)what->offset) & (TOLL_BULK_ALIGNMENT - 1)) ==
           0;
}

/* Hands queued bytes to pieces, first come, first served. A piece that is larger than the limit goes alone.
 */
static void cut(struct toll_bulk *bulk)
{
    while (bulk->queued > 0 && bulk->free_count > 0) {
        const unsigned index = bulk->queue[bulk->first];
        struct transfer *transfer = &bulk->transfers[index];
        const size_t left = transfer->what.bytes - transfer->issued;
        const size_t bytes = left < bulk->piece_bytes ? left : bulk->piece_bytes;

        if (bulk->in_flight > 0 && bytes > 0 && bulk->in_flight + bytes > bulk->limit)
            return;
        if (bytes > 0) {
            const unsigned p = bulk->free_pieces[--bulk->free_count];

            bulk->pieces[p] =
                (struct piece){.transfer = index,
                               .at = transfer->issued,
                               .bytes = bytes,
                               .direct = transfer->what.direct >= 0 && is_aligned(&transfer->what)};
            bulk->ready[bulk->ready_count++] = p;
            bulk->in_flight += bytes;
            transfer->pieces++;
            transfer->issued += bytes;
        }
        if (transfer->issued == transfer->what.bytes) {
            bulk->first = (bulk->first + 1) % bulk->transfer_count;
            bulk->queued--;
        }
    }
}

static struct toll_ring_operation operation_of(const struct toll_bulk *bulk, unsigned index)
{
    const struct piece *piece = &bulk->pieces[index];
    const struct transfer *transfer = &bulk->transfers[piece->transfer];
    const size_t at = piece->at + piece->done;

    return (struct toll_ring_operation){
        .write = transfer->what.write,
        .fd = piece->direct ? transfer->what.direct : transfer->what.fd,
        .buffer_index = transfer->buffer_index,
        .buffer = (char *)transfer->what.buffer + at,
        .bytes = (uint32_t)(piece->bytes - piece->done),
        .offset = transfer->what.offset + (int64_t)at,
        .tag = index,
    };
}

/* Gives the kernel all that is ready, or what it takes. */
static void submit(struct toll_bulk *bulk)
{
    struct toll_ring_operation operations[PIECES];
    unsigned tries = 0;

    cut(bulk);
    while (bulk->ring != NULL && bulk->ready_count > 0) {
        int given;

        for (unsigned i = 0; i < bulk->ready_count; i++)
            operations[i] = operation_of(bulk, bulk->ready[i]);
        given = bulk->io->ring_submit(bulk->io->context, bulk->ring, operations, bulk->ready_count);
        if (given > 0) {
            TOLL_ASSERT((unsigned)given <= bulk->ready_count);
            bulk->with_kernel += (unsigned)given;
            bulk->ready_count -= (unsigned)given;
            memmove(bulk->ready, bulk->ready + given, bulk->ready_count * sizeof *bulk->ready);
            continue;
        }
        if ((given == -EAGAIN || given == -EBUSY) && bulk->with_kernel > 0)
            return; /* it has enough to do: again after its next answer */
        if ((given != -EAGAIN && given != -EBUSY && given != -EINTR) || ++tries == TRIES)
            give_up_ring(bulk, "io_uring takes no transfers any more", given < 0 ? -given : EIO);
    }
}

static void take_answer(struct toll_bulk *bulk, const struct toll_ring_answer *answer)
{
    const unsigned index = (unsigned)answer->tag;
    const int result = answer->result;
    struct piece *piece;
    struct transfer *transfer;

    TOLL_ASSERT(answer->tag < PIECES && bulk->with_kernel > 0);
    bulk->with_kernel--;
    piece = &bulk->pieces[index];
    TOLL_ASSERT(piece->transfer != NOBODY);
    transfer = &bulk->transfers[piece->transfer];
    if (result > 0) {
        TOLL_ASSERT((size_t)result <= piece->bytes - piece->done);
        piece->done += (size_t)result;
        piece->tries = 0;
        *(transfer->what.write ? &bulk->counts.written_ring : &bulk->counts.read_ring) += result;
        if (piece->done < piece->bytes && transfer->failure == 1)
            bulk->ready[bulk->ready_count++] = index;
        else
            free_piece(bulk, index);
    } else if ((result == -EINTR || result == -EAGAIN) && ++piece->tries < TRIES) {
        bulk->ready[bulk->ready_count++] = index;
    } else if (result == -EINTR || result == -EAGAIN || result == -EINVAL || result == -EOPNOTSUPP) {
        finish_at_once(bulk, index);
    } else {
        fail(transfer, result, piece->at + piece->done);
        free_piece(bulk, index);
    }
}

/* Takes answers, waiting for the first one if `wait`, and gives the kernel what is ready. */
static void go_on(struct toll_bulk *bulk, bool wait)
{
    struct toll_ring_answer answers[PIECES];
    int count, tries = 0;

    submit(bulk);
    if (bulk->ring == NULL || bulk->with_kernel == 0)
        return;
    do
        count = bulk->io->ring_wait(bulk->io->context, bulk->ring, answers, PIECES, wait);
    while (count == -EINTR || ((count == -EAGAIN || count == -EBUSY) && ++tries < TRIES));
    if (count < 0) {
        give_up_ring(bulk, "io_uring gives no answers any more", -count);
        return;
    }
    TOLL_ASSERT((unsigned)count <= bulk->with_kernel);
    for (int i = 0; i < count; i++)
        take_answer(bulk, &answers[i]);
    if (count > 0)
        submit(bulk);
}

/* ---- the face ---- */

static void open_ring(struct toll_bulk *bulk, const struct toll_bulk_options *options)
{
    const struct toll_io *io = bulk->io;
    int result = -ENOSYS;

    if (io->ring_open != NULL)
        result = io->ring_open(io->context, PIECES, &bulk->ring);
    if (result < 0) {
        bulk->ring = NULL;
        refuse(bulk, "the system allows no io_uring", -result);
        return;
    }
    if (options->buffer_count == 0)
        return;
    if (io->ring_register(io->context, bulk->ring, options->buffers, options->buffer_count) < 0)
        return; /* only slower */
    bulk->buffer_count = options->buffer_count;
    memcpy(bulk->buffers, options->buffers, options->buffer_count * sizeof *options->buffers);
}

int toll_bulk_open(struct toll_bulk **out, const struct toll_io *io, const struct toll_bulk_options *options,
                   struct toll_error *error)
{
    const unsigned count = options->transfers;
    struct toll_bulk *bulk = calloc(1, sizeof *bulk + count * sizeof *bulk->transfers);

    TOLL_ASSERT(count > 0 && options->buffer_count <= TOLL_BULK_BUFFERS);
    TOLL_ASSERT(options->piece_bytes % TOLL_BULK_ALIGNMENT == 0);
    *out = bulk;
    if (bulk != NULL)
        bulk->queue = calloc(count, sizeof *bulk->queue);
    if (bulk == NULL || bulk->queue == NULL) {
        free(bulk);
        *out = NULL;
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for reading and writing");
    }
    bulk->io = io;
    bulk->limit = options->in_flight_bytes == 0 ? TOLL_BULK_IN_FLIGHT_BYTES : options->in_flight_bytes;
    bulk->piece_bytes = options->piece_bytes == 0 ? TOLL_BULK_PIECE_BYTES : options->piece_bytes;
    bulk->transfer_count = count;
    for (unsigned i = 0; i < PIECES; i++) {
        bulk->pieces[i].transfer = NOBODY;
        bulk->free_pieces[bulk->free_count++] = i;
    }
    if (options->ring)
        open_ring(bulk, options);
    return 0;
}

void toll_bulk_close(struct toll_bulk *bulk)
{
    if (bulk == NULL)
        return;
    if (bulk->ring != NULL)
        bulk->io->ring_close(bulk->io->context, bulk->ring);
    free(bulk->queue);
    free(bulk);
}

static int registered(const struct toll_bulk *bulk, const struct toll_bulk_transfer *what)
{
    const uintptr_t begin = (uintptr_t)what->buffer;

    for (unsigned i = 0; i < bulk->buffer_count; i++) {
        const uintptr_t base = (uintptr_t)bulk->buffers[i].iov_base;

        if (begin >= base && begin - base + what->bytes <= bulk->buffers[i].iov_len)
            return (int)i;
    }
    return -1;
}

int toll_bulk_queue(struct toll_bulk *bulk, const struct toll_bulk_transfer *what)
{
    struct transfer *transfer;
    unsigned index = 0;

    while (index < bulk->transfer_count && bulk->transfers[index].taken)
        index++;
    TOLL_ASSERT(index < bulk->transfer_count);
    transfer = &bulk->transfers[index];
    *transfer = (struct transfer){.what = *what, .taken = true, .failure = 1};
    if (bulk->ring == NULL || what->at_once || what->bytes == 0) {
        do_at_once(bulk, transfer, 0, what->bytes);
        transfer->issued = what->bytes;
        return (int)index;
    }
    transfer->buffer_index = registered(bulk, what);
    bulk->queue[(bulk->first + bulk->queued++) % bulk->transfer_count] = index;
    submit(bulk);
    return (int)index;
}

static bool is_over(const struct transfer *transfer)
{
    return transfer->issued == transfer->what.bytes && transfer->pieces == 0;
}

int toll_bulk_wait(struct toll_bulk *bulk, int ticket, struct toll_error *error)
{
    struct transfer *transfer;

    TOLL_ASSERT(ticket >= 0 && (unsigned)ticket < bulk->transfer_count);
    transfer = &bulk->transfers[ticket];
    TOLL_ASSERT(transfer->taken);
    if (!is_over(transfer)) {
        const int64_t begun = now_ns();

        while (!is_over(transfer))
            go_on(bulk, true);
        bulk->counts.waited_ns += now_ns() - begun;
    }
    transfer->taken = false;
    if (transfer->failure == 1)
        return 0;
    return (transfer->what.write ? toll_file_write_failed : toll_file_read_failed)(
        error, transfer->what.path, transfer->failure, transfer->failed_at);
}

void toll_bulk_push(struct toll_bulk *bulk)
{
    if (bulk->ring != NULL && bulk->in_flight > 0)
        go_on(bulk, false);
}

void toll_bulk_drain(struct toll_bulk *bulk)
{
    for (unsigned i = 0; i < bulk->transfer_count; i++)
        if (bulk->transfers[i].taken && !is_over(&bulk->transfers[i]))
            fail(&bulk->transfers[i], -ECANCELED, 0);
    bulk->queued = 0;
    while (bulk->ready_count > 0)
        free_piece(bulk, bulk->ready[--bulk->ready_count]);
    while (bulk->ring != NULL && bulk->with_kernel > 0)
        go_on(bulk, true);
    for (unsigned i = 0; i < bulk->transfer_count; i++)
        bulk->transfers[i].taken = false;
}

bool toll_bulk_has_ring(const struct toll_bulk *bulk)
{
    return bulk->ring != NULL;
}

const char *toll_bulk_refusal(const struct toll_bulk *bulk)
{
    return bulk->refusal;
}

const struct toll_bulk_counts *toll_bulk_counts(const struct toll_bulk *bulk)
{
    return &bulk->counts;
}

void toll_bulk_count_mapped(struct toll_bulk *bulk, size_t bytes)
{
    bulk->counts.read_mmap += (int64_t)bytes;
}
