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
    const struct toll_number_line *local; /* a line map: from ratecenter << 32 | to ratecenter is there */
    uint64_t local_lines;
    struct toll_hot hot;
};

/* words: where book->place_lpm's values are. The book must outlive it. */
int toll_call_areas_init(struct toll_call_areas *areas, const struct toll_book *book, const uint32_t *words,
                         struct toll_error *error);
void toll_call_areas_free(struct toll_call_areas *areas); /* safe on a zeroed struct */

#endif
