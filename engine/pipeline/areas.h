/*
 * What the bulk passes know of places: the book's trie and its local pairs restated so that the jurisdiction
 * of most calls takes one look at each end's area code, and that of the others one at each end's place.
 */
#ifndef TOLL_PIPELINE_AREAS_H
#define TOLL_PIPELINE_AREAS_H

#include "book/book.h"
#include "pipeline/hot.h"
#include "simd/kernels.h"

/* A place as far as jurisdiction goes; by place id. */
struct toll_hot_place {
    uint32_t state; /* | TOLL_PLACE_ABROAD */
    uint32_t ratecenter;
};
#define TOLL_PLACE_ABROAD 0x80000000u

struct toll_call_areas {
    struct toll_areas areas; /* of the classify kernel; all 0 in a book without the American plan */
    const struct toll_hot_place *places;
    /* local_to[local_first[from]..local_first[from + 1]): ratecenters to which a call is local, ascending */
    const uint32_t *local_first, *local_to;
    /* centers[local * 1000 + digits 5-7]: the ratecenter of such numbers in the area with this number in its
     * word, TOLL_CENTER_FAR: the trie knows */
    const uint16_t *centers;
    struct toll_hot hot;
};
#define TOLL_CENTER_FAR 0xffffu

static inline bool toll_call_areas_local(const uint32_t *to, uint32_t count, uint32_t ratecenter)
{
    while (count > 16) {
        const uint32_t half = count / 2;
        to += ratecenter >= to[half] ? half : 0;
        count -= half;
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++)
        found |= to[i] == ratecenter;
    return found != 0;
}

/* words: where book->place_lpm's values are. The book must outlive it. */
int toll_call_areas_init(struct toll_call_areas *areas, const struct toll_book *book, const uint32_t *words,
                         struct toll_error *error);
void toll_call_areas_free(struct toll_call_areas *areas); /* safe on a zeroed struct */

#endif
