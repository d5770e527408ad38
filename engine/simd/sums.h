/* Records of sums that rows are added to: the measures of a row become one record of whole cache lines, which
 * is added to a record in each of several planes. */
#ifndef TOLL_SIMD_SUMS_H
#define TOLL_SIMD_SUMS_H

#include <stddef.h>
#include <stdint.h>

#define TOLL_SUMS_WORDS 8 /* of a cache line: records are multiples of it */
#define TOLL_SUMS_PLANES 4

struct toll_sums_in {
    const int64_t *records; /* rows * words; 64-byte aligned */
    size_t words;
    struct {
        int64_t *sums; /* records of `stride` words, at least as many as a row's */
        size_t stride;
        const uint32_t *keys; /* by row: which record */
    } planes[TOLL_SUMS_PLANES];
    size_t plane_count;
};

/* Adds row by row. */
typedef void toll_sums_kernel(const struct toll_sums_in *in, size_t rows);

/* The twins are there on x86-64 only. */
toll_sums_kernel toll_sums_scalar, toll_sums_avx2, toll_sums_avx512;

#define TOLL_SUMS_AHEAD 16 /* rows whose sums are on their way from far memory */
static inline void toll_sums_expect(const struct toll_sums_in *in, size_t row)
{
    for (size_t p = 0; p < in->plane_count; p++) {
        const int64_t *to = in->planes[p].sums + in->planes[p].keys[row] * in->planes[p].stride;
        __builtin_prefetch(to, 1);
        if (in->words > TOLL_SUMS_WORDS)
            __builtin_prefetch(to + TOLL_SUMS_WORDS, 1);
    }
}

#endif
