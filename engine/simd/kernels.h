/*
 * Kernels on plain arrays. One file per kernel and instruction set; name_scalar.c is the specification and
 * every twin gives the same bits. The pipeline selects one table at the start and passes it along.
 *
 * All arrays have `rows` elements and do not overlap; any row count, no alignment beyond the element's.
 */
#ifndef TOLL_SIMD_KERNELS_H
#define TOLL_SIMD_KERNELS_H

#include "simd/layout_lpm.h"
#include "simd/number_lines.h"

#include <stdbool.h>
#include <stddef.h>

struct toll_kernels {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* owners[i] = the owner field of the number keys[i], 0 when it is not there or 0. At least one of the
     * lines has an empty place (line_count 0: nothing is there). */
    void (*probe)(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                  size_t rows, uint32_t *owners);

    /* values[i] = what deck tables[decks[i]] has for the number keys[i] (E.164, packed BCD): never a NODE.
     * Deck 0 means "not wanted" and gives 0. */
    void (*lpm)(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                const uint64_t *keys, size_t rows, uint32_t *values);
};

/* features: a set of enum toll_cpu_feature (base/cpu.h) that the processor must have; 0 gives the portable
 * kernels. Nothing is detected here. */
const struct toll_kernels *toll_kernels_select(unsigned features);

void toll_probe_scalar(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                       size_t rows, uint32_t *owners);
void toll_lpm_scalar(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                     const uint64_t *keys, size_t rows, uint32_t *values);

#if defined(__x86_64__)
void toll_probe_avx2(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                     size_t rows, uint32_t *owners);
void toll_probe_avx512(const struct toll_number_line *lines, uint64_t line_count, const uint64_t *keys,
                       size_t rows, uint32_t *owners);
void toll_lpm_avx2(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                   const uint64_t *keys, size_t rows, uint32_t *values);
void toll_lpm_avx512(const struct toll_lpm *tables, const uint32_t *words, const uint32_t *decks,
                     const uint64_t *keys, size_t rows, uint32_t *values);
#endif

/* One number, for whoever has only one. */
uint32_t toll_probe_one(const struct toll_number_line *lines, uint64_t line_count, uint64_t key);
uint32_t toll_lpm_one(const struct toll_lpm *table, const uint32_t *words, uint64_t key);

#endif
