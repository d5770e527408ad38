/* Inside of the public run reader (tollmill_segment.h), for explain. */
#ifndef TOLL_PIPELINE_RUN_READER_H
#define TOLL_PIPELINE_RUN_READER_H

#include "pipeline/rate.h"

/* Everything known of one line. Views live until the reader moves on. */
struct toll_reader_row {
    struct toll_row row;                /* as rating sees it; only with a dataset */
    const struct toll_rater *rater;     /* of the book that priced the line; only with a dataset */
    int32_t price_shift;                /* the line's price id is the book's own plus this */
    bool kept;                          /* the book is an older one: the line is an earlier run's */
    const struct toll_cdr_part *part;   /* NULL without a dataset */
    const struct toll_cdr_batch *batch; /* NULL without a dataset */
    const struct toll_line_batch *lines;
    int64_t index; /* of both */
    const char *day;
    int64_t day_row; /* of the day */
};

/* toll_run_open and toll_explain (tollmill_segment.h, tollmill.h) with the system's calls as an argument. */
int toll_run_open_with(const struct toll_io *io, const char *run_path, const char *dataset_path,
                       struct toll_run **out, struct toll_error *error);
int toll_explain_with(const struct toll_io *io, const char *run_path, const char *dataset_path,
                      const char *day, int64_t row, bool unmask, struct toll_explanation *out,
                      struct toll_error *error);

/* Goes to a day's row: TOLL_EUSAGE when there is none. */
int toll_run_seek(struct toll_run *run, const char *day, int64_t row, struct toll_reader_row *out,
                  struct toll_error *error);
/* Goes on to the next row in suspense (after a rewind: the first), by the run's own book whichever left it
 * there: 1, 0 at the end, negative on error. Needs the dataset; CDRs are read only where there is such a row.
 */
int toll_run_next_suspended(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error);
/* Goes on to the next row of all (after a rewind: the first), by the run's own book whichever priced the
 * line: 1, 0 at the end, negative on error. Needs the dataset. */
int toll_run_next_row(struct toll_run *run, struct toll_reader_row *out, struct toll_error *error);
/* Goes on to the next row (after a rewind: the first) that a bundle gave something or that tiers priced, of
 * an account of the run's table (0: of all): 1, 0 at the end, negative on error. Needs the dataset; not for
 * merged runs. CDRs are read only where there is such a row. */
int toll_run_next_drawn(struct toll_run *run, int32_t account, struct toll_reader_row *out,
                        struct toll_error *error);
/* The run's own book. */
const struct toll_rater *toll_run_rater(const struct toll_run *run);
/* Id of a price in the run's table -> the row, NULL none. */
const struct toll_price_row *toll_run_price(struct toll_run *run, int32_t id);
const struct toll_run_files *toll_run_inside(const struct toll_run *run);

#endif
