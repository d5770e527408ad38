/*
 * The world of costs, frozen: the plain world's book and calls, and every call is bought, too: by default
 * from one vendor whose sheet has the same prefixes (148,000) as the retail deck, with rates, classes of
 * rates and increments of its own.
 */
#ifndef TOLL_BENCH_COST_H
#define TOLL_BENCH_COST_H

#include "world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As toll_world_write. */
int toll_cost_write(const char *folder, const struct toll_world_size *size);

#ifdef __cplusplus
}
#endif

#endif
