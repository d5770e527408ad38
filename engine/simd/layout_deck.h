/* How the bulk passes ask a deck, in one word by deck id: made when a run is planned, never stored. */
#ifndef TOLL_SIMD_LAYOUT_DECK_H
#define TOLL_SIMD_LAYOUT_DECK_H

#include <stdint.h>

/* Bits. None: by the callee as dialled. */
#define TOLL_WAY_LRN 0x01u
#define TOLL_WAY_CALLER 0x02u
#define TOLL_WAY_PAIR 0x04u
#define TOLL_WAY_CALLTYPE 0x08u
#define TOLL_WAY_BASIS_BITS 0x70u /* its rates are chosen by a basis that is not the book's */
static inline unsigned toll_way_of_basis(unsigned basis)
{
    return 0x40u | basis << 4;
}

/* Above them two bits by jurisdiction: which of a row's four prices (enum toll_rate_column); 0 where there is
 * one. */
#define TOLL_WAY_COLUMN_SHIFT 8
static inline unsigned toll_way_column(uint32_t way, unsigned jurisdiction)
{
    return way >> (TOLL_WAY_COLUMN_SHIFT + 2 * jurisdiction) & 3;
}

#endif
