/*
 * Many new files brought to the disk at once: each is written, if it is not yet, fsynced and closed by one of
 * a few threads, while the caller goes on. A flush of the device takes as long for one file as for all that
 * wait for it together. Where no thread can be had, toll_syncs_wait does what is left.
 */
#ifndef TOLL_IO_SYNC_H
#define TOLL_IO_SYNC_H

#include "base/checksum.h"
#include "io/file.h"

struct toll_syncs;

struct toll_sync_file {
    int fd;           /* the list's from here on, even after an error */
    int direct;       /* the same file with O_DIRECT, likewise: whole pages of data that lie at a page go past
                         the page cache. 0 or less: there is none */
    const char *name; /* for messages; copied */
    const void
        *data; /* to be written first, from byte 0; NULL: it is written. Stays until it is waited for */
    size_t bytes;
    void *owned;               /* freed when it has been written; may be NULL */
    toll_hash_kernel *kernel;  /* NULL: toll_hash */
    struct toll_hash128 *hash; /* NULL, or where the hash of data comes */
};

/* TOLL_ENOMEM only. */
int toll_syncs_open(struct toll_syncs **out, const struct toll_io *io, struct toll_error *error);
/* TOLL_ENOMEM only; what becomes of the file is told by toll_syncs_wait. */
int toll_syncs_add(struct toll_syncs *syncs, const struct toll_sync_file *file, struct toll_error *error);
/*
 * A file that comes in pieces, in any order and from several threads, so that it never lies in memory as a
 * whole: pieces that are written are used again.
 */
struct toll_sync_stream;
/* file: without data, owned and hash. The stream is the list's; toll_sync_end is due, even after errors of
 * the pieces. piece_bytes: of the largest. TOLL_ENOMEM only. */
int toll_syncs_stream(struct toll_syncs *syncs, const struct toll_sync_file *file, size_t piece_bytes,
                      struct toll_sync_stream **out, struct toll_error *error);
/* Memory for a piece, at a page; NULL: there is none. */
void *toll_sync_piece(struct toll_sync_stream *stream);
/* Its first bytes are to be written at the offset; whole pages at one go past the page cache. The piece is
 * the stream's. TOLL_ENOMEM only. */
int toll_sync_put(struct toll_sync_stream *stream, void *piece, size_t bytes, int64_t offset,
                  struct toll_error *error);
/* All pieces are put: when they are written the file is brought to the disk. TOLL_ENOMEM only. */
int toll_sync_end(struct toll_sync_stream *stream, struct toll_error *error);

/* Until everything that was added is on the disk, or not: the error of the first that failed, in the order in
 * which they were added. */
int toll_syncs_wait(struct toll_syncs *syncs, struct toll_error *error);
/* Waits, and ends the threads. NULL is allowed. */
void toll_syncs_close(struct toll_syncs *syncs);

#endif
