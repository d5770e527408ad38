/* Units used and billed: docs/RATING.md section 7. */
#ifndef TOLL_RATING_BILLED_H
#define TOLL_RATING_BILLED_H

#include "ratetable/layout.h"

#include <stddef.h>

enum toll_billed_outcome {
    TOLL_BILLED,      /* go on at the charge */
    TOLL_BILLED_ZERO, /* nothing was used and zero_s says free: no charge */
    TOLL_BILLED_OVERFLOW,
};

/* Seconds of a duration, rounded by `rounding`; a negative duration counts as 0. Without a deck:
 * TOLL_DURATION_UP. */
int64_t toll_units_of_ms(int32_t duration_ms, enum toll_duration_rounding rounding);

/* Billed units of a deck row for `used` >= 0 units. billed is 0 unless the outcome is TOLL_BILLED. */
enum toll_billed_outcome toll_billed(const struct toll_terms *terms, int64_t used, int32_t *billed);
/* The same for rules without a deck: the units used, as far as they are below 2^31. */
enum toll_billed_outcome toll_billed_as_used(int64_t used, int32_t *billed);

/*
 * Terms prepared for rows of voice: the division by the increment has become a multiplication. Only for the
 * terms of nearly all decks (append, no minimum or free units, zero_s free, a price); usable is 0 for the
 * others. Derived when a run is planned, never stored.
 */
struct toll_billed_fast {
    uint32_t initial, increment;
    uint32_t
        magic; /* x / increment = x * magic >> shift; floor(2^shift / increment) + 1: exact for x < 2^31 */
    uint16_t round_ms; /* added before cutting ms to s */
    uint8_t shift;     /* 31 + ceil(log2 increment) */
    uint8_t exact;     /* 1: only toll_billed knows */
};
_Static_assert(sizeof(struct toll_billed_fast) == 16, "four to a cache line");

struct toll_billed_fast toll_billed_fast_make(const struct toll_terms *terms);

/* A block of voice rows: row i has terms[index[i]] (fast[index[i]] made from it). Index 0 (no price): billed
 * 0. Gives billed and outcome (enum toll_billed_outcome) for each row, as toll_billed would. */
void toll_billed_block(const struct toll_terms *terms, const struct toll_billed_fast *fast,
                       const uint32_t *index, const int32_t *duration_ms, size_t rows, int32_t *billed,
                       uint8_t *outcome);

#endif
