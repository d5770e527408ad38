/*
 * Which columns of a run's lines are narrow (segment/lines.h): those of which the book and the dataset's
 * manifest say beforehand that every value fits into 16 bits. So all parts of a run have the same ones, and
 * they do not depend on threads, or on which calls there are but for the longest.
 */
#ifndef TOLL_PIPELINE_LINE_WIDTHS_H
#define TOLL_PIPELINE_LINE_WIDTHS_H

#include "mmap_cdr/dataset.h"
#include "pipeline/pools.h"
#include "pipeline/rater.h"

/* Bits TOLL_LINES_NARROW of a run that rates dataset->parts[first..last). before: as in toll_pools_make.
 * rater->tuples: as far as it is made. Not of a merged run, whose ids are those of older books, too. */
unsigned toll_line_widths(const struct toll_rater *rater, const struct toll_dataset *dataset, size_t first,
                          size_t last, const struct toll_pools_before *before);

/* No line bills more than this where no call uses more than `used` > 0 units; INT64_MAX: who knows. */
int64_t toll_billed_most(const struct toll_book *book, int64_t used);

#endif
