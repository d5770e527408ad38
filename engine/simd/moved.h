/*
 * What several books charge more than a base, added up: the differences of all books for a row are added to
 * one record of sums, a cache line for eight books. Only rows that some book charges otherwise are listed.
 */
#ifndef TOLL_SIMD_MOVED_H
#define TOLL_SIMD_MOVED_H

#include "base/ask.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct toll_moved_in {
    size_t stride;          /* books, rounded up to a multiple of 8 */
    const int64_t *charges; /* by row, `stride` words each: of the books; 64-byte aligned */
    const int64_t *charge;  /* by row: the base's */
    const uint32_t *slot;   /* by row: which record of sums */
    const uint32_t *list;   /* the rows; of other rows nothing is read */
    size_t count;
};
struct toll_moved_out {
    int64_t *sums;  /* records of `stride` words; 64-byte aligned */
    int64_t *sizes; /* `stride` words, 64-byte aligned: the sizes of all differences of a book are added */
};

/* A difference as large as this, two million currency units: nothing that was added can be trusted. */
#define TOLL_MOVED_MOST (INT64_C(1) << 48)
#define TOLL_MOVED_AHEAD 16 /* rows of the list whose sums are on their way from far memory */

/* False: some difference is not below TOLL_MOVED_MOST. */
typedef bool toll_moved_kernel(const struct toll_moved_in *in, const struct toll_moved_out *out);

/* The twins are there on x86-64 only. */
toll_moved_kernel toll_moved_scalar, toll_moved_avx2, toll_moved_avx512;

static TOLL_ASK void toll_moved_expect(const struct toll_moved_in *in, const struct toll_moved_out *out,
                                       size_t n)
{
    if (n + TOLL_MOVED_AHEAD < in->count)
        __builtin_prefetch(out->sums + in->slot[in->list[n + TOLL_MOVED_AHEAD]] * in->stride, 1);
}

#endif
