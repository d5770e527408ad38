/* Inside of pipeline/reprice.h: the rates of all books side by side. */
#ifndef TOLL_PIPELINE_REPRICE_TABLES_H
#define TOLL_PIPELINE_REPRICE_TABLES_H

#include "pipeline/reprice.h"

struct toll_repricing {
    const struct toll_book *base;
    const struct toll_book **books;
    unsigned count;
    size_t stride;
    toll_reprice_kernel *kernel;
    uint64_t *changed;   /* a bit for each price that some book has otherwise */
    uint32_t *record_of; /* by price; mapped; [0] and those that nobody changes are 0 */
    size_t record_of_bytes;
    uint64_t *rates; /* by record: simd/reprice.h */
    uint16_t *profile;
    size_t record_count, record_room;    /* [0] is nobody's */
    struct toll_voice_profile *profiles; /* [0] is zero */
    size_t profile_count, profile_room;
    bool crowded; /* there are more profiles than that */
};
#define TOLL_REPRICE_PROFILES_MOST 4096

#endif
