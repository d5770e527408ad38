/*
 * What repriced books charge otherwise than their base (pipeline/reprice.h), by slot of the base's tally: so
 * that their taxes, which stand on sums by account, site and tuple, need not have lines of their own. A
 * worker has such sums beside its tally, and they grow as the tally does.
 */
#ifndef TOLL_PIPELINE_MOVES_H
#define TOLL_PIPELINE_MOVES_H

#include "pipeline/tally.h"
#include "simd/moved.h"

struct toll_moves {
    int64_t *sums; /* by slot, `stride` words each: of book k at k; mapped, in whole large pages */
    size_t stride, bytes;
    int64_t *sizes; /* `stride`: by book, how much was added, signs left out; no sum is farther from 0 */
};

/* stride: that of the charges. Zero-initialise; TOLL_ENOMEM. */
int toll_moves_make(struct toll_moves *moves, const struct toll_book *book, size_t stride,
                    struct toll_error *error);
void toll_moves_free(struct toll_moves *moves); /* safe on a zeroed struct */
/* What make reserves for `stride`. */
size_t toll_moves_bytes(const struct toll_book *book, size_t stride);

/* Adds rows. tally: whose slots they are. False: no memory, or sums that could leave 64 bits; then nothing
 * that was added is worth anything. */
bool toll_moves_add(struct toll_moves *moves, toll_moved_kernel *kernel, const struct toll_moved_in *in,
                    const struct toll_tally *tally, const struct toll_book *book);
/* Before `other` is merged into tally, which gets its planes: adds what moves by its slots. False as above.
 */
bool toll_moves_merge(struct toll_moves *moves, struct toll_tally *tally, const struct toll_moves *from,
                      const struct toll_tally *other, const struct toll_book *book);

/* The words of a slot; NULL: nothing moves there. */
const int64_t *toll_moves_of(const struct toll_moves *moves, size_t slot);

#endif
