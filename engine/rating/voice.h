/*
 * Units, charge and status of a block of answered voice calls, from their price rows: docs/RATING.md sections
 * 7 and 9: the kernel does those whose terms it can, the others are done by the rule, which is toll_billed
 * and the functions of rating/charge.h.
 */
#ifndef TOLL_RATING_VOICE_H
#define TOLL_RATING_VOICE_H

#include "ratetable/layout.h"
#include "simd/kernels.h"

/* Terms of a mark-up rule, which needs more than a duration, must not reach the block. */
struct toll_voice_profile toll_voice_profile_make(const struct toll_terms *terms, uint64_t *rate);

/* All terms as the kernel takes them, in rates, of 1 + count, and profiles, of
 * toll_voice_profiles_most(count). Terms for which no profile is left are done by the rule. False: out of
 * memory. */
size_t toll_voice_profiles_most(size_t count);
bool toll_voice_terms_fill(const struct toll_terms *terms, size_t count, uint64_t *rates,
                           struct toll_voice_profile *profiles, struct toll_voice_terms *fast);

/*
 * Row i has terms[k], in `fast` 1 + k, where index[i] is 1 + k; 0 is no price row. Gives
 * billed and charge (0 without a price row), and sets the bits of the line's status in status[i], which is 0
 * before where there is a price row. What does not fit is suspended as overflow and loses its price row:
 * price[i] becomes 0. scratch: `rows` elements. next: see struct toll_next_rows.
 */
void toll_voice_block(const struct toll_kernels *kernels, const struct toll_terms *terms,
                      const struct toll_voice_terms *fast, const uint32_t *index, const int32_t *duration_ms,
                      const struct toll_next_rows *next, size_t rows, uint32_t *scratch, int32_t *price,
                      int32_t *billed, int64_t *charge, uint8_t *status);

#endif
