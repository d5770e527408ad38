/*
 * Units, charge and status of a block of answered voice calls, from their price rows: docs/RATING.md sections
 * 7 and 9, in one pass without branches. toll_billed and the functions of rating/charge.h are the rule.
 */
#ifndef TOLL_RATING_VOICE_H
#define TOLL_RATING_VOICE_H

#include "ratetable/layout.h"

#include <stddef.h>

/*
 * Terms prepared so that nothing is divided. Units: steps of the increment, x / increment = x * step_magic >>
 * step_shift. Money: everything in 1e-8 times per, n = clamp(connect + rate * billed), charge = n / (per *
 * quantum) * quantum, that division too by a multiplication; what rounding adds before cutting lies in
 * connect, minimum and maximum already. Derived when a run is planned, never stored.
 */
struct toll_voice_terms {
    uint64_t rate, connect, minimum, maximum;
    uint64_t magic; /* floor(2^(63 + log2) / divisor) + 1, log2 = ceil(log2 divisor) */
    uint32_t quantum;
    uint32_t initial, increment;
    uint32_t step_magic; /* floor(2^step_shift / increment) + 1: exact for x < 2^31 */
    uint16_t round_ms;   /* added before ms are cut to s */
    uint8_t step_shift;  /* 31 + ceil(log2 increment) */
    uint8_t shift;       /* log2 - 1, of the high half of the product */
    uint8_t status;      /* of a line of more than 0 s */
    uint8_t zero_status; /* of a line of 0 s; has a charge only if it is TOLL_RATED */
    uint8_t exact;       /* 1: only the rule knows, the above is 0 */
    uint8_t spare;
};
_Static_assert(sizeof(struct toll_voice_terms) == 64, "one cache line");

/* Terms of a mark-up rule, which needs more than a duration, must not reach the block. */
struct toll_voice_terms toll_voice_terms_make(const struct toll_terms *terms);

/*
 * Row i has terms[k] and fast[1 + k] where index[i] is 1 + k; 0 is no price row, and fast[0] is zero. Gives
 * billed and charge (0 without a price row), and sets the bits of the line's status in status[i], which is 0
 * before where there is a price row. What does not fit is suspended as overflow and loses its price row:
 * price[i] becomes 0.
 */
void toll_voice_block(const struct toll_terms *terms, const struct toll_voice_terms *fast,
                      const uint32_t *index, const int32_t *duration_ms, size_t rows, int32_t *price,
                      int32_t *billed, int64_t *charge, uint8_t *status);

#endif
