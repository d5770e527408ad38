/*
 * What the rules of each chain say, stated once when a run is planned: for most calls a chain of rules is one
 * answer, or one for each destination, and nothing is left to be walked row by row.
 */
#ifndef TOLL_PIPELINE_VERDICTS_H
#define TOLL_PIPELINE_VERDICTS_H

#include "book/book.h"
#include "pipeline/hot.h"

/* verdict as in the rules kernel (simd/layout_call.h), 0 where the rules have to be walked; rule_at: the rule
 * of the chain that says so. */
struct toll_decision {
    uint32_t verdict, rule_at;
};

/* More than that are not stated: the table should stay in near caches. */
#define TOLL_DECISIONS_MAX 32768u

struct toll_verdicts {
    const uint32_t *chain; /* by chain: of its first rule, if that has no conditions; [0] is 0 */
    const uint32_t *asks;  /* by chain: 1 + place of its decisions if some rule has a destination, else 0 */
    const struct toll_decision *decisions; /* [place * destinations + destination id]; NULL: too many */
    uint32_t destinations;
    struct toll_hot hot;
};

/* False: out of memory. The book is only read here. */
bool toll_verdicts_init(struct toll_verdicts *verdicts, const struct toll_book *book);
void toll_verdicts_free(struct toll_verdicts *verdicts); /* safe on a zeroed struct */

#endif
