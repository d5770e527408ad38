/* The tables of a state: see run_tables.h. */
#include "segment/state_files.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TABLE(name, row, file, schema)          \
    static const struct toll_run_table name = { \
        file, {schema, name##_fields, COUNT(name##_fields)}, name##_offsets, sizeof(row)}

static const struct toll_arrow_field closings_fields[] = {{"account", TOLL_ARROW_UTF8, 0},
                                                          {"closing", TOLL_ARROW_INT64, 0}};
static const uint16_t closings_offsets[] = {offsetof(struct toll_state_closing, account),
                                            offsetof(struct toll_state_closing, closing)};
TABLE(closings, struct toll_state_closing, "state_closings.arrow", "state_closings/1");

static const struct toll_arrow_field charges_fields[] = {
    {"account", TOLL_ARROW_UTF8, 0}, {"period", TOLL_ARROW_UTF8, 0}, {"charge", TOLL_ARROW_INT64, 8}};
static const uint16_t charges_offsets[] = {offsetof(struct toll_state_charge, account),
                                           offsetof(struct toll_state_charge, period),
                                           offsetof(struct toll_state_charge, charge)};
TABLE(charges, struct toll_state_charge, "state_charges.arrow", "state_charges/1");

static const struct toll_arrow_field parts_fields[] = {
    {"day", TOLL_ARROW_INT64, 0},        {"part", TOLL_ARROW_INT32, 0},
    {"generation", TOLL_ARROW_INT64, 0}, {"rows", TOLL_ARROW_INT64, 0},
    {"bytes", TOLL_ARROW_INT64, 0},      {"digest_high", TOLL_ARROW_INT64, 0},
    {"digest_low", TOLL_ARROW_INT64, 0}, {"closed", TOLL_ARROW_INT64, 0},
    {"first_word", TOLL_ARROW_INT64, 0},
};
static const uint16_t parts_offsets[] = {
    offsetof(struct toll_state_part, day),        offsetof(struct toll_state_part, part),
    offsetof(struct toll_state_part, generation), offsetof(struct toll_state_part, rows),
    offsetof(struct toll_state_part, bytes),      offsetof(struct toll_state_part, digest_high),
    offsetof(struct toll_state_part, digest_low), offsetof(struct toll_state_part, closed),
    offsetof(struct toll_state_part, first_word),
};
TABLE(parts, struct toll_state_part, "state_parts.arrow", "state_parts/1");

static const struct toll_arrow_field closed_fields[] = {{"rows", TOLL_ARROW_INT64, 0}};
static const uint16_t closed_offsets[] = {0};
TABLE(closed, int64_t, "state_closed.arrow", "state_closed/1");

#define PLACE(rows, count) offsetof(struct toll_state, rows), offsetof(struct toll_state, count)
const struct toll_state_table toll_state_tables[TOLL_STATE_FILES] = {
    [TOLL_STATE_CHARGES] = {"state_charges.arrow", &charges, PLACE(charges, charge_count)},
    [TOLL_STATE_CLOSED] = {"state_closed.arrow", &closed, PLACE(closed_words, word_count)},
    [TOLL_STATE_CLOSINGS] = {"state_closings.arrow", &closings, PLACE(closings, closing_count)},
    [TOLL_STATE_PARTS] = {"state_parts.arrow", &parts, PLACE(parts, part_count)},
    [TOLL_STATE_POOL_DRAWS] = {"state_pool_draws.arrow", &toll_run_pool_draws, PLACE(draws, draw_count)},
    [TOLL_STATE_POOLS] = {"state_pools.arrow", &toll_run_pools, PLACE(pools, pool_count)},
    [TOLL_STATE_TIER_COUNTS] = {"state_tier_counts.arrow", &toll_run_tier_counts, PLACE(counts, count_count)},
};
