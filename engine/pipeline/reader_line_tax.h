/*
 * What a line's billable taxes come to, for walks over all lines: the coefficients of each tuple are summed
 * once and kept in a few words.
 */
#ifndef TOLL_PIPELINE_READER_LINE_TAX_H
#define TOLL_PIPELINE_READER_LINE_TAX_H

#include "segment/run.h"

struct toll_line_tax_sum { /* of a tuple: tax = charge x p / q + minutes x minute_p / minute_q */
    int64_t p, q, minute_p, minute_q;
    uint8_t state; /* 0: not looked at */
};
struct toll_line_tax_sums {
    struct toll_line_tax_sum *sums; /* by place in tables->tuples */
};

/* As toll_run_line_tax (tollmill_segment.h). */
int toll_reader_line_tax(struct toll_line_tax_sums *sums, const struct toll_run_tables *tables, int32_t tuple,
                         int64_t charge, int64_t billed, char *text, struct toll_error *error);
void toll_reader_line_tax_free(struct toll_line_tax_sums *sums); /* safe on a zeroed struct */

#endif
