/*
 * What is charged of a call of which bundles have given a part: docs/RATING.md section 12.2. Of lines that a
 * deck, a flat rule or a mark-up prices; calls that change their rate are rating/walk.h's, tiers are
 * rating/tiers.h's.
 */
#ifndef TOLL_RATING_REMAINDER_H
#define TOLL_RATING_REMAINDER_H

#include "ratetable/layout.h"

#include <stdbool.h>

/* What bundles have given of one call. */
struct toll_given {
    int64_t by_used;   /* units drawn by debit used; 0: none, and the call's units used are as they were */
    int64_t used_rest; /* units used that these have left; without by_used without meaning */
    int64_t by_billed; /* units drawn by debit billed, off the front of what is billed */
    bool connect;      /* some bundle drawn on has connect_fee charged */
};

struct toll_remainder {
    int64_t rest;   /* billed units of which by_billed are given: of the call, or of what by_used left */
    int64_t billed; /* of the line: by_used + rest */
    bool all;       /* nothing remains to be charged */
};

/* The units that `used_rest` > 0 units bill by a price row that is not walked: section 7 from step 2 on.
 * False: beyond 2^31. */
bool toll_remainder_units(const struct toll_terms *terms, int64_t used_rest, int64_t *rest);
/* billed: of the whole call; rest: what used_rest bills, where by_used is not 0 and used_rest neither. False:
 * the line's billed units are beyond 2^31. */
bool toll_remainder_make(const struct toll_given *given, int64_t billed, int64_t rest,
                         struct toll_remainder *remainder);
/* The charge; *charge is that of the whole call before. Not for walked calls of which something remains.
 * False: beyond what 64 bits hold. */
bool toll_remainder_charge(const struct toll_terms *terms, const struct toll_given *given,
                           const struct toll_remainder *remainder, toll_money *charge);

#endif
