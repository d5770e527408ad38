/*
 * What every verb of the command shares: its output, its way to talk, its exit codes.
 *
 * stdout is data, stderr is talk. The command's own names begin with cmd_, so that they never meet the
 * library's. A verb returns the process's exit code: the sysexits numbers of tollmill_error.h, see
 * toll_exit_code().
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "output.h"
#include "progress.h"
#include "tollmill.h"

#include <stdbool.h>

enum cmd_exit {
    CMD_OK = 0,
    CMD_FINDINGS = 1,
    CMD_USAGE = 2,
    CMD_DATA = 65,
    CMD_NOINPUT = 66,
    CMD_BUG = 70,
    CMD_CREATE = 73,
    CMD_IO = 74,
    CMD_LOCKED = 75,
    CMD_BOOK = 78,
};

struct cmd {
    const char *verb;
    struct cmd_output out; /* stdout */
    bool json, quiet;
    bool colour;     /* stderr is a terminal and NO_COLOR is not set */
    int progress_as; /* enum cmd_progress_as */
    struct cmd_progress progress;
    int64_t findings; /* diagnostics told so far */
};

/* Every verb: argv[0] is the verb itself. */
int cmd_import(struct cmd *cmd, int argc, char **argv);
int cmd_compile(struct cmd *cmd, int argc, char **argv);
int cmd_check(struct cmd *cmd, int argc, char **argv);
int cmd_rate(struct cmd *cmd, int argc, char **argv);
int cmd_rerate(struct cmd *cmd, int argc, char **argv);
int cmd_ledger(struct cmd *cmd, int argc, char **argv);
int cmd_close(struct cmd *cmd, int argc, char **argv);
int cmd_compare(struct cmd *cmd, int argc, char **argv);
int cmd_verify(struct cmd *cmd, int argc, char **argv);
int cmd_summary(struct cmd *cmd, int argc, char **argv);
int cmd_report(struct cmd *cmd, int argc, char **argv);
int cmd_delta(struct cmd *cmd, int argc, char **argv);
int cmd_explain(struct cmd *cmd, int argc, char **argv);
int cmd_reconcile(struct cmd *cmd, int argc, char **argv);
int cmd_tax(struct cmd *cmd, int argc, char **argv);
int cmd_export(struct cmd *cmd, int argc, char **argv);
int cmd_whatif(struct cmd *cmd, int argc, char **argv);
int cmd_bench(struct cmd *cmd, int argc, char **argv);
int cmd_gen(struct cmd *cmd, int argc, char **argv);

/* Talk on stderr, after the progress line has been wiped. Without "tollmill: " before it and a newline after
 * it. */
void cmd_error(struct cmd *cmd, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cmd_note(struct cmd *cmd, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* not if --quiet */

/* Tells the error, under --json as a document too, and returns its exit code. */
int cmd_fail(struct cmd *cmd, const struct toll_error *error);
/* The same for an error that the command itself found. */
int cmd_fail_text(struct cmd *cmd, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The sink for the library's findings: file:line:column: severity [name]: text. --quiet keeps errors only. */
struct toll_reporter cmd_reporter(struct cmd *cmd);

/* Starts the progress line and returns the library's handle for it. */
struct toll_progress cmd_progress_begin(struct cmd *cmd);

#endif
