/* The files of a state, for the files of this room. */
#ifndef TOLL_SEGMENT_STATE_FILES_H
#define TOLL_SEGMENT_STATE_FILES_H

#include "segment/run_checks.h"
#include "segment/run_tables.h"
#include "segment/run_text.h"
#include "segment/state.h"

#define TOLL_STATE_MANIFEST "state.json"
#define TOLL_STATE_SCHEMA "tollmill.state/1"

enum toll_state_file {
    TOLL_STATE_CHARGES,
    TOLL_STATE_CLOSED,
    TOLL_STATE_CLOSINGS,
    TOLL_STATE_PARTS,
    TOLL_STATE_POOL_DRAWS,
    TOLL_STATE_POOLS,
    TOLL_STATE_TIER_COUNTS,
    TOLL_STATE_FILES
};
struct toll_state_table {
    const char *file;
    const struct toll_run_table *table;
    uint16_t rows, count; /* offsets in struct toll_state */
};
extern const struct toll_state_table toll_state_tables[TOLL_STATE_FILES]; /* in order of their names */

/* Whether the rows make sense by themselves and together. */
bool toll_state_good(const struct toll_state *state, bool *no_memory);

#endif
