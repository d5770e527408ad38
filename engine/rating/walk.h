/*
 * A call whose rate changes on its way, because rows differ by step, or by band in a deck with boundary
 * split: docs/RATING.md section 9.1. The call is walked from one change to the next, and what lies between is
 * a multiplication: 24 days of one-second increments cost as many steps as there are changes.
 */
#ifndef TOLL_RATING_WALK_H
#define TOLL_RATING_WALK_H

#include "rating/billed.h"

/* The rows of an entry; only those in force at the call's start are looked at. Each row's `per` divides
 * `per`, which is below 2^31. */
struct toll_walk_rows {
    const struct toll_entry_row *rows;
    const struct toll_entry_span *spans;
    uint32_t count;
    uint32_t per;                /* toll_entry.walk_per */
    uint32_t price_shift;        /* from a row's price to its id, enum toll_rate_column added */
    const uint32_t *price_terms; /* by price id: index of terms */
    const struct toll_terms *terms;
};

/* The band in force at an instant, and until when it is (later than `at`). */
struct toll_walk_bands {
    int32_t (*band)(void *context, toll_ms at, toll_ms *until);
    void *context;
};

/* Increments priced by one row without a change between them, in order; neighbours may have the same row. */
struct toll_walk_stretch {
    int64_t from, units; /* position of the first unit, and how many */
    uint32_t price;      /* column added */
    int32_t band;        /* in force then */
};
struct toll_walk_trace {
    void (*stretch)(void *context, const struct toll_walk_stretch *stretch);
    void *context;
};

enum toll_walk_outcome {
    TOLL_WALK_DONE,
    TOLL_WALK_ZERO,    /* nothing was used, and zero_s says free */
    TOLL_WALK_NO_BAND, /* no row for some increment */
    TOLL_WALK_BLOCKED, /* or one without a price */
    TOLL_WALK_NO_RATE,
    TOLL_WALK_OVERFLOW,
};
struct toll_walked {
    int32_t billed;
    toll_money charge;
    toll_total exact; /* TOLL_WALK_DONE: `per` times connect fee and increments, before minimum and maximum */
    uint32_t price;   /* TOLL_WALK_BLOCKED, TOLL_WALK_NO_RATE: the row, column added; else 0 */
};

/*
 * first: the terms of the row at the call's start. used: units (>= 0). bands: NULL: the band at the start,
 * start_band, holds to the end; else units are seconds. trace may be NULL; it is told nothing of what is not
 * reached. billed and charge are 0 unless the outcome is TOLL_WALK_DONE.
 */
enum toll_walk_outcome toll_walk(const struct toll_walk_rows *rows, const struct toll_terms *first,
                                 toll_ms start, int32_t start_band, int64_t used,
                                 const struct toll_walk_bands *bands, const struct toll_walk_trace *trace,
                                 struct toll_walked *walked);
/* The same call where a bundle has the first `included` >= 0 of its billed units (docs/RATING.md
 * section 12.2): they cost nothing, and are billed all the same. Stretches are told whole. */
enum toll_walk_outcome toll_walk_beyond(const struct toll_walk_rows *rows, const struct toll_terms *first,
                                        toll_ms start, int32_t start_band, int64_t used, int64_t included,
                                        const struct toll_walk_bands *bands,
                                        const struct toll_walk_trace *trace, struct toll_walked *walked);

#endif
