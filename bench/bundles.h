/*
 * Two worlds of bundles, frozen: the plain world's book and calls (world.h) and subscriptions beside them.
 *
 * `bundles`: a quarter of the accounts has a bundle of seconds a month that the account's ten numbers share;
 * those of busy accounts are used up in the first half of the month, the others last. `pools`: half of the
 * accounts share one pool, which carries half of the traffic, and an eighth has a bundle for each number;
 * calls abroad are in neither.
 */
#ifndef TOLL_BENCH_BUNDLES_H
#define TOLL_BENCH_BUNDLES_H

#include "world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As toll_world_write. */
int toll_bundles_write(const char *folder, const struct toll_world_size *size);
/* Its tables alone, into FOLDER/book, which the plain world has made. */
int toll_bundles_write_tables(const char *folder, const struct toll_world_size *size);
int toll_pools_write(const char *folder, const struct toll_world_size *size);

#ifdef __cplusplus
}
#endif

#endif
