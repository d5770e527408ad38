/* The CDRs that a finished run answers, for whoever reads both. */
#ifndef TOLL_PIPELINE_RUN_CDRS_H
#define TOLL_PIPELINE_RUN_CDRS_H

#include "mmap_cdr/dataset.h"
#include "segment/run.h"

/* Opens the dataset at `path` with the parts that the run rated, in its order, also where it was imported
 * into since. For reading only; closed again after an error. missing: the code where it is another dataset,
 * or a part is not there any more (TOLL_EDATA or TOLL_ENOINPUT). */
int toll_run_cdrs_open(struct toll_dataset *dataset, const struct toll_run_files *run, const char *path,
                       int missing, struct toll_error *error);

#endif
