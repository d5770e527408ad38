/*
 * summary --suspense: what waits, by what would clear it.
 */
#ifndef CMD_WAITING_H
#define CMD_WAITING_H

#include "options.h"

/* cdrs: as given, or NULL. The command's exit code. */
int cmd_waiting(struct cmd *cmd, const char *run, const char *cdrs, size_t top, bool unmask);

#endif
