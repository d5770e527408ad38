/* The taxes of a run's lines, from its tables: the components of a tuple, read once for many lines. */
#ifndef TOLL_PIPELINE_READER_TAXES_H
#define TOLL_PIPELINE_READER_TAXES_H

#include "segment/run.h"
#include "tax/rational.h"

/* A component's coefficients as numbers. */
struct toll_reader_tax {
    struct toll_rational per_charge, per_minute, taxed, taxed_per_minute;
    struct toll_rational exempt;     /* what is exempt of a unit of charge */
    struct toll_rational taxed_part; /* 1 less the exempt part */
    bool known;                      /* what is taxed is a function of the line */
};
struct toll_reader_taxes {
    int32_t tuple; /* whose components these are; 0 none */
    const struct toll_tuple_row *row;
    const struct toll_component_row *components;
    struct toll_reader_tax *numbers;
    struct toll_line_tax *taxes;
    char (*texts)[3][TOLL_RATIONAL_TEXT_BYTES]; /* of base, exempt and tax */
    size_t count, room;
};
/* As toll_run_line_taxes (tollmill_segment.h). */
int toll_reader_taxes_of(struct toll_reader_taxes *taxes, const struct toll_run_tables *tables, int32_t tuple,
                         int64_t charge, int64_t billed, struct toll_line_taxes *out,
                         struct toll_error *error);
void toll_reader_taxes_free(struct toll_reader_taxes *taxes); /* safe on a zeroed struct */

/* A tuple's row and its components in the tables, NULL and 0: it has none there. */
const struct toll_tuple_row *toll_reader_tuple(const struct toll_run_tables *tables, int32_t tuple);
const struct toll_component_row *toll_reader_components(const struct toll_run_tables *tables, int32_t tuple,
                                                        size_t *count);

#endif
