/* tollmill summary RUN --pools: what bundles gave and have left, and what tiers counted, by period. */
#ifndef CMD_POOLS_H
#define CMD_POOLS_H

#include "command.h"

/* The exit code. top: pools (and counts) that are shown, negative: 20 for people, all for programs. */
int cmd_pools(struct cmd *cmd, const char *run, int64_t top, bool unmask);

#endif
