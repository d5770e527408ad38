/*
 * Requests of lines to draw on pools, as columns: a kernel writes them for the rows that may draw
 * (simd/lists.h), so that what is left to be done in the order of the calls reads little.
 */
#ifndef TOLL_SIMD_DRAWS_H
#define TOLL_SIMD_DRAWS_H

#include <stddef.h>
#include <stdint.h>

/* An owner who has one entitlement, at all times, to a pool of the book, for billed units to any destination
 * and with the connect fee waived. bundle 0: it is not so simple. */
struct toll_draw_owner {
    uint32_t bundle, pool;
};
_Static_assert(sizeof(struct toll_draw_owner) == 8, "gathered as one word");

/* What is asked of a line, and then what came of it. */
struct toll_draw_requests {
    int64_t *start;   /* ms */
    uint32_t *bundle; /* then: units included */
    uint32_t *pool;   /* of the book, then: the id of the first drawn on. TOLL_DRAW_FULL: index of `full` */
    int32_t *billed;  /* as if there were no bundles */
    uint32_t *terms;  /* 1 + index of terms, by which alone it was billed; 0: by TOLL_DRAW_FULL's */
    uint32_t *bucket;
    uint16_t *row; /* of the batch */
    uint8_t *key;  /* toll_call_key */
    uint8_t *flags;
};
#define TOLL_DRAW_FULL 1 /* the other flags: pipeline/draws.h */

/* Rows by place in a list, and the columns of their block. */
struct toll_ask_pools_in {
    const uint32_t *list;
    const uint8_t *call_keys; /* by place */
    const int64_t *start;
    const int32_t *billed;
    const uint32_t *terms, *bucket, *owner;
    const struct toll_draw_owner *owners;
    const uint32_t *bundle_keys; /* [bundle * 8 + key / 32]: a bit by key that the bundle is for */
    const uint32_t *places;      /* the row of the batch by row of the block; NULL: it is `first` later */
    uint32_t first;
};

/* Of simple owners with terms and more than 0 units a request to their pool, unless the bundle is not for
 * such calls; of all others one with TOLL_DRAW_FULL, whose pool is the place in the list. From requests[at]
 * on, as many places as there are rows may be written. Returns how many there are then; *full: how many of
 * them are full. */
typedef size_t toll_ask_pools_kernel(const struct toll_ask_pools_in *in, size_t count,
                                     const struct toll_draw_requests *requests, size_t at, size_t *full);

toll_ask_pools_kernel toll_ask_pools_scalar, toll_ask_pools_avx512; /* the twin on x86-64 only */

#endif
