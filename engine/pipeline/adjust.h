/*
 * What of a delta adjusts what was billed already (docs/RERATE.md section 3): adjusting lines and their
 * taxes. toll_delta_make opens it where a state is given, hands it each changed line, and at the end lets it
 * write adjusting.arrow and adjusting_taxes.arrow.
 */
#ifndef TOLL_PIPELINE_ADJUST_H
#define TOLL_PIPELINE_ADJUST_H

#include "segment/delta.h"

struct toll_adjust_side { /* there false: this run does not have the call, the rest is empty */
    bool there;
    const char *account, *account_name, *site, *currency; /* "" none */
    int64_t start;                                        /* ms since 1970 UTC */
    int64_t charge;
    const struct toll_tuple_row *tuple; /* NULL none */
};
struct toll_adjust_change {
    enum toll_delta_reason reason;
    struct toll_adjust_side before, after;
};

struct toll_book;
struct toll_adjust_runs { /* borrowed until the end */
    const struct toll_run_files *before, *after;
    const struct toll_book *old_book, *new_book; /* the runs' own */
    const char *old_run_path, *new_run_path;     /* for toll_taxes_open */
};

/* What toll_adjust_open would refuse of a policy; taxed: both runs are. TOLL_EUSAGE. */
int toll_adjust_check_policy(const struct toll_adjust_policy *policy, bool taxed, struct toll_error *error);

/* Whether a state is of the old run, of one behind it, or of the one that it rates again: it closed that very
 * run, or rows of its CDRs, as they were then or (known) as they are now. TOLL_EUSAGE: it is not. */
struct toll_state;
int toll_adjust_check_state(const struct toll_state *state, const char *state_path,
                            const struct toll_run_files *old_run, bool known, struct toll_error *error);

struct toll_adjust;
/* Reads the state, which must be of the old run or of one behind it. */
int toll_adjust_open(struct toll_adjust **out, const struct toll_io *io, const char *closed_path,
                     const struct toll_adjust_policy *policy, const struct toll_adjust_runs *runs,
                     struct toll_error *error);
/* A changed line, in their order, from one thread; texts are borrowed until toll_adjust_close. *closed: it is
 * of a closed cycle, on either side. */
int toll_adjust_line(struct toll_adjust *adjust, const struct toll_adjust_change *change, bool *closed,
                     struct toll_error *error);
/* Adds both tables to the writer, and what the manifest says of the state and the policy (from has_closed
 * on; its texts are borrowed until toll_adjust_close). *count: adjusting lines. */
int toll_adjust_end(struct toll_adjust *adjust, struct toll_delta_writer *writer,
                    struct toll_delta_manifest *manifest, int64_t *count, struct toll_error *error);
void toll_adjust_close(struct toll_adjust *adjust); /* NULL is fine */

#endif
