/*
 * Kernels that list rows: each writes the rows of a block that have to be looked at more closely, ascending,
 * and returns how many; behind these the list holds anything. Most rows are listed by none.
 */
#ifndef TOLL_SIMD_LISTS_H
#define TOLL_SIMD_LISTS_H

#include "simd/layout_call.h"

#include <stddef.h>

/* Rows that may have another payer than their near end: a charged number, or a trunk or hint that its map, by
 * the column's values, knows as not 0; but no incoming leg. Columns may be NULL. */
struct toll_other_payers_in {
    const uint64_t *charged;
    const int32_t *trunk, *hint;
    const uint32_t *trunks, *hints;
    const uint16_t *kind;
};
typedef size_t toll_other_payers_kernel(const struct toll_other_payers_in *in, size_t rows, uint32_t *list);

/* Rows that may be on net: both ends E.164, no class in the class byte, somebody near, and the far end, the
 * caller of incoming rows, in an exchange whose bit is set (toll_exchange_bit). numbers[k]: that of list[k].
 */
struct toll_far_ends_in {
    const uint64_t *caller, *callee;
    const uint16_t *kind;
    const uint8_t *class_jurisdiction;
    const uint32_t *near_owner;
    const uint64_t *exchanges;
};
typedef size_t toll_far_ends_kernel(const struct toll_far_ends_in *in, size_t rows, uint32_t *list,
                                    uint64_t *numbers);

/* Outgoing voice rows with a bucket whose status is one of the bits 1 << status, below 32. */
typedef size_t toll_counted_kernel(const uint16_t *kind, const uint8_t *status, const uint32_t *bucket,
                                   uint32_t statuses, size_t rows, uint32_t *list);

/* Rows whose kind has other `bits` than `value`. */
typedef size_t toll_other_kinds_kernel(const uint16_t *kind, uint16_t bits, uint16_t value, size_t rows,
                                       uint32_t *list);

/* Rows that may draw on a bundle: rated and no credit, of an owner whose bit is set, of a call whose key's
 * bit is set. call_keys[k]: the key of list[k], its low 8 bits. */
struct toll_may_draw_in {
    const uint16_t *kind;
    const uint8_t *status, *class_jurisdiction;
    const uint32_t *owner;
    const uint32_t *owners; /* a bit by owner */
    const uint32_t *keys;   /* a bit by toll_call_key */
};
typedef size_t toll_may_draw_kernel(const struct toll_may_draw_in *in, size_t rows, uint32_t *list,
                                    uint8_t *call_keys);

struct toll_list_kernels {
    toll_other_payers_kernel *other_payers;
    toll_far_ends_kernel *far_ends;
    toll_counted_kernel *counted;
    toll_other_kinds_kernel *other_kinds;
    toll_may_draw_kernel *may_draw;
};
/* The twins are there on x86-64 only. */
extern const struct toll_list_kernels toll_lists_scalar, toll_lists_avx2, toll_lists_avx512;

#endif
