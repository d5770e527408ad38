/*
 * Room on disk for what does not fit into memory: one file without a name, in the folder of the dataset (or
 * beside it while there is none), which is gone when the import ends, however it ends. Only where the file
 * system has no such files it is made with a name that is taken away at once; a kill in between leaves an
 * empty file, which the next import removes.
 */
#ifndef TOLL_INGEST_SPILL_H
#define TOLL_INGEST_SPILL_H

#include "base/checksum.h"
#include "io/io.h"
#include "tollmill_error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_spill {
    const struct toll_io *io; /* NULL: not open */
    int fd;
    char *path; /* of its folder, for messages */
    _Atomic int64_t end;
};

/* dataset_path: a folder that exists, or one below a folder that does. */
int toll_spill_open(struct toll_spill *spill, const struct toll_io *io, const char *dataset_path,
                    struct toll_error *error);
void toll_spill_close(struct toll_spill *spill); /* safe on a zeroed struct */

/* Any thread. What is written is of one's own reservations, which follow each other. */
int64_t toll_spill_reserve(struct toll_spill *spill, size_t bytes);
int toll_spill_write(struct toll_spill *spill, const void *data, size_t bytes, int64_t offset,
                     struct toll_error *error);
int toll_spill_read(const struct toll_spill *spill, void *data, size_t bytes, int64_t offset,
                    struct toll_error *error);
/* What was read is not what was written. */
int toll_spill_damaged(const struct toll_spill *spill, struct toll_error *error);

#endif
