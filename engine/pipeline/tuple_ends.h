/*
 * Tuples of books with taxes that go by the ends of calls (docs/TAX.md section 4): kind and profile are not
 * all, the jurisdictions of the ends belong to them, and of these there are too many combinations to number.
 * So a first pass over the run lists which occur of (account and site, kind and span, ends); then ids are
 * given in order of the tuple as it would be without ends, and of the jurisdictions, and the second pass
 * looks them up.
 */
#ifndef TOLL_PIPELINE_TUPLE_ENDS_H
#define TOLL_PIPELINE_TUPLE_ENDS_H

#include "pipeline/tuples.h"

/* Where an end can be, as a number: places and states with the same jurisdictions have the same. */
#define TOLL_TAX_END_NONE 0u  /* abroad, or no number: it has none */
#define TOLL_TAX_END_WHERE 1u /* nobody knows: there should be some */

void toll_tuple_set_free(struct toll_tuple_set *set); /* safe on a zeroed struct */
/* The element, added if it is not there; NULL: out of memory. */
struct toll_tuple_seen *toll_tuple_set_add(struct toll_tuple_set *set, uint32_t bucket, uint32_t key,
                                           uint32_t ends);
const struct toll_tuple_seen *toll_tuple_set_find(const struct toll_tuple_set *set, uint32_t bucket,
                                                  uint32_t key, uint32_t ends);

struct toll_ended_tuple {
    int32_t base; /* the id that it would have without ends */
    struct toll_tax_set origin, two_of_three;
    bool no_leg_place;
};
struct toll_slot_place {
    uint32_t bucket;
    int32_t tuple;
};
struct toll_tuple_ends {
    const struct toll_tax_set *sets; /* by number of an end */
    uint32_t set_count;
    const uint16_t *of_place, *of_state; /* by the book's places and states */
    bool origin, two_of_three;           /* what the book asks for */
    bool given;                          /* the second pass: what follows is there */
    struct toll_tuple_set all;
    struct toll_ended_tuple *tuples; /* by id, [0] is none */
    struct toll_slot_place *slots;   /* by slot less the book's buckets */
    uint32_t tuple_count, slot_count;
    struct toll_arena arena;
};
/* *out is NULL where no tax asks. TOLL_EDATA: too many different ends; TOLL_ENOMEM. */
int toll_tuple_ends_make(const struct toll_book *book, struct toll_tuple_ends **out,
                         struct toll_error *error);
void toll_tuple_ends_free(struct toll_tuple_ends *ends); /* NULL is nothing */

struct toll_rater;
struct toll_row;
/* The ends of a call as struct toll_tuple_seen has them; site: the payer's. */
uint32_t toll_tuple_ends_of(const struct toll_tuple_ends *ends, const struct toll_rater *rater,
                            const struct toll_row *row, int32_t site);

/* Adds what a worker has seen to ends->all. */
int toll_tuple_ends_collect(struct toll_tuple_ends *ends, const struct toll_tuple_set *seen,
                            struct toll_error *error);
/* When all is there: gives the ids. */
int toll_tuple_ends_number(struct toll_tuples *tuples, struct toll_error *error);

#endif
