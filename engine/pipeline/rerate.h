/* Inside of toll_rerate (tollmill_delta.h). */
#ifndef TOLL_PIPELINE_RERATE_H
#define TOLL_PIPELINE_RERATE_H

#include "pipeline/rate.h"
#include "tollmill_delta.h"

/* toll_rerate with what tests vary as arguments; tuning->predecessor and tuning->choice are set here. */
int toll_rerate_tuned(const struct toll_rerate_options *options, const struct toll_rate_tuning *tuning,
                      struct toll_rerate_result *result, struct toll_error *error);

/* Which lines of the old run are rated again, where not all are. */
struct toll_rerate_part {
    struct toll_merge_choice choice;
    struct toll_bucket_row *rows; /* choice.taken, behind an empty one */
    struct toll_strings texts;
};
bool toll_rerate_is_part(const struct toll_rerate_options *options);
/* Zero-initialised before; borrows from the options. */
int toll_rerate_choose(struct toll_rerate_part *part, const struct toll_io *io,
                       const struct toll_run_files *run, const struct toll_rerate_options *options,
                       struct toll_error *error);
void toll_rerate_part_free(struct toll_rerate_part *part);

/* Reads all lines of a run and its large tables, and compares them with their checksums, by a thread of its
 * own: begun, its end waited for (TOLL_EDATA), or left off. The run is borrowed until the last. tables: it
 * was opened bare, and its small tables are read, too; they are there after the end. hash: a twin of
 * toll_hash. */
struct toll_run_check;
int toll_run_check_begin(struct toll_run_check **out, struct toll_run_files *run, bool tables,
                         toll_hash_kernel *hash, struct toll_error *error);
int toll_run_check_end(struct toll_run_check *check, struct toll_error *error);
void toll_run_check_free(struct toll_run_check *check); /* NULL is fine */

#endif
