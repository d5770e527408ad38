/*
 * Many large transfers of one thread, done by the kernel while the thread computes (a ring), or at once by
 * pread and pwrite where there is no ring: the same calls, the same answers, the same errors.
 *
 * A transfer is queued, and waited for later by its ticket. It goes to the kernel in pieces, no more than a
 * limit of bytes at a time. Whatever only the ring cannot do (O_DIRECT refused, a ring that fails) is done
 * again by pread and pwrite. Buffers and files must outlive their transfers; toll_bulk_drain and
 * toll_bulk_close end those that nobody waits for any more.
 */
#ifndef TOLL_IO_BULK_H
#define TOLL_IO_BULK_H

#include "io/file.h"

struct toll_bulk;

/* Of all workers together: enough for what three batches ahead and two behind need on a core or two, so that
 * the device is never idle while somebody rates; more measured no better. A piece is large enough that its
 * call does not count. */
#define TOLL_BULK_IN_FLIGHT_BYTES ((size_t)16 << 20)
#define TOLL_BULK_PIECE_BYTES ((size_t)512 << 10)
#define TOLL_BULK_ALIGNMENT 4096 /* of buffer, offset and bytes, for O_DIRECT */
#define TOLL_BULK_BUFFERS 16     /* most that can be registered */

struct toll_bulk_options {
    bool ring;                   /* wanted; without it, or where it is refused, everything is done at once */
    size_t in_flight_bytes;      /* 0: TOLL_BULK_IN_FLIGHT_BYTES */
    size_t piece_bytes;          /* 0: TOLL_BULK_PIECE_BYTES; a multiple of TOLL_BULK_ALIGNMENT */
    unsigned transfers;          /* most that are queued and not waited for */
    const struct iovec *buffers; /* most transfers use these; may be registered with the kernel */
    unsigned buffer_count;
};

/* What the transfers of a bulk went by. */
struct toll_bulk_counts {
    int64_t read_mmap; /* told by toll_bulk_count_mapped */
    int64_t read_pread, read_ring, written_pwrite, written_ring;
    int64_t waited_ns; /* by toll_bulk_wait, for the ring */
};

struct toll_bulk_transfer {
    const char *path; /* for messages; borrowed */
    int fd;
    int direct; /* the same file open with O_DIRECT, or -1; used for what is aligned */
    bool write;
    bool at_once; /* by pread or pwrite, even where there is a ring */
    void *buffer; /* a write changes nothing in it */
    size_t bytes;
    int64_t offset;
};

/* TOLL_ENOMEM only: a ring that is refused is no error. The table is borrowed. */
int toll_bulk_open(struct toll_bulk **out, const struct toll_io *io, const struct toll_bulk_options *options,
                   struct toll_error *error);
/* Waits until the kernel has let go of all buffers. NULL is allowed. */
void toll_bulk_close(struct toll_bulk *bulk);

/* Queues a transfer and returns its ticket (never negative). At most `transfers` at a time. */
int toll_bulk_queue(struct toll_bulk *bulk, const struct toll_bulk_transfer *transfer);
/* Waits for one transfer, whatever the others do, and gives its ticket back: 0, or as toll_file_read and
 * toll_write_at. After an error none of it is under way any more. */
int toll_bulk_wait(struct toll_bulk *bulk, int ticket, struct toll_error *error);
/* Looks, without waiting, and gives the kernel what the limit kept back. To be called now and then by who
 * computes for long. */
void toll_bulk_push(struct toll_bulk *bulk);
/* Gives back all tickets; returns when nothing is under way. What was not begun is not done. */
void toll_bulk_drain(struct toll_bulk *bulk);

bool toll_bulk_has_ring(const struct toll_bulk *bulk);
/* Why a ring that was wanted is not there (any more); "" otherwise. Valid as long as the bulk. */
const char *toll_bulk_refusal(const struct toll_bulk *bulk);
const struct toll_bulk_counts *toll_bulk_counts(const struct toll_bulk *bulk);
void toll_bulk_count_mapped(struct toll_bulk *bulk, size_t bytes);

#endif
