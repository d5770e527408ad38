/*
 * Calls that several books charge by other rates than a base: everything of a line stands but the charge.
 * The books' rates for one price row of the base lie side by side, a cache line for eight of them, and so do
 * the charges of a row.
 */
#ifndef TOLL_SIMD_REPRICE_H
#define TOLL_SIMD_REPRICE_H

#include "simd/layout_voice.h"

#include <stddef.h>

#define TOLL_REPRICE_LANES 8

struct toll_reprice_in {
    size_t stride; /* books, rounded up to a multiple of 8 */
    /* By record, `stride` words each, 64-byte aligned: rate << TOLL_VOICE_RATE_SHIFT | profile; 0: the book
     * charges what the base does. */
    const uint64_t *rates;
    const uint16_t *profile; /* by record: that of all its words but 0; 0: they have several */
    const struct toll_voice_profile *profiles; /* of them only the part about money is read */
    /* By row: */
    const uint32_t *record; /* 0: all books charge what the base does */
    const uint32_t *rest;   /* units to be charged, below 2^26 */
    const int64_t *charge;  /* the base's */
};

/* charges[i * stride + k] = what book k charges for row i. 64-byte aligned. */
typedef void toll_reprice_kernel(const struct toll_reprice_in *in, size_t rows, int64_t *charges);

/* The twins are there on x86-64 only. */
toll_reprice_kernel toll_reprice_scalar, toll_reprice_avx2, toll_reprice_avx512;

/* One book's charge. */
static inline int64_t toll_reprice_one(const struct toll_reprice_in *in, uint64_t word, uint64_t rest,
                                       int64_t charge)
{
    const struct toll_voice_profile *f = &in->profiles[word & (TOLL_VOICE_PROFILES - 1)];
    uint64_t amount = f->connect + (word >> TOLL_VOICE_RATE_SHIFT) * rest;
    amount = amount < f->minimum ? f->minimum : amount;
    amount = amount > f->maximum ? f->maximum : amount;
    const uint64_t whole = (uint64_t)((unsigned __int128)amount * f->magic >> 64) >> f->shift;
    return word == 0 ? charge : (int64_t)(whole * f->quantum);
}

#endif
