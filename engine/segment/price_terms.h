/* What many price rows say alike (all but id, prefix, destination, rate and line): each once, numbered. Of
 * millions of rows it is some dozens; price_terms.arrow lists them. */
#ifndef TOLL_SEGMENT_PRICE_TERMS_H
#define TOLL_SEGMENT_PRICE_TERMS_H

#include "segment/run.h"

struct toll_price_terms_slot;
/* Zeroed to begin with; one thread's. */
struct toll_price_terms {
    struct toll_price_row *rows;   /* met so far: a row with such terms, whose texts are borrowed */
    uint32_t *numbers;             /* of each, from 0: the same where only the places of texts differ */
    struct toll_price_row *firsts; /* by number: the first */
    size_t row_count, row_room, count, room;
    struct toll_price_terms_slot *by_place, *by_content; /* a power of two each */
    size_t place_slots, content_slots;
    uint32_t *ids; /* by number: in price_terms.arrow, when it is known */
};

/* False: out of memory. */
bool toll_price_terms_number(struct toll_price_terms *terms, const struct toll_price_row *row,
                             uint32_t *number);
void toll_price_terms_free(struct toll_price_terms *terms);
/* Each once, ascending, from all of `lists`, with its id from 1 on, which `ids` of the lists tell, too. NULL:
 * out of memory. */
struct toll_price_row *toll_price_terms_join(struct toll_price_terms *const *lists, unsigned list_count,
                                             size_t *count);

#endif
