/* Places while they are compiled: what npanxx.csv and the built-in area codes name, as far as local_areas.csv
 * refers to it. */
#ifndef TOLL_RATETABLE_PLACES_H
#define TOLL_RATETABLE_PLACES_H

#include "ratetable/build.h"

struct toll_places {
    struct toll_build *build;
    struct toll_strings ratecenters; /* country, NUL, state, NUL, name, in capitals: by the image's id */
    struct toll_table_names names;   /* of ratecenters in the book's country */
    struct toll_buffer name_ids; /* uint32_t by name's id - 1: the ratecenter; 0: several states have it */
    struct toll_buffer scratch;  /* char */
};

/* A key of several texts, in capitals, with NUL between them, in places->scratch. NULL: out of memory. */
const char *toll_places_key(struct toll_places *places, const char *const *texts, int count, size_t *bytes);

/* npanxx.csv and the built-in table -> PLACE_LPM, PLACES, RATECENTER_NAMES. */
int toll_npanxx_read(struct toll_places *places);
/* local_areas.csv -> LOCAL_PAIRS. */
int toll_local_areas_read(struct toll_places *places);
/* calltypes.csv -> CALLTYPE_WORDS. */
int toll_calltypes_read(struct toll_places *places);

#endif
