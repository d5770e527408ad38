/* The lines of a taxed run against its tuples and buckets. */
#ifndef TOLL_SEGMENT_RUN_TUPLES_H
#define TOLL_SEGMENT_RUN_TUPLES_H

#include "segment/run.h"

struct toll_tuple_recount;
/* *out is NULL where the run has no tuples: then there is nothing to compare. */
int toll_tuple_recount_make(const struct toll_run_files *run, struct toll_tuple_recount **out,
                            struct toll_error *error);
void toll_tuple_recount_free(struct toll_tuple_recount *sums);
/* Takes line i off what its bucket says; day: of the part, in UTC. NULL, or what is wrong with it. */
const char *toll_tuple_recount_line(struct toll_tuple_recount *sums, const struct toll_line_batch *batch,
                                    int64_t i, int64_t day);
/* Whether nothing is left of any bucket; else *account is one where something is. */
bool toll_tuple_recount_all(const struct toll_tuple_recount *sums, int32_t *account);

#endif
