/*
 * How the verbs that read a run find the CDRs it answers.
 *
 * A run holds no paths, so that it can be moved and compared. Where the dataset was when the run was made
 * stands in stats.json, which is outside every hash: good enough as a default, and --cdrs overrides it.
 */
#ifndef CMD_RUNS_H
#define CMD_RUNS_H

#include "options.h"

#define CMD_PATH_BYTES 4096

/* The member "cdrs" of RUN/stats.json; false when there is none. */
bool cmd_stats_cdrs(const char *run_path, char path[CMD_PATH_BYTES]);

/* Decides the dataset: --cdrs when given, else stats.json's. Returns CMD_GO, or the exit code after having
 * said what to do. */
int cmd_cdrs_find(struct cmd *cmd, const char *run_path, const char *given, char path[CMD_PATH_BYTES]);

/* Opens a run with its CDRs. Returns CMD_GO, or the exit code after having told the error. */
int cmd_run_open(struct cmd *cmd, const char *run_path, const char *given, struct toll_run **run);

/* The option --cdrs of these verbs. */
#define CMD_OPTION_CDRS(variable)                                                           \
    {                                                                                       \
        .kind = CMD_TEXT, .name = "cdrs", .value = "DATASET",                               \
        .help = "where the run's CDRs are now (default: where they were when it was made)", \
        .target = &(variable)                                                               \
    }

#endif
