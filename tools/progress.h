/*
 * Progress on stderr: one line that is rewritten on a terminal, or a plain line now and then.
 *
 * Nothing appears in the first two seconds, nothing at all when stderr is no terminal (unless asked for).
 */
#ifndef CMD_PROGRESS_H
#define CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum cmd_progress_as { CMD_PROGRESS_AUTO, CMD_PROGRESS_TTY, CMD_PROGRESS_PLAIN, CMD_PROGRESS_OFF };

struct cmd_progress {
    enum cmd_progress_as as; /* decided: never AUTO */
    int64_t begin_ns, stage_ns, told_ns;
    char stage[64];
    int shown_width; /* characters of the line that stands on the terminal */
};

int64_t cmd_now_ns(void); /* monotonic */

void cmd_progress_start(struct cmd_progress *progress, enum cmd_progress_as as, bool quiet);
/* toll_progress.tick; context is a struct cmd_progress. */
void cmd_progress_tick(void *context, const char *stage, int64_t done, int64_t total, const char *unit);
/* Wipes the line, so that something else can be said. */
void cmd_progress_wipe(struct cmd_progress *progress);

#endif
