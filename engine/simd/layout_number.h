/* The number map as the probe kernel walks it: part of the book's image (ratetable/layout.h). */
#ifndef TOLL_SIMD_LAYOUT_NUMBER_H
#define TOLL_SIMD_LAYOUT_NUMBER_H

#include <stdint.h>

/* Open addressing, linear probing, any capacity: first slot = (key * TOLL_NUMBER_HASH >> 32) * capacity
 * >> 32. The load is at most 0.69, so <= 24 bytes a number. key 0 is an empty slot. */
struct toll_number_slot {
    uint64_t key;   /* packed BCD */
    uint32_t owner; /* index into owners, or TOLL_OWNER_DATED | index into owner_dates lists */
    uint32_t spare; /* 0 */
};
_Static_assert(sizeof(struct toll_number_slot) == 16, "stored");
#define TOLL_NUMBER_HASH UINT64_C(0x9E3779B97F4A7C15)
#define TOLL_OWNER_DATED 0x80000000u

static inline uint64_t toll_number_first_slot(uint64_t key, uint64_t capacity)
{
    return ((key * TOLL_NUMBER_HASH >> 32) * capacity) >> 32;
}

#endif
